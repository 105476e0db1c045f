// What an entry of the catalogue says, and what several of them do alike. A new entry is one file and one line in
// catalogue.ts.

import type { Json } from "../base/json.ts";
import { CAPABILITIES } from "./capabilities.ts";
import { isTokenCount } from "./cost.ts";
import { servicesProblems } from "./problems.ts";
import { saidIn } from "./said.ts";
import type { Act, FileValue, OperationDefinition, Outside, ServiceDefinition } from "./service.ts";
import { requireWhole } from "./stream-format.ts";

/** A kind of service that is known: how it is called, found and recognised. */
export interface CatalogueEntry extends Omit<ServiceDefinition, "service" | "uses"> {
  readonly id: string;
  readonly title: string;
  readonly category: string;
  /** It may want a key that each of its kind has for itself: an optional secret named after the service, `BOX_API_KEY`. */
  readonly hasOwnKey?: boolean;
  /** The vendor's npm client that works with what the adapter is tested on; null: no such judge, the adapter is unproven. */
  readonly judge: string | null;
  /** Where it listens when nobody said otherwise. */
  readonly ports: readonly number[];
  /** Tells it from others by what it answers to one GET; null: it is not found by looking. */
  readonly probe: Probe | null;
}

export interface Probe {
  readonly path: string;
  /** `body`: JSON or text. */
  readonly isIt: (body: Json, headers: Readonly<Record<string, string>>) => boolean;
  /** Put behind host and port: `/v1`. */
  readonly basePath?: string;
}

export type Members = Readonly<Record<string, Json>>;

export function members(value: Json | undefined): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

export function items(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** Without what is undefined. */
export function only(fields: Readonly<Record<string, Json | undefined>>): Members {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Members;
}

/** An operation that is one of the common capabilities: its schemas are the capability's. */
export function common(
  capability: string,
  act: Act,
  more: Partial<Omit<OperationDefinition, "act" | "capability">> = {},
): OperationDefinition {
  const known = CAPABILITIES.get(capability);
  if (known === undefined) throw new Error(`${capability} is no common capability`);
  return {
    capability,
    description: known.about,
    input: known.input,
    output: known.output,
    act,
    ...more,
  };
}

/** The model that a call names, else the one that is configured for `field`, else the first that the service has. */
export async function modelOf(
  input: Members,
  outside: Outside,
  field: "model" | "embedModel",
  list: () => Promise<readonly string[]>,
): Promise<string> {
  const named = input.model ?? outside.config[field];
  if (typeof named === "string" && named !== "") return named;
  const all = await list();
  const isEmbedder = (name: string): boolean => /embed|bge|minilm|\be5\b|gte-|arctic/i.test(name);
  const fitting = all.find((name) => isEmbedder(name) === (field === "embedModel")) ?? all[0];
  if (fitting === undefined) throw servicesProblems.SERVICE_FAILED("The service has no model.", { fix: "Load a model into it." });
  return fitting;
}

/** The JSON of an answer that was to follow a schema; undefined where none was asked for. Throws SERVICE_ANSWER_INVALID. */
export function jsonOf(input: Members, text: string): Json | undefined {
  if (input.schema === undefined) return undefined;
  try {
    return JSON.parse(text.replace(/^\s*```(?:json)?\s*|\s*```\s*$/g, "")) as Json;
  } catch {
    throw servicesProblems.SERVICE_ANSWER_INVALID("The model was asked for JSON and answered something else.", {
      facts: { text },
    });
  }
}

/** Tool calls, or blocks, of one answer: protects memory from a service that counts without end. */
const PARTS_MAX = 1_000;

/** Throws SERVICE_ANSWER_INVALID. */
export function requireParts(count: number): void {
  if (count > PARTS_MAX)
    throw servicesProblems.SERVICE_ANSWER_INVALID(`Its answer has more than ${PARTS_MAX} parts (PARTS_MAX).`);
}

/** Takes every item; gives whether the service said that nothing follows. */
export async function takeAll(all: AsyncGenerator<Json, boolean>, take: (item: Json) => void): Promise<boolean> {
  try {
    for (;;) {
      const { done, value } = await all.next();
      if (done === true) return value;
      take(value);
    }
  } finally {
    await all.return(false);
  }
}

/** For an answer that is none. Throws SERVICE_UNAVAILABLE where it says so itself, else SERVICE_ANSWER_INVALID. */
export function refuseAnswer(body: Json, wanted: string): never {
  requireWhole(body);
  throw servicesProblems.SERVICE_ANSWER_INVALID(`Its answer has no ${wanted}; it says: ${saidIn(body)}`);
}

/** Throws SERVICE_ANSWER_INVALID. */
export function refuseBrokenOff(): never {
  throw servicesProblems.SERVICE_ANSWER_INVALID("Its answer breaks off before its end.");
}

/** As many as there were texts. Throws as refuseAnswer does. */
export function vectorsIn(vectors: readonly Json[], { texts }: Members, body: Json): Json {
  const count = items(texts).length;
  if (vectors.length !== count || vectors.some((vector) => items(vector).length === 0)) refuseAnswer(body, `${count} vectors`);
  return [...vectors];
}

/** The input of a tool, as a model wrote it: text where it is no JSON. */
export function toolInput(text: string): Json {
  try {
    return JSON.parse(text || "{}") as Json;
  } catch {
    return text;
  }
}

/** The parts of a message's content: text and pictures. */
export function partsOf(content: Json | undefined): { readonly text: string; readonly images: readonly FileValue[] } {
  if (typeof content === "string") return { text: content, images: [] };
  const parts = items(content).map(members);
  const text = parts
    .filter(({ type }) => type === "text")
    .map((part) => String(part.text))
    .join("\n");
  return { text, images: parts.filter(({ type }) => type === "image") as unknown as FileValue[] };
}

export function dataUrl({ mediaType, data = "" }: FileValue): string {
  return `data:${mediaType};base64,${data}`;
}

/** How the body of a picture begins tells what it is. */
export function pictureOf(data: string): FileValue {
  const kinds: readonly (readonly [string, string])[] = [
    ["iVBOR", "image/png"],
    ["/9j/", "image/jpeg"],
    ["UklGR", "image/webp"],
    ["R0lGOD", "image/gif"],
  ];
  return { mediaType: kinds.find(([start]) => data.startsWith(start))?.[1] ?? "application/octet-stream", data };
}

/** Numbers where the service gave any that can be so. */
export function usageOf(input: Json | undefined, output: Json | undefined): { inputTokens?: number; outputTokens?: number } {
  return {
    ...(isTokenCount(input) ? { inputTokens: input } : {}),
    ...(isTokenCount(output) ? { outputTokens: output } : {}),
  };
}
