// `baton explain CODE`: what a problem means and what to do about it.

import { listedProblems } from "../base/problem.ts";
import { DIAGNOSTICS } from "../workflow.ts";
import { cliProblems, EXIT, exitCodeOf } from "./problems.ts";
import type { CommonOptions } from "./run.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

export function explain(code: string, options: CommonOptions): number {
  const terminal = openTerminal(options);
  const all = listedProblems();
  const name = code.toUpperCase();
  if (name in DIAGNOSTICS) return explainDiagnostic(name as keyof typeof DIAGNOSTICS, terminal, options.json);
  const found = all.get(name);
  if (found === undefined) throw cliProblems.CODE_UNKNOWN(unknown(name, [...all.keys(), ...Object.keys(DIAGNOSTICS)]));
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

/** Of documents: what `baton validate` says. */
function explainDiagnostic(code: keyof typeof DIAGNOSTICS, terminal: Terminal, json: boolean): number {
  const [severity, title] = DIAGNOSTICS[code];
  terminal.data(json ? JSON.stringify({ v: 1, code, title, severity }) : `${code}  ${title}\n  ${severity} of a document`);
  return EXIT.ok;
}

function unknown(code: string, all: readonly string[]): string {
  const word = code.split("_")[0] ?? code;
  const near = all.filter((other) => other.startsWith(word) || other.includes(code)).slice(0, 5);
  return `There is no problem ${code.slice(0, 60)}.${near.length === 0 ? "" : ` Near it: ${near.join(", ")}.`}`;
}
