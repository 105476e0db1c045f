// What a budget's refusal means. Owns its reasons, the sentence people read, and what follows from it and from what the
// author of the work wants; leaves doing it to others. Pure.
//
// 1. A lack that is only reserved by others may come back: that is waited for, whatever the policy.
// 2. The policy decides lacks alone. What is closed, unknown or contradicts itself stops.
// 3. What is missing is exactly as much as the refusing node needs more for the same question to be granted.

import { unreachable } from "../base/never.ts";
import { type Amounts, amountInWords, inside, outside, type Resource } from "./amounts.ts";

export interface BudgetRefusal {
  readonly ok: false;
  /** All of them, the nearest node first; at least one. */
  readonly reasons: readonly BudgetReason[];
}

/** Amounts as people count. */
export type BudgetReason =
  | {
      readonly kind: "too-little";
      readonly node: string;
      readonly resource: Resource;
      readonly asked: number;
      readonly left: number;
      /** What others hold, and may give back. */
      readonly reserved: number;
    }
  | {
      readonly kind: "overdrawn";
      readonly node: string;
      readonly resource: Resource;
      readonly asked: number;
      readonly over: number;
    }
  | { readonly kind: "closed" | "node-unknown" | "node-open" | "node-reused"; readonly node: string }
  | { readonly kind: "reservation-unknown" | "reservation-reused" | "reservation-committed"; readonly id: string }
  | { readonly kind: "too-many"; readonly what: "levels" | "nodes" | "reservations"; readonly max: number };

export function refused(...reasons: readonly BudgetReason[]): BudgetRefusal {
  return { ok: false, reasons };
}

// ── What to do ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What its author wants where a budget is at its end: give up, do with less, ask a person, or give what there is. */
export type OnBudget = "stop" | "degrade" | "ask" | "partial";

/** `because`: a sentence for people. */
export type BudgetAction =
  | { readonly kind: "stop"; readonly because: string }
  /** Room that others hold may come back: ask again when something is settled, within the caller's own deadline. */
  | { readonly kind: "wait"; readonly because: string }
  /** There is this much of what lacks, and no limit to the rest. */
  | { readonly kind: "degrade"; readonly because: string; readonly within: Amounts }
  /** So much more is needed, there. */
  | { readonly kind: "ask"; readonly because: string; readonly missing: readonly BudgetMissing[] }
  | { readonly kind: "partial"; readonly because: string };

export interface BudgetMissing {
  readonly node: string;
  readonly resource: Resource;
  readonly amount: number;
}

/** Only what lacks is the policy's to decide: what is closed, unknown or contradicts itself stops. */
export function afterRefusal(refusal: BudgetRefusal, policy: OnBudget): BudgetAction {
  const because = explainBudget(refusal);
  if (refusal.reasons.every(mayComeBack)) return { kind: "wait", because };
  const lacks = refusal.reasons.filter((reason) => reason.kind === "too-little" || reason.kind === "overdrawn");
  if (lacks.length < refusal.reasons.length) return { kind: "stop", because };
  switch (policy) {
    case "stop":
    case "partial":
      return { kind: policy, because };
    case "degrade": {
      const isNothing = lacks.some((lack) => lack.kind === "overdrawn" || lack.left === 0);
      return isNothing ? { kind: "stop", because } : { kind: "degrade", because, within: leastLeft(lacks) };
    }
    case "ask":
      return { kind: "ask", because, missing: lacks.map(missingOf) };
    default:
      return unreachable(policy);
  }
}

type Lack = BudgetReason & { kind: "too-little" | "overdrawn" };

function mayComeBack(reason: BudgetReason): boolean {
  if (reason.kind === "too-many") return reason.what === "reservations";
  if (reason.kind !== "too-little") return false;
  const { resource, asked, left, reserved } = reason;
  return inside(resource, asked) <= inside(resource, left) + inside(resource, reserved);
}

function missingOf(lack: Lack): BudgetMissing {
  const { node, resource, asked } = lack;
  const left = lack.kind === "overdrawn" ? -lack.over : lack.left;
  return { node, resource, amount: outside(resource, inside(resource, asked) - inside(resource, left)) };
}

function leastLeft(lacks: readonly Lack[]): Amounts {
  const left = Map.groupBy(lacks, ({ resource }) => resource);
  const least = left.entries().map(([resource, all]) => [resource, Math.min(...all.map(leftIn))] as const);
  return Object.fromEntries(least);
}

function leftIn(lack: Lack): number {
  return lack.kind === "overdrawn" ? 0 : lack.left;
}

// ── In words ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One sentence for people: `The budget does not allow it: "run_1" has US$ 0.02 left, and US$ 0.05 would be needed.` */
export function explainBudget({ reasons }: BudgetRefusal): string {
  return `The budget does not allow it: ${reasons.map(reasonInWords).join("; ")}.`;
}

function reasonInWords(reason: BudgetReason): string {
  switch (reason.kind) {
    case "too-little": {
      const [left, asked] = [amountInWords(reason.resource, reason.left), amountInWords(reason.resource, reason.asked)];
      const held = reason.reserved === 0 ? "" : ` (${amountInWords(reason.resource, reason.reserved)} reserved)`;
      return `${JSON.stringify(reason.node)} has ${left} left${held}, and ${asked} would be needed`;
    }
    case "overdrawn":
      return `${JSON.stringify(reason.node)} is overdrawn by ${amountInWords(reason.resource, reason.over)}`;
    case "closed":
      return `${JSON.stringify(reason.node)} is closed`;
    case "node-unknown":
      return `there is no budget ${JSON.stringify(reason.node)}`;
    case "node-open":
      return `${JSON.stringify(reason.node)} is not closed`;
    case "node-reused":
      return `there is a budget ${JSON.stringify(reason.node)} already, elsewhere`;
    case "reservation-unknown":
      return `there is no reservation ${JSON.stringify(reason.id)}`;
    case "reservation-reused":
      return `reservation ${JSON.stringify(reason.id)} was made for something else`;
    case "reservation-committed":
      return `what ${JSON.stringify(reason.id)} reserved is spent`;
    case "too-many":
      return `there may be ${reason.max} ${reason.what} at most`;
    default:
      return unreachable(reason);
  }
}
