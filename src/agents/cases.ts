// A schema as the cases its values fall into: single constants, and numbers, texts, lists and objects each within plain
// bounds. Owns the normal form, its conjunction, and what of it is empty; leaves comparing to others.
//
// 1. Every value that all the nodes allow is in one of their cases. What is not understood is noted at its case as a
//    constraint more (`hidden`), so a case may hold more values than the schema, never fewer.
// 2. A case without hidden constraints holds exactly what it says, as far as its members' own cases do.
// 3. A case that is known to hold nothing is left out; no case left means no value.

import { canonicalJson, type Json } from "../base/json.ts";
import {
  CASES_MAX,
  countOf,
  INT32,
  isInherited,
  isIntegerFormat,
  isMembers,
  itemsOf,
  keyOf,
  LimitMet,
  listOf,
  membersOf,
  multipleOf,
  type Node,
  type Nodes,
  nodeOf,
  numberOf,
  Purse,
  type SchemaObject,
  TEXT_FORMATS,
  target,
  textOf,
  typesOf,
  withNode,
  wordOf,
  wordsOf,
} from "./schema-document.ts";
import { isOfType, kindOf, lengthOf, SPECIALS, validity } from "./validity.ts";

/** A constraint that is compared only as text: equal texts, equal constraints. */
export interface Hidden {
  readonly key: string;
  readonly keyword: string;
}

export type Case = ConstantCase | NumberCase | TextCase | ListCase | ObjectCase;

export interface ConstantCase {
  readonly kind: "constant";
  readonly value: Json;
}

export interface Bound {
  readonly at: number;
  readonly isOpen: boolean;
}

export interface NumberCase {
  readonly kind: "number";
  /** All are multiples of it, and so are closed bounds; 1 for integers, 0 for any number. */
  readonly step: number;
  readonly min: Bound;
  readonly max: Bound;
  /** Multiples of these too, which no sum of powers of two writes exactly: 0.1. */
  readonly inexact: readonly number[];
  readonly hidden: readonly Hidden[];
}

export interface TextCase {
  readonly kind: "string";
  readonly min: number;
  readonly max: number;
  readonly patterns: readonly string[];
  readonly formats: readonly string[];
  readonly hidden: readonly Hidden[];
}

export interface ListCase {
  readonly kind: "array";
  readonly prefix: readonly Nodes[];
  readonly rest: Nodes;
  readonly min: number;
  readonly max: number;
  readonly isUnique: boolean;
  readonly hidden: readonly Hidden[];
}

export interface ObjectCase {
  readonly kind: "object";
  readonly properties: ReadonlyMap<string, Nodes>;
  readonly rest: Nodes;
  readonly required: ReadonlySet<string>;
  readonly min: number;
  readonly max: number;
  readonly hidden: readonly Hidden[];
}

const UNBOUNDED = { min: { at: Number.NEGATIVE_INFINITY, isOpen: true }, max: { at: Number.POSITIVE_INFINITY, isOpen: true } };
const COUNTS = { min: 0, max: Number.POSITIVE_INFINITY };

const ANY_NUMBER: NumberCase = { kind: "number", step: 0, ...UNBOUNDED, inexact: [], hidden: [] };
const ANY_TEXT: TextCase = { kind: "string", ...COUNTS, patterns: [], formats: [], hidden: [] };
const ANY_LIST: ListCase = { kind: "array", prefix: [], rest: [], ...COUNTS, isUnique: false, hidden: [] };
const ANY_OBJECT: ObjectCase = { kind: "object", properties: new Map(), rest: [], required: new Set(), ...COUNTS, hidden: [] };

const constant = (value: Json): Case => ({ kind: "constant", value });

const ANYTHING: readonly Case[] = [...[null, false, true].map(constant), ...[ANY_NUMBER, ANY_TEXT, ANY_LIST, ANY_OBJECT]];

// ── One question's cases ─────────────────────────────────────────────────────────────────────────────────────────────

/** What is found out about the nodes of one question; each is found out once. */
export class Cases {
  readonly purse = new Purse();
  readonly #found = new Map<string, readonly Case[]>();
  readonly #underWay = new Set<string>();
  readonly #written = new Map<string, readonly Case[]>();
  /** Schemas that are being read for the same value: a `$ref` back to one of them says nothing. */
  #open = new Set<string>();
  #loops = 0;

  /** Throws LimitMet, Malformed. */
  of(nodes: Nodes): readonly Case[] {
    const key = keyOf(nodes);
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    if (this.#underWay.has(key)) return ANYTHING; // it is asked within itself: what it holds is not known yet
    const outside = this.#open;
    this.#open = new Set();
    this.#underWay.add(key);
    try {
      const found = this.purse.within(() => this.#finished(nodes));
      this.#found.set(key, found);
      return found;
    } finally {
      this.#underWay.delete(key);
      this.#open = outside;
    }
  }

  isEmpty(nodes: Nodes): boolean {
    return this.of(nodes).length === 0;
  }

  #finished(nodes: Nodes): readonly Case[] {
    let found = ANYTHING;
    for (const node of nodes) found = this.#meetAll(found, this.#by(node));
    const kept = found.filter((one) => one.kind !== "constant" || validity(nodes, one.value, this.purse) !== false);
    return distinct(kept.flatMap((one) => this.#inhabited(one)));
  }

  /** The cases as one node writes them, empty ones among them. */
  #by(node: Node): readonly Case[] {
    const { schema } = node;
    if (typeof schema === "boolean") return schema ? ANYTHING : [];
    const known = this.#written.get(node.id);
    if (known !== undefined) return known;
    if (this.#open.has(node.id)) return this.#loop(node);
    this.#open.add(node.id);
    const loops = this.#loops;
    try {
      const found = this.purse.within(() => this.#ofKeywords(node, schema));
      if (loops === this.#loops) this.#written.set(node.id, found);
      return found;
    } finally {
      this.#open.delete(node.id);
    }
  }

  #loop(node: Node): readonly Case[] {
    this.#loops++;
    return hiding(ANYTHING, { key: `loop ${node.id}`, keyword: "$ref" });
  }

  #ofKeywords(node: Node, schema: SchemaObject): readonly Case[] {
    const sub = (keyword: string) => (part: Json) => this.#by(nodeOf(node.document, part, keyword));
    let found = ownCases(node, schema);
    for (const part of listOf(schema, "allOf") ?? []) found = this.#meetAll(found, sub("allOf")(part));
    const any = listOf(schema, "anyOf");
    if (any !== null) found = this.#meetAll(found, any.flatMap(sub("anyOf")));
    const one = listOf(schema, "oneOf");
    if (one !== null) found = this.#meetAll(found, this.#oneOf(node, one.map(sub("oneOf"))));
    if (schema.$ref === undefined) return found;
    const to = target(node, schema.$ref);
    return to === null ? hiding(found, hiddenOf(node, ["$ref"])) : this.#meetAll(found, this.#by(to));
  }

  /** Where two of them share values of a kind, `oneOf` says more than that one of them holds. */
  #oneOf(node: Node, parts: readonly (readonly Case[])[]): readonly Case[] {
    const shared = new Set<string>();
    for (const [at, part] of parts.entries())
      for (const other of parts.slice(at + 1))
        for (const one of this.#meetAll(part, other)) if (this.#inhabited(one).length > 0) shared.add(kindOfCase(one));
    const hidden = hiddenOf(node, ["oneOf"]);
    return parts.flat().map((one) => (shared.has(one.kind) ? withHidden(one, [hidden]) : one));
  }

  #meetAll(some: readonly Case[], others: readonly Case[]): readonly Case[] {
    if (some === ANYTHING) return others;
    if (others === ANYTHING) return some;
    this.purse.spend(some.length * others.length);
    const found = distinct(some.flatMap((one) => others.flatMap((other) => meet(one, other))));
    if (found.length > CASES_MAX) throw new LimitMet("CASES_MAX");
    return found;
  }

  /** The case with what follows from its members drawn; nothing where it is empty (3). */
  #inhabited(one: Case): readonly Case[] {
    switch (one.kind) {
      case "constant":
        return [one];
      case "number":
        return rounded(one);
      case "string":
        return one.min <= one.max ? [one] : [];
      case "array":
        return this.#reachable(one);
      default:
        return this.#possible(one);
    }
  }

  #reachable(list: ListCase): readonly Case[] {
    const blocked = list.prefix.findIndex((nodes) => this.isEmpty(nodes));
    const isClosed = blocked < 0 && list.max > list.prefix.length && this.isEmpty(list.rest);
    const reach = blocked >= 0 ? blocked : isClosed ? list.prefix.length : list.max;
    const max = Math.min(list.max, reach);
    return list.min <= max ? [{ ...list, max, prefix: list.prefix.slice(0, max) }] : [];
  }

  #possible(object: ObjectCase): readonly Case[] {
    for (const name of object.required) if (this.isEmpty(memberOf(object, name))) return [];
    const min = Math.max(object.min, object.required.size);
    const isClosed = object.rest.length > 0 && this.isEmpty(object.rest);
    const open = isClosed ? [...object.properties.values()].filter((nodes) => !this.isEmpty(nodes)).length : object.max;
    const max = Math.min(object.max, open);
    return min <= max ? [{ ...object, min, max }] : [];
  }
}

export function memberOf(object: ObjectCase, name: string): Nodes {
  return object.properties.get(name) ?? object.rest;
}

export function elementOf(list: ListCase, at: number): Nodes {
  return list.prefix[at] ?? list.rest;
}

export function kindOfCase(one: Case): ReturnType<typeof kindOf> {
  return one.kind === "constant" ? kindOf(one.value) : one.kind;
}

function distinct(cases: readonly Case[]): readonly Case[] {
  if (cases === ANYTHING || cases.length < 2) return cases;
  const seen = new Map(cases.map((one) => [caseKey(one), one]));
  return [...seen.values()];
}

function caseKey(one: Case): string {
  if (one.kind === "constant") return canonicalJson(one.value);
  if (one.kind === "array") return JSON.stringify({ ...one, prefix: one.prefix.map(keyOf), rest: keyOf(one.rest) }, infinite);
  if (one.kind !== "object") return JSON.stringify(one, infinite);
  const properties = [...one.properties].map(([name, nodes]) => [name, keyOf(nodes)]);
  return JSON.stringify({ ...one, properties, required: [...one.required], rest: keyOf(one.rest) }, infinite);
}

function infinite(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

// ── What one schema's own keywords say ───────────────────────────────────────────────────────────────────────────────

function ownCases(node: Node, schema: SchemaObject): readonly Case[] {
  const types = typesOf(schema);
  const constants = constantsOf(schema);
  if (constants !== null) return constants.filter((value) => types?.some((type) => isOfType(value, type)) ?? true).map(constant);
  const anywhere = hiddenOfAny(node, schema);
  const given = ANYTHING.flatMap((one) => (types === null ? [one] : ofTypes(one, types)));
  const isPlain = types === null && anywhere.length === 0 && given.every((one) => caseOf(one, node, schema) === one);
  return isPlain ? ANYTHING : given.map((one) => withHidden(caseOf(one, node, schema), anywhere));
}

function constantsOf(schema: SchemaObject): readonly Json[] | null {
  if (schema.const !== undefined) return [schema.const];
  return listOf(schema, "enum");
}

function ofTypes(one: Case, types: readonly string[]): readonly Case[] {
  if (types.includes(kindOfCase(one))) return [one];
  return one.kind === "number" && types.includes("integer") ? [{ ...one, step: 1 }] : [];
}

function hiddenOfAny(node: Node, schema: SchemaObject): readonly Hidden[] {
  const condition = schema.if === undefined ? [] : [hiddenOf(node, ["if", "then", "else"])];
  return [...condition, ...hiddenIn(node, schema, ["not", ...SPECIALS.any])];
}

function hiddenIn(node: Node, schema: SchemaObject, keywords: readonly string[]): readonly Hidden[] {
  return keywords.filter((keyword) => schema[keyword] !== undefined).map((keyword) => hiddenOf(node, [keyword]));
}

/** `unevaluated…` depends on all that stands beside it. */
function hiddenOf(node: Node, keywords: readonly string[]): Hidden {
  const [keyword = ""] = keywords;
  const { schema, document } = node;
  if (typeof schema === "boolean" || keyword.startsWith("unevaluated")) return { key: textOf(node), keyword };
  const part = Object.fromEntries(keywords.flatMap((name) => (schema[name] === undefined ? [] : [[name, schema[name]]])));
  return { key: textOf({ id: "", schema: part, document }), keyword };
}

function hiding(cases: readonly Case[], hidden: Hidden): readonly Case[] {
  return cases.map((one) => withHidden(one, [hidden]));
}

/** A constant needs no note: it is looked at as a whole. */
function withHidden(one: Case, hidden: readonly Hidden[]): Case {
  return one.kind === "constant" || hidden.length === 0 ? one : { ...one, hidden: [...one.hidden, ...hidden] };
}

function caseOf(one: Case, node: Node, schema: SchemaObject): Case {
  switch (one.kind) {
    case "constant":
      return one;
    case "number":
      return numberCase(one, schema);
    case "string":
      return textCase(one, node, schema);
    case "array":
      return listCase(one, node, schema);
    default:
      return objectCase(one, node, schema);
  }
}

const NUMBER_KEYWORDS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];

function numberCase(one: NumberCase, schema: SchemaObject): NumberCase {
  const isInt = isIntegerFormat(schema);
  if (!isInt && !NUMBER_KEYWORDS.some((keyword) => schema[keyword] !== undefined)) return one;
  const of = (keyword: string, none: number): number => numberOf(schema, keyword) ?? none;
  const isInt32 = schema.format === "int32";
  const { NEGATIVE_INFINITY: low, POSITIVE_INFINITY: high } = Number;
  const mins = [bound(of("minimum", low)), bound(of("exclusiveMinimum", low), true), bound(isInt32 ? INT32.min : low)];
  const maxs = [bound(of("maximum", high)), bound(of("exclusiveMaximum", high), true), bound(isInt32 ? INT32.max : high)];
  const multiple = multipleOf(schema);
  return {
    ...one,
    step: [one.step, isInt ? 1 : 0, multiple !== null && isExact(multiple) ? multiple : 0].reduce(commonStep),
    min: mins.reduce(laterMin),
    max: maxs.reduce(earlierMax),
    inexact: multiple === null || isExact(multiple) ? [] : [multiple],
  };
}

function bound(at: number, isOpen = false): Bound {
  return { at, isOpen: isOpen || !Number.isFinite(at) };
}

export function laterMin(a: Bound, b: Bound): Bound {
  return a.at > b.at || (a.at === b.at && a.isOpen) ? a : b;
}

export function earlierMax(a: Bound, b: Bound): Bound {
  return a.at < b.at || (a.at === b.at && a.isOpen) ? a : b;
}

function textCase(one: TextCase, node: Node, schema: SchemaObject): TextCase {
  const pattern = wordOf(schema, "pattern");
  const format = wordOf(schema, "format");
  const [min, max] = [countOf(schema, "minLength"), countOf(schema, "maxLength")];
  const hidden = hiddenIn(node, schema, SPECIALS.string);
  const asserts = format !== null && TEXT_FORMATS.has(format);
  if (pattern === null && !asserts && min === null && max === null && hidden.length === 0) return one;
  return {
    ...one,
    min: min ?? 0,
    max: max ?? Number.POSITIVE_INFINITY,
    patterns: pattern === null ? [] : [pattern],
    formats: asserts ? [format] : [],
    hidden,
  };
}

const LIST_KEYWORDS = ["items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains"];

function listCase(one: ListCase, node: Node, schema: SchemaObject): ListCase {
  if (![...LIST_KEYWORDS, ...SPECIALS.array].some((keyword) => schema[keyword] !== undefined)) return one;
  const { prefix, rest } = itemsOf(node, schema);
  const isMixed = node.document.isOld && schema.prefixItems !== undefined;
  const contains = schema.contains === undefined ? [] : [hiddenOf(node, ["contains", "minContains", "maxContains"])];
  const hidden = [...contains, ...hiddenIn(node, schema, [...SPECIALS.array, ...(isMixed ? ["prefixItems"] : [])])];
  return {
    ...one,
    prefix: isMixed ? [] : prefix.map((item) => withNode([], item)),
    rest: isMixed ? [] : rest,
    min: countOf(schema, "minItems") ?? 0,
    max: countOf(schema, "maxItems") ?? Number.POSITIVE_INFINITY,
    isUnique: schema.uniqueItems === true,
    hidden,
  };
}

const OBJECT_KEYWORDS = [
  ...["properties", "required", "additionalProperties", "patternProperties", "minProperties", "maxProperties", "propertyNames"],
  ...SPECIALS.object,
];

function objectCase(one: ObjectCase, node: Node, schema: SchemaObject): ObjectCase {
  if (!OBJECT_KEYWORDS.some((keyword) => schema[keyword] !== undefined)) return one;
  const written = Object.entries(membersOf(schema, "properties") ?? {});
  const required = wordsOf(schema, "required");
  const odd = [...written.map(([name]) => name), ...required].some(isInherited);
  const patterned = isMembers(schema.patternProperties) && Object.keys(schema.patternProperties).length > 0;
  const rest = schema.additionalProperties;
  return {
    ...one,
    properties: new Map(
      written
        .filter(([name]) => !isInherited(name))
        .map(([name, part]) => [name, withNode([], nodeOf(node.document, part, name))]),
    ),
    rest: rest === undefined || patterned || odd ? [] : withNode([], nodeOf(node.document, rest, "additionalProperties")),
    required: new Set(required.filter((name) => !isInherited(name))),
    min: countOf(schema, "minProperties") ?? 0,
    max: countOf(schema, "maxProperties") ?? Number.POSITIVE_INFINITY,
    hidden: [
      ...(patterned ? [patternsOf(node, schema)] : []),
      ...(odd ? [hiddenOf(node, ["required", "properties", "additionalProperties"])] : []),
      ...hiddenIn(node, schema, ["propertyNames", ...SPECIALS.object]),
    ],
  };
}

/** With the names beside them: what is neither is in `additionalProperties`. */
function patternsOf(
  node: Node,
  { patternProperties = null, additionalProperties = true, properties = {} }: SchemaObject,
): Hidden {
  const names = additionalProperties === true ? [] : Object.keys(properties as object).toSorted();
  const schema = { patternProperties, additionalProperties, names };
  return { key: textOf({ id: "", schema, document: node.document }), keyword: "patternProperties" };
}

// ── Both at once ─────────────────────────────────────────────────────────────────────────────────────────────────────

function meet(a: Case, b: Case): readonly Case[] {
  if (a.kind === "constant") return holdsLoosely(b, a.value) ? [a] : [];
  if (b.kind === "constant") return holdsLoosely(a, b.value) ? [b] : [];
  if (a.kind === "number" && b.kind === "number") return rounded(meetNumbers(a, b));
  if (a.kind === "string" && b.kind === "string") return meetTexts(a, b);
  if (a.kind === "array" && b.kind === "array") return meetLists(a, b);
  if (a.kind === "object" && b.kind === "object") return [meetObjects(a, b)];
  return [];
}

/** By kind and bounds: constants are looked at as a whole in the end. */
function holdsLoosely(one: Case, value: Json): boolean {
  if (one.kind === "constant") return canonicalJson(one.value) === canonicalJson(value);
  if (one.kind !== kindOf(value)) return false;
  if (typeof value === "number") return one.kind === "number" && holdsNumber(one, value);
  return one.kind === "number" || (lengthOf(value) >= one.min && lengthOf(value) <= one.max);
}

export function holdsNumber({ step, min, max }: NumberCase, value: number): boolean {
  const isAbove = value > min.at || (value === min.at && !min.isOpen);
  const isBelow = value < max.at || (value === max.at && !max.isOpen);
  return isAbove && isBelow && (step === 0 || Number.isInteger(value / step));
}

function both<T>(a: readonly T[], b: readonly T[]): readonly T[] {
  return [...new Set([...a, ...b])];
}

function bothHidden(a: readonly Hidden[], b: readonly Hidden[]): readonly Hidden[] {
  return [...a, ...b.filter(({ key }) => !a.some((one) => one.key === key))];
}

function meetNumbers(a: NumberCase, b: NumberCase): NumberCase {
  return {
    kind: "number",
    step: commonStep(a.step, b.step),
    min: laterMin(a.min, b.min),
    max: earlierMax(a.max, b.max),
    inexact: both(a.inexact, b.inexact),
    hidden: bothHidden(a.hidden, b.hidden),
  };
}

/** With bounds that are multiples of the step; nothing where none lies between. */
function rounded(one: NumberCase): readonly NumberCase[] {
  const drawn = one.step === 0 ? one : { ...one, min: up(one.min, one.step), max: down(one.max, one.step) };
  const isEmpty = drawn.min.at > drawn.max.at || (drawn.min.at === drawn.max.at && (drawn.min.isOpen || drawn.max.isOpen));
  return isEmpty ? [] : [drawn];
}

/** To the next multiple; a bound beyond exact arithmetic stays. */
function up(bound: Bound, step: number): Bound {
  const { at, isOpen } = bound;
  if (!Number.isSafeInteger(Math.ceil(at / step) + 2)) return bound;
  let next = (Math.ceil(at / step) - 1) * step;
  while (next < at || (isOpen && next === at)) next += step;
  return { at: next + 0, isOpen: false };
}

function down({ at, isOpen }: Bound, step: number): Bound {
  const lifted = up({ at: -at, isOpen }, step);
  return { at: 0 - lifted.at, isOpen: lifted.isOpen };
}

/** So many halvings make an integer of a number that is handled exactly. */
const HALVINGS = 2 ** 20;

/** Whether its multiples are exact, as far as they are not huge. */
function isExact(number: number): boolean {
  return Number.isSafeInteger(number * HALVINGS);
}

/** The least number that is a multiple of both; 0 is any number. */
function commonStep(a: number, b: number): number {
  if (a === 0 || b === 0) return Math.max(a, b);
  let [greater, lesser] = [a * HALVINGS, b * HALVINGS];
  while (lesser > 0) [greater, lesser] = [lesser, greater % lesser];
  const common = a * ((b * HALVINGS) / greater);
  if (!isExact(common)) throw new LimitMet("STEP_MAX");
  return common;
}

function meetTexts(a: TextCase, b: TextCase): readonly TextCase[] {
  const min = Math.max(a.min, b.min);
  const max = Math.min(a.max, b.max);
  const [patterns, formats] = [both(a.patterns, b.patterns), both(a.formats, b.formats)];
  return min > max ? [] : [{ kind: "string", min, max, patterns, formats, hidden: bothHidden(a.hidden, b.hidden) }];
}

function meetLists(a: ListCase, b: ListCase): readonly ListCase[] {
  const min = Math.max(a.min, b.min);
  const max = Math.min(a.max, b.max);
  const length = Math.max(a.prefix.length, b.prefix.length);
  const prefix = Array.from({ length }, (_, at) => withNode(elementOf(a, at), ...elementOf(b, at)));
  const rest = withNode(a.rest, ...b.rest);
  const isUnique = a.isUnique || b.isUnique;
  return min > max ? [] : [{ kind: "array", prefix, rest, min, max, isUnique, hidden: bothHidden(a.hidden, b.hidden) }];
}

function meetObjects(a: ObjectCase, b: ObjectCase): ObjectCase {
  const names = both([...a.properties.keys()], [...b.properties.keys()]);
  return {
    kind: "object",
    properties: new Map(names.map((name) => [name, withNode(memberOf(a, name), ...memberOf(b, name))])),
    rest: withNode(a.rest, ...b.rest),
    required: new Set([...a.required, ...b.required]),
    min: Math.max(a.min, b.min),
    max: Math.min(a.max, b.max),
    hidden: bothHidden(a.hidden, b.hidden),
  };
}
