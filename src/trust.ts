/**
 * Trust: what verdicts say about agents at a capability, whom to choose by it, and why. Pure: no clock, no chance, no I/O.
 */
export type { Refusal } from "./trust/admission.ts";
export type { Estimate } from "./trust/agent.ts";
export type { Fall } from "./trust/belief.ts";
export type { Prospect, TrustAnswer, TrustChoice, TrustRefusal } from "./trust/choice.ts";
export type { HistoryPoint } from "./trust/history.ts";
export type { PeerReport } from "./trust/imports.ts";
export type { Instruction, InstructionKind } from "./trust/instructions.ts";
export type { Checker, Observation, Outcome, PeerStanding, TrustChange, Whom } from "./trust/ledger.ts";
export { Ledger } from "./trust/ledger.ts";
export type { OpenChooseRequest, OpenLedger, OpenLedgerOptions } from "./trust/open-ledger.ts";
export { openLedger } from "./trust/open-ledger.ts";
export type { Candidate, ChooseRequest } from "./trust/option.ts";
export type { Federation, LedgerOptions, Rules } from "./trust/rules.ts";
