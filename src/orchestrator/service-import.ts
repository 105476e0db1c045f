// Making a service's definition of what a person names: a file, an address, an entry of the catalogue, an MCP server.

import { existsSync, readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { parse } from "yaml";
import type { Json } from "../base/json.ts";
import { openGate, readPolicy } from "../security.ts";
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
import { placeOf } from "./documents.ts";
import { openMcp } from "./outside.ts";
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
  if (isMcp) return fromMcp(name ?? serviceName(new URL(target).hostname), { url: target }, target);
  if (/^https?:\/\//.test(target)) return fromUrl(target, wanted);
  if (existsSync(target)) return fromFile(target, wanted);
  if (CATALOGUE.has(target)) return fromCatalogue(target, name, baseUrl);
  if (extname(target) !== "") throw orchestratorProblems.WF_FILE_MISSING(`There is no file ${target}.`);
  throw servicesProblems.SERVICE_IMPORT_FAILED(`${JSON.stringify(target)} is neither a file, a URL, nor in the catalogue.`, {
    fix: `The catalogue has: ${[...CATALOGUE.keys()].join(", ")}.`,
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

function fromFile(path: string, wanted: ServiceImport): Imported {
  const full = resolve(path);
  if (![".yaml", ".yml", ".json"].includes(extname(path)))
    throw servicesProblems.SERVICE_IMPORT_FAILED(`${path} is neither YAML nor JSON.`, {
      fix: "A service in TypeScript is made known where it is used: baton run FLOW --with FILE, baton start FILE, openBaton({ services }).",
    });
  const bytes = readFileSync(full);
  const api = looselyRead(bytes.toString("utf8"));
  if (api !== undefined && isOpenApi(api)) return fromOpenApi(api, full, wanted);
  const { diagnostics, document } = readDefinition(bytes, path);
  if (document !== null) return { definition: renamed(document, wanted), source: full };
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const [first] = errors;
  const more = errors.length > 1 ? ` And ${errors.length - 1} more.` : "";
  throw servicesProblems.SERVICE_DEFINITION_INVALID(
    `${first === undefined ? path : placeOf(first)}: ${first?.message ?? "It is no definition."}${more}`,
    {
      ...(first === undefined ? {} : { at: placeOf(first) }),
      ...(first?.fix === undefined ? {} : { fix: first.fix }),
      facts: { file: path, diagnostics: errors },
    },
  );
}

function renamed(document: ServiceDocument, { name, baseUrl }: ServiceImport): ServiceDocument {
  return {
    ...document,
    ...(name === undefined ? {} : { service: name }),
    ...(baseUrl === undefined ? {} : { config: { ...(document.config as object | undefined), baseUrl } }),
  };
}

const ALIASES_MAX = 100;

/** Undefined where it is neither JSON nor YAML: what is wrong with it is said by whoever reads it strictly. */
function looselyRead(text: string): Json | undefined {
  try {
    return (
      text.trimStart().startsWith("{") ? JSON.parse(text) : parse(text, { maxAliasCount: ALIASES_MAX, uniqueKeys: false })
    ) as Json;
  } catch {
    return undefined;
  }
}

/** An address that a person typed may be of this machine: exactly that host and port are open for it. */
async function fromUrl(target: string, wanted: ServiceImport): Promise<Imported> {
  const { hostname, port, protocol } = new URL(target);
  const place = `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
  await using gate = openGate(readPolicy([place]));
  const answer = await gate.request({
    method: "GET",
    url: target,
    headers: { accept: "application/json, application/yaml, */*" },
  });
  const api = answer.status < 300 ? looselyRead(Buffer.from(answer.body).toString("utf8")) : undefined;
  if (api === undefined || !isOpenApi(api))
    throw servicesProblems.SERVICE_IMPORT_FAILED(`${target} answers ${answer.status} and gives no OpenAPI document.`, {
      fix: "Name the document's own address; of an MCP server say --mcp; of an OpenAI-compatible one: baton services add openai-compatible --base-url URL.",
    });
  return fromOpenApi(api, target, wanted);
}

/** A document from elsewhere does not open this machine: a private server that is not its own is to be named by a person. */
function fromOpenApi(document: Json, url: string, { name, baseUrl }: ServiceImport): Imported {
  const named = { ...(name === undefined ? {} : { name }), ...(baseUrl === undefined ? {} : { baseUrl }) };
  const definition = definitionOfOpenApi({ document, url, ...named });
  const service = serviceOfDocument(definition);
  const isItsOwn = /^https?:/.test(url) && service.baseUrl !== null && new URL(url).host === new URL(service.baseUrl).host;
  if (/^https?:/.test(url) && service.isLocal && !isItsOwn && baseUrl === undefined)
    throw servicesProblems.SERVICE_IMPORT_FAILED(`${url} says its service is at ${service.baseUrl}, which is of this network.`, {
      fix: "If that is meant, say so: --base-url URL.",
    });
  return { definition, source: url };
}

function stdioServer([command = "", ...args]: readonly string[]): Json {
  return { command, args };
}

async function fromMcp(name: string, server: Json, source: string): Promise<Imported> {
  const bare = { service: name, category: "tools", mcp: server, operations: {} };
  const operations = (await openMcp.operations(serviceOfDocument(bare))) ?? {};
  return { definition: definitionOfMcp({ name, server, operations }), source };
}
