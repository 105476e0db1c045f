// What a ledger is strict about, by who may enter its registry.

/** `closed`: somebody decides who enters. `open`: anybody does, under as many names as it likes. */
export type Federation = "closed" | "open";

/** What may be turned off or down to measure what it is good for. */
export interface Rules {
  /** Draws are as if there were this many times the evidence: textbook Thompson sampling (1) regrets a tenth more. */
  readonly sharpness: number;
  /** How likely an agent changes per verdict of the capability, at most; 0: never. */
  readonly hazardMax: number;
  /** The most strikes an agent can have; 0: falls leave no mark. */
  readonly strikesMax: number;
  /** Newcomers are tried while fewer than this many times √(t+1) agents were. */
  readonly triedPerRoot: number;
  /** Whether agents that are not proven share a tenth of the tasks. */
  readonly hasProbation: boolean;
}

const COMMON = { sharpness: 1.5, hazardMax: 0.01, strikesMax: 32 };

export const RULES: Readonly<Record<Federation, Rules>> = {
  closed: { ...COMMON, triedPerRoot: 2, hasProbation: false },
  open: { ...COMMON, triedPerRoot: 1, hasProbation: true },
};

export interface LedgerOptions {
  /** `closed` where left out. */
  readonly federation?: Federation;
  /** In place of the federation's own: for measurements. */
  readonly rules?: Partial<Rules>;
}

export function rulesOf({ federation = "closed", rules = {} }: LedgerOptions): Rules {
  return { ...RULES[federation], ...rules };
}
