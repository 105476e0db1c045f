// Secrets at rest: they come back as they went in, and open for nobody else.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import fc from "fast-check";
import { isProblemError } from "../base/problem.ts";
import { openSigner, openVault } from "../security.ts";

function place(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "baton-vault-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return "none";
  } catch (error) {
    if (isProblemError(error)) return error.code;
    throw error;
  }
}

test("a secret comes back as it went in, also for the next process; people see its name alone", () => {
  using folder = place();
  openVault(folder.path, { now: () => 0 }).set("apiKey", "s3cret", ["api.example.com"]);

  const vault = openVault(folder.path);

  assert.equal(vault.value("apiKey"), "s3cret");
  assert.deepEqual(vault.list(), [
    { name: "apiKey", hosts: ["api.example.com"], version: 1, changedAt: "1970-01-01T00:00:00.000Z" },
  ]);
  assert.equal(vault.value("other"), undefined);
});

test("it may be set anew and deleted", () => {
  using folder = place();
  const vault = openVault(folder.path);
  vault.set("a", "1");
  assert.equal(vault.set("a", "2").version, 2);
  assert.equal(vault.value("a"), "2");
  assert.equal(vault.delete("a"), true);
  assert.equal(vault.delete("a"), false);
  assert.deepEqual(vault.list(), []);
});

test("whatever the value, it comes back", () => {
  using folder = place();
  const vault = openVault(folder.path);
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (value) => {
      vault.set("any", value);
      assert.equal(vault.value("any"), value);
    }),
    { numRuns: 50, seed: 9 },
  );
});

test("D8 no byte on disk shows a secret: not plain, in hexadecimal, base64 or as part of a URL", () => {
  using folder = place();
  const canary = "canary-7f3a/ü==";
  openVault(folder.path).set("canary", canary);
  const forms = [canary, Buffer.from(canary).toString("hex"), Buffer.from(canary).toString("base64"), encodeURIComponent(canary)];
  for (const file of readdirSync(folder.path)) {
    const bytes = readFileSync(join(folder.path, file), "latin1");
    for (const form of forms) assert.ok(!bytes.includes(Buffer.from(form).toString("latin1")), `${form} in ${file}`);
    assert.equal(statSync(join(folder.path, file)).mode & 0o077, 0, `${file} is for its user alone`);
  }
});

test("D9 without its master key, or with another, nothing opens and nothing is written over", () => {
  using folder = place();
  openVault(folder.path).set("a", "1");
  const key = join(folder.path, "master.key");
  copyFileSync(key, `${key}.kept`);
  rmSync(key);
  assert.equal(
    codeOf(() => openVault(folder.path).value("a")),
    "SECRET_KEY_WRONG",
  );
  assert.equal(
    codeOf(() => openVault(folder.path).set("b", "2")),
    "SECRET_KEY_WRONG",
  );
  writeFileSync(key, "short");
  assert.equal(
    codeOf(() => openVault(folder.path).value("a")),
    "SECRET_KEY_WRONG",
  );
  copyFileSync(`${key}.kept`, key);
  assert.equal(openVault(folder.path).value("a"), "1");
  assert.equal(
    codeOf(() => openVault(folder.path, { masterKey: Buffer.alloc(32).toString("base64") }).value("a")),
    "SECRET_KEY_WRONG",
  );
});

test("D9 what was moved to another name, version, host or vault does not open, nor what was altered by a bit", () => {
  using folder = place();
  using other = place();
  const masterKey = Buffer.alloc(32, 7).toString("base64");
  const vault = openVault(folder.path, { masterKey });
  vault.set("a", "1", ["x.example"]);
  openVault(other.path, { masterKey }).set("a", "2");
  const path = join(folder.path, "secrets.json");
  const whole = JSON.parse(readFileSync(path, "utf8"));
  const entry = whole.secrets.a;
  const altered: readonly object[] = [
    { ...whole, secrets: { b: entry } },
    { ...whole, secrets: { a: { ...entry, version: 2 } } },
    { ...whole, secrets: { a: { ...entry, hosts: [] } } },
    { ...whole, id: "0" },
    { ...whole, secrets: { a: { ...entry, sealed: { ...entry.sealed, data: Buffer.from([0]).toString("base64") } } } },
    { ...whole, secrets: JSON.parse(readFileSync(join(other.path, "secrets.json"), "utf8")).secrets },
  ];
  for (const contents of altered) {
    writeFileSync(path, JSON.stringify(contents));
    const name = "b" in ((contents as { secrets: object }).secrets ?? {}) ? "b" : "a";
    assert.equal(
      codeOf(() => openVault(folder.path, { masterKey }).value(name)),
      "SECRET_KEY_WRONG",
      JSON.stringify(contents).slice(0, 90),
    );
  }
  const corrupt: readonly unknown[] = [
    ...[null, [], 7, "x", { ...whole, v: 2 }, { ...whole, id: 1 }, { ...whole, key: null }, { ...whole, key: {} }],
    ...[null, [], 7, { a: null }, { a: {} }, { a: { ...entry, hosts: 7 } }, { a: { ...entry, hosts: [7] } }].map((secrets) => ({
      ...whole,
      secrets,
    })),
    ...[{ version: "q" }, { changedAt: 0 }, { sealed: null }, { sealed: { nonce: 1, tag: 2, data: 3 } }].map((more) => ({
      ...whole,
      secrets: { a: { ...entry, ...more } },
    })),
  ];
  for (const text of ["", "{", ...corrupt.map((contents) => JSON.stringify(contents))]) {
    writeFileSync(path, text);
    const own = openVault(folder.path, { masterKey });
    for (const act of [() => own.list(), () => own.value("a"), () => own.set("a", "3"), () => own.delete("a")])
      assert.equal(codeOf(act), "SECRET_STORE_CORRUPT", text.slice(0, 200));
    assert.equal(readFileSync(path, "utf8"), text);
  }
});

test("names and values have forms", () => {
  using folder = place();
  const vault = openVault(folder.path);
  for (const name of ["", "1a", "a b", "__proto__", "a/b", "x".repeat(200), "é"])
    assert.equal(
      codeOf(() => vault.set(name, "v")),
      "SECRET_NAME_INVALID",
      name,
    );
  for (const value of ["", "x".repeat(70_000), "\ud800"])
    assert.equal(
      codeOf(() => vault.set("a", value)),
      "SECRET_VALUE_INVALID",
    );
});

test("what a secret is for is a host, written as calls are compared with it", () => {
  using folder = place();
  const vault = openVault(folder.path);
  const given = ["API.Foo.com", "api.foo.com:8443", "[::1]:80", "127.1", "bücher.example", "api.foo.com"];
  const { hosts } = vault.set("a", "v", given);
  assert.deepEqual(hosts, ["api.foo.com", "api.foo.com:8443", "[::1]:80", "127.0.0.1", "xn--bcher-kva.example"]);
  assert.equal(openVault(folder.path).value("a"), "v");
  const wrong = [
    "",
    " ",
    "https://api.foo.com/",
    "a b, c",
    "a,b",
    "a/b",
    "a:",
    "a:0",
    "a:99999",
    "u@a",
    "\u001b[31ma",
    "*",
    "a?b",
  ];
  for (const host of wrong)
    assert.equal(
      codeOf(() => vault.set("a", "v", [host])),
      "SECRET_HOST_INVALID",
      JSON.stringify(host),
    );
});

/** Another process that keeps secrets: it waits for a line, and says which ones it kept. */
function keeper(folder: string, prefix: string, count: number) {
  const program = `
    import { openSigner, openVault } from ${JSON.stringify(new URL("../security.ts", import.meta.url).href)};
    const vault = openVault(${JSON.stringify(folder)});
    process.stdin.once("data", () => {
      const { keyId } = openSigner(${JSON.stringify(folder)});
      for (let i = 0; i < ${count}; i++) vault.set(${JSON.stringify(prefix)} + i, "value " + i);
      console.log(keyId);
      process.exit();
    });
    console.log("ready");
  `;
  const child = spawn(process.execPath, [...process.execArgv, "--input-type=module", "--eval", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await said.next()).value);
  return { next, go: () => child.stdin.end("go\n") };
}

test("D8 what processes keep at the same time is all there afterwards; a key that they need is made once", async () => {
  using folder = place();
  const count = 15;
  const keepers = ["a", "b", "c"].map((prefix) => keeper(folder.path, prefix, count));
  for (const { next } of keepers) assert.equal(await next(), "ready");
  for (const { go } of keepers) go();
  const keys = new Set(await Promise.all(keepers.map(({ next }) => next())));
  assert.equal(openVault(folder.path).list().length, keepers.length * count);
  assert.deepEqual([...keys], [openSigner(folder.path).keyId]);
});
