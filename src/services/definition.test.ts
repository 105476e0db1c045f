// What definitions are refused for, with which words and where; and what reading one leaves for later.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isProblemError } from "../base/problem.ts";
import { readDefinition, service, serviceOfDocument } from "./definition.ts";

/** What is wrong with one of TypeScript; null where it is taken. */
function refusal(written: object): string | null {
  try {
    service({ service: "b", operations: { a: { effects: "read", act: () => 1 } }, ...written } as never);
    return null;
  } catch (error) {
    assert.ok(isProblemError(error) && error.code === "SERVICE_DEFINITION_INVALID", String(error));
    return error.problem.detail;
  }
}

const operation = (more: object) => ({ operations: { a: { act: () => 1, ...more } } });

test("a service in TypeScript is refused for what a document is refused for, and says the field", () => {
  for (const [written, field] of [
    [{ limits: { concurrency: 0 } }, "limits.concurrency"],
    [{ limits: { concurrency: Number.NaN } }, "limits.concurrency"],
    [{ limits: { rate: { count: 0, perMs: 1 } } }, "limits.rate.count"],
    [{ limits: { timeoutMs: -5 } }, "limits.timeoutMs"],
    [{ priority: Number.NaN }, "priority"],
    [{ weight: Number.POSITIVE_INFINITY }, "weight"],
    [{ authentication: 7 }, "authentication"],
    [{ authentication: { kind: "zzz", secret: "A" } }, "authentication.kind"],
    [{ authentication: { kind: "header", secret: "A", name: "x key" } }, "authentication.name"],
    [{ health: { intervalMs: 0 } }, "health.intervalMs"],
    [{ health: { operation: "b" } }, "health.operation"],
    [{ fo: 1 }, "fo"],
    [{ operations: null }, "operations"],
    [{ operations: [] }, "operations"],
    [{ operations: { a: 7 } }, "operations.a"],
    [{ operations: { "a b/c": { act: () => 1 } } }, "operations.a b~1c"],
    [operation({ capability: 7 }), "operations.a.capability"],
    [operation({ capability: "nodots" }), "operations.a.capability"],
    [operation({ effects: "zz" }), "operations.a.effects"],
    [operation({ input: 7 }), "operations.a.input"],
    [operation({ input: { type: "zz" } }), "operations.a.input"],
    [operation({ timeoutMs: 0 }), "operations.a.timeoutMs"],
    [operation({ cost: { usdPerCall: Number.NaN } }), "operations.a.cost.usdPerCall"],
    [operation({ idempotencyHeader: "bad header" }), "operations.a.idempotencyHeader"],
    [{ data: "x" }, "data"],
    [{ title: 7 }, "title"],
    [{ baseUrl: 7 }, "baseUrl"],
    [{ config: 7 }, "config"],
    [{ configuration: 7 }, "configuration"],
    [{ configuration: { type: "object", properties: { n: { type: "integer" } } }, config: { n: "x" } }, "config.n"],
  ] as const)
    assert.ok(refusal(written)?.startsWith(`A service is defined wrongly: ${field}: `), `${field}: ${refusal(written)}`);
  for (const written of [null, undefined, 7, "x"])
    assert.throws(() => service(written as never), { code: "SERVICE_DEFINITION_INVALID" });
  assert.equal(refusal({ title: undefined, limits: { concurrency: undefined }, ...operation({ input: true }) }), null);
});

const AT = "service: a\nbaseUrl: http://127.0.0.1:1\n";

test("a document that can never work is refused, at its place", () => {
  const api = "{ openapi: 3.0.0, paths: { /p: { get: { operationId: known } } } }";
  for (const [text, place, words] of [
    [`${AT}operations: { a: { tool: x } }`, "3:26", /no `mcp`/],
    [`${AT}operations: { a: { openapi: x } }`, "3:29", /no `openapi.document`/],
    [`${AT}openapi: { document: 7 }\noperations: { a: { openapi: x } }`, "3:22", /./],
    [`${AT}openapi: { document: ${api} }\noperations: { a: { openapi: nobody } }`, "4:29", /no operation `nobody`/],
    [`${AT}health: { operation: gone }\noperations: { a: { get: / } }`, "3:22", /no operation `gone`/],
    [
      `${AT}operations: { a: { get: /, ui: { m: { optionsFrom: { operation: gone, options: . } } } } }`,
      "3:65",
      /no operation `gone`/,
    ],
    [`${AT}authentication: { kind: header, secret: k, name: x key }\noperations: { a: { get: / } }`, "3:50", /header field/],
    [`${AT}operations: { a: { post: /, idempotencyHeader: bad header } }`, "3:48", /header field/],
    ["service: a\nbaseUrl: http://:pw@host\noperations: { a: { get: / } }", "2:10", /a password in it/],
    ["service: a\nbaseUrl: http://u:hunter2@host\noperations: { a: { get: / } }", "2:10", /a password in it/],
    ["service: a\nuses: ollama\nconfig: { baseUrl: 'http://u:hunter2@host' }", "3:20", /a password in it/],
    ["service: a\nuses: ollama\nconfig: { baseUrl: 'ftp://u:hunter2@host' }", "3:20", /cannot be read/],
    ["service: a\nmcp: { url: 'http://[' }", "2:13", /cannot be read/],
    [
      `${AT}configuration: { type: object, properties: { n: { type: integer } } }\nconfig: { n: x }\noperations: { a: { get: / } }`,
      "4:14",
      /must be integer/,
    ],
  ] as const) {
    const { diagnostics, document } = readDefinition(text, "a.yaml");
    const [first] = diagnostics;
    assert.equal(document, null, text);
    assert.equal(`${first?.at.line}:${first?.at.column}`, place, `${text}\n${JSON.stringify(diagnostics)}`);
    assert.match(first?.message ?? "", words);
    assert.ok(!JSON.stringify(diagnostics).includes("hunter2"));
  }
});

test("a schema may refer to itself", () => {
  const input = "{ type: object, properties: { child: { $ref: '#' }, n: { type: integer } } }";
  const { document } = readDefinition(`${AT}operations: { a: { post: /, input: ${input} } }`, "a.yaml");
  assert.ok(document !== null);
  const schema = serviceOfDocument(document).operations.get("a")?.input;
  assert.deepEqual([schema?.check({ child: { n: 1 } }).ok, schema?.check({ child: { n: "x" } }).ok], [true, false]);
  const endless = readDefinition(`${AT}operations: { a: { post: /, input: { $ref: '#' } } }`, "a.yaml").document;
  assert.ok(endless !== null);
  assert.equal(serviceOfDocument(endless).operations.get("a")?.input?.check({}).ok, false);
});

test("a schema of a kept definition is made when something is first held against it", () => {
  let made = 0;
  const input = {
    get $schema() {
      made++;
      return "https://json-schema.org/draft/2020-12/schema";
    },
    type: "object",
  };
  const operations = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`o${at}`, { post: `/${at}`, input }]));
  const read = serviceOfDocument({ service: "large", baseUrl: "http://127.0.0.1:1", operations });
  assert.deepEqual([read.operations.size, made], [2_000, 0]);
  assert.equal(read.operations.get("o7")?.input?.check({}).ok, true);
  assert.equal(made, 1);
});
