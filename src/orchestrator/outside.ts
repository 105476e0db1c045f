// What documents reach of the world: HTTP through the egress gate, secrets of the environment, functions that were
// loaded. One for the process, as its environment is.

import { parse } from "yaml";
import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import {
  type EgressGate,
  type EgressHop,
  type EgressRequest,
  type EgressResponse,
  isMetadataHost,
  openGate,
  readPolicy,
  securityProblems,
  type Vault,
} from "../security.ts";
import { McpConnections, planOperation, type Reach, type Service, servicesProblems } from "../services.ts";
import { type Doer, fullName, type HttpAnswer, type HttpCall, masked, type Workflow } from "../workflow.ts";

const workflows = new Map<string, Workflow>();
const allowed = new Set<string>();
let gate: EgressGate | null = null;
let vault: Vault | null = null;

/** Gates for services, each open to its own host and port besides. Connections that nobody uses close by themselves. */
let gates = new WeakMap<Service, EgressGate>();

/** Secrets that were used in this process, and are for some hosts only. */
const bound = new Map<string, { readonly value: string; readonly hosts: readonly string[] }>();

/** Where secrets are looked for before the environment. */
export function useSecrets(secrets: Vault): void {
  vault = secrets;
}

/** Told of what is refused for security's sake; null while nobody keeps it. */
let audit: ((what: string, facts: Json) => void) | null = null;

/** Where refusals are kept, as long as this is not disposed. */
export function useAudit(keep: (what: string, facts: Json) => void): Disposable {
  audit = keep;
  return {
    [Symbol.dispose]() {
      if (audit === keep) audit = null;
    },
  };
}

/** Refusals are kept; the address without its query, where secrets may be. */
async function audited<T>({ url, method }: { readonly url: string; readonly method: string }, calling: Promise<T>): Promise<T> {
  try {
    return await calling;
  } catch (error) {
    if (isProblemError(error) && REFUSALS.has(error.code))
      audit?.("egress-denied", {
        code: error.code,
        method,
        url: url.replace(/[?#].*$/s, "").slice(0, 300),
        why: error.problem.detail,
      });
    throw error;
  }
}

const REFUSALS = new Set(["EGRESS_DENIED", "EGRESS_URL_INVALID", "EGRESS_REQUEST_INVALID"]);

/** A workflow that documents may call as a function. */
export function offerFunction(workflow: Workflow): void {
  workflows.set(fullName(workflow), workflow);
}

/** Opens the gate for private or loopback hosts, `HOST` or `HOST:PORT`. Throws EGRESS_POLICY_INVALID. */
export function allowHosts(hosts: readonly string[]): void {
  readPolicy(hosts);
  for (const host of hosts) allowed.add(host);
  gate = null;
  gates = new WeakMap();
}

function openedGate(): EgressGate {
  gate ??= openGate(readPolicy([...allowed, ...allowedByEnvironment()]));
  return gate;
}

function allowedByEnvironment(): string[] {
  const hosts = (process.env.BATON_ALLOW ?? "").split(",").map((host) => host.trim());
  return hosts.filter((host) => host !== "");
}

/** How services are reached: each at its own address, with secrets of this directory. */
export function reachServices(): Reach {
  return {
    open: (request, service) =>
      audited(request, gateOf(service.baseUrl ?? "", service).open({ ...request, inspect: requireBound })),
    request: (request, service) =>
      audited(request, gateOf(service.baseUrl ?? "", service).request({ ...request, inspect: requireBound })),
    secret: (name) => secretNamed(name),
    maySend: (name, url) => isFor(bound.get(name)?.hosts ?? [], new URL(url)),
    ...openMcp.reach,
  };
}

/** Connections to MCP servers of this process. */
export const openMcp = new McpConnections((request, service) => {
  const { mcp } = service;
  return gateOf(mcp !== null && "url" in mcp ? mcp.url : "", service).open({ ...request, inspect: requireBound });
});

/** Who uses these connections: they are closed when nobody does. */
let holders = 0;

export function holdMcp(): AsyncDisposable {
  holders++;
  return {
    async [Symbol.asyncDispose]() {
      if (--holders === 0) await openMcp.close();
    },
  };
}

function gateOf(baseUrl: string, service: Service): EgressGate {
  const known = gates.get(service);
  if (known !== undefined) return known;
  const { hostname, port, protocol } = new URL(baseUrl);
  const place = `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
  const own = isMetadataHost(hostname) ? [] : [place]; // what a definition names is open, but never that
  const made = openGate(readPolicy([...allowed, ...allowedByEnvironment(), ...own]), {
    limits: {
      responseBytesMax: service.limits.answerBytesMax,
      ...{ headersMs: SERVICE_MS_MAX, idleMs: SERVICE_MS_MAX, totalMs: SERVICE_MS_MAX },
    },
  });
  gates.set(service, made);
  return made;
}

/** Attempts at services have limits of their own; this is for those that have none. */
const SERVICE_MS_MAX = 3_600_000;

/** One request to exactly this host and port, to see who is there. */
export async function lookAt(host: string, port: number, request: EgressRequest): Promise<EgressResponse> {
  await using narrow = openGate(readPolicy([`${host}:${port}`]), {
    limits: { responseBytesMax: LOOK_BYTES_MAX, connectMs: 1_000 },
  });
  return await narrow.request(request);
}

const LOOK_BYTES_MAX = 1 << 20;

export const outside: Doer = {
  http: (call, abortSignal) => send(call, abortSignal),
  operation: (text, url, operationId, parameters) => planOperation(readDescription(text, url), url, operationId, parameters),
  secret: (name) => secretNamed(name),
  function: (name) => functionNamed(name),
};

async function send({ isRedirected, ...call }: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
  const request = {
    ...call,
    ...(call.body === null ? { body: "" } : { body: call.body }),
    redirect: isRedirected ? ("follow" as const) : ("stop" as const),
    inspect: requireBound,
    signal,
  };
  return await audited(call, openedGate().request(request));
}

/** A secret that is for some hosts is sent to no other, however it is written. Throws EGRESS_DENIED. */
function requireBound({ url, headers, body }: EgressHop): void {
  if (bound.size === 0 || !URL.canParse(url)) return;
  const place = new URL(url);
  const sent = [url, ...Object.values(headers), basicOf(headers), body === null ? "" : Buffer.from(body).toString("utf8")];
  for (const [name, { value, hosts }] of bound)
    if (!isFor(hosts, place) && isSeen(sent, value))
      throw securityProblems.EGRESS_DENIED(
        `The secret "${name}" is for ${hosts.join(", ")} and may not be sent to ${place.host}.`,
        {
          fix: `\`baton secrets set ${name} --host ${place.host}\` lets it, with the others it is for.`,
        },
      );
}

/** A secret without hosts is for every one. */
function isFor(hosts: readonly string[], { hostname, port, protocol }: URL): boolean {
  const place = `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
  return hosts.length === 0 || hosts.includes(place) || hosts.includes(hostname);
}

/** What stands in a header of basic authentication. */
function basicOf(headers: Readonly<Record<string, string>>): string {
  const [, parameter = ""] = /^Basic (.+)$/.exec(headers.authorization ?? "") ?? [];
  return Buffer.from(parameter, "base64").toString("utf8");
}

/** The same with all secrets that were used here masked. */
export function maskSecrets(value: Json): Json {
  return bound.size === 0
    ? value
    : masked(
        value,
        [...bound.values()].flatMap((one) => textsOf(one.value)),
      );
}

function isSeen(sent: readonly string[], value: string): boolean {
  return JSON.stringify(masked([...sent], textsOf(value))) !== JSON.stringify(sent);
}

/** Of a secret that is an object, its texts. */
function textsOf(value: string): string[] {
  const found = readSecret(value);
  if (typeof found !== "object" || found === null) return [value];
  return Object.values(found).filter((one): one is string => typeof one === "string" && one !== "");
}

const ALIASES_MAX = 100;

/** An OpenAPI document is JSON or YAML. */
function readDescription(text: string, url: string): Json {
  try {
    return (
      text.trimStart().startsWith("{") ? JSON.parse(text) : parse(text, { maxAliasCount: ALIASES_MAX, uniqueKeys: false })
    ) as Json;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw servicesProblems.OPENAPI_INVALID(`${url} is neither JSON nor YAML: ${reason}.`);
  }
}

/** Of the vault; else `BATON_SECRET_<NAME>`: as it is written, or in capitals with `_` for what is no letter or digit. */
export function secretNamed(name: string): Json | undefined {
  const kept = vault?.value(name);
  if (kept !== undefined) {
    const hosts = vault?.list().find((line) => line.name === name)?.hosts ?? [];
    if (hosts.length > 0) bound.set(name, { value: kept, hosts });
    else bound.delete(name);
    return readSecret(kept);
  }
  const text = secretInEnvironment(name);
  return text === undefined ? undefined : readSecret(text);
}

/** Undefined where there is none. */
export function secretInEnvironment(name: string): string | undefined {
  const capitals = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .toUpperCase();
  const names = [name, name.toUpperCase(), capitals].map((one) => `BATON_SECRET_${one}`);
  return names.map((one) => process.env[one]).find((one) => one !== undefined);
}

/** An object where it is written as one, as for user name and password; else text. */
function readSecret(text: string): Json {
  if (!/^\s*\{/.test(text)) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** By `name`, `namespace/name`, either with `@version`; the newest where none is given. */
function functionNamed(text: string): Workflow | null {
  const [, namespace, name, version] = /^(?:([^/@]+)\/)?([^/@]+)(?:@(.+))?$/.exec(text) ?? [];
  const fitting = [...workflows.values()].filter(
    (one) =>
      one.name === name &&
      (namespace === undefined || one.namespace === namespace) &&
      (version === undefined || version === "latest" || one.version === version),
  );
  return fitting.at(-1) ?? null;
}
