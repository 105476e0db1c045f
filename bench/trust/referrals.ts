// Referrals and claims: what peers and agents themselves say of quality, true or not.

import type { Random32 } from "../../src/base/clock.ts";
import { fraction, seededRandom } from "../../src/base/random.ts";
import { Ledger } from "../../src/trust.ts";
import { CAPABILITY } from "./ledgers.ts";
import { greedy, type PolicyMaker } from "./policies.ts";

// ── Referrals: 20 peers report on 10 agents before the first of 500 tasks ──

const PEERS = 20;
const AGENTS = 10;
const REFERRED_TASKS = 500;

/**
 * `friends`: colluders praise the three worst and slander all others; every second one is a spy, truthful but for the praise.
 * `targeted`: truthful, but the best and the worst change places. `reversed`: everything is turned round, in plausible numbers.
 */
export type Lie = "friends" | "targeted" | "reversed";

export interface Referral {
  /** The share of peers that collude. */
  readonly colluders: number;
  /** `targeted`: true but of the best and the worst; `all`: half of the colluders turn everything round, half are spies. */
  readonly lie: Lie;
}

/** The regret with what peers say imported, or without. */
export function referred({ colluders, lie }: Referral, imports: boolean, seed: number): number {
  const next = seededRandom(seed);
  const rates = Array.from({ length: AGENTS }, () => 0.3 + 0.65 * fraction(next));
  const ledger = new Ledger();
  for (let peer = 0; peer < PEERS; peer++) {
    const told = peer < colluders * PEERS ? { lie, isSpy: peer % 2 === 1 } : null;
    for (const report of reportsOf(rates, told, next))
      if (imports) ledger.importEvidence({ ...report, peer: `peer ${peer}`, operator: `key ${peer}`, allowListed: true });
  }
  return regretOf(ledger, rates, REFERRED_TASKS, seed);
}

interface Told {
  readonly lie: Lie;
  readonly isSpy: boolean;
}

/** Of 10 to 50 tasks each. `told`: what a colluder was told to say; null: the truth. */
function reportsOf(rates: readonly number[], told: Told | null, next: Random32) {
  const ranks = rates.map((rate) => rates.filter((other) => other > rate).length);
  return rates.map((rate, i) => {
    const tasks = 10 + Math.floor(41 * fraction(next));
    const right = Array.from({ length: tasks }, () => fraction(next) < rate).filter((ok) => ok).length;
    const said = told === null ? right : lieOf(told, ranks[i] ?? 0, right, tasks);
    return { capability: CAPABILITY, agent: `agent-${i}`, right: said, wrong: tasks - said };
  });
}

/** How many a colluder says were right. `rank`: 0 for the best agent. */
function lieOf({ lie, isSpy }: Told, rank: number, right: number, tasks: number): number {
  const isFriend = rank >= AGENTS - 3;
  if (lie === "reversed") return tasks - right;
  if (lie === "targeted") return rank === 0 || rank === AGENTS - 1 ? tasks - right : right;
  if (isFriend) return tasks;
  return isSpy ? right : 0;
}

function regretOf(ledger: Ledger, rates: readonly number[], tasks: number, seed: number): number {
  const next = seededRandom(seed ^ 0x51ed270b);
  const candidates = rates.map((_, i) => ({ agent: `agent-${i}` }));
  const best = Math.max(...rates);
  let regret = 0;
  for (let task = 0; task < tasks; task++) {
    const { agent } = ledger.choose({ capability: CAPABILITY, candidates, seed: `${seed}/${task}` });
    const rate = rates[Number(agent.slice(6))] ?? 0;
    regret += best - rate;
    ledger.record({ capability: CAPABILITY, agent, ok: fraction(next) < rate });
  }
  return regret;
}

// ── Liars: 4 of 12 claim .99 and are .20; the others claim what they are; 200 tasks ──

const LIARS = 4;
const HONEST = 8;
const CLAIMED_TASKS = 200;

function crowd(seed: number): number[] {
  const next = seededRandom(seed);
  return [...Array.from({ length: LIARS }, () => 0.2), ...Array.from({ length: HONEST }, () => 0.6 + 0.35 * fraction(next))];
}

/** The regret of the ledger, which hears no claims, after so many probes of each agent. */
export function amongLiars(probes: number, seed: number): number {
  const rates = crowd(seed);
  const next = seededRandom(seed ^ 0x3c6ef372);
  const ledger = new Ledger();
  for (let i = 0; i < probes; i++)
    for (const [agent, rate] of rates.entries())
      ledger.record({ capability: CAPABILITY, agent: `agent-${agent}`, ok: fraction(next) < rate });
  return regretOf(ledger, rates, CLAIMED_TASKS, seed);
}

/** The regret of another rule among them. `null`: whoever claims most. */
export function policyAmongLiars(make: PolicyMaker | null, seed: number): number {
  const rates = crowd(seed);
  const [next, best] = [seededRandom(seed ^ 0x51ed270b), Math.max(...rates)];
  const policy = (make ?? greedy)({ agents: rates.length, tasks: CLAIMED_TASKS, next: seededRandom(seed ^ 0x2545f491) });
  let regret = 0;
  for (let task = 0; task < CLAIMED_TASKS; task++) {
    const agent = make === null ? task % LIARS : policy.choose(task);
    const rate = rates[agent] ?? 0;
    regret += best - rate;
    policy.record(agent, fraction(next) < rate, task);
  }
  return regret;
}
