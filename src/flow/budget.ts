// Budgets: how much an organisation, its workflows, their runs and the delegations below may spend. Owns the tree of limits,
// what is reserved and spent in it, and the refusal of what would be too much; leaves prices, clocks, the journal, and what a
// refusal means for the work (budget-refusal.ts), to others. Pure: moments are Unix ms and `now` is an argument.
//
//   reserve ──▶ held ──(commit)──▶ committed
//                │──(release, close)──▶ released ──(commit, late)──▶ committed
//                └──(lease over)──────▶ expired ───(commit, late)──▶ committed
//
// 1. At every node spent + reserved ≤ limit, for every resource, but where more was spent than had been reserved (4).
// 2. What is reserved or spent at a node is so at every node above it. So what a node left unspent is its parent's again
//    without anybody giving it back, and limit = left + spent + reserved everywhere.
// 3. A node's limit is at most what its parent has left when it is opened; of slots, which come back, at most what its parent
//    may ever hold. What a limit leaves out is bounded by the nodes above alone.
// 4. A commit counts in full, whatever was reserved and however late it comes: money is never hidden. A node where this
//    makes spent + reserved more than the limit is overdrawn: at it and below it nothing is reserved or opened until it has
//    room again.
// 5. A reservation is known by its id. Told twice, each verb gives the same answer and changes nothing; a commit counts once,
//    and the first counts. Of one that is not known, a commit counts where its node is said, and the reservation that comes
//    after it holds nothing; a release is refused, as is one after the commit, and an id with another node or other amounts.
// 6. Slots are reserved while the reservation is held, and never spent.
// 7. Closing a node closes those below it and releases what they hold. A closed one may be forgotten: what it spent stays
//    spent above it, and what comes late for its reservations counts at its parent.
// 8. State is a fold of entries; every verb that changes something gives those it made. A snapshot and the entries after it
//    give the same state. An entry applied twice changes nothing while its id is remembered.
// 9. Events tell that a line was crossed, once per crossing.
// 10. It keeps NODES_MAX nodes, HELD_MAX reservations held, and the last of those that no longer are: fewer than SETTLED_MAX,
//     nine tenths of them at least.

import { unreachable } from "../base/never.ts";
import {
  type Amounts,
  amountsOf,
  COUNT_MAX,
  type Counts,
  countsOf,
  mapCounts,
  outside,
  perResource,
  plus,
  RESOURCES,
  type Resource,
  type SomeCounts,
} from "./amounts.ts";
import { type BudgetReason, type BudgetRefusal, refused } from "./budget-refusal.ts";
import { flowProblems } from "./problems.ts";

// ── What is said ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface BudgetTerms {
  readonly id: string;
  /** Null: a root, such as an organisation. */
  readonly parent: string | null;
  readonly limit: Amounts;
  /** Where the limit is more than the parent has left (3): `cut` to that, which is usual, or `refuse`. */
  readonly ifTooMuch?: "cut" | "refuse";
}

export interface ReservationTerms {
  /** Of the caller; the same on every attempt to say the same. */
  readonly id: string;
  readonly node: string;
  /** An upper bound of what will be spent; slots: held. */
  readonly upTo: Amounts;
  /** When the lease ends, in Unix ms; without it only commit, release and close end it. */
  readonly expiresAt?: number;
}

export type ReservationState = "held" | "committed" | "released" | "expired";

/** Facts, plain JSON; amounts as people count. */
export type BudgetEntry =
  | {
      readonly kind: "budget-opened";
      readonly node: string;
      readonly parent: string | null;
      readonly limit: Amounts;
      readonly openedAt: number;
    }
  | { readonly kind: "budget-raised"; readonly node: string; readonly limit: Amounts }
  | {
      readonly kind: "budget-reserved";
      readonly id: string;
      readonly node: string;
      readonly upTo: Amounts;
      readonly expiresAt?: number;
    }
  | { readonly kind: "budget-committed"; readonly id: string; readonly node: string; readonly actual: Amounts }
  | { readonly kind: "budget-released"; readonly id: string }
  | { readonly kind: "budget-expired"; readonly id: string }
  | { readonly kind: "budget-closed"; readonly node: string }
  | { readonly kind: "budget-forgotten"; readonly node: string };

/** What somebody may want to know; amounts as people count. */
export type BudgetEvent =
  | {
      /** NEARLY_SPENT_SHARE of the limit is spent. */
      readonly kind: "budget-nearly-spent";
      readonly node: string;
      readonly resource: Resource;
      readonly spent: number;
      readonly limit: number;
    }
  | { readonly kind: "budget-overdrawn"; readonly node: string; readonly resource: Resource; readonly over: number }
  | {
      /** More was spent than had been reserved: whoever estimates should know. */
      readonly kind: "budget-underestimated";
      readonly id: string;
      readonly node: string;
      readonly resource: Resource;
      readonly reserved: number;
      readonly actual: number;
    };

/** Done, now or before: then there are no entries and no events. */
export interface BudgetDone {
  readonly ok: true;
  readonly entries: readonly BudgetEntry[];
  readonly events: readonly BudgetEvent[];
}

export interface BudgetOpened extends BudgetDone {
  /** What was granted. */
  readonly limit: Amounts;
}

export interface BudgetHeld extends BudgetDone {
  /** As it is now: a reservation told twice may be settled already. */
  readonly state: ReservationState;
}

/** One resource of a node, as people count; null: no limit. */
export interface BudgetLine {
  readonly limit: number | null;
  readonly spent: number;
  readonly reserved: number;
  /** Of its own limit; below 0 when overdrawn. */
  readonly left: number | null;
  /** What can be reserved here: the least that it or a node above it has left. */
  readonly available: number | null;
}

export interface BudgetView {
  readonly id: string;
  readonly parent: string | null;
  readonly openedAt: number;
  readonly state: "open" | "overdrawn" | "closed";
  readonly lines: Readonly<Record<Resource, BudgetLine>>;
}

/** Plain JSON; counts as they are kept. */
export interface BudgetSnapshot {
  readonly v: 1;
  /** Parents before their children. */
  readonly nodes: readonly {
    readonly id: string;
    readonly parent: string | null;
    readonly openedAt: number;
    readonly isClosed: boolean;
    readonly limit: SomeCounts;
    readonly spent: Counts;
  }[];
  /** In the order in which they were made or settled. */
  readonly reservations: readonly Reservation[];
}

interface Reservation {
  readonly id: string;
  readonly node: string;
  /** Null: committed before it was reserved. */
  readonly upTo: SomeCounts | null;
  readonly expiresAt: number | null;
  readonly state: ReservationState;
}

interface Node {
  readonly id: string;
  readonly parent: Node | null;
  readonly openedAt: number;
  readonly children: Set<Node>;
  limit: SomeCounts;
  spent: Counts;
  reserved: Counts;
  isClosed: boolean;
}

// ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Levels from a root down, itself included: bounds the walk that every reservation makes. */
export const LEVELS_MAX = 12;

/** Nodes kept, closed ones included: protects memory. */
export const NODES_MAX = 100_000;

/** Reservations held at once: protects memory and `expire`, which looks at all. */
export const HELD_MAX = 10_000;

/**
 * Reservations remembered after they were settled: how far back a verb told twice is known (5). The oldest tenth leaves at
 * once, as the first of a map that lost many is slow to find.
 */
export const SETTLED_MAX = 10_000;

/** Of a limit: who is responsible hears of it before the end. */
export const NEARLY_SPENT_SHARE = 0.8;

// ── The tree ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export class Budgets {
  readonly #nodes = new Map<string, Node>();
  readonly #held = new Map<string, Reservation>();
  /** The oldest first. */
  readonly #settled = new Map<string, Reservation>();

  /** Goes on with what an earlier life wrote. */
  static restore(snapshot: BudgetSnapshot): Budgets {
    const budgets = new Budgets();
    for (const { id, parent, openedAt, limit, spent, isClosed } of snapshot.nodes)
      Object.assign(budgets.#add(id, parent, openedAt, limit), { spent, isClosed });
    for (const reservation of snapshot.reservations)
      if (reservation.state === "held") budgets.#hold(reservation);
      else budgets.#settle(reservation);
    return budgets;
  }

  snapshot(): BudgetSnapshot {
    const nodes = this.#nodes.values().map(({ id, parent, openedAt, isClosed, limit, spent }) => {
      return { id, parent: parent?.id ?? null, openedAt, isClosed, limit, spent };
    });
    return { v: 1, nodes: [...nodes], reservations: [...this.#settled.values(), ...this.#held.values()] };
  }

  /** How many nodes are kept, closed ones included. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Undefined where there is no such node. */
  view(id: string): BudgetView | undefined {
    const node = this.#nodes.get(id);
    if (node === undefined) return undefined;
    const state = node.isClosed ? "closed" : isOverdrawn(node) ? "overdrawn" : "open";
    const lines = perResource((resource) => lineOf(node, resource));
    return { id, parent: node.parent?.id ?? null, openedAt: node.openedAt, state, lines };
  }

  /** Throws FLOW_AMOUNT_INVALID. */
  open({ id, parent, limit, ifTooMuch = "cut" }: BudgetTerms, now: number): BudgetOpened | BudgetRefusal {
    const asked = countsOf(limit, `The limit of budget ${JSON.stringify(id)}`);
    const known = this.#nodes.get(id);
    if (known !== undefined && (known.parent?.id ?? null) !== parent) return refused({ kind: "node-reused", node: id });
    if (known !== undefined) return { ...UNCHANGED, limit: amountsOf(known.limit) };
    if (this.#nodes.size >= NODES_MAX) return refused({ kind: "too-many", what: "nodes", max: NODES_MAX });
    const above = parent === null ? null : this.#nodes.get(parent);
    if (above === undefined) return refused({ kind: "node-unknown", node: parent ?? "" });
    const reasons = [...whyNotBelow(above), ...(ifTooMuch === "cut" ? [] : beyondRoom(above, asked))];
    if (reasons.length > 0) return refused(...reasons);
    const granted = amountsOf(cutTo(asked, (resource) => roomBelow(above, resource)));
    return { ...this.#tell({ kind: "budget-opened", node: id, parent, limit: granted, openedAt: now }), limit: granted };
  }

  /**
   * Gives a node a higher limit, as far as its parent has that much left; what is lower than now, or is not limited, stays.
   * Throws FLOW_AMOUNT_INVALID.
   */
  raise(id: string, limit: Amounts): BudgetOpened | BudgetRefusal {
    const asked = countsOf(limit, `The limit of budget ${JSON.stringify(id)}`);
    const node = this.#nodes.get(id);
    if (node === undefined) return refused({ kind: "node-unknown", node: id });
    if (node.isClosed) return refused({ kind: "closed", node: id });
    const possible = cutTo(asked, (resource) => heightOf(node, resource));
    const higher = pick(possible, (resource, count) => count > limitOf(node, resource));
    const next = amountsOf({ ...node.limit, ...higher });
    if (Object.keys(higher).length === 0) return { ...UNCHANGED, limit: next };
    return { ...this.#tell({ kind: "budget-raised", node: id, limit: next }), limit: next };
  }

  /** Throws FLOW_AMOUNT_INVALID. */
  reserve({ id, node, upTo, expiresAt }: ReservationTerms): BudgetHeld | BudgetRefusal {
    const asked = countsOf(upTo, `What ${JSON.stringify(id)} reserves`);
    const known = this.#reservation(id);
    if (known !== undefined) return again(known, node, asked);
    if (this.#held.size >= HELD_MAX) return refused({ kind: "too-many", what: "reservations", max: HELD_MAX });
    const at = this.#nodes.get(node);
    if (at === undefined) return refused({ kind: "node-unknown", node });
    const reasons = whyNot(at, asked);
    if (reasons.length > 0) return refused(...reasons);
    const lease = expiresAt === undefined ? {} : { expiresAt };
    return { ...this.#tell({ kind: "budget-reserved", id, node, upTo: amountsOf(asked), ...lease }), state: "held" };
  }

  /**
   * What was spent in truth; slots are passed over. `node`: where it counts if the reservation is not known (5), because the
   * commit came before it or very late. Throws FLOW_AMOUNT_INVALID.
   */
  commit(id: string, actual: Amounts, node?: string): BudgetHeld | BudgetRefusal {
    const { slots: _, ...spent } = countsOf(actual, `What ${JSON.stringify(id)} spent`);
    const known = this.#reservation(id);
    if (known?.state === "committed") return { ...UNCHANGED, state: "committed" };
    const at = known?.node ?? node;
    if (at === undefined) return refused({ kind: "reservation-unknown", id });
    if (!this.#nodes.has(at)) return refused({ kind: "node-unknown", node: at });
    return { ...this.#tell({ kind: "budget-committed", id, node: at, actual: amountsOf(spent) }), state: "committed" };
  }

  /** Nothing was spent. */
  release(id: string): BudgetHeld | BudgetRefusal {
    const known = this.#reservation(id);
    if (known === undefined) return refused({ kind: "reservation-unknown", id });
    if (known.state === "committed") return refused({ kind: "reservation-committed", id });
    if (known.state !== "held") return { ...UNCHANGED, state: known.state };
    return { ...this.#tell({ kind: "budget-released", id }), state: "released" };
  }

  /** Releases all whose lease ended: an entry each. */
  expire(now: number): BudgetDone {
    const over = this.#held.values().filter(({ expiresAt }) => expiresAt !== null && expiresAt <= now);
    return this.#tell(...over.map(({ id }) => ({ kind: "budget-expired", id }) as const));
  }

  /** Ends a node and all below it. */
  close(id: string): BudgetDone | BudgetRefusal {
    const node = this.#nodes.get(id);
    if (node === undefined) return refused({ kind: "node-unknown", node: id });
    return node.isClosed ? UNCHANGED : this.#tell({ kind: "budget-closed", node: id });
  }

  /** Keeps nothing more of a closed node and all below it than what they spent, above it (7). Unknown: no effect. */
  forget(id: string): BudgetDone | BudgetRefusal {
    const node = this.#nodes.get(id);
    if (node === undefined) return UNCHANGED;
    return node.isClosed ? this.#tell({ kind: "budget-forgotten", node: id }) : refused({ kind: "node-open", node: id });
  }

  /**
   * Takes a fact as it is, whether or not it would be decided so today (8). Throws FLOW_BUDGET_ENTRIES where it is about a
   * node that there is not.
   */
  apply(entry: BudgetEntry): readonly BudgetEvent[] {
    switch (entry.kind) {
      case "budget-opened":
        if (!this.#nodes.has(entry.node)) this.#add(entry.node, entry.parent, entry.openedAt, countsOf(entry.limit, entry.node));
        return [];
      case "budget-raised":
        this.#raised(this.#node(entry.node), countsOf(entry.limit, entry.node));
        return [];
      case "budget-reserved":
        this.#reserved(entry);
        return [];
      case "budget-committed":
        return this.#committed(entry);
      case "budget-released":
        this.#giveBack(entry.id, "released");
        return [];
      case "budget-expired":
        this.#giveBack(entry.id, "expired");
        return [];
      case "budget-closed":
        this.#closed(this.#node(entry.node));
        return [];
      case "budget-forgotten":
        this.#forgotten(this.#nodes.get(entry.node));
        return [];
      default:
        return unreachable(entry);
    }
  }

  #tell(...entries: readonly BudgetEntry[]): BudgetDone {
    return { ok: true, entries, events: entries.flatMap((entry) => this.apply(entry)) };
  }

  #node(id: string): Node {
    const node = this.#nodes.get(id);
    if (node !== undefined) return node;
    throw flowProblems.FLOW_BUDGET_ENTRIES(
      `An entry is about budget ${JSON.stringify(id)}, which was not opened or is forgotten.`,
    );
  }

  #reservation(id: string): Reservation | undefined {
    return this.#held.get(id) ?? this.#settled.get(id);
  }

  #add(id: string, parentId: string | null, openedAt: number, limit: SomeCounts): Node {
    const parent = parentId === null ? null : this.#node(parentId);
    const node: Node = { id, parent, openedAt, children: new Set(), limit, spent: NOTHING, reserved: NOTHING, isClosed: false };
    parent?.children.add(node);
    this.#nodes.set(id, node);
    return node;
  }

  #raised(node: Node, limit: SomeCounts): void {
    const higher = pick(limit, (resource, count) => node.limit[resource] !== undefined && count > node.limit[resource]);
    node.limit = { ...node.limit, ...higher };
  }

  #reserved({ id, node, upTo, expiresAt }: BudgetEntry & { kind: "budget-reserved" }): void {
    if (this.#reservation(id) !== undefined) return;
    this.#hold({ id, node, upTo: countsOf(upTo, id), expiresAt: expiresAt ?? null, state: "held" });
  }

  #hold(reservation: Reservation): void {
    for (const node of pathOf(this.#node(reservation.node))) node.reserved = added(node.reserved, reservation.upTo, 1);
    this.#held.set(reservation.id, reservation);
  }

  #settle(reservation: Reservation): void {
    this.#settled.delete(reservation.id);
    this.#settled.set(reservation.id, reservation);
    if (this.#settled.size < SETTLED_MAX) return;
    for (const id of this.#settled.keys().take(SETTLED_MAX / 10)) this.#settled.delete(id);
  }

  /** Not held: no effect. */
  #giveBack(id: string, state: ReservationState): void {
    const reservation = this.#held.get(id);
    if (reservation === undefined) return;
    this.#held.delete(id);
    for (const node of pathOf(this.#node(reservation.node))) node.reserved = added(node.reserved, reservation.upTo, -1);
    this.#settle({ ...reservation, state });
  }

  #committed({ id, node, actual }: BudgetEntry & { kind: "budget-committed" }): readonly BudgetEvent[] {
    const reservation = this.#reservation(id) ?? { id, node, upTo: null, expiresAt: null, state: "released" };
    if (reservation.state === "committed") return [];
    const spent = countsOf(actual, id);
    const path = pathOf(this.#node(reservation.node));
    const before = path.map((node) => ({ ...node }));
    this.#giveBack(id, "released");
    this.#settle({ ...reservation, state: "committed" });
    for (const node of path) node.spent = added(node.spent, spent, 1);
    const crossed = path.flatMap((node, level) => crossings(before[level] ?? node, node));
    return [...underestimates(reservation, spent), ...crossed];
  }

  #closed(node: Node): void {
    const all = new Set(subtreeOf(node).map(({ id }) => id));
    for (const below of subtreeOf(node)) below.isClosed = true;
    for (const { id, node: at } of [...this.#held.values()]) if (all.has(at)) this.#giveBack(id, "released");
  }

  #forgotten(node: Node | undefined): void {
    if (node === undefined) return;
    this.#closed(node);
    const all = new Set(subtreeOf(node).map(({ id }) => id));
    for (const id of all) this.#nodes.delete(id);
    node.parent?.children.delete(node);
    for (const reservation of this.#settled.values()) if (all.has(reservation.node)) this.#inherit(reservation, node.parent);
  }

  /** Keeps its place in the order. */
  #inherit(reservation: Reservation, parent: Node | null): void {
    if (parent === null) this.#settled.delete(reservation.id);
    else this.#settled.set(reservation.id, { ...reservation, node: parent.id });
  }
}

const NOTHING: Counts = perResource(() => 0);

const UNCHANGED: BudgetDone = { ok: true, entries: [], events: [] };

/** A reservation that is told again (5). */
function again(known: Reservation, node: string, asked: SomeCounts): BudgetHeld | BudgetRefusal {
  const { upTo } = known;
  const isSame = known.node === node && RESOURCES.every((resource) => upTo === null || upTo[resource] === asked[resource]);
  return isSame ? { ...UNCHANGED, state: known.state } : refused({ kind: "reservation-reused", id: known.id });
}

// ── Counting ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** From the node up to its root. */
function pathOf(node: Node): Node[] {
  const path: Node[] = [];
  for (let at: Node | null = node; at !== null; at = at.parent) path.push(at);
  return path;
}

/** The node and all below it. */
function subtreeOf(node: Node): Node[] {
  const all = [node];
  for (const next of all) all.push(...next.children);
  return all;
}

/** A root without a limit has as much as can be counted; any other is bounded above (3). */
function limitOf({ limit, parent }: Node, resource: Resource): number {
  return limit[resource] ?? (parent === null ? COUNT_MAX : Number.POSITIVE_INFINITY);
}

function usedOf({ spent, reserved }: Node, resource: Resource): number {
  return spent[resource] + reserved[resource];
}

function leftOf(node: Node, resource: Resource): number {
  return limitOf(node, resource) - usedOf(node, resource);
}

/** What can be reserved at the node: below 0 where it or one above is overdrawn. */
function availableAt(node: Node, resource: Resource): number {
  let least = Number.POSITIVE_INFINITY;
  for (let at: Node | null = node; at !== null; at = at.parent) least = Math.min(least, leftOf(at, resource));
  return least;
}

/** The highest limit that a new child could have (3). */
function roomBelow(parent: Node | null, resource: Resource): number {
  if (parent === null) return COUNT_MAX;
  if (resource === "slots") return Math.min(...pathOf(parent).map((at) => limitOf(at, resource)));
  return Math.max(0, availableAt(parent, resource));
}

/** The highest limit that a node could be given now: what it used stands in its parent, too. */
function heightOf(node: Node, resource: Resource): number {
  if (node.parent === null || resource === "slots") return roomBelow(node.parent, resource);
  return usedOf(node, resource) + availableAt(node.parent, resource);
}

function isOverdrawn(node: Node): boolean {
  return RESOURCES.some((resource) => leftOf(node, resource) < 0);
}

function added(counts: Counts, more: SomeCounts | null, sign: 1 | -1): Counts {
  return perResource((resource) => plus(counts[resource], sign * (more?.[resource] ?? 0)));
}

function pick(counts: SomeCounts, isWanted: (resource: Resource, count: number) => boolean): SomeCounts {
  return mapCounts(counts, (resource, count) => (isWanted(resource, count) ? count : undefined));
}

function cutTo(counts: SomeCounts, roomFor: (resource: Resource) => number): SomeCounts {
  return mapCounts(counts, (resource, count) => Math.min(count, roomFor(resource)));
}

// ── Reasons and events ───────────────────────────────────────────────────────────────────────────────────────────────

/** Why the node cannot have a child; empty when it can. */
function whyNotBelow(parent: Node | null): readonly BudgetReason[] {
  if (parent === null) return [];
  if (pathOf(parent).length >= LEVELS_MAX) return [{ kind: "too-many", what: "levels", max: LEVELS_MAX }];
  return whyNot(parent, {});
}

/** Why so much cannot be reserved at the node; empty when it can. */
function whyNot(node: Node, asked: SomeCounts): readonly BudgetReason[] {
  if (node.isClosed) return [{ kind: "closed", node: node.id }];
  return pathOf(node).flatMap((at) => RESOURCES.flatMap((resource) => lack(at, resource, asked[resource] ?? 0)));
}

function lack(node: Node, resource: Resource, asked: number): readonly BudgetReason[] {
  const left = leftOf(node, resource);
  const about = { node: node.id, resource, asked: outside(resource, asked) };
  if (left < 0) return [{ kind: "overdrawn", ...about, over: outside(resource, -left) }];
  if (asked <= left) return [];
  const reserved = outside(resource, node.reserved[resource]);
  return [{ kind: "too-little", ...about, left: outside(resource, left), reserved }];
}

/** Which parts of a limit are more than there is for a new child: each as a lack of the node's. */
function beyondRoom(parent: Node | null, asked: SomeCounts): readonly BudgetReason[] {
  if (parent === null) return [];
  return RESOURCES.flatMap((resource) => {
    const room = roomBelow(parent, resource);
    const count = asked[resource] ?? 0;
    if (count <= room) return [];
    const reserved = resource === "slots" ? 0 : outside(resource, parent.reserved[resource]);
    const about = { node: parent.id, resource, asked: outside(resource, count), left: outside(resource, room), reserved };
    return [{ kind: "too-little", ...about } as const];
  });
}

function lineOf(node: Node, resource: Resource): BudgetLine {
  const [own, available] = [node.limit[resource], availableAt(node, resource)];
  const isLimited = pathOf(node).some(({ limit }) => limit[resource] !== undefined);
  return {
    limit: own === undefined ? null : outside(resource, own),
    spent: outside(resource, node.spent[resource]),
    reserved: outside(resource, node.reserved[resource]),
    left: own === undefined ? null : outside(resource, leftOf(node, resource)),
    available: isLimited ? outside(resource, Math.max(0, available)) : null,
  };
}

/** The lines that a commit made a node cross (9). Slots cross none: they are never spent. */
function crossings(before: Node, after: Node): readonly BudgetEvent[] {
  return RESOURCES.flatMap((resource): readonly BudgetEvent[] => {
    const [node, limit, spent] = [after.id, limitOf(after, resource), after.spent[resource]];
    const wasBelow = before.spent[resource] / limit < NEARLY_SPENT_SHARE;
    const isNearly = wasBelow && spent / limit >= NEARLY_SPENT_SHARE && after.limit[resource] !== undefined;
    const isOver = leftOf(before, resource) >= 0 && leftOf(after, resource) < 0;
    const about = { node, resource };
    return [
      ...(isNearly
        ? [{ kind: "budget-nearly-spent", ...about, spent: outside(resource, spent), limit: outside(resource, limit) } as const]
        : []),
      ...(isOver ? [{ kind: "budget-overdrawn", ...about, over: outside(resource, -leftOf(after, resource)) } as const] : []),
    ];
  });
}

/** Of what was reserved only: a measured time that nobody bounded is no news. */
function underestimates({ id, node, upTo }: Reservation, spent: SomeCounts): readonly BudgetEvent[] {
  return RESOURCES.flatMap((resource) => {
    const reserved = upTo?.[resource];
    const actual = spent[resource] ?? 0;
    if (reserved === undefined || actual <= reserved) return [];
    const about = { id, node, resource, reserved: outside(resource, reserved), actual: outside(resource, actual) };
    return [{ kind: "budget-underestimated", ...about } as const];
  });
}
