// Figures of services: what readings amount to. Pure: a fold over readings, and sums of what was folded.
//
//  1. Figures of two spans add up to those of both: in any order, and however readings were divided.
//  2. A quantile is off by 5 % of itself at most: times are counted in buckets, each a tenth wider than the one before.
//  3. A call is one `ctx.call`, however many services were asked in turn: it succeeded when one gave a result, and failed when
//     the last attempt of all failed. What was the caller's own fault counts for neither.
//  4. Sums are finite: what is no number of things counts nothing, in readings and in figures that were kept.

import type { Json } from "../base/json.ts";
import type { Reading } from "../store.ts";

/** Times by bucket: how many. */
export type Histogram = Readonly<Record<string, number>>;

export interface Figures {
  /** First attempts: what was asked for. */
  readonly calls: number;
  readonly attempts: number;
  readonly succeeded: number;
  /** Calls that ended without a result of any service, told by their last attempt (3). */
  readonly failedCalls: number;
  /** Failed attempts by class. */
  readonly failures: Readonly<Record<string, number>>;
  readonly degraded: number;
  readonly latency: Histogram;
  readonly latencySumMs: number;
  readonly queue: Histogram;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  /** Attempts of which nobody knows what they cost; `costUsd` is without them. */
  readonly unpriced: number;
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
  ...{ calls: 0, attempts: 0, succeeded: 0, failedCalls: 0, failures: {}, degraded: 0 },
  ...{ latency: {}, latencySumMs: 0, queue: {}, inputTokens: 0, outputTokens: 0, costUsd: 0, unpriced: 0, busyMs: 0 },
  ...{ wastedTokens: 0, wastedUsd: 0, wastedMs: 0, checks: 0, checksWell: 0, opened: 0 },
};

/** Figures that grow: what one reading says is added, or what other figures say. */
export class Tally {
  readonly #figures: { -readonly [K in keyof Figures]: Figures[K] extends number ? number : Record<string, number> };

  constructor(from: KeptFigures = NOTHING) {
    this.#figures = { ...NOTHING, failures: {}, latency: {}, queue: {} };
    this.add(from);
  }

  get figures(): Figures {
    return this.#figures;
  }

  /** `facts`: what the reading carries, read. */
  count(what: Reading["what"], facts: Readonly<Record<string, Json>>): void {
    const own = this.#figures;
    if (what === "check") {
      own.checks++;
      if (facts.ok === true) own.checksWell++;
    } else if (what === "circuit") {
      if (facts.to === "open") own.opened++;
    } else if (what === "call") this.#call(facts);
  }

  #call(facts: Readonly<Record<string, Json>>): void {
    const own = this.#figures;
    const number = (name: string): number => sane(facts[name]);
    const [latencyMs, costUsd] = [number("latencyMs"), number("costUsd")];
    const [inputTokens, outputTokens] = [number("inputTokens"), number("outputTokens")];
    own.attempts++;
    if (number("attempt") <= 1) {
      own.calls++;
      grow(own.queue, bucketOf(number("queueMs")));
    }
    own.failedCalls += failedCallsIn(facts);
    if (facts.degraded !== undefined) own.degraded++;
    own.inputTokens += inputTokens;
    own.outputTokens += outputTokens;
    own.costUsd += costUsd;
    if (facts.costUsd === null) own.unpriced++;
    own.busyMs += latencyMs;
    if (facts.ok === true) {
      own.succeeded++;
      own.latencySumMs += latencyMs;
      grow(own.latency, bucketOf(latencyMs));
      return;
    }
    grow(own.failures, String(facts.failure ?? "other"));
    own.wastedTokens += inputTokens + outputTokens;
    own.wastedUsd += costUsd;
    own.wastedMs += latencyMs;
  }

  add(kept: KeptFigures): void {
    const own = this.#figures;
    const other = filled(kept);
    for (const key of COUNTS) own[key] += sane(other[key]);
    for (const key of HISTOGRAMS)
      for (const [bucket, count] of Object.entries(other[key] ?? {})) own[key][bucket] = (own[key][bucket] ?? 0) + sane(count);
  }
}

/** What counts nothing that can be is nothing: one service that miscounts does not spoil the sums, nor do spoilt sums stay. */
function sane(value: unknown): number {
  return typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : 0;
}

/** Figures as they were folded once: those of an older Baton have fewer fields. */
export type KeptFigures = Partial<Figures>;

/** Where nobody said which attempt was a call's last, each first attempt was a call. */
function filled(kept: KeptFigures): Figures {
  const { calls = 0, succeeded = 0 } = kept;
  return { ...NOTHING, failedCalls: calls - succeeded, ...kept };
}

/** What the caller did wrong, or did not want any more. */
const OWN_FAULTS = ["input", "denied", "secret", "canceled"] as const;

function failedCallsIn({ ok, attempt, isFinal, failure }: Readonly<Record<string, Json>>): number {
  if (isFinal === undefined) return Number(Number(attempt) <= 1) - Number(ok === true);
  return Number(isFinal === true && ok !== true && !OWN_FAULTS.some((one) => one === failure));
}

/** Attempts that were the caller's own fault. */
export function ownFaultsIn({ failures }: Figures): number {
  return OWN_FAULTS.reduce((all, one) => all + (failures[one] ?? 0), 0);
}

const HISTOGRAMS = ["failures", "latency", "queue"] as const;
const COUNTS = Object.keys(NOTHING).filter((key) => !HISTOGRAMS.some((one) => one === key)) as Exclude<
  keyof Figures,
  (typeof HISTOGRAMS)[number]
>[];

function grow(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

const STEP = 1.1;

/** Below a hundredth of a ms everything is one bucket. */
const LEAST_MS = 0.01;

function bucketOf(ms: number): string {
  return String(Math.max(0, Math.ceil(Math.log(Math.max(ms, LEAST_MS) / LEAST_MS) / Math.log(STEP))));
}

/** By which share of itself a quantile may be off (2). */
export const QUANTILE_ERROR = 0.05;

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
