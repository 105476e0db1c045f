// Looking a database over without changing it: whether the file is whole, and whether what it holds can be true together.
//
// Each contradiction is one query, so that it sees one moment of a database whose owner goes on writing. Repairing is
// left to people: every finding says what they can do.

import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isProblemError } from "../base/problem.ts";
import { entryKinds } from "../run.ts";
import { openPayloads } from "./payloads.ts";
import { openSqlite } from "./sqlite.ts";
import type { Store } from "./store.ts";

export interface Finding {
  /** `run_…`, or `database`. */
  readonly about: string;
  /** Stable, kebab-case. */
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly what: string;
  readonly fix: string;
}

/** What a database says of itself. */
export interface Vitals {
  readonly schemaVersion: number;
  /** When its last entry was written down, Unix ms; null where there is none. */
  readonly newestEntryAt: number | null;
}

/** Findings of one kind: whoever has more than these has one trouble, not many. */
const FINDINGS_MAX = 20;

/** How long to wait for a writer that is just opening the file, in ms. */
const BUSY_MS_MAX = 5_000;

const RESTORE = "Stop Baton and restore the data directory from a backup.";

const giveUp = (run: string): string =>
  `Restore a backup; or give the run up: \`baton runs cancel ${run}\`, then \`baton runs rm ${run}\`.`;

/** All that is wrong with a database; nothing when it is well. Never throws: a file that cannot be read is a finding. */
export function checkup(path: string): Finding[] {
  try {
    using store = openSqlite({ path, readOnly: true, random32: 0 });
    using db = openToLook(path);
    const damage = damageOf(db);
    if (damage !== null) return [damaged(damage)]; // what a damaged file says beside that cannot be relied on
    return [...contradictionsIn(db, store.ids), ...lostPayloads(db, path, store.ids)];
  } catch (error) {
    return [unreadable(error)];
  }
}

/** Null where it cannot be read; `checkup` says why. */
export function vitalsOf(path: string): Vitals | null {
  try {
    using db = openToLook(path);
    const { user_version: schemaVersion } = db.prepare("pragma user_version").get() as { user_version: number };
    const newest = db.prepare("select at from journal order by seq desc limit 1").get() as { at: number } | undefined;
    return { schemaVersion, newestEntryAt: newest?.at ?? null };
  } catch {
    return null;
  }
}

function openToLook(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS_MAX });
}

/** What SQLite says of the file itself; null when it is whole. */
function damageOf(db: DatabaseSync): string | null {
  const rows = db.prepare(`pragma quick_check(${FINDINGS_MAX})`).all() as { quick_check: string }[];
  const told = rows.map(({ quick_check }) => quick_check).filter((words) => words !== "ok");
  return told.length === 0 ? null : told.join("; ");
}

function damaged(reason: string): Finding {
  const what = `The database file is damaged: ${reason.replaceAll(/\s+/g, " ")}`;
  return { about: "database", code: "damaged", severity: "error", what, fix: RESTORE };
}

/** Why it could not be opened, in the words of whoever opens it to work with it. */
function unreadable(error: unknown): Finding {
  if (!isProblemError(error)) return damaged(error instanceof Error ? error.message : String(error));
  const { code, detail: what, fix = RESTORE } = error.problem;
  const finding = { about: "database", code: code.toLowerCase().replaceAll("_", "-"), what };
  if (code !== "DATA_BLANK") return { ...finding, severity: "error", fix };
  return { ...finding, severity: "warning", fix: "Nothing has to be done: the next `baton run` makes it whole." };
}

interface Contradiction {
  readonly code: string;
  readonly severity: Finding["severity"];
  /** Gives `run`, null for the database itself, and `thing`: what of it. */
  readonly sql: string;
  what(run: string, thing: string | number): string;
  fix(run: string, thing: string | number): string;
}

/** Outcomes that only the run itself writes. Answers and the ends of children come from elsewhere, perhaps twice: the first counts. */
const OWN_OUTCOMES = Object.values(entryKinds)
  .filter(({ outcome, of: [operation] }) => outcome && operation !== "ask" && operation !== "child-run")
  .map(({ number }) => number);

const KNOWN_KINDS = Object.values(entryKinds).map(({ number }) => number);

const ASKED = entryKinds.asked.number;
const ANSWERS = [entryKinds.answered, entryKinds["ask-timed-out"], entryKinds["ask-declined"]].map(({ number }) => number);

/** With which a row names the file of a text that is too large for it. */
const IN_FILE = "@sha256:";

const notJson = (column: string): string => `${column} not glob '${IN_FILE}*' and not json_valid(${column})`;

const isObject = (column: string): string =>
  `(case when json_valid(${column}) then json_type(${column}) = 'object' else false end)`;

const contradictions: readonly Contradiction[] = [
  {
    code: "workflow-missing",
    severity: "error",
    // The schema has one reference, from a run to its workflow.
    sql: 'select "rowid" as run, null as thing from pragma_foreign_key_check',
    what: (run) => `${run} names a workflow that is not there, so no list shows the run and nobody carries it.`,
    fix: () => RESTORE,
  },
  {
    code: "standing-impossible",
    severity: "error",
    // What the schema's checks say: SQLite does not know them in a file that it only reads.
    sql: `
      select id as run, status as thing from runs
       where (status in ('completed', 'failed', 'canceled')) <> (ended_at is not null)
          or (status = 'completed') <> (output is not null) or (status = 'paused') <> (reason is not null)
          or (status in ('failed', 'canceled') and problem is null)`,
    what: (run, status) => `${run} is ${status}, and does not have what such a run has, or has what it does not.`,
    fix: () => RESTORE,
  },
  {
    code: "entries-without-run",
    severity: "error",
    sql: `
      select run, count(*) as thing from journal
       where not exists (select 1 from runs where id = journal.run) group by run`,
    what: (run, count) => `The journal holds entries of ${run} (${count}), and there is no such run.`,
    fix: (run) => `Restore a backup if ${run} is missed; else nothing has to be done: nobody reads its entries.`,
  },
  {
    code: "start-key-without-run",
    severity: "error",
    sql: `
      select run, namespace || '/' || name || ' ' || json_quote(key) as thing from start_keys
       where not exists (select 1 from runs where id = start_keys.run)`,
    what: (run, key) => `The start key ${key} names ${run}, and there is no such run: nothing can be started with it.`,
    fix: () => "Start with another key, or restore a backup.",
  },
  {
    code: "child-without-parent",
    severity: "warning",
    sql: `
      select id as run, parent as thing from runs
       where ended_at is null and parent_close = 'cancel' and not exists (select 1 from runs p where p.id = runs.parent)`,
    what: (run) => `${run} is to end with the run that started it, and that run is not there.`,
    fix: (run) => `End it with \`baton runs cancel ${run}\`, or let it come to its own end.`,
  },
  {
    code: "wake-of-ended-run",
    severity: "warning",
    sql: "select id as run, status as thing from runs where wake_at is not null and ended_at is not null",
    what: (run, status) => `${run} is ${status} and yet to be woken.`,
    fix: (run) => `Nothing has to be done: ended runs are not woken. \`baton runs rm ${run}\` removes it.`,
  },
  {
    code: "question-without-entry",
    severity: "error",
    sql: `
      select q.run, q.key as thing from questions q join runs r on r.id = q.run
       where r.ended_at is null
         and not exists (select 1 from journal j where j.seq = q.seq and j.run = q.run and j.kind = ${ASKED})`,
    what: (run, key) => `${run} has the open question "${key}", and its journal does not say what is asked.`,
    fix: giveUp,
  },
  {
    code: "question-not-shown",
    severity: "error",
    sql: `
      select a.run, a.key as thing from journal a join runs r on r.id = a.run
       where a.kind = ${ASKED} and r.ended_at is null
         and not exists (select 1 from questions q where q.run = a.run and q.key = a.key)
         and not exists (select 1 from journal b where b.run = a.run and b.key = a.key and b.kind in (${ANSWERS}))`,
    what: (run, key) => `${run} waits for an answer to "${key}", and the inbox does not show the question.`,
    fix: (run, key) => `Have it asked again: \`baton runs retry ${run} --from "${key}"\`.`,
  },
  {
    code: "second-outcome",
    severity: "error",
    sql: `
      select run, key as thing from journal
       where kind in (${OWN_OUTCOMES}) group by run, key having count(*) > 1`,
    what: (run, key) => `"${key}" of ${run} has ended more than once; the first outcome counts.`,
    fix: (run, key) => `Have it done again, with all that came after: \`baton runs retry ${run} --from "${key}"\`.`,
  },
  {
    code: "unknown-kind",
    severity: "error",
    sql: `
      select run, 'entry ' || seq || ' is of kind ' || kind as thing from journal
       where kind not in (${KNOWN_KINDS})`,
    what: (run, thing) => `In the journal of ${run} ${thing}, which this version does not know.`,
    fix: () => "Use the newer Baton that wrote it; if there is none, restore a backup.",
  },
  {
    code: "not-json",
    severity: "error",
    // A step that gave nothing is recorded as empty text.
    sql: `
      select run, 'The data of journal entry ' || seq as thing from journal
       where ${notJson("data")} and (data <> '' or kind <> ${entryKinds["step-completed"].number})
      union all select id, 'The input' from runs where ${notJson("input")}
      union all select id, 'The output' from runs where ${notJson("output")}
      union all select id, 'The problem' from runs where ${notJson("problem")}
      union all select id, 'The progress' from runs where ${notJson("progress")}`,
    what: (run, thing) => `${thing} of ${run} is not JSON.`,
    fix: () => RESTORE,
  },
  {
    code: "service-unreadable",
    severity: "error",
    sql: `
      select null as run, id as thing from services
       where case when ${isObject("definition")} then definition ->> '$.service' is not id else true end`,
    what: (_run, id) => `What is kept of the service ${id} is no definition of it, so nobody can call it.`,
    fix: (_run, id) => `Add it again with --replace, or remove it: \`baton services rm ${id}\`.`,
  },
  {
    code: "service-facts-unreadable",
    severity: "warning",
    sql: `
      select null as run, 'How the service ' || id || ' stood' as thing from services where not ${isObject("state")}
      union all select null, 'What was learned of ' || name from folds where not ${isObject("state")}
      union all select null, 'The figures of ' || service || '/' || operation || ' from ' || from_at from rollups
       where not ${isObject("figures")}`,
    what: (_run, thing) => `${thing} cannot be read, and counts as never written.`,
    fix: () => "Nothing has to be done: it is made anew of what is there. A backup has what was lost.",
  },
  {
    code: "meta-missing",
    severity: "error",
    sql: `
      select null as run, column1 as thing from (values ('epoch'), ('last_run'), ('last_seq'))
       where not exists (select 1 from meta where name = column1 and typeof(value) in ('integer', 'real'))`,
    what: (_run, name) => `The table meta has no number "${name}", without which nothing can be written.`,
    fix: () => RESTORE,
  },
  {
    code: "last-run-low",
    severity: "error",
    // Beside the runs that are there, `last_run` counts those that have left: it need not be higher than they are.
    sql: `
      select null as run, max(used) as thing
        from (select max(run) as used from journal union all select max(run) from start_keys
              union all select max(run) from questions union all select max(run) from taken_signals
              union all select max(root) from runs union all select max(parent) from runs)
      having max(used) > max(coalesce((select max(id) from runs), 0),
                             coalesce((select value from meta where name = 'last_run'), 0))`,
    what: (_run, number) => `Run number ${number} is in use and counts as never given: a new run would take over what is there.`,
    fix: () => RESTORE,
  },
  {
    code: "last-seq-low",
    severity: "error",
    sql: `
      select null as run, max(seq) as thing from questions
      having max(seq) > max(coalesce((select max(seq) from journal), 0),
                            coalesce((select value from meta where name = 'last_seq'), 0))`,
    what: (_run, seq) => `Entry ${seq} is in use and counts as never written: a new entry would be taken for it.`,
    fix: () => RESTORE,
  },
];

function contradictionsIn(db: DatabaseSync, ids: Store["ids"]): Finding[] {
  return contradictions.flatMap(({ code, severity, sql, what, fix }) =>
    (db.prepare(`${sql} limit ${FINDINGS_MAX}`).all() as unknown as ContradictionRow[]).map(({ run, thing }) => {
      const about = run === null ? "database" : ids.of(run);
      return { about, code, severity, what: what(about, thing), fix: fix(about, thing) };
    }),
  );
}

interface ContradictionRow {
  readonly run: number | null;
  readonly thing: string | number;
}

/** Payloads whose file is missing or holds something else: each is read, one at a time. */
function lostPayloads(db: DatabaseSync, path: string, ids: Store["ids"]): Finding[] {
  const payloads = openPayloads(join(dirname(path), "payloads"));
  const named = db.prepare("select hash, min(run) as run from payloads group by hash").all() as { hash: string; run: number }[];
  const isNamed = db.prepare("select 1 from payloads where hash = ? and run = ?");
  const found: Finding[] = [];
  for (const { hash, run } of named) {
    try {
      payloads.get(IN_FILE + hash);
    } catch (error) {
      if (isNamed.get(hash, run) === undefined) continue; // its run was deleted meanwhile
      found.push({ ...unreadable(error), about: ids.of(run) });
      if (found.length === FINDINGS_MAX) break;
    }
  }
  return found;
}
