// The ledger for programs and tests outside Baton: as it is inside, with one seed for all draws.

import type { Json } from "../base/json.ts";
import type { Estimate } from "./agent.ts";
import type { TrustAnswer, TrustChoice } from "./choice.ts";
import type { HistoryPoint } from "./history.ts";
import type { PeerReport } from "./imports.ts";
import type { Instruction } from "./instructions.ts";
import { Ledger, type Observation, type Outcome, type PeerStanding, type TrustChange, type Whom } from "./ledger.ts";
import type { ChooseRequest } from "./option.ts";
import type { Federation } from "./rules.ts";

export interface OpenLedgerOptions {
  /** All draws follow from it and from what was told. */
  readonly seed: string | number;
  /** `open`: anybody may enter, so newcomers are kept fewer; `closed` where left out. */
  readonly federation?: Federation;
}

/** `seed` where the same state shall give several draws; else they follow from the verdicts and what is in flight. */
export type OpenChooseRequest = Omit<ChooseRequest, "seed"> & Partial<Pick<ChooseRequest, "seed">>;

/** Pure: time is the count of a capability's verdicts. What each does is said at `Ledger`. */
export interface OpenLedger {
  choose(request: OpenChooseRequest): TrustChoice;
  tryChoose(request: OpenChooseRequest): TrustAnswer;
  record(outcome: Outcome): TrustChange | null;
  observe(observation: Observation): void;
  importEvidence(report: PeerReport): void;
  instruct(instruction: Instruction): void;
  estimate(whom: Whom): Estimate;
  history(whom: Whom): HistoryPoint[];
  peers(capability: string): PeerStanding[];
  instructions(): readonly Instruction[];
  snapshot(): Json;
  /** Goes on from a snapshot, in place of what was known. Throws TRUST_SNAPSHOT_INVALID, and is then as it was. */
  restore(snapshot: Json): void;
}

export function openLedger({ seed, federation = "closed" }: OpenLedgerOptions): OpenLedger {
  let ledger = new Ledger({ federation });
  const seeded = (request: OpenChooseRequest): ChooseRequest => {
    const inFlight = request.candidates.reduce((sum, one) => sum + (one.inFlight ?? 0), 0);
    const moment = request.seed ?? `${ledger.verdicts(request.capability)} ${inFlight}`;
    return { ...request, seed: `${seed}\n${moment}` };
  };
  return {
    choose: (request) => ledger.choose(seeded(request)),
    tryChoose: (request) => ledger.tryChoose(seeded(request)),
    record: (outcome) => ledger.record(outcome),
    observe: (observation) => ledger.observe(observation),
    importEvidence: (report) => ledger.importEvidence(report),
    instruct: (instruction) => ledger.instruct(instruction),
    estimate: (whom) => ledger.estimate(whom),
    history: (whom) => ledger.history(whom),
    peers: (capability) => ledger.peers(capability),
    instructions: () => ledger.instructions(),
    snapshot: () => ledger.snapshot(),
    restore(snapshot) {
      ledger = Ledger.restore(snapshot, { federation });
    },
  };
}
