// AUTOMATIC1111's Stable Diffusion web UI, started with --api.
//
// Source: the API that the web UI itself describes at /docs. No client of its makers is on npm: nobody vouches for this
// adapter but our own reading.

import type { Json } from "../base/json.ts";
import { type CatalogueEntry, common, items, members, only, pictureOf } from "./catalogue-entry.ts";
import type { Outside } from "./service.ts";

async function generate(written: Json, outside: Outside): Promise<Json> {
  const { prompt = "", negativePrompt, width = 512, height = 512, count = 1, steps = 20, seed = -1, model } = members(written);
  const body = only({
    prompt,
    negative_prompt: negativePrompt,
    width,
    height,
    batch_size: count,
    steps,
    seed,
    override_settings: model === undefined ? undefined : { sd_model_checkpoint: model },
  });
  const answer = members((await outside.send({ method: "POST", path: "/sdapi/v1/txt2img", body })).body);
  const images = items(answer.images).map((one) => pictureOf(String(one).replace(/^data:[^,]*,/, "")) as unknown as Json);
  return only({ images, seed: seedOf(answer.info), model });
}

/** `info` is JSON in text. */
function seedOf(info: Json | undefined): Json | undefined {
  try {
    const { seed } = JSON.parse(String(info)) as { seed?: number };
    return Number.isInteger(seed) ? seed : undefined;
  } catch {
    return undefined;
  }
}

async function list(_: Json, outside: Outside): Promise<Json> {
  const { body } = await outside.send({ method: "GET", path: "/sdapi/v1/sd-models" });
  return { models: items(body).map((one) => ({ id: String(members(one).title ?? members(one).model_name) })) };
}

export const AUTOMATIC1111: CatalogueEntry = {
  id: "automatic1111",
  title: "AUTOMATIC1111",
  description: "Pictures by Stable Diffusion.",
  category: "image generator",
  judge: null,
  baseUrl: "http://127.0.0.1:7860",
  ports: [7860],
  probe: { path: "/sdapi/v1/samplers", isIt: (body) => Array.isArray(body) && typeof members(body[0]).name === "string" },
  authentication: { kind: "basic", secret: "AUTOMATIC1111_LOGIN", isOptional: true },
  configuration: {
    type: "object",
    properties: { baseUrl: { type: "string", format: "uri", default: "http://127.0.0.1:7860" } },
  },
  health: { path: "/sdapi/v1/samplers" },
  limits: { concurrency: 1, timeoutMs: 600_000 },
  operations: {
    generate: common("image.generate", generate, {
      typicalLatencyMs: 10_000,
      ui: {
        prompt: { label: "Prompt", control: "textarea" },
        negativePrompt: { label: "What it must not show", control: "textarea" },
        width: { label: "Width", control: "slider", min: 64, max: 2_048, step: 64 },
        height: { label: "Height", control: "slider", min: 64, max: 2_048, step: 64 },
        steps: { label: "Steps", control: "slider", min: 1, max: 150, step: 1 },
        model: { label: "Model", control: "select", optionsFrom: { operation: "models", options: "[.models[].id]" } },
      },
    }),
    models: common("models.list", list),
  },
};
