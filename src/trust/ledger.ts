// What verdicts say about agents, and whom to choose by it. Owns the belief in each agent at each capability, what it
// costs, the choice and its explanation; leaves clocks, the record, what a verdict is and how it was found to others.
// Pure: time is the count of a capability's verdicts, chance comes from a seed.
//
// 1. Quality is learned from verdicts alone: what is observed (`observe`) or said (price, load) never moves it.
// 2. The ledger is a fold of `record` and `observe`. `choose` and `estimate` leave it as it is, and give the same for the
//    same ledger and seed, in whatever order the candidates stand.
// 3. The weights of an agent's regimes sum to 1. An agent that never changes is believed as Beta(prior + right, prior + wrong).
// 4. An agent without verdicts is believed no better than even.
// 5. `choose` tries a newcomer only while fewer than ⌈2√(t+1)⌉ agents were tried in t verdicts, or when all are newcomers.
// 6. The chain is worth most by expectation of all orders and subsets of those admitted; where none is worth anything, it is
//    the one whose right results cost least.
// 7. What is kept has limits; over one, the agent or capability leaves whose last record is the oldest.
//
// The belief is Bayesian online change detection within Thompson sampling (Mellor & Shapiro, "Thompson sampling in
// switching environments with Bayesian online change point detection", AISTATS 2013) on the evidence of the beta reputation
// system (Josang & Ismail 2002); the bound on newcomers is that of Bayati et al., "Unreasonable effectiveness of greedy
// algorithms in multi-armed bandit with many arms", 2020.

import type { Random32 } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import { defineProblems } from "../base/problem.ts";
import { seededRandom, shortHash } from "../base/random.ts";
import { spanForPeople } from "../base/time.ts";
import { type BetaMixture, type BetaPart, drawFrom, meanOf, normalBelow, quantileOf } from "./beta.ts";

/** One that could do it. Neither field says anything of its quality (1). */
export interface Candidate {
  readonly agent: string;
  /** What it takes for this, in US$; where left out, what it took on average. */
  readonly priceUsd?: number;
  /** Tasks under way at it now; 0 where left out. */
  readonly inFlight?: number;
}

export interface ChooseRequest {
  readonly capability: string;
  /** One at least; an agent named twice counts as named first. */
  readonly candidates: readonly Candidate[];
  /** What a right and timely result is worth, in US$; 1 where left out. */
  readonly valueUsd?: number;
  /** A result is worth nothing after so long; where left out, whenever. */
  readonly deadlineMs?: number;
  /** What waiting costs, in US$ per ms; 0 where left out. */
  readonly delayUsdPerMs?: number;
  /** The draw depends on it and the ledger alone: name what is chosen for, such as run, step and attempt. */
  readonly seed: string;
}

/** What is believed of an agent at a capability. */
export interface Estimate {
  /** How likely its next result is right: above 0 and below 1. */
  readonly mean: number;
  /** The 5 % quantile of the same belief. */
  readonly low: number;
  /** The 95 % quantile of the same belief. */
  readonly high: number;
  /** How many verdicts it had; 0 for a newcomer. */
  readonly verdicts: number;
  /** The first verdict, of the capability's from 0 on, put down to its present quality; absent where it never changed. */
  readonly changedAt?: number;
  /** How long it takes with as many in flight as the candidate says, or none; absent before it was seen. */
  readonly latencyMs?: number;
  /** What it takes, in US$: as the candidate says, or on average; absent where neither is known. */
  readonly priceUsd?: number;
}

/** An estimate, and what it is worth for one request. */
export interface Prospect extends Estimate {
  /** The worth for the quality drawn, in US$: the highest of those admitted is chosen. */
  readonly score: number;
  /** The worth for the mean, in US$. */
  readonly expectedUsd: number;
}

export interface TrustChoice {
  readonly agent: string;
  /** Whom to try in turn where several may be tried: the best first, by expectation, without the draw. */
  readonly chain: readonly string[];
  readonly estimates: Readonly<Record<string, Prospect>>;
  /** A few plain sentences for people. */
  readonly explanation: string;
}

/** One result with its verdict. A late result that is right is right. */
export interface Outcome {
  readonly capability: string;
  readonly agent: string;
  readonly ok: boolean;
  readonly latencyMs?: number;
  /** Tasks that were under way at it when this one began, without this one; 0 where left out. */
  readonly inFlight?: number;
  readonly priceUsd?: number;
  /** How much the verdict counts, above 0 up to 1, where left out: (1 - fp - fn)² for a checker that errs so often. */
  readonly weight?: number;
}

/** An agent was found to have changed: how often it was right before, and is since. */
export interface TrustChange {
  readonly capability: string;
  readonly agent: string;
  readonly from: number;
  readonly to: number;
}

export const trustProblems = defineProblems({
  TRUST_INPUT_INVALID: {
    status: 422,
    title: "What the trust ledger was asked or told cannot be used.",
    fix: "Name one candidate at least; give finite numbers of the units and ranges said.",
  },
  TRUST_SNAPSHOT_INVALID: {
    status: 422,
    title: "A snapshot of the trust ledger is not understood.",
    fix: "Restore what snapshot() gave, or begin with an empty ledger: it learns anew.",
  },
});

/** Agents known per capability: protects memory, about 1 KiB each. */
export const AGENTS_PER_CAPABILITY_MAX = 256;

/** Capabilities known: protects memory. */
export const CAPABILITIES_MAX = 1_024;

/** Regimes believed possible of one agent: bounds the time of a verdict and a choice. */
export const REGIMES_MAX = 16;

/** A regime less likely than this is forgotten. */
const WEIGHT_MIN = 1e-4;

/** The prior counts as so many verdicts. */
const PRIOR_VERDICTS = 2;

/** What a newcomer is believed to be at best (4). */
const PRIOR_MEAN_MAX = 1 / 2;

/** Of each agent so many first outcomes tell what newcomers are like. */
const POOL_VERDICTS = 5;

/** How likely an agent changes per verdict of the capability, at most. */
const HAZARD_MAX = 0.01;

/** Before anything is seen, one change per so many verdicts is expected. */
const HAZARD_VERDICTS = 16_000;

/** How sure one must be of a change to say so. */
const CHANGE_CERTAINTY = 0.9;

/** A fall deeper than this is a strike. */
const FALL_MIN = 0.05;

/** After strikes an agent that changed again is believed the worse, as if by so many wrong results at most. */
const STRIKES_MAX = 32;

/** Strikes halve within so many verdicts of the capability. */
const STRIKES_HALF_LIFE = 2_000;

/** Draws are as if there were this many times the evidence: textbook Thompson sampling (1) regrets a tenth more. */
export const DRAW_SHARPNESS = 1.5;

/** The weight of the newest in the running averages of latency and price. */
const AVERAGE_STEP = 0.1;

/** In flight: 0, 1, 2–3, 4–7, … 64 and more. */
const LOAD_BUCKETS = 8;

/** The standard deviation of the logarithm of latencies: one in twenty takes more than twice the usual. */
const LATENCY_SPREAD = 0.5;

/** Newcomers are tried while fewer than this many times √(t+1) agents were. */
const TRIED_PER_ROOT = 2;

/** The shown interval holds nine tenths of the belief. */
const LOW_SHARE = 0.05;
const HIGH_SHARE = 0.95;

/** An interval is computed for an outlook rounded to these, whoever asks when (2). */
const UNSEEN_STEP = 0.005;
const STRIKES_STEP = 0.1;

/** And of parts that are not lighter: all others together seldom weigh a thousandth. */
const SHOWN_WEIGHT_MIN = 0.0005;

// ── Belief ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One stretch of unchanged quality an agent may be in. */
interface Regime {
  /** How likely it is the present one. */
  readonly weight: number;
  /** The evidence since its birth, in verdicts. */
  readonly right: number;
  readonly wrong: number;
  /** The verdict it began with, counting the capability's from 0. */
  readonly birth: number;
}

/** What is believed of the quality of one agent at one capability. Moments count the capability's verdicts. */
export interface Belief {
  readonly verdicts: number;
  readonly right: number;
  /** By birth; none before the first verdict. */
  readonly regimes: readonly Regime[];
  /** When its first verdict came. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** The birth of the newest regime that was certain; `firstAt` where it never changed. */
  readonly changedAt: number;
  /** As many as there were at `struckAt`: they halve since. */
  readonly strikes: number;
  readonly struckAt: number;
}

/** What of a capability bears on the belief in every agent. */
export interface Climate {
  /** How likely a newcomer is right. */
  readonly prior: number;
  /** How likely an agent changes per verdict of the capability. */
  readonly hazard: number;
  /** How many verdicts the capability had. */
  readonly now: number;
}

export interface Learned {
  readonly belief: Belief;
  readonly change: Pick<TrustChange, "from" | "to"> | null;
}

/** What an agent is in if it changed since its last verdict. */
const UNBORN: Regime = { weight: 1, right: 0, wrong: 0, birth: Number.POSITIVE_INFINITY };

/** Of whom nothing is known. */
export const STRANGER: Belief = {
  ...{ verdicts: 0, right: 0, regimes: [], firstAt: 0, lastAt: 0, changedAt: 0, strikes: 0, struckAt: 0 },
};

/** What bears on the belief in an agent besides its regimes. */
export interface Outlook {
  readonly prior: number;
  /** How likely it changed since its last verdict. */
  readonly unseen: number;
  /** What is left of its strikes. */
  readonly strikes: number;
}

export function outlookOf({ lastAt, strikes, struckAt }: Belief, { prior, hazard, now }: Climate): Outlook {
  const left = strikes === 0 ? 0 : strikes * 0.5 ** ((now - struckAt) / STRIKES_HALF_LIFE);
  return { prior, unseen: 1 - (1 - hazard) ** (now - lastAt), strikes: left };
}

/** The belief as a distribution of the chance that the next result is right. */
export function mixtureOf({ regimes, firstAt }: Belief, outlook: Outlook): BetaMixture {
  if (regimes.length === 0) return [partOf(UNBORN, firstAt, outlook, 1)];
  const known = regimes.map((regime) => partOf(regime, firstAt, outlook, 1 - outlook.unseen));
  return outlook.unseen === 0 ? known : [partOf(UNBORN, firstAt, outlook, outlook.unseen), ...known];
}

/** An agent that changed starts as a newcomer does, less its strikes. */
function partOf(regime: Regime, firstAt: number, { prior, strikes }: Outlook, scale: number): BetaPart {
  const wrong = PRIOR_VERDICTS * (1 - prior) + (regime.birth === firstAt ? 0 : strikes);
  return { weight: regime.weight * scale, a: PRIOR_VERDICTS * prior + regime.right, b: wrong + regime.wrong };
}

/** The belief after one verdict more. */
export function learn(belief: Belief, climate: Climate, ok: boolean, weight: number): Learned {
  const { now } = climate;
  const outlook = outlookOf(belief, climate);
  const begun = belief.verdicts === 0 ? { firstAt: now, changedAt: now } : {};
  const known = { ...belief, ...begun, verdicts: belief.verdicts + 1, right: belief.right + Number(ok), lastAt: now };
  const regimes = weighed(grown(belief, outlook, now), known.firstAt, outlook, ok, weight);
  const after = { ...known, regimes: pruned(regimes) };
  const change = changeIn({ ...known, regimes }, outlook);
  if (change === null) return { belief: after, change: null };
  const { at: changedAt, ...fromTo } = change;
  const isFall = change.from - change.to > FALL_MIN;
  const struck = isFall ? { strikes: Math.min(STRIKES_MAX, 2 * outlook.strikes + 1), struckAt: now } : {};
  return { belief: { ...after, ...struck, changedAt }, change: fromTo };
}

/** The regimes it may be in now: those it was in, or one that began unseen. */
function grown({ regimes }: Belief, { unseen }: Outlook, now: number): readonly Regime[] {
  const fresh = { weight: unseen, right: 0, wrong: 0, birth: now };
  if (regimes.length === 0) return [{ ...fresh, weight: 1 }];
  if (unseen === 0) return regimes;
  return [...regimes.map((regime) => ({ ...regime, weight: regime.weight * (1 - unseen) })), fresh];
}

/** Bayes: each regime as likely as it made the verdict, and all of them with its evidence. */
function weighed(regimes: readonly Regime[], firstAt: number, outlook: Outlook, ok: boolean, weight: number): Regime[] {
  const seen = regimes.map((regime) => {
    const { a, b } = partOf(regime, firstAt, outlook, 1);
    const likelihood = (ok ? a : b) / (a + b);
    const [right, wrong] = ok ? [regime.right + weight, regime.wrong] : [regime.right, regime.wrong + weight];
    return { weight: regime.weight * likelihood ** weight, right, wrong, birth: regime.birth };
  });
  return normalised(seen);
}

function normalised(regimes: readonly Regime[]): Regime[] {
  const sum = regimes.reduce((total, { weight }) => total + weight, 0);
  return regimes.map((regime) => ({ ...regime, weight: regime.weight / sum }));
}

function pruned(regimes: readonly Regime[]): readonly Regime[] {
  let kept = regimes.filter(({ weight }) => weight >= WEIGHT_MIN);
  if (kept.length > REGIMES_MAX) {
    const least = kept.reduce((a, b) => (b.weight < a.weight ? b : a));
    kept = kept.filter((regime) => regime !== least);
  }
  return normalised(kept);
}

/** Certain when the likeliest regime is newer than the last certain one, and almost surely it or a newer one is the present. */
function changeIn(belief: Belief, outlook: Outlook): { at: number; from: number; to: number } | null {
  const { regimes, changedAt, firstAt } = belief;
  const likeliest = regimes.reduce((a, b) => (b.weight > a.weight ? b : a));
  if (likeliest.birth <= changedAt) return null;
  const newer = regimes.filter(({ birth }) => birth >= likeliest.birth);
  if (newer.reduce((sum, { weight }) => sum + weight, 0) <= CHANGE_CERTAINTY) return null;
  const older = regimes.filter(({ birth }) => birth < likeliest.birth);
  const before = (older.length === 0 ? [everSince(belief)] : older).map((regime) => without(regime, likeliest));
  return { at: likeliest.birth, from: meanIn(before, firstAt, outlook), to: meanIn(newer, firstAt, outlook) };
}

/** All it ever did as one regime: stands for those before a change that are forgotten already. */
function everSince({ verdicts, right, firstAt }: Belief): Regime {
  return { weight: 1, right, wrong: verdicts - right, birth: firstAt };
}

/** A regime as it was when another began. */
function without(regime: Regime, other: Regime): Regime {
  return { ...regime, right: regime.right - other.right, wrong: regime.wrong - other.wrong };
}

function meanIn(regimes: readonly Regime[], firstAt: number, outlook: Outlook): number {
  return meanOf(normalised(regimes).map((regime) => partOf(regime, firstAt, outlook, 1)));
}

// ── Interval ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The interval last asked for, kept because quantiles cost much and the outlook, as rounded, seldom changes. */
interface Shown {
  readonly outlook: Outlook;
  readonly low: number;
  readonly high: number;
}

function intervalOf(agent: Agent, { prior, unseen, strikes }: Outlook): Shown {
  const outlook = { prior, unseen: rounded(unseen, UNSEEN_STEP), strikes: rounded(strikes, STRIKES_STEP) };
  if (agent.shown === null || !isSame(agent.shown.outlook, outlook)) {
    const mixture = mixtureOf(agent.belief, outlook).filter(({ weight }) => weight >= SHOWN_WEIGHT_MIN);
    agent.shown = { outlook, low: quantileOf(mixture, LOW_SHARE), high: quantileOf(mixture, HIGH_SHARE) };
  }
  return agent.shown;
}

function rounded(value: number, step: number): number {
  return Math.round(value / step) * step;
}

function isSame(a: Outlook, b: Outlook): boolean {
  return a.prior === b.prior && a.unseen === b.unseen && a.strikes === b.strikes;
}

// ── Costs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What an agent takes; null: never seen. */
interface Costs {
  /** Running averages in ms, by load. */
  readonly latenciesMs: readonly (number | null)[];
  readonly priceUsd: number | null;
}

const UNSEEN: Costs = { latenciesMs: Array.from({ length: LOAD_BUCKETS }, () => null), priceUsd: null };

function observed(costs: Costs, { latencyMs, inFlight = 0, priceUsd }: Omit<Outcome, "ok">): Costs {
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
function latencyAt({ latenciesMs }: Costs, inFlight: number): number | undefined {
  const bucket = bucketOf(inFlight);
  let greatest: number | undefined;
  for (let i = 0; i < LOAD_BUCKETS && (i <= bucket || greatest === undefined); i++) {
    const average = latenciesMs[i] ?? null;
    if (average !== null) greatest = Math.max(average, greatest ?? 0);
  }
  return greatest;
}

/** How likely it is done in time, taking latencies as log-normal. */
function onTimeOf(latencyMs: number | undefined, deadlineMs: number): number {
  if (latencyMs === undefined || latencyMs === 0 || deadlineMs === Number.POSITIVE_INFINITY) return 1;
  return normalBelow(Math.log(deadlineMs / latencyMs) / LATENCY_SPREAD);
}

// ── Ledger ───────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Agent {
  readonly belief: Belief;
  readonly costs: Costs;
  /** Follows from the belief; no part of the state. */
  shown: Shown | null;
}

interface Capability {
  verdicts: number;
  /** Changes found in its agents. */
  changes: number;
  /** The first outcomes of each agent, weighted. */
  poolRight: number;
  poolWrong: number;
  /** Agents that had a verdict, those forgotten since included. */
  tried: number;
  /** The one recorded last stands last (7). */
  readonly agents: Map<string, Agent>;
}

const NEWCOMER: Agent = { belief: STRANGER, costs: UNSEEN, shown: null };

/** What is known of agents; see the head of the file. */
export class Ledger {
  /** The one recorded last stands last (7). */
  readonly #capabilities = new Map<string, Capability>();

  /** Whom to ask, with reasons. Nobody counts as tried before a verdict. Throws TRUST_INPUT_INVALID. */
  choose(request: ChooseRequest): TrustChoice {
    const terms = termsOf(request);
    const capability = this.#capabilities.get(request.capability) ?? emptyCapability();
    const climate = climateOf(capability);
    const options = candidatesOf(request).map((candidate) => {
      const agent = capability.agents.get(candidate.agent) ?? NEWCOMER;
      return optionOf(candidate, agent, climate, terms, randomFor(request, candidate.agent));
    });
    return choiceFrom(options, admitted(options, capability), terms);
  }

  /** Learns from a verdict, and from what the work took. The change found by it, if any. Throws TRUST_INPUT_INVALID. */
  record(outcome: Outcome): TrustChange | null {
    const { ok, weight = 1, agent, capability: name } = outcome;
    checkCosts(outcome);
    checkNumber(weight, "weight", Number.MIN_VALUE, 1);
    const capability = this.#touched(name);
    const { belief, costs } = capability.agents.get(agent) ?? NEWCOMER;
    const learned = learn(belief, climateOf(capability), ok, weight);
    count(capability, belief, learned, ok ? "poolRight" : "poolWrong", weight);
    const after = { belief: learned.belief, costs: observed(costs, outcome), shown: null };
    keep(capability.agents, agent, after, AGENTS_PER_CAPABILITY_MAX);
    return learned.change === null ? null : { capability: name, agent, ...learned.change };
  }

  /** Learns what work took that had no verdict. Throws TRUST_INPUT_INVALID. */
  observe(outcome: Omit<Outcome, "ok">): void {
    checkCosts(outcome);
    const { agents } = this.#touched(outcome.capability);
    const agent = agents.get(outcome.agent) ?? NEWCOMER;
    keep(agents, outcome.agent, { ...agent, costs: observed(agent.costs, outcome) }, AGENTS_PER_CAPABILITY_MAX);
  }

  /** What is believed now, with nothing in flight. */
  estimate({ capability: name, agent: agentName }: { readonly capability: string; readonly agent: string }): Estimate {
    const capability = this.#capabilities.get(name) ?? emptyCapability();
    const agent = capability.agents.get(agentName) ?? NEWCOMER;
    const outlook = outlookOf(agent.belief, climateOf(capability));
    const mean = meanOf(mixtureOf(agent.belief, outlook));
    return estimateOf(agent, outlook, mean, latencyAt(agent.costs, 0), agent.costs.priceUsd ?? undefined);
  }

  /** All of it as JSON, for `restore`. */
  snapshot(): Json {
    const capabilities = this.#capabilities.entries().map(([name, { agents, ...counts }]) => ({
      ...{ name, ...counts },
      agents: [...agents].map(([agent, { belief, costs }]) => ({
        ...{ name: agent, ...belief, ...costs },
        regimes: belief.regimes.map((regime) => ({ ...regime })),
      })),
    }));
    return { version: SNAPSHOT_VERSION, capabilities: [...capabilities] };
  }

  /** The ledger a snapshot was taken of. Throws TRUST_SNAPSHOT_INVALID. */
  static restore(snapshot: Json): Ledger {
    const ledger = new Ledger();
    for (const [name, capability] of readSnapshot(snapshot)) ledger.#capabilities.set(name, capability);
    return ledger;
  }

  #touched(name: string): Capability {
    const capability = this.#capabilities.get(name) ?? emptyCapability();
    keep(this.#capabilities, name, capability, CAPABILITIES_MAX);
    return capability;
  }
}

function emptyCapability(): Capability {
  return { verdicts: 0, changes: 0, poolRight: 0, poolWrong: 0, tried: 0, agents: new Map() };
}

function climateOf({ verdicts, changes, poolRight, poolWrong }: Capability): Climate {
  return {
    prior: Math.min(PRIOR_MEAN_MAX, (poolRight + 1) / (poolRight + poolWrong + 2)),
    hazard: Math.min(HAZARD_MAX, (1 + changes) / (HAZARD_VERDICTS + verdicts)),
    now: verdicts,
  };
}

function count(
  capability: Capability,
  before: Belief,
  { change }: Learned,
  pool: "poolRight" | "poolWrong",
  weight: number,
): void {
  capability.verdicts++;
  if (before.verdicts === 0) capability.tried++;
  if (before.verdicts < POOL_VERDICTS) capability[pool] += weight;
  if (change !== null) capability.changes++;
}

/** Puts it last; over the limit the first leaves (7). */
function keep<T>(map: Map<string, T>, name: string, value: T, max: number): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= max) return;
  for (const oldest of map.keys().take(1)) map.delete(oldest);
}

function estimateOf(agent: Agent, outlook: Outlook, mean: number, latencyMs?: number, priceUsd?: number): Estimate {
  const { verdicts, changedAt, firstAt } = agent.belief;
  const { low, high } = intervalOf(agent, outlook);
  return {
    ...{ mean, low, high, verdicts },
    ...(changedAt === firstAt ? {} : { changedAt }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(priceUsd === undefined ? {} : { priceUsd }),
  };
}

// ── Choosing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a request says of worth, complete. */
interface Terms {
  readonly valueUsd: number;
  readonly deadlineMs: number;
  readonly delayUsdPerMs: number;
}

/** A candidate with all that speaks for and against it. */
interface Option {
  readonly name: string;
  readonly agent: Agent;
  readonly outlook: Outlook;
  readonly mean: number;
  readonly latencyMs: number | undefined;
  readonly priceUsd: number | undefined;
  readonly onTime: number;
  /** What waiting for it costs. */
  readonly delayUsd: number;
  readonly costUsd: number;
  readonly score: number;
  readonly expectedUsd: number;
}

function termsOf({ valueUsd = 1, deadlineMs = Number.POSITIVE_INFINITY, delayUsdPerMs = 0 }: ChooseRequest): Terms {
  checkNumber(valueUsd, "valueUsd", 0);
  if (deadlineMs !== Number.POSITIVE_INFINITY) checkNumber(deadlineMs, "deadlineMs", Number.MIN_VALUE);
  checkNumber(delayUsdPerMs, "delayUsdPerMs", 0);
  return { valueUsd, deadlineMs, delayUsdPerMs };
}

function candidatesOf({ candidates, capability }: ChooseRequest): readonly Candidate[] {
  if (candidates.length === 0) throw trustProblems.TRUST_INPUT_INVALID(`Nobody is a candidate for "${capability}".`);
  for (const candidate of candidates) checkCosts(candidate);
  const seen = new Set<string>();
  return candidates.filter(({ agent }) => !seen.has(agent) && seen.add(agent));
}

/** Of its own for each candidate, so that a draw does not depend on who else is one (2). */
function randomFor({ seed, capability }: ChooseRequest, agent: string): Random32 {
  return seededRandom(shortHash(`${seed}\n${capability}\n${agent}`));
}

function optionOf(candidate: Candidate, agent: Agent, climate: Climate, terms: Terms, next: Random32): Option {
  const { belief, costs } = agent;
  const outlook = outlookOf(belief, climate);
  const mixture = mixtureOf(belief, outlook);
  const mean = meanOf(mixture);
  const latencyMs = latencyAt(costs, candidate.inFlight ?? 0);
  const priceUsd = candidate.priceUsd ?? costs.priceUsd ?? undefined;
  const onTime = onTimeOf(latencyMs, terms.deadlineMs);
  const delayUsd = terms.delayUsdPerMs * Math.min(terms.deadlineMs, latencyMs ?? 0);
  const costUsd = (priceUsd ?? 0) + delayUsd;
  const score = terms.valueUsd * drawFrom(mixture, DRAW_SHARPNESS, next) * onTime - costUsd;
  const expectedUsd = terms.valueUsd * mean * onTime - costUsd;
  const worth = { onTime, delayUsd, costUsd, score, expectedUsd };
  return { name: candidate.agent, agent, outlook, mean, latencyMs, priceUsd, ...worth };
}

/** Those with verdicts, and newcomers while not many were tried (5). */
function admitted(options: readonly Option[], { tried, verdicts }: Capability): readonly Option[] {
  const isOpen = tried < Math.ceil(TRIED_PER_ROOT * Math.sqrt(verdicts + 1));
  const known = options.filter(({ agent }) => agent.belief.verdicts > 0);
  return isOpen || known.length === 0 ? options : known;
}

function choiceFrom(options: readonly Option[], open: readonly Option[], terms: Terms): TrustChoice {
  const chosen = best(open, (option) => option.score);
  return {
    agent: chosen.name,
    chain: chainOf(open, terms),
    estimates: Object.fromEntries(options.map((option) => [option.name, prospectOf(option)])),
    explanation: explain(chosen, open, terms),
  };
}

/** The greatest by a measure; of equals the one more often right, then the first by name. */
function best(options: readonly Option[], measure: (option: Option) => number): Option {
  return options.reduce((a, b) => ((measure(b) - measure(a) || byMerit(a, b)) > 0 ? b : a));
}

/** Negative when `a` goes before `b`. */
function byMerit(a: Option, b: Option): number {
  return b.mean * b.onTime - a.mean * a.onTime || (a.name < b.name ? -1 : 1);
}

/**
 * Costs over chances, rising, as far as the value covers the costs (6): to swap two neighbours that stand otherwise, or to
 * go on beyond, would lose. That the agents' results are independent is taken for granted.
 */
function chainOf(options: readonly Option[], { valueUsd }: Terms): string[] {
  const priced = options.map((option) => ({ option, perRight: perRight(option) }));
  const sorted = priced.toSorted((a, b) => (a.perRight === b.perRight ? byMerit(a.option, b.option) : a.perRight - b.perRight));
  return sorted.filter(({ perRight }, i) => i === 0 || perRight < valueUsd).map(({ option }) => option.name);
}

/** What a right and timely result costs, were it asked until there is one. */
function perRight({ mean, onTime, costUsd }: Option): number {
  return onTime === 0 ? Number.POSITIVE_INFINITY : costUsd / (mean * onTime);
}

function prospectOf({ agent, outlook, mean, latencyMs, priceUsd, score, expectedUsd }: Option): Prospect {
  return { ...estimateOf(agent, outlook, mean, latencyMs, priceUsd), score, expectedUsd };
}

// ── In words ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function explain(chosen: Option, options: readonly Option[], terms: Terms): string {
  const others = options.filter((option) => option !== chosen);
  const second = others.length === 0 ? null : best(others, (option) => option.expectedUsd);
  const isTrial = second !== null && second.expectedUsd > chosen.expectedUsd;
  const worth = `Expected value ${money(chosen.expectedUsd)} = ${worthInWords(chosen, terms)}.`;
  const lead = isTrial ? "Chosen for a trial, to learn" : "Chosen";
  return [`${lead}: ${chosen.name}.`, worth, evidenceInWords(chosen), ...secondInWords(second, isTrial)].join(" ");
}

function worthInWords({ mean, onTime, latencyMs, priceUsd = 0, delayUsd }: Option, { valueUsd, deadlineMs }: Terms): string {
  const isDue = deadlineMs !== Number.POSITIVE_INFINITY && latencyMs !== undefined;
  const timely = isDue ? ` × ${percent(onTime)} % on time` : "";
  const price = priceUsd > 0 ? ` − ${money(priceUsd)} price` : "";
  const delay = delayUsd > 0 ? ` − ${money(delayUsd)} for about ${spanForPeople(Math.min(deadlineMs, latencyMs ?? 0))}` : "";
  return `${money(valueUsd)} × ${percent(mean)} % right${timely}${price}${delay}`;
}

function evidenceInWords({ agent, outlook }: Option): string {
  const { verdicts, right, changedAt, firstAt } = agent.belief;
  const { low, high } = intervalOf(agent, outlook);
  const interval = `90 % interval ${percent(low)}–${percent(high)} %.`;
  if (verdicts === 0) return `No evidence yet; ${interval}`;
  const change = changedAt === firstAt ? "" : `, a change at verdict ${changedAt} of the capability`;
  return `Evidence: ${verdicts} ${verdicts === 1 ? "verdict" : "verdicts"} (${right} right)${change}; ${interval}`;
}

function secondInWords(second: Option | null, isTrial: boolean): string[] {
  if (second === null) return [];
  const words = `${second.name} ${money(second.expectedUsd)}.`;
  return [isTrial ? `The highest expected value: ${words}` : `Runner-up: ${words}`];
}

function percent(share: number): string {
  return (100 * share).toFixed(0);
}

/** Two decimals, and for small amounts two digits: $1.00, $0.020. */
function money(usd: number): string {
  const size = Math.abs(usd);
  const decimals = size === 0 ? 2 : Math.min(12, Math.max(2, 1 - Math.floor(Math.log10(size))));
  return `${usd < 0 ? "−" : ""}$${size.toFixed(decimals)}`;
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** NaN in one outcome would spoil every later estimate. */
function checkCosts({ latencyMs = 0, inFlight = 0, priceUsd = 0 }: Partial<Omit<Outcome, "ok">>): void {
  checkNumber(latencyMs, "latencyMs", 0);
  checkNumber(inFlight, "inFlight", 0);
  checkNumber(priceUsd, "priceUsd", 0);
}

function checkNumber(value: number, what: string, min: number, max = Number.MAX_VALUE): void {
  if (value >= min && value <= max) return;
  const range = `${min === Number.MIN_VALUE ? "above 0" : `from ${min}`}${max === Number.MAX_VALUE ? "" : ` up to ${max}`}`;
  throw trustProblems.TRUST_INPUT_INVALID(`${what} is ${value}; it must be a finite number ${range}.`);
}

const SNAPSHOT_VERSION = 1;

type Fields = { readonly [name: string]: Json };

function readSnapshot(snapshot: Json): (readonly [string, Capability])[] {
  const { version, capabilities } = readFields(snapshot, "the snapshot");
  if (version !== SNAPSHOT_VERSION) throw unreadable("version", version, `${SNAPSHOT_VERSION}`);
  return readList(capabilities, "capabilities").map(readCapability);
}

function readCapability(value: Json, at: number): [string, Capability] {
  const where = `capabilities[${at}]`;
  const fields = readFields(value, where);
  const number = (name: string) => readNumber(fields[name], `${where}.${name}`);
  const agents = readList(fields.agents, `${where}.agents`).map((agent, i) => readAgent(agent, `${where}.agents[${i}]`));
  const [verdicts, changes, tried] = [number("verdicts"), number("changes"), number("tried")];
  const [poolRight, poolWrong] = [number("poolRight"), number("poolWrong")];
  return [readText(fields.name, `${where}.name`), { verdicts, changes, poolRight, poolWrong, tried, agents: new Map(agents) }];
}

function readAgent(value: Json, where: string): [string, Agent] {
  const fields = readFields(value, where);
  const number = (name: string) => readNumber(fields[name], `${where}.${name}`);
  const belief: Belief = {
    ...{ verdicts: number("verdicts"), right: number("right"), firstAt: number("firstAt"), lastAt: number("lastAt") },
    ...{ changedAt: number("changedAt"), strikes: number("strikes"), struckAt: number("struckAt") },
    regimes: readList(fields.regimes, `${where}.regimes`).map((regime, i) => readRegime(regime, `${where}.regimes[${i}]`)),
  };
  const latencies = readList(fields.latenciesMs, `${where}.latenciesMs`);
  const latenciesMs = UNSEEN.latenciesMs.map((_, i) => readAverage(latencies[i], `${where}.latenciesMs[${i}]`));
  const costs: Costs = { latenciesMs, priceUsd: readAverage(fields.priceUsd, `${where}.priceUsd`) };
  return [readText(fields.name, `${where}.name`), { belief, costs, shown: null }];
}

function readRegime(value: Json, where: string): Regime {
  const { weight, right, wrong, birth } = readFields(value, where);
  return {
    ...{ weight: readNumber(weight, `${where}.weight`), right: readNumber(right, `${where}.right`) },
    ...{ wrong: readNumber(wrong, `${where}.wrong`), birth: readNumber(birth, `${where}.birth`) },
  };
}

function readFields(value: Json, where: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw unreadable(where, value, "an object");
}

function readList(value: Json | undefined, where: string): readonly Json[] {
  if (Array.isArray(value)) return value;
  throw unreadable(where, value, "an array");
}

function readText(value: Json | undefined, where: string): string {
  if (typeof value === "string") return value;
  throw unreadable(where, value, "a string");
}

function readNumber(value: Json | undefined, where: string): number {
  if (typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY) return value;
  throw unreadable(where, value, "a number from 0");
}

function readAverage(value: Json | undefined, where: string): number | null {
  return value === null ? null : readNumber(value, where);
}

function unreadable(where: string, value: Json | undefined, wanted: string): Error {
  const shown =
    value === undefined ? "missing" : Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : value;
  return trustProblems.TRUST_SNAPSHOT_INVALID(`${where} is ${shown}; it must be ${wanted}.`);
}
