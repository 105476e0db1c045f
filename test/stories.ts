// Workflows that between them use every operation of the Context, and what people and other programs do meanwhile.

import type { RunId } from "../src/base/id.ts";
import { type Run, readEvent } from "../src/run.ts";
import type { World } from "../src/testing.ts";
import { type Context, type Workflow, workflow } from "../src/workflow.ts";

export interface Story {
  readonly name: string;
  readonly main: Workflow<null, unknown>;
  readonly workflows: readonly Workflow[];
  /** Forgets what happened in an earlier telling. */
  begin(): void;
  /** Does what somebody outside would do now; false when there is nothing but to wait. */
  act(world: World, run: RunId): boolean;
  /** Whether it is over; where left out, when the run has ended. */
  isOver?(run: Run): boolean;
  /** What of the end must not depend on crashes. */
  outcome(run: Run): unknown;
}

const text = { type: "string" } as const;

function story(name: string, run: (ctx: Context) => Promise<unknown>, more: Partial<Story> & { timeoutMs?: number } = {}): Story {
  const { timeoutMs, ...rest } = more;
  const main = workflow<null, unknown>({
    name: name.replaceAll(/[^a-z]+/g, "-"),
    run,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  return {
    name,
    main,
    begin: () => undefined,
    act: () => false,
    outcome: (ended) =>
      ended.status === "completed" ? ended.output : [ended.status, "problem" in ended ? ended.problem?.code : null],
    ...rest,
    workflows: [main, ...(rest.workflows ?? [])],
  };
}

/** Steps as an outsider sees them: in what order they acted. */
const acted: string[] = [];
const act = (name: string) => (): string => {
  acted.push(name);
  return name;
};

const steps = story(
  "steps, one after another and side by side",
  async (ctx) => {
    const first = await ctx.step("first", act("first"));
    const both = await Promise.all(["a", "b", "c"].map((name) => ctx.step(name, async () => `${first}-${name}`)));
    const twice = [await ctx.step("twice", () => 1), await ctx.step("twice", () => 2)];
    await ctx.step("nothing", () => undefined);
    return { both, twice };
  },
  { begin: () => void acted.splice(0) },
);

const retries = story("retries, failures and non-retryable errors", async (ctx) => {
  const value = await ctx.step(
    "flaky",
    ({ attempt }) => {
      if (attempt < 3) throw new Error("not yet");
      return "at last";
    },
    { retry: { attemptsMax: 100, firstDelayMs: 1_000 } },
  );
  const caught = await ctx
    .step("hopeless", () => Promise.reject(new TypeError("never")))
    .catch((error: Error) => `${error.name}: ${error.message}`);
  const given = await ctx
    .step("given up", () => Promise.reject(Object.assign(new Error("no"), { nonRetryable: true })), {
      retry: { attemptsMax: 5 },
    })
    .catch((error: Error) => error.message);
  return { value, caught, given };
});

const sleeps = story("sleeps and races", async (ctx) => {
  await ctx.sleep("a minute", 60_000);
  await ctx.sleepUntil("a day", "2026-01-02T12:00:00Z");
  const raced = await Promise.race([ctx.sleep("short", 1_000).then(() => "short"), ctx.sleep("long", 90_000).then(() => "long")]);
  const mixed = await Promise.race([ctx.sleep("slow", 5_000).then(() => "slow"), ctx.step("quick", () => "quick")]);
  return { raced, mixed };
});

const signals = story(
  "signals, early, late and never",
  async (ctx) => {
    const early = await ctx.waitSignal("early");
    await ctx.sleep("rest", 1_000);
    const late = await ctx.waitSignal("late", { schema: { type: "number" } });
    const pair = await Promise.all([ctx.waitSignal("pair")]);
    const never = await ctx.waitSignal("never", { timeoutMs: 60_000 });
    return { early, late, pair, never };
  },
  {
    act(world, run) {
      const known = new Set(world.journal(run).map((entry) => entry.key));
      const waits = [...world.reading(run).values()].filter(({ endedAt }) => endedAt === null).map(({ key }) => key);
      if (!known.has("id-early")) world.signal(run, "early", "hello", "id-early");
      else if (!known.has("id-pair")) world.signal(run, "pair", [1, 2], "id-pair");
      else if (waits.includes("late") && !known.has("id-late")) world.signal(run, "late", 42, "id-late");
      else return false;
      return true;
    },
  },
);

const questions = story(
  "questions answered, defaulted and left",
  async (ctx) => {
    const answered = await ctx.ask("name", { schema: text });
    const defaulted = await ctx.ask("color", { schema: text, default: "blue", timeoutMs: 3_600_000 });
    const left = await ctx.ask("age", { schema: { type: "integer" }, timeoutMs: 3_600_000 });
    return { answered, defaulted, left };
  },
  {
    act(world, run) {
      if (!world.questions(run).includes("name")) return false;
      world.answer(run, "name", "Ada");
      return true;
    },
  },
);

const child = workflow<{ n: number }, number>({
  name: "child",
  run: async (ctx, { n }) => {
    const half = await ctx.step("half", () => n);
    await ctx.sleep("rest", 1_000);
    if (n < 0) throw new Error("negative");
    return half + (await ctx.step("other half", () => n));
  },
});

const family = story(
  "children awaited, failing, side by side and let go",
  async (ctx) => {
    const one = await ctx.run(child, { n: 1 });
    const many = await Promise.all([2, 3].map((n) => ctx.run(child, { n }, { name: `child ${n}` })));
    const failed = await ctx
      .run(child, { n: -1 }, { name: "bad" })
      .catch((error: { code: string; message: string }) => [error.code, error.message]);
    const started = await ctx.start("child", { n: 5 }, { name: "free" });
    const closed = await ctx.start(child, { n: 6 }, { name: "bound", parentClose: "cancel" });
    return { one, many, failed, started: started.startsWith("run_"), closed: closed.startsWith("run_") };
  },
  { workflows: [child] },
);

const echo = workflow<null, unknown>({ name: "echo", run: async (ctx) => await ctx.waitSignal("ping") });

const mail = story(
  "signals between runs",
  async (ctx) => {
    const to = await ctx.start(echo, null, { name: "echo" });
    await ctx.sendSignal(to, "ping", { from: "parent" });
    await ctx.sendSignal("run_nowhere" as RunId, "ping", null);
    await ctx.sleep("a moment", 100);
    return "sent";
  },
  { workflows: [echo] },
);

const chance = story("scopes, logs, progress and the run's own time and chance", async (ctx) => {
  const before = { uuid: ctx.uuid(), random: ctx.random(), now: ctx.now() };
  ctx.log.info("begun", { n: 1 });
  const kept = await ctx.step("keep", () => before);
  ctx.progress(1, 2, "half");
  const inside = await ctx.scope("inside", async (inner) => {
    const seen = inner.uuid();
    const recorded = await inner.step("keep", () => seen);
    await inner.sleep("rest", 10);
    return recorded === seen;
  });
  ctx.log.info("ended");
  return { same: JSON.stringify(kept) === JSON.stringify(before), inside };
});

const loop = workflow<{ left: number; sum: number } | null, unknown>({
  name: "loop",
  run: async (ctx, input) => {
    const { left, sum } = input ?? { left: 3, sum: 0 };
    const signal = await ctx.waitSignal<number>("add", { timeoutMs: 60_000 });
    const next = await ctx.step("sum", () => sum + (signal.received ? signal.value : 1_000));
    if (left === 1) return next;
    return ctx.continueAs({ left: left - 1, sum: next });
  },
});

/** Signals once accepted: their entries leave with the journal they were taken in, so the sender remembers. */
const added = new Set<string>();

const loops: Story = {
  ...story("loop", async () => null),
  name: "loops that begin a new journal",
  main: loop as Workflow<null, unknown>,
  workflows: [loop as Workflow],
  begin: () => added.clear(),
  act(world, run) {
    const [id] = ["1", "20", "300"].filter((one) => !added.has(one));
    if (id === undefined) return false;
    world.engine
      .send(run, { kind: "signal-received", key: id, hash: 0, data: JSON.stringify({ name: "add", value: Number(id) }) })
      .then(
        () => added.add(id),
        () => undefined,
      );
    return true;
  },
};

const late = story(
  "a run that takes too long",
  async (ctx) => {
    await ctx.step("begin", () => 1);
    await ctx.sleep("too long", 3_600_000);
    return "never";
  },
  { timeoutMs: 60_000 },
);

const careful = story(
  "a step attempted at most once",
  async (ctx) => {
    const sent = await ctx.step("send", act("send"), { delivery: "at-most-once" }).catch((error: { code: string }) => error.code);
    await ctx.step("after", () => sent);
    return sent === "send" || sent === "STEP_INTERRUPTED";
  },
  {
    begin: () => void acted.splice(0),
    outcome: (run) => [run.status === "completed" && run.output, acted.filter((name) => name === "send").length <= 1],
  },
);

/** What was booked and not given back, and in what order it was given back. */
const booked = new Set<string>();
const givenBack = new Set<string>();

async function book(ctx: Context, thing: string): Promise<void> {
  await ctx.compensate(`give back ${thing}`, async () => {
    booked.delete(thing);
    givenBack.add(thing);
  });
  await ctx.step(`book ${thing}`, async () => void booked.add(thing));
}

const saga = {
  begin: (): void => {
    booked.clear();
    givenBack.clear();
  },
  outcome: (run: Run): unknown => [run.status, "problem" in run && run.problem?.code, [...booked], [...givenBack].join(" ")],
};

const broken = story(
  "a saga that fails gives back what it booked, the last first",
  async (ctx) => {
    await book(ctx, "flight");
    await book(ctx, "hotel");
    await ctx.sleep("rest", 1_000);
    await ctx.step("book car", () => Promise.reject(new Error("no car")));
  },
  saga,
);

const lateSaga = story(
  "a saga that takes too long gives back what it booked",
  async (ctx) => {
    await book(ctx, "flight");
    await Promise.all([book(ctx, "hotel"), ctx.sleep("too long", 3_600_000)]);
  },
  { ...saga, timeoutMs: 60_000 },
);

const canceledSaga = story(
  "a saga that is canceled gives back what it booked, with attempts that fail at first",
  async (ctx) => {
    await book(ctx, "flight");
    await ctx.compensate(
      "give back seat",
      ({ attempt }) => {
        if (attempt < 3) throw new Error("not yet");
        givenBack.add("seat");
      },
      { retry: { attemptsMax: 100 } },
    );
    await ctx.waitSignal("never");
  },
  {
    ...saga,
    act(world, run) {
      const waits = [...world.reading(run).values()].some(({ key, endedAt }) => key === "never" && endedAt === null);
      if (!waits || world.journal(run).some(({ kind }) => kind === "unwinding" || kind === "run-canceled")) return false;
      world.carrier.steering.cancel(run, "tester", null).catch(() => undefined);
      return true;
    },
  },
);

const doneSaga = story(
  "a saga that completes gives nothing back",
  async (ctx) => {
    await book(ctx, "flight");
    return await ctx.sleep("rest", 1_000);
  },
  saga,
);

const patched = story("patches, heartbeats and finding out what an interrupted step did", async (ctx) => {
  const isNew = await ctx.patch("v2");
  const first = await ctx.step("long", (step) => {
    step.heartbeat({ at: 1 });
    return "long";
  });
  const again = await ctx.patch("v2");
  const careful = await ctx.step("pay", async () => "paid", {
    delivery: "at-most-once",
    onInterrupted: async () => "paid",
  });
  return { isNew, again, first, careful };
});

const heard = story(
  "events told, listened for and kept, and a stream",
  async (ctx) => {
    ctx.stream("said").write("begun");
    await ctx.emit({ type: "own", data: 1 });
    const own = await ctx.listen({ type: "own" });
    const outside = await ctx.listen({ type: "outside", count: 2 });
    const never = await ctx.listen({ type: "never", timeoutMs: 60_000 });
    ctx.stream("said").write("ended");
    return { own: own.map(({ data }) => data), outside: outside.map(({ data }) => data), never };
  },
  {
    begin: () => told.clear(),
    act(world, run) {
      const listens = [...world.reading(run).values()].some(({ kind, endedAt }) => kind === "listen" && endedAt === null);
      const next = [1, 2].find((n) => !told.has(n));
      if (!listens || next === undefined) return false;
      const event = readEvent({ type: "outside", data: next }, { id: `outside ${next}`, source: "/tester" }, 0);
      world.carrier.events?.publish([event]).then(
        () => told.add(next),
        () => undefined,
      );
      return true;
    },
  },
);

let isBroken = true;

const verbs = story(
  "a step skipped, a run paused, resumed, and retried after it failed",
  async (ctx) => {
    const first = await ctx.step("first", () => "first");
    const stuck = await ctx.step("stuck", () => Promise.reject(new Error("stuck")), {
      retry: { attemptsMax: 1_000, firstDelayMs: 3_600_000, delayMsMax: 3_600_000 },
    });
    await ctx.waitSignal("go");
    const last = await ctx.step("last", () => (isBroken ? Promise.reject(new Error("broken")) : Promise.resolve("mended")));
    return { first, stuck, last };
  },
  {
    begin: () => {
      isBroken = true;
    },
    isOver: (run) => run.status === "completed",
    act(world, run) {
      const { steering } = world.carrier;
      const quietly = (asked: Promise<unknown>): true => {
        asked.catch(() => undefined);
        return true;
      };
      const { status } = world.run(run);
      const open = new Set([...world.reading(run).values()].filter(({ endedAt }) => endedAt === null).map(({ key }) => key));
      const wasPaused = world.journal(run).some(({ kind }) => kind === "run-paused");
      if (status === "failed") {
        isBroken = false;
        return quietly(steering.retry(run, null, "tester"));
      }
      if (status === "paused") return quietly(steering.resume(run, "tester"));
      if (open.has("stuck")) return quietly(steering.skip(run, "stuck", "by hand", "tester"));
      if (open.has("go") && !wasPaused) return quietly(steering.pause(run, "tester"));
      if (!open.has("go") || world.journal(run).some(({ key }) => key === "id-go")) return false;
      world.signal(run, "go", null, "id-go");
      return true;
    },
  },
);

const narrow = workflow<{ n: number }, number>({
  name: "narrow",
  limit: { concurrency: 1, rate: { count: 2, perMs: 60_000 } },
  run: async (ctx, { n }) => {
    await ctx.sleep("rest", 1_000);
    return n;
  },
});

const lines = story(
  "runs and steps that wait for their turn",
  async (ctx) => {
    const limit = { key: "place", concurrency: 1, rate: { count: 3, perMs: 60_000 } };
    const runs = await Promise.all([1, 2, 3].map((n) => ctx.run(narrow, { n }, { name: `narrow ${n}` })));
    const steps = await Promise.all([1, 2, 3, 4].map((n) => ctx.step(`step ${n}`, async () => n, { limit })));
    return { runs, steps };
  },
  { workflows: [narrow] },
);

/** Events that were accepted. */
const told = new Set<number>();

export const stories: readonly Story[] = [
  verbs,
  lines,
  heard,
  ...[broken, lateSaga, canceledSaga, doneSaga, patched],
  ...[steps, retries, sleeps, signals, questions, family, mail, chance, loops, late, careful],
];
