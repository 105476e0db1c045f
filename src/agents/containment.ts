// Whether every value that one JSON Schema allows is allowed by another. Owns the comparing of cases (cases.ts) and the proof
// of each no; leaves what a schema means for one value to validity.ts.
//
// 1. Yes is said only where it follows from the cases, and no only with a value at hand that is valid by one schema and
//    invalid by the other: neither is ever guessed, all else is unknown. Meaning is that of the validators this project runs;
//    only their rounding of `multipleOf` beyond 2^53 is not followed: there, arithmetic counts.
// 2. Recursive schemas are compared as well: a pair met within itself is taken for contained. Values are finite, and one is
//    only met again a level deeper, so whatever value refuted it would be refuted at its lowest level already.
// 3. Whatever is given, it never throws, and ends within the limits of schema-document.ts; an answer that would need more is
//    unknown, and names the limit.
//
// Approach: Habib, Shinnar, Hirzel, Pradel, "Finding data compatibility bugs with JSON subschema checks", ISSTA 2021
// (normal form, then type by type); Amadio, Cardelli, "Subtyping recursive types", TOPLAS 1993 (2).

import { canonicalJson, type Json } from "../base/json.ts";
import { unreachable } from "../base/never.ts";
import type { JsonSchema } from "../workflow.ts";
import {
  type Bound,
  type Case,
  Cases,
  elementOf,
  kindOfCase,
  type ListCase,
  memberOf,
  type NumberCase,
  type ObjectCase,
  type TextCase,
} from "./cases.ts";
import { freshNames, numbersOf, Samples, textsOf } from "./samples.ts";
import {
  documentOf,
  keyOf,
  LimitMet,
  Malformed,
  type Node,
  type Nodes,
  nodeOf,
  textOf,
  unreadable,
  withNode,
} from "./schema-document.ts";
import { validity } from "./validity.ts";

/** `where`: a JSON Pointer into the values, `*` for any member; `why`: what is said of the value there, for people. */
export type Containment =
  | { readonly kind: "yes" }
  | { readonly kind: "no"; readonly counterexample?: Json; readonly where: string; readonly why: string }
  | { readonly kind: "unknown"; readonly where: string; readonly why: string };

/** Whether every value that is valid by `a` is valid by `b`. */
export function containment(a: JsonSchema | boolean, b: JsonSchema | boolean): Containment {
  for (const [name, schema] of [["first", a] as const, ["second", b] as const]) {
    const why = unreadable(schema);
    if (why !== null) return { kind: "unknown", where: "", why: `the ${name} schema cannot be read: ${why}` };
  }
  try {
    return new Comparison().answer(a, b);
  } catch (error) {
    if (error instanceof Malformed) return { kind: "unknown", where: "", why: error.message };
    throw error;
  }
}

type Found =
  | { readonly kind: "yes" }
  | { readonly kind: "no"; readonly values: readonly Json[]; readonly where: string; readonly why: string }
  | { readonly kind: "unknown"; readonly where: string; readonly why: string };

const YES: Found = { kind: "yes" };

/** One constraint of a case that another does not keep to, as far as is known. */
interface Failure {
  readonly where: string;
  readonly why: string;
  /** Whole values that may show it. */
  readonly tries: readonly Json[];
  /** Members that may show it: of objects by name, undefined where it is to be missing; of lists by place. */
  readonly members?: ReadonlyMap<string | number, Json | undefined>;
}

/** Counterexamples that are kept of one place. */
const VALUES_MAX = 3;

/** Constants that a case is split into at most. */
const PARTS_MAX = 32;

class Comparison {
  readonly #cases = new Cases();
  readonly #samples = new Samples(this.#cases);
  readonly #found = new Map<string, Found>();
  readonly #underWay = new Set<string>();
  /** Pairs that were found contained, in order: what rests on a pair that is not is taken back. */
  readonly #contained: string[] = [];
  readonly #own = documentOf(true, 2);
  readonly #ownNodes = new Map<string, Node>();

  answer(a: JsonSchema | boolean, b: JsonSchema | boolean): Containment {
    const [one, other] = [documentOf(a, 0), documentOf(b, 1)].map((document) =>
      withNode([], nodeOf(document, document.root, "")),
    );
    if (one === undefined || other === undefined) return YES;
    const found = this.#compareBounded(one, other);
    if (found.kind === "unknown" && canonicalJson(a) === canonicalJson(b)) return YES;
    if (found.kind !== "no") return found;
    const { where, why, values } = found;
    return { kind: "no", where, why, ...(values[0] === undefined ? {} : { counterexample: values[0] }) };
  }

  #compareBounded(as: Nodes, bs: Nodes): Found {
    try {
      return this.#compare(as, bs);
    } catch (error) {
      if (error instanceof LimitMet) return { kind: "unknown", where: "", why: error.message };
      throw error;
    }
  }

  #compare(as: Nodes, bs: Nodes): Found {
    if (bs.every((b) => as.some((a) => a.id === b.id))) return YES;
    const key = `${keyOf(as)} in ${keyOf(bs)}`;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    if (this.#underWay.has(key)) return YES; // (2)
    this.#underWay.add(key);
    const since = this.#contained.length;
    const found = this.#cases.purse.within(() => this.#compared(as, bs));
    this.#underWay.delete(key);
    if (found.kind === "yes") this.#contained.push(key);
    else for (const taken of this.#contained.splice(since)) this.#found.delete(taken);
    this.#found.set(key, found);
    return found;
  }

  #compared(as: Nodes, bs: Nodes): Found {
    const texts = new Set(as.map(textOf));
    if (bs.every((b) => texts.has(textOf(b)))) return YES;
    let found: Found = YES;
    for (const one of this.#cases.of(as)) {
      const next = this.#covered(one, as, bs);
      if (next.kind === "no") return next;
      if (next.kind === "unknown" && found.kind === "yes") found = next;
    }
    return found;
  }

  /** Whether the values of `as` that are in the case are in `bs`. */
  #covered(one: Case, as: Nodes, bs: Nodes): Found {
    this.#cases.purse.spend();
    if (one.kind === "constant") return this.#constant(one.value, as, bs);
    const rivals = this.#cases.of(bs).filter((other) => other.kind === one.kind);
    const failures: (readonly Failure[])[] = [];
    for (const rival of rivals) {
      const found = this.#failures(one, rival);
      if (found.length === 0) return YES;
      failures.push(found);
    }
    const values = this.#refuting(as, bs, this.#candidates(one, rivals, failures));
    if (values.length > 0) return { kind: "no", values, ...reasonOf(one, failures, values) };
    return this.#coveredInParts(one, as, bs, rivals) ?? { kind: "unknown", ...doubtOf(one, failures) };
  }

  #constant(value: Json, as: Nodes, bs: Nodes): Found {
    const { purse } = this.#cases;
    const isAllowed = validity(bs, value, purse);
    if (isAllowed === true) return YES;
    const why = `may be ${shown(value)}, which is not allowed`;
    if (isAllowed === false && validity(as, value, purse) === true) return { kind: "no", values: [value], where: "", why };
    return { kind: "unknown", where: "", why: `it is not known whether ${shown(value)} is possible, and allowed` };
  }

  /** The first few that prove a no (1). */
  #refuting(as: Nodes, bs: Nodes, candidates: Iterable<Json>): readonly Json[] {
    const { purse } = this.#cases;
    const found: Json[] = [];
    for (const value of candidates) {
      if (validity(as, value, purse) === true && validity(bs, value, purse) === false) found.push(value);
      if (found.length >= VALUES_MAX) break;
    }
    return found;
  }

  *#candidates(one: Case, rivals: readonly Case[], failures: readonly (readonly Failure[])[]): Iterable<Json> {
    const all = failures.flat();
    const firsts = failures.flatMap((some) => some.find(({ members }) => members !== undefined)?.members ?? []);
    for (const members of [...all.flatMap((failure) => failure.members ?? []), new Map(firsts.flatMap((some) => [...some]))])
      yield* this.#changed(one, members);
    if (one.kind === "array") yield* this.#lined(one, all);
    for (const { tries } of all) yield* tries;
    if (one.kind === "number") yield* numbersOf(one, rivals as readonly NumberCase[]);
    if (one.kind === "string") yield* textsOf(one, rivals as readonly TextCase[]);
    yield* this.#samples.ofCase(one);
  }

  *#changed(one: Case, members: ReadonlyMap<string | number, Json | undefined>): Iterable<Json> {
    if (one.kind === "object")
      for (const size of ["least", "most"] as const) {
        const base = this.#samples.object(one, size);
        if (base !== null) yield changedObject(base, members);
      }
    if (one.kind !== "array") return;
    const given = new Map(
      [...members].filter((entry): entry is [number, Json] => typeof entry[0] === "number" && entry[1] !== undefined),
    );
    const length = Math.max(one.min, ...[...given.keys()].map((at) => at + 1));
    const list = this.#samples.list(one, length, given);
    if (list !== null) yield list;
  }

  /** All that may show something, one after the other. */
  *#lined(one: ListCase, failures: readonly Failure[]): Iterable<Json> {
    const elements = failures.flatMap(({ members }) => [...(members?.values() ?? [])]).filter((value) => value !== undefined);
    const given = new Map(elements.map((value, at) => [one.prefix.length + at, value]));
    const list = this.#samples.list(one, Math.max(one.min, one.prefix.length + elements.length), given);
    if (list !== null) yield list;
  }

  // ── One case within another ────────────────────────────────────────────────────────────────────────────────────────

  /** None: every value of the one is in the other. */
  #failures(one: Case, other: Case): readonly Failure[] {
    switch (one.kind) {
      case "constant":
        return [];
      case "number":
        return other.kind === "number" ? [...numberFailures(one, other), ...hiddenFailures(one, other)] : [];
      case "string":
        return other.kind === "string" ? [...textFailures(one, other), ...hiddenFailures(one, other)] : [];
      case "array":
        return other.kind === "array" ? [...this.#listFailures(one, other), ...hiddenFailures(one, other)] : [];
      case "object":
        return other.kind === "object" ? [...this.#objectFailures(one, other), ...hiddenFailures(one, other)] : [];
      default:
        return unreachable(one);
    }
  }

  #listFailures(one: ListCase, other: ListCase): readonly Failure[] {
    const lists = (...lengths: number[]): readonly Json[] =>
      lengths.flatMap((length) => {
        const list = length < one.min ? null : this.#samples.list(one, length, new Map());
        return list === null ? [] : [list];
      });
    const failures: Failure[] = [];
    if (one.min < other.min)
      failures.push(failure(`may have less than ${count(other.min, "item")}`, lists(one.min, other.min - 1)));
    if (one.max > other.max)
      failures.push(failure(`may have more than ${count(other.max, "item")}`, lists(other.max + 1, one.min)));
    if (other.isUnique && !one.isUnique && one.max > 1) failures.push(failure("may hold an item twice", this.#twice(one)));
    const named = Math.min(Math.max(one.prefix.length, other.prefix.length), one.max);
    for (let at = 0; at < named; at++)
      failures.push(...this.#memberFailures(at, String(at), elementOf(one, at), elementOf(other, at)));
    if (one.max > named) failures.push(...this.#memberFailures(named, "*", one.rest, other.rest));
    return failures;
  }

  #twice(one: ListCase): readonly Json[] {
    const places = [...new Set([0, one.prefix.length])].filter((at) => at + 2 <= one.max);
    return places.flatMap((at) => {
      const [value] = this.#samples.of(withNode(elementOf(one, at), ...elementOf(one, at + 1)));
      const given = value === undefined ? null : new Map([at, at + 1].map((place) => [place, value]));
      const list = given === null ? null : this.#samples.list(one, Math.max(one.min, at + 2), given);
      return list === null ? [] : [list];
    });
  }

  #objectFailures(one: ObjectCase, other: ObjectCase): readonly Failure[] {
    const failures: Failure[] = [];
    for (const name of other.required)
      if (!one.required.has(name))
        failures.push({ ...failure("may be missing", []), where: pointer(name), members: new Map([[name, undefined]]) });
    const objects = (min: number): readonly Json[] =>
      [this.#samples.object({ ...one, min }, "least")].filter((made) => made !== null);
    if (one.min < other.min) failures.push(failure(`may have less than ${count(other.min, "property")}`, objects(one.min)));
    if (one.max > other.max) failures.push(failure(`may have more than ${count(other.max, "property")}`, objects(other.max + 1)));
    const isFull = one.required.size >= one.max;
    const names = isFull ? one.required : new Set([...one.properties.keys(), ...other.properties.keys()]);
    for (const name of names) failures.push(...this.#memberFailures(name, name, memberOf(one, name), memberOf(other, name)));
    if (isFull) return failures;
    const [fresh = ""] = freshNames(one, 1, names);
    return [...failures, ...this.#memberFailures(fresh, "*", one.rest, other.rest)];
  }

  #memberFailures(at: string | number, name: string, as: Nodes, bs: Nodes): readonly Failure[] {
    const found = this.#compare(as, bs);
    if (found.kind === "yes") return [];
    const failed = { where: pointer(name) + found.where, why: found.why, tries: [] };
    return found.kind === "unknown" ? [failed] : found.values.map((value) => ({ ...failed, members: new Map([[at, value]]) }));
  }

  // ── A case in parts ────────────────────────────────────────────────────────────────────────────────────────────────

  /** The case is in none of the others: perhaps each of its parts is in one. Null: there are no parts to look at. */
  #coveredInParts(one: Case, as: Nodes, bs: Nodes, rivals: readonly Case[]): Found | null {
    const parts = this.#parts(one, as, rivals);
    if (parts === null) return null;
    let doubt: Found | null = null;
    for (const part of parts) {
      const found = this.#compare(part, bs);
      if (found.kind === "no") return found;
      if (found.kind === "unknown") doubt ??= found;
    }
    return doubt ?? YES;
  }

  /** Nodes that hold the case among them, each less than all of it. */
  #parts(one: Case, as: Nodes, rivals: readonly Case[]): readonly Nodes[] | null {
    for (const schemas of this.#cuts(one, rivals)) {
      const kind = this.#node({ type: one.kind });
      const parts = schemas.map((schema) => withNode(as, kind, this.#node(schema)));
      if (parts.every((part) => part.length > withNode(as, kind).length)) return parts;
    }
    return null;
  }

  *#cuts(one: Case, rivals: readonly Case[]): Iterable<readonly JsonSchema[]> {
    if (one.kind === "number" && isShort(one)) yield [{ enum: multiplesOf(one) }];
    if (rivals.length < 2) return;
    if (one.kind === "number") yield* numberCuts(one, rivals);
    if (one.kind === "string") yield* lengthCuts(one, rivals, "minLength", "maxLength");
    if (one.kind === "array") yield* lengthCuts(one, rivals, "minItems", "maxItems");
    if (one.kind === "array" && one.min > 0)
      for (const ways of this.#ways(elementOf(one, 0))) yield ways.map((way) => ({ prefixItems: [way] }));
    if (one.kind === "object") yield* this.#objectCuts(one, rivals as readonly ObjectCase[]);
  }

  *#objectCuts(one: ObjectCase, rivals: readonly ObjectCase[]): Iterable<readonly JsonSchema[]> {
    const names = new Set(rivals.flatMap((rival) => [...rival.required, ...rival.properties.keys()]));
    for (const name of names)
      if (one.required.has(name))
        for (const ways of this.#ways(memberOf(one, name))) yield ways.map((way) => ({ properties: { [name]: way } }));
    for (const name of names)
      if (!one.required.has(name) && !this.#cases.isEmpty(memberOf(one, name)))
        yield [{ required: [name] }, { properties: { [name]: false } }];
  }

  /** What a member may be: its constants one by one, all else by its kind. */
  *#ways(nodes: Nodes): Iterable<readonly JsonSchema[]> {
    const cases = this.#cases.of(nodes);
    const ways = cases.map((one): JsonSchema => (one.kind === "constant" ? { const: one.value } : { type: one.kind }));
    const distinct = [...new Map(ways.map((way) => [JSON.stringify(way), way])).values()];
    if (distinct.length > 1 && distinct.length <= PARTS_MAX) yield distinct;
  }

  #node(schema: JsonSchema): Node {
    const text = JSON.stringify(schema);
    const node = this.#ownNodes.get(text) ?? nodeOf(this.#own, schema, "");
    this.#ownNodes.set(text, node);
    return node;
  }
}

// ── Numbers and texts ────────────────────────────────────────────────────────────────────────────────────────────────

function failure(why: string, tries: readonly Json[]): Failure {
  return { where: "", why, tries };
}

function numberFailures(one: NumberCase, other: NumberCase): readonly Failure[] {
  const failures: Failure[] = [];
  if (!isWithin(one.min, other.min, 1))
    failures.push(failure(`may be ${other.min.isOpen ? "as low as" : "lower than"} ${other.min.at}`, []));
  if (!isWithin(one.max, other.max, -1))
    failures.push(failure(`may be ${other.max.isOpen ? "as high as" : "higher than"} ${other.max.at}`, []));
  if (other.step > 0 && (one.step === 0 || !Number.isInteger(one.step / other.step)))
    failures.push(failure(other.step === 1 ? "may be no integer" : `may be no multiple of ${other.step}`, []));
  for (const of of other.inexact)
    if (!one.inexact.some((mine) => isDoubled(of, mine))) failures.push(failure(`may be no multiple of ${of}`, []));
  return failures;
}

/** `sign` 1 for lower bounds, -1 for upper ones. */
function isWithin(one: Bound, other: Bound, sign: 1 | -1): boolean {
  const ahead = (one.at - other.at) * sign;
  return one.at === other.at ? one.isOpen || !other.isOpen : ahead > 0;
}

/** Whether so many doublings of the one are the other: all else would be rounded. */
function isDoubled(one: number, other: number): boolean {
  return other >= one && one * 2 ** Math.round(Math.log2(other / one)) === other;
}

function textFailures(one: TextCase, other: TextCase): readonly Failure[] {
  const failures: Failure[] = [];
  if (one.min < other.min) failures.push(failure(`may be shorter than ${count(other.min, "character")}`, []));
  if (one.max > other.max) failures.push(failure(`may be longer than ${count(other.max, "character")}`, []));
  for (const pattern of other.patterns)
    if (!one.patterns.includes(pattern)) failures.push(failure(`may not match the pattern ${shown(pattern)}`, []));
  for (const format of other.formats)
    if (!one.formats.includes(format)) failures.push(failure(`may not have the format ${shown(format)}`, []));
  return failures;
}

type Bounded = Exclude<Case, { kind: "constant" }>;

function hiddenFailures(one: Bounded, other: Bounded): readonly Failure[] {
  const known = new Set(one.hidden.map(({ key }) => key));
  const missing = other.hidden.filter(({ key }) => !known.has(key));
  return missing.map(({ keyword }) => failure(`\`${keyword}\` asks for something that is not compared`, []));
}

/** Few enough to be looked at one by one, and exactly known. */
function isShort({ min, max, step }: NumberCase): boolean {
  if (step === 0 || min.isOpen || max.isOpen || max.at - min.at >= PARTS_MAX * step) return false;
  return [min.at / step, max.at / step].every(Number.isSafeInteger);
}

function multiplesOf({ min, max, step }: NumberCase): readonly number[] {
  return Array.from({ length: (max.at - min.at) / step + 1 }, (_, at) => min.at + at * step);
}

/** At each bound of the others that lies within. */
function* numberCuts(one: NumberCase, rivals: readonly Case[]): Iterable<readonly JsonSchema[]> {
  for (const { min, max } of rivals as readonly NumberCase[]) {
    if (Number.isFinite(max.at) && !isWithin(one.max, max, -1))
      yield max.isOpen
        ? [{ exclusiveMaximum: max.at }, { minimum: max.at }]
        : [{ maximum: max.at }, { exclusiveMinimum: max.at }];
    if (Number.isFinite(min.at) && !isWithin(one.min, min, 1))
      yield min.isOpen
        ? [{ maximum: min.at }, { exclusiveMinimum: min.at }]
        : [{ exclusiveMaximum: min.at }, { minimum: min.at }];
  }
}

function* lengthCuts(
  one: TextCase | ListCase,
  rivals: readonly Case[],
  least: string,
  most: string,
): Iterable<readonly JsonSchema[]> {
  for (const { min, max } of rivals as readonly (TextCase | ListCase)[]) {
    if (max < one.max) yield [{ [most]: max }, { [least]: max + 1 }];
    if (min > one.min) yield [{ [most]: min - 1 }, { [least]: min }];
  }
}

function changedObject(
  base: { readonly [name: string]: Json },
  members: ReadonlyMap<string | number, Json | undefined>,
): { readonly [name: string]: Json } {
  const kept = Object.entries({ ...base, ...Object.fromEntries(members) }).filter((entry) => entry[1] !== undefined);
  return Object.fromEntries(kept) as { readonly [name: string]: Json };
}

// ── In words ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Reason {
  readonly where: string;
  readonly why: string;
}

function reasonOf(one: Case, failures: readonly (readonly Failure[])[], values: readonly Json[]): Reason {
  const [first, ...more] = failures;
  if (first === undefined) return { where: "", why: `may be of type ${kindOfCase(one)}, which is not allowed` };
  const [certain] = first.filter(({ members }) => members !== undefined);
  if (more.length > 0) return { where: "", why: `may be ${shown(values[0] ?? null)}, which no alternative allows` };
  const { where, why } = certain ?? first[0] ?? { where: "", why: "" };
  return { where, why };
}

function doubtOf(one: Case, failures: readonly (readonly Failure[])[]): Reason {
  const [first, ...more] = failures;
  if (first === undefined) return { where: "", why: `may be of type ${kindOfCase(one)}, if that is possible at all` };
  if (more.length > 0) return { where: "", why: `it is not known whether the ${failures.length} alternatives cover it` };
  const { where, why } = first.find(({ members }) => members === undefined) ?? first[0] ?? { where: "", why: "" };
  return { where, why };
}

function count(number: number, thing: string): string {
  return `${number} ${number === 1 ? thing : thing === "property" ? "properties" : `${thing}s`}`;
}

function pointer(part: string): string {
  return `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

const SHOWN_MAX = 80;

function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
