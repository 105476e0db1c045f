// The data directory: its files, and the note its owner leaves for others.

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export interface DataDirectory {
  readonly path: string;
  readonly databasePath: string;
  readonly lockPath: string;
  readonly ownerPath: string;
}

export function dataDirectory(path: string): DataDirectory {
  const full = resolve(path);
  return { path: full, databasePath: join(full, "baton.db"), lockPath: join(full, "lock"), ownerPath: join(full, "owner.json") };
}

/** How the owner is reached. The token is what makes a caller of the same user and no other. */
export interface OwnerNote {
  readonly v: 1;
  readonly pid: number;
  /** RFC 3339. */
  readonly startedAt: string;
  /** On the loopback interface. */
  readonly port: number;
  readonly token: string;
}

/** Written whole or not at all, readable by this user only. */
export function writeOwnerNote(directory: DataDirectory, note: OwnerNote): void {
  const draft = `${directory.ownerPath}.${note.pid}`;
  writeFileSync(draft, `${JSON.stringify(note)}\n`, { mode: 0o600 });
  renameSync(draft, directory.ownerPath);
}

export function removeOwnerNote(directory: DataDirectory, token: string): void {
  if (readOwnerNote(directory)?.token === token) rmSync(directory.ownerPath, { force: true });
}

/** Null when there is none, or none that can be read. */
export function readOwnerNote(directory: DataDirectory): OwnerNote | null {
  try {
    const note = JSON.parse(readFileSync(directory.ownerPath, "utf8")) as Partial<OwnerNote>;
    const whole = note.v === 1 && Number.isInteger(note.port) && typeof note.token === "string" && typeof note.pid === "number";
    return whole ? (note as OwnerNote) : null;
  } catch {
    return null;
  }
}
