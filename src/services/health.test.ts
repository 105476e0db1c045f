// Services are looked at again and again, the unwell less and less often, and what changes is told.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { FreeChange } from "../store.ts";
import { manualClock } from "../testing/clock.ts";
import { Ledger } from "../trust.ts";
import type { Reach } from "./attempt.ts";
import { serviceOfCode } from "./definition.ts";
import { Desk, type ServiceEvent } from "./desk.ts";
import { HealthWatch, pauseAfter } from "./health.ts";

const nowhere: Reach = {
  open: () => Promise.reject(new Error("nothing is reached here")),
  request: () => Promise.reject(new Error("nothing is reached here")),
  secret: () => undefined,
};

function bed() {
  const clock = manualClock();
  const kept: FreeChange[] = [];
  const told: ServiceEvent[] = [];
  const state = { isWell: true, looks: 0, models: ["small"] };
  const keep = (changes: readonly FreeChange[]) => void kept.push(...changes);
  const desk = new Desk({
    ...{ reach: nowhere, clock, elapsed: () => clock.now(), keep },
    files: { put: () => "", get: () => null },
    lastAnswer: () => null,
    ledger: () => new Ledger(),
    observe: (event) => void told.push(event),
  });
  const service = serviceOfCode({
    service: "model",
    operations: {
      list: {
        capability: "models.list",
        effects: "read",
        act: () => {
          state.looks++;
          if (!state.isWell) throw new Error("out of memory");
          return { models: state.models.map((id) => ({ id })) };
        },
      },
    },
  });
  desk.set(service);
  const watch = new HealthWatch({ desk, reach: nowhere, clock, elapsed: () => clock.now(), keep });
  return { clock, kept, told, state, desk, service, watch };
}

test("one that is well is looked at every half minute, and what it has is known", async () => {
  const { clock, state, desk, watch, told } = bed();
  watch.follow();
  await clock.advance(0);
  assert.deepEqual(desk.standing("model").models, ["small"]);
  assert.equal(desk.standing("model").health.kind, "healthy");
  await clock.advance(30_000 * 3);
  assert.equal(state.looks, 4);
  assert.deepEqual(
    told.filter(({ what }) => what === "health").map(({ words }) => words),
    ["healthy"],
  );
  watch.stop();
  await clock.advance(300_000);
  assert.equal(state.looks, 4);
});

test("one that is unwell is looked at soon and then less and less often; each change is told once, and kept", async () => {
  const { clock, state, desk, watch, told, kept, service } = bed();
  state.isWell = false;
  watch.follow();
  await clock.advance(0);
  const health = desk.standing("model").health;
  assert.ok(health.kind === "unhealthy");
  assert.match(health.because, /out of memory/);
  await clock.advance(1_000 + 2_000 + 4_000);
  assert.equal(state.looks, 4);
  const pauses = [1, 2, 3, 4, 9, 10, 50].map((failures) => pauseAfter(service, failures));
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000]);
  state.isWell = true;
  await clock.advance(8_000);
  assert.equal(desk.standing("model").health.kind, "healthy");
  assert.deepEqual(
    told.filter(({ what }) => what === "health").map(({ words }) => words.split(":")[0]),
    ["unhealthy", "healthy"],
  );
  assert.equal(kept.filter(({ kind }) => kind === "reading").length, 5);
  assert.equal(kept.filter(({ kind }) => kind === "service-state").length, 2);
  watch.stop();
});

test("one that goes is looked at no more, one that comes is at once", async () => {
  const { clock, state, desk, watch, service } = bed();
  watch.follow();
  await clock.advance(0);
  desk.remove("model");
  watch.follow();
  await clock.advance(120_000);
  assert.equal(state.looks, 1);
  desk.set(service);
  watch.follow();
  await clock.advance(0);
  assert.equal(state.looks, 2);
  watch.stop();
});
