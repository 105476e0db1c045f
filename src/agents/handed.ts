// What whoever does a task is given, and what it reaches of the world while it does: given by whoever carries runs.

import type { Json } from "../base/json.ts";
import type { JsonSchema, Terms, Workflow } from "../workflow.ts";
import type { Agent, ProcessAgent } from "./agent.ts";
import type { PlainTask } from "./desk.ts";

/** What agents reach of the world, given by whoever carries runs. */
export interface Doing {
  /** A tool as it is now, `service/operation`; null where there is none. */
  tool(name: string): ToolOffer | null;
  /** By name; null where it is not loaded. */
  workflow(name: string): Workflow | null;
  /** The way to processes that are agents. */
  readonly door: ProcessDoor;
  /** The same with the texts of all secrets masked. */
  redacted(value: Json): Json;
}

export interface Handed {
  readonly agent: Agent;
  readonly task: PlainTask;
  readonly terms: Terms;
  readonly run: string;
  /** All it may take, in ms. */
  readonly limitMs: number;
}

/** A tool as it stands now. */
export interface ToolOffer {
  readonly tool: string;
  readonly description: string | null;
  readonly input: JsonSchema | boolean | null;
  readonly effects: "read" | "write" | "destructive";
}

/** How a process is reached. */
export interface ProcessDoor {
  /** Throws EGRESS_… problems; gives what was answered, whatever the status. */
  ask(agent: ProcessAgent, request: ProcessRequest, signal: AbortSignal): Promise<ProcessAnswer>;
  /** Signed: what the process may do with the task. */
  token(handed: Handed): string;
  /** Between two looks. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  now(): number;
  /** Pays for what it says it used. */
  paid(handed: Handed, key: string, usage: ProcessUsage): void;
}

export interface ProcessRequest {
  readonly method: "POST" | "GET" | "DELETE";
  readonly path: string;
  readonly body?: Json;
}

export interface ProcessAnswer {
  readonly status: number;
  readonly body: Json;
}

export interface ProcessUsage {
  readonly usd?: number;
  readonly tokens?: number;
  readonly calls?: number;
}
