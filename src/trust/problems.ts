// What can be wrong with what the ledger is asked or told, and the check of numbers: one NaN would spoil every later estimate.

import { defineProblems } from "../base/problem.ts";

export const trustProblems = defineProblems({
  TRUST_INPUT_INVALID: {
    status: 422,
    title: "What the trust ledger was asked or told cannot be used.",
    fix: "Name one candidate at least; give finite numbers of the units and ranges said.",
  },
  TRUST_NOBODY: {
    status: 409,
    title: "No candidate is trusted enough, or all are banned.",
    fix: "Ask for less trust, lift a ban, let the agents be tested, or name others.",
  },
  TRUST_SNAPSHOT_INVALID: {
    status: 422,
    title: "A snapshot of the trust ledger is not understood.",
    fix: "Restore what snapshot() gave, or begin with an empty ledger: it learns anew.",
  },
});

/** Throws TRUST_INPUT_INVALID. `Number.MIN_VALUE` as `min`: above 0. */
export function checkNumber(value: number, what: string, min: number, max = Number.MAX_VALUE): void {
  if (value >= min && value <= max) return;
  const range = `${min === Number.MIN_VALUE ? "above 0" : `from ${min}`}${max === Number.MAX_VALUE ? "" : ` up to ${max}`}`;
  throw trustProblems.TRUST_INPUT_INVALID(`${what} is ${value}; it must be a finite number ${range}.`);
}
