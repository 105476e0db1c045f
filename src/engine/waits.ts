// Operations that wait: a timer, a signal, a person. They cost nothing while they wait, and may wait for years.

import { type Json, writeJson } from "../base/json.ts";
import { INSTANT_MAX } from "../base/time.ts";
import { type Asked, type Entry, type Facts, factOf, limits, runProblems } from "../run.ts";
import {
  type Answer,
  type AskOptions,
  type Checked,
  issuesInWords,
  readSchema,
  type Schema,
  type Signal,
  type WaitOptions,
} from "../workflow.ts";
import type { TakenName } from "./names.ts";
import { type Home, Operation, type SignalWaiter } from "./operation.ts";

export class SleepOperation extends Operation<void> {
  readonly kind = "sleep";
  readonly #until: { readonly durationMs: number } | { readonly at: number };
  #fireAt: number | null = null;

  constructor(home: Home, name: TakenName, until: { readonly durationMs: number } | { readonly at: number }) {
    super(home, name);
    this.#until = until;
  }

  override recall(entry: Entry): void {
    if (entry.kind === "timer-set") this.#fireAt = factOf(entry as Entry & { kind: "timer-set" }).fireAt;
  }

  begin(): void {
    if (this.#fireAt === null) {
      const now = this.home.clock.now();
      const at = "at" in this.#until ? this.#until.at : now + this.#until.durationMs;
      this.#fireAt = Math.min(at, INSTANT_MAX);
      this.note("timer-set", `{"fireAt":${this.#fireAt}}`);
      if (this.#fireAt <= now) return this.conclude("timer-fired", "null");
    }
    this.home.awaits(this, this.#fireAt); // one that was set earlier too: several that are due fire in the order of their moments
  }

  override due(): void {
    this.home.awaitsNoMore(this);
    this.conclude("timer-fired", "null");
  }

  deliver(): void {
    this.resolve();
  }
}

/** A wait for a value from outside. */
abstract class ValueOperation<T, O> extends Operation<O> {
  /** What the schema says; null when it threw, which rejects the wait: it is the author's own code. */
  protected check(schema: Schema<T>, value: unknown): Checked<T> | null {
    try {
      return schema.check(value);
    } catch (error) {
      this.reject(error);
      return null;
    }
  }
}

export class SignalWaitOperation<T> extends ValueOperation<T, Signal<T>> implements SignalWaiter {
  readonly kind = "signal-wait";
  readonly signal: string;
  readonly #schema: Schema<T> | null;
  readonly #timeoutMs: number | null;
  #began: Facts["wait-began"] | null = null;

  constructor(home: Home, name: TakenName, signal: string, options: WaitOptions<T>) {
    super(home, name);
    this.signal = signal;
    this.#schema = options.schema === undefined ? null : readSchema<T>(options.schema, `The schema of signal "${signal}"`);
    this.#timeoutMs = readTimeout(options.timeoutMs);
  }

  override recall(entry: Entry): void {
    if (entry.kind === "wait-began") this.#began = factOf(entry as Entry & { kind: "wait-began" });
  }

  /** Signals are taken as they come, on replay at their place in the journal; so it must be known from the first. */
  override asked(): void {
    this.home.waitForSignal(this);
  }

  begin(): void {
    if (this.#began === null) {
      this.#began = { signal: this.signal, deadlineAt: deadline(this.home.clock.now(), this.#timeoutMs) };
      this.note("wait-began", JSON.stringify(this.#began));
    }
    this.home.awaits(this, this.#began.deadlineAt);
  }

  override due(): void {
    this.home.awaitsNoMore(this);
    this.conclude("wait-timed-out", "null");
  }

  protected override letGo(): void {
    this.home.stopsWaitingForSignal(this);
  }

  /** Takes a signal, if it still waits. One that does not fit the schema ends the wait with a problem. */
  receive(value: Json): boolean {
    if (this.closed) return false;
    this.home.awaitsNoMore(this);
    const checked = this.#schema === null ? ({ ok: true, value: value as T } as const) : this.check(this.#schema, value);
    if (checked?.ok === true) this.resolve({ received: true, value: checked.value });
    else if (checked?.ok === false)
      this.reject(
        runProblems.SIGNAL_INVALID(`Signal "${this.signal}" does not fit: ${issuesInWords(checked.issues)}.`, { at: this.key }),
      );
    return true;
  }

  deliver(): void {
    this.home.stopsWaitingForSignal(this);
    this.resolve({ received: false });
  }
}

export class AskOperation<T> extends ValueOperation<T, Answer<T>> {
  readonly kind = "ask";
  readonly #schema: Schema<T>;
  readonly #options: AskOptions<T>;
  readonly #label: string;
  readonly #timeoutMs: number | null;
  #asked: Asked | null = null;

  constructor(home: Home, name: TakenName, label: string, options: AskOptions<T>) {
    super(home, name);
    if (options?.schema === undefined) throw runProblems.OPTION_INVALID(`The question "${label}" has no schema for its answer.`);
    this.#label = label;
    this.#options = options;
    this.#schema = readSchema<T>(options.schema, `The schema of question "${label}"`);
    this.#timeoutMs = readTimeout(options.timeoutMs);
    this.#requireDefaultFits();
  }

  #requireDefaultFits(): void {
    const { default: value } = this.#options;
    const checked = value === undefined ? undefined : this.#schema.check(value);
    if (checked?.ok === false) {
      throw runProblems.OPTION_INVALID(
        `The default of question "${this.#label}" does not fit its schema: ${issuesInWords(checked.issues)}.`,
      );
    }
  }

  override recall(entry: Entry): void {
    if (entry.kind === "asked") this.#asked = factOf(entry as Entry & { kind: "asked" });
  }

  begin(): void {
    if (this.#asked === null) this.#ask();
    else this.#tell();
    this.home.awaits(this, this.#asked?.deadlineAt ?? null);
  }

  /** Whoever is told of the question may answer it at once, so they are told when it is on disk. */
  #ask(): void {
    this.#asked = this.#question();
    const data = writeJson(this.#asked, `The question "${this.#label}"`, limits.PAYLOAD_BYTES_MAX);
    this.home.append("asked", this.key, this.hash, data, { settled: () => this.#tell(), lost: () => undefined });
  }

  #tell(): void {
    if (this.#asked !== null && !this.closed)
      this.home.news?.({ kind: "asked", run: this.home.run, key: this.key, asked: this.#asked });
  }

  #question(): Asked {
    const { message, to, default: value } = this.#options;
    return {
      name: this.#label,
      message: message ?? null,
      schema: this.#schema.jsonSchema as Json,
      to: to === undefined ? null : [to].flat(),
      deadlineAt: deadline(this.home.clock.now(), this.#timeoutMs),
      default: value === undefined ? null : { value: value as Json },
    };
  }

  override due(): void {
    this.home.awaitsNoMore(this);
    const { default: value } = this.#options;
    if (value === undefined) this.conclude("ask-timed-out", "null");
    else
      this.conclude(
        "answered",
        JSON.stringify({ by: "default", who: null, value } satisfies Facts["answered"] | { value: unknown }),
      );
  }

  deliver(entry: Entry): void {
    this.home.awaitsNoMore(this);
    if (entry.kind === "ask-timed-out") {
      this.resolve({ by: "timeout" });
      return;
    }
    if (entry.kind === "ask-declined") {
      const { who, reason } = factOf(entry as Entry & { kind: "ask-declined" });
      const why = reason === null ? "" : `: ${reason}`;
      this.reject(runProblems.ASK_DECLINED(`${who ?? "Somebody"} declined to answer "${this.#label}"${why}.`, { at: this.key }));
      return;
    }
    const { by, who, value } = factOf(entry as Entry & { kind: "answered" });
    const checked = this.check(this.#schema, value);
    if (checked === null) return;
    if (!checked.ok)
      this.reject(
        runProblems.ANSWER_INVALID(`The answer to "${this.#label}" does not fit: ${issuesInWords(checked.issues)}.`, {
          at: this.key,
        }),
      );
    else this.resolve(by === "person" ? { by, who, value: checked.value } : { by, value: checked.value });
  }
}

function deadline(now: number, timeoutMs: number | null): number | null {
  return timeoutMs === null ? null : Math.min(now + timeoutMs, INSTANT_MAX);
}

export function readTimeout(timeoutMs: number | undefined): number | null {
  if (timeoutMs === undefined) return null;
  return readSpanMs("timeoutMs", timeoutMs);
}

/** Requires a span that can be waited for. Throws OPTION_INVALID. */
export function readSpanMs(option: string, spanMs: unknown): number {
  if (typeof spanMs !== "number" || !(spanMs >= 0) || spanMs > limits.WAIT_MS_MAX) {
    throw runProblems.OPTION_INVALID(
      `${option} is ${String(spanMs)}; it must be from 0 to ${limits.WAIT_MS_MAX} ms (100 years).`,
    );
  }
  return Math.ceil(spanMs);
}
