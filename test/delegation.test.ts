// Delegation as stories: a run hands work on, and it comes to whoever has earned it.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { agent } from "../src/agents.ts";
import type { Json } from "../src/base/json.ts";
import { type OpenOptions, openBaton } from "../src/orchestrator.ts";
import { service } from "../src/services.ts";
import { type Context, type Delegated, type Task, workflow } from "../src/workflow.ts";

/** Runs `act` as a run of a fresh directory, with these agents. */
async function inRun<T>(
  options: Pick<OpenOptions, "agents" | "services" | "budget">,
  act: (context: Context) => Promise<T>,
): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), "baton-"));
  const story = workflow({ name: "story", run: act });
  try {
    await using baton = await openBaton({ data, ...options, workflows: [story as never], carry: "own" });
    return (await (await baton.start(story, null)).result()) as T;
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

const COUNT: Task = { capability: "text.count", input: "a b c", output: { type: "integer" } };

const counts = (name: string, act: (text: string) => unknown = (text) => text.split(" ").length) =>
  agent({ agent: name, capabilities: ["text.count"], act: (input: string) => act(input) });

test("a task is done by an agent that can, with who, why, and what it took", async () => {
  const done = await inRun(
    { agents: [counts("counter"), agent({ agent: "poet", capabilities: ["write.poem"], act: () => "" })] },
    (ctx) => ctx.tryDelegate(COUNT),
  );
  assert.ok(done.ok);
  assert.equal(done.output, 3);
  assert.equal(done.agent, "counter");
  assert.match(done.explanation, /^Chosen: counter\./);
  assert.deepEqual(done.tried, []);
});

test("a wrong result goes to the next agent, and the one that gave it is believed less", async () => {
  const [first, later] = await inRun({ agents: [counts("good"), counts("bad", () => "many")] }, async (ctx) => {
    const all: Delegated<Json>[] = [];
    for (let i = 0; i < 30; i++) all.push(await ctx.tryDelegate(COUNT));
    return [
      all.every((one) => one.ok && one.output === 3),
      all.slice(-10).filter((one) => one.ok && one.tried.length === 0).length,
    ];
  });
  assert.equal(first, true);
  assert.ok(Number(later) >= 9, `${later} of the last ten went to the good one at once`);
});

test("nobody who can is a refusal with reasons, as a value; delegate throws it", async () => {
  const told = await inRun({ agents: [agent({ agent: "poet", capabilities: ["write.poem"], act: () => "" })] }, async (ctx) => {
    const refused = await ctx.tryDelegate(COUNT);
    const thrown = await ctx.delegate({ ...COUNT, name: "again" }).catch((error: Error & { code: string }) => error.code);
    return { refused, thrown } as never;
  });
  const { refused, thrown } = told as { refused: Delegated<Json>; thrown: string };
  assert.ok(!refused.ok);
  assert.equal(refused.refusal?.kind, "mismatch");
  assert.deepEqual(refused.refusal?.reasons, ["poet: It does not declare text.count."]);
  assert.equal(thrown, "DELEGATION_REFUSED");
});

test("checks decide, not the agent: jq, a function, another agent", async () => {
  const judge = agent({
    ...{ agent: "judge", capabilities: ["check"] },
    act: (asked: { output: number }) => ({ ok: asked.output > 0, because: "it is not above 0" }),
  });
  const done = await inRun({ agents: [counts("counter"), judge] }, async (ctx) => ({
    jq: await ctx.tryDelegate({ ...COUNT, name: "jq", checks: ['. == ($input | split(" ") | length)'] }),
    wrong: await ctx.tryDelegate({ ...COUNT, name: "wrong", checks: [(output) => output === 4 || "it is not 4"] }),
    judged: await ctx.tryDelegate({ ...COUNT, name: "judged", checks: [{ agent: "judge" }] }),
  }));
  assert.ok(done.jq.ok);
  assert.ok(!done.wrong.ok);
  assert.deepEqual(done.wrong.tried, [{ agent: "counter", how: "wrong", because: "it is not 4" }]);
  assert.ok(done.judged.ok);
});

test("a lead hands on to leads and workers, each within what its own task may spend; deeper than three, and round in a circle, is refused", async () => {
  const worker = agent({ agent: "worker", capabilities: ["dig"], priceUsd: 0.25, act: (n: number) => n });
  const lead = agent({
    ...{ agent: "lead", capabilities: ["plan"] },
    run: async (ctx: Context, n: number) => {
      const dug = await ctx.delegate<number>({ capability: "dig", input: n });
      const again = await ctx.tryDelegate({ capability: "plan", input: n, name: "myself" });
      return { dug, refused: again.ok ? null : again.refusal, left: ctx.budget.usd.left };
    },
  });
  const done = await inRun({ agents: [worker, lead] }, async (ctx) => ({
    rich: await ctx.tryDelegate<{ dug: number }>({ capability: "plan", input: 7, budget: { usd: 1 }, name: "rich" }),
    poor: await ctx.tryDelegate({ capability: "plan", input: 7, budget: { usd: 0.1 }, name: "poor" }),
  }));
  const { rich, poor } = done as unknown as {
    rich: Delegated<{ dug: number; refused: { kind: string }; left: number }>;
    poor: Delegated<Json>;
  };
  assert.ok(rich.ok);
  assert.deepEqual(rich.output, { dug: 7, refused: rich.output.refused, left: 0.75 });
  assert.equal(rich.output.refused.kind, "loop");
  assert.equal(rich.costUsd, 0.25);
  assert.ok(!poor.ok);
  assert.equal(poor.tried[0]?.how, "budget");
});

test("a task that two good agents fail is at fault itself, and charges nobody", async () => {
  const done = await inRun({ agents: [counts("one"), counts("two")] }, async (ctx) => {
    for (let i = 0; i < 40; i++) await ctx.delegate({ ...COUNT, to: i % 2 === 0 ? "one" : "two" });
    const bad = await ctx.tryDelegate({ ...COUNT, name: "bad", checks: ["false"] });
    return { code: bad.ok ? "" : bad.problem.code, tried: bad.tried.length };
  });
  assert.deepEqual(done, { code: "DELEGATION_TASK_FAULT", tried: 2 });
});

test("a model with tools: each answer and each tool is a step; a tool it may not use is refused, and what it is told is data", async () => {
  const said: Json[] = [
    { text: "", finish: "tool", toolCalls: [{ id: "1", name: "wiki_search", input: { q: "tides" } }] },
    { text: "", finish: "tool", toolCalls: [{ id: "2", name: "delete_all", input: {} }] },
    { text: '```json\n{"words": 2}\n```', finish: "stop" },
  ];
  const seen: Json[] = [];
  const llm = service({
    service: "llm",
    operations: {
      chat: {
        capability: "llm.chat",
        act: (input) => {
          seen.push((input as { messages: Json }).messages);
          return { model: "scripted", ...(said[seen.length - 1] as object) };
        },
      },
    },
  });
  const wiki = service({
    service: "wiki",
    operations: {
      search: {
        effects: "read",
        input: { type: "object", required: ["q"], properties: { q: { type: "string" } } },
        act: () => "moon\u{e0041} pull",
      },
    },
  });
  const model = agent({ agent: "writer", capabilities: ["write"], model: { instructions: "Be brief.", tools: ["wiki/search"] } });
  const done = await inRun({ agents: [model], services: [llm, wiki] }, (ctx) =>
    ctx.tryDelegate({ capability: "write.brief", input: "tides", output: { type: "object", required: ["words"] } }),
  );
  assert.ok(done.ok, done.ok ? "" : done.problem.detail);
  assert.deepEqual(done.output, { words: 2 });
  const last = seen.at(-1) as { role: string; content: string }[];
  assert.equal(last[3]?.content, "moon pull");
  assert.match(last[5]?.content ?? "", /^TOOL_NOT_ALLOWED/);
});

test("a process that is silent is lost, and its task goes to another; one that comes back takes the task up again", async () => {
  const tasks = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const id =
        request.method === "POST"
          ? String((JSON.parse(Buffer.concat(chunks).toString()) as { id: string }).id)
          : decodeURIComponent((request.url ?? "").slice(7));
      const looks = (tasks.get(id) ?? 0) + 1;
      tasks.set(id, looks);
      const state =
        looks < 3 ? { status: "working", progress: looks } : { status: "completed", output: 3, usage: { usd: 0.5, tokens: 10 } };
      response
        .writeHead(request.method === "POST" ? 202 : 200, { "content-type": "application/json" })
        .end(JSON.stringify(state));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const alive = agent({ agent: "alive", capabilities: ["text.count"], process: { url, pollMs: 10 } });
  const dead = agent({
    agent: "dead",
    capabilities: ["text.count"],
    priority: 1,
    process: { url: "http://127.0.0.1:1", leaseMs: 50, pollMs: 10 },
  });
  try {
    const done = await inRun({ agents: [alive, dead] }, (ctx) => ctx.tryDelegate({ ...COUNT, strategy: "priority" }));
    assert.ok(done.ok, done.ok ? "" : done.problem.detail);
    assert.equal(done.agent, "alive");
    assert.equal(done.costUsd, 0.5);
    assert.deepEqual(
      done.tried.map(({ agent: name, how }) => [name, how]),
      [["dead", "fault"]],
    );
  } finally {
    server.close();
  }
});

test("a model that is asked for a text answers with the text as it is; one that does not fit is sent back with what is asked for", async () => {
  const said = ["too long an answer", "short"];
  const seen: Json[] = [];
  const llm = service({
    service: "llm",
    operations: {
      chat: {
        capability: "llm.chat",
        act: (input) => {
          seen.push(input);
          return { model: "scripted", text: said[seen.length - 1] ?? "", finish: "stop" };
        },
      },
    },
  });
  const model = agent({ agent: "writer", capabilities: ["write"], model: { instructions: "Be brief." } });
  const done = await inRun({ agents: [model], services: [llm] }, (ctx) =>
    ctx.tryDelegate({ capability: "write.title", input: "tides", output: { type: "string", maxLength: 6 } }),
  );
  assert.ok(done.ok, done.ok ? "" : done.problem.detail);
  assert.equal(done.output, "short");
  const { messages, schema } = seen.at(-1) as { messages: { content: string }[]; schema?: Json };
  assert.equal(schema, undefined);
  assert.match(messages.at(-1)?.content ?? "", /Answer again\.\n\nAnswer with the text alone .*\n.*"maxLength":6/);
});

test("a delegation whose name is long, deep in a hierarchy, is handed on like any other", async () => {
  const name = "x".repeat(200);
  const worker = agent({ agent: "worker", capabilities: ["dig"], act: (n: number) => n });
  const lead = agent({
    ...{ agent: "lead", capabilities: ["plan"] },
    run: (ctx: Context, n: number) => ctx.delegate<number>({ capability: "dig", input: n, name }),
  });
  const done = await inRun({ agents: [worker, lead] }, (ctx) => ctx.tryDelegate({ capability: "plan", input: 7, name }));
  assert.ok(done.ok, done.ok ? "" : done.problem.detail);
  assert.equal(done.output, 7);
});

test("a person is asked as an agent, with what stands in the question computed of the task's input", async () => {
  const data = mkdtempSync(join(tmpdir(), "baton-"));
  const ann = agent({ agent: "ann", capabilities: ["approve"], person: { question: "May ${ .title } be printed?" } });
  const story = workflow({
    name: "story",
    run: (ctx: Context) => ctx.delegate({ capability: "approve", input: { title: "Tides" } }),
  });
  try {
    await using baton = await openBaton({ data, agents: [ann], workflows: [story as never], carry: "own" });
    const asked = Promise.withResolvers<void>();
    using _ = baton.listen((news) => void (JSON.stringify(news).includes("asked") && asked.resolve()));
    const run = await baton.start(story, null);
    await asked.promise;
    const { items } = await baton.call("inbox.list", {});
    assert.equal(items[0]?.message, "May Tides be printed?");
    await baton.call("inbox.answer", { id: items[0]?.id ?? "", value: true, who: "ann" });
    assert.equal(await run.result(), true);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});

test("a deadline is that of the task: what one agent took of it, the next has not", async () => {
  const late = (name: string, priority: number) =>
    agent({
      ...{ agent: name, capabilities: ["text.count"], priority },
      run: (ctx: Context) => ctx.sleep("a while", priority === 1 ? 60 : 86_400_000).then(() => "wrong"),
    });
  const done = await inRun({ agents: [late("first", 1), late("second", 2)] }, (ctx) =>
    ctx.tryDelegate({ ...COUNT, strategy: "priority", deadlineMs: 120 }),
  );
  assert.ok(!done.ok);
  const [first, second] = done.tried;
  assert.equal(first?.how, "wrong");
  if (second === undefined) return; // so slow a machine: the deadline had passed, and nobody else was asked
  assert.equal(second.how, "late");
  assert.match(second.because, /^second took longer than (\d|[1-5]\d|60) ms/);
});

test("a run that is canceled ends all below it: nobody is at work, and the next task is begun", async () => {
  const data = mkdtempSync(join(tmpdir(), "baton-"));
  const busy = agent({
    ...{ agent: "busy", capabilities: ["dig"], limits: { concurrency: 1 } },
    run: (ctx: Context, span: number) => ctx.sleep("dig", span).then(() => span),
  });
  const boss = agent({
    ...{ agent: "boss", capabilities: ["build"] },
    run: (ctx: Context, span: number) => ctx.delegate<number>({ capability: "dig", input: span }),
  });
  const story = workflow({
    name: "story",
    run: (ctx: Context, span: number) => ctx.delegate({ capability: "build", input: span }),
  });
  try {
    await using baton = await openBaton({ data, agents: [busy, boss], workflows: [story as never], carry: "own" });
    const atWork = async (): Promise<number> =>
      (await baton.call("agents.list", {})).agents.reduce((sum, { inFlight }) => sum + inFlight, 0);
    const long = await baton.start(story, 86_400_000);
    while ((await atWork()) < 2) await new Promise((resolve) => setImmediate(resolve));
    await baton.call("runs.cancel", { run: long.id });
    await assert.rejects(long.result(), { code: "RUN_CANCELED" });
    assert.equal(await (await baton.start(story, 1)).result(), 1);
    while ((await atWork()) > 0) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});
