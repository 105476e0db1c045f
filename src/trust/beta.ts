// The distributions trust is made of: draws from Beta, what of it lies below a value, quantiles of mixtures. Pure.

import type { Random32 } from "../base/clock.ts";
import { fraction } from "../base/random.ts";

/** One Beta(a, b) of a mixture; the weights of a mixture sum to 1. */
export interface BetaPart {
  readonly weight: number;
  readonly a: number;
  readonly b: number;
}

export type BetaMixture = readonly BetaPart[];

/** How far from the share asked for a quantile may lie, in probability. */
const SHARE_TOLERANCE = 1e-5;

/** How closely a quantile is looked for. */
const QUANTILE_TOLERANCE = 1e-9;
const QUANTILE_STEPS_MAX = 60;

/** The continued fraction needs about the root of the larger parameter: this serves 10^8 verdicts. */
const FRACTION_TERMS_MAX = 20_000;

const FRACTION_TOLERANCE = 1e-8;

/** A normal distribution has a twentieth beyond so many standard deviations. */
const NORMAL_TAIL = 1.645;

// ── Draws ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A draw from Beta(a, b), as the share of one gamma draw in two. */
export function drawBeta(a: number, b: number, next: Random32): number {
  const one = drawGamma(a, next);
  const other = drawGamma(b, next);
  if (one + other > 0) return one / (one + other);
  return fraction(next) * (a + b) < a ? 1 : 0; // both underflowed: all mass is at the ends
}

/** Marsaglia & Tsang, "A simple method for generating gamma variables", 2000; their §6 for shapes below 1. */
function drawGamma(shape: number, next: Random32): number {
  if (shape < 1) return drawGamma(shape + 1, next) * (1 - fraction(next)) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const z = drawNormal(next);
    const v = (1 + c * z) ** 3;
    if (v > 0 && Math.log(1 - fraction(next)) < (z * z) / 2 + d * (1 - v + Math.log(v))) return d * v;
  }
}

/** Marsaglia's polar method, 1964. */
function drawNormal(next: Random32): number {
  for (;;) {
    const x = 2 * fraction(next) - 1;
    const y = 2 * fraction(next) - 1;
    const square = x * x + y * y;
    if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
  }
}

// ── Measures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The value below which `share` of the mixture lies, also where the weights do not quite sum to 1: Newton's steps within a
 * bracket, halved where they leave it.
 */
export function quantileOf(mixture: BetaMixture, share: number): number {
  const scaled = mixture.map((part) => ({ ...part, scale: scaleOf(part.a, part.b) }));
  const wanted = share * mixture.reduce((sum, { weight }) => sum + weight, 0);
  let [low, high, at] = [0, 1, guessOf(mixture, share)];
  for (let step = 0; step < QUANTILE_STEPS_MAX && high - low > QUANTILE_TOLERANCE; step++) {
    const { below, density } = measured(scaled, at);
    if (Math.abs(below - wanted) < SHARE_TOLERANCE) return at;
    if (below > wanted) high = at;
    else low = at;
    const newton = at - (below - wanted) / density;
    at = newton > low && newton < high ? newton : (low + high) / 2;
  }
  return at;
}

/** As if the heaviest part were all, and normal. */
function guessOf(mixture: BetaMixture, share: number): number {
  const { a, b } = mixture.reduce((one, other) => (other.weight > one.weight ? other : one));
  const mean = a / (a + b);
  const guess = mean + Math.sign(share - 0.5) * NORMAL_TAIL * Math.sqrt((mean * (1 - mean)) / (a + b + 1));
  return guess > 0 && guess < 1 ? guess : mean;
}

/** How much of a mixture lies below x, and how densely around it. */
function measured(mixture: readonly (BetaPart & { readonly scale: number })[], x: number): { below: number; density: number } {
  let [below, density] = [0, 0];
  for (const { weight, a, b, scale } of mixture) {
    const power = powers(x, a, b, scale);
    below += weight * belowBy(power, x, a, b);
    density += (weight * power) / (x * (1 - x));
  }
  return { below, density };
}

/** The share of Beta(a, b) below x: the regularised incomplete beta function (DLMF 8.17). */
export function betaBelow(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  return x >= 1 ? 1 : belowBy(powers(x, a, b, scaleOf(a, b)), x, a, b);
}

/** The fraction converges fast below the mean or so only; beyond, the other tail is computed. */
function belowBy(power: number, x: number, a: number, b: number): number {
  return x > (a + 1) / (a + b + 2) ? 1 - (power * betaFraction(1 - x, b, a)) / b : (power * betaFraction(x, a, b)) / a;
}

/** x^a (1-x)^b / B(a, b). */
function powers(x: number, a: number, b: number, scale: number): number {
  return Math.exp(a * Math.log(x) + b * Math.log1p(-x) + scale);
}

/** -ln B(a, b). */
export function scaleOf(a: number, b: number): number {
  return logGamma(a + b) - logGamma(a) - logGamma(b);
}

/** DLMF 8.17.22 by Lentz's method, as in Press et al., "Numerical Recipes", §6.4: two terms a turn. */
function betaFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m <= FRACTION_TERMS_MAX; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / notZero(1 + even * d);
    c = notZero(1 + even / c);
    value *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / notZero(1 + odd * d);
    c = notZero(1 + odd / c);
    value *= c * d;
    if (Math.abs(c * d - 1) < FRACTION_TOLERANCE) break;
  }
  return value;
}

function notZero(value: number): number {
  return Math.abs(value) < 1e-300 ? 1e-300 : value;
}

const LANCZOS = [
  ...[676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059],
  ...[12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7],
];

/** ln Γ(x) for x > 0, good to about 1e-14: Lanczos' approximation, g = 7. */
function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  let series = 0.99999999999980993;
  for (let i = 0; i < LANCZOS.length; i++) series += (LANCZOS[i] ?? 0) / (x + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(series);
}

/** The share of the standard normal distribution below z, good to 1e-7: Abramowitz & Stegun 26.2.17. */
export function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const above = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return z >= 0 ? 1 - above : above;
}
