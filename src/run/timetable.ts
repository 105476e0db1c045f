// When a schedule fires. Owns the reading of a timetable, the moments it names and what is due after a silence; leaves
// clocks, timers and the starting of runs to others. Pure: moments are Unix ms and `now` is an argument.
//
// croner finds the days and times of an expression, as if every day had 24 hours; what a zone's clocks make of them
// is decided here, because croner's rules differ (it skips lists and steps in a gap, and fires them twice in an overlap).
//
// 1. Firings ascend strictly: two local times that come to the same moment are one firing.
// 2. A local time that clocks leave out (gap) fires once, at the first moment after the gap.
// 3. A local time that clocks show twice (overlap) fires once, the first time.
// 4. An expression for every hour (`*`, `0-23`) follows the moments instead: at whatever clocks really show, through both.
// 5. What is due is looked for backwards from now, so the work is bounded by what is started and MISSED_COUNT_MAX.

import { Cron, CronPattern } from "croner";
import { DAY_MS, HOUR_MS, MINUTE_MS, readSpan, SECOND_MS } from "../base/time.ts";
import { WAIT_MS_MAX } from "./limits.ts";
import { runProblems } from "./problems.ts";

/** When something happens again and again. Moments are Unix ms. */
export type Timetable =
  | { readonly kind: "cron"; readonly expression: string; readonly zone: string }
  /** At `anchorAt` and every `everyMs` from there, never before. */
  | { readonly kind: "every"; readonly everyMs: number; readonly anchorAt: number }
  /** That long after the last run ended. */
  | { readonly kind: "after"; readonly afterMs: number };

/** A timetable as its author wrote it: one of `cron` (with `zone`), `every` and `after`; a number is ms, a text like `1h30m`. */
export interface WrittenTimetable {
  readonly cron?: string | undefined;
  /** An IANA zone; UTC when left out. */
  readonly zone?: string | undefined;
  readonly every?: string | number | undefined;
  readonly after?: string | number | undefined;
}

/** How many firings that passed unseen are made up for: none, the newest, or the newest `all` of them. */
export type CatchUp = "none" | "one" | { readonly all: number };

export interface DueFirings {
  /** What is started now, oldest first. */
  readonly fire: readonly number[];
  /** How many are passed over for good; MISSED_COUNT_MAX means that many or more. */
  readonly missed: number;
  /** The newest firing that is settled, started or missed: the next call's `lastFiredAt`. */
  readonly settledAt: number;
  /** The first firing still to come; null when there is none, or when it hangs on a run that has yet to end. */
  readonly next: number | null;
}

/** A firing at most this late counts as on time and is started under every policy, in ms: the reach of a slow sweep. */
export const ON_TIME_MS = 60 * SECOND_MS;

/** Missed firings are counted this far and no further: protects the sweep after years of silence. */
export const MISSED_COUNT_MAX = 1_000;

/** The shortest span between two firings, in ms: protects the engine from a schedule that does nothing but fire. */
export const SPAN_MS_MIN = 1 * SECOND_MS;

/** UTF-16 units of an expression: protects its reader. */
const EXPRESSION_LENGTH_MAX = 256;

/** Expressions and zones kept ready; the oldest leave first. An expression takes 100 KB and 0.1 ms to read. */
const READY_MAX = 64;

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const WAYS = ["cron", "every", "after"] as const;
const FIELDS: readonly string[] = [...WAYS, "zone"];

/** Reads a timetable. `now` becomes the anchor of `every`. Throws SCHEDULE_INVALID with what is wrong and where. */
export function readTimetable(written: WrittenTimetable, now: number): Timetable {
  const way = wayOf(written);
  if (way !== "cron" && written.zone !== undefined) throw invalid("zone", `goes with cron only, not with ${way}`);
  if (way === "every") return { kind: "every", everyMs: readSpanField("every", written.every), anchorAt: now };
  if (way === "after") return { kind: "after", afterMs: readSpanField("after", written.after) };
  const zone = readZone(written.zone ?? "UTC");
  const expression = readExpression(written.cron);
  if (calendarOf(expression).next(now) === null) throw invalid("cron", `never fires: no such day comes (${expression})`);
  return { kind: "cron", expression, zone };
}

function wayOf(written: WrittenTimetable): (typeof WAYS)[number] {
  if (typeof written !== "object" || written === null)
    throw runProblems.SCHEDULE_INVALID(`A schedule is ${String(written)}; it must be an object like { cron: "0 9 * * *" }.`);
  const unknown = Object.keys(written).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw invalid(unknown, `is not known; there are: ${FIELDS.join(", ")}`);
  const [way, second] = WAYS.filter((name) => written[name] !== undefined);
  if (way === undefined) throw runProblems.SCHEDULE_INVALID(`A schedule needs one of ${WAYS.join(", ")}; there is none.`);
  if (second !== undefined) throw invalid(second, `does not go with ${way}: a schedule has one of ${WAYS.join(", ")}`);
  return way;
}

function readSpanField(field: "every" | "after", value: unknown): number {
  const spanMs = typeof value === "string" ? readSpan(value) : value;
  const fits = typeof spanMs === "number" && Number.isInteger(spanMs) && spanMs >= SPAN_MS_MIN && spanMs <= WAIT_MS_MAX;
  if (!fits) throw invalid(field, `is ${shown(value)}; it must be a span like 30s or 1h30m, or whole ms, from 1 s to 100 years`);
  return spanMs;
}

function readZone(zone: unknown): string {
  try {
    if (typeof zone === "string") offsetAt(zone, 0);
    else throw new RangeError("not a text");
  } catch {
    throw invalid("zone", `is ${shown(zone)}; it must be an IANA zone like UTC or Europe/Berlin`);
  }
  return zone;
}

const NICKNAMES: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const PLACES = [
  ["second", "0-59"],
  ["minute", "0-59"],
  ["hour", "0-23"],
  ["day of the month", "1-31 or L"],
  ["month", "1-12 or JAN-DEC"],
  ["day of the week", "0-7 or SUN-SAT"],
] as const;

function readExpression(written: unknown): string {
  if (typeof written !== "string" || written.length > EXPRESSION_LENGTH_MAX)
    throw invalid("cron", `is ${shown(written)}; it must be a text of at most ${EXPRESSION_LENGTH_MAX} characters`);
  const expression = written.trim().replaceAll(/\s+/g, " ");
  if (expression.startsWith("@")) return readNickname(expression);
  const fields = expression.split(" ");
  if (fields.length !== 5 && fields.length !== 6)
    throw invalid("cron", `is ${shown(written)}; it must have 5 fields (minute hour day month weekday), or 6 with seconds first`);
  const wrong = fields.findIndex((field, index) => !isField(field, index + 6 - fields.length));
  if (wrong === -1 && isExpression(expression)) return expression;
  throw invalid("cron", `is ${shown(written)}: ${whatIsWrong(fields, wrong)}`);
}

function readNickname(expression: string): string {
  const name = expression.toLowerCase();
  if (Object.hasOwn(NICKNAMES, name)) return name;
  throw invalid("cron", `is ${shown(expression)}; of names there are: ${Object.keys(NICKNAMES).join(", ")}`);
}

/** Whether croner takes the field where all others are `*`. */
function isField(field: string, place: number): boolean {
  return isExpression(PLACES.map((_, index) => (index === place ? field : "*")).join(" "));
}

/** A colon would be taken for a date. */
function isExpression(expression: string): boolean {
  try {
    return !expression.includes(":") && new CronPattern(expression, "UTC", { mode: "5-or-6-parts" }).second.length > 0;
  } catch {
    return false;
  }
}

function whatIsWrong(fields: readonly string[], wrong: number): string {
  const [name, range] = PLACES[wrong + 6 - fields.length] ?? [];
  if (wrong === -1 || name === undefined) return "its fields do not go together";
  return `field ${wrong + 1} (${name}) is ${shown(fields[wrong])}; it takes ${range}, lists (1,5), ranges from low to high (1-5) and steps (*/5, 1-9/2)`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : String(value);
}

function invalid(field: string, why: string): Error {
  return runProblems.SCHEDULE_INVALID(`${field} ${why}.`, { at: `/${field}` });
}

// ── Firing ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * The first firing strictly after `atMs`; null when there is none. `lastEndedAt` matters to "after" only: when the last run
 * ended (before the first run: when the schedule was made), null while one is open.
 */
export function firingAfter(t: Timetable, atMs: number, lastEndedAt: number | null = null): number | null {
  if (t.kind !== "after") return beatOf(t).after(atMs);
  const dueAt = lastEndedAt === null ? null : lastEndedAt + t.afterMs;
  return dueAt !== null && dueAt > atMs ? dueAt : null;
}

/** The next `count` firings strictly after `fromMs`; of "after" at most one, because what follows hangs on a run. */
export function firings(t: Timetable, fromMs: number, count: number, lastEndedAt: number | null = null): readonly number[] {
  const found: number[] = [];
  let at = count > 0 ? firingAfter(t, fromMs, lastEndedAt) : null;
  while (at !== null) {
    found.push(at);
    at = found.length < count ? firingAfter(t, at, lastEndedAt) : null;
  }
  return found;
}

/**
 * Which past firings are started now, after a silence of whatever length. Settled are those up to `lastFiredAt`: a clock
 * that went back fires nothing again. On-time firings are always started; `catchUp` says how many are started at least,
 * the newest ones, late or not. "After" is a wait, not a moment: it is never missed, and is started however late it is.
 */
export function dueFirings(
  t: Timetable,
  lastFiredAt: number,
  now: number,
  catchUp: CatchUp,
  lastEndedAt: number | null = null,
): DueFirings {
  if (t.kind === "after") return dueAfterRun(t.afterMs, lastFiredAt, now, lastEndedAt);
  const beat = beatOf(t);
  const newest = beat.upTo(now);
  const atLeast = atLeastOf(catchUp);
  const fire: number[] = [];
  let missed = 0;
  for (let at = newest; at !== null && at > lastFiredAt && missed < MISSED_COUNT_MAX; at = beat.upTo(at - 1)) {
    if (fire.length < atLeast || now - at <= ON_TIME_MS) fire.push(at);
    else missed++;
  }
  const settledAt = Math.max(lastFiredAt, newest ?? lastFiredAt);
  return { fire: fire.reverse(), missed, settledAt, next: beat.after(Math.max(lastFiredAt, now)) };
}

function atLeastOf(catchUp: CatchUp): number {
  if (catchUp === "none") return 0;
  return catchUp === "one" ? 1 : catchUp.all;
}

/** A run may end before it began when the clock went back; its follower still comes after it. */
function dueAfterRun(afterMs: number, lastFiredAt: number, now: number, lastEndedAt: number | null): DueFirings {
  if (lastEndedAt === null) return { fire: [], missed: 0, settledAt: lastFiredAt, next: null };
  const dueAt = Math.max(lastEndedAt + afterMs, lastFiredAt + 1);
  if (dueAt > now) return { fire: [], missed: 0, settledAt: lastFiredAt, next: dueAt };
  return { fire: [dueAt], missed: 0, settledAt: dueAt, next: null };
}

/** The firings of a timetable as a line of moments. */
interface Beat {
  /** The first strictly after. */
  after(atMs: number): number | null;
  /** The last at or before. */
  upTo(atMs: number): number | null;
}

function beatOf(t: Exclude<Timetable, { kind: "after" }>): Beat {
  if (t.kind === "every") return spanBeat(t.everyMs, t.anchorAt);
  const calendar = calendarOf(t.expression);
  return calendar.isHourly ? momentBeat(calendar, t.zone) : clockBeat(calendar, t.zone);
}

function spanBeat(everyMs: number, anchorAt: number): Beat {
  const beatsUpTo = (atMs: number) => Math.floor((atMs - anchorAt) / everyMs);
  return {
    after: (atMs) => anchorAt + Math.max(0, beatsUpTo(atMs) + 1) * everyMs,
    upTo: (atMs) => (atMs < anchorAt ? null : anchorAt + beatsUpTo(atMs) * everyMs),
  };
}

/**
 * Firings at local times (2, 3). A later local time never comes at an earlier moment, so the search goes along local times;
 * within the second showing of an overlap, all of the overlap's times are behind.
 */
function clockBeat(calendar: Calendar, zone: string): Beat {
  const momentOf = (local: number | null) => (local === null ? null : firstMoment(read(zone, local)));
  const behind = (atMs: number) => {
    const { local, turn } = clockAt(zone, atMs);
    return turn !== null && atMs >= turn.at ? turn.at + turn.beforeMs - 1 : local;
  };
  return {
    after: (atMs) => momentOf(calendar.next(behind(atMs))),
    upTo: (atMs) => momentOf(calendar.upTo(behind(atMs))),
  };
}

function firstMoment({ moments, turn }: Reading): number | null {
  return moments[0] ?? turn?.at ?? null;
}

/** Firings at whatever clocks really show (4): both showings of an overlap, nothing for a gap. */
function momentBeat(calendar: Calendar, zone: string): Beat {
  return {
    after: (atMs) => {
      const { local, turn } = clockAt(zone, atMs);
      if (turn === null || atMs >= turn.at) return shownAfter(calendar, zone, local, atMs);
      const found = calendar.next(local);
      if (found !== null && found < turn.at + turn.beforeMs) return found - turn.beforeMs;
      return shownAfter(calendar, zone, turn.at + turn.afterMs - 1, atMs);
    },
    upTo: (atMs) => {
      const { local, turn } = clockAt(zone, atMs);
      if (turn === null || atMs < turn.at) return shownUpTo(calendar, zone, local, atMs);
      const found = calendar.upTo(local);
      if (found !== null && found >= turn.at + turn.afterMs) return found - turn.afterMs;
      return shownUpTo(calendar, zone, turn.at + turn.beforeMs - 1, atMs);
    },
  };
}

/** The first moment after `atMs` that shows a local time of the calendar after `local`; from a gap the search leaps to its end. */
function shownAfter(calendar: Calendar, zone: string, local: number, atMs: number): number | null {
  const found = calendar.next(local);
  if (found === null) return null;
  const { moments, turn } = read(zone, found);
  if (moments.length === 0 && turn !== null) return shownAfter(calendar, zone, turn.at + turn.afterMs - 1, atMs);
  return moments.find((moment) => moment > atMs) ?? null;
}

/** The last moment up to `atMs` that shows a local time of the calendar up to `local`; from a gap the search leaps before it. */
function shownUpTo(calendar: Calendar, zone: string, local: number, atMs: number): number | null {
  const found = calendar.upTo(local);
  if (found === null) return null;
  const { moments, turn } = read(zone, found);
  if (moments.length === 0 && turn !== null) return shownUpTo(calendar, zone, turn.at + turn.beforeMs - 1, atMs);
  return moments.findLast((moment) => moment <= atMs) ?? null;
}

// ── Calendar and clocks: a local time is what a clock shows, in ms, as if it were UTC ────────────────────────────────

interface Calendar {
  /** Whether it names every hour of a day. */
  readonly isHourly: boolean;
  /** The first local time strictly after. */
  next(local: number): number | null;
  /** The last local time at or before. */
  upTo(local: number): number | null;
}

const calendarOf = kept((expression: string): Calendar => {
  const options = { mode: "5-or-6-parts", utcOffset: 0 } as const;
  const cron = new Cron(expression, { ...options });
  return {
    isHourly: new CronPattern(expression, undefined, { ...options }).hour.every((named) => named === 1),
    next: (local) => cron.nextRun(new Date(local))?.getTime() ?? null,
    upTo: (local) => cron.previousRuns(1, new Date(local + 1))[0]?.getTime() ?? null,
  };
});

/** A moment from which a zone's clocks show another offset from UTC; offsets in ms. */
interface Turn {
  readonly at: number;
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** The moments that show a local time, oldest first. None in a gap, two in an overlap; then `turn` is what made it so. */
interface Reading {
  readonly moments: readonly number[];
  readonly turn: Turn | null;
}

/** Presumes that a zone's clocks turn at most once in two days; since 1970 they have. */
function read(zone: string, local: number): Reading {
  const beforeMs = offsetAt(zone, local - DAY_MS);
  const afterMs = offsetAt(zone, local + DAY_MS);
  if (beforeMs === afterMs) return { moments: [local - beforeMs], turn: null };
  const moments = [beforeMs, afterMs]
    .filter((offset) => offsetAt(zone, local - offset) === offset)
    .map((offset) => local - offset);
  if (moments.length === 1) return { moments, turn: null };
  const at = turnBetween(zone, local - Math.max(beforeMs, afterMs), local - Math.min(beforeMs, afterMs));
  return { moments, turn: { at, beforeMs, afterMs } };
}

/** What a zone's clocks show at a moment; with the turn when they show it twice. */
function clockAt(zone: string, atMs: number): { local: number; turn: Turn | null } {
  const local = atMs + offsetAt(zone, atMs);
  return { local, turn: read(zone, local).turn };
}

/** The first moment with the later offset; `afterAt` and `upToAt` lie on either side of one turn. Turns come at whole seconds. */
function turnBetween(zone: string, afterAt: number, upToAt: number): number {
  const laterMs = offsetAt(zone, upToAt);
  let before = Math.floor(afterAt / SECOND_MS);
  let upTo = Math.floor(upToAt / SECOND_MS);
  while (upTo - before > 1) {
    const middle = Math.floor((before + upTo) / 2);
    if (offsetAt(zone, middle * SECOND_MS) === laterMs) upTo = middle;
    else before = middle;
  }
  return upTo * SECOND_MS;
}

const OFFSET = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/;

const offsetTextOf = kept((zone: string) => new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" }));

/** How far a zone's clocks are ahead of UTC at a moment, in ms. Throws a RangeError when there is no such zone. */
function offsetAt(zone: string, atMs: number): number {
  if (zone === "UTC") return 0;
  const [, sign, hours, minutes, seconds] = OFFSET.exec(offsetTextOf(zone).format(atMs)) ?? [];
  const sizeMs = Number(hours ?? 0) * HOUR_MS + Number(minutes ?? 0) * MINUTE_MS + Number(seconds ?? 0) * SECOND_MS;
  return sign === "-" ? -sizeMs : sizeMs;
}

/** Keeps the last READY_MAX answers: they cost much to make and are always the same. */
function kept<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const value = known.get(key) ?? make(key);
    known.delete(key);
    known.set(key, value);
    const [oldest] = known.keys();
    if (known.size > READY_MAX && oldest !== undefined) known.delete(oldest);
    return value;
  };
}

// ── Words ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A timetable for people, without a full stop: "every day at 09:00 (Europe/Berlin)"; a rare expression as it was written. */
export function inWords(t: Timetable): string {
  if (t.kind === "every") return `every ${spanInWords(t.everyMs, true)}`;
  if (t.kind === "after") return `${spanInWords(t.afterMs, false)} after the last run ended`;
  return `${cronInWords(NICKNAMES[t.expression] ?? t.expression) ?? t.expression} (${t.zone})`;
}

const SPANS: readonly (readonly [string, number])[] = [
  ["day", DAY_MS],
  ["hour", HOUR_MS],
  ["minute", MINUTE_MS],
  ["second", SECOND_MS],
  ["ms", 1],
];

/** In the largest unit that goes into it whole; one of them is "1 hour", or "hour" where that reads better. */
function spanInWords(spanMs: number, isShort: boolean): string {
  const [unit, unitMs] = SPANS.find(([, ms]) => spanMs % ms === 0) ?? ["ms", 1];
  return isShort && spanMs === unitMs ? unit : counted(spanMs / unitMs, unit);
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 || unit === "ms" ? "" : "s"}`;
}

function cronInWords(expression: string): string | null {
  const written = expression.split(" ");
  const [second = "", minute = "", hour = "", ...days] = written.length === 5 ? ["0", ...written] : written;
  const isDaily = days.every((field) => field === "*");
  if (isDaily && minute === "*" && hour === "*" && second !== "0") return stepInWords(second, 60, "second");
  if (second !== "0") return null;
  if (isDaily && hour === "*") return stepInWords(minute, 60, "minute") ?? minuteInWords(minute);
  if (isDaily && minute === "0" && hour.startsWith("*")) return stepInWords(hour, 24, "hour");
  const when = daysInWords(days);
  const times = timesInWords(minute, hour);
  return when === null || times === null ? null : `${when} at ${times}`;
}

/** Only steps that go into the whole are as even as the words say. */
function stepInWords(field: string, whole: number, unit: string): string | null {
  if (field === "*") return `every ${unit}`;
  const step = Number(/^\*\/(\d+)$/.exec(field)?.[1] ?? Number.NaN);
  if (!(whole % step === 0) || step === whole) return null;
  return step === 1 ? `every ${unit}` : `every ${counted(step, unit)}`;
}

function minuteInWords(minute: string): string | null {
  if (!/^\d+$/.test(minute)) return null;
  return Number(minute) === 0 ? "every hour" : `every hour, ${counted(Number(minute), "minute")} past`;
}

const NUMBERS = /^\d+(,\d+)*$/;
const TIMES_MAX = 4;

function timesInWords(minute: string, hour: string): string | null {
  const hours = hour.split(",");
  if (!/^\d+$/.test(minute) || !NUMBERS.test(hour) || hours.length > TIMES_MAX) return null;
  return listed(
    hours.toSorted((a, b) => Number(a) - Number(b)).map((one) => `${one.padStart(2, "0")}:${minute.padStart(2, "0")}`),
  );
}

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const MONTHS = "January February March April May June July August September October November December".split(" ");

function daysInWords([day = "", month = "", weekday = ""]: readonly string[]): string | null {
  if (day === "*" && month === "*") return weekday === "*" ? "every day" : weekdaysInWords(weekday);
  if (weekday !== "*") return null;
  if (month === "*") return dayInWords(day);
  const name = nameOf(month, MONTHS, 1);
  return name === null || !/^\d+$/.test(day) ? null : `every year on ${Number(day)} ${name}`;
}

function dayInWords(day: string): string | null {
  if (day === "L") return "on the last day of every month";
  return /^\d+$/.test(day) ? `on day ${Number(day)} of every month` : null;
}

function weekdaysInWords(field: string): string | null {
  const range = /^(\w+)-(\w+)$/.exec(field);
  const names = (range?.slice(1) ?? field.split(",")).map((name) => nameOf(name, WEEKDAYS, 0));
  if (!names.every((name) => name !== null)) return null;
  return range === null ? `every ${listed(names)}` : `every day from ${names.join(" to ")}`;
}

/** The name that a number or three letters stand for; a seventh weekday is Sunday again. */
function nameOf(text: string, names: readonly string[], first: number): string | null {
  if (/^\d+$/.test(text)) return names[(Number(text) - first) % names.length] ?? null;
  return names.find((name) => name.slice(0, 3).toLowerCase() === text.toLowerCase()) ?? null;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
