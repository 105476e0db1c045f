// A step: attempts, time-outs, retries, and the one outcome that is recorded.

import { writeJson } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { fraction } from "../base/random.ts";
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
import type { Log, StepContext, StepOptions } from "../workflow.ts";
import type { TakenName } from "./names.ts";
import { type Acting, type Home, Operation } from "./operation.ts";

type Act<T> = (step: StepContext) => T | Promise<T>;

const NO_OPTIONS: StepOptions = {};

export class StepOperation<T> extends Operation<T> implements StepContext, Acting {
  readonly kind = "step";
  readonly #act: Act<T>;
  readonly #options: StepOptions;
  readonly #policy: RetryPolicy;
  /** Attempts begun, those of earlier owners included. */
  attempt = 0;
  /** Attempts that failed for certain: only these count against the policy. */
  #failures = 0;
  #firstAt = 0;
  #attemptAt = 0;
  #startRecorded = false;
  #interrupted = false;
  #acting = false;
  #retryAt: number | null = null;
  #controller: AbortController | null = null;
  #value: T | undefined;
  /** Whether `#value` is this attempt's own result, which need not be read back. */
  #fresh = false;

  constructor(home: Home, name: TakenName, act: Act<T>, options: StepOptions = NO_OPTIONS) {
    super(home, name);
    if (typeof act !== "function") throw runProblems.OPTION_INVALID(`Step "${name.key}" has no function to do.`);
    this.#act = act;
    this.#options = options;
    this.#policy = options.retry === undefined ? TRY_ONCE : readRetryPolicy(options.retry);
    requireSpan("timeoutMs", options.timeoutMs);
    requireSpan("attemptTimeoutMs", options.attemptTimeoutMs);
  }

  // What the step's function sees.

  get idempotencyKey(): string {
    return this.home.idempotencyKey(this.key);
  }

  get abortSignal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  get log(): Log {
    return this.home.logOf(this.key);
  }

  // Its life.

  override recall(entry: Entry): void {
    this.#firstAt ||= entry.at;
    if (entry.kind === "step-started") {
      this.attempt = factOf(entry as Entry & { kind: "step-started" }).attempt;
      this.#interrupted = true;
    } else if (entry.kind === "attempt-failed") {
      const { attempt, retryAt } = factOf(entry as Entry & { kind: "attempt-failed" });
      this.attempt = attempt;
      this.#failures++;
      this.#interrupted = false;
      this.#retryAt = retryAt;
    }
  }

  begin(): void {
    if (this.#interrupted && this.#options.delivery === "at-most-once") {
      this.#giveUp(
        failureOf(
          runProblems.STEP_INTERRUPTED(`Step "${this.key}" was interrupted in attempt ${this.attempt}.`),
          "STEP_INTERRUPTED",
        ),
      );
    } else if (this.#retryAt !== null && !this.#interrupted) {
      this.home.awaits(this, this.#retryAt);
    } else {
      this.#attemptNow();
    }
  }

  override due(): void {
    this.home.awaitsNoMore(this);
    this.#attemptNow();
  }

  override reject(error: unknown): void {
    this.#stopActing();
    super.reject(error);
  }

  #attemptNow(): void {
    this.attempt++;
    this.#startRecorded = false;
    this.#interrupted = false;
    this.#retryAt = null;
    this.#controller = null;
    this.#acting = true;
    this.home.busy++;
    if (this.#options.delivery === "at-most-once") this.#recordStart(() => this.#actNow());
    else {
      if (this.attempt > 1) this.#recordStart(null);
      this.#actNow();
    }
  }

  #recordStart(then: (() => void) | null): void {
    this.#startRecorded = true;
    const settling = then === null ? null : { settled: () => this.closed || then() };
    this.home.append("step-started", this.key, 0, `{"attempt":${this.attempt}}`, settling);
  }

  #actNow(): void {
    this.home.news?.({ kind: "step-began", run: this.home.run, step: this.key, attempt: this.attempt });
    let result: T | Promise<T>;
    try {
      result = this.#act(this);
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (isThenable(result)) this.#follow(result);
    else this.#done(result);
  }

  /** Only an attempt that takes time needs a clock, a place among the acting, and a way to be told it is late. */
  #follow(result: PromiseLike<T>): void {
    const attempt = this.attempt;
    this.#attemptAt = this.home.clock.now();
    this.#firstAt ||= this.#attemptAt;
    this.home.acts(this);
    result.then(
      (value) => this.#ifCurrent(attempt, () => this.#done(value)),
      (error: unknown) => this.#ifCurrent(attempt, () => this.#failed(error)),
    );
  }

  /** What an attempt says after it was given up, or after the run ended, comes too late. */
  #ifCurrent(attempt: number, act: () => void): void {
    if (this.#acting && !this.closed && attempt === this.attempt) act();
  }

  #stopActing(): void {
    if (!this.#acting) return;
    this.#acting = false;
    this.home.busy--;
    this.home.actsNoMore(this);
  }

  /** Called by the sweep while an attempt is under way. */
  sweep(now: number): void {
    const { timeoutMs, attemptTimeoutMs } = this.#options;
    if (timeoutMs !== undefined && now - this.#firstAt >= timeoutMs) this.#timeOut("timeoutMs", timeoutMs, true);
    else if (attemptTimeoutMs !== undefined && now - this.#attemptAt >= attemptTimeoutMs)
      this.#timeOut("attemptTimeoutMs", attemptTimeoutMs, false);
    else if (!this.#startRecorded && now - this.#attemptAt >= limits.STEP_START_RECORDED_AFTER_MS) this.#recordStart(null);
  }

  #timeOut(option: string, spanMs: number, final: boolean): void {
    const problem = runProblems.STEP_TIMEOUT(
      `Step "${this.key}" took longer than its ${option} of ${spanMs} ms (attempt ${this.attempt}).`,
    );
    this.abort(problem);
    this.#failed(final ? Object.assign(problem, { nonRetryable: true }) : problem);
  }

  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }

  #done(value: T): void {
    let data: string;
    try {
      data = value === undefined ? "" : writeJson(value, `The output of step "${this.key}"`, limits.PAYLOAD_BYTES_MAX);
    } catch (error) {
      this.#giveUp(failureOf(asOutputProblem(error), "STEP_OUTPUT_INVALID"));
      return;
    }
    this.#value = value;
    this.#fresh = true;
    this.#stopActing();
    this.conclude("step-completed", data);
  }

  #failed(error: unknown): void {
    const failure = failureOf(error, "STEP_FAILED");
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
    const fact: Facts["attempt-failed"] = { attempt: this.attempt, failure, retryAt };
    this.note("attempt-failed", JSON.stringify(fact));
    this.home.awaits(this, retryAt);
    this.home.news?.({ kind: "attempt-failed", run: this.home.run, step: this.key, attempt: this.attempt, failure, retryAt });
  }

  #giveUp(failure: Failure): void {
    this.#stopActing();
    const fact: Facts["step-failed"] = { attempts: this.attempt, failure };
    this.conclude("step-failed", JSON.stringify(fact));
  }

  deliver(entry: Entry): void {
    if (entry.kind === "step-completed") this.resolve(this.#fresh ? (this.#value as T) : (readOutput(entry.data) as T));
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

function requireSpan(option: string, spanMs: number | undefined): void {
  if (spanMs === undefined) return;
  const fits = Number.isFinite(spanMs) && spanMs > 0 && spanMs <= limits.WAIT_MS_MAX;
  if (!fits)
    throw runProblems.OPTION_INVALID(
      `${option} is ${String(spanMs)}; it must be a positive number of ms, at most ${limits.WAIT_MS_MAX}.`,
    );
}
