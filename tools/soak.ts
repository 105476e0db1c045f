// `npm run soak [-- --seeds N] [--kills N] [--minutes N] [--seed FIRST] [--only NAME]`: the long versions of tests, in
// test/*.soak.ts.

import { globSync } from "node:fs";
import { parseArgs } from "node:util";
import { rootPath } from "./layout.ts";

interface Soak {
  readonly name: string;
  soak(args: { seeds: number; kills: number; minutes: number; seed: number }): Promise<void>;
}

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "5000" },
    kills: { type: "string", default: "1000" },
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
  },
});

let ran = 0;
for (const file of globSync("test/*.soak.ts", { cwd: rootPath() }).toSorted()) {
  const soak = (await import(rootPath(file))) as Soak;
  if (values.only !== undefined && values.only !== soak.name) continue;
  ran++;
  process.stdout.write(`${soak.name} …\n`);
  const { seeds, kills, minutes, seed } = values;
  await soak.soak({ seeds: Number(seeds), kills: Number(kills), minutes: Number(minutes), seed: Number(seed) });
}
if (ran === 0) {
  process.stderr.write("no soak has that name\n");
  process.exitCode = 2;
}
