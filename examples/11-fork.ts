// A fork: a new run that begins with what another has done, up to a step, here with another input. The first stays as it
// was. (`baton runs retry RUN` has the failed step done again in the same run.)
//
//   baton run examples/11-fork.ts -i price=-1 --json --key a | grep -o "run_[0-9a-z]*" | head -1 | xargs -I RUN baton runs fork RUN --from charge --input '{"price":3}' --json | grep -o "run_[0-9a-z]*" | head -1 | xargs -I RUN baton runs resume RUN
//
// prints
//
//   packed for run a, charged 3

import { NonRetryableError, workflow, z } from "batonflow";

export default workflow({
  name: "fork",
  input: z.object({ price: z.number() }),
  run: async (ctx, { price }) => {
    const packed = await ctx.step("pack", () => `packed for run ${ctx.info.key}`);
    const charged = await ctx.step("charge", () => {
      if (price < 0) throw new NonRetryableError(`nobody charges ${price}`);
      return price;
    });
    return `${packed}, charged ${charged}`;
  },
});
