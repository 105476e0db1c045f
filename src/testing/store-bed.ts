// What checks of a store begin with: a place for its data, and commits of few words.

import { isProblemError } from "../base/problem.ts";
import type { CodeIdentity, Commit, NewEntry, RunStart, RunUpdate, Store } from "../store.ts";

/** A promise put to the test. Throws when it is broken. */
export interface ConformanceCheck {
  /** Begins with the number of the promise: `S3: …`. */
  readonly name: string;
  run(): void | Promise<void>;
}

/** One store's data. Opened again, it is what another process would find. */
export interface StoreBed extends Disposable {
  open(): Store | Promise<Store>;
}

/** A check: its store has been claimed, and `epoch` is the newest. */
export type StoreAct = (bed: StoreBed, store: Store, epoch: number) => Promise<void>;

export const AT = Date.UTC(2026, 0, 1);

export const WORKFLOW: CodeIdentity = { namespace: "default", name: "w", version: "1.0.0", contentHash: null, source: null };

export function startOf(number: number, more: Partial<RunStart> = {}): RunStart {
  return {
    ...{
      number,
      workflow: WORKFLOW,
      status: "running",
      inputText: "null",
      seed: 7,
      startedAt: AT,
      root: number,
      depth: 0,
      since: 0,
    },
    ...{ key: null, deadlineAt: null, wakeAt: null, parent: null },
    ...more,
  };
}

/** `count` runs numbered from 1. */
export function startsOf(count: number, more: (number: number) => Partial<RunStart> = () => ({})): RunStart[] {
  return Array.from({ length: count }, (_, i) => startOf(i + 1, more(i + 1)));
}

export function entryOf(run: number, seq: number, more: Partial<NewEntry> = {}): NewEntry {
  return { run, seq, kind: "step-completed", key: `step ${seq}`, hash: 0, at: AT + seq, data: String(seq), ...more };
}

export function signalOf(run: number, seq: number, id: string): NewEntry {
  return entryOf(run, seq, { kind: "signal-received", key: id, data: '{"name":"go","value":1}' });
}

export function updateOf(run: number, more: Partial<RunUpdate> = {}): RunUpdate {
  const none = { reason: null, wakeAt: null, endedAt: null, outputText: null, problemText: null, progressText: null } as const;
  return { run, status: "running", ...none, ...more };
}

export function completed(run: number, outputText = '"out"'): RunUpdate {
  return updateOf(run, { status: "completed", endedAt: AT + 1, outputText });
}

export async function commit(store: Store, epoch: number, parts: Partial<Commit>): Promise<void> {
  await store.commit({
    epoch,
    starts: [],
    rewinds: [],
    resets: [],
    entries: [],
    updates: [],
    changes: [],
    stirs: [],
    deletes: [],
    ...parts,
  });
}

/** The code that something is refused with; `accepted` where it is not. */
export async function codeOfRefusal(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    return isProblemError(error) ? error.code : String(error);
  }
  return "accepted";
}

export function seqsOf(store: Store, run: number): number[] {
  return store.journal(run, 0, Number.MAX_SAFE_INTEGER).map(({ seq }) => seq);
}

/** Every page that a reading gives, each asked for with the last of the one before. */
export function pagesOf<T>(read: (after: T | null) => readonly T[], pagesMax = 100): T[][] {
  const pages: T[][] = [];
  for (let page = read(null); page.length > 0 && pages.length < pagesMax; page = read(page.at(-1) ?? null)) pages.push([...page]);
  return pages;
}
