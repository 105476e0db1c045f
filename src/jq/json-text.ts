// Reading JSON text inside a program. What JSON does not know is read as jq reads it: nan, numbers with a plus or with
// zeros in front; and what is wrong is said in jq's words.

import { meter, VALUE_DEPTH_MAX } from "./meter.ts";
import { fail, isArray, isObject, setMember, type Value } from "./value.ts";

export function readText(text: string): Value {
  meter.spendText(text.length);
  if (nestingOf(text) > VALUE_DEPTH_MAX) throw cannotParse(text, "Exceeds depth limit for parsing");
  const value = readStrictly(text) ?? new Reader(text).read();
  meter.spendItems(sizeOf(value));
  return value;
}

/** Most texts are plain JSON, and the platform reads that fastest. Null where it is not, or is null. */
function readStrictly(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function cannotParse(text: string, reason: string): unknown {
  return fail(`${reason} (while parsing '${text}')`);
}

type Open = { readonly items: Value[] } | { readonly members: Record<string, Value>; key: string | null; isEmpty: boolean };

const LITERALS: Readonly<Record<string, Value>> = { null: null, true: true, false: false, nan: Number.NaN };
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** A piece of text at a time, with a stack of what is open. */
class Reader {
  readonly #text: string;
  readonly #open: Open[] = [];
  /** The value that was just read and has no place yet. */
  #next: Value | undefined = undefined;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Value {
    const pieces = /"(?:[^"\\]|\\[\s\S])*("?)|[[\]{}:,]|[^\s[\]{}:,"]+/g;
    for (let found = pieces.exec(this.#text); found !== null; found = pieces.exec(this.#text)) {
      const [piece, closing] = found;
      if (closing === "") throw this.#wrongAtEnd("Unfinished string");
      this.#take(piece, pieces.lastIndex);
    }
    if (this.#open.length > 0) throw this.#wrongAtEnd("Unfinished JSON term");
    const value = this.#next;
    if (value === undefined) throw cannotParse(this.#text, "Expected JSON value");
    if (typeof value === "number" && !Number.isFinite(value)) meter.strayNumber = true;
    return value;
  }

  #take(piece: string, end: number): void {
    const isStructure = piece.length === 1 && "[]{}:,".includes(piece);
    // A word ends where the next piece begins, or with the text.
    const wrong = isStructure ? this.#structure(piece) : this.#value(piece);
    if (wrong === null) return;
    if (isStructure || piece.startsWith('"')) throw this.#wrongAt(wrong, end);
    throw end === this.#text.length ? this.#wrongAtEnd(wrong) : this.#wrongAt(wrong, end + 1);
  }

  #wrongAt(what: string, end: number): unknown {
    const before = this.#text.slice(0, end);
    const line = before.split("\n").length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1));
    return cannotParse(this.#text, `${what} at line ${line}, column ${column}`);
  }

  #wrongAtEnd(what: string): unknown {
    return this.#wrongAt(`${what} at EOF`, this.#text.length);
  }

  /** Null, or what is wrong. */
  #value(piece: string): string | null {
    const read = piece.startsWith('"') ? quoted(piece) : literal(piece);
    if ("wrong" in read) return read.wrong;
    if (this.#next !== undefined) {
      if (this.#open.length > 0) return "Expected separator between values";
      throw cannotParse(this.#text, "Unexpected extra JSON values");
    }
    this.#next = read.value;
    return null;
  }

  #structure(mark: string): string | null {
    switch (mark) {
      case "[":
      case "{":
        return this.#begin(mark === "[" ? { items: [] } : { members: {}, key: null, isEmpty: true });
      case ":":
        return this.#colon();
      case ",":
        return this.#next === undefined ? "Expected value before ','" : this.#place();
      default:
        return this.#end(mark);
    }
  }

  #begin(open: Open): string | null {
    if (this.#next !== undefined) {
      if (this.#open.length > 0) return "Expected separator between values";
      throw cannotParse(this.#text, "Unexpected extra JSON values");
    }
    this.#open.push(open);
    return null;
  }

  #colon(): string | null {
    const top = this.#open.at(-1);
    if (this.#next === undefined) return "Expected string key before ':'";
    if (top === undefined || "items" in top || top.key !== null) return "':' not as part of an object";
    if (typeof this.#next !== "string") return "Object keys must be strings";
    top.key = this.#next;
    this.#next = undefined;
    return null;
  }

  /** Puts the value that was read where it belongs. */
  #place(): string | null {
    const top = this.#open.at(-1);
    if (top === undefined) return "Expected value before ','";
    const value = this.#next ?? null;
    this.#next = undefined;
    if (typeof value === "number" && !Number.isFinite(value)) meter.strayNumber = true;
    if ("items" in top) {
      top.items.push(value);
      return null;
    }
    if (top.key === null) return "Objects must consist of key:value pairs";
    setMember(top.members, top.key, value);
    top.key = null;
    top.isEmpty = false;
    return null;
  }

  #end(mark: string): string | null {
    const top = this.#open.at(-1);
    if (top === undefined || "items" in top !== (mark === "]")) return `Unmatched '${mark}'`;
    if (this.#next !== undefined) {
      const wrong = this.#place();
      if (wrong !== null) return wrong;
    } else if ("items" in top) {
      if (top.items.length > 0) return "Expected another array element";
    } else if (top.key !== null) return "Objects must consist of key:value pairs";
    else if (!top.isEmpty) return "Expected another key-value pair";
    this.#open.pop();
    this.#next = "items" in top ? top.items : top.members;
    return null;
  }
}

type Reading = { readonly value: Value } | { readonly wrong: string };

function quoted(piece: string): Reading {
  if (/[\u0000-\u001f]/.test(piece))
    return { wrong: "Invalid string: control characters from U+0000 through U+001F must be escaped" };
  try {
    return { value: JSON.parse(piece) as string };
  } catch {
    return { wrong: /\\u(?![0-9a-fA-F]{4})/.test(piece) ? "Invalid \\uXXXX escape" : "Invalid escape" };
  }
}

function literal(piece: string): Reading {
  if (Object.hasOwn(LITERALS, piece)) return { value: LITERALS[piece] ?? null };
  if (/^(t|f|nu)/.test(piece)) return { wrong: "Invalid literal" };
  if (piece.startsWith("'")) return { wrong: `Invalid string literal; expected ", but got '` };
  if (/^[+-]?nan$/i.test(piece)) return { value: Number.NaN };
  if (/^[+-]?inf(inity)?$/i.test(piece)) return { value: piece.startsWith("-") ? -Infinity : Infinity };
  return NUMBER.test(piece) ? { value: Number(piece) } : { wrong: "Invalid numeric literal" };
}

/** Brackets within one another, outside texts. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (inText) {
      if (unit === 0x5c) at++;
      else if (unit === 0x22) inText = false;
    } else if (unit === 0x22) inText = true;
    else if (unit === 0x5b || unit === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (unit === 0x5d || unit === 0x7d) depth--;
  }
  return deepest;
}

function sizeOf(value: Value): number {
  let size = 0;
  const open: Value[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const members = isArray(next) ? next : isObject(next) ? Object.values(next) : [];
    size += members.length;
    for (const member of members) if (typeof member === "object" && member !== null) open.push(member);
  }
  return size;
}
