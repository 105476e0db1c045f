import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { isProblemError } from "../base/problem.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../base/time.ts";
import {
  AGEING_MS,
  CONCURRENCY_MAX,
  Gates,
  inWords,
  type Limit,
  RATE_COUNT_MAX,
  RATE_SPAN_MS_MAX,
  type Rate,
  readLimit,
  type Ticket,
} from "./gate.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const NOW = Date.UTC(2025, 0, 1);

function ticket(id: string, more: Partial<Ticket> = {}): Ticket {
  return { id, gate: "g", priority: 5, askedAt: NOW, ...more };
}

function gatesOf(limit: Limit, ...ids: readonly string[]): Gates {
  const gates = new Gates();
  gates.setLimit("g", limit);
  for (const id of ids) gates.ask(ticket(id));
  return gates;
}

const idsOf = (tickets: readonly Ticket[]) => tickets.map(({ id }) => id);

// ── Stories ──

test("as many go as there are slots, and the next when one leaves (1)", () => {
  const gates = gatesOf({ concurrency: 2 }, "a", "b", "c", "d");
  assert.deepEqual(idsOf(gates.admit(NOW)), ["a", "b"]);
  assert.deepEqual(idsOf(gates.admit(NOW + DAY_MS)), []);
  assert.equal(gates.nextAt(), null);
  gates.leave("a");
  assert.deepEqual(idsOf(gates.admit(NOW)), ["c"]);
});

test("a rate lets the next through when the first of its span is a whole span old (2)", () => {
  const gates = gatesOf({ rate: { count: 2, perMs: 100 } }, "a", "b", "c", "d");
  assert.deepEqual(idsOf(gates.admit(NOW)), ["a", "b"]);
  assert.equal(gates.nextAt(), NOW + 100);
  assert.deepEqual(idsOf(gates.admit(NOW + 99)), []);
  assert.deepEqual(idsOf(gates.admit(NOW + 100)), ["c", "d"]);
  assert.equal(gates.nextAt(), null);
});

test("a clock that goes back makes nobody wait longer than the rate's span (2)", () => {
  const gates = gatesOf({ rate: { count: 1, perMs: 100 } }, "a", "b");
  gates.admit(NOW + DAY_MS);
  assert.deepEqual(idsOf(gates.admit(NOW)), []);
  assert.equal(gates.nextAt(), NOW + 100);
  assert.deepEqual(idsOf(gates.admit(NOW + 100)), ["b"]);
});

test("an earlier life's slots and passes count, whether told before or after the limit (1, 2)", () => {
  const limit: Limit = { concurrency: 2, rate: { count: 2, perMs: 100 } };
  for (const isFirst of [true, false]) {
    const gates = isFirst ? gatesOf(limit) : new Gates();
    gates.hold("g", "a");
    gates.hold("g", "a");
    gates.passed("g", NOW - 50);
    gates.passed("g", NOW - 60);
    gates.admit(NOW);
    if (!isFirst) gates.setLimit("g", limit);
    for (const id of ["a", "b", "c"]) gates.ask(ticket(id));
    assert.deepEqual(idsOf(gates.admit(NOW)), []);
    assert.equal(gates.nextAt(), NOW + 40);
    assert.deepEqual(idsOf(gates.admit(NOW + 40)), ["b"]);
    assert.deepEqual(gates.why("c", NOW + 40), { gate: "g", limit, held: 2, before: 0, rateFreeAt: NOW + 50 });
  }
});

test("a level of priority is worth AGEING_MS of waiting, and equals go as they asked, over all gates (3)", () => {
  const gates = new Gates();
  gates.ask(ticket("usual"));
  gates.ask(ticket("urgent, later", { priority: 1, askedAt: NOW + 4 * AGEING_MS, gate: "other" }));
  gates.ask(ticket("urgent", { priority: 1, askedAt: NOW + 4 * AGEING_MS - 1, gate: "other" }));
  gates.ask(ticket("last", { priority: 9, askedAt: NOW - 4 * AGEING_MS }));
  assert.deepEqual(idsOf(gates.admit(NOW)), ["urgent", "usual", "urgent, later", "last"]);
});

test("who asks twice stands once; who leaves twice leaves once, and may ask anew", () => {
  const gates = gatesOf({ concurrency: 1 }, "a", "b", "b", "c");
  gates.admit(NOW);
  gates.ask(ticket("a"));
  gates.leave("a");
  gates.leave("a");
  gates.leave("nobody");
  assert.deepEqual(idsOf(gates.admit(NOW)), ["b"]);
  gates.ask(ticket("a"));
  gates.leave("c");
  gates.leave("b");
  assert.deepEqual(idsOf(gates.admit(NOW)), ["a"]);
});

test("the newest limit counts: a smaller one takes nobody's slot away, a larger one lets more through at once", () => {
  const gates = gatesOf({ concurrency: 2 }, "a", "b", "c", "d");
  gates.admit(NOW);
  gates.setLimit("g", { concurrency: 1 });
  gates.leave("a");
  assert.deepEqual(idsOf(gates.admit(NOW)), []);
  gates.setLimit("g", { concurrency: 3 });
  assert.deepEqual(idsOf(gates.admit(NOW)), ["c", "d"]);
});

test("why and in words: what a ticket waits for", () => {
  const slots = gatesOf({ concurrency: 3 }, "a", "b", "c", "d", "e", "f");
  slots.admit(NOW);
  const wordsOf = (gates: Gates, id: string, now: number) => {
    const waiting = gates.why(id, now);
    return waiting === null ? null : inWords(waiting, now);
  };
  assert.equal(wordsOf(slots, "a", NOW), null);
  assert.equal(wordsOf(slots, "d", NOW), 'waits for its turn at "g": 3 of 3 are under way, it goes next');
  assert.equal(wordsOf(slots, "e", NOW), 'waits for its turn at "g": 3 of 3 are under way, 1 goes before it');
  assert.equal(wordsOf(slots, "f", NOW), 'waits for its turn at "g": 3 of 3 are under way, 2 go before it');
  const rate = gatesOf({ rate: { count: 10, perMs: MINUTE_MS } }, ..."abcdefghijkl");
  rate.admit(NOW);
  const later = NOW + 48 * SECOND_MS;
  assert.equal(
    wordsOf(rate, "l", later),
    'waits for its turn at "g": 10 went within 1 min and the next may in 12 s, 1 goes before it',
  );
  assert.equal(wordsOf(rate, "k", NOW + MINUTE_MS), 'waits for its turn at "g": it goes next');
  assert.equal(wordsOf(new Gates(), "a", NOW), null);
});

test("a limit is read, or refused with what is wrong and where", () => {
  const rate = { count: RATE_COUNT_MAX, perMs: RATE_SPAN_MS_MAX };
  for (const limit of [{ concurrency: CONCURRENCY_MAX }, { rate }, { concurrency: 1, rate }])
    assert.deepEqual(readLimit(limit, "it"), limit);
  const whole = (max: number) => `it must be a whole number from 1 to ${max}.`;
  const wrong: readonly (readonly [unknown, string])[] = [
    [null, "it is null; it must be an object with concurrency, rate."],
    ["3", 'it is "3"; it must be an object with concurrency, rate.'],
    [{}, "it needs concurrency, rate or both; there is neither."],
    [{ concurrency: 1, rates: 1 }, "it.rates is not known; there are: concurrency, rate."],
    [{ concurrency: 0 }, `it.concurrency is 0; ${whole(CONCURRENCY_MAX)}`],
    [{ concurrency: Number.NaN }, `it.concurrency is NaN; ${whole(CONCURRENCY_MAX)}`],
    [{ rate: 5 }, "it.rate is 5; it must be an object with count, perMs."],
    [{ rate: { count: 1 } }, `it.rate.perMs is undefined; ${whole(RATE_SPAN_MS_MAX)}`],
    [{ rate: { count: RATE_COUNT_MAX + 1, perMs: 1 } }, `it.rate.count is 10001; ${whole(RATE_COUNT_MAX)}`],
    [{ rate: { count: 1, perMs: 1.5 } }, `it.rate.perMs is 1.5; ${whole(RATE_SPAN_MS_MAX)}`],
  ];
  for (const [value, message] of wrong)
    assert.throws(
      () => readLimit(value, "it"),
      (error) => isProblemError(error) && error.problem.code === "FLOW_LIMIT_INVALID" && error.message === message,
    );
});

// ── Laws ──

type Act =
  | { readonly kind: "ask"; readonly id: string; readonly gate: string; readonly priority: number; readonly agoMs: number }
  | { readonly kind: "leave"; readonly id: string }
  | { readonly kind: "limit"; readonly gate: string; readonly limit: Limit }
  | { readonly kind: "move"; readonly ms: number }
  | { readonly kind: "restart"; readonly limitsFirst: boolean };

const SPAN_MS = 20;
const gateNames = fc.constantFrom("a", "b", "c");
const ids = fc.integer({ min: 1, max: 25 }).map(String);

function limitsOf(perMs: fc.Arbitrary<number>): fc.Arbitrary<Limit> {
  const concurrency = fc.integer({ min: 1, max: 4 });
  const rate = fc.record({ count: fc.integer({ min: 1, max: 4 }), perMs });
  return fc.oneof(fc.record({ concurrency }), fc.record({ rate }), fc.record({ concurrency, rate }));
}

/** Moves of the clock by up to two spans, sometimes back, sometimes far. */
const moves = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 2 * SPAN_MS }) },
  { weight: 2, arbitrary: fc.integer({ min: -3 * SPAN_MS, max: 0 }) },
  { weight: 1, arbitrary: fc.integer({ min: -DAY_MS, max: DAY_MS }) },
);

function actsOf(limits: fc.Arbitrary<Limit>): fc.Arbitrary<Act[]> {
  const agoMs = fc.oneof(
    fc.nat(9 * AGEING_MS),
    fc.nat(9).map((levels) => levels * AGEING_MS),
  );
  const ask = { id: ids, gate: gateNames, priority: fc.integer({ min: 1, max: 9 }), agoMs };
  const act: fc.Arbitrary<Act> = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant("ask" as const), ...ask }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("leave" as const), id: ids }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("move" as const), ms: moves }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("limit" as const), gate: gateNames, limit: limits }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const), limitsFirst: fc.boolean() }) },
  );
  return fc.array(act, { maxLength: 80, size: "max" });
}

/** One that went, as a witness saw it: at the clock's reading `at`, and at `feltAt` by a clock that never goes back. */
interface Passing {
  readonly ticket: Ticket;
  readonly at: number;
  readonly feltAt: number;
}

/** Gates lived with: remembers, plainly, everything that was said and seen. */
class World {
  gates = new Gates();
  now = NOW;
  felt = 0;
  readonly limits = new Map<string, Limit>();
  /** In the order of asking. */
  readonly standing = new Map<string, Ticket>();
  readonly holding = new Map<string, Ticket>();
  readonly went: Passing[] = [];

  do(act: Act): void {
    if (act.kind === "ask") this.#ask({ ...act, askedAt: this.now - act.agoMs });
    if (act.kind === "leave") this.#leave(act.id);
    if (act.kind === "limit") this.#limit(act.gate, act.limit);
    if (act.kind === "move") this.#move(act.ms);
    if (act.kind === "restart") this.#restart(act.limitsFirst);
  }

  heldAt(gate: string): number {
    return [...this.holding.values()].filter((ticket) => ticket.gate === gate).length;
  }

  admit(): Ticket[] {
    const through = this.gates.admit(this.now);
    for (const one of through) {
      assert.equal(this.standing.delete(one.id), true, "one went that did not stand");
      this.holding.set(one.id, one);
      this.went.push({ ticket: one, at: this.now, feltAt: this.felt });
    }
    return through;
  }

  #ask({ id, gate, priority, askedAt }: Ticket): void {
    const asked = { id, gate, priority, askedAt };
    this.gates.ask(asked);
    if (!this.standing.has(id) && !this.holding.has(id)) this.standing.set(id, asked);
  }

  #leave(id: string): void {
    this.gates.leave(id);
    this.standing.delete(id);
    this.holding.delete(id);
  }

  #limit(gate: string, limit: Limit): void {
    this.gates.setLimit(gate, limit);
    this.limits.set(gate, limit);
  }

  #move(ms: number): void {
    this.now += ms;
    this.felt += Math.max(0, ms);
  }

  /** A new life knows what was written: the limits, who holds, who stands, and when whoever went did. */
  #restart(limitsFirst: boolean): void {
    this.gates = new Gates();
    const limits = () => this.limits.forEach((limit, gate) => void this.gates.setLimit(gate, limit));
    if (limitsFirst) limits();
    for (const { id, gate } of this.holding.values()) this.gates.hold(gate, id);
    for (const { ticket, at } of this.went) this.gates.passed(ticket.gate, at);
    for (const one of this.standing.values()) this.gates.ask(one);
    if (!limitsFirst) limits();
  }
}

const rankOf = ({ askedAt, priority }: Ticket) => askedAt + (priority - 1) * AGEING_MS;

/** Plays the acts, `admit` after each, and looks at the world after it. */
function play(acts: readonly Act[], look: (world: World, through: readonly Ticket[], act: Act) => void): void {
  const world = new World();
  for (const act of acts) {
    world.do(act);
    look(world, world.admit(), act);
  }
}

const MANY = { numRuns: 1_000 };
const anyActs = actsOf(limitsOf(fc.integer({ min: 1, max: 3 * SPAN_MS })));

test("never do more hold than concurrency says by being let through (1)", () => {
  fc.assert(
    fc.property(anyActs, (acts) =>
      play(acts, (world, through) => {
        for (const { gate } of through)
          assert.ok(world.heldAt(gate) <= (world.limits.get(gate)?.concurrency ?? Number.POSITIVE_INFINITY));
      }),
    ),
    MANY,
  );
});

test("in no span go more than the rate's count since it was said, whatever the clock does, restarts included (2)", () => {
  fc.assert(
    fc.property(anyActs, (acts) => {
      const saidAt = new Map<string, number>();
      play(acts, (world, through, act) => {
        if (act.kind === "limit") saidAt.set(act.gate, world.went.length - through.length);
        for (const { gate } of through) {
          const rate = world.limits.get(gate)?.rate;
          const since = world.went.slice(saidAt.get(gate)).filter(({ ticket }) => ticket.gate === gate);
          const within = since.filter(({ feltAt }) => rate !== undefined && feltAt > world.felt - rate.perMs);
          assert.ok(within.length <= (rate?.count ?? 0), `${within.length} within ${rate?.perMs} ms`);
        }
      });
    }),
    MANY,
  );
});

test("nobody passes one that goes before it by rank, nor one that asked 8 * AGEING_MS earlier (3)", () => {
  fc.assert(
    fc.property(anyActs, (acts) =>
      play(acts, (world, through) => {
        const ranks = through.map(rankOf);
        assert.deepEqual(
          ranks,
          ranks.toSorted((a, b) => a - b),
        );
        for (const one of through)
          for (const other of world.standing.values()) {
            if (other.gate !== one.gate) continue;
            assert.ok(rankOf(one) <= rankOf(other));
            assert.ok(one.askedAt <= other.askedAt + 8 * AGEING_MS);
          }
      }),
    ),
    MANY,
  );
});

/** Who goes, told in the simplest way: everybody in order of rank, each looked at by itself. */
class Plain {
  /** By gate, what counts in its rate: moments of the clock, none ahead of it. */
  readonly #moments = new Map<string, readonly number[]>();

  admit(world: World): string[] {
    const through: Ticket[] = [];
    for (const [gate, known] of this.#moments) {
      const felt = known.map((moment) => Math.min(moment, world.now));
      this.#moments.set(
        gate,
        felt.filter((moment) => moment + SPAN_MS > world.now),
      );
    }
    for (const one of [...world.standing.values()].toSorted((a, b) => rankOf(a) - rankOf(b))) {
      const heldNow = through.filter(({ gate }) => gate === one.gate).length;
      const { concurrency, rate } = world.limits.get(one.gate) ?? {};
      const isFull = concurrency !== undefined && world.heldAt(one.gate) + heldNow >= concurrency;
      if (isFull || (rate !== undefined && !this.#isFree(one.gate, rate, world.now))) continue;
      through.push(one);
      this.#moments.set(one.gate, [...(this.#moments.get(one.gate) ?? []), world.now]);
    }
    return idsOf(through);
  }

  #isFree(gate: string, rate: Rate, now: number): boolean {
    return (this.#moments.get(gate) ?? []).filter((moment) => moment + rate.perMs > now).length < rate.count;
  }

  restart(world: World): void {
    this.#moments.clear();
    for (const { ticket, at } of world.went) this.#moments.set(ticket.gate, [...(this.#moments.get(ticket.gate) ?? []), at]);
  }
}

test("exactly those go that may, no more and no fewer, whatever the clock does, restarts included (1–5)", () => {
  const concurrency = fc.integer({ min: 1, max: 4 });
  const rate = fc.record({ count: fc.integer({ min: 1, max: 4 }), perMs: fc.constant(SPAN_MS) });
  const limits = fc.oneof(fc.record({ rate }), fc.record({ concurrency, rate }));
  const first = fc
    .tuple(limits, limits, limits)
    .map((all) => all.map((limit, i) => ({ kind: "limit", gate: "abc"[i] ?? "", limit })));
  fc.assert(
    fc.property(first as fc.Arbitrary<Act[]>, actsOf(limits), (begin, acts) => {
      const [world, plain] = [new World(), new Plain()];
      for (const act of [...begin, ...acts]) {
        world.do(act);
        if (act.kind === "restart") plain.restart(world);
        const wanted = plain.admit(world);
        assert.deepEqual(idsOf(world.admit()), wanted);
        assert.deepEqual(world.gates.admit(world.now), []);
      }
    }),
    MANY,
  );
});

test("after admit nobody stands at an open gate, and the clock alone opens it at nextAt, not before (4)", () => {
  fc.assert(
    fc.property(anyActs, (acts) =>
      play(acts, (world) => {
        const opensAt: number[] = [];
        for (const { id, gate } of world.standing.values()) {
          const waiting = world.gates.why(id, world.now);
          const { concurrency = Number.POSITIVE_INFINITY } = world.limits.get(gate) ?? {};
          assert.equal(waiting?.held, world.heldAt(gate));
          if (world.heldAt(gate) >= concurrency) continue;
          const { rateFreeAt = null } = waiting ?? {};
          assert.ok(rateFreeAt !== null && rateFreeAt <= world.now + 3 * SPAN_MS, "waits at an open gate, or too long");
          opensAt.push(rateFreeAt);
        }
        assert.equal(world.gates.nextAt(), opensAt.length === 0 ? null : Math.min(...opensAt));
      }),
    ),
    MANY,
  );
});

test("why tells how many go before: as many as go first when slots are freed one by one (3)", () => {
  const acts = actsOf(fc.constant({ concurrency: 1 }));
  fc.assert(
    fc.property(acts, (all) => {
      const world = new World();
      for (const act of [...["a", "b", "c"].map((gate): Act => ({ kind: "limit", gate, limit: { concurrency: 1 } })), ...all])
        world.do(act);
      world.admit();
      const before = new Map([...world.standing.keys()].map((id) => [id, world.gates.why(id, world.now)?.before]));
      const passed = new Map<string, number>();
      for (let through = [...world.holding.values()]; through.length > 0; through = world.admit()) {
        for (const { id, gate } of through) {
          if (before.has(id)) assert.equal(passed.get(gate) ?? 0, before.get(id));
          if (before.has(id)) passed.set(gate, (passed.get(gate) ?? 0) + 1);
          world.do({ kind: "leave", id });
        }
      }
    }),
    MANY,
  );
});

test("nobody starves: while slots are freed and the clock goes on, everybody goes, however many come after (3, 4)", () => {
  const limits = limitsOf(fc.integer({ min: 1, max: AGEING_MS }));
  const comers = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 60, size: "max" });
  fc.assert(
    fc.property(limits, comers, fc.nat(3), (limit, priorities, perRound) => {
      const gates = gatesOf(limit);
      gates.ask(ticket("the last", { priority: 9 }));
      let [now, came] = [NOW, 0];
      for (let through: string[] = []; !through.includes("the last"); now += AGEING_MS) {
        assert.ok(now < NOW + 60 * AGEING_MS, "waits on and on");
        for (let i = 0; i < perRound; i++, came++) {
          const priority = priorities[came % priorities.length] ?? 1;
          gates.ask(ticket(`${came}`, { priority, askedAt: now }));
        }
        through = idsOf(gates.admit(now));
        for (const id of through) gates.leave(id);
      }
    }),
    { numRuns: 300 },
  );
});

test("leaving twice is leaving once", () => {
  fc.assert(
    fc.property(anyActs, (acts) => {
      const [once, twice] = [new World(), new World()];
      for (const act of acts) {
        once.do(act);
        twice.do(act);
        if (act.kind === "leave") twice.do(act);
        assert.deepEqual(twice.admit(), once.admit());
      }
    }),
    MANY,
  );
});

test("when all have left and the rates' spans are over, gates keep their limits only (6)", () => {
  fc.assert(
    fc.property(anyActs, (acts) => {
      const world = new World();
      for (const act of acts) {
        world.do(act);
        world.admit();
      }
      for (const id of [...world.standing.keys(), ...world.holding.keys()]) world.do({ kind: "leave", id });
      world.admit();
      world.do({ kind: "move", ms: RATE_SPAN_MS_MAX });
      world.admit();
      assert.deepEqual([world.gates.busyCount, world.gates.nextAt()], [0, null]);
    }),
    MANY,
  );
});

// ── Cost ──

test("a hundred thousand in line go one by one, and as many come and go at a gate that stays shut, quickly (5)", () => {
  const COUNT = 100_000;
  const beganAt = performance.now();
  const gates = gatesOf({ concurrency: 1 });
  for (let i = 0; i < COUNT; i++) gates.ask(ticket(`${i}`, { priority: 1 + (i % 9), askedAt: NOW + ((i * 7919) % COUNT) }));
  let went = 0;
  for (let through = gates.admit(NOW); through.length > 0; through = gates.admit(NOW)) {
    went += through.length;
    for (const { id } of through) gates.leave(id);
  }
  assert.equal(went, COUNT);
  gates.hold("g", "the one");
  for (let i = 0; i < COUNT; i++) {
    gates.ask(ticket("passer-by"));
    gates.admit(NOW);
    gates.leave("passer-by");
  }
  assert.ok(performance.now() - beganAt < 10 * SECOND_MS, "the whole line is walked for each");
});

test("those that came and left leave nothing behind, though one before them stays in line (6)", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const gates = gatesOf({ concurrency: 1 }, "holds", "stays");
  gates.admit(NOW);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 200_000; i++) {
    gates.ask(ticket(`${i}`));
    gates.admit(NOW);
    gates.leave(`${i}`);
    gates.passed("never limited", NOW + i);
  }
  collect();
  assert.ok(process.memoryUsage().heapUsed - before < 1_000_000);
  assert.equal(gates.why("stays", NOW)?.before, 0);
});

test("the largest rate is as quick as others (2)", () => {
  const rate = { count: RATE_COUNT_MAX, perMs: RATE_COUNT_MAX };
  const gates = gatesOf({ rate });
  const beganAt = performance.now();
  for (let i = 0; i < 20 * RATE_COUNT_MAX; i++) {
    gates.ask(ticket(`${i}`));
    assert.equal(gates.admit(NOW + i).length, 1);
    gates.leave(`${i}`);
  }
  assert.ok(performance.now() - beganAt < 10 * SECOND_MS);
});
