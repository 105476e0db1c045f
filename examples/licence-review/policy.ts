// What the project allows, denies and wants to be asked about: a JSON file, and its verdict on an expression.
//
//   allow, deny, ask   SPDX ids, `ID WITH EXCEPTION`, `category:NAME` (categories.json), LicenseRef-… or UNLICENSED
//   otherwise          the verdict on what no list names; default "ask"
//   declaredOnly       what becomes of a package that declares a licence and has no text of it; default "allow"
//   sureMin            texts recognised less surely than this are doubts; default 0.95
//   exceptions         [{ package: "name" or "name@version", licence?: expression, reason }]: settled by a person
//
// P1. The most exact entry counts: licence with exception, then licence, then category.
// P2. OR is as good as its best branch, AND as bad as its worst.
// P3. A wrong file is an error that names the file and the place in it.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readBounded } from "./bounded.ts";
import { findSpdxId } from "./declared.ts";
import { type Expression, type Licence, readExpression, writeExpression, writeLicence } from "./expression.ts";
import { POLICY_BYTES_MAX } from "./limits.ts";

export type Verdict = "allow" | "ask" | "deny";

export interface Policy {
  /** Entry → verdict; entries are ids as the list writes them, or `category:NAME`. */
  readonly verdicts: Readonly<Record<string, Verdict>>;
  readonly otherwise: Verdict;
  readonly declaredOnly: "allow" | "ask";
  readonly sureMin: number;
  readonly exceptions: readonly PolicyException[];
}

interface PolicyException {
  /** `name` or `name@version`. */
  readonly package: string;
  /** What a person concluded; the declared licence where left out. */
  readonly licence: string | null;
  readonly reason: string;
}

class PolicyError extends Error {
  constructor(file: string, at: string, what: string) {
    super(`The policy file ${file} is wrong${at === "" ? "" : ` at ${at}`}: ${what}.`);
    this.name = "PolicyError";
  }
}

type Place = (at: string, what: string) => PolicyError;
type Fields = Readonly<Record<string, unknown>>;

/** Throws PolicyError. `file` is what messages call it. */
export function readPolicy(text: string, file: string): Policy {
  const wrong: Place = (at, what) => new PolicyError(file, at, what);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw wrong("", `it is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  const fields = object(json, "", wrong, ["allow", "ask", "deny", "otherwise", "declaredOnly", "sureMin", "exceptions"]);
  return {
    verdicts: readVerdicts(fields, wrong),
    otherwise: oneOf(fields.otherwise ?? "ask", ["allow", "ask", "deny"], "/otherwise", wrong),
    declaredOnly: oneOf(fields.declaredOnly ?? "allow", ["allow", "ask"], "/declaredOnly", wrong),
    sureMin: part(fields.sureMin ?? 0.95, "/sureMin", wrong),
    exceptions: list(fields.exceptions ?? [], "/exceptions", wrong).map((entry, i) =>
      readPolicyException(entry, `/exceptions/${i}`, wrong),
    ),
  };
}

function object(value: unknown, at: string, wrong: Place, known: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(at, "an object is wanted");
  const unknown = Object.keys(value).find((key) => !known.includes(key) && key !== "about");
  if (unknown !== undefined) throw wrong(`${at}/${unknown}`, `there is no such field; known are ${known.join(", ")}`);
  return value as Fields;
}

function list(value: unknown, at: string, wrong: Place): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(at, "a list is wanted");
  return value;
}

function oneOf<const T extends string>(value: unknown, allowed: readonly T[], at: string, wrong: Place): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw wrong(at, `it must be one of ${allowed.join(", ")}`);
  return found;
}

function part(value: unknown, at: string, wrong: Place): number {
  if (typeof value !== "number" || !(value >= 0 && value <= 1)) throw wrong(at, "a number from 0 to 1 is wanted");
  return value;
}

function readVerdicts(fields: Fields, wrong: Place): Record<string, Verdict> {
  const verdicts: Record<string, Verdict> = {};
  for (const verdict of ["allow", "ask", "deny"] as const) {
    for (const [i, entry] of list(fields[verdict] ?? [], `/${verdict}`, wrong).entries()) {
      const at = `/${verdict}/${i}`;
      const id = readEntry(entry, at, wrong);
      const before = Object.hasOwn(verdicts, id) ? verdicts[id] : undefined;
      if (before !== undefined && before !== verdict) throw wrong(at, `${id} is also in ${before}`);
      verdicts[id] = verdict;
    }
  }
  return verdicts;
}

function readEntry(entry: unknown, at: string, wrong: Place): string {
  if (typeof entry !== "string") throw wrong(at, "an SPDX id or category:NAME is wanted");
  if (entry === UNLICENSED) return entry;
  if (entry.startsWith("category:")) {
    if (!categories().names.includes(entry.slice(9)))
      throw wrong(at, `there is no ${entry}; known are ${categories().names.join(", ")}`);
    return entry;
  }
  const read = readExpression(entry, findSpdxId);
  if (!read.ok) throw wrong(at, read.why);
  if (read.expression.kind !== "licence") throw wrong(at, "one licence is wanted, not an expression");
  return writeLicence(read.expression);
}

function readPolicyException(entry: unknown, at: string, wrong: Place): PolicyException {
  const fields = object(entry, at, wrong, ["package", "licence", "reason"]);
  const { package: name, licence, reason } = fields;
  if (typeof name !== "string" || !/^(?:@[^/@\s]+\/)?[^/@\s]+(?:@\S+)?$/.test(name))
    throw wrong(`${at}/package`, "name or name@version is wanted");
  if (typeof reason !== "string" || reason.trim() === "") throw wrong(`${at}/reason`, "a reason is wanted");
  if (licence === undefined) return { package: name, licence: null, reason: reason.trim() };
  const read =
    typeof licence === "string" ? readExpression(licence, findSpdxId) : { ok: false as const, why: "an expression is wanted" };
  if (!read.ok) throw wrong(`${at}/licence`, read.why);
  return { package: name, licence: writeExpression(read.expression), reason: reason.trim() };
}

/** What npm calls software that nobody may use. */
export const UNLICENSED = "UNLICENSED";

interface Categories {
  readonly names: readonly string[];
  readonly ofId: ReadonlyMap<string, string>;
  /** The longest first. */
  readonly prefixes: readonly (readonly [prefix: string, category: string])[];
}

let loaded: Categories | null = null;

function categories(): Categories {
  loaded ??= loadCategories();
  return loaded;
}

function loadCategories(): Categories {
  const file = JSON.parse(readFileSync(new URL("./categories.json", import.meta.url), "utf8")) as {
    categories: Record<string, string[]>;
  };
  const entries = Object.entries(file.categories).flatMap(([name, ids]) => ids.map((id): [string, string] => [id, name]));
  const prefixes = entries.filter(([id]) => id.endsWith("*")).map(([id, name]) => [id.slice(0, -1), name] as const);
  return {
    names: Object.keys(file.categories),
    ofId: new Map(entries.filter(([id]) => !id.endsWith("*"))),
    prefixes: prefixes.toSorted((a, b) => b[0].length - a[0].length),
  };
}

/** Null for a licence that categories.json does not place. */
export function categoryOf(id: string): string | null {
  const { ofId, prefixes } = categories();
  return ofId.get(id) ?? prefixes.find(([prefix]) => id.startsWith(prefix))?.[1] ?? null;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** The licence that decided, and the entry that named it; null where none did. */
  readonly licence: string;
  readonly entry: string | null;
}

const RANK: Readonly<Record<Verdict, number>> = { allow: 0, ask: 1, deny: 2 };

export function judgeExpression(policy: Policy, expression: Expression): Judgement {
  if (expression.kind === "licence") return judgeLicence(policy, expression);
  const left = judgeExpression(policy, expression.left);
  const right = judgeExpression(policy, expression.right);
  const leftIsBetter = RANK[left.verdict] <= RANK[right.verdict];
  return leftIsBetter === (expression.kind === "or") ? left : right;
}

function judgeLicence(policy: Policy, licence: Licence): Judgement {
  const whole = writeLicence(licence);
  const category = categoryOf(licence.id);
  const entries = [
    whole,
    writeLicence({ ...licence, exception: null }),
    licence.id,
    ...(category === null ? [] : [`category:${category}`]),
  ];
  return judgeEntries(policy, whole, entries);
}

/** The verdict on software whose manifest says that nobody may use it. */
export function judgeUnlicensed(policy: Policy): Judgement {
  return judgeEntries(policy, UNLICENSED, [UNLICENSED]);
}

function judgeEntries(policy: Policy, licence: string, entries: readonly string[]): Judgement {
  const entry = entries.find((one) => Object.hasOwn(policy.verdicts, one)) ?? null;
  return { verdict: (entry === null ? undefined : policy.verdicts[entry]) ?? policy.otherwise, licence, entry };
}

/**
 * Reads a policy file, the default one where none is named. Throws PolicyError. The hash tells in a report whether two
 * reviews had the same policy.
 */
export async function loadPolicy(file: string | undefined): Promise<{ policy: Policy; info: { name: string; sha256: string } }> {
  const called = file ?? "examples/licence-review/policy.json";
  const read = await readBounded(file ?? fileURLToPath(new URL("./policy.json", import.meta.url)), POLICY_BYTES_MAX);
  if (read.kind === "failed") throw new PolicyError(called, "", `it cannot be read (${read.code})`);
  if (read.truncated) throw new PolicyError(called, "", `it has more than ${POLICY_BYTES_MAX} bytes`);
  const text = read.bytes.toString("utf8");
  const name = file === undefined ? "the default policy" : path.basename(file);
  return { policy: readPolicy(text, called), info: { name, sha256: createHash("sha256").update(text).digest("hex") } };
}

export function policyExceptionFor(policy: Policy, name: string, version: string): PolicyException | null {
  return (
    policy.exceptions.find((one) => one.package === `${name}@${version}`) ??
    policy.exceptions.find((one) => one.package === name) ??
    null
  );
}
