// A time limit over several steps: a timer on disk against the work. It holds through restarts; what loses is given up.

import type { Context } from "../workflow.ts";

/** What `whenLate` gives is thrown when it took longer. */
export async function withinMs<T>(
  context: Context,
  limitMs: number,
  whenLate: () => Error,
  body: (context: Context) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const late = Symbol("late");
  const own = context.until(over.signal);
  const timer = own.sleep("time limit", limitMs).then(() => late);
  timer.catch(() => undefined);
  const work = body(own);
  work.catch(() => undefined);
  try {
    const first = await Promise.race([work, timer]);
    if (first === late) throw whenLate();
    return first as T;
  } finally {
    over.abort(new Error("the time limit is over"));
  }
}
