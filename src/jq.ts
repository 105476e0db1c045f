// jq programs, compiled to closures: jq 1.8's language, bounded and the same on every machine.

export { type CompileOptions, compile, type EvaluateLimits, type Program } from "./jq/compile.ts";
export { JQ_LIMITS, type JqLimits } from "./jq/meter.ts";
export { type Mistake, mistakeIn } from "./jq/mistake.ts";
export { type JqCode, JqProblem, jqProblems } from "./jq/problems.ts";
