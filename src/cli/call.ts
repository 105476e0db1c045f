// `baton services call`: one call, as a run: its options, its input, and how its result is told.

import { writeSync } from "node:fs";
import type { Command } from "commander";
import type { RunView } from "../api.ts";
import type { Json } from "../base/json.ts";
import type { Problem } from "../base/problem.ts";
import { readSpan, spanForPeople } from "../base/time.ts";
import type { News } from "../engine.ts";
import { STRATEGIES, servicesProblems } from "../services.ts";
import { fieldsIn, readFields, requireInput, schemaOf, type Where } from "./call-fields.ts";
import { bytesForPeople, bytesOf, filesIn, requireFolder, withFilesInWords, writeFiles } from "./call-files.ts";
import { choiceIn, renderChoice } from "./choice.ts";
import { readTypedJson, readTypedValue } from "./input.ts";
import { cliProblems, EXIT, exitCodeOf } from "./problems.ts";
import { type Told, tellEnd } from "./result.ts";
import { type CommonOptions, carry, openGateFor, resumeLine } from "./run.ts";
import { counted, dollars } from "./service-views.ts";
import { printable, type Terminal, table } from "./terminal.ts";

export interface CallServiceOptions extends CommonOptions {
  readonly inputText?: string | undefined;
  readonly strategy?: string | undefined;
  readonly only: readonly string[];
  readonly except: readonly string[];
  readonly localOnly?: boolean | undefined;
  readonly stickyKey?: string | undefined;
  readonly costMax?: string | undefined;
  readonly fallbackValue?: string | undefined;
  readonly stream?: boolean | undefined;
  readonly explain?: boolean | undefined;
  readonly output?: string | undefined;
  readonly timeout?: string | undefined;
  readonly with: readonly string[];
  readonly allow: readonly string[];
}

/** `words`: what was typed besides, which are fields of the input: `--prompt hello`. */
export async function callService(target: string, words: readonly string[], options: CallServiceOptions): Promise<number> {
  openGateFor(options);
  if (options.output === "-" && options.json) throw cliProblems.USAGE("--output - and --json both want standard output.");
  requireFolder(options.output);
  const callOptions = await readCallOptions(options);
  const schema = await schemaOf(target, options);
  const input = await readInput(words, schema, options);
  const ignored = requireInput(target, schema, input);
  const title = ignored.map((name) => JSON.stringify(name)).join(", ");
  if (title !== "" && !options.quiet) process.stderr.write(`warning: ${target} says nothing of a field ${printable(title)}\n`);
  return carry(options, {
    title: target,
    files: options.with,
    allow: options.allow,
    detach: false,
    needsOwner: false,
    repeatable: false,
    until: null,
    begin: (at) => at.call("runs.start", { workflow: "baton/call", input: { target, input, options: callOptions } }),
    again: (run) => resumeLine(run, options),
    ...(options.stream === true && !options.json && options.output !== "-" ? { hear: sayTokens() } : {}),
    tell: (terminal, _, told) => tellCall(terminal, options, told),
  });
}

/** Options of a call, as workflows write them. Throws USAGE, SERVICE_OPTION_INVALID. */
async function readCallOptions(options: CallServiceOptions): Promise<Record<string, Json>> {
  const { strategy, only, except, localOnly, stickyKey, costMax, timeout, fallbackValue, stream } = options;
  if (strategy !== undefined && !STRATEGIES.some((one) => one === strategy))
    throw servicesProblems.SERVICE_OPTION_INVALID(`There is no strategy ${JSON.stringify(strategy.slice(0, 80))}.`, {
      fix: `There are: ${STRATEGIES.join(", ")}.`,
    });
  return {
    ...(strategy === undefined ? {} : { strategy }),
    ...(only.length === 0 ? {} : { only: [...only] }),
    ...(except.length === 0 ? {} : { except: [...except] }),
    ...(localOnly === true ? { localOnly } : {}),
    ...(stickyKey === undefined ? {} : { stickyKey }),
    ...(costMax === undefined ? {} : { costMaxUsd: readUsd(costMax) }),
    ...(timeout === undefined ? {} : { timeoutMs: readCallTimeout(timeout) }),
    ...(fallbackValue === undefined ? {} : { fallback: [{ value: await readTypedValue(fallbackValue) }] }),
    ...(stream === true ? { stream: "tokens" } : {}),
  };
}

function readUsd(text: string): number {
  const usd = /^\$?\d+(\.\d+)?$/.test(text) ? Number(text.replace("$", "")) : Number.NaN;
  if (!Number.isFinite(usd)) throw cliProblems.USAGE(`--cost-max ${JSON.stringify(text)} is no sum in US$ like 0.05.`);
  return usd;
}

function readCallTimeout(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : readSpan(text);
  if (ms === null || ms === 0) throw cliProblems.USAGE(`--timeout ${JSON.stringify(text)} is not a span like 30s or 1500 (ms).`);
  return ms;
}

async function readInput(words: readonly string[], schema: unknown, { inputText }: CallServiceOptions): Promise<Json> {
  const whole = inputText === undefined ? undefined : await readTypedJson(inputText);
  const fields = await readFields(words, fieldsIn(schema));
  if (Object.keys(fields).length === 0) return whole ?? {};
  if (whole !== undefined && (typeof whole !== "object" || whole === null || Array.isArray(whole)))
    throw cliProblems.USAGE("Flags set fields of an object, but --input is not an object.");
  return { ...whole, ...fields };
}

/** Tokens on stdout as they come. */
function sayTokens(): (news: News) => void {
  return (news) => {
    if (news.kind !== "streamed" || news.stream !== "tokens") return;
    const { text } = news.value as { text?: string };
    process.stdout.write(printable(String(text ?? "")));
  };
}

// Telling.

interface CallOutput {
  readonly output: Json;
  readonly target: string | null;
  readonly latencyMs: number;
  readonly costUsd: number;
  /** False where nobody knows what it cost. */
  readonly isCostKnown?: boolean;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly degraded?: { readonly how: string; readonly because: string };
}

async function tellCall(terminal: Terminal, options: CallServiceOptions, told: Told): Promise<number> {
  const { view } = told;
  const choice = view === null ? null : choiceIn(view);
  if (view?.status !== "completed") {
    if (options.explain === true && choice !== null) terminal.say(renderChoice(choice, terminal));
    const code = tellEnd(terminal, options, told);
    return view?.status === "failed" ? exitCodeOfCall(view) : code;
  }
  const called = view.output as unknown as CallOutput;
  const files = filesIn(called.output);
  const { output: path, data } = options;
  const code = path !== undefined && files.length === 0 ? tellNoFile(terminal) : EXIT.ok;
  if (path === "-" && files[0] !== undefined) {
    writeSync(process.stdout.fd, await bytesOf(files[0], data));
    if (files.length > 1) terminal.say(`${counted(files.length - 1, "more file")} left out: --output FILE writes all`);
    sayFacts(terminal, called, view);
    return code;
  }
  const written = path === undefined || path === "-" ? [] : await writeFiles(files, path, data);
  if (options.json) {
    const more = { ...(choice === null ? {} : { choice }), ...(written.length === 0 ? {} : { files: written }) };
    terminal.data(JSON.stringify({ v: 1, run: view.run, ...called, ...more }));
    return code;
  }
  terminal.data(options.stream === true && hasText(called.output) ? "" : printable(outputForPeople(called.output)));
  for (const one of written) terminal.say(`written to ${printable(one.path)} (${one.mediaType}, ${bytesForPeople(one.bytes)})`);
  if (files.length > 0 && path === undefined) terminal.say("--output FILE writes it to a file");
  sayFacts(terminal, called, view);
  if (options.explain === true)
    terminal.say(choice === null ? "It was named: there was no choice." : renderChoice(choice, terminal));
  return code;
}

function tellNoFile(terminal: Terminal): number {
  terminal.complain(cliProblems.OUTPUT_NONE("There is no file in the result.").problem);
  return EXIT.failed;
}

/** What was wrong decides, as `baton explain` says; what the service did is a run that failed. */
function exitCodeOfCall({ problem }: RunView): number {
  const code = problem === undefined ? EXIT.failed : exitCodeOf(problem as Problem);
  return code === EXIT.bug ? EXIT.failed : code;
}

function sayFacts(terminal: Terminal, called: CallOutput, { run }: RunView): void {
  const tokens = (called.inputTokens ?? 0) + (called.outputTokens ?? 0);
  const facts = [
    spanForPeople(called.latencyMs),
    ...(tokens > 0 ? [counted(tokens, "token")] : []),
    called.isCostKnown === false ? "cost unknown" : dollars(called.costUsd),
  ];
  terminal.say(`${terminal.style("green", "✓")} ${called.target ?? "nobody"}  ${facts.join(", ")}  ${run}`);
  if (called.degraded !== undefined)
    terminal.say(terminal.style("yellow", `degraded: ${called.degraded.how} (${printable(called.degraded.because)})`));
}

/** Of what has a text, the text; of several parts, one line or more each. */
function outputForPeople(output: Json): string {
  const words = withFilesInWords(output);
  if (typeof words === "string") return words;
  const { text, content } = (typeof words === "object" && words !== null ? words : {}) as { text?: Json; content?: Json };
  if (typeof text === "string") return text;
  const parts = Array.isArray(content) ? content.map((part: Json) => partForPeople(part)) : [];
  return parts.length > 0 ? parts.join("\n") : JSON.stringify(words, null, 2);
}

function partForPeople(part: Json): string {
  const { type, text } = (typeof part === "object" && part !== null ? part : {}) as { type?: Json; text?: Json };
  return typeof part === "string" ? part : type === "text" && typeof text === "string" ? text : JSON.stringify(part);
}

function hasText(output: Json): boolean {
  return typeof output === "string" || (typeof output === "object" && output !== null && "text" in output);
}

export async function callHelp(command: Command, target: string | undefined, where: Where, terminal: Terminal): Promise<string> {
  if (target === undefined) return command.helpInformation();
  const schema = await schemaOf(target, where);
  const fields = Object.entries(fieldsIn(schema) ?? {});
  if (fields.length === 0) return command.helpInformation();
  const { required = [] } = schema as { required?: readonly string[] };
  const rows = fields.map(([name, { type, description = "", default: usual, enum: words }]) => [
    `  --${name} <${words?.map(String).join("|") ?? [type ?? "json"].flat().join("|")}>`,
    [required.includes(name) ? "required" : "", description, usual === undefined ? "" : `(${JSON.stringify(usual)})`]
      .filter((one) => one !== "")
      .join("; "),
  ]);
  const lines = table(["", ""], rows, terminal.width).split("\n").slice(1).join("\n");
  return `${command.helpInformation()}\nFields of ${target}:\n${lines}\n`;
}
