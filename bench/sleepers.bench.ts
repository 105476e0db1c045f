// sleepers: what very many runs take while they sleep, and how soon they go on; what very many finished runs leave behind.
// Each measurement is a process of its own (bench/sleepers.work.ts), because memory and recovery are a process's.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { workflow } from "../src/workflow.ts";
import { rootPath } from "../tools/layout.ts";
import { dataFolder } from "./conditions.ts";
import { openEngine } from "./engine.ts";
import { quantile } from "./measure.ts";
import type { BenchOptions } from "./row.ts";

export const name = "sleepers";

const MIB = 1 << 20;

/** Runs before the first reading of memory. */
const FIRST = 100_000;

export async function bench(options: BenchOptions): Promise<void> {
  const { quick, n = quick ? 2_000 : 400_000 } = options;
  const few = Math.min(n, quick ? 2_000 : FIRST);
  await sleeping(n, options);
  await recovering("sleep", few, "sleeping, 1,000 timers due", options);
  await recovering("act", few, "in mid-step", options);
  await finishing(quick ? 2_000 : 3 * FIRST, options);
  await ringing(few, options);
  await signaling(quick ? 50 : 2_000, options);
}

interface Told {
  readonly runs?: number;
  readonly rss?: number;
  readonly diskBytes?: number;
  readonly ready?: true;
  readonly finished?: true;
  readonly seconds?: number;
}

/** A process under measurement, and each line it tells. */
function work(mode: string, directory: string, count: number): { child: ChildProcess; lines: AsyncIterable<Told> } {
  const args = ["--disable-warning=ExperimentalWarning", rootPath("bench", "sleepers.work.ts"), mode, directory, String(count)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const read = async function* () {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as Told;
  };
  return { child, lines: read() };
}

async function untilTold(lines: AsyncIterable<Told>, wanted: keyof Told): Promise<Told> {
  for await (const told of lines) if (told[wanted] !== undefined) return told;
  throw new Error(`It ended without telling ${wanted}.`);
}

const counted = (runs: number): string => runs.toLocaleString("en");

async function sleeping(n: number, { report }: BenchOptions): Promise<void> {
  using folder = dataFolder();
  const readings: { runs: number; rss: number }[] = [];
  let diskBytes = 0;
  for await (const { runs, rss, diskBytes: disk } of work("fill", folder.path, n).lines) {
    if (runs !== undefined && rss !== undefined) readings.push({ runs, rss });
    diskBytes = disk ?? diskBytes;
  }
  const [first, last] = [readings[0], readings.at(-1)];
  const at = `${counted(n)} sleeping runs`;
  report({ workload: "W4", case: at, metric: "disk", value: diskBytes / n, unit: "bytes/run" });
  if (first === undefined || last === undefined) throw new Error("No memory was read.");
  report({ workload: "W4", case: at, metric: "RSS", value: last.rss / MIB, unit: "MiB" });
  if (last.runs > first.runs) {
    const each = (last.rss - first.rss) / (last.runs - first.runs);
    report({ workload: "W4", case: at, metric: `RSS beyond ${counted(first.runs)}`, value: each, unit: "bytes/run" });
  }
}

/** From the start of the next process to the first run that it has finished, after a kill -9. */
async function recovering(mode: "sleep" | "act", runs: number, what: string, { report }: BenchOptions): Promise<void> {
  using folder = dataFolder();
  const before = work(mode, folder.path, runs);
  await untilTold(before.lines, "ready");
  before.child.kill("SIGKILL");
  if (mode === "sleep") await new Promise((resolve) => setTimeout(resolve, 3_500)); // until the thousand are due
  const began = performance.now();
  const next = work("recover", folder.path, runs);
  await untilTold(next.lines, "finished");
  const seconds = (performance.now() - began) / 1_000;
  next.child.kill("SIGKILL");
  report({ workload: "W4", case: `${counted(runs)} ${what}`, metric: "first finished after kill -9", value: seconds, unit: "s" });
}

async function finishing(n: number, { report }: BenchOptions): Promise<void> {
  using folder = dataFolder();
  const readings: number[] = [];
  for await (const { rss } of work("finish", folder.path, n).lines) if (rss !== undefined) readings.push(rss);
  const grown = ((readings.at(-1) ?? 0) - (readings[0] ?? 0)) / MIB;
  report({
    workload: "W6",
    case: `${counted(n)} finished runs`,
    metric: `RSS since ${counted(Math.min(n, FIRST))}`,
    value: grown,
    unit: "MiB",
  });
}

async function ringing(n: number, { report }: BenchOptions): Promise<void> {
  using folder = dataFolder();
  const { seconds = Number.NaN } = await untilTold(work("timers", folder.path, n).lines, "seconds");
  report({ workload: "timers", case: `${counted(n)} due in one second`, metric: "drained", value: seconds, unit: "s" });
}

/** From a signal sent to the end of the run that waited for it. */
async function signaling(count: number, { report }: BenchOptions): Promise<void> {
  using folder = dataFolder();
  await using engine = openEngine({ directory: folder.path });
  const waits = workflow<null, unknown>({ name: "waits", run: (ctx) => ctx.waitSignal("go") });
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    const run = await engine.start(waits as never);
    await engine.engine.flushed();
    const began = performance.now();
    const ended = new Promise<void>((resolve) => engine.carrier.whenSettled(run, resolve));
    await engine.engine.send(run, { kind: "signal-received", key: `s${i}`, hash: 0, data: '{"name":"go","value":1}' });
    await ended;
    took.push(performance.now() - began);
  }
  for (const [metric, share] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const)
    report({ workload: "signals", case: "signal to reaction", metric, value: quantile(took, share), unit: "ms" });
}
