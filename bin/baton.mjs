#!/usr/bin/env node
// The command `baton`: finds a Node that is new enough, then the program.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isNewEnough, ownNode, root, silenceSqliteNote, tooOld } from "./runtime.mjs";

if (isNewEnough(process.versions.node)) await run();
else rerun(ownNode());

async function run() {
  silenceSqliteNote();
  const source = join(root, "src", "cli.ts");
  const { main } = await import(pathToFileURL(existsSync(source) ? source : join(root, "dist", "cli.js")).href);
  const code = await main(process.argv.slice(2));
  process.exit(code);
}

function rerun(node) {
  if (node === null) {
    process.stderr.write(`${tooOld()}\n`);
    process.exitCode = 2;
    return;
  }
  const child = spawn(node, process.argv.slice(1), { stdio: "inherit" });
  // The terminal gives Ctrl-C to both; the child decides what it means.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => signal === "SIGINT" || child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`Baton could not start ${node}: ${error.message}\n`);
    process.exitCode = 70;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (signal === "SIGKILL" ? 9 : 15);
  });
}
