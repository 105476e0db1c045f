// One operation for all runs of a query: shown before it is done, done one by one, told with what came of each.

import type { Command } from "commander";
import type { Answerer, InputOf, OperationName, RunLine } from "../api.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import { ask, isOwned, openBaton, thereOrHere } from "../orchestrator.ts";
import { confirm } from "./ask.ts";
import { cliProblems } from "./problems.ts";
import type { CommonOptions } from "./run.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

const PAGE = 1_000;
/** Runs that are named before a person is asked. */
const NAMED = 5;

interface Bulk {
  readonly query: string;
  readonly yes: boolean;
}

export function addBulk(command: Command): void {
  command
    .option("--query <query>", 'do it to every run that fits: status:failed since:2h input.customer="a"')
    .option("-y, --yes", "do not ask before");
}

export function readBulk(options: Readonly<Record<string, unknown>>): Bulk {
  if (typeof options.query !== "string") throw cliProblems.USAGE("Name a run, or say which with --query.");
  return { query: options.query, yes: options.yes === true };
}

interface Done {
  readonly run: string;
  readonly problem: Problem | null;
}

export async function answerAll(
  name: OperationName,
  input: Readonly<Record<string, unknown>>,
  bulk: Bulk,
  options: CommonOptions,
): Promise<void> {
  const terminal = openTerminal(options);
  const runs = await find(options.data, bulk.query);
  preview(runs, terminal);
  if (runs.length === 0) return;
  if (!bulk.yes && !(await isWanted(runs.length, terminal)))
    throw cliProblems.NOT_CONFIRMED(`${runs.length} runs were left as they are.`);
  const doAll = (at: Answerer) => each(at, runs, (run) => ({ ...input, run }) as InputOf<typeof name>, name, terminal);
  const here = async (): Promise<Done[]> => {
    await using baton = await openBaton({ data: options.data, carry: "nothing" });
    return await doAll(baton);
  };
  tell(await thereOrHere(options.data, doAll, here, false), options, terminal);
  if (name !== "runs.delete" && !(await isOwned(options.data))) terminal.say("nobody carries them now; `baton start` does");
}

async function find(dataPath: string, query: string): Promise<RunLine[]> {
  const found: RunLine[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page: { runs: RunLine[]; nextCursor: string | null } = await ask(dataPath, "runs.list", {
      ...{ query, limit: PAGE },
      ...(cursor === undefined ? {} : { cursor }),
    });
    found.push(...page.runs);
    cursor = page.nextCursor;
  }
  return found;
}

function preview(runs: readonly RunLine[], terminal: Terminal): void {
  const named = runs.slice(0, NAMED).map(({ run, workflow, status }) => `  ${run}  ${workflow.name}  ${status}`);
  const more = runs.length > NAMED ? [`  and ${runs.length - NAMED} more`] : [];
  terminal.say(
    [`${runs.length} ${runs.length === 1 ? "run fits" : "runs fit"}${runs.length === 0 ? "" : ":"}`, ...named, ...more].join(
      "\n",
    ),
  );
}

async function isWanted(count: number, terminal: Terminal): Promise<boolean> {
  if (!terminal.isInteractive) throw cliProblems.NOT_CONFIRMED("Nobody is there to ask; say --yes.");
  return await confirm(`Do it to ${count === 1 ? "this run" : `these ${count} runs`}?`);
}

async function each<N extends OperationName>(
  at: Answerer,
  runs: readonly RunLine[],
  inputOf: (run: string) => InputOf<N>,
  name: N,
  terminal: Terminal,
): Promise<Done[]> {
  const done: Done[] = [];
  for (const { run } of runs) {
    done.push({ run, problem: await problemOf(at.call(name, inputOf(run))) });
    if (terminal.isLive) process.stderr.write(`\r${done.length}/${runs.length}${done.length === runs.length ? "\n" : ""}`);
  }
  return done;
}

/** What kept one run from it keeps no other from it. */
async function problemOf(doing: Promise<unknown>): Promise<Problem | null> {
  try {
    await doing;
    return null;
  } catch (error) {
    if (!isProblemError(error) || error.problem.status === 503) throw error;
    return error.problem;
  }
}

function tell(done: readonly Done[], options: CommonOptions, terminal: Terminal): void {
  const failed = done.filter(({ problem }) => problem !== null);
  if (options.json) terminal.data(JSON.stringify({ v: 1, done: done.length - failed.length, failed }));
  else {
    for (const { run, problem } of failed) terminal.say(`${run}: ${problem?.code} ${problem?.detail}`);
    terminal.data(`${done.length - failed.length} done, ${failed.length} not`);
  }
}
