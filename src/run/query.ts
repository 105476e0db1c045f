// The words of `--query`: `status:failed workflow:x since:2h input.customer="a"`. Every term must hold.

import { type Json, readJson } from "../base/json.ts";
import { readInstant, readSpan } from "../base/time.ts";
import { runProblems } from "./problems.ts";
import { RUN_STATUSES, type RunStatus } from "./run.ts";

/** What a query asks of a run. Moments are Unix ms. */
export interface RunFilter {
  readonly statuses?: readonly RunStatus[];
  readonly reasons?: readonly string[];
  /** `name` or `namespace/name`, optionally with `@version`. */
  readonly workflow?: string;
  readonly since?: number;
  readonly until?: number;
  /** A start key; with a `*` at its end, what it begins with. */
  readonly key?: string;
  readonly parent?: string;
  /** The code of the problem it has. */
  readonly problem?: string;
  readonly fields?: readonly FieldFilter[];
}

export interface FieldFilter {
  readonly of: "input" | "output";
  /** An SQLite JSON path: `$."customer"."name"`. */
  readonly path: string;
  readonly value: Json;
}

const TERM = /\s*([A-Za-z]+(?:\.[A-Za-z0-9_-]+)*)(:|=)("(?:[^"\\]|\\.)*"|\S+)/y;
const QUERY_LENGTH_MAX = 2_000;

type Reader = (value: string, now: number) => Partial<RunFilter>;

const WORDS: Readonly<Record<string, Reader>> = {
  status: (value) => ({ statuses: value.split(",").map(readStatus) }),
  reason: (value) => ({ reasons: value.split(",") }),
  workflow: (workflow) => ({ workflow }),
  since: (value, now) => ({ since: readMoment("since", value, now) }),
  until: (value, now) => ({ until: readMoment("until", value, now) }),
  key: (key) => ({ key }),
  parent: (parent) => ({ parent }),
  problem: (problem) => ({ problem }),
};

/** Reads a query. Throws QUERY_INVALID with the place. */
export function readQuery(text: string, now: number): RunFilter {
  if (text.length > QUERY_LENGTH_MAX) throw invalid(text, QUERY_LENGTH_MAX, `it may have ${QUERY_LENGTH_MAX} characters`);
  let filter: RunFilter = {};
  for (let at = 0; at < text.trimEnd().length; at = TERM.lastIndex) {
    TERM.lastIndex = at;
    const [, name = "", sign, value = ""] = TERM.exec(text) ?? [];
    if (sign === undefined)
      throw invalid(text, text.length - text.slice(at).trimStart().length, 'a term is word:value or input.field="value"');
    filter = { ...filter, ...readTerm(text, at, name, sign, value, now, filter) };
  }
  if (Object.keys(filter).length === 0) throw invalid(text, 0, "it says nothing; `status:failed`, for one, is a term");
  return filter;
}

function readTerm(
  text: string,
  at: number,
  name: string,
  sign: string,
  value: string,
  now: number,
  before: RunFilter,
): Partial<RunFilter> {
  const [of = "", ...path] = name.split(".");
  if ((of === "input" || of === "output") && path.length > 0 && sign === "=") {
    const field: FieldFilter = { of, path: `$${path.map((part) => `."${part}"`).join("")}`, value: readValue(value) };
    return { fields: [...(before.fields ?? []), field] };
  }
  const reader = sign === ":" ? WORDS[name] : undefined;
  if (reader === undefined)
    throw invalid(
      text,
      at,
      `there is no term ${name}${sign}; there are: ${Object.keys(WORDS).join(": ")}:, input.FIELD=, output.FIELD=`,
    );
  return reader(value.startsWith('"') ? String(readValue(value)) : value, now);
}

/** JSON where it reads as JSON, else text. */
function readValue(value: string): Json {
  try {
    return readJson(value, "a value", QUERY_LENGTH_MAX);
  } catch {
    return value;
  }
}

function readStatus(text: string): RunStatus {
  const status = RUN_STATUSES.find((known) => known === text);
  if (status === undefined) throw runProblems.QUERY_INVALID(`status:${text}: a status is one of ${RUN_STATUSES.join(", ")}.`);
  return status;
}

function readMoment(word: string, text: string, now: number): number {
  const spanMs = readSpan(text);
  const at = spanMs === null ? readInstant(text) : now - spanMs;
  if (at === null) throw runProblems.QUERY_INVALID(`${word}:${text}: neither a span like 2h nor a moment in RFC 3339.`);
  return at;
}

function invalid(text: string, at: number, why: string): Error {
  return runProblems.QUERY_INVALID(`"${text.slice(0, 80)}" at column ${at + 1}: ${why}.`);
}
