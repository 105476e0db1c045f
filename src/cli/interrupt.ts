// Ctrl-C: once to close cleanly, twice to stop at once. SIGTERM likewise.

import { leave } from "./leave.ts";
import { EXIT } from "./problems.ts";

/** One press may arrive several times: from the terminal, and from each launcher above that passes it on. In ms. */
const ONE_PRESS_MS = 250;

let act: (() => void) | null = null;
let pressedAt: number | null = null;

/** From now on the first Ctrl-C does this. While what it sets in motion comes to its end, a second stops at once. */
export function onInterrupt(then: () => void): void {
  if (act === null) for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, press);
  act = then;
}

function press(): void {
  const now = performance.now();
  if (pressedAt !== null && now - pressedAt < ONE_PRESS_MS) return;
  if (pressedAt !== null) leave(EXIT.interrupted);
  pressedAt = now;
  process.stderr.write("\nclosing; Ctrl-C again stops at once\n");
  act?.();
}
