// The inbox: questions of all runs that wait for a person, and what people answer.

import type { InboxItem, ReadInputOf } from "../api.ts";
import { readId } from "../base/id.ts";
import { type Json, writeJson } from "../base/json.ts";
import { rfc3339 } from "../base/time.ts";
import type { Engine } from "../engine.ts";
import { type Asked, type Entry, type EntryKind, factOf, isEnd, limits, runProblems } from "../run.ts";
import type { RunRecord, Store } from "../store.ts";
import { issuesInWords, type JsonSchema, readSchema } from "../workflow.ts";
import { readJournal, requireRun } from "./views.ts";

export function listInbox(
  store: Store,
  { to, after, limit }: ReadInputOf<"inbox.list">,
): { items: InboxItem[]; next: number | null } {
  const items: InboxItem[] = [];
  let seq = after;
  for (;;) {
    const page = store.questions(seq, limits.PAGE_SIZE);
    for (const { number, entry } of page) {
      seq = entry.seq;
      const record = store.record(number);
      const asked = askedBy(entry);
      if (record === null || (to !== undefined && !mayAnswer(asked, to))) continue;
      items.push(itemOf(record, entry.key ?? "", asked, entry.at));
      if (items.length === limit) return { items, next: seq };
    }
    if (page.length < limits.PAGE_SIZE) return { items, next: null };
  }
}

function askedBy(entry: Entry): Asked {
  return factOf(entry as Entry & { kind: "asked" });
}

function itemOf({ run }: RunRecord, key: string, asked: Asked, askedAt: number): InboxItem {
  const { name, message, schema, to, deadlineAt, default: value } = asked;
  return {
    ...{ id: `${run.id}/${key}`, run: run.id, workflow: run.workflow, key, name, message, schema, to, default: value },
    askedAt: rfc3339(askedAt),
    deadlineAt: deadlineAt === null ? null : rfc3339(deadlineAt),
  };
}

/** `run/key`, or the run alone where it asks one question. Throws RUN_UNKNOWN / RUN_ENDED / ASK_UNKNOWN. */
export function requireItem(store: Store, id: string): InboxItem {
  const [run = "", ...rest] = id.split("/");
  const record = requireRun(store, run);
  if (isEnd(record.run.status)) throw runProblems.RUN_ENDED(`Run ${run} is already ${record.run.status}; it asks nothing more.`);
  const open = [...readJournal(store, record.number).values()].filter(({ asked, endedAt }) => asked !== null && endedAt === null);
  const key = rest.length > 0 ? rest.join("/") : open.length === 1 ? open[0]?.key : undefined;
  const found = open.find((operation) => operation.key === key);
  if (found === undefined || found.asked === null) {
    const asks = open.length === 0 ? "nothing" : open.map((operation) => `"${run}/${operation.key}"`).join(", ");
    throw runProblems.ASK_UNKNOWN(
      `Run ${run} does not ask ${key === undefined ? "one question" : `"${key}"`} now; it asks: ${asks}.`,
    );
  }
  return itemOf(record, found.key, found.asked, found.firstAt);
}

function mayAnswer({ to }: Pick<Asked, "to">, who: string | null): boolean {
  return to === null || (who !== null && to.includes(who));
}

/** Says what somebody says to a question, once. Throws NOT_ALLOWED / ANSWER_INVALID / ASK_UNKNOWN / RUN_ENDED. */
export async function answerItem(
  store: Store,
  engine: Engine,
  id: string,
  answer: { readonly by: "person" | "default"; readonly who: string | null; readonly value: unknown },
): Promise<{ id: string; run: string }> {
  const item = requireItem(store, id);
  if (answer.by === "person") requireAllowed(item, answer.who);
  const what = `The answer to "${item.name}"`;
  const checked = readSchema(item.schema as JsonSchema | boolean, `The schema of "${item.key}"`).check(answer.value ?? null);
  if (!checked.ok) throw runProblems.ANSWER_INVALID(`${what} does not fit: ${issuesInWords(checked.issues)}.`);
  const data = writeJson({ by: answer.by, who: answer.who, value: checked.value as Json }, what, limits.PAYLOAD_BYTES_MAX);
  return await tell(engine, item, "answered", data);
}

/** Throws as `answerItem` does. */
export async function declineItem(
  store: Store,
  engine: Engine,
  { id, who, reason }: ReadInputOf<"inbox.decline">,
): Promise<{ id: string; run: string }> {
  const item = requireItem(store, id);
  requireAllowed(item, who);
  return await tell(engine, item, "ask-declined", JSON.stringify({ who, reason: reason ?? null }));
}

function requireAllowed(item: InboxItem, who: string | null): void {
  if (!mayAnswer(item, who))
    throw runProblems.NOT_YOURS(`"${item.name}" is asked of ${item.to?.join(", ")}; you are ${who ?? "nobody it knows"}.`);
}

async function tell(
  engine: Engine,
  { id, run, key }: InboxItem,
  kind: EntryKind,
  data: string,
): Promise<{ id: string; run: string }> {
  const to = readId("run", run);
  const sent = to === null ? "unknown" : await engine.send(to, { kind, key, hash: 0, data });
  if (sent === "ended") throw runProblems.RUN_ENDED(`Run ${run} has ended; it asks nothing more.`);
  return { id, run };
}
