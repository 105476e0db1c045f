// What every store must pass of services: definitions, readings and what they amount to, ratings, last answers, files and
// the audit.

import assert from "node:assert/strict";
import type { Change } from "../store.ts";
import { AT, commit, type StoreAct, startOf } from "./store-bed.ts";

type Checks = Readonly<Record<string, StoreAct>>;

const reading = (id: string, more: Partial<Extract<Change, { kind: "reading" }>> = {}): Change => ({
  ...{ kind: "reading", id, at: AT, what: "call", service: "s", operation: "o", text: '{"ok":true}' },
  ...more,
});

const rollup = (fromAt: number, spanMs: number, figuresText = "{}"): Change => ({
  ...{ kind: "rollup", service: "s", operation: "o", spanMs, fromAt, figuresText },
});

const HOUR = 3_600_000;

/** What is let go of nothing else. */
const KEEP_ALL = { eventsBefore: 0, eventCountMax: 10, passesBefore: 0 };

export const serviceChecks: Checks = {
  "S1: a service is kept by its name, changed by another definition, and gone when it is taken out": async (
    bed,
    store,
    epoch,
  ) => {
    const kept = (text: string): Change => ({ kind: "service", id: "s", definitionText: text, source: "f", at: AT });
    await commit(store, epoch, { changes: [kept("1"), { kind: "service-state", id: "s", stateText: '{"health":1}' }] });
    await commit(store, epoch, { changes: [{ ...kept("2"), at: AT + 5 } as Change, { ...kept("3"), id: "t" } as Change] });
    await commit(store, epoch, { changes: [{ kind: "service-gone", id: "t" }] });
    using opened = await bed.open();
    assert.deepEqual(
      opened.services().map((one) => ({ ...one })),
      [{ id: "s", definitionText: "2", source: "f", addedAt: AT, stateText: '{"health":1}' }],
    );
  },
  "S5: a reading of one name is there once; a run's are found by its id and no other's": async (bed, store, epoch) => {
    const changes = [reading("run_a0001.0/x"), reading("run_a0001.0/x"), reading("run_a0001.0/x@2"), reading("run_a00010.0/x")];
    await commit(store, epoch, { changes });
    await commit(store, epoch, { changes: [reading("run_a0001.0/x", { text: "other" })] });
    using opened = await bed.open();
    assert.deepEqual(
      opened.readings(0, 10).map(({ id }) => id),
      ["run_a0001.0/x", "run_a0001.0/x@2", "run_a00010.0/x"],
    );
    assert.deepEqual(
      opened.readingsOf("run_a0001" as never).map(({ id, text }) => [id, text]),
      [
        ["run_a0001.0/x", '{"ok":true}'],
        ["run_a0001.0/x@2", '{"ok":true}'],
      ],
    );
    assert.equal(opened.reading("run_a00010.0/x")?.service, "s");
    assert.equal(opened.reading("nothing"), null);
  },
  "S4: readings are read in order, from anywhere on": async (_bed, store, epoch) => {
    await commit(store, epoch, { changes: Array.from({ length: 25 }, (_, i) => reading(`r${i}`)) });
    const first = store.readings(0, 10);
    const then = store.readings(first.at(-1)?.seq ?? 0, 100);
    assert.deepEqual(
      [...first, ...then].map(({ id }) => id),
      Array.from({ length: 25 }, (_, i) => `r${i}`),
    );
  },
  "S5: a rollup is replaced, a rating too, and so is the last answer": async (bed, store, epoch) => {
    const rated = (rating: number): Change => ({
      ...{
        kind: "rating",
        call: "c",
        at: AT,
        service: "s",
        operation: "o",
        capability: "x.y",
        rating,
        comment: null,
        who: "ada",
      },
    });
    const answer = (text: string): Change => ({ kind: "last-answer", key: "k", at: AT, text });
    await commit(store, epoch, { changes: [rollup(AT, HOUR, "1"), rated(1), answer("1")] });
    await commit(store, epoch, { changes: [rollup(AT, HOUR, "2"), rated(5), answer("2")] });
    await commit(store, epoch, { changes: [{ kind: "fold", name: "f", position: 7, stateText: "s" }] });
    using opened = await bed.open();
    assert.deepEqual(
      opened.rollups(0).map(({ figuresText }) => figuresText),
      ["2"],
    );
    assert.equal(opened.rollup({ service: "s", operation: "o", spanMs: HOUR, fromAt: AT })?.figuresText, "2");
    assert.deepEqual(
      opened.ratings(0).map(({ rating, who }) => [rating, who]),
      [[5, "ada"]],
    );
    assert.equal(opened.lastAnswer("k")?.text, "2");
    assert.equal(opened.lastAnswer("other"), null);
    assert.deepEqual({ ...opened.fold("f") }, { position: 7, stateText: "s" });
  },
  "what is old and counted goes; rollups of an hour outlive finer ones, and both outlive readings": async (
    _bed,
    store,
    epoch,
  ) => {
    const fine = 300_000;
    const changes = [reading("old", { at: AT }), reading("new", { at: AT + 10 * HOUR }), rollup(AT, fine), rollup(AT, HOUR)];
    await commit(store, epoch, { changes });
    const before = {
      ...KEEP_ALL,
      readingsBefore: AT + HOUR,
      rollupsBefore: AT,
      fineRollupsBefore: AT + 1,
      lastAnswerCountMax: 10,
    };
    store.tidy(before);
    assert.equal(store.readings(0, 10).length, 2, "what nobody counted stays");
    await commit(store, epoch, { changes: [{ kind: "fold", name: "f", position: 99, stateText: "{}" }] });
    store.tidy(before);
    assert.deepEqual(
      store.readings(0, 10).map(({ id }) => id),
      ["new"],
    );
    assert.deepEqual(
      store.rollups(0).map(({ spanMs }) => spanMs),
      [HOUR],
    );
    store.tidy({ ...before, rollupsBefore: AT + 2 * HOUR });
    assert.deepEqual(store.rollups(0), []);
  },
  "of last answers the newest stay": async (_bed, store, epoch) => {
    const changes = Array.from({ length: 10 }, (_, i): Change => ({ kind: "last-answer", key: `k${i}`, at: AT + i, text: "1" }));
    await commit(store, epoch, { changes });
    store.tidy({ ...KEEP_ALL, readingsBefore: 0, rollupsBefore: 0, fineRollupsBefore: 0, lastAnswerCountMax: 3 });
    const left = Array.from({ length: 10 }, (_, i) => `k${i}`).filter((key) => store.lastAnswer(key) !== null);
    assert.deepEqual(left, ["k7", "k8", "k9"]);
  },
  "a file is there as it was given, as long as a run that has it": async (bed, store, epoch) => {
    const bytes = Buffer.from([0, 255, 1, 254, ...Array.from({ length: 1_000 }, (_, i) => i % 251)]);
    await commit(store, epoch, { starts: [startOf(1)] });
    const hash = store.putFile(bytes);
    assert.equal(store.putFile(bytes), hash);
    await commit(store, epoch, { changes: [{ kind: "file", hash, owner: 1 }] });
    store.sweepPayloads();
    store.sweepPayloads();
    {
      using opened = await bed.open();
      assert.deepEqual(opened.file(hash), bytes);
      assert.equal(opened.file("0".repeat(64)), null);
      assert.equal(opened.file("../../etc/passwd"), null);
    }
  },
  "lines of the audit are bound to one another": async (bed, store, epoch) => {
    const lineOf = (n: number): Change => ({ kind: "audit", at: AT + n, what: "egress-denied", text: `{"n":${n}}` });
    await commit(store, epoch, { changes: [lineOf(1), lineOf(2)] });
    await commit(store, epoch, { changes: [lineOf(3)] });
    using opened = await bed.open();
    assert.deepEqual(
      opened.audit(1, 10).map(({ text }) => text),
      ['{"n":2}', '{"n":3}'],
    );
    assert.equal(opened.auditBreak(), null);
  },
};
