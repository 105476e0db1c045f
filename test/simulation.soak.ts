// The long version of the simulation: `npm run soak -- --only simulation --seeds N`.

import { simulate } from "../src/testing.ts";

export const name = "simulation";

export async function soak({ seeds }: { readonly seeds: number }): Promise<void> {
  const beganAt = Date.now();
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await simulate(seed);
    if (violations.length > 0) throw new Error(`seed ${seed}: ${violations.join("; ")}`);
    if (seed % 100 === 0)
      process.stdout.write(`${seed}/${seeds} seeds, ${Math.round((Date.now() - beganAt) / seed)} ms each, 0 violations\n`);
  }
  process.stdout.write(`${seeds} seeds, 0 violations\n`);
}
