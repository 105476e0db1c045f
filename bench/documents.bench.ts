// W7: what a document costs beside the same work in code; W8: how fast documents are checked.

import { readFileSync } from "node:fs";
import { checkDocument, type Doer, documentWorkflow, readSource, type Workflow, workflow } from "../src/workflow.ts";
import { dataFolder } from "./conditions.ts";
import { openEngine } from "./engine.ts";
import { tidy } from "./measure.ts";
import type { BenchOptions } from "./row.ts";

export const name = "documents";

const STEPS = 10;
const ROUNDS = 5;

/** What both do, ten times: one step of the journal. */
const work = workflow<{ n: number }, number>({ name: "work", run: (ctx, { n }) => ctx.step("work", () => n + 1) });

const doer: Doer = {
  http: () => Promise.reject(new Error("nothing is called here")),
  operation: () => {
    throw new Error("nothing is called here");
  },
  secret: () => undefined,
  function: () => work as Workflow,
};

const asCode = workflow<{ n: number }, number>({
  name: "as-code",
  async run(ctx, { n }) {
    let value = n;
    for (let i = 0; i < STEPS; i++) value = await ctx.scope(`call ${i}`, (own) => Promise.resolve(work.run(own, { n: value })));
    return value;
  },
}) as Workflow;

const asDocument = documentWorkflow(
  {
    document: { dsl: "1.0.3", namespace: "bench", name: "as-document", version: "1.0.0" },
    do: Array.from({ length: STEPS }, (_, i) => ({
      [`call${i}`]: { call: "work", with: { n: i === 0 ? "${ .n }" : "${ . }" } },
    })),
  },
  doer,
) as Workflow;

export async function bench({ quick, report }: BenchOptions): Promise<void> {
  for (const inFlight of [1, 100]) await besideCode(inFlight, quick, report);
  checking(quick, report);
}

/** The two in turn, the best round of each. */
async function besideCode(inFlight: number, quick: boolean, report: BenchOptions["report"]): Promise<void> {
  const runs = (quick ? 20 : 500) * (inFlight === 1 ? 1 : 6);
  const best = { code: 0, document: 0 };
  for (let i = 0; i < ROUNDS; i++) {
    best.code = Math.max(best.code, await perSecond(asCode, runs, inFlight));
    best.document = Math.max(best.document, await perSecond(asDocument, runs, inFlight));
  }
  const at = `${inFlight} in flight`;
  report({ workload: "W7", case: at, metric: "code", value: best.code * STEPS, unit: "steps/s" });
  report({
    ...{ workload: "W7", case: at, metric: "document", value: best.document * STEPS, unit: "steps/s" },
    ...{ ratio: best.document / best.code, against: "code" },
  });
}

async function perSecond(made: Workflow, runs: number, inFlight: number): Promise<number> {
  using folder = dataFolder();
  await using engine = openEngine({ directory: folder.path });
  tidy();
  const began = performance.now();
  let left = runs;
  const line = async (): Promise<void> => {
    while (left-- > 0) await engine.runOnce(made, { n: 1 });
  };
  await Promise.all(Array.from({ length: inFlight }, line));
  return (runs * 1_000) / (performance.now() - began);
}

function checking(quick: boolean, report: BenchOptions["report"]): void {
  const file = "star-wars-homeworld.yaml";
  const text = readFileSync(new URL(`../conformance/ows/examples/${file}`, import.meta.url), "utf8");
  const source = readSource(text, file);
  if (!("value" in source)) throw new Error(`${file} is not read.`);
  const ms = quick ? 100 : 2_000;
  const at = `${file}, ${text.split("\n").length} lines`;
  report({
    workload: "W8",
    case: at,
    metric: "parsed already",
    value: ratePerSecond(ms, () => checkDocument(source)),
    unit: "documents/s",
  });
  const fromText = ratePerSecond(ms, () => {
    const read = readSource(text, file);
    if ("value" in read) checkDocument(read);
  });
  report({ workload: "W8", case: at, metric: "from YAML text", value: fromText, unit: "documents/s" });
}

function ratePerSecond(ms: number, act: () => unknown): number {
  for (let i = 0; i < 200; i++) act();
  tidy();
  const began = performance.now();
  let count = 0;
  while (performance.now() - began < ms) {
    act();
    count++;
  }
  return (count * 1_000) / (performance.now() - began);
}
