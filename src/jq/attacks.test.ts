// Programs and values made to do harm: each ends with a typed problem, by counting and not by a clock.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json } from "../base/json.ts";
import { compile, type EvaluateLimits } from "./compile.ts";
import { JqProblem } from "./problems.ts";

function codeOf(program: string, input: Json = null, limits?: EvaluateLimits): string | null {
  try {
    compile(program)(input, undefined, limits);
    return null;
  } catch (error) {
    if (error instanceof JqProblem) return error.code;
    throw error;
  }
}

function valuesOf(program: string, input: Json = null): Json[] {
  return compile(program)(input);
}

/** `levels` arrays, or objects, within one another; made without recursion. */
function nested(levels: number, wrap: (inner: Json) => Json): Json {
  let value: Json = null;
  for (let i = 0; i < levels; i++) value = wrap(value);
  return value;
}

const endless: readonly string[] = [
  "range(1e12)",
  "last(range(1e12))",
  "reduce range(1e12) as $x (0; . + $x)",
  "last(foreach range(1e12) as $x (0; . + $x))",
  "until(false; .)",
  "last(while(true; .))",
  "last(repeat(1))",
  "[limit(1e12; repeat(1))] | length",
  "isempty(range(1e12) | select(. < 0))",
  "first(range(1e12) | select(. < 0))",
  "any(range(1e12); . < 0)",
  "last(recurse(1))",
  "label $out | repeat(1) | select(. < 0) | break $out",
  "[range(1e6)] | combinations(5) | select(false)",
];

test("E1 what never ends is stopped: by steps where it loops, by depth where it calls itself", () => {
  for (const program of endless) {
    const code = codeOf(program);
    assert.ok(code === "JQ_STEPS" || code === "JQ_ITEMS" || code === "JQ_DEPTH", `${program}: ${code}`);
  }
  for (const program of ["def f: f; f", "def f: 1 + f; f", "def f(g): g | f(g); f(.)", "def f: [f]; f", "def f: f, f; f"])
    assert.match(String(codeOf(program)), /^JQ_(DEPTH|STEPS)$/, program);
});

test("E1 a limit on steps is a number: the same program spends the same again", () => {
  const program = "[range(100)] | map(. * 2) | add";
  const least = Array.from({ length: 2_000 }, (_, steps) => steps).find(
    (stepsMax) => codeOf(program, null, { stepsMax }) === null,
  );
  assert.ok(least !== undefined && least > 200);
  assert.equal(codeOf(program, null, { stepsMax: least - 1 }), "JQ_STEPS");
});

test("E2 what would fill memory is stopped before it does", () => {
  const programs: readonly (readonly [string, RegExp])[] = [
    ["[range(1e8)]", /^JQ_(ITEMS|STEPS)$/],
    ['"x" * 1e8', /^JQ_BYTES$/],
    ['[limit(40; repeat("x" * 1e6))] | add', /^JQ_BYTES$/],
    ['reduce range(60) as $i ("x"; . + .)', /^JQ_BYTES$/],
    ["reduce range(60) as $i ([1]; . + .)", /^JQ_(ITEMS|STEPS)$/],
    ["[.[1000000000]] | .[0] = 1 | .[1e8] = 1", /^JQ_(ITEMS|ERROR)$/],
    ["null | .[1e8] = 1", /^JQ_ITEMS$/],
    ["null | setpath([3e8]; 1)", /^JQ_ITEMS$/],
    ['("x" * 1e6) | [splits("")] | length', /^JQ_(ITEMS|STEPS|BYTES)$/],
    ['("x" * 1e6) | explode | implode | explode | map([.]) | flatten | length', /^JQ_(ITEMS|STEPS)$/],
    ["[range(2000)] | [combinations(2)]", /^JQ_(ITEMS|STEPS|ERROR)$/],
    ["[range(1000)] | tojson | . * 1e4", /^JQ_BYTES$/],
    ['reduce range(30) as $i ("\\"a\\""; tojson)', /^JQ_(BYTES|STEPS)$/],
    ['("a" * 1e6) | gsub("a"; "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")', /^JQ_(BYTES|ITEMS|STEPS)$/],
    ["[range(1e5)] | [.[] as $x | .[] | select(. == $x)]", /^JQ_STEPS$/],
    ["[range(600000)] | [., ., ., .] | transpose", /^JQ_(ITEMS|STEPS)$/],
  ];
  for (const [program, code] of programs) assert.match(String(codeOf(program, [1, 2])), code, program);
  assert.equal(codeOf('"x" * 1e12'), "JQ_ERROR", "no text is as long as that, whatever the budget");
});

const deepPrograms: readonly string[] = [
  "..",
  "[..] | length",
  "tojson",
  "tostring",
  ". == .",
  "[., .] | sort",
  "[., .] | unique",
  ". * .",
  ". + . | length",
  "[paths] | length",
  "walk(.)",
  "flatten",
  "[tostream] | length",
  "[leaf_paths]",
  "contains(.)",
  "map_values(.)",
  "[recurse] | length",
  "@json",
  "@html",
  "del(..)",
  "error",
  "[.] | @csv",
  "group_by(.)",
  "tojson | fromjson",
  "to_entries",
  "getpath([range(20000) | 0])",
  '"\\(.)"',
  "{a: .} | .a == .",
  "[.] | index([.])",
  "(.. | numbers) |= 1",
  "min_by(.)",
];

test("E3 values of 200,000 levels end programs, never the process", () => {
  const deep = [nested(200_000, (inner) => [inner]), nested(200_000, (inner) => ({ a: inner }))];
  for (const value of deep)
    for (const program of deepPrograms) {
      const code = codeOf(program, value);
      assert.ok(code === null || /^JQ_(DEPTH|ERROR|STEPS|ITEMS|BYTES)$/.test(code), `${program}: ${code}`);
    }
  for (const program of ["..", "walk(.)"]) assert.equal(codeOf(program, deep[0] ?? null), "JQ_DEPTH", program);
  assert.equal(codeOf("reduce range(200000) as $i (null; [.]) | .."), "JQ_DEPTH");
  assert.equal(codeOf("fromjson", "[".repeat(200_000)), "JQ_ERROR");
});

test("E3 programs that are nested deeply are refused", () => {
  for (const program of [`${"(".repeat(50_000)}1${")".repeat(50_000)}`, `${"[".repeat(50_000)}${"]".repeat(50_000)}`])
    assert.match(String(codeOf(program)), /^JQ_(DEPTH|SYNTAX)$/);
  for (const program of [
    `.${"[0]".repeat(100_000)}`,
    `1${" + 1".repeat(100_000)}`,
    `.${" | .".repeat(100_000)}`,
    `${"-".repeat(100_000)}1`,
  ])
    assert.match(String(codeOf(program, [])), /^(null|JQ_(DEPTH|SYNTAX|STEPS|ERROR))$/);
});

test("E4 nothing of the machine is there", () => {
  const programs = [
    "env",
    "$ENV",
    "$ENV.PATH",
    "env.HOME",
    "input",
    "inputs",
    "debug",
    'debug("x")',
    "stderr",
    "input_filename",
    "input_line_number",
    "halt",
    "halt_error",
    "halt_error(1)",
    'import "a" as a; 1',
    'include "a"; 1',
    "get_search_list",
    "modulemeta",
    "$__prog_args",
    "now_is",
    "getpath(env)",
    "@sh_exec",
    "get_jq_origin",
    "ltrimstr(env)",
  ];
  for (const program of programs) assert.match(String(codeOf(program)), /^JQ_UNDEFINED$/, program);
  assert.equal(codeOf("now"), "JQ_UNDEFINED");
});

test("E5 the time is what was given, and chance there is none", () => {
  assert.deepEqual(compile("now, (now | todate)")(null, undefined, { nowSeconds: 1_425_599_621 }), [
    1_425_599_621,
    "2015-03-05T23:53:41Z",
  ]);
  for (const program of ["rand", "random", "uuid", "localtime | mktime"]) {
    const codes = [codeOf(program, 0), codeOf(program, 0)];
    assert.equal(codes[0], codes[1]);
  }
  assert.deepEqual(valuesOf("localtime | mktime", 1e9), [1e9], "the zone of the machine is not looked at");
});

test("E6 JavaScript is text, or no program", () => {
  const text = 'constructor.constructor("return process")()';
  assert.match(String(codeOf(text)), /^JQ_(SYNTAX|UNDEFINED)$/);
  assert.deepEqual(valuesOf(".", text), [text]);
  assert.deepEqual(valuesOf(".constructor, .toString, .__proto__, .hasOwnProperty", {}), [null, null, null, null]);
  assert.equal(codeOf(".constructor", []), "JQ_ERROR");
  for (const name of ["constructor", "toString", "__proto__", "valueOf", "hasOwnProperty"]) {
    assert.equal(codeOf(name), "JQ_UNDEFINED");
    assert.equal(codeOf(`$${name}`), "JQ_UNDEFINED");
    assert.equal(codeOf(`@${name}`), "JQ_UNDEFINED");
  }
});

test("E7 `__proto__` is a key like any other, wherever keys are made", () => {
  const own = (value: Json): string => JSON.stringify(value);
  const key = '"__proto__"';
  const made: readonly (readonly [string, Json])[] = [
    [`{${key}: 1}`, null],
    [`{(${key}): 1}`, null],
    [`. as $__proto__ | {$__proto__}`, 1],
    [`setpath([${key}]; 1)`, {}],
    [`.${key} = 1`, {}],
    [`.${key} |= 1`, null],
    [`{} | .[${key}] += 1`, null],
    [`[{key: ${key}, value: 1}] | from_entries`, null],
    [`{a: 1} | with_entries(.key = ${key})`, null],
    [`{a: 1} | to_entries | map(.key = ${key}) | from_entries`, null],
    [`{} + ({${key}: 1})`, null],
    [`{} * ({${key}: 1})`, null],
    [`${key} as $k | {($k): 1}`, null],
    [`"{\\"__proto__\\":1}" | fromjson`, null],
    [`"{\\"__proto__\\":+1}" | fromjson`, null],
    [`reduce 1 as $x ({}; .[${key}] = $x)`, null],
    [`INDEX([1][]; ${key})`, null],
    [`pick(.${key})`, JSON.parse('{"__proto__":1,"a":2}') as Json],
    [`map_values(1)`, JSON.parse('{"__proto__":5}') as Json],
    [`walk(.)`, JSON.parse('{"__proto__":1}') as Json],
    [`del(.a)`, JSON.parse('{"__proto__":1,"a":2}') as Json],
    [`"__proto__" | capture("(?<p>.*)") | {(.p): 1}`, null],
  ];
  for (const [program, input] of made) assert.equal(own(valuesOf(program, input)[0] ?? null), '{"__proto__":1}', program);
  const polluting = JSON.parse('{"__proto__":{"polluted":true}}') as Json;
  for (const program of [
    ". * .",
    ". + .",
    "{} * .",
    "walk(.)",
    "with_entries(.)",
    "[paths]",
    "tostream",
    ".a.b.c = 1",
    ".. |= .",
  ])
    compile(program)(polluting);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.deepEqual(valuesOf('has("__proto__"), keys, length', {}), [false, [], 0]);
});

test("E8 regular expressions take time linear in the text, or are refused", () => {
  const text = `${"a".repeat(30_000)}!`;
  for (const pattern of ["^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "(.*)*x", "(a*)*b", "([a-zA-Z]+)*$"])
    assert.match(String(codeOf(`test(${JSON.stringify(pattern)})`, text)), /^(null|JQ_STEPS)$/, pattern);
  assert.deepEqual(valuesOf('test("^(a+)+$")', `${"a".repeat(1_000)}!`), [false]);
  for (const pattern of [
    "(?=a)",
    "(?<=a)b",
    "(a)\\1",
    "(?<n>a)\\k<n>",
    "a{1,100000}",
    "(((a{100}){100}){100}){100}",
    "[",
    "(",
    "*",
  ])
    assert.equal(codeOf(`test(${JSON.stringify(pattern)})`, "a"), "JQ_ERROR", pattern);
  assert.equal(codeOf(`test("a" * 20000)`, "a"), "JQ_ERROR", "a pattern has a length it may have");
});

test("E9 numbers are 64-bit floating point, and what JSON does not have comes out as jq prints it", () => {
  const table: readonly (readonly [string, Json])[] = [
    ["9007199254740993", 9007199254740992],
    ["9007199254740993 == 9007199254740992", true],
    ["1e400", Number.MAX_VALUE],
    ["-1e400", -Number.MAX_VALUE],
    ["infinite", Number.MAX_VALUE],
    ["nan", null],
    ["[nan]", [null]],
    ["{a: nan}", { a: null }],
    ["nan == nan", false],
    ["nan < nan", true],
    ["[nan, 1, null] | sort", [null, null, 1]],
    ["[1, nan] | min", null],
    ["-0 | tostring", "-0"],
    ["0 == -0", true],
    ["1 / 3", 1 / 3],
    ["0.1 + 0.2", 0.1 + 0.2],
    ["1e17 | tostring", "1e+17"],
    ["5 % 3, -5 % 3, 5 % -3 | tostring", "2"],
    ["infinite % 3 | tostring", "1"],
    ['"1e1000" | tonumber', Number.MAX_VALUE],
    ["[.[] | floor] | length", 0],
  ];
  for (const [program, wanted] of table) assert.deepEqual(valuesOf(program, [])[0], wanted, program);
  assert.equal(codeOf("1 / 0"), "JQ_ERROR");
  assert.equal(codeOf("5 % 0"), "JQ_ERROR");
});

test("E10 halves of surrogate pairs and NUL come back as they were; what is too long does not begin", () => {
  const texts = ["\ud800", "\udc00x", "a\u0000b", "\ud83d", "\u202e", "\ufeff"];
  for (const text of texts) {
    assert.deepEqual(valuesOf(".", text), [text]);
    assert.deepEqual(valuesOf("tojson | fromjson", text), [text]);
    assert.deepEqual(valuesOf('. + "" | [.] | .[0]', text), [text]);
    assert.deepEqual(valuesOf("{(.): 1} | keys[0]", text), [text]);
    assert.doesNotThrow(() =>
      compile('length, explode, @uri, @base64, @html, test("x"), ascii_downcase, .[0:1], utf8bytelength')(text),
    );
  }
  assert.equal(codeOf('("x" * 1e7) as $x | [range(30) | $x] | join("")'), "JQ_BYTES");
  assert.match(String(codeOf('[limit(60; repeat("x" * 1e7))] | add', null, { bytesMax: 2 ** 40, stepsMax: 1e9 })), /^JQ_BYTES$/);
});

test("E11 what a program ends with is its message alone", () => {
  const run = compile("error($secrets.key)", { variables: ["secrets"] });
  assert.throws(
    () => run(null, { secrets: { key: "hidden" } }),
    (error) =>
      error instanceof JqProblem && error.code === "JQ_ERROR" && error.problem.detail === "hidden" && error.value === "hidden",
  );
});

const word = fc.constantFrom(
  ...'| , . .. [ ] { } ( ) : ; = |= += // //= + - * / % == != < <= and or not if then else elif end try catch reduce foreach as def label break $x $__loc__ .a .[0] .[] ? ?// 1 0.5 null true "a" "\\(1)" @base64 empty map select sort keys length add range limit first error path del recurse env input test sub tojson fromjson splits ascii implode getpath setpath tostream fromstream walk transpose input_line_number'.split(
    " ",
  ),
);
const programs = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.array(word, { maxLength: 25 }).map((words) => words.join(" ")),
);
const tiny = fc.record({ stepsMax: fc.nat(200), itemsMax: fc.nat(100), bytesMax: fc.nat(1_000), depthMax: fc.nat(20) });

test("E12 whatever the program and the input, nothing is thrown but a JqProblem", () => {
  fc.assert(
    fc.property(programs, fc.jsonValue(), fc.option(tiny), (program, input, limits) => {
      codeOf(program, input as Json, limits ?? { stepsMax: 20_000 });
    }),
    { numRuns: 4_000, seed: 12 },
  );
});
