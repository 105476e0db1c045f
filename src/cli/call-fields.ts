// What is to be called, as far as it is known before it is called: its fields as flags, and what its input may be.
//
//  1. What can be refused here starts no run: a target that nobody knows, an input that does not fit.

import type { ServiceOperationLine } from "../api.ts";
import type { Json } from "../base/json.ts";
import { ask, loadServices, operationLineOf } from "../orchestrator.ts";
import { CAPABILITIES, type Service, servicesProblems } from "../services.ts";
import { issuesInWords, type JsonSchema, readServiceSchema } from "../workflow.ts";
import { readTypedValue } from "./input.ts";
import { cliProblems } from "./problems.ts";

export interface FieldSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: Json;
  readonly enum?: readonly Json[];
  readonly items?: FieldSchema;
}

export type Fields = Readonly<Record<string, FieldSchema>>;

/** Whom a target means, and what files make known besides. */
export interface Where {
  readonly data: string;
  readonly with: readonly string[];
}

/** The schema of its input; null where it has none. Throws SERVICE_… problems where there is nobody of that name. */
export async function schemaOf(target: string, where: Where): Promise<JsonSchema | null> {
  const given = await loadServices(where.with);
  return target.includes("/") ? await schemaOfNamed(target, where, given) : await schemaOfCapability(target, where, given);
}

async function schemaOfNamed(target: string, { data }: Where, given: readonly Service[]): Promise<JsonSchema | null> {
  const at = target.indexOf("/");
  const id = target.slice(0, at);
  const service = given.find((one) => one.id === id);
  const operations =
    service === undefined
      ? (await ask(data, "services.show", { id })).operationList
      : [...service.operations.values()].map((one) => operationLineOf(one, null));
  return inputOf(operationIn(operations, id, target.slice(at + 1)));
}

function operationIn(operations: readonly ServiceOperationLine[], id: string, name: string): ServiceOperationLine {
  const found = operations.find((one) => one.name === name) ?? operations.find((one) => one.capabilities.includes(name));
  if (found !== undefined) return found;
  const names = operations.map((one) => one.name);
  throw servicesProblems.SERVICE_OPERATION_UNKNOWN(`${id} has no operation ${JSON.stringify(name.slice(0, 80))}.`, {
    fix: `It has: ${names.slice(0, NAMES_SHOWN_MAX).join(", ") || "none"}${names.length > NAMES_SHOWN_MAX ? ", …" : ""}.`,
  });
}

const NAMES_SHOWN_MAX = 20;

async function schemaOfCapability(target: string, { data }: Where, given: readonly Service[]): Promise<JsonSchema | null> {
  if (!target.includes("."))
    throw servicesProblems.SERVICE_TARGET_INVALID(
      `${JSON.stringify(target.slice(0, 80))} is neither service/operation nor a capability.`,
    );
  const offered = given.flatMap((service) => [...service.operations.values()]).find((one) => one.capabilities.includes(target));
  if (offered !== undefined) return inputOf(operationLineOf(offered, null));
  const { services } = await ask(data, "services.list", { capability: target });
  const [first] = services;
  if (first === undefined) throw servicesProblems.SERVICE_NONE_FIT(...nobodyHas(target));
  const known = CAPABILITIES.get(target);
  if (known !== undefined) return known.input;
  const { operationList } = await ask(data, "services.show", { id: first.id });
  return inputOf(operationIn(operationList, first.id, target));
}

function nobodyHas(target: string): [string, { fix: string }] {
  const fix = "`baton services discover --add` finds services of this machine; `baton services add` adds others.";
  return [`No service has the capability ${JSON.stringify(target.slice(0, 80))}.`, { fix }];
}

function inputOf({ input }: ServiceOperationLine): JsonSchema | null {
  return typeof input === "object" ? (input as JsonSchema | null) : null;
}

/** Undefined where nobody knows the fields. */
export function fieldsIn(schema: unknown): Fields | undefined {
  return ((typeof schema === "object" && schema !== null ? schema : {}) as { properties?: Fields }).properties;
}

/** What is wrong with an input is told before a run is started (1); gives the fields that nobody may look at. */
export function requireInput(target: string, schema: JsonSchema | null, input: Json): readonly string[] {
  const fields = fieldsIn(schema);
  const isObject = typeof input === "object" && input !== null && !Array.isArray(input);
  const unknown = fields === undefined || !isObject ? [] : Object.keys(input).filter((name) => !Object.hasOwn(fields, name));
  if (schema === null) return unknown;
  const [first] = unknown;
  if (first !== undefined && schema.additionalProperties === false) throw noField(first, fields);
  const checked = readServiceSchema(schema, `The input of ${target}`).check(input);
  if (!checked.ok)
    throw servicesProblems.SERVICE_INPUT_INVALID(`${target} does not take this input: ${issuesInWords(checked.issues)}.`, {
      fix: `\`baton services call ${target} --help\` lists its fields.`,
    });
  return "additionalProperties" in schema || "patternProperties" in schema ? [] : unknown;
}

function noField(name: string, fields: Fields | undefined): Error {
  return cliProblems.USAGE(
    `What is called has no field ${JSON.stringify(name.slice(0, 80))}. There are: ${Object.keys(fields ?? {}).join(", ") || "none"}.`,
  );
}

/** `--prompt hello --stop a --stop b`: values by the types of their fields. Throws USAGE. */
export async function readFields(words: readonly string[], fields: Fields | undefined): Promise<Record<string, Json>> {
  const made: Record<string, Json> = {};
  for (let at = 0; at < words.length; at++) {
    const [, flag, joined] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(words[at] ?? "") ?? [];
    if (flag === undefined) throw cliProblems.USAGE(`${JSON.stringify(words[at])} is not a field: write --FIELD VALUE.`);
    const name = nameOf(flag, fields);
    const schema = fields?.[name] ?? {};
    const isSwitch = schema.type === "boolean" && joined === undefined && (words[at + 1] ?? "--").startsWith("--");
    const text = joined ?? (isSwitch ? "true" : words[++at]);
    if (text === undefined) throw cliProblems.USAGE(`--${flag} needs a value.`);
    made[name] = Object.hasOwn(made, name)
      ? await withMore(flag, schema, made[name] ?? null, text)
      : await valueOfField(text, schema);
  }
  return made;
}

/** `--max-tokens` and `--maxTokens` are the same field. */
function nameOf(flag: string, fields: Fields | undefined): string {
  if (fields === undefined || Object.hasOwn(fields, flag)) return flag;
  const plain = (name: string): string => name.replace(/[-_]/g, "").toLowerCase();
  const found = Object.keys(fields).find((name) => plain(name) === plain(flag));
  if (found === undefined) throw noField(flag, fields);
  return found;
}

/** A list is given whole, as JSON, or an item at a time. */
async function valueOfField(text: string, schema: FieldSchema): Promise<Json> {
  if (!isList(schema)) return await oneValue(text, schema.type);
  const whole = await readTypedValue(text);
  return Array.isArray(whole) ? whole : [await oneValue(text, schema.items?.type)];
}

async function withMore(flag: string, schema: FieldSchema, before: Json, text: string): Promise<Json> {
  if (!isList(schema) || !Array.isArray(before)) throw cliProblems.USAGE(`--${flag} is given twice, and takes one value.`);
  const more = await valueOfField(text, schema);
  return [...before, ...(Array.isArray(more) ? more : [more])];
}

function isList({ type }: FieldSchema): boolean {
  return type === "array" || (Array.isArray(type) && type.includes("array"));
}

async function oneValue(text: string, type: FieldSchema["type"]): Promise<Json> {
  const isText = type === "string" || (Array.isArray(type) && type.includes("string"));
  if (isText && text !== "-" && !text.startsWith("@")) return text;
  return readTypedValue(text);
}
