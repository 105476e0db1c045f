import assert from "node:assert/strict";
import { test } from "node:test";
import { begun, carried, dataOf, entriesOf, flow, gate, kindsOf, outputOf, problemOf, worldOf } from "../../test/given.ts";
import { type Facts, limits, NonRetryableError, RetryAfterError } from "../run.ts";
import type { Context, StepContext, StepOptions } from "../workflow.ts";

/** A workflow of one step that gives what the step gave, or the code of what it threw. */
function oneStep(act: (step: StepContext) => unknown, options?: StepOptions) {
  return flow((ctx) => ctx.step("act", act, options).catch((error: { code: string }) => error.code));
}

test("a short step costs one entry: its outcome", async () => {
  using it = await carried(oneStep(() => 42));
  assert.equal(outputOf(it.world, it.run), 42);
  assert.deepEqual(kindsOf(it.world, it.run), ["step-completed act"]);
});

test("a step that gives nothing gives undefined, live and on replay (R1)", async () => {
  const seen: unknown[] = [];
  const nothing = flow(async (ctx) => {
    seen.push(await ctx.step("nothing", () => undefined));
    await ctx.sleep("rest", 1_000);
  });
  using it = await carried(nothing);
  it.world.crash();
  await it.world.clock.advance(1_000);
  assert.deepEqual(seen, [undefined, undefined]);
});

test("what a step gives is the same live and on replay, and later changes do not reach it (R3)", async () => {
  const shared: unknown[] = [];
  const seen: string[] = [];
  const describe = (value: Record<string, unknown>) => JSON.stringify([Object.keys(value), Object.is(value.zero, -0)]);
  const changing = flow(async (ctx) => {
    const value = await ctx.step<Record<string, unknown>>("a", () => ({ kept: 1, dropped: undefined, zero: -0 }));
    const list = await ctx.step("list", () => {
      shared.push(1);
      return shared;
    });
    shared.push(2);
    seen.push(describe(value) + list.length);
    await ctx.sleep("rest", 1_000);
  });
  using it = await carried(changing);
  it.world.crash();
  await it.world.clock.advance(1_000);
  assert.equal(seen.length, 2);
  assert.equal(seen[0], seen[1]);
});

test("a step that fails is tried once unless its author says more", async () => {
  let tries = 0;
  const fails = oneStep(() => {
    tries++;
    throw new Error("no");
  });
  using it = await carried(fails, 600_000);
  assert.equal(outputOf(it.world, it.run), "STEP_FAILED");
  assert.equal(tries, 1);
});

test("delays grow by the factor up to the longest, and what was drawn is recorded", async () => {
  const at: number[] = [];
  const retry = { attemptsMax: 6, firstDelayMs: 1_000, factor: 3, delayMsMax: 10_000, jitter: 0 };
  const world = worldOf([]);
  using _world = world;
  const fails = oneStep(
    () => {
      at.push(world.clock.now());
      throw new Error("no");
    },
    { retry },
  );
  const run = await begun(world, fails);
  await world.clock.advance(100_000);
  assert.equal(outputOf(world, run), "STEP_FAILED");
  const gaps = at.slice(1).map((now, index) => now - (at[index] ?? 0));
  assert.deepEqual(gaps, [1_000, 3_000, 9_000, 10_000, 10_000]);
  const recorded = entriesOf(world, run, "attempt-failed").map((entry) => dataOf<Facts["attempt-failed"]>(entry));
  assert.deepEqual(
    recorded.map(({ attempt }) => attempt),
    [1, 2, 3, 4, 5],
  );
  assert.deepEqual(
    recorded.map(({ retryAt }) => retryAt),
    at.slice(1),
  );
});

test("the delay that chance drew is kept through a crash", async () => {
  const at: number[] = [];
  const world = worldOf([]);
  using _world = world;
  const flaky = oneStep(
    ({ attempt }) => {
      at.push(world.clock.now());
      if (attempt < 2) throw new Error("no");
      return "yes";
    },
    { retry: { attemptsMax: 3, firstDelayMs: 60_000, jitter: 1 } },
  );
  world.carrier.register(flaky as never, null);
  const run = await begun(world, flaky);
  const { retryAt } = dataOf<Facts["attempt-failed"]>(entriesOf(world, run, "attempt-failed")[0]);
  for (let crashes = 0; crashes < 3; crashes++) {
    world.crash();
    world.carrier.register(flaky as never, null);
    await world.clock.advance(1);
  }
  await world.clock.advance(60_000);
  assert.equal(outputOf(world, run), "yes");
  assert.equal(at[1], retryAt);
  assert.ok(retryAt < (at[0] ?? 0) + 60_000, "chance took nothing away");
});

test("a service that says when to come back is obeyed, up to an hour", async () => {
  for (const [asked, waited] of [
    [90_000, 90_000],
    [10 * 3_600_000, 3_600_000],
    [-5, 1_000],
  ] as const) {
    const at: number[] = [];
    const world = worldOf([]);
    using _world = world;
    const busy = oneStep(
      ({ attempt }) => {
        at.push(world.clock.now());
        if (attempt === 1) throw new RetryAfterError("busy", asked);
        return "done";
      },
      { retry: { attemptsMax: 2, firstDelayMs: 1_000, jitter: 0 } },
    );
    const run = await begun(world, busy);
    await world.clock.advance(2 * 3_600_000);
    assert.equal(outputOf(world, run), "done");
    assert.equal((at[1] ?? 0) - (at[0] ?? 0), waited);
  }
});

test("an error after which no retry makes sense ends the step: by class, by mark, by code, by name", async () => {
  const errors: [unknown, string[]][] = [
    [new NonRetryableError("no"), []],
    [Object.assign(new Error("no"), { nonRetryable: true }), []],
    [Object.assign(new Error("no"), { code: "E_GONE" }), ["E_GONE"]],
    [new TypeError("no"), ["TypeError"]],
  ];
  for (const [error, nonRetryable] of errors) {
    let tries = 0;
    const fails = oneStep(
      () => {
        tries++;
        throw error;
      },
      { retry: { attemptsMax: 5, nonRetryable } },
    );
    using it = await carried(fails, 600_000);
    assert.equal(it.world.run(it.run).status, "completed");
    assert.equal(tries, 1, String(error));
  }
});

test("what a step threw is caught as the same error, live and on replay", async () => {
  const seen: string[] = [];
  const catches = flow(async (ctx) => {
    for (const [name, thrown] of [
      ["type", new TypeError("wrong")],
      ["text", "only text"],
      ["null", null],
      ["code", Object.assign(new Error("gone"), { code: "E_GONE" })],
    ] as const) {
      await ctx
        .step(name, () => Promise.reject(thrown))
        .catch((error: Error & { code: string }) => seen.push(`${error.name} ${error.code} ${error.message}`));
    }
    await ctx.sleep("rest", 1_000);
  });
  using it = await carried(catches);
  it.world.crash();
  await it.world.clock.advance(1_000);
  assert.equal(it.world.run(it.run).status, "completed");
  assert.deepEqual(seen.slice(0, 4), [
    "TypeError STEP_FAILED wrong",
    "string STEP_FAILED only text",
    "object STEP_FAILED null",
    "Error E_GONE gone",
  ]);
  assert.deepEqual(seen.slice(4), seen.slice(0, 4));
});

test("an attempt that takes too long is aborted and tried again", async () => {
  const aborted: number[] = [];
  const slow = oneStep(
    ({ attempt, abortSignal }) => {
      if (attempt === 2) return "second";
      return new Promise((_, reject) => {
        abortSignal.addEventListener("abort", () => {
          aborted.push(attempt);
          reject(abortSignal.reason);
        });
      });
    },
    { attemptTimeoutMs: 5_000, retry: { attemptsMax: 2, firstDelayMs: 1_000 } },
  );
  using it = await carried(slow, 10_000);
  assert.equal(outputOf(it.world, it.run), "second");
  assert.deepEqual(aborted, [1]);
  const failed = dataOf<Facts["attempt-failed"]>(entriesOf(it.world, it.run, "attempt-failed")[0]);
  assert.equal(failed.failure.code, "STEP_TIMEOUT");
});

test("an attempt given up sees itself aborted, also when it only looks later, and not the next attempt", async () => {
  const hang = gate();
  const seen: unknown[] = [];
  const slow = oneStep(
    async (step) => {
      if (step.attempt > 1) return "second";
      await hang.promise;
      seen.push([step.attempt, step.abortSignal.aborted]);
      return "first, too late";
    },
    { attemptTimeoutMs: 1_000, retry: { attemptsMax: 2, firstDelayMs: 1_000, jitter: 0 } },
  );
  using it = await carried(slow, 1_500);
  hang.open();
  await it.world.clock.advance(5_000);
  assert.equal(outputOf(it.world, it.run), "second");
  assert.deepEqual(seen, [[1, true]]);
});

test("the time of a step covers all attempts and the delays between them", async () => {
  let tries = 0;
  const fails = oneStep(
    () => {
      tries++;
      throw new Error("no");
    },
    { timeoutMs: 10_000, retry: { attemptsMax: 100, firstDelayMs: 4_000, factor: 1, jitter: 0 } },
  );
  using it = await carried(fails, 60_000);
  assert.equal(outputOf(it.world, it.run), "STEP_FAILED"); // the third delay would end after the time
  assert.equal(tries, 3);

  using hanging = await carried(
    oneStep(() => new Promise(() => undefined), { timeoutMs: 10_000, retry: { attemptsMax: 9 } }),
    11_000,
  );
  assert.equal(outputOf(hanging.world, hanging.run), "STEP_TIMEOUT");
});

test("an outcome that comes after its attempt was given up changes nothing", async () => {
  const late = gate<string>();
  const slow = oneStep(() => late.promise, { timeoutMs: 1_000 });
  using it = await carried(slow, 2_000);
  late.open("late");
  await it.world.clock.settle();
  assert.equal(outputOf(it.world, it.run), "STEP_TIMEOUT");
  assert.equal(entriesOf(it.world, it.run, "step-completed").length, 0);
});

test("one idempotency key on every attempt and after every crash; another for every other step", async () => {
  const keys: string[] = [];
  const world = worldOf([
    flow(async (ctx) => {
      await ctx.step(
        "pay",
        (step) => {
          keys.push(step.idempotencyKey);
          if (keys.length < 4) throw new Error("no");
        },
        { retry: { attemptsMax: 10, firstDelayMs: 1_000, jitter: 0 } },
      );
      await ctx.step("pay", (step) => void keys.push(step.idempotencyKey));
      await ctx.scope("other", (inner) => inner.step("pay", (step) => void keys.push(step.idempotencyKey)));
    }),
  ]);
  using _world = world;
  const [known] = world.carrier.registry.all();
  const run = await begun(world, known as never);
  for (let crashes = 0; crashes < 4; crashes++) {
    world.crash();
    await world.clock.advance(2_000);
  }
  await world.clock.advance(60_000);
  assert.equal(outputOf(world, run), null);
  assert.equal(keys.length, 6);
  assert.equal(new Set(keys.slice(0, 4)).size, 1);
  assert.equal(new Set(keys).size, 3);
  assert.ok(
    keys.every((key) => key.startsWith(run)),
    keys.join(),
  );
});

test("an interrupted attempt is made again, and does not count as a failed one", async () => {
  const tries: number[] = [];
  const world = worldOf([
    oneStep(
      (step) => {
        tries.push(step.attempt);
        if (tries.length <= 2) return new Promise(() => undefined);
        if (tries.length === 3) throw new Error("once");
        return "done";
      },
      { retry: { attemptsMax: 2, firstDelayMs: 1_000 } },
    ),
  ]);
  using _world = world;
  const run = await begun(world, world.carrier.registry.all()[0] as never);
  for (let crashes = 0; crashes < 2; crashes++) {
    await world.clock.advance(1_000); // long enough that its start is written down
    world.crash();
    await world.clock.settle();
  }
  await world.clock.advance(10_000);
  assert.equal(outputOf(world, run), "done");
  assert.deepEqual(tries, [1, 2, 3, 4]);
});

test("a step that may happen once is on disk before it acts, and interrupted it is not done again", async () => {
  const started: boolean[] = [];
  const world = worldOf([
    oneStep(
      ({ idempotencyKey }) => {
        const number = world.store.ids.numberOf(idempotencyKey.replace(/\..*$/, "") as never) ?? 0;
        started.push(world.store.journal(number, 0, 10).some(({ kind }) => kind === "step-started"));
        return new Promise(() => undefined);
      },
      { delivery: "at-most-once" },
    ),
  ]);
  using _world = world;
  const run = await begun(world, world.carrier.registry.all()[0] as never);
  world.crash();
  await world.clock.settle();
  assert.equal(outputOf(world, run), "STEP_INTERRUPTED");
  assert.deepEqual(started, [true]);
});

test("a step that may happen once and was not begun is begun after a crash", async () => {
  const acted: string[] = [];
  const send = flow(async (ctx) => {
    await ctx.sleep("first", 1_000);
    return ctx.step("send", () => acted.push("send"), { delivery: "at-most-once" });
  });
  const world = worldOf([send]);
  using _world = world;
  const run = await begun(world, send);
  world.crash();
  await world.clock.advance(1_000);
  assert.equal(outputOf(world, run), 1);
  assert.deepEqual(acted, ["send"]);
});

test("a step whose start is on its way to disk does not act once the run is canceled (R5)", async () => {
  const acted: string[] = [];
  const ends: string[] = [];
  const world = worldOf([
    flow(async (ctx) => {
      const go = await ctx.waitSignal("go");
      try {
        await ctx.step("send", () => void acted.push("send"), { delivery: "at-most-once" });
      } finally {
        ends.push(`went ${go.received}`);
      }
    }),
  ]);
  using _world = world;
  const run = await begun(world, world.carrier.registry.all()[0] as never);
  // The signal and the cancellation are told in one turn: when the start of the step is on disk, the run has ended.
  void world.engine.send(run, { kind: "signal-received", key: "1", hash: 0, data: '{"name":"go","value":1}' }).then(() => {
    void world.carrier.steering.cancel(run, "a test", null);
  });
  await world.clock.settle();
  assert.equal(world.run(run).status, "canceled");
  assert.deepEqual(acted, []);
  assert.deepEqual(ends, ["went true"]);
});

test("a long step has its start written down, so that others see it", async () => {
  using it = await carried(
    oneStep(() => new Promise(() => undefined)),
    limits.STEP_START_RECORDED_AFTER_MS + limits.ATTEMPT_SWEEP_MS,
  );
  assert.deepEqual(kindsOf(it.world, it.run), ["step-started act"]);
});

test("an output that JSON cannot carry fails the step at its place and is not retried", async () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const outputs: [unknown, RegExp][] = [
    [{ deep: [1n] }, /deep\[0\] is a bigint/],
    [{ at: new Date() }, /\.at is a Date/],
    [[undefined], /\[0\] is undefined/],
    [Number.NaN, /is NaN/],
    [() => 1, /is a function/],
    [new Map(), /is a Map/],
    [cyclic, /refers to itself/],
    ["x".repeat(limits.PAYLOAD_BYTES_MAX), /the limit is 8388608/],
  ];
  for (const [output, sentence] of outputs) {
    let tries = 0;
    const gives = flow((ctx) =>
      ctx.step(
        "give",
        () => {
          tries++;
          return output;
        },
        { retry: { attemptsMax: 3 } },
      ),
    );
    using it = await carried(gives, 60_000);
    assert.equal(problemOf(it.world, it.run).code, "STEP_OUTPUT_INVALID");
    assert.match(problemOf(it.world, it.run).detail, sentence);
    assert.equal(tries, 1);
  }
});

test("a wrong option is told at the step, before it acts", async () => {
  const wrong: StepOptions[] = [
    { timeoutMs: 0 },
    { attemptTimeoutMs: Number.NaN },
    { retry: { attemptsMax: 0 } },
    { retry: { jitter: 2 } },
    { retry: { firstDelayMs: Number.POSITIVE_INFINITY } },
  ];
  for (const options of wrong) {
    let tries = 0;
    using it = await carried(flow((ctx) => ctx.step("act", () => ++tries, options)));
    assert.match(problemOf(it.world, it.run).code, /^(OPTION|RETRY)_INVALID$/);
    assert.equal(tries, 0);
  }
});

test("cancelling aborts the attempt under way and rejects the step, and `finally` blocks run", async () => {
  const ends: string[] = [];
  const waits = flow(async (ctx: Context) => {
    try {
      await ctx.step(
        "long",
        (step) =>
          new Promise((_, reject) =>
            step.abortSignal.addEventListener("abort", () => {
              ends.push("aborted");
              reject(step.abortSignal.reason);
            }),
          ),
      );
    } catch (error) {
      ends.push((error as { code: string }).code);
      await ctx.step("cleanup", () => ends.push("never")).catch((late: { code: string }) => ends.push(late.code));
    }
  });
  using it = await carried(waits);
  await Promise.all([it.world.carrier.steering.cancel(it.run, "a test", "enough"), it.world.clock.settle()]);
  assert.equal(it.world.run(it.run).status, "canceled");
  assert.match(problemOf(it.world, it.run).detail, /by a test: enough/);
  assert.deepEqual(ends, ["aborted", "RUN_CANCELED", "RUN_ENDED"]);
});
