// What every store must pass: the promises S1–S6 of src/store/store.ts, one check or more for each.

import assert from "node:assert/strict";
import { isProblemError } from "../base/problem.ts";
import { limits } from "../run.ts";
import type { CodeIdentity, Commit, NewEntry, RunStart, RunUpdate, Store } from "../store.ts";

/** A promise put to the test. Throws when it is broken. */
export interface ConformanceCheck {
  /** Begins with the number of the promise: `S3: …`. */
  readonly name: string;
  run(): Promise<void>;
}

/** One store's data. Opened again, it is what another process would find. */
export interface StoreBed extends Disposable {
  open(): Store;
}

const WORKFLOW: CodeIdentity = { namespace: "default", name: "w", version: "1.0.0", contentHash: null, source: null };
const AT = Date.UTC(2026, 0, 1);

function startOf(number: number, more: Partial<RunStart> = {}): RunStart {
  const none = { key: null, deadlineAt: null, wakeAt: null, parent: null } as const;
  return {
    number,
    workflow: WORKFLOW,
    status: "running",
    inputText: "null",
    seed: 7,
    startedAt: AT,
    root: number,
    depth: 0,
    ...none,
    ...more,
  };
}

function entryOf(run: number, seq: number, more: Partial<NewEntry> = {}): NewEntry {
  return { run, seq, kind: "step-completed", key: `step ${seq}`, hash: 0, at: AT + seq, data: String(seq), ...more };
}

function signalOf(run: number, seq: number, id: string): NewEntry {
  return entryOf(run, seq, { kind: "signal-received", key: id, data: '{"name":"go","value":1}' });
}

function updateOf(run: number, more: Partial<RunUpdate> = {}): RunUpdate {
  const none = { reason: null, wakeAt: null, endedAt: null, outputText: null, problemText: null, progressText: null } as const;
  return { run, status: "running", ...none, ...more };
}

const completed = (run: number, outputText = '"out"'): RunUpdate =>
  updateOf(run, { status: "completed", endedAt: AT + 1, outputText });

async function commit(store: Store, epoch: number, parts: Partial<Commit>): Promise<void> {
  await store.commit({ epoch, starts: [], rewinds: [], resets: [], entries: [], updates: [], stirs: [], deletes: [], ...parts });
}

async function codeOfRefusal(act: () => Promise<void>): Promise<string> {
  try {
    await act();
  } catch (error) {
    return isProblemError(error) ? error.code : String(error);
  }
  return "accepted";
}

type Act = (bed: StoreBed, store: Store, epoch: number) => Promise<void>;

const CHECKS: Readonly<Record<string, Act>> = {
  "S1: what was committed is there when it is opened again": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)], entries: [entryOf(1, 1)], updates: [completed(1)] });
    store[Symbol.dispose]();
    using again = bed.open();
    const run = again.record(1)?.run;
    assert.equal(run?.status === "completed" && run.output, "out");
    assert.deepEqual(again.journal(1, 0, 10), [
      { seq: 1, kind: "step-completed", key: "step 1", hash: 0, at: AT + 1, data: "1" },
    ]);
    assert.deepEqual({ ...again.tail() }, { run: 1, seq: 1 });
  },
  "S1: another reader sees a commit as soon as it is told": async (bed, store, epoch) => {
    using other = bed.open();
    await commit(store, epoch, { starts: [startOf(1)] });
    assert.equal(other.record(1)?.run.status, "running");
  },
  "S2: a commit that cannot be made whole leaves nothing": async (_bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)], entries: [signalOf(1, 1, "a")] });
    const refused = await codeOfRefusal(() =>
      commit(store, epoch, { starts: [startOf(2)], entries: [entryOf(2, 2), signalOf(1, 3, "a")], updates: [completed(1)] }),
    );
    assert.notEqual(refused, "accepted");
    assert.equal(store.record(2), null);
    assert.equal(store.record(1)?.run.status, "running");
    assert.deepEqual(store.journal(2, 0, 10), []);
  },
  "S3: an older epoch is refused and writes nothing": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)] });
    using newer = bed.open();
    assert.ok(newer.claim() > epoch);
    assert.equal(await codeOfRefusal(() => commit(store, epoch, { entries: [entryOf(1, 1)] })), "STORAGE_FENCED");
    assert.deepEqual(newer.journal(1, 0, 10), []);
  },
  "S3: reading needs no epoch": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)] });
    using newer = bed.open();
    newer.claim();
    assert.equal(store.record(1)?.number, 1);
  },
  "S4: a journal reads back in order, exactly, a page at a time": async (_bed, store, epoch) => {
    const datas = ["", "null", '"\\ud83d\\ude00"', '"😀"', '"a\\u0000b"', `"${"x".repeat(70_000)}"`, "-0", "[1,[2,[3]]]"];
    const entries = datas.map((data, i) =>
      entryOf(1, i + 1, { data, hash: i * 1_000_003, key: i % 2 === 0 ? null : `k / ${i}` }),
    );
    await commit(store, epoch, { starts: [startOf(1), startOf(2)], entries: [...entries.slice(0, 3), entryOf(2, 100)] });
    await commit(store, epoch, { entries: entries.slice(3) });
    const wanted = entries.map(({ run: _run, ...rest }) => rest);
    assert.deepEqual(store.journal(1, 0, 100), wanted);
    assert.deepEqual(store.journal(1, 2, 3), wanted.slice(2, 5));
  },
  "S4: thousands of entries in one commit": async (_bed, store, epoch) => {
    const count = 2 * limits.PAGE_SIZE + 7;
    const entries = Array.from({ length: count }, (_, i) => entryOf(1, i + 1));
    await commit(store, epoch, { starts: [startOf(1)], entries });
    const read = [0, limits.PAGE_SIZE, 2 * limits.PAGE_SIZE].flatMap((after) => store.journal(1, after, limits.PAGE_SIZE));
    assert.deepEqual(
      read.map(({ seq }) => seq),
      entries.map(({ seq }) => seq),
    );
    assert.equal(store.entryCounts(1).get("step-completed"), count);
  },
  "S5: a run that has ended does not change": async (_bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)], updates: [completed(1)] });
    await commit(store, epoch, { updates: [updateOf(1, { status: "waiting", wakeAt: AT })], stirs: [1] });
    await commit(store, epoch, { updates: [completed(1, '"other"')] });
    await commit(store, epoch, { resets: [{ run: 1, inputText: "5", seed: 1, keepSeqs: [] }] });
    const run = store.record(1)?.run;
    assert.equal(run?.status === "completed" && run.output, "out");
    assert.equal(run?.input, null);
    assert.deepEqual(store.due(Number.MAX_SAFE_INTEGER, 10, null), []);
  },
  "S5: a signal id is known, also when its entry left with an older journal": async (_bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)], entries: [signalOf(1, 1, "a"), signalOf(1, 2, "b")] });
    await commit(store, epoch, { resets: [{ run: 1, inputText: "2", seed: 9, keepSeqs: [2] }] });
    assert.deepEqual(
      ["a", "b", "c"].map((id) => store.hasSignal(1, id)),
      [true, true, false],
    );
    assert.deepEqual(
      store.journal(1, 0, 10).map(({ seq }) => seq),
      [2],
    );
    assert.equal(store.record(1)?.run.continued, 1);
    assert.equal(store.record(1)?.seed, 9);
  },
  "S5: a start key names one run": async (_bed, store, epoch) => {
    const key = { key: "k", bodyHash: "h" };
    await commit(store, epoch, { starts: [startOf(1, { key })] });
    assert.notEqual(await codeOfRefusal(() => commit(store, epoch, { starts: [startOf(2, { key })] })), "accepted");
    assert.deepEqual({ ...store.byKey(WORKFLOW, "k") }, { number: 1, bodyHash: "h" });
    assert.equal(store.byKey({ namespace: "other", name: "w" }, "k"), null);
    assert.equal(store.record(2), null);
  },
  "S6: after a refused commit it still reads, and opening again tells the truth": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)] });
    await codeOfRefusal(() => commit(store, epoch, { starts: [startOf(1)] }));
    assert.equal(store.record(1)?.number, 1);
    using again = bed.open();
    assert.equal(again.record(1)?.number, 1);
  },
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
  },
  "unended runs are listed by status, a page at a time": async (_bed, store, epoch) => {
    const starts = [1, 2, 3, 4].map((number) => startOf(number, { status: number === 2 ? "waiting" : "running" }));
    await commit(store, epoch, { starts, updates: [completed(3)] });
    assert.deepEqual([store.unended(["running"], 0, 10), store.unended(["running"], 1, 10)], [[1, 4], [4]]);
    assert.deepEqual(store.unended(["running", "waiting"], 0, 2), [1, 2]);
  },
  "a stirred run that waits counts as running": async (_bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1, { status: "waiting" })], stirs: [1] });
    assert.equal(store.record(1)?.run.status, "running");
  },
  "children are found by their parent, and those that an ended parent left": async (_bed, store, epoch) => {
    const child = (number: number, close: "cancel" | "keep") =>
      startOf(number, { root: 1, depth: 1, parent: { number: 1, key: `c${number}`, close } });
    await commit(store, epoch, {
      starts: [startOf(1), child(2, "cancel"), child(3, "keep"), child(4, "cancel")],
      updates: [completed(4)],
    });
    assert.deepEqual(
      store.openChildren(1).map((found) => ({ ...found })),
      [
        { number: 2, close: "cancel" },
        { number: 3, close: "keep" },
      ],
    );
    assert.deepEqual(store.leftBehind(0, 10), []);
    await commit(store, epoch, { updates: [completed(1)] });
    assert.deepEqual(store.leftBehind(0, 10), [2]);
  },
  "runs are listed newest first, and a cursor goes on where a page ended": async (_bed, store, epoch) => {
    const starts = Array.from({ length: 5 }, (_, i) => startOf(i + 1));
    await commit(store, epoch, { starts, updates: [completed(2)] });
    const first = store.runs({ limit: 3 });
    assert.ok(first.nextCursor !== null);
    const second = store.runs({ limit: 3, cursor: first.nextCursor });
    assert.deepEqual(
      [...first.runs, ...second.runs].map(({ id }) => store.ids.numberOf(id)),
      [5, 4, 3, 2, 1],
    );
    assert.equal(store.runs({ limit: 9, statuses: ["completed"] }).runs.length, 1);
    assert.equal(store.statusCounts().get("running"), 4);
  },
  "ids are told from numbers and back; ids of elsewhere are nobody's": async (_bed, store) => {
    for (const number of [1, 31, 32, 1_048_576, 2 ** 40]) assert.equal(store.ids.numberOf(store.ids.of(number)), number);
    assert.equal(store.ids.numberOf("run_zzzz0001zzzz" as never), null);
  },
};

/** The suite for a store. `newBed` gives a place without data. */
export function storeConformance(newBed: () => StoreBed): readonly ConformanceCheck[] {
  return Object.entries(CHECKS).map(([name, act]) => ({
    name,
    async run() {
      using bed = newBed();
      using store = bed.open();
      await act(bed, store, store.claim());
    },
  }));
}
