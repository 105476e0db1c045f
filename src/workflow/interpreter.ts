// Documents as workflows: each is compiled once, and runs over the same Context as code.
//
// A task is compiled to a function of its surroundings and its raw input. Around the body of each stands what all have
// in common: `if`, the transformations and schemas of input and output, the export to `$context`, the time limit, and
// where to go next. Operations of the journal are named after the tasks: `loop/getPet #3`.
//
// Source: Open Workflow Specification 1.0.3, dsl.md, "Data Flow", "Task Flow".

import type { Json } from "../base/json.ts";
import { callBody, runBody } from "./call-task.ts";
import { type Context, MARK, type Workflow } from "./context.ts";
import { compileSchema, type SchemaCheck } from "./document-schema.ts";
import type { Doer } from "./doer.ts";
import { readDuration } from "./duration.ts";
import { compileExpression, compileValue, type Evaluate, type ExpressionScope } from "./expression.ts";
import { Abandoned, FaultError, faultOf, mayBeCaught, raise } from "./fault.ts";
import { emitBody, listenBody } from "./listen-task.ts";
import { masked } from "./mask.ts";
import { type JsonSchema, readDocumentSchema } from "./schema.ts";
import {
  type Body,
  Branch,
  type Frame,
  type Members,
  membersOf,
  type Outcome,
  RunState,
  type Task,
  type TaskCompiler,
  type TaskList,
  View,
} from "./task.ts";
import { compileDuration, doBody, forBody, forkBody, isTrue, raiseBody, setBody, switchBody, waitBody } from "./tasks.ts";
import { tryBody } from "./try-task.ts";
import { within } from "./within.ts";

/** Makes a workflow of a document that has been checked. `doer` does what it asks of the world. */
export function documentWorkflow(document: Json, doer: Doer): Workflow<Json, Json> {
  const definition = membersOf(document);
  const { namespace, name, version, title, summary } = membersOf(definition.document);
  const program = new DocumentCompiler(definition).program();
  const inputSchema = membersOf(membersOf(definition.input).schema).document;
  return {
    [MARK]: true,
    namespace: String(namespace),
    name: String(name),
    version: String(version),
    description: summary === undefined && title === undefined ? null : String(summary ?? title),
    timeoutMs: literalTimeout(definition),
    limit: null,
    retention: null,
    budget: null,
    input:
      inputSchema === undefined
        ? null
        : readDocumentSchema<Json>(inputSchema as JsonSchema, `The input schema of ${String(name)}`),
    output: null,
    run: (context, input) => program(context, doer, input ?? null),
  };
}

/** Where the limit is known before the run, the engine keeps it. */
function literalTimeout({ timeout, use }: Members): number | null {
  const policy = typeof timeout === "string" ? membersOf(membersOf(use).timeouts)[timeout] : timeout;
  const { after } = membersOf(policy);
  const durationMs = after === undefined ? 0 : readDuration(after);
  return typeof durationMs === "number" && durationMs > 0 ? durationMs : null;
}

type ProgramOfDocument = (context: Context, doer: Doer, input: Json) => Promise<Json>;

const BODIES: Readonly<Record<string, (compiler: TaskCompiler) => Body>> = {
  call: callBody,
  do: doBody,
  emit: emitBody,
  fork: forkBody,
  listen: listenBody,
  raise: raiseBody,
  run: runBody,
  set: setBody,
  switch: switchBody,
  try: tryBody,
  wait: waitBody,
  // Last: a `for` has a `do`, too.
  for: forBody,
};

const KINDS = ["for", ...Object.keys(BODIES).filter((kind) => kind !== "for" && kind !== "do"), "do"];

class DocumentCompiler {
  readonly #definition: Members;
  readonly #use: Members;
  readonly #isLoose: boolean;
  readonly #functions = new Map<string, Task>();

  constructor(definition: Members) {
    this.#definition = definition;
    this.#use = membersOf(definition.use);
    this.#isLoose = membersOf(definition.evaluate).mode === "loose";
  }

  program(): ProgramOfDocument {
    const definition = this.#definition;
    const scope = this.#scope([]);
    const list = this.#list(definition.do ?? [], "/do", [], "");
    const input = new Shaping(membersOf(definition.input), "from", scope);
    const output = new Shaping(membersOf(definition.output), "as", scope);
    const limit = this.#limitOf(definition, scope);
    return async (context, doer, rawInput) => {
      const run = new RunState(context, doer, definition, rawInput);
      const view = new View(rootFrame(run), { name: "workflow", reference: "/", definition }, rawInput);
      try {
        const data = await input.before(view, rawInput);
        const work = (frame: Frame) => list(frame, data);
        const outcome = limit === null ? await work(view.frame) : await within(view, limit(view, data), "", work);
        view.output = outcome.output;
        return masked(await output.after(view, outcome.output), run.secretTexts);
      } catch (error) {
        throw told(run, error, "/");
      }
    };
  }

  /** A limit that must be computed; one that is written down is the engine's. */
  #limitOf(definition: Members, scope: ExpressionScope): ((view: View, data: Json) => number) | null {
    if (literalTimeout(definition) !== null) return null;
    return this.#timeoutOf(definition, scope);
  }

  #timeoutOf({ timeout }: Members, scope: ExpressionScope): ((view: View, data: Json) => number) | null {
    const policy = typeof timeout === "string" ? membersOf(this.#use.timeouts)[timeout] : timeout;
    const { after } = membersOf(policy);
    return after === undefined ? null : compileDuration(after, scope);
  }

  #scope(names: readonly string[]): ExpressionScope {
    return { names, isLoose: this.#isLoose };
  }

  #tasks(written: Json, at: string, names: readonly string[], path: string): Task[] {
    return (Array.isArray(written) ? (written as readonly Json[]) : []).flatMap((item, position) =>
      Object.entries(membersOf(item)).map(([name, definition]) =>
        this.#task(name, `${at}/${position}/${name}`, membersOf(definition), names, path),
      ),
    );
  }

  /** One after the other; `then` may go anywhere in the list. */
  #list(written: Json, at: string, names: readonly string[], path: string): TaskList {
    const tasks = this.#tasks(written, at, names, path);
    const places = new Map(tasks.map(({ name }, position) => [name, position]));
    return async (frame, input) => {
      let output = input;
      for (let position = 0; position < tasks.length; ) {
        const task = tasks[position];
        if (task === undefined) break;
        const outcome = await task.run(frame, output);
        output = outcome.output;
        const next = outcome.next ?? "continue";
        if (next === "exit" || next === "end") return { output, next };
        const place = next === "continue" ? position + 1 : places.get(next);
        if (place === undefined)
          throw raise("configuration", `\`then: ${next}\` names no task beside ${task.name}.`, task.reference);
        position = place;
      }
      return { output, next: "continue" };
    };
  }

  #task(name: string, reference: string, definition: Members, names: readonly string[], path: string): Task {
    const scope = this.#scope(names);
    const kind = KINDS.find((one) => one in definition) ?? "set";
    const body = BODIES[kind]?.(this.#compilerFor(definition, reference, scope));
    if (body === undefined) throw raise("configuration", `${name} is no task.`, reference);
    const test = typeof definition.if === "string" ? compileExpression(definition.if, scope) : null;
    const then = typeof definition.then === "string" ? definition.then : null;
    const around = new Around(definition, scope, body, this.#timeoutOf(definition, scope));
    const facts = { name, reference, definition };
    const run = async (frame: Frame, rawInput: Json): Promise<Outcome> => {
      const own = path === "" ? frame : { ...frame, path: frame.path + path };
      if (frame.branch.isAbandoned) throw new Abandoned(reference);
      const { observe } = frame.run.doer;
      const view = new View(own, facts, rawInput);
      try {
        frame.run.count(reference);
        if (test !== null && !isTrue(view.evaluate(test, rawInput))) {
          observe?.({ kind: "skipped", reference });
          return { output: rawInput, next: null };
        }
        observe?.({ kind: "began", reference });
        const outcome = await around.run(view);
        observe?.({ kind: "ended", reference });
        return { output: outcome.output, next: outcome.next ?? then };
      } catch (error) {
        if (frame.branch.isAbandoned) throw new Abandoned(reference);
        observe?.({ kind: "failed", reference });
        throw told(frame.run, error, reference);
      }
    };
    return { name, reference, run };
  }

  #compilerFor(definition: Members, reference: string, scope: ExpressionScope): TaskCompiler {
    return {
      ...{ scope, definition, reference, use: this.#use },
      tasks: (written, at) => this.#tasks(written, `${reference}/${at}`, scope.names, ""),
      list: (written, at, path, names = []) => this.#list(written, `${reference}/${at}`, [...scope.names, ...names], path),
      function: (name) => this.#function(name),
    };
  }

  #function(name: string): Task | null {
    const known = this.#functions.get(name);
    if (known !== undefined) return known;
    const functions = membersOf(this.#use.functions);
    if (!Object.hasOwn(functions, name)) return null;
    // Known before it is compiled, since it may call itself.
    let made: Task | null = null;
    const reference = `/use/functions/${name}`;
    const later: Task = { name, reference, run: (frame, input) => (made ?? later).run(frame, input) };
    this.#functions.set(name, later);
    made = this.#task(name, reference, membersOf(functions[name]), [], "");
    this.#functions.set(name, made);
    return made;
  }
}

function rootFrame(run: RunState): Frame {
  return { run, branch: new Branch(null), context: run.context, path: "", locals: {}, depth: 0 };
}

/** An error in the words of the specification, with no secret in it; ends of the run stay what they are. */
function told(run: RunState, error: unknown, reference: string): unknown {
  if (!mayBeCaught(error)) return error;
  const found = faultOf(error, reference);
  const shown = masked(found, run.secretTexts) as typeof found;
  return error instanceof FaultError && shown === found ? error : new FaultError(shown, error);
}

/** A schema and a transformation: of an input (`from`, after the schema), an output or an export (`as`, before it). */
class Shaping {
  readonly #transform: Evaluate | null;
  readonly #schema: SchemaCheck | null;

  constructor(written: Members, field: "from" | "as", scope: ExpressionScope) {
    const transform = written[field];
    this.#transform =
      transform === undefined
        ? null
        : typeof transform === "string"
          ? compileExpression(transform, scope)
          : compileValue(transform, scope);
    this.#schema = written.schema === undefined ? null : compileSchema(membersOf(written.schema), scope);
  }

  get isNothing(): boolean {
    return this.#transform === null && this.#schema === null;
  }

  async before(view: View, data: Json): Promise<Json> {
    if (this.#schema !== null) await this.#schema(view, data, "The input");
    return this.#transform === null ? data : view.evaluate(this.#transform, data);
  }

  async after(view: View, data: Json, what = "The output"): Promise<Json> {
    const shaped = this.#transform === null ? data : view.evaluate(this.#transform, data);
    if (this.#schema !== null) await this.#schema(view, shaped, what);
    return shaped;
  }
}

/** What stands around the body of every task. */
class Around {
  readonly #body: Body;
  readonly #input: Shaping;
  readonly #output: Shaping;
  readonly #export: Shaping;
  readonly #limit: ((view: View, data: Json) => number) | null;

  constructor(definition: Members, scope: ExpressionScope, body: Body, limit: ((view: View, data: Json) => number) | null) {
    this.#body = body;
    this.#input = new Shaping(membersOf(definition.input), "from", scope);
    this.#output = new Shaping(membersOf(definition.output), "as", scope);
    this.#export = new Shaping(membersOf(definition.export), "as", scope);
    this.#limit = limit;
  }

  async run(view: View): Promise<Outcome> {
    if (this.#input.isNothing) view.input = view.rawInput;
    else view.input = await this.#input.before(view, view.rawInput);
    const outcome = await this.#bodyOf(view);
    view.rawOutput = outcome.output;
    view.output = outcome.output;
    if (!this.#output.isNothing) view.output = await this.#output.after(view, outcome.output);
    if (!this.#export.isNothing) view.run.exported = await this.#export.after(view, view.output, "The exported context");
    return { output: view.output, next: outcome.next };
  }

  async #bodyOf(view: View): Promise<Outcome> {
    if (this.#limit === null) return await this.#body(view, view.input);
    return await within(view, this.#limit(view, view.rawInput), "", (frame) => this.#body(view.within(frame), view.input));
  }
}
