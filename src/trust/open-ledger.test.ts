import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../base/json.ts";
import { openLedger } from "./open-ledger.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const agents = fc.constantFrom("a", "b", "c", "d");
const event = fc.oneof(
  fc.record({
    what: fc.constant("record" as const),
    kind: fc.constantFrom("", "poems", "letters"),
    agent: agents,
    ok: fc.boolean(),
    checker: fc.option(fc.constant({ falsePositive: 0.1, falseNegative: 0.2 }), { nil: null }),
  }),
  fc.record({
    what: fc.constant("report" as const),
    agent: agents,
    operator: fc.constantFrom("p", "q", "r"),
    right: fc.nat(30),
    wrong: fc.nat(30),
  }),
  fc.record({ what: fc.constant("instruct" as const), agent: agents, kind: fc.constantFrom("pin", "ban", "clear", "forgive") }),
);

type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

function tell(ledger: ReturnType<typeof openLedger>, one: Event): void {
  const about = { capability: "x", agent: one.agent };
  if (one.what === "record") {
    const { kind, ok, checker } = one;
    ledger.record({ ...about, kind, ok, ...(checker === null ? {} : { checker }) });
  } else if (one.what === "report") {
    const { operator, right, wrong } = one;
    ledger.importEvidence({ ...about, peer: operator, operator, right, wrong });
  } else ledger.instruct({ ...about, kind: one.kind as "pin", by: "eve", why: "so", at: 1 });
}

test("the example of the contract: choose, record, learn, explain", () => {
  const ledger = openLedger({ seed: 7 });
  const candidates = [
    { agent: "A", priceUsd: 0.02 },
    { agent: "B", priceUsd: 0.02, inFlight: 1 },
  ];
  for (let i = 0; i < 200; i++) {
    const { agent } = ledger.choose({ capability: "write.brief", candidates, deadlineMs: 3_000 });
    ledger.record({ capability: "write.brief", agent, ok: agent === "A" ? i % 12 !== 0 : i % 3 === 0, latencyMs: 1_000 });
  }
  const choice = ledger.choose({ capability: "write.brief", candidates, deadlineMs: 3_000, delayUsdPerMs: 0.00002 });
  assert.equal(choice.chain[0], "A");
  assert.match(
    choice.explanation,
    /^Chosen: A\. Expected value \$0\.\d\d = \$1\.00 × \d\d % right × 99 % on time − \$0\.020 price − \$0\.020 for about 1\.0 s\. Evidence: \d+ verified tasks \(\d+ right\); 90 % interval \d\d–\d\d %\. Runner-up: B .*Chosen by trial draw: no\.$/,
  );
  const { mean, low, high, verdicts } = ledger.estimate({ capability: "write.brief", agent: "A" });
  assert.ok(low < mean && mean < high && verdicts > 100);
});

test("law: the state is a fold: a snapshot at any point goes on as if nothing had been, with the same choices", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), fc.nat(80), fc.constantFrom("", "poems"), (events, cut, kind) => {
      const [whole, first] = [openLedger({ seed: "s", federation: "open" }), openLedger({ seed: "s", federation: "open" })];
      for (const one of events) tell(whole, one);
      for (const one of events.slice(0, cut)) tell(first, one);
      const second = openLedger({ seed: "s", federation: "open" });
      second.restore(JSON.parse(JSON.stringify(first.snapshot())) as Json);
      for (const one of events.slice(cut)) tell(second, one);
      assert.deepEqual(second.snapshot(), whole.snapshot());
      const request = { capability: "x", kind, candidates: ["a", "b", "c", "d", "e"].map((agent) => ({ agent })) };
      const before = JSON.stringify(whole.snapshot());
      assert.equal(JSON.stringify(second.tryChoose(request)), JSON.stringify(whole.tryChoose(request)));
      assert.equal(JSON.stringify(whole.snapshot()), before);
    }),
  );
});

test("a snapshot of version 1 is read, and goes on", () => {
  const regimes = [
    { weight: 0.9, right: 30, wrong: 4, birth: 0 },
    { weight: 0.1, right: 3, wrong: 0, birth: 31 },
  ];
  const old = {
    ...{ name: "a", verdicts: 34, right: 30, firstAt: 0, lastAt: 35, changedAt: 0, strikes: 1, struckAt: 20 },
    ...{ regimes, latenciesMs: [900, null, null, null, null, null, null, null], priceUsd: 0.02 },
  };
  const seen = { ...old, name: "b", verdicts: 0, right: 0, lastAt: 0, strikes: 0, struckAt: 0, regimes: [], priceUsd: null };
  const counts = { verdicts: 36, changes: 1, poolRight: 5, poolWrong: 2, tried: 2 };
  const ledger = openLedger({ seed: 1 });
  ledger.restore({ version: 1, capabilities: [{ name: "x", ...counts, agents: [old, seen] }] });
  const { mean, verdicts, latencyMs, priceUsd } = ledger.estimate({ capability: "x", agent: "a" });
  assert.ok(mean > 0.8 && mean < 0.95);
  assert.deepEqual({ verdicts, latencyMs, priceUsd }, { verdicts: 34, latencyMs: 900, priceUsd: 0.02 });
  assert.equal(ledger.estimate({ capability: "x", agent: "b" }).verdicts, 0);
  ledger.record({ capability: "x", agent: "a", ok: true });
  assert.equal(ledger.estimate({ capability: "x", agent: "a" }).verdicts, 35);
  assert.equal((ledger.snapshot() as { version: number }).version, 2);
});

test("what cannot be restored leaves the ledger as it was", () => {
  const ledger = openLedger({ seed: 1 });
  ledger.record({ capability: "x", agent: "a", ok: true });
  const before = ledger.snapshot();
  assert.throws(() => ledger.restore({ version: 9 }));
  assert.deepEqual(ledger.snapshot(), before);
});

test("law: what candidates say of themselves has no effect on what is believed of them", () => {
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 40 }),
      fc.double({ min: 0, max: 9, noNaN: true }),
      fc.nat(90),
      (events, priceUsd, inFlight) => {
        const ledger = openLedger({ seed: 1 });
        for (const one of events) tell(ledger, one);
        const answer = ledger.tryChoose({ capability: "x", candidates: [{ agent: "a", priceUsd, inFlight }, { agent: "e" }] });
        if (answer.kind === "chosen")
          assert.equal(answer.choice.estimates.a?.mean, ledger.estimate({ capability: "x", agent: "a" }).mean);
      },
    ),
  );
});
