import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { begun, carried, dataOf, entriesOf, flow, kindsOf, outputOf, problemOf, worldOf } from "../../test/given.ts";
import { type Facts, limits } from "../run.ts";
import type { AskOptions, Context, Signal } from "../workflow.ts";

const MINUTE_MS = 60_000;

const text = { type: "string" } as const;

const codeOf = (error: { code: string }): string => error.code;

// Sleeping.

test("a sleep ends when its time has come and not before", async () => {
  using it = await carried(flow((ctx) => ctx.sleep("a minute", MINUTE_MS)));
  await it.world.clock.advance(MINUTE_MS - 1);
  assert.equal(it.world.run(it.run).status, "waiting");
  await it.world.clock.advance(1);
  assert.equal(it.world.run(it.run).status, "completed");
});

test("a sleep goes on where it was after a crash, and one that is overdue ends at once", async () => {
  const sleeps = flow((ctx) => ctx.sleep("an hour", 60 * MINUTE_MS));
  using it = await carried(sleeps, 30 * MINUTE_MS);
  it.world.crash();
  await it.world.clock.advance(29 * MINUTE_MS);
  assert.equal(it.world.run(it.run).status, "waiting");
  it.world.store.die(); // nobody carries it while its time comes
  await it.world.clock.advance(10 * MINUTE_MS);
  it.world.crash();
  await it.world.clock.settle();
  assert.equal(it.world.run(it.run).status, "completed");
});

test("no jump of the clock wakes a sleep early, and one that passes its moment wakes it soon", async () => {
  const woken: number[] = [];
  const world = worldOf([]);
  using _world = world;
  const sleeps = flow(async (ctx) => {
    await ctx.sleep("an hour", 60 * MINUTE_MS);
    woken.push(world.clock.now());
  });
  const fireAt = world.clock.now() + 60 * MINUTE_MS;
  await begun(world, sleeps);
  world.clock.jump(-30 * MINUTE_MS);
  await world.clock.advance(60 * MINUTE_MS);
  assert.deepEqual(woken, []);
  world.clock.jump(-24 * 60 * MINUTE_MS);
  await world.clock.advance(60 * MINUTE_MS);
  world.clock.jump(25 * 60 * MINUTE_MS);
  await world.clock.advance(MINUTE_MS / 4);
  assert.equal(woken.length, 1);
  assert.ok((woken[0] ?? 0) >= fireAt);
});

test("a moment that has passed does not wait", async () => {
  using it = await carried(flow((ctx) => ctx.sleepUntil("long ago", "2020-02-29T12:00:00+01:00")));
  assert.equal(it.world.run(it.run).status, "completed");
});

test("a moment is waited for, whatever its zone", async () => {
  using it = await carried(flow((ctx) => ctx.sleepUntil("noon", "2026-01-01T12:00:00+02:00")));
  await it.world.clock.advance(10 * 60 * MINUTE_MS - 1);
  assert.equal(it.world.run(it.run).status, "waiting");
  await it.world.clock.advance(1);
  assert.equal(it.world.run(it.run).status, "completed");
});

test("what cannot be slept is told", async () => {
  const wrong: ((ctx: Context) => Promise<void>)[] = [
    (ctx) => ctx.sleep("s", -1),
    (ctx) => ctx.sleep("s", Number.NaN),
    (ctx) => ctx.sleep("s", limits.WAIT_MS_MAX + 1),
    (ctx) => ctx.sleep("s", "1 s" as never),
    (ctx) => ctx.sleepUntil("s", "tomorrow"),
    (ctx) => ctx.sleepUntil("s", "2027-01-01"),
  ];
  for (const run of wrong) {
    using it = await carried(flow(run));
    assert.equal(problemOf(it.world, it.run).code, "OPTION_INVALID");
  }
});

test("2,500 sleeps that are overdue when an owner comes all end soon, though they are read a page at a time", async () => {
  const sleeps = flow((ctx) => ctx.sleep("an hour", 60 * MINUTE_MS));
  const world = worldOf([sleeps]);
  using _world = world;
  const starts = Array.from({ length: 2_500 }, () => world.start(sleeps));
  await Promise.all(starts);
  world.store.die();
  await world.clock.advance(120 * MINUTE_MS);
  world.crash();
  await world.clock.advance(1_000);
  assert.deepEqual(Object.fromEntries(world.store.statusCounts()), { completed: 2_500 });
});

// Signals.

const waitsForOne = flow((ctx) => ctx.waitSignal("go"));

test("a signal that comes before anybody waits is kept, and taken first", async () => {
  const busy = flow(async (ctx) => {
    await ctx.sleep("busy", 1_000);
    return [await ctx.waitSignal("go"), await ctx.waitSignal("go"), await ctx.waitSignal("go")];
  });
  using it = await carried(busy);
  it.world.signal(it.run, "go", 1, "one");
  it.world.signal(it.run, "go", 2, "two");
  await it.world.clock.advance(1_000);
  it.world.signal(it.run, "go", 3, "three");
  await it.world.clock.settle();
  const received = [1, 2, 3].map((value) => ({ received: true, value }));
  assert.deepEqual(outputOf(it.world, it.run), received);
});

test("signals go to those who wait in the order they came, also when all come in one turn", async () => {
  const race = flow(async (ctx) => {
    const taken: unknown[] = [];
    for (let i = 0; i < 6; i++) taken.push((await ctx.waitSignal<number>("n")) as { value?: number });
    return taken.map((signal) => (signal as { value: number }).value);
  });
  using it = await carried(race);
  for (let n = 0; n < 6; n++) it.world.signal(it.run, "n", n, `id ${n}`);
  await it.world.clock.settle();
  assert.deepEqual(outputOf(it.world, it.run), [0, 1, 2, 3, 4, 5]);
});

test("a signal is received once per id (E5)", async () => {
  const two = flow(async (ctx) => [await ctx.waitSignal("go"), await ctx.waitSignal("go", { timeoutMs: 1_000 })]);
  using it = await carried(two);
  const data = '{"name":"go","value":"once"}';
  const draft = { kind: "signal-received", key: "same", hash: 0, data } as const;
  const sent = [it.world.engine.send(it.run, draft), it.world.engine.send(it.run, draft)];
  await it.world.clock.settle();
  it.world.crash();
  sent.push(it.world.engine.send(it.run, draft));
  await it.world.clock.advance(1_000);
  assert.deepEqual(await Promise.all(sent), ["accepted", "repeated", "repeated"]);
  assert.deepEqual(outputOf(it.world, it.run), [{ received: true, value: "once" }, { received: false }]);
});

test("a wait without a signal ends at its time-out, also through a crash", async () => {
  using it = await carried(flow((ctx) => ctx.waitSignal("never", { timeoutMs: MINUTE_MS })));
  it.world.crash();
  await it.world.clock.advance(MINUTE_MS - 1);
  assert.equal(it.world.run(it.run).status, "waiting");
  await it.world.clock.advance(1);
  assert.deepEqual(outputOf(it.world, it.run), { received: false });
});

test("a signal that comes in the moment of the time-out is taken by it or by the next, never by both, never lost", async () => {
  for (const jump of [0, 1]) {
    const two = flow(async (ctx) => {
      const first = await ctx.waitSignal("go", { timeoutMs: MINUTE_MS });
      return [first.received, (await ctx.waitSignal("go", { timeoutMs: MINUTE_MS })).received];
    });
    using it = await carried(two, MINUTE_MS - 1);
    it.world.clock.jump(jump); // the moment has come, the alarm has not rung
    it.world.signal(it.run, "go", "now", "id");
    await it.world.clock.advance(2 * MINUTE_MS);
    const taken = outputOf(it.world, it.run) as boolean[];
    assert.equal(taken.filter(Boolean).length, 1);
  }
});

test("a signal that does not fit the schema rejects the wait, which may be repeated", async () => {
  const wants = flow(async (ctx) => {
    const first = await ctx.waitSignal("n", { schema: { type: "number" } }).catch(codeOf);
    return [first, await ctx.waitSignal<number>("n", { schema: z.number() })];
  });
  using it = await carried(wants);
  it.world.signal(it.run, "n", "text", "1");
  it.world.signal(it.run, "n", 7, "2");
  await it.world.clock.settle();
  assert.deepEqual(outputOf(it.world, it.run), ["SIGNAL_INVALID", { received: true, value: 7 }]);
});

test("a schema that throws, or answers later, rejects its own wait and harms nobody else", async () => {
  const validate = (): never => {
    throw new Error("broken check");
  };
  const throwing = { "~standard": { ...z.string()["~standard"], validate } };
  const later = z.string().refine(async () => true);
  for (const [schema, wanted] of [
    [throwing, "broken check"],
    [later, "SCHEMA_ASYNC"],
  ] as const) {
    const wants = flow((ctx) =>
      ctx.waitSignal("go", { schema }).catch((error: Error & { code?: string }) => error.code ?? error.message),
    );
    const asks = flow(
      (ctx) => ctx.ask("q", { schema }).catch((error: Error & { code?: string }) => error.code ?? error.message),
      {
        name: "asks",
      },
    );
    const world = worldOf([wants, asks, { ...waitsForOne, name: "other" }]);
    using _world = world;
    const [run, other, asking] = [
      await begun(world, wants),
      await begun(world, { ...waitsForOne, name: "other" }),
      await begun(world, asks),
    ];
    world.signal(run, "go", "text", "1");
    world.answer(asking, "q", "text");
    world.signal(other, "go", "text", "1");
    await world.clock.settle();
    assert.equal(outputOf(world, run), wanted);
    assert.equal(outputOf(world, asking), wanted);
    assert.deepEqual(outputOf(world, other), { received: true, value: "text" });
  }
});

test("nothing is sent to a run that has ended or is not known", async () => {
  using it = await carried(flow(() => "over"));
  const draft = { kind: "signal-received", key: "1", hash: 0, data: '{"name":"go","value":1}' } as const;
  const sent = [it.world.engine.send(it.run, draft), it.world.engine.send("run_nowhere0000" as never, draft)];
  await it.world.clock.settle();
  assert.deepEqual(await Promise.all(sent), ["ended", "unknown"]);
  assert.deepEqual(entriesOf(it.world, it.run, "signal-received"), []);
});

test("a signal between runs is sent once, whatever happens to the sender", async () => {
  const receives = flow(
    async (ctx) => [
      await ctx.waitSignal("hello", { timeoutMs: MINUTE_MS }),
      await ctx.waitSignal("hello", { timeoutMs: MINUTE_MS }),
    ],
    {
      name: "receives",
    },
  );
  const world = worldOf([receives]);
  using _world = world;
  const receiver = await begun(world, receives);
  const sends = flow(async (ctx) => {
    await ctx.sendSignal(receiver, "hello", { n: 1 });
    await ctx.sleep("rest", 1_000);
  });
  world.carrier.register(sends as never, null);
  const sender = await begun(world, sends);
  world.crash();
  world.carrier.register(sends as never, null);
  await world.clock.advance(3 * MINUTE_MS);
  assert.equal(outputOf(world, sender), null);
  assert.deepEqual(outputOf(world, receiver), [{ received: true, value: { n: 1 } }, { received: false }]);
});

test("a value that cannot be sent is told to the sender, live and where a crash came before it", async () => {
  const sends = flow(async (ctx) => {
    await ctx.sleep("first", 1_000);
    return ctx.sendSignal(ctx.info.run, "bad", (() => 1) as never).catch(codeOf);
  });
  for (const crashes of [false, true]) {
    using it = await carried(sends, 999);
    if (crashes) it.world.crash();
    await it.world.clock.advance(1);
    if (crashes) it.world.crash();
    await it.world.clock.advance(1);
    assert.equal(outputOf(it.world, it.run), "NOT_JSON");
  }
});

// Questions.

function asks(options: Partial<AskOptions<unknown>> = {}) {
  return flow((ctx) => ctx.ask("color", { schema: text, ...options }).catch(codeOf));
}

test("a question is kept with its words and its schema, and a person answers it", async () => {
  using it = await carried(asks({ message: "Which color?", to: "ada" }));
  assert.deepEqual(it.world.questions(it.run), ["color"]);
  const asked = dataOf<Facts["asked"]>(entriesOf(it.world, it.run, "asked")[0]);
  assert.deepEqual(asked, { name: "color", message: "Which color?", schema: text, to: ["ada"], deadlineAt: null, default: null });
  it.world.answer(it.run, "color", "red");
  await it.world.clock.settle();
  assert.deepEqual(outputOf(it.world, it.run), { by: "person", who: "tester", value: "red" });
  assert.deepEqual(it.world.questions(it.run), []);
});

test("a question stays open through crashes", async () => {
  using it = await carried(asks());
  it.world.crash();
  await it.world.clock.advance(24 * 60 * MINUTE_MS);
  it.world.crash();
  it.world.answer(it.run, "color", "red"); // before its run is back in memory
  await it.world.clock.settle();
  assert.deepEqual(outputOf(it.world, it.run), { by: "person", who: "tester", value: "red" });
});

test("without an answer in time the default is taken, null too; without a default the question is left", async () => {
  for (const [options, wanted] of [
    [{ default: "blue" }, { by: "default", value: "blue" }],
    [
      { default: null, schema: true },
      { by: "default", value: null },
    ],
    [{}, { by: "timeout" }],
  ] as const) {
    using it = await carried(asks({ timeoutMs: MINUTE_MS, ...options }));
    it.world.crash();
    await it.world.clock.advance(MINUTE_MS);
    assert.deepEqual(outputOf(it.world, it.run), wanted);
  }
});

test("of two answers the first counts, live and on replay", async () => {
  const twice = flow(async (ctx) => {
    const answer = await ctx.ask("color", { schema: text });
    const before = ctx.now();
    await ctx.sleep("rest", MINUTE_MS);
    return [answer, before - Date.parse(ctx.info.startedAt)];
  });
  using it = await carried(twice);
  it.world.answer(it.run, "color", "red");
  await it.world.clock.advance(500);
  it.world.answer(it.run, "color", "green");
  await it.world.clock.advance(500);
  it.world.crash();
  await it.world.clock.advance(MINUTE_MS);
  assert.deepEqual(outputOf(it.world, it.run), [{ by: "person", who: "tester", value: "red" }, 0]);
});

test("an answer that does not fit rejects the question", async () => {
  using it = await carried(asks());
  it.world.answer(it.run, "color", 7);
  await it.world.clock.settle();
  assert.equal(outputOf(it.world, it.run), "ANSWER_INVALID");
});

test("an answer to something that is not asked disturbs nothing, now or on replay", async () => {
  const works = flow(async (ctx) => {
    await ctx.sleep("rest", 1_000);
    return [await ctx.step("work", () => "worked"), await ctx.ask("later", { schema: text, timeoutMs: 1_000 })];
  });
  using it = await carried(works);
  for (const key of ["work", "rest", "later", "nothing"]) it.world.answer(it.run, key, "stray");
  await it.world.clock.settle();
  it.world.crash();
  await it.world.clock.advance(1_000);
  it.world.crash();
  await it.world.clock.advance(1_000);
  assert.deepEqual(outputOf(it.world, it.run), ["worked", { by: "timeout" }]);
});

test("a question needs a schema, and a default that fits it", async () => {
  for (const options of [{ schema: undefined }, { schema: text, default: 7 }, { schema: text, timeoutMs: -1 }]) {
    using it = await carried(asks(options as never));
    assert.equal(outputOf(it.world, it.run), "OPTION_INVALID");
  }
});

test("a question too large to keep is told to the asker, also where a crash came before it", async () => {
  const large = flow(async (ctx) => {
    await ctx.sleep("first", 1_000);
    return ctx.ask("q", { schema: text, message: "x".repeat(limits.PAYLOAD_BYTES_MAX) }).catch(codeOf);
  });
  using it = await carried(large, 999);
  it.world.crash();
  await it.world.clock.advance(1);
  it.world.crash();
  await it.world.clock.advance(1);
  assert.equal(outputOf(it.world, it.run), "JSON_TOO_LARGE");
});

test("what a wait is worth is one entry where it never waits, and two or three where it does", async () => {
  const buffered = flow(async (ctx): Promise<Signal<unknown>> => {
    await ctx.step("first", () => 1);
    await ctx.sleep("rest", 1_000);
    return ctx.waitSignal("go");
  });
  using it = await carried(buffered);
  it.world.signal(it.run, "go", 1, "id");
  await it.world.clock.advance(1_000);
  assert.deepEqual(kindsOf(it.world, it.run), [
    "step-completed first",
    "timer-set rest",
    "signal-received id",
    "timer-fired rest",
  ]);
});
