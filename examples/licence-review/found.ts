// What the licence files of one package say together: matches of several files, notices and exceptions made into the
// licences that were found.

import { REPLACED } from "./corpus.ts";
import type { Evidence, Role } from "./evidence.ts";
import type { Licence } from "./expression.ts";
import type { Match } from "./identify.ts";

export interface FoundLicence {
  /** An SPDX id, or what the ids of `ids` share (`GPL-2.0`). */
  readonly label: string;
  /** What it may be; more than one where the text does not say. The deprecated ids last. */
  readonly ids: readonly string[];
  /** What it is: said by the text, or by a notice beside it; null where that is open (`-only` or `-or-later`). */
  readonly settled: string | null;
  readonly exception: string | null;
  readonly kind: "text" | "notice";
  readonly file: string;
  readonly sure: number;
  readonly agreement: number;
  readonly changes: readonly string[];
  readonly rivals: readonly string[];
  readonly alsoFits: readonly string[];
}

/** In the order of files and texts. */
export function foundIn(evidence: readonly Evidence[], role: Role): FoundLicence[] {
  const all = evidence
    .filter((one) => one.role === role)
    .flatMap(({ file, matches }) => matches.map((match) => ({ file, match })));
  const texts = surest(all.filter(({ match }) => match.group.kind === "licence"));
  const notices = surest(all.filter(({ match }) => match.group.kind === "notice"));
  const exceptions = all.filter(({ match }) => match.group.kind === "exception").map(({ match }) => match.group.label);
  const alone = notices.filter(({ match }) => !texts.some((text) => isOneFamily(text.match, match)));
  const found = [
    ...texts.map(({ file, match }) => withNotices(foundLicence(file, match, "text"), notices)),
    ...alone.map(({ file, match }) => foundLicence(file, match, "notice")),
  ];
  return attachExceptions(withoutIncluded(found), exceptions);
}

interface Placed {
  readonly file: string;
  readonly match: Match;
}

function surest(all: readonly Placed[]): Placed[] {
  const byLabel = new Map<string, Placed>();
  for (const placed of all) {
    const known = byLabel.get(placed.match.group.label);
    if (known === undefined || placed.match.sure > known.match.sure) byLabel.set(placed.match.group.label, placed);
  }
  return [...byLabel.values()];
}

function foundLicence(
  file: string,
  { group, sure, agreement, changes, rivals, alsoFits }: Match,
  kind: "text" | "notice",
): FoundLicence {
  const settled = group.ids.length === 1 || !REPLACED.has(group.label) ? group.label : null;
  return { label: group.label, ids: group.ids, settled, exception: null, kind, file, sure, agreement, changes, rivals, alsoFits };
}

function isOneFamily(text: Match, notice: Match): boolean {
  return text.group.ids.includes(notice.group.label);
}

/** The notice says which of the licences with this text is meant. */
function withNotices(found: FoundLicence, notices: readonly Placed[]): FoundLicence {
  const said = notices.filter(({ match }) => found.ids.includes(match.group.label)).map(({ match }) => match.group.label);
  return found.settled === null && said.length === 1 ? { ...found, settled: said[0] ?? null } : found;
}

/** LGPL 3 is written as an addition to GPL 3 and comes with its text. */
function withoutIncluded(found: readonly FoundLicence[]): FoundLicence[] {
  const hasLgpl3 = found.some(({ label }) => label === "LGPL-3.0" || label.startsWith("LGPL-3.0-"));
  return found.filter(({ label }) => !(hasLgpl3 && label === "GPL-3.0"));
}

/** An exception belongs to the GNU licence beside it, else to the only licence there is. */
function attachExceptions(found: readonly FoundLicence[], exceptions: readonly string[]): FoundLicence[] {
  const exception = exceptions[0];
  if (exception === undefined) return [...found];
  const at = Math.max(
    found.findIndex(({ label }) => /^(?:A|L)?GPL-/.test(label)),
    found.length === 1 ? 0 : -1,
  );
  return found.map((one, i) => (i === at ? { ...one, exception } : one));
}

/** Says whether a licence of a declared expression is what was found. */
export function isCovered(found: FoundLicence, declared: Licence): boolean {
  const names = namesOf(declared);
  const candidates = new Set([...found.ids, ...familyOf(found.label), ...found.alsoFits]);
  return names.some((name) => candidates.has(name) || found.alsoFits.includes(name.replace(/-(?:only|or-later)$/, "")));
}

/** A declared id, and what it is called today. */
function namesOf({ id, plus }: Licence): string[] {
  const today = REPLACED.get(id)?.replace(/ WITH .*$/, "");
  return [id, ...(today === undefined ? [] : [today]), ...(plus ? [`${id}-or-later`] : [])];
}

/** A notice for `-or-later` beside a manifest that says `-only` is no other licence: the text is the same. */
function familyOf(label: string): string[] {
  const base = /^((?:A|L)?GPL-\d\.\d)-(?:only|or-later)$/.exec(label)?.[1];
  return base === undefined ? [] : [base, `${base}+`, `${base}-only`, `${base}-or-later`];
}
