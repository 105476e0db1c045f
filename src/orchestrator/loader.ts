// Loading workflow files: TypeScript, JavaScript, or documents, from anywhere on disk.
//
// A file that finds no `batonflow` or `zod` in its own tree gets those of the running
// Baton. What it loads from beside itself counts as its content: the hash over all of
// it tells which code a run was started with.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type AgentDefinition, isAgent } from "../agents.ts";
import { isAuthors } from "../base/place.ts";
import { isProblemError, ProblemError } from "../base/problem.ts";
import { engineProblems, type Origin } from "../engine.ts";
import { failureOf } from "../run.ts";
import { isService, type Service, serviceOfCode } from "../services.ts";
import { type DocumentSchedule, fullName, isWorkflow, type Workflow } from "../workflow.ts";
import { loadAgentManifest, loadDocument, loadServiceDocument } from "./documents.ts";
import { offerFunction } from "./outside.ts";
import { orchestratorProblems } from "./problems.ts";

/** How long a file may take to load, in ms. */
const LOAD_MS_MAX = 30_000;

const MODULE_KINDS = new Set([".ts", ".mts", ".js", ".mjs"]);
const DOCUMENT_KINDS = new Set([".yaml", ".yml", ".json"]);

export interface LoadedFile {
  /** The one to run. Throws WF_SEVERAL where none of several is named. */
  readonly workflow: Workflow;
  readonly origin: Origin;
  /** All that the file exports, the one to run included. */
  readonly all: readonly LoadedWorkflow[];
  /** Services that it defines. */
  readonly services: readonly Service[];
  /** Agents that it defines. */
  readonly agents: readonly AgentDefinition[];
}

export interface LoadedWorkflow {
  readonly workflow: Workflow;
  readonly origin: Origin;
  /** When a document wants to be started by itself. */
  readonly schedule?: DocumentSchedule | null;
}

/** Splits `FILE#export`. */
export function splitTarget(target: string): { path: string; name: string | null } {
  const at = target.lastIndexOf("#");
  if (at <= 0 || existsSync(target)) return { path: resolve(target), name: null };
  return { path: resolve(target.slice(0, at)), name: target.slice(at + 1) };
}

/** Loads `FILE` or `FILE#export`. Throws WF_… problems. */
export async function loadWorkflowFile(target: string): Promise<LoadedFile> {
  const { path, name } = splitTarget(target);
  requireWorkflowFile(path);
  if (DOCUMENT_KINDS.has(extname(path))) return documentFile(path, name);
  const exported = await importFile(path);
  const contentHash = contentHashOf(versioned(pathToFileURL(path).href));
  const found = [...exported].filter((pair): pair is [string, Workflow] => isWorkflow(pair[1]));
  const services = [...new Set([...exported.values()].filter(isService))].map(serviceOfCode);
  const agents = [...new Set([...exported.values()].filter(isAgent))];
  const all = found.map(([exportName, workflow]) => ({ workflow, origin: { source: `${path}#${exportName}`, contentHash } }));
  requireOneEach(all);
  for (const { workflow } of all) offerFunction(workflow);
  const chosen = found.length === 0 && services.length + agents.length > 0 && name === null ? null : choose(path, name, found);
  return loadedFile({ all, services, agents }, () => requireChosen(path, found, chosen));
}

/** All services that these files define. Throws WF_… problems, SERVICE_DEFINITION_INVALID. */
export async function loadServices(targets: readonly string[]): Promise<Service[]> {
  const found: Service[] = [];
  for (const target of targets) found.push(...(await loadWorkflowFile(target)).services);
  return found;
}

/** Which one is to be run is asked of those who run it. */
function loadedFile(
  { all, services, agents }: Pick<LoadedFile, "all" | "services" | "agents">,
  chosen: () => Workflow,
): LoadedFile {
  const originOf = (wanted: Workflow): Origin => all.find(({ workflow }) => workflow === wanted)?.origin as Origin;
  return {
    ...{ all, services, agents },
    get workflow() {
      return chosen();
    },
    get origin() {
      return originOf(chosen());
    },
  };
}

/** A document is one workflow. */
function documentFile(path: string, name: string | null): LoadedFile {
  if (name !== null) throw orchestratorProblems.WF_EXPORT_UNKNOWN(`${path} is a document: it has no exports.`);
  const service = loadServiceDocument(path);
  if (service !== null) return loadedFile({ all: [], services: [service], agents: [] }, () => requireChosen(path, [], null));
  const agent = loadAgentManifest(path);
  if (agent !== null) return loadedFile({ all: [], services: [], agents: [agent] }, () => requireChosen(path, [], null));
  const { workflow, contentHash, schedule } = loadDocument(path);
  offerFunction(workflow);
  const origin = { source: path, contentHash };
  return { workflow, origin, all: [{ workflow, origin, schedule }], services: [], agents: [] };
}

/** Which of two workflows of one name was run would hang on the order they came in. Throws WORKFLOW_TWICE. */
export function requireOneEach(all: LoadedFile["all"]): void {
  const first = new Map<string, LoadedFile["all"][number]>();
  for (const one of all) {
    const name = fullName(one.workflow);
    const other = first.get(name) ?? one;
    first.set(name, other);
    if (other.workflow !== one.workflow)
      throw engineProblems.WORKFLOW_TWICE(`${name} is both ${other.origin.source} and ${one.origin.source}.`);
  }
}

function requireWorkflowFile(path: string): void {
  if (!existsSync(path)) throw orchestratorProblems.WF_FILE_MISSING(`There is no file ${path}.`);
  if (!statSync(path).isFile()) throw orchestratorProblems.WF_FILE_KIND(`${path} is not a file.`);
  const kind = extname(path);
  if (!MODULE_KINDS.has(kind) && !DOCUMENT_KINDS.has(kind)) throw orchestratorProblems.WF_FILE_KIND(`${path} ends in "${kind}".`);
}

/** The one that is named, or is the only one or the default; null where there are several. */
function choose(path: string, name: string | null, found: readonly [string, Workflow][]): Workflow | null {
  const names = found.map(([exportName]) => exportName);
  if (name !== null) {
    const named = found.find(([exportName]) => exportName === name)?.[1];
    if (named === undefined)
      throw orchestratorProblems.WF_EXPORT_UNKNOWN(
        `${path} exports no workflow "${name}"; it exports: ${names.join(", ") || "none"}.`,
      );
    return named;
  }
  const chosen =
    found.find(([exportName]) => exportName === "default") ??
    (new Set(found.map(([, one]) => one)).size === 1 ? found[0] : undefined);
  if (found.length === 0) throw orchestratorProblems.WF_NONE(`${path} exports no workflow.`);
  return chosen?.[1] ?? null;
}

function requireChosen(path: string, found: readonly [string, Workflow][], chosen: Workflow | null): Workflow {
  if (chosen !== null) return chosen;
  if (found.length === 0)
    throw orchestratorProblems.WF_NONE(`${path} defines a service and no workflow.`, {
      fix: "Name a workflow's file, and this one with --with.",
    });
  throw orchestratorProblems.WF_SEVERAL(`${path} exports ${found.map(([name]) => name).join(", ")}.`);
}

// Whether a file is being loaded is kept where every copy of Baton sees it.
const LOADING = Symbol.for("batonflow.loading");
const shared = globalThis as { [LOADING]?: number };

export function isLoading(): boolean {
  return (shared[LOADING] ?? 0) > 0;
}

async function importFile(path: string): Promise<Map<string, unknown>> {
  prepareHooks();
  const { href } = pathToFileURL(path);
  shared[LOADING] = (shared[LOADING] ?? 0) + 1;
  try {
    const loaded = (await withinTime(import(versioned(href)), path)) as Record<string, unknown>;
    return new Map(Object.entries(loaded));
  } catch (error) {
    throw loadProblem(error, path);
  } finally {
    shared[LOADING] = (shared[LOADING] ?? 1) - 1;
  }
}

async function withinTime<T>(loading: Promise<T>, path: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(orchestratorProblems.WF_LOAD_TIMEOUT(`${path} did not load within ${LOAD_MS_MAX / 1_000} s.`)),
    LOAD_MS_MAX,
  );
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}

const IMPORT_CODES = new Set([
  ...["ERR_MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED", "ERR_PACKAGE_IMPORT_NOT_DEFINED", "ERR_UNSUPPORTED_DIR_IMPORT"],
  ...["ERR_UNKNOWN_BUILTIN_MODULE", "ERR_INVALID_MODULE_SPECIFIER", "ERR_UNSUPPORTED_ESM_URL_SCHEME"],
  ...["ERR_UNKNOWN_FILE_EXTENSION", "ERR_IMPORT_ATTRIBUTE_MISSING"],
]);

function loadProblem(error: unknown, path: string): Error {
  if (isProblemError(error)) return placed(error);
  const { code, message, name } = failureOf(error, "");
  const kind = kindOfLoadProblem(code, name);
  const found = placeIn(error) ?? (kind === "WF_IMPORT" ? placeOfImport(error) : null);
  const at = found ?? (kind === "WF_SYNTAX" ? placeOfSyntaxError() : null) ?? path;
  const sentence = firstLine(message).replace(/ imported from .*$/, "");
  return orchestratorProblems[kind](`${at}: ${sentence}`, { at });
}

function kindOfLoadProblem(code: string, name: string): "WF_TS_SYNTAX" | "WF_SYNTAX" | "WF_IMPORT" | "WF_LOAD_FAILED" {
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") return "WF_TS_SYNTAX";
  if (code === "ERR_INVALID_TYPESCRIPT_SYNTAX" || name === "SyntaxError") return "WF_SYNTAX";
  return IMPORT_CODES.has(code) ? "WF_IMPORT" : "WF_LOAD_FAILED";
}

/** What is wrong with a definition is told with the place where it stands. */
function placed(error: ProblemError): ProblemError {
  const at = error.problem.at ?? placeIn(error);
  return at === null ? error : new ProblemError({ ...error.problem, at }, { cause: error });
}

function firstLine(message: string): string {
  return message.split("\n").find((line) => line.trim() !== "") ?? message;
}

/** `file:line:col` of the user's own file, from a stack that has frames, or begins with the place, the line and a mark below. */
function placeIn(error: unknown): string | null {
  const stack = error instanceof Error ? String(error.stack ?? "") : "";
  for (const line of stack.split("\n")) {
    const found = /(?:file:\/\/)?(\/[^():\n]+|[A-Za-z]:\\[^():\n]+):(\d+)(:\d+)?/.exec(line);
    if (found === null || !isAuthors(line)) continue;
    return `${decodeURI(found[1] ?? "")}:${found[2]}${found[3] ?? markedColumn(stack)}`;
  }
  return null;
}

function markedColumn(stack: string): string {
  const mark = /^(\s*)\^+\s*$/m.exec(stack);
  return mark === null ? "" : `:${(mark[1] ?? "").length + 1}`;
}

/** Of a syntax error in a module Node does not say where it is; the reader of TypeScript does. */
function placeOfSyntaxError(): string | null {
  if (lastLoaded === null) return null;
  const path = fileURLToPath(lastLoaded);
  try {
    stripTypeScriptTypes(readFileSync(path, "utf8"));
    return path;
  } catch (error) {
    const [, line] = /^:(\d+)\n/.exec(error instanceof Error ? String(error.stack) : "") ?? [];
    return line === undefined ? path : `${path}:${line}${markedColumn(String((error as Error).stack))}`;
  }
}

/** Imports that could not be resolved, by the error that said so. */
const failedImports = new WeakMap<object, { readonly specifier: string; readonly parentUrl: string }>();

/** Where the import stands that failed: of the specifier as it is written, the first. */
function placeOfImport(error: unknown): string | null {
  const failed = failedImports.get(error as object);
  if (failed === undefined) return null;
  const path = fileURLToPath(failed.parentUrl);
  const before = readFileSync(path, "utf8").split(new RegExp(`["']${RegExp.escape(failed.specifier)}["']`))[0] ?? "";
  const lines = before.split("\n");
  return `${path}:${lines.length}:${(lines.at(-1) ?? "").length + 1}`;
}

// Loading again: under another name, since what was imported stays.

let generation = 0;

function versioned(url: string): string {
  return generation === 0 || url.includes("?") ? url : `${url}?v=${generation}`;
}

/** Loads a file and all it imports of the user's own as they are now. Throws WF_… problems. */
export async function loadAgain(target: string): Promise<LoadedFile> {
  generation++;
  return await loadWorkflowFile(target);
}

/** The user's own files that a loaded one consists of, itself included. */
export function filesLoadedWith(target: string): string[] {
  const { path } = splitTarget(target);
  if (DOCUMENT_KINDS.has(extname(path))) return [path];
  return [...partsOf(versioned(pathToFileURL(splitTarget(target).path).href))].map((url) => fileURLToPath(url));
}

// Resolving.

const OWN_ROOT = new URL("../../", import.meta.url).href;
const FACES: Readonly<Record<string, string>> = {
  batonflow: "../index",
  "batonflow/jq": "../jq",
  "batonflow/agents": "../agents",
  "batonflow/services": "../services",
  "batonflow/testing": "../testing",
};

/** What each loaded file of the user's is, and which it imports. */
const graph = new Map<string, { hash: string; readonly imports: Set<string> }>();

/** The file of the user's whose text was asked for last: modules are read one after the other. */
let lastLoaded: string | null = null;

let hooked = false;

function prepareHooks(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      const { parentURL } = context;
      const own = (): Resolved => next(specifier, context);
      const isAsked = isLent(specifier) && parentURL !== import.meta.url; // else by ourselves, to lend it
      const found = noting(specifier, parentURL, isAsked ? () => resolveLent(specifier, own) : own);
      if (!isUsersOwn(found.url)) return found;
      const url = versioned(found.url);
      if (parentURL !== undefined) nodeOf(parentURL).imports.add(url);
      return { ...found, url };
    },
    load(url, context, next) {
      if (isUsersOwn(url)) {
        lastLoaded = url;
        nodeOf(url).hash = createHash("sha256")
          .update(readFileSync(fileURLToPath(url)))
          .digest("hex");
      }
      return next(url, { ...context, format: isUsersOwn(url) ? formatOf(url, context.format) : context.format });
    },
  });
}

const MODULE_SYNTAX = /^\s*(?:import\s*[\w{*"'$]|export\s+(?:default|const|let|var|function|class|async|type|interface|[{*]))/m;

/** `npm init` writes that all files are CommonJS; one that imports and exports is a module all the same. */
function formatOf(url: string, format: string | null | undefined): string | null | undefined {
  if (format !== "commonjs" && format !== "commonjs-typescript") return format;
  if (!MODULE_SYNTAX.test(readFileSync(fileURLToPath(url), "utf8"))) return format;
  return format === "commonjs" ? "module" : "module-typescript";
}

/** Resolves, and keeps for whoever tells of a failure which import it was. */
function noting(specifier: string, parentUrl: string | undefined, resolve: () => Resolved): Resolved {
  try {
    return resolve();
  } catch (error) {
    if (error instanceof Error && parentUrl?.startsWith("file:") === true) failedImports.set(error, { specifier, parentUrl });
    throw error;
  }
}

function nodeOf(url: string): { hash: string; readonly imports: Set<string> } {
  const node = graph.get(url) ?? { hash: "", imports: new Set<string>() };
  graph.set(url, node);
  return node;
}

function isUsersOwn(url: string): boolean {
  return (
    url.startsWith("file:") &&
    !url.includes("/node_modules/") &&
    !url.startsWith(`${OWN_ROOT}src/`) &&
    !url.startsWith(`${OWN_ROOT}dist/`)
  );
}

/** Names that the running Baton lends to files that have none of their own. */
function isLent(specifier: string): boolean {
  return specifier === "batonflow" || specifier === "zod" || specifier.startsWith("batonflow/") || specifier.startsWith("zod/");
}

interface Resolved {
  url: string;
  format?: string | null | undefined;
  shortCircuit?: boolean | undefined;
}

function resolveLent(specifier: string, own: () => Resolved): Resolved {
  const found = orNull(own);
  const isOurs = specifier.startsWith("batonflow") && found?.url.startsWith(OWN_ROOT) === true;
  if (found !== null && !isOurs) return found;
  const lent = lentUrl(specifier);
  if (lent === null) throw notLent(specifier);
  return { url: lent, shortCircuit: true };
}

function orNull<T>(resolve: () => T): T | null {
  try {
    return resolve();
  } catch {
    return null; // not there
  }
}

function notLent(specifier: string): Error {
  const names = [...Object.keys(FACES), "zod and its parts"].join(", ");
  return Object.assign(new Error(`There is no "${specifier}"; Baton brings along: ${names}`), { code: "ERR_MODULE_NOT_FOUND" });
}

function lentUrl(specifier: string): string | null {
  const face = FACES[specifier];
  if (face !== undefined) return new URL(`${face}${extname(fileURLToPath(import.meta.url))}`, import.meta.url).href;
  return specifier.startsWith("zod") ? orNull(() => import.meta.resolve(specifier)) : null;
}

/** A hash over a file and everything of the user's that it imports. */
function contentHashOf(url: string): string {
  const parts = [...partsOf(url)].map((at) => graph.get(at)?.hash ?? "").toSorted();
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 32);
}

function partsOf(url: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (at: string): void => {
    if (seen.has(at)) return;
    seen.add(at);
    for (const imported of graph.get(at)?.imports ?? []) visit(imported);
  };
  visit(url);
  return seen;
}
