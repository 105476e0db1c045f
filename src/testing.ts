/**
 * For tests: a clock moved by hand, a world that crashes where it is told to, a seeded simulation with planted faults,
 * and the suites that an engine or a store must pass.
 */
export { type ManualClock, manualClock } from "./testing/clock.ts";
export {
  type DocumentOutcome,
  type DocumentTrial,
  type ScriptedAnswer,
  type ScriptedRequest,
  tryDocument,
} from "./testing/document-bed.ts";
export type { EngineBed } from "./testing/engine-bed.ts";
export { engineConformance } from "./testing/engine-conformance.ts";
export { type Death, type DeathMode, type MortalStore, mortalStore } from "./testing/mortal-store.ts";
export { plantedFaults } from "./testing/planted.ts";
export { type PlantedFault, type Simulated, simulate } from "./testing/simulation.ts";
export type { ConformanceCheck, StoreBed } from "./testing/store-bed.ts";
export { storeConformance } from "./testing/store-conformance.ts";
export { World, type WorldOptions } from "./testing/world.ts";
