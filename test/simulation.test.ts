// Seeded histories with crashes, lost answers, slow and failing disks, clock jumps and stalled owners.

import assert from "node:assert/strict";
import { test } from "node:test";
import { plantedFaults, type Simulated, simulate } from "../src/testing.ts";

const SEEDS = 500;
/** Seeds within which every planted fault is found. */
const SEEDS_TO_FIND = 100;

/** Each of these must have happened at least once, or the simulation has stopped simulating. */
const KINDS = [
  ...["help", "time", "act", "crash", "take-over", "jump", "slow disk", "failing disk", "pause"],
  ...["death before", "death after", "death answer-lost"],
];

test(`${SEEDS} seeded histories keep every promise`, async () => {
  const happened = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violations, events } = await simulate(seed);
    assert.deepEqual(violations, [], `seed ${seed}`);
    for (const [kind, count] of Object.entries(events)) happened.set(kind, (happened.get(kind) ?? 0) + count);
  }
  for (const kind of KINDS) assert.ok((happened.get(kind) ?? 0) > 0, `"${kind}" never happened`);
});

test("the same seed gives the same history", async () => {
  for (const seed of [3, 33, 63, 93]) {
    const first = await simulate(seed);
    const second = await simulate(seed);
    assert.equal(first.trace, second.trace, `seed ${seed}`);
    assert.deepEqual(first.events, second.events);
  }
});

for (const fault of plantedFaults) {
  test(`a planted fault is found: ${fault.name}`, async (t) => {
    let found: Simulated | null = null;
    for (let seed = 1; seed <= SEEDS_TO_FIND && found === null; seed++) {
      const simulated = await simulate(seed, fault);
      if (simulated.violations.length > 0) found = simulated;
    }
    assert.ok(found !== null, `not found within ${SEEDS_TO_FIND} seeds`);
    t.diagnostic(`seed ${found.seed}: ${found.violations[0]}`);
  });
}
