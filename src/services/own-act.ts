// Operations that are functions of a program, kept within what they were lent.
//
//  1. A function has its input to itself: what it does to it nobody else sees.
//  2. It is waited for no longer than its caller waits; what comes of it later is nobody's.
//  3. What an operation gives is JSON, no deeper than what is kept may be.

import { copiedJson, type Json, requireJson } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { ServiceFailure } from "./attempt.ts";
import { servicesProblems } from "./problems.ts";
import type { Act } from "./service.ts";

/** Of a function that somebody else wrote (1, 2). */
export function keptWithin(act: Act): Act {
  return (input, outside) => {
    const given = act(copiedJson(input), outside);
    return given instanceof Promise || isThenable(given) ? whileWanted(given, outside.abortSignal) : given;
  };
}

function isThenable(value: unknown): value is PromiseLike<Json> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function whileWanted(given: PromiseLike<Json>, signal: AbortSignal): Promise<Json> {
  const { promise, resolve, reject } = Promise.withResolvers<Json>();
  const giveUp = (): void => reject(signal.reason);
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  given.then(resolve, reject);
  return promise.finally(() => signal.removeEventListener("abort", giveUp));
}

/** Throws SERVICE_ANSWER_INVALID (3). */
export function answeringJson(act: Act): Act {
  return async (input, outside) => {
    const output = await act(input, outside);
    if (output !== undefined) requireAnswer(output);
    return output;
  };
}

function requireAnswer(output: Json): void {
  try {
    requireJson(output, "Its answer", 1);
  } catch (error) {
    if (!isProblemError(error)) throw error;
    const { problem } = servicesProblems.SERVICE_ANSWER_INVALID(error.problem.detail);
    throw new ServiceFailure(problem, { failureClass: "answer", mayHelp: false }); // a function that gives it gives it again
  }
}
