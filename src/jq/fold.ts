// Folds that write to what is theirs.
//
// `reduce … (.; . + [$x])` and `reduce … (.; .[$k] += 1)` build one value in many small steps. Nobody else sees the
// value before the fold ends as long as what is put in does not come from it, so it is copied once and then written to.

import { add } from "./arithmetic.ts";
import { meter } from "./meter.ts";
import type { Owned } from "./path.ts";
import type { Node } from "./tree.ts";
import { copyObject, isArray, isObject, setMember, type Value } from "./value.ts";

/** Whether a node may read its input. Says so of every function, since most do. */
export function readsInput(node: Node): boolean {
  switch (node.kind) {
    case "literal":
    case "variable":
    case "break":
      return false;
    case "index":
      return readsInput(node.target) || readsInput(node.key);
    case "slice":
      return (
        readsInput(node.target) || (node.from !== null && readsInput(node.from)) || (node.to !== null && readsInput(node.to))
      );
    case "iterate":
      return readsInput(node.target);
    case "text":
      return node.parts.some((part) => typeof part !== "string" && readsInput(part));
    case "array":
      return node.body !== null && readsInput(node.body);
    case "object":
      return node.members.some(([key, value]) => readsInput(key) || readsInput(value));
    case "negate":
      return readsInput(node.body);
    case "pipe":
      return readsInput(node.left);
    case "comma":
    case "binary":
    case "logic":
    case "alternative":
      return readsInput(node.left) || readsInput(node.right);
    default:
      return true;
  }
}

/** `state + value`, written into the state where it is the fold's own. */
export function append(state: Value, value: Value, owned: Owned): Value {
  if (isArray(state) && isArray(value)) {
    meter.spendItems(value.length);
    const array = owned.has(state) ? (state as Value[]) : copied(state, owned);
    for (const item of value) array.push(item);
    return array;
  }
  if (isObject(state) && isObject(value)) {
    const keys = Object.keys(value);
    meter.spendItems(keys.length);
    const object = owned.has(state) ? (state as Record<string, Value>) : ownedBy(copyObject(state), owned);
    for (const key of keys) setMember(object, key, value[key] ?? null);
    return object;
  }
  return add(state, value);
}

function copied(array: readonly Value[], owned: Owned): Value[] {
  meter.spendItems(array.length);
  return ownedBy([...array], owned);
}

function ownedBy<T extends object>(made: T, owned: Owned): T {
  owned.add(made);
  return made;
}
