// Values that a schema allows, a few of each case, those at the edges first: what counterexamples are made of. Owns where to
// look; whether a value is allowed is always asked of validity.ts.

import { canonicalJson, type Json } from "../base/json.ts";
import {
  type Case,
  type Cases,
  elementOf,
  holdsNumber,
  type ListCase,
  memberOf,
  type NumberCase,
  type ObjectCase,
  type TextCase,
} from "./cases.ts";
import { textsLike } from "./pattern-texts.ts";
import { keyOf, type Nodes } from "./schema-document.ts";
import { lengthOf, validity } from "./validity.ts";

/** Samples of one schema that are kept. Protects time. */
const SAMPLES_MAX = 12;

/** Levels down to which samples are made: schemas that need themselves have none. */
const LEVELS_MAX = 12;

/** The longest text or list made as a sample. Protects memory. */
const LENGTH_MAX = 200;

/** One of each format that asserts something, and some of everyday. */
const TEXTS = [
  ...[
    "",
    "a",
    "0",
    "A",
    "x y",
    "Zürich 7!",
    "ab",
    "abc",
    "1",
    "12",
    "123",
    "00000",
    "true",
    "\u{1f600}",
    "a-b",
    "a_b",
    "a.b",
    "a1",
  ],
  ...[
    "2024-02-29",
    "2000-01-01",
    "12:30:00Z",
    "00:00:00Z",
    "2024-02-29T12:30:00Z",
    "2024-02-29T12:30:00",
    "12:30:00",
    "P1D",
    "2000-01-01T00:00:00Z",
    "https://a.example/b?c#d",
  ],
  ...[
    "/a/b",
    "{x}",
    "http://example.com",
    "a@b.example",
    "c@d.example",
    "urn:x:y",
    "P2W",
    "example.com",
    "127.0.0.1",
    "::1",
    "[a-z]+",
    "#/a",
    "1/a",
    "YQ==",
  ],
  ...[
    "00000000-0000-0000-0000-000000000000",
    "a3bb189e-8bf9-3888-9912-ace4e6543002",
    "en",
    "EUR",
    "v1.2.3",
    "1.0.0",
    "abc-123",
    "ABC",
    "/",
    "[",
    "{",
    "%",
  ],
] as const;

export class Samples {
  readonly #cases: Cases;
  readonly #found = new Map<string, readonly Json[]>();
  #level = 0;

  constructor(cases: Cases) {
    this.#cases = cases;
  }

  /** Allowed for certain; none where none was found. Throws LimitMet, Malformed. */
  of(nodes: Nodes): readonly Json[] {
    const key = keyOf(nodes);
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    if (this.#level >= LEVELS_MAX) return [];
    this.#level++;
    try {
      const found = this.allowed(nodes, alternately(this.#cases.of(nodes).map((one) => this.ofCase(one))));
      if (this.#level === 1 || found.length > 0) this.#found.set(key, found);
      return found;
    } finally {
      this.#level--;
    }
  }

  /** Those that are allowed for certain, each once, SAMPLES_MAX at most. */
  allowed(nodes: Nodes, candidates: readonly Json[]): readonly Json[] {
    const found = new Map<string, Json>();
    for (const value of candidates) {
      if (found.size >= SAMPLES_MAX) break;
      const key = canonicalJson(value);
      if (!found.has(key) && validity(nodes, value, this.#cases.purse) === true) found.set(key, value);
    }
    return [...found.values()];
  }

  /** Perhaps allowed. */
  ofCase(one: Case): readonly Json[] {
    switch (one.kind) {
      case "constant":
        return [one.value];
      case "number":
        return numbersOf(one, []);
      case "string":
        return textsOf(one, []);
      case "array":
        return this.#lists(one);
      default:
        return [this.object(one, "least"), this.object(one, "most"), ...this.#objects(one)].filter((found) => found !== null);
    }
  }

  #lists(list: ListCase): readonly Json[] {
    const lengths = [list.min, list.min + 1, list.min + 2, Math.min(list.max, Math.max(list.prefix.length, list.min) + 1)];
    return lengths.map((length) => this.list(list, length, new Map())).filter((found) => found !== null);
  }

  /** A list of so many, with the given elements at their places; null where something is missing. */
  list(list: ListCase, length: number, given: ReadonlyMap<number, Json>): readonly Json[] | null {
    if (length > LENGTH_MAX || length > list.max) return null;
    const used = new Set<string>([...given.values()].map(canonicalJson));
    const made: Json[] = [];
    for (let at = 0; at < length; at++) {
      const choices = given.has(at) ? [given.get(at) ?? null] : this.of(elementOf(list, at));
      const choice = list.isUnique && !given.has(at) ? choices.find((one) => !used.has(canonicalJson(one))) : choices[0];
      if (choice === undefined) return null;
      used.add(canonicalJson(choice));
      made.push(choice);
    }
    return made;
  }

  /** With as few or as many members as it names; null where a required one is missing. */
  object(object: ObjectCase, size: "least" | "most"): { readonly [name: string]: Json } | null {
    const names = size === "least" ? object.required : new Set([...object.required, ...object.properties.keys()]);
    const made: Record<string, Json> = {};
    for (const name of names) {
      const [sample] = this.of(memberOf(object, name));
      if (sample === undefined && object.required.has(name)) return null;
      if (sample !== undefined) made[name] = sample;
    }
    return this.#filled(object, made);
  }

  /** With more members, where it must have more. */
  #filled(object: ObjectCase, made: Record<string, Json>): { readonly [name: string]: Json } | null {
    const missing = object.min - Object.keys(made).length;
    if (missing <= 0) return made;
    if (missing > LENGTH_MAX) return null;
    for (const name of [...object.properties.keys(), ...freshNames(object, missing)]) {
      if (Object.keys(made).length >= object.min) return made;
      const [sample] = made[name] === undefined ? this.of(memberOf(object, name)) : [];
      if (sample !== undefined) made[name] = sample;
    }
    return Object.keys(made).length >= object.min ? made : null;
  }

  /** Each required member in each of its ways. */
  #objects(object: ObjectCase): readonly Json[] {
    const least = this.object(object, "least");
    if (least === null) return [];
    return [...object.required].flatMap((name) => this.of(memberOf(object, name)).map((value) => ({ ...least, [name]: value })));
  }
}

/** Names that the object does not speak of. */
export function freshNames(object: ObjectCase, count: number, taken: ReadonlySet<string> = new Set()): readonly string[] {
  const names: string[] = [];
  for (let at = 0; names.length < count; at++) {
    const name = at === 0 ? "other" : `other${at}`;
    if (!object.properties.has(name) && !taken.has(name)) names.push(name);
  }
  return names;
}

/** One of each list in turn, so that no case is left without a sample. */
function alternately(lists: readonly (readonly Json[])[]): readonly Json[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list.slice(at, at + 1))).flat();
}

// ── Numbers and texts ────────────────────────────────────────────────────────────────────────────────────────────────

/** Around the bounds of the case and of others it is compared with. */
export function numbersOf(one: NumberCase, others: readonly NumberCase[]): readonly number[] {
  const bounds = [one, ...others].flatMap(({ min, max }) => [min.at, max.at]).filter(Number.isFinite);
  const edges = [...new Set([...bounds, 0])].toSorted((a, b) => a - b);
  const around = edges.flatMap((at) => [at, at - 1, at + 1, at - 0.5, at + 0.5]);
  const middles = edges.slice(1).map((at, before) => (at + (edges[before] ?? at)) / 2);
  const steps = [one.step, ...one.inexact]
    .filter((of) => of > 0)
    .flatMap((of) => [...around, ...middles].flatMap((at) => multiplesNear(at, of)));
  const wide = [7, -7, 1e6, -1e6, 0.25, 1_234_567.5];
  return [...steps, ...around, ...middles, ...middles.map(Math.round), ...wide].filter((at) => holdsNumber(one, at));
}

function multiplesNear(at: number, of: number): readonly number[] {
  const below = Math.floor(at / of) * of;
  return [below, below + of, below - of].map((value) => value + 0);
}

/** Of the lengths at the edges of the case and of others it is compared with. */
export function textsOf(one: TextCase, others: readonly TextCase[]): readonly string[] {
  const lengths = [one, ...others].flatMap(({ min, max }) => [min, max, min - 1, max + 1]);
  const fit = [...new Set(lengths)].filter((length) => length >= one.min && length <= one.max && length <= LENGTH_MAX);
  const padded = fit.flatMap((length) => ["x", "7", "~"].map((letter) => letter.repeat(length)));
  const known = TEXTS.filter((text) => lengthOf(text) >= one.min && lengthOf(text) <= one.max);
  const like = one.patterns.flatMap((pattern) => textsLike(pattern, fit));
  return one.patterns.length + one.formats.length > 0 ? [...like, ...known, ...padded] : [...padded, ...known];
}
