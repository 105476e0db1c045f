// The fakes are accepted because the vendors' own clients, unchanged, work with them.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { QdrantClient } from "@qdrant/js-client-rest";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { openFakeAnthropic } from "../src/testing/fake-anthropic.ts";
import { openFakeOllama } from "../src/testing/fake-ollama.ts";
import { openFakeOpenAi } from "../src/testing/fake-openai.ts";
import { openFakeQdrant } from "../src/testing/fake-qdrant.ts";

const KEY = "sk-judge";
const QUESTION = "How often does the tide come in?";
const PASSAGE = "The tide comes in twice a day.";

async function gathered<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of stream) all.push(one);
  return all;
}

suite("openai's client", () => {
  const messages = [
    { role: "system" as const, content: PASSAGE },
    { role: "user" as const, content: QUESTION },
  ];

  test("chats, whole and in pieces, and counts tokens", async () => {
    await using fake = await openFakeOpenAi({ apiKey: KEY });
    const client = new OpenAI({ apiKey: KEY, baseURL: `${fake.url}/v1`, maxRetries: 0 });
    const whole = await client.chat.completions.create({ model: "gpt-4o-mini", messages });
    assert.equal(whole.choices[0]?.message.content, PASSAGE);
    assert.ok((whole.usage?.prompt_tokens ?? 0) > 0 && (whole.usage?.completion_tokens ?? 0) > 0);
    const stream = await client.chat.completions.create({
      ...{ model: "gpt-4o-mini", messages, stream: true, stream_options: { include_usage: true } },
    });
    const chunks = await gathered(stream);
    assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""), PASSAGE);
    assert.deepEqual(chunks.at(-1)?.usage, whole.usage);
  });

  test("embeds (as base64, its default), lists models, makes pictures", async () => {
    await using fake = await openFakeOpenAi({ apiKey: KEY });
    const client = new OpenAI({ apiKey: KEY, baseURL: `${fake.url}/v1`, maxRetries: 0 });
    const { data } = await client.embeddings.create({ model: "text-embedding-3-small", input: ["sea", "sea", "land"] });
    assert.deepEqual(data[0]?.embedding, data[1]?.embedding);
    assert.notDeepEqual(data[0]?.embedding, data[2]?.embedding);
    const models = await gathered(client.models.list());
    assert.ok(models.some(({ id }) => id === "gpt-4o"));
    const { data: images } = await client.images.generate({ model: "gpt-image-1", prompt: "a blue boat" });
    assert.equal(
      Buffer.from(images?.[0]?.b64_json ?? "", "base64")
        .subarray(1, 4)
        .toString(),
      "PNG",
    );
  });

  test("gets tool calls, and its own errors", async () => {
    const reply = () => ({ toolCalls: [{ name: "look", arguments: { at: "sea" } }] });
    await using fake = await openFakeOpenAi({ apiKey: KEY, reply });
    const client = new OpenAI({ apiKey: KEY, baseURL: `${fake.url}/v1`, maxRetries: 0 });
    const tools = [{ type: "function" as const, function: { name: "look", parameters: { type: "object" } } }];
    const { choices } = await client.chat.completions.create({ model: "gpt-4o", messages, tools });
    const [call] = choices[0]?.message.tool_calls ?? [];
    assert.ok(call?.type === "function" && call.function.name === "look");
    assert.equal(choices[0]?.finish_reason, "tool_calls");
    await assert.rejects(client.chat.completions.create({ model: "no-such", messages }), OpenAI.NotFoundError);
    fake.fail(1, 429);
    await assert.rejects(client.chat.completions.create({ model: "gpt-4o", messages }), OpenAI.RateLimitError);
    const stranger = new OpenAI({ apiKey: "wrong", baseURL: `${fake.url}/v1`, maxRetries: 0 });
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  });
});

suite("ollama's client", () => {
  const messages = [
    { role: "system", content: PASSAGE },
    { role: "user", content: QUESTION },
  ];

  test("chats, whole and in pieces, generates, embeds, lists", async () => {
    await using fake = await openFakeOllama();
    const client = new Ollama({ host: fake.url });
    const whole = await client.chat({ model: "llama3.2", messages });
    assert.equal(whole.message.content, PASSAGE);
    assert.ok(whole.eval_count > 0 && whole.prompt_eval_count > 0 && whole.done);
    const parts = await gathered(await client.chat({ model: "llama3.2", messages, stream: true }));
    assert.equal(parts.map(({ message }) => message.content).join(""), PASSAGE);
    const { embeddings } = await client.embed({ model: "nomic-embed-text", input: ["sea", "sea", "land"] });
    assert.deepEqual(embeddings[0], embeddings[1]);
    const { models } = await client.list();
    assert.ok(models.some(({ name }) => name === "llama3.2:latest"));
    const generated = await client.generate({ model: "llama3.2", prompt: `${PASSAGE}\n${QUESTION}` });
    assert.match(String(generated.response), /twice a day/);
  });

  test("is told in Ollama's words what is wrong", async () => {
    await using fake = await openFakeOllama();
    const client = new Ollama({ host: fake.url });
    await assert.rejects(client.chat({ model: "no-such", messages }), /model 'no-such' not found/);
    fake.fail(1, 503);
    await assert.rejects(client.list(), { name: "ResponseError" });
  });
});

suite("Anthropic's client", () => {
  const asked = {
    model: "claude-haiku-4-5",
    max_tokens: 200,
    system: PASSAGE,
    messages: [{ role: "user" as const, content: QUESTION }],
  };

  test("talks, whole and in pieces, lists models", async () => {
    await using fake = await openFakeAnthropic({ apiKey: KEY });
    const client = new Anthropic({ apiKey: KEY, baseURL: fake.url, maxRetries: 0 });
    const whole = await client.messages.create(asked);
    const [block] = whole.content;
    assert.ok(block?.type === "text" && block.text === PASSAGE);
    assert.equal(whole.stop_reason, "end_turn");
    const stream = client.messages.stream(asked);
    assert.equal(await stream.finalText(), PASSAGE);
    const final = await stream.finalMessage();
    assert.deepEqual(final.usage.output_tokens, whole.usage.output_tokens);
    assert.ok((await gathered(client.models.list())).length >= 3);
  });

  test("gets tools used, and its own errors", async () => {
    const reply = () => ({ toolCalls: [{ name: "look", arguments: { at: "sea" } }] });
    await using fake = await openFakeAnthropic({ apiKey: KEY, reply });
    const client = new Anthropic({ apiKey: KEY, baseURL: fake.url, maxRetries: 0 });
    const tools = [{ name: "look", input_schema: { type: "object" as const } }];
    for (const message of [
      await client.messages.create({ ...asked, tools }),
      await client.messages.stream({ ...asked, tools }).finalMessage(),
    ]) {
      const used = message.content.find(({ type }) => type === "tool_use");
      assert.ok(used?.type === "tool_use" && used.name === "look");
      assert.deepEqual(used.input, { at: "sea" });
    }
    await assert.rejects(client.messages.create({ ...asked, model: "no-such" }), Anthropic.NotFoundError);
    fake.fail(1, 529);
    await assert.rejects(client.messages.create(asked), Anthropic.InternalServerError);
    const stranger = new Anthropic({ apiKey: "wrong", baseURL: fake.url, maxRetries: 0 });
    await assert.rejects(stranger.messages.create(asked), Anthropic.AuthenticationError);
  });
});

suite("Qdrant's client", () => {
  test("makes collections, puts points in, finds, counts and deletes them", async () => {
    await using fake = await openFakeQdrant({ apiKey: KEY });
    const client = new QdrantClient({ url: fake.url, apiKey: KEY });
    await client.createCollection("words", { vectors: { size: 2, distance: "Cosine" } });
    const points = [
      { id: 1, vector: [1, 0], payload: { lang: "en", year: 1 } },
      { id: 2, vector: [0.9, 0.1], payload: { lang: "fr", year: 2 } },
      { id: "5c56c793-69f3-4fbf-87e6-c4bf54c28c26", vector: [0, 1], payload: { lang: "en", year: 3 } },
    ];
    await client.upsert("words", { wait: true, points });
    const near = await client.query("words", { query: [1, 0], limit: 2, with_payload: true });
    assert.deepEqual(
      near.points.map(({ id }) => id),
      [1, 2],
    );
    const english = { must: [{ key: "lang", match: { value: "en" } }], must_not: [{ key: "year", range: { lt: 2 } }] };
    const filtered = await client.query("words", { query: [1, 0], filter: english });
    assert.deepEqual(
      filtered.points.map(({ id }) => id),
      ["5c56c793-69f3-4fbf-87e6-c4bf54c28c26"],
    );
    assert.equal((await client.count("words", { filter: { must: [{ key: "lang", match: { value: "en" } }] } })).count, 2);
    const page = await client.scroll("words", { limit: 2 });
    assert.equal(page.points.length, 2);
    assert.equal((await client.scroll("words", { limit: 2, offset: page.next_page_offset ?? 0 })).points.length, 1);
    await client.delete("words", { points: [1] });
    assert.equal((await client.count("words")).count, 2);
    assert.equal((await client.getCollection("words")).config.params.vectors?.size, 2);
    assert.deepEqual((await client.getCollections()).collections, [{ name: "words" }]);
  });

  test("is told what is wrong", async () => {
    await using fake = await openFakeQdrant({ apiKey: KEY });
    const client = new QdrantClient({ url: fake.url, apiKey: KEY });
    await assert.rejects(client.getCollection("nowhere"), { status: 404 });
    await client.createCollection("words", { vectors: { size: 2, distance: "Dot" } });
    await assert.rejects(client.createCollection("words", { vectors: { size: 2, distance: "Dot" } }), { status: 409 });
    await assert.rejects(client.upsert("words", { points: [{ id: 1, vector: [1, 2, 3] }] }), { status: 400 });
    const stranger = new QdrantClient({ url: fake.url, apiKey: "wrong", checkCompatibility: false });
    await assert.rejects(stranger.getCollections(), { status: 401 });
  });
});
