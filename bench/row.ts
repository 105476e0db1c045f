// What a benchmark tells, and what it is asked.

export interface Row {
  /** Of bench/README.md: `W0`, `W1`, … `memory`. */
  readonly workload: string;
  readonly case: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** `value` as a multiple of the same metric of `against`, measured in the same minutes. */
  readonly ratio?: number;
  readonly against?: string;
}

export interface BenchOptions {
  /** Fewer rounds and steps: to see that it runs, not how fast. */
  readonly quick: boolean;
  /** How many, where a workload lets that be said: `--n`. */
  readonly n?: number;
  report(row: Row): void;
}
