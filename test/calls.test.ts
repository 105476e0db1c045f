// Calls of services in runs: whom they go to, what guards them, what stands in, and what is known of them afterwards.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Json } from "../src/base/json.ts";
import { type Baton, openBaton } from "../src/orchestrator.ts";
import { type ServiceDefinition, service } from "../src/services.ts";
import { type Called, type CallOptions, type Context, workflow } from "../src/workflow.ts";

interface Scripted {
  /** What each one does next; well where nothing is said. */
  readonly state: Record<string, "well" | "down" | "wrong">;
  readonly asked: string[];
  readonly services: readonly ServiceDefinition[];
}

/** Services of one capability, each a few lines: well they give their name, down they throw, wrong they give nonsense. */
function scripted(names: readonly string[], more: (name: string) => Partial<ServiceDefinition> = () => ({})): Scripted {
  const state: Scripted["state"] = {};
  const asked: string[] = [];
  const services = names.map((name) =>
    service({
      service: name,
      operations: {
        say: {
          capability: "word.say",
          effects: "read",
          output: { type: "object", required: ["by"], properties: { by: { type: "string" } } },
          act: (input) => {
            asked.push(name);
            if (state[name] === "down") throw new Error(`${name} is down`);
            return state[name] === "wrong" ? { nonsense: true } : { by: name, input };
          },
        },
      },
      ...more(name),
    }),
  );
  return { state, asked, services };
}

interface Bed extends AsyncDisposable {
  readonly data: string;
  open(): Promise<Baton>;
}

function openBed(services: readonly ServiceDefinition[], workflows: readonly unknown[]): Bed {
  const data = mkdtempSync(join(tmpdir(), "calls-"));
  return {
    data,
    open: () => openBaton({ data, services, workflows: workflows as never, carry: "own" }),
    async [Symbol.asyncDispose]() {
      rmSync(data, { recursive: true, force: true });
    },
  };
}

const QUICK: CallOptions = { retry: { firstDelayMs: 1 } };
const ONCE: CallOptions = { retry: { attemptsMax: 1 } };

/** Runs `act` once; gives what it gave. */
async function inRun<T>(services: readonly ServiceDefinition[], act: (context: Context) => Promise<T>): Promise<T> {
  const story = workflow({ name: "story", run: act });
  await using bed = openBed(services, [story]);
  await using baton = await bed.open();
  return (await (await baton.start(story as never, null)).result()) as T;
}

function byOf(called: Called<Json>): string {
  assert.ok(called.ok, called.ok ? "" : called.problem.detail);
  return (called.output as { by: string }).by;
}

test("the choice is in the journal before anybody is asked, with every candidate and why", async () => {
  const { services } = scripted(["a", "b"], (name) => ({ priority: name === "b" ? 1 : 50 }));
  const story = workflow({ name: "story", run: (context) => context.call("word.say", {}, { except: ["c"] }) });
  await using bed = openBed(services, [story]);
  await using baton = await bed.open();
  const run = await baton.start(story as never, null);
  await run.result();
  const { entries } = await baton.call("runs.journal", { run: run.id });
  assert.deepEqual(
    entries.map(({ key }) => key),
    ["word.say / choose", "word.say / b/say"],
  );
  const [choice] = entries;
  assert.ok(choice);
  const { chain, candidates, explanation } = choice.data as { chain: object[]; candidates: object[]; explanation: string };
  assert.deepEqual([chain.length, candidates.length], [2, 2]);
  assert.equal(explanation, "Chosen: b/say (priority 1, local). Then: a/say.");
});

test("a replay asks nobody again, and makes the same choice though another would be made now", async () => {
  const { services, asked } = scripted(["a", "b"]);
  const story = workflow({
    name: "story",
    run: async (context) => {
      const first = await context.call<{ by: string }>("word.say", {}, { strategy: "weighted", name: "first" });
      await context.waitSignal("go");
      const second = await context.call<{ by: string }>("word.say", {}, { strategy: "least-loaded", name: "second" });
      return [first.by, second.by];
    },
  });
  await using bed = openBed(services, [story]);
  let id: string;
  {
    await using baton = await bed.open();
    const { promise: waits, resolve } = Promise.withResolvers<void>();
    using _listening = baton.listen((news) => {
      if (news.kind === "status" && news.status === "waiting") resolve();
    });
    id = (await baton.start(story as never, null)).id;
    await waits;
  }
  const [only] = asked;
  await using again = await openBaton({ data: bed.data, services: [...services].toReversed(), workflows: [story as never] });
  await again.signal(id, "go");
  assert.deepEqual(await (await again.run(id)).result(), [only, "a"]);
  assert.equal(asked.length, 2);
});

test("the next is asked at once where one fails; the last is asked again", async () => {
  const { services, state, asked } = scripted(["a", "b"]);
  state.a = "down";
  assert.equal(byOf(await inRun(services, (context) => context.tryCall("word.say", {}, QUICK))), "b");
  assert.deepEqual(asked.splice(0), ["a", "b"]);
  state.b = "wrong";
  const called = await inRun(services, (context) => context.tryCall("word.say", {}, QUICK));
  assert.ok(!called.ok);
  assert.equal(called.problem.code, "SERVICE_FAILED");
  assert.match(
    called.problem.detail,
    /None of 2 services could answer word\.say: a\/say: a is down; b\/say answered with something else/,
  );
  assert.deepEqual(asked, ["a", "b", "b", "b"]);
});

test("five failures in a row: it is left alone, and asked no more", async () => {
  const { services, state, asked } = scripted(["a"]);
  state.a = "wrong";
  const problems = await inRun(services, async (context) => {
    const codes: string[] = [];
    for (let i = 0; i < 8; i++) {
      const called = await context.tryCall("a/say", {}, { name: `call ${i}`, retry: { attemptsMax: 1 } });
      codes.push(called.ok ? "ok" : called.problem.code);
    }
    return codes;
  });
  assert.deepEqual(problems, [...Array(5).fill("SERVICE_ANSWER_INVALID"), ...Array(3).fill("SERVICE_CIRCUIT_OPEN")]);
  assert.equal(asked.length, 5);
});

test("only so many are under way at a service, over all runs", async () => {
  let [now, most] = [0, 0];
  const { promise: full, resolve } = Promise.withResolvers<void>();
  const narrow = service({
    service: "narrow",
    limits: { concurrency: 3 },
    operations: {
      work: {
        effects: "read",
        act: async () => {
          most = Math.max(most, ++now);
          if (now === 3) resolve();
          await full;
          now--;
          return null;
        },
      },
    },
  });
  await inRun([narrow], (context) =>
    Promise.all(Array.from({ length: 20 }, (_, i) => context.call("narrow/work", null, { name: `call ${i}` }))),
  );
  assert.equal(most, 3);
});

test("an input that does not fit is told before anybody is asked; what is left out is filled", async () => {
  const seen: Json[] = [];
  const strict = service({
    service: "strict",
    operations: {
      take: {
        effects: "read",
        input: {
          type: "object",
          required: ["n"],
          properties: { n: { type: "integer" }, unit: { type: "string", default: "m" } },
        },
        act: (input) => {
          seen.push(input);
          return input;
        },
      },
    },
  });
  const [bad, good] = await inRun([strict], async (context) => [
    await context.tryCall("strict/take", { n: "three" }, { name: "bad" }),
    await context.tryCall("strict/take", { n: 3 }, { name: "good" }),
  ]);
  assert.ok(bad && !bad.ok && bad.problem.code === "SERVICE_INPUT_INVALID");
  assert.match(bad.problem.detail, /\/n: must be integer/);
  assert.ok(good?.ok);
  assert.deepEqual(seen, [{ n: 3, unit: "m" }]);
});

test("each thing that may stand in does, and says so", async () => {
  const { services, state } = scripted(["a", "b"]);
  state.a = "down";
  const once: CallOptions = { retry: { attemptsMax: 1 } };
  const hows = await inRun(services, async (context) => {
    const ask = async (name: string, fallback: NonNullable<CallOptions["fallback"]>) => {
      const called = await context.tryCall("a/say", { name }, { ...once, name, fallback });
      return called.ok ? [called.degraded?.how, called.target, called.output] : [called.problem.code];
    };
    return [
      await ask("other", [{ call: "b/say" }]),
      await ask("value", [{ call: "a/say" }, { value: "none" }]),
      await ask("nothing", [{ lastGood: true }]),
    ];
  });
  assert.deepEqual(hows, [
    ["other-service", "b/say", { by: "b", input: { name: "other" } }],
    ["value", null, "none"],
    ["SERVICE_FAILED"],
  ]);
});

test("the last good answer stands in, with its age, for the same input alone; and runs and commands say what is degraded", async () => {
  const { services, state } = scripted(["a"]);
  const story = workflow({
    name: "story",
    run: (context, input: Json) =>
      context.tryCall("a/say", input, { retry: { attemptsMax: 1 }, fallback: [{ lastGood: { ageMsMax: 60_000 } }] }),
  });
  await using bed = openBed(services, [story]);
  const run = async (baton: Baton, input: Json) => {
    const handle = await baton.start(story as never, input);
    return { called: (await handle.result()) as Called<Json>, id: handle.id };
  };
  {
    await using baton = await bed.open();
    assert.equal(byOf((await run(baton, { q: 1 })).called), "a");
  }
  state.a = "down";
  await using baton = await bed.open();
  const { called, id } = await run(baton, { q: 1 });
  assert.ok(called.ok && called.degraded?.how === "last-good" && (called.degraded.ageMs ?? -1) >= 0);
  assert.deepEqual(called.output, { by: "a", input: { q: 1 } });
  assert.equal((await run(baton, { q: 2 })).called.ok, false);
  const { degraded } = await baton.call("runs.show", { run: id });
  assert.deepEqual(
    degraded?.map(({ target, how }) => [target, how]),
    [["a/say", "last-good"]],
  );
});

test("what is remembered is found whichever call got it; what is not, only where a call said so", async () => {
  const { services, state } = scripted(["a", "b"]);
  const said = services.map((one) =>
    one.service === "a" ? { ...one, operations: mapped(one, (say) => ({ ...say, remember: true })) } : one,
  );
  const once: CallOptions = { retry: { attemptsMax: 1 } };
  const hows = await inRun(said as ServiceDefinition[], async (context) => {
    for (const name of ["a", "b"]) await context.call(`${name}/say`, { q: 1 }, { ...once, name: `plain ${name}` });
    [state.a, state.b] = ["down", "down"];
    const found: unknown[] = [];
    for (const name of ["a", "b"]) {
      const called = await context.tryCall(`${name}/say`, { q: 1 }, { ...once, name, fallback: [{ lastGood: true }] });
      found.push(called.ok ? called.degraded?.how : called.problem.code);
    }
    return found;
  });
  assert.deepEqual(hows, ["last-good", "SERVICE_FAILED"]);
});

test("a person may stand in", async () => {
  const { services, state } = scripted(["a"]);
  state.a = "down";
  const story = workflow({
    name: "story",
    run: (context) => context.tryCall("a/say", {}, { retry: { attemptsMax: 1 }, fallback: [{ ask: "What shall it say?" }] }),
  });
  await using bed = openBed(services, [story]);
  await using baton = await bed.open();
  const { promise: asked, resolve } = Promise.withResolvers<string>();
  using _listening = baton.listen((news) => {
    if (news.kind === "asked") resolve(`${news.run}/${news.key}`);
  });
  const run = await baton.start(story as never, null);
  await baton.call("inbox.answer", { id: await asked, value: { by: "ada" } });
  const called = (await run.result()) as Called<Json>;
  assert.ok(called.ok && called.degraded?.how === "person");
  assert.deepEqual(called.output, { by: "ada" });
});

test("what a call allows holds for whoever is named, and for what stands in", async () => {
  const sent: string[] = [];
  const far = service({
    service: "far",
    baseUrl: "https://far.example.com",
    operations: {
      chat: { capability: "far.chat", effects: "read", cost: { usdPerCall: 1 }, act: () => sent.push("far") },
    },
  });
  const { services, state } = scripted(["near"]);
  state.near = "down";
  for (const allowed of [
    { localOnly: true },
    { only: ["near"] },
    { except: ["far"] },
    { costMaxUsd: 0.5 },
  ] satisfies CallOptions[]) {
    const codes = await inRun([far, ...services], async (context) => {
      const asked = [
        await context.tryCall("far/chat", { text: "private" }, { ...allowed, name: "named" }),
        await context.tryCall("far/far.chat", {}, { ...allowed, name: "named by capability" }),
        await context.tryCall("far.chat", {}, { ...allowed, name: "chosen" }),
        await context.tryCall("near/say", {}, { ...allowed, ...ONCE, name: "named instead", fallback: [{ call: "far/chat" }] }),
        await context.tryCall("near/say", {}, { ...allowed, ...ONCE, name: "chosen instead", fallback: [{ call: "far.chat" }] }),
      ];
      return asked.map((called) => (called.ok ? "ok" : called.problem.code));
    });
    const refused = Array(3).fill("SERVICE_NONE_FIT");
    assert.deepEqual([codes, sent], [[...refused, "SERVICE_FAILED", "SERVICE_FAILED"], []], JSON.stringify(allowed));
  }
});

test("a refusal stays one when the run is replayed, whatever is allowed by then", async () => {
  const { services, asked } = scripted(["a"]);
  let isAllowed = false;
  const story = workflow({
    name: "story",
    run: async (context) => {
      const called = await context.tryCall("a/say", {}, { except: isAllowed ? [] : ["a"] });
      await context.waitSignal("go");
      return called.ok ? "ok" : called.problem.code;
    },
  });
  await using bed = openBed(services, [story]);
  let id: string;
  {
    await using baton = await bed.open();
    const { promise: waits, resolve } = Promise.withResolvers<void>();
    using _listening = baton.listen((news) => {
      if (news.kind === "status" && news.status === "waiting") resolve();
    });
    id = (await baton.start(story as never, null)).id;
    await waits;
  }
  isAllowed = true;
  await using again = await openBaton({ data: bed.data, services, workflows: [story as never] });
  await again.signal(id, "go");
  assert.deepEqual([await (await again.run(id)).result(), asked], ["SERVICE_NONE_FIT", []]);
});

test("what is no option of a call is told before anybody is asked", async () => {
  const { services, asked } = scripted(["a"]);
  for (const [options, words] of [
    [null, /options of a call are no object/],
    [[], /options of a call are no object/],
    [{ fallbak: [] }, /no option "fallbak"/],
    [{ name: "" }, /name is ""/],
    [{ strategy: "cheapest" }, /strategy is "cheapest"/],
    [{ strategy: 7 }, /strategy is 7/],
    [{ stickyKey: {} }, /stickyKey is an object/],
    [{ only: "xax" }, /only is "xax"/],
    [{ only: null }, /only is null/],
    [{ only: [7] }, /only is a list of 1/],
    [{ except: 7 }, /except is 7/],
    [{ localOnly: "no" }, /localOnly is "no"/],
    [{ costMaxUsd: -1 }, /costMaxUsd is -1/],
    [{ valueUsd: Number.NaN }, /valueUsd is NaN/],
    [{ timeoutMs: "soon" }, /timeoutMs is "soon"/],
    [{ timeoutMs: 0 }, /timeoutMs is 0/],
    [{ attemptTimeoutMs: 1e300 }, /attemptTimeoutMs is 1e\+300/],
    [{ stream: 7 }, /stream is 7/],
    [{ retry: "x" }, /retry is "x"/],
    [{ retry: { attemptsMax: -1 } }, /attemptsMax is -1/],
    [{ retry: { attempts: 1 } }, /retry\.attempts is not known/],
    [{ fallback: { value: 1 } }, /fallback is an object/],
    [{ fallback: "x" }, /fallback is "x"/],
    [{ fallback: null }, /fallback is null/],
    [{ fallback: [null] }, /fallback\[0\] is null/],
    [{ fallback: [{ vlaue: 1 }] }, /fallback\[0\] says nothing/],
    [{ fallback: [{ value: 1, call: "a/say" }] }, /fallback\[0\] has call and value/],
    [{ fallback: [{ value: () => 1 }] }, /fallback\[0\] is a function/],
    [{ fallback: [{ call: 7 }] }, /fallback\[0\]\.call is 7/],
    [{ fallback: [{ call: "a/say", input: 10n }] }, /fallback\[0\] is a bigint/],
    [{ fallback: [{ model: 7 }] }, /fallback\[0\]\.model is 7/],
    [{ fallback: [{ lastGood: null }] }, /fallback\[0\]\.lastGood is null/],
    [{ fallback: [{ lastGood: { ageMsMax: "1h" } }] }, /fallback\[0\]\.lastGood is an object/],
    [{ fallback: [{ ask: "really?", timeoutMs: -1 }] }, /fallback\[0\]\.timeoutMs is -1/],
  ] as const) {
    const act = (context: Context) => context.tryCall("a/say", {}, options as never).catch((error) => error.problem);
    const problem = (await inRun(services, act)) as unknown as { code: string; detail: string };
    assert.equal(problem.code, "SERVICE_OPTION_INVALID", String(words));
    assert.match(problem.detail, words);
  }
  const spread = (context: Context) =>
    context.tryCall("a/say", "text", { fallback: [{ model: "m" }] }).catch((error) => error.problem);
  assert.match(
    ((await inRun(services, spread)) as unknown as { detail: string }).detail,
    /fallback\[0\]\.model goes with an input/,
  );
  assert.deepEqual(asked, []);
});

test("a target that names nothing is told before anybody is asked", async () => {
  for (const target of ["", "/", "a/", "/say", 7, undefined]) {
    const act = (context: Context) => context.tryCall(target as never, {}).catch((error) => error.problem);
    const problem = (await inRun(scripted(["a"]).services, act)) as unknown as { code: string };
    assert.equal(problem.code, "SERVICE_TARGET_INVALID", String(target));
  }
});

test("an input that is no JSON is told before anybody is asked", async () => {
  const { services, asked } = scripted(["a"]);
  const ring: { self?: unknown } = {};
  ring.self = ring;
  const deep = JSON.parse("[".repeat(100) + "]".repeat(100)) as Json;
  for (const [input, code] of [
    [ring, "JSON_TOO_DEEP"],
    [deep, "JSON_TOO_DEEP"],
    [{ at: new Date(0) }, "NOT_JSON"],
    [new Map(), "NOT_JSON"],
    [() => 1, "NOT_JSON"],
    [{ n: Number.NaN }, "NOT_JSON"],
  ] as const)
    for (const target of ["a/say", "word.say"]) {
      const act = (context: Context) => context.tryCall(target, input as never).catch((error) => error.problem);
      assert.equal(((await inRun(services, act)) as unknown as { code: string }).code, code);
    }
  assert.deepEqual(asked, []);
});

test("an answer that is no JSON is the service's failure, and is not asked for again", async () => {
  const ring: { self?: unknown } = {};
  ring.self = ring;
  const deep = JSON.parse("[".repeat(5_000) + "]".repeat(5_000)) as Json;
  for (const output of [ring, deep, 10n, () => 1, { at: new Date(0) }, Number.NaN]) {
    let asked = 0;
    const give = (): Json => {
      asked++;
      return output as Json;
    };
    const odd = service({ service: "odd", operations: { give: { effects: "read", act: give } } });
    const called = await inRun([odd], (context) => context.tryCall("odd/give", {}, QUICK));
    assert.ok(!called.ok);
    assert.deepEqual([called.problem.code, asked], ["SERVICE_ANSWER_INVALID", 1], called.problem.detail);
  }
});

test("a function has its input to itself: the next service, the next attempt and the workflow see none of what it did to it", async () => {
  const seen: Json[] = [];
  const spoiling = (name: string, priority: number) =>
    service({
      service: name,
      priority,
      operations: {
        op: {
          capability: "text.spoil",
          effects: "read",
          act: (input) => {
            seen.push(structuredClone(input));
            Object.assign((input as { inner: object }).inner, { text: "changed" });
            throw new Error("no");
          },
        },
      },
    });
  const input = { inner: { text: "as it was" } };
  await inRun([spoiling("a", 1), spoiling("b", 2)], (context) => context.tryCall("text.spoil", input, QUICK));
  assert.deepEqual([...seen, input], Array(5).fill({ inner: { text: "as it was" } }));
});

test("a function that does not listen when it is told to stop is given up: its circuit settles, and its readings are there", async () => {
  const deaf = service({
    service: "deaf",
    operations: { op: { effects: "read", timeoutMs: 20, act: () => new Promise(() => undefined) } },
  });
  const story = workflow({
    name: "story",
    run: async (context, names: string[]) => {
      const told: string[] = [];
      for (const name of names) {
        const called = await context.tryCall("deaf/op", {}, { ...ONCE, name });
        told.push(called.ok ? "well" : called.problem.code);
      }
      return told;
    },
  });
  await using bed = openBed([deaf], [story]);
  await using baton = await bed.open();
  const run = async (names: string[]) => (await baton.start(story as never, names)).result();
  const late = Array(5).fill("SERVICE_UNAVAILABLE");
  assert.deepEqual(await run(["1", "2", "3", "4", "5", "6"]), [...late, "SERVICE_CIRCUIT_OPEN"]);
  const { operations } = await baton.call("stats.show", {});
  assert.deepEqual(
    operations.map(({ calls, failures }) => [calls, failures]),
    [[6, { timeout: 5, circuit: 1 }]],
  );
});

test("learned choosing leaves what fails, and what people rate low; all of it outlives a restart", async () => {
  const { services, state } = scripted(["a", "b", "c"]);
  state.b = "wrong";
  const story = workflow({
    name: "story",
    run: async (context, { from, to }: { from: number; to: number }) => {
      for (let i = from; i < to; i++) await context.tryCall("word.say", {}, { ...QUICK, name: `call ${i}`, strategy: "learned" });
      return null;
    },
  });
  const one = workflow({ name: "one", run: (context) => context.tryCall("a/say", {}) });
  await using bed = openBed(services, [story, one]);
  {
    await using baton = await bed.open();
    for (let i = 0; i < 6; i++) {
      const run = await baton.start(one as never, null);
      await run.result();
      const { target } = await baton.call("services.rate", { call: run.id, rating: 1, comment: "dull" });
      assert.equal(target, "a/say");
    }
    await (await baton.start(story as never, { from: 0, to: 60 })).result();
  }
  await using baton = await bed.open();
  const before = await callsOf(baton);
  await (await baton.start(story as never, { from: 0, to: 60 })).result();
  const after = await callsOf(baton);
  const share = (name: string): number => ((after[name] ?? 0) - (before[name] ?? 0)) / 60;
  assert.ok(share("c") > 0.75, JSON.stringify([before, after]));
  const { figures } = await baton.call("stats.show", {});
  assert.deepEqual(figures.userSatisfaction, { mean: 1, ratings: 6 });
});

test("a call that gets its result from another service is a success; what is the caller's own fault counts for neither", async () => {
  const { services, state } = scripted(["a", "b"]);
  state.a = "down";
  const strict = service({
    service: "strict",
    operations: { take: { effects: "read", input: { type: "object", required: ["n"] }, act: () => 1 } },
  });
  const story = workflow({
    name: "story",
    run: async (context) => {
      const ask = async (name: string, target: string, options: CallOptions = {}) =>
        (await context.tryCall(target, {}, { ...QUICK, name, ...options })).ok;
      return [
        await ask("chosen", "word.say"),
        await ask("in its stead", "a/say", { fallback: [{ call: "b/say" }] }),
        await ask("wrong", "strict/take"),
        await ask("in vain", "a/say", { fallback: [{ value: "none" }] }),
        await ask("in vain as well", "a/say"),
      ];
    },
  });
  await using bed = openBed([...services, strict], [story]);
  await using baton = await bed.open();
  assert.deepEqual(await (await baton.start(story as never, null)).result(), [true, true, false, true, false]);
  const { figures, operations } = await baton.call("stats.show", {});
  assert.deepEqual(figures.serviceSuccessRate, { share: 0.5, calls: 4 });
  assert.deepEqual(
    operations.map((one) => [one.service, one.calls, one.successShare]),
    [
      ["a", 4, 0],
      ["b", 2, 1],
      ["strict", 1, null],
    ],
  );
});

test("what nobody knows the cost of is never as if it were free", async () => {
  const { services } = scripted(["far", "near", "told"], (name) => (name === "near" ? {} : { data: "remote", priority: 1 }));
  const priced = services.map((one) =>
    one.service === "told" ? { ...one, operations: mapped(one, (say) => ({ ...say, cost: { usdPerCall: 0.5 } })) } : one,
  );
  const story = workflow({
    name: "story",
    run: async (context) => {
      const by = (options: CallOptions & { name: string }) => context.tryCall("word.say", {}, options);
      const [cheap, dear, far] = [
        await by({ name: "cheap", costMaxUsd: 0.1 }),
        await by({ name: "dear", strategy: "least-cost", except: ["near"] }),
        await by({ name: "far", only: ["far"] }),
      ];
      return { cheap, dear, far, out: await by({ name: "out", only: ["far"], costMaxUsd: 9 }) };
    },
  });
  await using bed = openBed(priced as ServiceDefinition[], [story]);
  await using baton = await bed.open();
  const run = await baton.start(story as never, null);
  const { cheap, dear, far, out } = (await run.result()) as Record<string, Called<Json> & { ok: true }>;
  assert.deepEqual(
    [cheap, dear, far].map((one) => [one?.target, one?.costUsd, one?.isCostKnown]),
    [
      ["near/say", 0, undefined],
      ["told/say", 0.5, undefined],
      ["far/say", 0, false],
    ],
  );
  assert.match(JSON.stringify(out), /far\/say: nobody knows what it costs/);
  const { operations } = await baton.call("stats.show", {});
  assert.deepEqual(
    operations.map((one) => [one.service, one.costUsd, one.unpriced]),
    [
      ["far", 0, 1],
      ["near", 0, 0],
      ["told", 0.5, 0],
    ],
  );
});

type Operations = NonNullable<ServiceDefinition["operations"]>;

function mapped({ operations = {} }: ServiceDefinition, change: (one: Operations[string]) => Operations[string]): Operations {
  return Object.fromEntries(Object.entries(operations).map(([name, one]) => [name, change(one)]));
}

async function callsOf(baton: Baton): Promise<Record<string, number>> {
  const { operations } = await baton.call("stats.show", {});
  return Object.fromEntries(operations.map(({ service: name, calls }) => [name, calls]));
}

test("what must not be done twice is not done again after a crash in the middle", async () => {
  let begun = 0;
  const { promise: inside, resolve } = Promise.withResolvers<void>();
  const once = service({
    service: "once",
    operations: {
      pay: {
        act: () => {
          begun++;
          resolve();
          return new Promise(() => undefined);
        },
      },
    },
  });
  const story = workflow({ name: "story", run: (context) => context.tryCall("once/pay", {}) });
  await using bed = openBed([once], [story]);
  let id: string;
  {
    const baton = await openBaton({ data: bed.data, services: [once], workflows: [story as never], carry: "own", graceMs: 0 });
    id = (await baton.start(story as never, null)).id;
    await inside;
    await baton[Symbol.asyncDispose]();
  }
  await using again = await openBaton({ data: bed.data, services: [once], workflows: [story as never] });
  const called = (await (await again.run(id)).result()) as Called<Json>;
  assert.ok(!called.ok && called.problem.code === "STEP_INTERRUPTED");
  assert.equal(begun, 1);
});
