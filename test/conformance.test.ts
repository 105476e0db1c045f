// The suites that every store and every engine must pass, and that they can fail: planted faults, each found.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { seededRandom } from "../src/base/random.ts";
import { type Engine, openEmbeddedEngine } from "../src/engine.ts";
import { openSqlite, type Store, storeProblems } from "../src/store.ts";
import { type EngineBed, engineConformance, manualClock, type StoreBed, storeConformance } from "../src/testing.ts";

type WrapStore = (store: Store) => Store;
type WrapEngine = (engine: Engine) => Engine;

function folder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "baton-conformance-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function sqliteBed(wrap: WrapStore = (store) => store): StoreBed {
  const place = folder();
  return {
    open: () => wrap(openSqlite({ path: join(place.path, "baton.db"), random32: 5 })),
    [Symbol.dispose]: () => place[Symbol.dispose](),
  };
}

function embeddedBed(wrapStore: WrapStore = (store) => store, wrap: WrapEngine = (engine) => engine): EngineBed {
  const stores = new DisposableStack();
  const bed = stores.use(sqliteBed(wrapStore));
  const clock = manualClock();
  let isBroken = false;
  return {
    clock,
    open() {
      const store = stores.use(bed.open());
      const commit: Store["commit"] = (what) => {
        if (isBroken) throw storeProblems.STORAGE_FAILED("The disk is gone.");
        return store.commit(what);
      };
      return wrap(openEmbeddedEngine({ store: { ...store, commit }, clock, random32: seededRandom(1) }));
    },
    breakStorage() {
      isBroken = true;
    },
    [Symbol.dispose]: () => stores[Symbol.dispose](),
  };
}

describe("SQLite keeps the promises of a store", () => {
  for (const { name, run } of storeConformance(() => sqliteBed())) test(name, run);
});

describe("the embedded engine keeps the promises of an engine", () => {
  for (const { name, run } of engineConformance(() => embeddedBed())) test(name, run);
});

describe("on a store that answers later, too", () => {
  const later: WrapStore = (store) => ({ ...store, commit: async (what) => await store.commit(what) });
  for (const { name, run } of engineConformance(() => embeddedBed(later))) test(name, run);
});

/** Which checks find a store or an engine wanting. */
async function broken(checks: readonly { readonly name: string; run(): Promise<void> }[]): Promise<string[]> {
  const found: string[] = [];
  for (const { name, run } of checks) await run().catch(() => found.push(name));
  return found;
}

const storeFaults: Readonly<Record<string, { readonly wrap: WrapStore; readonly promise: string }>> = {
  "forgets the last entry of a commit": {
    promise: "S4",
    wrap: (store) => ({ ...store, commit: (what) => store.commit({ ...what, entries: what.entries.slice(0, -1) }) }),
  },
  "lets an older epoch write": {
    promise: "S3",
    wrap: (store) => ({ ...store, commit: (what) => store.commit({ ...what, epoch: what.epoch === 1 ? 2 : what.epoch }) }),
  },
  "commits in two halves": {
    promise: "S2",
    wrap: (store) => ({
      ...store,
      commit(what) {
        store.commit({ ...what, entries: [], updates: [] });
        return store.commit({ ...what, starts: [], resets: [], stirs: [] });
      },
    }),
  },
  "reads a journal backwards": {
    promise: "S4",
    wrap: (store) => ({ ...store, journal: (...args) => [...store.journal(...args)].reverse() }),
  },
  "forgets signals of older journals": {
    promise: "S5",
    wrap: (store) => ({ ...store, hasSignal: (run, id) => store.journal(run, 0, 1_000).some(({ key }) => key === id) }),
  },
};

/** The same engine but for one method. */
function withMethod<K extends keyof Engine>(engine: Engine, name: K, method: Engine[K]): Engine {
  return new Proxy(engine, {
    get(target, key) {
      const found: unknown = key === name ? method : Reflect.get(target, key, target);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}

const engineFaults: Readonly<
  Record<string, { readonly store?: WrapStore; readonly engine?: WrapEngine; readonly promise: string }>
> = {
  "tells of what is not durable": {
    promise: "E3",
    store: (store) => ({ ...store, commit: () => undefined }),
  },
  "takes a signal twice": {
    promise: "E5",
    store: (store) => ({ ...store, hasSignal: () => false }),
  },
  "wakes too early": {
    promise: "E6",
    store: (store) => ({
      ...store,
      due: (until, limit, root) => store.due(until + 3_600_000, limit, root).map(({ number }) => ({ number, wakeAt: 0 })),
    }),
  },
  "forgets who was moving": {
    promise: "E6",
    store: (store) => ({ ...store, unended: () => [] }),
  },
  "gives only the first page of a journal": {
    promise: "E2",
    store: (store) => ({ ...store, journal: (run, after, limit) => (after > 0 ? [] : store.journal(run, after, limit)) }),
  },
  "swallows the storage's failure": {
    promise: "E7",
    engine: (engine) => withMethod(engine, "flushed", async () => undefined),
  },
};

describe("the suites find what is broken", () => {
  for (const [name, { wrap, promise }] of Object.entries(storeFaults)) {
    test(`a store that ${name}`, async () => {
      const found = await broken(storeConformance(() => sqliteBed(wrap)));
      assert.ok(
        found.some((check) => check.startsWith(promise)),
        `found: ${found.join(" · ")}`,
      );
    });
  }
  for (const [name, { store, engine, promise }] of Object.entries(engineFaults)) {
    test(`an engine that ${name}`, async () => {
      const found = await broken(engineConformance(() => embeddedBed(store, engine)));
      assert.ok(
        found.some((check) => check.startsWith(promise)),
        `found: ${found.join(" · ")}`,
      );
    });
  }
});
