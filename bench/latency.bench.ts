// W2: how long one step takes when nothing else goes on, beside one commit of SQLite alone.

import { join } from "node:path";
import { type Workflow, workflow } from "../src/workflow.ts";
import { dataFolder } from "./conditions.ts";
import { openEngine } from "./engine.ts";
import { type Floor, openFloor } from "./floor.ts";
import { quantile, tidy } from "./measure.ts";
import type { BenchOptions } from "./row.ts";

export const name = "latency";

const BLOCKS = 5;
const STEPS_PER_RUN = 10;

/** Durations, in ms. */
type Durations = number[];

export async function bench({ quick, report }: BenchOptions): Promise<void> {
  const { commits, steps } = await oneStep(quick ? 200 : 2_000);
  tell(report, "one commit, SQLite alone", commits, null);
  tell(report, "one step", steps, commits);
  const alone = await runAlone(quick ? 50 : 1_000);
  tell(report, `a run of ${STEPS_PER_RUN} steps, alone`, alone, null);
}

/** A step and a commit in turn, in one run. */
async function oneStep(count: number): Promise<{ commits: Durations; steps: Durations }> {
  using folder = dataFolder();
  using floor = openFloor(join(folder.path, "floor.db"));
  await using engine = openEngine({ directory: folder.path });
  const [commits, steps]: [Durations, Durations] = [[], []];
  const inTurn = stepsAndCommits(floor, count, commits, steps);
  await engine.runOnce(inTurn);
  for (const durations of [commits, steps]) durations.length = 0; // the first run warms up, and grows the logs to their size
  tidy();
  await engine.runOnce(inTurn);
  return { commits, steps };
}

function stepsAndCommits(floor: Floor, count: number, commits: Durations, steps: Durations): Workflow<unknown, void> {
  return workflow({
    name: "in-turn",
    async run(ctx) {
      for (let i = 0; i < count; i++) {
        const began = performance.now();
        await ctx.step(`step ${i}`, () => i);
        const between = performance.now();
        floor.commitOne(1, `step ${i}`, String(i));
        commits.push(performance.now() - between);
        steps.push(between - began);
      }
    },
  });
}

const tenSteps = workflow({
  name: "ten-steps",
  async run(ctx) {
    for (let i = 0; i < STEPS_PER_RUN; i++) await ctx.step(`step ${i}`, () => i);
  },
});

/** From asking for the run until its end is on disk. */
async function runAlone(count: number): Promise<Durations> {
  using folder = dataFolder();
  await using engine = openEngine({ directory: folder.path });
  for (let i = 0; i < count; i++) await engine.runOnce(tenSteps);
  const durations: Durations = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await engine.runOnce(tenSteps);
    durations.push(performance.now() - began);
  }
  return durations;
}

function tell(report: BenchOptions["report"], at: string, durations: Durations, commits: Durations | null): void {
  for (const [metric, share] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    const value = quantile(durations, share) * 1_000;
    const beside = commits === null ? {} : { ratio: value / (quantile(commits, share) * 1_000), against: "one commit" };
    report({ workload: "W2", case: at, metric, value, unit: "µs", ...beside });
  }
  const size = Math.ceil(durations.length / BLOCKS);
  const medians = Array.from(
    { length: BLOCKS },
    (_, block) => quantile(durations.slice(block * size, (block + 1) * size), 0.5) * 1_000,
  );
  report({ workload: "W2", case: at, metric: "p50, fastest fifth", value: Math.min(...medians), unit: "µs" });
  report({ workload: "W2", case: at, metric: "p50, slowest fifth", value: Math.max(...medians), unit: "µs" });
}
