// The services of a data directory: what is kept of them, the desk that calls them, and what is learned on the way.

import type { Clock } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import type { EmbeddedEngine } from "../engine.ts";
import { type Figures, type RollupKey, rolledUp } from "../monitor.ts";
import {
  Desk,
  HealthWatch,
  judge,
  type Reach,
  type Service,
  type ServiceDefinition,
  type ServiceDocument,
  type ServiceEvent,
  serviceOfCode,
  serviceOfDocument,
} from "../services.ts";
import type { FreeChange, KeptService, Store } from "../store.ts";
import { Ledger } from "../trust.ts";
import { closeGates, openMcp, reachServices } from "./outside.ts";

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
  /** Looks at their health again and again. */
  readonly isWatched: boolean;
}

export class ServiceDesk implements AsyncDisposable {
  readonly desk: Desk;
  readonly #options: ServiceDeskOptions;
  readonly #reach: Reach;
  readonly #watch: HealthWatch | null;
  /** What was learned of readings that are folded; never of those that are not. */
  #folded: Ledger;
  #position: number;
  #unfolded = 0;
  readonly #listeners = new Set<(event: ServiceEvent) => void>();
  /** Kept services that cannot be read any more, with why. */
  readonly broken = new Map<string, Problem>();

  constructor(options: ServiceDeskOptions) {
    const { store, clock, services, isWatched } = options;
    this.#options = options;
    const fold = store.fold(FOLD);
    this.#position = fold?.position ?? 0;
    this.#folded = fold === null ? new Ledger() : Ledger.restore(JSON.parse(fold.stateText) as Json);
    this.#reach = reachServices();
    this.desk = new Desk({
      ...{ reach: this.#reach, clock, elapsed: () => performance.now(), keep: (changes) => this.#keep(changes) },
      files: {
        put: (bytes, run) => this.#putFile(bytes, run),
        get: (name, run) => this.#file(name, run),
      },
      lastAnswer: (key) => store.lastAnswer(key),
      ledger: this.#learned(),
      observe: (event) => this.#tell(event),
    });
    this.reload();
    for (const definition of services) this.desk.set(serviceOfCode(definition));
    this.#watch = isWatched ? new HealthWatch({ desk: this.desk, ...this.healthOptions }) : null;
    this.#watch?.follow();
  }

  get healthOptions() {
    return {
      reach: this.#reach,
      clock: this.#options.clock,
      elapsed: () => performance.now(),
      keep: (changes: readonly FreeChange[]) => this.#keep(changes),
    };
  }

  /** Everything that was learned: what is folded, and what came since. */
  #learned(): Ledger {
    const ledger = Ledger.restore(this.#folded.snapshot());
    for (const reading of this.#readingsAfter(this.#position)) judge(ledger, reading);
    return ledger;
  }

  *#readingsAfter(position: number) {
    for (let after = position; ; ) {
      const page = this.#options.store.readings(after, PAGE);
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1)?.seq ?? after;
    }
  }

  /** Reads the kept services again: those that changed are changed, those that are gone are gone. */
  reload(): void {
    const kept = this.#options.store.services();
    const ids = new Set(kept.map(({ id }) => id));
    for (const { service } of this.desk.standings())
      if (!ids.has(service.id) && !this.#options.services.some((one) => one.service === service.id)) this.desk.remove(service.id);
    this.broken.clear();
    for (const one of kept) this.#load(one);
    this.#watch?.follow();
  }

  #load({ id, definitionText }: KeptService): void {
    try {
      this.desk.set(serviceOfDocument(JSON.parse(definitionText) as ServiceDocument));
    } catch (error) {
      if (!isProblemError(error)) throw error;
      this.broken.set(id, error.problem);
    }
  }

  /** Takes in what somebody said of a result, at once. */
  learn(reading: Parameters<typeof judge>[1]): void {
    judge(this.desk.ledger, reading);
  }

  /** A service of a program or a file, for as long as this is open. Throws SERVICE_DEFINITION_INVALID. */
  offer(service: Service): void {
    this.desk.set(service);
    this.#watch?.follow();
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
    this.#unfolded += changes.length;
    if (this.#unfolded >= UNFOLDED_MAX) this.#options.clock.soon(() => void this.fold().catch(() => undefined));
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

  /** Counts the readings that came since. */
  async fold(): Promise<void> {
    this.#unfolded = 0;
    const { store, engine } = this.#options;
    for (;;) {
      const page = store.readings(this.#position, PAGE);
      if (page.length === 0) return;
      for (const reading of page) judge(this.#folded, reading);
      this.#position = page.at(-1)?.seq ?? this.#position;
      const known = (key: RollupKey): Figures | null => {
        const found = store.rollup(key);
        return found === null ? null : (JSON.parse(found.figuresText) as Figures);
      };
      const stateText = JSON.stringify(this.#folded.snapshot());
      await engine.keep([...rolledUp(page, known), { kind: "fold", name: FOLD, position: this.#position, stateText }]);
      if (page.length < PAGE) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch?.stop();
    await this.fold().catch(() => undefined); // what is not folded is folded the next time
    await openMcp.close();
    await closeGates();
  }
}
