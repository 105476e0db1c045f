// Readings of one journal: what its entries say about operations. Folds, so that a long journal is read in pages.

import type { RunId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import { unreachable } from "../base/never.ts";
import { type Asked, type Entry, type EntryKind, type Facts, factOf, type OperationKind } from "./entry.ts";
import type { Failure } from "./failure.ts";
import { runProblems } from "./problems.ts";

export type OperationStatus = "running" | "waiting" | "completed" | "failed" | "skipped" | "canceled";

/** One operation as the journal tells it. Moments are Unix ms; null where nothing was written yet. */
export interface OperationReading {
  readonly key: string;
  kind: OperationKind;
  status: OperationStatus;
  attempts: number;
  readonly firstAt: number;
  endedAt: number | null;
  /** JSON text of what came of it. */
  outputText: string | null;
  failure: Failure | null;
  /** What it waits for, in words, and until when. */
  waitsFor: string | null;
  waitsUntil: number | null;
  asked: Asked | null;
  /** The child run, where it is one. */
  child: RunId | null;
  /** How long it was in line, acted, rested between attempts, and waited, as far as the journal says. */
  readonly spent: Record<Phase, number>;
  /** What it has been doing since its last entry. */
  phase: Phase;
  phaseAt: number;
}

/** What takes the time of an operation. */
export type Phase = "queue" | "run" | "backoff" | "wait";

/** What an operation does after a fact; the same as before where it is not named. */
const PHASES: Partial<Record<EntryKind, Phase>> = {
  queued: "queue",
  "step-started": "run",
  "attempt-failed": "backoff",
  "timer-set": "wait",
  "wait-began": "wait",
  "listen-began": "wait",
  asked: "wait",
  "child-started": "wait",
};

/** A result that was less than what was asked for, as the run's log says it. */
export interface DegradedResult {
  /** What was called. */
  readonly target: string;
  readonly how: string;
  readonly because: string;
  readonly ageMs?: number;
}

export function degradedIn(entries: readonly Entry[]): DegradedResult[] {
  return entries.flatMap((entry) => {
    if (entry.kind !== "logged" || !entry.data.includes('"degraded"')) return [];
    const { data } = factOf(entry as Entry & { kind: "logged" });
    const { degraded } = (typeof data === "object" && data !== null ? data : {}) as { degraded?: DegradedResult };
    return typeof degraded?.target === "string" && typeof degraded.how === "string" ? [degraded] : [];
  });
}

/** Everything the journal says about operations, by key, in the order they first appear. */
export type JournalReading = Map<string, OperationReading>;

export function readEntries(reading: JournalReading, entries: readonly Entry[]): JournalReading {
  for (const entry of entries) {
    try {
      readEntry(reading, entry);
    } catch (error) {
      throw runProblems.RUN_CORRUPT(`Journal entry ${entry.seq} (${entry.kind}) cannot be read.`, { cause: error });
    }
  }
  return reading;
}

function readEntry(reading: JournalReading, entry: Entry): void {
  if (entry.kind === "continued") reading.clear();
  if (entry.kind === "signal-received") takeSignal(reading, entry as Read<"signal-received">);
  if (entry.key === null || NOT_OF_OPERATIONS.has(entry.kind)) return;
  const known = reading.get(entry.key);
  const operation = known ?? begun(entry, entry.key);
  if (known === undefined) reading.set(entry.key, operation);
  if (operation.endedAt !== null) return;
  spend(operation, entry);
  take(operation, entry);
}

/** A clock that went back takes no time away. */
function spend(operation: OperationReading, { kind, at }: Entry): void {
  operation.spent[operation.phase] += Math.max(0, at - operation.phaseAt);
  operation.phase = PHASES[kind] ?? operation.phase;
  operation.phaseAt = at;
}

/** Those that have a key and tell nothing of where its operation stands. */
const NOT_OF_OPERATIONS = new Set<EntryKind>(["signal-received", "logged", "step-redone"]);

/** The first who waits for it has it; with nobody there it is kept for later. */
function takeSignal(reading: JournalReading, entry: Read<"signal-received">): void {
  const { name, value } = factOf(entry);
  const sentence = signalWait(name);
  for (const operation of reading.values()) {
    if (operation.waitsFor !== sentence) continue;
    ends(operation, entry, "completed", JSON.stringify(value));
    return;
  }
}

function signalWait(name: string): string {
  return `signal "${name}"`;
}

function begun(entry: Entry, key: string): OperationReading {
  return {
    ...{ key, kind: "step", status: "running", attempts: 0, firstAt: entry.at, endedAt: null, outputText: null },
    ...{ failure: null, waitsFor: null, waitsUntil: null, asked: null, child: null },
    ...{ spent: { queue: 0, run: 0, backoff: 0, wait: 0 }, phase: "run", phaseAt: entry.at },
  };
}

type Read<K extends EntryKind> = Entry & { readonly kind: K };

/** The one place that says what each fact means for its operation. */
function take(operation: OperationReading, entry: Entry): void {
  switch (entry.kind) {
    case "step-started":
      return goesOn(operation, factOf(entry as Read<"step-started">).attempt);
    case "queued":
      return waits(operation, "step", factOf(entry as Read<"queued">).words.replace(/^waits for /, ""), null);
    case "attempt-failed":
      return takeFailedAttempt(operation, factOf(entry as Read<"attempt-failed">));
    case "step-completed":
      operation.attempts = Math.max(1, operation.attempts);
      return ends(operation, entry, "completed", entry.data === "" ? null : entry.data);
    case "step-failed":
      return takeFailure(operation, entry as Read<"step-failed">);
    case "timer-set":
      return waits(operation, "sleep", "a timer", factOf(entry as Read<"timer-set">).fireAt);
    case "wait-began": {
      const { signal, deadlineAt } = factOf(entry as Read<"wait-began">);
      return waits(operation, "signal-wait", signalWait(signal), deadlineAt);
    }
    case "asked":
      operation.asked = factOf(entry as Read<"asked">);
      return waits(operation, "ask", `an answer to "${operation.asked.name}"`, operation.asked.deadlineAt);
    case "child-started":
      operation.child = factOf(entry as Read<"child-started">).run;
      return waits(operation, "child-run", `child run ${operation.child}`, null);
    case "timer-fired":
    case "wait-timed-out":
    case "ask-timed-out":
      return ends(operation, entry, "completed", null);
    case "answered":
    case "child-completed":
      return ends(operation, entry, "completed", entry.data);
    case "signal-sent":
      operation.kind = "signal-send";
      return ends(operation, entry, "completed", entry.data);
    case "child-launched":
      operation.kind = "child-start";
      operation.child = factOf(entry as Read<"child-launched">).run;
      return ends(operation, entry, "completed", entry.data);
    case "event-emitted":
      operation.kind = "emit";
      return ends(operation, entry, "completed", entry.data);
    case "listen-began": {
      const { filter, count, deadlineAt } = factOf(entry as Read<"listen-began">);
      const which = filter.type === undefined ? "any type" : `type "${filter.type}"`;
      return waits(operation, "listen", `${count === 1 ? "an event" : `${count} events`} of ${which}`, deadlineAt);
    }
    case "events-received":
      return ends(operation, entry, "completed", JSON.stringify(factOf(entry as Read<"events-received">).events));
    case "patched":
    case "undo-added":
      operation.kind = entry.kind === "patched" ? "patch" : "compensation";
      return ends(operation, entry, "completed", null);
    case "step-skipped":
      return ends(operation, entry, "skipped", JSON.stringify(factOf(entry as Read<"step-skipped">).output));
    case "ask-declined":
      return takeDecline(operation, entry as Read<"ask-declined">);
    case "child-failed":
      return takeChildFailure(operation, entry as Read<"child-failed">);
    case "signal-received":
    case "logged":
    case "run-canceled":
    case "run-timed-out":
    case "run-paused":
    case "run-resumed":
    case "continued":
    case "run-retried":
    case "forked":
    case "step-redone":
    case "heartbeat":
    case "unwinding":
    case "migrated":
      return; // about the run, not about an operation
    default:
      return unreachable(entry.kind);
  }
}

function goesOn(operation: OperationReading, attempt: number): void {
  operation.attempts = attempt;
  operation.status = "running";
  operation.waitsFor = null;
  operation.waitsUntil = null;
}

function takeFailedAttempt(operation: OperationReading, { attempt, failure, retryAt }: Facts["attempt-failed"]): void {
  operation.attempts = attempt;
  operation.failure = failure;
  waits(operation, "step", `attempt ${attempt + 1} of step "${operation.key}"`, retryAt);
}

function takeFailure(operation: OperationReading, entry: Read<"step-failed">): void {
  const { attempts, failure } = factOf(entry);
  operation.attempts = attempts;
  operation.failure = failure;
  ends(operation, entry, "failed", null);
}

function takeDecline(operation: OperationReading, entry: Read<"ask-declined">): void {
  const { who, reason } = factOf(entry);
  const message = `${who ?? "Somebody"} declined to answer${reason === null ? "" : `: ${reason}`}.`;
  operation.failure = { code: "ASK_DECLINED", message, name: "ASK_DECLINED" };
  ends(operation, entry, "failed", null);
}

function takeChildFailure(operation: OperationReading, entry: Read<"child-failed">): void {
  const { status, problem } = factOf(entry);
  operation.failure = { code: problem.code, message: problem.detail, name: problem.title };
  ends(operation, entry, status, null);
}

function waits(operation: OperationReading, kind: OperationKind, what: string, until: number | null): void {
  operation.kind = kind;
  operation.status = "waiting";
  operation.waitsFor = what;
  operation.waitsUntil = until;
}

function ends(operation: OperationReading, entry: Entry, status: OperationStatus, outputText: string | null): void {
  operation.status = status;
  operation.endedAt = entry.at;
  operation.outputText = outputText;
  operation.waitsFor = null;
  operation.waitsUntil = null;
}

/** A question that waits for a person. */
export interface OpenQuestion extends Asked {
  readonly key: string;
  readonly askedAt: number;
}

export function openQuestions(reading: JournalReading): OpenQuestion[] {
  return [...reading.values()].flatMap(({ asked, endedAt, key, firstAt }) =>
    asked === null || endedAt !== null ? [] : [{ ...asked, key, askedAt: firstAt }],
  );
}

export interface StepCounts {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function countSteps(reading: JournalReading): StepCounts {
  const steps = [...reading.values()].filter(({ kind }) => kind === "step");
  const count = (status: OperationStatus) => steps.filter((step) => step.status === status).length;
  return { total: steps.length, completed: count("completed"), failed: count("failed"), skipped: count("skipped") };
}

/** What an entry carries, as JSON for people and programs. */
export function dataOf(entry: Entry): Json {
  return entry.data === "" ? null : (JSON.parse(entry.data) as Json);
}
