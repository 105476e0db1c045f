// Has a picture made, keeps it as a file, and has somebody else look at it: an image generator and a model that sees.
//
//   baton services discover --add
//   baton run examples/services/picture.ts -i prompt="a lighthouse at night" -i file=lighthouse.png
//
// prints what is seen in the picture.

import { writeFile } from "node:fs/promises";
import { type FileValue, workflow, z } from "batonflow";

export default workflow({
  name: "picture",
  input: z.object({ prompt: z.string(), file: z.string().default("picture.png") }),
  run: async (ctx, { prompt, file }) => {
    const made = await ctx.call<{ images: FileValue[] }>("image.generate", { prompt, width: 256, height: 256 });
    const image = made.images[0];
    if (image === undefined) throw new Error("no picture was made");
    await ctx.step("save", (step) => writeFile(file, step.readFile(image)));
    const seen = await ctx.call<{ text: string }>("llm.chat", { prompt: "Describe this picture.", images: [{ ...image }] });
    return `${file}: ${seen.text}`;
  },
});
