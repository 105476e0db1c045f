import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { begun, flow, outputOf, worldOf } from "../../test/given.ts";
import type { RunId } from "../base/id.ts";
import { DAY_MS } from "../base/time.ts";
import { limits, RETENTION, type RetentionPolicy, readRetention } from "../run.ts";
import type { World } from "../testing.ts";
import { Retention } from "./retention.ts";

const quick = flow(() => "done", { name: "quick" });
const brief = flow(() => "done", { name: "brief", retention: { ageMs: 60_000 } });
const forever = flow(() => "done", { name: "forever", retention: "forever" });

async function swept(
  world: World,
  policy: RetentionPolicy | null = RETENTION,
  isRead?: (run: RunId) => boolean,
): Promise<number> {
  const { store, engine, carrier } = world;
  const keeper = new Retention({
    ...{ store, engine, policy, delete: (run: RunId) => carrier.steering.delete(run) },
    ...(isRead === undefined ? {} : { isRead }),
  });
  const sweeping = keeper.sweep();
  await world.clock.settle();
  return await sweeping;
}

const kept = (world: World): number => world.store.runs({ limit: 1_000 }).runs.length;

test("ended runs leave when they are old, by what their workflow says or else by the common policy; open ones stay", async () => {
  const waits = flow((ctx) => ctx.waitSignal("never"), { name: "waits" });
  using world = worldOf([quick, brief, forever, waits]);
  for (const workflow of [quick, brief, forever]) await begun(world, workflow, null);
  await begun(world, waits, null);
  assert.equal(await swept(world), 0);
  await world.clock.advance(61_000);
  assert.equal(await swept(world), 1);
  world.clock.jump(31 * DAY_MS);
  assert.equal(await swept(world), 1);
  assert.deepEqual(
    world.store.runs({ limit: 10 }).runs.map(({ workflow }) => workflow.name),
    ["waits", "forever"],
  );
  world.crash(); // an owner without the code keeps to what the workflow said
  assert.equal(await swept(world), 0);
});

test("of each workflow only the newest stay, and a run goes with the ended runs below it", async () => {
  const parent = flow((ctx) => ctx.run(quick, null), { name: "parent" });
  using world = worldOf([quick, parent]);
  for (let i = 0; i < 3; i++) await begun(world, parent, null);
  for (let i = 0; i < 3; i++) await begun(world, quick, null);
  assert.equal(kept(world), 9);
  assert.equal(await swept(world, { ageMs: DAY_MS, countMax: 2 }), 3);
  assert.equal(kept(world), 6);
});

test("nothing leaves before every reading has passed it", async () => {
  using world = worldOf([quick]);
  const [first, second] = [await begun(world, quick, null), await begun(world, quick, null)];
  world.clock.jump(31 * DAY_MS);
  assert.equal(await swept(world, RETENTION, (run) => run === first), 1);
  assert.equal(world.run(second).status, "completed");
});

test("a policy that says nothing sensible is refused where it is written", () => {
  for (const wrong of [{ ageMs: -1 }, { countMax: 1.5 }, { days: 3 }, "never", null])
    assert.throws(() => readRetention(wrong as never), { code: "OPTION_INVALID" });
  assert.deepEqual(readRetention({ countMax: 5 }), { ...RETENTION, countMax: 5 });
});

test("space is given back: what 300 runs with large outputs took is free again, files included", async () => {
  const large = flow((ctx) => ctx.step("s", () => `${ctx.info.run} ${"x".repeat(100_000)}`), { name: "large" });
  using world = worldOf([large]);
  for (let i = 0; i < 300; i++) await begun(world, large, null);
  const files = (): number =>
    existsSync(join(world.directory, "payloads"))
      ? readdirSync(join(world.directory, "payloads"), { recursive: true }).filter((name) => String(name).length > 60).length
      : 0;
  assert.equal(files(), 300, "the run's output is the text of its step's, kept once");
  assert.equal(await swept(world, { ageMs: 0, countMax: 0 }), 300);
  assert.deepEqual([files(), world.store.freeBytes()], [0, 0]);
});

// Large payloads.

test("what is large is kept in a file and comes back as it was: inputs, outputs, steps, signals, after a crash too", async () => {
  const big = "é".repeat(200_000);
  const echo = flow(
    async (ctx) => {
      const step = await ctx.step("s", () => ({ big }));
      const signal = await ctx.waitSignal<string>("s");
      return [step.big === big, signal.received && signal.value === big, big];
    },
    { name: "echo" },
  );
  using world = worldOf([echo]);
  const run = await begun(world, echo, null);
  world.crash();
  await world.clock.settle();
  world.signal(run, "s", big, "s1");
  await world.clock.settle();
  assert.deepEqual(outputOf(world, run), [true, true, big]);
});

test("a payload whose file is gone pauses its run as corrupt, and harms no other", async () => {
  const big = flow(
    async (ctx) => {
      await ctx.step("s", () => "x".repeat(100_000));
      return await ctx.waitSignal("go");
    },
    { name: "big" },
  );
  using world = worldOf([big, quick]);
  const run = await begun(world, big, null);
  world.losePayloads();
  world.crash();
  world.signal(run, "go", null, "s1");
  await world.clock.settle();
  const found = world.run(run);
  assert.equal(found.status === "paused" && found.reason, "corrupt");
  assert.match((found.status === "paused" && found.problem?.detail) || "", /payload/);
  assert.equal(outputOf(world, await begun(world, quick, null)), "done");
});

test("over the limit of a payload the step fails, and not the engine", async () => {
  const over = flow((ctx) =>
    ctx.step("s", () => "x".repeat(limits.PAYLOAD_BYTES_MAX)).catch((error: { code: string }) => error.code),
  );
  using world = worldOf([over]);
  assert.equal(outputOf(world, await begun(world, over, null)), "STEP_OUTPUT_INVALID");
});
