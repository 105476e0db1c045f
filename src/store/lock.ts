// Who owns a data directory.
//
// The lock is an exclusive transaction held open on a small SQLite file: the system
// lets go of it the moment the process is gone, however it went, so no stale lock can
// remain and no process id has to be believed.

import { DatabaseSync } from "node:sqlite";
import { storeProblems } from "./problems.ts";

/** Takes the lock or throws DATA_LOCKED at once. Disposing lets go. */
export function lockDirectory(lockPath: string): Disposable {
  const db = new DatabaseSync(lockPath, { timeout: 0 });
  try {
    db.exec("begin exclusive");
  } catch (error) {
    db.close();
    if (isBusy(error)) throw storeProblems.DATA_LOCKED(`${lockPath} is held by another process.`);
    throw storeProblems.DATA_UNUSABLE(`${lockPath} cannot be locked: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { [Symbol.dispose]: () => (db.isOpen ? db.close() : undefined) };
}

/** SQLITE_BUSY (5) and its extended codes. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" && (error.errcode & 0xff) === 5;
}
