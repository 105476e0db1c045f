// Calls: of services over HTTP, of functions written here or in code, of people; and runs of other workflows.
//
// Source: Open Workflow Specification 1.0.3, dsl-reference.md, "Call", "Workflow Process". `call: ask` and `call: service`
// are custom functions of Baton's own; one that the document defines under such a name goes before.

import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { delegateBody } from "./delegate-task.ts";
import { compileValue } from "./expression.ts";
import { raise } from "./fault.ts";
import { httpBody, openApiBody } from "./http-task.ts";
import { masked } from "./mask.ts";
import { issuesInWords, type JsonSchema } from "./schema.ts";
import { serviceBody } from "./service-task.ts";
import { type Body, membersOf, type TaskCompiler, type View } from "./task.ts";
import { compileDuration } from "./tasks.ts";

/** Functions within functions. Protects against those that call themselves. */
export const FUNCTION_DEPTH_MAX = 32;

export function callBody(compiler: TaskCompiler): Body {
  const { call } = compiler.definition;
  switch (call) {
    case "http":
      return httpBody(compiler);
    case "openapi":
      return openApiBody(compiler);
    case "ask":
      return compiler.function("ask") === null ? askBody(compiler) : functionBody(compiler, "ask");
    case "service":
      return compiler.function("service") === null ? serviceBody(compiler) : functionBody(compiler, "service");
    case "delegate":
      return compiler.function("delegate") === null ? delegateBody(compiler) : functionBody(compiler, "delegate");
    default:
      return functionBody(compiler, String(call));
  }
}

function functionBody(compiler: TaskCompiler, name: string): Body {
  const evaluate = compileValue(compiler.definition.with ?? {}, compiler.scope);
  const task = compiler.function(name);
  return async (view, input) => {
    const args = view.evaluate(evaluate, input);
    const { frame } = view;
    if (frame.depth >= FUNCTION_DEPTH_MAX)
      throw raise(
        "runtime",
        `Functions called one another more than ${FUNCTION_DEPTH_MAX} deep (FUNCTION_DEPTH_MAX).`,
        view.reference,
      );
    if (task === null) return { output: await callCode(view, name, args), next: null };
    const path = `${frame.path}${view.name}/`;
    const { output } = await task.run({ ...frame, path, locals: {}, depth: frame.depth + 1 }, args);
    return { output, next: null };
  };
}

/** A workflow written in code, as a part of this run. */
async function callCode(view: View, written: string, args: Json): Promise<Json> {
  const name = written.replace(/^([^:@]+):([^@]+)(@default)?$/, "$1@$2");
  const known = view.run.doer.function(name);
  if (known === null)
    throw raise(
      "configuration",
      `There is no function "${written}": neither in use.functions nor among the workflows that are loaded.`,
      view.reference,
      { fix: "Define it in use.functions, or make it known with --with FILE." },
    );
  const checked = known.input === null ? ({ ok: true, value: args } as const) : known.input.check(args);
  if (!checked.ok)
    throw raise("validation", `The arguments of ${written} do not fit: ${issuesInWords(checked.issues)}.`, view.reference);
  return await view.waitFor(view.context.scope(view.operation(), async (own) => asJson(await known.run(own, checked.value))));
}

function asJson(value: unknown): Json {
  return (value ?? null) as Json;
}

function askBody(compiler: TaskCompiler): Body {
  const { question = "", schema = true, to, default: otherwise, timeout } = membersOf(compiler.definition.with);
  const evaluate = compileValue(
    { question, ...(to === undefined ? {} : { to }), ...(otherwise === undefined ? {} : { default: otherwise }) },
    compiler.scope,
  );
  const limit = timeout === undefined ? null : compileDuration(timeout, compiler.scope);
  return async (view, input) => {
    const asked = membersOf(view.evaluate(evaluate, input));
    const { context } = view;
    const name = view.operation();
    const answer = await view.waitFor(
      context.ask<Json>(name, {
        schema: schema as JsonSchema,
        message: String(asked.question),
        ...(asked.to === undefined ? {} : { to: asked.to as string | readonly string[] }),
        ...(asked.default === undefined ? {} : { default: asked.default }),
        ...(limit === null ? {} : { timeoutMs: limit(view, input) }),
      }),
    );
    if (answer.by === "timeout") throw raise("timeout", `Nobody answered "${String(asked.question)}" in time.`, view.reference);
    return { output: answer.value, next: null };
  };
}

export function runBody(compiler: TaskCompiler): Body {
  const { workflow, await: waits = true, return: form = "stdout" } = membersOf(compiler.definition.run);
  const { namespace, name, version = "latest", input: written = {} } = membersOf(workflow);
  const evaluate = compileValue(written, compiler.scope);
  const target = `${String(namespace)}/${String(name)}${version === "latest" ? "" : `@${String(version)}`}`;
  return async (view, input) => {
    const { context } = view;
    const child = masked(view.evaluate(evaluate, input), view.run.secretTexts);
    const options = { name: view.operation() };
    if (waits === false) {
      await view.waitFor(known(view, () => context.start(target, child, options)));
      return { output: input, next: null };
    }
    const output = await view.waitFor(known(view, () => context.run<Json, Json>(target, child, options)));
    return { output: form === "none" ? null : (output ?? null), next: null };
  };
}

/** One that is not loaded is an error of configuration, which can be caught. */
async function known<T>(view: View, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (isProblemError(error) && error.code === "WORKFLOW_UNKNOWN")
      throw raise("configuration", error.problem.detail, view.reference);
    throw error;
  }
}
