// Shapes of work among agents, as plain durable functions over the Context: whoever writes a workflow, or an agent that leads
// others, calls them; each delegation in them is one like any other, in the journal, within the terms of whoever asks.
//
//  1. No shape hides a failure: what is missing is named, with who was tried and why it did not do it.
//  2. A checker is never who made what it checks.
//  3. What several do at once they do within one budget; who is not needed any more is given up.

import type { Json } from "../base/json.ts";
import type { Problem } from "../base/problem.ts";
import { type Context, type Delegated, mapLimit, type Task } from "../workflow.ts";
import type { AgentDefinition } from "./agent.ts";
import { agent } from "./definition.ts";
import { agentProblems } from "./problems.ts";

/** A task of several; named in the journal and in results. */
export type Piece = Task & { readonly name: string };

export interface PieceResult {
  readonly name: string;
  readonly done: Delegated<Json>;
}

/** How many must be done: all, so many, or as many as can be. */
export type Need = "all" | "best-effort" | { readonly quorum: number };

export interface Gathered {
  /** In the order of the pieces. */
  readonly results: readonly PieceResult[];
  /** Outputs of those that were done, in the same order. */
  readonly outputs: readonly Json[];
  /** Names of those that were not. */
  readonly missing: readonly string[];
  readonly costUsd: number;
  readonly tokens: number;
}

export interface GatherOptions {
  /** `all` where left out. */
  readonly need?: Need;
  /** Delegations under way at once; 16 where left out. */
  readonly atOnceMax?: number;
}

const AT_ONCE_MAX = 16;

/** Pieces of one piece of work: protects budgets and patience. */
export const PIECES_MAX = 1_000;

/** Several tasks at once. Throws DELEGATION_FAILED where fewer were done than are needed. */
export async function fanOut(context: Context, pieces: readonly Piece[], options: GatherOptions = {}): Promise<Gathered> {
  const { need = "all", atOnceMax = AT_ONCE_MAX } = options;
  if (pieces.length > PIECES_MAX)
    throw agentProblems.TASK_INVALID(`${pieces.length} pieces are more than ${PIECES_MAX} (PIECES_MAX).`);
  let ended = 0;
  const results = await mapLimit(pieces, atOnceMax, async (piece): Promise<PieceResult> => {
    const done = await context.tryDelegate<Json>(piece);
    context.progress(++ended, pieces.length, piece.name);
    return { name: piece.name, done };
  });
  return enough(context, results, need);
}

function enough(context: Context, results: readonly PieceResult[], need: Need): Gathered {
  const done = results.flatMap(({ done: one }) => (one.ok ? [one] : []));
  const missing = results.flatMap(({ name, done: one }) => (one.ok ? [] : [name]));
  const wanted = need === "all" ? results.length : need === "best-effort" ? 0 : Math.min(need.quorum, results.length);
  const sum = (of: (one: (typeof done)[number]) => number): number => done.reduce((total, one) => total + of(one), 0);
  if (done.length < wanted)
    throw agentProblems.DELEGATION_FAILED(
      `${wanted} of ${results.length} are needed, and these were not done: ${results.flatMap(whyNot).join(" ")}`,
      { facts: { missing } },
    );
  if (missing.length > 0)
    context.log.warn(`${missing.length} of ${results.length} pieces are missing: ${missing.join(", ")}`, {
      degraded: { target: "pieces", how: "partial", because: results.flatMap(whyNot).join(" ").slice(0, 2_000) },
    });
  return {
    results,
    outputs: done.map(({ output }) => output),
    missing,
    costUsd: sum((one) => one.costUsd),
    tokens: sum((one) => one.tokens),
  };
}

function whyNot({ name, done }: PieceResult): string[] {
  return done.ok ? [] : [`${name}: ${done.problem.detail}`];
}

export interface HubOptions extends GatherOptions {
  /** Divides the work among specialists; a task gives `[{ name?, capability, input }]`. */
  readonly split: Task | ((input: Json) => readonly Piece[] | Promise<readonly Piece[]>);
  /** Puts the results together; a task is given `{ input, results: [{ name, output }], missing }`. */
  readonly merge:
    | Task
    | ((
        results: readonly { readonly name: string; readonly output: Json }[],
        missing: readonly string[],
      ) => Json | Promise<Json>);
}

export interface Merged extends Gathered {
  readonly output: Json;
}

/** Hub and spoke: work is divided, done by specialists at once, each result checked, and put together. */
export async function hub(context: Context, input: Json, options: HubOptions): Promise<Merged> {
  const pieces = await piecesOf(context, input, options.split);
  const gathered = await fanOut(context, pieces, options);
  const parts = gathered.results.flatMap(({ name, done }) => (done.ok ? [{ name, output: done.output }] : []));
  const { merge } = options;
  if (typeof merge === "function") return { ...gathered, output: await merge(parts, gathered.missing) };
  const given = { input, results: parts, missing: gathered.missing };
  const output = await context.delegate<Json>({ name: "merge", ...merge, input: given });
  return { ...gathered, output };
}

async function piecesOf(context: Context, input: Json, split: HubOptions["split"]): Promise<readonly Piece[]> {
  if (typeof split === "function") return await split(input);
  const found = await context.delegate<Json>({ name: "split", ...split, input });
  if (!Array.isArray(found)) throw agentProblems.AGENT_OUTPUT_INVALID("Who divides the work gives no list of tasks.");
  return (found as readonly Partial<Piece>[]).map((piece, at) => {
    const { name = `piece ${at + 1}`, capability = "", input: given = null } = piece;
    return { name: String(name), capability: String(capability), input: given };
  });
}

/** A lead of a hierarchy: an agent that divides its task, hands the parts on, and answers with what they come to. */
export function lead(
  written: Omit<AgentDefinition, "run" | "act" | "model" | "process" | "workflow" | "person"> & HubOptions,
): AgentDefinition {
  const { split, merge, need, atOnceMax, ...definition } = written;
  const options = { split, merge, ...(need === undefined ? {} : { need }), ...(atOnceMax === undefined ? {} : { atOnceMax }) };
  return agent({ ...definition, run: async (context: Context, input: Json) => (await hub(context, input, options)).output });
}

/** One after the other: each is given what the one before gave. */
export async function relay(
  context: Context,
  input: Json,
  tasks: readonly (Omit<Task, "input"> & { readonly name: string })[],
): Promise<Json> {
  let given = input;
  for (const [at, task] of tasks.entries()) {
    given = await context.delegate<Json>({ ...task, input: given });
    context.progress(at + 1, tasks.length, task.name);
  }
  return given;
}

/** The same task to several agents at once: the first right result counts, the others are given up. */
export async function race(context: Context, task: Task, agents: readonly string[]): Promise<Delegated<Json>> {
  const over = new AbortController();
  const own = context.until(over.signal);
  const running = agents.map((to) => own.tryDelegate<Json>({ ...task, to, name: `${task.name ?? task.capability} by ${to}` }));
  for (const one of running) one.catch(() => undefined);
  try {
    return await firstDone(running, task);
  } finally {
    over.abort(new Error("another was first"));
  }
}

function firstDone(running: readonly Promise<Delegated<Json>>[], { capability }: Task): Promise<Delegated<Json>> {
  const failed: Problem[] = [];
  return new Promise((resolve, reject) => {
    for (const one of running)
      one.then((done) => {
        if (done.ok) return resolve(done);
        failed.push(done.problem);
        if (failed.length < running.length) return;
        const problem = agentProblems.DELEGATION_FAILED(
          `None of ${running.length} did ${capability}. ${failed.map(({ detail }) => detail).join(" ")}`,
        ).problem;
        resolve({ ok: false, problem, refusal: null, tried: [] });
      }, reject);
  });
}

export interface MapReduceOptions extends GatherOptions {
  /** A task for each item. */
  readonly map: (item: Json, at: number) => Task;
  /** Puts two or more together; a task is given them as a list. */
  readonly reduce: Task | ((outputs: readonly Json[]) => Json | Promise<Json>);
}

/** A task for each item, and one for what they come to. */
export async function mapReduce(context: Context, items: readonly Json[], options: MapReduceOptions): Promise<Merged> {
  const pieces = items.map((item, at): Piece => ({ name: `item ${at + 1}`, ...options.map(item, at) }));
  const { reduce } = options;
  const gathered = await fanOut(context, pieces, options);
  const output =
    typeof reduce === "function"
      ? await reduce(gathered.outputs)
      : await context.delegate<Json>({ name: "reduce", ...reduce, input: gathered.outputs });
  return { ...gathered, output };
}

export interface MakerCheckerOptions {
  /** Is given the input, and from the second round on `{ input, draft, because }`. */
  readonly maker: Omit<Task, "input">;
  /** Is given `{ input, draft }`, and gives `{ ok, because }`. Never who made it. */
  readonly checker: Omit<Task, "input">;
  /** Drafts at most; 3 where left out. */
  readonly roundsMax?: number;
}

export interface Checked {
  readonly output: Json;
  readonly rounds: number;
  /** Who made what was accepted. */
  readonly maker: string | null;
}

const ROUNDS_MAX = 3;

/** Made, checked, and made again with what was wrong. Throws AGENT_OUTPUT_INVALID where no draft is accepted. */
export async function makerChecker(context: Context, input: Json, options: MakerCheckerOptions): Promise<Checked> {
  const { maker, checker, roundsMax = ROUNDS_MAX } = options;
  let given: Json = input;
  for (let round = 1; ; round++) {
    const made = await context.tryDelegate<Json>({ ...maker, input: given, name: `draft ${round}` });
    if (!made.ok) throw agentProblems.DELEGATION_FAILED(made.problem.detail, { facts: { tried: made.tried } });
    const draft = made.output;
    const { ok, because } = await verdictOn(context, { input, draft }, checker, made.agent, round);
    if (ok) return { output: draft, rounds: round, maker: made.agent };
    if (round === roundsMax)
      throw agentProblems.AGENT_OUTPUT_INVALID(`No draft was accepted in ${round} rounds (roundsMax): ${because}`);
    given = { input, draft, because };
  }
}

async function verdictOn(
  context: Context,
  asked: { readonly input: Json; readonly draft: Json },
  checker: Omit<Task, "input">,
  maker: string | null,
  round: number,
): Promise<{ readonly ok: boolean; readonly because: string }> {
  const others = maker === null ? {} : { except: maker }; // 2
  const checked = await context.tryDelegate<Json>({ ...checker, ...others, input: asked, name: `check ${round}` });
  if (!checked.ok) throw agentProblems.DELEGATION_FAILED(checked.problem.detail, { facts: { tried: checked.tried } });
  const { ok = checked.output, because = "" } = (
    typeof checked.output === "object" && checked.output !== null ? checked.output : {}
  ) as {
    ok?: Json;
    because?: Json;
  };
  return { ok: ok === true, because: String(because) };
}
