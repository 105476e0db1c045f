// What every engine must pass of steering: runs that begin in line, parts done again, runs deleted.

import assert from "node:assert/strict";
import type { RunId } from "../base/id.ts";
import { COMPLETED, childOf, childStarted, type Life, overDeaths, signal, step, waiting } from "./engine-bed.ts";

type Checks = Readonly<Record<string, (life: Life) => Promise<void>>>;

const REDONE = { kind: "step-redone", key: "b", hash: 0, data: '{"generation":1}' } as const;
const GOES_ON = { status: "running", wakeAt: null, progressText: null } as const;

/** A run that has done a and b and has ended. */
async function ended(life: Life): Promise<{ run: RunId; seqs: number[] }> {
  const claim = await life.started();
  life.engine.write(claim, { entries: [step("a"), step("b")], standing: COMPLETED }, null);
  await life.settled(life.engine.flushed());
  const { entries } = await life.taken(claim.run);
  return { run: claim.run, seqs: entries.map(({ seq }) => seq) };
}

export const steeringChecks: Checks = {
  "E1: a run that stands in line begins as pending, and the next life wakes it": async (life) => {
    const { run } = await life.started({ place: { gate: "g", limit: { concurrency: 1 }, priority: 5 } });
    assert.equal(await life.statusOf(run), "pending");
    const next = await life.next();
    next.engine.recover();
    await life.bed.clock.settle();
    assert.deepEqual([await next.statusOf(run), next.woken()], ["pending", [run]]);
  },
  "E1: a run that begins with a journal has it, in order, at its own moments": async (life) => {
    const { run } = await life.started({ journal: [{ ...step("a"), at: 5 }, step("b")] });
    const { entries } = await life.taken(run);
    assert.deepEqual(
      entries.map(({ key, at }) => [key, at === 5]),
      [
        ["a", true],
        ["b", false],
      ],
    );
  },
  "E3: wherever a process dies, a part is to be done again or it is not": async (life) => {
    await overDeaths(
      life,
      ended,
      async (dying, { run, seqs }) => {
        const rewind = { dropSeqs: seqs.slice(1), deadlineAt: null };
        dying.engine.write(await dying.claim(run), { rewind, entries: [REDONE], standing: GOES_ON }, null);
        return {};
      },
      async (next, { run }) => {
        const { entries, record } = await next.taken(run);
        const found = [entries.map(({ kind }) => kind), record.run.status];
        const isDone = found[1] === "running";
        const expected = isDone
          ? [["step-completed", "step-redone"], "running"]
          : [["step-completed", "step-completed"], "completed"];
        assert.deepEqual(found, expected);
      },
    );
  },
  "E5: a run that goes on after it had ended takes signals again": async (life) => {
    const { run, seqs } = await ended(life);
    assert.equal(await life.settled(life.engine.send(run, signal("late"))), "ended");
    const rewind = { dropSeqs: seqs, deadlineAt: null };
    life.engine.write(await life.claim(run), { rewind, entries: [], standing: waiting(null) }, null);
    await life.settled(life.engine.flushed());
    assert.equal(await life.settled(life.engine.send(run, signal("again"))), "accepted");
  },
  "E4: a deleted run is gone for good, and its id is not given again": async (life) => {
    const { run } = await ended(life);
    await life.settled(life.engine.delete(run));
    const next = await life.next();
    assert.equal(await next.statusOf(run), "unknown");
    assert.equal(await next.settled(next.engine.take(run)), null);
    assert.notEqual((await next.started()).run, run);
  },
  "it tells all children, ended or not": async (life) => {
    const parent = await life.started();
    const children = ["one", "two"].map((key) => life.engine.startChild(parent, childOf(key), childStarted(key), null));
    await life.settled(life.engine.flushed());
    life.engine.write(await life.claim(children[0] as RunId), { entries: [], standing: COMPLETED }, null);
    await life.settled(life.engine.flushed());
    assert.deepEqual(await life.settled(life.engine.children(parent.run)), children);
    assert.deepEqual(
      (await life.settled(life.engine.openChildren(parent.run))).map(({ run }) => run),
      children.slice(1),
    );
  },
  "E7: what is no run's is refused once the engine is closed": async (life) => {
    await life.settled(Promise.resolve(life.engine[Symbol.asyncDispose]()));
    assert.equal(await life.codeOf(() => life.engine.keep([{ kind: "schedule-gone", name: "s" }])), "ENGINE_CLOSED");
  },
};
