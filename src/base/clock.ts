// The world's time and chance, as ports. Only the orchestrator picks real ones;
// everything else takes them as arguments, so that tests move the clock by hand.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Unix milliseconds. May jump either way; nothing may rely on it only growing. */
  now(): number;
  /** Calls `act` once, when about `delayMs` have passed; perhaps a little early. */
  after(delayMs: number, act: () => void): Timer;
  /** Calls `act` once in a coming turn of the event loop, after what is ready now. */
  soon(act: () => void): void;
}

/** A whole number in [0, 2^32). */
export type Random32 = () => number;
