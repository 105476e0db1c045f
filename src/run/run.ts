// A run: one execution of a workflow, and its whole life.

import type { RunId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import type { Problem } from "../base/problem.ts";

/** Why a run is paused: by a person, or because going on would be wrong. */
export type PauseReason = "operator" | "not_loaded" | "replay_mismatch" | "corrupt" | "budget";

export interface WorkflowName {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
}

/** What is true of a run in every status. Moments are Unix ms. */
export interface RunCore {
  readonly id: RunId;
  readonly workflow: WorkflowName;
  /** Hash of the code that started it, where it came from a file; for people. */
  readonly contentHash: string | null;
  /** `path#export` of the file the workflow came from; null for one defined inside a program. */
  readonly source: string | null;
  readonly key: string | null;
  readonly input: Json;
  readonly startedAt: number;
  readonly parent: RunId | null;
  /** How often `continueAs` began a new journal. */
  readonly continued: number;
  readonly progress: Progress | null;
}

export interface Progress {
  readonly done: number;
  readonly of: number | null;
  readonly message: string | null;
}

/**
 * One execution of a workflow. Each status carries what is true in it and nothing else: only an ended run has an
 * end, only a completed one an output, only a paused one a reason.
 */
export type Run = RunCore &
  (
    | { readonly status: "pending" | "running" }
    | { readonly status: "waiting"; readonly wakeAt: number | null }
    | { readonly status: "paused"; readonly reason: PauseReason; readonly problem: Problem | null }
    | { readonly status: "completed"; readonly endedAt: number; readonly output: Json }
    | { readonly status: "failed"; readonly endedAt: number; readonly problem: Problem }
    | { readonly status: "canceled"; readonly endedAt: number; readonly problem: Problem }
  );

export type RunStatus = Run["status"];

export type EndedRun = Extract<Run, { endedAt: number }>;

/** The whole life of a run. Everything the engine does to a run is one of these arrows. */
export const mayBecome = {
  pending: ["running", "waiting", "paused", "failed", "canceled"], // waiting: its first act was to wait
  running: ["running", "waiting", "paused", "completed", "failed", "canceled"], // running again: its owner died and another carries it
  waiting: ["running", "paused", "completed", "failed", "canceled"], // completed: what it waited for was the last thing
  paused: ["pending", "running", "waiting", "failed", "canceled"], // pending: it stands in line
  completed: ["pending", "running"], // a person has a part of it done again
  failed: ["pending", "running"],
  canceled: ["pending", "running"],
} as const satisfies Record<RunStatus, readonly RunStatus[]>;

export const RUN_STATUSES = Object.keys(mayBecome) as readonly RunStatus[];

export function hasEnded(run: Run): run is EndedRun {
  return isEnd(run.status);
}

export function isEnd(status: RunStatus): status is EndedRun["status"] {
  return status === "completed" || status === "failed" || status === "canceled";
}
