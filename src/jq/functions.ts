// Functions of jq from values to one value.

import { add, computed, splitText } from "./arithmetic.ts";
import { textOf } from "./formats.ts";
import { readText } from "./json-text.ts";
import { numeric } from "./math.ts";
import { meter } from "./meter.ts";
import { deletePaths, index, indicesOf, setPath, slice } from "./path.ts";
import { isMatch, splitByPattern } from "./regex.ts";
import { brokenDown, fromBrokenDown, parseTime, writeTime } from "./time.ts";
import {
  codePointCount,
  compare,
  equal,
  fail,
  isArray,
  isObject,
  isOneUnitEach,
  isTruthy,
  kindOf,
  memberOf,
  setMember,
  shown,
  sortedKeys,
  toJson,
  type Value,
  WALK_DEPTH_MAX,
} from "./value.ts";

/** What every argument is has been counted; what it is not checked for here fails in the function itself. */
type Compute = (input: Value, a?: Value, b?: Value, c?: Value) => Value;

const or = (value: Value | undefined): Value => value ?? null;

// Kinds and sizes.

function length(value: Value): Value {
  if (value === null) return 0;
  if (typeof value === "string") return codePointCount(value);
  if (typeof value === "number") return Math.abs(value);
  if (isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  throw fail(`${shown(value)} has no length`);
}

function bytes(value: Value): Value {
  if (typeof value !== "string") throw fail(`${shown(value)} only strings have UTF-8 byte length`);
  return Buffer.byteLength(value);
}

function keys(value: Value): Value {
  if (isArray(value)) return numbersTo(value.length);
  if (isObject(value)) return sortedKeys(value);
  throw fail(`${shown(value)} has no keys`);
}

function keysUnsorted(value: Value): Value {
  if (!isObject(value)) return keys(value);
  const found = Object.keys(value);
  meter.spendItems(found.length);
  return found;
}

function numbersTo(count: number): number[] {
  meter.spendItems(count);
  return Array.from({ length: count }, (_, at) => at);
}

function has(value: Value, key: Value = null): Value {
  if (value === null) return false;
  if (isObject(value) && typeof key === "string") return Object.hasOwn(value, key);
  if (isArray(value) && typeof key === "number") return key >= 0 && key < value.length;
  throw fail(`Cannot check whether ${kindOf(value)} has a ${typeof key === "string" ? "string" : kindOf(key)} key`);
}

function contains(a: Value, b: Value = null, depth = 0): boolean {
  if (depth > WALK_DEPTH_MAX) throw fail("Containment check too deep");
  meter.step();
  if (isObject(a) && isObject(b)) {
    for (const key of Object.keys(b)) if (!Object.hasOwn(a, key) || !contains(or(a[key]), or(b[key]), depth + 1)) return false;
    return true;
  }
  if (isArray(a) && isArray(b)) {
    for (const wanted of b) if (!containsOne(a, wanted, depth)) return false;
    return true;
  }
  if (typeof a === "string" && typeof b === "string") return a.includes(b);
  if (kindOf(a) === kindOf(b) && (typeof a !== "boolean" || a === b || depth > 0)) return equal(a, b);
  throw fail(`${shown(a)} and ${shown(b)} cannot have their containment checked`);
}

function containsOne(items: readonly Value[], wanted: Value, depth: number): boolean {
  for (const item of items) if (kindOf(item) === kindOf(wanted) && contains(item, wanted, depth + 1)) return true;
  return false;
}

// Arrays.

function requireArray(value: Value, what: string): readonly Value[] {
  if (isArray(value)) return value;
  throw fail(`${shown(value)} ${what}`);
}

function sort(value: Value): Value {
  return sorted(requireArray(value, "cannot be sorted, as it is not an array"));
}

function sorted(array: readonly Value[]): Value[] {
  meter.spendItems(array.length);
  return array.toSorted((a, b) => {
    meter.step();
    return compare(a, b);
  });
}

function unique(value: Value): Value {
  const array = sorted(requireArray(value, "cannot be sorted, as it is not an array"));
  return array.filter((one, at) => at === 0 || compare(one, or(array[at - 1])) !== 0);
}

function addAll(value: Value): Value {
  const items = isObject(value) ? Object.values(value) : value;
  if (!isArray(items)) throw fail(`Cannot iterate over ${shown(value)}`);
  if (items.length > 0 && items.every((item) => typeof item === "string")) return joined(items);
  if (items.length > 0 && items.every(isArray)) {
    meter.spendItems(items.reduce((sum, item) => sum + item.length, 0));
    return items.flat(1) as Value[];
  }
  return items.reduce<Value>((sum, item) => {
    meter.step();
    return add(sum, item);
  }, null);
}

function joined(parts: readonly string[]): string {
  meter.spendText(parts.reduce((sum, part) => sum + part.length, 0));
  meter.spendSteps(parts.length);
  return parts.join("");
}

function join(value: Value, separator: Value = null): Value {
  const items = isObject(value) ? Object.values(value) : value;
  if (!isArray(items)) throw fail(`Cannot iterate over ${shown(value)}`);
  if (items.length === 0) return "";
  let text: Value = null;
  const parts: string[] = [];
  for (const [at, item] of items.entries()) {
    meter.step();
    if (at > 0) parts.push(separatorText(separator, parts));
    const written = item === null ? "" : typeof item === "number" || typeof item === "boolean" ? toJson(item) : item;
    if (typeof written === "string") parts.push(written);
    else text = add(joined(parts), written);
  }
  return text ?? joined(parts);
}

function separatorText(separator: Value, before: readonly string[]): string {
  if (typeof separator === "string") return separator;
  if (separator === null) return "";
  throw fail(`${shown(joined(before))} and ${shown(separator)} cannot be added`);
}

function flatten(value: Value, depth: Value = 1_000_000): Value {
  if (compare(depth, 0) < 0) throw fail("flatten depth must not be negative");
  const items = members(value);
  if (typeof depth === "number") return flattened(items, Math.ceil(depth));
  if (items.some(isArray)) throw fail(`${shown(depth)} and number (1) cannot be subtracted`);
  return [...items];
}

/** With a stack of its own: values may be deeper than the machine's. */
function flattened(items: readonly Value[], depth: number): Value[] {
  const flat: Value[] = [];
  const open: { readonly items: readonly Value[]; at: number }[] = [{ items, at: 0 }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    if (top.at >= top.items.length) {
      open.pop();
      continue;
    }
    meter.spendItems(1);
    const item = or(top.items[top.at++]);
    if (isArray(item) && open.length <= depth) open.push({ items: item, at: 0 });
    else flat.push(item);
  }
  return flat;
}

function reverse(value: Value): Value {
  if (isArray(value)) {
    meter.spendItems(value.length);
    return value.toReversed();
  }
  const size = length(value) as number;
  return size === 0 ? [] : index(value, size - 1);
}

function extreme(sign: 1 | -1): Compute {
  return (value) => {
    if (!isArray(value)) throw fail(`${shown(value)} and ${shown(value)} cannot be iterated over`);
    let best: Value = null;
    value.forEach((one, at) => {
      meter.step();
      const order = at === 0 ? -1 : compare(one, best) * sign;
      if (at === 0 || (sign === 1 ? order < 0 : order <= 0)) best = one;
    });
    return best;
  };
}

function transpose(value: Value): Value {
  const rows = members(value);
  const width = rows.reduce<number>((most, row) => Math.max(most, length(row) as number), 0);
  meter.spendItems(width * rows.length);
  return numbersTo(width).map((column) => rows.map((row) => index(row, column)));
}

/** Where a value is in a sorted array; else where it would be, as -1 - place. */
function bsearch(value: Value, wanted: Value = null): Value {
  const array = requireArray(value, "cannot be searched from");
  let low = 0;
  let high = array.length;
  while (low < high) {
    meter.step();
    const middle = (low + high) >>> 1;
    const order = compare(or(array[middle]), wanted);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return -1 - low;
}

function indices(value: Value, wanted: Value = null): Value {
  if (typeof value === "string" && typeof wanted === "string") return placesIn(value, wanted);
  if (isArray(value) && isArray(wanted)) return indicesOf(value, wanted);
  if (isArray(value)) return indicesOf(value, [wanted]);
  return index(value, wanted);
}

function textIndices(value: Value, wanted: Value = null): Value {
  if (typeof value !== "string") throw fail(`${shown(value)} cannot be searched, as it is not a string`);
  if (typeof wanted !== "string") throw fail(`${shown(wanted)} is not a string`);
  return placesIn(value, wanted);
}

/** In code points. Overlapping ones count. */
function placesIn(text: string, wanted: string): number[] {
  if (wanted === "") return [];
  meter.spendText(text.length >> 1);
  const found: number[] = [];
  const plain = isOneUnitEach(text);
  let counted = 0;
  let from = 0;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    meter.spendItems(1);
    counted += plain ? at - from : codePointCount(text.slice(from, at));
    from = at;
    found.push(counted);
  }
  return found;
}

function firstPlace(which: 0 | -1): Compute {
  return (value, wanted) => {
    const found = indices(value, wanted);
    return isArray(found) ? or(found.at(which)) : index(which === 0 ? found : slice(found, -1, null), 0);
  };
}

// Objects.

function toEntries(value: Value): Value {
  const names = keysUnsorted(value) as readonly (string | number)[];
  meter.spendItems(names.length * 3);
  return names.map((key) => ({ key, value: or((value as Readonly<Record<string | number, Value>>)[key]) }));
}

function fromEntries(value: Value): Value {
  const made: Record<string, Value> = {};
  for (const entry of members(value)) {
    meter.spendItems(1);
    setMember(made, entryKey(entry), entryValue(entry));
  }
  return made;
}

/** The first name that holds something gives the key. */
const KEY_NAMES = ["key", "Key", "name", "Name"];

function entryKey(entry: Value): string {
  const found = KEY_NAMES.map((name) => index(entry, name)).find(isTruthy) ?? null;
  if (typeof found === "string") return found;
  throw fail(`Cannot use ${shown(found)} as object key`);
}

function entryValue(entry: Value): Value {
  if (!isObject(entry)) return null;
  return memberOf(entry, Object.hasOwn(entry, "value") ? "value" : "Value");
}

// Texts.

function requireText(value: Value, what: string): string {
  if (typeof value === "string") return value;
  throw fail(what);
}

function starts(value: Value, prefix: Value = null): boolean {
  if (typeof value !== "string" || typeof prefix !== "string") throw fail("startswith() requires string inputs");
  return value.startsWith(prefix);
}

function ends(value: Value, suffix: Value = null): boolean {
  if (typeof value !== "string" || typeof suffix !== "string") throw fail("endswith() requires string inputs");
  return value.endsWith(suffix);
}

function trimmed(where: "both" | "start" | "end"): Compute {
  return (value) => {
    const text = requireText(value, "trim input must be a string");
    let start = 0;
    let end = text.length;
    if (where !== "end") while (start < end && BLANK.test(text[start] ?? "")) start++;
    if (where !== "start") while (end > start && BLANK.test(text[end - 1] ?? "")) end--;
    meter.spendText(end - start);
    return text.slice(start, end);
  };
}

/** White space of Unicode. */
const BLANK = /[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

const NOT_EXPLODED = "explode input must be a string";

function cased(shift: (unit: string) => string, range: RegExp): Compute {
  return (value) => {
    const text = requireText(value, NOT_EXPLODED);
    meter.spendText(text.length);
    return text.replace(range, shift);
  };
}

function explode(value: Value): Value {
  const text = requireText(value, NOT_EXPLODED);
  meter.spendItems(text.length);
  return Array.from(text, (unit) => unit.codePointAt(0) ?? 0);
}

function implode(value: Value): Value {
  if (!isArray(value)) throw fail("implode input must be an array");
  meter.spendText(value.length);
  return value
    .map((code) => {
      if (typeof code !== "number" || Number.isNaN(code))
        throw fail(`${shown(code)} can't be imploded, unicode codepoint needs to be numeric`);
      const whole = Math.trunc(code);
      const isValid = whole >= 0 && whole <= 0x10ffff && (whole < 0xd800 || whole > 0xdfff);
      return isValid ? String.fromCodePoint(whole) : "\ufffd";
    })
    .join("");
}

function toNumber(value: Value): Value {
  if (typeof value === "number") return value;
  if (typeof value !== "string") throw fail(`${shown(value)} cannot be parsed as a number`);
  if (value === "nan" || value === "-nan") return computed(Number.NaN);
  if (/^[+-]?(infinity|inf)$/i.test(value)) return computed(value.startsWith("-") ? -Infinity : Infinity);
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)) throw fail(`${shown(value)} cannot be parsed as a number`);
  return computed(Number(value));
}

function toBoolean(value: Value): Value {
  if (typeof value === "boolean") return value;
  if (value === "true" || value === "false") return value === "true";
  throw fail(`${shown(value)} cannot be parsed as a boolean`);
}

function split(value: Value, separator: Value = null): Value {
  if (typeof value !== "string" || typeof separator !== "string") throw fail("split input and separator must be strings");
  return splitText(value, separator);
}

/** `ltrimstr` and its kin: what does not fit stays as it is. */
function without(fits: (text: string, part: string) => boolean, cut: (text: string, part: string) => string): Compute {
  return (value, part = null) => {
    if (!fits(value as string, part as string)) return value;
    return cut(value as string, part as string);
  };
}

const cutStart = (text: string, part: string): string => text.slice(part.length);
const cutEnd = (text: string, part: string): string => text.slice(0, text.length - part.length);
const trimStartOf = without(starts, cutStart);
const trimEndOf = without(ends, cutEnd);

function fromJson(value: Value): Value {
  return readText(requireText(value, `${shown(value)} only strings can be parsed`));
}

const TABLE: readonly (readonly [string, Compute])[] = [
  ["not/0", (value) => !isTruthy(value)],
  ["type/0", kindOf],
  ["length/0", length],
  ["utf8bytelength/0", bytes],
  ["keys/0", keys],
  ["keys_unsorted/0", keysUnsorted],
  ["has/1", has],
  ["contains/1", (value, wanted) => contains(value, wanted)],
  ["add/0", addAll],
  ["join/1", join],
  ["sort/0", sort],
  ["unique/0", unique],
  ["reverse/0", reverse],
  ["flatten/0", (value) => flatten(value)],
  ["flatten/1", flatten],
  ["min/0", extreme(1)],
  ["max/0", extreme(-1)],
  ["transpose/0", transpose],
  ["bsearch/1", bsearch],
  ["indices/1", indices],
  ["_strindices/1", textIndices],
  ["index/1", firstPlace(0)],
  ["rindex/1", firstPlace(-1)],
  ["to_entries/0", toEntries],
  ["from_entries/0", fromEntries],
  ["any/0", (value) => members(value).some(isTruthy)],
  ["all/0", (value) => members(value).every(isTruthy)],
  ["toarray/0", (value) => (isArray(value) ? value : [value])],
  ["setpath/2", (value, path, place) => setPath(value, pathOf(path), or(place))],
  ["delpaths/1", (value, paths) => deletePaths(value, isArray(or(paths)) ? (paths as readonly Value[]) : noPaths())],
  ["tostring/0", textOf],
  ["tojson/0", toJson],
  ["fromjson/0", fromJson],
  ["tonumber/0", toNumber],
  ["toboolean/0", toBoolean],
  ["tobool/0", toBoolean],
  ["startswith/1", starts],
  ["endswith/1", ends],
  ["ltrimstr/1", trimStartOf],
  ["rtrimstr/1", trimEndOf],
  ["trimstr/1", (value, part) => trimEndOf(trimStartOf(value, part), part)],
  ["trim/0", trimmed("both")],
  ["ltrim/0", trimmed("start")],
  ["rtrim/0", trimmed("end")],
  ["ascii_downcase/0", cased((unit) => unit.toLowerCase(), /[A-Z]/g)],
  ["ascii_upcase/0", cased((unit) => unit.toUpperCase(), /[a-z]/g)],
  ["explode/0", explode],
  ["implode/0", implode],
  ["split/1", split],
  ["split/2", (value, pattern, flags) => splitByPattern(value, or(pattern), or(flags))],
  ["test/2", (value, pattern, flags) => isMatch(value, or(pattern), or(flags))],
  ["gmtime/0", brokenDown],
  ["localtime/0", brokenDown],
  ["mktime/0", fromBrokenDown],
  ["strftime/1", (value, format) => writeTime(value, or(format), "strftime/1")],
  ["strflocaltime/1", (value, format) => writeTime(value, or(format), "strflocaltime/1")],
  ["strptime/1", (value, format) => parseTime(value, or(format))],
  ...numeric,
];

function members(value: Value): readonly Value[] {
  if (isArray(value)) return value;
  if (isObject(value)) return Object.values(value);
  throw fail(`Cannot iterate over ${shown(value)}`);
}

function pathOf(path: Value = null): readonly Value[] {
  if (isArray(path)) return path;
  throw fail("Path must be specified as an array");
}

function noPaths(): never {
  throw fail("Paths must be specified as an array");
}

export const functions: ReadonlyMap<string, Compute> = new Map(TABLE);
