// Services from the command line: added, looked at, called, found; and what is refused before anything is called.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { importService, openBaton } from "../src/orchestrator.ts";
import { type Ended, openPlace, type Place, readJsonOutput } from "./command.ts";
import { openWeb, type Web } from "./web.ts";

const PICTURE = Buffer.alloc(9_000, 7);

const openWorld = (): Promise<Web> =>
  openWeb({
    "/say": ({ body }) => ({ body: { text: `said ${body}` } }),
    "/draw": {
      body: {
        images: [
          { mediaType: "image/png", data: PICTURE.toString("base64") },
          { mediaType: "text/plain", data: Buffer.from("two").toString("base64") },
        ],
      },
    },
    "/fails": { status: 500, body: { error: "no" } },
    "/v1/models": { status: 401, body: {} },
  });

/** A definition that says all there is to be shown. */
const definition = (web: Web, name: string, more = ""): string => `service: ${name}
baseUrl: ${web.url}
description: |
  One
  Two
  Three
  Four
limits: { concurrency: 4, rate: { count: 10, perMs: 60000 } }
configuration: { type: object, required: [language], properties: { language: { type: string } } }
config: { language: en }
authentication: { kind: bearer, secret: KEY_OF_ONE, isOptional: true }
${more}
operations:
  say:
    capability: test.say
    post: /say
    effects: read
    cost: { usdPerCall: 0.001 }
    typicalLatencyMs: 300
    ui: { n: { label: Results, control: slider, min: 1, max: 20 } }
    input:
      type: object
      required: [q]
      additionalProperties: false
      properties:
        q: { type: string, description: What is said }
        n: { type: integer, default: 3 }
        texts: { type: array, items: { type: string } }
        how: { enum: [loud, low] }
  draw: { get: /draw, capability: test.draw }
  loose: { post: /say, input: { type: object, properties: { q: { type: string } } } }
`;

const WORDS = `import { service } from "batonflow/services";
export const words = service({ service: "words", operations: {
  count: { capability: "text.count", effects: "read", act: (input) => String(input).split(/\\s+/).length },
} });`;

/** As `services add` does, without a process for each. */
async function addHere(place: Place, ...files: readonly string[]): Promise<void> {
  await using baton = await openBaton({ data: join(place.path, ".baton"), carry: "nothing" });
  for (const file of files) await baton.call("services.add", { ...(await importService({ target: join(place.path, file) })) });
}

async function openTold(): Promise<{ web: Web; place: Place } & AsyncDisposable> {
  const web = await openWorld();
  const place = openPlace({
    "one.yaml": definition(web, "one", "priority: 5\nweight: 3"),
    "two.yaml": definition(web, "two"),
    "words.ts": WORDS,
  });
  await addHere(place, "one.yaml", "two.yaml");
  return {
    web,
    place,
    async [Symbol.asyncDispose]() {
      place[Symbol.dispose]();
      await web[Symbol.asyncDispose]();
    },
  };
}

suite("calling", () => {
  test("what can be refused is refused with the code of its problem, and no run is started", async () => {
    await using told = await openTold();
    const refused: readonly (readonly [readonly string[], number, RegExp])[] = [
      [["one/say", "--input", "{bad"], 2, /JSON_MALFORMED\] --input is not JSON/],
      [["one/say", "--q", "x", "--strategy", "luck"], 2, /There is no strategy "luck"/],
      [["one/say", "--input", '{"q":"x","zz":1}'], 2, /has no field "zz"\. There are: q, n, texts, how/],
      [["one/say"], 2, /SERVICE_INPUT_INVALID\] one\/say does not take this input: .*'q'/],
      [["one/say", "--q", "a", "--q", "b"], 2, /--q is given twice/],
      [["one/sing", "--q", "x"], 4, /one has no operation "sing"/],
      [["nope/nope", "--help"], 4, /There is no service "nope"/],
      [["test.nothing"], 4, /No service has the capability "test.nothing"/],
    ];
    const ended = await Promise.all(refused.map(([words]) => told.place.baton(["services", "call", ...words])));
    for (const [at, { code, stderr }] of ended.entries()) {
      const [words, wanted, says] = refused[at] ?? [[], 0, /^$/];
      assert.equal(code, wanted, `${words.join(" ")}: ${stderr}`);
      assert.match(stderr, says);
    }
    assert.deepEqual(readJsonOutput<{ runs: object[] }>(await told.place.baton("runs ls --json")).runs, []);
    const nobody = await told.place.baton(["services", "call", "test.say", "--q", "x", "--only", "three", "--only", "four"]);
    assert.equal(nobody.code, 4);
    assert.match(nobody.stderr, /Nobody can be asked for test\.say\. one\/say: it is not among/);
  });

  test("the choice is explained, as words and as JSON, and shown with the run", async () => {
    await using told = await openTold();
    const { place } = told;
    const call = "services call test.say --q hi --texts a --texts b";
    const weighted = await place.baton(`${call} --strategy weighted --explain`);
    assert.match(weighted.stdout, /^said .*"texts":\["a","b"\]/);
    assert.match(weighted.stderr, /→ {2}(one|two)\/say .* share of (75|25) %, drawn/);
    const { choice, run } = readJsonOutput<{ run: string; choice: { strategy: string; candidates: object[] } }>(
      await place.baton(`${call} --except one --sticky-key k --strategy sticky --json`),
    );
    assert.equal(choice.strategy, "sticky");
    assert.deepEqual(
      choice.candidates.map((one) => (one as { words: string }).words),
      ["it is excluded", "the place for this key"],
    );
    const worse = await place.baton(`services rate ${run} 6`);
    assert.match(worse.stderr, /A rating is a whole number from 1 to 5\./);
    assert.equal((await place.baton(`services rate ${run} 4`)).code, 0);
    const shown = await place.baton(`runs show ${run}`);
    assert.match(shown.stdout, /rated +two\/say: 4 of 5/);
    assert.match(shown.stdout, /choose +step .* asks two\/say\n/);
    assert.match(shown.stdout, /by sticky: Chosen: two\/say \(the place for this key\)\. Out: one\/say: it is excluded\./);
    assert.ok(!shown.stdout.includes('"candidates"'));
  });

  test("files in the result are told in words, and written where they are wanted", async () => {
    await using told = await openTold();
    const { place } = told;
    const written = await place.baton("services call one/draw --output tide.png");
    assert.match(written.stdout, /"image\/png, 9\.0 KB, blob_[0-9a-f]{64}"/);
    assert.match(written.stderr, /written to tide\.png \(image\/png, 9\.0 KB\)\nwritten to tide-2\.png \(text\/plain, 3 bytes\)/);
    assert.deepEqual(readFileSync(join(place.path, "tide.png")), PICTURE);
    assert.equal(readFileSync(join(place.path, "tide-2.png"), "utf8"), "two");
    const piped = await place.shell("baton services call one/draw --output - -q | wc -c").ended;
    assert.equal(piped.stdout.trim(), "9000");
    const none = await place.baton("services call one/say --q x --output no.png");
    assert.deepEqual([none.code, existsSync(join(place.path, "no.png"))], [1, false]);
    assert.match(none.stderr, /There is no file in the result/);
  });

  test("services of a file are called, listed and not kept; a field that nobody says anything of is told", async () => {
    await using told = await openTold();
    const { place } = told;
    const counted = await place.baton(["services", "call", "words/count", "--with", "words.ts", "--input", '"a b c"']);
    assert.equal(counted.stdout, "3\n", counted.stderr);
    const listed = await place.baton("services ls --with words.ts -c text.count");
    assert.match(listed.stdout, /^words +unknown +text\.count/m);
    const kept = await place.baton("services add words.ts");
    assert.match(kept.stderr, /A service in code cannot be kept: words\.ts is made known .* --with words\.ts or openBaton/);
    const loose = await place.baton(["services", "call", "one/loose", "--input", '{"zz":1}']);
    assert.deepEqual([loose.code, /warning: one\/loose says nothing of a field "zz"/.test(loose.stderr)], [0, true]);
    const other = await place.baton("services ls -c test.nothing");
    assert.match(other.stderr, /No service has the capability "test\.nothing"/);
  });

  test("what does not answer within the time is replaced by the value that was given for it", async () => {
    await using told = await openTold();
    const { place, web } = told;
    place.write("three.yaml", `service: three\nbaseUrl: ${web.url}\noperations: { fail: { get: /fails } }\n`);
    await addHere(place, "three.yaml");
    const words = ["services", "call", "three/fail", "--timeout", "200", "--fallback-value", '{"n":1}', "--json"];
    const { output, degraded } = readJsonOutput<{ output: object; degraded: { how: string } }>(await place.baton(words));
    assert.deepEqual([output, degraded.how], [{ n: 1 }, "value"]);
    const failed = await place.baton("services call three/fail --timeout 200");
    assert.equal(failed.code, 1);
    assert.doesNotMatch(failed.stderr, /three\/fail: attempt 1 failed.*three\/fail/);
  });
});

suite("looking", () => {
  test("a service is shown with all that matters of it; tables fit a terminal and are whole in a pipe", async () => {
    await using told = await openTold();
    const { place } = told;
    const { stdout } = await place.baton("services show one", { env: { BATON_SECRET_KEY_OF_ONE: "k" } });
    for (const says of [
      /^about +One\n +Two\n +Three\n +… \(4 lines/m,
      /^secret +KEY_OF_ONE, optional, set$/m,
      /^chosen +priority 5, weight 3$/m,
      /^limits +4 at once, 10 in 1 min/m,
      /^say {2}POST \/say {2}test\.say$/m,
      /^ {2}read, \$0\.0010 a call, usually 300 ms, /m,
      /^ {2}q +string +required +What is said$/m,
      /^ {2}n +integer += 3 +shown as slider, "Results", min 1, max 20$/m,
      /^ {2}how +"loud" \| "low"$/m,
    ])
      assert.match(stdout, says);
    const wide = `script -qec "stty cols 80; baton stats; baton services ls" /dev/null`;
    await place.baton("services call one/say --q x -q");
    place.write(
      "long.yaml",
      "service: a-service-with-a-rather-long-name\nuses: ollama\nconfig: { baseUrl: 'http://127.0.0.1:9' }\n",
    );
    await addHere(place, "long.yaml");
    await place.baton("services check a-service-with-a-rather-long-name");
    const fitted = await place.shell(wide).ended;
    const lines = fitted.stdout.split("\n").map((line) => line.replaceAll("\r", ""));
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    );
    assert.match(fitted.stdout, /OPERATION .*DEGRADED {2}RATED/);
    assert.match(fitted.stdout, /a-service-with-a-rather-long-name {2}unhealthy:\S* ?.*…/);
  });

  test("a mistake in a definition is shown once, where it stands; validate says the same without adding", async () => {
    await using told = await openTold();
    const { place, web } = told;
    place.write("wrong.yaml", definition(web, "wrong").replace("language: en", "languag: 5"));
    const validated = await place.baton("validate one.yaml wrong.yaml");
    assert.equal(validated.code, 3);
    assert.match(validated.stderr, /✓ one\.yaml {2}valid/);
    assert.match(validated.stdout, /must have required property 'language'\.\n {2}--> wrong\.yaml:10:9/);
    assert.match(
      validated.stdout,
      /`languag` is nothing that can be configured\.\n {2}--> wrong\.yaml:10:11[\s\S]*Did you mean `language`\?/,
    );
    const added = await place.baton("services add wrong.yaml");
    assert.equal(added.code, 3);
    assert.equal(added.stderr.match(/must have required property/g)?.length, 1, added.stderr);
    assert.match(added.stderr, /error\[SERVICE_DEFINITION_INVALID\] \S*wrong\.yaml:10:9: 2 errors, shown above\./);
  });
});

suite("finding", () => {
  test("each host is told of: who needs a key, who answers and is not known, where nobody is, and names that lead nowhere", async () => {
    await using web = await openWorld();
    await using other = await openWeb({ "/": { body: "hello" } });
    using place = openPlace();
    const port = (one: Web): string => one.url.replace(/.*:/, "127.0.0.1:");
    const words = [port(web), port(other), "127.0.0.1:1", "no-such-name.invalid"].flatMap((host) => ["--host", host]);
    const found = await place.baton(["services", "discover", ...words, "--add"]);
    assert.match(found.stdout, new RegExp(`openai-compatible .* http://${port(web)}/v1 +added, needs a key`));
    assert.match(found.stderr, new RegExp(`${port(other)}: somebody answers who is not known`));
    assert.match(found.stderr, /127\.0\.0\.1:1: nobody answers/);
    assert.match(found.stderr, /no-such-name\.invalid: (there is no such name|nobody answers)/);
    const checked = await place.baton("services check");
    assert.equal(checked.code, 1, "one is unhealthy");
  });

  test("what is said besides is in the definition; at a dead address it is told that nobody answers", async () => {
    using place = openPlace();
    const said = "--priority 3 --weight 2 --goes remote --config model=x";
    const added = await place.baton(`services add llama.cpp --base-url http://127.0.0.1:9 ${said}`);
    assert.match(added.stderr, /llama-cpp \(llama\.cpp\) is added/);
    assert.match(added.stderr, /it does not answer now: .*nobody listens there/);
    const { isLocal, priority, config, weight } = readJsonOutput<Record<string, unknown>>(
      await place.baton("services show llama.cpp --json"),
    );
    assert.deepEqual([isLocal, priority, weight, (config as { model: string }).model], [false, 3, 2, "x"]);
    const gone: Ended = await place.baton("services rm llama.cpp");
    assert.equal(gone.stdout, "llama-cpp is gone\n");
    const dead = await place.baton("services add http://127.0.0.1:9/mcp");
    assert.match(dead.stderr, /nobody listens there/);
  });
});

test("dev loads and names only the file that changed, and shows all that is wrong with it, where it stands", async () => {
  await using web = await openWorld();
  using place = openPlace({ "one.yaml": definition(web, "one"), "two.yaml": definition(web, "two") });
  const owner = place.start("dev one.yaml two.yaml");
  await owner.says(/carrying/);
  place.write("two.yaml", definition(web, "two").replace("language: en", "languag: 5"));
  await owner.says(/--> \S*two\.yaml:10:9[\s\S]*--> \S*two\.yaml:10:11[\s\S]*2 errors, shown above/);
  place.write("two.yaml", definition(web, "two", "priority: 7"));
  await owner.says(/loaded two\.yaml again/);
  owner.signal("SIGINT");
  const { stderr } = await owner.ended;
  assert.ok(!stderr.includes("loaded one.yaml"), stderr);
});
