// The real world: the system's clock and chance. Nothing else in Baton reaches for them.

import { randomBytes } from "node:crypto";
import type { Clock, Random32 } from "../base/clock.ts";

/** The longest delay a system timer takes, in ms; a longer one would fire at once. */
const TIMER_MS_MAX = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, act) {
    const timer = setTimeout(act, Math.min(Math.max(delayMs, 0), TIMER_MS_MAX));
    return { cancel: () => clearTimeout(timer) };
  },
  soon: (act) => void setImmediate(act),
};

const RANDOM_BLOCK_BYTES = 4_096;

/** Random numbers of the system, fetched a block at a time. */
export function systemRandom(): Random32 {
  let block = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at >= block.length) {
      block = randomBytes(RANDOM_BLOCK_BYTES);
      at = 0;
    }
    at += 4;
    return block.readUInt32LE(at - 4);
  };
}
