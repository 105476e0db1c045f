// Schemas in documents: inline, or elsewhere and then kept with the run, so that a replay sees the same one.
//
// Source: Open Workflow Specification 1.0.3, dsl-reference.md, "Schema", "External Resource".

import { parse } from "yaml";
import type { Json } from "../base/json.ts";
import type { ExpressionScope } from "./expression.ts";
import { raise } from "./fault.ts";
import { compileEndpoint, read } from "./http-task.ts";
import { issuesInWords, type JsonSchema, readDocumentSchema, type Schema } from "./schema.ts";
import { isMembers, type Members, membersOf, type View } from "./task.ts";

/** Throws a validation fault where the data does not fit. */
export type SchemaCheck = (view: View, data: Json, what: string) => Promise<void>;

export function compileSchema(written: Members, scope: ExpressionScope): SchemaCheck {
  const { document, resource } = written;
  if (resource !== undefined) return external(membersOf(resource), scope);
  let schema: Schema | null = null;
  return async (view, data, what) => {
    schema ??= readDocumentSchema(document as JsonSchema, "The schema");
    require(schema, view, data, what);
  };
}

function require(schema: Schema, view: View, data: Json, what: string): void {
  const checked = schema.check(data);
  if (!checked.ok)
    throw raise("validation", `${what} does not fit its schema: ${issuesInWords(checked.issues)}.`, view.reference);
}

function external(resource: Members, scope: ExpressionScope): SchemaCheck {
  return async (view, data, what) => {
    const endpoint = compileEndpoint(resource.endpoint ?? null, scope, membersOf(view.run.definition.use))(view, data);
    const text = await view.waitFor(view.context.step(view.operation(" schema"), (step) => read(view, endpoint, step)));
    require(readDocumentSchema(schemaIn(text, view, endpoint.url), `The schema at ${endpoint.url}`), view, data, what);
  };
}

const ALIASES_MAX = 100;

function schemaIn(text: string, view: View, url: string): JsonSchema {
  try {
    const found: unknown = parse(text, { maxAliasCount: ALIASES_MAX, uniqueKeys: false });
    if (isMembers(found as Json)) return found as JsonSchema;
  } catch {
    // said below
  }
  throw raise("configuration", `${url} gives no schema.`, view.reference);
}
