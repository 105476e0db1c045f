// Servers of the Model Context Protocol as services: connections, their tools, and what tools give.
//
// Both protocol eras are spoken: the server is asked which it knows. A server that is a process of this machine gets an
// environment without anybody's secrets, and runs exactly what its definition says.
// Source: Model Context Protocol 2026-07-28 and 2025-11-25, "Tools"; the wire is the SDK's business.

import type { Client, Transport } from "@modelcontextprotocol/client";
import type { Json } from "../base/json.ts";
import type { EgressRequest, EgressStream } from "../security.ts";
import type { Reach } from "./attempt.ts";
import type { ServiceDocument } from "./definition.ts";
import { servicesProblems, shown } from "./problems.ts";
import type { McpServer, Service } from "./service.ts";

/** How a server by URL is reached: through the gate, with its credentials. */
export type McpOpen = (request: EgressRequest, service: Service) => Promise<EgressStream>;

const CONNECT_MS = 20_000;

/** Tools of one server that become operations. */
const TOOLS_MAX = 1_000;

interface Tool {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly inputSchema: unknown;
  readonly outputSchema?: unknown;
  readonly annotations?:
    | {
        readonly readOnlyHint?: boolean | undefined;
        readonly destructiveHint?: boolean | undefined;
        readonly idempotentHint?: boolean | undefined;
      }
    | undefined;
}

export class McpConnections {
  readonly #open: McpOpen;
  readonly #clients = new Map<string, Promise<Client>>();
  readonly reach: Pick<Reach, "tool" | "ping"> = {
    tool: (service, name, input, abortSignal) => this.#callTool(service, name, input, abortSignal),
    ping: async (service) => {
      await (await this.#client(service)).ping();
    },
  };

  constructor(open: McpOpen) {
    this.#open = open;
  }

  /** The tools of a server as operations of a definition. Throws SERVICE_IMPORT_FAILED. */
  async operations(service: Service): Promise<ServiceDocument["operations"]> {
    const tools: Tool[] = [];
    const client = await this.#client(service);
    let cursor: string | undefined;
    do {
      const page = await client.listTools(cursor === undefined ? {} : { cursor });
      tools.push(...page.tools);
      cursor = page.nextCursor;
    } while (cursor !== undefined && tools.length < TOOLS_MAX);
    return Object.fromEntries(tools.map((tool) => [tool.name, operationOf(tool)]));
  }

  #client(service: Service): Promise<Client> {
    const { id, mcp } = service;
    if (mcp === null) throw servicesProblems.SERVICE_DEFINITION_INVALID(`${id} is no MCP server.`);
    const key = `${id} ${JSON.stringify(mcp)}`;
    const known = this.#clients.get(key) ?? this.#connect(service, mcp, key);
    this.#clients.set(key, known);
    return known;
  }

  async #connect(service: Service, mcp: McpServer, key: string): Promise<Client> {
    try {
      const { Client } = await import("@modelcontextprotocol/client");
      const client = new Client({ name: "baton", version: "1" }, { versionNegotiation: { mode: "auto" } });
      client.onclose = () => void this.#clients.delete(key);
      await client.connect(await this.#transport(service, mcp), { timeout: CONNECT_MS });
      return client;
    } catch (error) {
      this.#clients.delete(key);
      const reason = error instanceof Error ? error.message : String(error);
      throw servicesProblems.SERVICE_UNAVAILABLE(`The MCP server of ${service.id} cannot be reached: ${reason}`);
    }
  }

  async #transport(service: Service, mcp: McpServer): Promise<Transport> {
    if ("url" in mcp) {
      const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
      const fetch = (url: string | URL, init?: RequestInit) => this.#fetch(service, url, init);
      return new StreamableHTTPClientTransport(new URL(mcp.url), { fetch });
    }
    const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
    return new StdioClientTransport({ command: mcp.command, args: [...mcp.args], env: { ...mcp.env }, stderr: "ignore" });
  }

  async #fetch(service: Service, url: string | URL, init: RequestInit = {}): Promise<Response> {
    const answer = await this.#open(
      {
        method: init.method ?? "GET",
        url: String(url),
        headers: Object.fromEntries(new Headers(init.headers)),
        body: typeof init.body === "string" ? init.body : null,
        ...(init.signal === null || init.signal === undefined ? {} : { signal: init.signal }),
      },
      service,
    );
    const isEmpty = answer.status === 204 || answer.status === 304;
    const body = isEmpty ? null : (ReadableStream.from(answer.body) as ReadableStream<Uint8Array<ArrayBuffer>>);
    const { "content-encoding": _, "content-length": __, ...headers } = answer.headers; // decoded by now
    return new Response(body, { status: answer.status, headers });
  }

  async #callTool(service: Service, name: string, input: Json, signal: AbortSignal): Promise<Json> {
    const client = await this.#client(service);
    const given = typeof input === "object" && input !== null && !Array.isArray(input) ? input : {};
    const result = await client.callTool({ name, arguments: given as Record<string, unknown> }, { signal });
    const output = outputOf(result as ToolResult);
    if (result.isError !== true) return output;
    const said = typeof output === "string" ? output : JSON.stringify(output);
    throw Object.assign(servicesProblems.SERVICE_REFUSED(`The tool ${shown(name)} says: ${said.slice(0, 500)}`));
  }

  async close(): Promise<void> {
    const open = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.allSettled(open.map(async (client) => (await client).close()));
  }
}

interface ToolResult {
  readonly content?: readonly {
    readonly type: string;
    readonly text?: string;
    readonly data?: string;
    readonly mimeType?: string;
  }[];
  readonly structuredContent?: unknown;
}

/** What is structured goes before what is said; one text is a text; pictures are files. */
function outputOf({ content = [], structuredContent }: ToolResult): Json {
  if (structuredContent !== undefined) return structuredContent as Json;
  const parts = content.map((part): Json => {
    if (part.type === "text") return { type: "text", text: part.text ?? "" };
    if (part.data !== undefined)
      return { type: part.type, mediaType: part.mimeType ?? "application/octet-stream", data: part.data };
    return part as unknown as Json;
  });
  const [only] = content;
  return content.length === 1 && only?.type === "text" ? (only.text ?? "") : { content: parts };
}

function operationOf({ name, title, description, inputSchema, outputSchema, annotations = {} }: Tool): Json {
  const { readOnlyHint = false, destructiveHint, idempotentHint } = annotations;
  const effects = readOnlyHint ? "read" : destructiveHint === true ? "destructive" : "write";
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description: description.slice(0, 2_000) }),
    tool: name,
    effects,
    ...(readOnlyHint || idempotentHint === true ? { idempotent: true } : {}),
    input: inputSchema as Json,
    ...(outputSchema === undefined ? {} : { output: outputSchema as Json }),
  };
}
