// `baton check FILE`: what the code as it is now would do to runs that have not ended.

import { type CheckedRun, checkFile } from "../orchestrator.ts";
import { EXIT } from "./problems.ts";
import type { CommonOptions } from "./run.ts";
import { openTerminal, type Terminal, table } from "./terminal.ts";

/** Conflict (6) where a run would be paused or fail. */
export async function check(file: string, options: CommonOptions): Promise<number> {
  const terminal = openTerminal(options);
  const checked = await checkFile(options.data, file, (done, of) => {
    if (terminal.isLive) process.stderr.write(`\r${done}/${of} runs${done === of ? "\n" : ""}`);
  });
  const breaking = checked.filter(breaks);
  if (options.json) terminal.data(JSON.stringify({ v: 1, checked: checked.length, breaking: breaking.length, runs: checked }));
  else tell(checked, breaking.length, terminal);
  return breaking.length === 0 ? EXIT.ok : EXIT.conflict;
}

function tell(checked: readonly CheckedRun[], breaking: number, terminal: Terminal): void {
  terminal.say(`${checked.length} unfinished ${checked.length === 1 ? "run" : "runs"}, ${breaking} of which would not go on`);
  if (checked.length === 0) return;
  const rows = checked.map((one) => [one.run, one.status, one.from, one.to, inWords(one)]);
  terminal.data(table(["RUN", "STATUS", "FROM", "WITH", "WHAT HAPPENS"], rows, terminal.width));
}

function breaks({ verdict: { kind } }: CheckedRun): boolean {
  return kind === "mismatch" || kind === "throws";
}

function inWords({ verdict }: CheckedRun): string {
  if (verdict.kind === "ends") return "ends";
  if (verdict.kind === "throws") return `fails: ${verdict.message}`;
  if (verdict.kind === "mismatch")
    return `is paused at "${verdict.at}": the code asks for ${verdict.asked}, the journal has ${verdict.recorded}`;
  if (verdict.unasked.length === 0) return "goes on";
  return `goes on, without having asked for ${verdict.unasked.map((key) => `"${key}"`).join(", ")}`;
}
