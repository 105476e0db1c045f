// A maker writes a commit message from a diff; a checker, who is never the maker, holds it to the rules of the house and says
// what is wrong; the maker writes again, until it is accepted or has had its rounds.
//
//   baton run examples/agents/maker-checker.ts
//   git diff > my.diff && baton run examples/agents/maker-checker.ts -i diff=my.diff
//
// prints, for the diff that lies beside,
//
//   Add frequentWords and countWords, remove count
//
//   src/words.ts: frequentWords, countWords; without count
//   test/words.test.ts: 1 test
//
//   (accepted in round 3, made by scribe)

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { workflow, z } from "batonflow";
import { agent, makerChecker } from "batonflow/agents";

const TITLE_LENGTH_MAX = 60;

/** What the maker is given from the second round on. */
interface Again {
  readonly input: string;
  readonly draft: string;
  readonly because: string;
}

interface Change {
  readonly file: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly tests: number;
}

function changesIn(diff: string): Change[] {
  return diff
    .split(/^diff --git /m)
    .slice(1)
    .map((part) => {
      const [, file = "?"] = /^\+\+\+ (?:b\/)?(\S+)/m.exec(part) ?? [];
      const [plus, minus] = [namesIn(part, "+"), namesIn(part, "-")];
      return {
        file,
        added: plus.filter((name) => !minus.includes(name)).toReversed(),
        removed: minus.filter((name) => !plus.includes(name)),
        tests: part.match(/^\+\s*(?:test|it)\(/gm)?.length ?? 0,
      };
    });
}

/** Functions, classes, types and constants at the beginning of lines. */
function namesIn(part: string, sign: "+" | "-"): string[] {
  const lines = part.split("\n").filter((line) => line.startsWith(sign));
  return lines.flatMap((line) => {
    const [, name] = /^.(?:export )?(?:async )?(?:function|class|interface|type|const|def|fn) (\w+)/.exec(line) ?? [];
    return name === undefined ? [] : [name];
  });
}

/** Quick at first, and as careful as it is told to be. */
export const scribe = agent({
  agent: "scribe",
  capabilities: ["write.message"],
  output: { type: "string" },
  act: (given: string | Again) => {
    const { input, draft, because } = typeof given === "string" ? { input: given, draft: "", because: "" } : given;
    const changes = changesIn(input);
    if (draft === "") return `Changed ${changes.map(({ file }) => file).join(", ")}.`;
    const title = because.startsWith("The title") ? titleOf(changes) : (draft.split("\n")[0] ?? "");
    return because.startsWith("The body") ? [titleOf(changes), "", ...changes.map(lineOf)].join("\n") : title;
  },
});

function titleOf(changes: readonly Change[]): string {
  const added = changes.flatMap((change) => change.added);
  const removed = changes.flatMap((change) => change.removed);
  const parts = [
    ...(added.length > 0 ? [`add ${listed(added)}`] : []),
    ...(removed.length > 0 ? [`remove ${listed(removed)}`] : []),
  ];
  const whole = parts.length === 0 ? `change ${changes[0]?.file ?? "nothing"}` : parts.join(", ");
  const title = whole.length > TITLE_LENGTH_MAX ? `add ${added[0] ?? "what follows"} and more` : whole;
  return title.charAt(0).toUpperCase() + title.slice(1);
}

const listed = (names: readonly string[]): string => names.join(", ").replace(/, ([^,]*)$/, " and $1");

function lineOf({ file, added, removed, tests }: Change): string {
  const without = removed.length > 0 ? [`without ${removed.join(", ")}`] : [];
  const what = [...(added.length > 0 ? [added.join(", ")] : []), ...without, ...(tests > 0 ? [counted(tests)] : [])];
  return `${file}: ${what.join("; ") || "changed"}`;
}

const counted = (tests: number): string => (tests === 1 ? "1 test" : `${tests} tests`);

/** The rules of the house, one after the other: the first that is broken is told. */
export const editor = agent({
  agent: "editor",
  capabilities: ["check.message"],
  act: ({ input, draft }: { input: string; draft: string }) => {
    const because = complaint(draft, changesIn(input));
    return { ok: because === null, because: because ?? "" };
  },
});

function complaint(draft: string, changes: readonly Change[]): string | null {
  const [title = "", blank = "", ...body] = draft.split("\n");
  const names = changes.flatMap(({ added, removed, file }) => [...added, ...removed, file]);
  if (title.length > TITLE_LENGTH_MAX) return `The title has ${title.length} characters; ${TITLE_LENGTH_MAX} are allowed.`;
  if (!/^(Add|Remove|Change|Fix|Move)\b/.test(title) || title.endsWith("."))
    return "The title names nothing that is done: it begins with Add, Remove, Change, Fix or Move, and has no full stop.";
  if (!names.some((name) => title.includes(name))) return "The title names nothing of the diff.";
  const silent = changes.find(({ file }) => !body.some((line) => line.startsWith(`${file}: `)));
  return blank !== "" || silent !== undefined
    ? `The body says of no file what changed: ${silent?.file ?? "a blank line"}.`
    : null;
}

export default workflow({
  name: "maker-checker",
  input: z.object({ diff: z.string().default(join(import.meta.dirname, "words.diff")) }),
  run: async (ctx, { diff }) => {
    const text = await ctx.step("read", () => readFile(diff, "utf8"));
    const { output, rounds, maker } = await makerChecker(ctx, text, {
      maker: { capability: "write.message" },
      checker: { capability: "check.message" },
      roundsMax: 5,
    });
    return `${String(output)}\n\n(accepted in round ${rounds}, made by ${maker})`;
  },
});
