import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ledger } from "./ledger.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const CAPABILITY = "translate";

const whom = (agent: string) => ({ capability: CAPABILITY, agent });

function reported(ledger: Ledger, operator: string, agent: string, right: number, wrong: number, allowListed = true): void {
  ledger.importEvidence({ peer: `the ${operator}`, operator, allowListed, ...whom(agent), right, wrong });
}

function recordAll(ledger: Ledger, agent: string, verdicts: readonly boolean[]): void {
  for (const ok of verdicts) ledger.record({ ...whom(agent), ok });
}

const mean = (ledger: Ledger, agent: string) => ledger.estimate(whom(agent)).mean;

/** Nothing changes: what is said of evidence can be said exactly. */
const still = () => new Ledger({ rules: { hazardMax: 0 } });

const verdicts = fc.array(fc.boolean(), { maxLength: 40 });
const report = fc.record({
  operator: fc.constantFrom("p", "q", "r", "s"),
  allowListed: fc.boolean(),
  right: fc.nat(60),
  wrong: fc.nat(60),
});

test("three good peers that agree make a newcomer known, as 20 tasks at most (I3)", () => {
  const ledger = still();
  for (const operator of ["p", "q", "r"]) reported(ledger, operator, "a", 90, 10);
  for (const operator of ["p", "q", "r"]) for (const agent of ["b", "c"]) reported(ledger, operator, agent, 50, 50);
  recordAll(
    ledger,
    "b",
    Array.from({ length: 40 }, (_, i) => i % 2 === 0),
  );
  const { mean: chance, low, verdicts: own } = ledger.estimate(whom("a"));
  assert.equal(own, 0);
  assert.ok(chance > 0.8 && low > 0.6, `${chance}, ${low}`);
});

test("a peer whose reports do not fit what we see loses its weight, one that fits gains it (I2)", () => {
  const ledger = new Ledger();
  reported(ledger, "honest", "a", 18, 2);
  reported(ledger, "liar", "a", 2, 18);
  recordAll(
    ledger,
    "a",
    Array.from({ length: 20 }, (_, i) => i % 10 !== 0),
  );
  const [honest, liar] = ledger.peers(CAPABILITY);
  assert.deepEqual([honest?.operator, liar?.operator], ["honest", "liar"]);
  assert.ok((honest?.weight ?? 0) > 0.7 && (liar?.weight ?? 1) < 0.01);
});

test("what peers say ends with a change (B3)", () => {
  const ledger = new Ledger();
  for (const operator of ["p", "q", "r"]) reported(ledger, operator, "a", 95, 5);
  recordAll(
    ledger,
    "a",
    Array.from({ length: 100 }, () => true),
  );
  recordAll(
    ledger,
    "a",
    Array.from({ length: 40 }, () => false),
  );
  assert.ok(mean(ledger, "a") < 0.05);
});

test("reports end in the explanation", () => {
  const ledger = new Ledger();
  recordAll(
    ledger,
    "a",
    Array.from({ length: 40 }, (_, i) => i % 10 !== 0),
  );
  for (const operator of ["p", "q"]) reported(ledger, operator, "a", 90, 10);
  const { explanation } = ledger.choose({ capability: CAPABILITY, candidates: [{ agent: "a" }], seed: "s" });
  assert.match(
    explanation,
    /Evidence: 40 verified tasks \(36 right\); 90 % interval \d+–\d+ %; 2 peers agree \(count as [\d.]+ tasks\)\./,
  );
});

test("law: peers move the belief by no more than k/(k + n + 2) (I4)", () => {
  fc.assert(
    fc.property(verdicts, fc.array(report, { maxLength: 8 }), (list, reports) => {
      const [with_, without] = [still(), still()];
      for (const ledger of [with_, without]) recordAll(ledger, "a", list);
      for (const { operator, allowListed, right, wrong } of reports) reported(with_, operator, "a", right, wrong, allowListed);
      const most = 20 / (20 + list.length + 2);
      assert.ok(Math.abs(mean(with_, "a") - mean(without, "a")) <= most + 1e-12);
      assert.ok(mean(with_, "a") > 0 && mean(with_, "a") < 1);
    }),
  );
});

test("law: a report of nothing changes nothing, nor does one said twice by the same operator (I1)", () => {
  fc.assert(
    fc.property(verdicts, fc.array(report, { minLength: 1, maxLength: 8 }), (list, reports) => {
      const ledger = new Ledger();
      recordAll(ledger, "a", list);
      for (const { operator, allowListed, right, wrong } of reports) reported(ledger, operator, "a", right, wrong, allowListed);
      const before = mean(ledger, "a");
      reported(ledger, "nobody", "a", 0, 0);
      assert.equal(mean(ledger, "a"), before);
      const last = reports.at(-1);
      assert.ok(last);
      ledger.importEvidence({ ...last, peer: "another name", ...whom("a") });
      assert.ok(Math.abs(mean(ledger, "a") - before) < 1e-12);
    }),
  );
});

test("law: the newest report of an operator replaces its older one (I1)", () => {
  fc.assert(
    fc.property(verdicts, fc.nat(50), fc.nat(50), fc.nat(50), fc.nat(50), (list, right, wrong, newRight, newWrong) => {
      const [twice, once] = [new Ledger(), new Ledger()];
      for (const ledger of [twice, once]) recordAll(ledger, "a", list);
      reported(twice, "p", "a", right, wrong);
      reported(twice, "p", "a", newRight, newWrong);
      reported(once, "p", "a", newRight, newWrong);
      assert.equal(mean(twice, "a"), mean(once, "a"));
    }),
  );
});
