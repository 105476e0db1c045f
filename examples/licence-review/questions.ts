// Doubts, asked of a person once: one list in which packages with the same doubt share a number, and what an answer does.
//
// Q1. Without an answer every doubt stays one: nothing is allowed because nobody looked.

import { findSpdxId } from "./declared.ts";
import { readExpression, writeExpression } from "./expression.ts";
import { byText } from "./order.ts";
import { judgeExpression, type Policy } from "./policy.ts";
import type { Review } from "./review.ts";

interface Question {
  /** From 1, in the order of the first package. */
  readonly number: number;
  readonly text: string;
  readonly proposal: string | null;
  readonly packages: readonly string[];
}

/** `accept` the proposal, `deny` the packages, `leave` them as doubts, or the SPDX expression that holds. */
export interface Answers {
  /** By the question's number. */
  readonly decisions: Readonly<Record<string, string>>;
  /** For all questions not named. */
  readonly rest: "accept" | "deny" | "leave";
}

/** Q1. */
export const NO_ANSWERS: Answers = { decisions: {}, rest: "leave" };

/** A question as it was decided, for the report. */
export interface Asked extends Question {
  readonly decision: string;
  readonly by: "person" | "default";
}

/** Questions shown in the message; the report has them all. */
const SHOWN_MAX = 200;
const PACKAGES_SHOWN_MAX = 4;

export function questionsOf(reviews: readonly Review[]): Question[] {
  const groups = new Map<string, { text: string; proposal: string | null; packages: string[] }>();
  for (const { key, question } of reviews.toSorted((a, b) => byText(a.key, b.key))) {
    if (question === null) continue;
    const name = JSON.stringify([question.text, question.proposal]);
    const known = groups.get(name) ?? { ...question, packages: [] };
    known.packages.push(key);
    groups.set(name, known);
  }
  return [...groups.values()].map((group, i) => ({ number: i + 1, ...group }));
}

export function questionsInWords(questions: readonly Question[]): string {
  const lines = questions.slice(0, SHOWN_MAX).map(({ number, text, proposal, packages }) => {
    const more = packages.length > PACKAGES_SHOWN_MAX ? ` and ${packages.length - PACKAGES_SHOWN_MAX} more` : "";
    return `${number}. ${packages.slice(0, PACKAGES_SHOWN_MAX).join(", ")}${more}: ${text}${proposal === null ? "" : ` Accept ${proposal}?`}`;
  });
  if (questions.length > SHOWN_MAX) lines.push(`… and ${questions.length - SHOWN_MAX} more, which follow "rest".`);
  return [
    `${questions.length} ${questions.length === 1 ? "doubt" : "doubts"} about licences. For each number: "accept", "deny", "leave", or the SPDX expression that holds.`,
    ...lines,
    `Answer {"decisions": {"1": "accept"}, "rest": "leave"}; without an answer every doubt stays a doubt.`,
  ].join("\n");
}

/** Says whether a decision can be carried out. */
export function isDecision(text: string): boolean {
  return /^(?:accept|deny|leave)$/.test(text) || readExpression(text, findSpdxId).ok;
}

export function decideQuestions(questions: readonly Question[], answers: Answers, by: "person" | "default"): Asked[] {
  return questions.map((question) => ({ ...question, decision: answers.decisions[question.number] ?? answers.rest, by }));
}

export function applyAnswers(reviews: readonly Review[], asked: readonly Asked[], policy: Policy): Review[] {
  const byPackage = new Map(asked.flatMap((one) => one.packages.map((key) => [key, one] as const)));
  return reviews.map((review) => {
    const one = byPackage.get(review.key);
    return one === undefined ? review : applyDecision(review, one, policy);
  });
}

function applyDecision(review: Review, { decision, proposal, text }: Asked, policy: Policy): Review {
  if (decision === "leave") return review;
  if (decision === "deny")
    return { ...review, outcome: "denied", why: `${text} A person denied it.`, concluded: null, question: null };
  const expression = decision === "accept" ? proposal : decision;
  if (expression === null)
    return { ...review, outcome: "ok", why: `${text} A person accepted it.`, concluded: null, question: null };
  const read = readExpression(expression, findSpdxId);
  if (!read.ok)
    return { ...review, findings: [...review.findings, `the answer “${expression}” is no SPDX expression: ${read.why}`] };
  return concludedByPerson(
    review,
    writeExpression(read.expression),
    text,
    judgeExpression(policy, read.expression).verdict === "deny",
  );
}

function concludedByPerson(review: Review, concluded: string, text: string, denied: boolean): Review {
  const why = `${text} A person concluded ${concluded}${denied ? ", which the policy denies" : ""}.`;
  return { ...review, outcome: denied ? "denied" : "ok", why, concluded, question: null };
}
