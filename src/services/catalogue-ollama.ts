// Ollama, by its own protocol.
//
// Source: Ollama's docs/api.md; the wire as the `ollama` client has it.

import type { Json } from "../base/json.ts";
import {
  type CatalogueEntry,
  common,
  items,
  jsonOf,
  type Members,
  members,
  modelOf,
  only,
  partsOf,
  refuseAnswer,
  refuseBrokenOff,
  requireParts,
  takeAll,
  usageOf,
  vectorsIn,
} from "./catalogue-entry.ts";
import { CHAT_HINTS } from "./catalogue-openai.ts";
import type { Outside } from "./service.ts";

async function models(outside: Outside): Promise<Members[]> {
  const { body } = await outside.send({ method: "GET", path: "/api/tags" });
  const { models: all } = members(body);
  if (!Array.isArray(all) && all !== null) refuseAnswer(body, "models");
  return items(all).map(members);
}

async function modelNames(outside: Outside): Promise<string[]> {
  return (await models(outside)).map(({ name, model }) => String(name ?? model));
}

function messageFor(written: Json): Json {
  const { role = "user", content, toolCalls } = members(written);
  const { text, images } = partsOf(content);
  return only({
    role,
    content: text,
    images: images.length === 0 ? undefined : images.map(({ data = "" }) => data),
    tool_calls:
      toolCalls === undefined
        ? undefined
        : items(toolCalls).map((call) => {
            const { name = "", input = {} } = members(call);
            return { function: { name, arguments: input } };
          }),
  });
}

function requestFor(input: Members, model: string, isHeard: boolean): Members {
  const { messages, temperature, topP, maxTokens, stop, seed, schema, tools } = input;
  return only({
    model,
    messages: items(messages).map(messageFor),
    stream: isHeard,
    format: schema,
    tools:
      tools === undefined
        ? undefined
        : items(tools).map((tool) => {
            const { name = "", description, input: parameters = { type: "object" } } = members(tool);
            return { type: "function", function: only({ name, description, parameters }) };
          }),
    options: only({ temperature, top_p: topP, num_predict: maxTokens, stop, seed }),
  });
}

function toolCallsOf(message: Members): Json | undefined {
  requireParts(items(message.tool_calls).length);
  const calls = items(message.tool_calls).map((call, at) => {
    const { name = "", arguments: input = {} } = members(members(call).function);
    return { id: `call_${at}`, name, input };
  });
  return calls.length === 0 ? undefined : calls;
}

async function chat(written: Json, outside: Outside): Promise<Json> {
  const input = members(written);
  const model = await modelOf(input, outside, "model", () => modelNames(outside));
  const request = { method: "POST", path: "/api/chat", body: requestFor(input, model, outside.isHeard) };
  let text = "";
  let last: Members = {};
  let toolCalls: Json | undefined;
  const take = (chunk: Json): void => {
    last = members(chunk);
    const message = members(last.message);
    toolCalls ??= toolCallsOf(message);
    const piece = String(message.content ?? "");
    text += piece;
    if (piece !== "") outside.say(piece);
  };
  if (outside.isHeard) {
    await takeAll(outside.items(request, "ndjson"), take);
    if (last.done !== true) refuseBrokenOff();
  } else {
    const { body } = await outside.send(request);
    if (members(body).done !== true) refuseAnswer(body, "end");
    take(body);
  }
  const usage = usageOf(last.prompt_eval_count, last.eval_count);
  outside.spend(usage);
  const reason = String(last.done_reason ?? "stop");
  const finish = toolCalls !== undefined ? "tool" : reason === "stop" || reason === "length" ? reason : "other";
  return only({ text, model: last.model ?? model, finish, json: jsonOf(input, text), toolCalls, usage });
}

async function embed(written: Json, outside: Outside): Promise<Json> {
  const input = members(written);
  const model = await modelOf(input, outside, "embedModel", () => modelNames(outside));
  const { body } = await outside.send({ method: "POST", path: "/api/embed", body: { model, input: input.texts ?? [] } });
  const { embeddings = [], prompt_eval_count: count } = members(body);
  const usage = usageOf(count, undefined);
  outside.spend(usage);
  return { vectors: vectorsIn(items(embeddings), input, body), model, usage };
}

async function list(_: Json, outside: Outside): Promise<Json> {
  return {
    models: (await models(outside)).map(({ name, size, details }) =>
      only({ id: name, bytes: size, family: members(details).family }),
    ),
  };
}

const text = { type: "string" } as const;

export const OLLAMA: CatalogueEntry = {
  id: "ollama",
  title: "Ollama",
  description: "Models of this machine in Ollama.",
  category: "language model",
  judge: "ollama",
  baseUrl: "http://127.0.0.1:11434",
  ports: [11434],
  probe: { path: "/api/version", isIt: (body) => typeof members(body).version === "string" },
  configuration: {
    type: "object",
    properties: {
      baseUrl: { ...text, format: "uri", default: "http://127.0.0.1:11434" },
      model: { ...text, description: "Used where a call names none; else the first that is there." },
      embedModel: text,
    },
  },
  health: { path: "/api/version" },
  // One model answers one call at a time; more only wait inside.
  limits: { concurrency: 4, timeoutMs: 300_000 },
  operations: {
    chat: common("llm.chat", chat, { ui: CHAT_HINTS }),
    embed: common("llm.embed", embed),
    models: common("models.list", list),
  },
};
