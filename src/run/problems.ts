// Every problem a run can meet, in one place; the reference page is printed from it.

import { defineProblems } from "../base/problem.ts";

export const runProblems = defineProblems({
  RUN_UNKNOWN: {
    status: 404,
    title: "There is no such run.",
    fix: "List the runs with `baton runs ls`; mind the data directory (--data).",
  },
  RUN_ENDED: { status: 409, title: "The run has already ended." },
  RUN_NOT_PAUSED: { status: 409, title: "The run is not paused." },
  RUN_CANCELED: { status: 409, title: "The run was canceled.", exit: 7 },
  RUN_TIMEOUT: {
    status: 504,
    title: "The run took longer than its workflow allows.",
    fix: "Raise timeoutMs in the workflow's definition, or find the slow step with `baton runs show`.",
    exit: 1,
  },
  RUN_THREW: { status: 500, title: "The workflow's own code threw.", exit: 1 },
  RUN_PAUSED: { status: 409, title: "The run is paused.", exit: 6 },
  KEY_REUSED: {
    status: 422,
    title: "This start key was already used with another input.",
    fix: "Use another key, or start with the same input to get the same run.",
    exit: 6,
  },
  KEY_INVALID: { status: 422, title: "A start key has a wrong form.", exit: 2 },
  INPUT_INVALID: { status: 422, title: "The input does not fit the workflow's schema.", exit: 2 },
  OUTPUT_INVALID: { status: 422, title: "The output does not fit the workflow's schema.", exit: 1 },
  STEP_FAILED: { status: 500, title: "A step failed.", exit: 1 },
  STEP_TIMEOUT: {
    status: 504,
    title: "A step took longer than it may.",
    fix: "Raise timeoutMs or attemptTimeoutMs of the step.",
    exit: 1,
  },
  STEP_INTERRUPTED: {
    status: 500,
    title: "A step that may be attempted at most once was interrupted; whether it took effect is unknown.",
    fix: "Look at the outside system, then decide whether to run the work again.",
    exit: 1,
  },
  STEP_OUTPUT_INVALID: { status: 500, title: "A step's output cannot be recorded.", exit: 1 },
  NAME_INVALID: {
    status: 422,
    title: "A name has a wrong form.",
    fix: "Use 1 to 256 characters without control characters.",
    exit: 1,
  },
  NAME_OPEN_TWICE: {
    status: 422,
    title: "Two open operations in one scope have the same name.",
    fix: "Give each its own name, or an explicit key, so that a journal stays matched when the code changes.",
    exit: 1,
  },
  OPTION_INVALID: { status: 422, title: "An option has a wrong value.", exit: 1 },
  RETRY_INVALID: { status: 422, title: "A retry policy has a wrong value.", exit: 1 },
  CHILD_FAILED: { status: 500, title: "A child run failed.", exit: 1 },
  CHILD_CANCELED: { status: 409, title: "A child run was canceled.", exit: 1 },
  CHILD_TOO_DEEP: { status: 422, title: "Runs started one another too deeply (CHILD_DEPTH_MAX).", exit: 1 },
  SIGNAL_INVALID: { status: 422, title: "A signal's value does not fit the schema of the wait.", exit: 1 },
  ANSWER_INVALID: { status: 422, title: "An answer does not fit the schema of the question.", exit: 2 },
  ASK_UNKNOWN: { status: 404, title: "The run asks no such question now." },
  JOURNAL_TOO_LONG: {
    status: 500,
    title: "The journal has reached its limit (JOURNAL_ENTRIES_MAX).",
    fix: "Use ctx.continueAs(input) in endless loops: it begins a new journal.",
    exit: 1,
  },
  REPLAY_MISMATCH: {
    status: 409,
    title: "The workflow's code does not fit the journal of this run.",
    fix: "Bring back the code that fits (or give the changed step a new name), then `baton runs resume`.",
    exit: 6,
  },
  RUN_CORRUPT: { status: 500, title: "A run's records contradict themselves or cannot be read.", exit: 74 },
  NOT_LOADED: {
    status: 409,
    title: "The workflow's code is not loaded.",
    fix: "Make the file available again, then `baton runs resume`.",
    exit: 6,
  },
});
