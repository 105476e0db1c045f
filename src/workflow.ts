/**
 * How work is written: the Context a workflow asks, defining one in code, and the schemas at its door. Pure.
 */

export { type CheckOptions, checkDocument } from "./workflow/check.ts";
export type {
  Answer,
  Answering,
  AskOptions,
  Called,
  CallFallback,
  Calling,
  CallOptions,
  CallStrategy,
  ChildOptions,
  Context,
  Degradation,
  Delegating,
  FileValue,
  Interrupted,
  LimitOptions,
  ListenOptions,
  Log,
  RunInfo,
  RunLimit,
  Signal,
  StepContext,
  StepOptions,
  StreamWriter,
  WaitOptions,
  Workflow,
} from "./workflow/context.ts";
export { fullName, isWorkflow, type WorkflowDefinition, workflow } from "./workflow/define.ts";
export type {
  Amounts,
  BudgetLine,
  BudgetView,
  Check,
  Delegated,
  DelegationStrategy,
  FailureAction,
  Refusal,
  Task,
  Terms,
  Tried,
} from "./workflow/delegation.ts";
export { DIAGNOSTICS, type Diagnostic, frame, Report, Trail } from "./workflow/diagnostic.ts";
export type { Doer, HttpAnswer, HttpCall, HttpPlan, TaskEvent } from "./workflow/doer.ts";
export { compileValue, type Evaluate, type ExpressionScope, piecesOf } from "./workflow/expression.ts";
export { type Fault, faultOf } from "./workflow/fault.ts";
export { type Graph, graphOf } from "./workflow/graph.ts";
export { graphMermaid } from "./workflow/graph-mermaid.ts";
export { graphSvg } from "./workflow/graph-svg.ts";
export { graphText } from "./workflow/graph-text.ts";
export { documentWorkflow } from "./workflow/interpreter.ts";
export { mapLimit } from "./workflow/map-limit.ts";
export { masked, maskedBytes, maskedForms, secretForms } from "./workflow/mask.ts";
export { type DocumentSchedule, scheduleOf } from "./workflow/schedule.ts";
export {
  type Checked,
  type Issue,
  issuesInWords,
  type JsonSchema,
  readDocumentSchema,
  readSchema,
  readServiceSchema,
  type Schema,
  type SchemaLike,
} from "./workflow/schema.ts";
export * as shapes from "./workflow/shape.ts";
export { placed, readSource, type Source } from "./workflow/source.ts";
