/**
 * What protects whoever runs Baton: the one gate through which calls go out.
 */
export { type EgressPolicy, readPolicy } from "./security/egress.ts";
export {
  type EgressGate,
  type EgressRequest,
  type EgressResponse,
  type GateLimits,
  type GateOptions,
  openGate,
} from "./security/gate.ts";
export { securityProblems } from "./security/problems.ts";
