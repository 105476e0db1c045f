// Who may be asked at all. First people and the request say who must not be; then newcomers are kept few.
//
// A1. A banned agent is no candidate.
// A2. Newcomers are tried only while fewer than ⌈a√(t+1)⌉ agents were tried in t verdicts, or when all are newcomers: a = 2
//     in a closed federation, 1 in an open one. Trying about √t of many is as good as any rule can be (Bayati et al.,
//     "Unreasonable effectiveness of greedy algorithms in multi-armed bandit with many arms", 2020), and it bounds what new
//     names can gain.
// A3. In an open federation agents with fewer than 20 verdicts get, from the first proven agent on, no more than 10 tasks and
//     a tenth of all where a proven one is a candidate. Tasks count when their verdict comes (the ledger is a fold of verdicts);
//     those under way count by what the candidates say is in flight.

import { intervalOf } from "./agent.ts";
import { type Capability, PROVEN_VERDICTS } from "./capability.ts";
import { type ChooseRequest, meanOf, type Option } from "./option.ts";
import type { Rules } from "./rules.ts";

/** Why one may not be asked. */
export interface Refusal {
  readonly agent: string;
  /** `trust`: believed right too seldom. `risk`: not known well enough to be sure of it. */
  readonly why: "banned" | "trust" | "risk";
  /** How likely it is right: the 5 % quantile where `why` is `risk`, the mean else. */
  readonly score: number;
  /** What the score had to reach; absent for a ban. */
  readonly wanted?: number;
  /** Who banned it and why, in words; absent else. */
  readonly words?: string;
}

/** `trustMin` is not asked of an agent with fewer verdicts: only checks protect before. */
export const TRUST_VERDICTS_MIN = 5;

/** What the 5 % quantile has to reach where the risk is high and nothing else is said. */
export const HIGH_RISK_LOW_MIN = 0.8;

export interface Gated {
  readonly passed: readonly Option[];
  readonly refusals: readonly Refusal[];
}

export function gate(options: readonly Option[], request: ChooseRequest): Gated {
  const isFree = request.trustMin === undefined && request.risk !== "high";
  if (isFree && options.every(({ instruction }) => instruction?.kind !== "ban")) return { passed: options, refusals: [] };
  const refusals = options.flatMap((option) => refusalOf(option, request) ?? []);
  const refused = new Set(refusals.map(({ agent }) => agent));
  return { passed: options.filter(({ name }) => !refused.has(name)), refusals };
}

function refusalOf(option: Option, { trustMin, risk }: ChooseRequest): Refusal | null {
  const { name: agent, instruction, track, outlook } = option;
  const score = meanOf(option);
  if (instruction?.kind === "ban") return { agent, why: "banned", score, words: `${instruction.by}: ${instruction.why}` };
  if (trustMin !== undefined && track.belief.verdicts >= TRUST_VERDICTS_MIN && score < trustMin)
    return { agent, why: "trust", score, wanted: trustMin };
  if (risk !== "high") return null;
  const [{ low }, wanted] = [intervalOf(track, outlook), trustMin ?? HIGH_RISK_LOW_MIN];
  return low < wanted ? { agent, why: "risk", score: low, wanted } : null;
}

export interface Openness extends Pick<Capability, "tried" | "verdicts" | "hasProven" | "tokens"> {
  readonly rules: Pick<Rules, "triedPerRoot" | "hasProbation">;
}

/** Those of the candidates whose turn may come; never nobody. */
export function admitted(options: readonly Option[], { rules, tried, verdicts, hasProven, tokens }: Openness): readonly Option[] {
  const isOpen = tried < Math.ceil(rules.triedPerRoot * Math.sqrt(verdicts + 1));
  const known = isOpen ? options : options.filter(({ agent }) => agent.verdicts > 0);
  const some = known.length === 0 ? options : known;
  return rules.hasProbation && hasProven ? pastProbation(some, tokens) : some;
}

function pastProbation(options: readonly Option[], tokens: number): readonly Option[] {
  const proven = options.filter(({ agent }) => agent.verdicts >= PROVEN_VERDICTS);
  if (proven.length === 0 || proven.length === options.length) return options;
  const underWay = options.reduce((sum, { agent, inFlight }) => sum + (agent.verdicts < PROVEN_VERDICTS ? inFlight : 0), 0);
  return tokens - underWay >= 1 ? options : proven;
}
