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
  SERVICE_UNKNOWN: { status: 404, title: "There is no such service.", fix: "`baton services ls` lists them.", exit: 4 },
  SERVICE_OPERATION_UNKNOWN: { status: 404, title: "A service has no such operation.", exit: 4 },
  SERVICE_TARGET_INVALID: {
    status: 422,
    title: "What is to be called is written wrongly.",
    fix: "Write service/operation, or a capability with dots: llm.chat.",
    exit: 2,
  },
  SERVICE_DEFINITION_INVALID: { status: 422, title: "A service is defined wrongly.", exit: 3 },
  SERVICE_EXISTS: {
    status: 409,
    title: "There is a service of that name already.",
    fix: "Give it another name: --name NAME; or replace it: --replace.",
    exit: 6,
  },
  SERVICE_IMPORT_FAILED: { status: 422, title: "No service can be made of what was given.", exit: 3 },
  SERVICE_INPUT_INVALID: { status: 422, title: "An operation does not take this input.", exit: 2 },
  SERVICE_ANSWER_INVALID: { status: 502, title: "A service answered with something that it should not.", exit: 1 },
  SERVICE_REFUSED: { status: 502, title: "A service refused a call.", exit: 1 },
  SERVICE_UNAVAILABLE: { status: 503, title: "A service could not answer.", exit: 1 },
  SERVICE_FAILED: { status: 502, title: "A call of a service failed.", exit: 1 },
  SERVICE_CIRCUIT_OPEN: {
    status: 503,
    title: "A service is left alone for a while, because it kept failing.",
    fix: "It is tried again by itself; `baton services check NAME` looks at it now.",
    exit: 1,
  },
  SERVICE_NONE_FIT: {
    status: 503,
    title: "No service can do what is asked for.",
    fix: "`baton services ls` shows what there is.",
    exit: 4,
  },
  SERVICE_SECRET_MISSING: { status: 422, title: "A service needs a secret that is not there." },
  SERVICE_OPTION_INVALID: { status: 422, title: "An option of a call is wrong.", exit: 2 },
  SERVICE_CALL_UNKNOWN: {
    status: 404,
    title: "There is no such call.",
    fix: "`baton runs show RUN` lists a run's calls.",
    exit: 4,
  },
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
