// Every problem of gates, breakers and budgets.

import { defineProblems } from "../base/problem.ts";

export const flowProblems = defineProblems({
  FLOW_LIMIT_INVALID: {
    status: 422,
    title: "A gate's limit is not understood.",
    fix: "Give concurrency (3), rate ({ count: 10, perMs: 60000 }) or both.",
    exit: 3,
  },
  FLOW_AMOUNT_INVALID: {
    status: 422,
    title: "An amount of a budget is not understood.",
    fix: "Give any of: usd (0.05), tokens, calls, wallMs, slots (whole numbers, 0 or more).",
    exit: 3,
  },
  FLOW_BUDGET_ENTRIES: {
    status: 500,
    title: "What was written of a budget contradicts itself.",
    fix: "Restore the snapshot that these entries followed, and apply all that came after it, in order.",
    exit: 74,
  },
});
