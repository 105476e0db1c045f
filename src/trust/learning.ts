// How a verdict moves what is believed of an agent: Bayes over the regimes it may be in, changes that are certain, strikes.
// Pure; see belief.ts for the invariants.

import {
  type Belief,
  type Fall,
  FIELDS,
  meanIn,
  type Outlook,
  packed,
  type Regime,
  type Regimes,
  regimesOf,
  shareIn,
} from "./belief.ts";

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

/** A regime less likely than this is forgotten. */
const WEIGHT_MIN = 1e-4;

/** How sure one must be of a change to say so. */
const CHANGE_CERTAINTY = 0.9;

/** A fall deeper than this is a strike. */
const FALL_MIN = 0.05;

/** After strikes an agent that changed again is believed the worse, as if by so many wrong results at most. */
const STRIKES_MAX = 32;

/** Regimes believed possible of one agent: bounds the time of a verdict and a choice. */
export const REGIMES_MAX = 16;

/** The belief after one verdict more. `strikesMax`: 0 where falls leave no mark. */
export function learn(belief: Belief, outlook: Outlook, verdict: Verdict, strikesMax = STRIKES_MAX): Learned {
  const { now } = outlook;
  const { weight, falsePositive, falseNegative } = verdict;
  const isFirst = belief.verdicts === 0;
  const firstAt = isFirst ? now : belief.firstAt;
  const regimes = weighed(belief.regimes, firstAt, outlook, verdict);
  const after: Belief = {
    verdicts: belief.verdicts + 1,
    right: belief.right + Number(verdict.ok),
    regimes: pruned(regimes),
    firstAt,
    lastAt: now,
    changedAt: isFirst ? now : belief.changedAt,
    strikes: belief.strikes,
    struckAt: belief.struckAt,
    falls: belief.falls,
    lastFall: belief.lastFall,
    weights: belief.weights + weight,
    falsePositives: belief.falsePositives + weight * falsePositive,
    falseNegatives: belief.falseNegatives + weight * falseNegative,
  };
  const change = changeIn(after, regimes, outlook);
  return change === null ? { belief: after, change } : changed(after, change, outlook, strikesMax);
}

/** A fall is a strike; a rise is none. */
function changed(belief: Belief, { at: changedAt, from, to }: Fall, { now, strikes }: Outlook, strikesMax: number): Learned {
  const change = { from, to };
  if (from - to <= FALL_MIN) return { belief: { ...belief, changedAt }, change };
  const fallen = { changedAt, falls: belief.falls + 1, lastFall: { at: now, from, to } };
  return { belief: { ...belief, ...fallen, strikes: Math.min(strikesMax, 2 * strikes + 1), struckAt: now }, change };
}

/** Bayes: each regime, or one that began unseen, as likely as it made the verdict, and all of them with its evidence (B1). */
function weighed(regimes: Regimes, firstAt: number, outlook: Outlook, { ok, weight }: Verdict): Regimes {
  const { now, unseen } = outlook;
  const isFirst = regimes.length === 0;
  const after = new Float64Array(regimes.length + (isFirst || unseen > 0 ? FIELDS : 0));
  after.set(regimes);
  if (after.length > regimes.length) after.set([isFirst ? 1 : unseen, 0, 0, now], regimes.length);
  let sum = 0;
  for (let at = 0; at < after.length; at += FIELDS) {
    const before = (after[at] ?? 0) * (at < regimes.length ? 1 - unseen : 1);
    const share = shareIn(after, at, firstAt, outlook);
    const likelihood = ok ? share : 1 - share;
    const now = before * (weight === 1 ? likelihood : likelihood ** weight);
    after[at] = now;
    after[at + (ok ? 1 : 2)] = (after[at + (ok ? 1 : 2)] ?? 0) + weight;
    sum += now;
  }
  return divided(after, sum);
}

/** In place. */
function divided(regimes: Regimes, sum: number): Regimes {
  for (let at = 0; at < regimes.length; at += FIELDS) regimes[at] = (regimes[at] ?? 0) / sum;
  return regimes;
}

/** Without those that are too unlikely, and without the least likely where there are too many. */
function pruned(regimes: Regimes): Regimes {
  let [kept, least] = [0, 0];
  for (let at = 0; at < regimes.length; at += FIELDS) {
    if ((regimes[at] ?? 0) >= WEIGHT_MIN) kept++;
    if ((regimes[at] ?? 0) < (regimes[least] ?? 0)) least = at;
  }
  const isFull = kept > REGIMES_MAX;
  if (!isFull && kept * FIELDS === regimes.length) return regimes;
  const after = new Float64Array((isFull ? kept - 1 : kept) * FIELDS);
  let [to, sum] = [0, 0];
  for (let at = 0; at < regimes.length; at += FIELDS) {
    if ((regimes[at] ?? 0) < WEIGHT_MIN || (isFull && at === least)) continue;
    after.set(regimes.subarray(at, at + FIELDS), to);
    sum += regimes[at] ?? 0;
    to += FIELDS;
  }
  return divided(after, sum);
}

/** Certain when the likeliest regime is newer than the last certain one, and almost surely it or a newer one is the present. */
function changeIn(after: Belief, packedRegimes: Regimes, outlook: Outlook): Fall | null {
  if (!isSurelyNew(packedRegimes, after.changedAt)) return null;
  const regimes = regimesOf(packedRegimes);
  const likeliest = regimes.reduce((a, b) => (b.weight > a.weight ? b : a));
  const newer = regimes.filter(({ birth }) => birth >= likeliest.birth);
  const older = regimes.filter(({ birth }) => birth < likeliest.birth);
  const before = (older.length === 0 ? [everSince(after)] : older).map((regime) => without(regime, likeliest));
  return { at: likeliest.birth, from: meanOver(before, after, outlook), to: meanOver(newer, after, outlook) };
}

function isSurelyNew(regimes: Regimes, changedAt: number): boolean {
  let likeliest = 0;
  for (let at = 0; at < regimes.length; at += FIELDS) if ((regimes[at] ?? 0) > (regimes[likeliest] ?? 0)) likeliest = at;
  if ((regimes[likeliest + 3] ?? 0) <= changedAt) return false;
  let newer = 0;
  for (let at = likeliest; at < regimes.length; at += FIELDS) newer += regimes[at] ?? 0;
  return newer > CHANGE_CERTAINTY;
}

/** All it ever did as one regime: stands for those before a change that are forgotten already. */
function everSince({ verdicts, right, firstAt }: Belief): Regime {
  return { weight: 1, right, wrong: verdicts - right, birth: firstAt };
}

/** A regime as it was when another began. */
function without(regime: Regime, other: Regime): Regime {
  return { ...regime, right: regime.right - other.right, wrong: regime.wrong - other.wrong };
}

function meanOver(regimes: readonly Regime[], belief: Belief, outlook: Outlook): number {
  const some = packed(regimes);
  const sum = regimes.reduce((total, { weight }) => total + weight, 0);
  return meanIn({ ...belief, regimes: divided(some, sum) }, { ...outlook, unseen: 0 });
}
