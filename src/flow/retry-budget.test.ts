import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { isProblemError } from "../base/problem.ts";
import { DAY_MS, SECOND_MS } from "../base/time.ts";
import { RETRY_SLICE_MS, RETRY_WINDOW_MS, RetryBudget } from "./retry-budget.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const NOW = Date.UTC(2025, 0, 1);

function called(budget: RetryBudget, now: number, count: number): void {
  for (let i = 0; i < count; i++) budget.called(now);
}

/** Retries until one is refused; gives how many went. */
function retryAll(budget: RetryBudget, now: number): number {
  let went = 0;
  while (budget.tryRetry(now)) went++;
  return went;
}

// ── Stories ──

test("ten retries go where nothing was called, and ten more when these are out of the window (1, 2)", () => {
  const budget = new RetryBudget();
  assert.equal(budget.left(NOW), 10);
  assert.equal(retryAll(budget, NOW), 10);
  assert.equal(retryAll(budget, NOW + RETRY_WINDOW_MS - 1), 0);
  assert.equal(retryAll(budget, NOW + RETRY_WINDOW_MS + RETRY_SLICE_MS), 10);
});

test("a fifth of the calls may be retried besides, and a retry is no call (1)", () => {
  const budget = new RetryBudget();
  called(budget, NOW, 104);
  assert.equal(budget.left(NOW + SECOND_MS), 30);
  assert.equal(retryAll(budget, NOW + SECOND_MS), 30);
  called(budget, NOW + SECOND_MS, 1);
  assert.equal(retryAll(budget, NOW + SECOND_MS), 1);
});

test("calls that left the window pay for no retry (1)", () => {
  const budget = new RetryBudget({ ratio: 1, burst: 0 });
  called(budget, NOW, 100);
  assert.equal(budget.left(NOW + RETRY_WINDOW_MS - 1), 100);
  assert.equal(budget.left(NOW + RETRY_WINDOW_MS), 0);
});

test("a clock that goes back makes nobody wait longer for the budget to come back (5)", () => {
  const budget = new RetryBudget({ burst: 1 });
  assert.equal(budget.tryRetry(NOW + DAY_MS), true);
  assert.equal(budget.tryRetry(NOW), false);
  assert.equal(budget.tryRetry(NOW + RETRY_WINDOW_MS + RETRY_SLICE_MS), true);
});

test("a budget of nothing lets nothing go, and one of nonsense is refused", () => {
  const none = new RetryBudget({ ratio: 0, burst: 0 });
  called(none, NOW, 100);
  assert.equal(none.tryRetry(NOW), false);
  const wrong: readonly (readonly [{ ratio?: number; burst?: number }, string])[] = [
    [{ ratio: -1 }, "A retry budget's ratio is -1; it must be a number, 0 or more."],
    [{ burst: Number.NaN }, "A retry budget's burst is NaN; it must be a number, 0 or more."],
    [{ burst: Number.POSITIVE_INFINITY }, "A retry budget's burst is Infinity; it must be a number, 0 or more."],
  ];
  for (const [given, message] of wrong)
    assert.throws(
      () => new RetryBudget(given),
      (error) => isProblemError(error) && error.problem.code === "FLOW_LIMIT_INVALID" && error.message === message,
    );
});

// ── Laws ──

type Act =
  | { readonly kind: "call"; readonly count: number }
  | { readonly kind: "retry"; readonly count: number }
  | { readonly kind: "move"; readonly ms: number };

const moves = fc.oneof(
  { weight: 6, arbitrary: fc.nat(RETRY_SLICE_MS) },
  { weight: 3, arbitrary: fc.nat(RETRY_WINDOW_MS) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(RETRY_SLICE_MS, RETRY_WINDOW_MS - 1, RETRY_WINDOW_MS, RETRY_WINDOW_MS + RETRY_SLICE_MS),
  },
  { weight: 2, arbitrary: fc.integer({ min: -2 * RETRY_WINDOW_MS, max: 0 }) },
  { weight: 1, arbitrary: fc.integer({ min: -DAY_MS, max: DAY_MS }) },
);

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("call" as const), count: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("retry" as const), count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("move" as const), ms: moves }) },
);
const acts = fc.array(act, { maxLength: 100, size: "max" });

const policies = fc.record({
  ratio: fc.constantFrom(0, 0.07, 0.1, 0.2, 0.29, 0.5, 1, 2),
  burst: fc.constantFrom(0, 1, 2.5, 10),
});

interface Policy {
  readonly ratio: number;
  readonly burst: number;
}

/** A budget lived with: every moment is kept, by a clock that never goes back. */
class World {
  readonly budget: RetryBudget;
  readonly calls: number[] = [];
  readonly retries: number[] = [];
  now = NOW;
  felt = 0;

  constructor(policy: Policy) {
    this.budget = new RetryBudget(policy);
  }

  /** Says for each retry that was tried whether it went. */
  do(act: Act): boolean[] {
    if (act.kind === "move") this.#move(act.ms);
    if (act.kind === "call") for (let i = 0; i < act.count; i++) this.#call();
    return act.kind === "retry" ? Array.from({ length: act.count }, () => this.#retry()) : [];
  }

  #move(ms: number): void {
    this.now += ms;
    this.felt += Math.max(0, ms);
    this.budget.left(this.now);
  }

  #call(): void {
    this.budget.called(this.now);
    this.calls.push(this.felt);
  }

  #retry(): boolean {
    const went = this.budget.tryRetry(this.now);
    if (went) this.retries.push(this.felt);
    return went;
  }
}

/** How many lie in a span of that length which ends at a moment, with it. */
function within(moments: readonly number[], ms: number, until: number): number {
  return moments.filter((moment) => moment > until - ms && moment <= until).length;
}

function play(policy: Policy, all: readonly Act[], look: (world: World, went: readonly boolean[]) => void): World {
  const world = new World(policy);
  for (const act of all) look(world, world.do(act));
  return world;
}

const MANY = { numRuns: 1_000 };

test("when a retry goes, the window's retries are at most ratio × its calls + burst, whatever the clock does (1, 5)", () => {
  fc.assert(
    fc.property(policies, acts, (policy, all) => {
      play(policy, all, ({ calls, retries, felt }, went) => {
        if (!went.includes(true)) return;
        const allowed = policy.ratio * within(calls, RETRY_WINDOW_MS, felt) + policy.burst;
        assert.ok(within(retries, RETRY_WINDOW_MS, felt) <= allowed);
      });
    }),
    MANY,
  );
});

test("a retry is refused only where the law would break a slice earlier or later (2, 5)", () => {
  fc.assert(
    fc.property(policies, acts, (policy, all) => {
      play(policy, all, ({ calls, retries, felt }, went) => {
        if (!went.includes(false)) return;
        const allowed = policy.ratio * within(calls, RETRY_WINDOW_MS - RETRY_SLICE_MS, felt) + policy.burst;
        assert.ok(within(retries, RETRY_WINDOW_MS + RETRY_SLICE_MS, felt) + 1 > allowed);
      });
    }),
    MANY,
  );
});

test("in any window at most ratio × the calls of it and of the one before + burst go (3)", () => {
  fc.assert(
    fc.property(policies, acts, fc.array(fc.nat(RETRY_WINDOW_MS), { maxLength: 10 }), (policy, all, afters) => {
      const { calls, retries } = play(policy, all, () => {});
      for (const moment of retries)
        for (const until of [0, ...afters].map((after) => moment + after)) {
          const allowed = policy.ratio * within(calls, 2 * RETRY_WINDOW_MS, until) + policy.burst;
          assert.ok(within(retries, RETRY_WINDOW_MS, until) <= allowed);
        }
    }),
    { numRuns: 300 },
  );
});

test("left says how many go, whole and never below nothing; asking costs nothing, nor does a refusal (4)", () => {
  fc.assert(
    fc.property(policies, acts, (policy, all) => {
      const [world, other] = [new World(policy), new World(policy)];
      for (const act of all) {
        const went = world.do(act);
        assert.deepEqual(other.do(act), went);
        const left = world.budget.left(world.now);
        assert.ok(Number.isInteger(left) && left >= 0);
        if (left === 0) assert.equal(world.budget.tryRetry(world.now), false);
      }
      assert.equal(retryAll(world.budget, world.now), other.budget.left(other.now));
    }),
    MANY,
  );
});

/** The same, told in the simplest way: moments are kept with the beginning of their slice. */
test("it is what counting by slices gives (1, 2, 4, 5)", () => {
  fc.assert(
    fc.property(policies, acts, (policy, all) => {
      const kept: { readonly felt: number; readonly from: number; readonly kind: Act["kind"] }[] = [];
      const world = new World(policy);
      for (const act of all) {
        const went = world.do(act);
        const { felt } = world;
        const happened = act.kind === "call" ? act.count : went.filter(Boolean).length;
        for (let i = 0; i < happened; i++) {
          const last = kept.at(-1);
          const from = last !== undefined && last.from + RETRY_SLICE_MS > felt ? last.from : felt;
          kept.push({ felt, from, kind: act.kind });
        }
        const calls = kept.filter(({ kind, from }) => kind === "call" && felt - from < RETRY_WINDOW_MS);
        const retries = kept.filter(({ kind, from }) => kind === "retry" && felt - from < RETRY_WINDOW_MS + RETRY_SLICE_MS);
        const left = Math.floor(policy.ratio * calls.length + policy.burst) - retries.length;
        assert.equal(world.budget.left(world.now), Math.max(0, left));
      }
    }),
    MANY,
  );
});

// ── Cost ──

test("a million calls and retries leave nothing behind, and are quick (6)", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const budget = new RetryBudget();
  collect();
  const before = process.memoryUsage().heapUsed;
  const beganAt = performance.now();
  for (let i = 0; i < 1_000_000; i++) {
    budget.called(NOW + i);
    budget.tryRetry(NOW + i);
  }
  assert.ok(performance.now() - beganAt < 10 * SECOND_MS);
  collect();
  assert.ok(process.memoryUsage().heapUsed - before < 1_000_000);
  assert.ok(budget.left(NOW + 1_000_000) <= 10 + 0.2 * RETRY_WINDOW_MS);
});
