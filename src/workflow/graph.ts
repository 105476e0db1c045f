// A document as a picture's plan: blocks within blocks, and the ways between them. Drawn by graph-mermaid, graph-svg and
// graph-text; ids are the JSON pointers of the tasks, so that a page can find a block again.

import type { Json } from "../base/json.ts";
import { kindsOf } from "./shapes.ts";
import { type Members, membersOf } from "./task.ts";

export interface Graph {
  readonly title: string;
  readonly blocks: readonly Block[];
  readonly ways: readonly Way[];
}

export interface Block {
  /** JSON pointer of the task. */
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  /** What it does, in a few words; empty where its kind says it. */
  readonly detail: string;
  /** The `if` of the task. */
  readonly condition: string | null;
  /** What runs inside: one after the other within a lane, lanes beside one another. */
  readonly lanes: readonly Lane[];
}

export interface Lane {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** From one block to another of the same list, or to its end. */
export interface Way {
  readonly from: string;
  /** Null: the end of the list (`exit`) or of the workflow (`end`). */
  readonly to: string | null;
  readonly kind: "next" | "jump" | "exit" | "end";
  readonly label: string;
}

export function graphOf(document: Json): Graph {
  const definition = membersOf(document);
  const { namespace, name, version } = membersOf(definition.document);
  const ways: Way[] = [];
  const blocks = blocksOf(definition.do, "/do", ways);
  return { title: `${textOf(namespace)}/${textOf(name)}@${textOf(version)}`, blocks, ways };
}

function blocksOf(written: Json | undefined, at: string, ways: Way[]): Block[] {
  const tasks = (Array.isArray(written) ? (written as readonly Json[]) : []).flatMap((item, i) =>
    Object.entries(membersOf(item)).map(([name, one]) => ({ id: `${at}/${i}/${name}`, name, definition: membersOf(one) })),
  );
  tasks.forEach(({ id, definition }, i) => {
    waysOf(id, definition, tasks[i + 1]?.id ?? null, (target) => tasks.find(({ name }) => name === target)?.id ?? null, ways);
  });
  return tasks.map(({ id, name, definition }) => blockOf(id, name, definition, ways));
}

function blockOf(id: string, name: string, definition: Members, ways: Way[]): Block {
  const [kind = "task"] = kindsOf(definition);
  return {
    ...{ id, kind, name, detail: detailOf(kind, definition) },
    condition: typeof definition.if === "string" ? definition.if : null,
    lanes: lanesOf(kind, definition, id, ways),
  };
}

function lanesOf(kind: string, definition: Members, id: string, ways: Way[]): Lane[] {
  const lane = (title: string, written: Json | undefined, at: string): Lane => ({
    title,
    blocks: blocksOf(written, `${id}/${at}`, ways),
  });
  switch (kind) {
    case "do":
    case "for":
      return [lane("", definition.do, "do")];
    case "try": {
      const { do: handler } = membersOf(definition.catch);
      return [lane("try", definition.try, "try"), ...(handler === undefined ? [] : [lane("catch", handler, "catch/do")])];
    }
    case "fork": {
      const { branches } = membersOf(definition.fork);
      const inner: Way[] = [];
      const blocks = blocksOf(branches, `${id}/fork/branches`, inner);
      ways.push(...inner.filter(({ from }) => !blocks.some((block) => block.id === from)));
      return blocks.map((block) => ({ title: "", blocks: [block] }));
    }
    default:
      return [];
  }
}

type Find = (name: string) => string | null;

function waysOf(id: string, definition: Members, next: string | null, find: Find, ways: Way[]): void {
  const go = (then: Json | undefined, label: string): void => {
    ways.push(wayTo(id, typeof then === "string" ? then : "continue", label, next, find));
  };
  const cases = Array.isArray(definition.switch) ? (definition.switch as readonly Json[]) : [];
  for (const one of cases) {
    const { when, then } = membersOf(Object.values(membersOf(one))[0]);
    go(then, typeof when === "string" ? when : "else");
  }
  const caught = membersOf(definition.catch).then;
  if (caught !== undefined) go(caught, "error");
  const hasDefault = cases.some((one) => membersOf(Object.values(membersOf(one))[0]).when === undefined);
  if (definition.raise === undefined && !hasDefault) go(definition.then, cases.length > 0 ? "else" : "");
  // What is skipped is passed over: its `then` is not followed.
  const isPassed = definition.if !== undefined && !ways.some((way) => way.from === id && way.kind === "next");
  if (isPassed) go("continue", "else");
}

function wayTo(from: string, then: string, label: string, next: string | null, find: Find): Way {
  if (then === "exit" || then === "end") return { from, to: null, kind: then, label };
  if (then === "continue") return { from, to: next, kind: "next", label };
  const to = find(then);
  return { from, to, kind: to === next ? "next" : "jump", label };
}

function detailOf(kind: string, definition: Members): string {
  const written = definition[kind];
  switch (kind) {
    case "call":
      return callOf(definition);
    case "for": {
      const { each = "item", in: source } = membersOf(written);
      return `each ${textOf(each)} in ${textOf(source)}`;
    }
    case "fork":
      return membersOf(written).compete === true ? "the first wins" : "all at once";
    case "wait":
      return typeof written === "string"
        ? written
        : Object.entries(membersOf(written))
            .map(([unit, count]) => `${textOf(count)} ${unit}`)
            .join(" ");
    case "raise":
      return textOf(membersOf(membersOf(written).error).type ?? membersOf(written).error).replace(/^.*\//, "");
    case "emit":
      return textOf(membersOf(membersOf(membersOf(written).event).with).type);
    case "listen":
      return listenOf(membersOf(membersOf(written).to));
    case "run":
      return runOf(membersOf(written));
    case "set":
      return typeof written === "string" ? written : Object.keys(membersOf(written)).join(", ");
    case "try":
      return membersOf(definition.catch).retry === undefined ? "" : "with retries";
    default:
      return "";
  }
}

function callOf({ call, with: args }: Members): string {
  const { method, endpoint, operationId, question } = membersOf(args);
  if (call === "http") return `${textOf(method).toUpperCase()} ${textOf(membersOf(endpoint).uri ?? endpoint)}`;
  if (call === "openapi") return textOf(operationId);
  return call === "ask" ? `ask: ${textOf(question)}` : textOf(call);
}

function listenOf(to: Members): string {
  const [how = "one", filters] = Object.entries(to)[0] ?? [];
  const many = Array.isArray(filters) ? (filters as readonly Json[]) : [filters ?? null];
  const types = many.map((filter) => textOf(membersOf(membersOf(filter).with).type ?? "any event"));
  return `${how === "one" ? "" : `${how} of `}${types.join(", ")}`;
}

function runOf(run: Members): string {
  const { namespace, name } = membersOf(run.workflow);
  return run.workflow === undefined ? (Object.keys(run)[0] ?? "") : `${textOf(namespace)}/${textOf(name)}`;
}

function textOf(value: Json | undefined): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

const WORDS_MAX = 80;

/** A text on one line, cut to a width, with nothing in it that turns or hides text. */
export function shortened(text: string, width = WORDS_MAX): string {
  const flat = text.replace(/[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\s]+/gu, " ").trim();
  const units = [...flat];
  return units.length <= width ? flat : `${units.slice(0, Math.max(1, width - 1)).join("")}…`;
}
