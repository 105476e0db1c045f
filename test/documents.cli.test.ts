// Documents as they are typed: checked, drawn, run, steered and carried on, by the real command.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../src/base/json.ts";
import { openPlace, readJsonOutput } from "./command.ts";
import { openWeb } from "./web.ts";

const head = (name: string): string => `document: { dsl: "1.0.3", namespace: test, name: ${name}, version: "1.0.0" }\n`;

test("validate says what is wrong, where and what to do; exit 3", async () => {
  using place = openPlace({
    "bad.yaml": `${head("bad")}do:\n  - greet:\n      sett: { text: hi }\n  - next:\n      set: { a: "\${ .a | }" }\n      then: nowhere\n`,
    "good.yaml": `${head("good")}do:\n  - greet: { set: { text: hi } }\n`,
    "empty.yaml": "",
    "text.yaml": "just text",
  });

  const { code, stdout, stderr } = await place.baton("validate bad.yaml good.yaml");

  assert.equal(code, 3);
  assert.match(stdout, /error\[DOC_TASK_UNKNOWN\] `sett` is no task\.\n {2}--> bad\.yaml:4:7\n/);
  assert.match(stdout, /^4 \| {7}sett: \{ text: hi \}\n {2}\| {7}\^\^\^\^$/m);
  assert.match(stdout, /fix Did you mean `set`\?/);
  assert.match(stdout, /DOC_JQ_SYNTAX[\s\S]*bad\.yaml:6:/);
  assert.match(stdout, /DOC_THEN_UNKNOWN[\s\S]*bad\.yaml:7:/);
  assert.match(stderr, /✗ bad\.yaml {2}3 errors/);
  assert.match(stderr, /✓ good\.yaml {2}valid/);

  const asJson = readJsonOutput<{
    files: { file: string; valid: boolean; diagnostics: { code: string; at: Json; docs: string }[] }[];
  }>(await place.baton("validate bad.yaml good.yaml empty.yaml text.yaml --json"));
  assert.deepEqual(
    asJson.files.map(({ valid }) => valid),
    [false, true, false, false],
  );
  assert.deepEqual(asJson.files[0]?.diagnostics[0]?.at, { file: "bad.yaml", line: 4, column: 7, endLine: 4, endColumn: 11 });

  const missing = await place.baton("validate nothing.yaml");
  assert.equal(missing.code, 4);
  assert.match(missing.stderr, /WF_FILE_MISSING/);
});

test("an invalid document is not run: each mistake is shown, and nothing is written", async () => {
  using place = openPlace({ "bad.yaml": `${head("bad")}do:\n  - a: { wait: 5 }\n  - b: { cal: http }\n` });

  const { code, stderr } = await place.baton("run bad.yaml");

  assert.equal(code, 3);
  assert.match(stderr, /DOC_TYPE[\s\S]*bad\.yaml:3:[\s\S]*DOC_TASK_UNKNOWN[\s\S]*bad\.yaml:4:[\s\S]*DOCUMENT_INVALID/);
  assert.match((await place.baton("runs ls")).stderr, /No runs|no runs|nothing/i);
});

test("graph draws a document as text, Mermaid and SVG, also where a function is not known", async () => {
  using place = openPlace({ "w.yaml": `${head("w")}do:\n  - one: { call: somewhere }\n  - two: { set: { a: 1 } }\n` });

  assert.match((await place.baton("graph w.yaml")).stdout, /├─ one {2}call[\s\S]*└─ two {2}set/);
  assert.match((await place.baton("graph w.yaml --format mermaid")).stdout, /^(---|flowchart)/);
  assert.match((await place.baton("graph w.yaml --format svg")).stdout, /^<svg [\s\S]*<\/svg>\s*$/);
});

test("calls leave this machine only as far as they are allowed to; what was denied is said", async () => {
  using place = openPlace({
    "get.yaml": `${head("get")}do:\n  - get: { call: http, with: { method: get, endpoint: "\${ .url }" } }\n`,
  });
  await using web = await openWeb({ "/a": { body: { n: 1 } } });

  const denied = await place.baton(["run", "get.yaml", "-i", `url=${web.url}/a`]);
  assert.notEqual(denied.code, 0);
  assert.match(denied.stderr, /may not be called[\s\S]*--allow/);
  assert.equal(web.asked.length, 0);

  const allowed = await place.baton(["run", "get.yaml", "--json", "-i", `url=${web.url}/a`, "--allow", web.host]);
  assert.deepEqual(readJsonOutput<{ output: Json }>(allowed).output, { n: 1 });
  const byEnvironment = await place.baton(["run", "get.yaml", "-i", `url=${web.url}/a`], { env: { BATON_ALLOW: web.host } });
  assert.equal(byEnvironment.code, 0, byEnvironment.stderr);
});

test("secrets come from the environment and are seen nowhere", async () => {
  using place = openPlace({
    "secret.yaml": `${head("secret")}use: { secrets: [ apiKey ] }\ndo:\n  - get: { call: http, with: { method: get, endpoint: "\${ .url }", headers: { x-api-key: "\${ $secrets.apiKey }" } } }\n`,
  });
  await using web = await openWeb({ "/": ({ headers }) => ({ body: { you: String(headers["x-api-key"]) } }) });
  const env = { BATON_SECRET_API_KEY: "hidden-value-1" };

  const ended = await place.baton(["run", "secret.yaml", "-i", `url=${web.url}/`, "--allow", web.host, "--json"], { env });

  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(web.asked[0]?.headers["x-api-key"], "hidden-value-1");
  const { run } = readJsonOutput<{ run: string }>(ended);
  for (const line of [`runs show ${run}`, `runs journal ${run}`, `runs show ${run} --json`]) {
    const shown = await place.baton(line);
    assert.ok(!`${shown.stdout}${shown.stderr}`.includes("hidden-value-1"), line);
  }
  const missing = await place.baton(["run", "secret.yaml", "-i", `url=${web.url}/`, "--allow", web.host]);
  assert.match(missing.stderr, /apiKey[\s\S]*BATON_SECRET_/);
});

test("after a kill a run goes on where it was: what was called is not called again", async () => {
  using place = openPlace({
    "long.yaml": `${head("long")}do:\n  - first: { call: http, with: { method: get, endpoint: "\${ .url }" }, export: { as: "{ n: $output.n }" } }\n  - pause: { wait: { seconds: 4 } }\n  - last: { set: { n: "\${ $context.n }" } }\n`,
  });
  await using web = await openWeb({ "/": { body: { n: 7 } } });
  const words = ["run", "long.yaml", "-i", `url=${web.url}/`, "--allow", web.host, "--key", "k"];
  const running = place.start(words);
  const [, id = ""] = await running.says(/started (run_\w+)/);
  for (let shown = ""; !shown.includes("pause"); shown = (await place.baton(`runs show ${id}`)).stdout);
  running.signal("SIGKILL");
  await running.ended.catch(() => undefined);

  const again = await place.baton([...words, "--json"]);

  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(readJsonOutput<{ output: Json }>(again).output, { n: 7 });
  assert.equal(web.asked.length, 1);
});

test("what is interrupted says how it is carried on, with the hosts it may reach", async () => {
  using place = openPlace({
    "late.yaml": `${head("late")}do:\n  - pause: { wait: { seconds: 2 } }\n  - get: { call: http, with: { method: get, endpoint: "\${ .url }" } }\n`,
  });
  await using web = await openWeb({ "/": { body: { n: 1 } } });
  const running = place.start(["run", "late.yaml", "-i", `url=${web.url}/`, "--allow", web.host]);
  const [, id = ""] = await running.says(/started (run_\w+)/);
  running.signal("SIGINT");
  const { code, stderr } = await running.ended;
  assert.equal(code, 130);
  assert.match(stderr, new RegExp(`runs resume ${id} --allow ${web.host}`));

  const carried = await place.baton(["runs", "resume", id, "--allow", web.host, "--json"]);

  assert.equal(carried.code, 0, carried.stderr);
  assert.deepEqual(readJsonOutput<{ output: Json }>(carried).output, { n: 1 });
});

test("W17 a document that was altered under a run pauses it; nothing is lost when it is put back", async () => {
  const ask = "- ready: { call: ask, with: { question: Go on?, schema: { type: boolean } } }";
  const before = `${head("w")}do:\n  - a: { call: http, with: { method: get, endpoint: "\${ .url }" } }\n  ${ask}\n  - b: { set: { done: true } }\n`;
  using place = openPlace({ "w.yaml": before });
  await using web = await openWeb({ "/": { body: {} } });
  const words = ["run", "w.yaml", "--key", "k", "-i", `url=${web.url}/`, "--allow", web.host, "--no-input"];
  const waiting = await place.baton(words);
  assert.equal(waiting.code, 8, waiting.stderr);
  const [, id = ""] = /started (run_\w+)/.exec(waiting.stderr) ?? [];
  place.write("w.yaml", before.replace(/- a: .*/, "- a: { wait: { seconds: 1 } }"));

  assert.equal((await place.baton(["inbox", "answer", `${id}/ready`, "true"])).code, 0);
  const altered = await place.baton(`runs resume ${id}`);
  assert.notEqual(altered.code, 0);
  assert.match(`${altered.stdout}${altered.stderr}`, /REPLAY_MISMATCH|replay_mismatch/);

  place.write("w.yaml", before);
  const back = await place.baton(`runs resume ${id}`);
  assert.equal(back.code, 0, back.stderr);
  assert.equal(web.asked.length, 1);
});

test("a question of a document without a default waits for its answer: exit 8, then on", async () => {
  using place = openPlace({
    "ask.yaml": `${head("ask")}do:\n  - approve: { call: ask, with: { question: "Go?", schema: { type: boolean } } }\n  - said: { set: { go: "\${ . }" } }\n`,
  });

  const waiting = await place.baton("run ask.yaml --key k --no-input");
  assert.equal(waiting.code, 8, waiting.stderr);
  const [, id = ""] = /(run_\w+\/approve)/.exec((await place.baton("inbox ls")).stdout) ?? [];
  assert.equal((await place.baton(["inbox", "answer", id, "true"])).code, 0);
  const ended = await place.baton("run ask.yaml --key k --no-input --json");

  assert.deepEqual(readJsonOutput<{ output: Json }>(ended).output, { go: true });
});

test("start fires the schedule of a document; when it is written otherwise, or not at all, so is the schedule", async () => {
  const tick = (schedule: string): string => `${head("tick")}${schedule}do:\n  - a: { set: { n: 1 } }\n`;
  using place = openPlace({ "tick.yaml": tick("schedule: { every: { seconds: 1 } }\n") });
  const owner = place.start("start tick.yaml");
  await owner.says(/test\.tick {2}every second/);
  await owner.says(/✓ run_\w+ {2}completed/);
  owner.signal("SIGTERM");
  await owner.ended;

  place.write("tick.yaml", tick("schedule: { cron: 0 8 * * 1-5 }\n"));
  const other = place.start("start tick.yaml");
  await other.says(/test\.tick {2}.*08:00|test\.tick {2}.*0 8/);
  other.signal("SIGTERM");
  await other.ended;

  place.write("tick.yaml", tick(""));
  const none = place.start("start tick.yaml");
  await none.says(/carrying/);
  none.signal("SIGTERM");
  await none.ended;
  assert.doesNotMatch((await place.baton("schedules ls")).stdout, /tick/);
});

test("a document is a function and a child for others that are known beside it", async () => {
  using place = openPlace({
    "parent.yaml": `${head("parent")}do:\n  - child: { run: { workflow: { namespace: test, name: child, version: "1.0.0", input: { n: "\${ .n }" } } } }\n`,
    "child.yaml": `${head("child")}do:\n  - twice: { set: { n: "\${ .n * 2 }" } }\n`,
  });

  const ended = await place.baton("run parent.yaml --with child.yaml -i n=21 --json");

  assert.equal(ended.code, 0, ended.stderr);
  assert.deepEqual(readJsonOutput<{ output: Json }>(ended).output, { n: 42 });
});

test("input that does not fit the document's schema is refused before a run begins; exit 2", async () => {
  using place = openPlace({
    "typed.yaml": `${head("typed")}input: { schema: { document: { type: object, required: [ n ], properties: { n: { type: integer } } } } }\ndo:\n  - a: { set: { n: "\${ .n + 1 }" } }\n`,
  });
  const refused = await place.baton("run typed.yaml -i n=x");
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /INPUT_INVALID/);
  const { output } = readJsonOutput<{ output: Json }>(await place.baton("run typed.yaml -i n=1 --json"));
  assert.deepEqual(output, { n: 2 });
});
