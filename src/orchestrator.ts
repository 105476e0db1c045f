/**
 * Where the parts are chosen and joined: opening Baton in a program, loading workflow files, and asking about a data
 * directory from outside.
 */
export { type Baton, type OpenOptions, openBaton, type RunHandle, type StartOptions } from "./orchestrator/baton.ts";
export { ask, isCarriedWhole, isOwned, isOwnerGone, type RemoteBaton, readKeptFile, thereOrHere } from "./orchestrator/caller.ts";
export { type CheckedRun, checkFile } from "./orchestrator/check.ts";
export { diagnose, type Line, type Report } from "./orchestrator/doctor.ts";
export { type CheckedDocument, checkDocumentFile, placeOf, readAgentManifest } from "./orchestrator/documents.ts";
export {
  filesLoadedWith,
  isLoading,
  type LoadedFile,
  loadServices,
  loadWorkflowFile,
  requireOneEach,
} from "./orchestrator/loader.ts";
export { allowHosts } from "./orchestrator/outside.ts";
export { orchestratorProblems } from "./orchestrator/problems.ts";
export { deleteSecret, hasSecret, listSecrets, SECRET_BYTES_MAX, setSecret } from "./orchestrator/secrets.ts";
export { type Imported, importService, type ServiceImport } from "./orchestrator/service-import.ts";
export { operationLineOf, serviceLineOf } from "./orchestrator/services.ts";
