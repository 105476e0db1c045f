// `baton run FILE` and `baton runs resume RUN`: carrying a run to its end, here or at the owner.

import { existsSync } from "node:fs";
import type { Answerer } from "../api.ts";
import { isProblemError } from "../base/problem.ts";
import { readSpan } from "../base/time.ts";
import { type Baton, findOwner, loadWorkflowFile, openBaton, type RemoteBaton } from "../orchestrator.ts";
import { fullName } from "../workflow.ts";
import { type Followable, type Followed, follow } from "./follow.ts";
import { readTypedInput } from "./input.ts";
import { cliProblems } from "./problems.ts";
import { endOf, type Told, tellEnd } from "./result.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

export interface CommonOptions {
  readonly data: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly input: boolean;
}

export interface RunOptions extends CommonOptions {
  readonly inputText?: string | undefined;
  readonly fields: readonly string[];
  readonly key?: string | undefined;
  readonly with: readonly string[];
  readonly allow: readonly string[];
  readonly detach: boolean;
  readonly timeout?: string | undefined;
}

/** What is to be carried: a workflow to start, or a run that exists. */
interface Wanted {
  readonly title: string;
  readonly files: readonly string[];
  readonly detach: boolean;
  /** Whether there must be somebody who carries it on when this command leaves. */
  readonly needsOwner: boolean;
  readonly timeoutMs: number | null;
  begin(at: Answerer): Promise<{ run: string; repeated: boolean }>;
  /** The line that carries it on. */
  again(run: string): string;
}

export async function runFile(target: string, options: RunOptions): Promise<number> {
  for (const host of options.allow) requireHost(host);
  const timeoutMs = readTimeout(options.timeout);
  const { workflow } = await loadWorkflowFile(target);
  const input = readTypedInput({ input: options.inputText, fields: options.fields }, workflow);
  const start = { workflow: fullName(workflow), input, ...(options.key === undefined ? {} : { key: options.key }) };
  return carry(options, {
    title: workflow.name,
    files: [target, ...options.with],
    detach: options.detach,
    needsOwner: options.detach,
    timeoutMs,
    begin: (at) => at.call("runs.start", start),
    again: (run) => (options.key === undefined ? `baton runs resume ${run}` : againLine(target, options)),
  });
}

function againLine(target: string, { inputText, fields, key = "" }: RunOptions): string {
  const input = [...(inputText === undefined ? [] : ["--input", inputText]), ...fields.flatMap((field) => ["-i", field])];
  return ["baton run", target, ...input, "--key", key]
    .map(quoted)
    .join(" ")
    .replace(/^'baton run'/, "baton run");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./#-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function readTimeout(text: string | undefined): number | null {
  if (text === undefined) return null;
  const spanMs = readSpan(text);
  if (spanMs === null) throw cliProblems.USAGE(`--timeout ${JSON.stringify(text)} is not a span like 30s, 5m or 1h30m.`);
  return spanMs;
}

function requireHost(host: string): void {
  if (!/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(host))
    throw cliProblems.USAGE(`--allow ${JSON.stringify(host)} is not HOST or HOST:PORT.`);
}

export interface ResumeOptions extends CommonOptions {
  readonly with: readonly string[];
  readonly wait: boolean;
  readonly timeout?: string | undefined;
}

export async function resumeRun(run: string, options: ResumeOptions): Promise<number> {
  return carry(options, {
    title: "resume",
    files: options.with,
    detach: !options.wait,
    needsOwner: false,
    timeoutMs: readTimeout(options.timeout),
    begin: (at) => takeUp(at, run),
    again: () => `baton runs resume ${run}`,
  });
}

/** What is so already is told like what has just come about; anything else goes on. */
async function takeUp(at: Answerer, run: string): Promise<{ run: string; repeated: boolean }> {
  const { endedAt } = await at.call("runs.show", { run });
  if (endedAt === undefined) await at.call("runs.resume", { run });
  return { run, repeated: true };
}

/** How often two commands may stand in each other's way before one gives up, and ms between. */
const TRIES_MAX = 100;
const TRY_EVERY_MS = 50;

/** At the owner if there is one, else here; and here after all when the owner goes while the run is on its way. */
async function carry(options: CommonOptions, wanted: Wanted): Promise<number> {
  const terminal = openTerminal(options);
  for (let tries = 1; ; tries++) {
    const owner = await findOwner(options.data);
    if (owner !== null) {
      const told = await carryThere(owner, wanted, terminal);
      if (told.because !== "gone") return tellEnd(terminal, options, told);
      terminal.say(`the owner is gone; ${told.run} goes on here`);
      return carry(options, { ...wanted, begin: (at) => takeUp(at, told.run) });
    }
    if (wanted.needsOwner) throw cliProblems.NO_OWNER(`Nobody carries the runs of ${options.data}, so the run would only wait.`);
    try {
      return tellEnd(terminal, options, await carryHere(options, wanted, terminal));
    } catch (error) {
      // Another command took the directory between looking and locking.
      if (!isProblemError(error) || error.code !== "DATA_LOCKED" || tries === TRIES_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
    }
  }
}

async function carryThere(owner: RemoteBaton, wanted: Wanted, terminal: Terminal): Promise<Told> {
  for (const file of wanted.files) await owner.call("workflows.load", fileAndExport(file));
  await using news = await owner.openNews();
  const carrier: Followable = { answerer: owner, listen: (listener) => news.listen(listener), gone: news.gone };
  const begin = async (): Promise<string> => {
    const { run, repeated } = await wanted.begin(owner);
    terminal.say(`${repeated ? "attached to" : "started"} ${run} at the owner (process ${owner.pid})`);
    return run;
  };
  if (wanted.detach) return endOf(await standing(owner, await begin()), wanted, true);
  return endOf(await follow(carrier, { begin, title: wanted.title, timeoutMs: wanted.timeoutMs, terminal }), wanted, false);
}

function fileAndExport(target: string): { file: string; export?: string } {
  const at = target.lastIndexOf("#");
  const file = at > 0 && !existsSync(target) ? target.slice(0, at) : target;
  return { file: absolute(file), ...(file === target ? {} : { export: target.slice(at + 1) }) };
}

function absolute(file: string): string {
  return file.startsWith("/") ? file : `${process.cwd()}/${file}`;
}

async function carryHere(options: CommonOptions, wanted: Wanted, terminal: Terminal): Promise<Told> {
  await using baton = await openBaton({ data: options.data, carry: "own" });
  for (const file of wanted.files) await baton.load(file);
  const begin = async (): Promise<string> => {
    const { run, repeated } = await wanted.begin(baton);
    sayOthers(baton, run, repeated, terminal);
    return run;
  };
  const followed = wanted.detach ? await standing(baton, await begin()) : await followHere(baton, begin, wanted, terminal);
  if (followed.because === "gone") throw (await baton.closed) ?? cliProblems.NO_OWNER("Baton was closed.");
  return endOf(followed, wanted, wanted.detach);
}

async function standing(answerer: Answerer, run: string): Promise<Followed> {
  return { run, because: "settled", view: await answerer.call("runs.show", { run }) };
}

function followHere(
  baton: Baton,
  begin: () => Promise<string>,
  { title, timeoutMs }: Wanted,
  terminal: Terminal,
): Promise<Followed> {
  const carrier: Followable = {
    answerer: baton,
    listen: (listener) => baton.listen(listener),
    gone: baton.closed.then(() => undefined),
  };
  return follow(carrier, { begin, title, timeoutMs, terminal });
}

function sayOthers(baton: Baton, run: string, repeated: boolean, terminal: Terminal): void {
  terminal.say(`${repeated ? "carrying on" : "started"} ${run}`);
  const others = baton.openRunCount() - 1;
  if (others > 0 && !repeated)
    terminal.say(
      `${others} other ${others === 1 ? "run is" : "runs are"} in flight in this directory and not carried here; \`baton runs ls\` shows them`,
    );
}
