// Figures of services: what readings amount to. Pure: a fold over readings, and sums of what was folded.
//
//  1. Figures of two spans add up to those of both: in any order, and however readings were divided.
//  2. A quantile is off by 5 % of itself at most: times are counted in buckets, each a tenth wider than the one before.

import type { Json } from "../base/json.ts";
import type { Reading } from "../store.ts";

/** Times by bucket: how many. */
export type Histogram = Readonly<Record<string, number>>;

export interface Figures {
  /** First attempts: what was asked for. */
  readonly calls: number;
  readonly attempts: number;
  readonly succeeded: number;
  /** Failed attempts by class. */
  readonly failures: Readonly<Record<string, number>>;
  readonly degraded: number;
  readonly latency: Histogram;
  readonly latencySumMs: number;
  readonly queue: Histogram;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  /** Time at the service, failed attempts included. */
  readonly busyMs: number;
  /** Of these, what failed attempts took. */
  readonly wastedTokens: number;
  readonly wastedUsd: number;
  readonly wastedMs: number;
  /** Looks at its health. */
  readonly checks: number;
  readonly checksWell: number;
  /** How often it was left alone because it kept failing. */
  readonly opened: number;
}

export const NOTHING: Figures = {
  ...{ calls: 0, attempts: 0, succeeded: 0, failures: {}, degraded: 0 },
  ...{ latency: {}, latencySumMs: 0, queue: {}, inputTokens: 0, outputTokens: 0, costUsd: 0, busyMs: 0 },
  ...{ wastedTokens: 0, wastedUsd: 0, wastedMs: 0, checks: 0, checksWell: 0, opened: 0 },
};

/** Adds what one reading says. */
export function counted(figures: Figures, { what, text }: Pick<Reading, "what" | "text">): Figures {
  const facts = JSON.parse(text) as Record<string, Json>;
  if (what === "check") return sum(figures, { ...NOTHING, checks: 1, checksWell: facts.ok === true ? 1 : 0 });
  if (what === "circuit") return sum(figures, { ...NOTHING, opened: facts.to === "open" ? 1 : 0 });
  return what === "call" ? sum(figures, figuresOfCall(facts)) : figures;
}

function figuresOfCall(facts: Readonly<Record<string, Json>>): Figures {
  const number = (name: string): number => (typeof facts[name] === "number" ? (facts[name] as number) : 0);
  const isWell = facts.ok === true;
  const [latencyMs, tokens] = [number("latencyMs"), number("inputTokens") + number("outputTokens")];
  return {
    ...NOTHING,
    calls: number("attempt") <= 1 ? 1 : 0,
    attempts: 1,
    succeeded: isWell ? 1 : 0,
    failures: isWell ? {} : { [String(facts.failure ?? "other")]: 1 },
    degraded: facts.degraded === undefined ? 0 : 1,
    latency: isWell ? { [bucketOf(latencyMs)]: 1 } : {},
    latencySumMs: isWell ? latencyMs : 0,
    queue: number("attempt") <= 1 ? { [bucketOf(number("queueMs"))]: 1 } : {},
    inputTokens: number("inputTokens"),
    outputTokens: number("outputTokens"),
    costUsd: number("costUsd"),
    busyMs: latencyMs,
    wastedTokens: isWell ? 0 : tokens,
    wastedUsd: isWell ? 0 : number("costUsd"),
    wastedMs: isWell ? 0 : latencyMs,
  };
}

export function sum(a: Figures, b: Figures): Figures {
  const made: Record<string, number | Histogram> = {};
  for (const key of Object.keys(NOTHING) as (keyof Figures)[]) {
    const [left, right] = [a[key], b[key]];
    made[key] = typeof left === "number" ? left + (right as number) : added(left, right as Histogram);
  }
  return made as unknown as Figures;
}

function added(a: Histogram, b: Histogram): Histogram {
  const made: Record<string, number> = { ...a };
  for (const [bucket, count] of Object.entries(b)) made[bucket] = (made[bucket] ?? 0) + count;
  return made;
}

const STEP = 1.1;

/** Below a hundredth of a ms everything is one bucket. */
const LEAST_MS = 0.01;

function bucketOf(ms: number): string {
  return String(Math.max(0, Math.ceil(Math.log(Math.max(ms, LEAST_MS) / LEAST_MS) / Math.log(STEP))));
}

/** In ms; null where nothing was timed. */
export function quantile(histogram: Histogram, share: number): number | null {
  const buckets = Object.entries(histogram)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .toSorted(([a], [b]) => a - b);
  const total = buckets.reduce((all, [, count]) => all + count, 0);
  if (total === 0) return null;
  let below = 0;
  for (const [bucket, count] of buckets) {
    below += count;
    if (below >= share * total) return middleOf(bucket);
  }
  return null;
}

function middleOf(bucket: number): number {
  if (bucket === 0) return 0;
  return Math.round(LEAST_MS * STEP ** (bucket - 0.5) * 100) / 100;
}
