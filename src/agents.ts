/**
 * Who can decide: what agents say they can, matched with what a task asks for.
 */

export { type Containment, containment } from "./agents/containment.ts";
export {
  DEGREES,
  type Degree,
  type GivenInput,
  type Match,
  type MatchRequest,
  match,
  matchAll,
  type Offer,
  type Ranked,
  type TagRelation,
  tagRelation,
} from "./agents/match.ts";
export { type GuardedOutput, type GuardMade, type OutputGuard, outputGuard } from "./agents/output-guard.ts";
