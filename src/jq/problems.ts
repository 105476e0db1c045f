// Problems of jq programs, and the one error this part throws.

import { defineProblems, type Problem, ProblemError } from "../base/problem.ts";

const table = defineProblems({
  JQ_SYNTAX: { status: 422, title: "A jq program cannot be read.", exit: 3 },
  JQ_UNDEFINED: {
    status: 422,
    title: "A jq program uses what is not defined.",
    fix: "Programs see their input and the variables given to them; nothing of the machine they run on.",
    exit: 3,
  },
  JQ_ERROR: { status: 422, title: "A jq program ended with an error." },
  JQ_STEPS: {
    status: 422,
    title: "A jq program takes too many steps.",
    fix: "Give it less data, or bound its loops with limit, first or until.",
  },
  JQ_ITEMS: { status: 422, title: "A jq program makes too many values.", fix: "Filter before collecting." },
  JQ_BYTES: { status: 422, title: "A jq program makes texts that are too long.", fix: "Keep large texts in files." },
  JQ_DEPTH: {
    status: 422,
    title: "A jq program, or the value it reads, is nested too deeply.",
    fix: "Write a loop with reduce, foreach, until or recurse instead of a function that calls itself.",
  },
});

export const jqProblems = table;

export type JqCode = keyof typeof table;

/** All that goes wrong in a jq program. `offset` and `end` are UTF-16 units of the program, where known. */
export class JqProblem extends ProblemError {
  override readonly name = "JqProblem";
  readonly offset: number | null;
  readonly end: number | null;
  /** What `error` was given: `JQ_ERROR` only. */
  readonly value: unknown;

  constructor(code: JqCode, detail: string, more: { offset?: number; end?: number; value?: unknown; fix?: string } = {}) {
    const { problem } = table[code](detail, more.fix === undefined ? {} : { fix: more.fix });
    super(problem satisfies Problem);
    this.offset = more.offset ?? null;
    this.end = more.end ?? null;
    this.value = more.value;
  }
}
