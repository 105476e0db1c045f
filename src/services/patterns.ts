// Several calls: one after the other, or at once. Written like any workflow, by calls of the run; so a replay calls nobody
// again, and only what calls gave decides what follows.

import type { Json } from "../base/json.ts";
import type { Problem } from "../base/problem.ts";
import type { CallOptions, Context, Degradation } from "../workflow.ts";
import { servicesProblems } from "./problems.ts";

/** One call of several. */
export interface PlannedCall {
  /** `service/operation` or a capability. */
  readonly call: string;
  /** Names it in the journal and the results; its target and place where left out. */
  readonly name?: string;
  readonly options?: Omit<CallOptions, "name">;
}

/** In a sequence the input may be made of what came before. */
export interface SequencedCall extends PlannedCall {
  readonly input?: Json | ((before: Json, results: readonly CallResult[]) => Json);
}

export interface ParallelCall extends PlannedCall {
  readonly input?: Json;
}

/** What came of one call; `target` is who answered, null where nobody did. */
export type CallResult =
  | {
      readonly name: string;
      readonly ok: true;
      readonly output: Json;
      readonly target: string | null;
      readonly latencyMs: number;
      readonly degraded?: Degradation;
    }
  | { readonly name: string; readonly ok: false; readonly problem: Problem };

export interface SequenceResult {
  /** In order, as far as it came. */
  readonly results: readonly CallResult[];
  /** Of the last one. */
  readonly output: Json;
}

export interface SequenceOptions {
  /** `stop` (the default) throws what the first failed call threw; `continue` goes on, with null as its output. */
  readonly onFailure?: "stop" | "continue";
}

/** Calls one after the other; says how far it is. Throws SERVICE_FAILED, or whatever problem the failed call has. */
export async function sequence(
  context: Context,
  calls: readonly SequencedCall[],
  { onFailure = "stop" }: SequenceOptions = {},
): Promise<SequenceResult> {
  const results: CallResult[] = [];
  let before: Json = null;
  for (const [at, one] of calls.entries()) {
    const name = nameOf(one, at);
    context.progress(at, calls.length, name);
    const input = typeof one.input === "function" ? one.input(before, results) : (one.input ?? before);
    const result = await called(context, one, name, input);
    results.push(result);
    if (!result.ok && onFailure === "stop")
      throw failed(`The call "${name}" failed: ${result.problem.detail}`, result.problem, results);
    before = result.ok ? result.output : null;
  }
  context.progress(calls.length, calls.length);
  return { results, output: before };
}

/** How many results there must be. Of a `quorum` all are wanted, though fewer do; of `first` no more than that. */
export type Need = "all" | "best-effort" | { readonly quorum: number } | { readonly first: number };

export interface ParallelOptions {
  /** `all` where left out. With `quorum` and `first` the others are given up once there are so many. */
  readonly need?: Need;
  /** Calls under way at once; all where left out. */
  readonly concurrencyMax?: number;
}

export interface ParallelResult {
  /** In the order of the calls; those that were given up are not there. */
  readonly results: readonly CallResult[];
  /** Names of calls that gave nothing: they failed, or were not waited for. */
  readonly missing: readonly string[];
  /** Where some are missing that were wanted. The run's log says it, too. */
  readonly degraded?: Degradation;
}

/** Calls at once. Throws SERVICE_FAILED as soon as it is certain that what is needed cannot come. */
export async function parallel(
  context: Context,
  calls: readonly ParallelCall[],
  { need = "all", concurrencyMax = calls.length }: ParallelOptions = {},
): Promise<ParallelResult> {
  const wanted = wantedOf(need, calls.length);
  const failuresMax = need === "best-effort" ? calls.length : calls.length - wanted;
  const enough = new AbortController();
  const results = new Map<number, CallResult>();
  let succeeded = 0;
  const own = context.until(enough.signal);
  const one = async (at: number): Promise<void> => {
    const call = calls[at] as ParallelCall;
    const result = await called(own, call, nameOf(call, at), call.input ?? null);
    results.set(at, result);
    if (result.ok) succeeded++;
    context.progress(results.size, calls.length);
    const failures = results.size - succeeded;
    if (failures > failuresMax) throw failed(tooFew(need, calls, results), problemOf(result), [...results.values()]);
    if (succeeded >= wanted && need !== "all" && need !== "best-effort") enough.abort(ENOUGH);
  };
  await inLanes(calls.length, concurrencyMax, one, enough);
  const result = told(calls, results, need);
  const { degraded } = result;
  if (degraded !== undefined)
    context.log.warn(`${result.missing.join(", ")}: nothing came of ${result.missing.length} of ${calls.length} calls`, {
      degraded: { target: result.missing.join(", "), how: degraded.how, because: degraded.because },
    });
  return result;
}

/** Why the others are given up. */
const ENOUGH = new Error("there are enough results");

function wantedOf(need: Need, count: number): number {
  if (need === "best-effort") return 0;
  const wanted = need === "all" ? count : "quorum" in need ? need.quorum : need.first;
  if (Number.isInteger(wanted) && wanted >= 0 && wanted <= count) return wanted;
  throw servicesProblems.SERVICE_OPTION_INVALID(`${String(wanted)} of ${count} calls are needed.`, {
    fix: "A whole number, as many as there are calls at most.",
  });
}

async function inLanes(
  count: number,
  lanesMax: number,
  one: (at: number) => Promise<void>,
  enough: AbortController,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count && !enough.signal.aborted) {
      try {
        await one(next++);
      } catch (error) {
        if (error === ENOUGH) return;
        if (!enough.signal.aborted) enough.abort(ENOUGH); // nobody waits for the others any more
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(count, lanesMax)) }, lane));
}

function told(calls: readonly ParallelCall[], results: ReadonlyMap<number, CallResult>, need: Need): ParallelResult {
  const names = calls.map(nameOf);
  const inOrder = [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result);
  const missing = names.filter((_, at) => results.get(at)?.ok !== true);
  const failed = inOrder.filter(({ ok }) => !ok);
  const isWhole = typeof need === "object" && "quorum" in need ? missing.length === 0 : failed.length === 0;
  if (isWhole) return { results: inOrder, missing };
  const because = [...failed.map(whyOf), ...notAwaited(missing, failed)].join(" ");
  return { results: inOrder, missing, degraded: { how: "partial", because, missing } };
}

function whyOf(result: CallResult): string {
  return result.ok ? "" : `${result.name}: ${result.problem.detail}`;
}

function notAwaited(missing: readonly string[], failed: readonly CallResult[]): string[] {
  const names = missing.filter((name) => !failed.some((one) => one.name === name));
  return names.map((name) => `${name}: it was not waited for.`);
}

function tooFew(need: Need, calls: readonly ParallelCall[], results: ReadonlyMap<number, CallResult>): string {
  const failed = [...results.values()].filter(({ ok }) => !ok);
  const names = failed.map(({ name }) => `"${name}"`).join(", ");
  const needed = wantedOf(need, calls.length);
  return `${needed} of ${calls.length} calls are needed, and these failed: ${names}. ${failed.map(whyOf).join(" ")}`;
}

function problemOf(result: CallResult): Problem | null {
  return result.ok ? null : result.problem;
}

function failed(sentence: string, problem: Problem | null, results: readonly CallResult[]): Error {
  return servicesProblems.SERVICE_FAILED(sentence, {
    facts: { problem, results: results.map(({ name, ok }) => ({ name, ok })) },
    ...(problem?.fix === undefined ? {} : { fix: problem.fix }),
  });
}

function nameOf({ name, call }: PlannedCall, at: number): string {
  return name ?? `${call} ${at + 1}`;
}

async function called(context: Context, { call, options }: PlannedCall, name: string, input: Json): Promise<CallResult> {
  const found = await context.tryCall(call, input, { ...options, name });
  if (!found.ok) return { name, ok: false, problem: found.problem };
  const { output, target, latencyMs, degraded } = found;
  return { name, ok: true, output, target, latencyMs, ...(degraded === undefined ? {} : { degraded }) };
}
