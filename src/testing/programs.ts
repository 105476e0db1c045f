// Random workflow programs: trees of what a Context can be asked, as plain data, with what they must come to.

import type { Random32 } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import { unreachable } from "../base/never.ts";
import { type Context, type StepContext, type Workflow, workflow } from "../workflow.ts";

export type Part =
  | { readonly kind: "step"; readonly id: string; readonly fails: number }
  | { readonly kind: "hopeless"; readonly id: string }
  | { readonly kind: "sleep"; readonly id: string; readonly ms: number }
  | { readonly kind: "signal"; readonly id: string }
  | { readonly kind: "ask"; readonly id: string; readonly timeoutMs: number | null }
  | { readonly kind: "event" | "emit" | "limited" | "narrow" | "undo" | "say" | "patch" | "careful"; readonly id: string }
  | { readonly kind: "all" | "race" | "scope" | "child"; readonly id: string; readonly parts: readonly Part[] };

export type Program = {
  readonly parts: readonly Part[];
  /** Journals in all, each begun with continueAs. */
  readonly rounds: number;
  /** Whether its own code throws at its end, so that what it did is taken back. */
  readonly fails: boolean;
};

const LEAVES = [
  ...(["step", "step", "step", "step", "hopeless", "sleep", "sleep", "signal", "ask", "event", "emit"] as const),
  ...(["limited", "narrow", "undo", "say", "patch", "careful"] as const),
] as const;
const BRANCHES = ["all", "race", "scope", "child"] as const;
const DEPTH_MAX = 2;

export function randomProgram(next: Random32): Program {
  let count = 0;
  const below = (limit: number): number => next() % limit;
  const part = (depth: number): Part => {
    const id = `${String.fromCharCode(97 + below(26))}${count++}`;
    if (depth < DEPTH_MAX && below(3) === 0) {
      const kind = BRANCHES[below(BRANCHES.length)] ?? "all";
      return { kind, id, parts: Array.from({ length: 1 + below(3) }, () => part(depth + 1)) };
    }
    return leaf(LEAVES[below(LEAVES.length)] ?? "step", id, below);
  };
  const parts = Array.from({ length: 2 + below(4) }, () => part(0));
  return { parts, rounds: below(4) === 0 ? 2 : 1, fails: below(5) === 0 };
}

function leaf(kind: (typeof LEAVES)[number], id: string, below: (limit: number) => number): Part {
  if (kind === "step") return { kind, id, fails: below(4) === 0 ? 1 + below(2) : 0 };
  if (kind === "sleep") return { kind, id, ms: 1 + below(90_000) };
  if (kind === "ask") return { kind, id, timeoutMs: below(2) === 0 ? 60_000 : null };
  return { kind, id };
}

/** What a program comes to, whatever happens to the one who carries it. */
export function expected(parts: readonly Part[]): Json[] {
  return parts.map((part) => {
    switch (part.kind) {
      case "step":
      case "signal":
      case "ask":
      case "event":
      case "emit":
      case "limited":
      case "narrow":
      case "undo":
      case "say":
      case "patch":
      case "careful":
        return `${part.kind} ${part.id}`;
      case "hopeless":
        return `failed ${part.id}`;
      case "sleep":
        return "slept";
      case "race":
        return "raced";
      case "all":
      case "scope":
      case "child":
        return expected(part.parts);
      default:
        return unreachable(part);
    }
  });
}

/** What acts of steps tell the outside: `before` is the key of the step that must be recorded first, if any. */
export type Outside = (act: { readonly key: string; readonly step: StepContext; readonly ctx: Context }) => void;

/** What takes time, where the outside decides how much. */
export type Works = (act: { readonly key: string; readonly step: StepContext }) => Promise<void>;

export interface ProgramWorkflows {
  /** Of which one run may be under way. */
  readonly narrow: Workflow<{ readonly id: string }, unknown>;
  readonly program: Workflow<Program & { readonly round?: number }, unknown>;
  readonly part: Workflow<{ readonly parts: readonly Part[]; readonly round: number }, unknown>;
}

/** The workflows that carry programs out. */
export function programWorkflows(outside: Outside, works: Works): ProgramWorkflows {
  const narrow: ProgramWorkflows["narrow"] = workflow({
    name: "narrow",
    limit: { concurrency: 1 },
    async run(ctx, { id }) {
      await ctx.sleep("rest", 700);
      return await ctx.step("pass", () => `narrow ${id}`);
    },
  });

  const part: ProgramWorkflows["part"] = workflow({ name: "part", run: (ctx, { parts, round }) => inTurn(ctx, parts, round) });

  async function inTurn(ctx: Context, parts: readonly Part[], round: number): Promise<Json[]> {
    const values: Json[] = [];
    for (const one of parts) values.push(await perform(ctx, one, round));
    return values;
  }

  async function perform(ctx: Context, one: Part, round: number): Promise<Json> {
    switch (one.kind) {
      case "step":
        return ctx.step(one.id, (step) => actOnce(ctx, step, one), { retry: { attemptsMax: 1_000, firstDelayMs: 500 } });
      case "hopeless":
        return ctx.step(one.id, () => Promise.reject(new Error("hopeless"))).catch(() => `failed ${one.id}`);
      case "sleep":
        return ctx.sleep(one.id, one.ms).then(() => "slept");
      case "signal":
        return ctx.waitSignal<string>(`${one.id}@${round}`).then((signal) => (signal.received ? signal.value : "lost"));
      case "ask":
        return asked(ctx, one);
      case "event":
        return told(ctx, `event ${one.id}@${ctx.info.run}.${round}`);
      case "emit":
        return emitted(ctx, one.id, `emit ${one.id}@${ctx.info.run}.${round}`);
      case "narrow":
        return ctx.run(narrow, { id: one.id }, { name: one.id }) as Promise<Json>;
      case "undo":
        await ctx.compensate(one.id, (step) => void outside({ key: step.idempotencyKey, step, ctx }));
        return `undo ${one.id}`;
      case "say":
        ctx.stream("said").write(`${one.id}.${round}`);
        return `say ${one.id}`;
      case "patch":
        return (await ctx.patch(one.id)) ? `patch ${one.id}` : "not patched";
      case "limited":
        return ctx.step(one.id, (step) => worked(step, one), { limit: { key: "narrow place", concurrency: 1 } });
      case "careful":
        return ctx.step(one.id, (step) => worked(step, one), {
          delivery: "at-most-once",
          onInterrupted: () => `careful ${one.id}`,
        });
      case "all":
        return Promise.all(one.parts.map((each) => perform(ctx, each, round)));
      case "race":
        return Promise.race(one.parts.map((each) => perform(ctx, each, round))).then(() => "raced");
      case "scope":
        return ctx.scope(one.id, (inner) => inTurn(inner, one.parts, round));
      case "child":
        return ctx.run(part, { parts: one.parts, round }, { name: one.id }) as Promise<Json>;
      default:
        return unreachable(one);
    }
  }

  function actOnce(ctx: Context, step: StepContext, one: { readonly id: string; readonly fails: number }): string {
    outside({ key: one.id, step, ctx });
    if (step.attempt <= one.fails) throw new Error("flaky");
    return `step ${one.id}`;
  }

  async function worked(step: StepContext, { kind, id }: { readonly kind: string; readonly id: string }): Promise<string> {
    step.heartbeat(id);
    await works({ key: `${kind} ${id}`, step });
    return `${kind} ${id}`;
  }

  async function told(ctx: Context, type: string): Promise<Json> {
    const [event] = await ctx.listen({ type });
    return event?.data ?? "nothing";
  }

  async function emitted(ctx: Context, id: string, type: string): Promise<Json> {
    await ctx.emit({ type, data: `emit ${id}` });
    return told(ctx, type);
  }

  async function asked(
    ctx: Context,
    { id, timeoutMs }: { readonly id: string; readonly timeoutMs: number | null },
  ): Promise<string> {
    const limit = timeoutMs === null ? {} : { timeoutMs, default: `ask ${id}` };
    const answer = await ctx.ask(id, { schema: { type: "string" }, ...limit });
    return answer.by === "timeout" ? "left" : answer.value;
  }

  const program: ProgramWorkflows["program"] = workflow({
    name: "program",
    async run(ctx, { parts, rounds, fails, round = 1 }) {
      const values = await inTurn(ctx, parts, round);
      if (round < rounds) return ctx.continueAs({ parts, rounds, fails, round: round + 1 } as unknown as Json);
      if (fails) throw new Error("it fails in the end");
      return values;
    },
  });
  return { program, part, narrow };
}
