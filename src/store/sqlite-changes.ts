// What is kept beside journals, on SQLite: writing and reading.

import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { blockInsert } from "./block-insert.ts";
import type { AuditLine, Change, ChangeReads, CodeIdentity, LineRow, Queue, StoredEvent, StreamItem } from "./changes.ts";

/** Readings are many, and written together. */
type Reading = Extract<Change, { kind: "reading" }>;

type Single = Exclude<Change, Reading>;

type Writers = { readonly [K in Single["kind"]]: (change: Extract<Single, { kind: K }>) => void };

export function changeWriter(
  db: DatabaseSync,
  workflowId: (identity: CodeIdentity) => number,
): (changes: readonly Change[]) => void {
  const event = db.prepare("insert or ignore into events (seq, source, id, type, at, event) values (?, ?, ?, ?, ?, ?)");
  const listen = db.prepare("insert or ignore into listeners (run, key, type, after_seq) values (?, ?, ?, ?)");
  const stopListening = db.prepare("delete from listeners where run = ? and key = ?");
  const item = db.prepare("insert or ignore into stream_items (run, stream, id, at, data) values (?, ?, ?, ?, ?)");
  const schedule = db.prepare("insert or replace into schedules (name, definition, state) values (?, ?, ?)");
  const removeSchedule = db.prepare("delete from schedules where name = ?");
  const retention = db.prepare("insert or replace into retentions (workflow, policy) values (?, ?)");
  const line = db.prepare(
    "insert or replace into lines (run, gate, limits, priority, asked_at, is_passed) values (?, ?, ?, ?, ?, 0)",
  );
  const passLine = db.prepare("update lines set is_passed = 1 where run = ?");
  const leaveLine = db.prepare("delete from lines where run = ?");
  const giveCode = db.prepare("update runs set workflow = ? where id = ?");
  const pass = db.prepare("insert into passes (gate, at) values (?, ?)");
  const service = db.prepare(
    `insert into services (id, definition, source, added_at) values (?, ?, ?, ?)
     on conflict (id) do update set definition = excluded.definition, source = excluded.source`,
  );
  const removeService = db.prepare("delete from services where id = ?");
  const serviceState = db.prepare("update services set state = ? where id = ?");
  const writeReadings = readingWriter(db);
  const rollup = db.prepare(
    "insert or replace into rollups (service, operation, span_ms, from_at, figures) values (?, ?, ?, ?, ?)",
  );
  const fold = db.prepare("insert or replace into folds (name, position, state) values (?, ?, ?)");
  const rating = db.prepare(
    `insert or replace into ratings (call, at, service, operation, capability, rating, comment, who)
     values (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const lastAnswer = db.prepare("insert or replace into last_answers (key, at, answer) values (?, ?, ?)");
  const audit = auditWriter(db);
  const file = db.prepare("insert or ignore into payloads (hash, run) values (?, ?)");
  const agent = db.prepare(
    `insert into agents (id, definition, source, added_at, status) values (?, ?, ?, ?, ?)
     on conflict (id) do update set definition = excluded.definition, source = excluded.source, status = excluded.status`,
  );
  const removeAgent = db.prepare("delete from agents where id = ?");
  const agentStatus = db.prepare("update agents set status = ?, state = ? where id = ?");
  const verdict = db.prepare(
    `insert or ignore into verdicts (id, at, run, agent, capability, task_kind, verdict, facts)
     values (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const budget = db.prepare("insert into budget_entries (entry) values (?)");
  const foldBudgets = db.prepare("delete from budget_entries where seq <= ?");
  const writers: Writers = {
    service: ({ id, definitionText, source, at }) => service.run(id, definitionText, source, at),
    "service-gone": ({ id }) => removeService.run(id),
    "service-state": ({ id, stateText }) => serviceState.run(stateText, id),
    rollup: ({ service: name, operation, spanMs, fromAt, figuresText }) =>
      rollup.run(name, operation, spanMs, fromAt, figuresText),
    fold: ({ name, position, stateText }) => fold.run(name, position, stateText),
    rating: ({ call, at, service: name, operation, capability, rating: stars, comment, who }) =>
      rating.run(call, at, name, operation, capability, stars, comment, who),
    "last-answer": ({ key, at, text }) => lastAnswer.run(key, at, text),
    file: ({ hash, owner }) => file.run(hash, owner),
    agent: ({ id, definitionText, source, at, status }) => agent.run(id, definitionText, source, at, status),
    "agent-gone": ({ id }) => removeAgent.run(id),
    "agent-status": ({ id, status, stateText }) => agentStatus.run(status, stateText, id),
    verdict: ({ id, at, run, agent: name, capability, taskKind, verdict: what, text }) =>
      verdict.run(id, at, run, name, capability, taskKind, what, text),
    budget: ({ text }) => budget.run(text),
    "budgets-folded": ({ position }) => foldBudgets.run(position),
    audit,
    event: ({ seq, source, id, type, at, text }) => event.run(seq, source, id, type, at, text),
    schedule: ({ name, definitionText, stateText }) => schedule.run(name, definitionText, stateText),
    line: ({ run, gate, limitText, priority, askedAt }) => line.run(run, gate, limitText, priority, askedAt),
    "run-code": ({ run, workflow }) => giveCode.run(workflowId(workflow), run),
    "line-passed": ({ run }) => passLine.run(run),
    "line-gone": ({ run }) => leaveLine.run(run),
    pass: ({ gate, at }) => pass.run(gate, at),
    retention: ({ workflow, policyText }) => retention.run(workflow, policyText),
    "schedule-gone": ({ name }) => removeSchedule.run(name),
    listener: ({ run, key, type, afterSeq }) => listen.run(run, key, type, afterSeq),
    "listener-gone": ({ run, key }) => stopListening.run(run, key),
    "stream-item": ({ run, stream, id, at, text }) => item.run(run, stream, id, at, text),
  };
  return (changes) => {
    const readings: Reading[] = [];
    for (const change of changes)
      if (change.kind === "reading") readings.push(change);
      else (writers[change.kind] as (change: Single) => void)(change);
    if (readings.length > 0) writeReadings(readings);
  };
}

/** One that is told twice is there once. */
function readingWriter(db: DatabaseSync): (readings: readonly Reading[]) => void {
  const columns = ["id", "at", "kind", "service", "operation", "facts"];
  return blockInsert<Reading>(db, "insert or ignore into readings", columns, (to, offset, reading) => {
    to[offset] = reading.id;
    to[offset + 1] = reading.at;
    to[offset + 2] = reading.what;
    to[offset + 3] = reading.service;
    to[offset + 4] = reading.operation;
    to[offset + 5] = reading.text;
  });
}

/** Binds each line to the one before. */
function auditWriter(db: DatabaseSync): (line: Extract<Change, { kind: "audit" }>) => void {
  const last = db.prepare("select hash from audit order by seq desc limit 1");
  const insert = db.prepare("insert into audit (at, what, facts, hash) values (?, ?, ?, ?)");
  return ({ at, what, text }) => {
    const before = (last.get() as { hash: string } | undefined)?.hash ?? "";
    insert.run(at, what, text, auditHash(before, { at, what, text }));
  };
}

function auditHash(before: string, { at, what, text }: Omit<AuditLine, "seq">): string {
  return createHash("sha256")
    .update(JSON.stringify([before, at, what, text]))
    .digest("hex");
}

const READING = "seq, id, at, kind as what, service, operation, facts as text";

const VERDICT = "seq, id, at, run, agent, capability, task_kind as taskKind, verdict, facts as text";

const LINE = "run, run as seq, gate, limits as limitText, priority, asked_at as askedAt, is_passed";

type LineColumns = Omit<LineRow, "isPassed"> & { readonly is_passed: number };

function lineOf({ is_passed: isPassed, ...line }: LineColumns): LineRow {
  return { ...line, isPassed: isPassed === 1 };
}

type One = <Row>(sql: string, ...values: (string | number | null)[]) => Row | undefined;
type All = <Row>(sql: string, ...values: (string | number | null)[]) => Row[];

export function changeReads(one: One, all: All): ChangeReads {
  return {
    hasEvent: (source, id) => one("select 1 from events where source = ? and id = ?", source, id) !== undefined,
    events: (afterSeq, type, limit) =>
      type === null
        ? all<StoredEvent>("select seq, event as text from events where seq > ? order by seq limit ?", afterSeq, limit)
        : all<StoredEvent>(
            "select seq, event as text from events where type = ? and seq > ? order by seq limit ?",
            ...[type, afterSeq, limit],
          ),
    listening: (type, afterNumber, limit) =>
      (type === null
        ? all<{ run: number }>(
            `select distinct l.run from listeners l join runs r on r.id = l.run
              where r.ended_at is null and l.run > ?
                and exists (select 1 from events e where e.seq > l.after_seq and (l.type is null or e.type = l.type))
              order by l.run limit ?`,
            ...[afterNumber, limit],
          )
        : all<{ run: number }>(
            `select distinct l.run from listeners l join runs r on r.id = l.run
              where r.ended_at is null and l.run > ? and (l.type is null or l.type = ?) order by l.run limit ?`,
            ...[afterNumber, type, limit],
          )
      ).map(({ run }) => run),
    lines: (afterRun, limit) =>
      all<LineColumns>(`select ${LINE} from lines where run > ? order by run limit ?`, afterRun, limit).map(lineOf),
    line: (run) => {
      const row = one<LineColumns>(`select ${LINE} from lines where run = ?`, run);
      return row === undefined ? null : lineOf(row);
    },
    queue: (run) =>
      one<Queue>(
        `select l.gate, l.limits as limitText,
                (select count(*) from lines h where h.gate = l.gate and h.is_passed = 1) as held,
                (select count(*) from lines b where b.gate = l.gate and b.is_passed = 0 and b.run <> l.run
                    and (b.asked_at + b.priority * 30000, b.run) < (l.asked_at + l.priority * 30000, l.run)) as before
           from lines l where l.run = ? and l.is_passed = 0`,
        run,
      ) ?? null,
    passes: (afterSeq, limit) => all("select seq, gate, at from passes where seq > ? order by seq limit ?", afterSeq, limit),
    retentions: () => all("select workflow, policy as policyText from retentions order by workflow"),
    schedules: () => all("select definition as definitionText, state as stateText from schedules order by name"),
    services: () =>
      all("select id, definition as definitionText, source, added_at as addedAt, state as stateText from services order by id"),
    readings: (afterSeq, limit) => all(`select ${READING} from readings where seq > ? order by seq limit ?`, afterSeq, limit),
    readingsOf: (run) => all(`select ${READING} from readings where id >= ? and id < ? order by seq`, `${run}.`, `${run}/`),
    reading: (id) => one(`select ${READING} from readings where id = ?`, id) ?? null,
    circuitReadings: (service, limit) =>
      all(`select ${READING} from readings where service = ? and kind = 'circuit' order by seq desc limit ?`, service, limit),
    rollups: (afterAt) =>
      all(
        `select service, operation, span_ms as spanMs, from_at as fromAt, figures as figuresText from rollups
          where from_at + span_ms > ? order by service, operation, from_at`,
        afterAt,
      ),
    rollup: ({ service, operation, spanMs, fromAt }) =>
      one(
        `select service, operation, span_ms as spanMs, from_at as fromAt, figures as figuresText from rollups
          where service = ? and operation = ? and span_ms = ? and from_at = ?`,
        ...[service, operation, spanMs, fromAt],
      ) ?? null,
    fold: (name) => one("select position, state as stateText from folds where name = ?", name) ?? null,
    ratings: (afterAt) =>
      all("select call, at, service, operation, capability, rating, comment, who from ratings where at > ? order by at", afterAt),
    agents: () =>
      all(
        `select id, definition as definitionText, source, added_at as addedAt, status, state as stateText
           from agents order by id`,
      ),
    verdicts: (afterSeq, limit) => all(`select ${VERDICT} from verdicts where seq > ? order by seq limit ?`, afterSeq, limit),
    verdictsOf: (name, limit) => all(`select ${VERDICT} from verdicts where agent = ? order by seq desc limit ?`, name, limit),
    verdictsOfRun: (run) => all(`select ${VERDICT} from verdicts where run = ? order by seq`, run),
    budgetEntries: (afterSeq, limit) =>
      all("select seq, entry as text from budget_entries where seq > ? order by seq limit ?", afterSeq, limit),
    audit: (afterSeq, limit) =>
      all("select seq, at, what, facts as text from audit where seq > ? order by seq limit ?", afterSeq, limit),
    auditBreak: () => {
      let before = "";
      for (let after = 0; ; ) {
        const page = all<AuditLine & { hash: string }>(
          "select seq, at, what, facts as text, hash from audit where seq > ? order by seq limit 1000",
          after,
        );
        for (const line of page) {
          if (line.seq !== after + 1 || auditHash(before, line) !== line.hash) return line.seq;
          [before, after] = [line.hash, line.seq];
        }
        if (page.length === 0) return null;
      }
    },
    lastAnswer: (key) => one("select at, answer as text from last_answers where key = ?", key) ?? null,
    stream: (number, stream, afterSeq, limit) =>
      stream === null
        ? all<StreamItem>(
            "select seq, stream, at, data as text from stream_items where run = ? and seq > ? order by seq limit ?",
            ...[number, afterSeq, limit],
          )
        : all<StreamItem>(
            `select seq, stream, at, data as text from stream_items
              where run = ? and stream = ? and seq > ? order by seq limit ?`,
            ...[number, stream, afterSeq, limit],
          ),
  };
}
