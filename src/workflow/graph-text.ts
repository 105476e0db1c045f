// The graph of a document for a terminal: a tree with a line for each task.

import { type Block, type Graph, shortened, type Way } from "./graph.ts";

export interface TextOptions {
  /** Columns. */
  readonly width: number;
}

export function graphText(graph: Graph, { width }: TextOptions): string {
  const lines = [shortened(graph.title, width)];
  drawList(graph.blocks, "", graph.ways, lines);
  return `${lines.map((line) => cut(line, width)).join("\n")}\n`;
}

function drawList(blocks: readonly Block[], indent: string, ways: readonly Way[], lines: string[]): void {
  blocks.forEach((block, i) => {
    const isLast = i === blocks.length - 1;
    lines.push(`${indent}${isLast ? "└─ " : "├─ "}${wordsOf(block)}${jumpsOf(block, ways)}`);
    const inner = `${indent}${isLast ? "   " : "│  "}`;
    drawList(
      block.lanes.flatMap(({ title, blocks: own }) => (title === "" ? own : [])),
      inner,
      ways,
      lines,
    );
    for (const [position, lane] of block.lanes.entries()) {
      if (lane.title !== "") {
        const lastLane = position === block.lanes.length - 1;
        lines.push(`${inner}${lastLane ? "└╌ " : "├╌ "}${lane.title}`);
        drawList(lane.blocks, `${inner}${lastLane ? "   " : "┆  "}`, ways, lines);
      }
    }
  });
}

function wordsOf({ kind, name, detail, condition }: Block): string {
  const when = condition === null ? "" : `  if ${shortened(condition, 40)}`;
  return `${shortened(name, 40)}  ${kind}${detail === "" ? "" : `  ${shortened(detail, 60)}`}${when}`;
}

/** Ways that are not simply the next. */
function jumpsOf({ id }: Block, ways: readonly Way[]): string {
  const own = ways.filter(({ from, kind, label }) => from === id && (kind !== "next" || label !== ""));
  return own
    .map(
      ({ to, kind, label }) =>
        `  ↷ ${label === "" ? "" : `${shortened(label, 30)}: `}${to === null ? (kind === "next" ? "continue" : kind) : shortened(to.replace(/^.*\//, ""), 30)}`,
    )
    .join("");
}

function cut(line: string, width: number): string {
  const units = [...line];
  return units.length <= width ? line : `${units.slice(0, Math.max(1, width - 1)).join("")}…`;
}
