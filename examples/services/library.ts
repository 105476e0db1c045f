// Reads a folder of texts into a vector store, and answers a question from what is in them: a model that makes vectors, a
// store, and a model that talks. Run again, it puts in the same passages under the same ids.
//
//   baton services discover --add
//   baton run examples/services/library.ts -i folder=docs -i question="What happens to a run when its process dies?"
//
// prints the answer, and the texts it comes from.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { workflow, z } from "batonflow";

interface Passage {
  readonly id: string;
  readonly file: string;
  readonly text: string;
}

const AT_ONCE = 64;

async function passagesOf(folder: string): Promise<Passage[]> {
  const files = (await readdir(folder)).filter((name) => /\.(md|txt)$/.test(name)).toSorted();
  const all: Passage[] = [];
  for (const file of files) {
    const parts = (await readFile(join(folder, file), "utf8")).split(/\n\s*\n/).map((part) => part.trim());
    parts.forEach((text, at) => {
      if (text.length > 20) all.push({ id: `${file}#${at}`, file, text: text.slice(0, 2_000) });
    });
  }
  return all;
}

export default workflow({
  name: "library",
  input: z.object({ folder: z.string(), question: z.string(), collection: z.string().default("library") }),
  run: async (ctx, { folder, question, collection }) => {
    const vectorsOf = async (texts: string[], name: string): Promise<number[][]> =>
      (await ctx.call<{ vectors: number[][] }>("llm.embed", { texts }, { name })).vectors;

    const passages = await ctx.step("read", () => passagesOf(folder));
    const [asked = []] = await vectorsOf([question], "embed the question");
    await ctx.call("vector.create", { collection, dimensions: asked.length });
    for (let at = 0; at < passages.length; at += AT_ONCE) {
      const part = passages.slice(at, at + AT_ONCE);
      const texts = part.map(({ text }) => text);
      const vectors = await vectorsOf(texts, `embed from ${at}`);
      const items = part.map(({ id, file, text }, i) => ({ id, vector: vectors[i] ?? [], text, metadata: { file } }));
      await ctx.call("vector.upsert", { collection, items }, { name: `put in from ${at}` });
      ctx.progress(Math.min(at + AT_ONCE, passages.length), passages.length, "passages");
    }

    const found = await ctx.call<{ matches: { text: string; metadata: { file: string } }[] }>("vector.query", {
      collection,
      vector: asked,
      limit: 4,
    });
    const context = found.matches.map(({ text }) => text).join("\n\n");
    const answer = await ctx.call<{ text: string }>("llm.chat", {
      system: `Answer from these passages alone, shortly.\n\n${context}`,
      prompt: question,
    });
    const sources = [...new Set(found.matches.map(({ metadata }) => metadata.file))];
    return `${answer.text}\n(from ${sources.join(", ")})`;
  },
});
