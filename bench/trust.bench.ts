// Trust: what a decision costs, with a verdict before each, and what a verdict costs.

import { fraction, seededRandom } from "../src/base/random.ts";
import { type Candidate, Ledger } from "../src/trust.ts";
import { median, tidy } from "./measure.ts";
import type { BenchOptions } from "./row.ts";

export const name = "trust";

const ROUNDS = 5;

const CANDIDATES = [10, 50];

interface Us {
  readonly decision: number;
  readonly record: number;
}

export async function bench({ quick, report, n = quick ? 500 : 10_000 }: BenchOptions): Promise<void> {
  for (const count of CANDIDATES) {
    const rounds = Array.from({ length: ROUNDS + 1 }, () => turns(count, n)).slice(1);
    const row = { workload: "trust", case: `${count} candidates`, unit: "µs" };
    report({ ...row, metric: "decision", value: median(rounds.map(({ decision }) => decision)) });
    report({ ...row, metric: "record", value: median(rounds.map(({ record }) => record)) });
  }
}

/** Decisions and their verdicts in turn, from an empty ledger on: the middle of many, so that the first ones do not count. */
function turns(count: number, n: number): Us {
  const ledger = new Ledger();
  const chance = seededRandom(count);
  const rates = new Map(Array.from({ length: count }, (_, i) => [`agent-${i}`, 0.3 + 0.65 * fraction(chance)]));
  const candidates: Candidate[] = [...rates.keys()].map((agent) => ({ agent, priceUsd: 0.02, inFlight: 1 }));
  const [decisions, records]: [number[], number[]] = [[], []];
  tidy();
  for (let i = 0; i < n; i++) {
    const began = performance.now();
    const terms = { capability: "translate", deadlineMs: 5_000, delayUsdPerMs: 0.00002 };
    const { agent } = ledger.choose({ ...terms, candidates, seed: `run_1/${i}` });
    const chosen = performance.now();
    const ok = fraction(chance) < (rates.get(agent) ?? 0);
    ledger.record({ capability: "translate", agent, ok, latencyMs: 900 + 200 * fraction(chance), inFlight: 1 });
    decisions.push(chosen - began);
    records.push(performance.now() - chosen);
  }
  return { decision: usOf(decisions), record: usOf(records) };
}

/** What one takes, garbage collection included. */
function usOf(spansMs: readonly number[]): number {
  return (1_000 * spansMs.reduce((sum, span) => sum + span, 0)) / spansMs.length;
}
