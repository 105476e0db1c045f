// What documents ask of the world. They are interpreted without any I/O; whoever runs them gives a Doer.

import type { Json } from "../base/json.ts";
import type { Workflow } from "./context.ts";

export interface Doer {
  /** Makes one HTTP call. Gives what was answered, whatever the status. Throws problems where nothing was. */
  http(call: HttpCall, abortSignal: AbortSignal): Promise<HttpAnswer>;
  /** Plans the call of an operation of an OpenAPI document. Throws OPENAPI_… problems. */
  operation(documentText: string, documentUrl: string, operationId: string, parameters: Json): HttpPlan;
  /** A secret by its name: text, or what its JSON says; undefined where there is none. */
  secret(name: string): Json | undefined;
  /** A workflow by `name`, `namespace/name`, either with `@version`: for functions written in code. Null where none is known. */
  function(name: string): Workflow | null;
  /** Takes error types only as the specification spells them, not as its conformance kit does. */
  readonly strictErrorTypes?: boolean;
  /** Told of tasks as they begin and end, live and on replay; for those who show or test. */
  readonly observe?: (event: TaskEvent) => void;
}

export interface HttpPlan {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface HttpCall extends HttpPlan {
  /** Whether redirects are followed. */
  readonly isRedirected: boolean;
  /** Names of header fields that carry credentials. */
  readonly credentialHeaders: readonly string[];
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Where the answer came from in the end. */
  readonly url: string;
}

export interface TaskEvent {
  readonly kind: "began" | "skipped" | "ended" | "failed";
  /** JSON pointer of the task. */
  readonly reference: string;
}
