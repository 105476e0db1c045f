// What an agent gave, checked before anyone relies on it. Owns the bounds within which a stranger's schema is run at all;
// leaves the checking to the validator of workflow/ (readDocumentSchema: no defaults filled, nothing fetched, patterns matched
// in linear time by RE2, code only of keywords it knows).
//
// 1. A value passes exactly when it is valid by the schema that was wanted and by the one the agent declared; a declared one
//    that cannot be run is passed over, and that is said.
// 2. Making a guard throws nothing: a schema that cannot be run is said so, and why. Checking throws nothing either.
// 3. Time is bounded: what a schema means with its references followed (labour.ts), times the values it is asked of, is
//    GUARD_WORK_MAX at most. RE2 does not bound the format `url`, which looks at a text in quadratic time: where a schema
//    has it, texts are URL_TEXT_MAX letters at most.

import { type Json, writeJson } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { type Checked, type Issue, type JsonSchema, readDocumentSchema, type Schema } from "../workflow.ts";
import { type Labour, labourOf, workOf } from "./labour.ts";
import { unreadable } from "./schema-document.ts";

/** How often a schema may be looked at for one output. Protects time, and memory where each finds an issue. */
export const GUARD_WORK_MAX = 2_000_000;

/** Bytes of one value that is checked. Protects time. */
export const GUARDED_BYTES_MAX = 8 * 1024 * 1024;

/** The longest text where a schema asks for the format `url`. Protects time. */
export const URL_TEXT_MAX = 2_048;

/** Issues told of one value. Protects people's patience. */
export const GUARD_ISSUES_MAX = 50;

export interface OutputGuard {
  /** The value as it is, or every issue in words, with JSON Pointers. */
  check(value: unknown): Checked<Json>;
}

/** A guard, or why there can be none: a sentence for people. */
export type GuardMade =
  | { readonly kind: "guard"; readonly guard: OutputGuard; readonly passedOver?: string }
  | { readonly kind: "refused"; readonly why: string };

/** A schema that is not given asks for nothing. */
export interface GuardedOutput {
  /** What the agent says it gives. */
  readonly declared?: JsonSchema | boolean;
  /** What the task needs. */
  readonly wanted?: JsonSchema | boolean;
}

/** Compiled once, for many values. */
export function outputGuard({ declared = true, wanted = true }: GuardedOutput): GuardMade {
  const [needed, said] = [compiled(wanted, "The output wanted"), compiled(declared, "The output declared")];
  if (typeof needed === "string") return { kind: "refused", why: needed };
  if (typeof said === "string") return { kind: "guard", guard: { check: (value) => checked([needed], value) }, passedOver: said };
  return { kind: "guard", guard: { check: (value) => checked([needed, said], value) } };
}

interface Compiled {
  readonly schema: Schema;
  readonly labour: Labour;
  readonly textMax: number;
}

/** Or why it cannot be. */
function compiled(written: JsonSchema | boolean, what: string): Compiled | string {
  const labour = unreadable(written) ?? labourOf(written);
  if (typeof labour === "string") return `${what} cannot be checked: ${labour}.`;
  try {
    const asksForUrl = JSON.stringify(written).includes('"url"');
    return { schema: readDocumentSchema(written, what), labour, textMax: asksForUrl ? URL_TEXT_MAX : Number.POSITIVE_INFINITY };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function checked(schemas: readonly Compiled[], value: unknown): Checked<Json> {
  try {
    writeJson(value, "The output", GUARDED_BYTES_MAX);
    const issues = schemas.flatMap((one) => issuesOf(one, value as Json));
    const distinct = new Map(issues.map((issue) => [`${issue.at} ${issue.message}`, issue]));
    const told = [...distinct.values()].slice(0, GUARD_ISSUES_MAX);
    return told.length === 0 ? { ok: true, value: value as Json } : { ok: false, issues: told };
  } catch (error) {
    const message = isProblemError(error) ? error.message : `cannot be checked: ${String(error)}`;
    return { ok: false, issues: [{ at: "", message }] };
  }
}

function issuesOf({ schema, labour, textMax }: Compiled, value: Json): readonly Issue[] {
  if (workOf(labour, value) > GUARD_WORK_MAX)
    return [{ at: "", message: `is too large to be checked by this schema (GUARD_WORK_MAX: ${GUARD_WORK_MAX})` }];
  const at = longText(value, textMax, "");
  if (at !== null) return [{ at, message: `is longer than ${textMax} characters, which is the limit here (URL_TEXT_MAX)` }];
  const result = schema.check(value);
  return result.ok ? [] : result.issues;
}

function longText(value: Json, max: number, at: string): string | null {
  if (!Number.isFinite(max)) return null;
  if (typeof value === "string") return value.length > max ? at : null;
  if (typeof value !== "object" || value === null) return null;
  for (const [key, member] of Object.entries(value)) {
    const place = key.length > max ? at : longText(member, max, `${at}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
    if (place !== null) return place;
  }
  return null;
}
