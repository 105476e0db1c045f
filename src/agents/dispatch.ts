// Handing a task over: what each kind of agent is, once it is chosen.

import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { compile } from "../jq.ts";
import { type Context, issuesInWords, type JsonSchema, piecesOf, type Workflow } from "../workflow.ts";
import type { Agent, PersonAgent, ShortWork, Work } from "./agent.ts";
import type { Doing, Handed } from "./handed.ts";
import { modelWork } from "./model-agent.ts";
import { agentProblems } from "./problems.ts";
import { processWork } from "./process-agent.ts";

/** Throws AGENT_… problems, and those of what it asked of others. */
export async function work(context: Context, handed: Handed, doing: Doing): Promise<Json> {
  const { agent, task } = handed;
  switch (agent.work.kind) {
    case "function":
      return await shortly(context, handed, agent.work.act);
    case "steps":
      return await byCode(agent, () => (agent.work as { run: Work }).run(context, task.input as never));
    case "workflow":
      return await byWorkflow(context, handed, workflowOf(agent, agent.work.workflow, doing));
    case "person":
      return await byPerson(context, handed, agent.work.person);
    case "model":
      return await modelWork(context, handed, agent.work.model, doing);
    case "process":
      return await processWork(context, handed, agent.work.process, doing.door);
  }
}

async function shortly(context: Context, { agent, task, limitMs }: Handed, act: ShortWork): Promise<Json> {
  const done = await context.step("work", (step) => byCode(agent, () => act(task.input as never, step)), {
    attemptTimeoutMs: limitMs,
  });
  return done ?? null;
}

/** What an agent's own code throws is its failure, and not the run's. */
async function byCode(agent: Agent, act: () => unknown): Promise<Json> {
  try {
    return ((await act()) ?? null) as Json;
  } catch (error) {
    if (isProblemError(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw agentProblems.AGENT_FAILED(`${agent.id} failed: ${message}`);
  }
}

function workflowOf(agent: Agent, written: Workflow | string, doing: Doing): Workflow {
  const found = typeof written === "string" ? doing.workflow(written) : written;
  if (found !== null) return found;
  throw agentProblems.AGENT_LOST(`The workflow ${String(written)} of ${agent.id} is not loaded.`);
}

async function byWorkflow(context: Context, { agent, task }: Handed, workflow: Workflow): Promise<Json> {
  const checked = workflow.input === null ? ({ ok: true, value: task.input } as const) : workflow.input.check(task.input);
  if (!checked.ok) throw agentProblems.AGENT_FAILED(`${agent.id} does not take this: ${issuesInWords(checked.issues)}.`);
  return await byCode(agent, () => workflow.run(context, checked.value));
}

async function byPerson(context: Context, { agent, task }: Handed, { to, question, timeoutMs }: PersonAgent): Promise<Json> {
  const message =
    question !== undefined
      ? asked(agent, question, task.input)
      : `${agent.title}: ${task.capability}\n${JSON.stringify(task.input, null, 2).slice(0, 4_000)}`;
  const answer = await context.ask<Json>("work", {
    schema: (task.output ?? true) as JsonSchema,
    message,
    ...(to === undefined ? {} : { to }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  if (answer.by === "timeout") throw agentProblems.AGENT_FAILED(`${agent.id} did not answer in time.`, { facts: { late: true } });
  return answer.value;
}

/** Of a jq program in a question. */
const QUESTION_LIMITS = { stepsMax: 100_000 } as const;

/** With what stands in `${ … }` computed of the task's input. */
function asked({ id }: Agent, question: string, input: Json): string {
  const parts = piecesOf(question).map((piece) => {
    if (typeof piece === "string") return piece;
    try {
      const [found = null] = compile(piece.program)(input, {}, QUESTION_LIMITS);
      return typeof found === "string" ? found : JSON.stringify(found);
    } catch (error) {
      throw agentProblems.AGENT_FAILED(`The question of ${id} fails: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
  return parts.join("").slice(0, 8_000);
}
