// A seeded simulation: random programs, a virtual clock, and faults as events that the seed chooses.
//
// One seed is one history. It is lived on a real store with the real engine; what the
// outside does (signals, answers, the passing of time) and what befalls the process
// (crashes at and between commits, lost answers, slow disks, failing disks, jumps of
// the clock, a stalled owner that another one replaces) is drawn from the seed. After
// every event the journals are checked; at the end everything must have come to what
// the programs say. The same seed gives the same trace.
//
//   I1 what was accepted is there · I2 a step has one outcome · I3 what is written never
//   changes · I4 a step acts after the outcome of the one before it is on disk · I7 no
//   timer is early · I9 one logical step shows the outside one key · I10 never are more
//   under way than a limit says · I11 a run that fails takes back what it did, the last
//   first · I12 what may be attempted once is attempted once · I13 a stream has each item
//   once · liveness: all end

import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { RunId } from "../base/id.ts";
import type { Json } from "../base/json.ts";
import { seededRandom } from "../base/random.ts";
import { dataOf, type Entry, endsOperation, isEnd, type Run, readEvent } from "../run.ts";
import { type Commit, type Store, storeProblems } from "../store.ts";
import type { StepContext } from "../workflow.ts";
import { type ManualClock, manualClock } from "./clock.ts";
import type { Death } from "./mortal-store.ts";
import { expected, type Program, type ProgramWorkflows, programWorkflows, randomProgram } from "./programs.ts";
import { World } from "./world.ts";

/** A mistake planted in the ports, which the simulation must find. */
export interface PlantedFault {
  readonly name: string;
  readonly store?: (store: Store, life: number) => Store;
  readonly clock?: (clock: Clock) => Clock;
}

export interface Simulated {
  readonly seed: number;
  /** Hash of everything that happened. */
  readonly trace: string;
  /** Empty when all held. */
  readonly violations: readonly string[];
  /** How often each kind of event happened. */
  readonly events: Readonly<Record<string, number>>;
}

const PROGRAMS = 2;
const STORM_EVENTS = 60;
const CALM_ROUNDS_MAX = 300;

export async function simulate(seed: number, fault: PlantedFault | null = null): Promise<Simulated> {
  const simulation = new Simulation(seed, fault);
  try {
    await simulation.run();
  } catch (error) {
    simulation.violate(`threw: ${error instanceof Error ? error.message : String(error)}`);
  }
  return simulation.end();
}

interface Started {
  readonly program: Program;
  readonly key: string;
  run: RunId | null;
}

class Simulation {
  readonly #seed: number;
  readonly #next: () => number;
  readonly #clock: ManualClock;
  readonly #world: World;
  readonly #workflows: ProgramWorkflows;
  readonly #started: Started[];
  readonly #trace = createHash("sha256");
  readonly #violations = new Set<string>();
  readonly #events: Record<string, number> = {};
  /** Journals as last seen: entries may come, none may change. */
  readonly #seen = new Map<string, readonly string[]>();
  /** By run, journal number and step: the keys shown to the outside. */
  readonly #shown = new Map<string, Set<string>>();
  /** Limited steps that act, with the life they act in. */
  readonly #working = new Map<string, number>();
  readonly #attempted = new Set<string>();
  /** What the clock showed before it jumped last. */
  #jumpedFrom = Number.NEGATIVE_INFINITY;
  #slowMs = 0;
  #failNext = false;
  #storm = true;

  constructor(seed: number, fault: PlantedFault | null) {
    this.#seed = seed;
    this.#next = seededRandom(seed);
    this.#clock = manualClock();
    this.#workflows = programWorkflows(
      ({ key, step }) => this.#acted(key, step.idempotencyKey),
      ({ key, step }) => this.#works(key, step),
    );
    this.#started = Array.from({ length: PROGRAMS }, (_, index) => ({
      program: randomProgram(this.#next),
      key: `program ${index}`,
      run: null,
    }));
    const wrapStore = (store: Store, life: number): Store => this.#troubled(fault?.store?.(store, life) ?? store, life);
    this.#world = new World({
      ...{ seed, clock: this.#clock, strict: false, residentMax: seed % 3 === 0 ? 0 : 100 },
      workflows: [this.#workflows.program, this.#workflows.part, this.#workflows.narrow] as never,
      wrapStore,
      ...(fault?.clock === undefined ? {} : { wrapClock: fault.clock }),
      onCommit: (commit) => this.#committing(commit),
    });
  }

  violate(what: string): void {
    this.#violations.add(what);
  }

  end(): Simulated {
    this.#world[Symbol.dispose]();
    return { seed: this.#seed, trace: this.#trace.digest("hex"), violations: [...this.#violations], events: this.#events };
  }

  async run(): Promise<void> {
    for (let event = 0; event < STORM_EVENTS && this.#violations.size === 0; event++) await this.#event();
    this.#storm = false;
    this.#slowMs = 0;
    this.#failNext = false;
    for (let round = 0; round < CALM_ROUNDS_MAX && this.#violations.size === 0; round++) {
      if (await this.#isOver()) break;
      await this.#help();
      await this.#clock.advance(30_000);
    }
    if (this.#violations.size === 0 && !(await this.#isOver())) this.violate(`not all ended: ${this.#standings()}`);
    this.#checkJournals();
    this.#checkOutcomes();
  }

  #below(limit: number): number {
    return this.#next() % limit;
  }

  #count(kind: string, detail = ""): void {
    this.#events[kind] = (this.#events[kind] ?? 0) + 1;
    this.#trace.update(`${this.#clock.now()} ${kind} ${detail}\n`);
  }

  // Events.

  async #event(): Promise<void> {
    const drawn = this.#below(100);
    if (drawn < 36) await this.#help();
    else if (drawn < 40) this.#pause();
    else if (drawn < 75) await this.#pass(1 + this.#below(45_000));
    else if (drawn < 82) this.#crash("crash");
    else if (drawn < 86) this.#crash("take-over");
    else if (drawn < 90) this.#jump();
    else if (drawn < 95) this.#slow();
    else this.#fail();
    await this.#revive();
    this.#checkJournals();
  }

  async #pass(ms: number): Promise<void> {
    this.#count("time", String(ms));
    await this.#clock.advance(ms);
  }

  /** A new life, whose own end may be set at one of its next commits. */
  #crash(kind: "crash" | "take-over"): void {
    const modes = ["before", "after", "answer-lost"] as const;
    const mode = modes[this.#below(3)] ?? "before";
    const death: Death | null = this.#storm && this.#below(2) === 0 ? { atCommit: 1 + this.#below(12), mode } : null;
    this.#count(kind, death === null ? "" : `${death.atCommit} ${death.mode}`);
    if (death !== null) this.#count(`death ${death.mode}`);
    if (kind === "crash") this.#world.crash(death);
    else this.#world.takeOver(death);
  }

  /** Somebody pauses a run; it is resumed when the outside helps next. */
  #pause(): void {
    const open = this.#runs().filter(({ status }) => !isEnd(status) && status !== "paused");
    const run = open[this.#below(Math.max(1, open.length))];
    if (run === undefined) return;
    this.#count("pause", run.id);
    this.#world.carrier.steering.pause(run.id, "somebody").catch(() => undefined);
  }

  #jump(): void {
    const ms = this.#below(2) === 0 ? this.#below(100_000) : -this.#below(50_000);
    this.#count("jump", String(ms));
    this.#jumpedFrom = this.#clock.now();
    this.#clock.jump(ms);
  }

  #slow(): void {
    this.#slowMs = this.#slowMs > 0 ? 0 : 1 + this.#below(2_000);
    this.#count("slow disk", String(this.#slowMs));
  }

  #fail(): void {
    this.#failNext = true;
    this.#count("failing disk");
  }

  /** A process that died or stopped is started again, as a supervisor would. */
  async #revive(): Promise<void> {
    await this.#clock.settle();
    if (this.#world.store.isDead || (await this.#hasStopped())) this.#crash("crash");
    await this.#clock.settle();
  }

  async #hasStopped(): Promise<boolean> {
    const running = Symbol("running");
    return (await Promise.race([this.#world.engine.closed, Promise.resolve(running)])) !== running;
  }

  // The outside: starts what is not started, signals what is waited for, answers what is asked.

  async #help(): Promise<void> {
    this.#count("help");
    for (const started of this.#started) if (started.run === null) await this.#start(started);
    if (this.#world.store.isDead || (await this.#hasStopped())) return this.#revive();
    for (const run of this.#runs()) if (!isEnd(run.status)) this.#helpRun(run);
    await this.#clock.settle();
  }

  async #start(started: Started): Promise<void> {
    started.run = await this.#world.start(this.#workflows.program, started.program, started.key).catch(() => null);
  }

  #helpRun(run: Run): void {
    if (run.status === "paused" && run.reason === "operator")
      this.#world.carrier.steering.resume(run.id, "somebody").catch(() => undefined);
    for (const { kind, waitsFor, endedAt, key } of this.#world.reading(run.id).values()) {
      if (endedAt !== null || (this.#storm && this.#below(3) === 0)) continue;
      if (kind === "ask") this.#world.answer(run.id, key, `ask ${key.split(" / ").at(-1)}`);
      if (kind === "listen" && waitsFor !== null) this.#tellEvent(waitsFor);
      if (kind !== "signal-wait" || waitsFor === null) continue;
      const name = /"(.*)"/.exec(waitsFor)?.[1] ?? "";
      this.#world.signal(run.id, name, `signal ${name.replace(/@.*/, "")}`, `${run.id} ${name}`);
    }
  }

  #tellEvent(waitsFor: string): void {
    const type = /type "(event .*)"/.exec(waitsFor)?.[1];
    if (type === undefined) return; // the run tells it itself
    const event = readEvent({ type, data: type.replace(/@.*/, "") }, { id: type, source: "/outside" }, this.#clock.now());
    this.#world.carrier.events?.publish([event]).catch(() => undefined);
  }

  #runs(): readonly Run[] {
    return this.#world.store.runs({ limit: 1_000 }).runs;
  }

  async #isOver(): Promise<boolean> {
    await this.#revive();
    return this.#started.every(({ run }) => run !== null) && this.#runs().every((run) => isEnd(run.status));
  }

  #standings(): string {
    return this.#runs()
      .filter((run) => !isEnd(run.status))
      .map(
        (run) =>
          `${run.id} ${run.status} ${[...this.#world.reading(run.id).values()].filter(({ endedAt }) => endedAt === null).map(({ key, status }) => `${key}:${status}`)}`,
      )
      .join("; ");
  }

  // Trouble below.

  #troubled(store: Store, life: number): Store {
    return { ...store, commit: (commit) => this.#commit(store, life, commit), [Symbol.dispose]: () => store[Symbol.dispose]() };
  }

  #commit(store: Store, life: number, commit: Commit): void | Promise<void> {
    if (this.#failNext) {
      this.#failNext = false;
      if (this.#below(2) === 0) void store.commit(commit);
      throw storeProblems.STORAGE_FAILED("The disk failed.");
    }
    if (this.#slowMs === 0) return store.commit(commit);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#clock.after(this.#slowMs, () => {
      if (this.#world.life !== life && !this.#storm) return; // its process is gone
      try {
        Promise.resolve(store.commit(commit)).then(resolve, reject);
      } catch (error) {
        reject(error);
      }
    });
    return promise;
  }

  #committing(commit: Commit): void {
    this.#trace.update(`commit ${commit.entries.map(({ run, kind, key }) => `${run} ${kind} ${key}`).join(",")}\n`);
    if (commit.epoch < this.#world.life) return; // of an owner that was replaced: it will be refused
    for (const entry of commit.entries) if (entry.kind === "timer-fired") this.#checkTimer(entry);
  }

  // Checks.

  #checkTimer(fired: { readonly run: number; readonly key: string | null }): void {
    const set = this.#world.store
      .journal(fired.run, 0, 100_000)
      .findLast((entry) => entry.kind === "timer-set" && entry.key === fired.key);
    const fireAt = set === undefined ? Number.NEGATIVE_INFINITY : (dataOf(set) as { fireAt: number }).fireAt;
    const shown = Math.max(this.#clock.now(), this.#jumpedFrom); // it may have fired just before, on a slow disk
    if (shown < fireAt) this.violate(`I7: timer ${fired.key} fired ${fireAt - shown} ms early`);
  }

  /** Called by a step's act: what the outside sees of it. */
  #acted(key: string, idempotencyKey: string): void {
    const [, run = "", continued = "", path = ""] = /^(run_\w+)\.(\d+)\/(.*)$/.exec(idempotencyKey) ?? [];
    const logical = `${run} ${path}`;
    const keys = this.#shown.get(logical) ?? new Set();
    keys.add(idempotencyKey);
    this.#shown.set(logical, keys);
    const rounds = this.#started.find((started) => started.run === run)?.program.rounds ?? 2;
    if (keys.size > rounds || Number(continued) >= 2) this.violate(`I9: ${logical} showed ${keys.size} keys`);
    this.#count("act", `${key} ${idempotencyKey}`);
    this.#checkOrder(run as RunId, decodeURIComponent(path));
  }

  /** A step that takes a tenth of a second. */
  async #works(key: string, { idempotencyKey, abortSignal }: StepContext): Promise<void> {
    const { life } = this.#world;
    this.#count("act", `${key} ${idempotencyKey}`);
    if (key.startsWith("careful") && this.#attempted.has(idempotencyKey)) this.violate(`I12: ${idempotencyKey} acted twice`);
    this.#attempted.add(idempotencyKey);
    if (key.startsWith("limited")) {
      const beside = [...this.#working].filter(([other, at]) => at === life && other !== idempotencyKey);
      if (beside.length > 0) this.violate(`I10: ${idempotencyKey} acts beside ${beside[0]?.[0]}`);
      this.#working.set(idempotencyKey, life);
      abortSignal.addEventListener("abort", () => this.#working.delete(idempotencyKey));
    }
    await new Promise<void>((resolve) => this.#clock.after(100, resolve));
    this.#working.delete(idempotencyKey);
  }

  /** I4: the step before it in a sequence has its outcome on disk. */
  #checkOrder(run: RunId, path: string): void {
    const parts = this.#started.find((started) => started.run === run)?.program.parts ?? [];
    const at = parts.findIndex((part) => part.id === path);
    const before = parts[at - 1];
    if (before === undefined || (before.kind !== "step" && before.kind !== "hopeless")) return;
    const recorded = this.#world.journal(run).some((entry) => entry.key === before.id && endsOperation(entry.kind));
    if (!recorded) this.violate(`I4: ${path} of ${run} acted before the outcome of ${before.id} was on disk`);
  }

  #checkJournals(): void {
    for (const run of this.#runs()) this.#checkJournal(run, this.#world.journal(run.id));
    this.#checkLimit();
    for (const { run } of this.#started) {
      const there = run === null || this.#runs().some((found) => found.id === run);
      if (!there) this.violate(`I1: accepted run ${run} is gone`);
    }
  }

  #checkLimit(): void {
    const underWay = this.#runs().filter(
      ({ workflow, status }) => workflow.name === "narrow" && (status === "running" || status === "waiting"),
    );
    if (underWay.length > 1) this.violate(`I10: ${underWay.map(({ id }) => id).join(" and ")} are under way at once`);
  }

  #checkUndone(run: Run): void {
    const entries = this.#world.journal(run.id);
    const added = entries.filter(({ kind }) => kind === "undo-added").map(({ key }) => `undo / ${key}`);
    const undone = entries
      .filter(({ kind, key }) => kind === "step-completed" && key?.startsWith("undo / "))
      .map(({ key }) => key);
    if (run.status === "completed" && undone.length > 0) this.violate(`I11: ${run.id} completed and took back ${undone}`);
    if (run.status === "failed" && String(undone) !== String(added.toReversed()))
      this.violate(`I11: ${run.id} failed and took back ${undone}, not ${added.toReversed()}`);
  }

  #checkStream(run: Run, program: Program): void {
    const said = this.#world.store.stream(this.#world.store.ids.numberOf(run.id) ?? 0, "said", 0, 10_000);
    const items = said.map(({ text }) => text);
    if (new Set(items).size < items.length) this.violate(`I13: ${run.id} said something twice: ${items}`);
    const last = program.parts.filter(({ kind }) => kind === "say").map(({ id }) => JSON.stringify(`${id}.${program.rounds}`));
    const lost = last.filter((item) => !items.includes(item));
    if (lost.length > 0) this.violate(`I13: ${run.id} did not say ${lost}`);
  }

  #checkJournal(run: Run, entries: readonly Entry[]): void {
    const outcomes = entries.filter(({ kind }) => kind === "step-completed" || kind === "step-failed").map(({ key }) => key);
    if (new Set(outcomes).size < outcomes.length) this.violate(`I2: a step of ${run.id} has two outcomes: ${outcomes}`);
    const name = `${run.id}.${run.continued}`;
    const now = entries.map((entry) => JSON.stringify(entry));
    const before = this.#seen.get(name) ?? [];
    if (before.some((line, index) => now[index] !== line)) this.violate(`I3: the journal of ${name} changed`);
    this.#seen.set(name, now);
  }

  #checkOutcomes(): void {
    const roots = this.#runs().filter((run) => run.parent === null);
    if (roots.length > this.#started.length) this.violate(`I1: ${this.#started.length} starts gave ${roots.length} runs`);
    for (const { run, program } of this.#started) {
      const found = run === null ? undefined : roots.find((root) => root.id === run);
      if (found === undefined || !isEnd(found.status)) continue;
      this.#checkUndone(found);
      this.#checkStream(found, program);
      const output: Json =
        found.status === "completed" ? found.output : `${found.status}: ${"problem" in found ? found.problem?.detail : ""}`;
      const wanted = program.fails ? "failed: it fails in the end" : expected(program.parts);
      if (JSON.stringify(output) !== JSON.stringify(wanted))
        this.violate(`${found.id} came to ${JSON.stringify(output)}, not ${JSON.stringify(wanted)}`);
    }
  }
}
