// A delegation as a run makes it: choose, hand over, look at what came, and hand it to another where it was not right.
//
// It is written like any workflow, by steps of the run it belongs to. So a crash in the middle goes on where it was, the same
// agents were chosen, and nothing is paid or judged twice.
//
//  1. Whom it is handed to, and within which terms, is in the journal before anybody is asked.
//  2. What counts is what the schema and the checks say of a result, never what the agent says of itself.
//  3. Verdicts are kept when all is known: a task that good agents fail is at fault itself, and charges nobody.
//  4. That nobody did it is a value with its reasons; what stands in says that the result is degraded.
//  5. Where nobody waits for it any more (a race is won, the run is canceled), what was held for it is free, and what is known kept.

import type { Json } from "../base/json.ts";
import { isProblemError, type Problem, type ProblemError } from "../base/problem.ts";
import { servicesProblems } from "../services.ts";
import type { Context, Delegated, Delegating, FailureAction, JsonSchema, Refusal, Task, Terms, Tried } from "../workflow.ts";
import type { Agent } from "./agent.ts";
import { type Judgement, judged } from "./checks.ts";
import type { AgentDesk, Attempted, Begun, Chosen, PlainTask, Settled } from "./desk.ts";
import { work } from "./dispatch.ts";
import type { Doing } from "./handed.ts";
import { agentProblems } from "./problems.ts";
import { plainTask, requireTask } from "./task.ts";
import { withinMs } from "./time-limit.ts";

export type Desk = Pick<AgentDesk, "choose" | "settle" | "giveUp" | "hold" | "letGo" | "agent" | "now" | "accounts">;

export function delegatingOf(desk: Desk, doing: Doing): Delegating {
  return {
    delegate: (context, task, terms) => delegate(context, desk, doing, task, terms),
    budget: (run, terms) => desk.accounts.view(terms?.account ?? run),
  };
}

/** Agents tried for one task. */
const ATTEMPTS_MAX = 3;

/** Between two looks whether somebody is free, in ms: doubled each time. */
const BUSY_MS = { first: 250, max: 30_000 } as const;

async function delegate(context: Context, desk: Desk, doing: Doing, task: Task, terms: Terms | null): Promise<Delegated<Json>> {
  requireTask(task);
  const name = task.name ?? task.capability;
  return await context.scope(name, (own) => new Delegation(own, desk, doing, task, terms).carry());
}

class Delegation {
  readonly #context: Context;
  readonly #desk: Desk;
  readonly #doing: Doing;
  readonly #task: Task;
  readonly #plain: PlainTask;
  readonly #terms: Terms | null;
  readonly #tried: Tried[] = [];
  readonly #attempts: Attempted[] = [];
  #begun: Begun | null = null;
  /** The attempt that is under way. */
  #underWay: string | null = null;
  #isSettled = false;

  constructor(context: Context, desk: Desk, doing: Doing, task: Task, terms: Terms | null) {
    this.#context = context;
    this.#desk = desk;
    this.#doing = doing;
    this.#task = task;
    this.#plain = plainTask(task);
    this.#terms = terms;
  }

  async carry(): Promise<Delegated<Json>> {
    try {
      return await this.#untilDone();
    } catch (error) {
      if (!this.#isSettled && this.#begun !== null && !goesOnLater(error))
        // 5
        this.#desk.giveUp(this.#plain, this.#run, this.#begun, this.#attempts, this.#underWay);
      throw error;
    }
  }

  get #run(): string {
    return String(this.#context.info.run);
  }

  async #untilDone(): Promise<Delegated<Json>> {
    const { attemptsMax = ATTEMPTS_MAX } = this.#task;
    let refusal: Refusal | null = null;
    while (this.#attempts.length < attemptsMax) {
      const chosen = await this.#choose();
      if (chosen.kind === "refused") {
        refusal = chosen.refusal;
        break;
      }
      if (chosen.kind !== "chosen") continue;
      const done = await this.#hand(chosen);
      if (done !== null) return await this.#done(chosen, done.output);
    }
    return await this.#nobody(refusal);
  }

  /** The next one, once somebody is free. */
  async #choose(): Promise<Chosen> {
    const tried = this.#attempts.map(({ agent }) => agent);
    for (let waitMs: number = BUSY_MS.first; ; waitMs = Math.min(2 * waitMs, BUSY_MS.max)) {
      const request = { task: this.#plain, run: this.#run, terms: this.#terms, attempts: this.#attempts, begun: this.#begun };
      const chosen = await this.#context.step(
        "choose",
        ({ idempotencyKey: key }) => this.#noted(this.#desk.choose({ ...request, key })),
        { input: { capability: this.#plain.capability, attempt: tried.length + 1 } },
      );
      this.#noted(chosen);
      if (chosen.kind !== "busy") return chosen;
      await this.#context.sleep("until somebody is free", waitMs);
    }
  }

  #noted(chosen: Chosen): Chosen {
    this.#begun ??= chosen.begun;
    if (chosen.kind === "chosen") this.#underWay = chosen.key;
    return chosen;
  }

  /** Null where it did not do it. */
  async #hand(chosen: Extract<Chosen, { kind: "chosen" }>): Promise<{ readonly output: Json } | null> {
    const { key } = chosen;
    const agent = this.#desk.agent(chosen.agent);
    const from = this.#desk.now();
    this.#desk.hold(chosen.agent, key);
    const came = agent === null ? failure("fault", `${chosen.agent} is not there any more.`) : await this.#work(agent, chosen);
    const judgement = came.how === null ? await this.#judge(chosen, came.output) : null;
    const wrong = judgement === null || judgement.ok ? null : judgement.because;
    const how = came.how ?? (wrong === null ? null : "wrong");
    const because = came.because ?? wrong;
    const verdict = how === null ? "right" : how === "wrong" ? "wrong" : "fault";
    const latencyMs = Math.max(0, this.#desk.now() - from);
    this.#attempts.push({ agent: chosen.agent, key, verdict, because, mean: chosen.mean, latencyMs });
    this.#desk.letGo(chosen.agent, key);
    this.#underWay = null;
    if (how === null) return { output: came.output };
    this.#tried.push({ agent: chosen.agent, how, because: because ?? "" });
    return null;
  }

  /** What went wrong while it worked is a value. */
  async #work(agent: Agent, { terms }: Extract<Chosen, { kind: "chosen" }>): Promise<Came> {
    const under = this.#context.under(terms);
    const untilMs = (terms.deadlineAt ?? Number.POSITIVE_INFINITY) - this.#context.now();
    const limitMs = Math.max(1, Math.min(agent.limits.timeoutMs, untilMs));
    const late = (): Error =>
      agentProblems.AGENT_FAILED(`${agent.id} took longer than ${limitMs} ms.`, { facts: { late: true } });
    try {
      const output = await under.scope(agent.id, (own) => {
        const doing = (within: Context) =>
          work(within, { agent, task: this.#plain, terms, limitMs, run: this.#run }, this.#doing);
        return agent.work.kind === "function" ? doing(own) : withinMs(own, limitMs, late, doing);
      });
      return { how: null, because: null, output: output ?? null };
    } catch (error) {
      return cameOf(error);
    }
  }

  async #judge({ agent, degree, terms }: Extract<Chosen, { kind: "chosen" }>, output: Json): Promise<Judgement> {
    const declared = this.#desk.agent(agent)?.output?.jsonSchema;
    return await judged(this.#context, this.#task, output, {
      agent,
      terms,
      ...(declared === undefined ? {} : { declared: declared as JsonSchema | boolean }),
      isGuarded: degree === "guarded",
    });
  }

  async #done(chosen: Extract<Chosen, { kind: "chosen" }>, output: Json): Promise<Delegated<Json>> {
    const { costUsd, tokens } = await this.#settle(chosen.begun);
    return {
      ok: true,
      output,
      agent: chosen.agent,
      delegation: chosen.begun.delegation,
      costUsd,
      tokens,
      latencyMs: this.#attempts.at(-1)?.latencyMs ?? 0,
      explanation: chosen.explanation,
      tried: this.#tried,
    };
  }

  async #settle(begun: Begun): Promise<Settled> {
    const attempts = this.#attempts.map(({ agent, verdict }) => ({ agent, verdict }));
    const act = (): Settled => this.#desk.settle(this.#plain, this.#run, begun, this.#attempts);
    const settled = await this.#context.step("settle", act, { input: attempts });
    this.#isSettled = true;
    return settled;
  }

  // Where nobody did it.

  async #nobody(refusal: Refusal | null): Promise<Delegated<Json>> {
    const begun = this.#begun;
    const settled = begun === null ? null : await this.#settle(begun);
    const problem = this.#problem(refusal, settled?.isTaskFault === true);
    for (const [at, action] of (this.#task.onFailure ?? []).entries()) {
      const found = await this.#standIn(action, at, problem, settled);
      if (found !== null) return found;
    }
    return { ok: false, problem, refusal: this.#attempts.length === 0 ? refusal : null, tried: this.#tried };
  }

  #problem(refusal: Refusal | null, isTaskFault: boolean): Problem {
    const { capability } = this.#task;
    const facts = { tried: this.#tried, ...(refusal === null ? {} : { refusal }) };
    const failed = this.#tried.map(({ agent, because }) => `${agent}: ${because}`).join(" ");
    if (isTaskFault)
      return agentProblems.DELEGATION_TASK_FAULT(`Good agents fail ${capability}, so the task is at fault. ${failed}`, { facts })
        .problem;
    if (this.#tried.length > 0) return agentProblems.DELEGATION_FAILED(`Nobody did ${capability}. ${failed}`, { facts }).problem;
    const reasons = refusal?.reasons.join(" ") ?? "";
    if (refusal?.kind === "budget") return servicesProblems.BUDGET_EXCEEDED(`${capability}: ${reasons}`, { facts }).problem;
    return agentProblems.DELEGATION_REFUSED(`${capability} is handed to nobody. ${reasons}`, { facts }).problem;
  }

  async #standIn(action: FailureAction, at: number, problem: Problem, settled: Settled | null): Promise<Delegated<Json> | null> {
    const because = problem.detail;
    if ("value" in action) return this.#instead(action.value, "value", because, settled);
    if ("replan" in action) return this.#replanned(action, at, because);
    const answer = await this.#context.ask<Json>(`a person instead ${at + 1}`, {
      schema: true,
      message: action.ask,
      ...(action.to === undefined ? {} : { to: action.to }),
      ...(action.timeoutMs === undefined ? {} : { timeoutMs: action.timeoutMs }),
    });
    return answer.by === "timeout" ? null : this.#instead(answer.value, "person", because, settled);
  }

  async #replanned(
    { replan }: Extract<FailureAction, { replan: unknown }>,
    at: number,
    because: string,
  ): Promise<Delegated<Json> | null> {
    const other = await replan(this.#tried);
    if (other === null) return null;
    const named = { ...other, name: other.name ?? `instead ${at + 1}` };
    const done = await this.#context.tryDelegate<Json>(named); // this context is under the same terms
    return done.ok ? { ...done, degraded: { how: "replanned", because }, tried: [...this.#tried, ...done.tried] } : null;
  }

  #instead(output: Json, how: "value" | "person", because: string, settled: Settled | null): Delegated<Json> {
    this.#context.log.warn(`${this.#task.capability} is degraded: ${how}`, {
      degraded: { target: this.#task.capability, how, because },
    });
    return {
      ok: true,
      output,
      agent: null,
      delegation: this.#begun?.delegation ?? "",
      costUsd: settled?.costUsd ?? 0,
      tokens: settled?.tokens ?? 0,
      latencyMs: 0,
      explanation: because,
      tried: this.#tried,
      degraded: { how, because },
    };
  }
}

interface Came {
  readonly how: Tried["how"] | null;
  readonly because: string | null;
  readonly output: Json;
}

function failure(how: Tried["how"], because: string): Came {
  return { how, because, output: null };
}

/** What is the run's own end is not a failure of the agent. */
const PASSED_ON = new Set(["RUN_ENDED", "STORAGE_FAILED", "ENGINE_CLOSED", "RUN_CANCELED", "RUN_TIMEOUT"]);

/** Faults say nothing of how good an agent is: it was not there, or was not let. */
const FAULTS: ReadonlySet<string> = new Set([
  "AGENT_LOST",
  "TOOL_CHANGED",
  "SERVICE_UNAVAILABLE",
  "SERVICE_NONE_FIT",
  "SERVICE_UNKNOWN",
  "EGRESS_DENIED",
]);

/** Only this process ends: the delegation goes on with the next one that carries the run. */
function goesOnLater(error: unknown): boolean {
  return isProblemError(error) && (error.code === "ENGINE_CLOSED" || error.code === "STORAGE_FAILED");
}

function cameOf(error: unknown): Came {
  if (!isProblemError(error)) throw error;
  const { code, detail, facts = {} } = (error as ProblemError).problem;
  if (PASSED_ON.has(code)) throw error;
  if (facts.late === true || code === "STEP_TIMEOUT") return failure("late", detail);
  if (code === "BUDGET_EXCEEDED") return failure("budget", detail);
  if (FAULTS.has(code)) return failure("fault", detail);
  return failure("wrong", detail);
}
