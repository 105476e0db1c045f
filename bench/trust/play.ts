// One policy through one world, and what is measured of it.

import { seededRandom } from "../../src/base/random.ts";
import type { PolicyMaker } from "./policies.ts";
import { FALL_AT, FALL_FROM, FALL_TO, luckOf, RISE_AT, type Scenario } from "./populations.ts";

/** Estimates fall into so many bins of equal width. */
export const BINS = 20;

export interface Played {
  /** What the best agent of each moment would have got right more, by expectation. */
  readonly regret: number;
  /** Tasks that the agent that fell still got until the estimate of it was nearer to what it became; null: never. */
  readonly delay: number | null;
  /** Tasks of agents in a phase in which they harm. */
  readonly badTasks: number;
  /** Of the estimates of those chosen: the sum of squared errors. */
  readonly squares: number;
  readonly tasks: number;
  /** By bin: how many, the sum of estimates, how many were right. */
  readonly bins: Float64Array;
  /** Tasks to one within .02 of the best, of the last fifth. */
  readonly lateShare: number;
}

export function play({ world: worldOf }: Scenario, make: PolicyMaker, seed: number): Played {
  const world = worldOf(seededRandom(seed));
  const { agents, tasks } = world;
  const luck = luckOf(seed, tasks, agents);
  const policy = make({ agents, tasks, next: seededRandom(seed ^ 0x2545f491) });
  const [own, chances, bins] = [new Int32Array(agents), new Float64Array(agents), new Float64Array(3 * BINS)];
  let [regret, badTasks, squares, late, fellTasks] = [0, 0, 0, 0, 0];
  let delay: number | null = null;
  for (let task = 0; task < tasks; task++) {
    world.chances(task, own, chances);
    if (task >= FALL_AT && task < RISE_AT && delay === null && policy.estimate(0) < (FALL_FROM + FALL_TO) / 2) delay = fellTasks;
    const agent = policy.choose(task);
    const chance = chances[agent] ?? 0;
    const best = greatestOf(chances);
    const ok = (luck[task * agents + agent] ?? 0) < chance;
    const estimate = policy.estimate(agent);
    regret += best - chance;
    squares += (estimate - chance) ** 2;
    take(bins, estimate, ok);
    if (world.isBad?.(agent, own[agent] ?? 0) === true) badTasks++;
    if (task >= 0.8 * tasks && best - chance <= 0.02) late++;
    if (task >= FALL_AT && agent === 0) fellTasks++;
    own[agent] = (own[agent] ?? 0) + 1;
    policy.record(agent, ok, task);
  }
  return { regret, delay, badTasks, squares, tasks, bins, lateShare: late / (0.2 * tasks) };
}

function greatestOf(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i] ?? 0);
  return most;
}

function take(bins: Float64Array, estimate: number, ok: boolean): void {
  const at = 3 * Math.min(BINS - 1, Math.floor(estimate * BINS));
  bins[at] = (bins[at] ?? 0) + 1;
  bins[at + 1] = (bins[at + 1] ?? 0) + estimate;
  bins[at + 2] = (bins[at + 2] ?? 0) + Number(ok);
}
