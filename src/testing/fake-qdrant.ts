// A fake of Qdrant: collections and points in memory, with distances computed for real.
//
// Q1  What was put in is found by its id until it is deleted; one id is there once.
// Q2  A query gives the nearest by the collection's own distance, the nearest first, and only what its filter lets through.
// Q3  What Qdrant refuses is refused with its status and in its envelope.

import type { Json } from "../base/json.ts";
import { unreachable } from "../base/never.ts";
import {
  type FakeAnswer,
  type FakeCall,
  type FakeHttp,
  type FakeHttpOptions,
  type FakeRoute,
  type Fields,
  fields,
  items,
  json,
  openFakeHttp,
} from "./fake-http.ts";

export type FakeQdrant = FakeHttp;

export interface FakeQdrantOptions extends FakeHttpOptions {
  /** Requests without it are refused. */
  readonly apiKey?: string;
}

const VERSION = "1.19.0";

type Distance = "Cosine" | "Dot" | "Euclid";

interface Point {
  readonly id: string | number;
  readonly vector: readonly number[];
  readonly payload: Fields;
}

interface Collection {
  readonly size: number;
  readonly distance: Distance;
  readonly points: Map<string, Point>;
}

type Collections = Map<string, Collection>;

export async function openFakeQdrant(options: FakeQdrantOptions = {}): Promise<FakeQdrant> {
  const guard = ({ headers }: FakeCall): FakeAnswer | null =>
    options.apiKey === undefined || headers["api-key"] === options.apiKey
      ? null
      : {
          status: 401,
          headers: { "content-type": "text/plain" },
          body: "Must provide an API key or an Authorization bearer token",
        };
  return await openFakeHttp({ routes: routesOf(new Map()), refuse, guard }, options);
}

function refuse(status: number): FakeAnswer {
  return problem(status, status === 404 ? "Not found" : status >= 500 ? "Service internal error" : "Wrong input");
}

function problem(status: number, error: string): FakeAnswer {
  return json(status, { status: { error }, time: 0.000_1 });
}

function well(result: Json): FakeAnswer {
  return json(200, { result, status: "ok", time: 0.000_1 });
}

function routesOf(all: Collections): Readonly<Record<string, FakeRoute>> {
  const known =
    (act: (collection: Collection, call: FakeCall) => FakeAnswer): FakeRoute =>
    (call) => {
      const name = call.segments.name ?? "";
      const collection = all.get(name);
      return collection === undefined ? problem(404, `Not found: Collection \`${name}\` doesn't exist!`) : act(collection, call);
    };
  const plain = (body: string): FakeAnswer => ({ status: 200, headers: { "content-type": "text/plain" }, body });
  return {
    "GET /": () => json(200, { title: "qdrant - vector search engine", version: VERSION, commit: "fake" }),
    "GET /readyz": () => plain("all shards are ready"),
    "GET /healthz": () => plain("healthz check passed"),
    "GET /collections": () => well({ collections: [...all.keys()].map((name) => ({ name })) }),
    "PUT /collections/:name": (call) => create(all, call),
    "GET /collections/:name": known((collection) => well(infoOf(collection))),
    "GET /collections/:name/exists": ({ segments }) => well({ exists: all.has(segments.name ?? "") }),
    "DELETE /collections/:name": ({ segments }) => well(all.delete(segments.name ?? "")),
    "PUT /collections/:name/points": known(upsert),
    "POST /collections/:name/points": known(retrieve),
    "POST /collections/:name/points/query": known((collection, { body }) => {
      const { query, limit, filter } = fields(body);
      return nearest(collection, query, limit, filter);
    }),
    "POST /collections/:name/points/scroll": known(scroll),
    "POST /collections/:name/points/count": known(({ points }, { body }) =>
      well({ count: [...points.values()].filter(({ payload }) => passes(payload, fields(body).filter)).length }),
    ),
    "POST /collections/:name/points/delete": known((collection, { body }) => {
      const { points: ids, filter } = fields(body);
      for (const [key, { payload }] of collection.points)
        if (ids === undefined ? passes(payload, filter) : items(ids).some((id) => String(id) === key))
          collection.points.delete(key);
      return well({ operation_id: 1, status: "completed" });
    }),
  };
}

function create(all: Collections, { segments, body }: FakeCall): FakeAnswer {
  const name = segments.name ?? "";
  const { size, distance } = fields(fields(body).vectors);
  if (all.has(name)) return problem(409, `Wrong input: Collection \`${name}\` already exists!`);
  if (typeof size !== "number" || !["Cosine", "Dot", "Euclid"].includes(String(distance)))
    return problem(400, "Format error in JSON body: data did not match any variant of untagged enum VectorsConfig");
  all.set(name, { size, distance: String(distance) as Distance, points: new Map() });
  return well(true);
}

function infoOf({ size, distance, points }: Collection): Json {
  return {
    ...{ status: "green", optimizer_status: "ok", points_count: points.size, segments_count: 1, payload_schema: {} },
    config: { params: { vectors: { size, distance }, shard_number: 1, replication_factor: 1 } },
  };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function upsert(collection: Collection, { body }: FakeCall): FakeAnswer {
  const given = items(fields(body).points).map(fields);
  for (const { id, vector } of given) {
    const isId = (typeof id === "number" && Number.isInteger(id) && id >= 0) || (typeof id === "string" && UUID.test(id));
    if (!isId) return problem(400, `Format error in JSON body: value ${JSON.stringify(id)} is not a valid point ID`);
    const length = items(vector).length;
    if (length !== collection.size)
      return problem(400, `Wrong input: Vector dimension error: expected dim: ${collection.size}, got ${length}`);
  }
  for (const { id, vector, payload } of given)
    collection.points.set(String(id), { id: id as string | number, vector: items(vector).map(Number), payload: fields(payload) });
  return well({ operation_id: 0, status: "completed" });
}

function retrieve({ points }: Collection, { body }: FakeCall): FakeAnswer {
  const { ids, with_vector: withVector = false } = fields(body);
  const found = items(ids).flatMap((id) => points.get(String(id)) ?? []);
  return well(found.map(({ id, payload, vector }) => ({ id, payload, ...(withVector === true ? { vector: [...vector] } : {}) })));
}

function scroll({ points }: Collection, { body }: FakeCall): FakeAnswer {
  const { limit = 10, filter, offset } = fields(body);
  const all = [...points.values()].filter(({ payload }) => passes(payload, filter));
  const from = offset === undefined || offset === null ? 0 : all.findIndex(({ id }) => id === offset);
  const page = all.slice(from, from + Number(limit));
  const next = all[from + Number(limit)];
  return well({
    points: page.map(({ id, payload }) => ({ id, payload })),
    next_page_offset: next === undefined ? null : next.id,
  });
}

function nearest(
  { size, distance, points }: Collection,
  query: Json | undefined,
  limit: Json | undefined,
  filter: Json | undefined,
): FakeAnswer {
  const vector = items(query).map(Number);
  if (vector.length !== size)
    return problem(400, `Wrong input: Vector dimension error: expected dim: ${size}, got ${vector.length}`);
  const sign = distance === "Euclid" ? 1 : -1;
  const scored = [...points.values()]
    .filter(({ payload }) => passes(payload, filter))
    .map(({ id, payload, vector: own }) => ({ id, version: 0, score: scoreOf(distance, vector, own), payload }))
    .toSorted((a, b) => sign * (a.score - b.score))
    .slice(0, typeof limit === "number" ? limit : 10);
  return well({ points: scored });
}

function scoreOf(distance: Distance, a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
  switch (distance) {
    case "Dot":
      return dot(a, b);
    case "Cosine":
      return dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1);
    case "Euclid":
      return Math.hypot(...a.map((value, i) => value - (b[i] ?? 0)));
    default:
      return unreachable(distance);
  }
}

function passes(payload: Fields, filter: Json | undefined): boolean {
  const { must, should, must_not: mustNot } = fields(filter);
  const holds = (condition: Json): boolean => meets(payload, fields(condition));
  const wanted = items(should);
  return items(must).every(holds) && !items(mustNot).some(holds) && (wanted.length === 0 || wanted.some(holds));
}

function meets(payload: Fields, { key, match, range }: Fields): boolean {
  const value = String(key)
    .split(".")
    .reduce<Json | undefined>((found, part) => fields(found)[part], payload);
  const values = Array.isArray(value) ? (value as readonly Json[]) : [value];
  if (match !== undefined) {
    const { value: wanted, any: oneOf } = fields(match);
    return values.some((one) => one !== undefined && (oneOf === undefined ? one === wanted : items(oneOf).includes(one)));
  }
  const { gt, gte, lt, lte } = fields(range);
  const within = (one: Json | undefined): boolean =>
    typeof one === "number" &&
    (typeof gt !== "number" || one > gt) &&
    (typeof gte !== "number" || one >= gte) &&
    (typeof lt !== "number" || one < lt) &&
    (typeof lte !== "number" || one <= lte);
  return values.some(within);
}
