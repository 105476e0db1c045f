// The repository's own files, read.

import { globSync, readFileSync } from "node:fs";
import { rootPath, type SourceFile } from "./layout.ts";

export function readFiles(pattern: string): SourceFile[] {
  return globSync(pattern, { cwd: rootPath() })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !path.includes("node_modules/"))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(rootPath(path), "utf8") }));
}
