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
  /** Of lines on stdout: what a terminal shows, and without end in a pipe or a file. */
  readonly width: number;
}

const COLUMNS_USUAL = 80;

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
    columns: process.stderr.columns || COLUMNS_USUAL, // a terminal that does not know its size says 0
    width: process.stdout.isTTY === true ? process.stdout.columns || COLUMNS_USUAL : Number.POSITIVE_INFINITY,
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

// Tables.

export interface Column {
  readonly heading: string;
  /** Characters that a cell is shown with on a terminal, at most. */
  readonly widthMax?: number;
  /** Where the terminal is too narrow for all, those with the greatest number go first; 0 where left out: never. */
  readonly yields?: number;
}

/** Cells of words are cut down to so many characters before columns are left out. */
const CELL_WIDTH_MIN = 16;

const GAP = "  ";

/** Rows under headings, columns as wide as their widest cell; cut to `width`, in which the important columns stay. */
export function table(headings: readonly (string | Column)[], rows: readonly (readonly string[])[], width: number): string {
  const columns = headings.map((one) => (typeof one === "string" ? { heading: one } : one));
  const lines = rows.map((row) => columns.map((_, at) => flat(row[at] ?? "")));
  const shown = fitted(
    columns.map((column, at) => layoutOf(column, at, lines, at === columns.length - 1, width)),
    width,
  );
  const line = (cells: readonly string[]): string => {
    const padded = shown.map(({ at, wide }) => cutAtWord(cells[at] ?? "", wide).padEnd(wide));
    return cutAtWord(padded.join(GAP).trimEnd(), width);
  };
  return [line(columns.map(({ heading }) => heading)), ...lines.map(line)].join("\n");
}

interface Layout {
  readonly at: number;
  readonly wide: number;
  /** Down to which it may be cut. */
  readonly least: number;
  readonly yields: number;
}

/** Words and the last column may be cut; names and numbers are shown whole or not at all. */
function layoutOf(
  { heading, widthMax = Number.POSITIVE_INFINITY, yields = 0 }: Column,
  at: number,
  lines: readonly (readonly string[])[],
  isLast: boolean,
  width: number,
): Layout {
  const cells = lines.map((row) => row[at] ?? "");
  const longest = cells.reduce((most, { length }) => Math.max(most, length), heading.length);
  const wide = width === Number.POSITIVE_INFINITY ? longest : Math.max(heading.length, Math.min(longest, widthMax));
  const isCut = isLast || cells.some((cell) => cell.includes(" "));
  return { at, wide, least: isCut ? Math.min(wide, Math.max(heading.length, CELL_WIDTH_MIN)) : wide, yields };
}

/** The widest are cut first, then the least important left out, until all fit. */
function fitted(layouts: readonly Layout[], width: number): readonly Layout[] {
  const room = width - GAP.length * (layouts.length - 1);
  const needed = layouts.reduce((sum, { least }) => sum + least, 0);
  const last = layouts.reduce((a, b) => (b.yields >= a.yields ? b : a));
  if (needed > room && last.yields > 0)
    return fitted(
      layouts.filter((one) => one !== last),
      width,
    );
  let made = [...layouts];
  for (let over = sumOf(made) - room; over > 0; over = sumOf(made) - room) {
    const widest = made.filter(({ wide, least }) => wide > least).toSorted((a, b) => b.wide - a.wide)[0];
    if (widest === undefined) break;
    const wide = Math.max(widest.least, widest.wide - Math.max(1, Math.ceil(over / made.length)));
    made = made.map((one) => (one === widest ? { ...one, wide } : one));
  }
  return made;
}

function sumOf(layouts: readonly Layout[]): number {
  return layouts.reduce((sum, { wide }) => sum + wide, 0);
}

function flat(text: string): string {
  return printable(text).replaceAll("\n", " ").trimEnd();
}

/** At most `width` characters of one line, cut between words where one is near. */
export function cutAtWord(text: string, width: number): string {
  if (text.length <= width) return text;
  const head = text.slice(0, Math.max(1, width - 1));
  const space = head.lastIndexOf(" ");
  return `${space > width / 2 ? head.slice(0, space) : head}…`;
}
