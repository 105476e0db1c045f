// Schedules as the API tells them.

import type { OutputOf, ScheduleLine } from "../api.ts";
import type { RunId } from "../base/id.ts";
import { rfc3339 } from "../base/time.ts";
import { nextFirings, readSchedules, type Schedule } from "../engine.ts";
import { inWords, runProblems } from "../run.ts";
import type { Store } from "../store.ts";

export function listSchedules(store: Store, now: number): OutputOf<"schedules.list"> {
  return { schedules: readSchedules(store).map((schedule) => scheduleLineOf(schedule, now)) };
}

export function nextOf(store: Store, name: string, count: number, now: number): OutputOf<"schedules.next"> {
  const schedule = readSchedules(store).find(({ definition }) => definition.name === name);
  if (schedule === undefined) throw runProblems.SCHEDULE_UNKNOWN(`There is no schedule "${name}".`);
  return { name, firings: nextFirings(schedule, now, count).map(rfc3339) };
}

export function scheduleLineOf(schedule: Schedule, now: number): ScheduleLine {
  const { definition, state } = schedule;
  const [next] = nextFirings(schedule, now, 1);
  return {
    name: definition.name,
    workflow: definition.workflow,
    ...(definition.source === null ? {} : { source: definition.source }),
    when: inWords(definition.timetable),
    input: definition.input,
    overlap: definition.overlap,
    catchUp: typeof definition.catchUp === "object" ? definition.catchUp.all : definition.catchUp,
    paused: state.isPaused,
    ...(next === undefined ? {} : { next: rfc3339(next) }),
    ...(state.lastRun === null ? {} : { lastRun: state.lastRun as RunId }),
    started: state.started,
    skipped: state.skipped,
    missed: state.missed,
    queued: state.queued.length,
    ...(state.problem === null ? {} : { problem: { ...state.problem } }),
  };
}
