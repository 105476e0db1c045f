// What is believed of the quality of one agent at one kind of task. Owns regimes and the views of them; leaves to learning.ts
// how a verdict moves them, and to others where priors and evidence from elsewhere come from. Moments count the capability's verdicts.
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

/** Regimes by birth, four numbers each: weight, right, wrong, birth. Packed, because a choice reads hundreds of them. */
export type Regimes = Float64Array;

export const FIELDS = 4;

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
  readonly regimes: Regimes;
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

/** The prior counts as so many verdicts. */
const PRIOR_VERDICTS = 2;

/** Strikes halve within so many verdicts of the capability. */
const STRIKES_HALF_LIFE = 2_000;

/** No agent is believed surer than this either way, also where a checker's errors are taken out. */
const CHANCE_MIN = 1e-6;

/** Of whom nothing is known. */
export const STRANGER: Belief = {
  ...{ verdicts: 0, right: 0, regimes: new Float64Array(), firstAt: 0, lastAt: 0, changedAt: 0, strikes: 0, struckAt: 0 },
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

/** The regimes one by one, to be read at leisure. */
export function regimesOf(regimes: Regimes): Regime[] {
  return Array.from({ length: regimes.length / FIELDS }, (_, i) => {
    const [weight = 0, right = 0, wrong = 0, birth = 0] = regimes.subarray(i * FIELDS, (i + 1) * FIELDS);
    return { weight, right, wrong, birth };
  });
}

export function packed(regimes: readonly Regime[]): Regimes {
  return Float64Array.from(regimes.flatMap(({ weight, right, wrong, birth }) => [weight, right, wrong, birth]));
}

/** The belief as a distribution of the chance that the next verdict is right. */
export function mixtureOf({ regimes, firstAt }: Belief, outlook: Outlook): BetaMixture {
  const { right, wrong, peers, unseen, strikes } = outlook;
  if (regimes.length === 0) return [{ weight: 1, a: right + peers.right, b: wrong + peers.wrong }];
  const known = regimesOf(regimes).map((regime): BetaPart => {
    const more = regime.birth === firstAt ? peers : { right: 0, wrong: strikes };
    return {
      weight: regime.weight * (1 - unseen),
      a: right + regime.right + more.right,
      b: wrong + regime.wrong + more.wrong,
    };
  });
  return unseen === 0 ? known : [{ weight: unseen, a: right, b: wrong + strikes }, ...known];
}

/** What a regime's evidence is together with the prior; peers speak of the first, strikes are held against later ones (B3). */
function rightIn(regimes: Regimes, at: number, firstAt: number, { right, peers }: Outlook): number {
  return right + (regimes[at + 1] ?? 0) + (regimes[at + 3] === firstAt ? peers.right : 0);
}

function wrongIn(regimes: Regimes, at: number, firstAt: number, { wrong, peers, strikes }: Outlook): number {
  return wrong + (regimes[at + 2] ?? 0) + (regimes[at + 3] === firstAt ? peers.wrong : strikes);
}

export function shareIn(regimes: Regimes, at: number, firstAt: number, outlook: Outlook): number {
  const right = rightIn(regimes, at, firstAt, outlook);
  return right / (right + wrongIn(regimes, at, firstAt, outlook));
}

/** The mean of the mixture. */
export function meanIn({ regimes, firstAt }: Belief, outlook: Outlook): number {
  const { right, wrong, peers, unseen, strikes } = outlook;
  if (regimes.length === 0) return (right + peers.right) / (right + peers.right + wrong + peers.wrong);
  let known = 0;
  for (let at = 0; at < regimes.length; at += FIELDS) known += (regimes[at] ?? 0) * shareIn(regimes, at, firstAt, outlook);
  return unseen === 0 ? known : (unseen * right) / (right + wrong + strikes) + (1 - unseen) * known;
}

/** A draw from the mixture with every part's parameters multiplied by `sharpness`: 1 leaves them, more draws less widely. */
export function drawFrom({ regimes, firstAt }: Belief, outlook: Outlook, sharpness: number, next: Random32): number {
  const { right, wrong, peers, unseen, strikes } = outlook;
  const share = fraction(next);
  if (regimes.length === 0) return drawBeta((right + peers.right) * sharpness, (wrong + peers.wrong) * sharpness, next);
  if (share < unseen) return drawBeta(right * sharpness, (wrong + strikes) * sharpness, next);
  const at = drawnAt(regimes, (share - unseen) / (1 - unseen));
  const a = rightIn(regimes, at, firstAt, outlook);
  return drawBeta(a * sharpness, wrongIn(regimes, at, firstAt, outlook) * sharpness, next);
}

/** Where the regime stands in which the first `share` of the weights ends. */
function drawnAt(regimes: Regimes, share: number): number {
  let left = share;
  for (let at = 0; at < regimes.length; at += FIELDS) {
    left -= regimes[at] ?? 0;
    if (left < 0) return at;
  }
  return regimes.length - FIELDS;
}

/** The variance of a mixture around its mean. */
export function varianceOf(mixture: BetaMixture, mean: number): number {
  return mixture.reduce((sum, { weight, a, b }) => {
    const own = a / (a + b);
    return sum + weight * ((own * (1 - own)) / (a + b + 1) + (own - mean) ** 2);
  }, 0);
}

/** The evidence that is believed to be of the agent as it is now. */
export function presentEvidence({ regimes }: Belief): Evidence {
  let [right, wrong] = [0, 0];
  for (let at = 0; at < regimes.length; at += FIELDS) {
    const weight = regimes[at] ?? 0;
    right += weight * (regimes[at + 1] ?? 0);
    wrong += weight * (regimes[at + 2] ?? 0);
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
