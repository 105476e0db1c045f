// Lines before gates: runs and steps of which only so many may be under way, or begin, at once.
//
// A run in line is `pending` on disk, with its place; who was let through keeps its slot until it ends. A step stands in
// line only in memory: after a crash it asks again. What counts in a rate is on disk before it begins.

import type { Timer } from "../base/clock.ts";
import { canonicalJson, type Json } from "../base/json.ts";
import { Gates, inWords, type Limit, readLimit } from "../flow.ts";
import { limits, runProblems } from "../run.ts";
import type { FreeChange, RunChange, Store } from "../store.ts";
import type { LimitOptions, Workflow } from "../workflow.ts";
import type { Lining } from "./operation.ts";
import type { Engine, Place } from "./port.ts";

const PRIORITY = 5;

/** Those who wait, each told once when it may go. */
export class Lines implements Lining {
  readonly #engine: Engine;
  readonly #gates = new Gates();
  readonly #waiting = new Map<string, (at: number) => void>();
  /** Numbers of runs that stand or hold. */
  readonly #runs = new Set<number>();
  #timer: Timer | null = null;
  #isAsked = false;

  constructor(engine: Engine, store: Pick<Store, "lines" | "passes"> | null) {
    this.#engine = engine;
    if (store !== null) this.#recall(store);
  }

  /** What an earlier life let through. */
  #recall(store: Pick<Store, "lines" | "passes">): void {
    for (const { gate, limitText, run, isPassed } of readAll((after) => store.lines(after, limits.PAGE_SIZE))) {
      this.#gates.setLimit(gate, JSON.parse(limitText) as Limit);
      this.#runs.add(run);
      if (isPassed) this.#gates.hold(gate, runTicket(run));
    }
    for (const { gate, at } of readAll((after) => store.passes(after, limits.PAGE_SIZE))) this.#gates.passed(gate, at);
  }

  /** `go` is called when it may, in a turn of its own, with the moment; never when it leaves before. */
  ask(id: string, { gate, limit, priority }: Place, askedAt: number, go: (at: number) => void): void {
    this.#gates.setLimit(gate, limit);
    this.#waiting.set(id, go);
    this.#gates.ask({ id, gate, priority, askedAt });
    this.#admitSoon();
  }

  leave(id: string): void {
    this.#waiting.delete(id);
    this.#gates.leave(id);
    this.#admitSoon();
  }

  /** What it waits for, in words; null where it does not wait. */
  why(id: string): string | null {
    const now = this.#engine.clock.now();
    const waiting = this.#gates.why(id, now);
    return waiting === null ? null : inWords(waiting, now);
  }

  askRun(run: number, place: Place, askedAt: number, go: (at: number) => void): void {
    this.#runs.add(run);
    this.ask(runTicket(run), place, askedAt, go);
  }

  /** It ended, or is to wait no longer. */
  leaveRun(run: number): void {
    this.leave(runTicket(run));
  }

  /** Whether an end is to be told here; asked once, at the end. */
  forgetRun(run: number): boolean {
    return this.#runs.delete(run);
  }

  /** Once a turn, however many came and went in it. */
  #admitSoon(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#engine.clock.soon(() => {
      this.#isAsked = false;
      this.#admit();
    });
  }

  #admit(): void {
    const now = this.#engine.clock.now();
    for (const { id } of this.#gates.admit(now)) {
      const go = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (go === undefined) this.#gates.leave(id);
      else go(now);
    }
    this.#timer?.cancel();
    const nextAt = this.#gates.nextAt();
    if (nextAt !== null) this.#timer = this.#engine.clock.after(Math.max(1, nextAt - now), () => this.#admitSoon());
  }

  stop(): void {
    this.#timer?.cancel();
  }
}

function runTicket(run: number): string {
  return `run ${run}`;
}

/** What is written down of somebody who was let through, where a rate counts it. */
export function passOf({ gate, limit }: Place, at: number): FreeChange[] {
  return limit.rate === undefined ? [] : [{ kind: "pass", gate, at }];
}

/** Throws FLOW_LIMIT_INVALID where a workflow's limit cannot be understood. */
export function requireLimit({ limit, namespace, name }: Workflow): void {
  if (limit === null || limit === undefined) return;
  const { key: _key, priority: _priority, ...rest } = limit;
  readLimit(rest, `limit of ${namespace}/${name}`);
}

/** Where a new run of a workflow stands; null where it need not. Throws FLOW_LIMIT_INVALID / OPTION_INVALID. */
export function placeOfRun(workflow: Workflow, input: unknown): Place | null {
  const { limit, namespace, name } = workflow;
  if (limit === null || limit === undefined) return null;
  const where = `limit of ${namespace}/${name}`;
  const { key, priority, ...rest } = limit;
  const own = key === undefined ? "" : `/${keyText(said(key, input, `The key of the ${where}`), where)}`;
  const chosen = said(priority, input, `The priority of the ${where}`);
  return { gate: `${namespace}/${name}${own}`, limit: readLimit(rest, where), priority: readPriority(chosen, where) };
}

/** What a workflow says of an input, or of all. */
function said(value: unknown, input: unknown, what: string): unknown {
  if (typeof value !== "function") return value;
  try {
    return value(input) as unknown;
  } catch (error) {
    throw runProblems.OPTION_INVALID(`${what} threw: ${error instanceof Error ? error.message : String(error)}.`, {
      cause: error,
    });
  }
}

/** Where a step stands; null where it need not. */
export function placeOfStep(options: LimitOptions | undefined, workflow: string, step: string): Place | null {
  if (options === undefined) return null;
  const where = `limit of step "${step}"`;
  const { key, priority, ...rest } = options;
  const gate = key === undefined ? `${workflow} ${step}` : keyText(key, where);
  return { gate: `step ${gate}`, limit: readLimit(rest, where), priority: readPriority(priority, where) };
}

function keyText(key: unknown, where: string): string {
  const text = typeof key === "string" ? key : canonicalJson((key ?? null) as Json);
  if (text === "" || text.length > limits.NAME_LENGTH_MAX || !text.isWellFormed())
    throw runProblems.OPTION_INVALID(`The key of the ${where} has 1 to ${limits.NAME_LENGTH_MAX} characters.`);
  return text;
}

function readPriority(priority: unknown, where: string): number {
  if (priority === undefined) return PRIORITY;
  if (typeof priority === "number" && Number.isInteger(priority) && priority >= 1 && priority <= 9) return priority;
  throw runProblems.OPTION_INVALID(`The priority of the ${where} is ${String(priority)}; it is 1 (first) to 9 (last).`);
}

/** As it is kept with the run. */
export function lineChange({ gate, limit, priority }: Place, askedAt: number): RunChange {
  return { kind: "line", gate, limitText: JSON.stringify(limit), priority, askedAt };
}

function* readAll<Row extends { readonly seq: number }>(read: (afterSeq: number) => readonly Row[]): Generator<Row> {
  for (let after = 0; ; ) {
    const page = read(after);
    yield* page;
    if (page.length < limits.PAGE_SIZE) return;
    after = page.at(-1)?.seq ?? after;
  }
}
