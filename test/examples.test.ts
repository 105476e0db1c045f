// Every example is a program whose comment says what to type and what it prints. Here it is typed, and must print that.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { rootPath } from "../tools/layout.ts";
import { openPlace } from "./command.ts";

interface Shown {
  readonly file: string;
  readonly line: string;
  readonly prints: string;
}

/** In a comment, `//   baton …` is what to type, and what is indented after the word "prints" is what comes. */
function shownIn(file: string): Shown[] {
  const text = readFileSync(rootPath(file), "utf8");
  const comment = text.slice(0, text.search(/\n\n/)).replaceAll(/^\/\/ ?/gm, "");
  return comment
    .split(/^ {2}(?=baton )/m)
    .slice(1)
    .map((part) => {
      const [line = "", after = ""] = part.split(/^(?=prints)/m);
      const printed = after.split("\n").filter((one) => one.startsWith("  "));
      return { file, line: line.trim(), prints: printed.map((one) => `${one.slice(2)}\n`).join("") };
    });
}

const examples = globSync("examples/[01]*.ts", { cwd: rootPath() }).toSorted();

test("there is an example for each ability, short enough to read at once", () => {
  assert.equal(examples.length, 12);
  for (const file of examples) assert.ok(readFileSync(rootPath(file), "utf8").trimEnd().split("\n").length <= 40, file);
});

suite("an example prints what its comment says", { concurrency: 3 }, () => {
  for (const { file, line, prints } of examples.flatMap(shownIn)) {
    test(line, async () => {
      using place = openPlace();
      assert.ok(line.includes(file) && prints !== "", `${file} does not say what it prints`);

      const { code, stdout, stderr } = await place.shell(line, {
        cwd: rootPath(),
        env: { BATON_DATA: join(place.path, "data") },
      }).ended;

      assert.equal(stdout, prints, stderr);
      assert.equal(code, 0);
    });
  }
});
