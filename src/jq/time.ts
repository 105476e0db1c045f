// Times: Unix seconds, broken down times, and their texts, in UTC whatever the machine's zone is.
//
// A broken down time is [year, month from 0, day, hour, minute, seconds, weekday from Sunday, day of the year from 0].

import { fail, isArray, shown, type Value } from "./value.ts";

const DAY_S = 86_400;
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];

interface Broken {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly weekday: number;
  readonly dayOfYear: number;
}

/** Days since 1970-01-01 of a date of the proleptic Gregorian calendar. */
function daysFrom(year: number, month: number, day: number): number {
  const moved = year + Math.floor(month / 12);
  const within = ((month % 12) + 12) % 12;
  const y = within < 2 ? moved - 1 : moved;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (within + (within < 2 ? 10 : -2)) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}

function dateOf(days: number): [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 2 : shiftedMonth - 10;
  const year = yearOfEra + era * 400 + (month < 2 ? 1 : 0);
  return [year, month, dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1];
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

function breakDown(seconds: number): Broken {
  const whole = Math.trunc(seconds);
  const days = Math.floor(whole / DAY_S);
  const rest = modulo(whole, DAY_S);
  const [year, month, day] = dateOf(days);
  return {
    ...{ year, month, day },
    hour: Math.floor(rest / 3_600),
    minute: Math.floor((rest % 3_600) / 60),
    second: (rest % 60) + (seconds - whole),
    weekday: modulo(days + 4, 7),
    dayOfYear: days - daysFrom(year, 0, 1),
  };
}

function listOf({ year, month, day, hour, minute, second, weekday, dayOfYear }: Broken): Value[] {
  return [year, month, day, hour, minute, second, weekday, dayOfYear];
}

export function brokenDown(value: Value): Value {
  if (typeof value !== "number") throw fail("gmtime() requires numeric inputs");
  if (!Number.isFinite(value) || Math.abs(value) > 67_768_036_191_676_800)
    throw fail("error converting number of seconds since epoch to datetime");
  return listOf(breakDown(value));
}

function readBroken(value: Value, who: string): Broken {
  if (!isArray(value) || !value.every((one) => typeof one === "number" && Number.isFinite(one)))
    throw fail(`${who} requires parsed datetime inputs`);
  const [year = 1900, month = 0, day = 0, hour = 0, minute = 0, second = 0, weekday, dayOfYear] = (
    value as readonly number[]
  ).map((one, at) => (at === 5 ? one : Math.trunc(one)));
  const days = daysFrom(year, month, day);
  return {
    ...{ year, month, day, hour, minute, second },
    weekday: weekday ?? modulo(days + 4, 7),
    dayOfYear: dayOfYear ?? days - daysFrom(year, 0, 1),
  };
}

export function fromBrokenDown(value: Value): Value {
  if (!isArray(value)) throw fail("mktime requires array inputs");
  const { year, month, day, hour, minute, second } = readBroken(value, "mktime");
  return daysFrom(year, month, day) * DAY_S + hour * 3_600 + minute * 60 + Math.trunc(second);
}

export function writeTime(value: Value, format: Value, who: string): Value {
  const input = typeof value === "number" ? brokenDown(value) : value;
  if (!isArray(input)) throw fail(`${who} requires parsed datetime inputs`);
  if (typeof format !== "string") throw fail(`${who} requires a string format`);
  const time = readBroken(input, who);
  return format.replace(/%([-_0^#EO]*)([a-zA-Z%])/g, (whole, _flags, letter: string) => WRITERS[letter]?.(time) ?? whole);
}

const two = (value: number): string => String(value).padStart(2, "0");
const blank = (value: number): string => String(value).padStart(2, " ");
const hour12 = ({ hour }: Broken): number => (hour % 12 === 0 ? 12 : hour % 12);
const second = (time: Broken): string => two(Math.trunc(time.second));

const WRITERS: Readonly<Record<string, (time: Broken) => string>> = {
  A: ({ weekday }) => DAYS[weekday] ?? "?",
  a: ({ weekday }) => (DAYS[weekday] ?? "?").slice(0, 3),
  B: ({ month }) => MONTHS[month] ?? "?",
  b: ({ month }) => (MONTHS[month] ?? "?").slice(0, 3),
  h: ({ month }) => (MONTHS[month] ?? "?").slice(0, 3),
  C: ({ year }) => two(Math.floor(year / 100)),
  c: (time) => `${write("a b", time)} ${blank(time.day)} ${write("T Y", time)}`,
  D: (time) => `${two(time.month + 1)}/${two(time.day)}/${two(modulo(time.year, 100))}`,
  d: ({ day }) => two(day),
  e: ({ day }) => blank(day),
  F: (time) => `${time.year}-${two(time.month + 1)}-${two(time.day)}`,
  G: (time) => String(isoWeek(time).year),
  g: (time) => two(modulo(isoWeek(time).year, 100)),
  H: ({ hour }) => two(hour),
  I: (time) => two(hour12(time)),
  j: ({ dayOfYear }) => String(dayOfYear + 1).padStart(3, "0"),
  k: ({ hour }) => blank(hour),
  l: (time) => blank(hour12(time)),
  M: ({ minute }) => two(minute),
  m: ({ month }) => two(month + 1),
  n: () => "\n",
  P: ({ hour }) => (hour < 12 ? "am" : "pm"),
  p: ({ hour }) => (hour < 12 ? "AM" : "PM"),
  R: (time) => `${two(time.hour)}:${two(time.minute)}`,
  r: (time) => `${two(hour12(time))}:${two(time.minute)}:${second(time)} ${time.hour < 12 ? "AM" : "PM"}`,
  S: second,
  s: (time) => String(fromBrokenDown(listOf(time))),
  T: (time) => `${two(time.hour)}:${two(time.minute)}:${second(time)}`,
  t: () => "\t",
  U: ({ dayOfYear, weekday }) => two(Math.floor((dayOfYear + 7 - weekday) / 7)),
  u: ({ weekday }) => String(weekday === 0 ? 7 : weekday),
  V: (time) => two(isoWeek(time).week),
  W: ({ dayOfYear, weekday }) => two(Math.floor((dayOfYear + 7 - modulo(weekday + 6, 7)) / 7)),
  w: ({ weekday }) => String(weekday),
  X: (time) => write("T", time),
  x: (time) => write("D", time),
  Y: ({ year }) => String(year),
  y: ({ year }) => two(modulo(year, 100)),
  Z: () => "UTC",
  z: () => "+0000",
  "%": () => "%",
};

function write(letters: string, time: Broken): string {
  return letters.replace(/\S/g, (letter) => WRITERS[letter]?.(time) ?? letter);
}

/** ISO 8601's week: that of the Thursday in it. */
function isoWeek({ year, dayOfYear, weekday }: Broken): { year: number; week: number } {
  const thursday = dayOfYear - modulo(weekday + 6, 7) + 3;
  const length = daysFrom(year + 1, 0, 1) - daysFrom(year, 0, 1);
  if (thursday < 0) {
    const before = daysFrom(year, 0, 1) - daysFrom(year - 1, 0, 1);
    return { year: year - 1, week: Math.floor((thursday + before) / 7) + 1 };
  }
  if (thursday >= length) return { year: year + 1, week: Math.floor((thursday - length) / 7) + 1 };
  return { year, week: Math.floor(thursday / 7) + 1 };
}

// Reading.

interface Fields {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  isAfternoon: boolean | null;
  century: number | null;
  dayOfYear: number | null;
  epochSeconds: number | null;
}

type Reader = { readonly pattern: RegExp; readonly take: (found: string, fields: Fields) => void };

const digits = (most: number): RegExp => new RegExp(`[ ]*([+-]?\\d{1,${most}})`, "y");
const name = (names: readonly string[]): RegExp =>
  new RegExp(`(${names.flatMap((one) => [one, one.slice(0, 3)]).join("|")})`, "iy");

const monthOf = (text: string): number =>
  MONTHS.findIndex((one) => one.slice(0, 3).toLowerCase() === text.slice(0, 3).toLowerCase());

function setter(pattern: RegExp, take: Reader["take"]): Reader {
  return { pattern, take };
}

const READERS: Readonly<Record<string, Reader>> = {
  Y: setter(digits(4), (text, fields) => (fields.year = Number(text))),
  y: setter(digits(2), (text, fields) => (fields.year = Number(text) + (Number(text) < 69 ? 2_000 : 1_900))),
  C: setter(digits(2), (text, fields) => (fields.century = Number(text))),
  m: setter(digits(2), (text, fields) => (fields.month = Number(text) - 1)),
  d: setter(digits(2), (text, fields) => (fields.day = Number(text))),
  e: setter(digits(2), (text, fields) => (fields.day = Number(text))),
  H: setter(digits(2), (text, fields) => (fields.hour = Number(text))),
  k: setter(digits(2), (text, fields) => (fields.hour = Number(text))),
  I: setter(digits(2), (text, fields) => (fields.hour = Number(text))),
  l: setter(digits(2), (text, fields) => (fields.hour = Number(text))),
  M: setter(digits(2), (text, fields) => (fields.minute = Number(text))),
  S: setter(digits(2), (text, fields) => (fields.second = Number(text))),
  j: setter(digits(3), (text, fields) => (fields.dayOfYear = Number(text) - 1)),
  s: setter(digits(18), (text, fields) => (fields.epochSeconds = Number(text))),
  A: setter(name(DAYS), () => undefined),
  a: setter(name(DAYS), () => undefined),
  B: setter(name(MONTHS), (text, fields) => (fields.month = monthOf(text))),
  b: setter(name(MONTHS), (text, fields) => (fields.month = monthOf(text))),
  h: setter(name(MONTHS), (text, fields) => (fields.month = monthOf(text))),
  p: setter(/(am|pm)/iy, (text, fields) => (fields.isAfternoon = text.toLowerCase() === "pm")),
  P: setter(/(am|pm)/iy, (text, fields) => (fields.isAfternoon = text.toLowerCase() === "pm")),
  u: setter(digits(1), () => undefined),
  w: setter(digits(1), () => undefined),
  U: setter(digits(2), () => undefined),
  V: setter(digits(2), () => undefined),
  W: setter(digits(2), () => undefined),
  Z: setter(/([A-Za-z]+)/y, () => undefined),
  z: setter(/[ ]*(Z|[+-]\d{2}(?::?\d{2})?)/y, () => undefined),
  n: setter(/(\s*)/y, () => undefined),
  t: setter(/(\s*)/y, () => undefined),
  "%": setter(/(%)/y, () => undefined),
};

const COMPOSED: Readonly<Record<string, string>> = {
  T: "%H:%M:%S",
  R: "%H:%M",
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  c: "%a %b %e %H:%M:%S %Y",
  r: "%I:%M:%S %p",
  x: "%m/%d/%y",
  X: "%H:%M:%S",
};

export function parseTime(value: Value, format: Value): Value {
  if (typeof value !== "string") throw fail(`strptime/1 requires string inputs and arguments`);
  if (typeof format !== "string") throw fail(`strptime/1 requires string inputs and arguments`);
  const fields = read(
    value,
    format.replace(/%([TRDFcrxX])/g, (_, letter: string) => COMPOSED[letter] ?? ""),
  );
  if (fields === null) throw fail(`date "${value}" does not match format "${format}"`);
  return broken(fields);
}

function broken(fields: Fields): Value {
  if (fields.epochSeconds !== null) return listOf(breakDown(fields.epochSeconds));
  const { minute, second, isAfternoon } = fields;
  const year = fields.century === null ? fields.year : fields.century * 100 + modulo(fields.year, 100);
  const hour = isAfternoon === null ? fields.hour : (fields.hour % 12) + (isAfternoon ? 12 : 0);
  const days = fields.dayOfYear === null ? daysFrom(year, fields.month, fields.day) : daysFrom(year, 0, 1) + fields.dayOfYear;
  const [, month, day] = fields.dayOfYear === null ? [year, fields.month, fields.day] : dateOf(days);
  return [year, month, day, hour, minute, second, modulo(days + 4, 7), days - daysFrom(year, 0, 1)];
}

function read(text: string, format: string): Fields | null {
  const fields: Fields = {
    ...{ year: 1900, month: 0, day: 0, hour: 0, minute: 0, second: 0 },
    ...{ isAfternoon: null, century: null, dayOfYear: null, epochSeconds: null },
  };
  let at = 0;
  for (let i = 0; i < format.length; i++) {
    const unit = format[i] ?? "";
    if (/\s/.test(unit)) {
      while (/\s/.test(text[at] ?? "")) at++;
    } else if (unit !== "%") {
      if (text[at++] !== unit) return null;
    } else {
      const letter = format[++i] ?? "";
      const reader = READERS[letter];
      if (reader === undefined) throw fail(`strptime/1: %${letter} is not known; ${shown(format)}`);
      reader.pattern.lastIndex = at;
      const found = reader.pattern.exec(text);
      if (found === null) return null;
      reader.take(found[1] ?? "", fields);
      at = reader.pattern.lastIndex;
    }
  }
  return at === text.length && isSane(fields) ? fields : null;
}

function isSane({ month, day, hour, minute, second }: Fields): boolean {
  return month >= 0 && month < 12 && day <= 31 && hour < 25 && minute < 60 && second < 62;
}
