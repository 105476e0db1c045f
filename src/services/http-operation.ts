// Operations written as data: a request made from the input by jq, and an output made from the answer.
//
//   get: /search/{q}                  what is left of the input becomes the query, where the path has none of its own
//   post: /items/{id}                 what is left of it becomes the body, whatever the path has
//   http: { method, path, query, headers, body, accept }
//   answer: ${ .results }             from the answer's body; the body itself where left out
//   stream: { format, say, answer }   an answer that comes bit by bit
//   before: { name: { get … } }       requests whose answers the others need, as $before.name; they send only what they say
//
// Programs see their data as `.` and $input, $config, $key, $before, $status, $headers.

import type { Json } from "../base/json.ts";
import { compileValue, type Evaluate, type ExpressionScope, piecesOf } from "../workflow.ts";
import { servicesProblems, shown } from "./problems.ts";
import type { Act, Outside, ServiceAnswer, ServiceRequest } from "./service.ts";

export const METHODS = ["get", "post", "put", "patch", "delete", "head"] as const;

/** Names that programs of a definition see. */
export const VARIABLES = ["config", "key", "before", "status", "headers"] as const;

export const SCOPE: ExpressionScope = { names: VARIABLES, isLoose: false };

type Members = Readonly<Record<string, Json>>;

interface Seen {
  readonly input: Json;
  readonly outside: Outside;
  readonly before: Members;
  readonly answer: ServiceAnswer | null;
}

/** Of an operation that was checked. Throws problems of jq. */
export function actOf(written: Members): Act {
  const before = Object.entries((written.before ?? {}) as Members).map(([name, one]) => ({
    name,
    ask: askOf(one as Members, "said"),
  }));
  const ask = askOf(written, "left over");
  return async (input, outside) => {
    const known: Record<string, Json> = {};
    for (const { name, ask: askBefore } of before) known[name] = await askBefore({ input, outside, before: known, answer: null });
    return ask({ input, outside, before: known, answer: null });
  };
}

type Ask = (seen: Seen) => Promise<Json>;

/** What a request sends beside its path: only what is said, or what is left of the input where nothing is. */
type Sends = "said" | "left over";

function askOf(written: Members, sends: Sends): Ask {
  const request = requestOf(written, sends);
  const answer = written.answer === undefined ? null : compileValue(written.answer, SCOPE);
  const usage = written.usage === undefined ? null : compileValue(written.usage, SCOPE);
  const stream = written.stream === undefined ? null : streamOf(written.stream as Members);
  return async (seen) => {
    if (stream !== null) return stream(request(seen), seen);
    const got = await seen.outside.send(request(seen));
    const after = { ...seen, answer: got };
    if (usage !== null) seen.outside.spend(run(usage, got.body, after) as object);
    return answer === null ? got.body : run(answer, got.body, after);
  };
}

function streamOf({ format, say, answer, usage }: Members): (request: ServiceRequest, seen: Seen) => Promise<Json> {
  const piece = say === undefined ? null : compileValue(say, SCOPE);
  const whole = answer === undefined ? null : compileValue(answer, SCOPE);
  const spent = usage === undefined ? null : compileValue(usage, SCOPE);
  return async (request, seen) => {
    const all: Json[] = [];
    for await (const item of seen.outside.items(request, format === "ndjson" ? "ndjson" : "sse")) {
      all.push(item);
      const said = piece === null ? null : run(piece, item, seen);
      if (typeof said === "string" && said !== "") seen.outside.say(said);
    }
    if (spent !== null) seen.outside.spend(run(spent, all, seen) as object);
    return whole === null ? all : run(whole, all, seen);
  };
}

function run(evaluate: Evaluate, data: Json, { input, outside, before, answer }: Seen): Json {
  return evaluate(data, (name) => variable(name, input, outside, before, answer), 0);
}

function variable(name: string, input: Json, outside: Outside, before: Members, answer: ServiceAnswer | null): Json {
  switch (name) {
    case "input":
      return input;
    case "config":
      return outside.config;
    case "key":
      return outside.key;
    case "before":
      return before;
    case "status":
      return answer?.status ?? null;
    case "headers":
      return answer?.headers ?? {};
    default:
      return null;
  }
}

function requestOf(written: Members, sends: Sends): (seen: Seen) => ServiceRequest {
  const { method, path, query, headers, body, accept } = spelledOut(written);
  const toPath = pathOf(path);
  const made = compileValue({ query: query ?? null, headers: headers ?? {}, body: body ?? null }, SCOPE);
  const isRead = WITHOUT_BODY.has(method);
  const fillsQuery = sends === "left over" && isRead && query === undefined && body === undefined;
  const fillsBody = sends === "left over" && !isRead && body === undefined;
  return (seen) => {
    const { text, used } = toPath(seen);
    const fields = run(made, seen.input, seen) as { query: Members | null; headers: Json; body: Json };
    const more = fillsQuery && !text.includes("?") ? leftOver(seen.input, used) : null;
    return {
      ...{ method, path: text, headers: headersOf(fields.headers) },
      ...(accept === undefined ? {} : { accept }),
      ...(fields.query === null && more === null ? {} : { query: queryOf(fields.query ?? more ?? {}) }),
      ...(body === undefined ? {} : { body: fields.body }),
      ...(fillsBody ? { body: Object.keys(used).length === 0 ? seen.input : leftOver(seen.input, used) } : {}),
    };
  };
}

const WITHOUT_BODY = new Set(["GET", "HEAD", "DELETE"]);

interface Request {
  readonly method: string;
  readonly path: string;
  readonly query?: Json;
  readonly headers?: Json;
  readonly body?: Json;
  readonly accept?: readonly number[];
}

/** What they may be is seen where they are sent. */
function headersOf(made: Json): NonNullable<ServiceRequest["headers"]> {
  if (made === null) return {};
  if (typeof made === "object" && !Array.isArray(made)) return made as Record<string, string>;
  throw servicesProblems.SERVICE_INPUT_INVALID("The header fields of a request would be no object.");
}

function spelledOut(written: Members): Request {
  const short = METHODS.find((method) => written[method] !== undefined);
  const { method = short ?? "get", path = short === undefined ? "/" : written[short], ...rest } = (written.http ?? {}) as Members;
  return { ...(rest as object), method: String(method).toUpperCase(), path: String(path) };
}

function leftOver(input: Json, used: Readonly<Record<string, true>>): Members {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return {};
  return Object.fromEntries(Object.entries(input).filter(([name]) => !Object.hasOwn(used, name)));
}

function queryOf(fields: Members): NonNullable<ServiceRequest["query"]> {
  const entries = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value.map(textOf) : textOf(value)]));
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

interface Path {
  readonly text: string;
  readonly used: Readonly<Record<string, true>>;
}

/** `/pets/{id}?q=${ .q }`: what is put in is encoded. */
function pathOf(written: string): (seen: Seen) => Path {
  const pieces = piecesOf(written).map((piece) =>
    typeof piece === "string" ? piece : compileValue(`\${${piece.program}}`, SCOPE),
  );
  return (seen) => {
    const used: Record<string, true> = {};
    const fill = (text: string): string => text.replace(/\{([A-Za-z_][\w-]*)\}/g, (_, name: string) => filled(name, seen, used));
    const text = pieces
      .map((piece) => (typeof piece === "string" ? fill(piece) : encoded(run(piece, seen.input, seen))))
      .join("");
    if (DOT_SEGMENT.test(text.replace(/\?.*$/s, "")))
      throw servicesProblems.SERVICE_INPUT_INVALID(`The path ${shown(text)} would lead elsewhere.`);
    return { text, used };
  };
}

/** Steps of a path that lead out of it, however they are written. */
const DOT_SEGMENT = /(^|\/)(\.|%2e){1,2}(\/|$)/i;

function filled(name: string, { input }: Seen, used: Record<string, true>): string {
  const value = (input as Members | null)?.[name];
  if (value === undefined || value === null)
    throw servicesProblems.SERVICE_INPUT_INVALID(`The path needs ${shown(name)}, which the input does not have.`);
  used[name] = true;
  return encoded(value);
}

function encoded(value: Json): string {
  return encodeURIComponent(value === null ? "" : textOf(value).toWellFormed());
}
