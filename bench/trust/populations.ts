// The worlds of the trust benchmark: agents whose verdicts are drawn, and what a clairvoyant would do. Every world follows from
// its seed alone, and so does what each agent would answer to each task: all policies meet the same luck.

import type { Random32 } from "../../src/base/clock.ts";
import { fraction, seededRandom } from "../../src/base/random.ts";
import { drawBeta } from "../../src/trust/beta.ts";

export interface World {
  readonly agents: number;
  readonly tasks: number;
  /** Fills in how likely each agent is right at a task, given how many tasks each had. */
  chances(task: number, own: Int32Array, into: Float64Array): void;
  /** Whether an agent is in a phase in which it harms; absent where none does. */
  isBad?(agent: number, own: number): boolean;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  world(next: Random32): World;
}

const between = (next: Random32, low: number, high: number) => low + (high - low) * fraction(next);

const severalBetween = (next: Random32, count: number, low: number, high: number) =>
  Array.from({ length: count }, () => between(next, low, high));

const TASKS = 5_000;

/** Nobody ever changes. */
function constant(rates: readonly number[], tasks: number): World {
  return { agents: rates.length, tasks, chances: (_task, _own, into) => into.set(rates) };
}

function stationary(next: Random32): World {
  return constant(severalBetween(next, 10, 0.3, 0.95), TASKS);
}

function coldStart(next: Random32): World {
  return constant(
    Array.from({ length: 50 }, () => drawBeta(4, 2, next)),
    1_000,
  );
}

/** Where the research names no middle, it is drawn so that random choice regrets what it says. */
const DRIFT_MIDDLE = [0.5, 0.8] as const;

function drifting(next: Random32): World {
  const waves = Array.from({ length: 10 }, () => ({
    middle: between(next, ...DRIFT_MIDDLE),
    height: between(next, 0.1, 0.3),
    period: between(next, 2_000, 6_000),
    phase: between(next, 0, 2 * Math.PI),
  }));
  return {
    agents: 10,
    tasks: TASKS,
    chances(task, _own, into) {
      for (const [i, { middle, height, period, phase }] of waves.entries())
        into[i] = Math.min(0.98, Math.max(0.02, middle + height * Math.sin((2 * Math.PI * task) / period + phase)));
    },
  };
}

export const FALL_AT = 2_000;
export const RISE_AT = 3_500;
export const FALL_FROM = 0.93;
export const FALL_TO = 0.45;

/** The best one is worse than all others for a while, and says nothing. */
function silentRegression(next: Random32): World {
  const rates = [FALL_FROM, 0.85, ...severalBetween(next, 6, 0.5, 0.8)];
  return {
    agents: 8,
    tasks: TASKS,
    chances(task, _own, into) {
      into.set(rates);
      if (task >= FALL_AT && task < RISE_AT) into[0] = FALL_TO;
    },
  };
}

/** Two earn trust and abuse it, in turn, by how many tasks they had. */
function onOff(next: Random32, good: number, goodTasks: number, bad: number, badTasks: number): World {
  const honest = [0.9, ...severalBetween(next, 5, 0.6, 0.9)];
  const isBad = (agent: number, own: number) => agent < 2 && own % (goodTasks + badTasks) >= goodTasks;
  return {
    agents: 8,
    tasks: TASKS,
    isBad,
    chances(_task, own, into) {
      into.set(honest, 2);
      for (let agent = 0; agent < 2; agent++) into[agent] = isBad(agent, own[agent] ?? 0) ? bad : good;
    },
  };
}

export const SCENARIOS: readonly Scenario[] = [
  { name: "S1", title: "nobody changes", world: stationary },
  { name: "S2", title: "all drift", world: drifting },
  { name: "S3", title: "the best falls silently", world: silentRegression },
  { name: "S4", title: "on-off attack", world: (next) => onOff(next, 0.97, 150, 0.1, 50) },
  { name: "S5", title: "subtle on-off attack", world: (next) => onOff(next, 0.95, 200, 0.55, 100) },
  { name: "S6", title: "fifty newcomers", world: coldStart },
];

/** Means over five equal stretches; each break moves one arm. */
const ANCHOR_MEANS = [
  [0.3, 0.5, 0.9],
  [0.3, 0.2, 0.9],
  [0.3, 0.2, 0.1],
  [0.7, 0.2, 0.1],
  [0.7, 0.5, 0.1],
];

/** Problem 1 of Besson & Kaufmann, "The generalized likelihood ratio test meets klUCB", 2019, as in SMPyBandits. */
export const ANCHOR: Scenario = {
  name: "A",
  title: "SMPyBandits, problem 1",
  world: () => ({
    agents: 3,
    tasks: TASKS,
    chances: (task, _own, into) => into.set(ANCHOR_MEANS[Math.floor((task * ANCHOR_MEANS.length) / TASKS)] ?? []),
  }),
};

/** What luck each agent has at each task: it is right where this is below its chance. */
export function luckOf(seed: number, tasks: number, agents: number): Float32Array {
  const next = seededRandom(seed ^ 0x51ed270b);
  return Float32Array.from({ length: tasks * agents }, () => next() / 2 ** 32);
}
