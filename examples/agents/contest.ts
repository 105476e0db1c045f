// Three summarizers of different quality are asked for the same kind of work; a check in code says which results are right,
// and nobody is told who is good. Sixty tasks over real documents are enough to find out.
//
//   baton run examples/agents/contest.ts
//   baton agents trust weighs
//
// prints, in tens of tasks, how many each was asked first, and then what is believed of one of them, and why.
//
//   tasks     weighs          leads           guesses
//    1–10     ████ 4          ███ 3           ███ 3
//   …
//   51–60     █████████ 9     █ 1

import { join } from "node:path";
import { type Context, type Delegated, type Task, workflow, z } from "batonflow";
import { agent } from "batonflow/agents";
import { frequencies, length, type Passage, passagesOf, sentencesOf, wordsOf } from "./texts.ts";

const WORDS_MAX = 50;
const TERMS = 5;
const TERMS_MIN = 4;

/** The sentences that together name most of what the text is about, in their order. */
export const weighs = agent({
  agent: "weighs",
  capabilities: ["summarize"],
  act: ({ text }: Passage) => {
    const open = new Set(
      frequencies(text)
        .map(([word]) => word)
        .slice(0, TERMS),
    );
    const newIn = (sentence: string): number => open.intersection(new Set(wordsOf(sentence))).size / length(sentence) ** 0.3;
    const sentences = sentencesOf(text);
    const ranked: string[] = [];
    for (let rest = sentences; rest.length > 0; rest = rest.filter((sentence) => !ranked.includes(sentence))) {
      const [best = ""] = rest.toSorted((a, b) => newIn(b) - newIn(a));
      for (const word of wordsOf(best)) open.delete(word);
      ranked.push(best);
    }
    const best = new Set(within(ranked));
    return sentences.filter((sentence) => best.has(sentence)).join(" ");
  },
});

/** The first sentences: often what matters stands there, often it does not. */
export const leads = agent({
  agent: "leads",
  capabilities: ["summarize"],
  act: ({ text }: Passage) => within(sentencesOf(text)).join(" "),
});

/** The last words, whatever they are. */
export const guesses = agent({
  agent: "guesses",
  capabilities: ["summarize"],
  act: ({ text }: Passage) => text.split(/\s+/).slice(-25).join(" "),
});

/** As many as the bound allows, each where it still fits. */
function within(sentences: readonly string[]): string[] {
  const taken: string[] = [];
  for (const sentence of sentences) if (length([...taken, sentence].join(" ")) <= WORDS_MAX) taken.push(sentence);
  return taken;
}

/** Right is what is short and names what the text is about, in its own sentences. */
function check(output: unknown, { text }: Passage): true | string {
  const summary = String(output);
  if (length(summary) > WORDS_MAX) return `It has ${length(summary)} words; ${WORDS_MAX} are allowed.`;
  const strange = sentencesOf(summary).find((sentence) => !text.replace(/\s+/g, " ").includes(sentence));
  if (strange !== undefined) return `The text does not say: ${strange}`;
  const words = new Set(wordsOf(summary));
  const terms = frequencies(text).slice(0, TERMS);
  const missing = terms.flatMap(([term]) => (words.has(term) ? [] : [term]));
  return TERMS - missing.length >= TERMS_MIN || `It does not speak of ${missing.join(", ")}.`;
}

export default workflow({
  name: "contest",
  input: z.object({
    folder: z.string().default(join(import.meta.dirname, "..", "..", "docs")),
    tasks: z.number().int().min(10).max(600).default(60),
  }),
  run: async (ctx, { folder, tasks }) => {
    const passages = await ctx.step("read", () => passagesOf(folder, 100));
    if (passages.length === 0) throw new Error(`${folder} has no Markdown to sum up.`);
    const first: string[] = [];
    for (let at = 0; at < tasks; at++) {
      const passage = passages[at % passages.length] as Passage;
      first.push(firstAsked(await summarized(ctx, passage, at)));
      ctx.progress(at + 1, tasks, passage.title);
    }
    return chart(first);
  },
});

function summarized(ctx: Context, passage: Passage, at: number): Promise<Delegated<string>> {
  const task: Task = {
    name: `summary ${at + 1}`,
    capability: "summarize",
    input: { ...passage },
    output: { type: "string" },
    attemptsMax: 2,
    checks: [(output, input) => check(output, input as unknown as Passage)],
  };
  return ctx.tryDelegate<string>(task);
}

/** Who was trusted with it; who did it in the end may be another. */
function firstAsked(done: Delegated<string>): string {
  return done.tried[0]?.agent ?? (done.ok ? (done.agent ?? "") : "");
}

function chart(first: readonly string[]): string {
  const agents = ["weighs", "leads", "guesses"];
  const rows = Array.from({ length: Math.ceil(first.length / 10) }, (_, at) => {
    const ten = first.slice(at * 10, at * 10 + 10);
    const bars = agents.map((name) => bar(ten.filter((one) => one === name).length));
    return [`${at * 10 + 1}–${at * 10 + ten.length}`.padStart(6).padEnd(9), ...bars];
  });
  const head = ["tasks".padEnd(9), ...agents.map((name) => name.padEnd(15))];
  return [head, ...rows].map((cells) => cells.join(" ").trimEnd()).join("\n");
}

const bar = (count: number): string => (count === 0 ? "" : `${"█".repeat(count)} ${count}`).padEnd(15);
