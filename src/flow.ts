/**
 * Gates: who may go now, where only so many may be under way at once or go within a span. Breakers: whether a service is well
 * enough to be called. Retry budgets: how many retries are affordable. Pure: no clock, no chance, no I/O.
 */
export type { BreakerPolicy, BreakerState, Pass } from "./flow/breaker.ts";
export { Breaker, type BreakerChange, readBreakerPolicy } from "./flow/breaker.ts";
export type { Limit, Rate, Ticket, Waiting } from "./flow/gate.ts";
export { Gates, inWords, RATE_SPAN_MS_MAX, readLimit } from "./flow/gate.ts";
export { RetryBudget } from "./flow/retry-budget.ts";
