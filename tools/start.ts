// `npm start`: until there is a server, carries the example job to its end and shows its result.

import { spawn } from "node:child_process";
import { rootPath } from "./layout.ts";

const data = process.env.BATON_DATA ?? rootPath(".baton");
process.stderr.write(`Reviewing the licences of this clone's own dependencies, a step per package (data in ${data}) …\n`);

const args = [
  "run",
  rootPath("examples", "licence-review.ts"),
  "-i",
  `project=${rootPath()}`,
  "-i",
  `out=${rootPath("licence-report")}`,
  "--data",
  data,
];
const child = spawn(process.execPath, [rootPath("bin", "baton.mjs"), ...args, ...process.argv.slice(2)], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => signal === "SIGINT" || child.kill(signal));
child.on("exit", (code) => {
  if (code === 0) process.stderr.write(TO_TRY);
  process.exitCode = code ?? 1;
});

const TO_TRY = `
Three things to try:
  npx baton run examples/01-hello.ts -i name=Ada     a first workflow
  npx baton runs ls                                  what ran here
  npx baton run examples/licence-review.ts -i project=PATH    any other Node project
`;
