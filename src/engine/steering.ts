// What people and programs ask of runs: cancel, pause, resume, retry, skip, fork, delete. Each is done while nobody else
// moves the run, is one write, and stands in the journal with who asked for it.

import type { RunId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import {
  belongsTo,
  buildsOnUndone,
  type Cut,
  cutAt,
  type Entry,
  type EntryKind,
  entryKinds,
  type Facts,
  firstUndone,
  isEnd,
  lastFailure,
  runProblems,
} from "../run.ts";
import type { RunRecord } from "../store.ts";
import { type Answering, fullName, type Workflow } from "../workflow.ts";
import { acceptInput } from "./accept.ts";
import { lineChange, placeOfRun } from "./lines.ts";
import type { Claim, Draft, Engine, StartRequest, Taken, Write } from "./port.ts";
import type { Registry } from "./registry.ts";
import { rehearse } from "./rehearsal.ts";
import type { Resident } from "./resident.ts";

/** How a run is ended from outside. */
export interface CutShort {
  readonly status: "failed" | "canceled";
  readonly problem: Problem;
  readonly entry?: Draft;
}

/** What steering asks of the one who carries runs. */
export interface Steered {
  readonly engine: Engine;
  readonly registry: Registry;
  readonly answering: Answering;
  residentOf(run: RunId): Resident | null;
  /** Does something to a run while nobody else takes it. */
  alone<T>(run: RunId, act: () => Promise<T>): Promise<T>;
  cutShort(resident: Resident, ending: CutShort): void;
  /** Ends a run that is not in memory. */
  endFromOutside(taken: Taken, ending: CutShort): void;
  /** Lets a run leave memory; what it was doing is told to stop. */
  expel(resident: Resident, why: string): void;
  /** Ends what is under way and begins nothing; the run leaves memory when it is at rest. */
  hold(resident: Resident): void;
  /** Whether it waits for its turn. */
  standsInLine(record: RunRecord): boolean;
  writePause(claim: Claim, reason: "operator", problem: Problem | null, by: string): void;
  wake(run: RunId, fresh: Taken | null): void;
}

export interface ForkRequest {
  /** The operation that is to be done again, with all that came after it; null: everything. */
  readonly from: string | null;
  /** Instead of the run's own. */
  readonly input?: Json;
  /** With the newest code that is loaded, instead of the run's own version. */
  readonly newest: boolean;
  readonly by: string;
}

export class Steering {
  readonly #carrier: Steered;

  constructor(carrier: Steered) {
    this.#carrier = carrier;
  }

  /** Ends a run; what it was doing is told to stop, and what it did is taken back. Throws RUN_UNKNOWN / RUN_ENDED. */
  async cancel(run: RunId, by: string, reason: string | null): Promise<void> {
    const ending = canceled(run, by, reason);
    await this.#alone(run, async () => {
      const resident = this.#carrier.residentOf(run);
      if (resident !== null && !resident.isHeld) this.#carrier.cutShort(resident, ending);
      else {
        if (resident !== null) this.#carrier.expel(resident, "the run is canceled");
        this.#carrier.endFromOutside(await this.#openAsFarAsReadable(run), ending);
      }
    });
    this.#carrier.wake(run, null); // it may have something to take back
  }

  /** Nothing new is begun until it is resumed; steps under way end and are recorded. Throws RUN_UNKNOWN / RUN_ENDED / RUN_PAUSED. */
  async pause(run: RunId, by: string): Promise<void> {
    await this.#alone(run, async () => {
      const { claim, record } = await this.#requireUnended(run);
      if (record.run.status === "paused") throw runProblems.RUN_PAUSED(`Run ${run} is paused already (${record.run.reason}).`);
      const resident = this.#carrier.residentOf(run);
      if (resident !== null) this.#carrier.hold(resident);
      this.#carrier.writePause(claim, "operator", null, by);
    });
  }

  /** Lets a paused run go on. Throws RUN_UNKNOWN / RUN_ENDED / RUN_NOT_PAUSED. */
  async resume(run: RunId, by: string): Promise<void> {
    await this.#alone(run, async () => {
      const { claim, record } = await this.#requireUnended(run);
      if (record.run.status !== "paused") throw runProblems.RUN_NOT_PAUSED(`Run ${run} is ${record.run.status}.`);
      const status = this.#carrier.standsInLine(record) ? "pending" : "running";
      const standing = { status, wakeAt: record.deadlineAt, progressText: null } as const;
      this.#carrier.engine.write(claim, { entries: [draft("run-resumed", { by })], standing }, null);
      await this.#carrier.engine.flushed();
      this.#carrier.residentOf(run)?.release();
    });
    this.#carrier.wake(run, null);
  }

  /**
   * Has an operation done again, with all that came after it; `from` null: the one that failed last, or, where the
   * workflow's own code threw, that code alone. The run goes on, also one that had ended.
   * Throws RUN_UNKNOWN / STEP_UNKNOWN / NOTHING_FAILED.
   */
  async retry(run: RunId, from: string | null, by: string): Promise<{ from: string | null; dropped: number }> {
    const told = await this.#alone(run, async () => {
      const taken = await this.#take(run);
      const key = from ?? interruptedIn(taken.record) ?? firstUndone(taken.entries) ?? lastFailure(taken.entries);
      if (key === null && taken.record.run.status !== "failed" && taken.record.run.status !== "canceled")
        throw runProblems.NOTHING_FAILED(`Nothing of run ${run} has failed; say which step is to be done again.`);
      const cut = key === null ? NOTHING : requireCut(taken, key);
      this.#rewind(taken, cut, key, by, []);
      return { from: key, dropped: cut.dropped.length };
    });
    this.#carrier.wake(run, null);
    return told;
  }

  /** Gives a step's result in its place. Throws RUN_UNKNOWN / STEP_UNKNOWN / STEP_DONE. */
  async skip(run: RunId, key: string, output: Json, by: string): Promise<void> {
    await this.#alone(run, async () => {
      const taken = await this.#take(run);
      const { status } = taken.record.run;
      const isOpen = !isEnd(status) && isOpenStep(taken.entries, key, this.#carrier.residentOf(run));
      const cut = cutAt(taken.entries, key);
      if (cut === null && !isOpen) throw stepUnknown(run, key);
      requireStep(taken.entries, key);
      if (cut !== null) requireNotUndone(taken, cut, key);
      if (taken.entries.some(({ kind, key: of }) => of === key && (kind === "step-completed" || kind === "step-skipped")))
        throw runProblems.STEP_DONE(`Step "${key}" of run ${run} has a result; skip a step that has none, or retry from it.`);
      const skipped: Draft = {
        kind: "step-skipped",
        key,
        hash: 0,
        data: JSON.stringify({ by, output } satisfies Facts["step-skipped"]),
      };
      this.#rewind(taken, cut ?? NOTHING, key, by, [skipped]);
    });
    this.#carrier.wake(run, null);
  }

  /** Takes out what a cut says; what is kept is replayed, what was taken out is done again. */
  #rewind({ claim, record }: Taken, cut: Cut, from: string | null, by: string, more: readonly Draft[]): void {
    const resident = this.#carrier.residentOf(claim.run);
    if (resident !== null)
      this.#carrier.expel(resident, `run ${claim.run} begins again${from === null ? "" : ` from "${from}"`}`);
    const kept = new Set(more.map(({ key }) => key));
    const deadlineAt =
      record.deadlineAt === null ? null : this.#carrier.engine.clock.now() + (record.deadlineAt - record.run.startedAt);
    const workflow = isEnd(record.run.status) ? this.#carrier.registry.find(record.run) : null;
    const place = workflow === null ? null : placeOfRun(workflow, record.run.input);
    const write: Write = {
      ...(place === null ? {} : { changes: [lineChange(place, this.#carrier.engine.clock.now())] }),
      rewind: { dropSeqs: cut.dropped.map(({ seq }) => seq), deadlineAt },
      entries: [
        draft("run-retried", { by, from, entriesDropped: cut.dropped.length }),
        ...cut.redone.filter(({ key }) => !kept.has(key)).map(({ key, generation }) => redone(key, generation)),
        ...more,
      ],
      standing: { status: place === null ? "running" : "pending", wakeAt: deadlineAt, progressText: null },
    };
    this.#carrier.engine.write(claim, write, null);
  }

  /** A new run with the part of this one's journal that is to be kept. Throws RUN_UNKNOWN / STEP_UNKNOWN / INPUT_INVALID / WORKFLOW_UNKNOWN. */
  async fork(run: RunId, request: ForkRequest): Promise<RunId> {
    const taken = await this.#take(run);
    const { run: old } = taken.record;
    const { namespace, name, version } = old.workflow;
    const workflow = this.#carrier.registry.named(`${namespace}/${name}${request.newest ? "" : `@${version}`}`);
    const cut = request.from === null ? null : requireCut(taken, request.from);
    const start: StartRequest = {
      workflow: this.#carrier.registry.identityOf(workflow),
      inputText: acceptInput(workflow, request.input ?? old.input).text,
      key: null,
      timeoutMs: workflow.timeoutMs,
      place: placeOfRun(workflow, request.input ?? old.input),
      journal: [draft("forked", { from: run, at: request.from, by: request.by }), ...keptBy(cut, taken.entries)],
    };
    return (await this.#carrier.engine.start(start)).run;
  }

  /**
   * Lets a run that has not ended go on with other code of the same workflow, once that fits what it has done.
   * Throws RUN_UNKNOWN / RUN_ENDED / MIGRATION_UNFIT.
   */
  async migrate(run: RunId, workflow: Workflow, by: string): Promise<{ from: string; to: string }> {
    const told = await this.#alone(run, async () => {
      const { claim, record, entries } = await this.#requireOpen(run);
      const [from, to] = [fullName(record.run.workflow), fullName(workflow)];
      const verdict = await rehearse(record, entries, workflow, this.#carrier.answering);
      if (verdict.kind === "mismatch")
        throw runProblems.MIGRATION_UNFIT(
          `At "${verdict.at}" ${to} asks for: ${verdict.asked}; run ${run} has: ${verdict.recorded}.`,
        );
      const resident = this.#carrier.residentOf(run);
      if (resident !== null) this.#carrier.expel(resident, `run ${run} goes on with ${to}`);
      const changes = [{ kind: "run-code", workflow: this.#carrier.registry.identityOf(workflow) }] as const;
      const isStopped =
        record.run.status === "paused" && (record.run.reason === "not_loaded" || record.run.reason === "replay_mismatch");
      const standing = { status: "running", wakeAt: record.deadlineAt, progressText: null } as const;
      const entry = draft("migrated", { by, from, to });
      this.#carrier.engine.write(claim, { entries: [entry], changes, ...(isStopped ? { standing } : {}) }, null);
      return { from, to };
    });
    this.#carrier.wake(run, null);
    return told;
  }

  /** Keeps nothing of a run that has ended, nor of the runs below it. Throws RUN_UNKNOWN / RUN_OPEN. */
  async delete(run: RunId): Promise<number> {
    const record = await this.#recordIfReadable(run);
    if (record === null) throw runProblems.RUN_UNKNOWN(`There is no run ${run}.`);
    if (record !== "corrupt" && !isEnd(record.run.status) && !isCorrupt(record))
      throw runProblems.RUN_OPEN(`Run ${run} is ${record.run.status}; cancel it first.`);
    let deleted = 1;
    for (const child of await this.#carrier.engine.children(run)) {
      const below = await this.#recordIfReadable(child);
      if (below === "corrupt" || (below !== null && (isEnd(below.run.status) || isCorrupt(below))))
        deleted += await this.delete(child);
    }
    await this.#carrier.engine.delete(run);
    return deleted;
  }

  /** A run that cannot be read is nobody's any more, and may be deleted. */
  async #recordIfReadable(run: RunId): Promise<RunRecord | "corrupt" | null> {
    try {
      return await this.#carrier.engine.record(run);
    } catch (error) {
      if (isProblemError(error) && error.code === "RUN_CORRUPT") return "corrupt";
      throw error;
    }
  }

  /** What came for the run meanwhile must not wait for one who was refused. */
  async #alone<T>(run: RunId, act: () => Promise<T>): Promise<T> {
    try {
      return await this.#carrier.alone(run, async () => {
        const given = await act();
        await this.#carrier.engine.flushed();
        return given;
      });
    } catch (error) {
      this.#carrier.wake(run, null);
      throw error;
    }
  }

  async #take(run: RunId): Promise<Taken> {
    const taken = await this.#carrier.engine.take(run);
    if (taken === null) throw runProblems.RUN_UNKNOWN(`There is no run ${run}.`);
    return taken;
  }

  async #requireOpen(run: RunId): Promise<Taken> {
    const taken = await this.#take(run);
    if (isEnd(taken.record.run.status)) throw runProblems.RUN_ENDED(`Run ${run} is already ${taken.record.run.status}.`);
    return taken;
  }

  /** A journal that cannot be read, or goes against itself, keeps nobody from ending its run; what it did cannot be taken back then. */
  async #openAsFarAsReadable(run: RunId): Promise<Taken> {
    try {
      const taken = await this.#requireOpen(run);
      return isCorrupt(taken.record) ? { ...taken, entries: [] } : taken;
    } catch (error) {
      if (!isProblemError(error) || error.code !== "RUN_CORRUPT") throw error;
      return { ...(await this.#requireUnended(run)), entries: [] };
    }
  }

  /** Without its journal. What is on its way counts. */
  async #requireUnended(run: RunId): Promise<{ claim: Claim; record: RunRecord }> {
    const { engine } = this.#carrier;
    await engine.flushed();
    const [claim, record] = [await engine.claim(run), await engine.record(run)];
    if (claim === null || record === null) throw runProblems.RUN_UNKNOWN(`There is no run ${run}.`);
    if (isEnd(record.run.status)) throw runProblems.RUN_ENDED(`Run ${run} is already ${record.run.status}.`);
    return { claim, record };
  }
}

/** The step that a run is paused for, because nobody knows what came of it. */
function interruptedIn({ run }: RunRecord): string | null {
  const problem = run.status === "paused" ? run.problem : null;
  return problem?.code === "STEP_INTERRUPTED" ? (problem.at ?? null) : null;
}

/** A cut that takes nothing out. */
const NOTHING: Cut = { dropped: [], redone: [] };

function requireCut({ claim, entries }: Pick<Taken, "claim" | "entries">, key: string): Cut {
  const cut = cutAt(entries, key);
  if (cut === null) throw stepUnknown(claim.run, key);
  requireNotUndone({ claim, entries }, cut, key);
  return cut;
}

function requireNotUndone({ claim, entries }: Pick<Taken, "claim" | "entries">, cut: Cut, key: string): void {
  if (buildsOnUndone(entries, cut))
    throw runProblems.STEP_UNDONE(
      `What came before "${key}" in run ${claim.run} was taken back; retry from "${firstUndone(entries)}" or before.`,
    );
}

/** What is waited for comes by its own way, and a child has a run of its own. */
function requireStep(entries: readonly Entry[], key: string): void {
  const other = entries.find(
    (entry) => entry.key === key && entryKinds[entry.kind].of.length > 0 && !belongsTo(entry.kind, "step"),
  );
  if (other !== undefined) throw runProblems.NOT_A_STEP(`"${key}" is no step: its journal says ${other.kind}.`);
}

function stepUnknown(run: RunId, key: string): Error {
  return runProblems.STEP_UNKNOWN(`Run ${run} has no step "${key}"; \`baton runs show ${run}\` lists them.`);
}

/** A step that has not written anything yet is known to the run in memory alone. */
function isOpenStep(entries: readonly Entry[], key: string, resident: Resident | null): boolean {
  return entries.some((entry) => entry.key === key) || resident?.isActing(key) === true;
}

function keptBy(cut: Cut | null, entries: readonly Entry[]): Draft[] {
  if (cut === null) return [];
  const dropped = new Set(cut.dropped);
  const firstDropped = cut.dropped[0]?.seq ?? Number.POSITIVE_INFINITY;
  const isKept = (entry: Entry): boolean =>
    entry.key !== null && !dropped.has(entry) && (entry.kind !== "signal-received" || entry.seq < firstDropped);
  return closed(entries.filter(isKept)).map(({ kind, key, hash, data, at }) => ({ kind, key, hash, data, at }));
}

/** A child that has not told its end would tell it to the run that started it, and to no other. */
function closed(entries: readonly Entry[]): Entry[] {
  const ended = new Set(
    entries.filter(({ kind }) => kind === "child-completed" || kind === "child-failed").map(({ key }) => key),
  );
  return entries.filter(({ kind, key }) => kind !== "child-started" || ended.has(key));
}

function isCorrupt({ run }: RunRecord): boolean {
  return run.status === "paused" && run.reason === "corrupt";
}

function redone(key: string, generation: number): Draft {
  return { kind: "step-redone", key, hash: 0, data: JSON.stringify({ generation } satisfies Facts["step-redone"]) };
}

function draft<K extends EntryKind>(kind: K, fact: Facts[K]): Draft {
  return { kind, key: null, hash: 0, data: JSON.stringify(fact) };
}

export function canceled(run: RunId, by: string, reason: string | null): CutShort {
  const { problem } = runProblems.RUN_CANCELED(`Run ${run} was canceled by ${by}${reason === null ? "" : `: ${reason}`}.`);
  return { status: "canceled", problem, entry: draft("run-canceled", { by, reason }) };
}
