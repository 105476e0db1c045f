// A fake of AUTOMATIC1111's web UI with its API: real pictures, and what its list pages say.
//
// Unproven: its makers have no client on npm that could judge it. The shapes are those of its own /docs page.

import { type FakeAnswer, type FakeCall, type FakeHttp, type FakeHttpOptions, fields, json, openFakeHttp } from "./fake-http.ts";
import { hash, picture } from "./fake-model.ts";

export type FakeAutomatic1111 = FakeHttp;

export interface FakeAutomatic1111Options extends FakeHttpOptions {
  readonly models?: readonly string[];
}

const MODELS = ["v1-5-pruned-emaonly", "sd_xl_base_1.0"];

export async function openFakeAutomatic1111(options: FakeAutomatic1111Options = {}): Promise<FakeAutomatic1111> {
  const models = options.models ?? MODELS;
  const routes = {
    "GET /internal/ping": () => json(200, {}),
    "GET /sdapi/v1/sd-models": () =>
      json(
        200,
        models.map((name) => ({
          title: `${name}.safetensors`,
          model_name: name,
          filename: `/models/${name}.safetensors`,
          hash: null,
        })),
      ),
    "GET /sdapi/v1/samplers": () =>
      json(
        200,
        ["Euler a", "DPM++ 2M"].map((name) => ({ name, aliases: [], options: {} })),
      ),
    "GET /sdapi/v1/progress": () => json(200, { progress: 0, eta_relative: 0, state: { job_count: 0 }, current_image: null }),
    "GET /sdapi/v1/options": () => json(200, { sd_model_checkpoint: `${models[0] ?? "none"}.safetensors` }),
    "POST /sdapi/v1/txt2img": generate,
    "POST /sdapi/v1/img2img": generate,
  };
  return await openFakeHttp({ routes, refuse }, options);
}

/** As FastAPI says it. */
function refuse(status: number): FakeAnswer {
  return json(
    status,
    status < 500 ? { detail: status === 404 ? "Not Found" : "Bad Request" } : { error: "RuntimeError", detail: "" },
  );
}

const SIDE_MAX = 4_096;

function generate({ body }: FakeCall): FakeAnswer {
  const { prompt = "", width = 512, height = 512, batch_size: count = 1, seed = -1 } = fields(body);
  if (![width, height].every((side) => typeof side === "number" && side >= 1 && side <= SIDE_MAX))
    return json(422, { detail: [{ loc: ["body", "width"], msg: "Input should be a valid integer", type: "int_type" }] });
  const chosen = Number(seed) >= 0 ? Number(seed) : Number.parseInt(hash(String(prompt)).slice(0, 8), 16);
  const images = Array.from({ length: Number(count) }, (_, at) =>
    picture(`${String(prompt)} ${chosen + at}`, Number(width), Number(height)).toString("base64"),
  );
  const info = { prompt, seed: chosen, width, height, infotexts: images.map(() => String(prompt)) };
  return json(200, { images, parameters: fields(body), info: JSON.stringify(info) });
}
