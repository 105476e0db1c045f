// Documents made to do harm: each is refused with a code and a place, or stopped at a named limit.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import type { Json } from "../base/json.ts";
import { type DocumentOutcome, type DocumentTrial, tryDocument } from "../testing.ts";
import { checkDocument, type Diagnostic, readSource } from "../workflow.ts";

const HEAD = { dsl: "1.0.3", namespace: "test", name: "attack", version: "1.0.0" };
const head = `document: ${JSON.stringify(HEAD)}\n`;

function diagnosed(text: string | Uint8Array): readonly Diagnostic[] {
  const source = readSource(text, "attack.yaml");
  return "value" in source ? checkDocument(source) : source.diagnostics;
}

function codesOf(text: string | Uint8Array): string[] {
  return [...new Set(diagnosed(text).map(({ code }) => code))];
}

function tasks(...list: readonly Json[]): string {
  return stringify({ document: HEAD, do: list });
}

async function tried(text: string, trial: Partial<DocumentTrial> = {}): Promise<DocumentOutcome> {
  return await tryDocument({ document: text, fetch: async () => ({ fail: "nothing is called here" }), ...trial });
}

test("W1 aliases that multiply are counted as what they stand for", () => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `a${i + 1}: &a${i + 1} [${Array.from({ length: 9 }, () => `*a${i}`).join(", ")}]`,
  );
  assert.deepEqual(codesOf(`a0: &a0 ["lol"]\n${levels.join("\n")}\n`), ["DOC_ALIAS_LIMIT"]);
  const wide = `x: &x {a: 1, b: 2}\nlist:\n${"  - *x\n".repeat(30_000)}`;
  assert.deepEqual(codesOf(wide), ["DOC_ALIAS_LIMIT"]);
});

test("W2 merge keys are off", () => {
  assert.deepEqual(codesOf(`base: &b {a: 1}\n${"x: {<<: *b}\n".slice(0, 12)}`), ["DOC_MERGE_KEY"]);
  assert.ok(codesOf(`base: &b {a: 1}\nlist:\n${"  - {<<: *b}\n".repeat(5_000)}`).includes("DOC_MERGE_KEY"));
});

test("W3 tags of other languages are not read", () => {
  for (const tag of [
    '!!js/function "function(){}"',
    "!!python/object:os.system x",
    "!Ref x",
    "!<tag:evil> x",
    "!!binary aGk=",
    "!!set {a}",
    "!!timestamp 2001-01-01",
    "!!omap [a: 1]",
  ])
    assert.deepEqual(
      codesOf(`${head}x: ${tag}\n`).filter((code) => code !== "DOC_KEY_UNKNOWN" && code !== "DOC_KEY_MISSING"),
      ["DOC_TAG"],
      tag,
    );
});

test("W4 an alias that holds itself is a cycle", () => {
  assert.deepEqual(codesOf("a: &a [*a]\n"), ["DOC_CYCLE"]);
  assert.deepEqual(codesOf("a: &a {b: {c: *a}}\n"), ["DOC_CYCLE"]);
});

test("W5 depth, size and number of values are bounded", () => {
  assert.deepEqual(codesOf(`x: ${"[".repeat(10_000)}${"]".repeat(10_000)}`), ["DOC_DEPTH"]);
  assert.deepEqual(codesOf(`x: ${"[".repeat(10_000)}`), ["DOC_DEPTH"]);
  assert.deepEqual(codesOf(`x: ${"[".repeat(100)}${"]".repeat(100)}`), ["DOC_DEPTH"]);
  assert.deepEqual(codesOf(Array.from({ length: 100 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")), ["DOC_DEPTH"]);
  assert.deepEqual(codesOf(`x: "${"a".repeat(5 << 20)}"`), ["DOC_SIZE"]);
  assert.deepEqual(codesOf(Array.from({ length: 60_000 }, (_, i) => `${i.toString(36)}:`).join("\n")), ["DOC_SIZE"]);
  assert.match(codesOf("- ".repeat(100_000)).join(), /DOC_(DEPTH|YAML)/);
  assert.match(codesOf(`${"? ".repeat(50_000)}a`).join(), /DOC_(DEPTH|YAML)/);
});

test("W6 a key that stands twice is told with its place", () => {
  const [twice] = diagnosed(`${head}do:\n  - a: { set: { x: 1, x: 2 } }\n`);
  assert.deepEqual([twice?.code, twice?.at.line, twice?.at.column], ["DOC_KEY_TWICE", 3, 23]);
  assert.deepEqual(codesOf('{"document": {}, "document": {}}'), ["DOC_KEY_TWICE"]);
  assert.deepEqual(codesOf("a: 1\n'a': 2\n"), ["DOC_KEY_TWICE"]);
});

test("W7 values are those of the YAML 1.2 core schema, one for one", () => {
  const table: readonly (readonly [written: string, value: Json])[] = [
    ["no", "no"],
    ["yes", "yes"],
    ["on", "on"],
    ["off", "off"],
    ["y", "y"],
    ["n", "n"],
    ["NO", "NO"],
    ["Yes", "Yes"],
    ["true", true],
    ["True", true],
    ["TRUE", true],
    ["false", false],
    ["null", null],
    ["Null", null],
    ["~", null],
    ["", null],
    ["0o17", 15],
    ["017", 17],
    ["0x1F", 31],
    ["0b11", "0b11"],
    ["1_000", "1_000"],
    ["1:30", "1:30"],
    ["12:30:45", "12:30:45"],
    ["1e3", 1000],
    ["1.", 1],
    [".5", 0.5],
    ["+1", 1],
    ["-0", -0],
    ["1.0.3", "1.0.3"],
    ["2001-01-01", "2001-01-01"],
    ["2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"],
    ["=", "="],
    ["<", "<"],
    ["1e", "1e"],
    ["0x", "0x"],
    ['"no"', "no"],
    ["'1'", "1"],
    ["NaN", "NaN"],
    ["inf", "inf"],
    ["1 # one", 1],
    ["a#b", "a#b"],
    ["!!str 1", "1"],
  ];
  for (const [written, value] of table) {
    const source = readSource(`x: ${written}\n`, "table.yaml");
    assert.ok("value" in source, `${written}: ${JSON.stringify(source)}`);
    assert.deepEqual((source.value as { x: Json }).x, value, written);
  }
  for (const written of [".inf", "-.INF", ".nan", "1e999", "12345678901234567890"])
    assert.deepEqual(codesOf(`x: ${written}\n`), ["DOC_NUMBER"], written);
});

const hostileNames = [
  "__proto__",
  "constructor",
  "toString",
  "",
  " ",
  "\u0000",
  "a\u202eb",
  "a\nb",
  "x".repeat(10_000),
  "continue",
  "end",
  "exit",
  "\u200b",
  "a/b\u0007",
];

test("W8 names of tasks are no names of JavaScript, no directions, and can be seen", () => {
  for (const name of hostileNames) {
    const codes = codesOf(`${head}do:\n  - ${JSON.stringify(name)}: { set: { a: 1 } }\n`);
    assert.ok(codes.length > 0, JSON.stringify(name));
  }
  assert.ok(codesOf(tasks({ pay: { set: { a: 1 } } }, { "\uff50ay": { set: { a: 1 } } })).includes("DOC_DUPLICATE_LOOK"));
  assert.deepEqual(codesOf(tasks({ "prüfe es": { set: { a: 1 } } })), [], "letters of any language are");
});

test("W8 keys like `__proto__` are told as unknown, and change nothing", () => {
  for (const key of ["__proto__", "constructor", "hasOwnProperty"])
    assert.ok(codesOf(`${head}${key}: { polluted: true }\ndo:\n  - a: { set: { x: 1 } }\n`).length > 0, key);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test("W8 a member called `__proto__` is refused in a document, and data like any other in an input", async () => {
  assert.deepEqual(codesOf(`${head}do:\n  - a: { set: { "__proto__": { polluted: true }, b: 1 } }\n`), ["DOC_KEY_FORM"]);
  const input = JSON.parse('{"__proto__":{"polluted":true},"b":1}') as Json;
  const outcome = await tried(tasks({ pass: { set: { got: "${ . }" } } }), { input });
  assert.equal(JSON.stringify(outcome.output), '{"got":{"__proto__":{"polluted":true},"b":1}}');
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test("W9 a ring of tasks is told, and stops at a limit when it is run", async () => {
  const ring = tasks({ a: { set: { n: 1 }, then: "b" } }, { b: { set: { n: 2 }, then: "a" } });
  assert.deepEqual(codesOf(ring), ["DOC_ENDLESS"]);
});

test("W9 a workflow that starts itself is told", () => {
  const self = tasks({ again: { run: { workflow: { namespace: "test", name: "attack", version: "1.0.0" } } } });
  assert.deepEqual(codesOf(self), ["DOC_SELF_RUN"]);
});

test("W9 a fan-out of millions does not begin", async () => {
  const outcome = await tried(
    tasks({ wide: { for: { each: "i", in: "${ [range(3000000)] }" }, do: [{ one: { set: { i: "${ $i }" } } }] } }),
  );
  assert.equal(outcome.status, "faulted");
  assert.match(String(outcome.error?.type), /expression$/);
  assert.match(String(outcome.error?.detail), /JQ_|members|more than/);
});

test("W9 functions of a document that call each other without end stop at a depth", async () => {
  const looped = stringify({
    document: HEAD,
    use: { functions: { a: { call: "b", with: {} }, b: { call: "a", with: {} } } },
    do: [{ go: { call: "a", with: {} } }],
  });
  const outcome = await tried(looped);
  assert.ok(outcome.status === "invalid" || outcome.status === "faulted", outcome.status);
});

test("W10 checking and drawing fetch nothing; files are no resources", async () => {
  let asked = 0;
  const fetch: DocumentTrial["fetch"] = async () => {
    asked++;
    return { fail: "no" };
  };
  for (const endpoint of ["file:///etc/passwd", "../secrets.yaml", "ftp://x/y"]) {
    const document = tasks({ get: { call: "http", with: { method: "get", endpoint } } });
    codesOf(document);
    assert.equal(asked, 0);
  }
  const schema = stringify({
    document: HEAD,
    input: { schema: { resource: { endpoint: "file:///etc/passwd" } } },
    do: [{ a: { set: { x: 1 } } }],
  });
  codesOf(schema);
  assert.equal(asked, 0);
  await tried(schema, { fetch });
  assert.ok(asked <= 1, "only a run asks, and through the gate");
});

const explosive: readonly Json[] = [
  { type: "object", properties: { a: { type: "string", pattern: "^(a+)+$" } } },
  { $ref: "https://example.com/schema.json" },
  { $ref: "file:///etc/passwd" },
  { anyOf: Array.from({ length: 10_000 }, (_, i) => ({ const: i })) },
  { type: "object", properties: { a: { const: { $data: "1/b" } } }, required: ["a"] },
];

test("W12 schemas with explosive patterns, far references or thousands of branches end quickly, or are refused", async () => {
  for (const schema of explosive) {
    const document = stringify({ document: HEAD, input: { schema: { document: schema } }, do: [{ a: { set: { x: 1 } } }] });
    const outcome = await tried(document, { input: { a: `${"a".repeat(40)}!` } });
    assert.ok(["invalid", "faulted", "completed"].includes(outcome.status), JSON.stringify(schema).slice(0, 80));
    if (JSON.stringify(schema).includes("$ref")) assert.notEqual(outcome.status, "completed");
    if (JSON.stringify(schema).includes("a+")) assert.equal(outcome.status, "faulted");
  }
});

test("W13 data that looks like an expression stays data", async () => {
  const hostile = { a: "${ $secrets.key }", b: "{{7*7}}", c: "${ .env }", d: "${", e: "}" };
  const document = tasks({ pass: { set: { got: "${ . }", text: "see ${ .a }" } } }, { again: { set: { deep: "${ .got.a }" } } });
  const outcome = await tried(document, { input: hostile });
  assert.deepEqual(outcome.output, { deep: "${ $secrets.key }" });
});

test("W13 whatever the input, it comes out as it went in", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (input) => {
      const outcome = await tried(tasks({ pass: { set: { got: "${ . }" } } }), {
        input: { of: input as Json },
      });
      assert.equal(JSON.stringify((outcome.output as { got: { of: Json } }).got.of), JSON.stringify(input));
    }),
    { numRuns: 100, seed: 13 },
  );
});

test("W14 a secret that is not declared is not there, and its name cannot be computed", async () => {
  assert.ok(codesOf(tasks({ a: { set: { x: "${ $secrets.other }" } } })).includes("DOC_REFERENCE_UNKNOWN"));
  const computed = stringify({
    document: HEAD,
    use: { secrets: ["mine"] },
    do: [{ a: { set: { x: '${ $secrets["oth" + "er"] }' } } }],
  });
  const outcome = await tried(computed, { secrets: { mine: "m", other: "o" } });
  assert.notEqual((outcome.output as { x?: Json } | undefined)?.x, "o");
});

test("W15 scripts, shells and containers are refused when a document is read", () => {
  for (const run of [{ script: { language: "js", code: "1" } }, { shell: { command: "ls" } }, { container: { image: "x" } }])
    assert.deepEqual(codesOf(tasks({ a: { run } as Json })), ["DOC_NOT_YET"]);
});

test("W16 spans that are none, negative or without end are refused", async () => {
  for (const wait of [
    { seconds: -1 },
    { seconds: Number.MAX_VALUE },
    { days: 1e12 },
    "P-1D",
    "forever",
    "PT",
    { hours: "1" },
    { fortnights: 1 },
    5,
  ])
    assert.ok(
      diagnosed(tasks({ w: { wait } as Json })).some(({ severity }) => severity === "error"),
      JSON.stringify(wait),
    );
  const computed = await tried(tasks({ w: { wait: '${ "P\\(1e12)D" }' } }));
  assert.equal(computed.status, "faulted");
  for (const cron of ["* * * * * *", "61 * * * *", "nonsense", "0 0 30 2 *", "@daily x", ""])
    assert.ok(
      diagnosed(stringify({ document: HEAD, schedule: { cron }, do: [{ a: { set: { x: 1 } } }] })).some(
        ({ severity }) => severity === "error",
      ),
      cron,
    );
  for (const every of [{ seconds: 0 }, { milliseconds: 1 }])
    assert.ok(
      diagnosed(stringify({ document: HEAD, schedule: { every }, do: [{ a: { set: { x: 1 } } }] })).some(
        ({ severity }) => severity === "error",
      ),
      JSON.stringify(every),
    );
});

test("whatever the text, reading it says what is wrong and throws nothing", () => {
  const pieces = fc.constantFrom(
    "document:",
    "do:",
    "\n",
    "  ",
    "- ",
    "a: ",
    "{",
    "}",
    "[",
    "]",
    "*a",
    "&a ",
    "!!x ",
    "<<: ",
    '"',
    "'",
    "${ . }",
    "|",
    ">",
    "#",
    "? ",
    ": ",
    "set:",
    "%YAML",
    "---",
    "\t",
    "\u0000",
    "\ufeff",
    "é",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ maxLength: 200 }),
        fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join("")),
      ),
      (text) => {
        for (const { at, message } of diagnosed(text)) {
          assert.ok(at.line >= 1 && at.column >= 1 && (at.endLine > at.line || at.endColumn >= at.column), message);
          assert.ok(message.length > 0);
        }
      },
    ),
    { numRuns: 2_000, seed: 5 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void diagnosed(bytes)),
    { numRuns: 500, seed: 6 },
  );
});
