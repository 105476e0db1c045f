// The benchmark in short, with bounds a sound ledger keeps easily and a broken one does not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ledgerPolicy } from "./ledgers.ts";
import { amongKinds, clairvoyant, ledgerRouter, routed } from "./load.ts";
import { play } from "./play.ts";
import { ANCHOR, SCENARIOS } from "./populations.ts";
import { amongLiars, referred } from "./referrals.ts";
import { meanOf, seedsOf } from "./sweeps.ts";
import { smart, whitewash } from "./whitewash.ts";

const BOUNDS: Readonly<Record<string, number>> = { S1: 130, S2: 380, S3: 260, S4: 160, S5: 170, S6: 130, A: 80 };

for (const scenario of [...SCENARIOS, ANCHOR]) {
  const most = BOUNDS[scenario.name] ?? 0;
  test(`${scenario.name}, ${scenario.title}: a mean regret of at most ${most}`, (context) => {
    const played = seedsOf(3).map((seed) => play(scenario, ledgerPolicy(), seed));
    const regret = meanOf(played.map((one) => one.regret));
    context.diagnostic(`mean regret ${regret.toFixed(1)}`);
    assert.ok(regret <= most, `mean regret ${regret.toFixed(1)}`);
  });
}

test("a silent fall is found: the fallen agent gets few tasks more", () => {
  const [, , fall] = SCENARIOS;
  assert.ok(fall);
  for (const seed of seedsOf(3)) assert.ok((play(fall, ledgerPolicy(), seed).delay ?? Number.POSITIVE_INFINITY) <= 80);
});

test("smart whitewashers get little more than a tenth of the tasks of an open federation", () => {
  const reached = whitewash(smart(20), ledgerPolicy({ federation: "open" }), 1_000);
  assert.ok(reached <= 640, `${reached}`);
});

test("what peers say helps, and does not harm when most of them lie", () => {
  for (const [colluders, most] of [
    [0, 12],
    [0.8, 25],
  ] as const) {
    const regret = meanOf(seedsOf(8).map((seed) => referred({ colluders, lie: "friends" }, true, seed)));
    assert.ok(regret <= most, `${colluders}: ${regret.toFixed(1)}`);
  }
});

test("probes keep liars from most of their work", () => {
  const regret = meanOf(seedsOf(20).map((seed) => amongLiars(3, seed)));
  assert.ok(regret <= 18, `${regret.toFixed(1)}`);
});

test("under load the ledger is worth nearly what a clairvoyant is", () => {
  const load = { perSecond: 8, slows: true };
  const share = routed(load, ledgerRouter(1_000), 1_000) / routed(load, clairvoyant(), 1_000);
  assert.ok(share >= 0.95, `${share}`);
});

test("kinds that learn from one another lose less than one belief for all, where kinds differ", () => {
  assert.ok(amongKinds("strong", "shared", 1_000) < amongKinds("strong", "none", 1_000) / 2);
});
