// Chroma, a store of vectors.
//
// Collections have names for people and ids for calls: each call looks its collection up first.
// Source: Chroma's API v2 (its OpenAPI document); the wire as the `chromadb` client has it.

import type { Json } from "../base/json.ts";
import { type CatalogueEntry, common, items, type Members, members, only } from "./catalogue-entry.ts";
import type { Outside } from "./service.ts";

const SPACES: Readonly<Record<string, string>> = { cosine: "cosine", dot: "ip", euclid: "l2" };

function database({ config }: Outside): string {
  const { tenant = "default_tenant", database: name = "default_database" } = config;
  return `/api/v2/tenants/${encodeURIComponent(String(tenant))}/databases/${encodeURIComponent(String(name))}`;
}

interface Collection {
  readonly path: string;
  readonly space: string;
}

async function found(name: Json | undefined, outside: Outside): Promise<Collection> {
  const path = `${database(outside)}/collections`;
  const { body } = await outside.send({ method: "GET", path: `${path}/${encodeURIComponent(String(name))}` });
  const { id = "", configuration_json: configuration, metadata } = members(body);
  const { hnsw, spann } = members(configuration);
  const space = members(hnsw ?? spann).space ?? members(metadata)["hnsw:space"] ?? "l2";
  return { path: `${path}/${encodeURIComponent(String(id))}`, space: String(space) };
}

async function create(written: Json, outside: Outside): Promise<Json> {
  const { collection = "", distance = "cosine" } = members(written);
  const body = {
    name: collection,
    get_or_create: true,
    configuration: { hnsw: { space: SPACES[String(distance)] ?? "cosine" } },
  };
  await outside.send({ method: "POST", path: `${database(outside)}/collections`, body });
  return { collection };
}

async function upsert(written: Json, outside: Outside): Promise<Json> {
  const { collection, items: given } = members(written);
  const { path } = await found(collection, outside);
  const all = items(given).map(members);
  const body = {
    ids: all.map(({ id = "" }) => id),
    embeddings: all.map(({ vector = [] }) => vector),
    documents: all.map(({ text = null }) => text),
    metadatas: all.map(({ metadata = {} }) => (Object.keys(members(metadata)).length === 0 ? null : metadata)),
  };
  await outside.send({ method: "POST", path: `${path}/upsert`, body });
  return { count: all.length };
}

async function query(written: Json, outside: Outside): Promise<Json> {
  const { collection, vector = [], limit = 10, where } = members(written);
  const { path, space } = await found(collection, outside);
  const body = only({
    query_embeddings: [vector],
    n_results: limit,
    include: ["documents", "metadatas", "distances"],
    where: whereOf(members(where)),
  });
  const answer = members((await outside.send({ method: "POST", path: `${path}/query`, body })).body);
  const [ids, distances, documents, metadatas] = [answer.ids, answer.distances, answer.documents, answer.metadatas].map((one) =>
    items(items(one)[0]),
  );
  const matches = (ids ?? []).map((id, i) => ({
    id: String(id),
    score: scoreOf(Number(distances?.[i] ?? 0), space),
    text: documents?.[i] ?? null,
    metadata: members(metadatas?.[i]),
  }));
  return { matches };
}

/** One condition stands alone, several are joined. */
function whereOf(where: Members): Json | undefined {
  const conditions = Object.entries(where).map(([key, value]) => ({ [key]: { $eq: value } }));
  return conditions.length > 1 ? { $and: conditions } : conditions[0];
}

function scoreOf(distance: number, space: string): number {
  return space === "l2" ? -Math.sqrt(Math.max(distance, 0)) : 1 - distance;
}

async function remove(written: Json, outside: Outside): Promise<Json> {
  const { collection, ids } = members(written);
  if (ids === undefined) {
    const path = `${database(outside)}/collections/${encodeURIComponent(String(collection))}`;
    await outside.send({ method: "DELETE", path });
  } else {
    const { path } = await found(collection, outside);
    await outside.send({ method: "POST", path: `${path}/delete`, body: { ids } });
  }
  return {};
}

const text = { type: "string" } as const;

export const CHROMA: CatalogueEntry = {
  id: "chroma",
  title: "Chroma",
  description: "A store of vectors.",
  category: "vector store",
  judge: "chromadb",
  baseUrl: "http://127.0.0.1:8000",
  ports: [8000],
  probe: { path: "/api/v2/heartbeat", isIt: (body) => typeof members(body)["nanosecond heartbeat"] === "number" },
  authentication: { kind: "header", name: "x-chroma-token", secret: "CHROMA_API_KEY", isOptional: true },
  configuration: {
    type: "object",
    properties: {
      baseUrl: { ...text, format: "uri", default: "http://127.0.0.1:8000" },
      tenant: { ...text, default: "default_tenant" },
      database: { ...text, default: "default_database" },
    },
  },
  health: { path: "/api/v2/heartbeat" },
  operations: {
    create: common("vector.create", create),
    upsert: common("vector.upsert", upsert),
    query: common("vector.query", query),
    delete: common("vector.delete", remove),
  },
};
