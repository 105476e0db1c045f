// What every store must pass: the promises S1–S6 of src/store/store.ts, and its readings.

import assert from "node:assert/strict";
import { entryKinds, limits } from "../run.ts";
import type { Store } from "../store.ts";
import {
  AT,
  type ConformanceCheck,
  codeOfRefusal,
  commit,
  completed,
  entryOf,
  type StoreAct,
  type StoreBed,
  seqsOf,
  signalOf,
  startOf,
  startsOf,
  updateOf,
  WORKFLOW,
} from "./store-bed.ts";
import { readingChecks } from "./store-readings.ts";
import { serviceChecks } from "./store-services.ts";
import { steeringChecks } from "./store-steering.ts";

type Checks = Readonly<Record<string, StoreAct>>;

/** More than any page holds. */
const MANY = 2 * limits.PAGE_SIZE + 7;

const durable: Checks = {
  "S1: what was committed is there when it is opened again": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)], entries: [entryOf(1, 1)], updates: [completed(1)] });
    store[Symbol.dispose]();
    using again = await bed.open();
    const run = again.record(1)?.run;
    assert.equal(run?.status === "completed" && run.output, "out");
    assert.deepEqual(again.journal(1, 0, 10), [
      { seq: 1, kind: "step-completed", key: "step 1", hash: 0, at: AT + 1, data: "1" },
    ]);
    assert.deepEqual({ ...again.tail() }, { run: 1, seq: 1 });
    assert.equal(again.ids.of(1), run?.id);
  },
  "S1: it needs no closing: another reader sees a commit as soon as it is told": async (bed, store, epoch) => {
    using other = await bed.open();
    await commit(store, epoch, { starts: [startOf(1)] });
    assert.equal(other.record(1)?.run.status, "running");
    await commit(store, epoch, { entries: [entryOf(1, 1)], updates: [completed(1)] });
    assert.deepEqual([other.record(1)?.run.status, seqsOf(other, 1)], ["completed", [1]]);
  },
  "S1: one who opens it again goes on where it ended": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: startsOf(3), entries: [entryOf(1, 41)] });
    store[Symbol.dispose]();
    using again = await bed.open();
    const newer = again.claim();
    const { run, seq } = again.tail();
    await commit(again, newer, { starts: [startOf(run + 1)], entries: [entryOf(1, seq + 1)] });
    assert.deepEqual([seqsOf(again, 1), again.record(4)?.number], [[41, 42], 4]);
  },
  "S1: numbers that were used are not given again, also when their entries have left": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)], entries: [entryOf(1, 1), entryOf(1, 2)] });
    await commit(store, epoch, { resets: [{ run: 1, inputText: "2", seed: 9, keepSeqs: [] }] });
    using again = await bed.open();
    assert.equal(again.tail().seq, 2);
  },
  "S1: nothing is there before the first commit": async (_bed, store) => {
    assert.deepEqual({ ...store.tail() }, { run: 0, seq: 0 });
    assert.equal(store.record(1), null);
    assert.deepEqual([store.journal(1, 0, 10), store.runs({ limit: 9 }).runs, store.hasSignal(1, "a")], [[], [], false]);
    assert.deepEqual([store.due(AT, 9, null), store.unended(["running"], 0, 9), store.openChildren(1)], [[], [], []]);
  },
};

/** Everything a reader can see of runs 1 and 2. */
function picture(store: Store): unknown {
  const runs = [1, 2].map((run) => [store.record(run), store.journal(run, 0, MANY), store.hasSignal(run, "a")]);
  return { runs, tail: { ...store.tail() }, due: store.due(AT * 2, 9, null), key: store.byKey(WORKFLOW, "k") };
}

const whole: Checks = {
  "S2: a commit that cannot be made whole leaves nothing": async (_bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)], entries: [signalOf(1, 1, "a")] });
    const before = picture(store);
    const refused = await codeOfRefusal(() =>
      commit(store, epoch, {
        starts: [startOf(2, { key: { key: "k", bodyHash: "h" }, wakeAt: AT })],
        resets: [{ run: 1, inputText: "5", seed: 1, keepSeqs: [1] }],
        entries: [entryOf(2, 2), signalOf(1, 3, "a")],
        updates: [completed(1)],
      }),
    );
    assert.notEqual(refused, "accepted");
    assert.deepEqual(picture(store), before);
  },
  "S2: thousands of entries go too, when the last of them is refused": async (_bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)], entries: [signalOf(1, 1, "a")] });
    const entries = [...Array.from({ length: MANY }, (_, i) => entryOf(1, i + 2)), signalOf(1, MANY + 2, "a")];
    assert.notEqual(await codeOfRefusal(() => commit(store, epoch, { entries })), "accepted");
    assert.deepEqual(seqsOf(store, 1), [1]);
  },
  "S2: who reads while it is made sees all of it or nothing": async (bed, store, epoch) => {
    using other = await bed.open();
    const starts = startsOf(2, (number) => (number === 1 ? { wakeAt: AT, key: { key: "k", bodyHash: "h" } } : {}));
    const before = picture(other);
    const making = commit(store, epoch, { starts, entries: [signalOf(1, 1, "a"), entryOf(2, 2)], updates: [completed(2)] });
    const during = picture(other);
    await making;
    const after = picture(other);
    assert.notDeepEqual(after, before);
    assert.deepEqual(during, JSON.stringify(during) === JSON.stringify(before) ? before : after);
  },
  "S2: its parts are applied in their order: starts, resets, entries, updates, stirs": async (_bed, store, epoch) => {
    const waiting = updateOf(1, { status: "waiting", wakeAt: AT });
    const resets = [{ run: 1, inputText: "5", seed: 9, keepSeqs: [] }];
    const starts = startsOf(2);
    await commit(store, epoch, { starts, resets, entries: [entryOf(1, 1)], updates: [waiting, completed(2)], stirs: [1, 2] });
    const [one, two] = [store.record(1)?.run, store.record(2)?.run];
    assert.deepEqual([one?.input, one?.continued, one?.status, two?.status], [5, 1, "running", "completed"]);
    assert.deepEqual(seqsOf(store, 1), [1]);
  },
};

const fenced: Checks = {
  "S3: an older epoch is refused, and nothing of its commit is written": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1, { status: "waiting" })], entries: [signalOf(1, 1, "b")] });
    using newer = await bed.open();
    assert.ok(newer.claim() > epoch);
    const before = picture(newer);
    for (const parts of [
      { entries: [entryOf(1, 2)] },
      { starts: [startOf(2)] },
      { updates: [completed(1)] },
      { stirs: [1] },
      { resets: [{ run: 1, inputText: "5", seed: 1, keepSeqs: [] }] },
    ])
      assert.equal(await codeOfRefusal(() => commit(store, epoch, parts)), "STORAGE_FENCED");
    assert.deepEqual(picture(newer), before);
  },
  "S3: the holder of the newest goes on": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)] });
    using newer = await bed.open();
    const next = newer.claim();
    await codeOfRefusal(() => commit(store, epoch, { entries: [entryOf(1, 1)] }));
    await commit(newer, next, { entries: [entryOf(1, 1, { data: '"newer"' })] });
    assert.deepEqual(
      newer.journal(1, 0, 9).map(({ data }) => data),
      ['"newer"'],
    );
  },
  "S3: epochs grow, also when it is opened again; claiming twice voids the first": async (bed, store, epoch) => {
    const second = store.claim();
    assert.equal(await codeOfRefusal(() => commit(store, epoch, { starts: [startOf(1)] })), "STORAGE_FENCED");
    await commit(store, second, { starts: [startOf(1)] });
    store[Symbol.dispose]();
    using again = await bed.open();
    assert.ok(again.claim() > second && second > epoch);
  },
  "S3: an epoch that nobody was given is refused": async (_bed, store, epoch) => {
    assert.equal(await codeOfRefusal(() => commit(store, epoch + 1, { starts: [startOf(1)] })), "STORAGE_FENCED");
    assert.equal(store.record(1), null);
  },
  "S3: reading needs no epoch, and opening takes none": async (bed, store, epoch) => {
    using reader = await bed.open();
    await commit(store, epoch, { starts: [startOf(1)] });
    assert.equal(reader.record(1)?.number, 1);
    reader.claim();
    assert.equal(store.record(1)?.number, 1);
  },
};

const ODD_TEXTS = [
  "",
  "null",
  '"\\ud83d\\ude00"',
  '"😀"',
  '"\\ud800"',
  '"a\\u0000b"',
  `"${"x".repeat(70_000)}"`,
  "-0",
  "[1,[2]]",
];
const ODD_KEYS = [null, "", "a / b", "a #2", "é ≠ é", "😀", "a\u0000b", "'; drop table journal; --", "x".repeat(5_000)];

const journals: Checks = {
  "S4: a journal reads back in order, exactly, a page at a time": async (_bed, store, epoch) => {
    const entries = ODD_TEXTS.map((data, i) =>
      entryOf(1, i + 1, { data, hash: i * 562_949_953_421_311, key: ODD_KEYS[i] ?? null }),
    );
    await commit(store, epoch, { starts: startsOf(2), entries: [...entries.slice(0, 3), entryOf(2, 100)] });
    await commit(store, epoch, { entries: entries.slice(3) });
    const wanted = entries.map(({ run: _run, ...rest }) => rest);
    assert.deepEqual(store.journal(1, 0, 100), wanted);
    assert.deepEqual(store.journal(1, 2, 3), wanted.slice(2, 5));
    assert.deepEqual(store.journal(1, wanted.length, 3), []);
  },
  "S4: a key that is no Unicode text is kept exactly or refused": async (_bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)] });
    if ((await codeOfRefusal(() => commit(store, epoch, { entries: [signalOf(1, 1, "\ud800")] }))) !== "accepted") return;
    assert.equal(store.journal(1, 0, 9)[0]?.key, "\ud800");
    assert.equal(store.hasSignal(1, "\ud801"), false);
  },
  "S4: every kind of entry reads back as it was, and is counted": async (_bed, store, epoch) => {
    const kinds = Object.keys(entryKinds) as (keyof typeof entryKinds)[];
    const entries = kinds.map((kind, i) => entryOf(1, i + 1, { kind }));
    await commit(store, epoch, { starts: [startOf(1)], entries });
    assert.deepEqual(
      store.journal(1, 0, 100).map(({ kind }) => kind),
      kinds,
    );
    assert.deepEqual(new Map(store.entryCounts(1)), new Map(kinds.map((kind) => [kind, 1])));
  },
  "S4: thousands of entries in one commit": async (_bed, store, epoch) => {
    const entries = Array.from({ length: MANY }, (_, i) => entryOf(1, i + 1));
    await commit(store, epoch, { starts: [startOf(1)], entries });
    const read = [0, limits.PAGE_SIZE, 2 * limits.PAGE_SIZE].flatMap((after) => store.journal(1, after, limits.PAGE_SIZE));
    assert.deepEqual(
      read.map(({ seq }) => seq),
      entries.map(({ seq }) => seq),
    );
    assert.equal(store.entryCounts(1).get("step-completed"), MANY);
  },
  "S4: journals that grow side by side are kept apart, gaps in seq and all": async (_bed, store, epoch) => {
    await commit(store, epoch, { starts: startsOf(3) });
    for (let seq = 1; seq < 90; seq += 6)
      await commit(store, epoch, { entries: [entryOf(3, seq), entryOf(1, seq + 1), entryOf(3, seq + 5)] });
    const every6 = Array.from({ length: 15 }, (_, i) => 6 * i + 1);
    assert.deepEqual(
      seqsOf(store, 3),
      every6.flatMap((seq) => [seq, seq + 5]),
    );
    assert.deepEqual([seqsOf(store, 1), seqsOf(store, 2)], [every6.map((seq) => seq + 1), []]);
  },
};

const once: Checks = {
  "S5: a run that has ended does not change": async (_bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1, { wakeAt: AT })], entries: [entryOf(1, 1)], updates: [completed(1)] });
    await commit(store, epoch, { updates: [updateOf(1, { status: "waiting", wakeAt: AT, progressText: "1" })], stirs: [1] });
    await commit(store, epoch, { updates: [completed(1, '"other"')] });
    await commit(store, epoch, { resets: [{ run: 1, inputText: "5", seed: 1, keepSeqs: [] }] });
    const run = store.record(1)?.run;
    assert.equal(run?.status === "completed" && run.output, "out");
    assert.deepEqual([run?.input, run?.continued, run?.progress, seqsOf(store, 1)], [null, 0, null, [1]]);
    assert.deepEqual(store.due(Number.MAX_SAFE_INTEGER, 10, null), []);
  },
  "S5: a signal is received once per id and run": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: startsOf(2), entries: [signalOf(1, 1, "a"), signalOf(2, 2, "a"), entryOf(1, 3)] });
    for (const entries of [[signalOf(1, 4, "a")], [signalOf(1, 4, "b"), signalOf(1, 5, "b")]])
      assert.notEqual(await codeOfRefusal(() => commit(store, epoch, { entries })), "accepted");
    using again = await bed.open();
    assert.deepEqual([seqsOf(again, 1), seqsOf(again, 2)], [[1, 3], [2]]);
    assert.deepEqual(
      ["a", "b", "step 3"].map((id) => again.hasSignal(1, id)),
      [true, false, false],
    );
  },
  "S5: a signal id is known, also when its entry left with an older journal": async (bed, store, epoch) => {
    const reset = { run: 1, inputText: "2", seed: 9 };
    await commit(store, epoch, { starts: startsOf(2), entries: [signalOf(1, 1, "a"), signalOf(1, 2, "b"), entryOf(2, 3)] });
    await commit(store, epoch, { resets: [{ ...reset, keepSeqs: [2] }], entries: [signalOf(1, 4, "c")] });
    await commit(store, epoch, { resets: [{ ...reset, keepSeqs: [4] }] });
    using again = await bed.open();
    assert.deepEqual(
      ["a", "b", "c", "d"].map((id) => again.hasSignal(1, id)),
      [true, true, true, false],
    );
    assert.equal(again.hasSignal(2, "a"), false);
    assert.deepEqual([seqsOf(again, 1), seqsOf(again, 2)], [[4], [3]]);
  },
  "S5: a journal begun anew has a new input and seed, keeps what it is told to and the run's own": async (_bed, store, epoch) => {
    const key = { key: "k", bodyHash: "h" };
    const entries = [entryOf(1, 1), signalOf(1, 2, "a"), entryOf(1, 3), signalOf(1, 4, "b")];
    await commit(store, epoch, { starts: [startOf(1, { key, deadlineAt: AT + 9, wakeAt: AT + 9 })], entries });
    await commit(store, epoch, {
      resets: [{ run: 1, inputText: "[2]", seed: 9, keepSeqs: [4] }],
      entries: [entryOf(1, 5, { kind: "continued", key: null })],
    });
    const record = store.record(1);
    assert.deepEqual(seqsOf(store, 1), [4, 5]);
    assert.deepEqual([record?.run.input, record?.seed, record?.run.continued], [[2], 9, 1]);
    assert.deepEqual([record?.run.key, record?.deadlineAt, record?.wakeAt, record?.run.startedAt], ["k", AT + 9, AT + 9, AT]);
  },
  "S5: a start key names one run": async (_bed, store, epoch) => {
    const key = { key: "k", bodyHash: "h" };
    await commit(store, epoch, { starts: [startOf(1, { key })] });
    assert.notEqual(await codeOfRefusal(() => commit(store, epoch, { starts: [startOf(2, { key })] })), "accepted");
    assert.deepEqual({ ...store.byKey(WORKFLOW, "k") }, { number: 1, bodyHash: "h" });
    assert.equal(store.record(2), null);
    assert.equal(store.record(1)?.run.key, "k");
  },
  "S5: a key belongs to a namespace and a name, in every version, also when its run has ended": async (bed, store, epoch) => {
    const key = { key: "k", bodyHash: "h" };
    const others = [
      { ...WORKFLOW, name: "v" },
      { ...WORKFLOW, namespace: "other" },
    ];
    const starts = [startOf(1, { key }), ...others.map((workflow, i) => startOf(i + 2, { key, workflow }))];
    await commit(store, epoch, { starts, updates: [completed(1)] });
    const next = startOf(4, { key, workflow: { ...WORKFLOW, version: "2.0.0" } });
    assert.notEqual(await codeOfRefusal(() => commit(store, epoch, { starts: [next] })), "accepted");
    using again = await bed.open();
    assert.deepEqual(
      [WORKFLOW, ...others].map((workflow) => again.byKey(workflow, "k")?.number),
      [1, 2, 3],
    );
    assert.equal(again.byKey(WORKFLOW, "K"), null);
  },
};

const failing: Checks = {
  "S6: after a refused commit it still reads, and opening again tells the truth": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)] });
    assert.notEqual(await codeOfRefusal(() => commit(store, epoch, { starts: [startOf(1), startOf(2)] })), "accepted");
    assert.deepEqual([store.record(1)?.number, store.record(2)], [1, null]);
    store[Symbol.dispose]();
    using again = await bed.open();
    assert.deepEqual([again.record(1)?.number, again.record(2), { ...again.tail() }], [1, null, { run: 1, seq: 0 }]);
  },
  "S6: one who opens it after a refused commit writes on": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)], entries: [signalOf(1, 1, "a")] });
    await codeOfRefusal(() => commit(store, epoch, { entries: [entryOf(1, 2), signalOf(1, 3, "a")] }));
    using again = await bed.open();
    await commit(again, again.claim(), { entries: [entryOf(1, 2)], updates: [completed(1)] });
    assert.deepEqual([seqsOf(again, 1), again.record(1)?.run.status], [[1, 2], "completed"]);
  },
  "S6: a commit after a refused one knows its workflows": async (_bed, store, epoch) => {
    const [first, second] = ["first", "second"].map((name) => ({ ...WORKFLOW, name }));
    await commit(store, epoch, { starts: [startOf(1)], entries: [signalOf(1, 1, "a")] });
    const refused = { starts: [startOf(2, { workflow: first ?? WORKFLOW })], entries: [signalOf(1, 2, "a")] };
    await codeOfRefusal(() => commit(store, epoch, refused));
    await commit(store, epoch, { starts: [startOf(2, { workflow: second ?? WORKFLOW })] });
    await commit(store, epoch, { starts: [startOf(3, { workflow: first ?? WORKFLOW })] });
    assert.deepEqual(
      [2, 3].map((number) => store.record(number)?.run.workflow.name),
      ["second", "first"],
    );
  },
};

const CHECKS: Checks = {
  ...durable,
  ...whole,
  ...fenced,
  ...journals,
  ...once,
  ...failing,
  ...readingChecks,
  ...steeringChecks,
  ...serviceChecks,
};

/** The suite for a store. `newBed` gives a place without data. */
export function storeConformance(newBed: () => StoreBed): readonly ConformanceCheck[] {
  return Object.entries(CHECKS).map(([name, act]) => ({
    name,
    async run() {
      using bed = newBed();
      using store = await bed.open();
      await act(bed, store, store.claim());
    },
  }));
}
