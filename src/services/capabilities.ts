// Capabilities that many services have, each with one schema, so that work asks for the capability and not for a service.
//
// A service's own operation may take and give more. What a caller may leave to the service (the model, above all) is not
// required here.

import type { Json } from "../base/json.ts";
import { type JsonSchema, readServiceSchema, type Schema } from "../workflow.ts";
import type { Effects } from "./service.ts";

export interface Capability {
  readonly name: string;
  readonly about: string;
  /** Where an operation says nothing else. */
  readonly effects: Effects;
  /** All of them may be done twice: nothing is there twice then. */
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  /** What every operation that has it may rely on: shorthands spelled out. */
  readonly normalise?: (input: Json) => Json;
}

const text = { type: "string" } as const;
const count = { type: "integer", minimum: 0 } as const;
const model = { type: "string", description: "The service's own default where left out." } as const;
const usage = { type: ["object", "null"], properties: { inputTokens: count, outputTokens: count } } as const;
const file = {
  type: "object",
  required: ["mediaType"],
  properties: { mediaType: text, data: { type: "string", contentEncoding: "base64" }, blob: text, bytes: count },
} as const;

const message = {
  type: "object",
  required: ["role", "content"],
  properties: {
    role: { enum: ["system", "user", "assistant", "tool"] },
    content: {
      anyOf: [
        text,
        {
          type: "array",
          items: {
            anyOf: [
              { type: "object", required: ["type", "text"], properties: { type: { const: "text" }, text } },
              { ...file, required: ["type", "mediaType"], properties: { ...file.properties, type: { const: "image" } } },
            ],
          },
        },
      ],
    },
    toolCallId: text,
    toolCalls: { type: "array", items: { type: "object" } },
  },
} as const;

const chat: Capability = {
  name: "llm.chat",
  about: "A language model goes on with a conversation.",
  effects: "read",
  input: {
    type: "object",
    anyOf: [{ required: ["messages"] }, { required: ["prompt"] }],
    properties: {
      messages: { type: "array", minItems: 1, items: message },
      prompt: { type: "string", description: "Short for one message of the user." },
      system: { type: "string", description: "Short for a first message of the system." },
      images: { type: "array", items: file, description: "Shown with the prompt." },
      model,
      temperature: { type: "number", minimum: 0, maximum: 2 },
      maxTokens: { type: "integer", minimum: 1 },
      topP: { type: "number", minimum: 0, maximum: 1 },
      stop: { type: "array", items: text },
      seed: { type: "integer" },
      schema: { type: "object", description: "JSON Schema of the answer: `json` of the output is what was answered." },
      tools: {
        type: "array",
        items: {
          type: "object",
          required: ["name"],
          properties: { name: text, description: text, input: { type: "object" } },
        },
      },
    },
  },
  output: {
    type: "object",
    required: ["text", "model", "finish"],
    properties: {
      text,
      model: text,
      finish: { enum: ["stop", "length", "tool", "filter", "other"] },
      json: {},
      toolCalls: {
        type: "array",
        items: { type: "object", required: ["id", "name", "input"], properties: { id: text, name: text, input: {} } },
      },
      usage,
    },
  },
  normalise: (input) => {
    const { prompt, system, images, messages = [], ...rest } = input as Record<string, Json>;
    const pictures = ((images ?? []) as Json[]).map((image) => ({ ...(image as object), type: "image" }) as Json);
    const asked: Json = pictures.length === 0 ? (prompt ?? "") : [{ type: "text", text: prompt ?? "" }, ...pictures];
    return {
      ...rest,
      messages: [
        ...(system === undefined ? [] : [{ role: "system", content: system }]),
        ...(messages as Json[]),
        ...(prompt === undefined ? [] : [{ role: "user", content: asked }]),
      ],
    };
  },
};

const embed: Capability = {
  name: "llm.embed",
  about: "Texts become vectors: near where their meanings are.",
  effects: "read",
  input: {
    type: "object",
    anyOf: [{ required: ["texts"] }, { required: ["text"] }],
    properties: { texts: { type: "array", minItems: 1, items: text }, text, model },
  },
  output: {
    type: "object",
    required: ["vectors", "model"],
    properties: { vectors: { type: "array", items: { type: "array", items: { type: "number" } } }, model: text, usage },
  },
  normalise: (input) => {
    const { text: one, texts = [], ...rest } = input as Record<string, Json>;
    return { ...rest, texts: [...(texts as Json[]), ...(one === undefined ? [] : [one])] };
  },
};

const image: Capability = {
  name: "image.generate",
  about: "Pictures from words.",
  effects: "read",
  input: {
    type: "object",
    required: ["prompt"],
    properties: {
      prompt: text,
      negativePrompt: text,
      width: { type: "integer", minimum: 64, maximum: 4_096, default: 512 },
      height: { type: "integer", minimum: 64, maximum: 4_096, default: 512 },
      count: { type: "integer", minimum: 1, maximum: 8, default: 1 },
      steps: { type: "integer", minimum: 1, maximum: 150 },
      seed: { type: "integer" },
      model,
    },
  },
  output: {
    type: "object",
    required: ["images"],
    properties: { images: { type: "array", minItems: 1, items: file }, model: text, seed: { type: "integer" }, usage },
  },
};

const vector = { type: "array", minItems: 1, items: { type: "number" } } as const;
const collection = { type: "string", minLength: 1, maxLength: 255 } as const;

const vectorCreate: Capability = {
  name: "vector.create",
  about: "Makes a collection of vectors, where there is none of that name.",
  effects: "write",
  input: {
    type: "object",
    required: ["collection", "dimensions"],
    properties: {
      collection,
      dimensions: { type: "integer", minimum: 1, maximum: 65_536 },
      distance: { enum: ["cosine", "dot", "euclid"], default: "cosine" },
    },
  },
  output: { type: "object", required: ["collection"], properties: { collection: text, created: { type: "boolean" } } },
};

const vectorUpsert: Capability = {
  name: "vector.upsert",
  about: "Puts vectors into a collection; one id is there once.",
  effects: "write",
  input: {
    type: "object",
    required: ["collection", "items"],
    properties: {
      collection,
      items: {
        type: "array",
        minItems: 1,
        items: {
          type: "object",
          required: ["id", "vector"],
          properties: { id: text, vector, text, metadata: { type: "object" } },
        },
      },
    },
  },
  output: { type: "object", required: ["count"], properties: { count } },
};

const vectorQuery: Capability = {
  name: "vector.query",
  about: "Finds the vectors of a collection that are nearest to one; the nearest first.",
  effects: "read",
  input: {
    type: "object",
    required: ["collection", "vector"],
    properties: {
      collection,
      vector,
      limit: { type: "integer", minimum: 1, maximum: 1_000, default: 10 },
      where: { type: "object", description: "Only those whose metadata has these values." },
    },
  },
  output: {
    type: "object",
    required: ["matches"],
    properties: {
      matches: {
        type: "array",
        items: {
          type: "object",
          required: ["id", "score"],
          properties: {
            id: text,
            score: { type: "number", description: "Grows with nearness." },
            text: { type: ["string", "null"] },
            metadata: { type: "object" },
          },
        },
      },
    },
  },
};

const vectorDelete: Capability = {
  name: "vector.delete",
  about: "Takes vectors out of a collection, or the whole collection where no ids are given.",
  effects: "destructive",
  input: {
    type: "object",
    required: ["collection"],
    properties: { collection, ids: { type: "array", minItems: 1, items: text } },
  },
  output: { type: "object" },
};

const models: Capability = {
  name: "models.list",
  about: "The models a service has.",
  effects: "read",
  input: { type: "object", properties: {} },
  output: {
    type: "object",
    required: ["models"],
    properties: {
      models: {
        type: "array",
        items: { type: "object", required: ["id"], properties: { id: text, bytes: count, family: text } },
      },
    },
  },
};

/** By name. */
export const CAPABILITIES: ReadonlyMap<string, Capability> = new Map(
  [chat, embed, image, vectorCreate, vectorUpsert, vectorQuery, vectorDelete, models].map((one) => [one.name, one]),
);

/** The one schema of what a capability takes; null for one that only its services know. */
export function inputSchemaOf(capability: string): Schema | null {
  const known = CAPABILITIES.get(capability);
  return known === undefined ? null : readServiceSchema(known.input, `The input of ${capability}`);
}
