import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { spdxTexts } from "./corpus.ts";
import { findSpdxId } from "./declared.ts";
import { EXCEPTION_IDS } from "./exceptions.ts";
import { type Expression, licencesIn, readExpression, writeExpression, writeLicence } from "./expression.ts";

function read(text: string): Expression {
  const result = readExpression(text, findSpdxId);
  assert.ok(result.ok, `${text}: ${result.ok ? "" : result.why}`);
  return result.expression;
}

function refusal(text: string): string {
  const result = readExpression(text, findSpdxId);
  assert.ok(!result.ok, text);
  return result.why;
}

const licences = fc.record(
  {
    kind: fc.constant("licence" as const),
    id: fc.constantFrom(
      ...Object.keys(spdxTexts()).filter((id) => !id.endsWith("+")),
      "LicenseRef-Kiln-1.0",
      "DocumentRef-spdx-tool:LicenseRef-1",
    ),
    plus: fc.constant(false),
    exception: fc.option(fc.constantFrom(...EXCEPTION_IDS.values()), { nil: null }),
  },
  { noNullPrototype: true },
);

const expressions = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 5 },
    licences,
    fc.record(
      { kind: fc.constantFrom("and" as const, "or" as const), left: tie("expression"), right: tie("expression") },
      { noNullPrototype: true },
    ),
  ),
})).expression;

test("what is written out is read back as the same expression (E1)", () => {
  fc.assert(fc.property(expressions, (expression) => assert.deepEqual(read(writeExpression(expression)), expression)));
});

test("reading any text gives an expression or a sentence, and never throws (E2)", () => {
  const pieces = fc.constantFrom(
    "MIT",
    "AND",
    "OR",
    "WITH",
    "(",
    ")",
    "+",
    "Apache-2.0",
    "GPL-2.0+",
    "nope",
    "LicenseRef-x",
    "Classpath-exception-2.0",
    "and",
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(" ")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const result = readExpression(text, findSpdxId);
      if (!result.ok) assert.ok(result.why.length > 0);
      else assert.deepEqual(read(writeExpression(result.expression)), result.expression);
    }),
  );
});

test("AND binds closer than OR, and parentheses closer than both", () => {
  assert.equal(writeExpression(read("MIT OR ISC AND Zlib")), "MIT OR ISC AND Zlib");
  assert.equal(read("MIT OR ISC AND Zlib").kind, "or");
  assert.equal(writeExpression(read("(MIT OR ISC) AND Zlib")), "(MIT OR ISC) AND Zlib");
  assert.equal(writeExpression(read("((MIT))")), "MIT");
});

test("exceptions and later versions belong to their licence", () => {
  const [first, second] = licencesIn(read("GPL-2.0-only WITH Classpath-exception-2.0 OR Apache-1.1+"));
  assert.equal(first?.exception, "Classpath-exception-2.0");
  assert.equal(second?.plus, true);
  assert.equal(second === undefined ? "" : writeLicence(second), "Apache-1.1+");
});

test("ids and operators in other case are read, with a remark (E3)", () => {
  const result = readExpression("mit or APACHE-2.0", findSpdxId);
  assert.ok(result.ok);
  assert.equal(writeExpression(result.expression), "MIT OR Apache-2.0");
  assert.equal(result.remarks.length, 3);
});

test("an invalid expression says what is wrong and where", () => {
  assert.match(refusal(""), /empty/);
  assert.match(refusal("MIT OR"), /ends where a licence is wanted/);
  assert.match(refusal("MIT ISC"), /“ISC” at column 5 does not belong there/);
  assert.match(refusal("(MIT"), /parenthesis at column 1 is not closed/);
  assert.match(refusal("Apache 2.0"), /“Apache” at column 1 is no SPDX licence id/);
  assert.match(refusal("AND MIT"), /column 1, not “AND”/);
  assert.match(refusal("MIT WITH Kindness"), /“Kindness” at column 10 is no SPDX licence exception/);
  assert.match(refusal("(".repeat(40)), /nested deeper/);
  assert.match(refusal("x".repeat(3_000)), /the limit is/);
});
