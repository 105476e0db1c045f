// Wrong calls of the real command: each ends with its own code and exit, says where and what, prints nothing on stdout
// and no stack trace (test/command.ts looks at that), and leaves the data directory as good as it was.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { type Ended, openPlace, type Place, readJsonOutput } from "./command.ts";

interface Wrong {
  readonly what: string;
  /** Written before; beside the files that every place has. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Symbolic links, and where they lead. */
  readonly links?: Readonly<Record<string, string>>;
  readonly words: string | readonly string[];
  readonly stdin?: string;
  readonly exit: number;
  readonly code: string;
  /** What else must be said: a name, a limit. */
  readonly says?: RegExp;
  /** The end of the place that the problem names: `file:line:column`. */
  readonly at?: string;
}

const workflow = (body: string, more = ""): string =>
  `import { workflow, z } from "batonflow";\nexport default workflow({ name: "w", ${more} run: async (ctx, input) => { ${body} } });\n`;
const step = (act: string, options = "{}"): string => workflow(`return await ctx.step("s", ${act}, ${options});`);
const topic = workflow("return input.topic;", "input: z.object({ topic: z.string(), n: z.number().optional() }),");

/** Every place has these. */
const GOOD = {
  "good.ts": workflow('return await ctx.step("s", () => "fine");'),
  "topic.ts": topic,
  "any.ts": workflow("return input;"),
};

/** A row whose file has the name of what is wrong with it. */
function fileRow(
  what: string,
  text: string | Uint8Array,
  more: Omit<Wrong, "what" | "files" | "words"> & { as?: string },
): Wrong {
  const { as = ".ts", ...rest } = more;
  const name = what.replaceAll(/\W+/g, "-") + as;
  return { what, files: { [name]: text }, words: `run ${name} --no-input`, ...rest };
}

/** A workflow that cannot be loaded. */
const unloadable = (what: string, text: string | Uint8Array, code: string, more: Partial<Wrong> & { as?: string } = {}): Wrong =>
  fileRow(what, text, { exit: 3, code, ...more });

/** A definition that cannot be taken. */
const defined = (what: string, definition: string, code: string, more: Partial<Wrong> = {}): Wrong =>
  unloadable(what, `import { workflow, z } from "batonflow";\nexport default workflow(${definition});`, code, more);

/** A run that fails. */
const failing = (what: string, body: string, code: string, says?: RegExp): Wrong =>
  fileRow(what, workflow(body), { exit: 1, code, ...(says === undefined ? {} : { says }) });

const retry = (what: string, policy: string, says: RegExp): Wrong =>
  failing(what, `return ctx.step("s", () => 1, { retry: ${policy} });`, "RETRY_INVALID", says);

const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

const commands: readonly Wrong[] = [
  { what: "no such command", words: "rnu good.ts", exit: 2, code: "USAGE", says: /run/ },
  { what: "no such flag", words: "run good.ts --inptu {}", exit: 2, code: "USAGE", says: /--input/ },
  { what: "no file", words: "run", exit: 2, code: "USAGE" },
  { what: "two files", words: "run good.ts topic.ts", exit: 2, code: "USAGE" },
  { what: "a flag without its value", words: "run good.ts --json --key", exit: 2, code: "USAGE" },
  { what: "a time-out that is no duration", words: "run good.ts --timeout soon", exit: 2, code: "USAGE", says: /soon/ },
  { what: "a negative time-out", words: "run good.ts --timeout=-5s", exit: 2, code: "USAGE" },
  { what: "a host that is none", words: ["run", "good.ts", "--allow", "http://a b"], exit: 2, code: "USAGE" },
  { what: "no such runs command", words: "runs shwo x", exit: 2, code: "USAGE" },
  { what: "no run named", words: "runs show", exit: 2, code: "USAGE" },
  { what: "an id that is none", words: "runs show nonsense", exit: 4, code: "RUN_UNKNOWN" },
  { what: "a run that is not there", words: "runs show run_aaaa0001", exit: 4, code: "RUN_UNKNOWN", says: /run_aaaa0001/ },
  { what: "the journal of a run that is not there", words: "runs journal run_aaaa0001", exit: 4, code: "RUN_UNKNOWN" },
  { what: "watching a run that is not there", words: "runs watch run_aaaa0001", exit: 4, code: "RUN_UNKNOWN" },
  { what: "canceling a run that is not there", words: "runs cancel run_aaaa0001", exit: 4, code: "RUN_UNKNOWN" },
  { what: "resuming a run that is not there", words: "runs resume run_aaaa0001", exit: 4, code: "RUN_UNKNOWN" },
  { what: "no such status", words: "runs ls --status doen", exit: 2, code: "REQUEST_INVALID", says: /doen|status/ },
  { what: "a cursor nobody gave out", words: "runs ls --cursor x", exit: 2, code: "CURSOR_INVALID" },
  { what: "since no duration", words: "runs ls --since yesterday", exit: 2, code: "QUERY_INVALID", says: /yesterday/ },
  { what: "detached with no owner", words: "run good.ts --detach", exit: 6, code: "NO_OWNER" },
  { what: "a file without a name", words: ["run", ""], exit: 2, code: "USAGE", says: /not a path/ },
  { what: "a companion without a name", words: ["run", "good.ts", "--with", ""], exit: 2, code: "USAGE", says: /--with/ },
  { what: "a data directory without a name", words: ["runs", "ls", "--data", ""], exit: 2, code: "USAGE", says: /--data/ },
  { what: "a port beyond all ports", words: "run good.ts --allow localhost:65536", exit: 2, code: "USAGE", says: /65536/ },
  { what: "a time-out without a unit", words: "run good.ts --timeout 30", exit: 2, code: "USAGE", says: /30s/ },
  { what: "watching for no duration", words: "runs watch run_aaaa0001 --timeout x", exit: 2, code: "USAGE", says: /30s/ },
  { what: "resuming for no duration", words: "runs resume run_aaaa0001 --timeout x", exit: 2, code: "USAGE", says: /30s/ },
  { what: "a server that cannot be asked yet", words: "runs ls --url http://127.0.0.1:1", exit: 2, code: "NOT_YET" },
  { what: "two runs", words: "runs show run_aaaa0001 run_aaaa0002", exit: 2, code: "USAGE" },
  { what: "an empty id", words: ["runs", "show", ""], exit: 4, code: "RUN_UNKNOWN", says: /no run \\"\\"/ },
  { what: "an id of two lines", words: ["runs", "show", "run_a\nb"], exit: 4, code: "RUN_UNKNOWN", says: /run_a\\\\nb/ },
  { what: "an id that is too long", words: ["runs", "show", "r".repeat(201)], exit: 2, code: "REQUEST_INVALID", says: /200/ },
  { what: "a page of none", words: "runs ls --limit 0", exit: 2, code: "REQUEST_INVALID", says: /limit/ },
  { what: "a page of half a run", words: "runs ls -n 1.5", exit: 2, code: "REQUEST_INVALID", says: /limit/ },
  { what: "a page of no number", words: "runs ls -n many", exit: 2, code: "REQUEST_INVALID", says: /limit/ },
  { what: "a page that is too long", words: "runs ls -n 1001", exit: 2, code: "REQUEST_INVALID", says: /limit.*1000/ },
  { what: "entries after no number", words: "runs journal run_a --after x", exit: 2, code: "REQUEST_INVALID", says: /after/ },
  { what: "since the 30th of February", words: "runs ls --since 2026-02-30T00:00:00Z", exit: 2, code: "QUERY_INVALID" },
];

/** Reading it fails, for root too. */
const UNREADABLE: Wrong = {
  what: "a file that cannot be read",
  links: { "mem.ts": "/proc/self/mem" },
  words: "run mem.ts",
  ...{ exit: 3, code: "WF_LOAD_FAILED", at: "mem.ts" },
};

const files: readonly Wrong[] = [
  { what: "no such file", words: "run nowhere.ts", exit: 4, code: "WF_FILE_MISSING", says: /nowhere\.ts/ },
  { what: "a directory", files: { "dir/x": "" }, words: "run dir", exit: 3, code: "WF_FILE_KIND" },
  { what: "another kind of file", files: { "a.txt": "hello" }, words: "run a.txt", exit: 3, code: "WF_FILE_KIND" },
  { what: "an empty file", files: { "empty.ts": "" }, words: "run empty.ts", exit: 3, code: "WF_NONE" },
  {
    what: "an export that is no workflow",
    files: { "f.ts": "export default () => 1;" },
    words: "run f.ts",
    exit: 3,
    code: "WF_NONE",
  },
  { what: "no such export", words: "run good.ts#other", exit: 3, code: "WF_EXPORT_UNKNOWN", says: /other/ },
  {
    what: "several workflows and no default",
    files: {
      "two.ts":
        'import { workflow } from "batonflow";\nexport const a = workflow({ name: "a", run: () => 1 });\nexport const b = workflow({ name: "b", run: () => 1 });',
    },
    ...{ words: "run two.ts", exit: 3, code: "WF_SEVERAL", says: /a.*b/s },
  },
  {
    what: "a syntax error",
    files: { "syn.ts": "const x = 1;\nexport default {{;\n" },
    words: "run syn.ts",
    exit: 3,
    code: "WF_SYNTAX",
    says: /syn\.ts:2/,
  },
  {
    what: "an enum",
    files: { "enum.ts": "export const x = 1;\nenum E { A }\n" },
    words: "run enum.ts",
    exit: 3,
    code: "WF_TS_SYNTAX",
    says: /enum\.ts:2/,
  },
  {
    what: "a package that is not installed",
    files: { "imp.ts": 'import x from "no-such-package";\nexport default x;' },
    words: "run imp.ts",
    exit: 3,
    code: "WF_IMPORT",
    says: /no-such-package/,
  },
  {
    what: "a file that is not beside it",
    files: { "imp2.ts": 'import x from "./gone.ts";\nexport default x;' },
    words: "run imp2.ts",
    exit: 3,
    code: "WF_IMPORT",
    says: /gone\.ts/,
  },
  {
    what: "a throw at the top level",
    files: { "thr.ts": 'throw new Error("no luck");' },
    words: "run thr.ts",
    exit: 3,
    code: "WF_LOAD_FAILED",
    says: /no luck.*thr\.ts:1|thr\.ts:1.*no luck/s,
  },
  { what: "a file below a file", words: "run good.ts/x.ts", exit: 4, code: "WF_FILE_MISSING" },
  { what: "a link to itself", links: { "loop.ts": "loop.ts" }, words: "run loop.ts", exit: 4, code: "WF_FILE_MISSING" },
  ...(process.platform === "linux" ? [UNREADABLE] : []),
  unloadable("a document that is none", "name: x", "DOCUMENT_INVALID", { as: ".yaml", exit: 3 }),
  unloadable("bytes that are no text", Uint8Array.of(0, 255, 254, 1, 2, 200), "WF_SYNTAX", { at: ":1:1" }),
  unloadable("a syntax error of JavaScript", "\nconst x = ;", "WF_SYNTAX", { as: ".js", at: ".js:2:11" }),
  unloadable("a syntax error of a module", "\nconst x = ;", "WF_SYNTAX", { as: ".mjs", at: ".mjs:2:11" }),
  unloadable("a namespace", "\n  namespace N { export const a = 1; }", "WF_TS_SYNTAX", { at: ":2:3" }),
  unloadable("a parameter property", "class A {\n  constructor(public a: number) {}\n}", "WF_TS_SYNTAX", { at: ":2:22" }),
  {
    what: "a syntax error in a file beside it",
    files: { "beside.ts": "\n\nconst x = ;", "beside-it.ts": 'import "./beside.ts";' },
    ...{ words: "run beside-it.ts", exit: 3, code: "WF_SYNTAX", at: "/beside.ts:3:11" },
  },
  {
    what: "an import in a file beside it that is not there",
    files: { "lacks.ts": '\nimport "nothing-of-this-name";', "lacks-it.ts": 'import "./lacks.ts";' },
    ...{ words: "run lacks-it.ts", exit: 3, code: "WF_IMPORT", at: "/lacks.ts:2:8" },
  },
  unloadable("an import of what is not exported", 'import { x } from "batonflow";\nx();', "WF_SYNTAX", { at: ":1:10" }),
  unloadable("a face that is none", 'import "batonflow/x";', "WF_IMPORT", { at: ":1:8", says: /batonflow\/testing/ }),
  unloadable("a part of zod that is none", 'import "zod/x";', "WF_IMPORT", { at: ":1:8" }),
  unloadable("an import of a directory", 'import "./";', "WF_IMPORT", { at: ":1:8" }),
  unloadable("a throw of nothing at the top level", "throw undefined;", "WF_LOAD_FAILED", { at: "level.ts" }),
  unloadable("a throw of what has no text", "throw Object.create(null);", "WF_LOAD_FAILED", { at: "text.ts" }),
  unloadable("an error whose message is none", "throw Object.assign(new Error(), { message: 5, stack: 7 });", "WF_LOAD_FAILED"),
  defined("nothing defined", "", "WF_INVALID", { at: ":2:16" }),
  defined("a name that is no text", "{ name: 1n, run: () => 1 }", "WF_INVALID", { at: ":2:16" }),
  defined("a version that is none", '{ name: "a", version: "one", run: () => 1 }', "WF_INVALID", {
    at: ":2:16",
    says: /1\.0\.0/,
  }),
  defined("a time-out that is none", '{ name: "a", timeoutMs: -1, run: () => 1 }', "WF_INVALID", {
    at: ":2:16",
    says: /timeoutMs/,
  }),
  defined("a type that is none", '{ name: "a", input: { type: "strnig" }, run: () => 1 }', "WF_SCHEMA", { at: ":2:16" }),
  {
    ...defined("a schema without JSON", '{ name: "a", input: z.object({ d: z.date() }), run: () => 1 }', "WF_SCHEMA"),
    words: "run a-schema-without-JSON.ts -i d=1",
  },
  defined("a check that takes time", '{ name: "a", input: z.object({}).refine(async () => true), run: () => 1 }', "SCHEMA_ASYNC"),
  unloadable(
    "two workflows of one name",
    'import { workflow } from "batonflow";\nexport const a = workflow({ name: "a", run: () => 1 });\nexport default workflow({ name: "a", run: () => 2 });',
    ...(["WORKFLOW_TWICE", { says: /#a.*#default|#default.*#a/ }] as const),
  ),
  { what: "a companion of the same name", words: "run good.ts --with any.ts", exit: 3, code: "WORKFLOW_TWICE", says: /any\.ts/ },
  {
    what: "a process that ends while loading",
    files: { "exit.ts": "process.exit(0);" },
    words: "run exit.ts",
    exit: 3,
    code: "WF_LOAD_FAILED",
  },
  {
    what: "a workflow without a name",
    files: { "n.ts": 'import { workflow } from "batonflow";\nexport default workflow({ run: () => 1 });' },
    words: "run n.ts",
    exit: 3,
    code: "WF_INVALID",
    says: /name/,
  },
  {
    what: "a name with a slash",
    files: { "n2.ts": 'import { workflow } from "batonflow";\nexport default workflow({ name: "a/b", run: () => 1 });' },
    words: "run n2.ts",
    exit: 3,
    code: "WF_INVALID",
    says: /a\/b/,
  },
  {
    what: "a workflow without a function",
    files: { "n3.ts": 'import { workflow } from "batonflow";\nexport default workflow({ name: "a" });' },
    words: "run n3.ts",
    exit: 3,
    code: "WF_INVALID",
    says: /run/,
  },
  {
    what: "a schema that is none",
    files: { "s.ts": workflow("return 1;", 'input: "text",') },
    words: "run s.ts",
    exit: 3,
    code: "WF_SCHEMA",
  },
  {
    what: "a companion that is not there",
    words: "run good.ts --with gone.ts",
    exit: 4,
    code: "WF_FILE_MISSING",
    says: /gone\.ts/,
  },
];

const inputs: readonly Wrong[] = [
  {
    what: "an input that is not JSON",
    words: ["run", "topic.ts", "--input", "{topic: 1}"],
    exit: 2,
    code: "JSON_MALFORMED",
    says: /line 1, column 2/,
  },
  {
    what: "an input file that is not there",
    words: "run topic.ts --input @gone.json",
    exit: 2,
    code: "INPUT_UNREADABLE",
    says: /gone\.json/,
  },
  {
    what: "an input file that is not JSON",
    files: { "in.json": '{\n"topic": }' },
    words: "run topic.ts --input @in.json",
    exit: 2,
    code: "JSON_MALFORMED",
    says: /in\.json .*line 2, column 10/,
  },
  { what: "nothing on standard input", words: "run topic.ts --input -", stdin: "", exit: 2, code: "JSON_MALFORMED" },
  { what: "a field without a value", words: "run topic.ts -i topic", exit: 2, code: "USAGE", says: /topic/ },
  { what: "a field that is missing", words: "run topic.ts", exit: 2, code: "INPUT_INVALID", says: /topic/ },
  {
    what: "a field of another kind",
    words: ["run", "topic.ts", "--input", '{"topic":5}'],
    exit: 2,
    code: "INPUT_INVALID",
    says: /topic/,
  },
  { what: "a number that is text", words: "run topic.ts -i topic=a -i n=many", exit: 2, code: "INPUT_INVALID", says: /n/ },
  {
    what: "a number beyond doubles",
    words: ["run", "any.ts", "--input", "[1e999]"],
    exit: 2,
    code: "JSON_MALFORMED",
    says: /1e999/,
  },
  {
    what: "an integer that would change",
    words: ["run", "any.ts", "--input", "9007199254740993"],
    exit: 2,
    code: "JSON_MALFORMED",
  },
  {
    what: "a key that would reach prototypes",
    words: ["run", "any.ts", "--input", '{"__proto__":{"x":1}}'],
    exit: 2,
    code: "JSON_MALFORMED",
    says: /__proto__/,
  },
  { what: "too deep a nesting", words: ["run", "any.ts", "--input", deep(100)], exit: 2, code: "JSON_TOO_DEEP", says: /64/ },
  {
    what: "too many bytes",
    files: { "big.json": `"${"x".repeat(20_000_000)}"` },
    words: "run any.ts --input @big.json",
    exit: 2,
    code: "JSON_TOO_LARGE",
    says: /the limit/,
  },
  { what: "no input at all", words: ["run", "any.ts", "--input", ""], exit: 2, code: "JSON_MALFORMED" },
  { what: "no number as input", words: "run any.ts --input NaN", exit: 2, code: "JSON_MALFORMED", says: /line 1, column 1/ },
  { what: "two inputs in one", words: ["run", "any.ts", "--input", "{} {}"], exit: 2, code: "JSON_MALFORMED", says: /column 4/ },
  { what: "an input file without a name", words: "run any.ts --input @", exit: 2, code: "INPUT_UNREADABLE" },
  { what: "a directory as input", words: "run any.ts --input @.", exit: 2, code: "INPUT_UNREADABLE", says: /EISDIR/ },
  { what: "an input without end", words: "run any.ts --input @/dev/zero", exit: 2, code: "JSON_TOO_LARGE", says: /the limit/ },
  {
    what: "an input file that is no text",
    files: { "latin.json": Uint8Array.of(0x22, 0xe4, 0x22) },
    ...{ words: "run any.ts --input @latin.json", exit: 2, code: "INPUT_UNREADABLE", says: /UTF-8/ },
  },
  { what: "a field without a name", words: "run topic.ts -i =a", exit: 2, code: "USAGE", says: /key=value/ },
  { what: "a field given twice", words: "run topic.ts -i topic=a -i topic=b", exit: 2, code: "USAGE", says: /topic.*twice/ },
  {
    what: "a field of no object",
    words: "run any.ts --input [] -i a=1",
    exit: 2,
    code: "INPUT_UNREADABLE",
    says: /not an object/,
  },
  { what: "a field that would reach prototypes", words: "run any.ts -i __proto__=1", exit: 2, code: "USAGE", says: /__proto__/ },
  {
    what: "a key in a field that would reach prototypes",
    words: ["run", "any.ts", "-i", 'a=[{"__proto__":1}]'],
    ...{ exit: 2, code: "JSON_MALFORMED", says: /-i a.*__proto__/ },
  },
  { what: "too deep a field", words: ["run", "any.ts", "-i", `a=${deep(65)}`], exit: 2, code: "JSON_TOO_DEEP", says: /-i a/ },
  { what: "a field beyond doubles", words: "run any.ts -i n=1e999", exit: 2, code: "JSON_MALFORMED", says: /-i n.*1e999/ },
  { what: "an empty key", words: ["run", "good.ts", "--key", ""], exit: 2, code: "KEY_INVALID" },
  { what: "a key with control characters", words: ["run", "good.ts", "--key", "a\u0007b"], exit: 2, code: "KEY_INVALID" },
  { what: "a key that is too long", words: ["run", "good.ts", "--key", "k".repeat(1_000)], exit: 2, code: "KEY_INVALID" },
];

const bodies: readonly Wrong[] = [
  {
    what: "an output JSON has no word for",
    files: { "b.ts": step("() => 5n") },
    words: "run b.ts",
    exit: 1,
    code: "STEP_OUTPUT_INVALID",
    says: /bigint/,
  },
  {
    what: "an output that refers to itself",
    files: { "c.ts": step("() => { const a = {}; a.a = a; return a; }") },
    words: "run c.ts",
    exit: 1,
    code: "STEP_OUTPUT_INVALID",
  },
  {
    what: "a function as output",
    files: { "d.ts": step("() => ({ f: () => 1 })") },
    words: "run d.ts",
    exit: 1,
    code: "STEP_OUTPUT_INVALID",
    says: /\.f is a function/,
  },
  {
    what: "no number",
    files: { "e.ts": step("() => NaN") },
    words: "run e.ts",
    exit: 1,
    code: "STEP_OUTPUT_INVALID",
    says: /NaN/,
  },
  {
    what: "a name with half a character",
    files: { "half.ts": workflow('return await ctx.step("a\\ud800", () => 1);') },
    words: "run half.ts",
    exit: 1,
    code: "NAME_INVALID",
  },
  {
    what: "a delivery that there is not",
    files: { "delivery.ts": step("() => 1", '{ delivery: "atMostOnce" }') },
    words: "run delivery.ts",
    exit: 1,
    code: "OPTION_INVALID",
    says: /at-most-once/,
  },
  {
    what: "no options at all",
    files: { "null.ts": step("() => 1", "null") },
    words: "run null.ts",
    exit: 1,
    code: "OPTION_INVALID",
  },
  {
    what: "a child that is neither canceled nor kept",
    files: {
      "close.ts": `import { workflow } from "batonflow";
const child = workflow({ name: "c", run: () => 1 });
export default workflow({ name: "w", run: (ctx) => ctx.start(child, null, { parentClose: "maybe" }) });`,
    },
    words: "run close.ts",
    exit: 1,
    code: "OPTION_INVALID",
    says: /parentClose/,
  },
  {
    what: "a scope without a function",
    files: { "scope.ts": workflow('await ctx.scope("a");') },
    words: "run scope.ts",
    exit: 1,
    code: "OPTION_INVALID",
  },
  { what: "a step without a function", files: { "g.ts": step("5") }, words: "run g.ts", exit: 1, code: "OPTION_INVALID" },
  {
    what: "a step without a name",
    files: { "h.ts": workflow('return await ctx.step("", () => 1);') },
    words: "run h.ts",
    exit: 1,
    code: "NAME_INVALID",
  },
  {
    what: "retries below one",
    files: { "i.ts": step("() => 1", "{ retry: { attemptsMax: 0 } }") },
    words: "run i.ts",
    exit: 1,
    code: "RETRY_INVALID",
    says: /attemptsMax/,
  },
  {
    what: "a time-out of nothing",
    files: { "j.ts": step("() => 1", "{ timeoutMs: 0 }") },
    words: "run j.ts",
    exit: 1,
    code: "OPTION_INVALID",
    says: /timeoutMs/,
  },
  {
    what: "a throw in a step",
    files: { "k.ts": step('() => { throw new TypeError("it broke"); }') },
    words: "run k.ts",
    exit: 1,
    code: "STEP_FAILED",
    says: /it broke/,
  },
  {
    what: "a step that ends the process",
    files: { "exits.ts": step("() => process.exit(0)") },
    words: "run exits.ts",
    exit: 70,
    code: "PROCESS_ENDED",
  },
  {
    what: "a throw of no error",
    files: { "l.ts": step("() => { throw undefined; }") },
    words: "run l.ts",
    exit: 1,
    code: "STEP_FAILED",
  },
  {
    what: "a throw beside any step",
    files: { "m.ts": workflow('throw new Error("oops");') },
    words: "run m.ts",
    exit: 1,
    code: "RUN_THREW",
    says: /oops/,
  },
  {
    what: "an output that does not fit",
    files: { "o.ts": workflow("return 5;", "output: z.string(),") },
    words: "run o.ts",
    exit: 1,
    code: "OUTPUT_INVALID",
  },
  {
    what: "a child that is not known",
    files: { "p.ts": workflow('return await ctx.run("ghost", {});') },
    words: "run p.ts",
    exit: 1,
    code: "WORKFLOW_UNKNOWN",
    says: /ghost/,
  },
  {
    what: "a moment that is none",
    files: { "q.ts": workflow('await ctx.sleepUntil("s", "tomorrow");') },
    words: "run q.ts",
    exit: 1,
    code: "OPTION_INVALID",
    says: /tomorrow/,
  },
  {
    what: "a question nobody answers",
    files: { "r.ts": workflow('return await ctx.ask("q", { schema: z.string() });') },
    words: "run r.ts --no-input",
    exit: 8,
    code: "",
  },
  {
    ...fileRow("a run without end", workflow("return new Promise(() => undefined);"), { exit: 7, code: "" }),
    words: "run a-run-without-end.ts --timeout 200ms",
  },
  fileRow("a run that takes too long", workflow('await ctx.sleep("s", 60_000);', "timeoutMs: 50,"), {
    exit: 1,
    code: "RUN_TIMEOUT",
  }),
  failing("a name of two lines", 'return ctx.step("a\\nb", () => 1);', "NAME_INVALID"),
  failing("a name that is too long", 'return ctx.step("x".repeat(257), () => 1);', "NAME_INVALID", /257.*256/),
  failing("a name that is a number", "return ctx.step(7, () => 1);", "NAME_INVALID", /number/),
  failing(
    "a name that is open already",
    'return Promise.all([ctx.step("a", async () => 1), ctx.step("a", async () => 2)]);',
    "NAME_OPEN_TWICE",
  ),
  failing("a moment as output", 'return ctx.step("s", () => ({ at: new Date() }));', "STEP_OUTPUT_INVALID", /\.at is a Date/),
  failing("too large an output", 'return ctx.step("s", () => "x".repeat(9_000_000));', "STEP_OUTPUT_INVALID", /the limit/),
  failing("a getter that throws", 'return ctx.step("s", () => ({ get x() { throw new Error("no"); } }));', "STEP_OUTPUT_INVALID"),
  failing(
    "a throw of half a problem",
    'throw Object.assign(new Error("half"), { problem: { code: "X" } });',
    "RUN_THREW",
    /half/,
  ),
  failing("a throw of what has no words", 'return ctx.step("s", () => { throw Object.create(null); });', "STEP_FAILED"),
  retry("retries that are half", "{ attemptsMax: 1.5 }", /whole number/),
  retry("retries in words", '{ attemptsMax: "3" }', /\\"3\\"/),
  retry("retries of another name", "{ maxAttempts: 3 }", /maxAttempts.*attemptsMax/),
  retry("retries that are a number", "3", /retry is 3/),
  retry("a delay below nothing", "{ firstDelayMs: -1 }", /firstDelayMs/),
  retry("a factor that is no number", "{ factor: NaN }", /factor/),
  retry("too much jitter", "{ jitter: 2 }", /jitter/),
  retry("codes that are no list", '{ nonRetryable: "TypeError" }', /nonRetryable/),
  failing("a time-out in words", 'return ctx.step("s", () => 1, { timeoutMs: "5s" });', "OPTION_INVALID", /timeoutMs/),
  failing("a step that takes too long", 'return ctx.step("s", () => new Promise(() => {}), { timeoutMs: 50 });', "STEP_TIMEOUT"),
  failing("a sleep in words", 'return ctx.sleep("s", "5s");', "OPTION_INVALID", /5s/),
  failing("the 30th of February", 'return ctx.sleepUntil("s", "2026-02-30T00:00:00Z");', "OPTION_INVALID", /02-30/),
  failing("a question without a schema", 'return ctx.ask("q");', "OPTION_INVALID", /schema/),
  failing(
    "a default that does not fit",
    'return ctx.ask("q", { schema: z.boolean(), default: 1 });',
    "OPTION_INVALID",
    /default/,
  ),
  failing("a question in no JSON", 'return ctx.ask("q", { schema: z.date() });', "WF_SCHEMA", /Date/),
  failing("a signal to nobody", 'return ctx.sendSignal("nobody", "s");', "OPTION_INVALID", /nobody/),
  failing("a signal of no JSON", 'return ctx.sendSignal(ctx.info.run, "s", 1n);', "NOT_JSON", /bigint/),
  failing("a child that is none", "return ctx.run(undefined, null);", "OPTION_INVALID", /child/),
  failing("an output that is a function", "return () => 1;", "NOT_JSON", /function/),
  failing("opening what is open", 'const b = await import("batonflow"); await b.openBaton({ data: ".baton" });', "DATA_LOCKED"),
];

const places: readonly Wrong[] = [
  {
    what: "a file as data directory",
    files: { "data.txt": "x" },
    words: "run good.ts --data data.txt",
    exit: 74,
    code: "DATA_DIRECTORY",
  },
  {
    what: "reading a file as data directory",
    words: "runs ls --data good.ts",
    exit: 74,
    code: "DATA_DIRECTORY",
    says: /good\.ts/,
  },
  { what: "canceling in a file", words: "runs cancel run_aaaa0001 --data good.ts", exit: 74, code: "DATA_DIRECTORY" },
  { what: "a data directory below a file", words: "run good.ts --data good.ts/data", exit: 74, code: "DATA_DIRECTORY" },
  { what: "a link in a circle", links: { circle: "circle" }, words: "runs ls --data circle", exit: 74, code: "DATA_DIRECTORY" },
  {
    what: "a note of an owner that cannot be written",
    files: { "noted/owner.json/x": "" },
    ...{ words: "run good.ts --data noted", exit: 74, code: "DATA_DIRECTORY", says: /owner\.json/ },
  },
  {
    what: "a lock that is none",
    files: { "locked/lock": "no lock ".repeat(1_000) },
    ...{ words: "run good.ts --data locked", exit: 74, code: "DATA_UNUSABLE", says: /lock/ },
  },
  { what: "a place where none can be made", words: "run good.ts --data /proc/baton", exit: 74, code: "DATA_DIRECTORY" },
  {
    what: "a database that is none",
    files: { "bad/baton.db": "this is no database, but a text of some length ".repeat(40) },
    words: "run good.ts --data bad",
    exit: 74,
    code: "DATA_UNUSABLE",
  },
  {
    what: "reading a database that is none",
    files: { "bad2/baton.db": "this is no database, but a text of some length ".repeat(40) },
    words: "runs ls --data bad2",
    exit: 74,
    code: "DATA_UNUSABLE",
  },
];

const RUN = "run_00010001";

/** Steering, schedules, events: what is asked of runs, and of what starts them. */
const steering: readonly Wrong[] = [
  ...["pause", "retry", "fork", "rm", "migrate", "cancel", "resume"].map((verb) => ({
    what: `${verb} of a run that is not there`,
    ...{ words: `runs ${verb} ${RUN}`, exit: 4, code: "RUN_UNKNOWN" },
  })),
  { what: "skip without a step", words: `runs skip ${RUN}`, exit: 2, code: "USAGE", says: /step/ },
  {
    what: "a result that is no JSON file",
    words: `runs skip ${RUN} s --result @no-such-file`,
    exit: 2,
    code: "INPUT_UNREADABLE",
  },
  { what: "a signal to a run that is not there", words: `runs signal ${RUN} go {}`, exit: 4, code: "RUN_UNKNOWN" },
  { what: "a signal without a name", words: `runs signal ${RUN}`, exit: 2, code: "USAGE" },
  { what: "neither a run nor a query", words: "runs pause", exit: 2, code: "USAGE", says: /--query/ },
  { what: "an empty query", words: ["runs", "pause", "--query", "", "--yes"], exit: 2, code: "QUERY_INVALID" },
  {
    what: "a query of unknown words",
    words: ["runs", "ls", "--query", "colour:red"],
    exit: 2,
    code: "QUERY_INVALID",
    says: /colour/,
  },
  {
    what: "a query of an unknown status",
    words: ["runs", "ls", "--query", "status:gone"],
    exit: 2,
    code: "QUERY_INVALID",
    says: /running/,
  },
  {
    what: "a query that ends early",
    words: ["runs", "ls", "--query", "status:failed input."],
    exit: 2,
    code: "QUERY_INVALID",
    says: /column 15/,
  },
  { what: "a query of a field with quotes", words: ["runs", "ls", "--query", "input.a'=1"], exit: 2, code: "QUERY_INVALID" },
  {
    what: "a query as long as a book",
    words: ["runs", "ls", "--query", "key:a ".repeat(1_000)],
    exit: 2,
    code: "REQUEST_INVALID",
  },
  { what: "an answer to nothing", words: `inbox answer ${RUN}/q true`, exit: 4, code: "RUN_UNKNOWN" },
  { what: "an answer without a value", words: `inbox answer ${RUN}/q`, exit: 2, code: "USAGE" },
  { what: "a question of no run", words: "inbox show nothing", exit: 4, code: "RUN_UNKNOWN" },
  {
    what: "a schedule without a timetable",
    words: "schedules add s good.ts",
    exit: 2,
    code: "SCHEDULE_INVALID",
    says: /cron, every, after/,
  },
  { what: "a schedule with two", words: "schedules add s good.ts --every 1m --after 1m", exit: 2, code: "SCHEDULE_INVALID" },
  {
    what: "a minute that is none",
    words: ["schedules", "add", "s", "good.ts", "--cron", "61 * * * *"],
    exit: 2,
    code: "SCHEDULE_INVALID",
    says: /minute/,
  },
  {
    what: "a day that never comes",
    words: ["schedules", "add", "s", "good.ts", "--cron", "0 0 30 2 *"],
    exit: 2,
    code: "SCHEDULE_INVALID",
    says: /never/,
  },
  {
    what: "a zone that is none",
    words: ["schedules", "add", "s", "good.ts", "--cron", "0 0 * * *", "--zone", "Mars/Base"],
    exit: 2,
    code: "SCHEDULE_INVALID",
    says: /Mars/,
  },
  {
    what: "a span that is none",
    words: "schedules add s good.ts --every often",
    exit: 2,
    code: "SCHEDULE_INVALID",
    says: /often/,
  },
  { what: "a span of nothing", words: "schedules add s good.ts --every 0s", exit: 2, code: "SCHEDULE_INVALID" },
  {
    what: "a schedule's name with a slash",
    words: "schedules add a/b good.ts --every 1m",
    exit: 2,
    code: "REQUEST_INVALID",
    says: /name/,
  },
  {
    what: "an overlap that is none",
    words: "schedules add s good.ts --every 1m --overlap maybe",
    exit: 2,
    code: "REQUEST_INVALID",
  },
  { what: "a catch-up that is none", words: "schedules add s good.ts --every 1m --catch-up 0", exit: 2, code: "REQUEST_INVALID" },
  {
    what: "a schedule of an input that does not fit",
    words: "schedules add s topic.ts --every 1m --input {}",
    exit: 2,
    code: "INPUT_INVALID",
  },
  {
    what: "a schedule of a workflow that is not loaded",
    words: "schedules add s nowhere --every 1m",
    exit: 4,
    code: "WORKFLOW_UNKNOWN",
  },
  { what: "a schedule that is not there", words: "schedules pause s", exit: 4, code: "SCHEDULE_UNKNOWN" },
  { what: "an event that is none", words: ["events", "send", "7"], exit: 2, code: "EVENT_INVALID" },
  { what: "an event without a type", words: ["events", "send", '{"id":"1"}'], exit: 2, code: "EVENT_INVALID", says: /type/ },
  {
    what: "an event of another specification",
    words: ["events", "send", '{"type":"x","specversion":"0.3"}'],
    exit: 2,
    code: "EVENT_INVALID",
  },
  {
    what: "an event with a capital in an attribute",
    words: ["events", "send", '{"type":"x","Upper":1}'],
    exit: 2,
    code: "EVENT_INVALID",
    says: /Upper/,
  },
  { what: "no events at all", words: ["events", "send", "[]"], exit: 2, code: "EVENT_INVALID" },
  { what: "check of a file that is not there", words: "check nowhere.ts", exit: 4, code: "WF_FILE_MISSING" },
  { what: "a code that is none", words: "explain NO_SUCH_THING", exit: 4, code: "CODE_UNKNOWN" },
  { what: "start of a file that is not there", words: "start nowhere.ts", exit: 4, code: "WF_FILE_MISSING" },
];

/** Options of what steps and runs may ask for. */
const options: readonly Wrong[] = [
  failing(
    "onInterrupted without at-most-once",
    'return ctx.step("s", () => 1, { onInterrupted: "retry" });',
    "OPTION_INVALID",
    /at-most-once/,
  ),
  failing(
    "onInterrupted of no meaning",
    'return ctx.step("s", () => 1, { delivery: "at-most-once", onInterrupted: "panic" });',
    "OPTION_INVALID",
  ),
  failing("a heartbeat time-out of nothing", 'return ctx.step("s", () => 1, { heartbeatTimeoutMs: 0 });', "OPTION_INVALID"),
  failing("a heartbeat that is no JSON", 'return ctx.step("s", (s) => { s.heartbeat(1n as never); return 1; });', "NOT_JSON"),
  failing("a limit of nothing", 'return ctx.step("s", () => 1, { limit: {} });', "FLOW_LIMIT_INVALID"),
  failing("a concurrency of none", 'return ctx.step("s", () => 1, { limit: { concurrency: 0 } });', "FLOW_LIMIT_INVALID"),
  failing(
    "a rate without a span",
    'return ctx.step("s", () => 1, { limit: { rate: { count: 1 } } as never });',
    "FLOW_LIMIT_INVALID",
    /perMs/,
  ),
  failing(
    "a priority beyond nine",
    'return ctx.step("s", () => 1, { limit: { concurrency: 1, priority: 10 } });',
    "OPTION_INVALID",
  ),
  failing("a compensation without a function", 'return ctx.compensate("s", 7 as never);', "OPTION_INVALID"),
  failing("listening for no events", 'return ctx.listen({ type: "x", count: 0 });', "OPTION_INVALID"),
  failing("an event without a type told by a run", "return ctx.emit({} as never);", "EVENT_INVALID"),
  failing("a stream without a name", 'ctx.stream("").write(1);', "NAME_INVALID"),
  failing("a patch without a name", 'return ctx.patch("\\u0000");', "NAME_INVALID"),
  defined("a retention of no meaning", '{ name: "w", retention: { days: 3 } as never, run: () => 1 }', "WF_INVALID", {
    says: /days/,
  }),
  defined("a negative age", '{ name: "w", retention: { ageMs: -1 }, run: () => 1 }', "WF_INVALID"),
];

const AT_ONCE = 3;

interface Told {
  readonly code: string;
  readonly at?: string;
}

/** The problem that was told: of a run in its place in the one object on stdout, of the command as the last line of stderr. */
function problemIn(ended: Ended, ofRun: boolean): Told | undefined {
  if (ofRun) return readJsonOutput<{ problem?: Told }>(ended).problem;
  assert.equal(ended.stdout, "");
  const last = ended.stderr.trimEnd().split("\n").at(-1) ?? "";
  return readJsonOutput<{ problem: Told }>({ ...ended, stdout: `${last}\n` }).problem;
}

/** What comes of a run, and not of the command: it failed, goes on, waits for a person. */
const EXITS_OF_RUNS = [1, 7, 8];

function prepare(place: Place, { files: texts = {}, links = {} }: Wrong): void {
  for (const [name, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(place.path, name)), { recursive: true });
    writeFileSync(join(place.path, name), text);
  }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(place.path, name));
}

async function tryOne(place: Place, row: Wrong): Promise<void> {
  const { words, stdin, exit, code, says, at } = row;
  prepare(place, row);
  const list = typeof words === "string" ? words.split(" ") : words;
  const ended = await place.baton(list.includes("--json") ? list : [...list, "--json"], stdin === undefined ? {} : { stdin });
  const told = `exit ${ended.code}\nstdout: ${ended.stdout.slice(0, 2_000)}\nstderr: ${ended.stderr.slice(0, 2_000)}`;
  assert.equal(ended.code, exit, told);
  const problem = problemIn(ended, EXITS_OF_RUNS.includes(exit));
  assert.equal(problem?.code ?? "", code, told);
  if (says !== undefined) assert.match(ended.stdout + ended.stderr, says);
  if (at !== undefined) assert.ok(problem?.at?.endsWith(at), `at ${problem?.at}, not ${at}`);
}

for (const [title, rows] of Object.entries({ commands, files, inputs, bodies, places, steering, options })) {
  describe(`wrong ${title}`, { concurrency: AT_ONCE }, () => {
    const place = openPlace(GOOD);
    for (const row of rows) test(row.what, () => tryOne(place, row));
    after(async () => {
      try {
        assert.equal((await place.baton("run good.ts")).stdout, "fine\n", "a right call works as before");
      } finally {
        place[Symbol.dispose]();
      }
    });
  });
}

describe("wrong states", { concurrency: AT_ONCE }, () => {
  const place = openPlace(GOOD);
  after(() => place[Symbol.dispose]());

  test("an ended run is neither canceled nor resumed", async () => {
    const { stdout } = await place.baton("run good.ts --json");
    const { run } = JSON.parse(stdout) as { run: string };
    await tryOne(place, { what: "", words: `runs cancel ${run}`, exit: 6, code: "RUN_ENDED" });
    assert.equal((await place.baton(`runs resume ${run}`)).stdout, "fine\n");
  });

  test("a key is not used for another input", async () => {
    assert.equal((await place.baton("run topic.ts -i topic=a --key k")).code, 0);
    await tryOne(place, { what: "", words: "run topic.ts -i topic=b --key k", exit: 6, code: "KEY_REUSED", says: /run_/ });
  });

  test("a run that failed is not resumed: its problem is told again", async () => {
    place.write("bad.ts", workflow('throw new Error("for good");'));
    const { run } = readJsonOutput<{ run: string }>(await place.baton("run bad.ts --json"));
    await tryOne(place, { what: "", words: `runs resume ${run}`, exit: 1, code: "RUN_THREW", says: /for good/ });
  });

  test("a run that was canceled is neither canceled again nor resumed", async () => {
    place.write("waits.ts", workflow('return ctx.waitSignal("never");'));
    const { run } = readJsonOutput<{ run: string }>(await place.baton("run waits.ts --timeout 0s --json"));
    assert.equal((await place.baton(`runs cancel ${run}`)).code, 0);
    await tryOne(place, { what: "", words: `runs cancel ${run}`, exit: 6, code: "RUN_ENDED" });
    await tryOne(place, { what: "", words: `runs resume ${run}`, exit: 7, code: "RUN_CANCELED" });
  });

  test("a reason that is too long cancels nothing", async () => {
    const { run } = readJsonOutput<{ run: string }>(await place.baton("run good.ts --json"));
    const words = ["runs", "cancel", run, "--reason", "x".repeat(1_001)];
    await tryOne(place, { what: "", words, exit: 2, code: "REQUEST_INVALID", says: /reason.*1000/ });
  });

  test("looking for a run makes no data directory", async () => {
    using empty = openPlace();
    for (const verb of ["show", "resume", "cancel"]) assert.equal((await empty.baton(`runs ${verb} run_aaaa0001`)).code, 4);
    assert.ok(!existsSync(join(empty.path, ".baton")));
  });

  test("a database that was cut off is told, and stays as it is", async () => {
    assert.equal((await place.baton("run good.ts --data cut")).code, 0);
    const database = join(place.path, "cut", "baton.db");
    truncateSync(database, 5_000);
    await tryOne(place, { what: "", words: "run good.ts --data cut", exit: 74, code: "DATA_UNUSABLE", says: /malformed/ });
    assert.equal(statSync(database).size, 5_000);
  });

  test("half a character is kept as it is", async () => {
    const ended = await place.baton(["run", "any.ts", "--input", '"\\ud800"', "--key", "half", "--json"]);
    assert.equal(readJsonOutput<{ output: unknown }>(ended).output, "\ud800");
  });

  test("what an error calls its code does not act on the terminal", async () => {
    place.write(
      "loud.ts",
      workflow(
        'throw Object.assign(new Error("loud"), { problem: { code: "\\u001b[31m\\n", title: "", detail: "loud", status: 500 } });',
      ),
    );
    const { code, stderr } = await place.baton("run loud.ts");
    assert.equal(code, 1);
    assert.match(stderr, /error\[\\u001b\[31m \] loud/);
  });

  test("data of a newer Baton is not touched", async () => {
    assert.equal((await place.baton("run good.ts --data newer")).code, 0);
    using db = new DatabaseSync(`${place.path}/newer/baton.db`);
    db.exec("pragma user_version = 999");
    await tryOne(place, { what: "", words: "run good.ts --data newer", exit: 74, code: "SCHEMA_NEWER", says: /999/ });
    await tryOne(place, { what: "", words: "runs ls --data newer", exit: 74, code: "SCHEMA_NEWER" });
  });

  test("a note of an owner that is garbage is no owner", async () => {
    assert.equal((await place.baton("run good.ts --data noted")).code, 0);
    place.write("noted/owner.json", "{ not json");
    assert.equal((await place.baton("run good.ts --data noted")).stdout, "fine\n");
    place.write("noted/owner.json", '{"v":1,"pid":1,"startedAt":"2026-01-01T00:00:00Z","port":1,"token":"x"}');
    assert.equal((await place.baton("run good.ts --data noted")).stdout, "fine\n");
  });
});

describe("a wait for nothing at the top level", () => {
  const place = openPlace({ "endless.ts": "await new Promise(() => undefined);" });
  const { ended } = place.start("run endless.ts --json"); // beside all others: it takes half a minute
  after(() => place[Symbol.dispose]());

  test("ends the command", async () => {
    assert.equal((await ended).code, 3);
    assert.equal(problemIn(await ended, false)?.code, "WF_LOAD_TIMEOUT");
  });
});
