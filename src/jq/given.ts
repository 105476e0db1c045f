// What an evaluation is given besides its input. Set for each evaluation; evaluations do not overlap.

import type { Value } from "./value.ts";

export const given: {
  /** Of the variables the program was compiled with, in their order. */
  values: readonly Value[];
  /** Unix seconds; null where there is no clock, as on a replay without one. */
  nowSeconds: number | null;
} = { values: [], nowSeconds: null };
