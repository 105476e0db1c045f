// Who fits a task, and how well (numbers: match.ts).

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pairs, schemas } from "../../test/schemas.ts";
import type { JsonSchema } from "../workflow.ts";
import { DEGREES, type MatchRequest, match, matchAll, type Offer, tagRelation } from "./match.ts";

const SOAK = Number(process.env.SOAK ?? 0);
fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const topic: JsonSchema = {
  type: "object",
  properties: { topic: { type: "string" } },
  required: ["topic"],
  additionalProperties: false,
};
const anyTopic: JsonSchema = { type: "object", properties: { topic: { type: "string" }, tone: { type: "string" } } };
const text: JsonSchema = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };
const shortText: JsonSchema = { type: "object", properties: { text: { type: "string", maxLength: 100 } }, required: ["text"] };

const brief: MatchRequest = { capability: "write.brief", input: { schema: topic }, output: text };
const offering = (more: Partial<Offer> = {}): Offer => ({ capabilities: ["write.brief"], input: topic, output: text, ...more });
const without = (field: "input" | "output"): Offer =>
  Object.fromEntries(Object.entries(offering()).filter(([name]) => name !== field)) as unknown as Offer;

test("capabilities are a tree by dots, and the nearest that is declared counts", () => {
  for (const [declared, relation] of [
    [["write.brief"], "same"],
    [["write"], "plugin"],
    [["write.brief.legal"], "subsume"],
    [["write.briefing"], "no"],
    [["writ"], "no"],
    [["write.brief."], "subsume"],
    [[""], "no"],
    [[], "no"],
    [["write.brief.legal", "write"], "plugin"],
    [["write", "write.brief"], "same"],
  ] as const)
    assert.equal(tagRelation("write.brief", declared), relation, String(declared));
});

test("each degree has its story (2)", () => {
  const tone: JsonSchema = { ...anyTopic, required: ["topic", "tone"] };
  for (const [offer, degree, reason] of [
    [offering(), "exact", undefined],
    [offering({ input: anyTopic }), "compatible", /takes all that the task may give/],
    [offering({ output: shortText }), "compatible", /All that it gives is wanted/],
    [offering({ capabilities: ["write"] }), "compatible", /a wider capability than write.brief/],
    [offering({ input: tone }), "no", /^Its input at \/tone does not fit: what the task gives may be missing\.$/],
    [offering({ output: { type: "string" } }), "guarded", /^Its output does not fit: what it gives may be of type string/],
    [offering({ output: { ...text, required: [] } }), "guarded", /at \/text .* may be missing\. Each output is to be checked\.$/],
    [without("output"), "guarded", /does not say what it gives/],
    [without("input"), "compatible", /takes all/],
    [offering({ capabilities: ["write.brief.legal"] }), "no", /only a part of write.brief, which is not allowed here/],
    [offering({ capabilities: ["read"] }), "no", /does not declare write.brief/],
  ] as const) {
    const found = match(brief, offer);
    assert.equal(found.degree, degree, JSON.stringify(offer));
    if (reason === undefined) assert.deepEqual(found.reasons, []);
    else assert.match(found.reasons.join(" "), reason);
  }
});

test("who can only a part is asked where that is allowed, with a guard", () => {
  const found = match({ ...brief, allowsNarrower: true }, offering({ capabilities: ["write.brief.legal"] }));
  assert.deepEqual(found, {
    tags: "subsume",
    degree: "guarded",
    reasons: ["It declares only a part of write.brief, which is allowed here."],
  });
});

test("one value is decided by looking at it", () => {
  const asked: MatchRequest = { capability: "write.brief", input: { value: { topic: "owls" } } };
  assert.equal(match(asked, offering({ input: { ...topic, not: { required: ["x"] } } })).degree, "compatible");
  const refused = match(asked, offering({ input: { type: "object", properties: { topic: { type: "integer" } } } }));
  assert.equal(refused.degree, "no");
  assert.match(refused.reasons.join(" "), /^Its input is not what the task gives: \/topic must be integer\.$/);
});

test("nothing that a stranger declares makes it throw (1)", () => {
  const odd = [null, 1, "x", [], { type: "sandwich" }, { $ref: "#/nowhere" }, { pattern: "(" }, { minimum: "1" }];
  for (const schema of odd as unknown as JsonSchema[]) {
    assert.equal(match(brief, offering({ input: schema })).degree, "no");
    assert.equal(match(brief, offering({ output: schema })).degree, "guarded");
    assert.equal(match({ ...brief, input: { value: 1 } }, offering({ input: schema })).degree, "no");
  }
  for (const capabilities of [null, "write.brief", [null], [{}]] as unknown as string[][])
    assert.equal(match(brief, offering({ capabilities })).degree, "no");
});

test("candidates are ranked by degree, and equals stay as they stood", () => {
  const named = (name: string, more: Partial<Offer> = {}) => ({ ...offering(more), name });
  const all = [
    named("guarded", { output: true }),
    named("first", { input: anyTopic }),
    named("no", { capabilities: [] }),
    named("exact"),
    named("second", { input: anyTopic }),
  ];
  assert.deepEqual(
    matchAll(brief, all).map(({ candidate, degree }) => `${candidate.name}: ${degree}`),
    ["exact: exact", "first: compatible", "second: compatible", "guarded: guarded", "no: no"],
  );
});

// ── Laws ──

const usable = (degree: (typeof DEGREES)[number]) => Math.max(DEGREES.indexOf(degree), DEGREES.indexOf("compatible"));

test("who takes more, or gives less, is of no lesser degree for it (3)", () => {
  fc.assert(
    fc.property(pairs, pairs, schemas, ([given, taken], [gives, wanted], other) => {
      const request: MatchRequest = { capability: "a", input: { schema: given }, output: wanted };
      const before = match(request, { capabilities: ["a"], input: taken, output: gives }).degree;
      const wider = match(request, { capabilities: ["a"], input: { anyOf: [taken, other] }, output: gives }).degree;
      const narrower = match(request, { capabilities: ["a"], input: taken, output: { allOf: [gives, other] } }).degree;
      assert.ok(usable(wider) <= usable(before), `wider: ${before}, then ${wider}`);
      assert.ok(usable(narrower) <= usable(before), `narrower: ${before}, then ${narrower}`);
    }),
    { numRuns: SOAK || 60 },
  );
});

test("who takes and gives what is asked for fits exactly, and each degree but that says why (4)", () => {
  fc.assert(
    fc.property(schemas, schemas, schemas, (a, b, c) => {
      const request: MatchRequest = { capability: "a", input: { schema: a }, output: b };
      assert.equal(match(request, { capabilities: ["a"], input: a, output: b }).degree, "exact");
      const found = match(request, { capabilities: ["a"], input: a, output: c });
      assert.equal(found.reasons.length > 0, found.degree !== "exact");
    }),
    { numRuns: SOAK || 60 },
  );
});
