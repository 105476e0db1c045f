// Time limits of tasks: a timer on disk against the task; what loses is left behind.

import { raise } from "./fault.ts";
import { Branch, type View } from "./task.ts";

/** Runs something for at most so long. Throws a timeout fault. The limit holds through restarts. */
export async function within<T>(
  view: View,
  limitMs: number,
  suffix: string,
  run: (branch: Branch) => Promise<T> | T,
): Promise<T> {
  const branch = new Branch(view.frame.branch);
  const late = Symbol("late");
  const timer = view.run.context.sleep(view.operation(`${suffix} timeout`), limitMs).then(() => late);
  timer.catch(() => undefined);
  const work = Promise.resolve().then(() => run(branch));
  work.catch(() => undefined);
  const first = await Promise.race([work, timer]);
  if (first !== late) return first as T;
  branch.abandon();
  throw raise("timeout", `The task did not end within ${limitMs} ms.`, view.reference);
}
