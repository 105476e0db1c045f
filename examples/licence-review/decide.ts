// What becomes of a package: what it declares against what its files say and what the policy allows. Pure.
//
// R1. Every package ends as one of five outcomes, with a sentence that says why.
// R2. Nothing is guessed: where declared and found leave two readings, or a text is changed, the outcome is a doubt with
//     a question to a person.
// R3. `sure` is what the weakest text that the conclusion rests on allows: a declaration without a text is worth 0.5,
//     a name in prose 0.4.

import type { Case } from "./case.ts";
import type { Declared } from "./declared.ts";
import type { Evidence } from "./evidence.ts";
import { combine, type Expression, licence, licencesIn, writeExpression, writeLicence } from "./expression.ts";
import { type FoundLicence, foundIn, isCovered } from "./found.ts";
import { type Judgement, judgeExpression, judgeUnlicensed, policyExceptionFor, type Verdict } from "./policy.ts";
import {
  expressionOf,
  filesOf,
  howItDiffers,
  isChoice,
  isDoubtful,
  isSameFamily,
  leastSure,
  nameOf,
  proposalOf,
  readingOf,
  readingsOf,
  strangenessIn,
  termsIn,
  whatIsFound,
  whereNamed,
} from "./wording.ts";

export const OUTCOMES = ["ok", "conflict", "denied", "unknown", "doubt"] as const;

export type Outcome = (typeof OUTCOMES)[number];

export interface Decision {
  readonly outcome: Outcome;
  readonly why: string;
  /** An expression; null where none can be concluded. */
  readonly concluded: string | null;
  readonly sure: number;
  /** What a person is asked; null where nothing is. `proposal` is what "accept" concludes. */
  readonly question: { readonly text: string; readonly proposal: string | null } | null;
}

const DECLARED_SURE = 0.5;
const NAMED_SURE = 0.4;

export function decide(given: Case): Decision {
  const exception = policyExceptionFor(given.policy, given.subject.name, given.subject.version);
  if (exception !== null) {
    const concluded =
      exception.licence ?? (given.declared.kind === "expression" ? writeExpression(given.declared.expression) : null);
    return { outcome: "ok", why: `The policy excepts it: ${exception.reason}`, concluded, sure: 1, question: null };
  }
  if (given.found.length === 0) return withoutText(given);
  if (given.declared.kind === "expression") return compare(given, given.declared.expression);
  if (given.declared.kind === "proprietary") {
    return conflict(given, `Declares ${given.declared.written}, but ${whatIsFound(given.found)}.`, null);
  }
  return fromText(given, given.declared);
}

// A valid expression, and texts.

function compare(given: Case, declared: Expression): Decision {
  const leaves = licencesIn(declared);
  const unexpected = given.found.filter((one) => !leaves.some((leaf) => isCovered(one, leaf)));
  const supporting = given.found.filter((one) => !unexpected.includes(one));
  if (unexpected.length === 0) return agreeing(given, declared, supporting);
  if (supporting.length === 0) return contradicting(given, declared, unexpected);
  return extended(given, declared, supporting, unexpected);
}

function agreeing(given: Case, declared: Expression, supporting: readonly FoundLicence[]): Decision {
  const written = writeExpression(declared);
  const doubtful = supporting.find((one) => isDoubtful(one, given.policy));
  if (doubtful !== undefined) return doubt(`Declares ${written}; ${howItDiffers(doubtful)}.`, written, doubtful.sure);
  const terms = termsIn(given);
  if (terms !== null) return doubt(`Declares ${written} and has its text; beyond it ${terms}.`, written, DECLARED_SURE);
  const lacking = licencesIn(declared).filter((leaf) => !supporting.some((one) => isCovered(one, leaf)));
  const partly =
    lacking.length === 0 || declared.kind === "or" ? "" : `; no text of ${lacking.map(writeLicence).join(", ")} is there`;
  return byPolicy(given, declared, leastSure(supporting), `Declares ${written}, and ${whatIsFound(supporting)}${partly}.`);
}

function contradicting(given: Case, declared: Expression, found: readonly FoundLicence[]): Decision {
  const written = writeExpression(declared);
  const doubtful = found.find((one) => isDoubtful(one, given.policy));
  if (doubtful !== undefined) return doubt(`Declares ${written}; ${howItDiffers(doubtful)}.`, null, doubtful.sure);
  const denied = found.filter((one) => verdictOn(given, one) === "deny").map(nameOf);
  const verdict = denied.length === 0 ? "" : ` The policy denies ${denied.join(", ")}.`;
  return conflict(given, `Declares ${written}, but ${whatIsFound(found)}.${verdict}`, expressionOf(given, found));
}

/** The declared licence is there, with others beside it: a choice offered, or licences of code that is included. */
function extended(
  given: Case,
  declared: Expression,
  supporting: readonly FoundLicence[],
  more: readonly FoundLicence[],
): Decision {
  const written = writeExpression(declared);
  const changed = supporting.find((one) => isDoubtful(one, given.policy));
  if (changed !== undefined) return doubt(`Declares ${written}; ${howItDiffers(changed)}.`, written, changed.sure);
  const others = more.map(nameOf).join(", ");
  const sure = leastSure(supporting);
  if (isChoice(given) && !more.some((one) => isDoubtful(one, given.policy))) {
    return byPolicy(given, declared, sure, `Declares ${written}, one of the licences its text offers (${others} too).`);
  }
  const sentence = `Declares ${written} and has its text; its licence files also hold ${others}`;
  const open = more.filter((one) => isDoubtful(one, given.policy) || verdictOn(given, one) !== "allow");
  const denied = open.filter((one) => one.kind === "text" && !isDoubtful(one, given.policy) && verdictOn(given, one) === "deny");
  const whole = combine("and", [declared, ...more.map(readingOf).filter((one) => one !== null)]) ?? declared;
  if (denied.length > 0) return conflict(given, `${sentence}; the policy denies ${denied.map(nameOf).join(", ")}.`, whole);
  if (open.length > 0)
    return doubt(`${sentence}; not plainly allowed: ${open.map(inQuestion).join("; ")}.`, written, DECLARED_SURE);
  const terms = termsIn(given);
  if (terms !== null) return doubt(`${sentence}; beyond them ${terms}.`, written, DECLARED_SURE);
  return byPolicy(given, whole, leastSure([...supporting, ...more]), `${sentence}, which the policy allows.`);
}

/** The worst verdict on what it may be. */
function verdictOn(given: Case, found: FoundLicence): Verdict {
  const verdicts = readingsOf(found).map((reading) => judgeExpression(given.policy, reading).verdict);
  return verdicts.includes("deny") ? "deny" : verdicts.includes("ask") ? "ask" : "allow";
}

function inQuestion(found: FoundLicence): string {
  return found.changes.length === 0 ? nameOf(found) : `${nameOf(found)}, which ${found.changes.slice(0, 2).join(" and ")}`;
}

// No valid expression, but texts.

function fromText(given: Case, declared: Exclude<Declared, { kind: "expression" | "proprietary" }>): Decision {
  const { found, policy } = given;
  const said = declaration(declared);
  const expression = expressionOf(given, found);
  const written = expression === null ? null : writeExpression(expression);
  const doubtful = found.find((one) => isDoubtful(one, policy));
  if (doubtful !== undefined) return doubt(`${said}; ${howItDiffers(doubtful)}.`, written, doubtful.sure);
  if (
    declared.kind === "invalid" &&
    declared.meant.length > 0 &&
    !found.some((one) => declared.meant.some((id) => isCovered(one, licence(id))))
  ) {
    return conflict(given, `${said}, but ${whatIsFound(found)}.`, expression);
  }
  const terms = termsIn(given) ?? strangenessIn(given);
  if (terms !== null) return doubt(`${said}; ${whatIsFound(found)}, but ${terms}.`, written, DECLARED_SURE);
  if (expression === null) return withOpenVersion(given, said);
  return byPolicy(given, expression, leastSure(found), `${said}; ${whatIsFound(found)}.`);
}

/** A GNU text without a word on later versions: where the policy says the same of each reading, that is enough. */
function withOpenVersion(given: Case, said: string): Decision {
  const open = given.found.filter((one) => one.settled === null);
  const verdicts = new Set(open.flatMap(readingsOf).map((reading) => judgeExpression(given.policy, reading).verdict));
  const sentence = `${said}; ${whatIsFound(given.found)}, and nothing says whether later versions will do`;
  if (verdicts.size === 1 && verdicts.has("deny")) {
    return {
      outcome: "denied",
      why: `${sentence}; the policy denies both.`,
      concluded: null,
      sure: leastSure(given.found),
      question: null,
    };
  }
  return doubt(`${sentence}.`, null, DECLARED_SURE);
}

function declaration(declared: Declared): string {
  switch (declared.kind) {
    case "nothing":
      return "Declares no licence";
    case "file":
      return `Refers to ${declared.file}`;
    default:
      return `Declares “${declared.written}”`;
  }
}

// No text that is known.

function withoutText(given: Case): Decision {
  const { declared, evidence, policy } = given;
  const silent = evidence.filter((one) => one.role === "licence" && one.words > 0);
  const named = [...new Set(evidence.flatMap((one) => one.named).concat(foundIn(evidence, "readme").map(nameOf)))];
  if (declared.kind === "expression") return declaredOnly(given, declared.expression, silent, named);
  if (declared.kind === "proprietary") return unlicensed(judgeUnlicensed(policy), declared.written);
  const files =
    silent.length === 0
      ? "no licence text is there"
      : `${filesOf(silent)} ${silent.length === 1 ? "is" : "are"} no licence text known`;
  const names = named.length === 0 ? "" : `; ${whereNamed(given)} names ${named.join(", ")}`;
  const sentence = `${declaration(declared)}; ${files}${names}.`;
  const meant = declared.kind === "invalid" && declared.meant.length === 1 ? declared.meant : [];
  const candidates = named.length > 0 ? named : meant;
  if (candidates.length > 0) return doubt(sentence, proposalOf(candidates), NAMED_SURE);
  return { outcome: "unknown", why: sentence, concluded: null, sure: 0, question: null };
}

/** A README that names more licences than this lists those of its dependencies. */
const NAMES_MAX = 2;

function declaredOnly(given: Case, declared: Expression, silent: readonly Evidence[], named: readonly string[]): Decision {
  const written = writeExpression(declared);
  const leaves = licencesIn(declared);
  const strange = named.filter((id) => !leaves.some((leaf) => isSameFamily(leaf.id, id)));
  if (strange.length > 0 && named.length <= NAMES_MAX)
    return doubt(`Declares ${written}; ${whereNamed(given)} names ${strange.join(", ")}.`, written, NAMED_SURE);
  if (silent.length > 0 && named.length === 0) {
    return doubt(
      `Declares ${written}; ${filesOf(silent)} ${silent.length === 1 ? "is" : "are"} no licence text known.`,
      written,
      NAMED_SURE,
    );
  }
  const terms = termsIn(given);
  if (terms !== null) return doubt(`Declares ${written}; ${terms}.`, written, NAMED_SURE);
  const sentence =
    named.length > 0
      ? `Declares ${written}, and ${whereNamed(given)} names it; its text is not there`
      : `Declares ${written}; its text is not there`;
  if (given.policy.declaredOnly === "ask") return doubt(`${sentence}.`, written, DECLARED_SURE);
  return byPolicy(given, declared, DECLARED_SURE, `${sentence}.`);
}

function unlicensed(judgement: Judgement, written: string): Decision {
  const why = `Declares ${written}: all rights are reserved.`;
  if (judgement.verdict === "deny") return { outcome: "denied", why, concluded: null, sure: DECLARED_SURE, question: null };
  if (judgement.verdict === "ask") return doubt(why, null, DECLARED_SURE);
  return { outcome: "ok", why: `${why} The policy allows it.`, concluded: null, sure: DECLARED_SURE, question: null };
}

// Verdicts.

function byPolicy(given: Case, expression: Expression, sure: number, why: string): Decision {
  const { verdict, licence: decisive, entry } = judgeExpression(given.policy, expression);
  const concluded = writeExpression(expression);
  const rule = entry === null ? "no entry names it" : entry === decisive ? "by name" : entry;
  if (verdict === "deny")
    return { outcome: "denied", why: `${why} The policy denies ${decisive} (${rule}).`, concluded, sure, question: null };
  if (verdict === "ask")
    return { ...doubt(`${why} The policy wants to be asked about ${decisive} (${rule}).`, concluded, sure), concluded };
  const part = given.parts.find((one) => !isDoubtful(one, given.policy) && verdictOn(given, one) === "deny");
  if (part !== undefined)
    return doubt(`${why} ${part.file} holds the text of ${nameOf(part)} for a part, which the policy denies.`, concluded, sure);
  return { outcome: "ok", why, concluded, sure, question: null };
}

function conflict(given: Case, why: string, expression: Expression | null): Decision {
  const concluded = expression === null ? null : writeExpression(expression);
  return { outcome: "conflict", why, concluded, sure: leastSure(given.found), question: null };
}

function doubt(why: string, proposal: string | null, sure: number): Decision {
  return { outcome: "doubt", why, concluded: null, sure, question: { text: why, proposal } };
}
