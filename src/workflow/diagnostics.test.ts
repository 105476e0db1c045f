// Every code of `baton validate` with a document that shows it, and where it points: what is marked between « and ».

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkDocument, DIAGNOSTICS, type Diagnostic, frame, readSource } from "../workflow.ts";

function diagnosed(text: string): readonly Diagnostic[] {
  const source = readSource(text, "w.yaml");
  return "value" in source ? checkDocument(source, { functions: [] }) : source.diagnostics;
}

const HEAD = `document: { dsl: "1.0.3", namespace: n, name: w, version: "1.0.0" }\n`;
const doing = (list: string): string => `${HEAD}do:\n${list}\n`;
const calling = (args: string): string => doing(`  - a: { call: service, with: { target: llm.chat, ${args} } }`);

/** The place to point at is between « and »; what is not marked may be anywhere. `says` is in the message or the fix. */
interface Shown {
  readonly text: string;
  readonly says?: RegExp;
}

const shown: Readonly<Record<keyof typeof DIAGNOSTICS, readonly Shown[]>> = {
  DOC_ALIAS_LIMIT: [
    { text: `a: &a [1,2,3,4,5,6,7,8,9]\nb: &b [${"*a,".repeat(90)}1]\nc: &c [${"*b,".repeat(90)}1]\nd: [*c, *c]\n` },
  ],
  DOC_CYCLE: [{ text: "a: &a [«*a»]\n", says: /contains itself/ }],
  DOC_DEFAULT_TWICE: [
    { text: doing("  - a: { switch: [ { x: { then: exit } }, { «y»: { then: end } } ] }"), says: /second default/ },
  ],
  DOC_DEPTH: [{ text: `a: ${"[".repeat(70)}${"]".repeat(70)}\n`, says: /64/ }],
  DOC_DUPLICATE_LOOK: [{ text: doing("  - pay: { set: { x: 1 } }\n  - «\uff50ay»: { set: { x: 1 } }") }],
  DOC_EMPTY: [{ text: doing("  - a: { listen: { to: { all: «[]» } } }") }, { text: calling("fallback: «[]»") }],
  DOC_ENDLESS: [{ text: doing("  - «a»: { set: { x: 1 } }\n  - b: { set: { x: 1 }, then: a }") }],
  DOC_FUNCTION_UNKNOWN: [
    { text: doing("  - a: { call: «readTxt» }"), says: /readTxt/ },
    { text: doing("  - a: { call: «servce», with: { target: llm.chat } }"), says: /`service`/ },
  ],
  DOC_JQ_SYNTAX: [
    { text: doing('  - a: { set: { x: "${ .a | «}»" } }') },
    { text: doing("  - a: { if: .x ==«=» 1, set: { x: 1 } }") },
    { text: calling('input: { prompt: "${ .q | «}»" }') },
  ],
  DOC_JQ_VARIABLE: [
    { text: doing('  - a: { set: { x: "${ «$itm» }" } }'), says: /\$itm/ },
    { text: calling('fallback: [ { value: "${ «$itm» }" } ]'), says: /\$itm/ },
  ],
  DOC_KEY_FORM: [{ text: "? [a, b]\n: 1\n" }, { text: '"a\\u0007": 1\n' }],
  DOC_KEY_MISSING: [
    { text: doing("  - a: { call: http, with: «{ method: get }» }"), says: /endpoint/ },
    { text: doing("  - a: «{ call: service }»"), says: /with/ },
    { text: doing("  - a: { call: service, with: «{ input: 1 }» }"), says: /target/ },
    { text: calling("fallback: [ «{ timeout: PT1S }» ]"), says: /A fallback has none of: call, model, lastGood, value, ask/ },
    { text: calling("fallback: [ { lastGood: «{}» } ]"), says: /maxAge/ },
  ],
  DOC_KEY_STRANGE: [],
  DOC_KEY_TWICE: [{ text: doing("  - a: { set: { x: 1, «x»: 2 } }") }],
  DOC_KEY_UNKNOWN: [
    { text: doing("  - a: { set: { x: 1 }, «ouput»: { as: . } }"), says: /output/ },
    { text: calling("«localonly»: true"), says: /`localOnly`/ },
    { text: calling("fallback: [ { «valeu»: 1 } ]"), says: /`value`/ },
    { text: calling("fallback: [ { call: llm.chat, «model»: small } ]"), says: /takes one of them/ },
  ],
  DOC_MERGE_KEY: [{ text: "a: &a { x: 1 }\nb: { «<<»: *a }\n" }],
  DOC_NAME: [
    { text: doing("  - «continue»: { set: { x: 1 } }") },
    { text: doing("  - «constructor»: { set: { x: 1 } }") },
    { text: doing("  - a: { call: service, with: { target: «chat» } }"), says: /llm\.chat/ },
    { text: calling("fallback: [ { call: «chat» } ]") },
  ],
  DOC_NOT_YET: [
    { text: doing("  - a: { run: { «shell»: { command: ls } } }") },
    {
      text: doing(
        '  - a: { call: «grpc», with: { proto: { endpoint: "https://x" }, service: { name: s, host: h }, method: m } }',
      ),
    },
    { text: doing("  - a: { call: «decide», with: { to: b } }") },
    { text: doing("  - a: { call: «decide», with: { by: vote } }") },
  ],
  DOC_NUMBER: [{ text: "a: «12345678901234567890»\n", says: /quotes/ }],
  DOC_PATTERN: [],
  DOC_REFERENCE_UNKNOWN: [
    { text: doing("  - a: { try: [ { b: { set: { x: 1 } } } ], catch: { retry: «patient» } }"), says: /patient/ },
    { text: doing('  - a: { set: { x: "${ «$secrets.key» }" } }'), says: /key/ },
  ],
  DOC_SCHEMA: [{ text: `${HEAD}input: { schema: { document: «{ type: strin }» } }\ndo: [ { a: { set: { x: 1 } } } ]\n` }],
  DOC_SECRET_IN_OUTPUT: [
    { text: `${HEAD}use: { secrets: [ k ] }\ndo:\n  - a: { set: { x: "\${ «$secrets.k» }" } }\n` },
    {
      text: `${HEAD}use: { secrets: [ k ] }\ndo:\n  - a: { call: service, with: { target: llm.chat, input: "\${ «$secrets.k» }" } }\n`,
      says: /what a service is asked.*authentication/,
    },
  ],
  DOC_SELF_RUN: [{ text: doing('  - a: { run: { workflow: { namespace: n, name: w, version: "1.0.0" } } }') }],
  DOC_SEVERAL: [{ text: `${doing("  - a: { set: { x: 1 } }")}---\na: 1\n` }],
  DOC_SIZE: [{ text: `a: "${"x".repeat(600_000)}"\n`, says: /600006|600007/ }],
  DOC_TAG: [{ text: 'a: !!js/function «"x"»\n' }],
  DOC_TASK_AMBIGUOUS: [{ text: doing("  - a: { set: { x: 1 }, «wait»: { seconds: 1 } }") }],
  DOC_TASK_TWICE: [{ text: doing("  - a: { set: { x: 1 } }\n  - «a»: { set: { x: 1 } }") }],
  DOC_TASK_UNKNOWN: [
    { text: doing("  - a: { «sett»: { x: 1 } }"), says: /`set`/ },
    { text: doing("  - a: «{ if: .x }»"), says: /call, do/ },
  ],
  DOC_THEN_UNKNOWN: [{ text: doing("  - one: { set: { x: 1 }, then: «twoo» }\n  - two: { set: { x: 1 } }"), says: /`two`/ }],
  DOC_TYPE: [
    { text: doing("  - a: { wait: «5» }") },
    { text: `${HEAD}do: «5»\n` },
    { text: calling("costMaxUsd: «little»"), says: /a number/ },
    { text: calling("localOnly: «1»") },
    { text: calling("only: «ollama»"), says: /a list/ },
    { text: calling("fallback: [ { lastGood: «false» } ]"), says: /maxAge/ },
    { text: doing("  - a: { call: service, with: «5» }") },
  ],
  DOC_UNREACHABLE: [{ text: doing("  - a: { set: { x: 1 }, then: end }\n  - «b»: { set: { x: 1 } }") }],
  DOC_UNUSED: [{ text: `${HEAD}use: { retries: { «r»: { delay: PT1S } } }\ndo: [ { a: { set: { x: 1 } } } ]\n` }],
  DOC_VALUE: [
    { text: doing("  - a: { wait: «PT» }") },
    { text: `${HEAD}schedule: { cron: «"61 * * * *"» }\ndo: [ { a: { set: { x: 1 } } } ]\n` },
    { text: `${HEAD}schedule: { every: «{ milliseconds: 5 }» }\ndo: [ { a: { set: { x: 1 } } } ]\n` },
    { text: calling("strategy: «least-latncy»"), says: /`least-latency`/ },
    { text: calling("strategy: «luck»"), says: /One of: priority, .*learned/ },
    { text: calling("timeout: «soon»") },
    { text: calling("fallback: [ { lastGood: { maxAge: «an hour» } } ]") },
  ],
  DOC_VERSION: [
    { text: 'document: { dsl: «"2.0.0"», namespace: n, name: w, version: "1.0.0" }\ndo: [ { a: { set: { x: 1 } } } ]\n' },
  ],
  DOC_YAML: [{ text: "a: [1\n" }, { text: "a: b: c\n" }],
};

for (const [code, examples] of Object.entries(shown))
  for (const { text, says } of examples)
    test(`${code} ${JSON.stringify(text.slice(-70))}`, () => {
      const start = text.indexOf("«");
      const plain = text.replace(/[«»]/g, "");
      const found = diagnosed(plain);
      const one = found.find((diagnostic) => diagnostic.code === code);

      assert.ok(one !== undefined, JSON.stringify(found.map(({ code, message }) => `${code} ${message}`)));
      if (says !== undefined) assert.match(`${one.message} ${one.fix ?? ""}`, says);
      if (start >= 0) {
        const before = plain.slice(0, start).split("\n");
        assert.deepEqual([one.at.line, one.at.column], [before.length, (before.at(-1) ?? "").length + 1], JSON.stringify(one));
      }
      assert.equal(one.severity, DIAGNOSTICS[one.code][0]);
      assert.match(one.docs, new RegExp(`#${code.toLowerCase()}$`));
      const [, line = ""] = /^(.*)$/m.exec(frame(plain, one)) ?? [];
      assert.ok(line.length <= 200, "a frame is short, however long the line");
    });

test("one mistake is one diagnostic", () => {
  for (const list of [
    "  - a: { sett: { x: 1 } }",
    "  - a: { call: htp, with: { x: 1 } }",
    "  - a: { wait: 5 }",
    "  - a: { for: { each: x }, do: [ { b: { set: { y: 1 } } } ] }",
  ])
    assert.equal(diagnosed(doing(list)).length, 1, list);
});

test("of a call of a service one mistake is one diagnostic, and what is computed is none", () => {
  for (const args of ["strategy: luck", "fallbck: []", "fallback: [ { valeu: 1 } ]", "only: ollama", "costMaxUsd: -1"])
    assert.equal(diagnosed(calling(args)).length, 1, args);
  const computed = ["strategy", "only", "except", "localOnly", "costMaxUsd", "timeout", "stickyKey", "stream", "input"];
  for (const option of computed) assert.deepEqual(diagnosed(calling(`${option}: "\${ .x }"`)), [], option);
  for (const target of ["ollama/chat", '"${ .who }"', '"${ .who }/chat"', "llm.chat"])
    assert.deepEqual(diagnosed(doing(`  - a: { call: service, with: { target: ${target} } }`)), [], target);
});

test("functions of the document's own go before Baton's: their arguments are their own", () => {
  for (const name of ["ask", "service", "delegate"])
    assert.deepEqual(
      diagnosed(
        `${HEAD}use: { functions: { ${name}: { set: { y: "\${ .x }" } } } }\ndo: [ { a: { call: ${name}, with: { x: 1 } } } ]\n`,
      ),
      [],
      name,
    );
});

test("a key that is misspelt deep inside gives one diagnostic, and a suggestion", () => {
  const [one, ...more] = diagnosed(
    doing(
      "  - a: { do: [ { b: { try: [ { c: { call: http, with: { method: get, endpoint: 'https://x', outptu: raw } } } ], catch: { do: [] } } } ] }",
    ),
  );
  assert.equal(one?.fix, "Did you mean `output`?");
  assert.deepEqual(
    more.filter(({ code }) => code !== "DOC_EMPTY"),
    [],
  );
});

test("of a long line the frame shows what is around the mark", () => {
  const [one] = diagnosed(doing(`  - a: { set: { x: "${"long ".repeat(100)}" }, ouput: { as: . } }`));
  assert.ok(one !== undefined);
  const [, line = "", mark = ""] = frame(doing(`  - a: { set: { x: "${"long ".repeat(100)}" }, ouput: { as: . } }`), one).split(
    "\n",
  );
  assert.equal(line.slice(mark.indexOf("^"), mark.indexOf("^") + 5), "ouput");
  assert.ok(line.length < 130);
});
