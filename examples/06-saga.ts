// Taking back: what a step did is undone when the run does not come to its end, the last first, through crashes too.
// How to undo is on disk before the step acts.
//
//   baton run examples/06-saga.ts -i seats=2
//
// prints
//
//   2 seats: no car left; given back: hotel, flight; still booked: nothing

import { type Context, workflow, z } from "batonflow";

/** Somebody else's booking system. */
const agency = { booked: new Set<string>(), givenBack: [] as string[] };

async function book(ctx: Context, thing: string): Promise<void> {
  await ctx.compensate(`give back ${thing}`, () => {
    agency.booked.delete(thing);
    agency.givenBack.push(thing);
  });
  await ctx.step(`book ${thing}`, () => void agency.booked.add(thing));
}

const trip = workflow({
  name: "trip",
  run: async (ctx) => {
    await book(ctx, "flight");
    await book(ctx, "hotel");
    await ctx.step("book car", () => Promise.reject(new Error("no car left")));
  },
});

export default workflow({
  name: "saga",
  input: z.object({ seats: z.number() }),
  run: async (ctx, { seats }) => {
    const why = await ctx.run(trip, null).catch((error: Error) => error.message);
    const { givenBack, booked } = await ctx.step("look", () => ({ ...agency, booked: [...agency.booked] }));
    return `${seats} seats: ${why}; given back: ${givenBack.join(", ")}; still booked: ${booked.join(", ") || "nothing"}`;
  },
});
