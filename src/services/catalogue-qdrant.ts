// Qdrant, a store of vectors.
//
// Its ids are numbers or UUIDs, so a text id becomes a UUID made from its hash, and is kept beside the vector.
// Source: Qdrant REST API, "Collections", "Points"; the wire as `@qdrant/js-client-rest` has it.

import { createHash } from "node:crypto";
import type { Json } from "../base/json.ts";
import { type CatalogueEntry, common, items, type Members, members, only } from "./catalogue-entry.ts";
import type { Outside } from "./service.ts";

const DISTANCES: Readonly<Record<string, string>> = { cosine: "Cosine", dot: "Dot", euclid: "Euclid" };

function at(collection: Json | undefined, rest = ""): string {
  return `/collections/${encodeURIComponent(String(collection))}${rest}`;
}

/** A UUID of version 8 (RFC 9562 §5.8) that stands for a text. */
function uuidOf(id: string): string {
  const hex = createHash("sha256").update(id).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

async function create(written: Json, outside: Outside): Promise<Json> {
  const { collection = "", dimensions = 0, distance = "cosine" } = members(written);
  const body = { vectors: { size: dimensions, distance: DISTANCES[String(distance)] ?? "Cosine" } };
  const { status } = await outside.send({ method: "PUT", path: at(collection), body, accept: [409] });
  return { collection, created: status < 400 };
}

async function upsert(written: Json, outside: Outside): Promise<Json> {
  const { collection, items: given } = members(written);
  const points = items(given)
    .map(members)
    .map(({ id, vector = [], text, metadata = {} }) => ({
      id: uuidOf(String(id)),
      vector,
      payload: only({ id, text, metadata }),
    }));
  await outside.send({ method: "PUT", path: at(collection, "/points"), query: { wait: true }, body: { points } });
  return { count: points.length };
}

async function query(written: Json, outside: Outside): Promise<Json> {
  const { collection, vector = [], limit = 10, where } = members(written);
  const must = Object.entries(members(where)).map(([key, value]) => ({ key: `metadata.${key}`, match: { value } }));
  const body = only({ query: vector, limit, with_payload: true, filter: must.length === 0 ? undefined : { must } });
  const answer = await outside.send({ method: "POST", path: at(collection, "/points/query"), body });
  const sign = (await growsWithDistance(collection, outside)) ? -1 : 1;
  const points = items(members(members(answer.body).result).points).map(members);
  return { matches: points.map((point) => matchOf(point, sign)) };
}

/** Euclid and Manhattan give distances, the others how alike two vectors are. */
async function growsWithDistance(collection: Json | undefined, outside: Outside): Promise<boolean> {
  const { body } = await outside.send({ method: "GET", path: at(collection) });
  const params = members(members(members(members(body).result).config).params);
  return ["Euclid", "Manhattan"].includes(String(members(params.vectors).distance));
}

function matchOf({ id, score = 0, payload }: Members, sign: number): Json {
  const { id: own = id ?? "", text = null, metadata = {} } = members(payload);
  return { id: String(own), score: sign * Number(score), text, metadata };
}

async function remove(written: Json, outside: Outside): Promise<Json> {
  const { collection, ids } = members(written);
  if (ids === undefined) await outside.send({ method: "DELETE", path: at(collection) });
  else {
    const points = items(ids).map((id) => uuidOf(String(id)));
    await outside.send({ method: "POST", path: at(collection, "/points/delete"), query: { wait: true }, body: { points } });
  }
  return {};
}

export const QDRANT: CatalogueEntry = {
  id: "qdrant",
  title: "Qdrant",
  description: "A store of vectors.",
  category: "vector store",
  judge: "@qdrant/js-client-rest",
  baseUrl: "http://127.0.0.1:6333",
  ports: [6333],
  probe: { path: "/", isIt: (body) => /qdrant/i.test(String(members(body).title)) },
  authentication: { kind: "header", name: "api-key", secret: "QDRANT_API_KEY", isOptional: true },
  configuration: {
    type: "object",
    properties: { baseUrl: { type: "string", format: "uri", default: "http://127.0.0.1:6333" } },
  },
  health: { path: "/readyz" },
  operations: {
    create: common("vector.create", create),
    upsert: common("vector.upsert", upsert),
    query: common("vector.query", query),
    delete: common("vector.delete", remove),
  },
};
