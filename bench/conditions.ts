// Under what conditions numbers were measured, and the folder on disk they are measured in.

import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";
import { join } from "node:path";
import { openFloor } from "./floor.ts";
import { median } from "./measure.ts";

/** Beside the repository's own `.baton`: on the same disk as data would be. */
const FOLDER_PREFIX = join(import.meta.dirname, "..", ".baton-bench-");

/** File systems by their magic numbers in statfs. */
const FILE_SYSTEMS = new Map([
  [0xef53, "ext4"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0x2fc12fc1, "zfs"],
  [0x794c7630, "overlay"],
  [0x01021994, "tmpfs"],
  [0x1a, "apfs"],
]);

export interface Folder extends Disposable {
  readonly path: string;
}

/** A fresh folder on a real disk; disposing removes it. */
export function dataFolder(): Folder {
  const path = mkdtempSync(FOLDER_PREFIX);
  const remove = () => rmSync(path, { recursive: true, force: true });
  if (fileSystemOf(path) === "tmpfs") {
    remove();
    throw new Error(`${path} is in memory (tmpfs), where a sync costs nothing; put the repository on a disk.`);
  }
  return { path, [Symbol.dispose]: remove };
}

function fileSystemOf(path: string): string {
  const { type } = statfsSync(path);
  return FILE_SYSTEMS.get(type >>> 0) ?? `file system 0x${(type >>> 0).toString(16)}`;
}

/** In words, for tables and pictures. */
export function conditions(): Record<string, string> {
  using folder = dataFolder();
  return {
    machine: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${platform()} ${arch()}, Node ${process.versions.node}, SQLite ${process.versions.sqlite}`,
    disk: `${fileSystemOf(folder.path)}, one synced commit takes ${commitUs(folder.path).toFixed(0)} µs`,
    durability: "every commit synced: WAL, synchronous=FULL",
    at: new Date().toISOString(),
  };
}

/** The median of single commits, once the log's file has grown to its size. */
function commitUs(path: string): number {
  using floor = openFloor(join(path, "floor.db"));
  const commit = (_: unknown, i: number) => {
    const began = performance.now();
    floor.commitOne(i, "step", "1");
    return (performance.now() - began) * 1_000;
  };
  return median(Array.from({ length: 2_000 }, commit).slice(1_000));
}
