// What other code would do to runs that have not ended: their journals are replayed against it, and no step is executed.

import { isProblemError } from "../base/problem.ts";
import { rehearse, type Verdict } from "../engine.ts";
import { type Entry, limits, type RunStatus } from "../run.ts";
import { rehearsedCalls } from "../services.ts";
import type { RunRecord, Store } from "../store.ts";
import { fullName, type Workflow } from "../workflow.ts";
import { readStore } from "./caller.ts";
import { loadWorkflowFile } from "./loader.ts";

/** One unfinished run against the file. */
export interface CheckedRun {
  readonly run: string;
  readonly status: RunStatus;
  /** The version it was started with, and the one it was held against. */
  readonly from: string;
  readonly to: string;
  readonly verdict: Verdict;
}

const UNENDED: readonly RunStatus[] = ["pending", "running", "waiting", "paused"];

/** Holds every unfinished run of the workflows of a file against it. `tell` hears of each as it is done. Throws WF_… problems. */
export async function checkFile(
  dataPath: string,
  target: string,
  tell: (done: number, of: number) => void,
): Promise<CheckedRun[]> {
  const { all } = await loadWorkflowFile(target);
  const newest = new Map(all.map(({ workflow }) => [`${workflow.namespace}/${workflow.name}`, workflow]));
  using store = await readStore(dataPath);
  const found = [...unended(store)].filter(({ run }) => newest.has(`${run.workflow.namespace}/${run.workflow.name}`));
  const checked: CheckedRun[] = [];
  for (const record of found) {
    const { id, status, workflow } = record.run;
    const to = newest.get(`${workflow.namespace}/${workflow.name}`) as Workflow;
    const verdict = await verdictOf(store, record, to);
    checked.push({ run: id, status, from: fullName(workflow), to: fullName(to), verdict });
    tell(checked.length, found.length);
  }
  return checked;
}

async function verdictOf(store: Store, record: RunRecord, workflow: Workflow): Promise<Verdict> {
  try {
    return await rehearse(record, journalOf(store, record.number), workflow, { calling: rehearsedCalls, delegating: null });
  } catch (error) {
    return { kind: "throws", message: isProblemError(error) ? error.message : String(error) };
  }
}

function* unended(store: Store): Generator<RunRecord> {
  for (let after = 0; ; ) {
    const page = store.unended(UNENDED, after, limits.PAGE_SIZE);
    for (const number of page) {
      const record = store.record(number);
      if (record !== null) yield record;
    }
    if (page.length < limits.PAGE_SIZE) return;
    after = page.at(-1) ?? after;
  }
}

function journalOf(store: Store, number: number): Entry[] {
  const entries: Entry[] = [];
  for (;;) {
    const page = store.journal(number, entries.at(-1)?.seq ?? 0, limits.PAGE_SIZE);
    entries.push(...page);
    if (page.length < limits.PAGE_SIZE) return entries;
  }
}
