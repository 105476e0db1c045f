// What every store must pass of steering: parts done again, runs deleted, and what is kept beside journals.

import assert from "node:assert/strict";
import { limits } from "../run.ts";
import type { Change, Expiry, Store } from "../store.ts";
import {
  AT,
  commit,
  completed,
  entryOf,
  type StoreAct,
  seqsOf,
  signalOf,
  startOf,
  startsOf,
  updateOf,
  WORKFLOW,
} from "./store-bed.ts";

type Checks = Readonly<Record<string, StoreAct>>;

/** Lets nothing go beside what a check says. */
const NOTHING_ELSE = { readingsBefore: 0, rollupsBefore: 0, fineRollupsBefore: 0, lastAnswerCountMax: 10 };

/** More than a row holds. */
const LARGE = JSON.stringify("é".repeat(100_000));

const event = (seq: number, more: Partial<Extract<Change, { kind: "event" }>> = {}): Change => ({
  ...{ kind: "event", seq, source: "/s", id: `e${seq}`, type: "t", at: AT + seq, text: `{"n":${seq}}` },
  ...more,
});

const item = (run: number, id: string, stream = "said"): Change => ({
  ...{ kind: "stream-item", run, stream, id, at: AT, text: JSON.stringify(id) },
});

const line = (run: number, priority = 5, askedAt = AT + run): Change => ({
  ...{ kind: "line", run, gate: "g", limitText: '{"concurrency":1}', priority, askedAt },
});

const again: Checks = {
  "S5: a rewind takes out what it names, and lets an ended run go on": async (bed, store, epoch) => {
    const entries = [1, 2, 3].map((seq) => entryOf(1, seq));
    await commit(store, epoch, { starts: [startOf(1)], entries, updates: [completed(1)] });
    await commit(store, epoch, { rewinds: [{ run: 1, dropSeqs: [2], deadlineAt: AT + 99 }], entries: [entryOf(1, 4)] });
    using opened = await bed.open();
    const record = opened.record(1);
    assert.deepEqual(seqsOf(opened, 1), [1, 3, 4]);
    assert.deepEqual([record?.run.status, record?.deadlineAt, record && "output" in record.run], ["running", AT + 99, false]);
  },
  "S5: a question is open again when its answer was taken out, and no more when it was asked for nothing": async (
    _bed,
    store,
    epoch,
  ) => {
    const asked = { kind: "asked", key: "q", data: '{"name":"q"}' } as const;
    const answered = { kind: "answered", key: "q", data: '{"by":"person","who":null,"value":1}' } as const;
    await commit(store, epoch, { starts: [startOf(1)], entries: [entryOf(1, 1, asked)] });
    assert.deepEqual(
      store.questions(0, 10).map(({ entry }) => entry.seq),
      [1],
    );
    await commit(store, epoch, { entries: [entryOf(1, 2, answered)] });
    assert.deepEqual(store.questions(0, 10), []);
    await commit(store, epoch, { rewinds: [{ run: 1, dropSeqs: [2], deadlineAt: null }] });
    assert.deepEqual(
      store.questions(0, 10).map(({ entry }) => entry.seq),
      [1],
    );
    await commit(store, epoch, { rewinds: [{ run: 1, dropSeqs: [1], deadlineAt: null }] });
    assert.deepEqual(store.questions(0, 10), []);
  },
  "S5: of a deleted run nothing is kept, and neither its number nor its seqs are given again": async (bed, store, epoch) => {
    const key = { key: "k", bodyHash: "h" };
    const changes = [item(2, "a"), line(2)];
    await commit(store, epoch, {
      starts: [startOf(1), startOf(2, { key })],
      entries: [entryOf(2, 5), signalOf(2, 6, "s")],
      changes,
    });
    await commit(store, epoch, { deletes: [2] });
    using opened = await bed.open();
    assert.deepEqual([opened.record(2), opened.byKey(WORKFLOW, "k"), opened.hasSignal(2, "s")], [null, null, false]);
    assert.deepEqual([seqsOf(opened, 2), opened.stream(2, null, 0, 9), opened.line(2)], [[], [], null]);
    assert.deepEqual({ ...opened.tail() }, { run: 2, seq: 6 });
  },
};

const beside: Checks = {
  "S1: events are kept once per source and id, in order, and read by type": async (bed, store, epoch) => {
    await commit(store, epoch, { changes: [event(1), event(2, { type: "u" })] });
    await commit(store, epoch, { changes: [event(3, { id: "e1" }), event(4, { id: "e1", source: "/other" })] });
    using opened = await bed.open();
    assert.deepEqual(
      opened.events(0, null, 10).map(({ seq }) => seq),
      [1, 2, 4],
    );
    assert.deepEqual(
      opened.events(1, "t", 10).map(({ seq, text }) => [seq, text]),
      [[4, '{"n":4}']],
    );
    assert.deepEqual([opened.hasEvent("/s", "e1"), opened.hasEvent("/s", "e4")], [true, false]);
    assert.equal(opened.tail().seq, 4);
  },
  "who listens is found by type, and by what came since; who has ended is not": async (_bed, store, epoch) => {
    const listener = (run: number, type: string | null, afterSeq: number): Change => ({
      kind: "listener",
      run,
      key: "l",
      type,
      afterSeq,
    });
    const changes = [listener(1, "t", 0), listener(2, "u", 0), listener(3, null, 9), listener(4, "t", 0)];
    await commit(store, epoch, { starts: startsOf(4), changes, updates: [completed(4)] });
    assert.deepEqual(
      [store.listening("t", 0, 10), store.listening("u", 0, 10), store.listening("t", 1, 10)],
      [[1, 3], [2, 3], [3]],
    );
    await commit(store, epoch, { changes: [event(5)] });
    assert.deepEqual(store.listening(null, 0, 10), [1]);
    await commit(store, epoch, { changes: [{ kind: "listener-gone", run: 1, key: "l" }] });
    assert.deepEqual(store.listening(null, 0, 10), []);
  },
  "an item of a stream is kept once, in order, and read from any place": async (_bed, store, epoch) => {
    await commit(store, epoch, {
      starts: startsOf(2),
      changes: [item(1, "a"), item(1, "b", "other"), item(2, "a"), item(1, "c")],
    });
    await commit(store, epoch, { changes: [item(1, "a"), item(1, "d")] });
    const said = store.stream(1, "said", 0, 10);
    assert.deepEqual(
      said.map(({ text }) => text),
      ['"a"', '"c"', '"d"'],
    );
    assert.deepEqual(
      store.stream(1, "said", said[0]?.seq ?? 0, 1).map(({ text }) => text),
      ['"c"'],
    );
    assert.equal(store.stream(1, null, 0, 10).length, 4);
  },
  "schedules and retentions are kept under their names": async (bed, store, epoch) => {
    const schedule = (name: string, stateText: string): Change => ({ kind: "schedule", name, definitionText: "{}", stateText });
    await commit(store, epoch, { changes: [schedule("a", "1"), schedule("b", "1"), schedule("a", "2")] });
    await commit(store, epoch, {
      changes: [
        { kind: "schedule-gone", name: "b" },
        { kind: "retention", workflow: "w", policyText: "null" },
      ],
    });
    using opened = await bed.open();
    assert.deepEqual(
      opened.schedules().map((one) => ({ ...one })),
      [{ definitionText: "{}", stateText: "2" }],
    );
    assert.deepEqual(
      opened.retentions().map((one) => ({ ...one })),
      [{ workflow: "w", policyText: "null" }],
    );
  },
  "a place in line is told with how many hold and how many go before, until it was let through": async (_bed, store, epoch) => {
    const starts = startsOf(4, () => ({ status: "pending" }));
    await commit(store, epoch, { starts, changes: [line(1), line(2), line(3, 1), line(4), { kind: "line-passed", run: 1 }] });
    const { held, before } = store.queue(4) ?? assert.fail("it stands nowhere");
    assert.deepEqual([held, before, store.queue(1), store.queue(3)?.before], [1, 2, null, 0]);
    assert.deepEqual(
      store.lines(1, 2).map(({ run, isPassed }) => [run, isPassed]),
      [
        [2, false],
        [3, false],
      ],
    );
    await commit(store, epoch, {
      changes: [
        { kind: "line-gone", run: 1 },
        { kind: "pass", gate: "g", at: AT },
      ],
    });
    assert.deepEqual([store.line(1), store.passes(0, 9).map(({ gate, at }) => [gate, at])], [null, [["g", AT]]]);
  },
  "S2: what is kept beside journals comes and goes with its commit": async (bed, store, epoch) => {
    await commit(store, epoch, { starts: [startOf(1)] });
    await commit(store, epoch, { starts: [startOf(1)], changes: [event(1), item(1, "a")] }).catch(() => undefined);
    using opened = await bed.open();
    assert.deepEqual([opened.events(0, null, 9), opened.stream(1, null, 0, 9)], [[], []]);
  },
  "a run is given other code": async (_bed, store, epoch) => {
    const workflow = { ...WORKFLOW, version: "2.0.0", contentHash: "new" };
    await commit(store, epoch, { starts: [startOf(1)], changes: [{ kind: "run-code", run: 1, workflow }] });
    const { run } = store.record(1) ?? assert.fail("no record");
    assert.deepEqual([run.workflow.version, run.contentHash], ["2.0.0", "new"]);
  },
};

const POLICY: Expiry = { endedBefore: AT + 100, countMax: 1_000, workflow: null, except: [] };

function expired(store: Store, policy: Partial<Expiry>): readonly number[] {
  return store.expired({ ...POLICY, ...policy }, limits.PAGE_SIZE);
}

const small: Checks = {
  "S4: what is large comes back exactly, wherever it stands": async (bed, store, epoch) => {
    const updates = [updateOf(1, { status: "completed", endedAt: AT, outputText: LARGE })];
    await commit(store, epoch, {
      starts: [startOf(1, { inputText: LARGE })],
      entries: [entryOf(1, 1, { data: LARGE })],
      updates,
    });
    using opened = await bed.open();
    const { run } = opened.record(1) ?? assert.fail("no record");
    const found = [
      JSON.stringify(run.input),
      run.status === "completed" && JSON.stringify(run.output),
      opened.journal(1, 0, 9)[0]?.data,
    ];
    assert.ok(found.every((text) => text === LARGE));
    assert.equal(opened.sweepPayloads(), 0);
  },
  "what may go is old or one too many, has ended, and is below nothing that stays": async (_bed, store, epoch) => {
    const child = startOf(4, { root: 3, depth: 1, parent: { number: 3, key: "c", close: "keep" } });
    const starts = [startOf(1), startOf(2), startOf(3), child, startOf(5, { workflow: { ...WORKFLOW, name: "other" } })];
    const ended = [1, 2, 4, 5].map((run) => updateOf(run, { status: "completed", endedAt: AT + run, outputText: "1" }));
    await commit(store, epoch, { starts, updates: ended });
    assert.deepEqual(expired(store, {}), [1, 2, 5]);
    assert.deepEqual(expired(store, { endedBefore: AT + 2 }), [1]);
    assert.deepEqual(expired(store, { endedBefore: 0, countMax: 1 }), [1]);
    assert.deepEqual(expired(store, { workflow: "default/other" }), [5]);
    assert.deepEqual(expired(store, { except: ["default/w"] }), [5]);
    await commit(store, epoch, { deletes: [3] });
    assert.deepEqual(expired(store, { endedBefore: AT + 5 }), [1, 2, 4]);
  },
  "tidying lets old events and passes go, and gives no number twice": async (bed, store, epoch) => {
    const changes = [event(7), event(8), event(9, { at: AT + 5_000 }), { kind: "pass", gate: "g", at: AT } as const];
    await commit(store, epoch, { changes });
    store.tidy({ eventsBefore: AT + 1_000, eventCountMax: 10, passesBefore: AT + 1, ...NOTHING_ELSE });
    assert.deepEqual([store.events(0, null, 9).map(({ seq }) => seq), store.passes(0, 9)], [[9], []]);
    store.tidy({ eventsBefore: AT + 9_000, eventCountMax: 10, passesBefore: AT + 1, ...NOTHING_ELSE });
    using opened = await bed.open();
    assert.deepEqual([opened.events(0, null, 9), opened.tail().seq], [[], 9]);
  },
};

export const steeringChecks: Checks = { ...again, ...beside, ...small };
