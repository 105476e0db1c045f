// Trust: what is lost by choosing with the ledger, beside other rules and what was published of them; what attackers, liars,
// load and kinds of task do to it; what a choice and a verdict cost. The goals come last, met or missed.

import { fraction, seededRandom } from "../src/base/random.ts";
import { type Candidate, Ledger } from "../src/trust.ts";
import { median, tidy } from "./measure.ts";
import type { BenchOptions, Row } from "./row.ts";
import { ledgerPolicy } from "./trust/ledgers.ts";
import { amongKinds, bandits, clairvoyant, leastInFlight, ledgerRouter, policyRouter, routed } from "./trust/load.ts";
import { trustPicture } from "./trust/picture.ts";
import { shyGreedy, thompson, ucb1 } from "./trust/policies.ts";
import { GOALS, type Goal, REGRET_GOALS } from "./trust/published.ts";
import { amongLiars, policyAmongLiars, type Referral, referred } from "./trust/referrals.ts";
import { meanOf, type Swept, seedsOf, sweep } from "./trust/sweeps.ts";
import { dull, smart, whitewash } from "./trust/whitewash.ts";

export const name = "trust";

const SEEDS = 200;
const QUICK_SEEDS = 4;

type Report = (row: Row) => void;

/** `n`: seeds. */
export async function bench({ quick, report, n = quick ? QUICK_SEEDS : SEEDS }: BenchOptions): Promise<void> {
  const tell = (text: string) => void process.stderr.write(`  ${text}\n`);
  report({ workload: "trust", case: "worlds", metric: "seeds", value: n, unit: "" });
  const cost = costs(quick ? 500 : 10_000, report);
  tell("costs done");
  const swept = sweep(seedsOf(n), report, tell);
  const attacked = whitewashing(seedsOf(Math.ceil(n / 4)), report);
  tell("whitewashing done");
  const heard = referrals(seedsOf(Math.ceil(n / 2)), report);
  const lied = liars(seedsOf(n), report);
  tell("referrals and liars done");
  const loaded = loads(seedsOf(Math.max(2, Math.ceil(n / 20))), report);
  kinds(seedsOf(Math.ceil(n / 4)), report);
  tell("load and kinds done");
  goals(swept, { ...cost, ...attacked, ...heard, ...lied, ...loaded }, report);
}

export function picture(rows: readonly Row[]): { readonly file: string; readonly svg: string } {
  const seeds = rows.find(({ metric }) => metric === "seeds")?.value ?? 0;
  return { file: "trust.svg", svg: trustPicture(rows, `npm run bench -- trust · means over ${seeds} seeds`) };
}

// ── Costs ──

const ROUNDS = 5;

const CANDIDATES = [10, 50];

interface Us {
  readonly choice: number;
  readonly verdict: number;
}

function costs(n: number, report: Report): Pick<Measured, "choice10" | "choice50"> {
  const choices = CANDIDATES.map((count) => {
    const rounds = Array.from({ length: ROUNDS + 1 }, () => turns(count, n)).slice(1);
    const row = { workload: "trust", case: `${count} candidates`, unit: "µs" };
    const choice = median(rounds.map((one) => one.choice));
    report({ ...row, metric: "decision", value: choice });
    report({ ...row, metric: "record", value: median(rounds.map(({ verdict }) => verdict)) });
    return choice;
  });
  return { choice10: choices[0] ?? 0, choice50: choices[1] ?? 0 };
}

/** Choices and their verdicts in turn, from an empty ledger on: the mean of many, garbage collection included. */
function turns(count: number, n: number): Us {
  const ledger = new Ledger();
  const chance = seededRandom(count);
  const rates = new Map(Array.from({ length: count }, (_, i) => [`agent-${i}`, 0.3 + 0.65 * fraction(chance)]));
  const candidates: Candidate[] = [...rates.keys()].map((agent) => ({ agent, priceUsd: 0.02, inFlight: 1 }));
  let [choices, verdicts] = [0, 0];
  tidy();
  for (let i = 0; i < n; i++) {
    const began = performance.now();
    const terms = { capability: "translate", deadlineMs: 5_000, delayUsdPerMs: 0.00002 };
    const { agent } = ledger.choose({ ...terms, candidates, seed: `run_1/${i}` });
    const chosen = performance.now();
    const ok = fraction(chance) < (rates.get(agent) ?? 0);
    ledger.record({ capability: "translate", agent, ok, latencyMs: 900 + 200 * fraction(chance), inFlight: 1 });
    choices += chosen - began;
    verdicts += performance.now() - chosen;
  }
  return { choice: (1_000 * choices) / n, verdict: (1_000 * verdicts) / n };
}

// ── Attackers, liars, load, kinds ──

function whitewashing(seeds: readonly number[], report: Report): Pick<Measured, "dull" | "smart"> {
  const rules = {
    greedy: shyGreedy,
    UCB1: ucb1(2),
    Thompson: thompson,
    "ledger, no guards": ledgerPolicy({ rules: { triedPerRoot: Number.POSITIVE_INFINITY } }),
    "ledger, closed": ledgerPolicy(),
    "ledger, open": ledgerPolicy({ federation: "open" }),
  };
  const attacks = { "dull, 5": dull(5), "dull, 20": dull(20), "smart, 5": smart(5), "smart, 20": smart(20) };
  const reached = new Map<string, number>();
  for (const [attack, how] of Object.entries(attacks))
    for (const [rule, make] of Object.entries(rules)) {
      const value = meanOf(seeds.map((seed) => whitewash(how, make, seed)));
      reached.set(`${attack} ${rule}`, value);
      report({ workload: "trust whitewash", case: `${attack}: ${rule}`, metric: "reached", value, unit: "tasks" });
    }
  const of = (key: string) => reached.get(key) ?? Number.NaN;
  return {
    dull: Math.max(of("dull, 5 ledger, closed"), of("dull, 5 ledger, open")),
    smart: Math.max(of("smart, 5 ledger, open"), of("smart, 20 ledger, open")),
  };
}

const REFERRALS: readonly Referral[] = [
  ...[0, 0.2, 0.4, 0.6, 0.8, 0.95].map((colluders): Referral => ({ colluders, lie: "friends" })),
  { colluders: 0.4, lie: "targeted" },
  ...[0.4, 0.8].map((colluders): Referral => ({ colluders, lie: "reversed" })),
];

function referrals(seeds: readonly number[], report: Report): Pick<Measured, "referredTruth" | "referred" | "referredHarm"> {
  const found = REFERRALS.map((referral) => {
    const [heard = 0, none = 0] = [true, false].map((imports) => meanOf(seeds.map((seed) => referred(referral, imports, seed))));
    const what = `${Math.round(100 * referral.colluders)} % liars, ${referral.lie}`;
    const beside = { ratio: heard / none, against: `${none.toFixed(1)} without peers` };
    report({ workload: "trust referrals", case: what, metric: "regret", value: heard, unit: "tasks", ...beside });
    return { heard, none };
  });
  return {
    referredTruth: found[0]?.heard ?? Number.NaN,
    referred: Math.max(...found.map(({ heard }) => heard)),
    referredHarm: Math.max(...found.map(({ heard, none }) => heard - none)),
  };
}

function liars(seeds: readonly number[], report: Report): Pick<Measured, "liars"> {
  const rules: Readonly<Record<string, (seed: number) => number>> = {
    "whoever claims most": (seed) => policyAmongLiars(null, seed),
    UCB1: (seed) => policyAmongLiars(ucb1(2), seed),
    Thompson: (seed) => policyAmongLiars(thompson, seed),
    ledger: (seed) => amongLiars(0, seed),
    "ledger, 3 probes": (seed) => amongLiars(3, seed),
  };
  let last = Number.NaN;
  for (const [rule, regret] of Object.entries(rules)) {
    last = meanOf(seeds.map(regret));
    report({ workload: "trust liars", case: rule, metric: "regret", value: last, unit: "tasks" });
  }
  return { liars: last };
}

function loads(seeds: readonly number[], report: Report): Pick<Measured, "load"> {
  const all = [...[1, 4, 8, 11].map((perSecond) => ({ perSecond, slows: false })), { perSecond: 8, slows: true }];
  const shares = all.map((load) => {
    const of = (router: (seed: number) => Parameters<typeof routed>[1]) =>
      meanOf(seeds.map((seed) => routed(load, router(seed), seed)));
    const row = { workload: "trust load", metric: "worth", unit: "$/task" };
    const what = `${load.perSecond} a second${load.slows ? ", one slows down" : ""}`;
    const informed = of(clairvoyant);
    const others = Object.entries(bandits).map(([bandit, make]) => [bandit, of((seed) => policyRouter(make, seed))] as const);
    const ours = of(ledgerRouter);
    for (const [rule, value] of [["ledger", ours], ["least in flight", of(leastInFlight)], ...others] as const)
      report({ ...row, case: `${what}: ${rule}`, value, ratio: value / informed, against: "the clairvoyant" });
    return ours / informed;
  });
  return { load: 100 * Math.min(...shares) };
}

function kinds(seeds: readonly number[], report: Report): void {
  for (const interaction of ["strong", "weak"] as const)
    for (const use of ["none", "apart", "shared"] as const) {
      const value = meanOf(seeds.map((seed) => amongKinds(interaction, use, seed)));
      report({ workload: "trust kinds", case: `${interaction}: ${use}`, metric: "regret", value, unit: "tasks" });
    }
}

// ── Goals ──

type Measured = Record<Exclude<keyof typeof GOALS, "sum" | "delayMedian" | "delayP95" | "ece">, number>;

function goals(swept: readonly Swept[], measured: Measured, report: Report): void {
  const ledger = swept.find((one) => one.name === "ledger, closed");
  const regrets = [...(ledger?.regret ?? [])];
  for (const [world, value] of regrets)
    goal({ name: `regret ${world}`, limit: REGRET_GOALS[world] ?? 0, unit: "tasks" }, value, report);
  const detection = { delayMedian: late(ledger?.delayMedian), delayP95: late(ledger?.delayP95) };
  const scenarios = regrets.filter(([world]) => world !== "A");
  const sum = scenarios.reduce((before, [, value]) => before + value, 0);
  const ece = Math.max(...scenarios.map(([world]) => ledger?.ece.get(world) ?? Number.NaN));
  const all = { sum, ece, ...detection, ...measured };
  for (const [key, one] of Object.entries(GOALS)) goal(one, all[key as keyof typeof GOALS], report);
}

function late(delay = -1): number {
  return delay < 0 ? Number.POSITIVE_INFINITY : delay;
}

function goal({ name: what, limit, unit, isFloor = false }: Goal, value: number, report: Report): void {
  const isMet = isFloor ? value >= limit : value <= limit;
  const against = `${isFloor ? "at least" : "at most"} ${limit}`;
  const ratio = limit === 0 ? {} : { ratio: value / limit };
  report({ workload: "trust goals", case: what, metric: isMet ? "met" : "MISSED", value, unit, ...ratio, against });
}
