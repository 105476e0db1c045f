// What was found of a package, in words and as expressions: the parts of which decisions make their sentences.

import type { Case } from "./case.ts";
import { findSpdxId } from "./declared.ts";
import type { Evidence } from "./evidence.ts";
import { combine, type Expression, type Licence, licence, readExpression, writeExpression } from "./expression.ts";
import type { FoundLicence } from "./found.ts";
import type { Policy } from "./policy.ts";

/** A notice is sure enough when it is word for word what it should be. */
export function isDoubtful({ kind, sure, agreement, changes, rivals }: FoundLicence, { sureMin }: Policy): boolean {
  return changes.length > 0 || rivals.length > 0 || (kind === "notice" ? agreement : sure) < sureMin;
}

export function leastSure(found: readonly FoundLicence[]): number {
  return Math.min(1, ...found.map(({ sure }) => sure));
}

export function nameOf({ settled, label, exception }: FoundLicence): string {
  return `${settled ?? label}${exception === null ? "" : ` WITH ${exception}`}`;
}

export function whatIsFound(found: readonly FoundLicence[]): string {
  const [first, ...more] = found;
  if (first === undefined) return "nothing is found";
  const what = first.kind === "text" ? "is the text of" : "is the notice of";
  const one = `${first.file} ${what} ${nameOf(first)}${first.sure === 1 || first.kind === "notice" ? "" : ` (sure ${first.sure})`}`;
  return more.length === 0
    ? one
    : `${one}, with ${more.map((other) => `${nameOf(other)}${other.file === first.file ? "" : ` in ${other.file}`}`).join(", ")}`;
}

export function howItDiffers(found: FoundLicence): string {
  const { file, agreement, changes, rivals } = found;
  const how =
    changes.length > 0
      ? `but ${changes.slice(0, 2).join(" and ")}`
      : rivals.length > 0
        ? `as well as ${rivals.join(", ")}`
        : "no closer";
  return `${file} resembles ${nameOf(found)} (${(agreement * 100).toFixed(1)} % of the words), ${how}`;
}

/** Demands outside the licences' words, in the package's own licence files. */
export function termsIn({ evidence }: Case): string | null {
  const one = evidence.find(({ role, terms }) => role === "licence" && terms.length > 0);
  return one === undefined ? null : `${one.file} says “${one.terms[0]}”`;
}

const STRANGE_WORDS_MIN = 150;

/** A licence file of which most is no licence known. */
export function strangenessIn({ evidence }: Case): string | null {
  const one = evidence.find(
    ({ role, words, unexplained }) => role === "licence" && unexplained >= STRANGE_WORDS_MIN && unexplained > words / 2,
  );
  return one === undefined ? null : `${one.unexplained} of the ${one.words} words of ${one.file} are of no licence known`;
}

export function isChoice({ evidence }: Case): boolean {
  return evidence.some(({ role, choice }) => role === "licence" && choice);
}

/** All licences found, as one expression; null where one of them is open. */
export function expressionOf(given: Case, found: readonly FoundLicence[]): Expression | null {
  const readings = found.map(readingOf);
  const known = readings.filter((one) => one !== null);
  return known.length < readings.length ? null : combine(isChoice(given) ? "or" : "and", known);
}

export function readingOf({ settled, exception }: FoundLicence): Licence | null {
  return settled === null ? null : licence(settled, exception);
}

export function readingsOf({ settled, ids, exception }: FoundLicence): Licence[] {
  return (settled === null ? ids : [settled]).map((id) => licence(id, exception));
}

/** Prose that names several licences seldom says how they go together, so then nothing is proposed. */
export function proposalOf(names: readonly string[]): string | null {
  const [name, ...more] = names;
  const read = name === undefined || more.length > 0 ? null : readExpression(name, findSpdxId);
  return read?.ok === true ? writeExpression(read.expression) : null;
}

export function whereNamed({ evidence }: Case): string {
  return evidence.find(({ named, role }) => named.length > 0 || role === "readme")?.file ?? "a file";
}

export function filesOf(evidence: readonly Evidence[]): string {
  return evidence.map(({ file }) => file).join(", ");
}

export function isSameFamily(declared: string, named: string): boolean {
  const base = (id: string): string => id.replace(/(?:\+|-only|-or-later)$/, "");
  return base(declared) === base(named);
}
