// `baton run FILE` and `baton runs resume RUN`: carrying a run to its end, here or at the owner.

import { existsSync } from "node:fs";
import type { Answerer } from "../api.ts";
import { isProblemError } from "../base/problem.ts";
import { readSpan } from "../base/time.ts";
import type { Listener } from "../engine.ts";
import {
  allowHosts,
  ask,
  type Baton,
  type LoadedFile,
  loadWorkflowFile,
  openBaton,
  type RemoteBaton,
  requireOneEach,
  thereOrHere,
} from "../orchestrator.ts";
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
export interface Wanted {
  readonly title: string;
  /** Hears everything that happens while it is carried. */
  readonly hear?: Listener;
  /** How the end is told; as of any run where left out. */
  readonly tell?: (terminal: Terminal, options: CommonOptions, told: Told) => number | Promise<number>;
  readonly files: readonly string[];
  /** Hosts that calls may reach when it is carried here. */
  readonly allow: readonly string[];
  readonly detach: boolean;
  /** Whether there must be somebody who carries it on when this command leaves. */
  readonly needsOwner: boolean;
  /** Whether beginning it twice is beginning it once. */
  readonly repeatable: boolean;
  /** Until when this command waits, Unix ms. */
  readonly until: number | null;
  begin(at: Answerer): Promise<{ run: string; repeated: boolean }>;
  /** The line that carries it on. */
  again(run: string): string;
}

export async function runFile(target: string, options: RunOptions): Promise<number> {
  openGateFor(options);
  const until = readTimeout(options.timeout);
  const { workflow, origin } = await loadWorkflow([target, ...options.with]);
  const input = await readTypedInput({ input: options.inputText, fields: options.fields }, workflow);
  const start = {
    workflow: fullName(workflow),
    source: origin.source,
    input,
    ...(options.key === undefined ? {} : { key: options.key }),
  };
  return carry(options, {
    title: workflow.name,
    files: [target, ...options.with],
    allow: options.allow,
    detach: options.detach,
    needsOwner: options.detach,
    repeatable: options.key !== undefined,
    until,
    begin: (at) => at.call("runs.start", start),
    again: (run) => resumeLine(run, options),
  });
}

/** Loads the files of one command; gives the first one's workflow. Throws WORKFLOW_TWICE. */
async function loadWorkflow([target = "", ...others]: readonly string[]): Promise<LoadedFile> {
  const loaded = await loadWorkflowFile(target);
  const known = [...loaded.all];
  for (const other of others) known.push(...(await loadWorkflowFile(other)).all);
  requireOneEach(known);
  return loaded;
}

/** As it is typed where this command was: in a clone, by `npx`, with the same data directory. */
export function resumeLine(run: string, { data, with: files, allow }: Pick<ResumeOptions, "data" | "with" | "allow">): string {
  const elsewhere = data === defaultData() ? [] : ["--data", data];
  const given = [...files.flatMap((file) => ["--with", file]), ...allow.flatMap((host) => ["--allow", host])];
  const words = [...ownName(), "runs", "resume", run, ...given, ...elsewhere];
  return words.map(quoted).join(" ");
}

function ownName(): readonly string[] {
  if (process.env.npm_command !== "exec") return ["baton"];
  return ["npx", import.meta.url.endsWith(".ts") ? "baton" : "batonflow"];
}

/** The data directory where none is named. */
export function defaultData(): string {
  return process.env.BATON_DATA || ".baton";
}

function quoted(word: string): string {
  return /^[\w@%+=:,./#-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The moment at which to stop waiting, Unix ms. */
export function readTimeout(text: string | undefined): number | null {
  if (text === undefined) return null;
  const spanMs = readSpan(text);
  if (spanMs === null) throw cliProblems.USAGE(`--timeout ${JSON.stringify(text)} is not a span like 30s, 5m or 1h30m.`);
  return Date.now() + spanMs;
}

const PORT_MAX = 65_535;

function requireHost(host: string): void {
  const [fits, , port = "1"] = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(host) ?? [];
  if (fits === undefined || Number(port) < 1 || Number(port) > PORT_MAX)
    throw cliProblems.USAGE(`--allow ${JSON.stringify(host)} is not HOST or HOST:PORT.`);
}

/** Lets calls of this process reach these hosts too. Throws USAGE. */
export function openGateFor({ allow }: { readonly allow: readonly string[] }): void {
  for (const host of allow) requireHost(host);
  allowHosts(allow);
}

export interface ResumeOptions extends CommonOptions {
  readonly with: readonly string[];
  readonly allow: readonly string[];
  readonly wait?: boolean;
  readonly timeout?: string | undefined;
}

export async function resumeRun(run: string, options: ResumeOptions): Promise<number> {
  openGateFor(options);
  const until = readTimeout(options.timeout);
  await ask(options.data, "runs.show", { run }); // one that is not there makes no data directory
  return carry(options, {
    title: run,
    files: options.with,
    allow: options.allow,
    detach: options.wait === false,
    needsOwner: false,
    repeatable: true,
    until,
    begin: (at) => takeUp(at, run, ["paused"]),
    again: () => resumeLine(run, options),
  });
}

/** What is so already is told like what has just come about; anything else goes on. */
async function takeUp(at: Answerer, run: string, also: readonly string[]): Promise<{ run: string; repeated: boolean }> {
  const { status, endedAt } = await at.call("runs.show", { run });
  if (endedAt === undefined && (status !== "paused" || also.includes(status))) await resume(at, run);
  return { run, repeated: true };
}

async function resume(at: Answerer, run: string): Promise<void> {
  try {
    await at.call("runs.resume", { run });
  } catch (error) {
    if (!isProblemError(error) || error.code !== "RUN_ENDED") throw error; // it ended meanwhile: what is so is told
  }
}

/** At the owner if there is one, else here; and here after all when the owner goes while the run is on its way. */
export async function carry(options: CommonOptions, wanted: Wanted): Promise<number> {
  const terminal = openTerminal(options);
  const there = (owner: RemoteBaton) => carryThere(owner, wanted, terminal);
  const here = () => carryHere(options, wanted, terminal);
  const told = await thereOrHere(options.data, there, here, wanted.repeatable);
  if (told.because !== "gone") return (wanted.tell ?? tellEnd)(terminal, options, told);
  terminal.say(`the owner is gone; ${told.run} goes on here`);
  const begin = (at: Answerer) => takeUp(at, told.run, []);
  return carry(options, { ...wanted, needsOwner: false, repeatable: true, begin });
}

async function carryThere(owner: RemoteBaton, wanted: Wanted, terminal: Terminal): Promise<Told> {
  if (wanted.allow.length > 0)
    terminal.say(`--allow is for what is carried here; the owner (process ${owner.pid}) has its own: baton start --allow HOST`);
  for (const file of wanted.files) await owner.call("workflows.load", fileAndExport(file));
  await using news = await owner.openNews();
  const carrier: Followable = { answerer: owner, listen: (listener) => news.listen(listener), gone: news.gone };
  using _hearing = wanted.hear === undefined ? null : news.listen(wanted.hear);
  const begin = async (): Promise<string> => {
    const { run, repeated } = await wanted.begin(owner);
    terminal.say(`${repeated ? "attached to" : "started"} ${run} at the owner (process ${owner.pid})`);
    return run;
  };
  if (wanted.detach) return endOf(await standing(owner, await begin()), wanted, true);
  return endOf(await follow(carrier, { begin, title: wanted.title, until: wanted.until, terminal }), wanted, false);
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
  if (wanted.needsOwner) throw cliProblems.NO_OWNER(`Nobody carries the runs of ${options.data}, so the run would only wait.`);
  await using baton = await openBaton({ data: options.data, carry: "own" });
  using _hearing = wanted.hear === undefined ? null : baton.listen(wanted.hear);
  for (const file of wanted.files) await baton.loadAll(file);
  const begin = async (): Promise<string> => {
    const { run, repeated } = await wanted.begin(baton);
    sayOthers(baton, run, repeated, terminal);
    return run;
  };
  const followed = wanted.detach ? await standing(baton, await begin()) : await followHere(baton, begin, wanted, terminal);
  if (followed.because === "gone") throw (await baton.closed) ?? cliProblems.NO_OWNER("Baton was closed.");
  await sayKept(baton, followed, terminal);
  return endOf(followed, wanted, wanted.detach);
}

async function standing(answerer: Answerer, run: string): Promise<Followed> {
  return { run, because: "settled", view: await answerer.call("runs.show", { run }) };
}

function followHere(baton: Baton, begin: () => Promise<string>, { title, until }: Wanted, terminal: Terminal): Promise<Followed> {
  const carrier: Followable = {
    answerer: baton,
    listen: (listener) => baton.listen(listener),
    gone: baton.closed.then(() => undefined),
  };
  return follow(carrier, { begin, title, until, terminal });
}

function sayOthers(baton: Baton, run: string, repeated: boolean, terminal: Terminal): void {
  terminal.say(`${repeated ? "carrying on" : "started"} ${run}`);
  const others = baton.openRunCount() - 1;
  if (others > 0 && !repeated)
    terminal.say(
      `${others} other ${others === 1 ? "run is" : "runs are"} in flight in this directory and not carried here; \`baton runs ls\` shows them`,
    );
}

/** Children that were started to go their own way do not hold up their parent; nor are they forgotten silently. */
async function sayKept(baton: Baton, { view }: Followed, terminal: Terminal): Promise<void> {
  for (const { kind, child } of view?.operations ?? []) {
    if (kind !== "child-start" || child === undefined) continue;
    const { status, endedAt } = await baton.call("runs.show", { run: child });
    if (endedAt === undefined)
      terminal.say(`${child}, which it started, is ${status}; \`baton runs resume ${child}\` carries it on`);
  }
}
