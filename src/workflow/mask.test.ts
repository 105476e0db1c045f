// Secrets are not seen in what is recorded, however they are written.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../base/json.ts";
import { masked } from "./mask.ts";

test("a secret is masked plain, in base64, in URLs, in JSON text, in keys and deep inside", () => {
  const secret = 'p@ss "word"/ü';
  const value: Json = {
    plain: `Bearer ${secret}`,
    basic: Buffer.from(secret).toString("base64"),
    url: `https://x/?q=${encodeURIComponent(secret)}`,
    text: JSON.stringify({ secret }),
    deep: [{ [secret]: [secret] }],
  };
  const shown = JSON.stringify(masked(value, [secret]));
  for (const form of [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString("base64"),
  ])
    assert.ok(!shown.includes(form), `${form} in ${shown}`);
  assert.match(shown, /«secret»/);
});

test("without secrets nothing is touched, and short ones mask nothing by chance more than themselves", () => {
  const value = { a: ["x", 1, null] };
  assert.equal(masked(value, []), value);
});

test("whatever the secret and the value, the secret is not in what comes out", () => {
  const secrets = fc.string({ minLength: 4, maxLength: 20 }).filter((text) => !"«secret»".includes(text));
  fc.assert(
    fc.property(secrets, fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (secret, before, after) => {
      const out = masked({ a: `${before}${secret}${after}` }, [secret]) as { a: string };
      assert.ok(!out.a.includes(secret), out.a);
    }),
    { numRuns: 500, seed: 21 },
  );
});
