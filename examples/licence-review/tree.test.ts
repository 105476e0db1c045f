import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { filesOnDisk } from "./files.ts";
import { loadPolicy } from "./policy.ts";
import { type Review, reviewPackage } from "./review.ts";
import { discoverTree, type Tree, type TreePackage } from "./tree.ts";

/** Makes a project; a value that is an object becomes JSON. */
function project(t: TestContext, files: Readonly<Record<string, unknown>>): string {
  const root = mkdtempSync(path.join(tmpdir(), "licence-review-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return root;
}

function link(root: string, from: string, to: string): void {
  mkdirSync(path.dirname(path.join(root, from)), { recursive: true });
  symlinkSync(path.relative(path.dirname(path.join(root, from)), path.join(root, to)), path.join(root, from));
}

function makePipe(file: string): void {
  execFileSync("sh", ["-c", 'mkfifo "$0"', file]);
}

function keys(tree: Tree): string[] {
  return tree.packages.map(({ key }) => key);
}

function find(tree: Tree, key: string): TreePackage {
  const found = tree.packages.find((one) => one.key === key);
  assert.ok(found !== undefined, `${key} is not among ${keys(tree).join(", ")}`);
  return found;
}

async function reviewIn(root: string, key: string): Promise<Review> {
  const { policy } = await loadPolicy(undefined);
  const one = find(await discoverTree(root), key);
  return reviewPackage(one, await filesOnDisk(path.join(root, one.path), root), policy);
}

test("nested packages, scopes and several copies of one version are each found once", async (t) => {
  const root = project(t, {
    "package.json": { name: "app", version: "1.0.0", dependencies: { a: "1", "@s/b": "1" }, devDependencies: { d: "1" } },
    "node_modules/a/package.json": { name: "a", version: "1.0.0", dependencies: { c: "1" } },
    "node_modules/a/node_modules/c/package.json": { name: "c", version: "1.0.0" },
    "node_modules/@s/b/package.json": { name: "@s/b", version: "2.0.0", optionalDependencies: { c: "2", gone: "1" } },
    "node_modules/c/package.json": { name: "c", version: "2.0.0" },
    "node_modules/d/package.json": { name: "d", version: "1.0.0", dependencies: { c: "1" } },
    "node_modules/d/node_modules/c/package.json": { name: "c", version: "1.0.0" },
    "node_modules/x/package.json": { name: "x", version: "0.0.1" },
    "node_modules/.bin/tool": "#!/bin/sh",
    "node_modules/.cache/y/package.json": { name: "y" },
    "node_modules/a/dist/package.json": { type: "module" },
  });
  const tree = await discoverTree(root);
  assert.deepEqual(keys(tree), [
    "app@1.0.0",
    "@s/b@2.0.0",
    "a@1.0.0",
    "c@1.0.0",
    "c@2.0.0",
    "d@1.0.0",
    "c@1.0.0 at node_modules/d/node_modules/c",
    "x@0.0.1",
  ]);
  assert.deepEqual(find(tree, "a@1.0.0").needs, [{ to: "c@1.0.0", kind: "runtime" }]);
  assert.deepEqual(find(tree, "@s/b@2.0.0").needs, [{ to: "c@2.0.0", kind: "optional" }]);
  assert.deepEqual(find(tree, "d@1.0.0").needs, [{ to: "c@1.0.0 at node_modules/d/node_modules/c", kind: "runtime" }]);
  assert.deepEqual(
    tree.packages.map(({ scope }) => scope),
    ["own", "production", "production", "production", "production", "development", "development", "unneeded"],
  );
});

test("workspaces and what links lead to twice are one package each, and links in a circle end", async (t) => {
  const root = project(t, {
    "package.json": { name: "mono", version: "1.0.0", workspaces: ["packages/*"] },
    "packages/one/package.json": {
      name: "one",
      version: "1.0.0",
      dependencies: { two: "*", dep: "1" },
      devDependencies: { dev: "1" },
    },
    "packages/two/package.json": { name: "two", version: "1.0.0" },
    "node_modules/dep/package.json": { name: "dep", version: "1.0.0" },
    "node_modules/dev/package.json": { name: "dev", version: "1.0.0" },
  });
  link(root, "node_modules/one", "packages/one");
  link(root, "node_modules/two", "packages/two");
  link(root, "packages/two/node_modules/one", "packages/one");
  link(root, "node_modules/alias", "node_modules/dep");
  link(root, "node_modules/nowhere", "packages/three");
  const tree = await discoverTree(root);
  assert.deepEqual(keys(tree), ["mono@1.0.0", "dep@1.0.0", "dev@1.0.0", "one@1.0.0", "two@1.0.0"]);
  assert.deepEqual(
    tree.packages.map(({ kind }) => kind),
    ["project", "dependency", "dependency", "workspace", "workspace"],
  );
  assert.equal(find(tree, "dev@1.0.0").scope, "development");
  assert.deepEqual(tree.findings, ["node_modules/nowhere is a link that leads nowhere"]);
});

test("the store of pnpm is walked, and its links resolve", async (t) => {
  const root = project(t, {
    "package.json": { name: "app", version: "1.0.0", dependencies: { a: "1" } },
    "node_modules/.pnpm/a@1.0.0/node_modules/a/package.json": { name: "a", version: "1.0.0", dependencies: { b: "1" } },
    "node_modules/.pnpm/b@1.0.0/node_modules/b/package.json": { name: "b", version: "1.0.0" },
  });
  link(root, "node_modules/a", "node_modules/.pnpm/a@1.0.0/node_modules/a");
  link(root, "node_modules/.pnpm/a@1.0.0/node_modules/b", "node_modules/.pnpm/b@1.0.0/node_modules/b");
  const tree = await discoverTree(root);
  assert.deepEqual(keys(tree), ["app@1.0.0", "a@1.0.0", "b@1.0.0"]);
  assert.deepEqual(find(tree, "a@1.0.0").needs, [{ to: "b@1.0.0", kind: "runtime" }]);
});

test("broken, missing and strange manifests are findings, not failures (T2)", async (t) => {
  const root = project(t, {
    "package.json": "not json",
    "node_modules/broken/package.json": "{",
    "node_modules/list/package.json": "[]",
    "node_modules/bare/index.js": "",
    "node_modules/odd/package.json": { name: 7, version: null, dependencies: ["x"], license: { url: 1 } },
    "node_modules/bom/package.json": '\uFEFF{"name":"bom","version":"1.0.0","license":"MIT"}',
    "node_modules/needy/package.json": { name: "needy\u0007 |", version: "1.0.0", dependencies: { absent: "1" } },
  });
  const tree = await discoverTree(root);
  assert.deepEqual(keys(tree), ["project@?", "bare@?", "bom@1.0.0", "broken@?", "list@?", "needy |@1.0.0", "odd@?"]);
  assert.match(find(tree, "broken@?").findings.join(), /not JSON/);
  assert.match(find(tree, "bare@?").findings.join(), /no package.json/);
  assert.match(find(tree, "needy |@1.0.0").findings.join(), /needs absent, which is not installed/);
  assert.equal((await reviewIn(root, "bom@1.0.0")).outcome, "ok");
  assert.equal((await reviewIn(root, "odd@?")).outcome, "unknown");
});

test("a project without node_modules, and one that is not there", async (t) => {
  const root = project(t, { "package.json": { name: "lonely", version: "1.0.0" } });
  assert.match((await discoverTree(root)).findings.join(), /no package is installed/);
  await assert.rejects(discoverTree(path.join(root, "nope")), /nope is not a directory that can be read/);
});

test("a pipe, a directory, a link out of the package and a file without permission do not stop a review", async (t) => {
  const root = project(t, {
    "package.json": { name: "app", version: "1.0.0" },
    "node_modules/a/package.json": { name: "a", version: "1.0.0", license: "MIT" },
    "node_modules/a/LICENSE.txt/inner": "x",
    "node_modules/a/COPYING": "secret",
    "node_modules/b/package.json": { name: "b", version: "1.0.0", license: "SEE LICENSE IN ../../../../../../etc/passwd" },
  });
  makePipe(path.join(root, "node_modules/a/LICENSE"));
  symlinkSync("/etc/passwd", path.join(root, "node_modules/a/LICENCE.md"));
  chmodSync(path.join(root, "node_modules/a/COPYING"), 0o000);
  const review = await reviewIn(root, "a@1.0.0");
  assert.match(review.findings.join(), /LICENSE is not a file/);
  assert.match(review.findings.join(), /LICENCE.md lies outside the package/);
  const outside = await reviewIn(root, "b@1.0.0");
  assert.equal(outside.outcome, "unknown");
  assert.match(outside.findings.join(), /lies outside the package|is not there/);
});

test("the same tree at another place, made in another order, gives the same (T3)", async (t) => {
  const files: Readonly<Record<string, unknown>> = {
    "package.json": { name: "app", version: "1.0.0", dependencies: { b: "1", a: "1" } },
    "node_modules/b/package.json": { name: "b", version: "1.0.0" },
    "node_modules/a/package.json": { name: "a", version: "1.0.0", dependencies: { b: "1" } },
  };
  const one = await discoverTree(project(t, files));
  const other = await discoverTree(project(t, Object.fromEntries(Object.entries(files).toReversed())));
  assert.deepEqual(one, other);
});
