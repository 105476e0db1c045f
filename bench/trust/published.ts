// What the design's own simulation measured, to check this harness against: another program, another generator, the same
// populations as far as its text says. And the goals set for the ledger.

/** Cumulative regret, mean of 200 seeds, S1 to S6; then the anchor where it is known. */
export const PUBLISHED: Readonly<Record<string, readonly number[]>> = {
  random: [1317, 1256, 1069, 972, 783, 288],
  "round-robin": [1318, 1254, 1070, 940, 768, 288],
  greedy: [164, 727, 500, 379, 392, 52],
  "ε-greedy .05": [133, 645, 443, 307, 261, 66],
  "Beta reputation .99": [435, 807, 648, 909, 660, 158],
  "EigenTrust, 1 rater": [479, 1004, 604, 810, 549, 153],
  UCB1: [314, 394, 354, 391, 371, 226],
  "kl-UCB": [79, 297, 206, 112, 121, 115, 278],
  Thompson: [55, 514, 398, 128, 179, 95, 493],
  "discounted Thompson .998": [193, 281, 246, 222, 238, 127],
  "discounted Thompson .99": [435, 420, 391, 401, 375, 185, 187],
  "window Thompson 500": [202, 251, 227, 246, 239, 125],
  "D-UCB .998": [782, 794, 718, 621, 573, 249],
  "SW-UCB 500": [493, 507, 474, 414, 417, 214],
  "SW-klUCB 206": [NaN, NaN, NaN, NaN, NaN, NaN, 178],
  "GLR-klUCB local": [172, 265, 210, 167, 193, 147, 72],
  "GLR + localise + Thompson": [85, 414, 205, 77, 87, 101, 29],
  "ledger, closed": [82, 275, 133, 89, 89, 83, 41],
  "ledger, c = 1": [95, 283, 141, 98, 103, 95, 48],
  "ledger, open": [104, 298, 153, 153, 129, 105, 51],
  "ledger without change": [45, 521, 399, 128, 169, 77],
  "ledger without strikes": [82, 267, 129, 93, 91, 83],
};

export interface Goal {
  readonly name: string;
  /** At most, or at least where `isFloor`. */
  readonly limit: number;
  readonly unit: string;
  readonly isFloor?: boolean;
}

export const REGRET_GOALS: Readonly<Record<string, number>> = { S1: 95, S2: 300, S3: 150, S4: 105, S5: 105, S6: 95, A: 50 };

export const GOALS = {
  sum: { name: "regret, sum of S1 to S6", limit: 800, unit: "tasks" },
  delayMedian: { name: "detection of a fall, median", limit: 12, unit: "tasks" },
  delayP95: { name: "detection of a fall, 95 %", limit: 30, unit: "tasks" },
  ece: { name: "calibration error, the worst of S1 to S6", limit: 0.025, unit: "" },
  referredTruth: { name: "referrals, no liars", limit: 10, unit: "tasks" },
  referred: { name: "referrals, the worst share of liars", limit: 20, unit: "tasks" },
  referredHarm: { name: "referrals, at worst beyond none", limit: 0, unit: "tasks" },
  dull: { name: "whitewash, dull, 5 attackers", limit: 100, unit: "tasks" },
  smart: { name: "whitewash, smart, open, at worst", limit: 540, unit: "tasks" },
  load: { name: "load, of the clairvoyant's worth, at worst", limit: 98, unit: "%", isFloor: true },
  liars: { name: "liars, 3 probes", limit: 12, unit: "tasks" },
  choice10: { name: "a choice among 10", limit: 20, unit: "µs" },
  choice50: { name: "a choice among 50", limit: 60, unit: "µs" },
} as const satisfies Record<string, Goal>;
