// The signed token of a task: what whoever has it may do, link by link from the first hop, each within the one before it.
//
// Inside one process terms are kept to by the desk; the token is what others can verify, and is made for the second hop and for
// whoever is another process.

import { createHash } from "node:crypto";
import { INSTANT_MAX } from "../base/time.ts";
import { explainDelegation, mintDelegation, narrowDelegation, type Signer, verifyDelegation } from "../security.ts";
import type { Amounts, BudgetView, Terms } from "../workflow.ts";
import { agentProblems } from "./problems.ts";

export interface TokenTerms {
  readonly run: string;
  readonly terms: Terms;
  /** What there is to spend. */
  readonly budget: BudgetView;
  /** What `all` stands for: the first words of all capabilities there are. */
  readonly capabilities: readonly string[];
}

/** The token of one hop; `above` is that of the hop before. Throws DELEGATION_REFUSED where it would be wider. */
export function tokenOf(
  { run, terms, budget, capabilities }: TokenTerms,
  above: string | null,
  signer: Signer,
  now: number,
): string {
  const hop = {
    delegation: nameOf(terms.delegation),
    audience: terms.agent,
    capabilities: terms.capabilities === "all" ? capabilities : terms.capabilities,
    tools: terms.tools,
    budget: amountsIn(budget),
    deadlineAt: terms.deadlineAt ?? INSTANT_MAX,
    depth: Math.max(0, terms.depthLeft),
  };
  const made = above === null ? mintDelegation({ run, ...hop }, signer) : narrowDelegation(above, hop, signer);
  if (!made.ok) throw agentProblems.DELEGATION_REFUSED(explainDelegation(made.refusal));
  const verdict = verifyDelegation(made.token, { rootKeys: [signer.publicKey], audience: terms.agent }, now);
  if (!verdict.ok) throw agentProblems.DELEGATION_REFUSED(explainDelegation(verdict.refusal));
  return made.token;
}

/** Names of delegations grow with their depth; a token names one in so many characters. */
const NAME_LENGTH_MAX = 128;

function nameOf(delegation: string): string {
  if (delegation.length <= NAME_LENGTH_MAX) return delegation;
  return `${delegation.slice(0, 60).toWellFormed()} ${createHash("sha256").update(delegation).digest("hex")}`;
}

function amountsIn(view: BudgetView): Amounts {
  const limited = Object.entries(view).flatMap(([resource, { left }]) =>
    left === null ? [] : [[resource, Math.max(0, left)] as const],
  );
  return Object.fromEntries(limited);
}
