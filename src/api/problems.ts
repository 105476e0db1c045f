// Problems at the door, in one place.

import type { z } from "zod";
import { defineProblems } from "../base/problem.ts";
import { type OperationName, operations, type ReadInputOf } from "./operations.ts";

export const apiProblems = defineProblems({
  REQUEST_INVALID: { status: 422, title: "The request does not fit what the operation takes.", exit: 2 },
  OPERATION_UNKNOWN: { status: 404, title: "There is no such operation.", exit: 2 },
  NOT_YET: { status: 501, title: "This is not built yet.", exit: 2 },
});

/** Reads an operation's input at the door. Throws REQUEST_INVALID naming every field that does not fit. */
export function readInput<N extends OperationName>(name: N, input: unknown): ReadInputOf<N> {
  const read = operations[name].input.safeParse(input);
  if (!read.success) throw apiProblems.REQUEST_INVALID(issues(read.error), { facts: { operation: name } });
  return read.data as ReadInputOf<N>;
}

function issues(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ");
}
