import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { begun, flow, outputOf, worldOf } from "../../test/given.ts";
import type { World } from "../testing.ts";

/** Somebody, or a disk, changes what is written. */
function damage(world: World, sql: string): void {
  const db = new DatabaseSync(join(world.directory, "baton.db"));
  db.exec(sql);
  db.close();
}

const DAMAGES = [
  "update journal set data = '{bad' where run = 1 and kind = 8",
  "update journal set kind = 99 where run = 1 and kind = 8",
  "update runs set input = '{bad' where id = 1",
  "update journal set key = 'something else' where run = 1 and kind = 1",
  "insert into journal (seq, run, kind, key, hash, at, data) values (900, 1, 1, 'a', 0, 0, '7'), (901, 1, 2, 'a', 0, 0, '{}')",
];

for (const sql of DAMAGES) {
  test(`a run whose records are wrong harms no other: ${sql}`, async () => {
    const waits = flow(
      async (ctx) => {
        await ctx.step("a", () => 1);
        return await ctx.waitSignal("go");
      },
      { name: "waits" },
    );
    using world = worldOf([waits]);
    const [first, second] = [await begun(world, waits, null), await begun(world, waits, null)];
    world.store.die();
    damage(world, sql);
    world.crash();
    for (const [index, run] of [first, second].entries()) world.signal(run, "go", index, `s${index}`);
    await world.clock.settle();
    assert.deepEqual(outputOf(world, second), { received: true, value: 1 });

    const [, listed] = world.store.runs({ limit: 10 }).runs;
    const isStopped = listed?.status === "paused" && ["corrupt", "replay_mismatch"].includes(listed.reason);
    assert.ok(isStopped || listed?.status === "completed", JSON.stringify(listed));
    const canceling = world.carrier.steering.cancel(first, "ann", null).catch(() => undefined); // where it can be read
    await world.clock.settle();
    await canceling;
    const deleting = world.carrier.steering.delete(first);
    await world.clock.settle();
    assert.equal(await deleting, 1);
    assert.equal(world.store.runs({ limit: 10 }).runs.length, 1);
  });
}
