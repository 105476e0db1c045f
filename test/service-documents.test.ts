// `call: service` of documents: who is asked, what stands in, and what errors become.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Json } from "../src/base/json.ts";
import { isProblemError, type Problem } from "../src/base/problem.ts";
import { type Baton, type OpenOptions, openBaton } from "../src/orchestrator.ts";
import { type ServiceDefinition, service } from "../src/services.ts";
import { openWeb } from "./web.ts";

const head = 'document: { dsl: "1.0.3", namespace: test, name: case, version: "1.0.0" }\n';

/** A document in a data directory of its own, with services of three lines. */
interface Stage extends Disposable {
  readonly open: (options?: OpenOptions) => Promise<Baton>;
}

function stage(document: string, services: readonly ServiceDefinition[]): Stage {
  const path = mkdtempSync(join(tmpdir(), "baton-calls-"));
  const file = join(path, "case.yaml");
  writeFileSync(file, head + document);
  return {
    open: (options = {}) => openBaton({ data: join(path, "data"), services, files: [file], ...options }),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Runs a document with these services to its end. */
async function outputOf(document: string, services: readonly ServiceDefinition[], input: Json = {}): Promise<Json> {
  using place = stage(document, services);
  await using baton = await place.open();
  return await (await baton.start<Json, Json>("test/case", input)).result();
}

async function problemOf(document: string, services: readonly ServiceDefinition[], input: Json = {}): Promise<Problem> {
  try {
    assert.fail(`it gave ${JSON.stringify(await outputOf(document, services, input))}`);
  } catch (error) {
    if (isProblemError(error)) return error.problem;
    throw error;
  }
}

/** What is there sooner or later. */
async function once<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

interface Chat extends ServiceDefinition {
  readonly asked: Json[];
}

/** Answers with its name and what it was asked; a function answers for it. */
function chat(name: string, answer: (input: Json) => Json = (input) => ({ by: name, input }), more: object = {}): Chat {
  const asked: Json[] = [];
  const act = (input: Json): Json => {
    asked.push(input);
    return answer(input);
  };
  const definition = service({ service: name, ...more, operations: { say: { capability: "test.say", effects: "read", act } } });
  return Object.assign(definition, { asked });
}

const broken = (name: string, more: object = {}): Chat =>
  chat(
    name,
    () => {
      throw Object.assign(new Error("it is broken"), { nonRetryable: true });
    },
    more,
  );

test("a capability goes to who comes first; the input is computed, and its output is the task's", async () => {
  const [first, second] = [chat("first", undefined, { priority: 1 }), chat("second")];

  const output = await outputOf(
    'do: [ { answer: { call: service, with: { target: test.say, input: { prompt: "${ .question }" } } } } ]',
    [second, first],
    { question: "Why?" },
  );

  assert.deepEqual(output, { by: "first", input: { prompt: "Why?" } });
  assert.equal(second.asked.length, 0);
});

test("target and options may be expressions; a call without input is asked with {}", async () => {
  const document = `do:
  - answer:
      call: service
      with:
        target: "\${ .who }"
        strategy: "\${ .how }"
        stickyKey: "\${ .customer }"
        only: "\${ .only }"
        except: [ third ]
        localOnly: "\${ .local }"
        costMaxUsd: "\${ .usd }"
        timeout: "\${ .limit }"
`;
  const input = { who: "test.say", how: "sticky", customer: 7, only: ["second", "third"], local: true, usd: 1, limit: "PT30S" };

  const output = await outputOf(document, [chat("first"), chat("second"), chat("third")], input);

  assert.deepEqual(output, { by: "second", input: {} });
});

test("an expression that gives something else than an option takes is an error, not as if it had been left out", async () => {
  const far = chat("far", undefined, { data: "remote" });
  const one = (option: string): string => `do: [ { answer: { call: service, with: { target: test.say, ${option} } } } ]`;

  for (const option of ["localOnly", "costMaxUsd", "only", "stickyKey", "strategy", "stream"]) {
    const problem = await problemOf(one(`${option}: "\${ .missing }"`), [far]);
    assert.equal(problem.code, "FAULT_EXPRESSION", option);
    assert.match(problem.detail, new RegExp(`^${option} is null; it must be `));
  }
  const unknown = await problemOf(one('strategy: "${ .how }"'), [far], { how: "luck" });
  assert.deepEqual([unknown.code, unknown.detail], ["FAULT_CONFIGURATION", 'strategy is "luck".']);
  assert.equal(far.asked.length, 0);
});

test("detailed: who answered, how long it took, what it cost, and how it is degraded", async () => {
  const document = `do:
  - whole: { call: service, with: { target: good/say, input: { n: 1 }, detailed: true }, export: { as: "{ whole: . }" } }
  - instead: { call: service, with: { target: bad/say, fallback: [ { value: "no answer" } ], detailed: true } }
  - both: { set: { whole: "\${ $context.whole }", instead: "\${ . }" } }
`;
  const { whole, instead } = (await outputOf(document, [chat("good"), broken("bad")])) as Record<string, Record<string, Json>>;

  assert.deepEqual(Object.keys(whole ?? {}).toSorted(), ["call", "costUsd", "latencyMs", "output", "target"]);
  assert.deepEqual([whole?.output, whole?.target, whole?.costUsd], [{ by: "good", input: { n: 1 } }, "good/say", 0]);
  assert.match(String(whole?.call), /^run_/);
  assert.deepEqual([instead?.output, instead?.target, instead?.call], ["no answer", null, null]);
  assert.deepEqual(instead?.degraded, { how: "value", because: "bad/say: it is broken" });
});

test("what stands in: another service, another model, a value; each with expressions in it", async () => {
  const picky = chat("picky", (input) => {
    const { model } = input as { model?: string };
    if (model === "small") return { by: "picky", model };
    throw Object.assign(new Error("too large"), { nonRetryable: true });
  });
  const one = (fallback: string): string =>
    `do: [ { answer: { call: service, with: { target: picky/say, input: { model: big }, fallback: [ ${fallback} ] } } } ]`;
  const asked = async (fallback: string): Promise<Json> =>
    outputOf(one(fallback), [picky, chat("other"), broken("bad")], { name: "other", model: "small", text: "none" });

  assert.deepEqual(await asked('{ call: "${ .name }/say" }'), { by: "other", input: { model: "big" } });
  assert.deepEqual(await asked('{ call: bad/say }, { call: other/say, input: { n: "${ .text }" } }'), {
    by: "other",
    input: { n: "none" },
  });
  assert.deepEqual(await asked('{ model: "${ .model }" }'), { by: "picky", model: "small" });
  assert.deepEqual(await asked('{ lastGood: true }, { value: { text: "${ .text }" } }'), { text: "none" });
});

test("the last good answer stands in while it is young enough", async () => {
  let isWell = true;
  const moody = chat("moody", () => {
    if (isWell) return "fine";
    throw Object.assign(new Error("not today"), { nonRetryable: true });
  });
  const document = `do:
  - answer:
      call: service
      with: { target: moody/say, input: { q: 1 }, fallback: [ { lastGood: { maxAge: "\${ .age }" } }, { value: none } ] }
`;
  using place = stage(document, [moody]);
  await using baton = await place.open();
  const answer = async (age: string): Promise<Json> => (await baton.start<Json, Json>("test/case", { age })).result();

  assert.equal(await answer("PT1H"), "fine");
  isWell = false;
  const at = Date.now();
  await once(() => (Date.now() > at ? true : undefined));
  assert.equal(await answer("PT1H"), "fine");
  assert.equal(await answer("PT0S"), "none");
});

test("a person stands in; without an answer in time the next does", async () => {
  const one = (limit: string): string => `do:
  - answer:
      call: service
      with: { target: bad/say, fallback: [ { ask: "What about \${ .topic }?", to: ann${limit} }, { value: silence } ] }
`;
  using place = stage(one(""), [broken("bad")]);
  await using baton = await place.open();
  const handle = await baton.start<Json, Json>("test/case", { topic: "rain" });
  const question = await once(async () => (await baton.call("inbox.list", {})).items[0]);
  assert.equal(question.message, "What about rain?");
  await baton.call("inbox.answer", { id: question.id, value: "an umbrella", who: "ann" });
  assert.equal(await handle.result(), "an umbrella");

  assert.equal(await outputOf(one(", timeout: PT0.05S"), [broken("bad")], { topic: "rain" }), "silence");
});

test("failures are errors of the specification, and are caught by type and status", async () => {
  await using web = await openWeb({ "/gone": { status: 404, body: { error: "no such pet" } }, "/late": () => null });
  const http = (name: string, path: string, more: object = {}): ServiceDefinition =>
    service({
      service: name,
      baseUrl: web.url,
      ...more,
      operations: {
        get: { effects: "read", act: async (_, outside) => (await outside.send({ method: "GET", path })).body },
        send: { effects: "write", input: { type: "object", required: ["to"] }, act: () => null },
      },
    });
  const services = [
    ...[
      http("gone", "/gone"),
      http("late", "/late"),
      http("locked", "/gone", { authentication: { kind: "bearer", secret: "no" } }),
    ],
    ...[broken("bad"), broken("worse"), chat("far", undefined, { data: "remote" })],
  ];
  const caught = async (args: string): Promise<Record<string, Json>> => {
    const task = `{ call: service, with: { ${args} } }`;
    const document = `do: [ { all: { try: [ { answer: ${task} } ], catch: { do: [ { tell: { set: "\${ $error }" } } ] } } } ]`;
    return (await outputOf(document, services)) as Record<string, Json>;
  };
  const kind = ({ type, status }: Record<string, Json>): string => `${String(type).replace(/^.*\//, "")} ${String(status)}`;

  const gone = await caught("target: gone/get");
  assert.deepEqual(
    [kind(gone), gone.title, gone.detail],
    ["communication 404", "Not Found", "gone/get: It answers 404 and says: no such pet"],
  );
  assert.equal(gone.instance, "/do/0/all/try/0/answer");
  assert.equal(kind(await caught("target: bad/say")), "communication 502");
  assert.equal(kind(await caught("target: test.say, only: [ bad, worse ]")), "communication 502");
  assert.equal(kind(await caught("target: late/get, timeout: PT0.1S")), "timeout 408");
  assert.equal(kind(await caught("target: gone/send, input: { from: 1 }")), "validation 400");
  assert.equal(kind(await caught("target: llm.chat, input: { prompt: 1 }")), "configuration 400");
  assert.equal(kind(await caught("target: nobody/say")), "configuration 400");
  assert.equal(kind(await caught("target: bad/sing")), "configuration 400");
  assert.equal(kind(await caught("target: test.sing")), "configuration 400");
  assert.equal(kind(await caught("target: test.say, only: [ far ], localOnly: true")), "configuration 400");
  assert.equal(kind(await caught("target: locked/get")), "authorization 403");

  const uncaught = await problemOf("do: [ { answer: { call: service, with: { target: nobdy/say } } } ]", [chat("nobody")]);
  assert.deepEqual([uncaught.code, uncaught.fix], ["FAULT_CONFIGURATION", 'Did you mean "nobody"?']);
});

test("a call that is tried again, or comes again in a loop, is asked again and named so", async () => {
  let failures = 2;
  const shaky = chat("shaky", () => {
    if (failures-- > 0) throw Object.assign(new Error("not yet"), { nonRetryable: true });
    return "at last";
  });
  const steady = chat("steady");
  const document = `do:
  - patient:
      try: [ { answer: { call: service, with: { target: shaky/say } } } ]
      catch: { retry: { delay: { milliseconds: 1 }, limit: { attempt: { count: 5 } } } }
  - loop: { for: { in: "\${ [1, 2] }" }, do: [ { each: { call: service, with: { target: steady/say, input: "\${ $item }" } } } ] }
`;
  using place = stage(document, [shaky, steady]);
  await using baton = await place.open();

  const handle = await baton.start<Json, Json>("test/case", {});

  assert.deepEqual(await handle.result(), { by: "steady", input: 2 });
  assert.equal(shaky.asked.length, 3);
  const { entries } = await baton.call("runs.journal", { run: handle.id });
  const keys = new Set(entries.map(({ key }) => key));
  for (const key of ["patient/answer", "patient/answer #3", "loop/each", "loop/each #2"])
    assert.ok(
      [...keys].some((one) => one === key || one?.startsWith(`${key} / `)),
      `${key} is not in ${[...keys].join(", ")}`,
    );
});

test("the branch that loses gives its call up; a task's own timeout does, too", async () => {
  const aborted: string[] = [];
  const mute = service({
    service: "mute",
    operations: {
      say: {
        effects: "read",
        act: (_, { abortSignal }) =>
          new Promise((_, reject) =>
            abortSignal.addEventListener("abort", () => {
              aborted.push("mute");
              reject(abortSignal.reason);
            }),
          ),
      },
    },
  });
  const document = `do:
  - race:
      fork:
        compete: true
        branches:
          - slow: { call: service, with: { target: mute/say, fallback: [ { value: never } ] } }
          - quick: { call: service, with: { target: quick/say } }
  - late:
      try: [ { wait: { call: service, with: { target: mute/say }, timeout: { after: { milliseconds: 50 } } } } ]
      catch: { errors: { with: { status: 408 } }, do: [ { tell: { set: { late: true } } } ] }
`;
  assert.deepEqual(await outputOf(document, [mute, chat("quick")]), { late: true });
  assert.deepEqual(aborted, ["mute", "mute"]);
});

test("the stream of a call is a stream of the run", async () => {
  const teller = service({
    service: "teller",
    operations: {
      say: {
        effects: "read",
        act: (_, outside) => {
          for (const word of ["one ", "two"]) outside.say(word);
          return "one two";
        },
      },
    },
  });
  using place = stage("do: [ { a: { call: service, with: { target: teller/say, stream: tokens } } } ]", [teller]);
  await using baton = await place.open();
  const handle = await baton.start<Json, Json>("test/case", {});
  await handle.result();

  const { items } = await baton.call("runs.stream", { run: handle.id, stream: "tokens" });

  assert.deepEqual(
    items.map(({ item }) => item),
    [{ text: "one " }, { text: "two" }],
  );
});

test("secrets do not get into what a service is asked, nor into what is kept of it", async () => {
  process.env.BATON_SECRET_DOCUMENT_KEY = "hidden-value-7";
  const echo = chat("echo");
  using place = stage(
    `use: { secrets: [ documentKey ] }
do: [ { a: { call: service, with: { target: echo/say, input: { key: "\${ $secrets.documentKey }", n: 1 }, fallback: [ { lastGood: true } ] } } } ]
`,
    [echo],
  );
  await using baton = await place.open();
  const handle = await baton.start<Json, Json>("test/case", {});

  assert.deepEqual(await handle.result(), { by: "echo", input: { key: "«secret»", n: 1 } });
  assert.deepEqual(echo.asked, [{ key: "«secret»", n: 1 }]);
  const { entries } = await baton.call("runs.journal", { run: handle.id });
  assert.ok(!JSON.stringify(entries).includes("hidden-value-7"));
});

test("a function of the document's own that is called service goes before", async () => {
  const document = `use: { functions: { service: { set: { mine: "\${ .x }" } } } }
do: [ { a: { call: service, with: { x: 1 } } } ]
`;
  assert.deepEqual(await outputOf(document, []), { mine: 1 });
});

test("opened again, a run goes on where it was: nobody is asked twice", async () => {
  const steady = chat("steady");
  using place = stage(
    `do:
  - a: { call: service, with: { target: test.say }, export: { as: "{ a: . }" } }
  - b: { call: service, with: { target: steady/say, input: { n: 2 } }, export: { as: "$context + { b: . }" } }
  - pause: { wait: { milliseconds: 300 } }
  - c: { set: { a: "\${ $context.a.by }", b: "\${ $context.b.by }" } }
`,
    [steady],
  );
  const started = await (async () => {
    await using baton = await place.open();
    const handle = await baton.start<Json, Json>("test/case", {});
    await once(() => (steady.asked.length < 2 ? undefined : true));
    return handle.id;
  })();
  await using baton = await place.open();

  assert.deepEqual(await (await baton.run<Json>(started)).result(), { a: "steady", b: "steady" });
  assert.equal(steady.asked.length, 2);
});
