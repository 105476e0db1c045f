// Each document of examples/documents/ is typed as its first lines say, and does what it is for.

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Json } from "../src/base/json.ts";
import { rootPath } from "../tools/layout.ts";
import { openPlace, type Place, readJsonOutput } from "./command.ts";
import { openWeb } from "./web.ts";

const FUNCTIONS = ["--with", rootPath("examples", "documents", "files.ts")];

/** Runs an example; gives its output. */
async function outputOf(place: Place, name: string, ...words: string[]): Promise<Json> {
  const file = rootPath("examples", "documents", `${name}.yaml`);
  const ended = await place.baton(["run", file, "--json", "--no-input", ...words]);
  assert.equal(ended.code, 0, ended.stderr);
  return readJsonOutput<{ output: Json }>(ended).output;
}

test("all are valid, and each says what to type", async () => {
  using place = openPlace();
  const files = globSync("examples/documents/*.yaml", { cwd: rootPath() }).map((file) => rootPath(file));
  assert.equal(files.length, 6);
  for (const file of files) assert.match(readFileSync(file, "utf8"), /^# .+\n#\n# {3}baton run examples\/documents\//);

  const ended = await place.baton(["validate", ...files, ...FUNCTIONS]);

  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(ended.stdout, "");
});

test("word-count writes a report on the texts of a folder", async () => {
  using place = openPlace({ "texts/a.md": "one two three", "texts/b.txt": "four", "texts/c.png": "not a text" });

  const output = await outputOf(place, "word-count", ...FUNCTIONS, "-i", "folder=texts", "-i", "report=out/words.md");

  assert.deepEqual(output, { report: "out/words.md", texts: 2, words: 4 });
  assert.equal(
    readFileSync(join(place.path, "out/words.md"), "utf8"),
    "| text | words |\n| --- | --: |\n| a.md | 3 |\n| b.txt | 1 |\n",
  );
});

test("health tells which services are up, and why others are not", async () => {
  using place = openPlace();
  await using web = await openWeb({ "/up": { body: {} }, "/broken": { status: 500, body: {} } });
  const urls = JSON.stringify([`${web.url}/up`, `${web.url}/broken`, "http://10.0.0.1/"]);

  const output = (await outputOf(place, "health", "--allow", web.host, "-i", `urls=${urls}`)) as {
    up: number;
    down: { why: string }[];
  };

  assert.equal(output.up, 1);
  assert.match(output.down[0]?.why ?? "", /answered 500/);
  assert.match(output.down[1]?.why ?? "", /private address/);
});

test("fetch asks again while the service is unwell, and keeps what it gives", async () => {
  using place = openPlace();
  let tries = 0;
  await using web = await openWeb({
    "/list": () => (++tries === 1 ? { status: 503, body: {} } : { body: [{ id: 1 }, { id: 2 }] }),
  });

  const output = await outputOf(
    place,
    "fetch",
    ...FUNCTIONS,
    "--allow",
    web.host,
    "-i",
    `url=${web.url}/list`,
    "-i",
    "file=list.json",
  );

  assert.deepEqual(output, { file: "list.json", items: 2 });
  assert.deepEqual(JSON.parse(readFileSync(join(place.path, "list.json"), "utf8")), [{ id: 1 }, { id: 2 }]);
  assert.equal(tries, 2);
});

test("mirror takes the first answer and gives the other call up", async () => {
  using place = openPlace();
  await using quick = await openWeb({ "/package": { body: { name: "quick" } } });
  await using mute = await openWeb({ "/package": null });
  const mirrors = JSON.stringify([mute.url, quick.url]);

  const output = await outputOf(place, "mirror", "--allow", "localhost", "-i", `mirrors=${mirrors}`, "-i", "path=/package");

  assert.deepEqual(output, { from: `${quick.url}/package`, status: 200, body: { name: "quick" } });
});

test("summary asks a language model of this machine (a fake Ollama) and writes what it says", async () => {
  using place = openPlace({ "notes.txt": "Long text." });
  await using ollama = await openWeb({
    "/api/chat": ({ body }) => {
      const { model, stream, messages } = JSON.parse(body) as { model: string; stream: boolean; messages: { content: string }[] };
      assert.deepEqual([stream, messages[1]?.content], [false, "Long text."]);
      return { body: { model, message: { role: "assistant", content: "Short." }, done: true } };
    },
  });

  const output = await outputOf(
    place,
    "summary",
    ...FUNCTIONS,
    "--allow",
    ollama.host,
    "-i",
    "path=notes.txt",
    "-i",
    `server=${ollama.url}`,
  );

  assert.deepEqual(output, { summary: "Short.", file: "notes.txt.summary.txt" });
  assert.equal(readFileSync(join(place.path, "notes.txt.summary.txt"), "utf8"), "Short.");
});

test("tidy asks first, and moves when it is told to", async () => {
  using place = openPlace({ "box/a.pdf": "1", "box/b.txt": "2" });
  const file = rootPath("examples", "documents", "tidy.yaml");
  const functions = rootPath("examples", "documents", "files.ts");
  const owner = place.start(["start", file, functions]);
  await owner.says(/carrying 0 runs/);

  await place.baton(["run", file, ...FUNCTIONS, "-i", "folder=box", "--detach"]);
  const [question = "", id = ""] = await owner.says(/(run_\w+\/\S+) {2}Move 2 files of box/);
  assert.match(question, /Move 2 files/);
  assert.ok(existsSync(join(place.path, "box/a.pdf")), "nothing is moved before the answer");
  const answered = await place.baton(["inbox", "answer", id, '{"ok":true}']);
  assert.equal(answered.code, 0, answered.stderr);
  await owner.says(/✓ run_/);
  owner.signal("SIGTERM");
  await owner.ended;

  assert.ok(existsSync(join(place.path, "box/pdf/a.pdf")) && existsSync(join(place.path, "box/txt/b.txt")));
});
