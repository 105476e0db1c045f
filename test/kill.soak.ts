// The long version of the kill loop: `npm run soak -- --only kill --kills N`.

import { killAgainAndAgain } from "./kill.ts";

export const name = "kill";

const KILLS_PER_SEED = 25;

export async function soak({ kills }: { readonly kills: number }): Promise<void> {
  let killed = 0;
  let runs = 0;
  for (let seed = 1; killed < kills; seed++) {
    const round = await killAgainAndAgain(seed, Math.min(KILLS_PER_SEED, kills - killed));
    killed += round.kills;
    runs += round.runs;
    process.stdout.write(`${killed}/${kills} kills, ${runs} runs, 0 lost, 0 results recorded twice\n`);
  }
}
