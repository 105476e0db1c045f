// The Context of a run in memory: names are taken, operations made, and everything else is asked of the run.

import { type RunId, readId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import { ProblemError } from "../base/problem.ts";
import { fraction, uuidFrom } from "../base/random.ts";
import { readInstant } from "../base/time.ts";
import { type CloudEvent, type EventInit, runProblems } from "../run.ts";
import type {
  Answer,
  AskOptions,
  BudgetView,
  Called,
  CallOptions,
  ChildOptions,
  Context,
  Delegated,
  ListenOptions,
  Log,
  RunInfo,
  Signal,
  StepContext,
  StepOptions,
  StreamWriter,
  Task,
  Terms,
  WaitOptions,
  Workflow,
} from "../workflow.ts";
import { isWorkflow } from "../workflow.ts";
import { EmitOperation, ListenOperation } from "./events.ts";
import { ChildRunOperation, ChildStartOperation, SignalSendOperation } from "./family.ts";
import { Names, type TakenName } from "./names.ts";
import type { Home, Operation } from "./operation.ts";
import { PatchOperation } from "./patch.ts";
import { engineProblems } from "./problems.ts";
import { StepOperation } from "./step.ts";
import { CompensateOperation } from "./undo.ts";
import { AskOperation, readSpanMs, SignalWaitOperation, SleepOperation } from "./waits.ts";

export class RunContext implements Context {
  readonly #home: Home;
  readonly #names: Names;
  /** What is asked here is given up with it. */
  readonly #until: AbortSignal | null;
  readonly terms: Terms | null;
  #log: Log | null = null;

  constructor(home: Home, names: Names, until: AbortSignal | null = null, terms: Terms | null = null) {
    this.#home = home;
    this.#names = names;
    this.#until = until;
    this.terms = terms;
  }

  until(abortSignal: AbortSignal): Context {
    const signal = this.#until === null ? abortSignal : AbortSignal.any([this.#until, abortSignal]);
    return new RunContext(this.#home, this.#names, signal, this.terms);
  }

  under(terms: Terms): Context {
    return new RunContext(this.#home, this.#names, this.#until, terms);
  }

  step<T>(name: string, act: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<T> {
    return this.#operate(options?.key ?? name, (taken) => new StepOperation<T>(this.#home, taken, act, options));
  }

  async call<T = Json>(target: string, input: Json = null, options: CallOptions = {}): Promise<T> {
    const called = await this.tryCall<T>(target, input, options);
    if (!called.ok) throw new ProblemError(called.problem);
    return called.output;
  }

  tryCall<T = Json>(target: string, input: Json = null, options: CallOptions = {}): Promise<Called<T>> {
    const { calling } = this.#home.answering;
    if (calling === null) return rejected(engineProblems.NO_SERVICES(`"${target}" cannot be called here.`));
    return calling.call(this, target, input, options) as Promise<Called<T>>;
  }

  async delegate<T = Json>(task: Task): Promise<T> {
    const delegated = await this.tryDelegate<T>(task);
    if (!delegated.ok) throw new ProblemError(delegated.problem);
    return delegated.output;
  }

  tryDelegate<T = Json>(task: Task): Promise<Delegated<T>> {
    const { delegating } = this.#home.answering;
    if (delegating === null) return rejected(engineProblems.NO_AGENTS("Nothing can be delegated here."));
    return delegating.delegate(this, task, this.terms) as Promise<Delegated<T>>;
  }

  sleep(name: string, durationMs: number): Promise<void> {
    return this.#operate(
      name,
      (taken) => new SleepOperation(this.#home, taken, { durationMs: readSpanMs("The duration", durationMs) }),
    );
  }

  sleepUntil(name: string, at: string): Promise<void> {
    return this.#operate(name, (taken) => new SleepOperation(this.#home, taken, { at: readMoment(at) }));
  }

  waitSignal<T = Json>(name: string, options: WaitOptions<T> = {}): Promise<Signal<T>> {
    return this.#operate(name, (taken) => new SignalWaitOperation<T>(this.#home, taken, name, options));
  }

  sendSignal(run: RunId, name: string, value: Json = null): Promise<void> {
    return this.#operate(`send ${name}`, (taken) => new SignalSendOperation(this.#home, taken, readRun(run), name, value));
  }

  ask<T = Json>(name: string, options: AskOptions<T>): Promise<Answer<T>> {
    return this.#operate(name, (taken) => new AskOperation<T>(this.#home, taken, name, options));
  }

  run<I, O>(workflow: Workflow<I, O> | string, input: I, options: ChildOptions = {}): Promise<O> {
    const child = () => this.#workflow(workflow as Workflow | string);
    return this.#operate(
      options.name ?? nameOf(workflow),
      (taken) => new ChildRunOperation<O>(this.#home, taken, child(), input),
    );
  }

  start<I, O>(
    workflow: Workflow<I, O> | string,
    input: I,
    options: ChildOptions & { parentClose?: "cancel" | "keep" } = {},
  ): Promise<RunId> {
    const { name, parentClose = "keep" } = options;
    const child = () => this.#workflow(workflow as Workflow | string);
    return this.#operate(
      name ?? nameOf(workflow),
      (taken) => new ChildStartOperation(this.#home, taken, child(), input, parentClose),
    );
  }

  emit(event: EventInit): Promise<void> {
    return this.#operate(`emit ${nameOfEvent(event?.type)}`, (taken) => new EmitOperation(this.#home, taken, event));
  }

  listen(options: ListenOptions): Promise<CloudEvent[]> {
    const label = options?.name ?? `listen ${nameOfEvent(options?.type ?? options?.source)}`;
    return this.#operate(label, (taken) => new ListenOperation(this.#home, taken, label, options));
  }

  stream(name: string): StreamWriter {
    return this.#home.streamOf(name);
  }

  compensate(name: string, undo: (step: StepContext) => unknown, options?: StepOptions): Promise<void> {
    return this.#operate(name, (taken) => new CompensateOperation(this.#home, taken, undo, options));
  }

  patch(id: string): Promise<boolean> {
    const { patches } = this.#home;
    const asked = patches.get(id) ?? this.#operate(`patch ${id}`, (taken) => new PatchOperation(this.#home, taken));
    patches.set(id, asked);
    return asked;
  }

  async scope<T>(name: string, body: (context: Context) => Promise<T>): Promise<T> {
    if (typeof body !== "function") throw runProblems.OPTION_INVALID(`Scope "${name}" has no function to run.`);
    const taken = this.#names.take(name, this.#home.strict);
    try {
      return await body(new RunContext(this.#home, Names.within(taken.key), this.#until, this.terms));
    } finally {
      taken.use.open--;
    }
  }

  /** Never resolves: the function that asked is left behind, and a new one begins. */
  async continueAs(input: Json): Promise<never> {
    this.#home.continueAs(input);
    return new Promise<never>(() => undefined);
  }

  now(): number {
    return this.#home.now();
  }

  random(): number {
    return fraction(this.#home.random32);
  }

  uuid(): string {
    return uuidFrom(this.#home.random32);
  }

  progress(done: number, of?: number, message?: string): void {
    this.#home.progress(done, of ?? null, message ?? null);
  }

  get log(): Log {
    this.#log ??= this.#home.logOf(null);
    return this.#log;
  }

  get budget(): BudgetView {
    const { delegating } = this.#home.answering;
    if (delegating === null) throw engineProblems.NO_AGENTS("There are no budgets here.");
    return delegating.budget(String(this.#home.run), this.terms);
  }

  get abortSignal(): AbortSignal {
    return this.#home.abortSignal;
  }

  get info(): RunInfo {
    return this.#home.info;
  }

  /** Names are taken synchronously, so that the order of calls decides and not the order of answers. */
  #operate<T>(name: string, make: (taken: TakenName) => Operation<T>): Promise<T> {
    let taken: TakenName | null = null;
    try {
      taken = this.#names.take(name, this.#home.strict);
      this.#until?.throwIfAborted();
      const operation = make(taken);
      const promise = this.#home.open(operation);
      if (this.#until !== null) givenUpWith(operation, this.#until);
      return promise;
    } catch (error) {
      if (taken !== null) taken.use.open--;
      return rejected(error);
    }
  }

  #workflow(workflow: Workflow | string): Workflow {
    if (typeof workflow === "string") return this.#home.workflowNamed(workflow);
    if (isWorkflow(workflow)) return workflow;
    throw runProblems.OPTION_INVALID("A child must be a workflow, or the name of one that is loaded.");
  }
}

/** A workflow may look at a promise later or never; that must not end the process. */
function rejected<T>(error: unknown): Promise<T> {
  const promise = Promise.reject<T>(error);
  promise.catch(() => undefined);
  return promise;
}

function givenUpWith<T>(operation: Operation<T>, signal: AbortSignal): void {
  const giveUp = (): void => operation.giveUp(signal.reason);
  signal.addEventListener("abort", giveUp, { once: true });
  const forget = (): void => signal.removeEventListener("abort", giveUp);
  operation.promise.then(forget, forget);
}

/** What names an operation on events, until their own check has its say. */
function nameOfEvent(word: unknown): string {
  return typeof word === "string" && word !== "" ? word : "any";
}

function nameOf(workflow: Workflow | Workflow<unknown, unknown> | string | { readonly name: string }): string {
  if (typeof workflow === "string") return workflow.replace(/@.*$/, "").replace(/^.*\//, "");
  return String(workflow?.name);
}

function readMoment(at: string): number {
  const moment = typeof at === "string" ? readInstant(at) : null;
  if (moment === null)
    throw runProblems.OPTION_INVALID(
      `${typeof at === "string" ? JSON.stringify(at) : String(at)} is not a moment in RFC 3339, like 2027-01-01T00:00:00Z.`,
    );
  return moment;
}

function readRun(run: string): RunId {
  const id = readId("run", String(run));
  if (id === null) throw runProblems.OPTION_INVALID(`${JSON.stringify(run)} is not the id of a run.`);
  return id;
}
