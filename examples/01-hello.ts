// Hello. A workflow is a function; what takes time or touches the world is a step. What a step gave is on disk before it
// is returned: killed at any moment and carried on, the run goes on where it was.
//
//   baton run examples/01-hello.ts
//
// prints
//
//   {
//     "greeting": "Hello, world!",
//     "letters": 10
//   }
//
// and for someone in particular
//
//   baton run examples/01-hello.ts -i name=Ada --key hello-ada
//
// prints, however often it is typed,
//
//   {
//     "greeting": "Hello, Ada!",
//     "letters": 8
//   }

import { workflow, z } from "batonflow";

export default workflow({
  name: "hello",
  input: z.object({ name: z.string().default("world") }),
  output: z.object({ greeting: z.string(), letters: z.number() }),
  run: async (ctx, { name }) => {
    const greeting = await ctx.step("greet", () => `Hello, ${name}!`);
    const letters = await ctx.step("count the letters", () => [...greeting.matchAll(/\p{Letter}/gu)].length);
    return { greeting, letters };
  },
});
