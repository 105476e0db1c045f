// Journal entries: what can happen to a run.
//
// A journal is the ordered list of facts about one run. Facts are written once, in
// order, and never changed. Those with a `key` belong to the operation of that name
// (`review / left-pad`, `poll #2`): a name and its ordinal within its scope.
//
// An operation's *outcome* is the fact that ends it; everything else about it
// (`step-started`, `attempt-failed`, `timer-set`, `asked`, `wait-began`) only tells
// where it stands. What is recorded as text (`output`) stays text until it is needed.

import type { RunId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import type { Problem } from "../base/problem.ts";
import type { CloudEvent, EventFilter } from "./event.ts";
import type { Failure } from "./failure.ts";
import type { PauseReason } from "./run.ts";

/** The facts, with what each carries. Kinds are past-tense. Moments are Unix ms. */
export interface Facts {
  /** Written when an attempt outlives 100 ms, is a retry, or may happen at most once. */
  "step-started": { readonly attempt: number };
  "attempt-failed": { readonly attempt: number; readonly failure: Failure; readonly retryAt: number };
  "step-completed": Json;
  "step-failed": { readonly attempts: number; readonly failure: Failure };
  /** It waits for its turn before a gate; as it stood when this was written. */
  queued: { readonly gate: string; readonly words: string };
  /** A person gave the result. */
  "step-skipped": { readonly by: string; readonly output: Json };
  /** A person has it done again: with a new idempotency key. */
  "step-redone": { readonly generation: number };
  /** What a long step said of itself: where it is. */
  heartbeat: Json;
  "timer-set": { readonly fireAt: number };
  "timer-fired": null;
  "wait-began": { readonly signal: string; readonly deadlineAt: number | null };
  "wait-timed-out": null;
  /** The key is the id of the signal: one id is received once. */
  "signal-received": { readonly name: string; readonly value: Json };
  "signal-sent": { readonly run: RunId; readonly signal: string };
  asked: Asked;
  answered: { readonly by: "person" | "default"; readonly who: string | null; readonly value: Json };
  "ask-timed-out": null;
  "ask-declined": { readonly who: string | null; readonly reason: string | null };
  "child-started": { readonly run: RunId };
  "child-completed": Json;
  "child-failed": { readonly status: "failed" | "canceled"; readonly problem: Problem };
  /** A child that nobody awaits: its start is all there is to know. */
  "child-launched": { readonly run: RunId };
  /** The run was here with code that has the patch. */
  patched: null;
  /** From here on there is something to take back, should the run not complete. */
  "undo-added": null;
  /** The run is to end like this once what it did is taken back. */
  unwinding: Unwinding;
  "event-emitted": { readonly source: string; readonly id: string };
  "listen-began": ListenBegan;
  /** `lastSeq`: how far the events were read. */
  "events-received": { readonly events: readonly CloudEvent[]; readonly lastSeq: number };
  logged: { readonly level: LogLevel; readonly message: string; readonly data: Json };
  "run-canceled": { readonly by: string; readonly reason: string | null };
  "run-timed-out": { readonly timeoutMs: number };
  "run-paused": { readonly reason: PauseReason; readonly problem: Problem | null; readonly by: string | null };
  "run-resumed": { readonly by: string };
  /** A person had it go on from `from`; what came after that was taken out. */
  "run-retried": { readonly by: string; readonly from: string | null; readonly entriesDropped: number };
  /** It goes on with other code. */
  migrated: { readonly by: string; readonly from: string; readonly to: string };
  /** The first fact of a run that begins with a part of another's journal. */
  forked: { readonly from: RunId; readonly at: string | null; readonly by: string };
  /** The first fact of a journal begun by `continueAs`. */
  continued: { readonly entriesBefore: number };
}

export interface ListenBegan {
  readonly filter: EventFilter;
  readonly count: number;
  readonly afterSeq: number;
  readonly deadlineAt: number | null;
}

export interface Unwinding {
  readonly status: "failed" | "canceled";
  readonly problem: Problem;
}

export interface Asked {
  readonly name: string;
  readonly message: string | null;
  /** JSON Schema of the answer. */
  readonly schema: Json;
  /** Who may answer; null: everybody. */
  readonly to: readonly string[] | null;
  readonly deadlineAt: number | null;
  /** In a box, so that null can be a default. */
  readonly default: { readonly value: Json } | null;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export type EntryKind = keyof Facts;

/** One fact as it is kept: `data` is JSON text, so that what nobody looks at is never parsed. */
export interface Entry {
  /** Position in the store: dense or not, always growing. */
  readonly seq: number;
  readonly kind: EntryKind;
  readonly key: string | null;
  /** Hash of what the operation was asked to do; 0 where it was asked nothing but its name. */
  readonly hash: number;
  /** When it was written down, Unix ms. */
  readonly at: number;
  readonly data: string;
}

/** Operations of a workflow that the journal remembers. */
export type OperationKind =
  | "step"
  | "sleep"
  | "signal-wait"
  | "signal-send"
  | "ask"
  | "child-run"
  | "child-start"
  | "patch"
  | "compensation"
  | "emit"
  | "listen";

interface KindInfo {
  /** How it is stored. Never reused, never renumbered: journals on disk outlive versions. */
  readonly number: number;
  /** The operations it may belong to; none for facts about the run itself. */
  readonly of: readonly OperationKind[];
  /** Whether it ends its operation. */
  readonly outcome: boolean;
}

const about = (number: number, ...of: OperationKind[]): KindInfo => ({ number, of, outcome: false });
const ends = (number: number, ...of: OperationKind[]): KindInfo => ({ number, of, outcome: true });

export const entryKinds = {
  "step-completed": ends(1, "step"),
  "step-failed": ends(2, "step"),
  "step-started": about(3, "step"),
  "attempt-failed": about(4, "step"),
  "timer-set": about(5, "sleep"),
  "timer-fired": ends(6, "sleep"),
  "signal-received": about(7),
  "wait-began": about(8, "signal-wait"),
  "wait-timed-out": ends(9, "signal-wait"),
  "signal-sent": ends(10, "signal-send"),
  asked: about(11, "ask"),
  answered: ends(12, "ask"),
  "ask-timed-out": ends(13, "ask"),
  "child-started": about(14, "child-run"),
  "child-completed": ends(15, "child-run"),
  "child-failed": ends(16, "child-run"),
  "child-launched": ends(23, "child-start"),
  logged: about(17),
  "run-canceled": about(18),
  "run-timed-out": about(19),
  "run-paused": about(20),
  "run-resumed": about(21),
  continued: about(22),
  "step-skipped": ends(24, "step"),
  "step-redone": about(25, "step"),
  "run-retried": about(26),
  forked: about(27),
  "ask-declined": ends(28, "ask"),
  patched: ends(29, "patch"),
  heartbeat: about(30, "step"),
  "undo-added": ends(31, "compensation"),
  unwinding: about(32),
  queued: about(36, "step"),
  migrated: about(37),
  "event-emitted": ends(33, "emit"),
  "listen-began": about(34, "listen"),
  "events-received": ends(35, "listen"),
} as const satisfies Record<EntryKind, KindInfo>;

const byNumber = new Map(Object.entries(entryKinds).map(([kind, info]) => [info.number, kind as EntryKind]));

/** Reads a stored number; null for one this version does not know. */
export function entryKindOf(number: number): EntryKind | null {
  return byNumber.get(number) ?? null;
}

export function endsOperation(kind: EntryKind): boolean {
  return entryKinds[kind].outcome;
}

export function belongsTo(kind: EntryKind, operation: OperationKind): boolean {
  return (entryKinds[kind].of as readonly OperationKind[]).includes(operation);
}

/** What an entry carries, read. */
export function factOf<K extends EntryKind>(entry: Entry & { readonly kind: K }): Facts[K] {
  return JSON.parse(entry.data) as Facts[K];
}
