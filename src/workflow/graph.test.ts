// Pictures of documents: every block is there once, ways lead to blocks, boxes do not overlap, and names draw nothing.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { rootPath } from "../../tools/layout.ts";
import type { Json } from "../base/json.ts";
import { type Graph, graphMermaid, graphOf, graphSvg, graphText } from "../workflow.ts";

const HEAD = { dsl: "1.0.3", namespace: "n", name: "w", version: "1.0.0" };

const examples = globSync("conformance/ows/examples/*.yaml", { cwd: rootPath() }).map((file) => ({
  file,
  graph: graphOf(parse(readFileSync(rootPath(file), "utf8")) as Json),
}));

type Block = Graph["blocks"][number];

function allBlocks(blocks: readonly Block[]): Block[] {
  return blocks.flatMap((block) => [block, ...block.lanes.flatMap((lane) => allBlocks(lane.blocks))]);
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function boxesOf(svg: string): Box[] {
  const tags = [...svg.matchAll(/<rect[^>]*>/g)].filter(([tag]) => !tag.includes('"100%"')); // the ground
  return tags.map(([tag]) => {
    const read = (name: string): number => Number(new RegExp(` ${name}="([-\\d.]+)"`).exec(tag)?.[1] ?? Number.NaN);
    return { x: read("x"), y: read("y"), width: read("width"), height: read("height") };
  });
}

/** Apart, or one within the other. */
function areClear(a: Box, b: Box): boolean {
  const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
  const within = (inner: Box, outer: Box): boolean =>
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height;
  return apart || within(a, b) || within(b, a);
}

function requireClear(svg: string, what: string): void {
  const boxes = boxesOf(svg);
  boxes.forEach((a, i) => {
    for (const b of boxes.slice(i + 1)) assert.ok(areClear(a, b), `${what}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`);
  });
}

test("every way leads from a block to a block", () => {
  for (const { file, graph } of examples) {
    const ids = new Set(allBlocks(graph.blocks).map(({ id }) => id));
    assert.equal(ids.size, allBlocks(graph.blocks).length, file);
    for (const { from, to } of graph.ways) assert.ok(ids.has(from) && (to === null || ids.has(to)), `${file}: ${from} → ${to}`);
  }
});

test("in Mermaid every edge names a node that is declared, in SVG no two boxes overlap, in text every task is named", () => {
  for (const { file, graph } of examples) {
    const mermaid = graphMermaid(graph);
    const declared = new Set([...mermaid.matchAll(/^\s*(?:subgraph )?(\w+)(?=[[({>])/gm)].map(([, id]) => id));
    for (const [, from, to] of mermaid.matchAll(/^\s*(\w+) (?:-->|-\.->|==>)(?:\|[^|]*\|)? ?(\w+)$/gm))
      assert.ok(declared.has(from) && declared.has(to), `${file}: ${from} --> ${to}\n${mermaid}`);
    requireClear(graphSvg(graph), file);
    const text = graphText(graph, { width: 100 });
    for (const { name } of allBlocks(graph.blocks)) assert.ok(text.includes(name.slice(0, 20)), `${file}: ${name}`);
    for (const line of text.split("\n")) assert.ok(line.length <= 100, line);
  }
});

const name = fc.string({ minLength: 1, maxLength: 12 });
const { list } = fc.letrec<{ list: Json[]; task: Json }>((tie) => ({
  list: fc
    .uniqueArray(fc.tuple(name, tie("task")), { minLength: 1, maxLength: 4, selector: ([key]) => key })
    .map((pairs) => pairs.map(([key, task]) => ({ [key]: task }) as Json)),
  task: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ set: fc.record({ x: fc.string({ maxLength: 30 }) }) }),
    fc.record({ wait: fc.constant("PT1S"), then: fc.constantFrom("end", "exit", "continue") }),
    fc.record({ do: tie("list") }),
    fc.record({ for: fc.record({ each: name, in: fc.string({ maxLength: 60 }) }), do: tie("list") }),
    fc.record({ fork: fc.record({ branches: tie("list"), compete: fc.boolean() }) }),
    fc.record({ try: tie("list"), catch: fc.record({ do: tie("list") }) }),
    fc.record({ switch: fc.constant([{ a: { when: ".x", then: "end" } }, { b: { then: "exit" } }]) }),
  ) as fc.Arbitrary<Json>,
}));

test("whatever the document and its names, pictures are well formed and boxes do not overlap", () => {
  fc.assert(
    fc.property(list, (tasks) => {
      const graph = graphOf({ document: HEAD, do: tasks } as Json);
      const svg = graphSvg(graph);
      requireClear(svg, JSON.stringify(tasks));
      const tags = [...svg.matchAll(/<(\/?)([a-zA-Z]+)[^<>]*?(\/?)>/g)];
      const open = tags.filter(([, end, , alone]) => end === "" && alone === "").length;
      assert.equal(open, tags.filter(([, end]) => end === "/").length);
      graphText(graph, { width: 60 });
      graphMermaid(graph);
    }),
    { numRuns: 200, seed: 3 },
  );
});

test("names cannot break out of a picture", () => {
  const hostile = [
    "</text><script>alert(1)</script>",
    '"]; end; click x "javascript:alert(1)"',
    "a\u001b[31mb",
    "&lt;b&gt;",
    "]]>",
    "`${x}`",
    "x\nend\nsubgraph y",
  ];
  for (const one of hostile) {
    const graph = graphOf({ document: { ...HEAD, name: one }, do: [{ [one]: { set: { [one]: one } } }] } as Json);
    const svg = graphSvg(graph);
    assert.ok(!svg.includes("<script") && !svg.includes("\u001b"), svg);
    const mermaid = graphMermaid(graph);
    assert.ok(!/^\s*click/m.test(mermaid) && !mermaid.includes("<script") && !mermaid.includes("\u001b"), mermaid);
    assert.equal(mermaid.split("\n").filter((line) => /^\s*subgraph y/.test(line)).length, 0);
    assert.ok(!graphText(graph, { width: 80 }).includes("\u001b"));
  }
});
