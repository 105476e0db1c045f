// When a document wants to be started by itself.
//
// Source: Open Workflow Specification 1.0.3, dsl-reference.md, "Schedule".

import type { Json } from "../base/json.ts";
import { readDuration } from "./duration.ts";
import { membersOf } from "./task.ts";

/** One of the three; spans in ms. Cron expressions are of UTC. */
export type DocumentSchedule = { readonly cron: string } | { readonly every: number } | { readonly after: number };

/** The schedule of a document that has been checked; null where it has none. */
export function scheduleOf(document: Json): DocumentSchedule | null {
  const { cron, every, after } = membersOf(membersOf(document).schedule);
  if (typeof cron === "string") return { cron };
  const [word, span] = every === undefined ? (["after", after] as const) : (["every", every] as const);
  const spanMs = span === undefined ? null : readDuration(span);
  return typeof spanMs === "number" ? ({ [word]: spanMs } as DocumentSchedule) : null;
}
