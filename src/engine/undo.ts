// Taking back (sagas): what was to be undone is on disk before it is done; when the run does not complete, each undo is
// a step of its own, the last first.

import { failureOf, runProblems, UNDO, type Unwinding } from "../run.ts";
import type { StepOptions } from "../workflow.ts";
import type { TakenName } from "./names.ts";
import { type Home, Operation, type Undo } from "./operation.ts";
import { StepOperation } from "./step.ts";

/** Where an author says nothing: an undo that is given up leaves the world half done. */
const RETRY = { attemptsMax: 5 };

export class CompensateOperation extends Operation<void> {
  readonly kind = "compensation";
  readonly #undo: Undo;

  constructor(home: Home, name: TakenName, act: Undo["act"], options: StepOptions = {}) {
    super(home, name);
    if (typeof act !== "function") throw runProblems.OPTION_INVALID(`Compensation "${name.key}" has no function to do.`);
    this.#undo = { key: name.key, act, options: { retry: RETRY, ...options } };
  }

  /** It counts from when it is written, not from when the workflow is told: so a replay takes back the same. */
  override asked(): void {
    if (this.recordedOutcome !== null) this.home.undoes(this.#undo);
  }

  begin(): void {
    this.home.undoes(this.#undo);
    this.conclude("undo-added", "null");
  }

  deliver(): void {
    this.resolve();
  }
}

/** The end of a run that takes back what it did. */
export class Unwind {
  readonly #home: Home;
  readonly #undos: Undo[];
  readonly #ending: Unwinding;
  readonly #notUndone: { readonly key: string; readonly message: string }[] = [];
  #current: Operation | null = null;
  isUnderWay = false;

  constructor(home: Home, undos: readonly Undo[], ending: Unwinding) {
    this.#home = home;
    this.#undos = [...undos];
    this.#ending = ending;
  }

  /** Whether it is the undo under way; all else that is open belongs to the workflow's function, which is over. */
  owns(operation: Operation): boolean {
    return operation === this.#current;
  }

  /** The next step, to be opened; null when all is taken back. */
  next(): StepOperation<unknown> | null {
    this.isUnderWay = true;
    const undo = this.#undos.pop();
    if (undo === undefined) return null;
    const name: TakenName = { key: UNDO + undo.key, use: { uses: 1, open: 1 } }; // what it undoes has a key of its own
    const step = new StepOperation<unknown>(this.#home, name, undo.act, undo.options);
    this.#current = step as Operation;
    return step;
  }

  /** The undo under way could not be carried out; those before it still are. */
  failed(error: unknown): void {
    const { message } = failureOf(error, "COMPENSATION_FAILED");
    this.#notUndone.push({ key: this.#current?.key ?? "", message });
  }

  /** How the run ends. */
  ending(): Unwinding {
    const { status, problem } = this.#ending;
    if (this.#notUndone.length === 0) return this.#ending;
    const parts = this.#notUndone.map(({ key, message }) => `"${key}": ${message}`).join("; ");
    const failed = runProblems.COMPENSATION_FAILED(`After "${problem.detail}" this could not be taken back: ${parts}`, {
      facts: { notUndone: this.#notUndone, cause: { code: problem.code, detail: problem.detail } },
    });
    return { status, problem: failed.problem };
  }
}
