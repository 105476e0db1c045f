// The live area under a running command: a bar with n/m and the time left, and the steps under way. Drawn on a
// terminal only; elsewhere the same news are plain lines.

import { spanForPeople } from "../base/time.ts";
import type { News } from "../engine.ts";
import type { Progress } from "../run.ts";
import { oneLine, printable, type Terminal } from "./terminal.ts";

const DRAW_EVERY_MS = 100;
const STEPS_SHOWN_MAX = 6;
const BAR_WIDTH = 24;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

export interface LiveArea extends Disposable {
  take(news: News): void;
  /** Clears the area, so that something else may be asked; what there is to say meanwhile is said after. */
  hide(): Disposable;
}

interface State {
  title: string;
  readonly beganAt: number;
  readonly steps: Map<string, { readonly beganAt: number; attempt: number }>;
  done: number;
  failed: number;
  progress: { now: Progress; readonly first: number; readonly firstAt: number } | null;
  waiting: string | null;
  hidden: boolean;
  readonly unsaid: string[];
}

export function openLiveArea(terminal: Terminal, title: string): LiveArea {
  const state: State = {
    title,
    beganAt: Date.now(),
    steps: new Map(),
    done: 0,
    failed: 0,
    progress: null,
    waiting: null,
    hidden: false,
    unsaid: [],
  };
  let drawn = 0;
  const erase = (): void => {
    if (drawn > 0) process.stderr.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const say = (line: string): void => {
    erase();
    terminal.say(line);
  };
  const draw = (): void => {
    erase();
    if (state.hidden) return;
    const lines = linesOf(state, terminal, Date.now());
    process.stderr.write(`${lines.join("\n")}\n`);
    drawn = lines.length;
  };
  const timer = terminal.isLive ? setInterval(draw, DRAW_EVERY_MS) : null;
  return {
    take(news) {
      const said = takeNews(state, news, terminal);
      if (said === null) return;
      if (state.hidden) state.unsaid.push(said);
      else say(said);
    },
    hide() {
      state.hidden = true;
      erase();
      return {
        [Symbol.dispose]() {
          state.hidden = false;
          for (const said of state.unsaid.splice(0)) say(said);
        },
      };
    },
    [Symbol.dispose]() {
      if (timer !== null) clearInterval(timer);
      erase();
    },
  };
}

/** A bar with n/m for what has no run. On no terminal one line says what goes on. */
export interface Progressing extends Disposable {
  step(): void;
}

export function openProgress(terminal: Terminal, words: string, of: number): Progressing {
  let done = 0;
  const draw = (): void => {
    const filled = Math.round((done / Math.max(1, of)) * BAR_WIDTH);
    if (terminal.isLive)
      process.stderr.write(`\r${words} ${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${done}/${of}\u001b[K`);
  };
  if (!terminal.isLive) terminal.say(words);
  draw();
  return {
    step() {
      done++;
      draw();
    },
    [Symbol.dispose]() {
      if (terminal.isLive) process.stderr.write("\r\u001b[K");
    },
  };
}

/** Takes news in; gives the line to print for good, if any. */
function takeNews(state: State, news: News, terminal: Terminal): string | null {
  switch (news.kind) {
    case "step-began":
      state.steps.set(`${news.run} ${news.step}`, { beganAt: Date.now(), attempt: news.attempt });
      return null;
    case "step-ended":
      state.steps.delete(`${news.run} ${news.step}`);
      if (news.ok) state.done++;
      else state.failed++;
      return null;
    case "attempt-failed": {
      state.steps.delete(`${news.run} ${news.step}`);
      const inWords = spanForPeople(news.retryAt - Date.now());
      return terminal.style(
        "yellow",
        `retry  ${printable(news.step)}: attempt ${news.attempt} failed, again in ${inWords}: ${printable(saidOf(news.step, news.failure.message))}`,
      );
    }
    case "progress":
      takeProgress(state, news.progress);
      return null;
    case "status":
      state.waiting = news.status === "waiting" ? waitingWords(news.wakeAt) : null;
      return null;
    case "logged":
      return `${news.level.padEnd(5)} ${printable(news.message)}${news.data === null ? "" : ` ${printable(JSON.stringify(news.data))}`}`;
    default:
      return null;
  }
}

/** A service's failure begins with the service, which the step is named after. */
function saidOf(step: string, message: string): string {
  const [, target = ""] = /^([^\s:]+\/[^\s:]+): /.exec(message) ?? [];
  return target !== "" && (step === target || step.endsWith(` ${target}`)) ? message.slice(target.length + 2) : message;
}

function takeProgress(state: State, progress: Progress): void {
  const { first, firstAt } = state.progress ?? { first: progress.done, firstAt: Date.now() };
  state.progress = { now: progress, first, firstAt };
}

function waitingWords(wakeAt: number | null): string {
  return wakeAt === null ? "waiting" : `waiting, ${spanForPeople(wakeAt - Date.now())} at most`;
}

function linesOf(state: State, terminal: Terminal, now: number): string[] {
  const spinner = SPINNER[Math.floor(now / DRAW_EVERY_MS) % SPINNER.length] ?? "";
  const counts = `${state.done} steps done${state.failed > 0 ? `, ${state.failed} failed` : ""}`;
  const head = `${spinner} ${state.title}  ${state.waiting ?? `${state.steps.size} under way`}, ${counts}, ${spanForPeople(now - state.beganAt)}`;
  const bar = state.progress === null ? [] : [barLine(state.progress, now)];
  const steps = [...state.steps].slice(0, STEPS_SHOWN_MAX).map(([name, step]) => stepLine(name, step, now));
  const more = state.steps.size > STEPS_SHOWN_MAX ? [`  … and ${state.steps.size - STEPS_SHOWN_MAX} more`] : [];
  return [
    terminal.style("bold", oneLine(head, terminal.columns - 1)),
    ...[...bar, ...steps, ...more].map((line) => keepWidth(line, terminal.columns - 1)),
  ];
}

function keepWidth(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

function barLine({ now: { done, of, message }, first, firstAt }: NonNullable<State["progress"]>, now: number): string {
  const words = message === null ? "" : `  ${printable(message)}`;
  if (of === null || of <= 0) return `  ${done}${words}`;
  const share = Math.min(1, Math.max(0, done / of));
  const filled = Math.round(share * BAR_WIDTH);
  const rate = (done - first) / Math.max(1, now - firstAt);
  const left = rate > 0 && done < of ? `  about ${spanForPeople((of - done) / rate)} left` : "";
  return `  ${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${done}/${of}  ${Math.floor(share * 100)} %${left}${words}`;
}

function stepLine(name: string, { beganAt, attempt }: { beganAt: number; attempt: number }, now: number): string {
  const step = name.slice(name.indexOf(" ") + 1);
  return `  · ${printable(step)}${attempt > 1 ? ` (attempt ${attempt})` : ""}  ${spanForPeople(now - beganAt)}`;
}
