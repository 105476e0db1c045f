/**
 * For tests: a clock moved by hand, a world that crashes where it is told to, a seeded simulation with planted faults,
 * the suites that an engine or a store must pass, and fakes of AI servers that speak the real protocols.
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
export { type FakeAnthropic, openFakeAnthropic } from "./testing/fake-anthropic.ts";
export { type FakeAutomatic1111, openFakeAutomatic1111 } from "./testing/fake-automatic1111.ts";
export type { FakeHttp, FakeHttpOptions, FakeRequest } from "./testing/fake-http.ts";
export type { ChatReply, ChatRequest, FakeAiOptions } from "./testing/fake-model.ts";
export { type FakeOllama, openFakeOllama } from "./testing/fake-ollama.ts";
export { type FakeOpenAi, openFakeOpenAi } from "./testing/fake-openai.ts";
export { type FakeQdrant, openFakeQdrant } from "./testing/fake-qdrant.ts";
export { type Death, type DeathMode, type MortalStore, mortalStore } from "./testing/mortal-store.ts";
export { plantedFaults } from "./testing/planted.ts";
export { type PlantedFault, type Simulated, simulate } from "./testing/simulation.ts";
export type { ConformanceCheck, StoreBed } from "./testing/store-bed.ts";
export { storeConformance } from "./testing/store-conformance.ts";
export { World, type WorldOptions } from "./testing/world.ts";
