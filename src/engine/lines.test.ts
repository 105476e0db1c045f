import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { begun, flow, gate, kindsOf, outputOf, problemOf, worldOf } from "../../test/given.ts";
import type { RunId } from "../base/id.ts";
import type { World } from "../testing.ts";
import { workflow } from "../workflow.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const SECOND_MS = 1_000;

const statuses = (world: World, runs: readonly RunId[]): string => runs.map((run) => world.run(run).status[0]).join("");

/** A workflow that takes `ms`, of whose runs so many may be under way. */
function limited(
  limit: Parameters<typeof workflow<{ who?: string; priority?: number } | null, unknown>>[0]["limit"],
  ms = SECOND_MS,
) {
  return workflow<{ who?: string; priority?: number } | null, unknown>({
    name: "limited",
    run: (ctx) => ctx.sleep("works", ms),
    ...(limit === undefined ? {} : { limit }),
  });
}

test("of a limited workflow only so many runs are under way; the others are pending and go in order", async () => {
  const work = limited({ concurrency: 2 });
  using world = worldOf([work]);
  const runs: RunId[] = [];
  for (let i = 0; i < 5; i++) runs.push(await begun(world, work, null));
  assert.equal(statuses(world, runs), "wwppp");
  await world.clock.advance(SECOND_MS);
  assert.equal(statuses(world, runs), "ccwwp");
  world.crash();
  await world.clock.settle();
  assert.equal(statuses(world, runs), "ccwwp");
  await world.clock.advance(2 * SECOND_MS);
  assert.equal(statuses(world, runs), "ccccc");
});

test("what is limited together is said by a key; who has priority goes first", async () => {
  const work = limited({ concurrency: 1, key: (input) => input?.who ?? "", priority: (input) => input?.priority ?? 5 });
  using world = worldOf([work]);
  const start = (who: string, priority: number): Promise<RunId> => begun(world, work, { who, priority });
  const runs = [await start("a", 5), await start("a", 5), await start("a", 1), await start("b", 5)];
  assert.equal(statuses(world, runs), "wppw");
  await world.clock.advance(SECOND_MS);
  assert.equal(statuses(world, runs), "cpwc");
});

test("a rate lets so many begin within its span, also over a crash", async () => {
  const work = limited({ rate: { count: 2, perMs: 10 * SECOND_MS } }, 1);
  using world = worldOf([work]);
  const runs: RunId[] = [];
  for (let i = 0; i < 5; i++) runs.push(await begun(world, work, null));
  await world.clock.advance(5 * SECOND_MS);
  assert.equal(statuses(world, runs), "ccppp");
  world.crash();
  await world.clock.advance(4 * SECOND_MS);
  assert.equal(statuses(world, runs), "ccppp");
  await world.clock.advance(2 * SECOND_MS);
  assert.equal(statuses(world, runs), "ccccp");
  await world.clock.advance(10 * SECOND_MS);
  assert.equal(statuses(world, runs), "ccccc");
});

test("a pending run is canceled, paused and resumed, and times out, without having begun", async () => {
  const work = workflow<null, unknown>({
    ...limited({ concurrency: 1 }, 100 * SECOND_MS),
    timeoutMs: 50 * SECOND_MS,
    input: undefined as never,
    output: undefined as never,
    budget: undefined as never,
    description: "",
    limit: { concurrency: 1 },
    retention: "forever",
  });
  using world = worldOf([work]);
  const { steering } = world.carrier;
  const [first, canceled, paused, late] = [
    await begun(world, work, null),
    await begun(world, work, null),
    await begun(world, work, null),
    await begun(world, work, null),
  ];
  await Promise.all([steering.cancel(canceled, "ann", null), steering.pause(paused, "ann"), world.clock.settle()]);
  assert.equal(statuses(world, [first, canceled, paused, late]), "wcpp");
  assert.equal(world.run(paused).status, "paused");
  await Promise.all([steering.resume(paused, "ann"), world.clock.settle()]);
  assert.equal(world.run(paused).status, "pending");
  await world.clock.advance(50 * SECOND_MS);
  assert.equal(problemOf(world, first).code, "RUN_TIMEOUT");
  assert.deepEqual(
    [paused, late].map((run) => problemOf(world, run).code),
    ["RUN_TIMEOUT", "RUN_TIMEOUT"],
  );
});

test("a run that is retried stands in line again", async () => {
  let broken = true;
  const work = flow(
    (ctx) => ctx.step("s", () => (broken ? Promise.reject(new Error("no")) : new Promise<void>(() => undefined))),
    { limit: { concurrency: 1 } },
  );
  using world = worldOf([work]);
  const failed = await begun(world, work, null);
  broken = false;
  const holds = await begun(world, work, null);
  await Promise.all([world.carrier.steering.retry(failed, null, "ann"), world.clock.settle()]);
  assert.equal(statuses(world, [failed, holds]), "pr");
  assert.equal(world.store.queue(world.store.ids.numberOf(failed) ?? 0)?.held, 1);
});

// Steps.

test("steps with one key act one at a time, over all runs; what one waits for stands in its journal", async () => {
  const gates = [gate(), gate()];
  let under = 0;
  const work = flow((ctx) =>
    ctx.step(
      "call",
      async () => {
        const mine = gates[under++];
        await mine?.promise;
      },
      { limit: { key: "model", concurrency: 1 } },
    ),
  );
  using world = worldOf([work]);
  const runs = [await begun(world, work, null), await begun(world, work, null)];
  await world.clock.advance(SECOND_MS);
  assert.deepEqual([under, statuses(world, runs)], [1, "rr"]);
  const [waiting] = [...world.reading(runs[1] as RunId).values()];
  assert.match(waiting?.waitsFor ?? "", /its turn at "step model": 1 of 1 is under way, it goes next/);
  gates[0]?.open();
  await world.clock.settle();
  assert.deepEqual([under, statuses(world, runs)], [2, "cr"]);
  gates[1]?.open();
  await world.clock.settle();
  assert.equal(statuses(world, runs), "cc");
});

test("a slot is given up by a step that fails, times out, waits to be tried again, or whose run is canceled", async () => {
  const acted: string[] = [];
  const limit = { key: "one", concurrency: 1 };
  const work = workflow<{ how: string }, unknown>({
    name: "work",
    run: (ctx, { how }) =>
      ctx.step(
        "s",
        () => {
          acted.push(how);
          if (how === "fails" || how === "retries") throw new Error(how);
          return how === "hangs" || how === "canceled" ? new Promise<void>(() => undefined) : undefined;
        },
        {
          limit,
          ...(how === "hangs" ? { attemptTimeoutMs: SECOND_MS } : {}),
          ...(how === "retries" ? { retry: { attemptsMax: 2, firstDelayMs: 60 * SECOND_MS } } : {}),
        },
      ),
  });
  using world = worldOf([work]);
  const runs = new Map<string, RunId>();
  for (const how of ["fails", "retries", "hangs", "canceled", "last"]) runs.set(how, await begun(world, work, { how }));
  await world.clock.advance(2 * SECOND_MS);
  assert.deepEqual(acted, ["fails", "retries", "hangs", "canceled"]);
  await Promise.all([world.carrier.steering.cancel(runs.get("canceled") as RunId, "ann", null), world.clock.settle()]);
  await world.clock.settle();
  assert.deepEqual(acted.at(-1), "last");
  assert.ok(kindsOf(world, runs.get("last") as RunId).includes("queued s"));
});

test("a step's rate holds over a crash: what counts is on disk before it acts", async () => {
  const at: number[] = [];
  const work = flow(
    async (ctx) => {
      for (let i = 0; i < 4; i++)
        await ctx.step(`s${i}`, () => void at.push(world.clock.now()), {
          limit: { key: "r", rate: { count: 1, perMs: 10 * SECOND_MS } },
        });
    },
    { name: "rated" },
  );
  const world = worldOf([work]);
  using _world = world;
  const run = await begun(world, work, null);
  for (let i = 0; i < 8; i++) {
    await world.clock.advance(7 * SECOND_MS);
    world.crash();
  }
  await world.clock.advance(SECOND_MS);
  assert.equal(outputOf(world, run), null);
  const gaps = at.slice(1).map((moment, index) => moment - (at[index] ?? 0));
  assert.ok(
    gaps.every((gap) => gap >= 10 * SECOND_MS),
    gaps.join(" "),
  );
});

test("a limit that says nothing sensible is told when it is made known, at the start, or to the step", async () => {
  const throws = (): never => {
    throw new Error("broke");
  };
  const broken = worldOf([]);
  using _broken = broken;
  for (const limit of [
    { concurrency: 1, key: throws },
    { concurrency: 1, priority: throws },
  ])
    await assert.rejects(broken.start(limited(limit), null), { code: "OPTION_INVALID", message: /threw: broke/ });
  const wrong = [{}, { concurrency: 0 }, { rate: { count: 1 } }, { concurrency: 1, priority: 10 }, { concurrency: 1, key: "" }];
  for (const limit of wrong) {
    const started = async (): Promise<unknown> => {
      const work = limited(limit as never);
      using world = worldOf([work]);
      return await world.start(work, null);
    };
    await assert.rejects(started(), (error: { code: string }) => /FLOW_LIMIT_INVALID|OPTION_INVALID/.test(error.code));
    const step = flow((ctx) => ctx.step("s", () => 1, { limit: limit as never }));
    using other = worldOf([step]);
    assert.match(problemOf(other, await begun(other, step, null)).code, /FLOW_LIMIT_INVALID|OPTION_INVALID/);
  }
});

test("whatever comes, crashes and is canceled, never are more under way than the limit says, and all come to their end", async () => {
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.constant("start" as const) },
    { weight: 3, arbitrary: fc.constant("time" as const) },
    { weight: 1, arbitrary: fc.constant("crash" as const) },
    { weight: 1, arbitrary: fc.constant("cancel" as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 25 }), fc.integer({ min: 1, max: 3 }), async (acts, concurrency) => {
      const work = limited({ concurrency }, 700);
      using world = worldOf([work]);
      const runs: RunId[] = [];
      const underWay = (): number => runs.filter((run) => ["running", "waiting"].includes(world.run(run).status)).length;
      for (const [index, kind] of acts.entries()) {
        if (kind === "start") runs.push(await begun(world, work, null));
        else if (kind === "time") await world.clock.advance(500);
        else if (kind === "crash") world.crash();
        else
          await Promise.all(
            [...runs.slice(index % 3, (index % 3) + 1)]
              .map((run) => world.carrier.steering.cancel(run, "ann", null).catch(() => undefined))
              .concat(world.clock.settle()),
          );
        await world.clock.settle();
        assert.ok(underWay() <= concurrency, `${underWay()} of ${concurrency} after ${acts.slice(0, index + 1).join(" ")}`);
      }
      await world.clock.advance(60_000);
      assert.ok(runs.every((run) => ["completed", "canceled"].includes(world.run(run).status)));
    }),
    { numRuns: 60 },
  );
});
