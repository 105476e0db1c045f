// Words of a jq program.

import { JqProblem } from "./problems.ts";

export type Token =
  | { readonly kind: "number"; readonly at: number; readonly end: number; readonly text: string }
  | { readonly kind: "name"; readonly at: number; readonly end: number; readonly text: string }
  | { readonly kind: "field"; readonly at: number; readonly end: number; readonly text: string }
  | { readonly kind: "variable"; readonly at: number; readonly end: number; readonly text: string }
  | { readonly kind: "format"; readonly at: number; readonly end: number; readonly text: string }
  | { readonly kind: "mark"; readonly at: number; readonly end: number; readonly text: string }
  | { readonly kind: "text"; readonly at: number; readonly end: number; readonly text: ""; readonly parts: readonly TextPart[] }
  | { readonly kind: "end"; readonly at: number; readonly end: number; readonly text: "" };

/** A piece of a text, or the words of a program in it. */
export type TextPart = string | readonly Token[];

/** UTF-16 units of a program. */
export const PROGRAM_LENGTH_MAX = 100_000;

/** Brackets within one another, and texts within texts: the parser goes down with them. */
export const PROGRAM_DEPTH_MAX = 200;

const SPACE = /(?:[ \t\r\n\uFEFF]|#(?:[^\n\\]|\\[^\r\n]|\\\r?\n|\\\r|\\$)*)+/y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const NAME = /(?:[A-Za-z_]\w*::)*[A-Za-z_]\w*/y;
const FIELD = /\.[A-Za-z_]\w*/y;
const VARIABLE = /\$(?:[A-Za-z_]\w*::)*[A-Za-z_]\w*/y;
const FORMAT = /@[A-Za-z0-9_]+/y;
const MARK = /\?\/\/=|\?\/\/|\|=|\+=|-=|\*=|\/\/=|\/=|%=|==|!=|<=|>=|\/\/|\.\.|[.[\]{}()|,:;=<>+\-*/%?$]/y;

export function readTokens(program: string): Token[] {
  if (program.length > PROGRAM_LENGTH_MAX) {
    throw new JqProblem("JQ_SYNTAX", `The program has ${program.length} characters; the limit is ${PROGRAM_LENGTH_MAX}.`);
  }
  const reader = new Reader(program);
  const tokens = reader.read(false);
  return tokens;
}

const SIMPLE: readonly (readonly [Token["kind"], RegExp, number])[] = [
  ["number", NUMBER, 0],
  ["field", FIELD, 1],
  ["name", NAME, 0],
  ["variable", VARIABLE, 1],
  ["format", FORMAT, 0],
  ["mark", MARK, 0],
];

class Reader {
  readonly #program: string;
  #at = 0;
  #depth = 0;

  constructor(program: string) {
    this.#program = program;
  }

  /** Up to the end, or to the bracket that closes an interpolation. */
  read(inText: boolean): Token[] {
    if (++this.#depth > PROGRAM_DEPTH_MAX) throw this.#problem("Texts are nested too deeply", this.#at);
    const tokens: Token[] = [];
    let open = 0;
    for (;;) {
      this.#match(SPACE);
      const at = this.#at;
      if (at >= this.#program.length) {
        if (inText) throw this.#problem("A text does not end", at);
        tokens.push({ kind: "end", at, end: at, text: "" });
        break;
      }
      const token = this.#next();
      if (token.kind === "mark" && token.text === "(") open++;
      if (token.kind === "mark" && token.text === ")" && open-- === 0 && inText) {
        tokens.push({ kind: "end", at, end: at, text: "" });
        break;
      }
      tokens.push(token);
    }
    this.#depth--;
    return tokens;
  }

  #next(): Token {
    const at = this.#at;
    if (this.#program[at] === '"') return this.#text();
    for (const [kind, pattern, skip] of SIMPLE) {
      const text = this.#match(pattern);
      if (text !== null) return { kind, at, end: this.#at, text: text.slice(skip) } as Token;
    }
    const found = String.fromCodePoint(this.#program.codePointAt(at) ?? 0);
    throw this.#problem(`The character ${JSON.stringify(found)} cannot stand here`, at, at + found.length);
  }

  #text(): Token {
    const at = this.#at++;
    const parts: TextPart[] = [];
    let piece = "";
    for (;;) {
      const unit = this.#program[this.#at];
      if (unit === undefined) throw this.#problem("A text does not end", at, at + 1);
      if (unit === '"') break;
      if (unit !== "\\") {
        piece += unit;
        this.#at++;
      } else if (this.#program[this.#at + 1] === "(") {
        this.#at += 2;
        parts.push(piece, this.read(true));
        piece = "";
      } else piece += this.#escape();
    }
    this.#at++;
    return { kind: "text", at, end: this.#at, text: "", parts: [...parts, piece] };
  }

  #escape(): string {
    const at = this.#at;
    const letter = this.#program[at + 1] ?? "";
    const simple = ESCAPES[letter];
    if (simple !== undefined) {
      this.#at += 2;
      return simple;
    }
    const first = this.#unit(at);
    if (first === null) throw this.#problem("Invalid escape", at, at + 2);
    this.#at += 6;
    if (first < 0xd800 || first > 0xdfff) return String.fromCharCode(first);
    const second = first < 0xdc00 ? this.#unit(this.#at) : null;
    if (second === null || second < 0xdc00 || second > 0xdfff) return "\ufffd";
    this.#at += 6;
    return String.fromCharCode(first, second);
  }

  /** The number of `\uXXXX` at a place. */
  #unit(at: number): number | null {
    const found = /^\\u([0-9a-fA-F]{4})/.exec(this.#program.slice(at, at + 6));
    return found === null ? null : Number.parseInt(found[1] ?? "", 16);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#program);
    if (found === null) return null;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #problem(sentence: string, at: number, end = at + 1): JqProblem {
    return syntaxProblem(this.#program, sentence, at, end);
  }
}

const ESCAPES: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
});

/** Says where in the program, as a person counts. */
export function syntaxProblem(program: string, sentence: string, at: number, end: number): JqProblem {
  return new JqProblem("JQ_SYNTAX", `${sentence} (${placeIn(program, at)}).`, { offset: at, end });
}

export function placeIn(program: string, at: number): string {
  const lines = program.slice(0, at).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`;
}
