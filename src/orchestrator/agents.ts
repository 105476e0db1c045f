// Answers about agents: from what is kept beside an owner, and from the office of whoever is the owner.

import {
  type Agent,
  type AgentDocument,
  agentOfDocument,
  agentProblems,
  checkAgentValue,
  learnFrom,
  saidOf,
  tagRelation,
} from "../agents.ts";
import type { AgentLine, AgentView, OperationName, OutputOf, ReadInputOf, TrustView } from "../api.ts";
import type { Json } from "../base/json.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import { rfc3339 } from "../base/time.ts";
import type { EmbeddedEngine } from "../engine.ts";
import type { KeptAgent, Store, Verdict } from "../store.ts";
import { Ledger } from "../trust.ts";
import type { AgentOffice } from "./agent-office.ts";

type Handler<N extends OperationName> = (input: ReadInputOf<N>) => Promise<OutputOf<N>>;
type Handlers<N extends OperationName> = { readonly [K in N]: Handler<K> };

export type AgentLookName = "agents.list" | "agents.show" | "agents.trust";
export type AgentSteerName =
  | "agents.add"
  | "agents.remove"
  | "agents.status"
  | "agents.pin"
  | "agents.ban"
  | "agents.clear"
  | "agents.forgive";

/** Verdicts shown of one agent. */
const SHOWN_MAX = 20;

/** Of what was never said. */
const SOMEBODY = "a person";

const PAGE = 1_000;

// Beside an owner.

export function agentReadHandlers(store: Store): Handlers<AgentLookName> {
  return {
    "agents.list": async ({ capability }) => ({
      agents: store
        .agents()
        .map(keptLine)
        .filter((line) => hasCapability(line, capability)),
    }),
    "agents.show": async ({ id }) => {
      const kept = requireKept(store, id);
      const agent = agentOfDocument(JSON.parse(kept.definitionText) as AgentDocument);
      return viewOf(agent, keptLine(kept), kept, trustOf(store, ledgerOf(store), agent.id, agent.capabilities));
    },
    "agents.trust": async ({ id, capability }) => {
      const kept = store.agents().find((one) => one.id === id);
      const own = kept === undefined ? [] : agentOfDocument(JSON.parse(kept.definitionText) as AgentDocument).capabilities;
      if (kept === undefined && store.verdictsOf(id, 1).length === 0) throw unknown(id);
      return trustOf(store, ledgerOf(store), id, capability === undefined ? own : [capability]);
    },
  };
}

/** What verdicts say, for whoever has no owner to ask. */
function ledgerOf(store: Store): Ledger {
  const fold = store.fold("trust");
  const ledger = fold === null ? new Ledger() : Ledger.restore(JSON.parse(fold.stateText) as Json);
  for (let after = fold?.position ?? 0; ; ) {
    const page = store.verdicts(after, PAGE);
    for (const line of page) learnFrom(ledger, line);
    after = page.at(-1)?.seq ?? after;
    if (page.length < PAGE) return ledger;
  }
}

function requireKept(store: Store, id: string): KeptAgent {
  const found = store.agents().find((one) => one.id === id);
  if (found === undefined) throw unknown(id);
  return found;
}

function unknown(id: string): Error {
  return agentProblems.AGENT_UNKNOWN(`There is no agent ${JSON.stringify(id.slice(0, 80))}.`);
}

function hasCapability({ capabilities }: AgentLine, asked: string | undefined): boolean {
  return asked === undefined || tagRelation(asked, capabilities) !== "no";
}

function keptLine({ id, definitionText, status }: KeptAgent): AgentLine {
  try {
    return lineOf(agentOfDocument(JSON.parse(definitionText) as AgentDocument), status as AgentLine["status"], 0, "closed");
  } catch (error) {
    return brokenLine(id, isProblemError(error) ? error.problem.detail : String(error));
  }
}

/** One that an older version kept, and this one cannot read. */
function brokenLine(id: string, because: string): AgentLine {
  return {
    ...{ id, title: id, kind: "function", version: "?", status: "quarantined", capabilities: [], priceUsd: 0 },
    ...{ inFlight: 0, concurrency: 0, circuit: "closed", because },
  };
}

function lineOf(agent: Agent, status: AgentLine["status"], inFlight: number, circuit: AgentLine["circuit"]): AgentLine {
  const { id, title, version, owner, capabilities, priceUsd, limits, work } = agent;
  return {
    ...{ id, title, kind: work.kind, version },
    ...(owner === null ? {} : { owner }),
    ...{ status, capabilities: [...capabilities], priceUsd, inFlight, concurrency: limits.concurrency, circuit },
  };
}

function viewOf(agent: Agent, line: AgentLine, kept: Pick<KeptAgent, "source" | "addedAt"> | null, trust: TrustView): AgentView {
  const { description, input, output, limits, work } = agent;
  const tools = work.kind === "model" ? (work.model.tools ?? []).map((one) => (typeof one === "string" ? one : one.tool)) : null;
  return {
    ...line,
    ...(description === null ? {} : { description }),
    ...(kept?.source == null ? {} : { source: kept.source }),
    ...(kept === null ? {} : { addedAt: rfc3339(kept.addedAt) }),
    ...{ input: input?.jsonSchema ?? null, output: output?.jsonSchema ?? null, limits },
    ...(tools === null ? {} : { tools }),
    trust,
  };
}

function trustOf(store: Store, ledger: Ledger, id: string, capabilities: readonly string[]): TrustView {
  const lines = store.verdictsOf(id, PAGE);
  const kinds = new Map<string, { capability: string; kind: string }>();
  for (const capability of capabilities) kinds.set(`${capability} `, { capability, kind: "" });
  for (const { capability, taskKind: kind } of lines)
    if (capability !== "" && (capabilities.length === 0 || capabilities.some((one) => tagRelation(capability, [one]) !== "no")))
      kinds.set(`${capability} ${kind}`, { capability, kind });
  return {
    agent: id,
    estimates: [...kinds.values()].map((of) => estimateOf(store, ledger, id, of)),
    said: ledger
      .instructions()
      .filter(({ agent }) => agent === id)
      .map(({ kind, capability, by, why, at }) => ({
        kind,
        ...(capability === undefined ? {} : { capability }),
        by,
        why,
        at: rfc3339(at),
      })),
    verdicts: lines.slice(0, SHOWN_MAX).map(verdictLine),
  };
}

function estimateOf(store: Store, ledger: Ledger, agent: string, { capability, kind }: { capability: string; kind: string }) {
  const of = { capability, agent, ...(kind === "" ? {} : { kind }) };
  const { mean, low, high, verdicts, changedAt, latencyMs } = ledger.estimate(of);
  const [runnerUp] = othersAt(store, agent, capability)
    .map((other) => ({ other, mean: ledger.estimate({ ...of, agent: other }).mean }))
    .toSorted((a, b) => b.mean - a.mean);
  return {
    capability,
    ...(kind === "" ? {} : { kind }),
    ...{ mean, low, high, verdicts },
    ...(changedAt === undefined ? {} : { changedAt }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(runnerUp === undefined ? {} : { runnerUp: runnerUp.other }),
    history: ledger.history(of).map(({ at, mean: then, low: from, high: to }) => ({ at, mean: then, low: from, high: to })),
  };
}

function othersAt(store: Store, agent: string, capability: string): string[] {
  return store
    .agents()
    .map(keptLine)
    .filter((line) => line.id !== agent && hasCapability(line, capability))
    .map(({ id }) => id);
}

function verdictLine({ at, run, capability, taskKind, verdict, text }: Verdict): TrustView["verdicts"][number] {
  const { because, by, why } = JSON.parse(text) as { because?: string; by?: string; why?: string };
  const words = because ?? why;
  return {
    ...{ at: rfc3339(at), capability, verdict },
    ...(run === "" ? {} : { run }),
    ...(taskKind === "" ? {} : { kind: taskKind }),
    ...(words === undefined ? {} : { because: words }),
    ...(by === undefined ? {} : { by }),
  };
}

// At the owner's.

export function agentHandlers(
  office: AgentOffice,
  store: Store,
  engine: EmbeddedEngine,
): Handlers<AgentLookName | AgentSteerName> {
  const { desk } = office;
  const now = (): number => engine.clock.now();
  const lineOfStanding = ({ agent, status, held, breaker }: ReturnType<typeof desk.standing>): AgentLine =>
    lineOf(agent, status, held.size, breaker.state(now()).kind);
  const say =
    (kind: "pin" | "ban" | "clear" | "forgive") =>
    async ({ id, capability, why, who }: ReadInputOf<"agents.pin">): Promise<OutputOf<"agents.pin">> => {
      desk.standing(id);
      const text = JSON.stringify(saidOf(who ?? SOMEBODY, why));
      const at = now();
      await engine.keep([
        {
          kind: "verdict",
          id: `${kind} ${id} ${at} ${capability ?? ""}`,
          at,
          run: "",
          agent: id,
          capability: capability ?? "",
          taskKind: "",
          verdict: kind,
          text,
        },
        { kind: "audit", at, what: `agent-${kind}`, text: JSON.stringify({ agent: id, capability, by: who ?? SOMEBODY, why }) },
      ]);
      return { id, kind, ...(capability === undefined ? {} : { capability }) };
    };
  return {
    "agents.list": async ({ capability }) => ({
      agents: [
        ...desk.standings().map(lineOfStanding),
        ...[...office.broken].map(([id, problem]: [string, Problem]) => brokenLine(id, problem.detail)),
      ]
        .filter((line) => hasCapability(line, capability))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    }),
    "agents.show": async ({ id }) => {
      const standing = desk.standing(id);
      const kept = store.agents().find((one) => one.id === id) ?? null;
      const { agent } = standing;
      return viewOf(agent, lineOfStanding(standing), kept, trustOf(store, office.ledger, id, agent.capabilities));
    },
    "agents.trust": async ({ id, capability }) => {
      const own = desk.agent(id)?.capabilities;
      if (own === undefined && store.verdictsOf(id, 1).length === 0) throw unknown(id);
      return trustOf(store, office.ledger, id, capability === undefined ? (own ?? []) : [capability]);
    },
    "agents.add": async ({ definition, source, replace }) => {
      const document = requireManifest(definition as Json);
      const agent = agentOfDocument(document);
      const known = store.agents().find(({ id }) => id === agent.id);
      if (known !== undefined && !replace) throw agentProblems.AGENT_EXISTS(`There is an agent "${agent.id}" already.`);
      const status = known?.status ?? "unverified";
      await engine.keep([
        { kind: "agent", id: agent.id, definitionText: JSON.stringify(document), source, at: now(), status },
        { kind: "audit", at: now(), what: "agent-added", text: JSON.stringify({ id: agent.id, version: agent.version, source }) },
      ]);
      office.reload();
      const secret = agent.work.kind === "process" ? agent.work.process.secret : undefined;
      return { id: agent.id, replaced: known !== undefined, status, ...(secret === undefined ? {} : { secret }) };
    },
    "agents.remove": async ({ id }) => {
      requireKept(store, id);
      await engine.keep([
        { kind: "agent-gone", id },
        { kind: "audit", at: now(), what: "agent-removed", text: JSON.stringify({ id }) },
      ]);
      office.reload();
      return { id };
    },
    "agents.status": async ({ id, status, why, who }) => {
      const { status: from } = desk.standing(id);
      if (from === "retired" && status !== "active")
        throw agentProblems.AGENT_STATUS_INVALID(`${id} is retired; only active follows that.`);
      const text = JSON.stringify({ id, from, to: status, why: why ?? null, by: who ?? SOMEBODY });
      await engine.keep([
        { kind: "agent-status", id, status, stateText: "{}" },
        { kind: "audit", at: now(), what: "agent-status", text },
      ]);
      desk.setStatus(id, status, why ?? `${who ?? SOMEBODY} said so`);
      return { id, status };
    },
    "agents.pin": say("pin"),
    "agents.ban": say("ban"),
    "agents.clear": say("clear"),
    "agents.forgive": say("forgive"),
  };
}

function requireManifest(definition: Json): AgentDocument {
  const { diagnostics, document } = checkAgentValue(definition);
  if (document !== null) return document;
  const [first] = diagnostics.filter(({ severity }) => severity === "error");
  throw agentProblems.AGENT_DEFINITION_INVALID(`${first?.pointer || "The manifest"}: ${first?.message ?? "is none."}`, {
    ...(first?.fix === undefined ? {} : { fix: first.fix }),
    facts: { diagnostics },
  });
}
