// `baton services add│call` and how services and figures look to people. The other commands on services are made from
// api/.

import type { Command } from "commander";
import type { KpisView, OutputOf, ServiceLine, ServiceView } from "../api.ts";
import type { Json } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { spanForPeople } from "../base/time.ts";
import type { News } from "../engine.ts";
import { ask, importService } from "../orchestrator.ts";
import { CAPABILITIES } from "../services.ts";
import { readTypedValue } from "./input.ts";
import { cliProblems } from "./problems.ts";
import { type Told, tellEnd } from "./result.ts";
import { type CommonOptions, carry, openGateFor, readTimeout } from "./run.ts";
import { openTerminal, printable, type Terminal, table } from "./terminal.ts";

export interface AddServiceOptions extends CommonOptions {
  readonly name?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly mcp?: boolean | undefined;
  readonly stdio?: boolean | undefined;
  readonly replace?: boolean | undefined;
}

export async function addService(target: string, args: readonly string[], options: AddServiceOptions): Promise<number> {
  const terminal = openTerminal(options);
  if (options.stdio === true && args.length === 0)
    throw cliProblems.USAGE("--stdio needs the command that starts the server: baton services add NAME --stdio -- COMMAND ARGS");
  if (options.stdio !== true && args.length > 0) throw cliProblems.USAGE(`too many arguments: ${args.join(" ")}`);
  if (options.stdio === true) terminal.say(`starts  ${args.map((word) => JSON.stringify(word)).join(" ")}`);
  const { name, baseUrl, mcp, replace = false } = options;
  const { definition, source } = await importService({ target, name, baseUrl, isMcp: mcp, stdio: options.stdio ? args : [] });
  const added = await ask(options.data, "services.add", { definition, source, replace });
  if (options.json) terminal.data(JSON.stringify({ v: 1, ...added }));
  else {
    terminal.say(`${added.id} is ${added.replaced ? "replaced" : "added"}: ${counted(added.operations, "operation")}`);
    if (added.secret !== undefined)
      terminal.say(`it needs a key: baton secrets set ${added.secret}${added.host === undefined ? "" : ` --host ${added.host}`}`);
    terminal.say(`look at it: baton services show ${added.id}`);
  }
  return 0;
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

// Calling.

export interface CallServiceOptions extends CommonOptions {
  readonly inputText?: string | undefined;
  readonly strategy?: string | undefined;
  readonly stream?: boolean | undefined;
  readonly timeout?: string | undefined;
  readonly allow: readonly string[];
}

/** `words`: what was typed besides, which are fields of the input: `--prompt hello`. */
export async function callService(target: string, words: readonly string[], options: CallServiceOptions): Promise<number> {
  openGateFor(options);
  const until = readTimeout(options.timeout);
  const schema = await schemaOf(target, options);
  const whole = options.inputText === undefined ? undefined : await readTypedValue(options.inputText);
  const fields = await readFields(words, schema);
  const input = Object.keys(fields).length === 0 ? (whole ?? {}) : { ...(whole as object | undefined), ...fields };
  const callOptions = {
    ...(options.strategy === undefined ? {} : { strategy: options.strategy }),
    ...(options.stream === true ? { stream: "tokens" } : {}),
  };
  return carry(options, {
    title: target,
    files: [],
    allow: options.allow,
    detach: false,
    needsOwner: false,
    repeatable: false,
    until,
    begin: (at) => at.call("runs.start", { workflow: "baton/call", input: { target, input, options: callOptions } }),
    again: (run) => `baton runs resume ${run}`,
    ...(options.stream === true && !options.json ? { hear: sayTokens() } : {}),
    tell: (terminal, common, told) => tellCall(terminal, common, told, options.stream === true),
  });
}

/** Tokens on stdout as they come. */
function sayTokens(): (news: News) => void {
  return (news) => {
    if (news.kind !== "streamed" || news.stream !== "tokens") return;
    const { text } = news.value as { text?: string };
    process.stdout.write(printable(String(text ?? "")));
  };
}

interface CallOutput {
  readonly output: Json;
  readonly target: string | null;
  readonly latencyMs: number;
  readonly costUsd: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly degraded?: { readonly how: string; readonly because: string };
}

function tellCall(terminal: Terminal, options: CommonOptions, told: Told, wasSaid: boolean): number {
  const { view } = told;
  if (view?.status !== "completed") return tellEnd(terminal, options, told);
  const called = view.output as unknown as CallOutput;
  if (options.json) terminal.data(JSON.stringify({ v: 1, run: view.run, ...called }));
  else {
    terminal.data(wasSaid ? "" : printable(outputForPeople(called.output)));
    const tokens = (called.inputTokens ?? 0) + (called.outputTokens ?? 0);
    const facts = [spanForPeople(called.latencyMs), ...(tokens > 0 ? [counted(tokens, "token")] : []), dollars(called.costUsd)];
    terminal.say(`${terminal.style("green", "✓")} ${called.target ?? "nobody"}  ${facts.join(", ")}  ${view.run}`);
    if (called.degraded !== undefined)
      terminal.say(terminal.style("yellow", `degraded: ${called.degraded.how} (${printable(called.degraded.because)})`));
  }
  return 0;
}

/** Of what has a text, the text. */
function outputForPeople(output: Json): string {
  if (typeof output === "string") return output;
  const { text } = (typeof output === "object" && output !== null ? output : {}) as { text?: Json };
  return typeof text === "string" ? text : JSON.stringify(output, null, 2);
}

// Flags from the schema of what is called.

interface FieldSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: Json;
  readonly enum?: readonly Json[];
}

type Fields = Readonly<Record<string, FieldSchema>>;

/** Null where nobody knows: whoever is called will say. */
async function schemaOf(target: string, options: CommonOptions): Promise<Fields | null> {
  const known = CAPABILITIES.get(target);
  if (known !== undefined) return fieldsIn(known.input);
  const at = target.indexOf("/");
  const { services } = at < 0 ? await ask(options.data, "services.list", { capability: target }) : { services: [] };
  const id = at < 0 ? services[0]?.id : target.slice(0, at);
  if (id === undefined) return null;
  const shown = await ask(options.data, "services.show", { id }).catch(unlessUnknown);
  if (shown === null) return null;
  const { operationList } = shown;
  const name = at < 0 ? target : target.slice(at + 1);
  const found = operationList.find((one) => one.name === name) ?? operationList.find((one) => one.capabilities.includes(name));
  return found === undefined || found.input === null ? null : fieldsIn(found.input);
}

/** What is called may be known where the run is carried, or be said to be unknown there. */
function unlessUnknown(error: unknown): null {
  if (isProblemError(error) && error.code === "SERVICE_UNKNOWN") return null;
  throw error;
}

function fieldsIn(schema: unknown): Fields {
  return ((typeof schema === "object" && schema !== null ? schema : {}) as { properties?: Fields }).properties ?? {};
}

async function readFields(words: readonly string[], fields: Fields | null): Promise<Record<string, Json>> {
  const made: Record<string, Json> = {};
  for (let at = 0; at < words.length; at++) {
    const [, flag, joined] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(words[at] ?? "") ?? [];
    const name = flag === undefined ? undefined : fields === null ? flag : nameOf(flag, fields);
    if (flag === undefined) throw cliProblems.USAGE(`${JSON.stringify(words[at])} is not a field: write --FIELD VALUE.`);
    if (name === undefined)
      throw cliProblems.USAGE(
        `What is called has no field "${flag}". There are: ${Object.keys(fields ?? {}).join(", ") || "none"}.`,
      );
    const { type } = fields?.[name] ?? {};
    const isSwitch = type === "boolean" && joined === undefined && (words[at + 1] ?? "--").startsWith("--");
    const text = joined ?? (isSwitch ? "true" : words[++at]);
    if (text === undefined) throw cliProblems.USAGE(`--${flag} needs a value.`);
    made[name] = await valueOfField(text, type);
  }
  return made;
}

/** `--max-tokens` and `--maxTokens` are the same field. */
function nameOf(flag: string, fields: Fields): string | undefined {
  if (Object.hasOwn(fields, flag)) return flag;
  const plain = (name: string): string => name.replace(/[-_]/g, "").toLowerCase();
  return Object.keys(fields).find((name) => plain(name) === plain(flag));
}

async function valueOfField(text: string, type: FieldSchema["type"]): Promise<Json> {
  const isText = type === "string" || (Array.isArray(type) && type.includes("string"));
  if (isText && text !== "-" && !text.startsWith("@")) return text;
  return readTypedValue(text);
}

export async function callHelp(command: Command, target: string | undefined, options: CommonOptions): Promise<string> {
  if (target === undefined) return command.helpInformation();
  const fields = Object.entries((await schemaOf(target, options)) ?? {});
  if (fields.length === 0) return command.helpInformation();
  const rows = fields.map(([name, { type, description = "", default: usual, enum: words }]) => [
    `  --${name} <${words?.map(String).join("|") ?? [type ?? "json"].flat().join("|")}>`,
    `${description}${usual === undefined ? "" : ` (${JSON.stringify(usual)})`}`,
  ]);
  return `${command.helpInformation()}\nFields of ${target}:\n${table(["", ""], rows, 140).split("\n").slice(1).join("\n")}\n`;
}

// How answers look.

export function renderServices({ services }: { readonly services: readonly ServiceLine[] }, terminal: Terminal): string {
  if (services.length === 0) {
    terminal.say("No services. Find those of this machine: baton services discover --add");
    return "";
  }
  const rows = services.map((line) => [
    line.id,
    line.uses === undefined ? line.kind : line.uses + (line.unproven ? " (unproven)" : ""),
    healthInWords(line),
    line.isLocal ? "local" : "remote",
    line.capabilities.join(" ") || counted(line.operations, "operation"),
    line.baseUrl ?? "",
  ]);
  return table(["SERVICE", "KIND", "HEALTH", "DATA", "CAN", "ADDRESS"], rows, Math.max(terminal.columns, 120));
}

function healthInWords({ health, circuit, because }: ServiceLine): string {
  const state = circuit === "closed" ? health : `${health}, ${circuit === "open" ? "left alone" : "tried again"}`;
  return because === undefined ? state : `${state}: ${because.slice(0, 60)}`;
}

export function renderService(view: ServiceView): string {
  const lines: (readonly [string, string | undefined])[] = [
    ["service", `${view.id}  ${view.title}`],
    ["about", view.description],
    ["kind", view.uses === undefined ? view.kind : `${view.uses} of the catalogue`],
    [
      "proven",
      view.unproven
        ? "unproven: nobody vouches for the adapter"
        : view.proven && `the client ${view.proven} works with what it is tested on`,
    ],
    ["version", view.version],
    ["address", view.baseUrl],
    ["from", view.source],
    ["data", view.isLocal ? "stays on this machine and its network" : "goes elsewhere"],
    ["health", `${healthInWords(view)}${view.healthAt === undefined ? "" : ` (${view.healthAt})`}`],
    ["secret", (view.authentication as { secret?: string } | null)?.secret],
    ["config", JSON.stringify(view.config)],
    ["models", view.models?.join(", ")],
  ];
  const head = lines
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(8)} ${printable(value ?? "")}`);
  const rows = view.operationList.map((one) => [
    one.name,
    one.capabilities.join(" "),
    `${one.effects}${one.idempotent || one.effects === "read" ? "" : ", once"}`,
    Object.keys(fieldsIn(one.input)).join(" "),
  ]);
  const changes = view.circuitHistory.map(({ at, to, because }) => `${at}  circuit ${to}: ${printable(because)}`);
  return [...head, "", table(["OPERATION", "CAPABILITY", "EFFECTS", "FIELDS"], rows, 140), ...changes].join("\n");
}

export function renderFound({ found, looked }: OutputOf<"services.discover">, terminal: Terminal): string {
  if (found.length === 0) {
    terminal.say(`Nobody who is known answers at ${looked.join(", ")}.`);
    return "";
  }
  if (found.some(({ state }) => state === "new")) terminal.say("add them: baton services discover --add");
  const rows = found.map(({ id, title, baseUrl, state }) => [id, title, baseUrl, state]);
  return table(["SERVICE", "KIND", "ADDRESS", ""], rows, Math.max(terminal.columns, 100));
}

const percent = (share: number | null): string =>
  share === null ? "–" : `${(share * 100).toFixed(share > 0.999 && share < 1 ? 2 : 1)} %`;
const millis = (ms: number | null): string => (ms === null ? "–" : ms < 1_000 ? `${Math.round(ms)} ms` : spanForPeople(ms));
const dollars = (usd: number): string => `$${usd === 0 || usd >= 0.01 ? usd.toFixed(2) : usd.toPrecision(2)}`;

export function renderStats({ window, figures, services, operations }: KpisView, terminal: Terminal): string {
  const { serviceSuccessRate, averageResponseTime, userSatisfaction, systemReliability, resourceEfficiency } = figures;
  const { mean, ratings } = userSatisfaction;
  const head = [
    ["service success rate", `${percent(serviceSuccessRate.share)} of ${counted(serviceSuccessRate.calls, "call")}`],
    ["average response time", `${millis(averageResponseTime.meanMs)}, 95 % within ${millis(averageResponseTime.p95Ms)}`],
    ["user satisfaction", mean === null ? "– (baton services rate RUN 1-5)" : `${mean} of 5, ${counted(ratings, "rating")}`],
    ["system reliability", `up ${percent(systemReliability.uptimeShare)}, errors ${percent(systemReliability.errorRate)}`],
    [
      "resource efficiency",
      `tokens ${percent(resourceEfficiency.tokens)}, US$ ${percent(resourceEfficiency.usd)}, slot time ${percent(resourceEfficiency.slotTime)}`,
    ],
  ].map(([name = "", value = ""]) => `${name.padEnd(22)} ${value}`);
  const title = `the last ${window}`;
  if (operations.length === 0) return [title, ...head].join("\n");
  const rows = operations.map((one) => [
    `${one.service}/${one.operation}`,
    String(one.calls),
    percent(one.successShare),
    Object.entries(one.failures)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(" "),
    String(one.retries),
    ...[one.p50Ms, one.p95Ms, one.p99Ms, one.queueP95Ms].map(millis),
    String(one.inputTokens + one.outputTokens),
    dollars(one.costUsd),
    percent(one.degradedShare),
    one.satisfaction === null ? "–" : String(one.satisfaction),
  ]);
  const columns = [
    "OPERATION",
    "CALLS",
    "OK",
    "FAILED",
    "RETRIES",
    "P50",
    "P95",
    "P99",
    "IN LINE",
    "TOKENS",
    "COST",
    "DEGRADED",
    "RATED",
  ];
  const circuits = services
    .filter(({ circuitOpened }) => circuitOpened > 0)
    .map(({ service, circuitOpened }) => `${service} was left alone ${counted(circuitOpened, "time")}`);
  return [title, ...head, "", table(columns, rows, Math.max(terminal.columns, 150)), ...circuits].join("\n");
}
