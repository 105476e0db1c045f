// What is believed of the quality of one agent at one kind of task, and how a verdict moves it. Owns regimes, changes and
// strikes; leaves to others where priors and evidence from elsewhere come from. Pure: moments count the capability's verdicts.
//
// B1. The weights of an agent's regimes sum to 1.
// B2. An agent that never changes is believed as Beta(prior + right, prior + wrong), in whatever order they came.
// B3. Evidence of peers is part of the first regime only: it does not survive a change.
//
// Bayesian online change detection (Mellor & Shapiro, "Thompson sampling in switching environments with Bayesian online
// change point detection", AISTATS 2013) on the evidence of the beta reputation system (Josang & Ismail 2002).

import type { Random32 } from "../base/clock.ts";
import { fraction } from "../base/random.ts";
import { type BetaMixture, type BetaPart, drawBeta } from "./beta.ts";

/** One stretch of unchanged quality an agent may be in. */
export interface Regime {
  /** How likely it is the present one. */
  readonly weight: number;
  /** The evidence since its birth, in verdicts. */
  readonly right: number;
  readonly wrong: number;
  /** The verdict it began with, counting the capability's from 0. */
  readonly birth: number;
}

/** A certain fall: when it was found, how often the agent was right before, and since. */
export interface Fall {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** What is believed of the quality of one agent at one kind of task. */
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
  readonly falls: number;
  readonly lastFall: Fall | null;
  /** The weights of all verdicts, and of what of them the checkers are expected to have got wrong. */
  readonly weights: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
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

/** Evidence counted in verdicts. */
export interface Evidence {
  readonly right: number;
  readonly wrong: number;
}

export const NO_EVIDENCE: Evidence = { right: 0, wrong: 0 };

/** What bears on the belief in an agent besides its regimes. */
export interface Outlook {
  readonly now: number;
  /** What any regime begins with: the prior, and what the agent's other kinds say. */
  readonly right: number;
  readonly wrong: number;
  /** What peers say: only of the first regime. */
  readonly peers: Evidence;
  /** How likely it changed since its last verdict. */
  readonly unseen: number;
  /** What is left of its strikes. */
  readonly strikes: number;
}

/** One verdict as it counts: `weight` above 0 up to 1, and how often the checker errs. */
export interface Verdict {
  readonly ok: boolean;
  readonly weight: number;
  readonly falsePositive: number;
  readonly falseNegative: number;
}

/** An agent was found to have changed: how often it was right before, and is since. */
export interface Change {
  readonly from: number;
  readonly to: number;
}

export interface Learned {
  readonly belief: Belief;
  readonly change: Change | null;
}

/** Regimes believed possible of one agent: bounds the time of a verdict and a choice. */
export const REGIMES_MAX = 16;

/** A regime less likely than this is forgotten. */
const WEIGHT_MIN = 1e-4;

/** The prior counts as so many verdicts. */
const PRIOR_VERDICTS = 2;

/** How sure one must be of a change to say so. */
const CHANGE_CERTAINTY = 0.9;

/** A fall deeper than this is a strike. */
const FALL_MIN = 0.05;

/** After strikes an agent that changed again is believed the worse, as if by so many wrong results at most. */
const STRIKES_MAX = 32;

/** Strikes halve within so many verdicts of the capability. */
const STRIKES_HALF_LIFE = 2_000;

/** No agent is believed surer than this either way, also where a checker's errors are taken out. */
const CHANCE_MIN = 1e-6;

/** What an agent is in if it changed since its last verdict. */
const UNBORN: Regime = { weight: 1, right: 0, wrong: 0, birth: Number.POSITIVE_INFINITY };

/** Of whom nothing is known. */
export const STRANGER: Belief = {
  ...{ verdicts: 0, right: 0, regimes: [], firstAt: 0, lastAt: 0, changedAt: 0, strikes: 0, struckAt: 0 },
  ...{ falls: 0, lastFall: null, weights: 0, falsePositives: 0, falseNegatives: 0 },
};

export function outlookOf(
  { lastAt, strikes, struckAt }: Belief,
  { prior, hazard, now }: Climate,
  kinds = NO_EVIDENCE,
  peers = NO_EVIDENCE,
): Outlook {
  const left = strikes === 0 ? 0 : strikes * 0.5 ** ((now - struckAt) / STRIKES_HALF_LIFE);
  return {
    now,
    right: PRIOR_VERDICTS * prior + kinds.right,
    wrong: PRIOR_VERDICTS * (1 - prior) + kinds.wrong,
    peers,
    unseen: 1 - (1 - hazard) ** (now - lastAt),
    strikes: left,
  };
}

// ── Views ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The belief as a distribution of the chance that the next verdict is right. */
export function mixtureOf({ regimes, firstAt }: Belief, outlook: Outlook): BetaMixture {
  if (regimes.length === 0) return [partOf({ ...UNBORN, birth: firstAt }, firstAt, outlook, 1)];
  const known = regimes.map((regime) => partOf(regime, firstAt, outlook, 1 - outlook.unseen));
  return outlook.unseen === 0 ? known : [partOf(UNBORN, firstAt, outlook, outlook.unseen), ...known];
}

function partOf(regime: Regime, firstAt: number, outlook: Outlook, scale: number): BetaPart {
  return { weight: regime.weight * scale, a: rightIn(regime, firstAt, outlook), b: wrongIn(regime, firstAt, outlook) };
}

function rightIn({ right, birth }: Regime, firstAt: number, outlook: Outlook): number {
  return outlook.right + right + (birth === firstAt ? outlook.peers.right : 0);
}

/** An agent that changed starts as a newcomer does, less its strikes. */
function wrongIn({ wrong, birth }: Regime, firstAt: number, outlook: Outlook): number {
  return outlook.wrong + wrong + (birth === firstAt ? outlook.peers.wrong : outlook.strikes);
}

/** The mean of the mixture. */
export function meanIn({ regimes, firstAt }: Belief, outlook: Outlook): number {
  if (regimes.length === 0) return shareOf({ ...UNBORN, birth: firstAt }, firstAt, outlook);
  let known = 0;
  for (const regime of regimes) known += regime.weight * shareOf(regime, firstAt, outlook);
  const { unseen } = outlook;
  return unseen === 0 ? known : unseen * shareOf(UNBORN, firstAt, outlook) + (1 - unseen) * known;
}

function shareOf(regime: Regime, firstAt: number, outlook: Outlook): number {
  const right = rightIn(regime, firstAt, outlook);
  return right / (right + wrongIn(regime, firstAt, outlook));
}

/** A draw from the mixture with every part's parameters multiplied by `sharpness`: 1 leaves them, more draws less widely. */
export function drawFrom({ regimes, firstAt }: Belief, outlook: Outlook, sharpness: number, next: Random32): number {
  const regime = drawnRegime(regimes, firstAt, outlook.unseen, fraction(next));
  return drawBeta(rightIn(regime, firstAt, outlook) * sharpness, wrongIn(regime, firstAt, outlook) * sharpness, next);
}

/** The one in which the mixture's first `share` ends. */
function drawnRegime(regimes: readonly Regime[], firstAt: number, unseen: number, share: number): Regime {
  if (regimes.length === 0) return { ...UNBORN, birth: firstAt };
  if (share < unseen) return UNBORN;
  let left = (share - unseen) / (1 - unseen);
  for (const regime of regimes) {
    left -= regime.weight;
    if (left < 0) return regime;
  }
  return regimes.at(-1) ?? UNBORN;
}

/** The variance of the mixture around its mean. */
export function varianceIn({ regimes, firstAt }: Belief, outlook: Outlook, mean: number): number {
  if (regimes.length === 0) return spreadOf({ ...UNBORN, birth: firstAt }, firstAt, outlook, mean);
  const known = regimes.reduce((sum, regime) => sum + regime.weight * spreadOf(regime, firstAt, outlook, mean), 0);
  return outlook.unseen * spreadOf(UNBORN, firstAt, outlook, mean) + (1 - outlook.unseen) * known;
}

function spreadOf(regime: Regime, firstAt: number, outlook: Outlook, mean: number): number {
  const [a, b] = [rightIn(regime, firstAt, outlook), wrongIn(regime, firstAt, outlook)];
  const own = a / (a + b);
  return (own * (1 - own)) / (a + b + 1) + (own - mean) ** 2;
}

/** The evidence that is believed to be of the agent as it is now. */
export function presentEvidence({ regimes }: Belief): Evidence {
  let [right, wrong] = [0, 0];
  for (const regime of regimes) {
    right += regime.weight * regime.right;
    wrong += regime.weight * regime.wrong;
  }
  return { right, wrong };
}

/**
 * What is truly right where verdicts err so often (Rogan & Gladen, "Estimating prevalence from the results of a screening
 * test", 1978), over all verdicts of the agent; the prior counts as never erring. A line that rises: quantiles and draws too.
 */
export function corrected({ weights, falsePositives, falseNegatives }: Belief, seen: number): number {
  if (falsePositives === 0 && falseNegatives === 0) return seen;
  const all = weights + PRIOR_VERDICTS;
  const chance = (seen - falsePositives / all) / (1 - (falsePositives + falseNegatives) / all);
  return Math.min(1 - CHANCE_MIN, Math.max(CHANCE_MIN, chance));
}

// ── Learning ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A regime while it is computed. */
type Draft = { -readonly [Field in keyof Regime]: Regime[Field] };

/** The belief after one verdict more. `strikesMax`: 0 where falls leave no mark. */
export function learn(belief: Belief, outlook: Outlook, verdict: Verdict, strikesMax = STRIKES_MAX): Learned {
  const { now } = outlook;
  const known = counted(belief, now, verdict);
  const regimes = weighed(belief.regimes, known.firstAt, outlook, verdict);
  const change = changeIn(known, regimes, outlook);
  const after = { ...known, regimes: pruned(regimes) };
  if (change === null) return { belief: after, change: null };
  const { at: changedAt, from, to } = change;
  if (from - to <= FALL_MIN) return { belief: { ...after, changedAt }, change: { from, to } };
  const fallen = { changedAt, falls: after.falls + 1, lastFall: { at: now, from, to } };
  const struck = { strikes: Math.min(strikesMax, 2 * outlook.strikes + 1), struckAt: now };
  return { belief: { ...after, ...fallen, ...struck }, change: { from, to } };
}

function counted(belief: Belief, now: number, { ok, weight, falsePositive, falseNegative }: Verdict): Belief {
  const begun = belief.verdicts === 0;
  return {
    ...belief,
    verdicts: belief.verdicts + 1,
    right: belief.right + Number(ok),
    firstAt: begun ? now : belief.firstAt,
    changedAt: begun ? now : belief.changedAt,
    lastAt: now,
    weights: belief.weights + weight,
    falsePositives: belief.falsePositives + weight * falsePositive,
    falseNegatives: belief.falseNegatives + weight * falseNegative,
  };
}

/** Bayes: each regime, or one that began unseen, as likely as it made the verdict, and all of them with its evidence (B1). */
function weighed(regimes: readonly Regime[], firstAt: number, outlook: Outlook, verdict: Verdict): Draft[] {
  const { now, unseen } = outlook;
  const drafts: Draft[] = [];
  let sum = 0;
  for (const { weight, right, wrong, birth } of regimes) drafts.push({ weight: weight * (1 - unseen), right, wrong, birth });
  if (drafts.length === 0) drafts.push({ weight: 1, right: 0, wrong: 0, birth: now });
  else if (unseen > 0) drafts.push({ weight: unseen, right: 0, wrong: 0, birth: now });
  for (const draft of drafts) sum += take(draft, firstAt, outlook, verdict);
  for (const draft of drafts) draft.weight /= sum;
  return drafts;
}

/** Its new weight, before all are made to sum to 1. */
function take(draft: Draft, firstAt: number, outlook: Outlook, { ok, weight }: Verdict): number {
  const share = shareOf(draft, firstAt, outlook);
  const likelihood = ok ? share : 1 - share;
  draft.weight *= weight === 1 ? likelihood : likelihood ** weight;
  if (ok) draft.right += weight;
  else draft.wrong += weight;
  return draft.weight;
}

function pruned(regimes: readonly Regime[]): readonly Regime[] {
  let kept = regimes.filter(({ weight }) => weight >= WEIGHT_MIN);
  if (kept.length > REGIMES_MAX) {
    const least = kept.reduce((a, b) => (b.weight < a.weight ? b : a));
    kept = kept.filter((regime) => regime !== least);
  }
  return kept.length === regimes.length ? kept : normalised(kept);
}

function normalised(regimes: readonly Regime[]): Regime[] {
  const sum = regimes.reduce((total, { weight }) => total + weight, 0);
  return regimes.map(({ weight, right, wrong, birth }) => ({ weight: weight / sum, right, wrong, birth }));
}

/** Certain when the likeliest regime is newer than the last certain one, and almost surely it or a newer one is the present. */
function changeIn(known: Belief, regimes: readonly Regime[], outlook: Outlook): Fall | null {
  const { changedAt, firstAt } = known;
  const likeliest = regimes.reduce((a, b) => (b.weight > a.weight ? b : a));
  if (likeliest.birth <= changedAt) return null;
  const newer = regimes.filter(({ birth }) => birth >= likeliest.birth);
  if (newer.reduce((sum, { weight }) => sum + weight, 0) <= CHANGE_CERTAINTY) return null;
  const older = regimes.filter(({ birth }) => birth < likeliest.birth);
  const before = (older.length === 0 ? [everSince(known)] : older).map((regime) => without(regime, likeliest));
  const meanOver = (some: readonly Regime[]) =>
    normalised(some).reduce((sum, regime) => sum + regime.weight * shareOf(regime, firstAt, outlook), 0);
  return { at: likeliest.birth, from: meanOver(before), to: meanOver(newer) };
}

/** All it ever did as one regime: stands for those before a change that are forgotten already. */
function everSince({ verdicts, right, firstAt }: Belief): Regime {
  return { weight: 1, right, wrong: verdicts - right, birth: firstAt };
}

/** A regime as it was when another began. */
function without(regime: Regime, other: Regime): Regime {
  return { ...regime, right: regime.right - other.right, wrong: regime.wrong - other.wrong };
}
