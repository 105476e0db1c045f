/**
 * Where journals and records live: the port with its promises, SQLite, and the lock that makes one process the owner
 * of a data directory.
 */
export type {
  Change,
  ChangeReads,
  CodeIdentity,
  FreeChange,
  KeptAgent,
  KeptService,
  LineRow,
  NewReading,
  NewVerdict,
  Queue,
  Rating,
  Reading,
  Rollup,
  RunChange,
  StoredEvent,
  StreamItem,
  Verdict,
} from "./store/changes.ts";
export { checkup, type Finding, type Vitals, vitalsOf } from "./store/checkup.ts";
export { lockDirectory } from "./store/lock.ts";
export { storeProblems } from "./store/problems.ts";
export { openSqlite, type SqliteOptions } from "./store/sqlite.ts";
export type {
  Commit,
  Expiry,
  JournalReset,
  KnownWorkflow,
  NewEntry,
  Rewind,
  RunPage,
  RunQuery,
  RunRecord,
  RunStart,
  RunUpdate,
  Store,
} from "./store/store.ts";
