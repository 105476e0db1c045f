// Commands made from the operations of api/: their arguments, options, help and examples come from the list; here is
// only how an answer looks to people.

import type { Command } from "commander";
import {
  type CommandShape,
  type InputOf,
  type OperationName,
  type OutputOf,
  operations,
  type RunLine,
  type RunView,
} from "../api.ts";
import { spanForPeople } from "../base/time.ts";
import { ask } from "../orchestrator.ts";
import type { CommonOptions } from "./run.ts";
import { openTerminal, printable, type Terminal, table } from "./terminal.ts";

type Render = { readonly [N in OperationName]?: (output: OutputOf<N>, terminal: Terminal) => string };

const render: Render = {
  "runs.list": renderList,
  "runs.show": renderRun,
  "runs.journal": ({ entries }) =>
    table(
      ["SEQ", "AT", "KIND", "KEY", "DATA"],
      entries.map(({ seq, at, kind, key, data }) => [String(seq), at, kind, key ?? "", dataInWords(data)]),
      200,
    ),
  "runs.cancel": ({ run, status }) => `${run} is ${status}`,
};

/** Adds every operation that has a command. `common` adds the options every command has; `end` takes the exit code. */
export function addOperationCommands(
  groupOf: (name: string) => Command,
  common: (command: Command) => Command,
  read: (command: Command) => CommonOptions,
): void {
  for (const [name, operation] of Object.entries(operations) as [
    OperationName,
    (typeof operations)[OperationName] & { cli?: CommandShape },
  ][]) {
    if (operation.cli !== undefined) addCommand(name, operation.summary, operation.cli, groupOf, common, read);
  }
}

function addCommand(
  name: OperationName,
  summary: string,
  shape: CommandShape,
  groupOf: (name: string) => Command,
  common: (command: Command) => Command,
  read: (command: Command) => CommonOptions,
): void {
  const [group = "", verb = ""] = shape.command.split(" ");
  const command = common(groupOf(group).command(verb).description(summary));
  for (const argument of shape.args ?? []) command.argument(`<${argument}>`);
  for (const { flags, about } of Object.values(shape.options ?? {})) command.option(flags, about);
  command.addHelpText("after", `\nExamples:\n${shape.examples.map((example) => `  ${example}`).join("\n")}`);
  command.action(async (...given: unknown[]) => {
    const options = command.opts() as Record<string, unknown>;
    const input = Object.fromEntries([
      ...(shape.args ?? []).map((argument, index) => [argument, given[index]]),
      ...Object.keys(shape.options ?? {}).flatMap((field) => (options[field] === undefined ? [] : [[field, options[field]]])),
    ]) as InputOf<typeof name>;
    await answer(name, input, read(command));
  });
}

async function answer<N extends OperationName>(name: N, input: InputOf<N>, options: CommonOptions): Promise<void> {
  const terminal = openTerminal(options);
  const output = await ask(options.data, name, input);
  if (options.json) terminal.data(JSON.stringify({ v: 1, ...output }));
  else
    terminal.data(
      (render[name] as ((output: OutputOf<N>, terminal: Terminal) => string) | undefined)?.(output, terminal) ??
        JSON.stringify(output, null, 2),
    );
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
  return table(
    ["RUN", "WORKFLOW", "STATUS", "STARTED", "TOOK", "KEY"],
    runs.map(rowOf),
    terminal.columns > 80 ? terminal.columns : 120,
  );
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
    ["steps", `${view.steps.completed} completed, ${view.steps.failed} failed, of ${view.steps.total}`],
  ];
  const width = Math.max(terminal.columns, 100);
  const lines = head
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => cut(`${name.padEnd(9)} ${printable(value ?? "")}`, width));
  const rows = view.operations.map((operation) => [
    operation.key,
    operation.kind,
    operation.status,
    String(operation.attempts || ""),
    whatCame(operation),
  ]);
  return [...lines, "", table(["OPERATION", "KIND", "STATUS", "TRIES", "RESULT"], rows, width)].join("\n");
}

function whatCame(operation: RunView["operations"][number]): string {
  if (operation.failure !== undefined && operation.status !== "completed")
    return `${operation.failure.message}${operation.failure.at === undefined ? "" : ` (${operation.failure.at})`}`;
  if (operation.waitsUntil !== undefined) return `until ${operation.waitsUntil}`;
  return operation.output === undefined ? "" : dataInWords(operation.output);
}

function dataInWords(data: unknown): string {
  return data === null || data === undefined ? "" : JSON.stringify(data);
}

function cut(line: string, width: number): string {
  const flat = line.replaceAll("\n", " ");
  return flat.length <= width ? flat : `${flat.slice(0, width - 1)}…`;
}
