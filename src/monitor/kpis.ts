// Key figures of services, as people read them: five in one line each, then every service and operation.

import type { Json } from "../base/json.ts";
import { DAY_MS, HOUR_MS } from "../base/time.ts";
import type { Rating, Reading, Rollup } from "../store.ts";
import { type Figures, NOTHING, ownFaultsIn, QUANTILE_ERROR, quantile, Tally } from "./figures.ts";
import { readFigures, SPANS } from "./rollup.ts";

export const WINDOWS = { "1h": HOUR_MS, "24h": DAY_MS, "7d": 7 * DAY_MS, "30d": 30 * DAY_MS } as const;

export type WindowName = keyof typeof WINDOWS;

/** A share is from 0 to 1. What cannot be said yet is null. */
export interface KeyFigures {
  /** Calls that got a result of some service, of all that did not fail by the caller's own fault. */
  readonly serviceSuccessRate: { readonly share: number | null; readonly calls: number };
  /** Of attempts that succeeded, in ms. */
  readonly averageResponseTime: { readonly meanMs: number | null; readonly p95Ms: number | null };
  /** What people said of results: 1 to 5. */
  readonly userSatisfaction: { readonly mean: number | null; readonly ratings: number };
  /** The share of looks that found services well, and of attempts that failed. */
  readonly systemReliability: { readonly uptimeShare: number | null; readonly errorRate: number | null };
  /** What served a result, of all that was spent. */
  readonly resourceEfficiency: {
    readonly tokens: number | null;
    readonly usd: number | null;
    readonly slotTime: number | null;
  };
}

export interface OperationFigures {
  readonly service: string;
  readonly operation: string;
  readonly calls: number;
  readonly retries: number;
  readonly successShare: number | null;
  readonly failures: Readonly<Record<string, number>>;
  readonly degradedShare: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly queueP95Ms: number | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  /** Attempts of which nobody knows what they cost; they are not in `costUsd`. */
  readonly unpriced: number;
  readonly satisfaction: number | null;
}

export interface ServiceFigures {
  readonly service: string;
  readonly uptimeShare: number | null;
  readonly circuitOpened: number;
}

export interface Kpis {
  readonly window: WindowName;
  readonly figures: KeyFigures;
  readonly services: readonly ServiceFigures[];
  readonly operations: readonly OperationFigures[];
}

export interface KpiSources {
  readonly rollups: readonly Rollup[];
  /** Those that no rollup counts yet. */
  readonly readings: readonly Reading[];
  readonly ratings: readonly Rating[];
}

/** The window ends now; rollups that begin in it count. */
export function kpisOf({ rollups, readings, ratings }: KpiSources, window: WindowName, now: number): Kpis {
  const from = now - WINDOWS[window];
  const spanMs = window === "1h" || window === "24h" ? SPANS.fineMs : SPANS.coarseMs;
  const tallies = new Map<string, Tally>();
  const tallyOf = (key: string): Tally => {
    const known = tallies.get(key) ?? new Tally();
    tallies.set(key, known);
    return known;
  };
  for (const rollup of rollups) {
    if (rollup.spanMs !== spanMs || rollup.fromAt + spanMs <= from) continue;
    const figures = readFigures(rollup.figuresText);
    if (figures !== null) tallyOf(`${rollup.service}/${rollup.operation}`).add(figures);
  }
  for (const reading of readings)
    if (reading.at > from)
      tallyOf(`${reading.service}/${reading.operation}`).count(reading.what, JSON.parse(reading.text) as Record<string, Json>);
  const said = ratings.filter(({ at }) => at > from);
  const total = new Tally();
  for (const { figures } of tallies.values()) total.add(figures);
  const byOperation = new Map([...tallies].map(([key, { figures }]) => [key, figures] as const));
  return {
    window,
    figures: keyFigures(total.figures, said),
    services: servicesOf(byOperation),
    operations: operationsOf(byOperation, said),
  };
}

function keyFigures(total: Figures, ratings: readonly Rating[]): KeyFigures {
  const tokens = total.inputTokens + total.outputTokens;
  const ended = total.succeeded + total.failedCalls;
  const attempts = total.attempts - ownFaultsIn(total);
  return {
    serviceSuccessRate: { share: share(total.succeeded, ended), calls: ended },
    averageResponseTime: responseTime(total),
    userSatisfaction: { mean: meanRating(ratings), ratings: ratings.length },
    systemReliability: {
      uptimeShare: share(total.checksWell, total.checks),
      errorRate: share(attempts - total.succeeded, attempts),
    },
    resourceEfficiency: {
      tokens: share(tokens - total.wastedTokens, tokens),
      usd: share(total.costUsd - total.wastedUsd, total.costUsd),
      slotTime: share(total.busyMs - total.wastedMs, total.busyMs),
    },
  };
}

/** Where the mean is more than the quantile by no more than that is off, both are the same for all that is known. */
function responseTime({ succeeded, latency, latencySumMs }: Figures): KeyFigures["averageResponseTime"] {
  const meanMs = succeeded === 0 ? null : Math.round((latencySumMs / succeeded) * 100) / 100;
  const p95Ms = quantile(latency, 0.95);
  const isSame = meanMs !== null && p95Ms !== null && meanMs > p95Ms && meanMs <= p95Ms * (1 + QUANTILE_ERROR);
  return { meanMs, p95Ms: isSame ? meanMs : p95Ms };
}

/** At most 1: a retry that began before the window can succeed in it. */
function share(part: number, whole: number): number | null {
  return whole <= 0 ? null : Math.min(1, Math.round((part / whole) * 10_000) / 10_000);
}

function meanRating(ratings: readonly Rating[]): number | null {
  if (ratings.length === 0) return null;
  return Math.round((ratings.reduce((all, { rating }) => all + rating, 0) / ratings.length) * 100) / 100;
}

function servicesOf(byOperation: ReadonlyMap<string, Figures>): ServiceFigures[] {
  const names = [...new Set([...byOperation.keys()].map((key) => key.slice(0, key.indexOf("/"))))].toSorted();
  return names.map((service) => {
    const own = byOperation.get(`${service}/`) ?? NOTHING;
    return { service, uptimeShare: share(own.checksWell, own.checks), circuitOpened: own.opened };
  });
}

function operationsOf(byOperation: ReadonlyMap<string, Figures>, ratings: readonly Rating[]): OperationFigures[] {
  const found = [...byOperation].filter(([key]) => !key.endsWith("/"));
  return found
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, figures]) => {
      const at = key.indexOf("/");
      const [service, operation] = [key.slice(0, at), key.slice(at + 1)];
      const own = ratings.filter((one) => one.service === service && one.operation === operation);
      return {
        ...{ service, operation, calls: figures.calls, retries: figures.attempts - figures.calls },
        successShare: share(figures.succeeded, figures.calls - ownFaultsIn(figures)),
        failures: figures.failures,
        degradedShare: share(figures.degraded, figures.calls),
        p50Ms: quantile(figures.latency, 0.5),
        p95Ms: quantile(figures.latency, 0.95),
        p99Ms: quantile(figures.latency, 0.99),
        queueP95Ms: quantile(figures.queue, 0.95),
        ...{ inputTokens: figures.inputTokens, outputTokens: figures.outputTokens, costUsd: figures.costUsd },
        unpriced: figures.unpriced,
        satisfaction: meanRating(own),
      };
    });
}
