// Which licences a text is, and how sure that is. Pure: a text in, findings out.
//
// `sure` is a number from 0 to 1 with this meaning:
//   1            every word that must be there is there, in order, and no others (the SPDX matching guidelines)
//   0.75 … 1     the part of the words, of text and licence, that agree in order
//   at most 0.9  a notice that names the licence; its text is elsewhere
//   at most 0.5  a doubt: terms were added or taken out, or another licence fits as well
// The bench (bench.ts) says how often an answer of each class was right on texts whose licence is known.

import { align, uniquePlaces } from "./align.ts";
import { type Corpus, corpus, type Group, type LicenceText } from "./corpus.ts";
import { demandIn, type Judged, judge, offersChoice } from "./differences.ts";
import { CANDIDATES_MAX, MATCHES_PER_TEXT_MAX, WORDS_MAX } from "./limits.ts";
import { wordsOf } from "./normalise.ts";
import { SHINGLE_WORDS, shinglesOf } from "./shingles.ts";

export interface Match {
  readonly group: Group;
  readonly sure: number;
  /** The part of the words that agree, whatever they mean. */
  readonly agreement: number;
  /** Words of the licence that the text lacks, and words in excess. */
  readonly missing: number;
  readonly added: number;
  /** Terms that were added or taken out, quoted. */
  readonly changes: readonly string[];
  /** Labels of other licences that fit as well as this one. */
  readonly rivals: readonly string[];
  /** Labels of other licences whose terms this text has, in nearly the same words (BSD-2-Clause in BSD-2-Clause-Views). */
  readonly alsoFits: readonly string[];
}

export interface Identity {
  /** Licences in the order in which they stand in the text; the same licence once. */
  readonly matches: readonly Match[];
  readonly words: number;
  /** Words of the text that belong to no licence found. */
  readonly unexplained: number;
  /** Such words that forbid or demand something, quoted. */
  readonly terms: readonly string[];
  /** Such words offer a choice between the licences ("at your option"). */
  readonly choice: boolean;
}

/** Below this part of agreeing words a text is not called by a licence's name. */
const AGREEMENT_MIN = 0.75;

/** Of a text as short as a sentence nearly every word must agree. */
const SHORT_WORDS = 40;
const SHORT_AGREEMENT_MIN = 0.95;

/** Runs of words that a candidate must share with the text, as part of its own. */
const SHARED_MIN = 0.3;

/** Licences that agree to within this part are rivals, unless the better one agrees fully. */
const RIVAL_WITHIN = 0.01;

const DOUBT_SURE_MAX = 0.5;

/** A notice ("licensed under the Apache License, version 2.0") names a licence as plainly as words can; the text is elsewhere. */
const NOTICE_SURE_MAX = 0.9;

/** Another licence's terms are in a text where this part of its words agrees, and no term differs. */
const FITS_MIN = 0.95;

/** Two licences are readings of one stretch where they share this part of it. */
const SAME_PLACE_MIN = 0.8;

/** Copies of one licence in one text. */
const COPIES_MAX = 500;

interface Reading {
  readonly corpus: Corpus;
  readonly spelled: readonly string[];
  /** Word numbers; 0 for words that no licence has, and for words already explained. */
  readonly words: Int32Array;
  /** Of `words`. */
  readonly shingles: Int32Array;
}

interface Found extends Judged {
  readonly licence: LicenceText;
  readonly agreement: number;
  readonly textFrom: number;
  readonly textTo: number;
}

export function identify(text: string): Identity {
  const known = corpus();
  const spelled = wordsOf(text).slice(0, WORDS_MAX);
  const words = Int32Array.from(spelled, (word) => known.vocabulary.get(word) ?? 0);
  const reading: Reading = { corpus: known, spelled, words, shingles: shinglesOf(words) };
  const found: Placed[] = [];
  for (let licences = 0; licences < MATCHES_PER_TEXT_MAX; licences++) {
    const candidates = candidatesIn(reading);
    const best = candidates[0];
    if (best === undefined) break;
    found.push(...takeOut(reading, best, candidates));
  }
  found.sort((a, b) => a.textFrom - b.textFrom);
  const foreign = foreignParts(spelled, found);
  return {
    matches: distinct(found.map(({ match }) => match)),
    words: spelled.length,
    unexplained: foreign.reduce((sum, part) => sum + part.length, 0),
    terms: foreign.map(demandIn).filter((demand) => demand !== null),
    choice: foreign.some(offersChoice),
  };
}

interface Placed {
  readonly match: Match;
  readonly textFrom: number;
  readonly textTo: number;
}

/** Marks the licence's words as explained, with those of its further copies: lists of notices repeat one text. */
function takeOut(reading: Reading, best: Found, candidates: readonly Found[]): Placed[] {
  const placed: Placed[] = [];
  const text = reading.corpus.texts.indexOf(best.licence);
  const others = { rivals: rivalsOf(best, candidates), alsoFits: alsoFitting(best, candidates) };
  for (let copy: Found | null = best; copy !== null && placed.length < COPIES_MAX; copy = compare(reading, text)) {
    placed.push({ match: matchOf(copy, others), textFrom: copy.textFrom, textTo: copy.textTo });
    reading.words.fill(0, copy.textFrom, copy.textTo);
    reading.shingles.fill(0, Math.max(0, copy.textFrom - SHINGLE_WORDS + 1), copy.textTo);
  }
  return placed;
}

/** Licences that stand in the text, the best first. */
function candidatesIn(reading: Reading): Found[] {
  const { sizes, overlaps } = reading.corpus.index;
  const shared = overlaps(reading.shingles);
  const likely: { text: number; net: number }[] = [];
  for (let text = 0; text < sizes.length; text++) {
    const [size, overlap] = [sizes[text] ?? 0, shared[text] ?? 0];
    if (overlap > 0 && overlap >= size * SHARED_MIN) likely.push({ text, net: 2 * overlap - size });
  }
  likely.sort((a, b) => b.net - a.net || a.text - b.text);
  const found = likely.slice(0, CANDIDATES_MAX).map(({ text }) => compare(reading, text));
  return found
    .filter((one) => one !== null)
    .toSorted((a, b) => netOf(b) - netOf(a) || b.textTo - b.textFrom - (a.textTo - a.textFrom));
}

const places = new WeakMap<LicenceText, ReadonlyMap<number, number>>();

function placesOf(licence: LicenceText): ReadonlyMap<number, number> {
  const known = places.get(licence) ?? uniquePlaces(licence.words);
  places.set(licence, known);
  return known;
}

function compare({ corpus: known, spelled, words, shingles }: Reading, text: number): Found | null {
  const licence = known.texts[text];
  const alignment = licence === undefined ? null : align(words, shingles, licence.words, placesOf(licence));
  if (licence === undefined || alignment === null) return null;
  const judged = judge(alignment, licence, known, spelled);
  const agreement = (2 * judged.matched) / (2 * judged.matched + judged.missing + judged.added);
  const wanted = licence.to - licence.from < SHORT_WORDS ? SHORT_AGREEMENT_MIN : AGREEMENT_MIN;
  if (!(agreement >= wanted)) return null;
  return { ...judged, licence, agreement, textFrom: alignment.textFrom, textTo: alignment.textTo };
}

/** Words explained, less words unexplained: a licence that is part of another explains less of it. */
function netOf({ matched, missing, added }: Found): number {
  return matched - missing - added;
}

function rivalsOf(best: Found, candidates: readonly Found[]): string[] {
  if (best.missing + best.added === 0) return [];
  const netMin = netOf(best) * (1 - RIVAL_WITHIN * 2);
  return labels(best, candidates, (other) => other.agreement >= best.agreement - RIVAL_WITHIN && netOf(other) >= netMin);
}

function alsoFitting(best: Found, candidates: readonly Found[]): string[] {
  return labels(best, candidates, (other) => other.agreement >= FITS_MIN && other.changes.length === 0);
}

function labels(best: Found, candidates: readonly Found[], wanted: (other: Found) => boolean): string[] {
  const others = candidates.filter(
    (other) => other.licence.group.label !== best.licence.group.label && isSamePlace(best, other) && wanted(other),
  );
  return [...new Set(others.map((other) => other.licence.group.label))];
}

/** Says whether two candidates are readings of one stretch of text; one elsewhere in the text is no rival. */
function isSamePlace(best: Found, other: Found): boolean {
  const shared = Math.min(best.textTo, other.textTo) - Math.max(best.textFrom, other.textFrom);
  return shared >= SAME_PLACE_MIN * (best.textTo - best.textFrom);
}

function matchOf({ licence, agreement, missing, added, changes }: Found, others: Pick<Match, "rivals" | "alsoFits">): Match {
  const doubtful = changes.length > 0 || others.rivals.length > 0;
  const limit = doubtful ? DOUBT_SURE_MAX : licence.group.kind === "notice" ? NOTICE_SURE_MAX : 1;
  return {
    group: licence.group,
    sure: rounded(Math.min(limit, agreement)),
    agreement: rounded(agreement),
    missing,
    added,
    changes,
    ...others,
  };
}

/** Rounded down, so that 1 is said only of texts that agree in every word. */
function rounded(part: number): number {
  return Math.floor(part * 1000) / 1000;
}

/** Of several copies of one licence the surest. */
function distinct(matches: readonly Match[]): Match[] {
  const byLabel = new Map<string, Match>();
  for (const match of matches) {
    const name = `${match.group.kind} ${match.group.label}`;
    const known = byLabel.get(name);
    if (known === undefined || match.sure > known.sure) byLabel.set(name, match);
  }
  return [...byLabel.values()];
}

/** The words before, between and after the licences. */
function foreignParts(spelled: readonly string[], found: readonly Placed[]): string[][] {
  const parts: string[][] = [];
  let at = 0;
  for (const { textFrom, textTo } of [...found, { textFrom: spelled.length, textTo: spelled.length }]) {
    if (textFrom > at) parts.push(spelled.slice(at, textFrom));
    at = Math.max(at, textTo);
  }
  return parts;
}
