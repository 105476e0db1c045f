// Steering as it is typed: verbs over one run and over a query, the inbox, schedules, events, streams, other code.

import assert from "node:assert/strict";
import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { openPlace, type Place, readJsonOutput } from "./command.ts";

const FILES = {
  // Fails while the file `broken` is there; every act is noted outside.
  "work.ts": `
    import { appendFileSync, existsSync } from "node:fs";
    import { workflow, z } from "batonflow";
    export default workflow({
      name: "work",
      input: z.object({ customer: z.string().default("ada"), n: z.number().default(1) }),
      run: async (ctx, { customer, n }) => {
        const act = (name: string) => () => { appendFileSync("acted.txt", name + "\\n"); return name + " of " + customer; };
        const first = await ctx.step("first", act("first"));
        const second = await ctx.step("second", () => {
          if (existsSync("broken")) throw new Error("the second is broken");
          return act("second")();
        });
        return [first, second, n];
      },
    });`,
  "ask.ts": `
    import { workflow, z } from "batonflow";
    export default workflow({
      name: "ask",
      run: async (ctx) => {
        const answer = await ctx.ask("ship", { message: "Ship it?", schema: z.boolean(), to: ["ada", "bob"], timeoutMs: 86_400_000 });
        return answer;
      },
    });`,
  "wait.ts": `
    import { workflow } from "batonflow";
    export default workflow({
      name: "wait",
      run: async (ctx) => {
        ctx.stream("said").write("waiting");
        const signal = await ctx.waitSignal("go");
        ctx.stream("said").write({ got: signal });
        return signal;
      },
    });`,
};

const acted = (place: Place): string[] => readFileSync(join(place.path, "acted.txt"), "utf8").trim().split("\n");

/** Starts a run that is left waiting; gives its id. */
async function left(place: Place, words: string): Promise<string> {
  const { stderr } = await place.baton(`run ${words} --no-input --timeout 300ms`);
  return /started (run_\w+)/.exec(stderr)?.[1] ?? assert.fail(stderr);
}

async function failed(place: Place, words = "work.ts"): Promise<string> {
  writeFileSync(join(place.path, "broken"), "");
  const { code, stderr } = await place.baton(`run ${words}`);
  assert.equal(code, 1, stderr);
  return /started (run_\w+)/.exec(stderr)?.[1] ?? assert.fail(stderr);
}

suite("over one run", { concurrency: 3 }, () => {
  test("a failed run is retried where it failed, and forked with another input", async () => {
    using place = openPlace(FILES);
    const run = await failed(place);
    const told = await place.baton(`runs retry ${run} --from nothing`);
    assert.deepEqual([told.code, /error\[STEP_UNKNOWN\]/.test(told.stderr)], [4, true]);

    unlinkSync(join(place.path, "broken"));
    const retried = await place.baton(`runs retry ${run} --json`);
    assert.deepEqual(readJsonOutput(retried), { v: 1, run, status: "running", from: "second", dropped: 1 });
    assert.match(retried.stderr, /nobody carries it now/);
    const { stdout } = await place.baton(`runs resume ${run} --json`);
    assert.deepEqual((JSON.parse(stdout) as { output: unknown }).output, ["first of ada", "second of ada", 1]);
    assert.deepEqual(acted(place), ["first", "second"]);

    const forked = await place.baton(["runs", "fork", run, "--from", "second", "--input", '{"customer":"bob"}', "--json"]);
    const { run: fork } = readJsonOutput<{ run: string }>(forked);
    const output = (JSON.parse((await place.baton(`runs resume ${fork} --json`)).stdout) as { output: unknown }).output;
    assert.deepEqual(output, ["first of ada", "second of bob", 1]);
  });

  test("a step is skipped with a given result; a run is paused, resumed, and deleted when it has ended", async () => {
    using place = openPlace(FILES);
    const run = await failed(place);
    assert.equal((await place.baton(["runs", "skip", run, "second", "--result", '"by hand"'])).code, 0);
    const skipped = await place.baton(`runs resume ${run} --json`);
    assert.deepEqual((JSON.parse(skipped.stdout) as { output: unknown }).output, ["first of ada", "by hand", 1]);

    const waiting = await left(place, "wait.ts");
    assert.equal((await place.baton(`runs rm ${waiting}`)).code, 6);
    assert.equal((await place.baton(`runs pause ${waiting}`)).stdout, `${waiting} is paused\n`);
    const paused = await place.baton(`runs pause ${waiting}`);
    assert.deepEqual([paused.code, /error\[RUN_PAUSED\]/.test(paused.stderr)], [6, true]);
    assert.match((await place.baton(`runs show ${waiting}`)).stdout, /^waits +Paused \(operator\)/m);
    assert.equal((await place.baton(["runs", "signal", waiting, "go", '{"by":"ada"}'])).code, 0);
    const resumed = await place.baton(`runs resume ${waiting} --json`);
    assert.deepEqual((JSON.parse(resumed.stdout) as { output: unknown }).output, { received: true, value: { by: "ada" } });
    assert.equal((await place.baton(`runs rm ${waiting} --json`)).code, 0);
    assert.equal((await place.baton(`runs show ${waiting}`)).code, 4);
  });

  test("what a run says on its streams is read from any place on, and followed to its end", async () => {
    using place = openPlace(FILES);
    const run = await left(place, "wait.ts");
    const following = place.start(`runs stream ${run} said --follow`);
    await following.says(/waiting/);
    await place.baton(["runs", "signal", run, "go", "1"]);
    await place.baton(`runs resume ${run}`);
    assert.equal((await following.ended).stdout, 'waiting\n{"got":{"received":true,"value":1}}\n');
    const { stdout } = await place.baton(`runs stream ${run} said --json --after 1`);
    assert.equal((JSON.parse(stdout) as { item: { got: unknown } }).item.got !== undefined, true);
  });
});

suite("over all runs of a query", { concurrency: 3 }, () => {
  test("what fits is shown first, done on --yes, and told one by one", async () => {
    using place = openPlace(FILES);
    for (const customer of ["ada", "bob", "ada"]) await failed(place, `work.ts -i customer=${customer}`);
    await left(place, "wait.ts");

    const query = 'status:failed workflow:work since:2h input.customer="ada"';
    const asked = await place.baton(["runs", "rm", "--query", query]);
    assert.deepEqual([asked.code, /error\[NOT_CONFIRMED\]/.test(asked.stderr)], [6, true]);
    assert.match(asked.stderr, /^2 runs fit:\n {2}run_\w+ {2}work {2}failed$/m);
    assert.equal((await place.baton(["runs", "ls", "--query", query, "--json"])).stdout.match(/"run":/g)?.length, 2);

    const gone = await place.baton(["runs", "rm", "--query", query, "--yes", "--json"]);
    assert.deepEqual(readJsonOutput(gone), { v: 1, done: 2, failed: [] });
    const mixed = await place.baton(["runs", "pause", "--query", "since:2h", "--yes", "--json"]);
    const { done, failed: refused } = readJsonOutput<{ done: number; failed: { problem: { code: string } }[] }>(mixed);
    assert.deepEqual([done, refused.map(({ problem }) => problem.code)], [1, ["RUN_ENDED"]]);
  });
});

suite("the inbox", () => {
  test("lists, shows, answers and declines what people are asked, by those who may", async () => {
    using place = openPlace(FILES);
    const [first, second] = [await left(place, "ask.ts"), await left(place, "ask.ts")];
    const { stdout } = await place.baton("inbox ls");
    assert.match(stdout, new RegExp(`^${first}/ship +Ship it\\? +ada, bob +\\d{4}-`, "m"));
    assert.match((await place.baton(`inbox show ${first}`)).stdout, /^answer +\{"type":"boolean"\}$/m);
    assert.match((await place.baton(`inbox ls --to cem --json`)).stdout, /"items":\[\]/);

    const stranger = await place.baton(["inbox", "answer", `${first}/ship`, "true", "--as", "cem"]);
    assert.deepEqual([stranger.code, /error\[NOT_YOURS\]/.test(stranger.stderr)], [5, true]);
    const wrong = await place.baton(["inbox", "answer", `${first}/ship`, '"yes"', "--as", "ada"]);
    assert.deepEqual([wrong.code, /error\[ANSWER_INVALID\]/.test(wrong.stderr)], [2, true]);
    assert.equal((await place.baton(["inbox", "answer", first, "true", "--as", "ada"])).code, 0);
    const answered = await place.baton(`runs resume ${first} --json`);
    assert.deepEqual((JSON.parse(answered.stdout) as { output: unknown }).output, { by: "person", who: "ada", value: true });

    assert.equal((await place.baton(["inbox", "decline", second, "--reason", "not mine", "--as", "bob"])).code, 0);
    const declined = await place.baton(`runs resume ${second} --json`);
    assert.deepEqual(
      [declined.code, (JSON.parse(declined.stdout) as { problem: { code: string } }).problem.code],
      [1, "ASK_DECLINED"],
    );
    assert.equal((await place.baton("inbox ls")).stdout, "");
  });
});

suite("an owner that stays", { concurrency: 3 }, () => {
  test("carries everything, fires schedules, takes events, and stops on a word", async () => {
    using place = openPlace({
      ...FILES,
      "hear.ts": `import { workflow } from "batonflow"; export default workflow({ name: "hear", run: async (ctx) => (await ctx.listen({ type: "order.*" }))[0]?.data });`,
    });
    const waiting = await left(place, "wait.ts");
    await place.baton(["schedules", "add", "often", "work.ts", "--every", "1s", "--input", '{"n":7}', "--overlap", "parallel"]);
    const owner = place.start("start hear.ts");
    await owner.says(/carrying 1 run/);
    const hearing = await place.baton("run hear.ts --detach --json");
    const { run } = readJsonOutput<{ run: string }>(hearing);
    assert.match(
      (await place.baton(["events", "send", '[{"type":"order.made","id":"o1","data":{"n":1}}]'])).stdout,
      /^1 accepted/,
    );
    assert.match((await place.baton(["events", "send", '{"type":"order.made","id":"o1"}'])).stdout, /^0 accepted, 1 were/);
    await place.baton(["runs", "signal", waiting, "go"]);
    await owner.says(new RegExp(`✓ ${waiting}`));
    await owner.says(new RegExp(`✓ ${run}`));
    await owner.says(/○ run_\w+ {2}default\/work/);
    const { schedules } = readJsonOutput<{ schedules: { started: number; name: string }[] }>(
      await place.baton("schedules ls --json"),
    );
    assert.equal(schedules[0]?.name, "often");
    assert.equal((await place.baton("schedules pause often")).stdout, "often: every second; paused\n");
    assert.equal((await place.baton("schedules next often")).stdout, "");
    assert.equal((await place.baton("schedules rm often")).code, 0);
    owner.signal("SIGTERM");
    assert.equal((await owner.ended).code, 0);
    const { output } = readJsonOutput<{ output: unknown }>(await place.baton(`runs show ${run} --json`));
    assert.deepEqual(output, { n: 1 });
  });

  test("dev loads a file again when it changes, and keeps the old code while the new one is wrong", async () => {
    const code = (word: string): string =>
      `import { workflow } from "batonflow"; export default workflow({ name: "word", run: () => ${word} });`;
    using place = openPlace({ "word.ts": code('"one"') });
    const owner = place.start("dev word.ts");
    await owner.says(/carrying/);
    assert.equal((await place.baton("run word.ts")).stdout, "one\n");
    place.write("word.ts", code('"two'));
    await owner.says(/WF_SYNTAX/);
    place.write("word.ts", code('"three"'));
    await owner.says(/loaded word.ts again/);
    const { run } = readJsonOutput<{ run: string }>(await place.baton("run word.ts --detach --json"));
    await owner.says(new RegExp(`✓ ${run}`));
    assert.equal(readJsonOutput<{ output: string }>(await place.baton(`runs show ${run} --json`)).output, "three");
    owner.signal("SIGINT");
    assert.equal((await owner.ended).code, 0);
  });
});

suite("other code", () => {
  test("check says what it would do to unfinished runs, without executing a step; migrate moves those that fit", async () => {
    const version = (number: string, body: string): string =>
      `import { workflow } from "batonflow"; import { appendFileSync } from "node:fs";
       export default workflow({ name: "v", version: "${number}", run: async (ctx) => { ${body} } });`;
    using place = openPlace({
      "v.ts": version(
        "1.0.0",
        'await ctx.step("a", () => appendFileSync("acted.txt", "a\\n")); await ctx.waitSignal("go"); return "old";',
      ),
      "fits.ts": version(
        "1.1.0",
        'await ctx.step("a", () => appendFileSync("acted.txt", "a\\n")); await ctx.step("b", () => 1); await ctx.waitSignal("go"); return "new";',
      ),
      "breaks.ts": version("1.2.0", 'await ctx.sleep("a", 5); return "other";'),
    });
    const run = await left(place, "v.ts");
    const fits = await place.baton("check fits.ts");
    assert.deepEqual([fits.code, /goes on/.test(fits.stdout)], [0, true]);
    const breaks = await place.baton("check breaks.ts --json");
    const { breaking, runs } = readJsonOutput<{ breaking: number; runs: { run: string; verdict: object }[] }>(breaks);
    assert.deepEqual([breaks.code, breaking, runs[0]?.run], [6, 1, run]);
    assert.deepEqual(runs[0]?.verdict, { kind: "mismatch", at: "a", asked: "sleep", recorded: "step-completed" });
    const unfit = await place.baton(`runs migrate ${run} --to breaks.ts`);
    assert.deepEqual([unfit.code, /error\[MIGRATION_UNFIT\]/.test(unfit.stderr)], [6, true]);
    assert.equal((await place.baton(`runs migrate ${run} --to fits.ts`)).code, 0);
    await place.baton(["runs", "signal", run, "go"]);
    assert.equal((await place.baton(`runs resume ${run}`)).stdout, "new\n");
    assert.deepEqual(acted(place), ["a"]);
  });

  test("explain, doctor and completion", async () => {
    using place = openPlace(FILES);
    assert.match((await place.baton("explain replay_mismatch")).stdout, /^REPLAY_MISMATCH {2}The workflow's code does not fit/);
    assert.equal((await place.baton("explain NO_SUCH")).code, 4);
    const healthy = await place.baton("doctor --json");
    assert.deepEqual([healthy.code, readJsonOutput<{ healthy: boolean }>(healthy).healthy], [0, true]);
    place.write(
      "complete.sh",
      `source <(baton completion bash); COMP_WORDS=(baton runs s); COMP_CWORD=2; _baton; echo "\${COMPREPLY[*]}"`,
    );
    const completed = await place.shell("bash complete.sh").ended;
    assert.match(completed.stdout, /\bshow\b.*\bsignal\b/);
    for (const shell of ["zsh", "fish"]) assert.match((await place.baton(`completion ${shell}`)).stdout, /baton/);
  });
});
