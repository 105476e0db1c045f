// The conformance suite as data: reading its cases, answering as the services they script, and saying what differs.

import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { AstBuilder, GherkinClassicTokenMatcher, Parser } from "@cucumber/gherkin";
import { IdGenerator } from "@cucumber/messages";
import { parse, stringify } from "yaml";
import type { Json } from "../src/base/json.ts";
import {
  type DocumentOutcome,
  type DocumentTrial,
  type ScriptedAnswer,
  type ScriptedRequest,
  tryDocument,
} from "../src/testing.ts";
import { rootPath } from "../tools/layout.ts";

type Members = Readonly<Record<string, Json>>;

/** One case of conformance/*.yaml; see conformance/README.md. */
export interface Case {
  readonly name: string;
  /** Where the specification says so. */
  readonly spec: string;
  readonly document: Json;
  readonly input?: Json;
  readonly secrets?: Readonly<Record<string, Json>>;
  readonly workflows?: readonly Json[];
  readonly services?: readonly ScriptedService[];
  readonly events?: DocumentTrial["events"];
  readonly expect: Expectation;
}

interface ScriptedService {
  readonly request: {
    readonly method?: string;
    readonly url: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: Json;
  };
  readonly respond: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: Json;
    readonly fail?: string;
  };
  readonly times?: number;
}

interface Expectation {
  readonly status: DocumentOutcome["status"];
  readonly output?: Json;
  readonly error?: Members;
  readonly order?: readonly string[];
  readonly requests?: readonly Members[];
  readonly diagnostics?: readonly string[];
}

export interface Area {
  readonly name: string;
  readonly cases: readonly Case[];
}

export function readSuite(): Area[] {
  return globSync("conformance/*.yaml", { cwd: rootPath() })
    .toSorted()
    .filter((file) => basename(file) !== "examples.yaml")
    .map((file) => ({ name: basename(file, ".yaml"), cases: parse(readFileSync(rootPath(file), "utf8")) as Case[] }));
}

/** Every case has a document of its own around its tasks, where it does not write one out. */
export function documentOf(written: Json): string {
  if (typeof written === "string") return written;
  const { document, ...rest } = written as Members;
  const head = { dsl: "1.0.3", namespace: "test", name: "case", version: "1.0.0" };
  return stringify({ document: { ...head, ...((document ?? {}) as object) }, ...rest });
}

/** What differs from what is expected; nothing when all is well. */
export async function differencesOf(one: Case): Promise<string[]> {
  const requests: ScriptedRequest[] = [];
  const outcome = await tryDocument({
    document: documentOf(one.document),
    fetch: answering(one.services ?? [], requests),
    ...(one.input === undefined ? {} : { input: one.input }),
    ...(one.secrets === undefined ? {} : { secrets: one.secrets }),
    ...(one.events === undefined ? {} : { events: one.events }),
    workflows: (one.workflows ?? []).map(documentOf),
  });
  return [...compared(one.expect, outcome), ...comparedRequests(one.expect.requests, requests)];
}

function compared({ status, output, error, order, diagnostics }: Expectation, outcome: DocumentOutcome): string[] {
  const found: string[] = [];
  const say = (what: string, wanted: unknown, got: unknown): void =>
    void found.push(`${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`);
  if (outcome.status !== status)
    say("status", status, [
      outcome.status,
      outcome.error ?? outcome.diagnostics.map(({ code, message }) => `${code} ${message}`),
    ]);
  if (output !== undefined && !isDeepStrictEqual(outcome.output, output)) say("output", output, outcome.output);
  for (const [field, wanted] of Object.entries(error ?? {})) {
    const got = outcome.error?.[field];
    if (field === "type" ? kindOf(String(got)) !== kindOf(String(wanted)) : got !== wanted) say(`error.${field}`, wanted, got);
  }
  if (order !== undefined && !isDeepStrictEqual(outcome.order, order)) say("order", order, outcome.order);
  const codes = outcome.diagnostics.map(({ code }) => code);
  if (diagnostics !== undefined && !isDeepStrictEqual(codes.toSorted(), [...diagnostics].toSorted()))
    say(
      "diagnostics",
      diagnostics,
      outcome.diagnostics.map(({ code, message, pointer }) => `${code} ${pointer} ${message}`),
    );
  return found;
}

/** Both hosts of the standard types are one. */
function kindOf(type: string): string {
  return type.replace(/^.*\/errors\//, "");
}

function comparedRequests(wanted: readonly Members[] | undefined, got: readonly ScriptedRequest[]): string[] {
  if (wanted === undefined) return [];
  if (wanted.length !== got.length) return [`requests: wanted ${wanted.length}, got ${JSON.stringify(got)}`];
  return wanted.flatMap((one, i) =>
    Object.entries(one).flatMap(([field, value]) => {
      const found = fieldOf(got[i] as ScriptedRequest, field, value);
      return isDeepStrictEqual(found, value)
        ? []
        : [`request ${i} ${field}: wanted ${JSON.stringify(value)}, got ${JSON.stringify(found)}`];
    }),
  );
}

/** Headers: only those that are named. A body of JSON as the value it is. */
function fieldOf(request: ScriptedRequest, field: string, wanted: Json): Json {
  if (field === "headers")
    return Object.fromEntries(Object.keys(wanted as Members).map((name) => [name, request.headers[name.toLowerCase()] ?? null]));
  if (field === "body") return typeof wanted === "string" ? request.body : (JSON.parse(request.body ?? "null") as Json);
  return (request as unknown as Members)[field] ?? null;
}

function answering(services: readonly ScriptedService[], requests: ScriptedRequest[]): DocumentTrial["fetch"] {
  const used = services.map(() => 0);
  return async (request) => {
    requests.push(request);
    const at = services.findIndex(
      (service, i) => (used[i] ?? 0) < (service.times ?? Number.POSITIVE_INFINITY) && isMeant(service, request),
    );
    if (at < 0) return { status: 404, headers: { "content-type": "text/plain" }, body: "nothing is scripted here" };
    used[at] = (used[at] ?? 0) + 1;
    const { fail, status = 200, headers = {}, body = null } = (services[at] as ScriptedService).respond;
    if (fail !== undefined) return { fail };
    const isText = typeof body === "string";
    return {
      status,
      headers: { "content-type": isText ? "text/plain" : "application/json", ...headers },
      body: isText ? body : body === null ? "" : JSON.stringify(body),
    } satisfies ScriptedAnswer;
  };
}

function isMeant({ request: wanted }: ScriptedService, got: ScriptedRequest): boolean {
  if (wanted.url !== got.url || (wanted.method !== undefined && wanted.method.toUpperCase() !== got.method)) return false;
  const headers = Object.entries(wanted.headers ?? {});
  if (headers.some(([name, value]) => got.headers[name.toLowerCase()] !== value)) return false;
  return (
    wanted.body === undefined ||
    isDeepStrictEqual(typeof wanted.body === "string" ? got.body : JSON.parse(got.body ?? "null"), wanted.body)
  );
}

// The specification's own kit: its scenarios, step by step.

export interface Scenario {
  readonly feature: string;
  readonly name: string;
  readonly steps: readonly { readonly text: string; readonly doc: string | null }[];
}

export function readKit(): Scenario[] {
  return globSync("conformance/ows/ctk/features/*.feature", { cwd: rootPath() })
    .toSorted()
    .flatMap((file) => {
      const parser = new Parser(new AstBuilder(IdGenerator.incrementing()), new GherkinClassicTokenMatcher());
      const { feature } = parser.parse(readFileSync(rootPath(file), "utf8"));
      return (feature?.children ?? []).flatMap(({ scenario }) =>
        scenario === undefined
          ? []
          : [
              {
                feature: basename(file, ".feature"),
                name: scenario.name,
                steps: scenario.steps.map(({ text, docString }) => ({ text, doc: docString?.content ?? null })),
              },
            ],
      );
    });
}

/** What of a scenario does not hold. `strictTypes`: by the letter of the specification. */
export async function differencesOfScenario({ steps }: Scenario, strictTypes = false): Promise<string[]> {
  let document = "";
  let input: Json = {};
  let outcome: DocumentOutcome | null = null;
  const found: string[] = [];
  for (const { text, doc } of steps) {
    if (/^a workflow with definition:/.test(text)) document = doc ?? "";
    else if (/^given the workflow input is:/.test(text)) input = parse(doc ?? "") as Json;
    else if (/^the workflow is executed/.test(text))
      outcome = await tryDocument({ document, input, strictTypes, fetch: kitServices });
    else if (outcome === null) found.push(`${text}: nothing was executed`);
    else if (!holds(text, doc, outcome)) found.push(`${text}: ${JSON.stringify(outcome)}`);
  }
  return found;
}

/** The twelve forms of steps that scenarios use. */
const STEPS: readonly (readonly [RegExp, (outcome: DocumentOutcome, found: RegExpExecArray, doc: string | null) => boolean])[] = [
  [/^the workflow should complete$/, ({ status }) => status === "completed"],
  [
    /^the workflow should complete with output:$/,
    ({ status, output }, _, doc) => status === "completed" && isDeepStrictEqual(output, parse(doc ?? "")),
  ],
  [/^the workflow should fault$/, ({ status }) => status === "faulted"],
  [
    /^the workflow should fault with error:$/,
    ({ error }, _, doc) => Object.entries(parse(doc ?? "") as Members).every(([field, value]) => error?.[field] === value),
  ],
  [
    /^the workflow output should have properties (.+)$/,
    ({ output }, [, names = ""]) => [...names.matchAll(/'([^']+)'/g)].every(([, path = ""]) => at(output, path) !== undefined),
  ],
  [
    /^the workflow output should have a '(.+)' property with value:$/,
    ({ output }, [, path = ""], doc) => isDeepStrictEqual(at(output, path), parse(doc ?? "")),
  ],
  [
    /^the workflow output should have a '(.+)' property containing (\d+) items$/,
    ({ output }, [, path = "", count]) => (at(output, path) as readonly Json[]).length === Number(count),
  ],
  [/^(\S+) should run first$/, ({ order }, [, name]) => nameIn(order[0]) === name],
  [/^(\S+) should run last$/, ({ order }, [, name]) => nameIn(order.at(-1)) === name],
  [
    /^(\S+) should run after (\S+)$/,
    ({ order }, [, later, earlier]) =>
      order.findIndex((one) => nameIn(one) === later) > order.findIndex((one) => nameIn(one) === earlier),
  ],
];

function holds(text: string, doc: string | null, outcome: DocumentOutcome): boolean {
  for (const [form, isSo] of STEPS) {
    const found = form.exec(text);
    if (found !== null) return isSo(outcome, found, doc);
  }
  throw new Error(`The step "${text}" has no meaning here.`);
}

function nameIn(reference: string | undefined): string | undefined {
  return reference?.replace(/^.*\//, "");
}

function at(value: Json | undefined, path: string): Json | undefined {
  let found: Json | undefined = value;
  for (const name of path.split(".")) found = typeof found === "object" && found !== null ? (found as Members)[name] : undefined;
  return found;
}

const PETS: Readonly<Record<string, Json>> = {
  "1": { id: 1, name: "Rex", status: "available" },
  "2": { id: 2, name: "Tom", status: "available" },
};

const SWAGGER: Json = {
  swagger: "2.0",
  info: { title: "Swagger Petstore (fake)", version: "1.0.7" },
  host: "petstore.swagger.io",
  basePath: "/v2",
  schemes: ["https"],
  paths: {
    "/pet/findByStatus": {
      get: {
        operationId: "findPetsByStatus",
        parameters: [
          { name: "status", in: "query", required: true, type: "array", items: { type: "string" }, collectionFormat: "multi" },
        ],
        responses: {},
      },
    },
    "/pet/{petId}": {
      get: {
        operationId: "getPetById",
        parameters: [{ name: "petId", in: "path", required: true, type: "integer" }],
        responses: {},
      },
    },
  },
};

/** Fakes of the two hosts that the kit calls. */
async function kitServices({ url, headers }: ScriptedRequest): Promise<ScriptedAnswer> {
  const { host, pathname } = new URL(url);
  const json = (body: Json, status = 200): ScriptedAnswer => ({
    status,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (host === "petstore.swagger.io" && pathname === "/v2/swagger.json") return json(SWAGGER);
  if (host === "petstore.swagger.io" && pathname === "/v2/pet/findByStatus") return json(Object.values(PETS));
  if (host === "petstore.swagger.io") {
    const pet = PETS[pathname.replace("/v2/pet/", "")];
    return pet === undefined ? json({ message: "Pet not found" }, 404) : json(pet);
  }
  const [, user = "", password = ""] = /^\/basic-auth\/([^/]+)\/([^/]+)$/.exec(pathname) ?? [];
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  return host === "httpbin.org" && headers.authorization === wanted ? json({ authenticated: true, user }) : json({}, 401);
}

// The specification's examples.

export interface Example {
  readonly file: string;
  /** The feature that comes later; then nothing else is said. */
  readonly refused?: string;
  /** Why it is only validated. */
  readonly validatedOnly?: string;
  readonly spec?: string;
  readonly input?: Json;
  readonly workflows?: readonly Json[];
  readonly services?: NonNullable<Case["services"]>;
  readonly events?: NonNullable<Case["events"]>;
  readonly expect?: Expectation;
}

export function readExamples(): Example[] {
  return parse(readFileSync(rootPath("conformance", "examples.yaml"), "utf8")) as Example[];
}

export function exampleText(file: string): string {
  return readFileSync(rootPath("conformance", "ows", "examples", file), "utf8");
}

export async function differencesOfExample(example: Example): Promise<string[]> {
  const document = exampleText(example.file);
  if (example.refused !== undefined) return refusal(document, example.refused);
  if (example.expect === undefined) return ["nothing is expected of it"];
  const { file: name, expect, spec = "", ...rest } = example;
  return await differencesOf({ name, spec, document, expect, ...rest });
}

async function refusal(document: string, feature: string): Promise<string[]> {
  const { status, diagnostics } = await tryDocument({ document, fetch: kitServices });
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (status !== "invalid" || errors.length === 0) return [`it is ${status}, not refused`];
  const strange = errors.filter(
    ({ code, message }) => code !== "DOC_NOT_YET" || !message.toLowerCase().includes(feature.toLowerCase()),
  );
  return strange.map(({ code, message }) => `${code}: ${message}`);
}

// The table of docs/conformance.md.

export interface Tally {
  readonly name: string;
  readonly passed: number;
  readonly of: number;
}

export function tableOf(rows: readonly Tally[]): string {
  const lines = rows.map(({ name, passed, of }) => `| ${name} | ${passed} | ${of} |`);
  return ["| | passed | of |", "| --- | --: | --: |", ...lines].join("\n");
}
