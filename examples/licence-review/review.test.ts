import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { reviewFixture } from "./bench.ts";
import { spdxTexts } from "./corpus.ts";
import { roleOf } from "./evidence.ts";
import type { PackageFiles } from "./files.ts";
import { fixtureText } from "./fixture/make.ts";
import { fixturePackages } from "./fixture.ts";
import { licenceSection, licencesNamed } from "./mentions.ts";
import { loadPolicy, type Policy, readPolicy } from "./policy.ts";
import { type Review, reviewPackage } from "./review.ts";

const { policy: defaultPolicy } = await loadPolicy(undefined);

function spdx(id: string): string {
  return spdxTexts()[id]?.licenseText ?? "";
}

function files(manifest: Readonly<Record<string, unknown>>, texts: Readonly<Record<string, string>>): PackageFiles {
  return {
    manifest: { kind: "read", fields: manifest },
    names: Object.keys(texts).toSorted(),
    read: async (name) => {
      const text = texts[name];
      return text === undefined ? { kind: "none", why: "is not there" } : { kind: "text", text, truncated: false };
    },
  };
}

function review(
  manifest: Readonly<Record<string, unknown>>,
  texts: Readonly<Record<string, string>>,
  policy: Policy = defaultPolicy,
): Promise<Review> {
  return reviewPackage({ key: "amber@1.0.0", name: "amber", version: "1.0.0", findings: [] }, files(manifest, texts), policy);
}

test("the fixture's packages come out as is known of them", async (t) => {
  const { packages, outcomesRight, precision, recall, wrong, msPerPackage } = await reviewFixture();
  t.diagnostic(
    `precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)}, outcomes ${outcomesRight} of ${packages}, ${msPerPackage.toFixed(2)} ms per package`,
  );
  assert.ok(packages >= 200);
  assert.equal(new Set(fixturePackages().map(({ name }) => name)).size, packages);
  assert.deepEqual(wrong, []);
});

test("the fixture is what its script makes", () => {
  assert.equal(readFileSync(new URL("./fixture/tree.jsonl", import.meta.url), "utf8"), fixtureText);
});

test("what is declared and there is ok, and says so", async () => {
  const { outcome, why, concluded, sure, question } = await review({ license: "MIT" }, { LICENSE: spdx("MIT") });
  assert.deepEqual({ outcome, concluded, sure, question }, { outcome: "ok", concluded: "MIT", sure: 1, question: null });
  assert.equal(why, "Declares MIT, and LICENSE is the text of MIT.");
});

test("another text than the declared one is a conflict", async () => {
  const { outcome, why } = await review({ license: "ISC" }, { LICENSE: spdx("MIT") });
  assert.equal(outcome, "conflict");
  assert.equal(why, "Declares ISC, but LICENSE is the text of MIT.");
});

test("a declaration without a text is half sure, and asked about where the policy says so", async () => {
  assert.equal((await review({ license: "MIT" }, {})).sure, 0.5);
  const strict = readPolicy('{"allow": ["MIT"], "declaredOnly": "ask"}', "strict.json");
  assert.equal((await review({ license: "MIT" }, {}, strict)).outcome, "doubt");
});

test("an exception of the policy settles a package, with its reason", async () => {
  const policy = readPolicy('{"exceptions": [{"package": "amber", "licence": "GPL-3.0-only", "reason": "bought"}]}', "p.json");
  const { outcome, why, concluded } = await review({}, { LICENSE: spdx("GPL-3.0-only") }, policy);
  assert.deepEqual(
    { outcome, why, concluded },
    { outcome: "ok", why: "The policy excepts it: bought", concluded: "GPL-3.0-only" },
  );
});

test("a doubt asks one question and proposes an answer where there is one", async () => {
  const { outcome, question, concluded } = await review(
    { license: "MIT" },
    { LICENSE: spdx("MIT").replace("without limitation", "with no limitation but one,") },
  );
  assert.equal(outcome, "doubt");
  assert.equal(question?.proposal, "MIT");
  assert.equal(concluded, null);
});

test("bundled code's licences are noted, and doubted where the policy denies them", async () => {
  const noted = await review({ license: "MIT" }, { LICENSE: spdx("MIT"), "ThirdPartyNotices.txt": spdx("ISC") });
  assert.deepEqual({ outcome: noted.outcome, parts: noted.parts }, { outcome: "ok", parts: ["ISC"] });
  const doubted = await review({ license: "MIT" }, { LICENSE: spdx("MIT"), "ThirdPartyNotices.txt": spdx("GPL-3.0-only") });
  assert.equal(doubted.outcome, "doubt");
});

test("what a review records is small, however long the texts are", async () => {
  const long = `${spdx("MIT")}\n${"This software must only be used by those who may use it. ".repeat(4_000)}`;
  const recorded = JSON.stringify(
    await review({ license: "x".repeat(100_000), name: "y".repeat(5_000) }, { LICENSE: long, COPYING: long, "LICENSE.md": long }),
  );
  assert.ok(recorded.length < 4_000, `${recorded.length}`);
});

test("files play the part their names give them", () => {
  const roles: Readonly<Record<string, readonly string[]>> = {
    licence: [
      "LICENSE",
      "licence.md",
      "LICENSE-MIT",
      "LICENSE.APACHE2",
      "COPYING.LESSER",
      "UNLICENSE",
      "MIT-LICENSE.txt",
      "LICENSES/MIT.txt",
      "COPYING.GPL",
    ],
    part: ["LICENSE.docs", "LICENSE-3RD-PARTY.txt", "ThirdPartyNotices.txt", "NOTICE", "LICENSE.esprima"],
    readme: ["README.md", "readme"],
  };
  for (const [role, names] of Object.entries(roles)) for (const name of names) assert.equal(roleOf(name), role, name);
  for (const name of ["license.js", "LICENSE.json", "index.js", "docs/README.md.png"]) assert.equal(roleOf(name), null, name);
});

test("prose that names licences is read, and a README's last section on them", () => {
  assert.deepEqual(licencesNamed("Released under the MIT license."), ["MIT"]);
  assert.deepEqual(licencesNamed("Apache License, Version 2.0 or GPL v3 or later").toSorted(), [
    "Apache-2.0",
    "GPL-3.0-or-later",
  ]);
  assert.deepEqual(licencesNamed("[MIT](LICENSE) © Ada; fair use of Ruby"), ["MIT"]);
  assert.deepEqual(licencesNamed("BSD-3-Clause AND LGPL-2.1-only").toSorted(), ["BSD-3-Clause", "LGPL-2.1-only"]);
  assert.deepEqual(licencesNamed("All rights reserved. Unlicensed."), []);
  assert.equal(licenceSection("# a\n\n## License\n\nMIT\n\n## Thanks\nx"), "MIT");
  assert.equal(licenceSection("a\n=\n\nLicence\n-------\nISC"), "ISC");
  assert.equal(licenceSection("# a\nno such part"), null);
});
