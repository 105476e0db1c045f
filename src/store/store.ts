// Where journals and records live.
//
// Promises every implementation keeps (checked by `storeConformance`):
//
//   S1. When `commit` has returned (or its promise resolved), all of it is durable:
//       it survives the death of the process, and of the machine on honest disks.
//   S2. A commit is whole or absent: no reader ever sees a part of it.
//   S3. Only the holder of the newest epoch commits; another gets STORAGE_FENCED and
//       nothing of its commit is written.
//   S4. A journal reads back in the order of its `seq`, exactly as written.
//   S5. A run that has ended changes only by being rewound or deleted, on a person's
//       word; a signal id is received once per run; a start key names one run; the
//       number of a deleted run is not given again.
//   S6. When `commit` throws, nobody knows whether it is durable, except after
//       STORAGE_FENCED; opening again tells.
//
// Runs have numbers inside (small, dense, cheap to index) and ids outside; `ids`
// translates. Numbers and seqs are handed out by the one writer, who reads where to
// go on from `tail` after it has claimed the store.

import type { RunId } from "../base/id.ts";
import type { Entry, EntryKind, PauseReason, Run, RunFilter, RunStatus, WorkflowName } from "../run.ts";
import type { Change, ChangeReads, CodeIdentity } from "./changes.ts";

/** A run as it begins. Texts are JSON. Moments are Unix ms. */
export interface RunStart {
  readonly number: number;
  readonly workflow: CodeIdentity;
  readonly status: "pending" | "running" | "waiting";
  readonly inputText: string;
  readonly key: { readonly key: string; readonly bodyHash: string } | null;
  /** Seeds the run's own random numbers: [0, 2^32). */
  readonly seed: number;
  readonly startedAt: number;
  readonly deadlineAt: number | null;
  readonly wakeAt: number | null;
  /** The first run of the family; its own number where it has no parent. */
  readonly root: number;
  readonly depth: number;
  /** The first seq that can be of something after it began. */
  readonly since: number;
  readonly parent: { readonly number: number; readonly key: string; readonly close: "cancel" | "keep" } | null;
}

export interface NewEntry {
  readonly run: number;
  readonly seq: number;
  readonly kind: EntryKind;
  readonly key: string | null;
  readonly hash: number;
  readonly at: number;
  readonly data: string;
}

/** How a run stands after a commit. The whole standing, not a difference; `progressText` null keeps what is there. */
export interface RunUpdate {
  readonly run: number;
  readonly status: RunStatus;
  readonly reason: PauseReason | null;
  readonly wakeAt: number | null;
  readonly endedAt: number | null;
  readonly outputText: string | null;
  readonly problemText: string | null;
  readonly progressText: string | null;
}

/** `continueAs`: the journal up to here is dropped, signals nobody received yet are kept. */
export interface JournalReset {
  readonly run: number;
  readonly inputText: string;
  readonly seed: number;
  /** Seqs of `signal-received` entries to keep. */
  readonly keepSeqs: readonly number[];
}

/** A person has a part done again: entries leave, and the run goes on, also one that had ended. */
export interface Rewind {
  readonly run: number;
  readonly dropSeqs: readonly number[];
  readonly deadlineAt: number | null;
}

/** One transaction. Applied in this order: starts, rewinds, resets, entries, updates, changes, stirs, deletes. */
export interface Commit {
  readonly epoch: number;
  readonly starts: readonly RunStart[];
  readonly rewinds: readonly Rewind[];
  readonly resets: readonly JournalReset[];
  readonly entries: readonly NewEntry[];
  readonly updates: readonly RunUpdate[];
  /** What is kept beside journals. */
  readonly changes: readonly Change[];
  /** Runs for which something came: those that wait count as running again, so that a crash does not forget to wake them. */
  readonly stirs: readonly number[];
  /** Runs of which nothing is kept. */
  readonly deletes: readonly number[];
}

/** What the engine needs to move a run, beside its journal. */
export interface RunRecord {
  readonly number: number;
  readonly run: Run;
  readonly seed: number;
  readonly deadlineAt: number | null;
  readonly wakeAt: number | null;
  readonly root: number;
  readonly depth: number;
  readonly since: number;
  readonly parent: { readonly number: number; readonly key: string; readonly close: "cancel" | "keep" } | null;
}

export interface RunQuery extends RunFilter {
  /** Where the page before ended. */
  readonly cursor?: string;
  readonly limit: number;
}

/** One version of a workflow as its runs know it. */
export interface KnownWorkflow extends WorkflowName {
  /** `path#export` of the file it came from last; null for one that came from a program. */
  readonly source: string | null;
  readonly runs: number;
  /** Of these, how many have not ended. */
  readonly open: number;
}

export interface RunPage {
  /** Newest first. */
  readonly runs: readonly Run[];
  readonly nextCursor: string | null;
}

/** Which runs are let go. Moments are Unix ms. */
export interface Expiry {
  /** Ended before this. */
  readonly endedBefore: number;
  /** Of each workflow only so many ended runs are kept; the newest. */
  readonly countMax: number;
  /** `namespace/name`; null: every workflow that is not in `except`. */
  readonly workflow: string | null;
  readonly except: readonly string[];
}

/** What may go. Moments are Unix ms. */
export interface TidyBefore {
  readonly eventsBefore: number;
  readonly eventCountMax: number;
  readonly passesBefore: number;
  /** Those that were counted. */
  readonly readingsBefore: number;
  readonly rollupsBefore: number;
  /** Of spans under an hour. */
  readonly fineRollupsBefore: number;
  readonly lastAnswerCountMax: number;
}

/** Keeping a store small. */
export interface Upkeep {
  /** Ended runs without a parent that is still there, which a policy lets go, oldest first. */
  expired(expiry: Expiry, limit: number): readonly number[];
  /** Lets events go, and what nobody needs any more; gives space back to the system, a part at a time. */
  tidy(before: TidyBefore): void;
  /** Bytes of the database that hold nothing. */
  freeBytes(): number;
  /** Deletes files of payloads that no run names; how many. */
  sweepPayloads(): number;
}

export interface Store extends Disposable, ChangeReads, Upkeep {
  readonly ids: { of(number: number): RunId; numberOf(id: RunId): number | null };

  /** Keeps bytes beside the database; gives the SHA-256 they are found by. Kept once a `file` change names a run. */
  putFile(bytes: Uint8Array): string;
  /** Null where there is none of that hash. Throws PAYLOAD_LOST where it holds something else. */
  file(hash: string): Buffer | null;

  /** Takes the next epoch: from now on nobody with an older one commits. */
  claim(): number;
  /** The last run number and seq written; 0 when none. */
  tail(): { readonly run: number; readonly seq: number };
  commit(commit: Commit): void | Promise<void>;

  record(number: number): RunRecord | null;
  byKey(
    workflow: { namespace: string; name: string },
    key: string,
  ): { readonly number: number; readonly bodyHash: string } | null;
  /** Entries with `seq > afterSeq`, in order. */
  journal(number: number, afterSeq: number, limit: number): readonly Entry[];
  hasSignal(number: number, id: string): boolean;
  /** Entries by kind: how many. */
  entryCounts(number: number): ReadonlyMap<EntryKind, number>;
  runs(query: RunQuery): RunPage;
  /** Code that runs were started with, by name and version, the newest first. */
  workflows(): readonly KnownWorkflow[];
  /** How many runs have each status. */
  statusCounts(): ReadonlyMap<RunStatus, number>;

  /** Numbers of runs that have not ended and are in one of `statuses`, ascending, after `afterNumber`. */
  unended(statuses: readonly RunStatus[], afterNumber: number, limit: number): readonly number[];
  /** Runs to be woken at or before `untilMs`, soonest first. `root` narrows to one family. */
  due(untilMs: number, limit: number, root: number | null): readonly { readonly number: number; readonly wakeAt: number }[];
  /** Children that are to end with their parent and did not, ascending, after `afterNumber`. */
  leftBehind(afterNumber: number, limit: number): readonly number[];
  /** Questions that wait for a person in runs that have not ended, oldest first, after the entry `afterSeq`. */
  questions(afterSeq: number, limit: number): readonly { readonly number: number; readonly entry: Entry }[];
  /** Children, ended or not, ascending. */
  children(number: number): readonly number[];
  /** Children that have not ended, ascending. */
  openChildren(number: number): readonly { readonly number: number; readonly close: "cancel" | "keep" }[];
}
