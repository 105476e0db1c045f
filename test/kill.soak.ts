// The long version of the kill loop: `npm run soak -- --only kill --kills N`, and `--seed S` to begin with that seed.

import { killAgainAndAgain } from "./kill.ts";

export const name = "kill";

const KILLS_PER_SEED = 50;

export async function soak({ kills, seed: first }: { readonly kills: number; readonly seed: number }): Promise<void> {
  let killed = 0;
  let rounds = 0;
  for (let seed = first; killed < kills; seed++) {
    const more = await killAgainAndAgain(seed, Math.min(KILLS_PER_SEED, kills - killed));
    killed += more.kills;
    rounds += more.rounds;
    process.stdout.write(
      `seed ${seed}: ${killed}/${kills} kills in ${rounds} rounds, ${JSON.stringify(more.hits)}, 0 violations\n`,
    );
  }
}
