// What is left behind in a place where commands were killed, read without Baton: its database, and the lines outside.
//
// A witness looks after every kill and once more at the end.
// W1  A start key names one run, the same at every look; at the end it has completed.
// W2  An operation has one outcome at most; the result of a step, once seen, is never another.
// W3  A step acts under one idempotency key, and never after its result was seen or made use of.
// W4  What the run gave was made of the results that were recorded, each of an attempt that acted.
// W5  The database is sound at the end, and no run is left in flight.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { entryKinds } from "../src/run.ts";
import { ACTED_FILE, type Act, type Done, INTERRUPTED, LABELS, rankOf, toldOf } from "./kill.work.ts";

type Row = Readonly<Record<string, unknown>>;

/** How a started run stands. */
interface Started {
  readonly key: string;
  /** With the tag of the data directory. */
  readonly run: string;
  readonly status: string;
}

export interface Witness {
  /** Looks at what is so now; gives the status of the run of this start key, null where there is none yet. Throws what is broken. */
  look(key: string): string | null;
  /** Checks what is so in the end, where `keys` were started and printed `outputs`. */
  checkEnd(outputs: ReadonlyMap<string, readonly Done[]>): void;
}

export function openWitness(place: string): Witness {
  const runs = new Map<string, string>();
  /** By idempotency key: the mark, and how many lines there were when it was first seen. */
  const results = new Map<string, { readonly mark: string; readonly lines: number }>();
  const look = (key: string): string | null => {
    const { started, recorded } = readDatabase(place);
    const lines = readActs(place).length; // after the database: a line that comes later was written later
    for (const one of started) rememberedOf(runs, one.key, one.run);
    assert.deepEqual(new Map(started.map((one) => [one.key, one.run])), runs, "W1: a key names another run, or none");
    for (const { key: step, mark } of recorded) {
      assert.equal(mark, rememberedOf(results, step, { mark, lines }).mark, `W2: the result of ${step} has changed`);
    }
    return started.find((one) => one.key === key)?.status ?? null;
  };
  return {
    look,
    checkEnd(outputs) {
      for (const key of outputs.keys()) assert.equal(look(key), "completed", `W1: the run of key ${key}`);
      assert.deepEqual([...runs.keys()].toSorted(), [...outputs.keys()].toSorted(), "W1: the keys that were started");
      checkDatabase(place);
      const acts = readActs(place);
      checkActs(acts, results);
      for (const [key, dones] of outputs) for (const done of dones) checkDone(Number(key), done, acts, results);
    },
  };
}

/** What was first remembered for a key, which may be this. */
function rememberedOf<T>(memory: Map<string, T>, key: string, now: T): T {
  const before = memory.get(key) ?? now;
  memory.set(key, before);
  return before;
}

interface Read {
  readonly started: readonly Started[];
  readonly recorded: readonly Act[];
}

const NOTHING: Read = { started: [], recorded: [] };

/** SQLITE_READONLY_ROLLBACK: killed as the file was being made, which only the next owner can undo. */
const HALF_MADE = 776;

function readDatabase(place: string): Read {
  const path = databasePath(place);
  if (!existsSync(path)) return NOTHING;
  using db = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    return all(db, "select 1 from sqlite_schema where name = 'journal'").length === 0 ? NOTHING : readTables(db);
  } catch (error) {
    if ((error as { errcode?: number }).errcode === HALF_MADE) return NOTHING;
    throw error;
  }
}

/** Throws what is broken. */
function readTables(db: DatabaseSync): Read {
  db.exec("begin"); // one moment
  checkNothing(db, NEVER);
  const started = all(
    db,
    `select key, (select value from meta where name = 'tag') || run as run, status
       from start_keys join runs on runs.id = start_keys.run order by key`,
  );
  const recorded = all(db, `select data from journal where kind = ${entryKinds["step-completed"].number}`);
  return {
    started: started as unknown as readonly Started[],
    recorded: recorded.map(({ data }) => JSON.parse(String(data)) as Act),
  };
}

function databasePath(place: string): string {
  return join(place, ".baton", "baton.db");
}

function all(db: DatabaseSync, sql: string): readonly Row[] {
  return db.prepare(sql).all();
}

function readActs(place: string): readonly Act[] {
  const path = join(place, ACTED_FILE);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Act);
}

const OUTCOMES = Object.values(entryKinds).flatMap(({ outcome, number }) => (outcome ? [number] : []));

/** What must select nothing at any moment. */
const NEVER: Readonly<Record<string, string>> = {
  "W1: a run without its key": "select id from runs where parent is null and id not in (select run from start_keys)",
  "W2: an operation has two outcomes": `
    select run, key, count(*) as outcomes from journal where kind in (${OUTCOMES.join(", ")})
    group by run, key having count(*) > 1`,
  "W2: a child was started twice": `
    select parent, parent_key, count(*) as children from runs where parent is not null
    group by parent, parent_key having count(*) > 1`,
};

/** And in the end. A child that goes its own way is canceled when its parent ends first. */
const LOST: Readonly<Record<string, string>> = {
  "W5: a run was lost": `
    select id, status, problem from runs
    where status <> 'completed' and not (status = 'canceled' and parent_close = 'cancel' and parent_key = '')`,
};

function checkNothing(db: DatabaseSync, queries: Readonly<Record<string, string>>): void {
  for (const [what, sql] of Object.entries(queries)) {
    const found = all(db, sql).map((row) => ({ ...row }));
    assert.deepEqual(found, [], what);
  }
}

function checkDatabase(place: string): void {
  using db = new DatabaseSync(databasePath(place), { readOnly: true, timeout: 5_000 });
  const told = all(db, "pragma integrity_check").map((row) => row.integrity_check);
  assert.deepEqual(told, ["ok"], "W5: the database is not sound");
  checkNothing(db, LOST);
}

function checkActs(acts: readonly Act[], results: ReadonlyMap<string, { readonly lines: number }>): void {
  const keys = new Map<string, string>();
  const steps = new Map<string, string>();
  const ranks = new Map<string, number>();
  for (const [index, { run, label, key }] of acts.entries()) {
    const step = `${label} of ${run}`;
    assert.equal(key, rememberedOf(keys, step, key), `W3: ${step} acted under two keys`);
    assert.equal(step, rememberedOf(steps, key, step), `W3: two steps acted under ${key}`);
    assert.ok(index < (results.get(key)?.lines ?? Number.POSITIVE_INFINITY), `W3: ${step} acted again after its result`);
    assert.ok(rankOf(label) >= (ranks.get(run) ?? 0), `W3: ${step} acted again after a step that builds on it`);
    ranks.set(run, rankOf(label));
  }
}

function checkDone(n: number, done: Done, acts: readonly Act[], results: ReadonlyMap<string, { readonly mark: string }>): void {
  assert.deepEqual(done.told, toldOf(n), "W4: what was told");
  assert.deepEqual(
    done.acts.map(({ label }) => label),
    LABELS,
    "W4: what was done",
  );
  for (const { run, label, key, mark } of done.acts) {
    const attempts = acts.filter((act) => act.run === run && act.label === label);
    if (label === "once") assert.ok(attempts.length <= 1, "W3: what may act once at most acted again");
    if (mark === INTERRUPTED) continue;
    assert.ok(
      attempts.some((act) => act.key === key && act.mark === mark),
      `W4: ${label} of ${run} gave what no attempt made`,
    );
    assert.equal(mark, results.get(key)?.mark ?? mark, `W4: what ${label} of ${run} gave is not what was recorded`);
  }
}
