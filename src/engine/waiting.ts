// What a run waits for: moments, and things that come from elsewhere under the key of an operation.

import { Heap } from "../base/heap.ts";
import type { Operation } from "./operation.ts";

export class Waiting {
  /** Until when; null: for something that comes. */
  readonly #until = new Map<Operation, number | null>();
  /** With moments that are over or have changed; `#until` knows. */
  readonly #timed = new Heap<Operation>();
  readonly #byKey = new Map<string, Operation>();

  get size(): number {
    return this.#until.size;
  }

  add(operation: Operation, until: number | null): void {
    this.#until.set(operation, until);
    if (operation.kind === "ask" || operation.kind === "child-run") this.#byKey.set(operation.key, operation);
    if (until !== null) this.#timed.push(until, operation);
  }

  delete(operation: Operation): void {
    this.#until.delete(operation);
  }

  /** Who gets what comes under this key: also one whose moment has come, until an outcome is delivered. */
  byKey(key: string): Operation | undefined {
    return this.#byKey.get(key);
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }

  /** The earliest moment, in ms since 1970; Infinity when there is none. */
  nextAt(): number {
    while (this.#timed.size > 0 && !this.#isCurrent(this.#timed.least as Operation, this.#timed.leastRank)) this.#timed.pop();
    return this.#timed.leastRank;
  }

  /** The next whose moment has come; null when there is none. */
  takeDue(now: number): Operation | null {
    return this.nextAt() <= now ? (this.#timed.pop() ?? null) : null;
  }

  #isCurrent(operation: Operation, at: number): boolean {
    return this.#until.get(operation) === at && !operation.closed;
  }

  operations(): readonly Operation[] {
    return [...this.#until.keys()];
  }
}
