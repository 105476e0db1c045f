// Whitewashing: attackers that take a new name whenever the old one is spoilt. What counts is how many tasks reach them.

import { fraction, seededRandom } from "../../src/base/random.ts";
import type { PolicyMaker } from "./policies.ts";

export interface Attack {
  /** Attackers there are at any time. */
  readonly attackers: number;
  /** How likely one is right, given how many tasks its name had. */
  rate(own: number): number;
}

export const dull = (attackers: number): Attack => ({ attackers, rate: () => 0.15 });

export const smart = (attackers: number): Attack => ({ attackers, rate: (own) => (own < 8 ? 0.95 : 0.1) });

const HONEST = 5;
export const TASKS = 5_000;

/** A name is given up after so many wrong results. */
const WRONG_MAX = 3;

/** The tasks that attackers got. */
export function whitewash({ attackers, rate }: Attack, make: PolicyMaker, seed: number): number {
  const next = seededRandom(seed);
  const honest = [0.9, ...Array.from({ length: HONEST - 1 }, () => 0.6 + 0.3 * fraction(next))];
  const agents = HONEST + attackers;
  const policy = make({ agents, tasks: TASKS, next: seededRandom(seed ^ 0x2545f491) });
  const [own, wrong] = [new Int32Array(agents), new Int32Array(agents)];
  let reached = 0;
  for (let task = 0; task < TASKS; task++) {
    const agent = policy.choose(task);
    const isHonest = agent < HONEST;
    const ok = fraction(next) < (isHonest ? (honest[agent] ?? 0) : rate(own[agent] ?? 0));
    policy.record(agent, ok, task);
    if (isHonest) continue;
    reached++;
    own[agent] = (own[agent] ?? 0) + 1;
    wrong[agent] = (wrong[agent] ?? 0) + Number(!ok);
    if ((wrong[agent] ?? 0) < WRONG_MAX) continue;
    [own[agent], wrong[agent]] = [0, 0];
    policy.rename?.(agent);
  }
  return reached;
}
