// Following a run to its end from a terminal: live news, questions in place, time-outs, Ctrl-C.

import { userInfo } from "node:os";
import type { Answerer, Question, RunView } from "../api.ts";
import { isProblemError } from "../base/problem.ts";
import type { Listener, News } from "../engine.ts";
import { askPerson } from "./ask.ts";
import { openLiveArea } from "./live.ts";
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
  readonly timeoutMs: number | null;
  readonly terminal: Terminal;
}

/** How following ended. `view` is how the run stood then. */
export interface Followed {
  readonly run: string;
  readonly because: "settled" | "timeout" | "person" | "interrupted" | "gone";
  readonly view: RunView | null;
}

type Because = Followed["because"];

const SETTLED = new Set(["completed", "failed", "canceled", "paused"]);

export async function follow(carrier: Followable, options: FollowOptions): Promise<Followed> {
  const { terminal } = options;
  const { promise: over, resolve: finish, reject } = Promise.withResolvers<Because>();
  using live = openLiveArea(terminal, options.title);
  const asker = questionAsker(
    carrier.answerer,
    terminal,
    () => live.hide(),
    () => finish("person"),
    reject,
  );
  const family = newFamily((news) => {
    if (news.kind === "asked") asker.take(news.run, asQuestion(news));
    if (news.kind === "status" && news.run === family.first && SETTLED.has(news.status)) finish("settled");
    live.take(news);
  });
  using _listening = carrier.listen((news) => family.hear(news));
  using _ending = endings(options.timeoutMs, finish);
  void carrier.gone.then(() => finish("gone"));

  const run = await options.begin();
  family.begin(run);
  // What happened before anybody listened, at an owner or in an earlier life of the run.
  void lookAt(carrier.answerer, run, family, asker, finish).catch(reject);
  const because = await over;
  if (because === "gone") return { run, because, view: null };
  return { run, because, view: await carrier.answerer.call("runs.show", { run }) };
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

interface Asker {
  take(run: string, question: Question): void;
}

/** Asks one question after the other; on no terminal, takes defaults and gives up on the rest. */
function questionAsker(
  answerer: Answerer,
  terminal: Terminal,
  hide: () => void,
  giveUp: () => void,
  fail: (error: unknown) => void,
): Asker {
  const known = new Set<string>();
  let last: Promise<void> = Promise.resolve();
  const answer = async (run: string, question: Question): Promise<void> => {
    if (terminal.isInteractive) {
      hide();
      const said = await askPerson(question);
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
      last = last.then(() => answer(run, question)).catch(fail);
    },
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

/** The time-out of the command, and Ctrl-C: once to close cleanly, twice to stop at once. */
function endings(timeoutMs: number | null, finish: (because: Because) => void): Disposable {
  const timer = timeoutMs === null ? null : setTimeout(() => finish("timeout"), timeoutMs);
  let interrupts = 0;
  const interrupt = (): void => {
    interrupts++;
    if (interrupts > 1) process.exit(130);
    process.stderr.write("\nclosing; Ctrl-C again stops at once\n");
    finish("interrupted");
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return {
    [Symbol.dispose]() {
      if (timer !== null) clearTimeout(timer);
      // The handlers stay: while Baton closes, a second Ctrl-C must still stop at once.
    },
  };
}
