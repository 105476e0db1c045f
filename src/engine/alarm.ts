// Which run must be woken when.
//
// The truth is on disk (`wake_at`); this keeps only the near future in memory, so that
// a million sleeping runs cost disk, not memory. Wakes are never early: a timer of the
// system that fires too soon finds nothing due and is set again.

import type { Clock, Timer } from "../base/clock.ts";
import { Heap } from "../base/heap.ts";
import { limits } from "../run.ts";

/** How far ahead moments are kept in memory, in ms. The store is asked again every half of it. */
const HORIZON_MS = 60_000;

/** The longest delay given to a system timer, in ms: a jump of the clock is noticed within it. */
const NAP_MS_MAX = 10_000;

/** Where more runs are due than are read at once: how long those that were woken get to move, in ms. */
const NEXT_PAGE_MS = 20;

export class Alarm {
  readonly #clock: Clock;
  readonly #due: (untilMs: number, limit: number) => readonly { number: number; wakeAt: number }[];
  readonly #wake: (number: number) => void;
  readonly #near = new Heap<number>();
  readonly #known = new Map<number, number>();
  #timer: Timer | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #readUntil = Number.NEGATIVE_INFINITY;
  /** When to read on after a full page. */
  #moreAt = Number.POSITIVE_INFINITY;
  #running = false;

  constructor(
    clock: Clock,
    due: (untilMs: number, limit: number) => readonly { number: number; wakeAt: number }[],
    wake: (number: number) => void,
  ) {
    this.#clock = clock;
    this.#due = due;
    this.#wake = wake;
  }

  start(): void {
    this.#running = true;
    this.#ring();
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** More runs than before may be due: the store is asked again. */
  readAgain(): void {
    this.#readUntil = Number.NEGATIVE_INFINITY;
    this.#timer?.cancel();
    this.#timer = this.#running ? this.#clock.after(0, () => this.#ring()) : null;
    this.#timerAt = Number.NEGATIVE_INFINITY;
  }

  /** The run is to be woken then; the store says the same. */
  set(number: number, wakeAt: number): void {
    if (wakeAt > this.#clock.now() + HORIZON_MS) return this.forget(number);
    this.#keep(number, wakeAt);
    this.#arm();
  }

  knows(number: number): boolean {
    return this.#known.has(number);
  }

  /** The run is to be woken at no moment near. */
  forget(number: number): void {
    this.#known.delete(number);
  }

  #keep(number: number, wakeAt: number): void {
    if (this.#known.get(number) === wakeAt) return;
    this.#known.set(number, wakeAt);
    this.#near.push(wakeAt, number);
  }

  #ring(): void {
    this.#timer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (!this.#running) return;
    const now = this.#clock.now();
    if (now + HORIZON_MS / 2 >= this.#readUntil || now + HORIZON_MS < this.#readUntil) this.#readAhead(now);
    while (this.#near.leastRank <= now) this.#wakeLeast();
    this.#arm();
  }

  #wakeLeast(): void {
    const at = this.#near.leastRank;
    const number = this.#near.pop();
    // An entry that was replaced by another moment has nothing to say.
    if (number === undefined || this.#known.get(number) !== at) return;
    this.#known.delete(number);
    this.#wake(number);
  }

  /** A full page means that there are more: what is known reaches only as far as its last. */
  #readAhead(now: number): void {
    const page = this.#due(now + HORIZON_MS, limits.PAGE_SIZE);
    for (const { number, wakeAt } of page) this.#keep(number, wakeAt);
    const last = page.length < limits.PAGE_SIZE ? undefined : page.at(-1)?.wakeAt;
    this.#readUntil = last === undefined ? now + HORIZON_MS : Math.min(last, now + HORIZON_MS / 2);
    this.#moreAt = last === undefined ? Number.POSITIVE_INFINITY : Math.max(last, now + NEXT_PAGE_MS);
  }

  #arm(): void {
    if (!this.#running) return;
    const now = this.#clock.now();
    const at = Math.min(this.#near.leastRank, this.#moreAt, now + NAP_MS_MAX);
    if (this.#timer !== null && this.#timerAt <= at) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.after(Math.max(0, at - now), () => this.#ring());
  }
}
