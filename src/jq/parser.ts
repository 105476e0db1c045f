// From words to a tree: the grammar of jq 1.8.

import type { Json } from "../base/json.ts";
import { PROGRAM_DEPTH_MAX, placeIn, readTokens, syntaxProblem, type Token } from "./lexer.ts";
import { JqProblem } from "./problems.ts";
import type { AssignOperator, BinaryOperator, Definition, Node, Pattern, PatternMember } from "./tree.ts";

export function parse(program: string): Node {
  return new Parser(program, readTokens(program)).program();
}

/** Reads definitions alone. */
export function parseDefinitions(program: string): Definition[] {
  return new Parser(program, readTokens(program)).definitions();
}

const KEYWORDS = new Set([
  ...["as", "def", "module", "import", "include", "if", "then", "else", "elif", "end", "reduce", "foreach"],
  ...["and", "or", "not", "try", "catch", "label", "__loc__"],
]);
KEYWORDS.delete("not");

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/** What binds two terms, from the loosest; equal numbers associate as said. */
const OPERATORS: Readonly<Record<string, { readonly level: number; readonly associates: "left" | "right" | "none" }>> = {
  "|": { level: 0, associates: "left" },
  ",": { level: 1, associates: "left" },
  "//": { level: 2, associates: "right" },
  "=": { level: 3, associates: "none" },
  "|=": { level: 3, associates: "none" },
  "+=": { level: 3, associates: "none" },
  "-=": { level: 3, associates: "none" },
  "*=": { level: 3, associates: "none" },
  "/=": { level: 3, associates: "none" },
  "%=": { level: 3, associates: "none" },
  "//=": { level: 3, associates: "none" },
  or: { level: 4, associates: "left" },
  and: { level: 5, associates: "left" },
  "==": { level: 6, associates: "none" },
  "!=": { level: 6, associates: "none" },
  "<": { level: 6, associates: "none" },
  "<=": { level: 6, associates: "none" },
  ">": { level: 6, associates: "none" },
  ">=": { level: 6, associates: "none" },
  "+": { level: 7, associates: "left" },
  "-": { level: 7, associates: "left" },
  "*": { level: 8, associates: "left" },
  "/": { level: 8, associates: "left" },
  "%": { level: 8, associates: "left" },
};

const PIPE = 0;
const WITHOUT_COMMA = 2;

class Parser {
  readonly #program: string;
  readonly #tokens: readonly Token[];
  #index = 0;
  #depth = 0;

  constructor(program: string, tokens: readonly Token[], depth = 0) {
    this.#program = program;
    this.#tokens = tokens;
    this.#depth = depth;
  }

  program(): Node {
    if (this.#isName("module") || this.#isName("import") || this.#isName("include")) this.#refuseModules();
    const first = this.#token;
    const definitions = this.definitions(true);
    const body: Node = this.#token.kind === "end" ? { kind: "identity", at: first.at, end: first.at } : this.#expression(PIPE);
    this.#requireEnd();
    return definitions.reduceRight<Node>(
      (rest, definition) => ({ kind: "define", definition, rest, at: first.at, end: rest.end }),
      body,
    );
  }

  /** An expression that ends with the words. */
  whole(): Node {
    const node = this.#expression(PIPE);
    this.#requireEnd();
    return node;
  }

  definitions(isLeading = false): Definition[] {
    const found: Definition[] = [];
    while (this.#isName("def")) found.push(this.#definition());
    if (!isLeading) this.#requireEnd();
    return found;
  }

  #refuseModules(): never {
    const { at, end, text } = this.#token;
    throw new JqProblem(
      "JQ_UNDEFINED",
      `\`${text}\` is not available: a program stands by itself (${placeIn(this.#program, at)}).`,
      {
        ...{ offset: at, end },
      },
    );
  }

  // Binary operators. `as` takes all that stands before it up to a comma or a bar.

  #expression(levelMin: number): Node {
    return this.#operators(levelMin, levelMin < WITHOUT_COMMA ? () => this.#bindable() : () => this.#operand());
  }

  #bindable(): Node {
    const source = this.#expression(WITHOUT_COMMA);
    return this.#takeName("as") ? this.#binding(source) : source;
  }

  #operators(levelMin: number, operand: () => Node): Node {
    if (++this.#depth > PROGRAM_DEPTH_MAX) throw this.#problem("The program is nested too deeply");
    let left = operand();
    let unchainable = -1;
    for (;;) {
      const name = this.#operator();
      const operator = name === null ? undefined : OPERATORS[name];
      if (name === null || operator === undefined || operator.level < levelMin) break;
      if (operator.level === unchainable)
        throw this.#problem(`\`${name}\` cannot follow an operator of its own kind without brackets`);
      this.#index++;
      const level = operator.associates === "right" ? operator.level : operator.level + 1;
      const right = operator.level < WITHOUT_COMMA ? this.#operators(level, operand) : this.#expression(level);
      left = binary(name, left, right);
      unchainable = operator.associates === "none" ? operator.level : -1;
    }
    this.#depth--;
    return left;
  }

  #operator(): string | null {
    const token = this.#token;
    return token.kind === "mark" || token.kind === "name" ? token.text : null;
  }

  #operand(): Node {
    const { at } = this.#token;
    if (this.#isName("def")) {
      const definition = this.#definition();
      const rest = this.#expression(PIPE);
      return { kind: "define", definition, rest, at, end: rest.end };
    }
    if (this.#takeMark("-")) {
      const body = this.#expression(8);
      return { kind: "negate", body, at, end: body.end };
    }
    if (this.#isName("label")) return this.#label();
    return this.#term();
  }

  #label(): Node {
    const { at } = this.#take();
    const name = this.#variable();
    this.#requireMark("|");
    const body = this.#expression(PIPE);
    return { kind: "label", name, body, at, end: body.end };
  }

  #binding(source: Node): Node {
    const patterns = this.#patterns();
    this.#requireMark("|");
    const body = this.#expression(PIPE);
    return { kind: "bind", source, patterns, body, at: source.at, end: body.end };
  }

  #definition(): Definition {
    this.#take();
    const name = this.#anyName("the name of a function");
    const parameters: string[] = [];
    if (this.#takeMark("(")) {
      do parameters.push(this.#parameter());
      while (this.#takeMark(";"));
      this.#requireMark(")");
    }
    this.#requireMark(":");
    const body = this.#expression(PIPE);
    this.#requireMark(";");
    return { name, parameters, body };
  }

  #parameter(): string {
    return this.#token.kind === "variable" ? `$${this.#take().text}` : this.#anyName("a parameter");
  }

  #anyName(what: string): string {
    if (this.#token.kind !== "name") throw this.#unexpected(what);
    return this.#take().text;
  }

  // Patterns.

  #patterns(): Pattern[] {
    const found = [this.#pattern()];
    while (this.#takeMark("?//")) found.push(this.#pattern());
    return found;
  }

  #pattern(): Pattern {
    if (++this.#depth > PROGRAM_DEPTH_MAX) throw this.#problem("The program is nested too deeply");
    const pattern = this.#patternInside();
    this.#depth--;
    return pattern;
  }

  #patternInside(): Pattern {
    if (this.#token.kind === "variable") return { kind: "name", name: this.#take().text };
    if (this.#takeMark("[")) return { kind: "elements", elements: this.#listOf(() => this.#pattern(), "]") };
    if (this.#takeMark("{")) return { kind: "members", members: this.#listOf(() => this.#patternMember(), "}") };
    throw this.#unexpected("`$name`, `[` or `{`");
  }

  #listOf<T>(read: () => T, closing: string): T[] {
    const found: T[] = [];
    do found.push(read());
    while (this.#takeMark(","));
    this.#requireMark(closing);
    return found;
  }

  #patternMember(): PatternMember {
    const token = this.#token;
    if (token.kind === "variable") {
      this.#index++;
      const key: Node = { kind: "literal", value: token.text, at: token.at, end: token.end };
      return { name: token.text, key, value: this.#takeMark(":") ? this.#pattern() : null };
    }
    const key = this.#patternKey();
    this.#requireMark(":");
    return { name: null, key, value: this.#pattern() };
  }

  #patternKey(): Node {
    const token = this.#token;
    if (token.kind === "name") return { kind: "literal", value: this.#take().text, at: token.at, end: token.end };
    if (token.kind === "text") return this.#text(null);
    if (!this.#takeMark("(")) throw this.#unexpected("a key");
    const key = this.#expression(PIPE);
    this.#requireMark(")");
    return this.#requireKey(key);
  }

  // Terms.

  #term(): Node {
    let node = this.#termBegin();
    for (;;) {
      const next = this.#suffix(node);
      if (next === null) return node;
      node = next;
    }
  }

  #suffix(target: Node): Node | null {
    const token = this.#token;
    const { at } = target;
    if (token.kind === "field") {
      this.#index++;
      return { kind: "index", target, key: this.#fieldKey(token), at, end: token.end };
    }
    if (token.kind !== "mark") return null;
    switch (token.text) {
      case ".":
        this.#index++;
        if (this.#token.kind === "text") {
          const key = this.#text(null);
          return { kind: "index", target, key, at, end: key.end };
        }
        if (this.#isMark("[")) return this.#brackets(target);
        throw this.#unexpected("a field");
      case "[":
        return this.#brackets(target);
      case "?":
        this.#index++;
        return { kind: "try", body: target, handler: null, at, end: token.end };
      case "?//":
        return this.#splitAlternative(target, token);
      default:
        return null;
    }
  }

  /** `.a?//b` outside a pattern is `.a?` and then `//`. */
  #splitAlternative(target: Node, token: Token): Node {
    const tokens = this.#tokens as Token[];
    tokens.splice(this.#index, 1, { kind: "mark", at: token.at + 1, end: token.end, text: "//" });
    return { kind: "try", body: target, handler: null, at: target.at, end: token.at + 1 };
  }

  #fieldKey(token: Token): Node {
    return { kind: "literal", value: token.text, at: token.at + 1, end: token.end };
  }

  #brackets(target: Node): Node {
    this.#take();
    const { at } = target;
    if (this.#takeMark("]")) return { kind: "iterate", target, at, end: this.#endBefore() };
    if (this.#takeMark(":")) {
      const to = this.#expression(PIPE);
      this.#requireMark("]");
      return { kind: "slice", target, from: null, to, at, end: this.#endBefore() };
    }
    const key = this.#expression(PIPE);
    if (!this.#takeMark(":")) {
      this.#requireMark("]");
      return { kind: "index", target, key, at, end: this.#endBefore() };
    }
    const to = this.#isMark("]") ? null : this.#expression(PIPE);
    this.#requireMark("]");
    return { kind: "slice", target, from: key, to, at, end: this.#endBefore() };
  }

  #termBegin(): Node {
    const token = this.#token;
    const { at, end } = token;
    switch (token.kind) {
      case "number":
        this.#index++;
        return { kind: "literal", value: readNumber(token.text), at, end };
      case "text":
        return this.#text(null);
      case "format":
        this.#index++;
        return this.#token.kind === "text" ? this.#text(token.text) : { kind: "format", name: token.text, at, end };
      case "field":
        this.#index++;
        return { kind: "index", target: { kind: "identity", at, end: at + 1 }, key: this.#fieldKey(token), at, end };
      case "variable":
        this.#index++;
        if (token.text === "__loc__") return this.#location(token);
        return { kind: "variable", name: token.text, at, end };
      case "name":
        return this.#named();
      case "mark":
        return this.#marked();
      default:
        throw this.#unexpected("an expression");
    }
  }

  #location({ at, end }: Token): Node {
    const line = this.#program.slice(0, at).split("\n").length;
    return { kind: "literal", value: { file: "<top-level>", line }, at, end };
  }

  #marked(): Node {
    const { at, end, text } = this.#take();
    const textNext = this.#token.kind === "text";
    switch (text) {
      case ".": {
        const identity: Node = { kind: "identity", at, end };
        if (!textNext) return identity;
        const key = this.#text(null);
        return { kind: "index", target: identity, key, at, end: key.end };
      }
      case "..":
        return { kind: "recurse-default", at, end };
      case "(": {
        const inside = this.#expression(PIPE);
        this.#requireMark(")");
        return { ...inside, at, end: this.#endBefore() };
      }
      case "[": {
        const body = this.#isMark("]") ? null : this.#expression(PIPE);
        this.#requireMark("]");
        return { kind: "array", body, at, end: this.#endBefore() };
      }
      case "{":
        return this.#object(at);
      default:
        this.#index--;
        throw this.#unexpected("an expression");
    }
  }

  #named(): Node {
    const token = this.#token;
    switch (token.text) {
      case "if":
        return this.#condition();
      case "try":
        return this.#attempt();
      case "reduce":
      case "foreach":
        return this.#fold(token.text);
      case "break": {
        this.#index++;
        if (this.#token.kind !== "variable") throw this.#problem("`break` requires a label to break to");
        const name = this.#variable();
        return { kind: "break", name, at: token.at, end: this.#endBefore() };
      }
      default:
        if (KEYWORDS.has(token.text)) throw this.#unexpected("an expression");
        return this.#call();
    }
  }

  #call(): Node {
    const { at, text: name } = this.#take();
    const args: Node[] = [];
    if (this.#takeMark("(")) {
      do args.push(this.#expression(PIPE));
      while (this.#takeMark(";"));
      this.#requireMark(")");
    }
    const constant = args.length === 0 ? CONSTANTS.get(name) : undefined;
    if (constant !== undefined) return { kind: "literal", value: constant, at, end: this.#endBefore() };
    return { kind: "call", name, args, at, end: this.#endBefore() };
  }

  #condition(): Node {
    const { at } = this.#take();
    const condition = this.#expression(PIPE);
    this.#requireName("then");
    const yes = this.#expression(PIPE);
    if (this.#isName("elif")) {
      if (++this.#depth > PROGRAM_DEPTH_MAX) throw this.#problem("The program is nested too deeply");
      const no = this.#condition();
      this.#depth--;
      return { kind: "if", condition, yes, no, at, end: no.end };
    }
    const no = this.#takeName("else") ? this.#expression(PIPE) : null;
    this.#requireName("end");
    return { kind: "if", condition, yes, no, at, end: this.#endBefore() };
  }

  #attempt(): Node {
    const { at } = this.#take();
    const body = this.#attempted();
    const handler = this.#takeName("catch") ? this.#attempted() : null;
    return { kind: "try", body, handler, at, end: this.#endBefore() };
  }

  #attempted(): Node {
    if (++this.#depth > PROGRAM_DEPTH_MAX) throw this.#problem("The program is nested too deeply");
    const node = this.#takeMark("-") ? this.#negated() : this.#term();
    this.#depth--;
    return node;
  }

  #negated(): Node {
    const at = this.#endBefore() - 1;
    const body = this.#term();
    return { kind: "negate", body, at, end: body.end };
  }

  #fold(kind: "reduce" | "foreach"): Node {
    const { at } = this.#take();
    const source = this.#expression(WITHOUT_COMMA);
    this.#requireName("as");
    const pattern = this.#patterns();
    this.#requireMark("(");
    const init = this.#expression(PIPE);
    this.#requireMark(";");
    const update = this.#expression(PIPE);
    const extract = kind === "foreach" && this.#takeMark(";") ? this.#expression(PIPE) : null;
    this.#requireMark(")");
    const end = this.#endBefore();
    return kind === "reduce"
      ? { kind, source, pattern, init, update, at, end }
      : { kind, source, pattern, init, update, extract, at, end };
  }

  // Objects and texts.

  #object(at: number): Node {
    const members: [Node, Node][] = [];
    if (this.#isMark("}")) {
      this.#index++;
      return { kind: "object", members, at, end: this.#endBefore() };
    }
    for (;;) {
      members.push(this.#member());
      if (this.#takeMark("}")) break;
      if (!this.#takeMark(",")) throw this.#unexpected("`,` or `}`");
      if (this.#takeMark("}")) break;
    }
    return { kind: "object", members, at, end: this.#endBefore() };
  }

  #member(): [Node, Node] {
    const token = this.#token;
    const { at, end } = token;
    if (token.kind === "variable") return this.#memberOfVariable();
    const key = this.#memberKey();
    if (this.#takeMark(":")) return [key, this.#memberValue()];
    if (OPERATORS[this.#operator() ?? ","] !== undefined && !this.#isMark(",") && !this.#isMark("}"))
      throw syntaxProblem(this.#program, "May need parentheses around object key expression", at, end);
    if (token.kind === "mark" || token.kind === "number") throw this.#unexpected("`:`");
    return [key, { kind: "index", target: { kind: "identity", at, end }, key, at, end }];
  }

  #memberOfVariable(): [Node, Node] {
    const { at, end, text } = this.#take();
    if (text === "__loc__") return [literal("__loc__", at, end), this.#location({ kind: "variable", at, end, text })];
    if (this.#takeMark(":")) return [{ kind: "variable", name: text, at, end }, this.#memberValue()];
    return [literal(text, at, end), { kind: "variable", name: text, at, end }];
  }

  #memberKey(): Node {
    const token = this.#token;
    const { at, end } = token;
    switch (token.kind) {
      case "name":
        this.#index++;
        return literal(token.text, at, end);
      case "text":
        return this.#text(null);
      case "format": {
        this.#index++;
        return this.#token.kind === "text" ? this.#text(token.text) : { kind: "format", name: token.text, at, end };
      }
      case "number":
        this.#index++;
        if (this.#isMark(":")) throw syntaxProblem(this.#program, `Cannot use number (${token.text}) as object key`, at, end);
        throw syntaxProblem(this.#program, "May need parentheses around object key expression", at, end);
      default: {
        if (!this.#takeMark("(")) throw this.#unexpected("a key");
        const key = this.#expression(PIPE);
        this.#requireMark(")");
        return this.#requireKey(key);
      }
    }
  }

  /** What can only be wrong is said before it runs. */
  #requireKey(key: Node): Node {
    const value = constantOf(key);
    if (value === undefined || typeof value === "string") return key;
    const text = JSON.stringify(value);
    throw syntaxProblem(this.#program, `Cannot use ${kindName(value)} (${text}) as object key`, key.at, key.end);
  }

  #memberValue(): Node {
    let node = this.#expression(WITHOUT_COMMA);
    while (this.#takeMark("|")) {
      const right = this.#expression(WITHOUT_COMMA);
      node = { kind: "pipe", left: node, right, at: node.at, end: right.end };
    }
    return node;
  }

  #text(format: string | null): Node {
    const token = this.#take();
    if (token.kind !== "text") throw this.#unexpected("a text");
    const parts = token.parts
      .map((part) => (typeof part === "string" ? part : new Parser(this.#program, part, this.#depth + 1).whole()))
      .filter((part) => part !== "");
    const { at, end } = token;
    const [only = ""] = parts;
    if (parts.length <= 1 && typeof only === "string") return literal(only, at, end);
    return { kind: "text", format, parts, at, end };
  }

  // Words.

  get #token(): Token {
    const token = this.#tokens[this.#index] ?? this.#tokens.at(-1);
    if (token === undefined) throw syntaxProblem(this.#program, "The program is empty", 0, 0);
    return token;
  }

  #take(): Token {
    const token = this.#token;
    this.#index++;
    return token;
  }

  #endBefore(): number {
    return this.#tokens[this.#index - 1]?.end ?? 0;
  }

  #isMark(text: string): boolean {
    return this.#token.kind === "mark" && this.#token.text === text;
  }

  #isName(text: string): boolean {
    return this.#token.kind === "name" && this.#token.text === text;
  }

  #takeMark(text: string): boolean {
    if (!this.#isMark(text)) return false;
    this.#index++;
    return true;
  }

  #takeName(text: string): boolean {
    if (!this.#isName(text)) return false;
    this.#index++;
    return true;
  }

  #requireMark(text: string): void {
    if (!this.#takeMark(text)) throw this.#unexpected(`\`${text}\``);
  }

  #requireName(text: string): void {
    if (!this.#takeName(text)) throw this.#unexpected(`\`${text}\``);
  }

  #requireEnd(): void {
    if (this.#token.kind !== "end") throw this.#unexpected("the end of the program");
  }

  #variable(): string {
    if (this.#token.kind !== "variable") throw this.#unexpected("`$name`");
    return this.#take().text;
  }

  #unexpected(wanted: string): JqProblem {
    const { kind, at, end } = this.#token;
    const found = kind === "end" ? "The program ends" : `\`${this.#program.slice(at, Math.min(end, at + 40))}\` stands`;
    return syntaxProblem(this.#program, `${found} where ${wanted} is wanted`, at, end);
  }

  #problem(sentence: string): JqProblem {
    return syntaxProblem(this.#program, sentence, this.#token.at, this.#token.end);
  }
}

function literal(value: string, at: number, end: number): Node {
  return { kind: "literal", value, at, end };
}

/** The value of what is written out in full; undefined for what is computed. */
function constantOf(node: Node): Json | undefined {
  switch (node.kind) {
    case "literal":
      return node.value;
    case "array":
      return node.body === null ? [] : constantItems(node.body);
    case "object": {
      const members = node.members.map(([key, value]) => [constantOf(key), constantOf(value)] as const);
      if (members.some(([key, value]) => key === undefined || value === undefined)) return undefined;
      return Object.fromEntries(members) as Json;
    }
    default:
      return undefined;
  }
}

function constantItems(node: Node): Json[] | undefined {
  if (node.kind !== "comma") {
    const value = constantOf(node);
    return value === undefined ? undefined : [value];
  }
  const [left, right] = [constantItems(node.left), constantItems(node.right)];
  return left === undefined || right === undefined ? undefined : [...left, ...right];
}

function kindName(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

/** As jq: what is too large is the largest there is. */
function readNumber(text: string): number {
  const value = Number(text);
  return Number.isFinite(value) ? value : Number.MAX_VALUE;
}

const ASSIGNMENTS = new Set(["=", "|=", "+=", "-=", "*=", "/=", "%=", "//="]);

function binary(operator: string, left: Node, right: Node): Node {
  const span = { at: left.at, end: right.end };
  if (operator === "|") return { kind: "pipe", left, right, ...span };
  if (operator === ",") return { kind: "comma", left, right, ...span };
  if (operator === "//") return { kind: "alternative", left, right, ...span };
  if (operator === "and" || operator === "or") return { kind: "logic", operator, left, right, ...span };
  if (ASSIGNMENTS.has(operator)) return { kind: "assign", operator: operator as AssignOperator, left, right, ...span };
  return { kind: "binary", operator: operator as BinaryOperator, left, right, ...span };
}
