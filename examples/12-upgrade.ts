// New code under running runs: `ctx.patch` is true for runs that come here for the first time, and false for those that
// went past with the code before (examples/upgrade/before.ts). `baton check FILE` says beforehand what would happen.
//
//   baton run examples/12-upgrade.ts
//
// prints
//
//   packed, insured, shipped
//
//   baton run examples/upgrade/before.ts --timeout 2s --json | grep -o "run_[0-9a-z]*" | head -1 | xargs -I RUN sh -c "baton runs migrate RUN --to examples/12-upgrade.ts --quiet > /dev/null && baton runs resume RUN"
//
// prints
//
//   packed, shipped

import { workflow } from "batonflow";

export default workflow({
  name: "parcel",
  version: "2.0.0",
  run: async (ctx) => {
    const done = [await ctx.step("pack", () => "packed")];
    if (await ctx.patch("insurance")) done.push(await ctx.step("insure", () => "insured"));
    await ctx.sleep("until the truck comes", 3_000);
    done.push(await ctx.step("ship", () => "shipped"));
    return done.join(", ");
  },
});
