/**
 * What protects whoever runs Baton: the one gate through which calls go out, secrets at rest, and what is granted to agents.
 */
export {
  type DelegationCheck,
  type DelegationClaims,
  type DelegationGrant,
  type DelegationNarrowing,
  type DelegationRefusal,
  type DelegationToken,
  type DelegationVerdict,
  explainDelegation,
  mintDelegation,
  narrowDelegation,
  verifyDelegation,
} from "./security/delegation-token.ts";
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
export { openSigner, type Signer } from "./security/signer.ts";
export { openVault, SECRET_BYTES_MAX, type SecretLine, type Vault } from "./security/vault.ts";
