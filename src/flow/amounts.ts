// Amounts: how much of what may be spent. Owns the five resources, how they are read, and the whole numbers they are counted
// in; leaves who may spend them to budgets.
//
// 1. Counting is in whole numbers: US$ in nano-dollars, all else as given. So sums do not drift, and amounts that were read
//    come back from counts as they were, to a nano-dollar.
// 2. What is read lies from 0 to COUNT_MAX; sums stop at the greatest number that is counted exactly.

import { spanForPeople } from "../base/time.ts";
import { flowProblems } from "./problems.ts";

/** How much of each resource; what is left out is not said. */
export interface Amounts {
  readonly tokens?: number;
  /** US$: counted to a nano-dollar. */
  readonly usd?: number;
  readonly calls?: number;
  /** Time that work took, as measured, in ms. */
  readonly wallMs?: number;
  /** Held at once: the only stock. It is given back and never spent; the others are flows. */
  readonly slots?: number;
}

export type Resource = keyof Amounts;

/** In the order in which people read them. */
export const RESOURCES = ["usd", "tokens", "calls", "wallMs", "slots"] as const satisfies readonly Resource[];

/** Whole numbers (1): `usd` in nano-dollars. */
export type Counts = Readonly<Record<Resource, number>>;

/** Counts of what was said only. */
export type SomeCounts = Partial<Counts>;

const NANO = 1e9;

/** US$ in one amount: so many nano-dollars become US$ and come back exactly (below 2^51, as each way rounds once). */
export const USD_MAX = 2_000_000;

/** One amount of any resource, as counted. */
export const COUNT_MAX = USD_MAX * NANO;

/** Reads amounts; `where` says whose, in words or as a path. Throws FLOW_AMOUNT_INVALID with what is wrong and where. */
export function readAmounts(value: unknown, where: string): Amounts {
  return amountsOf(countsOf(value, where));
}

/** The same as counts. */
export function countsOf(value: unknown, where: string): SomeCounts {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(where, `is ${shown(value)}; it must be an object with any of ${RESOURCES.join(", ")}`);
  const unknown = Object.keys(value).find((name) => !RESOURCES.some((resource) => resource === name));
  if (unknown !== undefined)
    throw invalid(`${where}.${unknown.slice(0, 80)}`, `is not known; there are: ${RESOURCES.join(", ")}`);
  const given: { readonly [resource in Resource]?: unknown } = value;
  return mapCounts(given, (resource, amount) => countOf(resource, amount, `${where}.${resource}`));
}

function countOf(resource: Resource, value: unknown, where: string): number {
  if (resource === "usd") {
    if (typeof value === "number" && value >= 0 && value <= USD_MAX) return inside(resource, value);
    throw invalid(where, `is ${shown(value)}; it must be a number from 0 to ${USD_MAX}`);
  }
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= COUNT_MAX) return value + 0;
  throw invalid(where, `is ${shown(value)}; it must be a whole number from 0 to ${COUNT_MAX}`);
}

/** As people and programs outside count: US$ again. */
export function amountsOf(counts: SomeCounts): Amounts {
  return mapCounts(counts, outside);
}

export function outside(resource: Resource, count: number): number {
  return resource === "usd" ? count / NANO : count;
}

/** What `outside` gave, as a count again. */
export function inside(resource: Resource, amount: number): number {
  return resource === "usd" ? Math.round(amount * NANO) + 0 : amount;
}

/** What was said, one by one; what gives nothing is left out. */
export function mapCounts<T>(
  given: { readonly [resource in Resource]?: T },
  map: (resource: Resource, value: T) => number | undefined,
): SomeCounts {
  const mapped: { -readonly [resource in Resource]?: number } = {};
  for (const resource of RESOURCES) {
    const value = given[resource];
    const next = value === undefined ? undefined : map(resource, value);
    if (next !== undefined) mapped[resource] = next;
  }
  return mapped;
}

/** One value for each resource. */
export function perResource<T>(of: (resource: Resource) => T): Readonly<Record<Resource, T>> {
  return { usd: of("usd"), tokens: of("tokens"), calls: of("calls"), wallMs: of("wallMs"), slots: of("slots") };
}

/** The sum, never beyond what is counted exactly (2). */
export function plus(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER);
}

/** `US$ 0.05`, `1200 tokens`, `1 call`, `2 min 5 s`, `3 slots`. */
export function amountInWords(resource: Resource, amount: number): string {
  if (resource === "usd") return `US$ ${amount.toFixed(9).replace(/(\.\d\d\d*?)0+$/, "$1")}`;
  if (resource === "wallMs") return spanForPeople(amount);
  return `${amount} ${amount === 1 ? resource.slice(0, -1) : resource}`;
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

function invalid(where: string, why: string): Error {
  return flowProblems.FLOW_AMOUNT_INVALID(`${where} ${why}.`);
}
