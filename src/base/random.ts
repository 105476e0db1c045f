// Numbers that look random and repeat: a seeded generator, and a short hash.
// Neither is for secrets.

import type { Random32 } from "./clock.ts";

/** The sfc32 generator (Doty-Humphrey, PractRand), seeded with one 32-bit number; equal seeds give equal sequences. */
export function seededRandom(seed: number): Random32 {
  let a = seed | 0;
  let b = 0x9e3779b9 | 0;
  let c = 0x243f6a88 | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  return next;
}

/** A number in [0, 1) with 53 random bits. */
export function fraction(next: Random32): number {
  return ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992;
}

/** A UUID of version 4 (RFC 9562 §5.4) from the given generator. */
export function uuidFrom(next: Random32): string {
  const hex = Array.from({ length: 4 }, () => next().toString(16).padStart(8, "0")).join("");
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** A 52-bit hash of text (two FNV-1a-like lanes), a safe integer; for noticing change, not for security. */
export function shortHash(text: string): number {
  let high = 0x811c9dc5;
  let low = 0x1b873593;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x5bd1e995);
    low ^= low >>> 13;
  }
  return (high >>> 6) * 67_108_864 + (low >>> 6);
}
