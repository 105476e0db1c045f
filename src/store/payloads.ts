// Large payloads: texts over 64 KiB live in files beside the database, named by the SHA-256 of what they hold, so that
// one text is kept once and a page of runs stays small. A file is synced before the row that names it is committed.

import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { storeProblems } from "./problems.ts";

/** UTF-16 units of a text that is kept in its row. */
export const INLINE_LENGTH_MAX = 64 << 10;

/** JSON never begins with it. */
const MARK = "@sha256:";

export interface Payloads {
  /** What stands in the row: the text itself, or the name of its file. */
  put(text: string): string;
  get(stored: string): string;
  putFile(bytes: Uint8Array): string;
  file(hash: string): Buffer | null;
  /** Files that no row names, deleted. `isNamed`: whether a hash stands in a row. */
  sweep(isNamed: (hash: string) => boolean): number;
}

/** The hash in what stands in a row; null where the text itself does. */
export function hashIn(stored: string): string | null {
  return stored.startsWith(MARK) ? stored.slice(MARK.length) : null;
}

/** Without a directory nothing is large, and files are in memory. */
export function openPayloads(directory: string | null): Payloads {
  if (directory === null) return inMemory();
  const fresh = new Set<string>();
  return {
    putFile(bytes) {
      const hash = createHash("sha256").update(bytes).digest("hex");
      write(pathOf(directory, hash), bytes);
      fresh.add(hash); // no row names it yet
      return hash;
    },
    file(hash) {
      if (!/^[0-9a-f]{64}$/.test(hash) || !existsSync(pathOf(directory, hash))) return null;
      return readBytes(pathOf(directory, hash), hash);
    },
    put(text) {
      if (text.length <= INLINE_LENGTH_MAX) return text;
      const hash = createHash("sha256").update(text).digest("hex");
      write(pathOf(directory, hash), text);
      return MARK + hash;
    },
    get(stored) {
      const hash = hashIn(stored);
      return hash === null ? stored : read(pathOf(directory, hash), hash);
    },
    sweep(isNamed) {
      const swept = sweep(directory, (hash) => fresh.has(hash) || isNamed(hash));
      fresh.clear();
      return swept;
    },
  };
}

function inMemory(): Payloads {
  const files = new Map<string, Buffer>();
  return {
    ...{ put: (text: string) => text, get: (stored: string) => stored, sweep: () => 0 },
    putFile(bytes) {
      const hash = createHash("sha256").update(bytes).digest("hex");
      files.set(hash, Buffer.from(bytes));
      return hash;
    },
    file: (hash) => files.get(hash) ?? null,
  };
}

function pathOf(directory: string, hash: string): string {
  return join(directory, hash.slice(0, 2), hash);
}

/** Whole or not at all: written under another name, synced, then named. */
function write(path: string, content: string | Uint8Array): void {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.part`;
  const file = openSync(draft, "w", 0o600);
  try {
    const bytes = Buffer.from(content as string);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  syncDirectory(dirname(path));
}

/** So that the name outlives the machine; systems that cannot sync directories do without. */
function syncDirectory(path: string): void {
  if (process.platform === "win32") return;
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function read(path: string, hash: string): string {
  return readBytes(path, hash).toString("utf8");
}

function readBytes(path: string, hash: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    throw storeProblems.PAYLOAD_LOST(`The file of payload ${hash} is not there: ${path}.`);
  }
  if (createHash("sha256").update(bytes).digest("hex") !== hash)
    throw storeProblems.PAYLOAD_LOST(`The file of payload ${hash} holds something else: ${path}.`);
  return bytes;
}

function sweep(directory: string, isNamed: (hash: string) => boolean): number {
  if (!existsSync(directory)) return 0;
  let swept = 0;
  for (const part of readdirSync(directory)) {
    for (const name of readdirSync(join(directory, part))) {
      if (isNamed(name.replace(/\.part$/, "")) && !name.endsWith(".part")) continue;
      rmSync(join(directory, part, name), { force: true });
      swept++;
    }
  }
  return swept;
}
