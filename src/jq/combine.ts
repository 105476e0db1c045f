// How filters are put together: paths, pipes, choices. Each made from the filters of its parts, without a look at the tree.

import { type Emit, type EmitPlace, either, type Filter, type One, requirePlace, single } from "./filter.ts";
import { meter } from "./meter.ts";
import { index, NOWHERE, type Path } from "./path.ts";
import {
  fail,
  isArray,
  isInherited,
  isObject,
  isTruthy,
  JqError,
  memberOf,
  setMember,
  shown,
  toJson,
  type Value,
} from "./value.ts";

export const IDENTITY: Filter = {
  one: (input) => input,
  each: (input, _env, emit) => emit(input),
  places: (path, input, _env, emit) => emit(path, input),
};

export function emitChild(path: Path, value: Value, key: Value, emit: EmitPlace): void {
  requirePlace(path, value, `access element ${toJson(key)} of`);
  emit(path.child(key), index(value, key));
}

/** `.key` of another filter. */
export function member(target: Filter, key: string): Filter {
  const read: (value: Value) => Value = isInherited(key)
    ? (value) => (isObject(value) ? memberOf(value, key) : index(value, key))
    : (value) => {
        if (typeof value !== "object" || value === null || Array.isArray(value)) return index(value, key);
        const found = (value as { readonly [key: string]: Value })[key];
        return found === undefined ? null : found;
      };
  const places: Filter["places"] = (path, input, env, emit) =>
    target.places(path, input, env, (place, value) => emitChild(place, value, key, emit));
  if (target === IDENTITY) return { ...single(read), places };
  const { one } = target;
  return {
    ...either(one === null ? null : (input, env) => read(one(input, env)), (input, env, emit) =>
      target.each(input, env, (value) => emit(read(value))),
    ),
    places,
  };
}

export function iterate(target: Filter): Filter {
  return {
    one: null,
    each: (input, env, emit) => target.each(input, env, (value) => eachMember(value, emit)),
    places: (path, input, env, emit) =>
      target.places(path, input, env, (place, value) => {
        requirePlace(place, value, "iterate through");
        if (isArray(value)) {
          for (let i = 0; i < value.length; i++) {
            meter.step();
            emit(place.child(i), value[i] ?? null);
          }
        } else if (isObject(value)) {
          for (const key of Object.keys(value)) {
            meter.step();
            emit(place.child(key), value[key] ?? null);
          }
        } else throw cannotIterate(value);
      }),
  };
}

function eachMember(value: Value, emit: Emit): void {
  if (isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      meter.step();
      emit(value[i] ?? null);
    }
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      meter.step();
      emit(value[key] ?? null);
    }
  } else throw cannotIterate(value);
}

function cannotIterate(value: Value): JqError {
  return fail(`Cannot iterate over ${shown(value)}`);
}

export function collect(body: Filter | null): Filter {
  if (body === null) return single(() => []);
  const { one } = body;
  if (one !== null) return single((input, env) => [one(input, env)]);
  return single((input, env) => {
    const items: Value[] = [];
    body.each(input, env, (value) => {
      meter.spendItems(1);
      items.push(value);
    });
    return items;
  });
}

export function objectOfOnes(ones: readonly One[], keys: readonly (string | null)[]): One {
  const values = keys.map((_, at) => ones[at * 2 + 1] as One);
  const named = keys.map((_, at) => ones[at * 2] as One);
  return (input, env) => {
    meter.spendItems(keys.length);
    const made: Record<string, Value> = {};
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] ?? requireKey((named[i] as One)(input, env));
      setMember(made, key, (values[i] as One)(input, env));
    }
    return made;
  };
}

export function requireKey(key: Value): string {
  if (typeof key === "string") return key;
  throw fail(`Cannot use ${shown(key)} as object key`);
}

export function pipe(left: Filter, right: Filter): Filter {
  if (left === IDENTITY) return right;
  if (right === IDENTITY) return left;
  const [first, second] = [left.one, right.one];
  return {
    one: first === null || second === null ? null : (input, env) => second(first(input, env), env),
    each:
      first === null
        ? (input, env, emit) => left.each(input, env, (value) => right.each(value, env, emit))
        : (input, env, emit) => right.each(first(input, env), env, emit),
    places: (path, input, env, emit) => left.places(path, input, env, (place, value) => right.places(place, value, env, emit)),
  };
}

export function comma(left: Filter, right: Filter): Filter {
  return {
    one: null,
    each: (input, env, emit) => {
      meter.step();
      left.each(input, env, emit);
      right.each(input, env, emit);
    },
    places: (path, input, env, emit) => {
      meter.step();
      left.places(path, input, env, emit);
      right.places(path, input, env, emit);
    },
  };
}

export function logic(operator: "and" | "or", left: Filter, right: Filter): Filter {
  const decided = operator === "or";
  const [a, b] = [left.one, right.one];
  const one: One | null =
    a === null || b === null ? null : (input, env) => (isTruthy(a(input, env)) === decided ? decided : isTruthy(b(input, env)));
  return either(one, (input, env, emit) =>
    left.each(input, env, (first) => {
      if (isTruthy(first) === decided) emit(decided);
      else right.each(input, env, (second) => emit(isTruthy(second)));
    }),
  );
}

/** `a // b`: what is true of a, its errors left out; else b. */
export function alternative(left: Filter, right: Filter): Filter {
  const [a, b] = [left.one, right.one];
  const one: One | null =
    a === null || b === null
      ? null
      : (input, env) => {
          const value = a(input, env);
          return isTruthy(value) ? value : b(input, env);
        };
  return {
    one,
    each: (input, env, emit) => {
      let found = false;
      left.each(input, env, (value) => {
        if (!isTruthy(value)) return;
        found = true;
        emit(value);
      });
      if (!found) right.each(input, env, emit);
    },
    places: (path, input, env, emit) => {
      let found = false;
      left.places(path, input, env, (place, value) => {
        if (!isTruthy(value)) return;
        found = true;
        emit(place, value);
      });
      if (!found) right.places(path, input, env, emit);
    },
  };
}

function swallowing(run: (outside: (emit: () => void) => void) => void): JqError | null {
  const { depth } = meter;
  let isOutside = false;
  try {
    run((emit) => {
      isOutside = true;
      emit();
      isOutside = false;
    });
    return null;
  } catch (error) {
    if (isOutside || !(error instanceof JqError)) throw error;
    meter.depth = depth;
    return error;
  }
}

export function attempt(body: Filter, handler: Filter | null): Filter {
  const [value, handled] = [body.one, handler?.one ?? null];
  const one: One | null =
    value === null || handled === null
      ? null
      : (input, env) => {
          const { depth } = meter;
          try {
            return value(input, env);
          } catch (error) {
            if (!(error instanceof JqError)) throw error;
            meter.depth = depth;
            return handled(error.value, env);
          }
        };
  return {
    one,
    each: (input, env, emit) => {
      const error = swallowing((outside) => body.each(input, env, (found) => outside(() => emit(found))));
      if (error !== null) handler?.each(error.value, env, emit);
    },
    places: (path, input, env, emit) => {
      const error = swallowing((outside) => body.places(path, input, env, (place, found) => outside(() => emit(place, found))));
      if (error !== null) handler?.places(NOWHERE, error.value, env, emit);
    },
  };
}

export function condition(test: Filter, yes: Filter, no: Filter): Filter {
  const [a, b, c] = [test.one, yes.one, no.one];
  return {
    one: a === null || b === null || c === null ? null : (input, env) => (isTruthy(a(input, env)) ? b : c)(input, env),
    each:
      a === null
        ? (input, env, emit) => test.each(input, env, (value) => (isTruthy(value) ? yes : no).each(input, env, emit))
        : (input, env, emit) => (isTruthy(a(input, env)) ? yes : no).each(input, env, emit),
    places: (path, input, env, emit) =>
      test.each(input, env, (value) => (isTruthy(value) ? yes : no).places(path, input, env, emit)),
  };
}
