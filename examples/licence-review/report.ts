// The report as data and as Markdown. Pure, and the same bytes for the same reviews: no clock, no paths of a machine,
// sorted by code units.

import { OUTCOMES, type Outcome } from "./decide.ts";
import { byText } from "./order.ts";
import type { Asked } from "./questions.ts";
import type { Review } from "./review.ts";
import type { Scope, Tree } from "./tree.ts";

export type Counts = Readonly<Record<Outcome, number>>;

export interface ReviewedPackage extends Review {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  readonly scope: Scope;
}

export interface Section {
  readonly title: string;
  readonly packages: readonly ReviewedPackage[];
  readonly findings: readonly string[];
}

export interface ReportInput {
  readonly asOf: string;
  /** `name@version`. */
  readonly project: string;
  readonly policy: { readonly name: string; readonly sha256: string };
  readonly spdxListVersion: string;
  /** The project's tree, and the fixture's where it was reviewed too. */
  readonly sections: readonly Section[];
  readonly asked: readonly Asked[];
}

/** The tree's dependencies with what was found of each; the project's own packages are left out. */
export function reviewedPackages(tree: Pick<Tree, "packages">, reviews: readonly Review[]): ReviewedPackage[] {
  const byKey = new Map(reviews.map((review) => [review.key, review]));
  return tree.packages.flatMap(({ key, name, version, path, scope }) => {
    const review = byKey.get(key);
    return review === undefined ? [] : [{ name, version, path, scope, ...review }];
  });
}

export function countOutcomes(packages: readonly Review[]): Counts {
  const counts: Record<Outcome, number> = { ok: 0, conflict: 0, denied: 0, unknown: 0, doubt: 0 };
  for (const { outcome } of packages) counts[outcome]++;
  return counts;
}

/** How many packages have which licence: as concluded, else as declared; the most frequent first. */
export function countLicences(packages: readonly Review[]): { licence: string; packages: number }[] {
  const counts = new Map<string, number>();
  for (const { concluded, declaredExpression } of packages) {
    const name = concluded ?? declaredExpression ?? "not concluded";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .map(([licence, count]) => ({ licence, packages: count }))
    .toSorted((a, b) => b.packages - a.packages || byText(a.licence, b.licence));
}

export function withOutcome(packages: readonly ReviewedPackage[], outcome: Outcome): ReviewedPackage[] {
  return packages.filter((one) => one.outcome === outcome).toSorted((a, b) => byText(a.key, b.key));
}

export function reportJson(input: ReportInput): string {
  const sections = input.sections.map(({ title, packages, findings }) => ({
    title,
    counts: countOutcomes(packages),
    conflicts: withOutcome(packages, "conflict").map(({ key, why }) => ({ package: key, why })),
    licences: countLicences(packages),
    findings,
    packages: packages.map(entryOf).toSorted((a, b) => byText(a.package, b.package)),
  }));
  const { asOf, project, policy, spdxListVersion, asked } = input;
  return `${JSON.stringify({ v: 1, asOf, project, policy, spdxListVersion, sections, asked }, null, 2)}\n`;
}

function entryOf({
  key,
  path,
  scope,
  outcome,
  why,
  declared,
  declaredExpression,
  concluded,
  sure,
  found,
  parts,
  findings,
}: ReviewedPackage) {
  return { package: key, path, scope, outcome, why, declared, declaredExpression, concluded, sure, found, parts, findings };
}

export function reportMarkdown(input: ReportInput): string {
  const { asOf, project, policy, spdxListVersion, sections, asked } = input;
  const lines = [
    `# Licence review of ${inline(project)}`,
    "",
    `As of ${asOf}. Policy: ${inline(policy.name)} (sha256 ${policy.sha256.slice(0, 16)}…). SPDX licence list ${spdxListVersion}.`,
    "",
    "Texts are compared word by word with those of the SPDX list. *Sure* is 1 where every word agrees but those that the",
    "SPDX matching guidelines let authors change, else the part of the words that agree; at most 0.5 where terms were added or",
    "another licence fits as well, 0.5 for a declaration without a text. This is an inventory, not legal advice.",
    ...sections.flatMap((section) => sectionLines(section)),
    ...askedLines(asked),
  ];
  return `${lines.join("\n")}\n`;
}

const HEADINGS: Readonly<Record<Exclude<Outcome, "ok">, string>> = {
  conflict: "Conflicts: what is declared and what is there",
  denied: "Denied by the policy",
  unknown: "Unknown",
  doubt: "Doubts",
};

function sectionLines({ title, packages, findings }: Section): string[] {
  const counts = countOutcomes(packages);
  return [
    "",
    `## ${inline(title)}`,
    "",
    ...table(["packages", ...OUTCOMES], [[packages.length, ...OUTCOMES.map((outcome) => counts[outcome])]]),
    ...OUTCOMES.filter((outcome) => outcome !== "ok").flatMap((outcome) =>
      outcomeLines(HEADINGS[outcome], withOutcome(packages, outcome)),
    ),
    ...(findings.length === 0 ? [] : ["", "### About the tree", "", ...findings.map((finding) => `- ${inline(finding)}`)]),
    "",
    "### Licences",
    "",
    ...table(
      ["licence", "packages"],
      countLicences(packages).map(({ licence, packages: count }) => [licence, count]),
    ),
    "",
    "### All packages",
    "",
    ...table(
      ["package", "scope", "outcome", "declared", "found", "sure", "concluded", "remarks"],
      packages.toSorted((a, b) => byText(a.key, b.key)).map(rowOf),
    ),
  ];
}

function outcomeLines(heading: string, packages: readonly ReviewedPackage[]): string[] {
  if (packages.length === 0) return [];
  return ["", `### ${heading}`, "", ...packages.map(({ key, scope, why }) => `- **${inline(key)}** (${scope}): ${inline(why)}`)];
}

function rowOf({ key, scope, outcome, declared, found, sure, concluded, findings }: ReviewedPackage): (string | number)[] {
  const what = found.map(({ id, file, sure: one }) => `${id} ${one} (${file})`).join(", ");
  return [key, scope, outcome, declared, what, sure, concluded ?? "", findings.join("; ")];
}

function askedLines(asked: readonly Asked[]): string[] {
  if (asked.length === 0) return [];
  const rows = asked.map(({ number, packages, text, proposal, decision, by }) => [
    number,
    packages.join(", "),
    text,
    proposal ?? "",
    decision,
    by,
  ]);
  return ["", "## Asked of a person", "", ...table(["", "packages", "question", "proposal", "decision", "by"], rows)];
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.map((cell) => inline(String(cell))).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)];
}

/** Foreign text, so that it stays text: no table cell, tag, link or line of its own. */
export function inline(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, " ").replace(/[\\`*_[\]<>|]/g, (character) => `\\${character}`);
}
