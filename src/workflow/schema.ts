// Schemas at the door: JSON Schema, or any Standard Schema that also gives JSON Schema (zod, for one), behind one shape.

import { createRequire } from "node:module";
import type { Json } from "../base/json.ts";
import { workflowProblems } from "./problems.ts";

/** The part of Standard Schema (standardschema.dev, v1) that is used here. */
export interface StandardSchema<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
    readonly jsonSchema?: {
      readonly input: (options: { target: string }) => Record<string, unknown>;
      readonly output: (options: { target: string }) => Record<string, unknown>;
    };
  };
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

export type JsonSchema = { readonly [key: string]: Json };

/** What an author may write where a schema is wanted. */
export type SchemaLike<Output = unknown> = StandardSchema<Output> | JsonSchema | boolean;

export interface Issue {
  /** JSON Pointer (RFC 6901) into the value; `` for the whole. */
  readonly at: string;
  readonly message: string;
}

export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: readonly Issue[] };

export interface Schema<T = unknown> {
  /** Gives the value with defaults filled, or every issue found. */
  check(value: unknown): Checked<T>;
  /** JSON Schema 2020-12, for forms, documents and other programs. */
  readonly jsonSchema: JsonSchema | boolean;
}

const read = new WeakMap<object, Schema>();

/** Reads what an author wrote; equal objects give one schema. Throws WF_SCHEMA. `what` names the place. */
export function readSchema<T>(written: SchemaLike<T>, what: string): Schema<T> {
  if (typeof written === "boolean") return anything(written) as Schema<T>;
  if (typeof written !== "object" && typeof written !== "function")
    throw workflowProblems.WF_SCHEMA(`${what} is ${String(written)}.`);
  if (written === null) throw workflowProblems.WF_SCHEMA(`${what} is null.`);
  const known = read.get(written);
  if (known !== undefined) return known as Schema<T>;
  const schema = isStandard(written) ? fromStandard(written, what) : fromJsonSchema(written as JsonSchema, what);
  read.set(written, schema);
  return schema as Schema<T>;
}

function anything(allowed: boolean): Schema {
  return {
    check: (value) => (allowed ? { ok: true, value } : { ok: false, issues: [{ at: "", message: "nothing is allowed here" }] }),
    jsonSchema: allowed,
  };
}

function isStandard(written: object): written is StandardSchema {
  return "~standard" in written;
}

function fromStandard(written: StandardSchema, what: string): Schema {
  const standard = written["~standard"];
  if (standard.jsonSchema === undefined) {
    throw workflowProblems.WF_SCHEMA(`${what} is a ${standard.vendor} schema that gives no JSON Schema.`);
  }
  const { jsonSchema } = standard;
  return {
    check(value) {
      const result = standard.validate(value);
      if (result instanceof Promise) {
        result.catch(() => undefined);
        throw workflowProblems.SCHEMA_ASYNC(`${what} has a check that is asynchronous, or that throws.`);
      }
      return result.issues === undefined ? { ok: true, value: result.value } : { ok: false, issues: result.issues.map(issueOf) };
    },
    get jsonSchema() {
      try {
        return jsonSchema.input({ target: "draft-2020-12" }) as JsonSchema;
      } catch (error) {
        throw workflowProblems.WF_SCHEMA(
          `${what} gives no JSON Schema: ${error instanceof Error ? error.message : String(error)}.`,
        );
      }
    },
  };
}

function issueOf(issue: { message: string; path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined }): Issue {
  const path = (issue.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
  return { at: pointer(path.map(String)), message: issue.message };
}

function pointer(path: readonly string[]): string {
  return path.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

type Validate = ((value: unknown) => boolean) & {
  errors?: { instancePath: string; message?: string; params: Record<string, unknown> }[] | null;
};

/** Ajv takes 0.1 s to load, so it is loaded when a JSON Schema is first met. */
function fromJsonSchema(written: JsonSchema, what: string, by: Ajv = ajv()): Schema {
  const fills = JSON.stringify(written).includes('"default"');
  let validate: Validate;
  try {
    validate = by.compile(written);
  } catch (error) {
    throw workflowProblems.WF_SCHEMA(
      `${what} is not a valid JSON Schema: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return {
    check(value) {
      const copy: unknown = fills ? structuredClone(value) : value; // defaults are filled in place
      if (isValid(validate, copy)) return { ok: true, value: copy };
      return {
        ok: false,
        issues: (validate.errors ?? []).map((error) => ({ at: error.instancePath, message: ajvMessage(error) })),
      };
    },
    jsonSchema: written,
  };
}

/** A schema that is nothing but itself has no end; a value as deep as a stack is refused, too. */
function isValid(validate: Validate, value: unknown): boolean {
  try {
    return validate(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    validate.errors = [{ instancePath: "", message: "cannot be checked: its schema goes on without end", params: {} }];
    return false;
  }
}

/** Of documents: any draft, keywords nobody knows allowed, patterns in linear time; nothing is fetched. Throws WF_SCHEMA. */
export function readDocumentSchema<T>(written: JsonSchema | boolean, what: string): Schema<T> {
  return readTolerant(written, what, false);
}

/** The same of somebody else's service, with defaults filled. Throws WF_SCHEMA. */
export function readServiceSchema<T>(written: JsonSchema | boolean, what: string): Schema<T> {
  return readTolerant(written, what, true);
}

/** Without a name of its own Ajv does not find `#`, the whole of a schema that it does not keep. */
const ROOT = "https://schema.invalid/";

function readTolerant<T>(written: JsonSchema | boolean, what: string, fillsDefaults: boolean): Schema<T> {
  if (typeof written === "boolean") return anything(written) as Schema<T>;
  const known = read.get(written);
  if (known !== undefined) return known as Schema<T>;
  const { $schema, $id: _, ...rest } = written;
  const isOld = typeof $schema === "string" && /draft-0[4-7]/.test($schema);
  const by = tolerantAjv(isOld ? "draft-07" : "2020-12", fillsDefaults);
  const schema = fromJsonSchema(rest, what, { compile: (one) => by.compile({ $id: ROOT, ...one }) });
  read.set(written, schema);
  return schema as Schema<T>;
}

function ajvMessage(error: { message?: string; params: Record<string, unknown> }): string {
  const { additionalProperty, allowedValues } = error.params;
  if (typeof additionalProperty === "string") return `has no property "${additionalProperty}"`;
  if (Array.isArray(allowedValues)) return `must be one of ${allowedValues.map((value) => JSON.stringify(value)).join(", ")}`;
  return error.message ?? "is not valid";
}

interface Ajv {
  compile(schema: JsonSchema): Validate;
}

let loadedAjv: Ajv | null = null;

function ajv(): Ajv {
  if (loadedAjv === null) {
    const require = createRequire(import.meta.url);
    const { Ajv2020 } = require("ajv/dist/2020.js") as { Ajv2020: new (options: object) => Ajv };
    const addFormats = (require("ajv-formats") as { default: (to: Ajv) => void }).default;
    loadedAjv = new Ajv2020({ allErrors: true, useDefaults: true, strict: true, strictRequired: false, addUsedSchema: false });
    addFormats(loadedAjv);
  }
  return loadedAjv;
}

/** An Ajv keeps every schema it ever compiled: after so many a new one takes its place. */
const SCHEMAS_OF_ONE_MAX = 1_000;

const tolerant = new Map<string, { readonly ajv: Ajv; left: number }>();

function tolerantAjv(draft: "draft-07" | "2020-12", useDefaults: boolean): Ajv {
  const kind = `${draft} ${useDefaults}`;
  const known = tolerant.get(kind);
  if (known !== undefined && known.left-- > 0) return known.ajv;
  const require = createRequire(import.meta.url);
  const { Ajv2020 } = require("ajv/dist/2020.js") as { Ajv2020: new (options: object) => Ajv };
  const { Ajv } = require("ajv") as { Ajv: new (options: object) => Ajv };
  const { RE2JS } = require("re2js") as { RE2JS: { compile(pattern: string): { test(text: string): boolean } } };
  const addFormats = (require("ajv-formats") as { default: (to: Ajv) => void }).default;
  const regExp = Object.assign((pattern: string) => RE2JS.compile(pattern), { code: "linear" });
  const options = { allErrors: true, useDefaults, strict: false, addUsedSchema: false, logger: false, code: { regExp } };
  const made = draft === "draft-07" ? new Ajv(options) : new Ajv2020(options);
  addFormats(made);
  tolerant.set(kind, { ajv: made, left: SCHEMAS_OF_ONE_MAX });
  return made;
}

/** The issues in one sentence for people: `/topic: expected string; /n: too small`. */
export function issuesInWords(issues: readonly Issue[]): string {
  const shown = issues.slice(0, 10).map(({ at, message }) => (at === "" ? message : `${at}: ${message}`));
  return shown.join("; ") + (issues.length > shown.length ? `; and ${issues.length - shown.length} more` : "");
}
