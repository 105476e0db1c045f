// The reading half of the SQLite store. Statements are prepared when first asked for.

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { type Entry, type EntryKind, entryKindOf, type FieldFilter, type RunStatus } from "../run.ts";
import type { runIds } from "./ids.ts";
import { hashIn, type Payloads } from "./payloads.ts";
import { storeProblems } from "./problems.ts";
import { type EntryRow, entryOf, listedRunOf, RUN_COLUMNS, type RunRow, recordOf } from "./rows.ts";
import { changeReads } from "./sqlite-changes.ts";
import type { KnownWorkflow, RunPage, RunQuery, Store, Upkeep } from "./store.ts";

type Reads = Omit<Store, "ids" | "putFile" | "file" | "claim" | "tail" | "commit" | keyof Upkeep | typeof Symbol.dispose>;

export function sqliteReads(db: DatabaseSync, ids: ReturnType<typeof runIds>, payloads: Payloads): Reads {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql) ?? db.prepare(sql);
    statements.set(sql, known);
    return known;
  };
  const one = <Row>(sql: string, ...values: SQLInputValue[]) => whole(prepare(sql).get(...values), payloads) as Row | undefined;
  const all = <Row>(sql: string, ...values: SQLInputValue[]) => {
    const rows = prepare(sql).all(...values);
    for (const row of rows) whole(row, payloads);
    return rows as unknown as Row[];
  };

  return {
    ...changeReads(one, all),
    record(number) {
      const row = one<RunRow>(`select ${RUN_COLUMNS} where r.id = ?`, number);
      return row === undefined ? null : recordOf(row, ids);
    },
    byKey({ namespace, name }, key) {
      const row = one<{ run: number; body_hash: string }>(
        "select run, body_hash from start_keys where namespace = ? and name = ? and key = ?",
        ...[namespace, name, key],
      );
      return row === undefined ? null : { number: row.run, bodyHash: row.body_hash };
    },
    journal: (number, afterSeq, limit): Entry[] =>
      all<EntryRow>(
        "select seq, kind, key, hash, at, data from journal where run = ? and seq > ? order by seq limit ?",
        ...[number, afterSeq, limit],
      ).map(entryOf),
    hasSignal: (number, id) =>
      one("select 1 from journal where run = ? and key = ? and kind = 7", number, id) !== undefined ||
      one("select 1 from taken_signals where run = ? and id = ?", number, id) !== undefined,
    entryCounts: (number) => countsByKind(all("select kind, count(*) as count from journal where run = ? group by kind", number)),
    runs: (query) => page(query, ids, all),
    workflows: () =>
      all<KnownWorkflow>(
        `select w.namespace, w.name, w.version, nullif(max(w.source), '') as source, count(r.id) as runs,
                count(r.id) filter (where r.ended_at is null) as open
           from workflows w left join runs r on r.workflow = w.id
          group by w.namespace, w.name, w.version order by max(w.id) desc`,
      ),
    statusCounts: () =>
      new Map(
        all<{ status: RunStatus; count: number }>("select status, count(*) as count from runs group by status").map((row) => [
          row.status,
          row.count,
        ]),
      ),
    unended: (statuses, afterNumber, limit) =>
      all<{ id: number }>(
        `select id from runs where ended_at is null and id > ?
            and status in (select value from json_each(?)) order by id limit ?`,
        ...[afterNumber, JSON.stringify(statuses), limit],
      ).map((row) => row.id),
    due: (untilMs, limit, root) =>
      all<{ number: number; wakeAt: number }>(
        `select id as number, wake_at as wakeAt from runs
          where wake_at <= ? and ended_at is null and (? is null or root = ?) order by wake_at, id limit ?`,
        ...[untilMs, root, root, limit],
      ),
    leftBehind: (afterNumber, limit) =>
      all<{ id: number }>(
        `select c.id from runs c join runs p on p.id = c.parent
          where c.ended_at is null and c.parent_close = 'cancel' and c.id > ? and p.ended_at is not null order by c.id limit ?`,
        ...[afterNumber, limit],
      ).map((row) => row.id),
    questions: (afterSeq, limit) =>
      all<EntryRow & { number: number }>(
        `select q.run as number, j.seq, j.kind, j.key, j.hash, j.at, j.data
           from questions q join journal j on j.seq = q.seq join runs r on r.id = q.run
          where q.seq > ? and r.ended_at is null order by q.seq limit ?`,
        ...[afterSeq, limit],
      ).map((row) => ({ number: row.number, entry: entryOf(row) })),
    children: (number) => all<{ id: number }>("select id from runs where parent = ? order by id", number).map((row) => row.id),
    openChildren: (number) =>
      all<{ number: number; close: "cancel" | "keep" }>(
        "select id as number, parent_close as close from runs where parent = ? and ended_at is null order by id",
        number,
      ),
  };
}

/** Columns whose text may live in a file. */
const LARGE = ["data", "input", "output"] as const;

function whole(row: Record<string, unknown> | undefined, payloads: Payloads): unknown {
  if (row === undefined) return undefined;
  for (const column of LARGE) {
    const stored = row[column];
    if (typeof stored === "string" && hashIn(stored) !== null) row[column] = payloads.get(stored);
  }
  return row;
}

function countsByKind(rows: { kind: number; count: number }[]): Map<EntryKind, number> {
  const counts = new Map<EntryKind, number>();
  for (const row of rows) {
    const kind = entryKindOf(row.kind);
    if (kind !== null) counts.set(kind, row.count);
  }
  return counts;
}

function page(
  query: RunQuery,
  ids: ReturnType<typeof runIds>,
  all: <Row>(sql: string, ...values: SQLInputValue[]) => Row[],
): RunPage {
  const { namespace, name, version } = workflowFilter(query.workflow);
  const rows = all<RunRow>(
    `select ${RUN_COLUMNS}
      where r.id < ? and (? is null or r.status in (select value from json_each(?)))
        and (? is null or r.reason in (select value from json_each(?)))
        and (? is null or w.namespace = ?) and (? is null or w.name = ?) and (? is null or w.version = ?)
        and r.started_at >= ? and r.started_at <= ? and (? is null or r.parent = ?)
        and (? is null or r.problem ->> '$.code' = ?)
        and (? is null or exists (select 1 from start_keys k where k.run = r.id and k.key glob ?))
        ${fieldsOf(query)
          .map(({ of }) => `and iif(r.${of} glob '@*', 0, (r.${of} -> ?) = json(?))`) // one in a file is not looked into
          .join(" ")}
      order by r.id desc limit ?`,
    ...[cursorOf(query.cursor, ids), ...twice(listOf(query.statuses)), ...twice(listOf(query.reasons))],
    ...[...twice(namespace), ...twice(name), ...twice(version), query.since ?? 0, query.until ?? Number.MAX_SAFE_INTEGER],
    ...[...twice(parentOf(query.parent, ids)), ...twice(query.problem ?? null), ...twice(globOf(query.key))],
    ...fieldsOf(query).flatMap(({ path, value }) => [path, JSON.stringify(value)]),
    query.limit + 1,
  );
  const runs = rows.slice(0, query.limit).map((row) => listedRunOf(row, ids));
  return { runs, nextCursor: rows.length > query.limit ? (runs.at(-1)?.id ?? null) : null };
}

const twice = (value: SQLInputValue): SQLInputValue[] => [value, value];

function fieldsOf({ fields = [] }: RunQuery): readonly FieldFilter[] {
  return fields;
}

/** A run that is not there is nobody's parent. */
function parentOf(parent: string | undefined, ids: ReturnType<typeof runIds>): number | null {
  return parent === undefined ? null : (ids.numberOf(parent as Parameters<typeof ids.numberOf>[0]) ?? -1);
}

/** Only a star at the end means anything. */
function globOf(key: string | undefined): string | null {
  if (key === undefined) return null;
  const literal = (text: string): string => text.replaceAll(/[*?[]/g, "[$&]");
  return key.endsWith("*") ? `${literal(key.slice(0, -1))}*` : literal(key);
}

function listOf(statuses: readonly string[] | undefined): string | null {
  return statuses === undefined || statuses.length === 0 ? null : JSON.stringify(statuses);
}

function cursorOf(cursor: string | undefined, ids: ReturnType<typeof runIds>): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const number = ids.numberOf(cursor as Parameters<typeof ids.numberOf>[0]);
  if (number === null) throw storeProblems.CURSOR_INVALID(`"${cursor.slice(0, 60)}" is not a cursor of this data directory.`);
  return number;
}

function workflowFilter(text: string | undefined): { namespace: string | null; name: string | null; version: string | null } {
  const [, namespace, name, version] = /^(?:([^/@]+)\/)?([^@]*)(?:@(.+))?$/.exec(text ?? "") ?? [];
  return { namespace: namespace ?? null, name: name === undefined || name === "" ? null : name, version: version ?? null };
}
