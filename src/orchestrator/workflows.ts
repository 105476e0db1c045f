// Workflows as the API tells them: what runs were started with.

import type { OutputOf, WorkflowLine } from "../api.ts";
import { engineProblems } from "../engine.ts";
import { RETENTION, type RetentionPolicy } from "../run.ts";
import type { KnownWorkflow, Store } from "../store.ts";
import { fullName } from "../workflow.ts";
import { listSchedules } from "./schedules.ts";

export function listWorkflows(store: Store): OutputOf<"workflows.list"> {
  return { workflows: store.workflows().map(lineOf) };
}

/** Throws WORKFLOW_UNKNOWN. */
export function showWorkflow(store: Store, wanted: string, now: number): OutputOf<"workflows.show"> {
  const name = wanted.includes("/") ? wanted : `default/${wanted}`;
  const versions = store.workflows().filter((one) => `${one.namespace}/${one.name}` === name);
  if (versions.length === 0) throw engineProblems.WORKFLOW_UNKNOWN(`No run was started with a workflow "${wanted}".`);
  const said = store.retentions().find(({ workflow }) => workflow === name);
  const policy = said === undefined ? RETENTION : (JSON.parse(said.policyText) as RetentionPolicy | null);
  return {
    name,
    versions: versions.map(lineOf),
    schedules: listSchedules(store, now).schedules.filter(({ workflow }) => workflow === name),
    retention: policy === null ? null : { ...policy },
  };
}

function lineOf({ source, runs, open, ...name }: KnownWorkflow): WorkflowLine {
  return { workflow: fullName(name), ...(source === null ? {} : { source }), runs, open };
}
