// `baton validate` and `baton graph`: documents looked at, not run.

import { existsSync, readFileSync } from "node:fs";
import type { Problem } from "../base/problem.ts";
import { type CheckedDocument, checkDocumentFile, loadWorkflowFile, placeOf } from "../orchestrator.ts";
import { type Diagnostic, frame, graphMermaid, graphOf, graphSvg, graphText } from "../workflow.ts";
import { cliProblems, EXIT } from "./problems.ts";
import type { CommonOptions } from "./run.ts";
import { openTerminal, printable, type Terminal } from "./terminal.ts";

export interface ValidateOptions extends CommonOptions {
  readonly with: readonly string[];
}

/** 3 where a document has errors; warnings alone are no reason to stop. */
export async function validate(files: readonly string[], options: ValidateOptions): Promise<number> {
  const terminal = openTerminal(options);
  const functions: string[] = [];
  for (const file of options.with) functions.push(...(await loadWorkflowFile(file)).all.map(({ workflow }) => workflow.name));
  const checked = files.map((file) => checkDocumentFile(file, functions));
  if (options.json) terminal.data(JSON.stringify({ v: 1, files: checked.map(forPrograms) }));
  else for (const one of checked) tell(one, terminal);
  return checked.some((one) => errorsOf(one) > 0) ? EXIT.invalid : EXIT.ok;
}

function errorsOf({ diagnostics }: CheckedDocument): number {
  return diagnostics.filter(({ severity }) => severity === "error").length;
}

function forPrograms(checked: CheckedDocument): object {
  const { file, diagnostics } = checked;
  return { file, valid: errorsOf(checked) === 0, diagnostics };
}

function tell(checked: CheckedDocument, terminal: Terminal): void {
  const { file, text, diagnostics } = checked;
  for (const diagnostic of diagnostics) terminal.data(diagnosticText(text, diagnostic, terminal));
  const errors = errorsOf(checked);
  const warnings = diagnostics.length - errors;
  const counts = [counted(errors, "error"), counted(warnings, "warning")].filter((one) => one !== "").join(", ");
  terminal.say(`${errors === 0 ? terminal.style("green", "✓") : terminal.style("red", "✗")} ${file}  ${counts || "valid"}`);
}

function counted(count: number, word: string): string {
  return count === 0 ? "" : `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** `file:line:col`, what is wrong, the lines around it, what to do, and where to read more. */
export function diagnosticText(text: string, diagnostic: Diagnostic, terminal: Terminal): string {
  const { severity, code, message, fix, docs } = diagnostic;
  const title = terminal.style(severity === "error" ? "red" : "yellow", `${severity}[${code}]`);
  const lines = [`${title} ${printable(message)}`, `  --> ${printable(placeOf(diagnostic))}`, printable(frame(text, diagnostic))];
  if (fix !== undefined) lines.push(`  fix ${printable(fix)}`);
  lines.push(terminal.style("dim", `  docs ${docs}`));
  return `${lines.join("\n")}\n`;
}

/** Problems whose facts are a file and all that is wrong in it. */
const OF_FILES = new Set(["DOCUMENT_INVALID", "SERVICE_DEFINITION_INVALID", "AGENT_DEFINITION_INVALID"]);

/**
 * Of a document or a definition that is refused: each place as `baton validate` shows it; gives the problem as it is left
 * to be told, without what was told here.
 */
export function sayDiagnostics(problem: Problem, terminal: Terminal): Problem {
  const { code, facts, detail } = problem;
  if (!OF_FILES.has(code) || typeof facts?.file !== "string" || !existsSync(facts.file)) return problem;
  const diagnostics = facts.diagnostics as readonly Diagnostic[];
  if (diagnostics.length === 0) return problem;
  const text = readFileSync(facts.file, "utf8");
  for (const diagnostic of diagnostics) terminal.say(diagnosticText(text, diagnostic, terminal));
  const { fix: _, at: __, ...rest } = problem;
  const [first] = diagnostics;
  const place = first === undefined ? detail : placeOf(first);
  return { ...rest, detail: `${place}: ${counted(diagnostics.length, "error")}, shown above.` };
}

/** A picture needs no function to be there. */
function withoutFunctions(checked: CheckedDocument): CheckedDocument {
  return { ...checked, diagnostics: checked.diagnostics.filter(({ code }) => code !== "DOC_FUNCTION_UNKNOWN") };
}

export const GRAPH_FORMATS = ["text", "mermaid", "svg"] as const;
export type GraphFormat = (typeof GRAPH_FORMATS)[number];

export function drawGraph(file: string, format: GraphFormat, options: CommonOptions): number {
  const terminal = openTerminal(options);
  const checked = withoutFunctions(checkDocumentFile(file));
  if (checked.kind === "service") throw cliProblems.USAGE(`${file} defines a service: there is nothing to draw.`);
  if (checked.document === null || errorsOf(checked) > 0) {
    tell(checked, terminal);
    return EXIT.invalid;
  }
  const graph = graphOf(checked.document);
  const drawn =
    format === "svg"
      ? graphSvg(graph)
      : format === "mermaid"
        ? graphMermaid(graph)
        : graphText(graph, { width: process.stdout.columns || 100 });
  terminal.data(options.json ? JSON.stringify({ v: 1, format, graph, drawn }) : drawn);
  return EXIT.ok;
}
