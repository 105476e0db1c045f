// `npm run bench [-- name…] [--json] [--quick]`: workloads in bench/*.bench.ts, results as tables, JSON and pictures.

import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { rootPath } from "./layout.ts";

export interface BenchRow {
  readonly workload: string;
  readonly case: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  readonly ratio?: number;
  readonly against?: string;
}

interface Bench {
  readonly name: string;
  bench(options: { quick: boolean; report(row: BenchRow): void }): Promise<void>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, quick: { type: "boolean", default: false } },
});

const conditions = {
  node: process.versions.node,
  sqlite: process.versions.sqlite,
  cpus: availableParallelism(),
  cpuModel: cpus()[0]?.model ?? "unknown",
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  platform: `${process.platform}-${process.arch}`,
  durability: "WAL, synchronous=FULL",
  quick: values.quick,
  at: new Date().toISOString(),
};

const results: BenchRow[] = [];
for (const file of globSync("bench/*.bench.ts", { cwd: rootPath() }).toSorted()) {
  const bench = (await import(rootPath(file))) as Bench;
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
  process.stderr.write(`${bench.name} …\n`);
  const rows: BenchRow[] = [];
  await bench.bench({ quick: values.quick, report: (row) => void rows.push(row) });
  results.push(...rows);
  if (!values.quick) keep(bench.name, rows);
  if (!values.json) process.stdout.write(`\n${tableOf(rows)}\n`);
}
if (results.length === 0) {
  process.stderr.write(`no workload is named ${positionals.join(", ")}\n`);
  process.exitCode = 2;
} else if (values.json) process.stdout.write(`${JSON.stringify({ v: 1, conditions, results })}\n`);
else
  process.stdout.write(
    `\n${Object.entries(conditions)
      .map(([name, value]) => `${name} ${value}`)
      .join(" · ")}\n`,
  );

function keep(name: string, rows: readonly BenchRow[]): void {
  mkdirSync(rootPath("bench", "results"), { recursive: true });
  writeFileSync(
    rootPath("bench", "results", `${name}.json`),
    `${JSON.stringify({ v: 1, conditions, results: rows }, null, 2)}\n`,
  );
}

function tableOf(rows: readonly BenchRow[]): string {
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
