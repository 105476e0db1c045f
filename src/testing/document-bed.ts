// One document tried: on a clock moved by hand, with scripted services, so that waits and retries pass at once.

import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import type { EventInit, Run } from "../run.ts";
import { readEvent } from "../run.ts";
import { securityProblems } from "../security.ts";
import { planOperation } from "../services.ts";
import {
  checkDocument,
  type Diagnostic,
  type Doer,
  documentWorkflow,
  type Fault,
  faultOf,
  type HttpAnswer,
  type HttpCall,
  readSource,
  type Workflow,
} from "../workflow.ts";
import { World } from "./world.ts";

export interface DocumentTrial {
  /** YAML or JSON. */
  readonly document: string;
  readonly file?: string;
  readonly input?: Json;
  readonly secrets?: Readonly<Record<string, Json>>;
  /** Documents that are known beside it. */
  readonly workflows?: readonly string[];
  /** Functions and workflows in code that are known beside it. */
  readonly code?: readonly Workflow[];
  readonly fetch: (request: ScriptedRequest) => Promise<ScriptedAnswer | { readonly fail: string }>;
  /** Told one by one, each once the run waits. */
  readonly events?: readonly EventInit[];
  /** Error types only as the specification spells them. */
  readonly strictTypes?: boolean;
  /** Dies at this commit and is carried on by another life. */
  readonly crashAt?: number;
}

export interface ScriptedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface DocumentOutcome {
  readonly status: "completed" | "faulted" | "canceled" | "waiting" | "invalid";
  readonly output?: Json;
  readonly error?: Fault;
  /** References of tasks in the order they began. */
  readonly order: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  /** Commits that were made until the end. */
  readonly commits: number;
}

/** How far time is moved in one go: a hundred years. */
const LEAP_MS = 100 * 366 * 86_400_000;

const LEAPS_MAX = 100_000;

export async function tryDocument(trial: DocumentTrial): Promise<DocumentOutcome> {
  const order: string[] = [];
  const diagnostics: Diagnostic[] = [];
  const workflows: Workflow[] = [...(trial.code ?? [])];
  const doer = scriptedDoer(trial, workflows, order);
  const main = read(trial.document, trial.file ?? "workflow.yaml", trial, doer, diagnostics);
  const others = (trial.workflows ?? []).map((text, at) =>
    read(text, `workflow-${at + 1}.yaml`, trial, silent(doer), diagnostics),
  );
  if (main === null || diagnostics.some(({ severity }) => severity === "error"))
    return { status: "invalid", order, diagnostics, commits: 0 };
  workflows.push(main, ...others.filter((one) => one !== null));
  let commits = 0;
  using world = new World({
    workflows,
    onCommit: () => {
      commits++;
    },
    ...(trial.crashAt === undefined ? {} : { death: { atCommit: trial.crashAt, mode: "after" } }),
  });
  const outcome = await carry(world, main, trial);
  return { ...outcome, order, diagnostics, commits };
}

function silent(doer: Doer): Doer {
  const { observe: _, ...rest } = doer;
  return rest;
}

function read(text: string, file: string, trial: DocumentTrial, doer: Doer, diagnostics: Diagnostic[]): Workflow | null {
  const source = readSource(text, file);
  if ("diagnostics" in source) {
    diagnostics.push(...source.diagnostics);
    return null;
  }
  const functions = (trial.code ?? []).map(({ name }) => name);
  diagnostics.push(...checkDocument(source, { functions }));
  if (diagnostics.some(({ severity }) => severity === "error")) return null;
  return documentWorkflow(source.value, doer) as Workflow;
}

async function carry(
  world: World,
  workflow: Workflow,
  trial: DocumentTrial,
): Promise<Pick<DocumentOutcome, "status" | "output" | "error">> {
  let id: Awaited<ReturnType<World["start"]>>;
  try {
    id = await world.start(workflow, trial.input ?? {});
    while (id === null && world.life < 3) {
      world.crash();
      id = await world.start(workflow, trial.input ?? {});
    }
  } catch (error) {
    if (isProblemError(error) && error.code === "INPUT_INVALID") return { status: "faulted", error: faultOf(error, "/") };
    throw error;
  }
  if (id === null) throw new Error("The run was not accepted.");
  const events = [...(trial.events ?? [])];
  for (let leaps = 0; leaps < LEAPS_MAX; leaps++) {
    await world.clock.settle();
    if (world.store.isDead) {
      world.crash();
      continue;
    }
    const run = world.run(id);
    if (isOver(run)) return shown(run);
    const event = events.shift();
    if (event !== undefined) await tell(world, event, trial.events?.length ?? 0, events.length);
    else if (!(await world.clock.advanceToNext(LEAP_MS))) return { status: "waiting" };
  }
  return { status: "waiting" };
}

async function tell(world: World, event: EventInit, of: number, left: number): Promise<void> {
  const whole = readEvent(event, { id: `event-${of - left}`, source: "/tests" }, world.clock.now());
  void world.carrier.events?.publish([whole]).catch(() => undefined);
  await world.clock.settle();
}

function isOver({ status }: Run): boolean {
  return status === "completed" || status === "failed" || status === "canceled" || status === "paused";
}

function shown(run: Run): Pick<DocumentOutcome, "status" | "output" | "error"> {
  if (run.status === "completed") return { status: "completed", output: run.output };
  if (run.status === "canceled") return { status: "canceled" };
  if (run.status !== "failed") throw new Error(`The run is ${JSON.stringify(run)}.`);
  const { code, facts, detail } = run.problem;
  if (code === "RUN_TIMEOUT") return { status: "faulted", error: timedOut(detail) };
  return { status: "faulted", error: facts as unknown as Fault };
}

/** The engine's own limit, in the words of the specification. */
function timedOut(detail: string): Fault {
  const type = "https://open-workflow-specification.org/spec/1.0.0/errors/timeout";
  return { type, status: 408, title: "Timeout", detail, instance: "/" };
}

function scriptedDoer(trial: DocumentTrial, workflows: readonly Workflow[], order: string[]): Doer {
  return {
    http: async (call) => answered(await trial.fetch(call), call),
    operation: (text, url, operationId, parameters) => planOperation(JSON.parse(text) as Json, url, operationId, parameters),
    strictErrorTypes: trial.strictTypes === true,
    secret: (name) => trial.secrets?.[name],
    function: (name) => workflows.find((one) => one.name === name.replace(/@.*$/, "").replace(/^.*\//, "")) ?? null,
    observe: ({ kind, reference }) => {
      if (kind === "began") order.push(reference);
    },
  };
}

function answered(answer: ScriptedAnswer | { readonly fail: string }, call: HttpCall): HttpAnswer {
  if ("fail" in answer) throw securityProblems.EGRESS_UNREACHABLE(`${new URL(call.url).host}: ${answer.fail}.`);
  const headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { status: answer.status, headers, body: Buffer.from(answer.body), url: call.url };
}
