// What kept verdicts say to the ledger of trust, one after the other.
//
// A fault says what the work took and nothing of its quality; a task that is at fault itself says nothing at all.

import type { Json } from "../base/json.ts";
import type { Verdict } from "../store.ts";
import type { Ledger } from "../trust.ts";

interface Facts {
  readonly latencyMs?: number;
  readonly by?: string;
  readonly why?: string;
}

/** Takes one line in. */
export function learnFrom(ledger: Ledger, line: Verdict): void {
  const { agent, capability, taskKind, verdict, at, text } = line;
  const facts = JSON.parse(text) as Facts;
  const kind = taskKind === "" ? {} : { kind: taskKind };
  switch (verdict) {
    case "right":
    case "wrong":
      ledger.record({ agent, capability, ...kind, ok: verdict === "right", ...latencyIn(facts) });
      return;
    case "pin":
    case "ban":
    case "clear":
    case "forgive": {
      const of = capability === "" ? {} : { capability };
      ledger.instruct({ kind: verdict, agent, ...of, by: facts.by ?? "a person", why: facts.why ?? "", at });
      return;
    }
    case "imported":
      ledger.importEvidence(JSON.parse(text) as Parameters<Ledger["importEvidence"]>[0]);
      return;
    case "fault":
    case "task-fault":
      return;
  }
}

function latencyIn({ latencyMs }: Facts): { readonly latencyMs?: number } {
  return typeof latencyMs === "number" && latencyMs >= 0 ? { latencyMs } : {};
}

/** What a person says of an agent, as it is kept. */
export function saidOf(by: string, why: string): Json {
  return { by, why };
}
