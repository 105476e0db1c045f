// `npm run conformance [-- AREA…] [--write]`: the specification's kit, its examples and the suite of conformance/, and the table
// of what passes. `--write` puts it into docs/conformance.md.

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  differencesOf,
  differencesOfExample,
  differencesOfScenario,
  readExamples,
  readKit,
  readSuite,
  type Tally,
  tableOf,
} from "../test/documents.ts";
import { rootPath } from "./layout.ts";

interface Trial {
  readonly name: string;
  readonly differences: () => Promise<readonly string[]>;
}

interface Area {
  readonly name: string;
  readonly trials: readonly Trial[];
}

function areas(): Area[] {
  const kit = readKit();
  const examples = readExamples();
  const run = examples.filter(({ refused }) => refused === undefined);
  const refused = examples.filter((one) => one.refused !== undefined);
  return [
    {
      name: "the specification's kit",
      trials: kit.map((one) => ({ name: `${one.feature}: ${one.name}`, differences: () => differencesOfScenario(one) })),
    },
    {
      name: "the kit, by the letter of the specification (decision 1)",
      trials: kit.map((one) => ({ name: `${one.feature}: ${one.name}`, differences: () => differencesOfScenario(one, true) })),
    },
    {
      name: "the specification's examples that run",
      trials: run.map((one) => ({ name: one.file, differences: () => differencesOfExample(one) })),
    },
    {
      name: "its examples that use what comes later, refused by name",
      trials: refused.map((one) => ({ name: one.file, differences: () => differencesOfExample(one) })),
    },
    ...readSuite().map(({ name, cases }) => ({
      name: `conformance/${name}.yaml`,
      trials: cases.map((one) => ({ name: one.name, differences: () => differencesOf(one) })),
    })),
  ];
}

async function tallied({ name, trials }: Area): Promise<Tally> {
  let passed = 0;
  for (const trial of trials) {
    const differences = await trial.differences();
    if (differences.length === 0) passed++;
    else process.stdout.write(`✗ ${name}: ${trial.name}\n${differences.map((one) => `    ${one}\n`).join("")}`);
  }
  return { name, passed, of: trials.length };
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { write: { type: "boolean", default: false } } });
const chosen = areas().filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)));
const rows: Tally[] = [];
for (const area of chosen) rows.push(await tallied(area));
const table = tableOf(rows);
process.stdout.write(`${table}\n`);

if (values.write) {
  const page = rootPath("docs", "conformance.md");
  const text = readFileSync(page, "utf8");
  writeFileSync(page, text.replace(/(<!-- table -->\n)[\s\S]*(<!-- \/table -->)/, `$1${table}\n$2`));
}

const STRICT = "by the letter";
process.exitCode = rows.some(({ name, passed, of }) => passed < of && !name.includes(STRICT)) ? 1 : 0;
