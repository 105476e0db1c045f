// What a task of a document is once it is compiled, and what it sees when it runs.

import { setMaxListeners } from "node:events";
import type { Json } from "../base/json.ts";
import type { Context } from "./context.ts";
import type { Doer } from "./doer.ts";
import type { Evaluate, ExpressionScope, Lookup } from "./expression.ts";
import { Abandoned, raise } from "./fault.ts";

export type Members = Readonly<Record<string, Json>>;

/** Where to go after a task: `continue`, `exit`, `end`, or the name of a task beside it. */
export type Directive = string;

export interface Outcome {
  readonly output: Json;
  /** Null where the task's own `then` decides. */
  readonly next: Directive | null;
}

/** A task as it is executed, between the transformations of its input and its output. */
export type Body = (view: View, input: Json) => Promise<Outcome> | Outcome;

export interface Task {
  readonly name: string;
  readonly reference: string;
  readonly run: (frame: Frame, rawInput: Json) => Promise<Outcome>;
}

/** Tasks one after the other. `next` is `continue`, `exit` or `end`. */
export type TaskList = (frame: Frame, input: Json) => Promise<Outcome & { readonly next: "continue" | "exit" | "end" }>;

/** What bodies are compiled with. */
export interface TaskCompiler {
  readonly scope: ExpressionScope;
  readonly definition: Members;
  /** Of the task that is compiled. */
  readonly reference: string;
  /** `use` of the document. */
  readonly use: Members;
  /** Compiles tasks that stand side by side, each by itself. */
  tasks(written: Json, at: string): Task[];
  /** Compiles a list at a place below this task; `path` names it in keys, `names` are bound in it. */
  list(written: Json, at: string, path: string, names?: readonly string[]): TaskList;
  /** One function of `use.functions`; null where there is none of this name. */
  function(name: string): Task | null;
}

/** Told when nobody waits for what is done any more. */
export class Branch {
  readonly #abort = new AbortController();
  readonly #parent: Branch | null;

  constructor(parent: Branch | null) {
    this.#parent = parent;
    setMaxListeners(0, this.#abort.signal);
  }

  get isAbandoned(): boolean {
    return this.#abort.signal.aborted || this.#parent?.isAbandoned === true;
  }

  /** Aborted with this branch; those around it have their own. */
  get abortSignal(): AbortSignal {
    return this.#abort.signal;
  }

  abandon(): void {
    this.#abort.abort(new Abandoned("another branch was first"));
  }
}

/** What surrounds a task: variables of loops and catchers, and the names of its operations. */
export interface Frame {
  readonly run: RunState;
  readonly branch: Branch;
  readonly context: Context;
  /** Before the names of operations: `loop/`. */
  readonly path: string;
  readonly locals: Members;
  /** Functions within functions. */
  readonly depth: number;
}

/** Tasks that may run one after the other while nothing is waited for. Protects the other runs of the process. */
export const TASKS_AT_ONCE_MAX = 100_000;

/** Of all tasks of one run. */
export const TASKS_MAX = 10_000_000;

const SECRET_FIX = "Keep it: baton secrets set NAME. Or set BATON_SECRET_<NAME> in the environment of whoever runs it.";

/** A run of a document. */
export class RunState {
  readonly context: Context;
  readonly doer: Doer;
  readonly definition: Members;
  readonly rawInput: Json;
  /** `$context`. */
  exported: Json = {};
  readonly #visits = new Map<string, number>();
  readonly #secrets = new Map<string, Json>();
  #atOnce = 0;
  #tasks = 0;
  #descriptor: Json | null = null;

  constructor(context: Context, doer: Doer, definition: Members, rawInput: Json) {
    this.context = context;
    this.doer = doer;
    this.definition = definition;
    this.rawInput = rawInput;
  }

  /** The name of an operation: that of its task, with a number where the task comes again. */
  nameOf(path: string): string {
    const name = path.length <= NAME_LENGTH_MAX ? path : `…${path.slice(-NAME_LENGTH_MAX)}`;
    const visit = (this.#visits.get(name) ?? 0) + 1;
    this.#visits.set(name, visit);
    return visit === 1 ? name : `${name} #${visit}`;
  }

  /** Called for every task. Throws where there is no end in sight. */
  count(reference: string): void {
    if (++this.#atOnce > TASKS_AT_ONCE_MAX)
      throw raise(
        "runtime",
        `More than ${TASKS_AT_ONCE_MAX} tasks ran without waiting for anything (TASKS_AT_ONCE_MAX).`,
        reference,
      );
    if (++this.#tasks > TASKS_MAX) throw raise("runtime", `More than ${TASKS_MAX} tasks ran (TASKS_MAX).`, reference);
  }

  /** Something outside was waited for. */
  waited(): void {
    this.#atOnce = 0;
  }

  secret(name: string, reference: string): Json {
    const known = this.#secrets.get(name);
    if (known !== undefined) return known;
    const found = this.doer.secret(name);
    if (found === undefined)
      throw raise("authorization", `There is no secret "${name}", or it may not be used.`, reference, { fix: SECRET_FIX });
    this.#secrets.set(name, found);
    return found;
  }

  /** What is made of secrets is one itself. */
  keepSecret(text: string): void {
    if (this.#secrets.size > 0) this.#secrets.set(` ${text}`, text);
  }

  /** Of the secrets that were used: the texts that nothing recorded may show. */
  get secretTexts(): readonly string[] {
    return [...this.#secrets.values()].flatMap(textsIn).filter((text) => text.length >= SECRET_LENGTH_MIN);
  }

  get workflowDescriptor(): Json {
    const { info } = this.context;
    this.#descriptor ??= {
      id: info.run,
      definition: this.definition,
      input: this.rawInput,
      startedAt: momentOf(Date.parse(info.startedAt)),
    };
    return this.#descriptor;
  }
}

const NAME_LENGTH_MAX = 200;

/** Shorter ones would be found everywhere. */
const SECRET_LENGTH_MIN = 4;

function textsIn(value: Json): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** The specification's date time descriptor. */
export function momentOf(atMs: number): Json {
  const whole = Math.floor(atMs);
  return {
    iso8601: new Date(whole).toISOString(),
    epoch: { seconds: Math.floor(whole / 1_000), milliseconds: whole },
  };
}

/** One visit of a task: what its expressions see. */
export class View {
  frame: Frame;
  readonly name: string;
  readonly reference: string;
  readonly definition: Members;
  readonly rawInput: Json;
  input: Json = null;
  rawOutput: Json = null;
  output: Json = null;
  authorization: Json = null;
  /** What catchers bind while the task runs. */
  locals: Members;
  readonly #startedAtMs: number;
  readonly lookup: Lookup = (name) => this.#lookup(name);

  constructor(frame: Frame, task: { name: string; reference: string; definition: Members }, rawInput: Json) {
    this.frame = frame;
    this.name = task.name;
    this.reference = task.reference;
    this.definition = task.definition;
    this.rawInput = rawInput;
    this.locals = frame.locals;
    this.#startedAtMs = frame.run.context.now();
  }

  get run(): RunState {
    return this.frame.run;
  }

  /** What operations are asked of: given up with the branch they are in. */
  get context(): Context {
    return this.frame.context;
  }

  /** From here on it belongs to a branch that may be left behind. */
  within({ branch, context }: Frame): this {
    this.frame = { ...this.frame, branch, context };
    return this;
  }

  evaluate(evaluate: Evaluate, data: Json): Json {
    return evaluate(data, this.lookup, this.run.context.now());
  }

  /** A name for an operation of this task. */
  operation(suffix = ""): string {
    return this.run.nameOf(`${this.frame.path}${this.name}${suffix}`);
  }

  /** Waits for something outside; where nobody waits for this branch any more, nothing goes on after it. */
  async waitFor<T>(operation: Promise<T>): Promise<T> {
    try {
      const value = await operation;
      if (this.frame.branch.isAbandoned) throw new Abandoned(this.reference);
      return value;
    } finally {
      this.run.waited();
    }
  }

  #lookup(name: string): Json {
    if (Object.hasOwn(this.locals, name)) return this.locals[name] ?? null;
    switch (name) {
      case "context":
        return this.run.exported;
      case "input":
        return this.input;
      case "output":
        return this.output;
      case "secrets":
        return this.#secrets();
      case "authorization":
        return this.authorization;
      case "task":
        return this.#descriptor();
      case "workflow":
        return this.run.workflowDescriptor;
      case "runtime":
        return { name: "baton", version: "0.1.0", metadata: {} };
      default:
        return null;
    }
  }

  /** All that the document uses: which one an expression means is not known before it runs. */
  #secrets(): Json {
    const use = this.run.definition.use as Members | undefined;
    const names = (use?.secrets ?? []) as readonly string[];
    return Object.fromEntries(names.map((name) => [name, this.run.secret(name, this.reference)]));
  }

  #descriptor(): Json {
    const { name, reference, definition } = this;
    return {
      ...{ name, reference, definition },
      ...{ input: this.rawInput, output: this.rawOutput, startedAt: momentOf(this.#startedAtMs) },
    };
  }
}

/** A branch that may be left behind while others go on. */
export function branching(frame: Frame): Frame {
  const branch = new Branch(frame.branch);
  return { ...frame, branch, context: frame.context.until(branch.abortSignal) };
}

/** Bound in what runs inside. */
export function binding(frame: Frame, more: Members): Frame {
  return { ...frame, locals: { ...frame.locals, ...more } };
}

export function isMembers(value: Json | undefined): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a schema has made sure of. */
export function membersOf(value: Json | undefined): Members {
  return isMembers(value) ? value : {};
}
