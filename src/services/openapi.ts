// A call by an operation's name: from an OpenAPI document and parameters to a plain HTTP request. Owns reading the document,
// which comes from strangers, and saying what goes where; leaves fetching it, credentials (`securitySchemes` are passed
// over), whether the address may be called, and the call itself, to others. Pure.
//
// 1. Nothing but the document is read: a `$ref` is followed within it, once, and only so far.
// 2. What one operation says wrong hinders no call of another.
// 3. A value that is given goes somewhere, or is a problem; one that is null is not given.
// 4. The document sets no header that belongs to the connection or to credentials.

import type { Json } from "../base/json.ts";
import {
  bodyKindOf,
  type Field,
  isObject,
  type JsonObject,
  type Place,
  pickMediaType,
  readCollectionFormat,
  readStyle,
  type Writing,
  type WrittenBody,
  writeBody,
  writeInCookie,
  writeInHeader,
  writeInPath,
  writeInQuery,
} from "./parameters.ts";
import { nearest, servicesProblems, shown } from "./problems.ts";

export interface HttpRequestPlan {
  readonly method: string;
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface OperationParameter {
  readonly name: string;
  readonly in: Place;
  readonly required: boolean;
  readonly schema: Json;
}

export interface Operation {
  /** `GET /pets/{id}` where the document gives it none. */
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly summary?: string;
  readonly parameters: readonly OperationParameter[];
  /** The schema of the body that would be sent. */
  readonly body?: Json;
}

/** How many references may lead to one another. */
const REF_HOPS_MAX = 32;

/** Characters of one reference: protects what remembers them. */
const REF_LENGTH_MAX = 4_096;

/** Schemas that one `allOf` may put together: a tree of them doubles with every level. */
const ALL_OF_PARTS_MAX = 256;

/** Parameters of one operation. */
const PARAMETERS_MAX = 256;

/** Characters of an operation's path. */
const PATH_LENGTH_MAX = 4_096;

/** Types that a schema may name; those after them are not looked at. */
const TYPES_MAX = 16;

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

const WITHOUT_BODY = ["GET", "HEAD", "TRACE"];

/** Headers that no document and no parameter sets (4). */
const RESERVED_HEADERS = new Set([
  ...["accept", "content-type", "authorization", "proxy-authorization", "cookie", "host", "content-length", "connection"],
  ...["transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "expect"],
]);

const ANSWERS_LIKED = "application/json, */*;q=0.5";

// ── Planning ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The request that calls an operation. `parameters`: values by parameter name, one name in two places gives both the value;
 * the body under `body`, or the rest of the names as its properties.
 * Throws OPENAPI_… problems; `documentUrl` (where the document came from) completes server addresses that are relative.
 */
export function planOperation(document: Json, documentUrl: string, operationId: string, parameters: Json): HttpRequestPlan {
  const api = readApi(document);
  const call = readCall(api, findOperation(api, operationId));
  const given = readGiven(parameters);
  const values = parameterValues(api, call, given);
  const bodyValue = readBodyValue(api, call, given);
  const body = bodyValue === null || call.body === null ? null : sendBody(api, call.body, bodyValue);
  return {
    method: call.method,
    url: urlOf(baseUrl(api, call, documentUrl), call, values),
    headers: headersOf(values, body?.contentType),
    body: body?.text ?? null,
  };
}

/** Every operation, for people and agents to choose from. Throws OPENAPI_INVALID and OPENAPI_REF_REMOTE. */
export function operationsOf(document: Json): Operation[] {
  const api = readApi(document);
  return [...rawOperations(api, "own"), ...rawOperations(api, "referred")].map((raw) => {
    const call = readCall(api, raw);
    const { summary } = raw.operation;
    return {
      operationId: raw.id ?? `${call.method} ${call.path}`,
      method: call.method,
      path: call.path,
      ...(typeof summary === "string" ? { summary } : {}),
      parameters: call.parameters.map(({ name, in: place, required, schema }) => ({ name, in: place, required, schema })),
      ...(call.body === null ? {} : { body: call.body.schema }),
    };
  });
}

/** An own object's members only, without those that are null (3). */
function readGiven(parameters: Json): Map<string, Json> {
  if (parameters === null) return new Map();
  if (!isObject(parameters)) throw invalidValue("parameters", "must be an object of values by parameter name");
  return new Map(Object.entries(parameters).filter(([, value]) => value !== null));
}

interface Valued {
  readonly parameter: CallParameter;
  readonly value: Json;
  readonly writing: Writing;
}

function parameterValues(api: Api, call: Call, given: ReadonlyMap<string, Json>): Valued[] {
  return call.parameters.flatMap((parameter) => {
    const value = given.get(parameter.name) ?? fallbackOf(partsOf(api, parameter.schema)) ?? null;
    if (value === null && parameter.required) throw missing(call, `${parameter.name} (${parameter.in})`, parameter.name);
    if (value === null) return [];
    const writing = writingOf(api, parameter.said, parameter.in, parameter.name);
    return [{ parameter, value: fit(api, value, parameter.schema, parameter.name, "text"), writing }];
  });
}

function writingOf(api: Api, said: JsonObject, place: Place, name: string): Writing {
  return api.version === 2 ? readCollectionFormat(said, place, name) : readStyle(said, place, name);
}

function missing(call: Call, what: string, name: string): Error {
  return servicesProblems.OPENAPI_PARAMETER_MISSING(`${shown(call.id)} needs ${what.slice(0, 120)}, which is not given.`, {
    at: name,
    fix: `Give ${shown(name)}.`,
  });
}

function headersOf(values: readonly Valued[], contentType: string | undefined): Record<string, string> {
  const said = values
    .filter(({ parameter }) => parameter.in === "header")
    .map(({ parameter: { name }, value, writing }) => [name.toLowerCase(), writeInHeader(name, value, writing)] as const);
  const cookies = values
    .filter(({ parameter }) => parameter.in === "cookie")
    .flatMap(({ parameter: { name }, value, writing }) => writeInCookie(name, value, writing));
  return Object.fromEntries([
    ["accept", ANSWERS_LIKED],
    ...(contentType === undefined ? [] : [["content-type", contentType]]),
    ...(cookies.length === 0 ? [] : [["cookie", cookies.join("; ")]]),
    ...said.filter(([, text]) => text !== null),
  ]);
}

// ── The address ──────────────────────────────────────────────────────────────────────────────────────────────────────

function urlOf(base: URL, call: Call, values: readonly Valued[]): string {
  if (call.path.length > PATH_LENGTH_MAX) throw invalid(`a path has more than ${PATH_LENGTH_MAX} characters`);
  const path = call.path.split("/").map((segment) => fillSegment(segment, call, values));
  const query = values
    .filter(({ parameter }) => parameter.in === "query")
    .flatMap(({ parameter: { name }, value, writing }) => writeInQuery(name, value, writing));
  const url = new URL(base);
  url.pathname = base.pathname.replace(/\/$/, "") + path.join("/");
  url.search = [base.search.slice(1), ...query].filter((part) => part !== "").join("&");
  url.hash = "";
  return url.href;
}

/** A filled segment that means "here" or "one up" would be another path, so it is refused. */
function fillSegment(segment: string, call: Call, values: readonly Valued[]): string {
  const filled = segment.replace(/\{([^{}]*)\}/g, (_, name: string) => {
    const found = values.find(({ parameter }) => parameter.in === "path" && parameter.name === name);
    if (found === undefined) throw invalid(`the path of ${shown(call.id)} has {${name.slice(0, 80)}}, which is no parameter`);
    return writeInPath(name, found.value, found.writing);
  });
  const isDots = /^(\.|%2e){1,2}$/i.test(filled);
  if (isDots && filled !== segment) throw invalidValue(segment, "makes a path that leads elsewhere");
  return filled;
}

function baseUrl(api: Api, call: Call, documentUrl: string): URL {
  const said = api.version === 2 ? swaggerServer(api.root, call.operation, documentUrl) : serverUrl(api, call);
  const url = URL.parse(said) ?? URL.parse(said, documentUrl);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return url;
  throw invalid(`its server ${shown(said)} gives no http or https address (the document is from ${shown(documentUrl)})`);
}

/** The nearest list of servers that is not empty counts, and the first in it. */
function serverUrl(api: Api, call: Call): string {
  const lists = [call.operation.servers, call.item.servers, api.root.servers];
  const servers = lists.find((list) => Array.isArray(list) && list.length > 0);
  const server = Array.isArray(servers) ? (servers[0] as Json | undefined) : undefined;
  if (!isObject(server)) return "/";
  if (typeof server.url !== "string") throw invalid("its first server has no url");
  return server.url.replace(/\{([^{}]*)\}/g, (_, name: string) => {
    const variable = isObject(server.variables) ? own(server.variables, name) : undefined;
    const fallback = isObject(variable) ? variable.default : undefined;
    if (typeof fallback === "string" || typeof fallback === "number") return String(fallback);
    throw invalid(`its server's variable {${name.slice(0, 80)}} has no default`);
  });
}

function swaggerServer(root: JsonObject, operation: JsonObject, documentUrl: string): string {
  const from = URL.parse(documentUrl);
  const schemes = [operation.schemes, root.schemes].find((list) => Array.isArray(list) && list.length > 0);
  const said = Array.isArray(schemes) ? (schemes as readonly Json[]).map(String) : [];
  const scheme = ["https", "http"].find((known) => said.includes(known)) ?? said[0] ?? from?.protocol.slice(0, -1);
  const host = typeof root.host === "string" ? root.host : from?.host;
  if (scheme === undefined || host === undefined) throw invalid("it names no host, and where it is from is no address");
  if (/[/\\?#@\s]/.test(host)) throw invalid(`its host ${shown(host)} is more than a host`);
  const basePath = typeof root.basePath === "string" ? root.basePath : "/";
  return `${scheme}://${host}${basePath.startsWith("/") ? "" : "/"}${basePath}`;
}

// ── The body ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What is sent as the body: what stands under its name, or the rest of the values as its properties; null: nothing. */
function readBodyValue(api: Api, call: Call, given: ReadonlyMap<string, Json>): Json {
  const taken = call.parameters.map(({ name }) => name);
  const rest = new Map([...given].filter(([name]) => !taken.includes(name)));
  const { body } = call;
  const parts = body === null ? [] : partsOf(api, body.schema);
  const stray = [...rest.keys()].find((name) => body === null || !isTaken(name, body, parts, rest));
  if (stray !== undefined) throw unknown(call, stray, [...taken, ...(body === null ? [] : [...propertyNames(parts), body.name])]);
  if (body === null) return null;
  return wholeBody(body, parts, rest) ?? spreadBody(api, call, body, rest);
}

/** Under which name the whole body is given; null where it is not, or may be one property of several. */
function wholeName(body: CallBody, parts: SchemaParts, rest: ReadonlyMap<string, Json>): string | null {
  const name = [body.name, "body"].find((known) => rest.has(known));
  if (name === undefined) return null;
  const isProperty = body.spreads && propertyOf(parts, name) !== undefined;
  return isProperty && (rest.size > 1 || !isObject(rest.get(name))) ? null : name;
}

function wholeBody(body: CallBody, parts: SchemaParts, rest: ReadonlyMap<string, Json>): Json | undefined {
  const name = wholeName(body, parts, rest);
  return name === null ? undefined : rest.get(name);
}

function isTaken(name: string, body: CallBody, parts: SchemaParts, rest: ReadonlyMap<string, Json>): boolean {
  const whole = wholeName(body, parts, rest);
  if (whole !== null || !body.spreads) return name === whole;
  return !isClosed(parts) || propertyOf(parts, name) !== undefined;
}

function spreadBody(api: Api, call: Call, body: CallBody, rest: ReadonlyMap<string, Json>): Json {
  const value = new Map([...body.fallbacks, ...rest]);
  if (value.size === 0 && !body.required) return null;
  const parts = partsOf(api, body.schema);
  const absent = requiredOf(parts).find((name) => !value.has(name) && !isReadOnly(api, propertyOf(parts, name)));
  if (absent !== undefined) throw missing(call, `${absent} (body)`, absent);
  if (value.size === 0) throw missing(call, "a body", body.name);
  return Object.fromEntries(value);
}

function isReadOnly(api: Api, schema: Json | undefined): boolean {
  const target = schema === undefined ? undefined : follow(api, schema);
  return isObject(target) && target.readOnly === true;
}

function unknown(call: Call, name: string, known: readonly string[]): Error {
  const meant = nearest(name, known);
  const fix = meant === null ? `It takes: ${namesInWords(known)}.` : `Did you mean ${shown(meant)}?`;
  return servicesProblems.OPENAPI_PARAMETER_UNKNOWN(`${shown(call.id)} has no parameter ${shown(name)}.`, { at: name, fix });
}

function namesInWords(names: readonly string[]): string {
  const first = names.slice(0, 20).map(shown).join(", ");
  return names.length === 0 ? "nothing" : first + (names.length > 20 ? ", …" : "");
}

function sendBody(api: Api, body: CallBody, value: Json): WrittenBody {
  const kind = bodyKindOf(body.mediaType);
  if (kind === "text") return writeBody(value, body.mediaType, new Map());
  const fitted = fit(api, value, body.schema, "body", kind === "json" ? "json" : "text");
  const parts = partsOf(api, body.schema);
  const names = isObject(fitted) && kind !== "json" ? Object.keys(fitted) : [];
  return writeBody(
    fitted,
    body.mediaType,
    new Map(names.map((name) => [name, fieldOf(api, body, name, propertyOf(parts, name))])),
  );
}

function fieldOf(api: Api, body: CallBody, name: string, schema: Json = true): Field {
  const said = own(body.encoding, name);
  const contentType = isObject(said) && typeof said.contentType === "string" ? said.contentType.split(",")[0] : undefined;
  const parts = partsOf(api, schema);
  const isFile = isFileOf(parts) || isFileOf(partsOf(api, itemsOf(parts)));
  const writing = isObject(said) ? writingOfField(api, said, name) : undefined;
  return { isFile, ...(contentType === undefined ? {} : { contentType }), ...(writing === undefined ? {} : { writing }) };
}

/** Where the style of a field is not said, its kind of content counts. */
function writingOfField(api: Api, said: JsonObject, name: string): Writing | undefined {
  const isSaid = ["style", "explode", "allowReserved"].some((key) => Object.hasOwn(said, key));
  return isSaid || api.version === 2 ? writingOf(api, said, "query", name) : undefined;
}

// ── Values ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A schema and all that its `allOf` names: what counts of them is looked up where it is asked for. */
type SchemaParts = readonly JsonObject[];

function partsOf(api: Api, schema: Json): SchemaParts {
  const target = follow(api, schema);
  if (!isObject(target)) return [];
  const known = api.parts.get(target) ?? gatherParts(api, target);
  api.parts.set(target, known);
  return known;
}

/** Each once: references may make a tree of them that doubles with every level, or a ring. */
function gatherParts(api: Api, schema: JsonObject): SchemaParts {
  const parts = new Set<JsonObject>([schema]);
  for (const part of parts) {
    if (!Array.isArray(part.allOf)) continue;
    const targets =
      part.allOf.length > ALL_OF_PARTS_MAX ? [] : (part.allOf as readonly Json[]).map((written) => follow(api, written));
    for (const target of targets) if (isObject(target)) parts.add(target);
    if (Math.max(parts.size, part.allOf.length) > ALL_OF_PARTS_MAX)
      throw invalid(`an allOf has more than ${ALL_OF_PARTS_MAX} parts`);
  }
  return [...parts];
}

/** Empty: any. */
function typesOf(parts: SchemaParts): string[] {
  if (isOpen(parts)) return [];
  return parts.flatMap(({ type }) => (typeof type === "string" ? [type] : textsOf(type))).slice(0, TYPES_MAX);
}

function propertyOf(parts: SchemaParts, name: string): Json | undefined {
  return parts
    .map(({ properties }) => (isObject(properties) ? own(properties, name) : undefined))
    .find((property) => property !== undefined);
}

function propertyNames(parts: SchemaParts): string[] {
  return parts.flatMap(({ properties }) => (isObject(properties) ? Object.keys(properties) : []));
}

function requiredOf(parts: SchemaParts): string[] {
  return parts.flatMap(({ required }) => textsOf(required));
}

function itemsOf(parts: SchemaParts): Json {
  return parts.find(({ items }) => items !== undefined)?.items ?? true;
}

function fallbackOf(parts: SchemaParts): Json | undefined {
  return parts.find((part) => part.default !== undefined)?.default;
}

/** Whether it leaves a choice that only the server makes. */
function isOpen(parts: SchemaParts): boolean {
  return parts.some((part) => part.oneOf !== undefined || part.anyOf !== undefined);
}

/** Whether it takes no property but those it names. */
function isClosed(parts: SchemaParts): boolean {
  return !isOpen(parts) && parts.some((part) => part.additionalProperties === false);
}

function isFileOf(parts: SchemaParts): boolean {
  return parts.some(({ type, format }) => type === "file" || format === "binary");
}

function textsOf(list: Json | undefined): string[] {
  return Array.isArray(list) ? (list as readonly Json[]).filter((item) => typeof item === "string") : [];
}

/**
 * A value as its schema wants it: a number as a text where a text is declared, and the other way round. `as`: a text that is
 * a number stays as it is written where it will be a text again.
 */
function fit(api: Api, value: Json, schema: Json, at: string, as: "json" | "text"): Json {
  const parts = partsOf(api, schema);
  if (value === null || isFileOf(parts)) return value;
  const types = typesOf(parts);
  if (typeof value !== "object") return fitScalar(value, types, at, as);
  const type = Array.isArray(value) ? "array" : "object";
  if (types.length > 0 && !types.includes(type)) throw invalidValue(at, `is an ${type}; it must be of ${typeInWords(types)}`);
  if (!isObject(value)) {
    const items = itemsOf(parts);
    return (value as readonly Json[]).map((item, index) => fit(api, item, items, `${at}[${index}]`, as));
  }
  const members = Object.entries(value).map(
    ([name, member]) => [name, fit(api, member, propertyOf(parts, name) ?? true, `${at}.${name}`, as)] as const,
  );
  return Object.fromEntries(members);
}

/** Types that are not known, and one item where a list of such is declared, are the server's affair. */
function fitScalar(value: string | number | boolean, types: readonly string[], at: string, as: "json" | "text"): Json {
  const isMeant = types.includes(typeof value) || (Number.isInteger(value) && types.includes("integer"));
  if (isMeant || !["string", "number", "integer", "boolean", "object"].some((type) => types.includes(type))) return value;
  if (types.includes("string")) return String(value);
  const meant = typeof value === "string" ? readScalar(value, types, as) : null;
  if (meant === null) throw invalidValue(at, `is ${shown(String(value))}; it must be of ${typeInWords(types)}`);
  return meant;
}

/** null where the text is no value of the types, or its number would change. */
function readScalar(text: string, types: readonly string[], as: "json" | "text"): Json {
  if (types.includes("boolean") && (text === "true" || text === "false")) return text === "true";
  const isWhole = /^-?(0|[1-9]\d*)$/.test(text);
  const isNumber = isWhole || (types.includes("number") && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text));
  if (!isNumber || !["number", "integer"].some((type) => types.includes(type))) return null;
  if (as === "text") return text;
  const isExact = isWhole ? Number.isSafeInteger(Number(text)) : Number.isFinite(Number(text));
  return isExact ? Number(text) : null;
}

function typeInWords(types: readonly string[]): string {
  return `type ${types.join(" or ").slice(0, 80)}`;
}

// ── The document ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** A document and what was found out about it. */
interface Api {
  readonly root: JsonObject;
  readonly version: 2 | 3;
  readonly paths: JsonObject;
  /** What each reference led to; "open" while it is looked for. */
  readonly followed: Map<string, { readonly target: Json } | "open">;
  readonly parts: WeakMap<JsonObject, SchemaParts>;
}

interface RawOperation {
  /** null where the document gives it none. */
  readonly id: string | null;
  readonly method: string;
  readonly path: string;
  readonly item: JsonObject;
  readonly operation: JsonObject;
}

/** An operation, alike for both versions. */
interface Call {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly item: JsonObject;
  readonly operation: JsonObject;
  readonly parameters: readonly CallParameter[];
  readonly body: CallBody | null;
}

interface CallParameter extends OperationParameter {
  readonly said: JsonObject;
}

interface CallBody {
  /** Under which name the whole is given, besides `body`. */
  readonly name: string;
  readonly mediaType: string;
  readonly schema: Json;
  readonly required: boolean;
  readonly encoding: JsonObject;
  /** Whether values that are no parameters are its properties. */
  readonly spreads: boolean;
  readonly fallbacks: ReadonlyMap<string, Json>;
}

function readApi(document: Json): Api {
  if (!isObject(document)) throw invalid("it is no object");
  const version = document.swagger === "2.0" ? 2 : /^3\.\d/.test(String(document.openapi)) ? 3 : null;
  if (version === null) throw invalid('it says neither `openapi: "3.…"` nor `swagger: "2.0"`');
  const paths = isObject(document.paths) ? document.paths : {};
  return { root: document, version, paths, followed: new Map(), parts: new WeakMap() };
}

/** Those written in their place, or those that a path refers to: the former are read without following anything. */
function rawOperations(api: Api, which: "own" | "referred"): RawOperation[] {
  return Object.entries(api.paths)
    .filter(([path, item]) => path.startsWith("/") && isObject(item))
    .filter(([, item]) => (which === "referred") === (isObject(item) && item.$ref !== undefined))
    .flatMap(([path, written]) => {
      const item = follow(api, written);
      return isObject(item) ? METHODS.flatMap((method) => rawOperation(method, path, item)) : [];
    });
}

function rawOperation(method: string, path: string, item: JsonObject): RawOperation[] {
  const operation = own(item, method);
  if (!isObject(operation)) return [];
  const id = typeof operation.operationId === "string" ? operation.operationId : null;
  return [{ id, method: method.toUpperCase(), path, item, operation }];
}

function findOperation(api: Api, operationId: string): RawOperation {
  const isMeant = ({ id, method, path }: RawOperation) => id === operationId || `${method} ${path}` === operationId;
  const ownOperations = rawOperations(api, "own");
  const found = ownOperations.filter(isMeant);
  if (found.length > 1) throw invalid(`it has ${found.length} operations ${shown(operationId)}; name one by method and path`);
  const operation = found[0] ?? rawOperations(api, "referred").find(isMeant);
  if (operation !== undefined) return operation;
  const ids = ownOperations.map(({ id, method, path }) => id ?? `${method} ${path}`);
  const meant = nearest(operationId, ids);
  const more = meant === null ? {} : { fix: `Did you mean ${shown(meant)}?` };
  throw servicesProblems.OPENAPI_OPERATION_UNKNOWN(`The document has no operation ${shown(operationId)}.`, more);
}

function readCall(api: Api, raw: RawOperation): Call {
  const said = saidParameters(api, raw);
  const parameters = said.flatMap((parameter) => readParameter(api, parameter));
  const body = api.version === 2 ? swaggerBody(api, raw, said) : requestBody(api, raw);
  const hasBody = !WITHOUT_BODY.includes(raw.method);
  return { ...raw, id: raw.id ?? `${raw.method} ${raw.path}`, parameters, body: hasBody ? body : null };
}

/** An operation's own count before those of its path. */
function saidParameters(api: Api, { item, operation }: RawOperation): JsonObject[] {
  const lists = [item.parameters, operation.parameters].flatMap((list) => (Array.isArray(list) ? (list as readonly Json[]) : []));
  if (lists.length > PARAMETERS_MAX) throw invalid(`an operation has ${lists.length} parameters; the limit is ${PARAMETERS_MAX}`);
  const byName = new Map<string, JsonObject>();
  for (const written of lists) {
    const parameter = follow(api, written);
    if (!isObject(parameter) || typeof parameter.name !== "string") throw invalid("one of its parameters has no name");
    byName.set(JSON.stringify([parameter.in, parameter.name]), parameter);
  }
  return [...byName.values()];
}

/** Empty for what belongs into the body, and for headers that are not a parameter's to set (4). */
function readParameter(api: Api, said: JsonObject): CallParameter[] {
  const name = String(said.name);
  const place = said.in;
  if (api.version === 2 && (place === "body" || place === "formData")) return [];
  if (place !== "path" && place !== "query" && place !== "header" && place !== "cookie") {
    throw invalid(`the parameter ${shown(name)} is in ${shown(String(place))}`);
  }
  if (place === "header" && RESERVED_HEADERS.has(name.toLowerCase())) return [];
  if (place === "header" && !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw invalid(`${shown(name)} is no name of a header`);
  return [{ name, in: place, required: said.required === true || place === "path", schema: schemaOf(api, said), said }];
}

/** Swagger 2 writes a parameter's schema into the parameter itself. */
function schemaOf(api: Api, said: JsonObject): Json {
  if (api.version === 2) return without(said, ["name", "in", "required", "collectionFormat", "allowEmptyValue"]);
  const [media] = isObject(said.content) ? Object.values(said.content) : [said];
  const holder = media === undefined ? undefined : follow(api, media);
  return isObject(holder) ? (holder.schema ?? true) : true;
}

function requestBody(api: Api, { operation }: RawOperation): CallBody | null {
  const said = operation.requestBody === undefined ? undefined : follow(api, operation.requestBody);
  if (!isObject(said) || !isObject(said.content)) return null;
  const mediaType = pickMediaType(Object.keys(said.content));
  if (mediaType === null) return null;
  const media = follow(api, said.content[mediaType] ?? {});
  const content = isObject(media) ? media : {};
  return {
    name: "body",
    mediaType,
    schema: content.schema ?? true,
    required: said.required === true,
    encoding: isObject(content.encoding) ? content.encoding : {},
    spreads: bodyKindOf(mediaType) !== "text",
    fallbacks: new Map(),
  };
}

function swaggerBody(api: Api, { operation }: RawOperation, said: readonly JsonObject[]): CallBody | null {
  const consumes = [operation.consumes, api.root.consumes].map(textsOf).find((list) => list.length > 0) ?? [];
  const fields = said.filter((parameter) => parameter.in === "formData");
  if (fields.length > 0) return swaggerForm(api, fields, consumes);
  const body = said.find((parameter) => parameter.in === "body");
  if (body === undefined) return null;
  const mediaType = pickMediaType(consumes) ?? "application/json";
  const schema = body.schema ?? true;
  const required = body.required === true;
  return { name: String(body.name), mediaType, schema, required, encoding: {}, spreads: false, fallbacks: new Map() };
}

/** Fields of a form are properties of a closed body; a file makes it multipart. */
function swaggerForm(api: Api, fields: readonly JsonObject[], consumes: readonly string[]): CallBody {
  const hasFile = fields.some(({ type }) => type === "file");
  const forms = consumes.filter((mediaType) => ["form", "multipart"].includes(bodyKindOf(mediaType)));
  const schemas = fields.map((field) => [String(field.name), schemaOf(api, field)] as const);
  const required = fields.filter((field) => field.required === true).map((field) => String(field.name));
  return {
    name: "body",
    mediaType: hasFile ? "multipart/form-data" : (pickMediaType(forms) ?? "application/x-www-form-urlencoded"),
    schema: { type: "object", properties: Object.fromEntries(schemas), required, additionalProperties: false },
    required: required.length > 0,
    encoding: Object.fromEntries(fields.map((field) => [String(field.name), field])),
    spreads: true,
    fallbacks: new Map(fields.flatMap((field) => (field.default === undefined ? [] : [[String(field.name), field.default]]))),
  };
}

function without(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

/** Names come from strangers: `constructor` is not there unless it is written. */
function own(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

// ── References ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a value says, or what its `$ref` leads to. Throws OPENAPI_REF_REMOTE, and OPENAPI_INVALID where it leads nowhere. */
function follow(api: Api, value: Json, hops = 0): Json {
  if (!isObject(value) || typeof value.$ref !== "string") return value;
  const ref = value.$ref;
  if (!ref.startsWith("#"))
    throw servicesProblems.OPENAPI_REF_REMOTE(`The document refers to ${shown(ref)}, which is not in it.`);
  if (ref.length > REF_LENGTH_MAX) throw invalid(`a $ref has ${ref.length} characters; the limit is ${REF_LENGTH_MAX}`);
  const known = api.followed.get(ref);
  if (known === "open") throw invalid(`${shown(ref)} refers to itself`);
  if (known !== undefined) return known.target;
  if (hops >= REF_HOPS_MAX) throw invalid(`more than ${REF_HOPS_MAX} references lead to one another at ${shown(ref)}`);
  api.followed.set(ref, "open");
  const target = follow(api, pointedAt(api, ref, hops), hops + 1);
  api.followed.set(ref, { target });
  return target;
}

/** A pointer's way may itself lead over references: bundlers write such. */
function pointedAt(api: Api, ref: string, hops: number): Json {
  let at: Json = api.root;
  for (const token of tokensOf(ref)) {
    const member = memberOf(follow(api, at, hops + 1), token);
    if (member === undefined) throw invalid(`${shown(ref)} leads nowhere`);
    at = member;
  }
  return at;
}

function memberOf(holder: Json, token: string): Json | undefined {
  if (isObject(holder)) return own(holder, token);
  return Array.isArray(holder) && /^(0|[1-9]\d*)$/.test(token) ? (holder as readonly Json[])[Number(token)] : undefined;
}

function tokensOf(ref: string): string[] {
  const pointer = /^#$|^#\//.test(ref) ? decoded(ref.slice(1)) : null;
  if (pointer === null) throw invalid(`${shown(ref)} is no reference that begins with #/`);
  const tokens = pointer.split("/").slice(1);
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

// ── In words ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function invalid(why: string): Error {
  return servicesProblems.OPENAPI_INVALID(`The document cannot be used: ${why}.`);
}

function invalidValue(at: string, why: string): Error {
  return servicesProblems.OPENAPI_PARAMETER_INVALID(`The parameter ${shown(at)} ${why}.`, { at: at.slice(0, 200) });
}
