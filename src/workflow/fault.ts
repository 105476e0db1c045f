// Errors of workflow documents: the problem details (RFC 7807) that tasks raise and `catch` filters on.
//
// Source: Open Workflow Specification 1.0.3, dsl-reference.md, "Error" and "Standard Error Types".

import { defineProblems, isProblemError, type Problem, ProblemError } from "../base/problem.ts";
import { jqProblems } from "../jq.ts";
import { failureOf, runProblems } from "../run.ts";

/** As expressions and catchers see it. */
export interface Fault {
  readonly [key: string]: string | number;
  /** A URI. */
  readonly type: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** JSON pointer of the task that raised it. */
  readonly instance: string;
}

const HOST = "https://open-workflow-specification.org/spec/1.0.0/errors/";

/** What the same types are called elsewhere: before the specification was renamed, and in its conformance kit. */
const ALIASES = [
  HOST,
  "https://serverlessworkflow.io/spec/1.0.0/errors/",
  "https://open-workflow-specification.org/dsl/errors/types/",
  "https://serverlessworkflow.io/dsl/errors/types/",
];

/** The standard types with the status each has where nothing else gives one. */
export const STANDARD_FAULTS = {
  configuration: { status: 400, title: "Configuration" },
  validation: { status: 400, title: "Validation" },
  expression: { status: 400, title: "Expression" },
  authentication: { status: 401, title: "Authentication" },
  authorization: { status: 403, title: "Authorization" },
  timeout: { status: 408, title: "Timeout" },
  communication: { status: 500, title: "Communication" },
  runtime: { status: 500, title: "Runtime" },
} as const;

export type StandardFault = keyof typeof STANDARD_FAULTS;

export const faultProblems = defineProblems({
  FAULT_CONFIGURATION: { status: 400, title: "A task is configured wrongly.", exit: 1 },
  FAULT_VALIDATION: { status: 400, title: "Data does not fit its schema.", exit: 1 },
  FAULT_EXPRESSION: { status: 400, title: "An expression failed.", exit: 1 },
  FAULT_AUTHENTICATION: { status: 401, title: "A service does not know who calls.", exit: 1 },
  FAULT_AUTHORIZATION: { status: 403, title: "A service, a secret or a host may not be used.", exit: 1 },
  FAULT_TIMEOUT: { status: 408, title: "A task took too long.", exit: 7 },
  FAULT_COMMUNICATION: { status: 500, title: "A service could not be called, or refused.", exit: 1 },
  FAULT_RUNTIME: { status: 500, title: "A task failed.", exit: 1 },
  FAULT_RAISED: { status: 500, title: "The workflow raised an error.", exit: 1 },
});

/** Makes a standard fault. `status` where the other side gave one. */
export function fault(
  kind: StandardFault,
  detail: string,
  instance: string,
  more: { status?: number; title?: string } = {},
): Fault {
  const standard = STANDARD_FAULTS[kind];
  return {
    type: HOST + kind,
    status: more.status ?? standard.status,
    title: more.title ?? standard.title,
    detail,
    instance,
  };
}

/** A type without its host: `communication` for all its spellings; null for types of the author's own. */
export function standardKind(type: string): StandardFault | null {
  const host = ALIASES.find((alias) => type.startsWith(alias));
  const name = host === undefined ? "" : type.slice(host.length);
  return Object.hasOwn(STANDARD_FAULTS, name) ? (name as StandardFault) : null;
}

/** `isStrict`: the kit's spelling is another type. */
export function isSameType(a: string, b: string, isStrict = false): boolean {
  if (a === b) return true;
  if (isStrict && [a, b].some((type) => type.includes("/dsl/errors/types/"))) return false;
  return standardKind(a) !== null && standardKind(a) === standardKind(b);
}

/** Thrown by tasks. */
export class FaultError extends ProblemError {
  override readonly name = "FaultError";
  readonly fault: Fault;

  constructor(raised: Fault, cause?: unknown) {
    super(problemOfFault(raised, fixOf(cause)), { cause });
    this.fault = raised;
  }
}

export function raise(
  kind: StandardFault,
  detail: string,
  instance: string,
  more: { status?: number; title?: string; fix?: string } = {},
): FaultError {
  const { fix } = more;
  return new FaultError(fault(kind, detail, instance, more), fix === undefined ? undefined : { problem: { fix } });
}

/** What to do is said where the error comes from. */
function fixOf(cause: unknown): string | undefined {
  return (cause as { problem?: Partial<Problem> } | undefined)?.problem?.fix;
}

function problemOfFault(raised: Fault, fix?: string): Problem {
  const kind = standardKind(raised.type);
  const code = kind === null ? "FAULT_RAISED" : (`FAULT_${kind.toUpperCase()}` as keyof typeof faultProblems);
  const { problem } = faultProblems[code](raised.detail === "" ? raised.title : raised.detail, {
    at: raised.instance,
    facts: raised,
    ...(fix === undefined ? {} : { fix }),
  });
  return { ...problem, status: raised.status };
}

/** Ends of the run itself: no `catch` of a document may hold them up. */
const NOT_CAUGHT: ReadonlySet<string> = new Set([
  "RUN_CANCELED",
  "RUN_TIMEOUT",
  "STORAGE_FAILED",
  "ENGINE_CLOSED",
  "REPLAY_MISMATCH",
]);

export function mayBeCaught(error: unknown): boolean {
  return !(isProblemError(error) && NOT_CAUGHT.has(error.code)) && !(error instanceof Abandoned);
}

/** Thrown inside branches that nobody waits for any more. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}

/** What a task's error is in the words of the specification. */
export function faultOf(error: unknown, instance: string): Fault {
  if (error instanceof FaultError) return error.fault;
  if (error instanceof RangeError)
    return fault("runtime", "A value is nested deeper, or is larger, than can be handled.", instance);
  if (!isProblemError(error)) return fault("runtime", failureOf(error, "RUN_THREW").message, instance);
  const { code, detail, facts, status } = error.problem;
  if (isFault(facts)) return facts;
  const child = facts?.problem as Problem | undefined;
  if (code === "CHILD_FAILED" && child !== undefined && isFault(child.facts)) return { ...child.facts, instance };
  const kind = kindOfProblem(code);
  return fault(kind, detail, instance, kind === "communication" ? { status } : {});
}

function isFault(facts: unknown): facts is Fault {
  if (typeof facts !== "object" || facts === null) return false;
  const { type, status, instance } = facts as Partial<Fault>;
  return typeof type === "string" && typeof status === "number" && typeof instance === "string";
}

function kindOfProblem(code: string): StandardFault {
  if (code in jqProblems) return "expression";
  if (code === "EGRESS_DENIED") return "authorization";
  if (code === "EGRESS_TIMEOUT" || code === "STEP_TIMEOUT") return "timeout";
  if (code.startsWith("EGRESS_")) return "communication";
  if (code.startsWith("OPENAPI_") || code === "WORKFLOW_UNKNOWN") return "configuration";
  if (code in VALIDATION) return "validation";
  return "runtime";
}

const VALIDATION: Partial<typeof runProblems> = {
  INPUT_INVALID: runProblems.INPUT_INVALID,
  ANSWER_INVALID: runProblems.ANSWER_INVALID,
};
