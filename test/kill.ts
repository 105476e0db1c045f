// The real command, killed with SIGKILL at random moments and typed again until it ends by itself.
//
// Each round has a fresh place and one or two lines that are typed in it; two rounds go on at a time. The moments are
// drawn from the seed; where they hit hangs on the machine, and is counted.

import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fraction, seededRandom } from "../src/base/random.ts";
import { rootPath } from "../tools/layout.ts";
import { type Command, type Ended, openPlace, type Place } from "./command.ts";
import { openWitness, type Witness } from "./kill.witness.ts";
import type { Done } from "./kill.work.ts";

/** What a kill hit. */
const HITS = ["before its run was accepted", "on its way to the run", "the owner", "beside an owner", "after the end"] as const;
type Hit = (typeof HITS)[number];

export interface Killed {
  readonly kills: number;
  readonly rounds: number;
  readonly hits: Readonly<Record<Hit, number>>;
}

/** The keys of the lines that are typed in a round's place. */
const SHAPES: readonly (readonly string[])[] = [["1"], ["1", "2"], ["1", "1"]];

const ROUNDS_AT_ONCE = 2;

/** The earliest and the latest moment, as parts of how long the work takes undisturbed. Among others it takes longer. */
const EARLIEST = 0.2;
const LATEST = 1.5;

/** A line killed this often is left alone: one that hangs must not be killed for ever. */
const KILLS_OF_LINE_MAX = 30;

/** Kills at least `kills` times. Throws what was broken, with the seed and where it is kept. */
export async function killAgainAndAgain(seed: number, kills: number): Promise<Killed> {
  const random32 = seededRandom(seed);
  const typicalMs = Math.max(...(await together(Array.from({ length: ROUNDS_AT_ONCE }, undisturbedMs))));
  const hits = Object.fromEntries(HITS.map((hit) => [hit, 0])) as Record<Hit, number>;
  const killed = (): number => Object.values(hits).reduce((sum, count) => sum + count, 0);
  let rounds = 0;
  let isBroken = false;
  const lane = async (): Promise<void> => {
    while (killed() < kills && !isBroken) {
      const keys = SHAPES[rounds++ % SHAPES.length] ?? [];
      const lines = keys.map((key) => ({ key, moments: moments(random32(), typicalMs) }));
      await round(lines, (hit) => void hits[hit]++).catch((cause: unknown) => {
        isBroken = true;
        throw new Error(`seed ${seed}, keys ${keys.join(" and ")}: ${(cause as Error).message}`, { cause });
      });
    }
  };
  await together(Array.from({ length: ROUNDS_AT_ONCE }, lane));
  return { kills: killed(), rounds, hits };
}

/** Like Promise.all, but whoever fails is not told of before all have ended. */
async function together<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Delays after the start at which to kill, evenly over their logarithm, in ms. */
function moments(seed: number, typicalMs: number): readonly number[] {
  const random32 = seededRandom(seed);
  return Array.from({ length: KILLS_OF_LINE_MAX }, () => typicalMs * LATEST * (EARLIEST / LATEST) ** fraction(random32));
}

/** What is typed until it ends, and when each time it is killed. */
interface Line {
  readonly key: string;
  readonly moments: readonly number[];
}

async function round(lines: readonly Line[], count: (hit: Hit) => void): Promise<void> {
  using place = openPlace();
  const witness = openWitness(place.path);
  try {
    const dones = await together(lines.map((line) => typedUntilItEnds(place, witness, line, count)));
    const outputs = Map.groupBy(dones, (_, index) => lines[index]?.key ?? "");
    witness.checkEnd(outputs);
    await checkRepeated(place, witness, outputs);
  } catch (error) {
    renameSync(place.path, `${place.path}-broken`);
    throw new Error(`${(error as Error).message}\nkept in ${place.path}-broken`, { cause: error });
  }
}

async function typedUntilItEnds(place: Place, witness: Witness, line: Line, count: (hit: Hit) => void): Promise<Done> {
  for (const delayMs of line.moments) {
    const command = type(place, line.key);
    const { hit, done } = await killedAfter(command, delayMs, () => hitOf(place, command.pid));
    const status = witness.look(line.key);
    if (done !== null) {
      assert.equal(status, "completed", "it printed the output of a run that has not completed");
      return done;
    }
    count(status === null ? "before its run was accepted" : status === "completed" ? "after the end" : hit);
  }
  return doneOf(await type(place, line.key).ended);
}

function type(place: Place, key: string): Command {
  const input = `{"n":${key}}`;
  return place.start(["run", rootPath("test", "kill.work.ts"), "--input", input, "--key", key, "--no-input", "--quiet"]);
}

/** `done` when it ended by itself, before the moment or at it. */
async function killedAfter(
  command: Command,
  delayMs: number,
  look: () => Hit,
): Promise<{ readonly hit: Hit; readonly done: Done | null }> {
  let hit: Hit = "after the end";
  const timer = setTimeout(() => {
    hit = look();
    killGroup(command.pid);
  }, delayMs);
  const ended = await command.ended.finally(() => clearTimeout(timer));
  if (ended.code === null) return { hit, done: null };
  return { hit, done: doneOf(ended) };
}

function doneOf({ code, stdout, stderr }: Ended): Done {
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(stdout) as Done;
}

/** Kills a command and all that it has started. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

/** What is killed now, as the owner's note tells it. */
function hitOf(place: Place, pid: number): Hit {
  const path = join(place.path, ".baton", "owner.json");
  if (!existsSync(path)) return "on its way to the run";
  const note = JSON.parse(readFileSync(path, "utf8")) as { readonly pid: number };
  if (note.pid === pid) return "the owner";
  return isAlive(note.pid) ? "beside an owner" : "on its way to the run";
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Typed once more, each line prints the same, and nothing acts. */
async function checkRepeated(place: Place, witness: Witness, outputs: ReadonlyMap<string, readonly Done[]>): Promise<void> {
  for (const [key, [first]] of outputs) {
    assert.deepEqual(doneOf(await type(place, key).ended), first, `typed again, key ${key} gives something else`);
  }
  witness.checkEnd(outputs);
}

/** How long the work takes when nobody kills it, in ms. */
async function undisturbedMs(): Promise<number> {
  using place = openPlace();
  const startedAt = performance.now();
  doneOf(await type(place, "1").ended);
  return performance.now() - startedAt;
}
