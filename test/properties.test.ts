// Laws that hold for every value, tried on hundreds drawn by chance.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Heap } from "../src/base/heap.ts";
import { canonicalJson, type Json, readJson, writeJson } from "../src/base/json.ts";
import { isProblemError } from "../src/base/problem.ts";
import { readInstant, rfc3339 } from "../src/base/time.ts";
import { Names } from "../src/engine/names.ts";
import { afterFailure, readRetryPolicy } from "../src/run.ts";

const BYTES = 1_000_000;

const json = fc.jsonValue({ maxDepth: 5, noUnicodeString: false }) as fc.Arbitrary<Json>;

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return isProblemError(error) ? error.code : String(error);
  }
  return "accepted";
}

test("JSON that is written reads back the same", () => {
  fc.assert(
    fc.property(json, (value) => {
      const isRefused = JSON.stringify(value).includes('"__proto__"') || hasUnsafeInteger(value);
      if (isRefused) return;
      assert.deepEqual(readJson(writeJson(value, "it", BYTES), "it", BYTES), JSON.parse(JSON.stringify(value)));
    }),
  );
});

function hasUnsafeInteger(value: Json): boolean {
  if (typeof value === "number") return /^-?\d+$/.test(JSON.stringify(value)) && !Number.isSafeInteger(value);
  return typeof value === "object" && value !== null && Object.values(value).some((one) => hasUnsafeInteger(one as Json));
}

test("canonical JSON knows no order of keys", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json), (value) => {
      const turned = Object.fromEntries(Object.entries(value).reverse());
      assert.equal(canonicalJson(value), canonicalJson(turned));
    }),
  );
});

test("a text that is not JSON is refused at a place within it, never otherwise", () => {
  const damaged = fc.tuple(json, fc.nat(), fc.constantFrom("", "}", ",", '"', "[", "x", ":")).map(([value, at, put]) => {
    const text = JSON.stringify(value);
    const where = at % (text.length + 1);
    return text.slice(0, where) + put + text.slice(where + 1);
  });
  fc.assert(
    fc.property(damaged, (text) => {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      const code = codeOf(() => readJson(text, "it", BYTES));
      if (!isJson) assert.ok(code === "JSON_MALFORMED" || code === "JSON_TOO_DEEP", code);
    }),
    { numRuns: 500 },
  );
});

test("the place where JSON ends being JSON is where the damage is", () => {
  const rows: readonly (readonly [string, number, number])[] = [
    ['{\n"topic": }', 2, 10],
    ["[1, 2,]", 1, 7],
    ['{"a" 1}', 1, 6],
    ["", 1, 1],
    ["[1", 1, 3],
    ['{"a":1}}', 1, 8],
    ["nul", 1, 1],
    ["[01]", 1, 3],
  ];
  for (const [text, line, column] of rows) {
    assert.throws(() => readJson(text, "it", BYTES), new RegExp(`line ${line}, column ${column}$`), text);
  }
});

test("a heap gives the least first, and equals in the order they came", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (ranks) => {
      const heap = new Heap<number>();
      for (const [i, rank] of ranks.entries()) heap.push(rank, i);
      const given = ranks.map(() => heap.pop());
      const wanted = ranks.map((rank, i) => ({ rank, i })).toSorted((a, b) => a.rank - b.rank || a.i - b.i);
      assert.deepEqual(
        given,
        wanted.map(({ i }) => i),
      );
      assert.equal(heap.pop(), undefined);
    }),
  );
});

test("a moment written in RFC 3339 reads back the same", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (at) => assert.equal(readInstant(rfc3339(at)), at)));
});

const policies = fc
  .record({
    attemptsMax: fc.integer({ min: 1, max: 20 }),
    firstDelayMs: fc.integer({ min: 0, max: 10_000 }),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    delayMsMax: fc.integer({ min: 0, max: 100_000 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(readRetryPolicy);

test("delays never pass the longest, never lose more than chance may take, and grow", () => {
  const chances = fc.double({ min: 0, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 19 }), chances, (policy, attempt, chance) => {
      const failed = { attempt, nonRetryable: false, codes: [], retryAfterMs: null };
      const at = (drawn: number, number = attempt) =>
        afterFailure({ ...policy, attemptsMax: 99 }, { ...failed, attempt: number }, 0, Number.POSITIVE_INFINITY, drawn);
      const [drawn, full, next] = [at(chance), at(0), at(0, attempt + 1)];
      assert.ok(drawn.kind === "retry" && full.kind === "retry" && next.kind === "retry");
      assert.ok(drawn.retryAt <= Math.ceil(policy.delayMsMax));
      assert.ok(drawn.retryAt >= Math.floor(full.retryAt * (1 - policy.jitter) - 1));
      assert.ok(next.retryAt >= full.retryAt);
    }),
  );
});

test("no attempt is made beyond the last, after the deadline, or when none makes sense", () => {
  fc.assert(
    fc.property(
      policies,
      fc.integer({ min: 1, max: 30 }),
      fc.boolean(),
      fc.nat(200_000),
      (policy, attempt, hopeless, deadlineAt) => {
        const failed = { attempt, nonRetryable: hopeless, codes: ["X"], retryAfterMs: null };
        const next = afterFailure(policy, failed, 0, deadlineAt, 0);
        if (hopeless || attempt >= policy.attemptsMax) assert.equal(next.kind, "give-up");
        if (next.kind === "retry") assert.ok(next.retryAt < deadlineAt);
        assert.equal(afterFailure({ ...policy, nonRetryable: ["X"] }, failed, 0, deadlineAt, 0).kind, "give-up");
      },
    ),
  );
});

test("two operations never get one key, and the same order of calls gives the same keys", () => {
  const name = fc.constantFrom("a", "a #2", "a #3", "b", "/", "a / b", "\\/", "a \\/ b", "b #2", "a /", "/ b");
  const calls = fc.array(fc.record({ scope: fc.array(name, { maxLength: 2 }), name }), { maxLength: 40 });
  fc.assert(
    fc.property(calls, (list) => {
      const keys = keysOf(list);
      assert.equal(new Set(keys).size, keys.length, keys.join("\n"));
      assert.deepEqual(keysOf(list), keys);
    }),
    { numRuns: 500 },
  );
});

/** The keys that operations get when each scope is entered once and stays open. */
function keysOf(calls: readonly { readonly scope: readonly string[]; readonly name: string }[]): string[] {
  const scopes = new Map<string, Names>([["[]", new Names("")]]);
  const keys: string[] = [];
  const enter = (path: readonly string[]): Names => {
    const id = JSON.stringify(path);
    const known = scopes.get(id);
    if (known !== undefined) return known;
    const { key } = enter(path.slice(0, -1)).take(path.at(-1) ?? "", false);
    keys.push(key);
    const names = Names.within(key);
    scopes.set(id, names);
    return names;
  };
  for (const { scope, name } of calls) keys.push(enter(scope).take(name, false).key);
  return keys;
}
