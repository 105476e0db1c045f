// One process of the sleepers' benchmark: `MODE DIRECTORY COUNT`. Tells what it measures as lines of JSON, and is killed by
// who started it.

import { statSync } from "node:fs";
import { join } from "node:path";
import { workflow } from "../src/workflow.ts";
import { evictAll, type OpenedEngine, openEngine, realClock } from "./engine.ts";
import { tidy, turn } from "./measure.ts";

const DAY_MS = 86_400_000;
/** Runs accepted at once. */
const BATCH = 2_000;
/** Two readings of memory, so that their difference is what more runs cost. */
const FIRST_READING = 100_000;

/** V8 keeps pages that it freed for some seconds before it gives them back: memory is read at rest. */
const RESTS = 12;
const REST_MS = 1_500;

/** A hundred bytes as JSON. */
const INPUT = { for: "x".repeat(90) };

const tell = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

/** Sleeps so long; finishes at once where the timer is overdue. */
const sleeps = workflow<{ ms?: number }, unknown>({
  name: "sleeps",
  run: (ctx, { ms = DAY_MS }) => ctx.sleep("long", ms),
});

/** In the middle of a step: never ends it in the first life, at once in the next. */
const steps = (isFirst: boolean, acts: () => void) =>
  workflow<null, unknown>({
    name: "steps",
    run: (ctx) =>
      ctx.step("step", () => {
        acts();
        return isFirst ? new Promise(() => undefined) : 1;
      }),
  });

async function startMany(
  engine: OpenedEngine,
  count: number,
  one: (index: number) => Promise<unknown>,
  reads = false,
): Promise<void> {
  for (let at = 0; at < count; at += BATCH) {
    await Promise.all(Array.from({ length: Math.min(BATCH, count - at) }, (_, i) => one(at + i)));
    await turn();
    await engine.carrier.evict(realClock.now());
    if (reads && (at + BATCH) % FIRST_READING === 0) tell({ runs: at + BATCH, rss: await restingRss(engine) });
  }
}

async function restingRss(engine: OpenedEngine): Promise<number> {
  await engine.engine.flushed();
  await turn();
  await evictAll(engine.carrier, realClock.now());
  let least = Number.POSITIVE_INFINITY;
  for (let rests = 0; rests < RESTS; rests++) {
    tidy();
    least = Math.min(least, process.memoryUsage.rss());
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
  }
  return least;
}

const modes: Readonly<Record<string, (directory: string, count: number) => Promise<void>>> = {
  /** Runs that sleep for a day; then how much they take on disk. */
  async fill(directory, count) {
    {
      await using engine = openEngine({ directory });
      await startMany(engine, count, () => engine.start(sleeps as never, INPUT), true);
      tell({ runs: count, rss: await restingRss(engine) });
    }
    tell({ diskBytes: statSync(join(directory, "baton.db")).size }); // closing has folded the log into it
  },
  /** Runs that sleep, a thousand of them for a moment. Waits to be killed. */
  async sleep(directory, count) {
    await using engine = openEngine({ directory });
    await startMany(engine, count, () => engine.start(sleeps as never, INPUT));
    await Promise.all(Array.from({ length: 1_000 }, () => engine.start(sleeps as never, { ms: 3_000 })));
    await turn();
    await engine.engine.flushed(); // accepted is one commit, asleep the next
    tell({ ready: true });
    await new Promise(() => undefined);
  },
  /** Runs in the middle of a step. Waits to be killed. */
  async act(directory, count) {
    await using engine = openEngine({ directory });
    const { promise, resolve } = Promise.withResolvers<void>();
    let acting = 0;
    const stuck = steps(true, () => void (++acting === count && resolve()));
    for (let at = 0; at < count; at += BATCH)
      await Promise.all(Array.from({ length: Math.min(BATCH, count - at) }, () => engine.start(stuck as never)));
    await promise;
    await engine.engine.flushed();
    tell({ ready: true });
    await new Promise(() => undefined);
  },
  /** The next owner: tells when the first run has finished that had not before. */
  async recover(directory) {
    await using engine = openEngine({ directory });
    let isFirst = true;
    engine.carrier.listen((news) => {
      if (!isFirst || news.kind !== "status" || news.status !== "completed") return;
      isFirst = false;
      tell({ finished: true });
    });
    engine.carrier.register(sleeps as never, null);
    engine.carrier.register(steps(false, () => undefined) as never, null);
    engine.engine.recover();
    await new Promise(() => undefined);
  },
  /** Finishes runs, a thousand at once; tells the memory now and then. */
  async finish(directory, count) {
    await using engine = openEngine({ directory });
    const quick = workflow<null, unknown>({ name: "quick", run: (ctx) => ctx.step("s", () => 1) });
    for (let at = 0; at < count; at += FIRST_READING) {
      for (let done = 0; done < FIRST_READING && at + done < count; done += 1_000)
        await Promise.all(Array.from({ length: 1_000 }, () => engine.runOnce(quick as never)));
      tidy();
      tell({ runs: Math.min(count, at + FIRST_READING), rss: process.memoryUsage.rss() });
    }
  },
  /** Timers that are due within one second, from when the first is due to when the last run has ended. */
  async timers(directory, count) {
    await using engine = openEngine({ directory });
    engine.engine.recover(); // from now on timers ring
    const dueAt = Date.now() + 5_000 + count / 10;
    const rings = workflow<{ at: number }, unknown>({
      name: "rings",
      run: (ctx, { at }) => ctx.sleepUntil("moment", new Date(at).toISOString()),
    });
    await startMany(engine, count, (index) => engine.start(rings as never, { at: dueAt + (index % 1_000) }));
    if (Date.now() > dueAt) throw new Error("The timers were due before all were set.");
    await new Promise((resolve) => setTimeout(resolve, dueAt - Date.now()));
    const began = performance.now();
    while ((engine.store.statusCounts().get("completed") ?? 0) < count) await new Promise((resolve) => setTimeout(resolve, 20));
    tell({ seconds: (performance.now() - began) / 1_000 });
  },
};

const [mode = "", directory = "", count = "0"] = process.argv.slice(2);
await modes[mode]?.(directory, Number(count));
