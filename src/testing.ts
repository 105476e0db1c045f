/**
 * For tests: a clock moved by hand, a world that crashes where it is told to, and the suites that an engine or a store
 * must pass.
 */
export { type ManualClock, manualClock } from "./testing/clock.ts";
export { type Death, type DeathMode, type MortalStore, mortalStore } from "./testing/mortal-store.ts";
export { World, type WorldOptions } from "./testing/world.ts";
