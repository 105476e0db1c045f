// The tree of a jq program. Each node knows where it stands: [at, end) in UTF-16 units.

import type { Json } from "../base/json.ts";

export interface Span {
  readonly at: number;
  readonly end: number;
}

export type BinaryOperator = "+" | "-" | "*" | "/" | "%" | "==" | "!=" | "<" | "<=" | ">" | ">=";
export type AssignOperator = "=" | "|=" | "+=" | "-=" | "*=" | "/=" | "%=" | "//=";

export type Node = Span &
  (
    | { readonly kind: "identity" }
    | { readonly kind: "recurse-default" }
    | { readonly kind: "literal"; readonly value: Json }
    | { readonly kind: "index"; readonly target: Node; readonly key: Node }
    | { readonly kind: "slice"; readonly target: Node; readonly from: Node | null; readonly to: Node | null }
    | { readonly kind: "iterate"; readonly target: Node }
    | { readonly kind: "text"; readonly format: string | null; readonly parts: readonly (string | Node)[] }
    | { readonly kind: "format"; readonly name: string }
    | { readonly kind: "array"; readonly body: Node | null }
    | { readonly kind: "object"; readonly members: readonly (readonly [key: Node, value: Node])[] }
    | { readonly kind: "negate"; readonly body: Node }
    | { readonly kind: "pipe"; readonly left: Node; readonly right: Node }
    | { readonly kind: "comma"; readonly left: Node; readonly right: Node }
    | { readonly kind: "binary"; readonly operator: BinaryOperator; readonly left: Node; readonly right: Node }
    | { readonly kind: "logic"; readonly operator: "and" | "or"; readonly left: Node; readonly right: Node }
    | { readonly kind: "alternative"; readonly left: Node; readonly right: Node }
    | { readonly kind: "assign"; readonly operator: AssignOperator; readonly left: Node; readonly right: Node }
    | { readonly kind: "if"; readonly condition: Node; readonly yes: Node; readonly no: Node | null }
    | { readonly kind: "try"; readonly body: Node; readonly handler: Node | null }
    | {
        readonly kind: "reduce";
        readonly source: Node;
        readonly pattern: readonly Pattern[];
        readonly init: Node;
        readonly update: Node;
      }
    | {
        readonly kind: "foreach";
        readonly source: Node;
        readonly pattern: readonly Pattern[];
        readonly init: Node;
        readonly update: Node;
        readonly extract: Node | null;
      }
    | { readonly kind: "define"; readonly definition: Definition; readonly rest: Node }
    | { readonly kind: "call"; readonly name: string; readonly args: readonly Node[] }
    | { readonly kind: "variable"; readonly name: string }
    | { readonly kind: "bind"; readonly source: Node; readonly patterns: readonly Pattern[]; readonly body: Node }
    | { readonly kind: "label"; readonly name: string; readonly body: Node }
    | { readonly kind: "break"; readonly name: string }
  );

export interface Definition {
  readonly name: string;
  /** Those with a `$` are values; the others are filters. */
  readonly parameters: readonly string[];
  readonly body: Node;
}

/** What `as` takes apart. */
export type Pattern =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "elements"; readonly elements: readonly Pattern[] }
  | { readonly kind: "members"; readonly members: readonly PatternMember[] };

export interface PatternMember {
  /** `$name` in a key binds the member itself, too. */
  readonly name: string | null;
  readonly key: Node;
  readonly value: Pattern | null;
}

/** The names a pattern binds, each once. */
export function namesOf(pattern: Pattern): string[] {
  switch (pattern.kind) {
    case "name":
      return [pattern.name];
    case "elements":
      return unique(pattern.elements.flatMap(namesOf));
    case "members":
      return unique(
        pattern.members.flatMap(({ name, value }) => [
          ...(name === null ? [] : [name]),
          ...(value === null ? [] : namesOf(value)),
        ]),
      );
  }
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
