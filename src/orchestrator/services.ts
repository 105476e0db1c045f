// Answers about services: from what is kept beside an owner, and from the desk of whoever is the owner.

import { networkInterfaces } from "node:os";
import type {
  FoundService,
  OperationName,
  OutputOf,
  ReadInputOf,
  ServiceLine,
  ServiceOperationLine,
  ServiceView,
} from "../api.ts";
import { type RunId, readId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import { type Problem, ProblemError } from "../base/problem.ts";
import { rfc3339 } from "../base/time.ts";
import type { EmbeddedEngine } from "../engine.ts";
import { kpisOf, metricsText, WINDOWS } from "../monitor.ts";
import {
  checkDefinitionValue,
  checkHealth,
  circuitOf,
  type Discovered,
  discover,
  type KeptState,
  type Operation,
  type Service,
  type ServiceDocument,
  serviceOfDocument,
  servicesProblems,
} from "../services.ts";
import type { KeptService, Reading, Store } from "../store.ts";
import { readKept, stateIn } from "./kept-service.ts";
import { lookAt } from "./outside.ts";
import type { ServiceDesk } from "./service-desk.ts";

type Handler<N extends OperationName> = (input: ReadInputOf<N>) => Promise<OutputOf<N>>;
type Handlers<N extends OperationName> = { readonly [K in N]: Handler<K> };

export type ServiceReadName = "services.list" | "services.show" | "stats.show" | "stats.metrics";
export type ServiceLookName = "services.list" | "services.show";
export type ServiceSteerName = "services.add" | "services.remove" | "services.discover" | "services.check" | "services.rate";

export function serviceReadHandlers(store: Store, now: () => number): Handlers<ServiceReadName> {
  return {
    "services.list": async ({ capability }) => ({
      services: store
        .services()
        .map((kept) => keptLine(kept, now()))
        .filter((line) => capability === undefined || line.capabilities.includes(capability)),
    }),
    "services.show": async ({ id }) => {
      const kept = requireKept(store, id);
      const service = readKept(kept);
      if ("problem" in service) throw new ProblemError(service.problem);
      return viewOf(service, stateIn(kept.stateText) as KeptState, kept, store, now());
    },
    "stats.metrics": async () => {
      const position = store.fold("services")?.position ?? 0;
      const sources = { rollups: store.rollups(0), readings: unfolded(store, position), ratings: store.ratings(0) };
      const lines = store.services().map((kept) => keptLine(kept, now()));
      const stands = lines.map(({ id, health, circuit }) => ({
        ...{ service: id, isLeftAlone: circuit === "open" },
        isWell: health === "unknown" ? null : health === "healthy",
      }));
      return { text: metricsText(sources, stands) };
    },
    "stats.show": async ({ window }) => {
      const from = now() - WINDOWS[window];
      const position = store.fold("services")?.position ?? 0;
      const kpis = kpisOf(
        { rollups: store.rollups(from), readings: unfolded(store, position), ratings: store.ratings(from) },
        ...([window, now()] as const),
      );
      return kpis as OutputOf<"stats.show">;
    },
  };
}

const PAGE = 1_000;

function unfolded(store: Store, position: number): Reading[] {
  const all: Reading[] = [];
  for (;;) {
    const page = store.readings(all.at(-1)?.seq ?? position, PAGE);
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}

function requireKept(store: Store, written: string): KeptService {
  const id = nameOf(store, written);
  const found = store.services().find((one) => one.id === id);
  if (found === undefined) throw servicesProblems.SERVICE_UNKNOWN(`There is no service "${id.slice(0, 80)}".`);
  return found;
}

/** An entry of the catalogue that has dots is a service with dashes: `llama.cpp` is found by either. */
function nameOf(store: Store, written: string): string {
  const dashed = written.replaceAll(".", "-");
  return dashed !== written && store.services().some(({ id }) => id === dashed) ? dashed : written;
}

function keptLine(kept: KeptService, now: number): ServiceLine {
  const service = readKept(kept);
  if ("problem" in service) return brokenLine(kept.id, service.problem);
  return serviceLineOf(service, stateIn(kept.stateText) as KeptState, now);
}

/** One that an older version kept, and this one cannot read. */
function brokenLine(id: string, { detail }: Problem): ServiceLine {
  return {
    ...{ id, title: id, category: "other", kind: "http", version: "?", unproven: false, isLocal: false, capabilities: [] },
    ...{ operations: 0, health: "unhealthy", because: detail, circuit: "closed", priority: 0 },
  };
}

/** How a service looks in a list. */
export function serviceLineOf(service: Service, state: KeptState, now: number): ServiceLine {
  const { health = { kind: "unknown" } } = state;
  const { id, title, category, kind, version, baseUrl, uses, judge, isLocal, operations, priority } = service;
  const capabilities = [...new Set([...operations.values()].flatMap((one) => one.capabilities))].toSorted();
  return {
    ...{ id, title, category, kind, version },
    ...(baseUrl === null ? {} : { baseUrl }),
    ...addressOf(service),
    ...(uses === null ? {} : { uses }),
    ...(judge === null ? {} : { proven: judge }),
    ...{ unproven: uses !== null && judge === null, isLocal, capabilities, operations: operations.size },
    health: health.kind,
    ...(health.kind === "unknown" ? {} : { healthAt: rfc3339(health.at) }),
    ...(health.kind === "unhealthy" ? { because: health.because } : {}),
    ...{ circuit: circuitOf(state, now), priority },
  };
}

function addressOf({ baseUrl, mcp }: Service): { address?: string } {
  if (mcp === null) return baseUrl === null ? {} : { address: baseUrl };
  if ("url" in mcp) return { address: mcp.url };
  const { command, args = [] } = mcp as Partial<typeof mcp> & { command: string };
  return { address: [command, ...args].join(" ") };
}

const CHANGES_SHOWN_MAX = 20;

/** `definitionText`: as it is kept; null of one that a program gave. */
interface Origin {
  readonly source: string | null;
  readonly addedAt: number;
  readonly definitionText: string | null;
}

function viewOf(
  service: Service,
  state: KeptState,
  { source, addedAt, definitionText }: Origin,
  store: Store,
  now: number,
): ServiceView {
  const line = serviceLineOf(service, state, now);
  const { description, config, configuration, authentication, limits, weight } = service;
  const document = definitionText === null ? null : (JSON.parse(definitionText) as ServiceDocument);
  return {
    ...line,
    ...(description === null ? {} : { description }),
    ...(source === null ? {} : { source }),
    addedAt: rfc3339(addedAt),
    ...{ config, configuration, authentication, limits, weight },
    ...(state.models == null ? {} : { models: [...state.models] }),
    operationList: [...service.operations.values()].map((one) => operationLineOf(one, howOf(service, one.name, document))),
    circuitHistory: store.circuitReadings(service.id, CHANGES_SHOWN_MAX).map(({ at, text }) => {
      const { to, because } = JSON.parse(text) as { to: string; because: string };
      return { at: rfc3339(at), to, because };
    }),
  };
}

/** How an operation looks when its service is shown. */
export function operationLineOf(one: Operation, how: string | null): ServiceOperationLine {
  return {
    name: one.name,
    ...(one.title === null ? {} : { title: one.title }),
    ...(one.description === null ? {} : { description: one.description }),
    ...(how === null ? {} : { how }),
    ...{ capabilities: [...one.capabilities], effects: one.effects, idempotent: one.isIdempotent, ui: one.ui },
    ...{ input: one.input?.jsonSchema ?? null, output: one.output?.jsonSchema ?? null },
    ...{ cost: one.cost, typicalLatencyMs: one.typicalLatencyMs, timeoutMs: one.timeoutMs },
  };
}

const METHODS = ["get", "post", "put", "patch", "delete", "head"];

type Members = Readonly<Record<string, Json>>;

/** What a call of it is to the service, as its definition says; null where the catalogue knows it. */
function howOf({ kind }: Service, name: string, document: ServiceDocument | null): string | null {
  if (document === null) return kind === "function" ? "a function" : null;
  const written = ((document.operations ?? {}) as Members)[name] as Members | undefined;
  if (written === undefined) return null;
  if (typeof written.tool === "string") return `tool ${written.tool}`;
  if (typeof written.openapi === "string") return placeInApi(document, written.openapi);
  const http = written.http as { method?: string; path?: string } | undefined;
  if (http !== undefined) return `${(http.method ?? "get").toUpperCase()} ${http.path ?? "/"}`;
  const method = METHODS.find((one) => typeof written[one] === "string");
  return method === undefined ? null : `${method.toUpperCase()} ${String(written[method])}`;
}

/** An operation of OpenAPI is named by method and path, or by its own name. */
function placeInApi({ openapi }: ServiceDocument, reference: string): string {
  const { paths = {} } = ((openapi as Members | undefined)?.document ?? {}) as { paths?: Record<string, Members> };
  for (const [path, item] of Object.entries(paths))
    for (const method of METHODS)
      if ((item?.[method] as Members | undefined)?.operationId === reference) return `${method.toUpperCase()} ${path}`;
  return reference;
}

// At the owner's.

export function serviceHandlers(
  owner: ServiceDesk,
  store: Store,
  engine: EmbeddedEngine,
): Handlers<ServiceSteerName | ServiceLookName> {
  const { desk } = owner;
  const now = (): number => engine.clock.now();
  const add = async (document: ServiceDocument, source: string | null): Promise<Service> => {
    const service = serviceOfDocument(document);
    const definitionText = JSON.stringify(document);
    const { id, baseUrl, mcp } = service;
    await engine.keep([
      { kind: "service", id, definitionText, source, at: now() },
      { kind: "audit", at: now(), what: "service-added", text: JSON.stringify({ id, baseUrl, mcp, source }) },
    ]);
    owner.reload();
    return service;
  };
  return {
    "services.list": async ({ capability }) => ({
      services: [
        ...desk.standings().map((standing) => serviceLineOf(standing.service, standing.state(), now())),
        ...[...owner.broken].map(([id, problem]) => brokenLine(id, problem)),
      ]
        .filter((line) => capability === undefined || line.capabilities.includes(capability))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    }),
    "services.show": async ({ id: written }) => {
      const id = nameOf(store, written);
      const broken = owner.broken.get(id);
      if (broken !== undefined) throw new ProblemError(broken);
      const standing = desk.standing(id);
      const kept = owner.isOffered(id) ? undefined : store.services().find((one) => one.id === id);
      const origin = kept ?? { source: null, addedAt: now(), definitionText: null };
      return viewOf(standing.service, standing.state(), origin, store, now());
    },
    "services.add": async ({ definition, source, replace }) => {
      const document = requireDefinition(definition as Json);
      const isKnown = store.services().some(({ id }) => id === document.service);
      if (isKnown && !replace) throw servicesProblems.SERVICE_EXISTS(`There is a service "${document.service}" already.`);
      const service = await add(document, source);
      const { authentication, baseUrl } = service;
      const needs = authentication !== null && authentication.isOptional !== true ? { secret: authentication.secret } : {};
      const place = baseUrl === null ? {} : { host: new URL(baseUrl).host };
      return { id: service.id, replaced: isKnown, operations: service.operations.size, ...needs, ...place };
    },
    "services.remove": async ({ id: written }) => {
      const { id } = requireKept(store, written);
      await engine.keep([
        { kind: "service-gone", id },
        { kind: "audit", at: now(), what: "service-removed", text: JSON.stringify({ id }) },
      ]);
      owner.reload();
      return { id };
    },
    "services.discover": async ({ hosts, here, add: adds }) => {
      const places = [...(here ? ["127.0.0.1"] : []), ...hosts.filter((host) => !(here && isThisMachine(host)))];
      const { found, looked } = await discover(places, { ask: lookAt });
      const lines: FoundService[] = [];
      const addWell = async (document: ServiceDocument, source: string): Promise<void> => {
        const { id } = await add(document, source);
        await checkHealth(desk.standing(id), { desk, ...owner.healthOptions });
      };
      for (const one of found) lines.push(await foundLine(one, adds ? addWell : null, store));
      return { found: lines, looked: [...looked] };
    },
    "services.check": async ({ id }) => {
      const standings = id === undefined ? desk.standings() : [desk.standing(nameOf(store, id))];
      const options = { desk, ...owner.healthOptions };
      const lines = await Promise.all(
        standings.map(async (standing) => {
          await checkHealth(standing, options);
          return serviceLineOf(standing.service, standing.state(), now());
        }),
      );
      await engine.flushed();
      return { services: lines };
    },
    "services.rate": async (input) => rate(input, owner, store, engine),
  };
}

function requireDefinition(definition: Json): ServiceDocument {
  const { diagnostics, document } = checkDefinitionValue(definition);
  if (document !== null) return document;
  const [first] = diagnostics.filter(({ severity }) => severity === "error");
  throw servicesProblems.SERVICE_DEFINITION_INVALID(
    `${first?.pointer || "The definition"}: ${first?.message ?? "is no definition."}`,
    {
      ...(first?.fix === undefined ? {} : { fix: first.fix }),
      facts: { diagnostics },
    },
  );
}

function isThisMachine(host: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  return ["localhost", "127.0.0.1", ...own].includes(host);
}

async function foundLine(
  { entry, title, baseUrl, needsKey, document }: Discovered,
  add: ((document: ServiceDocument, source: string) => Promise<void>) | null,
  store: Store,
): Promise<FoundService> {
  const kept = store.services();
  const known = kept.find((one) => {
    const service = readKept(one);
    return !("problem" in service) && service.baseUrl === baseUrl;
  });
  if (known !== undefined) return { entry, title, baseUrl, needsKey, id: known.id, state: "known" };
  const id = freeName(document.service, new Set(kept.map((one) => one.id)));
  if (add !== null) await add({ ...document, service: id }, baseUrl);
  return { entry, title, baseUrl, needsKey, id, state: add === null ? "new" : "added" };
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? name : `${name}-${count}`;
    if (!taken.has(candidate)) return candidate;
  }
}

async function rate(
  { call, rating, comment, who }: ReadInputOf<"services.rate">,
  _owner: ServiceDesk,
  store: Store,
  engine: EmbeddedEngine,
): Promise<OutputOf<"services.rate">> {
  const reading = callNamed(store, call);
  const { capability } = JSON.parse(reading.text) as { capability: string };
  const { service, operation } = reading;
  const at = engine.clock.now();
  const text = JSON.stringify({ capability, rating });
  await engine.keep([
    { kind: "rating", call: reading.id, at, service, operation, capability, rating, comment: comment ?? null, who },
    { kind: "reading", id: `${reading.id} rated ${at}`, at, what: "rating", service, operation, text },
  ]);
  return { call: reading.id, target: `${service}/${operation}`, rating };
}

/** How good people found the results of a run's calls. */
export function ratingsOf(store: Store, run: RunId): { target: string; rating: number; at: string }[] {
  return store
    .readingsOf(run)
    .filter(({ what }) => what === "rating")
    .map(({ service, operation, at, text }) => {
      const { rating } = JSON.parse(text) as { rating: number };
      return { target: `${service}/${operation}`, rating, at: rfc3339(at) };
    });
}

/** By its own name, or the last one of a run that a service answered. */
function callNamed(store: Store, call: string): Reading {
  const exact = store.reading(call);
  if (exact?.what === "call") return exact;
  const run = readId("run", call);
  const ofRun = run === null ? [] : store.readingsOf(run).filter(({ what }) => what === "call");
  const answered = ofRun.findLast(({ text }) => (JSON.parse(text) as { ok: boolean }).ok) ?? ofRun.at(-1);
  if (answered === undefined)
    throw servicesProblems.SERVICE_CALL_UNKNOWN(`There is no call ${JSON.stringify(call.slice(0, 120))}.`);
  return answered;
}
