// How much work it is to check a value by a schema, before any of it is done. Owns an upper bound, counted in schemas looked
// at: a few lines of references may mean 2^n of them, and a schema that needs itself may mean 2^n for a value n levels deep.
//
// 1. A value of v members, d levels deep, is looked at `visits` · v · `ways`^d times at most, each list of n items with v
//    members n · v times more where items must differ.

import type { Json } from "../base/json.ts";
import type { JsonSchema } from "../workflow.ts";
import { patternSize } from "./pattern-texts.ts";
import { type Document, documentOf, isMembers, Malformed, nodeOf, target } from "./schema-document.ts";

/** Instructions that all patterns of one schema become. Protects time: a few letters may mean thousands. */
export const PATTERN_SIZE_MAX = 50_000;

/** Schemas that one schema may mean with its references followed. Protects time, also that of compiling. */
export const VISITS_MAX = 20_000;

export interface Labour {
  /** Schemas looked at for one value at most, where none needs itself. */
  readonly visits: number;
  /** How many times one member is looked at where its object is looked at once; 1 for lists and trees as they are usual. */
  readonly ways: number;
  /** Whether it asks for lists whose items differ: each is compared with each. */
  readonly comparesItems: boolean;
  /** Of the largest pattern. */
  readonly patternSize: number;
}

/** Of a schema that is not `unreadable`; or why it cannot be said. */
export function labourOf(written: JsonSchema | boolean): Labour | string {
  try {
    const walk: Walk = {
      document: documentOf(written, 0),
      open: [],
      seen: new Set(),
      returns: [],
      visits: 0,
      comparesItems: false,
      patternSizes: [],
    };
    visit(written, [], walk);
    const { visits, comparesItems } = walk;
    const patternSize = sizeOfPatterns(walk.patternSizes);
    return { visits, comparesItems, patternSize, ways: Math.max(1, ...walk.returns.map((one) => waysOf(one, walk.returns))) };
  } catch (error) {
    if (error instanceof TooMuch || error instanceof Malformed) return error.message;
    throw error;
  }
}

/** Comparisons of values that take about as long as looking at one schema. */
const COMPARED_IN_ONE = 10;

/** Instructions of a pattern that take about as long. */
const MATCHED_IN_ONE = 1_000;

export function workOf({ visits, ways, comparesItems, patternSize: size }: Labour, value: Json): number {
  const { members, levels, comparisons, letters } = sizeOf(value);
  const compared = comparesItems ? comparisons / COMPARED_IN_ONE : 0;
  return (visits * members + (letters * size) / MATCHED_IN_ONE) * ways ** levels + compared;
}

interface Size {
  readonly members: number;
  readonly levels: number;
  readonly comparisons: number;
  readonly letters: number;
}

function sizeOf(value: Json): Size {
  if (typeof value === "string") return { members: 1, levels: 0, comparisons: 0, letters: value.length };
  if (typeof value !== "object" || value === null) return { members: 1, levels: 0, comparisons: 0, letters: 0 };
  let [members, levels, comparisons, letters] = [1, 0, 0, 0];
  for (const [name, member] of Object.entries(value) as [string, Json][]) {
    const size = sizeOf(member);
    members += size.members;
    levels = Math.max(levels, size.levels + 1);
    comparisons += size.comparisons;
    letters += size.letters + name.length;
  }
  if (Array.isArray(value)) comparisons += value.length * members;
  return { members, levels, comparisons, letters };
}

class TooMuch extends Error {}

/** A member's place from that of the schema it is met by: `.name`, `.*`, `[0]`, `[*]`. */
type Path = readonly string[];

/** Where a reference leads back to a schema that is being looked at, and by what path its values are below. */
interface Return {
  readonly path: Path;
}

interface Walk {
  readonly document: Document;
  /** The schemas around, the outermost first. */
  readonly open: { readonly schema: object; readonly path: Path; readonly isFirst: boolean }[];
  readonly seen: Set<object>;
  readonly returns: Return[];
  visits: number;
  comparesItems: boolean;
  readonly patternSizes: number[];
}

function sizeOfPatterns(sizes: readonly number[]): number {
  const sum = sizes.reduce((all, size) => all + size, 0);
  if (sum > PATTERN_SIZE_MAX)
    throw new TooMuch(`its patterns are larger than ${PATTERN_SIZE_MAX} instructions (PATTERN_SIZE_MAX)`);
  return Math.max(0, ...sizes);
}

function visit(schema: Json | undefined, path: Path, walk: Walk): void {
  if (++walk.visits > VISITS_MAX) throw new TooMuch(`it means more than ${VISITS_MAX} schemas (VISITS_MAX)`);
  if (!isMembers(schema)) return;
  const again = walk.open.findLast((one) => one.schema === schema);
  if (again !== undefined) return comeBack(again, path, walk);
  walk.open.push({ schema, path, isFirst: !walk.seen.has(schema) });
  walk.seen.add(schema);
  if (schema.uniqueItems === true) walk.comparesItems = true;
  if (typeof schema.pattern === "string") walk.patternSizes.push(patternSize(schema.pattern));
  if (isMembers(schema.patternProperties)) walk.patternSizes.push(...Object.keys(schema.patternProperties).map(patternSize));
  if (Array.isArray(schema.enum)) walk.visits += Math.floor(schema.enum.length / COMPARED_IN_ONE);
  for (const keyword of SAME_PLACE) for (const { part } of partsOf(schema, keyword)) visit(part, path, walk);
  for (const keyword of MEMBERS) for (const { part, place } of partsOf(schema, keyword)) visit(part, [...path, place], walk);
  if (schema.$ref !== undefined) visit(referred(schema, walk.document), path, walk);
  walk.open.pop();
}

function comeBack(to: Walk["open"][number], path: Path, walk: Walk): void {
  const below = path.slice(to.path.length);
  if (below.length === 0) throw new TooMuch("it leads back to itself without coming to an end");
  if (to.isFirst) walk.returns.push({ path: below });
}

function referred(schema: JsonSchema, document: Document): Json {
  const to = target(nodeOf(document, schema, "$ref"), schema.$ref ?? null);
  if (to === null) throw new TooMuch(`its reference ${JSON.stringify(schema.$ref).slice(0, 100)} leads nowhere known`);
  return to.schema;
}

/** Keywords whose schemas speak of the same value as the schema they stand in. */
const SAME_PLACE = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"];

/** Keywords whose schemas speak of its members. */
const MEMBERS = [
  ...["properties", "patternProperties", "additionalProperties", "propertyNames", "unevaluatedProperties"],
  ...["items", "prefixItems", "additionalItems", "contains", "unevaluatedItems"],
];

const BY_NAME = ["properties", "patternProperties", "dependentSchemas", "dependencies"];

function partsOf(schema: JsonSchema, keyword: string): readonly { readonly part: Json; readonly place: string }[] {
  const value = schema[keyword];
  if (value === undefined || "$dynamicRef" in schema || "$recursiveRef" in schema) return dynamic(schema);
  if (Array.isArray(value)) return value.map((part: Json, at) => ({ part, place: `[${at}]` }));
  if (keyword === "properties" && isMembers(value))
    return Object.entries(value).map(([name, part]) => ({ part, place: `.${name}` }));
  if (BY_NAME.includes(keyword) && isMembers(value)) return Object.values(value).map((part) => ({ part, place: ".*" }));
  return [{ part: value, place: keyword.toLowerCase().endsWith("items") || keyword === "contains" ? "[*]" : ".*" }];
}

function dynamic(schema: JsonSchema): readonly never[] {
  if ("$dynamicRef" in schema || "$recursiveRef" in schema) throw new TooMuch("its references lead where nobody knows before");
  return [];
}

/** How many ways back there are that one member may take. */
function waysOf(one: Return, all: readonly Return[]): number {
  return all.filter((other) =>
    one.path.every((place, at) => at >= other.path.length || mayBeSame(place, other.path[at] ?? place)),
  ).length;
}

function mayBeSame(a: string, b: string): boolean {
  if (a === b) return true;
  return a.charAt(0) === b.charAt(0) && [a, b].some((place) => place === ".*" || place === "[*]");
}
