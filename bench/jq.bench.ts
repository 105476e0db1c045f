// jq: an expression beside the same in JavaScript by hand, and beside the fastest engine on npm that reads jq.

// @ts-expect-error it has no types
import * as jqjs from "@michaelhomer/jqjs";
import type { Json } from "../src/base/json.ts";
import { compile } from "../src/jq.ts";
import { tidy } from "./measure.ts";
import type { BenchOptions } from "./row.ts";

export const name = "jq";

const ROUNDS = 5;
const INPUTS = 64;

interface Contest {
  readonly case: string;
  readonly inputs: readonly Json[];
  readonly ours: (input: Json) => unknown;
  readonly other: (input: Json) => unknown;
  readonly against: string;
}

const pairs = several((i) => ({ a: { b: i, c: "x" }, d: [i] }));
const lists = several((i) => Array.from({ length: 20 }, (_, at) => ({ price: (at * 7 + i) % 23, name: `n${at}` })));

/** Inputs that differ, so that no answer can be kept. */
function several(make: (i: number) => Json): Json[] {
  return Array.from({ length: INPUTS }, (_, i) => make(i));
}

const cheap = "map(select(.price > 10)) | length";

type Pair = { readonly a?: { readonly b?: Json } };

const contests: readonly Contest[] = [
  {
    case: ".a.b",
    inputs: pairs,
    ours: ours(".a.b"),
    other: (input) => (input as Pair | null)?.a?.b ?? null,
    against: "JavaScript by hand",
  },
  {
    ...{ case: "{x: .a.b, y: .d[0]}", inputs: pairs, ours: ours("{x: .a.b, y: .d[0]}") },
    ...{ other: (input) => ({ x: (input as Pair).a?.b, y: (input as { d: Json[] }).d[0] }), against: "JavaScript by hand" },
  },
  { case: `${cheap}, 20 items`, inputs: lists, ours: ours(cheap), other: peer(cheap), against: "@michaelhomer/jqjs" },
  { case: ".a.b", inputs: pairs, ours: ours(".a.b"), other: peer(".a.b"), against: "@michaelhomer/jqjs" },
];

function ours(program: string): (input: Json) => unknown {
  const compiled = compile(program);
  return (input) => compiled(input)[0];
}

function peer(program: string): (input: Json) => unknown {
  const compiled = (jqjs as { compile(program: string): (input: Json) => Iterable<unknown> }).compile(program);
  return (input) => [...compiled(input)][0];
}

export async function bench({ quick, report }: BenchOptions): Promise<void> {
  const ms = quick ? 20 : 400;
  for (const contest of contests) contested(contest, ms, report);
  const compiled = perSecond(ms, [cheap], (program) => compile(program as string));
  report({ workload: "jq", case: cheap, metric: "compiled", value: compiled, unit: "programs/s" });
}

/** The two in turn; the middle round of each. */
function contested({ ours, other, inputs, against, ...contest }: Contest, ms: number, report: BenchOptions["report"]): void {
  const rounds = Array.from(
    { length: ROUNDS + 1 },
    () => [perSecond(ms, inputs, ours), perSecond(ms, inputs, other)] as const,
  ).slice(1);
  const [mine, theirs] = [middle(rounds.map(([one]) => one)), middle(rounds.map(([, one]) => one))];
  report({ workload: "jq", ...contest, metric: "evaluated", value: mine, unit: "/s", ratio: mine / theirs, against });
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** What is computed goes here, so that it cannot be left out. */
let sink: unknown = null;

function perSecond(ms: number, inputs: readonly Json[], act: (input: Json) => unknown): number {
  tidy();
  const began = performance.now();
  let count = 0;
  while (performance.now() - began < ms) {
    for (let i = 0; i < 512; i++) sink = act(inputs[i % inputs.length] ?? null);
    count += 512;
  }
  if (sink === undefined) throw new Error("nothing was computed");
  return (count * 1_000) / (performance.now() - began);
}
