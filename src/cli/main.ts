// The command `baton`: reads what was typed, asks, prints, and ends with an exit code. Nothing here knows how runs are
// carried; and no stack trace leaves here.

import { Console } from "node:console";
import { readFileSync } from "node:fs";
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { apiProblems } from "../api.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import { isLoading, orchestratorProblems } from "../orchestrator.ts";
import { failureOf } from "../run.ts";
import { STRATEGIES } from "../services.ts";
import { addAgent, delegateTask } from "./agents.ts";
import { type CallServiceOptions, callHelp, callService } from "./call.ts";
import { check } from "./check.ts";
import { completion, SHELLS, type Shell } from "./completion.ts";
import { doctor } from "./doctor.ts";
import { drawGraph, GRAPH_FORMATS, type GraphFormat, sayDiagnostics, validate } from "./documents.ts";
import { explain } from "./explain.ts";
import { leave, meanToLeave, onUnmeantExit } from "./leave.ts";
import { cliProblems, EXIT, exitCodeOf } from "./problems.ts";
import { type CommonOptions, defaultData, resumeRun, runFile } from "./run.ts";
import { addOperationCommands } from "./runs.ts";
import { removeSecret, setSecretHere, showSecrets } from "./secrets.ts";
import { addService } from "./services.ts";
import { startOwner } from "./start.ts";
import { openTerminal, printable } from "./terminal.ts";
import { followStream, watchRun } from "./watch.ts";

/** Commands of the plan that are not built yet: named, so that nobody takes them for a typing error. */
const NOT_YET = new Set([
  ...["workflows publish"],
  ...["agents verify", "verify"],
  ...["keys", "insights", "preferences", "init", "templates", "plan", "peers"],
]);

/** Carries out what was typed; gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  guardProcess();
  return await carryOut(argv).finally(meanToLeave);
}

async function carryOut(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = build((ended) => {
    code = ended;
  });
  try {
    refuseNotYet(argv);
    if (argv.length === 0) {
      program.outputHelp({ error: true });
      return EXIT.usage;
    }
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    return tell(error, argv);
  }
}

function refuseNotYet(argv: readonly string[]): void {
  const words = argv.filter((word) => !word.startsWith("-"));
  const found = [words[0] ?? "", `${words[0]} ${words[1]}`].find((name) => NOT_YET.has(name));
  if (found !== undefined) throw apiProblems.NOT_YET(`\`baton ${found}\` is not built yet.`);
  const url = argv.find((word) => word === "--url" || word.startsWith("--url="));
  if (url !== undefined) throw apiProblems.NOT_YET("`--url` is not built yet: there is no server to reach.");
}

/** What was thrown, told once, on stderr. */
function tell(error: unknown, argv: readonly string[]): number {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  if (error instanceof CommanderError && error.code === "commander.help") return EXIT.usage; // the help was the answer
  const terminal = openTerminal({ quiet: false, json: argv.includes("--json"), input: false });
  const problem = error instanceof CommanderError ? usage(error) : problemOf(error);
  terminal.complain(argv.includes("--json") ? problem : sayDiagnostics(problem, terminal));
  return exitCodeOf(problem);
}

function usage(error: CommanderError): Problem {
  return cliProblems.USAGE(error.message.replace(/^error: /, "").replaceAll("\n", " ")).problem;
}

function problemOf(error: unknown): Problem {
  if (isProblemError(error)) return error.problem;
  const { message } = failureOf(error, "BUG");
  return {
    code: "BUG",
    status: 500,
    title: "Something unexpected happened.",
    detail: `Unexpected: ${message}`,
    fix: "This is a bug in Baton; what was accepted is safe on disk.",
  };
}

/** A floating promise of some workflow must not take all runs down; anything worse ends the process in one sentence. */
function guardProcess(): void {
  globalThis.console = new Console(process.stderr, process.stderr); // stdout is for data, whoever prints
  process.on("unhandledRejection", (reason) => {
    process.stderr.write(`warning: a promise nobody waited for was rejected: ${inWords(reason)}\n`);
  });
  process.on("uncaughtException", (error: unknown) => {
    process.stderr.write(
      `error[UNCAUGHT] ${inWords(error)}\n  Code outside any step threw; runs in flight go on with the next \`baton runs resume\`.\n`,
    );
    leave(EXIT.bug);
  });
  onUnmeantExit(tellOfExit);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => leave(error.code === "EPIPE" ? EXIT.ok : EXIT.bug));
  process.stderr.on("error", () => undefined); // nobody listens any more: no reason to drop a run
}

/** A workflow's code has ended the process: nothing is lost, but nobody was told how it stands. */
function tellOfExit(): number {
  const problem = isLoading()
    ? orchestratorProblems.WF_LOAD_FAILED(
        "The file ended the process, or waits for something that never comes, while it was being loaded.",
      )
    : cliProblems.PROCESS_ENDED("process.exit was called while a run was carried; `baton runs ls` shows it.");
  openTerminal({ quiet: false, json: process.argv.includes("--json"), input: false }).complain(problem.problem);
  return exitCodeOf(problem.problem);
}

function inWords(thrown: unknown): string {
  return printable(failureOf(thrown, "UNCAUGHT").message);
}

function build(end: (code: number) => void): Command {
  const program = new Command("baton")
    .description("Durable orchestration of AI services and agents.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .addHelpText("after", `\n${EXIT_CODES}`);
  addRun(program, end);
  addStart(program, end);
  const group = (name: string, about: string): Command =>
    program
      .command(name)
      .description(about)
      .exitOverride()
      .configureOutput({ outputError: () => undefined });
  const groups = new Map([
    ["runs", group("runs", "Look at runs and steer them.")],
    ["workflows", group("workflows", "What runs were started with.")],
    ["schedules", group("schedules", "Workflows that are started again and again.")],
    ["events", group("events", "Events for whoever listens.")],
    ["inbox", group("inbox", "Questions that wait for a person.")],
    ["services", group("services", "What can be called: find, add, call, rate.")],
    ["agents", group("agents", "Who can be given tasks: add, look at, trust, pin, ban.")],
  ]);
  const groupOf = (name: string): Command => groups.get(name) ?? program;
  addOperationCommands({ groupOf, common: withCommon, read: readCommon, end });
  addWatch(groupOf("runs"), end);
  addStream(groupOf("runs"), end);
  addCheck(program, end);
  addValidate(program, end);
  addGraph(program, end);
  addSecrets(program, end);
  addServices(groupOf("services"), end);
  addAgents(groupOf("agents"), end);
  addDelegate(program, end);
  addDoctor(program, end);
  addExplain(program, end);
  addCompletion(program);
  addResume(groupOf("runs"), end);
  return program;
}

const EXIT_CODES = `Exit codes: 0 ok · 1 run failed · 2 usage · 3 workflow invalid · 4 not found · 5 not allowed · 6 conflict
  7 timed out or canceled · 8 waits for a person · 69 owner unreachable · 70 bug · 74 storage · 130 interrupted`;

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string };
  return version;
}

function withCommon(command: Command): Command {
  return command
    .option("--data <dir>", "the data directory (BATON_DATA, else .baton)")
    .option("--url <url>", "a server to ask instead")
    .option("--json", 'print one JSON object (with "v": 1) on stdout')
    .option("-q, --quiet", "print nothing but data and errors")
    .addOption(noInput())
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
}

/** `--no-input` is about asking people, not the opposite of `--input`. */
function noInput(): Option {
  const option = new Option("--no-input", "never ask a person here");
  option.attributeName = () => "ask";
  return option;
}

function readCommon(command: Command): CommonOptions {
  const { data, json, quiet, ask } = command.opts() as { data?: string; json?: boolean; quiet?: boolean; ask?: boolean };
  const path = data ?? defaultData();
  if (path === "" || path.includes("\0")) throw cliProblems.USAGE("--data is not a path.");
  return { data: path, json: json === true, quiet: quiet === true, input: ask !== false };
}

const collect = (value: string, before: string[]): string[] => [...before, value];
const collectPaths = (path: string, before: string[]): string[] => [...before, requirePath(path)];

function addRun(program: Command, end: (code: number) => void): void {
  const command = withCommon(
    program.command("run").description("Run a workflow from a TypeScript, JavaScript, YAML or JSON file, to its end."),
  )
    .argument("<file>", "FILE or FILE#export", requirePath)
    .option("--input <json>", "the input: JSON, @file, or - for standard input")
    .option("-i, --set <key=value>", "one field of the input (repeatable)", collect, [])
    .option("-k, --key <key>", "start once: the same key and input give the same run")
    .option("--with <file>", "make further workflows known (repeatable)", collectPaths, [])
    .option(...ALLOW)
    .option("--detach", "start it at the owner and leave")
    .option("--timeout <span>", "how long this command waits, like 30s; the run itself goes on")
    .addHelpText(
      "after",
      `\nExamples:\n  baton run brief.ts -i topic=tides\n  baton run brief.ts --input @input.json --key tides-1 --json\n\n${EXIT_CODES}`,
    );
  command.action(async (file: string) => {
    const options = command.opts() as {
      input?: string;
      set: string[];
      key?: string;
      with: string[];
      allow: string[];
      detach?: boolean;
      timeout?: string;
    };
    const { input: inputText, set: fields, key, with: withFiles, allow, detach = false, timeout } = options;
    end(await runFile(file, { ...readCommon(command), inputText, fields, key, with: withFiles, allow, detach, timeout }));
  });
}

function addStart(program: Command, end: (code: number) => void): void {
  for (const [name, about] of [
    ["start", "Carry every run of the data directory, and answer other commands, until stopped."],
    ["dev", "The same, and load the files again when they change."],
  ] as const) {
    const command = withCommon(program.command(name).description(about))
      .argument("[files...]", "workflow files to make known")
      .option(...ALLOW)
      .addHelpText("after", `\nExamples:\n  baton ${name} workflows/*.ts\n  baton ${name} --data /var/lib/baton`);
    command.action(async (files: string[]) => {
      const { allow } = command.opts() as { allow: string[] };
      end(await startOwner(files.map(requirePath), { ...readCommon(command), allow, reload: name === "dev" }));
    });
  }
}

const ALLOW: [string, string, (value: string, before: string[]) => string[], string[]] = [
  "--allow <host>",
  "let calls reach a private host, HOST or HOST:PORT (repeatable)",
  collect,
  [],
];

function requirePath(path: string): string {
  if (path === "" || path.includes("\0") || path.length > 4_096) throw new InvalidArgumentError("It is not a path.");
  return path;
}

function addWatch(runs: Command, end: (code: number) => void): void {
  const command = withCommon(
    runs.command("watch").description("Print every entry of a run's journal as it is written, until the run ends."),
  )
    .argument("<run>")
    .option("--timeout <span>", "how long to watch")
    .addHelpText("after", "\nExamples:\n  baton runs watch run_k3f90001\n  baton runs watch run_k3f90001 --json | jq .kind");
  command.action(async (run: string) => {
    end(await watchRun(run, { ...readCommon(command), timeout: (command.opts() as { timeout?: string }).timeout }));
  });
}

function addCheck(program: Command, end: (code: number) => void): void {
  const command = withCommon(
    program.command("check").description("Say what the code of a file would do to runs that have not ended. Executes no step."),
  )
    .argument("<file>", "FILE or FILE#export", requirePath)
    .addHelpText("after", "\nExamples:\n  baton check brief.ts\n  baton check brief.ts --json");
  command.action(async (file: string) => end(await check(file, readCommon(command))));
}

function addValidate(program: Command, end: (code: number) => void): void {
  const command = withCommon(
    program
      .command("validate")
      .description("Say everything that is wrong with documents of workflows and services, and where. Runs nothing."),
  )
    .argument("<files...>", "documents: .yaml, .yml or .json")
    .option("--with <file>", "make further workflows known as functions (repeatable)", collectPaths, [])
    .addHelpText("after", "\nExamples:\n  baton validate order.yaml\n  baton validate wiki.yaml flows/*.yaml --json");
  command.action(async (files: string[]) => {
    const { with: withFiles } = command.opts() as { with: string[] };
    end(await validate(files.map(requirePath), { ...readCommon(command), with: withFiles }));
  });
}

function addSecrets(program: Command, end: (code: number) => void): void {
  const secrets = program.command("secrets").description("What calls need and nobody may read.");
  const set = withCommon(
    secrets.command("set").description("Keep a secret: its value is read from standard input, or asked for."),
  )
    .argument("<name>")
    .option("--host <host>", "the only hosts it may be sent to, HOST or HOST:PORT (repeatable)", collect, [])
    .addHelpText("after", "\nExamples:\n  baton secrets set apiKey\n  baton secrets set apiKey --host api.example.com < key.txt");
  set.action(async (name: string) => {
    const { host } = set.opts() as { host: string[] };
    end(await setSecretHere(name, { ...readCommon(set), hosts: host }));
  });
  const ls = withCommon(secrets.command("ls").description("List secrets: names, dates and hosts; never values."));
  ls.addHelpText("after", "\nExamples:\n  baton secrets ls --json").action(() => end(showSecrets(readCommon(ls))));
  const rm = withCommon(secrets.command("rm").description("Delete a secret.")).argument("<name>");
  rm.addHelpText("after", "\nExamples:\n  baton secrets rm apiKey").action((name: string) =>
    end(removeSecret(name, readCommon(rm))),
  );
}

function addAgents(agents: Command, end: (code: number) => void): void {
  const add = withCommon(agents.command("add").description("Add an agent by its manifest, in YAML or JSON."))
    .argument("<file>", "the manifest", requirePath)
    .option("--replace", "instead of the one of that name")
    .addHelpText("after", "\nExamples:\n  baton agents add writer.yaml\n  baton agents add writer.yaml --replace --json");
  add.action(async (file: string) => end(await addAgent(file, { ...(add.opts() as object), ...readCommon(add) })));
}

function addDelegate(program: Command, end: (code: number) => void): void {
  const command = withCommon(program.command("delegate").description("Hand one task to whoever has earned it, as a run."))
    .argument("<capability>", "what it takes: write.brief")
    .option("--input <json>", "what is given: JSON, text, @file, or -")
    .option("--to <agent>", "only this agent (repeatable)", collect, [])
    .option("--kind <kind>", "what sort of task it is")
    .option("--strategy <name>", "how one of several is chosen: learned, priority, least-cost, least-latency")
    .option("--budget-usd <usd>", "at most this is spent on it")
    .option("--trust-min <share>", "how likely an agent must be right, from 0 to 1")
    .option("--check <jq>", "true where the result is right (repeatable)", collect, [])
    .option("--with <file>", "make workflows, services and agents known (repeatable)", collectPaths, [])
    .option(...ALLOW)
    .option("--timeout <span>", "how long this command waits")
    .addHelpText(
      "after",
      "\nExamples:\n  baton delegate write.brief --input '\"tides\"'\n  baton delegate text.count --input @page.txt --check '. > 0' --json",
    );
  command.action(async (capability: string) => {
    const { input: inputText, ...rest } = command.opts() as { input?: string; with: string[]; allow: string[] };
    end(await delegateTask(capability, { ...rest, inputText, ...readCommon(command) }));
  });
}

function addServices(services: Command, end: (code: number) => void): void {
  const add = withCommon(
    services
      .command("add")
      .description("Add a service: a definition or an OpenAPI document, an entry of the catalogue, an MCP server."),
  )
    .argument("<target>", "FILE, URL, an entry of the catalogue (ollama, openai, …), or a name with --stdio")
    .argument("[command...]", "with --stdio: what starts the server, after --")
    .option("--name <name>", "what it is called by here")
    .option("--base-url <url>", "where it is")
    .option("--mcp", "the URL is of an MCP server")
    .option("--stdio", "an MCP server that is a process of this machine")
    .option("--replace", "instead of the one of that name")
    .option("--priority <number>", "1 is asked first; 100 where left out")
    .option("--weight <number>", "its share where services take turns by weight")
    .addOption(new Option("--goes <where>", "where what it is sent goes").choices(["local", "remote"]))
    .option("--config <key=value>", "a value of its configuration, JSON or text (repeatable)", collect, [])
    .option("--secret <name>", "the secret that it is called with: baton secrets set NAME")
    .addHelpText(
      "after",
      "\nExamples:\n  baton services add wiki.yaml\n  baton services add https://api.example.com/openapi.json\n  baton services add ollama --base-url http://gpu-box:11434 --name gpu --priority 10 --config model=llama3.2\n  baton services add http://127.0.0.1:3000/mcp --mcp --name tools\n  baton services add files --stdio -- npx -y @modelcontextprotocol/server-filesystem .",
    );
  add.action(async (target: string, words: string[]) => {
    const options = add.opts() as { config: string[] };
    end(await addService(target, words, { ...options, ...readCommon(add) }));
  });
  addCall(services, end);
}

function addCall(services: Command, end: (code: number) => void): void {
  const call = withCommon(services.command("call").description("Call a service once, as a run."))
    .argument("[target]", "SERVICE/OPERATION, or a capability: llm.chat")
    .argument("[fields...]", "fields of its input: --prompt hello; a list takes its flag again and again")
    .option("--input <json>", "the input: JSON, @file, or -; fields that are named like an option go here")
    .option("--strategy <name>", `how one of several is chosen: ${STRATEGIES.join(", ")}`)
    .option("--only <service>", "ask none but these (repeatable)", collect, [])
    .option("--except <service>", "ask all but these (repeatable)", collect, [])
    .option("--local-only", "only services of this machine and its network")
    .option("--sticky-key <key>", "with --strategy sticky: calls of one key go to one service")
    .option("--cost-max <usd>", "none that is expected to cost more, in US$")
    .option("--timeout <span>", "how long a service may take, all its attempts together: 30s, or ms")
    .option("--fallback-value <json>", "the result where nobody can answer")
    .option("--stream", "print what it says as it comes")
    .option("--explain", "say who was chosen, and why")
    .option("--output <file>", "write the file in the result there, further ones to FILE-2 …; - is standard output")
    .option("--with <file>", "make services of a file known (repeatable)", collectPaths, [])
    .option(...ALLOW)
    .option("-h, --help", "show help, with the fields of TARGET")
    .helpOption(false)
    .allowUnknownOption()
    .addHelpText(
      "after",
      '\nExamples:\n  baton services call llm.chat --prompt "Why is the sky blue?" --stream --explain\n  baton services call wiki/search --input \'{"q":"tides"}\' --json\n  baton services call image.generate --prompt "a lighthouse" --output lighthouse.png\n  baton services call words/count --with words.ts --input \'"how many"\'\n  baton services call ollama/chat --help',
    );
  call.action(async (target: string | undefined, fields: string[]) => {
    const { input: inputText, help, ...options } = call.opts() as CallFlags;
    const common = readCommon(call);
    if (help === true || target === undefined) {
      const terminal = openTerminal(common);
      process.stdout.write(await callHelp(call, target, { data: common.data, with: options.with }, terminal));
      return end(target === undefined && help !== true ? 2 : 0);
    }
    end(await callService(target, fields, { ...options, ...common, inputText }));
  });
}

type CallFlags = Omit<CallServiceOptions, "inputText" | "input"> & { readonly input?: string; readonly help?: boolean };

function addGraph(program: Command, end: (code: number) => void): void {
  const command = withCommon(program.command("graph").description("Draw a workflow document."))
    .argument("<file>", "a document: .yaml, .yml or .json", requirePath)
    .addOption(new Option("--format <format>", "how").choices(GRAPH_FORMATS).default("text"))
    .addHelpText("after", "\nExamples:\n  baton graph order.yaml\n  baton graph order.yaml --format svg > order.svg");
  command.action((file: string) => {
    end(drawGraph(file, (command.opts() as { format: GraphFormat }).format, readCommon(command)));
  });
}

function addDoctor(program: Command, end: (code: number) => void): void {
  const command = withCommon(
    program
      .command("doctor")
      .description("Look at the runtime, the disk, the lock, the clock and the database, and say what is wrong."),
  ).addHelpText("after", "\nExamples:\n  baton doctor\n  baton doctor --data /var/lib/baton --json");
  command.action(async () => end(await doctor(readCommon(command))));
}

function addExplain(program: Command, end: (code: number) => void): void {
  const command = withCommon(program.command("explain").description("Say what a problem's code means, and what to do about it."))
    .argument("<code>")
    .addHelpText("after", "\nExamples:\n  baton explain REPLAY_MISMATCH");
  command.action((code: string) => end(explain(code, readCommon(command))));
}

function addCompletion(program: Command): void {
  program
    .command("completion")
    .description("Print what a shell needs to complete commands: bash, zsh or fish.")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .addHelpText(
      "after",
      "\nExamples:\n  source <(baton completion bash)\n  baton completion fish > ~/.config/fish/completions/baton.fish",
    )
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .action((shell: Shell) => void process.stdout.write(completion(program, shell)));
}

function addStream(runs: Command, end: (code: number) => void): void {
  const command = withCommon(runs.command("stream").description("Print what a run says on its streams, one item a line."))
    .argument("<run>")
    .argument("[stream]")
    .option("--after <seq>", "only items after this one", "0")
    .option("-f, --follow", "go on until the run ends")
    .addHelpText(
      "after",
      "\nExamples:\n  baton runs stream run_k3f90001 words --follow\n  baton runs stream run_k3f90001 --json --after 120",
    );
  command.action(async (run: string, stream: string | undefined) => {
    const { after, follow = false } = command.opts() as { after: string; follow?: boolean };
    end(await followStream(run, stream, { ...readCommon(command), after: Number(after), follow }));
  });
}

interface ResumeFlags {
  readonly with: string[];
  readonly allow: string[];
  readonly wait?: boolean;
  readonly timeout?: string;
}

function addResume(runs: Command, end: (code: number) => void): void {
  const command = withCommon(
    runs.command("resume").description("Let a paused run go on, and carry a run that nobody carries to its end."),
  )
    .argument("<run>")
    .option("--with <file>", "make further workflows known (repeatable)", collectPaths, [])
    .option(...ALLOW)
    .option("--no-wait", "only lift the pause")
    .option("--timeout <span>", "how long this command waits; the run itself goes on")
    .addHelpText(
      "after",
      "\nExamples:\n  baton runs resume run_k3f90001\n  baton runs resume run_k3f90001 --with moved/brief.ts",
    );
  command.action(async (run: string) => {
    const { with: withFiles, allow, wait = true, timeout } = command.opts() as ResumeFlags;
    end(await resumeRun(run, { ...readCommon(command), with: withFiles, allow, wait, timeout }));
  });
}
