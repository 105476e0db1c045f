// The signals of one run: the first who waits takes the first that came; what nobody waits for is kept.

import { type Entry, factOf } from "../run.ts";
import type { SignalWaiter } from "./operation.ts";

export class Mailbox {
  readonly #kept = new Map<string, Entry[]>();
  readonly #waiters = new Map<string, SignalWaiter[]>();

  /** True when somebody took it. Throws when it cannot be read. */
  offer(signal: Entry): boolean {
    const { name, value } = factOf(signal as Entry & { kind: "signal-received" });
    const waiters = this.#waiters.get(name);
    for (let waiter = waiters?.shift(); waiter !== undefined; waiter = waiters?.shift()) if (waiter.receive(value)) return true;
    const kept = this.#kept.get(name) ?? [];
    kept.push(signal);
    this.#kept.set(name, kept);
    return false;
  }

  /** One that was kept is taken at once: it was delivered when it came, only nobody was there. */
  wait(waiter: SignalWaiter): void {
    const signal = this.#kept.get(waiter.signal)?.shift();
    if (signal !== undefined) {
      waiter.receive(factOf(signal as Entry & { kind: "signal-received" }).value);
      return;
    }
    const waiters = this.#waiters.get(waiter.signal) ?? [];
    waiters.push(waiter);
    this.#waiters.set(waiter.signal, waiters);
  }

  stopWaiting(waiter: SignalWaiter): void {
    const waiters = this.#waiters.get(waiter.signal)?.filter((other) => other !== waiter) ?? [];
    this.#waiters.set(waiter.signal, waiters);
  }

  untaken(): readonly Entry[] {
    return [...this.#kept.values()].flat();
  }
}
