// Time: spans in milliseconds, moments as Unix milliseconds inside and RFC 3339 text outside.

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The furthest moment that can be written as RFC 3339 with a four-digit year, in Unix ms. */
export const INSTANT_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** A moment as people and other programs read it: RFC 3339 in UTC with milliseconds. */
export function rfc3339(atMs: number): string {
  return new Date(atMs).toISOString();
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** Reads an RFC 3339 moment to Unix ms; null for anything else, a date without zone or a 30th of February included. */
export function readInstant(text: string): number | null {
  if (!RFC3339.test(text) || !isDay(text.slice(0, 10))) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : atMs;
}

/** Whether a month has that day: read by itself, an overflowing day becomes one of the next month. */
function isDay(date: string): boolean {
  const at = Date.parse(date);
  return !Number.isNaN(at) && rfc3339(at).startsWith(date);
}

const SPAN_UNITS: Readonly<Record<string, number>> = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/** Reads a span like `500ms`, `30s`, `5m`, `2h`, `1d`, `1h30m` to ms; null for anything else. */
export function readSpan(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return null;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    totalMs += Number(amount) * (SPAN_UNITS[unit ?? ""] ?? Number.NaN);
  }
  return Number.isFinite(totalMs) ? Math.round(totalMs) : null;
}

/** A span for people: the two largest units, `1 h 5 min`, `42 s`, `350 ms`; cut, not rounded, so that 60 s never stand for 59.9. */
export function spanForPeople(spanMs: number): string {
  const ms = Math.max(0, Math.round(spanMs));
  if (ms < SECOND_MS) return `${ms} ms`;
  if (ms < 10 * SECOND_MS) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return twoUnits(ms, MINUTE_MS, "min", SECOND_MS, "s");
  if (ms < DAY_MS) return twoUnits(ms, HOUR_MS, "h", MINUTE_MS, "min");
  return twoUnits(ms, DAY_MS, "d", HOUR_MS, "h");
}

function twoUnits(ms: number, largeMs: number, large: string, smallMs: number, small: string): string {
  const rest = Math.floor((ms % largeMs) / smallMs);
  return `${Math.floor(ms / largeMs)} ${large}${rest > 0 ? ` ${rest} ${small}` : ""}`;
}
