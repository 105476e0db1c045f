// A stream: what a run says as it goes, kept with the run, for others to read from any place on, or to follow
// (`baton runs stream RUN words --follow`).
//
//   baton run examples/10-stream.ts --json | grep -o "run_[0-9a-z]*" | xargs -I RUN baton runs stream RUN words
//
// prints
//
//   the
//   tide
//   comes in

import { workflow } from "batonflow";

export default workflow({
  name: "stream",
  run: async (ctx) => {
    const words = ctx.stream("words");
    words.write("the");
    await ctx.sleep("a moment", 10);
    // From within a step too: a model's answer, word by word.
    await ctx.step("model", (step) => step.stream("words").write("tide"));
    words.write("comes in");
  },
});
