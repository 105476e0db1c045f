// Folding readings into rollups: figures by service, operation and span of time, which stay when readings have gone.

import type { Json } from "../base/json.ts";
import { HOUR_MS, MINUTE_MS } from "../base/time.ts";
import type { FreeChange, Reading, Rollup } from "../store.ts";
import { type Figures, type KeptFigures, Tally } from "./figures.ts";

/** Fine for what is recent, coarse for what is not. In ms. */
export const SPANS = { fineMs: 5 * MINUTE_MS, coarseMs: HOUR_MS } as const;

export type RollupKey = Pick<Rollup, "service" | "operation" | "spanMs" | "fromAt">;

/** A reading with its facts read. */
export interface ReadReading {
  readonly reading: Reading;
  readonly facts: Readonly<Record<string, Json>>;
}

/** `known`: what was folded into a span before. Gives what to write. */
export function rolledUp(readings: readonly ReadReading[], known: (key: RollupKey) => KeptFigures | null): FreeChange[] {
  const made = new Map<string, Span>();
  const spanOf = (key: RollupKey): Span => {
    const name = `${key.service}/${key.operation}/${key.spanMs}/${key.fromAt}`;
    const found = made.get(name) ?? { key, tally: new Tally(known(key) ?? undefined) };
    made.set(name, found);
    return found;
  };
  for (const spanMs of [SPANS.fineMs, SPANS.coarseMs]) {
    let span: Span | null = null; // most readings are of the same as the one before
    for (const { reading, facts } of readings) {
      const { service, operation, at, what } = reading;
      if (what === "rating") continue;
      const fromAt = Math.floor(at / spanMs) * spanMs;
      if (span === null || !isOf(span, service, operation, fromAt)) span = spanOf({ service, operation, spanMs, fromAt });
      span.tally.count(what, facts);
    }
  }
  return [...made.values()].map(({ key, tally }) => ({ kind: "rollup", ...key, figuresText: JSON.stringify(tally.figures) }));
}

/** Null where what is kept cannot be read: it is left out, and a new one takes its place. */
export function readFigures(text: string): KeptFigures | null {
  try {
    const { failures, latency, queue, ...counts } = JSON.parse(text) as Figures;
    const all = [...Object.values(counts), ...[failures, latency, queue].flatMap((one) => Object.values(one))] as unknown[];
    const areCounts = all.every((one) => typeof one === "number" || one === null); // null: one that was spoilt, and heals
    return areCounts ? { ...counts, failures, latency, queue } : null;
  } catch {
    return null;
  }
}

interface Span {
  readonly key: RollupKey;
  readonly tally: Tally;
}

function isOf({ key }: Span, service: string, operation: string, fromAt: number): boolean {
  return key.fromAt === fromAt && key.operation === operation && key.service === service;
}
