// Services are looked at again and again, the unwell less and less often, and what changes is told.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import type { FreeChange } from "../store.ts";
import { manualClock } from "../testing/clock.ts";
import { Ledger } from "../trust.ts";
import type { Reach } from "./attempt.ts";
import { serviceOfCode } from "./definition.ts";
import { Desk, type ServiceEvent } from "./desk.ts";
import { checkHealth, HealthWatch, pauseAfter } from "./health.ts";
import { servicesProblems } from "./problems.ts";
import type { Operation } from "./service.ts";

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
      say: {
        effects: "read",
        act: () => {
          if (!state.isWell) throw servicesProblems.SERVICE_UNAVAILABLE("It is away.");
          return "said";
        },
      },
    },
  });
  desk.set(service);
  const options = { desk, reach: nowhere, clock, elapsed: () => clock.now(), keep };
  const watch = new HealthWatch(options);
  const look = () => checkHealth(desk.standing("model"), options);
  const circuit = () => desk.standing("model").breaker.state(clock.now()).kind;
  let count = 0;
  const call = async (isLast = true, abortSignal = new AbortController().signal): Promise<unknown> => {
    const request = { target: "model/say", capability: "say", input: {}, key: `call ${++count}`, attempt: 1, mayRetry: false };
    try {
      return (await desk.invoke({ ...request, isLast, needs: {}, run: null, account: null, abortSignal, queueMs: 0, say: null }))
        .output;
    } catch (error) {
      if (!isProblemError(error)) return (error as Error).message;
      const { retryAfterMs } = error.problem.facts ?? {};
      return retryAfterMs === undefined ? error.code : [error.code, retryAfterMs];
    }
  };
  const calls = () => kept.filter((one) => one.kind === "reading" && one.what === "call").length;
  return { clock, kept, told, state, desk, service, watch, look, circuit, call, calls };
}

/** One whose circuit has just opened. */
async function leftAlone() {
  const all = bed();
  all.state.isWell = false;
  for (let i = 0; i < 5; i++) assert.equal(await all.call(), "SERVICE_UNAVAILABLE");
  assert.equal(all.circuit(), "open");
  return all;
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
  const declaring = (intervalMs: number) => serviceOfCode({ service: "often", health: { intervalMs } });
  const declared = [2_000, 30_000].map((intervalMs) =>
    [1, 4, 5, 9].map((failures) => pauseAfter(declaring(intervalMs), failures)),
  );
  assert.deepEqual(declared, [
    [1_000, 8_000, 16_000, 20_000],
    [1_000, 8_000, 16_000, 60_000],
  ]);
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

test("a look that finds it well lets it be tried at once, and wakes who waits", async () => {
  const { clock, state, look, circuit, call } = await leftAlone();
  state.isWell = true;
  await look();
  assert.equal(circuit(), "half-open");
  assert.deepEqual([await call(), await call(), circuit()], ["said", "said", "closed"]);
  state.isWell = false;
  for (let i = 0; i < 5; i++) await call();
  await clock.advance(3_500);
  const waiting = call();
  state.isWell = true;
  await look();
  assert.equal(await waiting, "said");
});

test("who can ask another waits for nobody that is left alone; who cannot waits a moment, and no longer", async () => {
  const { clock, state, call, circuit } = await leftAlone();
  state.isWell = true;
  assert.deepEqual(await call(), ["SERVICE_CIRCUIT_OPEN", 5_000]);
  await clock.advance(3_500);
  assert.deepEqual(await call(false), ["SERVICE_CIRCUIT_OPEN", 1_500]);
  const controller = new AbortController();
  const unwanted = call(true, controller.signal);
  controller.abort(new Error("nobody wants it"));
  assert.equal(await unwanted, "nobody wants it");
  const waiting = [call(), call(), call()];
  await clock.advance(1_500);
  assert.deepEqual(await Promise.all(waiting), ["said", "said", "said"]);
  assert.equal(circuit(), "closed");
});

test("a mistake of Baton's own code is told as one, and says nothing of the service; an author's is its failure", async () => {
  const { desk, service, call, calls, circuit } = bed();
  const undefinedThing = undefined as unknown as { readonly name: string };
  const never = (): Json => {
    assert.equal(1, 2);
    return null;
  };
  const mistakes: Operation["act"][] = [() => undefinedThing.name, never, () => Reflect.get({}, "x").y];
  for (const act of mistakes) {
    const say = { ...(service.operations.get("say") as Operation), act };
    desk.set({ ...service, operations: new Map([["say", say]]) });
    for (let i = 0; i < 6; i++) assert.equal(await call(), "BUG");
  }
  assert.deepEqual([calls(), circuit()], [0, "closed"]);
  desk.set(serviceOfCode({ service: "model", operations: { say: { effects: "read", act: () => undefinedThing.name } } }));
  assert.equal(await call(), "SERVICE_FAILED");
  assert.equal(calls(), 1);
});
