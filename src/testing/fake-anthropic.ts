// A fake of Anthropic's server, as far as messages and models go: `/v1/messages` and `/v1/models`.
//
// Owns: how Anthropic's protocol reads and writes, whole and as a stream of events. Leaves what is said to the mind in
// fake-model.ts. Pictures come in base64 only; thinking, documents and the server's own tools are not there.

import type { Json } from "../base/json.ts";
import {
  amount,
  bearer,
  type FakeAnswer,
  type FakeCall,
  type FakeHttp,
  type FakeRefusal,
  type Fields,
  fields,
  items,
  json,
  openFakeHttp,
  type ServerSentEvent,
  sse,
  word,
} from "./fake-http.ts";
import { type ChatMessage, type ChatRequest, type FakeAiOptions, hash, pieces, type Thought, think } from "./fake-model.ts";

export type FakeAnthropic = FakeHttp;

const MODELS = ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"];

export async function openFakeAnthropic(options: FakeAiOptions = {}): Promise<FakeAnthropic> {
  const models = options.models ?? MODELS;
  return await openFakeHttp(
    {
      routes: {
        "POST /v1/messages": (call) => messages(models, options, call),
        "GET /v1/models": (call) => listModels(models, call),
        "GET /v1/models/:id": (call) => {
          const { id = "" } = call.segments;
          return models.includes(id) ? json(200, modelEntry(id)) : problem(call, 404, `model: ${id}`);
        },
      },
      refuse,
      guard: (call) => guard(call, options.apiKey),
      headers: (call) => ({ "request-id": requestId(call) }),
    },
    options,
  );
}

function requestId({ serial }: FakeCall): string {
  return `req_${hash(`anthropic ${serial}`).slice(0, 24)}`;
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

function problem(call: FakeCall, status: number, message: string): FakeAnswer {
  const type = ERROR_TYPES[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
  return json(status, { type: "error", error: { type, message }, request_id: requestId(call) });
}

function refuse(status: number, why: FakeRefusal, call: FakeCall): FakeAnswer {
  if (why === "no such path") return problem(call, status, "Not found");
  if (why === "no such method") return problem(call, status, "Method Not Allowed");
  if (why === "too large") return problem(call, status, "Request exceeds the maximum size");
  if (why === "not JSON") return problem(call, status, "The request body is not valid JSON");
  if (status === 429) return problem(call, status, "This request would exceed your organization's rate limit.");
  if (status === 529) return problem(call, status, "Overloaded");
  return problem(call, status, status < 500 ? "The request was refused" : "Internal server error");
}

function guard(call: FakeCall, apiKey: string | undefined): FakeAnswer | null {
  const given = call.headers["x-api-key"] ?? bearer(call) ?? undefined; // its client of version 1 says it as a bearer's
  if (given === undefined) return problem(call, 401, "x-api-key header is required");
  if (apiKey !== undefined && given !== apiKey) return problem(call, 401, "invalid x-api-key");
  if (call.headers["anthropic-version"] === undefined) return problem(call, 400, "anthropic-version: header is required");
  return null;
}

function modelEntry(id: string): Fields {
  const [, line = null] = /(haiku|sonnet|opus)/.exec(id) ?? [];
  return {
    ...{ type: "model", id, display_name: id.replaceAll("-", " "), created_at: "2026-01-01T00:00:00Z" },
    ...{ capabilities: null, lifecycle: "active", line, deprecated_at: null, retires_at: null },
    ...{ max_input_tokens: 200_000, max_tokens: 64_000 },
  };
}

function listModels(models: readonly string[], { query }: FakeCall): FakeAnswer {
  const from = models.indexOf(query.get("after_id") ?? "") + 1;
  const page = models.slice(from, from + Number(query.get("limit") ?? 20));
  const has_more = from + page.length < models.length;
  return json(200, { data: page.map(modelEntry), has_more, first_id: page[0] ?? null, last_id: page.at(-1) ?? null });
}

function messages(models: readonly string[], { reply }: FakeAiOptions, call: FakeCall): FakeAnswer {
  const body = fields(call.body);
  const absent = ["model", "max_tokens", "messages"].find((name) => body[name] === undefined);
  if (absent !== undefined) return problem(call, 400, `${absent}: Field required`);
  const model = word(body.model) ?? "";
  if (!models.includes(model)) return problem(call, 404, `model: ${model}`);
  const thought = think(chatRequest(model, body), reply, "toolu_");
  const id = `msg_${hash(`${call.serial} ${JSON.stringify(body)}`).slice(0, 24)}`;
  return body.stream === true ? sse(events(id, model, thought)) : json(200, whole(id, model, thought));
}

function chatRequest(model: string, body: Fields): ChatRequest {
  const system = readBlocks("system", body.system);
  return {
    model,
    messages: [...system, ...items(body.messages).flatMap(readMessage)],
    tools: items(body.tools).map(readTool),
    schema: fields(fields(body.output_config).format).schema ?? null,
    maxTokens: amount(body.max_tokens),
    body,
  };
}

function readMessage(value: Json): readonly ChatMessage[] {
  const { role, content } = fields(value);
  return readBlocks(role === "assistant" ? "assistant" : "user", content);
}

/** One message here may be several to the mind: what tools answered comes in a message of the user. */
function readBlocks(role: ChatMessage["role"], content: Json | undefined): readonly ChatMessage[] {
  const blocks = typeof content === "string" ? [{ type: "text", text: content }] : items(content).map(fields);
  const answers = blocks.filter(({ type }) => type === "tool_result").map(readToolResult);
  const text = textOf(blocks);
  const images = blocks.flatMap(readImage);
  const toolCalls = blocks.flatMap(readToolUse);
  if (text === "" && images.length === 0 && toolCalls.length === 0) return answers;
  return [...answers, { role, text, images, ...(toolCalls.length === 0 ? {} : { toolCalls }) }];
}

function textOf(blocks: readonly Fields[]): string {
  return blocks.flatMap(({ type, text }) => (type === "text" ? (word(text) ?? []) : [])).join("\n");
}

function readToolResult({ tool_use_id, content }: Fields): ChatMessage {
  const text = typeof content === "string" ? content : textOf(items(content).map(fields));
  return { role: "tool", text, toolCallId: word(tool_use_id) ?? "" };
}

function readImage({ type, source }: Fields): readonly Buffer[] {
  const { type: kind, data } = fields(source);
  return type === "image" && kind === "base64" ? [Buffer.from(word(data) ?? "", "base64")] : [];
}

function readToolUse({ type, id, name, input = {} }: Fields): NonNullable<ChatMessage["toolCalls"]> {
  return type === "tool_use" ? [{ id: word(id) ?? "", name: word(name) ?? "", arguments: input }] : [];
}

function readTool(value: Json): ChatRequest["tools"][number] {
  const { name, description, input_schema = {} } = fields(value);
  return { name: word(name) ?? "", description: word(description) ?? "", parameters: input_schema };
}

const STOP_REASONS = { stop: "end_turn", length: "max_tokens", tools: "tool_use" } as const satisfies Record<
  Thought["finish"],
  string
>;

function whole(id: string, model: string, thought: Thought): Json {
  const text = thought.text === "" ? [] : [{ type: "text", text: thought.text, citations: null }];
  const content = [...text, ...thought.toolCalls.map((call) => toolUse(call, call.arguments))];
  return { ...head(id, model), content, stop_reason: STOP_REASONS[thought.finish], usage: usage(thought, thought.replyTokens) };
}

function head(id: string, model: string): Fields {
  const rest = { container: null, diagnostics: null, stop_details: null, stop_sequence: null };
  return { id, type: "message", role: "assistant", model, ...rest };
}

function toolUse({ id, name }: Thought["toolCalls"][number], input: Json): Fields {
  return { type: "tool_use", id, name, input, caller: { type: "direct" } };
}

function usage({ promptTokens }: Thought, output_tokens: number): Fields {
  return {
    input_tokens: promptTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens,
    output_tokens_details: null,
    server_tool_use: null,
    service_tier: "standard",
    inference_geo: null,
    speed: null,
  };
}

function events(id: string, model: string, thought: Thought): readonly ServerSentEvent[] {
  const message = { ...head(id, model), content: [], stop_reason: null, usage: usage(thought, 1) };
  const delta = { container: null, stop_details: null, stop_reason: STOP_REASONS[thought.finish], stop_sequence: null };
  const all: readonly Fields[] = [
    { type: "message_start", message },
    ...blocks(thought).flatMap(({ block, deltas }, index) => [
      { type: "content_block_start", index, content_block: block },
      ...(index === 0 ? [{ type: "ping" }] : []),
      ...deltas.map((change) => ({ type: "content_block_delta", index, delta: change })),
      { type: "content_block_stop", index },
    ]),
    { type: "message_delta", delta, usage: deltaUsage(thought) },
    { type: "message_stop" },
  ];
  return all.map((data) => ({ event: String(data.type), data }));
}

interface Block {
  readonly block: Fields;
  readonly deltas: readonly Fields[];
}

function blocks({ text, toolCalls }: Thought): readonly Block[] {
  const said = pieces(text).map((piece) => ({ type: "text_delta", text: piece }));
  const first: Block = { block: { type: "text", text: "", citations: null }, deltas: said };
  return [...(text === "" ? [] : [first]), ...toolCalls.map(toolBlock)];
}

function toolBlock(call: Thought["toolCalls"][number]): Block {
  const input = JSON.stringify(call.arguments);
  const parts = ["", input.slice(0, input.length / 2), input.slice(input.length / 2)];
  return { block: toolUse(call, {}), deltas: parts.map((partial_json) => ({ type: "input_json_delta", partial_json })) };
}

function deltaUsage({ promptTokens, replyTokens }: Thought): Fields {
  const cached = { cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  return {
    input_tokens: promptTokens,
    output_tokens: replyTokens,
    ...cached,
    output_tokens_details: null,
    server_tool_use: null,
  };
}
