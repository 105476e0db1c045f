// From rows to runs: the only place where columns are read into the union, asserting as it reads.

import type { Json } from "../base/json.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import {
  type Entry,
  entryKindOf,
  type PauseReason,
  type Progress,
  type Run,
  type RunCore,
  type RunStatus,
  runProblems,
} from "../run.ts";
import type { runIds } from "./ids.ts";
import type { RunRecord } from "./store.ts";

export interface RunRow {
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly content_hash: string;
  readonly source: string;
  readonly key: string | null;
  readonly status: RunStatus;
  readonly reason: PauseReason | null;
  readonly input: string;
  readonly output: string | null;
  readonly problem: string | null;
  readonly progress: string | null;
  readonly seed: number;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly deadline_at: number | null;
  readonly wake_at: number | null;
  readonly continued: number;
  readonly root: number;
  readonly depth: number;
  readonly since: number;
  readonly parent: number | null;
  readonly parent_key: string | null;
  readonly parent_close: "cancel" | "keep" | null;
}

export const RUN_COLUMNS = `
  r.id, w.namespace, w.name, w.version, w.content_hash, w.source, k.key,
  r.status, r.reason, r.input, r.output, r.problem, r.progress, r.seed, r.started_at, r.ended_at, r.deadline_at, r.wake_at,
  r.continued, r.root, r.depth, r.since, r.parent, r.parent_key, r.parent_close
  from runs r join workflows w on w.id = r.workflow left join start_keys k on k.run = r.id`;

type Ids = ReturnType<typeof runIds>;

export function recordOf(row: RunRow, ids: Ids): RunRecord {
  const { parent, parent_key: key, parent_close: close } = row;
  return {
    number: row.id,
    run: runOf(row, ids),
    seed: row.seed,
    deadlineAt: row.deadline_at,
    wakeAt: row.wake_at,
    root: row.root,
    depth: row.depth,
    since: row.since,
    parent: parent === null || key === null || close === null ? null : { number: parent, key, close },
  };
}

export function runOf(row: RunRow, ids: Ids): Run {
  const core = coreOf(row, ids);
  const problem = row.problem === null ? null : (read(row.problem, row, "problem") as unknown as Problem);
  switch (row.status) {
    case "pending":
    case "running":
      return { ...core, status: row.status };
    case "waiting":
      return { ...core, status: "waiting", wakeAt: row.wake_at };
    case "paused":
      return { ...core, status: "paused", reason: there(row.reason, row, "reason"), problem };
    case "completed":
      return {
        ...core,
        status: "completed",
        endedAt: there(row.ended_at, row, "ended_at"),
        output: read(there(row.output, row, "output"), row, "output"),
      };
    default:
      return {
        ...core,
        status: row.status,
        endedAt: there(row.ended_at, row, "ended_at"),
        problem: there(problem, row, "problem"),
      };
  }
}

/** In a list, a row that cannot be read is told as what it is, and hides no other. */
export function listedRunOf(row: RunRow, ids: Ids): Run {
  try {
    return runOf(row, ids);
  } catch (error) {
    if (!isProblemError(error)) throw error;
    const core = coreOf({ ...row, input: "null", progress: null }, ids);
    return { ...core, status: "paused", reason: "corrupt", problem: error.problem };
  }
}

function coreOf(row: RunRow, ids: Ids): RunCore {
  return {
    id: ids.of(row.id),
    workflow: { namespace: row.namespace, name: row.name, version: row.version },
    contentHash: row.content_hash === "" ? null : row.content_hash,
    source: row.source === "" ? null : row.source,
    key: row.key,
    input: read(row.input, row, "input"),
    startedAt: row.started_at,
    parent: row.parent === null ? null : ids.of(row.parent),
    continued: row.continued,
    progress: row.progress === null ? null : (read(row.progress, row, "progress") as unknown as Progress),
  };
}

function there<T>(value: T | null, row: RunRow, column: string): T {
  if (value === null) throw runProblems.RUN_CORRUPT(`Run row ${row.id} is ${row.status} without ${column}.`);
  return value;
}

function read(text: string, row: RunRow, column: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw runProblems.RUN_CORRUPT(`Column ${column} of run row ${row.id} is not JSON.`);
  }
}

export interface EntryRow {
  readonly seq: number;
  readonly kind: number;
  readonly key: string | null;
  readonly hash: number;
  readonly at: number;
  readonly data: string;
}

export function entryOf(row: EntryRow): Entry {
  const kind = entryKindOf(row.kind);
  if (kind === null)
    throw runProblems.RUN_CORRUPT(`Journal entry ${row.seq} is of kind ${row.kind}, which this version does not know.`);
  return { seq: row.seq, kind, key: row.key, hash: row.hash, at: row.at, data: row.data };
}
