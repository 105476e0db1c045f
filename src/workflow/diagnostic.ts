// What is wrong with a document: said once, at its place, with what to do. The same objects serve the terminal, HTTP
// and editors.

import type { Json } from "../base/json.ts";

export type Severity = "error" | "warning";

/** Lines and columns count from 1; the end is where the next thing could begin. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  readonly message: string;
  readonly fix?: string;
  /** JSON pointer (RFC 6901) into the document. */
  readonly pointer: string;
  readonly at: Place;
  /** The page that says more. */
  readonly docs: string;
}

/** Every code: what kind of mistake it is, and why it matters. */
export const DIAGNOSTICS = {
  DOC_ALIAS_LIMIT: ["error", "Aliases make the document larger than it may be."],
  DOC_CYCLE: ["error", "An alias contains itself."],
  DOC_DEFAULT_TWICE: ["error", "A switch has more than one default."],
  DOC_DEPTH: ["error", "The document is nested too deeply."],
  DOC_DUPLICATE_LOOK: ["error", "Two names look the same."],
  DOC_EMPTY: ["error", "Something is empty that must have something in it."],
  DOC_ENDLESS: ["warning", "Tasks lead back to one another without a condition."],
  DOC_FUNCTION_UNKNOWN: ["error", "A function is called that is not defined."],
  DOC_JQ_SYNTAX: ["error", "An expression is not valid jq."],
  DOC_JQ_VARIABLE: ["error", "An expression uses a variable that is not there."],
  DOC_KEY_FORM: ["error", "A key has characters that a key must not have."],
  DOC_KEY_MISSING: ["error", "A key is missing."],
  DOC_KEY_STRANGE: ["warning", "A key that means nothing here; the specification does not forbid it."],
  DOC_KEY_TWICE: ["error", "A key stands twice in one object."],
  DOC_KEY_UNKNOWN: ["error", "A key is not known here."],
  DOC_MERGE_KEY: ["error", "Merge keys are not a part of YAML 1.2."],
  DOC_NAME: ["error", "A name has a wrong form."],
  DOC_NOT_YET: ["error", "A feature of the specification that Baton does not have yet."],
  DOC_NUMBER: ["error", "A number that JSON cannot keep."],
  DOC_PATTERN: ["warning", "A regular expression that other engines may take very long for."],
  DOC_REFERENCE_UNKNOWN: ["error", "A name refers to nothing."],
  DOC_SCHEMA: ["error", "A JSON Schema that cannot be used."],
  DOC_SECRET_IN_OUTPUT: ["warning", "A secret would get into data that is kept."],
  DOC_SELF_RUN: ["warning", "A workflow runs itself without a condition."],
  DOC_SEVERAL: ["error", "A file holds more than one document."],
  DOC_SIZE: ["error", "The document is too large."],
  DOC_TAG: ["error", "YAML tags of other languages are not read."],
  DOC_TASK_AMBIGUOUS: ["error", "A task says two things to do."],
  DOC_TASK_TWICE: ["error", "Two tasks of one list have the same name."],
  DOC_TASK_UNKNOWN: ["error", "A task does not say what to do."],
  DOC_THEN_UNKNOWN: ["error", "`then` names no task of the same list."],
  DOC_TYPE: ["error", "A value has the wrong type."],
  DOC_UNREACHABLE: ["warning", "A task is never reached."],
  DOC_UNUSED: ["warning", "A definition is never used."],
  DOC_VALUE: ["error", "A value is none of those that are allowed."],
  DOC_VERSION: ["error", "A version that is not known."],
  DOC_YAML: ["error", "The text is not YAML."],
} as const satisfies Readonly<Record<string, readonly [Severity, string]>>;

export type DiagnosticCode = keyof typeof DIAGNOSTICS;

const DOCS = "docs/reference/diagnostics.md";

export function diagnostic(code: DiagnosticCode, message: string, pointer: string, at: Place, fix?: string): Diagnostic {
  const severity = DIAGNOSTICS[code][0];
  return { code, severity, message, ...(fix === undefined ? {} : { fix }), pointer, at, docs: `${DOCS}#${code.toLowerCase()}` };
}

/** Where a value stands, as a chain: most are never written out. */
export class Trail {
  readonly #parent: Trail | null;
  readonly #key: string | number;

  constructor(parent: Trail | null, key: string | number) {
    this.#parent = parent;
    this.#key = key;
  }

  child(key: string | number): Trail {
    return new Trail(this, key);
  }

  get pointer(): string {
    return this.#parent === null ? "" : `${this.#parent.pointer}/${escaped(String(this.#key))}`;
  }

  static readonly root = new Trail(null, "");
}

function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** A mistake before its place is looked up. */
export interface Finding {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly trail: Trail;
  /** The key is wrong, not its value. */
  readonly onKey: boolean;
  /** UTF-16 units into the text of the value. */
  readonly offset: number | null;
  readonly fix?: string;
}

export class Report {
  readonly findings: Finding[] = [];

  add(
    code: DiagnosticCode,
    trail: Trail,
    message: string,
    more: { onKey?: boolean; offset?: number; fix?: string | null } = {},
  ): void {
    const { onKey = false, offset = null, fix = null } = more;
    if (this.findings.length < FINDINGS_MAX)
      this.findings.push({ code, message, trail, onKey, offset, ...(fix === null ? {} : { fix }) });
  }

  get hasErrors(): boolean {
    return this.findings.some(({ code }) => DIAGNOSTICS[code][0] === "error");
  }
}

/** Nobody reads more than that of one document. */
const FINDINGS_MAX = 200;

// Words for people.

/** A value, short enough for a sentence. */
export function quoted(value: Json | undefined): string {
  const text = typeof value === "string" ? `"${value}"` : (JSON.stringify(value) ?? "nothing");
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

export function kindOfValue(value: Json | undefined): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : typeof value === "string" ? "text" : `a ${typeof value}`;
}

const WORD_LENGTH_MAX = 64;

/** The candidate that was probably meant; null when none is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | null {
  if (word.length > WORD_LENGTH_MAX) return null;
  let best: string | null = null;
  let least = Math.max(1, Math.floor(word.length / 3)) + 0.5;
  for (const candidate of candidates) {
    const distance = isAlike(word, candidate) ? 0 : editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

function isAlike(word: string, candidate: string): boolean {
  const [a, b] = [word, candidate].map((one) => one.toLowerCase().replace(/[-_ ]/g, ""));
  return a === b || a === `${b}s` || `${a}s` === b;
}

/** Insertions, deletions, replacements and neighbours that changed places (optimal string alignment). */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > WORD_LENGTH_MAX) return WORD_LENGTH_MAX;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let k = 1; k <= b.length; k++) {
      const same = a[i - 1] === b[k - 1] ? 0 : 1;
      let least = Math.min((above[k] ?? 0) + 1, (row[k - 1] ?? 0) + 1, (above[k - 1] ?? 0) + same);
      if (i > 1 && k > 1 && a[i - 1] === b[k - 2] && a[i - 2] === b[k - 1]) least = Math.min(least, (before[k - 2] ?? 0) + 1);
      row.push(least);
    }
    [before, above] = [above, row];
  }
  return above[b.length] ?? 0;
}

/** The lines around a place, with a mark below it; of long lines what is around the mark. */
export function frame(text: string, { at }: Diagnostic): string {
  const lines = text.split(/\r?\n/);
  const first = Math.max(1, at.line - 1);
  const last = Math.min(lines.length, at.line + 1);
  const width = String(last).length;
  const from = at.column <= LINE_LENGTH_MAX ? 0 : at.column - (LINE_LENGTH_MAX >> 1);
  const shown: string[] = [];
  for (let number = first; number <= last; number++) {
    const line = cut(lines[number - 1] ?? "", from);
    shown.push(`${String(number).padStart(width)} | ${line}`.trimEnd());
    if (number !== at.line) continue;
    const column = at.column - from;
    const end = at.endLine === at.line ? at.endColumn - from : line.length + 1;
    const length = Math.max(1, Math.min(end, line.length + 1) - column);
    shown.push(`${" ".repeat(width)} | ${" ".repeat(column - 1)}${"^".repeat(length)}`);
  }
  return shown.join("\n");
}

const LINE_LENGTH_MAX = 120;

function cut(line: string, from: number): string {
  const plain = line.replaceAll("\t", " ").slice(from, from + LINE_LENGTH_MAX);
  if (plain === "") return "";
  const before = from === 0 ? plain : `…${plain.slice(1)}`;
  return line.length > from + LINE_LENGTH_MAX ? `${before}…` : before;
}
