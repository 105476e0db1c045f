// A fake of OpenAI's server, as far as chats, embeddings, pictures and models go: `/v1/chat/completions`,
// `/v1/embeddings`, `/v1/images/generations`, `/v1/models`.
//
// Owns: how OpenAI's protocol reads and writes, which other servers speak as well (`openAiRoutes`). Leaves what is said to
// the mind in fake-model.ts. Pictures in a chat come as data URLs only; one choice is made whatever `n` asks.

import type { Json } from "../base/json.ts";
import {
  amount,
  bearer,
  type FakeAnswer,
  type FakeCall,
  type FakeHttp,
  type FakeRefusal,
  type FakeRoute,
  type Fields,
  fields,
  items,
  json,
  openFakeHttp,
  type ServerSentEvent,
  sse,
  word,
} from "./fake-http.ts";
import {
  type ChatMessage,
  type ChatRequest,
  embed,
  type FakeAiOptions,
  hash,
  picture,
  pieces,
  type Thought,
  think,
  tokens,
} from "./fake-model.ts";

export type FakeOpenAi = FakeHttp;

const MODELS = ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small", "text-embedding-3-large", "gpt-image-1"];

export async function openFakeOpenAi(options: FakeAiOptions = {}): Promise<FakeOpenAi> {
  const models = options.models ?? MODELS;
  const server: OpenAiServer = { models: () => models, ownedBy: "system", fingerprint: "fp_44709d6fcb", reply: options.reply };
  return await openFakeHttp(
    {
      routes: openAiRoutes(server),
      refuse: openAiRefusal,
      guard: (call) => guard(call, options.apiKey),
      headers: ({ serial }) => ({
        "openai-version": "2020-10-01",
        "x-request-id": `req_${hash(`openai ${serial}`).slice(0, 32)}`,
      }),
      idempotencyHeader: "idempotency-key",
    },
    options,
  );
}

/** What differs among the servers that speak this protocol. */
export interface OpenAiServer {
  readonly models: () => readonly string[];
  readonly ownedBy: string;
  readonly fingerprint: string;
  readonly reply: FakeAiOptions["reply"] | undefined;
  /** How a model may be named besides as it is listed. */
  readonly alias?: (model: string) => string;
  readonly unknownModel?: (model: string) => FakeAnswer;
}

export function openAiRoutes(server: OpenAiServer): Readonly<Record<string, FakeRoute>> {
  return {
    "POST /v1/chat/completions": withModel(server, (model, call) => chat(server, model, call)),
    "POST /v1/embeddings": withModel(server, embeddings),
    "POST /v1/images/generations": withModel(server, images, "gpt-image-1"),
    "GET /v1/models": () => json(200, { object: "list", data: server.models().map((model) => modelEntry(server, model)) }),
    "GET /v1/models/:id": ({ segments: { id = "" } }) => {
      if (isKnown(server, id)) return json(200, modelEntry(server, id));
      return server.unknownModel?.(id) ?? openAiError(404, `The model '${id}' does not exist`, "model", "model_not_found");
    },
  };
}

function isKnown({ models, alias }: OpenAiServer, model: string): boolean {
  return models().includes(alias?.(model) ?? model);
}

function withModel(server: OpenAiServer, act: (model: string, call: FakeCall) => FakeAnswer, implied?: string): FakeRoute {
  return (call) => {
    const model = word(fields(call.body).model) ?? implied;
    if (model === undefined) return openAiError(400, "you must provide a model parameter");
    if (isKnown(server, model)) return act(model, call);
    const sentence = `The model \`${model}\` does not exist or you do not have access to it.`;
    return server.unknownModel?.(model) ?? openAiError(404, sentence, null, "model_not_found");
  };
}

/** The time of every model's making: 10 May 2024. */
const MADE_AT_S = 1_715_299_200;

function modelEntry({ ownedBy }: OpenAiServer, id: string): Json {
  return { id, object: "model", created: MADE_AT_S, owned_by: ownedBy };
}

function chat(server: OpenAiServer, model: string, call: FakeCall): FakeAnswer {
  const body = fields(call.body);
  if (!Array.isArray(body.messages)) return missing("messages");
  const far = farPicture(body.messages);
  if (far !== null) return openAiError(400, `Error while downloading ${far}.`, "url", "invalid_image_url");
  const thought = think(chatRequest(model, body), server.reply, "call_");
  const id = `chatcmpl-${hash(`${call.serial} ${JSON.stringify(body)}`).slice(0, 29)}`;
  const head = { id, created: nowS(), model, service_tier: "default", system_fingerprint: server.fingerprint };
  if (body.stream !== true) return json(200, whole(head, thought));
  return sse(chunks(head, thought, fields(body.stream_options).include_usage === true));
}

function nowS(): number {
  return Math.floor(Date.now() / 1_000);
}

function chatRequest(model: string, body: Fields): ChatRequest {
  return {
    model,
    messages: items(body.messages).map(readMessage),
    tools: items(body.tools).map(readTool),
    schema: readFormat(fields(body.response_format)),
    maxTokens: amount(body.max_completion_tokens) ?? amount(body.max_tokens),
    body,
  };
}

const ROLES: Readonly<Record<string, ChatMessage["role"]>> = {
  system: "system",
  developer: "system",
  user: "user",
  assistant: "assistant",
  tool: "tool",
  function: "tool",
};

function readMessage(value: Json): ChatMessage {
  const { role, content, tool_calls, tool_call_id } = fields(value);
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : items(content).map(fields);
  const calls = items(tool_calls).map(readToolCall);
  const answers = word(tool_call_id);
  return {
    role: ROLES[word(role) ?? ""] ?? "user",
    text: parts.flatMap(({ text }) => word(text) ?? []).join("\n"),
    images: parts.flatMap(({ image_url }: Fields) => readDataUrl(word(fields(image_url).url) ?? "") ?? []),
    ...(calls.length === 0 ? {} : { toolCalls: calls }),
    ...(answers === null ? {} : { toolCallId: answers }),
  };
}

function readToolCall(value: Json): { id: string; name: string; arguments: Json } {
  const call = fields(value);
  const { name, arguments: text } = fields(call.function);
  return { id: word(call.id) ?? "", name: word(name) ?? "", arguments: readArguments(word(text) ?? "{}") };
}

/** What a model wrote as arguments need not be JSON. */
function readArguments(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function readTool(value: Json): ChatRequest["tools"][number] {
  const { name, description, parameters = {} } = fields(fields(value).function);
  return { name: word(name) ?? "", description: word(description) ?? "", parameters };
}

function readFormat(format: Fields): Json {
  if (format.type === "json_schema") return fields(format.json_schema).schema ?? true;
  return format.type === "json_object" ? true : null;
}

function readDataUrl(url: string): Buffer | null {
  const [, data = null] = /^data:[^,]*;base64,(.*)$/s.exec(url) ?? [];
  return data === null ? null : Buffer.from(data, "base64");
}

/** The first picture that would have to be fetched; null when all came with the request. */
function farPicture(messages: readonly Json[]): string | null {
  const parts = messages.flatMap((message) => items(fields(message).content));
  const urls = parts.flatMap((part) => word(fields(fields(part).image_url).url) ?? []);
  return urls.find((url) => readDataUrl(url) === null) ?? null;
}

const FINISHES = { stop: "stop", length: "length", tools: "tool_calls" } as const satisfies Record<Thought["finish"], string>;

function whole(head: Fields, thought: Thought): Json {
  const { text, toolCalls } = thought;
  const called = { tool_calls: toolCalls.map((call) => writeToolCall(call)) };
  const content = toolCalls.length > 0 && text === "" ? null : text;
  const message = { role: "assistant", content, ...(toolCalls.length > 0 ? called : {}), refusal: null, annotations: [] };
  const choice = { index: 0, message, logprobs: null, finish_reason: FINISHES[thought.finish] };
  return { ...head, object: "chat.completion", choices: [choice], usage: usage(thought) };
}

function writeToolCall({ id, name, arguments: value }: Thought["toolCalls"][number]): Fields {
  return { id, type: "function", function: { name, arguments: JSON.stringify(value) } };
}

function usage({ promptTokens, replyTokens }: Thought): Fields {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: replyTokens,
    total_tokens: promptTokens + replyTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function chunks(head: Fields, thought: Thought, withUsage: boolean): readonly ServerSentEvent[] {
  const chunk = (choices: readonly Json[], used: Json): ServerSentEvent => ({
    data: { ...head, object: "chat.completion.chunk", choices, ...(withUsage ? { usage: used } : {}) },
  });
  const delta = (change: Fields, finish: string | null = null): ServerSentEvent =>
    chunk([{ index: 0, delta: change, logprobs: null, finish_reason: finish }], null);
  return [
    delta({ role: "assistant", content: thought.toolCalls.length > 0 && thought.text === "" ? null : "", refusal: null }),
    ...pieces(thought.text).map((content) => delta({ content })),
    ...thought.toolCalls.flatMap(toolCallDeltas).map((call) => delta({ tool_calls: [call] })),
    delta({}, FINISHES[thought.finish]),
    ...(withUsage ? [chunk([], usage(thought))] : []),
    { data: "[DONE]" },
  ];
}

/** First the name, then its arguments in pieces. */
function toolCallDeltas({ id, name, arguments: value }: Thought["toolCalls"][number], index: number): readonly Fields[] {
  const text = JSON.stringify(value);
  const halves = [text.slice(0, text.length / 2), text.slice(text.length / 2)];
  return [
    { index, id, type: "function", function: { name, arguments: "" } },
    ...halves.map((half) => ({ index, function: { arguments: half } })),
  ];
}

function embeddings(model: string, call: FakeCall): FakeAnswer {
  const { input, dimensions, encoding_format } = fields(call.body);
  if (input === undefined) return missing("input");
  const texts = readInputs(input);
  if (texts.length === 0 || texts.includes("")) return openAiError(400, "'$.input' is invalid. Please check the API reference.");
  const data = texts.map((text, index) => {
    const vector = embed(text, amount(dimensions) ?? undefined);
    return { object: "embedding", index, embedding: encoding_format === "base64" ? base64(vector) : vector };
  });
  const used = texts.reduce((sum, text) => sum + tokens(text), 0);
  return json(200, { object: "list", data, model, usage: { prompt_tokens: used, total_tokens: used } });
}

/** A text, texts, one list of tokens, or lists of tokens, which are taken for words. */
function readInputs(input: Json): readonly string[] {
  const list = Array.isArray(input) && typeof input[0] !== "number" ? items(input) : [input];
  return list.map((one) => (Array.isArray(one) ? one.join(" ") : (word(one) ?? "")));
}

function base64(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString("base64");
}

/** Protects the memory of the tests: 2,048 × 2,048. */
const PIXELS_MAX = 4_194_304;

function images(_model: string, call: FakeCall): FakeAnswer {
  const { prompt, n, size } = fields(call.body);
  const text = word(prompt);
  if (text === null) return missing("prompt");
  const [, width = 1_024, height = 1_024] = (/^(\d+)x(\d+)$/.exec(word(size) ?? "") ?? []).map(Number);
  if (width * height === 0 || width * height > PIXELS_MAX) {
    return openAiError(400, `Invalid value: '${size}'.`, "size", "invalid_value");
  }
  const data = Array.from({ length: amount(n) ?? 1 }, (_, at) => ({
    b64_json: picture(at === 0 ? text : `${text} (${at + 1})`, width, height).toString("base64"),
  }));
  const [input, output] = [tokens(text), data.length * 1_056];
  const used = { input_tokens: input, input_tokens_details: { text_tokens: input, image_tokens: 0 }, output_tokens: output };
  const total = { ...used, total_tokens: input + output };
  return json(200, { created: nowS(), data, output_format: "png", size: `${width}x${height}`, usage: total });
}

export function openAiError(
  status: number,
  message: string,
  param: string | null = null,
  code: string | null = null,
  type = "invalid_request_error",
): FakeAnswer {
  return json(status, { error: { message, type, param, code } });
}

function missing(parameter: string): FakeAnswer {
  return openAiError(400, `Missing required parameter: '${parameter}'.`, parameter, "missing_required_parameter");
}

function openAiRefusal(status: number, refusal: FakeRefusal, { method, place }: FakeCall): FakeAnswer {
  if (refusal === "no such path") return openAiError(status, `Invalid URL (${method} ${place})`);
  if (refusal === "no such method")
    return openAiError(status, `Not allowed to ${method} on ${place}.`, null, "method_not_supported");
  if (refusal === "too large") return openAiError(status, "Request body is too large.");
  if (refusal === "not JSON") return openAiError(status, "We could not parse the JSON body of your request.");
  if (status === 429) return openAiError(status, "Rate limit reached for requests", null, "rate_limit_exceeded", "requests");
  if (status === 401) return openAiError(status, "Incorrect API key provided.", null, "invalid_api_key");
  if (status < 500) return openAiError(status, "The request was refused.");
  const sentence = "The server had an error while processing your request. Sorry about that!";
  return openAiError(status, sentence, null, null, "server_error");
}

const KEYS_PAGE = "https://platform.openai.com/account/api-keys";

function guard(call: FakeCall, apiKey: string | undefined): FakeAnswer | null {
  const given = bearer(call);
  if (apiKey === undefined || given === apiKey) return null;
  if (given !== null) {
    const sentence = `Incorrect API key provided: ${masked(given)}. You can find your API key at ${KEYS_PAGE}.`;
    return openAiError(401, sentence, null, "invalid_api_key");
  }
  const header = "in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)";
  const browser = "or as the password field (with blank username) if you're accessing the API from your browser";
  const asked = `${browser} and are prompted for a username and password`;
  const sentence = `You didn't provide an API key. You need to provide your API key ${header}, ${asked}.`;
  return openAiError(401, `${sentence} You can obtain an API key from ${KEYS_PAGE}.`);
}

function masked(key: string): string {
  if (key.length <= 12) return "*".repeat(key.length);
  return `${key.slice(0, 8)}${"*".repeat(key.length - 12)}${key.slice(-4)}`;
}
