// How good and how fast the identification is: run `node examples/licence-review/bench.ts [PROJECT…]`.
//
//   self     every text of the SPDX list against all of them
//   noise    the same texts with words left out, doubled or replaced: what an answer of each class of `sure` is worth
//   fixture  the fixture's packages against their known right answers
//   tree     the installed packages of each PROJECT: time, and how often text and declaration agree

import { realpath } from "node:fs/promises";
import path from "node:path";
import { corpus, REPLACED, spdxTexts } from "./corpus.ts";
import { filesOnDisk } from "./files.ts";
import { fixtureFiles, fixturePackage, fixtureTree } from "./fixture.ts";
import { identify, type Match } from "./identify.ts";
import { loadPolicy } from "./policy.ts";
import { reviewPackage } from "./review.ts";
import { discoverTree } from "./tree.ts";

/** Whether a match is the licence of this id, or one of those with the same text. */
function isLicence({ group }: Match, id: string): boolean {
  return group.ids.includes(id) || REPLACED.get(id)?.endsWith(` WITH ${group.label}`) === true;
}

interface SelfIdentification {
  readonly texts: number;
  readonly right: number;
  readonly wrong: readonly string[];
  readonly msPerText: number;
}

/** A text is right when its licence is found with `sure` 1, and no other but what it includes (LGPL 3 has the text of GPL 3). */
export function identifyThemselves(): SelfIdentification {
  corpus();
  const wrong: string[] = [];
  const startedAt = performance.now();
  const texts = Object.entries(spdxTexts());
  for (const [id, { licenseText }] of texts) {
    const { matches } = identify(licenseText);
    const right = matches.some((match) => match.sure === 1 && isLicence(match, id));
    const foreign = matches.filter(
      (match) => !isLicence(match, id) && !(id.startsWith("LGPL-3.0") && match.group.label === "GPL-3.0"),
    );
    if (!right || foreign.length > 0)
      wrong.push(`${id}: ${matches.map(({ group, sure }) => `${group.label} ${sure}`).join(", ")}`);
  }
  return {
    texts: texts.length,
    right: texts.length - wrong.length,
    wrong,
    msPerText: (performance.now() - startedAt) / texts.length,
  };
}

interface Accuracy {
  readonly packages: number;
  readonly outcomesRight: number;
  readonly precision: number;
  readonly recall: number;
  readonly wrong: readonly string[];
  readonly msPerPackage: number;
}

/** Precision and recall of licences found, package by package; outcomes under the default policy. */
export async function reviewFixture(): Promise<Accuracy> {
  const { policy } = await loadPolicy(undefined);
  const { packages } = fixtureTree();
  const wrong: string[] = [];
  let [right, found, wanted, outcomesRight] = [0, 0, 0, 0];
  const startedAt = performance.now();
  for (const subject of packages) {
    const one = fixturePackage(subject.key);
    const review = await reviewPackage(subject, fixtureFiles(one), policy);
    const ids = new Set(review.found.map(({ id }) => id));
    const hits = one.expect.found.filter((id) => ids.has(id)).length;
    [right, found, wanted] = [right + hits, found + ids.size, wanted + one.expect.found.length];
    if (review.outcome === one.expect.outcome) outcomesRight++;
    if (review.outcome !== one.expect.outcome || hits !== ids.size || hits !== one.expect.found.length) {
      wrong.push(
        `${subject.key}: expected ${one.expect.outcome} [${one.expect.found.join(", ")}], got ${review.outcome} [${[...ids].join(", ")}]: ${review.why}`,
      );
    }
  }
  const msPerPackage = (performance.now() - startedAt) / packages.length;
  return { packages: packages.length, outcomesRight, precision: right / found, recall: right / wanted, wrong, msPerPackage };
}

interface NoiseClass {
  readonly name: string;
  answers: number;
  right: number;
}

interface Noise {
  readonly part: number;
  readonly texts: number;
  /** The licence itself is the first answer. */
  readonly right: number;
  /** Nothing is answered. */
  readonly none: number;
  readonly classes: readonly NoiseClass[];
}

/** Changes this part of the words of every text with at least 100 words, and asks what it is. */
export function identifyWithNoise(part: number): Noise {
  const classes: NoiseClass[] = [1, 0.95, 0.75, 0].map((from) => ({
    name: from === 1 ? "sure 1" : `sure ≥ ${from}`,
    answers: 0,
    right: 0,
  }));
  let [texts, right, none] = [0, 0, 0];
  for (const [id, { licenseText }] of Object.entries(spdxTexts())) {
    const words = licenseText.split(/(?<=\s)/);
    if (words.length < 100) continue;
    texts++;
    const [first] = identify(withNoise(words, part, texts)).matches.toSorted((a, b) => b.agreement - a.agreement);
    const hit = first !== undefined && isLicence(first, id);
    if (first === undefined) none++;
    if (hit) right++;
    const sure = first?.sure ?? -1;
    const of = classes.find(({ name }) => first !== undefined && sure >= Number(name.replace(/\D*([\d.]+)$/, "$1")));
    if (of !== undefined) [of.answers, of.right] = [of.answers + 1, of.right + Number(hit)];
  }
  return { part, texts, right, none, classes };
}

async function reviewInstalled(project: string): Promise<string> {
  const { policy } = await loadPolicy(undefined);
  const root = await realpath(project);
  const packages = (await discoverTree(root)).packages.filter(({ kind }) => kind === "dependency");
  const startedAt = performance.now();
  let [texts, agree] = [0, 0];
  for (const one of packages) {
    const { found, declaredExpression, concluded, outcome } = await reviewPackage(
      one,
      await filesOnDisk(path.join(root, one.path), root),
      policy,
    );
    if (found.length === 0 || declaredExpression === null) continue;
    texts++;
    if (outcome !== "conflict" && concluded?.startsWith(declaredExpression)) agree++;
  }
  const ms = (performance.now() - startedAt) / packages.length;
  return `tree ${project}: ${packages.length} packages, ${ms.toFixed(2)} ms per package; text and declaration agree in ${agree} of ${texts}`;
}

function withNoise(words: readonly string[], part: number, seed: number): string {
  let state = seed * 7_919 + 17;
  const chance = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return words
    .map((word) => {
      if (chance() >= part) return word;
      const kind = chance();
      return kind < 1 / 3 ? "" : kind < 2 / 3 ? `${word} ${word} ` : "lorem ";
    })
    .join("");
}

if (import.meta.main) {
  const loadedAt = performance.now();
  const { texts, listVersion } = corpus();
  console.log(
    `corpus: ${texts.length} distinct texts of the SPDX list ${listVersion}, loaded in ${Math.round(performance.now() - loadedAt)} ms`,
  );
  const self = identifyThemselves();
  console.log(`self: ${self.right} of ${self.texts} texts right, ${self.msPerText.toFixed(2)} ms per text`);
  for (const line of self.wrong) console.log(`  ${line}`);
  for (const part of [0.005, 0.02, 0.05, 0.1]) {
    const { right, none, classes, texts: count } = identifyWithNoise(part);
    const shown = classes
      .filter(({ answers }) => answers > 0)
      .map(({ name, answers, right: hits }) => `${name}: ${hits} of ${answers}`);
    console.log(
      `noise in ${part * 100} % of words: ${right} of ${count} right, ${none} unanswered; right by class: ${shown.join("; ")}`,
    );
  }
  const fixture = await reviewFixture();
  const { precision, recall, outcomesRight, packages, msPerPackage } = fixture;
  console.log(
    `fixture: precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)}, outcomes ${outcomesRight} of ${packages}, ${msPerPackage.toFixed(2)} ms per package`,
  );
  for (const line of fixture.wrong) console.log(`  ${line}`);
  for (const project of process.argv.slice(2)) console.log(await reviewInstalled(project));
}
