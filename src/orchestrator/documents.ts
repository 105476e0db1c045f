// Workflow documents from disk: read, checked, and made workflows.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type AgentDefinition, agentProblems, checkedAgent, isAgentDocument } from "../agents.ts";
import type { Json } from "../base/json.ts";
import type { ProblemMore } from "../base/problem.ts";
import { checkedDefinition, isServiceDocument, type Service, serviceOfDocument, servicesProblems } from "../services.ts";
import {
  checkDocument,
  type Diagnostic,
  type DocumentSchedule,
  documentWorkflow,
  readSource,
  type Source,
  scheduleOf,
  type Workflow,
} from "../workflow.ts";
import { outside } from "./outside.ts";
import { orchestratorProblems } from "./problems.ts";

export interface CheckedDocument {
  readonly file: string;
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
  /** What it is meant as. */
  readonly kind: "workflow" | "service";
  /** Null where it could not be read. */
  readonly document: Json | null;
}

/** Reads a document, of a workflow or a service, and says everything that is wrong with it. Throws only where there is no such file. */
export function checkDocumentFile(file: string, functions: readonly string[] = []): CheckedDocument {
  const bytes = read(file);
  const text = bytes.toString("utf8");
  const source = readSource(bytes, file);
  if (!isRead(source)) return { file, text, kind: "workflow", diagnostics: source.diagnostics, document: null };
  if (isServiceDocument(source.value))
    return { file, text, kind: "service", diagnostics: checkedDefinition(source).diagnostics, document: source.value };
  return { file, text, kind: "workflow", diagnostics: checkDocument(source, { functions }), document: source.value };
}

function isRead(source: ReturnType<typeof readSource>): source is Source {
  return "value" in source;
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw orchestratorProblems.WF_FILE_MISSING(`There is no file ${file}.`);
    throw orchestratorProblems.WF_FILE_KIND(`${file} cannot be read: ${message}`);
  }
}

export interface LoadedDocument {
  readonly workflow: Workflow;
  readonly contentHash: string;
  readonly schedule: DocumentSchedule | null;
}

/** Throws DOCUMENT_INVALID with the diagnostics as facts. */
export function loadDocument(file: string): LoadedDocument {
  const { diagnostics, document, text } = checkDocumentFile(file, []);
  const errors = diagnostics.filter(({ severity, code }) => severity === "error" && code !== "DOC_FUNCTION_UNKNOWN");
  const [first] = errors;
  if (first !== undefined || document === null) throw invalid(file, errors);
  const contentHash = createHash("sha256").update(text).digest("hex").slice(0, 32);
  return { workflow: documentWorkflow(document, outside) as Workflow, contentHash, schedule: scheduleOf(document) };
}

/** The service that a document defines; null where it is meant as a workflow. Throws SERVICE_DEFINITION_INVALID. */
export function loadServiceDocument(file: string): Service | null {
  const source = readSource(read(file), file);
  if (!isRead(source) || !isServiceDocument(source.value)) return null;
  const { diagnostics, document } = checkedDefinition(source);
  if (document !== null) return serviceOfDocument(document);
  throw invalidService(
    file,
    diagnostics.filter(({ severity }) => severity === "error"),
  );
}

/** The agent that a manifest defines; null where it is meant as something else. Throws AGENT_DEFINITION_INVALID. */
export function loadAgentManifest(file: string): AgentDefinition | null {
  const source = readSource(read(file), file);
  if (!isRead(source) || !isAgentDocument(source.value)) return null;
  const { diagnostics, document } = checkedAgent(source);
  if (document !== null) return document as unknown as AgentDefinition;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  throw agentProblems.AGENT_DEFINITION_INVALID(...inWords(file, errors, "It is no manifest of an agent."));
}

/** The manifest in a file, checked. Throws AGENT_DEFINITION_INVALID / WF_FILE_MISSING. */
export function readAgentManifest(file: string): Json {
  const found = loadAgentManifest(file);
  if (found !== null) return found as unknown as Json;
  throw agentProblems.AGENT_DEFINITION_INVALID(`${file} is no manifest of an agent.`, { fix: "It begins with `agent: NAME`." });
}

export function invalidService(file: string, errors: readonly Diagnostic[]): Error {
  return servicesProblems.SERVICE_DEFINITION_INVALID(...inWords(file, errors, "It is no definition."));
}

function invalid(file: string, errors: readonly Diagnostic[]): Error {
  return orchestratorProblems.DOCUMENT_INVALID(...inWords(file, errors, "It is no document."));
}

/** The first mistake with its place, and how many more there are; all of them as facts. */
function inWords(file: string, errors: readonly Diagnostic[], otherwise: string): [string, ProblemMore] {
  const [first] = errors;
  const more = errors.length > 1 ? ` And ${errors.length - 1} more.` : "";
  const detail = `${first === undefined ? file : placeOf(first)}: ${first?.message ?? otherwise}${more}`;
  const place = first === undefined ? {} : { at: placeOf(first) };
  const fix = first?.fix === undefined ? {} : { fix: first.fix };
  return [detail, { ...place, ...fix, facts: { file, diagnostics: errors } }];
}

export function placeOf({ at }: Diagnostic): string {
  return `${at.file}:${at.line}:${at.column}`;
}
