// `call: service`: asks whoever can do something, and lets something stand in when nobody could.
//
// A custom function of Baton's own, over `tryCall`: the choice and each attempt are in the journal.
//
//  1. What is asked is kept, so it has the texts of secrets masked; services have credentials of their own.
//  2. A failure is an error of the specification: its detail is the problem's, and its status what the service answered.
//  3. An option that is computed and comes out wrong is an error; it is never as if it had been left out.

import { STATUS_CODES } from "node:http";
import type { Json } from "../base/json.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import type { Called, CallFallback, CallOptions } from "./context.ts";
import { compileValue, type ExpressionScope } from "./expression.ts";
import { FaultError, fault, raise, type StandardFault } from "./fault.ts";
import { masked } from "./mask.ts";
import { type Body, isMembers, type Members, membersOf, type TaskCompiler, type View } from "./task.ts";
import { compileDuration } from "./tasks.ts";

export function serviceBody({ definition, scope }: TaskCompiler): Body {
  const { timeout, fallback = [], detailed = false, ...written } = membersOf(definition.with);
  const evaluate = compileValue(written, scope);
  const limit = timeout === undefined ? null : compileDuration(timeout, scope);
  const standIns = (fallback as readonly Json[]).map((one) => compileFallback(membersOf(one), scope));
  return async (view, data) => {
    const { target, input = {}, ...rest } = shown(view, view.evaluate(evaluate, data));
    requireKinds(view, { target: target ?? null, ...rest });
    const options = {
      ...{ ...rest, name: view.operation() },
      ...(rest.stickyKey === undefined ? {} : { stickyKey: String(rest.stickyKey) }),
      ...(limit === null ? {} : { timeoutMs: limit(view, data) }),
      ...(standIns.length === 0 ? {} : { fallback: standIns.map((standIn) => standIn(view, data)) }),
    };
    const called = await answered(view, String(target), input, options as CallOptions);
    if (!called.ok) throw failed(view, called.problem);
    const { ok: _, ...details } = called;
    return { output: detailed === true ? (details as unknown as Json) : called.output, next: null };
  };
}

/** As it may be kept. */
function shown(view: View, value: Json): Members {
  return membersOf(masked(value, view.run.secretTexts));
}

async function answered(view: View, target: string, input: Json, options: CallOptions): Promise<Called<Json>> {
  try {
    return await view.waitFor(view.context.tryCall(target, input, options));
  } catch (error) {
    if (isProblemError(error) && kindOfCode(error.code) === "configuration") return { ok: false, problem: error.problem };
    throw error;
  }
}

// What is asked.

type Test = (value: Json) => boolean;

const isText: Test = (value) => typeof value === "string" && value !== "";
const isTexts: Test = (value) => Array.isArray(value) && (value as readonly Json[]).every(isText);

/** What expressions must give. */
const KINDS: Readonly<Record<string, readonly [Test, wanted: string]>> = {
  target: [isText, "service/operation or a capability"],
  strategy: [isText, "the name of a strategy"],
  stickyKey: [(value) => isText(value) || typeof value === "number", "text or a number"],
  only: [isTexts, "a list of names"],
  except: [isTexts, "a list of names"],
  localOnly: [(value) => typeof value === "boolean", "true or false"],
  costMaxUsd: [(value) => typeof value === "number", "a number"],
  stream: [isText, "a name"],
  call: [isText, "service/operation or a capability"],
  model: [isText, "the name of a model"],
  ask: [isText, "a question"],
  to: [(value) => isText(value) || isTexts(value), "a name, or a list of names"],
};

function requireKinds(view: View, members: Members): void {
  for (const [name, value] of Object.entries(members)) {
    const [isSo, wanted] = KINDS[name] ?? [];
    if (isSo === undefined || isSo(value)) continue;
    throw raise("expression", `${name} is ${JSON.stringify(value).slice(0, 60)}; it must be ${wanted}.`, view.reference);
  }
}

function compileFallback(written: Members, scope: ExpressionScope): (view: View, data: Json) => CallFallback {
  const { lastGood, timeout, ...rest } = written;
  const ageMax = isMembers(lastGood) ? compileDuration(lastGood.maxAge ?? null, scope) : null;
  const limit = timeout === undefined ? null : compileDuration(timeout, scope);
  const evaluate = compileValue(rest, scope);
  return (view, data) => {
    if (lastGood !== undefined) return { lastGood: ageMax === null ? true : { ageMsMax: ageMax(view, data) } };
    const found = shown(view, view.evaluate(evaluate, data));
    requireKinds(view, found);
    return { ...found, ...(limit === null ? {} : { timeoutMs: limit(view, data) }) } as unknown as CallFallback;
  };
}

// What went wrong.

function failed({ reference }: View, problem: Problem): FaultError {
  const kind = kindOf(problem);
  const more = kind === "communication" ? answerOf(problem) : {};
  return new FaultError(fault(kind, problem.detail, reference, more), { problem });
}

/** What the service answered in HTTP, where it did. */
function answerOf({ status, facts }: Problem): { status: number; title?: string } {
  const answered = facts?.status;
  if (typeof answered !== "number") return { status };
  const title = STATUS_CODES[answered];
  return { status: answered, ...(title === undefined ? {} : { title }) };
}

/** Where several were asked in vain: what all of them failed by, else that nobody could be reached. */
function kindOf({ code, facts = {} }: Problem): StandardFault {
  if (Array.isArray(facts.tried)) {
    const [kind, second] = new Set((facts.tried as readonly { code: string }[]).map((one) => kindOfCode(one.code)));
    return kind === undefined || second !== undefined ? "communication" : kind;
  }
  return KIND_OF_CLASS[String(facts.class)] ?? kindOfCode(code);
}

/** By what services say went wrong. */
const KIND_OF_CLASS: Readonly<Record<string, StandardFault>> = {
  timeout: "timeout",
  input: "validation",
  denied: "authorization",
  secret: "authorization",
};

const KIND_OF_CODE: Readonly<Record<string, StandardFault>> = {
  ...{ SERVICE_INPUT_INVALID: "validation", SERVICE_SECRET_MISSING: "authorization" },
  ...{ STEP_TIMEOUT: "timeout", EGRESS_TIMEOUT: "timeout", EGRESS_DENIED: "authorization" },
  ...{ SERVICE_UNKNOWN: "configuration", SERVICE_OPERATION_UNKNOWN: "configuration", SERVICE_NONE_FIT: "configuration" },
  ...{ SERVICE_TARGET_INVALID: "configuration", SERVICE_OPTION_INVALID: "configuration", NO_SERVICES: "configuration" },
  ...{ SERVICE_DEFINITION_INVALID: "configuration", OPTION_INVALID: "configuration" },
};

function kindOfCode(code: string): StandardFault {
  return KIND_OF_CODE[code] ?? (/^(SERVICE|EGRESS)_/.test(code) ? "communication" : "runtime");
}
