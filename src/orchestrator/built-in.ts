// Workflows that every Baton knows: what the command line does as a run, so that it is in a journal like everything else.

import type { Json } from "../base/json.ts";
import { ProblemError } from "../base/problem.ts";
import { type CallOptions, type Task, type Workflow, workflow } from "../workflow.ts";

/** One call of a service. */
const call = workflow({
  namespace: "baton",
  name: "call",
  version: "1.0.0",
  description: "Calls a service once.",
  input: {
    type: "object",
    required: ["target"],
    properties: { target: { type: "string" }, input: {}, options: { type: "object" } },
  },
  run: async (context, input) => {
    const { target, input: given = null, options = {} } = input as { target: string; input?: Json; options?: CallOptions };
    const called = await context.tryCall(target, given, options);
    if (!called.ok) throw new ProblemError(called.problem);
    const { ok: _, ...rest } = called;
    return rest;
  },
});

/** One task for an agent. */
const delegate = workflow({
  namespace: "baton",
  name: "delegate",
  version: "1.0.0",
  description: "Hands a task to an agent once.",
  input: { type: "object", required: ["capability"], properties: { capability: { type: "string" }, input: {} } },
  run: async (context, input) => {
    const done = await context.tryDelegate(input as unknown as Task);
    if (!done.ok) throw new ProblemError(done.problem);
    const { ok: _, ...rest } = done;
    return rest;
  },
});

export const BUILT_IN: readonly Workflow[] = [call as Workflow, delegate as Workflow];
