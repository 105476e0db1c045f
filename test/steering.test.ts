// What people do to runs after they started: each verb as a story, and any sequence of them against a model.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RunId } from "../src/base/id.ts";
import { isProblemError } from "../src/base/problem.ts";
import { isEnd, type RunStatus, readQuery } from "../src/run.ts";
import type { World } from "../src/testing.ts";
import type { Context } from "../src/workflow.ts";
import { begun, carried, dataOf, entriesOf, flow, gate, kindsOf, outputOf, problemOf, worldOf } from "./given.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const MINUTE_MS = 60_000;

/** What an asked-for verb came to: its answer, or the code it was refused with. */
async function told<T>(world: World, asking: Promise<T>): Promise<T | string> {
  const answer = asking.catch((error: unknown) => (isProblemError(error) ? error.code : Promise.reject(error)));
  await world.clock.settle();
  return await answer;
}

const statusOf = (world: World, run: RunId): RunStatus => world.run(run).status;

test("a paused run begins nothing; the step under way ends and is recorded; resumed, it goes on from there", async () => {
  const held = gate<string>();
  const acted: string[] = [];
  const two = flow(async (ctx) => {
    const first = await ctx.step("first", () => held.promise);
    return await ctx.step("second", () => void acted.push(first));
  });
  using it = await carried(two);
  const { steering } = it.world.carrier;
  await told(it.world, steering.pause(it.run, "ann"));
  held.open("one");
  await it.world.clock.advance(MINUTE_MS);
  assert.deepEqual([statusOf(it.world, it.run), acted], ["paused", []]);
  assert.equal(entriesOf(it.world, it.run, "step-completed").length, 1);
  assert.equal(await told(it.world, steering.pause(it.run, "bob")), "RUN_PAUSED");
  await told(it.world, steering.resume(it.run, "bob"));
  assert.deepEqual([statusOf(it.world, it.run), acted], ["completed", ["one"]]);
  assert.equal(dataOf<{ by: string }>(entriesOf(it.world, it.run, "run-paused")[0]).by, "ann");
  assert.equal(dataOf<{ by: string }>(entriesOf(it.world, it.run, "run-resumed")[0]).by, "bob");
});

test("a pause outlives crashes and timers that come due, and a signal that came meanwhile is there afterwards", async () => {
  const waits = flow(async (ctx) => {
    await ctx.sleep("a minute", MINUTE_MS);
    return await ctx.waitSignal("go");
  });
  using it = await carried(waits);
  await told(it.world, it.world.carrier.steering.pause(it.run, "ann"));
  it.world.signal(it.run, "go", 7, "s1");
  await it.world.clock.settle();
  it.world.crash();
  await it.world.clock.advance(5 * MINUTE_MS);
  assert.equal(statusOf(it.world, it.run), "paused");
  await told(it.world, it.world.carrier.steering.resume(it.run, "ann"));
  await it.world.clock.advance(15_000);
  assert.deepEqual(outputOf(it.world, it.run), { received: true, value: 7 });
});

/** Steps that fail while they are told to. */
function faulty(): { fails: Set<string>; acted: string[]; keys: string[]; of: ReturnType<typeof flow<unknown>> } {
  const [fails, acted, keys] = [new Set<string>(), [] as string[], [] as string[]];
  const step = (ctx: Context, name: string): Promise<string> =>
    ctx.step(name, ({ idempotencyKey }) => {
      acted.push(name);
      keys.push(idempotencyKey);
      if (fails.has(name)) throw new Error(`${name} is broken`);
      return `${name} done`;
    });
  const of = flow<unknown>(async (ctx) => [await step(ctx, "a"), await step(ctx, "b"), await step(ctx, "c")]);
  return { fails, acted, keys, of };
}

test("a failed run is retried from the step that failed: what was done stays, what failed has a new idempotency key", async () => {
  const { fails, acted, keys, of } = faulty();
  fails.add("b");
  using it = await carried(of);
  assert.equal(statusOf(it.world, it.run), "failed");
  fails.clear();
  assert.deepEqual(await told(it.world, it.world.carrier.steering.retry(it.run, null, "ann")), { from: "b", dropped: 1 });
  assert.deepEqual(outputOf(it.world, it.run), ["a done", "b done", "c done"]);
  assert.deepEqual(acted, ["a", "b", "b", "c"]);
  assert.equal(keys[2], `${keys[1]}~1`);
});

test("a completed run is done again from a step on, as often as a person wants, also after a crash", async () => {
  const { acted, keys, of } = faulty();
  using world = worldOf([of]);
  const run = await begun(world, of, null);
  await told(world, world.carrier.steering.retry(run, "b", "ann"));
  world.crash();
  await world.clock.settle();
  await told(world, world.carrier.steering.retry(run, "b", "ann"));
  assert.deepEqual(acted, ["a", "b", "c", "b", "c", "b", "c"]);
  assert.deepEqual(
    keys.filter((_, index) => acted[index] === "b").map((key) => key.split("~")[1]),
    [undefined, "1", "2"],
  );
  assert.equal(await told(world, world.carrier.steering.retry(run, "nothing", "ann")), "STEP_UNKNOWN");
  assert.equal(await told(world, world.carrier.steering.retry(run, null, "ann")), "NOTHING_FAILED");
});

test("workflow code that threw is run again with all its steps kept", async () => {
  let broken = true;
  const acted: string[] = [];
  const throws = flow(async (ctx) => {
    await ctx.step("a", () => void acted.push("a"));
    if (broken) throw new Error("a mistake in the code");
    return "mended";
  });
  using it = await carried(throws);
  assert.equal(problemOf(it.world, it.run).code, "RUN_THREW");
  broken = false;
  await told(it.world, it.world.carrier.steering.retry(it.run, null, "ann"));
  assert.deepEqual([outputOf(it.world, it.run), acted], ["mended", ["a"]]);
});

test("a step is skipped with a given result: one that failed, one that waits to be tried again; one that is done is not", async () => {
  const { fails, of } = faulty();
  fails.add("b");
  using it = await carried(of);
  const { steering } = it.world.carrier;
  await told(it.world, steering.skip(it.run, "b", "by hand", "ann"));
  assert.deepEqual(outputOf(it.world, it.run), ["a done", "by hand", "c done"]);
  assert.equal(await told(it.world, steering.skip(it.run, "b", "again", "ann")), "STEP_DONE");
  assert.equal(await told(it.world, steering.skip(it.run, "x", 1, "ann")), "STEP_UNKNOWN");

  const stuck = flow((ctx) =>
    ctx.step("stuck", () => Promise.reject(new Error("no")), { retry: { attemptsMax: 9, firstDelayMs: MINUTE_MS } }),
  );
  using other = await carried(stuck);
  await told(other.world, other.world.carrier.steering.skip(other.run, "stuck", 42, "ann"));
  assert.equal(outputOf(other.world, other.run), 42);
});

test("what is no step is not skipped: a question is answered, a sleep ends by itself", async () => {
  const waits = flow(async (ctx) => {
    await ctx.sleep("a minute", MINUTE_MS);
    return await ctx.ask("sure?", { schema: { type: "boolean" } });
  });
  using it = await carried(waits);
  const { steering } = it.world.carrier;
  assert.equal(await told(it.world, steering.skip(it.run, "a minute", null, "ann")), "NOT_A_STEP");
  await it.world.clock.advance(MINUTE_MS);
  assert.equal(await told(it.world, steering.skip(it.run, "sure?", true, "ann")), "NOT_A_STEP");
  it.world.answer(it.run, "sure?", true);
  await it.world.clock.settle();
  assert.deepEqual(outputOf(it.world, it.run), { by: "person", who: "tester", value: true });
});

test("a fork begins with what was done before a step, with other input, and leaves the first run as it was", async () => {
  const acted: unknown[] = [];
  const echo = flow(async (ctx) => [await ctx.step("a", () => acted.push("a")), await ctx.step("b", () => acted.push("b"))]);
  using world = worldOf([echo]);
  const run = await begun(world, echo, null);
  const before = kindsOf(world, run);
  const forked = (await told(world, world.carrier.steering.fork(run, { from: "b", newest: false, by: "ann" }))) as RunId;
  assert.deepEqual(
    [outputOf(world, run), outputOf(world, forked)],
    [
      [1, 2],
      [1, 3],
    ],
  );
  assert.deepEqual(kindsOf(world, run), before);
  assert.deepEqual(kindsOf(world, forked), ["forked", "step-completed a", "step-completed b"]);
});

test("a run is deleted when it has ended, with the runs below it, and its key and number are not mistaken afterwards", async () => {
  const child = flow(() => "child", { name: "child" });
  const parent = flow(async (ctx) => {
    const output = await ctx.run(child, null);
    return [output, await ctx.waitSignal("go")];
  });
  using world = worldOf([parent, child]);
  const run = await begun(world, parent, null, "k1");
  assert.equal(await told(world, world.carrier.steering.delete(run)), "RUN_OPEN");
  world.signal(run, "go", null, "s1");
  await world.clock.settle();
  assert.equal(await told(world, world.carrier.steering.delete(run)), 2);
  assert.throws(() => world.run(run), /There is no run/);
  world.crash();
  const again = await begun(world, parent, null, "k1");
  assert.notEqual(again, run);
});

test("a query finds by status, workflow, age, key, problem and fields of the input, and refuses what it does not know", () => {
  const now = Date.UTC(2026, 0, 2);
  assert.deepEqual(readQuery('status:failed,canceled workflow:x since:2h input.customer.name="a b" output.n=3', now), {
    statuses: ["failed", "canceled"],
    workflow: "x",
    since: now - 2 * 60 * MINUTE_MS,
    fields: [
      { of: "input", path: '$."customer"."name"', value: "a b" },
      { of: "output", path: '$."n"', value: 3 },
    ],
  });
  for (const wrong of ["", "status:gone", "since:never", "colour:red", "status", "x=1", 'input."a"=1', "status:failed )"])
    assert.throws(() => readQuery(wrong, now), { code: "QUERY_INVALID" }, wrong);
});

// Any sequence of verbs, against a model.

/** A run with everything that verbs can meet: steps that fail, waits, a question, a child. */
interface Stage {
  readonly world: World;
  readonly run: RunId;
  readonly fails: Set<string>;
  /** How often each step acted with each idempotency key and gave a result. */
  readonly results: Map<string, number>;
}

async function staged(): Promise<Stage> {
  const fails = new Set<string>(["b"]);
  const results = new Map<string, number>();
  const step = (ctx: Context, name: string): Promise<string> =>
    ctx.step(name, ({ idempotencyKey }) => {
      if (fails.has(name)) throw new Error(`${name} is broken`);
      results.set(idempotencyKey, (results.get(idempotencyKey) ?? 0) + 1);
      return name;
    });
  const child = flow((ctx) => step(ctx, "in child"), { name: "child" });
  const parent = flow(async (ctx) => {
    await step(ctx, "a");
    await ctx.sleep("rest", MINUTE_MS);
    await step(ctx, "b");
    await ctx.run(child, null);
    await ctx.waitSignal("go");
    return await ctx.ask("sure?", { schema: { type: "boolean" } });
  });
  const world = worldOf([parent, child]);
  return { world, run: await begun(world, parent, null), fails, results };
}

/** Codes a verb may be refused with, by the status it met; none: it must be carried out. */
type Refusals = (status: RunStatus) => readonly string[];

interface Verb {
  readonly name: string;
  readonly ask: (stage: Stage) => Promise<unknown>;
  readonly refusals: Refusals;
  /** What the status may be afterwards where it was carried out. */
  readonly leadsTo: (before: RunStatus) => readonly RunStatus[];
}

const ANY: readonly RunStatus[] = ["running", "waiting", "completed", "failed"];
const onlyOf = (wanted: (status: RunStatus) => boolean, code: (status: RunStatus) => string): Refusals => {
  return (status) => (wanted(status) ? [] : [code(status)]);
};

const VERBS: readonly Verb[] = [
  {
    name: "pause",
    ask: ({ world, run }) => world.carrier.steering.pause(run, "ann"),
    refusals: onlyOf(
      (status) => !isEnd(status) && status !== "paused",
      (s) => (isEnd(s) ? "RUN_ENDED" : "RUN_PAUSED"),
    ),
    leadsTo: () => ["paused"],
  },
  {
    name: "resume",
    ask: ({ world, run }) => world.carrier.steering.resume(run, "ann"),
    refusals: onlyOf(
      (status) => status === "paused",
      (s) => (isEnd(s) ? "RUN_ENDED" : "RUN_NOT_PAUSED"),
    ),
    leadsTo: () => ANY,
  },
  {
    name: "cancel",
    ask: ({ world, run }) => world.carrier.steering.cancel(run, "ann", null),
    refusals: onlyOf(
      (status) => !isEnd(status),
      () => "RUN_ENDED",
    ),
    leadsTo: () => ["canceled"],
  },
  {
    name: "retry",
    ask: ({ world, run }) => world.carrier.steering.retry(run, null, "ann"),
    refusals: (status) => (status === "failed" || status === "canceled" ? [] : ["", "NOTHING_FAILED"]),
    leadsTo: () => ANY,
  },
  {
    name: "retry from a",
    ask: ({ world, run }) => world.carrier.steering.retry(run, "a", "ann"),
    refusals: () => ["", "STEP_UNKNOWN"],
    leadsTo: () => ANY,
  },
  {
    name: "skip b",
    ask: ({ world, run }) => world.carrier.steering.skip(run, "b", "skipped", "ann"),
    refusals: () => ["", "STEP_UNKNOWN", "STEP_DONE"],
    leadsTo: () => ANY,
  },
  {
    name: "fork from b",
    ask: ({ world, run }) => world.carrier.steering.fork(run, { from: "b", newest: false, by: "ann" }),
    refusals: () => ["", "STEP_UNKNOWN"],
    leadsTo: (before) => [before],
  },
  {
    name: "delete", // only asked of an open run here: afterwards there is nothing to look at
    ask: async ({ world, run }) => (isEnd(world.run(run).status) ? null : world.carrier.steering.delete(run)),
    refusals: onlyOf(isEnd, () => "RUN_OPEN"),
    leadsTo: (before) => [before],
  },
];

class VerbCommand implements fc.AsyncCommand<{ done: string[] }, Stage> {
  readonly #verb: Verb;
  constructor(verb: Verb) {
    this.#verb = verb;
  }
  check = (): boolean => true;
  toString = (): string => this.#verb.name;

  async run(model: { done: string[] }, stage: Stage): Promise<void> {
    const before = statusOf(stage.world, stage.run);
    const refusals = this.#verb.refusals(before);
    const answer = await told(stage.world, this.#verb.ask(stage));
    const after = statusOf(stage.world, stage.run);
    const code = typeof answer === "string" && /^[A-Z_]+$/.test(answer) ? answer : "";
    model.done.push(`${this.#verb.name}: ${before} -> ${code || after}`);
    const story = model.done.join("; ");
    assert.ok(refusals.length === 0 ? code === "" : refusals.includes(code), `${code || "carried out"} (${story})`);
    if (code === "") assert.ok(this.#verb.leadsTo(before).includes(after), `${after} (${story})`);
    else assert.equal(after, before, `a refusal changed something (${story})`);
    for (const [key, count] of stage.results) assert.equal(count, 1, `${key} gave ${count} results (${story})`);
  }
}

class WorldCommand implements fc.AsyncCommand<{ done: string[] }, Stage> {
  readonly #name: string;
  readonly #act: (stage: Stage) => void | Promise<void>;
  constructor(name: string, act: (stage: Stage) => void | Promise<void>) {
    this.#name = name;
    this.#act = act;
  }
  check = (): boolean => true;
  toString = (): string => this.#name;

  async run(model: { done: string[] }, stage: Stage): Promise<void> {
    model.done.push(this.#name);
    await this.#act(stage);
    await stage.world.clock.settle();
  }
}

let signals = 0;
const WORLD: readonly (readonly [string, (stage: Stage) => void | Promise<void>])[] = [
  ["time", ({ world }) => world.clock.advance(MINUTE_MS)],
  ["crash", ({ world }) => world.crash()],
  ["signal", ({ world, run }) => world.signal(run, "go", null, `s${++signals}`)],
  ["answer", ({ world, run }) => world.answer(run, "sure?", true)],
  ["b breaks", ({ fails }) => void fails.add("b")],
  ["b mends", ({ fails }) => void fails.delete("b")],
];

/** Whatever was done to it, a run that is helped on comes to its end. */
async function helpOn({ world, run, fails }: Stage): Promise<void> {
  fails.clear();
  for (let turn = 0; turn < 12 && statusOf(world, run) !== "completed"; turn++) {
    const status = statusOf(world, run);
    if (status === "paused") await told(world, world.carrier.steering.resume(run, "ann"));
    else if (isEnd(status)) await told(world, world.carrier.steering.retry(run, null, "ann"));
    world.signal(run, "go", null, `s${++signals}`);
    world.answer(run, "sure?", true);
    await world.clock.advance(MINUTE_MS);
  }
}

test("any sequence of verbs, crashes and arrivals leads where the model allows, and a run that is helped on completes", async () => {
  const commands = fc.commands(
    [
      ...VERBS.map((verb) => fc.constant(new VerbCommand(verb))),
      ...WORLD.map(([name, act]) => fc.constant(new WorldCommand(name, act))),
    ],
    { maxCommands: 25, size: "max" },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const stage = await staged();
      using _world = stage.world;
      const model = { done: [] as string[] };
      await fc.asyncModelRun(() => ({ model, real: stage }), sequence);
      await helpOn(stage);
      assert.equal(statusOf(stage.world, stage.run), "completed", `${model.done.join("; ")}`);
    }),
    { numRuns: 300 },
  );
});
