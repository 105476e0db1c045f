// One attempt at one operation: the request with its credentials, the answer as JSON, and what went wrong in the words of
// the service.
//
//  1. A credential goes to the service's own address and nowhere else, and is masked in all that comes back.
//  2. What fails says of itself whether it was sent, whether trying again may help, and when.
//  3. Nothing that is no JSON and no text is read as one: it stays bytes.
//  4. What a service says is masked first and cut afterwards: half a secret is not recognised.
//  5. A mistake of Baton's own is no failure of the service: it is told as what it is. What an author's `act` throws is one.

import type { Json } from "../base/json.ts";
import { isProblemError, type Problem, ProblemError } from "../base/problem.ts";
import type { EgressRequest, EgressResponse, EgressStream } from "../security.ts";
import { masked, maskedBytes } from "../workflow.ts";
import { isPrice, isTokenCount } from "./cost.ts";
import { multipart } from "./multipart.ts";
import { servicesProblems, shown } from "./problems.ts";
import { cut, saidIn } from "./said.ts";
import type {
  Act,
  Authentication,
  FileValue,
  Operation,
  Outside,
  Service,
  ServiceAnswer,
  ServiceRequest,
  Usage,
} from "./service.ts";
import { eventData, jsonLines, requireWhole } from "./stream-format.ts";
import { TextMask } from "./text-mask.ts";

export interface Secrets {
  /** Undefined where there is none. Throws SECRET_… problems. */
  secret(name: string): Json | undefined;
  /** Whether a secret may be sent to an address: it is for that host, or for none in particular. Everything may where left out. */
  maySend?(name: string, url: string): boolean;
}

/** How the world is reached for one service. */
export interface Reach extends Secrets {
  /** Through the egress gate, where the service's own host is open. */
  open(request: EgressRequest, service: Service): Promise<EgressStream>;
  /** The same, with the whole body. */
  request(request: EgressRequest, service: Service): Promise<EgressResponse>;
  /** Calls a tool of an MCP server. */
  tool?(service: Service, name: string, input: Json, abortSignal: AbortSignal): Promise<Json>;
  /** Throws where an MCP server does not answer. */
  ping?(service: Service, abortSignal: AbortSignal): Promise<void>;
}

export interface AttemptRequest {
  readonly service: Service;
  readonly operation: Operation;
  /** Checked, with files spelled out. */
  readonly input: Json;
  readonly key: string;
  readonly abortSignal: AbortSignal;
  /** Told each piece as it comes; null where nobody follows. */
  readonly say: ((text: string) => void) | null;
}

export interface Attempted {
  readonly output: Json;
  readonly usage: Usage;
}

/** What went wrong, as readings and retries see it. */
export type FailureClass =
  | "refused"
  | "unavailable"
  | "timeout"
  | "answer"
  | "denied"
  | "circuit"
  | "input"
  | "secret"
  | "canceled"
  | "other";

/** A problem that says what follows from it. */
export class ServiceFailure extends ProblemError {
  readonly failureClass: FailureClass;
  readonly usage: Usage;
  /** False only where the service surely got nothing. */
  readonly wasSent: boolean;
  nonRetryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(problem: Problem, more: FailureFacts) {
    super(problem);
    this.name = "ProblemError";
    this.failureClass = more.failureClass;
    this.usage = more.usage ?? {};
    this.wasSent = more.wasSent ?? true;
    this.nonRetryable = more.mayHelp !== true;
    this.retryAfterMs = more.retryAfterMs;
  }
}

interface FailureFacts {
  readonly failureClass: FailureClass;
  readonly usage?: Usage;
  readonly wasSent?: boolean;
  /** Whether trying again may help. */
  readonly mayHelp?: boolean;
  readonly retryAfterMs?: number;
}

/** Throws ServiceFailure, and BUG. */
export async function attempt(request: AttemptRequest, reach: Reach): Promise<Attempted> {
  const { service, operation } = request;
  const target = `${service.id}/${operation.name}`;
  const credentials = openedCredentials(service, reach, target);
  const exchange = new Exchange(request, reach, credentials);
  try {
    const output = await operation.act(request.input, exchange);
    exchange.endSaying();
    return { output: masked(output ?? null, credentials.texts), usage: exchange.usage };
  } catch (error) {
    if (request.abortSignal.aborted) throw request.abortSignal.reason;
    throw failureFrom(error, target, exchange.usage, credentials.texts);
  }
}

/** Secrets that cannot be opened are a failure like others, of which nothing was sent. */
function openedCredentials(service: Service, reach: Reach, target: string): Credentials {
  try {
    return credentialsOf(service, reach);
  } catch (error) {
    throw error instanceof ServiceFailure ? error : failureFrom(error, target, {}, []);
  }
}

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** What must be seen nowhere. */
  readonly texts: readonly string[];
}

export const NO_CREDENTIALS: Credentials = { headers: {}, query: {}, texts: [] };

/** What says who calls; nothing where a secret that may be left out is for other hosts. Throws SERVICE_SECRET_MISSING. */
export function credentialsOf(service: Service, secrets: Secrets): Credentials {
  const { id, authentication } = service;
  if (authentication === null) return NO_CREDENTIALS;
  const { secret: name, isOptional = false } = authentication;
  const url = addressOf(service);
  const secret = secrets.secret(name);
  const isMeant = !isOptional || url === null || secrets.maySend?.(name, url) !== false;
  if (secret !== undefined && isMeant) return credentialsFrom(authentication, secret);
  if (isOptional) return NO_CREDENTIALS;
  const host = url === null ? "" : ` --host ${new URL(url).host}`;
  const { problem } = servicesProblems.SERVICE_SECRET_MISSING(`${id} needs the secret "${name}", which is not there.`, {
    fix: `\`baton secrets set ${name}${host}\``,
  });
  throw new ServiceFailure(problem, { failureClass: "secret", wasSent: false });
}

/** Null for what is no place on a network. */
export function addressOf({ baseUrl, mcp }: Service): string | null {
  return mcp !== null && "url" in mcp ? mcp.url : baseUrl;
}

function credentialsFrom({ kind, name, prefix = "" }: Authentication, secret: Json): Credentials {
  const text = typeof secret === "string" ? secret : JSON.stringify(secret);
  if (kind === "bearer") return { headers: { authorization: `Bearer ${text}` }, query: {}, texts: [text] };
  if (kind === "query") return { headers: {}, query: { [name ?? "key"]: text }, texts: [text] };
  if (kind === "header") return { headers: { [(name ?? "x-api-key").toLowerCase()]: prefix + text }, query: {}, texts: [text] };
  const { username = "", password = "" } = typeof secret === "object" ? (secret as Record<string, string>) : splitLogin(text);
  const basic = Buffer.from(`${username}:${password}`).toString("base64");
  return { headers: { authorization: `Basic ${basic}` }, query: {}, texts: [text, password, basic].filter((one) => one !== "") };
}

function splitLogin(text: string): { username: string; password: string } {
  const at = text.indexOf(":");
  return at < 0 ? { username: text, password: "" } : { username: text.slice(0, at), password: text.slice(at + 1) };
}

/** What an operation reaches while it acts. */
class Exchange implements Outside {
  readonly #request: AttemptRequest;
  readonly #reach: Reach;
  readonly #credentials: Credentials;
  #mask: TextMask | null = null;
  readonly tool?: (name: string, input: Json) => Promise<Json>;
  usage: Usage = {};

  constructor(request: AttemptRequest, reach: Reach, credentials: Credentials) {
    this.#request = request;
    this.#reach = reach;
    this.#credentials = credentials;
    const { tool } = reach;
    if (request.service.mcp !== null && tool !== undefined)
      this.tool = (name, input) => tool.call(reach, request.service, name, input, request.abortSignal);
  }

  get config(): Service["config"] {
    return this.#request.service.config;
  }

  get key(): string {
    return this.#request.key;
  }

  get abortSignal(): AbortSignal {
    return this.#request.abortSignal;
  }

  get isHeard(): boolean {
    return this.#request.say !== null;
  }

  say(text: string): void {
    this.#mask ??= new TextMask(this.#credentials.texts);
    const safe = this.#mask.push(text);
    if (safe !== "") this.#request.say?.(safe);
  }

  endSaying(): void {
    const rest = this.#mask?.end() ?? "";
    if (rest !== "") this.#request.say?.(rest);
  }

  spend(usage: Usage): void {
    const { inputTokens, outputTokens, usd } = (usage ?? {}) as Usage;
    const total = {
      inputTokens: summed(this.usage.inputTokens, inputTokens, isTokenCount),
      outputTokens: summed(this.usage.outputTokens, outputTokens, isTokenCount),
      usd: summed(this.usage.usd, usd, isPrice),
    };
    this.usage = Object.fromEntries(Object.entries(total).filter(([, value]) => value !== undefined));
  }

  async send(request: ServiceRequest): Promise<ServiceAnswer> {
    try {
      return await this.#send(request);
    } catch (error) {
      throw bugIn(error) ?? error;
    }
  }

  async #send(request: ServiceRequest): Promise<ServiceAnswer> {
    const { status, headers, body } = await this.#reach.request(this.#prepared(request), this.#request.service);
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const answer = { status, headers, body: readBody(bytes, headers["content-type"] ?? "", this.#credentials.texts) };
    requireWell(answer, request, this.#credentials.texts);
    return answer;
  }

  async *items(request: ServiceRequest, format: "ndjson" | "sse"): AsyncGenerator<Json, boolean> {
    try {
      return yield* this.#items(request, format);
    } catch (error) {
      throw bugIn(error) ?? error;
    }
  }

  async *#items(request: ServiceRequest, format: "ndjson" | "sse"): AsyncGenerator<Json, boolean> {
    const { status, headers, body } = await this.#reach.open(this.#prepared(request), this.#request.service);
    const type = mediaTypeOf(headers["content-type"] ?? "");
    if (status < 300 && STREAMS[format].test(type)) return yield* format === "sse" ? eventData(body) : jsonLines(body);
    const whole = readBody(await collected(body), type, this.#credentials.texts);
    requireWell({ status, headers, body: whole }, { ...request, accept: [] }, this.#credentials.texts);
    yield requireStreamed(whole, type);
    return true;
  }

  #prepared(request: ServiceRequest): EgressRequest {
    const { service, operation, key, abortSignal } = this.#request;
    const { headers, body } = bodyOf(request);
    const method = request.method.toUpperCase();
    const named = operation.idempotencyHeader;
    return {
      method,
      url: urlOf(service, request, this.#credentials.query),
      headers: {
        accept: "application/json",
        ...headers,
        ...(request.headers === undefined ? {} : headerTexts(request.headers)),
        ...(named === null ? {} : { [named.toLowerCase()]: key }),
        ...this.#credentials.headers,
      },
      body,
      redirect: method === "GET" || method === "HEAD" ? "follow" : "stop",
      credentialHeaders: Object.keys(this.#credentials.headers),
      signal: abortSignal,
      isTimed: true,
    };
  }
}

/** What is beyond its bounds, and what is no number, counts as not known. */
function summed(sum: number | undefined, more: unknown, isSane: (value: unknown) => value is number): number | undefined {
  const whole = (sum ?? 0) + (isSane(more) ? more : 0);
  return isSane(more) && isSane(whole) ? whole : sum;
}

/** Numbers and yes or no as text; without what is null. Throws SERVICE_INPUT_INVALID. */
function headerTexts(headers: Readonly<Record<string, Json | undefined>>): Record<string, string> {
  const made: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === null || value === undefined) continue;
    if (typeof value === "object")
      throw servicesProblems.SERVICE_INPUT_INVALID(`The header field ${shown(name)} would be an object or a list.`, {
        fix: "Give it a text, a number, true or false; null leaves it out.",
      });
    made[name] = String(value);
  }
  return made;
}

function urlOf({ id, baseUrl }: Service, { path, query = {} }: ServiceRequest, secret: Credentials["query"]): string {
  if (baseUrl === null)
    throw servicesProblems.SERVICE_DEFINITION_INVALID(`${id} has no base URL, so its paths lead nowhere.`, {
      fix: "Add `baseUrl:`, or config.baseUrl.",
    });
  const pairs = Object.entries({ ...query, ...secret }).flatMap(([name, value]) =>
    value === undefined ? [] : (Array.isArray(value) ? value : [value]).map((one) => `${encode(name)}=${encode(String(one))}`),
  );
  const separator = path.includes("?") ? "&" : "?";
  return `${baseUrl}${path.startsWith("/") ? "" : "/"}${path}${pairs.length === 0 ? "" : separator + pairs.join("&")}`;
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function bodyOf({ body, form, headers = {} }: ServiceRequest): {
  headers: Record<string, string>;
  body: string | Uint8Array | null;
} {
  if (form !== undefined) {
    const made = multipart(form);
    return { headers: { "content-type": made.contentType }, body: made.body };
  }
  if (body === undefined || body === null) return { headers: {}, body: null };
  const named = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-type")?.[1];
  const type = typeof named === "string" ? named : undefined;
  if (typeof body === "string" && type !== undefined && !/json/i.test(type)) return { headers: {}, body };
  return { headers: { "content-type": type ?? "application/json" }, body: JSON.stringify(body) };
}

async function collected(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return parts.length === 1 ? Buffer.from(parts[0] as Uint8Array) : Buffer.concat(parts);
}

/** Types under which streams come; services that name none, or plain text, are believed. */
const STREAMS = { sse: /^$|event-stream$|^text\/plain$/, ndjson: /^$|json|^text\/plain$/ };

/** A service that gives its answer whole where it was asked for a stream said it all at once, in JSON. */
function requireStreamed(whole: Json, type: string): Json {
  if (/[/+]json$/.test(type)) return requireWhole(whole);
  throw servicesProblems.SERVICE_ANSWER_INVALID(
    `It answers with ${type} where a stream was asked for, and says: ${saidIn(whole)}`,
  );
}

function mediaTypeOf(contentType: string): string {
  return contentType.split(";")[0]?.trim().toLowerCase() ?? "";
}

/** JSON where it is said to be or is; text where it is said to be plain; bytes otherwise, markup and scripts too. */
function readBody(bytes: Buffer, contentType: string, secrets: readonly string[]): Json {
  if (bytes.length === 0) return null;
  const type = mediaTypeOf(contentType);
  const mayBeJson = type === "" || /[/+]json$|ndjson|^text\/plain$/.test(type);
  if (mayBeJson) {
    const text = bytes.toString("utf8");
    try {
      return JSON.parse(text) as Json;
    } catch {
      if (type === "" || type === "text/plain") return text;
      throw servicesProblems.SERVICE_ANSWER_INVALID(`It says its answer is ${type}, and it is no JSON.`, {
        facts: { body: text },
      });
    }
  }
  if (/^text\/(csv|markdown|tab-separated-values)$/.test(type)) return bytes.toString("utf8");
  const data = maskedBytes(bytes, secrets).toString("base64");
  return { mediaType: type, data, bytes: bytes.length } satisfies FileValue as unknown as Json;
}

// What went wrong.

/** Statuses that may be another the next time. Source: RFC 9110 §15, RFC 8470 §5.2, RFC 6585 §4. */
export const PASSING = new Set([408, 425, 429, 500, 502, 503, 504, 529]);

function requireWell(
  { status, headers, body }: ServiceAnswer,
  { accept = [] }: ServiceRequest,
  secrets: readonly string[],
): void {
  if ((status >= 200 && status < 300) || accept.includes(status)) return;
  const said = cut(masked(saidIn(body), secrets) as string);
  const isPassing = PASSING.has(status);
  const make = isPassing ? servicesProblems.SERVICE_UNAVAILABLE : servicesProblems.SERVICE_REFUSED;
  const words = status < 400 ? "sends elsewhere, where no call may follow" : said === "" ? "says nothing more" : `says: ${said}`;
  const { problem } = make(`It answers ${status} and ${words}`, { facts: { status } });
  const after = retryAfterOf(headers["retry-after"], headers.date);
  throw new ServiceFailure(problem, {
    failureClass: isPassing ? "unavailable" : "refused",
    mayHelp: isPassing,
    ...(after === null ? {} : { retryAfterMs: after }),
  });
}

const RETRY_AFTER_MS_MAX = 3_600_000;

/** Seconds or a date (RFC 9110 §10.2.3), measured against the service's own clock; 0 to an hour, null where it says neither. */
function retryAfterOf(text: string | undefined, date: string | undefined): number | null {
  if (text === undefined) return null;
  const seconds = /^\s*[+-]?\d+(\.\d+)?\s*$/.test(text) ? Number(text) : null;
  const from = date === undefined ? Number.NaN : Date.parse(date);
  const spanMs = seconds !== null ? seconds * 1_000 : Date.parse(text) - from;
  return Number.isNaN(spanMs) ? null : Math.min(Math.max(spanMs, 0), RETRY_AFTER_MS_MAX);
}

/**
 * What JavaScript throws where code does what it never should, as the problem it is; null for everything else. Errors with a
 * code of their own are of those who were asked: the system, the network.
 */
export function bugIn(thrown: unknown): ProblemError | null {
  if (!(thrown instanceof Error)) return null;
  if (isProblemError(thrown)) return thrown.code === "BUG" ? thrown : null;
  const isAssertion = thrown.name === "AssertionError";
  const isMistake = (thrown instanceof TypeError || thrown instanceof ReferenceError) && !("code" in thrown);
  if (!isAssertion && !isMistake) return null;
  const bug = servicesProblems.BUG(`Unexpected: ${cut(thrown.message)}`, { cause: thrown });
  return Object.assign(bug, { nonRetryable: true });
}

/** An author's function speaks for its service: what it throws is a failure of the service, mistakes too. */
export function authored(act: Act): Act {
  return async (input, outside) => {
    try {
      return await act(input, outside);
    } catch (error) {
      throw isProblemError(error) ? error : failureOfAuthor(error);
    }
  };
}

function failureOfAuthor(thrown: unknown): ServiceFailure {
  const { problem } = servicesProblems.SERVICE_FAILED(cut(thrown instanceof Error ? thrown.message : String(thrown)));
  const { nonRetryable = false, retryAfterMs } = (thrown ?? {}) as { nonRetryable?: boolean; retryAfterMs?: number };
  const known = typeof retryAfterMs === "number" ? { retryAfterMs } : {};
  return new ServiceFailure(problem, { failureClass: "other", mayHelp: !nonRetryable, ...known });
}

/** Whatever was thrown while an operation acted. */
function failureFrom(thrown: unknown, target: string, usage: Usage, secrets: readonly string[]): ProblemError {
  const bug = bugIn(thrown);
  if (bug !== null) return bug;
  if (thrown instanceof ServiceFailure) {
    const { problem, failureClass, wasSent, nonRetryable, retryAfterMs } = thrown;
    const known = retryAfterMs === undefined ? {} : { retryAfterMs };
    return new ServiceFailure(
      { ...problem, detail: toldIn(problem, target, secrets), facts: factsOf(problem, target, failureClass, secrets) },
      { failureClass, wasSent, usage, mayHelp: !nonRetryable, ...known },
    );
  }
  if (isProblemError(thrown)) return fromProblem(thrown.problem, target, usage, secrets);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const { problem } = servicesProblems.SERVICE_FAILED(`${target}: ${cut(masked(message, secrets) as string)}`, {
    facts: { target, class: "other" },
  });
  const { nonRetryable = false } = (thrown ?? {}) as { nonRetryable?: boolean };
  return new ServiceFailure(problem, { failureClass: "other", usage, mayHelp: !nonRetryable });
}

function fromProblem(problem: Problem, target: string, usage: Usage, secrets: readonly string[]): ServiceFailure {
  const detail = toldIn(problem, target, secrets);
  const failureClass = classOf(problem.code);
  const facts = factsOf(problem, target, failureClass, secrets);
  const wasSent = problem.facts?.wasSent !== false && !["denied", "input", "secret"].includes(failureClass);
  const mayHelp = failureClass === "unavailable" || failureClass === "timeout" || problem.code === "SERVICE_ANSWER_INVALID";
  const told =
    failureClass === "unavailable"
      ? servicesProblems.SERVICE_UNAVAILABLE(detail, { facts }).problem
      : { ...problem, detail, facts };
  return new ServiceFailure(told, { failureClass, usage, wasSent, mayHelp });
}

/** Of a problem's sentence, with our own words around what was said. */
const DETAIL_LENGTH_MAX = 1_000;

function toldIn({ detail }: Problem, target: string, secrets: readonly string[]): string {
  const whole = detail.startsWith(target) ? detail : `${target}: ${detail}`;
  return cut(masked(whole, secrets) as string, DETAIL_LENGTH_MAX);
}

function factsOf({ facts = {} }: Problem, target: string, failureClass: FailureClass, secrets: readonly string[]): Members {
  return { ...(cutTexts(masked(facts as Json, secrets)) as Members), target, class: failureClass };
}

type Members = Readonly<Record<string, Json>>;

function cutTexts(value: Json): Json {
  if (typeof value === "string") return cut(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(cutTexts);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, cutTexts(member)]));
}

function classOf(code: string): FailureClass {
  if (code === "EGRESS_TIMEOUT") return "timeout";
  if (code === "EGRESS_UNREACHABLE" || code === "SERVICE_UNAVAILABLE") return "unavailable";
  if (code === "EGRESS_RESPONSE_TOO_LARGE" || code === "SERVICE_ANSWER_INVALID") return "answer";
  if (code.startsWith("EGRESS_")) return "denied";
  if (code.startsWith("SECRET_")) return "secret";
  return /_INPUT_INVALID$|_PARAMETER_|^JQ_/.test(code) ? "input" : code === "SERVICE_REFUSED" ? "refused" : "other";
}
