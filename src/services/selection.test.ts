// Who is asked, and why (numbers: selection.ts).

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Candidate, type Needs, type SelectionRequest, STRATEGIES, select } from "./selection.ts";

const candidate = fc.record({
  health: fc.constantFrom("healthy", "unhealthy", "unknown"),
  circuit: fc.constantFrom("closed", "open", "half-open"),
  isLocal: fc.boolean(),
  effects: fc.constantFrom("read", "write", "destructive"),
  priority: fc.integer({ min: 1, max: 3 }),
  weight: fc.integer({ min: 0, max: 3 }),
  inFlight: fc.integer({ min: 0, max: 4 }),
  concurrency: fc.constant(4),
  latencyMs: fc.option(fc.integer({ min: 1, max: 900 })),
  costUsd: fc.constantFrom(0, 0.01, 0.5, null),
  unfit: fc.option(fc.constant("its input does not fit"), { freq: 4 }),
});

const candidates = fc
  .array(candidate, { maxLength: 8 })
  .map((all) => all.map((one, at): Candidate => ({ ...one, service: `s${at}`, target: `s${at}/o` }) as Candidate));

const needs: fc.Arbitrary<Needs> = fc.record(
  {
    localOnly: fc.boolean(),
    costMaxUsd: fc.constantFrom(0, 0.1),
    only: fc.subarray(["s0", "s1", "s2", "s3"]),
    except: fc.subarray(["s0", "s1"]),
  },
  { requiredKeys: [] },
);

const learn: NonNullable<SelectionRequest["learn"]> = (fit) => ({
  order: fit.map(({ target }) => target).toReversed(),
  scores: Object.fromEntries(fit.map(({ target }, at) => [target, at])),
  explanation: "learned",
});

const request: fc.Arbitrary<SelectionRequest> = fc.record({
  candidates,
  needs,
  strategy: fc.constantFrom(...STRATEGIES),
  seed: fc.string({ maxLength: 4 }),
  stickyKey: fc.string({ maxLength: 4 }),
  learn: fc.constant(learn),
});

const isForbidden = ({ service, isLocal, costUsd, unfit }: Candidate, wants: Needs): boolean =>
  (wants.only !== undefined && !wants.only.includes(service)) ||
  (wants.except ?? []).includes(service) ||
  (wants.localOnly === true && !isLocal) ||
  (wants.costMaxUsd !== undefined && (costUsd ?? Number.POSITIVE_INFINITY) > wants.costMaxUsd) ||
  unfit !== null;

test("1 a forbidden service is never chosen, and everyone who is not may be", () => {
  fc.assert(
    fc.property(request, (asked) => {
      const { chain } = select(asked);
      const allowed = asked.candidates.filter((one) => !isForbidden(one, asked.needs));
      for (const target of chain) assert.ok(allowed.some((one) => one.target === target));
      assert.equal(chain.length > 0, allowed.length > 0);
      assert.equal(new Set(chain).size, chain.length);
      const reachable = allowed.filter(({ circuit }) => circuit !== "open");
      assert.equal(chain.length, reachable.length > 0 ? reachable.length : allowed.length);
    }),
  );
});

test("2 an unwell service is never asked before one that is well, and one that is left alone only where there is no other", () => {
  fc.assert(
    fc.property(request, (asked) => {
      const order = select(asked).chain.map((target) => asked.candidates.find((one) => one.target === target) as Candidate);
      const firstUnwell = order.findIndex(({ health }) => health === "unhealthy");
      const lastWell = order.findLastIndex(({ health }) => health !== "unhealthy");
      if (order.every(({ circuit }) => circuit !== "open")) assert.ok(firstUnwell < 0 || firstUnwell > lastWell);
      assert.ok(order.every(({ circuit }) => circuit === "open") || order.every(({ circuit }) => circuit !== "open"));
    }),
  );
});

test("3 equal questions have equal answers, in whatever order the candidates stand", () => {
  fc.assert(
    fc.property(request, (asked) => {
      const once = select(asked);
      assert.deepEqual(
        select(structuredClone({ ...asked, learn: undefined }) as never),
        select({ ...asked, learn: undefined } as never),
      );
      if (asked.strategy === "learned") return;
      const turned = { ...asked, candidates: asked.candidates.toReversed() };
      assert.deepEqual(select(turned).chain, once.chain);
    }),
  );
});

test("4 every candidate is told of: with a score, or with why it is out", () => {
  fc.assert(
    fc.property(request, (asked) => {
      const { candidates: told, explanation } = select(asked);
      assert.deepEqual(
        told.map(({ target }) => target),
        asked.candidates.map(({ target }) => target),
      );
      for (const [at, { score, words }] of told.entries()) {
        assert.equal(score === null, isForbidden(asked.candidates[at] as Candidate, asked.needs));
        assert.ok(words.length > 0);
      }
      assert.ok(explanation.length > 0);
    }),
  );
});

const well: Candidate = {
  ...{ target: "a/o", service: "a", health: "healthy", circuit: "closed", isLocal: true, effects: "read", priority: 100 },
  ...{ weight: 1, inFlight: 0, concurrency: 4, latencyMs: 100, costUsd: 0, unfit: null },
};

const named = (service: string, more: Partial<Candidate> = {}): Candidate => ({
  ...well,
  ...more,
  service,
  target: `${service}/o`,
});

function firstOf(
  strategy: SelectionRequest["strategy"],
  all: readonly Candidate[],
  more: Partial<SelectionRequest> = {},
): string {
  return select({ candidates: all, needs: {}, strategy, seed: "s", ...more }).chain[0] ?? "nobody";
}

test("each strategy asks whom it says", () => {
  const two = [named("a", { priority: 5, latencyMs: 10, costUsd: 0.1, inFlight: 1 }), named("b", { priority: 1, latencyMs: 90 })];
  assert.equal(firstOf("priority", two), "b/o");
  assert.equal(firstOf("least-latency", two), "a/o");
  assert.equal(firstOf("least-latency", [...two, named("c", { latencyMs: null })]), "c/o");
  assert.equal(firstOf("least-cost", two), "b/o");
  assert.equal(firstOf("least-loaded", two), "b/o");
  assert.equal(firstOf("priority", [named("far", { isLocal: false }), named("near")]), "near/o");
  assert.equal(firstOf("learned", two, { learn }), "b/o");
});

test("a key sticks to its service while that is there, and only its own keys move when one goes", () => {
  const all = ["a", "b", "c", "d"].map((name) => named(name));
  const keys = Array.from({ length: 400 }, (_, i) => `key ${i}`);
  const placed = (from: readonly Candidate[], seed: string) =>
    keys.map((stickyKey) => firstOf("sticky", from, { stickyKey, seed }));
  const before = placed(all, "one");
  assert.deepEqual(placed(all, "another"), before);
  const after = placed(
    all.filter(({ service }) => service !== "b"),
    "one",
  );
  for (const [at, place] of before.entries()) if (place !== "b/o") assert.equal(after[at], place);
  for (const name of ["a/o", "b/o", "c/o", "d/o"]) {
    const share = before.filter((place) => place === name).length / keys.length;
    assert.ok(share > 0.15 && share < 0.35, `${name} has ${share}`);
  }
});

test("weights are shares; who has none is asked last", () => {
  const all = [named("a", { weight: 3 }), named("b", { weight: 1 }), named("none", { weight: 0 })];
  const firsts = Array.from({ length: 4_000 }, (_, i) => firstOf("weighted", all, { seed: `draw ${i}` }));
  const share = firsts.filter((one) => one === "a/o").length / firsts.length;
  assert.ok(Math.abs(share - 0.75) < 0.03, String(share));
  assert.ok(!firsts.includes("none/o"));
});

test("it is said in words why", () => {
  const all = [named("a", { priority: 5 }), named("b", { unfit: "it has no model" }), named("c", { isLocal: false })];
  const { explanation } = select({ candidates: all, needs: { localOnly: true }, strategy: "priority", seed: "s" });
  assert.equal(
    explanation,
    "Chosen: a/o (priority 5, local). Out: b/o: it has no model; c/o: data may not leave this machine and its network.",
  );
  const nobody = select({ candidates: all.slice(1), needs: { localOnly: true }, strategy: "priority", seed: "s" });
  assert.match(nobody.explanation, /^b\/o: it has no model; c\/o: /);
});

test("of each it is said what decided: its share, whether it is the place, how often it is right and what it is worth", () => {
  const two = [named("a", { weight: 3 }), named("b", { weight: 1, health: "unhealthy" })];
  const words = (more: Partial<SelectionRequest>) =>
    select({ candidates: two, needs: {}, strategy: "priority", seed: "s", ...more }).candidates.map((one) => one.words);
  const drawn = words({ strategy: "weighted" }).map((one) => one.replace(", drawn", ""));
  assert.deepEqual(drawn, ["weight 3, a share of 75 %", "unwell, weight 1, a share of 25 %"]);
  const placed = words({ strategy: "sticky", stickyKey: "k" }).map((one) => one.replace("unwell, ", ""));
  assert.deepEqual(placed.toSorted(), ["not the place for this key", "the place for this key"]);
  const means = { "a/o": 0.9, "b/o": 0.5 };
  const knowing = (fit: readonly Candidate[]) => ({ ...learn(fit), means });
  assert.deepEqual(words({ strategy: "learned", learn: knowing }), [
    "right 90 % of the time, worth $0.00",
    "unwell, right 50 % of the time, worth $1.00",
  ]);
});
