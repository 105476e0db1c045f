// `baton runs watch RUN`: every entry of a run's journal as it is written, until the run has ended.

import type { EntryLine } from "../api.ts";
import { readSpan } from "../base/time.ts";
import { ask } from "../orchestrator.ts";
import { cliProblems, EXIT, exitCodeOfRun } from "./problems.ts";
import type { CommonOptions } from "./run.ts";
import { openTerminal, printable, type Terminal } from "./terminal.ts";

const LOOK_EVERY_MS = 250;

export async function watchRun(run: string, options: CommonOptions & { readonly timeout?: string | undefined }): Promise<number> {
  const terminal = openTerminal(options);
  const spanMs = options.timeout === undefined ? Number.POSITIVE_INFINITY : readSpan(options.timeout);
  if (spanMs === null) throw cliProblems.USAGE(`--timeout ${JSON.stringify(options.timeout)} is not a span like 30s.`);
  const until = Date.now() + spanMs;
  for (let after = 0; ; ) {
    // Looked at first: what is written between the two looks is printed in the next round.
    const { status, endedAt } = await ask(options.data, "runs.show", { run });
    const { entries } = await ask(options.data, "runs.journal", { run, after });
    for (const entry of entries) print(entry, options.json, terminal);
    after = entries.at(-1)?.seq ?? after;
    if (endedAt !== undefined || status === "paused") {
      terminal.say(`${run} is ${status}`);
      return exitCodeOfRun(status);
    }
    if (Date.now() >= until) return EXIT.timeout;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function print(entry: EntryLine, json: boolean, terminal: Terminal): void {
  if (json) terminal.data(JSON.stringify({ v: 1, ...entry }));
  else
    terminal.data(
      `${entry.at}  ${entry.kind.padEnd(16)} ${printable(entry.key ?? "")}  ${printable(entry.data === null ? "" : JSON.stringify(entry.data)).slice(0, 200)}`,
    );
}
