// Random JSON Schemas of the kinds people write, pairs of them that are near each other, and values that may be valid.

import { createRequire } from "node:module";
import fc from "fast-check";
import type { Json } from "../src/base/json.ts";
import { fraction, seededRandom } from "../src/base/random.ts";
import type { JsonSchema } from "../src/workflow.ts";

type Written = JsonSchema | boolean;

const small = fc.integer({ min: -2, max: 6 });
const size = fc.integer({ min: 0, max: 4 });
const constants: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  ...[null, true, false, 0, 1, 2, 3, -1, 0.5, 2.5, "", "a", "b", "ab", "abc", "2024-02-29", "7"],
  ...([[], [1], [1, "a"], {}, { a: 1 }, { a: "a", b: 2 }] as Json[]),
);

/** A schema with a type and a few more keywords. */
function withFew(
  type: fc.Arbitrary<Json>,
  keywords: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  always: readonly string[] = [],
) {
  const chosen = fc.subarray(
    Object.keys(keywords).filter((keyword) => !always.includes(keyword)),
    { maxLength: 2 },
  );
  const all = fc.record({ ...keywords, type }, { noNullPrototype: true });
  return fc.tuple(chosen, all).map(([few, written]): JsonSchema => {
    const kept = Object.entries(written).filter(([keyword]) => keyword === "type" || [...few, ...always].includes(keyword));
    return Object.fromEntries(kept) as JsonSchema;
  });
}

const numbers = withFew(fc.constantFrom("number", "integer"), {
  minimum: small,
  maximum: small,
  exclusiveMinimum: fc.constantFrom(-1, 0, 0.5, 2),
  exclusiveMaximum: fc.constantFrom(1, 2.5, 4, 5),
  multipleOf: fc.constantFrom(1, 2, 3, 4, 0.5),
});

const texts = withFew(fc.constant("string"), {
  minLength: size,
  maxLength: size,
  pattern: fc.constantFrom("^a", "b$", "^[0-9]+$"),
  format: fc.constantFrom("date", "date-time", "email", "unheard-of"),
});

const types = fc.constantFrom<Json>(
  "null",
  "boolean",
  ["string", "null"],
  ["integer", "string"],
  ["number", "array"],
  "object",
  "array",
);

const names = fc.constantFrom("a", "b", "c");

/** Of the keywords that are compared; `wild` ones have others too. */
function schemasOf(isWild: boolean): fc.Arbitrary<JsonSchema> {
  return fc.letrec<{ any: Written; written: JsonSchema }>((tie) => {
    const list = (maxLength: number) => fc.array(tie("any"), { minLength: 1, maxLength });
    const wilder = isWild ? [{ weight: 6, arbitrary: wildOnes(tie("any")) }] : [];
    return {
      any: fc.oneof({ maxDepth: 3 }, { weight: 12, arbitrary: tie("written") }, { weight: 1, arbitrary: fc.boolean() }),
      written: fc.oneof(
        { maxDepth: 3, depthIdentifier: "schema" },
        { weight: 3, arbitrary: numbers },
        { weight: 2, arbitrary: texts },
        { weight: 1, arbitrary: types.map((type) => ({ type })) },
        { weight: 1, arbitrary: fc.uniqueArray(constants, { minLength: 1, maxLength: 4 }).map((values) => ({ enum: values })) },
        { weight: 1, arbitrary: constants.map((value) => ({ const: value })) },
        { weight: 4, arbitrary: objects(tie("any")) },
        { weight: 3, arbitrary: lists(tie("any")) },
        { weight: 2, arbitrary: list(3).map((anyOf) => ({ anyOf })) },
        { weight: 1, arbitrary: list(2).map((allOf) => ({ allOf })) },
        { weight: 1, arbitrary: fc.tuple(numbers, texts).map((oneOf) => ({ oneOf })) },
        { weight: 1, arbitrary: fc.tuple(tie("any"), tie("any")).map(([one, other]) => tagged(one, other)) },
        ...wilder,
      ),
    };
  }).written;
}

/** As people write unions: told apart by a constant. */
function tagged(one: Written, other: Written): JsonSchema {
  const way = (tag: string, a: Written): JsonSchema => ({
    type: "object",
    properties: { tag: { const: tag }, a },
    required: ["tag"],
  });
  return { oneOf: [way("one", one), way("other", other)] };
}

function wildOnes(any: fc.Arbitrary<Written>): fc.Arbitrary<JsonSchema> {
  return fc.oneof(
    any.map((not) => ({ not })),
    fc.record({ if: any, then: any, else: any }, { noNullPrototype: true }) as fc.Arbitrary<JsonSchema>,
    fc.array(any, { minLength: 2, maxLength: 3 }).map((oneOf) => ({ oneOf })),
    any.map((contains) => ({ type: "array", contains })),
    any.map((part) => ({ type: "object", patternProperties: { "^a": part }, properties: { b: part } })),
    texts.map((propertyNames) => ({ type: "object", propertyNames })),
    fc.constant({ type: "object", dependentRequired: { a: ["b"] } }),
    any.map((part) => ({ properties: { a: part }, unevaluatedProperties: false })),
    fc.constant({ $ref: "#/$defs/tree" }),
    fc.constant({ type: "object", properties: { a: { $ref: "#/$defs/list" } }, required: ["b"] }),
  );
}

export const schemas = schemasOf(false);
const wild = schemasOf(true);

function objects(any: fc.Arbitrary<Written>): fc.Arbitrary<JsonSchema> {
  const keywords = {
    properties: fc.dictionary(names, any, { maxKeys: 3, noNullPrototype: true }),
    required: fc.uniqueArray(names, { maxLength: 2 }),
    additionalProperties: fc.oneof(fc.boolean(), any),
    minProperties: size,
    maxProperties: size,
  };
  return withFew(fc.constant("object"), keywords, ["properties"]);
}

function lists(any: fc.Arbitrary<Written>): fc.Arbitrary<JsonSchema> {
  const keywords = {
    items: any,
    prefixItems: fc.array(any, { minLength: 1, maxLength: 2 }),
    minItems: size,
    maxItems: size,
    uniqueItems: fc.boolean(),
  };
  return withFew(fc.constant("array"), keywords);
}

type Pair = readonly [JsonSchema, JsonSchema];

/** Two schemas: the second is the first with a few changes, or one of its own. */
function pairsOf(one: fc.Arbitrary<JsonSchema>): fc.Arbitrary<Pair> {
  const two = fc.tuple(one, one);
  const edits = fc.array(fc.nat(), { minLength: 1, maxLength: 3 });
  return fc.oneof(
    { weight: 5, arbitrary: fc.tuple(one, edits).map(([schema, some]) => near(schema, some)) },
    { weight: 1, arbitrary: two },
    { weight: 1, arbitrary: two.map(([a, b]): Pair => [{ allOf: [a, b] }, a]) },
    { weight: 1, arbitrary: two.map(([a, b]): Pair => [a, { anyOf: [b, a] }]) },
  );
}

export const pairs = pairsOf(schemas);

const tree = (leaf: string): JsonSchema => ({
  anyOf: [{ type: leaf }, { type: "array", items: { $ref: "#/$defs/tree" }, minItems: 1 }],
});
const list = (required: boolean): JsonSchema => ({
  type: "object",
  properties: { a: { $ref: "#/$defs/list" }, b: { type: "integer" } },
  required: required ? ["b"] : [],
});
const recursive = fc.tuple(fc.constantFrom("integer", "number"), fc.boolean());

/** With keywords that are not compared, and with two definitions that need themselves. */
export const wildPairs: fc.Arbitrary<Pair> = fc
  .tuple(pairsOf(wild), recursive, recursive)
  .map(([pair, ...of]) =>
    pair.map((one, at) => ({ ...one, $defs: { tree: tree(of[at]?.[0] ?? ""), list: list(of[at]?.[1] ?? true) } })),
  )
  .map(([a = {}, b = {}]): Pair => [a, b]);

function near(one: JsonSchema, edits: readonly number[]): Pair {
  const other = edits.reduce<JsonSchema>((schema, edit) => edited(schema, seededRandom(edit)), one);
  return (edits[0] ?? 0) % 2 === 0 ? [one, other] : [other, one];
}

/** One keyword, somewhere, is left out or says something else. */
function edited(schema: JsonSchema, next: () => number): JsonSchema {
  const keywords = Object.keys(schema);
  const keyword = keywords[Math.floor(fraction(next) * keywords.length)];
  if (keyword === undefined) return schema;
  const value = schema[keyword] as Json;
  if (typeof value === "number")
    return { ...schema, [keyword]: Math.max(keyword.startsWith("m") ? 0 : -2, value + pick([-1, 1, 2], next)) || 1 };
  if (keyword === "type")
    return {
      ...schema,
      type:
        value === "integer"
          ? "number"
          : ([...[value].flat(), "null"].filter((type, at, all) => all.indexOf(type) === at) as Json),
    };
  if (keyword === "items" && isSchema(value)) return { ...schema, items: edited(value, next) };
  if (keyword === "properties" || Array.isArray(value)) return { ...schema, [keyword]: editedMembers(keyword, value, next) };
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== keyword));
}

function editedMembers(keyword: string, value: Json, next: () => number): Json {
  const entries = Object.entries(value as object) as [string, Json][];
  const at = Math.floor(fraction(next) * entries.length);
  const changed = entries.flatMap(([name, member], place): [string, Json][] => {
    if (place !== at) return [[name, member]];
    return isSchema(member) && keyword !== "enum"
      ? [[name, edited(member, next)]]
      : entries.length > 1 || keyword !== "enum"
        ? []
        : [[name, member]];
  });
  if (!Array.isArray(value)) return Object.fromEntries(changed);
  const list = changed.map(([, member]) => member);
  return list.length === 0 && keyword !== "required" ? value : list;
}

function isSchema(value: Json): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pick<T>(list: readonly T[], next: () => number): T {
  return list[Math.floor(fraction(next) * list.length)] as T;
}

// ── Values ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const PLAIN: readonly Json[] = [
  ...[null, true, false, 0, 1, 2, 3, 4, 5, 6, -1, -2, 0.5, 2.5, 1.5, 12, "", "a", "b", "ab", "abc", "aab", "7", "12", "xxxxx"],
  ...(["2024-02-29", "2024-02-29T12:00:00Z", "a@b.example", [], {}, [1], ["a"], [1, 1], { a: 1 }, { z: null }] as Json[]),
];

/** Values that have a good chance to be valid by the schema, or nearly so. */
export function valuesFor(schema: Written, seed: number, count: number): readonly Json[] {
  const next = seededRandom(seed);
  return Array.from({ length: count }, () => valueFor(schema, next, 4));
}

function valueFor(schema: Written | undefined, next: () => number, levels: number): Json {
  if (typeof schema !== "object" || levels === 0 || fraction(next) < 0.05) return pick(PLAIN, next);
  const parts = (schema.anyOf ?? schema.oneOf ?? schema.allOf) as readonly Written[] | undefined;
  if (parts !== undefined) return valueFor(pick(parts, next), next, levels - 1);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return pick(schema.enum as readonly Json[], next);
  const type = pick([schema.type ?? "object"].flat() as string[], next);
  if (type === "object") return objectFor(schema, next, levels);
  if (type === "array") return listFor(schema, next, levels);
  if (type === "integer" || type === "number") return numberFor(schema, next);
  return pick(type === "string" ? PLAIN.filter((value) => typeof value === "string") : PLAIN, next);
}

function numberFor(schema: JsonSchema, next: () => number): number {
  const at = (schema.minimum ?? schema.exclusiveMinimum ?? schema.maximum ?? 0) as number;
  return at + pick([0, 1, -1, 2, 0.5, 3, 4], next);
}

function objectFor(schema: JsonSchema, next: () => number, levels: number): Json {
  const known = (schema.properties ?? {}) as Record<string, Written>;
  const required = (schema.required ?? []) as readonly string[];
  const chosen = [...Object.keys(known), "z"].filter((name) => required.includes(name) || fraction(next) < 0.4);
  const rest = schema.additionalProperties as Written | undefined;
  return Object.fromEntries([...required, ...chosen].map((name) => [name, valueFor(known[name] ?? rest, next, levels - 1)]));
}

function listFor(schema: JsonSchema, next: () => number, levels: number): Json {
  const least = (schema.minItems ?? 0) as number;
  const length = least + Math.floor(fraction(next) * 3);
  const prefix = (schema.prefixItems ?? []) as readonly Written[];
  return Array.from({ length }, (_, at) => valueFor(prefix[at] ?? (schema.items as Written), next, levels - 1));
}

// ── Validity ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Validate = (value: unknown) => boolean;
interface Validator {
  compile(schema: Written): Validate;
}

const require = createRequire(import.meta.url);
const { Ajv2020 } = require("ajv/dist/2020.js") as { Ajv2020: new (options: object) => Validator };
const addFormats = (require("ajv-formats") as { default: (to: Validator) => void }).default;

/** An Ajv keeps every schema it ever compiled: after so many a new one takes its place. */
const SCHEMAS_OF_ONE_MAX = 1_000;

let validator: { readonly by: Validator; left: number } | null = null;
const compiled = new WeakMap<object, Validate>();

/** By the validator of workflow/, without what it does for strangers and for people, which takes three times as long. */
export function isValid(schema: Written, value: unknown): boolean {
  if (typeof schema === "boolean") return schema;
  const known = compiled.get(schema) ?? fresh().compile(schema);
  compiled.set(schema, known);
  return known(value);
}

function fresh(): Validator {
  if (validator !== null && validator.left-- > 0) return validator.by;
  const options = { strict: false, validateSchema: false, addUsedSchema: false, logger: false, code: { optimize: false } };
  validator = { by: new Ajv2020(options), left: SCHEMAS_OF_ONE_MAX };
  addFormats(validator.by);
  return validator.by;
}
