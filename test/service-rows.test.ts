// Rows of services that somebody spoilt: each costs what it held, and nothing else.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { ask } from "../src/orchestrator/caller.ts";
import { type Baton, openBaton } from "../src/orchestrator.ts";
import { workflow } from "../src/workflow.ts";
import { openWeb } from "./web.ts";

const story = workflow({ name: "story", run: (context) => context.call("well/say", {}) });

interface Bed extends AsyncDisposable {
  readonly data: string;
  open(): Promise<Baton>;
}

/** A directory with two services, called twice, whose rows are then spoilt. */
async function spoiltBed(sql: string): Promise<Bed> {
  const data = mkdtempSync(join(tmpdir(), "rows-"));
  const web = await openWeb({ "/say": { body: { ok: true } } });
  const open = () => openBaton({ data, workflows: [story as never], carry: "own" });
  {
    await using baton = await open();
    for (const id of ["well", "other"])
      await baton.call("services.add", {
        definition: { service: id, baseUrl: web.url, operations: { say: { get: "/say", capability: "word.say" } } },
      });
    for (let i = 0; i < 2; i++) await (await baton.start(story as never, null)).result();
  }
  {
    using database = new DatabaseSync(join(data, "baton.db"));
    database.exec(sql);
  }
  return {
    data,
    open,
    async [Symbol.asyncDispose]() {
      await web[Symbol.asyncDispose]();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

for (const text of [
  "{",
  "7",
  "null",
  "{}",
  '{"service":"another"}',
  '{"service":"other","operations":{"a":null}}',
  '{"service":"other","openapi":null}',
])
  test(`a definition that is ${text}: its line says so, others are called, and it can be removed and replaced`, async () => {
    await using bed = await spoiltBed(`update services set definition = '${text}' where id = 'other'`);
    const beside = await ask(bed.data, "services.list", {});
    await using baton = await bed.open();
    for (const { services } of [beside, await baton.call("services.list", {})]) {
      assert.deepEqual(services.map(({ id }) => id).toSorted(), ["other", "well"]);
      assert.match(services.find(({ id }) => id === "other")?.because ?? "", /other/);
    }
    await assert.rejects(baton.call("services.show", { id: "other" }), { code: "SERVICE_DEFINITION_INVALID" });
    assert.deepEqual(await (await baton.start(story as never, null)).result(), { ok: true });
    const definition = { service: "other", baseUrl: "http://127.0.0.1:1", operations: { say: { get: "/say" } } };
    assert.equal((await baton.call("services.add", { definition, replace: true })).replaced, true);
    assert.equal((await baton.call("services.show", { id: "other" })).id, "other");
    await baton.call("services.remove", { id: "other" });
    assert.equal((await baton.call("services.list", {})).services.length, 1);
  });

for (const text of ["{", "7", '{"health":7}', '{"health":{"kind":"unhealthy"}}', '{"models":7}'])
  test(`a state that is ${text} is as good as none`, async () => {
    await using bed = await spoiltBed(`update services set state = '${text}' where id = 'other'`);
    const { services } = await ask(bed.data, "services.list", {});
    assert.equal(services.find(({ id }) => id === "other")?.health, "unknown");
    assert.equal((await ask(bed.data, "services.show", { id: "other" })).id, "other");
    await using baton = await bed.open();
    assert.deepEqual(await (await baton.start(story as never, null)).result(), { ok: true });
  });

for (const text of ["{", "7", '{"version":99}'])
  test(`what was learned is ${text}: it is learned anew, and no call is counted twice`, async () => {
    await using bed = await spoiltBed(`update folds set state = '${text}'`);
    {
      await using baton = await bed.open();
      await (await baton.start(story as never, null)).result();
    }
    const { figures } = await ask(bed.data, "stats.show", {});
    assert.equal(figures.serviceSuccessRate.calls, 3);
    using database = new DatabaseSync(join(bed.data, "baton.db"), { readOnly: true });
    const { state } = database.prepare("select state from folds").get() as { state: string };
    assert.match(state, /well\/say/);
  });

for (const text of ["{", "7", '{"latency":7}'])
  test(`figures that are ${text} are left out, and those that come count`, async () => {
    await using bed = await spoiltBed(`update rollups set figures = '${text}'`);
    assert.equal((await ask(bed.data, "stats.show", {})).figures.serviceSuccessRate.calls, 0);
    {
      await using baton = await bed.open();
      await (await baton.start(story as never, null)).result();
    }
    assert.equal((await ask(bed.data, "stats.show", {})).figures.serviceSuccessRate.calls, 1);
  });
