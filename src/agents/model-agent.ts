// A language model as an agent: instructions, tools, turns. Each answer of the model and each use of a tool is a step of the
// run, so that a crash in turn seven goes on at turn seven and nothing is paid twice.
//
//  1. A tool is used only where the agent, the task and the terms allow it by its very name, and its input fits its schema.
//  2. What cannot be had back is asked of a person first, with exactly what would be done; so is a tool that is not any more what
//     it was when the agent was given it.
//  3. What tools and models say is data: it is cleaned of what people cannot see, bounded, and never read as instructions of ours.
//  4. It ends: turns, repairs, wrong tool calls, repetitions and the length of the talk are bounded, each by a name.

import { createHash } from "node:crypto";
import { canonicalJson, type Json, readJson } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { shortHash } from "../base/random.ts";
import { type Context, issuesInWords, type JsonSchema, readServiceSchema, type Schema, type Terms } from "../workflow.ts";
import type { ModelAgent, ToolDefinition } from "./agent.ts";
import type { PlainTask } from "./desk.ts";
import type { Doing, Handed, ToolOffer } from "./handed.ts";
import { agentProblems } from "./problems.ts";
import { cleanText, doubledKey, visibleText } from "./text.ts";

/** Answers of the model for one task. */
export const TURNS_MAX = 25;

/** Answers that did not fit and were sent back. */
export const REPAIRS_MAX = 2;

/** Uses of tools that were refused or failed on their input, one after the other. */
export const WRONG_CALLS_MAX = 3;

/** The very same use of a tool: then it goes round in a circle. */
export const SAME_CALLS_MAX = 3;

/** Of one answer of the model. */
export const CALLS_PER_TURN_MAX = 16;

/** Characters of what a tool is given, and of what the model is shown of what it gave. */
export const TOOL_INPUT_LENGTH_MAX = 64_000;
export const TOOL_OUTPUT_LENGTH_MAX = 64_000;

/** Characters of all that was said: protects memory and money. */
export const TALK_LENGTH_MAX = 2_000_000;

/** A tool as this agent has it. */
interface Tool extends ToolOffer {
  /** What the model knows it by. */
  readonly name: string;
  readonly asks: boolean;
  /** Characters that were taken out of its description. */
  readonly hidden: number;
  /** What it was when the agent was given it. */
  readonly hash: string;
}

interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: Json;
}

interface Said {
  readonly text: string;
  readonly finish: string;
  readonly json?: Json;
  readonly toolCalls?: readonly ToolCall[];
}

const DELEGATE = "delegate";

export async function modelWork(context: Context, handed: Handed, model: ModelAgent, doing: Doing): Promise<Json> {
  const tools = await context.step("tools", () => toolsOf(handed, model, doing) as unknown as Json);
  return await new Talk(context, handed, model, doing, tools as unknown as readonly Tool[]).carry();
}

/** Those that are there and may be used; one that is not there is left out, and the model does not miss it. */
function toolsOf({ agent, task, terms }: Handed, { tools = [], delegates = [] }: ModelAgent, doing: Doing): readonly Tool[] {
  const written = tools.map((one): ToolDefinition => (typeof one === "string" ? { tool: one } : one));
  const allowed = written.filter(({ tool }) => isAllowed(tool, task, terms));
  const made = allowed.flatMap((one) => toolOf(one, doing) ?? []);
  const names = [...made.map(({ name }) => name), ...(delegates.length === 0 ? [] : [DELEGATE])];
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw agentProblems.AGENT_FAILED(`${agent.id} has two tools of the name ${twice}.`);
  return made;
}

function isAllowed(tool: string, { tools }: PlainTask, { tools: granted }: Terms): boolean {
  return (tools === undefined || tools.includes(tool)) && (granted === "all" || granted.includes(tool));
}

function toolOf({ tool, name, description, approval }: ToolDefinition, doing: Doing): Tool | null {
  const offer = doing.tool(tool);
  if (offer === null) return null;
  const asks = approval === undefined ? offer.effects === "destructive" : approval === "always";
  const { text, hidden } = cleanText(description ?? offer.description ?? "");
  return {
    ...offer,
    description: text.slice(0, 4_000),
    name: name ?? tool.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64),
    ...{ asks, hidden },
    hash: hashOf(offer),
  };
}

function hashOf({ description, input, effects }: ToolOffer): string {
  const what = canonicalJson({ description, input: input as Json, effects });
  return createHash("sha256").update(what).digest("base64url");
}

class Talk {
  readonly #context: Context;
  readonly #handed: Handed;
  readonly #model: ModelAgent;
  readonly #doing: Doing;
  readonly #tools: readonly Tool[];
  readonly #messages: Json[];
  readonly #calls = new Map<string, number>();
  #repairs = 0;
  #wrongCalls = 0;

  constructor(context: Context, handed: Handed, model: ModelAgent, doing: Doing, tools: readonly Tool[]) {
    this.#context = context;
    this.#handed = handed;
    this.#model = model;
    this.#doing = doing;
    this.#tools = tools;
    const { text, hidden } = cleanText(taskInWords(handed.task));
    this.#messages = [
      { role: "system", content: model.instructions },
      { role: "user", content: text },
    ];
    this.#flag("The task", hidden);
    for (const tool of tools) this.#flag(`The description of ${tool.tool}`, tool.hidden);
  }

  async carry(): Promise<Json> {
    const { turnsMax = TURNS_MAX } = this.#model;
    for (let turn = 1; turn <= turnsMax; turn++) {
      const said = await this.#ask(turn);
      const calls = said.toolCalls ?? [];
      this.#messages.push({
        role: "assistant",
        content: said.text,
        ...(calls.length === 0 ? {} : { toolCalls: calls as unknown as Json }),
      });
      if (calls.length > 0) await this.#use(calls, turn);
      else {
        const done = this.#read(said);
        if (done !== null) return done.value;
      }
      this.#requireLength();
    }
    throw agentProblems.AGENT_TURNS_SPENT(`${this.#handed.agent.id} had ${turnsMax} turns (turnsMax).`);
  }

  async #ask(turn: number): Promise<Said> {
    const { model, via = "llm.chat", temperature, maxTokens, stream } = this.#model;
    const { task, agent } = this.#handed;
    const tools = [
      ...this.#tools.map(({ name, description, input }) => ({ name, description, input: input ?? {} })),
      ...this.#delegateTool(),
    ];
    const schema = isObject(task.output) && !isText(task.output) ? task.output : undefined;
    const input = {
      messages: this.#doing.redacted(this.#messages),
      ...(tools.length === 0 ? {} : { tools: tools as unknown as Json }),
      ...(model === undefined ? {} : { model }),
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(schema === undefined || tools.length > 0 ? {} : { schema: schema as Json }),
    };
    return await this.#context.call<Said & Json>(via, input as Json, {
      name: `turn ${turn}`,
      stream: stream ?? `agent ${agent.id}`,
    });
  }

  /** Whoever may hand tasks on has a tool for it. */
  #delegateTool() {
    const { delegates = [] } = this.#model;
    if (delegates.length === 0) return [];
    const properties = { capability: { enum: delegates }, input: {} };
    const description = "Hands a task to another agent, and gives its result.";
    return [{ name: DELEGATE, description, input: { type: "object", required: ["capability", "input"], properties } }];
  }

  // Tools.

  async #use(calls: readonly ToolCall[], turn: number): Promise<void> {
    if (calls.length > CALLS_PER_TURN_MAX)
      throw agentProblems.AGENT_LOOPS(`${this.#handed.agent.id} asks for ${calls.length} tools at once (CALLS_PER_TURN_MAX).`);
    for (const [at, call] of calls.entries()) {
      const answer = await this.#useOne(call, `${turn}.${at + 1}`);
      this.#messages.push({ role: "tool", toolCallId: call.id, content: answer });
    }
  }

  /** What the tool gave, or what was wrong with asking for it: both are told to the model. */
  async #useOne(call: ToolCall, place: string): Promise<string> {
    this.#noteCall(call);
    if (call.name === DELEGATE && this.#delegateTool().length > 0) return await this.#delegate(call, place);
    const tool = this.#tools.find(({ name }) => name === call.name);
    if (tool === undefined)
      return this.#wrong(`TOOL_NOT_ALLOWED: there is no tool ${JSON.stringify(call.name.slice(0, 80))} here.`);
    const mistake = inputMistake(tool, call.input);
    if (mistake !== null) return this.#wrong(mistake);
    this.#wrongCalls = 0;
    if (!(await this.#isSame(tool, place)) && !(await this.#allowedAsChanged(tool, place)))
      throw agentProblems.TOOL_CHANGED(`${tool.tool} is not what it was when ${this.#handed.agent.id} was given it.`);
    if (tool.asks && !(await this.#approved(tool, call, place))) return "A person did not allow it.";
    const name = `${tool.name} ${place}`;
    const called = await this.#context.tryCall<Json>(tool.tool, call.input, { name });
    return called.ok ? this.#shown(called.output, tool) : `It failed: ${cleanText(called.problem.detail).text.slice(0, 2_000)}`;
  }

  /** The very same again and again is a circle (4). */
  #noteCall({ name, input }: ToolCall): void {
    const key = `${name} ${shortHash(canonicalJson(input))}`;
    const times = (this.#calls.get(key) ?? 0) + 1;
    this.#calls.set(key, times);
    if (times <= SAME_CALLS_MAX) return;
    throw agentProblems.AGENT_LOOPS(
      `${this.#handed.agent.id} uses ${name} the ${times}th time with the same input (SAME_CALLS_MAX).`,
    );
  }

  #wrong(sentence: string): string {
    if (++this.#wrongCalls <= WRONG_CALLS_MAX) return sentence;
    throw agentProblems.TOOL_NOT_ALLOWED(`${this.#handed.agent.id} keeps asking for what it may not: ${sentence}`);
  }

  /** As it was when the agent was given it; one that is gone is told by the call (attack: a server that changes its mind). */
  #isSame(tool: Tool, place: string): Promise<boolean> {
    return this.#context.step(`look at ${tool.name} ${place}`, () => {
      const now = this.#doing.tool(tool.tool);
      return now === null || hashOf(now) === tool.hash;
    });
  }

  async #allowedAsChanged({ name, tool }: Tool, place: string): Promise<boolean> {
    const message = `${tool} is not what it was when ${this.#handed.agent.title} was given it. May it be used all the same?`;
    const answer = await this.#context.ask<boolean>(`allow changed ${name} ${place}`, { schema: { type: "boolean" }, message });
    return answer.by !== "timeout" && answer.value;
  }

  async #approved(tool: Tool, { input }: ToolCall, place: string): Promise<boolean> {
    const exactly = visibleText(JSON.stringify(input, null, 2));
    const message = `${this.#handed.agent.title} wants to use ${tool.tool} (${tool.effects}) with:\n${exactly}`;
    const answer = await this.#context.ask<boolean>(`allow ${tool.name} ${place}`, { schema: { type: "boolean" }, message });
    return answer.by !== "timeout" && answer.value;
  }

  async #delegate({ input }: ToolCall, place: string): Promise<string> {
    const { capability, input: given = null } = isObject(input) ? (input as { capability?: Json; input?: Json }) : {};
    if (typeof capability !== "string" || this.#model.delegates?.includes(capability) !== true)
      return this.#wrong(`TOOL_NOT_ALLOWED: ${JSON.stringify(capability ?? null)} may not be handed on.`);
    const done = await this.#context.tryDelegate<Json>({ capability, input: given, name: `${DELEGATE} ${place}` });
    return done.ok ? this.#shown(done.output, null) : `It failed: ${cleanText(done.problem.detail).text.slice(0, 2_000)}`;
  }

  #shown(output: Json, tool: Tool | null): string {
    const { text, hidden } = cleanText(typeof output === "string" ? output : JSON.stringify(output));
    this.#flag(tool?.tool ?? DELEGATE, hidden);
    return text.length <= TOOL_OUTPUT_LENGTH_MAX
      ? text
      : `${text.slice(0, TOOL_OUTPUT_LENGTH_MAX)}… (${text.length} characters in all)`;
  }

  #flag(whose: string, hidden: number): void {
    if (hidden === 0) return;
    this.#context.log.warn(`${whose} has ${hidden} characters that cannot be seen; they were left out`);
  }

  // The result.

  /** Null where it is to be said again. */
  #read(said: Said): { readonly value: Json } | null {
    const { output } = this.#handed.task;
    if (!isObject(output)) return { value: cleanText(said.text).text };
    const schema = readServiceSchema(output as JsonSchema, "The output");
    const found = isText(output) ? fitting(cleanText(said.text).text.trim(), schema) : valueIn(said, schema);
    if (found.ok) return { value: found.value };
    if (++this.#repairs > REPAIRS_MAX)
      throw agentProblems.AGENT_OUTPUT_INVALID(`${this.#handed.agent.id} was told ${REPAIRS_MAX} times: ${found.why}`);
    this.#messages.push({ role: "user", content: `${found.why}\nAnswer again.${formOf(output)}` });
    return null;
  }

  #requireLength(): void {
    const length = this.#messages.reduce<number>((sum, one) => sum + JSON.stringify(one).length, 0);
    if (length > TALK_LENGTH_MAX)
      throw agentProblems.AGENT_LOOPS(`${this.#handed.agent.id} has talked for ${length} characters (TALK_LENGTH_MAX).`);
  }
}

function taskInWords({ capability, input, output }: PlainTask): string {
  const asked = typeof input === "string" ? input : JSON.stringify(input, null, 2);
  return `Task: ${capability}\n\n${asked}${isObject(output) ? formOf(output) : ""}`;
}

/** How an answer must look; of a text there is nothing to say where it may be any. */
function formOf(output: Readonly<Record<string, unknown>>): string {
  if (isText(output) && Object.keys(output).length === 1) return "";
  return `\n\nAnswer with ${isText(output) ? "the text" : "JSON"} alone that fits this JSON Schema:\n${JSON.stringify(output)}`;
}

/** What is asked for is a text, and comes as it is said. */
function isText({ type }: Readonly<Record<string, unknown>>): boolean {
  return type === "string";
}

function inputMistake(tool: Tool, input: Json): string | null {
  if (typeof input === "string") return `The input of ${tool.name} is no JSON object.`;
  if (JSON.stringify(input).length > TOOL_INPUT_LENGTH_MAX)
    return `The input of ${tool.name} is too long (TOOL_INPUT_LENGTH_MAX).`;
  if (!isObject(tool.input)) return null;
  const checked = readServiceSchema(tool.input as JsonSchema, `The input of ${tool.name}`).check(input);
  return checked.ok ? null : `The input of ${tool.name} does not fit: ${issuesInWords(checked.issues)}.`;
}

type Read = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly why: string };

/** Bytes of a model's answer that is read as JSON. */
const ANSWER_BYTES_MAX = 4 << 20;

/** JSON as it is, between fences, or what stands between the first brace and the last. */
function valueIn({ text, json }: Said, schema: Schema): Read {
  let value: Json;
  try {
    const written = unfenced(text);
    value = json ?? readJson(written, "Your answer", ANSWER_BYTES_MAX);
    const twice = json === undefined ? doubledKey(written) : null;
    if (twice !== null) return { ok: false, why: `Your answer has ${JSON.stringify(twice.slice(0, 80))} twice in one object.` };
  } catch (error) {
    if (!isProblemError(error)) throw error;
    return { ok: false, why: error.problem.detail.slice(0, 500) };
  }
  return fitting(value, schema);
}

function fitting(value: Json, schema: Schema): Read {
  const checked = schema.check(value);
  return checked.ok
    ? { ok: true, value: checked.value as Json }
    : { ok: false, why: `Your answer does not fit: ${issuesInWords(checked.issues)}.` };
}

function unfenced(text: string): string {
  const [, inside] = /```(?:json)?\s*\n([\s\S]*?)```/.exec(text) ?? [];
  if (inside !== undefined) return inside.trim();
  const [from, to] = [text.search(/[[{]/), Math.max(text.lastIndexOf("}"), text.lastIndexOf("]"))];
  return from >= 0 && to > from && !/^\s*["\d[{tfn-]/.test(text) ? text.slice(from, to + 1) : text.trim();
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
