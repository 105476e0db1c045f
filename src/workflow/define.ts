// Defining a workflow in code.

import { isProblemError } from "../base/problem.ts";
import { type RetentionPolicy, readRetention, type WorkflowName } from "../run.ts";
import { type Context, MARK, type RunLimit, type Workflow } from "./context.ts";
import type { Amounts } from "./delegation.ts";
import { workflowProblems } from "./problems.ts";
import { readSchema, type SchemaLike } from "./schema.ts";

export interface WorkflowDefinition<I, O> {
  /** Letters, digits, `.`, `_` and `-`; starts with a letter or digit. */
  readonly name: string;
  readonly namespace?: string;
  /** Semantic version; `1.0.0` where left out. */
  readonly version?: string;
  readonly description?: string;
  readonly input?: SchemaLike<I>;
  readonly output?: SchemaLike<O>;
  readonly timeoutMs?: number;
  /** How many of its runs may be under way, or begin, at once; the others wait for their turn, `pending`. */
  readonly limit?: RunLimit<I>;
  /** How long its ended runs are kept: 30 days and the newest 100,000 where left out. */
  readonly retention?: Partial<RetentionPolicy> | "forever";
  /** What one run may spend, on agents and services together. */
  readonly budget?: Amounts;
  readonly run: (context: Context, input: I) => Promise<O> | O;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
const TIMEOUT_MS_MAX = 100 * 365 * 86_400_000;

/** Defines a workflow; export it from a file to run it with `baton run FILE`. Throws WF_INVALID / WF_SCHEMA. */
export function workflow<I, O>(definition: WorkflowDefinition<I, O>): Workflow<I, O> {
  requireThat(typeof definition === "object" && definition !== null, "A workflow is not defined by an object", "workflow({ … })");
  const { name, namespace = "default", version = "1.0.0", timeoutMs = null, run } = definition;
  requireThat(
    typeof name === "string" && NAME.test(name),
    `The name ${shown(name)} has a wrong form`,
    "letters, digits, `.`, `_`, `-`",
  );
  requireThat(
    typeof namespace === "string" && NAME.test(namespace),
    `The namespace ${shown(namespace)} of ${name} has a wrong form`,
    "as a name",
  );
  requireThat(
    typeof version === "string" && VERSION.test(version),
    `The version ${shown(version)} of ${name} is not semantic`,
    "like 1.0.0",
  );
  requireThat(typeof run === "function", `Workflow ${name} has no function \`run\``, "run: async (ctx, input) => …");
  const timeoutFits = timeoutMs === null || (Number.isFinite(timeoutMs) && timeoutMs > 0 && timeoutMs <= TIMEOUT_MS_MAX);
  requireThat(timeoutFits, `timeoutMs of ${name} is ${String(timeoutMs)}`, "a positive number of ms");
  return {
    [MARK]: true,
    ...{ namespace, name, version, timeoutMs, run },
    description: definition.description ?? null,
    limit: definition.limit ?? null,
    retention: retentionOf(definition),
    budget: requireBudget(name, definition.budget),
    input: definition.input === undefined ? null : readSchema<I>(definition.input, `The input schema of ${name}`),
    output: definition.output === undefined ? null : readSchema<O>(definition.output, `The output schema of ${name}`),
  };
}

const RESOURCES = ["tokens", "usd", "calls", "wallMs", "slots"];

function requireBudget(workflowName: string, budget: Amounts | undefined): Amounts | null {
  if (budget === undefined) return null;
  const isObject = typeof budget === "object" && budget !== null;
  requireThat(isObject, `The budget of ${workflowName} is ${shown(budget)}`, `an object of ${RESOURCES.join(", ")}`);
  for (const [resource, amount] of Object.entries(budget)) {
    requireThat(RESOURCES.includes(resource), `The budget of ${workflowName} has ${shown(resource)}`, RESOURCES.join(", "));
    const fits = typeof amount === "number" && Number.isFinite(amount) && amount >= 0;
    requireThat(fits, `budget.${resource} of ${workflowName} is ${shown(amount)}`, "a number, 0 or more");
  }
  return budget;
}

function retentionOf({ retention }: Pick<WorkflowDefinition<unknown, unknown>, "retention">): Workflow["retention"] {
  try {
    return retention === undefined ? null : (readRetention(retention) ?? "forever");
  } catch (error) {
    throw isProblemError(error) ? workflowProblems.WF_INVALID(error.message, { cause: error }) : error;
  }
}

function requireThat(condition: boolean, sentence: string, wanted: string): void {
  if (!condition) throw workflowProblems.WF_INVALID(`${sentence}; wanted: ${wanted}.`);
}

/** Whatever was written, in a sentence. */
function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 200)) : String(value);
}

export function isWorkflow(value: unknown): value is Workflow {
  return typeof value === "object" && value !== null && MARK in value;
}

/** `namespace/name@version`. */
export function fullName({ namespace, name, version }: WorkflowName): string {
  return `${namespace}/${name}@${version}`;
}
