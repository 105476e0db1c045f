// Run ids from run numbers: `run_` + four characters that name the data directory +
// the number in base 32. Derived, so that no second index is needed; tagged, so that
// an id of another data directory is not mistaken for one of this.

import { type RunId, readId } from "../base/id.ts";

const TAG_LENGTH = 4;
const NUMBER_LENGTH_MIN = 4;

export function runIds(tag: string): { of(number: number): RunId; numberOf(id: RunId): number | null } {
  const prefix = `run_${tag}`;
  return {
    of: (number) => `${prefix}${number.toString(32).padStart(NUMBER_LENGTH_MIN, "0")}` as RunId,
    numberOf(id) {
      const digits = id.slice(prefix.length);
      if (readId("run", id) === null || !id.startsWith(prefix) || !/^[0-9a-v]{4,10}$/.test(digits)) return null;
      const number = Number.parseInt(digits, 32);
      return this.of(number) === id ? number : null;
    },
  };
}

/** A new tag from 32 random bits. */
export function newTag(random: number): string {
  return random.toString(32).padStart(7, "0").slice(-TAG_LENGTH);
}
