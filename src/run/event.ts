// Events: CloudEvents 1.0 (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md), told to whoever listens.
// Owns what an event is and which filter it fits. Pure.

import { isDeepStrictEqual } from "node:util";
import type { Json } from "../base/json.ts";
import { readInstant, rfc3339 } from "../base/time.ts";
import { runProblems } from "./problems.ts";

/** One event, whole. `source` and `id` together name it: it is taken once. */
export interface CloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** RFC 3339. */
  readonly time: string;
  readonly subject?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly data?: Json;
  readonly [extension: string]: Json | undefined;
}

/** An event as its author writes it: what is left out is filled in. */
export interface EventInit {
  readonly type: string;
  readonly id?: string;
  readonly source?: string;
  readonly time?: string;
  readonly subject?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly data?: Json;
  readonly [extension: string]: Json | undefined;
}

/** Which events are meant: all that is given must hold. A text may end in `*`. */
export interface EventFilter {
  readonly type?: string;
  readonly source?: string;
  readonly subject?: string;
  /** Fields of `data` by path, `customer.name`, and what they must be. */
  readonly data?: Readonly<Record<string, Json>>;
}

const CORE = ["specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema", "data"];
const TEXTS = ["id", "source", "type", "subject", "datacontenttype", "dataschema", "time"] as const;

/** UTF-16 units of one attribute: protects indexes and readers. */
const ATTRIBUTE_LENGTH_MAX = 1_024;

/** Reads an event and fills in what was left out. Throws EVENT_INVALID. `at`: Unix ms, where it says no time. */
export function readEvent(written: unknown, defaults: { readonly id: string; readonly source: string }, at: number): CloudEvent {
  if (typeof written !== "object" || written === null || Array.isArray(written))
    throw invalid(`An event is ${JSON.stringify(written)?.slice(0, 60)}; it must be an object with a type`);
  const given = written as Record<string, Json | undefined>;
  const strange = Object.keys(given).find((name) => !CORE.includes(name) && !/^[a-z0-9]{1,20}$/.test(name));
  if (strange !== undefined)
    throw invalid(
      `Attribute "${strange.slice(0, 60)}": an extension has 1 to 20 small letters and digits (CloudEvents 1.0 §3.1)`,
    );
  if (given.specversion !== undefined && given.specversion !== "1.0")
    throw invalid(`specversion is ${JSON.stringify(given.specversion)}; it must be "1.0"`);
  if ("data_base64" in given) throw invalid("data_base64: events carry JSON here");
  for (const name of TEXTS) requireText(name, given[name]);
  if (given.type === undefined) throw invalid("The event has no type");
  if (typeof given.time === "string" && readInstant(given.time) === null)
    throw invalid(`time is "${given.time}"; it must be a moment in RFC 3339`);
  return { ...given, specversion: "1.0", ...filled(given, defaults, at) } as CloudEvent;
}

function filled(given: Record<string, Json | undefined>, defaults: { id: string; source: string }, at: number): object {
  return { id: given.id ?? defaults.id, source: given.source ?? defaults.source, time: given.time ?? rfc3339(at) };
}

function requireText(name: string, value: unknown): void {
  if (value === undefined) return;
  const fits = typeof value === "string" && value !== "" && value.length <= ATTRIBUTE_LENGTH_MAX && value.isWellFormed();
  if (!fits)
    throw invalid(
      `${name} is ${JSON.stringify(value)?.slice(0, 60)}; it must be text of 1 to ${ATTRIBUTE_LENGTH_MAX} characters`,
    );
}

function invalid(detail: string): Error {
  return runProblems.EVENT_INVALID(`${detail}.`);
}

/** Whether an event is one of those meant. */
export function matches(event: CloudEvent, { type, source, subject, data = {} }: EventFilter): boolean {
  return (
    fitsText(event.type, type) &&
    fitsText(event.source, source) &&
    fitsText(event.subject, subject) &&
    Object.entries(data).every(([path, wanted]) => isDeepStrictEqual(fieldAt(event.data, path), wanted))
  );
}

function fitsText(value: string | undefined, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  if (value === undefined) return false;
  return wanted.endsWith("*") ? value.startsWith(wanted.slice(0, -1)) : value === wanted;
}

function fieldAt(data: Json | undefined, path: string): Json | undefined {
  let at: Json | undefined = data;
  for (const name of path.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, Json>)[name];
  }
  return at;
}
