// What somebody meets who adds services and calls them: with real servers, a real store, and commands one after the other.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Json } from "../src/base/json.ts";
import { ask, type Baton, type OpenOptions, openBaton, setSecret } from "../src/orchestrator.ts";
import { definitionOfOpenApi } from "../src/services.ts";
import { type Called, type CallOptions, type Context, workflow } from "../src/workflow.ts";
import { openWeb } from "./web.ts";

interface Bed extends AsyncDisposable {
  readonly data: string;
  readonly baton: Baton;
  add(definition: Json): Promise<void>;
  run<T>(act: (context: Context) => Promise<T>): Promise<T>;
  call(target: string, input?: Json, options?: CallOptions): Promise<Called<Json>>;
}

let stories = 0;

async function openBed(options: OpenOptions = {}): Promise<Bed> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), "stories-"));
  const baton = await openBaton({ carry: "own", ...options, data });
  const run = async <T>(act: (context: Context) => Promise<T>): Promise<T> => {
    const story = workflow({ name: `story-${++stories}`, run: act });
    return (await (await baton.start(story as never, null)).result()) as T;
  };
  return {
    ...{ data, baton, run },
    add: async (definition) => void (await baton.call("services.add", { definition })),
    call: (target, input = {}, more = {}) => run((context) => context.tryCall(target, input, more)),
    async [Symbol.asyncDispose]() {
      await baton[Symbol.asyncDispose]();
      if (options.data === undefined) rmSync(data, { recursive: true, force: true });
    },
  };
}

const well = { body: { ok: true } };

test("what is left of the input is the body of a POST, whatever stands in its path", async () => {
  await using web = await openWeb({
    ...{ "/a?n=1": well, "/b?n=2": well, "/c/7?x=y": well, "/d?n=1": well, "/e": well, "/f?n=1": well, "/g?a=1&n=2": well },
  });
  await using bed = await openBed();
  await bed.add({
    service: "web",
    baseUrl: web.url,
    operations: {
      a: { post: "/a?n=1" },
      b: { post: "/b?n=${ .n }" },
      c: { put: "/c/{id}?x=y" },
      d: { http: { method: "post", path: "/d", query: { n: 1 } } },
      e: { http: { method: "post", path: "/e", body: null } },
      f: { get: "/f?n=1" },
      g: { get: "/g" },
    },
  });
  for (const name of ["a", "b", "d", "e", "f", "g"]) assert.ok((await bed.call(`web/${name}`, { a: 1, n: 2 })).ok, name);
  assert.ok((await bed.call("web/c", { id: 7, a: 1 })).ok);
  const whole = '{"a":1,"n":2}';
  assert.deepEqual(
    web.asked.map(({ path, body }) => [path, body]),
    [
      ["/a?n=1", whole],
      ["/b?n=2", whole],
      ["/d?n=1", whole],
      ["/e", ""],
      ["/f?n=1", ""],
      ["/g?a=1&n=2", ""],
      ["/c/7?x=y", '{"a":1}'],
    ],
  );
});

test("what is asked before sends only what it says itself", async () => {
  await using web = await openWeb({ "/tok": { body: { token: "t" } }, "/tok/7": { body: { token: "u" } }, "/do": well });
  await using bed = await openBed();
  const ask = (before: Json): Json => ({
    before: { tok: before },
    http: { method: "post", path: "/do", body: "${ $before.tok }" },
  });
  await bed.add({
    service: "web",
    baseUrl: web.url,
    operations: { got: ask({ get: "/tok" }), posted: ask({ post: "/tok" }), named: ask({ get: "/tok/{id}" }) },
  });
  for (const name of ["got", "posted", "named"]) assert.ok((await bed.call(`web/${name}`, { id: 7, card: "4111" })).ok, name);
  assert.deepEqual(
    web.asked.map(({ path, body }) => [path, body]),
    ["t", "t", "u"].flatMap((token) => [
      [token === "u" ? "/tok/7" : "/tok", ""],
      ["/do", `{"token":"${token}"}`],
    ]),
  );
});

const models = { body: { object: "list", data: [{ id: "small", owned_by: "them" }] } };

test("a key of one service goes to no other: what may be left out is left out where it is for other hosts", async () => {
  await using web = await openWeb({ "/v1/models": models });
  await using bed = await openBed();
  setSecret(bed.data, "OPENAI_API_KEY", "sk-openai", ["api.openai.com"]);
  setSecret(bed.data, "VLLM_API_KEY", "sk-vllm", [web.host]);
  setSecret(bed.data, "NAMED_KEY", "sk-named", ["elsewhere.example"]);
  const config = { baseUrl: `${web.url}/v1` };
  for (const [service, uses] of [
    ["vllm", "vllm"],
    ["box", "openai-compatible"],
    ["llama-cpp", "llama.cpp"],
    ["lm-studio", "lm-studio"],
    ["openai", "openai-compatible"],
  ] as const)
    await bed.add({ service, uses, config });
  const authentication = { kind: "bearer", secret: "NAMED_KEY", isOptional: true };
  await bed.add({ service: "named", baseUrl: config.baseUrl, authentication, operations: { models: { get: "/models" } } });
  const { services } = await bed.baton.call("services.check", {});
  assert.deepEqual([...new Set(services.map(({ health, because }) => because ?? health))], ["healthy"]);
  const sent = async (target: string) => {
    assert.ok((await bed.call(target)).ok, target);
    return web.asked.at(-1)?.headers.authorization;
  };
  assert.equal(await sent("vllm/models"), "Bearer sk-vllm");
  for (const id of ["box", "llama-cpp", "lm-studio", "openai", "named"]) assert.equal(await sent(`${id}/models`), undefined, id);
  setSecret(bed.data, "OPENAI_API_KEY", "sk-openai", []);
  setSecret(bed.data, "BOX_API_KEY", "sk-box", []);
  assert.equal(await sent("box/models"), "Bearer sk-box");
  assert.equal(await sent("openai/models"), undefined);
});

test("a secret that is missing is to be set for the host of its service", async () => {
  await using web = await openWeb({});
  await using bed = await openBed();
  const authentication = { kind: "bearer", secret: "LOCK_KEY" };
  await bed.add({ service: "lock", baseUrl: web.url, authentication, operations: { open: { post: "/open" } } });
  const called = await bed.call("lock/open");
  assert.ok(!called.ok && called.problem.code === "SERVICE_SECRET_MISSING");
  assert.equal(called.problem.fix, `\`baton secrets set LOCK_KEY --host ${web.host}\``);
});

test("what is a cloud's is remote wherever its proxy stands, unless the definition says otherwise", async () => {
  await using bed = await openBed();
  const config = { baseUrl: "http://127.0.0.1:9" };
  for (const uses of ["openai", "anthropic"]) {
    await bed.add({ service: uses, uses, config });
    await bed.add({ service: `own-${uses}`, uses, config, data: "local" });
  }
  const { services } = await bed.baton.call("services.list", {});
  assert.deepEqual(
    services.map(({ id, isLocal }) => [id, isLocal]),
    [
      ["anthropic", false],
      ["openai", false],
      ["own-anthropic", true],
      ["own-openai", true],
    ],
  );
});

test("an answer that nobody described may be anything, and one that is described must be so", async () => {
  await using web = await openWeb({ "/made": { body: { id: 1 } }, "/told": { body: { n: "one" } } });
  await using bed = await openBed();
  const made = (responses: Json): Json => ({ post: { operationId: "make", responses } });
  const n = { type: "object", properties: { n: { type: "integer" } } };
  const json = (schema: Json): Json => ({ description: "ok", content: { "application/json": { schema } } });
  const documents: Record<string, Json> = {
    two: { swagger: "2.0", info: { title: "two" }, paths: { "/made": made({ 200: { description: "ok" } }) } },
    three: { openapi: "3.0.0", info: { title: "three" }, paths: { "/made": made({ 201: { description: "made" } }) } },
    gone: { openapi: "3.0.0", info: { title: "gone" }, paths: { "/made": made({ 204: { description: "gone" } }) } },
    both: {
      openapi: "3.0.0",
      info: { title: "both" },
      paths: { "/made": made({ 200: json(n), 202: { description: "later" } }) },
    },
    bare: {
      openapi: "3.0.0",
      info: { title: "bare" },
      paths: { "/made": made({ 200: { description: "ok", content: { "application/json": {} } } }) },
    },
    told: { openapi: "3.0.0", info: { title: "told" }, paths: { "/told": made({ 200: json(n), 204: { description: "none" } }) } },
  };
  for (const [name, document] of Object.entries(documents))
    await bed.add(definitionOfOpenApi({ document, url: `${web.url}/openapi.json`, name, baseUrl: web.url }));
  for (const name of ["two", "three", "gone", "both", "bare"]) {
    const called = await bed.call(`${name}/make`);
    assert.deepEqual(called.ok ? called.output : called.problem.detail, { id: 1 }, name);
  }
  const told = await bed.call("told/make");
  assert.ok(!told.ok && told.problem.code === "SERVICE_ANSWER_INVALID");
});

test("commands one after the other know how services are, how quick they are, and which are left alone", async () => {
  const state = { isWell: true };
  await using web = await openWeb({ "/say": () => (state.isWell ? { body: { said: true } } : { status: 503, body: {} }) });
  const data = mkdtempSync(join(tmpdir(), "stories-"));
  const inCommand = async <T>(act: (bed: Bed) => Promise<T>): Promise<T> => {
    await using bed = await openBed({ data });
    return await act(bed);
  };
  const lineOf = async (): Promise<[health: string, circuit: string]> => {
    const { services } = await ask(data, "services.list", {});
    return [services[0]?.health ?? "", services[0]?.circuit ?? ""];
  };
  const codeOf = (bed: Bed) =>
    bed.call("far/say", {}, { retry: { attemptsMax: 1 } }).then((called) => (called.ok ? "ok" : called.problem.code));
  try {
    const operations = { say: { get: "/say", capability: "word.say" } };
    await inCommand((bed) => bed.add({ service: "far", baseUrl: web.url, operations }));
    assert.deepEqual(await lineOf(), ["unknown", "closed"]);
    assert.equal(await inCommand(codeOf), "ok");
    assert.deepEqual(await lineOf(), ["healthy", "closed"]);
    const words = await inCommand(async (bed) => {
      await bed.call("word.say", {}, { strategy: "least-latency" });
      const { runs } = await bed.baton.call("runs.list", {});
      return JSON.stringify((await bed.baton.call("runs.journal", { run: runs[0]?.run ?? "" })).entries[0]);
    });
    assert.match(words, /about \d+ ms/);
    state.isWell = false;
    for (let i = 0; i < 5; i++) assert.equal(await inCommand(codeOf), "SERVICE_UNAVAILABLE");
    assert.equal(await inCommand(codeOf), "SERVICE_CIRCUIT_OPEN");
    assert.deepEqual(await lineOf(), ["healthy", "open"]);
    await inCommand((bed) => bed.baton.call("services.check", {}));
    assert.deepEqual(await lineOf(), ["healthy", "half-open"]); // somebody is there, says its address
    await inCommand((bed) =>
      bed.baton.call("services.add", {
        replace: true,
        definition: { service: "far", baseUrl: "http://127.0.0.1:9", operations },
      }),
    );
    assert.deepEqual(await inCommand(async (bed) => (await bed.baton.call("services.list", {})).services[0]?.circuit), "closed");
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});

test("what is found and added is known to be well", async () => {
  await using web = await openWeb({ "/": well, "/v1/models": models });
  await using bed = await openBed();
  const { found } = await bed.baton.call("services.discover", { hosts: [web.host], add: true });
  const id = found.find(({ baseUrl }) => baseUrl.startsWith(web.url))?.id;
  const { services } = await bed.baton.call("services.list", {});
  assert.equal(services.find((one) => one.id === id)?.health, "healthy");
});

test("what an OpenAPI document says of who calls becomes the service's secret", async () => {
  await using web = await openWeb({ "/x": well, "/x?k=sk-story": well });
  await using bed = await openBed();
  const get = { operationId: "x", responses: {} };
  const three = (securitySchemes: Json, security: Json, more: object = {}): Json => ({
    ...{ openapi: "3.0.0", info: { title: "t", version: "2" }, components: { securitySchemes }, security },
    paths: { "/x": { get: { ...get, ...more } } },
  });
  const basic = { b: { type: "basic" } };
  const documents: Record<string, Json> = {
    header: three({ k: { type: "apiKey", in: "header", name: "X-Key" } }, [{ k: [] }]),
    query: three({ k: { type: "apiKey", in: "query", name: "k" } }, [{ k: [] }]),
    bearer: three({ k: { type: "http", scheme: "Bearer" } }, [{ k: [] }]),
    two: {
      swagger: "2.0",
      info: { title: "t", version: "1.2" },
      securityDefinitions: basic,
      security: [{ b: [] }],
      paths: { "/x": { get } },
    },
    some: three({ k: { type: "http", scheme: "bearer" } }, [{ k: [] }, {}]),
    free: three({ k: { type: "http", scheme: "bearer" } }, [{ k: [] }], { security: [] }),
  };
  const needs: Record<string, string | undefined> = {};
  for (const [name, document] of Object.entries(documents)) {
    const definition = definitionOfOpenApi({ document, url: "api.json", name, baseUrl: web.url });
    needs[name] = (await bed.baton.call("services.add", { definition })).secret;
  }
  const [some, free] = [undefined, undefined];
  assert.deepEqual(needs, {
    header: "HEADER_API_KEY",
    query: "QUERY_API_KEY",
    bearer: "BEARER_TOKEN",
    two: "TWO_LOGIN",
    some,
    free,
  });
  for (const secret of Object.values(needs)) if (secret !== undefined) setSecret(bed.data, secret, "sk-story", [web.host]);
  for (const name of Object.keys(documents)) assert.ok((await bed.call(`${name}/x`)).ok, name);
  assert.deepEqual(
    web.asked.map(({ path, headers }) => [path, headers["x-key"] ?? headers.authorization]),
    [
      ["/x", "sk-story"],
      ["/x?k=sk-story", undefined],
      ["/x", "Bearer sk-story"],
      ["/x", `Basic ${btoa("sk-story:")}`],
      ["/x", undefined],
      ["/x", undefined],
    ],
  );
  const { services } = await bed.baton.call("services.list", {});
  assert.deepEqual([...new Set(services.map(({ version }) => version))].toSorted(), ["1.2.0", "2.0.0"]);
});

test("a stream may number what it says as it likes: nothing grows by its numbers", async () => {
  const events = (list: readonly Json[]) => ({
    headers: { "content-type": "text/event-stream" },
    body: list.map((one) => `data: ${JSON.stringify(one)}\n\n`).join(""),
  });
  const piece = (index: number, id: string, text: string): Json => ({
    choices: [{ delta: { tool_calls: [{ index, id, function: { name: id, arguments: text } }] } }],
  });
  const begun = (index: number, id: string): Json => ({
    type: "content_block_start",
    index,
    content_block: { type: "tool_use", id, name: id, input: {} },
  });
  const json = (index: number, partial_json: string): Json => ({
    type: "content_block_delta",
    index,
    delta: { type: "input_json_delta", partial_json },
  });
  await using web = await openWeb({
    "/v1/models": models,
    "/v1/chat/completions": events([
      piece(1e9, "late", '{"n":'),
      piece(0, "early", "{}"),
      piece(1e9, "late", "1}"),
      { choices: [{ delta: {}, finish_reason: "tool_calls" }] },
    ]),
    "/v1/messages": events([begun(1e9, "late"), json(1e9, '{"n":1}'), begun(0, "early"), { type: "message_stop" }]),
  });
  await using bed = await openBed();
  setSecret(bed.data, "ANTHROPIC_API_KEY", "sk-anthropic", [web.host]);
  await bed.add({ service: "box", uses: "openai-compatible", config: { baseUrl: `${web.url}/v1` } });
  await bed.add({ service: "claude", uses: "anthropic", config: { baseUrl: web.url, model: "small" } });
  for (const target of ["box/chat", "claude/chat"]) {
    const called = await bed.call(target, { prompt: "?" }, { stream: "words" });
    const { toolCalls } = (called.ok ? called.output : called.problem) as { toolCalls?: Json };
    assert.deepEqual(toolCalls, [
      { id: "early", name: "early", input: {} },
      { id: "late", name: "late", input: { n: 1 } },
    ]);
  }
});

test("the figures are there for collectors of metrics, with or without an owner", async () => {
  await using web = await openWeb({ "/say": well });
  await using bed = await openBed();
  await bed.add({ service: "far", baseUrl: web.url, operations: { say: { get: "/say" } } });
  await bed.call("far/say");
  const { text } = await ask(bed.data, "stats.metrics", {});
  for (const line of ['baton_service_calls_total{service="far",operation="say"} 1', 'baton_service_up{service="far"} 1'])
    assert.ok(text.split("\n").includes(line), text);
});
