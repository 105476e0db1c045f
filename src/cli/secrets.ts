// `baton secrets set│ls│rm`: what calls need and nobody may read. A value is read from standard input, or asked for where
// nothing shows it; never from the line, which others see.

import type { Readable } from "node:stream";
import { deleteSecret, listSecrets, SECRET_BYTES_MAX, setSecret } from "../orchestrator.ts";
import { cliProblems, EXIT } from "./problems.ts";
import type { CommonOptions } from "./run.ts";
import { openTerminal, printable } from "./terminal.ts";

export interface SetSecretOptions extends CommonOptions {
  readonly hosts: readonly string[];
}

export async function setSecretHere(name: string, options: SetSecretOptions): Promise<number> {
  const terminal = openTerminal(options);
  const value = terminal.isInteractive ? await askValue(name) : await readValue(name, process.stdin);
  const line = setSecret(options.data, name, value, options.hosts);
  if (options.json) terminal.data(JSON.stringify({ v: 1, ...line }));
  else terminal.say(`${name} is kept${line.hosts.length === 0 ? "" : `, for ${printable(line.hosts.join(", "))} only`}`);
  return EXIT.ok;
}

/** The bytes as they are, but for one end of line. No more is read than can be kept: it may have no end. */
async function readValue(name: string, stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > SECRET_BYTES_MAX + LINE_END_BYTES)
      throw cliProblems.INPUT_UNREADABLE(`The value of ${name} has more than ${SECRET_BYTES_MAX} bytes (SECRET_BYTES_MAX).`);
  }
  return asText(Buffer.concat(chunks), name).replace(/\r?\n$/, "");
}

const LINE_END_BYTES = 2;

/** What is no text is refused: it would be kept as another value than was given. So is a byte order mark, which hides. */
function asText(bytes: Uint8Array, name: string): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw cliProblems.INPUT_UNREADABLE(`The value of ${name} is not text in UTF-8.`, {
      fix: "Give it as text: base64 of its bytes.",
    });
  }
  if (!text.startsWith("\ufeff")) return text;
  throw cliProblems.INPUT_UNREADABLE(`The value of ${name} begins with a byte order mark.`, {
    fix: "Save it without one, as UTF-8 without BOM.",
  });
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
