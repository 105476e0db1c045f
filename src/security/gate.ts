// The egress gate: the one door through which calls go out.
//
// A name is resolved once and the connection goes to exactly the addresses that were checked; every redirect is a fresh
// decision; what comes back is bounded in bytes, after decoding, and in time.

import { lookup as systemLookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { Agent, type Dispatcher } from "undici";
import { isProblemError } from "../base/problem.ts";
import { type Destination, type EgressPolicy, readDestination, requireAddresses } from "./egress.ts";
import { securityProblems } from "./problems.ts";

export interface EgressRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | null;
  /** `stop` gives a redirect as it is. */
  readonly redirect?: "follow" | "stop";
  readonly signal?: AbortSignal;
  /** Whoever gives the signal bounds the whole in time: totalMs does not count. */
  readonly isTimed?: boolean;
  /** Names of header fields that are credentials, beside those that always are. */
  readonly credentialHeaders?: readonly string[];
  /** Looks at every hop before it is sent, and throws what refuses it. */
  readonly inspect?: (hop: EgressHop) => void;
}

export interface EgressResponse {
  readonly status: number;
  /** Names in lower case; fields that come several times are joined. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded. */
  readonly body: Uint8Array;
  /** Where it came from in the end. */
  readonly url: string;
}

export interface GateLimits {
  readonly connectMs: number;
  readonly headersMs: number;
  /** Between two pieces of a body. */
  readonly idleMs: number;
  readonly totalMs: number;
  readonly redirectsMax: number;
  /** Decoded. */
  readonly responseBytesMax: number;
}

export const GATE_LIMITS: GateLimits = {
  connectMs: 10_000,
  headersMs: 60_000,
  idleMs: 30_000,
  totalMs: 300_000,
  redirectsMax: 5,
  responseBytesMax: 10 << 20,
};

export interface GateOptions {
  readonly lookup?: (host: string) => Promise<readonly string[]>;
  readonly limits?: Partial<GateLimits>;
  /** PEM of certificates that are trusted instead of those that come with Node. */
  readonly trust?: string;
}

/** An answer that is still coming: its body is read once, or given up by leaving the loop. */
export interface EgressStream extends Omit<EgressResponse, "body"> {
  /** Decoded, bounded as every body is. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface EgressGate extends AsyncDisposable {
  /** Gives what was answered, whatever the status. Throws EGRESS_… problems. */
  request(request: EgressRequest): Promise<EgressResponse>;
  /** The same, with the body as it comes. */
  open(request: EgressRequest): Promise<EgressStream>;
}

export function openGate(policy: EgressPolicy, options: GateOptions = {}): EgressGate {
  const limits = { ...GATE_LIMITS, ...options.limits };
  const lookup = options.lookup ?? resolve;
  const agents = agentPool(limits, options.trust);
  const hop = async (request: EgressHop, signal: AbortSignal, inspect?: EgressRequest["inspect"]): Promise<Answer> => {
    inspect?.(request);
    const destination = readDestination(request.url, policy);
    const addresses = isIP(destination.host) === 0 ? await lookedUp(lookup, destination) : [destination.host];
    requireAddresses(destination, addresses);
    return await exchange(agents.to(destination.url.origin, addresses), destination, request, limits, signal);
  };
  const send = (request: EgressRequest): Promise<Followed> => follow(prepared(request), request, limits, hop);
  return {
    async open(request) {
      const { answer, late } = await send(request);
      const { status, headers, url, body } = answer;
      return { status, headers, url, body: late === null ? body : late.over(body) };
    },
    async request(request) {
      const { answer, late } = await send(request);
      const { status, headers, url } = answer;
      try {
        return { status, headers, url, body: await answer.whole() };
      } catch (error) {
        throw late?.reasonFor(error) ?? error;
      } finally {
        late?.end();
      }
    },
    [Symbol.asyncDispose]: () => agents.close(),
  };
}

/** Connections are kept for the next call to the same addresses, of so many places at most; the longest unused leave. */
const AGENTS_MAX = 64;

/** Connections to one place; more calls wait for one. */
const CONNECTIONS_MAX = 256;

interface AgentPool {
  to(origin: string, addresses: readonly string[]): Agent;
  close(): Promise<void>;
}

function agentPool(limits: GateLimits, trust: string | undefined): AgentPool {
  const agents = new Map<string, Agent>();
  return {
    to(origin, addresses) {
      const key = `${origin} ${addresses.toSorted().join(" ")}`;
      const agent = agents.get(key) ?? pinnedAgent(addresses, limits, trust);
      agents.delete(key);
      agents.set(key, agent);
      const [oldest] = agents;
      if (agents.size > AGENTS_MAX && oldest !== undefined) {
        agents.delete(oldest[0]);
        oldest[1].close().catch(() => undefined); // once what is under way there has ended
      }
      return agent;
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
      agents.clear();
    },
  };
}

/** All addresses, of both families. */
async function resolve(host: string): Promise<readonly string[]> {
  return (await systemLookup(host, { all: true, verbatim: true })).map(({ address }) => address);
}

async function lookedUp(lookup: (host: string) => Promise<readonly string[]>, { host }: Destination): Promise<readonly string[]> {
  try {
    return await lookup(host);
  } catch (error) {
    throw securityProblems.EGRESS_UNREACHABLE(`${host} is not known: ${reasonOf(error)}.`, { facts: { isSent: false } });
  }
}

/** Connects to these addresses and no other, whatever the name says by then. */
function pinnedAgent(addresses: readonly string[], { connectMs, headersMs, idleMs }: GateLimits, trust?: string): Agent {
  const all = addresses.map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 }));
  return new Agent({
    connect: {
      timeout: connectMs,
      ...(trust === undefined ? {} : { ca: trust }),
      lookup: (_host, options, callback) => {
        const [first] = all;
        if (typeof options === "object" && options.all === true) callback(null, all);
        else callback(null, first?.address ?? "", first?.family);
      },
    },
    headersTimeout: headersMs,
    bodyTimeout: idleMs,
    pipelining: 1,
    connections: CONNECTIONS_MAX,
  });
}

// A request, made sure of before anything is sent.

/** Names of headers in lower case. */
export interface EgressHop {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Fields that are the connection's business. */
const OWN_HEADERS = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "upgrade",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "proxy-connection",
]);

function prepared({ method, url, headers = {}, body = null }: EgressRequest): EgressHop {
  if (!TOKEN.test(method)) throw invalid(`${JSON.stringify(method.slice(0, 40))} is no method`);
  const made: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!TOKEN.test(name)) throw invalid(`${JSON.stringify(name.slice(0, 60))} is no name of a header field`);
    if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value))
      throw invalid(`Header field ${name} has characters that it must not have`);
    if (!OWN_HEADERS.has(name.toLowerCase())) made[name.toLowerCase()] = Buffer.from(value).toString("latin1");
  }
  made["accept-encoding"] ??= "gzip, deflate, br";
  made["user-agent"] ??= "baton";
  return { method: method.toUpperCase(), url, headers: made, body };
}

function invalid(sentence: string): Error {
  return securityProblems.EGRESS_REQUEST_INVALID(`${sentence}.`);
}

// Hops.

const CREDENTIALS = ["authorization", "cookie", "proxy-authorization", "x-api-key", "api-key", "x-auth-token"];

type Answer = EgressStream & {
  readonly location: string | null;
  /** The whole body at once. */
  whole(): Promise<Uint8Array>;
};

interface Followed {
  readonly answer: Answer;
  /** Null where others see to the time. */
  readonly late: Lateness | null;
}

async function follow(
  first: EgressHop,
  { redirect = "follow", signal, isTimed = false, credentialHeaders, inspect }: EgressRequest,
  limits: GateLimits,
  hop: (request: EgressHop, signal: AbortSignal, inspect: EgressRequest["inspect"]) => Promise<Answer>,
): Promise<Followed> {
  const late = isTimed && signal !== undefined ? null : new Lateness(limits, first.url, signal);
  const given = late?.signal ?? (signal as AbortSignal);
  let request = first;
  try {
    for (let hops = 0; ; hops++) {
      const answer = await hop(request, given, inspect);
      const { location, body } = answer;
      if (location === null || redirect === "stop") return { answer, late };
      for await (const _ of body) break; // what a redirect says besides is of no use
      if (hops === limits.redirectsMax)
        throw securityProblems.EGRESS_REDIRECTS(`${first.url} redirects more than ${limits.redirectsMax} times (redirectsMax).`);
      request = redirected(request, answer.status, location, new Set([...CREDENTIALS, ...lowerCase(credentialHeaders)]));
    }
  } catch (error) {
    late?.end();
    throw late === null ? (given.aborted ? given.reason : error) : late.reasonFor(error);
  }
}

function lowerCase(names: readonly string[] = []): string[] {
  return names.map((name) => name.toLowerCase());
}

/** The time that a call may take from its first hop to the end of its body; and whoever gives it up before. */
class Lateness {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #given: AbortSignal | undefined;
  readonly #sentence: string;
  readonly #giveUp = (): void => this.#controller.abort(this.#given?.reason);
  #isLate = false;

  constructor({ totalMs }: GateLimits, url: string, given: AbortSignal | undefined) {
    this.#given = given;
    this.#sentence = `${hostOf(url)} did not answer within ${totalMs} ms (totalMs).`;
    if (given?.aborted === true) this.#giveUp();
    given?.addEventListener("abort", this.#giveUp, { once: true });
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this.#controller.abort();
    }, totalMs);
    this.#timer.unref();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#given?.removeEventListener("abort", this.#giveUp);
  }

  reasonFor(error: unknown): unknown {
    if (this.#given?.aborted === true) return this.#given.reason;
    return this.#isLate ? securityProblems.EGRESS_TIMEOUT(this.#sentence) : error;
  }

  async *over(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw this.reasonFor(error);
    } finally {
      this.end();
    }
  }
}

/** As browsers do: 303, and 301 and 302 after a POST, are fetched anew by GET; another origin gets no credentials. */
function redirected(request: EgressHop, status: number, location: string, secrets: ReadonlySet<string>): EgressHop {
  const from = new URL(request.url);
  let to: URL;
  try {
    to = new URL(location, from);
  } catch {
    throw securityProblems.EGRESS_URL_INVALID(
      `${from.host} redirects to ${JSON.stringify(location.slice(0, 200))}, which is no URL.`,
    );
  }
  const carries = Object.keys(request.headers).some((name) => secrets.has(name));
  if (from.protocol === "https:" && to.protocol === "http:" && carries)
    throw securityProblems.EGRESS_DENIED(`${from.host} redirects to plain http, and the call carries credentials.`, {
      fix: "Call the http address without credentials, or mend the service.",
    });
  const becomesGet = status === 303 ? request.method !== "HEAD" : (status === 301 || status === 302) && request.method === "POST";
  const kept = Object.entries(request.headers).filter(
    ([name]) => (to.origin === from.origin || HARMLESS.test(name)) && !(becomesGet && name.startsWith("content-")),
  );
  return {
    method: becomesGet ? "GET" : request.method,
    url: to.href,
    headers: Object.fromEntries(kept),
    body: becomesGet ? null : request.body,
  };
}

/** Fields that another origin may see: whatever else a call carries may be a credential. */
const HARMLESS = /^(accept(-\w+)?|content-(type|language|encoding)|user-agent|cache-control|if-[\w-]+|range)$/;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

async function exchange(
  agent: Agent,
  { url }: Destination,
  request: EgressHop,
  limits: GateLimits,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const response = await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: request.method as Dispatcher.HttpMethod,
      headers: request.headers,
      body: request.body,
      signal,
    });
    const headers = joined(response.headers);
    const location = REDIRECTS.has(response.statusCode) ? (headers.location ?? null) : null;
    return new Answered(response, headers, location, { url, limits, signal });
  } catch (error) {
    throw isProblemError(error) || signal.aborted ? error : unreachable(error, url, limits);
  }
}

interface AnsweredBy {
  readonly url: URL;
  readonly limits: GateLimits;
  readonly signal: AbortSignal;
}

class Answered implements Answer {
  readonly #response: Dispatcher.ResponseData;
  readonly #by: AnsweredBy;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly location: string | null;

  constructor(
    response: Dispatcher.ResponseData,
    headers: Readonly<Record<string, string>>,
    location: string | null,
    by: AnsweredBy,
  ) {
    this.#response = response;
    this.#by = by;
    this.status = response.statusCode;
    this.headers = headers;
    this.location = location;
  }

  get url(): string {
    return this.#by.url.href;
  }

  get body(): AsyncIterable<Uint8Array> {
    const { url, limits, signal } = this.#by;
    const encodings = this.headers["content-encoding"] ?? "";
    return explained(readBody(this.#response.body, encodings, limits.responseBytesMax), url, limits, signal);
  }

  /** What says how long it is, and is not too long, is taken as it is: piece by piece costs more. */
  async whole(): Promise<Uint8Array> {
    const { url, limits, signal } = this.#by;
    const length = Number(this.headers["content-length"] ?? Number.NaN);
    if (this.headers["content-encoding"] !== undefined || !(length <= limits.responseBytesMax)) {
      const parts: Uint8Array[] = [];
      for await (const part of this.body) parts.push(part);
      return Buffer.concat(parts);
    }
    try {
      return await this.#response.body.bytes();
    } catch (error) {
      throw signal.aborted ? error : unreachable(error, url, limits);
    }
  }
}

async function* explained(
  body: AsyncIterable<Uint8Array>,
  url: URL,
  limits: GateLimits,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw isProblemError(error) || signal.aborted ? error : unreachable(error, url, limits);
  }
}

function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const made: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name === "__proto__") continue;
    made[name.toLowerCase()] = Array.isArray(value) ? value.join(name.toLowerCase() === "set-cookie" ? "\n" : ", ") : value;
  }
  return made;
}

const DECODERS: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
};

/** Encodings on top of one another. */
const ENCODINGS_MAX = 2;

async function* readBody(body: Readable, encodings: string, bytesMax: number): AsyncGenerator<Uint8Array> {
  const names = encodings
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "identity");
  body.on("error", () => undefined); // what is thrown away half read complains; whoever reads it is told
  const tooMany = names.length > ENCODINGS_MAX;
  const unknown = names.find((name) => !Object.hasOwn(DECODERS, name));
  if (tooMany || unknown !== undefined) {
    body.destroy();
    throw securityProblems.EGRESS_UNREACHABLE(
      tooMany ? `The answer is encoded ${names.length} times over.` : `The answer is encoded as ${unknown}, which is not known.`,
    );
  }
  let stream: NodeJS.ReadableStream = body;
  const opened: { destroy(): void }[] = [body];
  for (const name of names.toReversed()) {
    const decoder = DECODERS[name]?.() as NodeJS.ReadWriteStream & { destroy(error?: Error): void };
    const source = stream as Readable;
    source.on("error", (error: Error) => decoder.destroy(error));
    stream = source.pipe(decoder);
    opened.push(decoder);
  }
  let size = 0;
  try {
    for await (const part of stream) {
      size += (part as Buffer).length;
      if (size > bytesMax)
        throw securityProblems.EGRESS_RESPONSE_TOO_LARGE(`The answer has more than ${bytesMax} bytes (responseBytesMax).`);
      yield part as Buffer;
    }
  } finally {
    for (const one of opened) one.destroy();
  }
}

function unreachable(error: unknown, url: URL, limits: GateLimits): Error {
  const code = (error as { code?: string }).code ?? "";
  if (code === "UND_ERR_CONNECT_TIMEOUT")
    return securityProblems.EGRESS_TIMEOUT(`${url.host} could not be connected to within ${limits.connectMs} ms (connectMs).`, {
      facts: { isSent: false },
    });
  if (code === "UND_ERR_HEADERS_TIMEOUT")
    return securityProblems.EGRESS_TIMEOUT(`${url.host} did not begin to answer within ${limits.headersMs} ms (headersMs).`);
  if (code === "UND_ERR_BODY_TIMEOUT")
    return securityProblems.EGRESS_TIMEOUT(`${url.host} fell silent for ${limits.idleMs} ms while it answered (idleMs).`);
  const facts = NEVER_SENT.has(code) || NEVER_SENT.has(innerCode(error)) ? { facts: { isSent: false } } : {};
  return securityProblems.EGRESS_UNREACHABLE(`${url.host}: ${reasonOf(error)}.`, facts);
}

/** Nobody got anything of the call. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

function innerCode(error: unknown): string {
  const { errors, cause } = error as { errors?: unknown[]; cause?: unknown };
  return String(((errors?.[0] ?? cause) as { code?: string } | undefined)?.code ?? "");
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "the connection was cut",
  ENOTFOUND: "there is no such name",
  EAI_AGAIN: "the name service does not answer",
  EHOSTUNREACH: "there is no way to it",
  ENETUNREACH: "there is no network to it",
  UND_ERR_SOCKET: "the connection was cut",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is signed by itself",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate cannot be verified",
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
};

function reasonOf(error: unknown): string {
  const {
    code = "",
    message = "",
    cause,
    errors,
  } = error as { code?: string; message?: string; cause?: unknown; errors?: unknown[] };
  const known = REASONS[code];
  if (known !== undefined) return known;
  const [inner] = errors ?? [cause];
  if (inner !== undefined && inner !== error) return reasonOf(inner);
  return message.replace(/\.$/, "") || code || "it failed";
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
