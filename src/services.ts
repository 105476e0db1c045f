/**
 * What can be called: definitions and the catalogue, discovery, choosing among several, calling, and what stands in when
 * nobody can answer.
 */

export type { Reach } from "./services/attempt.ts";
export { type Answerers, callingOf, rehearsedCalls } from "./services/call.ts";
export { CAPABILITIES } from "./services/capabilities.ts";
export { CATALOGUE } from "./services/catalogue.ts";
export {
  checkDefinitionValue,
  checkedDefinition,
  isService,
  isServiceDocument,
  type ReadDefinition,
  readDefinition,
  type ServiceDocument,
  service,
  serviceOfCode,
  serviceOfDocument,
} from "./services/definition.ts";
export {
  type CallFacts,
  circuitOf,
  Desk,
  type DeskOptions,
  type Health,
  type KeptState,
  type Paying,
  type ServiceEvent,
  type Standing,
} from "./services/desk.ts";
export { type Discovered, discover } from "./services/discovery.ts";
export { checkHealth, HealthWatch } from "./services/health.ts";
export { definitionOfMcp, definitionOfOpenApi, isOpenApi, serviceName } from "./services/import.ts";
export { judge } from "./services/judgement.ts";
export { McpConnections } from "./services/mcp.ts";
export type { HttpRequestPlan, Operation as ApiOperation, OperationParameter } from "./services/openapi.ts";
export { planOperation } from "./services/openapi.ts";
export {
  type CallResult,
  type Need,
  type ParallelCall,
  type ParallelOptions,
  type ParallelResult,
  parallel,
  type SequencedCall,
  type SequenceOptions,
  type SequenceResult,
  sequence,
} from "./services/patterns.ts";
export { servicesProblems } from "./services/problems.ts";
export { type Choice, STRATEGIES } from "./services/selection.ts";
export type { FileValue, Operation, Outside, Service, ServiceDefinition } from "./services/service.ts";
