// A repository is audited by a hierarchy: a chief hands it to four leads (documents, licences, links, tests), each hands every
// file to a worker, and what they find comes together as one report. What may be spent and until when goes down with the
// task, never more than is left above; what it cost comes up again.
//
//   baton run examples/agents/audit.ts
//   baton run examples/agents/audit.ts -i folder=../other -i usd=0.05 -i deadlineMs=5000
//
// prints the report, in Markdown: findings by lead, what was not looked at and why, and what it cost.

import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { type Json, type Task, workflow, z } from "batonflow";
import { agent, lead, type Piece } from "batonflow/agents";

interface Repository {
  readonly folder: string;
  readonly files: readonly string[];
}

interface File {
  readonly folder: string;
  readonly file: string;
}

interface Finding {
  readonly file: string;
  readonly what: string;
}

interface Part {
  readonly name: string;
  readonly files: number;
  readonly findings: readonly Finding[];
  /** Files that nobody looked at. */
  readonly missing: readonly string[];
}

const FINDINGS = {
  type: "array",
  items: { type: "object", required: ["file", "what"], properties: { file: { type: "string" }, what: { type: "string" } } },
} as const;

/** What one file costs to look at, in US$. */
const PRICE_USD = 0.0005;

// Workers: one file each.

const worker = (name: string, look: (text: string, at: File) => readonly string[] | Promise<readonly string[]>) =>
  agent({
    agent: `${name}-worker`,
    capabilities: [`audit-file.${name}`],
    output: FINDINGS,
    priceUsd: PRICE_USD,
    limits: { concurrency: 32, timeoutMs: 30_000 },
    act: async (at: File) => {
      const found = await look(await readFile(join(at.folder, at.file), "utf8"), at);
      return found.map((what) => ({ file: at.file, what }));
    },
  });

export const docsWorker = worker("docs", (text) => {
  const fences = text.match(/^```/gm)?.length ?? 0;
  return [
    ...(/^# \S/m.test(text) ? [] : ["has no title"]),
    ...(fences % 2 === 0 ? [] : ["leaves a block of code open"]),
    ...(/\b(TODO|FIXME|TBD)\b/.test(text) ? ["has something left to do"] : []),
  ];
});

export const licencesWorker = worker("licences", async (text, { folder, file }) => {
  const { license, name = file, private: isPrivate = false } = JSON.parse(text) as Record<string, string | boolean>;
  const beside = (await readdir(join(folder, dirname(file)))).some((one) => /^(LICEN[CS]E|COPYING)/i.test(one));
  return [
    ...(typeof license === "string" || isPrivate === true ? [] : [`${String(name)} names no licence`]),
    ...(beside || isPrivate === true ? [] : ["no LICENSE stands beside it"]),
  ];
});

export const linksWorker = worker("links", async (text, { folder, file }) => {
  const prose = text.replace(/```[\s\S]*?```|`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  const local = targets.filter((target) => !/^([a-z]+:|#|\/\/)/i.test(target)).map((target) => target.replace(/#.*$/, ""));
  const there = await Promise.all(local.map((target) => exists(join(folder, dirname(file), decodeURIComponent(target)))));
  return local.flatMap((target, at) => (there[at] === true ? [] : [`links to ${target}, which is not there`]));
});

export const testsWorker = worker("tests", (text) => [
  ...(/\b(test|it|suite|describe)\.only\(/.test(text) ? ["runs only some of its tests"] : []),
  ...(/\b(test|it|suite|describe)\.skip\(/.test(text) ? ["skips tests"] : []),
  ...(/\b(test|it|suite|describe)(\.\w+)?\(/.test(text) ? [] : ["has no test"]),
]);

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

// Leads: which files, and what of them was found.

const leadOf = (name: string, of: RegExp) =>
  lead({
    agent: `${name}-lead`,
    capabilities: [`audit-part.${name}`],
    need: "best-effort",
    atOnceMax: 8,
    split: (input) => piecesOf(name, input as unknown as Repository, of),
    merge: (results, missing) => ({
      ...{ name, files: results.length + missing.length },
      findings: results.flatMap(({ output }) => output as Json[]),
      missing: [...missing],
    }),
  });

function piecesOf(name: string, { folder, files }: Repository, of: RegExp): Piece[] {
  return files
    .filter((file) => of.test(file))
    .map((file) => ({ name: file, capability: `audit-file.${name}`, input: { folder, file }, attemptsMax: 1 }));
}

export const docsLead = leadOf("docs", /\.md$/);
export const licencesLead = leadOf("licences", /(^|\/)package\.json$/);
export const linksLead = leadOf("links", /\.md$/);
export const testsLead = leadOf("tests", /\.test\.[cm]?[jt]sx?$/);

// The chief.

const PARTS = ["docs", "licences", "links", "tests"];

export const chief = lead({
  agent: "chief",
  capabilities: ["audit"],
  need: "best-effort",
  split: (input) => PARTS.map((name) => ({ name, capability: `audit-part.${name}`, input })),
  merge: (results, missing) => ({ parts: results.map(({ output }) => output), missing: [...missing] }),
});

const SKIPPED = /^(node_modules|dist|\.git|\.baton.*|licence-report)$/;
const FILES_MAX = 5_000;

/** Paths within the folder, in order. */
async function filesOf(folder: string, within = ""): Promise<string[]> {
  const entries = await readdir(join(folder, within), { withFileTypes: true });
  const inOrder = entries.filter(({ name }) => !SKIPPED.test(name)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const found: string[] = [];
  for (const entry of inOrder) {
    const path = join(within, entry.name);
    if (entry.isDirectory()) found.push(...(await filesOf(folder, path)));
    else if (entry.isFile()) found.push(path);
  }
  return found.slice(0, FILES_MAX);
}

export default workflow({
  name: "audit",
  input: z.object({
    folder: z.string().default(join(import.meta.dirname, "..", "..")),
    usd: z.number().positive().default(1),
    deadlineMs: z.number().int().positive().default(600_000),
  }),
  run: async (ctx, { folder, usd, deadlineMs }) => {
    const listed = await ctx.step("list", () => filesOf(folder));
    const files = listed.filter((file) => /\.md$|(^|\/)package\.json$|\.test\.[cm]?[jt]sx?$/.test(file));
    const task: Task = { capability: "audit", input: { folder, files }, budget: { usd }, deadlineMs };
    const done = await ctx.tryDelegate<{ parts: Part[]; missing: string[] }>(task);
    if (!done.ok) throw new Error(done.problem.detail);
    return report(relative(process.cwd(), folder) || ".", done.output, done.costUsd, usd);
  },
});

function report(folder: string, { parts, missing }: { parts: Part[]; missing: string[] }, costUsd: number, usd: number): string {
  const sections = parts.flatMap((part) => [
    `## ${part.name}: ${part.files} files, ${part.findings.length} findings`,
    "",
    ...part.findings.map(({ file, what }) => `- \`${file}\` ${what}`),
    ...part.missing.map((file) => `- \`${file}\` was not looked at`),
    ...(part.findings.length + part.missing.length === 0 ? ["Nothing."] : []),
    "",
  ]);
  const lost = missing.flatMap((name) => [`## ${name}: not looked at`, ""]);
  return [`# Audit of ${folder}`, "", ...sections, ...lost, `It cost $${costUsd.toFixed(4)} of $${usd}.`].join("\n");
}
