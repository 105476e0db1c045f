// Folding readings into rollups: figures by service, operation and span of time, which stay when readings have gone.

import type { Json } from "../base/json.ts";
import { HOUR_MS, MINUTE_MS } from "../base/time.ts";
import type { FreeChange, Reading, Rollup } from "../store.ts";
import { type Figures, Tally } from "./figures.ts";

/** Fine for what is recent, coarse for what is not. In ms. */
export const SPANS = { fineMs: 5 * MINUTE_MS, coarseMs: HOUR_MS } as const;

export type RollupKey = Pick<Rollup, "service" | "operation" | "spanMs" | "fromAt">;

/** A reading with its facts read. */
export interface ReadReading {
  readonly reading: Reading;
  readonly facts: Readonly<Record<string, Json>>;
}

/** `known`: what was folded into a span before. Gives what to write. */
export function rolledUp(readings: readonly ReadReading[], known: (key: RollupKey) => Figures | null): FreeChange[] {
  const made = new Map<string, { key: RollupKey; tally: Tally }>();
  for (const { reading, facts } of readings) {
    if (reading.what === "rating") continue;
    for (const spanMs of [SPANS.fineMs, SPANS.coarseMs]) {
      const { service, operation, at, what } = reading;
      const fromAt = Math.floor(at / spanMs) * spanMs;
      const name = `${service}/${operation}/${spanMs}/${fromAt}`;
      let found = made.get(name);
      if (found === undefined) {
        const key = { service, operation, spanMs, fromAt };
        found = { key, tally: new Tally(known(key) ?? undefined) };
        made.set(name, found);
      }
      found.tally.count(what, facts);
    }
  }
  return [...made.values()].map(({ key, tally }) => ({ kind: "rollup", ...key, figuresText: JSON.stringify(tally.figures) }));
}
