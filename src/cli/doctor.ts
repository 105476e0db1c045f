// `baton doctor`: the ground a data directory stands on, who is on it, and what its database says.

import { diagnose, type Line } from "../orchestrator.ts";
import { EXIT } from "./problems.ts";
import type { CommonOptions } from "./run.ts";
import { openTerminal, printable, type Terminal } from "./terminal.ts";

const MARKS = { ok: "✓", warning: "!", error: "✗" } as const;
const COLORS = { ok: "green", warning: "yellow", error: "red" } as const;

/** 1 where something is wrong; warnings alone are not. */
export async function doctor(options: CommonOptions): Promise<number> {
  const terminal = openTerminal(options);
  const { lines } = await diagnose(options.data);
  const errors = lines.filter(({ status }) => status === "error").length;
  if (options.json) terminal.data(JSON.stringify({ v: 1, healthy: errors === 0, lines }));
  else terminal.data(lines.map((line) => inWords(line, terminal)).join("\n"));
  return errors === 0 ? EXIT.ok : EXIT.failed;
}

function inWords(line: Line, terminal: Terminal): string {
  const mark = terminal.style(COLORS[line.status], MARKS[line.status]);
  const fix = line.status !== "ok" && line.fix !== undefined ? `\n    fix ${printable(line.fix)}` : "";
  return `${mark} ${line.name.padEnd(15)} ${printable(line.detail)}${fix}`;
}
