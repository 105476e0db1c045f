// `npm run check -- --report`: what can be counted about the code. Counted on source with comments and strings blanked,
// so that words in prose do not count.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readFiles } from "./files.ts";
import { cycles, rootPath } from "./layout.ts";

export async function printReport(): Promise<void> {
  const all = readFiles("src/**/*.ts");
  const source = all.filter(({ path }) => !path.endsWith(".test.ts"));
  const blanked = source.map(({ path, text }) => ({ path, text: blank(text) }));
  const lengths = blanked
    .flatMap(({ path, text }) => functionLengths(text).map((found) => ({ ...found, path })))
    .toSorted((a, b) => a.lines - b.lines);
  const longest = lengths.at(-1);
  const tests = readFiles("{src,test,examples,bench,tools}/**/*.test.ts");
  const production = productionPackages();
  const count = (pattern: RegExp) => blanked.reduce((sum, { text }) => sum + [...text.matchAll(pattern)].length, 0);
  const rows: [string, string][] = [
    [
      "functions",
      `${lengths.length}, lines: median ${percentile(lengths, 0.5)}, p90 ${percentile(lengths, 0.9)} (aim ≤ 25), longest ${longest?.lines} (${longest?.path}:${longest?.line})`,
    ],
    ["import cycles", String(cycles(source).length)],
    ["any", String(count(/(?::|\bas|<|,|\|)\s*any\b/g))],
    ["non-null !", String(count(/[\w)\]]!(?=[.;,)\]])/g))],
    ["lines", `${lines(source)} source, ${lines(tests)} test`],
    ["production", `${production.count} packages, ${production.megabytes.toFixed(1)} MB`],
  ];
  process.stdout.write(`\n${rows.map(([name, value]) => `${name.padEnd(14)} ${value}`).join("\n")}\n`);
}

function lines(files: readonly { text: string }[]): number {
  return files.reduce((sum, { text }) => sum + text.split("\n").length, 0);
}

function percentile(sorted: readonly { lines: number }[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.lines ?? 0;
}

/** The text with comments, strings and regular expressions replaced by spaces, newlines kept. */
export function blank(text: string): string {
  const pieces =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=[=(,:[!&|?{;]\s*)\/(?:\\.|\[(?:\\.|[^\]\n])*\]|[^/\\\n[*])(?:\\.|\[(?:\\.|[^\]\n])*\]|[^/\\\n[])*\/[a-z]*/g;
  return text.replaceAll(pieces, (piece) => piece.replaceAll(/[^\n]/g, " "));
}

/** Functions and methods with a body in braces: where they begin and how many lines they have, head and end included. */
export function functionLengths(text: string): { line: number; lines: number }[] {
  const heads = /(?:\bfunction\b[^;{]*?\)|\)|=>)(?:\s*:\s*[^;{}=\n]*(?:\{[^{}\n]*\}[^;{}=\n]*)?)?\s*\{/g;
  const found: { line: number; lines: number }[] = [];
  for (const head of text.matchAll(heads)) {
    const open = head.index + head[0].length - 1;
    const before = text.slice(Math.max(0, text.lastIndexOf("\n", head.index)), head.index);
    if (/\b(if|for|while|switch|catch|with)\s*\(/.test(before) && !head[0].startsWith("=>") && !head[0].startsWith("function"))
      continue;
    const close = matching(text, open);
    const line = text.slice(0, head.index).split("\n").length;
    found.push({ line, lines: text.slice(head.index, close).split("\n").length });
  }
  return found;
}

function matching(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at + 1;
  }
  return text.length;
}

interface LockPackage {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly link?: boolean;
  readonly optional?: boolean;
}

/** What `npm install batonflow` brings: packages of the lock that are neither for development nor the repository's runtime. */
function productionPackages(): { count: number; megabytes: number } {
  const lock = JSON.parse(readFileSync(rootPath("package-lock.json"), "utf8")) as { packages: Record<string, LockPackage> };
  const names = Object.entries(lock.packages).flatMap(([path, one]) => {
    const counts =
      path.startsWith("node_modules/") && !one.dev && !one.devOptional && !one.link && !/node_modules\/node-/.test(path);
    return counts ? [path] : [];
  });
  return { count: names.length, megabytes: names.reduce((sum, name) => sum + bytesIn(rootPath(name)), 0) / 1_048_576 };
}

function bytesIn(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += entry.name === "node_modules" ? 0 : bytesIn(path);
    else if (entry.isFile()) bytes += statSync(path).size;
  }
  return bytes;
}
