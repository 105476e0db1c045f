// Limits: of all steps with one key, over all runs, only so many act at once, or begin within a span. The others wait for
// their turn, by priority and age. A workflow's `limit` says the same of its runs.
//
//   baton run examples/08-limits.ts -i calls=9
//
// prints
//
//   9 calls, never more than 3 at once

import { workflow, z } from "batonflow";

/** A service that counts who is there. */
const service = { under: 0, most: 0 };

async function call(): Promise<void> {
  service.most = Math.max(service.most, ++service.under);
  await new Promise((resolve) => setTimeout(resolve, 20));
  service.under--;
}

const limit = { key: "the service", concurrency: 3, rate: { count: 100, perMs: 60_000 } };

export default workflow({
  name: "limits",
  input: z.object({ calls: z.number().int() }),
  run: async (ctx, { calls }) => {
    await Promise.all(Array.from({ length: calls }, (_, i) => ctx.step(`call ${i}`, call, { limit })));
    const most = await ctx.step("ask who was there", () => service.most);
    return `${calls} calls, never more than ${most} at once`;
  },
});
