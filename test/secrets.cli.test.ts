// Secrets as they are typed: kept, listed without their values, used by documents, sent to the hosts they are for.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Json } from "../src/base/json.ts";
import { openPlace, readJsonOutput } from "./command.ts";
import { openWeb } from "./web.ts";

const document = `document: { dsl: "1.0.3", namespace: test, name: get, version: "1.0.0" }
use: { secrets: [ apiKey ] }
do:
  - get: { call: http, with: { method: post, endpoint: "\${ .url }", redirect: true, headers: { x-api-key: "\${ $secrets.apiKey }" }, body: { key: "\${ $secrets.apiKey }" } } }
`;

test("a secret is kept, listed by its name, used by a document, and seen nowhere", async () => {
  using place = openPlace({ "get.yaml": document });
  await using web = await openWeb({ "/": ({ headers }) => ({ body: { you: String(headers["x-api-key"]) } }) });

  const kept = await place.baton("secrets set apiKey", { stdin: "hidden-value-2\n" });
  assert.equal(kept.code, 0, kept.stderr);
  const listed = await place.baton("secrets ls");
  assert.match(listed.stdout, /^apiKey +20\S+ +every host$/m);
  const { secrets } = readJsonOutput<{ secrets: Json[] }>(await place.baton("secrets ls --json"));
  assert.deepEqual(Object.keys(secrets[0] as object), ["name", "hosts", "version", "changedAt"]);

  const ended = await place.baton(["run", "get.yaml", "--json", "-i", `url=${web.url}/`, "--allow", web.host]);
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(web.asked[0]?.headers["x-api-key"], "hidden-value-2");
  assert.deepEqual(readJsonOutput<{ output: Json }>(ended).output, { you: "«secret»" });

  for (const text of [kept.stdout, kept.stderr, listed.stdout, ended.stdout, ended.stderr])
    assert.ok(!text.includes("hidden-value-2"));
  for (const file of readdirSync(join(place.path, ".baton"))) {
    const bytes = readFileSync(join(place.path, ".baton", file), "latin1");
    for (const form of [
      "hidden-value-2",
      Buffer.from("hidden-value-2").toString("base64"),
      Buffer.from("hidden-value-2").toString("hex"),
    ])
      assert.ok(!bytes.includes(form), `${form} in ${file}`);
  }
});

test("H19 a secret for one host is sent to no other, nor where a redirect leads", async () => {
  using place = openPlace({ "get.yaml": document });
  await using mine = await openWeb({ "/": { body: { ok: true } } });
  await using other = await openWeb({ "/": { body: { ok: true } } });
  await using turning = await openWeb({ "/": { status: 307, headers: { location: `${other.url}/` }, body: {} } });
  await place.baton(["secrets", "set", "apiKey", "--host", mine.host, "--host", turning.host], { stdin: "hidden-value-3" });
  const run = (url: string) => place.baton(["run", "get.yaml", "-i", `url=${url}/`, "--allow", "localhost"]);

  assert.equal((await run(mine.url)).code, 0);
  const refused = await run(other.url);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /The secret "apiKey" is for .* and may not be sent to localhost:\d+/);
  assert.notEqual((await run(turning.url)).code, 0);
  assert.equal(other.asked.length, 0);
});

test("what is not there, or has no name, is said; a deleted secret is gone", async () => {
  using place = openPlace();
  assert.match((await place.baton("secrets ls")).stderr, /No secrets/);
  assert.equal((await place.baton("secrets rm nothing")).code, 4);
  assert.equal((await place.baton(["secrets", "set", "a b"], { stdin: "x" })).code, 2);
  assert.equal((await place.baton("secrets set empty", { stdin: "" })).code, 2);
  await place.baton("secrets set one", { stdin: "x" });
  assert.equal((await place.baton("secrets rm one")).code, 0);
  assert.match((await place.baton("secrets ls")).stderr, /No secrets/);
});

test("a value that would be kept as another is refused, and so is one without end", async () => {
  using place = openPlace();
  const refused: readonly (readonly [line: string, why: RegExp])[] = [
    ["printf '\\141\\377\\376' | baton secrets set odd", /not text in UTF-8/],
    ["printf '\\357\\273\\277token' | baton secrets set odd", /byte order mark/],
    ["yes | baton secrets set odd", /more than 65536 bytes/],
    ["printf token | baton secrets set odd --host https://api.foo.com/", /is no host.*HOST or HOST:PORT/s],
  ];
  for (const [line, why] of refused) {
    const { code, stderr } = await place.shell(line).ended;
    assert.equal(code, 2, line);
    assert.match(stderr, why, line);
  }
  assert.match((await place.baton("secrets ls")).stderr, /No secrets/);
  const kept = await place.baton("secrets set token --host API.Foo.com --json", { stdin: "x\r\n" });
  assert.deepEqual(readJsonOutput<{ hosts: string[] }>(kept).hosts, ["api.foo.com"]);
});
