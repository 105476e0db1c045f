// Whether a result is right: its schema, what the agent promised, and the checks of the task. Whoever did it has no say.

import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { compile } from "../jq.ts";
import { type Check, type Context, issuesInWords, type JsonSchema, readSchema, type Task, type Terms } from "../workflow.ts";
import { outputGuard } from "./output-guard.ts";

export type Judgement = { readonly ok: true } | { readonly ok: false; readonly because: string };

export interface JudgedBy {
  /** Whose result it is: it never checks itself. */
  readonly agent: string;
  readonly terms: Terms;
  /** What it promised to give. */
  readonly declared?: JsonSchema | boolean;
  /** What it gives was not certain to be what is wanted. */
  readonly isGuarded: boolean;
}

const RIGHT: Judgement = { ok: true };

function wrong(because: string): Judgement {
  return { ok: false, because };
}

/** The first that it fails decides. */
export async function judged(context: Context, task: Task, output: Json, by: JudgedBy): Promise<Judgement> {
  const fits = fitting(task, output, by);
  if (!fits.ok) return fits;
  for (const [at, check] of (task.checks ?? []).entries()) {
    const found = await checked(context, check, at, task, output, by);
    if (!found.ok) return found;
  }
  return RIGHT;
}

function fitting({ output: wanted, capability }: Task, output: Json, { declared, isGuarded }: JudgedBy): Judgement {
  if (declared !== undefined || isGuarded) {
    const made = outputGuard(declared === undefined ? {} : { declared });
    const checkedOutput = made.kind === "guard" ? made.guard.check(output) : null;
    if (checkedOutput !== null && !checkedOutput.ok)
      return wrong(`It is not what the agent promises: ${issuesInWords(checkedOutput.issues)}.`);
  }
  if (wanted === undefined) return RIGHT;
  const found = readSchema(wanted, `The output of the task ${capability}`).check(output);
  return found.ok ? RIGHT : wrong(`It does not fit what is asked for: ${issuesInWords(found.issues)}.`);
}

/** Of a jq program in a check. */
const CHECK_LIMITS = { stepsMax: 1_000_000 } as const;

async function checked(context: Context, check: Check, at: number, task: Task, output: Json, by: JudgedBy): Promise<Judgement> {
  if (typeof check === "string") return byJq(check, output, task.input);
  if (typeof check === "function")
    return answered(await context.step(`check ${at + 1}`, async () => (await check(output, task.input)) as boolean | string));
  if ("ask" in check) {
    const { ask, to, timeoutMs } = check;
    const options = { ...(to === undefined ? {} : { to }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const message = `${ask}\n${JSON.stringify(output, null, 2).slice(0, 4_000)}`;
    const answer = await context.ask<boolean>(`check ${at + 1}`, { schema: { type: "boolean" }, message, ...options });
    return answer.by === "timeout" ? wrong("Nobody said in time that it is right.") : answered(answer.value);
  }
  return await byAgent(context, check, at, task, output, by);
}

function byJq(program: string, output: Json, input: Json): Judgement {
  try {
    const [found = null] = compile(program, { variables: ["input"] })(output, { input }, CHECK_LIMITS);
    return found === true ? RIGHT : wrong(`The check \`${program.slice(0, 200)}\` is not true of it.`);
  } catch (error) {
    return wrong(
      `The check \`${program.slice(0, 200)}\` fails on it: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}

function answered(said: boolean | string): Judgement {
  return said === true ? RIGHT : wrong(typeof said === "string" && said !== "" ? said : "A check says that it is not right.");
}

async function byAgent(
  context: Context,
  { agent, capability = "check" }: Extract<Check, { agent: string }>,
  at: number,
  task: Task,
  output: Json,
  by: JudgedBy,
): Promise<Judgement> {
  if (agent === by.agent) return wrong(`${agent} would check itself.`);
  const asked = { task: { capability: task.capability, input: task.input }, output };
  try {
    const said = await context.delegate<Json>({ capability, input: asked, to: agent, except: by.agent, name: `check ${at + 1}` });
    const { ok = said, because } = (typeof said === "object" && said !== null ? said : {}) as { ok?: Json; because?: Json };
    return ok === true ? RIGHT : wrong(typeof because === "string" ? because : `${agent} says that it is not right.`);
  } catch (error) {
    if (!isProblemError(error) || error.code !== "DELEGATION_REFUSED") throw error;
    return wrong(`It could not be checked: ${error.message}`);
  }
}
