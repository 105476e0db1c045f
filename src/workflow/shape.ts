// A small language for the shapes of documents: what may stand where, and what to say where something else does.
//
// One mistake gives one finding: a key that is misspelt is not missed as well, and what is no object is not searched
// for its keys.

import type { Json } from "../base/json.ts";
import { didYouMean, kindOfValue, quoted, type Report, type Trail } from "./diagnostic.ts";
import { readDuration } from "./duration.ts";
import { programIn } from "./expression.ts";

export type Shape = (value: Json, at: Trail, report: Report) => void;

type Members = Readonly<Record<string, Json>>;

export interface ObjectRules {
  readonly required?: readonly string[];
  /** What other keys hold; without it there are none. */
  readonly rest?: Shape;
  /** The specification's schema lets other keys be: they mean nothing. */
  readonly isOpen?: boolean;
  readonly atLeastOne?: boolean;
}

export const anything: Shape = () => undefined;

export function object(fields: Readonly<Record<string, Shape>>, rules: ObjectRules = {}): Shape {
  const { required = [], rest, isOpen = false, atLeastOne = false } = rules;
  const names = Object.keys(fields);
  return (value, at, report) => {
    if (!isObject(value)) return wrongType(value, "an object", at, report);
    const keys = Object.keys(value);
    const missing = required.filter((name) => !Object.hasOwn(value, name));
    for (const key of keys) {
      const field = Object.hasOwn(fields, key) ? fields[key] : rest;
      if (field !== undefined) field(value[key] ?? null, at.child(key), report);
      else unknownKey(key, { names, value, missing, code: isOpen ? "DOC_KEY_STRANGE" : "DOC_KEY_UNKNOWN" }, at, report);
    }
    for (const name of missing) report.add("DOC_KEY_MISSING", at, `\`${name}\` is missing.`, { fix: `Add \`${name}:\`.` });
    if (atLeastOne && keys.length === 0) report.add("DOC_EMPTY", at, "It must have at least one key.");
  };
}

interface UnknownKey {
  readonly names: readonly string[];
  readonly value: Members;
  /** A misspelt key stands for the one that is missing, which is then not missed as well. */
  readonly missing: string[];
  readonly code: "DOC_KEY_UNKNOWN" | "DOC_KEY_STRANGE";
}

function unknownKey(key: string, { names, value, missing, code }: UnknownKey, at: Trail, report: Report): void {
  const meant = didYouMean(
    key,
    names.filter((name) => !Object.hasOwn(value, name)),
  );
  const place = meant === null ? -1 : missing.indexOf(meant);
  if (place >= 0) missing.splice(place, 1);
  const fix = meant === null ? `Known here: ${names.join(", ")}.` : `Did you mean \`${meant}\`?`;
  report.add(place >= 0 ? "DOC_KEY_UNKNOWN" : code, at.child(key), `\`${cut(key)}\` is not known here.`, { onKey: true, fix });
}

export function list(item: Shape, rules: { readonly atLeastOne?: boolean } = {}): Shape {
  return (value, at, report) => {
    if (!Array.isArray(value)) return wrongType(value, "a list", at, report);
    const items = value as readonly Json[];
    if (rules.atLeastOne === true && items.length === 0) report.add("DOC_EMPTY", at, "The list is empty.");
    items.forEach((one, i) => {
      item(one, at.child(i), report);
    });
  };
}

/** Names of the author's own, each with a value of one shape. */
export function named(shape: Shape): Shape {
  return object({}, { rest: shape });
}

export const text: Shape = (value, at, report) => {
  if (typeof value !== "string") wrongType(value, "text", at, report);
};

/** A text that is an expression as a whole. */
export const expression: Shape = (value, at, report) => {
  if (typeof value !== "string") wrongType(value, "an expression", at, report);
  else if (programIn(value) === null)
    report.add("DOC_VALUE", at, `${quoted(value)} is no expression.`, { fix: "Write it like ${ .query }." });
};

/** What is computed is not looked into. */
export function orExpression(shape: Shape): Shape {
  return (value, at, report) => {
    if (typeof value !== "string" || programIn(value) === null) shape(value, at, report);
  };
}

export function textLike(pattern: RegExp, what: string, fix: string): Shape {
  return (value, at, report) => {
    if (typeof value !== "string") wrongType(value, what, at, report);
    else if (!pattern.test(value)) report.add("DOC_NAME", at, `${quoted(value)} is not ${what}.`, { fix });
  };
}

export const boolean: Shape = (value, at, report) => {
  if (typeof value !== "boolean") wrongType(value, "true or false", at, report);
};

export function integer(min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): Shape {
  return (value, at, report) => {
    if (typeof value !== "number" || !Number.isInteger(value)) wrongType(value, "a whole number", at, report);
    else if (value < min || value > max) report.add("DOC_VALUE", at, `${value} is not from ${min} to ${max}.`);
  };
}

export function number(min: number, max: number): Shape {
  return (value, at, report) => {
    if (typeof value !== "number") wrongType(value, "a number", at, report);
    else if (!(value >= min && value <= max)) report.add("DOC_VALUE", at, `${value} is not from ${min} to ${max}.`);
  };
}

export function words(...allowed: readonly string[]): Shape {
  return (value, at, report) => {
    if (typeof value === "string" && allowed.includes(value)) return;
    const meant = typeof value === "string" ? didYouMean(value, allowed) : null;
    const fix = meant === null ? `One of: ${allowed.join(", ")}.` : `Did you mean \`${meant}\`?`;
    report.add("DOC_VALUE", at, `${quoted(value)} is none of those that are allowed.`, { fix });
  };
}

/** Chooses by the type of the value. */
export function byType(shapes: { readonly text?: Shape; readonly object?: Shape; readonly list?: Shape }, what: string): Shape {
  return (value, at, report) => {
    const shape =
      typeof value === "string" ? shapes.text : Array.isArray(value) ? shapes.list : isObject(value) ? shapes.object : undefined;
    if (shape === undefined) wrongType(value, what, at, report);
    else shape(value, at, report);
  };
}

/** An object that has exactly one of these keys, which decides its shape. */
export function oneOf(branches: Readonly<Record<string, Shape>>, what: string): Shape {
  const names = Object.keys(branches);
  return (value, at, report) => {
    if (!isObject(value)) return wrongType(value, "an object", at, report);
    const [found, second] = names.filter((name) => Object.hasOwn(value, name));
    if (found === undefined) return noBranch(value, names, what, at, report);
    if (second !== undefined)
      return report.add(
        "DOC_KEY_UNKNOWN",
        at.child(second),
        `${what} has \`${found}\` and \`${second}\`; it takes one of them.`,
        { onKey: true },
      );
    branches[found]?.(value, at, report);
  };
}

function noBranch(value: Members, names: readonly string[], what: string, at: Trail, report: Report): void {
  for (const key of Object.keys(value)) {
    const meant = didYouMean(key, names);
    if (meant === null) continue;
    return report.add("DOC_KEY_UNKNOWN", at.child(key), `\`${cut(key)}\` is not known here.`, {
      onKey: true,
      fix: `Did you mean \`${meant}\`?`,
    });
  }
  report.add("DOC_KEY_MISSING", at, `${what} has none of: ${names.join(", ")}.`);
}

export const duration: Shape = (value, at, report) => {
  if (typeof value === "string" && programIn(value) !== null) return;
  if (typeof value !== "string" && !isObject(value))
    return wrongType(value, "a duration, like { seconds: 30 } or PT30S", at, report);
  if (isObject(value)) {
    durationObject(value, at, report);
    return;
  }
  const read = readDuration(value);
  if (typeof read === "string") report.add("DOC_VALUE", at, `${read}.`, { fix: "Write it like PT30S, PT5M or P1D." });
};

const UNITS = ["days", "hours", "minutes", "seconds", "milliseconds"];

const durationObject: Shape = (value, at, report) => {
  const before = report.findings.length;
  object(Object.fromEntries(UNITS.map((unit) => [unit, integer(0)])), { atLeastOne: true })(value, at, report);
  if (report.findings.length > before) return;
  const read = readDuration(value);
  if (typeof read === "string") report.add("DOC_VALUE", at, `${read}.`);
};

const URI = /^(?!\s*\$\{)(?=\S)(([^:/?#]+):)?(\/\/([^/?#\s]*))?([^?#\s]*)(\?([^#\s]*))?(#(\S*))?$/;

/** A URI, a template of one, or an expression that gives one. */
export const uri: Shape = (value, at, report) => {
  if (typeof value !== "string") return wrongType(value, "a URI", at, report);
  if (programIn(value) === null && !URI.test(value.replace(/\$\{[^}]*\}/g, "x")))
    report.add("DOC_VALUE", at, `${quoted(value)} is no URI.`, { fix: "Write it like https://example.com/pets/{petId}." });
};

export function wrongType(value: Json, wanted: string, at: Trail, report: Report): void {
  report.add("DOC_TYPE", at, `This is ${kindOfValue(value)}; it must be ${wanted}.`);
}

export function isObject(value: Json | undefined): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function cut(key: string): string {
  return key.length <= 60 ? key : `${key.slice(0, 57)}…`;
}
