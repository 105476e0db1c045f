import assert from "node:assert/strict";
import { test } from "node:test";
import { identifyThemselves, identifyWithNoise } from "./bench.ts";
import { corpus, spdxTexts } from "./corpus.ts";
import { identify } from "./identify.ts";

function spdx(id: string): string {
  const text = spdxTexts()[id]?.licenseText;
  assert.ok(text !== undefined, id);
  return text;
}

function labels(text: string): string[] {
  return identify(text).matches.map(({ group }) => group.label);
}

test("the corpus says which version of the SPDX list it has", () => {
  assert.match(corpus().listVersion, /^\d+\.\d+/);
});

test("every text of the SPDX list is recognised as itself, and as nothing else", (t) => {
  const { texts, right, wrong, msPerText } = identifyThemselves();
  t.diagnostic(`${right} of ${texts} texts, ${msPerText.toFixed(2)} ms per text`);
  assert.ok(texts > 700);
  assert.deepEqual(wrong, []);
});

test("of answers that call themselves 0.95 sure or more, at least 99 in 100 are right on texts with noise", (t) => {
  const { right, texts, classes } = identifyWithNoise(0.02);
  const sure = classes.filter(({ name }) => name === "sure 1" || name === "sure ≥ 0.95");
  const [answers, hits] = [sure.reduce((sum, one) => sum + one.answers, 0), sure.reduce((sum, one) => sum + one.right, 0)];
  t.diagnostic(`2 % of the words changed: ${right} of ${texts} right; of those sure ${hits} of ${answers}`);
  assert.ok(hits >= answers * 0.99);
  assert.ok(right >= texts * 0.98);
});

test("near equals are told apart", () => {
  for (const id of [
    "MIT",
    "MIT-0",
    "X11",
    "JSON",
    "ISC",
    "0BSD",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSD-4-Clause",
    "BSD-3-Clause-Clear",
  ]) {
    const [match, ...more] = identify(`Copyright (c) 2021 The Harbour Authors\n\n${spdx(id)}`).matches;
    assert.equal(match?.group.label, id);
    assert.equal(match?.sure, 1);
    assert.deepEqual(more, []);
  }
});

test("a holder's name in place of the template's makes no difference", () => {
  const named = spdx("BSD-3-Clause")
    .replace("the copyright holder nor", "Kiln Works, Inc. nor")
    .replace("THE COPYRIGHT HOLDERS AND CONTRIBUTORS", "THE REGENTS OF FJORD AND CONTRIBUTORS");
  assert.equal(identify(named).matches[0]?.sure, 1);
  assert.deepEqual(labels(named), ["BSD-3-Clause"]);
});

test("licences that stand one after the other are all found, in their order", () => {
  const text = ["Either of:", spdx("MIT"), "or", spdx("Apache-2.0"), "Parts:", spdx("ISC"), spdx("MIT")].join("\n\n");
  assert.deepEqual(labels(text), ["MIT", "Apache-2.0", "ISC"]);
});

test("a clause put into a licence is a doubt that quotes it", () => {
  const [match] = identify(
    spdx("MIT").replace("following conditions:", "following conditions: it must never be sold to islands,"),
  ).matches;
  assert.equal(match?.group.label, "MIT");
  assert.ok(match.sure <= 0.5);
  assert.match(match.changes.join(), /adds “.*must never be sold to islands/);
});

test("a clause taken out is a doubt that quotes it", () => {
  const [match] = identify(
    spdx("ISC").replace(
      ", provided that the above copyright notice and this permission notice appear in all copies",
      " without more",
    ),
  ).matches;
  assert.ok(match === undefined || match.group.label !== "ISC" || match.sure <= 0.5);
});

test("a demand before or after a licence is quoted", () => {
  const { matches, terms } = identify(`${spdx("MIT")}\n\nThe Software shall be used for Good, not Evil.`);
  assert.equal(matches[0]?.sure, 1);
  assert.match(terms.join(), /not evil/);
});

test("thanks, titles and notices around a licence are no demand", () => {
  const { terms, matches } = identify(
    `Amber Anchor\n============\n\nCopyright 2020 Ada\n\n${spdx("MIT")}\n\nThanks to all who helped.`,
  );
  assert.deepEqual(terms, []);
  assert.deepEqual(
    matches.map(({ group }) => group.label),
    ["MIT"],
  );
});

test("GNU texts say the version and leave open whether later ones will do", () => {
  const [match] = identify(spdx("GPL-3.0-or-later")).matches;
  assert.equal(match?.group.label, "GPL-3.0");
  assert.ok(match.group.ids.includes("GPL-3.0-only") && match.group.ids.includes("GPL-3.0-or-later"));
});

test("LGPL 3 is recognised without the text of GPL 3 that the SPDX list appends", () => {
  const alone = spdx("LGPL-3.0-only").split(/GNU GENERAL PUBLIC LICENSE\s+Version 3/)[0] ?? "";
  assert.ok(alone.length < 10_000);
  assert.deepEqual(labels(alone), ["LGPL-3.0"]);
});

test("a notice names a licence and is not its text", () => {
  const notice = `Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in compliance with
    the License. You may obtain a copy of the License at https://www.apache.org/licenses/LICENSE-2.0 Unless required by applicable law or agreed
    to in writing, software distributed under the License is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND,
    either express or implied. See the License for the specific language governing permissions and limitations under the License.`;
  const [match] = identify(notice).matches;
  assert.equal(match?.group.kind, "notice");
  assert.equal(match.group.label, "Apache-2.0");
  assert.equal(match.sure, 0.9);
});

test("texts that are no licence are not called one", () => {
  const novel = "It was the best of times, it was the worst of times, it was the age of wisdom, ".repeat(40);
  for (const text of ["", "   ", "MIT", "All rights reserved.", novel, "Die Nutzung ist jedermann gestattet.", "本ソフトウェア"])
    assert.deepEqual(labels(text), []);
});

test("a text without end, of one word or of one line, takes no time to speak of", () => {
  const startedAt = performance.now();
  for (const unit of ["a ", "copyright ", "(c) ", "<a ", "* ", "the above copyright notice "]) identify(unit.repeat(60_000));
  const ms = performance.now() - startedAt;
  assert.ok(ms < 20_000, `${ms} ms`);
});
