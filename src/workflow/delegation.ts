// Handing work on: what is asked of an agent and what comes back, as plain data. Who does it is told when runs are carried.

import type { Json } from "../base/json.ts";
import type { Problem } from "../base/problem.ts";
import type { SchemaLike } from "./schema.ts";

/** So much of what is scarce. What is left out is not limited here. */
export interface Amounts {
  readonly tokens?: number;
  readonly usd?: number;
  /** Calls of services and tools. */
  readonly calls?: number;
  /** Wall time, in ms. */
  readonly wallMs?: number;
  /** Delegations under way at once. */
  readonly slots?: number;
}

/** One kind of thing, as a budget stands. In its own units: tokens, US$, calls, ms, slots. */
export interface BudgetLine {
  /** Null where nothing is limited. */
  readonly limit: number | null;
  readonly spent: number;
  readonly reserved: number;
  readonly left: number | null;
}

/** What there is to spend here, and what of it is spent. */
export type BudgetView = Readonly<Record<keyof Amounts, BudgetLine>>;

/** Whether a result is right, asked besides its schema. */
export type Check =
  /** jq: true where it is; `.` is the output, `$input` what was given. */
  | string
  /** Right where it gives true; or why it is not, in words. */
  | ((output: Json, input: Json) => boolean | string | Promise<boolean | string>)
  /** Another agent, never the one that is checked: right where its output is true, or has `ok: true`. */
  | { readonly agent: string; readonly capability?: string }
  /** A person. */
  | { readonly ask: string; readonly to?: string | readonly string[]; readonly timeoutMs?: number };

/** What is done when nobody did it. */
export type FailureAction =
  /** Another task instead; null: none. `tried` says who failed and why. */
  | { readonly replan: (tried: readonly Tried[]) => Task | null | Promise<Task | null> }
  /** A value, and the result says that it is degraded. */
  | { readonly value: Json }
  /** A person, who is asked this. */
  | { readonly ask: string; readonly to?: string | readonly string[]; readonly timeoutMs?: number };

export type DelegationStrategy = "learned" | "least-cost" | "least-latency" | "priority";

/** What is handed to an agent. */
export interface Task {
  /** What it takes to do it, from the general to the particular: `write.brief`. */
  readonly capability: string;
  /** What sort of task it is, of a few; trust is learned for each. */
  readonly kind?: string;
  readonly input: Json;
  /** The result fits it, or is wrong. */
  readonly output?: SchemaLike;
  readonly checks?: readonly Check[];
  /** How likely an agent must be right; counts once it had five verdicts. */
  readonly trustMin?: number;
  /** What a right result in time is worth, in US$; 1 where left out. */
  readonly valueUsd?: number;
  /** From now on, in ms: what comes later is worth nothing. */
  readonly deadlineMs?: number;
  /** What a ms of waiting costs, in US$. */
  readonly delayUsdPerMs?: number;
  /** At most this is spent on it, of what is left here. */
  readonly budget?: Amounts;
  /** `high`: only who is almost surely right, by `trustMin` or 0.8. */
  readonly risk?: "low" | "high";
  /** How one of several is chosen; by what was learned where left out. */
  readonly strategy?: DelegationStrategy;
  /** One after the other, when nobody did it. */
  readonly onFailure?: readonly FailureAction[];
  /** Only these agents. */
  readonly to?: string | readonly string[];
  /** Anybody but these. */
  readonly except?: string | readonly string[];
  /** Only these tools, of those the agent has. */
  readonly tools?: readonly string[];
  /** Names the delegation in the journal; the capability where left out. */
  readonly name?: string;
  /** How many agents are tried at most; 3 where left out. */
  readonly attemptsMax?: number;
}

/** One agent that was tried and did not do it. */
export interface Tried {
  readonly agent: string;
  /** `fault`: it did not work. `wrong`: its result was not right. */
  readonly how: "fault" | "wrong" | "refused" | "late" | "budget";
  readonly because: string;
}

/** Why a task was not handed to anybody. */
export interface Refusal {
  readonly kind: "nobody" | "mismatch" | "policy" | "trust" | "budget" | "depth" | "loop" | "deadline";
  /** One sentence each; of every agent that was looked at. */
  readonly reasons: readonly string[];
}

/** What came of a task that was handed on. */
export type Delegated<T> =
  | {
      readonly ok: true;
      readonly output: T;
      /** Null where no agent did it. */
      readonly agent: string | null;
      readonly delegation: string;
      readonly costUsd: number;
      readonly tokens: number;
      readonly latencyMs: number;
      /** Why this agent. */
      readonly explanation: string;
      /** Who was tried before. */
      readonly tried: readonly Tried[];
      readonly degraded?: { readonly how: "value" | "person" | "partial" | "replanned"; readonly because: string };
    }
  | {
      readonly ok: false;
      readonly problem: Problem;
      /** Null where it was handed on, and failed. */
      readonly refusal: Refusal | null;
      readonly tried: readonly Tried[];
    };

/** What whoever was handed a task may do with it: never more than whoever handed it on. */
export interface Terms {
  /** Names the delegation. */
  readonly delegation: string;
  readonly agent: string;
  /** The account in the tree of budgets that pays. */
  readonly account: string;
  /** Unix ms; null: none. */
  readonly deadlineAt: number | null;
  /** Hops that are left below it. */
  readonly depthLeft: number;
  /** Who handed it on to whom, from the first. */
  readonly path: readonly string[];
  /** What may be handed on; `all`: everything. */
  readonly capabilities: readonly string[] | "all";
  readonly tools: readonly string[] | "all";
  /** The signed chain that says so; null at the first hop inside this process, where nobody else must believe it. */
  readonly token: string | null;
}
