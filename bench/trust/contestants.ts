// Who takes part in the trust benchmark, by the names of the published table. Their constants are those of their authors; where
// the published text leaves one open (the exploration of the GLR rules, the padding of D-UCB, how greedy begins), it was chosen to
// come near what was published of the rule on the first forty seeds, which is in the rule's favour.

import { ledgerPolicy } from "./ledgers.ts";
import {
  betaReputation,
  discountedThompson,
  discountedUcb,
  eigenTrust,
  epsilonGreedy,
  glr,
  greedy,
  klUcb,
  type PolicyMaker,
  random,
  roundRobin,
  thompson,
  ucb1,
  windowKlUcb,
  windowThompson,
  windowUcb,
} from "./policies.ts";

/** The share of tasks that go round all agents whatever is known: a fixed one, or the authors' for a few arms and four breaks. */
const GLR_EXPLORATION = 0.065;
const glrExploration = ({ agents, tasks }: { readonly agents: number; readonly tasks: number }) =>
  agents > 3 ? GLR_EXPLORATION : 0.1 * Math.sqrt((agents * 4 * Math.log(tasks)) / tasks);

/** Each agent once in five hundred tasks. */
const localisedExploration = ({ agents }: { readonly agents: number }) => Math.min(0.02, agents / 500);

export const CONTESTANTS: readonly (readonly [name: string, make: PolicyMaker])[] = [
  ["random", random],
  ["round-robin", roundRobin],
  ["greedy", greedy],
  ["ε-greedy .05", epsilonGreedy(0.05)],
  ["Beta reputation .99", betaReputation(0.99)],
  ["EigenTrust, 1 rater", eigenTrust],
  ["UCB1", ucb1(2)],
  ["kl-UCB", klUcb],
  ["Thompson", thompson],
  ["discounted Thompson .998", discountedThompson(0.998)],
  ["discounted Thompson .99", discountedThompson(0.99)],
  ["window Thompson 500", windowThompson(500)],
  ["D-UCB .998", discountedUcb(0.998)],
  ["SW-UCB 500", windowUcb(500)],
  ["SW-klUCB 206", windowKlUcb(206)],
  ["GLR-klUCB local", glr({ exploration: glrExploration, restart: "agent", isThompson: false })],
  ["GLR + localise + Thompson", glr({ exploration: localisedExploration, restart: "localised", isThompson: true })],
  ["ledger, closed", ledgerPolicy()],
  ["ledger, c = 1", ledgerPolicy({ rules: { sharpness: 1 } })],
  ["ledger, open", ledgerPolicy({ federation: "open" })],
  ["ledger without change", ledgerPolicy({ rules: { hazardMax: 0 } })],
  ["ledger without strikes", ledgerPolicy({ rules: { strikesMax: 0 } })],
];
