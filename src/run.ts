/**
 * A run: its journal, its statuses, how a failed attempt is followed, and its limits. Pure: no clock, no chance, no I/O.
 */
export type { Asked, Entry, EntryKind, Facts, LogLevel, OperationKind, Unwinding } from "./run/entry.ts";
export { belongsTo, endsOperation, entryKindOf, entryKinds, factOf } from "./run/entry.ts";
export type { CloudEvent, EventFilter, EventInit } from "./run/event.ts";
export { matches, readEvent } from "./run/event.ts";
export type { Failure } from "./run/failure.ts";
export { errorFrom, failureOf, NonRetryableError, RetryAfterError, retryAdvice } from "./run/failure.ts";
export * as limits from "./run/limits.ts";
export { runProblems } from "./run/problems.ts";
export { type FieldFilter, type RunFilter, readQuery } from "./run/query.ts";
export type {
  DegradedResult,
  JournalReading,
  OpenQuestion,
  OperationReading,
  OperationStatus,
  StepCounts,
} from "./run/reading.ts";
export { countSteps, dataOf, degradedIn, openQuestions, readEntries } from "./run/reading.ts";
export type { RetentionPolicy } from "./run/retention.ts";
export { RETENTION, readRetention } from "./run/retention.ts";
export type { AfterFailure, FailedAttempt, RetryPolicy } from "./run/retry.ts";
export { afterFailure, readRetryPolicy, TRY_ONCE } from "./run/retry.ts";
export type { Cut } from "./run/rewind.ts";
export { buildsOnUndone, cutAt, firstUndone, lastFailure, UNDO } from "./run/rewind.ts";
export type { EndedRun, PauseReason, Progress, Run, RunCore, RunStatus, WorkflowName } from "./run/run.ts";
export { hasEnded, isEnd, mayBecome, RUN_STATUSES } from "./run/run.ts";
export type { CatchUp, DueFirings, Timetable, WrittenTimetable } from "./run/timetable.ts";
export { dueFirings, firings, inWords, readTimetable } from "./run/timetable.ts";
