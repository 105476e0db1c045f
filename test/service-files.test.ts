// What a person may name by mistake where a service is added, and what comes of it: a sentence, never a bug or a wait.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isProblemError } from "../src/base/problem.ts";
import { importService, openBaton } from "../src/orchestrator.ts";

/** What is put at a path, and the code and words it ends with. */
const files: Readonly<Record<string, readonly [put: (path: string) => void, code: string, words: RegExp]>> = {
  "a device": [(path) => symlinkSync("/dev/zero", path), "WF_FILE_KIND", /is no file/],
  "a pipe": [(path) => void execFileSync("mkfifo", [path]), "WF_FILE_KIND", /is no file/],
  "a folder": [(path) => void mkdirSync(path), "WF_FILE_KIND", /is no file/],
  "600 MB": [
    (path) => {
      writeFileSync(path, "");
      truncateSync(path, 600e6);
    },
    "WF_FILE_KIND",
    /600000000 bytes; the limit is/,
  ],
  "an OpenAPI document that contains itself": [
    (path) =>
      writeFileSync(path, "openapi: 3.0.0\nservers: [{ url: http://127.0.0.1:1 }]\npaths: &p\n  /a: { get: { x: *p } }\n"),
    "SERVICE_DEFINITION_INVALID",
    /./,
  ],
  "an MCP server at no URL": [
    (path) => writeFileSync(path, 'service: a\nmcp: { url: "http://[" }\n'),
    "SERVICE_DEFINITION_INVALID",
    /cannot be read as one of http/,
  ],
  "a server with a password in it": [
    (path) =>
      writeFileSync(path, "openapi: 3.0.0\nservers: [{ url: 'http://u:hunter2@127.0.0.1:1' }]\npaths: { /a: { get: {} } }\n"),
    "SERVICE_DEFINITION_INVALID",
    /a password in it/,
  ],
};

for (const [name, [put, code, words]] of Object.entries(files))
  test(`${name} is told`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "service-files-"));
    await using baton = await openBaton({ data: join(folder, "data"), carry: "nothing" });
    const path = join(folder, "a.yaml");
    put(path);
    const added = importService({ target: path }).then(({ definition }) => baton.call("services.add", { definition }));
    await assert.rejects(added, (error) => {
      assert.ok(isProblemError(error), String(error));
      assert.equal(error.code, code);
      assert.match(JSON.stringify(error.problem), words);
      assert.ok(!JSON.stringify(error.problem).includes("hunter2"));
      return true;
    });
    rmSync(folder, { recursive: true });
  });

test("an MCP server at no URL is told, named or not", async () => {
  for (const name of ["a", undefined])
    await assert.rejects(importService({ target: "http://[", isMcp: true, name }), { code: "SERVICE_IMPORT_FAILED" });
});

test("a host to look at that is none is refused, with which", async () => {
  const folder = mkdtempSync(join(tmpdir(), "service-files-"));
  await using baton = await openBaton({ data: folder, carry: "nothing" });
  for (const host of ["http://x", "[::1", "x:99999", "x y", "", "a/b", "u@h"])
    await assert.rejects(baton.call("services.discover", { hosts: [host] }), (error) => {
      assert.ok(isProblemError(error) && error.problem.status < 500, String(error));
      assert.ok(JSON.stringify(error.problem).includes(JSON.stringify(JSON.stringify(host)).slice(1, -1)), error.problem.detail);
      return true;
    });
  rmSync(folder, { recursive: true });
});
