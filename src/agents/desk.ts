// The desk of agents: which there are, how each stands, and who is handed the next task.
//
// Owns:      the registry, choosing with all that may refuse, verdicts as they are kept.
// Leaves to: delegate.ts  the order of things in a run,
//            match.ts     what fits,
//            trust        who has earned it,
//            accounts.ts  who pays.
//
//  1. Whom to hand a task to is decided by what is kept of verdicts; nothing an agent says of itself counts.
//  2. A task is handed to nobody whose terms it would exceed: capability, depth, path, deadline, budget.
//  3. At no time has an agent more tasks under way than its limit: whoever is chosen holds a slot until it is settled.
//  4. One verdict per agent and attempt, kept under the attempt's own key: told twice, it is there once.

import type { Clock } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import { Breaker, readBreakerPolicy } from "../flow.ts";
import type { Signer } from "../security.ts";
import type { FreeChange } from "../store.ts";
import type { Ledger } from "../trust.ts";
import type { Amounts, DelegationStrategy, JsonSchema, Refusal, Terms } from "../workflow.ts";
import type { Accounts } from "./accounts.ts";
import type { Agent, AgentStatus } from "./agent.ts";
import { DEGREES, type Degree, match } from "./match.ts";
import { agentProblems } from "./problems.ts";
import { tokenOf } from "./token.ts";

/** An agent as it stands. */
export interface Standing {
  readonly agent: Agent;
  readonly breaker: Breaker;
  status: AgentStatus;
  /** Of the process behind it, where there is one. */
  health: AgentHealth;
  /** Attempts it has under way, by their keys. */
  readonly held: Set<string>;
}

export type AgentHealth =
  | { readonly kind: "unknown" }
  | { readonly kind: "healthy"; readonly at: number }
  | { readonly kind: "unhealthy"; readonly at: number; readonly because: string };

export interface AgentDeskOptions {
  readonly clock: Clock;
  readonly keep: (changes: readonly FreeChange[]) => void;
  /** What was learned so far of all verdicts that are kept. */
  readonly ledger: () => Ledger;
  readonly accounts: Accounts;
  /** Of this data directory; made when first asked for. */
  readonly signer: () => Signer;
  readonly observe?: (event: AgentEvent) => void;
}

export interface AgentEvent {
  readonly agent: string;
  readonly what: "added" | "changed" | "removed" | "status" | "circuit";
  readonly words: string;
}

/** A task as it can be kept: what of it is no function. */
export interface PlainTask {
  readonly capability: string;
  readonly kind?: string;
  readonly input: Json;
  readonly output?: JsonSchema | boolean;
  readonly trustMin?: number;
  readonly valueUsd?: number;
  readonly deadlineMs?: number;
  readonly delayUsdPerMs?: number;
  readonly budget?: Amounts;
  readonly risk?: "low" | "high";
  readonly strategy?: DelegationStrategy;
  readonly to?: readonly string[];
  readonly except?: readonly string[];
  readonly tools?: readonly string[];
}

export interface ChooseRequest {
  readonly task: PlainTask;
  readonly run: string;
  readonly terms: Terms | null;
  /** What became of it so far. */
  readonly attempts: readonly Attempted[];
  /** Names this attempt; the draw depends on it. */
  readonly key: string;
  /** The delegation, where it has been begun: its account and its end are those of its first attempt. */
  readonly begun: Begun | null;
}

/** What all attempts at one task share. */
export interface Begun {
  readonly delegation: string;
  readonly startedAt: number;
  readonly deadlineAt: number | null;
}

/** One that was looked at, and why it stands where it does. */
export interface LookedAt {
  readonly agent: string;
  /** Null where it is out. */
  readonly score: number | null;
  readonly mean?: number;
  readonly words: string;
}

/** Whom it is handed to, as it is kept in the journal before it is. */
export type Chosen =
  | {
      readonly kind: "chosen";
      /** Names the attempt. */
      readonly key: string;
      readonly agent: string;
      readonly version: string;
      readonly degree: Degree;
      readonly terms: Terms;
      readonly begun: Begun;
      /** What is believed of it: how likely it is right. */
      readonly mean: number;
      readonly runnerUp: string | null;
      readonly explanation: string;
      readonly candidates: readonly LookedAt[];
    }
  /** All who could are at work. */
  | { readonly kind: "busy"; readonly begun: Begun; readonly words: string }
  | { readonly kind: "refused"; readonly begun: Begun; readonly refusal: Refusal; readonly candidates: readonly LookedAt[] };

/** What came of one attempt. */
export interface Attempted {
  readonly agent: string;
  readonly key: string;
  /** `fault`: nothing can be said of its quality. */
  readonly verdict: "right" | "wrong" | "fault";
  readonly because: string | null;
  /** How likely it was believed right. */
  readonly mean: number;
  readonly latencyMs: number;
}

/** First words of capabilities that a token names. */
const CAPABILITIES_MAX = 64;

/** Hops below the first delegation. */
export const DEPTH_MAX = 3;

/** How likely right an agent must be for its failure to speak against the task. */
const GOOD_MEAN = 0.8;

/** A task that so many good agents fail is at fault itself. */
const GOOD_FAILURES_MIN = 2;

/** How long what is reserved for a task is held after its owner died, in ms. */
const LEASE_MS = 24 * 3_600_000;

const SERVING: ReadonlySet<AgentStatus> = new Set(["unverified", "active", "degraded"]);

export class AgentDesk {
  readonly #options: AgentDeskOptions;
  readonly #standings = new Map<string, Standing>();

  constructor(options: AgentDeskOptions) {
    this.#options = options;
  }

  // The registry.

  /** One of the same name is replaced; what it has under way and how it stands stays. */
  set(agent: Agent, status: AgentStatus): void {
    const known = this.#standings.get(agent.id);
    const standing: Standing =
      known === undefined
        ? { agent, status, health: { kind: "unknown" }, held: new Set(), breaker: new Breaker(readBreakerPolicy({}, "breaker")) }
        : { ...known, agent, status };
    this.#standings.set(agent.id, standing);
    this.#tell(agent.id, known === undefined ? "added" : "changed", `version ${agent.version}, ${status}`);
  }

  remove(id: string): void {
    if (this.#standings.delete(id)) this.#tell(id, "removed", "removed");
  }

  standings(): readonly Standing[] {
    return [...this.#standings.values()];
  }

  /** Throws AGENT_UNKNOWN. */
  standing(id: string): Standing {
    const found = this.#standings.get(id);
    if (found !== undefined) return found;
    throw agentProblems.AGENT_UNKNOWN(`There is no agent ${JSON.stringify(id.slice(0, 80))}.`);
  }

  /** Null where it is not there any more. */
  agent(id: string): Agent | null {
    return this.#standings.get(id)?.agent ?? null;
  }

  get accounts(): Accounts {
    return this.#options.accounts;
  }

  now(): number {
    return this.#options.clock.now();
  }

  // Choosing.

  /** Opens the delegation's account with the first attempt; the same key gives the same. */
  choose(request: ChooseRequest): Chosen {
    const begun = request.begun ?? this.#begin(request);
    for (const attempt of request.attempts) this.#payFor(attempt, begun);
    const barred = barredBy(request, begun, this.now());
    if (barred !== null) return { kind: "refused", begun, refusal: barred, candidates: [] };
    const looked = this.standings().map((standing) => this.#look(standing, request));
    const fit = looked.filter(({ out }) => out === null);
    const free = fit.filter(({ standing: { agent, held } }) => held.size < agent.limits.concurrency);
    if (free.length === 0 && fit.length > 0)
      return { kind: "busy", begun, words: `All ${fit.length} who could do ${request.task.capability} are at work.` };
    if (free.length === 0) return { kind: "refused", begun, refusal: nobody(request, looked), candidates: told(looked) };
    const noMoney = this.#open(request, begun);
    if (noMoney !== null) return withoutMoney(begun, noMoney, looked);
    return this.#pick(request, begun, looked, free);
  }

  #begin({ task, key, terms }: ChooseRequest): Begun {
    const startedAt = this.now();
    const own = task.deadlineMs === undefined ? null : startedAt + task.deadlineMs;
    const above = terms?.deadlineAt ?? null;
    return { delegation: key, startedAt, deadlineAt: own === null ? above : above === null ? own : Math.min(own, above) };
  }

  /** Why it cannot be paid; null where it can. Everything spent on the task is spent from an account of its own. */
  #open({ task, terms, run }: ChooseRequest, { delegation }: Begun): string | null {
    const { accounts } = this.#options;
    return accounts.open(delegation, terms?.account ?? accounts.ofRun(run), task.budget ?? {});
  }

  /** What was held for it becomes what it cost: nothing where it was not there. */
  #payFor({ agent: id, key, verdict }: Attempted, { delegation }: Begun): void {
    const usd = verdict === "fault" ? 0 : (this.agent(id)?.priceUsd ?? 0);
    this.#options.accounts.commit(key, delegation, usd === 0 ? {} : { usd });
  }

  #look(standing: Standing, { task, attempts, terms }: ChooseRequest): Looked {
    const { agent, status, health, breaker } = standing;
    const out = (why: string): Looked => ({ standing, degree: "no", out: why });
    if (task.to !== undefined && !task.to.includes(agent.id)) return out("it is not among those that are asked for");
    if (task.except?.includes(agent.id) === true) return out("it is not to do this");
    if (attempts.some((one) => one.agent === agent.id)) return out("it was tried already");
    if (terms?.path.includes(agent.id) === true) return out("it is above this task itself: the task would go round in a circle");
    if (!SERVING.has(status)) return out(`it is ${status}`);
    const found = match(
      {
        capability: task.capability,
        input: { value: task.input },
        ...(task.output === undefined ? {} : { output: task.output }),
      },
      offerOf(agent),
    );
    if (found.degree === "no") return out(found.reasons.join(" "));
    if (breaker.state(this.now()).kind === "open") return out("it kept failing and is left alone for now");
    if (health.kind === "unhealthy") return out(`it is unwell: ${health.because}`);
    return { standing, degree: found.degree, out: null };
  }

  #pick(request: ChooseRequest, begun: Begun, looked: readonly Looked[], free: readonly Looked[]): Chosen {
    const { task, key, terms } = request;
    const best = DEGREES.find((degree) => free.some((one) => one.degree === degree)) ?? "guarded";
    const candidates = free.filter(({ degree }) => degree === best);
    const answer = this.#askLedger(request, candidates);
    if (answer.kind === "refused") {
      const reasons = answer.refusals.map(({ agent, why, score, wanted, words }) =>
        why === "banned"
          ? `${agent} is banned: ${words ?? ""}`
          : `${agent} is right ${percent(score)} of the time at ${task.capability}${why === "risk" ? " (the lower end of what is known)" : ""}; ${percent(wanted ?? 0)} is asked for`,
      );
      return { kind: "refused", begun, refusal: { kind: "trust", reasons }, candidates: told(looked) };
    }
    const { choice } = answer;
    const { agent } = this.standing(this.#byStrategy(request, candidates) ?? choice.agent);
    const upTo = { slots: 1, ...(agent.priceUsd === 0 ? {} : { usd: agent.priceUsd }) };
    const noMoney = this.#options.accounts.reserve(key, begun.delegation, upTo, LEASE_MS);
    if (noMoney !== null) return withoutMoney(begun, noMoney, looked);
    this.hold(agent.id, key);
    const estimate = choice.estimates[agent.id];
    const explanation = agent.id === choice.agent ? choice.explanation : `Chosen: ${agent.id}, by ${task.strategy ?? "learned"}.`;
    return {
      kind: "chosen",
      key,
      agent: agent.id,
      version: agent.version,
      degree: best,
      terms: this.#terms(request, begun, agent, terms),
      begun,
      mean: estimate?.mean ?? 0,
      runnerUp: agent.id === choice.agent ? choice.runnerUp : choice.agent,
      explanation,
      candidates: told(looked).map((one) => {
        const { score, mean } = choice.estimates[one.agent] ?? {};
        return score === undefined ? one : { ...one, score: rounded(score), mean: rounded(mean ?? 0) };
      }),
    };
  }

  #askLedger({ task, key }: ChooseRequest, candidates: readonly Looked[]): ReturnType<Ledger["tryChoose"]> {
    return this.#options.ledger().tryChoose({
      capability: task.capability,
      ...(task.kind === undefined ? {} : { kind: task.kind }),
      candidates: candidates.map(({ standing: { agent, held } }) => ({
        agent: agent.id,
        inFlight: held.size,
        ...(agent.priceUsd === 0 ? {} : { priceUsd: agent.priceUsd }),
      })),
      ...(task.valueUsd === undefined ? {} : { valueUsd: task.valueUsd }),
      ...(task.deadlineMs === undefined ? {} : { deadlineMs: task.deadlineMs }),
      ...(task.delayUsdPerMs === undefined ? {} : { delayUsdPerMs: task.delayUsdPerMs }),
      ...(task.trustMin === undefined ? {} : { trustMin: task.trustMin }),
      ...(task.risk === "high" ? { risk: "high" as const } : {}),
      seed: key,
    });
  }

  /** The first by the task's own strategy of those who are trusted enough; null where that is what was learned. */
  #byStrategy(request: ChooseRequest, candidates: readonly Looked[]): string | null {
    const { strategy = "learned", capability } = request.task;
    if (strategy === "learned") return null;
    const first = inOrder(strategy, candidates, this.#latencyOf(capability)).find(
      (one) => this.#askLedger(request, [one]).kind === "chosen",
    );
    return first?.standing.agent.id ?? null;
  }

  #latencyOf(capability: string): (agent: Agent) => number {
    const ledger = this.#options.ledger();
    return (agent) => ledger.estimate({ capability, agent: agent.id }).latencyMs ?? agent.typicalLatencyMs ?? 0;
  }

  /** Never more than whoever hands it on may do (2). */
  #terms({ task, run }: ChooseRequest, begun: Begun, agent: Agent, above: Terms | null): Terms {
    const tools = task.tools ?? above?.tools ?? "all";
    const terms: Terms = {
      delegation: begun.delegation,
      agent: agent.id,
      account: begun.delegation,
      deadlineAt: begun.deadlineAt,
      depthLeft: above === null ? DEPTH_MAX : above.depthLeft - 1,
      path: [...(above?.path ?? []), agent.id],
      capabilities: handedOn(agent, above?.capabilities ?? "all"),
      tools:
        tools === "all" || above === null || above.tools === "all" ? tools : tools.filter((one) => above.tools.includes(one)),
      token: null,
    };
    return above === null ? terms : { ...terms, token: this.#token(run, terms, above.token ?? this.#token(run, above, null)) };
  }

  /** What others can verify of terms. Throws DELEGATION_REFUSED. */
  token(run: string, terms: Terms): string {
    return terms.token ?? this.#token(run, terms, null);
  }

  #token(run: string, terms: Terms, above: string | null): string {
    const { accounts, signer } = this.#options;
    const roots = new Set(this.standings().flatMap(({ agent }) => agent.capabilities.map((one) => one.split(".")[0] ?? one)));
    const asked = { run, terms, budget: accounts.view(terms.account), capabilities: [...roots].slice(0, CAPABILITIES_MAX) };
    return tokenOf(asked, above, signer(), this.now());
  }

  // At work.

  /** Counts among what it has under way, once however often it is said: after a crash the attempt goes on. */
  hold(id: string, key: string): void {
    this.#standings.get(id)?.held.add(key);
  }

  letGo(id: string, key: string): void {
    this.#standings.get(id)?.held.delete(key);
  }

  /** Keeps what became of all attempts at a task: verdicts, what it cost, who is free again. */
  settle(task: PlainTask, run: string, begun: Begun, attempts: readonly Attempted[]): Settled {
    const { accounts, keep } = this.#options;
    const { delegation } = begun;
    const isTaskFault =
      attempts.filter(({ verdict, mean }) => verdict === "wrong" && mean > GOOD_MEAN).length >= GOOD_FAILURES_MIN;
    const changes: FreeChange[] = [];
    for (const attempt of attempts) {
      this.letGo(attempt.agent, attempt.key);
      this.#payFor(attempt, begun);
      this.#noteBreaker(attempt);
      const counts = attempt.verdict !== "fault" && !(isTaskFault && attempt.verdict === "wrong");
      changes.push(verdictOf(task, run, attempt, counts, this.now()));
    }
    const { usd, tokens } = accounts.view(delegation);
    accounts.close(delegation);
    keep(changes);
    return { costUsd: usd.spent, tokens: tokens.spent, isTaskFault };
  }

  /** Nobody waits for it any more: what is known of earlier attempts is kept, what is held for the one under way is free. */
  giveUp(task: PlainTask, run: string, begun: Begun, attempts: readonly Attempted[], underWay: string | null): void {
    for (const { held } of this.#standings.values()) if (underWay !== null) held.delete(underWay);
    if (underWay !== null) this.#options.accounts.release(underWay);
    this.settle(task, run, begun, attempts);
  }

  /** The run is over: nothing of it is under way. */
  ended(run: string): void {
    for (const { held } of this.#standings.values()) for (const key of [...held]) if (key.startsWith(`${run}.`)) held.delete(key);
  }

  #noteBreaker({ agent: id, verdict }: Attempted): void {
    const standing = this.#standings.get(id);
    const pass = standing?.breaker.tryEnter(this.now());
    if (pass === undefined || pass === null) return;
    if (verdict === "fault") pass.failed(this.now());
    else pass.succeeded(this.now());
  }

  setStatus(id: string, status: AgentStatus, because: string): void {
    const standing = this.standing(id);
    if (standing.status === status) return;
    standing.status = status;
    this.#tell(id, "status", `${status}: ${because}`);
  }

  #tell(agent: string, what: AgentEvent["what"], words: string): void {
    this.#options.observe?.({ agent, what, words });
  }
}

export interface Settled {
  readonly costUsd: number;
  readonly tokens: number;
  /** Good agents failed it: nobody was charged. */
  readonly isTaskFault: boolean;
}

interface Looked {
  readonly standing: Standing;
  readonly degree: Degree;
  /** Why not; null where it may be. */
  readonly out: string | null;
}

function withoutMoney(begun: Begun, why: string, looked: readonly Looked[]): Chosen {
  return { kind: "refused", begun, refusal: { kind: "budget", reasons: [why] }, candidates: told(looked) };
}

function offerOf({ capabilities, input, output }: Agent) {
  return {
    capabilities,
    ...(input === null ? {} : { input: input.jsonSchema }),
    ...(output === null ? {} : { output: output.jsonSchema }),
  };
}

/** A model hands on what it is written that it may, and so does whoever it hands that to. */
function handedOn({ work }: Agent, above: Terms["capabilities"]): Terms["capabilities"] {
  if (work.kind !== "model") return above;
  const { delegates = [] } = work.model;
  if (above === "all") return delegates;
  const within = (one: string, all: readonly string[]): boolean => all.some((other) => covers(other, one));
  return [...new Set([...delegates.filter((one) => within(one, above)), ...above.filter((one) => within(one, delegates))])];
}

/** `write` covers `write.brief`. */
function covers(granted: string, capability: string): boolean {
  return capability === granted || capability.startsWith(`${granted}.`);
}

/** What of the terms forbids it to be handed on at all (2). */
function barredBy({ task, terms }: ChooseRequest, { deadlineAt }: Begun, now: number): Refusal | null {
  if (deadlineAt !== null && now >= deadlineAt) return { kind: "deadline", reasons: ["The deadline has passed."] };
  if (terms === null) return null;
  if (terms.depthLeft <= 0)
    return {
      kind: "depth",
      reasons: [`${terms.path.join(" → ")}: ${DEPTH_MAX} hops below the first are the limit (DEPTH_MAX).`],
    };
  const { capabilities } = terms;
  const isAllowed = capabilities === "all" || capabilities.some((one) => covers(one, task.capability));
  if (isAllowed) return null;
  return {
    kind: "policy",
    reasons: [`${terms.agent} may hand on ${capabilities.join(", ") || "nothing"}, and not ${task.capability}.`],
  };
}

function nobody({ task }: ChooseRequest, looked: readonly Looked[]): Refusal {
  const reasons = looked.map(({ standing, out }) => `${standing.agent.id}: ${out ?? ""}`);
  const isLoop = looked.some(({ out }) => out?.includes("round in a circle") === true);
  if (looked.length === 0) return { kind: "nobody", reasons: [`There are no agents; ${task.capability} is asked for.`] };
  return { kind: isLoop ? "loop" : "mismatch", reasons };
}

function told(looked: readonly Looked[]): LookedAt[] {
  return looked.map(({ standing, out, degree }) => ({
    agent: standing.agent.id,
    score: null,
    words: out ?? `it fits: ${degree}`,
  }));
}

function inOrder(
  strategy: Exclude<DelegationStrategy, "learned">,
  candidates: readonly Looked[],
  latencyOf: (agent: Agent) => number,
): readonly Looked[] {
  const measure = ({ standing: { agent } }: Looked): number =>
    strategy === "priority" ? agent.priority : strategy === "least-cost" ? agent.priceUsd : latencyOf(agent);
  return candidates.toSorted((a, b) => measure(a) - measure(b) || (a.standing.agent.id < b.standing.agent.id ? -1 : 1));
}

/** As it is kept, for good: trust is what these say. */
function verdictOf(task: PlainTask, run: string, attempt: Attempted, counts: boolean, at: number): FreeChange {
  const { agent, key, verdict, because, latencyMs } = attempt;
  return {
    ...{ kind: "verdict", id: key, at, run, agent, capability: task.capability },
    taskKind: task.kind ?? "",
    verdict: counts ? verdict : verdict === "fault" ? "fault" : "task-fault",
    text: JSON.stringify({ latencyMs: Math.round(latencyMs), ...(because === null ? {} : { because }) }),
  };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
