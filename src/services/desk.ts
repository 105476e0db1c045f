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

import type { Clock } from "../base/clock.ts";
import { canonicalJson, type Json } from "../base/json.ts";
import { isProblemError, type ProblemError } from "../base/problem.ts";
import { Breaker, type BreakerChange, type Pass, RetryBudget, readBreakerPolicy } from "../flow.ts";
import type { FreeChange } from "../store.ts";
import type { Ledger, TrustChoice } from "../trust.ts";
import { type CallOptions, type Checked, issuesInWords } from "../workflow.ts";
import { type Attempted, attempt, type FailureClass, type Reach, ServiceFailure } from "./attempt.ts";
import { inputSchemaOf } from "./capabilities.ts";
import { costOf, expectedCostOf } from "./cost.ts";
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
import { LIMITS, type Operation, type Service } from "./service.ts";

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
  /** Told what happens to services. */
  readonly observe?: (event: ServiceEvent) => void;
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

/** A service as it stands. */
export class Standing {
  readonly service: Service;
  readonly breaker = new Breaker(readBreakerPolicy({}, "breaker"));
  readonly retries = new RetryBudget();
  health: Health = { kind: "unknown" };
  inFlight = 0;
  /** The models it said it has; null where nobody asked. */
  models: readonly string[] | null = null;
  /** By operation: how long it took lately and what it cost, each moved a tenth of the way by every call. */
  readonly latencyMs = new Map<string, number>();
  readonly costUsd = new Map<string, number>();

  constructor(service: Service) {
    this.service = service;
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
  readonly run: string | null;
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
  readonly latencyMs: number;
  readonly queueMs: number;
  readonly costUsd: number;
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** Under way at the service when this had ended. */
  readonly inFlight: number;
  readonly degraded?: string | undefined;
}

/** Failures that tell of the service's health. */
const UNWELL: ReadonlySet<FailureClass> = new Set(["unavailable", "timeout", "answer"]);

const SHARE = 0.1;

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
      costUsd: costUsd.get(operation.name) ?? expectedCostOf(operation.cost, input),
      unfit: unfitness(operation, models, input),
    };
  }

  #learned(fit: readonly Candidate[], capability: string, options: CallOptions, seed: string): Learned {
    const { valueUsd, deadlineMs, delayUsdPerMs } = options;
    const choice: TrustChoice = this.#options.ledger().choose({
      capability,
      candidates: fit.map(({ target, costUsd, inFlight }) => ({ agent: target, priceUsd: costUsd, inFlight })),
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
    return { order, scores, explanation: choice.explanation };
  }

  /** How one is asked that is named. One that nobody knows is found out when it is asked. */
  asked(target: string): Asked {
    const at = target.indexOf("/");
    const standing = this.#standings.get(target.slice(0, at));
    const operation = standing === undefined ? undefined : operationIn(standing.service, target.slice(at + 1));
    if (standing === undefined || operation === undefined)
      return { target, capability: target, isRepeatable: false, timeoutMs: LIMITS.timeoutMs, concurrency: 1 };
    const { concurrency, rate } = standing.service.limits;
    const isRepeatable = operation.isIdempotent || operation.idempotencyHeader !== null;
    const capability = operation.capabilities[0] ?? target;
    const { timeoutMs } = operation;
    return { target, capability, isRepeatable, timeoutMs, concurrency, ...(rate === undefined ? {} : { rate }) };
  }

  #exactly(target: string): { standing: Standing; operation: Operation } {
    const at = target.indexOf("/");
    const standing = this.standing(target.slice(0, at));
    return { standing, operation: operationNamed(standing.service, target.slice(at + 1)) };
  }

  // Calling.

  /** One attempt. Throws ServiceFailure. */
  async invoke(request: InvokeRequest): Promise<Done> {
    const { standing, operation } = this.#exactly(request.target);
    requireAllowed(standing, operation, request);
    const { clock, elapsed } = this.#options;
    standing.retries.called(clock.now());
    const began = elapsed();
    let attempted: Attempted;
    try {
      attempted = await this.#attempt(standing, operation, request);
    } catch (error) {
      this.#failed(standing, operation, request, error, elapsed() - began);
      throw error;
    }
    return this.#succeeded(standing, operation, request, attempted, elapsed() - began);
  }

  async #attempt(standing: Standing, operation: Operation, request: InvokeRequest): Promise<Attempted> {
    const { service } = standing;
    const checked = requireInput(operation.input?.check(request.input), request);
    const pass = this.#enter(standing, request.target);
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
      this.#settle(pass, error);
      this.#circuitSince(standing, last);
      throw error;
    } finally {
      standing.inFlight--;
    }
  }

  #enter({ breaker }: Standing, target: string): Pass {
    const now = this.#options.clock.now();
    const pass = breaker.tryEnter(now);
    if (pass !== null) return pass;
    const state = breaker.state(now);
    const { problem } = servicesProblems.SERVICE_CIRCUIT_OPEN(`${target} kept failing and is left alone for now.`);
    const retryAfterMs = state.kind === "open" ? Math.max(0, state.until - now) : 1_000;
    throw new ServiceFailure(problem, { failureClass: "circuit", wasSent: false, mayHelp: true, retryAfterMs });
  }

  /** Says when an attempt changed the circuit. */
  #circuitSince({ breaker, service }: Standing, last: BreakerChange | undefined): void {
    const now = breaker.changes().at(-1);
    if (now !== undefined && now !== last) this.#circuitChanged(service.id, now);
  }

  #circuitChanged(service: string, { at, to, because }: BreakerChange): void {
    const text = JSON.stringify({ to, because });
    const id = `${service} circuit ${to} ${at}`;
    this.#options.keep([{ kind: "reading", id, at, what: "circuit", service, operation: "", text }]);
    const standing = this.#standings.get(service);
    if (standing !== undefined) this.#keepState(standing);
    this.#tell(service, "circuit", `${to}: ${because}`);
  }

  #settle(pass: Pass, error: unknown): void {
    const failureClass = classOfFailure(error);
    const now = this.#options.clock.now();
    if (UNWELL.has(failureClass)) pass.failed(now);
    else if (failureClass === "refused" || failureClass === "other") pass.succeeded(now);
    else pass.forgotten();
  }

  #succeeded(standing: Standing, operation: Operation, request: InvokeRequest, attempted: Attempted, latencyMs: number): Done {
    const { target, capability, key, attempt, queueMs, degraded, rememberAs } = request;
    const costUsd = costOf(operation.cost, attempted.usage);
    moved(standing.latencyMs, operation.name, latencyMs);
    moved(standing.costUsd, operation.name, costUsd);
    const { inputTokens, outputTokens } = attempted.usage;
    const { inFlight } = standing;
    const facts = { capability, ok: true, attempt, latencyMs, queueMs, costUsd, inFlight, inputTokens, outputTokens, degraded };
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
    return { output: attempted.output, call, latencyMs: rounded(latencyMs), costUsd, ...tokens };
  }

  #failed(standing: Standing, operation: Operation, request: InvokeRequest, error: unknown, latencyMs: number): void {
    const { capability, attempt, queueMs } = request;
    const failure = error instanceof ServiceFailure ? error : null;
    const failureClass = classOfFailure(error);
    const costUsd = failure === null || !failure.wasSent ? 0 : costOf(operation.cost, failure.usage, false);
    const { inputTokens, outputTokens } = failure?.usage ?? {};
    this.#record(standing, operation, request, {
      ...{ capability, ok: false, failure: failureClass, attempt, latencyMs, queueMs, costUsd },
      ...{ inFlight: standing.inFlight, code: failure?.code, inputTokens, outputTokens },
    });
    if (failure === null || failure.nonRetryable || !request.mayRetry) return;
    if (!standing.retries.tryRetry(this.#options.clock.now())) failure.nonRetryable = true; // 3
  }

  #record(standing: Standing, operation: Operation, request: InvokeRequest, facts: CallFacts): string {
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

  /** How it was when somebody looked last. */
  recall(id: string, health: Health, models: readonly string[] | null): void {
    const standing = this.standing(id);
    standing.health = health;
    standing.models = models;
  }

  setHealth(standing: Standing, health: Health): void {
    const before = standing.health.kind;
    standing.health = health;
    if (before === health.kind) return;
    this.#keepState(standing);
    this.#tell(standing.service.id, "health", health.kind === "unhealthy" ? `unhealthy: ${health.because}` : health.kind);
  }

  #keepState({ service, health, models, breaker }: Standing): void {
    const circuit = breaker.state(this.#options.clock.now()).kind;
    this.#options.keep([{ kind: "service-state", id: service.id, stateText: JSON.stringify({ health, models, circuit }) }]);
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
  const costUsd = needs.costMaxUsd === undefined ? 0 : (costs.get(operation.name) ?? expectedCostOf(operation.cost, input));
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

function failureOf({ problem }: ProblemError, failureClass: FailureClass): ServiceFailure {
  return new ServiceFailure(problem, { failureClass, wasSent: false });
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
