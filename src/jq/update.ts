// Changing values at the places a filter names.

import { type Env, type Filter, untilEnough } from "./filter.ts";
import { meter } from "./meter.ts";
import { deletePaths, getPath, NOWHERE, type Owned, type Path, ROOT, setPath } from "./path.ts";
import { fail, shown, type Value } from "./value.ts";

/** The keys of a path that leads somewhere. */
export function wholePath(path: Path, value: Value): Value[] {
  if (path === NOWHERE) throw fail(`Invalid path expression with result ${shown(value).replace(/^\w+ \((.*)\)$/s, "$1")}`);
  return path.toArray();
}

/** All paths of a filter, in order. */
export function eachPath(filter: Filter, input: Value, env: Env, use: (path: Value[]) => void): void {
  filter.places(ROOT, input, env, (path, value) => use(wholePath(path, value)));
}

/** `target |= update`: each place gets the first value of `update`; where there is none, the place goes. */
export function modify(input: Value, env: Env, target: Filter, update: Filter, owned: Owned = new Set()): Value {
  let result = input;
  const gone: Value[] = [];
  eachPath(target, input, env, (path) => {
    meter.step();
    const old = getPath(result, path);
    // What the update sees may end up in two places: it is no longer written to.
    if (typeof old === "object" && old !== null && owned.has(old)) owned.clear();
    const found = firstOf(update, old, env);
    if (found === null) gone.push(path);
    else result = setPath(result, path, found.value, owned);
  });
  return gone.length === 0 ? result : deletePaths(result, gone);
}

/** The first value of a filter; null when it gives none. */
export function firstOf(filter: Filter, input: Value, env: Env): { readonly value: Value } | null {
  if (filter.one !== null) return { value: filter.one(input, env) };
  let found: { readonly value: Value } | null = null;
  untilEnough((enough) =>
    filter.each(input, env, (value) => {
      found = { value };
      throw enough;
    }),
  );
  return found;
}
