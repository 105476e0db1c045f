// The handlers of api/: reading from the store, steering through the carrier.

import { isAbsolute } from "node:path";
import { apiProblems, type OperationName, type OutputOf, type ReadInputOf, readInput } from "../api.ts";
import { type RunId, readId } from "../base/id.ts";
import { type Json, writeJson } from "../base/json.ts";
import { acceptInput, type RunCarrier, type Schedule, type Scheduler } from "../engine.ts";
import {
  type CloudEvent,
  type DegradedResult,
  hasEnded,
  isEnd,
  limits,
  type RunStatus,
  readEvent,
  readQuery,
  runProblems,
} from "../run.ts";
import type { Store } from "../store.ts";
import type { Workflow } from "../workflow.ts";
import { type AgentLookName, type AgentSteerName, agentReadHandlers } from "./agents.ts";
import { answerItem, declineItem, listInbox, requireItem } from "./inbox.ts";
import { listSchedules, nextOf, scheduleLineOf } from "./schedules.ts";
import { ratingsOf, type ServiceReadName, type ServiceSteerName, serviceReadHandlers } from "./services.ts";
import { entryLineOf, readJournal, requireRun, runLineOf, runViewOf, streamItemOf } from "./views.ts";
import { listWorkflows, showWorkflow } from "./workflows.ts";

type Handler<N extends OperationName> = (input: ReadInputOf<N>) => Promise<OutputOf<N>>;
type Handlers<N extends OperationName> = { readonly [K in N]: Handler<K> };

export type ReadName =
  | "runs.list"
  | "runs.show"
  | "runs.journal"
  | "runs.stream"
  | "events.list"
  | "workflows.list"
  | "workflows.show"
  | "schedules.list"
  | "schedules.next"
  | "inbox.list"
  | "inbox.show"
  | AgentLookName
  | ServiceReadName;
export type ScheduleName = "schedules.add" | "schedules.pause" | "schedules.resume" | "schedules.delete";
export type SteerName = Exclude<OperationName, ReadName | CarryName | ScheduleName | ServiceSteerName | AgentSteerName>;
export type CarryName = "runs.start" | "runs.fork" | "runs.migrate" | "workflows.load";

/** Whoever does not say who they are. */
const SOMEBODY = "a person";

/** `owned`: whether somebody carries the runs of this directory now. */
export function readHandlers(store: Store, now: () => number, owned: () => boolean): Handlers<ReadName> {
  return {
    "runs.list": async ({ status, workflow, since, query, cursor, limit }) => {
      const page = store.runs({
        limit,
        ...(query === undefined ? {} : readQuery(query, now())),
        ...(status === undefined ? {} : { statuses: status as RunStatus[] }),
        ...(workflow === undefined ? {} : { workflow }),
        ...(since === undefined ? {} : readQuery(`since:${since}`, now())),
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
      const isUnwinding = !hasEnded(record.run) && (store.entryCounts(record.number).get("unwinding") ?? 0) > 0;
      const degraded: DegradedResult[] = [];
      const journal = readJournal(store, record.number, degraded);
      const ratings = ratingsOf(store, record.run.id);
      const about = { ...(degraded.length === 0 ? {} : { degraded }), ...(ratings.length === 0 ? {} : { ratings }) };
      const view = { ...runViewOf(record.run, journal, store.queue(record.number), now()), ...about };
      return isUnwinding ? { ...view, waitsFor: "Takes back what it did, and ends then." } : view;
    },
    "runs.journal": async ({ run, after, limit }) => {
      const entries = store.journal(requireRun(store, run).number, after, limit).map(entryLineOf);
      return { run, entries, next: entries.length === limit ? (entries.at(-1)?.seq ?? null) : null };
    },
    "runs.stream": async ({ run, stream, after, limit }) => {
      const items = store.stream(requireRun(store, run).number, stream ?? null, after, limit);
      return { run, items: items.map(streamItemOf), next: items.at(-1)?.seq ?? after };
    },
    "events.list": async ({ type, after, limit }) => {
      const events = store.events(after, type ?? null, limit);
      return { events: events.map(({ text }) => JSON.parse(text)), next: events.at(-1)?.seq ?? after };
    },
    "workflows.list": async () => listWorkflows(store),
    "workflows.show": async ({ name }) => showWorkflow(store, name, now()),
    "schedules.list": async () => listSchedules(store, now()),
    "schedules.next": async ({ name, count }) => nextOf(store, name, count, now()),
    "inbox.list": async (input) => listInbox(store, input),
    "inbox.show": async ({ id }) => requireItem(store, id),
    ...serviceReadHandlers(store, now),
    ...agentReadHandlers(store),
  };
}

/** Takes up a run that nobody carries, with all below it: a child that goes its own way is woken by nobody else. */
export async function wakeFamily(carrier: RunCarrier, run: RunId): Promise<void> {
  const status = (await carrier.engine.record(run))?.run.status;
  if (status === undefined || status === "paused") return;
  const hasEnded = isEnd(status);
  if (!hasEnded) carrier.wake(run, null);
  for (const child of await carrier.engine.openChildren(run)) {
    if (!hasEnded) await wakeFamily(carrier, child.run);
    else if (child.close === "cancel") await carrier.steering.cancel(child.run, `the end of its parent ${run}`, null); // a crash came between
  }
}

export function steerHandlers(store: Store, carrier: RunCarrier, newId: () => string): Handlers<SteerName> {
  const statusOf = (run: RunId): RunStatus => requireRun(store, run).run.status;
  const { steering } = carrier;
  const idOf = (run: string): RunId => requireRun(store, run).run.id;
  return {
    "runs.cancel": async ({ run, reason, who }) => {
      await steering.cancel(idOf(run), who ?? SOMEBODY, reason ?? null);
      return { run, status: statusOf(idOf(run)) };
    },
    "runs.pause": async ({ run, who }) => {
      await steering.pause(idOf(run), who ?? SOMEBODY);
      return { run, status: statusOf(idOf(run)) };
    },
    "runs.retry": async ({ run, from, who }) => {
      const told = await steering.retry(idOf(run), from ?? null, who ?? SOMEBODY);
      return { run, status: statusOf(idOf(run)), ...told };
    },
    "runs.skip": async ({ run, step, result, who }) => {
      writeJson(result ?? null, `The result of step "${step}"`, limits.PAYLOAD_BYTES_MAX);
      await steering.skip(idOf(run), step, (result ?? null) as Json, who ?? SOMEBODY);
      return { run, status: statusOf(idOf(run)) };
    },
    // Not looked at first: one that cannot be read may be deleted too.
    "runs.delete": async ({ run }) => ({ run, deleted: await steering.delete(readId("run", run) ?? idOf(run)) }),
    "runs.resume": async ({ run, who }) => {
      const {
        run: { id, status },
      } = requireRun(store, run);
      // One that is not paused may have nobody who carries it: it is taken up here.
      if (status === "paused") await steering.resume(id, who ?? SOMEBODY);
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
    "runs.answer": async ({ run, key, by, who, value }) => {
      await answerItem(store, carrier.engine, `${run}/${key}`, { by, who, value });
      return { run };
    },
    "events.send": async ({ events }) => {
      const read = readEvents(events, newId, carrier.engine.clock.now());
      const published = await carrier.events?.publish(read);
      return { accepted: 0, repeated: 0, ...published, ids: read.map(({ id }) => id) };
    },
    "inbox.answer": async ({ id, value, who }) => answerItem(store, carrier.engine, id, { by: "person", who, value }),
    "inbox.decline": async (input) => declineItem(store, carrier.engine, input),
  };
}

/** `load` makes known what a file exports. */
export function scheduleHandlers(
  scheduler: Scheduler,
  carrier: RunCarrier,
  load: (file: string) => Promise<Workflow>,
): Handlers<ScheduleName> {
  const line = (schedule: Schedule) => scheduleLineOf(schedule, carrier.engine.clock.now());
  return {
    "schedules.add": async ({ name, workflow, input, overlap, catchUp, ...timetable }) => {
      const found = isFile(workflow) ? await load(workflow) : carrier.workflowNamed(workflow);
      const { source } = carrier.identityOf(found);
      const accepted = acceptInput(found, input).value as Json;
      const meant = `${found.namespace}/${found.name}`;
      const all = typeof catchUp === "number" ? { all: catchUp } : catchUp;
      return line(
        await scheduler.add({ ...timetable, name, workflow: meant, source, input: accepted ?? null, overlap, catchUp: all }),
      );
    },
    "schedules.pause": async ({ name }) => line(await scheduler.pause(name)),
    "schedules.resume": async ({ name }) => line(await scheduler.resume(name)),
    "schedules.delete": async ({ name }) => {
      await scheduler.remove(name);
      return { name };
    },
  };
}

function isFile(workflow: string): boolean {
  return isAbsolute(workflow.replace(/#[^#]*$/, ""));
}

/** One event or a list, from somebody who may leave out its id. Throws EVENT_INVALID. */
function readEvents(written: unknown, newId: () => string, now: number): CloudEvent[] {
  const all = Array.isArray(written) ? written : [written];
  if (all.length === 0 || all.length > limits.EVENTS_SENT_MAX)
    throw runProblems.EVENT_INVALID(
      `There are ${all.length} events; send 1 to ${limits.EVENTS_SENT_MAX} at once (EVENTS_SENT_MAX).`,
    );
  return all.map((one) => readEvent(one, { id: newId(), source: "/baton" }, now));
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
