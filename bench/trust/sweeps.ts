// Everybody through every world, and the sums over seeds.

import { quantile } from "../measure.ts";
import type { Row } from "../row.ts";
import { CONTESTANTS } from "./contestants.ts";
import { BINS, type Played, play } from "./play.ts";
import type { PolicyMaker } from "./policies.ts";
import { ANCHOR, SCENARIOS, type Scenario } from "./populations.ts";
import { PUBLISHED } from "./published.ts";

export const FIRST_SEED = 1_000;

export function seedsOf(count: number): number[] {
  return Array.from({ length: count }, (_, i) => FIRST_SEED + i);
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export interface Swept {
  readonly name: string;
  /** By scenario. */
  readonly regret: ReadonlyMap<string, number>;
  readonly ece: ReadonlyMap<string, number>;
  /** Tasks until the fall was found; -1: not before it recovered. */
  readonly delayMedian: number;
  readonly delayP95: number;
}

const ONLY_ANCHOR = new Set(["SW-klUCB 206"]);

/** They show what a rule is good for: half of the seeds do. */
const ABLATIONS = new Set(["ledger, c = 1", "ledger without change", "ledger without strikes"]);

/** Tells of each as it is done. */
export function sweep(seeds: readonly number[], report: (row: Row) => void, tell: (text: string) => void): Swept[] {
  return CONTESTANTS.map(([name, make]) => {
    const began = performance.now();
    const some = ABLATIONS.has(name) ? seeds.slice(0, Math.ceil(seeds.length / 2)) : seeds;
    const swept = sweptOf(name, make, some, report);
    tell(`${name}: ${((performance.now() - began) / 1_000).toFixed(0)} s`);
    return swept;
  });
}

function sweptOf(name: string, make: PolicyMaker, seeds: readonly number[], report: (row: Row) => void): Swept {
  const [regret, ece] = [new Map<string, number>(), new Map<string, number>()];
  let delays: number[] = [];
  for (const [i, scenario] of [...SCENARIOS, ANCHOR].entries()) {
    if (ONLY_ANCHOR.has(name) && scenario !== ANCHOR) continue;
    const played = seeds.map((seed) => play(scenario, make, seed));
    const value = meanOf(played.map((one) => one.regret));
    regret.set(scenario.name, value);
    ece.set(scenario.name, eceOf(played));
    tellOf(name, scenario, played, value, PUBLISHED[name]?.[i], report);
    if (scenario.name === "S3") delays = played.map(({ delay }) => delay ?? Number.POSITIVE_INFINITY);
  }
  const [delayMedian, delayP95] = [0.5, 0.95].map((share) => finite(quantile(delays, share)));
  const row = { workload: "trust detection", case: name, unit: "tasks" };
  if (delays.length > 0) report({ ...row, metric: "median", value: delayMedian ?? -1 });
  if (delays.length > 0) report({ ...row, metric: "95 %", value: delayP95 ?? -1 });
  return { name, regret, ece, delayMedian: delayMedian ?? -1, delayP95: delayP95 ?? -1 };
}

function tellOf(
  name: string,
  { name: world }: Scenario,
  played: readonly Played[],
  regret: number,
  published: number | undefined,
  report: (row: Row) => void,
): void {
  const row = { workload: `trust ${world}`, case: name };
  const beside = published === undefined ? {} : { ratio: regret / published, against: `${published} published` };
  report({ ...row, metric: "regret", value: regret, unit: "tasks", ...beside });
  if (name.startsWith("ledger, closed")) {
    const squares = played.reduce((sum, one) => sum + one.squares, 0);
    const tasks = played.reduce((sum, one) => sum + one.tasks, 0);
    report({ ...row, metric: "calibration error", value: eceOf(played), unit: "" });
    report({ ...row, metric: "error of estimates", value: Math.sqrt(squares / tasks), unit: "rms" });
    report({ ...row, metric: "late tasks to a best one", value: 100 * meanOf(played.map((one) => one.lateShare)), unit: "%" });
  }
  if (world === "S4") report({ ...row, metric: "bad tasks", value: meanOf(played.map((one) => one.badTasks)), unit: "tasks" });
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : -1;
}

/** How far estimates lie from what came, on average over estimates: 20 bins over all seeds. */
function eceOf(played: readonly Played[]): number {
  let [sum, all] = [0, 0];
  for (let bin = 0; bin < BINS; bin++) {
    const total = (field: number) => played.reduce((before, { bins }) => before + (bins[3 * bin + field] ?? 0), 0);
    sum += Math.abs(total(1) - total(2));
    all += total(0);
  }
  return sum / all;
}
