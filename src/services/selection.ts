// Which of several services is asked, and why. Pure: everything it knows is an argument, and equal arguments give equal
// choices.
//
//  1. A forbidden service is never chosen: one that policy, schema, price or data keep out.
//  2. One that is unwell comes after every one that is well; one that is left alone for now, last and only by itself.
//  3. Among equals the strategy decides, and then the name, so that there is one order.
//  4. Every candidate is in the choice, with its score or with why it is out.

import { fraction, seededRandom, shortHash } from "../base/random.ts";

export const STRATEGIES = ["priority", "least-latency", "least-cost", "least-loaded", "sticky", "weighted", "learned"] as const;

export type Strategy = (typeof STRATEGIES)[number];

export interface Candidate {
  /** `service/operation` */
  readonly target: string;
  readonly service: string;
  readonly health: "healthy" | "unhealthy" | "unknown";
  readonly circuit: "closed" | "open" | "half-open";
  readonly isLocal: boolean;
  readonly effects: "read" | "write" | "destructive";
  /** 1 is asked first. */
  readonly priority: number;
  readonly weight: number;
  readonly inFlight: number;
  readonly concurrency: number;
  /** Expected, in ms; null where nothing is known. */
  readonly latencyMs: number | null;
  /** Expected of this call, in US$; null where nobody knows. */
  readonly costUsd: number | null;
  /** What else keeps it out, in words: an input that does not fit, a model that it does not have. */
  readonly unfit: string | null;
}

/** What a call allows. */
export interface Needs {
  /** Only services of this machine or its network. */
  readonly localOnly?: boolean;
  readonly costMaxUsd?: number;
  /** Only these services. */
  readonly only?: readonly string[];
  readonly except?: readonly string[];
}

/** A judgement learned from outcomes: the best first. */
export interface Learned {
  readonly order: readonly string[];
  readonly scores: Readonly<Record<string, number>>;
  /** How likely each is right, 0 to 1. */
  readonly means?: Readonly<Record<string, number>>;
  readonly explanation: string;
}

export interface SelectionRequest {
  readonly candidates: readonly Candidate[];
  readonly needs: Needs;
  readonly strategy: Strategy;
  /** Says the draw of `weighted`. */
  readonly seed: string;
  /** Calls of one key go to one service while it is there. */
  readonly stickyKey?: string;
  /** Asked for those that may be chosen, by `learned` alone. */
  readonly learn?: (fit: readonly Candidate[]) => Learned;
}

export interface ScoredCandidate {
  readonly target: string;
  /** Of the strategy; the least is asked first. Null where it is out. */
  readonly score: number | null;
  /** Why it stands where it does, or is out. */
  readonly words: string;
}

/** A choice with its reasons, as it is kept in the journal. */
export interface Choice {
  readonly strategy: Strategy;
  /** Whom to ask, one after the other; empty where nobody may be asked. */
  readonly chain: readonly string[];
  readonly candidates: readonly ScoredCandidate[];
  readonly explanation: string;
}

export function select(request: SelectionRequest): Choice {
  const { candidates, needs, strategy } = request;
  const refused = new Map(candidates.map((one) => [one.target, refusalOf(one, needs)]));
  const fit = candidates.filter(({ target }) => refused.get(target) === null);
  const ranked = rank(fit, request);
  const reachable = ranked.order.filter(({ circuit }) => circuit !== "open");
  const chain = (reachable.length > 0 ? reachable : ranked.order).map(({ target }) => target);
  const inWords = wordsFor(request, fit, ranked);
  const scored = candidates.map((one) => {
    const refusal = refused.get(one.target) ?? null;
    const score = refusal === null ? (ranked.scores.get(one.target) ?? 0) : null;
    return { target: one.target, score, words: refusal ?? inWords(one, score ?? 0) };
  });
  return { strategy, chain, candidates: scored, explanation: explained(chain, ranked.learned?.explanation ?? null, scored) };
}

/** What a call's needs are held against. */
export type Weighed = Pick<Candidate, "service" | "isLocal" | "costUsd" | "unfit">;

/** Why one may not be asked at all; null where it may. */
export function refusalOf(candidate: Weighed, { localOnly = false, costMaxUsd, only, except = [] }: Needs): string | null {
  const { service, isLocal, costUsd, unfit } = candidate;
  if (only !== undefined && !only.includes(service)) return "it is not among those that are allowed";
  if (except.includes(service)) return "it is excluded";
  if (localOnly && !isLocal) return "data may not leave this machine and its network";
  if (unfit !== null) return unfit;
  if (costMaxUsd === undefined) return null;
  if (costUsd === null) return UNKNOWN_COST;
  return costUsd > costMaxUsd ? `it would cost about ${dollars(costUsd)}, more than ${dollars(costMaxUsd)}` : null;
}

const UNKNOWN_COST = "nobody knows what it costs";

/** What nobody knows is more than anything known. */
function comparable({ costUsd }: Candidate): number {
  return costUsd ?? Number.MAX_VALUE;
}

interface Ranked {
  /** The first is asked first. */
  readonly order: readonly Candidate[];
  readonly scores: ReadonlyMap<string, number>;
  /** Null where the strategy knows nothing of outcomes. */
  readonly learned: Learned | null;
}

/** The unwell stand behind the well, and those that are left alone behind all. */
function tierOf({ health, circuit }: Candidate): number {
  return circuit === "open" ? 2 : health === "unhealthy" ? 1 : 0;
}

function rank(fit: readonly Candidate[], request: SelectionRequest): Ranked {
  const learned = request.strategy === "learned" && fit.length > 0 ? request.learn?.(fit) : undefined;
  const scores = new Map(fit.map((one) => [one.target, learned === undefined ? scoreOf(one, request) : place(one, learned)]));
  const score = ({ target }: Candidate): number => scores.get(target) ?? 0;
  const order = fit.toSorted(
    (a, b) =>
      tierOf(a) - tierOf(b) ||
      score(a) - score(b) ||
      a.priority - b.priority ||
      Number(b.isLocal) - Number(a.isLocal) ||
      comparable(a) - comparable(b) ||
      (a.target < b.target ? -1 : 1),
  );
  if (learned === undefined) return { order, scores, learned: null };
  const told = new Map(fit.map(({ target }) => [target, -(learned.scores[target] ?? 0)]));
  return { order, scores: told, learned };
}

function place({ target }: Candidate, { order }: Learned): number {
  const at = order.indexOf(target);
  return at < 0 ? order.length : at;
}

function scoreOf(one: Candidate, { strategy, seed, stickyKey = "" }: SelectionRequest): number {
  switch (strategy) {
    case "least-latency":
      return one.latencyMs ?? 0; // one that nobody has asked yet is asked once
    case "least-cost":
      return comparable(one);
    case "least-loaded":
      return one.inFlight / one.concurrency;
    case "sticky":
      return drawn(`${stickyKey} ${one.target}`, one.weight);
    case "weighted":
      return drawn(`${seed} ${one.target}`, one.weight);
    default:
      return one.priority;
  }
}

/** An exponential draw: the least of several is each one's with the share of its weight (rendezvous hashing, HRW). */
function drawn(text: string, weight: number): number {
  if (weight <= 0) return Number.MAX_VALUE;
  return -Math.log(1 - fraction(seededRandom(shortHash(text) % 4_294_967_296))) / weight;
}

/** Words for each that may be asked: what decided, and how it stands in that. */
function wordsFor(
  { strategy }: SelectionRequest,
  fit: readonly Candidate[],
  { scores, learned }: Ranked,
): (one: Candidate, score: number) => string {
  const weights = fit.reduce((sum, { weight }) => sum + weight, 0);
  const least = Math.min(...[...scores.values()]);
  return (one, score) => {
    const state = one.circuit === "open" ? "left alone for now, " : one.health === "unhealthy" ? "unwell, " : "";
    return state + wordsOf(one, { strategy, score, weights, isLeast: score === least, mean: learned?.means?.[one.target] });
  };
}

interface Decided {
  readonly strategy: Strategy;
  readonly score: number;
  /** Of all that may be asked. */
  readonly weights: number;
  /** The draw fell on it. */
  readonly isLeast: boolean;
  readonly mean: number | undefined;
}

function wordsOf(one: Candidate, { strategy, score, weights, isLeast, mean }: Decided): string {
  switch (strategy) {
    case "least-latency":
      return one.latencyMs === null ? "not timed yet" : `about ${Math.round(one.latencyMs)} ms`;
    case "least-cost":
      return one.costUsd === null ? UNKNOWN_COST : `about ${dollars(one.costUsd)}`;
    case "least-loaded":
      return `${one.inFlight} of ${one.concurrency} under way`;
    case "sticky":
      return isLeast ? "the place for this key" : "not the place for this key";
    case "weighted":
      return `weight ${one.weight}, a share of ${percent(one.weight, weights)}${isLeast ? ", drawn" : ""}`;
    case "learned":
      return `${mean === undefined ? "" : `right ${percent(mean, 1)} of the time, `}worth ${dollars(-score)}`;
    default:
      return `priority ${one.priority}${one.isLocal ? ", local" : ""}`;
  }
}

function percent(part: number, whole: number): string {
  return `${whole <= 0 ? 0 : Math.round((100 * part) / whole)} %`;
}

function explained(chain: readonly string[], learned: string | null, scored: readonly ScoredCandidate[]): string {
  const [first] = chain;
  const out = scored.filter(({ score }) => score === null);
  const kept = out.map(({ target, words }) => `${target}: ${words}`).join("; ");
  if (first === undefined) return out.length === 0 ? "Nobody does it." : `${kept}.`;
  if (learned !== null) return learned;
  const chosen = scored.find(({ target }) => target === first);
  const others = chain.length === 1 ? "" : ` Then: ${chain.slice(1).join(", ")}.`;
  return `Chosen: ${first} (${chosen?.words ?? ""}).${others}${out.length === 0 ? "" : ` Out: ${kept}.`}`;
}

function dollars(usd: number): string {
  const digits = usd === 0 || Math.abs(usd) >= 0.01 ? 2 : 6;
  return `$${usd.toFixed(digits)}`;
}
