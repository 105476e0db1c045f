// The work that is killed: every kind of operation once or more. Every attempt of a step adds a line to a file outside,
// with a mark of its own; the output holds what the steps gave, so that one can tell which attempt's result was kept.

import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type Context, type RunId, type Signal, type StepContext, type StepOptions, workflow } from "batonflow";

/** In the directory in which the command is typed. */
export const ACTED_FILE = "acted.txt";

/** What one attempt of a step did: a line outside, and the step's result where it is the attempt that was recorded. */
export interface Act {
  readonly run: string;
  /** Tells it from every other step of its run, also after `continueAs`. */
  readonly label: string;
  readonly key: string;
  /** Of this attempt and no other. */
  readonly mark: string;
}

/** In place of the result of a step that may act at most once, and was interrupted. */
export const INTERRUPTED = "interrupted";

export interface Done {
  readonly run: string;
  readonly acts: readonly Act[];
  /** What came by signals and through children. */
  readonly told: readonly unknown[];
}

const SEQUENTIAL = ["one", "two", "three", "four", "five"];
const PARALLEL = ["left", "right", "front", "back"];
const CHILDREN = ["ann", "ben", "cy"];
const ROUNDS = 3;
const SUCCEEDS_AT_ATTEMPT = 3;

/** Of the acts in `Done`, in order. */
export const LABELS: readonly string[] = [
  ...SEQUENTIAL,
  ...PARALLEL,
  ...["flaky", "slow", "once"],
  ...CHILDREN.map((name) => `child ${name}`),
  ...["echo", "launched"],
  ...Array.from({ length: ROUNDS }, (_, done) => `round ${done}`),
];

/** A step of a run acts only when the results of those with a lower rank are recorded. */
export function rankOf(label: string): number {
  return PARALLEL.includes(label) ? SEQUENTIAL.length : LABELS.indexOf(label);
}

/** What `told` must be in `Done`. */
export const toldOf = (n: number): readonly unknown[] => [n, n + 1];

function tell(ctx: Context, step: StepContext, label: string): Act {
  const act = { run: ctx.info.run, label, key: step.idempotencyKey, mark: randomUUID() };
  appendFileSync(ACTED_FILE, `${JSON.stringify(act)}\n`);
  return act;
}

function act(ctx: Context, label: string, ms: number, options?: StepOptions): Promise<Act> {
  const work = async (step: StepContext): Promise<Act> => {
    const told = tell(ctx, step, label);
    if (step.attempt < (options?.retry ? SUCCEEDS_AT_ATTEMPT : 1)) throw new Error("not yet");
    await delay(ms);
    return told;
  };
  return ctx.step(label, work, options);
}

async function actOnce(ctx: Context, label: string): Promise<Act> {
  try {
    return await act(ctx, label, 80, { delivery: "at-most-once" });
  } catch (error) {
    if ((error as { code?: string }).code !== "STEP_INTERRUPTED") throw error;
    return { run: ctx.info.run, label, key: INTERRUPTED, mark: INTERRUPTED };
  }
}

async function received<T>(waiting: Promise<Signal<T>>): Promise<T> {
  const signal = await waiting;
  if (!signal.received) throw new Error("a wait without an end ended");
  return signal.value;
}

const child = workflow({
  name: "child",
  run: async (ctx, name: string) => {
    await ctx.sleep("wake up", 10);
    return await act(ctx, `child ${name}`, 10);
  },
});

/** Says where it is, waits to be spoken to, and gives back what it heard. */
const echo = workflow({
  name: "echo",
  run: async (ctx, parent: RunId) => {
    await ctx.sendSignal(parent, "here", ctx.info.run);
    const heard = await received(ctx.waitSignal<number>("say"));
    return { heard, act: await act(ctx, "echo", 5) };
  },
});

/** Goes its own way, and says when it has acted. */
const launched = workflow({
  name: "launched",
  run: async (ctx, parent: RunId) => ctx.sendSignal(parent, "launched", { ...(await act(ctx, "launched", 5)) }),
});

interface Rounds {
  readonly left: number;
  readonly acts: readonly Act[];
}

const rounds = workflow({
  name: "rounds",
  run: async (ctx, { left, acts }: Rounds): Promise<readonly Act[]> => {
    const all = [...acts, await act(ctx, `round ${acts.length}`, 5)];
    return left === 1 ? all : ctx.continueAs({ left: left - 1, acts: all.map((one) => ({ ...one })) });
  },
});

interface Work {
  readonly n: number;
  /** What the first half gave; the run continues as its second half. */
  readonly acts?: readonly Act[];
}

export default workflow({
  name: "work",
  run: async (ctx, { n, acts }: Work): Promise<Done> => {
    if (acts !== undefined) return await secondHalf(ctx, n, acts);
    return ctx.continueAs({ n, acts: (await firstHalf(ctx)).map((one) => ({ ...one })) });
  },
});

async function firstHalf(ctx: Context): Promise<readonly Act[]> {
  const acts: Act[] = [];
  for (const label of SEQUENTIAL) acts.push(await act(ctx, label, 8));
  acts.push(...(await Promise.all(PARALLEL.map((label, index) => act(ctx, label, 8 * index)))));
  acts.push(await act(ctx, "flaky", 5, { retry: { attemptsMax: 1_000, firstDelayMs: 15, delayMsMax: 15 } }));
  acts.push(await act(ctx, "slow", 130)); // its start is recorded too
  acts.push(await actOnce(ctx, "once"));
  return acts;
}

async function secondHalf(ctx: Context, n: number, before: readonly Act[]): Promise<Done> {
  const children = await Promise.all(CHILDREN.map((name) => ctx.run(child, name, { name })));
  const [echoed] = await Promise.all([ctx.run(echo, ctx.info.run), speak(ctx, n + 1)]);
  await ctx.start(launched, ctx.info.run);
  const fromLaunched = await received(ctx.waitSignal<Act>("launched"));
  await ctx.sendSignal(ctx.info.run, "note", n);
  const note = await received(ctx.waitSignal<number>("note"));
  await ctx.sleep("a while", 40);
  const looped = await ctx.run(rounds, { left: ROUNDS, acts: [] });
  const acts = [...before, ...children, echoed.act, fromLaunched, ...looped];
  return { run: ctx.info.run, acts, told: [note, echoed.heard] };
}

async function speak(ctx: Context, n: number): Promise<void> {
  const to = await received(ctx.waitSignal<RunId>("here"));
  await ctx.sendSignal(to, "say", n);
}
