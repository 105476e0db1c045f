// JSON: what may be recorded, and the one way it is written down.

import { defineProblems } from "./problem.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Levels of nesting in one value. Protects every reader that walks it, ours and others'. */
export const JSON_DEPTH_MAX = 64;

export const jsonProblems = defineProblems({
  NOT_JSON: {
    status: 422,
    title: "A value cannot be recorded as JSON.",
    fix: "Return plain data: null, booleans, finite numbers, strings, arrays and plain objects of these.",
  },
  JSON_TOO_DEEP: {
    status: 422,
    title: "A value is nested too deeply.",
    fix: `Keep values within ${JSON_DEPTH_MAX} levels of nesting (JSON_DEPTH_MAX).`,
  },
  JSON_TOO_LARGE: {
    status: 413,
    title: "A value is too large.",
    fix: "Keep large data in files and record where it is.",
  },
  JSON_MALFORMED: { status: 400, title: "A text is not JSON.", exit: 2 },
});

/**
 * Writes a value as JSON text, strictly: what JSON cannot carry unchanged (NaN, a Date, a Map, a bigint, a function,
 * undefined inside an array, a cycle) is a problem that names the place. `undefined` itself gives null.
 * Properties that are undefined are left out, as JSON.stringify does.
 */
export function writeJson(value: unknown, what: string, bytesMax: number): string {
  if (value === undefined) return "null";
  checkJson(value, what, 0);
  const text = JSON.stringify(value);
  // UTF-8 takes at most three bytes per UTF-16 unit, so most texts need no counting.
  if (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax) {
    throw jsonProblems.JSON_TOO_LARGE(`${what} has ${Buffer.byteLength(text)} bytes; the limit is ${bytesMax}.`);
  }
  return text;
}

/** Refuses what `writeJson` refuses, and writes nothing. `depth`: levels of nesting that will be around it. */
export function requireJson(value: unknown, what: string, depth = 0): void {
  checkJson(value, what, depth);
}

/** The same value in arrays and objects of its own: whoever changes those changes nobody else's. */
export function copiedJson(value: Json): Json {
  if (Array.isArray(value)) return value.map(copiedJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copiedJson(member)]));
}

function checkJson(value: unknown, place: string, depth: number): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value)) throw notJson(place, String(value));
      return;
    case "object":
      if (value !== null) checkNested(value, place, depth + 1);
      return;
    default:
      throw notJson(place, typeof value === "undefined" ? "undefined" : `a ${typeof value}`);
  }
}

function checkNested(value: object, place: string, depth: number): void {
  if (depth > JSON_DEPTH_MAX) {
    throw jsonProblems.JSON_TOO_DEEP(
      `${place.slice(0, 200)} is nested deeper than ${JSON_DEPTH_MAX} levels, or refers to itself.`,
    );
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) checkMember(value[i], place, i, depth);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !isForeignPlain(prototype)) {
    throw notJson(place, `a ${value.constructor?.name ?? "special object"}`);
  }
  for (const key of Object.keys(value)) {
    const member: unknown = (value as Record<string, unknown>)[key];
    if (member !== undefined) checkMember(member, place, key, depth);
  }
}

/** The place is spelled out only for members that are nested or wrong: the common leaf costs nothing. */
function checkMember(member: unknown, place: string, key: string | number, depth: number): void {
  if (typeof member === "string" || typeof member === "boolean" || member === null) return;
  if (typeof member === "number" && Number.isFinite(member)) return;
  checkJson(member, typeof key === "number" ? `${place}[${key}]` : `${place}.${key}`, depth);
}

/** A plain object of another realm, such as a vm context or a worker. */
function isForeignPlain(prototype: unknown): boolean {
  return (
    typeof prototype === "object" &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    "hasOwnProperty" in prototype
  );
}

function notJson(place: string, found: string): Error {
  return jsonProblems.NOT_JSON(`${place} is ${found}, which JSON cannot carry.`);
}

/** JSON text with sorted keys: equal values give equal texts. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value as Record<string, Json>)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

/** Reads JSON text from outside, bounded in bytes and depth, and refuses numbers that would change. */
export function readJson(text: string, what: string, bytesMax: number): Json {
  if (Buffer.byteLength(text) > bytesMax) {
    throw jsonProblems.JSON_TOO_LARGE(`${what} has more than ${bytesMax} bytes, which is the limit.`);
  }
  if (nestingOf(text) > JSON_DEPTH_MAX) {
    throw jsonProblems.JSON_TOO_DEEP(`${what} is nested deeper than ${JSON_DEPTH_MAX} levels.`);
  }
  let value: Json;
  try {
    value = JSON.parse(text, refuseUnsafeMembers as (key: string, value: unknown) => unknown) as Json;
  } catch (error) {
    if (error instanceof RefusedMember) throw jsonProblems.JSON_MALFORMED(`${what}: ${error.message}`);
    throw jsonProblems.JSON_MALFORMED(`${what} is not JSON: ${malformed(text, error)}`);
  }
  return value;
}

class RefusedMember extends Error {}

/** 1e400 would become Infinity and 9007199254740993 a neighbour: both silently. */
function refuseUnsafeMembers(key: string, value: unknown, context: { source?: string }): unknown {
  if (key === "__proto__") throw new RefusedMember('the key "__proto__" is not taken');
  if (typeof value !== "number") return value;
  const source = context.source ?? "";
  const tooLarge = !Number.isFinite(value) || (/^-?\d+$/.test(source) && !Number.isSafeInteger(value));
  if (tooLarge) throw new RefusedMember(`the number ${source.slice(0, 40)} cannot be kept exactly; write it as text`);
  return value;
}

/** The deepest nesting of brackets outside strings, counted without recursion, before any parser sees the text. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (inString) {
      if (unit === 0x5c) i++;
      else if (unit === 0x22) inString = false;
    } else if (unit === 0x22) inString = true;
    else if (unit === 0x5b || unit === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (unit === 0x5d || unit === 0x7d) depth--;
  }
  return deepest;
}

/** What the parser says, with the place, which it does not always tell. */
function malformed(text: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  const sentence = reason
    .replace(/ in JSON.*$/s, "")
    .replace(/ \(line.*$/s, "")
    .replace(/, (\.\.\.)?".*$/s, "");
  const position = /position (\d+)/.exec(reason)?.[1] ?? firstMalformedAt(text);
  const before = text.slice(0, Number(position)).split("\n");
  return `${sentence} at line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
}

const TOKEN =
  /\s*(?:([{}[\]:,])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;

/** Where a text stops being JSON: the first token that cannot stand where it stands. */
function firstMalformedAt(text: string): number {
  const open: string[] = [];
  let wanted = "value";
  for (let at = 0; ; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const [, mark, scalar] = TOKEN.exec(text) ?? [];
    const found = mark ?? scalar;
    const begin = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
    const next = found === undefined ? null : after(wanted, found, open);
    if (next === null) return begin;
    wanted = next;
  }
}

/** What may follow a token; null where it may not stand. `open`: the brackets around it, innermost last. */
function after(wanted: string, found: string, open: string[]): string | null {
  const inside = open.at(-1);
  const isClosing = found === (inside === "{" ? "}" : "]") && inside !== undefined;
  if (isClosing && wanted.includes("end")) {
    open.pop();
    return open.length === 0 ? "nothing" : "comma or end";
  }
  if (wanted.startsWith("comma")) return found !== "," ? null : inside === "{" ? "key" : "value";
  if (wanted.startsWith("key")) return found.startsWith('"') ? "colon" : null;
  if (wanted === "colon") return found === ":" ? "value" : null;
  if (!wanted.startsWith("value")) return null;
  if (found === "{" || found === "[") {
    open.push(found);
    return found === "{" ? "key or end" : "value or end";
  }
  if ("}]:,".includes(found)) return null;
  return inside === undefined ? "nothing" : "comma or end";
}
