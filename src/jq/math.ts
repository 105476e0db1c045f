// Mathematics: the functions of C's library that jq lends.

import { computed } from "./arithmetic.ts";
import { fail, shown, type Value } from "./value.ts";

type Compute = (input: Value, a?: Value, b?: Value, c?: Value) => Value;

function number(value: Value | undefined): number {
  if (typeof value === "number") return value;
  throw fail(`${shown(value ?? null)} number required`);
}

function of1(name: string, compute: (x: number) => number): readonly [string, Compute] {
  return [`${name}/0`, (value) => computed(compute(number(value)))];
}

function of2(name: string, compute: (x: number, y: number) => number): readonly [string, Compute] {
  return [`${name}/2`, (_, a, b) => computed(compute(number(a), number(b)))];
}

/** Halves go away from zero, as in C. */
function round(x: number): number {
  return x < 0 ? -Math.round(-x) : Math.round(x);
}

/** Halves go to the even neighbour. */
function nearest(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** x = fraction × 2^exponent, with the fraction in [0.5, 1). */
function frexp(x: number): [fraction: number, exponent: number] {
  if (x === 0 || !Number.isFinite(x)) return [x, 0];
  let exponent = Math.max(-1023, Math.floor(Math.log2(Math.abs(x))) + 1);
  let fraction = x * 2 ** -exponent;
  while (Math.abs(fraction) < 0.5) {
    fraction *= 2;
    exponent--;
  }
  while (Math.abs(fraction) >= 1) {
    fraction /= 2;
    exponent++;
  }
  return [fraction, exponent];
}

function scaled(x: number, exponent: number): number {
  const bounded = Math.max(-2200, Math.min(2200, Math.trunc(exponent)));
  let result = x;
  for (let left = bounded; left !== 0; ) {
    const part = Math.max(-1000, Math.min(1000, left));
    result *= 2 ** part;
    left -= part;
  }
  return result;
}

function logb(x: number): number {
  if (x === 0) return -Infinity;
  if (!Number.isFinite(x)) return Number.isNaN(x) ? x : Infinity;
  return frexp(x)[1] - 1;
}

function significand(x: number): number {
  return x === 0 || !Number.isFinite(x) ? x : frexp(x)[0] * 2;
}

/** The remainder whose quotient is the nearest whole number (IEEE 754). */
function remainder(x: number, y: number): number {
  if (y === 0 || !Number.isFinite(x) || Number.isNaN(y)) return Number.NaN;
  if (!Number.isFinite(y)) return x;
  const rest = x % y;
  const half = Math.abs(y) / 2;
  if (Math.abs(rest) < half) return rest;
  if (Math.abs(rest) > half) return rest - Math.sign(rest) * Math.abs(y);
  return Math.trunc(x / y) % 2 === 0 ? rest : rest - Math.sign(rest) * Math.abs(y);
}

// Lanczos' approximation (g = 7, n = 9): 15 digits.
const LANCZOS = [
  ...[0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059],
  ...[12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7],
];

function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  const shifted = x - 1;
  const sum = LANCZOS.reduce((total, c, i) => (i === 0 ? c : total + c / (shifted + i)), 0);
  const t = shifted + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum);
}

function gamma(x: number): number {
  if (Number.isInteger(x)) {
    if (x <= 0) return x === 0 ? 1 / x : Number.NaN;
    if (x <= 171) {
      let product = 1;
      for (let i = 2; i < x; i++) product *= i;
      return product;
    }
  }
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * gamma(1 - x));
  return Math.exp(logGamma(x));
}

function signOfGamma(x: number): number {
  if (x > 0 || Object.is(x, 0)) return 1;
  return Math.floor(x) % 2 === 0 ? 1 : -1;
}

function nextAfter(x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  if (x === y) return y;
  if (x === 0) return y > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  bits.setBigInt64(0, bits.getBigInt64(0) + (y > x === x > 0 ? 1n : -1n));
  return bits.getFloat64(0);
}

export const numeric: readonly (readonly [string, Compute])[] = [
  ...(["floor", "ceil", "sqrt", "trunc", "cbrt", "exp", "expm1", "log", "log2", "log10", "log1p"] as const).map((name) =>
    of1(name, Math[name]),
  ),
  ...(["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"] as const).map((name) =>
    of1(name, Math[name]),
  ),
  of1("fabs", Math.abs),
  of1("round", round),
  of1("rint", nearest),
  of1("nearbyint", nearest),
  of1("exp2", (x) => 2 ** x),
  of1("exp10", (x) => 10 ** x),
  of1("pow10", (x) => 10 ** x),
  of1("significand", significand),
  of1("logb", logb),
  of1("gamma", logGamma),
  of1("lgamma", logGamma),
  of1("tgamma", gamma),
  of2("pow", (x, y) => x ** y),
  of2("atan2", Math.atan2),
  of2("fmod", (x, y) => x % y),
  of2("fmin", (x, y) => (Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.min(x, y))),
  of2("fmax", (x, y) => (Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.max(x, y))),
  of2("fdim", (x, y) => (x > y ? x - y : 0)),
  of2("hypot", Math.hypot),
  of2("copysign", (x, y) => (y < 0 || Object.is(y, -0) ? -Math.abs(x) : Math.abs(x))),
  of2("drem", remainder),
  of2("remainder", remainder),
  of2("ldexp", scaled),
  of2("scalb", scaled),
  of2("scalbln", scaled),
  of2("nextafter", nextAfter),
  of2("nexttoward", nextAfter),
  ["fma/3", (_, a, b, c) => computed(number(a) * number(b) + number(c))],
  ["frexp/0", (value) => frexp(number(value)).map(computed)],
  ["modf/0", (value) => modf(number(value))],
  ["lgamma_r/0", (value) => [computed(logGamma(number(value))), signOfGamma(number(value))]],
  ["abs/0", abs],
  ["infinite/0", () => computed(Infinity)],
  ["nan/0", () => computed(Number.NaN)],
  ["isinfinite/0", (value) => value === Infinity || value === -Infinity],
  ["isnan/0", (value) => Number.isNaN(value)],
  ["isfinite/0", (value) => Number.isFinite(value)],
  ["isnormal/0", (value) => typeof value === "number" && isNormal(value)],
];

function modf(x: number): Value {
  const whole = Math.trunc(x);
  return [computed(Number.isFinite(x) ? x - whole : Number.isNaN(x) ? x : 0), computed(whole)];
}

/** What is no number stays as it is. */
function abs(value: Value): Value {
  if (value === null || typeof value === "boolean") throw fail(`${shown(value)} cannot be negated`);
  return typeof value === "number" && value <= 0 ? 0 - value : value;
}

function isNormal(x: number): boolean {
  return Number.isFinite(x) && Math.abs(x) >= 2.2250738585072014e-308;
}
