// The files of one package as a review reads them: the same shape for a directory on disk and for an entry of the fixture.

import { readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { readBounded } from "./bounded.ts";
import { ENTRIES_MAX } from "./limits.ts";
import { type ManifestRead, readManifest } from "./manifest.ts";
import { byText } from "./order.ts";

export interface PackageFiles {
  readonly manifest: ManifestRead;
  /** Paths of the files at the top and in folders named for licences, with `/`, sorted. */
  readonly names: readonly string[];
  read(name: string, bytesMax: number): Promise<FileRead>;
}

export type FileRead =
  | { readonly kind: "text"; readonly text: string; readonly truncated: boolean }
  /** `why` follows the file's name in a sentence: "is empty". */
  | { readonly kind: "none"; readonly why: string };

/** `directory` is where the package lies; `boundary` is a directory that its links must not lead out of. */
export async function filesOnDisk(directory: string, boundary: string): Promise<PackageFiles> {
  return {
    manifest: await readManifest(directory),
    names: await namesIn(directory),
    read: (name, bytesMax) => readInside(directory, boundary, name, bytesMax),
  };
}

const LICENCE_FOLDER = /^licen[cs]es?$/i;

async function namesIn(directory: string): Promise<string[]> {
  const top = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const names = top.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const folders = top.filter((entry) => entry.isDirectory() && LICENCE_FOLDER.test(entry.name));
  for (const folder of folders) {
    const inside = await readdir(path.join(directory, folder.name), { withFileTypes: true }).catch(() => []);
    names.push(...inside.filter((entry) => !entry.isDirectory()).map(({ name }) => `${folder.name}/${name}`));
  }
  return names.toSorted(byText).slice(0, ENTRIES_MAX);
}

async function readInside(directory: string, boundary: string, name: string, bytesMax: number): Promise<FileRead> {
  const file = await realpath(path.join(directory, name)).catch(() => null);
  if (file === null) return { kind: "none", why: "is not there" };
  if (!isInside(file, directory) && !isInside(file, boundary)) return { kind: "none", why: "lies outside the package" };
  const read = await readBounded(file, bytesMax);
  if (read.kind === "failed")
    return { kind: "none", why: read.code === "NOT_A_FILE" ? "is not a file" : `cannot be read (${read.code})` };
  return decode(read.bytes, read.truncated);
}

function isInside(file: string, directory: string): boolean {
  const from = path.relative(directory, file);
  return from !== "" && from.split(path.sep)[0] !== ".." && !path.isAbsolute(from);
}

/** Text of any of the encodings that licence files are met in; what is none of them is not text. */
export function decode(bytes: Uint8Array, truncated: boolean): FileRead {
  const encoding = encodingOf(bytes);
  if (encoding === null) return { kind: "none", why: "is not text" };
  const text = new TextDecoder(encoding).decode(bytes);
  if (text.trim() === "") return { kind: "none", why: "is empty" };
  return { kind: "text", text, truncated };
}

function encodingOf(bytes: Uint8Array): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  const controls = bytes.reduce(
    (count, byte) => count + Number(byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0c && byte !== 0x0d),
    0,
  );
  if (bytes.includes(0) || controls > bytes.length * 0.02) return null;
  return isUtf8(bytes) ? "utf-8" : "windows-1252";
}

/** A text cut in the midst of a character is still UTF-8, so the last bytes are left open. */
function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
