// The shape of a service's definition as a document, and what a shape cannot say: whether expressions can be read,
// what names refer to.

import type { Json } from "../base/json.ts";
import { mistakeIn } from "../jq.ts";
import { type Diagnostic, piecesOf, placed, Report, readServiceSchema, type Source, shapes, Trail } from "../workflow.ts";
import { CATALOGUE } from "./catalogue.ts";
import { METHODS, VARIABLES } from "./http-operation.ts";
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
const url = textLike(/^https?:\/\/[^\s]+$/, "a URL", "Write it like http://127.0.0.1:11434.");
const path = textLike(/^\/\S*|^\/.*\$\{[\s\S]*$/, "a path", "It begins with /.");
const secret = textLike(/^[A-Za-z][\w.-]{0,127}$/, "the name of a secret", "Set it with `baton secrets set NAME`.");

const schema: Shape = byType({ object: anything }, "a JSON Schema");
const usd = number(0, 1e6);
const spanMs = integer(1, 86_400_000);

const cost = object({ usdPerCall: usd, usdPerMillionInputTokens: usd, usdPerMillionOutputTokens: usd });

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

const operation = object({
  ...{ title: text, description: text, input: schema, output: schema, cost, ui: named(hint) },
  capability: byType({ text: capability, list: list(capability, { atLeastOne: true }) }, "a capability or a list of them"),
  effects: words("read", "write", "destructive"),
  idempotent: boolean,
  remember: boolean,
  ...{ idempotencyHeader: text, typicalLatencyMs: spanMs, timeoutMs: spanMs },
  ...asking,
  before: named(object(asking)),
  tool: text,
  openapi: text,
});

const mcp = shapes.oneOf(
  {
    url: object({ url }, { required: ["url"] }),
    command: object({ command: text, args: list(text), env: named(text) }, { required: ["command"] }),
  },
  "How an MCP server is reached",
);

const definition = object(
  {
    ...{ service: name, version, title: text, description: text, category: text, uses: text, baseUrl: url },
    ...{ authentication, configuration: schema, config: object({}, { rest: anything }), data: words("local", "remote") },
    health: object({ path, operation: text, intervalMs: integer(1_000, 86_400_000), timeoutMs: spanMs }),
    limits: object({
      concurrency: integer(1, 1_000_000),
      rate: object({ count: integer(1, 10_000), perMs: integer(1, 2_678_400_000) }, { required: ["count", "perMs"] }),
      timeoutMs: spanMs,
      answerBytesMax: integer(1, 1 << 30),
    }),
    ...{ priority: integer(1, 1_000_000), weight: number(0, 1e6), mcp },
    openapi: object({ url: text, document: anything }, { required: ["document"] }),
    operations: object({}, { rest: operation }),
  },
  { required: ["service"] },
);

/** Everything that is wrong with a definition, in the order of its text. */
export function checkDefinition({ value, places }: Source): Diagnostic[] {
  const report = new Report();
  definition(value, Trail.root, report);
  if (shapes.isObject(value)) checkMeaning(value, report);
  return placed(report.findings, places);
}

function checkMeaning(value: Members, report: Report): void {
  const at = Trail.root;
  if (typeof value.uses === "string" && !CATALOGUE.has(value.uses))
    report.add("DOC_REFERENCE_UNKNOWN", at.child("uses"), `The catalogue has no \`${value.uses.slice(0, 60)}\`.`, {
      fix: `There are: ${[...CATALOGUE.keys()].join(", ")}.`,
    });
  checkSchema(value.configuration, at.child("configuration"), report);
  checkConfig(value, report);
  const operations = membersOf(value.operations);
  const isBare = value.uses === undefined && value.mcp === undefined;
  if (isBare && Object.keys(operations).length === 0)
    report.add("DOC_KEY_MISSING", at, "A service has neither operations nor `uses`.", { fix: "Add `operations:` or `uses:`." });
  for (const [name, one] of Object.entries(operations))
    checkOperation(name, membersOf(one), value, at.child("operations").child(name), report);
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

function checkOperation(name: string, written: Members, whole: Members, at: Trail, report: Report): void {
  if (!OPERATION_NAME.test(name))
    report.add("DOC_NAME", at, "The name of an operation has a wrong form.", {
      onKey: true,
      fix: "Letters, digits, `_`, `-`, `.` and `:`.",
    });
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
  checkSchema(written.input, at.child("input"), report);
  checkSchema(written.output, at.child("output"), report);
  for (const key of ["get", "post", "put", "patch", "delete", "head", "http", "answer", "usage", "stream", "before"])
    checkPrograms(written[key], at.child(key), report);
}

function hasDefaultUrl({ configuration, uses }: Members): boolean {
  const { baseUrl } = membersOf(membersOf(configuration).properties);
  return uses !== undefined || membersOf(baseUrl).default !== undefined;
}

function checkSchema(written: Json | undefined, at: Trail, report: Report): void {
  if (!shapes.isObject(written)) return;
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
