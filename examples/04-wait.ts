// Waiting: for a moment, for a signal, for a person. A run that waits costs nothing and may wait for years; a deadline or
// a default lets it go on alone. On a terminal the question is asked in place; with --no-input its default is taken.
//
//   baton run examples/04-wait.ts -i parcel=books --no-input
//
// prints
//
//   books: rang 2 times, left with the neighbour (said by default)

import { type RunId, workflow, z } from "batonflow";

/** Some other run, that sends a signal to the one that waits for it. */
const courier = workflow({
  name: "courier",
  run: async (ctx, to: RunId) => {
    await ctx.sleep("drive", 200);
    await ctx.sendSignal(to, "doorbell", { times: 2 });
  },
});

export default workflow({
  name: "wait",
  input: z.object({ parcel: z.string() }),
  run: async (ctx, { parcel }) => {
    await ctx.start(courier, ctx.info.run);
    const bell = await ctx.waitSignal("doorbell", { schema: z.object({ times: z.number() }), timeoutMs: 60_000 });
    if (!bell.received) return `${parcel}: nobody rang`;

    const answer = await ctx.ask("who takes it", {
      message: `Who takes the parcel with ${parcel}?`,
      schema: z.enum(["me", "the neighbour", "nobody"]),
      default: "the neighbour",
      timeoutMs: 7 * 86_400_000,
    });
    return `${parcel}: rang ${bell.value.times} times, left with ${answer.by === "timeout" ? "nobody" : answer.value} (said by ${answer.by})`;
  },
});
