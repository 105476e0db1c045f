// The services of a data directory: what is kept of them, the desk that calls them, and what is learned on the way.

import type { Clock } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import type { Problem } from "../base/problem.ts";
import type { EmbeddedEngine } from "../engine.ts";
import { type KeptFigures, type ReadReading, type RollupKey, readFigures, rolledUp } from "../monitor.ts";
import {
  Desk,
  HealthWatch,
  judge,
  type KeptState,
  type Paying,
  type Reach,
  type Service,
  type ServiceDefinition,
  type ServiceEvent,
  serviceOfCode,
} from "../services.ts";
import type { FreeChange, KeptService, Store } from "../store.ts";
import { Ledger } from "../trust.ts";
import { readKept, stateIn } from "./kept-service.ts";
import { holdMcp, reachServices, useAudit } from "./outside.ts";

/** Readings folded at once. */
const PAGE = 1_000;

/** So many readings may wait to be folded. */
const UNFOLDED_MAX = 1_000;

const FOLD = "services";

export interface ServiceDeskOptions {
  readonly store: Store;
  readonly engine: EmbeddedEngine;
  readonly clock: Clock;
  /** Services of a program; those that are kept give way to them. */
  readonly services: readonly ServiceDefinition[];
  /** Who pays for calls. */
  readonly paying: Paying;
  /** Looks at their health again and again. */
  readonly isWatched: boolean;
}

/** Null where it cannot be read: all is learned anew of the readings that are there. */
function ledgerIn(stateText: string): Ledger | null {
  try {
    return Ledger.restore(JSON.parse(stateText) as Json);
  } catch {
    return null;
  }
}

export class ServiceDesk implements AsyncDisposable {
  readonly desk: Desk;
  readonly #options: ServiceDeskOptions;
  readonly #reach: Reach;
  readonly #auditing: Disposable;
  readonly #mcp = holdMcp();
  readonly #watch: HealthWatch | null;
  /** What was learned of all readings until `#position`. */
  readonly #ledger: Ledger;
  #position: number;
  /** Readings until this are in the rollups. */
  readonly #counted: number;
  /** Figures of readings until `#position` that are not written yet. */
  #pending: ReadReading[] = [];
  #kept = 0;
  #folding: Promise<void> = Promise.resolve();
  /** Kept definitions as they were read last. */
  readonly #loaded = new Map<string, string>();
  /** Those that a program or a file gave: they are not kept, and go before those that are. */
  readonly #offered = new Set<string>();
  readonly #listeners = new Set<(event: ServiceEvent) => void>();
  /** Kept services that cannot be read any more, with why. */
  readonly broken = new Map<string, Problem>();

  constructor(options: ServiceDeskOptions) {
    const { store, clock, services, isWatched } = options;
    this.#options = options;
    const fold = store.fold(FOLD);
    const ledger = fold === null ? null : ledgerIn(fold.stateText);
    this.#ledger = ledger ?? new Ledger();
    this.#position = ledger === null ? 0 : (fold?.position ?? 0);
    this.#counted = fold?.position ?? 0;
    this.#reach = reachServices();
    this.#auditing = useAudit((what, facts) =>
      this.#keep([{ kind: "audit", at: clock.now(), what, text: JSON.stringify(facts) }]),
    );
    this.desk = new Desk({
      ...{ reach: this.#reach, clock, elapsed: () => performance.now(), keep: (changes) => this.#keep(changes) },
      files: {
        put: (bytes, run) => this.#putFile(bytes, run),
        get: (name, run) => this.#file(name, run),
      },
      lastAnswer: (key) => store.lastAnswer(key),
      ledger: () => {
        this.#catchUp();
        return this.#ledger;
      },
      paying: options.paying,
      observe: (event) => this.#tell(event),
    });
    this.#watch = isWatched ? new HealthWatch({ desk: this.desk, ...this.healthOptions }) : null;
    this.reload();
    for (const definition of services) this.offer(serviceOfCode(definition));
  }

  get healthOptions() {
    return {
      reach: this.#reach,
      clock: this.#options.clock,
      elapsed: () => performance.now(),
      keep: (changes: readonly FreeChange[]) => this.#keep(changes),
    };
  }

  /** Takes in the readings that were written since. */
  #catchUp(): void {
    for (;;) {
      const page = this.#options.store.readings(this.#position, PAGE);
      for (const reading of page) {
        const facts = JSON.parse(reading.text) as Record<string, Json>;
        judge(this.#ledger, reading, facts);
        if (reading.seq > this.#counted) this.#pending.push({ reading, facts });
      }
      this.#position = page.at(-1)?.seq ?? this.#position;
      if (page.length < PAGE) return;
    }
  }

  /** Reads the kept services again: those that changed are changed, those that are gone are gone. */
  reload(): void {
    const kept = this.#options.store.services();
    const ids = new Set(kept.map(({ id }) => id));
    for (const id of this.#loaded.keys()) if (!ids.has(id)) this.#loaded.delete(id);
    for (const { service } of this.desk.standings())
      if (!ids.has(service.id) && !this.#offered.has(service.id)) this.desk.remove(service.id);
    this.broken.clear();
    for (const one of kept) if (!this.#offered.has(one.id)) this.#load(one);
    this.#watch?.follow();
  }

  /** One that is as it was stays as it is, with all that is known of it. */
  #load({ id, definitionText, stateText }: KeptService): void {
    if (this.#loaded.get(id) === definitionText) return;
    const service = readKept({ id, definitionText });
    if ("problem" in service) {
      this.broken.set(id, service.problem);
      this.#loaded.delete(id);
      this.desk.remove(id);
      return;
    }
    this.desk.set(service);
    this.#loaded.set(id, definitionText);
    try {
      this.desk.standing(id).recall(stateIn(stateText) as KeptState);
    } catch {
      this.desk.standing(id).recall({}); // as good as never having looked
    }
  }

  /** A service of a program or a file, for as long as this is open. Throws SERVICE_DEFINITION_INVALID. */
  offer(service: Service): void {
    this.#offered.add(service.id);
    this.desk.set(service);
    this.#watch?.follow();
  }

  isOffered(id: string): boolean {
    return this.#offered.has(id);
  }

  listen(listener: (event: ServiceEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #tell(event: ServiceEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #keep(changes: readonly FreeChange[]): void {
    this.#options.engine.keep(changes).catch(() => undefined); // the engine has stopped, and says so itself
    this.#kept += changes.length;
    if (this.#kept < UNFOLDED_MAX) return;
    this.#kept = 0;
    this.#options.clock.soon(() => void this.fold().catch(() => undefined));
  }

  #putFile(bytes: Uint8Array, run: string | null): string {
    const hash = this.#options.store.putFile(bytes);
    this.#ownFile(hash, run);
    return `blob_${hash}`;
  }

  #file(name: string, run: string | null): Buffer | null {
    const hash = name.replace(/^blob_/, "");
    const bytes = this.#options.store.file(hash);
    if (bytes !== null) this.#ownFile(hash, run);
    return bytes;
  }

  #ownFile(hash: string, run: string | null): void {
    const owner = run === null ? null : this.#options.store.ids.numberOf(run as never);
    if (owner !== null) this.#keep([{ kind: "file", hash, owner }]);
  }

  /** Writes what the readings that came since amount to; one after the other, because each adds to what is written. */
  fold(): Promise<void> {
    this.#folding = this.#folding.then(() => this.#foldNow());
    return this.#folding;
  }

  async #foldNow(): Promise<void> {
    this.#catchUp();
    if (this.#pending.length === 0) return;
    const { store, engine } = this.#options;
    const pending = this.#pending;
    this.#pending = [];
    const known = (key: RollupKey): KeptFigures | null => {
      const found = store.rollup(key);
      return found === null ? null : readFigures(found.figuresText);
    };
    const stateText = JSON.stringify(this.#ledger.snapshot());
    await engine.keep([...rolledUp(pending, known), { kind: "fold", name: FOLD, position: this.#position, stateText }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch?.stop();
    this.#auditing[Symbol.dispose]();
    this.desk.keepStates();
    await this.#options.engine.flushed().catch(() => undefined);
    await this.fold().catch(() => undefined); // what is not folded is folded the next time
    await this.#mcp[Symbol.asyncDispose]();
  }
}
