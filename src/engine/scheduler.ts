// Schedules: what starts by itself.
//
// A firing is a moment of a timetable. The run it starts has the key `schedule/NAME/MOMENT`, so that a firing that is
// looked at twice, after a crash or a jump of the clock, starts once; what is settled is written down after that.

import type { Clock, Timer } from "../base/clock.ts";
import type { RunId } from "../base/id.ts";
import { canonicalJson, type Json } from "../base/json.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import { rfc3339 } from "../base/time.ts";
import {
  type CatchUp,
  dueFirings,
  firings,
  isEnd,
  limits,
  type Run,
  readTimetable,
  runProblems,
  type Timetable,
  type WrittenTimetable,
} from "../run.ts";
import type { Store } from "../store.ts";
import type { Engine } from "./port.ts";

/** What to do with a firing while the run of the one before has not ended. */
export type Overlap = "skip" | "queue" | "parallel";

/** What a schedule is. Moments are Unix ms. */
export interface ScheduleDefinition {
  readonly name: string;
  /** `namespace/name`, of the newest version that is loaded. */
  readonly workflow: string;
  /** `path#export` of the file it comes from; null for one a program made known. */
  readonly source: string | null;
  readonly input: Json;
  readonly timetable: Timetable;
  readonly overlap: Overlap;
  readonly catchUp: CatchUp;
  readonly madeAt: number;
}

/** How a schedule stands. */
export interface ScheduleState {
  readonly isPaused: boolean;
  /** Firings up to here are settled: started, skipped or missed. */
  readonly settledAt: number;
  /** Firings that wait for the run before them to end, oldest first. */
  readonly queued: readonly number[];
  readonly lastRun: RunId | null;
  readonly lastEndedAt: number | null;
  readonly started: number;
  readonly skipped: number;
  readonly missed: number;
  /** Why the newest firing started nothing. */
  readonly problem: Problem | null;
}

export interface Schedule {
  readonly definition: ScheduleDefinition;
  readonly state: ScheduleState;
}

/** A schedule as its author writes it. */
export interface WrittenSchedule extends WrittenTimetable {
  readonly name: string;
  readonly workflow: string;
  readonly source: string | null;
  readonly input: Json;
  readonly overlap: Overlap;
  readonly catchUp: CatchUp;
}

export interface Scheduling {
  readonly store: Pick<Store, "schedules">;
  readonly engine: Engine;
  /** Starts the workflow of a schedule; the same key gives the same run. */
  start(definition: ScheduleDefinition, key: string): Promise<RunId>;
  run(id: RunId): Promise<Run | null>;
  whenSettled(run: RunId, then: () => void): Disposable;
}

/** The clock is looked at so often at least: it may have jumped. In ms. */
const LOOK_EVERY_MS = 30_000;

/** Firings that wait in one queue; more are skipped. */
const QUEUED_MAX = 1_000;

export class Scheduler {
  readonly #world: Scheduling;
  readonly #schedules = new Map<string, Schedule>();
  readonly #nextAt = new Map<string, number | null>();
  readonly #followed = new Map<string, Disposable>();
  #timer: Timer | null = null;
  #isLooking = false;
  #isStarted = false;
  #isLookedForAgain = false;

  constructor(world: Scheduling) {
    this.#world = world;
    for (const schedule of readSchedules(world.store)) this.#schedules.set(schedule.definition.name, schedule);
  }

  get #clock(): Clock {
    return this.#world.engine.clock;
  }

  /** From now on firings start runs. */
  start(): void {
    this.#isStarted = true;
    this.#look();
  }

  stop(): void {
    this.#isStarted = false;
    this.#timer?.cancel();
    for (const following of this.#followed.values()) following[Symbol.dispose]();
  }

  /** Throws SCHEDULE_INVALID / SCHEDULE_TAKEN. */
  async add(written: WrittenSchedule): Promise<Schedule> {
    const { name, workflow, source, input, overlap, catchUp } = written;
    if (this.#schedules.has(name)) throw runProblems.SCHEDULE_TAKEN(`There is a schedule "${name}" already.`);
    if (this.#schedules.size >= limits.SCHEDULES_MAX)
      throw runProblems.SCHEDULE_INVALID(`There are ${limits.SCHEDULES_MAX} schedules (SCHEDULES_MAX).`);
    const madeAt = this.#clock.now();
    const timetable = readTimetable(timetableOf(written), madeAt);
    const definition = { name, workflow, source, input, timetable, overlap, catchUp, madeAt };
    const none = { queued: [], lastRun: null, lastEndedAt: null, started: 0, skipped: 0, missed: 0, problem: null };
    return await this.#keep({ definition, state: { ...none, isPaused: false, settledAt: madeAt } });
  }

  /** Adds a schedule, or makes the one of this name as it is written now. Throws SCHEDULE_INVALID. */
  async set(written: WrittenSchedule): Promise<Schedule> {
    const known = this.#schedules.get(written.name);
    if (known === undefined) return await this.add(written);
    const now = this.#clock.now();
    const timetable = readTimetable(timetableOf(written), now);
    const { workflow, source, input, overlap, catchUp } = written;
    const definition = { ...known.definition, workflow, source, input, overlap, catchUp, timetable };
    if (isSame(definition, known.definition)) return known;
    return await this.#keep({ definition: { ...definition, madeAt: now }, state: { ...known.state, settledAt: now } });
  }

  /** Removes the schedule of a workflow that has none any more. */
  async letGo({ name, workflow, source }: Pick<WrittenSchedule, "name" | "workflow" | "source">): Promise<void> {
    const definition = this.#schedules.get(name)?.definition;
    if (definition?.workflow === workflow && definition.source === source) await this.remove(name);
  }

  /** Throws SCHEDULE_UNKNOWN. */
  async remove(name: string): Promise<void> {
    this.get(name);
    await this.#world.engine.keep([{ kind: "schedule-gone", name }]);
    this.#schedules.delete(name);
    this.#nextAt.delete(name);
  }

  /** Nothing fires until it is resumed, and nothing of it is made up for afterwards. */
  async pause(name: string): Promise<Schedule> {
    const { definition, state } = this.get(name);
    const skipped = state.skipped + state.queued.length;
    return await this.#keep({ definition, state: { ...state, isPaused: true, queued: [], skipped } });
  }

  async resume(name: string): Promise<Schedule> {
    const { definition, state } = this.get(name);
    const settledAt = state.isPaused ? Math.max(state.settledAt, this.#clock.now()) : state.settledAt;
    return await this.#keep({ definition, state: { ...state, isPaused: false, settledAt } });
  }

  /** Throws SCHEDULE_UNKNOWN. */
  get(name: string): Schedule {
    const found = this.#schedules.get(name);
    if (found === undefined) throw runProblems.SCHEDULE_UNKNOWN(`There is no schedule "${name}".`);
    return found;
  }

  async #keep(schedule: Schedule): Promise<Schedule> {
    const { definition, state } = schedule;
    const texts = { definitionText: JSON.stringify(definition), stateText: JSON.stringify(state) };
    await this.#world.engine.keep([{ kind: "schedule", name: definition.name, ...texts }]);
    this.#schedules.set(definition.name, schedule);
    this.#nextAt.delete(definition.name);
    this.#look();
    return schedule;
  }

  /** Fires what is due, then sleeps until the next. One look at a time. */
  #look(): void {
    if (!this.#isStarted) return;
    this.#isLookedForAgain = this.#isLooking;
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#lookNow()
      .catch(() => undefined) // only a stopped engine rejects, and tells everybody itself
      .finally(() => {
        this.#isLooking = false;
        if (this.#isLookedForAgain) this.#look();
        else this.#sleep();
      });
  }

  async #lookNow(): Promise<void> {
    for (const name of [...this.#schedules.keys()]) {
      const nextAt = this.#nextAt.get(name);
      if (nextAt !== undefined && (nextAt === null || nextAt > this.#clock.now())) continue;
      await this.#fire(name);
    }
  }

  #sleep(): void {
    this.#timer?.cancel();
    if (!this.#isStarted || this.#schedules.size === 0) return;
    const now = this.#clock.now();
    let at = now + LOOK_EVERY_MS;
    for (const nextAt of this.#nextAt.values()) at = Math.min(at, nextAt ?? at);
    this.#timer = this.#clock.after(Math.max(1, at - now), () => this.#look());
  }

  async #fire(name: string): Promise<void> {
    const before = this.#schedules.get(name);
    if (before === undefined || before.state.isPaused) return void this.#nextAt.set(name, null);
    const { definition } = before;
    let state = await this.#follow(before);
    const due = dueFirings(
      definition.timetable,
      state.settledAt,
      this.#clock.now(),
      definition.catchUp,
      endedAt(state, definition),
    );
    for (const at of state.queued.length > 0 ? [state.queued[0] as number] : [])
      state = await this.#startQueued(definition, state, at);
    for (const at of due.fire) state = await this.#startAt(definition, state, at);
    state = { ...state, settledAt: due.settledAt, missed: state.missed + due.missed };
    const meanwhile = this.#schedules.get(name);
    if (meanwhile?.definition !== definition) return; // removed meanwhile
    if (meanwhile.state.isPaused) state = { ...state, queued: [] };
    state = { ...state, isPaused: meanwhile.state.isPaused, settledAt: Math.max(state.settledAt, meanwhile.state.settledAt) };
    if (JSON.stringify(state) !== JSON.stringify(before.state)) {
      this.#schedules.set(name, { definition, state });
      const texts = { definitionText: JSON.stringify(definition), stateText: JSON.stringify(state) };
      await this.#world.engine.keep([{ kind: "schedule", name, ...texts }]);
    }
    this.#nextAt.set(name, this.#nextOf(definition, state, due.next));
  }

  #nextOf(definition: ScheduleDefinition, state: ScheduleState, next: number | null): number | null {
    if (definition.timetable.kind !== "after") return next;
    return next ?? firings(definition.timetable, state.settledAt, 1, endedAt(state, definition))[0] ?? null;
  }

  /** How the last run stands now; looked at again when it ends. */
  async #follow({ definition: { name }, state }: Schedule): Promise<ScheduleState> {
    if (state.lastRun === null || state.lastEndedAt !== null) return state;
    this.#followed.get(name)?.[Symbol.dispose]();
    const again = (): void => {
      this.#nextAt.delete(name);
      this.#look();
    };
    this.#followed.set(name, this.#world.whenSettled(state.lastRun, again));
    const run = await this.#world.run(state.lastRun);
    if (run !== null && !isEnd(run.status)) return state;
    return { ...state, lastEndedAt: run !== null && "endedAt" in run ? run.endedAt : this.#clock.now() };
  }

  async #startAt(definition: ScheduleDefinition, state: ScheduleState, at: number): Promise<ScheduleState> {
    const isOpen = state.lastRun !== null && state.lastEndedAt === null;
    if (isOpen && definition.overlap === "skip") return { ...state, skipped: state.skipped + 1 };
    if (isOpen && definition.overlap === "queue") {
      const isFull = state.queued.length >= QUEUED_MAX;
      return isFull ? { ...state, skipped: state.skipped + 1 } : { ...state, queued: [...state.queued, at] };
    }
    return await this.#startRun(definition, state, at);
  }

  async #startQueued(definition: ScheduleDefinition, state: ScheduleState, at: number): Promise<ScheduleState> {
    if (state.lastRun !== null && state.lastEndedAt === null) return state;
    return await this.#startRun(definition, { ...state, queued: state.queued.slice(1) }, at);
  }

  /** A firing whose run cannot be started is told, and is over: the next one tries again. */
  async #startRun(definition: ScheduleDefinition, state: ScheduleState, at: number): Promise<ScheduleState> {
    try {
      const run = await this.#world.start(definition, `schedule/${definition.name}/${rfc3339(at)}`);
      const began = { ...state, lastRun: run, lastEndedAt: null, started: state.started + 1, problem: null };
      return await this.#follow({ definition, state: began });
    } catch (error) {
      if (!isProblemError(error) || error.problem.status === 503) throw error;
      return { ...state, problem: error.problem };
    }
  }
}

/** All schedules as they are kept. */
export function readSchedules(store: Pick<Store, "schedules">): Schedule[] {
  return store.schedules().map(({ definitionText, stateText }) => ({
    definition: JSON.parse(definitionText) as ScheduleDefinition,
    state: JSON.parse(stateText) as ScheduleState,
  }));
}

/** Its next firings; none while it is paused. */
export function nextFirings({ definition, state }: Schedule, now: number, count: number): readonly number[] {
  const { timetable } = definition;
  if (state.isPaused) return [];
  const from = timetable.kind === "after" ? state.settledAt : Math.max(state.settledAt, now);
  return firings(timetable, from, count, endedAt(state, definition));
}

/** When the last run ended, or the schedule was made; null while one is open. */
function endedAt({ lastRun, lastEndedAt }: ScheduleState, { madeAt }: ScheduleDefinition): number | null {
  return lastRun === null ? madeAt : lastEndedAt;
}

/** Whether two are written alike: where `every` began to count is not written. */
function isSame(a: ScheduleDefinition, b: ScheduleDefinition): boolean {
  const written = ({ timetable, ...rest }: ScheduleDefinition): string =>
    canonicalJson({ ...rest, timetable: { ...timetable, anchorAt: 0 } });
  return written(a) === written(b);
}

function timetableOf({ cron, zone, every, after }: WrittenSchedule): WrittenTimetable {
  return Object.fromEntries(Object.entries({ cron, zone, every, after }).filter(([, value]) => value !== undefined));
}
