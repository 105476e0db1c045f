// Load and kinds: what an agent is worth depends on how much it has to do, and on what is to be done.

import type { Random32 } from "../../src/base/clock.ts";
import { fraction, seededRandom } from "../../src/base/random.ts";
import { normalBelow } from "../../src/trust/beta.ts";
import { Ledger } from "../../src/trust.ts";
import { CAPABILITY } from "./ledgers.ts";
import { type Policy, type PolicyMaker, thompson, ucb1 } from "./policies.ts";

// ── Load: six agents with as many hands as nobody knows, a price, a deadline ──

interface Worker {
  readonly rate: number;
  readonly priceUsd: number;
  readonly hands: number;
  readonly workMs: number;
}

const WORKERS: readonly Worker[] = [
  { rate: 0.97, priceUsd: 0.03, hands: 4, workMs: 1_200 },
  { rate: 0.95, priceUsd: 0.02, hands: 3, workMs: 1_000 },
  { rate: 0.94, priceUsd: 0.03, hands: 4, workMs: 1_500 },
  { rate: 0.92, priceUsd: 0.01, hands: 2, workMs: 800 },
  { rate: 0.9, priceUsd: 0.02, hands: 4, workMs: 1_200 },
  { rate: 0.8, priceUsd: 0.01, hands: 8, workMs: 1_000 },
];

const TERMS = { valueUsd: 1, deadlineMs: 5_000, delayUsdPerMs: 0.00001 };
const LOAD_TASKS = 6_000;

/** The standard deviation of the logarithm of how long work takes. */
const WORK_SPREAD = 0.3;

export interface Load {
  readonly perSecond: number;
  /** The first agent takes four times as long from the middle on. */
  readonly slows: boolean;
}

interface Ticket {
  readonly agent: number;
  readonly inFlight: number;
  readonly endsAt: number;
  readonly latencyMs: number;
  readonly ok: boolean;
}

/** What a router sees when it has to choose. */
export interface Queues {
  readonly task: number;
  readonly inFlight: Int32Array;
  readonly workers: readonly Worker[];
}

export interface Router {
  choose(queues: Queues): number;
  learn(ticket: Ticket, workers: readonly Worker[]): void;
}

/** What a task was worth on average, in US$. */
export function routed({ perSecond, slows }: Load, router: Router, seed: number): number {
  const next = seededRandom(seed);
  const free = WORKERS.map(({ hands }) => new Float64Array(hands));
  const inFlight = new Int32Array(WORKERS.length);
  let underWay: Ticket[] = [];
  let [now, worth] = [0, 0];
  for (let task = 0; task < LOAD_TASKS; task++) {
    now -= (1_000 / perSecond) * Math.log(1 - fraction(next));
    const workers = slows && task >= LOAD_TASKS / 2 ? slowed() : WORKERS;
    for (const ticket of underWay.filter(({ endsAt }) => endsAt <= now)) {
      inFlight[ticket.agent] = (inFlight[ticket.agent] ?? 0) - 1;
      router.learn(ticket, workers);
    }
    underWay = underWay.filter(({ endsAt }) => endsAt > now);
    const agent = router.choose({ task, inFlight, workers });
    const ticket = begin(agent, workers, free[agent] ?? new Float64Array(1), inFlight[agent] ?? 0, now, next);
    inFlight[agent] = (inFlight[agent] ?? 0) + 1;
    underWay.push(ticket);
    worth += worthOf(ticket, workers);
  }
  return worth / LOAD_TASKS;
}

function slowed(): readonly Worker[] {
  return WORKERS.map((worker, i) => (i === 0 ? { ...worker, workMs: 4 * worker.workMs } : worker));
}

function begin(agent: number, workers: readonly Worker[], free: Float64Array, inFlight: number, now: number, next: Random32) {
  const { rate = 0, workMs = 0 } = workers[agent] ?? {};
  const hand = free.indexOf(Math.min(...free));
  const endsAt = Math.max(now, free[hand] ?? 0) + workMs * Math.exp(WORK_SPREAD * normalDraw(next));
  free[hand] = endsAt;
  return { agent, inFlight, endsAt, latencyMs: endsAt - now, ok: fraction(next) < rate };
}

function normalDraw(next: Random32): number {
  return Math.sqrt(-2 * Math.log(1 - fraction(next))) * Math.cos(2 * Math.PI * fraction(next));
}

function worthOf({ agent, latencyMs, ok }: Ticket, workers: readonly Worker[]): number {
  const right = ok && latencyMs <= TERMS.deadlineMs ? TERMS.valueUsd : 0;
  return right - (workers[agent]?.priceUsd ?? 0) - TERMS.delayUsdPerMs * Math.min(TERMS.deadlineMs, latencyMs);
}

/** Knows every worker as it is: what a task is worth there with so many before it. */
export function clairvoyant(): Router {
  return {
    choose({ inFlight, workers }) {
      const worths = workers.map(({ rate, priceUsd, hands, workMs }, i) => {
        const waits = Math.max(0, (inFlight[i] ?? 0) - hands + 1);
        const latencyMs = workMs * (1 + waits / hands);
        const onTime = normalBelow(Math.log(TERMS.deadlineMs / latencyMs) / WORK_SPREAD);
        return rate * onTime - priceUsd - TERMS.delayUsdPerMs * Math.min(latencyMs, TERMS.deadlineMs);
      });
      return worths.indexOf(Math.max(...worths));
    },
    learn: () => undefined,
  };
}

export function ledgerRouter(seed: number): Router {
  const ledger = new Ledger();
  return {
    choose({ task, inFlight, workers }) {
      const candidates = workers.map(({ priceUsd }, i) => ({ agent: `${i}`, priceUsd, inFlight: inFlight[i] ?? 0 }));
      return Number(ledger.choose({ capability: CAPABILITY, ...TERMS, candidates, seed: `${seed}/${task}` }).agent);
    },
    learn({ agent, ok, latencyMs, inFlight }) {
      ledger.record({ capability: CAPABILITY, agent: `${agent}`, ok, latencyMs, inFlight });
    },
  };
}

/** Chooses by success alone, where lateness is failure. */
export function policyRouter(make: PolicyMaker, seed: number): Router {
  const policy: Policy = make({ agents: WORKERS.length, tasks: LOAD_TASKS, next: seededRandom(seed) });
  return {
    choose: ({ task }) => policy.choose(task),
    learn: ({ agent, ok, latencyMs, endsAt }) => policy.record(agent, ok && latencyMs <= TERMS.deadlineMs, endsAt),
  };
}

export function leastInFlight(): Router {
  return {
    choose: ({ inFlight }) => inFlight.indexOf(Math.min(...inFlight)),
    learn: () => undefined,
  };
}

export const bandits = { "Thompson on success": thompson, "UCB1 on success": ucb1(2) };

// ── Kinds: four kinds of task, six agents ──

const KINDS = 4;
const KIND_AGENTS = 6;
const KIND_TASKS = 4_000;

export type Interaction = "strong" | "weak";

/** `none`: one belief for all kinds. `apart`: a ledger for each kind. `shared`: kinds that learn from one another. */
export type KindUse = "none" | "apart" | "shared";

export function amongKinds(interaction: Interaction, use: KindUse, seed: number): number {
  const next = seededRandom(seed);
  const rates = Array.from({ length: KIND_AGENTS }, () => {
    const base = 0.3 + 0.65 * fraction(next);
    return Array.from({ length: KINDS }, () => {
      if (interaction === "strong") return 0.3 + 0.65 * fraction(next);
      return Math.min(0.98, Math.max(0.02, base + 0.1 * (fraction(next) - 0.5)));
    });
  });
  const ledger = new Ledger();
  const candidates = rates.map((_, i) => ({ agent: `${i}` }));
  let regret = 0;
  for (let task = 0; task < KIND_TASKS; task++) {
    const kind = Math.floor(KINDS * fraction(next));
    const where = use === "apart" ? { capability: `${kind}` } : { capability: CAPABILITY };
    const what = use === "shared" ? { ...where, kind: `${kind}` } : where;
    const { agent } = ledger.choose({ ...what, candidates, seed: `${seed}/${task}` });
    const rate = rates[Number(agent)]?.[kind] ?? 0;
    regret += Math.max(...rates.map((one) => one[kind] ?? 0)) - rate;
    ledger.record({ ...what, agent, ok: fraction(next) < rate });
  }
  return regret;
}
