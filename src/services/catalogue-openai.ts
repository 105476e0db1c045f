// OpenAI and whatever speaks its protocol: LM Studio, vLLM, llama.cpp.
//
// Source: OpenAI API reference, "Chat completions", "Embeddings", "Models", "Images"; the wire as the `openai` client has it.

import type { Json } from "../base/json.ts";
import {
  type CatalogueEntry,
  common,
  dataUrl,
  items,
  jsonOf,
  type Members,
  members,
  modelOf,
  only,
  partsOf,
  pictureOf,
  refuseAnswer,
  refuseBrokenOff,
  requireParts,
  takeAll,
  toolInput,
  usageOf,
  vectorsIn,
} from "./catalogue-entry.ts";
import type { CostModel, OperationDefinition, Outside, ServiceRequest } from "./service.ts";

const FINISH: Readonly<Record<string, string>> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool",
  content_filter: "filter",
};

async function modelNames(outside: Outside): Promise<string[]> {
  const { body } = await outside.send({ method: "GET", path: "/models" });
  const { data } = members(body);
  if (!Array.isArray(data) && data !== null) refuseAnswer(body, "models");
  return items(data).map((one) => String(members(one).id));
}

function messageFor(written: Json): Json {
  const { role = "user", content, toolCallId, toolCalls } = members(written);
  const { text, images } = partsOf(content);
  const pictures = images.map((image) => ({ type: "image_url", image_url: { url: dataUrl(image) } }));
  return only({
    role,
    content: pictures.length === 0 ? text : [{ type: "text", text }, ...pictures],
    tool_call_id: toolCallId,
    tool_calls: toolCalls === undefined ? undefined : items(toolCalls).map(toolCallFor),
  });
}

function toolCallFor(written: Json): Json {
  const { id = "", name = "", input = {} } = members(written);
  return { id, type: "function", function: { name, arguments: JSON.stringify(input) } };
}

function toolFor(written: Json): Json {
  const { name = "", description, input = { type: "object" } } = members(written);
  return { type: "function", function: only({ name, description, parameters: input }) };
}

function requestFor(input: Members, model: string, { config, isHeard }: Outside): Members {
  const { messages, temperature, topP, maxTokens, stop, seed, schema, tools } = input;
  const limit = String(config.maxTokensField ?? "max_tokens");
  return only({
    model,
    messages: items(messages).map(messageFor),
    temperature,
    top_p: topP,
    stop,
    seed,
    [limit]: maxTokens,
    tools: tools === undefined ? undefined : items(tools).map(toolFor),
    response_format:
      schema === undefined ? undefined : { type: "json_schema", json_schema: { name: "answer", schema, strict: false } },
    stream: isHeard ? true : undefined,
    stream_options: isHeard ? { include_usage: true } : undefined,
  });
}

interface ToolCall {
  id: string;
  name: string;
  input: string;
}

/** What was said so far, of an answer that comes whole or in pieces. */
class Said {
  text = "";
  model = "";
  finish = "other";
  usage: Members = {};
  hasBegun = false;
  isFinished = false;
  /** By the number that the service gives each. */
  readonly #calls = new Map<number, ToolCall>();

  take(chunk: Json, outside: Outside): void {
    const { model, usage, choices } = members(chunk);
    if (typeof model === "string") this.model = model;
    if (usage !== undefined && usage !== null) this.usage = members(usage);
    const [choice] = items(choices).map(members);
    if (choice === undefined) return;
    const { delta, message, finish_reason: reason } = choice;
    const told = delta ?? message;
    if (told !== undefined && told !== null) this.hasBegun = true;
    const { content, tool_calls: calls } = members(told);
    const { text } = partsOf(content);
    if (text !== "") {
      this.text += text;
      outside.say(text);
    }
    items(calls).forEach((call, at) => {
      this.#call(members(call), at);
    });
    if (typeof reason !== "string") return;
    this.isFinished = true;
    this.finish = FINISH[reason] ?? "other";
  }

  #call({ index, id, function: called }: Members, position: number): void {
    const at = typeof index === "number" ? index : position;
    const { name = "", arguments: text = "" } = members(called);
    const call = this.#calls.get(at) ?? { id: "", name: "", input: "" };
    this.#calls.set(at, { id: call.id || String(id ?? ""), name: call.name || String(name), input: call.input + String(text) });
    requireParts(this.#calls.size);
  }

  toolCalls(): Json | undefined {
    if (this.#calls.size === 0) return undefined;
    const sorted = [...this.#calls].toSorted(([a], [b]) => a - b);
    return sorted.map(([, { id, name, input }]) => ({ id, name, input: toolInput(input) }));
  }
}

/** Throws where it is no answer, or not the whole of one. */
async function answerTo(request: ServiceRequest, outside: Outside): Promise<Said> {
  const said = new Said();
  if (!outside.isHeard) {
    const { body } = await outside.send(request);
    said.take(body, outside);
    return said.hasBegun ? said : refuseAnswer(body, "choices");
  }
  const isEnded = await takeAll(outside.items(request, "sse"), (chunk) => said.take(chunk, outside));
  return said.hasBegun && (isEnded || said.isFinished) ? said : refuseBrokenOff();
}

async function chat(written: Json, outside: Outside): Promise<Json> {
  const input = members(written);
  const model = await modelOf(input, outside, "model", () => modelNames(outside));
  const body = requestFor(input, model, outside);
  const said = await answerTo({ method: "POST", path: "/chat/completions", body }, outside);
  const usage = usageOf(said.usage.prompt_tokens, said.usage.completion_tokens);
  outside.spend(usage);
  return only({
    text: said.text,
    model: said.model || model,
    finish: said.finish,
    json: jsonOf(input, said.text),
    toolCalls: said.toolCalls(),
    usage,
  });
}

async function embed(written: Json, outside: Outside): Promise<Json> {
  const input = members(written);
  const named = await modelOf(input, outside, "embedModel", () => modelNames(outside));
  const request = { model: named, input: input.texts ?? [], encoding_format: "float" };
  const { body } = await outside.send({ method: "POST", path: "/embeddings", body: request });
  const { data, model = named, usage } = members(body);
  const sorted = items(data)
    .map(members)
    .toSorted((a, b) => Number(a.index) - Number(b.index));
  const used = usageOf(members(usage).prompt_tokens, undefined);
  outside.spend(used);
  const vectors = sorted.map(({ embedding = [] }) => embedding);
  return { vectors: vectorsIn(vectors, input, body), model, usage: used };
}

async function list(_: Json, outside: Outside): Promise<Json> {
  return { models: (await modelNames(outside)).map((id) => ({ id })) };
}

async function picture(written: Json, outside: Outside): Promise<Json> {
  const { prompt = "", width = 512, height = 512, count = 1, model } = members(written);
  const named = model ?? outside.config.imageModel ?? "gpt-image-1";
  const body = { model: named, prompt, n: count, size: `${Number(width)}x${Number(height)}` };
  const { body: answer } = await outside.send({ method: "POST", path: "/images/generations", body });
  const { data, usage } = members(answer);
  const used = members(usage);
  outside.spend(usageOf(used.input_tokens, used.output_tokens));
  const found = items(data).map((one) => String(members(one).b64_json ?? ""));
  if (found.length === 0 || found.includes("")) refuseAnswer(answer, "pictures");
  const images = found.map((one) => pictureOf(one) as unknown as Json);
  return { images, model: named };
}

interface Kind extends Pick<CatalogueEntry, "id" | "title" | "ports" | "probe"> {
  readonly description: string;
  readonly baseUrl?: string;
  /** The secret without which there is no call; elsewhere each service may have a key of its own. */
  readonly secret?: string;
  readonly data?: "remote";
  readonly maxTokensField?: string;
  readonly cost?: CostModel;
  readonly more?: Readonly<Record<string, OperationDefinition>>;
}

const text = { type: "string" } as const;

function speaking(kind: Kind): CatalogueEntry {
  const {
    id,
    title,
    description,
    ports,
    probe,
    baseUrl,
    secret,
    data,
    maxTokensField = "max_tokens",
    cost = {},
    more = {},
  } = kind;
  return {
    ...{ id, title, description, ports, probe },
    category: "language model",
    judge: "openai",
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(data === undefined ? {} : { data }),
    ...(secret === undefined ? { hasOwnKey: true } : { authentication: { kind: "bearer", secret } as const }),
    configuration: {
      type: "object",
      properties: {
        baseUrl: { ...text, format: "uri" },
        model: { ...text, description: "Used where a call names none; else the first that is there." },
        embedModel: text,
        maxTokensField: { enum: ["max_tokens", "max_completion_tokens"], default: maxTokensField },
      },
    },
    health: { path: "/models" },
    operations: {
      chat: common("llm.chat", chat, { cost, ui: CHAT_HINTS }),
      embed: common("llm.embed", embed, { cost }),
      models: common("models.list", list),
      ...more,
    },
  };
}

/** How forms show what every chat takes. */
export const CHAT_HINTS = {
  prompt: { label: "Prompt", control: "textarea" },
  system: { label: "System", control: "textarea" },
  messages: { label: "Messages", control: "json" },
  model: { label: "Model", control: "select", optionsFrom: { operation: "models", options: "[.models[].id]" } },
  temperature: { label: "Temperature", control: "slider", min: 0, max: 2, step: 0.1 },
  maxTokens: { label: "Tokens at most", control: "number", min: 1, step: 1 },
} as const;

const isList = (body: Json): boolean => members(body).object === "list" && Array.isArray(members(body).data);
const ownedBy = (body: Json): string => String(members(items(members(body).data)[0]).owned_by ?? "");

/** The particular before the general: what is recognised first is it. */
export const OPENAI_SPEAKING: readonly CatalogueEntry[] = [
  speaking({
    id: "openai",
    title: "OpenAI",
    description: "OpenAI's own API.",
    baseUrl: "https://api.openai.com/v1",
    ports: [],
    probe: null,
    secret: "OPENAI_API_KEY",
    data: "remote",
    maxTokensField: "max_completion_tokens",
    more: { image: common("image.generate", picture) },
  }),
  speaking({
    id: "lm-studio",
    title: "LM Studio",
    description: "Models of this machine in LM Studio.",
    baseUrl: "http://127.0.0.1:1234/v1",
    ports: [1234],
    probe: { path: "/api/v0/models", basePath: "/v1", isIt: isList },
  }),
  speaking({
    id: "vllm",
    title: "vLLM",
    description: "Models served by vLLM.",
    baseUrl: "http://127.0.0.1:8000/v1",
    ports: [8000],
    probe: { path: "/v1/models", basePath: "/v1", isIt: (body) => isList(body) && ownedBy(body) === "vllm" },
  }),
  speaking({
    id: "llama.cpp",
    title: "llama.cpp",
    description: "A model served by llama-server.",
    baseUrl: "http://127.0.0.1:8080/v1",
    ports: [8080],
    probe: { path: "/v1/models", basePath: "/v1", isIt: (body) => isList(body) && /^llama-?cpp$/i.test(ownedBy(body)) },
  }),
  speaking({
    id: "openai-compatible",
    title: "OpenAI-compatible",
    description: "Anything else that speaks OpenAI's protocol.",
    ports: [8000, 8080, 1234, 4000, 5000],
    probe: { path: "/v1/models", basePath: "/v1", isIt: isList },
  }),
];
