// Wrong calls of the real command: each ends with its own code and exit, says where and what, prints nothing on stdout
// and no stack trace (test/command.ts looks at that), and leaves the data directory as good as it was.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { openPlace, type Place } from "./command.ts";

interface Wrong {
  readonly what: string;
  /** Written before; beside the files that every place has. */
  readonly files?: Readonly<Record<string, string>>;
  readonly words: string | readonly string[];
  readonly stdin?: string;
  readonly exit: number;
  readonly code: string;
  /** What else must be said: a place, a name, a limit. */
  readonly says?: RegExp;
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
  { what: "since no duration", words: "runs ls --since yesterday", exit: 2, code: "REQUEST_INVALID", says: /yesterday/ },
  { what: "detached with no owner", words: "run good.ts --detach", exit: 6, code: "NO_OWNER" },
];

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
];

const places: readonly Wrong[] = [
  {
    what: "a file as data directory",
    files: { "data.txt": "x" },
    words: "run good.ts --data data.txt",
    exit: 74,
    code: "DATA_DIRECTORY",
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

const AT_ONCE = 3;

/** What it printed as JSON, on either stream; a wrong call has one such object. */
function codeIn(text: string): string {
  return /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? "";
}

async function tryOne(place: Place, { files: extra = {}, words, stdin, exit, code, says }: Wrong): Promise<void> {
  for (const [name, text] of Object.entries(extra)) place.write(name, text);
  const list = typeof words === "string" ? words.split(" ") : words;
  const ended = await place.baton(list.includes("--json") ? list : [...list, "--json"], stdin === undefined ? {} : { stdin });
  const told = `exit ${ended.code}\nstdout: ${ended.stdout.slice(0, 2_000)}\nstderr: ${ended.stderr.slice(0, 2_000)}`;
  assert.equal(ended.code, exit, told);
  assert.equal(codeIn(ended.stdout + ended.stderr), code, told);
  if (says !== undefined) assert.match(ended.stdout + ended.stderr, says);
  if (exit !== 1 && exit !== 8) assert.equal(ended.stdout, "", told);
}

for (const [title, rows] of Object.entries({ commands, files, inputs, bodies, places })) {
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
