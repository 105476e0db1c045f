import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { seededRandom } from "../base/random.ts";
import { AT, commit, completed, entryOf, signalOf, startOf, startsOf, updateOf } from "../testing/store-bed.ts";
import { checkup, vitalsOf } from "./checkup.ts";
import { openSqlite } from "./sqlite.ts";

const LARGE = JSON.stringify("x".repeat(70_000));
const PROBLEM = '{"code":"OOPS","status":500,"title":"Oops.","detail":"Oops."}';
const ASKED = '{"name":"ok?","message":null,"schema":true,"to":null,"deadlineAt":null,"default":null}';

interface Place extends Disposable {
  readonly path: string;
  readonly folder: string;
}

function emptyPlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), "baton-checkup-"));
  return { folder, path: join(folder, "baton.db"), [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

/**
 * Runs of every kind: 1 completed, 2 waits, asks and has the child 3; 4 was deleted; 5 failed, 6 was canceled with a
 * question open; 7 goes on without 4, which started it.
 */
async function healthyPlace(): Promise<Place> {
  const place = emptyPlace();
  using store = openSqlite({ path: place.path, random32: 7 });
  const epoch = store.claim();
  const starts = startsOf(7, (number) => {
    if (number === 1) return { key: { key: "k", bodyHash: "h" }, inputText: LARGE };
    if (number === 3) return { root: 2, depth: 1, parent: { number: 2, key: "child", close: "cancel" } };
    return number === 7 ? { root: 4, depth: 1, parent: { number: 4, key: "", close: "keep" } } : {};
  });
  const asked = { kind: "asked", key: "ok?", data: ASKED } as const;
  await commit(store, epoch, {
    starts,
    entries: [
      ...[entryOf(1, 1), entryOf(1, 2, { data: "" }), entryOf(1, 3, { data: LARGE }), signalOf(2, 4, "s")],
      ...[entryOf(2, 5, asked), entryOf(4, 6), entryOf(6, 7, asked)],
      ...[
        entryOf(2, 8, { ...asked, key: "twice" }),
        ...[9, 10].map((seq) => entryOf(2, seq, { kind: "answered", key: "twice" })),
      ],
    ],
    updates: [
      ...[completed(1), updateOf(2, { status: "waiting", wakeAt: AT }), completed(4)],
      updateOf(5, { status: "failed", endedAt: AT, problemText: PROBLEM, progressText: '{"done":1}' }),
      updateOf(6, { status: "canceled", endedAt: AT, problemText: PROBLEM }),
    ],
  });
  await commit(store, epoch, { deletes: [4] });
  return place;
}

/** What nobody but a broken disk or a curious person does. */
function tamper(path: string, sql: string): void {
  using db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  db.exec(sql);
}

/** The first page of a table becomes zeros. */
function wipe(path: string, table: string): void {
  const bytes = readFileSync(path);
  using db = new DatabaseSync(path, { readOnly: true });
  const { page_size: size } = db.prepare("pragma page_size").get() as { page_size: number };
  const { rootpage } = db.prepare("select rootpage from sqlite_schema where name = ?").get(table) as { rootpage: number };
  writeFileSync(path, bytes.fill(0, (rootpage - 1) * size, rootpage * size));
}

function codesOf(path: string): string[] {
  return checkup(path).map(({ about, code }) => `${about} ${code}`);
}

test("a healthy database has no findings, and is as it was before", async () => {
  using place = await healthyPlace();
  const before = readFileSync(place.path);
  assert.deepEqual(checkup(place.path), []);
  assert.deepEqual(readFileSync(place.path), before);
  assert.deepEqual(vitalsOf(place.path), { schemaVersion: 4, newestEntryAt: AT + 10 });
});

test("it looks beside the owner, and sees what is in the write-ahead log", async () => {
  using place = await healthyPlace();
  using store = openSqlite({ path: place.path, random32: 7 });
  await commit(store, store.claim(), { starts: [startOf(8)], entries: [entryOf(8, 11), entryOf(8, 12, { key: "step 11" })] });
  assert.deepEqual(codesOf(place.path), ["run_00070008 second-outcome"]);
});

/** `about code`, and what brings it about. */
const damages: Readonly<Record<string, string>> = {
  "run_00070002 workflow-missing": "update runs set workflow = 99 where id = 2",
  "run_00070001 standing-impossible": "pragma ignore_check_constraints = 1; update runs set ended_at = null where id = 1",
  "run_00070004 entries-without-run": `insert into journal values (50, 4, 1, 'a', 0, ${AT}, '1'), (51, 4, 1, 'b', 0, ${AT}, '1')`,
  "run_00070004 start-key-without-run": `insert into start_keys values ('default', 'w', 'a "key"', 4, 'h')`,
  "run_00070007 child-without-parent": "update runs set parent_close = 'cancel' where id = 7",
  "run_00070001 wake-of-ended-run": "update runs set wake_at = 5 where id = 1",
  "run_00070002 question-without-entry": "update questions set seq = 4 where run = 2",
  "run_00070002 question-not-shown": "delete from questions where run = 2",
  "run_00070001 second-outcome": `insert into journal values (50, 1, 2, 'step 1', 0, ${AT}, '{}')`,
  "run_00070001 unknown-kind": "update journal set kind = 999 where seq = 1",
  "run_00070002 not-json": "update journal set data = '{' where seq = 4",
  "run_00070001 not-json": "update runs set output = 'undefined' where id = 1",
  "run_00070003 not-json": "update runs set input = '' where id = 3",
  "run_00070005 not-json": "update runs set problem = 'Oops' where id = 5",
  "run_00070006 not-json": "update runs set progress = '{1}' where id = 6",
  "database meta-missing": "delete from meta where name = 'last_seq'",
  "database last-run-low": "update runs set root = 99 where id = 7",
  "database last-seq-low": "update questions set seq = 99 where run = 6",
  "database service-unreadable": "insert into services values ('a', '{', null, 0, '{}')",
  "database service-facts-unreadable": `insert into services values ('a', '{"service":"a"}', null, 0, '7')`,
  "database data-unusable": "delete from meta where name = 'tag'",
  "database schema-newer": "pragma user_version = 99",
  "database schema-older": "pragma user_version = 1",
};

for (const [finding, sql] of Object.entries(damages)) {
  test(`${finding}: ${sql}`, async () => {
    using place = await healthyPlace();
    tamper(place.path, sql);
    assert.deepEqual(codesOf(place.path), [finding]);
    for (const { what, fix } of checkup(place.path))
      assert.ok(/\.$/.test(fix) && what.length > 0 && !/null|undefined/.test(what));
  });
}

test("of services each row that cannot be read is told", async () => {
  using place = await healthyPlace();
  tamper(
    place.path,
    `insert into services values ('a', '7', null, 0, '{}'), ('b', '{"service":"c"}', null, 0, '{'), ('d', '{"service":"d"}', null, 0, '{}');
     insert into folds values ('services', 3, '[1]'), ('other', 3, '{}');
     insert into rollups values ('a', 'say', 300000, 0, '{'), ('a', 'say', 300000, 300000, '{}');`,
  );
  assert.deepEqual(
    checkup(place.path).map(({ code, what }) => `${code} ${/service [ab]|learned of \w+|figures of \S+/.exec(what)?.[0]}`),
    [
      "service-unreadable service a",
      "service-unreadable service b",
      "service-facts-unreadable service b",
      "service-facts-unreadable learned of services",
      "service-facts-unreadable figures of a/say",
    ],
  );
});

test("a number that is no number is as good as none", async () => {
  using place = await healthyPlace();
  tamper(place.path, "update meta set value = 'many' where name = 'epoch'");
  assert.deepEqual(codesOf(place.path), ["database meta-missing"]);
});

test("the run of a lost payload is told, and that of one that holds something else", async () => {
  using place = await healthyPlace();
  using db = new DatabaseSync(place.path);
  const { hash } = db.prepare("select hash from payloads").get() as { hash: string };
  const file = join(place.folder, "payloads", hash.slice(0, 2), hash);
  writeFileSync(file, "something else");
  assert.deepEqual(codesOf(place.path), ["run_00070001 payload-lost"]);
  rmSync(file);
  assert.deepEqual(codesOf(place.path), ["run_00070001 payload-lost"]);
});

test("one trouble is told twenty times at most, and beside another", async () => {
  using place = await healthyPlace();
  tamper(place.path, "update journal set kind = 999; update runs set wake_at = 5 where id = 1");
  using db = new DatabaseSync(place.path);
  const insert = db.prepare("insert into journal values (?, 2, 999, null, 0, 0, 'null')");
  for (let seq = 100; seq < 130; seq++) insert.run(seq);
  const codes = checkup(place.path).map(({ code }) => code);
  assert.equal(codes.filter((code) => code === "unknown-kind").length, 20);
  assert.ok(codes.includes("wake-of-ended-run"));
});

test("no file, a folder, random bytes, somebody else's tables: each is one finding", () => {
  using place = emptyPlace();
  assert.deepEqual(codesOf(place.path), ["database data-unusable"]);
  assert.equal(vitalsOf(place.path), null);
  assert.deepEqual(codesOf(place.folder), ["database data-unusable"]);

  const random32 = seededRandom(3);
  writeFileSync(place.path, Buffer.from(Array.from({ length: 20_000 }, () => random32() & 0xff)));
  assert.deepEqual(codesOf(place.path), ["database data-unusable"]);
  assert.equal(vitalsOf(place.path), null);

  rmSync(place.path);
  tamper(place.path, "create table cats (name text)");
  assert.deepEqual(codesOf(place.path), ["database data-unusable"]);
});

test("a page that was wiped is damage, and all else is left alone", async () => {
  using place = await healthyPlace();
  tamper(place.path, "update runs set wake_at = 5 where id = 1");
  wipe(place.path, "journal");
  assert.deepEqual(codesOf(place.path), ["database damaged"]);
});

test("a file that was cut short is one finding, wherever it was cut", async () => {
  using place = await healthyPlace();
  for (let bytes = statSync(place.path).size - 1_000; bytes > 0; bytes -= 3_000) {
    truncateSync(place.path, bytes);
    const found = checkup(place.path);
    assert.deepEqual([found.length, found[0]?.severity], [1, "error"], `at ${bytes}`);
  }
  truncateSync(place.path, 0);
  assert.deepEqual(
    checkup(place.path).map(({ code, severity }) => `${severity} ${code}`),
    ["warning data-blank"],
  );
});

test("whatever bytes have turned, it says so or not, and never throws", async () => {
  using place = await healthyPlace();
  const whole = readFileSync(place.path);
  const random32 = seededRandom(11);
  let found = 0;
  for (let turn = 0; turn < 200; turn++) {
    const turned = Buffer.from(whole);
    for (let count = 0; count <= turn % 8; count++) turned[random32() % turned.length] = random32() & 0xff;
    writeFileSync(place.path, turned);
    found += checkup(place.path).length > 0 ? 1 : 0;
  }
  assert.ok(found > 20, `${found} of 200 were found`);
});
