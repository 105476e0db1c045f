// What leaves a journal when a person has a part of it done again. Pure.

import { belongsTo, type Entry, type EntryKind, endsOperation, factOf } from "./entry.ts";

/** A journal as it is after a cut. */
export interface Cut {
  /** Entries that leave. */
  readonly dropped: readonly Entry[];
  /** Steps that are done again, with the generation of their new idempotency key. */
  readonly redone: readonly { readonly key: string; readonly generation: number }[];
}

/** Begins the keys of what takes back. */
export const UNDO = "undo / ";

/** Facts about the run itself, and what came from outside, stay. */
const STAYS = new Set<EntryKind>([
  ...(["signal-received", "run-paused", "run-resumed", "run-retried", "continued", "forked", "migrated"] as const),
]);

/**
 * Everything that the operation `key` did leaves, and everything that came after its outcome: that can be a consequence
 * of it. What ran beside it and ended before it stays. Null when the journal knows no such operation.
 */
export function cutAt(entries: readonly Entry[], key: string): Cut | null {
  const own = entries.filter((entry) => entry.key === key && entry.kind !== "signal-received");
  if (own.length === 0) return null;
  if (key.startsWith(UNDO)) return completed(entries, new Set(own)); // what was taken back beside it stays so
  const outcomeSeq = own.find(({ kind }) => endsOperation(kind))?.seq ?? Number.POSITIVE_INFINITY;
  const isAfter = (entry: Entry): boolean => entry.seq > outcomeSeq && !STAYS.has(entry.kind);
  const dropped = new Set(entries.filter((entry) => (entry.key === key ? entry.kind !== "signal-received" : isAfter(entry))));
  return completed(entries, dropped);
}

/** A child whose end is forgotten is started anew: it tells its end once. */
function completed(entries: readonly Entry[], dropped: ReadonlySet<Entry>): Cut {
  const children = new Set([...dropped].filter(({ kind }) => belongsTo(kind, "child-run")).map(({ key }) => key));
  const all = entries.filter((entry) => dropped.has(entry) || (entry.kind === "child-started" && children.has(entry.key)));
  const steps = new Set(all.filter(({ kind }) => belongsTo(kind, "step")).map(({ key }) => key as string));
  return { dropped: all, redone: [...steps].map((key) => ({ key, generation: generationOf(entries, key) + 1 })) };
}

/** How often a person had the step done again. */
function generationOf(entries: readonly Entry[], key: string): number {
  const redone = entries.findLast((entry) => entry.key === key && entry.kind === "step-redone");
  return redone === undefined ? 0 : factOf(redone as Entry & { kind: "step-redone" }).generation;
}

/** What a run does again that took back what it had done; null for one that did not. */
export function firstUndone(entries: readonly Entry[]): string | null {
  const isUnwound = entries.some(({ kind }) => kind === "unwinding");
  return isUnwound ? (entries.find(({ kind }) => kind === "undo-added")?.key ?? null) : null;
}

/** Whether a cut leaves standing something that was taken back, and goes on from there. */
export function buildsOnUndone(entries: readonly Entry[], { dropped }: Cut): boolean {
  const leaves = new Set(dropped);
  const isKept = (kind: EntryKind): boolean => entries.some((entry) => entry.kind === kind && !leaves.has(entry));
  return firstUndone(entries) !== null && !isKept("unwinding") && isKept("undo-added");
}

const FAILURES = new Set<EntryKind>(["step-failed", "child-failed", "ask-declined"]);

/** The operation whose failure was the last thing that happened to the run; null when none failed. */
export function lastFailure(entries: readonly Entry[]): string | null {
  return entries.findLast(({ kind }) => FAILURES.has(kind))?.key ?? null;
}
