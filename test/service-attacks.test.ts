// Services that mean harm, and calls that want to go where they must not. The numbers are those of docs/security/attacks.md.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Json } from "../src/base/json.ts";
import { type Baton, openBaton, setSecret } from "../src/orchestrator.ts";
import { type ServiceDefinition, service } from "../src/services.ts";
import { type Called, type Context, workflow } from "../src/workflow.ts";
import { openPlace } from "./command.ts";
import { openWeb, type Web } from "./web.ts";

const SECRET = 'k3y"with/odd+marks=ä';

process.env.BATON_SECRET_ATTACKKEY = SECRET;

type Operations = NonNullable<ServiceDefinition["operations"]>;

interface Bed extends AsyncDisposable {
  readonly baton: Baton;
  readonly data: string;
  run<T>(act: (context: Context) => Promise<T>): Promise<T>;
  call(target: string, input?: Json): Promise<Called<Json>>;
}

async function openBed(services: readonly ServiceDefinition[]): Promise<Bed> {
  const data = mkdtempSync(join(tmpdir(), "attack-"));
  const baton = await openBaton({ data, services, carry: "own" });
  let count = 0;
  const run = async <T>(act: (context: Context) => Promise<T>): Promise<T> => {
    const story = workflow({ name: `story-${++count}`, run: act });
    return (await (await baton.start(story as never, null)).result()) as T;
  };
  return {
    ...{ baton, data, run },
    call: (target, input = {}) => run((context) => context.tryCall(target, input)),
    async [Symbol.asyncDispose]() {
      await baton[Symbol.asyncDispose]();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** A service at a small server, whose one operation says what it was answered. */
function at(web: Web, more: Partial<ServiceDefinition> = {}, operation: object = {}): ServiceDefinition {
  return service({
    service: "them",
    baseUrl: web.url,
    operations: {
      ask: {
        effects: "read",
        act: async (input, outside) => (await outside.send({ method: "POST", path: "/ask", body: input })).body,
        ...operation,
      },
    },
    ...more,
  } as ServiceDefinition);
}

const withKey = { authentication: { kind: "header", name: "x-their-key", secret: "attackKey" } } as const;

function problemOf(called: Called<Json>): { code: string; detail: string } {
  assert.ok(!called.ok, "it should have failed");
  return called.problem;
}

/** Everything that is on disk, as text. */
function onDisk(data: string): string {
  return readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => readFileSync(join(one.parentPath, one.name)).toString("latin1"))
    .join("\n");
}

const FORMS = [
  SECRET,
  Buffer.from(SECRET).toString("base64"),
  encodeURIComponent(SECRET),
  JSON.stringify(SECRET).slice(1, -1),
  Buffer.from(SECRET, "utf8").toString("latin1"),
];

test("H18 what must not be done twice is sent once, whatever is answered", async () => {
  for (const status of [408, 425, 429, 500, 502, 503, 504]) {
    await using web = await openWeb({ "/ask": { status, body: { error: "busy" }, headers: { "retry-after": "0" } } });
    await using bed = await openBed([at(web, {}, { effects: "write", idempotent: false })]);
    assert.equal(problemOf(await bed.call("them/ask")).code, "SERVICE_UNAVAILABLE", String(status));
    assert.equal(web.asked.length, 1, `${status}: asked ${web.asked.length} times`);
  }
});

test("H18 what may be done twice is repeated after the statuses of the table, and no other", async () => {
  const times: Record<number, number> = {
    400: 1,
    401: 1,
    403: 1,
    404: 1,
    409: 1,
    422: 1,
    408: 3,
    425: 3,
    429: 3,
    500: 3,
    503: 3,
  };
  for (const [status, expected] of Object.entries(times)) {
    await using web = await openWeb({ "/ask": { status: Number(status), body: {} } });
    await using bed = await openBed([at(web)]);
    const called = await bed.run((ctx) => ctx.tryCall("them/ask", {}, { retry: { firstDelayMs: 1 } }));
    assert.ok(!called.ok);
    assert.equal(web.asked.length, expected, status);
  }
});

test("H18 with a key that the service knows it is repeated, under the same key", async () => {
  let left = 2;
  await using web = await openWeb({
    "/ask": () => (left-- > 0 ? { status: 503, body: {} } : { body: { done: true } }),
  });
  const operation = { effects: "write", idempotent: false, idempotencyHeader: "Idempotency-Key" };
  await using bed = await openBed([at(web, {}, operation)]);
  const called = await bed.run((ctx) => ctx.tryCall("them/ask", {}, { retry: { firstDelayMs: 1 } }));
  assert.ok(called.ok);
  const keys = new Set(web.asked.map(({ headers }) => headers["idempotency-key"]));
  assert.deepEqual([web.asked.length, keys.size], [3, 1]);
});

test("H21 a secret that comes back is seen nowhere: not in output, errors, streams, journal or on disk", async () => {
  const echo = FORMS.slice(0, 4).join(" | ");
  await using web = await openWeb({
    "/ask": { body: { echo } },
    "/fail": { status: 400, body: { error: { message: `bad key ${echo}` } } },
    "/stream": {
      headers: { "content-type": "application/x-ndjson" },
      body: [...`the key is ${SECRET}!`].map((unit) => `${JSON.stringify({ unit })}\n`).join(""),
    },
  });
  const definition = at(web, withKey);
  const say = {
    effects: "read",
    act: async (_: Json, outside: { say(text: string): void; items(...words: unknown[]): AsyncIterable<Json> }) => {
      for await (const item of outside.items({ method: "GET", path: "/stream" }, "ndjson"))
        outside.say((item as { unit: string }).unit);
      return { ok: true };
    },
  };
  const fail = {
    effects: "read",
    act: async (input: Json, outside: { send(request: object): Promise<{ body: Json }> }) =>
      (await outside.send({ method: "POST", path: "/fail", body: input })).body,
  };
  const operations = { ...definition.operations, say, fail } as unknown as Operations;
  await using bed = await openBed([service({ ...definition, operations })]);

  const told = await bed.run(async (ctx) => {
    const asked = await ctx.tryCall("them/ask", {});
    const failed = await ctx.tryCall("them/fail", {});
    const said = await ctx.tryCall("them/say", {}, { stream: "words" });
    return { asked, failed, said };
  });
  const { runs } = await bed.baton.call("runs.list", {});
  const run = runs[0]?.run ?? "";
  const { items } = await bed.baton.call("runs.stream", { run, stream: "words" });
  const journal = await bed.baton.call("runs.journal", { run });
  assert.equal(web.asked[0]?.headers["x-their-key"], Buffer.from(SECRET).toString("latin1"));
  const words = items.map(({ item }) => (item as { text: string }).text).join("");
  assert.equal(words, "the key is «secret»!");
  const seen = JSON.stringify([told, items, journal]) + onDisk(bed.data);
  for (const form of FORMS.slice(0, 4)) assert.ok(!seen.includes(form), `seen as ${form}`);
});

/** How one who has the key may send it back: what is answered, and what the operation makes of it. */
const ECHOES: Readonly<Record<string, { type?: string; status?: number; body: string; items?: "sse" | "ndjson" }>> = {
  "no JSON": { body: `oops, authorization=Bearer ${SECRET}` },
  "no JSON, cut in the secret": { body: `${"x".repeat(490)}${SECRET}` },
  "an error, cut in the secret": { status: 400, body: JSON.stringify({ error: `${"x".repeat(490)}${SECRET}` }) },
  "an error that will pass": { status: 503, body: JSON.stringify({ error: { message: `${"x".repeat(485)}${SECRET}` } }) },
  "an error page": { status: 502, type: "text/html", body: `<title>${"x".repeat(480)} ${SECRET}</title>` },
  "a piece that is no JSON": { type: "text/event-stream", items: "sse", body: `data: no JSON: ${"x".repeat(185)}${SECRET}\n\n` },
  "a piece with an error": {
    type: "text/event-stream",
    items: "sse",
    body: `data: ${JSON.stringify({ error: { message: `${"x".repeat(490)}${SECRET}` } })}\n\n`,
  },
  "a page": { type: "text/html", body: `<p>${SECRET}</p>` },
  "a large page": { type: "text/html", body: `<pre>${SECRET}</pre>${"x".repeat(6_000)}` },
  "a picture": { type: "image/png", body: `\u0089PNG${"x".repeat(5_000)}${SECRET}` },
  "URL-encoded": { body: JSON.stringify({ a: encodeURIComponent(SECRET).toLowerCase() }) },
  "as a form": { body: JSON.stringify({ a: new URLSearchParams({ a: SECRET }).toString() }) },
  "in base64, in another text": {
    body: JSON.stringify(["", "x", "xy"].map((before) => Buffer.from(`${before}Bearer ${SECRET}`).toString("base64"))),
  },
  "in hexadecimal": { body: JSON.stringify(Buffer.from(`x${SECRET}`).toString("hex")) },
  "in HTML": { body: JSON.stringify({ a: SECRET.replaceAll('"', "&quot;") }) },
  "in JSON in JSON": { body: JSON.stringify(JSON.stringify(SECRET).replace("ä", "\\u00e4").replaceAll("/", "\\/")) },
};

/** Eight characters of a secret, however they are written, are too many. */
function assertUnseen(seen: string, what: string): void {
  const plain = SECRET.slice(0, 8);
  const inside = ["", "x", "xy"].map((before) => Buffer.from(`${before}${SECRET}`).toString("base64").slice(4, 20));
  const forms = [
    plain,
    encodeURIComponent(plain),
    encodeURIComponent(plain).toLowerCase(),
    "th/odd+m",
    "th\\/odd+m",
    "6f64642b",
    ...inside,
  ];
  for (const form of [...forms, plain.replace('"', "&quot;"), plain.replace('"', '\\"')])
    assert.ok(!seen.includes(form), `${what}: seen as ${form}`);
}

test("H21 nor where an answer is no JSON, a page, a picture, a piece of a stream, or is cut in the middle of the secret", async () => {
  for (const [what, { type = "application/json", status = 200, body, items }] of Object.entries(ECHOES)) {
    await using web = await openWeb({ "/ask": { status, headers: { "content-type": type, "retry-after": "0" }, body } });
    const listen = {
      act: async (_: Json, outside: { items(...words: unknown[]): AsyncIterable<Json> }) => {
        const all: Json[] = [];
        for await (const item of outside.items({ method: "POST", path: "/ask", body: {} }, items)) all.push(item);
        return all;
      },
    };
    await using bed = await openBed([at(web, withKey, items === undefined ? {} : listen)]);
    const called = await bed.run((ctx) => ctx.tryCall<Json>("them/ask", {}, { retry: { attemptsMax: 1 } }));
    const { runs } = await bed.baton.call("runs.list", {});
    const journal = await bed.baton.call("runs.journal", { run: runs[0]?.run ?? "" });
    const { data } = (called.ok ? (called.output as { data?: string } | null) : null) ?? {};
    const page = data === undefined ? "" : Buffer.from(data, "base64").toString();
    assertUnseen(JSON.stringify([called, journal]) + page + onDisk(bed.data), what);
    assert.equal(web.asked.length, 1, what);
  }
});

test("secrets that cannot be opened are told as that: nothing is sent, and nothing is tried again", async () => {
  const files = { SECRET_STORE_CORRUPT: '{"v":1,"id":"x","secrets":null}', SECRET_KEY_WRONG: null };
  for (const [code, file] of Object.entries(files)) {
    await using web = await openWeb({ "/ask": { body: {} } });
    await using bed = await openBed([at(web, withKey)]);
    setSecret(bed.data, "attackKey", SECRET, []);
    if (file === null) rmSync(join(bed.data, "master.key"));
    else writeFileSync(join(bed.data, "secrets.json"), file);
    const called = await bed.run((ctx) => ctx.tryCall<Json>("them/ask", {}, { retry: { firstDelayMs: 1 } }));
    assert.ok(!called.ok);
    assert.equal(called.problem.code, code);
    assert.deepEqual([called.problem.facts?.class, called.problem.facts?.wasSent], ["secret", false]);
    assert.equal(web.asked.length, 0);
    const { operations } = await bed.baton.call("stats.show", {});
    assert.deepEqual(operations[0]?.failures, { secret: 1 });
  }
});

test("an error page is told by its title or its words, without tags and controls", async () => {
  const pages: Readonly<Record<string, RegExp>> = {
    "<html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>": /says: 502 Bad Gateway$/,
    "<style>p{}</style><!-- x --><p>Back at <b>nine</b> &amp; not \u001b[31m\u202ebefore</p><script>alert(1)</script>":
      /says: Back at nine & not +\[31m before$/,
    "": /says nothing more$/,
  };
  for (const [body, says] of Object.entries(pages)) {
    await using web = await openWeb({ "/ask": { status: 502, headers: { "content-type": "text/html" }, body } });
    await using bed = await openBed([at(web, {}, { effects: "write" })]);
    assert.match(problemOf(await bed.call("them/ask")).detail, says, body);
  }
});

test("headers are texts: numbers and yes or no become one, null leaves them out, others are refused by their name", async () => {
  await using web = await openWeb({});
  await using bed = await openBed([]);
  const headers = { "x-number": "${ .n }", "x-yes": "${ true }", "x-none": "${ null }", "x-odd": "${ .odd }" };
  const ask = { http: { method: "GET", path: "/", headers }, usage: "${ .usage }", input: { type: "object" } };
  await bed.baton.call("services.add", { definition: { service: "data", baseUrl: web.url, operations: { ask } } });
  await bed.call("data/ask", { n: 7, odd: null });
  const { headers: sent = {} } = web.asked[0] ?? {};
  assert.deepEqual([sent["x-number"], sent["x-yes"], "x-none" in sent, "x-odd" in sent], ["7", "true", false, false]);
  const refused = problemOf(await bed.call("data/ask", { n: 7, odd: { a: 1 } }));
  assert.equal(refused.code, "SERVICE_INPUT_INVALID");
  assert.match(refused.detail, /"x-odd"/);
});

test("an answer without the usage that a definition looks for, or with a mad one, is an answer", async () => {
  await using web = await openWeb({ "/ask": { body: { text: "hi" } } });
  await using bed = await openBed([]);
  const operations = {
    none: { get: "/ask", usage: "${ .usage }" },
    mad: { get: "/ask", usage: '${ {inputTokens: "x", outputTokens: 1.5, usd: -5} }' },
    much: { get: "/ask", usage: "${ {usd: 1e308, inputTokens: 1e300} }" },
  };
  await bed.baton.call("services.add", { definition: { service: "data", baseUrl: web.url, operations } });
  for (const name of Object.keys(operations)) {
    const called = await bed.call(`data/${name}`);
    assert.ok(called.ok, name);
    assert.deepEqual([called.output, called.costUsd, called.inputTokens], [{ text: "hi" }, 0, undefined], name);
  }
});

test("what a failed attempt said is void: the first piece of the next one says so", async () => {
  let left = 1;
  const said = (...all: object[]): string => all.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("");
  await using web = await openWeb({
    "/ask": () => ({
      headers: { "content-type": "text/event-stream" },
      body:
        left-- > 0
          ? said({ d: "The answer is not " }, { error: { message: "overloaded" } })
          : said({ d: "The answer " }, { d: "is 42." }),
    }),
  });
  await using bed = await openBed([]);
  const stream = { format: "sse", say: "${ .d }", answer: "${ map(.d) | add }" };
  await bed.baton.call("services.add", {
    definition: { service: "s", baseUrl: web.url, operations: { ask: { get: "/ask", stream } } },
  });
  const called = await bed.run((ctx) => ctx.tryCall<Json>("s/ask", {}, { stream: "words", retry: { firstDelayMs: 1 } }));
  assert.ok(called.ok && called.output === "The answer is 42.");
  const { runs } = await bed.baton.call("runs.list", {});
  const { items } = await bed.baton.call("runs.stream", { run: runs[0]?.run ?? "", stream: "words" });
  assert.deepEqual(
    items.map(({ item }) => item),
    [{ text: "The answer is not " }, { text: "The answer ", again: true }, { text: "is 42." }],
  );
});

test("a call names its stream without controls", async () => {
  await using bed = await openBed([]);
  await bed.run(async (ctx) => {
    for (const stream of ["\0/../x", "a\nb", "\u001b[31m"])
      await assert.rejects(ctx.tryCall("any/thing", {}, { stream }), /stream/, JSON.stringify(stream));
    return null;
  });
});

test("H23 markup and scripts are kept as bytes, and are text to nobody", async () => {
  const hostile = `<script>alert(1)</script>${"x".repeat(8_000)}`;
  for (const type of ["text/html; charset=utf-8", "image/svg+xml", "application/javascript", "text/javascript"]) {
    await using web = await openWeb({ "/ask": { headers: { "content-type": type }, body: hostile } });
    await using bed = await openBed([at(web)]);
    const called = await bed.call("them/ask");
    assert.ok(called.ok);
    const { mediaType, blob, bytes } = called.output as { mediaType: string; blob: string; bytes: number };
    assert.equal(mediaType, type.split(";")[0]);
    assert.equal(bytes, hostile.length);
    assert.match(blob, /^blob_[0-9a-f]{64}$/);
    assert.ok(!JSON.stringify(called).includes("<script"));
  }
});

test("H8 H19 a service that sends elsewhere takes no key along, and gets no answer of somebody else's", async () => {
  await using other = await openWeb({ "/steal": { body: { stolen: true } } });
  await using web = await openWeb({ "/ask": { status: 307, headers: { location: `${other.url}/steal` }, body: {} } });
  await using bed = await openBed([at(web, withKey)]);
  const { code } = problemOf(await bed.call("them/ask"));
  assert.ok(["SERVICE_REFUSED", "EGRESS_DENIED"].includes(code), code);
  assert.deepEqual(other.asked, []);
});

test("H1 H7 what a definition names is open, exactly that host and port; a redirect to another is refused and audited", async () => {
  await using other = await openWeb({ "/inner": { body: { inner: true } } });
  await using web = await openWeb({ "/see": { status: 302, headers: { location: `${other.url}/inner` }, body: {} } });
  const see = {
    effects: "read",
    act: async (_: Json, outside: { send(request: object): Promise<{ body: Json }> }) =>
      (await outside.send({ method: "GET", path: "/see" })).body,
  };
  await using bed = await openBed([at(web, { operations: { see } as unknown as Operations })]);
  assert.equal(problemOf(await bed.call("them/see")).code, "EGRESS_DENIED");
  assert.deepEqual(other.asked, []);
  await bed.baton.call("services.check", {});
  const database = new DatabaseSync(join(bed.data, "baton.db"), { readOnly: true });
  const lines = database.prepare("select what, facts from audit").all() as { what: string; facts: string }[];
  database.close();
  assert.ok(
    lines.some(({ what, facts }) => what === "egress-denied" && facts.includes("/see")),
    JSON.stringify(lines),
  );
});

test("H4 a metadata service is not opened by naming it in a definition", async () => {
  for (const baseUrl of ["http://169.254.169.254", "http://[fd00:ec2::254]", "http://metadata.google.internal"]) {
    await using web = await openWeb({});
    await using bed = await openBed([at(web, { baseUrl })]);
    assert.equal(problemOf(await bed.call("them/ask")).code, "EGRESS_DENIED", baseUrl);
  }
});

test("H10 H16 paths, queries and headers from data stay what they are", async () => {
  await using web = await openWeb({});
  const document = {
    service: "data",
    baseUrl: `${web.url}/base`,
    operations: {
      get: { get: "/items/{id}?q=${ .q }", input: { type: "object" } },
      head: { http: { method: "GET", path: "/h", headers: { "x-note": "${ .note }" } }, input: { type: "object" } },
    },
  };
  await using bed = await openBed([]);
  await bed.baton.call("services.add", { definition: document });
  for (const id of ["..", ".", "%2e%2e", "../../admin"]) assert.ok(!(await bed.call("data/get", { id, q: "x" })).ok, id);
  await bed.call("data/get", { id: "a/b?c#d@e", q: "1&admin=true#" });
  assert.ok(
    web.asked.every(({ path }) => path.startsWith("/base/items/")),
    JSON.stringify(web.asked.map(({ path }) => path)),
  );
  assert.equal(web.asked.at(-1)?.path, "/base/items/a%2Fb%3Fc%23d%40e?q=1%26admin%3Dtrue%23");
  const { code } = problemOf(await bed.call("data/head", { note: "a\r\nx-admin: 1" }));
  assert.equal(code, "EGRESS_REQUEST_INVALID");
});

test("H14 an answer without end is given up", async () => {
  await using web = await openWeb({ "/ask": { headers: { "content-type": "text/csv" }, body: "x".repeat(100_000) } });
  await using bed = await openBed([at(web, { limits: { answerBytesMax: 10_000 } })]);
  assert.equal(problemOf(await bed.call("them/ask")).code, "EGRESS_RESPONSE_TOO_LARGE");
});

test("A8 no command and no answer gives a secret back", async () => {
  using place = openPlace();
  await using web = await openWeb({ "/ask": { body: { ok: true } } });
  const definition = {
    service: "guarded",
    baseUrl: web.url,
    authentication: { kind: "bearer", secret: "canary" },
    operations: { ask: { post: "/ask" } },
  };
  place.write("guarded.json", JSON.stringify(definition));
  const canary = "canary-5f1d0c3e9b7a";
  const lines = [
    `printf %s ${canary} | baton secrets set canary`,
    "baton services add guarded.json",
    "baton services call guarded/ask --json",
    "baton secrets ls --json",
    "baton services ls --json",
    "baton services show guarded --json",
    "baton services show guarded",
    "baton services check --json",
    "baton stats --json",
    "baton runs ls --json",
    "baton doctor --json",
  ];
  for (const line of lines) {
    const { stdout, stderr } = await place.shell(line).ended;
    assert.ok(!(stdout + stderr).includes(canary), line);
  }
  assert.equal(web.asked.at(-1)?.headers.authorization, `Bearer ${canary}`);
  assert.ok(!onDisk(place.path).includes(canary));
});

test("D16 a line that is changed in the audit is found", async () => {
  const data = mkdtempSync(join(tmpdir(), "audit-"));
  try {
    {
      await using baton = await openBaton({ data, carry: "nothing" });
      for (const name of ["one", "two", "three"])
        await baton.call("services.add", { definition: { service: name, uses: "ollama" } });
    }
    using place = openPlace();
    assert.match((await place.baton(["doctor", "--data", data])).stdout, /audit.*bound to the one before/);
    const database = new DatabaseSync(join(data, "baton.db"));
    database.exec(`update audit set facts = replace(facts, 'two', 'six') where seq = 2`);
    database.close();
    assert.match((await place.baton(["doctor", "--data", data])).stdout, /Line 2 is not bound/);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});
