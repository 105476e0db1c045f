// A step: attempts, time-outs, retries, and the one outcome that is recorded.

import { canonicalJson, type Json, writeJson } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { fraction, shortHash } from "../base/random.ts";
import {
  afterFailure,
  type Entry,
  errorFrom,
  type Facts,
  type Failure,
  factOf,
  failureOf,
  limits,
  type RetryPolicy,
  readRetryPolicy,
  retryAdvice,
  runProblems,
  TRY_ONCE,
} from "../run.ts";
import type { FileValue, Log, StepContext, StepOptions } from "../workflow.ts";
import { StreamItems } from "./events.ts";
import { passOf, placeOfStep } from "./lines.ts";
import type { TakenName } from "./names.ts";
import { type Acting, type Home, Operation } from "./operation.ts";
import type { Place, Settling } from "./port.ts";

type Act<T> = (step: StepContext) => T | Promise<T>;

const NO_OPTIONS: StepOptions = {};

/** One attempt, as the step's function sees it: what it says of itself stays true when a later one has begun. */
class Attempt implements StepContext {
  readonly #step: StepOperation<unknown>;
  readonly attempt: number;
  #controller: AbortController | null = null;
  #streams: Map<string, StreamItems> | null = null;
  #abortedFor: { readonly reason: unknown } | null = null;

  constructor(step: StepOperation<unknown>, attempt: number) {
    this.#step = step;
    this.attempt = attempt;
  }

  get idempotencyKey(): string {
    return this.#step.idempotencyKey;
  }

  /** Made only when asked for, which may be after the attempt was given up. */
  get abortSignal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#abortedFor !== null) this.#controller.abort(this.#abortedFor.reason);
    return this.#controller.signal;
  }

  heartbeat(details: Json = null): void {
    this.#step.beat(this as Attempt, details);
  }

  get lastHeartbeat(): Json | undefined {
    return this.#step.lastHeartbeat;
  }

  stream(name: string): StreamItems {
    this.#streams ??= new Map();
    const { home, idempotencyKey } = this.#step;
    const stream = this.#streams.get(name) ?? new StreamItems(home, name, `${idempotencyKey}/${this.attempt}`);
    this.#streams.set(name, stream);
    return stream;
  }

  get log(): Log {
    return this.#step.home.logOf(this.#step.key);
  }

  readFile({ data, blob }: FileValue): Uint8Array {
    if (typeof data === "string") return Buffer.from(data, "base64");
    const bytes = this.#step.home.file(String(blob ?? ""));
    if (bytes === null) throw runProblems.FILE_GONE(`There is no file ${JSON.stringify(String(blob).slice(0, 80))}.`);
    return bytes;
  }

  abort(reason: unknown): void {
    this.#abortedFor ??= { reason };
    this.#controller?.abort(reason);
  }
}

export class StepOperation<T> extends Operation<T> implements Acting {
  readonly kind = "step";
  readonly #act: Act<T>;
  readonly #options: StepOptions;
  readonly #hash: number;
  readonly #policy: RetryPolicy;
  /** Attempts begun, those of earlier owners included. */
  #attempts = 0;
  /** How often a person had it done again. */
  #generation = 0;
  /** Attempts that failed for certain: only these count against the policy. */
  #failures = 0;
  /** The attempt under way. */
  #acting: Attempt | null = null;
  #firstAt = 0;
  #attemptAt = 0;
  #startRecorded = false;
  #interrupted = false;
  /** Whether the attempt under way only finds out what came of one that was interrupted. */
  #inquires = false;
  #beat: { details: Json | undefined; at: number; recordedAt: number } = { details: undefined, at: 0, recordedAt: 0 };
  readonly #place: Place | null;
  /** What its attempt stands in line as. */
  #ticket = "";
  /** Whether it waits for its turn. */
  #queue: "standing" | "noted" | null = null;
  #retryAt: number | null = null;
  #value: T | undefined;
  /** Whether `#value` is this attempt's own result, which need not be read back. */
  #fresh = false;

  constructor(home: Home, name: TakenName, act: Act<T>, options: StepOptions = NO_OPTIONS) {
    super(home, name);
    if (typeof act !== "function") throw runProblems.OPTION_INVALID(`Step "${name.key}" has no function to do.`);
    if (typeof options !== "object" || options === null)
      throw runProblems.OPTION_INVALID(`The options of step "${name.key}" are no object.`);
    requireDelivery(options);
    this.#place = placeOfStep(options.limit, home.workflowName, name.key);
    this.#act = act;
    this.#options = options;
    this.#hash = options.input === undefined ? 0 : shortHash(canonicalJson(options.input));
    this.#policy = options.retry === undefined ? TRY_ONCE : readRetryPolicy(options.retry);
    requireSpan("timeoutMs", options.timeoutMs);
    requireSpan("attemptTimeoutMs", options.attemptTimeoutMs);
    requireSpan("heartbeatTimeoutMs", options.heartbeatTimeoutMs);
  }

  override get hash(): number {
    return this.#hash;
  }

  get idempotencyKey(): string {
    const key = this.home.idempotencyKey(this.key);
    return this.#generation === 0 ? key : `${key}~${this.#generation}`;
  }

  override recall(entry: Entry): void {
    if (entry.kind === "step-redone") {
      this.#generation = factOf(entry as Entry & { kind: "step-redone" }).generation;
      return;
    }
    this.#firstAt ||= entry.at;
    if (entry.kind === "step-started") {
      this.#attempts = factOf(entry as Entry & { kind: "step-started" }).attempt;
      this.#interrupted = true;
    } else if (entry.kind === "heartbeat") {
      this.#beat = { ...this.#beat, details: JSON.parse(entry.data) as Json };
    } else if (entry.kind === "attempt-failed") {
      const { attempt, retryAt } = factOf(entry as Entry & { kind: "attempt-failed" });
      this.#attempts = attempt;
      this.#failures++;
      this.#interrupted = false;
      this.#retryAt = retryAt;
    }
  }

  begin(): void {
    if (this.#interrupted && this.#options.delivery === "at-most-once") this.#afterInterruption();
    else if (this.#retryAt !== null && !this.#interrupted) {
      this.home.awaits(this, this.#retryAt);
    } else {
      this.#attemptNow();
    }
  }

  /** Whether it took effect is unknown: its author says what to do. */
  #afterInterruption(): void {
    const { onInterrupted = "fail" } = this.#options;
    const problem = runProblems.STEP_INTERRUPTED(`Step "${this.key}" was interrupted in attempt ${this.#attempts}.`, {
      at: this.key,
    });
    if (onInterrupted === "fail") this.#giveUp(failureOf(problem, "STEP_INTERRUPTED"));
    else if (onInterrupted === "pause") this.home.pause(problem);
    else if (onInterrupted === "retry") this.#attemptNow();
    else this.#inquire(onInterrupted);
  }

  /** Finds out what came of it. That may be done any number of times. */
  #inquire(ask: Exclude<StepOptions["onInterrupted"], string | undefined>): void {
    const { idempotencyKey, lastHeartbeat } = this;
    const interrupted = { idempotencyKey, attempt: this.#attempts, ...(lastHeartbeat === undefined ? {} : { lastHeartbeat }) };
    this.#inquires = true;
    this.#acting = new Attempt(this as StepOperation<unknown>, this.#attempts);
    this.#startRecorded = true;
    this.home.busy++;
    this.#actNow(this.#acting, () => ask(interrupted) as T);
  }

  get lastHeartbeat(): Json | undefined {
    return this.#beat.details;
  }

  /** An attempt says that it lives. What one says that was given up counts for nothing. */
  beat(attempt: Attempt, details: Json): void {
    if (this.#acting !== attempt || this.home.gone) return;
    writeJson(details, `A heartbeat of step "${this.key}"`, limits.HEARTBEAT_BYTES_MAX);
    const now = this.home.clock.now();
    this.#beat = { ...this.#beat, details, at: now };
    if (now - this.#beat.recordedAt >= limits.HEARTBEAT_RECORDED_EVERY_MS) this.#recordBeat(now);
  }

  #recordBeat(now: number): void {
    if (!this.#startRecorded) this.#recordStart(null);
    this.#beat = { ...this.#beat, recordedAt: now };
    this.note("heartbeat", JSON.stringify(this.#beat.details));
  }

  override due(): void {
    this.home.awaitsNoMore(this);
    this.#attemptNow();
  }

  override reject(error: unknown): void {
    this.#stopActing();
    super.reject(error);
  }

  protected override letGo(reason: unknown): void {
    this.abort(reason);
  }

  #attemptNow(): void {
    const attempt = new Attempt(this as StepOperation<unknown>, ++this.#attempts);
    this.#acting = attempt;
    this.#startRecorded = false;
    this.#interrupted = false;
    this.#retryAt = null;
    this.home.busy++;
    if (this.#place === null) this.#begin(attempt, this.#options.delivery === "at-most-once");
    else this.#standInLine(attempt, this.#place);
  }

  /** Waits for its turn; the time it waits counts for `timeoutMs` only. */
  #standInLine(attempt: Attempt, place: Place): void {
    const ticket = `${this.idempotencyKey} ${this.#attempts}`;
    this.#ticket = ticket;
    this.#queue = "standing";
    this.#takesTime();
    this.home.lines.ask(ticket, place, this.#attemptAt, (at) => {
      if (this.#acting !== attempt || this.closed || this.home.gone) return this.home.lines.leave(ticket);
      this.#queue = null;
      this.#attemptAt = at;
      for (const change of passOf(place, at)) this.home.change(change);
      this.#begin(attempt, this.#options.delivery === "at-most-once" || place.limit.rate !== undefined);
    });
  }

  /** Says on disk what it waits for, once that takes time: readers elsewhere see it there. */
  #noteQueue(): void {
    this.#queue = "noted";
    const words = this.home.lines.why(this.#ticket);
    const gate = this.#place?.gate ?? "";
    if (words !== null) this.note("queued", JSON.stringify({ gate, words } satisfies Facts["queued"]));
  }

  #begin(attempt: Attempt, recordsFirst: boolean): void {
    if (recordsFirst) {
      this.#takesTime();
      this.#recordStart({
        settled: () => this.#ifCurrent(attempt, () => this.#actNow(attempt, this.#act)),
        lost: () => undefined,
      });
    } else {
      if (this.#attempts > 1) this.#recordStart(null);
      this.#actNow(attempt, this.#act);
    }
  }

  #recordStart(then: Settling | null): void {
    this.#startRecorded = true;
    this.home.append("step-started", this.key, 0, `{"attempt":${this.#attempts}}`, then);
  }

  #actNow(attempt: Attempt, act: Act<T>): void {
    this.home.news?.({ kind: "step-began", run: this.home.run, step: this.key, attempt: this.#attempts });
    let result: T | Promise<T>;
    try {
      result = act(attempt);
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (isThenable(result)) this.#follow(attempt, result);
    else this.#done(result);
  }

  #follow(attempt: Attempt, result: PromiseLike<T>): void {
    this.#takesTime();
    result.then(
      (value) => this.#ifCurrent(attempt, () => this.#done(value)),
      (error: unknown) => this.#ifCurrent(attempt, () => this.#failed(error)),
    );
  }

  /** Only an attempt that takes time needs a clock, a place among the acting, and a way to be told it is late. */
  #takesTime(): void {
    this.#attemptAt = this.home.clock.now();
    this.#firstAt ||= this.#attemptAt;
    this.home.acts(this);
  }

  /** What comes after the attempt was given up, or after the run left, comes too late. */
  #ifCurrent(attempt: Attempt, act: () => void): void {
    if (this.#acting === attempt && !this.closed && !this.home.gone) act();
  }

  #stopActing(): void {
    if (this.#acting === null) return;
    this.#acting = null;
    this.#leaveLine();
    this.home.busy--;
    this.home.actsNoMore(this);
  }

  #leaveLine(): void {
    if (this.#place !== null) this.home.lines.leave(this.#ticket);
  }

  /** Called by the sweep while an attempt is under way. */
  sweep(now: number): void {
    const { timeoutMs, attemptTimeoutMs, heartbeatTimeoutMs } = this.#options;
    const beatAt = Math.max(this.#beat.at, this.#attemptAt);
    if (timeoutMs !== undefined && now - this.#firstAt >= timeoutMs) this.#timeOut("timeoutMs", timeoutMs, true);
    else if (this.#queue !== null) {
      if (this.#queue === "standing" && now - this.#attemptAt >= limits.STEP_START_RECORDED_AFTER_MS) this.#noteQueue();
    } else if (attemptTimeoutMs !== undefined && now - this.#attemptAt >= attemptTimeoutMs)
      this.#timeOut("attemptTimeoutMs", attemptTimeoutMs, false);
    else if (heartbeatTimeoutMs !== undefined && now - beatAt >= heartbeatTimeoutMs)
      this.#timeOut("heartbeatTimeoutMs", heartbeatTimeoutMs, false);
    else if (this.#beat.at > this.#beat.recordedAt && now - this.#beat.recordedAt >= limits.HEARTBEAT_RECORDED_EVERY_MS)
      this.#recordBeat(now);
    else if (!this.#startRecorded && now - this.#attemptAt >= limits.STEP_START_RECORDED_AFTER_MS) this.#recordStart(null);
  }

  #timeOut(option: string, spanMs: number, final: boolean): void {
    const problem = runProblems.STEP_TIMEOUT(
      `Step "${this.key}" took longer than its ${option} of ${spanMs} ms (attempt ${this.#attempts}).`,
    );
    this.abort(problem);
    this.#failed(final ? Object.assign(problem, { nonRetryable: true }) : problem);
  }

  abort(reason: unknown): void {
    this.#acting?.abort(reason);
    this.#leaveLine();
  }

  #done(value: T): void {
    let data: string;
    try {
      data = value === undefined ? "" : writeJson(value, `The output of step "${this.key}"`, limits.PAYLOAD_BYTES_MAX);
    } catch (error) {
      this.#giveUp(failureOf(asOutputProblem(error), "STEP_OUTPUT_INVALID"));
      return;
    }
    // An object is read back: what its author still does to it, or JSON leaves out, a replay would not see.
    this.#fresh = typeof value !== "object" && !Object.is(value, -0);
    if (this.#fresh) this.#value = value;
    this.#stopActing();
    this.conclude("step-completed", data);
  }

  #failed(error: unknown): void {
    const failure = failureOf(error, "STEP_FAILED");
    if (this.#inquires) {
      this.#giveUp(failure);
      return;
    }
    const advice = retryAdvice(error);
    const now = this.home.clock.now();
    const deadlineAt =
      this.#options.timeoutMs === undefined ? Number.POSITIVE_INFINITY : (this.#firstAt || now) + this.#options.timeoutMs;
    const failed = { attempt: this.#failures + 1, ...advice, codes: [...advice.codes, failure.code] };
    const next = afterFailure(this.#policy, failed, now, deadlineAt, fraction(this.home.chance));
    if (next.kind === "give-up") this.#giveUp(failure);
    else this.#retryLater(failure, next.retryAt);
  }

  #retryLater(failure: Failure, retryAt: number): void {
    this.#failures++;
    this.#retryAt = retryAt;
    this.#firstAt ||= this.home.clock.now();
    this.#stopActing();
    const fact: Facts["attempt-failed"] = { attempt: this.#attempts, failure, retryAt };
    this.note("attempt-failed", JSON.stringify(fact));
    this.home.awaits(this, retryAt);
    this.home.news?.({ kind: "attempt-failed", run: this.home.run, step: this.key, attempt: this.#attempts, failure, retryAt });
  }

  #giveUp(failure: Failure): void {
    this.#stopActing();
    const fact: Facts["step-failed"] = { attempts: this.#attempts, failure };
    this.conclude("step-failed", JSON.stringify(fact));
  }

  deliver(entry: Entry): void {
    if (entry.kind === "step-skipped") this.resolve(factOf(entry as Entry & { kind: "step-skipped" }).output as T);
    else if (entry.kind === "step-completed") this.resolve(this.#fresh ? (this.#value as T) : (readOutput(entry.data) as T));
    else this.reject(errorFrom(factOf(entry as Entry & { kind: "step-failed" }).failure));
  }
}

/** A step that gives nothing is recorded as empty text, so that `undefined` comes back as `undefined`. */
function readOutput(data: string): unknown {
  return data === "" ? undefined : JSON.parse(data);
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function asOutputProblem(error: unknown): unknown {
  return isProblemError(error)
    ? runProblems.STEP_OUTPUT_INVALID(error.message, { ...(error.problem.fix === undefined ? {} : { fix: error.problem.fix }) })
    : error;
}

function requireDelivery({ delivery, onInterrupted }: StepOptions): void {
  if (delivery !== undefined && delivery !== "at-most-once" && delivery !== "at-least-once")
    throw runProblems.OPTION_INVALID(`delivery is ${JSON.stringify(delivery)}; it is "at-most-once" or "at-least-once".`);
  if (onInterrupted === undefined) return;
  if (delivery !== "at-most-once")
    throw runProblems.OPTION_INVALID('onInterrupted goes with delivery: "at-most-once" only; another step is tried again.');
  if (typeof onInterrupted !== "function" && !["fail", "retry", "pause"].includes(onInterrupted))
    throw runProblems.OPTION_INVALID(
      `onInterrupted is ${JSON.stringify(onInterrupted)}; it is "fail", "retry", "pause" or a function.`,
    );
}

function requireSpan(option: string, spanMs: number | undefined): void {
  if (spanMs === undefined) return;
  const fits = Number.isFinite(spanMs) && spanMs > 0 && spanMs <= limits.WAIT_MS_MAX;
  if (!fits)
    throw runProblems.OPTION_INVALID(
      `${option} is ${String(spanMs)}; it must be a positive number of ms, at most ${limits.WAIT_MS_MAX}.`,
    );
}
