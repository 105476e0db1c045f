// W0, W1, W3: how many steps a second, beside what durability alone costs.
//
// The floor, the floor as it is commonly written, and the engine take turns, round by round, in one process on one disk;
// each has its own database, which grows through the rounds as a real one would.

import { join } from "node:path";
import { workflow } from "../src/workflow.ts";
import { dataFolder } from "./conditions.ts";
import { type OpenedEngine, openEngine } from "./engine.ts";
import { type Floor, openFloor, PLAIN } from "./floor.ts";
import { inTurn, keepInFlight, median, type Round, round } from "./measure.ts";
import type { BenchOptions } from "./row.ts";

export const name = "throughput";

const STEPS_PER_RUN = 10;
const PARALLEL_STEPS = 1_000;

/** How many runs a round has at each number in flight: about half a second's worth. */
const LOADS = [
  { inFlight: 1, runs: 300 },
  { inFlight: 10, runs: 2_000 },
  { inFlight: 100, runs: 10_000 },
  { inFlight: 1_000, runs: 20_000 },
];

const tenSteps = workflow({
  name: "ten-steps",
  async run(ctx) {
    let sum = 0;
    for (let i = 0; i < STEPS_PER_RUN; i++) sum += await ctx.step(`step ${i}`, () => i);
    return sum;
  },
});

const parallelSteps = workflow({
  name: "parallel-steps",
  async run(ctx) {
    const steps = Array.from({ length: PARALLEL_STEPS }, (_, i) => ctx.step(`step ${i}`, () => i));
    return (await Promise.all(steps)).length;
  },
});

export async function bench(options: BenchOptions): Promise<void> {
  for (const load of LOADS) await sequential(options, load);
  await parallel(options);
}

/** The least with the same shape: ten steps, one after the other. Nothing is written of the run itself. */
function tenFloorSteps(floor: Floor): () => Promise<void> {
  let run = 0;
  return async () => {
    const number = ++run;
    for (let i = 0; i < STEPS_PER_RUN; i++) await floor.step(number, `step ${i}`, String(i));
  };
}

async function sequential({ quick, report }: BenchOptions, load: { inFlight: number; runs: number }): Promise<void> {
  const { inFlight } = load;
  const runs = quick ? Math.ceil(load.runs / 10) : load.runs;
  const rounds = (one: () => Promise<unknown>) => () => round(runs * STEPS_PER_RUN, () => keepInFlight(inFlight, runs, one));
  const measured = await besideFloor(quick, {
    ofFloor: (floor) => rounds(tenFloorSteps(floor)),
    ofEngine: (engine) => rounds(() => engine.runOnce(tenSteps)),
  });
  const at = `${inFlight.toLocaleString("en")} in flight`;
  tell(report, "W0", at, measured.floor, null);
  tell(report, "W0 plain", at, measured.plain, measured.floor);
  tell(report, "W1", at, measured.engine, measured.floor);
}

/** The floor is W0 at as many in flight as there are parallel steps. */
async function parallel({ quick, report }: BenchOptions): Promise<void> {
  const runs = quick ? 10 : 100;
  const steps = runs * PARALLEL_STEPS;
  const measured = await besideFloor(quick, {
    ofFloor: (floor) => {
      const one = tenFloorSteps(floor);
      return () => round(steps, () => keepInFlight(PARALLEL_STEPS, steps / STEPS_PER_RUN, one));
    },
    ofEngine: (engine) => () => round(steps, () => keepInFlight(1, runs, () => engine.runOnce(parallelSteps))),
  });
  tell(report, "W3", "1,000 parallel steps in one run", measured.engine, measured.floor);
}

interface Contestants {
  ofFloor(floor: Floor): () => Promise<Round>;
  ofEngine(engine: OpenedEngine): () => Promise<Round>;
}

interface Measured {
  readonly floor: Round[];
  readonly plain: Round[];
  readonly engine: Round[];
}

async function besideFloor(quick: boolean, { ofFloor, ofEngine }: Contestants): Promise<Measured> {
  using folder = dataFolder();
  using fast = openFloor(join(folder.path, "floor.db"));
  using common = openFloor(join(folder.path, "plain.db"), PLAIN);
  await using opened = openEngine({ directory: folder.path });
  const [floor = [], plain = [], engine = []] = await inTurn(quick ? 2 : 5, ofFloor(fast), ofFloor(common), ofEngine(opened));
  return { floor, plain, engine };
}

function tell(
  report: BenchOptions["report"],
  workload: string,
  at: string,
  rounds: readonly Round[],
  floor: readonly Round[] | null,
): void {
  const rates = rounds.map(({ perSecond }) => perSecond);
  const cpu = median(rounds.map(({ cpuUsEach }) => cpuUsEach));
  const to = (value: number, of: (round: Round) => number) =>
    floor === null ? {} : { ratio: value / median(floor.map(of)), against: "W0" };
  const rate = median(rates);
  report({ workload, case: at, metric: "steps", value: rate, unit: "1/s", ...to(rate, ({ perSecond }) => perSecond) });
  report({ workload, case: at, metric: "steps, slowest round", value: Math.min(...rates), unit: "1/s" });
  report({ workload, case: at, metric: "steps, fastest round", value: Math.max(...rates), unit: "1/s" });
  report({ workload, case: at, metric: "CPU per step", value: cpu, unit: "µs", ...to(cpu, ({ cpuUsEach }) => cpuUsEach) });
}
