// Operations on agents: which there are, what is believed of them and why, what people say of them.

import { z } from "zod";
import { define } from "./operation.ts";

const agentId = z.string().min(1).max(63).describe("the agent's name");
const capability = z.string().min(1).max(200).describe("only at this capability: write.brief");
const who = z.string().min(1).max(256).nullable().default(null).describe("who says it");
const why = z.string().min(1).max(2_000).describe("why; it stays in the audit");
const json = z.unknown();

export const agentLine = z.object({
  id: z.string(),
  title: z.string(),
  kind: z.enum(["function", "steps", "model", "process", "workflow", "person"]),
  version: z.string(),
  owner: z.string().optional(),
  status: z.enum(["unverified", "active", "degraded", "quarantined", "retired"]),
  capabilities: z.array(z.string()),
  priceUsd: z.number(),
  inFlight: z.number(),
  concurrency: z.number(),
  circuit: z.enum(["closed", "open", "half-open"]),
  because: z.string().optional().describe("why it cannot be read"),
});

export type AgentLine = z.infer<typeof agentLine>;

const verdictLine = z.object({
  at: z.string(),
  run: z.string().optional(),
  capability: z.string(),
  kind: z.string().optional(),
  verdict: z.enum(["right", "wrong", "fault", "task-fault", "pin", "ban", "clear", "forgive", "imported"]),
  because: z.string().optional(),
  by: z.string().optional(),
});

const estimate = z.object({
  capability: z.string(),
  kind: z.string().optional(),
  mean: z.number().describe("how likely its next result is right"),
  low: z.number().describe("the 5 % quantile"),
  high: z.number().describe("the 95 % quantile"),
  verdicts: z.number(),
  changedAt: z.number().optional().describe("the capability's verdict at which it changed last"),
  latencyMs: z.number().optional(),
  runnerUp: z.string().optional().describe("who else would be asked"),
  history: z.array(z.object({ at: z.number(), mean: z.number(), low: z.number(), high: z.number() })),
});

export const trustView = z.object({
  agent: z.string(),
  estimates: z.array(estimate),
  said: z.array(
    z.object({ kind: z.string(), capability: z.string().optional(), by: z.string(), why: z.string(), at: z.string() }),
  ),
  verdicts: z.array(verdictLine),
});

export type TrustView = z.infer<typeof trustView>;

export const agentView = agentLine.extend({
  description: z.string().optional(),
  source: z.string().optional(),
  addedAt: z.string().optional(),
  input: json,
  output: json,
  limits: json,
  tools: z.array(z.string()).optional(),
  trust: trustView,
});

export type AgentView = z.infer<typeof agentView>;

const instruction = z.object({ id: z.string(), kind: z.string(), capability: z.string().optional() });

const saying = (kind: "pin" | "ban" | "clear" | "forgive", summary: string, example: string) =>
  define({
    summary,
    kind: "steer",
    http: { method: "POST", path: `/v1/agents/:id/${kind}` },
    input: z.object({ id: agentId, capability: capability.optional(), why, who }),
    output: instruction,
    cli: {
      command: `agents ${kind}`,
      args: ["id"],
      options: {
        capability: { flags: "-c, --capability <capability>", about: "only at this one; all where left out" },
        why: { flags: "--why <text>", about: "why; it stays in the audit" },
        who: { flags: "--by <name>", about: "who says it" },
      },
      examples: [example],
    },
  });

export const agentOperations = {
  "agents.list": define({
    summary: "List agents: what they can, how they stand.",
    kind: "look",
    http: { method: "GET", path: "/v1/agents" },
    input: z.object({ capability: capability.optional() }),
    output: z.object({ agents: z.array(agentLine) }),
    cli: {
      command: "agents ls",
      options: { capability: { flags: "-c, --capability <capability>", about: "only those that have it: write.brief" } },
      examples: ["baton agents ls", "baton agents ls --capability write --json"],
    },
  }),
  "agents.show": define({
    summary: "Show an agent: what it can, what it may use, what is believed of it.",
    kind: "look",
    http: { method: "GET", path: "/v1/agents/:id" },
    input: z.object({ id: agentId }),
    output: agentView,
    cli: { command: "agents show", args: ["id"], examples: ["baton agents show writer"] },
  }),
  "agents.trust": define({
    summary: "Show what verdicts say of an agent: score, interval, evidence, last fall, runner-up.",
    kind: "look",
    http: { method: "GET", path: "/v1/agents/:id/trust" },
    input: z.object({ id: agentId, capability: capability.optional() }),
    output: trustView,
    cli: {
      command: "agents trust",
      args: ["id"],
      options: { capability: { flags: "-c, --capability <capability>", about: "only at this one" } },
      examples: ["baton agents trust writer", "baton agents trust writer --capability write.brief --json"],
    },
  }),
  "agents.add": define({
    summary: "Add an agent by its manifest.",
    kind: "steer",
    http: { method: "POST", path: "/v1/agents" },
    input: z.object({
      definition: z.unknown(),
      source: z.string().max(4_096).nullable().default(null),
      replace: z.boolean().default(false),
    }),
    output: z.object({ id: z.string(), replaced: z.boolean(), status: z.string(), secret: z.string().optional() }),
  }),
  "agents.remove": define({
    summary: "Forget an agent; what verdicts said of it stays.",
    kind: "steer",
    http: { method: "DELETE", path: "/v1/agents/:id" },
    input: z.object({ id: agentId }),
    output: z.object({ id: z.string() }),
    cli: { command: "agents rm", args: ["id"], examples: ["baton agents rm writer"] },
  }),
  "agents.status": define({
    summary: "Take an agent into service, aside, or out of it: active, degraded, quarantined, retired.",
    kind: "steer",
    http: { method: "POST", path: "/v1/agents/:id/status" },
    input: z.object({ id: agentId, status: z.enum(["active", "degraded", "quarantined", "retired"]), why: why.optional(), who }),
    output: z.object({ id: z.string(), status: z.string() }),
    cli: {
      command: "agents status",
      args: ["id", "status"],
      options: { why: { flags: "--why <text>", about: "why; it stays in the audit" } },
      examples: ["baton agents status writer active", 'baton agents status writer quarantined --why "it invents sources"'],
    },
  }),
  "agents.pin": saying("pin", "Have an agent asked first while it can be asked.", 'baton agents pin writer --why "the launch"'),
  "agents.ban": saying(
    "ban",
    "Have an agent asked no more.",
    'baton agents ban writer --capability write.legal --why "not a lawyer"',
  ),
  "agents.clear": saying("clear", "Take back a pin or a ban.", 'baton agents clear writer --why "the launch is over"'),
  "agents.forgive": saying(
    "forgive",
    "Let an agent's past count no more.",
    'baton agents forgive writer --why "it has a new model"',
  ),
};
