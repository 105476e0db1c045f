// What `+ - * / %` mean for every pair of kinds, and comparing.

import { meter, VALUE_DEPTH_MAX } from "./meter.ts";
import type { BinaryOperator } from "./tree.ts";
import {
  compare,
  copyObject,
  equal,
  fail,
  isArray,
  isObject,
  type JsonObject,
  memberOf,
  setMember,
  shown,
  type Value,
} from "./value.ts";

export const binaryOperators: Readonly<Record<BinaryOperator, (a: Value, b: Value) => Value>> = {
  "+": add,
  "-": subtract,
  "*": multiply,
  "/": divide,
  "%": remainder,
  "==": equal,
  "!=": (a, b) => !equal(a, b),
  "<": (a, b) => compare(a, b) < 0,
  "<=": (a, b) => compare(a, b) <= 0,
  ">": (a, b) => compare(a, b) > 0,
  ">=": (a, b) => compare(a, b) >= 0,
};

/** A number that a computation gave: notes those that JSON does not have. */
export function computed(value: number): number {
  if (!Number.isFinite(value)) meter.strayNumber = true;
  return value;
}

export function negate(value: Value): Value {
  if (typeof value === "number") return -value;
  throw fail(`${shown(value)} cannot be negated`);
}

export function add(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return computed(a + b);
  if (a === null) return b;
  if (b === null) return a;
  if (typeof a === "string" && typeof b === "string") {
    meter.spendText(a.length + b.length);
    return a + b;
  }
  if (isArray(a) && isArray(b)) {
    meter.spendItems(a.length + b.length);
    return [...a, ...b];
  }
  if (isObject(a) && isObject(b)) return merged(a, b);
  throw fail(`${shown(a)} and ${shown(b)} cannot be added`);
}

function merged(a: JsonObject, b: JsonObject): Value {
  const copy = copyObject(a);
  meter.spendItems(Object.keys(b).length);
  for (const key of Object.keys(b)) setMember(copy, key, b[key] ?? null);
  return copy;
}

function subtract(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return computed(a - b);
  if (isArray(a) && isArray(b)) {
    meter.spendSteps(a.length * Math.max(1, b.length));
    return a.filter((one) => !b.some((other) => equal(one, other)));
  }
  throw fail(`${shown(a)} and ${shown(b)} cannot be subtracted`);
}

function multiply(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return computed(a * b);
  if (typeof a === "string" && typeof b === "number") return repeated(a, b);
  if (typeof a === "number" && typeof b === "string") return repeated(b, a);
  if (isObject(a) && isObject(b)) return mergedDeeply(a, b);
  throw fail(`${shown(a)} and ${shown(b)} cannot be multiplied`);
}

/** What no text may have, whatever the budget; as jq. */
const TEXT_LENGTH_MAX = 2 ** 31 - 1;

function repeated(text: string, times: number): Value {
  if (times < 0 || Number.isNaN(times)) return null;
  const count = Math.floor(times);
  if (text.length * count > TEXT_LENGTH_MAX) throw fail("Repeat string result too long");
  meter.spendText(text.length * count);
  return text.repeat(count);
}

/** Level by level: values may be nested deeper than the stack holds. */
function mergedDeeply(a: JsonObject, b: JsonObject): Value {
  const merged = copyObject(a);
  let level: [into: Record<string, Value>, from: JsonObject][] = [[merged, b]];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > VALUE_DEPTH_MAX) throw fail("Object merge too deep");
    level = level.flatMap(([into, from]) => mergedLevel(into, from));
  }
  return merged;
}

/** Gives the pairs of members that are to be merged in turn. */
function mergedLevel(into: Record<string, Value>, from: JsonObject): [Record<string, Value>, JsonObject][] {
  const next: [Record<string, Value>, JsonObject][] = [];
  for (const key of Object.keys(from)) {
    meter.step();
    const [mine, theirs] = [memberOf(into, key), from[key] ?? null];
    const bothAre = isObject(mine) && isObject(theirs);
    const copy = bothAre ? copyObject(mine) : null;
    setMember(into, key, copy ?? theirs);
    if (copy !== null) next.push([copy, theirs as JsonObject]);
  }
  return next;
}

function divide(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") {
    if (b === 0) throw fail(`${shown(a)} and ${shown(b)} cannot be divided because the divisor is zero`);
    return computed(a / b);
  }
  if (typeof a === "string" && typeof b === "string") return splitText(a, b);
  throw fail(`${shown(a)} and ${shown(b)} cannot be divided`);
}

export function splitText(text: string, separator: string): string[] {
  if (text === "") return [];
  meter.spendText(text.length);
  const parts = separator === "" ? [...text] : text.split(separator);
  meter.spendItems(parts.length);
  return parts;
}

/** Of whole numbers, as 64-bit integers cut them; the sign is that of `a`. */
function remainder(a: Value, b: Value): Value {
  if (typeof a !== "number" || typeof b !== "number") throw fail(`${shown(a)} and ${shown(b)} cannot be divided (remainder)`);
  if (Number.isNaN(a) || Number.isNaN(b)) return computed(Number.NaN);
  const [dividend, divisor] = [whole(a), whole(b)];
  if (divisor === 0) throw fail(`${shown(a)} and ${shown(b)} cannot be divided (remainder) because the divisor is zero`);
  const isExact = Number.isSafeInteger(dividend) && Number.isSafeInteger(divisor);
  const rest = isExact ? dividend % Math.abs(divisor) : Number(integer(dividend) % absolute(integer(divisor)));
  return rest === 0 ? 0 : rest;
}

const whole = Math.trunc;

const INTEGER_MIN = -(2n ** 63n);
const INTEGER_MAX = 2n ** 63n - 1n;

function integer(value: number): bigint {
  if (value >= 2 ** 63) return INTEGER_MAX;
  return value <= -(2 ** 63) ? INTEGER_MIN : BigInt(value);
}

function absolute(value: bigint): bigint {
  if (value === INTEGER_MIN) return INTEGER_MAX;
  return value < 0n ? -value : value;
}
