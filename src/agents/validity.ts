// Whether one value is valid by a schema, as far as that is known: true, false, or null where it is not. It is what every
// counterexample is proved by, and all constants are decided by. Owns the meaning of each keyword for one value; leaves what
// `pattern` and `format` mean to the validator of workflow/ (patterns in linear time).
//
// 1. True and false are what Ajv says too, and the specification: where the two part, it is null.

import { canonicalJson, type Json } from "../base/json.ts";
import { readDocumentSchema } from "../workflow.ts";
import { patternSize } from "./pattern-texts.ts";
import {
  countOf,
  INT32,
  isInherited,
  isIntegerFormat,
  isMembers,
  itemsOf,
  listOf,
  membersOf,
  multipleOf,
  type Node,
  type Nodes,
  nodeOf,
  numberOf,
  type Purse,
  type SchemaObject,
  TEXT_FORMATS,
  target,
  typesOf,
  wordOf,
  wordsOf,
} from "./schema-document.ts";

export type Truth = boolean | null;

/** The largest pattern that is tried, in instructions. Protects time. */
export const TRIED_PATTERN_MAX = 5_000;

/** The longest text shown to a pattern or format here. Protects time. */
export const TRIED_TEXT_MAX = 1_000;

/** Throws LimitMet, Malformed. */
export function validity(nodes: Nodes, value: Json, purse: Purse): Truth {
  return all(nodes, (node) => purse.within(() => byNode(node, value, purse)));
}

function byNode(node: Node, value: Json, purse: Purse): Truth {
  const { schema } = node;
  if (typeof schema === "boolean") return schema;
  return all(CHECKS, (check) => check({ node, schema, value, purse }));
}

interface Asked {
  readonly node: Node;
  readonly schema: SchemaObject;
  readonly value: Json;
  readonly purse: Purse;
}

const CHECKS: readonly ((asked: Asked) => Truth)[] = [
  byType,
  byConstants,
  byNumber,
  byText,
  byLength,
  byElements,
  byNames,
  byProperties,
  byParts,
  byCondition,
  byRef,
  bySpecials,
];

// ── Three values ─────────────────────────────────────────────────────────────────────────────────────────────────────

function all<T>(list: Iterable<T>, ask: (one: T) => Truth): Truth {
  let result: Truth = true;
  for (const one of list) {
    const truth = ask(one);
    if (truth === false) return false;
    if (truth === null) result = null;
  }
  return result;
}

function not(truth: Truth): Truth {
  return truth === null ? null : !truth;
}

function some<T>(list: Iterable<T>, ask: (one: T) => Truth): Truth {
  return not(all(list, (one) => not(ask(one))));
}

/** How many are true at least and at most. */
function count<T>(list: Iterable<T>, ask: (one: T) => Truth): { readonly least: number; readonly most: number } {
  let [least, most] = [0, 0];
  for (const one of list) {
    const truth = ask(one);
    if (truth === true) least++;
    if (truth !== false) most++;
  }
  return { least, most };
}

function between(found: { readonly least: number; readonly most: number }, min: number, max: number): Truth {
  if (found.most < min || found.least > max) return false;
  return found.least >= min && found.most <= max ? true : null;
}

// ── Single values ────────────────────────────────────────────────────────────────────────────────────────────────────

function byType({ schema, value }: Asked): Truth {
  const types = typesOf(schema);
  return types === null || types.some((type) => isOfType(value, type));
}

export function isOfType(value: Json, type: string): boolean {
  if (type === "integer") return Number.isInteger(value);
  return kindOf(value) === type;
}

export function kindOf(value: Json): "null" | "boolean" | "number" | "string" | "array" | "object" {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value as "boolean" | "number" | "string" | "object";
}

const constants = new WeakMap<object, ReadonlySet<string>>();

function byConstants({ schema, value }: Asked): Truth {
  const isAmong = "enum" in schema ? constantsOf(listOf(schema, "enum") ?? []).has(canonicalJson(value)) : true;
  return isAmong && (schema.const === undefined || canonicalJson(schema.const) === canonicalJson(value));
}

function constantsOf(values: readonly Json[]): ReadonlySet<string> {
  const known = constants.get(values) ?? new Set(values.map(canonicalJson));
  constants.set(values, known);
  return known;
}

function byNumber({ schema, value }: Asked): Truth {
  if (typeof value !== "number") return true;
  const min = numberOf(schema, "minimum") ?? Number.NEGATIVE_INFINITY;
  const max = numberOf(schema, "maximum") ?? Number.POSITIVE_INFINITY;
  const above = numberOf(schema, "exclusiveMinimum") ?? Number.NEGATIVE_INFINITY;
  const below = numberOf(schema, "exclusiveMaximum") ?? Number.POSITIVE_INFINITY;
  if (value < min || value > max || value <= above || value >= below) return false;
  if (isIntegerFormat(schema) && !Number.isInteger(value)) return false;
  if (schema.format === "int32" && (value < INT32.min || value > INT32.max)) return false;
  const of = multipleOf(schema);
  return of === null ? true : isMultiple(value, of);
}

/** Where division rounds, Ajv and decimal arithmetic part: nobody knows then. */
function isMultiple(value: number, of: number): Truth {
  const ratio = value / of;
  if (Number.isInteger(value) && Number.isInteger(of)) {
    const isExact = BigInt(value) % BigInt(of) === 0n;
    return isExact === (Number.isInteger(ratio) && Math.abs(ratio) < 1e21) ? isExact : null;
  }
  if (Number.isSafeInteger(ratio)) return ratio * of === value ? true : null;
  return Math.abs(ratio) < 1e9 && Math.abs(ratio - Math.round(ratio)) > 1e-5 ? false : null;
}

function byText({ schema, value, purse }: Asked): Truth {
  if (typeof value !== "string") return true;
  const pattern = wordOf(schema, "pattern");
  const format = wordOf(schema, "format");
  const byPattern = pattern === null ? true : holdsForText("pattern", pattern, value, purse);
  if (format === null || !TEXT_FORMATS.has(format) || byPattern === false) return byPattern;
  return all([byPattern, holdsForText("format", format, value, purse)], (truth) => truth);
}

/** Compiled patterns and formats that are kept. Protects memory. */
const KEPT_MAX = 500;
const kept = new Map<string, ((text: string) => boolean) | null>();

function holdsForText(keyword: "pattern" | "format", argument: string, text: string, purse: Purse): Truth {
  purse.spend(1 + text.length / 10);
  if (text.length > TRIED_TEXT_MAX) return null;
  const key = `${keyword} ${argument}`;
  const check = kept.has(key) ? kept.get(key) : compiled(keyword, argument, purse);
  if (kept.size >= KEPT_MAX) kept.clear();
  kept.set(key, check ?? null);
  return check === null || check === undefined ? null : check(text);
}

/** About what compiling one costs, in steps. */
const COMPILING_STEPS = 500;

function compiled(keyword: string, argument: string, purse: Purse): ((text: string) => boolean) | null {
  const size = keyword === "pattern" ? patternSize(argument) : 1;
  purse.spend(COMPILING_STEPS + size / 10);
  if (size > TRIED_PATTERN_MAX) return null;
  try {
    const schema = readDocumentSchema({ [keyword]: argument }, keyword);
    return (text) => schema.check(text).ok;
  } catch {
    return null; // no regular expression, or one that is not matched in linear time
  }
}

function byLength({ schema, value }: Asked): Truth {
  const [few, many] = LENGTHS[kindOf(value) as keyof typeof LENGTHS] ?? [];
  if (few === undefined || many === undefined) return true;
  const length = lengthOf(value);
  return length >= (countOf(schema, few) ?? 0) && length <= (countOf(schema, many) ?? Number.POSITIVE_INFINITY);
}

const LENGTHS = {
  string: ["minLength", "maxLength"],
  array: ["minItems", "maxItems"],
  object: ["minProperties", "maxProperties"],
} as const;

/** A text's length is counted in code points. */
export function lengthOf(value: Json): number {
  if (typeof value === "string") return Array.from(value).length;
  return Object.keys(value as object).length;
}

// ── What holds others ────────────────────────────────────────────────────────────────────────────────────────────────

function byElements({ node, schema, value, purse }: Asked): Truth {
  if (!Array.isArray(value)) return true;
  if (schema.uniqueItems === true && new Set(value.map(canonicalJson)).size < value.length) return false;
  const { prefix, rest } = itemsOf(node, schema);
  const each = all(value.entries(), ([at, item]) => validity(at < prefix.length ? prefix.slice(at, at + 1) : rest, item, purse));
  if (schema.contains === undefined || each === false) return each;
  const wanted = [nodeOf(node.document, schema.contains, "contains")];
  const found = count(value, (item) => validity(wanted, item as Json, purse));
  const min = node.document.isOld ? 1 : (countOf(schema, "minContains") ?? 1);
  const max = node.document.isOld ? null : countOf(schema, "maxContains");
  return all([each, between(found, min, max ?? Number.POSITIVE_INFINITY)], (truth) => truth);
}

function byNames({ node, schema, value, purse }: Asked): Truth {
  if (!isMembers(value)) return true;
  const names = Object.keys(value);
  const required = all(wordsOf(schema, "required"), (name) => Object.hasOwn(value, name) || (isInherited(name) ? null : false));
  if (schema.propertyNames === undefined || required === false) return required;
  const wanted = [nodeOf(node.document, schema.propertyNames, "propertyNames")];
  return all([required, all(names, (name) => validity(wanted, name, purse))], (truth) => truth);
}

function byProperties({ node, schema, value, purse }: Asked): Truth {
  if (!isMembers(value)) return true;
  const known = membersOf(schema, "properties") ?? {};
  const patterns = Object.entries(membersOf(schema, "patternProperties") ?? {});
  if (Object.keys(known).some(isInherited) || Object.keys(value).some(isInherited)) return null;
  return all(Object.entries(value), ([name, member]) => {
    const own = Object.hasOwn(known, name);
    const matching = patterns.map(([pattern, by]) => ({ by, hits: holdsForText("pattern", pattern, name, purse) }));
    const named = !own || validity([nodeOf(node.document, known[name], "properties")], member, purse);
    const patterned = all(matching, ({ by, hits }) =>
      hits === false ? true : orElse(not(hits), () => validity([nodeOf(node.document, by, "patternProperties")], member, purse)),
    );
    const isElsewhere = own ? true : some(matching, ({ hits }) => hits);
    const other = orElse(isElsewhere, () => others(node, schema, member, purse));
    return all([named, patterned, other], (truth) => truth);
  });
}

function others(node: Node, { additionalProperties }: SchemaObject, member: Json, purse: Purse): Truth {
  if (additionalProperties === undefined) return true;
  return validity([nodeOf(node.document, additionalProperties, "additionalProperties")], member, purse);
}

function orElse(truth: Truth, ask: () => Truth): Truth {
  return truth === true ? true : some([truth, ask()], (one) => one);
}

// ── Schemas of schemas ───────────────────────────────────────────────────────────────────────────────────────────────

function byParts({ node, schema, value, purse }: Asked): Truth {
  const ask = (keyword: string) => (part: Json) => validity([nodeOf(node.document, part, keyword)], value, purse);
  const [every, any, one] = [listOf(schema, "allOf"), listOf(schema, "anyOf"), listOf(schema, "oneOf")];
  return all(
    [
      () => (every === null ? true : all(every, ask("allOf"))),
      () => (any === null ? true : some(any, ask("anyOf"))),
      () => (one === null ? true : between(count(one, ask("oneOf")), 1, 1)),
      () => (schema.not === undefined ? true : not(ask("not")(schema.not))),
    ],
    (part) => part(),
  );
}

function byCondition({ node, schema, value, purse }: Asked): Truth {
  if (schema.if === undefined) return true;
  const branch = (keyword: "then" | "else") =>
    schema[keyword] === undefined ? true : validity([nodeOf(node.document, schema[keyword], keyword)], value, purse);
  const isMet = validity([nodeOf(node.document, schema.if, "if")], value, purse);
  if (isMet === null) return all([branch("then"), branch("else")], (truth) => truth) === true ? true : null;
  return isMet ? branch("then") : branch("else");
}

function byRef({ node, schema, value, purse }: Asked): Truth {
  if (schema.$ref === undefined) return true;
  const found = target(node, schema.$ref);
  return found === null ? null : validity([found], value, purse);
}

/** Keywords that are not looked into; by the kind of value they speak of. */
export const SPECIALS = {
  any: ["$dynamicRef", "$recursiveRef"],
  string: ["formatMinimum", "formatMaximum", "formatExclusiveMinimum", "formatExclusiveMaximum"],
  number: [],
  array: ["unevaluatedItems"],
  object: ["dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties"],
} as const;

function bySpecials({ schema, value, node }: Asked): Truth {
  const kind = kindOf(value);
  const own = kind === "null" || kind === "boolean" ? [] : SPECIALS[kind];
  if (kind === "array" && node.document.isOld && schema.prefixItems !== undefined) return null;
  return [...SPECIALS.any, ...own].some((keyword) => schema[keyword] !== undefined) ? null : true;
}
