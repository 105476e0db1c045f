// The ledger of src/trust as a policy of the benchmark: the very class that Baton uses, with rules turned off for ablations.

import { Ledger, type LedgerOptions } from "../../src/trust.ts";
import type { PolicyMaker } from "./policies.ts";

export const CAPABILITY = "work";

export function ledgerPolicy(options: LedgerOptions = {}): PolicyMaker {
  return ({ agents, next }) => {
    const ledger = new Ledger(options);
    const names = Array.from({ length: agents }, (_, i) => `agent-${i}`);
    const places = new Map(names.map((name, i) => [name, i]));
    let candidates = names.map((agent) => ({ agent }));
    const seed = next();
    const whom = (agent: number) => ({ capability: CAPABILITY, agent: names[agent] ?? "" });
    return {
      choose(t) {
        const { agent } = ledger.choose({ capability: CAPABILITY, candidates, seed: `${seed}/${t}` });
        return places.get(agent) ?? 0;
      },
      record: (agent, ok) => void ledger.record({ ...whom(agent), ok }),
      estimate: (agent) => ledger.chance(whom(agent)),
      rename(agent) {
        names[agent] = `agent-${places.size}`;
        places.set(names[agent], agent);
        candidates = names.map((name) => ({ agent: name }));
      },
    };
  };
}
