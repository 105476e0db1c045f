// The promises of docs/promises.md, each under its own name, through what a user has in hand: the library, the command,
// and kill -9.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { type Baton, openBaton, type ProblemError, workflow } from "../src/index.ts";
import { manualClock } from "../src/testing.ts";
import { rootPath } from "../tools/layout.ts";

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "baton-promise-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const codeOf = (error: unknown): string => (error as ProblemError).code;

/** Runs a program in a process of its own and kills it with SIGKILL as soon as it has printed `word`. */
async function killedAt(folder: string, program: string, word: string): Promise<string> {
  const file = join(folder, "program.ts");
  const index = JSON.stringify(rootPath("src", "index.ts"));
  writeFileSync(
    file,
    `import { openBaton, workflow } from ${index};\nconst data = ${JSON.stringify(join(folder, "data"))};\n${program}`,
  );
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  for await (const chunk of child.stdout) {
    printed += String(chunk);
    if (printed.includes(word)) child.kill("SIGKILL");
  }
  assert.ok(printed.includes(word), `it ended before it said ${word}: ${printed}`);
  return printed;
}

const waiter = workflow({ name: "waiter", run: async (ctx) => await ctx.waitSignal<string>("go") });
const WAITER = 'const waiter = workflow({ name: "waiter", run: async (ctx) => await ctx.waitSignal("go") });\n';

test("Accepted is durable", async (t) => {
  const folder = temporary(t);
  const program = `${WAITER}
    const baton = await openBaton({ data, workflows: [waiter] });
    const run = await baton.start(waiter, null);
    await baton.signal(run.id, "go", "now", "one");
    console.log(run.id, "accepted");`;

  const [id = ""] = (await killedAt(folder, program, "accepted")).split(" ");

  await using baton = await openBaton({ data: join(folder, "data"), workflows: [waiter] });
  assert.deepEqual(await (await baton.run(id)).result(), { received: true, value: "now" });
});

test("Nothing accepted is lost", async (t) => {
  const folder = temporary(t);
  const program = `${WAITER}
    const chain = workflow({ name: "chain", run: async (ctx) => {
      for (let i = 0; i < 1000; i++) await ctx.step("step " + i, async () => i);
      return "done";
    }});
    const baton = await openBaton({ data, workflows: [waiter, chain] });
    const runs = await Promise.all(Array.from({ length: 50 }, (_, i) => baton.start(i % 2 ? waiter : chain, null)));
    console.log(runs.map((run) => run.id).join(" "), "accepted");`;

  const ids = (await killedAt(folder, program, "accepted")).trim().split(" ").slice(0, 50);

  const chain = workflow({
    name: "chain",
    run: async (ctx) => {
      for (let i = 0; i < 1000; i++) await ctx.step(`step ${i}`, async () => i);
      return "done";
    },
  });
  await using baton = await openBaton({ data: join(folder, "data"), workflows: [waiter, chain] });
  for (const [index, id] of ids.entries()) {
    if (index % 2 === 0) assert.equal(await (await baton.run(id)).result(), "done");
    else assert.match((await baton.call("runs.show", { run: id })).waitsFor ?? "", /signal "go"/);
  }
});

test("One recorded result per step, never changed", async (t) => {
  const data = temporary(t);
  let acted = 0;
  const flow = workflow({
    name: "flow",
    run: async (ctx) => {
      const drawn = await ctx.step("draw", () => ++acted);
      await ctx.waitSignal("go");
      return [drawn, await ctx.step("draw again", () => drawn)];
    },
  });
  const opened = await openBaton({ data, workflows: [flow] });
  const { id } = await opened.start(flow, null);
  await opened.close();

  for (let life = 0; life < 3; life++) await (await openBaton({ data, workflows: [flow] })).close();
  await using baton = await openBaton({ data, workflows: [flow] });
  await baton.signal(id, "go");

  assert.deepEqual(await (await baton.run(id)).result(), [1, 1]);
  assert.equal(acted, 1);
  const { entries } = await baton.call("runs.journal", { run: id });
  assert.equal(entries.filter(({ kind, key }) => kind === "step-completed" && key === "draw").length, 1);
});

test("Steps are attempted at least once, with the same idempotency key", async (t) => {
  const folder = temporary(t);
  const program = `
    const flow = workflow({ name: "flow", run: (ctx) => ctx.step("pay", async (step) => {
      console.log(step.idempotencyKey, "acting");
      await new Promise(() => undefined);
    })});
    const baton = await openBaton({ data, workflows: [flow] });
    await baton.start(flow, null, { key: "k" });`;

  const [first] = (await killedAt(folder, program, "acting")).split(" ");

  const keys: string[] = [];
  const flow = workflow({
    name: "flow",
    run: (ctx) =>
      ctx.step(
        "pay",
        (step) => {
          keys.push(step.idempotencyKey);
          if (keys.length < 3) throw new Error("refused");
          return "paid";
        },
        { retry: { attemptsMax: 5, firstDelayMs: 1, jitter: 0 } },
      ),
  });
  await using baton = await openBaton({ data: join(folder, "data"), workflows: [flow] });
  const again = await baton.start(flow, null, { key: "k" });
  assert.equal(await again.result(), "paid");
  assert.deepEqual(keys, [first, first, first]);
});

test("At most once on request", async (t) => {
  const folder = temporary(t);
  const program = `
    const flow = workflow({ name: "flow", run: (ctx) => ctx.step("pay", async () => {
      console.log("acting");
      await new Promise(() => undefined);
    }, { delivery: "at-most-once" })});
    const baton = await openBaton({ data, workflows: [flow] });
    await baton.start(flow, null, { key: "k" });`;

  await killedAt(folder, program, "acting");

  let acted = 0;
  const flow = workflow({ name: "flow", run: (ctx) => ctx.step("pay", () => ++acted, { delivery: "at-most-once" }) });
  await using baton = await openBaton({ data: join(folder, "data"), workflows: [flow] });
  const again = await baton.start(flow, null, { key: "k" });
  await assert.rejects(again.result(), (error) => codeOf(error) === "STEP_INTERRUPTED");
  assert.equal(acted, 0);
});

test("What a run did is taken back when it does not complete", async (t) => {
  const folder = temporary(t);
  const trip = `const trip = workflow({ name: "trip", run: async (ctx) => {
    for (const thing of ["flight", "hotel"]) {
      await ctx.compensate("give back " + thing, () => { undone.push(thing); });
      await ctx.step(thing, () => thing);
    }
    await ctx.waitSignal("never");
  } });\n`;
  const program = `const undone: string[] = []; ${trip}
    const baton = await openBaton({ data, workflows: [trip] });
    baton.listen((news) => { if (news.kind === "status" && news.status === "waiting") console.log(run.id, "booked"); });
    const run = await baton.start(trip, null);
    await new Promise((resolve) => setTimeout(resolve, 60_000));`;
  const [id = ""] = (await killedAt(folder, program, "booked")).split(" ");

  const undone: string[] = [];
  const again = workflow({
    name: "trip",
    run: async (ctx) => {
      for (const thing of ["flight", "hotel"]) {
        await ctx.compensate(`give back ${thing}`, () => void undone.push(thing));
        await ctx.step(thing, () => thing);
      }
      await ctx.waitSignal("never");
    },
  });
  await using baton = await openBaton({ data: join(folder, "data"), workflows: [again] });
  await baton.cancel(id, "changed plans");
  await assert.rejects((await baton.run(id)).result(), { code: "RUN_CANCELED" });
  assert.deepEqual(undone, ["hotel", "flight"]);
});

test("Never are more under way than a limit says", async (t) => {
  const under = { runs: 0, most: 0 };
  const work = workflow({
    name: "work",
    limit: { concurrency: 2 },
    run: (ctx) =>
      ctx.step("work", async () => {
        under.most = Math.max(under.most, ++under.runs);
        await new Promise((resolve) => setImmediate(resolve));
        under.runs--;
      }),
  });
  const data = temporary(t);
  const ids: string[] = [];
  {
    await using baton = await openBaton({ data, workflows: [work] });
    for (let i = 0; i < 10; i++) ids.push((await baton.start(work, null)).id);
  }
  await using baton = await openBaton({ data, workflows: [work] });
  await Promise.all(ids.map(async (id) => (await baton.run(id)).result()));
  assert.deepEqual(under, { runs: 0, most: 2 });
});

test("An event reaches everybody who listens, once", async (t) => {
  const folder = temporary(t);
  const hears = workflow({
    name: "hears",
    run: async (ctx) => {
      const [first] = await ctx.listen({ type: "made" });
      const more = await ctx.listen({ type: "made", timeoutMs: 1 });
      return [first?.data, more.length];
    },
  });
  const program = `const hears = workflow({ name: "hears", run: (ctx) => ctx.waitSignal("not yet listening") });
    const baton = await openBaton({ data, workflows: [hears] });
    const run = await baton.start(hears, null);
    const event = { type: "made", id: "1", source: "/shop", data: 7 };
    await baton.call("events.send", { events: event });
    await baton.call("events.send", { events: event });
    await baton.cancel(run.id);
    console.log("accepted");`;
  {
    await using baton = await openBaton({ data: join(folder, "data"), workflows: [hears] });
    await baton.start(hears, null, { key: "listens" });
  }
  await killedAt(folder, program, "accepted");
  await using baton = await openBaton({ data: join(folder, "data"), workflows: [hears] });
  const run = await baton.start(hears, null, { key: "listens" });
  assert.deepEqual(await run.result(), [7, 0]);
});

test("No firing of a schedule is lost or doubled", async (t) => {
  const data = temporary(t);
  const clock = manualClock();
  const tick = workflow({ name: "tick", run: (ctx) => ctx.info.key });
  const opened = async (minutes: number, act: (baton: Baton) => Promise<unknown> = async () => null): Promise<string[]> => {
    const baton = await openBaton({ data, workflows: [tick], clock, random32: () => 7, graceMs: 0 });
    const acting = act(baton);
    await clock.settle();
    await acting;
    await clock.advance(minutes * 60_000);
    const { runs } = await baton.call("runs.list", { limit: 1_000 });
    const closing = baton.close();
    await clock.advance(1_000);
    await closing;
    return runs.map(({ key = "" }) => key.slice("schedule/hourly/2026-01-".length)).toReversed();
  };
  await opened(130, (baton) =>
    baton.call("schedules.add", { name: "hourly", workflow: "tick", cron: "0 * * * *", catchUp: 10, overlap: "parallel" }),
  );
  await clock.advance(180 * 60_000); // nobody is there
  clock.jump(-90 * 60_000);
  const fired = await opened(150);
  const hours = ["01", "02", "03", "04", "05", "06"].map((hour) => `01T${hour}:00:00.000Z`);
  assert.deepEqual(fired.toSorted(), hours);
});

test("Timers are never early", async (t) => {
  const clock = manualClock();
  const flow = workflow({
    name: "flow",
    run: async (ctx) => {
      await ctx.sleep("an hour", 3_600_000);
      return "rested";
    },
  });
  const baton = await openBaton({ data: temporary(t), workflows: [flow], clock, random32: () => 7, graceMs: 0 });
  const starting = baton.start(flow, null);
  await clock.settle();
  const run = await starting;

  await clock.advance(3_599_999);
  assert.equal((await run.run()).status, "waiting");
  clock.jump(-1_800_000);
  await clock.advance(1_799_999);
  assert.equal((await run.run()).status, "waiting");
  await clock.advance(20_001);
  assert.equal((await run.run()).status, "completed");
  const closing = baton.close();
  await clock.advance(1_000);
  await closing;
});

test("Signals are applied once per id", async (t) => {
  const flow = workflow({
    name: "flow",
    run: async (ctx) => {
      const taken = [await ctx.waitSignal("add"), await ctx.waitSignal("add")];
      return taken.map((signal) => signal.received && signal.value);
    },
  });
  await using baton = await openBaton({ data: temporary(t), workflows: [flow] });
  const run = await baton.start(flow, null);

  for (const value of [1, 2, 3]) await baton.signal(run.id, "add", value, "the same id");
  await baton.signal(run.id, "add", 4, "another");

  assert.deepEqual(await run.result(), [1, 4]);
});

test("The same start key and body give the same run", async (t) => {
  const data = temporary(t);
  let acted = 0;
  const flow = workflow({ name: "flow", run: (ctx, input: { n: number }) => ctx.step("count", () => [++acted, input.n]) });
  const opened = await openBaton({ data, workflows: [flow] });
  const both = await Promise.all([opened.start(flow, { n: 1 }, { key: "k" }), opened.start(flow, { n: 1 }, { key: "k" })]);
  await both[0].result();
  await opened.close();

  await using baton = await openBaton({ data, workflows: [flow] });
  const again = await baton.start(flow, { n: 1 }, { key: "k" });

  assert.equal(both[0].id, both[1].id);
  assert.equal(again.id, both[0].id);
  assert.deepEqual(await again.result(), [1, 1]);
  await assert.rejects(baton.start(flow, { n: 2 }, { key: "k" }), (error) => codeOf(error) === "KEY_REUSED");
});

test("Only the holder of the epoch writes", async (t) => {
  const data = temporary(t);
  const flow = workflow({ name: "flow", run: () => "done" });
  const stalled = await openBaton({ data, workflows: [flow] });
  await assert.rejects(openBaton({ data, workflows: [flow] }), (error) => codeOf(error) === "DATA_LOCKED");

  // What a second owner does first, as if the lock had been broken.
  const usurper = new DatabaseSync(join(data, "baton.db"));
  usurper.exec("update meta set value = value + 1 where name = 'epoch'");

  await assert.rejects(stalled.start(flow, null), (error) => codeOf(error) === "STORAGE_FENCED");
  assert.equal((await stalled.closed)?.code, "STORAGE_FENCED");
  assert.equal((usurper.prepare("select count(*) as runs from runs").get() as { runs: number }).runs, 0);
  usurper.close();
  await stalled.close();
});
