// The egress gate: the one door through which calls go out.
//
// Owns:      which destinations are open, names and their addresses, redirects, the time of the whole.
// Leaves to: exchange.ts  connections, and what comes over the wire.
//
//  1. A name is resolved once, and the connection goes to exactly the addresses that were checked.
//  2. Every redirect is a fresh decision; another origin gets no credentials.

import { lookup as systemLookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Destination, type EgressPolicy, quotedUrl, readDestination, requireAddresses } from "./egress.ts";
import { type Answer, exchange, type GateLimits, openConnections, reasonOf } from "./exchange.ts";
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
  const connections = openConnections(limits, options.trust);
  const destinationOf = rememberedDestinations(policy);
  const connect = (request: EgressHop, { url }: Destination, addresses: readonly string[], signal: AbortSignal) => {
    const { method, headers, body } = request;
    return exchange(connections.to(url.origin, addresses), { method, headers, body, url }, limits, signal);
  };
  const hop = (request: EgressHop, signal: AbortSignal, inspect?: EgressRequest["inspect"]): Promise<Answer> => {
    inspect?.(request);
    const to = destinationOf(request.url);
    if (isIP(to.host) !== 0) return connect(request, to, [to.host], signal);
    return lookedUp(lookup, to).then((addresses) => {
      requireAddresses(to, addresses); // 1
      return connect(request, to, addresses, signal);
    });
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
    [Symbol.asyncDispose]: () => connections.close(),
  };
}

/** URLs that are remembered as they were read: what a policy says of one never changes. */
const REMEMBERED_MAX = 64;

function rememberedDestinations(policy: EgressPolicy): (url: string) => Destination {
  const remembered = new Map<string, Destination>();
  return (url) => {
    const known = remembered.get(url);
    if (known !== undefined) return known;
    const read = readDestination(url, policy);
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(url, read);
    return read;
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
    throw securityProblems.EGRESS_UNREACHABLE(`${host} is not known: ${reasonOf(error)}.`, { facts: { wasSent: false } });
  }
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
    const lowered = name.toLowerCase();
    if (!OWN_HEADERS.has(lowered)) made[lowered] = PLAIN.test(value) ? value : requireWritable(name, value);
  }
  made["accept-encoding"] ??= "gzip, deflate, br";
  made["user-agent"] ??= "baton";
  return { method: method.toUpperCase(), url, headers: made, body };
}

const PLAIN = /^[\t\x20-\x7e]*$/;

/** As bytes of UTF-8. */
function requireWritable(name: string, value: string): string {
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value))
    throw invalid(`Header field ${name} has characters that it must not have`);
  return Buffer.from(value).toString("latin1");
}

function invalid(sentence: string): Error {
  return securityProblems.EGRESS_REQUEST_INVALID(`${sentence}.`);
}

// Hops.

const CREDENTIALS = ["authorization", "cookie", "proxy-authorization", "x-api-key", "api-key", "x-auth-token"];

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
      const { location } = answer;
      if (location === null || redirect === "stop") return { answer, late };
      answer.drop(); // what a redirect says besides is of no use, and may never come
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
    throw securityProblems.EGRESS_URL_INVALID(`${from.host} redirects to ${quotedUrl(location)}, which is no URL.`);
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

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
