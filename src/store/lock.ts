// Who owns a data directory.
//
// The lock is an exclusive transaction held open on a small SQLite file: the system
// lets go of it the moment the process is gone, however it went, so no stale lock can
// remain and no process id has to be believed.

import { DatabaseSync } from "node:sqlite";
import { storeProblems } from "./problems.ts";

/**
 * Takes the lock, or throws DATA_LOCKED after `waitMs`: long enough to outlast those who only look whether it is held.
 * Disposing lets go.
 */
export function lockDirectory(lockPath: string, waitMs = 0): Disposable {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(lockPath, { timeout: waitMs });
    db.exec("begin exclusive");
  } catch (error) {
    db?.close();
    if (isBusy(error)) throw storeProblems.DATA_LOCKED(`${lockPath} is held by another process.`);
    throw storeProblems.DATA_UNUSABLE(`${lockPath} cannot be locked: ${error instanceof Error ? error.message : String(error)}`);
  }
  const held = db;
  return { [Symbol.dispose]: () => (held.isOpen ? held.close() : undefined) };
}

/** SQLITE_BUSY (5) and its extended codes. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" && (error.errcode & 0xff) === 5;
}
