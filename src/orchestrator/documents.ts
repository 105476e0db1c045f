// Workflow documents from disk: read, checked, and made workflows.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Json } from "../base/json.ts";
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
  /** Null where it could not be read. */
  readonly document: Json | null;
}

/** Reads a document and says everything that is wrong with it. Throws only where there is no such file. */
export function checkDocumentFile(file: string, functions: readonly string[] = []): CheckedDocument {
  const bytes = read(file);
  const text = bytes.toString("utf8");
  const source = readSource(bytes, file);
  if (!isRead(source)) return { file, text, diagnostics: source.diagnostics, document: null };
  return { file, text, diagnostics: checkDocument(source, { functions }), document: source.value };
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

function invalid(file: string, errors: readonly Diagnostic[]): Error {
  const [first] = errors;
  const more = errors.length > 1 ? ` And ${errors.length - 1} more.` : "";
  const detail = `${first === undefined ? file : placeOf(first)}: ${first?.message ?? "It is no document."}${more}`;
  return orchestratorProblems.DOCUMENT_INVALID(detail, {
    ...(first === undefined ? {} : { at: placeOf(first) }),
    ...(first?.fix === undefined ? {} : { fix: first.fix }),
    facts: { file, diagnostics: errors },
  });
}

export function placeOf({ at }: Diagnostic): string {
  return `${at.file}:${at.line}:${at.column}`;
}
