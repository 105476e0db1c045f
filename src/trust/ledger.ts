// What verdicts say about agents, and whom to choose by it. Owns the fold; leaves clocks, the record, what a verdict is and how
// it was found to others. Pure: time is the count of a capability's verdicts, chance comes from a seed.
//
// 1. Quality is learned from verdicts, and from what peers report of theirs: what is observed (`observe`), said (price, load) or
//    claimed never moves it.
// 2. The ledger is a fold of `record`, `observe`, `importEvidence` and `instruct`. `choose` and `estimate` leave it as it is, and
//    give the same for the same ledger and seed, in whatever order the candidates stand.
// 3. An agent that never changes is believed as Beta(prior + right, prior + wrong).
// 4. An agent of whom neither a verdict nor a report is known is believed no better than even.
// 5. Newcomers are tried a few at a time; see admission.ts.
// 6. The chain is worth most by expectation of all orders and subsets of those admitted; see choice.ts.
// 7. What is kept has limits; over one, the agent or capability leaves whose last record is the oldest.

import type { Json } from "../base/json.ts";
import { type Estimate, estimateOf, KINDS_PER_AGENT_MAX, newAgent, trackAfter, trackOf } from "./agent.ts";
import { type Belief, corrected, meanIn, STRANGER } from "./belief.ts";
import {
  AGENTS_PER_CAPABILITY_MAX,
  type Capability,
  climateOf,
  count,
  type Known,
  knownOf,
  newCapability,
} from "./capability.ts";
import { answerFrom, type TrustAnswer, type TrustChoice } from "./choice.ts";
import { type Bill, checkBill, latencyAt, observed } from "./costs.ts";
import { type HistoryPoint, NO_HISTORY, shownPoints } from "./history.ts";
import { checkReport, keyOf, type PeerReport, takeReport, weighAgain, weighAll, weightOf } from "./imports.ts";
import { type Instruction, type Instructions, inForceFor, instruct, noInstructions } from "./instructions.ts";
import { type Change, learn, type Verdict } from "./learning.ts";
import { type ChooseRequest, candidatesOf, Draws, drawHash, optionOf, termsOf } from "./option.ts";
import { checkNumber, trustProblems } from "./problems.ts";
import { type LedgerOptions, type Rules, rulesOf } from "./rules.ts";
import { readSnapshot, writeSnapshot } from "./snapshot.ts";

/** What the work took of one agent at one kind of task. */
export interface Observation extends Bill {
  readonly capability: string;
  /** What of the capability's tasks it is; one kind where left out. */
  readonly kind?: string;
  readonly agent: string;
}

/** How often whoever gave the verdict errs: shares of the wrong results called right, and of the right ones called wrong. */
export interface Checker {
  readonly falsePositive: number;
  readonly falseNegative: number;
}

/** One result with its verdict. A late result that is right is right. */
export interface Outcome extends Observation {
  readonly ok: boolean;
  /** How much the verdict counts, above 0 up to 1; where left out, 1, or what its checker is good for: (1 - fp - fn)². */
  readonly weight?: number;
  /** Who errs now and then; where left out, verdicts are taken for true. */
  readonly checker?: Checker;
}

/** An agent was found to have changed: how often it was right before, and is since. */
export interface TrustChange extends Change {
  readonly capability: string;
  readonly kind?: string;
  readonly agent: string;
}

/** Which agent at which kind of task. */
export interface Whom {
  readonly capability: string;
  readonly kind?: string;
  readonly agent: string;
}

/** An operator whose reports are kept, and how likely it is honest, from 0 to 1. */
export interface PeerStanding {
  readonly operator: string;
  readonly peer: string;
  readonly weight: number;
  readonly reports: number;
}

/** Capabilities known: protects memory. */
export const CAPABILITIES_MAX = 1_024;

/** What is known of agents; see the head of the file. */
export class Ledger {
  /** The one recorded last stands last (7). */
  readonly #capabilities = new Map<string, Capability>();
  readonly #instructions: Instructions = noInstructions();
  readonly #rules: Rules;

  constructor(options: LedgerOptions = {}) {
    this.#rules = rulesOf(options);
  }

  // Asking.

  /** Whom to ask, with reasons. Nobody counts as tried before a verdict. Throws TRUST_INPUT_INVALID, TRUST_NOBODY. */
  choose(request: ChooseRequest): TrustChoice {
    const answer = this.tryChoose(request);
    if (answer.kind === "chosen") return answer.choice;
    throw trustProblems.TRUST_NOBODY(answer.explanation, { facts: { refusals: answer.refusals } });
  }

  /** Whom to ask, or why nobody may be. Throws TRUST_INPUT_INVALID. */
  tryChoose(request: ChooseRequest): TrustAnswer {
    const terms = termsOf(request);
    const { capability: name, kind = "" } = request;
    const capability = this.#capabilities.get(name) ?? newCapability();
    const climate = climateOf(capability, this.#rules);
    const hash = drawHash(request);
    const draws = new Draws();
    const options = candidatesOf(request).map((candidate) => {
      const known = knownOf(capability, climate, kind, candidate.agent);
      const instruction = inForceFor(this.#instructions, candidate.agent, name);
      draws.begin(hash, known.agent.hash);
      return optionOf(candidate, known, instruction, terms, this.#rules, draws.next);
    });
    const { tried, verdicts, hasProven, tokens } = capability;
    return answerFrom(options, request, terms, { tried, verdicts, hasProven, tokens, rules: this.#rules });
  }

  /** What is believed now, with nothing in flight. */
  estimate({ capability: name, kind = "", agent: agentName }: Whom): Estimate {
    const { agent, track, outlook } = this.#known(name, kind, agentName);
    const mean = corrected(track.belief, meanIn(track.belief, outlook));
    return estimateOf(track, outlook, mean, latencyAt(agent.costs, 0), agent.costs.priceUsd ?? undefined);
  }

  /** The mean alone of what is believed now: a small part of the work. */
  chance({ capability, kind = "", agent }: Whom): number {
    const { track, outlook } = this.#known(capability, kind, agent);
    return corrected(track.belief, meanIn(track.belief, outlook));
  }

  /** How the belief went, for charts: a few points over the whole life, the oldest first. */
  history({ capability, kind = "", agent }: Whom): HistoryPoint[] {
    const track = this.#capabilities.get(capability)?.agents.get(agent)?.kinds.get(kind);
    return shownPoints(track?.history ?? NO_HISTORY);
  }

  /** What each peer's word is worth at a capability. */
  peers(capability: string): PeerStanding[] {
    const peers = this.#capabilities.get(capability)?.peers ?? new Map();
    return [...peers].map(([operator, peer]) => {
      return { operator, peer: peer.peer, weight: weightOf(peer), reports: peer.reports.size };
    });
  }

  /** The time at a capability: how many verdicts it had. */
  verdicts(capability: string): number {
    return this.#capabilities.get(capability)?.verdicts ?? 0;
  }

  /** What people said of agents, the newest last. */
  instructions(): readonly Instruction[] {
    return this.#instructions.audit;
  }

  // Being told.

  /** Learns from a verdict, and from what the work took. The change found by it, if any. Throws TRUST_INPUT_INVALID. */
  record(outcome: Outcome): TrustChange | null {
    const { agent: name, capability: capabilityName, kind = "" } = outcome;
    const verdict = verdictOf(outcome);
    checkBill(outcome);
    const capability = this.#touched(capabilityName);
    const { agent, track, outlook } = knownOf(capability, climateOf(capability, this.#rules), kind, name);
    const { belief, change } = learn(track.belief, outlook, verdict, this.#rules.strikesMax);
    count(capability, agent, verdict.ok, verdict.weight, change !== null);
    const isKindFull = keep(agent.kinds, kind, trackAfter(track, belief, outlook, change !== null), KINDS_PER_AGENT_MAX);
    agent.verdicts++;
    agent.costs = observed(agent.costs, outcome);
    const isFull = keep(capability.agents, name, agent, AGENTS_PER_CAPABILITY_MAX);
    if (isFull || isKindFull) hearAgain(capability);
    else hear(capability, kind, name, belief);
    if (change === null) return null;
    return { capability: capabilityName, ...(kind === "" ? {} : { kind }), agent: name, ...change };
  }

  /** Learns what work took that had no verdict. Throws TRUST_INPUT_INVALID. */
  observe(observation: Observation): void {
    checkBill(observation);
    const capability = this.#touched(observation.capability);
    const agent = capability.agents.get(observation.agent) ?? newAgent(observation.agent);
    agent.costs = observed(agent.costs, observation);
    if (keep(capability.agents, observation.agent, agent, AGENTS_PER_CAPABILITY_MAX)) hearAgain(capability);
  }

  /** Takes in what a peer reports, each count of it backed by a receipt that the caller has checked. Throws TRUST_INPUT_INVALID. */
  importEvidence(report: PeerReport): void {
    checkReport(report);
    const { capability: name, kind = "", agent } = report;
    const capability = this.#touched(name);
    takeReport(capability.peers, report, beliefIn(capability, kind, agent));
    capability.imports = null;
  }

  /** Takes in what somebody said of an agent. Throws TRUST_INPUT_INVALID. */
  instruct(instruction: Instruction): void {
    instruct(this.#instructions, instruction);
    if (instruction.kind !== "forgive") return;
    for (const [name, capability] of this.#capabilities)
      if (instruction.capability === undefined || instruction.capability === name) forgive(capability, instruction.agent);
  }

  // Being kept.

  /** All of it as JSON, for `restore`. Options are no part of it. */
  snapshot(): Json {
    return writeSnapshot(this.#capabilities, this.#instructions);
  }

  /** The ledger a snapshot was taken of, this version's or version 1. Throws TRUST_SNAPSHOT_INVALID. */
  static restore(snapshot: Json, options: LedgerOptions = {}): Ledger {
    const ledger = new Ledger(options);
    const { capabilities, instructions } = readSnapshot(snapshot);
    for (const [name, capability] of capabilities) ledger.#capabilities.set(name, capability);
    ledger.#instructions.audit = instructions.audit;
    for (const [agent, own] of instructions.inForce) ledger.#instructions.inForce.set(agent, own);
    return ledger;
  }

  #known(name: string, kind: string, agent: string): Known {
    const capability = this.#capabilities.get(name) ?? newCapability();
    return knownOf(capability, climateOf(capability, this.#rules), kind, agent);
  }

  #touched(name: string): Capability {
    const capability = this.#capabilities.get(name) ?? newCapability();
    keep(this.#capabilities, name, capability, CAPABILITIES_MAX);
    return capability;
  }
}

/** The verdict as it counts: a checker that errs is worth (1 - fp - fn)² of one that does not. */
function verdictOf({ ok, weight, checker }: Outcome): Verdict {
  const { falsePositive, falseNegative } = checker ?? { falsePositive: 0, falseNegative: 0 };
  checkNumber(falsePositive, "checker.falsePositive", 0, 1);
  checkNumber(falseNegative, "checker.falseNegative", 0, 1);
  const worth = 1 - falsePositive - falseNegative;
  if (worth <= 0)
    throw trustProblems.TRUST_INPUT_INVALID(`A checker that errs so often (${falsePositive} + ${falseNegative}) tells nothing.`);
  const counts = weight ?? worth ** 2;
  checkNumber(counts, "weight", Number.MIN_VALUE, 1);
  return { ok, weight: counts, falsePositive, falseNegative };
}

function beliefIn({ agents }: Capability, kind: string, agent: string): Belief {
  return agents.get(agent)?.kinds.get(kind)?.belief ?? STRANGER;
}

/** Our verdicts on an agent have changed: what peers said of it fits them better or worse now. */
function hear(capability: Capability, kind: string, agent: string, belief: Belief): void {
  if (capability.peers.size === 0) return;
  weighAgain(capability.peers, keyOf(kind, agent), belief);
  capability.imports = null;
}

/** Some of our verdicts count no more. */
function hearAgain(capability: Capability): void {
  weighAll(capability.peers, (kind, agent) => beliefIn(capability, kind, agent));
  capability.imports = null;
}

/** The agent stays as experienced as it is; what is believed of it begins anew. */
function forgive(capability: Capability, agent: string): void {
  const kinds = capability.agents.get(agent)?.kinds;
  if (kinds === undefined) return;
  for (const [kind, { history }] of kinds) kinds.set(kind, trackOf(STRANGER, history));
  hearAgain(capability);
}

/** Puts it last; over the limit the first leaves (7). Says whether one left. */
function keep<T>(map: Map<string, T>, name: string, value: T, max: number): boolean {
  map.delete(name);
  map.set(name, value);
  if (map.size <= max) return false;
  for (const oldest of map.keys().take(1)) map.delete(oldest);
  return true;
}
