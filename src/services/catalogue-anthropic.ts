// Anthropic's API.
//
// Source: Anthropic API reference, "Messages", "Streaming messages", "Models"; the wire as `@anthropic-ai/sdk` has it.

import type { Json } from "../base/json.ts";
import {
  type CatalogueEntry,
  common,
  items,
  type Members,
  members,
  modelOf,
  only,
  partsOf,
  refuseAnswer,
  refuseBrokenOff,
  requireParts,
  takeAll,
  toolInput,
  usageOf,
} from "./catalogue-entry.ts";
import { CHAT_HINTS } from "./catalogue-openai.ts";
import type { Outside } from "./service.ts";

const HEADERS = { "anthropic-version": "2023-06-01" };

const FINISH: Readonly<Record<string, string>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  tool_use: "tool",
  refusal: "filter",
};

/** The API wants a bound. */
const MAX_TOKENS = 4_096;

async function modelNames(outside: Outside): Promise<string[]> {
  const { body } = await outside.send({ method: "GET", path: "/v1/models", headers: HEADERS });
  const { data } = members(body);
  if (!Array.isArray(data)) refuseAnswer(body, "models");
  return items(data).map((one) => String(members(one).id));
}

function messageFor(written: Json): Json {
  const { role, content, toolCallId, toolCalls } = members(written);
  const { text, images } = partsOf(content);
  if (role === "tool") return { role: "user", content: [{ type: "tool_result", tool_use_id: toolCallId ?? "", content: text }] };
  const pictures = images.map(({ mediaType, data = "" }) => ({
    type: "image",
    source: { type: "base64", media_type: mediaType, data },
  }));
  const uses = items(toolCalls).map((call) => {
    const { id = "", name = "", input = {} } = members(call);
    return { type: "tool_use", id, name, input };
  });
  const said = text === "" ? [] : [{ type: "text", text }];
  return { role: role ?? "user", content: [...pictures, ...said, ...uses] };
}

/** The answer that follows a schema is the input of a tool that must be used. */
const ANSWER_TOOL = "answer";

function requestFor(input: Members, model: string, isHeard: boolean): Members {
  const { messages, temperature, topP, maxTokens = MAX_TOKENS, stop, schema, tools } = input;
  const all = items(messages).map(members);
  const system = all.filter(({ role }) => role === "system").map(({ content }) => partsOf(content).text);
  const offered = items(tools).map((tool) => {
    const { name = "", description, input: input_schema = { type: "object" } } = members(tool);
    return only({ name, description, input_schema });
  });
  if (schema !== undefined) offered.push({ name: ANSWER_TOOL, description: "Gives the answer.", input_schema: schema });
  return only({
    model,
    max_tokens: maxTokens,
    system: system.length === 0 ? undefined : system.join("\n\n"),
    messages: all.filter(({ role }) => role !== "system").map(messageFor),
    temperature: typeof temperature === "number" ? Math.min(temperature, 1) : undefined,
    top_p: topP,
    stop_sequences: stop,
    tools: offered.length === 0 ? undefined : offered,
    tool_choice: schema === undefined ? undefined : { type: "tool", name: ANSWER_TOOL },
    stream: isHeard ? true : undefined,
  });
}

/** A message, whole or put together from its events. Throws where it is none, or not the whole of one. */
async function answerTo(body: Members, outside: Outside): Promise<Members> {
  const request = { method: "POST", path: "/v1/messages", headers: HEADERS, body };
  if (!outside.isHeard) {
    const { body: message } = await outside.send(request);
    if (!Array.isArray(members(message).content)) refuseAnswer(message, "content");
    return members(message);
  }
  const said = new Said();
  await takeAll(outside.items(request, "sse"), (event) => said.take(members(event), outside));
  return said.isFinished ? said.message() : refuseBrokenOff();
}

/** What was said so far. */
class Said {
  isFinished = false;
  #message: Record<string, Json> = {};
  /** By the number that the service gives each. */
  readonly #blocks = new Map<number, Record<string, Json>>();

  take({ type, index = 0, message, content_block: block, delta, usage }: Members, outside: Outside): void {
    const at = Number(index);
    if (type === "message_start") this.#message = { ...members(message) };
    else if (type === "content_block_start") this.#put(at, { ...members(block), json: "" });
    else if (type === "content_block_delta") this.#add(at, members(delta), outside);
    else if (type === "message_delta")
      this.#message = { ...this.#message, ...members(delta), usage: { ...members(this.#message.usage), ...members(usage) } };
    else if (type === "message_stop") this.isFinished = true;
  }

  #add(at: number, delta: Members, outside: Outside): void {
    const block = this.#blocks.get(at) ?? {};
    const piece = String(delta.text ?? "");
    if (delta.type === "text_delta") {
      this.#put(at, { ...block, text: String(block.text ?? "") + piece });
      outside.say(piece);
    } else if (delta.type === "input_json_delta") {
      this.#put(at, { ...block, json: String(block.json ?? "") + String(delta.partial_json ?? "") });
    }
  }

  #put(at: number, block: Record<string, Json>): void {
    this.#blocks.set(at, block);
    requireParts(this.#blocks.size);
  }

  message(): Members {
    const sorted = [...this.#blocks].toSorted(([a], [b]) => a - b);
    return { ...this.#message, content: sorted.map(([, block]) => closed(block)) };
  }
}

function closed({ json, ...block }: Record<string, Json>): Json {
  if (block.type !== "tool_use" || typeof json !== "string" || json === "") return block;
  return { ...block, input: toolInput(json) };
}

async function chat(written: Json, outside: Outside): Promise<Json> {
  const input = members(written);
  const model = await modelOf(input, outside, "model", () => modelNames(outside));
  const message = await answerTo(requestFor(input, model, outside.isHeard), outside);
  requireParts(items(message.content).length);
  const blocks = items(message.content).map(members);
  const text = blocks.map((block) => (block.type === "text" ? String(block.text ?? "") : "")).join("");
  const uses = blocks.filter(({ type }) => type === "tool_use");
  const answer = input.schema === undefined ? undefined : uses.find(({ name }) => name === ANSWER_TOOL)?.input;
  const calls = uses.filter(({ name }) => name !== ANSWER_TOOL || input.schema === undefined);
  const { input_tokens: read, output_tokens: said } = members(message.usage);
  const usage = usageOf(read, said);
  outside.spend(usage);
  return only({
    text: answer === undefined ? text : JSON.stringify(answer),
    model: message.model ?? model,
    finish: answer === undefined ? (FINISH[String(message.stop_reason)] ?? "other") : "stop",
    json: answer,
    toolCalls:
      calls.length === 0 ? undefined : calls.map(({ id = "", name = "", input: given = {} }) => ({ id, name, input: given })),
    usage,
  });
}

async function list(_: Json, outside: Outside): Promise<Json> {
  return { models: (await modelNames(outside)).map((id) => ({ id })) };
}

const text = { type: "string" } as const;

export const ANTHROPIC: CatalogueEntry = {
  id: "anthropic",
  title: "Anthropic",
  description: "Anthropic's own API.",
  category: "language model",
  judge: "@anthropic-ai/sdk",
  baseUrl: "https://api.anthropic.com",
  data: "remote",
  ports: [],
  probe: null,
  authentication: { kind: "header", name: "x-api-key", secret: "ANTHROPIC_API_KEY" },
  configuration: { type: "object", properties: { baseUrl: { ...text, format: "uri" }, model: text } },
  health: { operation: "models" },
  operations: { chat: common("llm.chat", chat, { ui: CHAT_HINTS }), models: common("models.list", list) },
};
