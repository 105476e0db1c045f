// W10: what a delegation costs beside a plain step: chosen among ten agents, in the journal before it is handed over, its result
// checked, its verdict kept and its account closed. The agents are functions that give what they are given.

import { agent } from "../src/agents.ts";
import { openBaton } from "../src/orchestrator.ts";
import { workflow } from "../src/workflow.ts";
import { dataFolder } from "./conditions.ts";
import { inTurn, median, round } from "./measure.ts";
import type { BenchOptions } from "./row.ts";

export const name = "delegation";

const AGENTS = 10;

/** Runs under way at once, each delegating one after the other. */
const IN_FLIGHT = [1, 100];

export async function bench({ quick, report }: BenchOptions): Promise<void> {
  for (const inFlight of IN_FLIGHT) await compare(inFlight, quick, report);
}

async function compare(inFlight: number, quick: boolean, report: BenchOptions["report"]): Promise<void> {
  const each = quick ? 10 : inFlight === 1 ? 300 : 30;
  const count = inFlight * each;
  using folder = dataFolder();
  const agents = Array.from({ length: AGENTS }, (_, at) =>
    agent({ agent: `a${at}`, capabilities: ["echo"], limits: { concurrency: 1_000 }, act: (input: number) => input }),
  );
  const plain = workflow<null, number>({
    name: "plain",
    run: async (context) => {
      for (let at = 0; at < each; at++) await context.step(`step ${at}`, () => at);
      return each;
    },
  });
  const delegated = workflow<null, number>({
    name: "delegated",
    run: async (context) => {
      for (let at = 0; at < each; at++) await context.delegate({ capability: "echo", input: at, name: `task ${at}` });
      return each;
    },
  });
  const workflows = [plain as never, delegated as never];
  await using baton = await openBaton({ data: folder.path, agents, workflows, carry: "own" });
  const runs = (of: typeof plain) => async (): Promise<void> => {
    const started = await Promise.all(Array.from({ length: inFlight }, () => baton.start(of, null)));
    await Promise.all(started.map((run) => run.result()));
  };
  const [steps = [], tasks = []] = await inTurn(
    quick ? 1 : 5,
    () => round(count, runs(plain)),
    () => round(count, runs(delegated)),
  );
  const at = `${inFlight} in flight`;
  const [step, task] = [steps, tasks].map((rounds) => 1e6 / median(rounds.map(({ perSecond }) => perSecond)));
  report({ workload: "W10", case: at, metric: "step", value: step ?? 0, unit: "µs each" });
  report({
    ...{ workload: "W10", case: at, metric: "delegation", value: task ?? 0, unit: "µs each" },
    ...{ ratio: (task ?? 0) / (step ?? 1), against: "a plain step" },
  });
}
