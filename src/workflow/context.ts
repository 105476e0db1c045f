// What a workflow may ask for.
//
// This is the one surface of the engine: code, documents, templates and plans are all
// written against it, and no author needs to know which engine answers.
//
// A workflow's function is run again from its first line whenever its run is taken up,
// and finds in the journal what it has already done. So between operations it must be
// deterministic: no clock, no chance, no I/O of its own; `now`, `random`, `uuid` and
// steps give it those.

import type { RunId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import type { Problem } from "../base/problem.ts";
import type { CloudEvent, EventFilter, EventInit, RetentionPolicy, RetryPolicy, WorkflowName } from "../run.ts";
import type { Amounts, BudgetView, Delegated, Task, Terms } from "./delegation.ts";
import type { Schema, SchemaLike } from "./schema.ts";

export interface Context {
  /**
   * Does something to the world, or anything that takes time, and records what came of it. `act` is attempted at
   * least once, and never again once its result is recorded. The result must be JSON. Throws what `act` threw last,
   * as a ProblemError, when attempts are spent.
   */
  step<T>(name: string, act: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<T>;
  /**
   * Calls a service: `service/operation`, or a capability (`llm.chat`), which goes to whoever is chosen. Gives its output;
   * the choice and each attempt are in the journal. Throws SERVICE_… problems when nobody could answer and nothing stands in.
   */
  call<T = Json>(target: string, input?: Json, options?: CallOptions): Promise<T>;
  /** The same, with who answered, what it cost and how it was degraded; that it failed is a value, too. */
  tryCall<T = Json>(target: string, input?: Json, options?: CallOptions): Promise<Called<T>>;
  /**
   * Hands a task to whoever has earned it: matched, paid for, chosen by what was learned of agents, its result checked. Gives the
   * output. Throws DELEGATION_… and BUDGET_… problems when nobody did it and nothing stands in.
   */
  delegate<T = Json>(task: Task): Promise<T>;
  /** The same, with who did it, why, and at what cost; that nobody did is a value, too. */
  tryDelegate<T = Json>(task: Task): Promise<Delegated<T>>;
  /** Waits `durationMs`, through restarts; never wakes early. */
  sleep(name: string, durationMs: number): Promise<void>;
  /** Waits until a moment in RFC 3339, e.g. `2027-01-01T00:00:00Z`; one that has passed does not wait. */
  sleepUntil(name: string, at: string): Promise<void>;
  /** Waits for a signal of this name; one that came before anybody waited is taken first. */
  waitSignal<T = Json>(name: string, options?: WaitOptions<T>): Promise<Signal<T>>;
  /** Sends a signal to another run. Says nothing of whether it was received; a run unknown or ended is ignored. */
  sendSignal(run: RunId, name: string, value?: Json): Promise<void>;
  /** Asks a person. Without an answer in `timeoutMs` the default is taken, or `{ by: "timeout" }` comes back. */
  ask<T = Json>(name: string, options: AskOptions<T>): Promise<Answer<T>>;
  /** Runs another workflow as a child and waits for its output. Throws CHILD_FAILED / CHILD_CANCELED. */
  run<I, O>(workflow: Workflow<I, O> | string, input: I, options?: ChildOptions): Promise<O>;
  /** Starts another workflow as a child and goes on at once. */
  start<I, O>(
    workflow: Workflow<I, O> | string,
    input: I,
    options?: ChildOptions & { parentClose?: "cancel" | "keep" },
  ): Promise<RunId>;
  /** Tells an event (CloudEvents 1.0) to whoever listens, here or in other runs, now or later; once. */
  emit(event: EventInit): Promise<void>;
  /**
   * Waits for events; those count that came since the run began, each once for listeners of one name and filter. Gives what came
   * by `timeoutMs` where that is fewer than `count`.
   */
  listen(options: ListenOptions): Promise<CloudEvent[]>;
  /**
   * Says what a run has to say as it goes, for others to read from any place on and to follow. An item is JSON of at
   * most 256 KiB, durable with what the run writes next, and there once, however often the run is replayed.
   */
  stream(name: string): StreamWriter;
  /**
   * Says how to take back what the next steps do: on disk before they act. When the run fails, times out or is
   * canceled, every `undo` is carried out as a step of its own, the last first. Five attempts where `options` says
   * nothing else. When the run completes, nothing is.
   */
  compensate(name: string, undo: (step: StepContext) => unknown, options?: StepOptions): Promise<void>;
  /**
   * For changes under running runs: true for a run that comes here for the first time, and always the same for that
   * run afterwards; false for one that went past here with code that had no such patch.
   */
  patch(id: string): Promise<boolean>;
  /** Gives `body` a name space of its own: names inside do not meet names outside. */
  scope<T>(name: string, body: (context: Context) => Promise<T>): Promise<T>;
  /**
   * The same run, but what is asked of this context is given up when `abortSignal` is aborted: its promise rejects
   * with the signal's reason, a timer is forgotten, an attempt is told to stop. Abort only because of what another
   * operation gave, so that a replay does the same.
   */
  until(abortSignal: AbortSignal): Context;
  /** The same run, within narrower terms: what is called and handed on here is paid by them, and never exceeds them. */
  under(terms: Terms): Context;
  /** Ends this journal and begins the same run anew with another input. For loops without end. */
  continueAs(input: Json): Promise<never>;

  /** The time of the last entry read from the journal, in Unix ms: the same on every replay. */
  now(): number;
  /** A number in [0, 1), the same on every replay. */
  random(): number;
  /** A UUID v4, the same on every replay. */
  uuid(): string;

  /** Lines of the run, kept in its journal, each written once. */
  readonly log: Log;
  /** How far the run is: `done` of `of`. Shown live, kept with the run. */
  progress(done: number, of?: number, message?: string): void;
  /** What there is to spend here, and what of it is spent and reserved. */
  readonly budget: BudgetView;
  /** What whoever handed this on allows; null where nobody did. */
  readonly terms: Terms | null;
  /** Aborted when the run is canceled or times out. */
  readonly abortSignal: AbortSignal;
  readonly info: RunInfo;
}

/** How a call is made, and what stands in when it fails. */
export interface CallOptions {
  /** Names the call in the journal; the target where left out. Calls that are open at once need names of their own. */
  readonly name?: string;
  /** How one of several is chosen; `priority` where left out. */
  readonly strategy?: CallStrategy;
  /** `sticky`: calls of one key go to one service while it is there. */
  readonly stickyKey?: string;
  /** Only these services. */
  readonly only?: readonly string[];
  readonly except?: readonly string[];
  /** Data may not leave this machine and its network. */
  readonly localOnly?: boolean;
  /** What it may be expected to cost at most, in US$. */
  readonly costMaxUsd?: number;
  /** `learned`: what a right answer in time is worth, in US$; 1 where left out. */
  readonly valueUsd?: number;
  /** `learned`: an answer after this is worth nothing, in ms. */
  readonly deadlineMs?: number;
  /** `learned`: what a ms of waiting costs, in US$; 0 where left out. */
  readonly delayUsdPerMs?: number;
  /** For all attempts at one service and the delays between them, in ms. */
  readonly timeoutMs?: number;
  /** For each attempt, in ms; the operation's own where left out. */
  readonly attemptTimeoutMs?: number;
  /** At one service. Where another stands ready, one attempt each; else 3. What must not be done twice is done once. */
  readonly retry?: Partial<RetryPolicy>;
  /** The stream of the run that is told tokens as they come. */
  readonly stream?: string;
  /** What stands in when nobody could answer, one after the other. The result says so. */
  readonly fallback?: readonly CallFallback[];
}

export type CallStrategy = "priority" | "least-latency" | "least-cost" | "least-loaded" | "sticky" | "weighted" | "learned";

export type CallFallback =
  /** Another service or capability; with the same input where none is given. */
  | { readonly call: string; readonly input?: Json }
  /** The same with another model. */
  | { readonly model: string }
  /** The last good answer to the same input, as old as it may be; `true`: of any age. */
  | { readonly lastGood: true | { readonly ageMsMax: number } }
  | { readonly value: Json }
  /** A person, who is asked this. */
  | { readonly ask: string; readonly to?: string | readonly string[]; readonly timeoutMs?: number };

/** How a result is less than what was asked for. */
export interface Degradation {
  readonly how: "other-service" | "other-model" | "last-good" | "value" | "person" | "partial";
  readonly because: string;
  /** `last-good`: its age, in ms. */
  readonly ageMs?: number;
  /** `partial`: what is not there. */
  readonly missing?: readonly string[];
}

/** What came of a call. */
export type Called<T> =
  | {
      readonly ok: true;
      readonly output: T;
      /** `service/operation`; null where no service answered. */
      readonly target: string | null;
      /** Names the call for `baton services rate`; null where no service answered. */
      readonly call: string | null;
      readonly latencyMs: number;
      readonly costUsd: number;
      /** There where nobody knows what it cost, and `costUsd` is 0. */
      readonly isCostKnown?: false;
      readonly inputTokens?: number;
      readonly outputTokens?: number;
      readonly degraded?: Degradation;
    }
  | { readonly ok: false; readonly problem: Problem };

/** Who answers calls. */
export interface Calling {
  call(context: Context, target: string, input: Json, options: CallOptions): Promise<Called<Json>>;
}

/** Who hands tasks on: given to whoever carries runs. */
export interface Delegating {
  delegate(context: Context, task: Task, terms: Terms | null): Promise<Delegated<Json>>;
  /** What the account of a run, or of a delegation in it, stands at. */
  budget(run: string, terms: Terms | null): BudgetView;
}

/** Who answers what a run asks of others: given to whoever carries runs. Null: nobody does. */
export interface Answering {
  readonly calling: Calling | null;
  readonly delegating: Delegating | null;
}

export interface StepContext {
  /** Names this step of this run to the outside: the same on every automatic attempt and after every crash. */
  readonly idempotencyKey: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Aborted when the attempt times out, or the run is canceled or times out. */
  readonly abortSignal: AbortSignal;
  /** Says that the step lives, and where it is; recorded at most every 10 s. `details` must be JSON, at most 16 KiB. */
  heartbeat(details?: Json): void;
  /** What an earlier attempt said last, as far as it was recorded: where to go on. */
  readonly lastHeartbeat?: Json | undefined;
  /** A stream of the run; an attempt that is made again writes its items again. */
  stream(name: string): StreamWriter;
  /** The bytes of a file that a service gave. Throws FILE_GONE where it is kept no more. */
  readFile(file: FileValue): Uint8Array;
  readonly log: Log;
}

/** A file in a value: its bytes in base64, or the name of the blob that holds them beside the journal. */
export interface FileValue {
  readonly mediaType: string;
  /** Base64. */
  readonly data?: string;
  /** `blob_…`, as long as the run is kept. */
  readonly blob?: string;
  readonly bytes?: number;
}

/** What is known of an attempt that was interrupted. */
export interface Interrupted {
  readonly idempotencyKey: string;
  /** The attempt that was interrupted; 1 for the first. */
  readonly attempt: number;
  readonly lastHeartbeat?: Json;
}

export interface StepOptions {
  /** Without it a step is tried once. Fields left out: 3 attempts, 1 s first, doubled, at most 60 s, jitter 0.2. */
  readonly retry?: Partial<RetryPolicy>;
  /** For all attempts and the delays between them, in ms. */
  readonly timeoutMs?: number;
  /** For each attempt, in ms. */
  readonly attemptTimeoutMs?: number;
  /** The longest silence between two heartbeats of an attempt, in ms. */
  readonly heartbeatTimeoutMs?: number;
  /** `at-most-once`: the start is on disk before acting, and an interrupted attempt goes where `onInterrupted` says. */
  readonly delivery?: "at-least-once" | "at-most-once";
  /**
   * After an interrupted attempt of an at-most-once step: `fail` (STEP_INTERRUPTED; the default), `retry` it after
   * all, `pause` the run until a person skips or retries the step, or find out what came of it: what the function
   * gives is the step's result.
   */
  readonly onInterrupted?: "fail" | "retry" | "pause" | ((interrupted: Interrupted) => unknown);
  /** Of all steps with this limit's key only so many act, or begin to, at once; the others wait for their turn. */
  readonly limit?: LimitOptions;
  /** The name under which the journal remembers the step, where `name` alone does not tell it from others. */
  readonly key?: string;
  /** What it is asked to do: another input under the same key pauses the run instead of giving what was recorded. */
  readonly input?: Json;
}

/** Flow control: `concurrency`, `rate` or both. */
export interface LimitOptions {
  /** What is limited together, over all runs; this step of this workflow where left out. */
  readonly key?: string;
  /** How many are under way at once. */
  readonly concurrency?: number;
  /** At most `count` begin within any `perMs`. */
  readonly rate?: { readonly count: number; readonly perMs: number };
  /** 1 goes first … 9 last; 5 where left out. Half a minute of waiting is worth one level, so that nobody starves. */
  readonly priority?: number;
}

/** Flow control of a workflow's runs; a run that waits for its turn is `pending`. */
export interface RunLimit<I> extends Omit<LimitOptions, "key" | "priority"> {
  /** What is limited together: all runs of the workflow where left out, else those for which it gives the same. */
  readonly key?: string | ((input: I) => Json);
  readonly priority?: number | ((input: I) => number);
}

export interface StreamWriter {
  write(item: Json): void;
}

/** Which events, how many, and for how long; see EventFilter. */
export interface ListenOptions extends EventFilter {
  /** 1 where left out; at most 10,000. */
  readonly count?: number;
  readonly timeoutMs?: number;
  /** Which of those that fit, where that takes more than fields: must say the same of the same event each time. */
  readonly where?: (event: CloudEvent) => boolean;
  /** Names the listener; what it listens for where left out. Listeners of one name and filter take each event once. */
  readonly name?: string;
}

export interface WaitOptions<T> {
  readonly schema?: SchemaLike<T>;
  readonly timeoutMs?: number;
}

/** A union, so that a signal that carries null does not look like none. */
export type Signal<T> = { readonly received: true; readonly value: T } | { readonly received: false };

export interface AskOptions<T> {
  readonly schema: SchemaLike<T>;
  /** The question in words; the name where left out. */
  readonly message?: string;
  /** Who may answer; everybody where left out. */
  readonly to?: string | readonly string[];
  readonly timeoutMs?: number;
  readonly default?: T;
}

export type Answer<T> =
  | { readonly by: "person"; readonly who: string | null; readonly value: T }
  | { readonly by: "default"; readonly value: T }
  | { readonly by: "timeout" };

export interface ChildOptions {
  /** Names the operation in the journal; the child workflow's name where left out. */
  readonly name?: string;
}

export interface Log {
  debug(message: string, data?: Json): void;
  info(message: string, data?: Json): void;
  warn(message: string, data?: Json): void;
  error(message: string, data?: Json): void;
}

export interface RunInfo {
  readonly run: RunId;
  readonly key?: string;
  /** RFC 3339. */
  readonly startedAt: string;
  /** 1; more once a person has had the run done again. */
  readonly attempt: number;
}

/** Marks a workflow across copies of Baton: a file may have found its own. */
export const MARK = Symbol.for("batonflow.workflow");

export interface Workflow<I = unknown, O = unknown> extends WorkflowName {
  readonly [MARK]: true;
  readonly input: Schema<I> | null;
  readonly output: Schema<O> | null;
  /** The whole run may take this long, in ms. */
  readonly timeoutMs: number | null;
  readonly description: string | null;
  // Of `never`, so that a Workflow<I, O> is a Workflow.
  readonly limit: RunLimit<never> | null;
  /** Null where it says nothing of its own. */
  readonly retention: RetentionPolicy | "forever" | null;
  /** What one run may spend; null where it is not limited. */
  readonly budget: Amounts | null;
  // A method, so that a Workflow<I, O> is a Workflow.
  run(context: Context, input: I): Promise<O> | O;
}
