import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readDeclared } from "./declared.ts";
import { writeExpression } from "./expression.ts";

function expressionIn(manifest: unknown): string {
  const declared = readDeclared(manifest);
  assert.equal(declared.kind, "expression", JSON.stringify(manifest));
  return declared.kind === "expression" ? writeExpression(declared.expression) : "";
}

test("a valid expression is taken as it is, without remarks", () => {
  assert.equal(expressionIn({ license: "(MIT OR Apache-2.0)" }), "MIT OR Apache-2.0");
  assert.deepEqual(readDeclared({ license: "MIT" }).remarks, []);
});

test("the old forms are read, with a remark", () => {
  assert.equal(expressionIn({ license: { type: "MIT", url: "https://example.org" } }), "MIT");
  assert.equal(expressionIn({ licenses: [{ type: "MIT" }, { type: "Apache-2.0" }] }), "MIT OR Apache-2.0");
  assert.equal(expressionIn({ licenses: ["ISC"] }), "ISC");
  assert.equal(expressionIn({ license: ["MIT", "ISC"] }), "MIT OR ISC");
  assert.match(readDeclared({ licenses: ["ISC"] }).remarks.join(), /old form/);
  assert.match(
    readDeclared({ license: "GPL-2.0" }).remarks.join(),
    /GPL-2.0 is a deprecated id; today it is written GPL-2.0-only/,
  );
});

test("a file, all rights reserved, and nothing are told apart", () => {
  const file = readDeclared({ license: "SEE LICENSE IN <TERMS.md>" });
  assert.ok(file.kind === "file" && file.file === "TERMS.md");
  assert.equal(readDeclared({ license: "UNLICENSED" }).kind, "proprietary");
  assert.equal(readDeclared({ license: "Unlicense" }).kind, "expression");
  assert.equal(readDeclared({}).kind, "nothing");
  assert.equal(readDeclared({ license: " " }).kind, "nothing");
  assert.equal(readDeclared(null).kind, "nothing");
});

test("what is no expression is invalid, with what its writer may have meant", () => {
  const meant = (license: unknown): readonly string[] => {
    const declared = readDeclared({ license });
    assert.equal(declared.kind, "invalid");
    return declared.kind === "invalid" ? declared.meant : [];
  };
  assert.deepEqual(meant("Apache 2.0"), ["Apache-2.0"]);
  assert.deepEqual(meant("The MIT License"), ["MIT"]);
  assert.deepEqual(meant("New BSD"), ["BSD-3-Clause"]);
  assert.ok(meant("BSD").includes("BSD-2-Clause"));
  assert.deepEqual(meant("GPLv3"), ["GPL-3.0-only", "GPL-3.0-or-later"]);
  assert.deepEqual(meant("our own terms"), []);
  assert.deepEqual(meant(42), []);
});

test("nothing a manifest may hold makes reading fail", () => {
  const manifests = fc.oneof(fc.record({ license: fc.jsonValue() }), fc.record({ licenses: fc.jsonValue() }), fc.jsonValue());
  fc.assert(fc.property(manifests, (manifest) => typeof readDeclared(manifest).kind === "string"));
});
