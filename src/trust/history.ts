// How the belief in one agent went, as a few points for charts. Over the limit every second point leaves, and points come half
// as often: the whole life fits, the longer the coarser.

import { quantileOf } from "./beta.ts";

/** Verdict of the capability, mean, standard deviation. */
export type Point = readonly [at: number, mean: number, deviation: number];

export interface History {
  readonly points: readonly Point[];
  /** A point for every so many verdicts of the agent. */
  readonly stride: number;
}

/** What a chart shows: the belief after the verdict `at` of the capability, and nine tenths around it. */
export interface HistoryPoint {
  readonly at: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export const NO_HISTORY: History = { points: [], stride: 1 };

/** Points kept per agent and kind: protects memory, some 30 bytes each. */
export const HISTORY_POINTS_MAX = 32;

/** Digits worth keeping. */
const DIGITS = 1e4;

/** Kept when its turn has come, or whenever the agent changed. */
export function withPoint({ points, stride }: History, at: number, mean: number, deviation: number): History {
  const point: Point = [at, Math.round(mean * DIGITS) / DIGITS, Math.round(deviation * DIGITS) / DIGITS];
  if (points.length < HISTORY_POINTS_MAX) return { points: [...points, point], stride };
  return { points: [...points.filter((_, i) => i % 2 === 1), point], stride: stride * 2 };
}

/** Low and high are those of a Beta with the same mean and spread. */
export function shownPoints({ points }: History): HistoryPoint[] {
  return points.map(([at, mean, deviation]) => {
    const total = Math.max(1e-3, (mean * (1 - mean)) / Math.max(deviation, 1 / DIGITS) ** 2 - 1);
    const mixture = [{ weight: 1, a: Math.max(1e-3, mean * total), b: Math.max(1e-3, (1 - mean) * total) }];
    return { at, mean, low: quantileOf(mixture, 0.05), high: quantileOf(mixture, 0.95) };
  });
}
