// A candidate for one request, with all that speaks for and against it.
//
// O1. What is said of a candidate (price, load) never moves what is believed of its quality.
// O2. A draw depends on the seed, the ledger and the candidate, not on who else is one.

import type { Random32 } from "../base/clock.ts";
import { shortHash } from "../base/random.ts";
import { corrected, drawFrom, meanIn } from "./belief.ts";
import type { Known } from "./capability.ts";
import { type Bill, checkBill, latencyAt, onTimeOf } from "./costs.ts";
import type { Instruction } from "./instructions.ts";
import { checkNumber, trustProblems } from "./problems.ts";
import type { Rules } from "./rules.ts";

/** One that could do it. No field says anything of its quality (O1). */
export interface Candidate extends Pick<Bill, "priceUsd" | "inFlight"> {
  readonly agent: string;
}

export interface ChooseRequest {
  readonly capability: string;
  /** What of the capability's tasks it is; one kind where left out. */
  readonly kind?: string;
  /** One at least; an agent named twice counts as named first. */
  readonly candidates: readonly Candidate[];
  /** What a right and timely result is worth, in US$; 1 where left out. */
  readonly valueUsd?: number;
  /** A result is worth nothing after so long; where left out, whenever. */
  readonly deadlineMs?: number;
  /** What waiting costs, in US$ per ms; 0 where left out. */
  readonly delayUsdPerMs?: number;
  /** Believed right less often than this, an agent with 5 verdicts and more is refused. From 0 up to 1. */
  readonly trustMin?: number;
  /** `high`: nobody is asked whose 5 % quantile is below `trustMin`, or below 0.8 where that is left out. */
  readonly risk?: "normal" | "high";
  /** The draw depends on it and the ledger alone: name what is chosen for, such as run, step and attempt. */
  readonly seed: string;
}

/** What a request says of worth, complete. */
export interface Terms {
  readonly valueUsd: number;
  readonly deadlineMs: number;
  readonly delayUsdPerMs: number;
}

/** A candidate with all that speaks for and against it. */
export interface Option extends Known {
  readonly name: string;
  readonly inFlight: number;
  readonly instruction: Instruction | undefined;
  readonly latencyMs: number | undefined;
  readonly priceUsd: number | undefined;
  readonly onTime: number;
  /** What waiting for it costs. */
  readonly delayUsd: number;
  readonly costUsd: number;
  readonly score: number;
  /** How likely its next result is right; null before anybody asked. */
  mean: number | null;
}

export function termsOf({ valueUsd = 1, deadlineMs = Number.POSITIVE_INFINITY, delayUsdPerMs = 0 }: ChooseRequest): Terms {
  checkNumber(valueUsd, "valueUsd", 0);
  if (deadlineMs !== Number.POSITIVE_INFINITY) checkNumber(deadlineMs, "deadlineMs", Number.MIN_VALUE);
  checkNumber(delayUsdPerMs, "delayUsdPerMs", 0);
  return { valueUsd, deadlineMs, delayUsdPerMs };
}

export function candidatesOf({ candidates, capability, trustMin = 0 }: ChooseRequest): readonly Candidate[] {
  if (candidates.length === 0) throw trustProblems.TRUST_INPUT_INVALID(`Nobody is a candidate for "${capability}".`);
  checkNumber(trustMin, "trustMin", 0, 1);
  for (const candidate of candidates) checkBill(candidate);
  const first = new Map<string, Candidate>();
  for (const candidate of candidates) if (!first.has(candidate.agent)) first.set(candidate.agent, candidate);
  return first.size === candidates.length ? candidates : [...first.values()];
}

/** What all draws of a request have in common. */
export function drawHash({ seed, capability, kind = "" }: ChooseRequest): number {
  return shortHash(`${seed}\n${capability}\n${kind}`);
}

/** Chance for one request, to be begun anew for each candidate (O2). Short sequences, many of them: none may cost much to begin. */
export class Draws {
  #state = 0;

  /** Of its own for each agent. */
  begin(hash: number, agent: number): void {
    this.#state = Math.imul((hash ^ agent) | 0, 0x9e3779b1);
  }

  /** SplitMix32: a counter through the finaliser of MurmurHash3. */
  readonly next: Random32 = () => {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    const once = Math.imul(this.#state ^ (this.#state >>> 16), 0x85ebca6b);
    const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
    return (twice ^ (twice >>> 16)) >>> 0;
  };
}

export function optionOf(
  { agent: name, inFlight = 0, priceUsd: asked }: Candidate,
  known: Known,
  instruction: Instruction | undefined,
  { valueUsd, deadlineMs, delayUsdPerMs }: Terms,
  { sharpness }: Rules,
  next: Random32,
): Option {
  const { track, outlook, agent, imported } = known;
  const latencyMs = latencyAt(agent.costs, inFlight);
  const priceUsd = asked ?? agent.costs.priceUsd ?? undefined;
  const onTime = onTimeOf(latencyMs, deadlineMs);
  const delayUsd = delayUsdPerMs * Math.min(deadlineMs, latencyMs ?? 0);
  const costUsd = (priceUsd ?? 0) + delayUsd;
  const drawn = corrected(track.belief, drawFrom(track.belief, outlook, sharpness, next));
  const score = valueUsd * drawn * onTime - costUsd;
  // Written out: spreading costs more than all the rest.
  return {
    name,
    agent,
    track,
    outlook,
    imported,
    inFlight,
    instruction,
    latencyMs,
    priceUsd,
    onTime,
    delayUsd,
    costUsd,
    score,
    mean: null,
  };
}

export function meanOf(option: Option): number {
  option.mean ??= corrected(option.track.belief, meanIn(option.track.belief, option.outlook));
  return option.mean;
}

/** The worth for the mean. */
export function expectedUsd(option: Option, { valueUsd }: Terms): number {
  return valueUsd * meanOf(option) * option.onTime - option.costUsd;
}
