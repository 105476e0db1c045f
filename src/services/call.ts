// A call as a run makes it: choose, ask one after the other, and let something stand in when nobody could answer.
//
// It is written like any workflow, by steps of the run it belongs to: the choice is one, with every candidate and why;
// each service that is asked is one. So a replay makes the same choice and calls nobody twice.
//
//  1. Whom to ask is in the journal before anybody is asked.
//  2. What must not be done twice is asked of one service, once, at most; of the next only when the first surely got nothing.
//  3. What a call allows holds for whoever is asked: chosen, named, or standing in.
//  4. A result that is less than what was asked for says so, in itself and in the run's log.

import { type Json, requireJson } from "../base/json.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import type { Called, CallFallback, Calling, CallOptions, Context, Degradation, StepContext, StepOptions } from "../workflow.ts";
import { kindOf, requireOptions } from "./call-options.ts";
import { type Asked, answerKey, type Chosen, type Desk, type Done } from "./desk.ts";
import { servicesProblems, shown } from "./problems.ts";

export type Answerers = Pick<Desk, "accountOf" | "asked" | "choose" | "invoke" | "lastAnswer" | "elapsed">;

export function callingOf(desk: Answerers): Calling {
  return { call: (context, target, input, options) => call(context, desk, target, input, options) };
}

/** For replaying what was done: nobody is asked anything. */
export const rehearsedCalls: Calling = callingOf({
  accountOf: () => null,
  asked: (target) => ({ target, capability: target, isRepeatable: false, timeoutMs: 1, concurrency: 1 }),
  choose: refuse,
  invoke: refuse,
  lastAnswer: refuse,
  elapsed: () => 0,
});

function refuse(): never {
  throw servicesProblems.SERVICE_FAILED("Nothing is called in a rehearsal.");
}

async function call(context: Context, desk: Answerers, target: string, input: Json, options: CallOptions): Promise<Called<Json>> {
  if (typeof target !== "string" || target === "")
    throw servicesProblems.SERVICE_TARGET_INVALID("What is to be called is no text.");
  if (target.startsWith("/") || target.endsWith("/"))
    throw servicesProblems.SERVICE_TARGET_INVALID(`${shown(target)} names no operation of a service.`);
  requireJson(input, `The input of ${shown(target)}`);
  if (options !== NO_OPTIONS) requireOptions(options, input);
  const name = options.name ?? target;
  const { fallback = [] } = options;
  const first = await new Round(context, desk, options, fallback).ask(target, input, null, name);
  if (first.ok || fallback.length === 0) return first;
  return context.scope(`${name} instead`, async (own) => {
    for (const [at, standIn] of fallback.entries()) {
      const round = new Round(own, desk, options, fallback.slice(at + 1));
      const found = await round.standIn(standIn, at, target, input, first.problem);
      if (found !== null) return degraded(own, target, found);
    }
    return first;
  });
}

const NO_OPTIONS: CallOptions = {};

/** The run's log says it too, so that whoever looks at the run sees that it is not all it could be. */
function degraded(context: Context, target: string, found: Called<Json> & { ok: true }): Called<Json> {
  const { how = "value", because = "", ageMs } = found.degraded ?? {};
  context.log.warn(`${target} is degraded: ${how}`, {
    degraded: { target, how, because, ...(ageMs === undefined ? {} : { ageMs }) },
  });
  return found;
}

/** Where another stands ready nobody is waited for. */
const ONCE = { attemptsMax: 1, firstDelayMs: 500, factor: 2, delayMsMax: 30_000 };
const PATIENTLY = { ...ONCE, attemptsMax: 3 };

class Round {
  readonly #context: Context;
  readonly #desk: Answerers;
  readonly #options: CallOptions;
  #hasAsked = false;
  /** What stands in when nobody answers this round. */
  readonly #next: readonly CallFallback[];

  constructor(context: Context, desk: Answerers, options: CallOptions, next: readonly CallFallback[]) {
    this.#context = context;
    this.#desk = desk;
    this.#options = options;
    this.#next = next;
  }

  /** Where the service is named there is no choice: it is asked by a step of its own. */
  async ask(target: string, input: Json, standsIn: Degradation | null, name: string): Promise<Called<Json>> {
    if (!target.includes("/"))
      return this.#context.scope(name, (own) =>
        new Round(own, this.#desk, this.#options, this.#next).#askChosen(target, input, standsIn),
      );
    const asked = this.#desk.asked(target);
    const done = await this.#askOne(asked, name, target, input, true, standsIn);
    return "output" in done ? calledOf(target, done, standsIn) : { ok: false, problem: done };
  }

  /** Asks those that are chosen, one after the other. What went wrong is a value. */
  async #askChosen(target: string, input: Json, standsIn: Degradation | null): Promise<Called<Json>> {
    const chosen = await this.#choose(target, input);
    if (!("chain" in chosen)) return { ok: false, problem: chosen };
    const tried: Problem[] = [];
    for (const [at, asked] of chosen.chain.entries()) {
      const isLast = at === chosen.chain.length - 1;
      const done = await this.#askOne(asked, asked.target, target, input, isLast, standsIn);
      if ("output" in done) return calledOf(asked.target, done, standsIn);
      tried.push(done);
      if (!asked.isRepeatable && done.facts?.wasSent !== false) break; // 2
    }
    return { ok: false, problem: spent(target, tried) };
  }

  async #choose(target: string, input: Json): Promise<Chosen | Problem> {
    const { strategy } = this.#options;
    const asks = { target, input, ...(strategy === undefined ? {} : { strategy }) } as Json;
    try {
      return await this.#context.step(
        "choose",
        ({ idempotencyKey }) => this.#desk.choose({ target, input, options: this.#options, seed: idempotencyKey }),
        { input: asks },
      );
    } catch (error) {
      return problemIn(error);
    }
  }

  async #askOne(
    asked: Asked,
    name: string,
    target: string,
    input: Json,
    isLast: boolean,
    standsIn: Degradation | null,
  ): Promise<Done | Problem> {
    const { stream, retry, fallback = [] } = this.#options;
    if (stream !== undefined) requireStreamName(stream);
    const isAgain = this.#hasAsked || standsIn !== null;
    this.#hasAsked = true;
    const stepOptions = this.#stepOptions(asked, isLast, retry);
    const attemptsMax = stepOptions.retry?.attemptsMax ?? 1;
    const remembers = asked.isRemembered === true || fallback.some((one) => kindOf(one) === "lastGood");
    const account = this.#desk.accountOf(this.#context);
    const askedAt = this.#desk.elapsed();
    let begunAt = 0;
    const act = async (step: StepContext): Promise<Done> => {
      begunAt ||= this.#desk.elapsed();
      try {
        return await this.#desk.invoke({
          ...{ target: asked.target, capability: asked.capability, input, key: step.idempotencyKey, attempt: step.attempt },
          needs: this.#options,
          mayRetry: step.attempt < attemptsMax,
          isLast: isLast && !asksOthers(this.#next),
          run: String(this.#context.info.run),
          account,
          abortSignal: step.abortSignal,
          queueMs: step.attempt === 1 ? begunAt - askedAt : 0,
          ...(standsIn === null ? {} : { degraded: standsIn.how }),
          say: stream === undefined ? null : sayingTo(step, stream, isAgain || step.attempt > 1),
          ...(remembers ? { rememberAs: answerKey(target, input) } : {}),
        });
      } catch (error) {
        throw withSent(error);
      }
    };
    try {
      return await this.#context.step(name, act, stepOptions);
    } catch (error) {
      return lateOf(problemIn(error), asked.target, stepOptions);
    }
  }

  #stepOptions(asked: Asked, isLast: boolean, retry: CallOptions["retry"]): StepOptions {
    const { target, isRepeatable, concurrency, rate } = asked;
    const { timeoutMs, attemptTimeoutMs = asked.timeoutMs } = this.#options;
    const usual = isRepeatable && isLast ? PATIENTLY : ONCE;
    const policy = retry === undefined || !isRepeatable ? usual : { ...usual, ...retry };
    const key = `service ${target.slice(0, target.indexOf("/"))}`;
    return {
      retry: policy,
      attemptTimeoutMs,
      limit: { key, concurrency, ...(rate === undefined ? {} : { rate }) },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(isRepeatable ? {} : { delivery: "at-most-once" }),
    };
  }

  // What stands in.

  /** Null where it could not. */
  async standIn(
    fallback: CallFallback,
    at: number,
    target: string,
    input: Json,
    problem: Problem,
  ): Promise<(Called<Json> & { ok: true }) | null> {
    const because = problem.detail;
    if ("call" in fallback) return this.#other(fallback.call, fallback.input ?? input, { how: "other-service", because });
    if ("model" in fallback)
      return this.#other(target, { ...(input as object), model: fallback.model }, { how: "other-model", because });
    if ("lastGood" in fallback) return this.#lastGood(fallback.lastGood, at, target, input, because);
    if ("value" in fallback) return nobody(fallback.value, { how: "value", because });
    return this.#person(fallback, because);
  }

  async #other(target: string, input: Json, degradation: Degradation): Promise<(Called<Json> & { ok: true }) | null> {
    const called = await this.ask(target, input, degradation, target);
    return called.ok ? called : null;
  }

  async #lastGood(
    lastGood: true | { readonly ageMsMax: number },
    at: number,
    target: string,
    input: Json,
    because: string,
  ): Promise<(Called<Json> & { ok: true }) | null> {
    const ageMsMax = lastGood === true ? Number.POSITIVE_INFINITY : lastGood.ageMsMax;
    const look = () => this.#desk.lastAnswer(answerKey(target, input), ageMsMax);
    const found = await this.#context.step(`last good answer ${at + 1}`, look);
    return found === null ? null : nobody(found.output, { how: "last-good", because, ageMs: found.ageMs });
  }

  async #person(
    { ask, to, timeoutMs }: Extract<CallFallback, { ask: string }>,
    because: string,
  ): Promise<(Called<Json> & { ok: true }) | null> {
    const answer = await this.#context.ask<Json>("a person instead", {
      schema: true,
      message: ask,
      ...(to === undefined ? {} : { to }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    return answer.by === "timeout" ? null : nobody(answer.value, { how: "person", because });
  }
}

/** Whether some service is asked yet, should nobody answer before. */
function asksOthers(fallbacks: readonly CallFallback[]): boolean {
  const decisive = fallbacks.find((one) => "call" in one || "model" in one || "value" in one);
  return decisive !== undefined && !("value" in decisive);
}

/** A result that no service gave. */
function nobody(output: Json, degradation: Degradation): Called<Json> & { ok: true } {
  return { ok: true, output, target: null, call: null, latencyMs: 0, costUsd: 0, degraded: degradation };
}

function calledOf(target: string, done: Done, degradation: Degradation | null): Called<Json> {
  return { ok: true, ...done, target, ...(degradation === null ? {} : { degraded: degradation }) };
}

function requireStreamName(name: string): void {
  if (/[\u0000-\u001f\u007f]/.test(name))
    throw servicesProblems.SERVICE_OPTION_INVALID(`The stream's name ${shown(name)} has characters that no name has.`);
}

/**
 * Writes a result's pieces as they come. The first of a later attempt, or of whoever stands in, is marked: what may have been
 * said before it is void.
 */
function sayingTo(step: StepContext, stream: string, isAgain: boolean): (text: string) => void {
  let isMarked = isAgain;
  return (text) => {
    step.stream(stream).write(isMarked ? { text, again: true } : { text });
    isMarked = false;
  };
}

/** Whether the service got anything goes into the journal with the failure. */
function withSent(error: unknown): unknown {
  if (!isProblemError(error) || !("wasSent" in error)) return error;
  const { problem } = error;
  return Object.assign(error, { problem: { ...problem, facts: { ...problem.facts, wasSent: error.wasSent } } });
}

/** What is the run's own end is not a failure of the call. */
function problemIn(error: unknown): Problem {
  if (isProblemError(error) && !PASSED_ON.has(error.code)) return error.problem;
  throw error;
}

/** Out of time is a service's failure like others; whether it got anything nobody knows. */
function lateOf(problem: Problem, target: string, { timeoutMs, attemptTimeoutMs }: StepOptions): Problem {
  if (problem.code !== "STEP_TIMEOUT") return problem;
  const spanMs = problem.detail.includes("attemptTimeoutMs") ? attemptTimeoutMs : timeoutMs;
  const facts = { target, class: "timeout", wasSent: true };
  return servicesProblems.SERVICE_UNAVAILABLE(`${target} did not answer within ${spanMs} ms.`, { facts }).problem;
}

const PASSED_ON = new Set(["RUN_ENDED", "STORAGE_FAILED", "ENGINE_CLOSED", "RUN_CANCELED", "RUN_TIMEOUT", "BUG"]);

function spent(target: string, tried: readonly Problem[]): Problem {
  const [only] = tried;
  if (tried.length === 1 && only !== undefined) return only;
  const sentences = tried.map(({ detail }) => detail.replace(/\.$/, "")).join("; ");
  return servicesProblems.SERVICE_FAILED(`None of ${tried.length} services could answer ${target}: ${sentences}.`, {
    facts: { tried: tried.map(({ code, detail, facts }) => ({ code, detail, target: facts?.target ?? null })) },
  }).problem;
}
