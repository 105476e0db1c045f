// Functions of jq that take filters, not values: loops, streams, paths. Each is made for the filters it is called with.

import { add } from "./arithmetic.ts";
import { builtinDefinitions } from "./definitions.ts";
import { type Emit, type Env, either, type Filter, product, single, stream, untilEnough } from "./filter.ts";
import { formatText } from "./formats.ts";
import { functions } from "./functions.ts";
import { given } from "./given.ts";
import { meter } from "./meter.ts";
import { getPath, NOWHERE, type Path } from "./path.ts";
import { JqProblem } from "./problems.ts";
import { findMatches } from "./regex.ts";
import { eachPath, firstOf } from "./update.ts";
import { compare, fail, isArray, isObject, isTruthy, JqError, setMember, shown, sliceText, type Value } from "./value.ts";

type Form = (args: readonly Filter[]) => Filter;

const NOTHING: Filter = stream(() => undefined);

/** What forms are called with has been counted. */
function arg(args: readonly Filter[], at: number): Filter {
  return args[at] ?? NOTHING;
}

/** Both readings of a filter from one: each value with its path, or without. */
function bothWays(
  each: (
    visit: (filter: Filter, value: Value, path: Path | null, use: (value: Value, path: Path | null) => void) => void,
    input: Value,
    path: Path | null,
    env: Env,
    emit: (value: Value, path: Path | null) => void,
  ) => void,
): Filter {
  return {
    one: null,
    each: (input, env, emit) =>
      each((filter, value, _path, use) => filter.each(value, env, (found) => use(found, null)), input, null, env, emit),
    places: (path, input, env, emit) =>
      each(
        (filter, value, at, use) => filter.places(at ?? NOWHERE, value, env, (place, found) => use(found, place)),
        input,
        path,
        env,
        (value, place) => emit(place ?? NOWHERE, value),
      ),
  };
}

function recurse(body: Filter): Filter {
  return bothWays((visit, input, path, _env, emit) => {
    const down = (value: Value, at: Path | null): void => {
      meter.step();
      emit(value, at);
      meter.enter();
      visit(body, value, at, down);
      meter.leave();
    };
    down(input, path);
  });
}

/** What a filter gives for the input, again and again; whoever has enough ends it. */
function repeat([body = NOTHING]: readonly Filter[]): Filter {
  return bothWays((visit, input, path, _env, emit) => {
    for (;;) {
      meter.step();
      visit(body, input, path, emit);
    }
  });
}

/** `..`: a value and all that is in it, without going through a filter for each. */
function descend(value: Value, emit: Emit): void {
  meter.step();
  emit(value);
  if (typeof value !== "object" || value === null) return;
  meter.enter();
  for (const member of isArray(value) ? value : Object.values(value)) descend(member, emit);
  meter.leave();
}

function whileForm([test = NOTHING, update = NOTHING]: readonly Filter[]): Filter {
  const [a, b] = [test.one, update.one];
  if (a !== null && b !== null) {
    return stream((input, env, emit) => {
      for (let value = input; isTruthy(a(value, env)); value = b(value, env)) {
        meter.step();
        emit(value);
      }
    });
  }
  return stream((input, env, emit) => {
    const go = (value: Value): void =>
      test.each(value, env, (holds) => {
        if (!isTruthy(holds)) return;
        meter.step();
        emit(value);
        meter.enter();
        update.each(value, env, go);
        meter.leave();
      });
    go(input);
  });
}

function until([test = NOTHING, update = NOTHING]: readonly Filter[]): Filter {
  const [a, b] = [test.one, update.one];
  if (a !== null && b !== null) {
    return single((input, env) => {
      let value = input;
      while (!isTruthy(a(value, env))) {
        meter.step();
        value = b(value, env);
      }
      return value;
    });
  }
  return stream((input, env, emit) => {
    const go = (value: Value): void =>
      test.each(value, env, (holds) => {
        meter.step();
        if (isTruthy(holds)) return emit(value);
        meter.enter();
        update.each(value, env, go);
        meter.leave();
      });
    go(input);
  });
}

function range(args: readonly Filter[]): Filter {
  const [from, to, by] =
    args.length === 1 ? [single(() => 0), arg(args, 0), null] : [arg(args, 0), arg(args, 1), args[2] ?? null];
  const step = by ?? single(() => 1);
  return stream((input, env, emit) =>
    from.each(input, env, (start) =>
      to.each(input, env, (end) => step.each(input, env, (width) => count(start, end, width, by !== null, emit))),
    ),
  );
}

function count(start: Value, end: Value, width: Value, isStepped: boolean, emit: Emit): void {
  if (typeof start !== "number" || typeof end !== "number" || typeof width !== "number") {
    if (!isStepped) throw fail("Range bounds must be numeric");
    return countAnything(start, end, width, emit);
  }
  if (width === 0 && start < end) for (;;) tell(start, emit);
  if (width > 0) for (let at = start; at < end; at += width) tell(at, emit);
  else if (width < 0) for (let at = start; at > end; at += width) tell(at, emit);
}

function tell(value: Value, emit: Emit): void {
  meter.step();
  emit(value);
}

/** As jq has it: anything that can be added and compared. */
function countAnything(start: Value, end: Value, width: Value, emit: Emit): void {
  const isUp = compare(width, 0) > 0;
  const isDown = compare(width, 0) < 0;
  for (let at = start; isUp ? compare(at, end) < 0 : isDown ? compare(at, end) > 0 : compare(at, end) < 0; at = add(at, width))
    tell(at, emit);
}

/** Ends a stream after so many values. */
function limit([amount = NOTHING, body = NOTHING]: readonly Filter[]): Filter {
  return counted(amount, "limit", (visit, limitTo, emit) => {
    if (limitTo <= 0) return;
    untilEnough((enough) => {
      let left = limitTo;
      visit(body, (value, path) => {
        emit(value, path);
        if (--left <= 0) throw enough;
      });
    });
  });
}

function skip([amount = NOTHING, body = NOTHING]: readonly Filter[]): Filter {
  return counted(amount, "skip", (visit, leaveOut, emit) => {
    let left = leaveOut;
    visit(body, (value, path) => {
      if (left > 0) left--;
      else emit(value, path);
    });
  });
}

function nthOf([at = NOTHING, body = NOTHING]: readonly Filter[]): Filter {
  return counted(at, "nth", (visit, position, emit) => {
    let found: { value: Value; path: Path | null } | null = null;
    untilEnough((enough) => {
      let left = position;
      visit(body, (value, path) => {
        if (left-- > 0) return;
        found = { value, path };
        throw enough;
      });
    });
    if (found !== null) emit((found as { value: Value }).value, (found as { path: Path | null }).path);
  });
}

type Use = (value: Value, path: Path | null) => void;

function counted(
  amount: Filter,
  name: "limit" | "skip" | "nth",
  go: (visit: (filter: Filter, use: Use) => void, count: number, emit: Use) => void,
): Filter {
  const read = (value: Value): number => {
    if (compare(value, 0) < 0)
      throw fail(name === "nth" ? "nth doesn't support negative indices" : `${name} doesn't support negative count`);
    if (typeof value !== "number") throw fail(`${shown(value)} and number (1) cannot be subtracted`);
    return name === "limit" ? value : Math.floor(value);
  };
  return bothWays((visit, input, path, env, emit) =>
    amount.each(input, env, (value) => go((filter, use) => visit(filter, input, path, use), read(value), emit)),
  );
}

function first([body = NOTHING]: readonly Filter[]): Filter {
  if (body.one !== null) return body;
  return bothWays((visit, input, path, _env, emit) => {
    let found: { value: Value; path: Path | null } | null = null;
    untilEnough((enough) =>
      visit(body, input, path, (value, at) => {
        found = { value, path: at };
        throw enough;
      }),
    );
    if (found !== null) emit((found as { value: Value }).value, (found as { path: Path | null }).path);
  });
}

function last([body = NOTHING]: readonly Filter[]): Filter {
  if (body.one !== null) return body;
  return bothWays((visit, input, path, _env, emit) => {
    let found: { value: Value; path: Path | null } | null = null;
    visit(body, input, path, (value, at) => {
      found = { value, path: at };
    });
    if (found !== null) emit((found as { value: Value }).value, (found as { path: Path | null }).path);
  });
}

function select([test = NOTHING]: readonly Filter[]): Filter {
  const { one } = test;
  return {
    one: null,
    each:
      one === null
        ? (input, env, emit) =>
            test.each(input, env, (holds) => {
              if (isTruthy(holds)) emit(input);
            })
        : (input, env, emit) => {
            if (isTruthy(one(input, env))) emit(input);
          },
    places: (path, input, env, emit) =>
      test.each(input, env, (holds) => {
        if (isTruthy(holds)) emit(path, input);
      }),
  };
}

function map([body = NOTHING]: readonly Filter[]): Filter {
  const { one } = body;
  return single((input, env) => {
    if (!isArray(input) && !isObject(input)) throw fail(`Cannot iterate over ${shown(input)}`);
    const items: Value[] = [];
    const keep = (value: Value): void => {
      meter.spendItems(1);
      items.push(value);
    };
    for (const member of isArray(input) ? input : Object.values(input)) {
      meter.step();
      if (one === null) body.each(member, env, keep);
      else keep(one(member, env));
    }
    return items;
  });
}

function mapValues([body = NOTHING]: readonly Filter[]): Filter {
  return single((input, env) => {
    if (isArray(input)) {
      const items: Value[] = [];
      for (const member of input) {
        meter.spendItems(1);
        const found = firstOf(body, member, env);
        if (found !== null) items.push(found.value);
      }
      return items;
    }
    if (!isObject(input)) throw fail(`Cannot iterate over ${shown(input)}`);
    const made: Record<string, Value> = {};
    for (const key of Object.keys(input)) {
      meter.spendItems(1);
      const found = firstOf(body, input[key] ?? null, env);
      if (found !== null) setMember(made, key, found.value);
    }
    return made;
  });
}

function walk([body = NOTHING]: readonly Filter[]): Filter {
  const { one } = body;
  const each: Filter["each"] = (input, env, emit) => body.each(inside(input, env), env, emit);
  const self: Filter = either(one === null ? null : (input, env) => one(inside(input, env), env), each);
  const members = { array: map([self]).one, object: mapValues([self]).one };
  const inside = (value: Value, env: Env): Value => {
    if (typeof value !== "object" || value === null) return value;
    meter.enter();
    const walked = members[isArray(value) ? "array" : "object"]?.(value, env) ?? null;
    meter.leave();
    return walked;
  };
  return self;
}

/** `any` and `all` over a stream: stops at the first that decides. */
function quantifier(decides: boolean): Form {
  return (args) => {
    const [source, test] = args.length === 2 ? [arg(args, 0), arg(args, 1)] : [null, arg(args, 0)];
    return single(
      (input, env) =>
        untilEnough((enough) => {
          const look = (value: Value): void =>
            test.each(value, env, (holds) => {
              if (isTruthy(holds) === decides) throw enough;
            });
          if (source !== null) source.each(input, env, look);
          else if (isArray(input)) input.forEach(look);
          else if (isObject(input)) Object.values(input).forEach(look);
          else throw fail(`Cannot iterate over ${shown(input)}`);
        }) === decides,
    );
  };
}

function isEmpty([body = NOTHING]: readonly Filter[]): Filter {
  return single(
    (input, env) =>
      !untilEnough((enough) =>
        body.each(input, env, () => {
          throw enough;
        }),
      ),
  );
}

function addOf([body = NOTHING]: readonly Filter[]): Filter {
  return single((input, env) => {
    const items: Value[] = [];
    body.each(input, env, (value) => {
      meter.spendItems(1);
      items.push(value);
    });
    return functions.get("add/0")?.(items) ?? null;
  });
}

/** Sorting by the values of a filter: all of them, in order, are the key. */
function sortedBy(use: (keyed: readonly Keyed[], input: readonly Value[]) => Value, name: string): Form {
  return ([body = NOTHING]) => {
    const { one } = body;
    return single((input, env) => {
      if (!isArray(input)) throw notSortable(input, (value) => valuesOf(body, value, env), name);
      const keyed = input.map((value): Keyed => {
        meter.spendItems(1);
        return { value, key: one === null ? valuesOf(body, value, env) : [one(value, env)] };
      });
      return use(keyed, input);
    });
  };
}

/** As jq, which makes the keys before it looks at what they are of. */
function notSortable(input: Value, keysOf: (value: Value) => Value, verb: string): unknown {
  if (!isObject(input)) return fail(`Cannot iterate over ${shown(input)}`);
  return fail(`${shown(input)} and ${shown(Object.values(input).map(keysOf))} cannot be ${verb}`);
}

interface Keyed {
  readonly value: Value;
  readonly key: readonly Value[];
}

function valuesOf(body: Filter, input: Value, env: Env): Value[] {
  const values: Value[] = [];
  body.each(input, env, (value) => {
    meter.spendItems(1);
    values.push(value);
  });
  return values;
}

function inOrder(keyed: readonly Keyed[]): Keyed[] {
  return keyed.toSorted((a, b) => {
    meter.step();
    return compare(a.key, b.key);
  });
}

function groups(keyed: readonly Keyed[]): Keyed[][] {
  const found: Keyed[][] = [];
  for (const one of inOrder(keyed)) {
    const group = found.at(-1);
    if (group?.[0] !== undefined && compare(group[0].key, one.key) === 0) group.push(one);
    else found.push([one]);
  }
  return found;
}

function extreme(sign: 1 | -1): (keyed: readonly Keyed[]) => Value {
  return (keyed) => {
    let best: Keyed | null = null;
    for (const one of keyed) {
      const order = best === null ? -1 : compare(one.key, best.key) * sign;
      if (best === null || (sign === 1 ? order < 0 : order <= 0)) best = one;
    }
    return best?.value ?? null;
  };
}

function getPathForm([path = NOTHING]: readonly Filter[]): Filter {
  const read = (value: Value, at: Value): Value => {
    if (!isArray(at)) throw fail("Path must be specified as an array");
    return getPath(value, at);
  };
  const { one } = path;
  return {
    ...either(one === null ? null : (input, env) => read(input, one(input, env)), (input, env, emit) =>
      path.each(input, env, (at) => emit(read(input, at))),
    ),
    places: (place, input, env, emit) =>
      path.each(input, env, (at) => {
        if (!isArray(at)) throw fail("Path must be specified as an array");
        if (place === NOWHERE) throw fail(`Invalid path expression with result ${shown(input).replace(/^\w+ \((.*)\)$/s, "$1")}`);
        emit(
          at.reduce<Path>((own, key) => own.child(key), place),
          getPath(input, at),
        );
      }),
  };
}

function pathForm([body = NOTHING]: readonly Filter[]): Filter {
  return stream((input, env, emit) => eachPath(body, input, env, emit));
}

function errorOf(args: readonly Filter[]): Filter {
  const [message = single((input: Value) => input)] = args;
  const { one } = message;
  return either(
    one === null
      ? null
      : (input, env) => {
          throw new JqError(one(input, env));
        },
    (input, env) =>
      message.each(input, env, (value) => {
        throw new JqError(value);
      }),
  );
}

function match(args: readonly Filter[]): Filter {
  const found = product(args, (input, [pattern = null, flags = null]) => findMatches(input, pattern, flags));
  return stream((input, env, emit) =>
    found.each(input, env, (matches) => {
      for (const one of matches as readonly Value[]) emit(one);
    }),
  );
}

/** `sub`: each way of writing what is inserted gives a text of its own. */
function sub([pattern = NOTHING, insert = NOTHING, flags = NOTHING]: readonly Filter[]): Filter {
  return stream((input, env, emit) =>
    pattern.each(input, env, (re) =>
      flags.each(input, env, (letters) => {
        for (const text of replaced(input, re, letters, insert, env)) emit(text);
      }),
    ),
  );
}

function replaced(input: Value, pattern: Value, flags: Value, insert: Filter, env: Env): Value[] {
  const results: Value[] = [];
  let previous = 0;
  const matches = findMatches(input, pattern, flags);
  const text = input as string;
  for (const match of matches) {
    const gap = sliceText(text, previous, match.offset);
    const names: Record<string, Value> = {};
    for (const { name, string } of match.captures) if (name !== null) setMember(names, name, string);
    valuesOf(insert, names, env).forEach((one, at) => {
      results[at] = add(results[at] ?? null, add(gap, one));
    });
    previous = match.offset + match.length;
  }
  if (results.length === 0) return [input];
  const rest = sliceText(text, previous, Number.MAX_SAFE_INTEGER);
  return results.map((result) => add(result, rest));
}

function nowForm(): Filter {
  return single(() => {
    if (given.nowSeconds === null) throw new JqProblem("JQ_UNDEFINED", "There is no clock here: `now` is not defined.");
    return given.nowSeconds;
  });
}

const NOT_SORTED = "sorted, as they are not both arrays";

const NAMED: readonly (readonly [string, Form])[] = [
  ["empty/0", () => NOTHING],
  ["error/0", errorOf],
  ["error/1", errorOf],
  ["recurse/0", () => ({ ...recurse(MEMBERS), each: (input, _env, emit) => descend(input, emit) })],
  ["recurse/1", ([body = NOTHING]) => recurse(body)],
  ["recurse/2", ([body = NOTHING, test = NOTHING]) => recurse(piped(body, select([test])))],
  ["repeat/1", repeat],
  ["while/2", whileForm],
  ["until/2", until],
  ["range/1", range],
  ["range/2", range],
  ["range/3", range],
  ["limit/2", limit],
  ["skip/2", skip],
  ["nth/2", nthOf],
  ["first/1", first],
  ["last/1", last],
  ["select/1", select],
  ["map/1", map],
  ["map_values/1", mapValues],
  ["walk/1", walk],
  ["any/1", quantifier(true)],
  ["any/2", quantifier(true)],
  ["all/1", quantifier(false)],
  ["all/2", quantifier(false)],
  ["isempty/1", isEmpty],
  ["add/1", addOf],
  ["sort_by/1", sortedBy((keyed) => inOrder(keyed).map(({ value }) => value), NOT_SORTED)],
  ["group_by/1", sortedBy((keyed) => groups(keyed).map((group) => group.map(({ value }) => value)), NOT_SORTED)],
  ["unique_by/1", sortedBy((keyed) => groups(keyed).map(([one]) => one?.value ?? null), NOT_SORTED)],
  ["min_by/1", sortedBy(extreme(1), "iterated over")],
  ["max_by/1", sortedBy(extreme(-1), "iterated over")],
  ["getpath/1", getPathForm],
  ["path/1", pathForm],
  ["match/2", match],
  ["sub/3", sub],
  ["now/0", nowForm],
  ["format/1", ([name = NOTHING]) => product([name], (input, [format = null]) => formatText(String(format), input))],
  ["builtins/0", () => single(() => builtinNames())],
];

const MEMBERS: Filter = {
  one: null,
  each: (input, _env, emit) => {
    for (const member of isArray(input) ? input : isObject(input) ? Object.values(input) : []) emit(member);
  },
  places: (path, input, _env, emit) => {
    if (isArray(input))
      input.forEach((member, at) => {
        emit(path.child(at), member);
      });
    else if (isObject(input)) for (const key of Object.keys(input)) emit(path.child(key), input[key] ?? null);
  },
};

function piped(left: Filter, right: Filter): Filter {
  return {
    one: null,
    each: (input, env, emit) => left.each(input, env, (value) => right.each(value, env, emit)),
    places: (path, input, env, emit) => left.places(path, input, env, (place, value) => right.places(place, value, env, emit)),
  };
}

export const builtinForms: ReadonlyMap<string, Form> = new Map(NAMED);

function builtinNames(): string[] {
  return [...new Set([...builtinForms.keys(), ...functions.keys(), ...builtinDefinitions().keys()])].filter(
    (name) => !name.startsWith("_"),
  );
}
