// Tasks, checked: what is handed to an agent, and what of it can be kept.

import type { Json } from "../base/json.ts";
import { mistakeIn } from "../jq.ts";
import { type Check, type JsonSchema, readSchema, type Task } from "../workflow.ts";
import type { PlainTask } from "./desk.ts";
import { agentProblems } from "./problems.ts";

const FIELDS = new Set<string>([
  ...["capability", "kind", "input", "output", "checks", "trustMin", "valueUsd", "deadlineMs", "delayUsdPerMs", "budget", "risk"],
  ...["strategy", "onFailure", "to", "except", "tools", "name", "attemptsMax"],
]);

const STRATEGIES = ["learned", "least-cost", "least-latency", "priority"];

const CAPABILITY = /^[A-Za-z][\w-]*(\.[A-Za-z][\w-]*)*$/;

/** Throws TASK_INVALID. */
export function requireTask(task: Task): void {
  if (typeof task !== "object" || task === null) throw invalid("A task is no object");
  const unknown = Object.keys(task).find((field) => !FIELDS.has(field));
  if (unknown !== undefined)
    throw invalid(`A task has no field ${JSON.stringify(unknown)}`, `There are: ${[...FIELDS].join(", ")}.`);
  const { capability, strategy, risk, checks = [], onFailure = [] } = task;
  if (typeof capability !== "string" || !CAPABILITY.test(capability))
    throw invalid(`${JSON.stringify(capability ?? null)} is no capability`, "Words with dots between them, like write.brief.");
  if (strategy !== undefined && !STRATEGIES.includes(strategy))
    throw invalid(`There is no strategy ${JSON.stringify(strategy)}`, `There are: ${STRATEGIES.join(", ")}.`);
  if (risk !== undefined && risk !== "low" && risk !== "high")
    throw invalid(`risk is ${JSON.stringify(risk)}`, "It is low or high.");
  requireNumbers(task);
  for (const [at, check] of checks.entries()) requireCheck(check, at);
  for (const [at, action] of onFailure.entries())
    if (typeof action !== "object" || action === null || !["replan", "value", "ask"].some((key) => Object.hasOwn(action, key)))
      throw invalid(`onFailure[${at}] says nothing that is done`, "One of: replan, value, ask.");
}

function requireNumbers(task: Task): void {
  const shares = ["trustMin"] as const;
  const amounts = ["valueUsd", "deadlineMs", "delayUsdPerMs"] as const;
  for (const field of [...shares, ...amounts]) {
    const value = task[field];
    const max = field === "trustMin" ? 1 : Number.MAX_VALUE;
    if (value !== undefined && !(typeof value === "number" && value >= 0 && value <= max))
      throw invalid(`${field} is ${String(value)}`, field === "trustMin" ? "A share, from 0 to 1." : "A number, 0 or more.");
  }
  for (const [resource, value] of Object.entries(task.budget ?? {}))
    if (value !== undefined && !(typeof value === "number" && Number.isFinite(value) && value >= 0))
      throw invalid(`budget.${resource} is ${String(value)}`, "A number, 0 or more.");
  const { attemptsMax } = task;
  if (attemptsMax !== undefined && !(Number.isInteger(attemptsMax) && attemptsMax >= 1 && attemptsMax <= 100))
    throw invalid(`attemptsMax is ${String(attemptsMax)}`, "A whole number from 1 to 100.");
}

function requireCheck(check: Check, at: number): void {
  if (typeof check === "function") return;
  if (typeof check === "string") {
    const found = mistakeIn(check, { variables: ["input"] });
    if (found !== null) throw invalid(`checks[${at}]: ${found.message}`, "jq that is true where the output is right.");
    return;
  }
  if (typeof check !== "object" || check === null || !("agent" in check || "ask" in check))
    throw invalid(`checks[${at}] is no check`, "jq, a function, { agent } or { ask }.");
}

function invalid(sentence: string, fix?: string): Error {
  return agentProblems.TASK_INVALID(`${sentence}.`, fix === undefined ? {} : { fix });
}

/** What of a task can be kept. */
export function plainTask(task: Task): PlainTask {
  const { checks: _, onFailure: __, name: ___, attemptsMax: ____, output, to, except, input = null, ...rest } = task;
  const schema = output === undefined ? null : readSchema(output, `The output of the task ${task.capability}`);
  return {
    ...rest,
    input: input as Json,
    ...(schema === null ? {} : { output: schema.jsonSchema as JsonSchema | boolean }),
    ...(to === undefined ? {} : { to: typeof to === "string" ? [to] : to }),
    ...(except === undefined ? {} : { except: typeof except === "string" ? [except] : except }),
  };
}
