// Compiled programs: what every node becomes, and the ways to put two together.
//
// A node can be asked for its one value, for a stream of values, or for the places of its values in the input. A
// stream is a function that calls another for each value; whoever has enough throws an Enough.

import { meter } from "./meter.ts";
import { NOWHERE, type Path } from "./path.ts";
import { fail, shown, type Value } from "./value.ts";

export type Emit = (value: Value) => void;
export type EmitPlace = (path: Path, value: Value) => void;

export interface Filter {
  /** Gives exactly one value or throws; null when there may be none or several. */
  readonly one: ((input: Value, env: Env) => Value) | null;
  readonly each: (input: Value, env: Env, emit: Emit) => void;
  readonly places: (path: Path, input: Value, env: Env, emit: EmitPlace) => void;
}

export type One = (input: Value, env: Env) => Value;

/** What is bound: variables, filters given to functions, labels; the newest first. Never changed, so closures may keep it. */
export class Env {
  readonly value: unknown;
  readonly parent: Env | null;

  constructor(value: unknown, parent: Env | null) {
    this.value = value;
    this.parent = parent;
  }
}

/** A filter together with what is bound where it is written. */
export interface Closure {
  readonly filter: Filter;
  readonly env: Env;
}

/** Thrown to leave a stream: by `break`, and by those who have enough. */
export class Enough {}

export function envAt(env: Env, hops: number): Env {
  let at = env;
  for (let i = 0; i < hops; i++) at = at.parent ?? at;
  return at;
}

/** A filter that computes one value. Its value is a place only where it is the input itself. */
export function single(one: One): Filter {
  return {
    one,
    each: (input, env, emit) => emit(one(input, env)),
    places: (path, input, env, emit) => {
      const value = one(input, env);
      emit(isSame(value, input) ? path : NOWHERE, value);
    },
  };
}

/** A filter that computes a stream of values. */
export function stream(each: Filter["each"]): Filter {
  return {
    one: null,
    each,
    places: (path, input, env, emit) => each(input, env, (value) => emit(isSame(value, input) ? path : NOWHERE, value)),
  };
}

/** A filter that computes a stream, or one value where that is known. */
export function either(one: One | null, each: Filter["each"]): Filter {
  return one === null ? stream(each) : single(one);
}

function isSame(value: Value, input: Value): boolean {
  return value === input && (value === null || typeof value === "boolean" || typeof value === "object");
}

/** What a place must be before one goes on from it. */
export function requirePlace(path: Path, value: Value, attempt: string): void {
  if (path === NOWHERE)
    throw fail(`Invalid path expression near attempt to ${attempt} ${shown(value).replace(/^\w+ \((.*)\)$/s, "$1")}`);
}

/** All values of filters, combined: the last filter's values come round slowest, as in jq. */
export function product(filters: readonly Filter[], combine: (input: Value, values: readonly Value[]) => Value): Filter {
  const ones = filters.map(({ one }) => one);
  if (ones.every((one) => one !== null)) return single(productOfOnes(ones, combine));
  return stream((input, env, emit) => {
    const values: Value[] = new Array(filters.length).fill(null);
    const fill = (at: number): void => {
      if (at < 0) return emit(combine(input, [...values]));
      filters[at]?.each(input, env, (value) => {
        values[at] = value;
        fill(at - 1);
      });
    };
    fill(filters.length - 1);
  });
}

function productOfOnes(ones: readonly One[], combine: (input: Value, values: readonly Value[]) => Value): One {
  const [first, second] = ones;
  if (first === undefined) return (input) => combine(input, []);
  if (second === undefined) return (input, env) => combine(input, [first(input, env)]);
  return (input, env) => {
    const values: Value[] = new Array(ones.length).fill(null);
    for (let i = ones.length - 1; i >= 0; i--) values[i] = (ones[i] as One)(input, env);
    return combine(input, values);
  };
}

/** Of two filters; the second's values come round slowest. */
export function pairs(left: Filter, right: Filter, combine: (a: Value, b: Value) => Value): Filter {
  const [a, b] = [left.one, right.one];
  if (a !== null && b !== null)
    return single((input, env) => {
      const second = b(input, env);
      return combine(a(input, env), second);
    });
  return stream((input, env, emit) =>
    right.each(input, env, (second) => left.each(input, env, (first) => emit(combine(first, second)))),
  );
}

/** Calls `each` until it, or what it calls, has enough; true when it had. */
export function untilEnough(each: (enough: Enough) => void): boolean {
  const enough = new Enough();
  const { depth } = meter;
  try {
    each(enough);
    return false;
  } catch (error) {
    if (error !== enough) throw error;
    meter.depth = depth;
    return true;
  }
}
