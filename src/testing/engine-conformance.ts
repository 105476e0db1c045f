// What every engine must pass: the promises E1–E7 of src/engine/port.ts. A carrier that only keeps what it is told
// stands in for the one that moves runs.

import assert from "node:assert/strict";
import type { RunId } from "../base/id.ts";
import { limits } from "../run.ts";
import { arrivalChecks, wakeChecks } from "./engine-arrivals.ts";
import {
  COMPLETED,
  childOf,
  childStarted,
  type EngineAct,
  type EngineBed,
  Life,
  NOBODY,
  overDeaths,
  requestOf,
  signal,
  step,
  waiting,
} from "./engine-bed.ts";
import { failureChecks } from "./engine-failures.ts";
import { steeringChecks } from "./engine-steering.ts";
import { type ConformanceCheck, WORKFLOW } from "./store-bed.ts";

type Checks = Readonly<Record<string, EngineAct>>;

/** More than any page holds. */
const MANY = 2 * limits.PAGE_SIZE + 7;

async function oneRun(life: Life): Promise<{ run: RunId }> {
  return { run: (await life.started()).run };
}

const starts: Checks = {
  "E1: a run is durable when its start resolves, and its carrier is told": async (life) => {
    const { run, repeated } = await life.settled(life.engine.start(requestOf()));
    assert.equal(repeated, false);
    assert.deepEqual(life.woken(), [run]);
    assert.deepEqual(life.notes.woken[0]?.fresh?.record.run.input, { n: 1 });
    assert.equal(await (await life.next()).statusOf(run), "running");
  },
  "E1: the same key and body give the same run, at once too; another body is refused": async (life) => {
    const key = { key: "k", bodyHash: "h" };
    const both = [life.engine.start(requestOf({ key })), life.engine.start(requestOf({ key }))];
    const [one, two] = await life.settled(Promise.all(both));
    assert.deepEqual([one?.run, one?.repeated, two?.repeated], [two?.run, false, true]);
    const other = { ...key, bodyHash: "other" };
    assert.equal(await life.codeOf(() => life.engine.start(requestOf({ key: other }))), "KEY_REUSED");
    assert.equal((await life.settled(life.engine.start(requestOf({ key })))).repeated, true);
    assert.equal(life.woken().length, 1);
  },
  "E1: a key belongs to a namespace and a name; its run keeps it through an end and another life": async (life) => {
    const key = { key: "k", bodyHash: "h" };
    const first = await life.started({ key });
    for (const more of [{ name: "v" }, { namespace: "n" }]) {
      const other = await life.settled(life.engine.start(requestOf({ key, workflow: { ...WORKFLOW, ...more } })));
      assert.deepEqual([other.repeated, other.run === first.run], [false, false]);
    }
    life.stand(first, COMPLETED);
    await life.bed.clock.settle();
    const next = await life.next();
    assert.deepEqual(await next.settled(next.engine.start(requestOf({ key }))), { run: first.run, repeated: true });
    assert.equal(await next.codeOf(() => next.engine.start(requestOf({ key: { ...key, bodyHash: "x" } }))), "KEY_REUSED");
  },
  "E1: a start that was cut off and is tried again gives one run": async (life) => {
    const known = new Set<RunId>();
    const prepare = async () => ({ key: { key: `k${known.size}`, bodyHash: "h" } });
    const act = async (dying: Life, { key }: Awaited<ReturnType<typeof prepare>>) => ({
      outcome: await dying.outcome(() => dying.engine.start(requestOf({ key }))),
    });
    await overDeaths(life, prepare, act, async (next, { key, outcome }) => {
      const { run, repeated } = await next.settled(next.engine.start(requestOf({ key })));
      if (typeof outcome === "object" && "value" in outcome) assert.deepEqual([run, repeated], [outcome.value.run, true]);
      const last = await next.next();
      last.engine.recover();
      await last.bed.clock.settle();
      known.add(run);
      assert.deepEqual(new Set(last.woken()), known);
    });
  },
  "E1: a time-out in parts of a millisecond stops nobody": async (life) => {
    await life.codeOf(() => life.engine.start(requestOf({ timeoutMs: 1_500.5 })));
    assert.equal(await life.codeOf(() => life.engine.start(requestOf())), "accepted");
  },
};

const takes: Checks = {
  "E2: take gives the whole journal in order, also what is only on its way": async (life) => {
    const claim = await life.started();
    for (let i = 0; i < MANY; i++) life.engine.append(claim, step(`s${i}`), null);
    const taken = await life.taken(claim.run);
    assert.deepEqual(
      taken.entries.map(({ key }) => key),
      Array.from({ length: MANY }, (_, i) => `s${i}`),
    );
    assert.ok(taken.entries.every(({ hash, data }) => hash === 5 && data === "1"));
    assert.ok(taken.entries.every(({ seq }, i) => seq > (taken.entries[i - 1]?.seq ?? 0)));
  },
  "E2: an older epoch writes nothing, and is told so": async (life) => {
    const claim = await life.started();
    const newer = await life.next();
    newer.engine.append(await newer.claim(claim.run), step("newer"), null);
    await life.bed.clock.settle();
    const refused = await life.codeOf(() => {
      life.engine.append(claim, step("older"), life.telling("older"));
      life.stand(claim, COMPLETED);
      return life.engine.flushed();
    });
    assert.ok(refused !== "accepted" && refused !== "unanswered", refused);
    assert.ok(life.told.length <= 1 && !life.told.includes("older"), life.told.join());
    assert.deepEqual([await newer.keys(claim.run), await newer.statusOf(claim.run)], [["newer"], "running"]);
  },
  "E2: nobody takes a run that is not there": async (life) => {
    for (const act of [life.engine.take(NOBODY), life.engine.claim(NOBODY), life.engine.record(NOBODY)])
      assert.equal(await life.settled<unknown>(act), null);
    assert.deepEqual(await life.settled(life.engine.openChildren(NOBODY)), []);
  },
  "E2: nobody has the right to write to a run that was never started": async (life) => {
    const { run } = await life.started();
    const unknown = [..."23456789abcdef"].map((last) => `${run.slice(0, -1)}${last}` as RunId).filter((id) => id !== run);
    for (const id of unknown) {
      assert.equal(await life.settled(life.engine.record(id)), null);
      assert.equal(await life.settled(life.engine.claim(id)), null, `there is a claim on ${id}`);
    }
  },
  "E2: who claims a run may write to it without reading it": async (life) => {
    const { run } = await life.started();
    const next = await life.next();
    const claim = await next.settled(next.engine.claim(run));
    assert.ok(claim !== null);
    next.engine.write(claim, { entries: [step("a")], standing: waiting(null) }, null);
    await next.bed.clock.settle();
    assert.deepEqual([await next.keys(run), await next.statusOf(run)], [["a"], "waiting"]);
  },
  "E2: a run that just began is handed over as it would be read": async (life) => {
    const key = { key: "k", bodyHash: "h" };
    const parent = await life.started({ key, timeoutMs: 5_000 });
    const child = life.engine.startChild(parent, childOf("c"), childStarted("c"), null);
    await life.bed.clock.settle();
    for (const { run, fresh } of life.notes.woken) {
      assert.deepEqual(fresh?.entries, []);
      assert.deepEqual(plain(fresh?.record), plain((await life.taken(run)).record));
    }
    assert.deepEqual(life.woken(), [parent.run, child]);
  },
};

/** Without prototypes, which mean nothing. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

const writes: Checks = {
  "E3: what one write holds is durable together, before anybody is told": async (life) => {
    const [claim, other] = [await life.started(), await life.started()];
    const sends = [{ to: other.run, draft: { kind: "child-completed", key: "c", hash: 0, data: "1" } as const }];
    life.engine.write(claim, { entries: [step("a"), step("b")], standing: COMPLETED, sends }, () => life.told.push("written"));
    assert.deepEqual(life.told, []);
    await life.bed.clock.settle();
    assert.deepEqual(life.told.toSorted(), ["came c", "written"]);
    const again = await life.next();
    assert.deepEqual([await again.keys(claim.run), await again.keys(other.run)], [["a", "b"], ["c"]]);
    assert.equal(await again.statusOf(claim.run), "completed");
  },
  "E3: wherever a process dies, all of a write is there or nothing, and what was told is": async (life) => {
    const prepare = async (before: Life) => {
      const [one, two] = await before.startedMany(2);
      return { run: one?.run ?? NOBODY, to: two?.run ?? NOBODY };
    };
    const act = async (dying: Life, { run, to }: Awaited<ReturnType<typeof prepare>>) => {
      const claim = await dying.claim(run);
      dying.engine.append(claim, step("before"), dying.telling("before"));
      await dying.bed.clock.settle();
      const write = { entries: [step("a"), step("b")], standing: COMPLETED, sends: [{ to, draft: signal("x") }] };
      await dying.codeOf(() => dying.engine.write(claim, write, () => dying.told.push("written")));
      return {};
    };
    await overDeaths(life, prepare, act, async (next, { run, to }, dying) => {
      const keys = await next.keys(run);
      const all = keys.includes("a");
      const before = keys.includes("before") ? ["before"] : [];
      assert.deepEqual(keys, all ? ["before", "a", "b"] : before);
      assert.deepEqual([await next.statusOf(run), await next.keys(to)], all ? ["completed", ["x"]] : ["running", []]);
      assert.ok(all || !dying.told.includes("written"), "told of a write that is not there");
      assert.ok(keys.includes("before") || !dying.told.includes("before"), "told of an entry that is not there");
    });
  },
  "E3: a child starts together with the entry that says so, wherever the process dies": async (life) => {
    const act = async (dying: Life, { run }: { run: RunId }) => {
      const claim = await dying.claim(run);
      return { child: dying.engine.startChild(claim, childOf("c"), childStarted("c"), dying.telling("c")) };
    };
    await overDeaths(life, oneRun, act, async (next, { run, child }, dying) => {
      const keys = await next.keys(run);
      const record = await next.settled(next.engine.record(child));
      assert.deepEqual([keys, record?.run.parent], keys.length === 0 ? [[], undefined] : [["c"], run]);
      if (dying.told.includes("c")) assert.deepEqual(keys, ["c"]);
      const children = keys.length === 0 ? [] : [{ run: child, close: "cancel" }];
      assert.deepEqual(await next.settled(next.engine.openChildren(run)), children);
    });
  },
  "E3: a child is woken once it is durable, belongs to its family, and may end in the turn it began": async (life) => {
    const claim = await life.started();
    const child = life.engine.startChild(claim, childOf("c", "keep"), childStarted("c"), life.telling("c"));
    assert.deepEqual([life.told, life.woken()], [[], [claim.run]]);
    await life.bed.clock.settle();
    assert.deepEqual([life.told, life.woken()], [["c"], [claim.run, child]]);
    const { record } = await life.taken(child);
    assert.deepEqual([record.run.parent, record.parent?.key, record.parent?.close, record.depth], [claim.run, "c", "keep", 1]);
    assert.equal(record.root, (await life.taken(claim.run)).record.number);
    life.stand(await life.claim(child), COMPLETED);
    await life.bed.clock.settle();
    assert.deepEqual(await life.settled(life.engine.openChildren(claim.run)), []);
  },
  "E3: writes are kept in their order, whatever they are": async (life) => {
    const claim = await life.started();
    life.engine.append(claim, step("a"), null);
    life.engine.write(claim, { entries: [step("b"), step("c")] }, null);
    const sent = life.engine.send(claim.run, signal("d"));
    life.engine.startChild(claim, childOf("e"), childStarted("e"), null);
    life.engine.append(claim, step("f"), null);
    await life.settled(sent);
    assert.deepEqual(await life.keys(claim.run), ["a", "b", "c", "d", "e", "f"]);
  },
  "E3: what the carrier says in the last moment belongs to the same commit": async (life) => {
    const act = async (dying: Life, { run }: { run: RunId }) => {
      const claim = await dying.claim(run);
      dying.notes.onCommit = () => {
        dying.notes.onCommit = () => undefined;
        dying.engine.append(claim, step("last"), null);
        dying.stand(claim, waiting(null));
      };
      dying.engine.append(claim, step("a"), null);
      dying.engine.nudge();
      return {};
    };
    await overDeaths(life, oneRun, act, async (next, { run }) => {
      const seen = [await next.keys(run), await next.statusOf(run)];
      assert.deepEqual(seen, seen[1] === "waiting" ? [["a", "last"], "waiting"] : [[], "running"]);
    });
  },
  "E3: a nudge asks the carrier, also where nothing else is to be written": async (life) => {
    const claim = await life.started();
    let asked = 0;
    life.notes.onCommit = () => {
      if (asked++ === 0) life.stand(claim, waiting(null));
    };
    life.engine.nudge();
    await life.settled(life.engine.flushed());
    assert.deepEqual([asked > 0, await life.statusOf(claim.run)], [true, "waiting"]);
  },
};

const resets: Checks = {
  "E3: a journal begun anew keeps the signals it is told to, and has what is written with it": async (life) => {
    const claim = await life.started();
    for (const draft of [step("a"), signal("taken")]) life.engine.append(claim, draft, null);
    await life.settled(life.engine.send(claim.run, signal("kept")));
    const seq = (await life.taken(claim.run)).entries.find(({ key }) => key === "kept")?.seq ?? 0;
    const reset = { inputText: "[2]", keepSeqs: [seq] };
    life.engine.write(claim, { entries: [step("anew")], reset }, null);
    await life.bed.clock.settle();
    const { record } = await (await life.next()).taken(claim.run);
    assert.deepEqual(await life.keys(claim.run), ["kept", "anew"]);
    assert.deepEqual([record.run.input, record.run.continued], [[2], 1]);
    for (const id of ["taken", "kept"]) assert.equal(await life.settled(life.engine.send(claim.run, signal(id))), "repeated", id);
  },
  "E3: a signal that comes in the turn of a new beginning is kept": async (life) => {
    const claim = await life.started();
    life.engine.append(claim, step("old"), null);
    await life.settled(life.engine.flushed());
    const early = life.engine.send(claim.run, signal("early"));
    life.engine.write(claim, { entries: [step("anew")], reset: { inputText: "2", keepSeqs: [] } }, null);
    const late = life.engine.send(claim.run, signal("late"));
    assert.deepEqual(await life.settled(Promise.all([early, late])), ["accepted", "accepted"]);
    assert.deepEqual((await (await life.next()).keys(claim.run)).toSorted(), ["anew", "early", "late"]);
  },
  "E3: what a run wrote before its new beginning leaves with the old journal, in the same turn too": async (life) => {
    const claim = await life.started();
    life.engine.append(claim, step("old"), null);
    life.engine.write(claim, { entries: [step("anew")], reset: { inputText: "2", keepSeqs: [] } }, null);
    await life.bed.clock.settle();
    assert.deepEqual(await life.keys(claim.run), ["anew"]);
  },
  "E3: wherever a process dies, the old journal is there or the new one": async (life) => {
    const prepare = async (before: Life) => {
      const claim = await before.started();
      before.engine.append(claim, step("old"), null);
      return { run: claim.run };
    };
    const act = async (dying: Life, { run }: { run: RunId }) => {
      const reset = { inputText: "2", keepSeqs: [] };
      dying.engine.write(await dying.claim(run), { entries: [step("anew")], reset, standing: waiting(null) }, null);
      return {};
    };
    await overDeaths(life, prepare, act, async (next, { run }) => {
      const { record, entries } = await next.taken(run);
      const found = [entries.map(({ key }) => key), record.run.input, record.run.status];
      assert.deepEqual(found, record.run.continued === 1 ? [["anew"], 2, "waiting"] : [["old"], { n: 1 }, "running"]);
    });
  },
};

const tellings: Checks = {
  "E4: each who waits is told once, in order, and what he was told of stays": async (life) => {
    const claim = await life.started();
    for (const name of ["a", "b", "c"]) life.engine.append(claim, step(name), life.telling(name));
    await life.bed.clock.settle();
    await life.bed.clock.settle();
    assert.deepEqual(life.told, ["a", "b", "c"]);
    assert.deepEqual(await (await life.next()).keys(claim.run), ["a", "b", "c"]);
  },
  "E4: over all runs they are told in the order in which it was written, what came for a run included": async (life) => {
    const [one, two] = [await life.started(), await life.started()];
    life.engine.append(one, step("a"), life.telling("a"));
    void life.engine.send(two.run, signal("b"));
    life.engine.append(two, step("c"), life.telling("c"));
    life.engine.startChild(one, childOf("d"), childStarted("d"), life.telling("d"));
    void life.engine.send(one.run, signal("e"));
    life.engine.append(one, step("f"), life.telling("f"));
    await life.bed.clock.settle();
    assert.deepEqual(life.told, ["a", "came b", "c", "d", "came e", "f"]);
  },
  "E4: what one writes who is told comes after what was written before": async (life) => {
    const claim = await life.started();
    const more = { ...life.telling("a"), settled: () => life.engine.append(claim, step("c"), life.telling("c")) };
    life.engine.append(claim, step("a"), more);
    life.engine.append(claim, step("b"), life.telling("b"));
    await life.bed.clock.settle();
    assert.deepEqual(
      [life.told, await life.keys(claim.run)],
      [
        ["b", "c"],
        ["a", "b", "c"],
      ],
    );
  },
  "E4: what one is told of is durable by then, and is what he wrote": async (life) => {
    const claim = await life.started();
    const seen: unknown[] = [];
    const look = { ...life.telling("a"), settled: (entry: unknown) => void seen.push(entry) };
    life.engine.append(claim, step("a", '{"x":1}'), look);
    const sent = life.engine.send(claim.run, signal("s"));
    await life.settled(sent);
    const next = await life.next();
    const { entries } = await next.taken(claim.run);
    const told = [...seen, ...life.notes.came.map(({ entry }) => entry)] as typeof entries;
    assert.deepEqual(
      told.map(({ seq, kind, key, hash, at, data }) => ({ seq, kind, key, hash, at, data })),
      entries.map((entry) => ({ ...entry })),
    );
  },
  "E4: in another life nobody is told again": async (life) => {
    const claim = await life.started();
    life.engine.append(claim, step("a"), life.telling("a"));
    await life.settled(life.engine.send(claim.run, signal("s")));
    const next = await life.next();
    next.engine.recover();
    await next.bed.clock.advance(120_000);
    assert.deepEqual([next.notes.came, life.told], [[], ["a", "came s"]]);
    assert.deepEqual(await next.keys(claim.run), ["a", "s"]);
  },
};

const CHECKS: Checks = {
  ...starts,
  ...takes,
  ...writes,
  ...resets,
  ...tellings,
  ...arrivalChecks,
  ...wakeChecks,
  ...failureChecks,
  ...steeringChecks,
};

/** The suite for an engine. `newBed` gives a place without data. */
export function engineConformance(newBed: () => EngineBed): readonly ConformanceCheck[] {
  return Object.entries(CHECKS).map(([name, act]) => ({
    name,
    async run() {
      using bed = newBed();
      await act(new Life(bed, await bed.open()));
    },
  }));
}
