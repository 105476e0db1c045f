// Runs a script of this repository with the repository's own Node, after installing what is missing. Plain JavaScript
// that any Node since 18 can read: it is what a fresh clone begins with.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { isNewEnough, ownNode, root, tooOld } from "../bin/runtime.mjs";

const [script, ...args] = process.argv.slice(2);
installIfMissing();
run(ownNode() ?? (isNewEnough(process.versions.node) ? process.execPath : null));

function installIfMissing() {
  const stamp = join(root, "node_modules", ".installed-from");
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  process.stderr.write("installing this repository's packages and its Node 26 from npm (npm ci) …\n");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const done = spawnSync(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (done.status !== 0) {
    process.stderr.write("npm ci failed; what it said is above.\n");
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

function run(node) {
  if (node === null) {
    process.stderr.write(`${tooOld()}\n`);
    process.exit(1);
  }
  const path = `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`;
  const options = ["--conditions=baton-source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(node, [...options, join(root, script), ...args], { stdio: "inherit", env: { ...process.env, PATH: path } });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => signal === "SIGINT" || child.kill(signal));
  child.on("exit", (code) => process.exit(code ?? 1));
}
