// A disk that is full: said clearly, nothing acknowledged is lost, and with room again everything goes on.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { openPlace, readJsonOutput } from "./command.ts";

const mount = (...args: string[]): boolean => spawnSync("mount", args, { stdio: "ignore" }).status === 0;

const place = openPlace({
  "fill.ts": `
    import { appendFileSync } from "node:fs";
    import { workflow } from "batonflow";
    export default workflow({
      name: "fill",
      run: async (ctx) => {
        for (let i = 0; i < 200; i++) {
          await ctx.step("part " + i, () => "x".repeat(i % 10 === 0 ? 90_000 : 30_000) + i);
          appendFileSync("told.txt", i + "\\n"); // told: it must be there for ever
        }
        return "full";
      },
    });`,
});
const small = join(place.path, "small");
mkdirSync(small);
const isMounted = mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", small);
after(() => {
  if (isMounted) spawnSync("umount", ["-l", small]);
  place[Symbol.dispose]();
});

suite("a full disk", { skip: isMounted ? false : "mounting a small disk needs root" }, () => {
  const data = `--data ${join(small, "data")}`;
  const told = (): string[] => readFileSync(join(place.path, "told.txt"), "utf8").trim().split("\n");

  test("ends the command with 74 and says what is so", async () => {
    writeFileSync(join(place.path, "told.txt"), "");
    const { code, stderr } = await place.baton(`run fill.ts --key k ${data}`);
    assert.equal(code, 74, stderr);
    assert.match(stderr, /error\[STORAGE_FAILED\].*(full|space)/i);
    assert.doesNotMatch(stderr, /^ {4}at /m);
    assert.ok(told().length > 20);
  });

  test("is read all the same, and has everything that was acknowledged", async () => {
    const { runs } = readJsonOutput<{ runs: { run: string; status: string }[] }>(await place.baton(`runs ls --json ${data}`));
    assert.deepEqual([runs.length, runs[0]?.status], [1, "running"]);
    const { entries } = readJsonOutput<{ entries: { kind: string; key: string }[] }>(
      await place.baton(`runs journal ${runs[0]?.run} --json ${data}`),
    );
    const there = new Set(entries.filter(({ kind }) => kind === "step-completed").map(({ key }) => key));
    for (const part of told()) assert.ok(there.has(`part ${part}`), `part ${part} was told and is not there`);
  });

  test("with room again the run goes on from where it was", async () => {
    const before = told().length;
    assert.ok(mount("-o", "remount,size=64m", small));
    const { code, stdout, stderr } = await place.baton(`run fill.ts --key k ${data}`);
    assert.deepEqual([code, stdout], [0, "full\n"], stderr);
    assert.ok(told().length >= 200);
    assert.ok(before < 200);
  });
});
