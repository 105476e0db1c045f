// The order of the house: a part uses only parts above it, and only through their faces.

import { join, posix } from "node:path";

/** The parts, from meaning through machinery to people. A part that is not built yet has its place already. */
export const PARTS = [
  ...["base", "jq", "run", "api", "trust", "workflow", "store", "flow", "engine", "restate", "security", "services", "agents"],
  ...["federation", "templates", "planner", "monitor", "notify", "orchestrator", "server", "client", "cli", "testing"],
];

/** `base` has no face: its files are words every part speaks. */
const WITHOUT_FACE = "base";

export interface SourceFile {
  /** From the repository's root, with forward slashes: `src/run/entry.ts`. */
  readonly path: string;
  readonly text: string;
}

/** Every relative import of a file, as a path from the root. */
export function importsOf(file: SourceFile): string[] {
  const found = file.text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g);
  return [...found].map(([, specifier = ""]) => posix.normalize(posix.join(posix.dirname(file.path), specifier)));
}

/** What breaks the order, each in one sentence; nothing when all is well. Tests are free. */
export function strays(files: readonly SourceFile[]): string[] {
  return files.filter(({ path }) => !path.endsWith(".test.ts")).flatMap((file) => [...misplaced(file), ...strayImports(file)]);
}

function misplaced({ path }: SourceFile): string[] {
  const [, part = "", ...rest] = path.split("/");
  if (rest.length > 1) return [`${path}: two levels are enough; a part that wants a third is two parts`];
  if (rest.length === 1 && !PARTS.includes(part)) return [`${path}: ${part} is not a part of the house`];
  return [];
}

function strayImports(file: SourceFile): string[] {
  const user = partOf(file.path);
  return importsOf(file).flatMap((target) => {
    const used = partOf(target);
    if (!target.startsWith("src/")) return [`${file.path}: ${target} is outside src/`];
    if (user === used)
      return target === `src/${used}.ts` && file.path !== target ? [`${file.path}: a room does not use its own face`] : [];
    if (user !== "index" && PARTS.indexOf(used) > PARTS.indexOf(user)) return [`${file.path}: ${used} comes after ${user}`];
    if (user === "index" && (used === "cli" || used === "testing")) return [`${file.path}: the package's face shows no ${used}`];
    return used === WITHOUT_FACE || target === `src/${used}.ts` ? [] : [`${file.path}: import src/${used}.ts, not ${target}`];
  });
}

function partOf(path: string): string {
  return (path.split("/")[1] ?? "").replace(/\.ts$/, "");
}

/** Import cycles among the files: each as the files it runs through. */
export function cycles(files: readonly SourceFile[]): string[][] {
  const graph = new Map(files.map((file) => [file.path, importsOf(file)]));
  const done = new Set<string>();
  const found: string[][] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) found.push([...trail.slice(at), path]);
    if (at >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

export function rootPath(...parts: string[]): string {
  return join(import.meta.dirname, "..", ...parts);
}
