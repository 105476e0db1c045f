// MCP servers as services: real servers of both protocol eras, as processes and by URL.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import type { Json } from "../src/base/json.ts";
import { isProblemError, type Problem } from "../src/base/problem.ts";
import { type Baton, checkDocumentFile, importService, openBaton, type ServiceImport } from "../src/orchestrator.ts";
import { type Called, type CallOptions, type Context, workflow } from "../src/workflow.ts";
import { rootPath } from "../tools/layout.ts";
import { openWeb } from "./web.ts";

process.env.BATON_SECRET_X = "not-for-servers";
process.env.BATON_SECRET_MCPKEY = "mcp-key-of-ours";

const EVERYTHING = rootPath("node_modules/@modelcontextprotocol/server-everything/dist/index.js");

// Where services are added and called.

interface Bed extends AsyncDisposable {
  readonly baton: Baton;
  readonly data: string;
  add(wanted: ServiceImport, more?: object): Promise<string[]>;
  call(target: string, input?: Json, options?: CallOptions): Promise<Called<Json>>;
  run<T>(act: (context: Context) => Promise<T>): Promise<T>;
}

async function openBed(): Promise<Bed> {
  const data = mkdtempSync(join(tmpdir(), "baton-mcp-"));
  const baton = await openBaton({ data, carry: "own" });
  let count = 0;
  const run = async <T>(act: (context: Context) => Promise<T>): Promise<T> => {
    const story = workflow({ name: `story-${++count}`, run: act });
    return (await (await baton.start(story as never, null)).result()) as T;
  };
  return {
    ...{ baton, data, run },
    async add(wanted, more = {}) {
      const { definition, source } = await importService(wanted);
      await baton.call("services.add", { definition: { ...definition, ...more }, source, replace: true });
      return Object.keys(definition.operations as object);
    },
    call: (target, input = {}, options = {}) => run((context) => context.tryCall(target, input, options)),
    async [Symbol.asyncDispose]() {
      await baton.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

function outputIn(called: Called<Json>): Json {
  assert.ok(called.ok, JSON.stringify(called));
  return called.output;
}

function problemIn(called: Called<Json>): Problem {
  assert.ok(!called.ok, "it should have failed");
  return called.problem;
}

// Processes.

/** Processes that were started from here with this in their command. */
function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const isOurs = readFileSync(`/proc/${pid}/stat`, "utf8").includes(`) S ${process.pid} `);
        return isOurs && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
      } catch {
        return false; // it has ended meanwhile
      }
    });
}

function isThere(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`);
}

async function once(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A server of few tools, as a process: its file, which names it. */
function writeServer(folder: string): string {
  const file = join(folder, "little.mjs");
  const [server, stdio, zod] = ["@modelcontextprotocol/server", "@modelcontextprotocol/server/stdio", "zod"].map((name) =>
    import.meta.resolve(name),
  );
  writeFileSync(
    file,
    `import { McpServer } from "${server}";
import { serveStdio } from "${stdio}";
import { z } from "${zod}";
serveStdio(() => {
  const server = new McpServer({ name: "little", version: "1.2.3" }, { instructions: "Be little." });
  const say = (value) => ({ content: [{ type: "text", text: String(value) }] });
  server.registerTool("pid", { annotations: { readOnlyHint: true } }, () => say(process.pid));
  server.registerTool("env", { annotations: { readOnlyHint: true } }, () => say(JSON.stringify(process.env)));
  server.registerTool("die", {}, () => process.exit(3));
  server.registerTool("two words/and more", {}, () => say("two"));
  server.registerTool("two_words_and_more", {}, () => say("one"));
  return server;
});
`,
  );
  return file;
}

// Servers by URL.

interface Mcp extends AsyncDisposable {
  readonly url: string;
  readonly asked: { readonly method: string; readonly headers: IncomingHttpHeaders; readonly url: string }[];
  /** Ends it, with all connections, as a crash does. */
  stop(): Promise<void>;
}

/** A server of both eras; `gate` may answer instead of it. */
async function openMcp(
  make: (server: McpServer) => void,
  options: { readonly port?: number; readonly gate?: (headers: IncomingHttpHeaders, url: string) => object | null } = {},
): Promise<Mcp> {
  const asked: Mcp["asked"] = [];
  const handle = toNodeHandler(
    createMcpHandler(() => {
      const server = new McpServer({ name: "by-url", version: "1.0.0" });
      make(server);
      return server;
    }),
  );
  const server = createServer((request, response) => {
    asked.push({ method: request.method ?? "", headers: request.headers, url: request.url ?? "" });
    const refused = options.gate?.(request.headers, request.url ?? "") ?? null;
    if (refused === null) return void handle(request, response);
    response.writeHead(...(refused as [number, Record<string, string>])).end();
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const stop = () => stopped(server);
  return { url: `http://127.0.0.1:${portOf(server)}/mcp`, asked, stop, [Symbol.asyncDispose]: stop };
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port;
}

async function stopped(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The reference server by URL, which knows the older era alone. */
async function startEverything(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [EVERYTHING, "streamableHttp"], { env: { PORT: String(port) }, stdio: ["ignore", "ignore", "pipe"] });
  await new Promise<void>((resolve) => child.stderr?.on("data", (text: Buffer) => /listening/.test(String(text)) && resolve()));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

const add = { inputSchema: z.object({ a: z.number(), b: z.number() }), outputSchema: z.object({ sum: z.number() }) };

function registerAdd(server: McpServer): void {
  server.registerTool("add", { ...add, annotations: { readOnlyHint: true } }, ({ a, b }) => ({
    content: [{ type: "text", text: String(a + b) }],
    structuredContent: { sum: a + b },
  }));
}

test("the reference server as a process: its tools are operations, with what they take, give and do", async () => {
  await using bed = await openBed();
  const names = await bed.add({ target: "everything", stdio: [process.execPath, EVERYTHING, "stdio"] });
  assert.ok(["echo", "get-sum", "get-env", "get-tiny-image", "get-structured-content"].every((name) => names.includes(name)));

  const view = await bed.baton.call("services.show", { id: "everything" });
  assert.equal(view.kind, "mcp");
  const sum = view.operationList.find(({ name }) => name === "get-sum");
  assert.equal(sum?.effects, "read");
  assert.deepEqual((sum?.input as { required: string[] }).required, ["a", "b"]);

  assert.equal(outputIn(await bed.call("everything/echo", { message: "tides" })), "Echo: tides");
  assert.match(String(outputIn(await bed.call("everything/get-sum", { a: 2, b: 3 }))), /5/);
  assert.deepEqual(outputIn(await bed.call("everything/get-structured-content", { location: "Chicago" })), {
    ...{ temperature: 36, conditions: "Light rain / drizzle", humidity: 82 },
  });
  assert.equal(problemIn(await bed.call("everything/get-structured-content", { location: "Atlantis" })).code, "SERVICE_INPUT_INVALID");

  const { content } = outputIn(await bed.call("everything/get-tiny-image")) as { content: Record<string, Json>[] };
  const picture = content.find(({ type }) => type === "image");
  assert.equal(picture?.mediaType, "image/png");
  assert.match(String(picture?.blob), /^blob_/);
  const given = outputIn(await bed.call("everything/get-resource-reference", { resourceType: "Blob", resourceId: 1 }));
  const resource = (given as { content: Record<string, Json>[] }).content.find(({ type }) => type === "resource");
  assert.match(Buffer.from(String(resource?.data), "base64").toString(), /^Resource 1/);
});
