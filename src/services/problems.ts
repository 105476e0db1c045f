// Every problem of calling services by their description, and the words that are common to their sentences.

import { defineProblems } from "../base/problem.ts";

/** Names that are looked at for the one that was meant. */
const NEAREST_NAMES_MAX = 2_000;

/** Characters of a name that are compared for the one that was meant. */
const NEAREST_NAME_LENGTH_MAX = 80;

export const servicesProblems = defineProblems({
  OPENAPI_INVALID: {
    status: 422,
    title: "An OpenAPI document cannot be used.",
    fix: "Give an OpenAPI 3 or Swagger 2.0 document; check it with the people who publish it.",
  },
  OPENAPI_REF_REMOTE: {
    status: 422,
    title: "An OpenAPI document refers to another document.",
    fix: "Bundle it into one document first, so that every $ref begins with #.",
  },
  OPENAPI_OPERATION_UNKNOWN: {
    status: 422,
    title: "An OpenAPI document has no such operation.",
    fix: "Name an operation by its operationId, or by method and path: GET /pets/{id}.",
  },
  OPENAPI_PARAMETER_MISSING: { status: 422, title: "An operation needs a parameter that is not given." },
  OPENAPI_PARAMETER_UNKNOWN: { status: 422, title: "An operation has no such parameter." },
  OPENAPI_PARAMETER_INVALID: { status: 422, title: "A parameter cannot be sent as it is." },
});

/** A text of somebody else's in a sentence of ours: quoted, escaped and short. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

/** The name that was probably meant: at most a third of it written otherwise; null when none is near. */
export function nearest(name: string, names: readonly string[]): string | null {
  const wanted = name.slice(0, NEAREST_NAME_LENGTH_MAX).toLowerCase();
  let best: string | null = null;
  let least = Math.floor(wanted.length / 3) + 1;
  for (const known of names.slice(0, NEAREST_NAMES_MAX)) {
    if (Math.abs(known.length - wanted.length) >= least) continue;
    const distance = distanceOf(wanted, known.toLowerCase());
    if (distance < least) [best, least] = [known, distance];
  }
  return best;
}

/** Letters to change, add, leave out or swap with their neighbour. */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + Number(a[i - 1] !== b[j - 1]);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : change;
      next.push(Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
