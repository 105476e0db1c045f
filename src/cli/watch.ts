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

/** `baton runs stream RUN [STREAM]`: what a run says, and with `follow` what it goes on to say, until it has ended. */
export async function followStream(
  run: string,
  stream: string | undefined,
  options: CommonOptions & { readonly after: number; readonly follow: boolean },
): Promise<number> {
  const terminal = openTerminal(options);
  const which = stream === undefined ? {} : { stream };
  for (let { after } = options; ; ) {
    const { endedAt, status } = await ask(options.data, "runs.show", { run }); // looked at first, as above
    const { items, next } = await ask(options.data, "runs.stream", { run, ...which, after });
    for (const item of items) terminal.data(options.json ? JSON.stringify({ v: 1, ...item }) : itemInWords(item));
    if (items.length > 0) after = next;
    else if (!options.follow || endedAt !== undefined || status === "paused") return EXIT.ok;
    else await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function itemInWords({ item }: { item?: unknown }): string {
  return typeof item === "string" ? printable(item) : JSON.stringify(item);
}

function print(entry: EntryLine, json: boolean, terminal: Terminal): void {
  if (json) terminal.data(JSON.stringify({ v: 1, ...entry }));
  else
    terminal.data(
      `${entry.at}  ${entry.kind.padEnd(16)} ${printable(entry.key ?? "")}  ${printable(entry.data === null ? "" : JSON.stringify(entry.data)).slice(0, 200)}`,
    );
}
