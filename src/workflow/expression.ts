// Runtime expressions in documents: `${ … }` in values, bare programs where an expression is wanted, and the arguments
// they see.
//
// Only what stands in the definition is evaluated, once; text that looks like an expression in data is text.
// Source: Open Workflow Specification 1.0.3, dsl.md, "Runtime Expressions".

import type { Json } from "../base/json.ts";
import { compile, type Program } from "../jq.ts";

/** The arguments of every expression; loops and catchers add their own. */
export const ARGUMENTS = ["context", "input", "output", "secrets", "authorization", "task", "workflow", "runtime"] as const;

/** Gives the value of a name without its `$`. Asked only for those that an expression uses. */
export type Lookup = (name: string) => Json;

/** Computes a value from the data (`.`) and the arguments. Throws JqProblem. */
export type Evaluate = (data: Json, lookup: Lookup, nowMs: number) => Json;

export interface ExpressionScope {
  /** Names that are bound beside the arguments. */
  readonly names: readonly string[];
  /** `loose`: a bare text that is a program is one. */
  readonly isLoose: boolean;
}

const WHOLE = /^\s*\$\{([\s\S]*)\}\s*$/;

/** The program of a text that is an expression as a whole; null where it is not. */
export function programIn(text: string): string | null {
  const found = WHOLE.exec(text);
  if (found === null) return null;
  // `${ .a } and ${ .b }` begins and ends as one expression, but is two.
  const pieces = piecesOf(text.trim());
  return pieces.length === 1 && typeof pieces[0] === "object" ? pieces[0].program : null;
}

/** Compiles a field that holds an expression, with or without `${ }`. */
export function compileExpression(text: string, scope: ExpressionScope): Evaluate {
  return programOf(programIn(text) ?? text, scope);
}

/** Compiles any value: its texts may be expressions, or have expressions in them. */
export function compileValue(value: Json, scope: ExpressionScope): Evaluate {
  return compiledValue(value, scope) ?? (() => value);
}

/** Null for what has no expression in it. */
function compiledValue(value: Json, scope: ExpressionScope): Evaluate | null {
  if (typeof value === "string") return compiledText(value, scope);
  if (typeof value !== "object" || value === null) return null;
  if (Array.isArray(value)) return compiledItems(value, scope);
  return compiledMembers(value as Readonly<Record<string, Json>>, scope);
}

function compiledItems(items: readonly Json[], scope: ExpressionScope): Evaluate | null {
  const compiled = items.map((item) => compiledValue(item, scope));
  if (compiled.every((one) => one === null)) return null;
  return (data, lookup, now) => compiled.map((one, at) => (one === null ? (items[at] ?? null) : one(data, lookup, now)));
}

function compiledMembers(members: Readonly<Record<string, Json>>, scope: ExpressionScope): Evaluate | null {
  const compiled = Object.entries(members).map(([key, value]) => ({ key, value, evaluate: compiledValue(value, scope) }));
  if (compiled.every(({ evaluate }) => evaluate === null)) return null;
  return (data, lookup, now) => {
    const made: Record<string, Json> = {};
    for (const { key, value, evaluate } of compiled) made[key] = evaluate === null ? value : evaluate(data, lookup, now);
    return made;
  };
}

function compiledText(text: string, scope: ExpressionScope): Evaluate | null {
  if (scope.isLoose && !text.includes("${")) return looseProgram(text, scope);
  if (!text.includes("${")) return null;
  const program = programIn(text);
  if (program !== null) return programOf(program, scope);
  const pieces = piecesOf(text).map((piece) => (typeof piece === "string" ? piece : programOf(piece.program, scope)));
  return (data, lookup, now) =>
    pieces.map((piece) => (typeof piece === "string" ? piece : textOf(piece(data, lookup, now)))).join("");
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
}

/** In loose mode a text is a program when it begins as one and can be read as one. */
function looseProgram(text: string, scope: ExpressionScope): Evaluate | null {
  if (!/^\s*[.$]/.test(text)) return null;
  try {
    return programOf(text, scope);
  } catch {
    return null;
  }
}

/** Where an expression stands in a text, in UTF-16 units: of the program without its braces. */
export interface ExpressionPiece {
  readonly program: string;
  readonly at: number;
}

/** Texts and the expressions between them. A `}` inside a program's own braces or texts does not end it. */
export function piecesOf(text: string): (string | ExpressionPiece)[] {
  const pieces: (string | ExpressionPiece)[] = [];
  let from = 0;
  for (let at = text.indexOf("${"); at >= 0; at = text.indexOf("${", from)) {
    const end = endOfProgram(text, at + 2);
    if (end < 0) break;
    if (at > from) pieces.push(text.slice(from, at));
    pieces.push({ program: text.slice(at + 2, end), at: at + 2 });
    from = end + 1;
  }
  if (from < text.length) pieces.push(text.slice(from));
  return pieces;
}

function endOfProgram(text: string, from: number): number {
  let open = 0;
  for (let at = from; at < text.length; at++) {
    const unit = text[at];
    if (unit === '"') at = endOfText(text, at + 1);
    else if (unit === "{") open++;
    else if (unit === "}" && open-- === 0) return at;
  }
  return -1;
}

/** Past a text of a program; what is interpolated in it may have texts of its own. */
function endOfText(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '"') return at;
    if (text[at] !== "\\") continue;
    at++;
    if (text[at] === "(") at = endOfInterpolation(text, at + 1);
  }
  return text.length;
}

function endOfInterpolation(text: string, from: number): number {
  let open = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '"') at = endOfText(text, at + 1);
    else if (text[at] === "(") open++;
    else if (text[at] === ")" && open-- === 0) return at;
  }
  return text.length;
}

const NAME = /\$([A-Za-z_]\w*)/g;

function programOf(program: string, { names }: ExpressionScope): Evaluate {
  const mentioned = new Set([...program.matchAll(NAME)].map(([, name = ""]) => name));
  const used = [...ARGUMENTS, ...names].filter((name) => mentioned.has(name));
  const run: Program = compile(program, { variables: used });
  const usesClock = /\bnow\b/.test(program);
  if (used.length === 0 && !usesClock) return (data) => run(data)[0] ?? null;
  return (data, lookup, nowMs) => {
    const values: Record<string, Json> = {};
    for (const name of used) values[name] = lookup(name);
    return run(data, values, usesClock ? { nowSeconds: nowMs / 1_000 } : undefined)[0] ?? null;
  };
}
