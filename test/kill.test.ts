// kill -9 on the real command: nothing is lost, nothing is recorded twice.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { rootPath } from "../tools/layout.ts";
import { openPlace, type Place } from "./command.ts";
import { killAgainAndAgain } from "./kill.ts";

const KILLS = 50;

test(`${KILLS} kills at random moments lose no run and record no result twice`, async (t) => {
  const seed = Date.now();
  const { kills, runs } = await killAgainAndAgain(seed, KILLS);
  t.diagnostic(`seed ${seed}: ${kills} kills, ${runs} runs`);
  assert.ok(kills >= KILLS);
});

/** How often the journal is looked at while the moment to kill is awaited, in ms. */
const LOOK_MS = 5;
const FILES = ["report.md", "report.json", "sbom.spdx.json"];

/** The review of this clone to its end, killed whenever its journal has grown to one of these lengths. */
async function review(place: Place, killAtEntries: readonly number[]): Promise<readonly string[]> {
  const words = [
    "run",
    rootPath("examples", "licence-review.ts"),
    "-i",
    `project=${rootPath()}`,
    "-i",
    "asOf=2026-01-01T00:00:00Z",
  ];
  const line = [...words, "-i", `out=${join(place.path, "out")}`, "--key", "review", "--no-input"];
  for (const entries of killAtEntries) {
    const command = place.start(line);
    while (entriesIn(place) < entries) await delay(LOOK_MS);
    command.signal("SIGKILL");
    assert.equal((await command.ended).code, null, "it was killed before it ended");
  }
  const { code, stderr } = await place.start(line).ended;
  assert.equal(code, 0, stderr);
  return FILES.map((name) => readFileSync(join(place.path, "out", name), "utf8"));
}

/** How many entries all journals have, as far as another process can tell. */
function entriesIn(place: Place): number {
  try {
    using db = new DatabaseSync(join(place.path, ".baton", "baton.db"), { readOnly: true });
    return (db.prepare("select count(*) as entries from journal").get() as { entries: number }).entries;
  } catch {
    return 0; // it is not made yet
  }
}

test("the licence review, killed in the middle, writes the same report byte for byte", async () => {
  using calm = openPlace();
  using rough = openPlace();
  const wanted = await review(calm, []);
  assert.deepEqual(await review(rough, [5, 60, 200]), wanted);
});
