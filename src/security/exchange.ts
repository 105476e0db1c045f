// One exchange over the wire: connections to addresses that were checked, a request, and an answer bounded in bytes and
// time.
//
//  1. A connection goes to the addresses it was made for, whatever their name says by then.
//  2. An answer is held as far as its reader is behind, up to HELD_BYTES_MAX; then the sender waits.
//  3. Bytes are counted after decoding, before anybody is given them.

import { isIP } from "node:net";
import { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { type Dispatcher, Pool } from "undici";
import { isProblemError } from "../base/problem.ts";
import { securityProblems } from "./problems.ts";

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

// Connections.

/** Connections are kept for the next call to the same addresses, of so many places at most; the longest unused leave. */
const PLACES_MAX = 64;

/** Connections to one place; more calls wait for one. */
const CONNECTIONS_MAX = 256;

export interface Connections {
  to(origin: string, addresses: readonly string[]): Pool;
  close(): Promise<void>;
}

/** `trust`: PEM of certificates that are trusted instead of those that come with Node. */
export function openConnections(limits: GateLimits, trust: string | undefined): Connections {
  const pools = new Map<string, Pool>();
  let newest = "";
  return {
    to(origin, addresses) {
      const key = `${origin} ${addresses.length === 1 ? addresses[0] : addresses.toSorted().join(" ")}`;
      const pool = pools.get(key) ?? pinnedPool(origin, addresses, limits, trust);
      if (key === newest) return pool;
      newest = key;
      pools.delete(key);
      pools.set(key, pool);
      const [oldest] = pools;
      if (pools.size > PLACES_MAX && oldest !== undefined) {
        pools.delete(oldest[0]);
        oldest[1].close().catch(() => undefined); // once what is under way there has ended
      }
      return pool;
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
      newest = "";
    },
  };
}

function pinnedPool(
  origin: string,
  addresses: readonly string[],
  { connectMs, headersMs, idleMs }: GateLimits,
  trust: string | undefined,
): Pool {
  const all = addresses.map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 }));
  return new Pool(origin, {
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

// The exchange.

export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
}

/** An answer whose head has come. Its body is read once: bit by bit, or as a whole. */
export interface Answer {
  readonly status: number;
  /** Names in lower case; fields that come several times are joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly url: string;
  /** Where it redirects to; null where it does not. */
  readonly location: string | null;
  /** Decoded. Leaving the loop gives up what has not come. */
  readonly body: AsyncIterable<Uint8Array>;
  whole(): Promise<Uint8Array>;
  /** Gives up what has not come. */
  drop(): void;
}

/** Resolves with the head. Rejects with EGRESS_UNREACHABLE, EGRESS_TIMEOUT, or the signal's own reason. */
export function exchange(pool: Pool, request: WireRequest, limits: GateLimits, signal: AbortSignal): Promise<Answer> {
  const { url, method, headers, body } = request;
  const incoming = new Incoming(url, limits, signal);
  const path = `${url.pathname}${url.search}`;
  try {
    signal.throwIfAborted();
    pool.dispatch({ path, method: method as Dispatcher.HttpMethod, headers, body }, incoming);
  } catch (error) {
    incoming.fail(error);
  }
  return incoming.begun;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Bytes that may wait to be read. */
const HELD_BYTES_MAX = 256 << 10;

/** What comes back, as it comes. */
class Incoming implements Dispatcher.DispatchHandler, Answer {
  readonly #url: URL;
  readonly #limits: GateLimits;
  readonly #signal: AbortSignal;
  readonly #begun = Promise.withResolvers<Answer>();
  readonly #giveUp = (): void => this.#stop(this.#signal.reason);
  #controller: Dispatcher.DispatchController | null = null;
  /** What has come and nobody took yet. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isPaused = false;
  #isWhole = false;
  #hasEnded = false;
  #failure: { readonly reason: unknown } | null = null;
  /** Told when there is something to take, the end included. */
  #wake: (() => void) | null = null;
  status = 0;
  headers: Readonly<Record<string, string>> = {};

  constructor(url: URL, limits: GateLimits, signal: AbortSignal) {
    this.#url = url;
    this.#limits = limits;
    this.#signal = signal;
    signal.addEventListener("abort", this.#giveUp, { once: true });
  }

  get begun(): Promise<Answer> {
    return this.#begun.promise;
  }

  get url(): string {
    return this.#url.href;
  }

  get location(): string | null {
    return REDIRECTS.has(this.status) ? (this.headers.location ?? null) : null;
  }

  // As undici tells it.

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failure !== null) controller.abort(asError(this.#failure.reason));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: RawHeaders): void {
    if (status < 200) return; // what is said before the answer
    this.status = status;
    this.headers = joined(headers);
    this.#begun.resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#isWhole && this.#heldBytes > this.#limits.responseBytesMax) return this.#stop(tooLarge(this.#limits));
    if (!this.#isWhole && this.#heldBytes > HELD_BYTES_MAX && !this.#isPaused) {
      this.#isPaused = true;
      controller.pause();
    }
    if (!this.#isWhole) this.#wake?.();
  }

  onResponseEnd(): void {
    this.#hasEnded = true;
    this.#signal.removeEventListener("abort", this.#giveUp);
    this.#wake?.();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.fail(error);
  }

  fail(error: unknown): void {
    if (this.#failure !== null) return;
    const isOwn = isProblemError(error) || this.#signal.aborted;
    this.#failure = { reason: isOwn ? error : unreachable(error, this.#url, this.#limits) };
    this.#signal.removeEventListener("abort", this.#giveUp);
    this.#begun.reject(this.#failure.reason);
    this.#wake?.();
  }

  #stop(reason: unknown): void {
    this.fail(reason);
    this.#controller?.abort(asError(reason));
  }

  // As it is read.

  get body(): AsyncIterable<Uint8Array> {
    const pieces = decoded(this.#pieces(), this.headers["content-encoding"] ?? "", () => this.drop());
    return counted(pieces, this.#limits, this.#signal, this.#url);
  }

  async whole(): Promise<Uint8Array> {
    if (this.headers["content-encoding"] !== undefined) {
      const parts: Uint8Array[] = [];
      for await (const part of this.body) parts.push(part);
      return Buffer.concat(parts);
    }
    this.#isWhole = true;
    if (this.#heldBytes > this.#limits.responseBytesMax) this.#stop(tooLarge(this.#limits));
    this.#goOn();
    while (!this.#hasEnded && this.#failure === null) await this.#something();
    if (this.#failure !== null) throw this.#failure.reason;
    const [only] = this.#held;
    return this.#held.length === 1 && only !== undefined ? only : Buffer.concat(this.#held);
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const held = this.#held;
        this.#held = [];
        this.#heldBytes = 0;
        yield* held;
        if (this.#held.length > 0) continue;
        if (this.#failure !== null) throw this.#failure.reason;
        if (this.#hasEnded) return;
        this.#goOn();
        await this.#something();
      }
    } finally {
      this.drop();
    }
  }

  drop(): void {
    if (!this.#hasEnded && this.#failure === null) this.#stop(new Error("nobody reads on"));
  }

  #goOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#controller?.resume();
  }

  #something(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

type RawHeaders = Readonly<Record<string, string | string[] | undefined>>;

function joined(headers: RawHeaders): Record<string, string> {
  const made: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || name === "__proto__") continue;
    made[name.toLowerCase()] = typeof value === "string" ? value : value.join(name.toLowerCase() === "set-cookie" ? "\n" : ", ");
  }
  return made;
}

// Bodies.

const DECODERS: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
};

/** Encodings on top of one another. */
const ENCODINGS_MAX = 2;

async function* decoded(body: AsyncIterable<Uint8Array>, encodings: string, drop: () => void): AsyncGenerator<Uint8Array> {
  const names = encodings
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "identity");
  if (names.length === 0) return yield* body;
  const unknown = names.find((name) => !Object.hasOwn(DECODERS, name));
  if (names.length > ENCODINGS_MAX || unknown !== undefined) {
    drop();
    throw securityProblems.EGRESS_UNREACHABLE(
      unknown === undefined
        ? `The answer is encoded ${names.length} times over.`
        : `The answer is encoded as ${unknown}, which is not known.`,
    );
  }
  const opened: { destroy(): void }[] = [];
  let stream: NodeJS.ReadableStream = Readable.from(body, { objectMode: false });
  for (const name of names.toReversed()) {
    const decoder = DECODERS[name]?.() as NodeJS.ReadWriteStream & { destroy(error?: Error): void };
    const source = stream as Readable;
    source.on("error", (error: Error) => decoder.destroy(error));
    opened.push(source);
    stream = source.pipe(decoder);
  }
  opened.push(stream as Readable);
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } finally {
    for (const one of opened) one.destroy();
  }
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  limits: GateLimits,
  signal: AbortSignal,
  url: URL,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const part of body) {
      size += part.length;
      if (size > limits.responseBytesMax) throw tooLarge(limits);
      yield part;
    }
  } catch (error) {
    throw isProblemError(error) || signal.aborted ? error : unreachable(error, url, limits);
  }
}

function tooLarge({ responseBytesMax }: GateLimits): Error {
  return securityProblems.EGRESS_RESPONSE_TOO_LARGE(`The answer has more than ${responseBytesMax} bytes (responseBytesMax).`);
}

// What went wrong.

function unreachable(error: unknown, url: URL, limits: GateLimits): Error {
  const code = (error as { code?: string }).code ?? "";
  if (code === "UND_ERR_CONNECT_TIMEOUT")
    return securityProblems.EGRESS_TIMEOUT(`${url.host} could not be connected to within ${limits.connectMs} ms (connectMs).`, {
      facts: { wasSent: false },
    });
  if (code === "UND_ERR_HEADERS_TIMEOUT")
    return securityProblems.EGRESS_TIMEOUT(`${url.host} did not begin to answer within ${limits.headersMs} ms (headersMs).`);
  if (code === "UND_ERR_BODY_TIMEOUT")
    return securityProblems.EGRESS_TIMEOUT(`${url.host} fell silent for ${limits.idleMs} ms while it answered (idleMs).`);
  const facts = NEVER_SENT.has(code) || NEVER_SENT.has(innerCode(error)) ? { facts: { wasSent: false } } : {};
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

export function reasonOf(error: unknown): string {
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
