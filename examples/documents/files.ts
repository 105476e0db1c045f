// Functions for the documents beside: what YAML cannot say. `baton run FILE.yaml --with examples/documents/files.ts` lends them.

import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { workflow } from "batonflow";

/** The files of a folder, oldest first. */
export const listFiles = workflow({
  name: "listFiles",
  run: (ctx, { folder }: { folder: string }) =>
    ctx.step("list", async () => {
      const entries = await readdir(folder, { withFileTypes: true });
      const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
      return await Promise.all(names.toSorted().map((name) => described(folder, name)));
    }),
});

async function described(folder: string, name: string) {
  const path = join(folder, name);
  const { size, mtime } = await stat(path);
  return { name, path, bytes: size, kind: extname(name).slice(1) || "other", changedAt: mtime.toISOString() };
}

export const readText = workflow({
  name: "readText",
  run: (ctx, { path }: { path: string }) => ctx.step("read", () => readFile(path, "utf8")),
});

export const writeText = workflow({
  name: "writeText",
  run: (ctx, { path, text }: { path: string; text: string }) =>
    ctx.step("write", async () => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      return { path, bytes: Buffer.byteLength(text) };
    }),
});

/** Moving it again changes nothing, so that a crash in between does no harm. */
export const moveFile = workflow({
  name: "moveFile",
  run: (ctx, { from, to }: { from: string; to: string }) =>
    ctx.step("move", async () => {
      await mkdir(dirname(to), { recursive: true });
      await rename(from, to).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
      return to;
    }),
});
