// Operations on services: which there are, how they are, what calls of them amounted to.

import { z } from "zod";
import { define } from "./operation.ts";

const serviceId = z.string().min(1).max(63).describe("the service's name");
const who = z.string().min(1).max(256).nullable().default(null).describe("who does it");
const json = z.unknown();

const RATING = "A rating is a whole number from 1 to 5.";
/** HOST or HOST:PORT, the address of IPv6 in brackets. */
const host = z
  .string()
  .max(300)
  .refine((written) => isHost(written), { error: ({ input }) => `${JSON.stringify(input)} is neither HOST nor HOST:PORT` });

function isHost(written: string): boolean {
  const url = /^[^\s/?#@\\]+$/.test(written) ? URL.parse(`http://${written}`) : null;
  return url !== null && url.pathname === "/";
}

export const serviceLine = z.object({
  id: z.string(),
  title: z.string(),
  category: z.string(),
  kind: z.enum(["http", "mcp", "function"]),
  version: z.string(),
  baseUrl: z.string().optional(),
  address: z.string().optional().describe("where it is: its URL, or the command that starts it"),
  uses: z.string().optional().describe("the catalogue's entry"),
  proven: z.string().optional().describe("the vendor's client that works with what its adapter is tested on"),
  unproven: z.boolean().describe("its adapter comes from the catalogue, and nobody vouches for it"),
  isLocal: z.boolean(),
  capabilities: z.array(z.string()),
  operations: z.number(),
  health: z.enum(["unknown", "healthy", "unhealthy"]),
  healthAt: z.string().optional(),
  because: z.string().optional().describe("why it is unhealthy, or cannot be read"),
  circuit: z.enum(["closed", "open", "half-open"]),
  priority: z.number(),
});

export type ServiceLine = z.infer<typeof serviceLine>;

const operationLine = z.object({
  name: z.string(),
  title: z.string().optional(),
  description: z.string().optional(),
  capabilities: z.array(z.string()),
  effects: z.enum(["read", "write", "destructive"]),
  idempotent: z.boolean(),
  input: json,
  output: json,
  ui: json,
  how: z.string().optional().describe("what a call is to the service: method and path, a tool, a function"),
  cost: json,
  typicalLatencyMs: z.number().nullable(),
  timeoutMs: z.number(),
});

export type ServiceOperationLine = z.infer<typeof operationLine>;

export const serviceView = serviceLine.extend({
  description: z.string().optional(),
  source: z.string().optional(),
  addedAt: z.string(),
  config: json,
  configuration: json,
  authentication: json,
  limits: json,
  weight: z.number(),
  models: z.array(z.string()).optional(),
  operationList: z.array(operationLine),
  circuitHistory: z.array(z.object({ at: z.string(), to: z.string(), because: z.string() })),
});

export type ServiceView = z.infer<typeof serviceView>;

const share = z.number().nullable();

const kpis = z.object({
  window: z.enum(["1h", "24h", "7d", "30d"]),
  figures: z.object({
    serviceSuccessRate: z.object({ share, calls: z.number() }),
    averageResponseTime: z.object({ meanMs: share, p95Ms: share }),
    userSatisfaction: z.object({ mean: share, ratings: z.number() }),
    systemReliability: z.object({ uptimeShare: share, errorRate: share }),
    resourceEfficiency: z.object({ tokens: share, usd: share, slotTime: share }),
  }),
  services: z.array(z.object({ service: z.string(), uptimeShare: share, circuitOpened: z.number() })),
  operations: z.array(
    z.object({
      ...{ service: z.string(), operation: z.string(), calls: z.number(), retries: z.number(), successShare: share },
      ...{ failures: z.record(z.string(), z.number()), degradedShare: share, p50Ms: share, p95Ms: share, p99Ms: share },
      ...{ queueP95Ms: share, inputTokens: z.number(), outputTokens: z.number(), costUsd: z.number(), satisfaction: share },
      unpriced: z.number().describe("attempts of which nobody knows what they cost; they are not in costUsd"),
    }),
  ),
});

export type KpisView = z.infer<typeof kpis>;

const found = z.object({
  entry: z.string().describe("of the catalogue"),
  title: z.string(),
  baseUrl: z.string(),
  id: z.string().describe("the name it has, or would be added under"),
  needsKey: z.boolean().describe("it answers only to who has a key"),
  state: z.enum(["new", "added", "known"]),
});

export type FoundService = z.infer<typeof found>;

export const serviceOperations = {
  "services.list": define({
    summary: "List services: what they can, how they are.",
    kind: "look",
    http: { method: "GET", path: "/v1/services" },
    input: z.object({ capability: z.string().max(200).optional() }),
    output: z.object({ services: z.array(serviceLine) }),
    cli: {
      command: "services ls",
      options: { capability: { flags: "-c, --capability <capability>", about: "only those that have it: llm.chat" } },
      with: true,
      examples: ["baton services ls", "baton services ls --capability llm.chat --json"],
    },
  }),
  "services.show": define({
    summary: "Show a service: its operations with their inputs, its health, its circuit.",
    kind: "look",
    http: { method: "GET", path: "/v1/services/:id" },
    input: z.object({ id: serviceId }),
    output: serviceView,
    cli: { command: "services show", args: ["id"], examples: ["baton services show ollama"] },
  }),
  "services.add": define({
    summary: "Add a service by its definition.",
    kind: "steer",
    http: { method: "POST", path: "/v1/services" },
    input: z.object({
      definition: z.unknown(),
      source: z.string().max(4_096).nullable().default(null),
      replace: z.boolean().default(false),
    }),
    output: z.object({
      id: z.string(),
      replaced: z.boolean(),
      operations: z.number(),
      secret: z.string().optional().describe("what it cannot be called without"),
      host: z.string().optional().describe("where that secret is to go"),
    }),
  }),
  "services.remove": define({
    summary: "Forget a service; what it was asked and what it cost stays in journals and figures.",
    kind: "steer",
    http: { method: "DELETE", path: "/v1/services/:id" },
    input: z.object({ id: serviceId }),
    output: z.object({ id: z.string() }),
    cli: { command: "services rm", args: ["id"], examples: ["baton services rm ollama"] },
  }),
  "services.discover": define({
    summary: "Look for services at the well-known ports of this machine and of hosts that are named.",
    kind: "steer",
    http: { method: "POST", path: "/v1/services/discover" },
    input: z.object({
      hosts: z.array(host).max(32).default([]),
      here: z.boolean().default(true).describe("at this machine, too"),
      add: z.boolean().default(false),
    }),
    output: z.object({
      found: z.array(found),
      looked: z.array(z.object({ host: z.string(), state: z.enum(["recognised", "unrecognised", "silent", "unknown"]) })),
    }),
    cli: {
      command: "services discover",
      options: {
        hosts: { flags: "--host <host...>", about: "beside this machine: HOST, or HOST:PORT" },
        add: { flags: "--add", about: "add what is found" },
      },
      examples: ["baton services discover", "baton services discover --host gpu-box --add"],
    },
  }),
  "services.check": define({
    summary: "Look at the health of a service now, or of all; 1 where one is unhealthy.",
    kind: "steer",
    http: { method: "POST", path: "/v1/services/check" },
    input: z.object({ id: serviceId.optional() }),
    output: z.object({ services: z.array(serviceLine) }),
    cli: { command: "services check", args: ["id?"], examples: ["baton services check", "baton services check ollama"] },
  }),
  "services.rate": define({
    summary: "Say how good a result was: 1 to 5. It counts in the figures and in what is learned.",
    kind: "steer",
    http: { method: "POST", path: "/v1/ratings" },
    input: z.object({
      call: z.string().max(4_096).describe("a run, or one call of it as `services call` and the journal name it"),
      rating: z.coerce.number(RATING).int(RATING).min(1, RATING).max(5, RATING),
      comment: z.string().max(4_000).optional(),
      who,
    }),
    output: z.object({ call: z.string(), target: z.string(), rating: z.number() }),
    cli: {
      command: "services rate",
      args: ["call", "rating"],
      options: { comment: { flags: "--comment <text>", about: "why" } },
      examples: ["baton services rate run_k3f90001 5", 'baton services rate run_k3f90001 2 --comment "made it up"'],
    },
  }),
  "stats.metrics": define({
    summary: "Give the figures of services in the text format of Prometheus: counters of all that is kept.",
    kind: "read",
    http: { method: "GET", path: "/v1/metrics" },
    input: z.object({}),
    output: z.object({ text: z.string().describe("text/plain; version=0.0.4") }),
    cli: { command: "metrics", examples: ["baton metrics > baton.prom"] },
  }),
  "stats.show": define({
    summary: "Show the key figures: five in all, then every service and operation.",
    kind: "read",
    http: { method: "GET", path: "/v1/kpis" },
    input: z.object({ window: z.enum(["1h", "24h", "7d", "30d"]).default("24h") }),
    output: kpis,
    cli: {
      command: "stats",
      options: { window: { flags: "--window <span>", about: "1h, 24h, 7d or 30d (24h)" } },
      examples: ["baton stats", "baton stats --window 7d --json"],
    },
  }),
};
