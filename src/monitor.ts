/**
 * Readings: what journals and services' records amount to. Pure folds; where they are kept is the store's business.
 */

export type { KeptFigures } from "./monitor/figures.ts";
export { type KpiSources, type Kpis, kpisOf, WINDOWS, type WindowName } from "./monitor/kpis.ts";
export { metricsText } from "./monitor/metrics.ts";
export { type ReadReading, type RollupKey, readFigures, rolledUp } from "./monitor/rollup.ts";
