import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { flow, worldOf } from "../../test/given.ts";
import type { RunId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { rfc3339 } from "../base/time.ts";
import { firings } from "../run.ts";
import type { World } from "../testing.ts";
import { acceptInput } from "./accept.ts";
import { Scheduler, type WrittenSchedule } from "./scheduler.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START = Date.UTC(2026, 0, 1);

/** A world with schedules, as an owner would open it; opened again after a crash. */
class ScheduleWorld implements Disposable {
  readonly world: World;
  readonly #workflow = flow(
    async (ctx) => {
      if (this.lastsMs > 0) await ctx.sleep("works", this.lastsMs);
    },
    { name: "work" },
  );
  lastsMs = 0;
  scheduler: Scheduler;

  constructor() {
    this.world = worldOf([this.#workflow]);
    this.scheduler = this.#open();
  }

  #open(): Scheduler {
    const { store, engine, carrier } = this.world;
    const scheduler = new Scheduler({
      ...{ store, engine, whenSettled: (run: RunId, then: () => void) => carrier.whenSettled(run, then) },
      run: async (id) => (await engine.record(id))?.run ?? null,
      start: async ({ workflow, input }, key) => {
        const found = carrier.workflowNamed(workflow);
        const body = { key, bodyHash: JSON.stringify(input) };
        const inputText = acceptInput(found, input).text;
        return (await engine.start({ workflow: carrier.identityOf(found), inputText, key: body, timeoutMs: null })).run;
      },
    });
    scheduler.start();
    return scheduler;
  }

  async add(written: Partial<WrittenSchedule>): Promise<void> {
    const none = { name: "s", workflow: "work", source: null, input: null as Json, overlap: "skip", catchUp: "one" } as const;
    const adding = this.scheduler.add({ ...none, ...written });
    adding.catch(() => undefined);
    await this.world.clock.settle();
    await adding;
  }

  crash(): void {
    this.scheduler.stop();
    this.world.crash();
    this.scheduler = this.#open();
  }

  /** Moments that have a run, in order. */
  get started(): string[] {
    return this.world.store
      .runs({ limit: 1_000 })
      .runs.map(({ key }) => key?.split("/")[2] ?? "")
      .toReversed();
  }

  [Symbol.dispose](): void {
    this.scheduler.stop();
    this.world[Symbol.dispose]();
  }
}

const at = (...minutes: number[]): string[] => minutes.map((minute) => rfc3339(START + minute * MINUTE_MS));

test("a schedule starts its workflow at every firing, with the moment in its key", async () => {
  using it = new ScheduleWorld();
  await it.add({ cron: "*/10 * * * *" });
  await it.world.clock.advance(35 * MINUTE_MS);
  assert.deepEqual(it.started, at(10, 20, 30));
  assert.equal(it.scheduler.get("s").state.started, 3);
});

test("every, and after: so long after the last run ended", async () => {
  using every = new ScheduleWorld();
  await every.add({ every: "7m" });
  await every.world.clock.advance(30 * MINUTE_MS);
  assert.deepEqual(every.started, at(7, 14, 21, 28));

  using after = new ScheduleWorld();
  after.lastsMs = 5 * MINUTE_MS;
  await after.add({ after: "10m" });
  await after.world.clock.advance(60 * MINUTE_MS);
  assert.deepEqual(after.started, at(10, 25, 40, 55));
});

test("while the last run goes on: skipped, queued one after another, or side by side", async () => {
  const outcomes: Record<string, string[]> = {};
  for (const overlap of ["skip", "queue", "parallel"] as const) {
    using it = new ScheduleWorld();
    it.lastsMs = 25 * MINUTE_MS;
    await it.add({ every: "10m", overlap });
    await it.world.clock.advance(65 * MINUTE_MS);
    outcomes[overlap] = it.started;
  }
  assert.deepEqual(outcomes.skip, at(10, 40));
  assert.deepEqual(outcomes.queue, at(10, 20, 30));
  assert.deepEqual(outcomes.parallel, at(10, 20, 30, 40, 50, 60));
});

test("firings that nobody was there for: none, the newest, or the newest so many are made up for", async () => {
  for (const [catchUp, expected] of [
    ["none", [60]],
    ["one", [50, 60]],
    [{ all: 3 }, [30, 40, 50, 60]],
  ] as const) {
    using it = new ScheduleWorld();
    await it.add({ every: "10m", catchUp, overlap: "parallel" });
    it.scheduler.stop();
    await it.world.clock.advance(55 * MINUTE_MS);
    it.crash();
    await it.world.clock.advance(6 * MINUTE_MS);
    assert.deepEqual(it.started, at(...expected), JSON.stringify(catchUp));
    const { missed, started } = it.scheduler.get("s").state;
    assert.equal(missed + started, 6);
  }
});

test("a paused schedule starts nothing and makes up for nothing; a deleted one is gone; a name is taken once", async () => {
  using it = new ScheduleWorld();
  const { clock } = it.world;
  await it.add({ every: "10m", catchUp: { all: 100 } });
  await assert.rejects(it.add({ every: "1m" }), { code: "SCHEDULE_TAKEN" });
  await Promise.all([it.scheduler.pause("s"), clock.settle()]);
  await clock.advance(25 * MINUTE_MS);
  it.crash();
  await Promise.all([it.scheduler.resume("s"), clock.settle()]);
  await clock.advance(10 * MINUTE_MS);
  assert.deepEqual(it.started, at(30));
  await Promise.all([it.scheduler.remove("s"), clock.settle()]);
  await clock.advance(HOUR_MS);
  assert.deepEqual(it.started, at(30));
  assert.throws(() => it.scheduler.get("s"), { code: "SCHEDULE_UNKNOWN" });
});

test("a firing whose workflow is not there is told, and the next tries again", async () => {
  using it = new ScheduleWorld();
  await it.add({ every: "10m", workflow: "nowhere" });
  await it.world.clock.advance(11 * MINUTE_MS);
  assert.equal(it.scheduler.get("s").state.problem?.code, "WORKFLOW_UNKNOWN");
  assert.deepEqual(it.started, []);
});

test("what is no schedule is refused", async () => {
  using it = new ScheduleWorld();
  const wrong: Partial<WrittenSchedule>[] = [
    {},
    { cron: "x" },
    { every: "0s" },
    { cron: "0 0 30 2 *" },
    { every: "1m", zone: "UTC" },
  ];
  for (const written of wrong)
    await assert.rejects(it.add(written), (error: unknown) => isProblemError(error) && error.code === "SCHEDULE_INVALID");
});

test("over crashes and jumps of the clock no firing is lost, none is doubled, and none is early", async () => {
  const act = fc.oneof(
    fc.record({ kind: fc.constant("advance" as const), minutes: fc.integer({ min: 1, max: 45 }) }),
    fc.record({ kind: fc.constant("crash" as const), minutes: fc.constant(0) }),
    fc.record({ kind: fc.constant("jump" as const), minutes: fc.integer({ min: -90, max: 90 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 12 }), fc.integer({ min: 1, max: 20 }), async (acts, everyMinutes) => {
      using it = new ScheduleWorld();
      const { clock } = it.world;
      await it.add({ every: everyMinutes * MINUTE_MS, overlap: "parallel", catchUp: { all: 1_000 } });
      let latest = clock.now();
      for (const { kind, minutes } of acts) {
        if (kind === "advance") await clock.advance(minutes * MINUTE_MS);
        else if (kind === "crash") it.crash();
        else clock.jump(minutes * MINUTE_MS);
        latest = Math.max(latest, clock.now());
      }
      await clock.advance(MINUTE_MS); // the clock is looked at every half minute at least
      latest = Math.max(latest, clock.now());
      const { timetable, madeAt } = it.scheduler.get("s").definition;
      const all = firings(timetable, madeAt, 10_000).filter((moment) => moment <= latest);
      const { started } = it;
      assert.deepEqual(new Set(started).size, started.length, "doubled");
      const expected = all.map(rfc3339).filter((moment) => Date.parse(moment) <= clock.now() || started.includes(moment));
      assert.deepEqual(started.toSorted(), expected.toSorted());
    }),
    { numRuns: 60 },
  );
});
