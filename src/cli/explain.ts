// `baton explain CODE`: what a problem means and what to do about it.

import { listedProblems } from "../base/problem.ts";
import { cliProblems, EXIT, exitCodeOf } from "./problems.ts";
import type { CommonOptions } from "./run.ts";
import { openTerminal } from "./terminal.ts";

export function explain(code: string, options: CommonOptions): number {
  const terminal = openTerminal(options);
  const all = listedProblems();
  const name = code.toUpperCase();
  const found = all.get(name);
  if (found === undefined) throw cliProblems.CODE_UNKNOWN(unknown(name, [...all.keys()]));
  const { title, status, fix } = found;
  const exit = exitCodeOf({ code: name, status, title, detail: "" });
  if (options.json)
    terminal.data(JSON.stringify({ v: 1, code: name, title, status, exit, ...(fix === undefined ? {} : { fix }) }));
  else {
    terminal.data(`${name}  ${title}`);
    if (fix !== undefined) terminal.data(`  fix   ${fix}`);
    terminal.data(`  exit  ${exit}    HTTP ${status}`);
  }
  return EXIT.ok;
}

function unknown(code: string, all: readonly string[]): string {
  const word = code.split("_")[0] ?? code;
  const near = all.filter((other) => other.startsWith(word) || other.includes(code)).slice(0, 5);
  return `There is no problem ${code.slice(0, 60)}.${near.length === 0 ? "" : ` Near it: ${near.join(", ")}.`}`;
}
