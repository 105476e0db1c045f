// What a manifest declares: `license` in all the forms that npm has known, read into one of five kinds.
//
// Nothing a manifest holds makes reading fail: what cannot be read is `invalid`, with a sentence and, where its writer
// plainly meant a licence, the ids that were meant.

import { REPLACED, spdxTexts } from "./corpus.ts";
import { combine, type Expression, licencesIn, readExpression, writeExpression } from "./expression.ts";
import { QUOTE_LENGTH_MAX } from "./limits.ts";

export type Declared = { readonly written: string; readonly remarks: readonly string[] } & (
  | { readonly kind: "expression"; readonly expression: Expression }
  /** SEE LICENSE IN … */
  | { readonly kind: "file"; readonly file: string }
  /** UNLICENSED: npm's word for "all rights reserved". */
  | { readonly kind: "proprietary" }
  /** `meant`: ids of licences the writer may have meant. */
  | { readonly kind: "invalid"; readonly why: string; readonly meant: readonly string[] }
  | { readonly kind: "nothing" }
);

let idsByLowerCase: ReadonlyMap<string, string> | null = null;

/** The id as the list writes it; null for none. */
export function findSpdxId(written: string): string | null {
  idsByLowerCase ??= new Map(Object.keys(spdxTexts()).map((id) => [id.toLowerCase(), id]));
  return idsByLowerCase.get(written.toLowerCase()) ?? null;
}

/** `manifest` is whatever package.json holds. */
export function readDeclared(manifest: unknown): Declared {
  const { license, licence, licenses, licences } = (typeof manifest === "object" && manifest !== null ? manifest : {}) as Record<
    string,
    unknown
  >;
  if (license !== undefined) return readValue(license, []);
  if (licenses !== undefined) return readValue(licenses, ["the manifest has the old form `licenses`"]);
  const misspelled = licence ?? licences;
  if (misspelled !== undefined) return readValue(misspelled, ["the manifest writes `licence`, which npm does not read"]);
  return { kind: "nothing", written: "", remarks: [] };
}

function readValue(value: unknown, remarks: readonly string[]): Declared {
  if (typeof value === "string") return readText(value, remarks);
  if (Array.isArray(value)) return readList(value, remarks);
  const text = textOf(value);
  if (text !== null) return readText(text, [...remarks, "the manifest has the old form {type, url}"]);
  return invalid(shown(value), "it is neither text nor an old form", [], remarks);
}

/** `{type: "MIT", url: "…"}` and its misspellings. */
function textOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return null;
  const { type, name, license } = value as Record<string, unknown>;
  return [type, name, license].find((text) => typeof text === "string") ?? null;
}

/** Old manifests list licences to choose from. */
function readList(values: readonly unknown[], remarks: readonly string[]): Declared {
  const texts = values.map(textOf);
  const read = texts.map((text) => (text === null ? null : readText(text, [])));
  const expressions = read.map((one) => (one?.kind === "expression" ? one.expression : null));
  const written = texts.map((text) => text ?? "?").join(", ");
  if (values.length === 0) return { kind: "nothing", written: "", remarks: [...remarks, "its list of licences is empty"] };
  const valid = expressions.filter((expression) => expression !== null);
  const choice = combine("or", valid);
  if (choice === null || valid.length < values.length) {
    const meant = read.flatMap((one) =>
      one?.kind === "invalid" ? one.meant : one?.kind === "expression" ? idsIn(one.expression) : [],
    );
    return invalid(written, "not every entry of its list is an SPDX licence", meant, remarks);
  }
  const note = valid.length > 1 ? [`a list of licences is read as a choice: ${writeExpression(choice)}`] : [];
  return { kind: "expression", expression: choice, written: cut(written), remarks: [...remarks, ...note] };
}

function idsIn(expression: Expression): string[] {
  return licencesIn(expression).map(({ id }) => id);
}

function readText(text: string, remarks: readonly string[]): Declared {
  const written = text.trim();
  const file = /^SEE LICEN[CS]E IN (.+)$/i.exec(written)?.[1];
  if (written === "") return { kind: "nothing", written, remarks: [...remarks, "the manifest declares an empty text"] };
  if (file !== undefined) return { kind: "file", file: file.trim().replace(/^<(.*)>$/, "$1"), written: cut(written), remarks };
  if (/^(?:UNLICENSED|PROPRIETARY|COMMERCIAL|All rights reserved\.?)$/i.test(written))
    return { kind: "proprietary", written, remarks };
  const read = readExpression(written, findSpdxId);
  if (!read.ok) return invalid(written, read.why, meantBy(written), remarks);
  return {
    kind: "expression",
    expression: read.expression,
    written: cut(written),
    remarks: [...remarks, ...read.remarks, ...outdated(read.expression)],
  };
}

function outdated(expression: Expression): string[] {
  return licencesIn(expression).flatMap(({ id }) => {
    const now = REPLACED.get(id);
    return now === undefined ? [] : [`${id} is a deprecated id; today it is written ${now}`];
  });
}

function invalid(written: string, why: string, meant: readonly string[], remarks: readonly string[]): Declared {
  return { kind: "invalid", written: cut(written), why, meant: [...new Set(meant)], remarks };
}

function cut(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= QUOTE_LENGTH_MAX ? line : `${line.slice(0, QUOTE_LENGTH_MAX - 1)}…`;
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? typeof value;
}

/** Texts people write in place of an id → the ids they may mean. The first that fits counts. */
const MEANINGS: readonly (readonly [pattern: RegExp, ids: readonly string[]])[] = [
  [/^(?:the )?(?:mit|expat)(?: ?\/ ?x11|[ -]style)?(?: licen[cs]e[d]?)?$|licenses?\/mit\b|mit[-_ ]licen[cs]e/, ["MIT"]],
  [/^x11$/, ["X11", "MIT"]],
  [/apache.*1\.1/, ["Apache-1.1"]],
  [/apache|^apl ?2|asl ?2/, ["Apache-2.0"]],
  [/(?:new|revised|modified|3[ -]?clause).*bsd|bsd.*(?:3|new|revised|modified)/, ["BSD-3-Clause"]],
  [/(?:simplified|freebsd|2[ -]?clause).*bsd|bsd.*(?:2|simplified)|freebsd/, ["BSD-2-Clause"]],
  [/bsd/, ["BSD-3-Clause", "BSD-2-Clause", "0BSD", "BSD-4-Clause"]],
  [/\bisc\b/, ["ISC"]],
  [/agpl|affero/, ["AGPL-3.0-only", "AGPL-3.0-or-later"]],
  [/(?:lgpl|lesser).*3/, ["LGPL-3.0-only", "LGPL-3.0-or-later"]],
  [/(?:lgpl|lesser).*2\.1/, ["LGPL-2.1-only", "LGPL-2.1-or-later"]],
  [/lgpl|lesser/, ["LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later"]],
  [/(?:gpl|gnu general).*3/, ["GPL-3.0-only", "GPL-3.0-or-later"]],
  [/(?:gpl|gnu general).*2/, ["GPL-2.0-only", "GPL-2.0-or-later"]],
  [/gpl|gnu general/, ["GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later"]],
  [/mozilla|\bmpl/, ["MPL-2.0", "MPL-1.1"]],
  [/unlicen[cs]e/, ["Unlicense"]],
  [/wtfpl/, ["WTFPL"]],
  [/cc0|creative commons zero/, ["CC0-1.0"]],
  [/^zlib/, ["Zlib"]],
  [/boost|bsl-?1/, ["BSL-1.0"]],
];

function meantBy(written: string): readonly string[] {
  const text = written.toLowerCase();
  return MEANINGS.find(([pattern]) => pattern.test(text))?.[1] ?? [];
}
