// Measuring: time, processor time, rounds that take turns, and the middle of many numbers.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Collects garbage, so that nobody pays for what another left. */
export function tidy(): void {
  collect();
  collect();
}

/** Bytes of the heap in use, garbage collected. */
export function heapBytes(): number {
  tidy();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export interface Round {
  /** Of wall time. */
  readonly perSecond: number;
  /** Of all threads of this process, user and system. */
  readonly cpuUsEach: number;
}

/** How fast `act` does `count` things. */
export async function round(count: number, act: () => Promise<unknown>): Promise<Round> {
  tidy();
  const cpu = process.cpuUsage();
  const began = performance.now();
  await act();
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: count / seconds, cpuUsEach: (user + system) / count };
}

/** Rounds of each in turn, so that a slow minute of the machine falls on all of them. The first round warms up. */
export async function inTurn(rounds: number, ...contestants: (() => Promise<Round>)[]): Promise<Round[][]> {
  const kept: Round[][] = contestants.map(() => []);
  for (let i = 0; i <= rounds; i++) {
    for (const [at, contestant] of contestants.entries()) {
      const measured = await contestant();
      if (i > 0) kept[at]?.push(measured);
    }
  }
  return kept;
}

/** Keeps `inFlight` going at once until `count` are done. */
export async function keepInFlight(inFlight: number, count: number, one: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

/** The value below which `share` of all lie; `share` from 0 to 1. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const [low, high] = [quantile(values, 0.5 - 0.5 / values.length), quantile(values, 0.5)];
  return values.length % 2 === 1 ? high : (low + high) / 2;
}

/** The slope of the line through points, by least squares. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [atX, atY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - atX) * (y - atY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - atX) ** 2, 0);
}

/** Once round the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
