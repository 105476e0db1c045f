// Laws that hold for every value, tried on hundreds drawn by chance: the same ones each time, or others with SEED=n.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { Heap } from "../src/base/heap.ts";
import { readId } from "../src/base/id.ts";
import { canonicalJson, JSON_DEPTH_MAX, type Json, readJson, writeJson } from "../src/base/json.ts";
import { isProblemError, ProblemError } from "../src/base/problem.ts";
import { fraction, seededRandom, shortHash, uuidFrom } from "../src/base/random.ts";
import { readInstant, readSpan, rfc3339, spanForPeople } from "../src/base/time.ts";
import { Names } from "../src/engine/names.ts";
import { afterFailure, type FailedAttempt, limits, RetryAfterError, type RetryPolicy, readRetryPolicy } from "../src/run.ts";
import { newTag, runIds } from "../src/store/ids.ts";
import { type Context, type Workflow, workflow } from "../src/workflow.ts";
import { flow, worldOf } from "./given.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const BYTES = 1_000_000;

/** Runs of a property that is quick. */
const MANY = { numRuns: 500 };

/** Numbers with fractions, spread evenly and at the edges: drawn by their bits alone nearly all would be next to nothing. */
function within(min: number, max: number): fc.Arbitrary<number> {
  const even = fc.nat(1_000_003).map((part) => min + ((max - min) * part) / 1_000_003);
  return fc.oneof({ weight: 3, arbitrary: even }, fc.double({ min, max, noNaN: true }));
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return isProblemError(error) ? error.code : String(error);
  }
  return "accepted";
}

function thrownBy(act: () => unknown): ProblemError {
  try {
    act();
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  return assert.fail("nothing was thrown");
}

// JSON.

/** Texts with everything a text may have: half surrogate pairs, control characters, quotes. */
const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.array(fc.constantFrom("\ud800", "\udc00", "\u0000", '"', "\\", "é", "😀"), { maxLength: 4 }).map((units) => units.join("")),
);

/** Keys of objects. None has a backslash: V8 misreads keys once it has read one that ends in it (nodejs/node#63785, below). */
const keys = fc.oneof(
  { weight: 6, arbitrary: anyText.map((text) => text.replaceAll("\\", "|")) },
  fc.constantFrom("__proto__", "constructor", "toJSON", "0", "-0"),
);

/** Every value that JSON can carry; objects have the keys of all objects' fathers as their own, too. */
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(anyText, fc.boolean(), fc.constant(null), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.array(tie("json"), { maxLength: 5 }),
    fc.array(fc.tuple(keys, tie("json")), { maxLength: 5 }).map((members) => Object.fromEntries(members) as Json),
  ),
}));

/** The same value as JSON has it, which knows no -0. */
function asJson(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function some(value: Json, is: (one: Json, key: string) => boolean, key = ""): boolean {
  if (is(value, key)) return true;
  return typeof value === "object" && value !== null && Object.entries(value).some(([name, one]) => some(one as Json, is, name));
}

/** What is refused when it comes from outside: it would silently become something else. */
function isUnsafe(one: Json, key: string): boolean {
  return key === "__proto__" || (typeof one === "number" && /^-?\d+$/.test(JSON.stringify(one)) && !Number.isSafeInteger(one));
}

test("JSON that is written reads back the same: keys, their order, __proto__, half surrogate pairs; -0 becomes 0", () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = writeJson(value, "it", BYTES);
      const read = JSON.parse(text) as Json;
      assert.equal(JSON.stringify(read), text);
      assert.deepEqual(read, asJson(value));
      assert.ok(text.isWellFormed(), "a text that no database keeps");
      assert.ok(!some(read, (one) => Object.is(one, -0)));
    }),
    MANY,
  );
});

test("JSON that is written is read from outside too, but for what would silently change", () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = writeJson(value, "it", BYTES);
      const code = codeOf(() => readJson(text, "it", BYTES));
      assert.equal(code, some(asJson(value), isUnsafe) ? "JSON_MALFORMED" : "accepted");
      if (code === "accepted") assert.deepEqual(readJson(text, "it", BYTES), asJson(value));
    }),
    MANY,
  );
});

test("exactly what has more bytes than the limit is too large", () => {
  fc.assert(
    fc.property(json, fc.integer({ min: -4, max: 4 }), (value, more) => {
      const bytes = Buffer.byteLength(JSON.stringify(value));
      const wanted = more < 0 ? "JSON_TOO_LARGE" : "accepted";
      assert.equal(
        codeOf(() => writeJson(value, "it", bytes + more)),
        wanted,
      );
      assert.equal(codeOf(() => readJson(JSON.stringify(value), "it", bytes + more)) === "JSON_TOO_LARGE", more < 0);
    }),
    MANY,
  );
});

test("exactly what is nested deeper than the limit is too deep, and so is what refers to itself", () => {
  const nested = (kinds: readonly boolean[], levels: number): Json => {
    let value: Json = 1;
    for (let level = 0; level < levels; level++) value = kinds[level % kinds.length] === true ? [value] : { a: value };
    return value;
  };
  const levels = fc.integer({ min: JSON_DEPTH_MAX - 3, max: JSON_DEPTH_MAX + 3 });
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1 }), levels, (kinds, count) => {
      const wanted = count > JSON_DEPTH_MAX ? "JSON_TOO_DEEP" : "accepted";
      const value = nested(kinds, count);
      const codes = [codeOf(() => writeJson(value, "it", BYTES)), codeOf(() => readJson(JSON.stringify(value), "it", BYTES))];
      assert.deepEqual(codes, [wanted, wanted]);
    }),
    { numRuns: 200 },
  );
  const loop: unknown[] = [];
  loop.push({ loop });
  assert.equal(
    codeOf(() => writeJson(loop, "it", BYTES)),
    "JSON_TOO_DEEP",
  );
});

/** What JSON cannot carry, or not without a change. */
const foreign = fc.constantFrom<unknown>(
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1n, Symbol("s"), () => 1, new Date(0), new Map()],
  ...[new Set(), /x/, new Error("e"), new URL("http://a"), new Uint8Array(2), Object(1), Object("s"), Promise.resolve()],
);

test("what JSON cannot carry is refused with its place, wherever it stands", () => {
  const path = fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.stringMatching(/^[a-z]{1,3}$/)), { maxLength: 5 });
  fc.assert(
    fc.property(path, foreign, (steps, wrong) => {
      const place = `it${steps.map((at) => (typeof at === "number" ? `[${at}]` : `.${at}`)).join("")}`;
      const value = steps.reduceRight<unknown>(
        (inner, at) => (typeof at === "number" ? [...Array<null>(at).fill(null), inner] : { [at]: inner }),
        wrong,
      );
      const { code, message } = thrownBy(() => writeJson(value, "it", BYTES));
      assert.deepEqual([code, message.startsWith(`${place} is `)], ["NOT_JSON", true], message);
    }),
    { numRuns: 300 },
  );
});

test("undefined is nothing as a whole and as a member, and wrong within a list", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.option(json, { nil: undefined })), (value) => {
      const kept = Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
      assert.equal(writeJson(value, "it", BYTES), JSON.stringify(kept));
      const list = Object.values(value);
      assert.equal(
        codeOf(() => writeJson(list, "it", BYTES)),
        list.includes(undefined) ? "NOT_JSON" : "accepted",
      );
    }),
    { numRuns: 200 },
  );
  assert.equal(writeJson(undefined, "it", BYTES), "null");
});

test("canonical JSON is the same exactly for equal values, and says what they are", () => {
  const turned = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(turned);
    if (typeof value !== "object" || value === null) return value;
    const members = Object.entries(value as Record<string, Json>).toReversed();
    return Object.fromEntries(members.map(([key, member]) => [key, turned(member)]));
  };
  fc.assert(
    fc.property(json, json, (one, other) => {
      assert.equal(canonicalJson(turned(one)), canonicalJson(one));
      assert.deepEqual(JSON.parse(canonicalJson(one)), asJson(one));
      assert.equal(canonicalJson(one) === canonicalJson(other), isDeepStrictEqual(asJson(one), asJson(other)));
    }),
    MANY,
  );
});

test("a text that is not JSON is refused at a place within it, never otherwise", () => {
  const damaged = fc.tuple(json, fc.nat(), fc.constantFrom("", "}", ",", '"', "[", "x", ":", "\n")).map(([value, at, put]) => {
    const text = JSON.stringify(value);
    const where = at % (text.length + 1);
    return text.slice(0, where) + put + text.slice(where + 1);
  });
  fc.assert(
    fc.property(damaged, (text) => {
      if (codeOf(() => JSON.parse(text)) === "accepted") return;
      const { code, message } = thrownBy(() => readJson(text, "it", BYTES));
      assert.ok(code === "JSON_MALFORMED" || code === "JSON_TOO_DEEP", code);
      const [, line, column] = /line (\d+), column (\d+)$/.exec(message) ?? [];
      const lines = text.split("\n");
      assert.ok(Number(line) >= 1 && Number(line) <= lines.length, message);
      assert.ok(Number(column) >= 1 && Number(column) <= (lines[Number(line) - 1] ?? "").length + 1, message);
    }),
    MANY,
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

// The heap.

/** A rank pushes, null pops. */
const heapCalls = fc.array(
  fc.option(fc.oneof(fc.integer({ min: -5, max: 5 }), within(-9, 9), fc.constantFrom(Infinity, -Infinity, -0)), {
    freq: 2,
  }),
  { maxLength: 200 },
);

test("a heap gives the least first, and equals in the order they came, however pushes and pops are mixed", () => {
  fc.assert(
    fc.property(heapCalls, (calls) => {
      const heap = new Heap<number>();
      const sorted: { readonly rank: number; readonly i: number }[] = [];
      for (const [i, rank] of calls.entries()) {
        if (rank === null) assert.equal(heap.pop(), sorted.shift()?.i);
        else {
          heap.push(rank, i);
          sorted.push({ rank, i });
          sorted.sort((a, b) => (a.rank === b.rank ? a.i - b.i : a.rank - b.rank));
        }
        assert.deepEqual([heap.size, heap.least], [sorted.length, sorted[0]?.i]);
        assert.ok(heap.leastRank === (sorted[0]?.rank ?? Number.POSITIVE_INFINITY));
      }
    }),
    MANY,
  );
});

// Ids.

test("an id is read exactly where it says its kind and has the form", () => {
  const texts = fc.oneof(
    fc.string(),
    fc.stringMatching(/^run_[a-z0-9_A-Z]{0,5}$/),
    fc.stringMatching(/^run_[a-z0-9]{38,42}$/),
    fc.string().map((rest) => `run_${rest}`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const wanted = /^run_[a-z0-9]{1,40}$/.test(text) && !text.includes("\n");
      assert.equal(readId("run", text), wanted ? text : null);
      assert.equal(readId("step", text), null);
    }),
    MANY,
  );
});

const tags = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(newTag);
const numbers = fc.oneof(fc.integer({ min: 1, max: 2_000_000 }), fc.integer({ min: 1, max: 2 ** 50 - 1 }));

test("run ids tell their numbers, differ as numbers do, and order like them while they are of one length", () => {
  fc.assert(
    fc.property(tags, numbers, numbers, (tag, one, other) => {
      const ids = runIds(tag);
      const [first, second] = [ids.of(one), ids.of(other)];
      assert.deepEqual([readId("run", first), ids.numberOf(first)], [first, one]);
      assert.equal(first === second, one === other);
      if (first.length === second.length) assert.equal(first < second, one < other);
      else assert.equal(first.length < second.length, one < other);
    }),
    MANY,
  );
});

test("an id of another data directory, or one that was changed, is nobody's or another number's", () => {
  fc.assert(
    fc.property(tags, tags, numbers, fc.nat(20), fc.string({ maxLength: 2 }), (tag, foreignTag, number, at, put) => {
      const ids = runIds(tag);
      if (tag !== foreignTag) assert.equal(ids.numberOf(runIds(foreignTag).of(number)), null);
      const id = ids.of(number);
      const changed = (id.slice(0, at) + put + id.slice(at + put.length)) as typeof id;
      const found = ids.numberOf(changed);
      assert.ok(found === null ? changed !== id : ids.of(found) === changed);
    }),
    MANY,
  );
});

// Chance.

test("numbers drawn by chance repeat with their seed and stay within their bounds", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [one, two] = [seededRandom(seed), seededRandom(seed)];
      for (let i = 0; i < 20; i++) {
        const drawn = one();
        assert.ok(drawn === two() && Number.isInteger(drawn) && drawn >= 0 && drawn < 2 ** 32);
      }
      const part = fraction(one);
      assert.ok(part >= 0 && part < 1);
      assert.match(uuidFrom(one), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
    { numRuns: 200 },
  );
});

test("a short hash is a safe whole number, the same for the same text, and notices a changed unit", () => {
  fc.assert(
    fc.property(anyText, fc.nat(), (text, at) => {
      const hash = shortHash(text);
      assert.ok(Number.isSafeInteger(hash) && hash >= 0 && hash < 2 ** 52);
      const where = at % (text.length + 1);
      const changed = text.slice(0, where) + String.fromCharCode((text.charCodeAt(where) || 0) ^ 1) + text.slice(where + 1);
      assert.deepEqual([shortHash(text), shortHash(changed) === hash], [hash, false]);
    }),
    MANY,
  );
});

// Time.

const YEAR_9999 = Date.UTC(9999, 0, 1);
const two = (value: number): string => String(value).padStart(2, "0");

test("a moment written in RFC 3339 reads back the same, in any zone and letter", () => {
  const offsets = fc.integer({ min: -23 * 60, max: 23 * 60 });
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1, 0, 1), max: YEAR_9999 }), offsets, (at, offset) => {
      assert.equal(readInstant(rfc3339(at)), at);
      const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
      const elsewhere = rfc3339(at + offset * 60_000).replace("Z", zone);
      if (/^\d{4}-/.test(elsewhere)) assert.equal(readInstant(elsewhere), at, elsewhere);
      assert.equal(readInstant(rfc3339(at).toLowerCase()), at);
    }),
    MANY,
  );
});

test("a day or an hour that is not there is no moment", () => {
  const upTo = (max: number) => fc.oneof({ weight: 9, arbitrary: fc.nat(max) }, fc.nat(99));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9998 }), upTo(13), upTo(32), upTo(25), upTo(61), (year, month, day, hour, minute) => {
      const date = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
      const daysIn = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
      const isThere = month >= 1 && month <= 12 && day >= 1 && day <= daysIn && hour <= 23 && minute <= 59;
      assert.equal(readInstant(`${date}T${two(hour)}:${two(minute)}:00Z`) !== null, isThere);
      assert.equal(readInstant(date), null);
    }),
    MANY,
  );
});

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const spanParts = fc.array(fc.tuple(fc.nat(1_000), fc.constantFrom(...(Object.keys(UNIT_MS) as (keyof typeof UNIT_MS)[]))), {
  minLength: 1,
  maxLength: 4,
});

test("a span is the sum of its parts, and nothing else is a span", () => {
  fc.assert(
    fc.property(spanParts, fc.string(), (parts, noise) => {
      const text = parts.map(([amount, unit]) => `${amount}${unit}`).join("");
      const sum = parts.reduce((total, [amount, unit]) => total + amount * UNIT_MS[unit], 0);
      assert.equal(readSpan(text), sum);
      for (const spoiled of [`-${text}`, `${text} `, ` ${text}`, `${text}1`, text.toUpperCase()])
        assert.equal(readSpan(spoiled), null);
      const read = readSpan(noise);
      assert.ok(read === null || (Number.isInteger(read) && read >= 0), noise);
    }),
    MANY,
  );
});

const PEOPLE_MS = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

test("a span for people is never more than it was, hardly less, and has no 60 s", () => {
  const spans = fc.oneof(
    fc.nat(120_000),
    fc.nat(8 * 3_600_000),
    fc.nat(100 * 86_400_000),
    fc.constantFrom(59_999, 9_999, 3_599_999),
  );
  fc.assert(
    fc.property(spans, (ms) => {
      const parts = [...spanForPeople(ms).matchAll(/(\d+(?:\.\d)?) (ms|s|min|h|d)/g)];
      const told = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * PEOPLE_MS[unit as "ms"], 0);
      const precision = ms < 1_000 ? 1 : ms < 10_000 ? 100 : ms < 3_600_000 ? 1_000 : ms < 86_400_000 ? 60_000 : 3_600_000;
      assert.ok(told <= ms && ms - told < precision, `${ms} is told as ${spanForPeople(ms)}`);
      for (const [, amount, unit] of parts)
        assert.ok(unit === "d" || Number(amount) < { ms: 1_000, s: 60, min: 60, h: 24 }[unit as "ms"], spanForPeople(ms));
    }),
    MANY,
  );
});

// Retries.

const policies: fc.Arbitrary<RetryPolicy> = fc
  .record({
    attemptsMax: fc.integer({ min: 1, max: limits.ATTEMPTS_MAX }),
    firstDelayMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10_000 }), within(0, 100_000), within(0, 1e12)),
    factor: fc.oneof(fc.constantFrom(1, 2, 1_000), within(1, 5), within(1, 1_000)),
    delayMsMax: fc.oneof(fc.integer({ min: 0, max: 100_000 }), within(0, 1_000_000), within(0, limits.WAIT_MS_MAX)),
    jitter: fc.oneof(fc.constantFrom(0, 1), within(0, 1)),
  })
  .map(readRetryPolicy);

const attempts = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: limits.ATTEMPTS_MAX - 1 }));
const chances = within(0, 1 - 2 ** -53);
const NOW = Date.UTC(2026, 0, 1);

/** The delay before the attempt after this one, where there is always one more. */
function delayAfter(policy: RetryPolicy, attempt: number, chance: number, retryAfterMs: number | null = null): number {
  const failed: FailedAttempt = { attempt, nonRetryable: false, codes: [], retryAfterMs };
  const next = afterFailure({ ...policy, attemptsMax: Infinity }, failed, NOW, Infinity, chance);
  assert.ok(next.kind === "retry", "given up");
  assert.ok(Number.isSafeInteger(next.retryAt), `at ${next.retryAt}, which is no moment`);
  return next.retryAt - NOW;
}

test("a delay is a whole number of ms, within what the policy allows, after any number of attempts", () => {
  fc.assert(
    fc.property(policies, attempts, chances, (policy, attempt, chance) => {
      const [drawn, full] = [delayAfter(policy, attempt, chance), delayAfter(policy, attempt, 0)];
      assert.ok(full <= Math.ceil(policy.delayMsMax));
      assert.ok(drawn <= full && drawn >= Math.floor(full * (1 - policy.jitter)) - 1, `${drawn} of ${full}`);
      if (policy.jitter === 0) assert.equal(drawn, full);
    }),
    MANY,
  );
});

test("each delay is the one before times the factor, up to the longest", () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 60 }), (policy, attempt) => {
      const exact = policy.firstDelayMs === 0 ? 0 : policy.firstDelayMs * policy.factor ** (attempt - 1);
      assert.equal(delayAfter(policy, attempt, 0), Math.ceil(Math.min(exact, policy.delayMsMax)));
      const [before, after] = [delayAfter(policy, attempt, 0), delayAfter(policy, attempt + 1, 0)];
      const wanted = Math.min(before * policy.factor, Math.ceil(policy.delayMsMax));
      assert.ok(after >= before && Math.abs(after - wanted) <= policy.factor + 1 + wanted * 1e-12, `${before}, then ${after}`);
    }),
    MANY,
  );
});

test("more of chance never makes a delay longer", () => {
  fc.assert(
    fc.property(policies, attempts, chances, chances, (policy, attempt, one, other) => {
      const [less, more] = [Math.min(one, other), Math.max(one, other)];
      assert.ok(delayAfter(policy, attempt, less) >= delayAfter(policy, attempt, more));
    }),
    MANY,
  );
});

test("who asks for time gets it, up to an hour, and nobody is asked sooner than the policy says", () => {
  const wishes = fc.oneof(fc.integer({ min: -1_000, max: 10_000_000 }), within(-1_000, 10_000_000), fc.double({ noNaN: true }));
  fc.assert(
    fc.property(policies, attempts, chances, wishes, (policy, attempt, chance, retryAfterMs) => {
      const own = delayAfter(policy, attempt, chance);
      const wanted = Math.ceil(Math.min(Math.max(retryAfterMs, 0), limits.RETRY_AFTER_MS_MAX));
      assert.equal(delayAfter(policy, attempt, chance, retryAfterMs), Math.max(own, wanted));
    }),
    MANY,
  );
});

test("no attempt is made beyond the last, after the deadline, or when none makes sense", () => {
  const few = policies.map((policy) => ({ ...policy, attemptsMax: 1 + (policy.attemptsMax % 30) }));
  fc.assert(
    fc.property(few, fc.integer({ min: 1, max: 40 }), fc.boolean(), fc.nat(200_000), (policy, attempt, hopeless, untilMs) => {
      const failed = { attempt, nonRetryable: hopeless, codes: ["X"], retryAfterMs: null };
      const next = afterFailure(policy, failed, NOW, NOW + untilMs, 0);
      if (hopeless) assert.deepEqual(next, { kind: "give-up", because: "non-retryable" });
      else if (attempt >= policy.attemptsMax) assert.deepEqual(next, { kind: "give-up", because: "attempts-spent" });
      else assert.equal(next.kind === "retry", delayAfter(policy, attempt, 0) < untilMs);
      const listed = afterFailure({ ...policy, nonRetryable: ["X"] }, failed, NOW, NOW + untilMs, 0);
      assert.deepEqual(listed, { kind: "give-up", because: "non-retryable" });
    }),
    MANY,
  );
});

test("a policy that was read reads as itself, and a field beyond its bounds is refused by its name", () => {
  const bounds = {
    attemptsMax: [1, limits.ATTEMPTS_MAX],
    factor: [1, 1_000],
    jitter: [0, 1],
    delayMsMax: [0, limits.WAIT_MS_MAX],
  };
  const fields = fc.constantFrom(...(Object.keys(bounds) as (keyof typeof bounds)[]));
  fc.assert(
    fc.property(
      policies,
      fields,
      fc.double({ min: 1e-9, max: 1e300, noNaN: true }),
      fc.boolean(),
      (policy, field, far, above) => {
        assert.deepEqual(readRetryPolicy(policy), policy);
        const [min = 0, max = 0] = bounds[field];
        const value = above ? max + Math.max(far, max / 1e12) : min - far;
        const { code, message } = thrownBy(() => readRetryPolicy({ ...policy, [field]: value }));
        assert.deepEqual([code, message.includes(`retry.${field} `)], ["RETRY_INVALID", true], message);
      },
    ),
    { numRuns: 300 },
  );
});

// Names.

/** An operation, and what is asked for within it where it is a scope. */
interface Asked {
  readonly name: string;
  readonly within: readonly Asked[];
}

/** Names as authors would never write them: of all that has a meaning in a key. */
const name = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", " ", "/", "\\", "#", "1", "2", "3"), minLength: 1, maxLength: 6 }),
  fc.constantFrom(
    "a",
    "a #2",
    "a #3",
    "a #2 #2",
    "b",
    "/",
    "a / b",
    "\\/",
    "a \\/ b",
    "b #2",
    "a /",
    "/ b",
    "a / b #2",
    "#2",
    " #2",
  ),
);

const { asked } = fc.letrec<{ asked: readonly Asked[] }>((tie) => ({
  asked: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constant<readonly Asked[]>([]),
    fc.array(fc.record({ name, within: tie("asked") }), { maxLength: 8 }),
  ),
}));

/** The keys of all operations, in the order they are asked for; each scope is a new one, as often as its name comes. */
function keysOf(list: readonly Asked[], names = new Names("")): string[] {
  return list.flatMap((one) => {
    const { key } = names.take(one.name, false);
    return [key, ...keysOf(one.within, Names.within(key))];
  });
}

test("two operations never get one key, whatever they and their scopes are called; replay gives the same keys", () => {
  fc.assert(
    fc.property(asked, (list) => {
      const keys = keysOf(list);
      assert.equal(new Set(keys).size, keys.length, keys.join("\n"));
      assert.deepEqual(keysOf(list), keys);
    }),
    MANY,
  );
});

test("keys hang on the order within a scope only: scopes that move side by side get the same", () => {
  fc.assert(
    fc.property(fc.array(name, { maxLength: 12 }), fc.array(fc.boolean(), { maxLength: 24 }), (list, turns) => {
      const alone = ["x", "y"].map((scope) => list.map((one) => ({ scope, one })));
      const scopes = new Map(["x", "y"].map((scope) => [scope, Names.within(scope)]));
      const [xs = [], ys = []] = alone.map((calls) => [...calls]);
      const mixed: string[] = [];
      for (let i = 0; xs.length + ys.length > 0; i++) {
        const next = (turns[i] === true ? (xs.shift() ?? ys.shift()) : (ys.shift() ?? xs.shift())) ?? assert.fail();
        mixed.push(scopes.get(next.scope)?.take(next.one, false).key ?? "");
      }
      const wanted = ["x", "y"].flatMap((scope) =>
        keysOf(
          list.map((one) => ({ name: one, within: [] })),
          Names.within(scope),
        ),
      );
      assert.deepEqual(mixed.toSorted(), wanted.toSorted());
    }),
    { numRuns: 300 },
  );
});

test("an operation that is added under a name of its own leaves the keys of all others as they are", () => {
  fc.assert(
    fc.property(asked, fc.nat(), (list, at) => {
      const where = at % (list.length + 1);
      const added = [...list.slice(0, where), { name: "brand-new", within: [] }, ...list.slice(where)];
      assert.deepEqual(
        keysOf(added).filter((key) => key !== "brand-new"),
        keysOf(list),
      );
    }),
    MANY,
  );
});

test("a plain name is its own key, and its later ones are numbered", () => {
  const plain = fc.stringMatching(/^[a-z][a-z0-9 ._-]{0,20}[a-z]$/);
  fc.assert(
    fc.property(fc.array(plain, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 5 }), (path, times) => {
      const names = path.slice(0, -1).reduce((outer, one) => Names.within(outer.take(one, true).key), new Names(""));
      const own = path.at(-1) ?? "";
      for (let i = 1; i <= times; i++) {
        const { key } = names.take(own, false);
        assert.equal(key, [...path.slice(0, -1), i === 1 ? own : `${own} #${i}`].join(" / "));
      }
    }),
    { numRuns: 300 },
  );
});

test("a name that is open is refused where that is strict, and one that ended is not; what is no name is always", () => {
  fc.assert(
    fc.property(name, anyText, (good, any) => {
      const names = new Names("");
      const { use } = names.take(good, true);
      assert.equal(
        codeOf(() => names.take(good, true)),
        "NAME_OPEN_TWICE",
      );
      use.open--;
      assert.equal(
        codeOf(() => names.take(good, true)),
        "accepted",
      );
      const isName = any !== "" && any.length <= limits.NAME_LENGTH_MAX && any.isWellFormed() && !/\p{Cc}/u.test(any);
      if (!isName)
        assert.equal(
          codeOf(() => new Names("").take(any, true)),
          "NAME_INVALID",
        );
    }),
    MANY,
  );
});

// Spans that authors give: whatever they are, one run's wait is nobody else's trouble.

/** Lets a workflow live for a while; says whether the engine is alive and the run has ended. */
async function lived(of: Workflow<null, unknown>): Promise<{ readonly stopped: boolean; readonly ended: boolean }> {
  using world = worldOf([of]);
  const run = await world.start(of).catch(() => null);
  await world.clock.advance(limits.RETRY_AFTER_MS_MAX + 60_000);
  let stopped = false;
  void world.engine.closed.then(() => {
    stopped = true;
  });
  await world.clock.settle();
  return { stopped, ended: run !== null && "endedAt" in world.run(run) };
}

const spansMs = fc.oneof(fc.nat(10_000), within(0, 10_000));

const waits: Readonly<Record<string, (ctx: Context, ms: number) => Promise<unknown>>> = {
  "a sleep": (ctx, ms) => ctx.sleep("a", ms),
  "a wait for a signal": (ctx, ms) => ctx.waitSignal("a", { timeoutMs: ms }),
  "a step's time": (ctx, ms) =>
    ctx.step("a", () => new Promise(() => undefined), { timeoutMs: ms + 1, attemptTimeoutMs: ms / 2 + 1 }),
  "a first delay": (ctx, ms) => ctx.step("a", failing, { retry: { attemptsMax: 2, firstDelayMs: ms } }),
  "a service's wish": (ctx, ms) =>
    ctx.step("a", () => Promise.reject(new RetryAfterError("later", ms)), { retry: { attemptsMax: 2 } }),
};

function failing(): never {
  throw new Error("no");
}

for (const [what, wait] of Object.entries(waits)) {
  test(`${what} may be any number of ms, whole or not`, async () => {
    const property = fc.asyncProperty(spansMs, async (ms) => {
      const of = flow((ctx) => wait(ctx, ms).catch(() => null));
      assert.deepEqual(await lived(of), { stopped: false, ended: true });
    });
    await fc.assert(property, { numRuns: 20 });
  });
}

test("a workflow's time may be any number of ms, whole or not", async () => {
  const property = fc.asyncProperty(spansMs, async (ms) => {
    const of = workflow<null, unknown>({ name: "flow", timeoutMs: ms + 1, run: (ctx) => ctx.waitSignal("never") });
    assert.deepEqual(await lived(of), { stopped: false, ended: true });
  });
  await fc.assert(property, { numRuns: 20 });
});
