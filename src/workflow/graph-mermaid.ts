// The graph of a document as mermaid text: a flowchart with a subgraph for every block that has others inside.

import { type Block, type Graph, shortened } from "./graph.ts";

export function graphMermaid(graph: Graph): string {
  const ids = new Map<string, string>();
  const lines = ["flowchart TD", `  start([${label(graph.title)}])`, "  finish([end])"];
  const first = graph.blocks[0];
  drawList(graph.blocks, "  ", ids, lines);
  lines.push(first === undefined ? "  start --> finish" : `  start --> ${idOf(first.id, ids)}`);
  for (const { from, to, kind, label: words } of graph.ways) {
    const isTop = graph.blocks.some(({ id }) => id === from);
    const target = to === null ? (kind === "end" || isTop ? "finish" : null) : idOf(to, ids);
    if (target === null) continue;
    const arrow = kind === "next" ? "-->" : "-.->";
    lines.push(`  ${idOf(from, ids)} ${arrow}${words === "" ? "" : `|${label(words)}|`} ${target}`);
  }
  return `${lines.join("\n")}\n`;
}

function drawList(blocks: readonly Block[], indent: string, ids: Map<string, string>, lines: string[]): void {
  for (const block of blocks) draw(block, indent, ids, lines);
}

function draw(block: Block, indent: string, ids: Map<string, string>, lines: string[]): void {
  const id = idOf(block.id, ids);
  const words = wordsOf(block);
  if (block.lanes.length === 0) {
    const [open, close] = block.kind === "switch" ? ["{", "}"] : ["[", "]"];
    lines.push(`${indent}${id}${open}${label(words)}${close}`);
    return;
  }
  lines.push(`${indent}subgraph ${id}[${label(words)}]`);
  for (const [i, lane] of block.lanes.entries()) {
    if (lane.title === "") {
      drawList(lane.blocks, `${indent}  `, ids, lines);
      continue;
    }
    lines.push(`${indent}  subgraph ${id}_${i}[${label(lane.title)}]`);
    drawList(lane.blocks, `${indent}    `, ids, lines);
    lines.push(`${indent}  end`);
  }
  lines.push(`${indent}end`);
}

function wordsOf({ kind, name, detail, condition }: Block): string {
  return [`${name} · ${kind}`, detail, condition === null ? "" : `if ${condition}`]
    .filter((part) => part !== "")
    .map((part) => shortened(part, 60))
    .join("\n");
}

function idOf(pointer: string, ids: Map<string, string>): string {
  const known = ids.get(pointer) ?? `t${ids.size + 1}`;
  ids.set(pointer, known);
  return known;
}

/** In quotes, with entities for what mermaid or HTML would read. */
function label(text: string): string {
  const safe = text
    .replace(/[&"<>#;`|{}[\]()\\*_~]/g, (unit) => `#${unit.charCodeAt(0)};`)
    .split("\n")
    .map((line) => shortened(line, 200))
    .join("<br/>");
  return `"${safe}"`;
}
