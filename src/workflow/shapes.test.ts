// Our shapes and the specification's own schemas say the same of every example, and of thousands of broken ones.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { parse } from "yaml";
import type { Json } from "../base/json.ts";
import { seededRandom } from "../base/random.ts";
import { DIAGNOSTICS, Report, Trail } from "./diagnostic.ts";
import { laterOfDocument, laterOfTask } from "./later.ts";
import { documentShape } from "./shapes.ts";

const OWS = new URL("../../conformance/ows/", import.meta.url);

function schemaNamed(file: string): ValidateFunction {
  const schema = parse(readFileSync(new URL(`schema/${file}`, OWS), "utf8")) as object;
  return new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
}

const schemas = ["workflow.yaml", "workflow-tag-v1.0.3.yaml"].map(schemaNamed);

const examples = readdirSync(new URL("examples", OWS))
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => ({ file, document: parse(readFileSync(new URL(`examples/${file}`, OWS), "utf8")) as Json }));

function shapeErrors(document: Json): string[] {
  const report = new Report();
  documentShape(document, Trail.root, report);
  return report.findings
    .filter(({ code }) => DIAGNOSTICS[code][0] === "error")
    .map(({ code, trail, message }) => `${code} ${trail.pointer} ${message}`);
}

const isValid = (document: Json): boolean => schemas.some((validate) => validate(document));

test("every example of the specification has the right shape", () => {
  for (const { file, document } of examples) assert.deepEqual(shapeErrors(document), [], file);
});

/** Features that come later are not looked into. */
function isLater(document: Json): boolean {
  const report = new Report();
  const visit = (value: Json): void => {
    if (typeof value !== "object" || value === null) return;
    if (!Array.isArray(value)) laterOfTask(value as Readonly<Record<string, Json>>, Trail.root, report);
    for (const member of Object.values(value)) visit(member as Json);
  };
  laterOfDocument(document as Readonly<Record<string, Json>>, Trail.root, report);
  visit(document);
  return (
    report.findings.length > 0 ||
    /"(grpc|asyncapi|a2a|mcp|oauth2|oidc|digest|catalogs|extensions|until|correlate|foreach)"/.test(JSON.stringify(document))
  );
}

type Holder = Record<string, Json> | Json[];

/** Every place that can be changed. */
function places(value: Json, found: [Holder, string][] = []): [Holder, string][] {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value as Holder, key]);
    places((value as Record<string, Json>)[key] ?? null, found);
  }
  return found;
}

const STRANGE: readonly Json[] = [null, true, 7, "text", "${ .a }", [], {}, ["x"], { strange: 1 }, -1, 1.5, ""];

function mutated(document: Json, chance: () => number): Json {
  const copy = structuredClone(document);
  const all = places(copy);
  const [holder, key] = all[chance() % all.length] as [Holder, string];
  const members = holder as Record<string, Json>;
  const how = chance() % 4;
  if (how === 0) Array.isArray(holder) ? holder.splice(Number(key), 1) : delete members[key];
  else if (how === 1) members[key] = STRANGE[chance() % STRANGE.length] as Json;
  else if (how === 2 && !Array.isArray(holder)) {
    const value = members[key] as Json;
    delete members[key];
    members[`${key.slice(0, -1)}x`] = value;
  } else if (!Array.isArray(holder))
    members[["extra", "then", "set", "do", "with", "uri"][chance() % 6] as string] = STRANGE[chance() % STRANGE.length] as Json;
  return copy;
}

/** Where we and the schemas differ on purpose: what is found in the document, and why. */
const DIFFERENCES: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/"(days|hours|minutes|seconds|milliseconds)":-1/, "nobody waits for less than nothing"],
];

test("broken documents are wrong for us exactly where they are for both schemas", () => {
  const chance = seededRandom(4);
  const sound = examples.filter(({ document }) => !isLater(document));
  assert.ok(sound.length >= 30, `${sound.length} examples use nothing that comes later`);
  const differences: string[] = [];
  let broken = 0;
  for (let i = 0; i < 6_000; i++) {
    const { file, document } = sound[i % sound.length] as (typeof sound)[number];
    const made = mutated(document, chance);
    if (isLater(made)) continue;
    const ours = shapeErrors(made);
    const theirs = isValid(made);
    if (!theirs) broken++;
    if ((ours.length === 0) === theirs) continue;
    const text = JSON.stringify(made);
    if (DIFFERENCES.some(([pattern]) => pattern.test(text))) continue;
    differences.push(`${file}: ours ${ours.join("; ") || "fine"}; theirs ${theirs}\n${text.slice(0, 900)}`);
  }
  assert.ok(broken > 1_000, `only ${broken} were broken`);
  assert.deepEqual(differences.slice(0, 12), [], `${differences.length} differences`);
});
