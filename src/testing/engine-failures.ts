// What every engine must pass when its storage fails (E7), and when it is closed.

import assert from "node:assert/strict";
import {
  COMPLETED,
  childOf,
  childStarted,
  type EngineAct,
  type Life,
  type Outcome,
  requestOf,
  signal,
  step,
  waiting,
} from "./engine-bed.ts";

type Checks = Readonly<Record<string, EngineAct>>;

type Acts = Readonly<Record<string, () => unknown>>;

/** Everything that changes something. */
async function changing(life: Life): Promise<Acts> {
  const claim = await life.started();
  const { engine } = life;
  return {
    start: () => engine.start(requestOf()),
    "start with a key": () => engine.start(requestOf({ key: { key: "k", bodyHash: "h" } })),
    startChild: () => engine.startChild(claim, childOf("c"), childStarted("c"), null),
    append: () => engine.append(claim, step("x"), null),
    write: () => engine.write(claim, { entries: [step("x")], standing: waiting(null) }, null),
    send: () => engine.send(claim.run, signal("x")),
    recover: () => engine.recover(),
  };
}

/** Each act with the code it is refused with. */
async function refusals(life: Life, acts: Acts): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, act] of Object.entries(acts)) found[name] = await life.codeOf(act);
  return found;
}

function allWith(acts: Acts, code: string): Record<string, string> {
  return Object.fromEntries(Object.keys(acts).map((name) => [name, code]));
}

/** Watches promises that are to settle later. */
function watch(outcomes: Map<string, Outcome<unknown>>, name: string, act: () => unknown): void {
  outcomes.set(name, "unanswered");
  Promise.try(act).then(
    (value) => outcomes.set(name, { value }),
    (error: { code?: string }) => outcomes.set(name, { code: String(error.code) }),
  );
}

const storageFails: Checks = {
  "E7: all that is open rejects, whoever waits is told once": async (life) => {
    const claim = await life.started();
    life.bed.breakStorage("refused");
    const open = new Map<string, Outcome<unknown>>();
    watch(open, "start", () => life.engine.start(requestOf()));
    watch(open, "start with a key", () => life.engine.start(requestOf({ key: { key: "k", bodyHash: "h" } })));
    watch(open, "the same again", () => life.engine.start(requestOf({ key: { key: "k", bodyHash: "h" } })));
    watch(open, "send", () => life.engine.send(claim.run, signal("x")));
    life.engine.append(claim, step("a"), life.telling("a"));
    life.engine.startChild(claim, childOf("c"), childStarted("c"), life.telling("c"));
    life.engine.write(claim, { entries: [step("w")] }, () => life.told.push("written"));
    watch(open, "flushed", () => life.engine.flushed());
    await life.bed.clock.settle();
    const wanted = [...open.keys()].map((name) => [name, { code: "STORAGE_FAILED" }]);
    assert.deepEqual(Object.fromEntries(open), Object.fromEntries(wanted));
    assert.deepEqual(life.told, ["a STORAGE_FAILED", "c STORAGE_FAILED"]);
    assert.deepEqual([life.notes.failures, life.notes.came], [["STORAGE_FAILED"], []]);
    assert.equal((await life.settled(life.engine.closed))?.code, "STORAGE_FAILED");
  },
  "E7: what was accepted while the failing commit was under way settles too": async (life) => {
    const claim = await life.started();
    life.bed.breakStorage("refused");
    const open = new Map<string, Outcome<unknown>>();
    const more = (turn: number) => {
      watch(open, `start ${turn}`, () => life.engine.start(requestOf()));
      watch(open, `send ${turn}`, () => life.engine.send(claim.run, signal(`x${turn}`)));
      watch(open, `append ${turn}`, () => appended(life, () => life.engine.append(claim, step("b"), life.telling(`b${turn}`))));
      watch(open, `flushed ${turn}`, () => life.engine.flushed());
    };
    life.engine.append(claim, step("a"), life.telling("a"));
    more(0);
    for (const turn of [1, 2]) life.bed.clock.soon(() => more(turn));
    await life.bed.clock.settle();
    const unanswered = [...open].filter(([, outcome]) => JSON.stringify(outcome) !== '{"code":"STORAGE_FAILED"}');
    assert.deepEqual(unanswered, []);
    assert.equal(life.told.filter((told) => told === "a STORAGE_FAILED").length, 1);
    assert.equal(new Set(life.told).size, life.told.length, life.told.join());
  },
  "E7: nothing more is accepted": async (life) => {
    const acts = await changing(life);
    await failed(life);
    assert.deepEqual(await refusals(life, acts), allWith(acts, "STORAGE_FAILED"));
    assert.equal(await life.codeOf(() => life.engine.flushed()), "STORAGE_FAILED");
    life.engine.nudge();
    await life.bed.clock.settle();
    assert.equal(life.notes.failures.length, 1);
  },
  "E7: reads still answer, with what is durable": async (life) => {
    const claim = await life.started();
    const child = life.engine.startChild(claim, childOf("c"), childStarted("c"), null);
    await life.bed.clock.settle();
    await failed(life);
    assert.equal((await life.settled(life.engine.record(claim.run)))?.run.id, claim.run);
    assert.deepEqual(await life.settled(life.engine.openChildren(claim.run)), [{ run: child, close: "cancel" }]);
    assert.equal((await life.settled(life.engine.claim(claim.run)))?.run, claim.run);
    assert.notEqual(await life.codeOf(() => life.engine.take(claim.run)), "unanswered");
  },
  "E7: nobody is woken any more": async (life) => {
    life.engine.recover();
    const claim = await life.started();
    life.stand(claim, waiting(life.bed.clock.now() + 5_000));
    await life.bed.clock.settle();
    await failed(life);
    const before = life.woken().length;
    await life.bed.clock.advance(120_000);
    assert.equal(life.woken().length, before);
  },
  "E7: a failed engine can be closed, and says why it stopped": async (life) => {
    await failed(life);
    await life.settled(Promise.resolve(life.engine[Symbol.asyncDispose]()));
    assert.equal((await life.settled(life.engine.closed))?.code, "STORAGE_FAILED");
  },
  "E7: where only the answer was lost, opening again reads the truth": async (life) => {
    const claim = await life.started();
    const key = { key: "k", bodyHash: "h" };
    life.bed.breakStorage("answer-lost");
    life.engine.append(claim, step("a"), life.telling("a"));
    assert.equal(await life.codeOf(() => life.engine.start(requestOf({ key }))), "STORAGE_FAILED");
    assert.deepEqual(life.told, ["a STORAGE_FAILED"]);
    const next = await life.next();
    const keys = await next.keys(claim.run);
    const { repeated } = await next.settled(next.engine.start(requestOf({ key })));
    assert.deepEqual([keys, repeated], keys.length === 1 ? [["a"], true] : [[], false]);
  },
  "E7: the next life goes on with what is there": async (life) => {
    const claim = await life.started();
    await failed(life);
    const next = await life.next();
    next.engine.recover();
    await next.bed.clock.settle();
    assert.deepEqual(next.woken(), [claim.run]);
    next.engine.append(await next.claim(claim.run), step("on"), next.telling("on"));
    await next.bed.clock.settle();
    assert.deepEqual([next.told, await next.keys(claim.run)], [["on"], ["on"]]);
  },
};

/** Never settles where it was accepted: whether it is told is another matter. */
async function appended(life: Life, act: () => void): Promise<void> {
  act();
  await life.engine.flushed();
}

/** The storage has failed, and the engine knows. */
async function failed(life: Life): Promise<void> {
  life.bed.breakStorage("refused");
  assert.equal(await life.codeOf(() => life.engine.start(requestOf())), "STORAGE_FAILED");
}

const closing: Checks = {
  "closing commits what was accepted": async (life) => {
    const claim = await life.started();
    life.engine.append(claim, step("a"), life.telling("a"));
    const starting = life.engine.start(requestOf());
    await close(life);
    const { run } = await life.settled(starting);
    assert.deepEqual([await life.settled(life.engine.closed), life.told], [null, ["a"]]);
    const next = await life.next();
    assert.deepEqual([await next.keys(claim.run), await next.statusOf(run)], [["a"], "running"]);
  },
  "a closed engine accepts nothing, still reads, and can be closed again": async (life) => {
    const acts = await changing(life);
    const claim = await life.started();
    await close(life);
    await close(life);
    assert.deepEqual(await refusals(life, acts), allWith(acts, "ENGINE_CLOSED"));
    assert.equal(await life.statusOf(claim.run), "running");
    assert.equal((await life.taken(claim.run)).claim.run, claim.run);
  },
  "a closed engine leaves nobody waiting, nudged or not": async (life) => {
    const claim = await life.started();
    await close(life);
    life.engine.nudge();
    assert.notEqual(await life.codeOf(() => life.engine.flushed()), "unanswered");
    assert.notEqual(await life.codeOf(() => life.engine.take(claim.run)), "unanswered");
  },
  "a closed engine wakes nobody": async (life) => {
    life.engine.recover();
    life.stand(await life.started(), waiting(life.bed.clock.now() + 5_000));
    life.stand(await life.started(), COMPLETED);
    await close(life);
    const before = life.woken().length;
    await life.bed.clock.advance(120_000);
    assert.equal(life.woken().length, before);
  },
};

async function close(life: Life): Promise<void> {
  await life.settled(Promise.resolve(life.engine[Symbol.asyncDispose]()));
}

export const failureChecks: Checks = { ...storageFails, ...closing };
