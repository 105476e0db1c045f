// `npm run check [-- --report]`: types, format and lint, unused code, the layout of the house, the shape of the package.

import { spawn } from "node:child_process";
import { readFiles } from "./files.ts";
import { cycles, rootPath, strays } from "./layout.ts";
import { printReport } from "./report.ts";

interface Check {
  readonly name: string;
  readonly find: () => Promise<string>;
}

/** What a command prints when it fails; empty when all is well. */
function command(program: string, ...args: string[]): () => Promise<string> {
  return () =>
    new Promise((resolve) => {
      const child = spawn(rootPath("node_modules", ".bin", program), args, {
        cwd: rootPath(),
        env: { ...process.env, NO_COLOR: "1" },
      });
      const parts: string[] = [];
      child.stdout.on("data", (data: Buffer) => parts.push(data.toString()));
      child.stderr.on("data", (data: Buffer) => parts.push(data.toString()));
      child.on("error", (error) => resolve(error.message));
      child.on("close", (code) => resolve(code === 0 ? "" : parts.join("") || `${program} ended with ${code}`));
    });
}

const checks: readonly Check[] = [
  { name: "types", find: command("tsc", "--noEmit") },
  { name: "format and lint", find: command("biome", "check", "--error-on-warnings", "--max-diagnostics=50") },
  { name: "unused code", find: command("knip", "--no-progress", "--no-config-hints") },
  { name: "layout", find: async () => layout().join("\n") },
  {
    name: "package",
    find: async () => (await command("node", "tools/build.ts")()) || command("publint", "--strict", "--pack", "false")(),
  },
];

function layout(): string[] {
  const files = readFiles("src/**/*.ts");
  return [...strays(files), ...cycles(files).map((circle) => `a circle: ${circle.join(" → ")}`)];
}

let failed = false;
for (const { name, find } of checks) {
  const beganAt = performance.now();
  const found = await find();
  const seconds = ((performance.now() - beganAt) / 1_000).toFixed(1);
  process.stdout.write(`${found === "" ? "✓" : "✗"} ${name}  ${seconds} s\n`);
  if (found === "") continue;
  failed = true;
  process.stdout.write(`${found.trimEnd()}\n\n`);
}
if (process.argv.includes("--report")) await printReport();
process.exitCode = failed ? 1 : 0;
