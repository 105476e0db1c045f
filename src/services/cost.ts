// What calls cost, in US$: what the service says, else what its cost model makes of the tokens. What nobody knows is null, and
// never 0; what this machine and its network do without a cost model is free.

import type { Json } from "../base/json.ts";
import type { CostModel, Usage } from "./service.ts";

/** Tokens of one attempt: more is no count. Protects the figures. */
const TOKENS_MAX = 1_000_000_000;

/** What one attempt may cost by its own word. */
const USD_MAX = 1_000_000;

export function isTokenCount(value: unknown): value is number {
  return Number.isInteger(value) && isWithin(value, TOKENS_MAX);
}

export function isPrice(value: unknown): value is number {
  return isWithin(value, USD_MAX);
}

function isWithin(value: unknown, max: number): value is number {
  return typeof value === "number" && value >= 0 && value <= max;
}

const MILLION = 1_000_000;

export interface Priced {
  readonly model: CostModel;
  readonly isLocal: boolean;
}

/** `isAnswered`: false where nothing came of it, so that only what was used counts and no price per call. */
export function costOf({ model, isLocal }: Priced, usage: Usage, isAnswered = true): number | null {
  const { inputTokens, outputTokens, usd } = usage;
  if (usd !== undefined) return usd;
  const isCounted = inputTokens !== undefined || outputTokens !== undefined;
  if (!isAnswered && !isCounted) return 0;
  const { usdPerCall, usdPerMillionInputTokens, usdPerMillionOutputTokens } = model;
  const isByToken = usdPerMillionInputTokens !== undefined || usdPerMillionOutputTokens !== undefined;
  if (usdPerCall === undefined && !isByToken) return isLocal ? 0 : null;
  if (isByToken && !isCounted) return null;
  const tokens =
    ((inputTokens ?? 0) * (usdPerMillionInputTokens ?? 0) + (outputTokens ?? 0) * (usdPerMillionOutputTokens ?? 0)) / MILLION;
  return tokens + (isAnswered ? (usdPerCall ?? 0) : 0);
}

/** Characters of text that are about one token. */
const TOKEN_LENGTH = 4;

/** Tokens of an answer whose length nobody bounded. */
const OUTPUT_TOKENS = 500;

/** Before the first call: from the length of the input, and the bound on the output. */
export function expectedCostOf(priced: Priced, input: Json): number | null {
  const { usdPerMillionInputTokens, usdPerMillionOutputTokens } = priced.model;
  if (usdPerMillionInputTokens === undefined && usdPerMillionOutputTokens === undefined) return costOf(priced, {});
  const { maxTokens = OUTPUT_TOKENS } = (typeof input === "object" && input !== null ? input : {}) as { maxTokens?: number };
  const inputTokens = JSON.stringify(input).length / TOKEN_LENGTH;
  return costOf(priced, { inputTokens, outputTokens: Number(maxTokens) });
}
