#!/usr/bin/env node
// The command `baton`: finds a Node that is new enough, then the program.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isNewEnough, ownNode, root, silenceKnownNotes, tooOld } from "./runtime.mjs";

if (isNewEnough(process.versions.node)) await run();
else rerun(ownNode());

async function run() {
  dieWithLauncher();
  silenceKnownNotes();
  const source = join(root, "src", "cli.ts");
  const { main } = await import(pathToFileURL(existsSync(source) ? source : join(root, "dist", "cli.js")).href);
  const code = await main(process.argv.slice(2));
  await taken(process.stdout);
  await taken(process.stderr);
  process.exit(code);
}

/** A pipe takes what it is given a piece at a time; what it has not taken when the process ends is lost. */
function taken(stream) {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

function rerun(node) {
  if (node === null) {
    process.stderr.write(`${tooOld()}\n`);
    process.exitCode = 2;
    return;
  }
  const env = { ...process.env, BATON_LAUNCHED: "1" };
  const child = spawn(node, process.argv.slice(1), { stdio: ["inherit", "inherit", "inherit", "ipc"], env });
  // A signal comes from the terminal to both, or from a program to this process alone: the child tells one press from two.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`Baton could not start ${node}: ${error.message}\n`);
    process.exitCode = 70;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}

/** Whoever kills this command means what it does: without its launcher it does not go on unseen. */
function dieWithLauncher() {
  if (process.env.BATON_LAUNCHED === undefined) return;
  delete process.env.BATON_LAUNCHED;
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  process.channel?.unref();
}
