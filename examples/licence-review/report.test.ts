import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { conclude, type Ending } from "./conclude.ts";
import { OUTCOMES } from "./decide.ts";
import { findSpdxId } from "./declared.ts";
import { readExpression } from "./expression.ts";
import { loadPolicy } from "./policy.ts";
import { decideQuestions, NO_ANSWERS, questionsInWords, questionsOf } from "./questions.ts";
import { inline, type ReportInput, reportJson, reportMarkdown, type Section } from "./report.ts";
import type { Review } from "./review.ts";
import { purl, sbomJson } from "./sbom.ts";
import { SUMMARY_COLUMNS_MAX, SUMMARY_LINES_MAX, summarise } from "./summary.ts";
import type { Tree, TreePackage } from "./tree.ts";

const AS_OF = "2026-01-31T00:00:00Z";

function installed(name: string, more: Partial<TreePackage> = {}): TreePackage {
  return {
    key: `${name}@1.0.0`,
    name,
    version: "1.0.0",
    path: `node_modules/${name}`,
    kind: "dependency",
    scope: "production",
    needs: [],
    findings: [],
    ...more,
  };
}

function reviewed(name: string, more: Partial<Review> = {}): Review {
  const decision = { outcome: "ok", why: "Declares MIT.", concluded: "MIT", sure: 1, question: null } as const;
  return {
    key: `${name}@1.0.0`,
    ...decision,
    declared: "MIT",
    declaredExpression: "MIT",
    found: [{ id: "MIT", sure: 1, file: "LICENSE" }],
    parts: [],
    findings: [],
    ...more,
  };
}

const root = installed("app", {
  path: ".",
  kind: "project",
  scope: "own",
  needs: [
    { to: "@s/a@1.0.0", kind: "runtime" },
    { to: "b@1.0.0", kind: "development" },
  ],
});
const tree: Tree = {
  packages: [root, installed("@s/a", { needs: [{ to: "b@1.0.0", kind: "peer" }] }), installed("b")],
  findings: [],
};
const doubt = { text: "LICENSE resembles ISC.", proposal: "ISC" };
const reviews = [
  reviewed("@s/a"),
  reviewed("b", { outcome: "doubt", concluded: null, question: doubt, declared: "UNLICENSED", declaredExpression: null }),
];

async function ending(directory: string, more: Partial<Ending> = {}): Promise<Ending> {
  const { policy, info } = await loadPolicy(undefined);
  const asked = decideQuestions(questionsOf(reviews), NO_ANSWERS, "default");
  return {
    asOf: AS_OF,
    policy,
    policyInfo: info,
    project: { tree, reviews },
    fixture: null,
    asked,
    directory,
    out: "out",
    mark: "run-1",
    ...more,
  };
}

test("the report is written whole, twice the same, and leaves nothing else behind", async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), "licence-review-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const out = path.join(directory, "deep", "er");
  const first = await conclude(await ending(out));
  const texts = readdirSync(out).map((name) => readFileSync(path.join(out, name), "utf8"));
  const second = await conclude(await ending(out));
  assert.deepEqual(readdirSync(out).toSorted(), ["report.json", "report.md", "sbom.spdx.json"]);
  assert.deepEqual(
    readdirSync(out).map((name) => readFileSync(path.join(out, name), "utf8")),
    texts,
  );
  assert.deepEqual(first, second);
  assert.deepEqual(first.counts, { ok: 1, conflict: 0, denied: 0, unknown: 0, doubt: 1 });
});

test("the report does not depend on the order in which reviews ended", async () => {
  const { policyInfo } = await ending("x");
  const section = (list: readonly Review[]): Section => ({
    title: "All",
    findings: [],
    packages: list.map((one) => ({ name: one.key, version: "", path: "", scope: "production", ...one })),
  });
  const input = (list: readonly Review[]): ReportInput => ({
    asOf: AS_OF,
    project: "app",
    policy: policyInfo,
    spdxListVersion: "3.28",
    sections: [section(list)],
    asked: [],
  });
  assert.equal(reportJson(input(reviews)), reportJson(input(reviews.toReversed())));
  assert.equal(reportMarkdown(input(reviews)), reportMarkdown(input(reviews.toReversed())));
});

test("foreign text stays text in Markdown", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const written = inline(text);
      assert.ok(!/[\n\r]/.test(written));
      assert.ok(!/(?<!\\)(?:\\\\)*[|<>[\]`]/.test(written));
    }),
  );
  assert.equal(inline("<img src=x> | [a](b)\n# c"), "\\<img src=x\\> \\| \\[a\\](b) # c");
});

test("the SBOM is SPDX 2.3: ids are unique, references lead somewhere, licences are expressions", () => {
  const twins = [installed("a-b"), installed("a_b"), installed("a.b")];
  const document = JSON.parse(
    sbomJson({ asOf: AS_OF, tree: { packages: [...tree.packages, ...twins], findings: [] }, reviews, spdxListVersion: "3.28.0" }),
  );
  const ids: string[] = document.packages.map(({ SPDXID }: { SPDXID: string }) => SPDXID);
  assert.equal(document.spdxVersion, "SPDX-2.3");
  assert.equal(document.dataLicense, "CC0-1.0");
  assert.equal(document.creationInfo.created, AS_OF);
  assert.equal(document.creationInfo.licenseListVersion, "3.28");
  assert.match(document.documentNamespace, /^https:\/\/spdx\.org\/spdxdocs\/app-1\.0\.0-[0-9a-f]{32}$/);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^SPDXRef-[A-Za-z0-9.-]+$/);
  for (const { spdxElementId, relatedSpdxElement } of document.relationships) {
    for (const id of [spdxElementId, relatedSpdxElement]) assert.ok(id === "SPDXRef-DOCUMENT" || ids.includes(id), id);
  }
  for (const { licenseDeclared, licenseConcluded } of document.packages) {
    for (const licence of [licenseDeclared, licenseConcluded])
      assert.ok(/^(?:NONE|NOASSERTION)$/.test(licence) || readExpression(licence, findSpdxId).ok, licence);
  }
  assert.deepEqual(
    document.hasExtractedLicensingInfos.map(({ licenseId }: { licenseId: string }) => licenseId),
    ["LicenseRef-UNLICENSED"],
  );
  assert.deepEqual(
    document.relationships.map((one: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }) =>
      `${one.spdxElementId} ${one.relationshipType} ${one.relatedSpdxElement}`.replaceAll("SPDXRef-", ""),
    ),
    [
      "DOCUMENT DESCRIBES Package-app-1.0.0",
      "Package-app-1.0.0 DEPENDS_ON Package-s-a-1.0.0",
      "Package-b-1.0.0 DEV_DEPENDENCY_OF Package-app-1.0.0",
      "Package-b-1.0.0 PROVIDED_DEPENDENCY_OF Package-s-a-1.0.0",
    ],
  );
});

test("the SBOM's name space follows from its content", () => {
  const namespace = (asOf: string): string =>
    JSON.parse(sbomJson({ asOf, tree, reviews, spdxListVersion: "3.28.0" })).documentNamespace;
  assert.equal(namespace(AS_OF), namespace(AS_OF));
  assert.notEqual(namespace(AS_OF), namespace("2026-02-01T00:00:00Z"));
});

test("package URLs are written as purl has them", () => {
  assert.equal(purl("@scope/name", "1.0.0-rc.1+x"), "pkg:npm/%40scope/name@1.0.0-rc.1%2Bx");
});

test("the summary fits on one screen, whatever the packages are called", () => {
  const names = fc.array(
    fc.tuple(
      fc.string({ minLength: 1, maxLength: 120 }),
      fc.constantFrom(...OUTCOMES),
      fc.constantFrom("MIT", "ISC", "A OR B", "x".repeat(300)),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(names, fc.nat(1e6), (list, many) => {
      const packages = list.map(([name, outcome, concluded], i) => ({
        ...reviewed(`${name}${i}`, { outcome, concluded, why: `${name} ${many}`.repeat(9) }),
        name,
        version: "1",
        path: "p",
        scope: "production" as const,
      }));
      const asked = decideQuestions(questionsOf(reviews), NO_ANSWERS, "default");
      const text = summarise({
        asOf: AS_OF,
        project: "p".repeat(200),
        section: { title: "", packages, findings: [] },
        fixture: "Fixture",
        asked,
        out: "o".repeat(100),
      });
      const lines = text.split("\n");
      assert.ok(lines.length <= SUMMARY_LINES_MAX, `${lines.length} lines`);
      for (const line of lines) assert.ok(line.length <= SUMMARY_COLUMNS_MAX, line);
      assert.match(lines.at(-1) ?? "", /^Report: /);
    }),
  );
});

test("doubts that are the same share a number, and an answer settles all of them", async () => {
  const { policy } = await loadPolicy(undefined);
  const twice = [...reviews, reviewed("c", { outcome: "doubt", concluded: null, question: doubt })];
  const questions = questionsOf(twice);
  assert.deepEqual(
    questions.map(({ number, packages }) => ({ number, packages })),
    [{ number: 1, packages: ["b@1.0.0", "c@1.0.0"] }],
  );
  assert.match(
    questionsInWords(questions),
    /1 doubt about licences[\s\S]*1\. b@1\.0\.0, c@1\.0\.0: LICENSE resembles ISC\. Accept ISC\?/,
  );
  const { applyAnswers } = await import("./questions.ts");
  const outcomes = (decision: string): string[] => {
    const asked = decideQuestions(questions, { decisions: { 1: decision }, rest: "leave" }, "person");
    return applyAnswers(twice, asked, policy).map(({ outcome, concluded }) => `${outcome} ${concluded}`);
  };
  assert.deepEqual(outcomes("accept"), ["ok MIT", "ok ISC", "ok ISC"]);
  assert.deepEqual(outcomes("deny"), ["ok MIT", "denied null", "denied null"]);
  assert.deepEqual(outcomes("GPL-3.0-only"), ["ok MIT", "denied GPL-3.0-only", "denied GPL-3.0-only"]);
  assert.deepEqual(outcomes("Apache-2.0 OR MIT"), ["ok MIT", "ok Apache-2.0 OR MIT", "ok Apache-2.0 OR MIT"]);
  assert.deepEqual(outcomes("leave"), ["ok MIT", "doubt null", "doubt null"]);
});
