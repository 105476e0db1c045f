// W0, the floor: what durability itself costs. Group commit into SQLite, every commit synced, and nothing else. It imports
// nothing of Baton, writes the same row per step under the same pragmas, and is as fast as we know how to make it.

import { DatabaseSync } from "node:sqlite";

const PRAGMAS = `
  pragma trusted_schema = off; pragma cell_size_check = on; pragma mmap_size = 0; pragma cache_size = -8192;
  pragma journal_mode = wal; pragma synchronous = full; pragma fullfsync = on; pragma checkpoint_fullfsync = on;
  pragma wal_autocheckpoint = 1000; pragma journal_size_limit = 67108864`;
const SCHEMA = `
  create table journal (seq integer primary key, run integer not null, kind integer not null, key text,
    hash integer not null, at integer not null, data text not null) strict;
  create index journal_by_run on journal (run);
  create unique index journal_signal_once on journal (run, key) where kind = 7`;
const ROW = "(?, ?, ?, ?, ?, ?, ?)";
const COLUMNS = 7;
const BLOCKS = [64, 8, 1]; // rows in one insert: as many large ones as fit, then smaller ones
export const PLAIN = [1]; // one insert a row, as it is commonly written: told beside the floor, never instead of it

export interface Floor extends Disposable {
  /** One finished step; resolves when it is on disk, with all others of this turn of the event loop. */
  step(run: number, key: string, data: string): Promise<void>;
  /** One step in a commit of its own, at once: the least that one durable step can take. */
  commitOne(run: number, key: string, data: string): void;
}

export function openFloor(path: string, blocks: readonly number[] = BLOCKS): Floor {
  const db = new DatabaseSync(path);
  db.exec(`${PRAGMAS}; ${SCHEMA}`);
  const into = `insert into journal (seq, run, kind, key, hash, at, data) values ${ROW}`;
  const inserts = blocks.map((rows) => ({ width: rows * COLUMNS, statement: db.prepare(into + `, ${ROW}`.repeat(rows - 1)) }));
  const [begin, end] = [db.prepare("begin immediate"), db.prepare("commit")];
  let seq = 0;
  let values: (number | string)[] = [];
  let committed: Promise<void> | null = null;

  function commit(): void {
    begin.run();
    let at = 0;
    for (const { width, statement } of inserts) {
      for (; at + width <= values.length; at += width) statement.run(...values.slice(at, at + width));
    }
    end.run();
    values = [];
    committed = null;
  }
  const put = (run: number, key: string, data: string) => values.push(++seq, run, 1, key, 0, Date.now(), data);
  return {
    step(run, key, data) {
      put(run, key, data);
      committed ??= new Promise<void>((resolve) => setImmediate(() => resolve(commit())));
      return committed;
    },
    commitOne(run, key, data) {
      put(run, key, data);
      commit();
    },
    [Symbol.dispose]: () => db.close(),
  };
}
