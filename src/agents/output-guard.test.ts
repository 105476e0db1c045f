// What an agent gave is checked (numbers: output-guard.ts, labour.ts).

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../base/json.ts";
import type { JsonSchema } from "../workflow.ts";
import { labourOf, workOf } from "./labour.ts";
import { GUARD_ISSUES_MAX, type GuardedOutput, type OutputGuard, outputGuard, URL_TEXT_MAX } from "./output-guard.ts";

const text: JsonSchema = { type: "object", properties: { text: { type: "string", maxLength: 5 } }, required: ["text"] };

function guardOf(output: GuardedOutput): OutputGuard {
  const made = outputGuard(output);
  assert.ok(made.kind === "guard", made.kind === "refused" ? made.why : "");
  return made.guard;
}

function whyRefused(wanted: JsonSchema): string {
  const made = outputGuard({ wanted });
  return made.kind === "refused" ? made.why : "";
}

const issuesOf = (guard: OutputGuard, value: unknown) => {
  const result = guard.check(value);
  return result.ok ? [] : result.issues;
};

test("what is wanted passes as it is; what is not is told with places and words (1)", () => {
  const guard = guardOf({ wanted: text });
  assert.deepEqual(guard.check({ text: "owls", more: 1 }), { ok: true, value: { text: "owls", more: 1 } });
  assert.deepEqual(issuesOf(guard, { text: "too long" }), [{ at: "/text", message: "must NOT have more than 5 characters" }]);
  assert.deepEqual(issuesOf(guard, {}), [{ at: "", message: "must have required property 'text'" }]);
  assert.equal(
    issuesOf(guardOf({ wanted: { type: "array", items: { type: "string" } } }), Array(500).fill(1)).length,
    GUARD_ISSUES_MAX,
  );
});

test("defaults are not filled in: what is missing is missing", () => {
  const wanted = { type: "object", properties: { n: { type: "integer", default: 1 } }, required: ["n"] };
  assert.equal(guardOf({ wanted }).check({}).ok, false);
});

test("what was declared holds too, and is passed over where it cannot be run (1)", () => {
  const declared = { type: "object", required: ["sources"] };
  assert.equal(guardOf({ wanted: text, declared }).check({ text: "owls" }).ok, false);
  const made = outputGuard({ wanted: text, declared: { type: "sandwich" } });
  assert.ok(made.kind === "guard" && made.guard.check({ text: "owls" }).ok);
  assert.match(made.passedOver ?? "", /The output declared is not a valid JSON Schema/);
});

test("what is no JSON, too deep or too large is an issue, not a crash (2)", () => {
  const guard = guardOf({ wanted: true });
  for (const value of [() => 1, { at: Number.NaN }, [undefined], new Map(), 1n]) assert.equal(guard.check(value).ok, false);
  const deep = Array.from({ length: 10_000 }).reduce<Json>((inner) => [inner], null);
  assert.match(issuesOf(guard, deep)[0]?.message ?? "", /nested deeper than 64/);
  assert.match(issuesOf(guard, "x".repeat(9_000_000))[0]?.message ?? "", /the limit is/);
});

test("a schema that cannot be run is refused in words (2)", () => {
  assert.match(whyRefused({ type: "sandwich" }), /not a valid JSON Schema/);
  assert.match(whyRefused({ pattern: "(a)\\1" }), /not a valid JSON Schema/);
  assert.match(whyRefused({ $ref: "https://example.com/x" }), /leads nowhere known/);
  assert.match(whyRefused({ $dynamicRef: "#x" }), /nobody knows/);
  assert.match(whyRefused({ $defs: { a: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" }), /leads back to itself/);
});

test("patterns that backtrack for ever elsewhere end here (3)", () => {
  const guard = guardOf({ wanted: { type: "string", pattern: "^(a+)+$" } });
  assert.equal(guard.check(`${"a".repeat(50_000)}!`).ok, false);
});

test("patterns that are large are refused, and long texts are not shown to middling ones (3)", () => {
  assert.match(whyRefused({ pattern: "(x{1000})".repeat(300) }), /PATTERN_SIZE_MAX/);
  const guard = guardOf({ wanted: { type: "string", pattern: `^${"(a|aa){0,900}".repeat(10)}b` } });
  assert.match(issuesOf(guard, "a".repeat(1_000_000))[0]?.message ?? "", /GUARD_WORK_MAX/);
  assert.ok(guardOf({ wanted: { type: "string", pattern: "^[a-z ]+$" } }).check("owls ".repeat(100_000)).ok);
});

test("where urls are asked for, long texts are not looked at (3)", () => {
  const guard = guardOf({ wanted: { type: "array", items: { type: "string", format: "url" } } });
  assert.ok(guard.check(["https://example.com/a"]).ok);
  const [issue] = issuesOf(guard, ["https://example.com", `http://${":".repeat(URL_TEXT_MAX)}`]);
  assert.equal(issue?.at, "/1");
  assert.match(issue?.message ?? "", /URL_TEXT_MAX/);
});

test("references that double with every level are refused before they are compiled (3)", () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [`d${at + 1}`, { allOf: [0, 1].map(() => ({ $ref: `#/$defs/d${at}` })) }]),
  );
  assert.match(whyRefused({ $defs: { ...$defs, d0: { type: "string" } }, $ref: "#/$defs/d40" }), /VISITS_MAX/);
});

const selfNeeding = (of: JsonSchema): JsonSchema => ({ $defs: { t: of }, $ref: "#/$defs/t" });
const again = { $ref: "#/$defs/t" };

test("lists, trees and JSON itself need themselves once for each member (labour 1)", () => {
  for (const schema of [
    selfNeeding({ type: "object", properties: { next: again } }),
    selfNeeding({ type: "object", properties: { left: again, right: again } }),
    selfNeeding({
      anyOf: [{ type: "string" }, { type: "array", items: again }, { type: "object", additionalProperties: again }],
    }),
    selfNeeding({ type: "object", properties: { children: { type: "array", items: again } } }),
  ]) {
    const labour = labourOf(schema);
    assert.equal(typeof labour === "string" ? labour : labour.ways, 1, JSON.stringify(schema));
  }
});

test("what needs itself twice for one member is counted with every level, and stopped (3, labour 1)", () => {
  const twice = selfNeeding({
    anyOf: [{ type: "string" }, ...[1, 2].map(() => ({ properties: { x: again }, required: ["x"] }))],
  });
  const mixed = selfNeeding({ properties: { x: { allOf: [again, { properties: { x: again } }] } } });
  const levels = (depth: number) => Array.from({ length: depth }).reduce<Json>((inner) => ({ x: inner }), 1);
  for (const schema of [twice, mixed]) {
    const labour = labourOf(schema);
    assert.ok(typeof labour !== "string" && labour.ways === 2 && workOf(labour, levels(60)) > 2 ** 60);
    assert.match(issuesOf(guardOf({ wanted: schema }), levels(60))[0]?.message ?? "", /GUARD_WORK_MAX/);
  }
  assert.ok(guardOf({ wanted: mixed }).check(levels(5)).ok);
});

test("lists whose items must differ are compared while they are short (3)", () => {
  const guard = guardOf({ wanted: { type: "array", uniqueItems: true } });
  assert.ok(guard.check(Array.from({ length: 2_000 }, (_, at) => ({ at }))).ok);
  assert.equal(guard.check([{ a: 1 }, { a: 1 }]).ok, false);
  const [issue] = issuesOf(
    guard,
    Array.from({ length: 100_000 }, (_, at) => ({ at })),
  );
  assert.match(issue?.message ?? "", /GUARD_WORK_MAX/);
});

test("whatever stands where a schema is wanted, a guard is made or refused (2)", () => {
  const words = [
    "type",
    "enum",
    "properties",
    "items",
    "anyOf",
    "allOf",
    "not",
    "$ref",
    "pattern",
    "format",
    "if",
    "dependencies",
  ];
  const odd = fc.dictionary(fc.constantFrom(...words, "$id", "id", "$dynamicRef", "uniqueItems"), fc.jsonValue({ maxDepth: 2 }));
  fc.assert(
    fc.property(odd, fc.jsonValue(), (wanted, value) => {
      const made = outputGuard({ wanted: wanted as JsonSchema });
      if (made.kind === "guard") assert.equal(typeof made.guard.check(value).ok, "boolean");
      else assert.ok(made.why.length > 0);
    }),
    { numRuns: 200 },
  );
});
