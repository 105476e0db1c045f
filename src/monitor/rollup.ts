// Folding readings into rollups: figures by service, operation and span of time, which stay when readings have gone.

import { HOUR_MS, MINUTE_MS } from "../base/time.ts";
import type { FreeChange, Reading, Rollup } from "../store.ts";
import { counted, type Figures, NOTHING } from "./figures.ts";

/** Fine for what is recent, coarse for what is not. In ms. */
export const SPANS = { fineMs: 5 * MINUTE_MS, coarseMs: HOUR_MS } as const;

export type RollupKey = Pick<Rollup, "service" | "operation" | "spanMs" | "fromAt">;

/** `known`: what was folded into a span before. Gives what to write. */
export function rolledUp(readings: readonly Reading[], known: (key: RollupKey) => Figures | null): FreeChange[] {
  const made = new Map<string, { key: RollupKey; figures: Figures }>();
  for (const reading of readings) {
    if (reading.what === "rating") continue;
    for (const spanMs of [SPANS.fineMs, SPANS.coarseMs]) {
      const { service, operation, at } = reading;
      const key = { service, operation, spanMs, fromAt: Math.floor(at / spanMs) * spanMs };
      const name = `${service}/${operation}/${spanMs}/${key.fromAt}`;
      const before = made.get(name)?.figures ?? known(key) ?? NOTHING;
      made.set(name, { key, figures: counted(before, reading) });
    }
  }
  return [...made.values()].map(({ key, figures }) => ({ kind: "rollup", ...key, figuresText: JSON.stringify(figures) }));
}
