import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { spdxTexts } from "./corpus.ts";
import { normalise } from "./normalise.ts";

const MIT = spdxTexts().MIT?.licenseText ?? "";

test("what the guidelines call the same gives the same words (N1)", () => {
  const same: readonly (readonly [string, string])[] = [
    ["Permission is “hereby” granted", "permission is 'hereby' GRANTED"],
    ["free of charge,\n\tto any\r\nperson", "free of charge to any person"],
    ["/*\n * Redistributions of source\n * code\n */", "Redistributions of source code"],
    ["// in binary form\n# must reproduce", "in binary form must reproduce"],
    ["1. Redistributions\n(b) in source\n  • and binary", "Redistributions in source and binary"],
    ["the licence of the copyright owner", "the license of the copyright holder"],
    ["non-commercial sub-licences", "noncommercial sublicenses"],
    ["see https://example.org", "see http://example.org"],
    ["<p>the <b>Software</b>&quot;</p>", "the Software"],
    ["Copyright (c) 2020 Ada Vermeer\nAll rights reserved.\nas is", "as is"],
    ["© 2020 Ada Vermeer\nas is", "as is"],
    ["THE WORK ﬁts", "the work fits"],
  ];
  for (const [one, other] of same) assert.equal(normalise(one), normalise(other));
});

test("a sentence that happens to begin a line with COPYRIGHT HOLDERS is kept", () => {
  assert.match(normalise("IN NO EVENT SHALL THE\nCOPYRIGHT HOLDERS BE LIABLE"), /copyright holders be liable/);
});

test("words that make another licence stay different", () => {
  for (const [one, other] of [
    ["version 2", "version 3"],
    ["may", "may not"],
    ["with fee", "without fee"],
  ] as const) {
    assert.notEqual(normalise(one), normalise(other));
  }
});

test("normalising what was normalised changes nothing (N2)", () => {
  const pieces = fc.constantFrom(
    ..."Copyright (c) © 2020 1. (a) * // # all rights reserved All copyright owner non commercial sub license <b> ' - \n the".split(
      " ",
    ),
    "\n",
    "\n\n",
    "“x”",
  );
  const texts = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(" ")),
  );
  fc.assert(
    fc.property(texts, (text) => normalise(normalise(text)) === normalise(text)),
    { numRuns: 2_000 },
  );
});

test("wrapping, indenting and commenting a text changes no word", () => {
  const styles = fc.constantFrom(
    (text: string) => text.replaceAll("\n", "\r\n"),
    (text: string) => text.replace(/^/gm, "    "),
    (text: string) => text.replace(/^/gm, " * "),
    (text: string) => text.toUpperCase(),
    (text: string) => text.replace(/(?<=\S) (?=\S)/g, "  "),
  );
  const body = MIT.slice(MIT.indexOf("Permission"));
  fc.assert(
    fc.property(
      fc.array(styles, { maxLength: 4 }),
      (chosen) => normalise(chosen.reduce((text, style) => style(text), body)) === normalise(body),
    ),
  );
});
