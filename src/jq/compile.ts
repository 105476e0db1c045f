// The outside of this part: a program is compiled once and then run with inputs.

import type { Json } from "../base/json.ts";
import { compileTree } from "./compiler.ts";
import { Enough, Env, type Filter, type One } from "./filter.ts";
import { given } from "./given.ts";
import { JQ_LIMITS, type JqLimits, meter, tooDeep } from "./meter.ts";
import { parse } from "./parser.ts";
import { JqProblem } from "./problems.ts";
import type { Node } from "./tree.ts";
import { isArray, JqError, setMember, toJson, type Value } from "./value.ts";

export interface CompileOptions {
  /** Names of the variables that each evaluation gives values for, with or without `$`. */
  readonly variables?: readonly string[];
}

export interface EvaluateLimits extends Partial<JqLimits> {
  /** What `now` gives, in Unix seconds; without it `now` is not defined. */
  readonly nowSeconds?: number;
}

/**
 * Gives all values of the program for an input. Throws JqProblem, and nothing else: JQ_ERROR for what the program
 * itself ended with, JQ_STEPS, JQ_ITEMS, JQ_BYTES or JQ_DEPTH where a limit was met. Numbers that JSON does not have
 * come out as jq prints them: nan as null, the infinite ones as the largest there are.
 */
export type Program = (input: Json, variables?: Readonly<Record<string, Json>>, limits?: EvaluateLimits) => Json[];

/**
 * Compiles a jq program (jq 1.8, https://jqlang.org/manual/v1.8/). Throws JqProblem: JQ_SYNTAX, or JQ_UNDEFINED for
 * functions and variables that are not there; `offset` and `end` say where, in UTF-16 units.
 */
export function compile(program: string, options: CompileOptions = {}): Program {
  const names = (options.variables ?? []).map((name) => name.replace(/^\$/, ""));
  const tree = guarded(() => parse(program));
  const filter = guarded(() => compileTree(program, tree, names));
  if (filter.one !== null && isRead(tree)) return readProgram(filter.one);
  return (input, variables, limits) => {
    given.nowSeconds = null;
    if (limits === undefined) meter.restart();
    else prepare(limits);
    if (names.length > 0) given.values = names.map((name) => variables?.[name] ?? variables?.[`$${name}`] ?? null);
    return run(filter, input);
  };
}

/** Whether a program only reads members by name: what costs nothing that is counted, and is most of what documents say. */
function isRead(tree: Node): boolean {
  return tree.kind === "identity" || (tree.kind === "index" && tree.key.kind === "literal" && isRead(tree.target));
}

function readProgram(one: One): Program {
  return (input) => {
    try {
      return [one(input, EMPTY)];
    } catch (error) {
      throw problemOf(error);
    }
  };
}

function prepare({ nowSeconds, ...own }: EvaluateLimits): void {
  meter.start({ ...JQ_LIMITS, ...own });
  given.nowSeconds = nowSeconds ?? null;
}

const EMPTY = new Env(null, null);

function run(filter: Filter, input: Json): Json[] {
  try {
    const values: Value[] = filter.one === null ? all(filter, input) : [filter.one(input, EMPTY)];
    return meter.strayNumber ? values.map(withoutStrayNumbers) : values;
  } catch (error) {
    throw problemOf(error);
  }
}

function all(filter: Filter, input: Json): Value[] {
  const values: Value[] = [];
  filter.each(input, EMPTY, (value) => {
    meter.spendItems(1);
    values.push(value);
  });
  return values;
}

function guarded<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw problemOf(error);
  }
}

function problemOf(error: unknown): unknown {
  if (error instanceof JqError) return new JqProblem("JQ_ERROR", messageOf(error.value), { value: error.value });
  if (error instanceof Enough) return new JqProblem("JQ_ERROR", "break");
  if (error instanceof RangeError) return rangeProblem(error);
  return error;
}

/** V8 says so both when its stack is used up and when a text would be too long for it. */
function rangeProblem(error: RangeError): JqProblem {
  if (/string length|array length|allocation/i.test(error.message))
    return new JqProblem("JQ_BYTES", "The program makes a value that is larger than memory allows.");
  return tooDeep("The program, or a value it walks, is nested deeper than the stack holds.");
}

function messageOf(value: Value): string {
  if (typeof value === "string") return value;
  meter.start(JQ_LIMITS);
  try {
    const text = toJson(value);
    return `${text.length > 1_000 ? `${text.slice(0, 1_000)}…` : text} (not a string)`;
  } catch {
    return "an error that is too large to show";
  }
}

function withoutStrayNumbers(value: Value): Value {
  if (typeof value === "number") {
    if (Number.isNaN(value)) return null;
    return Number.isFinite(value) ? value : Math.sign(value) * Number.MAX_VALUE;
  }
  if (typeof value !== "object" || value === null) return value;
  if (isArray(value)) return value.map(withoutStrayNumbers);
  const made: Record<string, Value> = {};
  for (const key of Object.keys(value))
    setMember(made, key, withoutStrayNumbers((value as Readonly<Record<string, Value>>)[key] ?? null));
  return made;
}
