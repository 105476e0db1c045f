// `npm run reference`: pages printed from the code. `--check` says which are stale instead of writing.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import "../src/cli.ts";
import { listedProblems } from "../src/base/problem.ts";
import { entryKinds } from "../src/run.ts";
import { DIAGNOSTICS } from "../src/workflow.ts";
import { rootPath } from "./layout.ts";

/** Every page, by its name in docs/reference/. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ["problems.md", problems()],
    ["limits.md", limits()],
    ["entries.md", entries()],
    ["diagnostics.md", diagnostics()],
  ]);
}

function problems(): string {
  const rows = [...listedProblems()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([code, { status, title, fix, exit }]) =>
        `| \`${code}\` | ${status} | ${exit ?? ""} | ${cell(title)} | ${cell(fix ?? "")} |`,
    );
  return page("Problems", "code | HTTP | exit | what is wrong | what to do", rows);
}

/** Constants with the comment above them, as they stand in the file. */
function limits(): string {
  const text = readFileSync(rootPath("src", "run", "limits.ts"), "utf8");
  const found = text.matchAll(/\/\*\* ([\s\S]*?) \*\/\nexport const (\w+) = (.*);/g);
  return page(
    "Limits",
    "name | value | what it is for",
    [...found].map(
      ([, about = "", name, value]) => `| \`${name}\` | \`${value}\` | ${cell(about.replaceAll(/\s*\n \*\s*/g, " "))} |`,
    ),
  );
}

function entries(): string {
  const rows = Object.entries(entryKinds).map(([kind, { number, of, outcome }]) => {
    const belongs = of.length === 0 ? "the run" : of.join(", ");
    return `| \`${kind}\` | ${number} | ${belongs} | ${outcome ? "yes" : ""} |`;
  });
  return page("Journal entries", "kind | stored as | belongs to | ends its operation", rows);
}

/** A heading each, for links to lead to. */
function diagnostics(): string {
  const parts = Object.entries(DIAGNOSTICS).map(([code, [severity, what]]) => `## ${code}\n\n${what} (${severity})\n`);
  const about = "What `baton validate` says of documents. Errors keep a document from being run; warnings do not.";
  return `# Diagnostics\n\n${about} Printed from the code by \`npm run reference\`.\n\n${parts.join("\n")}`;
}

function page(title: string, headings: string, rows: readonly string[]): string {
  const line = headings
    .split(" | ")
    .map(() => "---")
    .join(" | ");
  return `# ${title}\n\nPrinted from the code by \`npm run reference\`.\n\n| ${headings} |\n| ${line} |\n${rows.join("\n")}\n`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

if (process.argv[1] === import.meta.filename) {
  mkdirSync(rootPath("docs", "reference"), { recursive: true });
  for (const [name, text] of referencePages()) writeFileSync(rootPath("docs", "reference", name), text);
}
