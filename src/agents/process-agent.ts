// A process in any language as an agent: Baton asks, it answers (docs/agent-protocol.md).
//
//   POST   /tasks      { id, capability, input, output?, deadlineAt?, token }   → 202, or 200 with the same as GET
//   GET    /tasks/:id  → { status: "working" | "completed" | "failed", progress?, output?, error?, usage? }
//   DELETE /tasks/:id  → nobody wants it any more
//
//  1. The id is the attempt's: a task that is posted twice is one task, so a crash on either side asks nobody twice.
//  2. A process that is silent for its lease is lost: its task is given up and handed to another. What it says later is applied to
//     nothing, for nobody asks it any more.
//  3. It says what it used; that is paid, also where it is given up: then what it said last. What it says of its own result
//     decides nothing.

import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import type { Context, StepContext } from "../workflow.ts";
import type { ProcessAgent } from "./agent.ts";
import type { Handed, ProcessAnswer, ProcessDoor, ProcessUsage } from "./handed.ts";
import { agentProblems } from "./problems.ts";

interface TaskState {
  readonly status: "working" | "completed" | "failed";
  readonly progress: Json | undefined;
  readonly output: Json;
  readonly error: string;
  readonly usage: ProcessUsage;
}

/** How long it may be silent, and between two looks, in ms. */
const LEASE_MS = 15_000;
const POLL_MS = 500;

export async function processWork(context: Context, handed: Handed, process: ProcessAgent, door: ProcessDoor): Promise<Json> {
  const done = await context.step("work", (step) => new Errand(step, handed, process, door).run(), {
    attemptTimeoutMs: handed.limitMs,
  });
  return done ?? null;
}

class Errand {
  readonly #step: StepContext;
  readonly #handed: Handed;
  readonly #process: ProcessAgent;
  readonly #door: ProcessDoor;
  /** When it was heard of last. */
  #heardAt: number;
  /** What it said last that it used. */
  #usage: ProcessUsage = {};

  constructor(step: StepContext, handed: Handed, process: ProcessAgent, door: ProcessDoor) {
    this.#step = step;
    this.#handed = handed;
    this.#process = process;
    this.#door = door;
    this.#heardAt = door.now();
  }

  get #path(): string {
    return `/tasks/${encodeURIComponent(this.#step.idempotencyKey)}`;
  }

  async run(): Promise<Json> {
    try {
      return await this.#follow();
    } catch (error) {
      if (!this.#goesOn()) this.#giveUp();
      throw error;
    }
  }

  async #follow(): Promise<Json> {
    const { pollMs = POLL_MS } = this.#process;
    for (let state = await this.#hear("POST"); ; state = await this.#hear("GET")) {
      if (state !== null && state.status !== "working") return this.#ended(state);
      if (state !== null && state.progress !== undefined) this.#step.heartbeat(state.progress);
      await this.#door.pause(pollMs, this.#step.abortSignal);
    }
  }

  #ended({ status, output, error }: TaskState): Json {
    this.#door.paid(this.#handed, this.#step.idempotencyKey, this.#usage);
    if (status === "completed") return output;
    throw agentProblems.AGENT_FAILED(`${this.#handed.agent.id} says: ${error}`);
  }

  /** Null while it is silent; one that was never there, or is for too long, is lost (2). */
  async #hear(method: "POST" | "GET"): Promise<TaskState | null> {
    const { id } = this.#handed.agent;
    const { leaseMs = LEASE_MS } = this.#process;
    try {
      const { status, body } = await this.#ask(method);
      if (status === 404 && method === "GET") return await this.#hear("POST"); // it came back and knows nothing of it
      if (status >= 500) throw agentProblems.AGENT_LOST(`${id} answers ${status}.`);
      if (status >= 400) throw agentProblems.AGENT_FAILED(`${id} refuses the task (${status}): ${sentenceIn(body)}`);
      this.#heardAt = this.#door.now();
      const state = stateIn(id, status, body);
      this.#usage = { ...this.#usage, ...state.usage };
      return state;
    } catch (error) {
      if (!isSilence(error) || this.#step.abortSignal.aborted) throw error;
      const silentMs = this.#door.now() - this.#heardAt;
      if (silentMs < leaseMs) return null;
      throw agentProblems.AGENT_LOST(`${id} was silent for ${Math.round(silentMs)} ms (leaseMs): ${error.problem.detail}`);
    }
  }

  #ask(method: "POST" | "GET"): Promise<ProcessAnswer> {
    const { task, terms } = this.#handed;
    const body: Json = {
      id: this.#step.idempotencyKey,
      capability: task.capability,
      input: task.input,
      ...(task.output === undefined ? {} : { output: task.output as Json }),
      ...(terms.deadlineAt === null ? {} : { deadlineAt: terms.deadlineAt }),
      token: this.#door.token(this.#handed),
    };
    const request = method === "POST" ? { method, path: "/tasks", body } : { method, path: this.#path };
    return this.#door.ask(this.#process, request, this.#step.abortSignal);
  }

  /** Only this process ends: the attempt goes on with the next one that carries the run. */
  #goesOn(): boolean {
    const { aborted, reason } = this.#step.abortSignal;
    return aborted && isProblemError(reason) && ["ENGINE_CLOSED", "STORAGE_FAILED"].includes(reason.code);
  }

  /** It is told once; whether it hears it makes no difference here. */
  #giveUp(): void {
    this.#door.paid(this.#handed, this.#step.idempotencyKey, this.#usage);
    this.#door.ask(this.#process, { method: "DELETE", path: this.#path }, AbortSignal.timeout(LEASE_MS)).catch(() => undefined);
  }
}

function isSilence(error: unknown): error is Error & { readonly problem: { readonly detail: string } } {
  return isProblemError(error) && ["EGRESS_UNREACHABLE", "EGRESS_TIMEOUT", "AGENT_LOST"].includes(error.code);
}

const STATUSES = ["working", "completed", "failed"] as const;

function stateIn(id: string, code: number, body: Json): TaskState {
  const { status, progress, output = null, error, usage } = isObject(body) ? body : {};
  const found = STATUSES.find((one) => one === status) ?? (code === 202 ? "working" : undefined);
  if (found === undefined)
    throw agentProblems.AGENT_OUTPUT_INVALID(`${id} answers with something else than the state of a task.`);
  return {
    status: found,
    progress,
    output,
    error: typeof error === "string" ? error.slice(0, 2_000) : "it failed",
    usage: usageIn(usage),
  };
}

function usageIn(value: Json | undefined): ProcessUsage {
  const members = isObject(value ?? null) ? (value as Readonly<Record<string, Json>>) : {};
  const known = (["usd", "tokens", "calls"] as const).flatMap((name) => {
    const one = members[name];
    return typeof one === "number" && Number.isFinite(one) && one >= 0 ? [[name, one] as const] : [];
  });
  return Object.fromEntries(known);
}

function sentenceIn(body: Json): string {
  const { error, detail, message } = isObject(body) ? body : {};
  const found = [error, detail, message, body].find((one) => typeof one === "string");
  return typeof found === "string" ? found.slice(0, 500) : "it says nothing more";
}

function isObject(value: Json): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
