// What stories about runs begin with, and how they look at what came of it.

import assert from "node:assert/strict";
import type { RunId } from "../src/base/id.ts";
import type { Problem } from "../src/base/problem.ts";
import type { Entry, EntryKind } from "../src/run.ts";
import { World, type WorldOptions } from "../src/testing.ts";
import { type Context, type Workflow, type WorkflowDefinition, workflow } from "../src/workflow.ts";

/** A workflow that is nothing but its function. */
export function flow<O>(
  run: (ctx: Context) => Promise<O> | O,
  more: Partial<WorkflowDefinition<null, O>> = {},
): Workflow<null, O> {
  return workflow<null, O>({ name: "flow", ...more, run });
}

/** A world in which these workflows are known. */
export function worldOf(workflows: readonly { readonly name: string }[], more: WorldOptions = {}): World {
  return new World({ ...more, workflows: workflows as readonly Workflow[] });
}

/** Starts a run in a world that must not die of it, and lets happen what needs no time. */
export async function begun<I, O>(world: World, of: Workflow<I, O>, input?: I, key: string | null = null): Promise<RunId> {
  const run = await world.start(of, input, key);
  assert.ok(run !== null, "the world died at the start");
  return run;
}

/** Starts a workflow in a world of its own, passes `ms` and gives the world and the run. */
export async function carried(of: Workflow<null, unknown>, ms = 0): Promise<{ world: World; run: RunId } & Disposable> {
  const world = worldOf([of]);
  const run = await begun(world, of);
  if (ms > 0) await world.clock.advance(ms);
  return { world, run, [Symbol.dispose]: () => world[Symbol.dispose]() };
}

/** The output of a run that must have completed. */
export function outputOf(world: World, run: RunId): unknown {
  const found = world.run(run);
  assert.equal(found.status, "completed", JSON.stringify(found));
  return found.status === "completed" ? found.output : null;
}

/** What went wrong with a run that failed, was canceled or is paused. */
export function problemOf(world: World, run: RunId): Problem {
  const found = world.run(run);
  assert.ok("problem" in found && found.problem !== null, `no problem: ${JSON.stringify(found)}`);
  return found.problem;
}

/** Kind and key of every entry of a run's journal. */
export function kindsOf(world: World, run: RunId): string[] {
  return world.journal(run).map(({ kind, key }) => (key === null ? kind : `${kind} ${key}`));
}

export function entriesOf(world: World, run: RunId, kind: EntryKind): Entry[] {
  return world.journal(run).filter((entry) => entry.kind === kind);
}

/** What an entry carries. */
export function dataOf<T>(entry: Entry | undefined): T {
  assert.ok(entry !== undefined, "no such entry");
  return JSON.parse(entry.data) as T;
}

/** A promise, and the way to settle it. */
export function gate<T = void>(): { promise: Promise<T>; open(value: T): void; fail(error: unknown): void } {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  promise.catch(() => undefined);
  return { promise, open: resolve, fail: reject };
}
