import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isProblemError } from "../base/problem.ts";
import { fraction, seededRandom } from "../base/random.ts";
import { PROBATION_BURST, PROBATION_SHARE, PROVEN_VERDICTS } from "./capability.ts";
import { Ledger } from "./ledger.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const CAPABILITY = "translate";

function record(ledger: Ledger, agent: string, right: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const ok = Math.floor(((i + 1) * right) / count) > Math.floor((i * right) / count);
    ledger.record({ capability: CAPABILITY, agent, ok });
  }
}

const ask = (agents: readonly string[], more = {}) => ({
  ...{ capability: CAPABILITY, candidates: agents.map((agent) => ({ agent })), seed: "s" },
  ...more,
});

const said = { by: "eve", why: "it leaks data", at: 1_700_000_000_000 };

test("trustMin refuses those with five verdicts that are believed less; the refusal names each score", () => {
  const ledger = new Ledger();
  record(ledger, "good", 9, 10);
  record(ledger, "poor", 4, 10);
  record(ledger, "young", 0, 4);
  assert.equal(ledger.choose(ask(["good", "poor"], { trustMin: 0.7 })).agent, "good");
  const refused = ledger.tryChoose(ask(["poor"], { trustMin: 0.7 }));
  assert.ok(refused.kind === "refused");
  const [refusal] = refused.refusals;
  const { mean } = ledger.estimate({ capability: CAPABILITY, agent: "poor" });
  assert.deepEqual(refusal, { agent: "poor", why: "trust", score: mean, wanted: 0.7 });
  assert.equal(refused.explanation, 'Nobody may be asked for "translate": poor is believed 41 % right, 70 % is asked for.');
  assert.throws(
    () => ledger.choose(ask(["poor"], { trustMin: 0.7 })),
    (error) => isProblemError(error) && error.code === "TRUST_NOBODY",
  );
  assert.equal(ledger.choose(ask(["young"], { trustMin: 0.7 })).agent, "young");
});

test("where the risk is high, one has to be known well: the 5 % quantile counts", () => {
  const ledger = new Ledger();
  record(ledger, "young", 5, 5);
  record(ledger, "proven", 97, 100);
  assert.deepEqual(ledger.choose(ask(["young", "proven"], { risk: "high" })).chain, ["proven"]);
  const refused = ledger.tryChoose(ask(["young", "new"], { risk: "high" }));
  assert.ok(refused.kind === "refused");
  assert.deepEqual(
    refused.refusals.map(({ agent, why, wanted }) => [agent, why, wanted]),
    [
      ["young", "risk", 0.8],
      ["new", "risk", 0.8],
    ],
  );
});

test("a ban removes, a pin puts first, clear lifts both; who, why and when are kept", () => {
  const ledger = new Ledger();
  record(ledger, "good", 19, 20);
  record(ledger, "poor", 8, 20);
  const choose = () => ledger.choose(ask(["good", "poor"]));
  ledger.instruct({ kind: "pin", agent: "poor", capability: CAPABILITY, ...said, why: "cheap contract" });
  assert.deepEqual([choose().agent, choose().chain], ["poor", ["poor", "good"]]);
  assert.match(choose().explanation, /^Chosen: poor, pinned by eve \(cheap contract\)\. .* Chosen by trial draw: no\.$/);
  ledger.instruct({ kind: "ban", agent: "poor", ...said });
  assert.deepEqual(choose().chain, ["good"]);
  const refused = ledger.tryChoose(ask(["poor"]));
  assert.ok(refused.kind === "refused");
  assert.equal(refused.explanation, 'Nobody may be asked for "translate": poor is banned by eve: it leaks data.');
  const restored = Ledger.restore(ledger.snapshot());
  assert.deepEqual(restored.choose(ask(["good", "poor"])).chain, ["good"]);
  ledger.instruct({ kind: "clear", agent: "poor", ...said });
  assert.deepEqual(choose().chain, ["good", "poor"]);
  assert.deepEqual(
    ledger.instructions().map(({ kind, by }) => `${kind} ${by}`),
    ["pin eve", "ban eve", "clear eve"],
  );
});

test("forgiveness forgets strikes and the past, not that the agent is known", () => {
  const ledger = new Ledger();
  record(ledger, "a", 40, 40);
  record(ledger, "a", 0, 20);
  assert.ok(ledger.estimate({ capability: CAPABILITY, agent: "a" }).mean < 0.2);
  ledger.instruct({ kind: "forgive", agent: "a", ...said });
  const { mean, verdicts, changedAt, lastFall } = ledger.estimate({ capability: CAPABILITY, agent: "a" });
  assert.deepEqual(
    { mean, verdicts, changedAt, lastFall },
    { mean: 0.5, verdicts: 0, changedAt: undefined, lastFall: undefined },
  );
  record(ledger, "a", 8, 8);
  assert.ok(ledger.estimate({ capability: CAPABILITY, agent: "a" }).mean > 0.85);
});

test("verdicts of a checker that errs count less, and its errors are taken out of what is shown", () => {
  const ledger = new Ledger();
  const next = seededRandom(5);
  const checker = { falsePositive: 0.2, falseNegative: 0.1 };
  for (let i = 0; i < 4_000; i++) {
    const isRight = fraction(next) < 0.6;
    const ok = fraction(next) < (isRight ? 1 - checker.falseNegative : checker.falsePositive);
    ledger.record({ capability: CAPABILITY, agent: "a", ok, checker });
  }
  const { mean, low, high } = ledger.estimate({ capability: CAPABILITY, agent: "a" });
  assert.ok(Math.abs(mean - 0.6) < 0.05 && low < mean && mean < high, `${low} ${mean} ${high}`);
  assert.throws(() =>
    ledger.record({ capability: CAPABILITY, agent: "a", ok: true, checker: { falsePositive: 0.5, falseNegative: 0.5 } }),
  );
});

test("an agent known at other kinds begins a kind as good as it is there, as up to four tasks", () => {
  const ledger = new Ledger();
  for (let i = 0; i < 60; i++) ledger.record({ capability: CAPABILITY, kind: "poems", agent: "a", ok: i % 20 !== 0 });
  const letters = ledger.estimate({ capability: CAPABILITY, kind: "letters", agent: "a" });
  const [k, m] = [(4 * 60) / 68, 58 / 62];
  const expected = (1 + k * m) / (2 + k);
  assert.equal(letters.verdicts, 0);
  assert.ok(Math.abs(letters.mean - expected) < 0.02, `${letters.mean} is not ${expected}`);
  assert.ok(ledger.estimate({ capability: CAPABILITY, kind: "poems", agent: "a" }).mean > 0.9);
});

test("the history fits a whole life into few points, with every fall", () => {
  const ledger = new Ledger();
  record(ledger, "a", 475, 500);
  record(ledger, "a", 60, 300);
  const points = ledger.history({ capability: CAPABILITY, agent: "a" });
  assert.ok(points.length > 10 && points.length <= 32);
  assert.ok(points.every(({ low, mean, high }) => low <= mean + 1e-9 && mean <= high + 1e-9));
  assert.ok(points.some(({ at, mean }) => at < 500 && mean > 0.9) && points.some(({ at, mean }) => at > 520 && mean < 0.35));
  const { lastFall } = ledger.estimate({ capability: CAPABILITY, agent: "a" });
  assert.ok(lastFall !== undefined && lastFall.from > 0.9 && lastFall.to < 0.5);
});

const worlds = fc.record({
  agents: fc.integer({ min: 2, max: 60 }),
  rate: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.nat(),
});

for (const [federation, a] of [
  ["closed", 2],
  ["open", 1],
] as const) {
  test(`law: in a ${federation} federation no more than ⌈${a}√(t+1)⌉ + 1 agents are tried in t verdicts (A2)`, () => {
    fc.assert(
      fc.property(worlds, ({ agents, rate, seed }) => {
        const ledger = new Ledger({ federation });
        const next = seededRandom(seed);
        const tried = new Set<string>();
        for (let t = 0; t < 120; t++) {
          const candidates = Array.from({ length: agents }, (_, i) => ({ agent: `a${i}` }));
          const { agent } = ledger.choose({ capability: CAPABILITY, candidates, seed: `${t}` });
          tried.add(agent);
          ledger.record({ capability: CAPABILITY, agent, ok: fraction(next) < rate });
          assert.ok(tried.size <= Math.ceil(a * Math.sqrt(t + 1)) + 1);
        }
      }),
      { numRuns: 20 },
    );
  });
}

test("law: once an agent is proven, the others get a burst and a tenth of the tasks at most (A3)", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.1, max: 0.9, noNaN: true }), fc.nat(), (rate, seed) => {
      const ledger = new Ledger({ federation: "open" });
      const next = seededRandom(seed);
      record(ledger, "old", Math.round(20 * rate), PROVEN_VERDICTS);
      const had = new Map<string, number>();
      let unproven = 0;
      for (let t = 1; t <= 300; t++) {
        const candidates = [
          { agent: "old" },
          ...Array.from({ length: 8 }, (_, i) => ({ agent: `new${Math.floor(t / 9)}-${i}` })),
        ];
        const { agent } = ledger.choose({ capability: CAPABILITY, candidates, seed: `${t}` });
        const count = had.get(agent) ?? 0;
        if (agent !== "old" && count < PROVEN_VERDICTS) unproven++;
        had.set(agent, count + 1);
        ledger.record({ capability: CAPABILITY, agent, ok: fraction(next) < (agent === "old" ? rate : 0.95) });
        assert.ok(unproven <= PROBATION_BURST + PROBATION_SHARE * t, `${unproven} of ${t}`);
      }
    }),
    { numRuns: 20 },
  );
});

test("tasks under way count against probation before their verdict comes (A3)", () => {
  const ledger = new Ledger({ federation: "open" });
  record(ledger, "old", 24, PROVEN_VERDICTS + 100);
  const chosen = (inFlight: number) =>
    Array.from({ length: 50 }, (_, i) => {
      const candidates = [{ agent: "old" }, { agent: "new", inFlight }];
      return ledger.choose({ capability: CAPABILITY, candidates, seed: `${i}` }).agent;
    });
  assert.ok(chosen(0).includes("new"));
  assert.ok(!chosen(PROBATION_BURST).includes("new"));
});
