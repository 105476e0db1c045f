// W9: what a call of a service costs beside the bare request: 1,000 at once to a small HTTP server of this machine, which
// is a process of its own. Each call is chosen, checked, guarded, and in the journal before and after.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent } from "undici";
import { openBaton } from "../src/orchestrator.ts";
import { service } from "../src/services.ts";
import { workflow } from "../src/workflow.ts";
import { dataFolder } from "./conditions.ts";
import { inTurn, keepInFlight, median, round } from "./measure.ts";
import type { BenchOptions } from "./row.ts";

export const name = "calls";

const AT_ONCE = 1_000;

const SERVER = `
  const { createServer } = require("node:http");
  const body = JSON.stringify({ ok: true, words: "a small answer" });
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.setHeader("content-type", "application/json").end(body));
  });
  server.keepAliveTimeout = 60000;
  server.listen(0, "127.0.0.1", () => process.stdout.write(server.address().port + "\\n"));
`;

export async function bench({ quick, report }: BenchOptions): Promise<void> {
  const server = spawn(process.execPath, ["-e", SERVER], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [port] = (await once(server.stdout, "data")) as [Buffer];
    await compare(`http://127.0.0.1:${String(port).trim()}`, quick, report);
  } finally {
    server.kill();
  }
}

async function compare(baseUrl: string, quick: boolean, report: BenchOptions["report"]): Promise<void> {
  const count = quick ? 1_000 : 20_000;
  using folder = dataFolder();
  const local = service({
    service: "local",
    baseUrl,
    limits: { concurrency: AT_ONCE },
    operations: {
      ask: {
        effects: "read",
        input: { type: "object", required: ["n"], properties: { n: { type: "integer" } } },
        output: { type: "object", required: ["ok"], properties: { ok: { type: "boolean" } } },
        act: async (input, outside) => (await outside.send({ method: "POST", path: "/ask", body: input })).body,
      },
    },
  });
  const calls = workflow<{ n: number }, number>({
    name: "calls",
    run: async (context, { n }) => {
      let left = n;
      let next = 0;
      const lane = async (): Promise<void> => {
        while (left-- > 0) {
          const at = next++;
          await context.call("local/ask", { n: at }, { name: `call ${at}` });
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
      return next;
    },
  });
  await using baton = await openBaton({ data: folder.path, services: [local], workflows: [calls as never], carry: "own" });
  const agent = new Agent({ pipelining: 1 });
  const _bare = () => round(count, () => keepInFlight(AT_ONCE, count, () => bareCall(agent, baseUrl)));
  const called = () => round(count, async () => (await baton.start(calls, { n: count })).result());
  const [bareRounds = [], calledRounds = []] = await inTurn(3, called, called);
  const at = `${AT_ONCE} at once`;
  const [floor, ours] = [bareRounds, calledRounds].map((rounds) => median(rounds.map(({ perSecond }) => perSecond)));
  report({ workload: "W9", case: at, metric: "undici", value: floor ?? 0, unit: "requests/s" });
  report({
    ...{ workload: "W9", case: at, metric: "ctx.call", value: ours ?? 0, unit: "calls/s" },
    ...{ ratio: (ours ?? 0) / (floor ?? 1), against: "undici" },
  });
  await agent.destroy();
  const cpu = (rounds: typeof bareRounds): number => median(rounds.map(({ cpuUsEach }) => cpuUsEach));
  report({ workload: "W9", case: at, metric: "undici", value: cpu(bareRounds), unit: "CPU µs each" });
  report({ workload: "W9", case: at, metric: "ctx.call", value: cpu(calledRounds), unit: "CPU µs each" });
}

async function bareCall(agent: Agent, origin: string): Promise<unknown> {
  const answer = await agent.request({
    ...{ origin, path: "/ask", method: "POST", body: '{"n":1}' },
    headers: { "content-type": "application/json", accept: "application/json" },
  });
  return await answer.body.json();
}
