// Files in the result of a call: said in words, and written where a person wants them.
//
// A file in a value is `{ mediaType, data }` with base64, or `{ mediaType, blob, bytes }` where it is kept beside the journal.

import { statSync, writeFileSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import type { Json } from "../base/json.ts";
import { readKeptFile } from "../orchestrator.ts";
import { cliProblems } from "./problems.ts";
import { printable } from "./terminal.ts";

interface FoundFile {
  readonly mediaType: string;
  readonly data?: string;
  readonly blob?: string;
  readonly bytes?: number;
}

export interface WrittenFile {
  readonly path: string;
  readonly mediaType: string;
  readonly bytes: number;
}

/** All files in a value, in its order. */
export function filesIn(value: Json): FoundFile[] {
  if (typeof value !== "object" || value === null) return [];
  if (isFile(value)) return [value];
  return Object.values(value).flatMap((one: Json) => filesIn(one));
}

function isFile(value: object): value is FoundFile {
  const { mediaType, data, blob } = value as Partial<FoundFile>;
  return typeof mediaType === "string" && (typeof data === "string" || typeof blob === "string");
}

/** The same value with words in the place of its files: nobody reads base64. */
export function withFilesInWords(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (isFile(value)) return fileInWords(value);
  if (Array.isArray(value)) return value.map((one: Json) => withFilesInWords(one));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withFilesInWords(one as Json)]));
}

function fileInWords({ mediaType, data, blob, bytes }: FoundFile): string {
  const size = bytes ?? Buffer.byteLength(data ?? "", "base64");
  return [mediaType, bytesForPeople(size), ...(blob === undefined ? [] : [blob])].join(", ");
}

const UNITS = ["bytes", "KB", "MB", "GB"];

export function bytesForPeople(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const amount = bytes / 1_000 ** power;
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[power]}`;
}

/** Told before anything is called: what is asked for and cannot be written would be paid for all the same. Throws USAGE. */
export function requireFolder(path: string | undefined): void {
  if (path === undefined || path === "-") return;
  const folder = dirname(resolve(path));
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw cliProblems.USAGE(`--output: there is no folder ${printable(folder)}.`);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    throw cliProblems.USAGE(`--output: ${printable(path)} is a folder; name a file.`);
}

/** FILE, then FILE-2 and so on. Throws OUTPUT_UNWRITABLE, OUTPUT_NONE. */
export async function writeFiles(files: readonly FoundFile[], path: string, data: string): Promise<WrittenFile[]> {
  const written: WrittenFile[] = [];
  for (const [at, file] of files.entries()) {
    const place = at === 0 ? path : numbered(path, at + 1);
    const bytes = await bytesOf(file, data);
    try {
      writeFileSync(place, bytes);
    } catch (error) {
      throw cliProblems.OUTPUT_UNWRITABLE(
        `${printable(place)} cannot be written: ${error instanceof Error ? error.message : String(error)}.`,
      );
    }
    written.push({ path: place, mediaType: file.mediaType, bytes: bytes.length });
  }
  return written;
}

/** `tide.png` becomes `tide-2.png`. */
function numbered(path: string, count: number): string {
  const kind = extname(path);
  return `${path.slice(0, path.length - kind.length)}-${count}${kind}`;
}

/** Throws OUTPUT_NONE where it is gone. */
export async function bytesOf({ data, blob = "" }: FoundFile, dataPath: string): Promise<Buffer> {
  if (data !== undefined) return Buffer.from(data, "base64");
  const bytes = await readKeptFile(dataPath, blob);
  if (bytes === null) throw cliProblems.OUTPUT_NONE(`The file ${printable(blob)} is not kept any more.`);
  return bytes;
}
