// Following a run to its end from a terminal: live news, questions in place, time-outs, Ctrl-C.

import { userInfo } from "node:os";
import type { Answerer, Question, RunView } from "../api.ts";
import { isProblemError } from "../base/problem.ts";
import type { Listener, News } from "../engine.ts";
import { isOwnerGone } from "../orchestrator.ts";
import { askPerson } from "./ask.ts";
import { onInterrupt } from "./interrupt.ts";
import { type LiveArea, openLiveArea } from "./live.ts";
import type { Terminal } from "./terminal.ts";

/** Whoever carries the run: this process, or an owner elsewhere. */
export interface Followable {
  readonly answerer: Answerer;
  listen(listener: Listener): Disposable;
  /** Resolves when it carries no more. */
  readonly gone: Promise<void>;
}

export interface FollowOptions {
  /** Starts or finds the run; called once somebody listens, so that nothing it does first is missed. */
  readonly begin: () => Promise<string>;
  readonly title: string;
  /** Until when to follow, Unix ms. */
  readonly until: number | null;
  readonly terminal: Terminal;
}

/** How following ended. `view` is how the run stood then. */
export interface Followed {
  readonly run: string;
  readonly because: "settled" | "timeout" | "person" | "interrupted" | "gone";
  readonly view: RunView | null;
}

type Because = Followed["because"];

/** How long a run may stand in line without a word, in ms. */
const IN_LINE_TOLD_AFTER_MS = 300;

const SETTLED = new Set(["completed", "failed", "canceled", "paused"]);

export async function follow(carrier: Followable, options: FollowOptions): Promise<Followed> {
  const { terminal } = options;
  const { promise: over, resolve: finish, reject } = Promise.withResolvers<Because>();
  const fail = (error: unknown): void => (isOwnerGone(error) ? finish("gone") : reject(error));
  using live = openLiveArea(terminal, options.title);
  using asker = questionAsker(carrier.answerer, terminal, live, () => finish("person"), fail);
  const family = newFamily((news) => {
    if (news.kind === "asked") asker.take(news.run, asQuestion(news));
    if (news.kind === "status" && news.run === family.first && SETTLED.has(news.status)) finish("settled");
    live.take(news);
  });
  using _listening = carrier.listen((news) => family.hear(news));
  using _ending = endings(options.until, finish);
  void carrier.gone.then(() => finish("gone"));

  const run = await options.begin();
  family.begin(run);
  // What happened before anybody listened, at an owner or in an earlier life of the run.
  void lookAt(carrier.answerer, run, family, asker, finish).catch(fail);
  using _waiting = tellOfLine(carrier.answerer, run, terminal);
  return await standing(carrier.answerer, run, await over);
}

/** An owner that carried the run to its end may leave before it is asked how the run stands. */
async function standing(answerer: Answerer, run: string, because: Because): Promise<Followed> {
  if (because === "gone") return { run, because, view: null };
  try {
    return { run, because, view: await answerer.call("runs.show", { run }) };
  } catch (error) {
    if (!isOwnerGone(error)) throw error;
    return { run, because: "gone", view: null };
  }
}

/** A run and those below it: whose news matter. What is heard before the first is known is kept. */
interface Family {
  first: string | null;
  begin(run: string): void;
  add(run: string): boolean;
  hear(news: News): void;
}

function newFamily(tell: (news: News) => void): Family {
  const members = new Set<string>();
  const early: News[] = [];
  const hear = (news: News): void => {
    if (news.kind === "started" && news.parent !== null && members.has(news.parent)) members.add(news.run);
    if (members.has(news.run)) tell(news);
  };
  return {
    first: null,
    begin(run) {
      this.first = run;
      members.add(run);
      for (const news of early.splice(0)) hear(news);
    },
    add(run) {
      const isNew = !members.has(run);
      members.add(run);
      return isNew;
    },
    hear(news) {
      if (this.first === null) early.push(news);
      else hear(news);
    },
  };
}

/** A run that does not get its turn at once says what it waits for. */
function tellOfLine(answerer: Answerer, run: string, terminal: Terminal): Disposable {
  const tell = async (): Promise<void> => {
    const { status, waitsFor } = await answerer.call("runs.show", { run });
    if (status === "pending" && waitsFor !== undefined) terminal.say(`${run}: ${waitsFor}`);
  };
  const timer = setTimeout(() => void tell().catch(() => undefined), IN_LINE_TOLD_AFTER_MS); // whoever is gone says so elsewhere
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

async function lookAt(
  answerer: Answerer,
  run: string,
  family: Family,
  asker: Asker,
  finish: (because: Because) => void,
): Promise<void> {
  const view = await answerer.call("runs.show", { run });
  if (SETTLED.has(view.status) && run === family.first) finish("settled");
  for (const question of view.questions) asker.take(run, question);
  for (const { child, endedAt } of view.operations) {
    if (child !== undefined && endedAt === undefined && family.add(child)) await lookAt(answerer, child, family, asker, finish);
  }
}

function asQuestion({ key, asked }: News & { kind: "asked" }): Question {
  return { ...asked, key, askedAt: "", deadlineAt: null };
}

interface Asker extends Disposable {
  take(run: string, question: Question): void;
}

/** Asks one question after the other; on no terminal, takes defaults and gives up on the rest. */
function questionAsker(
  answerer: Answerer,
  terminal: Terminal,
  live: LiveArea,
  giveUp: () => void,
  fail: (error: unknown) => void,
): Asker {
  const known = new Set<string>();
  const over = new AbortController();
  let last: Promise<void> = Promise.resolve();
  const answer = async (run: string, question: Question): Promise<void> => {
    if (terminal.isInteractive) {
      using _hidden = live.hide();
      const said = await askPerson(question, over.signal);
      if (said === null) giveUp();
      else await tell(answerer, run, question.key, said.value, "person");
    } else if (question.default === null) giveUp();
    else await tell(answerer, run, question.key, question.default.value, "default");
  };
  return {
    take(run, question) {
      const id = `${run} ${question.key}`;
      if (known.has(id)) return;
      known.add(id);
      last = last.then(() => (over.signal.aborted ? undefined : answer(run, question))).catch(fail);
    },
    [Symbol.dispose]: () => over.abort(),
  };
}

async function tell(answerer: Answerer, run: string, key: string, value: unknown, by: "person" | "default"): Promise<void> {
  try {
    await answerer.call("runs.answer", { run, key, value, by, who: by === "person" ? userInfo().username : null });
  } catch (error) {
    // Somebody else, or the deadline, was faster.
    if (!isProblemError(error) || (error.code !== "ASK_UNKNOWN" && error.code !== "RUN_ENDED")) throw error;
  }
}

/** The longest delay a timer takes, in ms; a longer one would fire at once. */
const TIMER_MS_MAX = 2_147_483_647;

/** The time-out of the command, and Ctrl-C. */
function endings(until: number | null, finish: (because: Because) => void): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const arm = (at: number): void => {
    const leftMs = Math.max(0, at - Date.now());
    timer = setTimeout(() => (Date.now() >= at ? finish("timeout") : arm(at)), Math.min(leftMs, TIMER_MS_MAX));
  };
  if (until !== null) arm(until);
  onInterrupt(() => finish("interrupted"));
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
