// Workflow documents from disk: read, checked, and made workflows.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Json } from "../base/json.ts";
import { compile, JqProblem } from "../jq.ts";
import { checkDocument, type Diagnostic, documentWorkflow, readSource, type Source, type Workflow } from "../workflow.ts";
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
  return { file, text, diagnostics: checkDocument(source, { compileJq, functions }), document: source.value };
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

/** The jq engine's word on a program: what is wrong and where; null when all is well. */
export function compileJq(program: string, variables: readonly string[]): { message: string; offset: number } | null {
  try {
    compile(program, { variables });
    return null;
  } catch (error) {
    if (!(error instanceof JqProblem)) throw error;
    return { message: error.problem.detail, offset: error.offset ?? 0 };
  }
}

export interface LoadedDocument {
  readonly workflow: Workflow;
  readonly contentHash: string;
}

/** Throws DOCUMENT_INVALID with the diagnostics as facts. */
export function loadDocument(file: string): LoadedDocument {
  const { diagnostics, document, text } = checkDocumentFile(file, []);
  const errors = diagnostics.filter(({ severity, code }) => severity === "error" && code !== "DOC_FUNCTION_UNKNOWN");
  const [first] = errors;
  if (first !== undefined || document === null) throw invalid(file, text, diagnostics, errors.length);
  const contentHash = createHash("sha256").update(text).digest("hex").slice(0, 32);
  return { workflow: documentWorkflow(document, outside) as Workflow, contentHash };
}

function invalid(file: string, text: string, diagnostics: readonly Diagnostic[], errors: number): Error {
  const [first] = diagnostics;
  const more = errors > 1 ? ` And ${errors - 1} more; \`baton validate\` shows all.` : "";
  const detail = `${first === undefined ? file : placeOf(first)}: ${first?.message ?? "It is no document."}${more}`;
  return orchestratorProblems.DOCUMENT_INVALID(detail, {
    ...(first === undefined ? {} : { at: placeOf(first) }),
    ...(first?.fix === undefined ? {} : { fix: first.fix }),
    facts: { diagnostics, text: text.length > TEXT_LENGTH_MAX ? "" : text },
  });
}

/** Of the document in a problem, so that who shows it can show the place. */
const TEXT_LENGTH_MAX = 100_000;

export function placeOf({ at }: Diagnostic): string {
  return `${at.file}:${at.line}:${at.column}`;
}
