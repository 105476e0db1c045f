// Making definitions of what is there: OpenAPI documents and MCP servers. Definitions that people wrote are read by
// definition.ts.

import type { Json } from "../base/json.ts";
import type { ServiceDocument } from "./definition.ts";
import { SERVICE_NAME } from "./definition-shape.ts";
import { operationsOf } from "./openapi.ts";
import { servicesProblems, shown } from "./problems.ts";

type Members = Readonly<Record<string, Json>>;

/** Operations of one document that become operations of the service. */
const OPERATIONS_MAX = 2_000;

/** Whether what was read describes an HTTP API. */
export function isOpenApi(value: Json): boolean {
  return typeof value === "object" && value !== null && ("openapi" in value || "swagger" in value) && !("service" in value);
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
  const { info } = document as { info?: { title?: string; version?: string; description?: string } };
  const found = operationsOf(document).slice(0, OPERATIONS_MAX);
  if (found.length === 0) throw servicesProblems.SERVICE_IMPORT_FAILED(`${shown(url)} describes no operation.`);
  const operations = Object.fromEntries(found.map((one) => [nameOf(one.operationId), operationOf(one, document as Members)]));
  const base = baseUrl ?? serverOf(document as Members, url);
  if (base === null)
    throw servicesProblems.SERVICE_IMPORT_FAILED(`${shown(url)} does not say where its service is.`, {
      fix: "Say it: --base-url URL.",
    });
  return {
    service: name ?? serviceName(info?.title ?? "api"),
    ...(info?.title === undefined ? {} : { title: info.title }),
    ...(info?.description === undefined ? {} : { description: info.description.slice(0, 2_000) }),
    category: "api",
    baseUrl: base,
    openapi: { url, document },
    operations,
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

function nameOf(operationId: string): string {
  const name = operationId.replace(/[^\w.:-]+/g, "_").replace(/^[^A-Za-z0-9_]+|_+$/g, "");
  return name === "" ? "operation" : name.slice(0, 128);
}

type Found = ReturnType<typeof operationsOf>[number];

/** Its input as one object: parameters by name, and the fields of the body or the body as `body`. */
function operationOf({ operationId, method, path, summary, parameters, body: written }: Found, document: Members): Json {
  const whole = (schema: Json): Json => standing(schema, document);
  const properties: Record<string, Json> = {};
  for (const { name, schema } of parameters) properties[name] = whole(schema);
  const body = written === undefined ? undefined : whole(written);
  const answer = answerOf(at(document, ["paths", path, method.toLowerCase()]), document);
  const required = parameters.filter((one) => one.required).map(({ name }) => name);
  const { fields, needed } = fieldsOf(body, properties);
  return {
    ...(summary === undefined ? {} : { title: summary.slice(0, 200) }),
    openapi: operationId,
    effects: method === "GET" || method === "HEAD" ? "read" : method === "DELETE" ? "destructive" : "write",
    ...(["PUT", "DELETE"].includes(method) ? { idempotent: true } : {}),
    input: { type: "object", properties: { ...properties, ...fields }, required: [...required, ...needed] },
    ...(answer === undefined ? {} : { output: whole(answer) }),
  };
}

/** The schema of what the operation gives when all is well; undefined where it is no JSON. */
function answerOf(operation: Json | undefined, document: Members): Json | undefined {
  const responses = Object.entries(((operation ?? {}) as { responses?: Members }).responses ?? {});
  const well = responses.find(([status]) => /^2(\d\d|XX)$/i.test(status))?.[1];
  const { $ref } = (well ?? {}) as { $ref?: string };
  const { schema, content = {} } = ($ref === undefined ? (well ?? {}) : (referred($ref, document) ?? {})) as {
    schema?: Json;
    content?: Readonly<Record<string, { schema?: Json }>>;
  };
  return schema ?? Object.entries(content).find(([type]) => /json/.test(type))?.[1].schema;
}

function referred(ref: string, document: Members): Json | undefined {
  if (!ref.startsWith("#/")) return undefined;
  return at(
    document,
    ref
      .slice(2)
      .split("/")
      .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")),
  );
}

function at(value: Json, path: readonly string[]): Json | undefined {
  let found: Json | undefined = value;
  for (const part of path)
    found = typeof found === "object" && found !== null && Object.hasOwn(found, part) ? (found as Members)[part] : undefined;
  return found;
}

/** Levels of one schema, and values of it, references spelled out: beyond, anything goes. Protects against schemas without end. */
const SCHEMA_DEPTH_MAX = 12;
const SCHEMA_VALUES_MAX = 5_000;

/** A schema that stands by itself: what it refers to is in it. */
function standing(schema: Json, document: Members): Json {
  let values = 0;
  const walk = (one: Json, depth: number): Json => {
    if (typeof one !== "object" || one === null) return one;
    if (depth > SCHEMA_DEPTH_MAX || ++values > SCHEMA_VALUES_MAX) return {};
    if (Array.isArray(one)) return one.map((item: Json) => walk(item, depth + 1));
    const members = one as Members;
    if (typeof members.$ref === "string") return walk(referred(members.$ref, document) ?? {}, depth + 1);
    if (members.type === "file") return {};
    const { nullable, example: _, examples: __, xml: ___, discriminator: ____, ...rest } = members;
    const made = Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, walk(member, depth + 1)])) as Members;
    return nullable === true ? { anyOf: [made, { type: "null" }] } : made;
  };
  return walk(schema, 0);
}

function fieldsOf(body: Json | undefined, taken: Members): { fields: Members; needed: readonly string[] } {
  if (body === undefined) return { fields: {}, needed: [] };
  const { type, properties, required = [] } = body as { type?: string; properties?: Members; required?: readonly string[] };
  const isFlat = type === "object" && properties !== undefined && !Object.keys(properties).some((name) => name in taken);
  return isFlat ? { fields: properties, needed: required } : { fields: { body }, needed: [] };
}

function serverOf({ servers, host, basePath = "", schemes }: Members, url: string): string | null {
  if (typeof host === "string") {
    const scheme = Array.isArray(schemes) ? String(schemes[0] ?? "https") : "https";
    return `${scheme}://${host}${String(basePath)}`.replace(/\/+$/, "");
  }
  const [first] = Array.isArray(servers) ? (servers as readonly Json[]) : [];
  const { url: written = "/", variables = {} } = (first ?? {}) as {
    url?: string;
    variables?: Record<string, { default?: string }>;
  };
  const filled = written.replace(/\{([^}]+)\}/g, (_, name: string) => variables[name]?.default ?? "");
  const base = /^https?:\/\//.test(url) ? url : undefined;
  return URL.canParse(filled, base) ? new URL(filled, base).href.replace(/\/+$/, "") : null;
}

export interface McpImport {
  readonly name: string;
  readonly server: Json;
  readonly operations: Json;
}

export function definitionOfMcp({ name, server, operations }: McpImport): ServiceDocument {
  return { service: name, category: "tools", mcp: server, operations };
}
