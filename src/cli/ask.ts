// Asking a person in place: a form for small schemas, JSON for the rest.

import type { Question } from "../api.ts";
import type { Json } from "../base/json.ts";
import { issuesInWords, type JsonSchema, readSchema } from "../workflow.ts";
import { printable } from "./terminal.ts";

/** What the person said; null when they would rather not say now. */
export type Said = { readonly value: Json } | null;

type Node = { readonly [key: string]: Json };

/** Asks until the answer fits, or `signal` says that it is wanted no more. */
export async function askPerson(question: Question, signal: AbortSignal): Promise<Said> {
  using _keys = listenForCtrlC();
  const prompts = promptsOn(await import("@clack/prompts"), signal);
  const schema = readSchema(question.schema as JsonSchema, `The schema of "${question.name}"`);
  const message = printable(question.message ?? question.name);
  for (;;) {
    const said = await askNode(prompts, message, question.schema as Node, question.default?.value as Json | undefined);
    if (said === null) return null;
    const checked = schema.check(said.value);
    if (checked.ok) return said;
    prompts.warn(issuesInWords(checked.issues));
  }
}

/** A prompt takes the keys as they are, Ctrl-C included: it means here what it means everywhere. */
function listenForCtrlC(): Disposable {
  const listen = (_text: unknown, key: { ctrl?: boolean; name?: string } | undefined): void => {
    if (key?.ctrl === true && key.name === "c") process.emit("SIGINT");
  };
  process.stdin.on("keypress", listen);
  return { [Symbol.dispose]: () => void process.stdin.off("keypress", listen) };
}

type Clack = typeof import("@clack/prompts");

/** The prompts used here, on stderr: stdout is for data. */
function promptsOn(clack: Clack, signal: AbortSignal) {
  const on = { output: process.stderr, signal } as const;
  return {
    isCancel: clack.isCancel,
    confirm: (options: Parameters<Clack["confirm"]>[0]) => clack.confirm({ ...options, ...on }),
    text: (options: Parameters<Clack["text"]>[0]) => clack.text({ ...options, ...on }),
    select: (options: { message: string; options: { value: string; label: string }[]; initialValue?: string }) =>
      clack.select({ ...options, ...on }),
    say: (message: string) => clack.log.message(message, on),
    warn: (message: string) => clack.log.warn(message, on),
  };
}

type Prompts = ReturnType<typeof promptsOn>;

async function askNode(prompts: Prompts, message: string, schema: Node, initial: Json | undefined): Promise<Said> {
  const { type, enum: choices, properties } = schema;
  if (Array.isArray(choices) && choices.length > 0) return askChoice(prompts, message, choices as Json[], initial);
  if (type === "boolean") return said(prompts, await prompts.confirm({ message, initialValue: initial === true }));
  if (type === "string")
    return said(prompts, await prompts.text({ message, ...(typeof initial === "string" ? { initialValue: initial } : {}) }));
  if (type === "number" || type === "integer") return askNumber(prompts, message, initial);
  if (type === "object" && isSmallForm(properties))
    return askForm(prompts, message, properties as { [name: string]: Node }, initial);
  return askJson(prompts, message, initial);
}

function said(prompts: Prompts, answer: unknown): Said {
  return prompts.isCancel(answer) ? null : { value: (answer ?? "") as Json };
}

async function askChoice(prompts: Prompts, message: string, choices: readonly Json[], initial: Json | undefined): Promise<Said> {
  const options = choices.map((value) => ({
    value: JSON.stringify(value),
    label: typeof value === "string" ? printable(value) : JSON.stringify(value),
  }));
  const answer = await prompts.select({
    message,
    options,
    ...(initial === undefined ? {} : { initialValue: JSON.stringify(initial) }),
  });
  return prompts.isCancel(answer) ? null : { value: JSON.parse(String(answer)) as Json };
}

async function askNumber(prompts: Prompts, message: string, initial: Json | undefined): Promise<Said> {
  const validate = (text: string | undefined) =>
    text === undefined || text.trim() === "" || !Number.isFinite(Number(text)) ? "a number, please" : undefined;
  const answer = await prompts.text({
    message,
    validate,
    ...(typeof initial === "number" ? { initialValue: String(initial) } : {}),
  });
  return prompts.isCancel(answer) ? null : { value: Number(answer) };
}

const FORM_FIELDS_MAX = 8;
const SIMPLE = new Set(["boolean", "string", "number", "integer"]);

function isSmallForm(properties: Json | undefined): boolean {
  if (typeof properties !== "object" || properties === null) return false;
  const fields = Object.values(properties) as Node[];
  return (
    fields.length > 0 &&
    fields.length <= FORM_FIELDS_MAX &&
    fields.every((field) => Array.isArray(field.enum) || SIMPLE.has(String(field.type)))
  );
}

async function askForm(
  prompts: Prompts,
  message: string,
  properties: { [name: string]: Node },
  initial: Json | undefined,
): Promise<Said> {
  prompts.say(message);
  const value: { [name: string]: Json } = {};
  for (const [name, field] of Object.entries(properties)) {
    const title = typeof field.description === "string" ? `${name}: ${printable(field.description)}` : name;
    const answer = await askNode(prompts, title, field, (initial as { [name: string]: Json } | undefined)?.[name]);
    if (answer === null) return null;
    value[name] = answer.value;
  }
  return { value };
}

async function askJson(prompts: Prompts, message: string, initial: Json | undefined): Promise<Said> {
  const validate = (text: string | undefined) => {
    try {
      JSON.parse(text ?? "");
      return undefined;
    } catch {
      return "JSON, please";
    }
  };
  const answer = await prompts.text({
    message: `${message} (as JSON)`,
    validate,
    ...(initial === undefined ? {} : { initialValue: JSON.stringify(initial) }),
  });
  return prompts.isCancel(answer) ? null : { value: JSON.parse(String(answer)) as Json };
}

/** Yes or no; no where they would rather not say. */
export async function confirm(message: string): Promise<boolean> {
  const clack = await import("@clack/prompts");
  const said = await clack.confirm({ message, initialValue: false, output: process.stderr });
  return said === true;
}
