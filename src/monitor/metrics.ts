// Figures as collectors of metrics read them: the text format of Prometheus. Pure.
//
//  1. Counters count all that is kept, so that they only grow, but for what is too old to be kept.
//  2. A family is there with its HELP and TYPE exactly when it has samples, and its samples stand together.
//
// Source: Prometheus, "Exposition formats", text-based format 0.0.4.

import type { Json } from "../base/json.ts";
import { type Figures, type Histogram, type KeptFigures, quantile, Tally } from "./figures.ts";
import type { KpiSources } from "./kpis.ts";
import { SPANS } from "./rollup.ts";

/** How a service stands; null where nobody knows whether it is well. */
export interface ServiceStands {
  readonly service: string;
  readonly isWell: boolean | null;
  readonly isLeftAlone: boolean;
}

interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "summary";
  readonly help: string;
  readonly samples: readonly Sample[];
}

interface Sample {
  /** Behind the family's name: `_sum`. */
  readonly suffix?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const QUANTILES = [0.5, 0.95, 0.99];
const MS = 1_000;

export function metricsText(sources: KpiSources, stands: readonly ServiceStands[]): string {
  const operations = operationsIn(sources);
  const families = [...countersOf(operations), ...timesOf(operations), ...standsOf(stands), ratingsOf(sources)];
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(familyText)
    .join("");
}

interface OperationTotals {
  readonly labels: { readonly service: string; readonly operation: string };
  readonly figures: Figures;
}

/** Of all that is kept (1); a service's own figures belong to no operation. */
function operationsIn({ rollups, readings }: KpiSources): OperationTotals[] {
  const tallies = new Map<string, { labels: OperationTotals["labels"]; tally: Tally }>();
  const tallyOf = ({ service, operation }: OperationTotals["labels"]): Tally => {
    const key = `${service}/${operation}`;
    const found = tallies.get(key) ?? { labels: { service, operation }, tally: new Tally() };
    tallies.set(key, found);
    return found.tally;
  };
  for (const rollup of rollups)
    if (rollup.spanMs === SPANS.coarseMs) tallyOf(rollup).add(JSON.parse(rollup.figuresText) as KeptFigures);
  for (const reading of readings) tallyOf(reading).count(reading.what, JSON.parse(reading.text) as Record<string, Json>);
  return [...tallies]
    .filter(([, { labels }]) => labels.operation !== "")
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { labels, tally }]) => ({ labels, figures: tally.figures }));
}

function countersOf(operations: readonly OperationTotals[]): Family[] {
  const counter = (name: string, help: string, countIn: (figures: Figures) => number): Family => ({
    ...{ name: `baton_service_${name}_total`, type: "counter", help },
    samples: operations.map(({ labels, figures }) => ({ labels, value: countIn(figures) })),
  });
  const split = (name: string, help: string, partsOf: (figures: Figures) => readonly Sample[]): Family => ({
    ...{ name: `baton_service_${name}_total`, type: "counter", help },
    samples: operations.flatMap(({ labels, figures }) =>
      partsOf(figures).map((part) => ({ ...part, labels: { ...labels, ...part.labels } })),
    ),
  });
  return [
    counter("calls", "First attempts.", ({ calls }) => calls),
    counter("attempts", "Attempts, first and repeated.", ({ attempts }) => attempts),
    split("failures", "Attempts that failed, by class.", ({ failures }) =>
      Object.entries(failures).map(([name, value]) => ({ labels: { class: name }, value })),
    ),
    counter("degraded", "Results that are less than what was asked for.", ({ degraded }) => degraded),
    split("tokens", "Tokens, by direction.", ({ inputTokens, outputTokens }) => [
      { labels: { direction: "input" }, value: inputTokens },
      { labels: { direction: "output" }, value: outputTokens },
    ]),
    counter("cost_usd", "What attempts cost, in US dollars, as far as it is known.", ({ costUsd }) => costUsd),
    counter("unpriced", "Attempts of which nobody knows what they cost.", ({ unpriced }) => unpriced),
  ];
}

function timesOf(operations: readonly OperationTotals[]): Family[] {
  const summary = (name: string, help: string, timesIn: (figures: Figures) => Times): Family => ({
    ...{ name: `baton_service_${name}_seconds`, type: "summary", help },
    samples: operations.flatMap(({ labels, figures }) => samplesOf(labels, timesIn(figures))),
  });
  return [
    summary("latency", "Time of attempts that succeeded.", ({ latency, latencySumMs }) => ({ of: latency, sumMs: latencySumMs })),
    summary("queue", "Time in line before the first attempt.", ({ queue }) => ({ of: queue, sumMs: null })),
  ];
}

interface Times {
  readonly of: Histogram;
  readonly sumMs: number | null;
}

function samplesOf(labels: Sample["labels"], { of, sumMs }: Times): Sample[] {
  const count = Object.values(of).reduce((all, one) => all + one, 0);
  const quantiles = QUANTILES.map((share) => ({ share, ms: quantile(of, share) }));
  return [
    ...quantiles.flatMap(({ share, ms }) =>
      ms === null ? [] : [{ labels: { ...labels, quantile: String(share) }, value: ms / MS }],
    ),
    ...(sumMs === null ? [] : [{ suffix: "_sum", labels, value: sumMs / MS }]),
    { suffix: "_count", labels, value: count },
  ];
}

function standsOf(stands: readonly ServiceStands[]): Family[] {
  const up = stands.flatMap(({ service, isWell }) => (isWell === null ? [] : [{ labels: { service }, value: Number(isWell) }]));
  const open = stands.map(({ service, isLeftAlone }) => ({ labels: { service }, value: Number(isLeftAlone) }));
  return [
    { name: "baton_service_up", type: "gauge", help: "1 where the last look found it well.", samples: up },
    {
      name: "baton_service_circuit_open",
      type: "gauge",
      help: "1 where it is left alone because it kept failing.",
      samples: open,
    },
  ];
}

function ratingsOf({ ratings }: KpiSources): Family {
  const byOperation = Map.groupBy(ratings, ({ service, operation }) => `${service}/${operation}`);
  const samples = [...byOperation.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const { service, operation } = first;
    return [{ labels: { service, operation }, value: own.reduce((all, { rating }) => all + rating, 0) / own.length }];
  });
  return { name: "baton_service_rating", type: "gauge", help: "Mean of what people said of results, 1 to 5.", samples };
}

function familyText({ name, type, help, samples }: Family): string {
  const lines = samples.map(({ suffix = "", labels, value }) => `${name}${suffix}${labelsText(labels)} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}

function labelsText(labels: Sample["labels"]): string {
  const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",")}}`;
}
