// Whether one schema is within another (numbers: containment.ts).

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { isValid, pairs, schemas, valuesFor, wildPairs } from "../../test/schemas.ts";
import type { Json } from "../base/json.ts";
import type { JsonSchema } from "../workflow.ts";
import { containment } from "./containment.ts";
import { SCHEMA_DEPTH_MAX, SCHEMA_VALUES_MAX, TEXT_FORMATS } from "./schema-document.ts";

/** `SOAK=20000` for that many cases of each law. */
const SOAK = Number(process.env.SOAK ?? 0);
fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

type Written = JsonSchema | boolean;

/** Two schemas, whether the first is within the second, and whether the second is within the first. */
type Row = readonly [Written, Written, "yes" | "no" | "unknown", "yes" | "no" | "unknown"];

const S = { type: "string" } as const;
const I = { type: "integer" } as const;
const N = { type: "number" } as const;
const O = (properties: Record<string, Written>, required: string[] = [], more: JsonSchema = {}): JsonSchema => ({
  type: "object",
  properties,
  required,
  ...more,
});
const A = (items: Written, more: JsonSchema = {}): JsonSchema => ({ type: "array", items, ...more });
const closed = { additionalProperties: false };
const $defs = { name: S, tree: { type: "array", items: { $ref: "#/$defs/tree" } } };
const listOf = (value: Written): JsonSchema => ({
  $defs: { list: O({ value, next: { anyOf: [{ type: "null" }, { $ref: "#/$defs/list" }] } }, ["value"]) },
  $ref: "#/$defs/list",
});
const way = (tag: string, a: Written): JsonSchema => O({ tag: { const: tag }, a }, ["tag"]);

const TABLE: Readonly<Record<string, readonly Row[]>> = {
  "booleans and the empty": [
    [false, true, "yes", "no"],
    [{}, true, "yes", "yes"],
    [S, true, "yes", "no"],
    [false, S, "yes", "no"],
    [{ type: "string", minLength: 3, maxLength: 2 }, I, "yes", "no"],
    [{ type: "number", minimum: 1, exclusiveMaximum: 1 }, S, "yes", "no"],
    [O({ a: false }, ["a"]), S, "yes", "no"],
    [A(false, { minItems: 1 }), S, "yes", "no"],
    [{ allOf: [S, I] }, false, "yes", "yes"],
    [{ enum: ["a"], type: "integer" }, false, "yes", "yes"],
  ],
  type: [
    [I, N, "yes", "no"],
    [S, I, "no", "no"],
    [S, { type: ["string", "null"] }, "yes", "no"],
    [{ type: ["integer", "string"] }, { type: ["string", "number", "null"] }, "yes", "no"],
    [{ type: "null" }, { const: null }, "yes", "yes"],
    [{ type: "boolean" }, { enum: [true, false] }, "yes", "yes"],
    [{ type: ["null", "boolean", "number", "string", "array", "object"] }, {}, "yes", "yes"],
    [{ type: "string", nullable: true }, { type: ["null", "string"] }, "yes", "yes"],
    [{ type: "object" }, { type: "array" }, "no", "no"],
  ],
  "enum, const": [
    [{ const: 1 }, I, "yes", "no"],
    [{ const: 1.5 }, I, "no", "no"],
    [{ const: 1 }, { enum: [1, 2] }, "yes", "no"],
    [{ enum: [1, 2] }, { enum: [2, 1] }, "yes", "yes"],
    [{ enum: ["a", "b"] }, S, "yes", "no"],
    [{ enum: ["a", 1] }, S, "no", "no"],
    [{ enum: ["a", 1], type: "string" }, S, "yes", "no"],
    [{ const: { a: 1, b: 2 } }, { const: { b: 2, a: 1 } }, "yes", "yes"],
    [{ const: { a: 1 } }, O({ a: I }, ["a"]), "yes", "no"],
    [{ const: { a: "x" } }, O({ a: I }), "no", "no"],
    [{ type: "integer", minimum: 1, maximum: 3 }, { enum: [1, 2, 3] }, "yes", "yes"],
    [{ type: "integer", minimum: 1, maximum: 4 }, { enum: [1, 2, 3] }, "no", "yes"],
    [{ const: 0 }, { const: -0 }, "yes", "yes"],
    [{ enum: ["2024-02-29"] }, { type: "string", format: "date" }, "yes", "no"],
    [{ enum: ["2024-02-30"] }, { type: "string", format: "date" }, "no", "no"],
    [{ enum: ["ab"] }, { type: "string", pattern: "^a" }, "yes", "no"],
  ],
  numbers: [
    [{ type: "integer", minimum: 2 }, { type: "integer", minimum: 1 }, "yes", "no"],
    [{ type: "number", maximum: 1 }, { type: "number", maximum: 2 }, "yes", "no"],
    [{ type: "number", exclusiveMinimum: 1 }, { type: "number", minimum: 1 }, "yes", "no"],
    [{ type: "number", exclusiveMaximum: 1 }, { type: "number", maximum: 1 }, "yes", "no"],
    [{ type: "integer", exclusiveMinimum: 0 }, { type: "integer", minimum: 1 }, "yes", "yes"],
    [{ type: "integer", minimum: 0.5 }, { type: "integer", minimum: 1 }, "yes", "yes"],
    [{ type: "number", minimum: 0.5 }, { type: "number", minimum: 1 }, "no", "yes"],
    [{ type: "integer", minimum: 0, maximum: 10 }, { type: "number", exclusiveMinimum: -1, exclusiveMaximum: 11 }, "yes", "no"],
    [{ type: "number", multipleOf: 4 }, { type: "number", multipleOf: 2 }, "yes", "no"],
    [{ type: "number", multipleOf: 2 }, I, "yes", "no"],
    [{ type: "number", multipleOf: 1 }, I, "yes", "yes"],
    [I, { type: "number", multipleOf: 0.5 }, "yes", "no"],
    [{ type: "number", multipleOf: 0.01 }, { type: "number", multipleOf: 0.01 }, "yes", "yes"],
    [{ type: "number", multipleOf: 0.2 }, { type: "number", multipleOf: 0.1 }, "yes", "no"],
    [{ type: "number", multipleOf: 0.3 }, { type: "number", multipleOf: 0.1 }, "unknown", "no"],
    [{ allOf: [{ type: "number", multipleOf: 2 }, { multipleOf: 3 }] }, { type: "number", multipleOf: 6 }, "yes", "yes"],
    [{ type: "integer", multipleOf: 3, minimum: 1, maximum: 2 }, false, "yes", "yes"],
    [{ minimum: 1 }, { anyOf: [{ minimum: 0 }, S] }, "yes", "no"],
    [{ type: "number", multipleOf: 3, minimum: 2 ** 54, maximum: 2 ** 54 + 8 }, { const: 2 ** 54 }, "no", "unknown"],
    [{ type: "integer", format: "int32" }, I, "yes", "no"],
    [{ type: "integer", format: "int64" }, I, "yes", "yes"],
    [{ type: "number", format: "double" }, N, "yes", "yes"],
    [{ type: "integer", minimum: 0, maximum: 9 }, { type: "integer", format: "int32" }, "yes", "no"],
  ],
  strings: [
    [{ type: "string", minLength: 2 }, { type: "string", minLength: 1 }, "yes", "no"],
    [{ type: "string", maxLength: 2 }, { type: "string", maxLength: 3 }, "yes", "no"],
    [{ type: "string", minLength: 0 }, S, "yes", "yes"],
    [{ type: "string", pattern: "^a" }, S, "yes", "no"],
    [{ type: "string", pattern: "^a" }, { type: "string", pattern: "^a" }, "yes", "yes"],
    [{ type: "string", pattern: "^a", maxLength: 5 }, { type: "string", pattern: "^a" }, "yes", "no"],
    [{ type: "string", pattern: "^ab" }, { type: "string", pattern: "^a" }, "unknown", "no"],
    [{ type: "string", pattern: "^[0-9]{3}$" }, I, "no", "no"],
    [{ type: "string", format: "date" }, S, "yes", "no"],
    [{ type: "string", format: "date" }, { type: "string", format: "date-time" }, "no", "no"],
    [{ type: "string", format: "uri" }, { type: "string", format: "uri-reference" }, "unknown", "no"],
    [{ type: "string", format: "nobody-knows" }, S, "yes", "yes"],
    [{ type: "string", pattern: "(" }, { type: "string", pattern: "^a" }, "unknown", "unknown"],
    [{ const: "\u{1f600}" }, { type: "string", maxLength: 1 }, "yes", "no"],
  ],
  objects: [
    [O({ a: S }, ["a"]), O({ a: S }), "yes", "no"],
    [O({ a: I }), O({ a: N }), "yes", "no"],
    [O({ a: S, b: S }), O({ a: S }), "yes", "no"],
    [O({ a: S }, [], closed), O({ a: S }), "yes", "no"],
    [O({ a: S }, [], closed), O({ a: S, b: I }, [], closed), "yes", "no"],
    [O({ a: S }, [], closed), O({ a: S, b: I }), "yes", "no"],
    [
      O({ a: S }, ["a"], { additionalProperties: I }),
      O({}, [], { additionalProperties: { type: ["string", "integer"] } }),
      "yes",
      "no",
    ],
    [O({}, [], { additionalProperties: S }), O({ a: S }), "yes", "no"],
    [O({}, [], { additionalProperties: S }), O({ a: I }), "no", "no"],
    [O({ a: S, b: S }, ["a", "b"]), { type: "object", minProperties: 2 }, "yes", "no"],
    [O({ a: S }, [], closed), { type: "object", maxProperties: 1 }, "yes", "no"],
    [{ type: "object", maxProperties: 2 }, { type: "object", maxProperties: 1 }, "no", "yes"],
    [{ type: "object", maxProperties: 0 }, O({ a: I }), "yes", "no"],
    [O({ a: false }), O({ a: S }), "yes", "no"],
    [{ type: "object", required: ["a"] }, { required: ["a"] }, "yes", "no"],
    [{ required: ["a"] }, { type: "object" }, "no", "no"],
    [O({ toString: S }), O({ a: S }), "unknown", "unknown"],
    [{ patternProperties: { "^a": S } }, { patternProperties: { "^a": S } }, "yes", "yes"],
    [{ type: "object", patternProperties: { "^a": S } }, { type: "object" }, "yes", "unknown"],
    [O({ a: S }, ["a"], { propertyNames: { maxLength: 3 } }), O({ a: S }), "yes", "no"],
    [O({ "a/b": O({ "~": S }) }), O({ "a/b": O({ "~": I }) }), "no", "no"],
  ],
  lists: [
    [A(I), A(N), "yes", "no"],
    [A(S, { minItems: 1 }), A(S), "yes", "no"],
    [A(S, { maxItems: 1 }), A(S, { maxItems: 2 }), "yes", "no"],
    [A(S, { uniqueItems: true }), A(S), "yes", "no"],
    [A(S, { maxItems: 1 }), A(S, { uniqueItems: true }), "yes", "no"],
    [{ type: "array", prefixItems: [S, I] }, { type: "array", prefixItems: [S] }, "yes", "no"],
    [{ type: "array", prefixItems: [S, I], items: false }, A({ type: ["string", "integer"] }), "yes", "no"],
    [{ type: "array", prefixItems: [S, I], items: false, minItems: 2 }, { type: "array", minItems: 2, maxItems: 2 }, "yes", "no"],
    [{ type: "array", prefixItems: [S], items: false }, { type: "array", maxItems: 1 }, "yes", "no"],
    [{ type: "array", prefixItems: [I, false] }, { type: "array", maxItems: 1, items: N }, "yes", "no"],
    [{ type: "array", items: [S, I], additionalItems: false }, A({ type: ["string", "integer"] }), "yes", "no"],
    [{ type: "array", maxItems: 0 }, A(S), "yes", "no"],
    [{ type: "array", maxItems: 0 }, { const: [] }, "unknown", "yes"],
    [A(S, { contains: { const: "a" } }), A(S), "yes", "no"],
    [A(S, { contains: { const: "a" } }), A(S, { contains: { const: "a" } }), "yes", "yes"],
  ],
  "anyOf, oneOf, allOf": [
    [{ anyOf: [S, I] }, { type: ["string", "integer"] }, "yes", "yes"],
    [{ anyOf: [S, I] }, { anyOf: [N, S] }, "yes", "no"],
    [S, { anyOf: [I, S] }, "yes", "no"],
    [{ oneOf: [S, I] }, { anyOf: [S, I] }, "yes", "yes"],
    [S, { oneOf: [S, I] }, "yes", "no"],
    [{ oneOf: [way("a", S), way("b", I)] }, { anyOf: [way("a", S), way("b", N)] }, "yes", "no"],
    [{ anyOf: [way("a", S), way("b", I)] }, { oneOf: [way("a", S), way("b", N)] }, "yes", "no"],
    [O({ tag: { enum: ["a", "b"] }, a: S }, ["tag", "a"]), { anyOf: [way("a", S), way("b", S)] }, "yes", "no"],
    [{ oneOf: [I, N] }, N, "yes", "no"],
    [{ oneOf: [I, N] }, { oneOf: [I, N] }, "yes", "yes"],
    [{ allOf: [O({ a: S }), O({ b: I })] }, O({ a: S, b: I }), "yes", "yes"],
    [{ allOf: [O({ a: S }, [], closed), O({ b: I })] }, O({ a: S }, [], closed), "yes", "yes"],
    [{ type: "string", allOf: [{ minLength: 2 }, { maxLength: 3 }] }, { type: "string", minLength: 2 }, "yes", "no"],
    [
      { type: "integer", minimum: 0, maximum: 10 },
      {
        anyOf: [
          { type: "integer", maximum: 5 },
          { type: "integer", minimum: 6 },
        ],
      },
      "yes",
      "no",
    ],
    [{ type: "number", minimum: 0, maximum: 10 }, { anyOf: [{ maximum: 5 }, { minimum: 6 }] }, "no", "no"],
    [
      S,
      {
        anyOf: [
          { type: "string", maxLength: 3 },
          { type: "string", minLength: 4 },
        ],
      },
      "yes",
      "yes",
    ],
    [A({ type: ["string", "integer"] }), { anyOf: [A(S), A(I)] }, "no", "yes"],
    [O({ a: S }), { anyOf: [O({ a: S }, ["a"]), O({ a: false })] }, "yes", "yes"],
    [O({ a: { anyOf: [S, I] } }), { anyOf: [O({ a: S }), O({ a: I })] }, "yes", "yes"],
  ],
  $ref: [
    [{ $defs, $ref: "#/$defs/name" }, S, "yes", "yes"],
    [{ definitions: { "a/b": S }, $ref: "#/definitions/a~1b" }, S, "yes", "yes"],
    [{ $defs, $ref: "#/$defs/tree" }, { $defs, $ref: "#/$defs/tree" }, "yes", "yes"],
    [{ $defs, $ref: "#/$defs/tree" }, { type: "array" }, "yes", "no"],
    [listOf(I), listOf(N), "yes", "no"],
    [listOf(I), listOf(S), "no", "no"],
    [{ $ref: "#/$defs/missing" }, S, "unknown", "unknown"],
    [{ $ref: "#" }, S, "unknown", "unknown"],
    [{ $ref: "https://example.com/schema" }, S, "unknown", "unknown"],
  ],
  "notes, and what is not compared": [
    [{ type: "string", title: "a", description: "b", default: 1, examples: [2], "x-more": {} }, S, "yes", "yes"],
    [{ type: "integer", not: { const: 1 } }, I, "yes", "no"],
    [{ type: "integer", not: { const: 1 } }, { type: "integer", not: { const: 1 } }, "yes", "yes"],
    [{ type: "integer", not: { const: 1 } }, { type: "integer", not: { const: 2 } }, "no", "no"],
    [{ if: S, then: { minLength: 1 } }, {}, "yes", "no"],
    [{ type: "array", unevaluatedItems: false }, { type: "array" }, "yes", "unknown"],
    [{ type: "sandwich" }, S, "unknown", "unknown"],
    [{ type: "number", exclusiveMinimum: true }, N, "unknown", "unknown"],
  ],
};

const shown = (a: unknown, b: unknown) => `${JSON.stringify(a)} in ${JSON.stringify(b)}`;

for (const [name, rows] of Object.entries(TABLE))
  test(`pairs with a known answer: ${name}`, () => {
    for (const [a, b, there, back] of rows) {
      assert.equal(containment(a, b).kind, there, shown(a, b));
      assert.equal(containment(b, a).kind, back, shown(b, a));
    }
  });

test("the table says what validators say (1)", () => {
  for (const [a, b] of Object.values(TABLE).flat())
    for (const [one, other] of [[a, b] as const, [b, a] as const]) {
      const found = containment(one, other);
      if (found.kind === "no") assertRefuted(one, other, found.counterexample);
    }
  assert.ok(Object.values(TABLE).flat().length >= 120);
});

function assertRefuted(a: Written, b: Written, value: Json | undefined): void {
  if (Array.isArray((a as JsonSchema).items) || Array.isArray((b as JsonSchema).items)) return; // of another draft
  assert.ok(value !== undefined, shown(a, b));
  assert.ok(isValid(a, value), `${shown(a, b)}: ${JSON.stringify(value)} is not in the first`);
  assert.ok(!isValid(b, value), `${shown(a, b)}: ${JSON.stringify(value)} is in the second`);
}

test("a no says where and why, with a value that shows it (1)", () => {
  const a = O({ price: O({ amount: N }, ["amount"]) }, ["price"]);
  const b = O({ price: O({ amount: { type: "number", minimum: 0 } }, ["amount"]) }, ["price"]);
  assert.deepEqual(containment(a, b), {
    kind: "no",
    where: "/price/amount",
    why: "may be lower than 0",
    counterexample: { price: { amount: -1 } },
  });
  const missing = containment(O({ a: S }), O({ a: S }, ["a"]));
  assert.deepEqual(missing, { kind: "no", where: "/a", why: "may be missing", counterexample: {} });
  const found = containment(A(O({ "a/b": S })), A(O({ "a/b": I })));
  assert.equal(found.kind === "no" && found.where, "/*/a~1b");
});

test("the formats that assert something are those of the validator", () => {
  const require = createRequire(import.meta.url);
  const { fullFormats } = require("ajv-formats/dist/formats.js") as { fullFormats: Record<string, unknown> };
  const asserting = Object.entries(fullFormats).filter(
    ([, one]) => one !== true && !(typeof one === "object" && one !== null && "type" in one),
  );
  assert.deepEqual(asserting.map(([name]) => name).toSorted(), [...TEXT_FORMATS].toSorted());
});

// ── Laws ──

test("a schema is within itself, however it is written down", () => {
  fc.assert(
    fc.property(schemas, (schema) => {
      assert.equal(containment(schema, schema).kind, "yes");
      assert.notEqual(containment(schema, JSON.parse(JSON.stringify({ ...schema, title: "copy" })) as JsonSchema).kind, "no");
    }),
    { numRuns: SOAK || 300 },
  );
});

test("what is within what is within a third, is within the third", () => {
  let [chains, decided] = [0, 0];
  fc.assert(
    fc.property(pairs, schemas, ([a, b], other) => {
      const c = { anyOf: [other, b] };
      if (containment(a, b).kind !== "yes" || containment(b, c).kind !== "yes") return;
      const { kind } = containment(a, c);
      assert.notEqual(kind, "no");
      chains++;
      if (kind === "yes") decided++;
    }),
    { numRuns: SOAK || 300 },
  );
  assert.ok(decided >= 0.98 * chains, `${decided} of ${chains}`);
});

/** How often each answer was given, each looked at by a validator. */
function tally(of: typeof pairs, numRuns: number): Record<"yes" | "no" | "unknown", number> {
  const tallied = { yes: 0, no: 0, unknown: 0 };
  fc.assert(
    fc.property(of, fc.nat(), ([a, b], seed) => {
      const found = containment(a, b);
      tallied[found.kind]++;
      if (found.kind === "no") assertRefuted(a, b, found.counterexample);
      if (found.kind === "yes") assertNotRefuted(a, b, seed);
    }),
    { numRuns },
  );
  return tallied;
}

function assertNotRefuted(a: JsonSchema, b: JsonSchema, seed: number): void {
  const values = valuesFor(a, seed, 16);
  const inA = values.filter((value) => isValid(a, value));
  for (const value of inA) assert.ok(isValid(b, value), `${shown(a, b)}: ${JSON.stringify(value)}`);
}

test("no answer is refuted by values, and nearly all pairs are decided (1)", (context) => {
  const { yes, no, unknown } = tally(pairs, SOAK || 1_100);
  const share = (yes + no) / (yes + no + unknown);
  context.diagnostic(`${(100 * share).toFixed(1)} % decided: ${yes} yes, ${no} no, ${unknown} unknown`);
  assert.ok(share >= 0.9, `${share} decided`);
});

test("no answer is refuted where keywords are used that are not compared, and schemas that need themselves (1, 2)", (context) => {
  const { yes, no, unknown } = tally(wildPairs, SOAK || 400);
  context.diagnostic(`${yes} yes, ${no} no, ${unknown} unknown`);
});

// ── Attacks (3) ──

function doubling(levels: number, leaf: JsonSchema, keyword: "anyOf" | "allOf" | "oneOf"): JsonSchema {
  const defs: Record<string, JsonSchema> = { d0: leaf };
  for (let at = 1; at <= levels; at++) {
    const below = { $ref: `#/$defs/d${at - 1}` };
    defs[`d${at}`] = { [keyword]: ["x", "y"].map((name) => O({ [name]: below }, [name])) };
  }
  return { $defs: defs, $ref: `#/$defs/d${levels}` };
}

test("schemas that double with every level are given up on, with the limit's name (3)", () => {
  for (const keyword of ["anyOf", "allOf", "oneOf"] as const) {
    const found = containment(doubling(60, S, keyword), doubling(60, I, keyword));
    if (found.kind === "unknown") assert.match(found.why, /_MAX: \d+/);
  }
  const wide = (type: string): JsonSchema => ({
    allOf: Array.from({ length: 12 }, (_, at) => ({ anyOf: [O({}, [`x${at}`]), O({ [`y${at}`]: { type } })] })),
  });
  const found = containment(wide("string"), wide("integer"));
  assert.equal(found.kind, "unknown");
});

test("what is too large, too deep, or no JSON is not looked at (3)", () => {
  const deep = Array.from({ length: 100_000 }).reduce<JsonSchema>((inner) => ({ not: inner }), S);
  const large = { enum: Array.from({ length: SCHEMA_VALUES_MAX }, (_, at) => at) };
  const around: Record<string, unknown> = {};
  around.not = around;
  for (const [schema, why] of [
    [deep, new RegExp(`SCHEMA_DEPTH_MAX|${SCHEMA_DEPTH_MAX}`)],
    [large, /SCHEMA_VALUES_MAX/],
    [{ title: "x".repeat(1_000_000) }, /SCHEMA_LETTERS_MAX/],
    [around, /SCHEMA_DEPTH_MAX/],
    [null, /neither an object/],
    ["string", /neither an object/],
    [{ minimum: Number.NaN }, /not JSON/],
    [{ enum: [undefined] }, /not JSON/],
  ] as const) {
    for (const found of [containment(schema as JsonSchema, S), containment(S, schema as JsonSchema)]) {
      assert.equal(found.kind, "unknown");
      assert.match(found.kind === "unknown" ? found.why : "", why);
    }
  }
});

test("whatever stands where a schema is wanted, it does not throw (3)", () => {
  const words = [
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "items",
    "anyOf",
    "allOf",
    "oneOf",
    "not",
    "$ref",
    "pattern",
    "format",
  ];
  const junk = fc.jsonValue({ maxDepth: 3 });
  const odd = fc.dictionary(
    fc.constantFrom(...words, "minimum", "multipleOf", "minItems", "maxLength", "if", "$defs", "$id"),
    junk,
  );
  fc.assert(
    fc.property(odd, odd, (a, b) => {
      assert.ok(["yes", "no", "unknown"].includes(containment(a as JsonSchema, b as JsonSchema).kind));
    }),
    { numRuns: SOAK || 300 },
  );
});
