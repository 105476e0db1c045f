// Making a service's definition of what a person names: a file, an address, an entry of the catalogue, an MCP server.
//
//  1. What a person typed may be of this machine: exactly that host and port are open while it is read.
//  2. What a document from elsewhere says opens nothing: a place that is not its own and that the gate would not let
//     anybody call is to be named by a person.
//  3. A process is started only where a person typed its command, here or in a definition of theirs.

import { existsSync, readFileSync, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { parse } from "yaml";
import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { type EgressResponse, isMetadataHost, openGate, readPolicy } from "../security.ts";
import {
  CATALOGUE,
  definitionOfMcp,
  definitionOfOpenApi,
  isOpenApi,
  readDefinition,
  type ServiceDocument,
  serviceName,
  serviceOfDocument,
  servicesProblems,
} from "../services.ts";
import { invalidService } from "./documents.ts";
import { openMcp, outside } from "./outside.ts";
import { orchestratorProblems } from "./problems.ts";

export interface ServiceImport {
  /** A file, a URL, or an entry of the catalogue. */
  readonly target: string;
  readonly name?: string | undefined;
  readonly baseUrl?: string | undefined;
  /** The target is the URL of an MCP server. */
  readonly isMcp?: boolean | undefined;
  /** The target is a name, and this starts the MCP server: the command and its arguments. */
  readonly stdio?: readonly string[] | undefined;
}

export interface Imported {
  readonly definition: ServiceDocument;
  /** Where it came from. */
  readonly source: string | null;
}

/** Throws SERVICE_DEFINITION_INVALID with all that is wrong, SERVICE_IMPORT_FAILED, OPENAPI_…, EGRESS_…. */
export async function importService(wanted: ServiceImport): Promise<Imported> {
  const { target, name, baseUrl, isMcp = false, stdio } = wanted;
  if (stdio !== undefined && stdio.length > 0) return fromMcp(name ?? serviceName(target), stdioServer(stdio), stdio.join(" "));
  if (isMcp) {
    const { hostname } = readUrl(target);
    return fromMcp(name ?? serviceName(hostname), { url: target }, target);
  }
  if (/^https?:\/\//i.test(target)) return fromUrl(target, wanted);
  if (CATALOGUE.has(target)) return fromCatalogue(target, name, baseUrl);
  if (existsSync(target)) return await fromFile(target, wanted);
  if (extname(target) !== "") throw orchestratorProblems.WF_FILE_MISSING(`There is no file ${target}.`);
  throw servicesProblems.SERVICE_IMPORT_FAILED(`${JSON.stringify(target)} is neither a file, a URL, nor in the catalogue.`, {
    fix: `The catalogue has: ${[...CATALOGUE.keys()].join(", ")}.`,
  });
}

function readUrl(target: string): URL {
  const url = URL.parse(target);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw servicesProblems.SERVICE_IMPORT_FAILED(`${JSON.stringify(target.slice(0, 200))} is no URL.`, {
    fix: "Write it like http://127.0.0.1:3000/mcp.",
  });
}

function fromCatalogue(target: string, name: string | undefined, baseUrl: string | undefined): Imported {
  const config = baseUrl === undefined ? {} : { config: { baseUrl } };
  const usual = CATALOGUE.get(target)?.baseUrl;
  if (usual === undefined && baseUrl === undefined)
    throw servicesProblems.SERVICE_IMPORT_FAILED(`${target} is at no address of its own.`, {
      fix: "Say where it is: --base-url URL.",
    });
  return { definition: { service: name ?? target.replaceAll(".", "-"), uses: target, ...config }, source: null };
}

// Files.

async function fromFile(path: string, wanted: ServiceImport): Promise<Imported> {
  const full = resolve(path);
  if (![".yaml", ".yml", ".json"].includes(extname(path)))
    throw servicesProblems.SERVICE_IMPORT_FAILED(
      /\.[cm]?[jt]s$/.test(path)
        ? `A service in code cannot be kept: ${path} is made known where it is used, with --with ${path} or openBaton({ services }).`
        : `${path} is neither YAML nor JSON.`,
    );
  const bytes = readBytes(full, path);
  const api = looselyRead(bytes.toString("utf8"));
  if (api !== undefined && isOpenApi(api)) return { definition: definitionFrom(api, full, wanted), source: full };
  const { diagnostics, document } = readDefinition(bytes, path);
  if (document === null)
    throw invalidService(
      path,
      diagnostics.filter(({ severity }) => severity === "error"),
    );
  return { definition: await withTools(renamed(document, wanted)), source: full };
}

function readBytes(full: string, path: string): Buffer {
  requireReadable(full, path);
  try {
    return readFileSync(full);
  } catch (error) {
    throw orchestratorProblems.WF_FILE_KIND(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A device or a pipe may have no end. */
function requireReadable(full: string, path: string): void {
  const found = statSync(full, { throwIfNoEntry: false });
  if (found?.isFile() === false) throw orchestratorProblems.WF_FILE_KIND(`${path} is no file.`);
  if (found !== undefined && found.size > DOCUMENT_BYTES_MAX)
    throw orchestratorProblems.WF_FILE_KIND(`${path} has ${found.size} bytes; the limit is ${DOCUMENT_BYTES_MAX}.`);
}

function renamed(document: ServiceDocument, { name, baseUrl }: ServiceImport): ServiceDocument {
  return {
    ...document,
    ...(name === undefined ? {} : { service: name }),
    ...(baseUrl === undefined ? {} : { config: { ...(document.config as object | undefined), baseUrl } }),
  };
}

/** A definition that names an MCP server and no tools has them all. */
async function withTools(document: ServiceDocument): Promise<ServiceDocument> {
  const { mcp, operations = {} } = document;
  if (mcp === undefined || Object.keys(operations as object).length > 0) return document;
  const described = await openMcp.describe(serviceOfDocument(document), outside);
  const made = definitionOfMcp({ name: document.service, server: mcp, described });
  return { ...made, ...document, operations: made.operations ?? {} };
}

const ALIASES_MAX = 100;

/**
 * Undefined where it is neither JSON nor YAML, or YAML that contains itself: what is wrong with it is said by whoever
 * reads it strictly.
 */
function looselyRead(text: string): Json | undefined {
  try {
    if (text.trimStart().startsWith("{")) return JSON.parse(text) as Json;
    return JSON.parse(JSON.stringify(parse(text, { maxAliasCount: ALIASES_MAX, uniqueKeys: false }))) as Json;
  } catch {
    return undefined;
  }
}

// Addresses.

/** Of a description, decoded: those of large clouds have tens of megabytes. */
const DOCUMENT_BYTES_MAX = 64 << 20;

async function fromUrl(target: string, wanted: ServiceImport): Promise<Imported> {
  if (/\/mcp\/?$/.test(readUrl(target).pathname)) {
    const tools = await mcpAt(target, wanted);
    if (tools !== null) return tools;
  }
  const answer = await fetched(target);
  const api = answer.status < 300 ? looselyRead(Buffer.from(answer.body).toString("utf8")) : undefined;
  if (api === undefined || !isOpenApi(api)) return (await mcpAt(target, wanted)) ?? notRead(target, answer);
  const definition = definitionFrom(api, answer.url, wanted);
  if (wanted.baseUrl === undefined) await requireOpen([target, answer.url], definition);
  return { definition, source: target };
}

function notRead(target: string, { status }: EgressResponse): never {
  throw servicesProblems.SERVICE_IMPORT_FAILED(
    `${target} answers ${status}, gives no OpenAPI document and is no MCP server that answers.`,
    {
      fix: "Name the document's own address; of an MCP server that needs a key say --mcp; of an OpenAI-compatible one: baton services add openai-compatible --base-url URL.",
    },
  );
}

/** What answers there, where it is an MCP server; null where it is none. */
async function mcpAt(target: string, { name }: ServiceImport): Promise<Imported | null> {
  try {
    return await fromMcp(name ?? serviceName(readUrl(target).hostname), { url: target }, target);
  } catch (error) {
    if (isProblemError(error) && (error.code.startsWith("SERVICE_") || error.code === "EGRESS_TIMEOUT")) return null;
    throw error;
  }
}

/** From the very place that was typed (1), and where it leads that is open to all. */
async function fetched(target: string): Promise<EgressResponse> {
  const { hostname, port, protocol } = readUrl(target);
  const place = `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
  const limits = { responseBytesMax: DOCUMENT_BYTES_MAX };
  await using gate = openGate(readPolicy(isMetadataHost(hostname) ? [] : [place]), { limits });
  return await gate.request({
    method: "GET",
    url: target,
    headers: { accept: "application/json, application/yaml, */*" },
  });
}

function definitionFrom(document: Json, url: string, { name, baseUrl }: ServiceImport): ServiceDocument {
  const named = { ...(name === undefined ? {} : { name }), ...(baseUrl === undefined ? {} : { baseUrl }) };
  return definitionOfOpenApi({ document, url, ...named });
}

const LOOK_MS = 3_000;

/** Where the service is not where its document was: the gate says whether anybody may call there (2). */
async function requireOpen(from: readonly string[], definition: ServiceDocument): Promise<void> {
  const { baseUrl, isLocal } = serviceOfDocument(definition);
  if (baseUrl === null || from.some((url) => new URL(url).host === new URL(baseUrl).host)) return;
  if (!isLocal && !(await isDenied(baseUrl))) return;
  throw servicesProblems.SERVICE_IMPORT_FAILED(
    `${from[0]} says its service is at ${baseUrl}, which is of this network or no place that is open to all.`,
    { fix: "If that is meant, say so: --base-url URL." },
  );
}

/** Whether somebody answers there is of no interest. */
async function isDenied(url: string): Promise<boolean> {
  const limits = { connectMs: LOOK_MS, headersMs: LOOK_MS, totalMs: LOOK_MS };
  await using gate = openGate(readPolicy([]), { limits });
  try {
    await gate.request({ method: "HEAD", url, redirect: "stop" });
    return false;
  } catch (error) {
    return isProblemError(error) && ["EGRESS_DENIED", "EGRESS_URL_INVALID"].includes(error.code);
  }
}

// MCP.

function stdioServer([command = "", ...args]: readonly string[]): Json {
  return { command, args };
}

async function fromMcp(name: string, server: Json, source: string): Promise<Imported> {
  const bare = { service: name, category: "tools", mcp: server, operations: {} };
  const described = await openMcp.describe(serviceOfDocument(bare), outside);
  return { definition: definitionOfMcp({ name, server, described }), source };
}
