import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isProblemError } from "../base/problem.ts";
import { MINUTE_MS, SECOND_MS } from "../base/time.ts";
import { type Amounts, amountsOf, COUNT_MAX, countsOf, RESOURCES, readAmounts, type SomeCounts, USD_MAX } from "./amounts.ts";
import {
  type BudgetEntry,
  type BudgetEvent,
  type BudgetSnapshot,
  Budgets,
  HELD_MAX,
  LEVELS_MAX,
  NEARLY_SPENT_SHARE,
  type ReservationState,
  SETTLED_MAX,
} from "./budget.ts";
import { afterRefusal, type BudgetRefusal, explainBudget } from "./budget-refusal.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const NOW = Date.UTC(2025, 0, 1);

type Line = readonly [id: string, limit: Amounts];

/** A line of nodes, each the parent of the next. */
function budgetsOf(...line: readonly Line[]): Budgets {
  const budgets = new Budgets();
  let parent: string | null = null;
  for (const [id, limit] of line) {
    done(budgets.open({ id, parent, limit }, NOW));
    parent = id;
  }
  return budgets;
}

function done<T extends { readonly ok: true }>(result: T | BudgetRefusal): T {
  if (result.ok) return result;
  return assert.fail(explainBudget(result));
}

function refusalOf(result: { readonly ok: true } | BudgetRefusal): BudgetRefusal {
  return result.ok ? assert.fail("it was granted") : result;
}

const kindsOf = (result: { readonly ok: true } | BudgetRefusal) => refusalOf(result).reasons.map(({ kind }) => kind);

/** `spent reserved left` of one resource. */
function lineOf(budgets: Budgets, node: string, resource: keyof Amounts = "tokens"): string {
  const { spent, reserved, left } = budgets.view(node)?.lines[resource] ?? assert.fail(`there is no ${node}`);
  return `${spent} ${reserved} ${left}`;
}

/** A life later: what was written is all that is known. */
function restored(budgets: Budgets): Budgets {
  return Budgets.restore(JSON.parse(JSON.stringify(budgets.snapshot())) as BudgetSnapshot);
}

// ── Stories ──

test("what is reserved is held on the whole way up, and what was not spent is back for everybody (1, 2)", () => {
  const budgets = budgetsOf(["acme", { tokens: 100 }], ["report", {}], ["run", { tokens: 60 }]);
  assert.equal(done(budgets.reserve({ id: "r", node: "run", upTo: { tokens: 50 } })).state, "held");
  assert.deepEqual(
    ["acme", "report", "run"].map((node) => lineOf(budgets, node)),
    ["0 50 50", "0 50 null", "0 50 10"],
  );
  done(budgets.open({ id: "other", parent: "acme", limit: { tokens: 90 } }, NOW));
  assert.deepEqual(refusalOf(budgets.reserve({ id: "s", node: "other", upTo: { tokens: 51 } })).reasons, [
    { kind: "too-little", node: "other", resource: "tokens", asked: 51, left: 50, reserved: 0 },
    { kind: "too-little", node: "acme", resource: "tokens", asked: 51, left: 50, reserved: 50 },
  ]);
  done(budgets.commit("r", { tokens: 20 }));
  assert.deepEqual(
    ["acme", "report", "run"].map((node) => lineOf(budgets, node)),
    ["20 0 80", "20 0 null", "20 0 40"],
  );
  assert.equal(budgets.view("report")?.lines.tokens.available, 80);
  assert.equal(budgets.view("run")?.lines.usd.available, null);
});

test("a child gets at most what its parent has left, or is refused where its author wants that (3)", () => {
  const budgets = budgetsOf(["acme", { usd: 1, calls: 10, slots: 4 }]);
  done(budgets.reserve({ id: "r", node: "acme", upTo: { usd: 0.3, slots: 4 } }));
  const more = { usd: 0.8, calls: 10, tokens: 5, slots: 5 };
  assert.deepEqual(done(budgets.open({ id: "cut", parent: "acme", limit: more }, NOW)).limit, { ...more, usd: 0.7, slots: 4 });
  const refusal = refusalOf(budgets.open({ id: "not", parent: "acme", limit: more, ifTooMuch: "refuse" }, NOW));
  assert.deepEqual(refusal.reasons, [
    { kind: "too-little", node: "acme", resource: "usd", asked: 0.8, left: 0.7, reserved: 0.3 },
    { kind: "too-little", node: "acme", resource: "slots", asked: 5, left: 4, reserved: 0 },
  ]);
  assert.equal(budgets.view("not"), undefined);
  done(budgets.open({ id: "fits", parent: "acme", limit: { usd: 0.7, slots: 4 }, ifTooMuch: "refuse" }, NOW));
});

test("more than was reserved is spent in full; where that is over the limit nothing is reserved or opened any more (4, 9)", () => {
  const budgets = budgetsOf(["acme", { tokens: 1_000 }], ["run", { tokens: 100 }], ["part", {}]);
  done(budgets.reserve({ id: "r", node: "part", upTo: { tokens: 60 } }));
  const { events } = done(budgets.commit("r", { tokens: 130, wallMs: 7 }));
  assert.deepEqual(events, [
    { kind: "budget-underestimated", id: "r", node: "part", resource: "tokens", reserved: 60, actual: 130 },
    { kind: "budget-nearly-spent", node: "run", resource: "tokens", spent: 130, limit: 100 },
    { kind: "budget-overdrawn", node: "run", resource: "tokens", over: 30 },
  ]);
  assert.equal(budgets.view("run")?.state, "overdrawn");
  assert.equal(lineOf(budgets, "run"), "130 0 -30");
  assert.deepEqual(refusalOf(budgets.reserve({ id: "s", node: "part", upTo: { calls: 1 } })).reasons, [
    { kind: "overdrawn", node: "run", resource: "tokens", asked: 0, over: 30 },
  ]);
  assert.deepEqual(kindsOf(budgets.open({ id: "more", parent: "part", limit: {} }, NOW)), ["overdrawn"]);
  done(budgets.reserve({ id: "s", node: "acme", upTo: { tokens: 870 } }));
});

test("an estimate exceeded within the limit is told and freezes nothing; an overdraft ends when there is room again (4)", () => {
  const budgets = budgetsOf(["run", { tokens: 100 }]);
  done(budgets.reserve({ id: "a", node: "run", upTo: { tokens: 10 } }));
  done(budgets.reserve({ id: "b", node: "run", upTo: { tokens: 50 } }));
  assert.deepEqual(
    done(budgets.commit("a", { tokens: 40 })).events.map(({ kind }) => kind),
    ["budget-underestimated"],
  );
  done(budgets.reserve({ id: "c", node: "run", upTo: { tokens: 10 } }));
  done(budgets.commit("c", { tokens: 20 }));
  assert.equal(budgets.view("run")?.state, "overdrawn");
  done(budgets.release("b"));
  assert.equal(budgets.view("run")?.state, "open");
  done(budgets.reserve({ id: "d", node: "run", upTo: { tokens: 40 } }));
});

test("each verb told twice gives the same answer and counts once; each has an answer in every state (5)", () => {
  const budgets = budgetsOf(["run", { tokens: 100 }]);
  const verbs = {
    reserve: () => budgets.reserve({ id: "r", node: "run", upTo: { tokens: 10 } }),
    commit: () => budgets.commit("r", { tokens: 5 }),
    release: () => budgets.release("r"),
  };
  const answers = (...story: readonly (keyof typeof verbs)[]) =>
    story.map((verb) => {
      const result = verbs[verb]();
      return result.ok ? `${result.state} ${result.entries.length}` : kindsOf(result).join();
    });
  assert.deepEqual(answers("commit", "release"), ["reservation-unknown", "reservation-unknown"]);
  assert.deepEqual(answers("reserve", "reserve"), ["held 1", "held 0"]);
  assert.deepEqual(answers("release", "release", "reserve"), ["released 1", "released 0", "released 0"]);
  assert.equal(lineOf(budgets, "run"), "0 0 100");
  assert.deepEqual(answers("commit", "commit", "release", "reserve"), [
    ...["committed 1", "committed 0"],
    ...["reservation-committed", "committed 0"],
  ]);
  assert.equal(done(budgets.commit("r", { tokens: 99 })).state, "committed");
  assert.equal(lineOf(budgets, "run"), "5 0 95");
  for (const other of [{ tokens: 11 }, { tokens: 10, calls: 0 }, {}])
    assert.deepEqual(kindsOf(budgets.reserve({ id: "r", node: "run", upTo: other })), ["reservation-reused"]);
});

test("a commit that comes before its reservation counts where its node is said, and the reservation holds nothing then (5)", () => {
  const budgets = budgetsOf(["run", { tokens: 100 }]);
  assert.deepEqual(kindsOf(budgets.commit("r", { tokens: 30 }, "nowhere")), ["node-unknown"]);
  done(budgets.commit("r", { tokens: 30 }, "run"));
  done(budgets.commit("r", { tokens: 30 }, "run"));
  assert.equal(done(budgets.reserve({ id: "r", node: "run", upTo: { tokens: 40 } })).state, "committed");
  assert.equal(lineOf(budgets, "run"), "30 0 70");
});

test("slots come back with the reservation and are never spent (6)", () => {
  const budgets = budgetsOf(["run", { slots: 2 }]);
  for (const id of ["a", "b"]) done(budgets.reserve({ id, node: "run", upTo: { slots: 1 } }));
  const refusal = refusalOf(budgets.reserve({ id: "c", node: "run", upTo: { slots: 1 } }));
  assert.equal(afterRefusal(refusal, "stop").kind, "wait");
  assert.deepEqual(done(budgets.commit("a", { slots: 1, calls: 1 })).events, []);
  done(budgets.release("b"));
  assert.equal(lineOf(budgets, "run", "slots"), "0 0 2");
  done(budgets.reserve({ id: "c", node: "run", upTo: { slots: 2 } }));
});

test("a reservation ends with its lease; what was spent all the same counts in full when it is told (4, 5)", () => {
  const budgets = budgetsOf(["run", { tokens: 100 }]);
  done(budgets.reserve({ id: "a", node: "run", upTo: { tokens: 60 }, expiresAt: NOW + 10 }));
  done(budgets.reserve({ id: "b", node: "run", upTo: { tokens: 40 } }));
  assert.deepEqual(budgets.expire(NOW + 9).entries, []);
  assert.deepEqual(budgets.expire(NOW + 10).entries, [{ kind: "budget-expired", id: "a" }]);
  assert.deepEqual(budgets.expire(NOW + MINUTE_MS).entries, []);
  assert.equal(done(budgets.release("a")).state, "expired");
  assert.equal(done(budgets.reserve({ id: "a", node: "run", upTo: { tokens: 60 } })).state, "expired");
  assert.equal(lineOf(budgets, "run"), "0 40 60");
  done(budgets.commit("a", { tokens: 70 }));
  assert.equal(lineOf(budgets, "run"), "70 40 -10");
});

test("closing a node closes all below it and lets go of what it holds; forgotten, it stays spent above it (7)", () => {
  const budgets = budgetsOf(["acme", { tokens: 100 }], ["run", { tokens: 80 }], ["part", { tokens: 60 }]);
  done(budgets.reserve({ id: "a", node: "part", upTo: { tokens: 30 } }));
  done(budgets.commit("a", { tokens: 20 }));
  done(budgets.reserve({ id: "b", node: "part", upTo: { tokens: 30 } }));
  assert.deepEqual(kindsOf(budgets.forget("run")), ["node-open"]);
  assert.equal(done(budgets.close("run")).entries.length, 1);
  assert.equal(done(budgets.close("part")).entries.length, 0);
  assert.equal(lineOf(budgets, "acme"), "20 0 80");
  assert.deepEqual(kindsOf(budgets.reserve({ id: "c", node: "part", upTo: {} })), ["closed"]);
  assert.deepEqual(kindsOf(budgets.open({ id: "new", parent: "part", limit: {} }, NOW)), ["closed"]);
  assert.deepEqual(kindsOf(budgets.raise("run", { tokens: 99 })), ["closed"]);
  done(budgets.forget("run"));
  done(budgets.forget("run"));
  assert.deepEqual([budgets.size, budgets.view("part")], [1, undefined]);
  done(budgets.commit("b", { tokens: 3 }));
  assert.equal(lineOf(budgets, "acme"), "23 0 77");
  assert.deepEqual(kindsOf(budgets.close("part")), ["node-unknown"]);
});

test("a budget may be raised, as far as its parent has that much, and the line before the end is crossed anew (3, 9)", () => {
  const budgets = budgetsOf(["acme", { usd: 10 }], ["run", { usd: 1 }]);
  const spend = (id: string, usd: number) => done(budgets.commit(id, { usd }, "run")).events.map(({ kind }) => kind);
  assert.deepEqual(
    [spend("a", 0.79), spend("b", 0.01), spend("c", 0.1), spend("d", 0.2)],
    [[], ["budget-nearly-spent"], [], ["budget-overdrawn"]],
  );
  assert.deepEqual(done(budgets.raise("run", { usd: 2, tokens: 5 })).limit, { usd: 2 });
  assert.equal(done(budgets.raise("run", { usd: 1.5 })).entries.length, 0);
  assert.deepEqual(spend("e", 0.5), ["budget-nearly-spent"]);
  assert.deepEqual(done(budgets.raise("run", { usd: 50 })).limit, { usd: 10 });
  assert.deepEqual(done(budgets.raise("acme", { usd: 50 })).limit, { usd: 50 });
});

test("money does not drift: a thousand times 0.07 cents is 70 cents, to the nano-dollar", () => {
  const budgets = budgetsOf(["acme", { usd: 1 }]);
  for (let i = 0; i < 1_000; i++) done(budgets.commit(String(i), { usd: 0.0007 }, "acme"));
  assert.deepEqual(budgets.view("acme")?.lines.usd, { limit: 1, spent: 0.7, reserved: 0, left: 0.3, available: 0.3 });
  assert.deepEqual(readAmounts({ usd: 0.1 + 0.2 }, "it"), { usd: 0.3 });
  fc.assert(
    fc.property(fc.nat(COUNT_MAX), (nano) => {
      assert.equal(countsOf({ usd: nano / 1e9 }, "it").usd, nano);
    }),
  );
});

test("there is an end to levels and to what is held; the oldest settled are forgotten (10)", () => {
  const budgets = budgetsOf(...Array.from({ length: LEVELS_MAX }, (_, i): Line => [`n${i}`, {}]));
  const deeper = budgets.open({ id: "deeper", parent: `n${LEVELS_MAX - 1}`, limit: {} }, NOW);
  assert.deepEqual(refusalOf(deeper).reasons, [{ kind: "too-many", what: "levels", max: LEVELS_MAX }]);
  assert.deepEqual(kindsOf(budgets.open({ id: "n1", parent: null, limit: {} }, NOW)), ["node-reused"]);
  for (let i = 0; i < HELD_MAX; i++) done(budgets.reserve({ id: `r${i}`, node: "n0", upTo: { calls: 1 } }));
  const refusal = refusalOf(budgets.reserve({ id: "more", node: "n0", upTo: {} }));
  assert.deepEqual(refusal.reasons, [{ kind: "too-many", what: "reservations", max: HELD_MAX }]);
  assert.equal(afterRefusal(refusal, "ask").kind, "wait");
  for (let i = 0; i < HELD_MAX; i++) done(budgets.release(`r${i}`));
  for (let i = 0; i < SETTLED_MAX; i++) done(budgets.commit(`s${i}`, { calls: 1 }, "n0"));
  assert.deepEqual(kindsOf(budgets.release("r0")), ["reservation-unknown"]);
  const kept = budgets.snapshot().reservations.length;
  assert.ok(kept < SETTLED_MAX && kept >= 0.9 * SETTLED_MAX);
  assert.deepEqual(restored(budgets).snapshot(), budgets.snapshot());
});

test("amounts are read, or refused with what is wrong and where", () => {
  const whole = `it must be a whole number from 0 to ${COUNT_MAX}.`;
  const wrong: readonly (readonly [unknown, string])[] = [
    [null, "it is null; it must be an object with any of usd, tokens, calls, wallMs, slots."],
    [[], "it is a list; it must be an object with any of usd, tokens, calls, wallMs, slots."],
    [{ token: 1 }, "it.token is not known; there are: usd, tokens, calls, wallMs, slots."],
    [{ usd: -0.01 }, `it.usd is -0.01; it must be a number from 0 to ${USD_MAX}.`],
    [{ usd: Number.NaN }, `it.usd is NaN; it must be a number from 0 to ${USD_MAX}.`],
    [{ usd: USD_MAX + 1 }, `it.usd is ${USD_MAX + 1}; it must be a number from 0 to ${USD_MAX}.`],
    [{ tokens: -5 }, `it.tokens is -5; ${whole}`],
    [{ wallMs: 1.5 }, `it.wallMs is 1.5; ${whole}`],
    [{ calls: "3" }, `it.calls is "3"; ${whole}`],
  ];
  for (const [value, message] of wrong)
    assert.throws(
      () => readAmounts(value, "it"),
      (error) => isProblemError(error) && error.code === "FLOW_AMOUNT_INVALID" && error.message === message,
    );
  assert.deepEqual(readAmounts({ usd: -0, tokens: undefined, calls: 0 }, "it"), { usd: 0, calls: 0 });
});

test("entries about a node that there is not are a problem, not a silence (8)", () => {
  const entries: readonly BudgetEntry[] = [
    { kind: "budget-reserved", id: "r", node: "gone", upTo: {} },
    { kind: "budget-committed", id: "r", node: "gone", actual: { usd: 1 } },
    { kind: "budget-opened", node: "run", parent: "gone", limit: {}, openedAt: NOW },
  ];
  for (const entry of entries)
    assert.throws(
      () => new Budgets().apply(entry),
      (error) => isProblemError(error) && error.code === "FLOW_BUDGET_ENTRIES",
    );
});

test("what follows from a refusal is the policy's to say where something lacks, and nobody's where it contradicts itself", () => {
  const budgets = budgetsOf(["acme", { usd: 1, tokens: 100 }], ["run", { usd: 0.5 }]);
  done(budgets.commit("a", { usd: 0.4, tokens: 100 }, "run"));
  const little = refusalOf(budgets.reserve({ id: "b", node: "run", upTo: { usd: 0.3 } }));
  const because = 'The budget does not allow it: "run" has US$ 0.10 left, and US$ 0.30 would be needed.';
  assert.deepEqual(afterRefusal(little, "stop"), { kind: "stop", because });
  assert.deepEqual(afterRefusal(little, "partial"), { kind: "partial", because });
  assert.deepEqual(afterRefusal(little, "degrade"), { kind: "degrade", because, within: { usd: 0.1 } });
  const missing = [{ node: "run", resource: "usd", amount: 0.2 }];
  assert.deepEqual(afterRefusal(little, "ask"), { kind: "ask", because, missing });
  const nothing = refusalOf(budgets.reserve({ id: "b", node: "run", upTo: { usd: 0.05, tokens: 1 } }));
  assert.equal(afterRefusal(nothing, "degrade").kind, "stop");
  done(budgets.reserve({ id: "b", node: "run", upTo: { usd: 0.1 } }));
  assert.equal(afterRefusal(refusalOf(budgets.reserve({ id: "c", node: "run", upTo: { usd: 0.1 } })), "stop").kind, "wait");
  assert.equal(afterRefusal(refusalOf(budgets.reserve({ id: "c", node: "run", upTo: { usd: 0.2 } })), "ask").kind, "ask");
  const contrary = [budgets.forget("run"), budgets.close("gone"), budgets.release("a"), budgets.release("gone")];
  for (const result of contrary) assert.equal(afterRefusal(refusalOf(result), "ask").kind, "stop");
});

test("every reason has its words", () => {
  const said = (...reasons: BudgetRefusal["reasons"]) =>
    explainBudget({ ok: false, reasons }).replace("The budget does not allow it: ", "");
  const tokens = { node: "run", resource: "tokens" } as const;
  assert.equal(
    said({ kind: "too-little", ...tokens, asked: 3, left: 1, reserved: 20 }, { kind: "overdrawn", ...tokens, asked: 0, over: 2 }),
    '"run" has 1 token left (20 tokens reserved), and 3 tokens would be needed; "run" is overdrawn by 2 tokens.',
  );
  assert.equal(
    said({ kind: "too-little", node: "run", resource: "wallMs", asked: MINUTE_MS, left: 20 * SECOND_MS, reserved: 0 }),
    '"run" has 20 s left, and 1 min would be needed.',
  );
  assert.equal(
    said({ kind: "too-little", node: "run", resource: "usd", asked: 12.345678, left: 0.000000001, reserved: 0 }),
    '"run" has US$ 0.000000001 left, and US$ 12.345678 would be needed.',
  );
  assert.equal(said({ kind: "closed", node: "run" }), '"run" is closed.');
  assert.equal(said({ kind: "node-unknown", node: "run" }), 'there is no budget "run".');
  assert.equal(said({ kind: "node-open", node: "run" }), '"run" is not closed.');
  assert.equal(said({ kind: "node-reused", node: "run" }), 'there is a budget "run" already, elsewhere.');
  assert.equal(said({ kind: "reservation-unknown", id: "r" }), 'there is no reservation "r".');
  assert.equal(said({ kind: "reservation-reused", id: "r" }), 'reservation "r" was made for something else.');
  assert.equal(said({ kind: "reservation-committed", id: "r" }), 'what "r" reserved is spent.');
  assert.equal(said({ kind: "too-many", what: "levels", max: 12 }), "there may be 12 levels at most.");
});

// ── Laws ──

type Act =
  | { readonly kind: "open"; readonly node: string; readonly parent: string | null; readonly limit: Amounts }
  | { readonly kind: "raise"; readonly node: string; readonly limit: Amounts }
  | {
      readonly kind: "reserve";
      readonly id: string;
      readonly node: string;
      readonly upTo: Amounts;
      readonly leaseMs: number | null;
    }
  | { readonly kind: "commit"; readonly id: string; readonly actual: Amounts; readonly node: string | null }
  | { readonly kind: "release"; readonly id: string }
  | { readonly kind: "move"; readonly ms: number }
  | { readonly kind: "close" | "forget"; readonly node: string }
  | Storing;

/** To write a snapshot; to begin again from the last one and the entries after it. */
type Storing = { readonly kind: "store"; readonly isCrash: boolean };

type Asking = Exclude<Act, Storing>;

const nodeIds = fc.constantFrom(..."abcdefg");
const reservationIds = fc.integer({ min: 1, max: 12 }).map(String);

function amounts(max: number): fc.Arbitrary<Amounts> {
  const whole = fc.nat(max);
  const usd = whole.map((cents) => cents / 100);
  return fc.record({ usd, tokens: whole, calls: whole, wallMs: whole, slots: whole }, { requiredKeys: [] });
}

const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("open" as const),
        node: nodeIds,
        parent: fc.option(nodeIds, { freq: 3 }),
        limit: amounts(30),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("raise" as const), node: nodeIds, limit: amounts(60) }) },
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant("reserve" as const),
        id: reservationIds,
        node: nodeIds,
        upTo: amounts(8),
        leaseMs: fc.option(fc.nat(20)),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("commit" as const),
        id: reservationIds,
        actual: amounts(9),
        node: fc.option(nodeIds),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("release" as const), id: reservationIds }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("move" as const), ms: fc.integer({ min: -5, max: 15 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("close" as const, "forget" as const), node: nodeIds }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("store" as const), isCrash: fc.boolean() }) },
  ),
  { maxLength: 80, size: "max" },
);

interface Plain {
  node: string | null;
  /** Null: committed before it was reserved. */
  upTo: SomeCounts | null;
  actual: SomeCounts;
  expiresAt: number | null;
  state: ReservationState;
}

/** The same, told in the simplest way: everything is kept for ever, and summed up anew whenever it is asked. */
class Witness {
  readonly parents = new Map<string, string | null>();
  readonly limits = new Map<string, SomeCounts>();
  readonly closed = new Set<string>();
  readonly reservations = new Map<string, Plain>();

  pathOf(node: string): string[] {
    const parent = this.parents.get(node) ?? null;
    return parent === null ? [node] : [node, ...this.pathOf(parent)];
  }

  spent(node: string, resource: keyof Amounts): number {
    return this.#sum(node, ({ actual }) => actual[resource]);
  }

  reserved(node: string, resource: keyof Amounts): number {
    return this.#sum(node, ({ state, upTo }) => (state === "held" ? upTo?.[resource] : 0));
  }

  left(node: string, resource: keyof Amounts): number {
    const limit = this.limits.get(node)?.[resource] ?? Number.POSITIVE_INFINITY;
    return limit - this.spent(node, resource) - this.reserved(node, resource);
  }

  /** The least of the way up. */
  available(node: string, resource: keyof Amounts): number {
    return Math.min(...this.pathOf(node).map((at) => this.left(at, resource)));
  }

  isFree(node: string): boolean {
    return !this.closed.has(node) && RESOURCES.every((resource) => this.available(node, resource) >= 0);
  }

  room(parent: string | null, resource: keyof Amounts): number {
    if (parent === null) return Number.POSITIVE_INFINITY;
    if (resource !== "slots") return this.available(parent, resource);
    return Math.min(...this.pathOf(parent).map((at) => this.limits.get(at)?.slots ?? Number.POSITIVE_INFINITY));
  }

  lacks(node: string, asked: SomeCounts): string[][] {
    return this.pathOf(node).flatMap((at) =>
      RESOURCES.flatMap((resource) => {
        const left = this.left(at, resource);
        if ((asked[resource] ?? 0) <= left) return [];
        return [[left < 0 ? "overdrawn" : "too-little", at, resource]];
      }),
    );
  }

  below(node: string): string[] {
    return [...this.parents.keys()].filter((other) => this.pathOf(other).includes(node));
  }

  forget(node: string): void {
    const parent = this.parents.get(node) ?? null;
    const gone = this.below(node);
    for (const plain of this.reservations.values()) if (plain.node !== null && gone.includes(plain.node)) plain.node = parent;
    for (const id of gone) this.parents.delete(id);
    for (const [id, plain] of this.reservations) if (plain.node === null) this.reservations.delete(id);
  }

  #sum(node: string, of: (plain: Plain) => number | undefined): number {
    let sum = 0;
    for (const plain of this.reservations.values())
      if (plain.node !== null && this.pathOf(plain.node).includes(node)) sum += of(plain) ?? 0;
    return sum;
  }
}

/** Budgets lived with, through crashes, beside a witness. */
class World {
  budgets = new Budgets();
  readonly witness = new Witness();
  now = NOW;
  saved = this.budgets.snapshot();
  unsaved: BudgetEntry[] = [];
  readonly entries: BudgetEntry[] = [];
  readonly events: BudgetEvent[] = [];

  do(act: Act): void {
    if (act.kind === "store") this.#store(act.isCrash);
    else this.#note(this.#ask(act));
  }

  #store(isCrash: boolean): void {
    const before = this.budgets.snapshot();
    if (!isCrash) {
      this.saved = JSON.parse(JSON.stringify(before)) as BudgetSnapshot;
      this.unsaved = [];
      return;
    }
    this.budgets = Budgets.restore(this.saved);
    for (const entry of this.unsaved) this.budgets.apply(JSON.parse(JSON.stringify(entry)) as BudgetEntry);
    assert.deepEqual(this.budgets.snapshot(), before);
  }

  #note(result: { readonly ok: true; entries: readonly BudgetEntry[]; events: readonly BudgetEvent[] } | BudgetRefusal): void {
    if (!result.ok) return void assert.ok(result.reasons.length > 0);
    this.unsaved.push(...result.entries);
    this.entries.push(...result.entries);
    this.events.push(...result.events);
    const state = this.budgets.snapshot();
    for (const entry of result.entries) assert.deepEqual(this.budgets.apply(entry), []);
    assert.deepEqual(this.budgets.snapshot(), state);
  }

  #ask(act: Asking) {
    switch (act.kind) {
      case "open":
        return this.#open(act);
      case "raise":
        return this.#raise(act);
      case "reserve":
        return this.#reserve(act);
      case "commit":
        return this.#commit(act);
      case "release":
        return this.#release(act.id);
      case "move":
        return this.#move(act.ms);
      case "close":
        return this.#close(act.node);
      case "forget":
        return this.#forget(act.node);
    }
  }

  #open({ node, parent, limit }: Act & { kind: "open" }) {
    const { witness } = this;
    const isKnown = witness.parents.has(node);
    const isOk = isKnown
      ? witness.parents.get(node) === parent
      : parent === null || (witness.parents.has(parent) && witness.isFree(parent));
    const strict = isOk && !isKnown && this.#restrictedTo(node, parent, limit);
    const result = this.budgets.open({ id: node, parent, limit }, this.now);
    assert.equal(result.ok, isOk);
    if (!result.ok || isKnown) return result;
    const granted = countsOf(result.limit, node);
    for (const resource of RESOURCES) {
      const asked = countsOf(limit, node)[resource];
      assert.equal(granted[resource], asked === undefined ? undefined : Math.min(asked, witness.room(parent, resource)));
    }
    assert.equal(strict, JSON.stringify(countsOf(limit, node)) === JSON.stringify(granted));
    witness.parents.set(node, parent);
    witness.limits.set(node, granted);
    witness.closed.delete(node);
    return result;
  }

  /** Whether another life would have granted it to one that wants all or nothing. */
  #restrictedTo(id: string, parent: string | null, limit: Amounts): boolean {
    return restored(this.budgets).open({ id, parent, limit, ifTooMuch: "refuse" }, this.now).ok;
  }

  #raise({ node, limit }: Act & { kind: "raise" }) {
    const { witness } = this;
    const result = this.budgets.raise(node, limit);
    assert.equal(result.ok, witness.parents.has(node) && !witness.closed.has(node));
    if (!result.ok) return result;
    const [before, after, asked] = [witness.limits.get(node) ?? {}, countsOf(result.limit, node), countsOf(limit, node)];
    const parent = witness.parents.get(node) ?? null;
    for (const resource of RESOURCES) {
      const [own, wanted = 0] = [before[resource], asked[resource]];
      const used = resource === "slots" || parent === null ? 0 : witness.spent(node, resource) + witness.reserved(node, resource);
      const possible = Math.min(wanted, used + witness.room(parent, resource));
      assert.equal(after[resource], own === undefined ? undefined : Math.max(own, possible));
    }
    witness.limits.set(node, after);
    return result;
  }

  #reserve({ id, node, upTo, leaseMs }: Act & { kind: "reserve" }) {
    const { witness } = this;
    const [known, asked] = [witness.reservations.get(id), countsOf(upTo, id)];
    const expiresAt = leaseMs === null ? null : this.now + leaseMs;
    const result = this.budgets.reserve({ id, node, upTo, ...(expiresAt === null ? {} : { expiresAt }) });
    if (known !== undefined) {
      const { upTo: first } = known;
      const isSame = known.node === node && RESOURCES.every((resource) => first === null || first[resource] === asked[resource]);
      assert.equal(result.ok ? result.state : null, isSame ? known.state : null);
      return result;
    }
    const fits =
      witness.parents.has(node) &&
      witness.isFree(node) &&
      RESOURCES.every((resource) => (asked[resource] ?? 0) <= witness.available(node, resource));
    assert.equal(result.ok, fits);
    if (!result.ok && witness.parents.has(node) && !witness.closed.has(node)) {
      const told = result.reasons.map((reason) => ("resource" in reason ? [reason.kind, reason.node, reason.resource] : []));
      assert.deepEqual(told, witness.lacks(node, asked));
    }
    if (fits) witness.reservations.set(id, { node, upTo: asked, actual: {}, expiresAt, state: "held" });
    return result;
  }

  #commit({ id, actual, node }: Act & { kind: "commit" }) {
    const { witness } = this;
    const known = witness.reservations.get(id);
    const result = this.budgets.commit(id, actual, node ?? undefined);
    assert.equal(result.ok, known !== undefined || (node !== null && witness.parents.has(node)));
    if (!result.ok || known?.state === "committed") return result;
    const { slots: _, ...spent } = countsOf(actual, id);
    const plain = known ?? { node, upTo: null, expiresAt: null };
    witness.reservations.set(id, { ...plain, actual: spent, state: "committed" });
    return result;
  }

  #release(id: string) {
    const known = this.witness.reservations.get(id);
    const result = this.budgets.release(id);
    assert.equal(result.ok, known !== undefined && known.state !== "committed");
    if (known?.state === "held") known.state = "released";
    if (result.ok) assert.equal(result.state, known?.state);
    return result;
  }

  #move(ms: number) {
    this.now += ms;
    const result = this.budgets.expire(this.now);
    const over = [...this.witness.reservations.values()].filter(({ state, expiresAt }) => {
      return state === "held" && expiresAt !== null && expiresAt <= this.now;
    });
    assert.equal(result.entries.length, over.length);
    for (const plain of over) plain.state = "expired";
    return result;
  }

  #close(node: string) {
    const { witness } = this;
    const result = this.budgets.close(node);
    assert.equal(result.ok, witness.parents.has(node));
    for (const id of witness.below(node)) {
      witness.closed.add(id);
      for (const plain of witness.reservations.values())
        if (plain.node === id && plain.state === "held") plain.state = "released";
    }
    return result;
  }

  #forget(node: string) {
    const { witness } = this;
    const isKnown = witness.parents.has(node);
    const result = this.budgets.forget(node);
    assert.equal(result.ok, !isKnown || witness.closed.has(node));
    if (isKnown && result.ok) witness.forget(node);
    return result;
  }

  /** What must be so after everything. */
  look(): void {
    const { witness, budgets } = this;
    assert.equal(budgets.size, witness.parents.size);
    for (const [node, parent] of witness.parents) {
      const view = budgets.view(node) ?? assert.fail(`${node} is gone`);
      const parents = parent === null ? undefined : budgets.view(parent);
      for (const resource of RESOURCES) {
        const line = view.lines[resource];
        const counts = (amount: number | null) => (resource === "usd" ? Math.round((amount ?? 0) * 1e9) : (amount ?? 0));
        const [spent, reserved] = [witness.spent(node, resource), witness.reserved(node, resource)];
        assert.equal(counts(line.spent), spent);
        assert.equal(counts(line.reserved), reserved);
        const above = parents?.lines[resource];
        assert.ok(above === undefined || (above.spent >= line.spent && above.reserved >= line.reserved));
        if (line.limit === null) continue;
        assert.equal(counts(line.limit), counts(line.left) + spent + reserved);
        assert.ok(above === undefined || above.limit === null || line.limit <= above.limit);
        assert.ok((line.left ?? 0) >= 0 || view.state !== "open");
      }
    }
  }
}

test("whatever is asked, it is what summing everything up anew gives, through crashes (1–8)", () => {
  let count = 0;
  fc.assert(
    fc.property(acts, (all) => {
      const world = new World();
      for (const act of all) {
        world.do(act);
        world.look();
      }
      count += all.length;
      const replayed = new Budgets();
      assert.deepEqual(
        world.entries.flatMap((entry) => replayed.apply(entry)),
        world.events,
      );
      assert.deepEqual(replayed.snapshot(), world.budgets.snapshot());
    }),
    { numRuns: 2_750 },
  );
  assert.ok(count > 100_000, `${count} acts`);
});

test("nothing is spent beyond what was reserved: then nothing is ever overdrawn (1, 4)", () => {
  fc.assert(
    fc.property(acts, (all) => {
      const world = new World();
      for (const act of all) {
        const known = act.kind === "commit" ? world.witness.reservations.get(act.id) : undefined;
        if (act.kind !== "commit") world.do(act);
        else if (known?.state === "held") world.do({ ...act, actual: amountsOf(known.upTo ?? {}) });
        for (const node of world.witness.parents.keys()) assert.notEqual(world.budgets.view(node)?.state, "overdrawn");
      }
      assert.ok(world.events.every(({ kind }) => kind === "budget-nearly-spent"));
    }),
    { numRuns: 300 },
  );
});

test("each line is told once per crossing: as often as the share that was spent rose over it (9)", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(12), { maxLength: 40 }), fc.integer({ min: 1, max: 100 }), (parts, limit) => {
      const budgets = budgetsOf(["run", { calls: limit }]);
      const events = parts.flatMap((calls, i) => done(budgets.commit(String(i), { calls }, "run")).events);
      const spent = parts.reduce((sum, part) => sum + part, 0);
      const expected = [
        ...(spent / limit >= NEARLY_SPENT_SHARE ? ["budget-nearly-spent"] : []),
        ...(spent > limit ? ["budget-overdrawn"] : []),
      ];
      assert.deepEqual(
        events.map(({ kind }) => kind),
        expected,
      );
    }),
  );
});
