// Reviews the licences of a Node project's installed dependencies.
//
//   baton run examples/licence-review.ts                       the project in the current directory
//   baton run examples/licence-review.ts -i project=../other -i out=review --no-input
//
// One step per package: its licence files are compared word by word with the texts of the SPDX list, the result with what
// the manifest declares and with a policy. Doubts are asked of a person once, as one list; without an answer they stay
// doubts. The report (report.md, report.json, sbom.spdx.json) depends on the tree, the policy, the answers and `asOf` only:
// killed in the middle and carried on, it is byte for byte what it would have been.
//
// The work itself is in licence-review/, as plain functions without an engine.

import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import path from "node:path";
import { type Context, mapLimit, workflow, z } from "batonflow";
import { conclude } from "./licence-review/conclude.ts";
import { filesOnDisk } from "./licence-review/files.ts";
import { fixtureFiles, fixturePackage, fixtureTree } from "./licence-review/fixture.ts";
import { loadPolicy } from "./licence-review/policy.ts";
import {
  type Answers,
  type Asked,
  decideQuestions,
  isDecision,
  NO_ANSWERS,
  questionsInWords,
  questionsOf,
} from "./licence-review/questions.ts";
import { type Review, reviewPackage } from "./licence-review/review.ts";
import { discoverTree, type TreePackage } from "./licence-review/tree.ts";

/** A smaller tree would not show much, so the fixture is reviewed too. */
const FIXTURE_BELOW_PACKAGES = 200;

const inputs = z.object({
  project: z.string().default("."),
  /** A policy file; licence-review/policy.json where left out. */
  policy: z.string().optional(),
  out: z.string().default("licence-report"),
  /** The moment the report bears, in RFC 3339; the run's start where left out. */
  asOf: z.string().refine(isMoment, "a moment like 2026-01-31T00:00:00Z is wanted").optional(),
  concurrency: z.number().int().min(1).max(64).default(8),
});

const answers = z.object({
  decisions: z
    .record(z.string(), z.string().refine(isDecision, "accept, deny, leave or an SPDX expression is wanted"))
    .default({}),
  rest: z.enum(["accept", "deny", "leave"]).default("leave"),
});

export default workflow({
  name: "licence-review",
  version: "1.0.0",
  description: "Reviews the licences of a Node project's installed dependencies and writes a report and an SBOM.",
  input: inputs,
  run: reviewLicences,
});

async function reviewLicences(ctx: Context, input: z.infer<typeof inputs>) {
  const asOf = toTheSecond(input.asOf ?? ctx.info.startedAt);
  const { policy, info: policyInfo } = await ctx.step("read the policy", () => loadPolicy(input.policy));
  const { root, directory, tree } = await ctx.step("find the packages", () => findPackages(input.project, input.out));
  const subjects = tree.packages.filter(({ kind }) => kind === "dependency");
  const fixture = subjects.length < FIXTURE_BELOW_PACKAGES ? await ctx.step("read the fixture", () => fixtureTree()) : null;

  const all = subjects.length + (fixture?.packages.length ?? 0);
  let done = 0;
  const reviewAll = (
    verb: string,
    packages: readonly TreePackage[],
    act: (one: TreePackage) => Promise<Review>,
  ): Promise<Review[]> =>
    mapLimit(packages, input.concurrency, async (one) => {
      const review = await ctx.step(stepName(verb, one.key), () => act(one));
      ctx.progress(++done, all, one.key);
      return review;
    });

  ctx.progress(0, all, "reviewing");
  const reviews = await reviewAll("review", subjects, async (one) =>
    reviewPackage(one, await filesOnDisk(path.join(root, one.path), root), policy),
  );
  const fixtureReviews = await reviewAll("review fixture", fixture?.packages ?? [], (one) =>
    reviewPackage(one, fixtureFiles(fixturePackage(one.key)), policy),
  );
  const asked = await askAboutDoubts(ctx, reviews);

  return await ctx.step("write the report", ({ idempotencyKey }) =>
    conclude({
      ...{ asOf, policy, policyInfo, asked, directory, out: input.out, mark: idempotencyKey },
      project: { tree, reviews },
      fixture: fixture === null ? null : { tree: fixture, reviews: fixtureReviews },
    }),
  );
}

/** RFC 3339 with its offset: without one, the same text would mean another moment on another machine. */
function isMoment(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** As SPDX writes moments. */
function toTheSecond(moment: string): string {
  return new Date(moment).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Places are settled here once: whoever carries the run on may stand in another directory. */
async function findPackages(project: string, out: string) {
  const tree = await discoverTree(project);
  return { root: await realpath(project), directory: path.resolve(out), tree };
}

const STEP_NAME_LENGTH_MAX = 200;

/** Names of packages come from outside and may be long; what is cut off is kept as a hash. */
function stepName(verb: string, key: string): string {
  const name = `${verb} ${key}`;
  if (name.length <= STEP_NAME_LENGTH_MAX) return name;
  return `${name.slice(0, STEP_NAME_LENGTH_MAX - 17)} ${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

/** One list, once; nothing is asked where nothing is in doubt. */
async function askAboutDoubts(ctx: Context, reviews: readonly Review[]): Promise<Asked[]> {
  const questions = questionsOf(reviews);
  if (questions.length === 0) return [];
  const answer = await ctx.ask<Answers>("settle the doubts", {
    schema: answers,
    default: NO_ANSWERS,
    message: questionsInWords(questions),
  });
  return answer.by === "person"
    ? decideQuestions(questions, answer.value, "person")
    : decideQuestions(questions, NO_ANSWERS, "default");
}
