// What a terminal is given: data on stdout, everything else on stderr, nothing that could act on the terminal itself.

import { styleText } from "node:util";
import type { Problem } from "../base/problem.ts";

type Style = Parameters<typeof styleText>[0];

export interface Terminal {
  /** Data: one line or more on stdout. */
  data(text: string): void;
  /** News for people, on stderr; silent under --quiet. */
  say(text: string): void;
  /** What went wrong, on stderr, always. */
  complain(problem: Problem): void;
  style(style: Style, text: string): string;
  readonly isInteractive: boolean;
  /** Whether a live area may be drawn on stderr. */
  readonly isLive: boolean;
  readonly columns: number;
}

export interface TerminalOptions {
  readonly quiet: boolean;
  readonly json: boolean;
  readonly input: boolean;
}

export function openTerminal({ quiet, json, input }: TerminalOptions): Terminal {
  const style = (how: Style, text: string): string => styleText(how, text, { stream: process.stderr });
  return {
    data: (text) => void process.stdout.write(text.endsWith("\n") ? text : `${text}\n`),
    say: (text) => void (quiet || process.stderr.write(`${text}\n`)),
    complain: (problem) =>
      void process.stderr.write(`${json ? JSON.stringify({ v: 1, problem }) : problemText(problem, style)}\n`),
    style,
    isInteractive: input && process.stdin.isTTY === true && process.stderr.isTTY === true,
    isLive: !quiet && !json && process.stderr.isTTY === true,
    columns: process.stderr.columns || 80, // a terminal that does not know its size says 0
  };
}

/** A code may be an error's own, and that anything. */
const CODE_WIDTH_MAX = 80;

function problemText(problem: Problem, style: Terminal["style"]): string {
  const lines = [`${style("red", `error[${oneLine(problem.code, CODE_WIDTH_MAX)}]`)} ${printable(problem.detail)}`];
  if (problem.at !== undefined && !problem.detail.includes(problem.at)) lines.push(`  in  ${printable(problem.at)}`);
  if (problem.fix !== undefined) lines.push(`  fix ${printable(problem.fix)}`);
  return lines.join("\n");
}

/** Text from elsewhere, made harmless: control and direction characters are shown, not obeyed. Newlines stay. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (unit) => {
    if (unit === "\t") return "  ";
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** One line of at most `width` columns. */
export function oneLine(text: string, width: number): string {
  const flat = printable(text).replaceAll(/\s+/g, " ");
  return flat.length <= width ? flat : `${flat.slice(0, Math.max(1, width - 1))}…`;
}

/** Rows under headings, columns as wide as their widest cell; the last may be cut to fit. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const widths = headings.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    oneLineKeepingSpaces(
      cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join("  "),
      width,
    );
  return [line(headings), ...rows.map(line)].join("\n");
}

function oneLineKeepingSpaces(text: string, width: number): string {
  const flat = printable(text).replaceAll("\n", " ").trimEnd();
  return flat.length <= width ? flat : `${flat.slice(0, Math.max(1, width - 1))}…`;
}
