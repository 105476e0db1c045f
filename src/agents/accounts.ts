// Accounts: who pays for what. A tree of budgets (organisation, run, delegation, delegation below it) that is kept on disk
// entry by entry, in the commit of the step that caused it.
//
//  1. What is reserved or spent is on disk with the step that did it, or neither is.
//  2. A run's account is opened when something is first paid for it, and closed with it.
//  3. After a crash the accounts are what their entries say; a reservation told again is the same one.

import type { Json } from "../base/json.ts";
import {
  type Amounts,
  type BudgetEntry,
  type BudgetEvent,
  type BudgetRefusal,
  type BudgetSnapshot,
  Budgets,
  explainBudget,
} from "../flow.ts";
import type { FreeChange } from "../store.ts";
import type { BudgetView } from "../workflow.ts";

/** The root of all. */
export const ORGANISATION = "organisation";

/** Runs of which it is remembered whether they are limited. */
const REMEMBERED_MAX = 1_000;

export interface AccountsOptions {
  readonly now: () => number;
  readonly keep: (changes: readonly FreeChange[]) => void;
  /** Of all that is done here. */
  readonly limit: Amounts;
  /** What a run may spend; nothing where it is not limited. */
  readonly limitOfRun: (run: string) => Amounts;
  /** Told when four fifths of a budget are spent, and when one is overdrawn. */
  readonly observe?: (event: BudgetEvent) => void;
}

export class Accounts {
  readonly #options: AccountsOptions;
  readonly #budgets: Budgets;
  /** Whether runs are limited, so far as anybody asked. */
  readonly #limited = new Map<string, boolean>();
  #whenOpened: (run: string) => void = () => undefined;
  /** Entries that are kept and not in the last snapshot. */
  entryCount = 0;

  constructor(options: AccountsOptions, snapshot: Json | null, entries: Iterable<string>) {
    this.#options = options;
    this.#budgets = snapshot === null ? new Budgets() : Budgets.restore(snapshot as unknown as BudgetSnapshot);
    for (const text of entries) {
      this.#budgets.apply(JSON.parse(text) as BudgetEntry);
      this.entryCount++;
    }
  }

  snapshot(): Json {
    return this.#budgets.snapshot() as unknown as Json;
  }

  /** `told` of each run that has an account, those of an earlier life included. */
  whenOpened(told: (run: string) => void): void {
    this.#whenOpened = told;
    for (const { id, parent } of this.#budgets.snapshot().nodes) if (parent === ORGANISATION) told(id);
  }

  /** The account of a run. */
  ofRun(run: string): string {
    if (this.#budgets.view(run) !== undefined) return run;
    if (this.#budgets.view(ORGANISATION) === undefined) this.#open(ORGANISATION, null, this.#options.limit);
    this.#open(run, ORGANISATION, this.#options.limitOfRun(run));
    this.#whenOpened(run);
    return run;
  }

  /** Opens an account below another, with as much of `limit` as that has left. Why not, where it cannot be. */
  open(id: string, parent: string, limit: Amounts): string | null {
    return this.#open(id, parent, limit);
  }

  #open(id: string, parent: string | null, limit: Amounts): string | null {
    return this.#told(this.#budgets.open({ id, parent, limit, ifTooMuch: "cut" }, this.#options.now()));
  }

  /** Null where it is held now, or was before; else why not. */
  reserve(id: string, account: string, upTo: Amounts, leaseMs: number): string | null {
    const expiresAt = this.#options.now() + leaseMs;
    return this.#told(this.#budgets.reserve({ id, node: this.#account(account), upTo, expiresAt }));
  }

  /** What was spent counts in full, whatever was reserved. */
  commit(id: string, account: string, actual: Amounts): void {
    this.#told(this.#budgets.commit(id, actual, this.#account(account)));
  }

  release(id: string): void {
    this.#told(this.#budgets.release(id));
  }

  /** What it spent stays spent above it. */
  close(account: string): void {
    if (this.#budgets.view(account) === undefined) return;
    this.#told(this.#budgets.close(account));
    this.#told(this.#budgets.forget(account));
  }

  expire(): void {
    this.#tell(this.#budgets.expire(this.#options.now()));
  }

  /** Whether anything limits a run, so that paying is worth its entries. */
  isLimited(run: string): boolean {
    const known = this.#limited.get(run);
    if (known !== undefined) return known;
    const { limit, limitOfRun } = this.#options;
    const isLimited = Object.keys(limit).length > 0 || Object.keys(limitOfRun(run)).length > 0;
    if (this.#limited.size >= REMEMBERED_MAX) this.#limited.clear();
    this.#limited.set(run, isLimited);
    return isLimited;
  }

  view(account: string): BudgetView {
    const { lines } = this.#budgets.view(this.#account(account)) ?? { lines: null };
    if (lines === null) return NOTHING_LIMITED;
    return Object.fromEntries(
      Object.entries(lines).map(([resource, { limit, spent, reserved, available }]) => [
        resource,
        { limit, spent, reserved, left: available },
      ]),
    ) as BudgetView;
  }

  #account(account: string): string {
    return account.startsWith("run_") && !account.includes("/") && !account.includes(".") ? this.ofRun(account) : account;
  }

  #told(
    answer:
      | ReturnType<Budgets["reserve"]>
      | BudgetRefusal
      | { ok: true; entries: readonly BudgetEntry[]; events: readonly BudgetEvent[] },
  ): string | null {
    if (!answer.ok) return explainBudget(answer);
    this.#tell(answer);
    return null;
  }

  #tell({ entries, events }: { readonly entries: readonly BudgetEntry[]; readonly events: readonly BudgetEvent[] }): void {
    if (entries.length > 0) {
      this.entryCount += entries.length;
      this.#options.keep(entries.map((entry) => ({ kind: "budget", text: JSON.stringify(entry) })));
    }
    for (const event of events) this.#options.observe?.(event);
  }
}

const UNLIMITED = { limit: null, spent: 0, reserved: 0, left: null } as const;

const NOTHING_LIMITED: BudgetView = { tokens: UNLIMITED, usd: UNLIMITED, calls: UNLIMITED, wallMs: UNLIMITED, slots: UNLIMITED };
