// Commands made from the operations of api/: their arguments, options, help and examples come from the list; here is
// only how an answer looks to people.

import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import {
  type CommandShape,
  type InboxItem,
  type InputOf,
  type OperationName,
  type OutputOf,
  operations,
  type RunLine,
  type RunView,
  type ServiceLine,
  type WorkflowLine,
} from "../api.ts";
import { spanForPeople } from "../base/time.ts";
import { ask, isCarriedWhole, isOwned, loadServices, serviceLineOf } from "../orchestrator.ts";
import { isEnd, type RunStatus } from "../run.ts";
import type { Service } from "../services.ts";
import { renderAgent, renderAgents, renderSaid, renderTrust } from "./agents.ts";
import { addBulk, answerAll, readBulk } from "./bulk.ts";
import { choiceOf, isChoosing, renderChoice } from "./choice.ts";
import { discoverWithProgress } from "./discover.ts";
import { readTypedValue } from "./input.ts";
import { EXIT } from "./problems.ts";
import type { CommonOptions } from "./run.ts";
import { renderFound, renderService, renderServices, renderStats } from "./service-views.ts";
import { openTerminal, printable, type Terminal, table } from "./terminal.ts";

type Render = {
  readonly [N in OperationName]?: (output: OutputOf<N>, terminal: Terminal, input: InputOf<N>, options: CommonOptions) => string;
};

const render: Render = {
  "runs.list": renderList,
  "runs.show": renderRun,
  "runs.journal": ({ entries }, { width }) =>
    table(
      ["SEQ", "AT", "KIND", "KEY", "DATA"],
      entries.map(({ seq, at, kind, key, data }) => [String(seq), at, kind, key ?? "", dataInWords(data)]),
      width,
    ),
  "runs.cancel": standing,
  "runs.migrate": ({ run, status, from, to }) => `${run} is ${status}, with ${to} instead of ${from}`,
  "runs.pause": standing,
  "runs.skip": standing,
  "runs.retry": ({ run, status, from, dropped }) =>
    `${run} is ${status}${from === null ? "" : `, from "${from}"`}; ${dropped === 1 ? "1 entry" : `${dropped} entries`} left its journal`,
  "runs.fork": ({ run, from }) => `${run} was started from ${from}`,
  "runs.delete": ({ run, deleted }) => (deleted === 1 ? `${run} is gone` : `${run} and ${deleted - 1} below it are gone`),
  "runs.signal": ({ run, accepted }) => (accepted ? `${run} has the signal` : `${run} had this signal already`),
  "events.send": ({ accepted, repeated }) => `${accepted} accepted${repeated === 0 ? "" : `, ${repeated} were there already`}`,
  "events.list": renderEvents,
  "workflows.list": ({ workflows }, terminal) => renderWorkflows(workflows, terminal),
  "workflows.show": ({ versions, schedules, retention }, terminal) =>
    [
      renderWorkflows(versions, terminal),
      ...schedules.map((line) => `schedule ${renderSchedule(line)}`),
      retention === null
        ? "ended runs are kept for ever"
        : `ended runs are kept ${spanForPeople(retention.ageMs ?? 0)}, the newest ${retention.countMax}`,
    ].join("\n"),
  "schedules.list": renderSchedules,
  "schedules.add": renderSchedule,
  "schedules.pause": renderSchedule,
  "schedules.resume": renderSchedule,
  "schedules.next": ({ name, firings }, terminal) => {
    if (firings.length === 0) terminal.say(`${name} fires at no moment known now: it is paused, or its last run goes on`);
    return firings.join("\n");
  },
  "schedules.delete": ({ name }) => `${name} is gone`,
  "inbox.list": renderInbox,
  "inbox.show": renderItem,
  "inbox.answer": ({ id }) => `${id} is answered`,
  "inbox.decline": ({ id }) => `${id} is declined`,
  "services.list": (output, terminal, { capability }) => renderServices(output, terminal, capability),
  "services.show": renderService,
  "services.remove": ({ id }) => `${id} is gone`,
  "services.discover": renderFound,
  "services.check": (output, terminal) => renderServices(output, terminal),
  "services.rate": ({ target, rating }) => `${target} is rated ${rating} of 5`,
  "stats.show": renderStats,
  "stats.metrics": ({ text }) => text,
  "agents.list": renderAgents,
  "agents.show": renderAgent,
  "agents.trust": renderTrust,
  "agents.remove": ({ id }) => `${id} is gone`,
  "agents.status": ({ id, status }) => `${id} is ${status}`,
  "agents.pin": renderSaid,
  "agents.ban": renderSaid,
  "agents.clear": renderSaid,
  "agents.forgive": renderSaid,
};

function standing({ run, status }: { run: string; status: string }): string {
  return `${run} is ${status}`;
}

function renderInbox({ items, next }: OutputOf<"inbox.list">, terminal: Terminal): string {
  if (items.length === 0) {
    terminal.say("Nobody is asked anything.");
    return "";
  }
  if (next !== null) terminal.say(`more: --after ${next}`);
  const rows = items.map(({ id, message, name, to, deadlineAt }) => [
    id,
    message ?? name,
    to?.join(", ") ?? "",
    deadlineAt ?? "",
  ]);
  return table(["QUESTION", "WORDS", "ASKED OF", "UNTIL"], rows, terminal.width);
}

function renderEvents({ events, next }: OutputOf<"events.list">, terminal: Terminal): string {
  if (events.length === 0) {
    terminal.say("No events are kept.");
    return "";
  }
  terminal.say(`more: --after ${next}`);
  const rows = events.map(({ time, type, source, id, data }) => [...[time, type, source, id].map(String), dataInWords(data)]);
  return table(["TIME", "TYPE", "SOURCE", "ID", "DATA"], rows, terminal.width);
}

function renderWorkflows(workflows: readonly WorkflowLine[], terminal: Terminal): string {
  if (workflows.length === 0) terminal.say("No workflows. Start one: baton run FILE");
  const rows = workflows.map(({ workflow, runs, open, source }) => [workflow, String(runs), String(open), source ?? ""]);
  return rows.length === 0 ? "" : table(["WORKFLOW", "RUNS", "OPEN", "FILE"], rows, terminal.width);
}

function renderSchedule({ name, when, next, paused, problem }: OutputOf<"schedules.add">): string {
  const state = paused ? "paused" : next === undefined ? "fires when its last run has ended" : `next ${next}`;
  return `${name}: ${when}; ${state}${problem === undefined ? "" : `; ${String(problem.detail)}`}`;
}

function renderSchedules({ schedules }: OutputOf<"schedules.list">, terminal: Terminal): string {
  if (schedules.length === 0) {
    terminal.say("No schedules. Make one: baton schedules add NAME FILE --every 1h");
    return "";
  }
  const rows = schedules.map((line) => [
    ...[line.name, line.workflow, line.when, line.paused ? "paused" : (line.next ?? "")],
    ...[String(line.started), String(line.skipped + line.missed), line.lastRun ?? "", String(line.problem?.code ?? "")],
  ]);
  const head = ["SCHEDULE", "WORKFLOW", "WHEN", "NEXT", "STARTED", "LEFT OUT", "LAST RUN", "PROBLEM"];
  return table(head, rows, terminal.width);
}

function renderItem(item: InboxItem): string {
  const lines: (readonly [string, string | undefined])[] = [
    ["question", item.message ?? item.name],
    ["id", item.id],
    ["workflow", `${item.workflow.namespace}/${item.workflow.name}@${item.workflow.version}`],
    ["asked", item.askedAt],
    ["until", item.deadlineAt ?? undefined],
    ["asked of", item.to?.join(", ")],
    ["default", item.default === null ? undefined : JSON.stringify(item.default.value)],
    ["answer", JSON.stringify(withoutDialect(item.schema))],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(9)} ${printable(value ?? "")}`)
    .join("\n");
}

/** What a schema says of values, without the name of its own language. */
function withoutDialect(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => keyword !== "$schema"));
}

/** How commands are added: `common` adds the options every command has, `end` takes the exit code. */
export interface Adding {
  readonly groupOf: (name: string) => Command;
  readonly common: (command: Command) => Command;
  readonly read: (command: Command) => CommonOptions;
  readonly end: (code: number) => void;
}

/** Adds every operation that has a command. */
export function addOperationCommands(adding: Adding): void {
  for (const [name, operation] of Object.entries(operations) as [
    OperationName,
    (typeof operations)[OperationName] & { cli?: CommandShape },
  ][]) {
    if (operation.cli !== undefined) addCommand(name, operation.summary, operation.cli, adding);
  }
}

function addCommand(name: OperationName, summary: string, shape: CommandShape, { groupOf, common, read, end }: Adding): void {
  const words = shape.command.split(" ");
  const command = common(
    groupOf(words.length > 1 ? (words[0] ?? "") : "")
      .command(words.at(-1) ?? "")
      .description(summary),
  );
  const args = (shape.args ?? []).map((argument) => argument.replace("?", ""));
  for (const argument of shape.args ?? []) {
    const isOptional = argument.endsWith("?") || (shape.bulk === true && argument === "run");
    command.argument(isOptional ? `[${argument.replace("?", "")}]` : `<${argument}>`);
  }
  for (const [field, { flags, about }] of Object.entries(shape.options ?? {})) command.addOption(optionOf(field, flags, about));
  if (shape.bulk === true) addBulk(command);
  if (shape.with === true) command.option("--with <file>", "those that files define, too (repeatable)", collect, []);
  command.addHelpText("after", `\nExamples:\n${shape.examples.map((example) => `  ${example}`).join("\n")}`);
  command.action(async (...given: unknown[]) => {
    const options = command.opts() as Record<string, unknown>;
    const fields = [
      ...args.map((argument, index) => [argument, given[index]] as const),
      ...Object.keys(shape.options ?? {}).map((field) => [field, options[field]] as const),
      ...(takesWho(name) ? [["who", options.who ?? userInfo().username] as const] : []),
    ].filter(([, value]) => value !== undefined);
    const input = Object.fromEntries(fields.map(([field, value]) => [field, value])) as Record<string, unknown>;
    for (const field of shape.paths ?? []) {
      const path = String(input[field] ?? "");
      if (existsSync(path.replace(/#[^#]*$/, "")) || /\.[cm]?[jt]s(#|$)/.test(path)) input[field] = resolve(path);
    }
    for (const field of shape.json ?? []) {
      if (typeof input[field] === "string") input[field] = await readTypedValue(input[field]);
    }
    const common = read(command);
    if (shape.bulk === true && input.run === undefined) await answerAll(name, input, readBulk(options), common);
    else end(await answer(name, input as InputOf<typeof name>, common, (options.with ?? []) as string[]));
  });
}

const collect = (value: string, before: string[]): string[] => [...before, value];

/** By the name of its field, whatever its flag is called. */
function optionOf(field: string, flags: string, about: string): Option {
  const option = new Option(flags, about);
  option.attributeName = () => field;
  return option;
}

function takesWho(name: OperationName): boolean {
  return "who" in (operations[name].input.shape as object);
}

/** Operations after which a run goes on, if somebody carries it. */
const MOVES = new Set<OperationName>([
  "runs.cancel",
  "runs.retry",
  "runs.fork",
  "runs.migrate",
  "runs.skip",
  "runs.signal",
  "inbox.answer",
  "inbox.decline",
]);

async function answer<N extends OperationName>(
  name: N,
  input: InputOf<N>,
  options: CommonOptions,
  files: readonly string[],
): Promise<number> {
  const terminal = openTerminal(options);
  const isLeft = MOVES.has(name) && !(await isOwned(options.data)); // looked at first: an owner may be done with it
  const answered =
    name === "services.discover"
      ? discoverWithProgress(options.data, input as InputOf<"services.discover">, terminal)
      : ask(options.data, name, input);
  const output = withServicesOf(await loadServices(files), (await answered) as OutputOf<N>, input);
  if ((name === "schedules.add" || name === "schedules.resume") && !(await isCarriedWhole(options.data)))
    terminal.say("nobody is there to start its runs; `baton start` is, while it runs");
  const isOver = "status" in output && isEnd(output.status as RunStatus);
  if (isLeft && "run" in output && !isOver)
    terminal.say(`nobody carries it now; \`baton runs resume ${String(output.run)}\` does it here, \`baton start\` for all`);
  if (options.json) terminal.data(JSON.stringify({ v: 1, ...output }));
  else {
    const words = (render[name] as Renderer<N> | undefined)?.(output, terminal, input, options);
    if (words !== "") terminal.data(words ?? JSON.stringify(output, null, 2));
  }
  return name === "services.check" && hasUnhealthy(output) ? EXIT.failed : EXIT.ok;
}

type Renderer<N extends OperationName> = (
  output: OutputOf<N>,
  terminal: Terminal,
  input: InputOf<N>,
  options: CommonOptions,
) => string;

function hasUnhealthy(output: object): boolean {
  const { services = [] } = output as { services?: readonly ServiceLine[] };
  return services.some(({ health }) => health === "unhealthy");
}

/** Of a list of services, with those that files define in the place of those of the same name. */
function withServicesOf<T extends object>(given: readonly Service[], output: T, input: object): T {
  if (given.length === 0) return output;
  const { services } = output as unknown as { services: readonly ServiceLine[] };
  const { capability } = input as { capability?: string };
  const lines = given
    .map((service) => serviceLineOf(service, {}, Date.now()))
    .filter((line) => capability === undefined || line.capabilities.includes(capability));
  const others = services.filter(({ id }) => !given.some((service) => service.id === id));
  return { ...output, services: [...others, ...lines].toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}

function renderList({ runs, nextCursor, owner }: OutputOf<"runs.list">, terminal: Terminal): string {
  if (runs.length === 0) {
    terminal.say("No runs. Start one: baton run FILE");
    return "";
  }
  const inFlight = runs.filter((run) => run.endedAt === undefined && run.status !== "paused").length;
  if (!owner && inFlight > 0)
    terminal.say(`${inFlight} in flight and nobody carries them now; \`baton runs resume RUN\` carries one on`);
  if (nextCursor !== null) terminal.say(`more: --cursor ${nextCursor}`);
  return table(["RUN", "WORKFLOW", "STATUS", "STARTED", "TOOK", "KEY"], runs.map(rowOf), terminal.width);
}

function rowOf(run: RunLine): string[] {
  const { workflow, progress } = run;
  const where = workflow.namespace === "default" ? workflow.name : `${workflow.namespace}/${workflow.name}`;
  const status = run.reason === undefined ? run.status : `${run.status} (${run.reason})`;
  const done = run.endedAt === undefined && progress?.of ? ` ${progress.done}/${progress.of}` : "";
  const took = run.endedAt === undefined ? "" : spanForPeople(Date.parse(run.endedAt) - Date.parse(run.startedAt));
  return [run.run, `${where}@${workflow.version}`, status + done, run.startedAt, took, run.key ?? ""];
}

function renderRun(view: RunView, terminal: Terminal): string {
  const head: (readonly [string, string | undefined])[] = [
    ["run", view.run],
    ["workflow", `${view.workflow.namespace}/${view.workflow.name}@${view.workflow.version}`],
    ["status", view.reason === undefined ? view.status : `${view.status} (${view.reason})`],
    ["waits", view.waitsFor],
    ["key", view.key],
    ["parent", view.parent],
    ["file", view.source],
    ["started", view.startedAt],
    ["ended", view.endedAt],
    ["input", JSON.stringify(view.input)],
    ["output", view.output === undefined ? undefined : JSON.stringify(view.output)],
    ["problem", view.problem === undefined ? undefined : `${view.problem.code}: ${view.problem.detail}`],
    ["fix", view.problem?.fix],
    ["degraded", view.degraded?.map(({ target, how, because }) => `${target}: ${how} (${because})`).join("; ")],
    ["rated", view.ratings?.map(({ target, rating }) => `${target}: ${rating} of 5`).join("; ")],
    ["steps", stepsInWords(view.steps)],
  ];
  const { width } = terminal;
  const lines = head
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) =>
      cut(`${name.padEnd(9)} ${printable(value ?? "")}`, WHOLE.has(name) ? Number.POSITIVE_INFINITY : width),
    );
  const rows = view.operations.map((operation) => [
    operation.key,
    operation.kind,
    operation.status,
    String(operation.attempts || ""),
    timesInWords(operation),
    whatCame(operation),
  ]);
  const columns = ["OPERATION", { heading: "KIND", yields: 1 }, "STATUS", { heading: "TRIES", yields: 2 }, "TIME", "RESULT"];
  const choices = view.operations.flatMap(({ key, output }) => {
    const choice = isChoosing(key) ? choiceOf(output) : null;
    return choice === null ? [] : ["", `${printable(key)}  ${renderChoice(choice, terminal)}`];
  });
  return [...lines, "", table(columns, rows, width), ...choices].join("\n");
}

/** What a person must read to its end, however wide the terminal is. */
const WHOLE = new Set(["problem", "fix", "waits", "degraded"]);

function stepsInWords({ completed, failed, skipped, total }: RunView["steps"]): string {
  return `${completed} completed, ${failed} failed, ${skipped === 0 ? "" : `${skipped} skipped, `}of ${total}`;
}

/** Where the time went; what took none is left out. */
function timesInWords({ timings: { queueMs, runMs, backoffMs, waitMs } }: RunView["operations"][number]): string {
  const parts = [
    ["in line", queueMs],
    ["", runMs],
    ["between tries", backoffMs],
    ["waiting", waitMs],
  ] as const;
  return parts
    .filter(([, ms]) => ms > 0)
    .map(([what, ms]) => `${spanForPeople(ms)}${what === "" ? "" : ` ${what}`}`)
    .join(", ");
}

function whatCame(operation: RunView["operations"][number]): string {
  if (operation.failure !== undefined && operation.status !== "completed")
    return `${operation.failure.message}${operation.failure.at === undefined ? "" : ` (${operation.failure.at})`}`;
  if (operation.waitsUntil !== undefined) return `until ${operation.waitsUntil}`;
  const choice = isChoosing(operation.key) ? choiceOf(operation.output) : null;
  if (choice !== null) return choice.chain[0] === undefined ? "nobody" : `asks ${choice.chain.join(", then ")}`;
  return operation.output === undefined ? "" : dataInWords(operation.output);
}

function dataInWords(data: unknown): string {
  return data === null || data === undefined ? "" : JSON.stringify(data);
}

function cut(line: string, width: number): string {
  const flat = line.replaceAll("\n", " ");
  return flat.length <= width ? flat : `${flat.slice(0, width - 1)}…`;
}
