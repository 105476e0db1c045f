// What every store must pass of its readings: records, lists and pages, also of more runs than a page holds.

import assert from "node:assert/strict";
import type { RunId } from "../base/id.ts";
import { limits, type RunStatus } from "../run.ts";
import type { RunQuery, RunStart, RunUpdate, Store } from "../store.ts";
import {
  AT,
  codeOfRefusal,
  commit,
  completed,
  entryOf,
  pagesOf,
  type StoreAct,
  startOf,
  startsOf,
  updateOf,
  WORKFLOW,
} from "./store-bed.ts";

/** More than any page holds. */
const MANY = 2 * limits.PAGE_SIZE + 7;

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

const PROBLEM = { code: "X", status: 500, title: "t", detail: "d" };

/** Each status with what is true in it. */
const ENDINGS: readonly Partial<RunUpdate>[] = [
  { status: "waiting", wakeAt: AT + 5 },
  { status: "paused", reason: "budget", problemText: JSON.stringify(PROBLEM) },
  { status: "completed", endedAt: AT + 2, outputText: '{"a":[]}' },
  { status: "failed", endedAt: AT + 3, problemText: JSON.stringify(PROBLEM) },
  { status: "canceled", endedAt: AT + 4, problemText: JSON.stringify(PROBLEM) },
];

function child(number: number, close: "cancel" | "keep", parent = 1): RunStart {
  return startOf(number, { root: 1, depth: 1, parent: { number: parent, key: `c${number}`, close } });
}

/** Numbers of the runs that a query gives. */
function listed(store: Store, query: Partial<RunQuery>): (number | null)[] {
  return store.runs({ limit: 100, ...query }).runs.map(({ id }) => store.ids.numberOf(id));
}

const records: Readonly<Record<string, StoreAct>> = {
  "a record is what was started": async (_bed, store, epoch) => {
    const workflow = { namespace: "n", name: "w", version: "1.2.3-a+b", contentHash: "abc", source: "f.ts#default" };
    const parent = { number: 1, key: "c / é", close: "keep" } as const;
    const family = { parent, root: 1, depth: 1, since: 17, seed: 4_294_967_295 };
    const times = { deadlineAt: AT + 9, wakeAt: AT + 8, startedAt: AT + 1 };
    const key = { key: "k", bodyHash: "h" };
    const started = startOf(2, { workflow, inputText: '{"a":"😀"}', key, ...family, ...times, status: "pending" });
    await commit(store, epoch, { starts: [startOf(1), started] });
    const { run, ...rest } = store.record(2) ?? assert.fail("no record");
    assert.deepEqual({ ...rest }, { number: 2, ...family, deadlineAt: AT + 9, wakeAt: AT + 8 });
    const name = { workflow: { namespace: "n", name: "w", version: "1.2.3-a+b" }, contentHash: "abc", source: "f.ts#default" };
    assert.deepEqual(
      { ...run },
      {
        ...{ id: store.ids.of(2), ...name, key: "k", input: { a: "😀" }, startedAt: AT + 1, parent: store.ids.of(1) },
        ...{ continued: 0, progress: null, status: "pending" },
      },
    );
  },
  "a run carries what is true in its status": async (_bed, store, epoch) => {
    const updates = ENDINGS.map((ending, i) => updateOf(i + 1, ending));
    await commit(store, epoch, { starts: startsOf(5), updates });
    const told = [1, 2, 3, 4, 5].map((number) => {
      const run: Record<string, unknown> = { ...store.record(number)?.run };
      const facts = ["status", "wakeAt", "reason", "output", "problem", "endedAt"].filter((fact) => fact in run);
      return Object.fromEntries(facts.map((fact) => [fact, run[fact]]));
    });
    assert.deepEqual(told, [
      { status: "waiting", wakeAt: AT + 5 },
      { status: "paused", reason: "budget", problem: PROBLEM },
      { status: "completed", output: { a: [] }, endedAt: AT + 2 },
      { status: "failed", problem: PROBLEM, endedAt: AT + 3 },
      { status: "canceled", problem: PROBLEM, endedAt: AT + 4 },
    ]);
  },
  "an update says the whole standing; only progress stays where nothing is said of it": async (_bed, store, epoch) => {
    const progressText = '{"done":1,"of":2,"message":null}';
    await commit(store, epoch, {
      starts: [startOf(1, { wakeAt: AT })],
      updates: [updateOf(1, { progressText, wakeAt: AT + 1 })],
    });
    await commit(store, epoch, { updates: [updateOf(1, { status: "paused", reason: "operator" })] });
    assert.deepEqual(store.record(1)?.run.progress, { done: 1, of: 2, message: null });
    assert.deepEqual([store.record(1)?.wakeAt, store.due(AT * 2, 9, null)], [null, []]);
    await commit(store, epoch, { updates: [updateOf(1)] });
    assert.deepEqual([store.record(1)?.run.status, "reason" in (store.record(1)?.run ?? {})], ["running", false]);
  },
  "a stirred run that waits counts as running, and no other": async (_bed, store, epoch) => {
    const updates = [updateOf(2, { status: "paused", reason: "operator" }), completed(3)];
    await commit(store, epoch, { starts: startsOf(3, () => ({ status: "waiting", wakeAt: AT })), updates, stirs: [1, 2, 3] });
    assert.deepEqual(
      [1, 2, 3].map((number) => store.record(number)?.run.status),
      ["running", "paused", "completed"],
    );
    assert.equal(store.record(1)?.wakeAt, AT);
  },
  "ids are told from numbers and back; ids of elsewhere are nobody's": async (_bed, store) => {
    const numbers = [1, 31, 32, 1_048_575, 1_048_576, 2 ** 40];
    for (const number of numbers) assert.equal(store.ids.numberOf(store.ids.of(number)), number);
    assert.equal(new Set(numbers.map(store.ids.of)).size, numbers.length);
    for (const id of ["", "run_", "run_zzzz0001zzzz", `${store.ids.of(1)} `, store.ids.of(1).toUpperCase(), "1"])
      assert.equal(store.ids.numberOf(id as RunId), null, id);
  },
};

const pages: Readonly<Record<string, StoreAct>> = {
  "due runs come soonest first, and of one family where that is asked": async (_bed, store, epoch) => {
    const starts = [30, 10, 20].map((wakeAt, i) => startOf(i + 1, { wakeAt, root: i === 2 ? 1 : i + 1 }));
    await commit(store, epoch, { starts });
    const numbers = (untilMs: number, limit: number, root: number | null) =>
      store.due(untilMs, limit, root).map(({ number }) => number);
    assert.deepEqual(
      [numbers(25, 10, null), numbers(99, 2, null), numbers(99, 10, 1)],
      [
        [2, 3],
        [2, 3],
        [3, 1],
      ],
    );
    assert.deepEqual([numbers(9, 10, null), numbers(10, 10, null)], [[], [2]]);
  },
  "of thousands due at one moment or another, the soonest are given": async (_bed, store, epoch) => {
    const moment = (number: number): number => AT + ((number * 7_919) % 1_000);
    await commit(store, epoch, { starts: startsOf(MANY, (number) => ({ wakeAt: moment(number) })) });
    const wanted = upTo(MANY).map((number) => ({ number, wakeAt: moment(number) }));
    wanted.sort((a, b) => a.wakeAt - b.wakeAt);
    const found = store.due(AT + 999, limits.PAGE_SIZE, null);
    assert.deepEqual(
      found.map(({ wakeAt }) => wakeAt),
      wanted.slice(0, limits.PAGE_SIZE).map(({ wakeAt }) => wakeAt),
    );
    assert.ok(found.every(({ number, wakeAt }) => wakeAt === moment(number)));
    assert.equal(store.due(AT + 999, MANY + 1, null).length, MANY);
  },
  "unended runs are listed by status": async (_bed, store, epoch) => {
    const starts = startsOf(4, (number) => ({ status: number === 2 ? "waiting" : "running" }));
    await commit(store, epoch, { starts, updates: [completed(3)] });
    assert.deepEqual([store.unended(["running"], 0, 10), store.unended(["running"], 1, 10)], [[1, 4], [4]]);
    assert.deepEqual(store.unended(["running", "waiting"], 0, 2), [1, 2]);
    assert.deepEqual([store.unended([], 0, 9), store.unended(["completed"], 0, 9)], [[], []]);
  },
  "thousands of unended runs are read in pages, each once": async (_bed, store, epoch) => {
    const ended = upTo(MANY).filter((number) => number % 5 === 0);
    await commit(store, epoch, { starts: startsOf(MANY), updates: ended.map((number) => completed(number)) });
    const found = pagesOf<number>((after) => store.unended(["pending", "running"], after ?? 0, 100));
    assert.ok(found.slice(0, -1).every((page) => page.length === 100));
    assert.deepEqual(
      found.flat(),
      upTo(MANY).filter((number) => number % 5 !== 0),
    );
  },
  "children are found by their parent, and those that an ended parent left": async (_bed, store, epoch) => {
    const starts = [startOf(1), child(2, "cancel"), child(3, "keep"), child(4, "cancel"), child(5, "cancel", 2)];
    await commit(store, epoch, { starts, updates: [completed(4)] });
    assert.deepEqual(
      store.openChildren(1).map((found) => ({ ...found })),
      [
        { number: 2, close: "cancel" },
        { number: 3, close: "keep" },
      ],
    );
    assert.deepEqual(store.leftBehind(0, 10), []);
    await commit(store, epoch, { updates: [completed(1)] });
    assert.deepEqual([store.leftBehind(0, 10), store.leftBehind(2, 10)], [[2], []]);
    await commit(store, epoch, { updates: [completed(2)] });
    assert.deepEqual([store.leftBehind(0, 10), store.openChildren(1).length], [[5], 1]);
  },
  "thousands of children left behind are read in pages, each once": async (_bed, store, epoch) => {
    const children = upTo(MANY).map((i) => child(i + 1, i % 3 === 0 ? "keep" : "cancel"));
    await commit(store, epoch, { starts: [startOf(1), ...children], updates: [completed(1)] });
    const found = pagesOf<number>((after) => store.leftBehind(after ?? 0, limits.PAGE_SIZE));
    const wanted = children.filter(({ parent }) => parent?.close === "cancel").map(({ number }) => number);
    assert.deepEqual(found.flat(), wanted);
    assert.equal(store.openChildren(1).length, MANY);
  },
};

const lists: Readonly<Record<string, StoreAct>> = {
  "runs are listed newest first, and a cursor goes on where a page ended": async (_bed, store, epoch) => {
    await commit(store, epoch, { starts: startsOf(MANY) });
    const found: (number | null)[] = [];
    let page = store.runs({ limit: limits.PAGE_SIZE });
    for (
      ;
      page.nextCursor !== null && found.length <= MANY;
      page = store.runs({ limit: limits.PAGE_SIZE, cursor: page.nextCursor })
    )
      found.push(...page.runs.map(({ id }) => store.ids.numberOf(id)));
    found.push(...page.runs.map(({ id }) => store.ids.numberOf(id)));
    assert.deepEqual(found, upTo(MANY).reverse());
    assert.equal(store.runs({ limit: MANY }).nextCursor, null);
  },
  "a page is not disturbed by runs that start meanwhile": async (_bed, store, epoch) => {
    await commit(store, epoch, { starts: startsOf(5) });
    const first = store.runs({ limit: 2 });
    await commit(store, epoch, { starts: [startOf(6)] });
    assert.deepEqual(listed(store, { cursor: first.nextCursor ?? "", limit: 2 }), [3, 2]);
  },
  "a cursor that was not given out is refused": async (_bed, store) => {
    for (const cursor of ["", "5", "run_", "nonsense"])
      assert.equal(await codeOfRefusal(() => store.runs({ limit: 1, cursor })), "CURSOR_INVALID", cursor);
  },
  "runs are found by status, workflow, version and moment": async (_bed, store, epoch) => {
    const names = [{ name: "w" }, { name: "v" }, { namespace: "n" }, { version: "2.0.0" }, { contentHash: "h" }];
    const starts = names.map((more, i) => startOf(i + 1, { workflow: { ...WORKFLOW, ...more }, startedAt: AT + i }));
    await commit(store, epoch, { starts, updates: [completed(2), updateOf(3, { status: "waiting" })] });
    const rows: readonly (readonly [Partial<RunQuery>, readonly number[]])[] = [
      [{ statuses: ["completed"] }, [2]],
      [{ statuses: ["completed", "waiting"] }, [3, 2]],
      [{ workflow: "w" }, [5, 4, 3, 1]],
      [{ workflow: "default/w" }, [5, 4, 1]],
      [{ workflow: "w@2.0.0" }, [4]],
      [{ workflow: "n/w@1.0.0" }, [3]],
      [{ workflow: "W" }, []],
      [{ since: AT + 3 }, [5, 4]],
      [{ since: AT + 1, workflow: "w", statuses: ["running"], limit: 1 }, [5]],
    ];
    for (const [query, wanted] of rows) assert.deepEqual(listed(store, query), wanted, JSON.stringify(query));
  },
  "runs are counted by status, entries by kind": async (_bed, store, epoch) => {
    const entries = [entryOf(1, 1), entryOf(1, 2), entryOf(1, 3, { kind: "step-failed" }), entryOf(2, 4)];
    await commit(store, epoch, { starts: startsOf(4), entries, updates: [completed(1), updateOf(2, { status: "waiting" })] });
    const counts: readonly (readonly [RunStatus, number])[] = [
      ["completed", 1],
      ["running", 2],
      ["waiting", 1],
    ];
    assert.deepEqual([...store.statusCounts()].toSorted(), counts);
    assert.deepEqual([...store.entryCounts(1)].toSorted(), [
      ["step-completed", 2],
      ["step-failed", 1],
    ]);
    assert.equal(store.entryCounts(9).size, 0);
  },
};

export const readingChecks: Readonly<Record<string, StoreAct>> = { ...records, ...pages, ...lists };
