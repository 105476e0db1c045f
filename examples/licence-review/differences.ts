// What a difference between a text and a licence means: an author's name, a number before a clause, or other words.
//
// D1. Only what the SPDX matching guidelines let an author fill in or leave out counts as no difference.
// D2. Added words that allow, forbid or demand something are quoted: they may make it another licence.

import type { Alignment, Difference } from "./align.ts";
import type { Corpus, LicenceText } from "./corpus.ts";
import { QUOTE_LENGTH_MAX } from "./limits.ts";

export interface Judged {
  /** Words of the required part that agree. */
  readonly matched: number;
  /** Required words that are not there; words that are there in excess. Names and numbering do not count. */
  readonly missing: number;
  readonly added: number;
  /** Words that allow, forbid or demand something and were added or taken out, quoted. */
  readonly changes: readonly string[];
}

/** `spelled` are the words of the text. */
export function judge(alignment: Alignment, licence: LicenceText, corpus: Corpus, spelled: readonly string[]): Judged {
  let matched = 0;
  for (const place of alignment.matched) if (isRequired(licence, place)) matched++;
  let [missing, added] = [0, 0];
  const changes: string[] = [];
  for (const difference of alignment.differences) {
    const sides = sidesOf(difference, licence, corpus, spelled);
    if (isHarmless(sides)) continue;
    missing += sides.licence.length;
    added += sides.text.length;
    changes.push(...changesIn(sides));
  }
  return { matched, missing, added, changes };
}

function isRequired({ from, to }: LicenceText, place: number): boolean {
  return place >= from && place < to;
}

interface Sides {
  /** Required words that are missing, and the words that stand there instead. */
  readonly licence: readonly string[];
  readonly text: readonly string[];
  /** The licence's words around the difference. */
  readonly before: string;
  readonly after: string;
}

function sidesOf(
  { from, to, textFrom, textTo }: Difference,
  licence: LicenceText,
  corpus: Corpus,
  spelled: readonly string[],
): Sides {
  const required = licence.words.subarray(Math.max(from, licence.from), Math.max(licence.from, Math.min(to, licence.to)));
  // What stands before the first required word or after the last is not inside the licence.
  const outside = to <= licence.from || from >= licence.to;
  return {
    licence: Array.from(required, (word) => corpus.wordAt(word)),
    text: outside ? [] : spelled.slice(textFrom, textTo),
    before: corpus.wordAt(licence.words[from - 1] ?? 0),
    after: corpus.wordAt(licence.words[to] ?? 0),
  };
}

const NAME_WORDS_MAX = 16;
const NOTICE_WORDS_MAX = 30;

/** How texts name those who hold rights; what an author replaces by a name. */
const HOLDER_WORDS = new Set(
  "the a an and or its of by their his her this any in zzplaceholderzz copyright holder holders owner owners author authors contributor contributors regents university california isc internet systems consortium inc company organization institution foundation developer developers licensor project software above named party parties nor names name".split(
    " ",
  ),
);

/** Words that allow, forbid or demand: what is added with one of them may change the terms. */
const TERMS = new Set(
  "not no never only unless except excluding must shall may cannot prohibited prohibit forbidden forbid commercial noncommercial nonprofit military evil fee fees pay payment royalty permission permitted permit condition conditions provided require required requires restrict restricted restriction restrictions consent written sell sale sold grant granted grants allowed disallowed advertising acknowledgment must competing compete production evaluation internal personal educational academic".split(
    " ",
  ),
);

function isHarmless(sides: Sides): boolean {
  const { licence, text } = sides;
  if (licence.length === 0 && text.length === 0) return true;
  if (licence.length === 0 || text.length === 0) {
    if ([...licence, ...text].every(isBullet)) return true;
  }
  if (text.some((word) => TERMS.has(word))) return false;
  return isFilledIn(sides) || isNotice(sides);
}

/** A name where the licence names holders or leaves a blank. */
function isFilledIn({ licence, text, before, after }: Sides): boolean {
  if (text.length > NAME_WORDS_MAX) return false;
  if (licence.length > 0) return licence.every((word) => HOLDER_WORDS.has(word)) && (text.length > 0 || licence.length <= 2);
  return HOLDER_WORDS.has(before) && HOLDER_WORDS.has(after) && text.length <= NAME_WORDS_MAX;
}

/** A copyright notice amid the licence, as in a licence of several authors. */
function isNotice({ licence, text }: Sides): boolean {
  if (licence.length > 0 || text.length > NOTICE_WORDS_MAX) return false;
  return text.includes("copyright") || text.some((word) => /^(?:19|20)\d\d$/.test(word));
}

function isBullet(word: string): boolean {
  return word.length === 1 || /^(?:\d{1,2}|i{1,3}|iv|vi{0,3}|ix)$/.test(word);
}

function changesIn({ licence, text }: Sides): string[] {
  const adds = text.some((word) => TERMS.has(word) && !licence.includes(word));
  const lacks = licence.some((word) => TERMS.has(word) && !text.includes(word));
  return [
    ...(adds ? [`adds “${quoteAround(text, isTerm)}”`] : []),
    ...(lacks ? [`lacks “${quoteAround(licence, isTerm)}”`] : []),
  ];
}

function isTerm(word: string): boolean {
  return TERMS.has(word);
}

const DEMAND =
  /\b(?:(?:may|shall|must|can) (?:only|not)|cannot|must be|not (?:be )?(?:used?|grant|include|sold|sell|allowed|permitted?|redistributed?|modif(?:y|ied)|cop(?:y|ied))|noncommercial|commercial (?:use|licen[sc]e|purposes?|entit)|prohibit(?:s|ed)?|forbidden|forbids|only (?:for|if|with|in|by)|evil|unless|royalty|royalties|fees?|(?:written|prior) (?:consent|permission)|military|evaluation|subscription|purchase|right to sell|(?:additional|further|following) (?:terms|conditions?|restrictions?))\b/;

/** What words outside the licences forbid or demand, quoted; null where they do not. */
export function demandIn(words: readonly string[]): string | null {
  const text = words.join(" ");
  const demand = DEMAND.exec(text);
  if (demand === null) return null;
  const before = text.slice(0, demand.index).split(" ").length - 1;
  return quote(words.slice(Math.max(0, before - QUOTE_WORDS_BEFORE)));
}

const CHOICE =
  /\b(?:dual(?:ly)? licensed?|at your (?:option|choice)(?! any later)|either (?:of|the|under)|choose (?:either|one|between)|your choice)\b/;

/** Says whether words outside the licences let one choose between them. */
export function offersChoice(words: readonly string[]): boolean {
  return CHOICE.test(words.join(" "));
}

const QUOTE_WORDS_BEFORE = 8;

function quoteAround(words: readonly string[], wanted: (word: string) => boolean): string {
  return quote(words.slice(Math.max(0, words.findIndex(wanted) - QUOTE_WORDS_BEFORE)));
}

function quote(words: readonly string[]): string {
  const text = words.join(" ");
  return text.length <= QUOTE_LENGTH_MAX ? text : `${text.slice(0, QUOTE_LENGTH_MAX - 1).trimEnd()}…`;
}
