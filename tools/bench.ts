// `npm run bench [-- name…] [--json] [--quick] [--n COUNT]`: workloads in bench/*.bench.ts, results as tables, JSON and a picture.

import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { conditions } from "../bench/conditions.ts";
import type { BenchOptions, Row } from "../bench/row.ts";
import { pictureOf } from "../bench/svg.ts";
import { rootPath } from "./layout.ts";

interface Bench {
  readonly name: string;
  bench(options: BenchOptions): Promise<void>;
  /** A picture of its own, in bench/results/. */
  picture?(rows: readonly Row[]): { readonly file: string; readonly svg: string };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    n: { type: "string" },
  },
});

const under = conditions();
const results: Row[] = [];
for (const file of globSync("bench/*.bench.ts", { cwd: rootPath() }).toSorted()) {
  const bench = (await import(rootPath(file))) as Bench;
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
  process.stderr.write(`${bench.name} …\n`);
  const rows: Row[] = [];
  const many = values.n === undefined ? {} : { n: Number(values.n) };
  await bench.bench({ quick: values.quick, ...many, report: (row) => void rows.push(row) });
  results.push(...rows);
  if (!values.quick && values.n === undefined) keep(bench, rows);
  if (!values.json) process.stdout.write(`\n${tableOf(rows)}\n`);
}
if (results.length === 0) {
  process.stderr.write(`no workload is named ${positionals.join(", ")}\n`);
  process.exitCode = 2;
} else if (values.json) process.stdout.write(`${JSON.stringify({ v: 1, conditions: under, quick: values.quick, results })}\n`);
else process.stdout.write(`\n${inWords()}\n`);

function keep({ name, picture }: Bench, rows: readonly Row[]): void {
  mkdirSync(rootPath("bench", "results"), { recursive: true });
  const file = { v: 1, conditions: under, results: rows };
  writeFileSync(rootPath("bench", "results", `${name}.json`), `${JSON.stringify(file, null, 2)}\n`);
  if (name === "throughput") draw(rows);
  const drawn = picture?.(rows);
  if (drawn !== undefined) writeFileSync(rootPath("bench", "results", drawn.file), drawn.svg);
}

/** The picture in the README, and the numbers beside it. */
function draw(rows: readonly Row[]): void {
  writeFileSync(rootPath("bench", "results", "engine.svg"), pictureOf(rows, `${under.machine} · ${under.disk}`));
  const readme = rootPath("README.md");
  const table = `<!-- bench -->\n\n${markdownOf(rows)}\n\n${under.machine}; ${under.disk}; ${under.system}.\n\n<!-- /bench -->`;
  writeFileSync(
    readme,
    readFileSync(readme, "utf8").replace(/<!-- bench -->.*<!-- \/bench -->/s, () => table),
  );
}

function markdownOf(rows: readonly Row[]): string {
  const cases = [...new Set(rows.map((row) => row.case))];
  const rate = (one: string, workload: RegExp) =>
    rows.find((row) => row.case === one && row.metric === "steps" && workload.test(row.workload));
  const lines = cases.map((one) => {
    const engine = rate(one, /^W[13]$/);
    const floor = engine?.ratio === undefined ? 0 : engine.value / engine.ratio;
    return `| ${one} | ${rounded(floor)} | ${rounded(engine?.value ?? 0)} | ${engine?.ratio?.toFixed(2) ?? ""} |`;
  });
  return ["| | floor, steps/s | Baton, steps/s | ratio |", "| --- | --: | --: | --: |", ...lines].join("\n");
}

function inWords(): string {
  return Object.entries(under)
    .map(([name, value]) => `${name} ${value}`)
    .join(" · ");
}

function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ workload, case: one, metric, value, unit, ratio, against }) => [
    ...[workload, one, metric, `${rounded(value)} ${unit}`],
    ratio === undefined ? "" : `${ratio.toFixed(2)} × ${against ?? ""}`,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function rounded(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}
