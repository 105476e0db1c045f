/**
 * Moves runs forward: the port and its promises, the embedded engine that keeps it, and the carrier that replays and
 * moves runs above any engine.
 */
export { acceptInput } from "./engine/accept.ts";
export { RunCarrier } from "./engine/carrier.ts";
export { type EmbeddedEngine, openEmbeddedEngine } from "./engine/embedded.ts";
export { placeOfRun } from "./engine/lines.ts";
export type { Listener, News } from "./engine/news.ts";
export type {
  Carrier,
  ChildRequest,
  Claim,
  Draft,
  Engine,
  Sent,
  Settling,
  Standing,
  Started,
  StartRequest,
  Taken,
  Write,
} from "./engine/port.ts";
export { engineProblems } from "./engine/problems.ts";
export type { Origin } from "./engine/registry.ts";
export { rehearse, type Verdict } from "./engine/rehearsal.ts";
export { type Retaining, Retention } from "./engine/retention.ts";
export {
  nextFirings,
  readSchedules,
  type Schedule,
  type ScheduleDefinition,
  Scheduler,
  type Scheduling,
  type WrittenSchedule,
} from "./engine/scheduler.ts";
