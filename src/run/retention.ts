// How long ended runs are kept. Pure.

import { DAY_MS } from "../base/time.ts";
import { runProblems } from "./problems.ts";

/** An ended run leaves once it is older than `ageMs`, or not among the newest `countMax` of its workflow. */
export interface RetentionPolicy {
  readonly ageMs: number;
  readonly countMax: number;
}

/** Where nobody says anything: thirty days, and the newest hundred thousand of each workflow. */
export const RETENTION: RetentionPolicy = { ageMs: 30 * DAY_MS, countMax: 100_000 };

/** Fills and checks a policy that an author wrote; null: for ever. Throws OPTION_INVALID naming the field. */
export function readRetention(written: Partial<RetentionPolicy> | "forever"): RetentionPolicy | null {
  if (written === "forever") return null;
  if (typeof written !== "object" || written === null)
    throw runProblems.OPTION_INVALID(`retention is ${String(written)}; it is "forever" or an object like { ageMs: 86400000 }.`);
  const policy = { ...RETENTION, ...written };
  const unknown = Object.keys(policy).find((field) => !Object.hasOwn(RETENTION, field));
  if (unknown !== undefined) throw runProblems.OPTION_INVALID(`retention.${unknown} is not known; there are: ageMs, countMax.`);
  if (!(Number.isFinite(policy.ageMs) && policy.ageMs >= 0))
    throw runProblems.OPTION_INVALID(`retention.ageMs is ${String(policy.ageMs)}; it must be 0 or more ms.`);
  if (!(Number.isInteger(policy.countMax) && policy.countMax >= 0))
    throw runProblems.OPTION_INVALID(`retention.countMax is ${String(policy.countMax)}; it must be a whole number, 0 or more.`);
  return policy;
}
