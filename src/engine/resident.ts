// A run in memory: its workflow's function, run from the first line against its journal.
//
// What the journal has is delivered, what it has not is begun; so the function picks
// up where it left off, and from then on lives.
//
// Owns:      the order in which outcomes reach the workflow.
// Leaves to: operations  what each asked-for thing does,
//            history     what the journal has,
//            waiting, mailbox  what it waits for, what signals came,
//            engine      making entries durable, waking,
//            carrier     which runs are in memory, and what follows an end.
//
// Invariants (tests cite them by number):
//
//   R1. A step whose outcome is in the journal is never executed again.
//   R2. Nothing is returned to the workflow before it is in the journal.
//   R3. Outcomes are delivered one at a time in the order of the journal, live and on
//       replay, and all that one sets in motion has come to rest before the next: so
//       equal journals give equal passes, `Promise.all` and `Promise.race` included.
//   R4. Nothing new is begun before the journal is read to its end.
//   R5. After its end (or pause, or eviction) a run writes nothing more.
//
// Not promised: a crash may fall between acting and recording; then the step acts once
// more. That is why every step carries an idempotency key.

import type { Clock, Random32, Timer } from "../base/clock.ts";
import type { RunId } from "../base/id.ts";
import { type Json, writeJson } from "../base/json.ts";
import { type Problem, ProblemError } from "../base/problem.ts";
import { seededRandom } from "../base/random.ts";
import { rfc3339 } from "../base/time.ts";
import {
  belongsTo,
  type Entry,
  type EntryKind,
  type Facts,
  factOf,
  type LogLevel,
  limits,
  type PauseReason,
  runProblems,
  type Unwinding,
} from "../run.ts";
import type { CodeIdentity, FreeChange, RunChange } from "../store.ts";
import type { Answering, Log, RunInfo, Workflow } from "../workflow.ts";
import { acceptInput } from "./accept.ts";
import { RunContext } from "./context.ts";
import { onceDrained } from "./drained.ts";
import { type Events, StreamItems } from "./events.ts";
import { History, type Next, type Recorded } from "./history.ts";
import { Mailbox } from "./mailbox.ts";
import { Names } from "./names.ts";
import type { Listener } from "./news.ts";
import type { Acting, Home, Lining, Operation, SignalWaiter, Undo } from "./operation.ts";
import type { ChildRequest, Claim, Draft, Engine, Settling, Standing, Taken } from "./port.ts";
import { Unwind } from "./undo.ts";
import { Waiting } from "./waiting.ts";

/** What a run in memory asks of the one who carries it. */
export interface Carrying {
  readonly engine: Engine;
  readonly random32: Random32;
  readonly news: Listener | null;
  readonly strict: boolean;
  readonly acting: Set<Acting>;
  readonly events: Events | null;
  readonly lines: Lining;
  readonly answering: Answering;
  /** By its hash; null where there is none. */
  file(hash: string): Uint8Array | null;
  acts(acting: Acting): void;
  actingOf(resident: Resident): readonly Acting[];
  /** Grows with every commit: two outcomes of one turn are not delivered in one go. */
  readonly turn: number;
  /** How the run stands may have changed. */
  changed(resident: Resident): void;
  returned(resident: Resident, output: unknown): void;
  threw(resident: Resident, error: unknown): void;
  /** Its journal is read; false: it is not to go on from there. */
  comesAlive(resident: Resident): boolean;
  mismatched(resident: Resident, operation: Operation, recorded: Entry): void;
  corrupted(resident: Resident, entry: Entry, error: unknown): void;
  /** What a held run was doing has ended. */
  rested(resident: Resident): void;
  pause(resident: Resident, reason: PauseReason, problem: Problem): void;
  /** What it did is taken back, and it ends like this. */
  unwound(resident: Resident, ending: Unwinding): void;
  tooLong(resident: Resident): void;
  continueAs(resident: Resident, inputText: string): void;
  identityOf(workflow: Workflow): CodeIdentity;
  workflowNamed(name: string): Workflow;
  wake(run: RunId, fresh: Taken | null): void;
}

const NO_ACTING: readonly Acting[] = [];

export class Resident implements Home {
  readonly carrier: Carrying;
  readonly claim: Claim;
  readonly run: RunId;
  readonly workflow: Workflow;
  readonly record: Taken["record"];
  readonly continued: number;
  #info: RunInfo | null = null;
  /** Chance for delays; not the run's own, which must not move with retries. */
  readonly chance: Random32;
  #random32: Random32 | null = null;

  /** Attempts under way and outcomes on their way: while above 0, the run is not waiting. */
  busy = 0;
  /** Set by the end, a pause or eviction: nothing is written or delivered any more (R5). */
  gone = false;
  /** False only where it is certain, so that an end need not look for them. */
  mayHaveChildren: boolean;
  /** The carrier's turn in which it last wrote or was told something. */
  movedIn = 0;
  #idle = { movedIn: 0, sinceMs: 0 };
  /** Closing or held: what ends is recorded, but nothing more is delivered or begun. */
  #still = false;
  /** Asked for while it was still. */
  #askedStill: Operation[] = [];
  /** Why it was ended from outside. */
  #brokenBy: ProblemError | null = null;

  readonly #lastReadSeq: number;
  readonly #history: History;
  #held: Operation[] = [];
  #live: boolean;
  readonly #queue: Next[] = [];
  #queueAt = 0;
  #draining = false;
  #awaitDrained: (() => void) | null = null;
  #deliveredIn = -1;

  /** Made when first needed: most runs neither wait nor get signals. */
  #waiting: Waiting | null = null;
  #mailbox: Mailbox | null = null;

  readonly patches = new Map<string, Promise<boolean>>();
  readonly #undos: Undo[] = [];
  /** Whether all of its journal was written by the code that reads it. */
  readonly #isOwnCode: boolean;
  /** Whether there may be something to take back. */
  #mayUndo: boolean;
  /** How it is to end once what it did is taken back. */
  #ending: Unwinding | null = null;
  #unwind: Unwind | null = null;
  #unwindGrace: Timer | null = null;

  #readAt: number;
  #entries = 0;
  #controller: AbortController | null = null;
  #progressText: string | null = null;
  #written: { status: string; wakeAt: number | null };

  constructor(carrier: Carrying, taken: Taken, workflow: Workflow) {
    const { claim, record, entries } = taken;
    this.carrier = carrier;
    this.claim = claim;
    this.run = claim.run;
    this.workflow = workflow;
    this.record = record;
    this.continued = record.run.continued;
    this.mayHaveChildren = entries.length > 0 || this.continued > 0;
    this.chance = carrier.random32;
    this.#readAt = record.run.startedAt;
    this.#written = { status: record.run.status, wakeAt: record.wakeAt };
    this.#entries = entries.length;
    this.#lastReadSeq = entries.at(-1)?.seq ?? 0;
    this.#live = entries.length === 0;
    this.#history = History.of(entries);
    this.#mayUndo = entries.some(({ kind }) => kind === "undo-added");
    this.#isOwnCode =
      record.run.contentHash === carrier.identityOf(workflow).contentHash &&
      !entries.some(({ kind }) => kind === "migrated" || kind === "forked");
  }

  /** The run's own numbers: `random`, `uuid`. */
  get random32(): Random32 {
    this.#random32 ??= seededRandom(this.record.seed);
    return this.#random32;
  }

  get info(): RunInfo {
    const { key, startedAt } = this.record.run;
    this.#info ??= { run: this.run, ...(key === null ? {} : { key }), startedAt: rfc3339(startedAt), attempt: 1 };
    return this.#info;
  }

  get clock(): Clock {
    return this.carrier.engine.clock;
  }

  get engine(): Engine {
    return this.carrier.engine;
  }

  get strict(): boolean {
    return this.carrier.strict;
  }

  acts(acting: Acting): void {
    this.carrier.acts(acting);
  }

  actsNoMore(acting: Acting): void {
    this.carrier.acting.delete(acting);
  }

  get depth(): number {
    return this.record.depth;
  }

  get news(): Listener | null {
    return this.carrier.news;
  }

  get abortSignal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** (run, step key, generation): the journal's number where `continueAs` began it anew, so that no key comes twice. */
  idempotencyKey(key: string): string {
    return `${this.run}.${this.continued}/${encodeURIComponent(key)}`;
  }

  now(): number {
    return this.#readAt;
  }

  /** Whether the journal has been read to its end, so that what happens now happens for the first time. */
  get live(): boolean {
    return this.#live;
  }

  // Reading the journal.

  /** Runs the workflow's function. What becomes of it is the carrier's business. */
  begin(): void {
    const context = new RunContext(this, new Names(""));
    const { input: kept } = this.record.run;
    const input: unknown = typeof kept === "object" && kept !== null ? structuredClone(kept) : kept;
    Promise.try(() => this.workflow.run(context, input)).then(
      (output) => this.carrier.returned(this, output),
      (error: unknown) => this.carrier.threw(this, error),
    );
    if (!this.#live) this.#pumpWhenDrained();
  }

  /** Takes in what the workflow has just asked for. */
  open<T>(operation: Operation<T>): Promise<T> {
    if (operation.closed) return operation.promise; // given up before it was this run's turn again
    if (this.#still) {
      this.#askedStill.push(operation as Operation);
      return operation.promise;
    }
    if (this.gone || this.#isOver(operation as Operation)) {
      operation.reject(runProblems.RUN_ENDED(`Run ${this.run} has ended; "${operation.key}" comes too late.`));
      return operation.promise;
    }
    const recorded = this.#history.take(operation.key);
    if (recorded !== undefined && !this.#recalls(operation as Operation, recorded)) return operation.promise;
    operation.asked();
    if (operation.closed) return operation.promise;
    if (operation.recordedOutcome !== null) this.#awaitTurn(operation as Operation, operation.recordedOutcome);
    else if (this.#live) this.#begin(operation as Operation);
    else this.#held.push(operation as Operation);
    return operation.promise;
  }

  /** What cannot be begun is told to whoever asked for it. */
  #begin(operation: Operation): void {
    try {
      operation.begin();
    } catch (error) {
      operation.reject(error);
    }
    if (this.#brokenBy !== null) operation.reject(this.#brokenBy); // its entry was one too many
  }

  /** Takes in what the journal has of it. False, and the run is paused, when that is of something else. */
  #recalls(operation: Operation, recorded: Recorded): boolean {
    const strange = [...recorded.facts, ...(recorded.outcome === null ? [] : [recorded.outcome])].find(
      (entry) => !fits(entry, operation),
    );
    if (strange !== undefined) {
      this.carrier.mismatched(this, operation, strange);
      return false;
    }
    for (const fact of recorded.facts) this.#read(fact, () => operation.recall(fact));
    operation.recordedOutcome = recorded.outcome;
    return !this.gone;
  }

  /** An entry that cannot be read pauses its run, and harms no other. */
  #read(entry: Entry, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.carrier.corrupted(this, entry, error);
    }
  }

  #awaitTurn(operation: Operation, outcome: Entry): void {
    this.#history.awaitTurn(operation, outcome);
    if (this.#live) this.#pumpWhenDrained();
  }

  // Delivering, one at a time (R3).

  /** An outcome of an operation of this run is durable. */
  outcome(operation: Operation, entry: Entry): void {
    this.#come(operation, entry);
  }

  /** Something from elsewhere is durable: a signal, an answer, a child's end. */
  received(entry: Entry): void {
    if (entry.seq <= this.#lastReadSeq) return; // read with the journal already
    this.#written = { ...this.#written, status: "running" }; // written with it, so that a crash does not forget to wake the run
    this.carrier.changed(this);
    this.#counted();
    this.#come(null, entry);
  }

  /** `operation`: the run's own, whose outcome it is; null: the entry says whose it is. */
  #come(operation: Operation | null, entry: Entry): void {
    if (this.#brokenBy !== null) operation?.reject(this.#brokenBy);
    if (this.gone) return;
    const { turn } = this.carrier;
    this.movedIn = turn;
    if (this.#still) {
      this.#queue.push({ operation, entry });
      this.carrier.rested(this);
      return;
    }
    if (this.#live && !this.#draining && this.#deliveredIn !== turn) {
      this.#deliveredIn = turn;
      this.#deliverLive(operation, entry);
      return;
    }
    this.#queue.push({ operation, entry });
    if (!this.#draining) this.#pumpWhenDrained();
  }

  #pumpWhenDrained(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#awaitDrained ??= onceDrained(() => {
      this.#draining = false;
      this.#pump();
    });
    this.#awaitDrained();
  }

  /** Delivers the next thing, if any, and comes back when all it set in motion has come to rest. */
  #pump(): void {
    if (this.gone || this.#still) return;
    if (this.#deliverRecorded() || this.#deliverQueued()) this.#pumpWhenDrained();
  }

  #deliverRecorded(): boolean {
    for (let next = this.#history.next(); next !== null && !this.gone; next = this.#history.next()) {
      if (next.entry.kind === "unwinding") {
        this.#ending = factOf(next.entry as Entry & { kind: "unwinding" });
        this.#beginUnwind(true);
        return true;
      }
      if (next.operation !== null) {
        this.#deliver(next.operation, next.entry);
        return true;
      }
      this.#entered(next.entry);
      if (this.#arrive(next.entry)) return true;
    }
    if (!this.#live && !this.gone) this.#goLive();
    return false;
  }

  #entered(entry: Entry): void {
    this.#readAt = Math.max(this.#readAt, entry.at);
  }

  #deliver(operation: Operation, outcome: Entry): void {
    this.#entered(outcome);
    try {
      operation.deliver(outcome);
    } catch (error) {
      this.carrier.corrupted(this, outcome, error);
    }
  }

  /** The journal is read: what had no outcome goes on, in the order it was asked for (R4). */
  #goLive(): void {
    if (!this.carrier.comesAlive(this)) return;
    this.#live = true;
    if (this.#ending !== null && this.#unwind === null) this.#beginUnwind(false);
    const held = this.#held;
    this.#held = [];
    for (const operation of held) if (!operation.closed && !this.gone) this.#begin(operation);
    this.fireDue(this.clock.now());
  }

  #deliverQueued(): boolean {
    const item = this.#queue[this.#queueAt];
    if (item === undefined) return false;
    this.#queueAt++;
    if (this.#queueAt === this.#queue.length) {
      this.#queue.length = 0;
      this.#queueAt = 0;
    }
    this.#deliverLive(item.operation, item.entry);
    return true;
  }

  #deliverLive(operation: Operation | null, entry: Entry): void {
    if (operation !== null) this.busy--;
    if (this.#unwind !== null && (operation === null || this.#isOver(operation))) {
      if (operation !== null) operation.reject(this.#overReason());
      this.#undoWhenQuiet();
      return;
    }
    if (this.#written.status !== "running") this.carrier.changed(this);
    if (entry.kind === "signal-received") {
      this.#entered(entry);
      this.#arrive(entry);
      return;
    }
    const target = operation ?? this.#waiting?.byKey(entry.key ?? "");
    if (target === undefined || target.closed || !belongsTo(entry.kind, target.kind)) return;
    if (this.news !== null && target.kind === "step")
      this.news({ kind: "step-ended", run: this.run, step: target.key, ok: entry.kind === "step-completed" });
    this.#waiting?.forget(target.key);
    this.#deliver(target, entry);
  }

  // Signals.

  #arrive(entry: Entry): boolean {
    let taken = false;
    this.#read(entry, () => {
      taken = this.#mail().offer(entry);
    });
    return taken;
  }

  #mail(): Mailbox {
    this.#mailbox ??= new Mailbox();
    return this.#mailbox;
  }

  waitForSignal(waiter: SignalWaiter): void {
    this.#mail().wait(waiter);
  }

  stopsWaitingForSignal(waiter: SignalWaiter): void {
    this.#mail().stopWaiting(waiter);
  }

  /** Signals that came and were not taken, for `continueAs` to keep. */
  untakenSignals(): Entry[] {
    const queued = this.#queue.slice(this.#queueAt).map(({ entry }) => entry);
    return [
      ...(this.#mailbox?.untaken() ?? []),
      ...this.#history.untaken(),
      ...queued.filter((entry) => entry.kind === "signal-received"),
    ];
  }

  // Waiting.

  /** The operation waits: until a moment, or (null) for something that comes under its key. */
  awaits(operation: Operation, until: number | null): void {
    if (this.#isOver(operation)) {
      operation.reject(this.#overReason());
      this.#undoWhenQuiet();
      return;
    }
    this.#waiting ??= new Waiting();
    this.#waiting.add(operation, until);
    this.carrier.changed(this);
  }

  awaitsNoMore(operation: Operation): void {
    this.#waiting?.delete(operation);
    this.carrier.changed(this);
  }

  /** Tells every operation whose moment has come. */
  fireDue(now: number): void {
    const due = (): Operation | null => (this.gone || this.#still || !this.#live ? null : (this.#waiting?.takeDue(now) ?? null));
    for (let operation = due(); operation !== null; operation = due()) operation.due(now);
    this.carrier.changed(this);
  }

  /** How the run stands, if that differs from what is written; null when there is nothing to say. */
  standing(): Standing | null {
    if (this.gone || this.#still) return null;
    const status = this.isWaiting ? "waiting" : "running";
    const wakeAt = this.#nextWake();
    const progressText = this.#progressText;
    if (status === this.#written.status && wakeAt === this.#written.wakeAt && progressText === null) return null;
    if (status !== this.#written.status) this.news?.({ kind: "status", run: this.run, status, reason: null, wakeAt });
    this.#written = { status, wakeAt };
    this.#progressText = null;
    return { status, wakeAt, progressText };
  }

  get isWaiting(): boolean {
    return (
      this.#live && this.busy === 0 && (this.#waiting?.size ?? 0) > 0 && this.#queueAt === this.#queue.length && !this.#draining
    );
  }

  #nextWake(): number | null {
    const at = this.#waiting?.nextAt() ?? Number.POSITIVE_INFINITY;
    const deadlineAt = this.#ending === null ? (this.record.deadlineAt ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
    const next = Math.min(at, deadlineAt);
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  // Writing.

  append(kind: EntryKind, key: string, hash: number, data: string, then: Settling | null): void {
    if (this.gone) return;
    this.movedIn = this.carrier.turn;
    this.carrier.engine.append(this.claim, { kind, key, hash, data }, then);
    this.#counted();
  }

  startChild(request: ChildRequest, entry: (child: RunId) => Draft, then: Settling | null): RunId {
    this.mayHaveChildren = true;
    const child = this.engine.startChild(this.claim, request, entry, then);
    this.#counted();
    return child;
  }

  /** One more entry in the journal. */
  #counted(): void {
    this.#entries++;
    if (this.#entries >= limits.JOURNAL_ENTRIES_MAX && !this.gone) this.carrier.tooLong(this);
  }

  progress(done: number, of: number | null, message: string | null): void {
    if (!this.#live || this.gone) return;
    const progress = { done, of, message };
    this.#progressText = JSON.stringify(progress);
    this.carrier.changed(this);
    this.news?.({ kind: "progress", run: this.run, progress });
  }

  logOf(step: string | null): Log {
    const at = (level: LogLevel) => (message: string, data?: Json) =>
      this.#log(step, { level, message: String(message), data: data ?? null });
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }

  /** A line of the workflow's own is written once: those the journal has already are only counted off. */
  #log(step: string | null, fact: Facts["logged"]): void {
    if (this.gone) return;
    if (step === null && this.#history.takeLogLine()) return;
    const data = writeJson(fact, "A log line", limits.PAYLOAD_BYTES_MAX);
    this.engine.append(this.claim, { kind: "logged", key: step, hash: 0, data }, null);
    this.#counted();
    this.news?.({ kind: "logged", run: this.run, ...fact });
  }

  identityOf(workflow: Workflow): CodeIdentity {
    return this.carrier.identityOf(workflow);
  }

  workflowNamed(name: string): Workflow {
    return this.carrier.workflowNamed(name);
  }

  wakeRun(run: RunId): void {
    this.carrier.wake(run, null);
  }

  continueAs(input: Json): void {
    if (this.gone) throw runProblems.RUN_ENDED(`Run ${this.run} has ended; it cannot continue.`);
    this.carrier.continueAs(this, acceptInput(this.workflow, input).text);
  }

  // Beside the journal.

  get lines(): Lining {
    return this.carrier.lines;
  }

  file(name: string): Uint8Array | null {
    return this.carrier.file(name.replace(/^blob_/, ""));
  }

  get answering(): Answering {
    return this.carrier.answering;
  }

  get workflowName(): string {
    return `${this.workflow.namespace}/${this.workflow.name}`;
  }

  change(change: FreeChange | RunChange): void {
    if (!this.gone) this.engine.write(this.claim, { entries: [], changes: [change] }, null);
  }

  get events(): Events | null {
    return this.carrier.events;
  }

  readonly #streams = new Map<string, StreamItems>();

  /** One writer a pass: its count tells items that are written again. */
  streamOf(name: string): StreamItems {
    const stream = this.#streams.get(name) ?? new StreamItems(this, name, String(this.continued));
    this.#streams.set(name, stream);
    return stream;
  }

  readonly #heard = new Map<string, number>();

  heardUntil(listener: string): number {
    return this.#heard.get(listener) ?? this.record.since - 1;
  }

  heard(listener: string, seq: number): void {
    this.#heard.set(listener, seq);
  }

  // Taking back.

  undoes(undo: Undo): void {
    this.#mayUndo = true;
    this.#undos.push(undo);
  }

  get knowsMore(): boolean {
    return !this.#live && !this.#isOwnCode && !this.#history.isSpent;
  }

  /** Whether it takes back what it did, or is about to. */
  get isUnwinding(): boolean {
    return this.#ending !== null;
  }

  /** Whether the workflow's function is over: what becomes of it counts for nothing. */
  get isTakingBack(): boolean {
    return this.#unwind !== null;
  }

  /** Ends the run after everything it did is taken back. False when there is nothing to take back. */
  unwind(ending: Unwinding): boolean {
    if (!this.#mayUndo) return false;
    if (this.#ending !== null) return true;
    this.#ending = ending;
    if (this.#live) this.#beginUnwind(false); // else the journal is read to its end first: what it did stands there
    return true;
  }

  /** The workflow's function is over: all it waits for rejects, and attempts under way are told to stop. */
  #beginUnwind(isRecorded: boolean): void {
    const ending = this.#ending as Unwinding;
    this.#unwind = new Unwind(this, this.#undos, ending);
    const reason = this.#overReason();
    this.#controller?.abort(reason);
    for (const one of this.#acting()) one.abort(reason);
    for (const one of [...(this.#waiting?.operations() ?? []), ...this.#held.splice(0)]) one.reject(reason);
    if (isRecorded) {
      this.#undoWhenQuiet();
      return;
    }
    this.busy++;
    const draft = { kind: "unwinding", key: null, hash: 0, data: JSON.stringify(ending) } as const;
    this.engine.append(this.claim, draft, { settled: () => this.#unwindRecorded(), lost: () => undefined });
    this.#counted();
    this.carrier.changed(this);
  }

  #unwindRecorded(): void {
    this.busy--;
    this.#unwindGrace = this.clock.after(limits.UNWIND_GRACE_MS, () => {
      if (this.gone) return;
      for (const one of this.#acting()) one.reject(this.#overReason());
      this.#undoWhenQuiet();
    });
    this.#undoWhenQuiet();
  }

  /** Nothing is taken back while an attempt may still act. */
  #undoWhenQuiet(): void {
    if (this.gone || this.busy > 0 || this.#unwind === null || this.#unwind.isUnderWay) return;
    this.#unwindGrace?.cancel();
    this.#undoNext(this.#unwind);
  }

  #undoNext(unwind: Unwind): void {
    if (this.gone) return;
    const step = unwind.next();
    if (step === null) {
      this.carrier.unwound(this, unwind.ending());
      return;
    }
    const next = (): void => this.#undoNext(unwind);
    this.open(step).then(next, (error: unknown) => {
      unwind.failed(error);
      next();
    });
  }

  /** Whether an operation belongs to a function that is over. */
  #isOver(operation: Operation): boolean {
    return this.#unwind !== null && !this.#unwind.owns(operation);
  }

  #overReason(): ProblemError {
    return new ProblemError((this.#ending as Unwinding).problem);
  }

  pause(problem: ProblemError): void {
    this.carrier.pause(this, "operator", problem.problem);
  }

  // Ending.

  get entries(): number {
    return this.#entries;
  }

  /** How long it has not moved, as seen by those who looked, in ms. */
  idleMs(now: number): number {
    if (this.#idle.movedIn !== this.movedIn || this.#idle.sinceMs === 0) this.#idle = { movedIn: this.movedIn, sinceMs: now };
    return now - this.#idle.sinceMs;
  }

  hold(): void {
    this.#still = true;
  }

  /** Goes on where it was held. */
  release(): void {
    if (!this.#still) return;
    this.#still = false;
    this.#written = { ...this.#written, status: "running" };
    for (const operation of this.#askedStill.splice(0)) this.open(operation);
    this.#pumpWhenDrained();
    this.carrier.changed(this);
  }

  /** Whether it is held, and nothing of what it was doing is under way. */
  get isHeldAtRest(): boolean {
    const arrived = this.#queue.slice(this.#queueAt).filter(({ operation }) => operation !== null).length;
    return this.#still && this.busy === arrived;
  }

  get isHeld(): boolean {
    return this.#still;
  }

  /** What the journal has and nobody asked for. */
  unasked(): readonly string[] {
    return this.#history.unasked();
  }

  isActing(key: string): boolean {
    return this.carrier.actingOf(this).some((acting) => acting.key === key);
  }

  /** Forgotten while it waits: on disk it goes on, here nothing more happens. */
  leave(): void {
    this.gone = true;
    this.#unwindGrace?.cancel();
  }

  /** Over: attempts under way are told to stop, and what the workflow still waits for never comes. */
  end(reason: () => ProblemError): void {
    this.gone = true;
    this.#unwindGrace?.cancel();
    const acting = this.#acting();
    if (this.#controller === null && acting.length === 0) return;
    const why = reason();
    this.#controller?.abort(why);
    for (const one of acting) {
      one.abort(why);
      this.actsNoMore(one);
    }
  }

  /** Ended from outside: all that is open rejects, so that `finally` blocks run. */
  break(reason: ProblemError): void {
    const open: Pick<Operation, "reject">[] = [...this.#acting(), ...(this.#waiting?.operations() ?? []), ...this.#held];
    for (const { operation } of this.#queue.slice(this.#queueAt)) if (operation !== null) open.push(operation);
    open.push(...this.#history.takeAsked());
    this.#brokenBy = reason; // for outcomes on their way
    this.end(() => reason);
    for (const one of open) one.reject(reason);
  }

  #acting(): readonly Acting[] {
    return this.busy === 0 ? NO_ACTING : this.carrier.actingOf(this);
  }
}

function fits(entry: Entry, operation: Operation): boolean {
  return belongsTo(entry.kind, operation.kind) && (entry.hash === 0 || operation.hash === 0 || entry.hash === operation.hash);
}
