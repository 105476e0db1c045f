// How many retries are affordable. Owns the count of calls and retries of the last seconds, and the refusal of a retry that
// would make a sick service sicker; leaves clocks, waiting between attempts, and what is worth a retry, to others. Pure:
// moments are Unix ms and `now` is an argument.
//
// 1. When a retry goes, the retries of the RETRY_WINDOW_MS that end there (from without that long ago, up to and with now),
//    itself included, are at most `ratio` × the calls of the same span + `burst`. A retry is no call.
// 2. A retry is refused only where it would break that law were calls forgotten, and retries remembered, by
//    RETRY_SLICE_MS too early and too late: counts are kept by slice, so it errs by less than one, to the safe side.
// 3. Hence in any RETRY_WINDOW_MS whatever at most `ratio` × the calls of it and of as long before it + `burst` go.
// 4. `tryRetry` lets one go exactly when `left` is 1 or more; what is refused counts nowhere.
// 5. A clock that goes back stands still for it: what counted counts on, for as long as it would have.
// 6. It keeps as many slices as fit into the window, and one more, however many calls and retries there are.

import { SECOND_MS } from "../base/time.ts";
import { flowProblems } from "./problems.ts";

/** The span whose calls pay for its retries, in ms. */
export const RETRY_WINDOW_MS = 10 * SECOND_MS;

/** Calls and retries are counted by so many ms: protects memory, because each one is not kept. */
export const RETRY_SLICE_MS = SECOND_MS / 2;

/** Calls and retries from a moment on, for RETRY_SLICE_MS. */
interface Slice {
  from: number;
  calls: number;
  retries: number;
}

export class RetryBudget {
  readonly #ratio: number;
  readonly #burst: number;
  /** Oldest first. */
  readonly #slices: Slice[] = [];
  #seenAt = Number.NEGATIVE_INFINITY;

  /** `ratio`: retries per call; `burst`: retries beyond it, so that few calls have some, too. Throws FLOW_LIMIT_INVALID. */
  constructor({ ratio = 0.2, burst = 10 }: { readonly ratio?: number; readonly burst?: number } = {}) {
    this.#ratio = checked(ratio, "ratio");
    this.#burst = checked(burst, "burst");
  }

  /** A call went: a first attempt, not a retry. */
  called(now: number): void {
    this.#sliceAt(now).calls++;
  }

  /** Whether a retry may go now; one that may is counted. */
  tryRetry(now: number): boolean {
    if (this.left(now) < 1) return false;
    this.#sliceAt(now).retries++;
    return true;
  }

  /** How many retries may go now, a whole number. */
  left(now: number): number {
    this.#look(now);
    let [calls, retries] = [0, 0];
    for (const slice of this.#slices) {
      if (slice.from + RETRY_WINDOW_MS > now) calls += slice.calls;
      retries += slice.retries;
    }
    return Math.max(0, Math.floor(this.#ratio * calls + this.#burst) - retries);
  }

  #sliceAt(now: number): Slice {
    this.#look(now);
    const last = this.#slices.at(-1);
    if (last !== undefined && last.from + RETRY_SLICE_MS > now) return last;
    const slice = { from: now, calls: 0, retries: 0 };
    this.#slices.push(slice);
    return slice;
  }

  /** Follows a clock that went back (5), and drops the slices all of whose retries are out of the window. */
  #look(now: number): void {
    const byMs = this.#seenAt - now;
    if (byMs > 0) for (const slice of this.#slices) slice.from -= byMs;
    this.#seenAt = now;
    for (let [first] = this.#slices; first !== undefined && isOver(first, now); [first] = this.#slices) this.#slices.shift();
  }
}

function isOver({ from }: Slice, now: number): boolean {
  return from + RETRY_SLICE_MS + RETRY_WINDOW_MS <= now;
}

function checked(value: number, field: string): number {
  if (Number.isFinite(value) && value >= 0) return value;
  const fix = "Give a ratio (0.2) and a burst (10).";
  throw flowProblems.FLOW_LIMIT_INVALID(`A retry budget's ${field} is ${value}; it must be a number, 0 or more.`, { fix });
}
