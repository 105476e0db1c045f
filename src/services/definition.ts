// Definitions read: what people wrote becomes a service that can be called.

import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import {
  type Diagnostic,
  type JsonSchema,
  readSchema,
  readServiceSchema,
  readSource,
  type Schema,
  type Source,
} from "../workflow.ts";
import { authored } from "./attempt.ts";
import { CAPABILITIES } from "./capabilities.ts";
import { CATALOGUE } from "./catalogue.ts";
import type { CatalogueEntry } from "./catalogue-entry.ts";
import { checkDefinition, mistakeInCode, mistakeInUrl, ownSecretName, SERVICE_NAME } from "./definition-shape.ts";
import { actOf, METHODS } from "./http-operation.ts";
import { planOperation } from "./openapi.ts";
import { answeringJson, keptWithin } from "./own-act.ts";
import { servicesProblems, shown } from "./problems.ts";
import {
  type Act,
  type Authentication,
  LIMITS,
  type McpServer,
  type Operation,
  type OperationDefinition,
  PRIORITY,
  type Service,
  type ServiceDefinition,
} from "./service.ts";

type Members = Readonly<Record<string, Json>>;

/** Marks a service across copies of Baton: a file may have found its own. */
const MARK = Symbol.for("batonflow.service");

/** A service written in TypeScript, for `baton run --with FILE` or `openBaton({ services })`. Throws SERVICE_DEFINITION_INVALID. */
export function service(definition: ServiceDefinition): ServiceDefinition {
  const mistake = mistakeInCode(definition);
  if (mistake !== null) throw invalid(`A service is defined wrongly: ${mistake.words.replace(/\.$/, "")}`, mistake.fix);
  serviceOf(definition, null);
  return Object.defineProperty({ ...definition }, MARK, { value: true });
}

export function isService(value: unknown): value is ServiceDefinition {
  return typeof value === "object" && value !== null && MARK in value;
}

/** A definition as a document: what is kept of services that were added. */
export type ServiceDocument = Members & { readonly service: string };

export interface ReadDefinition {
  readonly diagnostics: readonly Diagnostic[];
  /** Null where it is wrong. */
  readonly document: ServiceDocument | null;
}

/** Whether a document that was read is meant as a service: one of a workflow has `document`. */
export function isServiceDocument(value: Json): boolean {
  return typeof value === "object" && value !== null && "service" in value && !("document" in value);
}

/** Reads YAML or JSON and says everything that is wrong with it. */
export function readDefinition(text: string | Uint8Array, file: string): ReadDefinition {
  const source = readSource(text, file);
  if (!("value" in source)) return { diagnostics: source.diagnostics, document: null };
  return checkedDefinition(source);
}

/** The same of one that came as a value and has no text: places are of its whole. */
export function checkDefinitionValue(value: Json): ReadDefinition {
  const whole = { file: "definition", line: 1, column: 1, endLine: 1, endColumn: 2 };
  return checkedDefinition({ value, places: { at: () => whole, key: () => whole, inside: () => whole } });
}

export function checkedDefinition(source: Source): ReadDefinition {
  const diagnostics = checkDefinition(source);
  const isWrong = diagnostics.some(({ severity }) => severity === "error");
  return { diagnostics, document: isWrong ? null : (source.value as ServiceDocument) };
}

/** The service of a definition that was checked. Throws SERVICE_DEFINITION_INVALID. */
export function serviceOfDocument(document: ServiceDocument): Service {
  const { operations = {}, mcp = null, openapi, ...rest } = document as Members;
  const api = openapi === undefined ? null : placedLater((openapi as Members).document as Members);
  const written = Object.entries(operations as Members).map(([name, one]) => {
    const members = one as Members;
    return [name, { ...(members as object), act: actOfDocument(name, members, api) } as OperationDefinition] as const;
  });
  const definition = { ...(rest as object), operations: Object.fromEntries(written) } as unknown as ServiceDefinition;
  return serviceOf(definition, mcp as McpServer | null);
}

/** MCP's operations are called by whoever holds the connection. */
function actOfDocument(name: string, written: Members, api: (() => Json) | null): Act | undefined {
  const { openapi, tool } = written;
  if (typeof tool === "string") return (input, outside) => callTool(tool, input, outside);
  if (typeof openapi === "string" && api !== null) return openApiAct(api, openapi);
  const isHttp = written.http !== undefined || METHODS.some((method) => written[method] !== undefined);
  try {
    return isHttp ? actOf(written) : undefined;
  } catch (error) {
    if (isProblemError(error)) throw invalid(`The operation ${shown(name)}: ${error.problem.detail}`);
    throw error;
  }
}

function callTool(tool: string, input: Json, outside: Parameters<Act>[1]): Promise<Json> {
  if (outside.tool === undefined) throw servicesProblems.SERVICE_UNAVAILABLE("The MCP server is not connected.");
  return outside.tool(tool, input);
}

/** Where the base URL ends for planning: what comes after it is the path. */
const ANYWHERE = "http://service.invalid";

function openApiAct(api: () => Json, operationId: string): Act {
  return async (input, outside) => {
    const { method, url, headers, body } = planOperation(api(), ANYWHERE, operationId, input);
    const path = url.slice(ANYWHERE.length) || "/";
    const content =
      body === null ? {} : { body: /json/.test(headers["content-type"] ?? "json") ? (JSON.parse(body) as Json) : body };
    return (await outside.send({ method, path, headers, ...content })).body;
  };
}

/** Made once for all operations of the document, when the first of them is called. */
function placedLater(document: Members): () => Json {
  let placed: Json | null = null;
  return () => {
    placed ??= serverless(document);
    return placed;
  };
}

/** The same document as one whose server is chosen by the service's configuration. */
function serverless(document: Members): Json {
  const { servers: _, host: __, basePath: ___, schemes: ____, ...rest } = document;
  if (typeof document.swagger === "string") return { ...rest, host: "service.invalid", schemes: ["http"], basePath: "/" };
  const paths = Object.entries((document.paths ?? {}) as Members).map(([path, item]) => [path, withoutServers(item)]);
  return { ...rest, servers: [{ url: ANYWHERE }], paths: Object.fromEntries(paths) as Members };
}

function withoutServers(item: Json): Json {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
  const { servers: _, ...rest } = item as Members;
  return Object.fromEntries(
    Object.entries(rest).map(([key, one]) => {
      if (typeof one !== "object" || one === null || Array.isArray(one)) return [key, one];
      const { servers: __, ...operation } = one as Members;
      return [key, operation];
    }),
  );
}

function serviceOf(written: ServiceDefinition, mcp: McpServer | null): Service {
  const id = written.service;
  if (typeof id !== "string" || !SERVICE_NAME.test(id))
    throw invalid(`${typeof id === "string" ? shown(id) : String(id)} is no name of a service`);
  const entry = entryOf(written);
  const definition = entry === null ? written : merged(entry, written);
  const configuration = definition.configuration ?? null;
  const config = configOf(id, configuration, definition.config ?? {});
  const baseUrl = baseUrlOf(id, config.baseUrl ?? definition.baseUrl);
  const operations = Object.entries(definition.operations ?? {}).map(
    ([name, operation]) => [name, operationOf(id, name, operation, definition)] as const,
  );
  return {
    id,
    version: definition.version ?? "1.0.0",
    title: definition.title ?? id,
    description: definition.description ?? null,
    category: definition.category ?? "other",
    kind: mcp !== null ? "mcp" : baseUrl === null ? "function" : "http",
    judge: entry?.judge ?? null,
    uses: entry?.id ?? null,
    baseUrl,
    isLocal: definition.data === undefined ? isLocalUrl(baseUrl, mcp) : definition.data === "local",
    authentication: definition.authentication ?? null,
    health: definition.health ?? null,
    configuration,
    config,
    limits: { ...LIMITS, ...definition.limits },
    priority: definition.priority ?? PRIORITY,
    weight: definition.weight ?? 1,
    operations: new Map(operations),
    mcp,
  };
}

function entryOf({ uses }: ServiceDefinition): CatalogueEntry | null {
  if (uses === undefined) return null;
  const entry = CATALOGUE.get(uses);
  if (entry === undefined)
    throw invalid(`The catalogue has no ${shown(uses)}`, `There are: ${[...CATALOGUE.keys()].join(", ")}.`);
  return entry;
}

/** What is written goes before what the catalogue says; operations of both are there. */
function merged(entry: CatalogueEntry, written: ServiceDefinition): ServiceDefinition {
  const { id: _, judge: __, ports: ___, probe: ____, hasOwnKey = false, ...rest } = entry;
  const own = Object.entries(written.operations ?? {}).map(([name, operation]) => {
    const known = entry.operations?.[name];
    const { act = known?.act, ...more } = operation;
    return [name, { ...known, ...more, act }];
  });
  const operations = { ...entry.operations, ...(Object.fromEntries(own) as ServiceDefinition["operations"]) };
  const limits = { ...entry.limits, ...written.limits };
  const authentication = hasOwnKey ? { authentication: ownKeyOf(written.service) } : {};
  return { ...rest, ...authentication, ...written, operations, limits };
}

/** Named after the service, so that no key of one is sent to another; never what an entry of the catalogue names for itself. */
function ownKeyOf(service: string): Authentication {
  const usual = ownSecretName(service, "API_KEY");
  const isTaken = [...CATALOGUE.values()].some(({ authentication }) => authentication?.secret === usual);
  const secret = isTaken ? ownSecretName(`${service}-service`, "API_KEY") : usual;
  return { kind: "bearer", secret, isOptional: true };
}

function configOf(id: string, configuration: JsonSchema | null, config: Members): Members {
  if (configuration === null) return config;
  const checked = readServiceSchema<Members>(configuration, `The configuration of ${id}`).check(config);
  if (checked.ok) return checked.value;
  const words = checked.issues.map(({ at, message }) => `${at === "" ? "" : `${at}: `}${message}`).join("; ");
  throw invalid(`The config of ${id} does not fit: ${words}`);
}

function baseUrlOf(id: string, written: Json | undefined): string | null {
  if (written === undefined || written === null || written === "") return null;
  const mistake = typeof written === "string" ? mistakeInUrl(written) : "is no text";
  if (mistake !== null)
    throw invalid(`The base URL of ${id} ${mistake}`, "Write it like http://127.0.0.1:11434, without a query.");
  return new URL(String(written)).href.replace(/\/+$/, "");
}

const LOCAL_HOST =
  /^(localhost|.*\.localhost|.*\.local|127\.\d+\.\d+\.\d+|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+|\[::1\]|\[f[cd].*\]|\[fe80:.*\])$/i;

function isLocalUrl(baseUrl: string | null, mcp: McpServer | null): boolean {
  if (mcp !== null && "url" in mcp) return LOCAL_HOST.test(URL.parse(mcp.url)?.hostname ?? "");
  return baseUrl === null || LOCAL_HOST.test(new URL(baseUrl).hostname);
}

function operationOf(id: string, name: string, written: OperationDefinition, { limits }: ServiceDefinition): Operation {
  const { capability = [], act } = written;
  if (typeof act !== "function") throw invalid(`The operation ${id}/${name} does not say how it is called`);
  const capabilities = typeof capability === "string" ? [capability] : capability;
  const common = capabilities.map((one) => CAPABILITIES.get(one)).find((one) => one !== undefined);
  const { normalise } = common ?? {};
  const effects = written.effects ?? common?.effects ?? effectsOf(written);
  return {
    name,
    title: written.title ?? null,
    description: written.description ?? null,
    capabilities,
    effects,
    isIdempotent: written.idempotent ?? (common !== undefined || effects === "read"),
    idempotencyHeader: written.idempotencyHeader ?? null,
    input: schemaOf(written.input ?? common?.input, `The input of ${id}/${name}`),
    output: schemaOf(written.output ?? common?.output, `The output of ${id}/${name}`),
    cost: written.cost ?? {},
    isRemembered: written.remember ?? false,
    typicalLatencyMs: written.typicalLatencyMs ?? null,
    timeoutMs: written.timeoutMs ?? limits?.timeoutMs ?? LIMITS.timeoutMs,
    ui: written.ui ?? {},
    act: answeringJson(normalise === undefined ? act : (input, outside) => act(normalise(input), outside)),
  };
}

function effectsOf(written: OperationDefinition): Operation["effects"] {
  const { http, get, head } = written as { http?: { method?: string }; get?: string; head?: string };
  const isRead =
    get !== undefined || head !== undefined || /^(get|head)$/i.test(http?.method ?? (http === undefined ? "" : "get"));
  return isRead ? "read" : "write";
}

function schemaOf(written: OperationDefinition["input"], what: string): Schema | null {
  if (written === undefined) return null;
  if (typeof written === "boolean") return readServiceSchema(written, what);
  return "~standard" in written ? readSchema(written, what) : whenNeeded(written as JsonSchema, what);
}

/** Made when something is first held against it: most operations of a service with thousands are never called. */
function whenNeeded(written: JsonSchema, what: string): Schema {
  return { check: (value) => readServiceSchema(written, what).check(value), jsonSchema: written };
}

function invalid(sentence: string, fix?: string): Error {
  return servicesProblems.SERVICE_DEFINITION_INVALID(`${sentence}.`, fix === undefined ? {} : { fix });
}

/** A service that is written in TypeScript. Throws SERVICE_DEFINITION_INVALID. */
export function serviceOfCode(definition: ServiceDefinition): Service {
  return serviceOf(withOwnActs(definition), null);
}

function withOwnActs(definition: ServiceDefinition): ServiceDefinition {
  const kept = ([name, one]: [string, OperationDefinition]): [string, OperationDefinition] =>
    typeof one?.act === "function" ? [name, { ...one, act: authored(keptWithin(one.act)) }] : [name, one];
  const { operations } = definition;
  return operations === undefined
    ? definition
    : { ...definition, operations: Object.fromEntries(Object.entries(operations).map(kept)) };
}
