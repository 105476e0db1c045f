// Crash at every commit, exhaustively: whatever a workflow does, and at whichever commit the process dies (before it,
// after it, or with the answer lost), opening again and going on gives what an uninterrupted run gives.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunId } from "../src/base/id.ts";
import { type Entry, endsOperation, isEnd } from "../src/run.ts";
import { type Death, type DeathMode, World } from "../src/testing.ts";
import type { Workflow } from "../src/workflow.ts";
import { type Story, stories } from "./stories.ts";

const MODES: readonly DeathMode[] = ["before", "after", "answer-lost"];
const ROUNDS_MAX = 400;
const TICK_MS = 10 * 60_000;

interface Ended {
  readonly outcome: unknown;
  readonly commits: number;
}

/** Lives a story to its end: what people and programs would do, they do; dead worlds are opened again. */
async function live(story: Story, deaths: readonly Death[]): Promise<Ended> {
  story.begin();
  const [first, ...later] = deaths;
  const workflows = story.workflows as readonly Workflow[];
  using world = new World({ workflows, seed: 7, ...(first === undefined ? {} : { death: first }) });
  const remaining = [...later];
  let commits = 0;
  let run: RunId | null = null;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (world.store.isDead) {
      commits += world.store.commits;
      world.crash(remaining.shift() ?? null);
    }
    run ??= await world.start(story.main, undefined, "the-key");
    await world.clock.settle();
    if (world.store.isDead || run === null) continue;
    const found = world.run(run);
    if ((story.isOver?.(found) ?? isEnd(found.status)) && allEnded(world)) {
      check(world);
      return { outcome: story.outcome(found), commits: commits + world.store.commits };
    }
    if (!story.act(world, run)) await world.clock.advance(TICK_MS);
    await world.clock.settle();
  }
  const stuck = run === null ? "never started" : JSON.stringify([world.run(run), [...world.reading(run).values()]]);
  throw new Error(`${story.name} did not end: ${stuck}`);
}

function allEnded(world: World): boolean {
  return world.store.unended(["pending", "running", "waiting"], 0, 1).length === 0;
}

/** What must hold of every journal, whatever happened. */
function check(world: World): void {
  for (const { id } of world.store.runs({ limit: 1_000 }).runs) {
    const entries = world.journal(id);
    const outcomes = entries.filter((entry) => endsOperation(entry.kind)).map((entry) => entry.key);
    // A wait that was answered and timed out in one moment has two; only the first counts, and only for waits.
    const stepOutcomes = entries
      .filter((entry) => entry.kind === "step-completed" || entry.kind === "step-failed")
      .map((entry) => entry.key);
    assert.equal(new Set(stepOutcomes).size, stepOutcomes.length, `a step of ${id} is recorded twice: ${stepOutcomes}`);
    assert.ok(outcomes.length <= entries.length);
    assertTimersNotEarly(entries);
    const signals = entries.filter((entry) => entry.kind === "signal-received").map((entry) => entry.key);
    assert.equal(new Set(signals).size, signals.length, `a signal of ${id} was received twice`);
  }
}

function assertTimersNotEarly(entries: readonly Entry[]): void {
  const set = new Map<string | null, number>();
  for (const entry of entries) {
    if (entry.kind === "timer-set") set.set(entry.key, (JSON.parse(entry.data) as { fireAt: number }).fireAt);
    if (entry.kind === "timer-fired") assert.ok(entry.at >= (set.get(entry.key) ?? 0), `timer ${entry.key} fired early`);
  }
}

for (const story of stories) {
  test(`a crash at any commit changes nothing: ${story.name}`, async (t) => {
    const { outcome, commits } = await live(story, []);
    let points = 0;
    for (let atCommit = 1; atCommit <= commits; atCommit++) {
      for (const mode of MODES) {
        const after = await live(story, [{ atCommit, mode }]);
        assert.deepEqual(after.outcome, outcome, `died at commit ${atCommit}, ${mode}`);
        points++;
      }
    }
    t.diagnostic(`${points} crash points`);
  });

  test(`a second crash while recovering changes nothing either: ${story.name}`, async () => {
    const { outcome, commits } = await live(story, []);
    for (let atCommit = 1; atCommit <= commits; atCommit += 2) {
      for (const second of [1, 2, 3]) {
        const deaths: Death[] = [
          { atCommit, mode: "after" },
          { atCommit: second, mode: "answer-lost" },
          { atCommit: 1, mode: "before" },
        ];
        assert.deepEqual(
          (await live(story, deaths)).outcome,
          outcome,
          `died at commit ${atCommit}, then at ${second}, then at 1`,
        );
      }
    }
  });
}
