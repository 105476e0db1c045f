// The carrier: which runs are in memory, and what follows when one of them ends.
//
// Owns:      waking, loading, evicting, the sweep over attempts, ends and what they
//            mean for parents and children, pausing.
// Leaves to: resident  the order in which a run is moved,
//            engine    durability and time.
//
// Invariants (tests cite them):
//
//   C1. A run is in memory at most once.
//   C2. An end, what it tells the parent, and its row are one write.
//   C3. A run leaves memory only while it waits; waking it replays it once.
//   C4. A run that cannot go on is paused with the reason, never lost, and stops nobody
//       else.

import type { Clock, Random32, Timer } from "../base/clock.ts";
import type { RunId } from "../base/id.ts";
import { isProblemError, type Problem, ProblemError } from "../base/problem.ts";
import type { Limit } from "../flow.ts";
import {
  type Entry,
  type EntryKind,
  type Facts,
  failureOf,
  isEnd,
  limits,
  type PauseReason,
  type RunStatus,
  runProblems,
  type Unwinding,
  type WorkflowName,
} from "../run.ts";
import type { CodeIdentity, RunRecord, Store } from "../store.ts";
import { type Answering, fullName, type Workflow } from "../workflow.ts";
import { acceptOutput } from "./accept.ts";
import { type EventStore, Events } from "./events.ts";
import { Lines, passOf, requireLimit } from "./lines.ts";
import type { Listener, News } from "./news.ts";
import type { Acting, Operation } from "./operation.ts";
import type { Carrier, Claim, Draft, Engine, Place, Taken, Write } from "./port.ts";
import { engineProblems } from "./problems.ts";
import { type Origin, Registry } from "./registry.ts";
import { type Carrying, Resident } from "./resident.ts";
import { type CutShort, canceled, Steering } from "./steering.ts";

export interface CarrierOptions {
  readonly engine: Engine;
  readonly random32: Random32;
  /** A name open twice in one scope is a problem: in development and tests. */
  readonly strict: boolean;
  /** Loads the code of a run from where it was recorded; null when it is not there. */
  readonly loadSource?: (identity: CodeIdentity) => Promise<readonly { workflow: Workflow; origin: Origin }[] | null>;
  /** Waiting runs kept in memory. */
  readonly residentMax?: number;
  /** What is kept beside journals: events, lines. Without it nobody listens, and no run waits for its turn. */
  readonly beside?: EventStore & Pick<Store, "lines" | "line" | "passes" | "file">;
  /** Who answers what runs ask of others: calls of services, tasks for agents. */
  readonly answering?: Partial<Answering>;
  /** Writes what it is asked to, but moves no run. */
  readonly idle?: boolean;
}

interface Taking {
  readonly came: Entry[];
  readonly done: Promise<void>;
}

type EndStatus = Extract<RunStatus, "completed" | "failed" | "canceled">;

interface Ending {
  readonly status: EndStatus;
  readonly outputText?: string;
  readonly problem?: Problem;
  readonly entry?: Draft;
}

export class RunCarrier implements Carrier, Carrying {
  readonly engine: Engine;
  readonly random32: Random32;
  readonly strict: boolean;
  readonly registry = new Registry();
  readonly steering = new Steering(this);
  readonly acting = new Set<Acting>();
  readonly events: Events | null;
  readonly lines: Lines;
  readonly answering: Answering;
  readonly #beside: NonNullable<CarrierOptions["beside"]> | null;
  turn = 0;
  news: Listener | null = null;
  readonly #loadSource: NonNullable<CarrierOptions["loadSource"]>;
  readonly #residentMax: number;
  readonly #residents = new Map<RunId, Resident>();
  /** Runs being taken, with what came for them meanwhile. */
  readonly #taking = new Map<RunId, Taking>();
  /** Runs whose code may come with their parent's. */
  readonly #orphans = new Set<RunId>();
  readonly #changed = new Set<Resident>();
  readonly #ends = new Map<RunId, Set<() => void>>();
  readonly #listeners = new Set<Listener>();
  #sweep: Timer | null = null;
  #eviction: Timer | null = null;
  #draining = false;

  constructor(options: CarrierOptions) {
    this.engine = options.engine;
    this.random32 = options.random32;
    this.strict = options.strict;
    this.#loadSource = options.loadSource ?? (async () => null);
    this.#draining = options.idle ?? false;
    this.#residentMax = options.residentMax ?? limits.RESIDENT_WAITING_MAX;
    this.#beside = options.beside ?? null;
    this.answering = { calling: null, delegating: null, ...options.answering };
    this.events = options.beside === undefined ? null : new Events(options.beside, this.engine, (run) => this.#wakeOurs(run));
    this.lines = new Lines(this.engine, this.#beside);
    this.engine.carriedBy(this);
  }

  file(hash: string): Uint8Array | null {
    return this.#beside?.file(hash) ?? null;
  }

  // Who listens.

  listen(listener: Listener): Disposable {
    this.#listeners.add(listener);
    this.news = (news: News) => {
      for (const one of this.#listeners) tell(one, news);
    };
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener);
        if (this.#listeners.size === 0) this.news = null;
      },
    };
  }

  /** Calls `then` once, when the run has ended or been paused while carried here. */
  whenSettled(run: RunId, then: () => void): Disposable {
    const waiting = this.#ends.get(run) ?? new Set();
    waiting.add(then);
    this.#ends.set(run, waiting);
    return {
      [Symbol.dispose]: () => {
        waiting.delete(then);
        if (waiting.size === 0 && this.#ends.get(run) === waiting) this.#ends.delete(run);
      },
    };
  }

  // Workflows.

  /** Makes a workflow known; runs that waited for its code go on. */
  register(workflow: Workflow, origin: Origin | null): void {
    if (!this.registry.add(workflow, origin)) return;
    requireLimit(workflow);
    this.#keepRetention(workflow);
    const orphans = [...this.#orphans];
    this.#orphans.clear();
    for (const run of orphans) this.wake(run, null);
  }

  /** Kept on disk: whoever owns the data next may not have the code. */
  #keepRetention({ namespace, name, retention }: Workflow): void {
    if (retention === null || retention === undefined) return;
    const policyText = JSON.stringify(retention === "forever" ? null : retention);
    this.engine.keep([{ kind: "retention", workflow: `${namespace}/${name}`, policyText }]).catch(() => undefined); // a stopped engine tells everybody itself
  }

  identityOf(workflow: Workflow): CodeIdentity {
    this.register(workflow, null);
    return this.registry.identityOf(workflow);
  }

  workflowNamed(name: string): Workflow {
    return this.registry.named(name);
  }

  // Waking.

  wake(run: RunId, fresh: Taken | null): void {
    if (this.#draining) return;
    const resident = this.#residents.get(run);
    const workflow = fresh === null ? null : this.registry.find(fresh.record.run);
    if (resident !== undefined) this.#touch(resident);
    else if (fresh !== null && this.#standIfMust(fresh)) return;
    else if (fresh !== null && workflow !== null) this.#admit(fresh, workflow, []);
    else if (!this.#taking.has(run)) this.#take(run);
  }

  #wakeOurs(run: RunId): void {
    if (this.engine.carries(run)) this.wake(run, null);
  }

  #touch(resident: Resident): void {
    if (isOverdue(resident.record, this.engine.clock) && !resident.isUnwinding) this.cutShort(resident, overdue(resident.record));
    else resident.fireDue(this.engine.clock.now());
  }

  /** Whether a run waits for its turn; it is called when that has come. */
  standsInLine(record: RunRecord): boolean {
    const line = this.#beside?.line(record.number) ?? null;
    return line !== null && !line.isPassed;
  }

  /** A run whose workflow is limited waits for its turn, unless its time is over. */
  #standIfMust({ claim, record }: Taken): boolean {
    const line = record.run.status === "pending" ? (this.#beside?.line(record.number) ?? null) : null;
    if (line === null || line.isPassed) return false;
    if (isOverdue(record, this.engine.clock)) this.writeEnd(claim, record, overdue(record));
    else {
      const place = { gate: line.gate, limit: JSON.parse(line.limitText) as Limit, priority: line.priority };
      this.lines.askRun(record.number, place, line.askedAt, (at) => void this.#letThrough(record.number, claim, place, at));
    }
    return true;
  }

  /** Its turn has come: that is on disk before it begins. */
  async #letThrough(number: number, claim: Claim, place: Place, at: number): Promise<void> {
    try {
      const record = await this.engine.record(claim.run);
      if (this.#draining || record?.run.status !== "pending") return this.lines.leaveRun(number);
      const changes = [{ kind: "line-passed" } as const, ...passOf(place, at)];
      const standing = { status: "running", wakeAt: record.deadlineAt, progressText: null } as const;
      this.engine.write(claim, { entries: [], standing, changes }, () => this.wake(claim.run, null));
    } catch {
      // The engine has stopped, and tells everybody itself.
    }
  }

  #take(run: RunId): void {
    this.alone(run, (came) => this.#takeNow(run, came)).catch(() => undefined); // only a stopped engine rejects, and tells everybody itself
  }

  /** Does something to a run that is not in memory while nobody else takes it. `came`: what comes for it meanwhile. */
  async alone<T>(run: RunId, act: (came: readonly Entry[]) => Promise<T>): Promise<T> {
    for (let other = this.#taking.get(run); other !== undefined; other = this.#taking.get(run)) await other.done;
    const came: Entry[] = [];
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#taking.set(run, { came, done });
    try {
      return await act(came);
    } finally {
      this.#taking.delete(run);
      resolve();
    }
  }

  async #takeNow(run: RunId, came: readonly Entry[]): Promise<void> {
    try {
      const taken = await this.engine.take(run);
      if (taken === null || isEnd(taken.record.run.status) || taken.record.run.status === "paused") return;
      if (this.#standIfMust(taken)) return;
      if (await this.#isLeftBehind(taken)) return await this.#takeNow(run, came); // it may have something to take back
      const workflow = await this.#codeOf(taken);
      if (workflow !== null) this.#admit(taken, workflow, came);
    } catch (error) {
      await this.#corrupt(run, error);
    }
  }

  /** A journal that cannot be read stops its own run and no other; a storage that fails says so by itself. */
  async #corrupt(run: RunId, error: unknown): Promise<void> {
    const claim = isProblemError(error) && error.problem.status === 503 ? null : await this.engine.claim(run);
    if (claim !== null) this.writePause(claim, "corrupt", unreadable(run, "it", error));
  }

  #admit(taken: Taken, workflow: Workflow, came: readonly Entry[]): void {
    if (this.#draining || this.#residents.has(taken.claim.run)) return;
    const isLate = isOverdue(taken.record, this.engine.clock) && !isUnwinding(taken.entries);
    if (isLate && !taken.entries.some(({ kind }) => kind === "undo-added"))
      return this.writeEnd(taken.claim, taken.record, overdue(taken.record));
    const resident = new Resident(this, taken, workflow);
    this.#residents.set(resident.run, resident);
    this.news?.({ kind: "started", run: resident.run, parent: taken.record.run.parent, workflow: fullName(workflow) });
    resident.begin();
    if (isLate) resident.unwind(unwindingOf(overdue(taken.record)));
    for (const entry of came) resident.received(entry);
    this.changed(resident);
    this.#evictLater();
  }

  /** A child that ends with its parent, whose parent ended when nobody was there to end it. */
  async #isLeftBehind(taken: Taken): Promise<boolean> {
    const { record, entries } = taken;
    const { parent } = record.run;
    if (parent === null || record.parent?.close !== "cancel") return false;
    const above = await this.engine.record(parent);
    if (above === null || !isEnd(above.run.status)) return false;
    if (isUnwinding(entries)) return false;
    this.endFromOutside(taken, canceled(record.run.id, endOf(parent), null));
    await this.engine.flushed();
    return true;
  }

  /** The run's code: loaded already, or loaded now. Null, with the run paused or set aside, when there is none. */
  async #codeOf(taken: Taken): Promise<Workflow | null> {
    const { run } = taken.record;
    const found = (await this.canLoad(run)) ? this.registry.find(run) : null;
    if (found === null && !(await this.#awaitParent(taken))) this.#pauseUnloaded(taken);
    return found;
  }

  /** Whether the code of a run is loaded, or can be now. */
  async canLoad(run: {
    readonly workflow: WorkflowName;
    readonly contentHash: string | null;
    readonly source: string | null;
  }): Promise<boolean> {
    const isHere = run.source === null ? this.registry.find(run) : this.registry.ofSource(run);
    if (isHere !== null) return true;
    for (const { workflow, origin } of (await this.#load({
      ...run.workflow,
      contentHash: run.contentHash,
      source: run.source,
    })) ?? [])
      this.registry.add(workflow, origin);
    return this.registry.find(run) !== null;
  }

  async #load(identity: CodeIdentity): Promise<readonly { workflow: Workflow; origin: Origin }[] | null> {
    try {
      return await this.#loadSource(identity);
    } catch {
      return null; // the pause says which file it was
    }
  }

  /** A child's code may be known only to its parent's: once that is replayed, the child is woken again. */
  async #awaitParent({ record }: Taken): Promise<boolean> {
    const { parent, id } = record.run;
    if (parent === null) return false;
    const above = this.#residents.has(parent) ? null : await this.engine.record(parent);
    if (!this.#residents.has(parent) && (above === null || isEnd(above.run.status) || above.run.status === "paused"))
      return false;
    this.#orphans.add(id);
    if (above !== null) this.wake(parent, null);
    return true;
  }

  #pauseUnloaded({ claim, record }: Taken): void {
    const { run } = record;
    const from = run.source === null ? "a program" : run.source;
    const problem = runProblems.NOT_LOADED(
      `${fullName(run.workflow)} of run ${run.id} is not loaded; it came from ${from}.`,
    ).problem;
    this.writePause(claim, "not_loaded", problem);
  }

  received(run: RunId, entry: Entry): boolean {
    const resident = this.#residents.get(run);
    if (resident !== undefined) {
      resident.received(entry);
      return true;
    }
    const taking = this.#taking.get(run);
    taking?.came.push(entry);
    return taking !== undefined;
  }

  // Standing.

  changed(resident: Resident): void {
    if (resident.gone || this.#changed.has(resident)) return;
    this.#changed.add(resident);
    this.engine.nudge();
  }

  beforeCommit(): void {
    this.turn++;
    if (this.#changed.size === 0) return;
    for (const resident of this.#changed) {
      const standing = resident.standing();
      if (standing !== null) this.engine.write(resident.claim, { entries: [], standing }, null);
    }
    this.#changed.clear();
  }

  // Attempts that take time.

  acts(acting: Acting): void {
    this.acting.add(acting);
    this.#sweep ??= this.engine.clock.after(limits.ATTEMPT_SWEEP_MS, () => this.#sweepNow());
  }

  actingOf(resident: Resident): readonly Acting[] {
    return [...this.acting].filter(({ home }) => home === resident);
  }

  #sweepNow(): void {
    this.#sweep = null;
    const now = this.engine.clock.now();
    for (const acting of [...this.acting]) acting.sweep(now);
    if (this.acting.size > 0) this.#sweep ??= this.engine.clock.after(limits.ATTEMPT_SWEEP_MS, () => this.#sweepNow());
  }

  // Leaving memory (C3).

  #evictLater(): void {
    if (this.#draining) return;
    this.#eviction ??= this.engine.clock.after(limits.EVICTION_SWEEP_MS, () => {
      this.#eviction = null;
      void this.evict(this.engine.clock.now()).catch(() => undefined);
      if (this.#residents.size > 0) this.#evictLater();
    });
  }

  /** Waiting runs that nobody touched for long, or that are too many, leave once all they wrote is durable. */
  async evict(now: number): Promise<void> {
    const surplus = this.#residents.size - this.#residentMax;
    const leaving = [...this.#residents.values()]
      .filter((resident) => resident.isWaiting)
      .map((resident) => ({ resident, movedIn: resident.movedIn, idleMs: resident.idleMs(now) }))
      .toSorted((a, b) => b.idleMs - a.idleMs)
      .filter(({ idleMs }, index) => index < surplus || idleMs >= limits.RESIDENT_IDLE_MS);
    if (leaving.length === 0) return;
    await this.engine.flushed();
    for (const { resident, movedIn } of leaving) {
      if (!resident.gone && resident.isWaiting && resident.movedIn === movedIn && !this.#changed.has(resident))
        this.#forget(resident);
    }
  }

  /** Every waiting run leaves memory, and is replayed when it wakes: with the newest code. */
  forgetWaiting(): void {
    for (const resident of [...this.#residents.values()])
      if (resident.isWaiting && !this.#changed.has(resident)) this.#forget(resident);
  }

  #forget(resident: Resident): void {
    resident.leave();
    this.#residents.delete(resident.run);
  }

  // Ends (C2).

  returned(resident: Resident, output: unknown): void {
    if (resident.gone || resident.isTakingBack) return;
    try {
      this.#end(resident, { status: "completed", outputText: acceptOutput(resident.workflow, output) });
    } catch (error) {
      this.threw(resident, error);
    }
  }

  comesAlive(): boolean {
    return true;
  }

  threw(resident: Resident, error: unknown): void {
    if (resident.gone || resident.isTakingBack) return;
    const ending = { status: "failed", problem: problemOf(error) } as const;
    if (!resident.unwind(ending)) this.#end(resident, ending);
  }

  unwound(resident: Resident, ending: Unwinding): void {
    this.#end(resident, ending);
  }

  tooLong(resident: Resident): void {
    const problem = runProblems.JOURNAL_TOO_LONG(`Run ${resident.run} has ${limits.JOURNAL_ENTRIES_MAX} entries.`);
    this.breakOff(resident, { status: "failed", problem: problem.problem });
  }

  /** Ends a run that is not in memory; one that has something to take back ends when somebody took it up and did. */
  endFromOutside({ claim, record, entries }: Taken, ending: CutShort): void {
    if (isUnwinding(entries)) return;
    if (!entries.some(({ kind }) => kind === "undo-added")) return this.writeEnd(claim, record, ending);
    const { status, problem } = ending;
    const unwinding = draft("unwinding", { status, problem } satisfies Facts["unwinding"]);
    this.engine.write(claim, { entries: [unwinding], standing: { status: "running", wakeAt: null, progressText: null } }, null);
  }

  #end(resident: Resident, ending: Ending): void {
    this.writeEnd(resident.claim, resident.record, ending, resident.mayHaveChildren);
    resident.end(() => runProblems.RUN_ENDED(`Run ${resident.run} has ended.`));
    this.#residents.delete(resident.run);
  }

  /** Ends a run that has not come to its own end: what it waits for rejects, and what it did is taken back. */
  cutShort(resident: Resident, ending: CutShort): void {
    if (resident.unwind(unwindingOf(ending))) return;
    this.breakOff(resident, ending);
  }

  /** Ends a run with nothing taken back. */
  breakOff(resident: Resident, ending: CutShort): void {
    this.writeEnd(resident.claim, resident.record, ending, resident.mayHaveChildren);
    resident.break(new ProblemError(ending.problem));
    this.#residents.delete(resident.run);
  }

  writeEnd(claim: Claim, record: RunRecord, ending: Ending, mayHaveChildren = true): void {
    const { status, outputText, problem, entry } = ending;
    const leaves = this.lines.forgetRun(record.number);
    const write: Write = {
      ...(leaves ? { changes: [{ kind: "line-gone" }] } : {}),
      entries: entry === undefined ? [] : [entry],
      standing: {
        ...{ status, wakeAt: null, progressText: null },
        ...(outputText === undefined ? {} : { outputText }),
        ...(problem === undefined ? {} : { problemText: JSON.stringify(problem) }),
      },
      sends: toParent(record, status, outputText, problem),
    };
    this.engine.write(claim, write, () => {
      this.news?.({ kind: "status", run: claim.run, status, reason: null, wakeAt: null });
      if (leaves) this.lines.leaveRun(record.number);
      this.#tellSettled(claim.run);
      if (mayHaveChildren) void this.#closeChildren(claim.run);
    });
  }

  #tellSettled(run: RunId): void {
    const waiting = this.#ends.get(run);
    if (waiting === undefined) return;
    this.#ends.delete(run);
    for (const then of waiting) then();
  }

  async #closeChildren(run: RunId): Promise<void> {
    for (const child of await this.engine.openChildren(run)) {
      if (child.close === "cancel") await this.steering.cancel(child.run, endOf(run), null).catch(() => undefined);
    }
  }

  // What is done to runs from outside; see steering.ts.

  expel(resident: Resident, why: string): void {
    resident.end(() => runProblems.RUN_PAUSED(`Attempt given up: ${why}.`));
    this.#residents.delete(resident.run);
  }

  hold(resident: Resident): void {
    resident.hold();
    this.rested(resident);
  }

  /** A held run whose steps have ended leaves memory. */
  rested(resident: Resident): void {
    if (resident.isHeldAtRest) this.#forget(resident);
  }

  mismatched(resident: Resident, operation: Operation, recorded: Entry): void {
    const asked = `${operation.kind}${operation.hash === 0 ? "" : ` #${operation.hash}`}`;
    const found = `${recorded.kind}${recorded.hash === 0 ? "" : ` #${recorded.hash}`}`;
    const problem = runProblems.REPLAY_MISMATCH(
      `At "${operation.key}" the code asks for: ${asked}; the journal has: ${found}, written ${new Date(recorded.at).toISOString()}.`,
      {
        at: operation.key,
        facts: {
          asked: { kind: operation.kind, hash: operation.hash },
          recorded: { kind: recorded.kind, hash: recorded.hash, at: recorded.at },
        },
      },
    ).problem;
    this.pause(resident, "replay_mismatch", problem);
  }

  corrupted(resident: Resident, entry: Entry, error: unknown): void {
    if (!resident.gone) this.pause(resident, "corrupt", unreadable(resident.run, `its entry ${entry.seq}`, error));
  }

  pause(resident: Resident, reason: PauseReason, problem: Problem): void {
    this.writePause(resident.claim, reason, problem);
    resident.end(() => runProblems.RUN_PAUSED(`Run ${resident.run} is paused (${reason}).`));
    this.#residents.delete(resident.run);
  }

  writePause(claim: Claim, reason: PauseReason, problem: Problem | null, by: string | null = null): void {
    const entry = draft("run-paused", { reason, problem, by } satisfies Facts["run-paused"]);
    const standing = {
      status: "paused",
      reason,
      wakeAt: null,
      ...(problem === null ? {} : { problemText: JSON.stringify(problem) }),
      progressText: null,
    } as const;
    this.engine.write(claim, { entries: [entry], standing }, () => {
      this.news?.({ kind: "status", run: claim.run, status: "paused", reason, wakeAt: null });
      this.#tellSettled(claim.run);
    });
  }

  /** The same run with a new journal. What came and was not taken is carried over. */
  continueAs(resident: Resident, inputText: string): void {
    resident.end(() => runProblems.RUN_ENDED(`This journal of run ${resident.run} has ended; it continues with another.`));
    this.#residents.delete(resident.run);
    this.alone(resident.run, (came) => this.#continue(resident, inputText, came))
      .then(() => this.wake(resident.run, null))
      .catch(() => undefined); // only a stopped engine rejects, and tells everybody itself
  }

  async #continue(resident: Resident, inputText: string, came: readonly Entry[]): Promise<void> {
    await this.engine.flushed();
    const kept = [...resident.untakenSignals(), ...came.filter((entry) => entry.kind === "signal-received")];
    const entry = draft("continued", { entriesBefore: resident.entries } satisfies Facts["continued"]);
    const reset = { inputText, keepSeqs: kept.map(({ seq }) => seq) };
    this.engine.write(resident.claim, { entries: [entry], reset }, null);
    await this.engine.flushed();
  }

  // Stopping.

  failed(cause: ProblemError): void {
    this.#draining = true;
    this.#stopTimers();
    for (const resident of [...this.#residents.values()]) resident.break(cause);
    this.#residents.clear();
    for (const run of [...this.#ends.keys()]) this.#tellSettled(run);
  }

  /** Attempts under way get up to `graceMs` to end and be recorded; nothing new is begun. */
  async drain(graceMs: number): Promise<void> {
    const until = this.engine.clock.now() + graceMs;
    this.#draining = true;
    for (const resident of this.#residents.values()) resident.hold();
    while (this.acting.size > 0 && this.engine.clock.now() < until) {
      await new Promise<void>((resolve) => this.engine.clock.after(limits.ATTEMPT_SWEEP_MS, resolve));
    }
    for (const resident of [...this.#residents.values()]) this.#forget(resident);
    for (const acting of [...this.acting]) acting.abort(engineProblems.ENGINE_CLOSED("Baton is closing."));
    this.acting.clear();
    this.#stopTimers();
  }

  #stopTimers(): void {
    this.lines.stop();
    this.#sweep?.cancel();
    this.#eviction?.cancel();
  }

  residentCount(): number {
    return this.#residents.size;
  }

  residentOf(run: RunId): Resident | null {
    return this.#residents.get(run) ?? null;
  }
}

/** Who listens cannot harm the engine. */
function tell(listener: Listener, news: News): void {
  try {
    listener(news);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : new Error(String(error)));
  }
}

function unwindingOf({ status, problem }: CutShort): Unwinding {
  return { status, problem };
}

function isUnwinding(entries: readonly Entry[]): boolean {
  return entries.some(({ kind }) => kind === "unwinding");
}

function isOverdue({ deadlineAt }: RunRecord, clock: Clock): boolean {
  return deadlineAt !== null && deadlineAt <= clock.now();
}

function overdue({ deadlineAt, run }: RunRecord): CutShort {
  const timeoutMs = (deadlineAt ?? 0) - run.startedAt;
  const { problem } = runProblems.RUN_TIMEOUT(`Run ${run.id} did not end within ${timeoutMs} ms.`);
  return { status: "failed", problem, entry: draft("run-timed-out", { timeoutMs } satisfies Facts["run-timed-out"]) };
}

function endOf(parent: RunId): string {
  return `the end of its parent ${parent}`;
}

function unreadable(run: RunId, what: string, error: unknown): Problem {
  return runProblems.RUN_CORRUPT(`Run ${run} cannot go on: ${what} cannot be read: ${failureOf(error, "RUN_CORRUPT").message}`)
    .problem;
}

function draft(kind: EntryKind, fact: unknown): Draft {
  return { kind, key: null, hash: 0, data: JSON.stringify(fact) };
}

function problemOf(error: unknown): Problem {
  if (isProblemError(error)) return error.problem;
  const failure = failureOf(error, "RUN_THREW");
  return runProblems.RUN_THREW(failure.message, {
    ...(failure.at === undefined ? {} : { at: failure.at }),
    facts: { name: failure.name },
  }).problem;
}

/** An awaited child tells its parent. */
function toParent(
  { parent, run }: Taken["record"],
  status: EndStatus,
  outputText: string | undefined,
  problem: Problem | undefined,
): NonNullable<Write["sends"]> {
  if (parent === null || run.parent === null || parent.key === "") return [];
  const kind = status === "completed" ? "child-completed" : "child-failed";
  const data = status === "completed" ? (outputText ?? "null") : JSON.stringify({ status, problem });
  return [{ to: run.parent, draft: { kind, key: parent.key, hash: 0, data } }];
}
