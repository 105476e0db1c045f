// In parallel. `Promise.all` and `Promise.race` work as ever, on steps; `mapLimit` bounds how many are under way at once.
// `ctx.progress` draws the bar on a terminal and is kept with the run.
//
//   baton run examples/03-parallel.ts -i count=30
//
// prints
//
//   The longest of sun, moon and sea is moon; primes up to 30: 2 3 5 7 11 13 17 19 23 29

import { setTimeout as pause } from "node:timers/promises";
import { mapLimit, workflow, z } from "batonflow";

export default workflow({
  name: "parallel",
  input: z.object({ count: z.number().int().min(1).max(1_000).default(30) }),
  run: async (ctx, { count }) => {
    const lengths = await Promise.all(["sun", "moon", "sea"].map((word) => ctx.step(`measure ${word}`, () => measured(word))));
    const [longest] = lengths.toSorted((a, b) => b.length - a.length);

    let done = 0;
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    const tests = await mapLimit(numbers, 4, async (number) => {
      const prime = await ctx.step(`test ${number}`, () => tested(number));
      ctx.progress(++done, count, `number ${number}`);
      return prime;
    });
    const primes = numbers.filter((_, index) => tests[index]);
    return `The longest of sun, moon and sea is ${longest?.word}; primes up to ${count}: ${primes.join(" ")}`;
  },
});

/** Both as slow as a service would be. */
const measured = (word: string) => pause(50, { word, length: word.length });
const tested = (n: number) => pause(20, n > 1 && !Array.from({ length: n }).some((_, d) => d > 1 && n % d === 0));
