import assert from "node:assert/strict";
import { test } from "node:test";
import { begun, carried, dataOf, entriesOf, flow, gate, kindsOf, outputOf, problemOf, worldOf } from "../../test/given.ts";
import type { Context, Workflow } from "../workflow.ts";

const MINUTE_MS = 60_000;

/** Books a, b, c, each with its undo; what is done and undone goes to `log`. */
function booking(log: string[], end: (ctx: Context) => Promise<unknown>) {
  return flow<unknown>(async (ctx) => {
    for (const thing of ["a", "b"]) {
      await ctx.compensate(`back ${thing}`, () => void log.push(`-${thing}`));
      await ctx.step(thing, () => log.push(thing));
    }
    return await end(ctx);
  });
}

test("a run that fails takes back what it did, the last first, and then ends as it would have", async () => {
  const log: string[] = [];
  using it = await carried(booking(log, () => Promise.reject(new Error("no c"))));
  assert.deepEqual(log, ["a", "b", "-b", "-a"]);
  assert.deepEqual([it.world.run(it.run).status, problemOf(it.world, it.run).detail], ["failed", "no c"]);
  assert.deepEqual(kindsOf(it.world, it.run).slice(-3), [
    "unwinding",
    "step-completed undo / back b",
    "step-completed undo / back a",
  ]);
});

test("a run that is canceled takes back what it did, in memory or not, also when it was paused", async () => {
  for (const before of ["nothing", "crash", "pause", "pause and crash"]) {
    const log: string[] = [];
    using it = await carried(booking(log, (ctx) => ctx.waitSignal("never")));
    const { world, run } = it;
    if (before.includes("pause")) await Promise.all([world.carrier.steering.pause(run, "ann"), world.clock.settle()]);
    if (before.includes("crash")) world.crash();
    await Promise.all([world.carrier.steering.cancel(run, "ann", null), world.clock.settle()]);
    await world.clock.settle();
    assert.deepEqual([log, world.run(run).status], [["a", "b", "-b", "-a"], "canceled"], before);
    assert.equal(problemOf(world, run).code, "RUN_CANCELED");
  }
});

test("nothing is taken back while an attempt under way may still act; it is told to stop", async () => {
  const log: string[] = [];
  const held = gate();
  using it = await carried(
    booking(log, (ctx) =>
      ctx.step("c", async ({ abortSignal }) => {
        abortSignal.addEventListener("abort", () => log.push("told"));
        await held.promise;
        log.push("c");
      }),
    ),
  );
  await Promise.all([it.world.carrier.steering.cancel(it.run, "ann", null), it.world.clock.settle()]);
  assert.deepEqual(log, ["a", "b", "told"]);
  held.open();
  await it.world.clock.settle();
  assert.deepEqual(log, ["a", "b", "told", "c", "-b", "-a"]);
});

test("an attempt that does not stop is waited for ten seconds and no longer", async () => {
  const log: string[] = [];
  using it = await carried(booking(log, (ctx) => ctx.step("c", () => new Promise(() => undefined))));
  await Promise.all([it.world.carrier.steering.cancel(it.run, "ann", null), it.world.clock.settle()]);
  await it.world.clock.advance(9_000);
  assert.equal(it.world.run(it.run).status, "running");
  await it.world.clock.advance(1_000);
  assert.deepEqual([log.slice(2), it.world.run(it.run).status], [["-b", "-a"], "canceled"]);
});

test("an undo that cannot be carried out is told; those before it still are, and it can be retried by hand", async () => {
  const undone: string[] = [];
  let broken = true;
  const saga = flow(async (ctx) => {
    await ctx.compensate("first", () => void undone.push("first"));
    await ctx.compensate(
      "second",
      () => {
        if (broken) throw new Error("jammed");
        undone.push("second");
      },
      { retry: { attemptsMax: 2, firstDelayMs: 1_000 } },
    );
    throw new Error("the reason");
  });
  using it = await carried(saga, MINUTE_MS);
  const problem = problemOf(it.world, it.run);
  assert.deepEqual([undone, problem.code], [["first"], "COMPENSATION_FAILED"]);
  assert.match(problem.detail, /After "the reason" .*"undo \/ second": jammed/);
  broken = false;
  await Promise.all([it.world.carrier.steering.retry(it.run, "undo / second", "ann"), it.world.clock.settle()]);
  await it.world.clock.advance(MINUTE_MS);
  assert.deepEqual([undone, problemOf(it.world, it.run).detail], [["first", "second"], "the reason"]);
});

test("a run that was taken back is retried from before what was taken back, never from behind it", async () => {
  const log: string[] = [];
  let broken = true;
  const ends = async (ctx: Context): Promise<unknown> =>
    ctx.step("c", () => (broken ? Promise.reject(new Error("no c")) : Promise.resolve(log.push("c"))));
  using it = await carried(booking(log, ends));
  broken = false;
  const { steering } = it.world.carrier;
  await Promise.all([assert.rejects(steering.retry(it.run, "c", "ann"), { code: "STEP_UNDONE" }), it.world.clock.settle()]);
  await Promise.all([assert.rejects(steering.skip(it.run, "c", 1, "ann"), { code: "STEP_UNDONE" }), it.world.clock.settle()]);
  await Promise.all([steering.retry(it.run, null, "ann"), it.world.clock.settle()]);
  await it.world.clock.settle();
  assert.deepEqual(log, ["a", "b", "-b", "-a", "a", "b", "c"]);
  assert.equal(outputOf(it.world, it.run), 7);
});

test("a time-out takes back too, and the undo has all the time it needs", async () => {
  const log: string[] = [];
  const saga = flow(
    async (ctx) => {
      await ctx.compensate("back", ({ attempt }) => {
        if (attempt < 3) throw new Error("not yet");
        log.push("back");
      });
      await ctx.sleep("too long", 60 * MINUTE_MS);
    },
    { timeoutMs: 5_000 },
  );
  using it = await carried(saga, MINUTE_MS);
  assert.deepEqual([log, problemOf(it.world, it.run).code], [["back"], "RUN_TIMEOUT"]);
});

// Patches.

test("a run that is new to a patch has it, one that went past it with the old code has not, and both keep to it", async () => {
  const before = flow(async (ctx) => {
    const a = await ctx.step("a", () => "a");
    await ctx.sleep("rest", MINUTE_MS);
    return [a];
  });
  const after = flow(async (ctx) => {
    const a = await ctx.step("a", () => "a");
    const has = await ctx.patch("check");
    if (has) await ctx.step("check", () => "checked");
    await ctx.sleep("rest", MINUTE_MS);
    return [a, has, await ctx.patch("check")];
  });
  const code: Workflow<null, unknown>[] = [before];
  using world = worldOf(code);
  const old = await begun(world, before, null);
  code[0] = after;
  world.crash();
  const fresh = await begun(world, after, null);
  world.crash();
  await world.clock.advance(MINUTE_MS);
  assert.deepEqual(outputOf(world, old), ["a", false, false]);
  assert.deepEqual(outputOf(world, fresh), ["a", true, true]);
  assert.equal(entriesOf(world, fresh, "patched").length, 1);
});

// Heartbeats and interrupted steps.

test("a heartbeat tells a later attempt where to go on; it is recorded at once and then every ten seconds", async () => {
  const found: unknown[] = [];
  const long = flow((ctx) =>
    ctx.step("long", async (step) => {
      found.push(step.lastHeartbeat);
      for (let page = 1; found.length === 1; page++) {
        step.heartbeat({ page });
        await new Promise<void>((resolve) => world.clock.after(1_000, resolve));
      }
    }),
  );
  const world = worldOf([long]);
  using _world = world;
  const run = await begun(world, long, null);
  await world.clock.advance(15_000);
  assert.deepEqual(
    entriesOf(world, run, "heartbeat").map((entry) => dataOf(entry)),
    [{ page: 1 }, { page: 11 }],
  );
  world.crash();
  await world.clock.settle();
  assert.deepEqual(found, [undefined, { page: 11 }]);
});

test("an attempt that is silent for too long has failed, and the next begins", async () => {
  const silent = flow((ctx) =>
    ctx.step("silent", ({ attempt }) => (attempt === 2 ? "spoke" : new Promise<string>(() => undefined)), {
      heartbeatTimeoutMs: 5_000,
      retry: { attemptsMax: 2 },
    }),
  );
  using it = await carried(silent, MINUTE_MS);
  assert.equal(outputOf(it.world, it.run), "spoke");
});

test("an interrupted at-most-once step fails, is retried, pauses its run or finds out, as its author said", async () => {
  const acted: string[] = [];
  const paying = (onInterrupted: "fail" | "retry" | "pause" | (() => unknown)) =>
    flow((ctx) =>
      ctx.step(
        "pay",
        () => {
          acted.push("pay");
          return acted.length === 1 ? new Promise<string>(() => undefined) : "paid";
        },
        { delivery: "at-most-once", onInterrupted },
      ),
    );
  const interrupted = async (onInterrupted: Parameters<typeof paying>[0]) => {
    acted.length = 0;
    const it = await carried(paying(onInterrupted));
    it.world.crash();
    await it.world.clock.settle();
    return it;
  };
  using fails = await interrupted("fail");
  assert.equal(problemOf(fails.world, fails.run).code, "STEP_INTERRUPTED");
  using retries = await interrupted("retry");
  assert.deepEqual([outputOf(retries.world, retries.run), acted.length], ["paid", 2]);
  using finds = await interrupted(() => "found paid");
  assert.deepEqual([outputOf(finds.world, finds.run), acted.length], ["found paid", 1]);
  using pauses = await interrupted("pause");
  assert.deepEqual(
    [pauses.world.run(pauses.run).status, problemOf(pauses.world, pauses.run).code, acted.length],
    ["paused", "STEP_INTERRUPTED", 1],
  );
  await Promise.all([pauses.world.carrier.steering.resume(pauses.run, "ann"), pauses.world.clock.settle()]);
  await pauses.world.clock.settle();
  assert.equal(pauses.world.run(pauses.run).status, "paused", "going on would be to act again");
  using redone = await interrupted("pause");
  await Promise.all([redone.world.carrier.steering.retry(redone.run, null, "ann"), redone.world.clock.settle()]);
  await redone.world.clock.settle();
  assert.deepEqual([outputOf(redone.world, redone.run), acted.length], ["paid", 2]);
  acted.length = 1;
  await Promise.all([
    pauses.world.carrier.steering.skip(pauses.run, "pay", "seen on the account", "ann"),
    pauses.world.clock.settle(),
  ]);
  await pauses.world.clock.settle();
  assert.deepEqual([outputOf(pauses.world, pauses.run), acted.length], ["seen on the account", 1]);
});
