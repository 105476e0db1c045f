// Whom a call was asked of, or a task handed to, and why, as its step `choose` has it in the journal: for people, a sentence and a small table.

import type { RunView } from "../api.ts";
import { type Terminal, table } from "./terminal.ts";

export interface Choice {
  readonly strategy: string;
  readonly explanation: string;
  /** Whom to ask, one after the other. */
  readonly chain: readonly string[];
  readonly candidates: readonly { readonly target: string; readonly score: number | null; readonly words: string }[];
}

/** The choice in what a step gave; null where it gave something else. */
export function choiceOf(output: unknown): Choice | null {
  if (typeof output !== "object" || output === null) return null;
  const { strategy, explanation, chain, candidates } = output as {
    strategy?: unknown;
    explanation?: unknown;
    chain?: unknown;
    candidates?: unknown;
  };
  if (typeof strategy !== "string") return handedIn(output as Handed);
  if (typeof explanation !== "string") return null;
  if (!Array.isArray(chain) || !Array.isArray(candidates)) return null;
  const targets = chain.map((one: { target?: unknown }) => String(one.target ?? one));
  return { strategy, explanation, chain: targets, candidates: candidates as Choice["candidates"] };
}

/** What a delegation's choice says: one is chosen, or nobody is. */
interface Handed {
  readonly kind?: unknown;
  readonly agent?: string;
  readonly explanation?: string;
  readonly refusal?: { readonly kind: string; readonly reasons: readonly string[] };
  readonly candidates?: readonly {
    readonly agent: string;
    readonly score: number | null;
    readonly words: string;
    readonly mean?: number;
  }[];
}

function handedIn({ kind, agent, explanation, refusal, candidates }: Handed): Choice | null {
  if ((kind !== "chosen" && kind !== "refused") || !Array.isArray(candidates)) return null;
  return {
    strategy: kind === "chosen" ? "trust" : (refusal?.kind ?? "refusal"),
    explanation: explanation ?? `Nobody. ${refusal?.reasons.join(" ") ?? ""}`,
    chain: agent === undefined ? [] : [agent],
    candidates: (candidates as NonNullable<Handed["candidates"]>).map(({ agent: target, score, words, mean }) => {
      return { target, score, words: mean === undefined ? words : `${words}; right ${Math.round(mean * 100)} % of the time` };
    }),
  };
}

export function isChoosing(key: string): boolean {
  return /(^| )choose( #\d+)?$/.test(key);
}

/** The first choice of a run. */
export function choiceIn({ operations }: RunView): Choice | null {
  for (const { key, output } of operations) {
    const found = isChoosing(key) ? choiceOf(output) : null;
    if (found !== null) return found;
  }
  return null;
}

export function renderChoice({ strategy, explanation, chain, candidates }: Choice, { width }: Pick<Terminal, "width">): string {
  const place = ({ target }: Choice["candidates"][number]): number =>
    chain.includes(target) ? chain.indexOf(target) : chain.length;
  const rows = candidates
    .toSorted((a, b) => place(a) - place(b))
    .map((one) => [
      one.target === chain[0] ? "→" : "",
      one.target,
      one.score === null ? "out" : String(Number(one.score.toPrecision(3))),
      one.words,
    ]);
  const lines = table(["", "CANDIDATE", "SCORE", "WHY"], rows, width === Number.POSITIVE_INFINITY ? width : width - 2).split(
    "\n",
  );
  return [`by ${strategy}: ${explanation}`, ...lines.map((line) => `  ${line}`)].join("\n");
}
