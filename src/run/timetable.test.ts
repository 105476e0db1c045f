import assert from "node:assert/strict";
import { test } from "node:test";
import { Cron } from "croner";
import fc from "fast-check";
import { isProblemError } from "../base/problem.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, rfc3339, SECOND_MS } from "../base/time.ts";
import {
  type CatchUp,
  dueFirings,
  firingAfter,
  firings,
  inWords,
  MISSED_COUNT_MAX,
  ON_TIME_MS,
  readTimetable,
  type Timetable,
  type WrittenTimetable,
} from "./timetable.ts";

const NOW = Date.UTC(2025, 0, 1);
const EVERYTHING: CatchUp = { all: Number.POSITIVE_INFINITY };

const cron = (expression: string, zone = "UTC"): Timetable => readTimetable({ cron: expression, zone }, NOW);
const at = (text: string) => Date.parse(text);
const shorts = (moments: readonly number[]) => moments.map((moment) => rfc3339(moment).replace(":00.000Z", "Z"));

/** All firings in (from, to], looked for forwards. */
function between(t: Timetable, from: number, to: number): number[] {
  const found: number[] = [];
  for (let next = firingAfter(t, from); next !== null && next <= to; next = firingAfter(t, next)) found.push(next);
  return found;
}

// ── DST: a zone, an expression, a window in UTC, and every firing in it ──

const BERLIN = "Europe/Berlin"; // 2025-03-30 01:00Z: 02:00 → 03:00; 2025-10-26 01:00Z: 03:00 → 02:00
const NEW_YORK = "America/New_York"; // 2025-03-09 07:00Z: 02:00 → 03:00; 2025-11-02 06:00Z: 02:00 → 01:00
const LORD_HOWE = "Australia/Lord_Howe"; // 2025-10-04 15:30Z: 02:00 → 02:30; 2025-04-05 15:00Z: 02:00 → 01:30
const NUUK = "America/Nuuk"; // 2025-03-30 01:00Z: Saturday 23:00 → Sunday 00:00
const APIA = "Pacific/Apia"; // 2011-12-30 10:00Z: the whole of the 30th is left out

type Row = readonly [zone: string, expression: string, from: string, to: string, firings: readonly string[]];

const DST: readonly Row[] = [
  // A gap: once, right after.
  [
    BERLIN,
    "30 2 * * *",
    "2025-03-29T00:00Z",
    "2025-04-01T00:00Z",
    ["2025-03-29T01:30Z", "2025-03-30T01:00Z", "2025-03-31T00:30Z"],
  ],
  [BERLIN, "0 2 * * *", "2025-03-30T00:00Z", "2025-03-31T00:00Z", ["2025-03-30T01:00Z", "2025-03-31T00:00Z"]],
  [BERLIN, "30 2,3 * * *", "2025-03-30T00:00Z", "2025-03-30T12:00Z", ["2025-03-30T01:00Z", "2025-03-30T01:30Z"]],
  [BERLIN, "0 2,3 * * *", "2025-03-30T00:00Z", "2025-03-30T12:00Z", ["2025-03-30T01:00Z"]],
  [BERLIN, "*/15 2 * * *", "2025-03-30T00:00Z", "2025-03-30T12:00Z", ["2025-03-30T01:00Z"]],
  [
    BERLIN,
    "0 */2 * * *",
    "2025-03-29T22:59Z",
    "2025-03-30T03:00Z",
    ["2025-03-29T23:00Z", "2025-03-30T01:00Z", "2025-03-30T02:00Z"],
  ],
  [NEW_YORK, "30 2 * * *", "2025-03-09T00:00Z", "2025-03-10T12:00Z", ["2025-03-09T07:00Z", "2025-03-10T06:30Z"]],
  [LORD_HOWE, "15 2 * * *", "2025-10-04T00:00Z", "2025-10-05T20:00Z", ["2025-10-04T15:30Z", "2025-10-05T15:15Z"]],
  [LORD_HOWE, "30 2 * * *", "2025-10-04T00:00Z", "2025-10-05T20:00Z", ["2025-10-04T15:30Z", "2025-10-05T15:30Z"]],
  [NUUK, "30 23 * * 6", "2025-03-29T00:00Z", "2025-04-06T12:00Z", ["2025-03-30T01:00Z", "2025-04-06T00:30Z"]],
  [APIA, "0 9 * * *", "2011-12-29T12:00Z", "2011-12-31T00:00Z", ["2011-12-29T19:00Z", "2011-12-30T10:00Z", "2011-12-30T19:00Z"]],
  // An overlap: once, the first time.
  [BERLIN, "30 2 * * *", "2025-10-25T12:00Z", "2025-10-27T12:00Z", ["2025-10-26T00:30Z", "2025-10-27T01:30Z"]],
  [BERLIN, "30 2,14 * * *", "2025-10-25T22:00Z", "2025-10-26T22:00Z", ["2025-10-26T00:30Z", "2025-10-26T13:30Z"]],
  [BERLIN, "*/30 2 * * *", "2025-10-25T22:00Z", "2025-10-26T22:00Z", ["2025-10-26T00:00Z", "2025-10-26T00:30Z"]],
  [BERLIN, "30 2 * * *", "2025-10-26T00:45Z", "2025-10-27T01:00Z", []],
  [BERLIN, "30 2 * * *", "2025-10-26T01:15Z", "2025-10-27T12:00Z", ["2025-10-27T01:30Z"]],
  [NEW_YORK, "30 1 * * *", "2025-11-02T00:00Z", "2025-11-03T12:00Z", ["2025-11-02T05:30Z", "2025-11-03T06:30Z"]],
  [NEW_YORK, "0 2 * * *", "2025-11-02T00:00Z", "2025-11-03T12:00Z", ["2025-11-02T07:00Z", "2025-11-03T07:00Z"]],
  [LORD_HOWE, "45 1 * * *", "2025-04-05T00:00Z", "2025-04-06T20:00Z", ["2025-04-05T14:45Z", "2025-04-06T15:15Z"]],
  [LORD_HOWE, "15 1 * * *", "2025-04-05T00:00Z", "2025-04-06T20:00Z", ["2025-04-05T14:15Z", "2025-04-06T14:45Z"]],
  // Every hour: on through both.
  [
    BERLIN,
    "20 * * * *",
    "2025-03-30T00:00Z",
    "2025-03-30T03:00Z",
    ["2025-03-30T00:20Z", "2025-03-30T01:20Z", "2025-03-30T02:20Z"],
  ],
  [
    BERLIN,
    "20 0-23 * * *",
    "2025-10-26T00:00Z",
    "2025-10-26T03:00Z",
    ["2025-10-26T00:20Z", "2025-10-26T01:20Z", "2025-10-26T02:20Z"],
  ],
  [
    LORD_HOWE,
    "@hourly",
    "2025-10-04T14:00Z",
    "2025-10-04T17:00Z",
    ["2025-10-04T14:30Z", "2025-10-04T16:00Z", "2025-10-04T17:00Z"],
  ],
];

test("what clocks leave out fires once, right after; what they show twice fires once, the first time", () => {
  for (const [zone, expression, from, to, expected] of DST) {
    assert.deepEqual(
      shorts(between(cron(expression, zone), at(from), at(to))),
      expected,
      `${expression} in ${zone} from ${from}`,
    );
  }
});

test("an expression for every hour goes on every 15 real minutes through gaps and overlaps, in both directions", () => {
  for (const [zone, turn] of [
    [BERLIN, "2025-03-30T01:00Z"],
    [BERLIN, "2025-10-26T01:00Z"],
    [NEW_YORK, "2025-03-09T07:00Z"],
    [NEW_YORK, "2025-11-02T06:00Z"],
    [LORD_HOWE, "2025-10-04T15:30Z"],
    [LORD_HOWE, "2025-04-05T15:00Z"],
    [APIA, "2011-12-30T10:00Z"],
  ] as const) {
    const from = at(turn) - 6 * HOUR_MS;
    const expected = Array.from({ length: 48 }, (_, index) => from + (index + 1) * 15 * MINUTE_MS);
    const t = cron("*/15 * * * *", zone);

    assert.deepEqual(firings(t, from, 48), expected, `${zone} ${turn}`);
    assert.deepEqual(dueFirings(t, from, from + 12 * HOUR_MS, EVERYTHING).fire, expected, `${zone} ${turn}, backwards`);
  }
});

// ── The calendar ──

test("leap days, month ends and weekdays come when they come", () => {
  const rows: readonly (readonly [string, string, readonly string[]])[] = [
    ["0 0 29 2 *", "2025-01-01T00:00Z", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]],
    ["0 0 29 2 *", "2096-02-29T00:00Z", ["2104-02-29T00:00Z", "2108-02-29T00:00Z"]],
    ["0 12 31 * *", "2025-01-31T12:00Z", ["2025-03-31T12:00Z", "2025-05-31T12:00Z"]],
    ["0 12 L * *", "2024-01-31T12:00Z", ["2024-02-29T12:00Z", "2024-03-31T12:00Z"]],
    ["0 0 1 * 1", "2025-08-30T00:00Z", ["2025-09-01T00:00Z", "2025-09-08T00:00Z"]], // either the day or the weekday
    ["0 9 * * MON-FRI", "2025-08-01T09:00Z", ["2025-08-04T09:00Z", "2025-08-05T09:00Z"]],
    ["0 9 * * 7", "2025-08-01T09:00Z", ["2025-08-03T09:00Z", "2025-08-10T09:00Z"]],
    ["@yearly", "2025-01-01T00:00Z", ["2026-01-01T00:00Z", "2027-01-01T00:00Z"]],
    ["30 0 12 * * *", "2025-01-01T00:00Z", ["2025-01-01T12:00:30.000Z", "2025-01-02T12:00:30.000Z"]],
  ];
  for (const [expression, from, expected] of rows) {
    assert.deepEqual(shorts(firings(cron(expression), at(from), 2)), expected, expression);
  }
});

test("a firing is strictly after the moment asked for, to the millisecond", () => {
  const noon = at("2025-06-01T12:00Z");
  for (const t of [cron("* * * * * *"), readTimetable({ every: "1s" }, noon - HOUR_MS)]) {
    assert.equal(firingAfter(t, noon), noon + SECOND_MS);
    assert.equal(firingAfter(t, noon - 1), noon);
    assert.equal(firingAfter(t, noon + 999), noon + SECOND_MS);
  }
});

test("a span goes from its anchor, never before; a wait goes from the last end and fires once", () => {
  const every = readTimetable({ every: "30m" }, NOW);
  assert.deepEqual(firings(every, NOW, 2), [NOW + 30 * MINUTE_MS, NOW + HOUR_MS]);
  assert.equal(firingAfter(every, NOW - DAY_MS), NOW);
  assert.deepEqual(dueFirings(every, NOW - DAY_MS, NOW - 1, EVERYTHING).fire, []);
  assert.deepEqual(dueFirings(every, NOW - DAY_MS, NOW, EVERYTHING).fire, [NOW]);

  const after = readTimetable({ after: 5_000 }, NOW);
  assert.equal(firingAfter(after, NOW, NOW), NOW + 5_000);
  assert.equal(firingAfter(after, NOW, null), null);
  assert.deepEqual(firings(after, NOW, 9, NOW), [NOW + 5_000]);
});

// ── Reading ──

test("what is written is read, with UTC where no zone is given", () => {
  assert.deepEqual(readTimetable({ cron: " 0  9 * * 1-5 " }, NOW), { kind: "cron", expression: "0 9 * * 1-5", zone: "UTC" });
  assert.deepEqual(readTimetable({ cron: "@Daily", zone: BERLIN }, NOW), { kind: "cron", expression: "@daily", zone: BERLIN });
  assert.deepEqual(readTimetable({ every: "1h30m" }, NOW), { kind: "every", everyMs: 90 * MINUTE_MS, anchorAt: NOW });
  assert.deepEqual(readTimetable({ after: 1_000, cron: undefined }, NOW), { kind: "after", afterMs: 1_000 });
});

test("what cannot be is refused, with what is wrong and where", () => {
  const rows: readonly (readonly [unknown, at: string | undefined, says: RegExp])[] = [
    [{}, undefined, /needs one of cron, every, after/],
    [null, undefined, /must be an object/],
    [{ zone: "UTC" }, undefined, /needs one of/],
    [{ cron: "* * * * *", every: "1m" }, "/every", /does not go with cron/],
    [{ every: "1m", after: "1m" }, "/after", /does not go with every/],
    [{ every: "1m", zone: "UTC" }, "/zone", /goes with cron only/],
    [{ crom: "* * * * *" }, "/crom", /is not known; there are: cron/],
    [{ cron: "" }, "/cron", /5 fields/],
    [{ cron: "* * * *" }, "/cron", /5 fields/],
    [{ cron: "0 0 1 1 * * 2030" }, "/cron", /5 fields/],
    [{ cron: 5 }, "/cron", /is 5; it must be a text/],
    [{ cron: "*".repeat(300) }, "/cron", /at most 256/],
    [{ cron: "60 9 * * *" }, "/cron", /field 1 \(minute\) is "60"; it takes 0-59/],
    [{ cron: "0 24 * * *" }, "/cron", /field 2 \(hour\) is "24"/],
    [{ cron: "0 0 9 32 * *" }, "/cron", /field 4 \(day of the month\) is "32"/],
    [{ cron: "0 9 * 13 *" }, "/cron", /field 4 \(month\) is "13"/],
    [{ cron: "0 9 * * FOO" }, "/cron", /field 5 \(day of the week\) is "FOO"/],
    [{ cron: "0 22-6 * * *" }, "/cron", /from low to high/],
    [{ cron: "5/15 * * * *" }, "/cron", /field 1 \(minute\)/],
    [{ cron: "0 9 * * *:" }, "/cron", /not go together|field 5/],
    [{ cron: "2025-01-01T00:00:00" }, "/cron", /5 fields/],
    [{ cron: "@reboot" }, "/cron", /of names there are: @yearly/],
    [{ cron: "0 0 30 2 *" }, "/cron", /never fires/],
    [{ cron: "0 0 31 2,4,6,9,11 *" }, "/cron", /never fires/],
    [{ cron: "* * * * *", zone: "Europe/Berln" }, "/zone", /"Europe\/Berln"; it must be an IANA zone/],
    [{ cron: "* * * * *", zone: "" }, "/zone", /IANA zone/],
    [{ cron: "* * * * *", zone: 3 }, "/zone", /is 3/],
    [{ every: "999ms" }, "/every", /from 1 s to 100 years/],
    [{ every: "soon" }, "/every", /"soon"; it must be a span/],
    [{ every: 1_500.5 }, "/every", /whole ms/],
    [{ every: Number.POSITIVE_INFINITY }, "/every", /Infinity/],
    [{ after: "0s" }, "/after", /from 1 s/],
    [{ after: true }, "/after", /is true/],
  ];
  for (const [written, place, says] of rows) {
    assert.throws(
      () => readTimetable(written as WrittenTimetable, NOW),
      (error) => {
        assert.ok(isProblemError(error) && error.code === "SCHEDULE_INVALID", `${JSON.stringify(written)}: ${error}`);
        assert.equal(error.problem.at, place, error.message);
        assert.match(error.message, says);
        return true;
      },
    );
  }
});

// ── Catching up ──

const DAILY = cron("0 9 * * *");
const day = (of: number, hour = 9) => Date.UTC(2025, 5, of, hour);

test("after a silence each policy starts its own, and counts the rest as missed", () => {
  const late = (catchUp: CatchUp) => dueFirings(DAILY, day(1), day(5, 12), catchUp);
  const next = day(6);

  assert.deepEqual(late("none"), { fire: [], missed: 4, settledAt: day(5), next });
  assert.deepEqual(late("one"), { fire: [day(5)], missed: 3, settledAt: day(5), next });
  assert.deepEqual(late({ all: 3 }), { fire: [day(3), day(4), day(5)], missed: 1, settledAt: day(5), next });
  assert.deepEqual(late({ all: 0 }), late("none"));
  assert.deepEqual(late(EVERYTHING), { fire: [day(2), day(3), day(4), day(5)], missed: 0, settledAt: day(5), next });
});

test("a firing within the tolerance is on time under every policy, and is the one that `one` means", () => {
  const onTime = { fire: [day(2)], missed: 0, settledAt: day(2), next: day(3) };
  for (const catchUp of ["none", "one", { all: 5 }] as const) {
    assert.deepEqual(dueFirings(DAILY, day(1), day(2), catchUp), onTime);
    assert.deepEqual(dueFirings(DAILY, day(1), day(2) + ON_TIME_MS, catchUp), onTime);
  }
  assert.deepEqual(dueFirings(DAILY, day(1), day(2) + ON_TIME_MS + 1, "none"), { ...onTime, fire: [], missed: 1 });
  assert.deepEqual(dueFirings(DAILY, day(1), day(3), "one"), { fire: [day(3)], missed: 1, settledAt: day(3), next: day(4) });
});

test("a clock that goes back fires nothing again", () => {
  assert.deepEqual(dueFirings(DAILY, day(5), day(2), EVERYTHING), { fire: [], missed: 0, settledAt: day(5), next: day(6) });
  assert.deepEqual(dueFirings(DAILY, day(5), day(5), EVERYTHING), { fire: [], missed: 0, settledAt: day(5), next: day(6) });
});

test("a wait is started when it is over, however late; while a run is open nothing is due", () => {
  const after = readTimetable({ after: "1m" }, NOW);
  const none = { fire: [], missed: 0, settledAt: NOW };

  assert.deepEqual(dueFirings(after, NOW, NOW + DAY_MS, "none", null), { ...none, next: null });
  assert.deepEqual(dueFirings(after, NOW, NOW + SECOND_MS, "none", NOW), { ...none, next: NOW + MINUTE_MS });
  assert.deepEqual(dueFirings(after, NOW, NOW + DAY_MS, "none", NOW), {
    fire: [NOW + MINUTE_MS],
    missed: 0,
    settledAt: NOW + MINUTE_MS,
    next: null,
  });
  assert.equal(dueFirings(after, NOW, NOW - HOUR_MS, "none", NOW - DAY_MS).next, NOW + 1, "an end before the beginning");
});

test("ten years of silence cost a bounded number of steps", (t) => {
  const steps = [t.mock.method(Cron.prototype, "previousRuns"), t.mock.method(Cron.prototype, "nextRun")];
  const stepsOf = (catchUp: CatchUp) => {
    for (const step of steps) step.mock.resetCalls();
    const due = dueFirings(everySecond, NOW, NOW + 3_650 * DAY_MS, catchUp);
    return { due, count: steps.reduce((sum, step) => sum + step.mock.callCount(), 0) };
  };
  const everySecond = cron("* * * * * *", BERLIN);

  const none = stepsOf("none");
  assert.equal(none.due.missed, MISSED_COUNT_MAX);
  assert.equal(none.due.fire.length, 61, "those on time, both ends of the minute");
  assert.ok(none.count > 0 && none.count <= MISSED_COUNT_MAX + 61 + 3, `${none.count} steps`);

  const some = stepsOf({ all: 100 });
  assert.equal(some.due.fire.length, 100);
  assert.ok(some.count <= MISSED_COUNT_MAX + 100 + 3, `${some.count} steps`);
});

// ── Laws, tried on values drawn by chance ──

/** Windows around turns of clocks, and one with none. */
const WINDOWS: readonly (readonly [zone: string, from: string])[] = [
  ["UTC", "2024-02-27T00:00Z"],
  [BERLIN, "2025-03-28T22:00Z"],
  [BERLIN, "2025-10-24T22:00Z"],
  [NEW_YORK, "2025-03-07T22:00Z"],
  [NEW_YORK, "2025-10-31T22:00Z"],
  [LORD_HOWE, "2025-10-03T14:00Z"],
  [LORD_HOWE, "2025-04-04T14:00Z"],
  [NUUK, "2025-03-28T23:00Z"],
  [APIA, "2011-12-29T00:00Z"],
  ["America/Sao_Paulo", "2018-11-03T12:00Z"], // a gap at midnight
  ["Africa/Cairo", "2024-10-31T00:00Z"], // an overlap at midnight
];
const WINDOW_MS = 3 * DAY_MS;

interface Drawn {
  readonly expression: string;
  readonly isHourly: boolean;
  readonly has: (local: Date) => boolean;
}

const listOf = (max: number) => fc.uniqueArray(fc.integer({ min: 0, max }), { minLength: 1, maxLength: 4 });
const fieldOf = (max: number) =>
  fc.oneof(
    fc.constant({ text: "*", has: (_: number) => true }),
    fc.integer({ min: 2, max }).map((step) => ({ text: `*/${step}`, has: (value: number) => value % step === 0 })),
    listOf(max).map((list) => ({ text: list.join(","), has: (value: number) => list.includes(value) })),
  );

const expressions: fc.Arbitrary<Drawn> = fc
  .tuple(fieldOf(59), fieldOf(23), fc.oneof(fc.constant("*"), listOf(6)))
  .map(([minute, hour, weekdays]) => ({
    expression: `${minute.text} ${hour.text} * * ${weekdays}`,
    isHourly: hour.text === "*",
    has: (local) =>
      minute.has(local.getUTCMinutes()) &&
      hour.has(local.getUTCHours()) &&
      (weekdays === "*" || weekdays.includes(local.getUTCDay())),
  }));

const clocks = new Map<string, readonly (readonly [moment: number, local: number])[]>();

/** What clocks show at every minute from a day before a window to a day after it, as Intl tells it. */
function minutesAround(zone: string, from: number): readonly (readonly [moment: number, local: number])[] {
  const key = `${zone} ${from}`;
  const known = clocks.get(key);
  if (known !== undefined) return known;
  const options = { timeZone: zone, dateStyle: "short", timeStyle: "short" } as const;
  const format = new Intl.DateTimeFormat("sv-SE", options); // 2025-03-30 03:00
  const minutes = Array.from({ length: (WINDOW_MS + 2 * DAY_MS) / MINUTE_MS }, (_, index) => {
    const moment = from - DAY_MS + index * MINUTE_MS;
    return [moment, Date.parse(`${format.format(moment).replace(" ", "T")}Z`)] as const;
  });
  clocks.set(key, minutes);
  return minutes;
}

/** The rules told anew, minute by minute: slow, and by another way than the code's. */
function expectedFirings(drawn: Drawn, zone: string, from: number): number[] {
  const minutes = minutesAround(zone, from);
  const found = new Set<number>();
  if (drawn.isHourly) for (const [moment, local] of minutes) if (drawn.has(new Date(local))) found.add(moment);
  const first = minutes[0]?.[1] ?? 0;
  const last = minutes.at(-1)?.[1] ?? 0;
  for (let local = first, reach = 0; !drawn.isHourly && local <= last; local += MINUTE_MS) {
    while ((minutes[reach]?.[1] ?? local) < local) reach++; // where clocks first show it, or first show a later time
    if (drawn.has(new Date(local))) found.add(minutes[reach]?.[0] ?? 0);
  }
  return [...found].filter((moment) => moment > from && moment <= from + WINDOW_MS);
}

const minuteOfWindow = fc.integer({ min: 0, max: WINDOW_MS / MINUTE_MS });

test("firings are those the rules name, forwards and backwards, whatever the expression, the zone and the window", () => {
  fc.assert(
    fc.property(expressions, fc.constantFrom(...WINDOWS), minuteOfWindow, minuteOfWindow, (drawn, [zone, start], one, other) => {
      const from = at(start) + Math.min(one, other) * MINUTE_MS;
      const to = at(start) + Math.max(one, other) * MINUTE_MS;
      const t: Timetable = { kind: "cron", expression: drawn.expression, zone };
      const expected = expectedFirings(drawn, zone, at(start)).filter((moment) => moment > from && moment <= to);

      assert.deepEqual(between(t, from, to), expected);
      assert.deepEqual(dueFirings(t, from, to, EVERYTHING).fire, expected);
    }),
    { numRuns: 150 },
  );
});

const timetables: fc.Arbitrary<Timetable> = fc.oneof(
  fc.record({
    kind: fc.constant("cron" as const),
    expression: fc.constantFrom(
      "*/15 * * * *",
      "30 2 * * *",
      "0 */2 * * *",
      "*/20 1-3 * * *",
      "0 0 L * *",
      "0 9 * * 1-5",
      "15,45 * * * *",
    ),
    zone: fc.constantFrom("UTC", BERLIN, NEW_YORK, LORD_HOWE),
  }),
  fc.record({
    kind: fc.constant("every" as const),
    everyMs: fc.integer({ min: 7 * MINUTE_MS, max: DAY_MS }),
    anchorAt: fc.integer({ min: NOW - DAY_MS, max: NOW + DAY_MS }),
  }),
);

test("firings ascend strictly, and none lies between one and the next", () => {
  fc.assert(
    fc.property(timetables, fc.integer({ min: 0, max: 400 * DAY_MS }), fc.nat(), (t, sinceMs, part) => {
      const from = NOW + sinceMs;
      const line = firings(t, from, 6);
      assert.equal(line.length, 6);
      for (const [index, moment] of line.entries()) {
        const before = line[index - 1] ?? from;
        assert.ok(moment > before, shorts([before, moment]).join(" then "));
        assert.equal(firingAfter(t, before + (part % (moment - before))), moment);
      }
    }),
  );
});

const policies: fc.Arbitrary<CatchUp> = fc.oneof(
  fc.constantFrom("none" as const, "one" as const, EVERYTHING),
  fc.record({ all: fc.nat(5) }),
);

/** Looks at the clock: mostly a little later, sometimes much later (a restart, a jump), sometimes earlier. */
const looks = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 2 * MINUTE_MS }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 2 * DAY_MS }) },
    { weight: 2, arbitrary: fc.integer({ min: -2 * DAY_MS, max: 0 }) },
  ),
  { maxLength: 20 },
);

test("over any restarts and clock jumps no firing is started twice, and each is started or counted as missed", () => {
  const begins = fc.constantFrom("2025-03-28T00:00Z", "2025-10-25T00:00Z", "2025-04-04T00:00Z", "2025-11-01T00:00Z");
  fc.assert(
    fc.property(timetables, begins, policies, looks, (t, begin, catchUp, steps) => {
      const start = at(begin);
      const nows = steps.reduce<number[]>((all, step) => all.concat((all.at(-1) ?? start) + step), []);
      const started: number[] = [];
      let missed = 0;
      let settledAt = start;
      for (const now of nows) {
        const due = dueFirings(t, settledAt, now, catchUp);
        assert.equal(due.next, firingAfter(t, Math.max(settledAt, now)));
        started.push(...due.fire);
        missed += due.missed;
        settledAt = due.settledAt;
      }
      const all = between(t, start, Math.max(start, ...nows));
      assert.deepEqual(
        started,
        all.filter((moment) => started.includes(moment)),
        "ascending, each once, each a firing",
      );
      assert.equal(started.length + missed, all.length);
      if (catchUp === EVERYTHING) assert.deepEqual(started, all);
    }),
    { numRuns: 300 },
  );
});

// ── Words ──

test("common timetables are said in words, rare ones as they were written", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["0 9 * * *", "every day at 09:00"],
    ["@daily", "every day at 00:00"],
    ["0 17,9 * * *", "every day at 09:00 and 17:00"],
    ["30 8 * * 1-5", "every day from Monday to Friday at 08:30"],
    ["30 8 * * mon,wed,FRI", "every Monday, Wednesday and Friday at 08:30"],
    ["@weekly", "every Sunday at 00:00"],
    ["0 0 * * 7", "every Sunday at 00:00"],
    ["@monthly", "on day 1 of every month at 00:00"],
    ["0 6 L * *", "on the last day of every month at 06:00"],
    ["@yearly", "every year on 1 January at 00:00"],
    ["* * * * *", "every minute"],
    ["*/15 * * * *", "every 15 minutes"],
    ["*/10 * * * * *", "every 10 seconds"],
    ["* * * * * *", "every second"],
    ["@hourly", "every hour"],
    ["5 * * * *", "every hour, 5 minutes past"],
    ["0 */6 * * *", "every 6 hours"],
    ["0 0 9 * * *", "every day at 09:00"],
    ["*/7 * * * *", "*/7 * * * *"],
    ["0 9 1-7 * 1", "0 9 1-7 * 1"],
    ["30 0 9 * * *", "30 0 9 * * *"],
    ["0 9 * * 5#2", "0 9 * * 5#2"],
  ];
  for (const [expression, words] of rows) assert.equal(inWords(cron(expression, BERLIN)), `${words} (Europe/Berlin)`);
  assert.equal(inWords(readTimetable({ every: "1h" }, NOW)), "every hour");
  assert.equal(inWords(readTimetable({ every: "90s" }, NOW)), "every 90 seconds");
  assert.equal(inWords(readTimetable({ every: 1_500 }, NOW)), "every 1500 ms");
  assert.equal(inWords(readTimetable({ after: "1d" }, NOW)), "1 day after the last run ended");
});
