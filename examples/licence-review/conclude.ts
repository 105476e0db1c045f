// The end of a review: answers applied, the report written, and what the workflow gives back.

import { corpus } from "./corpus.ts";
import type { Outcome } from "./decide.ts";
import { fixturePackages } from "./fixture.ts";
import type { Policy } from "./policy.ts";
import { type Asked, applyAnswers } from "./questions.ts";
import {
  type Counts,
  countOutcomes,
  type ReportInput,
  reportJson,
  reportMarkdown,
  reviewedPackages,
  type Section,
  withOutcome,
} from "./report.ts";
import type { Review } from "./review.ts";
import { sbomJson } from "./sbom.ts";
import { summarise } from "./summary.ts";
import type { Tree } from "./tree.ts";
import { type Written, writeFiles } from "./write.ts";

interface Reviewed {
  readonly tree: Tree;
  readonly reviews: readonly Review[];
}

interface Conclusion {
  readonly asOf: string;
  readonly project: string;
  readonly packages: number;
  readonly counts: Counts;
  readonly conflicts: readonly { readonly package: string; readonly why: string }[];
  readonly denied: readonly string[];
  readonly unknown: readonly string[];
  readonly asked: readonly Asked[];
  readonly fixture: { readonly packages: number; readonly asExpected: number } | null;
  readonly files: readonly Written[];
  readonly summary: string;
}

export interface Ending {
  readonly asOf: string;
  readonly policy: Policy;
  readonly policyInfo: ReportInput["policy"];
  readonly project: Reviewed;
  /** Null where the project's own tree is large enough. */
  readonly fixture: Reviewed | null;
  readonly asked: readonly Asked[];
  /** Where the report goes, and what the user calls that place. */
  readonly directory: string;
  readonly out: string;
  /** Tells the temporary files of this run from others'. */
  readonly mark: string;
}

/** Writes the report and gives the workflow's output. Doing it twice does the same. */
export async function conclude(ending: Ending): Promise<Conclusion> {
  const { asOf, policy, policyInfo, project, fixture, asked, directory, mark } = ending;
  const { tree } = project;
  const reviews = applyAnswers(project.reviews, asked, policy);
  const name = tree.packages.find(({ kind }) => kind === "project")?.key ?? "project";
  const section: Section = {
    title: "The project's packages",
    packages: reviewedPackages(tree, reviews),
    findings: tree.findings,
  };
  const sections = fixture === null ? [section] : [section, fixtureSection(fixture)];
  const spdxListVersion = corpus().listVersion;
  const report: ReportInput = { asOf, project: name, policy: policyInfo, spdxListVersion, sections, asked };
  const texts = {
    "report.md": reportMarkdown(report),
    "report.json": reportJson(report),
    "sbom.spdx.json": sbomJson({ asOf, tree, reviews, spdxListVersion }),
  };
  return outputOf(ending, name, section, await writeFiles(directory, texts, mark));
}

function outputOf(
  { asOf, fixture, asked, out }: Ending,
  project: string,
  section: Section,
  files: readonly Written[],
): Conclusion {
  const { packages } = section;
  const keysOf = (outcome: Outcome): string[] => withOutcome(packages, outcome).map(({ key }) => key);
  return {
    asOf,
    project,
    packages: packages.length,
    counts: countOutcomes(packages),
    conflicts: withOutcome(packages, "conflict").map(({ key, why }) => ({ package: key, why })),
    denied: keysOf("denied"),
    unknown: keysOf("unknown"),
    asked,
    fixture: fixture === null ? null : { packages: fixture.reviews.length, asExpected: asExpected(fixture.reviews) },
    files,
    summary: summarise({ asOf, project, section, fixture: fixture === null ? null : fixtureLine(fixture.reviews), asked, out }),
  };
}

function fixtureSection({ tree, reviews }: Reviewed): Section {
  return {
    title: "The fixture's packages (not part of the project)",
    packages: reviewedPackages(tree, reviews),
    findings: [fixtureLine(reviews)],
  };
}

function fixtureLine(reviews: readonly Review[]): string {
  return `Fixture tree: ${asExpected(reviews)} of ${reviews.length} packages as expected (default policy)`;
}

function asExpected(reviews: readonly Review[]): number {
  const known = new Map(fixturePackages().map(({ name, version, expect }) => [`${name}@${version}`, expect.outcome]));
  return reviews.filter(({ key, outcome }) => known.get(key) === outcome).length;
}
