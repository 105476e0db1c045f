// What the examples beside know of texts: sentences, words that say something, passages of documents.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const COMMON = new Set(
  `a about after again all also an and any are as at be been before but by can do does for from had has have how if in into is it
   its may more most no not of on one only or other out over own per so such than that the their them then there these they this
   those to two under up was what when where which while who whose why will with within you your`.split(/\s+/),
);

export function sentencesOf(text: string): string[] {
  return text
    .replace(/\s+/g, " ")
    .split(/(?<=[.!?:]) (?=[A-Z`*“])/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== "");
}

/** In lower case, common ones left out. */
export function wordsOf(text: string): string[] {
  const all = text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [];
  return all.filter((word) => !COMMON.has(word));
}

/** How often each word stands there, the most frequent first; equals by the alphabet. */
export function frequencies(text: string): [string, number][] {
  const counts = new Map<string, number>();
  for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

export const length = (text: string): number => (text.match(/\S+/g) ?? []).length;

export interface Passage {
  readonly title: string;
  readonly text: string;
}

/** The sections of a folder's Markdown that are prose enough to be summed up: at least so many words. */
export async function passagesOf(folder: string, wordsMin: number): Promise<Passage[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".md")).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return texts
    .flatMap((text, at) => sectionsOf(text).map(({ title, text: body }) => ({ title: `${files[at]}: ${title}`, text: body })))
    .filter(({ text }) => length(text) >= wordsMin);
}

/** Code, tables, pictures and comments are no prose. */
function sectionsOf(markdown: string): Passage[] {
  const prose = markdown.replace(/```[\s\S]*?```|<!--[\s\S]*?-->|^\|.*$|^!\[.*$/gm, "");
  return prose.split(/^#+ /m).map((part) => {
    const [title = "", ...rest] = part.split("\n");
    return { title: title.trim(), text: rest.join("\n").trim() };
  });
}
