// What follows a failed attempt. Pure: the clock and chance are arguments.

import { SECOND_MS } from "../base/time.ts";
import { ATTEMPTS_MAX, RETRY_AFTER_MS_MAX, WAIT_MS_MAX } from "./limits.ts";
import { runProblems } from "./problems.ts";

export interface RetryPolicy {
  /** Attempts in all, the first included. 1 means no retry. */
  readonly attemptsMax: number;
  /** Delay before the second attempt, in ms. */
  readonly firstDelayMs: number;
  /** Each delay is the one before times this. */
  readonly factor: number;
  /** No delay is longer than this, in ms. */
  readonly delayMsMax: number;
  /** Part of the delay that chance may take away, in [0, 1]. The delay drawn is recorded with the failure. */
  readonly jitter: number;
  /** Codes and names of errors after which no retry makes sense. */
  readonly nonRetryable: readonly string[];
}

/** Without a policy a step is tried once: only its author knows whether trying again is safe. */
export const TRY_ONCE: RetryPolicy = {
  attemptsMax: 1,
  firstDelayMs: SECOND_MS,
  factor: 2,
  delayMsMax: 60 * SECOND_MS,
  jitter: 0.2,
  nonRetryable: [],
};

/** What an author leaves out of `retry: {…}`: three attempts, 1 s, doubled, at most 60 s, up to a fifth taken off by chance. */
const DEFAULTS: RetryPolicy = { ...TRY_ONCE, attemptsMax: 3 };

/** Fills and checks a policy that an author wrote. Throws `RETRY_INVALID` naming the field. */
export function readRetryPolicy(written: Partial<RetryPolicy>): RetryPolicy {
  const known = typeof written === "object" && written !== null ? read.get(written) : undefined;
  const policy = known ?? checked(written);
  if (known === undefined) read.set(written, policy);
  return policy;
}

/** Policies that were read already: authors write them once and use them often. */
const read = new WeakMap<object, RetryPolicy>();

function checked(written: Partial<RetryPolicy>): RetryPolicy {
  requireFields(written);
  const policy = { ...DEFAULTS, ...withoutUndefined(written) };
  requireWithin("attemptsMax", policy.attemptsMax, 1, ATTEMPTS_MAX, true);
  requireWithin("firstDelayMs", policy.firstDelayMs, 0, WAIT_MS_MAX);
  requireWithin("factor", policy.factor, 1, 1_000);
  requireWithin("delayMsMax", policy.delayMsMax, 0, WAIT_MS_MAX);
  requireWithin("jitter", policy.jitter, 0, 1);
  if (!Array.isArray(policy.nonRetryable))
    throw runProblems.RETRY_INVALID("retry.nonRetryable must be a list of codes and names of errors.");
  return policy;
}

/** A field of another name would be passed over, and its author would believe in it. */
function requireFields(written: unknown): void {
  if (typeof written !== "object" || written === null)
    throw runProblems.RETRY_INVALID(`retry is ${String(written)}; it must be an object like { attemptsMax: 3 }.`);
  const unknown = Object.keys(written).find((field) => !Object.hasOwn(DEFAULTS, field));
  if (unknown !== undefined)
    throw runProblems.RETRY_INVALID(`retry.${unknown} is not known; there are: ${Object.keys(DEFAULTS).join(", ")}.`);
}

function withoutUndefined<T extends object>(written: T): Partial<T> {
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function requireWithin(field: string, value: number, min: number, max: number, whole = false): void {
  const fits = typeof value === "number" && value >= min && value <= max && (!whole || Number.isInteger(value));
  if (!fits)
    throw runProblems.RETRY_INVALID(
      `retry.${field} is ${typeof value === "string" ? JSON.stringify(value) : String(value)}; it must be ${whole ? "a whole number " : ""}from ${min} to ${max}.`,
    );
}

export type AfterFailure =
  | { readonly kind: "retry"; readonly retryAt: number }
  | { readonly kind: "give-up"; readonly because: "attempts-spent" | "non-retryable" | "past-deadline" };

export interface FailedAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  readonly nonRetryable: boolean;
  readonly codes: readonly string[];
  /** What the other side asked for, in ms; null when it said nothing. */
  readonly retryAfterMs: number | null;
}

/**
 * Decides what follows a failed attempt. `chance` is in [0, 1).
 *
 * A retry that would start after the deadline is not scheduled: the step would wait only to fail, and its owner
 * would learn of it later than necessary.
 */
export function afterFailure(
  policy: RetryPolicy,
  failed: FailedAttempt,
  now: number,
  deadlineAt: number,
  chance: number,
): AfterFailure {
  if (failed.nonRetryable || failed.codes.some((code) => policy.nonRetryable.includes(code))) {
    return { kind: "give-up", because: "non-retryable" };
  }
  if (failed.attempt >= policy.attemptsMax) return { kind: "give-up", because: "attempts-spent" };
  const retryAt = now + delayBefore(policy, failed, chance);
  return retryAt >= deadlineAt ? { kind: "give-up", because: "past-deadline" } : { kind: "retry", retryAt };
}

function delayBefore(policy: RetryPolicy, failed: FailedAttempt, chance: number): number {
  // After hundreds of attempts the power is infinite, and nothing times infinity is not a number.
  const grown = policy.firstDelayMs === 0 ? 0 : policy.firstDelayMs * policy.factor ** (failed.attempt - 1);
  const drawn = Math.ceil(Math.min(grown, policy.delayMsMax) * (1 - policy.jitter * chance));
  const asked = Math.min(Math.max(failed.retryAfterMs ?? 0, 0), RETRY_AFTER_MS_MAX);
  return Math.max(drawn, Math.ceil(asked)); // moments are whole ms
}
