// The input of a run, as typed: `--input JSON | @file | -`, and `-i key=value` for single fields.

import { readFileSync } from "node:fs";
import { type Json, readJson } from "../base/json.ts";
import { limits } from "../run.ts";
import type { Workflow } from "../workflow.ts";
import { cliProblems } from "./problems.ts";

export interface TypedInput {
  readonly input?: string | undefined;
  readonly fields: readonly string[];
}

/** Undefined when nothing was typed. Throws INPUT_UNREADABLE / JSON_MALFORMED. */
export function readTypedInput(typed: TypedInput, workflow: Workflow): Json | undefined {
  const whole = typed.input === undefined ? undefined : readWhole(typed.input);
  if (typed.fields.length === 0) return whole;
  if (whole !== undefined && (typeof whole !== "object" || whole === null || Array.isArray(whole))) {
    throw cliProblems.INPUT_UNREADABLE("-i sets fields of an object, but --input is not an object.");
  }
  const fields = typed.fields.map((field) => readField(field, workflow));
  return { ...(whole as Record<string, Json> | undefined), ...Object.fromEntries(fields) };
}

function readWhole(text: string): Json {
  if (text === "-") return readJson(readFrom(0, "standard input"), "Standard input", limits.PAYLOAD_BYTES_MAX);
  if (text.startsWith("@")) return readJson(readFrom(text.slice(1), text.slice(1)), text.slice(1), limits.PAYLOAD_BYTES_MAX);
  return readJson(text, "--input", limits.PAYLOAD_BYTES_MAX);
}

function readFrom(source: string | number, name: string): string {
  try {
    return readFileSync(source, "utf8");
  } catch (error) {
    throw cliProblems.INPUT_UNREADABLE(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A value is text where the schema wants text; else JSON where it reads as JSON; else text. */
function readField(field: string, workflow: Workflow): [string, Json] {
  const at = field.indexOf("=");
  if (at <= 0) throw cliProblems.USAGE(`-i ${JSON.stringify(field)} is not of the form key=value.`);
  const name = field.slice(0, at);
  const text = field.slice(at + 1);
  if (name === "__proto__") throw cliProblems.USAGE("A field cannot be named __proto__.");
  return [name, wantsText(workflow, name) ? text : jsonOrText(text)];
}

function wantsText(workflow: Workflow, name: string): boolean {
  const schema = workflow.input?.jsonSchema;
  const properties =
    typeof schema === "object" ? (schema.properties as Record<string, { type?: unknown }> | undefined) : undefined;
  const type = properties?.[name]?.type;
  return type === "string" || (Array.isArray(type) && type.includes("string"));
}

function jsonOrText(text: string): Json {
  try {
    return readJson(text, "a field", limits.PAYLOAD_BYTES_MAX);
  } catch {
    return text;
  }
}
