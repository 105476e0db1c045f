// Trying, catching, trying again.
//
// Source: Open Workflow Specification 1.0.3, dsl-reference.md, "Try", "Retry". Where that leaves open what backoff and
// jitter compute, see docs/conformance.md.

import type { Json } from "../base/json.ts";
import { DAY_MS, SECOND_MS } from "../base/time.ts";
import { compileExpression, compileValue, type Evaluate } from "./expression.ts";
import { type Fault, faultOf, isSameType, mayBeCaught, raise } from "./fault.ts";
import { type Body, binding, isMembers, type Members, membersOf, type Outcome, type TaskCompiler, type View } from "./task.ts";
import { compileDuration, inside, isTrue, leaving } from "./tasks.ts";
import { within } from "./within.ts";

/** Retries of one task where its policy sets no lower count. */
export const RETRIES_MAX = 1_000;

/** The longest pause between two tries. */
const RETRY_DELAY_MS_MAX = DAY_MS;

/** The pause before another try where the policy says none. */
const RETRY_DELAY_MS_DEFAULT = SECOND_MS;

export function tryBody(compiler: TaskCompiler): Body {
  const { definition } = compiler;
  const tried = compiler.list(definition.try ?? [], "try", "");
  const catcher = compileCatch(compiler, membersOf(definition.catch));
  return async (view, input) => {
    const began = view.run.context.now();
    for (let retries = 0; ; retries++) {
      try {
        return await attempt(view, catcher.retry, () => tried, input);
      } catch (error) {
        if (!mayBeCaught(error)) throw error;
        const caught = faultOf(error, view.reference);
        if (!catcher.catches(view, input, caught)) throw error;
        const delayMs = catcher.retry?.(view, input, caught, retries, view.run.context.now() - began) ?? null;
        if (delayMs === null && !catcher.handles) throw error;
        if (delayMs === null) return await catcher.handle(view, input, caught);
        await view.waitFor(view.context.sleep(view.operation(" retry"), delayMs));
      }
    }
  };
}

type Retry = ((view: View, input: Json, caught: Fault, retries: number, elapsedMs: number) => number | null) & {
  /** For each attempt. */
  readonly attemptMs: ((view: View, data: Json) => number) | null;
};

async function attempt(
  view: View,
  retry: Retry | null,
  list: () => ReturnType<TaskCompiler["list"]>,
  input: Json,
): Promise<Outcome> {
  const limitMs = retry?.attemptMs?.(view, input) ?? null;
  if (limitMs === null) return leaving(await list()(inside(view), input));
  return await within(view, limitMs, " attempt", async ({ branch, context }) =>
    leaving(await list()({ ...inside(view), branch, context }, input)),
  );
}

interface Catcher {
  readonly catches: (view: View, input: Json, caught: Fault) => boolean;
  readonly retry: Retry | null;
  /** Whether it does something about an error beside trying again. */
  readonly handles: boolean;
  readonly handle: (view: View, input: Json, caught: Fault) => Promise<Outcome>;
}

function compileCatch(compiler: TaskCompiler, written: Members): Catcher {
  const { as = "error", do: handlers, then = null } = written;
  const name = String(as);
  const scope = { ...compiler.scope, names: [...compiler.scope.names, name] };
  const filter = membersOf(membersOf(written.errors).with);
  const wanted = compileValue(filter, compiler.scope);
  const [when, exceptWhen] = conditions(written, scope);
  const list = handlers === undefined ? null : compiler.list(handlers, "catch/do", "catch/", [name]);
  return {
    catches(view, input, caught) {
      if (!fits(caught, membersOf(view.evaluate(wanted, input)), view.run.doer.strictErrorTypes === true)) return false;
      return bound(view, name, caught, () => holds(view, input, when, exceptWhen));
    },
    retry: compileRetry(compiler, written.retry, scope, name),
    handles: written.retry === undefined || list !== null || then !== null,
    async handle(view, input, caught) {
      const directive = then === null ? null : String(then);
      if (list === null) return { output: input, next: directive };
      const outcome = await list(binding(inside(view), { [name]: caught }), input);
      return outcome.next === "end" ? leaving(outcome) : { output: outcome.output, next: directive };
    },
  };
}

/** Evaluates with the error under its name. */
function bound<T>(view: View, name: string, caught: Fault, evaluate: () => T): T {
  const { locals } = view;
  view.locals = { ...locals, [name]: caught };
  try {
    return evaluate();
  } finally {
    view.locals = locals;
  }
}

function conditions(written: Members, scope: TaskCompiler["scope"]): [Evaluate | null, Evaluate | null] {
  const read = (condition: Json | undefined) => (typeof condition === "string" ? compileExpression(condition, scope) : null);
  return [read(written.when), read(written.exceptWhen)];
}

function holds(view: View, input: Json, when: Evaluate | null, exceptWhen: Evaluate | null): boolean {
  if (when !== null && !isTrue(view.evaluate(when, input))) return false;
  return exceptWhen === null || !isTrue(view.evaluate(exceptWhen, input));
}

function fits(caught: Fault, wanted: Members, isStrict: boolean): boolean {
  return Object.entries(wanted).every(([field, value]) => {
    if (field === "type") return typeof value === "string" && isSameType(caught.type, value, isStrict);
    if (field === "details") return caught.detail === value; // as the filter was called before
    return caught[field] === value;
  });
}

function compileRetry(
  compiler: TaskCompiler,
  written: Json | undefined,
  scope: TaskCompiler["scope"],
  name: string,
): Retry | null {
  const policy = typeof written === "string" ? membersOf(compiler.use.retries)[written] : written;
  if (!isMembers(policy)) return null;
  const [when, exceptWhen] = conditions(policy, scope);
  const delay = compileDelay(policy, scope);
  const limit = membersOf(policy.limit);
  const perAttempt = membersOf(limit.attempt);
  const { count = RETRIES_MAX } = perAttempt;
  const duration = limit.duration === undefined ? null : compileDuration(limit.duration, scope);
  const decide = (view: View, input: Json, caught: Fault, retries: number, elapsedMs: number): number | null => {
    if (retries >= Math.min(Number(count), RETRIES_MAX)) return null;
    return bound(view, name, caught, () => {
      if (!holds(view, input, when, exceptWhen)) return null;
      const delayMs = delay(view, input, retries);
      return duration !== null && elapsedMs + delayMs > duration(view, input) ? null : delayMs;
    });
  };
  const attemptMs = perAttempt.duration === undefined ? null : compileDuration(perAttempt.duration, scope);
  return Object.assign(decide, { attemptMs });
}

/** The pause before retry number `retries` (0 for the first), in ms. */
function compileDelay(policy: Members, scope: TaskCompiler["scope"]): (view: View, input: Json, retries: number) => number {
  const first = policy.delay === undefined ? null : compileDuration(policy.delay, scope);
  const jitter = membersOf(policy.jitter);
  const [from, to] = [jitter.from, jitter.to].map((one) => (one === undefined ? null : compileDuration(one, scope)));
  const grow = growthOf(membersOf(policy.backoff));
  return (view, input, retries) => {
    const delayMs = grow(first?.(view, input) ?? RETRY_DELAY_MS_DEFAULT, retries);
    const least = from?.(view, input) ?? 0;
    const most = to?.(view, input) ?? 0;
    if (most < least) throw raise("configuration", `jitter.from is longer than jitter.to.`, view.reference);
    const drawn = most === 0 ? 0 : least + view.run.context.random() * (most - least);
    return Math.min(RETRY_DELAY_MS_MAX, Math.round(delayMs + drawn));
  };
}

/** Constant: the delay. Linear: once, twice, three times the delay. Exponential: doubled each time. */
function growthOf(backoff: Members): (delayMs: number, retries: number) => number {
  if (backoff.exponential !== undefined) return (delayMs, retries) => delayMs * 2 ** Math.min(retries, 60);
  if (backoff.linear !== undefined) return (delayMs, retries) => delayMs * (retries + 1);
  return (delayMs) => delayMs;
}
