// Calls over HTTP: what is asked, as whom, and what becomes of the answer.
//
// Source: Open Workflow Specification 1.0.3, dsl-reference.md, "HTTP Call", "OpenAPI Call", "Authentication",
// "URI Template".

import { STATUS_CODES } from "node:http";
import type { Json } from "../base/json.ts";
import type { StepContext } from "./context.ts";
import type { HttpAnswer, HttpCall, HttpPlan } from "./doer.ts";
import { compileValue, type ExpressionScope } from "./expression.ts";
import { Abandoned, FaultError, fault, faultOf, raise } from "./fault.ts";
import { masked } from "./mask.ts";
import { type Body, isMembers, type Members, membersOf, type TaskCompiler, type View } from "./task.ts";

interface Credentials {
  readonly scheme: "Basic" | "Bearer";
  readonly parameter: string;
}

/** What is known of a call when its expressions have been evaluated. */
interface Endpoint {
  readonly url: string;
  readonly credentials: Credentials | null;
}

type OutputForm = "content" | "raw" | "response";

export function httpBody(compiler: TaskCompiler): Body {
  const { scope, use } = compiler;
  const { endpoint = null, method = "GET", headers = {}, query = {}, body, ...rest } = membersOf(compiler.definition.with);
  const target = compileEndpoint(endpoint, scope, use);
  const written = compileValue({ headers, query, body: body ?? null }, scope);
  return async (view, input) => {
    const { url, credentials } = target(view, input);
    view.authorization = credentials as Json;
    const given = membersOf(view.evaluate(written, input));
    const plan: HttpPlan = {
      method: String(method).toUpperCase(),
      url: withQuery(view, url, given.query ?? null),
      ...content(view, given.headers ?? null, body === undefined ? undefined : (given.body ?? null)),
    };
    return { output: await send(view, () => plan, credentials, rest), next: null };
  };
}

export function openApiBody(compiler: TaskCompiler): Body {
  const { scope, use } = compiler;
  const { document, operationId, parameters = {}, authentication = null, ...rest } = membersOf(compiler.definition.with);
  const target = compileEndpoint(membersOf(document).endpoint ?? null, scope, use);
  const credentialsOf = compileCredentials(authentication, scope, use);
  const written = compileValue(parameters, scope);
  return async (view, input) => {
    const description = target(view, input);
    const credentials = credentialsOf(view, input);
    view.authorization = credentials as Json;
    const given = view.evaluate(written, input);
    const plan = async (step: StepContext): Promise<HttpPlan> => {
      const text = await read(view, description, step);
      return view.run.doer.operation(text, description.url, String(operationId), given);
    };
    return { output: await send(view, plan, credentials, rest), next: null };
  };
}

/** The text of a resource elsewhere. */
export async function read(view: View, { url, credentials }: Endpoint, step: StepContext): Promise<string> {
  const plan: HttpPlan = { method: "GET", url, headers: {}, body: null };
  const answer = await exchange(view, plan, credentials, true, step);
  return Buffer.from(answer.body).toString("utf8");
}

/** One step: the call and what is made of its answer. Whatever is recorded shows no secret. */
async function send(
  view: View,
  plan: (step: StepContext) => HttpPlan | Promise<HttpPlan>,
  credentials: Credentials | null,
  { output = "content", redirect = false }: Members,
): Promise<Json> {
  const act = async (step: StepContext): Promise<Json> => {
    try {
      const planned = await plan(step);
      const answer = await exchange(view, planned, credentials, redirect === true, step);
      return masked(shaped(planned, answer, output as OutputForm), view.run.secretTexts);
    } catch (error) {
      if (error instanceof Abandoned) throw error;
      const found = faultOf(error, view.reference);
      throw new FaultError(masked(found, view.run.secretTexts) as typeof found, error);
    }
  };
  return await view.waitFor(view.context.step(view.operation(), act));
}

async function exchange(
  view: View,
  plan: HttpPlan,
  credentials: Credentials | null,
  isRedirected: boolean,
  step: StepContext,
): Promise<HttpAnswer> {
  if (credentials !== null) view.run.keepSecret(credentials.parameter);
  const headers = {
    ...plan.headers,
    ...(credentials === null ? {} : { authorization: `${credentials.scheme} ${credentials.parameter}` }),
  };
  const call: HttpCall = { ...plan, headers, isRedirected, credentialHeaders: ["authorization"] };
  const answer = await view.run.doer.http(call, step.abortSignal);
  const isFine = answer.status >= 200 && answer.status < (isRedirected ? 400 : 300);
  if (isFine) return answer;
  throw refused(view, plan, answer);
}

const EXCERPT_LENGTH_MAX = 300;

function refused(view: View, { method, url }: HttpPlan, { status, body }: HttpAnswer): FaultError {
  const title = STATUS_CODES[status] ?? `Status ${status}`;
  const text = Buffer.from(body).toString("utf8").trim();
  const excerpt = text === "" ? "" : `: ${text.length > EXCERPT_LENGTH_MAX ? `${text.slice(0, EXCERPT_LENGTH_MAX)}…` : text}`;
  return new FaultError(
    fault("communication", `${method} ${withoutQuery(url)} answered ${status} ${title}${excerpt}`, view.reference, {
      status,
      title,
    }),
  );
}

/** A query may carry what is nobody's business. */
function withoutQuery(url: string): string {
  return url.replace(/\?.*$/s, "?…");
}

// What is asked.

export function compileEndpoint(written: Json, scope: ExpressionScope, use: Members): (view: View, input: Json) => Endpoint {
  const { uri, authentication = null } = isMembers(written) ? written : { uri: written };
  const evaluate = compileValue(uri ?? null, scope);
  const credentialsOf = compileCredentials(authentication, scope, use);
  return (view, input) => {
    const found = view.evaluate(evaluate, input);
    const { url, credentials } = isMembers(found)
      ? { url: found.uri ?? null, credentials: found.authentication ?? null }
      : { url: found, credentials: null };
    if (typeof url !== "string")
      throw raise("expression", `The endpoint is ${JSON.stringify(url)?.slice(0, 60)}; it must be a URI.`, view.reference);
    const known = credentials === null ? credentialsOf(view, input) : compileCredentials(credentials, scope, use)(view, input);
    return { url: expanded(view, url, input), credentials: known };
  };
}

/** RFC 6570, level 1: `{name}` is a member of the data, percent-encoded. */
function expanded(view: View, template: string, input: Json): string {
  return template.replace(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = Object.hasOwn(view.locals, name) ? view.locals[name] : membersOf(input)[name];
    if (value === undefined || value === null) return "";
    if (typeof value !== "object") return encodeURIComponent(String(value).toWellFormed());
    throw raise(
      "expression",
      `{${name}} in the URI is ${Array.isArray(value) ? "an array" : "an object"}; it must be text, a number or a boolean.`,
      view.reference,
    );
  });
}

function withQuery(view: View, url: string, query: Json): string {
  if (query !== null && !isMembers(query)) throw raise("expression", "The query is no object.", view.reference);
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) => pairsOf(name, value));
  if (pairs.length === 0) return url;
  const [, before = url, hash = ""] = /^([^#]*)(#.*)?$/s.exec(url) ?? [];
  return `${before}${before.includes("?") ? "&" : "?"}${pairs.join("&")}${hash}`;
}

function pairsOf(name: string, value: Json): string[] {
  if (value === null) return [];
  if (Array.isArray(value)) return value.flatMap((one: Json) => pairsOf(name, one));
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return [`${encodeURIComponent(name)}=${encodeURIComponent(text.toWellFormed())}`];
}

function content(view: View, headers: Json, body: Json | undefined): { headers: Record<string, string>; body: string | null } {
  if (headers !== null && !isMembers(headers)) throw raise("expression", "The headers are no object.", view.reference);
  const written = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), textOf(value)] as const);
  const named = Object.fromEntries(written);
  if (body === undefined) return { headers: named, body: null };
  if (typeof body === "string") return { headers: named, body };
  return { headers: { "content-type": "application/json", ...named }, body: JSON.stringify(body) };
}

function textOf(value: Json): string {
  return typeof value === "string"
    ? value
    : value === null
      ? ""
      : typeof value === "object"
        ? JSON.stringify(value)
        : String(value);
}

// As whom.

function compileCredentials(
  written: Json,
  scope: ExpressionScope,
  use: Members,
): (view: View, input: Json) => Credentials | null {
  if (!isMembers(written)) return () => null;
  const { use: name } = written;
  const policy = typeof name === "string" ? membersOf(membersOf(use.authentications)[name]) : written;
  const evaluate = compileValue(policy, scope);
  return (view, input) => {
    const { basic, bearer } = membersOf(view.evaluate(evaluate, input));
    if (basic !== undefined) {
      const { username, password } = fromSecret(view, membersOf(basic));
      return {
        scheme: "Basic",
        parameter: Buffer.from(`${textOf(username ?? null)}:${textOf(password ?? null)}`).toString("base64"),
      };
    }
    if (bearer === undefined) throw raise("configuration", "Only basic and bearer authentication are known.", view.reference);
    const { token } = fromSecret(view, membersOf(bearer));
    return { scheme: "Bearer", parameter: textOf(token ?? null) };
  };
}

/** `use: name` takes all of a policy from a secret. */
function fromSecret(view: View, policy: Members): Members {
  const { use: name } = policy;
  if (typeof name !== "string") return policy;
  const found = view.run.secret(name, view.reference);
  if (isMembers(found)) return found;
  if (typeof found === "string") return { token: found };
  throw raise("authorization", `Secret "${name}" is no object with what authentication needs.`, view.reference);
}

// What is answered.

function shaped(plan: HttpPlan, answer: HttpAnswer, form: OutputForm): Json {
  if (form === "raw") return Buffer.from(answer.body).toString("base64");
  const body = contentOf(answer);
  if (form === "content") return body;
  return {
    request: { method: plan.method, uri: plan.url, headers: plan.headers },
    headers: answer.headers,
    statusCode: answer.status,
    content: body,
  };
}

/** JSON as the value it is; all else as text. */
function contentOf({ headers, body }: HttpAnswer): Json {
  if (body.length === 0) return null;
  const text = Buffer.from(body).toString("utf8");
  if (!/^[^;]*[/+]json\b/i.test(headers["content-type"] ?? "")) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
