// memory: what a waiting run takes, in memory and on disk, and how soon many runs go on after a crash.

import { statSync } from "node:fs";
import { join } from "node:path";
import { workflow } from "../src/workflow.ts";
import { dataFolder } from "./conditions.ts";
import { evictAll, type OpenedEngine, openEngine, realClock } from "./engine.ts";
import { heapBytes, turn } from "./measure.ts";
import type { BenchOptions } from "./row.ts";

export const name = "memory";

const STEPS_BEFORE = 5;

export async function bench({ quick, report }: BenchOptions): Promise<void> {
  const runs = quick ? 1_000 : 10_000;
  await waiting(runs, report);
  await recovering(runs, report);
}

/** Runs that took a step and wait for a signal. */
async function waiting(runs: number, report: BenchOptions["report"]): Promise<void> {
  const waits = workflow({
    name: "waits",
    async run(ctx) {
      await ctx.step("first", () => 1);
      await ctx.waitSignal("go");
    },
  });
  const at = `${runs.toLocaleString("en")} waiting runs`;
  using folder = dataFolder();
  {
    await using engine = openEngine({ directory: folder.path });
    const before = heapBytes();
    await Promise.all(Array.from({ length: runs }, () => engine.start(waits)));
    await untilAllWait(engine, runs);
    report({ workload: "memory", case: at, metric: "resident, heap", value: (heapBytes() - before) / runs, unit: "bytes/run" });
    await evictAll(engine.carrier, realClock.now());
    report({ workload: "memory", case: at, metric: "evicted, heap", value: (heapBytes() - before) / runs, unit: "bytes/run" });
  }
  const onDisk = statSync(join(folder.path, "baton.db")).size / runs; // closing has folded the log into it
  report({ workload: "memory", case: at, metric: "evicted, disk", value: onDisk, unit: "bytes/run" });
}

async function untilAllWait({ store, engine }: OpenedEngine, runs: number): Promise<void> {
  while (store.statusCounts().get("waiting") !== runs) await turn();
  await engine.flushed();
}

/** Runs that stopped in the middle of a step, with steps behind them. */
async function recovering(runs: number, report: BenchOptions["report"]): Promise<void> {
  using folder = dataFolder();
  const at = `${runs.toLocaleString("en")} runs in the middle of a step`;
  {
    await using engine = openEngine({ directory: folder.path });
    await untilAllAct(runs, (stuck) => Promise.all(Array.from({ length: runs }, () => engine.start(stuck))));
  }
  const before = heapBytes();
  const began = performance.now();
  await using engine = openEngine({ directory: folder.path });
  const opened = performance.now();
  await untilAllAct(runs, (stuck) => {
    engine.carrier.register(stuck, null);
    engine.engine.recover();
  });
  const recovered = performance.now();
  report({ workload: "memory", case: at, metric: "open", value: opened - began, unit: "ms" });
  report({ workload: "memory", case: at, metric: "open and recover all", value: recovered - began, unit: "ms" });
  report({ workload: "memory", case: at, metric: "recover", value: ((recovered - opened) * 1_000) / runs, unit: "µs/run" });
  report({ workload: "memory", case: at, metric: "heap", value: (heapBytes() - before) / runs, unit: "bytes/run" });
}

/** Resolves when so many runs are in the step that never ends. */
async function untilAllAct(runs: number, begin: (stuck: ReturnType<typeof stuckWorkflow>) => unknown): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let acting = 0;
  const stuck = stuckWorkflow(() => {
    if (++acting === runs) resolve();
  });
  await begin(stuck);
  await promise;
}

function stuckWorkflow(acts: () => void) {
  return workflow({
    name: "stuck",
    async run(ctx) {
      for (let i = 0; i < STEPS_BEFORE; i++) await ctx.step(`step ${i}`, () => i);
      await ctx.step("endless", () => {
        acts();
        return new Promise(() => undefined);
      });
    },
  });
}
