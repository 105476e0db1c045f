// Problems of written workflows, in one place.

import { defineProblems } from "../base/problem.ts";

export const workflowProblems = defineProblems({
  WF_INVALID: { status: 422, title: "A workflow is not defined correctly.", exit: 3 },
  WF_SCHEMA: {
    status: 422,
    title: "A schema is neither JSON Schema nor a Standard Schema that gives JSON Schema.",
    fix: "Use a zod schema, or a JSON Schema object with a known `type`.",
    exit: 3,
  },
  SCHEMA_ASYNC: {
    status: 422,
    title: "A schema validates asynchronously, which a replay could not repeat.",
    fix: "Move asynchronous checks into a step.",
    exit: 3,
  },
});
