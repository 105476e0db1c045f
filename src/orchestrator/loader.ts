// Loading workflow files: TypeScript or JavaScript from anywhere on disk.
//
// A file that finds no `batonflow` or `zod` in its own tree gets those of the running
// Baton. What it loads from beside itself counts as its content: the hash over all of
// it tells which code a run was started with.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import { extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { apiProblems } from "../api.ts";
import { isProblemError } from "../base/problem.ts";
import type { Origin } from "../engine.ts";
import { isWorkflow, type Workflow } from "../workflow.ts";
import { orchestratorProblems } from "./problems.ts";

/** How long a file may take to load, in ms. */
const LOAD_MS_MAX = 30_000;

const MODULE_KINDS = new Set([".ts", ".mts", ".js", ".mjs"]);
const DOCUMENT_KINDS = new Set([".yaml", ".yml", ".json"]);

export interface LoadedFile {
  /** The one to run. */
  readonly workflow: Workflow;
  readonly origin: Origin;
  /** All that the file exports, the one to run included. */
  readonly all: readonly { readonly workflow: Workflow; readonly origin: Origin }[];
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
  const exported = await importFile(path);
  const contentHash = contentHashOf(pathToFileURL(path).href);
  const found = [...exported].filter((pair): pair is [string, Workflow] => isWorkflow(pair[1]));
  const all = found.map(([exportName, workflow]) => ({ workflow, origin: { source: `${path}#${exportName}`, contentHash } }));
  const chosen = choose(path, name, found);
  const origin = all.find(({ workflow }) => workflow === chosen)?.origin ?? { source: path, contentHash };
  return { workflow: chosen, origin, all };
}

function requireWorkflowFile(path: string): void {
  if (!existsSync(path)) throw orchestratorProblems.WF_FILE_MISSING(`There is no file ${path}.`);
  if (!statSync(path).isFile()) throw orchestratorProblems.WF_FILE_KIND(`${path} is not a file.`);
  const kind = extname(path);
  if (DOCUMENT_KINDS.has(kind)) throw apiProblems.NOT_YET(`Workflow documents (${kind}) cannot be run yet; ${path} is one.`);
  if (!MODULE_KINDS.has(kind)) throw orchestratorProblems.WF_FILE_KIND(`${path} ends in "${kind}".`);
}

function choose(path: string, name: string | null, found: readonly [string, Workflow][]): Workflow {
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
  if (chosen !== undefined) return chosen[1];
  if (found.length === 0) throw orchestratorProblems.WF_NONE(`${path} exports no workflow.`);
  throw orchestratorProblems.WF_SEVERAL(`${path} exports ${names.join(", ")}.`);
}

// Whether a file is being loaded is kept where every copy of Baton sees it.
const LOADING = Symbol.for("batonflow.loading");
const shared = globalThis as { [LOADING]?: number };

export function isLoading(): boolean {
  return (shared[LOADING] ?? 0) > 0;
}

async function importFile(path: string): Promise<Map<string, unknown>> {
  prepareHooks();
  shared[LOADING] = (shared[LOADING] ?? 0) + 1;
  try {
    const loaded = (await withinTime(import(pathToFileURL(path).href), path)) as Record<string, unknown>;
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

function loadProblem(error: unknown, path: string): Error {
  if (isProblemError(error)) return error;
  const {
    code = "",
    message = String(error),
    name = "",
    stack = "",
  } = error instanceof Error ? (error as Error & { code?: string }) : {};
  const at = placeIn(stack, message) ?? path;
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX")
    return orchestratorProblems.WF_TS_SYNTAX(`${at}: ${firstLine(message)}`, { at });
  if (code === "ERR_INVALID_TYPESCRIPT_SYNTAX" || name === "SyntaxError")
    return orchestratorProblems.WF_SYNTAX(`${at}: ${firstLine(message)}`, { at });
  if (code === "ERR_MODULE_NOT_FOUND" || code === "ERR_PACKAGE_PATH_NOT_EXPORTED")
    return orchestratorProblems.WF_IMPORT(`${path}: ${firstLine(message)}`, { at: path });
  return orchestratorProblems.WF_LOAD_FAILED(`${at}: ${firstLine(message)}`, { at });
}

function firstLine(message: string): string {
  return message.split("\n").find((line) => line.trim() !== "") ?? message;
}

/** `file:line` or `file:line:col` of the user's own file, from a stack that begins with the place or has frames. */
function placeIn(stack: string, message: string): string | null {
  for (const line of [...stack.split("\n"), ...message.split("\n")]) {
    const found = /(?:file:\/\/)?(\/[^():\n]+|[A-Za-z]:\\[^():\n]+):(\d+)(:\d+)?/.exec(line);
    if (found === null || line.includes("node:") || line.includes("node_modules")) continue;
    return `${decodeURI(found[1] ?? "")}:${found[2]}${found[3] ?? ""}`;
  }
  return null;
}

// Resolving.

const OWN_ROOT = new URL("../../", import.meta.url).href;
const FACES: Readonly<Record<string, string>> = { batonflow: "../index", "batonflow/testing": "../testing" };

/** What each loaded file of the user's is, and which it imports. */
const graph = new Map<string, { hash: string; readonly imports: Set<string> }>();

let hooked = false;

function prepareHooks(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      const found = isLent(specifier) ? resolveLent(specifier, () => next(specifier, context)) : next(specifier, context);
      if (context.parentURL !== undefined && isUsersOwn(found.url)) nodeOf(context.parentURL).imports.add(found.url);
      return found;
    },
    load(url, context, next) {
      if (isUsersOwn(url))
        nodeOf(url).hash = createHash("sha256")
          .update(readFileSync(fileURLToPath(url)))
          .digest("hex");
      return next(url, context);
    },
  });
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
  let found: Resolved | null = null;
  let missing: unknown;
  try {
    found = own();
  } catch (error) {
    missing = error;
  }
  const isOurs = specifier.startsWith("batonflow") && found?.url.startsWith(OWN_ROOT) === true;
  if (found !== null && !isOurs) return found;
  const lent = lentUrl(specifier);
  if (lent === null) throw missing ?? new Error(`"${specifier}" is no face of batonflow.`);
  return { url: lent, shortCircuit: true };
}

function lentUrl(specifier: string): string | null {
  const face = FACES[specifier];
  if (face !== undefined) return new URL(`${face}${extname(fileURLToPath(import.meta.url))}`, import.meta.url).href;
  return specifier.startsWith("zod") ? import.meta.resolve(specifier) : null;
}

/** A hash over a file and everything of the user's that it imports. */
function contentHashOf(url: string): string {
  const seen = new Set<string>();
  const visit = (at: string): void => {
    if (seen.has(at)) return;
    seen.add(at);
    for (const imported of graph.get(at)?.imports ?? []) visit(imported);
  };
  visit(url);
  const parts = [...seen].map((at) => graph.get(at)?.hash ?? "").toSorted();
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 32);
}
