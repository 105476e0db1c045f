// `call: delegate`: hands a task to whoever has earned it.
//
// A custom function of Baton's own, over `tryDelegate`: who was chosen, and why, is in the journal.
//
//  1. What is handed on is kept, so it has the texts of secrets masked.
//  2. That nobody did it is an error of the specification: a budget that does not allow it is one of authorization, a task that is
//     written wrongly one of validation, anything else one of communication.
//  3. The schema and the checks are as they are written; everything else may be computed.

import type { Json } from "../base/json.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import type { Check, Delegated, Task } from "./delegation.ts";
import { compileValue } from "./expression.ts";
import { FaultError, fault, type StandardFault } from "./fault.ts";
import { masked } from "./mask.ts";
import type { JsonSchema } from "./schema.ts";
import { type Body, membersOf, type TaskCompiler, type View } from "./task.ts";
import { compileDuration } from "./tasks.ts";

export function delegateBody({ definition, scope }: TaskCompiler): Body {
  const { output, checks, deadline, detailed = false, ...written } = membersOf(definition.with);
  const evaluate = compileValue(written, scope);
  const limit = deadline === undefined ? null : compileDuration(deadline, scope);
  const fixed = {
    ...(output === undefined ? {} : { output: output as JsonSchema }),
    ...(checks === undefined ? {} : { checks: checks as readonly Check[] }),
  };
  return async (view, data) => {
    const { input = {}, ...rest } = membersOf(masked(view.evaluate(evaluate, data), view.run.secretTexts));
    const deadlineMs = limit === null ? {} : { deadlineMs: limit(view, data) };
    const task = { ...rest, ...fixed, ...deadlineMs, input, name: view.operation() } as unknown as Task;
    const done = await handedOn(view, task);
    if (!done.ok) throw failed(view, done.problem);
    const { ok: _, ...details } = done;
    return { output: detailed === true ? (details as unknown as Json) : done.output, next: null };
  };
}

async function handedOn(view: View, task: Task): Promise<Delegated<Json>> {
  try {
    return await view.waitFor(view.context.tryDelegate<Json>(task));
  } catch (error) {
    if (isProblemError(error) && Object.hasOwn(KINDS, error.code))
      return { ok: false, problem: error.problem, refusal: null, tried: [] };
    throw error;
  }
}

const KINDS: Readonly<Record<string, StandardFault>> = {
  BUDGET_EXCEEDED: "authorization",
  TASK_INVALID: "validation",
  DELEGATION_TASK_FAULT: "validation",
  DELEGATION_REFUSED: "configuration",
  NO_AGENTS: "configuration",
};

function failed({ reference }: View, problem: Problem): FaultError {
  return new FaultError(fault(KINDS[problem.code] ?? "communication", problem.detail, reference), { problem });
}
