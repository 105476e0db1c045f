// What calls cost, in US$: what the service says, else what its cost model makes of the tokens.

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

/** `isAnswered`: false where nothing came of it, so that only what was used counts and no price per call. */
export function costOf(model: CostModel, { inputTokens = 0, outputTokens = 0, usd }: Usage, isAnswered = true): number {
  if (usd !== undefined) return usd;
  const { usdPerCall = 0, usdPerMillionInputTokens = 0, usdPerMillionOutputTokens = 0 } = model;
  const tokens = (inputTokens * usdPerMillionInputTokens + outputTokens * usdPerMillionOutputTokens) / MILLION;
  return tokens + (isAnswered ? usdPerCall : 0);
}

/** Characters of text that are about one token. */
const TOKEN_LENGTH = 4;

/** Tokens of an answer whose length nobody bounded. */
const OUTPUT_TOKENS = 500;

/** Before the first call: from the length of the input, and the bound on the output. */
export function expectedCostOf(model: CostModel, input: Json): number {
  if (model.usdPerMillionInputTokens === undefined && model.usdPerMillionOutputTokens === undefined) return model.usdPerCall ?? 0;
  const { maxTokens = OUTPUT_TOKENS } = (typeof input === "object" && input !== null ? input : {}) as { maxTokens?: number };
  const inputTokens = JSON.stringify(input).length / TOKEN_LENGTH;
  return costOf(model, { inputTokens, outputTokens: Number(maxTokens) });
}
