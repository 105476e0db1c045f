// kill -9 on the real command: nothing is lost, and no result is recorded twice.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { watch } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { rootPath } from "../tools/layout.ts";
import { type Command, type Ended, openPlace, type Place } from "./command.ts";
import { killAgainAndAgain, killGroup } from "./kill.ts";

const KILLS = 55;

/** So often that among so many kills one must; what else there is to hit takes some luck. */
const ALWAYS_HIT = ["before its run was accepted", "on its way to the run", "the owner"] as const;

test(`${KILLS} kills at random moments lose no run and record no result twice`, async (t) => {
  const seed = Date.now() % 2 ** 32;
  const { kills, rounds, hits } = await killAgainAndAgain(seed, KILLS);
  t.diagnostic(`seed ${seed}: ${kills} kills in ${rounds} rounds: ${JSON.stringify(hits)}`);
  for (const hit of ALWAYS_HIT) assert.ok(hits[hit] > 0, `no kill hit ${hit} (seed ${seed})`);
});

const LAUNCH = `
  import { existsSync } from "node:fs";
  import { workflow } from "batonflow";
  const launched = workflow({ name: "launched", run: async (ctx, parent) => {
    await ctx.step("hold", async () => {
      console.log("holding");
      while (existsSync("hold.txt")) await new Promise((resolve) => setTimeout(resolve, 20));
    });
    await ctx.sendSignal(parent, "done", "by the child");
  }});
  export default workflow({ name: "launch", run: async (ctx) => {
    await ctx.start(launched, ctx.info.run);
    return (await ctx.waitSignal("done")).value;
  }});`;

for (const again of ["run launch.ts --key k", "runs resume RUN"]) {
  test(`a child that goes its own way goes on with its parent: baton ${again}`, async () => {
    using place = openPlace({ "launch.ts": LAUNCH, "hold.txt": "" });
    const command = place.start("run launch.ts --key k");
    const [run] = await command.says(/run_\w+/);
    await command.says(/holding/);
    killGroup(command.pid);
    await command.ended;

    const carried = place.start(again.replace("RUN", run));
    await carried.says(/holding/);
    rmSync(join(place.path, "hold.txt"));
    assert.equal((await carried.ended).stdout, "by the child\n");
  });
}

test("an attached command is killed, then the owner: a third carries the run on", async () => {
  using place = openPlace({ "launch.ts": LAUNCH, "hold.txt": "" });
  const line = "run launch.ts --key k";
  const owner = place.start(line);
  const [run] = await owner.says(/run_\w+/);
  await owner.says(/holding/);
  const attached = place.start(line);
  await attached.says(new RegExp(`attached to ${run}`));
  killGroup(attached.pid);
  assert.equal((await attached.ended).code, null);

  const third = place.start(line);
  await third.says(new RegExp(`attached to ${run}`));
  killGroup(owner.pid);
  await third.says(/holding/);
  rmSync(join(place.path, "hold.txt"));
  assert.equal((await third.ended).stdout, "by the child\n");
  assert.equal((await place.baton(line)).stdout, "by the child\n");
});

/** Entries in the journals at which the review is killed: between its first steps, and within the many. */
const KILL_AT_ENTRIES = [2, 40, 150, 250];
const REPORT_FILES = ["report.json", "report.md", "sbom.spdx.json"];

test("the licence review, killed in the middle, writes the same report byte for byte", async () => {
  using calm = openPlace();
  using rough = openPlace();
  const [wanted, written] = await Promise.all([review(calm), review(rough, KILL_AT_ENTRIES)]);
  for (const [index, name] of REPORT_FILES.entries()) assert.equal(written[index], wanted[index], name);
});

/** The review of this clone to its end, killed whenever its journal has grown to one of these lengths, and as it writes. */
async function review(place: Place, killAtEntries: readonly number[] = []): Promise<readonly string[]> {
  const out = join(place.path, "out");
  const fields = [`project=${rootPath()}`, "asOf=2026-01-01T00:00:00Z", `out=${out}`].flatMap((field) => ["-i", field]);
  const line = ["run", rootPath("examples", "licence-review.ts"), ...fields, "--key", "review", "--no-input", "--quiet"];
  const data = join(place.path, ".baton");
  mkdirSync(data);
  for (const entries of killAtEntries) {
    const { code, stderr } = await killedWhen(place.start(line), data, reaches(data, entries));
    assert.equal(code, null, `it ended before it was killed at ${entries} entries: ${stderr}`);
    assert.ok(!existsSync(out), `at ${entries} entries the report is written already`);
  }
  if (killAtEntries.length > 0) await killedWhen(place.start(line), place.path, () => existsSync(out));
  const { code, stderr } = await place.start(line).ended;
  assert.equal(code, 0, stderr);
  assert.deepEqual(readdirSync(out).toSorted(), REPORT_FILES);
  return REPORT_FILES.map((name) => readFileSync(join(out, name), "utf8"));
}

/** Kills a command at the change in a directory by which it is time. */
async function killedWhen(command: Command, directory: string, isTime: () => boolean): Promise<Ended> {
  const over = new AbortController();
  void command.ended.catch(() => undefined).finally(() => over.abort());
  try {
    for await (const _change of watch(directory, { signal: over.signal })) {
      if (!isTime()) continue;
      killGroup(command.pid);
      break;
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
  }
  return command.ended;
}

/** Whether there are so many entries. Reading touches the log too, but does not write to it. */
function reaches(data: string, entries: number): () => boolean {
  let writtenAt = 0;
  return () => {
    const { mtimeMs = 0 } = statSync(join(data, "baton.db-wal"), { throwIfNoEntry: false }) ?? {};
    const isNew = mtimeMs !== writtenAt;
    writtenAt = mtimeMs;
    return isNew && entriesIn(join(data, "baton.db")) >= entries;
  };
}

function entriesIn(path: string): number {
  using db = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  const isMade = db.prepare("select 1 from sqlite_schema where name = 'journal'").get() !== undefined;
  return isMade ? (db.prepare("select count(*) as entries from journal").get() as { entries: number }).entries : 0;
}
