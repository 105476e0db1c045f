// From a tree to closures: every node once, before any input is seen.

import { binaryOperators, negate } from "./arithmetic.ts";
import {
  alternative,
  attempt,
  collect,
  comma,
  condition,
  emitChild,
  IDENTITY,
  iterate,
  logic,
  member,
  objectOfOnes,
  pipe,
  requireKey,
} from "./combine.ts";
import { builtinDefinitions } from "./definitions.ts";
import { type Closure, Enough, Env, either, envAt, type Filter, type One, pairs, product, single, stream } from "./filter.ts";
import { append, readsInput } from "./fold.ts";
import { formats, formatText } from "./formats.ts";
import { builtinForms } from "./forms.ts";
import { functions } from "./functions.ts";
import { given } from "./given.ts";
import { placeIn } from "./lexer.ts";
import { meter } from "./meter.ts";
import { index, NOWHERE, type Owned, type Path, ROOT, setPath, slice } from "./path.ts";
import { JqProblem } from "./problems.ts";
import { type Definition, type Node, namesOf, type Pattern } from "./tree.ts";
import { modify, wholePath } from "./update.ts";
import { fail, isArray, isTruthy, JqError, kindOf, setMember, shown, type Value } from "./value.ts";

/** What a name means where it stands. `cells`: how many values are bound there, this one included. */
type Scope =
  | { readonly kind: "root"; readonly cells: 0 }
  | { readonly kind: "variable" | "filter" | "label"; readonly name: string; readonly cells: number; readonly parent: Scope }
  | { readonly kind: "function"; readonly made: MadeFunction; readonly cells: number; readonly parent: Scope };

interface MadeFunction {
  readonly name: string;
  readonly arity: number;
  readonly definition: Definition;
  /** Null while its body is compiled: for a function that calls itself. */
  filter: Filter | null;
}

const ROOT_SCOPE: Scope = { kind: "root", cells: 0 };

export function compileTree(program: string, tree: Node, variables: readonly string[]): Filter {
  return new Compiler(program, variables).node(tree, ROOT_SCOPE);
}

const made = new Map<string, MadeFunction>();

class Compiler {
  readonly #program: string;
  readonly #globals: ReadonlyMap<string, number>;

  constructor(program: string, variables: readonly string[]) {
    this.#program = program;
    this.#globals = new Map(variables.map((name, at) => [name, at]));
  }

  node(node: Node, scope: Scope): Filter {
    switch (node.kind) {
      case "identity":
        return IDENTITY;
      case "recurse-default":
        return builtinForms.get("recurse/0")?.([]) ?? IDENTITY;
      case "literal": {
        const { value } = node;
        return single(() => value);
      }
      case "index":
        return this.#index(this.node(node.target, scope), node.key, scope);
      case "slice":
        return this.#slice(node, scope);
      case "iterate":
        return iterate(this.node(node.target, scope));
      case "text":
        return this.#text(node, scope);
      case "format":
        return this.#format(node);
      case "array":
        return collect(node.body === null ? null : this.node(node.body, scope));
      case "object":
        return this.#object(node, scope);
      case "negate":
        return this.#negate(node, scope);
      case "pipe":
        return pipe(this.node(node.left, scope), this.node(node.right, scope));
      case "comma":
        return comma(this.node(node.left, scope), this.node(node.right, scope));
      case "binary":
        return pairs(this.node(node.left, scope), this.node(node.right, scope), binaryOperators[node.operator]);
      case "logic":
        return logic(node.operator, this.node(node.left, scope), this.node(node.right, scope));
      case "alternative":
        return alternative(this.node(node.left, scope), this.node(node.right, scope));
      case "assign":
        return this.#assign(node, scope);
      case "if":
        return condition(
          this.node(node.condition, scope),
          this.node(node.yes, scope),
          node.no === null ? IDENTITY : this.node(node.no, scope),
        );
      case "try":
        return attempt(this.node(node.body, scope), node.handler === null ? null : this.node(node.handler, scope));
      case "reduce":
        return this.#reduce(node, scope);
      case "foreach":
        return this.#foreach(node, scope);
      case "define":
        return this.node(node.rest, this.#defined(node.definition, scope));
      case "call":
        return this.#call(node, scope);
      case "variable":
        return this.#variable(node, scope);
      case "bind":
        return this.#bind(node, scope);
      case "label":
        return this.#label(node, scope);
      case "break":
        return this.#break(node, scope);
    }
  }

  #index(target: Filter, keyNode: Node, scope: Scope): Filter {
    if (keyNode.kind === "literal" && typeof keyNode.value === "string") return member(target, keyNode.value);
    const key = this.node(keyNode, scope);
    const filter = pairs(target, key, index);
    return {
      ...filter,
      places: (path, input, env, emit) =>
        key.each(input, env, (at) => target.places(path, input, env, (place, value) => emitChild(place, value, at, emit))),
    };
  }

  #slice(node: Node & { kind: "slice" }, scope: Scope): Filter {
    const target = this.node(node.target, scope);
    const none = single(() => null);
    const from = node.from === null ? none : this.node(node.from, scope);
    const to = node.to === null ? none : this.node(node.to, scope);
    const filter = product([target, to, from], (_, [value = null, end = null, start = null]) => slice(value, start, end));
    return {
      ...filter,
      places: (path, input, env, emit) =>
        from.each(input, env, (start) =>
          to.each(input, env, (end) =>
            target.places(path, input, env, (place, value) => emitChild(place, value, { start, end }, emit)),
          ),
        ),
    };
  }

  #text(node: Node & { kind: "text" }, scope: Scope): Filter {
    const format = this.#formatNamed(node.format ?? "@text", node);
    const parts = node.parts.map((part) => (typeof part === "string" ? single(() => part) : this.node(part, scope)));
    const written = node.parts.map((part) => typeof part === "string");
    return product(parts, (_, values) => {
      let text = "";
      for (let i = 0; i < values.length; i++) {
        const value = values[i] ?? null;
        text += written[i] === true ? value : formatText(format, value);
      }
      meter.spendText(text.length);
      return text;
    });
  }

  #format(node: Node & { kind: "format" }): Filter {
    const format = this.#formatNamed(node.name, node);
    return single((input) => formatText(format, input));
  }

  #formatNamed(name: string, node: Node): string {
    if (formats.has(name.slice(1))) return name.slice(1);
    throw new JqProblem("JQ_UNDEFINED", `${name} is not a valid format (${placeIn(this.#program, node.at)}).`, {
      offset: node.at,
      end: node.end,
    });
  }

  #object(node: Node & { kind: "object" }, scope: Scope): Filter {
    const parts = node.members.flatMap(([key, value]) => [this.node(key, scope), this.node(value, scope)]);
    const ones = parts.map(({ one }) => one);
    const keys = node.members.map(([key]) => (key.kind === "literal" && typeof key.value === "string" ? key.value : null));
    if (ones.every((one) => one !== null)) return single(objectOfOnes(ones, keys));
    return stream((input, env, emit) => {
      const fill = (at: number, made: Record<string, Value>): void => {
        if (at === parts.length) return emit(made);
        parts[at]?.each(input, env, (key) =>
          parts[at + 1]?.each(input, env, (value) => {
            meter.spendItems(at / 2 + 1);
            const copy = { ...made };
            setMember(copy, requireKey(key), value);
            fill(at + 2, copy);
          }),
        );
      };
      fill(0, {});
    });
  }

  #negate(node: Node & { kind: "negate" }, scope: Scope): Filter {
    if (node.body.kind === "literal" && typeof node.body.value === "number") {
      const value = -node.body.value;
      return single(() => value);
    }
    const body = this.node(node.body, scope);
    const { one } = body;
    return either(one === null ? null : (input, env) => negate(one(input, env)), (input, env, emit) =>
      body.each(input, env, (value) => emit(negate(value))),
    );
  }

  #assign({ operator, left, right }: Node & { kind: "assign" }, scope: Scope): Filter {
    const target = this.node(left, scope);
    const source = this.node(right, scope);
    if (operator === "|=") return single((input, env) => modify(input, env, target, source));
    const update = updateOf(operator, target);
    const { one } = source;
    return either(one === null ? null : (input, env) => update(input, env, one(input, env)), (input, env, emit) =>
      source.each(input, env, (value) => emit(update(input, env, value))),
    );
  }

  // Names.

  #variable(node: Node & { kind: "variable" }, scope: Scope): Filter {
    const found = findNamed(scope, "variable", node.name);
    if (found !== null) return single(readCell(scope.cells - found.cells));
    const at = this.#globals.get(node.name);
    if (at === undefined) throw this.#undefined(`$${node.name}`, node);
    return single(() => given.values[at] ?? null);
  }

  #label(node: Node & { kind: "label" }, scope: Scope): Filter {
    const inner: Scope = { kind: "label", name: node.name, cells: scope.cells + 1, parent: scope };
    const body = this.node(node.body, inner);
    const guarded = (run: (env: Env) => void, env: Env): void => {
      const enough = new Enough();
      const { depth } = meter;
      try {
        run(new Env(enough, env));
      } catch (error) {
        if (error !== enough) throw error;
        meter.depth = depth;
      }
    };
    return {
      one: null,
      each: (input, env, emit) => guarded((own) => body.each(input, own, emit), env),
      places: (path, input, env, emit) => guarded((own) => body.places(path, input, own, emit), env),
    };
  }

  #break(node: Node & { kind: "break" }, scope: Scope): Filter {
    const found = findNamed(scope, "label", node.name);
    if (found === null) throw this.#undefined(`$*label-${node.name}`, node);
    const hops = scope.cells - found.cells;
    return stream((_, env) => {
      throw envAt(env, hops).value;
    });
  }

  #undefined(name: string, { at, end }: Node): JqProblem {
    return new JqProblem("JQ_UNDEFINED", `${name} is not defined (${placeIn(this.#program, at)}).`, { offset: at, end });
  }

  #defined(definition: Definition, parent: Scope): Scope {
    const { name, parameters } = definition;
    const own: MadeFunction = { name, arity: parameters.length, definition, filter: null };
    const scope: Scope = { kind: "function", made: own, cells: parent.cells, parent };
    own.filter = this.#functionBody(definition, scope);
    return scope;
  }

  /** The body sees the filters it is given, then the values of those it wants as values. */
  #functionBody({ parameters, body }: Definition, scope: Scope): Filter {
    let inner = scope;
    for (const parameter of parameters) {
      const name = parameter.replace("$", "");
      inner = { kind: "filter", name, cells: inner.cells + 1, parent: inner };
    }
    for (const parameter of parameters.filter((one) => one.startsWith("$")))
      inner = { kind: "variable", name: parameter.slice(1), cells: inner.cells + 1, parent: inner };
    return this.node(body, inner);
  }

  #call(node: Node & { kind: "call" }, scope: Scope): Filter {
    const { name } = node;
    const arity = node.args.length;
    const found = findFunction(scope, name, arity);
    if (found?.kind === "filter") return callClosure(scope.cells - found.cells);
    const args = node.args.map((arg) => this.node(arg, scope));
    if (found?.kind === "function") return callFunction(found.made, scope.cells - found.cells, args);
    return this.#builtin(`${name}/${arity}`, args, scope, node);
  }

  #builtin(id: string, args: readonly Filter[], scope: Scope, node: Node): Filter {
    const form = builtinForms.get(id);
    if (form !== undefined) return form(args);
    const compute = functions.get(id);
    if (compute !== undefined) return product(args, (input, values) => compute(input, ...values));
    const definition = builtinDefinitions().get(id);
    if (definition === undefined) throw this.#undefined(id, node);
    let own = made.get(id);
    if (own === undefined) {
      own = { name: definition.name, arity: args.length, definition, filter: null };
      made.set(id, own);
      const outer: Scope = { kind: "function", made: own, cells: 0, parent: ROOT_SCOPE };
      own.filter = new Compiler("", []).#functionBody(definition, outer);
    }
    return callFunction(own, scope.cells, args);
  }

  // Binding.

  #bind(node: Node & { kind: "bind" }, scope: Scope): Filter {
    const source = this.node(node.source, scope);
    const [pattern] = node.patterns;
    if (node.patterns.length === 1 && pattern?.kind === "name") return this.#bindName(node, source, pattern.name, scope);
    const bound = this.#bindPatterns(node.patterns, scope);
    const body = this.node(node.body, bound.scope);
    return {
      one: null,
      each: (input, env, emit) =>
        source.each(input, env, (value) => bound.each(value, input, env, (own) => body.each(input, own, emit))),
      places: (path, input, env, emit) =>
        source.each(input, env, (value) => bound.each(value, input, env, (own) => body.places(path, input, own, emit))),
    };
  }

  #bindName(node: Node & { kind: "bind" }, source: Filter, name: string, scope: Scope): Filter {
    const body = this.node(node.body, { kind: "variable", name, cells: scope.cells + 1, parent: scope });
    const [value, result] = [source.one, body.one];
    return {
      one: value === null || result === null ? null : (input, env) => result(input, new Env(value(input, env), env)),
      each: (input, env, emit) => source.each(input, env, (bound) => body.each(input, new Env(bound, env), emit)),
      places: (path, input, env, emit) => source.each(input, env, (bound) => body.places(path, input, new Env(bound, env), emit)),
    };
  }

  /** Patterns bind all their names; those of patterns that are not used are null. */
  #bindPatterns(patterns: readonly Pattern[], scope: Scope): BoundPatterns {
    const [pattern] = patterns;
    if (patterns.length === 1 && pattern?.kind === "name") {
      const inner: Scope = { kind: "variable", name: pattern.name, cells: scope.cells + 1, parent: scope };
      return { scope: inner, each: (value, _input, env, use) => use(new Env(value, env)) };
    }
    const names = [...new Set(patterns.flatMap(namesOf))];
    let inner = scope;
    for (const name of names) inner = { kind: "variable", name, cells: inner.cells + 1, parent: inner };
    const takers = patterns.map((pattern) => this.#pattern(pattern, scope));
    const bind = (found: ReadonlyMap<string, Value>, env: Env): Env =>
      names.reduce<Env>((own, name) => new Env(found.get(name) ?? null, own), env);
    return {
      scope: inner,
      each: (value, input, env, use) => {
        tryEach(takers, 0, (take) => take(value, input, env, new Map(), (found) => use(bind(found, env))));
      },
    };
  }

  #pattern(pattern: Pattern, scope: Scope): Taker {
    switch (pattern.kind) {
      case "name":
        return (value, _input, _env, found, next) => next(new Map(found).set(pattern.name, value));
      case "elements":
        return this.#elements(pattern.elements, scope);
      case "members":
        return this.#members(pattern, scope);
    }
  }

  /** The last element first, as jq. */
  #elements(elements: readonly Pattern[], scope: Scope): Taker {
    const takers = elements.map((element) => this.#pattern(element, scope));
    return (value, input, env, found, next) => {
      if (value !== null && !isArray(value)) throw fail(`Cannot index ${kindOf(value)} with number (${takers.length - 1})`);
      const take = (at: number, sofar: ReadonlyMap<string, Value>): void => {
        const taker = takers[at];
        if (taker === undefined) return next(sofar);
        taker(value?.[at] ?? null, input, env, sofar, (more) => take(at - 1, more));
      };
      take(takers.length - 1, found);
    };
  }

  #members(pattern: Pattern & { kind: "members" }, scope: Scope): Taker {
    // Keys may use the names bound by the members before them.
    const members: { name: string | null; key: Filter; names: readonly string[]; value: Taker | null }[] = [];
    const before: string[] = [];
    for (const { name, key, value } of pattern.members) {
      let inner = scope;
      for (const own of before) inner = { kind: "variable", name: own, cells: inner.cells + 1, parent: inner };
      members.push({
        name,
        key: this.node(key, inner),
        names: [...before],
        value: value === null ? null : this.#pattern(value, scope),
      });
      if (name !== null) before.push(name);
      if (value !== null) before.push(...namesOf(value));
    }
    return (value, input, env, found, next) => {
      const take = (at: number, sofar: ReadonlyMap<string, Value>): void => {
        const one = members[at];
        if (one === undefined) return next(sofar);
        const own = one.names.reduce<Env>((outer, name) => new Env(sofar.get(name) ?? null, outer), env);
        one.key.each(value, own, (key) => {
          if (typeof key !== "string") throw fail(`Cannot index ${kindOf(value)} with ${shown(key)}`);
          const member = index(value, key);
          const named = one.name === null ? sofar : new Map(sofar).set(one.name, member);
          if (one.value === null) take(at + 1, named);
          else one.value(member, input, env, named, (more) => take(at + 1, more));
        });
      };
      take(0, found);
    };
  }

  // Folds.

  #reduce(node: Node & { kind: "reduce" }, scope: Scope): Filter {
    const source = this.node(node.source, scope);
    const init = this.node(node.init, scope);
    const bound = this.#bindPatterns(node.pattern, scope);
    const update = this.node(node.update, bound.scope);
    const next = this.#writingStep(node.update, bound.scope) ?? ((state: Value, own: Env) => lastOf(update, state, own));
    const fold = (input: Value, env: Env, first: Value): Value => {
      let state: Value = first;
      const owned: Owned = new Set();
      source.each(input, env, (value) =>
        bound.each(value, input, env, (own) => {
          meter.step();
          state = next(state, own, owned);
        }),
      );
      return state;
    };
    const { one } = init;
    const filter = either(one === null ? null : (input, env) => fold(input, env, one(input, env)), (input, env, emit) =>
      init.each(input, env, (first) => emit(fold(input, env, first))),
    );
    return { ...filter, places: foldPlaces(source, bound, init, update) };
  }

  /** A step of a fold that may write to the fold's own value; null where the value could be seen elsewhere. */
  #writingStep(update: Node, scope: Scope): ((state: Value, env: Env, owned: Owned) => Value) | null {
    if (update.kind !== "binary" && update.kind !== "assign") return null;
    const { one } = this.node(update.right, scope);
    if (one === null || readsInput(update.right)) return null;
    if (update.kind === "binary") {
      const isAppend = update.operator === "+" && update.left.kind === "identity";
      return isAppend ? (state, env, owned) => append(state, one(null, env), owned) : null;
    }
    if (update.operator === "|=") return null;
    const write = updateOf(update.operator, this.node(update.left, scope));
    return (state, env, owned) => write(state, env, one(null, env), owned);
  }

  #foreach(node: Node & { kind: "foreach" }, scope: Scope): Filter {
    const source = this.node(node.source, scope);
    const init = this.node(node.init, scope);
    const bound = this.#bindPatterns(node.pattern, scope);
    const update = this.node(node.update, bound.scope);
    const extract = node.extract === null ? IDENTITY : this.node(node.extract, bound.scope);
    return {
      one: null,
      each: (input, env, emit) =>
        init.each(input, env, (first) => {
          let state = first;
          source.each(input, env, (value) =>
            bound.each(value, input, env, (own) =>
              update.each(state, own, (next) => {
                meter.step();
                state = next;
                extract.each(next, own, emit);
              }),
            ),
          );
        }),
      places: (path, input, env, emit) =>
        init.places(path, input, env, (place, first) => {
          let state = { place, value: first };
          source.each(input, env, (value) =>
            bound.each(value, input, env, (own) =>
              update.places(state.place, state.value, own, (nextPlace, next) => {
                meter.step();
                state = { place: nextPlace, value: next };
                extract.places(nextPlace, next, own, emit);
              }),
            ),
          );
        }),
    };
  }
}

type Found = ReadonlyMap<string, Value>;
type Taker = (value: Value, input: Value, env: Env, found: Found, next: (found: Found) => void) => void;

interface BoundPatterns {
  readonly scope: Scope;
  readonly each: (value: Value, input: Value, env: Env, use: (env: Env) => void) => void;
}

/** The first way that does not fail: an error of a later stage counts, too, save for the last way. */
function tryEach<T>(ways: readonly T[], at: number, go: (way: T) => void): void {
  const way = ways[at];
  if (way === undefined) return;
  if (at === ways.length - 1) return go(way);
  const { depth } = meter;
  try {
    go(way);
  } catch (error) {
    if (!(error instanceof JqError)) throw error;
    meter.depth = depth;
    tryEach(ways, at + 1, go);
  }
}

function foldPlaces(source: Filter, bound: BoundPatterns, init: Filter, update: Filter): Filter["places"] {
  return (path, input, env, emit) =>
    init.places(path, input, env, (place, first) => {
      let state: { place: Path; value: Value } = { place, value: first };
      source.each(input, env, (value) =>
        bound.each(value, input, env, (own) => {
          meter.step();
          let last: { place: Path; value: Value } = { place: NOWHERE, value: null };
          update.places(state.place, state.value, own, (nextPlace, next) => {
            last = { place: nextPlace, value: next };
          });
          state = last;
        }),
      );
      emit(state.place, state.value);
    });
}

/** The last value of a filter; null when it gives none. */
function lastOf(filter: Filter, input: Value, env: Env): Value {
  if (filter.one !== null) return filter.one(input, env);
  let last: Value = null;
  filter.each(input, env, (value) => {
    last = value;
  });
  return last;
}

/** `=`, and the operators that compute with what was there. */
function updateOf(operator: string, target: Filter): (input: Value, env: Env, value: Value, owned?: Owned) => Value {
  if (operator === "=") {
    return (input, env, value, owned = new Set()) => {
      let result = input;
      target.places(ROOT, input, env, (path, old) => {
        result = setPath(result, wholePath(path, old), value, owned);
      });
      return result;
    };
  }
  const compute =
    operator === "//="
      ? (old: Value, value: Value): Value => (isTruthy(old) ? old : value)
      : binaryOperators[operator.slice(0, -1) as keyof typeof binaryOperators];
  return (input, env, value, owned) =>
    modify(
      input,
      env,
      target,
      single((old) => compute(old, value)),
      owned,
    );
}

// Calls.

function readCell(hops: number): One {
  if (hops === 0) return (_, env) => env.value as Value;
  if (hops === 1) return (_, env) => env.parent?.value as Value;
  return (_, env) => envAt(env, hops).value as Value;
}

function callClosure(hops: number): Filter {
  return {
    one: null,
    each: (input, env, emit) => {
      const { filter, env: own } = envAt(env, hops).value as Closure;
      meter.enter();
      meter.step();
      if (filter.one !== null) emit(filter.one(input, own));
      else filter.each(input, own, emit);
      meter.leave();
    },
    places: (path, input, env, emit) => {
      const { filter, env: own } = envAt(env, hops).value as Closure;
      meter.enter();
      meter.step();
      filter.places(path, input, own, emit);
      meter.leave();
    },
  };
}

function callFunction(called: MadeFunction, hops: number, args: readonly Filter[]): Filter {
  const { parameters } = called.definition;
  const byValue = parameters.flatMap((parameter, at) => (parameter.startsWith("$") ? [args[at] as Filter] : []));
  const ones = byValue.map(({ one }) => one);
  const withFilters = (env: Env): Env =>
    args.reduce<Env>((own, filter) => new Env({ filter, env } satisfies Closure, own), envAt(env, hops));
  const body = called.filter?.one ?? null;
  const one: One | null =
    body === null || ones.includes(null)
      ? null
      : (input, env) => {
          meter.enter();
          const own = ones.reduce<Env>((outer, value) => new Env((value as One)(input, env), outer), withFilters(env));
          const result = body(input, own);
          meter.leave();
          return result;
        };
  const withValues = (input: Value, env: Env, use: (own: Env) => void): void => {
    const bind = (at: number, own: Env): void => {
      const filter = byValue[at];
      if (filter === undefined) return use(own);
      filter.each(input, env, (value) => bind(at + 1, new Env(value, own)));
    };
    bind(0, withFilters(env));
  };
  return {
    one,
    each: (input, env, emit) =>
      withValues(input, env, (own) => {
        meter.enter();
        meter.step();
        called.filter?.each(input, own, emit);
        meter.leave();
      }),
    places: (path, input, env, emit) =>
      withValues(input, env, (own) => {
        meter.enter();
        meter.step();
        called.filter?.places(path, input, own, emit);
        meter.leave();
      }),
  };
}

function findNamed(scope: Scope, kind: "variable" | "label", name: string): Scope | null {
  for (let at = scope; at.kind !== "root"; at = at.parent) if (at.kind === kind && at.name === name) return at;
  return null;
}

function findFunction(scope: Scope, name: string, arity: number): (Scope & { kind: "function" | "filter" }) | null {
  for (let at = scope; at.kind !== "root"; at = at.parent) {
    if (at.kind === "function" && at.made.name === name && at.made.arity === arity) return at;
    if (at.kind === "filter" && at.name === name && arity === 0) return at as Scope & { kind: "filter" };
  }
  return null;
}
