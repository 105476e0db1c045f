// SPDX licence expressions (SPDX 2.3, annex D): `MIT OR (Apache-2.0 AND GPL-2.0-only WITH Classpath-exception-2.0)`.
//
// E1. What is written out is read back as the same expression.
// E2. An expression that cannot be read gives one sentence that names the place; reading never throws.
// E3. Ids are compared without case, as SPDX says, and written as in the list; a deviation is remarked upon.

import { EXCEPTION_IDS } from "./exceptions.ts";
import { EXPRESSION_DEPTH_MAX, EXPRESSION_LENGTH_MAX } from "./limits.ts";

export type Expression = Licence | Combination;

export interface Licence {
  readonly kind: "licence";
  /** An id of the list, or `LicenseRef-…`. */
  readonly id: string;
  /** `+`: or any later version. */
  readonly plus: boolean;
  readonly exception: string | null;
}

interface Combination {
  readonly kind: "and" | "or";
  readonly left: Expression;
  readonly right: Expression;
}

type ReadExpression =
  | { readonly ok: true; readonly expression: Expression; readonly remarks: readonly string[] }
  | { readonly ok: false; readonly why: string };

/** Gives the id as the SPDX list writes it; null for one that is not in the list. */
type FindId = (written: string) => string | null;

class NotAnExpression extends Error {}

interface Token {
  readonly text: string;
  /** 1 for the first character. */
  readonly column: number;
}

interface Reader {
  readonly tokens: readonly Token[];
  readonly findId: FindId;
  readonly remarks: string[];
  at: number;
}

export function readExpression(text: string, findId: FindId): ReadExpression {
  if (text.length > EXPRESSION_LENGTH_MAX)
    return { ok: false, why: `it has ${text.length} characters; the limit is ${EXPRESSION_LENGTH_MAX}` };
  const reader: Reader = { tokens: tokensOf(text), findId, remarks: [], at: 0 };
  try {
    const expression = readOr(reader, 0);
    const rest = reader.tokens[reader.at];
    if (rest !== undefined) throw new NotAnExpression(`“${rest.text}” at column ${rest.column} does not belong there`);
    return { ok: true, expression, remarks: reader.remarks };
  } catch (error) {
    if (error instanceof NotAnExpression) return { ok: false, why: error.message };
    throw error;
  }
}

function tokensOf(text: string): Token[] {
  return [...text.matchAll(/[()]|[^\s()]+/g)].map((match) => ({ text: match[0], column: match.index + 1 }));
}

function readOr(reader: Reader, depth: number): Expression {
  let left = readAnd(reader, depth);
  while (takeOperator(reader, "OR")) left = { kind: "or", left, right: readAnd(reader, depth) };
  return left;
}

function readAnd(reader: Reader, depth: number): Expression {
  let left = readOne(reader, depth);
  while (takeOperator(reader, "AND")) left = { kind: "and", left, right: readOne(reader, depth) };
  return left;
}

function readOne(reader: Reader, depth: number): Expression {
  const token = reader.tokens[reader.at];
  if (token === undefined) throw new NotAnExpression(reader.at === 0 ? "it is empty" : "it ends where a licence is wanted");
  if (depth > EXPRESSION_DEPTH_MAX) throw new NotAnExpression(`it is nested deeper than ${EXPRESSION_DEPTH_MAX} levels`);
  if (token.text !== "(") return readLicence(reader, token);
  reader.at++;
  const inner = readOr(reader, depth + 1);
  const close = reader.tokens[reader.at++];
  if (close?.text !== ")") throw new NotAnExpression(`the parenthesis at column ${token.column} is not closed`);
  return inner;
}

function readLicence(reader: Reader, token: Token): Licence {
  if (token.text === ")" || /^(?:AND|OR|WITH)$/i.test(token.text)) {
    throw new NotAnExpression(`a licence is wanted at column ${token.column}, not “${token.text}”`);
  }
  reader.at++;
  const whole = knownId(reader, token.text);
  const plus = whole === null && token.text.endsWith("+");
  const id = plus ? knownId(reader, token.text.slice(0, -1)) : whole;
  if (id === null) throw new NotAnExpression(`“${token.text}” at column ${token.column} is no SPDX licence id`);
  return { kind: "licence", id, plus, exception: takeOperator(reader, "WITH") ? readException(reader) : null };
}

function knownId(reader: Reader, written: string): string | null {
  if (/^(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+$/.test(written)) return written;
  const id = reader.findId(written);
  if (id !== null && id !== written) reader.remarks.push(`“${written}” is written ${id} in the SPDX list`);
  return id;
}

function readException(reader: Reader): string {
  const token = reader.tokens[reader.at++];
  if (token === undefined) throw new NotAnExpression("it ends where an exception is wanted");
  const exception = EXCEPTION_IDS.get(token.text.toLowerCase());
  if (exception === undefined)
    throw new NotAnExpression(`“${token.text}” at column ${token.column} is no SPDX licence exception`);
  if (exception !== token.text) reader.remarks.push(`“${token.text}” is written ${exception} in the SPDX list`);
  return exception;
}

function takeOperator(reader: Reader, operator: "AND" | "OR" | "WITH"): boolean {
  const token = reader.tokens[reader.at];
  if (token?.text.toUpperCase() !== operator) return false;
  if (token.text !== operator) reader.remarks.push(`the operator “${token.text}” is written ${operator}`);
  reader.at++;
  return true;
}

/** Written with no more parentheses than needed: AND binds closer than OR, and both to the left. */
export function writeExpression(expression: Expression): string {
  if (expression.kind === "licence") return writeLicence(expression);
  const { kind, left, right } = expression;
  const leftText = kind === "and" && left.kind === "or" ? `(${writeExpression(left)})` : writeExpression(left);
  const rightText =
    right.kind === "licence" || (kind === "or" && right.kind === "and") ? writeExpression(right) : `(${writeExpression(right)})`;
  return `${leftText} ${kind.toUpperCase()} ${rightText}`;
}

export function writeLicence({ id, plus, exception }: Licence): string {
  return `${id}${plus ? "+" : ""}${exception === null ? "" : ` WITH ${exception}`}`;
}

/** The licences an expression names, each once, in order. */
export function licencesIn(expression: Expression): Licence[] {
  const all = expression.kind === "licence" ? [expression] : [...licencesIn(expression.left), ...licencesIn(expression.right)];
  return [...new Map(all.map((licence) => [writeLicence(licence), licence])).values()];
}

export function licence(id: string, exception: string | null = null): Licence {
  return { kind: "licence", id, plus: false, exception };
}

/** One expression of several; null for none. */
export function combine(kind: "and" | "or", expressions: readonly Expression[]): Expression | null {
  return expressions.reduce<Expression | null>((left, right) => (left === null ? right : { kind, left, right }), null);
}
