// What readings say about services: verdicts for the ledger of trust.
//
// For a service being there is a part of being right: an attempt that failed because nobody answered counts against it as
// one with a wrong answer does. What is the caller's own fault counts for nothing. A person's word counts as a verdict of
// its own.

import type { Json } from "../base/json.ts";
import type { Reading } from "../store.ts";
import type { Ledger } from "../trust.ts";
import type { FailureClass } from "./attempt.ts";
import type { CallFacts } from "./desk.ts";

/** Failures that say nothing of the service. */
const NOT_ITS: ReadonlySet<FailureClass> = new Set(["denied", "input", "secret", "circuit", "canceled"]);

/** A rating of so much and more is a right result; less than `WRONG_BELOW` a wrong one. */
const RIGHT_FROM = 4;
const WRONG_BELOW = 3;

/** Takes one reading in. */
export function judge(
  ledger: Ledger,
  { what, service, operation }: Pick<Reading, "what" | "service" | "operation">,
  facts: Json,
): void {
  const agent = `${service}/${operation}`;
  if (what === "call") judgeCall(ledger, agent, facts as unknown as CallFacts);
  if (what === "rating") judgeRating(ledger, agent, facts as { capability: string; rating: number });
}

function judgeCall(ledger: Ledger, agent: string, facts: CallFacts): void {
  const { capability, ok, failure = "other", latencyMs, costUsd, inFlight } = facts;
  if (!ok && NOT_ITS.has(failure)) return;
  ledger.record({ capability, agent, ok, latencyMs, inFlight, ...(costUsd === null ? {} : { priceUsd: costUsd }) });
}

function judgeRating(ledger: Ledger, agent: string, { capability, rating }: { capability: string; rating: number }): void {
  if (rating >= RIGHT_FROM) ledger.record({ capability, agent, ok: true });
  if (rating < WRONG_BELOW) ledger.record({ capability, agent, ok: false });
}
