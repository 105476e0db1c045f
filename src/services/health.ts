// How services are: looked at now and then, the unwell less and less often.

import type { Clock, Timer } from "../base/clock.ts";
import { MINUTE_MS, SECOND_MS } from "../base/time.ts";
import type { FreeChange } from "../store.ts";
import { attempt, type Reach } from "./attempt.ts";
import { type Desk, type Health, operationNamed, type Standing } from "./desk.ts";
import type { HealthCheck, Operation, Outside, Service } from "./service.ts";

const INTERVAL_MS = 30 * SECOND_MS;

/** What lies elsewhere is looked at less often: looking may cost. */
const REMOTE_INTERVAL_MS = 5 * MINUTE_MS;

/** The first look at a process of this machine starts it, which may install it first. */
const START_MS = MINUTE_MS;

const TIMEOUT_MS = 5 * SECOND_MS;

/** The longest pause between two looks at one that is unwell, in ms; and where it says itself how often it wants to be looked at. */
const PAUSE_MS_MAX = 5 * MINUTE_MS;
const DECLARED_PAUSE_MS_MAX = MINUTE_MS;

/** So many times the interval it declares, at most. */
const DECLARED_PAUSE_FACTOR = 10;

const FIRST_PAUSE_MS = SECOND_MS;

export interface HealthOptions {
  readonly desk: Desk;
  readonly reach: Reach;
  readonly clock: Clock;
  readonly elapsed: () => number;
  readonly keep: (changes: readonly FreeChange[]) => void;
}

/** Looks at a service once. Never throws: how it is is the answer. */
export async function checkHealth(standing: Standing, options: HealthOptions): Promise<Health> {
  const { desk, clock, elapsed, keep } = options;
  const { service } = standing;
  const began = elapsed();
  const because = await illnessOf(standing, options);
  const at = clock.now();
  const latencyMs = Math.round((elapsed() - began) * 100) / 100;
  const health: Health = because === null ? { kind: "healthy", at, latencyMs } : { kind: "unhealthy", at, because };
  const text = JSON.stringify(because === null ? { ok: true, latencyMs } : { ok: false, latencyMs, because });
  keep([{ kind: "reading", id: `${service.id} check ${at}`, at, what: "check", service: service.id, operation: "", text }]);
  desk.setHealth(standing, health);
  return health;
}

/** Null where it is well. */
async function illnessOf(standing: Standing, { reach }: HealthOptions): Promise<string | null> {
  const { service } = standing;
  const check = service.health;
  const timeoutMs = check?.timeoutMs ?? (isStarting(standing) ? START_MS : TIMEOUT_MS);
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    await look(standing, check, reach, controller.signal);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}

function isStarting({ service: { mcp }, health }: Standing): boolean {
  return mcp !== null && "command" in mcp && health.kind !== "healthy";
}

async function look(standing: Standing, check: HealthCheck | null, reach: Reach, abortSignal: AbortSignal): Promise<void> {
  const { service } = standing;
  const models = [...service.operations.values()].find(({ capabilities }) => capabilities.includes("models.list"));
  const named = check?.operation === undefined ? models : operationNamed(service, check.operation);
  if (named !== undefined) {
    const { output } = await attempt({ service, operation: named, input: {}, key: "health", abortSignal, say: null }, reach);
    if (named === models) standing.models = modelsIn(output);
    return;
  }
  if (service.mcp !== null) await reach.ping?.(service, abortSignal);
  else if (service.baseUrl !== null) {
    const operation = visiting(check?.path ?? "/", check === null);
    await attempt({ service, operation, input: null, key: "health", abortSignal, say: null }, reach);
  }
}

function modelsIn(output: unknown): string[] {
  const { models } = output as { models?: readonly { id?: string }[] };
  return (models ?? []).map(({ id }) => String(id));
}

/** Without a path that was named for it any answer says that somebody is there. */
function visiting(path: string, isAnyAnswer: boolean): Operation {
  const accept = isAnyAnswer ? [400, 401, 403, 404, 405, 406, 415] : [];
  return {
    ...{ name: "health", title: null, description: null, capabilities: [], effects: "read", isIdempotent: true },
    ...{
      idempotencyHeader: null,
      input: null,
      output: null,
      cost: {},
      isRemembered: false,
      typicalLatencyMs: null,
      timeoutMs: TIMEOUT_MS,
      ui: {},
    },
    act: async (_: unknown, outside: Outside) => (await outside.send({ method: "GET", path, accept })).body,
  };
}

/** Looks at every service again and again, until it is stopped. */
export class HealthWatch {
  readonly #options: HealthOptions;
  readonly #timers = new Map<string, Timer>();
  /** Looks in a row that found it unwell. */
  readonly #failures = new Map<string, number>();
  #isStopped = false;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** Looks at those that are new, and no more at those that are gone. */
  follow(): void {
    if (this.#isStopped) return;
    const ids = new Set(this.#options.desk.standings().map(({ service }) => service.id));
    for (const [id, timer] of this.#timers) {
      if (ids.has(id)) continue;
      timer.cancel();
      this.#timers.delete(id);
    }
    for (const id of ids) if (!this.#timers.has(id)) this.#lookAfter(id, 0);
  }

  #lookAfter(id: string, delayMs: number): void {
    this.#timers.set(
      id,
      this.#options.clock.after(delayMs, () => void this.#look(id)),
    );
  }

  async #look(id: string): Promise<void> {
    const standing = this.#options.desk.standings().find(({ service }) => service.id === id);
    if (standing === undefined || this.#isStopped) return;
    const health = await checkHealth(standing, this.#options);
    if (this.#isStopped) return;
    const failures = health.kind === "unhealthy" ? (this.#failures.get(id) ?? 0) + 1 : 0;
    this.#failures.set(id, failures);
    this.#lookAfter(id, pauseAfter(standing.service, failures));
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}

/** How long until the next look. */
export function pauseAfter({ health, isLocal }: Service, failures: number): number {
  const declaredMs = health?.intervalMs;
  if (failures === 0) return declaredMs ?? (isLocal ? INTERVAL_MS : REMOTE_INTERVAL_MS);
  const most = declaredMs === undefined ? PAUSE_MS_MAX : Math.min(DECLARED_PAUSE_FACTOR * declaredMs, DECLARED_PAUSE_MS_MAX);
  return Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), most);
}
