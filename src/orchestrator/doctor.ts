// What `baton doctor` reads: the ground a data directory stands on, who is on it, and what its database says.
//
// It changes nothing. The one file it writes measures the disk, only where nobody owns the directory, and is gone again.
// Reading and judging are apart: each `…Line` says what a value means.

import { randomUUID } from "node:crypto";
import { existsSync, type Stats } from "node:fs";
import { open, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { isProblemError } from "../base/problem.ts";
import { rfc3339, SECOND_MS, spanForPeople } from "../base/time.ts";
import { checkup, type Finding, openSqlite, type Vitals, vitalsOf } from "../store.ts";
import { findOwner } from "./caller.ts";
import { type DataDirectory, dataDirectory } from "./directory.ts";
import { systemClock } from "./world.ts";

export type Line =
  | { readonly name: string; readonly status: "ok"; readonly detail: string }
  | { readonly name: string; readonly status: "warning" | "error"; readonly detail: string; readonly fix?: string };

export interface Report {
  readonly lines: readonly Line[];
}

/** The oldest Node that has such an SQLite and runs TypeScript by itself. */
const NODE_MIN = "24.15";
/** The oldest SQLite without a known bug that can corrupt data. */
const SQLITE_MIN = "3.51.3";

/** Room on the disk: below the one it is time to look, below the other the next commit may fail. */
const FREE_BYTES_LOW = 1 << 30;
const FREE_BYTES_MIN = 100 << 20;

/** The write-ahead log is folded long before it has this size, unless a reader never ends. */
const WAL_BYTES_MAX = 64 << 20;

/** Every commit waits for a sync: one that takes longer than this is felt. */
const SYNC_MS_SLOW = 100;
const SYNC_COUNT = 5;
const SYNC_BYTES = 4 << 10;

/** How far the wall clock may leave the one that only grows before it was set, in ms. */
const DRIFT_MS_MAX = 2 * SECOND_MS;

/** Reads all there is to know of a data directory. Never throws: what cannot be read is a line. */
export async function diagnose(directory: string): Promise<Report> {
  const data = dataDirectory(directory);
  const runtime = [
    versionLine("Node", process.versions.node, NODE_MIN),
    versionLine("SQLite", process.versions.sqlite ?? "0", SQLITE_MIN),
  ];
  const found = await read("data directory", async () => directoryLine(data.path, await statOf(data.path), userId()));
  if (found.status === "error" || !existsSync(data.path)) return { lines: [...runtime, found, clockLine(null, driftMs())] };
  const owner = await readOwner(data);
  return {
    lines: [
      ...runtime,
      found,
      await read("file system", async () => fileSystemLine((await statfs(data.path)).type >>> 0, process.platform)),
      await read("disk space", async () => spaceLine(await freeBytes(data.path))),
      owner.line,
      ...(owner.isFree ? [await read("disk speed", async () => syncLine(await measureSync(data.path)))] : []),
      ...(await readDatabase(data)),
    ],
  };
}

/** A reading that fails is an error, not an end. */
async function read(name: string, act: () => Promise<Line>): Promise<Line> {
  try {
    return await act();
  } catch (error) {
    return failed(name, error);
  }
}

function failed(name: string, error: unknown): Line {
  const detail = error instanceof Error ? error.message : String(error);
  const fix = isProblemError(error) ? error.problem.fix : undefined;
  return { name, status: "error", detail, ...(fix === undefined ? {} : { fix }) };
}

function versionLine(name: string, version: string, min: string): Line {
  if (isAtLeast(version, min)) return { name, status: "ok", detail: version };
  const fix = `Install Node ${NODE_MIN} or newer and run the command with it.`;
  return { name, status: "error", detail: `${version}; Baton needs ${min} or newer.`, fix };
}

function isAtLeast(version: string, min: string): boolean {
  const [has, needs] = [version.split(".").map(Number), min.split(".").map(Number)];
  const differs = needs.findIndex((part, at) => part !== (has[at] ?? 0));
  return differs < 0 || (has[differs] ?? 0) > (needs[differs] ?? 0);
}

async function statOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Null on systems whose files have no owner by number. */
function userId(): number | null {
  return process.getuid?.() ?? null;
}

function directoryLine(path: string, found: Stats | null, user: number | null): Line {
  const name = "data directory";
  if (found === null) {
    const fix = "`baton run` makes it; choose another with --data or BATON_DATA.";
    return { name, status: "warning", detail: `${path} does not exist yet.`, fix };
  }
  if (!found.isDirectory()) {
    const fix = "Choose another with --data or BATON_DATA.";
    return { name, status: "error", detail: `${path} is not a directory.`, fix };
  }
  if (user === null) return { name, status: "ok", detail: path };
  const mode = (found.mode & 0o777).toString(8).padStart(4, "0");
  if (found.uid !== user) {
    const fix = "Run Baton as the user it belongs to, or give it to this one with chown -R.";
    return { name, status: "warning", detail: `${path} belongs to user ${found.uid}; this is user ${user}.`, fix };
  }
  if ((found.mode & 0o700) !== 0o700)
    return { name, status: "error", detail: `${path} has mode ${mode}: Baton cannot work in it.`, fix: `chmod 700 ${path}` };
  if ((found.mode & 0o077) !== 0)
    return { name, status: "warning", detail: `${path} has mode ${mode}: others may look in.`, fix: `chmod 700 ${path}` };
  return { name, status: "ok", detail: `${path}, mode ${mode}` };
}

type Nature = "local" | "network" | "shared" | "memory";

/** What Linux's statfs calls the file systems that matter here. */
const FILE_SYSTEMS: ReadonlyMap<number, { readonly name: string; readonly nature: Nature }> = new Map([
  [0x6969, { name: "NFS", nature: "network" }],
  [0x517b, { name: "SMB", nature: "network" }],
  [0xff534d42, { name: "CIFS", nature: "network" }],
  [0xfe534d42, { name: "SMB2", nature: "network" }],
  [0x5346414f, { name: "AFS", nature: "network" }],
  [0x01021997, { name: "9p", nature: "shared" }],
  [0x65735546, { name: "FUSE", nature: "shared" }],
  [0x01021994, { name: "tmpfs", nature: "memory" }],
  [0x858458f6, { name: "ramfs", nature: "memory" }],
  [0xef53, { name: "ext4", nature: "local" }],
  [0x58465342, { name: "XFS", nature: "local" }],
  [0x9123683e, { name: "Btrfs", nature: "local" }],
  [0x2fc12fc1, { name: "ZFS", nature: "local" }],
  [0x794c7630, { name: "overlay", nature: "local" }],
]);

function fileSystemLine(type: number, platform: NodeJS.Platform): Line {
  const name = "file system";
  const known = platform === "linux" ? FILE_SYSTEMS.get(type) : undefined;
  if (known === undefined) return { name, status: "ok", detail: `type 0x${type.toString(16)}, not known as a network's` };
  const fix = "Choose a directory on a local disk with --data or BATON_DATA.";
  switch (known.nature) {
    case "local":
      return { name, status: "ok", detail: `${known.name}, local` };
    case "memory":
      return { name, status: "warning", detail: `${known.name}: it is forgotten when the machine restarts.`, fix };
    case "shared":
      return {
        name,
        status: "warning",
        detail: `${known.name}: whether its locks and syncs hold depends on what is behind.`,
        fix,
      };
    case "network":
      return { name, status: "error", detail: `${known.name}: locks and syncs of a network cannot be trusted.`, fix };
  }
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

function spaceLine(bytes: number): Line {
  const name = "disk space";
  const detail = `${sizeForPeople(bytes)} free`;
  if (bytes >= FREE_BYTES_LOW) return { name, status: "ok", detail };
  const fix = "Make room on the disk; `baton runs rm --query 'status:completed until:30d'` lets old runs go.";
  return { name, status: bytes < FREE_BYTES_MIN ? "error" : "warning", detail, fix };
}

/** Who has the lock is the owner, whatever the note says. */
async function readOwner(data: DataDirectory): Promise<{ readonly line: Line; readonly isFree: boolean }> {
  const name = "owner";
  try {
    const owner = await findOwner(data.path);
    if (owner !== null) return { isFree: false, line: { name, status: "ok", detail: `process ${owner.pid}; it answers` } };
    return { isFree: true, line: noOwnerLine(existsSync(data.ownerPath)) };
  } catch (error) {
    return { isFree: false, line: failed(name, error) };
  }
}

function noOwnerLine(hasNote: boolean): Line {
  const name = "owner";
  if (!hasNote) return { name, status: "ok", detail: "nobody" };
  const fix = "`baton start` carries its runs on; the note goes with the next owner.";
  return { name, status: "warning", detail: "Nobody; the last one died without closing and left owner.json behind.", fix };
}

/** How long writing a page and syncing it takes, in ms: the middle of a few. */
async function measureSync(directory: string): Promise<number> {
  const path = join(directory, `doctor-${randomUUID()}.tmp`);
  const page = Buffer.alloc(SYNC_BYTES, 1);
  try {
    await using file = await open(path, "wx", 0o600);
    const spansMs: number[] = [];
    for (let count = 0; count < SYNC_COUNT; count++) {
      const beganAt = performance.now();
      await file.write(page);
      await file.sync();
      spansMs.push(performance.now() - beganAt);
    }
    return spansMs.sort((a, b) => a - b)[SYNC_COUNT >> 1] ?? 0;
  } finally {
    await rm(path, { force: true });
  }
}

function syncLine(spanMs: number): Line {
  const name = "disk speed";
  const detail = `${spanMs.toFixed(1)} ms to write and sync ${sizeForPeople(SYNC_BYTES)}`;
  if (spanMs < SYNC_MS_SLOW) return { name, status: "ok", detail };
  return {
    name,
    status: "warning",
    detail,
    fix: "Every commit waits this long: choose a faster disk with --data or BATON_DATA.",
  };
}

async function readDatabase({ databasePath }: DataDirectory): Promise<Line[]> {
  if (!existsSync(databasePath)) {
    return [{ name: "database", status: "ok", detail: "none yet: nothing was started here" }, clockLine(null, driftMs())];
  }
  const vitals = vitalsOf(databasePath);
  const findings = checkup(databasePath);
  return [
    await read("database size", async () => sizeLine(await sizeOf(databasePath), await sizeOf(`${databasePath}-wal`))),
    clockLine(vitals?.newestEntryAt ?? null, driftMs()),
    ...schemaLines(vitals, findings),
    ...findingLines(findings),
    ...(findings.length > 0 ? [] : [await read("audit", async () => auditLine(databasePath))]),
  ];
}

/** Whether what was refused and added is as it was written. */
function auditLine(path: string): Line {
  using store = openSqlite({ path, readOnly: true, random32: 0 });
  const broken = store.auditBreak();
  if (broken === null) return { name: "audit", status: "ok", detail: "every line is bound to the one before" };
  const fix = "Somebody changed or removed a line: compare with a copy of the directory.";
  return { name: "audit", status: "error", detail: `Line ${broken} is not bound to the one before.`, fix };
}

async function sizeOf(path: string): Promise<number> {
  return (await statOf(path))?.size ?? 0;
}

function sizeLine(bytes: number, walBytes: number): Line {
  const name = "database size";
  const detail = `${sizeForPeople(bytes)}, write-ahead log ${sizeForPeople(walBytes)}`;
  if (walBytes <= WAL_BYTES_MAX) return { name, status: "ok", detail };
  const fix = "A reader that never ends keeps the log from being folded: end it, then close the owner and start it again.";
  return { name, status: "warning", detail, fix };
}

/** How far the wall clock has left the one that only grows, since this process began; positive when it was set forward. */
function driftMs(): number {
  return systemClock.now() - (performance.timeOrigin + performance.now());
}

function clockLine(newestEntryAt: number | null, drift: number, now = systemClock.now()): Line {
  const name = "clock";
  const fix = "Set the machine's clock, best by NTP: timers and deadlines follow it.";
  if (newestEntryAt !== null && newestEntryAt > now) {
    const behind = spanForPeople(newestEntryAt - now);
    return { name, status: "warning", detail: `${rfc3339(now)}: ${behind} before the newest entry of the journal.`, fix };
  }
  if (Math.abs(drift) > DRIFT_MS_MAX) {
    const jump = `${spanForPeople(Math.abs(drift))} ${drift > 0 ? "forward" : "back"}`;
    return { name, status: "warning", detail: `${rfc3339(now)}: it was set ${jump} while this command ran.`, fix };
  }
  return { name, status: "ok", detail: rfc3339(now) };
}

/** Where the schema does not fit, or cannot be read, a finding says so. */
function schemaLines(vitals: Vitals | null, findings: readonly Finding[]): Line[] {
  if (vitals === null || findings.some(({ code }) => code.startsWith("schema-") || code.startsWith("data-"))) return [];
  return [{ name: "schema", status: "ok", detail: `version ${vitals.schemaVersion}` }];
}

function findingLines(findings: readonly Finding[]): Line[] {
  if (findings.length === 0) return [{ name: "database", status: "ok", detail: "whole, and without contradictions" }];
  return findings.map(({ about, severity, what, fix }) => ({ name: about, status: severity, detail: what, fix }));
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function sizeForPeople(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const amount = bytes / 1024 ** power;
  return `${amount.toFixed(power === 0 || amount >= 100 ? 0 : 1)} ${UNITS[power]}`;
}
