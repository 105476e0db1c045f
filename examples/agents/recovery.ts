// An agent dies in the middle of its task. It is a process, and asked for its state again and again; when it has been silent for
// as long as its lease, its task is handed to another, with what is left to spend: what the first one used is paid, and
// nothing that it may still say is applied.
//
//   baton run examples/agents/recovery.ts
//
// prints
//
//   40 words, counted by steady
//   tired, fault: tired was silent for … ms (leaseMs: 1000)
//   spent $0.015 of $0.030; steady might spend $0.025
//
// and what happened, step by step, is told by `baton runs show RUN`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { workflow, z } from "batonflow";
import { agent } from "batonflow/agents";

/** Starts a process that is an agent, and gives its address. It ends with this one. */
async function started(...words: string[]): Promise<string> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "counter.process.mjs"), ...words], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.unref();
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return said.toString().trim();
}

export const tired = agent({
  agent: "tired",
  capabilities: ["text.count"],
  priority: 1,
  process: { url: await started("dies"), leaseMs: 1_000, pollMs: 10 },
});

export const steady = agent({
  agent: "steady",
  capabilities: ["text.count"],
  priority: 2,
  process: { url: await started(), leaseMs: 1_000, pollMs: 10 },
});

const TEXT = Array.from({ length: 10 }, (_, at) => `line ${at + 1} of ten`).join("\n");

const BUDGET_USD = 0.03;

export default workflow({
  name: "recovery",
  input: z.object({ text: z.string().default(TEXT) }),
  run: async (ctx, { text }) => {
    const done = await ctx.tryDelegate<{ words: number; mightSpendUsd: number }>({
      capability: "text.count",
      input: text,
      output: { type: "object", required: ["words"], properties: { words: { type: "integer" } } },
      strategy: "priority",
      budget: { usd: BUDGET_USD },
    });
    if (!done.ok) throw new Error(done.problem.detail);
    const { output, agent: by, tried, costUsd } = done;
    return [
      `${output.words} words, counted by ${by}`,
      ...tried.map(({ agent: name, how, because }) => `${name}, ${how}: ${because.replace(/\): .*/, ": 1000)")}`),
      `spent ${dollars(costUsd)} of ${dollars(BUDGET_USD)}; ${by} might spend ${dollars(output.mightSpendUsd)}`,
    ].join("\n");
  },
});

const dollars = (usd: number): string => `$${usd.toFixed(3)}`;
