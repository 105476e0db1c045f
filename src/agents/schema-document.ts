// A JSON Schema from a stranger, as it is read here. Owns what is too large to look at, which keywords constrain, where a
// `$ref` leads, and the one purse that all thinking about two schemas is paid from; leaves what a schema means to others.
// Meaning is that of the validators this project runs (Ajv 8: 2020-12, and draft-07 where `$schema` says so; formats assert).
//
// 1. Whatever is given, reading never throws, and takes time in proportion to SCHEMA_VALUES_MAX and SCHEMA_LETTERS_MAX.
// 2. A keyword that is not listed here constrains nothing: so say the specification, and Ajv.
// 3. A `$ref` is followed within its document only, by JSON Pointer, and not where an `$id` inside may move its base.

import { canonicalJson, type Json } from "../base/json.ts";

export type SchemaObject = { readonly [keyword: string]: Json };

/** One schema within its document. Equal ids are the same constraint. */
export interface Node {
  readonly id: string;
  readonly schema: boolean | SchemaObject;
  readonly document: Document;
}

/** All of them hold for one value; none: anything goes. */
export type Nodes = readonly Node[];

export interface Document {
  readonly root: boolean | SchemaObject;
  /** Before 2019-09, as `$schema` says. */
  readonly isOld: boolean;
  /** 3: no `$id` inside. */
  readonly hasPlainRefs: boolean;
  readonly number: number;
  readonly nodes: Map<object, Node>;
}

/** Values within one schema, keywords and their members counted alike. Protects memory and time. */
export const SCHEMA_VALUES_MAX = 20_000;

/** Letters within one schema. Protects the same. */
export const SCHEMA_LETTERS_MAX = 400_000;

/** Nesting of one schema: about two levels for each level of its values. Protects the stack of all who walk it. */
export const SCHEMA_DEPTH_MAX = 160;

/** Steps of thought for one question. Protects time: schemas of a few lines may mean 2^n cases. */
export const STEPS_MAX = 20_000;

/** How deep one thought may nest. Protects the stack. */
export const THOUGHT_DEPTH_MAX = 160;

/** Cases one schema may fall into at one place. Protects memory. */
export const CASES_MAX = 256;

/** The largest step of numbers, such as that of `multipleOf`. Protects exactness. */
export const STEP_MAX = 2 ** 33;

const LIMITS = { STEP_MAX, STEPS_MAX, THOUGHT_DEPTH_MAX, CASES_MAX } as const;

/** Thrown within, never out of the part: a limit was met. */
export class LimitMet extends Error {
  constructor(name: keyof typeof LIMITS) {
    super(`it takes more thought than one question may (${name}: ${LIMITS[name]})`);
  }
}

/** What one question may cost. */
export class Purse {
  #stepsLeft = STEPS_MAX;
  #depth = 0;

  spend(steps = 1): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) throw new LimitMet("STEPS_MAX");
  }

  /** One level deeper. */
  within<T>(think: () => T): T {
    this.spend();
    if (this.#depth >= THOUGHT_DEPTH_MAX) throw new LimitMet("THOUGHT_DEPTH_MAX");
    this.#depth++;
    try {
      return think();
    } finally {
      this.#depth--;
    }
  }
}

// ── At the door ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Why something is no schema one could look at; null where it is. */
export function unreadable(written: unknown): string | null {
  if (typeof written !== "boolean" && !isMembers(written)) return "it is neither an object nor true or false";
  const left = { values: SCHEMA_VALUES_MAX, letters: SCHEMA_LETTERS_MAX };
  return whyNot(written, left, 0);
}

function whyNot(value: unknown, left: { values: number; letters: number }, depth: number): string | null {
  if (depth > SCHEMA_DEPTH_MAX) return `it is nested deeper than ${SCHEMA_DEPTH_MAX} levels (SCHEMA_DEPTH_MAX)`;
  if (--left.values < 0) return `it has more than ${SCHEMA_VALUES_MAX} values (SCHEMA_VALUES_MAX)`;
  if (typeof value === "string") left.letters -= value.length;
  if (left.letters < 0) return `it has more than ${SCHEMA_LETTERS_MAX} letters (SCHEMA_LETTERS_MAX)`;
  if (value === null || typeof value === "boolean" || typeof value === "string" || Number.isFinite(value)) return null;
  if (typeof value !== "object") return "it is not JSON";
  if (Array.isArray(value)) return firstOf(value, (item) => whyNot(item, left, depth + 1));
  return firstOf(Object.entries(value), ([key, member]) => whyNot(key, left, depth) ?? whyNot(member, left, depth + 1));
}

function firstOf<T>(list: readonly T[], why: (one: T) => string | null): string | null {
  for (const one of list) {
    const found = why(one);
    if (found !== null) return found;
  }
  return null;
}

export function isMembers(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of a schema that is not `unreadable`. `number` tells one document of a question from the other. */
export function documentOf(root: boolean | SchemaObject, number: number): Document {
  const isOld = isMembers(root) && typeof root.$schema === "string" && /draft-0[4-7]/.test(root.$schema);
  const hasPlainRefs = !isMembers(root) || !Object.values(root).some(hasId);
  return { root, isOld, hasPlainRefs, number, nodes: new Map() };
}

function hasId(value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  return (isMembers(value) && typeof value.$id === "string") || Object.values(value).some(hasId);
}

// ── Nodes ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The node of a part of a document; what is no schema there constrains nobody knows how. Throws Malformed. */
export function nodeOf(document: Document, schema: Json | undefined, keyword: string): Node {
  if (typeof schema === "boolean") return { id: String(schema), schema, document };
  if (!isMembers(schema)) throw new Malformed(keyword, "a schema");
  const known = document.nodes.get(schema);
  if (known !== undefined) return known;
  const node = { id: `${document.number}.${document.nodes.size}`, schema, document };
  document.nodes.set(schema, node);
  return node;
}

/** Thrown within, never out of the part: a keyword's value is not what it must be. */
export class Malformed extends Error {
  constructor(keyword: string, wanted: string) {
    super(`\`${keyword}\` is not ${wanted}`);
  }
}

/** Where `$ref` leads; null where it is not followed (3). */
export function target({ document }: Node, ref: Json): Node | null {
  if (typeof ref !== "string" || !document.hasPlainRefs || !/^#(\/.|$)/.test(ref)) return null;
  let at: Json | undefined = document.root;
  for (const part of ref.split("/").slice(1)) at = step(at, part);
  return at === undefined ? null : nodeOf(document, at, "$ref");
}

function step(from: Json | undefined, part: string): Json | undefined {
  if (typeof from !== "object" || from === null) return undefined;
  const key = decoded(part)?.replaceAll("~1", "/").replaceAll("~0", "~");
  return key !== undefined && Object.hasOwn(from, key) ? (from as SchemaObject)[key] : undefined;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

const texts = new WeakMap<object, string>();

/** Equal texts without `$ref` mean the same anywhere; with one, within one document. */
export function textOf({ schema, document }: Node): string {
  if (typeof schema === "boolean") return String(schema);
  const text = texts.get(schema) ?? canonicalJson(schema);
  texts.set(schema, text);
  return /"\$(ref|dynamicRef|recursiveRef)"/.test(text) ? `${document.number} ${text}` : text;
}

export function withNode(nodes: Nodes, ...more: readonly Node[]): Nodes {
  const known = new Set(nodes.map(({ id }) => id));
  const added = more.filter(({ id }) => id !== "true" && !known.has(id) && known.add(id));
  return added.length === 0 ? nodes : [...nodes, ...added];
}

export function keyOf(nodes: Nodes): string {
  return nodes
    .map(({ id }) => id)
    .toSorted()
    .join(" ");
}

// ── Keywords ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Ajv looks a property up without asking whose it is: an object without `toString` has one. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

export function listOf(schema: SchemaObject, keyword: string): readonly Json[] | null {
  const value = schema[keyword];
  if (value === undefined) return null;
  if (!Array.isArray(value)) throw new Malformed(keyword, "a list");
  return value;
}

export function membersOf(schema: SchemaObject, keyword: string): SchemaObject | null {
  const value = schema[keyword];
  if (value === undefined) return null;
  if (!isMembers(value)) throw new Malformed(keyword, "an object");
  return value;
}

export function numberOf(schema: SchemaObject, keyword: string): number | null {
  const value = schema[keyword];
  if (value === undefined) return null;
  if (typeof value !== "number") throw new Malformed(keyword, "a number");
  return value;
}

export function multipleOf(schema: SchemaObject): number | null {
  const value = numberOf(schema, "multipleOf");
  if (value !== null && value <= 0) throw new Malformed("multipleOf", "a number above 0");
  return value;
}

export function countOf(schema: SchemaObject, keyword: string): number | null {
  const value = numberOf(schema, keyword);
  if (value !== null && !(Number.isInteger(value) && value >= 0)) throw new Malformed(keyword, "a count");
  return value;
}

export function wordOf(schema: SchemaObject, keyword: string): string | null {
  const value = schema[keyword];
  if (value === undefined) return null;
  if (typeof value !== "string") throw new Malformed(keyword, "a text");
  return value;
}

export function wordsOf(schema: SchemaObject, keyword: string): readonly string[] {
  const words = listOf(schema, keyword) ?? [];
  if (!words.every((word) => typeof word === "string")) throw new Malformed(keyword, "a list of texts");
  return words as readonly string[];
}

const TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"];

/** With `nullable`, as OpenAPI 3.0 writes it and Ajv reads it. Null: any. */
export function typesOf(schema: SchemaObject): readonly string[] | null {
  if (schema.type === undefined) return null;
  const types = typeof schema.type === "string" ? [schema.type] : wordsOf(schema, "type");
  if (!types.every((type) => TYPES.includes(type))) throw new Malformed("type", "a type or a list of types");
  return schema.nullable === true ? [...types, "null"] : types;
}

/** Where the elements of a list stand: first those with a schema of their own, then the rest. */
export function itemsOf(node: Node, schema: SchemaObject): { readonly prefix: Nodes; readonly rest: Nodes } {
  const tuple = Array.isArray(schema.items) ? "items" : "prefixItems";
  const prefix = (listOf(schema, tuple) ?? []).map((item) => nodeOf(node.document, item, tuple));
  const after = tuple === "items" ? "additionalItems" : "items";
  const rest = schema[after];
  return { prefix, rest: rest === undefined ? [] : withNode([], nodeOf(node.document, rest, after)) };
}

/** `int32` and `int64` are formats of numbers; Ajv asserts them. */
export function isIntegerFormat(schema: SchemaObject): boolean {
  return schema.format === "int32" || schema.format === "int64";
}

export const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 } as const;

/** The formats of texts that assert something (ajv-formats 3.0.1); a test compares. All others are notes. */
export const TEXT_FORMATS: ReadonlySet<string> = new Set([
  ...["date", "time", "date-time", "iso-time", "iso-date-time", "duration", "uri", "uri-reference", "uri-template", "url"],
  ...["email", "hostname", "ipv4", "ipv6", "regex", "uuid", "json-pointer", "json-pointer-uri-fragment"],
  ...["relative-json-pointer", "byte"],
]);
