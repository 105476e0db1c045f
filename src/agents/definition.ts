// Definitions of agents read: manifests in YAML or JSON checked with places, and what they and TypeScript say made an agent.

import type { Json } from "../base/json.ts";
import { mistakeIn } from "../jq.ts";
import {
  type Diagnostic,
  isWorkflow,
  type JsonSchema,
  piecesOf,
  placed,
  Report,
  readSchema,
  readServiceSchema,
  readSource,
  type Schema,
  type Source,
  shapes,
  Trail,
} from "../workflow.ts";
import { AGENT_LIMITS, AGENT_PRIORITY, type Agent, type AgentDefinition, type AgentWork, PERSON_LIMITS } from "./agent.ts";
import { agentProblems } from "./problems.ts";

const { anything, byType, integer, list, number, object, text, textLike, words } = shapes;

type Shape = shapes.Shape;
type Members = Readonly<Record<string, Json>>;

/** What agents are called by. */
export const AGENT_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

const CAPABILITY = /^[A-Za-z][\w-]*(\.[A-Za-z][\w-]*)*$/;

const name = textLike(AGENT_NAME, "a name", "Letters, digits, `-` and `_`, at most 63.");
const capability = textLike(CAPABILITY, "a capability", "Words with dots between them, like write.brief.");
const version = textLike(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/, "a semantic version", "Write it like 1.0.0.");
const url = textLike(/^https?:\/\/[^\s]+$/, "a URL", "Write it like http://127.0.0.1:8700.");
const target = textLike(/^[\w.-]+\/[\w.:-]+$/, "a tool", "Write it as service/operation.");
const secret = textLike(/^[A-Za-z][\w.-]{0,127}$/, "the name of a secret", "Set it with `baton secrets set NAME`.");
const schema: Shape = byType({ object: anything }, "a JSON Schema");
const usd = number(0, 1e6);
const spanMs = integer(1, 86_400_000);
const who = byType({ text, list: list(text) }, "a name or a list of them");

const tool = object(
  {
    tool: target,
    name: textLike(/^[A-Za-z0-9_-]{1,64}$/, "a name", "Letters, digits, `_` and `-`."),
    description: text,
    approval: words("always", "never"),
  },
  { required: ["tool"] },
);

const model = object(
  {
    ...{ instructions: text, model: text, via: text, temperature: number(0, 2), maxTokens: integer(1, 1_000_000) },
    tools: list(byType({ text: target, object: tool }, "a tool")),
    ...{ delegates: list(capability), turnsMax: integer(1, 1_000), stream: text },
  },
  { required: ["instructions"] },
);

const definition = object(
  {
    ...{ agent: name, version, title: text, description: text, owner: text, input: schema, output: schema },
    capabilities: list(capability, { atLeastOne: true }),
    ...{ priceUsd: usd, typicalLatencyMs: spanMs, priority: integer(1, 1_000_000) },
    limits: object({
      ...{ concurrency: integer(1, 100_000), timeoutMs: spanMs, tokens: integer(1, 1e12), usd, calls: integer(1, 1e9) },
    }),
    model,
    process: object({ url, secret, leaseMs: integer(1_000, 3_600_000), pollMs: integer(10, 60_000) }, { required: ["url"] }),
    workflow: text,
    person: object({ to: who, question: text, timeoutMs: spanMs }),
  },
  { required: ["agent", "capabilities"] },
);

const WAYS = ["model", "process", "workflow", "person"] as const;

/** A manifest: what is kept of agents that were added. */
export type AgentDocument = Members & { readonly agent: string };

/** Whether a document that was read is meant as an agent. */
export function isAgentDocument(value: Json): boolean {
  return typeof value === "object" && value !== null && "agent" in value && !("document" in value) && !("service" in value);
}

export interface ReadAgent {
  readonly diagnostics: readonly Diagnostic[];
  /** Null where it is wrong. */
  readonly document: AgentDocument | null;
}

/** Reads YAML or JSON and says everything that is wrong with it. */
export function readAgentDefinition(written: string | Uint8Array, file: string): ReadAgent {
  const source = readSource(written, file);
  if (!("value" in source)) return { diagnostics: source.diagnostics, document: null };
  return checkedAgent(source);
}

/** The same of one that came as a value and has no text: places are of its whole. */
export function checkAgentValue(value: Json): ReadAgent {
  const whole = { file: "definition", line: 1, column: 1, endLine: 1, endColumn: 2 };
  return checkedAgent({ value, places: { at: () => whole, key: () => whole, inside: () => whole } });
}

export function checkedAgent({ value, places }: Source): ReadAgent {
  const report = new Report();
  definition(value, Trail.root, report);
  if (shapes.isObject(value)) checkMeaning(value, report);
  const diagnostics = placed(report.findings, places);
  const isWrong = diagnostics.some(({ severity }) => severity === "error");
  return { diagnostics, document: isWrong ? null : (value as AgentDocument) };
}

function checkMeaning(value: Members, report: Report): void {
  const at = Trail.root;
  const ways = WAYS.filter((way) => value[way] !== undefined);
  if (ways.length === 0)
    report.add("DOC_KEY_MISSING", at, "An agent does not say how it works.", { fix: `Add one of: ${WAYS.join(", ")}.` });
  if (ways.length > 1) report.add("DOC_TASK_AMBIGUOUS", at, `The agent works by ${ways.join(" and ")}; it takes one of them.`);
  for (const field of ["input", "output"]) checkSchema(value[field], at.child(field), report);
  const { question } = shapes.isObject(value.person) ? value.person : {};
  if (typeof question === "string") checkQuestion(question, at.child("person").child("question"), report);
}

function checkSchema(written: Json | undefined, at: Trail, report: Report): void {
  if (!shapes.isObject(written)) return;
  try {
    readServiceSchema(written, "It");
  } catch (error) {
    report.add("DOC_SCHEMA", at, error instanceof Error ? error.message : String(error));
  }
}

function checkQuestion(question: string, at: Trail, report: Report): void {
  for (const piece of piecesOf(question)) {
    const found = typeof piece === "string" ? null : mistakeIn(piece.program, { variables: [] });
    if (found !== null && typeof piece !== "string")
      report.add("DOC_JQ_SYNTAX", at, found.message, { offset: piece.at + found.offset });
  }
}

// What it means.

/** Marks an agent across copies of Baton: a file may have found its own. */
const MARK = Symbol.for("batonflow.agent");

/** An agent written in TypeScript, for `openBaton({ agents })` or a workflow's file. Throws AGENT_DEFINITION_INVALID. */
export function agent(written: AgentDefinition): AgentDefinition {
  agentOf(written);
  return Object.defineProperty({ ...written }, MARK, { value: true });
}

export function isAgent(value: unknown): value is AgentDefinition {
  return typeof value === "object" && value !== null && MARK in value;
}

/** The agent of a manifest that was checked. Throws AGENT_DEFINITION_INVALID. */
export function agentOfDocument(document: AgentDocument): Agent {
  return agentOf(document as unknown as AgentDefinition);
}

/** Throws AGENT_DEFINITION_INVALID. */
export function agentOf(written: AgentDefinition): Agent {
  const id = written.agent;
  if (typeof id !== "string" || !AGENT_NAME.test(id)) throw invalid(`${JSON.stringify(id ?? null)} is no name of an agent`);
  const { capabilities } = written;
  if (!Array.isArray(capabilities) || capabilities.length === 0) throw invalid(`The agent ${id} has no capabilities`);
  const strange = capabilities.find((one) => typeof one !== "string" || !CAPABILITY.test(one));
  if (strange !== undefined) throw invalid(`The agent ${id} has the capability ${JSON.stringify(strange)}, which is none`);
  return {
    id,
    version: written.version ?? "1.0.0",
    title: written.title ?? id,
    description: written.description ?? null,
    owner: written.owner ?? null,
    capabilities: [...capabilities],
    input: schemaOf(written.input, `The input of ${id}`),
    output: schemaOf(written.output, `The output of ${id}`),
    priceUsd: requireNumber(written.priceUsd ?? 0, `The price of ${id}`),
    typicalLatencyMs: written.typicalLatencyMs ?? null,
    priority: written.priority ?? AGENT_PRIORITY,
    limits: { ...(written.person === undefined ? AGENT_LIMITS : PERSON_LIMITS), ...written.limits },
    work: workOf(written),
  };
}

function workOf({ agent: id, act, run, model: asked, process, workflow, person }: AgentDefinition): AgentWork {
  const works: AgentWork[] = [
    ...(act === undefined ? [] : [{ kind: "function" as const, act }]),
    ...(run === undefined ? [] : [{ kind: "steps" as const, run }]),
    ...(asked === undefined ? [] : [{ kind: "model" as const, model: asked }]),
    ...(process === undefined ? [] : [{ kind: "process" as const, process }]),
    ...(workflow === undefined ? [] : [{ kind: "workflow" as const, workflow }]),
    ...(person === undefined ? [] : [{ kind: "person" as const, person }]),
  ];
  const [work, second] = works;
  if (work === undefined)
    throw invalid(`The agent ${id} does not say how it works`, "Give it act, run, model, process, workflow or person.");
  if (second !== undefined) throw invalid(`The agent ${id} works by ${work.kind} and ${second.kind}; it takes one of them`);
  if ([act, run].some((one) => one !== undefined && typeof one !== "function"))
    throw invalid(`What agent ${id} does is no function`);
  if (work.kind === "workflow" && typeof work.workflow !== "string" && !isWorkflow(work.workflow))
    throw invalid(`The workflow of agent ${id} is neither a workflow nor the name of one`);
  return work;
}

function schemaOf(written: AgentDefinition["input"], what: string): Schema | null {
  if (written === undefined) return null;
  const isStandard = typeof written !== "boolean" && "~standard" in written;
  return isStandard ? readSchema(written, what) : readServiceSchema(written as JsonSchema | boolean, what);
}

function requireNumber(value: number, what: string): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw invalid(`${what} is ${String(value)}; it is a number, 0 or more`);
}

function invalid(sentence: string, fix?: string): Error {
  return agentProblems.AGENT_DEFINITION_INVALID(`${sentence}.`, fix === undefined ? {} : { fix });
}
