// Reading documents: YAML 1.2 (core schema) or JSON, with the place of every value.
//
// Documents come from anywhere. What is read is bounded in bytes, depth and values, aliases counted as what they stand
// for; merge keys, tags of other languages, duplicate keys and numbers that JSON cannot keep are mistakes.

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from "yaml";
import type { Json } from "../base/json.ts";
import { type Diagnostic, type DiagnosticCode, diagnostic, type Finding, type Place } from "./diagnostic.ts";

export interface Source {
  readonly value: Json;
  readonly places: Places;
}

export interface Places {
  /** Of the value at a JSON pointer; of what holds it where there is no such value. */
  at(pointer: string): Place;
  /** Of the key that leads to the value at a JSON pointer. */
  key(pointer: string): Place;
  /** Of a place inside the text at a JSON pointer, `offset` UTF-16 units in. */
  inside(pointer: string, offset: number): Place;
}

/** Findings at their places, in the order of the text. */
export function placed(findings: readonly Finding[], places: Places): Diagnostic[] {
  const found = findings.map(({ code, message, trail, onKey, offset, fix }) => {
    const { pointer } = trail;
    const at = onKey ? places.key(pointer) : offset === null ? places.at(pointer) : places.inside(pointer, offset);
    return diagnostic(code, message, pointer, at, fix);
  });
  return found.toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
}

/** UTF-8 bytes of a document. */
export const DOCUMENT_BYTES_MAX = 512 << 10;

/** Levels of a document. */
export const DOCUMENT_DEPTH_MAX = 64;

/** Mistakes of one text that are told: the first ones make the others. */
const MISTAKES_MAX = 20;

/** Values of a document, what aliases stand for included. */
export const DOCUMENT_VALUES_MAX = 50_000;

export function readSource(written: string | Uint8Array, file: string): Source | { readonly diagnostics: readonly Diagnostic[] } {
  const whole = { file, line: 1, column: 1, endLine: 1, endColumn: 2 };
  const size = typeof written === "string" ? Buffer.byteLength(written) : written.length;
  if (size > DOCUMENT_BYTES_MAX)
    return refused("DOC_SIZE", `The document has ${size} bytes; it may have ${DOCUMENT_BYTES_MAX} (DOCUMENT_BYTES_MAX).`, whole);
  const text = textOf(written);
  if (text === null) return refused("DOC_YAML", "The file is not UTF-8 text.", whole);
  if (nestsTooDeeply(text))
    return refused("DOC_DEPTH", `Brackets are nested deeper than ${DOCUMENT_DEPTH_MAX} levels (DOCUMENT_DEPTH_MAX).`, whole);
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      merge: false,
      uniqueKeys: false, // it compares every key with every other; the reader looks itself
      prettyErrors: false,
      version: "1.2",
    });
  } catch (error) {
    return refused("DOC_YAML", `The text cannot be read: ${error instanceof Error ? error.message : String(error)}`, whole);
  }
  const where = new Whereabouts(document, text, lines, file);
  const errors = document.errors.slice(0, MISTAKES_MAX);
  if (errors.length > 0)
    return { diagnostics: errors.map(({ code, message, pos }) => mistake(code, message, where.span(pos[0], pos[1]))) };
  const reader = new Reader(where);
  const value = reader.read(document.contents as Node | null);
  return reader.diagnostics.length > 0 ? { diagnostics: reader.diagnostics } : { value, places: where };
}

function refused(code: DiagnosticCode, message: string, at: Place): { readonly diagnostics: readonly Diagnostic[] } {
  return { diagnostics: [diagnostic(code, message, "", at)] };
}

function textOf(written: string | Uint8Array): string | null {
  if (typeof written === "string") return written.isWellFormed() ? written : null;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(written);
  } catch {
    return null;
  }
}

/** Before the parser, which goes down with brackets, sees them: those in texts are counted too, which harms nobody. */
function nestsTooDeeply(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x5b || unit === 0x7b) {
      if (++depth > BRACKETS_MAX) return true;
    } else if ((unit === 0x5d || unit === 0x7d) && depth > 0) depth--;
  }
  return false;
}

/** A bracket that is never closed, as in a text, must not be taken for depth too soon. */
const BRACKETS_MAX = 1_000;

function mistake(code: string, message: string, at: Place): Diagnostic {
  if (code === "MULTIPLE_DOCS")
    return diagnostic(
      "DOC_SEVERAL",
      "The file holds more than one document.",
      "",
      at,
      "Put each workflow into a file of its own.",
    );
  if (code === "TAG_RESOLVE_FAILED")
    return diagnostic("DOC_TAG", `${sentence(message)} Tags are not read.`, "", at, "Write plain values.");
  if (code === "BAD_ALIAS" || /unresolved alias/i.test(message)) return diagnostic("DOC_YAML", sentence(message), "", at);
  return diagnostic("DOC_YAML", sentence(message), "", at);
}

function sentence(message: string): string {
  const first = message.split("\n")[0] ?? "";
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/** YAML's core types: written out they change nothing. */
const CORE_TAGS = new Set(["str", "int", "float", "bool", "null", "map", "seq"].map((name) => `tag:yaml.org,2002:${name}`));

class Reader {
  readonly diagnostics: Diagnostic[] = [];
  readonly #where: Whereabouts;
  readonly #anchors = new Map<string, Node>();
  readonly #made = new Map<Node, { value: Json; size: number }>();
  readonly #open = new Set<Node>();
  #count = 0;

  constructor(where: Whereabouts) {
    this.#where = where;
  }

  read(node: Node | null): Json {
    return node === null ? null : this.#value(node, 1);
  }

  #value(node: Node | null, depth: number): Json {
    if (node === null || this.diagnostics.length > 0) return null;
    if (depth > DOCUMENT_DEPTH_MAX)
      return this.#refuse(
        "DOC_DEPTH",
        `The document is nested deeper than ${DOCUMENT_DEPTH_MAX} levels (DOCUMENT_DEPTH_MAX).`,
        node,
      );
    if (isAlias(node)) return this.#alias(node);
    if (++this.#count > DOCUMENT_VALUES_MAX)
      return this.#refuse("DOC_SIZE", `The document has more than ${DOCUMENT_VALUES_MAX} values (DOCUMENT_VALUES_MAX).`, node);
    const { tag, anchor } = node as { tag?: string; anchor?: string };
    if (tag !== undefined && !CORE_TAGS.has(tag))
      return this.#refuse("DOC_TAG", `The tag ${tag.slice(0, 60)} is not read.`, node, "Write plain values.");
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    const before = this.#count - 1;
    this.#open.add(node);
    const value = this.#plain(node, depth);
    this.#open.delete(node);
    if (anchor !== undefined) this.#made.set(node, { value, size: this.#count - before });
    return value;
  }

  #plain(node: Node, depth: number): Json {
    if (isScalar(node)) return this.#scalar(node, node.value, (node as { source?: string }).source ?? "");
    if (isSeq(node)) return node.items.map((item) => this.#value(item as Node | null, depth + 1));
    if (isMap(node)) return this.#members(node, depth);
    return null;
  }

  /** Counts as what it stands for, before anything is made of it. */
  #alias(node: Alias): Json {
    const target = this.#anchors.get(node.source);
    if (target === undefined) return this.#refuse("DOC_YAML", `The alias *${node.source} stands for nothing.`, node);
    if (this.#open.has(target)) return this.#refuse("DOC_CYCLE", `The alias *${node.source} contains itself.`, node);
    const made = this.#made.get(target);
    if (made === undefined) return null;
    this.#count += made.size;
    if (this.#count > DOCUMENT_VALUES_MAX)
      return this.#refuse(
        "DOC_ALIAS_LIMIT",
        `Aliases make this more than ${DOCUMENT_VALUES_MAX} values (DOCUMENT_VALUES_MAX).`,
        node,
        "Write out what is needed.",
      );
    return made.value;
  }

  #scalar(node: Node, value: unknown, source: string): Json {
    if (value === null || typeof value === "boolean" || typeof value === "string") return value;
    if (typeof value !== "number") return this.#refuse("DOC_TAG", `A ${typeof value} is no value of JSON.`, node);
    const isWhole = /^[-+]?\d+$/.test(source);
    if (Number.isFinite(value) && (!isWhole || Number.isSafeInteger(value))) return value;
    return this.#refuse(
      "DOC_NUMBER",
      `The number ${source.slice(0, 40)} cannot be kept exactly.`,
      node,
      "Write it as text, in quotes.",
    );
  }

  #members(map: YAMLMap, depth: number): Json {
    const made: Record<string, Json> = {};
    for (const pair of map.items as Pair<Node | null, Node | null>[]) {
      const key = this.#key(pair.key, map);
      if (key === null) return null;
      if (Object.hasOwn(made, key))
        return this.#refuse(
          "DOC_KEY_TWICE",
          `The key "${key}" stands twice in one object.`,
          pair.key ?? map,
          "Keep one of them.",
        );
      made[key] = this.#value(pair.value, depth + 1);
    }
    return made;
  }

  /** The text of a key; null, and a finding, where it is none. */
  #key(node: Node | null, map: YAMLMap): string | null {
    const refuse = (code: DiagnosticCode, message: string, fix?: string): null => {
      this.#refuse(code, message, node ?? map, fix);
      return null;
    };
    if (node === null || !isScalar(node)) return refuse("DOC_KEY_FORM", "A key must be text.");
    const { tag } = node as { tag?: string };
    if (tag !== undefined && !CORE_TAGS.has(tag))
      return refuse("DOC_TAG", `The tag ${tag.slice(0, 60)} is not read.`, "Write plain values.");
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    const key = typeof node.value === "string" ? node.value : ((node as { source?: string }).source ?? String(node.value));
    if (++this.#count > DOCUMENT_VALUES_MAX)
      return refuse("DOC_SIZE", `The document has more than ${DOCUMENT_VALUES_MAX} values (DOCUMENT_VALUES_MAX).`);
    if (key === "<<" && node.type === "PLAIN")
      return refuse("DOC_MERGE_KEY", "Merge keys (<<) are not a part of YAML 1.2.", "Write out the keys that are meant.");
    if (key === "__proto__" || UNREADABLE.test(key))
      return refuse("DOC_KEY_FORM", `The key ${JSON.stringify(key.slice(0, 60))} is not taken.`, "Name it otherwise.");
    return key;
  }

  #refuse(code: DiagnosticCode, message: string, node: Node, fix?: string): null {
    if (this.diagnostics.length === 0) this.diagnostics.push(diagnostic(code, message, "", this.#where.ofNode(node), fix));
    return null;
  }
}

/** Control characters, and those that turn or hide text. */
const UNREADABLE = /[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u;

class Whereabouts implements Places {
  readonly #document: Document.Parsed;
  readonly #text: string;
  readonly #lines: LineCounter;
  readonly #file: string;

  constructor(document: Document.Parsed, text: string, lines: LineCounter, file: string) {
    this.#document = document;
    this.#text = text;
    this.#lines = lines;
    this.#file = file;
  }

  span(start: number, end: number): Place {
    const from = this.#lines.linePos(start);
    const to = this.#lines.linePos(Math.max(start, end));
    return {
      file: this.#file,
      ...{ line: Math.max(1, from.line), column: Math.max(1, from.col) },
      ...{ endLine: Math.max(1, to.line), endColumn: Math.max(1, to.col) },
    };
  }

  ofNode(node: Node | null): Place {
    const [start = 0, end = 0] = node?.range ?? [];
    return this.span(start, end);
  }

  at(pointer: string): Place {
    return this.ofNode(this.#find(pointer).value ?? (this.#document.contents as Node | null));
  }

  key(pointer: string): Place {
    const { key, value } = this.#find(pointer);
    return this.ofNode(key ?? value ?? (this.#document.contents as Node | null));
  }

  inside(pointer: string, offset: number): Place {
    const { value } = this.#find(pointer);
    if (value === null || !isScalar(value) || typeof value.value !== "string") return this.at(pointer);
    const found = this.#placeOfOffset(value as Node & { value: string; type?: string }, offset);
    return found === null ? this.ofNode(value) : this.span(found, found + 1);
  }

  /** A text's units as they stand in the file: exact where nothing is escaped and lines are as they are. */
  #placeOfOffset(node: Node & { value: string; type?: string }, offset: number): number | null {
    const [start = 0, end = 0] = node.range ?? [];
    const written = this.#text.slice(start, end);
    const line = node.value.slice(0, offset).split("\n").length - 1;
    const lineText = node.value.split("\n")[line] ?? "";
    const column = offset - node.value.split("\n").slice(0, line).join("\n").length - (line > 0 ? 1 : 0);
    let from = 0;
    for (let i = 0; i <= line; i++) {
      const wanted = (node.value.split("\n")[i] ?? "").trim();
      const at = written.indexOf(wanted, from);
      if (at < 0) return null;
      if (i === line) return start + at + column - (lineText.length - lineText.trimStart().length);
      from = at + wanted.length;
    }
    return null;
  }

  #find(pointer: string): { key: Node | null; value: Node | null } {
    let value = this.#document.contents as Node | null;
    let key: Node | null = null;
    for (const part of pointer.split("/").slice(1)) {
      const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
      const next = this.#step(value, name);
      if (next === null) return { key, value };
      ({ key, value } = next);
    }
    return { key, value: this.#followed(value) };
  }

  #followed(node: Node | null): Node | null {
    return node !== null && isAlias(node) ? (node.resolve(this.#document) ?? node) : node;
  }

  #step(from: Node | null, name: string): { key: Node | null; value: Node | null } | null {
    const node = this.#followed(from);
    if (isSeq(node)) {
      const item = node.items[Number(name)] as Node | undefined;
      return item === undefined ? null : { key: null, value: item };
    }
    if (!isMap(node)) return null;
    for (const pair of node.items as Pair<Node | null, Node | null>[]) {
      const { key } = pair;
      if (isScalar(key) && (key.value === name || String((key as { source?: string }).source) === name))
        return { key, value: pair.value ?? key };
    }
    return null;
  }
}
