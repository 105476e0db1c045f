// `npm test [-- PATH…] [--name TEXT]`: every `*.test.ts` by node:test, a file a line, failures in full, the ten slowest
// tests, and a last plain line `N passed, N failed`.

import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { relative } from "node:path";
import { run } from "node:test";
import { parseArgs } from "node:util";
import { rootPath } from "./layout.ts";

const FILE_MS_MAX = 10 * 60_000;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { name: { type: "string" } } });

const files = globSync("{src,test,examples,bench,tools}/**/*.test.ts", { cwd: rootPath() })
  .filter(
    (path) => !path.includes("node_modules") && (positionals.length === 0 || positionals.some((part) => path.includes(part))),
  )
  .toSorted()
  .map((path) => rootPath(path));

interface Result {
  readonly file: string;
  readonly name: string;
  readonly ms: number;
}

const passed: Result[] = [];
const failed: (Result & { readonly why: string })[] = [];
let skipped = 0;
const perFile = new Map<string, { passed: number; failed: number; ms: number }>();

const stream = run({
  files,
  concurrency: Math.min(2, availableParallelism()),
  timeout: FILE_MS_MAX,
  execArgv: ["--conditions=baton-source", "--disable-warning=ExperimentalWarning"],
  ...(values.name === undefined ? {} : { testNamePatterns: [values.name] }),
});

interface Ended {
  readonly name: string;
  readonly file?: string;
  readonly skip?: string | boolean;
  readonly details: { readonly duration_ms: number; readonly type?: string; readonly error?: unknown };
}

stream.on("test:pass", (data: Ended) => take(data, true));
stream.on("test:fail", (data: Ended) => take(data, false));
stream.on("test:complete", progress);
stream.on("test:summary", ({ file }: { file?: string }) => file !== undefined && fileDone(relative(rootPath(), file)));
stream.on("test:stderr", (data: { message: string }) => void process.stderr.write(data.message));
stream.on("end", finish);
stream.resume();

function take(data: Ended, ok: boolean): void {
  const file = data.file === undefined ? "?" : relative(rootPath(), data.file);
  const isFile = data.name === data.file || data.name.endsWith(file);
  if (isFile && ok) return fileDone(file);
  if (data.details.type === "suite" && ok) return;
  if (data.skip !== undefined && data.skip !== false) {
    skipped++;
    return;
  }
  const result = { file, name: data.name, ms: data.details.duration_ms };
  const sums = perFile.get(file) ?? { passed: 0, failed: 0, ms: 0 };
  perFile.set(file, { passed: sums.passed + Number(ok), failed: sums.failed + Number(!ok), ms: sums.ms + result.ms });
  const why = reason(data.details.error);
  if (ok) passed.push(result);
  // A file or suite that fails only because a test in it failed would be counted twice.
  else if (!/\d+ subtests? failed/.test(why)) failed.push({ ...result, why });
  if (isFile) fileDone(file);
}

function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

let done = 0;

/** Tests are told in the order of their files; that they go on is seen at once. */
function progress(): void {
  done++;
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${done} tests, ${told.size} of ${files.length} files`);
}

const told = new Set<string>();

function fileDone(file: string): void {
  if (told.has(file)) return;
  told.add(file);
  const sums = perFile.get(file) ?? { passed: 0, failed: 0, ms: 0 };
  const mark = sums.failed > 0 ? "✗" : "✓";
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  process.stdout.write(`${mark} ${file}  ${sums.passed} passed${sums.failed > 0 ? `, ${sums.failed} failed` : ""}\n`);
}

function finish(): void {
  for (const file of perFile.keys()) fileDone(file);
  for (const { file, name, why } of failed) process.stdout.write(`\n✗ ${file}: ${name}\n${indent(why)}\n`);
  const slowest = [...passed, ...failed].toSorted((a, b) => b.ms - a.ms).slice(0, 10);
  process.stdout.write(
    `\nten slowest tests\n${slowest.map(({ ms, file, name }) => `${ms.toFixed(0).padStart(8)} ms  ${file}: ${name}`).join("\n")}\n`,
  );
  if (passed.length + failed.length === 0) process.stdout.write("no test ran\n");
  process.stdout.write(`\n${passed.length} passed, ${failed.length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
  process.exitCode = failed.length > 0 || passed.length === 0 ? 1 : 0;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}
