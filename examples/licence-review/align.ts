// Where in a text a licence stands, and word by word what differs: a patience diff, bounded in time by small gaps.
//
// Anchors are runs of words that occur once in the licence. The stretch of text with most anchors is chosen, the
// longest rising chain of anchors kept, and what lies between two anchors is compared word by word where it is small.

import { SHINGLE_WORDS, shinglesOf } from "./shingles.ts";

/** A difference: words `from ≤ i < to` of the licence stand where words `textFrom ≤ i < textTo` of the text are. */
export interface Difference {
  readonly from: number;
  readonly to: number;
  readonly textFrom: number;
  readonly textTo: number;
}

export interface Alignment {
  /** Places of the licence's words that are in the text, ascending. */
  readonly matched: Int32Array;
  /** The stretch of the text from the first word that agrees to the last. */
  readonly textFrom: number;
  readonly textTo: number;
  /** In order; the first and last may be words that the text lacks at the licence's ends. */
  readonly differences: readonly Difference[];
}

/** Words × words of a gap that is compared exactly; larger gaps count as different throughout. */
const GAP_CELLS_MAX = 40_000;

/** How much longer than the licence the stretch of text may be: names, notices and inserted clauses. */
const STRETCH = 1.4;
const STRETCH_WORDS = 60;

interface Anchors {
  readonly text: Int32Array;
  readonly licence: Int32Array;
}

/** Null where nothing of the licence is in the text. `textShingles` are those of `text`. */
export function align(
  text: Int32Array,
  textShingles: Int32Array,
  licence: Int32Array,
  places: ReadonlyMap<number, number>,
): Alignment | null {
  const found = anchorsOf(textShingles, places);
  const window = densest(found, licence.length * STRETCH + STRETCH_WORDS);
  const chain = longestRise(window);
  if (chain.text.length === 0) return null;
  const pairs = fill(text, licence, chain);
  return describe(withoutStrays(pairs, chain), licence.length);
}

/** The places of runs that occur once. */
export function uniquePlaces(licence: Int32Array): ReadonlyMap<number, number> {
  const places = new Map<number, number>();
  for (const [place, hash] of shinglesOf(licence).entries()) places.set(hash, places.has(hash) ? -1 : place);
  for (const [hash, place] of places) if (place < 0) places.delete(hash);
  return places;
}

function anchorsOf(textShingles: Int32Array, places: ReadonlyMap<number, number>): Anchors {
  const text: number[] = [];
  const licence: number[] = [];
  for (let i = 0; i < textShingles.length; i++) {
    const place = textShingles[i] === 0 ? undefined : places.get(textShingles[i] ?? 0);
    if (place === undefined) continue;
    text.push(i);
    licence.push(place);
  }
  return { text: Int32Array.from(text), licence: Int32Array.from(licence) };
}

/** The anchors of the stretch of at most `length` words that has most of them; the first of equals. */
function densest({ text, licence }: Anchors, length: number): Anchors {
  let [from, bestFrom, bestTo] = [0, 0, 0];
  for (let to = 1; to <= text.length; to++) {
    while ((text[to - 1] ?? 0) - (text[from] ?? 0) > length) from++;
    if (to - from > bestTo - bestFrom) [bestFrom, bestTo] = [from, to];
  }
  return { text: text.subarray(bestFrom, bestTo), licence: licence.subarray(bestFrom, bestTo) };
}

/** Longest strictly rising subsequence of the places in the licence. */
function longestRise({ text, licence }: Anchors): Anchors {
  const tails: number[] = [];
  const before = new Int32Array(licence.length).fill(-1);
  for (let i = 0; i < licence.length; i++) {
    const at = lowerBound(tails, licence, licence[i] ?? 0);
    before[i] = at === 0 ? -1 : (tails[at - 1] ?? -1);
    tails[at] = i;
  }
  const chain: number[] = [];
  for (let i = tails.at(-1) ?? -1; i >= 0; i = before[i] ?? -1) chain.push(i);
  chain.reverse();
  return { text: Int32Array.from(chain, (i) => text[i] ?? 0), licence: Int32Array.from(chain, (i) => licence[i] ?? 0) };
}

function lowerBound(tails: readonly number[], licence: Int32Array, value: number): number {
  let [low, high] = [0, tails.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((licence[tails[middle] ?? 0] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Pairs {
  /** Places in the text and in the licence of words that agree; both ascending. */
  readonly text: number[];
  readonly licence: number[];
}

function fill(text: Int32Array, licence: Int32Array, chain: Anchors): Pairs {
  const pairs: Pairs = { text: [], licence: [] };
  const first = { text: chain.text[0] ?? 0, licence: chain.licence[0] ?? 0 };
  const reach = first.licence * 2 + SHINGLE_WORDS;
  compareGap(pairs, text, licence, { from: 0, to: first.licence, textFrom: Math.max(0, first.text - reach), textTo: first.text });
  let [atText, atLicence] = [first.text, first.licence];
  for (let i = 0; i < chain.text.length; i++) {
    const [nextText, nextLicence] = [chain.text[i] ?? 0, chain.licence[i] ?? 0];
    if (nextText < atText || nextLicence < atLicence) continue; // inside words already paired
    compareGap(pairs, text, licence, { from: atLicence, to: nextLicence, textFrom: atText, textTo: nextText });
    [atText, atLicence] = [nextText, nextLicence];
    while (atText < text.length && atLicence < licence.length && text[atText] === licence[atLicence]) {
      pairs.text.push(atText++);
      pairs.licence.push(atLicence++);
    }
  }
  const left = licence.length - atLicence;
  const textTo = Math.min(text.length, atText + left * 2 + SHINGLE_WORDS);
  compareGap(pairs, text, licence, { from: atLicence, to: licence.length, textFrom: atText, textTo });
  return pairs;
}

/** Longest common subsequence of a small gap; in a large one nothing is paired. */
function compareGap(pairs: Pairs, text: Int32Array, licence: Int32Array, { from, to, textFrom, textTo }: Difference): void {
  const [rows, columns] = [to - from, textTo - textFrom];
  if (rows <= 0 || columns <= 0 || rows * columns > GAP_CELLS_MAX) return;
  const lengths = new Uint16Array((rows + 1) * (columns + 1));
  const at = (row: number, column: number): number => lengths[row * (columns + 1) + column] ?? 0;
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      const equal = licence[from + row] === text[textFrom + column];
      lengths[row * (columns + 1) + column] = equal
        ? at(row + 1, column + 1) + 1
        : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  for (let [row, column] = [0, 0]; row < rows && column < columns; ) {
    if (licence[from + row] === text[textFrom + column]) {
      pairs.text.push(textFrom + column++);
      pairs.licence.push(from + row++);
    } else if (at(row + 1, column) >= at(row, column + 1)) row++;
    else column++;
  }
}

/**
 * Takes off the words before the first anchor and after the last that agree by chance ("the" in a sentence of something
 * else): a word is kept only where it and those nearer to the anchors outweigh the foreign words between them.
 */
function withoutStrays(pairs: Pairs, chain: Anchors): Pairs {
  const firstAnchor = pairs.text.indexOf(chain.text[0] ?? 0);
  const from = bestEnd(pairs.text, firstAnchor, -1);
  const lastAnchor = pairs.text.indexOf(chain.text.at(-1) ?? 0);
  const to = bestEnd(pairs.text, lastAnchor < 0 ? firstAnchor : lastAnchor, 1) + 1;
  return { text: pairs.text.slice(from, to), licence: pairs.licence.slice(from, to) };
}

function bestEnd(places: readonly number[], start: number, direction: 1 | -1): number {
  let [best, bestScore, score] = [start, 0, 0];
  for (let i = start + direction; i >= 0 && i < places.length; i += direction) {
    const foreign = Math.abs((places[i] ?? 0) - (places[i - direction] ?? 0)) - 1;
    score += 1 - foreign;
    if (score > bestScore) [best, bestScore] = [i, score];
  }
  return best;
}

function describe(pairs: Pairs, licenceLength: number): Alignment | null {
  const textFrom = pairs.text[0];
  const textLast = pairs.text.at(-1);
  if (textFrom === undefined || textLast === undefined) return null;
  const differences: Difference[] = [];
  let [atText, at] = [textFrom, 0];
  const differ = (to: number, textTo: number): void => {
    if (to > at || textTo > atText) differences.push({ from: at, to, textFrom: atText, textTo });
  };
  for (let i = 0; i < pairs.text.length; i++) {
    differ(pairs.licence[i] ?? 0, pairs.text[i] ?? 0);
    atText = (pairs.text[i] ?? 0) + 1;
    at = (pairs.licence[i] ?? 0) + 1;
  }
  differ(licenceLength, textLast + 1);
  return { matched: Int32Array.from(pairs.licence), textFrom, textTo: textLast + 1, differences };
}
