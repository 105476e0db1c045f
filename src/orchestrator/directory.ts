// The data directory: its files, and the note its owner leaves for others.

import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { storeProblems } from "../store.ts";
import { orchestratorProblems } from "./problems.ts";

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

/** Something else in its place is not a directory without runs. Throws DATA_DIRECTORY. */
export function requireNothingElse({ path }: DataDirectory): void {
  let isElse: boolean;
  try {
    isElse = statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
  } catch (error) {
    throw orchestratorProblems.DATA_DIRECTORY(`${path} cannot be looked at: ${reasonOf(error)}`);
  }
  if (isElse) throw orchestratorProblems.DATA_DIRECTORY(`${path} is not a directory.`);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Makes it where it is not, for this user alone. Throws DATA_DIRECTORY. */
export function makeDirectory(directory: DataDirectory): void {
  requireNothingElse(directory);
  try {
    makePath(directory.path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw orchestratorProblems.DATA_DIRECTORY(`${directory.path} cannot be made: ${reason}`);
  }
}

/** Not by `recursive`, which never returns where a parent takes no directories, as /proc does not. */
function makePath(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(path);
  if (parent !== path) makePath(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error; // else another was faster
  }
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
  /** Whether it carries everything and fires schedules, or only runs that it started. */
  readonly carries?: "everything" | "own";
}

/** Written whole or not at all, readable by this user only. Throws DATA_DIRECTORY. */
export function writeOwnerNote({ ownerPath }: DataDirectory, note: OwnerNote): void {
  const draft = `${ownerPath}.${note.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify(note)}\n`, { mode: 0o600 });
    renameSync(draft, ownerPath);
  } catch (error) {
    rmSync(draft, { force: true });
    if ((error as NodeJS.ErrnoException).code === "ENOSPC")
      throw storeProblems.STORAGE_FAILED(`${ownerPath}: no space is left on the disk.`);
    throw orchestratorProblems.DATA_DIRECTORY(`${ownerPath} cannot be written: ${reasonOf(error)}`);
  }
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
