// The desk: which services there are, how each stands, and who answers the next call.
//
// Owns:      the registry, choosing, attempts with all that guards them, and what is known of each service while it is open.
// Leaves to: call.ts    the order of attempts and what stands in,
//            attempt.ts the exchange itself,
//            whoever opens it: clocks, the way out, where readings are kept.
//
//  1. A service is called only through `invoke`, which every guard is part of: input, credentials, circuit, time, answer.
//  2. Each attempt is one reading, kept under the call's own key: told twice, it is there once.
//  3. A retry is made only within the service's retry budget.
//  4. Nobody waits longer than CIRCUIT_WAIT_MS_MAX for a service that is left alone, and nobody at all who can ask another.
//  5. What is known of a service outlives the process: it is kept when its health or its circuit is another, and at the end.

import type { Clock } from "../base/clock.ts";
import { canonicalJson, type Json } from "../base/json.ts";
import { isProblemError, type ProblemError } from "../base/problem.ts";
import { SECOND_MS } from "../base/time.ts";
import {
  Breaker,
  type BreakerChange,
  type BreakerSnapshot,
  type BreakerState,
  type Pass,
  RetryBudget,
  readBreakerPolicy,
} from "../flow.ts";
import type { FreeChange } from "../store.ts";
import type { Ledger, TrustChoice } from "../trust.ts";
import { type CallOptions, type Checked, type Context, issuesInWords } from "../workflow.ts";
import { type Attempted, addressOf, attempt, bugIn, type FailureClass, type Reach, ServiceFailure } from "./attempt.ts";
import { inputSchemaOf } from "./capabilities.ts";
import { costOf, expectedCostOf, type Priced } from "./cost.ts";
import { type Files, storedFiles, withFiles } from "./files.ts";
import { nearest, servicesProblems, shown } from "./problems.ts";
import {
  type Candidate,
  type Choice,
  type Learned,
  type Needs,
  refusalOf,
  STRATEGIES,
  type Strategy,
  select,
} from "./selection.ts";
import { LIMITS, type Operation, type Service, type Usage } from "./service.ts";

export interface DeskOptions {
  readonly reach: Reach;
  readonly clock: Clock;
  /** A clock that only goes forward, in ms; what spans are measured by. */
  readonly elapsed: () => number;
  /** Keeps something beside journals; durable soon. */
  readonly keep: (changes: readonly FreeChange[]) => void;
  readonly files: Files;
  readonly lastAnswer: (key: string) => { readonly at: number; readonly text: string } | null;
  /** What was learned so far of all readings that are kept. */
  readonly ledger: () => Ledger;
  /** Who pays for calls; without it they are free. */
  readonly paying?: Paying;
  /** Told what happens to services. */
  readonly observe?: (event: ServiceEvent) => void;
}

/** Accounts that calls are paid from. */
export interface Paying {
  /** Who pays for what a run asks here; null: nobody, because nothing is limited. */
  accountOf(context: Pick<Context, "terms" | "info">): string | null;
  /** Holds what a call may cost; null: nobody knows. Why not, where there is too little; null where it is held. */
  reserve(id: string, account: string, upTo: { readonly usd: number | null; readonly calls: number }): string | null;
  /** What it did cost, in full. */
  commit(id: string, account: string, actual: { readonly usd: number; readonly tokens: number; readonly calls: number }): void;
}

export interface ServiceEvent {
  readonly service: string;
  readonly what: "health" | "circuit" | "added" | "changed" | "removed";
  readonly words: string;
}

export type Health =
  | { readonly kind: "unknown" }
  | { readonly kind: "healthy"; readonly at: number; readonly latencyMs: number }
  | { readonly kind: "unhealthy"; readonly at: number; readonly because: string };

/** What is kept of how a service stands (5). What an older Baton kept has less. */
export interface KeptState {
  /** Of what address this is known. */
  readonly address?: string | null;
  readonly health?: Health;
  readonly models?: readonly string[] | null;
  readonly breaker?: BreakerSnapshot;
  readonly latencyMs?: Readonly<Record<string, number>>;
  readonly costUsd?: Readonly<Record<string, number>>;
}

const POLICY = readBreakerPolicy({}, "breaker");

/** The circuit as it is now, of what was kept once. */
export function circuitOf({ breaker }: KeptState, now: number): BreakerState["kind"] {
  return breaker === undefined ? "closed" : Breaker.restore(POLICY, breaker).state(now).kind;
}

/** A service as it stands. */
export class Standing {
  readonly service: Service;
  #breaker = new Breaker(POLICY);
  /** Something happened that is not kept yet. */
  isNews = false;
  readonly retries = new RetryBudget();
  health: Health = { kind: "unknown" };
  /** What its last failure said, of those that tell of its health. */
  lastFailure: string | null = null;
  inFlight = 0;
  /** The models it said it has; null where nobody asked. */
  models: readonly string[] | null = null;
  /** By operation: how long it took lately and what it cost, each moved a tenth of the way by every call. */
  readonly latencyMs = new Map<string, number>();
  readonly costUsd = new Map<string, number>();

  /** Calls that wait for the circuit. */
  readonly #waiting = new Set<() => void>();

  constructor(service: Service) {
    this.service = service;
  }

  get breaker(): Breaker {
    return this.#breaker;
  }

  state(): KeptState {
    const { service, health, models, latencyMs, costUsd } = this;
    return {
      ...{ address: addressOf(service), health, models, breaker: this.#breaker.snapshot() },
      ...{ latencyMs: Object.fromEntries(latencyMs), costUsd: Object.fromEntries(costUsd) },
    };
  }

  /** Goes on as it stood, where it is the same that it was. */
  recall({ address, health, models = null, breaker, latencyMs = {}, costUsd = {} }: KeptState): void {
    if (address !== undefined && address !== addressOf(this.service)) return;
    this.health = health ?? { kind: "unknown" };
    this.models = models;
    if (breaker !== undefined) this.#breaker = Breaker.restore(POLICY, breaker);
    for (const [name, ms] of Object.entries(latencyMs)) this.latencyMs.set(name, ms);
    for (const [name, usd] of Object.entries(costUsd)) this.costUsd.set(name, usd);
  }

  /** Resolves when the circuit may have changed, and after so long; rejects when it is given up. */
  changed(clock: Clock, afterMs: number, abortSignal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = clock.after(afterMs, resolve);
    const giveUp = (): void => reject(abortSignal.reason);
    this.#waiting.add(resolve);
    abortSignal.addEventListener("abort", giveUp);
    if (abortSignal.aborted) giveUp();
    return promise.finally(() => {
      timer.cancel();
      this.#waiting.delete(resolve);
      abortSignal.removeEventListener("abort", giveUp);
    });
  }

  wake(): void {
    for (const go of this.#waiting) go();
  }
}

export interface ChooseRequest {
  readonly target: string;
  readonly input: Json;
  readonly options: CallOptions;
  /** Names what is chosen for; the draw depends on it. */
  readonly seed: string;
}

/** Whom to ask, with all that the order of attempts must know of each. */
export interface Chosen extends Omit<Choice, "chain"> {
  readonly chain: readonly Asked[];
}

export interface Asked {
  readonly target: string;
  /** What it is asked for. */
  readonly capability: string;
  /** Whether it may be tried again: doing it twice is doing it once, or the service can tell. */
  readonly isRepeatable: boolean;
  /** Its answers are kept, whoever asks. */
  readonly isRemembered?: true;
  /** Of one attempt. */
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly rate?: { readonly count: number; readonly perMs: number };
}

export interface InvokeRequest {
  readonly target: string;
  readonly capability: string;
  readonly input: Json;
  /** What its caller allows: one that may not be asked gets nothing, named or chosen. */
  readonly needs: Needs;
  readonly key: string;
  readonly attempt: number;
  /** Whether another attempt at it may follow. */
  readonly mayRetry: boolean;
  /** Nobody else would be asked after it: so it may wait a moment for a service that is left alone, and its end is the call's. */
  readonly isLast: boolean;
  readonly run: string | null;
  /** Who pays; null: nobody. */
  readonly account: string | null;
  readonly abortSignal: AbortSignal;
  readonly queueMs: number;
  readonly degraded?: string;
  readonly say: ((text: string) => void) | null;
  /** Kept as the last good answer to this. */
  readonly rememberAs?: string;
}

/** What a call gave. */
export interface Done {
  readonly output: Json;
  readonly call: string;
  readonly latencyMs: number;
  readonly costUsd: number;
  /** There where nobody knows what it cost, and `costUsd` is 0. */
  readonly isCostKnown?: false;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

/** The facts of one attempt, as readings keep them. */
export interface CallFacts {
  readonly capability: string;
  readonly ok: boolean;
  readonly failure?: FailureClass;
  readonly code?: string | undefined;
  readonly attempt: number;
  /** No other attempt of the same call follows, here or elsewhere. */
  readonly isFinal: boolean;
  readonly latencyMs: number;
  readonly queueMs: number;
  /** Null where nobody knows. */
  readonly costUsd: number | null;
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** Under way at the service when this had ended. */
  readonly inFlight: number;
  readonly degraded?: string | undefined;
}

/** Failures that tell of the service's health. */
const UNWELL: ReadonlySet<FailureClass> = new Set(["unavailable", "timeout", "answer"]);

const SHARE = 0.1;

/** So long a call waits for a service that is left alone, in ms: longer than that, whoever asks decides what to do. */
const CIRCUIT_WAIT_MS_MAX = 2 * SECOND_MS;

/** About as long as a probe takes, in ms: who waits for it looks again after so long. */
const PROBE_MS = SECOND_MS / 2;

export class Desk {
  readonly #options: DeskOptions;
  readonly #standings = new Map<string, Standing>();

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  // The registry.

  /** One of the same name is replaced; what is known of it stays where it is the same address. */
  set(service: Service): void {
    const known = this.#standings.get(service.id);
    const standing = new Standing(service);
    if (known !== undefined && known.service.baseUrl === service.baseUrl) standing.health = known.health;
    this.#standings.set(service.id, standing);
    this.#tell(service.id, known === undefined ? "added" : "changed", `version ${service.version}`);
  }

  remove(id: string): void {
    if (this.#standings.delete(id)) this.#tell(id, "removed", "removed");
  }

  standings(): readonly Standing[] {
    return [...this.#standings.values()];
  }

  /** Throws SERVICE_UNKNOWN. */
  standing(id: string): Standing {
    const found = this.#standings.get(id);
    if (found !== undefined) return found;
    const meant = nearest(id, [...this.#standings.keys()]);
    throw servicesProblems.SERVICE_UNKNOWN(
      `There is no service ${shown(id)}.`,
      meant === null ? {} : { fix: `Did you mean "${meant}"?` },
    );
  }

  // Choosing.

  /** Throws SERVICE_… problems where the target means nothing, its input is wrong, or nobody may be asked. */
  choose({ target, input, options, seed }: ChooseRequest): Chosen {
    const { capability, meant } = this.#meant(target);
    requireFit(inputSchemaOf(capability)?.check(input), `${target} does not take this input`);
    const candidates = meant.map(([standing, operation]) => this.#candidate(standing, operation, input));
    const choice = select({
      candidates,
      needs: options,
      strategy: strategyOf(options.strategy),
      seed,
      stickyKey: options.stickyKey ?? seed,
      learn: (fit) => this.#learned(fit, capability, options, seed),
    });
    const [only] = candidates;
    if (choice.chain.length === 0 && candidates.length === 1 && only?.unfit != null)
      throw servicesProblems.SERVICE_INPUT_INVALID(`${only.target}: ${only.unfit}.`);
    if (choice.chain.length === 0)
      throw servicesProblems.SERVICE_NONE_FIT(`Nobody can be asked for ${target}. ${choice.explanation}`, {
        facts: { candidates: choice.candidates },
      });
    return { ...choice, chain: choice.chain.map((one) => ({ ...this.asked(one), capability })) };
  }

  /** `service/operation`, `service/capability`, or a capability that any service may have. */
  #meant(target: string): { capability: string; meant: [Standing, Operation][] } {
    const at = target.indexOf("/");
    if (at < 0) return { capability: target, meant: this.#having(target) };
    const standing = this.standing(target.slice(0, at));
    const name = target.slice(at + 1);
    const operation = operationNamed(standing.service, name);
    return { capability: operation.capabilities[0] ?? target, meant: [[standing, operation]] };
  }

  #having(capability: string): [Standing, Operation][] {
    if (!capability.includes("."))
      throw servicesProblems.SERVICE_TARGET_INVALID(`${shown(capability)} is neither service/operation nor a capability.`);
    const all = this.standings().flatMap((standing) =>
      [...standing.service.operations.values()].map((operation): [Standing, Operation] => [standing, operation]),
    );
    const found = all.filter(([, { capabilities }]) => capabilities.includes(capability));
    if (found.length > 0) return found;
    const known = [...new Set(all.flatMap(([, { capabilities }]) => capabilities))];
    const meant = nearest(capability, known);
    throw servicesProblems.SERVICE_NONE_FIT(`No service has the capability ${shown(capability)}.`, {
      fix:
        meant === null
          ? "`baton services discover --add` finds services of this machine; `baton services add` adds others."
          : `Did you mean "${meant}"?`,
    });
  }

  #candidate(standing: Standing, operation: Operation, input: Json): Candidate {
    const { service, health, breaker, inFlight, latencyMs, costUsd, models } = standing;
    return {
      target: `${service.id}/${operation.name}`,
      service: service.id,
      health: health.kind,
      circuit: breaker.state(this.#options.clock.now()).kind,
      isLocal: service.isLocal,
      effects: operation.effects,
      priority: service.priority,
      weight: service.weight,
      inFlight,
      concurrency: service.limits.concurrency,
      latencyMs: latencyMs.get(operation.name) ?? operation.typicalLatencyMs,
      costUsd: costUsd.get(operation.name) ?? expectedCostOf(pricedBy(service, operation), input),
      unfit: unfitness(operation, models, input),
    };
  }

  #learned(fit: readonly Candidate[], capability: string, options: CallOptions, seed: string): Learned {
    const { valueUsd, deadlineMs, delayUsdPerMs } = options;
    const choice: TrustChoice = this.#options.ledger().choose({
      capability,
      candidates: fit.map(({ target, costUsd, inFlight }) => ({
        ...{ agent: target, inFlight },
        ...(costUsd === null ? {} : { priceUsd: costUsd }),
      })),
      ...(valueUsd === undefined ? {} : { valueUsd }),
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
      ...(delayUsdPerMs === undefined ? {} : { delayUsdPerMs }),
      seed,
    });
    const byWorth = Object.entries(choice.estimates)
      .toSorted(([, a], [, b]) => b.expectedUsd - a.expectedUsd)
      .map(([agent]) => agent);
    const order = [...new Set([choice.agent, ...choice.chain, ...byWorth])];
    const scores = Object.fromEntries(Object.entries(choice.estimates).map(([agent, { score }]) => [agent, score]));
    const means = Object.fromEntries(Object.entries(choice.estimates).map(([agent, { mean }]) => [agent, mean]));
    return { order, scores, means, explanation: choice.explanation };
  }

  /** How one is asked that is named. One that nobody knows is found out when it is asked. */
  asked(target: string): Asked {
    const at = target.indexOf("/");
    const standing = this.#standings.get(target.slice(0, at));
    const operation = standing === undefined ? undefined : operationIn(standing.service, target.slice(at + 1));
    if (standing === undefined || operation === undefined)
      return { target, capability: target, isRepeatable: false, timeoutMs: LIMITS.timeoutMs, concurrency: 1 };
    const { concurrency, rate } = standing.service.limits;
    const capability = operation.capabilities[0] ?? target;
    const { timeoutMs, isRemembered } = operation;
    return {
      ...{ target, capability, isRepeatable: isRepeatable(operation), timeoutMs, concurrency },
      ...(isRemembered ? { isRemembered } : {}),
      ...(rate === undefined ? {} : { rate }),
    };
  }

  #exactly(target: string): { standing: Standing; operation: Operation } {
    const at = target.indexOf("/");
    const standing = this.standing(target.slice(0, at));
    return { standing, operation: operationNamed(standing.service, target.slice(at + 1)) };
  }

  // Calling.

  /** One attempt. Throws ServiceFailure; and BUG, which says nothing of the service and is no reading. */
  async invoke(request: InvokeRequest): Promise<Done> {
    const { standing, operation } = this.#exactly(request.target);
    requireAllowed(standing, operation, request);
    const { clock, elapsed } = this.#options;
    standing.retries.called(clock.now());
    if (request.account !== null) this.#reserve(request, request.account, standing, operation);
    let began = elapsed();
    let attempted: Attempted;
    try {
      const input = requireInput(operation.input?.check(request.input), request);
      let pass = standing.breaker.tryEnter(clock.now());
      if (pass === null) {
        pass = await this.#waitToEnter(standing, request);
        began = elapsed();
      }
      attempted = await this.#attempt(standing, operation, request, input, pass);
    } catch (error) {
      const bug = bugIn(error);
      if (bug !== null) throw bug;
      this.#failed(standing, operation, request, error, elapsed() - began);
      throw error;
    }
    return this.#succeeded(standing, operation, request, attempted, elapsed() - began);
  }

  /** Throws ServiceFailure where there is too little to pay for it. */
  #reserve(request: InvokeRequest, account: string, standing: Standing, operation: Operation): void {
    const { target, key, attempt: number, input } = request;
    const upTo = { usd: expectedCostOf(pricedBy(standing.service, operation), input), calls: 1 };
    const why = this.#options.paying?.reserve(`${key}@${number} call`, account, upTo) ?? null;
    if (why !== null) throw failureOf(servicesProblems.BUDGET_EXCEEDED(`${target}: ${why}`), "denied");
  }

  #pay({ account, key, attempt: number }: InvokeRequest, usd: number | null, { inputTokens = 0, outputTokens = 0 }: Usage): void {
    if (account === null) return;
    this.#options.paying?.commit(`${key}@${number} call`, account, {
      usd: usd ?? 0,
      tokens: inputTokens + outputTokens,
      calls: 1,
    });
  }

  /** Who pays for what a run asks. */
  accountOf(context: Pick<Context, "terms" | "info">): string | null {
    return this.#options.paying?.accountOf(context) ?? null;
  }

  async #attempt(
    standing: Standing,
    operation: Operation,
    request: InvokeRequest,
    checked: Json,
    pass: Pass,
  ): Promise<Attempted> {
    const { service } = standing;
    const last = standing.breaker.changes().at(-1);
    standing.inFlight++;
    try {
      const input = withFiles(checked, this.#options.files, request.run);
      const { key, say, abortSignal } = request;
      const attempted = await attempt({ service, operation, input, key, abortSignal, say }, this.#options.reach);
      const output = requireAnswer(operation.output?.check(attempted.output), attempted, request);
      pass.succeeded(this.#options.clock.now());
      this.#circuitSince(standing, last);
      return { ...attempted, output: storedFiles(output, this.#options.files, request.run) };
    } catch (error) {
      this.#settle(standing, pass, error);
      this.#circuitSince(standing, last);
      throw error;
    } finally {
      standing.inFlight--;
    }
  }

  /** Until the circuit lets it through. Throws SERVICE_CIRCUIT_OPEN where that would take too long (4). */
  async #waitToEnter(standing: Standing, { target, isLast, abortSignal }: InvokeRequest): Promise<Pass> {
    const { clock } = this.#options;
    const { breaker } = standing;
    const until = clock.now() + (isLast ? CIRCUIT_WAIT_MS_MAX : 0);
    for (;;) {
      const now = clock.now();
      const pass = breaker.tryEnter(now);
      if (pass !== null) return pass;
      const state = breaker.state(now);
      const freeAt = state.kind === "open" ? state.until : now + PROBE_MS; // half-open: whenever the probe has come to its end
      if (now >= until || freeAt > until) throw leftAlone(target, standing, freeAt - now);
      await standing.changed(clock, freeAt - now, abortSignal);
    }
  }

  /** Says when an attempt changed the circuit. */
  #circuitSince(standing: Standing, last: BreakerChange | undefined): void {
    const now = standing.breaker.changes().at(-1);
    if (now !== undefined && now !== last) this.#circuitChanged(standing.service.id, now);
    standing.wake();
  }

  #circuitChanged(service: string, { at, to, because }: BreakerChange): void {
    const text = JSON.stringify({ to, because });
    const id = `${service} circuit ${to} ${at}`;
    this.#options.keep([{ kind: "reading", id, at, what: "circuit", service, operation: "", text }]);
    const standing = this.#standings.get(service);
    if (standing !== undefined) this.#keepState(standing);
    this.#tell(service, "circuit", `${to}: ${because}`);
  }

  #settle(standing: Standing, pass: Pass, error: unknown): void {
    const failureClass = classOfFailure(error);
    const now = this.#options.clock.now();
    if (UNWELL.has(failureClass)) {
      standing.lastFailure = isProblemError(error) ? error.problem.detail : null;
      pass.failed(now);
    } else if (failureClass === "refused" || failureClass === "other") pass.succeeded(now);
    else pass.forgotten();
  }

  #succeeded(standing: Standing, operation: Operation, request: InvokeRequest, attempted: Attempted, latencyMs: number): Done {
    const { target, capability, key, attempt, queueMs, degraded, rememberAs } = request;
    const costUsd = costOf(pricedBy(standing.service, operation), attempted.usage);
    this.#pay(request, costUsd, attempted.usage);
    moved(standing.latencyMs, operation.name, latencyMs);
    if (costUsd !== null) moved(standing.costUsd, operation.name, costUsd);
    if (standing.health.kind !== "healthy")
      this.setHealth(standing, { kind: "healthy", at: this.#options.clock.now(), latencyMs: rounded(latencyMs) });
    const { inputTokens, outputTokens } = attempted.usage;
    const { inFlight } = standing;
    const facts = {
      capability,
      ok: true,
      attempt,
      isFinal: true,
      latencyMs,
      queueMs,
      costUsd,
      inFlight,
      inputTokens,
      outputTokens,
      degraded,
    };
    const call = this.#record(standing, operation, request, facts);
    if (rememberAs !== undefined)
      this.#options.keep([
        {
          kind: "last-answer",
          key: rememberAs,
          at: this.#options.clock.now(),
          text: JSON.stringify({ target, key, output: attempted.output }),
        },
      ]);
    const { usd: _counted, ...tokens } = attempted.usage;
    const cost = costUsd === null ? ({ costUsd: 0, isCostKnown: false } as const) : { costUsd };
    return { output: attempted.output, call, latencyMs: rounded(latencyMs), ...cost, ...tokens };
  }

  #failed(standing: Standing, operation: Operation, request: InvokeRequest, error: unknown, latencyMs: number): void {
    const { capability, attempt, queueMs } = request;
    const failure = error instanceof ServiceFailure ? error : null;
    const failureClass = classOfFailure(error);
    const priced = pricedBy(standing.service, operation);
    const costUsd = failure === null || !failure.wasSent ? 0 : costOf(priced, failure.usage, false);
    const { inputTokens, outputTokens } = failure?.usage ?? {};
    this.#pay(request, costUsd, failure?.usage ?? {});
    const isOver = !this.#mayRetry(standing, request, failure);
    const wasSent = failure?.wasSent !== false;
    const isFinal = isOver && (request.isLast || (wasSent && !isRepeatable(operation)));
    this.#record(standing, operation, request, {
      ...{ capability, ok: false, failure: failureClass, attempt, isFinal, latencyMs, queueMs, costUsd },
      ...{ inFlight: standing.inFlight, code: failure?.code, inputTokens, outputTokens },
    });
  }

  /** Whether another attempt at the same service follows (3). What took too long is no ServiceFailure, and is tried again. */
  #mayRetry({ retries }: Standing, { mayRetry, abortSignal }: InvokeRequest, failure: ServiceFailure | null): boolean {
    if (!mayRetry) return false;
    if (failure === null) return isRetriedTimeout(abortSignal.reason);
    if (!failure.nonRetryable && !retries.tryRetry(this.#options.clock.now())) failure.nonRetryable = true;
    return !failure.nonRetryable;
  }

  #record(standing: Standing, operation: Operation, request: InvokeRequest, facts: CallFacts): string {
    standing.isNews = true;
    const id = request.attempt === 1 ? request.key : `${request.key}@${request.attempt}`;
    const exact = { ...facts, latencyMs: rounded(facts.latencyMs), queueMs: rounded(facts.queueMs) };
    const at = this.#options.clock.now();
    const [service, name] = [standing.service.id, operation.name];
    this.#options.keep([{ kind: "reading", id, at, what: "call", service, operation: name, text: JSON.stringify(exact) }]);
    return id;
  }

  /** Null where there is none that is young enough. */
  lastAnswer(key: string, ageMsMax: number): { readonly output: Json; readonly ageMs: number } | null {
    const found = this.#options.lastAnswer(key);
    if (found === null) return null;
    const ageMs = Math.max(0, this.#options.clock.now() - found.at);
    return ageMs > ageMsMax ? null : { output: (JSON.parse(found.text) as { output: Json }).output, ageMs };
  }

  /** A moment, for spans alone. */
  elapsed(): number {
    return this.#options.elapsed();
  }

  // Health.

  /** Keeps what came since it was kept last (5). */
  keepStates(): void {
    for (const standing of this.#standings.values()) if (standing.isNews) this.#keepState(standing);
  }

  setHealth(standing: Standing, health: Health): void {
    const before = standing.health.kind;
    standing.health = health;
    standing.isNews = true;
    if (health.kind === "healthy") this.#probe(standing);
    if (before === health.kind) return;
    this.#keepState(standing);
    this.#tell(standing.service.id, "health", health.kind === "unhealthy" ? `unhealthy: ${health.because}` : health.kind);
  }

  /** One that is well need not be left alone any longer. */
  #probe(standing: Standing): void {
    const { breaker } = standing;
    const last = breaker.changes().at(-1);
    breaker.probeNow(this.#options.clock.now(), "it was found well");
    if (breaker.changes().at(-1) !== last) this.#circuitSince(standing, last);
  }

  #keepState(standing: Standing): void {
    standing.isNews = false;
    this.#options.keep([{ kind: "service-state", id: standing.service.id, stateText: JSON.stringify(standing.state()) }]);
  }

  #tell(service: string, what: ServiceEvent["what"], words: string): void {
    this.#options.observe?.({ service, what, words });
  }
}

/** The name of a last good answer: what was asked for, and with what. */
export function answerKey(target: string, input: Json): string {
  return `${target} ${canonicalJson(input)}`;
}

function strategyOf(written: string | undefined): Strategy {
  const strategy = STRATEGIES.find((one) => one === (written ?? "priority"));
  if (strategy !== undefined) return strategy;
  throw servicesProblems.SERVICE_OPTION_INVALID(`There is no strategy ${shown(String(written))}.`, {
    fix: `There are: ${STRATEGIES.join(", ")}.`,
  });
}

/** Doing it twice is doing it once, or the service can tell. */
function isRepeatable({ isIdempotent, idempotencyHeader }: Operation): boolean {
  return isIdempotent || idempotencyHeader !== null;
}

/** By its name, or by a capability it has. Throws SERVICE_OPERATION_UNKNOWN. */
export function operationNamed(service: Service, name: string): Operation {
  const { id, operations } = service;
  const found = operationIn(service, name);
  if (found !== undefined) return found;
  const meant = nearest(name, [...operations.keys()]);
  throw servicesProblems.SERVICE_OPERATION_UNKNOWN(`${id} has no operation ${shown(name)}.`, {
    fix: meant === null ? `It has: ${[...operations.keys()].slice(0, 20).join(", ") || "none"}.` : `Did you mean "${meant}"?`,
  });
}

function operationIn({ operations }: Service, name: string): Operation | undefined {
  return operations.get(name) ?? [...operations.values()].find(({ capabilities }) => capabilities.includes(name));
}

function pricedBy({ isLocal }: Service, { cost }: Operation): Priced {
  return { model: cost, isLocal };
}

function unfitness(operation: Operation, models: readonly string[] | null, input: Json): string | null {
  const checked = operation.input?.check(input);
  if (checked !== undefined && !checked.ok) return `its input does not fit: ${issuesInWords(checked.issues)}`;
  const { model } = (typeof input === "object" && input !== null ? input : {}) as { model?: Json };
  const isAsked = typeof model === "string" && models !== null && operation.capabilities.some((one) => one.startsWith("llm."));
  return isAsked && !models.some((one) => one === model || one === `${model}:latest`) ? `it has no model ${shown(model)}` : null;
}

/** No reading tells of it: nobody was asked. */
function requireAllowed(
  { service, costUsd: costs }: Standing,
  operation: Operation,
  { target, input, needs }: InvokeRequest,
): void {
  const expected = (): number | null => costs.get(operation.name) ?? expectedCostOf(pricedBy(service, operation), input);
  const costUsd = needs.costMaxUsd === undefined ? 0 : expected();
  const words = refusalOf({ service: service.id, isLocal: service.isLocal, costUsd, unfit: null }, needs);
  if (words === null) return;
  const { problem } = servicesProblems.SERVICE_NONE_FIT(`${target} may not be asked: ${words}.`, {
    facts: { candidates: [{ target, score: null, words }] },
  });
  throw new ServiceFailure(problem, { failureClass: "denied", wasSent: false });
}

function requireFit(checked: Checked<unknown> | undefined, sentence: string): void {
  if (checked !== undefined && !checked.ok)
    throw servicesProblems.SERVICE_INPUT_INVALID(`${sentence}: ${issuesInWords(checked.issues)}.`);
}

/** With defaults filled. */
function requireInput(checked: Checked<unknown> | undefined, { target, input }: InvokeRequest): Json {
  if (checked === undefined) return input;
  if (checked.ok) return checked.value as Json;
  throw failureOf(
    servicesProblems.SERVICE_INPUT_INVALID(`${target} does not take this input: ${issuesInWords(checked.issues)}.`),
    "input",
  );
}

function requireAnswer(checked: Checked<unknown> | undefined, { output, usage }: Attempted, { target }: InvokeRequest): Json {
  if (checked === undefined) return output;
  if (checked.ok) return checked.value as Json;
  const { problem } = servicesProblems.SERVICE_ANSWER_INVALID(
    `${target} answered with something else than it promises: ${issuesInWords(checked.issues)}.`,
    { facts: { target, class: "answer" } },
  );
  throw new ServiceFailure(problem, { failureClass: "answer", usage, mayHelp: true });
}

function leftAlone(target: string, { lastFailure }: Standing, retryAfterMs: number): ServiceFailure {
  const said = lastFailure === null ? "" : ` Last: ${lastFailure}`;
  const { problem } = servicesProblems.SERVICE_CIRCUIT_OPEN(`${target} kept failing and is left alone for now.${said}`, {
    facts: { target, class: "circuit", retryAfterMs },
  });
  return new ServiceFailure(problem, { failureClass: "circuit", wasSent: false, retryAfterMs });
}

function failureOf({ problem }: ProblemError, failureClass: FailureClass): ServiceFailure {
  return new ServiceFailure(problem, { failureClass, wasSent: false });
}

/** An attempt ran out of its own time, and not the whole call of its. */
function isRetriedTimeout(reason: unknown): boolean {
  return isProblemError(reason) && reason.code === "STEP_TIMEOUT" && !("nonRetryable" in reason && reason.nonRetryable === true);
}

/** An attempt that was told to stop ran out of time, or was not wanted any more. */
function classOfFailure(error: unknown): FailureClass {
  if (error instanceof ServiceFailure) return error.failureClass;
  return isProblemError(error) && error.code === "STEP_TIMEOUT" ? "timeout" : "canceled";
}

function moved(averages: Map<string, number>, name: string, value: number): void {
  const before = averages.get(name);
  averages.set(name, before === undefined ? value : before + SHARE * (value - before));
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
