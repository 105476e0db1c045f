// The fixture tree: packages with invented names, real licence texts (by their SPDX ids, changed as authors change them)
// and known right answers. Read through the same interface as packages on disk.

import { readFileSync } from "node:fs";
import { spdxTexts } from "./corpus.ts";
import type { Outcome } from "./decide.ts";
import { decode, type FileRead, type PackageFiles } from "./files.ts";
import { type ManifestRead, parseManifest } from "./manifest.ts";
import { byText } from "./order.ts";
import type { Tree, TreePackage } from "./tree.ts";

export interface FixturePackage {
  readonly name: string;
  readonly version: string;
  /** What package.json holds beside name and version; a text stands for a file that is broken, null for none. */
  readonly manifest: Readonly<Record<string, unknown>> | string | null;
  readonly files: Readonly<Record<string, Recipe>>;
  readonly expect: Expected;
}

/** The right answer, under examples/licence-review/policy.json. */
export interface Expected {
  /** The licences whose text is there, changed or not; sorted. */
  readonly found: readonly string[];
  readonly outcome: Outcome;
}

/** How a file is made. */
export interface Recipe {
  readonly parts: readonly Part[];
  readonly as?: readonly Style[];
  readonly encoding?: "utf-16le" | "latin1";
}

export type Part =
  | { readonly text: string; readonly times?: number }
  /** The text of the SPDX list with its blanks filled in, and parts of it replaced. */
  | {
      readonly spdx: string;
      readonly year?: number;
      readonly holder?: string;
      readonly replace?: readonly (readonly [from: string, to: string])[];
    }
  | { readonly bytes: number };

export type Style =
  | "wrap"
  | "one-line"
  | "crlf"
  | "comment"
  | "markdown"
  | "html"
  | "smart-quotes"
  | "upper"
  | "indent"
  | "british"
  | "stars"
  | "no-title";

let loaded: readonly FixturePackage[] | null = null;

export function fixturePackages(): readonly FixturePackage[] {
  loaded ??= readFileSync(new URL("./fixture/tree.jsonl", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as FixturePackage);
  return loaded;
}

/** The fixture in the shape of an installed tree. */
export function fixtureTree(): Tree {
  const packages = fixturePackages().map((one): TreePackage => {
    const manifest = manifestOf(one);
    const findings = manifest.kind === "read" ? [] : [manifest.why];
    const { name, version } = one;
    return {
      key: `${name}@${version}`,
      name,
      version,
      path: `fixture/${name}`,
      kind: "dependency",
      scope: "production",
      needs: [],
      findings,
    };
  });
  return { packages: packages.toSorted((a, b) => byText(a.path, b.path)), findings: [] };
}

export function fixturePackage(key: string): FixturePackage {
  const found = fixturePackages().find(({ name, version }) => `${name}@${version}` === key);
  if (found === undefined) throw new Error(`The fixture has no package ${key}.`);
  return found;
}

export function fixtureFiles(one: FixturePackage): PackageFiles {
  return {
    manifest: manifestOf(one),
    names: Object.keys(one.files).toSorted(byText),
    read: async (name, bytesMax) => readRecipe(one.files[name], bytesMax),
  };
}

function manifestOf({ name, version, manifest }: FixturePackage): ManifestRead {
  if (manifest === null) return { kind: "none", why: "it has no package.json" };
  if (typeof manifest === "string") return parseManifest(manifest);
  return { kind: "read", fields: { name, version, ...manifest } };
}

function readRecipe(recipe: Recipe | undefined, bytesMax: number): FileRead {
  if (recipe === undefined) return { kind: "none", why: "is not there" };
  const bytes = makeFile(recipe);
  return decode(bytes.subarray(0, bytesMax), bytes.length > bytesMax);
}

/** The bytes of a file. */
function makeFile({ parts, as = [], encoding }: Recipe): Buffer {
  const binary = parts.find((one) => "bytes" in one);
  if (binary !== undefined) return Buffer.from(Uint8Array.from({ length: binary.bytes }, (_, i) => (i * 131 + (i >> 3)) & 0xff));
  const text = as.reduce((before, style) => RESTYLE[style](before), parts.map(textOf).join("\n\n"));
  if (encoding === "utf-16le") return Buffer.from(`\uFEFF${text}`, "utf16le");
  return Buffer.from(text, encoding ?? "utf8");
}

function textOf(part: Part): string {
  if ("text" in part) return part.text.repeat(part.times ?? 1);
  if ("bytes" in part) return "";
  const { spdx, year = 2019, holder = "the authors", replace = [] } = part;
  const text = spdxTexts()[spdx]?.licenseText ?? "";
  const filled = text
    .replace(/<year>|<YEAR>|<Year>|<yyyy>|\[year\]|\[yyyy\]/g, String(year))
    .replace(
      /<(?:copyright holders?|owner|OWNER|COPYRIGHT HOLDERS?|HOLDERS?|AUTHOR|name of author|fullname)>|\[(?:fullname|name of copyright owner)\]/g,
      holder,
    );
  return replace.reduce((before, [from, to]) => replaced(before, from, to, spdx), filled);
}

/** An edit that does not fit would make the right answer wrong. */
function replaced(text: string, from: string, to: string, spdx: string): string {
  if (!text.includes(from)) throw new Error(`The text of ${spdx} does not have “${from}”.`);
  return text.replace(from, to);
}

const RESTYLE: Readonly<Record<Style, (text: string) => string>> = {
  wrap: (text) =>
    text
      .split(/\n\s*\n/)
      .map((paragraph) => wrap(paragraph, 64))
      .join("\n\n"),
  "one-line": (text) => text.replace(/\s*\n\s*/g, " "),
  crlf: (text) => text.replaceAll("\n", "\r\n"),
  comment: (text) => `/*\n${text.replace(/^/gm, " * ")}\n */`,
  markdown: (text) => text.replace(/^(.*licen[cs]e.*)$/im, "# $1").replace(/"([^"\n]+)"/g, "**$1**"),
  html: (text) => `<html><body><pre>\n${text.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}\n</pre></body></html>`,
  "smart-quotes": (text) =>
    text
      .replace(/"([^"\n]*)"/g, "“$1”")
      .replaceAll("'", "’")
      .replaceAll(" - ", " — "),
  upper: (text) => text.toUpperCase(),
  indent: (text) => text.replace(/^/gm, "      "),
  british: (text) =>
    text
      .replace(/\blicense\b/g, "licence")
      .replace(/\bsublicense\b/g, "sub-license")
      .replace(/copyright holders\b/g, "copyright owners"),
  stars: (text) => `${"*".repeat(72)}\n${text.replace(/^/gm, "*   ")}\n${"*".repeat(72)}`,
  "no-title": (text) => text.replace(/^\s*[^\n]*licen[cs]e[^\n]*\n/i, ""),
};

function wrap(paragraph: string, columns: number): string {
  const rows = [""];
  for (const word of paragraph.split(/\s+/).filter((one) => one !== "")) {
    const row = rows.at(-1) ?? "";
    if (row !== "" && row.length + word.length >= columns) rows.push(word);
    else rows[rows.length - 1] = row === "" ? word : `${row} ${word}`;
  }
  return rows.join("\n");
}
