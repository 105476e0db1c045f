// What an agent is: somebody who takes a task and decides for itself how to do it, with all that must be known to choose
// it, hand it work, and hold it to what it promised.
//
// A definition is what people write (TypeScript, YAML, JSON); an agent is what it means, read once. What an agent says of
// itself is never evidence: only verdicts are.

import type { Context, Schema, SchemaLike, StepContext, Workflow } from "../workflow.ts";

/** A person took it into service, or not yet; or back. */
export const AGENT_STATUSES = ["unverified", "active", "degraded", "quarantined", "retired"] as const;

export type AgentStatus = (typeof AGENT_STATUSES)[number];

/** A tool of a model: an operation of a service, or of an MCP server that is one. */
export interface ToolDefinition {
  /** `service/operation`. */
  readonly tool: string;
  /** What the model knows it by; `service_operation` where left out. */
  readonly name?: string;
  readonly description?: string;
  /** `always`: a person is asked each time; `never`. Destructive ones ask where left out. */
  readonly approval?: "always" | "never";
}

/** A language model with instructions and tools. */
export interface ModelAgent {
  readonly instructions: string;
  /** The model's own name; the service's default where left out. */
  readonly model?: string;
  /** `service/operation` or a capability; `llm.chat` where left out. */
  readonly via?: string;
  readonly temperature?: number;
  /** Of one answer. */
  readonly maxTokens?: number;
  readonly tools?: readonly (string | ToolDefinition)[];
  /** Whether it may hand tasks on, and of which capabilities. */
  readonly delegates?: readonly string[];
  /** Answers of the model; 25 where left out. */
  readonly turnsMax?: number;
  /** The stream of the run that is told tokens as they come; `agent NAME` where left out. */
  readonly stream?: string;
}

/** A process in any language that speaks Baton's protocol for agents: docs/agent-protocol.md. */
export interface ProcessAgent {
  /** Of `POST /tasks`. */
  readonly url: string;
  /** A secret, sent as a bearer token. */
  readonly secret?: string;
  /** How long it may be silent before it is taken for dead, in ms; 15,000 where left out. */
  readonly leaseMs?: number;
  /** Between two looks, in ms; 500 where left out. */
  readonly pollMs?: number;
}

export interface PersonAgent {
  /** Who may answer; everybody where left out. */
  readonly to?: string | readonly string[];
  /** What is asked; jq over the task's input in `${ … }`. */
  readonly question?: string;
  readonly timeoutMs?: number;
}

export interface AgentLimits {
  /** Tasks under way at once; 8 where left out. */
  readonly concurrency?: number;
  /** Of one task, in ms; 600,000 where left out, a day of a person. */
  readonly timeoutMs?: number;
  /** Of one task. */
  readonly tokens?: number;
  readonly usd?: number;
  /** Of services and tools, for one task. */
  readonly calls?: number;
}

/** Does a task by steps. What it asks of the context is in the run's journal, and paid by the task's budget. */
export type Work = (context: Context, input: never) => unknown;

/** Does a task at one go: one step, done again where it was interrupted. */
export type ShortWork = (input: never, step: StepContext) => unknown;

/** An agent as it is written: with one of `act`, `run`, `model`, `process`, `workflow`, `person`. */
export interface AgentDefinition {
  /** Letters, digits, `-` and `_`. */
  readonly agent: string;
  readonly version?: string;
  readonly title?: string;
  readonly description?: string;
  /** Who answers for it. */
  readonly owner?: string;
  /** What it can, from the general to the particular: `write`, `write.brief`. */
  readonly capabilities: readonly string[];
  readonly input?: SchemaLike;
  readonly output?: SchemaLike;
  /** What it takes for a task, in US$, beside what it spends on models and services. */
  readonly priceUsd?: number;
  readonly typicalLatencyMs?: number;
  /** 1 is asked first where priority decides; 100 where left out. */
  readonly priority?: number;
  readonly limits?: AgentLimits;
  readonly act?: ShortWork;
  readonly run?: Work;
  readonly model?: ModelAgent;
  readonly process?: ProcessAgent;
  readonly workflow?: Workflow | string;
  readonly person?: PersonAgent;
}

export type AgentWork =
  | { readonly kind: "function"; readonly act: ShortWork }
  | { readonly kind: "steps"; readonly run: Work }
  | { readonly kind: "model"; readonly model: ModelAgent }
  | { readonly kind: "process"; readonly process: ProcessAgent }
  | { readonly kind: "workflow"; readonly workflow: Workflow | string }
  | { readonly kind: "person"; readonly person: PersonAgent };

export type AgentKind = AgentWork["kind"];

/** An agent that can be given tasks. */
export interface Agent {
  readonly id: string;
  readonly version: string;
  readonly title: string;
  readonly description: string | null;
  readonly owner: string | null;
  readonly capabilities: readonly string[];
  readonly input: Schema | null;
  readonly output: Schema | null;
  readonly priceUsd: number;
  readonly typicalLatencyMs: number | null;
  readonly priority: number;
  readonly limits: Required<Pick<AgentLimits, "concurrency" | "timeoutMs">> & AgentLimits;
  readonly work: AgentWork;
}

/** Where left out. */
export const AGENT_LIMITS = { concurrency: 8, timeoutMs: 600_000 } as const;

/** People take their time: a day. */
export const PERSON_LIMITS = { concurrency: 8, timeoutMs: 86_400_000 } as const;

export const AGENT_PRIORITY = 100;
