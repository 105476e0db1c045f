// Finding services: the well-known ports of this machine and of hosts that are named are asked, and who answers is
// recognised by what it says.

import type { Json } from "../base/json.ts";
import type { EgressRequest, EgressResponse } from "../security.ts";
import { CATALOGUE } from "./catalogue.ts";
import type { CatalogueEntry } from "./catalogue-entry.ts";
import type { ServiceDocument } from "./definition.ts";

export interface Discovered {
  readonly entry: string;
  readonly title: string;
  readonly baseUrl: string;
  /** What `add` would add. */
  readonly document: ServiceDocument;
}

export interface Looking {
  /** One request to exactly this host and port. Throws where nobody answers. */
  readonly ask: (host: string, port: number, request: EgressRequest) => Promise<EgressResponse>;
}

const PROBE_MS = 1_500;

/** Hosts of one search: protects a network from being swept. */
export const HOSTS_MAX = 32;

/** Every port that an entry of the catalogue usually listens at. */
function knownPorts(): number[] {
  return [...new Set([...CATALOGUE.values()].flatMap(({ ports }) => ports))];
}

/** `hosts`: `HOST` for all known ports, `HOST:PORT` for one. Nothing is found where nothing is recognised. */
export async function discover(hosts: readonly string[], looking: Looking): Promise<Discovered[]> {
  const places = hosts.slice(0, HOSTS_MAX).flatMap((written) => {
    const [, host = written, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(written) ?? [];
    return (port === undefined ? knownPorts() : [Number(port)]).map((one) => ({ host, port: one, isNamed: port !== undefined }));
  });
  const found = await Promise.all(places.map((place) => recognise(place, looking)));
  return named(found.filter((one) => one !== null));
}

interface Place {
  readonly host: string;
  readonly port: number;
  /** A port that was named may have anything; a known one has who is known to listen there. */
  readonly isNamed: boolean;
}

async function recognise({ host, port, isNamed }: Place, looking: Looking): Promise<Discovered | null> {
  const answers = new Map<string, Promise<EgressResponse | null>>();
  const get = (path: string): Promise<EgressResponse | null> => {
    const asked = answers.get(path) ?? ask(host, port, path, looking);
    answers.set(path, asked);
    return asked;
  };
  if ((await get("/")) === null) return null; // nobody is there
  for (const entry of CATALOGUE.values()) {
    const { probe, ports } = entry;
    if (probe === null || !(isNamed || ports.includes(port))) continue;
    const answer = await get(probe.path);
    if (answer === null || answer.status >= 300) continue;
    if (probe.isIt(readLoosely(answer.body), answer.headers))
      return discovered(entry, `http://${host}:${port}${probe.basePath ?? ""}`);
  }
  return null;
}

async function ask(host: string, port: number, path: string, looking: Looking): Promise<EgressResponse | null> {
  try {
    return await looking.ask(host, port, {
      method: "GET",
      url: `http://${host}:${port}${path}`,
      headers: { accept: "application/json" },
      redirect: "stop",
      signal: AbortSignal.timeout(PROBE_MS),
    });
  } catch {
    return null;
  }
}

function readLoosely(body: Uint8Array): Json {
  const text = Buffer.from(body).toString("utf8");
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function discovered({ id, title, baseUrl: usual }: CatalogueEntry, baseUrl: string): Discovered {
  const config = baseUrl === usual ? {} : { config: { baseUrl } };
  return { entry: id, title, baseUrl, document: { service: id.replaceAll(".", "-"), uses: id, ...config } };
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
