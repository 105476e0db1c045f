// An engine as the benchmarks use it: SQLite, the embedded engine and a carrier, as the orchestrator joins them, with
// nothing in front and nobody listening.

import { join } from "node:path";
import type { Clock } from "../src/base/clock.ts";
import type { RunId } from "../src/base/id.ts";
import { seededRandom } from "../src/base/random.ts";
import { acceptInput, type EmbeddedEngine, openEmbeddedEngine, RunCarrier } from "../src/engine.ts";
import { limits } from "../src/run.ts";
import { openSqlite, type Store } from "../src/store.ts";
import type { Workflow } from "../src/workflow.ts";
import { tidy } from "./measure.ts";

export const realClock: Clock = {
  now: () => Date.now(),
  after(delayMs, act) {
    const timer = setTimeout(act, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  soon: (act) => void setImmediate(act),
};

export interface EngineOptions {
  readonly directory: string;
  readonly clock?: Clock;
}

export interface OpenedEngine extends AsyncDisposable {
  readonly store: Store;
  readonly engine: EmbeddedEngine;
  readonly carrier: RunCarrier;
  /** Resolves when the run is accepted. */
  start(workflow: Workflow, input?: unknown): Promise<RunId>;
  /** Resolves when the run has ended. */
  runOnce(workflow: Workflow, input?: unknown): Promise<void>;
}

export function openEngine({ directory, clock = realClock }: EngineOptions): OpenedEngine {
  const random32 = seededRandom(1);
  const store = openSqlite({ path: join(directory, "baton.db"), random32: random32() });
  const engine = openEmbeddedEngine({ store, clock, random32 });
  const carrier = new RunCarrier({ engine, random32, strict: false });

  async function start(workflow: Workflow, input: unknown = null): Promise<RunId> {
    const request = {
      workflow: carrier.identityOf(workflow),
      inputText: acceptInput(workflow, input).text,
      key: null,
      timeoutMs: null,
    };
    return (await engine.start(request)).run;
  }
  return {
    ...{ store, engine, carrier, start },
    async runOnce(workflow, input) {
      const run = await start(workflow, input);
      await new Promise<void>((resolve) => carrier.whenSettled(run, resolve));
    },
    async [Symbol.asyncDispose]() {
      await carrier.drain(0);
      await engine[Symbol.asyncDispose]();
      store[Symbol.dispose]();
      tidy();
    },
  };
}

/** Has every waiting run leave memory, as if it had waited long: seen once, and again when that is long ago. */
export async function evictAll(carrier: RunCarrier, now: number): Promise<void> {
  await carrier.evict(now);
  await carrier.evict(now + limits.RESIDENT_IDLE_MS);
  if (carrier.residentCount() > 0) throw new Error(`${carrier.residentCount()} waiting runs stayed in memory.`);
}
