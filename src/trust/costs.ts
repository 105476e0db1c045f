// What agents take: time by load and money, as running averages. Time-outs and faults of transport belong here, never to
// the evidence of quality.

import { normalBelow } from "./beta.ts";
import { checkNumber } from "./problems.ts";

/** What is told of the costs of one task. */
export interface Bill {
  readonly latencyMs?: number;
  /** Tasks that were under way at the agent when this one began, without this one; 0 where left out. */
  readonly inFlight?: number;
  readonly priceUsd?: number;
}

/** What an agent takes; null: never seen. */
export interface Costs {
  /** Running averages in ms, by load. */
  readonly latenciesMs: readonly (number | null)[];
  readonly priceUsd: number | null;
}

/** Loads told apart: 0, 1, 2–3, 4–7, 8–15, 16–31, 32–63, 64 and more in flight. */
const LOAD_BUCKETS = 8;

/** The weight of the newest in the running averages of latency and price. */
const AVERAGE_STEP = 0.1;

/** The standard deviation of the logarithm of latencies: one in twenty takes more than twice the usual. */
const LATENCY_SPREAD = 0.5;

export const UNSEEN: Costs = { latenciesMs: Array.from({ length: LOAD_BUCKETS }, () => null), priceUsd: null };

export function observed(costs: Costs, { latencyMs, inFlight = 0, priceUsd }: Bill): Costs {
  if (latencyMs === undefined && priceUsd === undefined) return costs;
  const bucket = bucketOf(inFlight);
  const latenciesMs =
    latencyMs === undefined
      ? costs.latenciesMs
      : costs.latenciesMs.map((average, i) => (i === bucket ? averaged(average, latencyMs) : average));
  return { latenciesMs, priceUsd: priceUsd === undefined ? costs.priceUsd : averaged(costs.priceUsd, priceUsd) };
}

function averaged(average: number | null, value: number): number {
  return average === null ? value : average + AVERAGE_STEP * (value - average);
}

function bucketOf(inFlight: number): number {
  return inFlight < 1 ? 0 : Math.min(LOAD_BUCKETS - 1, 1 + Math.floor(Math.log2(inFlight)));
}

/** Never falls as load grows. A load never seen takes what the next lower takes: optimism finds out what an agent can carry. */
export function latencyAt({ latenciesMs }: Costs, inFlight: number): number | undefined {
  const bucket = bucketOf(inFlight);
  let greatest: number | undefined;
  for (let i = 0; i < LOAD_BUCKETS && (i <= bucket || greatest === undefined); i++) {
    const average = latenciesMs[i] ?? null;
    if (average !== null) greatest = Math.max(average, greatest ?? 0);
  }
  return greatest;
}

/** How likely it is done in time, taking latencies as log-normal. */
export function onTimeOf(latencyMs: number | undefined, deadlineMs: number): number {
  if (latencyMs === undefined || latencyMs === 0 || deadlineMs === Number.POSITIVE_INFINITY) return 1;
  return normalBelow(Math.log(deadlineMs / latencyMs) / LATENCY_SPREAD);
}

export function checkBill({ latencyMs = 0, inFlight = 0, priceUsd = 0 }: Bill): void {
  checkNumber(latencyMs, "latencyMs", 0);
  checkNumber(inFlight, "inFlight", 0);
  checkNumber(priceUsd, "priceUsd", 0);
}
