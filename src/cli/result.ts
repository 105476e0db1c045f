// How a followed run is told of in the end: the output on stdout, the rest on stderr, and the exit code.

import type { RunView } from "../api.ts";
import type { Problem } from "../base/problem.ts";
import { spanForPeople } from "../base/time.ts";
import type { Followed } from "./follow.ts";
import { EXIT, exitCodeOfRun } from "./problems.ts";
import { printable, type Terminal } from "./terminal.ts";

export interface Told extends Followed {
  /** The line that carries the run on. */
  readonly again: string;
  readonly detached: boolean;
}

export function endOf(followed: Followed, wanted: { again(run: string): string }, detached: boolean): Told {
  return { ...followed, again: wanted.again(followed.run), detached };
}

/** Prints the end; gives the exit code. */
export function tellEnd(terminal: Terminal, { json }: { json: boolean }, told: Told): number {
  const { view, because } = told;
  if (view === null) return EXIT.unreachable;
  if (json) terminal.data(JSON.stringify(summaryOf(view)));
  else tellPeople(terminal, view);
  if (view.endedAt === undefined) terminal.say(`carry it on with:  ${told.again}`);
  if (view.questions.length > 0) terminal.say(`answer it with:    baton inbox answer ${view.run} JSON`);
  return exitCode(because, view, told.detached);
}

function exitCode(because: Followed["because"], view: RunView, detached: boolean): number {
  if (because === "interrupted") return EXIT.interrupted;
  if (because === "person") return EXIT.waits;
  if (detached && view.endedAt === undefined) return EXIT.ok;
  const isBug = view.status === "failed" && view.problem?.code === "BUG";
  return isBug ? EXIT.bug : exitCodeOfRun(view.status);
}

/** The one object of `--json`. */
export function summaryOf(view: RunView): Record<string, unknown> {
  const { run, workflow, status, output, problem, startedAt, endedAt, steps, key, reason, waitsFor, wakeAt, degraded } = view;
  return {
    v: 1,
    ...{ run, workflow, status, key, reason, waitsFor, wakeAt },
    ...(status === "completed" ? { output } : {}),
    ...(problem === undefined ? {} : { problem }),
    ...(degraded === undefined ? {} : { degraded }),
    ...{ startedAt, endedAt, steps },
  };
}

function tellPeople(terminal: Terminal, view: RunView): void {
  const tookMs = Date.parse(view.endedAt ?? new Date().toISOString()) - Date.parse(view.startedAt);
  const facts = `${view.run}  ${view.steps.completed} ${view.steps.completed === 1 ? "step" : "steps"}  ${spanForPeople(tookMs)}`;
  if (view.status === "completed") {
    terminal.say(`${terminal.style("green", "✓ completed")}  ${facts}`);
    terminal.data(printable(outputForPeople(view.output)));
    return;
  }
  if (view.endedAt !== undefined) {
    terminal.say(`${terminal.style("red", `✗ ${view.status}`)}  ${facts}`);
    if (view.problem !== undefined) terminal.complain(view.problem as Problem);
    return;
  }
  if (view.status === "paused" && view.problem !== undefined) terminal.complain(view.problem as Problem);
  terminal.say(`${terminal.style("yellow", `… ${view.status}`)}  ${facts}`);
  if (view.waitsFor !== undefined) terminal.say(printable(view.waitsFor));
  for (const question of view.questions) terminal.say(`asks: ${printable(question.message ?? question.name)}`);
}

/** Text as it is; of an object with a text `summary`, that; else JSON. */
function outputForPeople(output: unknown): string {
  if (typeof output === "string") return output;
  if (typeof output === "object" && output !== null && "summary" in output && typeof output.summary === "string")
    return output.summary;
  return JSON.stringify(output ?? null, null, 2);
}
