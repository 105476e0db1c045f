// One agent at one capability: what is believed of it by kind of task, what it costs, and the views of that.

import { shortHash } from "../base/random.ts";
import {
  type Belief,
  corrected,
  type Evidence,
  type Fall,
  meanIn,
  mixtureOf,
  NO_EVIDENCE,
  type Outlook,
  presentEvidence,
  STRANGER,
  varianceOf,
} from "./belief.ts";
import { quantileOf } from "./beta.ts";
import { type Costs, UNSEEN } from "./costs.ts";
import { type History, NO_HISTORY, withPoint } from "./history.ts";

/** What is known of an agent's quality at one kind of task. */
export interface Track {
  readonly belief: Belief;
  readonly history: History;
  /** Follows from the belief; no part of the state. */
  shown: Shown | null;
}

export interface Agent {
  /** Of its name. */
  readonly hash: number;
  /** Over all kinds, those before it was forgiven included. */
  verdicts: number;
  costs: Costs;
  /** By kind; the one recorded last stands last. */
  readonly kinds: Map<string, Track>;
}

/** What is believed of an agent at a capability. */
export interface Estimate {
  /** How likely its next result is right: above 0 and below 1. */
  readonly mean: number;
  /** The 5 % quantile of the same belief. */
  readonly low: number;
  /** The 95 % quantile of the same belief. */
  readonly high: number;
  /** How many verdicts it had at this kind; 0 for a newcomer. */
  readonly verdicts: number;
  /** The first verdict, of the capability's from 0 on, put down to its present quality; absent where it never changed. */
  readonly changedAt?: number;
  /** The last time it got worse; absent where it never did. */
  readonly lastFall?: Fall;
  /** How long it takes with as many in flight as the candidate says, or none; absent before it was seen. */
  readonly latencyMs?: number;
  /** What it takes, in US$: as the candidate says, or on average; absent where neither is known. */
  readonly priceUsd?: number;
}

/** The interval last asked for, kept because quantiles cost much and the outlook, as rounded, seldom changes. */
interface Shown {
  readonly outlook: Outlook;
  readonly low: number;
  readonly high: number;
}

/** Kinds of task known per agent: over it, the one recorded longest ago leaves. Protects memory. */
export const KINDS_PER_AGENT_MAX = 16;

/** What an agent did at other kinds counts at most so many verdicts, and half of it once there were so many. */
const OTHER_KINDS_MAX = 4;
const OTHER_KINDS_HALF = 8;

/** The shown interval holds nine tenths of the belief. */
const LOW_SHARE = 0.05;
const HIGH_SHARE = 0.95;

/** An interval is computed for an outlook rounded to these, whoever asks when. */
const UNSEEN_STEP = 0.005;
const STRIKES_STEP = 0.1;

/** And of parts that are not lighter: all others together seldom weigh a thousandth. */
const SHOWN_WEIGHT_MIN = 0.0005;

export const UNTRIED: Track = { belief: STRANGER, history: NO_HISTORY, shown: null };

export function newAgent(name: string): Agent {
  return { hash: shortHash(name), verdicts: 0, costs: UNSEEN, kinds: new Map() };
}

export function trackOf(belief: Belief, history: History): Track {
  return { belief, history, shown: null };
}

/** The track after a verdict: a point of its history is kept when its turn has come, or when the agent changed. */
export function trackAfter({ history }: Track, belief: Belief, outlook: Outlook, isChange: boolean): Track {
  const isDue = isChange || belief.verdicts % history.stride === 0;
  if (!isDue) return trackOf(belief, history);
  const mixture = mixtureOf(belief, { ...outlook, unseen: 0 });
  const mean = meanIn(belief, { ...outlook, unseen: 0 });
  const deviation = Math.sqrt(varianceOf(mixture, mean));
  return trackOf(belief, withPoint(history, outlook.now, corrected(belief, mean), deviation));
}

/** What an agent's other kinds say of this one. */
export function otherKinds({ kinds }: Agent, kind: string): Evidence {
  if (kinds.size === 0 || (kinds.size === 1 && kinds.has(kind))) return NO_EVIDENCE;
  let [right, wrong] = [0, 0];
  for (const [other, { belief }] of kinds) {
    if (other === kind) continue;
    const present = presentEvidence(belief);
    right += present.right;
    wrong += present.wrong;
  }
  const tasks = right + wrong;
  const count = (OTHER_KINDS_MAX * tasks) / (tasks + OTHER_KINDS_HALF);
  const mean = (right + 1) / (tasks + 2);
  return { right: count * mean, wrong: count * (1 - mean) };
}

// ── Estimates ────────────────────────────────────────────────────────────────────────────────────────────────────────

export function estimateOf(track: Track, outlook: Outlook, mean: number, latencyMs?: number, priceUsd?: number): Estimate {
  const { verdicts, changedAt, firstAt, lastFall } = track.belief;
  const { low, high } = intervalOf(track, outlook);
  return {
    ...{ mean, low, high, verdicts },
    ...(changedAt === firstAt ? {} : { changedAt }),
    ...(lastFall === null ? {} : { lastFall }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(priceUsd === undefined ? {} : { priceUsd }),
  };
}

export function intervalOf(track: Track, { unseen, strikes, ...rest }: Outlook): Shown {
  const outlook = { ...rest, unseen: rounded(unseen, UNSEEN_STEP), strikes: rounded(strikes, STRIKES_STEP) };
  if (track.shown === null || !isSame(track.shown.outlook, outlook)) {
    const mixture = mixtureOf(track.belief, outlook).filter(({ weight }) => weight >= SHOWN_WEIGHT_MIN);
    const bound = (share: number) => corrected(track.belief, quantileOf(mixture, share));
    const shown = { outlook, low: bound(LOW_SHARE), high: bound(HIGH_SHARE) };
    if (track === UNTRIED) return shown;
    track.shown = shown;
  }
  return track.shown;
}

function rounded(value: number, step: number): number {
  return Math.round(value / step) * step;
}

function isSame(a: Outlook, b: Outlook): boolean {
  const isSameBegin = a.right === b.right && a.wrong === b.wrong && a.unseen === b.unseen && a.strikes === b.strikes;
  return isSameBegin && a.peers.right === b.peers.right && a.peers.wrong === b.peers.wrong;
}
