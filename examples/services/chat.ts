// Asks whichever language model of this machine is found; its words are shown as they come.
//
//   baton services discover --add
//   baton run examples/services/chat.ts -i question="Why is the sea salty?"
//
// prints the answer, and says on stderr who gave it. Nothing leaves this machine.

import { workflow, z } from "batonflow";

export default workflow({
  name: "chat",
  input: z.object({ question: z.string() }),
  run: async (ctx, { question }) => {
    const called = await ctx.tryCall<{ text: string }>(
      "llm.chat",
      { system: "Answer in one or two sentences.", prompt: question },
      { localOnly: true, stream: "words" },
    );
    if (!called.ok) throw new Error(called.problem.detail);
    ctx.log.info(`answered by ${called.target}`);
    return called.output.text;
  },
});
