// The real command, killed with SIGKILL at random moments and typed again until it ends. What it left behind is looked
// at without Baton: in the database, and in a file outside to which every attempt of a step adds a line.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fraction, seededRandom } from "../src/base/random.ts";
import { type Command, type Ended, openPlace, type Place } from "./command.ts";

const WORK = `
import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { workflow } from "batonflow";

const told = (s) => appendFileSync("acted.txt", s.idempotencyKey + "\\n");
const acts = (value, ms = 0) => async (s) => { told(s); if (ms > 0) await delay(ms); return value; };
const child = workflow({ name: "child", run: async (ctx, n) => {
  const twice = await ctx.step("double", acts(n * 2, 5));
  await ctx.sleep("rest", 15);
  return twice;
}});
const loop = workflow({ name: "loop", run: async (ctx, { left, sum }) => {
  const next = sum + await ctx.step("add", acts(left, 5));
  return left === 1 ? next : ctx.continueAs({ left: left - 1, sum: next });
}});
export default workflow({ name: "work", run: async (ctx, { n }) => {
  const row = [];
  for (let i = 0; i < 8; i++) row.push(await ctx.step("step " + i, acts(n + i, 10)));
  const side = await Promise.all([0, 1, 2, 3].map((i) => ctx.step("side " + i, acts(n * i, 6 * i))));
  const flaky = await ctx.step("flaky", (s) => { told(s); if (s.attempt < 3) throw new Error("not yet"); return n; },
    { retry: { attemptsMax: 1000, firstDelayMs: 15, delayMsMax: 30 } });
  const children = await Promise.all([1, 2, 3].map((i) => ctx.run(child, n + i, { name: "child " + i })));
  await ctx.sendSignal(ctx.info.run, "note", n);
  const note = await ctx.waitSignal("note");
  await ctx.sleep("a while", 40);
  const looped = await ctx.run(loop, { left: 3, sum: n });
  return { row, side, flaky, children, note, looped };
}});
`;

function expected(n: number): unknown {
  return {
    row: Array.from({ length: 8 }, (_, i) => n + i),
    side: [0, n, 2 * n, 3 * n],
    flaky: n,
    children: [1, 2, 3].map((i) => (n + i) * 2),
    note: { received: true, value: n },
    looped: n + 6,
  };
}

/** Names of the steps that one `work` and its children act, as often as each is one of its own. */
const STEPS_OF_WORK = 8 + 4 + 1 + 3 + 3;
/** From before the command has read its file to after it is done, in ms. */
const KILL_AFTER_MS = { min: 120, max: 1_400 };
const KEYS_AT_ONCE = 2;
const KILLS_PER_KEY = 6;

export interface Killed {
  readonly kills: number;
  readonly runs: number;
}

/** Runs keys, two at a time in one data directory, through at least `kills` kills. Throws what was broken, with the seed. */
export async function killAgainAndAgain(seed: number, kills: number): Promise<Killed> {
  using place = openPlace({ "work.ts": WORK });
  const random32 = seededRandom(seed);
  let killed = 0;
  let keys = 0;
  try {
    while (killed < kills) {
      const pair = Array.from({ length: KEYS_AT_ONCE }, () => ++keys);
      const counts = await Promise.all(pair.map((n) => throughKills(place, n, () => fraction(random32))));
      killed += counts.reduce((sum, count) => sum + count, 0);
    }
    checkLeftBehind(place, keys);
  } catch (error) {
    throw new Error(`seed ${seed}, ${killed} kills`, { cause: error });
  }
  return { kills: killed, runs: keys };
}

/** Kills one key's command again and again, then lets it end. Gives how often it was killed. */
async function throughKills(place: Place, n: number, chance: () => number): Promise<number> {
  for (let killed = 0; ; killed++) {
    const command = place.start(`run work.ts --input {"n":${n}} --key ${n} --json --no-input`);
    const ended = killed < KILLS_PER_KEY ? await killedAfter(command, momentOf(chance())) : await command.ended;
    if (ended.code === null) continue;
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual((JSON.parse(ended.stdout) as { output: unknown }).output, expected(n));
    return killed;
  }
}

/** Small and large delays alike: evenly over their logarithm. */
function momentOf(share: number): number {
  return KILL_AFTER_MS.min * (KILL_AFTER_MS.max / KILL_AFTER_MS.min) ** share;
}

async function killedAfter(command: Command, delayMs: number): Promise<Ended> {
  const timer = setTimeout(() => command.signal("SIGKILL"), delayMs);
  return command.ended.finally(() => clearTimeout(timer));
}

function checkLeftBehind(place: Place, keys: number): void {
  using db = new DatabaseSync(join(place.path, ".baton", "baton.db"), { readOnly: true });
  const all = (sql: string): unknown[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  assert.deepEqual(all("pragma integrity_check"), [{ integrity_check: "ok" }]);
  assert.deepEqual(all("select count(*) as runs from runs where parent is null"), [{ runs: keys }], "one run for each key");
  assert.deepEqual(all("select id from runs where status <> 'completed'"), [], "no run is lost");
  const twice = "select run, key, count(*) as times from journal where kind in (1, 2) group by run, key having count(*) > 1";
  assert.deepEqual(all(twice), [], "no result is recorded twice");
  const acted = new Set(readFileSync(join(place.path, "acted.txt"), "utf8").trim().split("\n"));
  assert.equal(acted.size, keys * STEPS_OF_WORK, "every step acted, always under its one key");
}
