// Children. `ctx.run` carries another workflow as a run of its own and waits for its output; `ctx.start` starts one and
// goes on at once. Each has its own journal: `baton runs ls` shows them all, `baton runs show RUN` its parent.
//
//   baton run examples/05-children.ts --input '{"trees": {"oak": 8, "birch": 5, "willow": 9}}'
//
// prints
//
//   {
//     "tallest": "willow",
//     "shade": 88,
//     "gardener": "told"
//   }

import { type RunId, workflow, z } from "batonflow";

const measureTree = workflow({
  name: "measure-tree",
  input: z.object({ height: z.number().positive() }),
  output: z.number(),
  run: (ctx, { height }) => ctx.step("measure the shade", () => height * 4),
});

const gardener = workflow({
  name: "gardener",
  run: (ctx, garden: RunId) => ctx.sendSignal(garden, "told"),
});

export default workflow({
  name: "garden",
  input: z.object({ trees: z.record(z.string(), z.number()) }),
  run: async (ctx, { trees }) => {
    await ctx.start(gardener, ctx.info.run);
    const shades = await Promise.all(
      Object.entries(trees).map(([tree, height]) => ctx.run(measureTree, { height }, { name: `measure ${tree}` })),
    );
    const [tallest] = Object.entries(trees).toSorted(([, a], [, b]) => b - a)[0] ?? [];
    const told = await ctx.waitSignal("told", { timeoutMs: 60_000 });
    return { tallest, shade: shades.reduce((sum, shade) => sum + shade, 0), gardener: told.received ? "told" : "away" };
  },
});
