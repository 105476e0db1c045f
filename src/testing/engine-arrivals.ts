// What every engine must pass of what comes for a run from outside (E5), and of when runs are woken (E6).

import assert from "node:assert/strict";
import type { RunId } from "../base/id.ts";
import { limits } from "../run.ts";
import {
  COMPLETED,
  childOf,
  childStarted,
  type EngineAct,
  type Life,
  NOBODY,
  overDeaths,
  requestOf,
  signal,
  step,
  waiting,
} from "./engine-bed.ts";

type Checks = Readonly<Record<string, EngineAct>>;

/** More than any page holds. */
const MANY = 2 * limits.PAGE_SIZE + 7;

/** How late a wake may be here; the port says only that it is never early. */
const LATE_MS_MAX = 30_000;

export const arrivalChecks: Checks = {
  "E5: a signal is received once per id, also after another life": async (life) => {
    const { run } = await life.started();
    const sent = await life.settled(Promise.all([life.engine.send(run, signal("x")), life.engine.send(run, signal("x"))]));
    assert.deepEqual(sent, ["accepted", "repeated"]);
    assert.equal(life.notes.came.length, 1);
    const again = await life.next();
    assert.equal(await again.settled(again.engine.send(run, signal("x"))), "repeated");
    assert.deepEqual(await again.keys(run), ["x"]);
  },
  "E5: an id counts for each run by itself": async (life) => {
    const [one, two] = [await life.started(), await life.started()];
    const sent = [life.engine.send(one.run, signal("x")), life.engine.send(two.run, signal("x"))];
    assert.deepEqual(await life.settled(Promise.all(sent)), ["accepted", "accepted"]);
    assert.deepEqual([await life.keys(one.run), await life.keys(two.run)], [["x"], ["x"]]);
  },
  "E5: a signal that was cut off and is sent again is received once; an answered one is there": async (life) => {
    const prepare = async (before: Life) => ({ run: (await before.started()).run });
    const act = async (dying: Life, { run }: { run: RunId }) => {
      const outcome = await dying.outcome(() => dying.engine.send(run, signal("x")));
      return { answered: typeof outcome === "object" && "value" in outcome };
    };
    await overDeaths(life, prepare, act, async (next, { run, answered }) => {
      if (answered) assert.deepEqual(await next.keys(run), ["x"]);
      const known = (await next.keys(run)).length === 1;
      assert.equal(await next.settled(next.engine.send(run, signal("x"))), known ? "repeated" : "accepted");
      assert.deepEqual(await next.keys(run), ["x"]);
    });
  },
  "E5: ids that are no Unicode text are refused or told apart, and stop nobody": async (life) => {
    const { run } = await life.started();
    const ids = ["\ud800", "\ud801"];
    const codes = await Promise.all(ids.map((id) => life.codeOf(() => life.engine.send(run, signal(id)))));
    assert.equal(await life.codeOf(() => life.engine.start(requestOf())), "accepted");
    assert.deepEqual(
      await life.keys(run),
      ids.filter((_, i) => codes[i] === "accepted"),
    );
  },
  "E5: an ended run refuses, also one that ends in the same turn, and so does one that is not there": async (life) => {
    const claim = await life.started();
    life.stand(claim, COMPLETED);
    assert.equal(await life.settled(life.engine.send(claim.run, signal("early"))), "ended");
    assert.equal(await life.settled(life.engine.send(claim.run, signal("late"))), "ended");
    assert.equal(await life.settled(life.engine.send(NOBODY, signal("x"))), "unknown");
    const next = await life.next();
    assert.equal(await next.settled(next.engine.send(claim.run, signal("later"))), "ended");
    assert.deepEqual(await next.keys(claim.run), []);
  },
  "E5: what is sent within a write to a run that has ended is passed over, and the rest stands": async (life) => {
    const [one, ended, open] = [await life.started(), await life.started(), await life.started()];
    life.stand(ended, COMPLETED);
    await life.bed.clock.settle();
    const sends = [ended.run, open.run, NOBODY].map((to) => ({ to, draft: signal("x") }));
    life.engine.write(one, { entries: [step("a")], sends }, null);
    await life.bed.clock.settle();
    const keys = [await life.keys(one.run), await life.keys(ended.run), await life.keys(open.run)];
    assert.deepEqual(keys, [["a"], [], ["x"]]);
  },
  "E5: what has no id of its own is received as often as it is sent": async (life) => {
    const { run } = await life.started();
    const answer = { kind: "answered", key: "q", hash: 0, data: "{}" } as const;
    const sent = [life.engine.send(run, answer), life.engine.send(run, answer)];
    assert.deepEqual(await life.settled(Promise.all(sent)), ["accepted", "accepted"]);
    assert.deepEqual(await life.keys(run), ["q", "q"]);
  },
  "E5: a child that has only begun can be sent to": async (life) => {
    const claim = await life.started();
    const child = life.engine.startChild(claim, childOf("c"), childStarted("c"), null);
    assert.equal(await life.settled(life.engine.send(child, signal("x"))), "accepted");
    assert.deepEqual(await life.keys(child), ["x"]);
  },
  "E5: something that comes for a run out of memory wakes it": async (life) => {
    const { run } = await life.started();
    life.notes.isHome = false;
    await life.settled(life.engine.send(run, signal("x")));
    assert.deepEqual(life.woken(), [run, run]);
  },
  "E5: a run that waits and was sent something is woken in the next life, if this one came to nothing": async (life) => {
    const prepare = async (before: Life) => {
      const claim = await before.started();
      before.stand(claim, waiting(null));
      return { run: claim.run };
    };
    const act = async (dying: Life, { run }: { run: RunId }) => ({
      outcome: await dying.outcome(() => dying.engine.send(run, signal("x"))),
    });
    await overDeaths(life, prepare, act, async (next, { run }) => {
      next.engine.recover();
      await next.bed.clock.settle();
      assert.equal(next.woken().includes(run), (await next.keys(run)).length === 1);
    });
  },
};

/** A run that waits until then. */
async function waitingRun(life: Life, wakeAt: number): Promise<RunId> {
  const claim = await life.started();
  life.stand(claim, waiting(wakeAt));
  await life.bed.clock.settle();
  return claim.run;
}

/** How often a run was woken after it had begun. */
function wakesOf(life: Life, run: RunId): number {
  return life.notes.woken.filter((woken) => woken.run === run && woken.fresh === null).length;
}

/** As a carrier would: who is woken waits for something else. */
function moveOn(life: Life): void {
  life.notes.onWake = (run) => {
    void life.engine.claim(run).then((claim) => claim !== null && life.stand(claim, waiting(null)));
  };
}

const timers: Checks = {
  "E6: a run is woken when its moment has come, and never before": async (life) => {
    life.engine.recover();
    for (const waitMs of [1, 1_000, 59_999, 60_001, 90_000, 86_400_000]) {
      const run = await waitingRun(life, life.bed.clock.now() + waitMs);
      await life.bed.clock.advance(waitMs - 1);
      assert.equal(wakesOf(life, run), 0, `woken before ${waitMs} ms`);
      await life.bed.clock.advance(1 + LATE_MS_MAX);
      assert.ok(wakesOf(life, run) > 0, `not woken after ${waitMs} ms`);
      life.stand(await life.claim(run), COMPLETED);
    }
  },
  "E6: after another life too, also where the moment has passed": async (life) => {
    const now = life.bed.clock.now();
    const [soon, late] = [await waitingRun(life, now + 60_000), await waitingRun(life, now + 120_000)];
    const next = await life.next();
    await life.bed.clock.advance(61_000);
    next.engine.recover();
    await life.bed.clock.advance(1_000);
    assert.deepEqual(next.woken(), [soon]);
    await life.bed.clock.advance(57_999);
    assert.equal(wakesOf(next, late), 0);
    await life.bed.clock.advance(1 + LATE_MS_MAX);
    assert.ok(wakesOf(next, late) > 0);
  },
  "E6: a run with a time-out is woken when it is over": async (life) => {
    life.engine.recover();
    const { run } = await life.started({ timeoutMs: 5_000 });
    await life.bed.clock.advance(4_999);
    assert.equal(wakesOf(life, run), 0);
    await life.bed.clock.advance(1 + LATE_MS_MAX);
    assert.ok(wakesOf(life, run) > 0);
    const { record } = await life.taken(run);
    assert.equal(record.deadlineAt, record.run.startedAt + 5_000);
  },
  "E6: a moment that was moved counts, and not the one before": async (life) => {
    life.engine.recover();
    const now = life.bed.clock.now();
    const [later, sooner] = [await waitingRun(life, now + 10_000), await waitingRun(life, now + 40_000)];
    life.stand(await life.claim(later), waiting(now + 40_000));
    life.stand(await life.claim(sooner), waiting(now + 5_000));
    await life.bed.clock.advance(39_999);
    assert.deepEqual([wakesOf(life, later), wakesOf(life, sooner) > 0], [0, true]);
    await life.bed.clock.advance(1 + LATE_MS_MAX);
    assert.ok(wakesOf(life, later) > 0);
  },
  "E6: a moment that was moved far away, or taken back, wakes nobody": async (life) => {
    life.engine.recover();
    const now = life.bed.clock.now();
    const runs = [
      await waitingRun(life, now + 10_000),
      await waitingRun(life, now + 10_000),
      await waitingRun(life, now + 10_000),
    ];
    const standings = [waiting(now + 90_000), waiting(null), COMPLETED];
    for (const [i, run] of runs.entries()) life.stand(await life.claim(run), standings[i] ?? COMPLETED);
    await life.bed.clock.advance(30_000);
    assert.deepEqual(
      runs.map((run) => wakesOf(life, run)),
      [0, 0, 0],
    );
  },
  "E6: a wall clock that is set back makes no timer early, one set forward makes it due": async (life) => {
    life.engine.recover();
    const run = await waitingRun(life, life.bed.clock.now() + 20_000);
    life.bed.clock.jump(-3_600_000);
    await life.bed.clock.advance(60_000);
    assert.equal(wakesOf(life, run), 0);
    life.bed.clock.jump(3_600_000);
    await life.bed.clock.advance(LATE_MS_MAX);
    assert.ok(wakesOf(life, run) > 0);
  },
  "E6: of thousands that wait each is woken at its own moment, in a new life too": async (life) => {
    const now = life.bed.clock.now();
    const claims = await life.startedMany(MANY);
    const moments = new Map(claims.map(({ run }, i) => [run, now + 1_000 * (1 + ((i * 7) % 20))]));
    for (const claim of claims) life.stand(claim, waiting(moments.get(claim.run) ?? now));
    await life.bed.clock.settle();
    const next = await life.next();
    moveOn(next);
    next.engine.recover();
    await next.bed.clock.advance(21_000 + LATE_MS_MAX);
    assert.deepEqual(
      next.notes.woken.filter(({ run, at }) => at < (moments.get(run) ?? 0)),
      [],
    );
    assert.equal(new Set(next.woken()).size, MANY);
  },
};

const recoveries: Checks = {
  "E6: runs that were moving are woken by the next life, those that wait, are paused or ended are not": async (life) => {
    const [moving, ...still] = await life.startedMany(4);
    const paused = { status: "paused", reason: "operator", wakeAt: null, progressText: null } as const;
    for (const [i, standing] of [waiting(null), paused, COMPLETED].entries()) {
      const claim = still[i];
      if (claim !== undefined) life.stand(claim, standing);
    }
    await life.bed.clock.settle();
    const again = await life.next();
    again.engine.recover();
    await life.bed.clock.advance(60_000);
    assert.deepEqual(again.woken(), [moving?.run]);
  },
  "E6: thousands that were moving are woken, each once": async (life) => {
    const runs = (await life.startedMany(MANY)).map(({ run }) => run);
    const next = await life.next();
    next.engine.recover();
    await next.bed.clock.settle();
    assert.deepEqual([next.woken().length, new Set(next.woken())], [MANY, new Set(runs)]);
    assert.ok(next.notes.woken.every(({ fresh }) => fresh === null));
  },
  "E6: children that were to end with a parent that has ended are woken, those that outlive it are not": async (life) => {
    const parent = await life.started();
    const child = (name: string, close: "cancel" | "keep") =>
      life.engine.startChild(parent, childOf(name, close), childStarted(name), null);
    const [bound, ended, free] = [child("a", "cancel"), child("b", "cancel"), child("c", "keep")];
    await life.bed.clock.settle();
    for (const run of [bound, free]) life.stand(await life.claim(run), waiting(null));
    life.stand(await life.claim(ended), COMPLETED);
    life.engine.write(parent, { entries: [step("end")], standing: COMPLETED }, null);
    await life.bed.clock.settle();
    const next = await life.next();
    next.engine.recover();
    await next.bed.clock.advance(60_000);
    assert.deepEqual(next.woken(), [bound]);
  },
  "E6: before recovery nobody is woken but who begins": async (life) => {
    await waitingRun(life, life.bed.clock.now() + 1_000);
    await life.started();
    const next = await life.next();
    const { run } = await next.started();
    await next.bed.clock.advance(120_000);
    assert.deepEqual(next.woken(), [run]);
  },
};

export const wakeChecks: Checks = { ...timers, ...recoveries };
