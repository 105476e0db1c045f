// Figures are the same however readings were divided, and quantiles are as exact as they promise (numbers: figures.ts).

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../base/json.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../base/time.ts";
import type { Reading, Rollup } from "../store.ts";
import { type Figures, NOTHING, quantile, Tally } from "./figures.ts";
import { kpisOf } from "./kpis.ts";
import { rolledUp, SPANS } from "./rollup.ts";

const NOW = Date.UTC(2026, 5, 1, 12, 0, 0);

const call = fc.record({
  what: fc.constant("call" as const),
  at: fc.integer({ min: NOW - 3 * HOUR_MS, max: NOW }),
  service: fc.constantFrom("a", "b"),
  operation: fc.constantFrom("x", "y"),
  facts: fc.record({
    ok: fc.boolean(),
    failure: fc.constantFrom("timeout", "refused"),
    attempt: fc.integer({ min: 1, max: 3 }),
    isFinal: fc.boolean(),
    latencyMs: fc.integer({ min: 0, max: 100_000 }),
    queueMs: fc.integer({ min: 0, max: 1_000 }),
    costUsd: fc.integer({ min: 0, max: 4 }),
    inputTokens: fc.integer({ min: 0, max: 1_000 }),
    outputTokens: fc.integer({ min: 0, max: 1_000 }),
  }),
});

interface Made {
  readonly what: Reading["what"];
  readonly at: number;
  readonly service: string;
  readonly operation: string;
  readonly facts: Readonly<Record<string, Json>>;
}

function readingOf({ facts, ...rest }: Made, seq: number): Reading {
  return { ...rest, seq, id: `r${seq}`, text: JSON.stringify(facts) };
}

/** Folds parts one after the other into what is kept, as the store keeps it. */
function foldedIn(parts: readonly (readonly Made[])[]): Rollup[] {
  const kept = new Map<string, Rollup>();
  const nameOf = ({ service, operation, spanMs, fromAt }: Omit<Rollup, "figuresText">): string =>
    [service, operation, spanMs, fromAt].join(" ");
  for (const part of parts) {
    const read = part.map((made, at) => ({ reading: readingOf(made, at), facts: made.facts }));
    const changes = rolledUp(read, (key) => {
      const found = kept.get(nameOf(key));
      return found === undefined ? null : (JSON.parse(found.figuresText) as Figures);
    });
    for (const change of changes) if (change.kind === "rollup") kept.set(nameOf(change), change);
  }
  return [...kept.values()];
}

test("1 however readings are divided, and whether they are folded or not, the figures are the same", () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), fc.array(fc.nat(60), { maxLength: 5 }), (made, cuts) => {
      const places = [0, ...cuts.map((cut) => Math.min(cut, made.length)).toSorted((a, b) => a - b), made.length];
      const parts = places.slice(1).map((to, i) => made.slice(places[i], to));
      const whole = kpisOf({ rollups: foldedIn([made]), readings: [], ratings: [] }, "24h", NOW);
      assert.deepEqual(kpisOf({ rollups: foldedIn(parts), readings: [], ratings: [] }, "24h", NOW), whole);
      assert.deepEqual(kpisOf({ rollups: [], readings: made.map(readingOf), ratings: [] }, "24h", NOW), whole);
      const [folded = [], ...left] = parts;
      const rest = left.flat().map(readingOf);
      assert.deepEqual(kpisOf({ rollups: foldedIn([folded]), readings: rest, ratings: [] }, "24h", NOW), whole);
    }),
  );
});

test("2 a quantile is off by 5 % at most", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.02, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0.5, 0.95, 0.99),
      (times, share) => {
        const tally = new Tally();
        for (const latencyMs of times) tally.count("call", { ok: true, attempt: 1, latencyMs });
        const sorted = times.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
        const told = quantile(tally.figures.latency, share) ?? 0;
        assert.ok(Math.abs(told - exact) <= 0.05 * exact + 0.01, `${told} for ${exact}`);
      },
    ),
  );
});

test("3 what is no number of things counts nothing, and figures that it spoilt heal", () => {
  const tally = new Tally({ ...new Tally().figures, inputTokens: Number.POSITIVE_INFINITY, costUsd: null as unknown as number });
  for (const odd of [1e308, -5, Number.NaN, "7", null])
    tally.count("call", { ok: true, attempt: 1, latencyMs: 2, inputTokens: odd, outputTokens: odd, costUsd: odd });
  tally.count("call", { ok: true, attempt: 1, latencyMs: 2, inputTokens: 3, outputTokens: 4, costUsd: 0.5 });
  tally.add(JSON.parse('{"outputTokens":null,"busyMs":1e999,"latency":{"7":null}}') as Figures);
  const { calls, inputTokens, outputTokens, costUsd, busyMs, latency } = tally.figures;
  assert.deepEqual([calls, inputTokens, outputTokens, costUsd, busyMs, latency["7"]], [6, 3, 4, 0.5, 12, 0]);
});

test("the five figures of a day", () => {
  const at = NOW - MINUTE_MS;
  const made = (facts: Made["facts"], what: Made["what"] = "call"): Made => ({ what, at, service: "a", operation: "x", facts });
  const tokens = { inputTokens: 30, outputTokens: 20 };
  const readings = [
    made({ ok: true, attempt: 1, latencyMs: 100, costUsd: 0.03, ...tokens }),
    made({ ok: false, failure: "timeout", attempt: 1, latencyMs: 300, costUsd: 0.01, ...tokens }),
    made({ ok: true, attempt: 2, latencyMs: 100, costUsd: 0.04, ...tokens, degraded: "other-model" }),
    made({ ok: false, failure: "refused", attempt: 1, latencyMs: 0, costUsd: 0 }),
    made({ ok: true }, "check"),
    made({ ok: true }, "check"),
    made({ ok: false }, "check"),
    made({ to: "open" }, "circuit"),
  ].map(readingOf);
  const rated = { call: "r1", at, service: "a", operation: "x", capability: "c", comment: null, who: null };
  const ratings = [
    { ...rated, rating: 5 },
    { ...rated, rating: 2 },
  ];

  const { figures, operations, services } = kpisOf({ rollups: [], readings, ratings }, "24h", NOW);

  assert.deepEqual(figures.serviceSuccessRate, { share: 0.6667, calls: 3 });
  assert.equal(figures.averageResponseTime.meanMs, 100);
  assert.deepEqual(figures.userSatisfaction, { mean: 3.5, ratings: 2 });
  assert.deepEqual(figures.systemReliability, { uptimeShare: 0.6667, errorRate: 0.5 });
  assert.deepEqual(figures.resourceEfficiency, { tokens: 0.6667, usd: 0.875, slotTime: 0.4 });
  const [one] = operations;
  assert.deepEqual([one?.calls, one?.retries, one?.failures], [3, 1, { timeout: 1, refused: 1 }]);
  assert.deepEqual(services, [{ service: "a", uptimeShare: null, circuitOpened: 0 }]);
});

test("3 what was folded before anybody said which attempt was the last counts as it did", () => {
  const { failedCalls: _, ...kept } = { ...NOTHING, calls: 10, attempts: 12, succeeded: 7, failures: { timeout: 5 } };
  const rollup = {
    service: "a",
    operation: "x",
    spanMs: SPANS.fineMs,
    fromAt: NOW - SPANS.fineMs,
    figuresText: JSON.stringify(kept),
  };
  const { figures } = kpisOf({ rollups: [rollup], readings: [], ratings: [] }, "24h", NOW);
  assert.deepEqual(figures.serviceSuccessRate, { share: 0.7, calls: 10 });
});

test("a mean is not more than its quantile for what the quantile is off", () => {
  const reading = (latencyMs: number, seq: number): Reading =>
    readingOf({ what: "call", at: NOW - 1, service: "a", operation: "x", facts: { ok: true, attempt: 1, latencyMs } }, seq);
  for (let latencyMs = 1; latencyMs < 5_000; latencyMs += 7) {
    const { figures } = kpisOf({ rollups: [], readings: [reading(latencyMs, 1)], ratings: [] }, "24h", NOW);
    const { meanMs, p95Ms } = figures.averageResponseTime;
    assert.ok((meanMs ?? 0) <= (p95Ms ?? 0), `${meanMs} of ${p95Ms}`);
  }
});

test("a window counts what lies in it, and nothing of what does not", () => {
  const made = [5, 50, 100, 20 * 60, 3 * 24 * 60, 20 * 24 * 60, 60 * 24 * 60].map(
    (minutes): Made => ({
      ...{ what: "call", at: NOW - minutes * MINUTE_MS, service: "a", operation: "x" },
      facts: { ok: true, attempt: 1, latencyMs: 1 },
    }),
  );
  const rollups = foldedIn([made]);
  const calls = (["1h", "24h", "7d", "30d"] as const).map(
    (window) => kpisOf({ rollups, readings: [], ratings: [] }, window, NOW).figures.serviceSuccessRate.calls,
  );
  assert.deepEqual(calls, [2, 4, 5, 6]);
  assert.ok(rollups.every(({ spanMs, fromAt }) => fromAt % spanMs === 0));
  assert.equal(SPANS.coarseMs * 24, DAY_MS);
});
