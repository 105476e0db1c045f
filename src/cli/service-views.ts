// How services and figures look to people.

import type { KpisView, OutputOf, ServiceLine, ServiceOperationLine, ServiceView } from "../api.ts";
import { spanForPeople } from "../base/time.ts";
import { hasSecret } from "../orchestrator.ts";
import { type FieldSchema, fieldsIn } from "./call-fields.ts";
import { cutAtWord, printable, type Terminal, table } from "./terminal.ts";

export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

export function renderServices(
  { services }: { readonly services: readonly ServiceLine[] },
  terminal: Terminal,
  capability?: string,
): string {
  if (services.length === 0) {
    terminal.say(
      capability === undefined
        ? "No services. Find those of this machine: baton services discover --add"
        : `No service has the capability ${printable(JSON.stringify(capability))}. What there is: baton services ls`,
    );
    return "";
  }
  const rows = services.map((line) => [
    line.id,
    healthInWords(line),
    line.capabilities.join(" ") || counted(line.operations, "operation"),
    line.uses === undefined ? line.kind : line.uses + (line.unproven ? " (unproven)" : ""),
    line.isLocal ? "local" : "remote",
    line.address ?? line.baseUrl ?? "",
  ]);
  const columns = [
    { heading: "SERVICE", widthMax: 63 },
    { heading: "HEALTH", widthMax: 44 },
    { heading: "CAN", widthMax: 60 },
    { heading: "KIND", yields: 2 },
    { heading: "DATA", yields: 3 },
    { heading: "ADDRESS", yields: 1, widthMax: 60 },
  ];
  return table(columns, rows, terminal.width);
}

function healthInWords({ health, circuit, because }: ServiceLine): string {
  const state = circuit === "closed" ? health : `${health}, ${circuit === "open" ? "left alone" : "tried again"}`;
  return because === undefined ? state : `${state}: ${because}`;
}

// One service.

/** Lines of what a service says of itself. */
const ABOUT_LINES_MAX = 3;
const ABOUT_WIDTH = 100;

export function renderService(view: ServiceView, terminal: Terminal, _: object, { data }: { readonly data: string }): string {
  const lines: (readonly [string, string | undefined])[] = [
    ["service", `${view.id}  ${view.title === view.id ? "" : view.title}`.trimEnd()],
    ["about", view.description === undefined ? undefined : shortened(view.description)],
    ["kind", view.uses === undefined ? view.kind : `${view.uses} of the catalogue`],
    ["proven", provenInWords(view)],
    ["version", view.version],
    ["address", view.address ?? view.baseUrl],
    ["from", view.source === view.address ? undefined : view.source],
    ["data", view.isLocal ? "stays on this machine and its network" : "goes elsewhere"],
    ["health", `${healthInWords(view)}${view.healthAt === undefined ? "" : ` (${view.healthAt})`}`],
    ["circuit", circuitInWords(view)],
    ["secret", secretInWords(view.authentication, data)],
    ["config", configInWords(view)],
    ["models", view.models?.join(", ")],
    ["chosen", `priority ${view.priority}, weight ${view.weight}`],
    ["limits", limitsInWords(view.limits)],
  ];
  const head = lines
    .filter(([, value]) => value !== undefined && value !== "")
    .flatMap(([name, value = ""]) =>
      printable(value)
        .split("\n")
        .map((line, at) => cutAtWord(`${(at === 0 ? name : "").padEnd(8)} ${line}`, terminal.width)),
    );
  const operations = view.operationList.flatMap((one) => ["", ...operationLines(one, terminal.width)]);
  return [...head, ...operations].join("\n");
}

function shortened(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const shown = lines.slice(0, ABOUT_LINES_MAX).map((line) => cutAtWord(line.trim(), ABOUT_WIDTH));
  return [...shown, ...(lines.length > ABOUT_LINES_MAX ? [`… (${counted(lines.length, "line")}; all of it: --json)`] : [])].join(
    "\n",
  );
}

function provenInWords({ unproven, proven }: ServiceView): string | undefined {
  if (unproven) return "unproven: nobody vouches for the adapter";
  return proven === undefined ? undefined : `the client ${proven} works with what it is tested on`;
}

function circuitInWords({ circuit, circuitHistory }: ServiceView): string | undefined {
  const words = { closed: "closed", open: "open: it is left alone for a while", "half-open": "half-open: one call tries it" };
  if (circuit === "closed" && circuitHistory.length === 0) return undefined;
  return [words[circuit], ...circuitHistory.map(({ at, to, because }) => `${at}  ${to}: ${because}`)].join("\n");
}

function secretInWords(authentication: unknown, data: string): string | undefined {
  const { secret, isOptional } = (authentication ?? {}) as { secret?: string; isOptional?: boolean };
  if (secret === undefined) return undefined;
  const state = hasSecret(data, secret) ? "set" : `not set (baton secrets set ${secret})`;
  return `${secret}, ${isOptional === true ? "optional" : "needed"}, ${state}`;
}

function configInWords({ config, baseUrl }: ServiceView): string {
  return Object.entries((config ?? {}) as Record<string, unknown>)
    .filter(([name, value]) => !(name === "baseUrl" && String(value).replace(/\/+$/, "") === baseUrl))
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

function limitsInWords(limits: unknown): string {
  const { concurrency, rate, timeoutMs } = limits as {
    concurrency: number;
    rate?: { count: number; perMs: number };
    timeoutMs: number;
  };
  const flow = rate === undefined ? "" : `, ${rate.count} in ${spanForPeople(rate.perMs)}`;
  return `${concurrency} at once${flow}, ${spanForPeople(timeoutMs)} for an attempt`;
}

// One operation.

function operationLines(one: ServiceOperationLine, width: number): string[] {
  const { name, how, description, title, input, ui } = one;
  const head = [name, how, one.capabilities.filter((capability) => capability !== name).join(" ")];
  const about = title ?? description?.split("\n")[0];
  const fields = fieldRows(input, ui);
  const lines = [
    head.filter((part) => part !== undefined && part !== "").join("  "),
    ...(about === undefined ? [] : [`  ${about}`]),
    `  ${factsOf(one)}`,
    ...(fields.length === 0 ? [] : table(["  FIELD", "TYPE", "", "ABOUT"], fields, width).split("\n")),
  ];
  return lines.map((line) => cutAtWord(printable(line), width));
}

function factsOf({ effects, idempotent, cost, typicalLatencyMs, timeoutMs }: ServiceOperationLine): string {
  return [
    effects,
    effects === "read" ? "" : idempotent ? "may be done twice" : "done once at most",
    costInWords(cost),
    typicalLatencyMs === null ? "" : `usually ${spanForPeople(typicalLatencyMs)}`,
    `${spanForPeople(timeoutMs)} at most`,
  ]
    .filter((part) => part !== "")
    .join(", ");
}

function costInWords(cost: unknown): string {
  const { usdPerCall, usdPerMillionInputTokens, usdPerMillionOutputTokens } = (cost ?? {}) as Record<string, number | undefined>;
  return [
    usdPerCall === undefined ? "" : `${dollars(usdPerCall)} a call`,
    usdPerMillionInputTokens === undefined ? "" : `${dollars(usdPerMillionInputTokens)} for a million tokens in`,
    usdPerMillionOutputTokens === undefined ? "" : `${dollars(usdPerMillionOutputTokens)} for a million tokens out`,
  ]
    .filter((part) => part !== "")
    .join(", ");
}

function fieldRows(input: unknown, ui: unknown): string[][] {
  const { required = [] } = (input ?? {}) as { required?: readonly string[] };
  const hints = (ui ?? {}) as Record<string, Record<string, unknown>>;
  return Object.entries(fieldsIn(input) ?? {}).map(([name, field]) => [
    `  ${name}`,
    typeOfField(field),
    required.includes(name) ? "required" : field.default === undefined ? "" : `= ${JSON.stringify(field.default)}`,
    [field.description ?? "", hintInWords(hints[name])].filter((part) => part !== "").join("; "),
  ]);
}

function typeOfField({ type, enum: choices, items }: FieldSchema): string {
  if (choices !== undefined) return choices.map((one) => JSON.stringify(one)).join(" | ");
  const types = [type ?? "any"].flat().join(" | ");
  return types === "array" && items?.type !== undefined ? `array of ${[items.type].flat().join(" | ")}` : types;
}

function hintInWords(hint: Record<string, unknown> | undefined): string {
  if (hint === undefined) return "";
  const { label, control, ...rest } = hint;
  const more = Object.entries(rest).map(
    ([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`,
  );
  return `shown as ${[control ?? "a field", ...(label === undefined ? [] : [JSON.stringify(label)]), ...more].join(", ")}`;
}

// Figures, and what was found.

const LOOKED = {
  recognised: "",
  unrecognised: "somebody answers who is not known",
  silent: "nobody answers",
  unknown: "there is no such name",
};

export function renderFound({ found, looked }: OutputOf<"services.discover">, terminal: Terminal): string {
  for (const { host, state } of looked) if (state !== "recognised") terminal.say(`${printable(host)}: ${LOOKED[state]}`);
  if (found.length === 0) return "";
  if (found.some(({ state }) => state === "new")) terminal.say("add them: baton services discover --add");
  const rows = found.map(({ id, title, baseUrl, state, needsKey }) => [
    ...[id, title, baseUrl, needsKey ? `${state}, needs a key` : state],
  ]);
  return table(["SERVICE", "KIND", "ADDRESS", ""], rows, terminal.width);
}

const percent = (share: number | null): string =>
  share === null ? "–" : `${(share * 100).toFixed(share > 0.999 && share < 1 ? 2 : 1)} %`;
const millis = (ms: number | null): string => (ms === null ? "–" : ms < 1_000 ? `${Math.round(ms)} ms` : spanForPeople(ms));
export const dollars = (usd: number): string => `$${usd === 0 || usd >= 0.01 ? usd.toFixed(2) : usd.toPrecision(2)}`;

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
    `${dollars(one.costUsd)}${one.unpriced === 0 ? "" : ` + ${one.unpriced} unknown`}`,
    percent(one.degradedShare),
    one.satisfaction === null ? "–" : String(one.satisfaction),
  ]);
  const columns = [
    "OPERATION",
    "CALLS",
    "OK",
    { heading: "FAILED", widthMax: 40 },
    { heading: "RETRIES", yields: 4 },
    { heading: "P50", yields: 3 },
    "P95",
    { heading: "P99", yields: 6 },
    { heading: "IN LINE", yields: 5 },
    { heading: "TOKENS", yields: 2 },
    { heading: "COST", yields: 1 },
    "DEGRADED",
    "RATED",
  ];
  const circuits = services
    .filter(({ circuitOpened }) => circuitOpened > 0)
    .map(({ service, circuitOpened }) => `${service} was left alone ${counted(circuitOpened, "time")}`);
  return [title, ...head, "", table(columns, rows, terminal.width), ...circuits].join("\n");
}
