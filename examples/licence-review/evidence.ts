// What the files of a package say about its licence: which files are read, what part they play, what they hold.

import type { Declared } from "./declared.ts";
import type { PackageFiles } from "./files.ts";
import { type Identity, identify, type Match } from "./identify.ts";
import { FILES_PER_PACKAGE_MAX, LICENCE_FILE_BYTES_MAX, README_BYTES_MAX } from "./limits.ts";
import { licenceSection, licencesNamed } from "./mentions.ts";
import { byText } from "./order.ts";

/**
 * `licence`: the package's own licence. `part`: the licence of a part (LICENSE.docs, third-party notices). `readme`: the
 * section on licences of a README, looked at where no licence file says anything.
 */
export type Role = "licence" | "part" | "readme";

export interface Evidence {
  readonly file: string;
  readonly role: Role;
  readonly matches: readonly Match[];
  /** Ids of licences that are named and not given; only where nothing matches. */
  readonly named: readonly string[];
  readonly words: number;
  readonly unexplained: number;
  readonly terms: readonly string[];
  readonly choice: boolean;
  /** What was wrong with the file; it follows the file's name in a sentence. */
  readonly remark: string | null;
}

const OWN = /^(?:licen[cs]e|copying|unlicen[cs]e|copyright|(?:mit|bsd|apache|isc|gpl|lgpl|mpl|zlib|cc0|ofl)[-_.]licen[cs]e|ofl)/i;
const PART = /third.?party|3rd.?party|notice|bundled|vendor|credits|acknowledge?ments?|attribution|dependenc|patents/i;
const NOT_TEXT = /\.(?:[cm]?[jt]sx?|json|map|css|png|svg|gif|jpe?g|pdf|ya?ml|sh|spdx|wasm|node)$/i;

/** What may follow LICENSE in the name of a package's own licence: a licence, a number, a way to write texts, a language. */
const OWN_ENDING =
  /^(?:txt|md|mkd|markdown|rst|html?|text|adoc|asc|en|us|mit|x11|expat|isc|[lag]*gpl|bsd|apache|asl|al|mpl|cc0?|by|sa|zlib|unlicense|ofl|wtfpl|blueoak|0bsd|clause|lesser|only|or|later|license|licence|v|)[\d.]*$/i;

/** Null for a file that is not about licences. */
export function roleOf(name: string): Role | null {
  const [base = name, folder] = name.split("/").toReversed();
  if (NOT_TEXT.test(base)) return null;
  if (/^readme(?:\.(?:md|markdown|txt|rst))?$/i.test(base) && folder === undefined) return "readme";
  if (PART.test(base)) return OWN.test(base) || /notice|third|3rd|attribution|credits/i.test(base) ? "part" : null;
  if (folder !== undefined) return "licence"; // LICENSES/MIT.txt, as REUSE has it
  if (!OWN.test(base)) return null;
  const endings = base
    .replace(OWN, "")
    .split(/[-_.\s]+/)
    .filter((ending) => ending !== "");
  return endings.every((ending) => OWN_ENDING.test(ending)) ? "licence" : "part";
}

const RANK: Readonly<Record<Role, number>> = { licence: 0, part: 1, readme: 2 };

export async function gatherEvidence(files: PackageFiles, declared: Declared): Promise<Evidence[]> {
  const evidence: Evidence[] = [];
  for (const { name, role } of chosenFiles(files.names, declared)) {
    if (role === "readme" && evidence.some(saysSomething)) continue;
    const bytesMax = role === "readme" ? README_BYTES_MAX : LICENCE_FILE_BYTES_MAX;
    const one = readEvidence(name, role, await files.read(name, bytesMax));
    if (one !== null) evidence.push(one);
  }
  return evidence;
}

function chosenFiles(names: readonly string[], declared: Declared): { name: string; role: Role }[] {
  const chosen = new Map<string, Role>();
  for (const name of names) {
    const role = roleOf(name);
    if (role !== null) chosen.set(name, role);
  }
  if (declared.kind === "file") chosen.set(declared.file.replace(/^\.\//, ""), "licence");
  const sorted = [...chosen]
    .map(([name, role]) => ({ name, role }))
    .toSorted((a, b) => RANK[a.role] - RANK[b.role] || byText(a.name, b.name));
  return sorted.slice(0, FILES_PER_PACKAGE_MAX);
}

function saysSomething({ role, matches }: Evidence): boolean {
  return role === "licence" && matches.length > 0;
}

const SILENT = { matches: [], named: [], words: 0, unexplained: 0, terms: [], choice: false } as const;

function readEvidence(file: string, role: Role, read: Awaited<ReturnType<PackageFiles["read"]>>): Evidence | null {
  if (read.kind === "none") return role === "readme" ? null : { file, role, ...SILENT, remark: read.why };
  const text = role === "readme" ? licenceSection(read.text) : read.text;
  if (text === null) return null;
  const identity = identify(text);
  const named = identity.matches.length === 0 && identity.words <= NAMING_WORDS_MAX ? licencesNamed(text) : [];
  if (role === "readme" && identity.matches.length + named.length === 0) return null;
  const remark = read.truncated ? "is long, and only its beginning was read" : null;
  return { file, role, ...evidenceOf(identity), named, remark };
}

/** A text longer than this that is no licence known is something of its own, whatever licences it names. */
const NAMING_WORDS_MAX = 400;

function evidenceOf({
  matches,
  words,
  unexplained,
  terms,
  choice,
}: Identity): Omit<Evidence, "file" | "role" | "named" | "remark"> {
  return { matches, words, unexplained, terms, choice };
}
