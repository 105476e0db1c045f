// The agents of a data directory: what is kept of them, the desk that hands them tasks, what was learned of them, and who pays.

import {
  Accounts,
  type Agent,
  type AgentDefinition,
  AgentDesk,
  type AgentDocument,
  type AgentEvent,
  type AgentStatus,
  agentOf,
  agentOfDocument,
  type Doing,
  learnFrom,
} from "../agents.ts";
import type { Clock } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import { isProblemError, type Problem } from "../base/problem.ts";
import type { EmbeddedEngine } from "../engine.ts";
import type { Amounts } from "../flow.ts";
import { openSigner, type Signer } from "../security.ts";
import type { FreeChange, KeptAgent, Store } from "../store.ts";
import { Ledger } from "../trust.ts";
import type { Workflow } from "../workflow.ts";
import { maskSecrets } from "./outside.ts";
import { processDoor } from "./process-door.ts";
import type { ServiceDesk } from "./service-desk.ts";

/** Verdicts folded at once. */
const PAGE = 1_000;

/** So many changes may wait to be folded. */
const UNFOLDED_MAX = 1_000;

const FOLD = "trust";
const BUDGETS = "budgets";

export interface AgentOfficeOptions {
  readonly store: Store;
  readonly engine: EmbeddedEngine;
  readonly clock: Clock;
  /** Where the key is that signs. */
  readonly directory: string;
  /** Agents of a program; those that are kept give way to them. */
  readonly agents: readonly AgentDefinition[];
  /** What all runs together may spend. */
  readonly budget: Amounts;
  readonly budgetOfRun: (run: string) => Amounts;
  readonly services: ServiceDesk;
  readonly workflowNamed: (name: string) => Workflow | null;
}

export class AgentOffice implements AsyncDisposable {
  readonly desk: AgentDesk;
  readonly doing: Doing;
  readonly accounts: Accounts;
  readonly #options: AgentOfficeOptions;
  readonly #ledger: Ledger;
  /** Verdicts until this one are in the ledger. */
  #position: number;
  #folded: number;
  #budgetPosition: number;
  #signer: Signer | null = null;
  #folding: Promise<void> = Promise.resolve();
  readonly #loaded = new Map<string, string>();
  /** Those that a program or a file gave: they are not kept, and go before those that are. */
  readonly #offered = new Set<string>();
  readonly #listeners = new Set<(event: AgentEvent) => void>();
  /** Kept agents that cannot be read any more, with why. */
  readonly broken = new Map<string, Problem>();

  constructor(options: AgentOfficeOptions) {
    const { store, clock, agents, budget, budgetOfRun, directory } = options;
    this.#options = options;
    const fold = store.fold(FOLD);
    this.#ledger = fold === null ? new Ledger() : Ledger.restore(JSON.parse(fold.stateText) as Json);
    this.#position = fold?.position ?? 0;
    this.#folded = this.#position;
    const budgets = store.fold(BUDGETS);
    this.#budgetPosition = budgets?.position ?? 0;
    const keep = (changes: readonly FreeChange[]): void => this.#keep(changes);
    const now = (): number => clock.now();
    const snapshot = budgets === null ? null : (JSON.parse(budgets.stateText) as Json);
    this.accounts = new Accounts({ now, keep, limit: budget, limitOfRun: budgetOfRun }, snapshot, this.#budgetEntries());
    this.desk = new AgentDesk({
      ...{ clock, keep, accounts: this.accounts },
      ledger: () => this.ledger,
      signer: () => {
        this.#signer ??= openSigner(directory);
        return this.#signer;
      },
      observe: (event) => this.#tell(event),
    });
    this.doing = {
      tool: (name) => toolNamed(options.services, name),
      workflow: (name) => options.workflowNamed(name),
      door: processDoor(this.desk),
      redacted: (value) => maskSecrets(value),
    };
    this.reload();
    for (const definition of agents) this.offer(definition);
  }

  /** With all verdicts that are kept so far. */
  get ledger(): Ledger {
    for (;;) {
      const page = this.#options.store.verdicts(this.#position, PAGE);
      for (const line of page) learnFrom(this.#ledger, line);
      this.#position = page.at(-1)?.seq ?? this.#position;
      if (page.length < PAGE) return this.#ledger;
    }
  }

  *#budgetEntries(): Generator<string> {
    for (;;) {
      const page = this.#options.store.budgetEntries(this.#budgetPosition, PAGE);
      for (const { text } of page) yield text;
      this.#budgetPosition = page.at(-1)?.seq ?? this.#budgetPosition;
      if (page.length < PAGE) return;
    }
  }

  /** Reads the kept agents again: those that changed are changed, those that are gone are gone. */
  reload(): void {
    const kept = this.#options.store.agents();
    const ids = new Set(kept.map(({ id }) => id));
    for (const id of this.#loaded.keys()) if (!ids.has(id)) this.#loaded.delete(id);
    for (const { agent } of this.desk.standings())
      if (!ids.has(agent.id) && !this.#offered.has(agent.id)) this.desk.remove(agent.id);
    this.broken.clear();
    for (const one of kept) if (!this.#offered.has(one.id)) this.#load(one);
  }

  /** One that is as it was stays as it is, with all that is known of it. */
  #load({ id, definitionText, status }: KeptAgent): void {
    if (this.#loaded.get(id) === `${status} ${definitionText}`) return;
    try {
      this.desk.set(agentOfDocument(JSON.parse(definitionText) as AgentDocument), status as AgentStatus);
      this.#loaded.set(id, `${status} ${definitionText}`);
    } catch (error) {
      if (!isProblemError(error)) throw error;
      this.broken.set(id, error.problem);
    }
  }

  /** An agent of a program or a file, for as long as this is open. Throws AGENT_DEFINITION_INVALID. */
  offer(definition: AgentDefinition): Agent {
    const made = agentOf(definition);
    this.#offered.add(made.id);
    this.desk.set(made, "active");
    return made;
  }

  isOffered(id: string): boolean {
    return this.#offered.has(id);
  }

  listen(listener: (event: AgentEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #tell(event: AgentEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #keep(changes: readonly FreeChange[]): void {
    this.#options.engine.keep(changes).catch(() => undefined); // the engine has stopped, and says so itself
  }

  /** The run is over: nothing more is paid for it. */
  ended(run: string): void {
    this.accounts.close(run);
    this.desk.ended(run);
    const isFull = this.accounts.entryCount > UNFOLDED_MAX || this.#position - this.#folded > UNFOLDED_MAX;
    if (isFull) this.#options.clock.soon(() => void this.fold().catch(() => undefined));
  }

  /** Writes down as a whole what entries amount to; one after the other. */
  fold(): Promise<void> {
    this.#folding = this.#folding.then(() => this.#foldNow());
    return this.#folding;
  }

  async #foldNow(): Promise<void> {
    const { engine } = this.#options;
    await engine.flushed();
    const ledger = this.ledger;
    const changes: FreeChange[] = [];
    if (this.#position > this.#folded) {
      changes.push({ kind: "fold", name: FOLD, position: this.#position, stateText: JSON.stringify(ledger.snapshot()) });
      this.#folded = this.#position;
    }
    if (this.accounts.entryCount > 0) {
      const position = this.#lastBudgetEntry();
      const stateText = JSON.stringify(this.accounts.snapshot());
      this.accounts.entryCount = 0;
      changes.push({ kind: "fold", name: BUDGETS, position, stateText }, { kind: "budgets-folded", position });
    }
    if (changes.length > 0) await engine.keep(changes);
  }

  #lastBudgetEntry(): number {
    for (const _ of this.#budgetEntries()); // read to the end; they are in the accounts already
    return this.#budgetPosition;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fold().catch(() => undefined); // what is not folded is folded the next time
  }
}

/** An operation of a service, as a tool. */
function toolNamed({ desk }: ServiceDesk, name: string): ReturnType<Doing["tool"]> {
  const [service = "", ...rest] = name.split("/");
  const standing = desk.standings().find((one) => one.service.id === service);
  const operation = standing?.service.operations.get(rest.join("/"));
  if (operation === undefined) return null;
  const { description, title, input, effects } = operation;
  return { tool: name, description: description ?? title, input: input?.jsonSchema ?? null, effects };
}
