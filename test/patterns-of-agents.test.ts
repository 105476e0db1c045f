// The shapes of work among agents, as stories.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { agent, fanOut, hub, lead, makerChecker, mapReduce, type Piece, race, relay } from "../src/agents.ts";
import type { Json } from "../src/base/json.ts";
import { type OpenOptions, openBaton } from "../src/orchestrator.ts";
import { type Context, workflow } from "../src/workflow.ts";

async function inRun<T>(agents: OpenOptions["agents"], act: (context: Context) => Promise<T>): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), "baton-"));
  const story = workflow({ name: "story", run: act });
  try {
    await using baton = await openBaton({
      data,
      ...(agents === undefined ? {} : { agents }),
      workflows: [story as never],
      carry: "own",
    });
    return (await (await baton.start(story, null)).result()) as T;
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

const upper = agent({ agent: "upper", capabilities: ["text.upper"], act: (text: string) => text.toUpperCase() });
const twice = agent({ agent: "twice", capabilities: ["text.twice"], act: (text: string) => text + text });
const broken = agent({
  ...{ agent: "broken", capabilities: ["text.broken"] },
  act: () => {
    throw new Error("it broke");
  },
});

const pieces = (...names: string[]): Piece[] => names.map((name) => ({ name, capability: `text.${name}`, input: "ab" }));

test("hub and spoke: specialists at once, what is missing named, the rest put together", async () => {
  const done = await inRun([upper, twice, broken], (ctx) =>
    hub(ctx, null, {
      split: () => pieces("upper", "twice", "broken"),
      merge: (results) => Object.fromEntries(results.map(({ name, output }) => [name, output])),
      need: { quorum: 2 },
    }),
  );
  assert.deepEqual(done.output, { upper: "AB", twice: "abab" });
  assert.deepEqual(done.missing, ["broken"]);
});

test("all are needed unless said otherwise: the failure says who failed and why", async () => {
  const code = await inRun([upper, broken], async (ctx) => {
    const failed = await fanOut(ctx, pieces("upper", "broken")).catch((error: Error) => error);
    return failed instanceof Error ? failed.message : "";
  });
  assert.match(code, /^2 of 2 are needed, and these were not done: broken: .*it broke/);
});

test("a hierarchy: leads hand on to leads and workers, and what it cost comes together at the top", async () => {
  const worker = agent({ agent: "worker", capabilities: ["dig"], priceUsd: 0.125, act: (n: number) => n * n });
  const foreman = lead({
    ...{ agent: "foreman", capabilities: ["site"] },
    split: (input) => (input as number[]).map((n, at) => ({ name: `hole ${at}`, capability: "dig", input: n })),
    merge: (results) => results.reduce((sum, { output }) => sum + Number(output), 0),
  });
  const chief = lead({
    ...{ agent: "chief", capabilities: ["build"] },
    split: (input) => (input as number[][]).map((site, at) => ({ name: `site ${at}`, capability: "site", input: site })),
    merge: (results) => results.map(({ output }) => output),
  });
  const done = await inRun([worker, foreman, chief], (ctx) => ctx.tryDelegate({ capability: "build", input: [[1, 2], [3]] }));
  assert.ok(done.ok, done.ok ? "" : done.problem.detail);
  assert.deepEqual(done.output, [5, 9]);
  assert.equal(done.costUsd, 0.375);
});

test("a relay hands each what the one before gave; a map is reduced", async () => {
  const done = await inRun([upper, twice], async (ctx) => ({
    relay: await relay(ctx, "ab", [
      { name: "first", capability: "text.upper" },
      { name: "second", capability: "text.twice" },
    ]),
    reduced: await mapReduce(ctx, ["a", "b"], {
      map: (item) => ({ capability: "text.twice", input: item }),
      reduce: (outputs) => outputs.join("-"),
    }),
  }));
  assert.equal(done.relay, "ABAB");
  assert.equal(done.reduced.output, "aa-bb");
});

test("a race is won by the first right result, and the slow one is given up", async () => {
  const slow = agent({
    agent: "slow",
    capabilities: ["text.upper"],
    run: (ctx: Context) => ctx.sleep("a day", 86_400_000).then(() => "late"),
  });
  const done = await inRun([upper, slow], (ctx) => race(ctx, { capability: "text.upper", input: "a" }, ["slow", "upper"]));
  assert.ok(done.ok);
  assert.equal(done.agent, "upper");
});

test("made, checked by another, and made again with what was wrong", async () => {
  const maker = agent({
    ...{ agent: "maker", capabilities: ["write"] },
    act: (asked: Json) => (typeof asked === "object" ? "a longer draft" : "short"),
  });
  const both = agent({
    ...{ agent: "both", capabilities: ["check"] },
    act: ({ draft }: { draft: string }) => ({ ok: draft.length > 6, because: "it is too short" }),
  });
  const done = await inRun([maker, both], (ctx) =>
    makerChecker(ctx, "tides", { maker: { capability: "write" }, checker: { capability: "check" } }),
  );
  assert.deepEqual(done, { output: "a longer draft", rounds: 2, maker: "maker" });
});
