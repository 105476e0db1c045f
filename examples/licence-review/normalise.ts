// What may differ between two copies of one licence: the SPDX matching guidelines
// (https://spdx.github.io/spdx-spec/v2.3/license-matching-guidelines-and-templates/), as a function from text to words.
//
// N1. Two texts that the guidelines call the same give the same words: case, white space, punctuation, quotes, dashes,
//     bullets, comment marks, copyright notices, spelling variants and http(s) do not count.
// N2. Normalising what was normalised changes nothing.
//
// Leaves to others: what is optional (titles, appendices: corpus.ts) and what an author may fill in (differences.ts).

/** The words of a text, in order. */
export function wordsOf(text: string): string[] {
  const lines = text.normalize("NFKC").split(/\r\n|[\n\r\f\v\u0085\u2028\u2029]/);
  const kept = lines.map(withoutMarks).filter((line) => !isCopyrightNotice(line));
  return joinVariants(splitWords(kept.join("\n")));
}

export function normalise(text: string): string {
  return wordsOf(text).join(" ");
}

const COMMENT_MARK = /^\s*(?:\/\*+|\*+\/|\/\/+|\*+|#+|;+|%+|>+|\||--+|<!--+|dnl\b|REM\b)/;
const HTML_TAG =
  /<\/?(?:a|abbr|b|big|blockquote|body|br|center|code|dd|div|dl|dt|em|font|h[1-6]|head|hr|html|i|img|li|meta|ol|p|pre|small|span|strong|style|sub|sup|table|tbody|td|th|title|tr|tt|u|ul)(?:\s[^<>]*)?\/?>/gi;
const ENTITY = /&(?:quot|amp|lt|gt|nbsp|copy|ldquo|rdquo|lsquo|rsquo|apos|ndash|mdash|#\d{1,5});/gi;
const BULLET = /^\s*(?:\(?(?:\d{1,2}(?:\.\d{1,2}){0,3}|[a-zA-Z]|[ivxIVX]{1,5})[.):]\)?|[-*•·‣◦–—+=_~]+)(?=\s|$)/;
const INNER_BULLET = /\((?:\d{1,2}|[a-zA-Z]|[ivxIVX]{1,5})\)/g;

/** One line without what only makes it a comment, a list entry or a piece of HTML. */
function withoutMarks(line: string): string {
  let rest = line.replace(HTML_TAG, " ").replace(ENTITY, " ");
  for (let before = ""; before !== rest; ) {
    before = rest;
    rest = rest.replace(COMMENT_MARK, " ").replace(BULLET, " ");
  }
  return rest.trim();
}

/** `Copyright (c) 2020 Jane Doe`, but not a sentence of the licence that happens to begin a line with COPYRIGHT HOLDERS. */
const NOTICE =
  /^\W*(?:(?:Portions |Parts |Modifications |Original code )?(?:Copyright|COPYRIGHT|Copyleft|Copyrights)\b|\([cC]\)|©|SPDX-FileCopyrightText:)/;
const SENTENCE_OF_LICENCE =
  /^\W*(?:Copyright|COPYRIGHT)\s+(?:holders?|owners?|notices?|laws?|licen[sc]es?|acts?|statements?|and|or|in|to|is|interests?|protection|treaty|rights?)\b/i;
const NOTICE_LENGTH_MAX = 300;

function isCopyrightNotice(line: string): boolean {
  return line.length <= NOTICE_LENGTH_MAX && NOTICE.test(line) && !SENTENCE_OF_LICENCE.test(line);
}

function splitWords(text: string): string[] {
  const plain = text.replace(INNER_BULLET, " ").replace(/(?<=\p{L})['’‘`´](?=\p{L})/gu, "");
  return (
    plain
      .toLowerCase()
      .normalize("NFKC")
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

/** Spelling variants, from the list of equivalent words in the guidelines: one spelling, and what stands for it. */
const VARIANTS = tableOf(`
  acknowledgement acknowledgment, acknowledgements acknowledgments, analogue analog, analyse analyze, artefact artifact,
  artefacts artifacts, authorisation authorization, authorised authorized, behaviour behavior, calibre caliber,
  cancelled canceled, capitalisation capitalization, catalogue catalog, categorise categorize, centre center,
  emphasised emphasized, favour favor, favourite favorite, fulfil fulfill, fulfilment fulfillment, honour honor, https http,
  initialise initialize, judgement judgment, labelling labeling, labour labor, licence license, licences licenses,
  licenced licensed, maximise maximize, modelled modeled, modelling modeling, offence offense, optimise optimize,
  organisation organization, organisations organizations, organise organize, practise practice, programme program,
  realise realize, recognise recognize, signalling signaling, sublicence sublicense, sublicences sublicenses,
  sublicenced sublicensed, utilisation utilization, whilst while, wilful willful
`);

/** Words that are also written apart or with a dash. */
const PAIRS = tableOf(`
  non-commercial noncommercial, non-exclusive nonexclusive, non-infringement noninfringement, per-cent percent,
  re-distribute redistribute, sub-license sublicense, sub-licenses sublicenses, sub-licensed sublicensed,
  sub-licensable sublicensable, sub-licensing sublicensing, copyright-owner copyright-holder, copyright-owners copyright-holders
`);

function tableOf(text: string): ReadonlyMap<string, string> {
  const rows = text.split(",").map((row) => row.trim().split(/\s+/));
  return new Map(rows.map(([from = "", to = ""]) => [from, to]));
}

/** Built as a stack, so that what becomes adjacent after something was taken out is looked at again (N2). */
function joinVariants(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    push(joined, VARIANTS.get(word) ?? word);
    if (joined.at(-1) === "reserved" && joined.at(-2) === "rights" && joined.at(-3) === "all") joined.length -= 3;
  }
  return joined;
}

function push(joined: string[], word: string): void {
  const pair = PAIRS.get(`${joined.at(-1) ?? ""}-${word}`);
  if (pair === undefined) joined.push(word);
  else joined.splice(-1, 1, ...pair.split("-"));
}
