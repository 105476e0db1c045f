// A fake of Ollama: its own protocol under `/api`, and OpenAI's under `/v1` on the same port.
//
// Owns: Ollama's models (listed, shown, pulled, loaded) and how it reads and writes; answers are streams of JSON lines
// unless `stream` is false, and durations are nanoseconds. Leaves what is said to the mind in fake-model.ts, and `/v1` to
// fake-openai.ts. Any model can be pulled; nothing can be created, copied, pushed or deleted.

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
  ndjson,
  openFakeHttp,
  text,
  word,
} from "./fake-http.ts";
import {
  type ChatMessage,
  type ChatRequest,
  embed,
  type FakeAiOptions,
  hash,
  pieces,
  type Thought,
  think,
  tokens,
} from "./fake-model.ts";
import { openAiError, openAiRoutes } from "./fake-openai.ts";

export type FakeOllama = FakeHttp;

const VERSION = "0.12.6";
const MODELS = ["llama3.2:latest", "llava:latest", "nomic-embed-text:latest"];

/** What an Ollama knows: which models it has, and when each was last loaded. */
interface Shelf {
  readonly models: Set<string>;
  readonly loaded: Map<string, number>;
  readonly reply: FakeAiOptions["reply"] | undefined;
}

export async function openFakeOllama(options: FakeAiOptions = {}): Promise<FakeOllama> {
  const models = (options.models ?? MODELS).map(tagged);
  const shelf: Shelf = { models: new Set(models), loaded: new Map(), reply: options.reply };
  const guard = (call: FakeCall): FakeAnswer | null =>
    options.apiKey === undefined || bearer(call) === options.apiKey ? null : refusal(call, 401, "unauthorized");
  return await openFakeHttp({ routes: { ...compatible(shelf), ...ownRoutes(shelf) }, refuse, guard }, options);
}

function ownRoutes(shelf: Shelf): Readonly<Record<string, FakeRoute>> {
  return {
    "GET /": () => text(200, "Ollama is running"),
    "GET /api/version": () => json(200, { version: VERSION }),
    "GET /api/tags": () => json(200, { models: [...shelf.models].map(listed) }),
    "GET /api/ps": () => json(200, { models: [...shelf.loaded].map(([model, at]) => running(model, at)) }),
    "POST /api/show": withModel(shelf, (_body, model) => json(200, shown(tagged(model)))),
    "POST /api/chat": withModel(shelf, (body, model) => chat(shelf, body, model)),
    "POST /api/generate": withModel(shelf, (body, model) => generate(shelf, body, model)),
    "POST /api/embed": withModel(shelf, (body, model) => embeddings(shelf, body, model)),
    "POST /api/pull": ({ body }) => pull(shelf, fields(body)),
  };
}

/** The same models and the same mind in OpenAI's words. */
function compatible(shelf: Shelf): Readonly<Record<string, FakeRoute>> {
  return openAiRoutes({
    models: () => [...shelf.models],
    ownedBy: "library",
    fingerprint: "fp_ollama",
    reply: shelf.reply,
    alias: tagged,
    unknownModel: (model) => openAiError(404, `model '${model}' not found`, null, null, "not_found_error"),
  });
}

/** A model's whole name: without a tag, the latest is meant. */
function tagged(model: string): string {
  return model.includes(":") ? model : `${model}:latest`;
}

function withModel({ models }: Shelf, act: (body: Fields, model: string) => FakeAnswer): FakeRoute {
  return (call) => {
    const body = fields(call.body);
    const model = word(body.model) ?? word(body.name);
    if (call.body === null) return json(400, { error: "missing request body" });
    if (model === null) return json(400, { error: "model is required" });
    return models.has(tagged(model)) ? act(body, model) : json(404, { error: `model '${model}' not found` });
  };
}

function refuse(status: number, why: FakeRefusal, call: FakeCall): FakeAnswer {
  if (why === "no such path") return text(status, "404 page not found");
  if (why === "no such method") return text(status, "405 method not allowed");
  if (why === "too large") return refusal(call, status, "http: request body too large");
  if (why === "not JSON") return refusal(call, status, "invalid character 'i' looking for beginning of value");
  if (status === 503) return refusal(call, status, "server busy, please try again.  maximum pending requests exceeded");
  if (status === 429) return refusal(call, status, "too many requests");
  return refusal(call, status, status < 500 ? "the request was refused" : "llama runner process has terminated: exit status 2");
}

function refusal({ place }: FakeCall, status: number, error: string): FakeAnswer {
  return place.startsWith("/v1/") ? openAiError(status, error, null, null, "api_error") : json(status, { error });
}

/** All models were fetched on 1 January 2026. */
const MODIFIED_AT = "2026-01-01T00:00:00Z";
const MODEL_BYTES = 2_019_393_189;
const KEPT_LOADED_MS = 5 * 60_000;

function isForEmbedding(model: string): boolean {
  return model.includes("embed");
}

function details(model: string): Fields {
  const family = isForEmbedding(model) ? "nomic-bert" : "llama";
  const shape = { parent_model: "", format: "gguf", family, families: [family] };
  return { ...shape, parameter_size: "3.2B", quantization_level: "Q4_K_M" };
}

function listed(model: string): Json {
  const facts = { size: MODEL_BYTES, digest: hash(model), details: details(model) };
  return { name: model, model, modified_at: MODIFIED_AT, ...facts };
}

function running(model: string, loadedAt: number): Json {
  const sizes = { size: MODEL_BYTES, size_vram: MODEL_BYTES, context_length: 4_096 };
  const expires_at = new Date(loadedAt + KEPT_LOADED_MS).toISOString();
  return { name: model, model, digest: hash(model), details: details(model), expires_at, ...sizes };
}

function shown(model: string): Json {
  const architecture = isForEmbedding(model) ? "nomic-bert" : "llama";
  return {
    license: "A made-up model; do with it what you like.",
    modelfile: `# Modelfile generated by "ollama show"\nFROM ${model}\n`,
    parameters: 'stop "<|eot_id|>"',
    template: "{{ .Prompt }}",
    details: details(model),
    model_info: { "general.architecture": architecture, [`${architecture}.context_length`]: 131_072 },
    capabilities: isForEmbedding(model) ? ["embedding"] : ["completion", "vision", "tools"],
    modified_at: MODIFIED_AT,
  };
}

/** Called without anything to say: a model is loaded, or let go with `keep_alive: 0`. */
function load(shelf: Shelf, body: Fields, model: string, empty: Fields): FakeAnswer {
  if (body.keep_alive === 0) shelf.loaded.delete(tagged(model));
  else shelf.loaded.set(tagged(model), Date.now());
  const done_reason = body.keep_alive === 0 ? "unload" : "load";
  return written(body, [{ ...head(model), ...empty, done: true, done_reason }]);
}

function head(model: string): Fields {
  return { model, created_at: new Date().toISOString() };
}

function written(body: Fields, lines: readonly Fields[]): FakeAnswer {
  return body.stream === false ? json(200, lines.at(-1) ?? {}) : ndjson(lines);
}

function chat(shelf: Shelf, body: Fields, model: string): FakeAnswer {
  if (items(body.messages).length === 0) return load(shelf, body, model, { message: { role: "assistant", content: "" } });
  shelf.loaded.set(tagged(model), Date.now());
  const messages = items(body.messages).map(readMessage);
  const thought = think(request(body, model, messages, items(body.tools)), shelf.reply, "call_");
  const calls = thought.toolCalls.map(writeToolCall);
  const message = (content: string, tool_calls: readonly Json[] = []): Fields => ({
    message: { role: "assistant", content, ...(tool_calls.length === 0 ? {} : { tool_calls }) },
  });
  const end = { ...head(model), done: true, ...figures(thought) };
  if (body.stream === false) return json(200, { ...end, ...message(thought.text, calls) });
  return ndjson([
    ...pieces(thought.text).map((piece) => ({ ...head(model), ...message(piece), done: false })),
    ...calls.map((call) => ({ ...head(model), ...message("", [call]), done: false })),
    { ...end, ...message("") },
  ]);
}

function generate(shelf: Shelf, body: Fields, model: string): FakeAnswer {
  const prompt = word(body.prompt);
  if (prompt === null) return load(shelf, body, model, { response: "" });
  shelf.loaded.set(tagged(model), Date.now());
  const system = word(body.system);
  const messages: ChatMessage[] = [
    ...(system === null ? [] : [{ role: "system", text: system } as const]),
    { role: "user", text: prompt, images: readImages(body.images) },
  ];
  const thought = think(request(body, model, messages, []), shelf.reply, "call_");
  const context = [...prompt].slice(0, 16).map((letter) => letter.codePointAt(0) ?? 0);
  const end = { ...head(model), done: true, ...figures(thought), context };
  if (body.stream === false) return json(200, { ...end, response: thought.text });
  const lines = pieces(thought.text).map((response) => ({ ...head(model), response, done: false }));
  return ndjson([...lines, { ...end, response: "" }]);
}

function request(body: Fields, model: string, messages: readonly ChatMessage[], tools: readonly Json[]): ChatRequest {
  const { format } = body;
  const schema = format === "json" ? true : format === undefined || format === "" ? null : format;
  const limit = amount(fields(body.options).num_predict);
  const maxTokens = limit !== null && limit >= 0 ? limit : null;
  return { model, messages, tools: tools.map(readTool), schema, maxTokens, body };
}

function readMessage(value: Json): ChatMessage {
  const { role, content, images, tool_calls } = fields(value);
  const [known = "user"] = (["system", "assistant", "tool"] as const).filter((one) => one === role);
  const toolCalls = items(tool_calls).map((call) => {
    const { name, arguments: given = {} } = fields(fields(call).function);
    return { name: word(name) ?? "", arguments: given };
  });
  return { role: known, text: word(content) ?? "", images: readImages(images), ...(toolCalls.length === 0 ? {} : { toolCalls }) };
}

function readImages(images: Json | undefined): readonly Buffer[] {
  return items(images).map((image) => Buffer.from(word(image) ?? "", "base64"));
}

function readTool(value: Json): ChatRequest["tools"][number] {
  const { name, description, parameters = {} } = fields(fields(value).function);
  return { name: word(name) ?? "", description: word(description) ?? "", parameters };
}

/** Arguments are an object here, not a text. */
function writeToolCall({ id, name, arguments: value }: Thought["toolCalls"][number], index: number): Json {
  return { id, function: { index, name, arguments: value } };
}

const NS_PER_PROMPT_TOKEN = 1_000_000;
const NS_PER_REPLY_TOKEN = 10_000_000;
const LOAD_NS = 25_000_000;

function figures({ finish, promptTokens, replyTokens }: Thought): Fields {
  const prompt_eval_duration = promptTokens * NS_PER_PROMPT_TOKEN;
  const eval_duration = replyTokens * NS_PER_REPLY_TOKEN;
  return {
    done_reason: finish === "length" ? "length" : "stop",
    total_duration: LOAD_NS + prompt_eval_duration + eval_duration,
    load_duration: LOAD_NS,
    prompt_eval_count: promptTokens,
    prompt_eval_duration,
    eval_count: replyTokens,
    eval_duration,
  };
}

function embeddings(shelf: Shelf, body: Fields, model: string): FakeAnswer {
  shelf.loaded.set(tagged(model), Date.now());
  const texts = typeof body.input === "string" ? [body.input] : items(body.input).map((one) => word(one) ?? "");
  const prompt_eval_count = texts.reduce((sum, one) => sum + tokens(one), 0);
  const total_duration = LOAD_NS + prompt_eval_count * NS_PER_PROMPT_TOKEN;
  const vectors = texts.map((one) => embed(one, amount(body.dimensions) ?? undefined));
  return json(200, { model, embeddings: vectors, total_duration, load_duration: LOAD_NS, prompt_eval_count });
}

function pull(shelf: Shelf, body: Fields): FakeAnswer {
  const model = word(body.model) ?? word(body.name);
  if (model === null) return json(400, { error: "invalid model name" });
  shelf.models.add(tagged(model));
  const digest = `sha256:${hash(tagged(model))}`;
  const part = { status: `pulling ${digest.slice(7, 19)}`, digest, total: MODEL_BYTES };
  return written(body, [
    { status: "pulling manifest" },
    part,
    ...[0.5, 1].map((share) => ({ ...part, completed: Math.floor(MODEL_BYTES * share) })),
    { status: "verifying sha256 digest" },
    { status: "writing manifest" },
    { status: "success" },
  ]);
}
