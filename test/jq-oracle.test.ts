// The same program and the same input give here what jq gives: expressions of the specification's documents, programs
// of the kinds its manual shows, and random ones.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { type Jq, loadJq } from "jq-wasm";
import { parseAllDocuments } from "yaml";
import type { Json } from "../src/base/json.ts";
import { seededRandom } from "../src/base/random.ts";
import { compile, JqProblem } from "../src/jq.ts";
import { rootPath } from "../tools/layout.ts";
import { readKit } from "./documents.ts";
import { knownDifference, MANUAL, randomInput, randomProgram } from "./jq-programs.ts";

let oracle: Jq;
before(async () => {
  oracle = await loadJq();
});

type Answer = { readonly values: readonly Json[] } | { readonly error: Json } | { readonly refused: true };

const VARIABLES: Readonly<Record<string, Json>> = {
  context: { a: 1, pets: [{ name: "Rex" }], token: "t" },
  input: { a: 2, name: "Ann" },
  output: { b: 3, ok: true },
  secrets: { key: "hidden" },
  authorization: { scheme: "Bearer", parameter: "p" },
  task: {
    name: "one",
    reference: "/do/0/one",
    startedAt: { iso8601: "2026-01-02T03:04:05.006Z", epoch: { seconds: 1, milliseconds: 2 } },
  },
  workflow: { id: "w-1", definition: { document: { name: "n" } }, input: { q: 1 } },
  runtime: { name: "baton", version: "1", metadata: {} },
  item: { id: 7, vet: null },
  index: 2,
  error: { type: "https://x/errors/communication", status: 503, title: "T" },
  pet: { id: 5, name: "Tom", vet: { name: "V" } },
  petIndex: 0,
  number: 4,
  color: "red",
};

/** What jq itself gives: all values, or what it ended with. */
function answerOfJq(program: string, input: Json, variables: Readonly<Record<string, Json>> = {}): Answer {
  const flags = Object.entries(variables).flatMap(([name, value]) => ["--argjson", name, JSON.stringify(value)]);
  const { stdout, exitCode } = oracle.raw(JSON.stringify(input), caught(program), ["-c", ...flags]);
  if (exitCode === 3) return { refused: true };
  assert.equal(exitCode, 0, program);
  return JSON.parse(stdout) as Answer;
}

function answerHere(program: string, input: Json, variables: Readonly<Record<string, Json>> = {}): Answer {
  try {
    const [answer] = compile(caught(program), { variables: Object.keys(variables) })(input, variables);
    return answer as unknown as Answer;
  } catch (error) {
    if (error instanceof JqProblem && (error.code === "JQ_SYNTAX" || error.code === "JQ_UNDEFINED")) return { refused: true };
    throw error;
  }
}

function caught(program: string): string {
  return `try {values: [${program}\n]} catch {error: .}`;
}

function requireSame(program: string, input: Json, variables?: Readonly<Record<string, Json>>): void {
  const [here, there] = [answerHere(program, input, variables), answerOfJq(program, input, variables)];
  if (isDeepStrictEqual(here, there) || knownDifference(program, here, there) !== null) return;
  assert.deepEqual(here, there, `${program}   on ${JSON.stringify(input)}`);
}

// Documents of the specification.

const BARE_KEYS = new Set(["when", "exceptWhen", "if", "while", "until", "in", "as", "from"]);

function expressionsIn(value: unknown, key = "", found: Set<string> = new Set()): Set<string> {
  if (typeof value === "string") {
    const [, inner] = /^\s*\$\{([\s\S]*)\}\s*$/.exec(value) ?? [];
    if (inner !== undefined) found.add(inner);
    else if (BARE_KEYS.has(key) && /[.$|(]/.test(value)) found.add(value);
  } else if (Array.isArray(value)) for (const one of value) expressionsIn(one, key, found);
  else if (typeof value === "object" && value !== null)
    for (const [name, one] of Object.entries(value)) expressionsIn(one, name, found);
  return found;
}

test("every expression in the specification's examples and kit", () => {
  const files = globSync("conformance/ows/examples/*.yaml", { cwd: rootPath() });
  const texts = [...files.map((file) => readFileSync(rootPath(file), "utf8")), ...definitionsOfKit()];
  const found = new Set<string>();
  for (const text of texts) for (const document of parseAllDocuments(text)) expressionsIn(document.toJS(), "", found);
  assert.ok(found.size >= 70, `${found.size} found`);
  for (const program of found) for (const input of INPUTS) requireSame(program, input, VARIABLES);
});

function definitionsOfKit(): string[] {
  return readKit().flatMap(({ steps }) => steps.flatMap(({ doc }) => doc ?? []));
}

const INPUTS: readonly Json[] = [
  null,
  {},
  {
    ...{ a: 1, status: 404, id: 3, petId: 4, temperature: 39, bpm: 80, order: { id: 1 }, orderType: "electronic", name: "Ann" },
    ...{
      firstName: "A",
      lastName: "B",
      username: "u",
      email: "e",
      searchQuery: "q",
      pets: [{ id: 1, name: "x" }],
      colors: ["red"],
    },
    ...{ numbers: [1, 2], data: { temperature: 39 }, body: [1], user: { firstName: "A", claims: ["admin"] }, color: "red" },
  },
  [{ id: 1, data: { temperature: 40 } }, { id: 2 }],
];

test("programs of every kind that jq's manual shows", () => {
  assert.ok(MANUAL.length >= 200, `${MANUAL.length} programs`);
  for (const [program, ...inputs] of MANUAL)
    for (const input of inputs.length === 0 ? [null] : inputs) requireSame(program, input);
});

const PAIRS = Number(process.env.BATON_JQ_PAIRS ?? 1_500);
const SEED = Number(process.env.BATON_JQ_SEED ?? 8);

test(`${PAIRS} random programs on random inputs`, () => {
  const chance = seededRandom(SEED);
  for (let i = 0; i < PAIRS; i++) requireSame(randomProgram(chance, 4), randomInput(chance, 3));
});
