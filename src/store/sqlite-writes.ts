// The writing half of the SQLite store: claiming an epoch, and one transaction per commit.

import type { DatabaseSync } from "node:sqlite";
import { isProblemError } from "../base/problem.ts";
import { entryKinds } from "../run.ts";
import { blockInsert } from "./block-insert.ts";
import type { CodeIdentity } from "./changes.ts";
import { hashIn, INLINE_LENGTH_MAX, type Payloads } from "./payloads.ts";
import { storeProblems } from "./problems.ts";
import { changeWriter } from "./sqlite-changes.ts";
import type { Commit, JournalReset, NewEntry, Rewind, RunStart, RunUpdate, Store } from "./store.ts";

export function sqliteWrites(db: DatabaseSync, payloads: Payloads): Pick<Store, "claim" | "tail" | "commit"> {
  // A store opened for reading has no use for statements that write.
  let prepared: ReturnType<typeof prepareWrites> | null = null;
  const writes = () => {
    prepared ??= prepareWrites(db, payloads);
    return prepared;
  };
  return {
    claim: () => claim(db),
    tail: () => tail(db),
    commit(commit) {
      const { begin, end, apply } = writes();
      try {
        begin.run();
        apply(commit);
        end.run();
      } catch (error) {
        prepared = null; // what they remember may have been rolled back
        throw failed(db, error);
      }
    },
  };
}

/**
 * What SQLite threw becomes STORAGE_FAILED. After an I/O error SQLite has often rolled back by itself, and rolling
 * back again would throw and hide the first error.
 */
function failed(db: DatabaseSync, error: unknown): Error {
  try {
    if (db.isOpen && db.isTransaction) db.exec("rollback");
  } catch {
    // The first error is the one to tell.
  }
  if (isProblemError(error)) return error;
  return storeProblems.STORAGE_FAILED(error instanceof Error ? error.message : String(error), { cause: error });
}

function claim(db: DatabaseSync): number {
  db.exec("begin immediate");
  const row = db.prepare("update meta set value = value + 1 where name = 'epoch' returning value").get() as { value: number };
  db.exec("commit");
  return row.value;
}

function tail(db: DatabaseSync): { run: number; seq: number } {
  return db
    .prepare(`
      select max((select coalesce(max(id), 0) from runs), (select value from meta where name = 'last_run')) as run,
             max((select coalesce(max(seq), 0) from journal), (select coalesce(max(seq), 0) from events),
                 (select value from meta where name = 'last_seq')) as seq`)
    .get() as { run: number; seq: number };
}

/** The highest numbers are remembered before rows leave: no number is given twice. */
export const KEEP_TAIL = `
  update meta set value = max(value, case name when 'last_seq' then max((select coalesce(max(seq), 0) from journal), (select coalesce(max(seq), 0) from events))
                                               else (select coalesce(max(id), 0) from runs) end)
   where name = 'last_seq' or name = 'last_run'`;

function prepareWrites(db: DatabaseSync, payloads: Payloads) {
  const epoch = db.prepare("select value from meta where name = 'epoch'");
  const keep = payloadKeeper(db, payloads);
  const workflowId = workflowNumbers(db);
  const writeStarts = startWriter(db, keep, workflowId);
  const writeRewinds = rewindWriter(db);
  const writeResets = resetWriter(db, keep);
  const writeEntries = entryWriter(db, keep);
  const keepQuestions = questionKeeper(db);
  const stir = db.prepare("update runs set status = 'running' where id = ? and status = 'waiting'");
  const writeUpdates = updateWriter(db, keep);
  const writeChanges = changeWriter(db, workflowId);
  const deleteRuns = deleter(db);
  const keepTail = db.prepare(KEEP_TAIL);
  return {
    begin: db.prepare("begin immediate"),
    end: db.prepare("commit"),
    apply(commit: Commit): void {
      const current = (epoch.get() as { value: number }).value;
      if (current !== commit.epoch)
        throw storeProblems.STORAGE_FENCED(`This process holds epoch ${commit.epoch}; the newest is ${current}.`);
      if (commit.starts.length > 0) writeStarts(commit.starts);
      if (commit.rewinds.length + commit.resets.length + commit.deletes.length > 0) keepTail.run();
      if (commit.rewinds.length > 0) writeRewinds(commit.rewinds);
      if (commit.resets.length > 0) writeResets(commit.resets);
      if (commit.entries.length > 0) {
        writeEntries(commit.entries);
        keepQuestions(commit.entries);
      }
      if (commit.updates.length > 0) writeUpdates(commit.updates);
      if (commit.changes.length > 0) writeChanges(commit.changes);
      for (const run of commit.stirs) stir.run(run);
      if (commit.deletes.length > 0) deleteRuns(commit.deletes);
    },
  };
}

/** Lays a text of a run into a row: itself, or the name of its file. */
type Keep = (run: number, text: string) => string;

function payloadKeeper(db: DatabaseSync, payloads: Payloads): Keep {
  const name = db.prepare("insert or ignore into payloads (hash, run) values (?, ?)");
  return (run, text) => {
    if (text.length <= INLINE_LENGTH_MAX) return text;
    const stored = payloads.put(text);
    const hash = hashIn(stored);
    if (hash !== null) name.run(hash, run);
    return stored;
  };
}

function entryWriter(db: DatabaseSync, keep: Keep) {
  const columns = ["seq", "run", "kind", "key", "hash", "at", "data"];
  return blockInsert<NewEntry>(db, "insert into journal", columns, (to, offset, entry) => {
    if (entry.key?.isWellFormed() === false) throw storeProblems.STORAGE_FAILED("A key has half a surrogate pair.");
    to[offset] = entry.seq;
    to[offset + 1] = entry.run;
    to[offset + 2] = entryKinds[entry.kind].number;
    to[offset + 3] = entry.key;
    to[offset + 4] = entry.hash;
    to[offset + 5] = entry.at;
    to[offset + 6] = keep(entry.run, entry.data);
  });
}

const START_COLUMNS = [
  ...["id", "workflow", "status", "input", "seed", "started_at", "deadline_at", "wake_at"],
  ...["root", "depth", "parent", "parent_key", "parent_close", "since"],
];

/** Which questions are open follows from the entries that are written. */
function questionKeeper(db: DatabaseSync) {
  const ask = db.prepare("insert or ignore into questions (run, key, seq) values (?, ?, ?)");
  const close = db.prepare("delete from questions where run = ? and key = ?");
  return (entries: readonly NewEntry[]): void => {
    for (const { run, kind, key, seq } of entries) {
      if (kind === "asked") ask.run(run, key, seq);
      else if (kind === "answered" || kind === "ask-timed-out" || kind === "ask-declined") close.run(run, key);
    }
  };
}

function startWriter(db: DatabaseSync, keep: Keep, workflowId: (identity: CodeIdentity) => number) {
  const key = db.prepare("insert into start_keys (namespace, name, key, run, body_hash) values (?, ?, ?, ?, ?)");
  const insert = blockInsert<RunStart>(db, "insert into runs", START_COLUMNS, (to, offset, start) => {
    to[offset] = start.number;
    to[offset + 1] = workflowId(start.workflow);
    to[offset + 2] = start.status;
    to[offset + 3] = keep(start.number, start.inputText);
    to[offset + 4] = start.seed;
    to[offset + 5] = start.startedAt;
    to[offset + 6] = start.deadlineAt;
    to[offset + 7] = start.wakeAt;
    to[offset + 8] = start.root;
    to[offset + 9] = start.depth;
    to[offset + 10] = start.parent?.number ?? null;
    to[offset + 11] = start.parent?.key ?? null;
    to[offset + 12] = start.parent?.close ?? null;
    to[offset + 13] = start.since;
  });
  return (starts: readonly RunStart[]): void => {
    insert(starts);
    for (const { key: given, number, workflow } of starts) {
      if (given !== null) key.run(workflow.namespace, workflow.name, given.key, number, given.bodyHash);
    }
  };
}

/** The row of a workflow's code, written when first seen. Remembered per identity object, which callers keep. */
function workflowNumbers(db: DatabaseSync): (identity: CodeIdentity) => number {
  const known = new WeakMap<CodeIdentity, number>();
  const insert = db.prepare(
    "insert or ignore into workflows (namespace, name, version, content_hash, source) values (?, ?, ?, ?, ?)",
  );
  const find = db.prepare(
    "select id from workflows where namespace = ? and name = ? and version = ? and content_hash = ? and source = ?",
  );
  return (identity) => {
    const found = known.get(identity);
    if (found !== undefined) return found;
    const columns = [identity.namespace, identity.name, identity.version, identity.contentHash ?? "", identity.source ?? ""];
    insert.run(...columns);
    const { id } = find.get(...columns) as { id: number };
    known.set(identity, id);
    return id;
  };
}

function updateWriter(db: DatabaseSync, keep: Keep) {
  const update = db.prepare(`
    update runs
       set status = ?, reason = ?, wake_at = ?, ended_at = ?, output = ?, problem = ?, progress = coalesce(?, progress)
     where id = ? and ended_at is null`);
  return (updates: readonly RunUpdate[]): void => {
    for (const to of updates) {
      const outputText = to.outputText === null ? null : keep(to.run, to.outputText);
      update.run(to.status, to.reason, to.wakeAt, to.endedAt, outputText, to.problemText, to.progressText, to.run);
    }
  };
}

/** Kinds that end a question. */
const ANSWERS = [entryKinds.answered, entryKinds["ask-timed-out"], entryKinds["ask-declined"]]
  .map(({ number }) => number)
  .join(", ");

function rewindWriter(db: DatabaseSync) {
  const drop = db.prepare("delete from journal where run = ? and seq in (select value from json_each(?))");
  const reopen = db.prepare(`
    update runs set status = 'running', reason = null, ended_at = null, output = null, problem = null,
                    deadline_at = ?, wake_at = ? where id = ?`);
  const forget = db.prepare("delete from questions where run = ?");
  const deafen = db.prepare("delete from listeners where run = ?");
  const askAgain = db.prepare(`
    insert into questions (run, key, seq)
    select run, key, min(seq) from journal a where run = ? and kind = ${entryKinds.asked.number}
       and not exists (select 1 from journal b where b.run = a.run and b.key = a.key and b.kind in (${ANSWERS}))
     group by key`);
  return (rewinds: readonly Rewind[]): void => {
    for (const { run, dropSeqs, deadlineAt } of rewinds) {
      drop.run(run, JSON.stringify(dropSeqs));
      forget.run(run);
      deafen.run(run); // who still listens says so again
      askAgain.run(run);
      reopen.run(deadlineAt, deadlineAt, run);
    }
  };
}

/** All that is kept of a run. */
function deleter(db: DatabaseSync) {
  const statements = [
    "journal where run",
    "taken_signals where run",
    "questions where run",
    "listeners where run",
    "stream_items where run",
    "payloads where run",
    "lines where run",
    "start_keys where run",
    "runs where id",
  ].map((where) => db.prepare(`delete from ${where} = ?`));
  return (runs: readonly number[]): void => {
    for (const run of runs) {
      for (const statement of statements) statement.run(run);
    }
  };
}

function resetWriter(db: DatabaseSync, keep: Keep) {
  const remember = db.prepare(`
    insert or ignore into taken_signals (run, id)
    select run, key from journal where run = ? and kind = 7 and seq not in (select value from json_each(?))`);
  const drop = db.prepare("delete from journal where run = ? and seq not in (select value from json_each(?))");
  const forget = db.prepare("delete from questions where run = ?");
  const deafen = db.prepare("delete from listeners where run = ?");
  const restart = db.prepare("update runs set input = ?, seed = ?, continued = continued + 1 where id = ? and ended_at is null");
  return (resets: readonly JournalReset[]): void => {
    for (const { run, keepSeqs, inputText, seed } of resets) {
      if (restart.run(keep(run, inputText), seed, run).changes === 0) continue; // it has ended
      const kept = JSON.stringify(keepSeqs);
      remember.run(run, kept);
      drop.run(run, kept);
      forget.run(run);
      deafen.run(run);
    }
  };
}
