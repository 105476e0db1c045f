// Rehearsal: a journal is replayed against other code to see whether it fits. No step is executed, nothing is written.

import type { ProblemError } from "../base/problem.ts";
import { seededRandom } from "../base/random.ts";
import { type Entry, isEnd } from "../run.ts";
import type { RunRecord } from "../store.ts";
import type { Answering, Workflow } from "../workflow.ts";
import type { Operation } from "./operation.ts";
import type { Claim, Engine, Taken } from "./port.ts";
import { Registry } from "./registry.ts";
import { type Carrying, Resident } from "./resident.ts";

/** What became of it. */
export type Verdict =
  /** It goes on; `unasked`: what the journal has and the code asks for no more. */
  | { readonly kind: "fits"; readonly unasked: readonly string[] }
  /** The code asks for something else than the journal has. */
  | { readonly kind: "mismatch"; readonly at: string; readonly asked: string; readonly recorded: string }
  | { readonly kind: "throws"; readonly message: string }
  /** It comes to its end with what the journal has. */
  | { readonly kind: "ends" };

/** Replays what a run has done against a workflow's code. */
export function rehearse(
  record: RunRecord,
  entries: readonly Entry[],
  workflow: Workflow,
  answering: Answering,
): Promise<Verdict> {
  const claim: Claim = { run: record.run.id, epoch: 0 };
  return new Promise((resolve) => {
    const resident: Resident = new Resident(rehearsing(resolve, answering), { claim, record, entries } satisfies Taken, workflow);
    if (isEnd(record.run.status) || entries.length === 0) resolve({ kind: "fits", unasked: [] });
    else resident.begin();
  });
}

/** Carries a run to where its journal ends, and lets it go there. */
function rehearsing(tell: (verdict: Verdict) => void, answering: Answering): Carrying {
  const registry = new Registry();
  const done = (resident: Resident, verdict: Verdict): void => {
    if (!resident.gone) tell(verdict);
    resident.leave();
  };
  return {
    ...{ engine: still(), random32: seededRandom(1), news: null, strict: true, acting: new Set(), events: null, turn: 0 },
    answering,
    file: () => null,
    lines: { ask: nothing, leave: nothing, why: () => null },
    acts: nothing,
    actingOf: () => [],
    changed: nothing,
    comesAlive(resident) {
      done(resident, { kind: "fits", unasked: resident.unasked() });
      return false;
    },
    returned: (resident) => done(resident, { kind: "ends" }),
    threw: (resident, error) => done(resident, { kind: "throws", message: String((error as Error)?.message ?? error) }),
    mismatched: (resident, operation, recorded) => done(resident, mismatch(operation, recorded)),
    corrupted: (resident, entry) => done(resident, { kind: "throws", message: `entry ${entry.seq} cannot be read` }),
    rested: nothing,
    pause: (resident) => done(resident, { kind: "fits", unasked: [] }),
    unwound: (resident) => done(resident, { kind: "ends" }),
    tooLong: (resident) => done(resident, { kind: "ends" }),
    continueAs: (resident) => done(resident, { kind: "ends" }),
    identityOf: (workflow) => registry.identityOf(workflow),
    workflowNamed: (name) => registry.named(name),
    wake: nothing,
  };
}

function nothing(): void {
  // On purpose.
}

function mismatch(operation: Operation, recorded: Entry): Verdict {
  const hashed = (kind: string, hash: number): string => (hash === 0 ? kind : `${kind} #${hash}`);
  return {
    kind: "mismatch",
    at: operation.key,
    asked: hashed(operation.kind, operation.hash),
    recorded: hashed(recorded.kind, recorded.hash),
  };
}

/** An engine that keeps nothing. What a replay does not ask of it is not there. */
function still(): Engine {
  const refuse = (): never => {
    throw new Error("A rehearsal asks for nothing that lives.");
  };
  const timer = { cancel: nothing };
  return {
    clock: { now: () => Date.now(), after: () => timer, soon: (act) => setImmediate(act) },
    closed: new Promise<ProblemError | null>(nothing),
    carriedBy: nothing,
    append: nothing,
    write: nothing,
    nudge: nothing,
    recover: nothing,
    carries: () => false,
    startChild: refuse,
    ...{ start: refuse, claim: refuse, take: refuse, send: refuse, delete: refuse, keep: refuse, record: refuse },
    ...{ openChildren: refuse, children: refuse, flushed: refuse },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
