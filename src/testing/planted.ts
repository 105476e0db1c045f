// Mistakes an engine or a store could make, each planted in a port: the simulation must find every one, or it proves
// nothing.

import { type EntryKind, isEnd } from "../run.ts";
import type { Commit, Store } from "../store.ts";
import type { PlantedFault } from "./simulation.ts";

/** A store whose commits are changed on their way. */
function committing(name: string, change: (commit: Commit, inner: Store) => Commit): PlantedFault {
  return { name, store: (inner) => ({ ...inner, commit: (commit) => inner.commit(change(commit, inner)) }) };
}

function withoutEntries(name: string, kind: EntryKind): PlantedFault {
  return committing(name, (commit) => ({ ...commit, entries: commit.entries.filter((entry) => entry.kind !== kind) }));
}

function withoutChanges(name: string, kind: Commit["changes"][number]["kind"]): PlantedFault {
  return committing(name, (commit) => ({ ...commit, changes: commit.changes.filter((change) => change.kind !== kind) }));
}

/** Every `nth` thing of its kind, counted over all of a history. */
function every<T>(nth: number, act: (thing: T) => T | null): (things: readonly T[]) => T[] {
  let count = 0;
  return (things) => things.flatMap((thing) => (++count % nth === 0 ? (act(thing) ?? []) : [thing]));
}

/** Tells of a commit before it is made: what a crash finds unmade is lost. */
const toldBeforeDone: PlantedFault = {
  name: "told before it is done",
  store(inner) {
    let owed: Commit | null = null;
    return {
      ...inner,
      commit(commit) {
        const due = owed;
        owed = commit;
        return due === null ? undefined : inner.commit(due);
      },
    };
  },
};

/** How runs stand is written after their entries, in a transaction of its own that a crash may cut off. */
const twoTransactions: PlantedFault = {
  name: "entries and standings in two transactions",
  store(inner) {
    let owed: Commit["updates"] = [];
    return {
      ...inner,
      commit(commit) {
        const updates = owed;
        owed = commit.updates;
        return inner.commit({ ...commit, updates });
      },
    };
  },
};

const keyPerLife: PlantedFault = {
  name: "a new idempotency key in every life",
  store: (inner, life) => ({
    ...inner,
    record(number) {
      const record = inner.record(number);
      return record === null || isEnd(record.run.status)
        ? record
        : { ...record, run: { ...record.run, continued: record.run.continued + life } };
    },
  }),
};

const forgottenOutcome: PlantedFault = {
  name: "the last outcome is not read back",
  store: (inner) => ({
    ...inner,
    journal(number, afterSeq, limit) {
      const entries = inner.journal(number, afterSeq, limit);
      return limit <= 1_000 && entries.at(-1)?.kind === "step-completed" ? entries.slice(0, -1) : entries;
    },
  }),
};

const noFence: PlantedFault = {
  name: "an older epoch may write",
  store(inner) {
    let newest = 0;
    return {
      ...inner,
      claim() {
        newest = inner.claim();
        epochs.newest = newest;
        return newest;
      },
      commit: (commit) => inner.commit({ ...commit, epoch: epochs.newest }),
    };
  },
};

/** Shared by all lives of a history, as a store without fencing would. */
const epochs = { newest: 0 };

export const plantedFaults: readonly PlantedFault[] = [
  toldBeforeDone,
  twoTransactions,
  keyPerLife,
  forgottenOutcome,
  noFence,
  committing(
    "an entry is dropped now and then",
    (() => {
      const drop = every<Commit["entries"][number]>(9, () => null);
      return (commit) => ({ ...commit, entries: drop(commit.entries) });
    })(),
  ),
  committing("wake-ups are not written", (commit) => ({
    ...commit,
    updates: commit.updates.map((update) => ({ ...update, wakeAt: null })),
  })),
  committing("runs are not stirred by what comes for them", (commit) => ({ ...commit, stirs: [] })),
  committing("start keys are not kept", (commit) => ({
    ...commit,
    starts: commit.starts.map((start) => ({ ...start, key: null })),
  })),
  committing(
    "an output is changed",
    (() => {
      const change = every<Commit["entries"][number]>(7, (entry) =>
        entry.kind === "step-completed" ? { ...entry, data: '"changed"' } : entry,
      );
      return (commit) => ({ ...commit, entries: change(commit.entries) });
    })(),
  ),
  withoutEntries("what is to be taken back is not written", "undo-added"),
  withoutEntries("that a careful step began is not written", "step-started"),
  withoutEntries("patches are not written", "patched"),
  withoutChanges("events are not kept", "event"),
  withoutChanges("who listens is not kept", "listener"),
  withoutChanges("who was let through is not kept", "line-passed"),
  committing("nobody stands in line", (commit) => ({
    ...commit,
    starts: commit.starts.map((start) => ({ ...start, status: start.status === "pending" ? "running" : start.status })),
    changes: commit.changes.filter(({ kind }) => kind !== "line"),
  })),
  committing(
    "an item of a stream is told again by every life",
    (() => {
      let count = 0;
      return (commit) => ({
        ...commit,
        changes: commit.changes.map((one) => (one.kind === "stream-item" ? { ...one, id: `${one.id} ${count++}` } : one)),
      });
    })(),
  ),
  {
    name: "a clock that is ahead for ten seconds of every twenty",
    clock: (clock) => ({ ...clock, now: () => clock.now() + (Math.floor(clock.now() / 10_000) % 2) * 5_000 }),
  },
];
