// A run's journal while it is read again: facts and outcomes by the key of their operation, signals, log lines. Each is
// handed out once, outcomes and signals in the order of the journal.

import { Heap } from "../base/heap.ts";
import { belongsTo, type Entry, endsOperation, entryKinds } from "../run.ts";
import type { Operation } from "./operation.ts";

/** What the journal says of one operation. */
export interface Recorded {
  readonly facts: Entry[];
  outcome: Entry | null;
}

/** A signal, the word that the run is to end, or the outcome of an operation that was asked for. */
export interface Next {
  readonly entry: Entry;
  readonly operation: Operation | null;
}

export class History {
  readonly #recorded = new Map<string, Recorded>();
  /** What came to the run and not to one of its operations: signals, and that it is to end. */
  readonly #arrivals: Entry[] = [];
  #arrivalAt = 0;
  #logLines = 0;
  /** Operations that were asked for, by the place of their outcome. */
  readonly #asked = new Heap<Operation>();

  private constructor(entries: readonly Entry[]) {
    for (const entry of entries) this.#remember(entry);
  }

  static of(entries: readonly Entry[]): History {
    return entries.length === 0 ? History.empty : new History(entries);
  }

  /** Of a run that has none; one for all, since nothing can be taken from it. */
  static readonly empty = new History([]);

  #remember(entry: Entry): void {
    if (entry.kind === "signal-received" || entry.kind === "unwinding") this.#arrivals.push(entry);
    else if (entry.kind === "logged") this.#logLines += entry.key === null ? 1 : 0;
    else if (entry.key !== null) {
      const recorded = this.#recorded.get(entry.key) ?? { facts: [], outcome: null };
      if (isStray(entry, recorded)) return;
      // Only the first outcome counts: a time-out that lost against an answer is not a second one.
      if (!endsOperation(entry.kind)) recorded.facts.push(entry);
      else recorded.outcome ??= entry;
      this.#recorded.set(entry.key, recorded);
    }
  }

  /** What it has of an operation, and has no more. */
  take(key: string): Recorded | undefined {
    if (this.#recorded.size === 0) return undefined;
    const recorded = this.#recorded.get(key);
    this.#recorded.delete(key);
    return recorded;
  }

  /** Whether the next line that the workflow logs is there already. */
  takeLogLine(): boolean {
    if (this.#logLines === 0) return false;
    this.#logLines--;
    return true;
  }

  /** The operation was asked for; its outcome is given when all before it was. */
  awaitTurn(operation: Operation, outcome: Entry): void {
    this.#asked.push(outcome.seq, operation);
  }

  /** Whichever comes first of a signal and an outcome somebody asked for; null when there is neither. */
  next(): Next | null {
    for (;;) {
      const arrival = this.#arrivals[this.#arrivalAt];
      if (arrival !== undefined && arrival.seq < this.#asked.leastRank) {
        this.#arrivalAt++;
        return { entry: arrival, operation: null };
      }
      const operation = this.#asked.pop();
      if (operation === undefined) return null;
      const { recordedOutcome: entry } = operation;
      if (operation.closed || entry === null) continue;
      operation.recordedOutcome = null;
      return { entry, operation };
    }
  }

  /** Whether it has something of operations that were not asked for, or whose outcome is still to be given. */
  get isSpent(): boolean {
    return this.#recorded.size === 0 && this.#asked.size === 0;
  }

  unasked(): readonly string[] {
    return [...this.#recorded.keys()];
  }

  /** Operations that were asked for and not given their outcome yet. */
  takeAsked(): Operation[] {
    return Array.from({ length: this.#asked.size }, () => this.#asked.pop()).filter((operation) => operation !== undefined);
  }

  /** Signals not handed out yet. */
  untaken(): readonly Entry[] {
    return this.#arrivals.slice(this.#arrivalAt).filter(({ kind }) => kind === "signal-received");
  }
}

/** What comes from elsewhere ends only what was begun: an answer a question, a child's end a child of this journal. */
function isStray(entry: Entry, { facts }: Recorded): boolean {
  const [operation] = entryKinds[entry.kind].of;
  if (operation !== "ask" && operation !== "child-run") return false;
  return endsOperation(entry.kind) && !facts.some((fact) => belongsTo(fact.kind, operation));
}
