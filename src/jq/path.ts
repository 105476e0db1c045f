// Places inside values: reading, setting and deleting by path, with slices.

import { meter, VALUE_DEPTH_MAX } from "./meter.ts";
import {
  codePointCount,
  compare,
  copyObject,
  fail,
  isArray,
  isObject,
  type JsonObject,
  kindOf,
  memberOf,
  setMember,
  shown,
  sliceText,
  type Value,
} from "./value.ts";

/** A path as it grows: the last key and what came before. */
export class Path {
  readonly parent: Path | null;
  readonly key: Value;

  constructor(parent: Path | null, key: Value) {
    this.parent = parent;
    this.key = key;
  }

  child(key: Value): Path {
    return new Path(this, key);
  }

  toArray(): Value[] {
    const keys: Value[] = [];
    for (let at: Path = this; at.parent !== null; at = at.parent) keys.push(at.key);
    meter.spendItems(keys.length);
    return keys.reverse();
  }
}

export const ROOT = new Path(null, null);

/** Of a value that was computed and is no place in the input. */
export const NOWHERE = new Path(null, null);

/** What index arrays may have when one is set: bounds the memory a single assignment takes. */
const INDEX_MAX = (1 << 29) - 1;

export function index(value: Value, key: Value): Value {
  if (typeof key === "string") {
    if (isObject(value)) return memberOf(value, key);
    if (value === null) return null;
  } else if (typeof key === "number") {
    if (isArray(value)) return Number.isNaN(key) ? null : (value[wholeIndex(key, value.length)] ?? null);
    if (value === null) return null;
  } else if (isObject(key)) {
    if (value === null || isArray(value) || typeof value === "string")
      return value === null ? null : slice(value, ...sliceKey(key));
  } else if (isArray(key) && isArray(value)) return indicesOf(value, key);
  throw cannotIndex(value, key);
}

function cannotIndex(value: Value, key: Value): Error | object {
  return fail(`Cannot index ${kindOf(value)} with ${shown(key)}`);
}

function wholeIndex(key: number, length: number): number {
  const whole = Math.floor(key);
  return whole < 0 ? whole + length : whole;
}

/** Where one array, or one value, is found in another. */
export function indicesOf(value: readonly Value[], wanted: readonly Value[]): Value[] {
  const found: Value[] = [];
  if (wanted.length === 0) return found;
  for (let i = 0; i + wanted.length <= value.length; i++) {
    meter.step();
    if (wanted.every((one, k) => compare(value[i + k] ?? null, one) === 0)) found.push(i);
  }
  meter.spendItems(found.length);
  return found;
}

export function slice(value: Value, from: Value, to: Value): Value {
  if (value === null) return null;
  if (typeof value === "string") {
    const [start, end] = bounds(codePointCount(value), from, to);
    meter.spendText(end - start);
    return sliceText(value, start, end);
  }
  if (!isArray(value)) throw cannotIndex(value, { start: from, end: to });
  const [start, end] = bounds(value.length, from, to);
  meter.spendItems(end - start);
  return value.slice(start, end);
}

const SLICE_INDICES = "Array/string slice indices must be integers";

/** What stands for a slice in a path: both ends are there, null where they are open. */
function sliceKey(key: JsonObject): [from: Value, to: Value] {
  if (!Object.hasOwn(key, "start") || !Object.hasOwn(key, "end")) throw fail(SLICE_INDICES);
  return [memberOf(key, "start"), memberOf(key, "end")];
}

/** Where a slice begins and ends: floors the one, ceils the other, counts negative ones from the end. */
function bounds(length: number, from: Value, to: Value): [number, number] {
  if ((from !== null && typeof from !== "number") || (to !== null && typeof to !== "number")) throw fail(SLICE_INDICES);
  const start = clamp(Math.floor(fromEnd(from ?? 0, length, 0)), length);
  const end = clamp(Math.ceil(fromEnd(to ?? length, length, length)), length);
  return [start, Math.max(start, end)];
}

function fromEnd(position: number, length: number, otherwise: number): number {
  if (Number.isNaN(position)) return otherwise;
  return position < 0 ? position + length : position;
}

function clamp(position: number, length: number): number {
  return position < 0 ? 0 : position > length ? length : position;
}

export function getPath(value: Value, path: readonly Value[]): Value {
  requireShort(path);
  let at = value;
  for (const key of path) {
    meter.step();
    if (at === null) return null;
    at = index(at, key);
  }
  return at;
}

/** Containers that were copied for this update alone, and so may be written to. */
export type Owned = Set<object>;

/** A value with another value at a path; what is on the way is copied, once for `owned`. */
export function setPath(value: Value, path: readonly Value[], place: Value, owned: Owned = new Set()): Value {
  requireShort(path);
  const passed: Value[] = [];
  let at = value;
  for (const key of path) {
    passed.push(at);
    at = at === null ? null : index(at, key);
  }
  let made = place;
  for (let level = path.length - 1; level >= 0; level--) {
    meter.step();
    const [container, key] = [passed[level] ?? null, path[level] ?? null];
    made = isObject(key) ? setSlice(container, key, made) : setKey(container, key, made, owned);
  }
  return made;
}

function requireShort(path: readonly Value[]): void {
  if (path.length > VALUE_DEPTH_MAX) throw fail("Path too deep");
}

function setKey(value: Value, key: Value, member: Value, owned: Owned): Value {
  if (typeof key === "string" && (value === null || isObject(value))) {
    const copy = writable(value, owned, () => (value === null ? {} : copyObject(value)));
    setMember(copy as Record<string, Value>, key, member);
    return copy;
  }
  if (typeof key === "number" && (value === null || isArray(value))) {
    const copy = writable(value, owned, () => copyArray(value ?? [])) as Value[];
    setElement(copy, key, member);
    return copy;
  }
  if (isArray(key) && isArray(value)) throw fail("Cannot update field at array index of array");
  throw fail(`Cannot update field at ${isObject(key) ? "object" : kindOf(key)} index of ${kindOf(value)}`);
}

function writable(value: Value, owned: Owned, copy: () => Value): Value {
  if (value !== null && owned.has(value as object)) return value;
  const made = copy();
  owned.add(made as object);
  return made;
}

function copyArray(array: readonly Value[]): Value[] {
  meter.spendItems(array.length);
  return [...array];
}

function setElement(array: Value[], key: number, member: Value): void {
  if (Number.isNaN(key)) throw fail("Cannot set array element at NaN index");
  const position = wholeIndex(key, array.length);
  if (position < 0) throw fail("Out of bounds negative array index");
  if (position > INDEX_MAX) throw fail("Array index too large");
  if (position > array.length) meter.spendItems(position - array.length);
  while (array.length < position) array.push(null);
  array[position] = member;
}

function setSlice(value: Value, key: JsonObject, part: Value): Value {
  if (typeof value === "string") throw fail("Cannot update string slices");
  if (value !== null && !isArray(value)) throw fail(`Cannot update field at object index of ${kindOf(value)}`);
  if (!isArray(part)) throw fail("A slice of an array can only be assigned another array");
  const array = value ?? [];
  const [start, end] = bounds(array.length, ...sliceKey(key));
  meter.spendItems(array.length + part.length);
  return [...array.slice(0, start), ...part, ...array.slice(end)];
}

/** A value without what is at these paths. Those inside one container go together, so that none moves under another. */
export function deletePaths(value: Value, paths: readonly Value[]): Value {
  const sorted = [...paths].sort((a, b) => compare(b, a));
  meter.spendItems(sorted.length);
  for (let i = sorted.length - 1; i >= 0; i--) pathAt(sorted, i);
  let left = value;
  for (let from = 0; from < sorted.length; ) {
    const path = pathAt(sorted, from);
    if (path.length === 0) return null;
    const parent = path.slice(0, -1);
    const keys: Value[] = [];
    for (; from < sorted.length && isSibling(pathAt(sorted, from), parent); from++)
      keys.push(pathAt(sorted, from).at(-1) ?? null);
    left = deleteAt(left, parent, keys);
  }
  return left;
}

function pathAt(paths: readonly Value[], at: number): readonly Value[] {
  const path = paths[at] ?? null;
  if (!isArray(path)) throw fail(`Path must be specified as array, not ${kindOf(path)}`);
  requireShort(path);
  return path;
}

function isSibling(path: readonly Value[], parent: readonly Value[]): boolean {
  return path.length === parent.length + 1 && parent.every((key, at) => compare(key, path[at] ?? null) === 0);
}

function deleteAt(value: Value, parent: readonly Value[], keys: readonly Value[]): Value {
  const container = getPath(value, parent);
  if (container === null) return value;
  const left = isArray(container) ? deleteElements(container, keys) : deleteMembers(container, keys);
  return left === container ? value : setPath(value, parent, left);
}

function deleteMembers(value: Value, keys: readonly Value[]): Value {
  const found: string[] = [];
  for (const key of keys) {
    if (typeof key !== "string" || !isObject(value))
      throw fail(isObject(value) ? `Cannot delete ${kindOf(key)} field of object` : `Cannot delete fields from ${kindOf(value)}`);
    if (Object.hasOwn(value, key)) found.push(key);
  }
  if (found.length === 0 || !isObject(value)) return value;
  const copy = copyObject(value);
  for (const key of found) delete copy[key];
  return copy;
}

function deleteElements(array: readonly Value[], keys: readonly Value[]): Value {
  const gone = new Set<number>();
  for (const key of keys) {
    if (typeof key === "number") gone.add(Number.isNaN(key) ? -1 : wholeIndex(key, array.length));
    else if (isObject(key)) {
      const [start, end] = bounds(array.length, ...sliceKey(key));
      for (let at = start; at < end; at++) gone.add(at);
    } else throw fail(`Cannot delete ${kindOf(key)} element of array`);
  }
  meter.spendItems(array.length);
  return array.filter((_, at) => !gone.has(at));
}
