import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isProblemError } from "../base/problem.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../base/time.ts";
import {
  BREAKER_COUNT_MAX,
  BREAKER_SPAN_MS_MAX,
  Breaker,
  type BreakerPolicy,
  type BreakerSnapshot,
  type BreakerState,
  CHANGES_MAX,
  type Pass,
  readBreakerPolicy,
  WINDOW_SLICES_MAX,
} from "./breaker.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const NOW = Date.UTC(2025, 0, 1);

type How = "succeeded" | "failed" | "forgotten";

function breakerOf(policy: Partial<BreakerPolicy> = {}): Breaker {
  return new Breaker(readBreakerPolicy(policy, "it"));
}

function enter(breaker: Breaker, now: number): Pass {
  const pass = breaker.tryEnter(now);
  assert.ok(pass !== null, "refused");
  return pass;
}

/** One call after the other, all at the same moment: `+` succeeds, `-` fails, `?` is forgotten. */
function call(breaker: Breaker, now: number, story: string): void {
  for (const sign of story) {
    const pass = enter(breaker, now);
    pass[sign === "+" ? "succeeded" : sign === "-" ? "failed" : "forgotten"](now);
  }
}

/** A life later: what was written is all that is known. */
function restored(policy: BreakerPolicy, breaker: Breaker): Breaker {
  return Breaker.restore(policy, JSON.parse(JSON.stringify(breaker.snapshot())) as BreakerSnapshot);
}

const CLOSED: BreakerState = { kind: "closed" };

// ── Stories ──

test("five failures in a row open it, and a success between begins the row anew (1)", () => {
  const breaker = breakerOf();
  call(breaker, NOW, "----+----");
  assert.deepEqual(breaker.state(NOW + DAY_MS), CLOSED);
  call(breaker, NOW + DAY_MS, "?-");
  assert.deepEqual(breaker.state(NOW + DAY_MS), { kind: "open", until: NOW + DAY_MS + 5 * SECOND_MS });
  assert.equal(breaker.tryEnter(NOW + DAY_MS), null);
});

test("half of the calls of a minute failing opens it, once there are twenty (1, 2)", () => {
  const breaker = breakerOf();
  call(breaker, NOW - MINUTE_MS, "+-+-");
  call(breaker, NOW, "-+-+-+-+-+-+-+-+-+?-");
  assert.deepEqual(breaker.state(NOW), CLOSED);
  call(breaker, NOW, "+");
  assert.equal(breaker.state(NOW).kind, "open");
});

test("it cools down, twice as long after each failed probe, up to the longest (3)", () => {
  const breaker = breakerOf({ failuresMax: 1, coolDownMs: 100, coolDownMsMax: 350 });
  call(breaker, NOW, "-");
  let now = NOW;
  for (const coolDownMs of [100, 200, 350, 350]) {
    assert.deepEqual(breaker.state(now), { kind: "open", until: now + coolDownMs });
    assert.equal(breaker.tryEnter(now + coolDownMs - 1), null);
    now += coolDownMs;
    call(breaker, now, "-");
  }
  call(breaker, now + 350, "++-");
  assert.deepEqual(breaker.state(now + 350), { kind: "open", until: now + 350 + 100 });
});

test("told that it is well, it may be probed before it has cooled down; its openings count on (3)", () => {
  const breaker = new Breaker(readBreakerPolicy({}, "breaker"));
  breaker.probeNow(0, "seen well");
  assert.deepEqual(breaker.state(0), { kind: "closed" });
  for (let i = 0; i < 5; i++) breaker.tryEnter(0)?.failed(0);
  breaker.probeNow(1, "seen well");
  assert.deepEqual(breaker.changes().at(-1), { at: 1, to: "half-open", because: "seen well" });
  breaker.tryEnter(1)?.failed(1);
  assert.deepEqual(breaker.state(1), { kind: "open", until: 10_001 });
});

test("half-open lets a few probes through at once, and closes when enough of them succeeded (4)", () => {
  const breaker = breakerOf({ probesMax: 2, successesMin: 3, failuresMax: 2 });
  call(breaker, NOW, "--");
  const now = NOW + 5 * SECOND_MS;
  assert.deepEqual(breaker.state(now), { kind: "half-open", probes: 0 });
  const [first, second] = [enter(breaker, now), enter(breaker, now)];
  assert.equal(breaker.tryEnter(now), null);
  first.forgotten();
  assert.deepEqual(breaker.state(now), { kind: "half-open", probes: 1 });
  second.succeeded(now);
  call(breaker, now, "+");
  assert.deepEqual(breaker.state(now), { kind: "half-open", probes: 0 });
  call(breaker, now, "+-");
  assert.deepEqual(breaker.state(now), CLOSED);
});

test("a call from before it opened neither closes nor reopens it, nor does a probe of an earlier time (4, 5)", () => {
  const breaker = breakerOf({ probesMax: 2, successesMin: 1, failuresMax: 1 });
  const [early, late] = [enter(breaker, NOW), enter(breaker, NOW)];
  call(breaker, NOW, "-");
  early.succeeded(NOW);
  const now = NOW + 5 * SECOND_MS;
  const [straggler, failing] = [enter(breaker, now), enter(breaker, now)];
  late.failed(now);
  assert.deepEqual(breaker.state(now), { kind: "half-open", probes: 2 });
  failing.failed(now);
  const later = now + 10 * SECOND_MS;
  const probe = enter(breaker, later);
  assert.equal(breaker.tryEnter(later), null);
  straggler.succeeded(later);
  assert.deepEqual(breaker.state(later), { kind: "half-open", probes: 1 });
  probe.succeeded(later);
  assert.deepEqual(breaker.state(later), CLOSED);
});

test("what is said of a call after it was settled has no effect; leaving the block forgets what was not settled (5)", () => {
  const breaker = breakerOf({ failuresMax: 2 });
  {
    using pass = enter(breaker, NOW);
    pass.failed(NOW);
    pass.failed(NOW);
    pass.succeeded(NOW);
    pass.forgotten();
  }
  assert.deepEqual(breaker.state(NOW), CLOSED);
  call(breaker, NOW, "-");
  const now = NOW + 5 * SECOND_MS;
  {
    using probe = breaker.tryEnter(now);
    assert.ok(probe !== null);
    using refused = breaker.tryEnter(now);
    assert.equal(refused, null);
  }
  assert.deepEqual(breaker.state(now), { kind: "half-open", probes: 0 });
});

test("a clock that goes back makes nobody wait longer than the cool-down (6)", () => {
  const breaker = breakerOf({ failuresMax: 1 });
  call(breaker, NOW + DAY_MS, "-");
  assert.equal(breaker.state(NOW + DAY_MS + SECOND_MS).kind, "open");
  assert.deepEqual(breaker.state(NOW), { kind: "open", until: NOW + 4 * SECOND_MS });
  assert.equal(breaker.tryEnter(NOW + 4 * SECOND_MS - 1), null);
  assert.notEqual(breaker.tryEnter(NOW + 4 * SECOND_MS), null);
});

test("its last changes are told with when and why", () => {
  const breaker = breakerOf({ failuresMax: 3, callsMin: 4 });
  call(breaker, NOW, "---");
  call(breaker, NOW + 5_000, "-");
  call(breaker, NOW + 15_000, "++");
  call(breaker, NOW + 16_000, "+-+-");
  assert.deepEqual(breaker.changes(), [
    { at: NOW, to: "open", because: "3 calls in a row failed" },
    { at: NOW + 5_000, to: "half-open", because: "it cooled down for 5.0 s" },
    { at: NOW + 5_000, to: "open", because: "a probe failed" },
    { at: NOW + 15_000, to: "half-open", because: "it cooled down for 10 s" },
    { at: NOW + 15_000, to: "closed", because: "2 probes succeeded" },
    { at: NOW + 16_000, to: "open", because: "2 of 4 calls within 1 min failed" },
  ]);
  const touchy = breakerOf({ failuresMax: 1, successesMin: 1 });
  call(touchy, NOW, "-");
  call(touchy, NOW + DAY_MS, "+");
  const because = ["1 call failed", "it cooled down for 5.0 s", "1 probe succeeded"];
  assert.deepEqual(
    touchy.changes().map((change) => change.because),
    because,
  );
});

test("a restored one stays open as long, under another policy as long as that one says (7)", () => {
  const policy = readBreakerPolicy({ failuresMax: 1 }, "it");
  const breaker = new Breaker(policy);
  call(breaker, NOW, "-");
  assert.equal(restored(policy, breaker).tryEnter(NOW + 4_999), null);
  assert.notEqual(restored(policy, breaker).tryEnter(NOW + 5_000), null);
  const other = restored({ ...policy, coolDownMs: 100 }, breaker);
  assert.deepEqual(other.state(NOW), { kind: "open", until: NOW + 100 });
  assert.deepEqual(other.changes(), breaker.changes());
  assert.deepEqual(restored(policy, breakerOf()).state(NOW), CLOSED);
});

test("a policy is read, what it does not say is as usual, and it is refused with what is wrong and where", () => {
  const usual = { failuresMax: 5, failureShare: 0.5, callsMin: 20, windowMs: 60_000 };
  const usually = { ...usual, coolDownMs: 5_000, coolDownMsMax: 300_000, probesMax: 1, successesMin: 2 };
  assert.deepEqual(readBreakerPolicy({}, "it"), usually);
  assert.deepEqual(readBreakerPolicy({ probesMax: 3, windowMs: undefined }, "it"), { ...usually, probesMax: 3 });
  const whole = (max: number) => `it must be a whole number from 1 to ${max}.`;
  const names = Object.keys(usually).join(", ");
  const wrong: readonly (readonly [unknown, string])[] = [
    [null, `it is null; it must be an object with any of ${names}.`],
    ["3", `it is "3"; it must be an object with any of ${names}.`],
    [[], `it is a list; it must be an object with any of ${names}.`],
    [{ failures: 1 }, `it.failures is not known; there are: ${names}.`],
    [{ failuresMax: 0 }, `it.failuresMax is 0; ${whole(BREAKER_COUNT_MAX)}`],
    [{ callsMin: null }, `it.callsMin is null; ${whole(BREAKER_COUNT_MAX)}`],
    [{ windowMs: Number.NaN }, `it.windowMs is NaN; ${whole(BREAKER_SPAN_MS_MAX)}`],
    [{ probesMax: {} }, `it.probesMax is an object; ${whole(BREAKER_COUNT_MAX)}`],
    [{ failureShare: 0 }, "it.failureShare is 0; it must be a number above 0, at most 1."],
    [{ failureShare: 1.1 }, "it.failureShare is 1.1; it must be a number above 0, at most 1."],
    [{ coolDownMs: 300_001 }, "it.coolDownMs is 300001; coolDownMsMax is less, 300000."],
  ];
  for (const [value, message] of wrong)
    assert.throws(
      () => readBreakerPolicy(value, "it"),
      (error) => isProblemError(error) && error.problem.code === "FLOW_LIMIT_INVALID" && error.message === message,
    );
});

// ── Laws ──

/** Windows so short are told to the millisecond: each of their slices has one. */
const SPAN_MS = WINDOW_SLICES_MAX;

type Act =
  | { readonly kind: "enter" | "look" | "restart" }
  | { readonly kind: "settle"; readonly pick: number; readonly how: How }
  | { readonly kind: "move"; readonly ms: number };

const policies: fc.Arbitrary<BreakerPolicy> = fc
  .record({
    failuresMax: fc.integer({ min: 1, max: 6 }),
    failureShare: fc.constantFrom(0.1, 0.3, 0.5, 0.75, 1),
    callsMin: fc.integer({ min: 1, max: 8 }),
    windowMs: fc.integer({ min: 1, max: SPAN_MS }),
    coolDownMs: fc.integer({ min: 1, max: SPAN_MS }),
    coolDownMsMax: fc.integer({ min: SPAN_MS, max: 5 * SPAN_MS }),
    probesMax: fc.integer({ min: 1, max: 3 }),
    successesMin: fc.integer({ min: 1, max: 3 }),
  })
  .map((policy) => readBreakerPolicy(policy, "it"));

/** Moves of the clock, small ones mostly, sometimes back, sometimes far. */
const moves = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: SPAN_MS / 4 }) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 3 * SPAN_MS }) },
  { weight: 2, arbitrary: fc.integer({ min: -3 * SPAN_MS, max: 0 }) },
  { weight: 1, arbitrary: fc.integer({ min: -DAY_MS, max: DAY_MS }) },
);

const hows = fc.constantFrom<How>("succeeded", "succeeded", "failed", "failed", "forgotten");
/** Of the passes ever taken, counted from the last one: mostly one of the latest. */
const picks = fc.oneof({ weight: 5, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(30) });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ kind: "enter" as const }) },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("settle" as const), pick: picks, how: hows }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("move" as const), ms: moves }) },
  { weight: 2, arbitrary: fc.constant({ kind: "look" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);
const acts = fc.array(act, { maxLength: 300, size: "max" });

/** A pass as its holder sees it. `settled` says so still when it was settled before: holders make mistakes. */
interface Held {
  readonly pass: Pass;
  /** Which of the lives it was taken in. */
  readonly life: number;
  readonly told: PlainPass;
  isSettled: boolean;
}

interface PlainPass {
  readonly isProbe: boolean;
  /** How many changes there were when it was taken. */
  readonly changes: number;
  isSettled: boolean;
}

/** A breaker told in the simplest way: it keeps every moment, by a clock of its own that never goes back. */
class Plain {
  readonly policy: BreakerPolicy;
  readonly changes: { readonly at: number; readonly felt: number; readonly to: BreakerState["kind"] }[] = [];
  /** What was settled since the last change and counts. */
  #settled: { readonly felt: number; readonly isFailure: boolean }[] = [];
  #passes: PlainPass[] = [];
  #felt = 0;
  #now = NOW;

  constructor(policy: BreakerPolicy) {
    this.policy = policy;
  }

  get kind(): BreakerState["kind"] {
    return this.changes.at(-1)?.to ?? "closed";
  }

  get probes(): number {
    return this.#passes.filter(({ isProbe, isSettled }) => isProbe && !isSettled).length;
  }

  state(now: number): BreakerState {
    this.#look(now);
    if (this.kind === "closed") return { kind: "closed" };
    if (this.kind === "half-open") return { kind: "half-open", probes: this.probes };
    return { kind: "open", until: now + this.#coolingMs() };
  }

  tryEnter(now: number): PlainPass | null {
    this.#look(now);
    if (this.kind === "open" || (this.kind === "half-open" && this.probes >= this.policy.probesMax)) return null;
    const pass = { isProbe: this.kind === "half-open", changes: this.changes.length, isSettled: false };
    this.#passes.push(pass);
    return pass;
  }

  settle(pass: PlainPass, how: How, now: number): void {
    if (pass.isSettled) return;
    pass.isSettled = true;
    if (how === "forgotten") return;
    this.#look(now);
    if (pass.changes !== this.changes.length) return;
    this.#settled.push({ felt: this.#felt, isFailure: how === "failed" });
    if (this.#opens()) this.#become("open");
    else if (pass.isProbe && this.#settled.length >= this.policy.successesMin) this.#become("closed");
  }

  /** Whoever is under way is never heard of again. */
  restart(): void {
    this.#passes = [];
  }

  #opens(): boolean {
    if (this.kind === "half-open") return this.#settled.at(-1)?.isFailure === true;
    const { failuresMax, failureShare, callsMin, windowMs } = this.policy;
    const row = this.#settled.slice(-failuresMax);
    if (row.length === failuresMax && row.every(({ isFailure }) => isFailure)) return true;
    const within = this.#settled.filter(({ felt }) => felt > this.#felt - windowMs);
    const failures = within.filter(({ isFailure }) => isFailure).length;
    return within.length >= callsMin && failures >= failureShare * within.length - 1e-9;
  }

  #look(now: number): void {
    this.#felt += Math.max(0, now - this.#now);
    this.#now = now;
    if (this.kind === "open" && this.#coolingMs() <= 0) this.#become("half-open");
  }

  /** How long it stays open still. */
  #coolingMs(): number {
    const since = this.changes.slice(this.changes.findLastIndex(({ to }) => to === "closed") + 1);
    let coolDownMs = this.policy.coolDownMs;
    for (const { to } of since.slice(1)) if (to === "open") coolDownMs = Math.min(2 * coolDownMs, this.policy.coolDownMsMax);
    return (since.at(-1)?.felt ?? 0) + coolDownMs - this.#felt;
  }

  #become(to: BreakerState["kind"]): void {
    this.changes.push({ at: this.#now, felt: this.#felt, to });
    this.#settled = [];
  }
}

/** A breaker lived with, and the plain one beside it. */
class World {
  breaker: Breaker;
  readonly plain: Plain;
  readonly held: Held[] = [];
  now = NOW;
  life = 0;

  constructor(policy: BreakerPolicy) {
    this.breaker = new Breaker(policy);
    this.plain = new Plain(policy);
  }

  /** Does the same to both; a pass that only one of them gives is a failure of the test. */
  do(act: Act): void {
    if (act.kind === "enter") this.#enter();
    if (act.kind === "settle") this.#settle(act.pick, act.how);
    if (act.kind === "look") this.state();
    if (act.kind === "move") this.now += act.ms;
    if (act.kind === "restart") this.#restart();
  }

  /** What both say. */
  state(): BreakerState {
    const state = this.breaker.state(this.now);
    assert.deepEqual(state, this.plain.state(this.now));
    return state;
  }

  #enter(): void {
    const pass = this.breaker.tryEnter(this.now);
    const told = this.plain.tryEnter(this.now);
    assert.equal(pass === null, told === null, `the breaker ${pass === null ? "refuses" : "lets through"}`);
    if (pass !== null && told !== null) this.held.push({ pass, told, life: this.life, isSettled: false });
  }

  /** Also one that was settled before, and one of an earlier life: neither may have an effect. */
  #settle(pick: number, how: How): void {
    const held = this.held[this.held.length - 1 - (pick % Math.max(1, this.held.length))];
    if (held === undefined) return;
    held.pass[how](this.now);
    if (held.life === this.life) this.plain.settle(held.told, how, this.now);
    held.isSettled = true;
  }

  #restart(): void {
    this.breaker = restored(this.plain.policy, this.breaker);
    this.plain.restart();
    this.life++;
  }
}

function play(policy: BreakerPolicy, all: readonly Act[], look: (world: World) => void): World {
  const world = new World(policy);
  for (const act of all) {
    world.do(act);
    look(world);
  }
  return world;
}

const MANY = { numRuns: 1_500 };

test("it opens, cools down, probes and closes exactly when it should, whatever the clock does, restarts included (1–7)", () => {
  const seen = { open: 0, "half-open": 0, closed: 0 };
  fc.assert(
    fc.property(policies, acts, (policy, all) => {
      const { breaker, plain } = play(policy, all, () => {});
      assert.deepEqual(
        breaker.changes().map(({ at, to }) => ({ at, to })),
        plain.changes.map(({ at, to }) => ({ at, to })).slice(-CHANGES_MAX),
      );
      for (const { to } of plain.changes) seen[to]++;
    }),
    MANY,
  );
  for (const [kind, count] of Object.entries(seen)) assert.ok(count >= MANY.numRuns / 4, `${kind} only ${count} times`);
});

test("asked at every moment, it is what it should be at every moment (1–7)", () => {
  fc.assert(
    fc.property(policies, acts, (policy, all) => {
      play(policy, all, (world) => void world.state());
    }),
    MANY,
  );
});

test("no probe goes while probesMax are under way, however late those before it end (4)", () => {
  fc.assert(
    fc.property(policies, acts, (policy, all) => {
      const probes = new Set<Held>();
      let seen = 0;
      play(policy, all, (world) => {
        const [taken] = world.held.slice(seen);
        seen = world.held.length;
        if (world.state().kind === "half-open" && taken !== undefined) probes.add(taken);
        for (const probe of probes) if (probe.isSettled || probe.life !== world.life) probes.delete(probe);
        assert.ok(probes.size <= policy.probesMax);
      });
    }),
    MANY,
  );
});

test("open, it stays so until `until` and no longer, and that is never further than the longest cool-down (3, 6)", () => {
  fc.assert(
    fc.property(policies, acts, (policy, all) => {
      play(policy, all, (world) => {
        const { breaker, now } = world;
        const state = world.state();
        if (state.kind !== "open") return;
        assert.ok(state.until > now && state.until <= now + policy.coolDownMsMax);
        assert.equal(restored(policy, breaker).tryEnter(state.until - 1), null);
        assert.notEqual(restored(policy, breaker).tryEnter(state.until), null);
      });
    }),
    MANY,
  );
});

test("from whatever it went through, good calls close it within the longest cool-down (3, 4, 6)", () => {
  fc.assert(
    fc.property(policies, acts, moves, (policy, all, ms) => {
      const world = play(policy, all, () => {});
      for (const { pass } of world.held) pass.forgotten();
      const now = world.now + ms;
      if (world.breaker.tryEnter(now) === null) assert.equal(world.breaker.state(now).kind, "open");
      const healed = restored(policy, world.breaker);
      call(healed, now + policy.coolDownMsMax, "+".repeat(policy.successesMin));
      assert.equal(healed.state(now + policy.coolDownMsMax).kind, "closed");
    }),
    MANY,
  );
});

test("a window of any length forgets calls when they are as old as it, at most a slice before (2)", () => {
  const windows = fc.integer({ min: 1, max: 50 * SPAN_MS });
  const gaps = fc.array(fc.oneof(fc.nat(2), fc.nat(20 * SPAN_MS)), { minLength: 1, maxLength: 60, size: "max" });
  fc.assert(
    fc.property(windows, gaps, fc.integer({ min: 1, max: 8 }), (windowMs, all, callsMin) => {
      const breaker = breakerOf({ windowMs, callsMin, failuresMax: BREAKER_COUNT_MAX });
      const sliceMs = Math.ceil(windowMs / WINDOW_SLICES_MAX);
      const moments: number[] = [];
      let now = NOW;
      for (const gap of all) {
        now += gap;
        moments.push(now);
        call(breaker, now, "-");
        const within = (ms: number) => moments.filter((moment) => moment > now - ms).length;
        const isOpen = breaker.state(now).kind === "open";
        if (isOpen) assert.ok(within(windowMs) >= callsMin, "an older call counted");
        else assert.ok(within(windowMs - sliceMs) < callsMin, "a younger call did not count");
        if (isOpen) return;
      }
    }),
    MANY,
  );
});

test("asking what it is says the same when asked again, and a snapshot changes nothing (7)", () => {
  fc.assert(
    fc.property(policies, acts, (policy, all) => {
      play(policy, all, (world) => {
        const { breaker, now } = world;
        const [state, snapshot] = [world.state(), breaker.snapshot()];
        assert.deepEqual(breaker.state(now), state);
        assert.deepEqual(breaker.snapshot(), snapshot);
        assert.deepEqual(restored(policy, breaker).snapshot(), snapshot);
      });
    }),
    { numRuns: 300 },
  );
});

// ── Cost ──

test("a window has WINDOW_SLICES_MAX slices at most, however long it is and however its calls come (7)", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 * SPAN_MS }), fc.integer({ min: 1, max: 5 }), (windowMs, stepMs) => {
      const breaker = breakerOf({ windowMs });
      for (let now = NOW; now < NOW + 2 * windowMs; now += stepMs) {
        call(breaker, now, "+");
        const { life } = breaker.snapshot();
        assert.ok(life.kind === "closed" && life.slices.length <= WINDOW_SLICES_MAX);
      }
    }),
  );
});

test("however many calls and changes there were, it keeps a few slices and changes, and is quick (7)", () => {
  const COUNT = 200_000;
  const breaker = breakerOf({ windowMs: MINUTE_MS, failureShare: 1, coolDownMs: 1 });
  const beganAt = performance.now();
  let keptMax = 0;
  for (let i = 0; i < COUNT; i++) {
    const pass = breaker.tryEnter(NOW + i * 7);
    if (i % 1_000 < 6) pass?.failed(NOW + i * 7);
    else pass?.succeeded(NOW + i * 7);
    const { life } = breaker.snapshot();
    if (life.kind === "closed") keptMax = Math.max(keptMax, life.slices.length);
  }
  assert.ok(performance.now() - beganAt < 10 * SECOND_MS);
  assert.ok(keptMax <= WINDOW_SLICES_MAX, `${keptMax} slices`);
  assert.equal(breaker.changes().length, CHANGES_MAX);
});
