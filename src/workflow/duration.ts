// Durations of documents: objects, and ISO 8601 texts.
//
// Calendar units have no fixed length; here a day has 24 hours, a month 30 days and a year 365.

import type { Json } from "../base/json.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../base/time.ts";

const UNITS_MS = { days: DAY_MS, hours: HOUR_MS, minutes: MINUTE_MS, seconds: SECOND_MS, milliseconds: 1 } as const;

/** A hundred years: what a timer may be set for. */
export const DURATION_MS_MAX = 100 * 365 * DAY_MS;

const ISO =
  /^P(?!$)(?:(\d+(?:\.\d+)?)Y)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?=\d)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

const ISO_MS = [365 * DAY_MS, 30 * DAY_MS, 7 * DAY_MS, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS];

/** A duration in ms; a sentence where it is none. */
export function readDuration(written: Json): number | string {
  const durationMs = typeof written === "string" ? ofText(written) : ofObject(written);
  if (typeof durationMs === "string") return durationMs;
  if (durationMs > DURATION_MS_MAX) return `${JSON.stringify(written)} is longer than a hundred years`;
  return Math.round(durationMs);
}

function ofText(text: string): number | string {
  const found = ISO.exec(text.trim());
  if (found === null) return `${JSON.stringify(text.slice(0, 100))} is no duration of ISO 8601, like PT30S`;
  return ISO_MS.reduce((sum, unitMs, at) => sum + Number(found[at + 1] ?? 0) * unitMs, 0);
}

function ofObject(written: Json): number | string {
  if (typeof written !== "object" || written === null || Array.isArray(written))
    return `${JSON.stringify(written)?.slice(0, 100)} is no duration, like { seconds: 30 } or PT30S`;
  let sumMs = 0;
  for (const [unit, amount] of Object.entries(written as Readonly<Record<string, Json>>)) {
    if (!Object.hasOwn(UNITS_MS, unit)) return `${JSON.stringify(unit)} is no unit of a duration`;
    if (typeof amount !== "number" || !Number.isFinite(amount) || amount < 0)
      return `${unit} is ${JSON.stringify(amount)}; it must be a number from 0`;
    sumMs += amount * UNITS_MS[unit as keyof typeof UNITS_MS];
  }
  return sumMs;
}
