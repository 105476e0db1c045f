// The packages that are really installed: `node_modules` walked as Node resolves it, with nested copies, scopes,
// workspaces and the stores of pnpm and npm's linked strategy.
//
// T1. A package is a real directory: what links lead to twice is one package.
// T2. Nothing a package holds makes the walk fail: what is wrong with it is a finding of that package.
// T3. The result does not depend on the order in which the file system lists names, nor on where the project lies.

import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { ENTRIES_MAX, NAME_LENGTH_MAX, NESTING_MAX, PACKAGES_MAX } from "./limits.ts";
import { type ManifestRead, readManifest } from "./manifest.ts";
import { byText } from "./order.ts";

export interface Tree {
  /** Sorted by path; the project itself is first, at `.`. */
  readonly packages: readonly TreePackage[];
  readonly findings: readonly string[];
}

export interface TreePackage {
  /** `name@version`, and where that is installed more than once ` at path` on all but the first. */
  readonly key: string;
  readonly name: string;
  /** Empty where the manifest has none. */
  readonly version: string;
  /** From the project's directory, with `/`. */
  readonly path: string;
  /** The project itself, one of its workspaces, or what it depends on. */
  readonly kind: "project" | "workspace" | "dependency";
  readonly scope: Scope;
  readonly needs: readonly Need[];
  readonly findings: readonly string[];
}

/** How the project comes to have it. `unneeded`: nothing installed asks for it. */
export type Scope = "own" | "production" | "development" | "unneeded";

export interface Need {
  readonly to: string;
  readonly kind: NeedKind;
}

const NEEDS = {
  dependencies: "runtime",
  optionalDependencies: "optional",
  peerDependencies: "peer",
  devDependencies: "development",
} as const;

export type NeedKind = (typeof NEEDS)[keyof typeof NEEDS];

interface Installed {
  readonly directory: string;
  readonly path: string;
  readonly kind: TreePackage["kind"];
  readonly manifest: ManifestRead;
  readonly findings: string[];
}

interface Walk {
  readonly root: string;
  /** By real directory. */
  readonly found: Map<string, Installed>;
  /** `…/node_modules/name` → the real directory it stands for. */
  readonly places: Map<string, string>;
  readonly findings: string[];
}

/** Throws where the project is no directory or has more than PACKAGES_MAX packages; else nothing stops it. */
export async function discoverTree(project: string): Promise<Tree> {
  const root = await realpath(project).catch(() => null);
  const entries = root === null ? null : await entriesOf(root);
  if (root === null || entries === null) throw new Error(`The project ${project} is not a directory that can be read.`);
  const walk: Walk = { root, found: new Map(), places: new Map(), findings: [] };
  await visit(walk, root, 0);
  if (walk.found.size === 1) walk.findings.push("no package is installed: there is no node_modules, or it is empty");
  return describe(walk);
}

interface Entry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** Names in a directory, sorted, links counted as directories; null where it cannot be read. */
async function entriesOf(directory: string): Promise<Entry[] | null> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    const sorted = entries.toSorted((a, b) => byText(a.name, b.name)).slice(0, ENTRIES_MAX);
    return sorted.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() || entry.isSymbolicLink() }));
  } catch {
    return null;
  }
}

async function visit(walk: Walk, directory: string, depth: number): Promise<void> {
  if (walk.found.has(directory)) return;
  if (walk.found.size >= PACKAGES_MAX) throw new Error(`The tree has more than ${PACKAGES_MAX} packages (PACKAGES_MAX).`);
  const installed = await look(walk.root, directory);
  walk.found.set(directory, installed);
  if (depth >= NESTING_MAX) {
    installed.findings.push(`its own node_modules are not looked at: it lies more than ${NESTING_MAX} levels deep`);
    return;
  }
  await visitModules(walk, path.join(directory, "node_modules"), depth);
}

async function look(root: string, directory: string): Promise<Installed> {
  const from = path.relative(root, directory);
  const manifest = await readManifest(directory);
  const findings = manifest.kind === "read" ? [] : [manifest.why];
  return { directory, path: from === "" ? "." : from.split(path.sep).join("/"), kind: kindOf(from), manifest, findings };
}

function kindOf(from: string): TreePackage["kind"] {
  if (from === "") return "project";
  const segments = from.split(path.sep);
  return segments[0] === ".." || path.isAbsolute(from) || segments.includes("node_modules") ? "dependency" : "workspace";
}

/** Stores in which pnpm and npm keep `name@version/node_modules/name`. */
const STORES = new Set([".pnpm", ".store"]);

async function visitModules(walk: Walk, modules: string, depth: number): Promise<void> {
  for (const { name, isDirectory } of (await entriesOf(modules)) ?? []) {
    const place = path.join(modules, name);
    if (!isDirectory) continue;
    if (STORES.has(name)) await visitStore(walk, place, depth);
    else if (name.startsWith("@")) await visitScope(walk, place, depth);
    else if (!name.startsWith(".")) await visitPlace(walk, place, depth);
  }
}

async function visitStore(walk: Walk, store: string, depth: number): Promise<void> {
  for (const { name, isDirectory } of (await entriesOf(store)) ?? []) {
    // `.pnpm/node_modules` only links to its neighbours.
    if (isDirectory && name !== "node_modules") await visitModules(walk, path.join(store, name, "node_modules"), depth);
  }
}

async function visitScope(walk: Walk, scope: string, depth: number): Promise<void> {
  for (const { name, isDirectory } of (await entriesOf(scope)) ?? []) {
    if (isDirectory && !name.startsWith(".")) await visitPlace(walk, path.join(scope, name), depth);
  }
}

async function visitPlace(walk: Walk, place: string, depth: number): Promise<void> {
  const directory = await realpath(place).catch(() => null);
  if (directory === null) {
    walk.findings.push(`${path.relative(walk.root, place).split(path.sep).join("/")} is a link that leads nowhere`);
    return;
  }
  const status = await stat(directory).catch(() => null);
  if (status?.isDirectory() !== true) return; // a file, or a link to one, is no package
  walk.places.set(place, directory);
  await visit(walk, directory, depth + 1);
}

function describe(walk: Walk): Tree {
  const installed = [...walk.found.values()].toSorted((a, b) =>
    byText(a.path === "." ? "" : a.path, b.path === "." ? "" : b.path),
  );
  const keys = keysOf(installed);
  const needs = new Map(installed.map((one) => [one.directory, needsOf(walk, one, keys)]));
  const scopes = scopesOf(installed, needs, keys);
  const packages = installed.map((one): TreePackage => {
    const key = keys.get(one.directory) ?? one.path;
    const { edges, missing } = needs.get(one.directory) ?? { edges: [], missing: [] };
    const scope = scopes.get(key) ?? "unneeded";
    return { key, ...nameOf(one), path: one.path, kind: one.kind, scope, needs: edges, findings: [...one.findings, ...missing] };
  });
  return { packages, findings: walk.findings };
}

function nameOf({ manifest, path: from }: Installed): { name: string; version: string } {
  const fields = manifest.kind === "read" ? manifest.fields : {};
  return { name: plainText(fields.name) || folderName(from), version: plainText(fields.version) };
}

/** `@scope/name` of `node_modules/@scope/name`. */
function folderName(from: string): string {
  const segments = from.split("/");
  const last = segments.at(-1) ?? from;
  const scope = segments.at(-2) ?? "";
  return from === "." ? "project" : scope.startsWith("@") ? `${scope}/${last}` : last;
}

function plainText(value: unknown): string {
  return typeof value === "string"
    ? value
        .replace(/[\p{Cc}\s]+/gu, " ")
        .trim()
        .slice(0, NAME_LENGTH_MAX)
    : "";
}

function keysOf(installed: readonly Installed[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  const keys = new Map<string, string>();
  for (const one of installed) {
    const { name, version } = nameOf(one);
    const plain = `${name}@${version === "" ? "?" : version}`;
    const key = taken.has(plain) ? `${plain} at ${one.path}` : plain;
    taken.add(plain);
    keys.set(one.directory, key);
  }
  return keys;
}

interface Needs {
  readonly edges: readonly Need[];
  /** Findings: what the manifest asks for and is not there. */
  readonly missing: readonly string[];
}

function needsOf(walk: Walk, one: Installed, keys: ReadonlyMap<string, string>): Needs {
  const fields = one.manifest.kind === "read" ? one.manifest.fields : {};
  const edges = new Map<string, Need>();
  const missing: string[] = [];
  for (const [field, kind] of Object.entries(NEEDS)) {
    if (kind === "development" && one.kind === "dependency") continue;
    for (const name of namesIn(fields[field])) {
      const directory = resolve(walk, one.directory, name);
      const to = directory === null ? undefined : keys.get(directory);
      if (to !== undefined && directory !== one.directory) edges.set(to, edges.get(to) ?? { to, kind });
      else if (to === undefined && kind === "runtime" && !namesIn(fields.optionalDependencies).includes(name))
        missing.push(`it needs ${name}, which is not installed`);
    }
  }
  return { edges: [...edges.values()].toSorted((a, b) => byText(a.to, b.to)), missing };
}

const NEEDS_MAX = 5_000;

function namesIn(field: unknown): string[] {
  return typeof field === "object" && field !== null && !Array.isArray(field) ? Object.keys(field).slice(0, NEEDS_MAX) : [];
}

/** As Node does: the nearest `node_modules` upwards that has the name. */
function resolve(walk: Walk, directory: string, name: string): string | null {
  for (let at = directory; ; at = path.dirname(at)) {
    const found = walk.places.get(path.join(at, "node_modules", name));
    if (found !== undefined) return found;
    if (at === path.dirname(at)) return null;
  }
}

function scopesOf(
  installed: readonly Installed[],
  needs: ReadonlyMap<string, Needs>,
  keys: ReadonlyMap<string, string>,
): ReadonlyMap<string, Scope> {
  const edges = new Map(installed.map((one) => [keys.get(one.directory) ?? "", needs.get(one.directory)?.edges ?? []]));
  const own = installed.filter((one) => one.kind !== "dependency").map((one) => keys.get(one.directory) ?? "");
  const scopes = new Map<string, Scope>(own.map((key) => [key, "own"]));
  const direct = own.flatMap((key) => edges.get(key) ?? []);
  const isDevelopment = ({ kind }: Need): boolean => kind === "development";
  for (const { to } of direct.filter((need) => !isDevelopment(need))) spread(to, "production", scopes, edges);
  for (const { to } of direct.filter(isDevelopment)) spread(to, "development", scopes, edges);
  return scopes;
}

function spread(from: string, scope: Scope, scopes: Map<string, Scope>, edges: ReadonlyMap<string, readonly Need[]>): void {
  const waiting = [from];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (scopes.has(key)) continue;
    scopes.set(key, scope);
    for (const { to } of edges.get(key) ?? []) waiting.push(to);
  }
}
