// The code before: see examples/12-upgrade.ts.

import { workflow } from "batonflow";

export default workflow({
  name: "parcel",
  version: "1.0.0",
  run: async (ctx) => {
    const done = [await ctx.step("pack", () => "packed")];
    await ctx.sleep("until the truck comes", 3_000);
    done.push(await ctx.step("ship", () => "shipped"));
    return done.join(", ");
  },
});
