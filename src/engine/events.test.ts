import assert from "node:assert/strict";
import { test } from "node:test";
import { begun, carried, flow, kindsOf, outputOf, problemOf, worldOf } from "../../test/given.ts";
import type { CloudEvent } from "../run.ts";
import { readEvent } from "../run.ts";
import type { World } from "../testing.ts";

const MINUTE_MS = 60_000;

let ids = 0;
function event(type: string, data: CloudEvent["data"] = null, more: Partial<CloudEvent> = {}): CloudEvent {
  return readEvent({ type, data, ...more } as never, { id: `e${++ids}`, source: "/test" }, 0);
}

async function publish(world: World, ...events: CloudEvent[]): Promise<{ accepted: number; repeated: number } | undefined> {
  const published = world.carrier.events?.publish(events);
  await world.clock.settle();
  return await published;
}

const types = (events: unknown): unknown[] => (events as CloudEvent[]).map(({ type, data }) => [type, data]);

test("an event reaches everybody who listens for it, and nobody else; one id is taken once", async () => {
  const orders = flow((ctx) => ctx.listen({ type: "order", count: 2 }), { name: "orders" });
  const any = flow((ctx) => ctx.listen({ type: "or*", data: { "customer.name": "ada" } }), { name: "any" });
  using world = worldOf([orders, any]);
  const [a, b] = [await begun(world, orders, null), await begun(world, any, null)];
  const first = event("order", 1);
  assert.deepEqual(await publish(world, first, event("other", 0)), { accepted: 2, repeated: 0 });
  assert.deepEqual(await publish(world, first), { accepted: 0, repeated: 1 });
  assert.equal(world.run(a).status, "waiting");
  await publish(world, event("order", { customer: { name: "ada" } }));
  assert.deepEqual(types(outputOf(world, a)), [
    ["order", 1],
    ["order", { customer: { name: "ada" } }],
  ]);
  assert.equal((outputOf(world, b) as CloudEvent[]).length, 1);
});

test("an event that came before anybody listened is kept: what came since the run began counts, each once in a loop", async () => {
  const loop = flow(async (ctx) => {
    const taken: unknown[] = [];
    await ctx.sleep("late", MINUTE_MS);
    for (let i = 0; i < 3; i++) taken.push(...(await ctx.listen({ type: "tick" })));
    return taken;
  });
  using world = worldOf([loop]);
  await publish(world, event("tick", "before the run"));
  await world.clock.advance(1);
  const run = await begun(world, loop, null);
  await world.clock.advance(1);
  await publish(world, event("tick", 1), event("tick", 2));
  await world.clock.advance(MINUTE_MS);
  await publish(world, event("tick", 3));
  assert.deepEqual(types(outputOf(world, run)), [
    ["tick", 1],
    ["tick", 2],
    ["tick", 3],
  ]);
});

test("listeners of one type with other filters miss nothing of each other's", async () => {
  const both = flow(async (ctx) => {
    const seven = await ctx.listen({ type: "made", data: { order: 7 } });
    const eight = await ctx.listen({ type: "made", data: { order: 8 } });
    return [...seven, ...eight].map(({ data }) => data);
  });
  using it = await carried(both);
  await publish(it.world, event("made", { order: 8 }), event("made", { order: 7 }));
  assert.deepEqual(outputOf(it.world, it.run), [{ order: 7 }, { order: 8 }]);
});

test("what came by the time-out is given, be it nothing", async () => {
  using it = await carried(flow((ctx) => ctx.listen({ type: "x", count: 5, timeoutMs: MINUTE_MS })));
  await publish(it.world, event("x", 1));
  await it.world.clock.advance(MINUTE_MS);
  assert.deepEqual(types(outputOf(it.world, it.run)), [["x", 1]]);
});

test("a run that nobody carried while its event came is told by the next owner", async () => {
  using it = await carried(flow((ctx) => ctx.listen({ type: "x" })));
  const { world } = it;
  world.carrier.forgetWaiting();
  await publish(world, event("x", "evicted"));
  assert.deepEqual(types(outputOf(world, it.run)), [["x", "evicted"]]);

  using other = await carried(flow((ctx) => ctx.listen({ type: "y" })));
  const before = other.world.carrier;
  other.world.crash();
  before.events?.publish([event("y", 1)]).catch(() => undefined); // from a life that is over: nothing comes of it
  await other.world.clock.settle();
  assert.equal(other.world.run(other.run).status, "waiting");
});

test("a run tells events to others and to itself; replayed, it tells them once", async () => {
  const teller = flow(
    async (ctx) => {
      await ctx.emit({ type: "done", subject: "s", data: { n: 1 } });
      await ctx.sleep("rest", MINUTE_MS);
      return await ctx.listen({ type: "done" });
    },
    { name: "teller" },
  );
  const hears = flow((ctx) => ctx.listen({ type: "done", subject: "s" }), { name: "hears" });
  using world = worldOf([teller, hears]);
  const listening = await begun(world, hears, null);
  const telling = await begun(world, teller, null);
  assert.deepEqual(types(outputOf(world, listening)), [["done", { n: 1 }]]);
  world.crash();
  await world.clock.advance(MINUTE_MS);
  assert.deepEqual(types(outputOf(world, telling)), [["done", { n: 1 }]]);
  assert.equal(world.store.events(0, "done", 10).length, 1);
  assert.deepEqual(kindsOf(world, telling).slice(0, 1), ["event-emitted emit done"]);
});

test("what is no event, and what cannot be listened for, is told", async () => {
  for (const wrong of [
    {},
    { type: "" },
    { type: "x", Upper: 1 },
    { type: "x", specversion: "0.3" },
    { type: "x", time: "now" },
  ]) {
    using it = await carried(flow((ctx) => ctx.emit(wrong as never)));
    assert.equal(problemOf(it.world, it.run).code, "EVENT_INVALID", JSON.stringify(wrong));
  }
  for (const wrong of [
    { type: "x", count: 0 },
    { type: "x", count: 1.5 },
    { type: "x", timeoutMs: -1 },
  ]) {
    using it = await carried(flow((ctx) => ctx.listen(wrong)));
    assert.equal(problemOf(it.world, it.run).code, "OPTION_INVALID", JSON.stringify(wrong));
  }
});

// Streams.

const itemsOf = (world: World, run: string, stream: string | null = null): unknown[] =>
  world.store.stream(world.store.ids.numberOf(run as never) ?? 0, stream, 0, 100).map(({ text }) => JSON.parse(text));

test("a stream keeps what is written, in order and once, however often the run is replayed", async () => {
  const says = flow(async (ctx) => {
    const words = ctx.stream("words");
    words.write("a");
    await ctx.sleep("rest", MINUTE_MS);
    words.write("b");
    await ctx.step("tokens", (step) => {
      step.stream("tokens").write(1);
      step.stream("tokens").write(2);
    });
    words.write("c");
  });
  using it = await carried(says);
  it.world.crash();
  await it.world.clock.advance(MINUTE_MS);
  it.world.crash();
  await it.world.clock.settle();
  assert.deepEqual(itemsOf(it.world, it.run, "words"), ["a", "b", "c"]);
  assert.deepEqual(itemsOf(it.world, it.run, "tokens"), [1, 2]);
  const [first] = it.world.store.stream(1, "words", 0, 1);
  assert.deepEqual(
    it.world.store.stream(1, "words", first?.seq ?? 0, 10).map(({ text }) => text),
    ['"b"', '"c"'],
  );
});

test("an item that is too large, and a stream without a name, are told to who writes them", async () => {
  using big = await carried(flow((ctx) => ctx.stream("s").write("x".repeat(300_000))));
  assert.equal(problemOf(big.world, big.run).code, "JSON_TOO_LARGE");
  using nameless = await carried(flow((ctx) => ctx.stream("").write(1)));
  assert.equal(problemOf(nameless.world, nameless.run).code, "NAME_INVALID");
});
