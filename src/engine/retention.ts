// Retention: ended runs leave by age and by count, and their space is given back. Nothing leaves before every reading of
// the journals has passed it.

import type { Timer } from "../base/clock.ts";
import type { RunId } from "../base/id.ts";
import { RATE_SPAN_MS_MAX } from "../flow.ts";
import { limits, type RetentionPolicy } from "../run.ts";
import type { Store } from "../store.ts";
import type { Engine } from "./port.ts";

export interface Retaining {
  readonly store: Pick<Store, "expired" | "tidy" | "sweepPayloads" | "ids" | "retentions">;
  readonly engine: Engine;
  /** Of workflows that say nothing of their own; null: their runs are kept for ever. */
  readonly policy: RetentionPolicy | null;
  /** Deletes an ended run and the ended runs below it. */
  delete(run: RunId): Promise<number>;
  /** Whether every reading has passed this run, so that its journal may go. */
  readonly isRead?: (run: RunId) => boolean;
}

/** Files of payloads are looked through at the first sweep, and at every so many. */
const PAYLOAD_SWEEP_EVERY = 60;

/** Runs deleted in one go. */
const PAGE = 200;

export class Retention {
  readonly #world: Retaining;
  #timer: Timer | null = null;
  #sweeps = 0;
  #isStopped = false;

  constructor(world: Retaining) {
    this.#world = world;
  }

  start(): void {
    this.#timer = this.#world.engine.clock.after(limits.RETENTION_SWEEP_MS, () => {
      this.sweep()
        .catch(() => undefined) // only a stopped engine rejects, and tells everybody itself
        .finally(() => {
          if (!this.#isStopped) this.start();
        });
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Lets go what may go now; gives how many runs went. */
  async sweep(): Promise<number> {
    const { store, engine, policy } = this.#world;
    const own = store.retentions();
    let gone = 0;
    for (const { workflow, policyText } of own) {
      const said = JSON.parse(policyText) as RetentionPolicy | null;
      if (said !== null) gone += await this.#letGo(workflow, said, []);
    }
    if (policy !== null)
      gone += await this.#letGo(
        null,
        policy,
        own.map(({ workflow }) => workflow),
      );
    const now = engine.clock.now();
    store.tidy({
      ...{ eventsBefore: now - limits.EVENT_KEPT_MS, eventCountMax: limits.EVENTS_KEPT_MAX },
      ...{ readingsBefore: now - limits.READING_KEPT_MS, rollupsBefore: now - limits.ROLLUP_KEPT_MS },
      fineRollupsBefore: now - limits.FINE_ROLLUP_KEPT_MS,
      lastAnswerCountMax: limits.LAST_ANSWERS_MAX,
      passesBefore: now - RATE_SPAN_MS_MAX,
    });
    if (gone > 0 || this.#sweeps++ % PAYLOAD_SWEEP_EVERY === 0) store.sweepPayloads(); // others delete runs too
    return gone;
  }

  async #letGo(workflow: string | null, { ageMs, countMax }: RetentionPolicy, except: readonly string[]): Promise<number> {
    const { store, engine, isRead = () => true } = this.#world;
    const expiry = { endedBefore: engine.clock.now() - ageMs, countMax, workflow, except };
    let gone = 0;
    while (!this.#isStopped) {
      const runs = store.expired(expiry, PAGE).map((number) => store.ids.of(number));
      const going = runs.filter(isRead);
      const deleted = await Promise.all(going.map((run) => this.#world.delete(run)));
      gone += deleted.reduce((sum, count) => sum + count, 0);
      if (runs.length < PAGE || going.length === 0) return gone; // the rest waits for its readers
      await new Promise<void>((resolve) => engine.clock.soon(resolve));
    }
    return gone;
  }
}
