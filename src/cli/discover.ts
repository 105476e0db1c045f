// `baton services discover`: hosts looked at one beside the other, with how far it is.

import type { Answerer, InputOf, OutputOf } from "../api.ts";
import { openBaton, thereOrHere } from "../orchestrator.ts";
import { openProgress } from "./live.ts";
import type { Terminal } from "./terminal.ts";

type Found = OutputOf<"services.discover">;

/** At whoever owns the directory, else here; each host by itself, so that it can be said how many are left. */
export async function discoverWithProgress(
  data: string,
  { hosts = [], add = false }: InputOf<"services.discover">,
  terminal: Terminal,
): Promise<Found> {
  const looks = [{ hosts: [], here: true }, ...hosts.map((host) => ({ hosts: [host], here: false }))];
  const all = async (answerer: Answerer): Promise<Found> => {
    using progress = openProgress(
      terminal,
      `looking at ${looks.length === 1 ? "this machine" : `${looks.length} hosts`}`,
      looks.length,
    );
    const found = await Promise.all(looks.map((look) => answerer.call("services.discover", look).finally(() => progress.step())));
    const looked = found.flatMap((one) => one.looked);
    if (!add) return { found: found.flatMap((one) => one.found), looked };
    // One after the other: two of one kind need names of their own.
    const added: Found["found"] = [];
    for (const [at, { found: some }] of found.entries())
      if (some.length > 0) added.push(...(await answerer.call("services.discover", { ...looks[at], add })).found);
    return { found: added, looked };
  };
  return await thereOrHere(
    data,
    all,
    async () => {
      await using baton = await openBaton({ data, carry: "nothing" });
      return await all(baton);
    },
    true,
  );
}
