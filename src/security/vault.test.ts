// Secrets at rest: they come back as they went in, and open for nobody else.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { isProblemError } from "../base/problem.ts";
import { openVault } from "../security.ts";

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
  writeFileSync(path, "{");
  assert.equal(
    codeOf(() => openVault(folder.path, { masterKey }).list()),
    "SECRET_STORE_CORRUPT",
  );
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
