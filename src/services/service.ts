// What a service is: something that can be called, with all that must be known to choose it, call it, judge its health
// and count what it costs.
//
// A definition is what people write (YAML, JSON or TypeScript); a service is what it means, read once. Secrets are named
// in it and never held.

import type { Json } from "../base/json.ts";
import type { Rate } from "../flow.ts";
import type { FileValue, JsonSchema, Schema, SchemaLike } from "../workflow.ts";

export type { FileValue };

/** What calling it does to the world: `read` nothing, `write` something, `destructive` something that cannot be had back. */
export type Effects = "read" | "write" | "destructive";

/** What a call costs, in US$. What is left out costs nothing; where all is, nobody knows, unless it is local and so free. */
export interface CostModel {
  readonly usdPerCall?: number;
  readonly usdPerMillionInputTokens?: number;
  readonly usdPerMillionOutputTokens?: number;
}

/** How a form shows a field of an operation's input. */
export interface FieldHint {
  readonly label?: string;
  readonly control?: "text" | "textarea" | "number" | "slider" | "switch" | "select" | "file" | "json" | "hidden";
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  /** The choices are what another operation of the service gives: jq from its output to a list. */
  readonly optionsFrom?: { readonly operation: string; readonly options: string };
}

/** How calls say who they are. The secret is a name: `baton secrets set NAME`. */
export interface Authentication {
  readonly kind: "bearer" | "header" | "query" | "basic";
  readonly secret: string;
  /** Of the header field or query parameter. */
  readonly name?: string;
  /** Before the secret in a header field. */
  readonly prefix?: string;
  /** Without the secret calls are made without it. */
  readonly isOptional?: boolean;
}

export interface HealthCheck {
  /** Is well when it answers below 400. */
  readonly path?: string;
  /** Is well when it gives a result to its smallest input. */
  readonly operation?: string;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
}

/** What all operations of a service share. */
export interface ServiceLimits {
  /** Calls under way at once; 64 where left out. */
  readonly concurrency?: number;
  readonly rate?: Rate;
  /** Of one attempt, in ms; 120,000 where left out. */
  readonly timeoutMs?: number;
  /** Of one answer, decoded; 32 MiB where left out. */
  readonly answerBytesMax?: number;
}

/** A request to the service, from its base URL on. */
export interface ServiceRequest {
  readonly method: string;
  /** From the base URL, encoded: `/v1/models`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  /** Null leaves a field out. */
  readonly headers?: Readonly<Record<string, string | number | boolean | null>>;
  /** JSON, or text as it is. */
  readonly body?: Json;
  /** A form with files instead of a body. */
  readonly form?: readonly FormPart[];
  /** Statuses of 400 and more that are answers and not failures. */
  readonly accept?: readonly number[];
}

export interface FormPart {
  readonly name: string;
  readonly value: string | FileValue;
  readonly fileName?: string;
}

export interface ServiceAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, text, or a FileValue for anything else. */
  readonly body: Json;
}

/** What one attempt used; what is left out is not known. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** What the service itself says it cost, in US$. */
  readonly usd?: number;
}

/** What an operation reaches while it acts: its own service and nothing else. */
export interface Outside {
  /** Values of the service's configuration, defaults filled. */
  readonly config: Readonly<Record<string, Json>>;
  /** Names this call to the service: the same on every attempt. */
  readonly key: string;
  readonly abortSignal: AbortSignal;
  /** Whether somebody follows what is said. */
  readonly isHeard: boolean;
  /** Throws SERVICE_… and EGRESS_… problems; a status of 400 and more is one, unless accepted. */
  send(request: ServiceRequest): Promise<ServiceAnswer>;
  /**
   * Items of an answer that comes bit by bit: lines of JSON, or data of server-sent events. An answer that is JSON and no
   * stream is one item. Gives in the end whether the service said that nothing follows. Throws as `send` does.
   */
  items(request: ServiceRequest, format: "ndjson" | "sse"): AsyncGenerator<Json, boolean>;
  /** Says a piece of the result as it comes, for those who follow. */
  say(text: string): void;
  /** Counts as not known: what is no whole number of tokens up to 1e9, or no price up to 1e6 US$. */
  spend(usage: Usage): void;
  /** Calls a tool of an MCP server; only where the service is one. */
  readonly tool?: (name: string, input: Json) => Promise<Json>;
}

export type Act = (input: Json, outside: Outside) => Promise<Json> | Json;

/** An operation as TypeScript writes it; documents write `get: /path` or `http:` where this has `act`. */
export interface OperationDefinition {
  readonly title?: string;
  readonly description?: string;
  /** What is asked for when it is not asked for by name: `llm.chat`. */
  readonly capability?: string | readonly string[];
  /** `read` for GET, else `write`. */
  readonly effects?: Effects;
  /** Whether doing it twice is doing it once; what only reads is. */
  readonly idempotent?: boolean;
  /** The header field that tells the service which calls are one. */
  readonly idempotencyHeader?: string;
  readonly input?: SchemaLike;
  readonly output?: SchemaLike;
  readonly cost?: CostModel;
  /** Every answer is kept as the last good one to its input; else only those of calls that say `lastGood` themselves. */
  readonly remember?: boolean;
  readonly typicalLatencyMs?: number;
  readonly timeoutMs?: number;
  readonly ui?: Readonly<Record<string, FieldHint>>;
  readonly act: Act;
}

/** A service as it is written. */
export interface ServiceDefinition {
  /** Letters, digits, `-` and `_`; what it is called by: `ollama` of `ollama/chat`. */
  readonly service: string;
  readonly version?: string;
  readonly title?: string;
  readonly description?: string;
  readonly category?: string;
  /** An entry of the catalogue that says the rest. */
  readonly uses?: string;
  readonly baseUrl?: string;
  readonly authentication?: Authentication;
  readonly health?: HealthCheck;
  /** JSON Schema of `config`, with defaults. */
  readonly configuration?: JsonSchema;
  readonly config?: Readonly<Record<string, Json>>;
  readonly limits?: ServiceLimits;
  /** Where data goes: to this machine or its network, or elsewhere. Seen from the base URL where left out. */
  readonly data?: "local" | "remote";
  /** 1 is asked first; 100 where left out. */
  readonly priority?: number;
  /** Its share where services take turns by weight; 1 where left out. */
  readonly weight?: number;
  readonly operations?: Readonly<Record<string, OperationDefinition>>;
}

export interface Operation {
  readonly name: string;
  readonly title: string | null;
  readonly description: string | null;
  readonly capabilities: readonly string[];
  readonly effects: Effects;
  readonly isIdempotent: boolean;
  readonly idempotencyHeader: string | null;
  readonly input: Schema | null;
  readonly output: Schema | null;
  readonly cost: CostModel;
  readonly isRemembered: boolean;
  readonly typicalLatencyMs: number | null;
  readonly timeoutMs: number;
  readonly ui: Readonly<Record<string, FieldHint>>;
  readonly act: Act;
}

/** A service that can be called. */
export interface Service {
  readonly id: string;
  readonly version: string;
  readonly title: string;
  readonly description: string | null;
  readonly category: string;
  readonly kind: "http" | "mcp" | "function";
  /** What vouches for the catalogue's adapter: the vendor's own client works with what it was tried on. Null: nobody does. */
  readonly judge: string | null;
  /** The catalogue's entry it uses. */
  readonly uses: string | null;
  readonly baseUrl: string | null;
  readonly isLocal: boolean;
  readonly authentication: Authentication | null;
  readonly health: HealthCheck | null;
  readonly configuration: JsonSchema | null;
  readonly config: Readonly<Record<string, Json>>;
  readonly limits: Required<Pick<ServiceLimits, "concurrency" | "timeoutMs" | "answerBytesMax">> & Pick<ServiceLimits, "rate">;
  readonly priority: number;
  readonly weight: number;
  readonly operations: ReadonlyMap<string, Operation>;
  /** MCP: how its server is reached. */
  readonly mcp: McpServer | null;
}

/** A server of the Model Context Protocol: a process of this machine, or a URL. */
export type McpServer =
  | { readonly command: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> }
  | { readonly url: string };

/** Where left out. */
export const LIMITS = { concurrency: 64, timeoutMs: 120_000, answerBytesMax: 32 << 20 } as const;

export const PRIORITY = 100;
