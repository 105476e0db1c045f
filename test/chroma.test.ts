// Chroma: its real server, from its own package, and its own client beside our adapter: what one writes the other reads.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { ChromaClient } from "chromadb";
import { openBaton } from "../src/orchestrator.ts";
import { type Context, workflow } from "../src/workflow.ts";
import { rootPath } from "../tools/layout.ts";

const folder = mkdtempSync(join(tmpdir(), "chroma-"));
let server: ChildProcess;
let port: number;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function isUp(): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/api/v2/heartbeat`)).ok;
  } catch {
    return false;
  }
}

before(async () => {
  port = await freePort();
  const chroma = rootPath("node_modules", "chromadb", "dist", "cli.mjs");
  const words = [chroma, "run", "--path", join(folder, "store"), "--host", "127.0.0.1", "--port", String(port)];
  server = spawn(process.execPath, words, { stdio: "ignore", cwd: folder });
  const until = Date.now() + 30_000;
  while (!(await isUp())) {
    assert.ok(server.exitCode === null && Date.now() < until, "Chroma's server does not start");
    await new Promise((resolve) => setTimeout(resolve, 100)); // another program's start has no other sign
  }
});

after(async () => {
  server.kill("SIGKILL");
  await once(server, "exit");
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `act` as a run of a directory where Chroma was found. */
async function inRun<T>(act: (context: Context) => Promise<T>): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), "baton-"));
  const story = workflow({ name: "story", run: act });
  try {
    await using baton = await openBaton({ data, workflows: [story as never], carry: "own" });
    const { found } = await baton.call("services.discover", { hosts: [`127.0.0.1:${port}`], add: true });
    assert.ok(found.some(({ entry, baseUrl }) => entry === "chroma" && baseUrl.endsWith(`:${port}`)));
    for (const { id, baseUrl } of found) if (!baseUrl.endsWith(`:${port}`)) await baton.call("services.remove", { id }); // of this machine
    return (await (await baton.start(story, null)).result()) as T;
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

suite("Chroma's own server", { concurrency: 1 }, () => {
  test("what is put in is found again, the nearest first, by metadata too, and gone when it is taken out", async () => {
    const told = await inRun(async (ctx) => {
      await ctx.call("vector.create", { collection: "words", dimensions: 3 });
      await ctx.call("vector.create", { collection: "words", dimensions: 3 }); // again is the same
      const items = [
        { id: "sea", vector: [1, 0, 0], text: "the sea", metadata: { lang: "en", year: 1 } },
        { id: "mer", vector: [0.9, 0.1, 0], text: "la mer", metadata: { lang: "fr", year: 1 } },
        { id: "land", vector: [0, 1, 0], text: "the land" },
      ];
      const put = await ctx.call("vector.upsert", { collection: "words", items });
      const near = await ctx.call("vector.query", { collection: "words", vector: [1, 0, 0], limit: 2 }, { name: "near" });
      const where = { lang: "fr", year: 1 };
      const french = await ctx.call("vector.query", { collection: "words", vector: [1, 0, 0], where }, { name: "french" });
      await ctx.call("vector.delete", { collection: "words", ids: ["sea"] });
      const left = await ctx.call("vector.query", { collection: "words", vector: [1, 0, 0] }, { name: "left" });
      return { put, near, french, left };
    });

    const ids = (answer: unknown): string[] => (answer as { matches: { id: string }[] }).matches.map(({ id }) => id);
    assert.deepEqual(told.put, { count: 3 });
    assert.deepEqual(ids(told.near), ["sea", "mer"]);
    assert.deepEqual(ids(told.french), ["mer"]);
    assert.deepEqual(ids(told.left), ["mer", "land"]);
    const [best] = (told.near as unknown as { matches: { score: number; text: string; metadata: object }[] }).matches;
    assert.deepEqual([best?.text, best?.metadata], ["the sea", { lang: "en", year: 1 }]);
    assert.ok(Math.abs((best?.score ?? 0) - 1) < 1e-6);
  });

  test("every distance gives scores that grow with nearness", async () => {
    const scores = await inRun(async (ctx) => {
      const found: number[][] = [];
      for (const distance of ["cosine", "dot", "euclid"]) {
        const collection = `by-${distance}`;
        await ctx.call("vector.create", { collection, dimensions: 2, distance });
        const items = [
          { id: "near", vector: [1, 0.1] },
          { id: "far", vector: [0, 1] },
        ];
        await ctx.call("vector.upsert", { collection, items });
        const { matches } = await ctx.call<{ matches: { score: number }[] }>("vector.query", { collection, vector: [1, 0] });
        found.push(matches.map(({ score }) => score));
      }
      return found;
    });

    for (const [near = 0, far = 0] of scores) assert.ok(near > far, `${near} > ${far}`);
  });

  test("its own client reads what was put in, and the adapter what the client put in", async () => {
    const client = new ChromaClient({ host: "127.0.0.1", port });
    const theirs = await client.createCollection({ name: "theirs", embeddingFunction: null });
    await theirs.add({ ids: ["x"], embeddings: [[1, 2]], documents: ["from the client"], metadatas: [{ by: "client" }] });

    const found = await inRun(async (ctx) => {
      await ctx.call("vector.create", { collection: "ours", dimensions: 2 });
      await ctx.call("vector.upsert", { collection: "ours", items: [{ id: "y", vector: [3, 4], text: "from the adapter" }] });
      return ctx.call<{ matches: object[] }>("vector.query", { collection: "theirs", vector: [1, 2] });
    });

    assert.deepEqual(found.matches, [{ id: "x", score: 0, text: "from the client", metadata: { by: "client" } }]);
    const ours = await client.getCollection({ name: "ours" });
    assert.deepEqual((await ours.get({ ids: ["y"] })).documents, ["from the adapter"]);
  });

  test("what it says when something is wrong is told", async () => {
    const called = await inRun((ctx) => ctx.tryCall("vector.query", { collection: "nowhere", vector: [1] }));

    assert.ok(!called.ok);
    assert.equal(called.problem.code, "SERVICE_REFUSED");
    assert.match(called.problem.detail, /^chroma\/query: It answers 404 and says: NotFoundError: .*nowhere/);
  });
});
