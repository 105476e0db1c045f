// The SPDX licence texts, ready to be compared with: loaded once per process, when first needed.
//
// The texts come from the package `spdx-license-list`, which has no field for the version of the SPDX list it was made
// from; its readme says it in one sentence (6.12.0: "SPDX License List version 3.28.0 (2026-02-20)"), read here.
//
// C1. Licences with one text are one group: `GPL-2.0-only` and `GPL-2.0-or-later` differ in a notice, not in the text.
// C2. Every text has words that must be there; titles, appendices and instructions may be missing (`from`, `to`).

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { wordsOf } from "./normalise.ts";
import { buildShingleIndex, type ShingleIndex } from "./shingles.ts";
import { NOTICES, WORDINGS } from "./variants.ts";

export interface LicenceText {
  /** What this text identifies. */
  readonly group: Group;
  /** Word numbers in the corpus's vocabulary. */
  readonly words: Int32Array;
  /** The words that must be there are `from ≤ i < to`. */
  readonly from: number;
  readonly to: number;
}

export interface Group {
  /** The name in reports: an SPDX id, or for licences with one text the part they share (`GPL-2.0`). */
  readonly label: string;
  /** The SPDX ids it may be, in order; the deprecated ones last. */
  readonly ids: readonly string[];
  /** A notice names a licence without giving its text; an exception is no licence of its own: its id follows WITH. */
  readonly kind: "licence" | "notice" | "exception";
}

export interface Corpus {
  readonly listVersion: string;
  readonly texts: readonly LicenceText[];
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly index: ShingleIndex;
  /** The word that stands for something to be filled in. */
  readonly placeholder: number;
  wordAt(number: number): string;
}

interface SpdxLicence {
  readonly name: string;
  readonly licenseText: string;
}

const require = createRequire(import.meta.url);
let loadedTexts: Readonly<Record<string, SpdxLicence>> | null = null;
let loadedCorpus: Corpus | null = null;

/** Name and full text of every licence of the SPDX list, by id. */
export function spdxTexts(): Readonly<Record<string, SpdxLicence>> {
  loadedTexts ??= require("spdx-license-list/spdx-full.json") as Readonly<Record<string, SpdxLicence>>;
  return loadedTexts;
}

export function corpus(): Corpus {
  loadedCorpus ??= buildCorpus();
  return loadedCorpus;
}

function listVersion(): string {
  const readme = readFileSync(require.resolve("spdx-license-list/readme.md"), "utf8");
  return /License List version (\d+(?:\.\d+)*)/.exec(readme)?.[1] ?? "unknown";
}

/** Never a word of a text: words have no dashes. */
const PLACEHOLDER_WORD = "zzplaceholderzz";
const PLACEHOLDER = /<\s*[A-Za-z][^<>@:/\n]{0,60}>|\[(?:yyyy|year|full ?name|name[^\]\n]{0,40}|owner|email|project)\]/gi;

function buildCorpus(): Corpus {
  const vocabulary = new Map<string, number>([[PLACEHOLDER_WORD, 1]]);
  const spelled: string[] = ["", PLACEHOLDER_WORD];
  const intern = (word: string): number => {
    const known = vocabulary.get(word);
    if (known !== undefined) return known;
    vocabulary.set(word, spelled.length);
    return spelled.push(word) - 1;
  };
  const texts: LicenceText[] = [];
  for (const { group, name, words } of distinctTexts().flatMap(withOtherWordings).concat(notices())) {
    const [from, to] = requiredPart(group, name, words);
    texts.push({ group, words: Int32Array.from(words, intern), from, to });
  }
  const index = buildShingleIndex(texts.map(({ words, from, to }) => words.subarray(from, to)));
  return { listVersion: listVersion(), texts, vocabulary, index, placeholder: 1, wordAt: (number) => spelled[number] ?? "" };
}

interface Distinct {
  readonly group: Group;
  readonly name: string;
  readonly words: readonly string[];
}

/** Licences with one text, and its versions. */
interface Family {
  readonly ids: string[];
  readonly texts: Map<string, Omit<Distinct, "group">>;
}

/** Every text once, with the group of all licences that have it. */
function distinctTexts(): Distinct[] {
  const families = new Map<string, Family>();
  const familyOfText = new Map<string, string>();
  for (const [id, { name, licenseText }] of Object.entries(spdxTexts())) {
    const words = wordsWithBlanks(licenseText);
    const key = words.join(" ");
    const family = familyOf(id) ?? familyOfText.get(key) ?? id;
    familyOfText.set(key, family);
    const known: Family = families.get(family) ?? { ids: [], texts: new Map() };
    known.ids.push(id);
    known.texts.set(key, known.texts.get(key) ?? { name, words });
    families.set(family, known);
  }
  return [...families].flatMap(([family, { ids, texts }]) => {
    const group = groupOf(family, ids);
    return [...texts.values()].map((text) => ({ group, ...text }));
  });
}

function wordsWithBlanks(text: string): string[] {
  return wordsOf(text.replace(PLACEHOLDER, ` ${PLACEHOLDER_WORD} `));
}

function withOtherWordings(text: Distinct): Distinct[] {
  const wording = WORDINGS.find(({ id }) => id === text.group.label);
  if (wording === undefined) return [text];
  const written = text.words.join(" ");
  return [text, ...wording.others.map((other) => ({ ...text, words: written.replace(wording.words, other).split(" ") }))];
}

function notices(): Distinct[] {
  return NOTICES.map(({ id, text }) => ({
    group: { label: id, ids: [id], kind: "notice" },
    name: "",
    words: wordsWithBlanks(text),
  }));
}

/** The GNU licences: the text is the same for `-only`, `-or-later`, the deprecated short forms and the invariants. */
function familyOf(id: string): string | null {
  return /^((?:A|L)?GPL-\d\.\d|GFDL-\d\.\d)(?:\+|-only|-or-later|-(?:no-)?invariants-(?:only|or-later))?$/.exec(id)?.[1] ?? null;
}

function groupOf(family: string, ids: readonly string[]): Group {
  const sorted = ids.toSorted((a, b) => Number(isDeprecated(a)) - Number(isDeprecated(b)) || (a < b ? -1 : 1));
  const exception = EXCEPTIONS_IN_LIST.get(family);
  if (exception !== undefined) return { label: exception, ids: [exception], kind: "exception" };
  const label = familyOf(family) === null ? (sorted[0] ?? family) : family;
  return { label, ids: sorted, kind: "licence" };
}

/** Deprecated ids whose text in the list is only that of an exception → the exception. */
const EXCEPTIONS_IN_LIST: ReadonlyMap<string, string> = new Map([
  ["GPL-2.0-with-autoconf-exception", "Autoconf-exception-2.0"],
  ["GPL-2.0-with-bison-exception", "Bison-exception-2.2"],
  ["GPL-2.0-with-classpath-exception", "Classpath-exception-2.0"],
  ["GPL-2.0-with-font-exception", "Font-exception-2.0"],
  ["GPL-2.0-with-GCC-exception", "GCC-exception-2.0"],
  ["GPL-3.0-with-autoconf-exception", "Autoconf-exception-3.0"],
  ["GPL-3.0-with-GCC-exception", "GCC-exception-3.1"],
]);

/** Deprecated ids of the list → what to write instead, as an expression. */
export const REPLACED: ReadonlyMap<string, string> = new Map([
  ...[
    "AGPL-1.0",
    "AGPL-3.0",
    "GPL-1.0",
    "GPL-2.0",
    "GPL-3.0",
    "LGPL-2.0",
    "LGPL-2.1",
    "LGPL-3.0",
    "GFDL-1.1",
    "GFDL-1.2",
    "GFDL-1.3",
  ].flatMap((id): [string, string][] => [
    [id, `${id}-only`],
    [`${id}+`, `${id}-or-later`],
  ]),
  ...[...EXCEPTIONS_IN_LIST].map(([id, exception]): [string, string] => [id, `${id.slice(0, 7)}-only WITH ${exception}`]),
  ["BSD-2-Clause-FreeBSD", "BSD-2-Clause-Views"],
  ["BSD-2-Clause-NetBSD", "BSD-2-Clause"],
  ["bzip2-1.0.5", "bzip2-1.0.6"],
  ["eCos-2.0", "GPL-2.0-or-later WITH eCos-exception-2.0"],
  ["Net-SNMP", "LicenseRef-Net-SNMP"],
  ["Nunit", "zlib-acknowledgement"],
  ["StandardML-NJ", "SMLNJ"],
  ["wxWindows", "LGPL-2.0-or-later WITH WxWindows-exception-3.1"],
]);

function isDeprecated(id: string): boolean {
  return REPLACED.has(id);
}

/** What ends the part of a text that must be there, and what begins it. As words, found by position in the text. */
const APPENDICES = [
  "end of terms and conditions",
  "how to apply these terms",
  "appendix how to apply",
  "creative commons is not a party to its",
  "creative commons may be contacted at",
  "for more information please refer to http",
  "exhibit a source code form license notice",
];
const PREAMBLES = ["by exercising the licensed rights", "statement of purpose"];
const GPL_AFTER_LGPL = "gnu general public license version 3 29 june 2007";

function requiredPart(group: Group, name: string, words: readonly string[]): [from: number, to: number] {
  const text = ` ${words.join(" ")} `;
  const at = (phrase: string, after: number): number => {
    const found = text.indexOf(` ${phrase} `, after);
    return found < 0 ? -1 : countWords(text, found);
  };
  const preambles = PREAMBLES.map((phrase) => at(phrase, 0)).filter((index) => index >= 0 && index < words.length * 0.35);
  const from = Math.max(titleEnd(group.label, name, words), ...preambles);
  const middle = Math.floor(text.length / 2);
  const ends = APPENDICES.map((phrase) => at(phrase, middle)).filter((index) => index > from);
  if (group.label === "LGPL-3.0") ends.push(at(GPL_AFTER_LGPL, 200));
  return [from, Math.min(words.length, ...ends)];
}

function countWords(text: string, end: number): number {
  let words = 0;
  for (let i = 0; i < end; i++) if (text.charCodeAt(i) === 0x20) words++;
  return words;
}

const TITLE_WORDS = new Set(
  "the license licenses version v public of software general agreement open source http www org com html january february march april may june july august september october november december".split(
    " ",
  ),
);
const TITLE_WORDS_MAX = 25;

/** A title is made of the words of the licence's name; it says nothing that the name does not. */
function titleEnd(id: string, name: string, words: readonly string[]): number {
  const ofName = new Set(wordsOf(`${id} ${name}`));
  let end = 0;
  while (end < TITLE_WORDS_MAX && isTitleWord(words[end] ?? "", ofName)) end++;
  return words.length - end < 10 ? 0 : end;
}

function isTitleWord(word: string, ofName: ReadonlySet<string>): boolean {
  return ofName.has(word) || TITLE_WORDS.has(word) || /^(?:19|20)\d\d$/.test(word);
}
