/**
 * Services of others by their description: from an OpenAPI document, an operation's name and parameters to an HTTP request.
 * Pure: nothing is fetched here and nothing sent.
 */
export type { HttpRequestPlan, Operation, OperationParameter } from "./services/openapi.ts";
export { planOperation } from "./services/openapi.ts";
export { servicesProblems } from "./services/problems.ts";
