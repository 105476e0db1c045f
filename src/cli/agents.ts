// `baton agents add`, `baton delegate`, and how agents and trust look to people. The other commands on agents are made from api/.

import { resolve } from "node:path";
import type { AgentLine, AgentView, OutputOf, TrustView } from "../api.ts";
import type { Json } from "../base/json.ts";
import { spanForPeople } from "../base/time.ts";
import { ask, readAgentManifest } from "../orchestrator.ts";
import { readTypedValue } from "./input.ts";
import { cliProblems } from "./problems.ts";
import { type Told, tellEnd } from "./result.ts";
import { type CommonOptions, carry, openGateFor, readTimeout } from "./run.ts";
import { openTerminal, printable, type Terminal, table } from "./terminal.ts";

export interface AddAgentOptions extends CommonOptions {
  readonly replace?: boolean | undefined;
}

export async function addAgent(file: string, options: AddAgentOptions): Promise<number> {
  const terminal = openTerminal(options);
  const definition = readAgentManifest(file);
  const { replace = false } = options;
  const added = await ask(options.data, "agents.add", { definition, source: resolve(file), replace });
  if (options.json) terminal.data(JSON.stringify({ v: 1, ...added }));
  else {
    terminal.say(`${added.id} is ${added.replaced ? "replaced" : "added"}, ${added.status}`);
    if (added.secret !== undefined) terminal.say(`it needs a key: baton secrets set ${added.secret}`);
    terminal.say(`look at it: baton agents show ${added.id}`);
  }
  return 0;
}

export interface DelegateOptions extends CommonOptions {
  readonly inputText?: string | undefined;
  readonly to?: readonly string[] | undefined;
  readonly kind?: string | undefined;
  readonly strategy?: string | undefined;
  readonly budgetUsd?: string | undefined;
  readonly trustMin?: string | undefined;
  readonly check?: readonly string[] | undefined;
  readonly with: readonly string[];
  readonly allow: readonly string[];
  readonly timeout?: string | undefined;
}

export async function delegateTask(capability: string, options: DelegateOptions): Promise<number> {
  openGateFor(options);
  const until = readTimeout(options.timeout);
  const input = options.inputText === undefined ? null : await readTypedValue(options.inputText);
  const { to = [], kind, strategy, budgetUsd, trustMin, check = [] } = options;
  const task = {
    ...{ capability, input },
    ...(kind === undefined ? {} : { kind }),
    ...(strategy === undefined ? {} : { strategy }),
    ...(to.length === 0 ? {} : { to }),
    ...(check.length === 0 ? {} : { checks: check }),
    ...(budgetUsd === undefined ? {} : { budget: { usd: readNumber("--budget-usd", budgetUsd) } }),
    ...(trustMin === undefined ? {} : { trustMin: readNumber("--trust-min", trustMin, 1) }),
  };
  return carry(options, {
    title: capability,
    files: options.with,
    allow: options.allow,
    detach: false,
    needsOwner: false,
    repeatable: false,
    until,
    begin: (at) => at.call("runs.start", { workflow: "baton/delegate", input: task }),
    again: (run) => `baton runs resume ${run}`,
    tell: tellDelegated,
  });
}

/** Throws USAGE. */
function readNumber(flag: string, text: string, max = Number.MAX_VALUE): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= 0 && value <= max) return value;
  throw cliProblems.USAGE(`${flag} ${JSON.stringify(text)} is not a number from 0${max === 1 ? " to 1" : ""}.`);
}

interface DelegatedOutput {
  readonly output: Json;
  readonly agent: string | null;
  readonly costUsd: number;
  readonly tokens: number;
  readonly latencyMs: number;
  readonly explanation: string;
  readonly tried: readonly { readonly agent: string; readonly how: string; readonly because: string }[];
}

function tellDelegated(terminal: Terminal, options: CommonOptions, told: Told): number {
  const { view } = told;
  if (view?.status !== "completed") return tellEnd(terminal, options, told);
  const done = view.output as unknown as DelegatedOutput;
  if (options.json) {
    terminal.data(JSON.stringify({ v: 1, run: view.run, ...done }));
    return 0;
  }
  terminal.data(printable(typeof done.output === "string" ? done.output : JSON.stringify(done.output, null, 2)));
  for (const { agent, how, because } of done.tried)
    terminal.say(terminal.style("yellow", `${agent} did not do it (${how}): ${printable(because)}`));
  const facts = [spanForPeople(done.latencyMs), ...(done.tokens > 0 ? [`${done.tokens} tokens`] : []), dollars(done.costUsd)];
  terminal.say(`${terminal.style("green", "✓")} ${done.agent ?? "nobody"}  ${facts.join(", ")}  ${view.run}`);
  terminal.say(terminal.style("dim", printable(done.explanation)));
  return 0;
}

const dollars = (usd: number): string => `$${usd === 0 || usd >= 0.01 ? usd.toFixed(2) : usd.toPrecision(2)}`;
const percent = (share: number): string => `${Math.round(share * 100)} %`;

// How answers look.

export function renderAgents({ agents }: { readonly agents: readonly AgentLine[] }, terminal: Terminal): string {
  if (agents.length === 0) {
    terminal.say("No agents. Add one by its manifest: baton agents add writer.yaml");
    return "";
  }
  const rows = agents.map((line) => [
    line.id,
    line.kind,
    line.because === undefined ? statusOf(line) : `unreadable: ${line.because.slice(0, 60)}`,
    `${line.inFlight}/${line.concurrency}`,
    dollars(line.priceUsd),
    line.capabilities.join(" "),
    line.owner ?? "",
  ]);
  return table(["AGENT", "KIND", "STATUS", "AT WORK", "PRICE", "CAN", "OWNER"], rows, Math.max(terminal.columns, 100));
}

function statusOf({ status, circuit }: AgentLine): string {
  return circuit === "closed" ? status : `${status}, ${circuit === "open" ? "left alone" : "tried again"}`;
}

export function renderAgent(view: AgentView): string {
  const { timeoutMs, concurrency } = view.limits as { timeoutMs: number; concurrency: number };
  const lines: (readonly [string, string | undefined])[] = [
    ["agent", `${view.id}  ${view.title}`],
    ["about", view.description],
    ["kind", `${view.kind}, version ${view.version}`],
    ["status", statusOf(view)],
    ["owner", view.owner],
    ["from", view.source],
    ["can", view.capabilities.join(" ")],
    ["tools", view.tools?.join(" ")],
    ["price", dollars(view.priceUsd)],
    ["limits", `${concurrency} at once, ${spanForPeople(timeoutMs)} for one task`],
  ];
  const head = lines
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(8)} ${printable(value ?? "")}`);
  return [...head, "", renderTrust(view.trust)].join("\n");
}

const BARS = "▁▂▃▄▅▆▇█";

/** How the belief went, one bar for each point. */
function chartOf(history: readonly { readonly mean: number }[]): string {
  return history.map(({ mean }) => BARS[Math.min(BARS.length - 1, Math.floor(mean * BARS.length))] ?? "").join("");
}

export function renderTrust({ estimates, said, verdicts }: TrustView): string {
  const rows = estimates.map((one) => [
    one.kind === undefined ? one.capability : `${one.capability} (${one.kind})`,
    percent(one.mean),
    `${percent(one.low)}–${percent(one.high)}`,
    String(one.verdicts),
    one.changedAt === undefined ? "–" : `at verdict ${one.changedAt}`,
    one.latencyMs === undefined ? "–" : spanForPeople(one.latencyMs),
    one.runnerUp ?? "–",
    chartOf(one.history),
  ]);
  const columns = ["CAPABILITY", "RIGHT", "90 % INTERVAL", "VERDICTS", "CHANGED", "TAKES", "RUNNER-UP", "SO FAR"];
  const words = said.map(
    ({ kind, capability, by, why, at }) =>
      `${at}  ${kind}${capability === undefined ? "" : ` at ${capability}`} by ${by}: ${printable(why)}`,
  );
  const last = verdicts
    .filter(({ by }) => by === undefined) // what people said stands above
    .slice(0, 5)
    .map(
      ({ at, verdict, capability, run, because }) =>
        `${at}  ${verdict} at ${capability}${run === undefined ? "" : `  ${run}`}${because === undefined ? "" : `  ${printable(because)}`}`,
    );
  return [table(columns, rows, 140), ...words, ...last].join("\n");
}

export const renderSaid = ({ id, kind, capability }: OutputOf<"agents.pin">): string =>
  `${id}: ${kind}${capability === undefined ? "" : ` at ${capability}`}`;
