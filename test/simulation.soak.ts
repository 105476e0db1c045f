// The long version of the simulation: `npm run soak -- --only simulation --seeds N`.

import { simulate } from "../src/testing.ts";

export const name = "simulation";

export async function soak({ seeds, seed: first }: { readonly seeds: number; readonly seed: number }): Promise<void> {
  const beganAt = Date.now();
  for (let done = 1; done <= seeds; done++) {
    const seed = first + done - 1;
    const { violations } = await simulate(seed);
    if (violations.length > 0) throw new Error(`seed ${seed}: ${violations.join("; ")}`);
    if (done % 100 === 0)
      process.stdout.write(`${done}/${seeds} seeds, ${Math.round((Date.now() - beganAt) / done)} ms each, 0 violations\n`);
  }
  process.stdout.write(`${seeds} seeds, 0 violations\n`);
}
