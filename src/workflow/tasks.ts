// Tasks that neither call nor listen: what they do with their input, and where they go.
//
// Source: Open Workflow Specification 1.0.3, dsl-reference.md, "Do", "For", "Fork", "Raise", "Set", "Switch", "Wait".

import type { Json } from "../base/json.ts";
import { readDuration } from "./duration.ts";
import { compileExpression, compileValue, type Evaluate, type ExpressionScope } from "./expression.ts";
import { type Fault, FaultError, raise } from "./fault.ts";
import { type Body, binding, branching, type Members, membersOf, type Outcome, type TaskCompiler, type View } from "./task.ts";

export function doBody(compiler: TaskCompiler): Body {
  const list = compiler.list(compiler.definition.do ?? [], "do", "");
  return async (view, input) => leaving(await list(inside(view), input));
}

/** The frame of what runs below a task. */
export function inside(view: View): View["frame"] {
  return { ...view.frame, locals: view.locals, path: `${view.frame.path}${view.name}/` };
}

/** `exit` ends the task it is in, no more; `end` goes on to the top. */
export function leaving({ output, next }: Outcome): Outcome {
  return { output, next: next === "end" ? "end" : null };
}

export function setBody({ definition, scope }: TaskCompiler): Body {
  const written = definition.set ?? null;
  const evaluate = typeof written === "string" ? compileExpression(written, scope) : compileValue(written, scope);
  return (view, input) => ({ output: view.evaluate(evaluate, input), next: null });
}

export function switchBody({ definition, scope }: TaskCompiler): Body {
  const cases = (definition.switch as readonly Members[]).map((one) => {
    const { when, then } = membersOf(Object.values(one)[0]);
    return { when: typeof when === "string" ? compileExpression(when, scope) : null, next: String(then ?? "continue") };
  });
  const otherwise = cases.find(({ when }) => when === null)?.next ?? null;
  return (view, input) => {
    const found = cases.find(({ when }) => when !== null && isTrue(view.evaluate(when, input)));
    return { output: input, next: found?.next ?? otherwise };
  };
}

/** As jq has it: null and false are not. */
export function isTrue(value: Json): boolean {
  return value !== null && value !== false;
}

export function waitBody(compiler: TaskCompiler): Body {
  const duration = compileDuration(compiler.definition.wait ?? null, compiler.scope);
  return async (view, input) => {
    await view.waitFor(view.context.sleep(view.operation(), duration(view, input)));
    return { output: input, next: null };
  };
}

/** Of a duration that may be an expression: its ms. */
export function compileDuration(written: Json, scope: ExpressionScope): (view: View, data: Json) => number {
  const evaluate = compileValue(written, scope);
  return (view, data) => {
    const durationMs = readDuration(view.evaluate(evaluate, data));
    if (typeof durationMs === "string") throw raise("expression", `${durationMs}.`, view.reference);
    return durationMs;
  };
}

export function raiseBody(compiler: TaskCompiler): Body {
  const { scope, use } = compiler;
  const named = membersOf(compiler.definition.raise).error ?? null;
  const written = typeof named === "string" ? membersOf(membersOf(use.errors)[named]) : membersOf(named);
  const evaluate = compileValue(written, scope);
  return (view, input) => {
    const { type, status, title, detail, instance } = membersOf(view.evaluate(evaluate, input));
    const raised: Fault = {
      type: String(type),
      status: Number(status),
      title: textOf(title),
      detail: textOf(detail),
      instance: instance === undefined || instance === null ? view.reference : textOf(instance),
    };
    throw new FaultError(raised);
  };
}

function textOf(value: Json | undefined): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

export function forBody(compiler: TaskCompiler): Body {
  const { definition, scope } = compiler;
  const { each = "item", at = "index", in: source = null } = membersOf(definition.for);
  const names = [String(each), String(at)];
  const inner = { ...scope, names: [...scope.names, ...names] };
  const items = typeof source === "string" ? compileExpression(source, scope) : compileValue(source, scope);
  const goesOn = typeof definition.while === "string" ? compileExpression(definition.while, inner) : null;
  const list = compiler.list(definition.do ?? [], "do", "", names);
  return async (view, input) => {
    let output = input;
    for (const [position, item] of itemsOf(view, items, input).entries()) {
      const frame = binding(inside(view), { [String(each)]: item, [String(at)]: position });
      view.locals = frame.locals;
      if (goesOn !== null && !isTrue(view.evaluate(goesOn, output))) break;
      const outcome = await list(frame, output);
      output = outcome.output;
      if (outcome.next !== "continue") return leaving(outcome);
    }
    return { output, next: null };
  };
}

function itemsOf(view: View, evaluate: Evaluate, input: Json): readonly Json[] {
  const items = view.evaluate(evaluate, input);
  if (Array.isArray(items)) return items;
  throw raise("expression", `for.in gave ${JSON.stringify(items)?.slice(0, 60)}; it must give an array.`, view.reference);
}

/** Branches at once. The first error of one ends the others; in a competition the first to end well does. */
export function forkBody(compiler: TaskCompiler): Body {
  const { branches = [], compete = false } = membersOf(compiler.definition.fork);
  const tasks = compiler.tasks(branches, "fork/branches");
  return async (view, input) => {
    const frame = branching(inside(view));
    const ended = Promise.withResolvers<Outcome>();
    const running = tasks.map(async (task) => {
      const outcome = await task.run(frame, input);
      if (outcome.next === "end") ended.resolve(leaving(outcome));
      return outcome.output;
    });
    try {
      const all = compete === true ? firstOf(running) : Promise.all(running);
      return await Promise.race([ended.promise, all.then((output): Outcome => ({ output, next: null }))]);
    } finally {
      frame.branch.abandon();
      for (const one of running) one.catch(() => undefined);
    }
  };
}

/** The first that ends well; where none does, the error of the first. */
async function firstOf(running: readonly Promise<Json>[]): Promise<Json> {
  try {
    return await Promise.any(running);
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}
