// What keeps the documents true.

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { mayBecome } from "../src/run.ts";
import { rootPath } from "../tools/layout.ts";
import { referencePages } from "../tools/reference.ts";
import { openPlace, readJsonOutput } from "./command.ts";
import { readSuite } from "./documents.ts";

const documents = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...globSync("docs/**/*.md", { cwd: rootPath() }),
];
const read = (path: string): string => readFileSync(rootPath(path), "utf8");

test("every promise has a test of its name", () => {
  const promises = [...read("docs/promises.md").matchAll(/^## (.+)$/gm)].map(([, title = ""]) => title);
  const tests = read("test/promises.test.ts");
  const described = ["Not promised", "What to do at each boundary", "When the storage fails"];
  const missing = promises.filter((title) => !described.includes(title) && !tests.includes(`test("${title}"`));
  assert.deepEqual(missing, []);
});

test("every link between documents leads somewhere", () => {
  const broken = documents.flatMap((path) =>
    [...read(path).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(rootPath(dirname(path), target)))
      .map((target) => `${path}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

test("the reference pages are as the code says", () => {
  for (const [name, text] of referencePages())
    assert.equal(read(join("docs", "reference", name)), text, `${name}: run npm run reference`);
});

test("the table of conformance counts the cases there are, and all pass", () => {
  const table = new Map(
    [...read("docs/conformance.md").matchAll(/^\| (conformance\/\S+) \| (\d+) \| (\d+) \|$/gm)].map(([, name, ...counts]) => [
      name,
      counts,
    ]),
  );
  for (const { name, cases } of readSuite())
    assert.deepEqual(
      table.get(`conformance/${name}.yaml`),
      [String(cases.length), String(cases.length)],
      `${name}: npm run conformance -- --write`,
    );
});

test("the diagram of statuses is the table of the code", () => {
  const drawn = [...read("ARCHITECTURE.md").matchAll(/^ {2}(\w+) --> (\w+)/gm)].map(([, from, to]) => `${from} ${to}`).toSorted();
  const table = Object.entries(mayBecome).flatMap(([from, arrows]) => arrows.map((to) => `${from} ${to}`));
  assert.deepEqual(drawn, table.toSorted());
});

test("the README has at most 120 lines, and its program runs as it stands", async () => {
  const readme = read("README.md");
  assert.ok(readme.trimEnd().split("\n").length <= 120);
  using place = openPlace({ "brief.ts": /```ts\n(\/\/ brief\.ts\n[\s\S]*?)```/.exec(readme)?.[1] ?? "" });

  const ended = await place.baton("run brief.ts -i topic=tides --key tides-1 --json --no-input");

  assert.equal(ended.code, 0, ended.stderr);
  assert.deepEqual(readJsonOutput<{ output: unknown }>(ended).output, { notes: ["TIDES 1", "TIDES 2"], publish: true });
});

test("every dependency has its line", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
  const text = read("docs/dependencies.md");
  const missing = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([name, version]) => !text.includes(`| ${name} | ${version} |`),
  );
  assert.deepEqual(missing, []);
});
