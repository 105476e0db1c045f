/**
 * Gates: who may go now, where only so many may be under way at once or go within a span. Breakers: whether a service is well
 * enough to be called. Retry budgets: how many retries are affordable. Budgets: how much may be spent, from an organisation
 * down to a delegation. Pure: no clock, no chance, no I/O.
 */
export { type Amounts, RESOURCES, type Resource, readAmounts } from "./flow/amounts.ts";
export type { BreakerPolicy, BreakerState, Pass } from "./flow/breaker.ts";
export { Breaker, type BreakerChange, type BreakerSnapshot, readBreakerPolicy } from "./flow/breaker.ts";
export {
  type BudgetDone,
  type BudgetEntry,
  type BudgetEvent,
  type BudgetHeld,
  type BudgetLine,
  type BudgetOpened,
  type BudgetSnapshot,
  Budgets,
  type BudgetTerms,
  type BudgetView,
  type ReservationState,
  type ReservationTerms,
} from "./flow/budget.ts";
export {
  type BudgetAction,
  type BudgetMissing,
  type BudgetReason,
  type BudgetRefusal,
  explainBudget,
  type OnBudget,
} from "./flow/budget-refusal.ts";
export type { Limit, Rate, Ticket, Waiting } from "./flow/gate.ts";
export { Gates, inWords, RATE_SPAN_MS_MAX, readLimit } from "./flow/gate.ts";
export { RetryBudget } from "./flow/retry-budget.ts";
