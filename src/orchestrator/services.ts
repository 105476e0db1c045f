// Answers about services: from what is kept beside an owner, and from the desk of whoever is the owner.

import { networkInterfaces } from "node:os";
import type { FoundService, OperationName, OutputOf, ReadInputOf, ServiceLine, ServiceView } from "../api.ts";
import { readId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import { type Problem, ProblemError } from "../base/problem.ts";
import { rfc3339 } from "../base/time.ts";
import type { EmbeddedEngine } from "../engine.ts";
import { kpisOf, WINDOWS } from "../monitor.ts";
import {
  checkDefinitionValue,
  checkHealth,
  type Discovered,
  discover,
  type Health,
  type Service,
  type ServiceDocument,
  type Standing,
  serviceOfDocument,
  servicesProblems,
} from "../services.ts";
import type { KeptService, Reading, Store } from "../store.ts";
import { readKept, stateIn } from "./kept-service.ts";
import { lookAt } from "./outside.ts";
import type { ServiceDesk } from "./service-desk.ts";

type Handler<N extends OperationName> = (input: ReadInputOf<N>) => Promise<OutputOf<N>>;
type Handlers<N extends OperationName> = { readonly [K in N]: Handler<K> };

export type ServiceReadName = "services.list" | "services.show" | "stats.show";
export type ServiceLookName = "services.list" | "services.show";
export type ServiceSteerName = "services.add" | "services.remove" | "services.discover" | "services.check" | "services.rate";

export function serviceReadHandlers(store: Store, now: () => number): Handlers<ServiceReadName> {
  return {
    "services.list": async ({ capability }) => ({
      services: store
        .services()
        .map((kept) => keptLine(kept))
        .filter((line) => capability === undefined || line.capabilities.includes(capability)),
    }),
    "services.show": async ({ id }) => {
      const kept = requireKept(store, id);
      const service = readKept(kept);
      if ("problem" in service) throw new ProblemError(service.problem);
      return viewOf(service, stateIn(kept.stateText) as KeptState, kept, store);
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

function requireKept(store: Store, id: string): KeptService {
  const found = store.services().find((one) => one.id === id);
  if (found === undefined) throw servicesProblems.SERVICE_UNKNOWN(`There is no service "${id.slice(0, 80)}".`);
  return found;
}

interface KeptState {
  readonly health?: Health;
  readonly models?: readonly string[] | null;
  readonly circuit?: ServiceLine["circuit"];
}

function keptLine(kept: KeptService): ServiceLine {
  const service = readKept(kept);
  return "problem" in service ? brokenLine(kept.id, service.problem) : lineOf(service, stateIn(kept.stateText) as KeptState);
}

/** One that an older version kept, and this one cannot read. */
function brokenLine(id: string, { detail }: Problem): ServiceLine {
  return {
    ...{ id, title: id, category: "other", kind: "http", version: "?", unproven: false, isLocal: false, capabilities: [] },
    ...{ operations: 0, health: "unhealthy", because: detail, circuit: "closed", priority: 0 },
  };
}

function lineOf(service: Service, { health = { kind: "unknown" }, circuit = "closed" }: KeptState): ServiceLine {
  const { id, title, category, kind, version, baseUrl, uses, judge, isLocal, operations, priority } = service;
  const capabilities = [...new Set([...operations.values()].flatMap((one) => one.capabilities))].toSorted();
  return {
    ...{ id, title, category, kind, version },
    ...(baseUrl === null ? {} : { baseUrl }),
    ...(uses === null ? {} : { uses }),
    ...(judge === null ? {} : { proven: judge }),
    ...{ unproven: uses !== null && judge === null, isLocal, capabilities, operations: operations.size },
    health: health.kind,
    ...(health.kind === "unknown" ? {} : { healthAt: rfc3339(health.at) }),
    ...(health.kind === "unhealthy" ? { because: health.because } : {}),
    ...{ circuit, priority },
  };
}

const CHANGES_SHOWN_MAX = 20;

function viewOf(
  service: Service,
  state: KeptState,
  { source, addedAt }: Pick<KeptService, "source" | "addedAt">,
  store: Store,
): ServiceView {
  const line = lineOf(service, state);
  const { description, config, configuration, authentication, limits } = service;
  return {
    ...line,
    ...(description === null ? {} : { description }),
    ...(source === null ? {} : { source }),
    addedAt: rfc3339(addedAt),
    ...{ config, configuration, authentication, limits },
    ...(state.models == null ? {} : { models: [...state.models] }),
    operationList: [...service.operations.values()].map((one) => ({
      name: one.name,
      ...(one.title === null ? {} : { title: one.title }),
      ...(one.description === null ? {} : { description: one.description }),
      ...{ capabilities: [...one.capabilities], effects: one.effects, idempotent: one.isIdempotent, ui: one.ui },
      ...{ input: one.input?.jsonSchema ?? null, output: one.output?.jsonSchema ?? null },
    })),
    circuitHistory: store.circuitReadings(service.id, CHANGES_SHOWN_MAX).map(({ at, text }) => {
      const { to, because } = JSON.parse(text) as { to: string; because: string };
      return { at: rfc3339(at), to, because };
    }),
  };
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
  const stateOf = ({ health, models, breaker }: Standing): KeptState => ({ health, models, circuit: breaker.state(now()).kind });
  return {
    "services.list": async ({ capability }) => ({
      services: [
        ...desk.standings().map((standing) => lineOf(standing.service, stateOf(standing))),
        ...[...owner.broken].map(([id, problem]) => brokenLine(id, problem)),
      ]
        .filter((line) => capability === undefined || line.capabilities.includes(capability))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    }),
    "services.show": async ({ id }) => {
      const broken = owner.broken.get(id);
      if (broken !== undefined) throw new ProblemError(broken);
      const standing = desk.standing(id);
      const { source, addedAt = now() } = store.services().find((one) => one.id === id) ?? { source: null };
      return viewOf(standing.service, stateOf(standing), { source, addedAt }, store);
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
    "services.remove": async ({ id }) => {
      requireKept(store, id);
      await engine.keep([
        { kind: "service-gone", id },
        { kind: "audit", at: now(), what: "service-removed", text: JSON.stringify({ id }) },
      ]);
      owner.reload();
      return { id };
    },
    "services.discover": async ({ hosts, add: adds }) => {
      const places = ["127.0.0.1", ...hosts.filter((host) => !isThisMachine(host))];
      const found = await discover(places, { ask: lookAt });
      const lines: FoundService[] = [];
      for (const one of found) lines.push(await foundLine(one, adds ? add : null, store));
      return { found: lines, looked: places };
    },
    "services.check": async ({ id }) => {
      const standings = id === undefined ? desk.standings() : [desk.standing(id)];
      const options = { desk, ...owner.healthOptions };
      const lines = await Promise.all(
        standings.map(async (standing) => {
          const health = await checkHealth(standing, options);
          return lineOf(standing.service, { health, circuit: standing.breaker.state(now()).kind });
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
  { entry, title, baseUrl, document }: Discovered,
  add: ((document: ServiceDocument, source: string) => Promise<Service>) | null,
  store: Store,
): Promise<FoundService> {
  const kept = store.services();
  const known = kept.find((one) => {
    const service = readKept(one);
    return !("problem" in service) && service.baseUrl === baseUrl;
  });
  if (known !== undefined) return { entry, title, baseUrl, id: known.id, state: "known" };
  const id = freeName(document.service, new Set(kept.map((one) => one.id)));
  if (add !== null) await add({ ...document, service: id }, baseUrl);
  return { entry, title, baseUrl, id, state: add === null ? "new" : "added" };
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
