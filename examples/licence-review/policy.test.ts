import assert from "node:assert/strict";
import { test } from "node:test";
import { spdxTexts } from "./corpus.ts";
import { findSpdxId } from "./declared.ts";
import { readExpression } from "./expression.ts";
import {
  categoryOf,
  judgeExpression,
  judgeUnlicensed,
  loadPolicy,
  type Policy,
  policyExceptionFor,
  readPolicy,
  type Verdict,
} from "./policy.ts";

function verdict(policy: Policy, text: string): Verdict {
  const read = readExpression(text, findSpdxId);
  assert.ok(read.ok, text);
  return judgeExpression(policy, read.expression).verdict;
}

function policyOf(fields: object): Policy {
  return readPolicy(JSON.stringify(fields), "team/policy.json");
}

test("the default policy allows permissive licences, asks about weak copyleft and denies strong copyleft", async () => {
  const { policy } = await loadPolicy(undefined);
  for (const id of ["MIT", "ISC", "Apache-2.0", "BSD-3-Clause", "0BSD", "CC0-1.0", "CC-BY-4.0"])
    assert.equal(verdict(policy, id), "allow", id);
  for (const id of ["MPL-2.0", "LGPL-2.1-or-later", "EPL-2.0", "OFL-1.1", "WTFPL", "LicenseRef-Own"])
    assert.equal(verdict(policy, id), "ask", id);
  for (const id of ["GPL-2.0", "GPL-3.0-or-later", "AGPL-3.0-only", "SSPL-1.0", "JSON", "CC-BY-NC-4.0"])
    assert.equal(verdict(policy, id), "deny", id);
  assert.equal(judgeUnlicensed(policy).verdict, "deny");
});

test("OR is as good as its best branch, AND as bad as its worst (P2)", () => {
  const policy = policyOf({ allow: ["MIT"], deny: ["GPL-3.0-only"], otherwise: "ask" });
  assert.equal(verdict(policy, "MIT OR GPL-3.0-only"), "allow");
  assert.equal(verdict(policy, "GPL-3.0-only OR ISC"), "ask");
  assert.equal(verdict(policy, "MIT AND GPL-3.0-only"), "deny");
  assert.equal(verdict(policy, "MIT AND ISC"), "ask");
  assert.equal(verdict(policy, "MIT AND (GPL-3.0-only OR MIT)"), "allow");
});

test("the most exact entry counts (P1)", () => {
  const policy = policyOf({
    deny: ["category:strong-copyleft"],
    ask: ["GPL-2.0-only"],
    allow: ["GPL-2.0-only WITH Classpath-exception-2.0"],
  });
  assert.equal(verdict(policy, "GPL-2.0-only WITH Classpath-exception-2.0"), "allow");
  assert.equal(verdict(policy, "GPL-2.0-only"), "ask");
  assert.equal(verdict(policy, "GPL-2.0-only WITH Font-exception-2.0"), "ask");
  assert.equal(verdict(policy, "GPL-3.0-only"), "deny");
});

test("exceptions are for a package, or for one version of it", () => {
  const policy = policyOf({
    exceptions: [
      { package: "@kiln/gate@1.2.3", licence: "MIT", reason: "asked the author" },
      { package: "amber", reason: "ours" },
    ],
  });
  assert.equal(policyExceptionFor(policy, "@kiln/gate", "1.2.3")?.licence, "MIT");
  assert.equal(policyExceptionFor(policy, "@kiln/gate", "1.2.4"), null);
  assert.equal(policyExceptionFor(policy, "amber", "9.9.9")?.reason, "ours");
});

test("a wrong policy file is an error that names the file and the place (P3)", async () => {
  const wrong: readonly (readonly [text: string, message: RegExp])[] = [
    ["{", /team\/policy\.json is wrong: it is not JSON/],
    ["[]", /team\/policy\.json is wrong: an object is wanted/],
    ['{"alow": []}', /at \/alow: there is no such field; known are allow/],
    ['{"allow": "MIT"}', /at \/allow: a list is wanted/],
    ['{"allow": ["MIT", "Nope-1.0"]}', /at \/allow\/1: “Nope-1.0” at column 1 is no SPDX licence id/],
    ['{"allow": ["MIT OR ISC"]}', /at \/allow\/0: one licence is wanted/],
    ['{"deny": ["category:nice"]}', /at \/deny\/0: there is no category:nice; known are public-domain/],
    ['{"allow": ["MIT"], "deny": ["mit"]}', /at \/deny\/0: MIT is also in allow/],
    ['{"sureMin": 2}', /at \/sureMin: a number from 0 to 1/],
    ['{"otherwise": "maybe"}', /at \/otherwise: it must be one of allow, ask, deny/],
    ['{"exceptions": [{"package": "a"}]}', /at \/exceptions\/0\/reason: a reason is wanted/],
    ['{"exceptions": [{"package": "a", "reason": "b", "licence": "X Y"}]}', /at \/exceptions\/0\/licence/],
  ];
  for (const [text, message] of wrong) assert.throws(() => readPolicy(text, "team/policy.json"), message);
  await assert.rejects(loadPolicy("no/such/policy.json"), /no\/such\/policy\.json is wrong: it cannot be read \(ENOENT\)/);
});

test("every licence that categories name is in the SPDX list, and an exact id wins over a family", () => {
  assert.equal(categoryOf("CC-BY-4.0"), "attribution");
  assert.equal(categoryOf("CC-BY-SA-4.0"), "weak-copyleft");
  assert.equal(categoryOf("CC-BY-NC-4.0"), "non-commercial");
  assert.equal(categoryOf("GPL-3.0-or-later"), "strong-copyleft");
  assert.equal(categoryOf("LicenseRef-x"), null);
  const placed = Object.keys(spdxTexts()).filter((id) => categoryOf(id) !== null);
  assert.ok(placed.length > 300, `${placed.length}`);
});
