// Whether a service is well enough to be called. Owns the life of one circuit breaker: what opens it, how long it stays
// open, who probes, what closes it; leaves clocks, timers, calling, and what counts as a failure, to others. Pure: moments
// are Unix ms and `now` is an argument.
//
//   closed ──(too many failures)──▶ open ──(cool-down over)──▶ half-open ──(probes succeeded)──▶ closed
//                                    ▲──────(a probe failed)──────┘
//
// Whoever saw by other means that it is well need not wait for the cool-down: `probeNow`.
//
// 1. Closed lets everybody through. A settled call opens it exactly when it makes `failuresMax` failures in a row, or when
//    at least `callsMin` calls are in the window and `failureShare` of them or more failed.
// 2. Calls are counted by slices of `windowMs` / WINDOW_SLICES_MAX, rounded up to whole ms; a slice begins with its first
//    call. So a call is in the window for at most `windowMs`, and at least for `windowMs` less a slice.
// 3. Open lets nobody through before `until`, unless told to probe; whoever asks at `until` or later finds it half-open. `until` is `coolDownMs`
//    after it opened, doubled at each probe that failed since it was last closed, `coolDownMsMax` at most.
// 4. No probe is let through while `probesMax` are under way, those of an earlier half-open time included. The first failure
//    opens it again; `successesMin` successes close it, and nothing of before counts any more.
// 5. A pass counts only in the time in which it was taken: settled after a change, it changes nothing but the number of
//    probes under way. It is settled once: what is said later has no effect. What is forgotten counts nowhere.
// 6. A clock that goes back stands still for it: calls stay as old, and `until` as far away, as they were.
// 7. It keeps WINDOW_SLICES_MAX slices and CHANGES_MAX changes at most. One restored from a snapshot goes on as the one
//    before it would have if all passes under way were forgotten.

import { unreachable } from "../base/never.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS, spanForPeople } from "../base/time.ts";
import { flowProblems } from "./problems.ts";

export interface BreakerPolicy {
  /** So many failures in a row open it. */
  readonly failuresMax: number;
  /** Such a share of failures in the window opens it: above 0, at most 1. */
  readonly failureShare: number;
  /** Calls in the window before their share of failures counts. */
  readonly callsMin: number;
  readonly windowMs: number;
  /** How long it stays open first; each failed probe doubles it. */
  readonly coolDownMs: number;
  readonly coolDownMsMax: number;
  /** Probes under way at once while it is half-open. */
  readonly probesMax: number;
  /** So many successful probes close it. */
  readonly successesMin: number;
}

/** As of the moment it was asked: `until` in Unix ms, `probes` under way. */
export type BreakerState =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly until: number }
  | { readonly kind: "half-open"; readonly probes: number };

/**
 * The right to one call. Settle it in every case, or a probe stands in the way of all others for ever: with `using`, leaving
 * the block forgets what was not settled.
 */
export interface Pass extends Disposable {
  succeeded(now: number): void;
  failed(now: number): void;
  /** The call was canceled, or ended in a way that says nothing about the service's health. */
  forgotten(): void;
}

/** One change of a breaker: when somebody found it so, and why, for people. */
export interface BreakerChange {
  readonly at: number;
  readonly to: BreakerState["kind"];
  readonly because: string;
}

/** Plain JSON. `seenAt`: the last moment it was told; null when it was told none. */
export interface BreakerSnapshot {
  readonly seenAt: number | null;
  readonly life: Life;
  readonly changes: readonly BreakerChange[];
}

/** `openings`: how often it opened since it was last closed. */
type Life =
  | { readonly kind: "closed"; readonly failuresInRow: number; readonly slices: Slice[] }
  | { readonly kind: "open"; readonly openings: number; readonly openedAt: number }
  | { readonly kind: "half-open"; readonly openings: number; readonly successes: number };

/** Calls that settled from a moment on. */
interface Slice {
  readonly from: number;
  calls: number;
  failures: number;
}

/** Slices of a window: protects memory, because calls are counted by slice and not kept one by one. */
export const WINDOW_SLICES_MAX = 20;

/** Changes that are kept; the oldest leave. Protects memory and people's patience. */
export const CHANGES_MAX = 20;

/** What a policy may count, calls and probes. */
export const BREAKER_COUNT_MAX = 1_000_000;

/** The longest span of a policy, in ms: a service that is well again is not left alone for longer. */
export const BREAKER_SPAN_MS_MAX = DAY_MS;

const USUAL: BreakerPolicy = {
  failuresMax: 5,
  failureShare: 0.5,
  callsMin: 20,
  windowMs: MINUTE_MS,
  coolDownMs: 5 * SECOND_MS,
  coolDownMsMax: 5 * MINUTE_MS,
  probesMax: 1,
  successesMin: 2,
};

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Reads a policy; what it does not say is as usual. `where` says whose it is, in words or as a path. Throws
 * FLOW_LIMIT_INVALID with what is wrong and where.
 */
export function readBreakerPolicy(value: unknown, where: string): BreakerPolicy {
  const given = readFields(value, where);
  const whole = (field: keyof BreakerPolicy, max: number) => readWhole(given[field], `${where}.${field}`, max);
  const policy = {
    failuresMax: whole("failuresMax", BREAKER_COUNT_MAX),
    failureShare: readShare(given.failureShare, `${where}.failureShare`),
    callsMin: whole("callsMin", BREAKER_COUNT_MAX),
    windowMs: whole("windowMs", BREAKER_SPAN_MS_MAX),
    coolDownMs: whole("coolDownMs", BREAKER_SPAN_MS_MAX),
    coolDownMsMax: whole("coolDownMsMax", BREAKER_SPAN_MS_MAX),
    probesMax: whole("probesMax", BREAKER_COUNT_MAX),
    successesMin: whole("successesMin", BREAKER_COUNT_MAX),
  };
  if (policy.coolDownMs <= policy.coolDownMsMax) return policy;
  throw invalid(`${where}.coolDownMs`, `is ${policy.coolDownMs}; coolDownMsMax is less, ${policy.coolDownMsMax}`);
}

/** A field of another name would be passed over, and its author would believe in it. */
function readFields(value: unknown, where: string): { readonly [field in keyof BreakerPolicy]: unknown } {
  const fields = Object.keys(USUAL).join(", ");
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(where, `is ${shown(value)}; it must be an object with any of ${fields}`);
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(USUAL, name));
  if (unknown !== undefined) throw invalid(`${where}.${unknown}`, `is not known; there are: ${fields}`);
  return { ...USUAL, ...Object.fromEntries(Object.entries(value).filter(([, given]) => given !== undefined)) };
}

function readWhole(value: unknown, where: string, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw invalid(where, `is ${shown(value)}; it must be a whole number from 1 to ${max}`);
}

function readShare(value: unknown, where: string): number {
  if (typeof value === "number" && value > 0 && value <= 1) return value;
  throw invalid(where, `is ${shown(value)}; it must be a number above 0, at most 1`);
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

function invalid(where: string, why: string): Error {
  const fix = `Give any of: ${Object.keys(USUAL).join(", ")}; what is not given is as usual.`;
  return flowProblems.FLOW_LIMIT_INVALID(`${where} ${why}.`, { fix });
}

// ── The breaker ──────────────────────────────────────────────────────────────────────────────────────────────────────

export class Breaker {
  readonly #policy: BreakerPolicy;
  #life: Life = { kind: "closed", failuresInRow: 0, slices: [] };
  /** Changes so far: says whether a pass was taken in this time of the breaker (5). */
  #turn = 0;
  /** Under way, taken in any half-open time (4). */
  #probes = 0;
  #seenAt: number | null = null;
  #changes: readonly BreakerChange[] = [];

  constructor(policy: BreakerPolicy) {
    this.#policy = policy;
  }

  /** Goes on with what an earlier life wrote, under this policy, which may be another one (7). */
  static restore(policy: BreakerPolicy, snapshot: BreakerSnapshot): Breaker {
    const breaker = new Breaker(policy);
    breaker.#life = copied(snapshot.life);
    breaker.#seenAt = snapshot.seenAt;
    breaker.#changes = snapshot.changes;
    return breaker;
  }

  snapshot(): BreakerSnapshot {
    return { seenAt: this.#seenAt, life: copied(this.#life), changes: this.#changes };
  }

  state(now: number): BreakerState {
    const life = this.#lifeAt(now);
    switch (life.kind) {
      case "closed":
        return { kind: "closed" };
      case "open":
        return { kind: "open", until: this.#untilOf(life) };
      case "half-open":
        return { kind: "half-open", probes: this.#probes };
      default:
        return unreachable(life);
    }
  }

  /** A pass for one call, or null: refused, `state` says why. */
  tryEnter(now: number): Pass | null {
    const { kind } = this.#lifeAt(now);
    if (kind === "closed") return this.#pass(() => {});
    if (kind === "open" || this.#probes >= this.#policy.probesMax) return null;
    this.#probes++;
    return this.#pass(() => void this.#probes--);
  }

  /** Ends the cool-down now, where there is one, for a reason that people read (3). */
  probeNow(now: number, because: string): void {
    const life = this.#lifeAt(now);
    if (life.kind === "open") this.#become({ kind: "half-open", openings: life.openings, successes: 0 }, now, because);
  }

  /** The last CHANGES_MAX changes, oldest first. */
  changes(): readonly BreakerChange[] {
    return this.#changes;
  }

  #pass(leave: () => void): Pass {
    const turn = this.#turn;
    let isSettled = false;
    const settle = (note: () => void) => {
      if (isSettled) return;
      isSettled = true;
      leave();
      note();
    };
    const forgotten = () => settle(() => {});
    return {
      succeeded: (now) => settle(() => this.#note(turn, 0, now)),
      failed: (now) => settle(() => this.#note(turn, 1, now)),
      forgotten,
      [Symbol.dispose]: forgotten,
    };
  }

  #note(turn: number, failures: 0 | 1, now: number): void {
    const life = this.#lifeAt(now);
    if (turn !== this.#turn) return;
    if (life.kind === "closed") this.#noteCall(life, failures, now);
    if (life.kind === "half-open") this.#noteProbe(life, failures, now);
  }

  #noteCall(life: Life & { kind: "closed" }, failures: 0 | 1, now: number): void {
    const failuresInRow = failures === 0 ? 0 : life.failuresInRow + 1;
    const slices = counted(life.slices, failures, now, this.#policy.windowMs);
    const noted: Life & { kind: "closed" } = { kind: "closed", failuresInRow, slices };
    const because = whyOpen(noted, this.#policy);
    if (because === null) this.#life = noted;
    else this.#become({ kind: "open", openings: 1, openedAt: now }, now, because);
  }

  #noteProbe(life: Life & { kind: "half-open" }, failures: 0 | 1, now: number): void {
    const { openings, successes } = life;
    if (failures === 1) this.#become({ kind: "open", openings: openings + 1, openedAt: now }, now, "a probe failed");
    else if (successes + 1 < this.#policy.successesMin) this.#life = { ...life, successes: successes + 1 };
    else this.#become({ kind: "closed", failuresInRow: 0, slices: [] }, now, `${probesOf(successes + 1)} succeeded`);
  }

  /** What it is now: the clock was looked at (6), and a cool-down that is over is over (3). */
  #lifeAt(now: number): Life {
    if (this.#seenAt !== null && now < this.#seenAt) this.#life = earlier(this.#life, this.#seenAt - now);
    this.#seenAt = now;
    const life = this.#life;
    if (life.kind === "open" && now >= this.#untilOf(life))
      this.#become({ kind: "half-open", openings: life.openings, successes: 0 }, now, this.#cooledDown(life));
    return this.#life;
  }

  #become(life: Life, now: number, because: string): void {
    this.#life = life;
    this.#turn++;
    this.#changes = [...this.#changes, { at: now, to: life.kind, because }].slice(-CHANGES_MAX);
  }

  #untilOf({ openings, openedAt }: Life & { kind: "open" }): number {
    return openedAt + coolDownMsOf(openings, this.#policy);
  }

  #cooledDown({ openings }: Life & { kind: "open" }): string {
    return `it cooled down for ${spanForPeople(coolDownMsOf(openings, this.#policy))}`;
  }
}

function copied(life: Life): Life {
  return life.kind === "closed" ? { ...life, slices: life.slices.map((slice) => ({ ...slice })) } : { ...life };
}

function coolDownMsOf(openings: number, { coolDownMs, coolDownMsMax }: BreakerPolicy): number {
  return Math.min(coolDownMs * 2 ** (openings - 1), coolDownMsMax);
}

/** The slices that are in the window still, with one more call (2): the very same where the call is of the newest of them. */
function counted(slices: Slice[], failures: 0 | 1, now: number, windowMs: number): Slice[] {
  const sliceMs = Math.ceil(windowMs / WINDOW_SLICES_MAX);
  const newest = slices.at(-1);
  if (newest !== undefined && newest.from + sliceMs > now && (slices[0]?.from ?? now) + windowMs > now) {
    newest.calls++;
    newest.failures += failures;
    return slices;
  }
  const within = slices.filter(({ from }) => from + windowMs > now);
  const last = within.at(-1);
  if (last === undefined || last.from + sliceMs <= now) return [...within, { from: now, calls: 1, failures }];
  return [...within.slice(0, -1), { from: last.from, calls: last.calls + 1, failures: last.failures + failures }];
}

/** Why it opens, for people; null when it does not (1). */
function whyOpen({ failuresInRow, slices }: Life & { kind: "closed" }, policy: BreakerPolicy): string | null {
  if (failuresInRow >= policy.failuresMax)
    return failuresInRow === 1 ? "1 call failed" : `${failuresInRow} calls in a row failed`;
  let [calls, failures] = [0, 0];
  for (const slice of slices) {
    calls += slice.calls;
    failures += slice.failures;
  }
  if (calls < policy.callsMin || failures / calls < policy.failureShare) return null;
  return `${failures} of ${calls} calls within ${spanForPeople(policy.windowMs)} failed`;
}

/** The same life with all its moments earlier by as much as the clock went back (6). */
function earlier(life: Life, byMs: number): Life {
  switch (life.kind) {
    case "closed":
      return { ...life, slices: life.slices.map((slice) => ({ ...slice, from: slice.from - byMs })) };
    case "open":
      return { ...life, openedAt: life.openedAt - byMs };
    case "half-open":
      return life;
    default:
      return unreachable(life);
  }
}

function probesOf(count: number): string {
  return count === 1 ? "1 probe" : `${count} probes`;
}
