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
import { McpConnections, serviceOfDocument } from "../src/services.ts";
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

/** Another process has no other sign; five minutes of looks. */
const LOOKS_MAX = 60_000;

async function once(isSo: () => boolean): Promise<void> {
  for (let looks = 0; !isSo(); looks++) {
    assert.ok(looks < LOOKS_MAX, "it does not come about");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
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
    if (refused === null) return void handle(request as never, response);
    response.writeHead(...(refused as [number, Record<string, string>])).end();
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const stop = () => stopped(server);
  return { url: `http://127.0.0.1:${portOf(server)}/mcp`, asked, stop, [Symbol.asyncDispose]: stop };
}

/** As a server of the older era does, to whom the newer's first question means nothing. */
function refuseNewer(headers: IncomingHttpHeaders): object | null {
  return headers["mcp-method"] === "server/discover" ? [400, {}] : null;
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
  const child = spawn(process.execPath, [EVERYTHING, "streamableHttp"], {
    env: { PORT: String(port) },
    stdio: ["ignore", "ignore", "pipe"],
  });
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
  assert.ok(sum);
  assert.equal(sum.effects, "read");
  assert.deepEqual((sum.input as { required: string[] }).required, ["a", "b"]);

  assert.equal(outputIn(await bed.call("everything/echo", { message: "tides" })), "Echo: tides");
  assert.match(String(outputIn(await bed.call("everything/get-sum", { a: 2, b: 3 }))), /5/);
  assert.deepEqual(outputIn(await bed.call("everything/get-structured-content", { location: "Chicago" })), {
    ...{ temperature: 36, conditions: "Light rain / drizzle", humidity: 82 },
  });
  assert.equal(
    problemIn(await bed.call("everything/get-structured-content", { location: "Atlantis" })).code,
    "SERVICE_INPUT_INVALID",
  );

  const { content } = outputIn(await bed.call("everything/get-tiny-image")) as { content: Record<string, Json>[] };
  const picture = content.find(({ type }) => type === "image");
  assert.equal(picture?.mediaType, "image/png");
  assert.match(String(picture?.blob), /^blob_/);
  const given = outputIn(await bed.call("everything/get-resource-reference", { resourceType: "Blob", resourceId: 1 }));
  const resource = (given as { content: Record<string, Json>[] }).content.find(({ type }) => type === "resource");
  assert.match(Buffer.from(String(resource?.data), "base64").toString(), /^Resource 1/);
});

test("a process gets no environment of ours, and ends with Baton", async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-mcp-server-"));
  const file = writeServer(folder);
  let pid = 0;
  {
    await using bed = await openBed();
    await bed.add({ target: "little", stdio: [process.execPath, file] });
    assert.deepEqual(processesWith(file), [], "what was started to be asked for its tools has ended");

    const env = JSON.parse(String(outputIn(await bed.call("little/env")))) as Record<string, string>;
    assert.equal(env.PATH, process.env.PATH);
    assert.ok(!JSON.stringify(env).includes("not-for-servers"));
    assert.deepEqual(
      Object.keys(env).filter((name) => name.startsWith("BATON")),
      [],
    );
    pid = Number(outputIn(await bed.call("little/pid")));
    assert.deepEqual(processesWith(file), [pid], "one process, for both calls");
  }
  assert.ok(!isThere(pid));
  rmSync(folder, { recursive: true });
});

test("what a server says of itself is in the definition; tools whose names are none get names of their own", async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-mcp-server-"));
  const file = writeServer(folder);
  await using bed = await openBed();
  const names = await bed.add({ target: "little", stdio: [process.execPath, file] });
  assert.deepEqual(names.toSorted(), ["die", "env", "pid", "two_words_and_more", "two_words_and_more_2"]);
  const { version, description } = await bed.baton.call("services.show", { id: "little" });
  assert.deepEqual({ version, description }, { version: "1.2.3", description: "Be little." });
  assert.equal(outputIn(await bed.call("little/two_words_and_more")), "one");
  assert.equal(outputIn(await bed.call("little/two_words_and_more_2")), "two");
  rmSync(folder, { recursive: true });
});

test("a process that dies fails the call that is under way, at once, and is started again for the next", async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-mcp-server-"));
  const file = writeServer(folder);
  await using bed = await openBed();
  await bed.add({ target: "little", stdio: [process.execPath, file] });
  const first = Number(outputIn(await bed.call("little/pid")));

  const died = problemIn(await bed.call("little/die"));
  assert.equal(died.code, "SERVICE_UNAVAILABLE");
  const second = Number(outputIn(await bed.call("little/pid")));
  assert.notEqual(second, first);

  process.kill(second, "SIGKILL"); // between two calls
  await once(() => !isThere(second));
  assert.notEqual(Number(outputIn(await bed.call("little/pid"))), second);
  rmSync(folder, { recursive: true });
});

/** A process that answers by `how` alone, and listens to no signal and no end. */
function writeStubborn(folder: string, how: string): string {
  const file = join(folder, "stubborn.mjs");
  writeFileSync(
    file,
    `import { createInterface } from "node:readline";
process.on("SIGTERM", () => {});
setInterval(() => {}, 1e6);
let pages = 0;
const answers = {
  silent: () => undefined,
  bad: () => ({ tools: "x" }),
  endless: () => ({ tools: [{ name: "t" + ++pages, inputSchema: { type: "object" } }], nextCursor: "c" + pages }),
  large: () => ({ tools: [{ name: "t" + ++pages, description: "d".repeat(4 << 20), inputSchema: { type: "object" } }], nextCursor: "c" + pages }),
  huge: (method) => method === "tools/call" ? { content: [{ type: "text", text: "x".repeat(40 << 20) }] } : { tools: [{ name: "go", inputSchema: { type: "object" } }] },
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  const hello = { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "t", version: "1.0.0" } };
  const say = (more) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, ...more }) + "\\n");
  if (id === undefined || "${how}" === "silent") return;
  if (method === "initialize") say({ result: hello });
  else if (method.startsWith("tools/")) say({ result: answers["${how}"](method) });
  else say({ error: { code: -32601, message: "no" } });
});
`,
  );
  return file;
}

for (const [how, code] of [
  ["silent", "SERVICE_UNAVAILABLE"],
  ["bad", "SERVICE_ANSWER_INVALID"],
  ["endless", "SERVICE_ANSWER_INVALID"],
  ["large", "SERVICE_ANSWER_INVALID"],
] as const)
  test(`a server that is ${how} when it is asked for its tools is given up, and its process with it`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "baton-mcp-server-"));
    const file = writeStubborn(folder, how);
    const service = serviceOfDocument({ service: "s", mcp: { command: process.execPath, args: [file] }, operations: {} });
    const connections = new McpConnections(() => Promise.reject(new Error("no way out")), how === "silent" ? 300 : undefined);
    await assert.rejects(connections.describe(service, { secret: () => undefined }), { code });
    assert.deepEqual(processesWith(file), []);
    rmSync(folder, { recursive: true });
  });

test("a result that is longer than an answer may be is refused at once, and not asked for again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-mcp-server-"));
  await using bed = await openBed();
  await bed.add({ target: "huge", stdio: [process.execPath, writeStubborn(folder, "huge")] });
  const began = process.cpuUsage();
  assert.equal(problemIn(await bed.call("huge/go")).code, "SERVICE_ANSWER_INVALID");
  const { user, system } = process.cpuUsage(began);
  assert.ok(user + system < 5e6, `${user + system} µs`);
  rmSync(folder, { recursive: true });
});

test("a process that cannot be started says why, and that nothing was sent", async () => {
  await using bed = await openBed();
  await assert.rejects(importService({ target: "none", stdio: ["baton-no-such-command"] }), (error) => {
    assert.ok(isProblemError(error));
    assert.match(error.problem.detail, /The MCP server of none cannot be reached: .*baton-no-such-command/);
    return true;
  });
  const definition = { service: "none", mcp: { command: "baton-no-such-command" }, operations: { go: { tool: "go" } } };
  await bed.baton.call("services.add", { definition });
  const problem = problemIn(await bed.call("none/go"));
  assert.equal(problem.code, "SERVICE_UNAVAILABLE");
  assert.equal(problem.facts?.wasSent, false);
});

test("a process that ends before it answers says why in its last words, without secrets of its environment", async () => {
  const script = 'printf "one\\n\\033[31mno module \\007here\\033[0m: $TOKEN\\n" >&2; exit 7';
  const definition = { service: "brief", mcp: { command: "sh", args: ["-c", script], env: { TOKEN: "of-the-environment" } } };
  await using bed = await openBed();
  await bed.baton.call("services.add", { definition: { ...definition, operations: { go: { tool: "go" } } } });
  const { detail } = problemIn(await bed.call("brief/go"));
  assert.match(detail, /Its process ended with code 7\. It said: one \/ no module\s+here: \S+$/);
  assert.ok(!detail.includes("of-the-environment"), detail);
});

test("what is no MCP server is told in one sentence", async () => {
  await using web = await openWeb({
    "/page": { headers: { "content-type": "text/html" }, body: "<html>" },
    "/json": { body: [1] },
  });
  for (const [path, why] of [
    ["/page", "it answers with text/html"],
    ["/json", "its answer is none of the protocol"],
    ["/nothing", "it answers 404"],
  ])
    await assert.rejects(importService({ target: web.url + path, isMcp: true }), {
      message: `What answers at ${web.url}${path} is no MCP server: ${why}.`,
    });
});

test("a server by URL of the newer era: structured output is checked, and what a tool refuses is a failure", async () => {
  await using server = await openMcp((mcp) => {
    registerAdd(mcp);
    mcp.registerTool("refuse", {}, () => ({ isError: true, content: [{ type: "text", text: "Not on a Sunday." }] }));
  });
  await using bed = await openBed();
  assert.deepEqual(await bed.add({ target: server.url, isMcp: true, name: "sums" }), ["add", "refuse"]);
  assert.deepEqual(outputIn(await bed.call("sums/add", { a: 20, b: 22 })), { sum: 42 });
  assert.equal(server.asked.at(-1)?.headers["mcp-protocol-version"], "2026-07-28");

  const refused = problemIn(await bed.call("sums/refuse"));
  assert.equal(refused.code, "SERVICE_REFUSED");
  assert.match(refused.detail, /^sums\/refuse: The tool "refuse" says: Not on a Sunday\.$/);
  const { services } = await bed.baton.call("services.check", { id: "sums" });
  assert.equal(services[0]?.health, "healthy");

  const { definition } = await importService({ target: server.url, isMcp: true, name: "sums" });
  const operations = definition.operations as Record<string, Record<string, Json>>;
  const other = { type: "object", properties: { sum: { type: "string" } } };
  await bed.baton.call("services.add", {
    ...{ definition: { ...definition, operations: { add: { ...operations.add, output: other } } }, replace: true },
  });
  assert.equal(
    problemIn(await bed.call("sums/add", { a: 1, b: 1 }, { retry: { attemptsMax: 1 } })).code,
    "SERVICE_ANSWER_INVALID",
  );
});

test("a tool that a server does not know any more, and one that fails inside", async () => {
  let isThereStill = true;
  await using server = await openMcp((mcp) => {
    registerAdd(mcp);
    if (isThereStill) mcp.registerTool("old", {}, () => ({ content: [] }));
    mcp.registerTool("fail", {}, () => {
      throw new Error("the disk is full");
    });
  });
  await using bed = await openBed();
  await bed.add({ target: server.url, isMcp: true, name: "t" });
  isThereStill = false;
  const gone = problemIn(await bed.call("t/old"));
  assert.equal(gone.code, "SERVICE_REFUSED");
  assert.match(gone.detail, /old/);
  assert.match(problemIn(await bed.call("t/fail")).detail, /the disk is full/);
  assert.deepEqual(outputIn(await bed.call("t/add", { a: 1, b: 2 })), { sum: 3 });
});

test("the reference server by URL, of the older era: spoken to in its own, and found again when it was started anew", async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/mcp`;
  let child = await startEverything(port);
  try {
    await using bed = await openBed();
    await bed.add({ target: url, isMcp: true, name: "old" });
    assert.equal(outputIn(await bed.call("old/echo", { message: "one" })), "Echo: one");
    assert.equal((await bed.baton.call("services.check", { id: "old" })).services[0]?.health, "healthy");

    await end(child);
    child = await startEverything(port);
    assert.equal(outputIn(await bed.call("old/echo", { message: "two" })), "Echo: two");

    await end(child);
    const gone = problemIn(await bed.call("old/echo", { message: "three" }, { retry: { attemptsMax: 1 } }));
    assert.equal(gone.code, "SERVICE_UNAVAILABLE");
    assert.equal((await bed.baton.call("services.check", { id: "old" })).services[0]?.health, "unhealthy");
    child = await startEverything(port);
    assert.equal(outputIn(await bed.call("old/echo", { message: "four" })), "Echo: four");
  } finally {
    await end(child);
  }
});

test("a server by URL that dies while it works: the call fails at once, and the next finds it again", async () => {
  const working = Promise.withResolvers<void>();
  const make = (mcp: McpServer): void => {
    registerAdd(mcp);
    mcp.registerTool("work", {}, async (context) => {
      await context.mcpReq.log("info", "it has begun"); // so that the answer is a stream
      working.resolve();
      return new Promise<never>(() => undefined);
    });
  };
  const server = await openMcp(make);
  const port = Number(new URL(server.url).port);
  await using bed = await openBed();
  await bed.add({ target: server.url, isMcp: true, name: "t" });
  const called = bed.call("t/work");
  await working.promise;
  await server.stop();
  const problem = problemIn(await called);
  assert.equal(problem.code, "SERVICE_UNAVAILABLE");
  await using _again = await openMcp(make, { port });
  assert.deepEqual(outputIn(await bed.call("t/add", { a: 1, b: 2 })), { sum: 3 });
});

for (const era of ["newer", "older"])
  test(`a call that takes too long, or that nobody wants any more, is given up at the server too (${era} era)`, async () => {
    const begun: AbortSignal[] = [];
    const older = era === "older" ? { gate: refuseNewer } : {};
    await using server = await openMcp((mcp) => {
      registerAdd(mcp);
      mcp.registerTool("sleep", {}, async (context) => {
        begun.push(context.mcpReq.signal);
        return new Promise<never>(() => undefined);
      });
    }, older);
    await using bed = await openBed();
    await bed.add({ target: server.url, isMcp: true, name: "t" });

    const late = problemIn(await bed.call("t/sleep", {}, { attemptTimeoutMs: 100 }));
    assert.equal(late.code, "SERVICE_UNAVAILABLE");
    assert.match(late.detail, /did not answer within 100 ms/);
    await once(() => begun.every(({ aborted }) => aborted)); // on a busy machine it may not even have begun
    const before = begun.length;

    const sleeper = workflow({ name: "sleeper", run: (context) => context.call("t/sleep", {}) });
    const { id } = await bed.baton.start(sleeper as never, null);
    await once(() => begun.length > before && begun.at(-1)?.aborted === false);
    await bed.baton.cancel(id);
    await once(() => begun.every(({ aborted }) => aborted));
    assert.deepEqual(outputIn(await bed.call("t/add", { a: 1, b: 2 })), { sum: 3 });
  });

test("credentials go to the server's own place; one that sends elsewhere gets no call there, and the key is not told", async () => {
  await using other = await openWeb({ "/mcp": { body: {} } });
  let isMoved = false;
  const gate = () => (isMoved ? [307, { location: `${other.url}/mcp` }] : null);
  await using server = await openMcp(registerAdd, { gate });
  await using bed = await openBed();
  const authentication = { kind: "bearer", secret: "mcpKey" };
  await bed.add({ target: server.url, isMcp: true, name: "t" }, { authentication });
  assert.deepEqual(outputIn(await bed.call("t/add", { a: 1, b: 2 })), { sum: 3 });
  assert.equal(server.asked.at(-1)?.headers.authorization, `Bearer ${process.env.BATON_SECRET_MCPKEY}`);
  isMoved = true;
  const problem = problemIn(await bed.call("t/add", { a: 1, b: 2 }, { retry: { attemptsMax: 1 } }));
  assert.deepEqual(other.asked, []);
  assert.ok(!JSON.stringify(problem).includes(process.env.BATON_SECRET_MCPKEY ?? "-"));
});

test("a document starts no process: it has no word for it", () => {
  const folder = mkdtempSync(join(tmpdir(), "baton-mcp-document-"));
  const file = join(folder, "hostile.yaml");
  writeFileSync(
    file,
    `document: { dsl: "1.0.3", namespace: a, name: b, version: "1.0.0" }
do:
  - one: { call: service, with: { target: t/x, mcp: { command: sh, args: ["-c", "id"] } } }
  - two: { call: mcp, with: { transport: { stdio: { command: sh } } } }
`,
  );
  const codes = checkDocumentFile(file).diagnostics.map(({ code }) => code);
  rmSync(folder, { recursive: true });
  assert.deepEqual(codes, ["DOC_KEY_UNKNOWN", "DOC_NOT_YET"]);
});
