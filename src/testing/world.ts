// A small world for tests: a real store on disk, the embedded engine, a carrier, and a clock moved by hand. It can
// crash at any commit and be opened again on what is left.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { RunId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import { canonicalJson } from "../base/json.ts";
import { seededRandom } from "../base/random.ts";
import { acceptInput, type EmbeddedEngine, type Listener, openEmbeddedEngine, placeOfRun, RunCarrier } from "../engine.ts";
import { type Entry, type JournalReading, openQuestions, type Run, readEntries } from "../run.ts";
import { type Commit, openSqlite, type Store } from "../store.ts";
import type { Answering, Workflow } from "../workflow.ts";
import { type ManualClock, manualClock } from "./clock.ts";
import { type Death, type MortalStore, mortalStore } from "./mortal-store.ts";

export interface WorldOptions {
  readonly workflows?: readonly Workflow[];
  readonly seed?: number;
  readonly clock?: ManualClock;
  readonly strict?: boolean;
  readonly residentMax?: number;
  /** Where this life ends. */
  readonly death?: Death;
  /** Wraps the store of every life, which is told by its number; for slow disks and planted faults. */
  readonly wrapStore?: (store: Store, life: number) => Store;
  /** The clock as the engine sees it; for planted faults. */
  readonly wrapClock?: (clock: Clock) => Clock;
  /** Sees every commit before it is made. */
  readonly onCommit?: (commit: Commit) => void;
  /** Who answers what runs ask of others, made anew in every life. */
  readonly answering?: (life: Pick<Life, "store" | "engine"> & { readonly directory: string }) => Partial<Answering>;
}

interface Life {
  readonly store: MortalStore;
  readonly engine: EmbeddedEngine;
  readonly carrier: RunCarrier;
}

/** Memory-backed where the system has such a place: tests are about order, not about disks. */
function temporaryDirectory(): string {
  return mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "baton-world-"));
}

export class World implements Disposable {
  readonly clock: ManualClock;
  readonly directory = temporaryDirectory();
  readonly #options: WorldOptions;
  readonly #stores: Store[] = [];
  #lives = 0;
  #life: Life;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.clock = options.clock ?? manualClock();
    this.#life = this.#open(options.death ?? null);
  }

  get carrier(): RunCarrier {
    return this.#life.carrier;
  }

  get engine(): EmbeddedEngine {
    return this.#life.engine;
  }

  get store(): MortalStore {
    return this.#life.store;
  }

  #open(death: Death | null): Life {
    const {
      seed = 1,
      strict = true,
      residentMax,
      workflows = [],
      wrapStore = (store) => store,
      wrapClock = (clock) => clock,
      onCommit,
      answering,
    } = this.#options;
    const random32 = seededRandom(seed + 1_000 * this.#lives++);
    const opened = openSqlite({ path: join(this.directory, "baton.db"), random32: seed });
    this.#stores.push(opened);
    const store = mortalStore(wrapStore(opened, this.#lives), death, onCommit);
    const engine = openEmbeddedEngine({ store, clock: wrapClock(mortalClock(this.clock, store)), random32 });
    const carrier = new RunCarrier({
      engine,
      random32,
      strict,
      beside: store,
      ...(answering === undefined ? {} : { answering: answering({ store, engine, directory: this.directory }) }),
      ...(residentMax === undefined ? {} : { residentMax }),
    });
    for (const workflow of workflows) carrier.register(workflow as Workflow, null);
    engine.recover();
    return { store, engine, carrier };
  }

  /** Everything in memory is gone at once; a new life begins on what is on disk, perhaps with its own end set. */
  crash(death: Death | null = null): void {
    this.#life.store.die();
    this.#life = this.#open(death);
  }

  /** Another process takes the directory over while this one, stalled, still believes that it owns it. */
  takeOver(death: Death | null = null): void {
    this.#life = this.#open(death);
  }

  /** Somebody deletes the files of large payloads. */
  losePayloads(): void {
    rmSync(join(this.directory, "payloads"), { recursive: true, force: true });
  }

  /** The number of the present life: 1 for the first. */
  get life(): number {
    return this.#lives;
  }

  /** Null when the world died before the start was answered. */
  async start<I>(workflow: Workflow<I, unknown>, input?: I, key: string | null = null): Promise<RunId | null> {
    const accepted = acceptInput(workflow as Workflow, input);
    const starting = this.engine.start({
      workflow: this.carrier.identityOf(workflow as Workflow),
      inputText: accepted.text,
      key: key === null ? null : { key, bodyHash: canonicalJson(accepted.value as Json) },
      timeoutMs: workflow.timeoutMs,
      place: placeOfRun(workflow as Workflow, accepted.value),
    });
    let run: RunId | null = null;
    let failure: unknown = null;
    starting.then(
      (started) => {
        run = started.run;
      },
      (error: unknown) => {
        failure = error;
      },
    );
    await this.clock.settle();
    if (failure !== null && !this.store.isDead) throw failure;
    return run;
  }

  /** Sends without waiting for the answer, which a crash may swallow. */
  send(run: RunId, draft: { readonly kind: "signal-received" | "answered"; readonly key: string; readonly data: Json }): void {
    this.engine.send(run, { kind: draft.kind, key: draft.key, hash: 0, data: JSON.stringify(draft.data) }).catch(() => undefined);
  }

  signal(run: RunId, name: string, value: Json, id: string): void {
    this.send(run, { kind: "signal-received", key: id, data: { name, value } });
  }

  answer(run: RunId, key: string, value: Json): void {
    this.send(run, { kind: "answered", key, data: { by: "person", who: "tester", value } });
  }

  listen(listener: Listener): Disposable {
    return this.carrier.listen(listener);
  }

  run(id: RunId): Run {
    const record = this.store.record(this.#number(id));
    if (record === null) throw new Error(`There is no run ${id}.`);
    return record.run;
  }

  journal(id: RunId): readonly Entry[] {
    return this.store.journal(this.#number(id), 0, Number.MAX_SAFE_INTEGER);
  }

  reading(id: RunId): JournalReading {
    return readEntries(new Map(), this.journal(id));
  }

  questions(id: RunId): readonly string[] {
    return openQuestions(this.reading(id)).map(({ key }) => key);
  }

  #number(id: RunId): number {
    const number = this.store.ids.numberOf(id);
    if (number === null) throw new Error(`${id} is of another world.`);
    return number;
  }

  [Symbol.dispose](): void {
    this.#life.store.die();
    for (const store of this.#stores) store[Symbol.dispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The clock of one life: once it is over, its timers ring for nobody. */
function mortalClock(clock: Clock, store: MortalStore): Clock {
  const whileAlive = (act: () => void) => (): void => (store.isDead ? undefined : act());
  return {
    now: () => clock.now(),
    after: (delayMs, act) => clock.after(delayMs, whileAlive(act)),
    soon: (act) => clock.soon(whileAlive(act)),
  };
}
