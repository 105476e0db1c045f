/**
 * Who can decide: agents as they are written, matched with what a task asks for, chosen by what they have earned, handed
 * tasks within terms that only narrow, and judged by what came of it.
 */

export { Accounts, type AccountsOptions, ORGANISATION } from "./agents/accounts.ts";
export type { Agent, AgentDefinition, AgentKind, AgentStatus, ProcessAgent } from "./agents/agent.ts";
export { AGENT_STATUSES } from "./agents/agent.ts";
export { type Containment, containment } from "./agents/containment.ts";
export {
  type AgentDocument,
  agent,
  agentOf,
  agentOfDocument,
  checkAgentValue,
  checkedAgent,
  isAgent,
  isAgentDocument,
  type ReadAgent,
  readAgentDefinition,
} from "./agents/definition.ts";
export { delegatingOf } from "./agents/delegate.ts";
export {
  AgentDesk,
  type AgentDeskOptions,
  type AgentEvent,
  type AgentHealth,
  type Chosen,
  type Standing as AgentStanding,
} from "./agents/desk.ts";
export { learnFrom, saidOf } from "./agents/evidence.ts";
export type { Doing, Handed, ProcessAnswer, ProcessDoor, ProcessRequest, ProcessUsage, ToolOffer } from "./agents/handed.ts";
export {
  DEGREES,
  type Degree,
  type GivenInput,
  type Match,
  type MatchRequest,
  match,
  matchAll,
  type Offer,
  type Ranked,
  type TagRelation,
  tagRelation,
} from "./agents/match.ts";
export { type GuardedOutput, type GuardMade, type OutputGuard, outputGuard } from "./agents/output-guard.ts";
export {
  type Checked as CheckedDraft,
  fanOut,
  type Gathered,
  type GatherOptions,
  type HubOptions,
  hub,
  lead,
  type MakerCheckerOptions,
  type MapReduceOptions,
  type Merged,
  makerChecker,
  mapReduce,
  type Need as PiecesNeed,
  type Piece,
  type PieceResult,
  race,
  relay,
} from "./agents/patterns.ts";
export { agentProblems } from "./agents/problems.ts";
export { openLedger } from "./trust.ts";
