// Emitting events, and listening for them.
//
// Source: Open Workflow Specification 1.0.3, dsl-reference.md, "Emit", "Listen", "Event Consumption Strategy".

import { isDeepStrictEqual } from "node:util";
import type { Json } from "../base/json.ts";
import { rfc3339 } from "../base/time.ts";
import { compile } from "../jq.ts";
import type { CloudEvent, EventInit } from "../run.ts";
import { compileValue, type Evaluate, type ExpressionScope, programIn } from "./expression.ts";
import { raise } from "./fault.ts";
import { type Body, type Members, membersOf, type TaskCompiler, type View } from "./task.ts";

export function emitBody({ definition, scope }: TaskCompiler): Body {
  const written = membersOf(membersOf(membersOf(definition.emit).event).with);
  const evaluate = compileValue(written, scope);
  return async (view, input) => {
    const { context } = view;
    const given = membersOf(view.evaluate(evaluate, input));
    const defaults = { id: context.uuid(), source: sourceOf(view), time: rfc3339(context.now()) };
    const event: EventInit = { specversion: "1.0", ...defaults, ...given, type: String(given.type) };
    await view.waitFor(context.scope(view.operation(), (own) => own.emit(event)));
    return { output: event as Json, next: null };
  };
}

function sourceOf({ run }: View): string {
  const { namespace, name } = membersOf(run.definition.document);
  return `/${String(namespace)}/${String(name)}`;
}

/** One filter, with the events it means. */
interface Filter {
  /** What it says, for the name of its listener. */
  readonly text: string;
  /** The type, where it is one word. */
  readonly type: string | null;
  readonly means: (view: View, input: Json, event: CloudEvent) => boolean;
}

export function listenBody({ definition, scope }: TaskCompiler): Body {
  const { to, read = "data" } = membersOf(definition.listen);
  const { one, any, all } = membersOf(to);
  const form = String(read);
  if (all !== undefined) {
    const filters = filtersOf(all, scope);
    return async (view, input) => ({
      output: (await eachOf(view, input, filters)).map((event) => shown(event, form)),
      next: null,
    });
  }
  const filters = filtersOf(one === undefined ? any : [one], scope);
  return async (view, input) => ({ output: [shown(await nextOf(view, input, filters), form)], next: null });
}

function filtersOf(written: Json | undefined, scope: ExpressionScope): Filter[] {
  return (Array.isArray(written) ? (written as readonly Json[]) : []).map((one) =>
    compileFilter(membersOf(membersOf(one).with), scope),
  );
}

/** The next event that one of the filters means; without filters the next of all. */
async function nextOf(view: View, input: Json, filters: readonly Filter[]): Promise<CloudEvent> {
  const types = new Set(filters.map(({ type }) => type));
  const [type = null] = types;
  const where = (event: CloudEvent): boolean =>
    filters.length === 0 || filters.some((filter) => filter.means(view, input, event));
  const name = `listen ${filters.map(({ text }) => text).join(" | ") || "any"}`;
  const options = { name: name.slice(0, 200), where, ...(types.size === 1 && type !== null ? { type } : {}) };
  const events = await view.waitFor(view.context.scope(view.operation(), (own) => own.listen(options)));
  const [event] = events;
  if (event === undefined) throw raise("runtime", "No event came.", view.reference);
  return event;
}

/** One event for each filter, in the order they came. */
async function eachOf(view: View, input: Json, filters: readonly Filter[]): Promise<CloudEvent[]> {
  const events: CloudEvent[] = [];
  await Promise.all(
    filters.map(async (filter) => {
      events.push(await nextOf(view, input, [filter]));
    }),
  );
  return events;
}

function shown(event: CloudEvent, form: string): Json {
  return form === "data" ? (event.data ?? null) : (event as Json);
}

function compileFilter(written: Members, scope: ExpressionScope): Filter {
  const tests = Object.entries(written).map(([name, value]) => ({ name, test: compileTest(value, scope) }));
  const { type } = written;
  return {
    text: JSON.stringify(written),
    type: typeof type === "string" && !isPattern(type) && programIn(type) === null ? type : null,
    means: (view, input, event) => tests.every(({ name, test }) => test(view, input, event[name] ?? null)),
  };
}

type Test = (view: View, input: Json, found: Json) => boolean;

/** A literal, a regular expression over the whole text, or an expression on what is found. */
function compileTest(wanted: Json, scope: ExpressionScope): Test {
  const program = typeof wanted === "string" ? programIn(wanted) : null;
  const evaluate = compileValue(wanted, scope);
  if (program !== null) return (view, _input, found) => decides(view, evaluate, found);
  if (typeof wanted === "string" && isPattern(wanted)) {
    const matches = compile("test($pattern)", { variables: ["pattern"] });
    const pattern = `^(?:${wanted})$`;
    return (_view, _input, found) => found === wanted || (typeof found === "string" && matches(found, { pattern })[0] === true);
  }
  return (view, input, found) => isDeepStrictEqual(found, view.evaluate(evaluate, input));
}

/** An expression that says yes or no decides; any other value is what is wanted. One that fails does not mean the event. */
function decides(view: View, evaluate: Evaluate, found: Json): boolean {
  try {
    const value = view.evaluate(evaluate, found);
    return typeof value === "boolean" ? value : isDeepStrictEqual(found, value);
  } catch {
    return false;
  }
}

/** Dots alone do not make a pattern of a type or a host. */
function isPattern(text: string): boolean {
  return /[\\*+?[\](){}|^$]/.test(text);
}
