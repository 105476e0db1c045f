// Servers of the Model Context Protocol as services: connections, their tools, and what tools give.
//
// Owns:      connections, and that each is made when it is first needed and let go of when it broke or nobody needs it.
// Leaves to: import.ts   what a tool is as an operation,
//            the SDK     both protocol eras: the server is asked which it knows.
//
//  1. A server by URL is reached through the gate at its own place; credentials go there, and no redirect leads elsewhere.
//  2. A server that is a process of this machine runs exactly what its definition says, with no environment of ours but
//     what any program needs, and has ended when its connection is closed.
//  3. A call whose answer cannot come any more fails at once. Only what a server did not take is said again, and once.
//  4. A connection that broke is used by no further call: the next makes another.
//  5. Why a server does not answer is told in its own last words, where it is a process, and else in a sentence.
//
// Source: Model Context Protocol 2026-07-28 and 2025-11-25, "Tools", "Transports".

import { AsyncLocalStorage } from "node:async_hooks";
import type { Client, Transport } from "@modelcontextprotocol/client";
import type { Json } from "../base/json.ts";
import { isProblemError, type Problem, ProblemError } from "../base/problem.ts";
import type { EgressRequest, EgressStream } from "../security.ts";
import { type JsonSchema, masked } from "../workflow.ts";
import { type Credentials, credentialsOf, NO_CREDENTIALS, PASSING, type Secrets } from "./attempt.ts";
import { McpChild } from "./mcp-child.ts";
import { McpProcess } from "./mcp-process.ts";
import { servicesProblems, shown } from "./problems.ts";
import type { McpServer, Service } from "./service.ts";

/** How a server by URL is reached: through the gate, at the service's own place. */
export type McpOpen = (request: EgressRequest, service: Service) => Promise<EgressStream>;

/** The answer to the first question, in ms. */
const CONNECT_MS = 20_000;

/** So long a process may be silent when it is asked for its era; one of the older often is. In ms. */
const PROBE_MS = 10_000;

/** A call is bounded by whoever makes it; this only lifts the SDK's own bound, in ms. */
const CALL_MS_MAX = 86_400_000;

/** A connection that nobody used for so long is closed, in ms; looking at health is using it. */
const IDLE_MS = 15 * 60_000;

/** What a server may take to hear that it is left, in ms. */
const LEAVE_MS_MAX = 1_000;

/** After the end of a stream the SDK asks for the rest within this time, or never does, in ms. */
const RESUME_MS_MAX = 100;

/** How often in a row it asks for the rest. */
const RESUMES_MAX = 2;

/** What a server is and what it can must be said within this time, in ms: somebody waits at a terminal. */
const DESCRIBE_MS_MAX = 20_000;

/** All that is said for that, in bytes: protects whoever keeps it. */
const DESCRIPTION_BYTES_MAX = 16 << 20;

/** Characters of what a tool or a server says of its failure. */
const SAID_LENGTH_MAX = 500;

/** Shorter values of an environment are words like `1` or `true` that say nothing. */
const SECRET_LENGTH_MIN = 8;

/** A tool as its server describes it. */
export interface McpTool {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly inputSchema: unknown;
  readonly outputSchema?: unknown;
  readonly annotations?:
    | {
        readonly title?: string | undefined;
        readonly readOnlyHint?: boolean | undefined;
        readonly destructiveHint?: boolean | undefined;
        readonly idempotentHint?: boolean | undefined;
      }
    | undefined;
}

/** What a server says of itself. */
export interface McpDescription {
  readonly title: string | null;
  readonly version: string | null;
  readonly description: string | null;
  readonly tools: readonly McpTool[];
}

export class McpConnections {
  readonly #open: McpOpen;
  readonly #describeMsMax: number;
  readonly #connections = new Map<string, Connection>();
  /** A part of the Reach of which its methods are called: that has the secrets. */
  readonly reach = reachBy(this);

  constructor(open: McpOpen, describeMsMax = DESCRIBE_MS_MAX) {
    this.#open = open;
    this.#describeMsMax = describeMsMax;
  }

  /** What a server is and what it can, over a connection of its own. Throws SERVICE_… and EGRESS_… problems. */
  async describe(service: Service, secrets: Secrets): Promise<McpDescription> {
    const connection = new Connection(service, serverOf(service), secrets, this.#open, undefined, DESCRIPTION_BYTES_MAX);
    const late = new AbortController();
    const said = `The MCP server of ${service.id} did not say within ${this.#describeMsMax} ms what it can do.`;
    const timer = setTimeout(() => late.abort(servicesProblems.SERVICE_UNAVAILABLE(said)), this.#describeMsMax);
    try {
      return await connection.use((client, signal) => described(client, service.id, signal), late.signal);
    } finally {
      clearTimeout(timer);
      await connection.close();
    }
  }

  async callTool(service: Service, secrets: Secrets, name: string, input: Json, abortSignal: AbortSignal): Promise<Json> {
    const given = argumentsOf(name, input);
    const inputSchema = inputSchemaOf(service, name);
    const result = await this.#use(service, secrets, abortSignal, (client, signal) =>
      client.callTool(
        { name, arguments: given },
        { signal, timeout: CALL_MS_MAX, ...(inputSchema === null ? {} : { toolDefinition: { name, inputSchema } }) },
      ),
    );
    const output = outputOf(result as ToolResult);
    if (result.isError !== true) return output;
    const said = typeof output === "string" ? output : JSON.stringify(output);
    const { texts } = credentialsOf(service, secrets);
    throw servicesProblems.SERVICE_REFUSED(`The tool ${shown(name)} says: ${cut(said, texts)}`);
  }

  async ping(service: Service, secrets: Secrets, abortSignal: AbortSignal): Promise<void> {
    await this.#use(service, secrets, abortSignal, async (client, signal) => {
      const options = { signal, timeout: CONNECT_MS };
      await (client.getProtocolEra() === "modern" ? client.discover(options) : client.ping(options));
    });
  }

  /** With the connection there is; once more with another where the server does not know it any more (3). */
  async #use<T>(service: Service, secrets: Secrets, abortSignal: AbortSignal, act: Act<T>): Promise<T> {
    const key = keyOf(service);
    for (let isAgain = false; ; isAgain = true) {
      const known = this.#connections.get(key);
      const connection = known ?? this.#connect(key, service, secrets);
      try {
        return await connection.use(act, abortSignal);
      } catch (error) {
        if (connection.isBroken) this.#forget(key, connection);
        if (isAgain || known === undefined || !isUnknownSession(error)) throw error;
      }
    }
  }

  #connect(key: string, service: Service, secrets: Secrets): Connection {
    const connection = new Connection(service, serverOf(service), secrets, this.#open, () => this.#forget(key, connection));
    this.#connections.set(key, connection);
    return connection;
  }

  #forget(key: string, connection: Connection): void {
    if (this.#connections.get(key) === connection) this.#connections.delete(key);
    connection.closeWhenUnused();
  }

  async close(): Promise<void> {
    const open = [...this.#connections.values()];
    this.#connections.clear();
    await Promise.all(open.map((connection) => connection.close()));
  }
}

function reachBy(connections: McpConnections) {
  return {
    tool(this: Secrets, service: Service, name: string, input: Json, abortSignal: AbortSignal): Promise<Json> {
      return connections.callTool(service, this, name, input, abortSignal);
    },
    ping(this: Secrets, service: Service, abortSignal: AbortSignal): Promise<void> {
      return connections.ping(service, this, abortSignal);
    },
  };
}

function serverOf({ id, mcp }: Service): McpServer {
  if (mcp === null) throw servicesProblems.SERVICE_DEFINITION_INVALID(`${id} is no MCP server.`);
  return mcp;
}

/** All that makes a difference for a connection. */
function keyOf({ id, mcp, authentication, limits }: Service): string {
  return JSON.stringify([id, mcp, authentication, limits.answerBytesMax]);
}

async function described(client: Client, id: string, signal: AbortSignal): Promise<McpDescription> {
  if (client.getServerCapabilities()?.tools === undefined)
    throw servicesProblems.SERVICE_IMPORT_FAILED(`The MCP server of ${id} has no tools.`);
  const { tools } = await client.listTools(undefined, { signal });
  const { name, title, version } = client.getServerVersion() ?? {};
  const description = client.getInstructions() ?? null;
  return { title: title ?? name ?? null, version: version ?? null, description, tools };
}

/** What the server is told of besides: some fields of the input go into headers. */
function inputSchemaOf({ operations }: Service, name: string): (JsonSchema & { readonly type: "object" }) | null {
  const schema = operations.get(name)?.input?.jsonSchema;
  return typeof schema === "object" && schema.type === "object" ? { ...schema, type: "object" } : null;
}

function argumentsOf(name: string, input: Json): Record<string, unknown> {
  if (input === null) return {};
  if (typeof input === "object" && !Array.isArray(input)) return input as Record<string, unknown>;
  throw servicesProblems.SERVICE_INPUT_INVALID(`The tool ${shown(name)} takes an object.`);
}

// One connection.

type Act<T> = (client: Client, signal: AbortSignal) => Promise<T>;

class Connection {
  readonly #service: Service;
  readonly #server: McpServer;
  readonly #secrets: Secrets;
  readonly #open: McpOpen;
  readonly #gone: () => void;
  readonly #bytesMax: number;
  #child: McpChild | null = null;
  #bytes = 0;
  readonly #ready: Promise<Client>;
  #client: Client | null = null;
  #transport: Transport | null = null;
  #calls = 0;
  #isClosed = false;
  #isLeft = false;
  #idle: NodeJS.Timeout | undefined;
  #process: McpProcess | null = null;
  /** Whether something failed that was not the server's own word. */
  isBroken = false;

  /** `gone` is called when it has ended by itself; `bytesMax`: all that may be said over it. */
  constructor(
    service: Service,
    server: McpServer,
    secrets: Secrets,
    open: McpOpen,
    gone: () => void = () => undefined,
    bytesMax = Number.POSITIVE_INFINITY,
  ) {
    this.#bytesMax = bytesMax;
    this.#service = service;
    this.#server = server;
    this.#secrets = secrets;
    this.#open = open;
    this.#gone = gone;
    this.#ready = this.#connected();
    this.#ready.catch(() => undefined); // whoever uses it is told
  }

  /** Throws problems: what the server says, or why it says nothing. */
  async use<T>(act: Act<T>, abortSignal?: AbortSignal): Promise<T> {
    clearTimeout(this.#idle);
    this.#calls++;
    const answering = new Answering(abortSignal);
    try {
      const client = await Promise.race([this.#ready, answering.given]);
      return await within.run(answering, () => act(client, answering.signal));
    } catch (error) {
      throw abortSignal?.aborted === true
        ? abortSignal.reason
        : await this.#told(this.#child?.fault ?? answering.lostBy ?? error);
    } finally {
      answering.end();
      this.#calls--;
      this.#rest();
    }
  }

  async #connected(): Promise<Client> {
    try {
      const { Client } = await import("@modelcontextprotocol/client");
      const probe = "url" in this.#server ? {} : { probe: { timeoutMs: PROBE_MS } };
      const client = new Client({ name: "baton", version: "1" }, { versionNegotiation: { mode: "auto", ...probe } });
      client.onclose = () => {
        this.isBroken = true;
        this.#gone();
      };
      this.#client = client;
      this.#transport = await this.#transportTo(this.#server);
      if (this.#isClosed) throw new Error("it was closed before it was open");
      await client.connect(this.#transport, { timeout: CONNECT_MS });
      return client;
    } catch (error) {
      this.isBroken = true;
      this.#gone();
      throw await this.#unconnected(error);
    }
  }

  async #transportTo(server: McpServer): Promise<Transport> {
    if ("url" in server) {
      const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
      const [initialReconnectionDelay, maxReconnectionDelay, reconnectionDelayGrowFactor] = [1_000, 30_000, 1.5];
      return new StreamableHTTPClientTransport(new URL(server.url), {
        fetch: (url, init) => this.#fetch(server.url, url, init),
        reconnectionOptions: {
          ...{ initialReconnectionDelay, maxReconnectionDelay, reconnectionDelayGrowFactor },
          maxRetries: RESUMES_MAX,
        },
        reconnectionScheduler: resumeLater,
      });
    }
    const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
    const { command, args = [], env = {} } = server as Partial<typeof server> & { command: string };
    const maxBufferSize = this.#service.limits.answerBytesMax;
    const transport = new StdioClientTransport({ command, args: [...args], env: { ...env }, stderr: "pipe", maxBufferSize });
    this.#process = new McpProcess();
    this.#process.listen(transport);
    this.#child = new McpChild(transport, { messageBytesMax: maxBufferSize, bytesMax: this.#bytesMax });
    return transport;
  }

  async #fetch(own: string, url: string | URL, init: RequestInit = {}): Promise<Response> {
    const answering = within.getStore();
    try {
      const answer = await this.#open(this.#requestTo(own, String(url), init, answering), this.#service);
      return responseOf(Number.isFinite(this.#bytesMax) ? { ...answer, body: this.#counted(answer.body) } : answer, answering);
    } catch (error) {
      if (init.method === "GET") answering?.ended(error); // the rest of an answer was asked for in vain
      throw error;
    }
  }

  async *#counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of body) {
      this.#bytes += part.length;
      if (this.#bytes > this.#bytesMax)
        throw servicesProblems.SERVICE_ANSWER_INVALID(`It says more than ${this.#bytesMax} bytes.`);
      yield part;
    }
  }

  /** Redirects come back as they are: the SDK follows those within the origin, and nothing follows others (1). */
  #requestTo(own: string, url: string, init: RequestInit, answering: Answering | undefined): EgressRequest {
    const isOwn = new URL(url).origin === new URL(own).origin;
    const credentials = isOwn ? credentialsOf(this.#service, this.#secrets) : NO_CREDENTIALS;
    const signals = [init.signal, answering?.over].filter((one) => one !== null && one !== undefined);
    return {
      method: init.method ?? "GET",
      url: withQuery(url, credentials.query),
      headers: { ...Object.fromEntries(new Headers(init.headers)), ...credentials.headers },
      body: typeof init.body === "string" ? init.body : null,
      redirect: "stop",
      credentialHeaders: Object.keys(credentials.headers),
      ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
    };
  }

  // What went wrong.

  async #unconnected(error: unknown): Promise<ProblemError> {
    const { problem } = await this.#told(error);
    const foreign = problemIn(error) === null ? foreignness(error) : null;
    const detail =
      foreign !== null && "url" in this.#server
        ? `What answers at ${this.#server.url} is no MCP server: ${foreign}.`
        : `The MCP server of ${this.#service.id} cannot be reached: ${problem.detail}`;
    return new ProblemError({ ...problem, detail, facts: { ...problem.facts, wasSent: false } }, { cause: error });
  }

  /** What went wrong as a problem; of a process that broke off, with what it said (5). */
  async #told(error: unknown): Promise<ProblemError> {
    const known = problemIn(error);
    const { problem } = known ?? problemOf(error);
    const isBreak = !isItsOwnWord(problem);
    if (isBreak) this.isBroken = true;
    const words = isBreak && known === null ? await this.#lastWords() : "";
    const detail = words === "" ? problem.detail : `${problem.detail.replace(/\.?$/, ".")}${words}`;
    return new ProblemError({ ...problem, detail: cut(detail, this.#secretTexts()) }, { cause: error });
  }

  async #lastWords(): Promise<string> {
    await this.#process?.settled();
    return this.#process?.words() ?? "";
  }

  /** What a definition gives a process in its environment may be one, too. */
  #secretTexts(): Credentials["texts"] {
    const given =
      "url" in this.#server ? [] : Object.values(this.#server.env ?? {}).filter(({ length }) => length >= SECRET_LENGTH_MIN);
    try {
      return [...credentialsOf(this.#service, this.#secrets).texts, ...given];
    } catch {
      return given;
    }
  }

  // Its end.

  #rest(): void {
    if (this.#calls > 0) return;
    if (this.#isLeft) void this.close();
    else this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
  }

  closeWhenUnused(): void {
    this.#isLeft = true;
    if (this.#calls === 0) void this.close();
  }

  /** Calls under way fail. Never throws. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#gone();
    await leaveSession(this.#transport);
    await this.#client?.close().catch(() => undefined);
    await this.#transport?.close().catch(() => undefined); // also where it is not open yet
    if (this.#child === null) return;
    await this.#ready.catch(() => undefined); // the process that the SDK asks for its era ends with the attempt to connect
    await this.#child.ended();
  }
}

/** A server that keeps something for a session is told that it ends. */
async function leaveSession(transport: (Transport & { terminateSession?(): Promise<void> }) | null): Promise<void> {
  if (transport?.sessionId === undefined || transport.terminateSession === undefined) return;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LEAVE_MS_MAX);
  await Promise.race([transport.terminateSession().catch(() => undefined), late]);
  clearTimeout(timer);
}

function withQuery(url: string, query: Credentials["query"]): string {
  const made = new URL(url);
  for (const [name, value] of Object.entries(query)) made.searchParams.set(name, value);
  return Object.keys(query).length === 0 ? url : made.href;
}

/** Statuses without a body, as Response has it. */
const EMPTY = new Set([204, 205, 304]);

/** Fields that the SDK looks at. */
const HEADERS = ["content-type", "location", "mcp-session-id", "retry-after", "www-authenticate"];

function responseOf({ status, headers, body }: EgressStream, answering: Answering | undefined): Response {
  const isStream = /^text\/event-stream/i.test(headers["content-type"] ?? "");
  const watched = isStream && answering !== undefined ? answering.watched(body) : body;
  const shownHeaders = HEADERS.flatMap((name): [string, string][] => {
    const value = headers[name];
    return value === undefined ? [] : [[name, value]];
  });
  const content = EMPTY.has(status) ? null : (ReadableStream.from(watched) as ReadableStream<Uint8Array<ArrayBuffer>>);
  return new Response(content, { status, headers: shownHeaders });
}

// One call.

/** Which call a request belongs to: the SDK waits for ever where a stream ends without the answer. */
const within = new AsyncLocalStorage<Answering>();

class Answering {
  readonly #lost = new AbortController();
  readonly #over = new AbortController();
  readonly #given: AbortSignal | undefined;
  readonly #rejectGiven: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  /** Rejects when whoever called gives up. */
  readonly given: Promise<never>;

  constructor(given: AbortSignal | undefined) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    this.#given = given;
    this.given = promise;
    this.#rejectGiven = () => {
      reject(given?.reason);
      this.#over.abort(given?.reason);
    };
    if (given?.aborted === true) this.#rejectGiven();
    given?.addEventListener("abort", this.#rejectGiven, { once: true });
  }

  /** Aborted when the caller gives up, or the answer is lost. */
  get signal(): AbortSignal {
    return this.#given === undefined ? this.#lost.signal : AbortSignal.any([this.#given, this.#lost.signal]);
  }

  /** Aborted when the caller gives up: what is still open for the call is closed. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  get isOver(): boolean {
    return this.#isOver || this.#over.signal.aborted;
  }

  /** Why the answer cannot come any more; undefined while it can. */
  get lostBy(): unknown {
    return this.#lost.signal.aborted ? this.#lost.signal.reason : undefined;
  }

  async *watched(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let reason: unknown = null;
    try {
      yield* body;
    } catch (error) {
      reason = error;
      throw error;
    } finally {
      this.ended(reason);
    }
  }

  /** What could have brought the answer ended: it is lost unless the rest of it is asked for. */
  ended(reason: unknown): void {
    clearTimeout(this.#timer);
    if (this.isOver) return;
    const lost = problemIn(reason) ?? servicesProblems.SERVICE_UNAVAILABLE("The connection ended before the answer came.");
    this.#timer = setTimeout(() => this.#lost.abort(lost), RESUME_MS_MAX);
  }

  resuming(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#given?.removeEventListener("abort", this.#rejectGiven);
  }
}

/** Asks for the rest of an answer later; not where nobody wants it any more. */
function resumeLater(resume: () => void, delayMs: number): () => void {
  const answering = within.getStore();
  if (answering?.isOver === true) return () => undefined;
  answering?.resuming();
  const timer = setTimeout(resume, delayMs);
  return () => clearTimeout(timer);
}

// What the SDK throws, as problems.

/** The problem of ours at the bottom of it: the gate's, or a missing secret. */
function problemIn(error: unknown): ProblemError | null {
  for (let one = error; one instanceof Error; one = one.cause) if (isProblemError(one)) return one;
  return null;
}

/** Masked before it is cut: half a secret is not recognised. */
function cut(text: string, secrets: readonly string[]): string {
  return (masked(text, secrets) as string).slice(0, SAID_LENGTH_MAX);
}

/** JSON-RPC: the request itself was wrong. */
const REQUEST_WRONG = new Set([-32_600, -32_601, -32_602]);

function problemOf(error: unknown): ProblemError {
  const { code, status } = error as { code?: unknown; status?: unknown };
  const said = error instanceof Error ? error.message : String(error);
  const [, command] = /^spawn (.+) ENOENT$/.exec(said) ?? [];
  if (command !== undefined) return servicesProblems.SERVICE_UNAVAILABLE(`There is no command ${shown(command)}.`);
  if (typeof status === "number") {
    const make = PASSING.has(status) ? servicesProblems.SERVICE_UNAVAILABLE : servicesProblems.SERVICE_REFUSED;
    return make(`It answers ${status}: ${said}`, { facts: { status } });
  }
  if (typeof code === "number") {
    const make = REQUEST_WRONG.has(code) ? servicesProblems.SERVICE_REFUSED : servicesProblems.SERVICE_FAILED;
    return make(`The server says: ${said}`, { facts: { rpcCode: code } });
  }
  if (code === "INVALID_RESULT" || code === "LIST_PAGINATION_EXCEEDED") return servicesProblems.SERVICE_ANSWER_INVALID(said);
  if (typeof code === "string" && NOT_HERE.has(code)) return servicesProblems.SERVICE_REFUSED(said);
  return servicesProblems.SERVICE_UNAVAILABLE(said, code === "NOT_CONNECTED" ? { facts: { wasSent: false } } : {});
}

/** Statuses of a place that does not know the protocol. */
const NO_PROTOCOL = new Set([400, 404, 405, 406, 410, 415, 501]);

/** How what answers shows that it speaks another protocol; null where it may speak this one. */
function foreignness(error: unknown): string | null {
  const { code, status } = error as { code?: unknown; status?: unknown };
  if (typeof status === "number") return NO_PROTOCOL.has(status) ? `it answers ${status}` : null;
  if (code === "ERA_NEGOTIATION_FAILED" || code === "CLIENT_HTTP_UNEXPECTED_CONTENT") {
    const [, type] = /Unexpected content type: ([\w./+-]+)/.exec((error as Error).message) ?? [];
    return type === undefined ? "its answer is none of the protocol" : `it answers with ${type}`;
  }
  return null;
}

/** What a server wants of us that we do not have: it may ask nobody, and no model. */
const NOT_HERE = new Set([
  "CAPABILITY_NOT_SUPPORTED",
  "INPUT_REQUIRED_ROUNDS_EXCEEDED",
  "METHOD_NOT_SUPPORTED_BY_PROTOCOL_VERSION",
  "UNSUPPORTED_RESULT_TYPE",
]);

/** A server answered, and with no sign that it has forgotten who asks. */
function isItsOwnWord({ code, facts }: Problem): boolean {
  const answered = ["SERVICE_REFUSED", "SERVICE_FAILED", "SERVICE_ANSWER_INVALID", "SERVICE_IMPORT_FAILED"].includes(code);
  const isBusy = typeof facts?.status === "number" && PASSING.has(facts.status);
  return (answered && !UNKNOWN_SESSION.has(facts?.status)) || isBusy || code.startsWith("SERVICE_SECRET_");
}

/** A session that a server does not know; 400 comes from servers that do not keep to the protocol's 404. */
const UNKNOWN_SESSION: ReadonlySet<unknown> = new Set([400, 404]);

function isUnknownSession(error: unknown): boolean {
  return isProblemError(error) && UNKNOWN_SESSION.has(error.problem.facts?.status);
}

// What a tool gives.

interface ToolResult {
  readonly content?: readonly ContentPart[];
  readonly structuredContent?: unknown;
}

interface ContentPart {
  readonly type: string;
  readonly text?: string;
  readonly data?: string;
  readonly mimeType?: string;
  readonly resource?: {
    readonly uri?: string;
    readonly mimeType?: string;
    readonly text?: string;
    readonly blob?: string;
  };
}

/** What is structured goes before what is said; one text is a text; pictures, sounds and resources are files. */
function outputOf({ content = [], structuredContent }: ToolResult): Json {
  if (structuredContent !== undefined) return structuredContent as Json;
  const [only] = content;
  return content.length === 1 && only?.type === "text" ? (only.text ?? "") : { content: content.map(partOf) };
}

const BYTES = "application/octet-stream";

function partOf(part: ContentPart): Json {
  const { type, text, data, mimeType, resource } = part;
  if (type === "text") return { type, text: text ?? "" };
  if (data !== undefined) return { type, mediaType: mimeType ?? BYTES, data };
  if (resource === undefined) return part as unknown as Json;
  const { uri = "", mimeType: mediaType = resource.blob === undefined ? "text/plain" : BYTES } = resource;
  return { type, uri, mediaType, ...(resource.blob === undefined ? { text: resource.text ?? "" } : { data: resource.blob }) };
}
