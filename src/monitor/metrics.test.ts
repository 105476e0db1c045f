// The text that collectors of metrics read (numbers: metrics.ts).

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../base/json.ts";
import type { Reading } from "../store.ts";
import { metricsText } from "./metrics.ts";
import { rolledUp, SPANS } from "./rollup.ts";

const AT = Date.UTC(2026, 5, 1, 12);

function reading(facts: Readonly<Record<string, Json>>, more: Partial<Reading> = {}): Reading {
  const own = { seq: 1, id: "r", at: AT, what: "call", service: "a", operation: "say", text: JSON.stringify(facts) } as const;
  return { ...own, ...more };
}

const LINE = /^[a-z_]+\{([a-z]+="(?:[^"\\\n]|\\\\|\\n|\\")*",?)+\} (\d+(\.\d+)?(e-?\d+)?)$/;

test("every line is one of the format, every family is told and stands together, counters count what is folded and what is not", () => {
  const facts = {
    ok: true,
    attempt: 1,
    isFinal: true,
    latencyMs: 200,
    queueMs: 3,
    costUsd: 0.5,
    inputTokens: 30,
    outputTokens: 20,
  };
  const failed = { ok: false, attempt: 2, isFinal: true, failure: "timeout", latencyMs: 900, queueMs: 0, costUsd: null };
  const readings = [
    reading(failed),
    reading(facts, { operation: 'odd "name"\\\n' }),
    reading({ ok: true }, { what: "check", operation: "" }),
  ];
  const rollups = rolledUp([{ reading: reading(facts), facts }], () => null).flatMap((one) =>
    one.kind === "rollup" ? [one] : [],
  );
  assert.deepEqual(rollups.map(({ spanMs }) => spanMs).toSorted(), [SPANS.coarseMs, SPANS.fineMs].toSorted());
  const rating = { call: "r", at: AT, service: "a", operation: "say", capability: "c", rating: 4, comment: null, who: null };
  const stands = [
    { service: "a", isWell: true, isLeftAlone: false },
    { service: "b", isWell: null, isLeftAlone: true },
  ];

  const text = metricsText({ rollups, readings, ratings: [rating] }, stands);

  const lines = text.split("\n");
  assert.equal(lines.pop(), "");
  const told: string[] = [];
  for (const line of lines) {
    const [, family] = /^# HELP (\S+) \S/.exec(line) ?? [];
    if (family !== undefined) told.push(family);
    else if (line.startsWith("#")) assert.match(line, new RegExp(`^# TYPE ${told.at(-1)} (counter|gauge|summary)$`));
    else {
      assert.match(line, LINE);
      assert.match(line, new RegExp(`^${told.at(-1)}(_sum|_count)?\\{`));
    }
  }
  assert.equal(new Set(told).size, told.length);
  for (const line of [
    'baton_service_calls_total{service="a",operation="say"} 1',
    'baton_service_attempts_total{service="a",operation="say"} 2',
    'baton_service_failures_total{service="a",operation="say",class="timeout"} 1',
    'baton_service_tokens_total{service="a",operation="say",direction="input"} 30',
    'baton_service_cost_usd_total{service="a",operation="say"} 0.5',
    'baton_service_unpriced_total{service="a",operation="say"} 1',
    'baton_service_latency_seconds_sum{service="a",operation="say"} 0.2',
    'baton_service_latency_seconds_count{service="a",operation="odd \\"name\\"\\\\\\n"} 1',
    'baton_service_up{service="a"} 1',
    'baton_service_circuit_open{service="b"} 1',
    'baton_service_rating{service="a",operation="say"} 4',
  ])
    assert.ok(lines.includes(line), `${line}\n${text}`);
  assert.ok(!text.includes('baton_service_up{service="b"'));
});

test("where nothing happened nothing is told", () => {
  assert.equal(metricsText({ rollups: [], readings: [], ratings: [] }, []), "");
});
