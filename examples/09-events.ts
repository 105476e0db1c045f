// Events: told to whoever listens, in whichever run, now or later; each once. They come from runs, or from outside:
// `baton events send '{"type":"order.paid","data":{"order":7}}'`.
//
//   baton run examples/09-events.ts -i order=7
//
// prints
//
//   order 7: packed, billed

import { workflow, z } from "batonflow";

/** Does one thing for an order that was paid, whoever said so. */
const worker = workflow({
  name: "worker",
  run: async (ctx, { order, done }: { order: number; done: string }) => {
    const [paid] = await ctx.listen({ type: "order.paid", data: { order } });
    await ctx.emit({ type: "order.done", subject: String(order), data: `${done}` });
    return paid?.id ?? null;
  },
});

export default workflow({
  name: "events",
  input: z.object({ order: z.number() }),
  run: async (ctx, { order }) => {
    for (const done of ["packed", "billed"]) await ctx.start(worker, { order, done }, { name: done });
    await ctx.emit({ type: "order.paid", data: { order, amount: 30 } });
    const done = await ctx.listen({ type: "order.done", subject: String(order), count: 2, timeoutMs: 60_000 });
    return `order ${order}: ${done
      .map(({ data }) => data)
      .sort()
      .reverse()
      .join(", ")}`;
  },
});
