// Rows that are kept of services, read with doubt: one that cannot be read stands in the way of nothing else.

import type { Json } from "../base/json.ts";
import type { Problem } from "../base/problem.ts";
import { type Service, type ServiceDocument, serviceOfDocument, servicesProblems } from "../services.ts";
import type { KeptService } from "../store.ts";

/** The service of a row, or why there is none. */
export function readKept({
  id,
  definitionText,
}: Pick<KeptService, "id" | "definitionText">): Service | { readonly problem: Problem } {
  try {
    const service = serviceOfDocument(membersIn(definitionText) as ServiceDocument);
    if (service.id === id) return service;
    throw new Error(`it is the definition of ${JSON.stringify(service.id.slice(0, 80))}`);
  } catch (error) {
    return { problem: unreadable(id, error) };
  }
}

function unreadable(id: string, error: unknown): Problem {
  const why = error instanceof Error ? error.message : String(error);
  return servicesProblems.SERVICE_DEFINITION_INVALID(`What is kept of ${id} cannot be read: ${why.replace(/\.$/, "")}.`, {
    fix: `Add it again with --replace, or remove it: \`baton services rm ${id}\`.`,
  }).problem;
}

/** Throws what is no object. */
function membersIn(text: string): Readonly<Record<string, Json>> {
  const value = JSON.parse(text) as Json;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, Json>>;
  throw new Error("it is no object");
}

/** What is known of how it stands; nothing where that cannot be read, which is as good as never having looked. */
export function stateIn(text: string): Readonly<Record<string, Json>> {
  try {
    const { health, models, ...rest } = membersIn(text);
    const isList = Array.isArray(models) && (models as readonly Json[]).every((one) => typeof one === "string");
    return { ...rest, ...(isHealth(health) ? { health } : {}), ...(isList ? { models } : {}) };
  } catch {
    return {};
  }
}

function isHealth(value: Json | undefined): value is Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { kind, at } = value as Readonly<Record<string, Json>>;
  return kind === "unknown" || ((kind === "healthy" || kind === "unhealthy") && Number.isSafeInteger(at));
}
