// jq's own tests: all pass but those listed in conformance/jq/excluded.json.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { Json } from "../src/base/json.ts";
import { compile, JqProblem } from "../src/jq.ts";
import { rootPath } from "../tools/layout.ts";
import { type JqCase, readCases } from "./jq-cases.ts";

interface Listed {
  readonly file?: string;
  readonly line: number;
  readonly program: string;
}

const { excluded, misses } = JSON.parse(readFileSync(rootPath("conformance", "jq", "excluded.json"), "utf8")) as {
  excluded: readonly Listed[];
  misses: readonly Listed[];
};

function casesOf(file: string): JqCase[] {
  return readCases(readFileSync(rootPath("conformance", "jq", file), "utf8"));
}

function passes({ program, input, outputs }: JqCase): boolean {
  if (outputs === null) return isRefused(program);
  const wanted = outputs.map((text) => valuesOf(".", text)[0] as Json);
  return isDeepStrictEqual(valuesBeforeError(program, input, wanted.length), wanted);
}

function isRefused(program: string): boolean {
  try {
    compile(program);
    return false;
  } catch (error) {
    return error instanceof JqProblem && (error.code === "JQ_SYNTAX" || error.code === "JQ_UNDEFINED");
  }
}

/** What is not JSON in these files (`nan`, numbers that begin with zeros) is a jq program all the same. */
function valuesOf(program: string, input: string): Json[] {
  try {
    return compile(program)(JSON.parse(input.replace(/^\uFEFF/, "")) as Json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return compile(`${input.replaceAll("NaN", "nan").replaceAll("Infinity", "infinite")} | (${program})`)(null);
  }
}

/** A program may give values and end with an error then; the values count. */
function valuesBeforeError(program: string, input: string, count: number): Json[] | null {
  try {
    return valuesOf(program, input);
  } catch (error) {
    if (!(error instanceof JqProblem)) throw error;
    if (error.code !== "JQ_ERROR") return null;
    return count === 0 ? [] : orNull(() => valuesOf(`limit(${count}; ${program})`, input));
  }
}

function orNull(act: () => Json[]): Json[] | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof JqProblem) return null;
    throw error;
  }
}

test("jq.test: of the 532 that count, all but the two that look at the machine", () => {
  const cases = casesOf("jq.test");
  assert.equal(cases.length, 550);
  for (const { line, program } of excluded) assert.equal(cases.find((one) => one.line === line)?.program, program);
  const counted = cases.filter(({ line }) => excluded.every((one) => one.line !== line));
  assert.equal(counted.length, 532);
  const failed = counted.filter((one) => !passes(one));
  assert.deepEqual(
    failed.map(({ line }) => line),
    misses.filter(({ file }) => file === "jq.test").map(({ line }) => line),
  );
});

test("onig.test: of 47, all but what no automaton matches in linear time", () => {
  const cases = casesOf("onig.test");
  assert.equal(cases.length, 47);
  const failed = cases.filter((one) => !passes(one));
  assert.deepEqual(
    failed.map(({ line }) => line),
    misses.filter(({ file }) => file === "onig.test").map(({ line }) => line),
  );
});

test("the lists of what is excluded and missed do not grow", () => {
  assert.equal(excluded.length, 18);
  assert.equal(misses.length, 4);
});
