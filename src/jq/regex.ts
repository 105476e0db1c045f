// Regular expressions: in time linear in the text, whatever the pattern, by RE2's way of matching.

import { RE2JS } from "re2js";
import { meter } from "./meter.ts";
import { codePointCount, fail, isOneUnitEach, shown, type Value } from "./value.ts";

export interface Match {
  readonly [key: string]: Value;
  /** In code points. */
  readonly offset: number;
  readonly length: number;
  readonly string: string;
  readonly captures: readonly Capture[];
}

export interface Capture {
  readonly [key: string]: Value;
  readonly offset: number;
  readonly length: number;
  readonly string: string | null;
  readonly name: string | null;
}

interface Pattern {
  readonly compiled: RE2JS;
  readonly names: readonly (string | null)[];
  /** How many states a step through the text can be in. */
  readonly size: number;
}

interface Flags {
  readonly isGlobal: boolean;
  readonly skipsEmpty: boolean;
  readonly engine: number;
  readonly isExtended: boolean;
}

/** UTF-16 units of a pattern, and what it may become when its repetitions are written out. */
const PATTERN_LENGTH_MAX = 10_000;
const PATTERN_SIZE_MAX = 20_000;

/** Patterns kept compiled. */
const CACHED_MAX = 200;

const cache = new Map<string, Pattern>();

/** Every match; without `g` only the first. */
export function findMatches(input: Value, pattern: Value, flags: Value): Match[] {
  const found: Match[] = [];
  eachMatch(input, pattern, flags, (match) => {
    meter.spendItems(match.captures.length + 1);
    found.push(match);
  });
  return found;
}

export function isMatch(input: Value, pattern: Value, flags: Value): boolean {
  const [text, read] = prepared(input, pattern, flags);
  const matcher = read.pattern.compiled.matcher(text);
  for (let from = 0; matcher.find(from); ) {
    if (!read.flags.skipsEmpty || matcher.end() > matcher.start()) return true;
    from = matcher.end() + 1;
    if (from > text.length) return false;
  }
  return false;
}

/** What stands between the matches. */
export function splitByPattern(input: Value, pattern: Value, flags: Value): Value[] {
  const text = typeof input === "string" ? input : "";
  const parts: string[] = [];
  let from = 0;
  const plain = isOneUnitEach(text);
  const units = plain ? null : [...text];
  const part = (start: number, end: number): string =>
    units === null ? text.slice(start, end) : units.slice(start, end).join("");
  eachMatch(input, pattern, typeof flags === "string" ? `${flags}g` : flags === null ? "g" : flags, ({ offset, length }) => {
    meter.spendItems(1);
    parts.push(part(from, offset));
    from = offset + length;
  });
  parts.push(part(from, Number.MAX_SAFE_INTEGER));
  return parts;
}

function prepared(input: Value, source: Value, letters: Value): [text: string, { pattern: Pattern; flags: Flags }] {
  if (typeof input !== "string") throw fail(`${shown(input)} cannot be matched, as it is not a string`);
  if (typeof source !== "string")
    throw fail(`${shown(source)} cannot be matched, as it is not a string`.replace("cannot be matched, as it is", "is"));
  const flags = readFlags(letters);
  const pattern = compiled(source, flags);
  meter.spendSteps(1 + (((input.length + 1) * Math.min(pattern.size, 64)) >> 3));
  return [input, { pattern, flags }];
}

function readFlags(letters: Value): Flags {
  if (letters !== null && typeof letters !== "string") throw fail(`${shown(letters)} is not a string`);
  const text = letters ?? "";
  if (/[^gimnpslx]/.test(text) || text.includes("m")) throw fail(`${text} is not a valid modifier string`);
  const has = (letter: string): boolean => text.includes(letter);
  const engine = (has("i") ? RE2JS.CASE_INSENSITIVE : 0) | (has("p") ? RE2JS.DOTALL : 0) | (has("l") ? RE2JS.LONGEST_MATCH : 0);
  return { isGlobal: has("g"), skipsEmpty: has("n"), engine, isExtended: has("x") };
}

function compiled(source: string, flags: Flags): Pattern {
  const id = `${flags.engine}${flags.isExtended} ${source}`;
  const known = cache.get(id);
  if (known !== undefined) return known;
  const pattern = compile(source, flags);
  if (cache.size >= CACHED_MAX) cache.delete(cache.keys().next().value ?? "");
  cache.set(id, pattern);
  return pattern;
}

function compile(source: string, flags: Flags): Pattern {
  if (source.length > PATTERN_LENGTH_MAX) throw fail(`${shown(source)} is too long for a regular expression`);
  const text = inRe2(flags.isExtended ? withoutBlanks(source) : source);
  let engine: RE2JS;
  try {
    engine = RE2JS.compile(text, flags.engine);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, "") : "it cannot be read";
    throw fail(`${source} (at offset 0) is not a valid regex: ${reason}`);
  }
  const size = engine.programSize();
  if (size > PATTERN_SIZE_MAX) throw fail(`${shown(source)} repeats too much for a regular expression`);
  const names: (string | null)[] = Array.from({ length: engine.groupCount() }, () => null);
  for (const [name, at] of Object.entries(engine.namedGroups())) names[at - 1] = name;
  return { compiled: engine, names, size };
}

// Oniguruma's classes are of Unicode, RE2's of ASCII.

const WORD = "\\p{L}\\p{M}\\p{Nd}\\p{Pc}";
const BLANK = "\\t\\n\\v\\f\\r \\x85\\p{Z}";

/** What stands for a class inside brackets. */
const CLASSES: Readonly<Record<string, string>> = {
  "\\w": WORD,
  "\\d": "\\p{Nd}",
  "\\D": "\\P{Nd}",
  "\\s": BLANK,
  "[:alpha:]": "\\p{L}\\p{M}",
  "[:alnum:]": "\\p{L}\\p{M}\\p{Nd}",
  "[:digit:]": "\\p{Nd}",
  "[:upper:]": "\\p{Lu}",
  "[:lower:]": "\\p{Ll}",
  "[:space:]": BLANK,
  "[:punct:]": "\\p{P}$+<=>^`|~",
  "[:word:]": WORD,
};

/** What stands for a class, or a place, outside brackets. */
const ALONE: Readonly<Record<string, string>> = {
  "\\w": `[${WORD}]`,
  "\\W": `[^${WORD}]`,
  "\\d": "\\p{Nd}",
  "\\D": "\\P{Nd}",
  "\\s": `[${BLANK}]`,
  "\\S": `[^${BLANK}]`,
  "\\R": "(?:\\r\\n|[\\n\\v\\f\\r\\x85\\x{2028}\\x{2029}])",
  "\\Z": "\\z",
};

/** A pattern in RE2's words; one that RE2 does not know stays as it is. */
function inRe2(source: string): string {
  return source.replace(/\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\^?\w+:\]|[^\]\\])*\]/g, (piece) =>
    piece.startsWith("[") ? piece.replace(/\\[\s\S]|\[:\w+:\]/g, (part) => CLASSES[part] ?? part) : (ALONE[piece] ?? piece),
  );
}

/** The flag `x`: blanks and comments mean nothing, save in classes and after a backslash. */
function withoutBlanks(source: string): string {
  return source.replace(/\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\s+|#[^\n]*/g, (piece) => (/^[\s#]/.test(piece) ? "" : piece));
}

function eachMatch(input: Value, source: Value, letters: Value, use: (match: Match) => void): void {
  const [text, { pattern, flags }] = prepared(input, source, letters);
  const matcher = pattern.compiled.matcher(text);
  const position = counterOf(text);
  for (let from = 0; from <= text.length && matcher.find(from); ) {
    meter.step();
    const [start, end] = [matcher.start(), matcher.end()];
    if (end > start || !flags.skipsEmpty) {
      use(matchAt(text, start, end, pattern, position, (group) => [matcher.start(group), matcher.end(group)]));
    }
    if (!flags.isGlobal && (end > start || !flags.skipsEmpty)) return;
    from = end > start ? end : end + unitsAt(text, end);
  }
}

function unitsAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function matchAt(
  text: string,
  start: number,
  end: number,
  { names }: Pattern,
  position: (unit: number) => number,
  placeOf: (group: number) => [number, number],
): Match {
  const captures = names.map((name, at): Capture => {
    const [from, to] = placeOf(at + 1);
    if (from < 0) return { offset: -1, length: 0, string: null, name };
    const string = text.slice(from, to);
    return { offset: position(from), length: codePointCount(string), string, name };
  });
  const string = text.slice(start, end);
  return { offset: position(start), length: codePointCount(string), string, captures };
}

/** Code points before a place in UTF-16. */
function counterOf(text: string): (unit: number) => number {
  if (isOneUnitEach(text)) return (unit) => unit;
  let known = 0;
  let count = 0;
  return (unit) => {
    if (unit < known) return codePointCount(text.slice(0, unit));
    count += codePointCount(text.slice(known, unit));
    known = unit;
    return count;
  };
}
