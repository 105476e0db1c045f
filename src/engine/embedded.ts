// The embedded engine: the port kept by one process on its own store.
//
// Everything that happens in one turn of the event loop is committed together, once
// the turn is over: the price of a sync to disk is shared by all runs that moved.
// Nobody is told of anything before it is durable; and nothing waits to fill a batch.
//
// Invariants (tests cite them):
//
//   G1. One commit is under way at a time; what comes meanwhile goes into the next.
//   G2. Those who wait are told in the order in which entries were appended.
//   G3. After a failed commit nothing is accepted any more (the truth is unknown).

import type { Clock, Random32 } from "../base/clock.ts";
import type { RunId } from "../base/id.ts";
import { isProblemError, type ProblemError } from "../base/problem.ts";
import { type Entry, isEnd, limits, runProblems } from "../run.ts";
import {
  type Change,
  type CodeIdentity,
  type FreeChange,
  type JournalReset,
  type NewEntry,
  type Rewind,
  type RunChange,
  type RunRecord,
  type RunStart,
  type RunUpdate,
  type Store,
  storeProblems,
} from "../store.ts";
import { Alarm } from "./alarm.ts";
import { lineChange } from "./lines.ts";
import type {
  Carrier,
  ChildRequest,
  Claim,
  Draft,
  Engine,
  Place,
  Sent,
  Settling,
  Standing,
  Started,
  StartRequest,
  Taken,
  Write,
} from "./port.ts";
import { engineProblems } from "./problems.ts";

export interface EmbeddedOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random32: Random32;
  /** Moves only the family of the first run started or taken; all runs otherwise. */
  readonly onlyFamilies?: boolean;
}

interface NumberedClaim extends Claim {
  readonly number: number;
  readonly root: number;
  readonly depth: number;
}

/** What is gathered for one commit, and who is told when it is done. */
interface Batch {
  readonly starts: RunStart[];
  readonly rewinds: Rewind[];
  readonly resets: JournalReset[];
  readonly entries: NewEntry[];
  readonly stirs: number[];
  readonly updates: RunUpdate[];
  readonly changes: Change[];
  readonly deletes: number[];
  /** Parallel to `entries`: who is told; null: the run's carrier, as `received`; NOBODY: none. */
  readonly tells: (Settling | null)[];
  readonly after: (() => void)[];
  readonly keys: Map<string, { readonly run: RunId; readonly bodyHash: string }>;
  readonly signals: Set<string>;
  readonly waiters: { resolve(): void; reject(cause: ProblemError): void }[];
}

const NOBODY: Settling = { settled: () => undefined, lost: () => undefined };

function emptyBatch(): Batch {
  return {
    starts: [],
    rewinds: [],
    resets: [],
    entries: [],
    stirs: [],
    updates: [],
    changes: [],
    deletes: [],
    tells: [],
    after: [],
    keys: new Map(),
    signals: new Set(),
    waiters: [],
  };
}

export function openEmbeddedEngine(options: EmbeddedOptions): EmbeddedEngine {
  return new EmbeddedEngine(options);
}

export class EmbeddedEngine implements Engine {
  readonly clock: Clock;
  readonly closed: Promise<ProblemError | null>;
  readonly #store: Store;
  readonly #random32: Random32;
  readonly #epoch: number;
  readonly #alarm: Alarm;
  readonly #families: Set<number> | null;
  readonly #resolveClosed: (cause: ProblemError | null) => void;
  #carrier: Carrier | null = null;
  #nextRun: number;
  #nextSeq: number;
  #batch = emptyBatch();
  #committing: Batch | null = null;
  #scheduled = false;
  #stopped: ProblemError | null = null;
  #isClosed = false;

  constructor({ store, clock, random32, onlyFamilies = false }: EmbeddedOptions) {
    this.clock = clock;
    this.#store = store;
    this.#random32 = random32;
    this.#epoch = store.claim();
    const tail = store.tail();
    this.#nextRun = tail.run + 1;
    this.#nextSeq = tail.seq + 1;
    this.#families = onlyFamilies ? new Set() : null;
    this.#alarm = new Alarm(
      clock,
      (untilMs, limit) => this.#dueRuns(untilMs, limit),
      (number) => this.#wakeDue(number),
    );
    const { promise, resolve } = Promise.withResolvers<ProblemError | null>();
    this.closed = promise;
    this.#resolveClosed = resolve;
  }

  carriedBy(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  async start(request: StartRequest): Promise<Started> {
    this.#requireOpen();
    const known = this.#findKey(request);
    if (known !== null) {
      await this.flushed();
      return { run: known, repeated: true };
    }
    const start = this.#newStart(request, null);
    const run = this.#store.ids.of(start.number);
    if (request.key !== null)
      this.#batch.keys.set(keyName(request.workflow, request.key.key), { run, bodyHash: request.key.bodyHash });
    this.#begin(start, request.journal ?? [], request.place);
    await this.flushed();
    return { run, repeated: false };
  }

  /** The run that this key names, also when it is only about to be committed. Throws KEY_REUSED. */
  #findKey({ key, workflow }: StartRequest): RunId | null {
    if (key === null) return null;
    const name = keyName(workflow, key.key);
    const pending = this.#batch.keys.get(name) ?? this.#committing?.keys.get(name);
    const stored = pending === undefined ? this.#store.byKey(workflow, key.key) : null;
    const found = pending ?? (stored === null ? null : { run: this.#store.ids.of(stored.number), bodyHash: stored.bodyHash });
    if (found === null) return null;
    if (found.bodyHash !== key.bodyHash) {
      throw runProblems.KEY_REUSED(
        `Key "${key.key}" of ${workflow.namespace}/${workflow.name} belongs to ${found.run}, which has another input.`,
        {
          facts: { run: found.run },
        },
      );
    }
    return found.run;
  }

  startChild(parent: Claim, request: ChildRequest, entry: (child: RunId) => Draft, then: Settling | null): RunId {
    const start = this.#newStart(request, { claim: parent as NumberedClaim, request });
    const run = this.#store.ids.of(start.number);
    this.append(parent, entry(run), then);
    this.#begin(start, [], request.place);
    return run;
  }

  #newStart(request: StartRequest, family: { claim: NumberedClaim; request: ChildRequest } | null): RunStart {
    const startedAt = this.clock.now();
    const deadlineAt = request.timeoutMs === null ? null : startedAt + Math.ceil(request.timeoutMs);
    const number = this.#nextRun++;
    const parent =
      family === null ? null : { number: family.claim.number, key: family.request.parentKey, close: family.request.parentClose };
    const above = family?.claim ?? null;
    return {
      ...{ number, startedAt, deadlineAt, parent },
      ...{ workflow: request.workflow, inputText: request.inputText, key: request.key },
      status: request.place ? "pending" : "running",
      seed: this.#random32(),
      wakeAt: deadlineAt,
      root: above?.root ?? number,
      depth: (above?.depth ?? -1) + 1,
      since: this.#nextSeq,
    };
  }

  #begin(start: RunStart, journal: readonly Draft[], place: Place | null | undefined): void {
    this.#families?.add(start.root);
    this.#batch.starts.push(start);
    for (const draft of journal) this.#put(start.number, draft, NOBODY);
    if (place) this.#change({ ...lineChange(place, start.startedAt), run: start.number });
    const fresh = { claim: this.#claimOf(start), record: recordOf(start, this.#store), entries: [] };
    const taken = journal.length === 0 ? fresh : null;
    this.#batch.after.push(() => {
      if (start.wakeAt !== null) this.#alarm.set(start.number, start.wakeAt);
      this.#carrier?.wake(fresh.claim.run, taken);
    });
    this.#schedule();
  }

  #adopt(root: number): void {
    if (this.#families === null || this.#families.has(root)) return;
    this.#families.add(root);
    this.#alarm.readAgain();
  }

  #claimOf({ number, root, depth }: { number: number; root: number; depth: number }): NumberedClaim {
    return { run: this.#store.ids.of(number), epoch: this.#epoch, number, root, depth };
  }

  async claim(run: RunId): Promise<Claim | null> {
    const number = this.#store.ids.numberOf(run);
    if (number === null || this.#statusOf(number) === null) return null;
    return this.#claimOf({ number, root: number, depth: 0 });
  }

  async take(run: RunId): Promise<Taken | null> {
    if (this.#scheduled || this.#committing !== null) await this.flushed(); // what is on its way belongs to the journal
    const number = this.#store.ids.numberOf(run);
    const record = number === null ? null : this.#store.record(number);
    if (number === null || record === null) return null;
    this.#adopt(record.root);
    const entries: Entry[] = [];
    for (let page = limits.PAGE_SIZE; page === limits.PAGE_SIZE; ) {
      const read = this.#store.journal(number, entries.at(-1)?.seq ?? 0, limits.PAGE_SIZE);
      for (const entry of read) entries.push(entry);
      page = read.length;
    }
    return { claim: this.#claimOf(record), record, entries };
  }

  append(claim: Claim, draft: Draft, then: Settling | null): void {
    this.#requireOpen();
    this.#put((claim as NumberedClaim).number, draft, then ?? NOBODY);
    this.#schedule();
  }

  #put(run: number, { kind, key, hash, data, at }: Draft, tell: Settling | null): void {
    const batch = this.#batch;
    batch.entries.push({ run, seq: this.#nextSeq++, kind, key, hash, at: at ?? this.clock.now(), data });
    batch.tells.push(tell);
  }

  write(claim: Claim, { entries, standing, sends, changes, rewind, reset }: Write, then: (() => void) | null): void {
    this.#requireOpen();
    const { number } = claim as NumberedClaim;
    if (rewind !== undefined) this.#batch.rewinds.push({ run: number, ...rewind });
    if (reset !== undefined) this.#reset(number, reset);
    for (const draft of entries) this.#put(number, draft, NOBODY);
    for (const { to, draft } of sends ?? []) this.#sendWithin(to, draft);
    for (const change of changes ?? []) this.#change(isFree(change) ? change : { ...change, run: number });
    if (standing !== undefined) this.#stand(number, standing);
    if (then !== null) this.#batch.after.push(then);
    this.#schedule();
  }

  /** What the run wrote earlier in this turn belongs to the journal that ends; what came from outside does not. */
  #reset(run: number, reset: NonNullable<Write["reset"]>): void {
    const { entries } = this.#batch;
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries[i] as NewEntry;
      if (entry.run !== run || entry.kind === "signal-received") continue;
      entries.splice(i, 1);
      this.#batch.tells.splice(i, 1);
    }
    this.#batch.resets.push({ run, ...reset, seed: this.#random32() });
  }

  #stand(run: number, { status, reason, wakeAt, outputText, problemText, progressText }: Standing): void {
    const endedAt = isEnd(status) ? this.clock.now() : null;
    this.#batch.updates.push({
      ...{ run, status, wakeAt: endedAt === null ? wakeAt : null, endedAt, progressText },
      reason: reason ?? null,
      outputText: outputText ?? null,
      problemText: problemText ?? null,
    });
    if (wakeAt !== null && endedAt === null && status !== "paused") this.#batch.after.push(() => this.#alarm.set(run, wakeAt));
    else if (this.#alarm.knows(run)) this.#batch.after.push(() => this.#alarm.forget(run));
  }

  async send(to: RunId, draft: Draft): Promise<Sent> {
    this.#requireOpen();
    const sent = this.#sendWithin(to, draft);
    await this.flushed();
    return sent;
  }

  #sendWithin(to: RunId, draft: Draft): Sent {
    if (draft.key?.isWellFormed() === false)
      throw runProblems.NAME_INVALID(`The id ${JSON.stringify(draft.key)} has half a surrogate pair.`);
    const number = this.#store.ids.numberOf(to);
    const status = number === null ? null : this.#statusOf(number);
    if (number === null || status === null) return "unknown";
    if (isEnd(status)) return "ended";
    if (draft.kind === "signal-received" && draft.key !== null) {
      if (this.#hasSignal(number, draft.key)) return "repeated";
      this.#batch.signals.add(`${number} ${draft.key}`);
    }
    this.#put(number, draft, null);
    this.#batch.stirs.push(number);
    this.#schedule();
    return "accepted";
  }

  #change(change: FreeChange | Exclude<Change, FreeChange>): void {
    this.#batch.changes.push(change.kind === "event" ? { ...change, seq: this.#nextSeq++ } : change);
  }

  async keep(changes: readonly FreeChange[]): Promise<void> {
    this.#requireOpen();
    for (const change of changes) this.#change(change);
    if (changes.length > 0) this.#schedule();
    await this.flushed();
  }

  async delete(run: RunId): Promise<void> {
    this.#requireOpen();
    const number = this.#store.ids.numberOf(run);
    if (number === null) return;
    this.#batch.deletes.push(number);
    this.#schedule();
    await this.flushed();
  }

  #statusOf(number: number): RunRecord["run"]["status"] | null {
    for (const batch of [this.#batch, this.#committing]) {
      const update = batch?.updates.findLast((candidate) => candidate.run === number);
      if (update !== undefined) return update.status;
      const start = batch?.starts.find((candidate) => candidate.number === number);
      if (start !== undefined) return start.status;
    }
    return this.#store.record(number)?.run.status ?? null;
  }

  #hasSignal(number: number, id: string): boolean {
    const name = `${number} ${id}`;
    return this.#batch.signals.has(name) || this.#committing?.signals.has(name) === true || this.#store.hasSignal(number, id);
  }

  nudge(): void {
    if (this.#stopped === null && !this.#isClosed) this.#schedule();
  }

  recover(): void {
    this.#requireOpen();
    this.#alarm.start();
    if (this.#families !== null) return;
    this.#recoverPage(0, (after) => this.#store.unended(["pending", "running"], after, limits.PAGE_SIZE));
    this.#recoverPage(0, (after) => this.#store.leftBehind(after, limits.PAGE_SIZE));
    this.#recoverPage(0, (after) => this.#store.listening(null, after, limits.PAGE_SIZE));
  }

  /** A page a turn, so that a million interrupted runs neither block the loop nor fill memory at once. */
  #recoverPage(afterNumber: number, read: (afterNumber: number) => readonly number[]): void {
    if (this.#stopped !== null || this.#isClosed) return;
    const page = read(afterNumber);
    for (const number of page) this.#carrier?.wake(this.#store.ids.of(number), null);
    const last = page.at(-1);
    if (last !== undefined) this.clock.soon(() => this.#recoverPage(last, read));
  }

  #dueRuns(untilMs: number, limit: number): readonly { number: number; wakeAt: number }[] {
    if (this.#families === null) return this.#store.due(untilMs, limit, null);
    return [...this.#families].flatMap((root) => this.#store.due(untilMs, limit, root));
  }

  #wakeDue(number: number): void {
    if (this.#stopped === null) this.#carrier?.wake(this.#store.ids.of(number), null);
  }

  async record(run: RunId): Promise<RunRecord | null> {
    const number = this.#store.ids.numberOf(run);
    return number === null ? null : this.#store.record(number);
  }

  async openChildren(run: RunId): Promise<{ run: RunId; close: "cancel" | "keep" }[]> {
    const number = this.#store.ids.numberOf(run);
    if (number === null) return [];
    return this.#store.openChildren(number).map((child) => ({ run: this.#store.ids.of(child.number), close: child.close }));
  }

  async children(run: RunId): Promise<RunId[]> {
    const number = this.#store.ids.numberOf(run);
    return number === null ? [] : this.#store.children(number).map((child) => this.#store.ids.of(child));
  }

  flushed(): Promise<void> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped);
    const batch = this.#scheduled ? this.#batch : this.#committing;
    if (batch === null) return Promise.resolve();
    return new Promise((resolve, reject) => batch.waiters.push({ resolve, reject }));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (this.#committing === null) this.clock.soon(() => this.#commit());
  }

  #commit(): void {
    if (this.#stopped !== null || this.#isClosed) return;
    this.#carrier?.beforeCommit();
    const batch = this.#batch;
    this.#batch = emptyBatch();
    this.#scheduled = false;
    this.#committing = batch;
    try {
      const done = isEmpty(batch) ? undefined : this.#store.commit({ epoch: this.#epoch, ...batch });
      if (done === undefined) this.#committed(batch);
      else
        done.then(
          () => this.clock.soon(() => this.#committed(batch)),
          (error: unknown) => this.#fail(error),
        );
    } catch (error) {
      this.#fail(error);
    }
  }

  #committed(batch: Batch): void {
    if (this.#stopped !== null) return;
    this.#committing = null;
    for (let i = 0; i < batch.entries.length; i++) this.#tell(batch.entries[i] as NewEntry, batch.tells[i] ?? null);
    for (const act of batch.after) act();
    for (const waiter of batch.waiters) waiter.resolve();
    if (this.#scheduled) this.clock.soon(() => this.#commit());
  }

  #tell(entry: NewEntry, to: Settling | null): void {
    if (to !== null) {
      to.settled(entry);
      return;
    }
    const run = this.#store.ids.of(entry.run);
    if (this.#carrier?.received(run, entry) === false && this.#isOurs(entry.run)) this.#carrier.wake(run, null);
  }

  carries(run: RunId): boolean {
    const number = this.#store.ids.numberOf(run);
    return number !== null && this.#isOurs(number);
  }

  #isOurs(number: number): boolean {
    return this.#families === null || this.#families.has(this.#store.record(number)?.root ?? 0);
  }

  #requireOpen(): void {
    if (this.#stopped !== null) throw this.#stopped;
    if (this.#isClosed) throw engineProblems.ENGINE_CLOSED("The engine is closed.");
  }

  #fail(error: unknown): void {
    if (this.#stopped !== null) return;
    const cause = isProblemError(error) ? error : storeProblems.STORAGE_FAILED(String(error), { cause: error });
    this.#stopped = cause;
    this.#alarm.stop();
    this.#carrier?.failed(cause);
    for (const batch of [this.#committing, this.#batch]) {
      for (const tell of batch?.tells ?? []) tell?.lost(cause);
      for (const waiter of batch?.waiters ?? []) waiter.reject(cause);
    }
    this.#resolveClosed(cause);
  }

  /** Commits what was accepted, then stops. The store is closed by whoever opened it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#alarm.stop();
    while (this.#stopped === null && (this.#scheduled || this.#committing !== null)) await this.flushed().catch(() => undefined);
    this.#isClosed = true;
    this.#resolveClosed(null);
  }
}

function isEmpty(batch: Batch): boolean {
  const { starts, rewinds, resets, entries, updates, changes, deletes } = batch;
  return [starts, rewinds, resets, entries, updates, changes, deletes].every(({ length }) => length === 0);
}

const FREE: ReadonlySet<string> = new Set<FreeChange["kind"]>(["event", "schedule", "schedule-gone", "retention", "pass"]);

function isFree(change: FreeChange | RunChange): change is FreeChange {
  return FREE.has(change.kind);
}

function keyName({ namespace, name }: CodeIdentity, key: string): string {
  return `${namespace}/${name}/${key}`;
}

/** A run just started, as `take` would read it, without reading it. */
function recordOf(start: RunStart, store: Store): RunRecord {
  const { number, seed, deadlineAt, wakeAt, root, depth, since, parent, workflow } = start;
  return {
    ...{ number, seed, deadlineAt, wakeAt, root, depth, since, parent },
    run: {
      id: store.ids.of(number),
      workflow: { namespace: workflow.namespace, name: workflow.name, version: workflow.version },
      contentHash: workflow.contentHash,
      source: workflow.source,
      key: start.key?.key ?? null,
      input: JSON.parse(start.inputText),
      startedAt: start.startedAt,
      parent: parent === null ? null : store.ids.of(parent.number),
      continued: 0,
      progress: null,
      status: start.status as "pending" | "running",
    },
  };
}
