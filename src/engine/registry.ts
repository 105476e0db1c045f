// Which workflows are loaded, by name and version; and from which code they came.

import { shortHash } from "../base/random.ts";
import type { WorkflowName } from "../run.ts";
import type { CodeIdentity } from "../store.ts";
import { fullName, type Workflow } from "../workflow.ts";
import { engineProblems } from "./problems.ts";

/** Where a workflow's code came from, when it came from a file. */
export interface Origin {
  readonly source: string;
  readonly contentHash: string;
}

/** What a run remembers of its code. */
export interface CodeOfRun {
  readonly workflow: WorkflowName;
  readonly source: string | null;
}

export class Registry {
  readonly #byName = new Map<string, { workflow: Workflow; identity: CodeIdentity }>();
  /** What each file exports, as it was loaded last: two files may give one name to different workflows. */
  readonly #bySource = new Map<string, Workflow>();
  readonly #identities = new WeakMap<Workflow, CodeIdentity>();

  /** Says whether it was new. The same name and version again replaces the code only when it came from a file. */
  add(workflow: Workflow, origin: Origin | null): boolean {
    if (origin === null && this.#identities.has(workflow)) return false;
    if (origin !== null) this.#bySource.set(sourceName(workflow, origin.source), workflow);
    const known = this.#byName.get(fullName(workflow));
    if (known?.workflow === workflow) return false;
    if (
      known !== undefined &&
      origin === null &&
      known.identity.source === null &&
      String(known.workflow.run) !== String(workflow.run)
    ) {
      throw engineProblems.WORKFLOW_TWICE(`${fullName(workflow)} is already loaded with other code.`);
    }
    if (known !== undefined && origin === null) {
      this.#identities.set(workflow, known.identity);
      return false;
    }
    const { namespace, name, version } = workflow;
    const identity = {
      namespace,
      name,
      version,
      source: origin?.source ?? null,
      contentHash: origin?.contentHash ?? hashOf(workflow),
    };
    this.#identities.set(workflow, identity);
    this.#byName.set(fullName(workflow), { workflow, identity });
    return true;
  }

  /** The code of a run: of the file it came from, else whatever has its name. */
  find(run: CodeOfRun): Workflow | null {
    return this.ofSource(run) ?? this.#byName.get(fullName(run.workflow))?.workflow ?? null;
  }

  /** The code of the file that a run came from; null when that is not loaded. */
  ofSource({ workflow, source }: CodeOfRun): Workflow | null {
    return source === null ? null : (this.#bySource.get(sourceName(workflow, source)) ?? null);
  }

  /** What a file exports, by its `path#export`. */
  fromSource(source: string): Workflow | null {
    for (const [name, workflow] of this.#bySource) if (name.endsWith(` ${source}`)) return workflow;
    return null;
  }

  /** By `name`, `namespace/name`, either with `@version`; the newest version where none is given. */
  named(text: string): Workflow {
    const found = this.newest(text);
    if (found !== null) return found;
    throw engineProblems.WORKFLOW_UNKNOWN(`No workflow "${text}" is loaded.`, { facts: { loaded: [...this.#byName.keys()] } });
  }

  /** The same; null where there is none. */
  newest(text: string): Workflow | null {
    const [, namespace = "default", name, version] = /^(?:([^/@]+)\/)?([^/@]+)(?:@(.+))?$/.exec(text) ?? [];
    const fitting = [...this.#byName.values()]
      .map(({ workflow }) => workflow)
      .filter((one) => one.name === name && one.namespace === namespace && (version === undefined || one.version === version))
      .toSorted((a, b) => compareVersions(b.version, a.version));
    return fitting[0] ?? null;
  }

  identityOf(workflow: Workflow): CodeIdentity {
    const known = this.#identities.get(workflow);
    if (known !== undefined) return known;
    this.add(workflow, null);
    return this.identityOf(workflow);
  }

  all(): readonly Workflow[] {
    return [...this.#byName.values()].map(({ workflow }) => workflow);
  }
}

/** Of code that came from no file: its own text, without what it calls. */
function hashOf(workflow: Workflow): string {
  return `text ${shortHash(String(workflow.run)).toString(16)}`;
}

function sourceName(workflow: WorkflowName, source: string): string {
  return `${fullName(workflow)} ${source}`;
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(/[-+]/)[0]?.split(".").map(Number) ?? []);
  for (let i = 0; i < 3; i++) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return Number(b.includes("-")) - Number(a.includes("-"));
}
