import assert from "node:assert/strict";
import { test } from "node:test";
import { readFiles } from "../tools/files.ts";
import { cycles, strays } from "../tools/layout.ts";

test("a part uses only earlier parts, and only through their faces", () => {
  assert.deepEqual(strays(readFiles("src/**/*.ts")), []);
});

test("no files import each other in a circle", () => {
  assert.deepEqual(cycles(readFiles("src/**/*.ts")), []);
});

test("a stray is told by its file and what is wrong with it", () => {
  const planted = (path: string, specifier: string) => strays([{ path, text: `import { x } from "${specifier}";` }]);

  assert.deepEqual(planted("src/run/run.ts", "../store.ts"), ["src/run/run.ts: store comes after run"]);
  assert.deepEqual(planted("src/engine/step.ts", "../run/entry.ts"), [
    "src/engine/step.ts: import src/run.ts, not src/run/entry.ts",
  ]);
  assert.deepEqual(planted("src/run/run.ts", "../run.ts"), ["src/run/run.ts: a room does not use its own face"]);
  assert.deepEqual(planted("src/engine/deep/step.ts", "./x.ts"), [
    "src/engine/deep/step.ts: two levels are enough; a part that wants a third is two parts",
  ]);
  assert.deepEqual(planted("src/utils/strings.ts", "./x.ts"), ["src/utils/strings.ts: utils is not a part of the house"]);
  assert.deepEqual(planted("src/index.ts", "./cli.ts"), ["src/index.ts: the package's face shows no cli"]);
  assert.deepEqual(planted("src/engine/step.ts", "../base/json.ts"), []);
  assert.deepEqual(planted("src/run/run.test.ts", "../store.ts"), []);
});

test("a circle is told by the files it runs through", () => {
  const files = [
    { path: "src/run/a.ts", text: 'import "./b.ts";' },
    { path: "src/run/b.ts", text: 'import "./a.ts";' },
  ];
  assert.deepEqual(cycles(files), [["src/run/a.ts", "src/run/b.ts", "src/run/a.ts"]]);
});
