// What is promised of the command line, typed.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { type Ended, openPlace, type Place, readJsonOutput } from "./command.ts";

/** What `--json` says of a run. */
interface Summary {
  readonly run: string;
  readonly workflow: { readonly namespace: string; readonly name: string; readonly version: string };
  readonly status: string;
  readonly output?: unknown;
  readonly problem?: { readonly code: string; readonly detail: string };
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly steps: { readonly total: number; readonly completed: number; readonly failed: number; readonly skipped: number };
}

const summaryOf = (ended: Ended): Summary => readJsonOutput<Summary>(ended);

const FILES = {
  "add.ts": `
    import { workflow, z } from "batonflow";
    export default workflow({
      name: "add",
      input: z.object({ a: z.number(), b: z.number().default(2) }),
      run: async (ctx, { a, b }) => {
        console.log("adding");
        return { sum: await ctx.step("add", () => a + b) };
      },
    });`,
  "fail.ts": `
    import { workflow } from "batonflow";
    export default workflow({
      name: "fail",
      run: async (ctx) => {
        await ctx.step("good", () => 1);
        await ctx.step("bad", () => { throw new Error("the sky fell"); });
      },
    });`,
  "wait.ts": `
    import { workflow } from "batonflow";
    export default workflow({ name: "wait", run: (ctx) => ctx.waitSignal("never") });`,
  "nap.ts": `
    import { workflow, z } from "batonflow";
    export default workflow({
      name: "nap",
      input: z.object({ ms: z.number().default(60_000) }),
      run: async (ctx, { ms }) => {
        const before = await ctx.step("before", () => "slept");
        await ctx.sleep("nap", ms);
        return before;
      },
    });`,
  "ask.ts": `
    import { workflow, z } from "batonflow";
    const approve = { schema: z.boolean(), message: "May it go out?" };
    export const strict = workflow({ name: "strict", run: (ctx) => ctx.ask("approve", approve) });
    export const lenient = workflow({ name: "lenient", run: (ctx) => ctx.ask("approve", { ...approve, default: true }) });
    export const parent = workflow({ name: "parent", run: (ctx) => ctx.run(lenient, null) });
    export const after = workflow({
      name: "after",
      run: async (ctx) => {
        await ctx.step("before", () => "ready");
        return ctx.ask("approve", approve);
      },
    });`,
  // The step says on stderr when it acts, and acts again only while a file is there.
  "once.ts": `
    import { appendFileSync, existsSync } from "node:fs";
    import { workflow, z } from "batonflow";
    export default workflow({
      name: "once",
      input: z.object({ n: z.number().default(1) }),
      run: async (ctx, { n }) => {
        await ctx.step("first", () => appendFileSync("acted.txt", "first\\n"));
        await ctx.step("second", async () => {
          console.log("second acts");
          while (existsSync("hold.txt")) await new Promise((resolve) => setTimeout(resolve, 20));
          if (existsSync("fail.txt")) throw new Error("told to fail");
          appendFileSync("acted.txt", "second\\n");
        });
        return n;
      },
    });`,
};

const place = openPlace(FILES);
after(() => place[Symbol.dispose]());

const concurrently = { concurrency: 3 };

suite("what is printed where", concurrently, () => {
  test("the output, as JSON, on stdout; all else, prints of the workflow included, on stderr", async () => {
    const { code, stdout, stderr } = await place.baton("run add.ts -i a=1");

    assert.equal(stdout, '{\n  "sum": 3\n}\n');
    assert.match(stderr, /started run_\w+/);
    assert.match(stderr, /adding/);
    assert.match(stderr, /✓ completed {2}run_\w+ {2}1 step {2}/);
    assert.equal(code, 0);
  });

  test("text comes as it is, and of an object its summary", async () => {
    using other = openPlace({
      "text.js": `import { workflow } from "batonflow"; export default workflow({ name: "text", run: () => "two\\nlines \\u001b[31m" });`,
      "sum.js": `import { workflow } from "batonflow"; export default workflow({ name: "sum", run: () => ({ summary: "in short", rest: 1 }) });`,
    });
    const [text, sum] = await Promise.all([other.baton("run text.js --data a"), other.baton("run sum.js --data b")]);

    assert.equal(text.stdout, "two\nlines \\u001b[31m\n"); // shown, not obeyed
    assert.equal(sum.stdout, "in short\n");
  });

  test("--quiet leaves stderr to errors", async () => {
    const quiet = await place.baton("run nap.ts -i ms=1 --quiet");
    assert.deepEqual(quiet, { code: 0, stdout: "slept\n", stderr: "" });

    const failed = await place.baton("run fail.ts --quiet");
    assert.match(failed.stderr, /^error\[STEP_FAILED\] the sky fell\n {2}in {2}.*fail\.ts:7:\d+\n$/);
  });

  test("--json prints one object for a run that completed", async () => {
    const ended = await place.baton("run add.ts -i a=40 --json");
    const { run, startedAt, endedAt = "", ...rest } = summaryOf(ended);

    assert.match(run, /^run_[a-z0-9]+$/);
    for (const moment of [startedAt, endedAt]) assert.match(moment, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(rest, {
      v: 1,
      workflow: { namespace: "default", name: "add", version: "1.0.0" },
      status: "completed",
      output: { sum: 42 },
      steps: { total: 1, completed: 1, failed: 0, skipped: 0 },
    });
  });

  test("--json prints one object for a run that failed, with its problem in the output's place", async () => {
    const ended = await place.baton("run fail.ts --json");
    const { status, problem, steps, ...rest } = summaryOf(ended);

    assert.equal(ended.code, 1);
    assert.equal(status, "failed");
    assert.equal(problem?.code, "STEP_FAILED");
    assert.equal(problem.detail, "the sky fell");
    assert.deepEqual(steps, { total: 2, completed: 1, failed: 1, skipped: 0 });
    assert.ok(!("output" in rest));
  });

  test("--json prints a problem of the command itself on stderr", async () => {
    const { code, stdout, stderr } = await place.baton("run nowhere.ts --json");

    assert.equal(code, 4);
    assert.equal(stdout, "");
    assert.equal(JSON.parse(stderr).problem.code, "WF_FILE_MISSING");
  });
});

suite("a command waits no longer than it is told, and the run goes on", concurrently, () => {
  test("--timeout ends the command with 7, not the run", async () => {
    using other = openPlace(FILES);
    const ended = await other.baton("run nap.ts -i ms=1500 --timeout 200ms --json");
    const { run, status } = summaryOf(ended);
    assert.equal(ended.code, 7);
    assert.match(status, /^(running|waiting)$/);

    const again = /carry it on with: {2}(baton runs resume run_\w+)\n/.exec(ended.stderr)?.[1];
    assert.equal(again, `baton runs resume ${run}`);
    assert.deepEqual(await other.shell(`${again} --quiet`).ended, { code: 0, stdout: "slept\n", stderr: "" });
  });

  test("a time-out longer than a timer can be is no time-out at once", async () => {
    const { code, stderr } = await place.baton("run add.ts -i a=1 --timeout 365d");
    assert.equal(code, 0, stderr);
  });

  test("a run that waits for a signal keeps the command waiting, --no-input or not", async () => {
    const { code } = await place.baton("run wait.ts --no-input --timeout 300ms");
    assert.equal(code, 7);
  });

  test("Ctrl-C once closes cleanly; the printed line carries the run on", async () => {
    using other = openPlace(FILES);
    const command = other.start(["run", "nap.ts", "-i", "ms=1500", "--data", "it's here"]);
    await command.says(/started/);
    command.signal("SIGINT");
    const { code, stdout, stderr } = await command.ended;
    assert.equal(code, 130);
    assert.equal(stdout, "");

    const line = /carry it on with: {2}(.+)\n/.exec(stderr)?.[1] ?? "";
    assert.match(line, /^baton runs resume run_\w+ --data 'it'\\''s here'$/);
    const shown = await other.shell(line.replace("resume", "show")).ended;
    assert.match(shown.stdout, /^status +(running|waiting)$/m);
    assert.equal((await other.shell(line).ended).stdout, "slept\n");
  });

  test("Ctrl-C twice stops at once, also in the middle of a step", async () => {
    using other = openPlace({ ...FILES, "hold.txt": "" });
    const command = other.start("run once.ts");
    await command.says(/second acts/);
    command.signal("SIGINT");
    await command.says(/closing/);
    const pressing = setInterval(() => command.signal("SIGINT"), 50); // more than one press, and not one told twice
    const beganAt = performance.now();
    const { code } = await command.ended.finally(() => clearInterval(pressing));

    assert.equal(code, 130);
    assert.ok(performance.now() - beganAt < 3_000, "it waited for the step");
  });
});

suite("questions where nobody can be asked", concurrently, () => {
  test("are answered by their default", async () => {
    const ended = await place.baton("run ask.ts#lenient --no-input --json");
    assert.deepEqual(summaryOf(ended).output, { by: "default", value: true });
  });

  test("also those of a child", async () => {
    const ended = await place.baton("run ask.ts#parent --no-input --json");
    assert.deepEqual(summaryOf(ended).output, { by: "default", value: true });
  });

  test("end the command with 8 when they have none, at once, and the run waits", async () => {
    using other = openPlace(FILES);
    const ended = await other.baton("run ask.ts#strict --no-input --json --key k");
    const { run, status } = summaryOf(ended);
    assert.equal(ended.code, 8);
    assert.equal(status, "waiting");

    const people = await other.baton("run ask.ts#strict --no-input --key k");
    assert.equal(people.code, 8);
    assert.match(people.stderr, new RegExp(`carrying on ${run}`));
    assert.match(people.stderr, /asks: May it go out\?/);
    assert.equal((await other.baton(`runs resume ${run} --no-input`)).code, 8);
  });
});

suite("--key", concurrently, () => {
  const acted = (at: Place): string => readFileSync(join(at.path, "acted.txt"), "utf8");

  test("carries on what was killed; completed, it gives the same output and no step acts again", async () => {
    using other = openPlace({ ...FILES, "hold.txt": "" });
    const killed = other.start("run once.ts -i n=5 --key k");
    await killed.says(/second acts/);
    killed.signal("SIGKILL");
    assert.equal((await killed.ended).code, null);
    assert.equal(acted(other), "first\n");

    const carried = other.start("run once.ts -i n=5 --key k --json");
    await carried.says(/carrying on run_/);
    await other.shell("rm hold.txt").ended;
    const first = await carried.ended;
    assert.equal(acted(other), "first\nsecond\n");

    const repeated = await other.baton("run once.ts -i n=5 --key k --json");
    assert.equal(repeated.code, 0);
    assert.equal(repeated.stdout, first.stdout);
    assert.equal(acted(other), "first\nsecond\n");
  });

  test("counts defaults as typed: the same input in other words is the same", async () => {
    using other = openPlace(FILES);
    const first = summaryOf(await other.baton("run add.ts -i a=1 -i b=2 --key k --json"));
    const second = summaryOf(await other.baton(["run", "add.ts", "--input", '{"a": 1.0}', "--key", "k", "--json"]));
    assert.equal(second.run, first.run);
  });

  test("with another input is refused with 6", async () => {
    using other = openPlace(FILES);
    await other.baton("run add.ts -i a=1 --key k");
    const { code, stderr } = await other.baton("run add.ts -i a=2 --key k");
    assert.equal(code, 6);
    assert.match(stderr, /error\[KEY_REUSED\]/);
  });

  test("belongs to a workflow: another may use the same", async () => {
    using other = openPlace(FILES);
    await other.baton("run add.ts -i a=1 --key k");
    assert.equal((await other.baton("run nap.ts -i ms=1 --key k")).stdout, "slept\n");
  });

  test("of a failed run gives its problem and 1, and no step acts again", async () => {
    using other = openPlace({ ...FILES, "fail.txt": "" });
    const first = await other.baton("run once.ts --key k");
    const second = await other.baton("run once.ts --key k");
    assert.deepEqual([first.code, second.code], [1, 1]);
    assert.match(second.stderr, /error\[STEP_FAILED\] told to fail/);
    assert.doesNotMatch(second.stderr, /acts/);
  });

  test("of a canceled run gives 7", async () => {
    using other = openPlace(FILES);
    const { run } = summaryOf(await other.baton("run nap.ts --key k --timeout 100ms --json"));
    await other.baton(`runs cancel ${run}`);
    const { code, stderr } = await other.baton("run nap.ts --key k");
    assert.equal(code, 7);
    assert.match(stderr, /error\[RUN_CANCELED\]/);
  });
});

suite("inputs, as typed", concurrently, () => {
  const echo = `
    import { workflow, z } from "batonflow";
    const input = z.looseObject({ text: z.string().optional(), count: z.number().optional(), tags: z.array(z.string()).optional(),
      on: z.boolean().optional(), kind: z.enum(["1", "2"]).optional() });
    export default workflow({ name: "echo", input, run: (_, given) => given });
    export const free = workflow({ name: "free", run: (_, given) => given });`;
  const file = join(place.path, "echo.ts");
  place.write("echo.ts", echo);
  place.write("input.json", '{"text": "from a file", "count": 3}');

  const rows: readonly (readonly [name: string, words: readonly string[], output: unknown, stdin?: string])[] = [
    ["-i is text where the schema wants text", ["-i", "text=12"], { text: "12" }],
    ["-i is text also in an enum", ["-i", "kind=2"], { kind: "2" }],
    ["-i is a number where it wants one", ["-i", "count=12"], { count: 12 }],
    ["-i is JSON where it reads as JSON", ["-i", 'tags=["a","b"]', "-i", "on=true"], { tags: ["a", "b"], on: true }],
    ["-i is text where it does not", ["-i", "other=a=b"], { other: "a=b" }],
    ["-i may be empty", ["-i", "text="], { text: "" }],
    ["--input takes JSON", ["--input", '{"text": "ä\\u0000"}'], { text: "ä\0" }],
    ["--input takes a file", ["--input", "@input.json"], { text: "from a file", count: 3 }],
    ["--input takes standard input", ["--input", "-"], { count: 7 }, '{"count": 7}'],
    ["-i goes before --input", ["--input", "@input.json", "-i", "count=4"], { text: "from a file", count: 4 }],
    ["nothing typed is an empty object", [], {}],
  ];
  for (const [name, words, output, stdin] of rows) {
    test(name, async () => {
      const ended = await place.baton(["run", file, ...words, "--json"], stdin === undefined ? {} : { stdin });
      assert.deepEqual(summaryOf(ended).output, output, ended.stderr);
    });
  }

  test("without a schema an input is any JSON, and nothing typed is null", async () => {
    const [some, none] = await Promise.all([
      place.baton(["run", `${file}#free`, "--input", "[1,null]", "--json"]),
      place.baton(["run", `${file}#free`, "--json"]),
    ]);
    assert.deepEqual([summaryOf(some).output, summaryOf(none).output], [[1, null], null]);
  });
});

suite("workflow files", concurrently, () => {
  test("anywhere on disk find batonflow, zod and what lies beside them", async () => {
    using other = openPlace({
      "deep/er/flow.mts": `
        import { workflow } from "batonflow";
        import { z } from "zod";
        import { double } from "../double.ts";
        export const flow = workflow({ name: "flow", input: z.object({ n: z.number() }), run: (ctx, { n }) => ctx.step("double", () => double(n)) });`,
      "deep/double.ts": "export const double = (n: number): number => n * 2;",
    });
    assert.equal((await other.baton("run deep/er/flow.mts -i n=21")).stdout, "42\n");
  });

  test("may be JavaScript, and have spaces and # in their names", async () => {
    using other = openPlace({
      "my #1 flow.mjs": `import { workflow } from "batonflow"; export const a = workflow({ name: "a", run: () => "a" }); export const b = workflow({ name: "b", run: () => "b" });`,
    });
    const [a, b] = await Promise.all([
      other.baton(["run", "my #1 flow.mjs#a", "--data", "1"]),
      other.baton(["run", "my #1 flow.mjs#b", "--data", "2"]),
    ]);
    assert.deepEqual([a.stdout, b.stdout], ["a\n", "b\n"]);
  });

  test("FILE#export names one of several, the default export goes before others", async () => {
    const ambiguous = await place.baton("run ask.ts");
    assert.equal(ambiguous.code, 3);
    assert.match(ambiguous.stderr, /error\[WF_SEVERAL\].*after, lenient, parent, strict/);

    using other = openPlace({
      "two.ts": `import { workflow } from "batonflow"; export const a = workflow({ name: "a", run: () => "a" }); export default workflow({ name: "d", run: () => "d" });`,
    });
    assert.equal((await other.baton("run two.ts")).stdout, "d\n");
  });

  test("where `npm init` wrote that files are CommonJS, one that imports and exports is a module all the same", async () => {
    const main = `import { workflow } from "batonflow";\nimport { word } from "./part.ts";\nexport default workflow({ name: "m", run: () => word });`;
    using other = openPlace({
      "package.json": '{"name":"x","type":"commonjs"}',
      "main.ts": main,
      "main.js": main,
      "part.ts": 'export const word = "module";',
    });
    for (const file of ["main.ts", "main.js"]) {
      const { stdout, stderr } = await other.baton(`run ${file}`);
      assert.equal(stdout, "module\n", stderr);
      assert.doesNotMatch(stderr, /Warning/);
    }
  });

  test("--with makes further workflows known by name", async () => {
    using other = openPlace({
      "main.ts": `import { workflow } from "batonflow"; export default workflow({ name: "main", run: (ctx) => ctx.run("shop/sub", { n: 1 }) });`,
      "sub.ts": `import { workflow } from "batonflow"; export default workflow({ namespace: "shop", name: "sub", run: (_, given) => given });`,
    });
    assert.deepEqual(summaryOf(await other.baton("run main.ts --with sub.ts --json")).output, { n: 1 });

    const without = await other.baton("run main.ts");
    assert.equal(without.code, 1);
    assert.match(without.stderr, /error\[WORKFLOW_UNKNOWN\]/);
  });

  test("in TypeScript that cannot run as it stands are refused with the line", async () => {
    using other = openPlace({
      "enum.ts":
        'import { workflow } from "batonflow";\n\nenum Colour { Red }\nexport default workflow({ name: "x", run: () => Colour.Red });',
    });
    const { code, stderr } = await other.baton("run enum.ts");
    assert.equal(code, 3);
    assert.match(stderr, /error\[WF_TS_SYNTAX\] .*enum\.ts:3/);
    assert.match(stderr, /erasable/);
  });

  test("may not open Baton while they are loaded", async () => {
    using other = openPlace({
      "opens.ts": `import { openBaton, workflow } from "batonflow"; await openBaton(); export default workflow({ name: "x", run: () => 1 });`,
    });
    const { code, stderr } = await other.baton("run opens.ts");
    assert.equal(code, 3);
    assert.match(stderr, /error\[OPENED_WHILE_LOADING\]/);
    assert.ok(!existsSync(join(other.path, ".baton")));
  });
});

suite("looking at runs and steering them", concurrently, () => {
  const other = openPlace(FILES);
  after(() => other[Symbol.dispose]());

  test("`runs ls` where nothing ever ran says so and makes nothing", async () => {
    using empty = openPlace();
    const { code, stdout, stderr } = await empty.baton("runs ls");
    assert.deepEqual([code, stdout.trim()], [0, ""]);
    assert.match(stderr, /No runs/);
    assert.ok(!existsSync(join(empty.path, ".baton")));
  });

  test("a run, from its start to its cancelation", async () => {
    const { run } = summaryOf(await other.baton("run ask.ts#after --key tea --no-input --json"));

    const list = readJsonOutput<{ runs: Summary[]; owner: boolean }>(await other.baton("runs ls --json"));
    assert.deepEqual([list.runs.map((one) => [one.run, one.status]), list.owner], [[[run, "waiting"]], false]);
    const listed = await other.baton("runs ls");
    assert.match(listed.stdout, new RegExp(`^RUN .*\\n${run}  after@1.0.0  waiting .* tea\\n$`));
    assert.match(listed.stderr, /1 in flight and nobody carries them/);
    assert.match((await other.baton("runs ls --status completed failed")).stdout, /^\n?$/);

    const shown = await other.baton(`runs show ${run}`);
    assert.match(shown.stdout, /^waits +Waits for an answer to "approve" for as long as it takes\.$/m);
    assert.match(shown.stdout, /^before +step +completed +1 +"ready"$/m);

    const { entries } = readJsonOutput<{ entries: { kind: string; seq: number }[] }>(
      await other.baton(`runs journal ${run} --json`),
    );
    assert.deepEqual(
      entries.map(({ kind }) => kind),
      ["step-completed", "asked"],
    );
    const later = await other.baton(`runs journal ${run} --after ${entries[0]?.seq} --json`);
    assert.equal(readJsonOutput<{ entries: unknown[] }>(later).entries.length, 1);

    const canceled = await other.baton(["runs", "cancel", run, "--reason", "wrong tea", "--json"]);
    assert.deepEqual(readJsonOutput(canceled), { v: 1, run, status: "canceled" });
    const { problem } = readJsonOutput<Summary>(await other.baton(`runs show ${run} --json`));
    assert.deepEqual(
      [problem?.code, problem?.detail],
      ["RUN_CANCELED", `Run ${run} was canceled by ${userInfo().username}: wrong tea.`],
    );

    const twice = await other.baton(`runs cancel ${run}`);
    assert.equal(twice.code, 6);
    assert.match(twice.stderr, /error\[RUN_ENDED\]/);
    assert.equal((await other.baton(`runs resume ${run}`)).code, 7);
    assert.equal((await other.baton(`runs watch ${run}`)).code, 7);
  });

  test("`runs watch` prints every entry until the run ends, and ends as it does", async () => {
    using watched = openPlace({ ...FILES, "hold.txt": "" });
    const running = watched.start("run once.ts");
    const [, run] = await running.says(/started (run_\w+)/);
    const watching = watched.start(`runs watch ${run} --json`);
    await watching.says(/"step-completed"/);
    await watched.shell("rm hold.txt").ended;

    const { code, stdout, stderr } = await watching.ended;
    const kinds = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).kind);
    assert.equal(code, 0);
    assert.deepEqual(
      kinds.filter((kind) => kind !== "step-started"),
      ["step-completed", "step-completed"],
    );
    assert.match(stderr, /is completed/);
    assert.equal((await running.ended).code, 0);
  });

  test("`runs watch --timeout` ends with 7 while the run goes on", async () => {
    using watched = openPlace(FILES);
    const { run } = summaryOf(await watched.baton("run nap.ts --timeout 0s --json"));
    assert.equal((await watched.baton(`runs watch ${run} --timeout 300ms`)).code, 7);
  });

  test("code that changed under a run pauses it; brought back, `runs resume` carries it to its end", async () => {
    using changed = openPlace({ ...FILES, "hold.txt": "" });
    const killed = changed.start("run once.ts --key k");
    await killed.says(/second acts/);
    killed.signal("SIGKILL");
    await killed.ended;
    await changed.shell("rm hold.txt").ended;
    changed.write(
      "once.ts",
      FILES["once.ts"].replace('ctx.step("first", () => appendFileSync("acted.txt", "first\\n"))', 'ctx.sleep("first", 1)'),
    );

    const paused = await changed.baton("run once.ts --key k --json");
    const { run, status } = summaryOf(paused);
    assert.deepEqual([paused.code, status], [6, "paused"]);
    assert.match(paused.stderr, new RegExp(`carry it on with: {2}baton runs resume ${run}`));

    changed.write("once.ts", FILES["once.ts"]);
    assert.equal((await changed.baton(`runs resume ${run}`)).stdout, "1\n");
  });

  test("a file that moved is named with --with", async () => {
    using moved = openPlace(FILES);
    const { run } = summaryOf(await moved.baton("run nap.ts -i ms=800 --timeout 0s --json"));
    await moved.shell("mkdir later && mv nap.ts later").ended;

    const missing = await moved.baton(`runs resume ${run}`);
    assert.equal(missing.code, 6);
    assert.match(missing.stderr, /error\[NOT_LOADED\]/);
    assert.equal((await moved.baton(`runs resume ${run} --with later/nap.ts`)).stdout, "slept\n");
  });
});

suite("help", concurrently, () => {
  const commands = ["run", "runs ls", "runs show", "runs watch", "runs journal", "runs cancel", "runs resume"];
  for (const command of commands) {
    test(`\`baton ${command} --help\` shows examples and every common option`, async () => {
      const { code, stdout } = await place.baton(`${command} --help`);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`Examples:\\n {2}baton ${command}`));
      for (const option of ["--data", "--json", "--quiet", "--no-input", "--url"]) assert.ok(stdout.includes(option), option);
    });
  }

  test("`baton` alone shows what there is, with 2", async () => {
    const { code, stdout, stderr } = await place.baton([]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^Usage: baton/);
    assert.match(stderr, /Exit codes: 0 ok · 1 run failed/);
  });

  test("what is printed arrives whole, however much it is and however slowly it is read", async () => {
    using other = openPlace({
      "big.ts": `import { workflow } from "batonflow"; export default workflow({ name: "big", run: () => "x".repeat(3_000_000) });`,
    });
    assert.equal((await other.baton("run big.ts")).stdout.length, 3_000_001);
    const slow = await other.shell("baton run big.ts --quiet | (sleep 0.3; wc -c)").ended;
    assert.equal(slow.stdout.trim(), "3000001");
  });

  test("`baton --version` prints it", async () => {
    assert.match((await place.baton("--version")).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  const planned = ["insights", "agents verify"];
  for (const command of [...planned, "runs ls --url http://127.0.0.1:1"]) {
    test(`\`baton ${command}\` says that it is not built yet, with 2`, async () => {
      const { code, stderr } = await place.baton(command);
      assert.equal(code, 2);
      assert.match(stderr, /error\[NOT_YET\]/);
    });
  }
});

suite("on a terminal", { skip: terminalMissing() }, () => {
  const files = {
    ...FILES,
    "work.ts": `
      import { mapLimit, workflow } from "batonflow";
      export default workflow({
        name: "work",
        run: (ctx) => mapLimit([1, 2, 3, 4, 5, 6, 7, 8], 2, async (n) => {
          await ctx.step("part " + n, () => new Promise((resolve) => setTimeout(resolve, 150)));
          ctx.progress(n, 8, "part " + n);
          return n;
        }),
      });`,
  };

  /** Types a line at a pseudo terminal, as `script` of util-linux opens one. */
  const atTerminal = (at: Place, line: string) =>
    at.shell(`script -qfec "stty cols 100 rows 30; ${line}" /dev/null`, { stdin: "open", env: { TERM: "xterm" } });

  test("a bar with n/m, the time left and the steps under way are drawn, and erased", async () => {
    using other = openPlace(files);
    const command = atTerminal(other, "baton run work.ts > out.json");
    await command.says(/█+░+ [1-7]\/8 {2}\d+ % {2}about .+ left {2}part \d/);
    await command.says(/· part \d {2}\d+ ms/);
    const { code, stdout } = await command.ended;

    assert.equal(code, 0);
    assert.match(stdout, /\[0J[^█]*✓ completed[^█]*$/u);
    assert.equal(JSON.parse(readFileSync(join(other.path, "out.json"), "utf8")).length, 8);
  });

  test("a person is asked in place; what is drawn is not mixed with data", async () => {
    using other = openPlace(files);
    const command = atTerminal(other, "baton run ask.ts#strict --json > out.json");
    await command.says(/May it go out\?/);
    command.type("y");
    assert.equal((await command.ended).code, 0);

    const { output } = JSON.parse(readFileSync(join(other.path, "out.json"), "utf8")) as Summary;
    const { by, value } = output as { by: string; value: boolean };
    assert.deepEqual({ by, value }, { by: "person", value: true });
  });

  test("Ctrl-C at a question leaves the run waiting, with 130", async () => {
    using other = openPlace(files);
    const command = atTerminal(other, "baton run ask.ts#strict");
    await command.says(/May it go out\?/);
    command.type("\u0003");
    const { code, stdout } = await command.ended;
    assert.equal(code, 130);
    assert.match(stdout, /carry it on with: {2}baton runs resume run_/);
  });

  test("--no-input asks nobody, and neither colours nor bars are for those who want none", async () => {
    using other = openPlace(files);
    const command = other.shell('script -qfec "baton run ask.ts#strict --no-input" /dev/null', {
      env: { NO_COLOR: "1", TERM: "xterm" },
    });
    const { code, stdout } = await command.ended;
    assert.equal(code, 8);
    assert.doesNotMatch(stdout, /\u001b\[\d*m/);
  });
});

function terminalMissing(): string | false {
  if (process.platform !== "linux") return "not run: needs `script` of util-linux";
  return existsSync("/usr/bin/script") ? false : "not run: needs `script` of util-linux, in bsdutils on Debian";
}
