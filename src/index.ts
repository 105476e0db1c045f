/**
 * Baton: durable orchestration of AI services and agents.
 *
 * Describe the work once; Baton carries it to the end through crashes and flaky services. `workflow` defines it,
 * `openBaton` carries it inside your program, `baton run FILE` from a terminal.
 */
export { z } from "zod";
export type { RunId } from "./base/id.ts";
export type { Json } from "./base/json.ts";
export { type Problem, ProblemError } from "./base/problem.ts";
export { type Baton, type OpenOptions, openBaton, type RunHandle, type StartOptions } from "./orchestrator.ts";
export {
  type CloudEvent,
  type EventFilter,
  type EventInit,
  NonRetryableError,
  type RetentionPolicy,
  RetryAfterError,
  type RetryPolicy,
  type Run,
  type RunStatus,
} from "./run.ts";
export {
  type Amounts,
  type Answer,
  type AskOptions,
  type BudgetView,
  type Called,
  type CallFallback,
  type CallOptions,
  type CallStrategy,
  type Check,
  type ChildOptions,
  type Context,
  type Degradation,
  type Delegated,
  type FileValue,
  type Interrupted,
  type LimitOptions,
  type ListenOptions,
  type Log,
  mapLimit,
  type RunInfo,
  type RunLimit,
  type Signal,
  type StepContext,
  type StepOptions,
  type StreamWriter,
  type Task,
  type WaitOptions,
  type Workflow,
  type WorkflowDefinition,
  workflow,
} from "./workflow.ts";
