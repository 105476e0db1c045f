// Finding services: the well-known ports of this machine and of hosts that are named are asked, and who answers is
// recognised by what it says.

import type { Json } from "../base/json.ts";
import type { EgressRequest, EgressResponse } from "../security.ts";
import { CATALOGUE } from "./catalogue.ts";
import type { CatalogueEntry, Probe } from "./catalogue-entry.ts";
import type { ServiceDocument } from "./definition.ts";

export interface Discovered {
  readonly entry: string;
  readonly title: string;
  readonly baseUrl: string;
  /** Whether it answers only to who has a key. */
  readonly needsKey: boolean;
  /** What `add` would add. */
  readonly document: ServiceDocument;
}

export interface Looking {
  /** One request to exactly this host and port. Throws where nobody answers. */
  readonly ask: (host: string, port: number, request: EgressRequest) => Promise<EgressResponse>;
}

/** What looking at one host came to. */
export interface LookedAt {
  readonly host: string;
  /** `recognised`, somebody who is not known, nobody, or a name that leads nowhere. */
  readonly state: "recognised" | "unrecognised" | "silent" | "unknown";
}

export interface Discovery {
  readonly found: readonly Discovered[];
  readonly looked: readonly LookedAt[];
}

/** Of one request: a host that is not there costs no more. In ms. */
const PROBE_MS = 1_500;

/** Hosts of one search: protects a network from being swept. */
export const HOSTS_MAX = 32;

/** Every port that an entry of the catalogue usually listens at. */
function knownPorts(): number[] {
  return [...new Set([...CATALOGUE.values()].flatMap(({ ports }) => ports))];
}

/** `hosts`: `HOST` for all known ports, `HOST:PORT` for one. Nothing is found where nothing is recognised. */
export async function discover(hosts: readonly string[], looking: Looking): Promise<Discovery> {
  const looks = await Promise.all(hosts.slice(0, HOSTS_MAX).map((host) => lookAtHost(host, looking)));
  return { found: named(looks.flatMap(({ found }) => found)), looked: looks.map(({ looked }) => looked) };
}

async function lookAtHost(written: string, looking: Looking): Promise<{ found: Discovered[]; looked: LookedAt }> {
  const [, host = written, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(written) ?? [];
  const ports = port === undefined ? knownPorts() : [Number(port)];
  const seen = await Promise.all(ports.map((one) => recognise({ host, port: one, isNamed: port !== undefined }, looking)));
  const found = seen.filter((one) => typeof one === "object");
  const isAnswered = seen.includes("unrecognised");
  const state = found.length > 0 ? "recognised" : isAnswered ? "unrecognised" : seen.includes("unknown") ? "unknown" : "silent";
  return { found, looked: { host: written, state } };
}

interface Place {
  readonly host: string;
  readonly port: number;
  /** A port that was named may have anything; a known one has who is known to listen there. */
  readonly isNamed: boolean;
}

async function recognise({ host, port, isNamed }: Place, looking: Looking): Promise<Discovered | Silence | "unrecognised"> {
  const answers = new Map<string, Promise<EgressResponse | Silence>>();
  const get = (path: string): Promise<EgressResponse | Silence> => {
    const asked = answers.get(path) ?? ask(host, port, path, looking);
    answers.set(path, asked);
    return asked;
  };
  const first = await get("/");
  if (typeof first === "string") return first;
  for (const entry of CATALOGUE.values()) {
    const { probe, ports } = entry;
    if (probe === null || !(isNamed || ports.includes(port))) continue;
    const answer = await get(probe.path);
    if (typeof answer === "string" || !isRecognised(entry, probe, answer)) continue;
    return discovered(entry, `http://${host}:${port}${probe.basePath ?? ""}`, answer.status === KEY_NEEDED);
  }
  return "unrecognised";
}

/** The status of a service that answers only to who has a key. */
const KEY_NEEDED = 401;

/** What needs a key to be asked for its models speaks OpenAI's protocol; which of those who do it is, it does not say. */
function isRecognised({ id }: CatalogueEntry, probe: Probe, { status, body, headers }: EgressResponse): boolean {
  if (status === KEY_NEEDED) return id === "openai-compatible" && probe.path === "/v1/models";
  return status < 300 && probe.isIt(readLoosely(body), headers);
}

/** Nobody answers: nobody is there, or the name leads nowhere. */
type Silence = "silent" | "unknown";

async function ask(host: string, port: number, path: string, looking: Looking): Promise<EgressResponse | Silence> {
  const late = AbortSignal.timeout(PROBE_MS);
  const { promise: over, resolve } = Promise.withResolvers<Silence>();
  late.addEventListener("abort", () => resolve("silent")); // looking up a name cannot be given up
  const asking = looking.ask(host, port, {
    method: "GET",
    url: `http://${host}:${port}${path}`,
    headers: { accept: "application/json" },
    redirect: "stop",
    signal: late,
  });
  try {
    return await Promise.race([asking, over]);
  } catch (error) {
    return isUnknownName(error) ? "unknown" : "silent";
  }
}

function isUnknownName(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause)
    if (["ENOTFOUND", "EAI_AGAIN"].includes(String((one as NodeJS.ErrnoException).code))) return true;
  return error instanceof Error && error.message.includes("there is no such name");
}

function readLoosely(body: Uint8Array): Json {
  const text = Buffer.from(body).toString("utf8");
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function discovered({ id, title, baseUrl: usual }: CatalogueEntry, baseUrl: string, needsKey: boolean): Discovered {
  const config = baseUrl === usual ? {} : { config: { baseUrl } };
  return { entry: id, title, baseUrl, needsKey, document: { service: id.replaceAll(".", "-"), uses: id, ...config } };
}

/** Two of one kind get names of their own. */
function named(found: readonly Discovered[]): Discovered[] {
  const seen = new Map<string, number>();
  return found.map((one) => {
    const count = (seen.get(one.entry) ?? 0) + 1;
    seen.set(one.entry, count);
    if (count === 1) return one;
    return { ...one, document: { ...one.document, service: `${one.document.service}-${count}` } };
  });
}
