// What checks of an engine begin with: a place for its data, a carrier that only keeps what it is told, and lives.

import assert from "node:assert/strict";
import type { RunId } from "../base/id.ts";
import { isProblemError, type ProblemError } from "../base/problem.ts";
import type { Carrier, ChildRequest, Claim, Draft, Engine, Settling, Standing, StartRequest, Taken } from "../engine.ts";
import type { Entry } from "../run.ts";
import type { ManualClock } from "./clock.ts";
import type { Death, DeathMode } from "./mortal-store.ts";
import { WORKFLOW } from "./store-bed.ts";

/** One engine's data and clock. Opened again, it is another process after the death of the first. */
export interface EngineBed extends Disposable {
  readonly clock: ManualClock;
  /** `death`: the moment of becoming durable at which this process ends. Where that cannot be arranged it lives on. */
  open(death?: Death): Engine | Promise<Engine>;
  /** From now on what the engines that are open make durable fails; `answer-lost`: it becomes durable, and fails all the same. */
  breakStorage(mode: "refused" | "answer-lost"): void;
}

export type EngineAct = (life: Life) => Promise<void>;

/** Keeps what it is told. */
class Notes implements Carrier {
  readonly woken: { readonly run: RunId; readonly fresh: Taken | null; readonly at: number }[] = [];
  readonly came: { readonly run: RunId; readonly entry: Entry }[] = [];
  readonly failures: string[] = [];
  readonly #log: string[];
  readonly #now: () => number;
  isHome = true;
  onWake: (run: RunId) => void = () => undefined;
  onCommit: () => void = () => undefined;

  constructor(log: string[], now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  wake(run: RunId, fresh: Taken | null): void {
    this.woken.push({ run, fresh, at: this.#now() });
    this.onWake(run);
  }

  received(run: RunId, entry: Entry): boolean {
    this.came.push({ run, entry });
    this.#log.push(`came ${entry.key}`);
    return this.isHome;
  }

  beforeCommit(): void {
    this.onCommit();
  }

  failed(cause: ProblemError): void {
    this.failures.push(cause.code);
  }
}

/** What came of something: its value, the code it was refused with, or that nobody answered. */
export type Outcome<T> = { readonly value: T } | { readonly code: string } | "unanswered";

/** One process: an engine, and what it told. */
export class Life {
  readonly bed: EngineBed;
  readonly engine: Engine;
  /** Everything told to those who wait and of what came, in order. */
  readonly told: string[] = [];
  readonly notes: Notes;

  constructor(bed: EngineBed, engine: Engine) {
    this.bed = bed;
    this.engine = engine;
    this.notes = new Notes(this.told, () => bed.clock.now());
    engine.carriedBy(this.notes);
  }

  /** Another process on the same data. */
  async next(death?: Death): Promise<Life> {
    return new Life(this.bed, await this.bed.open(death));
  }

  /** Lets all happen that needs no time. */
  async outcome<T>(act: () => T | Promise<T>): Promise<Outcome<T>> {
    let outcome: Outcome<T> = "unanswered";
    Promise.try(act).then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { code: isProblemError(error) ? error.code : String(error) };
      },
    );
    await this.bed.clock.settle();
    return outcome;
  }

  /** What came of a promise that must be kept. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    const outcome = await this.outcome(() => promise);
    assert.ok(outcome !== "unanswered" && "value" in outcome, `refused: ${JSON.stringify(outcome)}`);
    return outcome.value;
  }

  /** `accepted`, `unanswered`, or the code it was refused with. */
  async codeOf(act: () => unknown): Promise<string> {
    const outcome = await this.outcome(act);
    if (outcome === "unanswered") return outcome;
    return "code" in outcome ? outcome.code : "accepted";
  }

  async started(more: Partial<StartRequest> = {}): Promise<Claim> {
    const { run } = await this.settled(this.engine.start(requestOf(more)));
    return await this.claim(run);
  }

  async startedMany(count: number): Promise<Claim[]> {
    const started = Array.from({ length: count }, () => this.engine.start(requestOf()));
    const runs = await this.settled(Promise.all(started));
    return await this.settled(Promise.all(runs.map(({ run }) => this.engine.claim(run).then((claim) => claim ?? assert.fail()))));
  }

  async claim(run: RunId): Promise<Claim> {
    return (await this.taken(run)).claim;
  }

  async taken(run: RunId): Promise<Taken> {
    const taken = await this.settled(this.engine.take(run));
    assert.ok(taken !== null, `${run} is not there`);
    return taken;
  }

  async keys(run: RunId): Promise<(string | null)[]> {
    return (await this.taken(run)).entries.map(({ key }) => key);
  }

  async statusOf(run: RunId): Promise<string> {
    return (await this.settled(this.engine.record(run)))?.run.status ?? "unknown";
  }

  telling(name: string): Settling {
    return { settled: () => void this.told.push(name), lost: (cause) => void this.told.push(`${name} ${cause.code}`) };
  }

  stand(claim: Claim, standing: Standing): void {
    this.engine.write(claim, { entries: [], standing }, null);
  }

  woken(): RunId[] {
    return this.notes.woken.map(({ run }) => run);
  }
}

const MODES: readonly DeathMode[] = ["before", "after", "answer-lost"];

/**
 * Lets `act` happen in lives that end at each of their first moments of becoming durable, in each way; `look` sees what
 * the next life finds. What `act` needs is made by `prepare`, in a life before.
 */
export async function overDeaths<S, T>(
  life: Life,
  prepare: (before: Life) => Promise<S>,
  act: (dying: Life, prepared: S) => Promise<T>,
  look: (next: Life, found: S & T, dying: Life) => Promise<void>,
): Promise<void> {
  for (const mode of MODES) {
    for (const atCommit of [1, 2, 3]) {
      const prepared = await prepare(await life.next());
      await life.bed.clock.settle();
      const dying = await life.next({ atCommit, mode });
      const done = await act(dying, prepared);
      await life.bed.clock.settle();
      await look(await life.next(), { ...prepared, ...done }, dying);
    }
  }
}

export function requestOf(more: Partial<StartRequest> = {}): StartRequest {
  return { workflow: WORKFLOW, inputText: '{"n":1}', key: null, timeoutMs: null, ...more };
}

export function childOf(parentKey: string, parentClose: "cancel" | "keep" = "cancel"): ChildRequest {
  return { ...requestOf(), parentKey, parentClose };
}

/** What the journal of a parent says of a child. */
export const childStarted =
  (key: string) =>
  (run: RunId): Draft => ({ kind: "child-started", key, hash: 0, data: JSON.stringify({ run }) });

export function step(name: string, data = "1"): Draft {
  return { kind: "step-completed", key: name, hash: 5, data };
}

export function signal(id: string): Draft {
  return { kind: "signal-received", key: id, hash: 0, data: '{"name":"go","value":1}' };
}

export function waiting(wakeAt: number | null): Standing {
  return { status: "waiting", wakeAt, progressText: null };
}

export const COMPLETED: Standing = { status: "completed", wakeAt: null, outputText: '"out"', progressText: null };

export const NOBODY = "run_nobody00001" as RunId;
