// `baton services add`: a definition made of what a person named, with what they said besides.

import type { OutputOf } from "../api.ts";
import type { Json } from "../base/json.ts";
import { ask, importService } from "../orchestrator.ts";
import { CATALOGUE, type ServiceDocument } from "../services.ts";
import { readTypedValue } from "./input.ts";
import { cliProblems } from "./problems.ts";
import type { CommonOptions } from "./run.ts";
import { counted } from "./service-views.ts";
import { openTerminal, printable, type Terminal } from "./terminal.ts";

export interface AddServiceOptions extends CommonOptions {
  readonly name?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly mcp?: boolean | undefined;
  readonly stdio?: boolean | undefined;
  readonly replace?: boolean | undefined;
  readonly priority?: string | undefined;
  readonly weight?: string | undefined;
  /** Where what it is sent goes: `local` or `remote`. */
  readonly goes?: string | undefined;
  readonly config: readonly string[];
  readonly secret?: string | undefined;
}

export async function addService(target: string, args: readonly string[], options: AddServiceOptions): Promise<number> {
  const terminal = openTerminal(options);
  if (options.stdio === true && args.length === 0)
    throw cliProblems.USAGE("--stdio needs the command that starts the server: baton services add NAME --stdio -- COMMAND ARGS");
  if (options.stdio !== true && args.length > 0) throw cliProblems.USAGE(`too many arguments: ${args.join(" ")}`);
  if (options.stdio === true) terminal.say(`starts  ${args.map((word) => JSON.stringify(word)).join(" ")}`);
  const { name, baseUrl, mcp, replace = false } = options;
  const said = await saidOf(options);
  const { definition, source } = await importService({ target, name, baseUrl, isMcp: mcp, stdio: options.stdio ? args : [] });
  const added = await ask(options.data, "services.add", { definition: withSaid(definition, said), source, replace });
  if (options.json) terminal.data(JSON.stringify({ v: 1, ...added }));
  else await tellAdded(added, target, options, terminal);
  return 0;
}

async function tellAdded(
  added: OutputOf<"services.add">,
  target: string,
  options: AddServiceOptions,
  terminal: Terminal,
): Promise<void> {
  const asWhat = added.id === target || options.name !== undefined || !CATALOGUE.has(target) ? "" : ` (${target})`;
  terminal.say(`${added.id}${asWhat} is ${added.replaced ? "replaced" : "added"}: ${counted(added.operations, "operation")}`);
  if (added.secret !== undefined)
    terminal.say(`it needs a key: baton secrets set ${added.secret}${added.host === undefined ? "" : ` --host ${added.host}`}`);
  if (added.secret === undefined && added.host !== undefined) await tellHealth(added.id, options.data, terminal);
  terminal.say(`look at it: baton services show ${added.id}`);
}

/** One that nobody answers for now is added all the same: it may come. */
async function tellHealth(id: string, data: string, terminal: Terminal): Promise<void> {
  const { services } = await ask(data, "services.check", { id });
  const [line] = services;
  if (line?.health === "unhealthy") terminal.say(`it does not answer now: ${printable(line.because ?? "")}`);
}

// What is said besides.

interface Said {
  readonly priority?: number;
  readonly weight?: number;
  readonly data?: string;
  readonly config: Readonly<Record<string, Json>>;
  readonly secret?: string;
}

async function saidOf({ priority, weight, goes, config, secret }: AddServiceOptions): Promise<Said> {
  return {
    ...(priority === undefined ? {} : { priority: readNumber("--priority", priority) }),
    ...(weight === undefined ? {} : { weight: readNumber("--weight", weight) }),
    ...(goes === undefined ? {} : { data: goes }),
    config: Object.fromEntries(await Promise.all(config.map(readConfig))),
    ...(secret === undefined ? {} : { secret }),
  };
}

function readNumber(flag: string, text: string): number {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(number)) throw cliProblems.USAGE(`${flag} ${JSON.stringify(text)} is no number.`);
  return number;
}

async function readConfig(text: string): Promise<[string, Json]> {
  const at = text.indexOf("=");
  if (at <= 0) throw cliProblems.USAGE(`--config ${JSON.stringify(text)} is not of the form key=value.`);
  return [text.slice(0, at), await readTypedValue(text.slice(at + 1))];
}

function withSaid(document: ServiceDocument, { config, secret, ...more }: Said): ServiceDocument {
  const own = (document.config ?? {}) as Readonly<Record<string, Json>>;
  return {
    ...document,
    ...more,
    ...(Object.keys(config).length === 0 ? {} : { config: { ...own, ...config } }),
    ...(secret === undefined ? {} : { authentication: { ...authenticationOf(document), secret } }),
  };
}

/** As the definition has it, else as the catalogue; a key that is named is needed. */
function authenticationOf({ authentication, uses }: ServiceDocument): Record<string, Json> {
  const known = authentication ?? (CATALOGUE.get(String(uses))?.authentication as Json | undefined) ?? { kind: "bearer" };
  const { isOptional: _, ...rest } = known as Record<string, Json>;
  return rest;
}
