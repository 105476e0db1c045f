/**
 * What can be asked of Baton: operations with their schemas and problems, and no handler. The command line is made from
 * this list; so are HTTP routes and clients.
 */
export type { AgentLine, AgentView, TrustView } from "./api/agent-operations.ts";
export type { CommandShape, OperationShape } from "./api/operation.ts";
export {
  type Answerer,
  type InputOf,
  isOperationName,
  type OperationName,
  type OutputOf,
  operations,
  type ReadInputOf,
} from "./api/operations.ts";
export { apiProblems, readInput } from "./api/problems.ts";
export type {
  EntryLine,
  InboxItem,
  OperationLine,
  Question,
  RunLine,
  RunView,
  ScheduleLine,
  WorkflowLine,
} from "./api/schemas.ts";
export type { FoundService, KpisView, ServiceLine, ServiceOperationLine, ServiceView } from "./api/service-operations.ts";
