// `baton run FILE` and `baton runs resume RUN`: carrying a run to its end, here or at the owner.

import { existsSync } from "node:fs";
import type { Answerer } from "../api.ts";
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
  readonly timeoutMs: number | null;
  begin(at: Baton | RemoteBaton): Promise<{ run: string; repeated: boolean }>;
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
    timeoutMs: readTimeout(options.timeout),
    async begin(at) {
      const view = await at.call("runs.show", { run });
      if (view.status === "paused") await at.call("runs.resume", { run });
      else if ("carryOn" in at) at.carryOn(view.run as Parameters<Baton["carryOn"]>[0]);
      return { run, repeated: view.status !== "paused" };
    },
    again: () => `baton runs resume ${run}`,
  });
}

/** At the owner if there is one, else here; and here after all when the owner goes while the run is on its way. */
async function carry(options: CommonOptions, wanted: Wanted): Promise<number> {
  const terminal = openTerminal(options);
  const owner = await findOwner(options.data);
  if (owner !== null) {
    const told = await carryThere(owner, wanted, terminal);
    if (told.because !== "gone") return tellEnd(terminal, options, told);
    terminal.say("The owner is gone; carrying on here.");
  } else if (wanted.detach && wanted.title !== "resume") {
    throw cliProblems.NO_OWNER(`Nobody carries the runs of ${options.data}, so the run would only wait.`);
  }
  return carryHere(options, wanted, terminal);
}

async function carryThere(owner: RemoteBaton, wanted: Wanted, terminal: Terminal): Promise<Told> {
  for (const file of wanted.files) await owner.call("workflows.load", fileAndExport(file));
  const stop = new AbortController();
  const listeners = new Set<Parameters<Followable["listen"]>[0]>();
  const gone = (async () => {
    for await (const news of owner.news(stop.signal)) for (const listener of listeners) listener(news);
  })();
  const carrier: Followable = {
    answerer: owner,
    gone,
    listen(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const begin = async (): Promise<string> => {
    const { run, repeated } = await wanted.begin(owner);
    terminal.say(`${repeated ? "attached to" : "started"} ${run} at the owner (process ${owner.pid})`);
    return run;
  };
  try {
    if (wanted.detach) return endOf(await standing(owner, await begin()), wanted, true);
    return endOf(await follow(carrier, { begin, title: wanted.title, timeoutMs: wanted.timeoutMs, terminal }), wanted, false);
  } finally {
    stop.abort();
  }
}

function fileAndExport(target: string): { file: string; export?: string } {
  const at = target.lastIndexOf("#");
  const file = at > 0 && !existsSync(target) ? target.slice(0, at) : target;
  return { file: absolute(file), ...(file === target ? {} : { export: target.slice(at + 1) }) };
}

function absolute(file: string): string {
  return file.startsWith("/") ? file : `${process.cwd()}/${file}`;
}

async function carryHere(options: CommonOptions, wanted: Wanted, terminal: Terminal): Promise<number> {
  let told: Told;
  {
    await using baton = await openHere(options);
    for (const file of wanted.files) await baton.load(file);
    const begin = async (): Promise<string> => {
      const { run, repeated } = await wanted.begin(baton);
      if (repeated) baton.carryOn(run as Parameters<Baton["carryOn"]>[0]);
      sayOthers(baton, run, repeated, terminal);
      return run;
    };
    const followed = wanted.detach ? await standing(baton, await begin()) : await followHere(baton, begin, wanted, terminal);
    told = endOf(followed, wanted, wanted.detach);
    const cause = await Promise.race([baton.closed, Promise.resolve(undefined)]);
    if (cause) throw cause;
  }
  return tellEnd(terminal, options, told);
}

async function openHere(options: CommonOptions): Promise<Baton> {
  return openBaton({ data: options.data, carry: "own" });
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
