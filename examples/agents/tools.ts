// A language model with tools answers a question about a small fleet. Tools are operations of services: it finds ships and
// adds up by them, and each answer of the model and each use of a tool is a step. What cannot be had back, striking a ship off
// the list, is asked of a person first, with exactly what would be struck.
//
//   baton services discover --add
//   baton run examples/agents/tools.ts -i question="How many tonnes has Bergen at sea?"
//   FLEET=my-fleet.json baton run examples/agents/tools.ts -i question="Strike the oldest ship that is laid up."
//
// prints the answer, and says which tools were used. BATON_MODEL names the model, where the service has several.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Context, workflow, z } from "batonflow";
import { agent } from "batonflow/agents";
import { service } from "batonflow/services";

interface Ship {
  readonly ship: string;
  readonly home: string;
  readonly built: number;
  readonly tonnes: number;
  readonly status: string;
}

const FILE = process.env.FLEET ?? join(import.meta.dirname, "fleet.json");

const readFleet = async (): Promise<Ship[]> => JSON.parse(await readFile(FILE, "utf8")) as Ship[];

const wanted = { home: { type: "string" }, status: { enum: ["sailing", "laid up"] } } as const;

const isWanted =
  ({ home, status }: { home?: string; status?: string }) =>
  (one: Ship): boolean =>
    (home === undefined || one.home === home) && (status === undefined || one.status === status);

export const fleet = service({
  service: "fleet",
  operations: {
    find: {
      description: "Ships by home port and status, both optional: a list of { ship, home, built, tonnes, status }.",
      effects: "read",
      input: { type: "object", properties: wanted, additionalProperties: false },
      act: async (asked) => (await readFleet()).filter(isWanted(asked as object)) as never,
    },
    tonnes: {
      description: "The tonnes of all ships of a home port and status, both optional: { ships, tonnes }.",
      effects: "read",
      input: { type: "object", properties: wanted, additionalProperties: false },
      act: async (asked) => {
        const ships = (await readFleet()).filter(isWanted(asked as object));
        return { ships: ships.length, tonnes: ships.reduce((sum, { tonnes }) => sum + tonnes, 0) };
      },
    },
    strike: {
      description: "Strikes a ship off the list, for good.",
      effects: "destructive",
      idempotent: true,
      input: { type: "object", required: ["ship"], properties: { ship: { type: "string" } }, additionalProperties: false },
      act: async (asked) => {
        const { ship } = asked as { ship: string };
        const ships = await readFleet();
        await writeFile(
          FILE,
          `${JSON.stringify(
            ships.filter((one) => one.ship !== ship),
            null,
            2,
          )}\n`,
        );
        return { struck: ships.some((one) => one.ship === ship) };
      },
    },
  },
});

const { BATON_MODEL } = process.env;

export const purser = agent({
  agent: "purser",
  capabilities: ["answer.fleet"],
  model: {
    instructions: "You answer questions about a fleet, by the tools alone. Answer in one sentence.",
    tools: ["fleet/find", "fleet/tonnes", "fleet/strike"],
    turnsMax: 10,
    ...(BATON_MODEL === undefined ? {} : { model: BATON_MODEL }),
  },
});

export default workflow({
  name: "tools",
  input: z.object({ question: z.string().default("How many tonnes has Bergen at sea?") }),
  run: async (ctx: Context, { question }) => {
    const done = await ctx.tryDelegate<string>({ capability: "answer.fleet", input: question, output: { type: "string" } });
    if (!done.ok) throw new Error(done.problem.detail);
    ctx.log.info(`${done.agent} used ${done.tokens} tokens in ${done.latencyMs} ms`);
    return done.output;
  },
});
