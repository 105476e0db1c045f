// Licences that prose names without giving their text: "Released under the MIT licence." Weak evidence, used where there
// is no better.

import { findSpdxId } from "./declared.ts";

/** Names as prose writes them → ids. Later ones are looked for in what earlier ones left. */
const NAMES: readonly (readonly [pattern: RegExp, id: string])[] = [
  [
    /(?:opensource\.org\/licen[cs]es?\/|choosealicense\.com\/licenses\/|spdx\.org\/licenses\/)mit(?:-license)?\b(?:\.(?:php|html))?/gi,
    "MIT",
  ],
  [/(?:https?:\/\/)?(?:www\.)?apache\.org\/licenses\/license-2\.0(?:\.(?:txt|html))?/gi, "Apache-2.0"],
  [/apache(?: software)?[- ]?(?:licen[cs]e)?,?[- ]?(?:version|v\.?)?[- ]?2(?:\.0)?\b/gi, "Apache-2.0"],
  [
    /(?:gnu )?(?:affero general public licen[cs]e|agpl)[,-]?\s?(?:version |v)?3(?:\.0)?[ -]?(?:\+|or[ -](?:any[ -])?later)/gi,
    "AGPL-3.0-or-later",
  ],
  [/(?:gnu )?(?:affero general public licen[cs]e|agpl)[,-]?\s?(?:version |v)?3/gi, "AGPL-3.0"],
  [
    /(?:gnu )?(?:lesser general public licen[cs]e|lgpl)[,-]?\s?(?:version |v)?2\.1[ -]?(?:\+|or[ -](?:any[ -])?later)/gi,
    "LGPL-2.1-or-later",
  ],
  [/(?:gnu )?(?:lesser general public licen[cs]e|lgpl)[,-]?\s?(?:version |v)?2\.1/gi, "LGPL-2.1"],
  [
    /(?:gnu )?(?:lesser general public licen[cs]e|lgpl)[,-]?\s?(?:version |v)?3(?:\.0)?[ -]?(?:\+|or[ -](?:any[ -])?later)/gi,
    "LGPL-3.0-or-later",
  ],
  [/(?:gnu )?(?:lesser general public licen[cs]e|lgpl)[,-]?\s?(?:version |v)?3/gi, "LGPL-3.0"],
  [
    /(?:gnu )?(?:general public licen[cs]e|\bgpl)[,-]?\s?(?:version |v)?3(?:\.0)?[ -]?(?:\+|or[ -](?:any[ -])?later)/gi,
    "GPL-3.0-or-later",
  ],
  [/(?:gnu )?(?:general public licen[cs]e|\bgpl)[,-]?\s?(?:version |v)?3/gi, "GPL-3.0"],
  [
    /(?:gnu )?(?:general public licen[cs]e|\bgpl)[,-]?\s?(?:version |v)?2(?:\.0)?[ -]?(?:\+|or[ -](?:any[ -])?later)/gi,
    "GPL-2.0-or-later",
  ],
  [/(?:gnu )?(?:general public licen[cs]e|\bgpl)[,-]?\s?(?:version |v)?2/gi, "GPL-2.0"],
  [/(?:bsd[- ]?3|3[- ]clause bsd|new bsd|(?:revised|modified) bsd|bsd[- ](?:new|revised))(?:[- ]clause)?/gi, "BSD-3-Clause"],
  [/(?:bsd[- ]?2|2[- ]clause bsd|simplified bsd|freebsd licen[cs]e|bsd[- ]simplified)(?:[- ]clause)?/gi, "BSD-2-Clause"],
  [/mozilla public licen[cs]e,?(?: version| v\.?)? ?2(?:\.0)?|\bmpl[- ]?v?2(?:\.0)?/gi, "MPL-2.0"],
  [/\bcc0(?:[- ]1\.0)?\b|creative commons zero/gi, "CC0-1.0"],
  [/cc[- ]by[- ]4\.0|creativecommons\.org\/licenses\/by\/4\.0/gi, "CC-BY-4.0"],
  [
    /\bmit(?:[- ]style)? licen[cs]ed?\b|\bmit-licen[cs]ed?\b|\[mit\]|licen[cs]ed? under (?:the )?mit\b|the mit licen[cs]e|mit x11/gi,
    "MIT",
  ],
  [/\bisc licen[cs]ed?\b|\[isc\]|licen[cs]ed? under (?:the )?isc\b/gi, "ISC"],
  [/\bunlicense\b(?!d)/gi, "Unlicense"],
  [/\bwtfpl\b/gi, "WTFPL"],
];

/** Ids that are no words of a language. */
const PLAIN_ID = /^(?:MIT|ISC|0BSD|Zlib|WTFPL|X11|[A-Za-z0-9]+(?:-[A-Za-z0-9.]+)*-\d[\w.-]*|BSD-\d-Clause)$/;

/** These may be followed by "or later". */
const OPEN_ID = /^(?:A|L)?GPL-\d\.\d$/;

/** Ids of the licences a text names, each once: those written as ids, then those written in words. */
export function licencesNamed(text: string): string[] {
  const found = new Set<string>();
  let rest = text.replace(/&nbsp;/g, " ").replace(/\s+/g, " ");
  const take = (written: string, id: string | null): string => {
    if (id === null) return written;
    found.add(id);
    return " ";
  };
  rest = rest.replace(/[A-Za-z0-9][\w.+-]*[\w+]/g, (word) => take(word, idWritten(word)));
  for (const [pattern, id] of NAMES) rest = rest.replace(pattern, (written) => take(written, id));
  return [...found];
}

function idWritten(word: string): string | null {
  return PLAIN_ID.test(word) && !OPEN_ID.test(word) && findSpdxId(word) === word ? word : null;
}

const HEADING_LENGTH_MAX = 200;
const LICENCE_HEADING = /licen[cs](?:e|ing)|copyright|legal/i;

/** The part of a README under its last heading about licences; null where it has none. */
export function licenceSection(readme: string): string | null {
  const lines = readme.split(/\r\n|\r|\n/);
  const headings = lines.flatMap((line, at) => (isHeading(line, lines[at + 1]) ? [at] : []));
  const from = headings.findLast((at) => LICENCE_HEADING.test(lines[at] ?? ""));
  if (from === undefined) return null;
  const to = headings.find((at) => at > from) ?? lines.length;
  const isUnderlined = !(lines[from] ?? "").startsWith("#");
  return lines
    .slice(from + (isUnderlined ? 2 : 1), to)
    .join("\n")
    .trim();
}

function isHeading(line: string, next: string | undefined): boolean {
  if (line.length > HEADING_LENGTH_MAX || line.trim() === "") return false;
  return (
    /^#{1,6}\s*[^#\s]/.test(line) ||
    (next !== undefined && next.length <= HEADING_LENGTH_MAX && /^(?:={3,}|-{3,})\s*$/.test(next))
  );
}
