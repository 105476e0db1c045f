// The door for inputs and outputs: what a workflow's schema says of them, and how they are written down.

import { type Json, writeJson } from "../base/json.ts";
import { limits, runProblems } from "../run.ts";
import { fullName, issuesInWords, type Workflow } from "../workflow.ts";

export interface AcceptedInput {
  /** With the schema's defaults filled. */
  readonly value: unknown;
  readonly text: string;
}

/** Checks an input against the workflow's schema. Throws INPUT_INVALID naming each place. */
export function acceptInput(workflow: Workflow, input: unknown): AcceptedInput {
  const given = input === undefined ? (workflow.input === null ? null : {}) : input;
  const checked = workflow.input?.check(given);
  if (checked?.ok === false) {
    throw runProblems.INPUT_INVALID(`The input of ${fullName(workflow)} does not fit: ${issuesInWords(checked.issues)}.`, {
      facts: { issues: checked.issues },
    });
  }
  const value = checked === undefined ? given : checked.value;
  return { value, text: writeJson(value, `The input of ${fullName(workflow)}`, limits.PAYLOAD_BYTES_MAX) };
}

/** Checks an output likewise; gives its JSON text. Throws OUTPUT_INVALID. */
export function acceptOutput(workflow: Workflow, output: unknown): string {
  const checked = workflow.output?.check(output);
  if (checked?.ok === false) {
    throw runProblems.OUTPUT_INVALID(`The output of ${fullName(workflow)} does not fit: ${issuesInWords(checked.issues)}.`, {
      facts: { issues: checked.issues },
    });
  }
  return writeJson(
    (checked === undefined ? output : checked.value) as Json,
    `The output of ${fullName(workflow)}`,
    limits.PAYLOAD_BYTES_MAX,
  );
}
