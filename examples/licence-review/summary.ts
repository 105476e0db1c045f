// The review on one screen: at most 24 lines of at most 80 columns, plain text.

import { OUTCOMES, type Outcome } from "./decide.ts";
import type { Asked } from "./questions.ts";
import { countLicences, countOutcomes, type ReviewedPackage, type Section, withOutcome } from "./report.ts";

export const SUMMARY_LINES_MAX = 24;
export const SUMMARY_COLUMNS_MAX = 80;

const LICENCES_SHOWN = 8;
const LICENCE_COLUMNS = 24;
const BAR_COLUMNS = 40;
const TROUBLES_SHOWN = 7;

interface SummaryInput {
  readonly asOf: string;
  readonly project: string;
  readonly section: Section;
  /** One line on the fixture; null where it was not reviewed. */
  readonly fixture: string | null;
  readonly asked: readonly Asked[];
  /** Where the report lies, as the user named it. */
  readonly out: string;
}

export function summarise({ asOf, project, section, fixture, asked, out }: SummaryInput): string {
  const counts = countOutcomes(section.packages);
  const lines = [
    `Licence review of ${project}, as of ${asOf}`,
    `${section.packages.length} packages: ${OUTCOMES.map((outcome) => `${counts[outcome]} ${outcome}`).join(", ")}`,
    "",
    ...licenceBars(section),
    "",
    ...troubles(section),
    ...(asked.length === 0 ? [] : [askedLine(asked)]),
    ...(fixture === null ? [] : [fixture]),
    `Report: ${out}/report.md, with report.json and sbom.spdx.json`,
  ];
  return lines.map(fit).slice(0, SUMMARY_LINES_MAX).join("\n");
}

function licenceBars({ packages }: Section): string[] {
  const licences = countLicences(packages);
  const shown = licences.slice(0, LICENCES_SHOWN);
  const rest = licences.slice(LICENCES_SHOWN).reduce((sum, one) => sum + one.packages, 0);
  if (rest > 0) shown.push({ licence: `${licences.length - LICENCES_SHOWN} others`, packages: rest });
  const most = Math.max(1, ...shown.map((one) => one.packages));
  return shown.map(({ licence, packages: count }) => {
    const bar = "#".repeat(Math.max(1, Math.round((count / most) * BAR_COLUMNS)));
    return `${cut(licence, LICENCE_COLUMNS).padEnd(LICENCE_COLUMNS)} ${String(count).padStart(6)} ${bar}`;
  });
}

const WORST_FIRST: readonly Outcome[] = ["conflict", "denied", "unknown", "doubt"];

function troubles({ packages }: Section): string[] {
  const groups = WORST_FIRST.flatMap((outcome) => groupsOf(outcome, withOutcome(packages, outcome)));
  if (groups.length === 0) return ["No conflict, nothing denied, nothing unknown, no doubt."];
  const shown = groups.slice(0, TROUBLES_SHOWN);
  const rest = groups.slice(TROUBLES_SHOWN).reduce((sum, { count }) => sum + count, 0);
  return [...shown.map(({ line }) => line), ...(rest === 0 ? [] : [`… and ${rest} more packages in the report`])];
}

/** Packages of which the same is to be said share a line. */
function groupsOf(outcome: Outcome, packages: readonly ReviewedPackage[]): { line: string; count: number }[] {
  const byWhy = new Map<string, string[]>();
  for (const { key, why } of packages) byWhy.set(why, [...(byWhy.get(why) ?? []), key]);
  return [...byWhy].map(([why, keys]) => {
    const more = keys.length > 1 ? ` and ${keys.length - 1} more` : "";
    return { line: `${outcome}: ${keys[0]}${more}: ${why}`, count: keys.length };
  });
}

function askedLine(asked: readonly Asked[]): string {
  const left = asked.filter(({ decision }) => decision === "leave").length;
  const by = asked[0]?.by === "person" ? "a person" : "the default (every doubt stays)";
  return `${asked.length} ${asked.length === 1 ? "question was" : "questions were"} answered by ${by}; ${left} left open`;
}

function fit(line: string): string {
  return cut(line.replace(/[\p{Cc}]+/gu, " "), SUMMARY_COLUMNS_MAX);
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
}
