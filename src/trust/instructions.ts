// What people say of agents: pins, bans, forgiveness. Entries of the fold as verdicts are, each with who, why and when kept.

import { trustProblems } from "./problems.ts";

/** `pin`: goes first. `ban`: is no candidate. `clear`: neither any more. `forgive`: its past counts no more, nor its strikes. */
export type InstructionKind = "pin" | "ban" | "clear" | "forgive";

export interface Instruction {
  readonly kind: InstructionKind;
  readonly agent: string;
  /** Where left out, all of them. */
  readonly capability?: string;
  readonly by: string;
  readonly why: string;
  /** Unix ms. For people: nothing follows from it. */
  readonly at: number;
}

export interface Instructions {
  /** The newest last. */
  audit: readonly Instruction[];
  /** The pins and bans in force, by agent and capability; null: all capabilities. The newest last. */
  readonly inForce: Map<string, Map<string | null, Instruction>>;
}

/** Instructions kept for the audit: over it, the oldest leaves. Those in force stay. Protects memory. */
export const INSTRUCTIONS_MAX = 1_000;

/** Agents pinned or banned at a time: one more is refused, because a forgotten ban would be worse. Protects memory. */
export const AGENTS_INSTRUCTED_MAX = 10_000;

export function noInstructions(): Instructions {
  return { audit: [], inForce: new Map() };
}

/** Throws TRUST_INPUT_INVALID. */
export function instruct(instructions: Instructions, instruction: Instruction): void {
  const { kind, agent } = instruction;
  const { inForce } = instructions;
  if ((kind === "pin" || kind === "ban") && !inForce.has(agent) && inForce.size >= AGENTS_INSTRUCTED_MAX)
    throw trustProblems.TRUST_INPUT_INVALID(`${AGENTS_INSTRUCTED_MAX} agents are pinned or banned already; clear some.`);
  if (kind === "clear") lift(inForce, instruction);
  if (kind === "pin" || kind === "ban") enforce(inForce, instruction);
  instructions.audit = [...instructions.audit, instruction].slice(-INSTRUCTIONS_MAX);
}

function enforce(inForce: Instructions["inForce"], instruction: Instruction): void {
  const { agent } = instruction;
  const capability = instruction.capability ?? null;
  const own = inForce.get(agent) ?? new Map<string | null, Instruction>();
  if (capability === null) own.clear();
  own.delete(capability);
  own.set(capability, instruction);
  inForce.set(agent, own);
}

function lift(inForce: Instructions["inForce"], { agent, capability }: Instruction): void {
  const own = inForce.get(agent);
  if (capability === undefined) own?.clear();
  else own?.delete(capability);
  if (own?.size === 0) inForce.delete(agent);
}

/** What holds for an agent at a capability: what was said of it there, else what was said of it everywhere. */
export function inForceFor({ inForce }: Instructions, agent: string, capability: string): Instruction | undefined {
  if (inForce.size === 0) return undefined;
  const own = inForce.get(agent);
  return own?.get(capability) ?? own?.get(null);
}
