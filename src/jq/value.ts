// Values of jq and what can be said of two of them: kinds, order, equality, and how errors show them.

import type { Json } from "../base/json.ts";
import { meter, VALUE_DEPTH_MAX } from "./meter.ts";

/** JSON, and the numbers that JSON does not have. */
export type Value = Json;
export type JsonObject = { readonly [key: string]: Value };
export type Kind = "null" | "boolean" | "number" | "string" | "array" | "object";

/** An error inside a program: what `try` catches. Thrown as it is, without a stack, since programs throw many. */
export class JqError {
  readonly value: Value;

  constructor(value: Value) {
    this.value = value;
  }
}

export function fail(message: string): JqError {
  return new JqError(message);
}

export function kindOf(value: Value): Kind {
  if (value === null) return "null";
  const type = typeof value;
  if (type !== "object") return type as Kind;
  return Array.isArray(value) ? "array" : "object";
}

export function isObject(value: Value): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isTruthy(value: Value): boolean {
  return value !== null && value !== false;
}

// Members. A value from outside has its own keys only, whatever they are called.

const INHERITED = new Set(Object.getOwnPropertyNames(Object.prototype));

export function isInherited(key: string): boolean {
  return INHERITED.has(key);
}

export function memberOf(object: JsonObject, key: string): Value {
  if (INHERITED.has(key) && !Object.hasOwn(object, key)) return null;
  return object[key] ?? null;
}

export function setMember(object: Record<string, Value>, key: string, value: Value): void {
  if (key === "__proto__") Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

export function copyObject(object: JsonObject): Record<string, Value> {
  const keys = Object.keys(object);
  meter.spendItems(keys.length);
  if (!Object.hasOwn(object, "__proto__")) return { ...object };
  const copy: Record<string, Value> = {};
  for (const key of keys) setMember(copy, key, object[key] ?? null);
  return copy;
}

export function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  meter.spendItems(keys.length);
  return keys.sort(compareText);
}

// Order.

/** Levels of values that are compared or searched. */
export const WALK_DEPTH_MAX = 1_500;

const RANK: Readonly<Record<Kind, number>> = { null: 0, boolean: 1, number: 3, string: 4, array: 5, object: 6 };

function rankOf(value: Value): number {
  return value === true ? 2 : RANK[kindOf(value)];
}

/** null < false < true < numbers < texts < arrays < objects; nan is less than every number. */
export function compare(a: Value, b: Value, depth = 0): number {
  if (typeof a === "number" && typeof b === "number") return a === b ? 0 : a < b || Number.isNaN(a) ? -1 : 1;
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank;
  if (depth > WALK_DEPTH_MAX) throw fail("Comparison too deep");
  if (isArray(a) && isArray(b)) return compareArrays(a, b, depth + 1);
  return isObject(a) && isObject(b) ? compareObjects(a, b, depth + 1) : 0;
}

function compareArrays(a: readonly Value[], b: readonly Value[], depth: number): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    meter.step();
    const order = compare(a[i] ?? null, b[i] ?? null, depth);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** First the sets of keys, then the members. */
function compareObjects(a: JsonObject, b: JsonObject, depth: number): number {
  const keys = sortedKeys(a);
  const order = compareArrays(keys, sortedKeys(b), depth);
  if (order !== 0) return order;
  for (const key of keys) {
    const found = compare(a[key] ?? null, b[key] ?? null, depth);
    if (found !== 0) return found;
  }
  return 0;
}

/** By code points, as UTF-8 sorts; UTF-16 sorts surrogates before U+E000 to U+FFFF. */
export function compareText(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  meter.spendSteps(shorter >> 6);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800 && isSurrogate(x) !== isSurrogate(y)) return isSurrogate(x) ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

export function equal(a: Value, b: Value, depth = 0): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (depth > WALK_DEPTH_MAX) throw fail("Equality check too deep");
  if (isArray(a)) return isArray(b) && equalArrays(a, b, depth + 1);
  return isObject(a) && isObject(b) && equalObjects(a, b, depth + 1);
}

function equalArrays(a: readonly Value[], b: readonly Value[], depth: number): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    meter.step();
    if (!equal(a[i] ?? null, b[i] ?? null, depth)) return false;
  }
  return true;
}

function equalObjects(a: JsonObject, b: JsonObject, depth: number): boolean {
  const keys = Object.keys(a);
  meter.spendSteps(keys.length);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) if (!Object.hasOwn(b, key) || !equal(a[key] ?? null, b[key] ?? null, depth)) return false;
  return true;
}

// As text.

/** Of a number as jq writes it: 17 digits at most, an exponent for what is far from 1; nan is null. */
export function numberText(value: number): string {
  if (Number.isNaN(value)) return "null";
  if (value === Number.POSITIVE_INFINITY) return "1.7976931348623157e+308";
  if (value === Number.NEGATIVE_INFINITY) return "-1.7976931348623157e+308";
  if (Object.is(value, -0)) return "-0";
  const [mantissa = "", power = "0"] = value.toExponential().split("e");
  const sign = value < 0 ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  const point = Number(power) + 1;
  if (point <= -4 || point > digits.length + 15) return `${sign}${scientific(digits, point - 1)}`;
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  const whole = digits.slice(0, point).padEnd(point, "0");
  return `${sign}${whole}${digits.length > point ? `.${digits.slice(point)}` : ""}`;
}

function scientific(digits: string, power: number): string {
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  return `${digits[0]}${fraction}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** A value as JSON text, numbers as jq writes them. */
export function toJson(value: Value): string {
  if (typeof value === "number") return numberText(value);
  return isPlain(value, 0) ? writePlain(value) : writeAnything(value);
}

/** Whether JSON.stringify would write a value as jq does, and without running out of stack. */
function isPlain(value: Value, depth: number): boolean {
  if (typeof value === "number") return isPlainNumber(value);
  if (typeof value !== "object" || value === null) return true;
  if (depth > PLAIN_DEPTH_MAX) return false;
  meter.step();
  for (const member of isArray(value) ? value : Object.values(value)) if (!isPlain(member, depth + 1)) return false;
  return true;
}

function isPlainNumber(value: number): boolean {
  if (value === 0) return !Object.is(value, -0);
  const size = Math.abs(value);
  return size < 1e15 && size >= 1e-5;
}

const PLAIN_DEPTH_MAX = 200;

function writePlain(value: Value): string {
  const text = JSON.stringify(value);
  meter.spendText(text.length);
  return text.includes("\u007f") ? text.replaceAll("\u007f", "\\u007f") : text;
}

/** With a stack of its own: values may be deeper than the machine's. */
function writeAnything(value: Value): string {
  const parts: string[] = [];
  const open: Value[] = [];
  const depths: number[] = [];
  const texts: (string | null)[] = [];
  const later = (text: string | null, member: Value, depth: number): void => {
    texts.push(text);
    open.push(member);
    depths.push(depth);
  };
  later(null, value, 0);
  while (texts.length > 0) {
    meter.step();
    const text = texts.pop() ?? null;
    const member = open.pop() ?? null;
    const depth = depths.pop() ?? 0;
    if (text !== null) parts.push(text);
    else if (typeof member === "number") parts.push(numberText(member));
    else if (typeof member !== "object" || member === null) parts.push(writePlain(member));
    else if (depth > VALUE_DEPTH_MAX) parts.push('"<skipped: too deep>"');
    else writeMembers(member as readonly Value[] | JsonObject, depth, later);
  }
  meter.spendText(parts.length);
  return parts.join("");
}

/** What is written later is put on the stack in reverse. */
function writeMembers(
  value: readonly Value[] | JsonObject,
  depth: number,
  later: (text: string | null, member: Value, depth: number) => void,
): void {
  const keys = isArray(value) ? null : Object.keys(value);
  const members: readonly Value[] = isArray(value) ? value : Object.values(value);
  later(keys === null ? "]" : "}", null, 0);
  for (let i = members.length - 1; i >= 0; i--) {
    later(null, members[i] ?? null, depth + 1);
    const name = keys === null ? "" : `${JSON.stringify(keys[i])}:`;
    later(`${i === 0 ? "" : ","}${name}`, null, 0);
  }
  later(keys === null ? "[" : "{", null, 0);
}

const SHOWN_BYTES_MAX = 30;

/** A value as errors show it: its kind, and its text cut to 29 bytes. */
export function shown(value: Value): string {
  return `${kindOf(value)} (${cutText(startOfJson(value))})`;
}

export function cutText(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length < SHOWN_BYTES_MAX) return text;
  const quoted = text.startsWith('"');
  const bracket = text.startsWith("[") ? "]" : text.startsWith("{") ? "}" : quoted ? '"' : "";
  const room = SHOWN_BYTES_MAX - 1 - 3 - bracket.length;
  let end = room;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString()}...${bracket}`;
}

/** Enough of the JSON text of a value to show its beginning. */
function startOfJson(value: Value): string {
  if (typeof value === "string") return JSON.stringify(value.length > 200 ? value.slice(0, 200) : value);
  if (typeof value !== "object" || value === null) return toJson(value);
  return toJson(pruned(value, 40));
}

/** A value with only so many members and levels that the beginning of its text is the same. */
function pruned(value: Value, room: number): Value {
  if (typeof value === "string") return value.slice(0, 200);
  if (typeof value !== "object" || value === null || room <= 0) return value !== null && typeof value === "object" ? [] : value;
  if (isArray(value)) return value.slice(0, room).map((member) => pruned(member, room - 1));
  const copy: Record<string, Value> = {};
  for (const key of Object.keys(value).slice(0, room)) setMember(copy, key, pruned(memberOf(value, key), room - 1));
  return copy;
}

// Code points.

const SURROGATE = /[\ud800-\udfff]/;

export function isOneUnitEach(text: string): boolean {
  return !SURROGATE.test(text);
}

export function codePointCount(text: string): number {
  if (isOneUnitEach(text)) return text.length;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff && isSurrogate(text.charCodeAt(i + 1))) i++;
    count++;
  }
  return count;
}

/** A part of a text, counted in code points. */
export function sliceText(text: string, from: number, to: number): string {
  if (isOneUnitEach(text)) return text.slice(from, to);
  return [...text].slice(from, to).join("");
}
