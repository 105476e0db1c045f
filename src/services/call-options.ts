// What a call may be told, checked before anybody is asked.
//
//  1. An option that is wrong is a problem that names it; it is never as if it had been left out.
//  2. Only what is written is looked at, so that a replay says the same.

import { type Json, requireJson } from "../base/json.ts";
import { isProblemError } from "../base/problem.ts";
import { limits, readRetryPolicy } from "../run.ts";
import type { CallFallback, CallOptions } from "../workflow.ts";
import { servicesProblems, shown } from "./problems.ts";
import { STRATEGIES } from "./selection.ts";

type Test = (value: unknown) => boolean;
type Fields = Readonly<Record<string, readonly [Test, wanted: string]>>;
type Members = Readonly<Record<string, unknown>>;

const isMembers = (value: unknown): value is Members => typeof value === "object" && value !== null && !Array.isArray(value);
const isText: Test = (value) => typeof value === "string" && value !== "";
const isTexts: Test = (value) => Array.isArray(value) && value.every(isText);
const isAmount: Test = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isSpan: Test = (value) => isAmount(value) && value !== 0 && (value as number) <= limits.WAIT_MS_MAX;

const names = [isTexts, "a list of names of services"] as const;
const usd = [isAmount, "US$, 0 or more"] as const;
const spanMs = [isSpan, "ms, more than 0"] as const;
const target = [isText, "service/operation or a capability"] as const;

const OPTIONS = {
  name: [isText, "a name"],
  strategy: [(value) => (STRATEGIES as readonly unknown[]).includes(value), `one of: ${STRATEGIES.join(", ")}`],
  stickyKey: [(value) => typeof value === "string", "a text"],
  only: names,
  except: names,
  localOnly: [(value) => typeof value === "boolean", "true or false"],
  costMaxUsd: usd,
  valueUsd: usd,
  deadlineMs: [isAmount, "ms, 0 or more"],
  delayUsdPerMs: usd,
  timeoutMs: spanMs,
  attemptTimeoutMs: spanMs,
  retry: [isMembers, "an object like { attemptsMax: 3 }"],
  stream: [isText, "the name of a stream"],
  fallback: [Array.isArray, "a list of what stands in"],
} satisfies Record<keyof CallOptions, Fields[string]>;

/** What each kind of fallback is, and what may stand beside it. */
const FALLBACKS = {
  call: { call: target, input: [() => true, "JSON"] },
  model: { model: [isText, "the name of a model"] },
  lastGood: { lastGood: [isLastGood, "true or { ageMsMax }"] },
  value: { value: [() => true, "JSON"] },
  ask: {
    ask: [isText, "a question"],
    to: [(value) => isText(value) || isTexts(value), "a name, or a list of names"],
    timeoutMs: spanMs,
  },
} satisfies Record<string, Fields>;

export type FallbackKind = keyof typeof FALLBACKS;

const KINDS = Object.keys(FALLBACKS) as readonly FallbackKind[];

function isLastGood(value: unknown): boolean {
  if (value === true) return true;
  return isMembers(value) && Object.keys(value).join() === "ageMsMax" && isAmount(value.ageMsMax);
}

/** Of a fallback that was checked. */
export function kindOf(fallback: CallFallback): FallbackKind | null {
  return KINDS.find((kind) => Object.hasOwn(fallback, kind)) ?? null;
}

/** Throws SERVICE_OPTION_INVALID. */
export function requireOptions(options: CallOptions, input: Json): void {
  if (!isMembers(options as unknown)) throw invalid("The options of a call are no object");
  requireFields(options as Members, OPTIONS, "");
  const { retry, fallback = [] } = options;
  if (retry !== undefined) requireRetry(retry);
  for (const [at, one] of fallback.entries()) requireFallback(one, `fallback[${at}]`, input);
}

function requireFields(written: Members, fields: Fields, place: string): void {
  for (const [name, value] of Object.entries(written)) {
    const [isSo, wanted] = (Object.hasOwn(fields, name) ? fields[name] : undefined) ?? [];
    if (isSo === undefined)
      throw invalid(
        place === "" ? `A call has no option ${shown(name)}` : `${place} has no ${shown(name)}`,
        `There are: ${Object.keys(fields).join(", ")}.`,
      );
    if (value !== undefined && !isSo(value)) throw invalid(`${pathOf(place, name)} is ${told(value)}`, `It is to be ${wanted}.`);
  }
}

function requireRetry(retry: NonNullable<CallOptions["retry"]>): void {
  try {
    readRetryPolicy(retry);
  } catch (error) {
    throw isProblemError(error) ? invalid(error.problem.detail.replace(/\.$/, "")) : error;
  }
}

function requireFallback(written: unknown, place: string, input: Json): void {
  if (!isMembers(written)) throw invalid(`${place} is ${told(written)}`, `One of: ${KINDS.join(", ")}.`);
  const [kind, second] = KINDS.filter((one) => Object.hasOwn(written, one));
  if (kind === undefined) throw invalid(`${place} says nothing that stands in`, `One of: ${KINDS.join(", ")}.`);
  if (second !== undefined) throw invalid(`${place} has ${kind} and ${second}`, "Write them one after the other.");
  requireFields(written, FALLBACKS[kind], place);
  if (kind === "value" || written.input !== undefined) requireValue(written[kind === "value" ? "value" : "input"], place);
  if (kind === "model" && !isMembers(input)) throw invalid(`${place}.model goes with an input that is an object`);
}

function requireValue(value: unknown, place: string): void {
  try {
    requireJson(value, place);
  } catch (error) {
    throw isProblemError(error) ? invalid(error.problem.detail.replace(/\.$/, "")) : error;
  }
}

function pathOf(place: string, name: string): string {
  return place === "" ? name : `${place}.${name}`;
}

/** A value that is none of ours, in a few words. */
function told(value: unknown): string {
  if (typeof value === "string") return shown(value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? `a list of ${value.length}` : "an object";
}

function invalid(sentence: string, fix?: string): Error {
  return servicesProblems.SERVICE_OPTION_INVALID(`${sentence}.`, fix === undefined ? {} : { fix });
}
