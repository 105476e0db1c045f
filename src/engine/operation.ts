// One open operation of a run: what the workflow asked for and has not got yet; and
// what operations ask of the run they belong to, their home.

import type { Clock, Random32 } from "../base/clock.ts";
import type { RunId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import type { ProblemError } from "../base/problem.ts";
import type { Entry, EntryKind, OperationKind } from "../run.ts";
import type { CodeIdentity, FreeChange, RunChange, Store } from "../store.ts";
import type { Answering, Log, RunInfo, StepContext, StepOptions, StreamWriter, Workflow } from "../workflow.ts";
import type { TakenName } from "./names.ts";
import type { Listener } from "./news.ts";
import type { ChildRequest, Claim, Draft, Engine, Place, Settling } from "./port.ts";

/** A run, as its operations and its context see it. */
export interface Home {
  readonly run: RunId;
  readonly claim: Claim;
  readonly engine: Engine;
  readonly clock: Clock;
  /** How often `continueAs` began a new journal. */
  readonly continued: number;
  /** Runs above it that started one another. */
  readonly depth: number;
  /** Chance for delays; not the run's own, which must not move with retries. */
  readonly chance: Random32;
  /** The run's own numbers: the same on every replay. */
  readonly random32: Random32;
  readonly info: RunInfo;
  readonly news: Listener | null;
  readonly abortSignal: AbortSignal;
  /** Whether a name may be open only once. */
  readonly strict: boolean;
  /** Attempts under way and outcomes on their way: while above 0, the run is not waiting. */
  busy: number;
  /** Set by the end, a pause or eviction: nothing is written or delivered any more. */
  readonly gone: boolean;

  open<T>(operation: Operation<T>): Promise<T>;
  now(): number;
  idempotencyKey(key: string): string;
  /** A log whose lines belong to a step, or (null) to the workflow itself. */
  logOf(step: string | null): Log;
  progress(done: number, of: number | null, message: string | null): void;
  append(kind: EntryKind, key: string, hash: number, data: string, then: Settling | null): void;
  /** Starts a run below this one, in one commit with the entry that says so. Gives its id at once. */
  startChild(request: ChildRequest, entry: (child: RunId) => Draft, then: Settling | null): RunId;
  outcome(operation: Operation, entry: Entry): void;
  /** This attempt takes time and is to be looked at by the sweep. */
  acts(acting: Acting): void;
  actsNoMore(acting: Acting): void;
  awaits(operation: Operation, until: number | null): void;
  awaitsNoMore(operation: Operation): void;
  waitForSignal(waiter: SignalWaiter): void;
  stopsWaitingForSignal(waiter: SignalWaiter): void;
  identityOf(workflow: Workflow): CodeIdentity;
  /** A workflow by `name`, `namespace/name`, either with `@version`. Throws WORKFLOW_UNKNOWN. */
  workflowNamed(name: string): Workflow;
  /** From now on this is taken back when the run does not complete. */
  undoes(undo: Undo): void;
  /** The patches that were asked for: each is answered once in a pass. */
  readonly patches: Map<string, Promise<boolean>>;
  /** Whether the journal has something that was not asked for yet. */
  readonly knowsMore: boolean;
  /** Stops the run until a person has decided. */
  pause(problem: ProblemError): void;
  /** The bytes of a file that is kept beside the journal: `blob_…`; null where there is none. */
  file(name: string): Uint8Array | null;
  /** Keeps something beside the journal, in the same commit as what is written next. */
  change(change: FreeChange | RunChange): void;
  readonly lines: Lining;
  /** Who answers what is asked of others. */
  readonly answering: Answering;
  /** `namespace/name` of its workflow. */
  readonly workflowName: string;
  /** A stream as the workflow's own function writes it. */
  streamOf(name: string): StreamWriter;
  /** Null where nothing of them is kept. */
  readonly events: Hearing | null;
  /** The last event that listeners of this name were given; the last before the run began where there was none. */
  heardUntil(listener: string): number;
  heard(listener: string, seq: number): void;
  wakeRun(run: RunId): void;
  /** Throws INPUT_INVALID. */
  continueAs(input: Json): void;
}

/** An attempt that takes time: looked at by the sweep. */
export interface Acting {
  readonly home: Home;
  readonly key: string;
  sweep(now: number): void;
  abort(reason: unknown): void;
  reject(error: unknown): void;
}

/** What was said to be taken back when the run does not complete. */
export interface Undo {
  readonly key: string;
  readonly act: (step: StepContext) => unknown;
  readonly options: StepOptions;
}

/** Events as operations see them. */
export interface Hearing {
  readonly store: Pick<Store, "events">;
  listens(listener: EventListener): void;
  listensNoMore(listener: EventListener): void;
  /** An event of this type is durable. */
  told(type: string): void;
}

/** Lines before gates as steps see them. */
export interface Lining {
  /** `go` is called when it may, with the moment; never when it leaves before. */
  ask(id: string, place: Place, askedAt: number, go: (at: number) => void): void;
  leave(id: string): void;
  why(id: string): string | null;
}

/** Who is told that events of a type came, and then reads them. */
export interface EventListener {
  mayMean(type: string): boolean;
  look(): void;
}

export interface SignalWaiter {
  readonly signal: string;
  /** Takes a signal, if it still waits. */
  receive(value: Json): boolean;
}

export abstract class Operation<T = unknown> implements Settling {
  abstract readonly kind: OperationKind;
  readonly home: Home;
  readonly name: TakenName;
  readonly promise: Promise<T>;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  /** True once it was resolved or rejected. */
  closed = false;
  /** What the journal says came of it, until that is delivered. */
  recordedOutcome: Entry | null = null;

  constructor(home: Home, name: TakenName) {
    this.home = home;
    this.name = name;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.promise = promise;
    this.#resolve = resolve as (value: unknown) => void;
    this.#reject = reject;
  }

  get key(): string {
    return this.name.key;
  }

  /** Hash of what was asked, beyond the name. */
  get hash(): number {
    return 0;
  }

  /** Takes in a fact from the journal that is not an outcome. */
  recall(_entry: Entry): void {}

  /** Called when the workflow asks for it, on replay too, after `recall`. */
  asked(): void {}

  /** Acts for the first time, or goes on where the recalled facts leave off. */
  abstract begin(): void;

  /** Reads the outcome and closes. Called once, in the order of the journal. */
  abstract deliver(entry: Entry): void;

  /** The moment it waited for has come. */
  due(_now: number): void {}

  settled(entry: Entry): void {
    this.home.outcome(this, entry);
  }

  lost(cause: ProblemError): void {
    this.reject(cause);
  }

  /** Writes a fact that nobody waits for. */
  protected note(kind: EntryKind, data: string): void {
    this.home.append(kind, this.key, this.hash, data, null);
  }

  /** Writes the outcome; `deliver` follows when it is durable. */
  protected conclude(kind: EntryKind, data: string): void {
    this.home.busy++;
    this.home.append(kind, this.key, this.hash, data, this);
  }

  protected resolve(value: T): void {
    if (this.#close()) this.#resolve(value);
  }

  reject(error: unknown): void {
    if (!this.#close()) return;
    // A workflow may look at a promise later or never; that must not end the process.
    this.promise.catch(() => undefined);
    this.#reject(error);
  }

  /** Nobody wants to know any more. What it still gives, if it was on its way, is recorded and heard by none. */
  giveUp(reason: unknown): void {
    if (this.closed) return;
    this.letGo(reason);
    this.home.awaitsNoMore(this);
    this.reject(reason);
  }

  /** Lets go of what it holds beside its place among those that wait. */
  protected letGo(_reason: unknown): void {}

  #close(): boolean {
    if (this.closed) return false;
    this.closed = true;
    this.name.use.open--;
    return true;
  }
}
