// The store on SQLite: WAL, synchronous=FULL, one writer, everything prepared once.

import { mkdirSync, readFileSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isProblemError } from "../base/problem.ts";
import { newTag, runIds } from "./ids.ts";
import { openPayloads } from "./payloads.ts";
import { storeProblems } from "./problems.ts";
import { sqliteReads } from "./sqlite-reads.ts";
import { sqliteUpkeep } from "./sqlite-upkeep.ts";
import { sqliteWrites } from "./sqlite-writes.ts";
import type { Store } from "./store.ts";

/** Each leads from the version before it to its own number. What is on a disk is led on; nothing here is changed again. */
const SCHEMA_FILES = ["001-journal.sql", "002-steering.sql", "003-services.sql", "004-agents.sql"] as const;
const SCHEMA_VERSION = SCHEMA_FILES.length;

/** SQLite's page cache, in KiB: without a bound a busy database looks like a leak. */
const CACHE_KIB = 8 * 1024;

/** Pages in the write-ahead log before it is folded into the database; the file is then used again from its start. */
const CHECKPOINT_PAGES = 1_000;

/** SQLITE_READONLY_ROLLBACK: whoever made the file died before it was whole, and only a writer can clear it up. */
const HALF_MADE = 776;

export interface SqliteOptions {
  /** A file, or `:memory:`. */
  readonly path: string;
  /** Opens without taking part in writing; the file must exist. */
  readonly readOnly?: boolean;
  /** 32 random bits: names a new data directory in its run ids. */
  readonly random32: number;
}

export function openSqlite({ path, readOnly = false, random32 }: SqliteOptions): Store {
  requireSafeSqlite();
  if (path !== ":memory:" && !readOnly) prepareDirectory(dirname(path));
  const db = connect(path, readOnly);
  try {
    configure(db, readOnly);
    if (!readOnly) migrate(db, random32);
    requireKnownSchema(db, path);
    const ids = runIds(readMeta(db, "tag"));
    const payloads = openPayloads(path === ":memory:" ? null : join(dirname(path), "payloads"));
    const upkeep = sqliteUpkeep(db, payloads);
    return {
      putFile: (bytes) => payloads.putFile(bytes),
      file: (hash) => payloads.file(hash),
      ...{ ids, ...sqliteReads(db, ids, payloads), ...sqliteWrites(db, payloads), ...upkeep },
      [Symbol.dispose]: () => close(db, readOnly),
    };
  } catch (error) {
    db.close();
    if (readOnly && (error as { errcode?: number }).errcode === HALF_MADE)
      throw storeProblems.DATA_BLANK(`${path} was left half made by a process that died.`);
    throw isProblemError(error) ? error : storeProblems.DATA_UNUSABLE(`${path} cannot be used: ${reasonOf(error)}`);
  }
}

function requireSafeSqlite(): void {
  const version = process.versions.sqlite ?? "0";
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const safe = major > 3 || (major === 3 && (minor > 51 || (minor === 51 && patch >= 3)));
  if (!safe) throw storeProblems.SQLITE_TOO_OLD(`This Node carries SQLite ${version}.`);
}

/** Magic numbers of statfs: NFS, SMB, CIFS, SMB2, AFS, 9p shares of virtual machines are left to the user. */
const REMOTE_FILE_SYSTEMS = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f]);

function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw storeProblems.DATA_UNUSABLE(`${directory} cannot be made: ${reasonOf(error)}`);
  }
  if (process.platform !== "win32" && REMOTE_FILE_SYSTEMS.has(statfsSync(directory).type >>> 0)) {
    throw storeProblems.DATA_REMOTE(`${directory} is on a network file system.`);
  }
}

function connect(path: string, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly, timeout: 5_000, enableForeignKeyConstraints: true });
  } catch (error) {
    throw storeProblems.DATA_UNUSABLE(`${path} cannot be opened: ${reasonOf(error)}`);
  }
}

function configure(db: DatabaseSync, readOnly: boolean): void {
  db.exec(`pragma trusted_schema = off; pragma cell_size_check = on; pragma mmap_size = 0; pragma cache_size = -${CACHE_KIB}`);
  if (readOnly) return;
  db.exec("pragma auto_vacuum = incremental"); // of a new file only, and only before anything else is written to it
  db.exec("pragma journal_mode = wal; pragma synchronous = full; pragma fullfsync = on; pragma checkpoint_fullfsync = on");
  db.exec(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}; pragma journal_size_limit = ${64 << 20}`);
}

function migrate(db: DatabaseSync, random32: number): void {
  const version = schemaVersion(db);
  if (version >= SCHEMA_VERSION || (version === 0 && !isBlank(db))) return; // somebody else's tables are not added to
  db.exec("begin immediate");
  for (const file of SCHEMA_FILES.slice(version)) db.exec(readFileSync(join(import.meta.dirname, file), "utf8"));
  if (version === 0) {
    const put = db.prepare("insert into meta (name, value) values (?, ?)");
    put.run("tag", newTag(random32));
    put.run("epoch", 0);
    put.run("last_seq", 0);
  }
  db.exec(`pragma user_version = ${SCHEMA_VERSION}; commit`);
}

function schemaVersion(db: DatabaseSync): number {
  return (db.prepare("pragma user_version").get() as { user_version: number }).user_version;
}

function requireKnownSchema(db: DatabaseSync, path: string): void {
  const version = schemaVersion(db);
  if (version > SCHEMA_VERSION)
    throw storeProblems.SCHEMA_NEWER(`${path} has schema ${version}; this Baton knows ${SCHEMA_VERSION}.`);
  if (version === SCHEMA_VERSION) return;
  if (isBlank(db)) throw storeProblems.DATA_BLANK(`${path} holds nothing yet.`);
  if (version > 0) throw storeProblems.SCHEMA_OLDER(`${path} has schema ${version}; this Baton reads ${SCHEMA_VERSION}.`);
  throw storeProblems.DATA_UNUSABLE(`${path} holds no Baton data.`);
}

function isBlank(db: DatabaseSync): boolean {
  return db.prepare("select 1 from sqlite_schema limit 1").get() === undefined;
}

function readMeta(db: DatabaseSync, name: string): string {
  const row = db.prepare("select value from meta where name = ?").get(name) as { value: string } | undefined;
  if (row === undefined) throw storeProblems.DATA_UNUSABLE(`${db.location() ?? "The database"} has no ${name}.`);
  return String(row.value);
}

function close(db: DatabaseSync, readOnly: boolean): void {
  if (!db.isOpen) return;
  if (!readOnly) foldLog(db);
  db.close();
}

/** After a storage failure there is nothing left to fold; closing must not hide the first error. */
function foldLog(db: DatabaseSync): void {
  try {
    db.exec("pragma wal_checkpoint(truncate)");
  } catch {
    // The log stays; the next open reads it.
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
