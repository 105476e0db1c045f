// `baton secrets set│ls│rm`: what calls need and nobody may read. A value is read from standard input, or asked for where
// nothing shows it; never from the line, which others see.

import { text as readAll } from "node:stream/consumers";
import { deleteSecret, listSecrets, setSecret } from "../orchestrator.ts";
import { cliProblems, EXIT } from "./problems.ts";
import type { CommonOptions } from "./run.ts";
import { openTerminal, printable } from "./terminal.ts";

export interface SetSecretOptions extends CommonOptions {
  readonly hosts: readonly string[];
}

export async function setSecretHere(name: string, options: SetSecretOptions): Promise<number> {
  const terminal = openTerminal(options);
  const value = terminal.isInteractive ? await askValue(name) : (await readAll(process.stdin)).replace(/\r?\n$/, "");
  const line = setSecret(options.data, name, value, options.hosts);
  if (options.json) terminal.data(JSON.stringify({ v: 1, ...line }));
  else terminal.say(`${name} is kept${line.hosts.length === 0 ? "" : `, for ${printable(line.hosts.join(", "))} only`}`);
  return EXIT.ok;
}

async function askValue(name: string): Promise<string> {
  const { isCancel, password } = await import("@clack/prompts");
  const said = await password({ message: `The value of ${name}`, output: process.stderr });
  if (isCancel(said)) throw cliProblems.USAGE("Nothing was given.");
  return said;
}

export function showSecrets(options: CommonOptions): number {
  const terminal = openTerminal(options);
  const secrets = listSecrets(options.data);
  if (options.json) terminal.data(JSON.stringify({ v: 1, secrets }));
  else if (secrets.length === 0) terminal.say("No secrets. Keep one: baton secrets set NAME < FILE");
  else {
    const width = Math.max(6, ...secrets.map(({ name }) => name.length));
    terminal.data(`${"SECRET".padEnd(width)}  CHANGED                   FOR`);
    for (const { name, hosts, changedAt } of secrets)
      terminal.data(`${name.padEnd(width)}  ${changedAt}  ${hosts.length === 0 ? "every host" : printable(hosts.join(", "))}`);
  }
  return EXIT.ok;
}

export function removeSecret(name: string, options: CommonOptions): number {
  const terminal = openTerminal(options);
  deleteSecret(options.data, name);
  if (options.json) terminal.data(JSON.stringify({ v: 1, name }));
  else terminal.say(`${printable(name)} is gone`);
  return EXIT.ok;
}
