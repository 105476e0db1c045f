// Time limits of tasks: a timer on disk against the task; what loses is left behind.

import { raise } from "./fault.ts";
import { branching, type Frame, type View } from "./task.ts";

/** Runs something for at most so long. Throws a timeout fault. The limit holds through restarts. */
export async function within<T>(view: View, limitMs: number, suffix: string, run: (frame: Frame) => Promise<T> | T): Promise<T> {
  const frame = branching(view.frame);
  const clock = branching(view.frame);
  const late = Symbol("late");
  const timer = clock.context.sleep(view.operation(`${suffix} timeout`), limitMs).then(() => late);
  timer.catch(() => undefined);
  const work = Promise.resolve().then(() => run(frame));
  work.catch(() => undefined);
  try {
    const first = await Promise.race([work, timer]);
    if (first !== late) return first as T;
    frame.branch.abandon();
    throw raise("timeout", `The task did not end within ${limitMs} ms.`, view.reference);
  } finally {
    clock.branch.abandon();
  }
}
