// Runs and those below them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { begun, flow, outputOf, worldOf } from "../../test/given.ts";

test("a child whose workflow only its parent knows goes on after a crash", async () => {
  const child = flow(
    async (ctx) => {
      await ctx.sleep("rest", 1_000);
      return await ctx.step("work", () => "done");
    },
    { name: "child" },
  );
  const parent = flow((ctx) => ctx.run(child, null), { name: "parent" });
  const world = worldOf([parent]);
  using _world = world;
  const run = await begun(world, parent);
  world.crash(null);
  await world.clock.advance(2_000);
  assert.equal(outputOf(world, run), "done");
});
