// W5, W5b: whether a run grows slow with the length of its journal.

import type { RunId } from "../src/base/id.ts";
import { workflow } from "../src/workflow.ts";
import { dataFolder } from "./conditions.ts";
import { evictAll, type OpenedEngine, openEngine } from "./engine.ts";
import { median, slope, tidy, turn } from "./measure.ts";
import { MovedClock } from "./moved-clock.ts";
import type { BenchOptions } from "./row.ts";

export const name = "length";

const WAIT_MS = 100;

/** Steps, and waits with a step each, of a long run. */
interface Lengths {
  readonly steps: number;
  readonly waits: number;
  readonly samples: number;
  /** Every how many waits the run leaves memory. */
  readonly evictEach: number;
}

const FULL: Lengths = { steps: 9_900, waits: 5_000, samples: 500, evictEach: 25 };
const QUICK: Lengths = { steps: 990, waits: 500, samples: 50, evictEach: 25 };

export async function bench({ quick, report }: BenchOptions): Promise<void> {
  const lengths = quick ? QUICK : FULL;
  await lateAndFresh(lengths, report);
  await residentWaits(lengths, report);
  await evictedWaits(lengths, report);
}

/** How long a step took, in ms, from asking to having. */
async function timed(step: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await step();
  return performance.now() - began;
}

/** W5: a late step of a long run and the first step of a fresh run, in turn. */
async function lateAndFresh({ steps, samples }: Lengths, report: BenchOptions["report"]): Promise<void> {
  using folder = dataFolder();
  await using engine = openEngine({ directory: folder.path });
  const [late, fresh]: [number[], number[]] = [[], []];
  const freshRun = workflow({
    name: "fresh",
    run: async (ctx) => void fresh.push(await timed(() => ctx.step("first", () => 1))),
  });
  const longRun = workflow({
    name: "long",
    async run(ctx) {
      for (let i = 0; i < steps; i++) await ctx.step(`step ${i}`, () => i);
      for (let i = steps; i < steps + 2 * samples; i++) {
        await engine.runOnce(freshRun);
        late.push(await timed(() => ctx.step(`step ${i}`, () => i)));
      }
    },
  });
  await engine.runOnce(longRun);
  const [lateMs, freshMs] = [late, fresh].map((durations) => median(durations.slice(samples))) as [number, number];
  report({ workload: "W5", case: "first step of a fresh run", metric: "p50", value: freshMs * 1_000, unit: "µs" });
  const beside = { ratio: lateMs / freshMs, against: "fresh" };
  report({ workload: "W5", case: `step ${steps}+ of a long run`, metric: "p50", value: lateMs * 1_000, unit: "µs", ...beside });
}

/** A step and a wait, again and again, under a clock that is moved when the run waits. */
interface WaitingRun {
  readonly engine: OpenedEngine;
  readonly clock: MovedClock;
  readonly run: RunId;
}

async function openWaiting(directory: string, waits: number): Promise<WaitingRun & AsyncDisposable> {
  const clock = new MovedClock();
  const engine = openEngine({ directory, clock });
  engine.engine.recover(); // starts the alarm
  const stepsAndWaits = workflow({
    name: "steps-and-waits",
    async run(ctx) {
      for (let i = 0; i < waits; i++) {
        await ctx.step(`step ${i}`, () => i);
        await ctx.sleep(`wait ${i}`, WAIT_MS);
      }
    },
  });
  const run = await engine.start(stepsAndWaits);
  return { engine, clock, run, [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() };
}

/** Until the run waits and all it wrote is on disk. */
async function untilWaiting({ engine, run }: WaitingRun): Promise<void> {
  while (engine.carrier.residentOf(run)?.isWaiting !== true) await turn();
  await engine.engine.flushed();
}

/** W5b, in memory throughout: early and late waits take the same time. */
async function residentWaits({ waits, samples }: Lengths, report: BenchOptions["report"]): Promise<void> {
  using folder = dataFolder();
  await using waiting = await openWaiting(folder.path, waits);
  const durations: number[] = [];
  await untilWaiting(waiting);
  tidy();
  for (let i = 1; i < waits; i++) durations.push(await timed(() => wakeAndWait(waiting)));
  const early = median(durations.slice(samples, 2 * samples)) * 1_000;
  const late = median(durations.slice(-samples)) * 1_000;
  report({ workload: "W5b", case: `resident, waits ${samples}–${2 * samples}`, metric: "p50", value: early, unit: "µs" });
  const beside = { ratio: late / early, against: "early" };
  report({
    workload: "W5b",
    case: `resident, the last ${samples} of ${waits}`,
    metric: "p50",
    value: late,
    unit: "µs",
    ...beside,
  });
}

/** From the moment its time has come until it waits for the next. */
async function wakeAndWait(waiting: WaitingRun): Promise<void> {
  waiting.clock.move(WAIT_MS);
  await turn();
  await untilWaiting(waiting);
}

/** W5b, out of memory: each wake reads the journal again, so that what it costs grows with it. */
async function evictedWaits({ waits, evictEach }: Lengths, report: BenchOptions["report"]): Promise<void> {
  using folder = dataFolder();
  await using waiting = await openWaiting(folder.path, waits);
  const points: [entries: number, us: number][] = [];
  await untilWaiting(waiting);
  for (let i = 1; i < waits; i++) {
    const evicted = i % evictEach === 0;
    const entries = waiting.engine.carrier.residentOf(waiting.run)?.entries ?? 0;
    if (evicted) await evictAll(waiting.engine.carrier, waiting.clock.now());
    const ms = await timed(() => wakeAndWait(waiting));
    if (evicted) points.push([entries, ms * 1_000]);
  }
  points.splice(0, Math.floor(points.length / 5)); // the first wakes warm up
  report({ workload: "W5b", case: "evicted, each wake replays", metric: "slope", value: slope(points), unit: "µs/entry" });
  const most = Math.max(...points.map(([entries]) => entries));
  const late = median(points.slice(-10).map(([, us]) => us));
  report({
    workload: "W5b",
    case: `evicted, ${most.toLocaleString("en")} entries`,
    metric: "wake, p50",
    value: late / 1_000,
    unit: "ms",
  });
}
