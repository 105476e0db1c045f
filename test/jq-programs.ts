// Programs for comparing with jq: of every kind its manual shows, and random ones.

import type { Random32 } from "../src/base/clock.ts";
import type { Json } from "../src/base/json.ts";

const TEAM: Json = [
  { name: "Ann", team: "red", score: 7 },
  { name: "Bob", team: "blue", score: 3 },
  { name: "Cid", team: "red", score: 3 },
];

/** A program, and the inputs it is tried on: null where none is given. */
export const MANUAL: readonly (readonly [program: string, ...inputs: readonly Json[]])[] = [
  // Paths.
  [".", "Hello", 1.5, null, { a: [1] }],
  [".a", { a: 42 }, { b: 1 }, null, [1], 3],
  [".a?", { a: 42 }, [1], 3, "x"],
  ['.["a"]?, .["a"]', { a: 42 }],
  ['."a$b", ."two words"', { a$b: 1, "two words": 2 }],
  [".a.b.c", { a: { b: { c: 1 } } }, { a: { b: null } }, { a: 5 }],
  [".[0], .[2], .[-2], .[-9]", ["a", "b", "c"]],
  [".[2:4], .[:3], .[-2:], .[:-1], .[1.2:3.5]", ["a", "b", "c", "d", "e"], "abcdefghi", "aé😀xyz", null],
  [".[]", [1, "x"], [], { a: 1, b: 2 }, 3, null],
  [".[]?", [1], 3, null],
  [".a[], .b", { a: [1, 2], b: 3 }],
  [".[4,2]", ["a", "b", "c", "d", "e"]],
  ["..", [[{ a: 1 }]]],
  [".. | .a?", [[{ a: 1 }]]],
  ["[..|numbers]", [1, [2, "x", { y: 3 }]]],
  [".[[2]], .[[1,2]]", [1, 2, 1, 2]],
  ['.["a","b"]', { a: 1, b: 2 }],
  [".[{}]", [1]],
  [".[true]", [1], { true: 1 }],
  // Making values.
  ["(. + 2) * 5", 1],
  ["[.user, .projects[]]", { user: "u", projects: ["jq", "x"] }],
  ["{user, title: .titles[]}", { user: "u", titles: ["A", "B"] }],
  ['{(.user): .titles, "k\\(1+1)": 3, "lit": 4, @base64 "x": 5, $__loc__}', { user: "u", titles: [1] }],
  ['{"a b"}, {a: 1 | . + 1}, {(1): 2}?', { "a b": 3 }],
  ["{a:(1,2), b:(3,4)}", null],
  [". as $x | {$x, y: $x}", 5],
  ['{if: 1, and: 2, "then": 3} | .if, .and, .then', null],
  ['"in \\(.) and \\(. + 1)", "tab\\tquote\\"\\u00e9\\ud83d\\ude00"', 42],
  // Operators.
  [".a + 1, .b + null, .c + 1", { a: 7, b: 1 }],
  [".a + .b", { a: [1, 2], b: [3] }, { a: { x: 1 }, b: { x: 2, y: 3 } }, { a: "x", b: "y" }, { a: 1, b: "y" }, { a: {}, b: [] }],
  [". - [1, 3]", [1, 2, 3, 1], 5],
  ["10 / . * 3, 7 % ., -7 % .", 5, 0, -3, 2.7],
  ['. / ", "', "a, b,c, d", 4],
  ['"ab" * ., . * "ab"', 0, 1, 2.7, -1, null],
  ["{k: {a: 1, b: 2}} * {k: {a: 0, c: 3}}", null],
  [".[] | (1 / .)?", [1, 0, -1]],
  ["5 % 1e10, 5e10 % 3, nan % 5 | isnan", null],
  [". == {b: {d: 4, c: 3}, a: 1}", { a: 1, b: { c: 3, d: 4 } }],
  [".[] == 1", [1, 1.0, "1", "x"]],
  ["[.[] as $a | .[] as $b | $a < $b, $a <= $b, $a == $b]", [null, false, true, 0, -1, "a", "b", [], [0], {}, { a: 1 }]],
  ["(true, false) or false, (true, true) and (true, false), [true, false | not]", null],
  ["empty // 42, (.a // 42), (false, null, 1) // 42, ((false, null, 1) | . // 42)", { a: 19 }, {}],
  ["[.[] | -.]", [1, -2], ["a"]],
  ["1 as $x | 2 as $y | [$x,$y,$x]", null],
  ["[1,2,3] - [2] + [4] | . == [1,3,4]", null],
  // Choosing, and errors.
  ['if . == 0 then "zero" elif . == 1 then "one" else "many" end', 0, 1, 2],
  ["if . then 1 end, [if (true, false) then 1 else 2 end]", null, 5],
  ['try error("x") catch ., try error catch ., try error({a:1}) catch .a', "message"],
  ["try error(null) catch .", null],
  ["[.[] | try .a], [.[] | .a?], [.[] | tonumber?]", [{}, true, { a: 1 }, "1", "x", 4]],
  ["error", "plain", { a: 1 }, null],
  ["try (1, error(2), 3) catch .", null],
  ['[.[] | try if . > 2 then error("big") else . end catch "caught \\(.)"]', [1, 3, 2]],
  ["error(error(1))?", null],
  [".a[1]?.b?", { a: 1 }, { a: [0, { b: 2 }] }],
  ['first(range(10; 0; -3)), isempty(empty), isempty(1, error("x"))', null],
  ["label $out | foreach .[] as $item (0; . + 1; if . > 2 then ., break $out else . end)", [11, 22, 33, 44]],
  ["[label $a | label $b | 1, break $a, 2], [label $f | 1, break $f]", null],
  // Built in, of values.
  ["map(abs), map(length?)", [-10, 1.1, -1e-1], [-3, 4]],
  [".[] | length", [[1, 2], "strïng😀", { a: 2 }, null, -5]],
  ["true | length", null],
  ["utf8bytelength", "\u03bcx😀", [1]],
  ["keys, keys_unsorted", { abc: 1, abcd: 2, Foo: 3 }, [42, 3]],
  ['map(has("a"))', [{ a: 42 }, {}], [3]],
  [
    "map(has(2)), map(has(-1))",
    [
      [0, 1],
      ["a", "b", "c"],
    ],
  ],
  ['.[] | in({"a": 42})', ["a", "b"], [0]],
  ["map(in([0,1]))", [2, 0]],
  ["map(.+1), map(., .), map(empty)", [1, 2, 3]],
  ["map_values(.+1), map_values(empty)", { a: 1, b: 2 }, [1, 2]],
  ["pick(.a, .b.c, .x), pick(.a[1])", { a: [1, 2], b: { c: 2, d: 3 }, e: 4 }],
  ["pick(.[2], .[0], .[0]), pick(first)", [1, 2, 3, 4]],
  ["pick(.[-1])", [1, 2]],
  ['path(.a[0].b), [path(..)], [paths], [paths(type == "number")]', { a: [{ b: 1 }, 2] }],
  ["try path(.a | tostring) catch ., try path(1) catch ., path(empty)", { a: 1 }],
  ["[path(.a | select(.b == 0)), path(first(.a,.b)), path(if .a then .b else .c end), path(.a // .b)]", { a: { b: 0 } }],
  [
    'path(getpath(["a","b"])), [path(limit(2; .[]))], [path(.[1:] | .[0])], path(.. | select(type == "boolean"))',
    [true, [false]],
  ],
  ['del(.a), del(.a, .b), del(.x.y), del(.["a","b"])', { a: 1, b: 2, c: 3 }],
  ["del(.[1, 2]), del(.[-1]), del(.[0:2]), del(.[] | select(. > 1)), del(..)", [1, 2, 3]],
  ['to_entries, (to_entries | from_entries), with_entries(.key |= "k_" + .)', { a: 1, b: 2 }],
  [
    "from_entries",
    [{ name: "a", value: 1 }, { k: "b", v: 2 }, { key: null, value: 3 }, { key: false }, { key: 4 }, { Key: "z", Value: 1 }],
  ],
  ["from_entries", [{ key: {} }], [[1]], 3],
  ["map(select(. >= 2)), [.[] | select(. != 3, . == 3)]", [1, 5, 3, 0, 7]],
  [
    "[.[] | numbers], [.[] | strings], [.[] | nulls], [.[] | booleans], [.[] | arrays], [.[] | objects], [.[] | iterables], [.[] | scalars], [.[] | values]",
    [[], {}, 1, "a", null, true],
  ],
  ["1, empty, 2, [1, 2, empty, 3]", null],
  ["add, add(.[] | numbers)", ["a", "b"], [1, 2, 3], [], [[1], [2]], [{ a: 1 }, { b: 2 }], { x: 1, y: 2 }, null],
  ["add(.[].a), add(empty)", [{ a: 3 }, { a: 5 }, { b: 6 }]],
  ["any, all, any(. == 1), all(. != 1), any(.[]; . == 2), all(.[]; . != 2)", [true, false], [false, null], [], [1, 2]],
  ["flatten, flatten(1), flatten(0)", [1, [2], [[3]], [{ a: [4] }]], []],
  ["flatten(-1)", [1]],
  [
    "[range(4)], [range(2; 4)], [range(0; 10; 3)], [range(0; 10; -1)], [range(0; -5; -1)], [range(0,1; 3,4)], [range(0.5; 2)]",
    null,
  ],
  ['[range("a")]', null],
  ["floor, ceil, round, sqrt, fabs, trunc", 3.25, -2.5, 9],
  ["pow(2; 10), log, log2, log10, exp, exp2, exp10 | . * 1000 | round", 4],
  ["[.[] | significand], [.[] | logb], [.[] | frexp], [.[] | modf], [.[] | trunc]", [8, 10, 0.5, -3.25]],
  [
    "ldexp(.; 3), scalb(.; 2), scalbln(.; 1), nearbyint, cbrt, fma(.; 2; 3), fmin(.; 2), fmax(.; 2), fmod(.; 2), hypot(.; 4), atan2(.; 1) | . * 1e9 | round",
    3,
  ],
  [
    "[sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, atanh, expm1, log1p, rint, lgamma, tgamma] | map(. * 1e9 | round)",
    0.5,
  ],
  ["[infinite, -infinite] | map(isinfinite), map(isnormal), (.[0] > 1e308), tostring", null],
  ["nan | isnan, (. < 0), (. == .), ([nan, 1] | sort | .[1]), ([nan] | min == null)", null],
  ["[.[] | tostring], [.[] | tojson], [.[] | tojson | fromjson]", [1, "1", [1], { a: 1.5 }, null, 3.0]],
  [".[] | tonumber", [1, "1", "0.5e3", "-7", " 4"], ["nan"], ["0x10"], [null], [""]],
  [".[] | toboolean", ["true", "false", true, false], ["maybe"], [1]],
  ["map(type)", [0, false, [], {}, null, "hello"]],
  ["sort, sort_by(-.), min, max, unique, reverse", [8, 3, 6, 3], []],
  ["sort", [{ b: 1 }, [2], "a", 1, true, false, null, { a: 2 }, { a: 1 }, [1, 2], "B"], { a: 1 }],
  [
    "sort_by(.score), sort_by(.team, .name), sort_by(-.score, .name), group_by(.team), unique_by(.score), min_by(.score), max_by(.score)",
    TEAM,
  ],
  ["unique_by(length), group_by(length)", ["chunky", "bacon", "kitten", "cicada", "asparagus"]],
  ["reverse", "abc", null, [], 5, {}],
  ['contains("bar"), contains("")', "foobar", ["x"]],
  ['contains(["baz", "bar"]), contains([]), contains(["bazz"])', ["foobar", "foobaz", "blarp"]],
  ["contains({a: 12, b: [{c: 12}]}), contains({b: []}), contains({z: null})", { a: 12, b: [1, { c: 12, d: 13 }] }],
  ['inside("foobar"), inside(["foobar"])?', "bar"],
  ['indices(", "), index(","), rindex(","), indices("")', "a,b, cd, efg", ""],
  ["indices(1), indices([1,2]), index([1,2]), rindex(1), indices([])", [0, 1, 2, 1, 3, 1, 2]],
  ['[.[] | startswith("a")], [.[] | endswith("a")]', ["ab", "ba", "", "a"], [1]],
  ['[.[] | ltrimstr("a"), rtrimstr("a"), trimstr("a")]', ["aba", "bab", "", 1, null]],
  ["trim, ltrim, rtrim", "  a b\t\n", "", 1],
  ["explode, (explode | implode)", "fo\u00e9😀"],
  ["implode", [65, 0x1f600], ["a"], 3, [-1], [0xd800]],
  ['split(", "), split("")', "a, b,c, d", "", 3],
  ['split(", *"; null), [splits(", *")], split("A"; "gi")', "ab,cd, ef, aab"],
  ['join(", "), join("")', ["a", "b", "c"], ["a", 1, 2.3, true, null], [], [[1]]],
  ["ascii_downcase, ascii_upcase", "Useful É", 1],
  ["[while(. < 100; . * 2)], [limit(5; repeat(. * 2))], until(. > 100; . * 3)", 1],
  ["[limit(3; repeat(.; 1))]?", 1],
  ["[recurse(if . < 3 then . + 1 else empty end)], [recurse(. * .; . < 200)]", 2],
  ["[recurse(.a[])], [recurse]", { a: [{ a: [] }, { a: [{ a: [] }] }] }],
  [
    'walk(if type == "array" then sort else . end), walk(numbers |= . + 1)',
    [
      [4, 1],
      [8, [5, 2]],
    ],
  ],
  ["transpose, [combinations]", [[1, 2], [3]]],
  ["[combinations(2)]", [0, 1]],
  ['bsearch(0), bsearch(2), bsearch(9), bsearch("a")', [1, 2, 3], [0]],
  ["bsearch(1)", "x", {}],
  ["@text, @json", 65, [1]],
  ['[splits("a+"; "g")]', "xaayaz"],
  ["tojson, tostring", 'a\u0000\u001f\u007f\u2028"\\/', { b: 1, a: [null, 1.1] }],
  ['getpath(["a","b"]), [getpath(["a","b"], ["c"])]', null, { a: { b: 0 }, c: 1 }],
  ['setpath(["a","b"]; 1), setpath([]; 1)', null, { a: { b: 0 } }, { a: 1 }],
  ['setpath([0,"a"]; 1), setpath([2]; 5)', null, [9]],
  ["setpath([-1]; 1)", [], [5], null],
  ['delpaths([["a","b"],["c"]]), delpaths([])', { a: { b: 1 }, c: 2 }, null],
  ["delpaths(1)", {}],
  ["to_entries", [1], null],
  ["tostream", { a: [1, { b: 2 }] }, [], 3],
  [
    "fromstream(tostream), [1 | truncate_stream([[0],1],[[1,0],2],[[1,0]],[[1]])], fromstream(1 | truncate_stream([[0],1],[[1,0],2],[[1,0]],[[1]]))",
    [0, [1, { a: 1 }]],
  ],
  [
    "[limit(3; .[])], [limit(0; 1, 2)], [skip(2; .[])], [first(.[])], [last(.[])], nth(1), [nth(1, 3; .[])], first, last",
    [0, 1, 2, 3, 4],
  ],
  ["limit(-1; 1)", null],
  ["skip(-1; 1)", null],
  ["nth(-1; 1)", null],
  ['[first(empty)], first(error("x"))?', null],
  ["first, last, nth(5)", [], null],
  ["reduce .[] as $x (0; . + $x), reduce .[] as $x (0; empty), reduce empty as $x (3; 1)", [1, 2, 3]],
  [
    "reduce .[] as [$i, $j] (0; . + $i * $j)",
    [
      [1, 2],
      [3, 4],
    ],
  ],
  [
    "reduce .[] as {$x, y: [$z]} (null; .x += $x | .y += [$z])",
    [
      { x: "a", y: [1] },
      { x: "b", y: [2] },
    ],
  ],
  ["[foreach .[] as $x (0; . + $x)], [foreach .[] as $x (0; . + $x; [$x, . * 2])], [foreach .[] as $x (0; empty; .)]", [1, 2, 3]],
  ["[foreach .[] as $x (0, 10; . + $x, . * $x; .)]", [1, 2]],
  ["[.[] as [$a, $b] | {a: $a, b: $b}]", [[0], [0, 1], [2, 1, 0]], [5]],
  ['. as [$a, {b: $b, $c, "d": $d, ($e): $f}] | 1', [1, {}]],
  ['. as {a: $x, "b": [$y], ("c", "d"): $z} | [$x, $y, $z]', { a: 1, b: [2], c: 3, d: 4 }],
  [". as {$a: [$b]} | [$a, $b]", { a: [7] }],
  [".[] as {$a, b: [$c]} ?// [$a, $c] | {$a, $c}", [{ a: 1, b: [2] }, [3, 4]]],
  ['[.[] as [$a] ?// $a | $a], [.[] as [$a] ?// $b | if $a != null then error("e") else {$a, $b} end]', [[3], 4]],
  ["def f: . + 1; def g(x): x * 2; def h($a; $b): $a + $b; [f, g(f), h(1; 2), h(1, 2; 3, 4)]", 10],
  ["def fac: if . == 1 then 1 else . * (. - 1 | fac) end; [.[] | fac]", [1, 5, 10]],
  [
    "def addvalue(f): f as $x | map(. + $x); addvalue(.[0])",
    [
      [1, 2],
      [10, 20],
    ],
  ],
  ["def f(x): def g: x; g | g; f(. * 2), (def f: 3; f)", 3],
  ["def f: def f: 1; f + 1; f", null],
  ['[.[] | ascii_downcase | test("^a")], any(.[]; test("B"; "i"))', ["Abc", "b"]],
  // Updates.
  [".a = 1, .a |= . + 1, .a += 2, .a -= 1, .a *= 3, .a /= 2, .a %= 2, .a //= 9", { a: 42 }, {}, null],
  [".a = .b, .a |= .b", { a: { b: 10 }, b: 20 }],
  ["(.a, .b) = range(3), (.a, .b) |= range(3), .a += (1, 2)", { a: 0 }],
  [".[] += 1, .[1:] = [9], .[:1] |= map(. * 2), .[2] = 5, .[-1] = 7", [1, 2, 3]],
  ['(.. | select(type == "boolean")) |= if . then 1 else 0 end', [true, [false, [true]]]],
  ["(.[] | select(. > 1)) |= empty, (.[] | select(. > 1)) = 0", [1, 2, 3, 4]],
  ['.a[1:3] = ["x"], .a[1:3] |= reverse, .a[1:3] += [0]', { a: [1, 2, 3, 4] }],
  ["first(.[]) = 9, limit(2; .[]) |= . * 10, .[0] //= 3, getpath([1]) = 8", [1, 2, 3]],
  ["(if .a then .b else .c end) = 1, (.a // .b) = 2, (.a | .b) |= 3, (.a?) = 4, (try .a catch .b) = 5", { a: { x: 1 } }],
  ["(.a as $x | .b) = 1, (label $f | .a, break $f) = 3, recurse |= ., to_entries[0].value?", { a: 1 }],
  ["(.a | tostring) = 1", { a: 1 }],
  ["1 = 2", null],
  ['.["x"] = 1', [1], 5, null],
  [".[1e9]", [1]],
  // Texts and regular expressions.
  ["@html, @uri, @base64, @json, @text", "<&'\"> é x/y?z", [1, "<"]],
  ["@csv, @tsv", [1, 'a"b', "t\tn\n\\", true, null, 1.5], [[1]], "x"],
  ['@sh, @sh "echo \\(.)"', "O'Hara", [1, "a b", true, null], { a: 1 }],
  ["@base64d", "VGhpcyBpcw==", "YWJj", "YWJ", "!", ""],
  ["@uri, (@base64 | @base64d)", "This is é%20+"],
  ['@uri "https://x/?q=\\(.q)&r=\\(.r)", @json "v: \\(.)", @html "<b>\\(.q)</b>"', { q: "a b&c", r: 1 }],
  ['test("a"), test("A"; "i"), test("A"; "x"), test(["A", "i"])', "banana"],
  ['[match("a(?<x>n)?"; "g")], [match(["A(n)", "gi"])], [match("zz")]', "banana"],
  ['capture("(?<y>\\\\d+)-(?<n>[a-z]+)"), [scan("[a-z]+")], [scan("(a)(b)?")], [scan("A"; "i")]', "xyz 12-ab"],
  [
    'sub("a"; "b"), gsub("a"; "b"), sub("(?<x>[a-z])"; "\\(.x)!"), gsub("\\\\s"; ""), gsub("(?<l>[aeiou])"; "<\\(.l)>"), gsub("A"; "-"; "i"), [sub("a"; "1", "2")], gsub("^"; ">"), gsub(""; "-")',
    "banana split",
  ],
  ['[match("é|😀"; "g") | .offset, .length]', "aé😀b"],
  ['test("a"; "q")', "x"],
  ['[scan("\\\\p{L}+")], [scan("[[:alpha:]]+")], test("\\\\bab\\\\b"), [match("a{2,3}"; "g").string]', "ab aaaa é"],
  ['ltrimstr(1), splits("x")', "axb"],
  ["test(1)", "x"],
  ['ascii_downcase | @text "\\(.)!"', "X"],
  ['tojson | fromjson, (. | tostring | ltrimstr("["))', [1]],
  ["fromjson", "[1,", "nan", "", '{"a":1}', "1 2", "'a'", "[NaN]", "tru"],
  // Time.
  ['todate, gmtime, (gmtime | mktime), (gmtime | todate), strftime("%A %d %B %Y %H:%M:%S %j")', 1425599621, 1425599621.678, 0],
  [
    'fromdate, fromdateiso8601, strptime("%Y-%m-%dT%H:%M:%SZ"), (strptime("%Y-%m-%dT%H:%M:%SZ") | mktime)',
    "2015-03-05T23:51:47Z",
    "nonsense",
  ],
  ['strptime("%d %b %Y"), strptime("%A, %B %d, %Y")', "05 Mar 2015", "Thursday, March 05, 2015"],
  ["todateiso8601, todate", 0],
  ["mktime", [2024, 1, 29], "x", ["a"]],
  ['strftime("%Y")', "x", [2024]],
  // Groups and tables.
  ['INDEX(.name), (INDEX(.[]; .score) | keys), [IN(.[]; 1, 2)], IN(1, 2), [.[] | IN({name: "x"})]', TEAM],
  ["GROUP_BY(.x)?", []],
  ["[.[] | IN(2, 3)], any(.[]; IN(3)), [JOIN(INDEX(.[]; .); .[]; tostring)]", [1, 2, 3]],
  ['@text, getpath(["a"])?, splits(1)?, tojson', 1],
  ["$__loc__, $__prog_args?", null],
  ["have_literal_numbers, (have_decnum | type), ([builtins | length > 100])", null],
  ['ltrimstr("x"), limit(1; .), error?', "xy"],
  ['getpath(["a", 0, "b"])?, (try getpath(["a", 0]) catch .)', { a: { x: 1 } }, { a: [{ b: 5 }] }],
  ['splits(", ")', "a, b"],
  ["min_by(.a), max_by(.a), min, max", [], [{ a: 2 }, { a: 1 }]],
  ["tojson", [1.0, 1.5, 123456789012]],
  ["[.[] | tostring]", [0.1, 1e15, 123456789.123]],
  ["@json, tojson, tostring", { a: "é\u2028", b: [] }],
  ["to_entries | map(.key)", { b: 1, a: 2, "": 3 }],
  ["splits", "x"],
  ["nosuch(1)", null],
  ["1 +", null],
  ["{(1,2): 3}", null],
  [". as $x | $y", null],
  ['[.[] | ltrimstr("a", "b")]', ["ab", "ba"]],
  ['[.[] | getpath(["a"], ["b"])]', [{ a: 1, b: 2 }]],
  ["to_entries[] | select(.value > 1) | .key", { a: 1, b: 2, c: 3 }],
  ["map({(.name): .score}) | add", TEAM],
  ["group_by(.team) | map({team: .[0].team, total: map(.score) | add, names: map(.name)})", TEAM],
  ['[.[] | select(.score >= 3 and .team == "red") | .name] | join(",")', TEAM],
  ['map(select(.name | test("^[AB]"))) | length', TEAM],
  ["reduce .[] as $p ({}; .[$p.team] += [$p.name])", TEAM],
  ['with_entries(select(.value > 1)), map_values(select(. > 1)), (keys - ["a"])', { a: 1, b: 2, c: 3 }],
  ['[paths(scalars)] | map(map(tostring) | join("."))', { a: { b: [1, { c: 2 }] } }],
  ['tostream | select(length == 2) | "\\(.[0] | map(tostring) | join("/")) = \\(.[1])"', { a: [1, { b: 2 }] }],
  ["[limit(5; range(1; infinite))], [range(3)] == [0, 1, 2]", null],
  ["until(. >= 1000; . * 7), [., 1] | tojson", 3],
  ["ascii_downcase, explode[0]", "ABC"],
  ['[splits("[,;] *")] | map(tonumber? // .)', "1, 2;x"],
  ['abs, trimstr("a")', -5, "aba", null],
  [
    '[.[] as $n | $n | if . % 15 == 0 then "FizzBuzz" elif . % 5 == 0 then "Buzz" elif . % 3 == 0 then "Fizz" else . end]',
    [1, 3, 5, 15],
  ],
  ['ltrimstr("a") as $x | $x, ($x | length)', "abc"],
  [". as [$a, [$b]] | {$a, $b} | to_entries", [1, [2]]],
  ['[.. | select(type == "object" and has("id")) | .id]', { id: 1, kids: [{ id: 2 }, { x: { id: 3 } }] }],
  [
    'def depth: if type == "object" or type == "array" then 1 + ([.[] | depth] | max // 0) else 0 end; depth',
    [[1, [2]], { a: {} }],
  ],
  ['def zip(a; b): [a, b] | transpose; zip([1, 2]; ["a", "b"])', null],
  ["[., length] | @csv, @tsv, @html, @uri", "a,b"],
  ["# a comment\n1 # another\n+ 2", null],
  ['"\\(1;2)"', null],
  ['.["a"].b.[0].c, .a.["b"][0]?', { a: { b: [{ c: 1 }] } }],
  ["..?, .a?.b?, .[]?.x?", { a: { b: 1 } }],
  ["[.[]?], [.a[]?, .b[]?]", { a: [1], b: 2 }],
  ['getpath(["a"]) |= 5, paths, (. | [paths] | length)', { a: 1 }],
  ["limit(1; .a, .b) = 3, nth(1; .a, .b) = 5", {}],
  ['error("\\(.)"), 1', [1, { a: "long text that goes on and on" }]],
  ['{} | .a.b.c = 1 | .a["d"] += 2 | .e[2] = 3', null],
  ['{a: 1} | has("a"), has("b"), (try has(0) catch .)', null],
  ['[1, 2] | has(0), has(5), (try has("a") catch .)', null],
  ["tojson, ascii_downcase?, length", "\ud83d\ude00é"],
  ['splits("a";"b";"c")', ""],
  ["significand?, drem(10; 3), ldexp(1; 2), scalb(1; 3), nearbyint", 10.5],
  ['getpath([1,2,3])?, (try error catch .), (.[0]? // "d")', [[1]]],
  ["ascii_upcase as $u | [$u, ., ($u == .)]", "aB"],
  ["[.[] | {a: .} | .a] == .", [1, [2]]],
  ["tojson == (tojson | fromjson | tojson)", [1.5, { a: "b" }]],
  ["map(. as [$a] | $a)", [[1], [2, 3]]],
];

const NUMBERS: readonly Json[] = [0, 1, -1, 2, 3, 0.5, -2.5, 10, 100, 1e3, 255];
const TEXTS: readonly Json[] = [
  "",
  "a",
  "b",
  "abc",
  "a,b",
  "banana",
  "É",
  "😀x",
  "10",
  "-3.5",
  "null",
  "x y z",
  "2015-03-05T23:51:47Z",
  "A1b2",
];
const KEYS: readonly string[] = ["a", "b", "c", "key", "value", "name"];

function pick<T>(chance: Random32, items: readonly T[]): T {
  return items[chance() % items.length] as T;
}

export function randomInput(chance: Random32, depth: number): Json {
  const kind = chance() % (depth <= 0 ? 6 : 12);
  if (kind < 2) return pick(chance, NUMBERS);
  if (kind < 4) return pick(chance, TEXTS);
  if (kind < 6) return pick(chance, [null, true, false] as const);
  const several = Array.from({ length: chance() % 5 }, () => randomInput(chance, depth - 1));
  if (kind < 9) return several;
  return Object.fromEntries(several.map((value) => [pick(chance, KEYS), value]));
}

const LEAVES = [
  ".",
  ".a",
  ".b",
  ".c",
  ".[0]",
  ".[1]",
  ".[-1]",
  ".[]",
  ".[]?",
  ".a?",
  "..",
  "1",
  "2",
  "-1",
  "0.5",
  "null",
  "true",
  "false",
  '"a"',
  '"b"',
  '""',
  '"abc"',
  "[]",
  "{}",
  "empty",
  ".[1:]",
  ".[:2]",
  ".[-2:]",
  '.["a"]',
  ".a.b",
  ".a[0]",
  "$x",
  "$y",
  "[1,2,3]",
  '{"a":1,"b":[2]}',
  '["b","a"]',
  "1000",
  "(1,2)",
  "[.[]?]",
] as const;

const PLAIN = [
  "length",
  "keys",
  "keys_unsorted",
  "type",
  "not",
  "tostring",
  "tojson",
  "tonumber",
  "fromjson",
  "sort",
  "unique",
  "reverse",
  "add",
  "any",
  "all",
  "min",
  "max",
  "flatten",
  "floor",
  "ceil",
  "round",
  "sqrt",
  "fabs",
  "abs",
  "first",
  "last",
  "to_entries",
  "from_entries",
  "ascii_downcase",
  "ascii_upcase",
  "explode",
  "implode",
  "trim",
  "ltrim",
  "rtrim",
  "utf8bytelength",
  "transpose",
  "tostream",
  "toboolean",
  "values",
  "scalars",
  "numbers",
  "strings",
  "iterables",
  "@text",
  "@json",
  "@csv",
  "@tsv",
  "@sh",
  "@base64",
  "@base64d",
  "@uri",
  "paths",
  "isnan",
  "isinfinite",
  "isnormal",
  "infinite",
  "error",
  "combinations",
  "todate",
  "fromdate",
  "gmtime",
  "mktime",
  "recurse",
  'getpath(["a"])',
  'has("a")',
  "has(0)",
  "del(.a)",
  "del(.[0])",
  "indices(1)",
  'indices("a")',
  'index("a")',
  'rindex("a")',
  "inside([1,2,3])",
  'contains("a")',
  "contains([1])",
  'startswith("a")',
  'endswith("c")',
  'ltrimstr("a")',
  'rtrimstr("c")',
  'trimstr("a")',
  'split(",")',
  'split("")',
  'join(",")',
  'join("-")',
  'test("a")',
  'test("[0-9]+")',
  '[match("a"; "g").offset]',
  '[scan("[a-z]")]',
  'sub("a"; "b")',
  'gsub("[aeiou]"; "<\\(.)>")',
  'gsub("(?<x>[a-z])"; .x + "-")',
  'capture("(?<l>[a-z])(?<d>[0-9])?")',
  '[splits("[, ]")]',
  "flatten(1)",
  "range(3)",
  'splits("a")',
  "tojson | fromjson",
  "with_entries(.)",
  "to_entries | from_entries",
  "bsearch(1)",
  "nth(1)",
  "limit(2; .[])",
  "skip(1; .[])",
  'getpath(["a","b"])',
  "ltrimstr(1)",
  "@html",
  'strftime("%Y-%m-%d")',
  'strptime("%Y-%m-%dT%H:%M:%SZ")',
  "todateiso8601",
  "significand",
  "logb",
  "trunc",
  "exp10",
  "tojson | length",
  "splits(1)?",
] as const;

const OF_ONE = [
  "map",
  "map_values",
  "select",
  "sort_by",
  "group_by",
  "unique_by",
  "min_by",
  "max_by",
  "path",
  "del",
  "first",
  "last",
  "any",
  "all",
  "add",
  "isempty",
  "paths",
  "pick",
  "walk",
  "with_entries",
  "to_entries | map",
  "INDEX",
  "IN",
  "error",
  "tojson | test",
  "has",
  "contains",
  "inside",
  "startswith",
  "index",
  "join",
  "split",
  "flatten",
  "ltrimstr",
  "in",
  "getpath",
  "range",
  "delpaths",
] as const;
const OPERATORS = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or", "//", ",", "|"] as const;
const UPDATES = ["=", "|=", "+=", "-=", "*=", "//="] as const;
const PATHS = [
  ".a",
  ".b",
  ".[0]",
  ".[]",
  ".[]?",
  ".a.b",
  ".[1:]",
  ".[-1]",
  "..",
  "first(.[])",
  "(.a, .b)",
  ".a?",
  "select(. != null)",
  "(.[] | select(. != 1))",
  "limit(1; .[])",
  'getpath(["a",0])',
  "(.a // .b)",
  "if . then .a else .b end",
  "recurse",
  '.["a"]',
  ".c[0]",
] as const;

/** A program that ends: nothing in it repeats but over the values it has. `$x` and `$y` are always there. */
export function randomProgram(chance: Random32, depth: number): string {
  return `1 as $x | "b" as $y | ${program(chance, depth)}`;
}

function program(chance: Random32, depth: number): string {
  if (depth <= 0) return pick(chance, chance() % 3 === 0 ? PLAIN : LEAVES);
  const inner = (): string => program(chance, depth - 1);
  switch (chance() % 26) {
    case 0:
    case 1:
    case 2:
    case 3:
      return `(${inner()}) ${pick(chance, OPERATORS)} (${inner()})`;
    case 4:
    case 5:
    case 6:
    case 7:
      return `${inner()} | ${inner()}`;
    case 8:
      return `[${inner()}]`;
    case 9:
      return `{a: (${inner()}), ${pick(chance, KEYS)}: (${inner()})}`;
    case 10:
      return `{(${inner()}): 1}`;
    case 11:
      return `if ${inner()} then ${inner()} else ${inner()} end`;
    case 12:
      return `try (${inner()}) catch (${inner()})`;
    case 13:
      return `(${inner()})?`;
    case 14:
      return `reduce (${inner()}) as $x (${inner()}; ${inner()})`;
    case 15:
      return `[foreach (${inner()}) as $x (${inner()}; ${inner()}; ${inner()})]`;
    case 16:
      return `(${inner()}) as $x | ${inner()}`;
    case 17:
      return `(${inner()}) as [$x, $y] | ${inner()}`;
    case 18:
      return `[. as {a: $x, b: [$y]} ?// [$x, $y] | ${inner()}]`;
    case 19:
      return `(${pick(chance, PATHS)}) ${pick(chance, UPDATES)} (${inner()})`;
    case 20:
      return `label $out | (${inner()}, break $out, ${inner()})`;
    case 21:
      return `def f: ${inner()}; def g(h): [h, (${inner()} | h)]; g(f)`;
    case 22:
      return `[limit(3; ${inner()})]`;
    case 23:
      return `"<\\(${inner()})>"`;
    default:
      return `${pick(chance, OF_ONE)}(${inner()})`;
  }
}

/** Why an answer may differ from jq's; null where it may not. */
export function knownDifference(program: string, here: unknown, there: unknown): string | null {
  for (const [reason, isIt] of DIFFERENCES) if (isIt(program, JSON.stringify(here), JSON.stringify(there))) return reason;
  return null;
}

const DIFFERENCES: readonly (readonly [reason: string, isIt: (program: string, here: string, there: string) => boolean])[] = [
  ["keys that are computed from constants are refused when they are run", (_, here, there) => isIn("as object key", here, there)],
  ["paths go through reduce, foreach and updates", (_, _here, there) => there.includes("Invalid path expression")],
  ["a path that is none is said before what is wrong on its way", (_, here) => here.includes("Invalid path expression")],
  ["regular expressions are RE2's: their errors are in its words", (_, here) => here.includes("is not a valid regex")],
  [
    "every start of a reduce sees the input",
    (program, _, there) => program.includes("reduce") && there.includes("Cannot iterate over null (null)"),
  ],
  ["what is not UTF-8 in base64 is replaced piece by piece", (_, here) => here.includes("\ufffd")],
];

function isIn(text: string, here: string, there: string): boolean {
  return here.includes(text) || (there.includes("refused") && !here.includes("refused"));
}
