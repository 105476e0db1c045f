// Every problem a gate can meet.

import { defineProblems } from "../base/problem.ts";

export const flowProblems = defineProblems({
  FLOW_LIMIT_INVALID: {
    status: 422,
    title: "A gate's limit is not understood.",
    fix: "Give concurrency (3), rate ({ count: 10, perMs: 60000 }) or both.",
    exit: 3,
  },
});
