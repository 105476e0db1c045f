// Events: telling them, and listening for them.
//
// An event is kept when it is told, once per source and id. Who listens reads what was kept since it began, and is
// woken when more comes; so nothing hangs on who was there first, nor on who was in memory.

import type { RunId } from "../base/id.ts";
import { canonicalJson, type Json, writeJson } from "../base/json.ts";
import {
  type CloudEvent,
  type Entry,
  type EventInit,
  type Facts,
  factOf,
  limits,
  matches,
  readEvent,
  runProblems,
} from "../run.ts";
import type { FreeChange, Store } from "../store.ts";
import type { ListenOptions } from "../workflow.ts";
import type { TakenName } from "./names.ts";
import { type EventListener, type Hearing, type Home, Operation } from "./operation.ts";
import type { Engine } from "./port.ts";
import { readTimeout } from "./waits.ts";

/** As it is kept. Throws EVENT_INVALID. */
export function eventChange(event: CloudEvent, at: number): FreeChange {
  const text = writeJson(event, `Event "${event.type}"`, limits.PAYLOAD_BYTES_MAX);
  return { kind: "event", source: event.source, id: event.id, type: event.type, at, text };
}

/** What events are kept in and read from. */
export type EventStore = Pick<Store, "events" | "hasEvent" | "listening"> & Pick<Store, "ids">;

/** Who listens in memory, and who is woken. */
export class Events implements Hearing {
  readonly store: EventStore;
  readonly #engine: Engine;
  readonly #wake: (run: RunId) => void;
  readonly #listening = new Set<EventListener>();

  constructor(store: EventStore, engine: Engine, wake: (run: RunId) => void) {
    this.store = store;
    this.#engine = engine;
    this.#wake = wake;
  }

  /** Keeps events from outside. Resolves when they are durable, with how many were there already. */
  async publish(events: readonly CloudEvent[]): Promise<{ readonly accepted: number; readonly repeated: number }> {
    const fresh = new Map(
      events.filter(({ source, id }) => !this.store.hasEvent(source, id)).map((event) => [`${event.source} ${event.id}`, event]),
    );
    const now = this.#engine.clock.now();
    await this.#engine.keep([...fresh.values()].map((event) => eventChange(event, now)));
    for (const { type } of fresh.values()) this.told(type);
    return { accepted: fresh.size, repeated: events.length - fresh.size };
  }

  listens(operation: EventListener): void {
    this.#listening.add(operation);
  }

  listensNoMore(operation: EventListener): void {
    this.#listening.delete(operation);
  }

  /** An event of this type is durable. */
  told(type: string): void {
    for (const operation of [...this.#listening]) if (operation.mayMean(type)) operation.look();
    this.#wakeAll(type);
  }

  #wakeAll(type: string): void {
    for (let after = 0; ; ) {
      const page = this.store.listening(type, after, limits.PAGE_SIZE);
      for (const number of page) this.#wake(this.store.ids.of(number));
      if (page.length < limits.PAGE_SIZE) return;
      after = page.at(-1) ?? after;
    }
  }
}

export class EmitOperation extends Operation<void> {
  readonly kind = "emit";
  readonly #init: EventInit;
  #type: string | null = null;

  constructor(home: Home, name: TakenName, init: EventInit) {
    super(home, name);
    this.#init = init;
  }

  begin(): void {
    const { run, continued, clock } = this.home;
    const defaults = { id: `${run}.${continued}/${this.key}`, source: `/baton/${run}` };
    const event = readEvent(this.#init, defaults, clock.now());
    this.home.change(eventChange(event, clock.now()));
    this.conclude("event-emitted", JSON.stringify({ source: event.source, id: event.id } satisfies Facts["event-emitted"]));
    this.#type = event.type;
  }

  deliver(): void {
    if (this.#type !== null) this.home.events?.told(this.#type);
    this.resolve();
  }
}

export class ListenOperation extends Operation<CloudEvent[]> implements EventListener {
  readonly kind = "listen";
  readonly #options: ListenOptions;
  /** Of what came for whom it is known how far that was read. */
  readonly #listener: string;
  #began: Facts["listen-began"] | null = null;
  #isEnding = false;

  constructor(home: Home, name: TakenName, label: string, options: ListenOptions) {
    super(home, name);
    const { count = 1 } = options;
    if (!Number.isInteger(count) || count < 1 || count > limits.EVENTS_AWAITED_MAX)
      throw runProblems.OPTION_INVALID(
        `count is ${String(count)}; it must be 1 to ${limits.EVENTS_AWAITED_MAX} (EVENTS_AWAITED_MAX).`,
      );
    const { type, source, subject, data } = options;
    this.#listener = `${label} ${canonicalJson(withoutNothing({ type, source, subject, data }) as Json)}`;
    this.#options = options;
    readTimeout(options.timeoutMs);
  }

  override recall(entry: Entry): void {
    if (entry.kind === "listen-began") this.#began = factOf(entry as Entry & { kind: "listen-began" });
  }

  begin(): void {
    if (this.#began === null) this.#begin();
    else {
      this.#keepListener(this.#began); // a rewind took it out
      this.#go();
    }
  }

  #keepListener({ filter, afterSeq }: Facts["listen-began"]): void {
    this.home.change({ kind: "listener", key: this.key, type: exactType(filter.type), afterSeq });
  }

  /** It listens once that is durable: from then on nothing is missed. */
  #begin(): void {
    const { type, source, subject, data, count = 1, timeoutMs } = this.#options;
    const filter = { ...{ type, source, subject, data } } as Facts["listen-began"]["filter"];
    const span = readTimeout(timeoutMs);
    const deadlineAt = span === null ? null : Math.ceil(this.home.clock.now() + span);
    const afterSeq = this.home.heardUntil(this.#listener);
    this.#began = { filter, count, afterSeq, deadlineAt };
    this.#keepListener(this.#began);
    const text = writeJson(this.#began, "What is listened for", limits.PAYLOAD_BYTES_MAX);
    this.home.append("listen-began", this.key, 0, text, { settled: () => this.#go(), lost: () => undefined });
  }

  #go(): void {
    if (this.closed || this.home.gone || this.#began === null) return;
    this.home.awaits(this, this.#began.deadlineAt);
    this.home.events?.listens(this);
    this.look();
  }

  /** Whether events of this type can be among those meant. */
  mayMean(type: string): boolean {
    const exact = exactType(this.#began?.filter.type);
    return exact === null || exact === type;
  }

  /** Reads what came; ends when that is enough. */
  look(): void {
    if (this.#began === null || this.closed || this.home.gone || this.#isEnding) return;
    const found = this.#foundOrFailed(this.#began);
    if (found === null) return;
    if (found.events.length >= this.#began.count) this.#end(found);
  }

  #end({ events, lastSeq }: { events: readonly CloudEvent[]; lastSeq: number }): void {
    this.#isEnding = true;
    this.home.awaitsNoMore(this);
    this.home.events?.listensNoMore(this);
    this.home.change({ kind: "listener-gone", key: this.key });
    const text = writeJson({ events, lastSeq }, `The events of "${this.key}"`, limits.PAYLOAD_BYTES_MAX);
    this.conclude("events-received", text);
  }

  #foundOrFailed(began: Facts["listen-began"]): { events: CloudEvent[]; lastSeq: number } | null {
    try {
      return this.#found(began);
    } catch (error) {
      this.home.awaitsNoMore(this);
      this.reject(error);
      return null;
    }
  }

  #found({ filter, count, afterSeq }: Facts["listen-began"]): { events: CloudEvent[]; lastSeq: number } {
    const events: CloudEvent[] = [];
    let lastSeq = afterSeq;
    for (;;) {
      const page = this.home.events?.store.events(lastSeq, exactType(filter.type), limits.PAGE_SIZE) ?? [];
      for (const { seq, text } of page) {
        const event = JSON.parse(text) as CloudEvent;
        lastSeq = seq;
        if (matches(event, filter) && this.#isMeant(event) && events.push(event) === count) return { events, lastSeq };
      }
      if (page.length < limits.PAGE_SIZE) return { events, lastSeq };
    }
  }

  /** The author's own code may throw: that ends the wait. */
  #isMeant(event: CloudEvent): boolean {
    return this.#options.where?.(event) ?? true;
  }

  /** Too late for more: what came is what there is. */
  override due(): void {
    if (this.#began !== null && !this.#isEnding) this.#end(this.#found(this.#began));
  }

  protected override letGo(): void {
    if (this.#began !== null) this.home.change({ kind: "listener-gone", key: this.key });
  }

  override reject(error: unknown): void {
    this.home.events?.listensNoMore(this);
    super.reject(error);
  }

  deliver(entry: Entry): void {
    const { events, lastSeq } = factOf(entry as Entry & { kind: "events-received" });
    this.home.heard(this.#listener, lastSeq);
    this.resolve([...events]);
  }
}

function withoutNothing(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The one type that is meant; null when there may be several. */
function exactType(type: string | undefined): string | null {
  return type === undefined || type.endsWith("*") ? null : type;
}

/** A stream of a run: what is written stays in order, each item once. */
export class StreamItems {
  readonly #home: Home;
  readonly #stream: string;
  readonly #prefix: string;
  #count = 0;

  /** `prefix`: what tells the items of this writer from those of others of the stream, the same on every replay. */
  constructor(home: Home, stream: string, prefix: string) {
    if (typeof stream !== "string" || stream === "" || stream.length > limits.NAME_LENGTH_MAX)
      throw runProblems.NAME_INVALID(`A stream's name has 1 to ${limits.NAME_LENGTH_MAX} characters.`);
    this.#home = home;
    this.#stream = stream;
    this.#prefix = prefix;
  }

  write(value: Json): void {
    if (this.#home.gone) return;
    const text = writeJson(value, `An item of stream "${this.#stream}"`, limits.STREAM_ITEM_BYTES_MAX);
    this.#home.change({
      ...{ kind: "stream-item", stream: this.#stream, id: `${this.#prefix}.${++this.#count}` },
      ...{ at: this.#home.clock.now(), text },
    });
    this.#home.news?.({ kind: "streamed", run: this.#home.run, stream: this.#stream, value });
  }
}
