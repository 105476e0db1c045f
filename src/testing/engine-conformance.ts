// What every engine must pass: the promises E1–E7 of src/engine/port.ts, one check or more for each. A small carrier
// that only keeps what it is told stands in for the one that moves runs.

import assert from "node:assert/strict";
import type { RunId } from "../base/id.ts";
import { isProblemError } from "../base/problem.ts";
import type { Carrier, ChildRequest, Claim, Draft, Engine, Settling, StartRequest, Taken } from "../engine.ts";
import type { Entry } from "../run.ts";
import type { ManualClock } from "./clock.ts";
import type { ConformanceCheck } from "./store-conformance.ts";

/** One engine's data and clock. Opened again, it is another process after the death of the first. */
export interface EngineBed extends Disposable {
  readonly clock: ManualClock;
  open(): Engine;
  /** From now on what is to be made durable fails. */
  breakStorage(): void;
}

/** Keeps what it is told. */
class Notes implements Carrier {
  readonly woken: { readonly run: RunId; readonly fresh: Taken | null }[] = [];
  readonly came: { readonly run: RunId; readonly entry: Entry }[] = [];
  readonly failures: string[] = [];
  isHome = true;

  wake(run: RunId, fresh: Taken | null): void {
    this.woken.push({ run, fresh });
  }
  received(run: RunId, entry: Entry): boolean {
    this.came.push({ run, entry });
    return this.isHome;
  }
  beforeCommit(): void {}
  failed(cause: Error): void {
    this.failures.push(isProblemError(cause) ? cause.code : String(cause));
  }
}

const WORKFLOW = { namespace: "default", name: "w", version: "1.0.0", contentHash: null, source: null };

function requestOf(more: Partial<StartRequest> = {}): StartRequest {
  return { workflow: WORKFLOW, inputText: '{"n":1}', key: null, timeoutMs: null, ...more };
}

function step(name: string, data = "1"): Draft {
  return { kind: "step-completed", key: name, hash: 5, data };
}

function signal(id: string): Draft {
  return { kind: "signal-received", key: id, hash: 0, data: '{"name":"go","value":1}' };
}

/** What happened in a life, and the means to make more happen. */
class Life {
  readonly bed: EngineBed;
  readonly engine: Engine;
  readonly notes = new Notes();
  readonly told: string[] = [];

  constructor(bed: EngineBed) {
    this.bed = bed;
    this.engine = bed.open();
    this.engine.carriedBy(this.notes);
  }

  /** Lets all happen that needs no time, and gives what came of a promise. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    const watched = promise.then(
      (value) => ({ value }) as const,
      (error: unknown) => ({ error }) as const,
    );
    await this.bed.clock.settle();
    const came = await watched;
    if ("error" in came) throw came.error;
    return came.value;
  }

  async started(more: Partial<StartRequest> = {}): Promise<Claim> {
    const { run } = await this.settled(this.engine.start(requestOf(more)));
    return await this.claim(run);
  }

  async claim(run: RunId): Promise<Claim> {
    const taken = await this.settled(this.engine.take(run));
    assert.ok(taken !== null, `${run} is not there`);
    return taken.claim;
  }

  async keys(run: RunId): Promise<(string | null)[]> {
    const taken = await this.settled(this.engine.take(run));
    return (taken?.entries ?? []).map(({ key }) => key);
  }

  telling(name: string): Settling {
    return { settled: () => void this.told.push(name), lost: (cause) => void this.told.push(`${name} ${cause.code}`) };
  }

  async codeOf(act: () => unknown): Promise<string> {
    try {
      await this.settled(Promise.try(act));
    } catch (error) {
      return isProblemError(error) ? error.code : String(error);
    }
    return "accepted";
  }

  woken(): RunId[] {
    return this.notes.woken.map(({ run }) => run);
  }
}

const CHECKS: Readonly<Record<string, (life: Life) => Promise<void>>> = {
  "E1: a run is durable when its start resolves, and its carrier is told": async (life) => {
    const { run, repeated } = await life.settled(life.engine.start(requestOf()));
    assert.equal(repeated, false);
    assert.deepEqual(life.woken(), [run]);
    assert.deepEqual(life.notes.woken[0]?.fresh?.record.run.input, { n: 1 });
    const again = new Life(life.bed);
    assert.deepEqual((await again.settled(again.engine.record(run)))?.run.status, "running");
  },
  "E1: the same key and body give the same run, at once too; another body is refused": async (life) => {
    const key = { key: "k", bodyHash: "h" };
    const both = [life.engine.start(requestOf({ key })), life.engine.start(requestOf({ key }))];
    const [one, two] = await life.settled(Promise.all(both));
    assert.deepEqual([one?.run, one?.repeated, two?.repeated], [two?.run, false, true]);
    assert.equal(await life.codeOf(() => life.engine.start(requestOf({ key: { ...key, bodyHash: "other" } }))), "KEY_REUSED");
    assert.equal((await life.settled(life.engine.start(requestOf({ key })))).repeated, true);
    assert.equal(life.woken().length, 1);
  },
  "E2: take gives the whole journal in order, also what is only on its way": async (life) => {
    const claim = await life.started();
    for (let i = 0; i < 2_500; i++) life.engine.append(claim, step(`s${i}`), null);
    const taken = await life.settled(life.engine.take(claim.run));
    assert.deepEqual(
      taken?.entries.map(({ key }) => key),
      Array.from({ length: 2_500 }, (_, i) => `s${i}`),
    );
    assert.ok(taken?.entries.every(({ hash, data }) => hash === 5 && data === "1"));
  },
  "E2: an older epoch writes nothing": async (life) => {
    const claim = await life.started();
    const newer = new Life(life.bed);
    newer.engine.append(await newer.claim(claim.run), step("newer"), null);
    await life.bed.clock.settle();
    await life.codeOf(() => {
      life.engine.append(claim, step("older"), life.telling("older"));
      return life.engine.flushed();
    });
    assert.deepEqual(await newer.keys(claim.run), ["newer"]);
    assert.ok(!life.told.includes("older"));
  },
  "E2: nobody takes a run that is not there": async (life) => {
    assert.equal(await life.settled(life.engine.take("run_nobody00001" as RunId)), null);
    assert.equal(await life.settled(life.engine.claim("run_nobody00001" as RunId)), null);
  },
  "E3: what one write holds is durable together, before anybody is told": async (life) => {
    const [claim, other] = [await life.started(), await life.started()];
    const standing = { status: "completed", wakeAt: null, outputText: '"out"', progressText: null } as const;
    const sends = [{ to: other.run, draft: { kind: "child-completed", key: "c", hash: 0, data: "1" } as const }];
    life.engine.write(claim, { entries: [step("a"), step("b")], standing, sends }, () => life.told.push("written"));
    assert.deepEqual(life.told, []);
    await life.bed.clock.settle();
    assert.deepEqual(life.told, ["written"]);
    const again = new Life(life.bed);
    assert.deepEqual([await again.keys(claim.run), await again.keys(other.run)], [["a", "b"], ["c"]]);
    assert.equal((await again.settled(again.engine.record(claim.run)))?.run.status, "completed");
  },
  "E3: a child starts together with the entry that says so": async (life) => {
    const claim = await life.started();
    const request: ChildRequest = { ...requestOf(), parentKey: "c", parentClose: "cancel" };
    const entry = (run: RunId): Draft => ({ kind: "child-started", key: "c", hash: 0, data: JSON.stringify({ run }) });
    const child = life.engine.startChild(claim, request, entry, null);
    await life.bed.clock.settle();
    const again = new Life(life.bed);
    assert.deepEqual(await again.keys(claim.run), ["c"]);
    assert.equal((await again.settled(again.engine.record(child)))?.run.parent, claim.run);
    assert.deepEqual(await again.settled(again.engine.openChildren(claim.run)), [{ run: child, close: "cancel" }]);
  },
  "E4: each who waits is told once, in order, and what he was told of stays": async (life) => {
    const claim = await life.started();
    for (const name of ["a", "b", "c"]) life.engine.append(claim, step(name), life.telling(name));
    await life.bed.clock.settle();
    await life.bed.clock.settle();
    assert.deepEqual(life.told, ["a", "b", "c"]);
    assert.deepEqual(await new Life(life.bed).keys(claim.run), ["a", "b", "c"]);
  },
  "E5: a signal is received once per id, also after another life": async (life) => {
    const { run } = await life.started();
    const sent = await life.settled(Promise.all([life.engine.send(run, signal("x")), life.engine.send(run, signal("x"))]));
    assert.deepEqual(sent, ["accepted", "repeated"]);
    assert.equal(life.notes.came.length, 1);
    const again = new Life(life.bed);
    assert.equal(await again.settled(again.engine.send(run, signal("x"))), "repeated");
    assert.deepEqual(await again.keys(run), ["x"]);
  },
  "E5: an ended run refuses, and so does one that is not there": async (life) => {
    const claim = await life.started();
    life.engine.write(
      claim,
      { entries: [], standing: { status: "completed", wakeAt: null, outputText: "1", progressText: null } },
      null,
    );
    assert.equal(await life.settled(life.engine.send(claim.run, signal("early"))), "ended");
    assert.equal(await life.settled(life.engine.send(claim.run, signal("late"))), "ended");
    assert.equal(await life.settled(life.engine.send("run_nobody00001" as RunId, signal("x"))), "unknown");
    assert.deepEqual(await life.keys(claim.run), []);
  },
  "E5: something that comes for a run out of memory wakes it": async (life) => {
    const { run } = await life.started();
    life.notes.isHome = false;
    await life.settled(life.engine.send(run, signal("x")));
    assert.deepEqual(life.woken(), [run, run]);
  },
  "E6: a run is woken when its moment has come, and never before": async (life) => {
    life.engine.recover();
    const claim = await life.started();
    const wakeAt = life.bed.clock.now() + 90_000;
    life.engine.write(claim, { entries: [], standing: { status: "waiting", wakeAt, progressText: null } }, null);
    await life.bed.clock.advance(89_999);
    assert.equal(life.woken().length, 1);
    await life.bed.clock.advance(20_001);
    assert.equal(life.woken().length, 2);
  },
  "E6: after another life too, also where the moment has passed": async (life) => {
    const claims = [await life.started(), await life.started()];
    for (const [i, claim] of claims.entries()) {
      const wakeAt = life.bed.clock.now() + (i + 1) * 60_000;
      life.engine.write(claim, { entries: [], standing: { status: "waiting", wakeAt, progressText: null } }, null);
    }
    await life.bed.clock.advance(61_000);
    const again = new Life(life.bed);
    again.engine.recover();
    await life.bed.clock.advance(1_000);
    assert.deepEqual(again.woken(), [claims[0]?.run]);
    await life.bed.clock.advance(70_000);
    assert.ok(again.woken().includes(claims[1]?.run as RunId));
  },
  "E6: runs that were moving are woken by the next life, those that wait are not": async (life) => {
    const [moving, waiting] = [await life.started(), await life.started()];
    life.engine.write(waiting, { entries: [], standing: { status: "waiting", wakeAt: null, progressText: null } }, null);
    await life.bed.clock.settle();
    const again = new Life(life.bed);
    again.engine.recover();
    await life.bed.clock.settle();
    assert.deepEqual(again.woken(), [moving.run]);
  },
  "E7: after a storage error all that is open rejects, nothing is accepted, reads answer": async (life) => {
    const claim = await life.started();
    life.bed.breakStorage();
    const open = [life.engine.flushed(), life.engine.start(requestOf()), life.engine.send(claim.run, signal("x"))];
    life.engine.append(claim, step("lost"), life.telling("lost"));
    const codes = await Promise.all(open.map((one) => life.codeOf(() => one)));
    assert.deepEqual(codes.slice(1), ["STORAGE_FAILED", "STORAGE_FAILED"]);
    assert.deepEqual(life.told, ["lost STORAGE_FAILED"]);
    assert.deepEqual(life.notes.failures, ["STORAGE_FAILED"]);
    for (const act of [
      () => life.engine.start(requestOf()),
      () => life.engine.append(claim, step("x"), null),
      () => life.engine.flushed(),
    ])
      assert.equal(await life.codeOf(act), "STORAGE_FAILED");
    assert.equal((await life.settled(life.engine.record(claim.run)))?.run.id, claim.run);
    assert.equal((await life.settled(life.engine.closed))?.code, "STORAGE_FAILED");
  },
  "closing commits what was accepted": async (life) => {
    const claim = await life.started();
    life.engine.append(claim, step("a"), null);
    await life.settled(Promise.resolve(life.engine[Symbol.asyncDispose]()));
    assert.equal(await life.settled(life.engine.closed), null);
    assert.deepEqual(await new Life(life.bed).keys(claim.run), ["a"]);
  },
};

/** The suite for an engine. `newBed` gives a place without data. */
export function engineConformance(newBed: () => EngineBed): readonly ConformanceCheck[] {
  return Object.entries(CHECKS).map(([name, act]) => ({
    name,
    async run() {
      using bed = newBed();
      await act(new Life(bed));
    },
  }));
}
