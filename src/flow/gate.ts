// Who may go now. Owns the lines before gates: who stands where, who holds a slot, how many went lately; leaves clocks,
// timers, the record of who went, and what going means, to others. Pure: moments are Unix ms and `now` is an argument.
//
// 1. A gate lets nobody through while `concurrency` or more hold a slot there.
// 2. Within any `perMs` (from a moment, up to but without its end) a gate lets at most `count` through, those of an earlier
//    life included. A clock that goes back stands still for this: what lies ahead of it counts as now.
// 3. The least `askedAt + (priority - 1) * AGEING_MS` goes first, equals in the order of asking. Waiting is thus worth a
//    level every AGEING_MS, and nobody is passed by one that asked more than 8 * AGEING_MS later.
// 4. After `admit` nobody stands at a gate that has a free slot and whose rate is free.
// 5. `admit` looks only at gates that something happened to or whose moment came; at all of them when the clock went back.
// 6. A gate where nobody holds, nobody stands and no rate counts any more keeps its limit only.

import { Heap } from "../base/heap.ts";
import { DAY_MS, SECOND_MS, spanForPeople } from "../base/time.ts";
import { flowProblems } from "./problems.ts";

/** What a gate lets through: one of both at least. */
export interface Limit {
  /** How many hold a slot at once. */
  readonly concurrency?: number;
  readonly rate?: Rate;
}

/** At most `count` within any `perMs`. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

export interface Ticket {
  readonly id: string;
  readonly gate: string;
  /** 1 goes first … 9 last; 5 is usual. */
  readonly priority: number;
  readonly askedAt: number;
}

/** What a ticket in line waits for. */
export interface Waiting {
  readonly gate: string;
  /** Empty where none was said: it goes with the next `admit`. */
  readonly limit: Limit;
  /** How many hold a slot. */
  readonly held: number;
  /** How many go before it. */
  readonly before: number;
  /** When the rate lets the next one through; null when it does now. */
  readonly rateFreeAt: number | null;
}

/** Waiting this long is worth one level of priority, in ms. */
export const AGEING_MS = 30 * SECOND_MS;

/** Slots of one gate. */
export const CONCURRENCY_MAX = 1_000_000;

/** A rate's count: protects memory, because each of so many moments is kept. */
export const RATE_COUNT_MAX = 10_000;

/** A rate's span, in ms: bounds how long moments are kept. */
export const RATE_SPAN_MS_MAX = 31 * DAY_MS;

/** Entries of those that left a line which are kept beyond as many as still stand in it. */
const LEFT_MAX = 16;

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Reads a limit; `where` says whose, in words or as a path. Throws FLOW_LIMIT_INVALID with what is wrong and where. */
export function readLimit(value: unknown, where: string): Limit {
  const { concurrency, rate } = readFields(value, where, ["concurrency", "rate"]);
  if (concurrency === undefined && rate === undefined) throw invalid(where, "needs concurrency, rate or both; there is neither");
  return {
    ...(concurrency === undefined ? {} : { concurrency: readWhole(concurrency, `${where}.concurrency`, CONCURRENCY_MAX) }),
    ...(rate === undefined ? {} : { rate: readRate(rate, `${where}.rate`) }),
  };
}

function readRate(value: unknown, where: string): Rate {
  const { count, perMs } = readFields(value, where, ["count", "perMs"]);
  return {
    count: readWhole(count, `${where}.count`, RATE_COUNT_MAX),
    perMs: readWhole(perMs, `${where}.perMs`, RATE_SPAN_MS_MAX),
  };
}

/** A field of another name would be passed over, and its author would believe in it. */
function readFields<Field extends string>(
  value: unknown,
  where: string,
  fields: readonly Field[],
): { [field in Field]?: unknown } {
  if (typeof value !== "object" || value === null)
    throw invalid(where, `is ${shown(value)}; it must be an object with ${fields.join(", ")}`);
  const unknown = Object.keys(value).find((name) => !fields.some((field) => field === name));
  if (unknown !== undefined) throw invalid(`${where}.${unknown}`, `is not known; there are: ${fields.join(", ")}`);
  return value;
}

function readWhole(value: unknown, where: string, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw invalid(where, `is ${shown(value)}; it must be a whole number from 1 to ${max}`);
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : String(value);
}

function invalid(where: string, why: string): Error {
  return flowProblems.FLOW_LIMIT_INVALID(`${where} ${why}.`);
}

// ── Gates ────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Gate {
  readonly name: string;
  readonly line: Line<Place>;
  readonly passes: Passes;
  held: number;
}

/** Where a ticket stands: by rank, equals by order (3). */
interface Place {
  readonly ticket: Ticket;
  readonly gate: Gate;
  readonly rank: number;
  readonly order: number;
}

/** A gate of no limit lets everybody through. */
export class Gates {
  readonly #limits = new Map<string, Limit>();
  /** Those that keep more than a limit (6). */
  readonly #gates = new Map<string, Gate>();
  readonly #standing = new Map<string, Place>();
  readonly #holding = new Map<string, Gate>();
  /** What `admit` looks at next (5). */
  readonly #touched = new Set<Gate>();
  /** Gates that wait for nothing but their rate, by when it is free. */
  readonly #opening = new Line<Gate>();
  /** Gates that keep nothing but past moments, by when these count no more. */
  readonly #fading = new Line<Gate>();
  #asked = 0;
  #seenAt = Number.NEGATIVE_INFINITY;

  /** How many gates keep more than their limit (6). */
  get busyCount(): number {
    return this.#gates.size;
  }

  /** The newest limit said for a gate counts. A longer rate knows of the past only what the one before it kept. */
  setLimit(gate: string, limit: Limit): void {
    this.#limits.set(gate, limit);
    const busy = this.#gates.get(gate);
    if (busy !== undefined) this.#touched.add(busy);
  }

  /** Stands in line; nothing is let through before `admit`. An id that stands or holds already: no effect. */
  ask(ticket: Ticket): void {
    if (this.#standing.has(ticket.id) || this.#holding.has(ticket.id)) return;
    const gate = this.#touch(ticket.gate);
    const rank = ticket.askedAt + (ticket.priority - 1) * AGEING_MS;
    const place = { ticket, gate, rank, order: this.#asked++ };
    this.#standing.set(ticket.id, place);
    gate.line.set(place, rank);
  }

  /** One that was let through in an earlier life holds its slot again, even one slot too many; it stands nowhere else. */
  hold(gate: string, id: string): void {
    this.leave(id);
    const held = this.#touch(gate);
    held.held++;
    this.#holding.set(id, held);
  }

  /** Something was let through then, in an earlier life: it counts in the gate's rate, said before or after. */
  passed(gate: string, at: number): void {
    this.#touch(gate).passes.add(at);
  }

  /** All that may go now, in order, over all gates. Each holds a slot from now until it leaves, and counts in its rate. */
  admit(now: number): Ticket[] {
    if (now < this.#seenAt) this.#turnBack();
    this.#seenAt = now;
    this.#wake(this.#opening, now);
    this.#wake(this.#fading, now);
    const through: Place[] = [];
    for (const gate of this.#touched) this.#look(gate, now, through);
    this.#touched.clear();
    return through.sort(byTurn).map(({ ticket }) => ticket);
  }

  /** Gives up its slot or its place in line. Unknown: no effect. */
  leave(id: string): void {
    const place = this.#standing.get(id);
    const gate = place?.gate ?? this.#holding.get(id);
    if (gate === undefined) return;
    if (place === undefined) gate.held--;
    else gate.line.delete(place);
    this.#standing.delete(id);
    this.#holding.delete(id);
    this.#touched.add(gate);
  }

  /** When a rate lets somebody through next if nothing else happens, as the last `admit` left things; null: never by time alone. */
  nextAt(): number | null {
    return this.#opening.first()?.rank ?? null;
  }

  /** What a ticket in line waits for; null where it does not stand in one. Costs a walk along the line. */
  why(id: string, now: number): Waiting | null {
    const place = this.#standing.get(id);
    if (place === undefined) return null;
    const { gate } = place;
    const limit = this.#limits.get(gate.name) ?? {};
    const before = gate.line.items().reduce((count, other) => count + Number(byTurn(other, place) < 0), 0);
    const freeAt = limit.rate === undefined ? now : gate.passes.freeAt(limit.rate);
    return { gate: gate.name, limit, held: gate.held, before, rateFreeAt: freeAt > now ? freeAt : null };
  }

  #touch(name: string): Gate {
    const gate = this.#gates.get(name) ?? { name, line: new Line<Place>(), passes: new Passes(), held: 0 };
    this.#gates.set(name, gate);
    this.#touched.add(gate);
    return gate;
  }

  /** The clock went back: what had its time until then is forgotten still, and every gate is looked at anew (2). */
  #turnBack(): void {
    for (const gate of this.#gates.values()) {
      gate.passes.settle(this.#seenAt, this.#keptMs(gate));
      this.#touched.add(gate);
    }
  }

  #wake(gates: Line<Gate>, now: number): void {
    for (let next = gates.first(); next !== undefined && next.rank <= now; next = gates.first()) {
      gates.delete(next.item);
      this.#touched.add(next.item);
    }
  }

  #look(gate: Gate, now: number, through: Place[]): void {
    gate.passes.settle(now, this.#keptMs(gate));
    for (let next = gate.line.first(); next !== undefined && this.#opensAt(gate) <= now; next = gate.line.first()) {
      this.#letThrough(next.item, now);
      through.push(next.item);
    }
    this.#rest(gate);
  }

  #letThrough(place: Place, now: number): void {
    const { ticket, gate } = place;
    gate.line.delete(place);
    this.#standing.delete(ticket.id);
    this.#holding.set(ticket.id, gate);
    gate.held++;
    if (this.#limits.get(gate.name)?.rate !== undefined) gate.passes.add(now);
  }

  /** Says when to look at the gate again though nothing happens to it, or lets go of it. */
  #rest(gate: Gate): void {
    const isEmpty = gate.line.size === 0;
    const opensAt = isEmpty ? Number.POSITIVE_INFINITY : this.#opensAt(gate);
    const isIdle = isEmpty && gate.held === 0;
    const fadesAt = isIdle ? gate.passes.newest + this.#keptMs(gate) : Number.POSITIVE_INFINITY;
    setOrDelete(this.#opening, gate, opensAt);
    setOrDelete(this.#fading, gate, fadesAt);
    if (fadesAt === Number.NEGATIVE_INFINITY) this.#gates.delete(gate.name);
  }

  /** When the gate is open to the first in its line: already when in the past, never by time alone when Infinity. */
  #opensAt(gate: Gate): number {
    const { concurrency, rate } = this.#limits.get(gate.name) ?? {};
    if (concurrency !== undefined && gate.held >= concurrency) return Number.POSITIVE_INFINITY;
    return rate === undefined ? Number.NEGATIVE_INFINITY : gate.passes.freeAt(rate);
  }

  /** How long past moments matter: where no limit was said yet, as long as any rate may ask. */
  #keptMs({ name }: Gate): number {
    const limit = this.#limits.get(name);
    return limit === undefined ? RATE_SPAN_MS_MAX : (limit.rate?.perMs ?? 0);
  }
}

function byTurn(a: Place, b: Place): number {
  return a.rank - b.rank || a.order - b.order;
}

function setOrDelete(gates: Line<Gate>, gate: Gate, at: number): void {
  if (Number.isFinite(at)) gates.set(gate, at);
  else gates.delete(gate);
}

/** Items by rank, equals in the order they came; any may leave from anywhere, or be given another rank. */
class Line<T> {
  readonly #entries = new Map<T, { readonly item: T; readonly rank: number }>();
  /** Holds those that left, too, until they come up or are too many. */
  #heap = new Heap<{ readonly item: T; readonly rank: number }>();

  get size(): number {
    return this.#entries.size;
  }

  items(): IteratorObject<T> {
    return this.#entries.keys();
  }

  set(item: T, rank: number): void {
    const entry = { item, rank };
    this.#entries.set(item, entry);
    this.#heap.push(rank, entry);
    this.#tidy();
  }

  delete(item: T): void {
    this.#entries.delete(item);
    this.#tidy();
  }

  first(): { readonly item: T; readonly rank: number } | undefined {
    for (let least = this.#heap.least; least !== undefined; least = this.#heap.least) {
      if (this.#entries.get(least.item) === least) return least;
      this.#heap.pop();
    }
    return undefined;
  }

  #tidy(): void {
    if (this.#heap.size <= 2 * this.#entries.size + LEFT_MAX) return;
    this.#heap = new Heap();
    for (const entry of this.#entries.values()) this.#heap.push(entry.rank, entry);
  }
}

/** The moments at which a gate let somebody through, oldest first. */
class Passes {
  readonly #moments: number[] = [];

  /** -Infinity when there is none. */
  get newest(): number {
    return this.#moments.at(-1) ?? Number.NEGATIVE_INFINITY;
  }

  add(at: number): void {
    const before = this.#moments.findLastIndex((moment) => moment <= at);
    this.#moments.splice(before + 1, 0, at);
    if (this.#moments.length > RATE_COUNT_MAX) this.#moments.shift();
  }

  /** What lies ahead, because the clock went back, becomes now (2); what is `keptMs` old is forgotten. */
  settle(now: number, keptMs: number): void {
    for (let i = this.#moments.length - 1; (this.#moments[i] ?? now) > now; i--) this.#moments[i] = now;
    const kept = this.#moments.findIndex((moment) => moment + keptMs > now);
    this.#moments.splice(0, kept === -1 ? this.#moments.length : kept);
  }

  /** When the rate lets one more through: once fewer than `count` moments lie within its span. */
  freeAt({ count, perMs }: Rate): number {
    const hindering = this.#moments.at(-count);
    return hindering === undefined ? Number.NEGATIVE_INFINITY : hindering + perMs;
  }
}

// ── In words ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One sentence for people: `waits for its turn at "reports/acme": 3 of 3 are under way, 4 go before it`. */
export function inWords(waiting: Waiting, now: number): string {
  const { concurrency } = waiting.limit;
  const slots =
    concurrency === undefined ? [] : [`${waiting.held} of ${concurrency} ${waiting.held === 1 ? "is" : "are"} under way`];
  const reasons = [...slots, ...rateInWords(waiting, now), beforeInWords(waiting.before)];
  return `waits for its turn at ${JSON.stringify(waiting.gate)}: ${reasons.join(", ")}`;
}

function rateInWords({ limit: { rate }, rateFreeAt }: Waiting, now: number): string[] {
  if (rate === undefined || rateFreeAt === null) return [];
  return [`${rate.count} went within ${spanForPeople(rate.perMs)} and the next may in ${spanForPeople(rateFreeAt - now)}`];
}

function beforeInWords(before: number): string {
  if (before === 0) return "it goes next";
  return before === 1 ? "1 goes before it" : `${before} go before it`;
}
