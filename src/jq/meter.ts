// What one evaluation may spend. The same program with the same input spends the same on every machine, so that a
// replay ends where the first run ended.
//
// Evaluation is synchronous and never calls out, so one meter serves them all.

import { JqProblem } from "./problems.ts";

export interface JqLimits {
  /** Values produced, items walked, pieces of text handled. 50 ns each, roughly. */
  readonly stepsMax: number;
  /** Members of arrays and objects that are made, all together: bounds memory. */
  readonly itemsMax: number;
  /** Bytes of texts that are made, all together, as UTF-16. */
  readonly bytesMax: number;
  /** Functions within functions. Far fewer than the stack holds. */
  readonly depthMax: number;
}

export const JQ_LIMITS: JqLimits = { stepsMax: 5_000_000, itemsMax: 2_000_000, bytesMax: 64 << 20, depthMax: 400 };

/** How deep a value may be nested that a program makes or walks. */
export const VALUE_DEPTH_MAX = 10_000;

class Meter {
  steps = 0;
  items = 0;
  bytes = 0;
  depth = 0;
  /** Whether a number came up that JSON does not have. */
  strayNumber = false;
  limits: JqLimits = JQ_LIMITS;

  start(limits: JqLimits): void {
    this.steps = limits.stepsMax;
    this.items = limits.itemsMax;
    this.bytes = limits.bytesMax;
    this.depth = limits.depthMax;
    this.strayNumber = false;
    this.limits = limits;
  }

  /** With the limits that hold where nobody says otherwise; nothing to do where nothing was spent. */
  restart(): void {
    if (this.limits !== JQ_LIMITS || this.isTouched()) this.start(JQ_LIMITS);
  }

  /** Whether anything was spent since the start. */
  isTouched(): boolean {
    const { stepsMax, itemsMax, bytesMax, depthMax } = JQ_LIMITS;
    return (
      this.strayNumber || this.steps !== stepsMax || this.items !== itemsMax || this.bytes !== bytesMax || this.depth !== depthMax
    );
  }

  step(): void {
    if (--this.steps < 0) this.#outOfSteps();
  }

  spendSteps(count: number): void {
    this.steps -= count;
    if (this.steps < 0) this.#outOfSteps();
  }

  spendItems(count: number): void {
    this.items -= count;
    this.steps -= count;
    if (this.items < 0)
      throw new JqProblem("JQ_ITEMS", `The program made more than ${this.limits.itemsMax} members of arrays and objects.`);
    if (this.steps < 0) this.#outOfSteps();
  }

  /** Before a text of this many UTF-16 units is made. */
  spendText(units: number): void {
    this.bytes -= units * 2;
    this.steps -= units >> 6;
    if (this.bytes < 0) throw new JqProblem("JQ_BYTES", `The program made texts of more than ${this.limits.bytesMax} bytes.`);
    if (this.steps < 0) this.#outOfSteps();
  }

  enter(): void {
    if (--this.depth < 0) throw tooDeep(`Functions called one another ${this.limits.depthMax} deep.`);
  }

  leave(): void {
    this.depth++;
  }

  #outOfSteps(): never {
    throw new JqProblem("JQ_STEPS", `The program took more than ${this.limits.stepsMax} steps.`);
  }
}

export function tooDeep(sentence: string): JqProblem {
  return new JqProblem("JQ_DEPTH", sentence);
}

export const meter = new Meter();
