// `npm run build`: dist/ for publishing, then the proof that the packed package stands on its own.

import { spawnSync } from "node:child_process";
import { cpSync, globSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { rootPath } from "./layout.ts";

rmSync(rootPath("dist"), { recursive: true, force: true });
run(rootPath("node_modules", ".bin", "tsc"), "-p", "tsconfig.build.json");
for (const file of globSync(rootPath("src", "**", "*.sql")))
  cpSync(file, join(rootPath("dist"), relative(rootPath("src"), file)));
const packed = JSON.parse(run("npm", "pack", "--dry-run", "--json", "--loglevel=error")) as {
  size: number;
  unpackedSize: number;
  entryCount: number;
}[];
const [facts] = Object.values(packed);
process.stdout.write(`dist/ built; packed ${((facts?.size ?? 0) / 1024).toFixed(0)} KiB, ${facts?.entryCount} files\n`);

function run(program: string, ...args: string[]): string {
  const done = spawnSync(program, args, { cwd: rootPath(), encoding: "utf8" });
  if (done.status === 0) return done.stdout;
  process.stderr.write(`${program} ${args.join(" ")} failed\n${done.stdout}${done.stderr}`);
  process.exit(1);
}
