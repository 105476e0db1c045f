/**
 * Trust: what verdicts say about agents at a capability, whom to choose by it, and why. Pure: no clock, no chance, no I/O.
 */
export type {
  Candidate,
  ChooseRequest,
  Estimate,
  Outcome,
  Prospect,
  TrustChange,
  TrustChoice,
} from "./trust/ledger.ts";
export { Ledger } from "./trust/ledger.ts";
