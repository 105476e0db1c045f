// Making definitions of what is there: OpenAPI documents and MCP servers. Definitions that people wrote are read by
// definition.ts.
//
//  1. Every operation of the source is one of the definition, under a name of its own.
//  2. Its schemas stand by themselves: nothing in them refers to the source.
//  3. A schema that nobody can read makes its operation unchecked; it hinders nothing else.

import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { type JsonSchema, readServiceSchema } from "../workflow.ts";
import type { ServiceDocument } from "./definition.ts";
import { ownSecretName, SERVICE_NAME } from "./definition-shape.ts";
import type { McpDescription, McpTool } from "./mcp.ts";
import { operationsOf } from "./openapi.ts";
import { bodyKindOf, isObject, type JsonObject, pickMediaType } from "./parameters.ts";
import { servicesProblems, shown } from "./problems.ts";
import type { Authentication } from "./service.ts";

/** Operations of one source: protects whoever must choose among them, and the journal of who keeps them. */
const OPERATIONS_MAX = 2_000;

/** Characters of a title and of a description: others are cut. */
const TITLE_LENGTH_MAX = 200;
const DESCRIPTION_LENGTH_MAX = 2_000;

const NAME_LENGTH_MAX = 128;

/** Whether what was read describes an HTTP API. */
export function isOpenApi(value: Json): boolean {
  return isObject(value) && ("openapi" in value || "swagger" in value) && !("service" in value);
}

export interface OpenApiImport {
  readonly document: Json;
  /** Where the document came from; what relative servers are relative to. */
  readonly url: string;
  readonly name?: string;
  readonly baseUrl?: string;
}

/** Throws OPENAPI_… and SERVICE_IMPORT_FAILED. */
export function definitionOfOpenApi({ document, url, name, baseUrl }: OpenApiImport): ServiceDocument {
  const found = operationsOf(document);
  const api = document as JsonObject;
  const info = isObject(api.info) ? api.info : {};
  const { title, description } = info;
  const base = baseUrl ?? serverOf(api, url);
  if (base === null)
    throw servicesProblems.SERVICE_IMPORT_FAILED(`${shown(url)} does not say where its service is.`, {
      fix: "Say it: --base-url URL.",
    });
  const here = found.filter((one) => baseUrl !== undefined || isServedAt(base, one, api, url));
  requireSome(here.length, shown(url));
  const names = operationNames(here.map(({ operationId }) => operationId));
  const references = referencesOf(found);
  const service = name ?? serviceName(typeof title === "string" ? title : "api");
  const authentication = authenticationOf(service, here, api);
  return {
    service,
    ...words({ title, description }),
    ...versionOf(info.version),
    ...(authentication === null ? {} : { authentication: authentication as unknown as JsonObject }),
    category: "api",
    baseUrl: base,
    openapi: { url, document },
    operations: Object.fromEntries(
      here.map((one, at) => [names[at] ?? "", { openapi: references.get(one) ?? "", ...operationOf(one, api) }]),
    ),
  };
}

/** `2` and `v2.1` are versions, too; one that is no number is left out. */
function versionOf(written: Json | undefined): { version?: string } {
  const [, major, minor = "0", patch = "0"] = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?$/i.exec(String(written ?? "").trim()) ?? [];
  return major === undefined ? {} : { version: [major, minor, patch].map(Number).join(".") };
}

// Who calls.

/**
 * What the document wants of every call; where it wants it of some operations only, it may be left out. Of several ways the
 * first that one secret is enough for; null where there is none.
 */
function authenticationOf(service: string, found: readonly Found[], api: JsonObject): Authentication | null {
  const lists = found.map((one) => rawOperation(one, api).operation.security ?? api.security).map(requirementsIn);
  const ways = lists.flat().map((names) => wayOf(service, names, api));
  const way = ways.find((one) => one !== null) ?? null;
  const isAlways = lists.every((list) => list.length > 0 && list.every((names) => names.length > 0));
  return way === null || isAlways ? way : { ...way, isOptional: true };
}

/** The schemes of each way; a way without any needs nobody to say who calls. */
function requirementsIn(security: Json | undefined): string[][] {
  return Array.isArray(security) ? (security as readonly Json[]).filter(isObject).map((one) => Object.keys(one)) : [];
}

function wayOf(service: string, [name, second]: readonly string[], api: JsonObject): Authentication | null {
  if (name === undefined || second !== undefined) return null;
  const named = api.swagger === undefined ? resolved(api.components, api).securitySchemes : api.securityDefinitions;
  const { type, scheme, in: place, name: field } = resolved(isObject(named) ? named[name] : undefined, api);
  if (type === "apiKey" && typeof field === "string" && (place === "header" || place === "query"))
    return { kind: place, name: field, secret: ownSecretName(service, "API_KEY") };
  const how = typeof scheme === "string" ? scheme.toLowerCase() : type;
  if (how === "basic") return { kind: "basic", secret: ownSecretName(service, "LOGIN") };
  const isBearer = how === "bearer" || type === "oauth2" || type === "openIdConnect";
  return isBearer ? { kind: "bearer", secret: ownSecretName(service, "TOKEN") } : null;
}

function requireSome(count: number, source: string): void {
  if (count === 0) throw servicesProblems.SERVICE_IMPORT_FAILED(`${source} describes no operation.`);
  if (count <= OPERATIONS_MAX) return;
  throw servicesProblems.SERVICE_IMPORT_FAILED(`${source} describes ${count} operations; the limit is ${OPERATIONS_MAX}.`, {
    fix: "Take the part of it that is needed.",
  });
}

/** Title and description, where they are texts. */
function words({ title, description }: { title?: Json | undefined; description?: Json | undefined }): JsonObject {
  return {
    ...(typeof title === "string" && title !== "" ? { title: title.slice(0, TITLE_LENGTH_MAX).toWellFormed() } : {}),
    ...(typeof description === "string" && description !== ""
      ? { description: description.slice(0, DESCRIPTION_LENGTH_MAX).toWellFormed() }
      : {}),
  };
}

/** A name of a service from a title. */
export function serviceName(title: string): string {
  const name = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return SERVICE_NAME.test(name) ? name : "service";
}

// Names.

/** A name for each, all different (1): those that are names already keep them. */
function operationNames(written: readonly string[]): string[] {
  const taken = new Set<string>();
  const named: (string | null)[] = written.map((one) => {
    if (nameOf(one) !== one || taken.has(one)) return null;
    taken.add(one);
    return one;
  });
  return named.map((name, at) => name ?? freeName(nameOf(written[at] ?? ""), taken));
}

function freeName(name: string, taken: Set<string>): string {
  for (let count = 1; ; count++) {
    const end = count === 1 ? "" : `_${count}`;
    const candidate = name.slice(0, NAME_LENGTH_MAX - end.length) + end;
    if (taken.has(candidate)) continue;
    taken.add(candidate);
    return candidate;
  }
}

function nameOf(written: string): string {
  const name = written.replace(/[^\w.:-]+/g, "_").replace(/^[^A-Za-z0-9_]+|_+$/g, "");
  return name === "" ? "operation" : name.slice(0, NAME_LENGTH_MAX);
}

// Operations of OpenAPI.

type Found = ReturnType<typeof operationsOf>[number];

/** What each is called by in its document: an id that two have names neither, method and path do. */
function referencesOf(found: readonly Found[]): ReadonlyMap<Found, string> {
  const counts = new Map<string, number>();
  for (const { operationId } of found) counts.set(operationId, (counts.get(operationId) ?? 0) + 1);
  const reference = (one: Found): string => (counts.get(one.operationId) === 1 ? one.operationId : `${one.method} ${one.path}`);
  return new Map(found.map((one) => [one, reference(one)]));
}

const READS = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Its input as one object: parameters by name, and the fields of the body or the body as `body`. */
function operationOf(found: Found, api: JsonObject): JsonObject {
  const { method, path, summary = null, parameters } = found;
  const { operation } = rawOperation(found, api);
  const schemas = new SchemaCopy(api, "input");
  const properties: Record<string, Json> = {};
  for (const { name, schema } of parameters) properties[name] = schemas.copy(schema);
  const needed = parameters.filter((one) => one.required).map(({ name }) => name);
  const body = bodyOf(found, operation, api, schemas, properties);
  const input = {
    type: "object",
    properties: { ...properties, ...body.fields },
    required: [...new Set([...needed, ...body.needed])],
    ...schemas.definitions(),
  };
  const answer = answerOf(operation, api);
  return {
    ...words({ title: summary, description: operation.description }),
    effects: READS.has(method) ? "read" : method === "DELETE" ? "destructive" : "write",
    ...(["PUT", "DELETE"].includes(method) ? { idempotent: true } : {}),
    input: readable(input, `The input of ${method} ${path}`) ?? { type: "object" },
    ...(answer === null ? {} : { output: answer }),
  };
}

function rawOperation({ method, path }: Found, api: JsonObject): { readonly item: JsonObject; readonly operation: JsonObject } {
  const item = resolved(isObject(api.paths) ? api.paths[path] : undefined, api);
  return { item, operation: isObject(item[method.toLowerCase()]) ? (item[method.toLowerCase()] as JsonObject) : {} };
}

interface BodyFields {
  readonly fields: JsonObject;
  readonly needed: readonly string[];
}

/** A body is spread only where the call will put it together again, and no name means two things. */
function bodyOf(found: Found, operation: JsonObject, api: JsonObject, schemas: SchemaCopy, taken: JsonObject): BodyFields {
  if (found.body === undefined) return { fields: {}, needed: [] };
  const { isRequired, spreads } = sendingOf(operation, api);
  const schema = schemas.copy(found.body);
  const flat = spreads ? flattened(schema) : null;
  const isFlat = flat !== null && !Object.keys(flat.properties).some((name) => name === "body" || Object.hasOwn(taken, name));
  if (!isFlat) return { fields: { body: schema }, needed: isRequired ? ["body"] : [] };
  return { fields: flat.properties, needed: isRequired ? flat.required : [] };
}

function sendingOf(operation: JsonObject, api: JsonObject): { readonly isRequired: boolean; readonly spreads: boolean } {
  if (api.swagger !== undefined) {
    const list = Array.isArray(operation.parameters) ? (operation.parameters as readonly Json[]) : [];
    const body = list.map((one) => resolved(one, api)).find((one) => one.in === "body");
    return { isRequired: body === undefined || body.required === true, spreads: body === undefined };
  }
  const { required, content } = resolved(operation.requestBody, api);
  const mediaType = isObject(content) ? pickMediaType(Object.keys(content)) : null;
  return { isRequired: required === true, spreads: mediaType !== null && bodyKindOf(mediaType) !== "text" };
}

/** Keywords of a schema whose properties may stand beside others. */
const FLAT = new Set(["type", "properties", "required", "allOf", "title", "description", "additionalProperties", "default"]);

/** The properties of an object, those of its parts too; null where it is more than its properties. */
function flattened(schema: Json): { readonly properties: JsonObject; readonly required: readonly string[] } | null {
  if (!isObject(schema) || Object.keys(schema).some((key) => !FLAT.has(key))) return null;
  const { type, properties, allOf = [], required = [] } = schema;
  if ((type !== undefined && type !== "object") || (properties === undefined && schema.allOf === undefined)) return null;
  const parts = (allOf as readonly Json[]).map(flattened);
  if (parts.some((part) => part === null)) return null;
  const all = parts.filter((part) => part !== null);
  return {
    properties: Object.assign({}, ...all.map((part) => part.properties), properties ?? {}) as JsonObject,
    required: [...all.flatMap((part) => part.required), ...(required as readonly string[])],
  };
}

/** The schema of what the operation gives when all is well; null where one of its answers has none, or is no JSON. */
function answerOf(operation: JsonObject, api: JsonObject): JsonSchema | boolean | null {
  const responses = isObject(operation.responses) ? operation.responses : {};
  const well = Object.entries(responses).filter(([status]) => /^2(\d\d|XX)$/i.test(status));
  const withBody = well.filter(([status]) => !WITHOUT_BODY.has(status));
  const said = withBody.map(([, response]) => answerSchema(resolved(response, api), operation, api));
  if (said.length === 0 || said.includes(undefined)) return null;
  const schemas = new SchemaCopy(api, "output");
  const copies = said.map((one) => schemas.copy(one ?? true));
  if (withBody.length < well.length) copies.push({ type: "null" });
  const [only] = copies;
  const whole = copies.length === 1 && only !== undefined ? only : { anyOf: copies };
  const definitions = schemas.definitions();
  return readable(isObject(whole) ? { ...whole, ...definitions } : whole, "An answer");
}

/** Statuses whose answers have no body, whatever is said of it. Source: RFC 9110 §15.3.5, §15.3.6. */
const WITHOUT_BODY = new Set(["204", "205"]);

/** Undefined where nobody says it: an answer that is not described may be anything. */
function answerSchema(response: JsonObject, operation: JsonObject, api: JsonObject): Json | undefined {
  if (api.swagger !== undefined) {
    const produces = [operation.produces, api.produces].find((list) => Array.isArray(list)) as readonly string[] | undefined;
    const isJson = produces === undefined || produces.length === 0 || produces.some((type) => isJsonType(type));
    return isJson ? response.schema : undefined;
  }
  if (!isObject(response.content)) return undefined;
  const found = Object.entries(response.content).find(([type]) => isJsonType(type));
  return found === undefined ? undefined : resolved(found[1], api).schema;
}

function isJsonType(type: string): boolean {
  return /[/+]json\b/i.test(String(type));
}

/** The same schema where it can be read (3); without its patterns where these cannot. */
function readable(schema: Json, what: string): JsonSchema | boolean | null {
  for (const candidate of [schema, withoutPatterns(schema)]) {
    if (typeof candidate !== "boolean" && !isObject(candidate)) continue;
    try {
      readServiceSchema(candidate, what);
      return candidate;
    } catch (error) {
      if (!isProblemError(error)) throw error;
    }
  }
  return null;
}

function withoutPatterns(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema, (key, value: Json) => (isPattern(key, value) ? undefined : value))) as Json;
}

function isPattern(key: string, value: Json): boolean {
  return (key === "pattern" && typeof value === "string") || key === "patternProperties";
}

// Schemas that stand by themselves.

const SCHEMA_OF = new Set([
  ...["not", "if", "then", "else", "contains", "propertyNames", "additionalProperties", "unevaluatedProperties"],
  ...["unevaluatedItems", "additionalItems", "contentSchema"],
]);
const SCHEMAS_OF = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
const NAMED_SCHEMAS_OF = new Set(["properties", "patternProperties", "dependentSchemas"]);

/** What OpenAPI adds to JSON Schema, and what names a schema for others. */
const LEFT_OUT = new Set([
  ...["$ref", "$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$defs", "definitions", "$comment"],
  ...["nullable", "example", "examples", "xml", "discriminator", "externalDocs", "deprecated"],
]);

/** Words about a schema, which may stand beside a reference to it. */
const ANNOTATIONS = new Set(["title", "description", "default", "readOnly", "writeOnly"]);

/** References that are spelled out within one another, and values of one copy: beyond, references stay. */
const SPELLED_DEPTH_MAX = 8;
const VALUES_MAX = 3_000;

/** As many open references as there may be: none further is spelled out. */
const NOT_SPELLED: readonly string[] = Array.from({ length: SPELLED_DEPTH_MAX }, () => "");

/** Schemas that one copy may refer to: beyond, anything goes. */
const DEFINITIONS_MAX = 500;

/** Copies schemas of a document: references are spelled out, so that forms see fields; those that go in a ring stay references. */
class SchemaCopy {
  readonly #document: JsonObject;
  readonly #side: "input" | "output";
  readonly #names = new Map<string, string>();
  readonly #definitions: Record<string, Json> = {};
  #values = 0;

  constructor(document: JsonObject, side: "input" | "output") {
    this.#document = document;
    this.#side = side;
  }

  copy(schema: Json): Json {
    return this.#schema(schema, []);
  }

  /** What the copies refer to. */
  definitions(): JsonObject {
    return this.#names.size === 0 ? {} : { $defs: this.#definitions };
  }

  /** `open`: the references that are being spelled out. */
  #schema(written: Json, open: readonly string[]): Json {
    if (typeof written === "boolean") return written;
    if (!isObject(written)) return {};
    this.#values++;
    if (typeof written.$ref === "string") return this.#referred(written, written.$ref, open);
    if (written.type === "file" || (this.#side === "input" && written.format === "binary")) return annotationsOf(written);
    const made: Record<string, Json> = {};
    for (const [key, value] of Object.entries(written)) if (isKeyword(key)) made[key] = this.#keyword(key, value, open);
    if (Array.isArray(made.required)) made.required = this.#needed(made.required as readonly Json[], written.properties);
    return withNull(inNewForm(made), written.nullable === true);
  }

  #keyword(key: string, value: Json, open: readonly string[]): Json {
    if (key === "items" || SCHEMAS_OF.has(key))
      return Array.isArray(value) ? (value as readonly Json[]).map((one) => this.#schema(one, open)) : this.#schema(value, open);
    if (SCHEMA_OF.has(key)) return this.#schema(value, open);
    if (!NAMED_SCHEMAS_OF.has(key) || !isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.#schema(one, open)]));
  }

  #referred(written: JsonObject, ref: string, open: readonly string[]): Json {
    const target = referred(ref, this.#document);
    if (target === undefined) return annotationsOf(written);
    const isSpelled = !open.includes(ref) && open.length < SPELLED_DEPTH_MAX && this.#values < VALUES_MAX;
    const made = isSpelled ? this.#schema(target, [...open, ref]) : this.#definition(ref, target);
    const beside = Object.entries(written).filter(([key]) => isKeyword(key) && !ANNOTATIONS.has(key));
    const narrowed = beside.length === 0 ? made : { allOf: [made, this.#schema(Object.fromEntries(beside), open)] };
    return withNull(isObject(narrowed) ? { ...narrowed, ...annotationsOf(written) } : narrowed, written.nullable === true);
  }

  #definition(ref: string, target: Json): Json {
    const known = this.#names.get(ref);
    if (known !== undefined) return { $ref: `#/$defs/${known}` };
    if (this.#names.size >= DEFINITIONS_MAX) return {};
    const name = `${nameOf(ref.split("/").at(-1) ?? "").replace(/\W/g, "_")}_${this.#names.size + 1}`;
    this.#names.set(ref, name);
    this.#definitions[name] = this.#schema(target, NOT_SPELLED);
    return { $ref: `#/$defs/${name}` };
  }

  /** What only the other side has is not needed on this one. */
  #needed(required: readonly Json[], properties: Json | undefined): Json {
    const others = this.#side === "input" ? "readOnly" : "writeOnly";
    const isOthers = (name: string): boolean => {
      const property = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
      return isObject(property) && (property[others] === true || resolved(property, this.#document)[others] === true);
    };
    return required.filter((name) => typeof name === "string" && !isOthers(name));
  }
}

function isKeyword(key: string): boolean {
  return !LEFT_OUT.has(key) && !key.startsWith("x-");
}

function annotationsOf(written: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(written).filter(([key]) => ANNOTATIONS.has(key)));
}

function withNull(schema: Json, mayBeNull: boolean): Json {
  if (!mayBeNull || !isObject(schema)) return schema;
  const { type, enum: values, ...rest } = schema;
  if (typeof type !== "string" || "allOf" in rest || "anyOf" in rest || "oneOf" in rest)
    return { anyOf: [schema, { type: "null" }] };
  const known = Array.isArray(values) ? { enum: [...new Set<Json>([...(values as readonly Json[]), null])] } : {};
  return { type: [type, "null"], ...known, ...rest };
}

/** Bounds that are no bounds are written as a switch beside the bound until draft 4. */
function inNewForm({ exclusiveMinimum, exclusiveMaximum, minimum, maximum, ...rest }: JsonObject): JsonObject {
  return {
    ...rest,
    ...boundOf("minimum", "exclusiveMinimum", minimum, exclusiveMinimum),
    ...boundOf("maximum", "exclusiveMaximum", maximum, exclusiveMaximum),
  };
}

function boundOf(name: string, exclusiveName: string, bound: Json | undefined, exclusive: Json | undefined): JsonObject {
  if (exclusive === true && bound !== undefined) return { [exclusiveName]: bound };
  return {
    ...(bound === undefined ? {} : { [name]: bound }),
    ...(typeof exclusive === "number" ? { [exclusiveName]: exclusive } : {}),
  };
}

/** References that may lead to one another. */
const HOPS_MAX = 32;

/** An object, or what its reference leads to; empty where that is no object. */
function resolved(value: Json | undefined, document: JsonObject): JsonObject {
  let found = value;
  for (let hops = 0; isObject(found) && typeof found.$ref === "string"; hops++) {
    if (hops === HOPS_MAX) return {};
    found = referred(found.$ref, document);
  }
  return isObject(found) ? found : {};
}

function referred(ref: string, document: JsonObject): Json | undefined {
  if (ref === "#") return document;
  if (!ref.startsWith("#/")) return undefined;
  let found: Json | undefined = document;
  for (const part of ref.slice(2).split("/")) {
    const name = decoded(part).replaceAll("~1", "/").replaceAll("~0", "~");
    const holder: Json = found ?? null;
    found =
      typeof holder === "object" && holder !== null && Object.hasOwn(holder, name) ? (holder as JsonObject)[name] : undefined;
  }
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// Where it is.

function serverOf(api: JsonObject, url: string): string | null {
  if (api.swagger !== undefined) return swaggerServer(api, url);
  return serverIn(Array.isArray(api.servers) && api.servers.length > 0 ? api.servers : [{ url: "/" }], url);
}

function swaggerServer({ host, basePath, schemes }: JsonObject, url: string): string | null {
  const from = fromUrl(url);
  const said = Array.isArray(schemes) ? (schemes as readonly Json[]).map(String) : [];
  const scheme = ["https", "http"].find((one) => said.includes(one)) ?? from?.protocol.slice(0, -1) ?? "https";
  const place = typeof host === "string" ? host : from?.host;
  if (place === undefined || /[/\\?#@\s]/.test(place)) return null;
  return trimmed(`${scheme}://${place}/${typeof basePath === "string" ? basePath.replace(/^\/+/, "") : ""}`);
}

/** The first that is spoken to by HTTP and says all of itself. */
function serverIn(servers: Json | undefined, url: string): string | null {
  const list = Array.isArray(servers) ? (servers as readonly Json[]) : [];
  return list.map((server) => (isObject(server) ? serverUrl(server, url) : null)).find((one) => one !== null) ?? null;
}

function serverUrl({ url: written, variables }: JsonObject, from: string): string | null {
  if (typeof written !== "string") return null;
  let isWhole = true;
  const filled = written.replace(/\{([^{}]*)\}/g, (_, name: string) => {
    const variable = isObject(variables) && Object.hasOwn(variables, name) ? variables[name] : undefined;
    const value = isObject(variable) ? variable.default : undefined;
    if (typeof value === "string" || typeof value === "number") return String(value);
    isWhole = false;
    return "";
  });
  const made = isWhole ? URL.parse(filled, fromUrl(from)?.href) : null;
  return made === null || !/^https?:$/.test(made.protocol) ? null : trimmed(made.href);
}

/** Of a document from a file nothing is relative. */
function fromUrl(url: string): URL | null {
  return /^https?:\/\//i.test(url) ? URL.parse(url) : null;
}

function trimmed(url: string): string | null {
  return URL.parse(url)?.href.replace(/\/+$/, "") ?? null;
}

/** An operation that is somewhere else cannot be one of this service. */
function isServedAt(base: string, found: Found, api: JsonObject, url: string): boolean {
  const { item, operation } = rawOperation(found, api);
  const own = [operation.servers, item.servers].find((list) => Array.isArray(list) && list.length > 0);
  return own === undefined || serverIn(own, url) === base;
}

// MCP.

export interface McpImport {
  readonly name: string;
  readonly server: Json;
  readonly described: McpDescription;
}

/** Throws SERVICE_IMPORT_FAILED. */
export function definitionOfMcp({ name, server, described }: McpImport): ServiceDocument {
  const { title, version, description, tools } = described;
  requireSome(tools.length, `The MCP server of ${name}`);
  const names = operationNames(tools.map((tool) => tool.name));
  return {
    service: name,
    ...words({ title, description }),
    ...(version !== null && /^\d+\.\d+\.\d+$/.test(version) ? { version } : {}),
    category: "tools",
    mcp: server,
    operations: Object.fromEntries(tools.map((tool, at) => [names[at] ?? "", toolOperation(tool)])),
  };
}

function toolOperation({ name, title, description, inputSchema, outputSchema, annotations = {} }: McpTool): JsonObject {
  const { readOnlyHint = false, destructiveHint, idempotentHint } = annotations;
  const effects = readOnlyHint ? "read" : destructiveHint === true ? "destructive" : "write";
  const output = outputSchema === undefined ? null : readable(outputSchema as Json, `The output of ${name}`);
  return {
    ...words({ title: title ?? annotations.title, description }),
    tool: name,
    effects,
    ...(readOnlyHint || idempotentHint === true ? { idempotent: true } : {}),
    input: readable(inputSchema as Json, `The input of ${name}`) ?? { type: "object" },
    ...(output === null ? {} : { output }),
  };
}
