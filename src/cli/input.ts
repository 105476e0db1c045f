// The input of a run, as typed: `--input JSON | @file | -`, and `-i key=value` for single fields.

import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { type Json, readJson } from "../base/json.ts";
import { limits } from "../run.ts";
import type { Workflow } from "../workflow.ts";
import { cliProblems } from "./problems.ts";

export interface TypedInput {
  readonly input?: string | undefined;
  readonly fields: readonly string[];
}

/** Undefined when nothing was typed. Throws INPUT_UNREADABLE / JSON_MALFORMED. */
export async function readTypedInput(typed: TypedInput, workflow: Workflow): Promise<Json | undefined> {
  const whole = typed.input === undefined ? undefined : await readTypedJson(typed.input);
  if (typed.fields.length === 0) return whole;
  if (whole !== undefined && (typeof whole !== "object" || whole === null || Array.isArray(whole))) {
    throw cliProblems.INPUT_UNREADABLE("-i sets fields of an object, but --input is not an object.");
  }
  const fields = typed.fields.map((field) => readField(field, workflow));
  const twice = fields.find(([name], index) => fields.findIndex(([other]) => other === name) !== index);
  if (twice !== undefined) throw cliProblems.USAGE(`-i gives ${JSON.stringify(twice[0])} twice.`);
  return { ...(whole as Record<string, Json> | undefined), ...Object.fromEntries(fields) };
}

/** A value as typed: JSON, `@file` or `-`; what does not read as JSON is text. */
export async function readTypedValue(text: string): Promise<Json> {
  return text === "-" || text.startsWith("@") ? await readTypedJson(text) : jsonOrText(text, "The value");
}

/** JSON as typed after --input: itself, `@file` or `-`. Throws INPUT_UNREADABLE / JSON_MALFORMED. */
export async function readTypedJson(text: string): Promise<Json> {
  if (text === "-") return readFrom(process.stdin, "Standard input");
  if (text === "@") throw cliProblems.INPUT_UNREADABLE("--input @ names no file.");
  if (text.startsWith("@")) return readFrom(createReadStream(text.slice(1)), text.slice(1));
  return readJson(text, "--input", limits.PAYLOAD_BYTES_MAX);
}

/** Reads a stream, and no more of it than can be taken: it may have no end. */
async function readFrom(stream: Readable, name: string): Promise<Json> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > limits.PAYLOAD_BYTES_MAX) break;
    }
  } catch (error) {
    throw cliProblems.INPUT_UNREADABLE(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return readJson(asText(Buffer.concat(chunks), name), name, limits.PAYLOAD_BYTES_MAX);
}

/** Bytes that are no text are refused, not replaced by others; a byte order mark is no part of the text. */
function asText(bytes: Uint8Array, name: string): string {
  const isCut = bytes.length > limits.PAYLOAD_BYTES_MAX; // perhaps within a character
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
  } catch {
    throw cliProblems.INPUT_UNREADABLE(`${name} is not text in UTF-8.`);
  }
}

/** A value is text where the schema wants text; else JSON where it reads as JSON; else text. */
function readField(field: string, workflow: Workflow): [string, Json] {
  const at = field.indexOf("=");
  if (at <= 0) throw cliProblems.USAGE(`-i ${JSON.stringify(field)} is not of the form key=value.`);
  const name = field.slice(0, at);
  const text = field.slice(at + 1);
  if (name === "__proto__") throw cliProblems.USAGE("A field cannot be named __proto__.");
  return [name, wantsText(workflow, name) ? text : jsonOrText(text, `-i ${name}`)];
}

function wantsText(workflow: Workflow, name: string): boolean {
  const schema = workflow.input?.jsonSchema;
  const properties =
    typeof schema === "object" ? (schema.properties as Record<string, { type?: unknown }> | undefined) : undefined;
  const type = properties?.[name]?.type;
  return type === "string" || (Array.isArray(type) && type.includes("string"));
}

/** What is JSON but may not be taken is refused: it was not meant as text. */
function jsonOrText(text: string, what: string): Json {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  return readJson(text, what, limits.PAYLOAD_BYTES_MAX);
}
