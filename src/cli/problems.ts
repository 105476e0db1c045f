// Problems of the command line, and what each problem's exit code is.

import { defineProblems, listedProblems, type Problem } from "../base/problem.ts";

export const cliProblems = defineProblems({
  USAGE: { status: 400, title: "The command was not understood.", fix: "See `baton --help`.", exit: 2 },
  INPUT_UNREADABLE: { status: 400, title: "The input cannot be read.", exit: 2 },
  OUTPUT_UNWRITABLE: { status: 400, title: "A file cannot be written where it was wanted.", exit: 2 },
  OUTPUT_NONE: { status: 404, title: "There is no file to be written.", fix: "Leave --output away.", exit: 1 },
  PROCESS_ENDED: {
    status: 500,
    title: "The workflow's own code ended the process.",
    fix: "Return or throw instead; what was accepted goes on with `baton runs resume`.",
    exit: 70,
  },
  CODE_UNKNOWN: {
    status: 404,
    title: "There is no problem of this code.",
    fix: "They are listed in docs/reference/problems.md.",
  },
  NOT_CONFIRMED: { status: 409, title: "It was not confirmed.", fix: "Say --yes to do it without being asked.", exit: 6 },
  NO_OWNER: {
    status: 409,
    title: "No process carries the runs of this data directory.",
    fix: "Leave --detach away: `baton run` then carries the run itself.",
    exit: 6,
  },
});

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  invalid: 3,
  unknown: 4,
  forbidden: 5,
  conflict: 6,
  timeout: 7,
  waits: 8,
  unreachable: 69,
  bug: 70,
  storage: 74,
  interrupted: 130,
} as const;

const BY_STATUS: Readonly<Record<number, number>> = {
  401: EXIT.forbidden,
  403: EXIT.forbidden,
  404: EXIT.unknown,
  409: EXIT.conflict,
  503: EXIT.storage,
};

/** The exit code of a command that ends with this problem. */
export function exitCodeOf(problem: Problem): number {
  return listedProblems().get(problem.code)?.exit ?? BY_STATUS[problem.status] ?? (problem.status < 500 ? EXIT.usage : EXIT.bug);
}

/** The exit code of a run that ended with this problem: whatever it was, the run failed. */
export function exitCodeOfRun(status: string): number {
  if (status === "completed") return EXIT.ok;
  if (status === "failed") return EXIT.failed;
  if (status === "canceled") return EXIT.timeout;
  if (status === "paused") return EXIT.conflict;
  return EXIT.timeout;
}
