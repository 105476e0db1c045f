// Several calls: one after the other and at once; what is missing is said, and nobody is called again.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isProblemError } from "../src/base/problem.ts";
import { openBaton } from "../src/orchestrator.ts";
import { type ParallelOptions, type ParallelResult, parallel, type SequenceResult, sequence, service } from "../src/services.ts";
import { type Context, workflow } from "../src/workflow.ts";

const calls = { up: 0, down: 0, never: 0 };

const words = service({
  service: "words",
  operations: {
    up: {
      effects: "read",
      act: (input) => {
        calls.up++;
        return String((input as { text?: string }).text ?? input).toUpperCase();
      },
    },
    down: {
      effects: "read",
      act: () => {
        calls.down++;
        throw Object.assign(new Error("it is down"), { nonRetryable: true });
      },
    },
    never: {
      effects: "read",
      act: (_, { abortSignal }) => {
        calls.never++;
        return new Promise((_resolve, reject) => abortSignal.addEventListener("abort", () => reject(abortSignal.reason)));
      },
    },
  },
});

/** Runs `act`, closes, opens again, and has the run replayed to its end: nobody may be called twice. */
async function inRun<T>(act: (context: Context) => Promise<T>): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), "patterns-"));
  const story = workflow({
    name: "story",
    run: async (context) => {
      const result = await act(context);
      await context.waitSignal("go");
      return result;
    },
  });
  const open = () => openBaton({ data, services: [words], workflows: [story as never] });
  try {
    let id: string;
    let before: string;
    {
      await using baton = await open();
      const { promise: reached, resolve } = Promise.withResolvers<void>();
      using _listening = baton.listen((news) => {
        if (news.kind === "status" && news.status !== "running") resolve();
      });
      const run = await baton.start(story, null);
      id = run.id;
      await reached;
      before = JSON.stringify(calls);
      const { status } = await run.run();
      if (status !== "waiting") return (await run.result()) as T;
    }
    await using again = await open();
    await again.signal(id, "go");
    const result = (await (await again.run(id)).result()) as T;
    assert.equal(JSON.stringify(calls), before, "somebody was called again");
    return result;
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

const names = ({ results }: ParallelResult | SequenceResult): [string, boolean][] => results.map(({ name, ok }) => [name, ok]);

async function problemOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (isProblemError(error)) return error.problem.detail;
    throw error;
  }
  return "nothing";
}

test("a sequence hands on what came before", async () => {
  const result = await inRun((context) =>
    sequence(context, [
      { name: "first", call: "words/up", input: { text: "a" } },
      { name: "second", call: "words/up", input: (before, results) => ({ text: `${String(before)}${results.length}b` }) },
      { name: "third", call: "words/up" },
    ]),
  );
  assert.deepEqual(names(result), [
    ["first", true],
    ["second", true],
    ["third", true],
  ]);
  assert.equal(result.output, "A1B");
});

test("a sequence stops at what fails, or goes on where that is meant", async () => {
  const plan = [
    { name: "first", call: "words/up", input: { text: "a" } },
    { name: "second", call: "words/down" },
    { name: "third", call: "words/up", input: { text: "c" } },
  ];
  assert.match(await problemOf(() => inRun((context) => sequence(context, plan))), /The call "second" failed: .*it is down/);
  const result = await inRun((context) => sequence(context, plan, { onFailure: "continue" }));
  assert.deepEqual(
    names(result).map(([, ok]) => ok),
    [true, false, true],
  );
});

const three = [
  { name: "a", call: "words/up", input: { text: "a" } },
  { name: "b", call: "words/down" },
  { name: "c", call: "words/up", input: { text: "c" } },
];

const together = (options: ParallelOptions, plan = three): Promise<ParallelResult> =>
  inRun((context) => parallel(context, plan, options));

test("at once: all are needed, or as many as there are, or so many", async () => {
  assert.match(
    await problemOf(() => together({})),
    /3 of 3 calls are needed, and these failed: "b"\. b: words\/down: it is down/,
  );
  const best = await together({ need: "best-effort" });
  assert.deepEqual(best.missing, ["b"]);
  assert.deepEqual([best.degraded?.how, best.degraded?.missing], ["partial", ["b"]]);
  const quorum = await together({ need: { quorum: 2 } });
  assert.deepEqual([quorum.missing, quorum.degraded?.how, quorum.degraded?.missing], [["b"], "partial", ["b"]]);
  assert.match(await problemOf(() => together({ need: { quorum: 4 } })), /4 of 3 calls are needed/);
});

test("what is missing of a quorum is said in the run's log, and with the run", async () => {
  const data = mkdtempSync(join(tmpdir(), "patterns-"));
  const story = workflow({
    name: "quorum",
    run: (context) => parallel(context, three, { need: { quorum: 2 }, concurrencyMax: 1 }),
  });
  try {
    await using baton = await openBaton({ data, services: [words], workflows: [story as never] });
    const run = await baton.start(story as never, null);
    await run.result();
    const { degraded } = await baton.call("runs.show", { run: run.id });
    assert.deepEqual(degraded, [{ target: "b", how: "partial", because: "b: words/down: it is down" }]);
    const { entries } = await baton.call("runs.journal", { run: run.id });
    assert.equal(entries.filter((entry) => JSON.stringify(entry).includes("nothing came of 1 of 3 calls")).length, 1);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});

test("the first ones are enough: the others are given up, and told to stop", async () => {
  const slow = [
    { name: "slow", call: "words/never" },
    { name: "quick", call: "words/up", input: { text: "x" } },
    { name: "slower", call: "words/never" },
  ];
  const result = await together({ need: { first: 1 } }, slow);
  assert.deepEqual(names(result), [["quick", true]]);
  assert.deepEqual(result.missing, ["slow", "slower"]);
  assert.equal(result.degraded, undefined);
});

test("it is said as soon as it is certain that there will be too few", async () => {
  const plan = [
    { name: "down", call: "words/down" },
    { name: "never", call: "words/never" },
  ];
  assert.match(await problemOf(() => together({ need: "all" }, plan)), /these failed: "down"/);
});

test("no more are under way than are meant to be", async () => {
  const plan = Array.from({ length: 7 }, (_, i) => ({ call: "words/up", input: { text: String(i) } }));
  const result = await together({ concurrencyMax: 2 }, plan as never);
  assert.deepEqual(
    result.results.map((one) => (one.ok ? one.output : null)),
    ["0", "1", "2", "3", "4", "5", "6"],
  );
});
