// One capability: its agents, its peers, and what all verdicts together tell: what newcomers are like, how often agents change,
// how many were tried, what those on probation may have.

import { type Agent, newAgent, otherKinds, type Track, UNTRIED } from "./agent.ts";
import { type Climate, type Outlook, outlookOf } from "./belief.ts";
import { type Imported, importedOf, keyOf, NOTHING_IMPORTED, type Peer, type Peers, weightOf } from "./imports.ts";
import type { Rules } from "./rules.ts";

export interface Capability {
  verdicts: number;
  /** Changes found in its agents. */
  changes: number;
  /** The first outcomes of each agent, weighted. */
  poolRight: number;
  poolWrong: number;
  /** Agents that had a verdict, those forgotten since included. */
  tried: number;
  /** Whether there ever was an agent with enough verdicts to be proven. */
  hasProven: boolean;
  /** Tasks that agents on probation may have at once: each verdict of anybody adds a share of one, each of theirs takes one. */
  tokens: number;
  /** The one recorded last stands last. */
  readonly agents: Map<string, Agent>;
  readonly peers: Peers;
  /** What follows from peers and verdicts; null: to be computed. */
  imports: Imports | null;
}

interface Imports {
  readonly weights: ReadonlyMap<Peer, number>;
  readonly byKey: Map<string, Imported>;
}

/** Agents known per capability: protects memory, about 2 KiB each and kind. */
export const AGENTS_PER_CAPABILITY_MAX = 256;

/** What a newcomer is believed to be at best. */
const PRIOR_MEAN_MAX = 1 / 2;

/** Of each agent so many first outcomes tell what newcomers are like. */
const POOL_VERDICTS = 5;

/** Before anything is seen, one change per so many verdicts is expected. */
const HAZARD_VERDICTS = 16_000;

/** An agent with so many verdicts is proven; the others are on probation. */
export const PROVEN_VERDICTS = 20;

/** Those on probation share so many of the tasks, once an agent is proven; so many saved up at most. */
export const PROBATION_SHARE = 0.1;
export const PROBATION_BURST = 10;

export function newCapability(): Capability {
  return {
    ...{ verdicts: 0, changes: 0, poolRight: 0, poolWrong: 0, tried: 0, hasProven: false, tokens: 0 },
    ...{ agents: new Map(), peers: new Map(), imports: null },
  };
}

export function climateOf({ verdicts, changes, poolRight, poolWrong }: Capability, { hazardMax }: Rules): Climate {
  return {
    prior: Math.min(PRIOR_MEAN_MAX, (poolRight + 1) / (poolRight + poolWrong + 2)),
    hazard: Math.min(hazardMax, (1 + changes) / (HAZARD_VERDICTS + verdicts)),
    now: verdicts,
  };
}

/** Counts a verdict on an agent as it was before it. */
export function count(capability: Capability, { verdicts }: Agent, ok: boolean, weight: number, isChange: boolean): void {
  capability.verdicts++;
  if (verdicts === 0) capability.tried++;
  if (verdicts < POOL_VERDICTS && ok) capability.poolRight += weight;
  if (verdicts < POOL_VERDICTS && !ok) capability.poolWrong += weight;
  if (isChange) capability.changes++;
  if (capability.hasProven) {
    const used = verdicts < PROVEN_VERDICTS ? 1 : 0;
    capability.tokens = Math.max(0, Math.min(PROBATION_BURST, capability.tokens + PROBATION_SHARE) - used);
  }
  if (verdicts + 1 >= PROVEN_VERDICTS) capability.hasProven = true;
}

/** What is known of an agent at a kind of task, and what else bears on it. */
export interface Known {
  readonly agent: Agent;
  readonly track: Track;
  readonly outlook: Outlook;
  readonly imported: Imported;
}

export function knownOf(capability: Capability, climate: Climate, kind: string, name: string): Known {
  const agent = capability.agents.get(name) ?? newAgent(name);
  const track = agent.kinds.get(kind) ?? UNTRIED;
  const imported = importedFor(capability, kind, name);
  return { agent, track, outlook: outlookOf(track.belief, climate, otherKinds(agent, kind), imported), imported };
}

function importedFor(capability: Capability, kind: string, agent: string): Imported {
  const { peers } = capability;
  if (peers.size === 0) return NOTHING_IMPORTED;
  capability.imports ??= { weights: new Map([...peers.values()].map((peer) => [peer, weightOf(peer)])), byKey: new Map() };
  const { weights, byKey } = capability.imports;
  const key = keyOf(kind, agent);
  const kept = byKey.get(key);
  if (kept !== undefined) return kept;
  const imported = importedOf(peers, key, weights);
  byKey.set(key, imported);
  return imported;
}
