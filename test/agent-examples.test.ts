// The examples of agents, typed as their comments say.

import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { ChatReply, ChatRequest } from "../src/testing.ts";
import { openFakeOpenAi } from "../src/testing.ts";
import { rootPath } from "../tools/layout.ts";
import { type CommandOptions, openPlace, type Place } from "./command.ts";

const example = (name: string): string => rootPath("examples", "agents", name);

async function typed(place: Place, words: readonly string[], options?: CommandOptions): Promise<string> {
  const { code, stdout, stderr } = await place.baton(words, options);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** What stands in its comment after the word "prints". */
function promised(name: string): string {
  const [, block = ""] = /prints[^\n]*\n\/\/\n((?:\/\/(?: {3}.*)?\n)+)/.exec(readFileSync(example(name), "utf8")) ?? [];
  return `${block.replaceAll(/^\/\/ {0,3}/gm, "").trim()}\n`;
}

suite("examples of agents", { concurrency: 2 }, () => {
  test("contest: within sixty tasks the best of three is found, and trust says so", async () => {
    using place = openPlace();
    const chart = await typed(place, ["run", example("contest.ts"), "--quiet"]);
    const rows = chart.trimEnd().split("\n").slice(1);
    const counts = rows.map((row) => [...row.matchAll(/█+ (\d+)/g)].map(([, count]) => Number(count)));
    assert.equal(counts.length, 6);
    for (const ten of counts)
      assert.equal(
        ten.reduce((sum, count) => sum + count, 0),
        10,
      );
    assert.match(chart, /\n 51–60 +█{7,10} (7|8|9|10)/);

    const trust = async (name: string) =>
      JSON.parse(await typed(place, ["agents", "trust", name, "--json"])) as {
        estimates: { capability: string; mean: number; verdicts: number }[];
      };
    const [best, worst] = [await trust("weighs"), await trust("guesses")];
    assert.equal(best.estimates[0]?.capability, "summarize");
    assert.ok(Number(best.estimates[0]?.mean) > Number(worst.estimates[0]?.mean) + 0.2);
    assert.ok(Number(best.estimates[0]?.verdicts) > 2 * Number(worst.estimates[0]?.verdicts));
  });

  test("audit: what is wrong with a repository is found by workers, and reported by the chief with what it cost", async () => {
    using place = openPlace({
      "repo/README.md": "# It\n\nSee [the guide](docs/guide.md) and [nothing](docs/nothing.md).\n",
      "repo/docs/guide.md": "Some words, ```\nand no title. TODO\n",
      "repo/package.json": '{ "name": "it" }',
      "repo/it.test.ts": 'test.only("one", () => undefined);\n',
    });
    const report = await typed(place, ["run", example("audit.ts"), "-i", "folder=repo", "--quiet"]);
    assert.equal(
      report,
      `# Audit of repo

## docs: 2 files, 2 findings

- \`docs/guide.md\` has no title
- \`docs/guide.md\` has something left to do

## licences: 1 files, 2 findings

- \`package.json\` it names no licence
- \`package.json\` no LICENSE stands beside it

## links: 2 files, 1 findings

- \`README.md\` links to docs/nothing.md, which is not there

## tests: 1 files, 1 findings

- \`it.test.ts\` runs only some of its tests

It cost $0.0030 of $1.
`,
    );
    const poor = await typed(place, ["run", example("audit.ts"), "-i", "folder=repo", "-i", "usd=0.001", "--quiet"]);
    assert.equal(poor.match(/was not looked at/g)?.length, 4);
    assert.match(poor, /It cost \$0\.0010 of \$0\.001\.\n$/);
    const late = await place.baton(["run", example("audit.ts"), "-i", "folder=repo", "-i", "deadlineMs=1"]);
    assert.match(late.stdout + late.stderr, /Nobody did audit\. chief: |## tests: not looked at/);
  });

  test("audit: this repository's own documents have no dead links and no open code", async () => {
    using place = openPlace();
    const report = await typed(place, ["run", example("audit.ts"), "-i", `folder=${rootPath("docs")}`, "--quiet"]);
    assert.match(report, /^# Audit of /);
    assert.match(report, /## links: \d\d files, 0 findings/);
    assert.match(report, /## docs: \d\d files, 0 findings/);
  });

  test("maker-checker: drafts are written again until the rules of the house are kept", async () => {
    using place = openPlace();
    assert.equal(await typed(place, ["run", example("maker-checker.ts"), "--quiet"]), promised("maker-checker.ts"));
  });

  test("tools: a model answers by the tools that it is given, and what cannot be had back is asked of a person", async () => {
    using place = openPlace();
    copyFileSync(example("fleet.json"), join(place.path, "fleet.json"));
    const env = { FLEET: join(place.path, "fleet.json") };
    await using model = await openFakeOpenAi({ reply: purser });
    await typed(place, [
      "services",
      "add",
      "openai-compatible",
      "--name",
      "box",
      "--base-url",
      `http://127.0.0.1:${model.port}/v1`,
    ]);
    const ask = (question: string, ...more: string[]) => ["run", example("tools.ts"), "-i", `question=${question}`, ...more];

    assert.equal(await typed(place, ask("How many tonnes has Bergen at sea?"), { env }), "Bergen has 8100 tonnes at sea.\n");

    const strike = ask("Strike the oldest ship that is laid up.", "--key", "strike", "--no-input");
    const waiting = await place.baton(strike, { env });
    assert.equal(waiting.code, 8, waiting.stderr);
    const listed = await typed(place, ["inbox", "ls", "--json"]);
    const { items } = JSON.parse(listed) as { items: { id: string; message: string }[] };
    assert.match(
      items[0]?.message ?? "",
      /purser wants to use fleet\/strike \(destructive\) with:\s+\{\s+"ship": "Calypso"\s+\}/,
    );
    assert.equal(names(env.FLEET).includes("Calypso"), true);
    await typed(place, ["inbox", "answer", items[0]?.id ?? "", "true", "--as", "Ann"]);
    assert.equal(await typed(place, strike, { env }), "Calypso is struck off the list.\n");
    assert.equal(names(env.FLEET).includes("Calypso"), false);
  });

  test("recovery: the task of an agent that died goes to another, with what is left to spend", async () => {
    using place = openPlace();
    const told = await typed(place, ["run", example("recovery.ts"), "--json"]);
    const { run, output } = JSON.parse(told) as { run: string; output: string };
    assert.equal(`${output.replace(/for \d+ ms/, "for … ms")}\n`, promised("recovery.ts"));
    const { stdout } = await place.baton(["runs", "show", run]);
    assert.match(stdout, /text\.count \/ tired \/ work +step +failed/);
    assert.match(stdout, /text\.count \/ steady \/ work +step +completed/);
    const tired = JSON.parse(await typed(place, ["agents", "trust", "tired", "--json"])) as { verdicts: { verdict: string }[] };
    assert.deepEqual(
      tired.verdicts.map(({ verdict }) => verdict),
      ["fault"],
    );
  });
});

const names = (file: string): string[] => (JSON.parse(readFileSync(file, "utf8")) as { ship: string }[]).map(({ ship }) => ship);

/** A model that knows how to use the tools: what it says follows from what it was told. */
function purser({ messages }: ChatRequest): string | ChatReply {
  const asked = messages.find(({ role }) => role === "user")?.text ?? "";
  const told = messages.filter(({ role }) => role === "tool").map(({ text }) => JSON.parse(text) as Record<string, unknown>);
  if (asked.includes("tonnes")) {
    const [sum] = told;
    if (sum === undefined) return use("fleet_tonnes", { home: "Bergen", status: "sailing" });
    return `Bergen has ${String(sum.tonnes)} tonnes at sea.`;
  }
  const [ships, struck] = told as [{ ship: string; built: number }[] | undefined, object | undefined];
  if (ships === undefined) return use("fleet_find", { status: "laid up" });
  const [oldest] = ships.toSorted((a, b) => a.built - b.built);
  if (struck === undefined) return use("fleet_strike", { ship: oldest?.ship ?? "" });
  return `${oldest?.ship} is struck off the list.`;
}

const use = (name: string, given: Record<string, string>): ChatReply => ({ toolCalls: [{ name, arguments: given }] });
