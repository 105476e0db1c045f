// What is kept beside journals: events and who listens, streams. Each change is keyed, so that writing it twice is harmless.

/** Of a run; its number is added by whoever writes. */
export type RunChange =
  | { readonly kind: "listener"; readonly key: string; readonly type: string | null; readonly afterSeq: number }
  | { readonly kind: "listener-gone"; readonly key: string }
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
  | { readonly kind: "schedule"; readonly name: string; readonly definitionText: string; readonly stateText: string }
  | { readonly kind: "schedule-gone"; readonly name: string }
  | { readonly kind: "retention"; readonly workflow: string; readonly policyText: string };

export type Change = FreeChange | (RunChange & { readonly run: number });

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

export interface ChangeReads {
  hasEvent(source: string, id: string): boolean;
  /** Events after `afterSeq`, in the order they came; `type` null: of every type. */
  events(afterSeq: number, type: string | null, limit: number): readonly StoredEvent[];
  /** The last event that came before a moment; 0 when none did. */
  lastEventBefore(at: number): number;
  /** Runs that have not ended and listen for events of a type; null: those for which one came after they began to listen. */
  listening(type: string | null, afterNumber: number, limit: number): readonly number[];
  retentions(): readonly { readonly workflow: string; readonly policyText: string }[];
  schedules(): readonly { readonly definitionText: string; readonly stateText: string }[];
  /** Items of one stream of a run after `afterSeq`, as written; `stream` null: of all its streams. */
  stream(number: number, stream: string | null, afterSeq: number, limit: number): readonly StreamItem[];
}
