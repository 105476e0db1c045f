// What is kept beside journals: events and who listens, streams, services and how they did. Each change is keyed, so that
// writing it twice is harmless.

import type { RunId } from "../base/id.ts";
import type { WorkflowName } from "../run.ts";

export interface CodeIdentity extends WorkflowName {
  readonly contentHash: string | null;
  readonly source: string | null;
}

/** Of a run; its number is added by whoever writes. */
export type RunChange =
  | { readonly kind: "listener"; readonly key: string; readonly type: string | null; readonly afterSeq: number }
  | { readonly kind: "listener-gone"; readonly key: string }
  | {
      readonly kind: "line";
      readonly gate: string;
      readonly limitText: string;
      readonly priority: number;
      readonly askedAt: number;
    }
  | { readonly kind: "run-code"; readonly workflow: CodeIdentity }
  | { readonly kind: "line-passed" }
  | { readonly kind: "line-gone" }
  | { readonly kind: "stream-item"; readonly stream: string; readonly id: string; readonly at: number; readonly text: string };

/** Of nobody. Moments are Unix ms; texts are JSON. */
export type FreeChange =
  | {
      readonly kind: "event";
      readonly source: string;
      readonly id: string;
      readonly type: string;
      readonly at: number;
      readonly text: string;
    }
  | { readonly kind: "pass"; readonly gate: string; readonly at: number }
  | { readonly kind: "schedule"; readonly name: string; readonly definitionText: string; readonly stateText: string }
  | { readonly kind: "schedule-gone"; readonly name: string }
  | { readonly kind: "retention"; readonly workflow: string; readonly policyText: string }
  | {
      readonly kind: "service";
      readonly id: string;
      readonly definitionText: string;
      readonly source: string | null;
      readonly at: number;
    }
  | { readonly kind: "service-gone"; readonly id: string }
  | { readonly kind: "service-state"; readonly id: string; readonly stateText: string }
  | ({ readonly kind: "reading" } & NewReading)
  | ({ readonly kind: "rollup" } & Rollup)
  | { readonly kind: "fold"; readonly name: string; readonly position: number; readonly stateText: string }
  | ({ readonly kind: "rating" } & Rating)
  | { readonly kind: "last-answer"; readonly key: string; readonly at: number; readonly text: string }
  | { readonly kind: "file"; readonly hash: string; readonly owner: number }
  | { readonly kind: "audit"; readonly at: number; readonly what: string; readonly text: string }
  | ({ readonly kind: "agent" } & Omit<KeptAgent, "addedAt" | "stateText"> & { readonly at: number })
  | { readonly kind: "agent-gone"; readonly id: string }
  | { readonly kind: "agent-status"; readonly id: string; readonly status: string; readonly stateText: string }
  | ({ readonly kind: "verdict" } & NewVerdict)
  | { readonly kind: "budget"; readonly text: string }
  /** All entries of budgets up to this one are in their snapshot. */
  | { readonly kind: "budgets-folded"; readonly position: number };

/** An agent that was added. */
export interface KeptAgent {
  readonly id: string;
  readonly definitionText: string;
  readonly source: string | null;
  readonly addedAt: number;
  readonly status: string;
  /** JSON. */
  readonly stateText: string;
}

/** What became of one attempt of an agent, or what a person said of it. */
export interface NewVerdict {
  readonly id: string;
  readonly at: number;
  /** Empty where a person said it. */
  readonly run: string;
  readonly agent: string;
  readonly capability: string;
  readonly taskKind: string;
  readonly verdict: "right" | "wrong" | "fault" | "task-fault" | "pin" | "ban" | "clear" | "forgive" | "imported";
  /** JSON. */
  readonly text: string;
}

export interface Verdict extends NewVerdict {
  readonly seq: number;
}

/** A line of the audit. */
export interface AuditLine {
  readonly seq: number;
  readonly at: number;
  /** Such as `egress-denied`. */
  readonly what: string;
  /** JSON. */
  readonly text: string;
}

/** Something that happened to a service. Its facts are JSON. */
export interface NewReading {
  readonly id: string;
  readonly at: number;
  readonly what: "call" | "check" | "circuit" | "rating";
  readonly service: string;
  readonly operation: string;
  readonly text: string;
}

export interface Reading extends NewReading {
  readonly seq: number;
}

/** Readings of one operation counted over a span of time; of the service itself where the operation is empty. */
export interface Rollup {
  readonly service: string;
  readonly operation: string;
  readonly spanMs: number;
  readonly fromAt: number;
  /** JSON. */
  readonly figuresText: string;
}

export interface Rating {
  /** The reading's id. */
  readonly call: string;
  readonly at: number;
  readonly service: string;
  readonly operation: string;
  readonly capability: string;
  /** 1 to 5. */
  readonly rating: number;
  readonly comment: string | null;
  readonly who: string | null;
}

export interface KeptService {
  readonly id: string;
  readonly definitionText: string;
  readonly source: string | null;
  readonly addedAt: number;
  readonly stateText: string;
}

export type Change =
  | Exclude<FreeChange, { kind: "event" }>
  | (Extract<FreeChange, { kind: "event" }> & { readonly seq: number })
  | (RunChange & { readonly run: number });

export interface StoredEvent {
  readonly seq: number;
  /** JSON of the whole CloudEvent. */
  readonly text: string;
}

export interface StreamItem {
  readonly seq: number;
  readonly stream: string;
  readonly at: number;
  readonly text: string;
}

/** A run before a gate, or let through it. */
export interface LineRow {
  /** The run's number. */
  readonly run: number;
  readonly seq: number;
  readonly gate: string;
  readonly limitText: string;
  readonly priority: number;
  readonly askedAt: number;
  readonly isPassed: boolean;
}

/** What a run in line waits for. */
export interface Queue {
  readonly gate: string;
  readonly limitText: string;
  readonly held: number;
  readonly before: number;
}

export interface ChangeReads {
  /** Runs in line or let through, by number. */
  lines(afterRun: number, limit: number): readonly LineRow[];
  line(run: number): LineRow | null;
  /** Where a run stands; null where it is in no line. */
  queue(run: number): Queue | null;
  passes(afterSeq: number, limit: number): readonly { readonly seq: number; readonly gate: string; readonly at: number }[];
  hasEvent(source: string, id: string): boolean;
  /** Events after `afterSeq`, in the order they came; `type` null: of every type. */
  events(afterSeq: number, type: string | null, limit: number): readonly StoredEvent[];
  /** Runs that have not ended and listen for events of a type; null: those for which one came after they began to listen. */
  listening(type: string | null, afterNumber: number, limit: number): readonly number[];
  retentions(): readonly { readonly workflow: string; readonly policyText: string }[];
  schedules(): readonly { readonly definitionText: string; readonly stateText: string }[];
  services(): readonly KeptService[];
  readings(afterSeq: number, limit: number): readonly Reading[];
  /** The reading of a call. */
  reading(id: string): Reading | null;
  /** The readings of a run's calls, in order. */
  readingsOf(run: RunId): readonly Reading[];
  /** When the circuit of a service opened and closed, the newest first. */
  circuitReadings(service: string, limit: number): readonly Reading[];
  /** Those whose span ends after `afterAt`. */
  rollups(afterAt: number): readonly Rollup[];
  rollup(key: Omit<Rollup, "figuresText">): Rollup | null;
  fold(name: string): { readonly position: number; readonly stateText: string } | null;
  ratings(afterAt: number): readonly Rating[];
  agents(): readonly KeptAgent[];
  /** In the order in which they came. */
  verdicts(afterSeq: number, limit: number): readonly Verdict[];
  /** The last ones of an agent, the newest first. */
  verdictsOf(agent: string, limit: number): readonly Verdict[];
  verdictsOfRun(run: RunId): readonly Verdict[];
  budgetEntries(afterSeq: number, limit: number): readonly { readonly seq: number; readonly text: string }[];
  /** Lines after `afterSeq`, in order. */
  audit(afterSeq: number, limit: number): readonly AuditLine[];
  /** The first line that is not bound to the one before it; null where all are. */
  auditBreak(): number | null;
  lastAnswer(key: string): { readonly at: number; readonly text: string } | null;
  /** Items of one stream of a run after `afterSeq`, as written; `stream` null: of all its streams. */
  stream(number: number, stream: string | null, afterSeq: number, limit: number): readonly StreamItem[];
}
