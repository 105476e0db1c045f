// Whom to choose of those who may be asked: the best draw; and the chain of those to try in turn.
//
// C1. The same ledger, seed and candidates give the same choice, in whatever order the candidates stand.
// C2. The chain is worth most by expectation of all orders and subsets of those admitted; where none is worth anything, it is
//     the one whose right results cost least. Only a pin goes before it.
// C3. What nobody reads costs nothing: chain, estimates and explanation are made when they are looked at.

import { admitted, gate, type Openness, type Refusal } from "./admission.ts";
import { type Estimate, estimateOf } from "./agent.ts";
import { type ChooseRequest, expectedUsd, meanOf, type Option, type Terms } from "./option.ts";
import { explain, explainRefusals } from "./words.ts";

/** An estimate, and what it is worth for one request. */
export interface Prospect extends Estimate {
  /** The worth for the quality drawn, in US$: the highest of those admitted is chosen. */
  readonly score: number;
  /** The worth for the mean, in US$. */
  readonly expectedUsd: number;
}

/** Its fields are made when they are read: read them, or have it written as JSON, rather than spread it. */
export interface TrustChoice {
  readonly agent: string;
  /** Whom to try in turn where several may be tried: the best first, by expectation, without the draw. */
  readonly chain: readonly string[];
  readonly estimates: Readonly<Record<string, Prospect>>;
  /** The one of highest expectation besides the chosen; null where there is no other. */
  readonly runnerUp: string | null;
  /** A few plain sentences for people. */
  readonly explanation: string;
}

/** Nobody may be asked: why not, one by one. */
export interface TrustRefusal {
  readonly refusals: readonly Refusal[];
  /** The same in words. */
  readonly explanation: string;
}

export type TrustAnswer =
  | { readonly kind: "chosen"; readonly choice: TrustChoice }
  | ({ readonly kind: "refused" } & TrustRefusal);

export function answerFrom(options: readonly Option[], request: ChooseRequest, terms: Terms, open: Openness): TrustAnswer {
  const { passed, refusals } = gate(options, request);
  if (passed.length === 0) return { kind: "refused", refusals, explanation: explainRefusals(request, refusals) };
  const pinned = passed.filter(({ instruction }) => instruction?.kind === "pin");
  const free = admitted(passed, open);
  return { kind: "chosen", choice: choiceFrom(options, pinned, free, terms) };
}

function choiceFrom(options: readonly Option[], pinned: readonly Option[], free: readonly Option[], terms: Terms): TrustChoice {
  const chosen = best(pinned.length > 0 ? pinned : free, (option) => option.score);
  return new LazyChoice(chosen, { options, pinned, free, terms });
}

/** What a choice was made of. */
interface Field {
  readonly options: readonly Option[];
  readonly pinned: readonly Option[];
  readonly free: readonly Option[];
  readonly terms: Terms;
}

/**
 * Makes what is read of it, once (C3). A class, because getters of an object literal have a shape of their own in every object:
 * the collector then keeps all that they see for long.
 */
class LazyChoice implements TrustChoice {
  readonly agent: string;
  readonly #chosen: Option;
  readonly #field: Field;
  #chain: readonly string[] | null = null;
  #estimates: Readonly<Record<string, Prospect>> | null = null;

  constructor(chosen: Option, field: Field) {
    this.agent = chosen.name;
    this.#chosen = chosen;
    this.#field = field;
  }

  get chain(): readonly string[] {
    const { pinned, free, terms } = this.#field;
    this.#chain ??= chainOf(pinned, free, terms);
    return this.#chain;
  }

  get estimates(): Readonly<Record<string, Prospect>> {
    const { options, terms } = this.#field;
    this.#estimates ??= Object.fromEntries(options.map((option) => [option.name, prospectOf(option, terms)]));
    return this.#estimates;
  }

  get runnerUp(): string | null {
    return this.#second()?.name ?? null;
  }

  get explanation(): string {
    return explain(this.#chosen, this.#second(), this.#field.terms);
  }

  /** As the data it stands for. */
  toJSON(): TrustChoice {
    const { agent, chain, estimates, runnerUp, explanation } = this;
    return { agent, chain, estimates, runnerUp, explanation };
  }

  #second(): Option | null {
    const { free, terms } = this.#field;
    const others = free.filter((option) => option !== this.#chosen);
    return others.length === 0 ? null : best(others, (option) => expectedUsd(option, terms));
  }
}

/** The greatest by a measure; of equals the one more often right, then the first by name. */
function best(options: readonly Option[], measure: (option: Option) => number): Option {
  return options.reduce((a, b) => ((measure(b) - measure(a) || byMerit(a, b)) > 0 ? b : a));
}

/** Negative when `a` goes before `b`. */
function byMerit(a: Option, b: Option): number {
  return meanOf(b) * b.onTime - meanOf(a) * a.onTime || (a.name < b.name ? -1 : 1);
}

/**
 * Costs over chances, rising, as far as the value covers the costs (C2): to swap two neighbours that stand otherwise, or to
 * go on beyond, would lose. That the agents' results are independent is taken for granted.
 */
function chainOf(pinned: readonly Option[], free: readonly Option[], { valueUsd }: Terms): string[] {
  const others = pinned.length === 0 ? free : free.filter((option) => !pinned.includes(option));
  const sorted = [...pinned.toSorted(byWorth), ...others.toSorted(byWorth)];
  const kept = sorted.filter((option, i) => i === 0 || i < pinned.length || perRight(option) < valueUsd);
  return kept.map(({ name }) => name);
}

function byWorth(a: Option, b: Option): number {
  const [costA, costB] = [perRight(a), perRight(b)];
  return costA === costB ? byMerit(a, b) : costA - costB;
}

/** What a right and timely result costs, were it asked until there is one. */
function perRight(option: Option): number {
  return option.onTime === 0 ? Number.POSITIVE_INFINITY : option.costUsd / (meanOf(option) * option.onTime);
}

function prospectOf(option: Option, terms: Terms): Prospect {
  const { track, outlook, latencyMs, priceUsd, score } = option;
  const estimate = estimateOf(track, outlook, meanOf(option), latencyMs, priceUsd);
  return { ...estimate, score, expectedUsd: expectedUsd(option, terms) };
}
