// Laws of the desk: whom it chooses, within which terms, and how much anybody has under way.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Clock } from "../base/clock.ts";
import { signerFrom } from "../security/signer.ts";
import { Ledger } from "../trust.ts";
import type { Terms } from "../workflow.ts";
import { Accounts } from "./accounts.ts";
import { AGENT_STATUSES, type AgentDefinition, type AgentStatus } from "./agent.ts";
import { agentOf } from "./definition.ts";
import { AgentDesk, type Attempted, type Begun, type ChooseRequest, DEPTH_MAX, type PlainTask } from "./desk.ts";

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });

const NOW = Date.UTC(2026, 0, 1);
const RUN = "run_00000001";
const NAMES = ["anna", "bert", "cara", "dora", "emil"];
const CAPABILITIES = ["write", "write.brief", "write.poem", "search", "search.web"];
const TOOLS = ["wiki/search", "mail/send", "files/read", "files/delete"];

const clock: Clock = { now: () => NOW, after: () => ({ cancel: () => undefined }), soon: () => ({ cancel: () => undefined }) };

function deskOf(agents: readonly AgentDefinition[], ledger = new Ledger()): AgentDesk {
  const keep = (): void => undefined;
  const accounts = new Accounts({ now: () => NOW, keep, limit: {}, limitOfRun: () => ({}) }, null, []);
  const signer = signerFrom(Buffer.alloc(32, 1));
  const desk = new AgentDesk({ clock, keep, accounts, ledger: () => ledger, signer: () => signer });
  for (const one of agents) desk.set(agentOf(one), "active");
  return desk;
}

const everybody = (more: Partial<AgentDefinition> = {}): AgentDefinition[] =>
  NAMES.map((agent) => ({ agent, capabilities: ["write", "search"], act: () => null, ...more }));

function request(key: string, task: Partial<PlainTask>, more: Partial<ChooseRequest> = {}): ChooseRequest {
  return { task: { capability: "write", input: null, ...task }, run: RUN, terms: null, attempts: [], key, begun: null, ...more };
}

// Terms only narrow.

interface Hop {
  readonly task: Partial<PlainTask>;
  readonly below: readonly Hop[];
}

const someOf = (all: readonly string[]) => fc.subarray([...all]);

const task = fc.record(
  {
    capability: fc.constantFrom(...CAPABILITIES),
    tools: someOf(TOOLS),
    deadlineMs: fc.integer({ min: 1, max: 100_000 }),
    budget: fc.record({ usd: fc.integer({ min: 0, max: 10 }) }),
    to: someOf(NAMES),
  },
  { requiredKeys: ["capability"] },
);

/** So deep that the limit is met. */
const hop = fc.memo((depth): fc.Arbitrary<Hop> => {
  const below = depth <= 1 ? fc.constant<Hop[]>([]) : fc.array(hop(depth - 1), { maxLength: 2 });
  return fc.record({ task: task as fc.Arbitrary<Partial<PlainTask>>, below });
});

const rootTerms: fc.Arbitrary<Terms> = fc.record({
  ...{ delegation: fc.constant("root"), agent: fc.constant("zoe"), account: fc.constant(RUN), token: fc.constant(null) },
  deadlineAt: fc.option(fc.integer({ min: NOW + 1, max: NOW + 50_000 })),
  depthLeft: fc.integer({ min: 0, max: DEPTH_MAX }),
  path: fc.constant(["zoe"]),
  capabilities: fc.oneof(fc.constant("all" as const), someOf(CAPABILITIES)),
  tools: fc.oneof(fc.constant("all" as const), someOf(TOOLS)),
});

test("terms are within those above, for any tree of delegations (2)", () => {
  const model = { model: { instructions: "", delegates: ["write.brief", "search"] } };
  const agents = everybody().map(({ act: _, ...one }, at) => (at % 2 === 0 ? { ...one, ...model } : { ...one, act: () => null }));
  fc.assert(
    fc.property(rootTerms, fc.array(hop(DEPTH_MAX + 1), { minLength: 1, maxLength: 3 }), (root, hops) => {
      const desk = deskOf(agents);
      desk.accounts.ofRun(RUN);
      for (const [at, one] of hops.entries()) descend(desk, root, one, `${RUN}.0/${at}`);
    }),
  );
});

function descend(desk: AgentDesk, above: Terms, { task: asked, below }: Hop, key: string): void {
  const chosen = desk.choose(request(key, asked, { terms: above }));
  if (chosen.kind !== "chosen") return;
  const { terms } = chosen;
  assert.ok(covers(above.capabilities, asked.capability ?? ""), "what was not to be handed on is handed on");
  assert.ok(
    terms.capabilities === "all"
      ? above.capabilities === "all"
      : terms.capabilities.every((one) => covers(above.capabilities, one)),
  );
  assert.ok(
    terms.tools === "all"
      ? above.tools === "all"
      : terms.tools.every((one) => above.tools === "all" || above.tools.includes(one)),
  );
  assert.ok((terms.deadlineAt ?? Number.POSITIVE_INFINITY) <= (above.deadlineAt ?? Number.POSITIVE_INFINITY));
  assert.equal(terms.depthLeft, above.depthLeft - 1);
  assert.ok(terms.depthLeft >= 0);
  assert.deepEqual(terms.path, [...above.path, chosen.agent]);
  assert.equal(new Set(terms.path).size, terms.path.length, "it goes round in a circle");
  const left = (account: string): number => desk.accounts.view(account).usd.left ?? Number.POSITIVE_INFINITY;
  assert.ok(left(terms.account) <= left(above.account));
  for (const [at, one] of below.entries()) descend(desk, terms, one, `${key}/${at}`);
}

function covers(granted: readonly string[] | "all", capability: string): boolean {
  return granted === "all" || granted.some((one) => capability === one || capability.startsWith(`${one}.`));
}

// At work.

test("nobody has more under way than it may, whatever is asked and settled (3)", () => {
  const moves = fc.array(fc.oneof(fc.constant("choose" as const), fc.nat({ max: 20 })), { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), moves, (concurrency, all) => {
      const desk = deskOf(everybody({ limits: { concurrency } }));
      const open: { attempt: Attempted; begun: Begun; task: PlainTask }[] = [];
      for (const [at, move] of all.entries()) {
        if (move === "choose") {
          const asked = request(`${RUN}.0/${at}`, {});
          const chosen = desk.choose(asked);
          assert.equal(chosen.kind, open.length < concurrency * NAMES.length ? "chosen" : "busy");
          if (chosen.kind !== "chosen") continue;
          const attempt = {
            agent: chosen.agent,
            key: chosen.key,
            verdict: "right",
            because: null,
            mean: chosen.mean,
            latencyMs: 1,
          } as const;
          open.push({ attempt, begun: chosen.begun, task: asked.task });
        } else {
          const [over] = open.splice(move % Math.max(1, open.length), 1);
          if (over === undefined) continue;
          if (move % 2 === 0) desk.settle(over.task, RUN, over.begun, [over.attempt]);
          else desk.giveUp(over.task, RUN, over.begun, [], over.attempt.key);
        }
        for (const { agent, held } of desk.standings()) assert.ok(held.size <= concurrency, agent.id);
        assert.equal(
          desk.standings().reduce((sum, { held }) => sum + held.size, 0),
          open.length,
        );
      }
    }),
  );
});

// Who is out.

test("who is banned, quarantined or retired is never chosen", () => {
  const statuses = fc.array(fc.constantFrom(...AGENT_STATUSES), { minLength: NAMES.length, maxLength: NAMES.length });
  fc.assert(
    fc.property(
      statuses,
      someOf(NAMES),
      fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.boolean())),
      fc.string(),
      (all, banned, verdicts, key) => {
        const ledger = new Ledger();
        for (const [agent, ok] of verdicts) ledger.record({ capability: "write", agent, ok });
        for (const agent of banned) ledger.instruct({ kind: "ban", agent, by: "Ann", why: "", at: NOW });
        const desk = deskOf(everybody(), ledger);
        for (const [at, name] of NAMES.entries()) desk.setStatus(name, all[at] as AgentStatus, "");
        const isOut = (name: string): boolean =>
          banned.includes(name) || ["quarantined", "retired"].includes(desk.standing(name).status);
        for (const strategy of ["learned", "priority", "least-cost", "least-latency"] as const) {
          const chosen = desk.choose(request(`${RUN}.0/${strategy} ${key}`, { strategy }));
          if (chosen.kind === "chosen") assert.ok(!isOut(chosen.agent), `${chosen.agent}, by ${strategy}`);
          else assert.ok(NAMES.every(isOut), `nobody, by ${strategy}`);
        }
      },
    ),
  );
});

// Nothing but what is kept.

test("the same request and the same verdicts give the same choice (1)", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.boolean())), fc.string(), (verdicts, key) => {
      const choices = [1, 2].map(() => {
        const ledger = new Ledger();
        for (const [agent, ok] of verdicts) ledger.record({ capability: "write", agent, ok });
        return deskOf(everybody(), ledger).choose(request(`${RUN}.0/${key}`, {}));
      });
      assert.deepEqual(choices[0], choices[1]);
    }),
  );
});
