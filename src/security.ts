/**
 * What protects whoever runs Baton: the one gate through which calls go out.
 */
export { type EgressPolicy, isMetadataHost, readPolicy } from "./security/egress.ts";
export type { GateLimits } from "./security/exchange.ts";
export {
  type EgressGate,
  type EgressHop,
  type EgressRequest,
  type EgressResponse,
  type EgressStream,
  type GateOptions,
  openGate,
} from "./security/gate.ts";
export { securityProblems } from "./security/problems.ts";
export { openVault, type SecretLine, type Vault } from "./security/vault.ts";
