// What documents reach of the world: HTTP through the egress gate, secrets of the environment, functions that were
// loaded. One for the process, as its environment is.

import { parse } from "yaml";
import type { Json } from "../base/json.ts";
import { type EgressGate, openGate, readPolicy } from "../security.ts";
import { planOperation, servicesProblems } from "../services.ts";

import { type Doer, fullName, type HttpAnswer, type HttpCall, type Workflow } from "../workflow.ts";

const workflows = new Map<string, Workflow>();
const allowed = new Set<string>();
let gate: EgressGate | null = null;

/** A workflow that documents may call as a function. */
export function offerFunction(workflow: Workflow): void {
  workflows.set(fullName(workflow), workflow);
}

/** Opens the gate for private or loopback hosts, `HOST` or `HOST:PORT`. Throws EGRESS_POLICY_INVALID. */
export function allowHosts(hosts: readonly string[]): void {
  readPolicy(hosts);
  for (const host of hosts) allowed.add(host);
  gate = null;
}

function openedGate(): EgressGate {
  const fromEnvironment = (process.env.BATON_ALLOW ?? "").split(",").map((host) => host.trim());
  gate ??= openGate(readPolicy([...allowed, ...fromEnvironment.filter((host) => host !== "")]));
  return gate;
}

export const outside: Doer = {
  http: (call, abortSignal) => send(call, abortSignal),
  operation: (text, url, operationId, parameters) => planOperation(readDescription(text, url), url, operationId, parameters),
  secret: (name) => secretNamed(name),
  function: (name) => functionNamed(name),
};

async function send({ isRedirected, ...call }: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
  return await openedGate().request({
    ...call,
    ...(call.body === null ? { body: "" } : { body: call.body }),
    redirect: isRedirected ? "follow" : "stop",
    signal,
  });
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

/** `BATON_SECRET_<NAME>`: as it is written, or in capitals with `_` for what is no letter or digit. */
function secretNamed(name: string): Json | undefined {
  const capitals = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .toUpperCase();
  const names = [name, name.toUpperCase(), capitals].map((one) => `BATON_SECRET_${one}`);
  const text = names.map((one) => process.env[one]).find((one) => one !== undefined);
  if (text === undefined || !/^\s*\{/.test(text)) return text;
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
