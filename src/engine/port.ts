// The engine port: who keeps journals, and who moves runs.
//
// An engine keeps journals: it starts runs, hands one carrier at a time a run to move,
// appends what happened, and wakes runs when a timer is due or something arrived for
// them. What a step, a scope, a retry or a child is, it does not know: that is built
// once, above it, by the carrier. So a second engine (a Restate cluster, where a run is
// a virtual object whose state holds our journal) has only these promises to keep.
//
// Promises (checked by `engineConformance`):
//
//   E1. When `start` resolves, the run is durable. The same key with the same body gives
//       the same run, with another body KEY_REUSED.
//   E2. `take` gives a run with its whole journal, in order, and an epoch; from then on
//       appends under an older epoch fail and write nothing.
//   E3. What one `write` holds is durable together or not at all, in the order of writes,
//       before anybody is told of it.
//   E4. After `settled` (or `received`) an entry is never lost, changed or told again.
//   E5. An entry sent to a run (a signal, an answer, a child's end) is durable when `send`
//       resolves; sent twice under one id it is received once; an ended run refuses it.
//   E6. A run whose `wakeAt` has come is woken, never before; after a restart too. Runs
//       that were moving when their carrier died are woken on recovery, and so are
//       children that were to end with a parent that has ended.
//   E7. After a storage error nothing more is accepted, everything open rejects with
//       STORAGE_FAILED, and reads still answer.

import type { Clock } from "../base/clock.ts";
import type { RunId } from "../base/id.ts";
import type { ProblemError } from "../base/problem.ts";
import type { Limit } from "../flow.ts";
import type { Entry, EntryKind, PauseReason, RunStatus } from "../run.ts";
import type { CodeIdentity, FreeChange, RunChange, RunRecord } from "../store.ts";

/** The right to move one run. Given by `take` or `start`, void once a newer one is given. */
export interface Claim {
  readonly run: RunId;
  readonly epoch: number;
}

/** A run with its journal, to be moved. */
export interface Taken {
  readonly claim: Claim;
  readonly record: RunRecord;
  readonly entries: readonly Entry[];
}

/** Where something stands in line. */
export interface Place {
  readonly gate: string;
  readonly limit: Limit;
  /** 1 goes first … 9 last. */
  readonly priority: number;
}

export interface StartRequest {
  readonly workflow: CodeIdentity;
  readonly inputText: string;
  readonly key: { readonly key: string; readonly bodyHash: string } | null;
  readonly timeoutMs: number | null;
  /** Where it stands in line; a run that does begins as `pending`. */
  readonly place?: Place | null;
  /** What its journal begins with; a fork's, for one. */
  readonly journal?: readonly Draft[];
}

export interface ChildRequest extends StartRequest {
  /** Under which the parent's journal knows it. */
  readonly parentKey: string;
  readonly parentClose: "cancel" | "keep";
}

export interface Started {
  readonly run: RunId;
  /** True when the key had already started it. */
  readonly repeated: boolean;
}

/** A fact to be written. */
export interface Draft {
  readonly kind: EntryKind;
  readonly key: string | null;
  readonly hash: number;
  readonly data: string;
  /** When it happened, Unix ms, where that was not now: a fact of another run's journal. */
  readonly at?: number;
}

/** How a run stands. */
export interface Standing {
  readonly status: RunStatus;
  readonly reason?: PauseReason;
  readonly wakeAt: number | null;
  readonly outputText?: string;
  readonly problemText?: string;
  readonly progressText: string | null;
}

/** Told once: when what it waits for is durable, or that the engine stopped before anybody could know. */
export interface Settling {
  settled(entry: Entry): void;
  lost(cause: ProblemError): void;
}

/** Several things that are durable together. */
export interface Write {
  readonly entries: readonly Draft[];
  readonly standing?: Standing;
  /** Facts for other runs, told to them as `received`. Refused silently where the run has ended. */
  readonly sends?: readonly { readonly to: RunId; readonly draft: Draft }[];
  /** What is kept beside journals. */
  readonly changes?: readonly (FreeChange | RunChange)[];
  /** Takes entries out and lets the run go on, also one that has ended. Comes before `entries`. */
  readonly rewind?: { readonly dropSeqs: readonly number[]; readonly deadlineAt: number | null };
  /** Begins the journal anew; `keepSeqs` are signals not received yet. Comes before `entries`. */
  readonly reset?: { readonly inputText: string; readonly keepSeqs: readonly number[] };
}

export type Sent = "accepted" | "repeated" | "unknown" | "ended";

export interface Engine extends AsyncDisposable {
  readonly clock: Clock;
  /** Resolves when the engine has stopped for good: with the cause, or null after it was closed. */
  readonly closed: Promise<ProblemError | null>;

  /** Tells who moves runs. Called once, before anything is started. */
  carriedBy(carrier: Carrier): void;
  start(request: StartRequest): Promise<Started>;
  /** Starts a child together with the entry in its parent's journal that says so. Gives the id at once. */
  startChild(parent: Claim, request: ChildRequest, entry: (child: RunId) => Draft, then: Settling | null): RunId;
  /** The right to write to a run without reading it; null when there is no such run. */
  claim(run: RunId): Promise<Claim | null>;
  /** Null when there is no such run. */
  take(run: RunId): Promise<Taken | null>;
  /** The hot path: one entry. */
  append(claim: Claim, draft: Draft, then: Settling | null): void;
  /** Several things at once; `then` is called when they are durable. */
  write(claim: Claim, write: Write, then: (() => void) | null): void;
  send(to: RunId, draft: Draft): Promise<Sent>;
  /** Keeps nothing of a run. Resolves when it is gone for good; its id is not given again. */
  delete(run: RunId): Promise<void>;
  /** Keeps something that is no run's. Resolves when it is durable. */
  keep(changes: readonly FreeChange[]): Promise<void>;
  /** Whether this is the one who moves the run. */
  carries(run: RunId): boolean;
  /** Asks to be asked, before the next commit, how changed runs stand. */
  nudge(): void;
  /**
   * Wakes runs that were moving when their last carrier stopped, children that an ended parent left behind, and those
   * who listen and for whom events came meanwhile.
   */
  recover(): void;
  record(run: RunId): Promise<RunRecord | null>;
  openChildren(run: RunId): Promise<readonly { readonly run: RunId; readonly close: "cancel" | "keep" }[]>;
  /** All runs started by this one, ended or not. */
  children(run: RunId): Promise<readonly RunId[]>;
  /** Resolves when all that was accepted so far is durable. */
  flushed(): Promise<void>;
}

/** Who moves runs; called by the engine, never in the middle of a call of its own. */
export interface Carrier {
  /** This run must move: it began (`fresh`), a timer is due, or it was interrupted. */
  wake(run: RunId, fresh: Taken | null): void;
  /** Something came for this run. False when it is not in memory: then it is woken. */
  received(run: RunId, entry: Entry): boolean;
  /** The last moment before a commit to say how runs stand. */
  beforeCommit(): void;
  /** The engine has stopped for good. */
  failed(cause: ProblemError): void;
}
