// Workflows that every Baton knows: what the command line does as a run, so that it is in a journal like everything else.

import type { Json } from "../base/json.ts";
import { ProblemError } from "../base/problem.ts";
import { type CallOptions, type Workflow, workflow } from "../workflow.ts";

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

export const BUILT_IN: readonly Workflow[] = [call as Workflow];
