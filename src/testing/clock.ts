// A clock that stands still until it is moved, and an event loop that turns when asked.
//
// `settle` lets everything happen that can happen without time passing; `advance` moves
// time from timer to timer. Between two callbacks all microtasks run, as they would.

import type { Clock, Timer } from "../base/clock.ts";
import { Heap } from "../base/heap.ts";

export interface ManualClock extends Clock {
  /** Lets all happen that needs no time. */
  settle(): Promise<void>;
  /** Moves time on by `ms`, through every timer that falls due, and settles after each. */
  advance(ms: number): Promise<void>;
  /** Moves time on to the next timer and settles; false when there is none within `withinMs`. */
  advanceToNext(withinMs: number): Promise<boolean>;
  /** Sets the wall clock, without any timer having waited for it: a jump, either way. */
  jump(ms: number): void;
}

interface Pending {
  act: (() => void) | null;
}

/** Turns of the loop in one `settle`: more means that something keeps itself busy without time passing. */
const TURNS_MAX = 20_000;

export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  // Timers run on a clock that only moves forward; the wall may jump.
  let elapsedMs = 0;
  let wallMs = startMs;
  const timers = new Heap<Pending>();
  const ready: Pending[] = [];

  const settle = async (): Promise<void> => {
    await quiet();
    for (let turns = 0; ready.length > 0; turns++) {
      if (turns > TURNS_MAX) throw new Error("The loop does not come to rest.");
      const next = ready.shift();
      next?.act?.();
      await quiet();
    }
  };
  const moveTo = (toMs: number): void => {
    wallMs += toMs - elapsedMs;
    elapsedMs = toMs;
  };
  const advance = async (ms: number): Promise<void> => {
    const untilMs = elapsedMs + ms;
    await settle();
    for (let turns = 0; timers.leastRank <= untilMs; turns++) {
      if (turns > TURNS_MAX) throw new Error("The timers do not come to rest.");
      moveTo(Math.max(elapsedMs, timers.leastRank));
      timers.pop()?.act?.();
      await settle();
    }
    moveTo(untilMs);
    await settle();
  };
  return {
    now: () => wallMs,
    after: (delayMs, act) => wait((pending) => timers.push(elapsedMs + Math.max(0, delayMs), pending), act),
    soon: (act) => void wait((pending) => ready.push(pending), act),
    settle,
    advance,
    async advanceToNext(withinMs) {
      await settle();
      const next = timers.leastRank;
      if (next > elapsedMs + withinMs) return false;
      await advance(Math.max(0, next - elapsedMs));
      return true;
    },
    jump(ms) {
      wallMs += ms;
    },
  };
}

function wait(enqueue: (pending: Pending) => void, act: () => void): Timer {
  const pending: Pending = { act };
  enqueue(pending);
  return {
    cancel() {
      pending.act = null;
    },
  };
}

/** All microtasks and ticks have run. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
