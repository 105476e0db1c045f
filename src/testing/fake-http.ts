// What the fakes of AI servers share: a real HTTP server on the loopback, and trouble that is planned.
//
// Owns: reading a request within a byte limit, recording it, finding its route, planned trouble, and writing the answer
// whole or piece by piece. Leaves to each fake: its routes, its keys, and how its vendor words a refusal.
//
// H1  Every request is recorded before anything is decided about it.
// H2  Decided in this order: a failure planned with `fail`, the vendor's guard (keys, versions), the route, `delayMs`
//     and `hang`. So what was refused has not been served, and what hangs has been.
// H3  A stream is written no faster than it is read, and ends when its reader has left.
// H4  A key served once is answered the same again, and not served again.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Json } from "../base/json.ts";

export interface FakeRequest {
  readonly method: string;
  /** As it was sent, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** What the JSON says; null for no body, and the text of a body that is not JSON. */
  readonly body: Json;
}

/** A request on its way to a route. */
export interface FakeCall extends FakeRequest {
  /** From 1, in the order of arrival. */
  readonly serial: number;
  readonly place: string;
  readonly query: URLSearchParams;
  /** The named segments of its route: `/v1/models/:id` gives `id`. */
  readonly segments: Readonly<Record<string, string>>;
}

export interface FakeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A text is written whole; an iterable piece by piece. What is kept for an idempotency key is iterated again. */
  readonly body: string | Iterable<string>;
}

export type FakeRoute = (call: FakeCall) => FakeAnswer;

/** Why the server itself says no. */
export type FakeRefusal = "planned" | "no such path" | "no such method" | "too large" | "not JSON";

export interface FakeVendor {
  /** By method and path: `GET /v1/models/:id`. */
  readonly routes: Readonly<Record<string, FakeRoute>>;
  readonly refuse: (status: number, refusal: FakeRefusal, call: FakeCall) => FakeAnswer;
  /** What stands before every route; null lets the call pass. */
  readonly guard?: (call: FakeCall) => FakeAnswer | null;
  /** On every answer. */
  readonly headers?: (call: FakeCall) => Readonly<Record<string, string>>;
  readonly idempotencyHeader?: string;
}

export interface FakeHttpOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Of one request; 32 MiB when not given. */
  readonly bodyBytesMax?: number;
}

export interface FakeHttp extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly FakeRequest[];
  /** Requests, other than readings, whose work was done: a repeated idempotency key counts once. */
  readonly served: number;
  /** How long each answer waits once its work is done. */
  delayMs: number;
  /** Does the work and never answers, while it is set. */
  hang: boolean;
  /** The next `count` requests are answered with `status`, in the vendor's words. */
  fail(count: number, status: number, headers?: Readonly<Record<string, string>>): void;
}

/** Pictures in base64 are the largest bodies. Protects the memory of the tests. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;

export async function openFakeHttp(vendor: FakeVendor, options: FakeHttpOptions = {}): Promise<FakeHttp> {
  const fake = new Fake(vendor, options.bodyBytesMax ?? BODY_BYTES_MAX);
  await fake.listen(options.port ?? 0);
  return fake;
}

class Fake implements FakeHttp {
  readonly requests: FakeRequest[] = [];
  served = 0;
  delayMs = 0;
  hang = false;
  port = 0;
  readonly #vendor: FakeVendor;
  readonly #bodyBytesMax: number;
  readonly #http: Server;
  readonly #planned: { readonly status: number; readonly headers: Readonly<Record<string, string>> }[] = [];
  readonly #kept = new Map<string, FakeAnswer>();

  constructor(vendor: FakeVendor, bodyBytesMax: number) {
    this.#vendor = vendor;
    this.#bodyBytesMax = bodyBytesMax;
    this.#http = createServer((request, response) => this.#handle(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once("error", reject).listen(port, "127.0.0.1", resolve);
    });
    this.port = (this.#http.address() as AddressInfo).port;
  }

  fail(count: number, status: number, headers: Readonly<Record<string, string>> = {}): void {
    for (let at = 0; at < count; at++) this.#planned.push({ status, headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readText(request, this.#bodyBytesMax);
    if (text === "gone") return;
    const parsed = "tooLarge" in text ? null : parse(text.text);
    const call = callOf(request, parsed?.body ?? null, this.requests.length + 1);
    const { method, path, headers, body } = call;
    this.requests.push({ method, path, headers, body });
    const answer = this.#decide(call, parsed);
    if (this.hang) return;
    if (this.delayMs > 0) await sleep(this.delayMs, undefined, { ref: false });
    await write(response, { ...answer, headers: { ...this.#vendor.headers?.(call), ...answer.headers } });
  }

  #decide(call: FakeCall, parsed: Parsed | null): FakeAnswer {
    const { refuse, guard, routes } = this.#vendor;
    const failure = this.#planned.shift();
    if (failure !== undefined) {
      const answer = refuse(failure.status, "planned", call);
      return { ...answer, headers: { ...answer.headers, ...failure.headers } };
    }
    if (parsed === null) return refuse(413, "too large", call);
    const refused = guard?.(call) ?? null;
    if (refused !== null) return refused;
    const found = findRoute(routes, call);
    if (found === "no such path") return refuse(404, found, call);
    if (found === "no such method") return refuse(405, found, call);
    if (!parsed.isJson) return refuse(400, "not JSON", call);
    return this.#serve(found.route, { ...call, segments: found.segments });
  }

  #serve(route: FakeRoute, call: FakeCall): FakeAnswer {
    const key = call.headers[this.#vendor.idempotencyHeader ?? ""];
    const name = key === undefined ? null : `${call.method} ${call.place} ${key}`;
    const kept = name === null ? undefined : this.#kept.get(name);
    if (kept !== undefined) return kept;
    const answer = route(call);
    if (answer.status >= 400) return answer;
    if (call.method !== "GET" && call.method !== "HEAD") this.served++;
    if (name !== null) this.#kept.set(name, answer);
    return answer;
  }
}

interface Parsed {
  readonly body: Json;
  readonly isJson: boolean;
}

function parse(text: string): Parsed {
  if (text === "") return { body: null, isJson: true };
  try {
    return { body: JSON.parse(text) as Json, isJson: true };
  } catch {
    return { body: text, isJson: false };
  }
}

/** Reads to the end even what is too large, so that the sender gets to read the answer. */
async function readText(request: IncomingMessage, bytesMax: number): Promise<{ text: string } | { tooLarge: true } | "gone"> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes <= bytesMax) parts.push(part);
    }
  } catch {
    return "gone";
  }
  return bytes > bytesMax ? { tooLarge: true } : { text: Buffer.concat(parts).toString() };
}

function callOf({ method = "", url = "", headers }: IncomingMessage, body: Json, serial: number): FakeCall {
  const { pathname, searchParams } = new URL(`http://127.0.0.1${url}`);
  return { method, path: url, headers, body, serial, place: pathname, query: searchParams, segments: {} };
}

type Found = { readonly route: FakeRoute; readonly segments: Readonly<Record<string, string>> };

function findRoute(routes: FakeVendor["routes"], { method, place }: FakeCall): Found | "no such path" | "no such method" {
  const asked = method === "HEAD" ? "GET" : method;
  let found: Found | "no such path" | "no such method" = "no such path";
  for (const [pattern, route] of Object.entries(routes)) {
    const [verb, path = ""] = pattern.split(" ");
    const segments = matchPath(path, place);
    if (segments === null) continue;
    if (verb === asked) return { route, segments };
    found = "no such method";
  }
  return found;
}

/** What the named segments of a pattern stand for; null when it is another path. */
function matchPath(pattern: string, place: string): Readonly<Record<string, string>> | null {
  const names = pattern.split("/");
  const given = place.split("/");
  if (names.length !== given.length) return null;
  const segments: Record<string, string> = {};
  for (const [at, name] of names.entries()) {
    const value = given[at] ?? "";
    if (name.startsWith(":") && value !== "") segments[name.slice(1)] = unescaped(value);
    else if (name !== value) return null;
  }
  return segments;
}

function unescaped(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

async function write(response: ServerResponse, { status, headers, body }: FakeAnswer): Promise<void> {
  if (typeof body === "string") {
    response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
    response.end(body);
    return;
  }
  response.writeHead(status, headers);
  for (const piece of body) {
    if (response.destroyed) return;
    if (!response.write(piece)) await drained(response);
    await nextTurn();
  }
  response.end();
}

/** Its reader has caught up, or left. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

export function json(status: number, body: Json, headers: Readonly<Record<string, string>> = {}): FakeAnswer {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

export function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): FakeAnswer {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers }, body };
}

export interface ServerSentEvent {
  readonly event?: string;
  /** A text is sent as it stands: `[DONE]`. */
  readonly data: Json;
}

export function sse(events: readonly ServerSentEvent[]): FakeAnswer {
  const headers = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" };
  return { status: 200, headers, body: events.map(written) };
}

function written({ event, data }: ServerSentEvent): string {
  const line = typeof data === "string" ? data : JSON.stringify(data);
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${line}\n\n`;
}

export function ndjson(lines: readonly Json[]): FakeAnswer {
  const headers = { "content-type": "application/x-ndjson" };
  return { status: 200, headers, body: lines.map((line) => `${JSON.stringify(line)}\n`) };
}

export type Fields = { readonly [name: string]: Json };

/** The properties of an object; none for anything else. */
export function fields(value: Json | undefined): Fields {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Fields) : {};
}

export function items(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** A text that says something; null for anything else. */
export function word(value: Json | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

export function amount(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}

/** `Authorization: Bearer …`; null when there is none. */
export function bearer({ headers }: FakeCall): string | null {
  const [, token = null] = /^Bearer (.+)$/.exec(String(headers.authorization ?? "")) ?? [];
  return token;
}
