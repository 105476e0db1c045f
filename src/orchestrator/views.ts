// From records and journals to what the API says of them.

import type { EntryLine, OperationLine, RunLine, RunView } from "../api.ts";
import { readId } from "../base/id.ts";
import { rfc3339 } from "../base/time.ts";
import { inWords, type Limit } from "../flow.ts";
import {
  countSteps,
  type DegradedResult,
  degradedIn,
  type Entry,
  hasEnded,
  type JournalReading,
  limits,
  type OperationReading,
  openQuestions,
  type Run,
  readEntries,
  runProblems,
} from "../run.ts";
import type { Queue, RunRecord, Store, StreamItem } from "../store.ts";

/** Throws RUN_UNKNOWN. */
export function requireRun(store: Store, run: string): RunRecord {
  const id = readId("run", run);
  const number = id === null ? null : store.ids.numberOf(id);
  const record = number === null ? null : store.record(number);
  if (record === null) throw runProblems.RUN_UNKNOWN(`There is no run ${id ?? JSON.stringify(run)} in this data directory.`);
  return record;
}

export function runLineOf(run: Run): RunLine {
  return {
    run: run.id,
    workflow: run.workflow,
    status: run.status,
    ...(run.status === "paused" ? { reason: run.reason } : {}),
    ...(run.key === null ? {} : { key: run.key }),
    ...(run.parent === null ? {} : { parent: run.parent }),
    startedAt: rfc3339(run.startedAt),
    ...(hasEnded(run) ? { endedAt: rfc3339(run.endedAt) } : {}),
    ...(run.status === "waiting" && run.wakeAt !== null ? { wakeAt: rfc3339(run.wakeAt) } : {}),
    ...(run.progress === null ? {} : { progress: run.progress }),
    ...(run.source === null ? {} : { source: run.source }),
  };
}

/** `queue`: where the run stands in line, if it does. */
export function runViewOf(run: Run, reading: JournalReading, queue: Queue | null, now: number): RunView {
  const waitsFor = run.status === "pending" && queue !== null ? queueSentence(queue, now) : waitingSentence(run, reading);
  return {
    ...runLineOf(run),
    input: run.input,
    ...(run.status === "completed" ? { output: run.output } : {}),
    ...("problem" in run && run.problem !== null ? { problem: { ...run.problem } } : {}),
    steps: countSteps(reading),
    operations: [...reading.values()].map((operation) =>
      operationLineOf(operation, hasEnded(run) ? run.endedAt : now, hasEnded(run)),
    ),
    questions: openQuestions(reading).map((asked) => ({
      ...asked,
      askedAt: rfc3339(asked.askedAt),
      deadlineAt: asked.deadlineAt === null ? null : rfc3339(asked.deadlineAt),
    })),
    ...(waitsFor === null ? {} : { waitsFor }),
    continued: run.continued,
  };
}

/** What is under way is counted up to now. */
function timingsOf({ spent, phase, phaseAt, endedAt }: OperationReading, now: number): OperationLine["timings"] {
  const goesOnMs = endedAt === null ? Math.max(0, now - phaseAt) : 0;
  const of = (part: typeof phase): number => spent[part] + (part === phase ? goesOnMs : 0);
  return { queueMs: of("queue"), runMs: of("run"), backoffMs: of("backoff"), waitMs: of("wait") };
}

/** What was open when its run ended was given up with it. */
function operationLineOf(operation: OperationReading, now: number, isOver: boolean): OperationLine {
  const { key, kind, status, attempts, firstAt, endedAt, outputText, failure, waitsFor, waitsUntil, child } = operation;
  return {
    ...{ key, kind, status: isOver && endedAt === null ? "canceled" : status, attempts, firstAt: rfc3339(firstAt) },
    ...(endedAt === null ? {} : { endedAt: rfc3339(endedAt) }),
    ...(outputText === null ? {} : { output: parsedOrText(outputText) }),
    ...(failure === null ? {} : { failure: failure as NonNullable<OperationLine["failure"]> }),
    ...(waitsFor === null || isOver ? {} : { waitsFor }),
    ...(waitsUntil === null || isOver ? {} : { waitsUntil: rfc3339(waitsUntil) }),
    ...(child === null ? {} : { child }),
    timings: timingsOf(operation, now),
  };
}

function queueSentence({ gate, limitText, held, before }: Queue, now: number): string {
  const limit = JSON.parse(limitText) as Limit;
  const words = inWords({ gate, limit, held, before, rateFreeAt: null }, now);
  return `${words.replace(/^w/, "W")}.`;
}

/** What a waiting or paused run waits for, and until when, in one sentence. */
function waitingSentence(run: Run, reading: JournalReading): string | null {
  if (run.status === "paused") return `Paused (${run.reason}) until it is resumed.`;
  if (run.status !== "waiting" && run.status !== "running") return null;
  const open = [...reading.values()].filter(({ endedAt }) => endedAt === null);
  const waiting = open.filter(({ waitsFor }) => waitsFor !== null);
  if (run.status === "running" && waiting.length < open.length) return null; // something is being done
  const [first] = waiting.toSorted(
    (a, b) => (a.waitsUntil ?? Number.POSITIVE_INFINITY) - (b.waitsUntil ?? Number.POSITIVE_INFINITY),
  );
  if (first === undefined) return null;
  const until = first.waitsUntil === null ? "for as long as it takes" : `until ${rfc3339(first.waitsUntil)}`;
  const more = waiting.length > 1 ? `, and for ${waiting.length - 1} more` : "";
  return `Waits for ${first.waitsFor} ${until}${more}.`;
}

export function entryLineOf(entry: Entry): EntryLine {
  return {
    seq: entry.seq,
    kind: entry.kind,
    ...(entry.key === null ? {} : { key: entry.key }),
    at: rfc3339(entry.at),
    data: dataOrText(entry),
  };
}

/** Somebody who looks at what is wrong must be able to see it. */
function dataOrText(entry: Entry): unknown {
  return entry.data === "" ? null : parsedOrText(entry.data);
}

function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function streamItemOf({ seq, stream, at, text }: StreamItem): { seq: number; stream: string; at: string; item: unknown } {
  return { seq, stream, at: rfc3339(at), item: JSON.parse(text) };
}

/** Reads a whole journal, a page at a time. */
export function readJournal(store: Store, number: number, degraded: DegradedResult[] = []): JournalReading {
  const reading: JournalReading = new Map();
  for (let after = 0; ; ) {
    const page = store.journal(number, after, limits.PAGE_SIZE);
    readEntries(reading, page);
    degraded.push(...degradedIn(page));
    const last = page.at(-1);
    if (last === undefined || page.length < limits.PAGE_SIZE) return reading;
    after = last.seq;
  }
}
