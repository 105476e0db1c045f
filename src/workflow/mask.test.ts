// Secrets are not seen in what is recorded, however they are written.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../base/json.ts";
import { masked, maskedBytes } from "./mask.ts";

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

test("nor in the forms that headers, pages, forms and escaped JSON give it, with other text around it", () => {
  const secret = `k3y"<with>/odd+marks & 'quotes' ä`;
  const unicode = (text: string): string =>
    text.replace(/[^ -~]|[<>&']/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const json = JSON.stringify(secret).slice(1, -1);
  const html = secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const written = [
    encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()),
    new URLSearchParams({ secret }).toString(),
    Buffer.from(`x${secret}`).toString("hex"),
    unicode(json),
    unicode(json).replaceAll("/", "\\/"),
    html.replaceAll('"', "&quot;").replaceAll("'", "&#39;"),
    html.replaceAll('"', "&#34;").replaceAll("'", "&#39;"),
    Buffer.from(secret).toString("latin1"),
    ...["", "B", "Be"].map((before) => Buffer.from(`${before}${secret}, and more`).toString("base64url")),
  ];
  for (const text of written) assert.match(masked(`<${text}>`, [secret]) as string, /«secret»/, text);
});

test("of bytes as many stay as there were, and none of them tells", () => {
  const secret = "token-4711";
  const bytes = Buffer.concat([
    Buffer.from([0x89, 0]),
    Buffer.from(`${secret} ${encodeURIComponent(secret)} ${secret}`),
    Buffer.from([255]),
  ]);
  const made = maskedBytes(bytes, [secret]);
  assert.equal(made.length, bytes.length);
  assert.deepEqual([made.includes(secret), bytes.includes(secret)], [false, true]);
  assert.equal(maskedBytes(bytes, []), bytes);
  assert.equal(maskedBytes(Buffer.from("nothing"), [secret]).toString(), "nothing");
});
