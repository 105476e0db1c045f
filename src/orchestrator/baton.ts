// Baton, opened: the one place where parts are chosen and joined.
//
// Whoever opens a data directory owns it: it holds the lock, carries the runs, and
// answers at its door what other commands ask. All that is opened is closed again in
// reverse order, also when opening stops half-way.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { type AgentDefinition, delegatingOf } from "../agents.ts";
import type { Answerer, InputOf, OperationName, OutputOf, ReadInputOf } from "../api.ts";
import type { Clock, Random32 } from "../base/clock.ts";
import { type RunId, readId } from "../base/id.ts";
import { canonicalJson, type Json } from "../base/json.ts";
import { type ProblemError, ProblemError as Thrown } from "../base/problem.ts";
import { rfc3339 } from "../base/time.ts";
import {
  acceptInput,
  type EmbeddedEngine,
  engineProblems,
  type Listener,
  type Origin,
  openEmbeddedEngine,
  placeOfRun,
  Retention,
  RunCarrier,
  type ScheduleDefinition,
  Scheduler,
} from "../engine.ts";
import type { Amounts } from "../flow.ts";
import { isEnd, limits, RETENTION, type RetentionPolicy, type Run, readRetention, runProblems } from "../run.ts";
import { callingOf, type Paying, type ServiceDefinition, type ServiceEvent } from "../services.ts";
import { type CodeIdentity, lockDirectory, openSqlite, type Store } from "../store.ts";
import { type DocumentSchedule, fullName, type Workflow } from "../workflow.ts";
import { AgentOffice } from "./agent-office.ts";
import { agentHandlers } from "./agents.ts";
import { BUILT_IN } from "./built-in.ts";
import { type DataDirectory, dataDirectory, makeDirectory, removeOwnerNote, writeOwnerNote } from "./directory.ts";
import { openDoor } from "./door.ts";
import { answerWith, readHandlers, scheduleHandlers, steerHandlers, wakeFamily } from "./handlers.ts";
import { isLoading, type LoadedFile, loadAgain, loadWorkflowFile } from "./loader.ts";
import { allowHosts, offerFunction, useSecrets } from "./outside.ts";
import { orchestratorProblems } from "./problems.ts";
import { secretsAt } from "./secrets.ts";
import { ServiceDesk } from "./service-desk.ts";
import { serviceHandlers } from "./services.ts";
import { requireRun } from "./views.ts";
import { systemClock, systemRandom } from "./world.ts";

export interface OpenOptions {
  /** The data directory; `.baton`, or what BATON_DATA says. */
  readonly data?: string;
  /** Workflows made known from the start. */
  readonly workflows?: readonly Workflow[];
  /** Services of this program; others are those that were added to the data directory. */
  readonly services?: readonly ServiceDefinition[];
  /** Agents of this program; others are those that were added to the data directory. */
  readonly agents?: readonly AgentDefinition[];
  /** What all runs together may spend, on agents and services. */
  readonly budget?: Amounts;
  /** Private or loopback hosts that documents' own calls may reach, `HOST` or `HOST:PORT`; BATON_ALLOW says more. */
  readonly allow?: readonly string[];
  /** Workflow files made known from the start: FILE or FILE#export. */
  readonly files?: readonly string[];
  /**
   * How long ended runs of workflows that say nothing of their own are kept: 30 days, and the newest 100,000 of each,
   * where left out. With `forever` nothing leaves, whatever a workflow says.
   */
  readonly retention?: Partial<RetentionPolicy> | "forever";
  /** `everything` that is in flight, only the families of runs started here (`own`), or `nothing`. */
  readonly carry?: "everything" | "own" | "nothing";
  /** A name open twice in one scope is a problem. Default: unless NODE_ENV is `production`. */
  readonly strict?: boolean;
  /** Closing lets attempts under way go on this long, in ms. */
  readonly graceMs?: number;
  readonly clock?: Clock;
  readonly random32?: Random32;
}

export interface StartOptions {
  /** Starting twice with one key and input gives the same run. */
  readonly key?: string;
}

/** A run that was started or found. */
export interface RunHandle<O = unknown> {
  readonly id: RunId;
  /** True when its key had already started it. */
  readonly repeated: boolean;
  run(): Promise<Run>;
  /** The output once it completes. Throws the run's problem when it fails or is canceled, RUN_PAUSED when it pauses. */
  result(): Promise<O>;
}

const GRACE_MS = 5_000;

/** Others look whether the lock is held by taking it for a moment; opening outlasts that, in ms. */
const LOCK_MS_MAX = 250;

/** Opens a data directory as its owner and carries what is in flight. Throws DATA_LOCKED when it has one already. */
export async function openBaton(options: OpenOptions = {}): Promise<Baton> {
  if (isLoading()) throw orchestratorProblems.OPENED_WHILE_LOADING("openBaton was called at the top level of a workflow file.");
  const directory = dataDirectory(options.data ?? process.env.BATON_DATA ?? ".baton");
  await using opening = new AsyncDisposableStack();
  const { clock = systemClock, random32 = systemRandom(), carry = "everything" } = options;

  makeDirectory(directory);
  opening.use(lockDirectory(directory.lockPath, LOCK_MS_MAX));
  const store = opening.use(openSqlite({ path: directory.databasePath, random32: random32() }));
  const engine = opening.use(openEmbeddedEngine({ store, clock, random32, onlyFamilies: carry !== "everything" }));
  const strict = options.strict ?? process.env.NODE_ENV !== "production";
  allowHosts(options.allow ?? []);
  useSecrets(secretsAt(directory));
  const { services = [], agents = [], budget = {} } = options;
  const late: { office: AgentOffice | null; carrier: RunCarrier | null } = { office: null, carrier: null };
  const paying = payingBy(() => late.office);
  const serviceDesk = opening.use(new ServiceDesk({ store, engine, clock, services, paying, isWatched: carry === "everything" }));
  const office = opening.use(
    new AgentOffice({
      ...{ store, engine, clock, agents, budget, directory: directory.path, services: serviceDesk },
      budgetOfRun: (run) => budgetOfRun(store, late.carrier, run),
      workflowNamed: (name) => late.carrier?.registry.newest(name) ?? null,
    }),
  );
  const answering = { calling: callingOf(serviceDesk.desk), delegating: delegatingOf(office.desk, office.doing) };
  const loadSource = loadingFor(serviceDesk, office);
  const carrier = new RunCarrier({ engine, random32, strict, beside: store, answering, idle: carry === "nothing", loadSource });
  late.office = office;
  late.carrier = carrier;
  office.accounts.whenOpened((run) => closeWith(run, carrier, engine, office));
  opening.defer(() => carrier.drain(options.graceMs ?? GRACE_MS));
  for (const workflow of BUILT_IN) carrier.register(workflow, null);
  for (const workflow of options.workflows ?? []) {
    carrier.register(workflow as Workflow, null);
    offerFunction(workflow as Workflow);
  }

  const baton = new Baton({ directory, store, engine, carrier, serviceDesk, office, firesSchedules: carry === "everything" });
  opening.defer(() => baton.scheduler.stop());
  if (carry !== "nothing") opening.use(await openOwnersDoor(directory, baton, carry));
  for (const file of options.files ?? []) await baton.loadAll(file);
  if (carry === "everything") await baton.resumeLoaded();
  if (carry !== "nothing") engine.recover();
  if (carry === "everything") baton.scheduler.start();
  if (carry === "everything" && options.retention !== "forever") opening.use(startRetention(store, engine, carrier, options));
  baton.closesWith(opening.move());
  return baton;
}

function startRetention(store: Store, engine: EmbeddedEngine, { steering }: RunCarrier, { retention }: OpenOptions): Disposable {
  const policy = retention === undefined ? RETENTION : readRetention(retention);
  const keeper = new Retention({ store, engine, policy, delete: (run) => steering.delete(run) });
  keeper.start();
  return { [Symbol.dispose]: () => keeper.stop() };
}

async function openOwnersDoor(directory: DataDirectory, baton: Baton, carries: "everything" | "own"): Promise<AsyncDisposable> {
  const token = randomBytes(32).toString("base64url");
  const door = await openDoor({ token, answerer: baton, listen: (listener) => baton.listen(listener) });
  writeOwnerNote(directory, { v: 1, pid: process.pid, startedAt: rfc3339(Date.now()), port: door.port, token, carries });
  return {
    async [Symbol.asyncDispose]() {
      removeOwnerNote(directory, token);
      await door[Symbol.asyncDispose]();
    },
  };
}

/** Accounts are opened after what is paid from them. */
function payingBy(office: () => AgentOffice | null): Paying {
  return {
    accountOf: ({ terms, info }) => terms?.account ?? (office()?.accounts.isLimited(info.run) === true ? info.run : null),
    reserve: (id, account, { usd, calls }) => {
      const accounts = office()?.accounts;
      if (usd === null && accounts !== undefined && accounts.view(account).usd.left !== null)
        return "nobody knows what it costs, and there is a limit of US$.";
      return accounts?.reserve(id, account, { usd: usd ?? 0, calls }, CALL_LEASE_MS) ?? null;
    },
    commit: (id, account, actual) => office()?.accounts.commit(id, account, actual),
  };
}

/** A run's account is closed when the run is over; a pause is not its end. */
function closeWith(run: string, carrier: RunCarrier, engine: EmbeddedEngine, office: AgentOffice): void {
  const id = readId("run", run);
  if (id === null) return;
  const settled = carrier.whenSettled(id, () => {
    settled[Symbol.dispose]();
    void engine.record(id).then((record) => {
      if (record === null || isEnd(record.run.status)) office.ended(run);
      else closeWith(run, carrier, engine, office);
    });
  });
}

/** What is reserved for a call is free again after this, in ms, where nobody said what it cost. */
const CALL_LEASE_MS = 3_600_000;

/** What the run's workflow allows one run. */
function budgetOfRun(store: Store, carrier: RunCarrier | null, run: string): Amounts {
  const id = readId("run", run);
  const number = id === null ? null : store.ids.numberOf(id);
  const record = number === null ? null : store.record(number);
  if (record === null || carrier === null) return {};
  return carrier.registry.newest(fullName(record.run.workflow))?.budget ?? {};
}

/** The code of a run from where it was recorded, with the services and agents that its file defines. */
function loadingFor(serviceDesk: ServiceDesk, office: AgentOffice) {
  return async ({ source }: CodeIdentity) => {
    if (source === null) return null;
    const { all, services, agents } = await loadWorkflowFile(source);
    for (const service of services) serviceDesk.offer(service);
    for (const agent of agents) office.offer(agent);
    return all;
  };
}

interface Parts {
  readonly directory: DataDirectory;
  readonly store: Store;
  readonly engine: EmbeddedEngine;
  readonly carrier: RunCarrier;
  readonly serviceDesk: ServiceDesk;
  readonly office: AgentOffice;
  readonly firesSchedules: boolean;
}

/** An owner of a data directory, until it is closed. */
export class Baton implements Answerer, AsyncDisposable {
  readonly #parts: Parts;
  readonly #handlers: Partial<Record<OperationName, unknown>>;
  /** Resolves when it has stopped for good: with the cause (the storage failed), or null after it was closed. */
  readonly closed: Promise<ProblemError | null>;
  readonly scheduler: Scheduler;
  readonly #untilClosedTold = new Set<(cause: ProblemError | null) => void>();
  #stack: AsyncDisposableStack | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { store, carrier, engine } = parts;
    this.closed = engine.closed;
    void this.closed.then((cause) => {
      for (const tell of [...this.#untilClosedTold]) tell(cause);
    });
    this.scheduler = new Scheduler({
      ...{ store, engine, whenSettled: (run, then) => carrier.whenSettled(run, then) },
      start: (definition, key) => this.#startScheduled(definition, key),
      run: async (id) => (await engine.record(id))?.run ?? null,
    });
    this.#handlers = {
      ...readHandlers(
        store,
        () => engine.clock.now(),
        () => true,
      ),
      ...steerHandlers(store, carrier, randomUUID),
      ...serviceHandlers(parts.serviceDesk, store, engine),
      ...agentHandlers(parts.office, store, engine),
      ...scheduleHandlers(this.scheduler, carrier, (file) => this.load(file)),
      "runs.start": async ({ workflow, source, input, key }: ReadInputOf<"runs.start">) => {
        const meant = source === undefined ? null : carrier.registry.fromSource(source);
        const handle = await this.start(meant ?? workflow, input, key === undefined ? {} : { key });
        return { run: handle.id, repeated: handle.repeated };
      },
      "runs.migrate": async (input: ReadInputOf<"runs.migrate">) => this.#migrate(input),
      "runs.fork": async (input: ReadInputOf<"runs.fork">) => this.#fork(input),
      "workflows.load": async (input: { file: string; export?: string }) => this.#loadHere(input),
    };
  }

  /** What was opened for it; closed with it. Called once, by whoever opens it. */
  closesWith(stack: AsyncDisposableStack): void {
    this.#stack = stack;
  }

  /** Starts a run; resolves when it is on disk. Throws INPUT_INVALID / KEY_REUSED / WORKFLOW_UNKNOWN. */
  async start<I, O>(workflow: Workflow<I, O> | string, input?: unknown, options: StartOptions = {}): Promise<RunHandle<O>> {
    this.#requireOpen();
    const { carrier, engine } = this.#parts;
    const found = typeof workflow === "string" ? carrier.workflowNamed(workflow) : (workflow as Workflow);
    const identity = carrier.identityOf(found);
    const accepted = acceptInput(found, input);
    const key = options.key === undefined ? null : { key: requireKey(options.key), bodyHash: bodyHash(accepted.value as Json) };
    const { run, repeated } = await engine.start({
      workflow: identity,
      inputText: accepted.text,
      key,
      timeoutMs: found.timeoutMs,
      place: placeOfRun(found, accepted.value),
    });
    if (repeated) await this.#takeUp(run);
    return this.#handle<O>(run, repeated);
  }

  async #startScheduled({ source, workflow, input }: ScheduleDefinition, key: string): Promise<RunId> {
    const { registry } = this.#parts.carrier;
    if (source !== null && registry.fromSource(source) === null) await this.load(source);
    const found = source === null ? null : registry.fromSource(source);
    return (await this.start(found ?? workflow, input, { key })).id;
  }

  async #migrate({ run, file, who }: ReadInputOf<"runs.migrate">): Promise<OutputOf<"runs.migrate">> {
    const { carrier, store } = this.#parts;
    const { run: old } = requireRun(store, run);
    const { namespace, name } = old.workflow;
    if (file !== undefined) await this.reload(file);
    else await carrier.canLoad(old);
    const newest = carrier.registry.named(`${namespace}/${name}`);
    const told = await carrier.steering.migrate(old.id, newest, who ?? "a person");
    return { run, status: requireRun(store, run).run.status, ...told };
  }

  async #fork({ run, from, input, newest, who }: ReadInputOf<"runs.fork">): Promise<{ run: string; from: string }> {
    const { carrier, store } = this.#parts;
    const old = requireRun(store, run).run;
    await carrier.canLoad(old);
    const request = {
      from: from ?? null,
      newest,
      by: who ?? "a person",
      ...(input === undefined ? {} : { input: input as Json }),
    };
    return { run: await carrier.steering.fork(old.id, request), from: run };
  }

  /** A run that was started before goes on here, if nobody carries it; also when only its code was missing. */
  async #takeUp(id: RunId): Promise<void> {
    const { carrier } = this.#parts;
    const run = await this.#record(id);
    if (run.status === "paused" && run.reason === "not_loaded" && (await carrier.canLoad(run)))
      await carrier.steering.resume(id, "its code being there again");
    await wakeFamily(carrier, id);
  }

  /** A run that exists. Throws RUN_UNKNOWN. */
  async run<O = unknown>(id: string): Promise<RunHandle<O>> {
    const run = readId("run", id);
    if (run === null || (await this.#parts.engine.record(run)) === null) throw runProblems.RUN_UNKNOWN(`There is no run ${id}.`);
    return this.#handle<O>(run, true);
  }

  #handle<O>(id: RunId, repeated: boolean): RunHandle<O> {
    return { id, repeated, run: () => this.#record(id), result: () => this.#result<O>(id) };
  }

  async #record(id: RunId): Promise<Run> {
    const record = await this.#parts.engine.record(id);
    if (record === null) throw runProblems.RUN_UNKNOWN(`There is no run ${id}.`);
    return record.run;
  }

  /** Waiting is registered before looking, so that an end in between is not missed. */
  async #result<O>(id: RunId): Promise<O> {
    for (;;) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      using _settled = this.#parts.carrier.whenSettled(id, resolve);
      const run = await this.#record(id);
      if (run.status === "completed") return run.output as O;
      if (isEnd(run.status) && "problem" in run && run.problem !== null) throw new Thrown(run.problem);
      if (run.status === "paused")
        throw runProblems.RUN_PAUSED(
          `Run ${id} is paused (${run.reason})${run.problem === null ? "" : `: ${run.problem.detail}`}`,
        );
      using _open = this.#untilClosed(reject, id);
      await promise;
    }
  }

  #untilClosed(reject: (cause: ProblemError) => void, id: RunId): Disposable {
    const tell = (cause: ProblemError | null): void =>
      reject(cause ?? engineProblems.ENGINE_CLOSED(`Baton was closed before run ${id} ended.`));
    this.#untilClosedTold.add(tell);
    return { [Symbol.dispose]: () => void this.#untilClosedTold.delete(tell) };
  }

  /** Makes a workflow known. */
  register(workflow: Workflow): void {
    this.#parts.carrier.register(workflow as Workflow, null);
  }

  /** Loads a workflow file and makes all it exports known. Throws WF_… problems. */
  async load(target: string): Promise<Workflow> {
    const loaded = await loadWorkflowFile(target);
    const { workflow } = loaded;
    await this.#makeKnown(loaded);
    return workflow;
  }

  /** Loads all that a workflow file exports, several or one. Throws WF_… problems. */
  async loadAll(target: string): Promise<Workflow[]> {
    const loaded = await loadWorkflowFile(target);
    await this.#makeKnown(loaded);
    return loaded.all.map(({ workflow }) => workflow);
  }

  /** Whoever fires schedules takes those of documents over, as they are written now. */
  async #makeKnown({ all, services, agents }: Pick<LoadedFile, "all" | "services" | "agents">): Promise<void> {
    const { carrier, firesSchedules, serviceDesk, office } = this.#parts;
    for (const service of services) serviceDesk.offer(service);
    for (const agent of agents) office.offer(agent);
    for (const { workflow, origin, schedule } of all) {
      carrier.register(workflow, origin);
      if (firesSchedules && schedule !== undefined) await this.#follow(workflow, origin, schedule);
    }
  }

  async #follow({ namespace, name }: Workflow, { source }: Origin, schedule: DocumentSchedule | null): Promise<void> {
    const own = { name: `${namespace}.${name}`, workflow: `${namespace}/${name}`, source };
    if (schedule === null) await this.scheduler.letGo(own);
    else await this.scheduler.set({ ...own, ...schedule, input: {}, overlap: "skip", catchUp: "one" });
  }

  /** Loads a file as it is now: new runs, and waiting ones when they wake, go on with it. Throws WF_… problems. */
  async reload(target: string): Promise<void> {
    await this.#makeKnown(await loadAgain(target));
    this.#parts.carrier.forgetWaiting();
    await this.resumeLoaded();
  }

  async #loadHere(input: { file: string; export?: string }): Promise<{ workflows: string[] }> {
    const target = input.export === undefined ? input.file : `${input.file}#${input.export}`;
    return { workflows: (await this.loadAll(target)).map(fullName) };
  }

  /** Sends a signal; one id is received once. */
  async signal(run: string, name: string, value: Json = null, id: string = randomUUID()): Promise<void> {
    await this.call("runs.signal", { run, name, value, id });
  }

  async cancel(run: string, reason?: string): Promise<void> {
    await this.call("runs.cancel", { run, ...(reason === undefined ? {} : { reason }) });
  }

  async call<N extends OperationName>(operation: N, input: InputOf<N>): Promise<OutputOf<N>> {
    this.#requireOpen();
    return answerWith(this.#handlers, operation, input);
  }

  /** Hears what happens to services: health, circuits, definitions that come and go. */
  listenToServices(listener: (event: ServiceEvent) => void): Disposable {
    return this.#parts.serviceDesk.listen(listener);
  }

  /** Live news of every run carried here. */
  listen(listener: Listener): Disposable {
    return this.#parts.carrier.listen(listener);
  }

  /** Runs that were paused because their code was missing go on where it is there again. */
  async resumeLoaded(): Promise<void> {
    const { store, carrier } = this.#parts;
    for (let after = 0; ; ) {
      const page = store.unended(["paused"], after, limits.PAGE_SIZE);
      for (const number of page) {
        const record = store.record(number);
        if (record?.run.status === "paused" && record.run.reason === "not_loaded" && (await carrier.canLoad(record.run))) {
          await carrier.steering.resume(record.run.id, "its code being there again");
        }
      }
      const last = page.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  /** How many runs have not ended, beside these. */
  openRunCount(): number {
    const counts = this.#parts.store.statusCounts();
    return [...counts].filter(([status]) => !isEnd(status)).reduce((sum, [, count]) => sum + count, 0);
  }

  #requireOpen(): void {
    if (this.#closing !== null) throw engineProblems.ENGINE_CLOSED("This Baton was closed.");
  }

  /** Lets attempts under way end, then lets go of the directory. Runs go on with the next owner. */
  close(): Promise<void> {
    this.#closing ??= this.#stack?.disposeAsync() ?? Promise.resolve();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function requireKey(key: string): string {
  const hasLength = typeof key === "string" && key.length >= 1 && key.length <= limits.START_KEY_LENGTH_MAX;
  if (!hasLength || /\p{Cc}/u.test(key) || !key.isWellFormed())
    throw runProblems.KEY_INVALID(`A start key has 1 to ${limits.START_KEY_LENGTH_MAX} characters and none of control.`);
  return key;
}

function bodyHash(value: Json): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}
