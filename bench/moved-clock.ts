// A clock that stands still until it is moved, so that waits of hours are measured in microseconds.

import type { Clock, Timer } from "../src/base/clock.ts";
import { Heap } from "../src/base/heap.ts";

export class MovedClock implements Clock {
  #now = Date.UTC(2030, 0, 1);
  readonly #timers = new Heap<{ act: (() => void) | null }>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, act: () => void): Timer {
    const timer: { act: (() => void) | null } = { act };
    this.#timers.push(this.#now + Math.max(0, delayMs), timer);
    const cancel = () => {
      timer.act = null;
    };
    return { cancel };
  }

  soon(act: () => void): void {
    setImmediate(act);
  }

  /** Moves by `ms` and does what falls due, in order. */
  move(ms: number): void {
    const until = this.#now + ms;
    while (this.#timers.leastRank <= until) {
      this.#now = Math.max(this.#now, this.#timers.leastRank);
      this.#timers.pop()?.act?.();
    }
    this.#now = until;
  }
}
