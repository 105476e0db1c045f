// A document and a program that say the same do the same: random ones, and after a crash at every commit.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../src/base/json.ts";
import { seededRandom } from "../src/base/random.ts";
import { World } from "../src/testing.ts";
import { type Context, type Doer, documentWorkflow, type Workflow, workflow } from "../src/workflow.ts";

/** A number comes in and a number goes out. */
type Program =
  | { readonly kind: "add"; readonly by: number }
  | { readonly kind: "step"; readonly by: number; readonly failsAt: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "all"; readonly parts: readonly Program[] }
  | { readonly kind: "loop"; readonly times: number; readonly body: Program }
  | { readonly kind: "fork"; readonly branches: readonly Program[] }
  | { readonly kind: "try"; readonly body: Program; readonly rescue: Program }
  | { readonly kind: "retry"; readonly body: Program; readonly times: number; readonly rescue: Program }
  | { readonly kind: "if"; readonly body: Program }
  | { readonly kind: "choose"; readonly even: Program; readonly odd: Program }
  | { readonly kind: "race"; readonly fastMs: number; readonly slowMs: number; readonly by: number }
  | { readonly kind: "raise" };

type Chance = () => number;

function pick<T>(chance: Chance, items: readonly T[]): T {
  return items[chance() % items.length] as T;
}

function randomProgram(chance: Chance, depth: number): Program {
  const leaf = depth <= 0 || chance() % 4 === 0;
  const inner = (): Program => randomProgram(chance, depth - 1);
  const several = (): Program[] => Array.from({ length: 1 + (chance() % 3) }, inner);
  const kind = leaf
    ? pick(chance, ["add", "step", "step", "wait", "raise", "race"] as const)
    : pick(chance, ["all", "all", "loop", "fork", "try", "retry", "if", "choose"] as const);
  switch (kind) {
    case "add":
      return { kind, by: 1 + (chance() % 9) };
    case "step":
      return { kind, by: 1 + (chance() % 9), failsAt: chance() % 5 };
    case "wait":
      return { kind, ms: (chance() % 5) * 250 };
    case "race": {
      const fastMs = 100 + (chance() % 400);
      return { kind, fastMs, slowMs: fastMs + 50 + (chance() % 1_000), by: chance() % 9 };
    }
    case "raise":
      return { kind };
    case "all":
      return { kind, parts: several() };
    case "loop":
      return { kind, times: chance() % 4, body: inner() };
    case "fork":
      return { kind, branches: several() };
    case "try":
      return { kind, body: inner(), rescue: inner() };
    case "retry":
      return { kind, body: inner(), times: chance() % 3, rescue: inner() };
    case "if":
      return { kind, body: inner() };
    case "choose":
      return { kind, even: inner(), odd: inner() };
  }
}

// As code.

async function carry(ctx: Context, program: Program, x: number): Promise<number> {
  switch (program.kind) {
    case "add":
      return x + program.by;
    case "step":
      return await plus(ctx, x, program);
    case "wait":
      await ctx.sleep("wait", program.ms);
      return x;
    case "all":
      return await inOrder(ctx, program.parts, x);
    case "loop": {
      let value = x;
      for (let i = 0; i < program.times; i++) value = await ctx.scope("loop", (own) => carry(own, program.body, value));
      return value;
    }
    case "fork": {
      const values = await Promise.all(
        program.branches.map((branch, i) => ctx.scope(`branch ${i}`, (own) => carry(own, branch, x))),
      );
      return values.reduce((sum, value) => sum + value, 0);
    }
    case "try":
      return await rescued(ctx, program.body, program.rescue, x);
    case "retry":
      return await retried(ctx, program, x);
    case "if":
      return x % 2 === 0 ? await carry(ctx, program.body, x) : x;
    case "choose":
      return await carry(ctx, x % 2 === 0 ? program.even : program.odd, x);
    case "race": {
      const fast = ctx.scope("fast", (own) => own.sleep("wait", program.fastMs)).then(() => x + program.by);
      const slow = ctx.scope("slow", (own) => own.sleep("wait", program.slowMs)).then(() => -1);
      return await Promise.race([fast, slow]);
    }
    case "raise":
      throw new Error("raised");
  }
}

async function plus(ctx: Context, x: number, { by, failsAt }: { by: number; failsAt: number }): Promise<number> {
  return await ctx.step("plus", () => {
    if (x % 5 === failsAt) throw new Error("it does not like that number");
    return x + by;
  });
}

async function inOrder(ctx: Context, parts: readonly Program[], x: number): Promise<number> {
  let value = x;
  for (const [i, part] of parts.entries()) value = await ctx.scope(`part ${i}`, (own) => carry(own, part, value));
  return value;
}

async function rescued(ctx: Context, body: Program, rescue: Program, x: number): Promise<number> {
  try {
    return await ctx.scope("try", (own) => carry(own, body, x));
  } catch {
    return await ctx.scope("rescue", (own) => carry(own, rescue, x));
  }
}

async function retried(ctx: Context, { body, times, rescue }: Program & { kind: "retry" }, x: number): Promise<number> {
  for (let tries = 0; ; tries++) {
    try {
      return await ctx.scope("try", (own) => carry(own, body, x));
    } catch {
      if (tries === times) return await ctx.scope("rescue", (own) => carry(own, rescue, x));
      await ctx.sleep("again", 100);
    }
  }
}

function codeOf(program: Program): Workflow<number, number> {
  return workflow<number, number>({ name: "as-code", run: (ctx, x) => carry(ctx, program, x) });
}

// As a document.

function tasksOf(program: Program): Json[] {
  return [{ task: taskOf(program) }];
}

function taskOf(program: Program): Record<string, Json> {
  switch (program.kind) {
    case "add":
      return { set: `\${ . + ${program.by} }` };
    case "step":
      return { call: "plus", with: { x: "${ . }", by: program.by, failsAt: program.failsAt } };
    case "wait":
      return { wait: { milliseconds: program.ms } };
    case "all":
      return { do: program.parts.map((part, i) => ({ [`part${i}`]: taskOf(part) })) };
    case "loop":
      return { for: { in: `[range(${program.times})]` }, do: tasksOf(program.body) };
    case "fork":
      return {
        fork: { branches: program.branches.map((branch, i) => ({ [`branch${i}`]: taskOf(branch) })) },
        output: { as: "add" },
      };
    case "try":
      return { try: tasksOf(program.body), catch: { do: tasksOf(program.rescue) } };
    case "retry":
      return {
        try: tasksOf(program.body),
        catch: {
          retry: { delay: { milliseconds: 100 }, limit: { attempt: { count: program.times } } },
          do: tasksOf(program.rescue),
        },
      };
    case "if":
      return { if: ". % 2 == 0", do: tasksOf(program.body) };
    case "choose":
      return {
        do: [
          { which: { switch: [{ even: { when: ". % 2 == 0", then: "ifEven" } }, { odd: { then: "ifOdd" } }] } },
          { ifEven: { do: tasksOf(program.even), then: "exit" } },
          { ifOdd: { do: tasksOf(program.odd), then: "exit" } },
        ],
      };
    case "race":
      return {
        fork: {
          compete: true,
          branches: [
            { slow: { wait: { milliseconds: program.slowMs }, output: { as: "-1" } } },
            { fast: { wait: { milliseconds: program.fastMs }, output: { as: `. + ${program.by}` } } },
          ],
        },
      };
    case "raise":
      return { raise: { error: { type: "https://example.com/raised", status: 500 } } };
  }
}

const function_: Workflow = workflow<{ x: number; by: number; failsAt: number }, number>({
  name: "plus",
  run: (ctx, { x, ...how }) => plus(ctx, x, how),
}) as Workflow;

const doer: Doer = {
  http: () => Promise.reject(new Error("nothing is called here")),
  operation: () => {
    throw new Error("nothing is called here");
  },
  secret: () => undefined,
  function: (name) => (name === "plus" ? function_ : null),
};

function documentOf(program: Program): Workflow<Json, Json> {
  const document = { dsl: "1.0.3", namespace: "default", name: "as-document", version: "1.0.0" };
  return documentWorkflow({ document, do: tasksOf(program) }, doer);
}

/** What came of a run, and how many commits that took. */
async function outcomeOf(made: Workflow, x: number, crashAt: number | null): Promise<{ outcome: Json; commits: number }> {
  let commits = 0;
  using world = new World({
    workflows: [made, function_],
    onCommit: () => {
      commits++;
    },
    ...(crashAt === null ? {} : { death: { atCommit: crashAt, mode: "after" } }),
  });
  let run = await world.start(made, x);
  if (run === null) {
    world.crash();
    run = await world.start(made, x); // what was not answered may be asked again
  }
  assert.ok(run !== null);
  for (;;) {
    await world.clock.settle();
    if (world.store.isDead) {
      world.crash();
      continue;
    }
    const { status, ...rest } = world.run(run);
    if (status === "completed") return { outcome: { status, output: (rest as { output: Json }).output }, commits };
    if (status === "failed") return { outcome: { status }, commits };
    assert.notEqual(status, "paused", JSON.stringify(rest));
    assert.ok(await world.clock.advanceToNext(1_000_000), "the run waits for nothing");
  }
}

test("a random document gives what the same program in code gives", async () => {
  const chance = seededRandom(20_261);
  for (let i = 0; i < 400; i++) {
    const program = randomProgram(chance, 4);
    const x = chance() % 20;
    const asCode = await outcomeOf(codeOf(program) as Workflow, x, null);
    const asDocument = await outcomeOf(documentOf(program) as Workflow, x, null);
    assert.deepEqual(asDocument.outcome, asCode.outcome, JSON.stringify({ x, program }));
  }
});

test("a document that dies at any commit ends as if it had not", async () => {
  const chance = seededRandom(20_262);
  for (let i = 0; i < 60; i++) {
    const program = randomProgram(chance, 3);
    const x = chance() % 20;
    const calm = await outcomeOf(documentOf(program) as Workflow, x, null);
    for (let commit = 1; commit <= Math.min(calm.commits, 25); commit++) {
      const { outcome } = await outcomeOf(documentOf(program) as Workflow, x, commit);
      assert.deepEqual(outcome, calm.outcome, JSON.stringify({ commit, x, program }));
    }
  }
});
