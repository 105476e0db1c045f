// What people read of a choice. Generated from state alone, and from all of it that decided.

import { spanForPeople } from "../base/time.ts";
import type { Refusal } from "./admission.ts";
import { intervalOf } from "./agent.ts";
import { type ChooseRequest, expectedUsd, meanOf, type Option, type Terms } from "./option.ts";

/** Peers agree with what is believed where what they say differs by less. */
const AGREEMENT = 0.1;

/** `second`: the best of the others admitted, by expectation. */
export function explain(chosen: Option, second: Option | null, terms: Terms): string {
  const worth = `Expected value ${money(expectedUsd(chosen, terms))} = ${worthInWords(chosen, terms)}.`;
  const change = changeInWords(chosen);
  const words = [`Chosen: ${chosen.name}${pinInWords(chosen)}.`, worth, evidenceInWords(chosen), ...change];
  return [...words, ...secondInWords(chosen, second, terms)].join(" ");
}

function pinInWords({ instruction }: Option): string {
  return instruction?.kind === "pin" ? `, pinned by ${instruction.by} (${instruction.why})` : "";
}

function worthInWords(option: Option, { valueUsd, deadlineMs }: Terms): string {
  const { onTime, latencyMs, priceUsd = 0, delayUsd } = option;
  const isDue = deadlineMs !== Number.POSITIVE_INFINITY && latencyMs !== undefined;
  const timely = isDue ? ` × ${percent(onTime)} % on time` : "";
  const price = priceUsd > 0 ? ` − ${money(priceUsd)} price` : "";
  const delay = delayUsd > 0 ? ` − ${money(delayUsd)} for about ${spanForPeople(Math.min(deadlineMs, latencyMs ?? 0))}` : "";
  return `${money(valueUsd)} × ${percent(meanOf(option))} % right${timely}${price}${delay}`;
}

function evidenceInWords(option: Option): string {
  const { verdicts, right } = option.track.belief;
  const { low, high } = intervalOf(option.track, option.outlook);
  const interval = `90 % interval ${percent(low)}–${percent(high)} %`;
  const own = `${verdicts} verified ${verdicts === 1 ? "task" : "tasks"} (${right} right)`;
  return `${verdicts === 0 ? "No evidence yet" : `Evidence: ${own}`}; ${interval}${peersInWords(option)}.`;
}

function peersInWords(option: Option): string {
  const { right, wrong, peers } = option.imported;
  if (peers === 0) return "";
  const mean = right / (right + wrong);
  const one = peers === 1;
  const agree = Math.abs(mean - meanOf(option)) < AGREEMENT;
  const verb = agree ? (one ? "agrees" : "agree") : `${one ? "says" : "say"} ${percent(mean)} %`;
  const count = Number((right + wrong).toPrecision(2));
  return `; ${peers} ${one ? "peer" : "peers"} ${verb} (${one ? "counts" : "count"} as ${count} ${count === 1 ? "task" : "tasks"})`;
}

function changeInWords(option: Option): string[] {
  const { falls, lastFall, changedAt, firstAt } = option.track.belief;
  if (lastFall === null)
    return changedAt === firstAt ? [] : [`A change for the better at verdict ${changedAt} of the capability.`];
  const { at, from, to } = lastFall;
  const what = `at verdict ${at} of the capability (${percent(from)} %→${percent(to)} %)`;
  const since = meanOf(option) >= (from + to) / 2 ? ", recovered" : "";
  return [falls === 1 ? `One fall ${what}${since}.` : `${falls} falls, the last ${what}${since}.`];
}

function secondInWords(chosen: Option, second: Option | null, terms: Terms): string[] {
  if (second === null) return [];
  const [own, other] = [expectedUsd(chosen, terms), expectedUsd(second, terms)];
  const isTrial = other > own && chosen.instruction?.kind !== "pin";
  const name = other > own ? "Highest expected value" : "Runner-up";
  return [`${name}: ${second.name} ${money(other)}.`, `Chosen by trial draw: ${isTrial ? "yes, to learn" : "no"}.`];
}

export function explainRefusals({ capability }: ChooseRequest, refusals: readonly Refusal[]): string {
  const each = refusals.map(({ agent, why, score, wanted = 0, words = "" }) => {
    if (why === "banned") return `${agent} is banned by ${words}`;
    const of = why === "trust" ? "is believed" : "is surely only";
    return `${agent} ${of} ${percent(score)} % right, ${percent(wanted)} % is asked for`;
  });
  return `Nobody may be asked for "${capability}": ${each.join("; ")}.`;
}

function percent(share: number): string {
  return (100 * share).toFixed(0);
}

/** Two decimals, and for small amounts two digits: $1.00, $0.020. */
function money(usd: number): string {
  const size = Math.abs(usd);
  const decimals = size === 0 ? 2 : Math.min(12, Math.max(2, 1 - Math.floor(Math.log10(size))));
  return `${usd < 0 ? "−" : ""}$${size.toFixed(decimals)}`;
}
