/**
 * Gates: who may go now, where only so many may be under way at once or go within a span. Pure: no clock, no chance, no I/O.
 */
export type { Limit, Rate, Ticket, Waiting } from "./flow/gate.ts";
export { Gates, inWords, RATE_SPAN_MS_MAX, readLimit } from "./flow/gate.ts";
