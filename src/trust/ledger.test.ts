import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, type Json, readJson, writeJson } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { seededRandom } from "../base/random.ts";
import { type Belief, type Climate, meanIn, mixtureOf, outlookOf, regimesOf, STRANGER } from "./belief.ts";
import { type BetaMixture, betaBelow, drawBeta, normalBelow, quantileOf } from "./beta.ts";
import { AGENTS_PER_CAPABILITY_MAX } from "./capability.ts";
import type { TrustChoice } from "./choice.ts";
import { learn, REGIMES_MAX } from "./learning.ts";
import { CAPABILITIES_MAX, Ledger, type Outcome, type TrustChange } from "./ledger.ts";
import type { Candidate } from "./option.ts";
import { RULES } from "./rules.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const CAPABILITY = "translate";

function outcome(agent: string, ok: boolean, more: Partial<Outcome> = {}): Outcome {
  return { capability: CAPABILITY, agent, ok, ...more };
}

/** `right` of `count` verdicts are right, the wrong ones spread evenly. */
function recordShare(ledger: Ledger, agent: string, right: number, count: number, more: Partial<Outcome> = {}): void {
  for (let i = 0; i < count; i++)
    ledger.record(outcome(agent, Math.floor(((i + 1) * right) / count) > Math.floor((i * right) / count), more));
}

const estimateOf = (ledger: Ledger, agent: string) => ledger.estimate({ capability: CAPABILITY, agent });

const namesOf = (...agents: readonly string[]): Candidate[] => agents.map((agent) => ({ agent }));

function near(actual: number | undefined, expected: number, tolerance: number): void {
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);
}

// ── Stories: belief ──

test("a newcomer is believed even where newcomers did well, and worse where they did badly (4)", () => {
  const ledger = new Ledger();
  const { low, high, ...rest } = estimateOf(ledger, "new");
  assert.deepEqual(rest, { mean: 0.5, verdicts: 0 });
  for (const [actual, expected] of [
    [low, 0.05],
    [high, 0.95],
  ] as const)
    near(actual, expected, 1e-4);
  recordShare(ledger, "good", 20, 20);
  assert.equal(estimateOf(ledger, "new").mean, 0.5);
  for (const bad of ["b", "c", "d"]) recordShare(ledger, bad, 0, 9);
  near(estimateOf(ledger, "new").mean, (5 + 1) / (20 + 2), 1e-12);
});

test("what is observed or said moves no estimate of quality (1)", () => {
  const ledger = new Ledger();
  recordShare(ledger, "a", 8, 10);
  const { mean } = estimateOf(ledger, "a");
  for (let i = 0; i < 50; i++) ledger.observe({ capability: CAPABILITY, agent: "a", latencyMs: 60_000, priceUsd: 9 });
  assert.equal(estimateOf(ledger, "a").mean, mean);
  const candidates = [{ agent: "a", priceUsd: 0, inFlight: 500 }];
  assert.equal(ledger.choose({ capability: CAPABILITY, candidates, seed: "s" }).estimates.a?.mean, mean);
});

test("an agent long unseen is believed the less: the hazard is one change in 16000 verdicts, learned from there", () => {
  const ledger = new Ledger();
  recordShare(ledger, "a", 40, 40);
  const known = (1 + 40) / (2 + 40);
  recordShare(ledger, "b", 3_000, 3_000);
  const unseen = 1 - (1 - 1 / (16_000 + 3_040)) ** 3_001;
  near(estimateOf(ledger, "a").mean, unseen * 0.5 + (1 - unseen) * known, 1e-9);
});

test("a silent fall is found within a few verdicts, with what it was and is; a rise is found too, and is no strike", () => {
  const ledger = new Ledger();
  recordShare(ledger, "a", 282, 300);
  const fall = firstChange(ledger, "a", (i) => i % 4 === 3);
  assert.ok(fall.after <= 12, `${fall.after} verdicts`);
  near(fall.change.from, 0.94, 0.02);
  assert.ok(fall.change.to < 0.4);
  near(estimateOf(ledger, "a").changedAt, 300, 3);
  recordShare(ledger, "a", 50, 200);
  const rise = firstChange(ledger, "a", () => true);
  near(rise.change.from, 0.25, 0.05);
  assert.ok(rise.change.to > rise.change.from);
});

test("every fall doubles the strikes, which halve within 2000 verdicts of the capability, and end at 32", () => {
  let belief = STRANGER;
  const strikes: number[] = [];
  const climate = { prior: 0.5, hazard: 0.01 };
  for (let now = 0, last = 0; strikes.length < 7; now++) {
    const ok = Math.floor(now / 60) % 2 === 0;
    const { belief: after, change } = learn(belief, outlookOf(belief, { ...climate, now }), verdictOf(ok));
    if (change !== null && change.to < change.from) {
      near(after.strikes, Math.min(32, 2 * last * 0.5 ** ((now - belief.struckAt) / 2_000) + 1), 1e-9);
      last = after.strikes;
      strikes.push(last);
    }
    belief = after;
  }
  assert.equal(strikes[0], 1);
  assert.ok((strikes.at(-1) ?? 0) > 28);
  near(outlookOf(belief, { ...climate, now: belief.struckAt + 2_000 }).strikes, belief.strikes / 2, 1e-12);
});

function firstChange(ledger: Ledger, agent: string, isRight: (i: number) => boolean): { change: TrustChange; after: number } {
  for (let i = 0; i < 200; i++) {
    const change = ledger.record(outcome(agent, isRight(i)));
    if (change !== null) return { change, after: i + 1 };
  }
  return assert.fail("no change found");
}

// ── Stories: costs ──

test("latency is averaged by load, never falls as load grows, and an unseen load takes what the next lower takes", () => {
  const ledger = new Ledger();
  const at = (inFlight: number) => {
    const candidates = [{ agent: "a", inFlight }];
    return ledger.choose({ capability: CAPABILITY, candidates, seed: "s" }).estimates.a?.latencyMs;
  };
  assert.equal(at(0), undefined);
  ledger.observe({ capability: CAPABILITY, agent: "a", latencyMs: 800, inFlight: 4 });
  assert.deepEqual([0, 4, 100].map(at), [800, 800, 800]);
  ledger.record(outcome("a", true, { latencyMs: 100 }));
  ledger.record(outcome("a", true, { latencyMs: 200 }));
  ledger.observe({ capability: CAPABILITY, agent: "a", latencyMs: 50, inFlight: 64 });
  near(at(0), 110, 1e-9);
  assert.deepEqual([1, 2, 3].map(at), [at(0), at(0), at(0)]);
  assert.deepEqual([4, 7, 8, 63, 64, 10_000].map(at), [800, 800, 800, 800, 800, 800]);
  near(estimateOf(ledger, "a").latencyMs, 110, 1e-9);
});

test("worth is value times quality times punctuality, less price and waiting", () => {
  const ledger = new Ledger();
  recordShare(ledger, "a", 9, 10, { latencyMs: 1_000, priceUsd: 0.5 });
  const terms = { capability: CAPABILITY, valueUsd: 10, deadlineMs: 1_000, delayUsdPerMs: 0.001, seed: "s" };
  const { mean, priceUsd } = estimateOf(ledger, "a");
  near(priceUsd, 0.5, 1e-12);
  const expectedUsd = (candidate: Candidate, more = {}) =>
    ledger.choose({ ...terms, ...more, candidates: [candidate] }).estimates[candidate.agent]?.expectedUsd;
  near(expectedUsd({ agent: "a" }), 10 * mean * 0.5 - 0.5 - 1, 1e-6);
  near(expectedUsd({ agent: "a", priceUsd: 0.25 }), 10 * mean * 0.5 - 0.25 - 1, 1e-6);
  near(expectedUsd({ agent: "a" }, { deadlineMs: 500 }), 10 * mean * normalBelow(Math.log(0.5) / 0.5) - 0.5 - 0.5, 1e-6);
  near(expectedUsd({ agent: "new" }), 10 * 0.5, 1e-9);
});

// ── Stories: choice ──

test("draws are Thompson's, sharpened by 1.5: half again the evidence", () => {
  const ledger = new Ledger();
  recordShare(ledger, "a", 12, 15);
  const scores = Array.from({ length: 20_000 }, (_, i) => {
    return ledger.choose({ capability: CAPABILITY, candidates: namesOf("a"), seed: `run_7/${i}` }).estimates.a?.score ?? 0;
  });
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
  const [a, b] = [1 + 12, 1 + 3];
  assert.equal(RULES.closed.sharpness, 1.5);
  near(mean, a / (a + b), 0.005);
  near(variance / ((a * b) / ((a + b) ** 2 * (1.5 * (a + b) + 1))), 1, 0.05);
});

test("newcomers are tried while fewer than 2√(t+1) agents were, or when all are newcomers (5)", () => {
  const ledger = new Ledger();
  const names = Array.from({ length: 60 }, (_, i) => `a${i}`);
  const tried = new Set<string>();
  for (let t = 0; t < 400; t++) {
    const { agent } = ledger.choose({ capability: CAPABILITY, candidates: namesOf(...names), seed: `${t}` });
    assert.ok(tried.add(agent).size <= Math.ceil(2 * Math.sqrt(t + 1)));
    ledger.record(outcome(agent, false));
  }
  assert.equal(tried.size, Math.ceil(2 * Math.sqrt(400)));
  assert.equal(ledger.choose({ capability: CAPABILITY, candidates: namesOf("x"), seed: "s" }).agent, "x");
});

test("the chain goes by cost over chance, ends where the value does not cover the cost, and is never empty (6)", () => {
  const ledger = new Ledger();
  recordShare(ledger, "good", 18, 18);
  recordShare(ledger, "fair", 10, 18);
  recordShare(ledger, "poor", 2, 18);
  const chainOf = (prices: Record<string, number>, valueUsd = 1) => {
    const candidates = Object.entries(prices).map(([agent, priceUsd]) => ({ agent, priceUsd }));
    return ledger.choose({ capability: CAPABILITY, candidates, valueUsd, seed: "s" }).chain;
  };
  assert.deepEqual(chainOf({ poor: 0, fair: 0, good: 0 }), ["good", "fair", "poor"]);
  assert.deepEqual(chainOf({ poor: 0.1, fair: 0.1, good: 0.5 }), ["fair", "good", "poor"]);
  assert.deepEqual(chainOf({ poor: 0.2, fair: 0.1, good: 0.5 }), ["fair", "good"]);
  assert.deepEqual(chainOf({ poor: 2, fair: 2, good: 2 }), ["good"]);
  assert.deepEqual(chainOf({ poor: 2, fair: 2, good: 2 }, 10), ["good", "fair"]);
});

test("a choice is explained in plain sentences", () => {
  const ledger = new Ledger();
  const explained = (seed: string, agents: readonly string[], more = {}) =>
    ledger.choose({ capability: CAPABILITY, candidates: namesOf(...agents), seed, ...more }).explanation;
  assert.equal(
    explained("s", ["A"]),
    "Chosen: A. Expected value $0.50 = $1.00 × 50 % right. No evidence yet; 90 % interval 5–95 %.",
  );
  ledger.record(outcome("B", true, { latencyMs: 90_000 }));
  assert.equal(
    explained("s", ["B"], { valueUsd: 0.05 }),
    "Chosen: B. Expected value $0.033 = $0.050 × 67 % right. Evidence: 1 verified task (1 right); 90 % interval 22–97 %.",
  );
  recordShare(ledger, "A", 172, 183, { latencyMs: 1_000, priceUsd: 0.02 });
  assert.equal(
    explained("s", ["A", "B"], { deadlineMs: 3_200, delayUsdPerMs: 0.00002 }),
    "Chosen: A. Expected value $0.89 = $1.00 × 94 % right × 99 % on time − $0.020 price − $0.020 for about 1.0 s. " +
      "Evidence: 183 verified tasks (172 right); 90 % interval 90–96 %. Runner-up: B −$0.064. Chosen by trial draw: no.",
  );
  const trial = Array.from({ length: 99 }, (_, i) => explained(`${i}`, ["A", "B"])).find((text) => text.includes("Chosen: B"));
  assert.equal(
    trial,
    "Chosen: B. Expected value $0.66 = $1.00 × 66 % right. Evidence: 1 verified task (1 right); 90 % interval 22–97 %. " +
      "Highest expected value: A $0.92. Chosen by trial draw: yes, to learn.",
  );
  recordShare(ledger, "A", 0, 20);
  assert.match(
    explained("s", ["A"]),
    /Evidence: 203 verified tasks \(172 right\); .* One fall at verdict 18\d of the capability \(94 %→\d+ %\)\.$/,
  );
});

// ── Stories: what is kept ──

test("over a limit the agent or capability leaves whose last record is the oldest (7)", () => {
  const ledger = new Ledger();
  for (let i = 0; i < AGENTS_PER_CAPABILITY_MAX; i++) ledger.record(outcome(`a${i}`, true));
  ledger.observe({ capability: CAPABILITY, agent: "a0", latencyMs: 1 });
  ledger.record(outcome("one more", true));
  assert.deepEqual(
    ["a0", "a1", "a2", "one more"].map((agent) => estimateOf(ledger, agent).verdicts),
    [1, 0, 1, 1],
  );
  for (let i = 0; i < CAPABILITIES_MAX; i++) ledger.record({ capability: `c${i}`, agent: "a", ok: true });
  assert.equal(estimateOf(ledger, "a2").verdicts, 0);
  assert.equal(ledger.estimate({ capability: "c0", agent: "a" }).verdicts, 1);
});

test("an agent may have any name, and counts once", () => {
  const ledger = new Ledger();
  const candidates = [{ agent: "__proto__", priceUsd: 0.1 }, ...namesOf("", "__proto__", "constructor")];
  for (const { agent } of candidates) ledger.record(outcome(agent, true));
  const { estimates, chain } = Ledger.restore(ledger.snapshot()).choose({ capability: CAPABILITY, candidates, seed: "s" });
  assert.deepEqual(Object.keys(estimates), ["__proto__", "", "constructor"]);
  assert.deepEqual(chain.toSorted(), ["", "__proto__", "constructor"]);
  assert.equal(Object.getOwnPropertyDescriptor(estimates, "__proto__")?.value.priceUsd, 0.1);
});

test("a snapshot is plain JSON; what is none of ours is refused, with the place", () => {
  const ledger = new Ledger();
  recordShare(ledger, "a", 5, 6, { latencyMs: 10 });
  const text = writeJson(ledger.snapshot(), "the snapshot", 1e6);
  const wrong: readonly (readonly [RegExp, string, string])[] = [
    [/"version":2/, '"version":3', "version is 3; it must be 1 or 2."],
    [/"agents":\[.*\],"peers"/, '"agents":7,"peers"', "capabilities[0].agents is 7; it must be an array."],
    [/"name":"a"/, '"name":{}', "capabilities[0].agents[0].name is an object; it must be a string."],
    [/"birth":0/, '"birth":-1', "capabilities[0].agents[0].kinds[0].regimes[0].birth is -1; it must be a number from 0."],
    [/"lastAt":\d+,/, "", "capabilities[0].agents[0].kinds[0].lastAt is missing; it must be a number from 0."],
    [/^.*$/, "[]", "the snapshot is an array; it must be an object."],
  ];
  for (const [pattern, replacement, detail] of wrong)
    refused("TRUST_SNAPSHOT_INVALID", detail, () => Ledger.restore(readJson(text.replace(pattern, replacement), "it", 1e6)));
});

test("what would spoil the ledger is refused, and leaves it as it was", () => {
  const ledger = new Ledger();
  ledger.record(outcome("a", true));
  const before = ledger.snapshot();
  const finite = "it must be a finite number";
  refused("TRUST_INPUT_INVALID", `latencyMs is NaN; ${finite} from 0.`, () =>
    ledger.record(outcome("a", true, { latencyMs: Number.NaN })),
  );
  refused("TRUST_INPUT_INVALID", `weight is 0; ${finite} above 0 up to 1.`, () =>
    ledger.record(outcome("a", true, { weight: 0 })),
  );
  refused("TRUST_INPUT_INVALID", `priceUsd is -1; ${finite} from 0.`, () =>
    ledger.observe({ capability: "c", agent: "a", priceUsd: -1 }),
  );
  const request = { capability: "c", candidates: namesOf("a"), seed: "s" };
  refused("TRUST_INPUT_INVALID", `deadlineMs is 0; ${finite} above 0.`, () => ledger.choose({ ...request, deadlineMs: 0 }));
  refused("TRUST_INPUT_INVALID", 'Nobody is a candidate for "c".', () => ledger.choose({ ...request, candidates: [] }));
  assert.deepEqual(ledger.snapshot(), before);
});

function refused(code: string, detail: string, act: () => unknown): void {
  assert.throws(act, (error) => isProblemError(error) && error.code === code && error.problem.detail === detail);
}

// ── Laws ──

/** A world in which nothing changes. */
const STILL: Climate = { prior: 0.5, hazard: 0, now: 0 };

const verdictOf = (ok: boolean, weight = 1) => ({ ok, weight, falsePositive: 0, falseNegative: 0 });

function learnAll(verdicts: readonly boolean[], climate: Climate, begin: Belief = STRANGER): Belief {
  return verdicts.reduce((belief, ok, i) => {
    return learn(belief, outlookOf(belief, { ...climate, now: climate.now + i }), verdictOf(ok)).belief;
  }, begin);
}

const mean = (belief: Belief, climate: Climate) => meanIn(belief, outlookOf(belief, climate));

const verdicts = fc.array(fc.boolean(), { maxLength: 60 });
const priors = fc.double({ min: 0.01, max: 0.5, noNaN: true });

test("law: an agent that never changes is believed as Beta(prior + right, prior + wrong), in whatever order (3)", () => {
  fc.assert(
    fc.property(verdicts, priors, (list, prior) => {
      const climate = { ...STILL, prior };
      const belief = learnAll(list, climate);
      const right = list.filter((ok) => ok).length;
      const [part, ...others] = mixtureOf(belief, outlookOf(belief, climate));
      assert.deepEqual(others, []);
      assert.equal(part?.weight, 1);
      near(part?.a, 2 * prior + right, 1e-9);
      near(part?.b, 2 * (1 - prior) + list.length - right, 1e-9);
      assert.deepEqual(learnAll(list.toSorted(), climate), belief);
    }),
  );
});

test("law: without change, a success never lowers and a failure never raises what is believed", () => {
  fc.assert(
    fc.property(verdicts, fc.boolean(), fc.double({ min: 0.01, max: 1, noNaN: true }), (list, ok, weight) => {
      const belief = learnAll(list, STILL);
      const after = learn(belief, outlookOf(belief, STILL), verdictOf(ok, weight)).belief;
      const moved = mean(after, STILL) - mean(belief, STILL);
      assert.ok(ok ? moved > 0 : moved < 0);
    }),
  );
});

const hazards = fc.double({ min: 0, max: 0.01, noNaN: true });

test("law: the weights of regimes sum to 1, are no more than 16, and the mean lies between 0 and 1 (3)", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), hazards, fc.nat(5_000), (list, hazard, later) => {
      const climate = { ...STILL, hazard };
      const belief = learnAll(list, climate);
      const regimes = regimesOf(belief.regimes);
      if (list.length > 0) near(sumOf(regimes.map(({ weight }) => weight)), 1, 1e-9);
      assert.ok(regimes.length <= REGIMES_MAX);
      const now = list.length + later;
      const outlook = outlookOf(belief, { ...climate, now });
      const mixture = mixtureOf(belief, outlook);
      near(sumOf(mixture.map(({ weight }) => weight)), 1, 1e-9);
      const chance = meanIn(belief, outlook);
      near(sumOf(mixture.map(({ weight, a, b }) => (weight * a) / (a + b))), chance, 1e-12);
      assert.ok(chance > 0 && chance < 1);
    }),
  );
});

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

const agents = fc.constantFrom("a", "b", "c", "d", "e");
const costs = {
  latencyMs: fc.integer({ min: 0, max: 5_000 }),
  inFlight: fc.nat(100),
  priceUsd: fc.double({ min: 0, max: 1, noNaN: true }),
};
const told = fc.record(
  { capability: fc.constantFrom("x", "y"), agent: agents, ok: fc.boolean(), ...costs, weight: fc.constantFrom(0.25, 1) },
  { requiredKeys: ["capability", "agent"] },
);
const requests = fc.record(
  {
    capability: fc.constantFrom("x", "y"),
    candidates: fc.uniqueArray(fc.record({ agent: agents, priceUsd: costs.priceUsd }, { requiredKeys: ["agent"] }), {
      minLength: 1,
      selector: ({ agent }) => agent,
    }),
    ...{ valueUsd: fc.double({ min: 0, max: 9, noNaN: true }), deadlineMs: fc.integer({ min: 1, max: 9_000 }) },
    ...{ delayUsdPerMs: fc.double({ min: 0, max: 0.001, noNaN: true }), seed: fc.string() },
  },
  { requiredKeys: ["capability", "candidates", "seed"] },
);

function tell(ledger: Ledger, { ok, ...rest }: Omit<Outcome, "ok"> & { readonly ok?: boolean }): void {
  if (ok === undefined) ledger.observe(rest);
  else ledger.record({ ...rest, ok });
}

test("law: the ledger is a fold, a snapshot restores it at any point, and choosing leaves it as it is (2)", () => {
  fc.assert(
    fc.property(fc.array(told, { maxLength: 120 }), fc.nat(120), requests, (events, cut, request) => {
      const ledger = new Ledger();
      const firstHalf = new Ledger();
      for (const event of events) tell(ledger, event);
      for (const event of events.slice(0, cut)) tell(firstHalf, event);
      firstHalf.choose(request);
      const restored = Ledger.restore(JSON.parse(JSON.stringify(firstHalf.snapshot())) as Json);
      for (const event of events.slice(cut)) tell(restored, event);
      assert.deepEqual(restored.snapshot(), ledger.snapshot());
      const before = JSON.stringify(ledger.snapshot());
      assert.equal(JSON.stringify(ledger.choose(request)), JSON.stringify(restored.choose(request)));
      assert.equal(JSON.stringify(ledger.snapshot()), before);
    }),
  );
});

test("law: the choice does not depend on the order of the candidates, and is the best draw of those admitted (2)", () => {
  fc.assert(
    fc.property(fc.array(told, { maxLength: 120 }), requests, (events, request) => {
      const ledger = new Ledger();
      for (const event of events) tell(ledger, event);
      const choice = ledger.choose(request);
      const turned = ledger.choose({ ...request, candidates: request.candidates.toReversed() });
      assert.equal(canonicalJson(asData(turned)), canonicalJson(asData(choice)));
      const { agent, chain, estimates } = choice;
      assert.ok(chain.length > 0 && new Set(chain).size === chain.length);
      const score = estimates[agent]?.score ?? Number.NaN;
      for (const [name, other] of Object.entries(estimates)) {
        assert.ok(other.low <= other.high && other.mean > 0 && other.mean < 1);
        assert.ok(name === agent || other.verdicts === 0 || other.score <= score);
      }
    }),
  );
});

const asData = (choice: TrustChoice) => JSON.parse(JSON.stringify(choice)) as Json;

const pricedAgents = fc.array(
  fc.record({
    right: fc.nat(12),
    wrong: fc.nat(12),
    priceUsd: fc.double({ min: 0, max: 1, noNaN: true }),
    latencyMs: fc.nat(900),
  }),
  { minLength: 1, maxLength: 5 },
);

test("law: no order or subset is worth more than a chain worth anything; nobody dominated is first in it (6)", () => {
  fc.assert(
    fc.property(pricedAgents, fc.double({ min: 0.01, max: 3, noNaN: true }), (list, valueUsd) => {
      const ledger = new Ledger();
      for (const [i, { right, wrong, latencyMs }] of list.entries())
        recordShare(ledger, `a${i}`, right + 1, right + wrong + 1, { latencyMs });
      const candidates = list.map(({ priceUsd }, i) => ({ agent: `a${i}`, priceUsd }));
      const request = { capability: CAPABILITY, candidates, valueUsd, delayUsdPerMs: 0.0005, seed: "s" };
      const { chain, estimates } = ledger.choose(request);
      const one = (agent: string) => {
        const { mean: chance = 0, latencyMs = 0, priceUsd = 0 } = estimates[agent] ?? {};
        return { chance, costUsd: priceUsd + 0.0005 * latencyMs };
      };
      const worth = (order: readonly string[]) => order.reduceRight((rest, agent) => afterOne(one(agent), valueUsd, rest), 0);
      const most = Math.max(...ordersOf(Object.keys(estimates)).map(worth));
      if (most > 0) near(worth(chain), most, 1e-9);
      else assert.equal(chain.length, 1);
      const first = one(chain[0] ?? "");
      for (const other of Object.keys(estimates).map(one))
        assert.ok(!(other.chance > first.chance && other.costUsd < first.costUsd));
    }),
    { numRuns: 200 },
  );
});

function afterOne({ chance, costUsd }: { chance: number; costUsd: number }, valueUsd: number, rest: number): number {
  return chance * valueUsd - costUsd + (1 - chance) * rest;
}

/** Every order of every subset but the empty one. */
function ordersOf(names: readonly string[]): string[][] {
  return names.flatMap((name) => [[name], ...ordersOf(names.filter((other) => other !== name)).map((rest) => [name, ...rest])]);
}

test("law: as much of a mixture lies below its quantile as was asked for", () => {
  const part = fc.record({ a: fc.double({ min: 0.5, max: 500, noNaN: true }), b: fc.double({ min: 1, max: 500, noNaN: true }) });
  fc.assert(
    fc.property(
      part,
      part,
      fc.double({ min: 0.001, max: 1, noNaN: true }),
      fc.constantFrom(0.05, 0.95),
      (one, other, weight, share) => {
        const mixture = [
          { ...one, weight },
          { ...other, weight: 1 - weight },
        ];
        near(belowIn(mixture, quantileOf(mixture, share)), share, 2e-5);
      },
    ),
  );
});

function belowIn(mixture: BetaMixture, x: number): number {
  return sumOf(mixture.map(({ weight, a, b }) => weight * betaBelow(x, a, b)));
}

test("Beta: known values, and draws that fall below a value as often as they should", () => {
  near(betaBelow(0.3, 1, 1), 0.3, 1e-9);
  near(betaBelow(0.5, 2, 3), 0.6875, 1e-9);
  near(betaBelow(0.9, 90, 10), 0.4644767001244524, 1e-8);
  near(betaBelow(0.95, 400, 30), 0.9575461765056327, 1e-8);
  near(betaBelow(0.01, 0.1, 1.9), 1 - betaBelow(0.99, 1.9, 0.1), 1e-9);
  near(normalBelow(-1.644854), 0.05, 1e-6);
  assert.deepEqual([normalBelow(Number.NEGATIVE_INFINITY), normalBelow(Number.POSITIVE_INFINITY)], [0, 1]);
  const next = seededRandom(7);
  for (const [a, b] of [
    [0.2, 1.8],
    [1, 1],
    [13, 4],
    [400, 30],
  ] as const) {
    const mixture = [{ weight: 1, a, b }];
    const draws = Array.from({ length: 20_000 }, () => drawBeta(a, b, next));
    for (const x of [0.1, 0.3, 0.5, 0.8, 0.93])
      near(draws.filter((draw) => draw < x).length / draws.length, belowIn(mixture, x), 0.012);
  }
});
