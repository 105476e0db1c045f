// A failure as it is recorded: plain data, without stack traces, so that the live
// error and the replayed one are the same.

import { isAuthors } from "../base/place.ts";
import { isProblemError, type Problem, ProblemError } from "../base/problem.ts";

export interface Failure {
  /** The code of a problem, or `STEP_FAILED` / `RUN_THREW` for errors that have none. */
  readonly code: string;
  readonly message: string;
  /** The name of the error's class. */
  readonly name: string;
  /** `file:line:col` of the author's code that threw, where known. For people only. */
  readonly at?: string;
  readonly problem?: Problem;
}

/** Throw this where trying again makes no sense. */
export class NonRetryableError extends Error {
  override readonly name = "NonRetryableError";
  readonly nonRetryable = true;
}

/** Throw this when the other side said when to come back. `retryAfterMs` in ms, cut to an hour. */
export class RetryAfterError extends Error {
  override readonly name = "RetryAfterError";
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

const MESSAGE_LENGTH_MAX = 10_000;

/** Describes anything that was thrown. */
export function failureOf(thrown: unknown, code: string): Failure {
  if (isProblemError(thrown)) {
    const { problem } = thrown;
    return { code: problem.code, message: problem.detail, name: thrown.name, ...where(thrown), problem };
  }
  if (!(thrown instanceof Error)) return { code, message: textOf(thrown), name: typeof thrown };
  const own = "code" in thrown && typeof thrown.code === "string" ? thrown.code : code;
  return { code: own, message: textOf(thrown.message || thrown.name), name: String(thrown.name), ...where(thrown) };
}

function textOf(thrown: unknown): string {
  try {
    return cut(typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? String(thrown)));
  } catch {
    return "something that cannot be written down";
  }
}

function cut(message: string): string {
  return message.length <= MESSAGE_LENGTH_MAX ? message : `${message.slice(0, MESSAGE_LENGTH_MAX)}…`;
}

/** The first frame of the stack that is the author's own: where they would look. */
function where(error: Error): { at: string } | Record<string, never> {
  for (const line of String(error.stack ?? "")
    .split("\n")
    .slice(1)) {
    const found = /\(?((?:file:\/\/)?\/[^()]+|[A-Za-z]:\\[^()]+):(\d+):(\d+)\)?$/.exec(line.trim());
    const file = found?.[1];
    if (file === undefined || !isAuthors(line)) continue;
    return { at: `${decodeURI(file.replace("file://", ""))}:${found?.[2]}:${found?.[3]}` };
  }
  return {};
}

/** What the author of a thrown error said about trying again. */
export function retryAdvice(thrown: unknown): { nonRetryable: boolean; retryAfterMs: number | null; codes: string[] } {
  if (typeof thrown !== "object" || thrown === null) return { nonRetryable: false, retryAfterMs: null, codes: [] };
  const { nonRetryable, retryAfterMs, name, code } = thrown as Record<string, unknown>;
  return {
    nonRetryable: nonRetryable === true,
    retryAfterMs: typeof retryAfterMs === "number" && Number.isFinite(retryAfterMs) ? retryAfterMs : null,
    codes: [name, code].filter((word) => typeof word === "string"),
  };
}

/** The error a workflow catches: the same whether the failure is fresh or read from the journal. */
export function errorFrom(failure: Failure): ProblemError {
  const problem = failure.problem ?? {
    code: failure.code,
    status: 500,
    title: failure.name,
    detail: failure.message,
    ...(failure.at === undefined ? {} : { at: failure.at }),
  };
  const error = new ProblemError(problem);
  if (failure.problem === undefined) error.name = failure.name;
  return error;
}
