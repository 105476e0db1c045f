// The handlers of api/: reading from the store, steering through the carrier.

import { apiProblems, type OperationName, type OutputOf, type ReadInputOf, readInput } from "../api.ts";
import { type RunId, readId } from "../base/id.ts";
import { type Json, writeJson } from "../base/json.ts";
import { readInstant, readSpan } from "../base/time.ts";
import type { RunCarrier } from "../engine.ts";
import { isEnd, limits, openQuestions, type RunStatus, runProblems } from "../run.ts";
import type { RunRecord, Store } from "../store.ts";
import { issuesInWords, type JsonSchema, readSchema } from "../workflow.ts";
import { entryLineOf, readJournal, runLineOf, runViewOf } from "./views.ts";

type Handler<N extends OperationName> = (input: ReadInputOf<N>) => Promise<OutputOf<N>>;
type Handlers<N extends OperationName> = { readonly [K in N]: Handler<K> };

export type ReadName = "runs.list" | "runs.show" | "runs.journal";
export type SteerName = "runs.cancel" | "runs.resume" | "runs.signal" | "runs.answer";
export type CarryName = "runs.start" | "workflows.load";

/** `owned`: whether somebody carries the runs of this directory now. */
export function readHandlers(store: Store, now: () => number, owned: () => boolean): Handlers<ReadName> {
  return {
    "runs.list": async ({ status, workflow, since, cursor, limit }) => {
      const page = store.runs({
        limit,
        ...(status === undefined ? {} : { statuses: status as RunStatus[] }),
        ...(workflow === undefined ? {} : { workflow }),
        ...(since === undefined ? {} : { since: readSince(since, now()) }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      return {
        runs: page.runs.map(runLineOf),
        nextCursor: page.nextCursor,
        counts: Object.fromEntries(store.statusCounts()),
        owner: owned(),
      };
    },
    "runs.show": async ({ run }) => {
      const record = requireRun(store, run);
      return runViewOf(record.run, readJournal(store, record.number));
    },
    "runs.journal": async ({ run, after, limit }) => {
      const entries = store.journal(requireRun(store, run).number, after, limit).map(entryLineOf);
      return { run, entries, next: entries.length === limit ? (entries.at(-1)?.seq ?? null) : null };
    },
  };
}

function readSince(text: string, now: number): number {
  const spanMs = readSpan(text);
  const at = spanMs === null ? readInstant(text) : now - spanMs;
  if (at === null) throw apiProblems.REQUEST_INVALID(`since: "${text}" is neither a span like 2h nor a moment in RFC 3339.`);
  return at;
}

function requireRun(store: Store, run: string): RunRecord {
  const id = readId("run", run);
  const number = id === null ? null : store.ids.numberOf(id);
  const record = number === null ? null : store.record(number);
  if (record === null) throw runProblems.RUN_UNKNOWN(`There is no run ${id ?? JSON.stringify(run)} in this data directory.`);
  return record;
}

/** Takes up a run that nobody carries, with all below it: a child that goes its own way is woken by nobody else. */
export async function wakeFamily(carrier: RunCarrier, run: RunId): Promise<void> {
  const status = (await carrier.engine.record(run))?.run.status;
  if (status === undefined || status === "paused") return;
  const hasEnded = isEnd(status);
  if (!hasEnded) carrier.wake(run, null);
  for (const child of await carrier.engine.openChildren(run)) {
    if (!hasEnded) await wakeFamily(carrier, child.run);
    else if (child.close === "cancel") await carrier.cancel(child.run, `the end of its parent ${run}`, null); // a crash came between
  }
}

export function steerHandlers(store: Store, carrier: RunCarrier, newId: () => string): Handlers<SteerName> {
  const statusOf = (run: RunId): RunStatus => requireRun(store, run).run.status;
  return {
    "runs.cancel": async ({ run, reason }) => {
      const {
        run: { id },
      } = requireRun(store, run);
      await carrier.cancel(id, "a person", reason ?? null);
      return { run, status: statusOf(id) };
    },
    "runs.resume": async ({ run }) => {
      const {
        run: { id, status },
      } = requireRun(store, run);
      // One that is not paused may have nobody who carries it: it is taken up here.
      if (status === "paused") await carrier.resume(id, "a person");
      else if (isEnd(status)) throw runProblems.RUN_ENDED(`Run ${run} is already ${status}.`);
      await wakeFamily(carrier, id);
      return { run, status: statusOf(id) };
    },
    "runs.signal": async ({ run, name, value, id = newId() }) => {
      const { run: found } = requireRun(store, run);
      const data = writeJson({ name, value: (value ?? null) as Json }, `Signal "${name}"`, limits.PAYLOAD_BYTES_MAX);
      const sent = await carrier.engine.send(found.id, { kind: "signal-received", key: id, hash: 0, data });
      if (sent === "ended") throw runProblems.RUN_ENDED(`Run ${run} is already ${found.status}; it takes no more signals.`);
      return { run, accepted: sent === "accepted" };
    },
    "runs.answer": async (input) => answer(store, carrier, input),
  };
}

async function answer(
  store: Store,
  carrier: RunCarrier,
  { run, key, value, by, who }: ReadInputOf<"runs.answer">,
): Promise<{ run: string }> {
  const record = requireRun(store, run);
  if (isEnd(record.run.status)) throw runProblems.RUN_ENDED(`Run ${run} is already ${record.run.status}; it asks nothing more.`);
  const question = openQuestions(readJournal(store, record.number)).find((open) => open.key === key);
  if (question === undefined) throw runProblems.ASK_UNKNOWN(`Run ${run} does not ask "${key}" now.`);
  const checked = readSchema(question.schema as JsonSchema | boolean, `The schema of "${key}"`).check(value ?? null);
  if (!checked.ok) throw runProblems.ANSWER_INVALID(`The answer to "${key}" does not fit: ${issuesInWords(checked.issues)}.`);
  const data = writeJson({ by, who, value: checked.value as Json }, `The answer to "${key}"`, limits.PAYLOAD_BYTES_MAX);
  await carrier.engine.send(record.run.id, { kind: "answered", key, hash: 0, data });
  return { run };
}

/** Reads the input at the door, then asks the handler. */
export async function answerWith<N extends OperationName>(
  handlers: Partial<Record<OperationName, unknown>>,
  operation: N,
  input: unknown,
): Promise<OutputOf<N>> {
  const handler = handlers[operation] as Handler<N> | undefined;
  if (handler === undefined) throw apiProblems.OPERATION_UNKNOWN(`"${operation}" is not answered here.`);
  return handler(readInput(operation, input));
}
