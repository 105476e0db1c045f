// The shape of a service's definition as a document, and what a shape cannot say: whether expressions can be read,
// what names refer to.

import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { mistakeIn } from "../jq.ts";
import { type Diagnostic, piecesOf, placed, Report, readServiceSchema, type Source, shapes, Trail } from "../workflow.ts";
import { CATALOGUE } from "./catalogue.ts";
import { METHODS, VARIABLES } from "./http-operation.ts";
import { operationsOf } from "./openapi.ts";
import { nearest } from "./problems.ts";

const { anything, boolean, byType, integer, list, named, number, object, text, textLike, words } = shapes;

type Shape = shapes.Shape;
type Members = Readonly<Record<string, Json>>;

/** What services are called by; no dots, which capabilities have. */
export const SERVICE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

/** The name of a secret that is a service's own: `BOX_API_KEY`. */
export function ownSecretName(service: string, what: "API_KEY" | "TOKEN" | "LOGIN"): string {
  const name = service.replace(/[^A-Za-z0-9]+/g, "_").toUpperCase();
  return `${/^[A-Z]/.test(name) ? name : `SERVICE_${name}`}_${what}`;
}

const name = textLike(SERVICE_NAME, "a name", "Letters, digits, `-` and `_`, at most 63.");
const capability = textLike(
  /^[A-Za-z][\w-]*(\.[A-Za-z][\w-]*)+$/,
  "a capability",
  "Two or more words with dots between them, like llm.chat.",
);
const version = textLike(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/, "a semantic version", "Write it like 1.0.0.");
const url: Shape = (value, at, report) => {
  if (typeof value !== "string") return shapes.wrongType(value, "a URL", at, report);
  const mistake = mistakeInUrl(value);
  if (mistake !== null) report.add("DOC_VALUE", at, `The URL ${mistake}.`, { fix: "Write it like http://127.0.0.1:11434." });
};

/** In words that do not repeat it: what stands in it may be a password. */
export function mistakeInUrl(written: string): string | null {
  const parsed = /\s/.test(written) ? null : URL.parse(written);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return "cannot be read as one of http or https";
  if (parsed.username !== "" || parsed.password !== "") return "has a name or a password in it; `authentication:` names a secret";
  return parsed.search !== "" || parsed.hash !== "" ? "has a query or a fragment" : null;
}

const path = textLike(/^\/\S*|^\/.*\$\{[\s\S]*$/, "a path", "It begins with /.");
const secret = textLike(/^[A-Za-z][\w.-]{0,127}$/, "the name of a secret", "Set it with `baton secrets set NAME`.");

const schema: Shape = byType({ object: anything }, "a JSON Schema");
const usd = number(0, 1e6);
const spanMs = integer(1, 86_400_000);

const cost = object({ usdPerCall: usd, usdPerMillionInputTokens: usd, usdPerMillionOutputTokens: usd });

/** RFC 9110 §5.1. */
const fieldName = textLike(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "the name of a header field", "Letters, digits and `-`.");

const authentication = object(
  {
    kind: words("bearer", "header", "query", "basic"),
    secret,
    name: text,
    prefix: text,
    isOptional: boolean,
  },
  { required: ["kind", "secret"] },
);

const hint = object({
  label: text,
  control: words("text", "textarea", "number", "slider", "switch", "select", "file", "json", "hidden"),
  ...{ min: number(-1e15, 1e15), max: number(-1e15, 1e15), step: number(0, 1e15) },
  optionsFrom: object({ operation: text, options: text }, { required: ["operation", "options"] }),
});

const stream = object({ format: words("ndjson", "sse"), say: text, answer: anything, usage: anything }, { required: ["format"] });

const http = object(
  {
    method: words(...METHODS, ...METHODS.map((method) => method.toUpperCase())),
    path,
    query: byType({ object: anything, text: anything }, "an object or an expression"),
    headers: named(text),
    body: anything,
    accept: list(integer(400, 599)),
  },
  { required: ["path"] },
);

const short = Object.fromEntries(METHODS.map((method) => [method, path]));
const asking = { http, ...short, answer: anything, usage: anything, stream };

const operationFields = {
  ...{ title: text, description: text, cost, ui: named(hint) },
  capability: byType({ text: capability, list: list(capability, { atLeastOne: true }) }, "a capability or a list of them"),
  effects: words("read", "write", "destructive"),
  idempotent: boolean,
  remember: boolean,
  ...{ idempotencyHeader: fieldName, typicalLatencyMs: spanMs, timeoutMs: spanMs },
};

const operation = object({
  ...{ ...operationFields, input: schema, output: schema, ...asking },
  ...{ before: named(object(asking)), tool: text, openapi: text },
});

/** JSON Schema, or one of a library. */
const anySchema: Shape = (value, at, report) => {
  if (typeof (value as unknown) !== "function" && typeof value !== "boolean") schema(value, at, report);
};

/** Of TypeScript: a function. */
const functionOperation = object({ ...operationFields, input: anySchema, output: anySchema, act: anything });

const mcp = shapes.oneOf(
  {
    url: object({ url }, { required: ["url"] }),
    command: object({ command: text, args: list(text), env: named(text) }, { required: ["command"] }),
  },
  "How an MCP server is reached",
);

const fields = {
  ...{ service: name, version, title: text, description: text, category: text, uses: text, baseUrl: url },
  ...{ authentication, configuration: schema, config: object({}, { rest: anything }), data: words("local", "remote") },
  health: object({ path, operation: text, intervalMs: integer(1_000, 86_400_000), timeoutMs: spanMs }),
  limits: object({
    concurrency: integer(1, 1_000_000),
    rate: object({ count: integer(1, 10_000), perMs: integer(1, 2_678_400_000) }, { required: ["count", "perMs"] }),
    timeoutMs: spanMs,
    answerBytesMax: integer(1, 1 << 30),
  }),
  ...{ priority: integer(1, 1_000_000), weight: number(0, 1e6) },
};

const definition = object(
  {
    ...{ ...fields, mcp },
    openapi: object({ url: text, document: anything }, { required: ["document"] }),
    operations: object({}, { rest: operation }),
  },
  { required: ["service"] },
);

const functionDefinition = object({ ...fields, operations: object({}, { rest: functionOperation }) }, { required: ["service"] });

/** Everything that is wrong with a definition, in the order of its text. */
export function checkDefinition({ value, places }: Source): Diagnostic[] {
  const report = new Report();
  definition(value, Trail.root, report);
  if (shapes.isObject(value)) checkMeaning(value, report);
  return placed(report.findings, places);
}

/** The first thing that is wrong with one in TypeScript; null where there is none. */
export function mistakeInCode(written: unknown): { readonly words: string; readonly fix?: string } | null {
  const report = new Report();
  const value = withoutUndefined(written, 0);
  functionDefinition(value, Trail.root, report);
  if (shapes.isObject(value)) checkCommon(value, report);
  const [first] = report.findings;
  if (first === undefined) return null;
  const { message, trail, fix } = first;
  const path = trail.pointer.slice(1).replaceAll("/", ".");
  return { words: path === "" ? message : `${path}: ${message}`, ...(fix === undefined ? {} : { fix }) };
}

const LEVELS_MAX = 8;

/** A field that is undefined is left out, as TypeScript has it. */
function withoutUndefined(value: unknown, depth: number): Json {
  const isPlain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain || depth > LEVELS_MAX || "~standard" in value) return value as Json;
  const given = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(given.map(([key, member]) => [key, withoutUndefined(member, depth + 1)]));
}

/** What holds for both. */
function checkCommon(value: Members, report: Report): void {
  const operations = membersOf(value.operations);
  const at = Trail.root.child("operations");
  checkSchema(value.configuration, Trail.root.child("configuration"), report);
  checkBaseUrl(value, report);
  checkConfig(value, report);
  checkAuthentication(membersOf(value.authentication), report);
  for (const [name, one] of Object.entries(operations)) {
    checkOperationName(name, at.child(name), report);
    for (const side of ["input", "output"]) checkSchema(membersOf(one)[side], at.child(name).child(side), report);
  }
  checkNames(value, operations, report);
}

function checkOperationName(name: string, at: Trail, report: Report): void {
  if (!OPERATION_NAME.test(name))
    report.add("DOC_NAME", at, "The name of an operation has a wrong form.", {
      onKey: true,
      fix: "Letters, digits, `_`, `-`, `.` and `:`.",
    });
}

/** Where it is configured to be; of `baseUrl` itself its shape says it. */
function checkBaseUrl({ config }: Members, report: Report): void {
  const { baseUrl } = membersOf(config);
  if (baseUrl !== undefined) url(baseUrl, Trail.root.child("config").child("baseUrl"), report);
}

function checkAuthentication({ kind, name }: Members, report: Report): void {
  if (kind === "header" && name !== undefined) fieldName(name, Trail.root.child("authentication").child("name"), report);
}

/** Operations that others name: those of a catalogue's entry are there, too, and those of an MCP server may come. */
function checkNames(value: Members, operations: Members, report: Report): void {
  const entry = typeof value.uses === "string" ? CATALOGUE.get(value.uses) : undefined;
  if (value.mcp !== undefined && Object.keys(operations).length === 0) return;
  const all = Object.entries({ ...entry?.operations, ...operations });
  const known = new Set(all.flatMap(([name, one]) => [name, ...capabilitiesOf((one as Members).capability)]));
  const require = (named: Json | undefined, at: Trail): void => {
    if (typeof named !== "string" || known.has(named)) return;
    report.add("DOC_REFERENCE_UNKNOWN", at, `There is no operation \`${named.slice(0, 60)}\`.`, {
      fix: `There are: ${all
        .slice(0, 20)
        .map(([name]) => name)
        .join(", ")}.`,
    });
  };
  require(membersOf(value.health).operation, Trail.root.child("health").child("operation"));
  for (const [name, one] of Object.entries(operations))
    for (const [field, hinted] of Object.entries(membersOf(membersOf(one).ui)))
      require(membersOf(membersOf(hinted).optionsFrom).operation, [
        "operations",
        name,
        "ui",
        field,
        "optionsFrom",
        "operation",
      ].reduce((at, key) => at.child(key), Trail.root));
}

function capabilitiesOf(written: Json | undefined): readonly string[] {
  return (Array.isArray(written) ? (written as readonly Json[]) : [written]).filter((one) => typeof one === "string");
}

function checkMeaning(value: Members, report: Report): void {
  const at = Trail.root;
  checkCommon(value, report);
  const inApi = namesInApi(value, report);
  if (typeof value.uses === "string" && !CATALOGUE.has(value.uses))
    report.add("DOC_REFERENCE_UNKNOWN", at.child("uses"), `The catalogue has no \`${value.uses.slice(0, 60)}\`.`, {
      fix: `There are: ${[...CATALOGUE.keys()].join(", ")}.`,
    });
  const operations = membersOf(value.operations);
  const isBare = value.uses === undefined && value.mcp === undefined;
  if (isBare && Object.keys(operations).length === 0)
    report.add("DOC_KEY_MISSING", at, "A service has neither operations nor `uses`.", { fix: "Add `operations:` or `uses:`." });
  for (const [name, one] of Object.entries(operations))
    checkOperation(membersOf(one), value, inApi, at.child("operations").child(name), report);
}

/** What is configured, by the definition's own words or the catalogue's. */
function checkConfig({ configuration, uses, config = {} }: Members, report: Report): void {
  const schema = configuration ?? CATALOGUE.get(String(uses))?.configuration;
  if (!shapes.isObject(schema as Json) || !shapes.isObject(config)) return;
  const at = Trail.root.child("config");
  const known = Object.keys(membersOf((schema as Members).properties));
  for (const name of Object.keys(config).filter((one) => !isConfigurable(one, schema as Members, known))) {
    const meant = nearest(name, known);
    report.add("DOC_KEY_UNKNOWN", at.child(name), `\`${name.slice(0, 60)}\` is nothing that can be configured.`, {
      onKey: true,
      fix: meant === null ? `There are: ${known.join(", ") || "none"}.` : `Did you mean \`${meant}\`?`,
    });
  }
  for (const { at: pointer, message } of issuesOf(schema as Members, config))
    report.add("DOC_VALUE", trailOf(pointer, at), `config${pointer === "" ? "" : ` ${pointer}`}: ${message}.`);
}

function isConfigurable(name: string, schema: Members, known: readonly string[]): boolean {
  const isOpen = schema.additionalProperties !== undefined || schema.patternProperties !== undefined;
  return isOpen || known.length === 0 || known.includes(name) || name === "baseUrl";
}

/** Of a schema that cannot be read it is said elsewhere. */
function issuesOf(schema: Members, config: Json): readonly { readonly at: string; readonly message: string }[] {
  try {
    const checked = readServiceSchema(schema, "It").check(config);
    return checked.ok ? [] : checked.issues;
  } catch {
    return [];
  }
}

function trailOf(pointer: string, from: Trail): Trail {
  const keys = pointer.split("/").slice(1);
  return keys.reduce(
    (at, key) => at.child(/^\d+$/.test(key) ? Number(key) : key.replaceAll("~1", "/").replaceAll("~0", "~")),
    from,
  );
}

const OPERATION_NAME = /^[A-Za-z0-9_][\w.:-]{0,127}$/;

function checkOperation(written: Members, whole: Members, inApi: ReadonlySet<string> | null, at: Trail, report: Report): void {
  const ways = [...METHODS, "http", "tool", "openapi"].filter((way) => written[way] !== undefined);
  if (ways.length === 0 && whole.uses === undefined)
    report.add("DOC_TASK_UNKNOWN", at, "The operation does not say how it is called.", {
      fix: "Add `get: /path`, `post: /path` or `http:`.",
    });
  if (ways.length > 1)
    report.add("DOC_TASK_AMBIGUOUS", at, `The operation is called by ${ways.join(" and ")}; it takes one of them.`);
  const isHttp = ways.some((way) => way === "http" || (METHODS as readonly string[]).includes(way));
  if (isHttp && whole.baseUrl === undefined && membersOf(whole.config).baseUrl === undefined && !hasDefaultUrl(whole))
    report.add("DOC_KEY_MISSING", Trail.root, "`baseUrl` is missing, to which the paths of operations are added.", {
      fix: "Add `baseUrl:`.",
    });
  checkWay(written, whole, inApi, at, report);
  for (const key of ["get", "post", "put", "patch", "delete", "head", "http", "answer", "usage", "stream", "before"])
    checkPrograms(written[key], at.child(key), report);
}

/** What is called somewhere else is to be there. */
function checkWay(
  { tool, openapi }: Members,
  whole: Members,
  inApi: ReadonlySet<string> | null,
  at: Trail,
  report: Report,
): void {
  if (tool !== undefined && whole.mcp === undefined)
    report.add("DOC_KEY_MISSING", at.child("tool"), "A tool is one of an MCP server, and there is no `mcp`.", {
      fix: "Add `mcp:`.",
    });
  if (typeof openapi !== "string") return;
  if (membersOf(whole.openapi).document === undefined)
    report.add("DOC_KEY_MISSING", at.child("openapi"), "There is no `openapi.document` that it could be an operation of.", {
      fix: "`baton services add` takes the OpenAPI document itself.",
    });
  else if (inApi !== null && !inApi.has(openapi))
    report.add(
      "DOC_REFERENCE_UNKNOWN",
      at.child("openapi"),
      `The OpenAPI document has no operation \`${openapi.slice(0, 60)}\`.`,
    );
}

/** What operations of its OpenAPI document are called; null where there is none that can be read. */
function namesInApi({ openapi }: Members, report: Report): ReadonlySet<string> | null {
  const { document } = membersOf(openapi);
  if (document === undefined) return null;
  try {
    return new Set(operationsOf(document).flatMap(({ operationId, method, path }) => [operationId, `${method} ${path}`]));
  } catch (error) {
    if (!isProblemError(error)) throw error;
    report.add("DOC_VALUE", Trail.root.child("openapi").child("document"), error.problem.detail);
    return null;
  }
}

function hasDefaultUrl({ configuration, uses }: Members): boolean {
  const { baseUrl } = membersOf(membersOf(configuration).properties);
  return uses !== undefined || membersOf(baseUrl).default !== undefined;
}

function checkSchema(written: Json | undefined, at: Trail, report: Report): void {
  if (!shapes.isObject(written) || "~standard" in written) return;
  try {
    readServiceSchema(written, "It");
  } catch (error) {
    report.add("DOC_SCHEMA", at, error instanceof Error ? error.message : String(error));
  }
}

function checkPrograms(value: Json | undefined, at: Trail, report: Report): void {
  if (typeof value === "string") checkText(value, at, report);
  else if (Array.isArray(value)) {
    (value as readonly Json[]).forEach((item, i) => {
      checkPrograms(item, at.child(i), report);
    });
  } else if (shapes.isObject(value)) {
    for (const [key, member] of Object.entries(value)) checkPrograms(member, at.child(key), report);
  }
}

function checkText(value: string, at: Trail, report: Report): void {
  for (const piece of piecesOf(value)) {
    if (typeof piece === "string") continue;
    const found = mistakeIn(piece.program, { variables: ["input", ...VARIABLES] });
    if (found === null) continue;
    const code = /^\$\S+ is not defined/.test(found.message) ? "DOC_JQ_VARIABLE" : "DOC_JQ_SYNTAX";
    report.add(code, at, found.message.replace(/ \(line \d+, column \d+\)/, ""), {
      offset: piece.at + found.offset,
      ...(code === "DOC_JQ_VARIABLE" ? { fix: `There are: $input, ${VARIABLES.map((one) => `$${one}`).join(", ")}.` } : {}),
    });
  }
}

function membersOf(value: Json | undefined): Members {
  return shapes.isObject(value) ? value : {};
}
