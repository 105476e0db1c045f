// Delegations crashed at every commit: whatever is handed on, and at whichever commit the process dies, opening again and going
// on gives the same result, judges each attempt once, and pays for each once.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { type AgentDefinition, agent, delegatingOf, hub, lead, makerChecker, ORGANISATION, race } from "../src/agents.ts";
import type { RunId } from "../src/base/id.ts";
import type { Json } from "../src/base/json.ts";
import { type BudgetEntry, Budgets } from "../src/flow.ts";
import { AgentOffice } from "../src/orchestrator/agent-office.ts";
import { ServiceDesk } from "../src/orchestrator/service-desk.ts";
import { openBaton } from "../src/orchestrator.ts";
import { isEnd } from "../src/run.ts";
import { type Death, type DeathMode, World } from "../src/testing.ts";
import { type Context, type StepContext, type Task, type Workflow, workflow } from "../src/workflow.ts";
import { rootPath } from "../tools/layout.ts";

const MODES: readonly DeathMode[] = ["before", "after", "answer-lost"];
const ROUNDS_MAX = 300;
const TICK_MS = 60 * 60_000;

/** What each run may spend, in US$: enough for all, and not for paying twice. */
const LIMIT_USD = 2;

/** How often each piece of work was begun, by its idempotency key. */
const acted = new Map<string, number>();

const noted =
  <I, O>(act: (input: I) => O) =>
  (input: I, { idempotencyKey }: StepContext): O => {
    acted.set(idempotencyKey, (acted.get(idempotencyKey) ?? 0) + 1);
    return act(input);
  };

const words = (text: string): number => text.split(" ").length;

const good = agent({
  ...{ agent: "good", capabilities: ["count"], priority: 2, priceUsd: 0.25 },
  act: noted(words),
});
const bad = agent({ agent: "bad", capabilities: ["count"], priority: 1, priceUsd: 0.125, act: noted(() => "many") });
const slow = agent({
  ...{ agent: "slow", capabilities: ["count"], priority: 3, priceUsd: 0.5 },
  run: (ctx: Context) => ctx.sleep("a year", 365 * 86_400_000).then(() => 0),
});
const foreman = lead({
  ...{ agent: "foreman", capabilities: ["site"], priceUsd: 0.125 },
  split: (input) => (input as string[]).map((text, at) => ({ name: `part ${at}`, ...count(text), to: "good" })),
  merge: (results) => results.reduce((sum, { output }) => sum + Number(output), 0),
});
const chief = lead({
  ...{ agent: "chief", capabilities: ["build"] },
  split: (input) => (input as string[][]).map((site, at) => ({ name: `site ${at}`, capability: "site", input: site })),
  merge: (results) => results.map(({ output }) => output),
});
const adder = agent({
  ...{ agent: "adder", capabilities: ["add"], priceUsd: 0.125 },
  act: noted(({ results }: { results: { output: number }[] }) => results.reduce((sum, { output }) => sum + output, 0)),
});
const maker = agent({
  ...{ agent: "maker", capabilities: ["write"], priceUsd: 0.125 },
  act: noted((given: Json) => (typeof given === "object" ? "a longer draft" : "short")),
});
const checker = agent({
  ...{ agent: "checker", capabilities: ["check"], priceUsd: 0.0625 },
  act: noted(({ draft }: { draft: string }) => ({ ok: draft.length > 6, because: "it is too short" })),
});

const AGENTS: readonly AgentDefinition[] = [good, bad, slow, foreman, chief, adder, maker, checker];

const count = (text: string): Task => ({
  capability: "count",
  input: text,
  output: { type: "integer" },
  strategy: "priority",
  except: "slow",
});

interface Story {
  readonly name: string;
  readonly main: Workflow<null, unknown>;
  /** What it costs, in US$. */
  readonly costUsd: number;
  /** `agent: verdict`, in the order of the alphabet. */
  readonly verdicts: readonly string[];
}

function story(name: string, costUsd: number, verdicts: readonly string[], run: (ctx: Context) => Promise<unknown>): Story {
  return { name, costUsd, verdicts, main: workflow<null, unknown>({ name: name.replaceAll(/[^a-z]+/g, "-"), run }) };
}

const stories: readonly Story[] = [
  story("a single delegation", 0.25, ["good: right"], (ctx) => ctx.delegate({ ...count("a b c"), to: "good" })),
  story("a wrong result handed to the next", 0.375, ["bad: wrong", "good: right"], (ctx) => ctx.delegate(count("a b c"))),
  story("a hub", 0.875, ["adder: right", "good: right", "good: right", "good: right"], async (ctx) => {
    const pieces = ["a", "a b", "a b c"].map((text, at) => ({ name: `piece ${at}`, ...count(text), to: "good" }));
    return (await hub(ctx, null, { split: () => pieces, merge: { capability: "add", input: null } })).output;
  }),
  story(
    "a hierarchy of two levels",
    1,
    ["chief: right", "foreman: right", "foreman: right", "good: right", "good: right", "good: right"],
    (ctx) => ctx.delegate({ capability: "build", input: [["a", "a b"], ["a b c"]], budget: { usd: 1.5 } }),
  ),
  story("a maker and a checker", 0.375, ["checker: right", "checker: right", "maker: right", "maker: right"], (ctx) =>
    makerChecker(ctx, "tides", { maker: { capability: "write" }, checker: { capability: "check" } }),
  ),
  story("a race", 0.25, ["good: right"], async (ctx) => {
    const done = await race(ctx, { capability: "count", input: "a b" }, ["slow", "good"]);
    return done.ok ? [done.output, done.agent] : null;
  }),
];

interface Ended {
  readonly outcome: unknown;
  readonly commits: number;
}

/** Lives a story to its end; dead worlds are opened again. */
async function live({ main, name, costUsd, verdicts }: Story, deaths: readonly Death[]): Promise<Ended> {
  acted.clear();
  const [first, ...remaining] = deaths;
  let office: AgentOffice | null = null;
  using world = new World({
    ...{ workflows: [main as Workflow], seed: 7, ...(first === undefined ? {} : { death: first }) },
    answering(life) {
      office = officeOf(life);
      return { delegating: delegatingOf(office.desk, office.doing) };
    },
  });
  let commits = 0;
  let run: RunId | null = null;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (world.store.isDead) {
      commits += world.store.commits;
      world.crash(remaining.shift() ?? null);
    }
    run ??= await world.start(main, undefined, "the-key");
    await world.clock.settle();
    if (world.store.isDead || run === null) continue;
    const found = world.run(run);
    if (!isEnd(found.status)) {
      await world.clock.advance(TICK_MS);
      continue;
    }
    await world.clock.settle();
    if (world.store.isDead) continue;
    checkVerdicts(world, run, verdicts);
    checkBudgets(world, run, costUsd);
    checkSteps(world, run, deaths.length);
    checkNobodyHeld(office);
    const outcome = found.status === "completed" ? found.output : found;
    return { outcome, commits: commits + world.store.commits };
  }
  throw new Error(`${name} did not end: ${run === null ? "never started" : JSON.stringify(world.run(run))}`);
}

function officeOf({ store, engine, directory }: Pick<World, "store" | "engine" | "directory">): AgentOffice {
  const paying = { accountOf: () => null, reserve: () => null, commit: () => undefined };
  const services = new ServiceDesk({ store, engine, clock: engine.clock, services: [], paying, isWatched: false });
  return new AgentOffice({
    ...{ store, engine, clock: engine.clock, directory, services, agents: AGENTS },
    ...{ budget: { usd: LIMIT_USD }, budgetOfRun: () => ({ usd: LIMIT_USD }), workflowNamed: () => null },
  });
}

/** One per agent and attempt. */
function checkVerdicts(world: World, run: RunId, expected: readonly string[]): void {
  const kept = world.store.verdictsOfRun(run).map(({ agent: name, verdict }) => `${name}: ${verdict}`);
  assert.deepEqual(kept.toSorted(), expected);
}

/** At every moment spent and reserved are within the limit; at the end all is spent once, and nothing reserved. */
function checkBudgets(world: World, run: RunId, costUsd: number): void {
  const budgets = new Budgets();
  for (const { text } of world.store.budgetEntries(0, 10_000)) {
    budgets.apply(JSON.parse(text) as BudgetEntry);
    for (const { id } of budgets.snapshot().nodes) {
      const { limit, spent, reserved } = lineOf(budgets, id);
      assert.ok(limit === null || spent + reserved <= limit, `${id}: ${spent} and ${reserved} of ${limit}, after ${text}`);
    }
  }
  for (const id of [ORGANISATION, run]) assert.deepEqual(lineOf(budgets, id), { limit: LIMIT_USD, spent: costUsd, reserved: 0 });
  assert.deepEqual(
    budgets.snapshot().nodes.map(({ id }) => id),
    [ORGANISATION, run],
    "every delegation's account is closed",
  );
}

function lineOf(budgets: Budgets, id: string) {
  const { limit = null, spent = 0, reserved = 0 } = budgets.view(id)?.lines.usd ?? {};
  return { limit, spent, reserved };
}

/** No step is recorded twice; none is begun more often than the world was opened. */
function checkSteps(world: World, run: RunId, deaths: number): void {
  const ended = world.journal(run).filter(({ kind }) => kind === "step-completed" || kind === "step-failed");
  assert.equal(new Set(ended.map(({ key }) => key)).size, ended.length, "a step is recorded twice");
  for (const [key, times] of acted) assert.ok(times <= deaths + 1, `${key} acted ${times} times in ${deaths + 1} lives`);
}

function checkNobodyHeld(office: AgentOffice | null): void {
  const held = office?.desk.standings().filter((standing) => standing.held.size > 0) ?? [];
  assert.deepEqual(
    held.map((standing) => `${standing.agent.id} ${[...standing.held]}`),
    [],
  );
}

for (const told of stories) {
  test(`a crash at any commit changes nothing: ${told.name}`, async (t) => {
    const { outcome, commits } = await live(told, []);
    let points = 0;
    for (let atCommit = 1; atCommit <= commits; atCommit++) {
      for (const mode of MODES) {
        assert.deepEqual((await live(told, [{ atCommit, mode }])).outcome, outcome, `died at commit ${atCommit}, ${mode}`);
        points++;
      }
    }
    t.diagnostic(`${points} crash points`);
  });

  test(`a second crash while recovering changes nothing either: ${told.name}`, async () => {
    const { outcome, commits } = await live(told, []);
    for (let atCommit = 1; atCommit <= commits; atCommit += 3) {
      const deaths: Death[] = [
        { atCommit, mode: "after" },
        { atCommit: 1 + (atCommit % 3), mode: "answer-lost" },
        { atCommit: 1, mode: "before" },
      ];
      assert.deepEqual((await live(told, deaths)).outcome, outcome, `died at commit ${atCommit}, and again`);
    }
  });
}

// A real process, killed while it works.

interface AgentProcess extends AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  /** The next line that it says. */
  said(): Promise<string>;
}

async function started(...options: string[]): Promise<AgentProcess> {
  const child = spawn(process.execPath, [rootPath("test", "agent.work.mjs"), ...options], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const said = async (): Promise<string> => String((await lines.next()).value);
  return {
    url: await said(),
    ...{ child, said },
    async [Symbol.asyncDispose]() {
      const ended = child.exitCode !== null || child.signalCode !== null ? null : once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

for (const [signal, how] of [
  ["SIGKILL", "is killed"],
  ["SIGSTOP", "hangs"],
] as const)
  test(`an agent's process that ${how} in the middle of its task is lost: another does it, both are paid, and one result counts`, async () => {
    const data = mkdtempSync(join(tmpdir(), "baton-"));
    await using victim = await started("slow");
    await using other = await started();
    const by = (name: string, url: string, priority: number): AgentDefinition =>
      agent({ agent: name, capabilities: ["count"], priority, process: { url, leaseMs: 1_000, pollMs: 10 } });
    const main = workflow({
      name: "main",
      run: (ctx: Context) => ctx.tryDelegate({ ...count("a b c"), budget: { usd: 1 } }),
    });
    try {
      await using baton = await openBaton({
        data,
        agents: [by("victim", victim.url, 1), by("other", other.url, 2)],
        workflows: [main as Workflow],
        carry: "own",
      });
      const run = await baton.start(main, null);
      assert.match(await victim.said(), /^took run_/);
      victim.child.kill(signal);
      const done = await run.result();
      assert.ok(done.ok, done.ok ? "" : done.problem.detail);
      assert.deepEqual(
        [done.output, done.agent, done.tried.map((one) => [one.agent, one.how])],
        [3, "other", [["victim", "fault"]]],
      );
      assert.ok(done.costUsd === 0.25 || done.costUsd === 0.375, `what it was heard to have used is paid: ${done.costUsd}`);
      victim.child.kill("SIGCONT"); // what it still says is heard by nobody
      const { verdicts } = await baton.call("agents.trust", { id: "other" });
      assert.deepEqual(
        verdicts.map(({ verdict }) => verdict),
        ["right"],
      );
      assert.match(await other.said(), /^took run_/);
      const { entries } = await baton.call("runs.journal", { run: run.id });
      const applied = entries.filter(({ kind, key }) => kind === "step-completed" && key?.endsWith("/ other / work") === true);
      assert.equal(applied.length, 1);
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  });
