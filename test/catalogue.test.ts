// Each adapter of the catalogue, against a fake that the vendor's own client works with (test/fakes.test.ts).

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Json } from "../src/base/json.ts";
import { type Baton, openBaton } from "../src/orchestrator.ts";
import { openFakeAnthropic } from "../src/testing/fake-anthropic.ts";
import { openFakeAutomatic1111 } from "../src/testing/fake-automatic1111.ts";
import type { FakeHttp } from "../src/testing/fake-http.ts";
import type { ChatRequest, FakeAiOptions } from "../src/testing/fake-model.ts";
import { openFakeOllama } from "../src/testing/fake-ollama.ts";
import { openFakeOpenAi } from "../src/testing/fake-openai.ts";
import { openFakeQdrant } from "../src/testing/fake-qdrant.ts";
import { type Called, type Context, workflow } from "../src/workflow.ts";
import { openWeb } from "./web.ts";

const KEY = "sk-catalogue-4711";
process.env.BATON_SECRET_OPENAI_API_KEY = KEY;
process.env.BATON_SECRET_ANTHROPIC_API_KEY = KEY;

interface Chatted {
  readonly text: string;
  readonly model: string;
  readonly finish: string;
  readonly json?: Json;
  readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly input: Json }[];
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
}

interface Bed extends AsyncDisposable {
  readonly baton: Baton;
  call<T>(target: string, input?: Json, stream?: string): Promise<{ called: Called<T>; run: string }>;
}

async function openBed(definition: Json): Promise<Bed> {
  const data = mkdtempSync(join(tmpdir(), "catalogue-"));
  const story = workflow({
    name: "story",
    run: (ctx: Context, { target, input, stream }: { target: string; input: Json; stream: string | null }) =>
      ctx.tryCall(target, input, { retry: { attemptsMax: 1 }, ...(stream === null ? {} : { stream }) }),
  });
  const baton = await openBaton({ data, workflows: [story as never], carry: "own" });
  await baton.call("services.add", { definition });
  return {
    baton,
    async call<T>(target: string, input: Json = {}, stream: string | null = null) {
      const run = await baton.start(story as never, { target, input, stream });
      return { called: (await run.result()) as Called<T>, run: run.id };
    },
    async [Symbol.asyncDispose]() {
      await baton[Symbol.asyncDispose]();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

interface Vendor {
  readonly uses: string;
  readonly path: string;
  readonly open: (options: FakeAiOptions) => Promise<FakeHttp>;
  readonly options: FakeAiOptions;
}

const VENDORS: readonly Vendor[] = [
  { uses: "ollama", path: "", open: openFakeOllama, options: {} },
  { uses: "openai", path: "/v1", open: openFakeOpenAi, options: { apiKey: KEY } },
  { uses: "openai-compatible", path: "/v1", open: openFakeOllama, options: {} },
  { uses: "anthropic", path: "", open: openFakeAnthropic, options: { apiKey: KEY } },
];

function definitionOf({ uses, path }: Vendor, fake: FakeHttp): Json {
  return { service: "it", uses, config: { baseUrl: fake.url + path } };
}

function outputOf<T>(called: Called<T>): T {
  assert.ok(called.ok, called.ok ? "" : called.problem.detail);
  return called.output;
}

for (const vendor of VENDORS) {
  suite(`${vendor.uses} talks`, () => {
    test("a question is answered, with who did and what it used", async () => {
      await using fake = await vendor.open({ ...vendor.options, reply: () => "Because of the salt in the rivers." });
      await using bed = await openBed(definitionOf(vendor, fake));
      const { called } = await bed.call<Chatted>("llm.chat", { prompt: "Why is the sea salty?", system: "Be short." });
      const { text, model, finish, usage } = outputOf(called);
      assert.equal(text, "Because of the salt in the rivers.");
      assert.equal(finish, "stop");
      assert.ok(model.length > 2 && usage.inputTokens > 3 && usage.outputTokens > 3, JSON.stringify([model, usage]));
      assert.ok(called.ok && called.target === "it/chat" && called.inputTokens === usage.inputTokens);
    });

    test("the system, the conversation and the settings arrive as they are meant", async () => {
      const seen: ChatRequest[] = [];
      const reply = (request: ChatRequest): string => {
        seen.push(request);
        return "one two three four five six seven eight nine ten";
      };
      await using fake = await vendor.open({ ...vendor.options, reply });
      await using bed = await openBed(definitionOf(vendor, fake));
      const messages = [
        { role: "system", content: "Be a pirate." },
        { role: "user", content: "Hello." },
        { role: "assistant", content: "Ahoy." },
        { role: "user", content: "Count." },
      ];
      const { called } = await bed.call<Chatted>("it/chat", { messages, maxTokens: 8, temperature: 0.5, stop: ["end"] });
      const { finish, text } = outputOf(called);
      assert.equal(finish, "length");
      assert.ok(text.startsWith("one two") && !text.includes("ten"), text);
      assert.deepEqual(
        seen[0]?.messages.map((message) => [message.role, message.text]),
        messages.map(({ role, content }) => [role, content]),
      );
      assert.equal(seen[0]?.maxTokens, 8);
    });

    test("words come as they are said, and are the same in the end", async () => {
      const whole = "The tide comes in, and goes out again, twice a day.";
      await using fake = await vendor.open({ ...vendor.options, reply: () => whole });
      await using bed = await openBed(definitionOf(vendor, fake));
      const { called, run } = await bed.call<Chatted>("llm.chat", { prompt: "Tell of tides." }, "words");
      const { items } = await bed.baton.call("runs.stream", { run, stream: "words" });
      const pieces = items.map(({ item }) => (item as { text: string }).text);
      assert.ok(pieces.length > 3, String(pieces.length));
      assert.equal(pieces.join(""), whole);
      const { text, usage } = outputOf(called);
      assert.equal(text, whole);
      assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
    });

    test("an answer that is to follow a schema is JSON", async () => {
      const answer = { city: "Oslo", people: 700_000 };
      const asTool = vendor.uses === "anthropic";
      const reply = () => (asTool ? { toolCalls: [{ name: "answer", arguments: answer }] } : JSON.stringify(answer));
      await using fake = await vendor.open({ ...vendor.options, reply });
      await using bed = await openBed(definitionOf(vendor, fake));
      const schema = { type: "object", properties: { city: { type: "string" }, people: { type: "integer" } } };
      const { called } = await bed.call<Chatted>("llm.chat", { prompt: "A city?", schema });
      assert.deepEqual(outputOf(called).json, answer);
      const streamed = await bed.call<Chatted>("llm.chat", { prompt: "A city?", schema }, "words");
      assert.deepEqual(outputOf(streamed.called).json, answer);
    });

    test("tools that it wants called are told", async () => {
      const reply = () => ({ toolCalls: [{ name: "weather", arguments: { place: "Oslo" } }] });
      await using fake = await vendor.open({ ...vendor.options, reply });
      await using bed = await openBed(definitionOf(vendor, fake));
      const tools = [{ name: "weather", description: "How it is outside.", input: { type: "object" } }];
      for (const stream of [undefined, "words"]) {
        const { called } = await bed.call<Chatted>("llm.chat", { prompt: "How is the weather?", tools }, stream);
        const { finish, toolCalls } = outputOf(called);
        assert.equal(finish, "tool");
        assert.deepEqual(
          toolCalls?.map(({ name, input }) => [name, input]),
          [["weather", { place: "Oslo" }]],
        );
      }
    });

    test("its models are listed, its health is told, and a model it does not have is refused in its own words", async () => {
      await using fake = await vendor.open(vendor.options);
      await using bed = await openBed(definitionOf(vendor, fake));
      const { called } = await bed.call<{ models: { id: string }[] }>("models.list");
      assert.ok(outputOf(called).models.length >= 3);
      const { services } = await bed.baton.call("services.check", { id: "it" });
      assert.equal(services[0]?.health, "healthy");
      const shown = await bed.baton.call("services.show", { id: "it" });
      assert.deepEqual(
        shown.models,
        outputOf(called).models.map(({ id }) => id),
      );
      const unfit = await bed.call("llm.chat", { prompt: "Hi", model: "no-such-model" });
      assert.ok(!unfit.called.ok);
      assert.match(unfit.called.problem.detail, /it has no model "no-such-model"/);
    });

    test("what it says when it is busy is told, and is no answer", async () => {
      await using fake = await vendor.open(vendor.options);
      await using bed = await openBed(definitionOf(vendor, fake));
      fake.fail(1, 429, { "retry-after": "0" });
      const { called } = await bed.call("it/chat", { prompt: "Hi" });
      assert.ok(!called.ok);
      assert.equal(called.problem.code, "SERVICE_UNAVAILABLE");
      assert.match(called.problem.detail, /^it\/chat: It answers 429/);
    });
  });
}

for (const vendor of VENDORS.filter(({ options }) => options.apiKey !== undefined)) {
  test(`${vendor.uses} is told who calls; without the right key it says so, and the key is not seen`, async () => {
    await using fake = await vendor.open({ apiKey: "another" });
    await using bed = await openBed(definitionOf(vendor, fake));
    const { called } = await bed.call("it/chat", { prompt: "Hi", model: "any" });
    assert.ok(!called.ok);
    assert.match(called.problem.detail, /It answers 401/);
    assert.ok(!JSON.stringify(called).includes(KEY));
  });
}

for (const vendor of VENDORS.filter(({ uses }) => uses !== "anthropic")) {
  test(`${vendor.uses} turns texts into vectors: alike where texts are`, async () => {
    await using fake = await vendor.open(vendor.options);
    await using bed = await openBed(definitionOf(vendor, fake));
    const texts = ["the sea and the tide", "the tide and the sea", "a train to the mountains"];
    const { called } = await bed.call<{ vectors: number[][]; model: string }>("llm.embed", { texts });
    const { vectors, model } = outputOf(called);
    assert.match(model, /embed/);
    const dot = (a: number[] = [], b: number[] = []): number => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
    assert.equal(vectors.length, 3);
    assert.ok(dot(vectors[0], vectors[1]) > dot(vectors[0], vectors[2]));
  });
}

test("openai makes pictures, which leave the journal, and a model looks at them", async () => {
  await using fake = await openFakeOpenAi({ apiKey: KEY });
  await using bed = await openBed({ service: "it", uses: "openai", config: { baseUrl: `${fake.url}/v1` } });
  const { called } = await bed.call<{ images: Json[] }>("image.generate", { prompt: "a red boat", width: 1_024, height: 1_024 });
  const [image] = outputOf(called).images as { mediaType: string; blob: string; bytes: number }[];
  assert.equal(image?.mediaType, "image/png");
  assert.match(image?.blob ?? "", /^blob_[0-9a-f]{64}$/);
  const seen = await bed.call<Chatted>("llm.chat", { prompt: "What is it?", images: [image as unknown as Json] });
  assert.match(outputOf(seen.called).text, /1024/);
});

test("automatic1111 makes pictures; nobody vouches for its adapter, and that is said", async () => {
  await using fake = await openFakeAutomatic1111();
  await using bed = await openBed({ service: "it", uses: "automatic1111", config: { baseUrl: fake.url } });
  const input = { prompt: "a green hill", width: 128, height: 64, count: 2, seed: 7 };
  const { called } = await bed.call<{ images: { mediaType: string }[]; seed: number }>("image.generate", input);
  const { images, seed } = outputOf(called);
  assert.deepEqual([images.length, images[0]?.mediaType, seed], [2, "image/png", 7]);
  const { called: listed } = await bed.call<{ models: object[] }>("models.list");
  assert.equal(outputOf(listed).models.length, 2);
  const { services } = await bed.baton.call("services.list", {});
  assert.deepEqual([services[0]?.unproven, services[0]?.proven], [true, undefined]);
});

test("qdrant keeps vectors under the names they are given, and scores grow with nearness by every distance", async () => {
  await using fake = await openFakeQdrant();
  await using bed = await openBed({ service: "it", uses: "qdrant", config: { baseUrl: fake.url } });
  for (const distance of ["cosine", "dot", "euclid"]) {
    const collection = `by-${distance}`;
    outputOf((await bed.call("vector.create", { collection, dimensions: 2, distance })).called);
    const again = await bed.call<{ created: boolean }>("vector.create", { collection, dimensions: 2, distance });
    assert.equal(outputOf(again.called).created, false);
    const items = [
      { id: "near it", vector: [1, 0.1], text: "near", metadata: { lang: "en" } },
      { id: "far", vector: [0, 1], metadata: { lang: "fr" } },
    ];
    outputOf((await bed.call("vector.upsert", { collection, items })).called);
    outputOf((await bed.call("vector.upsert", { collection, items })).called); // again is the same
    const { called } = await bed.call<{ matches: { id: string; score: number; text: string | null }[] }>("vector.query", {
      ...{ collection, vector: [1, 0] },
    });
    const { matches } = outputOf(called);
    assert.deepEqual(
      matches.map(({ id, text }) => [id, text]),
      [
        ["near it", "near"],
        ["far", null],
      ],
    );
    assert.ok((matches[0]?.score ?? 0) > (matches[1]?.score ?? 0), distance);
    const french = await bed.call<{ matches: { id: string }[] }>("vector.query", {
      collection,
      vector: [1, 0],
      where: { lang: "fr" },
    });
    assert.deepEqual(
      outputOf(french.called).matches.map(({ id }) => id),
      ["far"],
    );
    outputOf((await bed.call("vector.delete", { collection, ids: ["far"] })).called);
    const left = await bed.call<{ matches: object[] }>("vector.query", { collection, vector: [1, 0] });
    assert.equal(outputOf(left.called).matches.length, 1);
  }
  const unfit = await bed.call("vector.query", { collection: "by-dot", vector: [1, 2, 3] });
  assert.ok(!unfit.called.ok);
  assert.match(unfit.called.problem.detail, /expected dim: 2, got 3/);
});

test("services of this machine are found by what they answer, whatever their port", async () => {
  await using ollama = await openFakeOllama();
  await using openai = await openFakeOpenAi();
  const data = mkdtempSync(join(tmpdir(), "discover-"));
  try {
    await using baton = await openBaton({ data, carry: "nothing" });
    const hosts = [ollama, openai].map(({ port }) => `127.0.0.1:${port}`);
    const look = async (add: boolean) =>
      (await baton.call("services.discover", { hosts, add })).found.filter(({ baseUrl }) =>
        hosts.some((host) => baseUrl.includes(host)),
      );
    assert.deepEqual(
      (await look(false)).map(({ entry, state }) => [entry, state]),
      [
        ["ollama", "new"],
        ["openai-compatible", "new"],
      ],
    );
    await look(true);
    const again = await look(true);
    assert.deepEqual(
      again.map(({ state }) => state),
      ["known", "known"],
    );
    const { services } = await baton.call("services.list", { capability: "llm.chat" });
    assert.ok(services.length >= 2 && services.every(({ isLocal }) => isLocal));
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});

interface NoAnswer {
  readonly uses: string;
  readonly target?: string;
  readonly stream?: boolean;
  readonly type?: string;
  readonly body: string;
  readonly says: RegExp;
}

const PAGE = "<html><head><title>Maintenance</title></head><body><p>Back at <b>nine</b>.</p></body></html>";
const SSE = "text/event-stream";
const QUOTA = JSON.stringify({ error: { message: "quota exceeded" } });

function events(...data: readonly object[]): string {
  return data.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("");
}

function delta(more: object): object {
  return { choices: [{ index: 0, delta: more }] };
}

const callOf = (index: number): object => delta({ tool_calls: [{ index, function: { name: "x", arguments: "{}" } }] });
const many = Array.from({ length: 1_001 }, (_, at) => at);

/** 200, and yet no answer: each is told for what it is, and never an empty text. */
const NO_ANSWERS: readonly NoAnswer[] = [
  { uses: "openai", type: "text/html", body: PAGE, says: /no choices; it says: Maintenance$/ },
  { uses: "openai", body: "{}", says: /no choices/ },
  { uses: "openai", body: '{"choices":[{}]}', says: /no choices/ },
  { uses: "openai", body: QUOTA, says: /gives up and says: quota exceeded$/ },
  {
    uses: "openai",
    stream: true,
    type: "text/html",
    body: PAGE,
    says: /text\/html where a stream was asked for, .*Maintenance$/,
  },
  { uses: "openai", stream: true, body: "{}", says: /breaks off/ },
  { uses: "openai", stream: true, body: QUOTA, says: /quota exceeded$/ },
  { uses: "openai", stream: true, type: SSE, body: "", says: /breaks off/ },
  { uses: "openai", stream: true, type: SSE, body: "data: [DONE]\n\n", says: /breaks off/ },
  { uses: "openai", stream: true, type: SSE, body: events(delta({ content: "The answer is" })), says: /breaks off/ },
  { uses: "openai", stream: true, type: SSE, body: events(...many.map(callOf)), says: /PARTS_MAX/ },
  {
    uses: "openai",
    body: JSON.stringify({ choices: [{ message: { tool_calls: many.map((index) => ({ index, function: { name: "x" } })) } }] }),
    says: /PARTS_MAX/,
  },
  { uses: "openai", target: "llm.embed", body: '{"data":[]}', says: /no 2 vectors/ },
  { uses: "openai", target: "llm.embed", body: '{"data":[{"index":0,"embedding":[1]},{"index":1}]}', says: /no 2 vectors/ },
  { uses: "openai", target: "image.generate", body: '{"data":[]}', says: /no pictures/ },
  { uses: "openai", target: "image.generate", body: '{"data":[{"url":"https://x/"}]}', says: /no pictures/ },
  { uses: "openai", target: "models.list", type: "text/html", body: PAGE, says: /no models/ },
  { uses: "ollama", type: "text/html", body: PAGE, says: /Maintenance$/ },
  { uses: "ollama", body: '{"message":{"content":"half"}}', says: /no end/ },
  { uses: "ollama", body: QUOTA, says: /quota exceeded$/ },
  { uses: "ollama", stream: true, type: "text/html", body: PAGE, says: /Maintenance$/ },
  { uses: "ollama", stream: true, body: '{"message":{"content":"half"},"done":false}\n', says: /breaks off/ },
  { uses: "ollama", stream: true, body: '{"error":"out of memory"}\n', says: /out of memory$/ },
  { uses: "ollama", target: "llm.embed", body: '{"embeddings":[[1]]}', says: /no 2 vectors/ },
  { uses: "ollama", target: "models.list", body: "{}", says: /no models/ },
  { uses: "anthropic", type: "text/html", body: PAGE, says: /Maintenance$/ },
  { uses: "anthropic", body: "{}", says: /no content/ },
  { uses: "anthropic", stream: true, type: "text/html", body: PAGE, says: /Maintenance$/ },
  {
    uses: "anthropic",
    stream: true,
    type: SSE,
    body: events(
      { type: "message_start", message: {} },
      { type: "content_block_delta", delta: { type: "text_delta", text: "half" } },
    ),
    says: /breaks off/,
  },
  {
    uses: "anthropic",
    stream: true,
    type: SSE,
    body: events(...many.map((index) => ({ type: "content_block_start", index, content_block: { type: "text" } }))),
    says: /PARTS_MAX/,
  },
];

const INPUTS: Readonly<Record<string, Json>> = {
  "llm.chat": { prompt: "Hi" },
  "llm.embed": { texts: ["a", "b"] },
  "image.generate": { prompt: "a boat" },
  "models.list": {},
};

test("G13 what is no answer is told as what it is, and may be asked again: pages, errors, and answers that break off", async () => {
  for (const { uses, target = "llm.chat", stream = false, type = "application/json", body, says } of NO_ANSWERS) {
    const answer = { headers: { "content-type": type }, body };
    const paths = ["/chat/completions", "/embeddings", "/images/generations", "/models", "/api/chat", "/api/embed", "/api/tags"];
    await using web = await openWeb(Object.fromEntries([...paths, "/v1/messages", "/v1/models"].map((path) => [path, answer])));
    const config = { baseUrl: web.url, model: "m", ...(uses === "anthropic" ? {} : { embedModel: "m" }) };
    await using bed = await openBed({ service: "it", uses, config });
    const { called } = await bed.call(target, INPUTS[target] ?? {}, stream ? "words" : undefined);
    const what = `${uses} ${target} ${stream} ${type} ${body.slice(0, 80)}`;
    assert.ok(!called.ok, `${what}: ${JSON.stringify(called).slice(0, 200)}`);
    assert.match(called.problem.code, /^SERVICE_(ANSWER_INVALID|UNAVAILABLE)$/, what);
    assert.match(called.problem.detail, says, what);
  }
});

test("G13 numbers of tool calls and blocks are names and no sizes, in any order; a stream that ends by [DONE] alone is whole", async () => {
  const far = 4_294_967_294;
  const named = (index: number, name: string): object => delta({ tool_calls: [{ index, function: { name, arguments: "{}" } }] });
  const block = (index: number, name: string): object => ({
    ...{ type: "content_block_start", index },
    content_block: { type: "tool_use", id: name, name, input: {} },
  });
  await using web = await openWeb({
    "/chat/completions": {
      headers: { "content-type": SSE },
      body: `${events(named(far, "last"), named(0, "first"))}data: [DONE]\n\n`,
    },
    "/v1/messages": {
      headers: { "content-type": SSE },
      body: events({ type: "message_start", message: {} }, block(far, "last"), block(0, "first"), { type: "message_stop" }),
    },
  });
  for (const uses of ["openai", "anthropic"]) {
    await using bed = await openBed({ service: "it", uses, config: { baseUrl: web.url, model: "m" } });
    const { called } = await bed.call<Chatted>("it/chat", { prompt: "Hi" }, "words");
    assert.deepEqual(
      outputOf(called).toolCalls?.map(({ name }) => name),
      ["first", "last"],
    );
  }
});

test("G13 counts of tokens that cannot be are not known, and spoil no figures", async () => {
  for (const usage of ['{"prompt_tokens":-5,"completion_tokens":1e308}', '{"prompt_tokens":1e999,"completion_tokens":1.5}']) {
    const body = `{"choices":[{"message":{"content":[{"type":"text","text":"hi"}]}}],"usage":${usage}}`;
    await using web = await openWeb({ "/chat/completions": { body } });
    await using bed = await openBed({ service: "it", uses: "openai", config: { baseUrl: web.url, model: "m" } });
    const { called } = await bed.call<Chatted>("it/chat", { prompt: "Hi" });
    assert.deepEqual([outputOf(called).text, outputOf(called).usage], ["hi", {}]);
    assert.deepEqual(called.ok && [called.inputTokens, called.outputTokens], [undefined, undefined]);
  }
});
