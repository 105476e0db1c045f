// Writing the report: each file whole or not at all, and written twice the same.

import { createHash } from "node:crypto";
import { mkdir, open, rename } from "node:fs/promises";
import path from "node:path";

export interface Written {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Writes texts by name into `directory`, making it where needed. All are on disk before the first takes its place.
 * `mark` tells the temporary files of one run from another's; the same run writes over its own.
 */
export async function writeFiles(directory: string, texts: Readonly<Record<string, string>>, mark: string): Promise<Written[]> {
  await mkdir(directory, { recursive: true });
  const suffix = createHash("sha256").update(mark).digest("hex").slice(0, 12);
  const temporary = (name: string): string => path.join(directory, `.${name}.${suffix}.tmp`);
  for (const [name, text] of Object.entries(texts)) await writeDurably(temporary(name), text);
  for (const name of Object.keys(texts)) await rename(temporary(name), path.join(directory, name));
  return Object.entries(texts).map(([file, text]) => ({
    file,
    bytes: Buffer.byteLength(text),
    sha256: createHash("sha256").update(text).digest("hex"),
  }));
}

async function writeDurably(file: string, text: string): Promise<void> {
  await using handle = await open(file, "w");
  await handle.writeFile(text);
  await handle.sync();
}
