// The suites that every store and every engine must pass, and that they can fail: planted faults, each found.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Clock } from "../src/base/clock.ts";
import { seededRandom } from "../src/base/random.ts";
import { type Engine, openEmbeddedEngine, type Settling } from "../src/engine.ts";
import { type Commit, openSqlite, type Store, storeProblems } from "../src/store.ts";
import {
  type ConformanceCheck,
  type EngineBed,
  engineConformance,
  manualClock,
  mortalStore,
  type StoreBed,
  storeConformance,
} from "../src/testing.ts";

type WrapStore = (store: Store, clock: Clock) => Store;
type WrapEngine = (engine: Engine, clock: Clock) => Engine;

function checksOf(checks: readonly ConformanceCheck[]): void {
  for (const { name, run } of checks) test(name, run);
}

const DISK = tmpdir();

/** Memory-backed where the system has such a place: the same files, and no waiting for syncs. */
const MEMORY = existsSync("/dev/shm") ? "/dev/shm" : DISK;

function folder(root: string): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(root, "baton-conformance-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** SQLite in a file. What is open when a check ends is closed. */
function sqliteBed(root: string, wrap: (store: Store) => Store = (store) => store) {
  const all = new DisposableStack();
  const { path } = all.use(folder(root));
  return {
    open(): Store {
      const store = openSqlite({ path: join(path, "baton.db"), random32: 5 });
      all.use(store);
      return wrap(store);
    },
    [Symbol.dispose]: () => all[Symbol.dispose](),
  } satisfies StoreBed;
}

/** The embedded engine on it. A death is one of its store, whose process is then never heard of again. */
function embeddedBed(root: string, wrapStore: WrapStore = (store) => store, wrap: WrapEngine = (engine) => engine): EngineBed {
  const bed = sqliteBed(root);
  const clock = manualClock();
  const broken: ("refused" | "answer-lost" | null)[] = [];
  return {
    clock,
    open(death) {
      const life = broken.push(null) - 1;
      const mortal = mortalStore(
        failing(bed.open(), () => broken[life] ?? null),
        death ?? null,
      );
      return wrap(openEmbeddedEngine({ store: wrapStore(mortal, clock), clock, random32: seededRandom(1) }), clock);
    },
    breakStorage: (mode) => void broken.fill(mode),
    [Symbol.dispose]: () => bed[Symbol.dispose](),
  };
}

function failing(store: Store, how: () => "refused" | "answer-lost" | null): Store {
  return {
    ...store,
    commit(commit) {
      if (how() !== "refused") void store.commit(commit);
      if (how() !== null) throw storeProblems.STORAGE_FAILED("The disk is gone.");
    },
  };
}

/** Answers some turns of the loop later, as a store in another thread would. */
const later: WrapStore = (store, clock) => {
  const turns = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await new Promise<void>((resolve) => clock.soon(resolve));
  };
  return {
    ...store,
    async commit(commit) {
      await turns(2);
      await store.commit(commit);
      await turns(2);
    },
  };
};

describe("SQLite keeps the promises of a store", () => checksOf(storeConformance(() => sqliteBed(DISK))));

describe("the embedded engine keeps the promises of an engine", () => checksOf(engineConformance(() => embeddedBed(DISK))));

describe("on a store that answers later, too", () => checksOf(engineConformance(() => embeddedBed(MEMORY, later))));

interface StoreFault {
  readonly foundBy: string;
  readonly wrap: (store: Store) => Partial<Store>;
}

/** Shared by all who open a store without fences. */
const newest = { epoch: 0 };

const storeFaults: Readonly<Record<string, StoreFault>> = {
  "forgets the last entry of a commit": {
    foundBy: "S1: what was committed is there when it is opened again",
    wrap: (store) => ({ commit: (what) => store.commit({ ...what, entries: what.entries.slice(0, -1) }) }),
  },
  "tells before it has written": {
    foundBy: "S1: it needs no closing: another reader sees a commit as soon as it is told",
    wrap: (store) => ({
      commit: (what) => void setImmediate(() => Promise.try(() => store.commit(what)).catch(() => undefined)),
    }),
  },
  "commits in two halves": {
    foundBy: "S2: a commit that cannot be made whole leaves nothing",
    wrap: (store) => ({
      commit(what) {
        store.commit({ ...what, entries: [], updates: [] });
        return store.commit({ ...what, starts: [], resets: [], stirs: [] });
      },
    }),
  },
  "lets an older epoch write": {
    foundBy: "S3: an older epoch is refused, and nothing of its commit is written",
    wrap: (store) => ({
      claim() {
        newest.epoch = store.claim();
        return newest.epoch;
      },
      commit: (what) => store.commit({ ...what, epoch: newest.epoch }),
    }),
  },
  "reads a journal backwards": {
    foundBy: "S4: a journal reads back in order, exactly, a page at a time",
    wrap: (store) => ({ journal: (...args) => store.journal(...args).toReversed() }),
  },
  "forgets signals of older journals": {
    foundBy: "S5: a signal id is known, also when its entry left with an older journal",
    wrap: (store) => ({ hasSignal: (run, id) => store.journal(run, 0, 1_000).some(({ key }) => key === id) }),
  },
  "drops every signal with the old journal": {
    foundBy: "S5: a journal begun anew has a new input and seed, keeps what it is told to and the run's own",
    wrap: (store) => ({
      commit: (what) => store.commit({ ...what, resets: what.resets.map((reset) => ({ ...reset, keepSeqs: [] })) }),
    }),
  },
  "has one list of keys for all namespaces": {
    foundBy: "S5: a key belongs to a namespace and a name, in every version, also when its run has ended",
    wrap: (store) => ({ byKey: ({ name }, key) => store.byKey({ namespace: "default", name }, key) }),
  },
  "keeps its refusals to itself": {
    foundBy: "S6: after a refused commit it still reads, and opening again tells the truth",
    wrap: (store) => ({ commit: (what) => void Promise.try(() => store.commit(what)).catch(() => undefined) }),
  },
  "gives one page of those that have not ended": {
    foundBy: "thousands of unended runs are read in pages, each once",
    wrap: (store) => ({ unended: (statuses, after, limit) => (after > 0 ? [] : store.unended(statuses, after, limit)) }),
  },
  "drops what is kept beside journals": {
    foundBy: "S1: events are kept once per source and id, in order, and read by type",
    wrap: (store) => ({ commit: (what) => store.commit({ ...what, changes: [] }) }),
  },
  "does not take out what a rewind names": {
    foundBy: "S5: a rewind takes out what it names, and lets an ended run go on",
    wrap: (store) => ({
      commit: (what) => store.commit({ ...what, rewinds: what.rewinds.map((rewind) => ({ ...rewind, dropSeqs: [] })) }),
    }),
  },
  "gives the number of a deleted run again": {
    foundBy: "S5: of a deleted run nothing is kept, and neither its number nor its seqs are given again",
    wrap: (store) => ({ tail: () => ({ run: store.runs({ limit: 1_000 }).runs.length, seq: store.tail().seq }) }),
  },
  "lets go what stays": {
    foundBy: "what may go is old or one too many, has ended, and is below nothing that stays",
    wrap: (store) => ({ expired: (expiry, limit) => store.expired({ ...expiry, workflow: null }, limit) }),
  },
  "does not stir whom something came for": {
    foundBy: "a stirred run that waits counts as running, and no other",
    wrap: (store) => ({ commit: (what) => store.commit({ ...what, stirs: [] }) }),
  },
};

interface EngineFault {
  readonly foundBy: string;
  readonly store?: (store: Store) => Partial<Store>;
  readonly engine?: (engine: Engine, clock: Clock) => Partial<Engine>;
}

/** The same, but for how it is told. */
function toldBy(then: Settling | null, settled: (tell: () => void) => void): Settling | null {
  return then === null ? null : { settled: (entry) => settled(() => then.settled(entry)), lost: (cause) => then.lost(cause) };
}

/** Each commit as two. */
function inTwo(store: Store, first: Partial<Commit>, second: Partial<Commit>): Partial<Store> {
  return {
    async commit(what) {
      await store.commit({ ...what, ...first });
      await store.commit({ ...what, ...second });
    },
  };
}

const engineFaults: Readonly<Record<string, EngineFault>> = {
  "forgets start keys": {
    foundBy: "E1: the same key and body give the same run, at once too; another body is refused",
    engine: (engine) => ({ start: (request) => engine.start({ ...request, key: null }) }),
  },
  "gives only the first page of a journal": {
    foundBy: "E2: take gives the whole journal in order, also what is only on its way",
    store: (store) => ({ journal: (run, after, limit) => (after > 0 ? [] : store.journal(run, after, limit)) }),
  },
  "tells of what is not durable": {
    foundBy: "E3: what one write holds is durable together, before anybody is told",
    store: () => ({ commit: () => undefined }),
  },
  "writes entries and standings one after the other": {
    foundBy: "E3: wherever a process dies, all of a write is there or nothing, and what was told is",
    store: (store) => inTwo(store, { updates: [] }, { starts: [], resets: [], entries: [], stirs: [] }),
  },
  "writes a child before the entry of its parent": {
    foundBy: "E3: a child starts together with the entry that says so, wherever the process dies",
    store: (store) => inTwo(store, { resets: [], entries: [], updates: [], stirs: [] }, { starts: [] }),
  },
  "does not ask before it commits": {
    foundBy: "E3: a nudge asks the carrier, also where nothing else is to be written",
    engine: () => ({ nudge: () => undefined }),
  },
  "tells some a turn later than others": {
    foundBy: "E4: over all runs they are told in the order in which it was written, what came for a run included",
    engine: (engine, clock) => {
      const late = (then: Settling | null) => toldBy(then, (tell) => clock.soon(tell));
      return { append: (claim, draft, then) => engine.append(claim, draft, late(then)) };
    },
  },
  "tells twice": {
    foundBy: "E4: each who waits is told once, in order, and what he was told of stays",
    engine: (engine) => {
      const twice = (tell: () => void): void => {
        tell();
        tell();
      };
      return { append: (claim, draft, then) => engine.append(claim, draft, toldBy(then, twice)) };
    },
  },
  "does not know a signal again": {
    foundBy: "E5: a signal is received once per id, also after another life",
    store: () => ({ hasSignal: () => false }),
  },
  "answers a signal before it is durable": {
    foundBy: "E5: a signal that was cut off and is sent again is received once; an answered one is there",
    engine: (engine) => ({
      async send(to, draft) {
        engine.send(to, draft).catch(() => undefined);
        return "accepted";
      },
    }),
  },
  "says that an ended run took it": {
    foundBy: "E5: an ended run refuses, also one that ends in the same turn, and so does one that is not there",
    engine: (engine) => ({
      send: (to, draft) => engine.send(to, draft).then((sent) => (sent === "ended" ? "accepted" : sent)),
    }),
  },
  "wakes too early": {
    foundBy: "E6: a run is woken when its moment has come, and never before",
    store: (store) => ({
      due: (until, limit, root) => store.due(until + 3_600_000, limit, root).map(({ number }) => ({ number, wakeAt: 0 })),
    }),
  },
  "forgets who was moving": {
    foundBy: "E6: thousands that were moving are woken, each once",
    store: () => ({ unended: () => [] }),
  },
  "forgets children of ended parents": {
    foundBy: "E6: children that were to end with a parent that has ended are woken, those that outlive it are not",
    store: () => ({ leftBehind: () => [] }),
  },
  "leaves in the dark who waits when its storage fails": {
    foundBy: "E7: all that is open rejects, whoever waits is told once",
    engine: (engine) => ({
      append: (claim, draft, then) => engine.append(claim, draft, then === null ? null : { ...then, lost: () => undefined }),
    }),
  },
  "flushes as if nothing had happened": {
    foundBy: "E7: nothing more is accepted",
    engine: () => ({ flushed: async () => undefined }),
  },
  "reads no more once it has failed": {
    foundBy: "E7: reads still answer, with what is durable",
    engine: (engine) => ({
      async record(run) {
        await engine.flushed();
        return await engine.record(run);
      },
    }),
  },
};

/** The same engine but for some methods. */
function withMethods(engine: Engine, methods: Partial<Engine>): Engine {
  return new Proxy(engine, {
    get(target, key) {
      const found: unknown = key in methods ? Reflect.get(methods, key) : Reflect.get(target, key, target);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}

function checkOf(checks: readonly ConformanceCheck[], name: string): ConformanceCheck {
  return checks.find((check) => check.name === name) ?? assert.fail(`no check "${name}"`);
}

async function mustFail(checks: readonly ConformanceCheck[], name: string): Promise<void> {
  const { run } = checkOf(checks, name);
  await assert.rejects(async () => await run(), assert.AssertionError, `"${name}" found nothing`);
}

describe("the suites find what is broken", () => {
  for (const [name, { foundBy, wrap }] of Object.entries(storeFaults)) {
    const bed = () => sqliteBed(MEMORY, (store) => ({ ...store, ...wrap(store) }));
    test(`a store that ${name}: ${foundBy}`, () => mustFail(storeConformance(bed), foundBy));
  }
  for (const [name, { foundBy, store, engine }] of Object.entries(engineFaults)) {
    const wrapStore: WrapStore = (inner) => ({ ...inner, ...store?.(inner) });
    const wrapEngine: WrapEngine = (inner, clock) => withMethods(inner, engine?.(inner, clock) ?? {});
    const bed = () => embeddedBed(MEMORY, wrapStore, wrapEngine);
    test(`an engine that ${name}: ${foundBy}`, () => mustFail(engineConformance(bed), foundBy));
  }

  test("what is wrapped and not broken passes the same checks", async () => {
    const store = storeConformance(() => sqliteBed(MEMORY, (inner) => ({ ...inner })));
    for (const { foundBy } of Object.values(storeFaults)) await checkOf(store, foundBy).run();
    const engine = engineConformance(() =>
      embeddedBed(
        MEMORY,
        (inner) => ({ ...inner }),
        (inner) => withMethods(inner, {}),
      ),
    );
    for (const { foundBy } of Object.values(engineFaults)) await checkOf(engine, foundBy).run();
  });
});
