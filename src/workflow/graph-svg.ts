// The graph of a document as SVG: lists from top to bottom, what is at once side by side, what is inside in a frame.
// Jumps go round the side. It stands alone, follows light and dark, and has no script.

import { type Block, type Graph, shortened, type Way } from "./graph.ts";

const BOX = { width: 250, height: 50, gap: 30 } as const;
const FRAME = { padding: 16, title: 44, laneGap: 18, laneTitle: 20 } as const;
/** At the side of a list, for each jump in it. */
const JUMP_WIDTH = 26;

interface Placed {
  readonly block: Block;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly lanes: readonly { readonly title: string; readonly x: number; readonly y: number; readonly list: PlacedList }[];
}

interface PlacedList {
  readonly width: number;
  readonly height: number;
  readonly items: readonly Placed[];
  /** Jumps between its blocks, each with a track of its own at the right. */
  readonly jumps: readonly Way[];
}

export function graphSvg(graph: Graph): string {
  const list = layList(graph.blocks, graph.ways);
  const margin = 24;
  const top = 58;
  const width = Math.max(list.width, 260) + margin * 2;
  const height = top + list.height + 60;
  const parts = drawList(list, margin, top, graph.ways);
  const centre = margin + spineOf(list);
  const [first] = list.items;
  const last = list.items.at(-1);
  const start = first === undefined ? "" : arrow(centre, top - 18, centre, top);
  const isOpen =
    last !== undefined && graph.ways.some(({ from, kind, to }) => from === last.block.id && kind === "next" && to === null);
  const end = last === undefined || !isOpen ? "" : arrow(centre, top + list.height, centre, top + list.height + 18);
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-sans-serif, system-ui, sans-serif">
<title>${escaped(graph.title)}</title>
<style>${STYLE}</style>
<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" class="m"/></marker></defs>
<rect width="100%" height="100%" class="p"/>
${terminal(centre, top - 34, shortened(graph.title, 40))}
${start}
${parts.join("\n")}
${end}
${terminal(centre, top + list.height + 34, "end")}
</svg>
`;
}

const STYLE = [
  ".p{fill:#fff}.b{fill:#f7f8fa;stroke:#c9ced6}.f{fill:#f1f4f9;fill-opacity:.55;stroke:#c9ced6}.l{fill:none;stroke:#c9ced6;stroke-dasharray:3 4}",
  ".n{font-size:13px;font-weight:600;fill:#1c2430}.d{font-size:11px;fill:#5b6675}.k{font-size:10px;fill:#5b6675}.e{stroke:#8893a3;stroke-width:1.4;fill:none}",
  ".j{stroke:#7a5cc2;stroke-width:1.4;fill:none;stroke-dasharray:5 3}.m{fill:#8893a3}.t{fill:#1c2430}.tt{font-size:12px;fill:#fff}.w{font-size:10px;fill:#6a4fb3}",
  ".s0{fill:#8893a3}.s1{fill:#2f7de1}.s2{fill:#2e9e6b}.s3{fill:#d9822b}.s4{fill:#c23b4e}.s5{fill:#7a5cc2}",
  "@media (prefers-color-scheme:dark){.p{fill:#12161c}.b{fill:#1b212a;stroke:#3a4452}.f{fill:#1f2732;stroke:#3a4452}.l{stroke:#3a4452}.n{fill:#e8edf4}.d,.k{fill:#9aa6b5}.e{stroke:#75818f}.m{fill:#75818f}.t{fill:#e8edf4}.tt{fill:#12161c}.w{fill:#b9a3f0}.j{stroke:#a98cf0}}",
].join("");

/** Colours by what a kind of task has to do with: services, data, time and events, errors, others' work. */
const COLOUR: Readonly<Record<string, number>> = {
  call: 1,
  run: 1,
  set: 2,
  wait: 3,
  listen: 3,
  emit: 3,
  raise: 4,
  try: 4,
  fork: 5,
  for: 5,
  switch: 5,
};

// Where things are.

function layList(blocks: readonly Block[], ways: readonly Way[]): PlacedList {
  const sized = blocks.map((block) => layBlock(block, ways));
  const spine = Math.max(0, ...sized.map(({ width }) => width)) / 2;
  let y = 0;
  const items = sized.map((one): Placed => {
    const placed = { ...one, x: spine - one.width / 2, y };
    y += one.height + BOX.gap;
    return placed;
  });
  const own = new Set(blocks.map(({ id }) => id));
  const jumps = ways.filter(({ from, to, kind }) => kind === "jump" && to !== null && own.has(from));
  const room = jumps.length === 0 ? 0 : jumps.length * JUMP_WIDTH + LABEL_WIDTH;
  return { width: spine * 2 + room, height: Math.max(0, y - BOX.gap), items, jumps };
}

/** For the words at a jump. */
const LABEL_WIDTH = 70;

function layBlock(block: Block, ways: readonly Way[]): Omit<Placed, "x" | "y"> {
  if (block.lanes.length === 0) return { block, width: BOX.width, height: BOX.height, lanes: [] };
  let x: number = FRAME.padding;
  let inner = 0;
  const hasTitles = block.lanes.some(({ title }) => title !== "");
  const y = FRAME.title + (hasTitles ? FRAME.laneTitle : 0);
  const lanes = block.lanes.map(({ title, blocks }) => {
    const list = layList(blocks, ways);
    const lane = { title, x, y, list };
    x += Math.max(list.width, 60) + FRAME.laneGap;
    inner = Math.max(inner, list.height);
    return lane;
  });
  const width = Math.max(BOX.width, x - FRAME.laneGap + FRAME.padding);
  const spare = (width - (x - FRAME.laneGap + FRAME.padding)) / 2;
  return { block, width, height: y + inner + FRAME.padding, lanes: lanes.map((lane) => ({ ...lane, x: lane.x + spare })) };
}

/** The middle of a list, on which its blocks stand. */
function spineOf({ items }: PlacedList): number {
  return Math.max(0, ...items.map(({ width }) => width)) / 2;
}

// Drawing.

function drawList(list: PlacedList, left: number, top: number, ways: readonly Way[]): string[] {
  const spine = left + spineOf(list);
  const parts: string[] = [];
  list.items.forEach((item, i) => {
    const next = list.items[i + 1];
    parts.push(...drawBlock(item, left, top, ways));
    const way = ways.find(({ from, to, kind }) => from === item.block.id && kind === "next" && to === next?.block.id);
    if (next === undefined || way === undefined) return;
    const from = top + item.y + item.height;
    parts.push(arrow(spine, from, spine, top + next.y));
    if (way.label !== "") parts.push(words(spine + 8, from + 18, way.label, 24));
  });
  list.jumps.forEach((jump, i) => {
    const from = list.items.find(({ block }) => block.id === jump.from);
    const to = list.items.find(({ block }) => block.id === jump.to);
    if (from !== undefined && to !== undefined)
      parts.push(drawJump(from, to, jump, { left, top, track: left + spineOf(list) * 2 + (i + 1) * JUMP_WIDTH, shift: i }));
  });
  return parts;
}

function drawJump(
  from: Placed,
  to: Placed,
  { label }: Way,
  { left, top, track, shift }: { left: number; top: number; track: number; shift: number },
): string {
  const [x1, x2] = [left + from.x + from.width, left + to.x + to.width];
  const y1 = top + from.y + Math.min(from.height - 8, from.height / 2 + 8 + (shift % 3) * 6);
  const y2 = top + to.y + Math.min(20, to.height / 2) - (shift % 3) * 5;
  const turn = y2 > y1 ? 8 : -8;
  const path = `<path class="j" marker-end="url(#a)" d="M${x1} ${y1}H${track - 8}Q${track} ${y1} ${track} ${y1 + turn}V${y2 - turn}Q${track} ${y2} ${track - 8} ${y2}H${x2 + 3}"/>`;
  return label === "" ? path : `${path}${words(x2 + 10, y2 - 6, label, 18)}`;
}

function drawBlock(placed: Placed, left: number, top: number, ways: readonly Way[]): string[] {
  const { block, width, height, lanes } = placed;
  const [x, y] = [left + placed.x, top + placed.y];
  const isFrame = lanes.length > 0;
  const ends = ways.filter(({ from, kind }) => from === block.id && (kind === "end" || kind === "exit"));
  const detail = [block.condition === null ? "" : `if ${block.condition}`, block.detail]
    .filter((part) => part !== "")
    .join(" · ");
  const room = Math.floor((width - 34) / 6.2);
  const parts = [
    `<g><title>${escaped(shortened(`${block.name}: ${block.kind} ${detail}`, 400))}</title>`,
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="9" class="${isFrame ? "f" : "b"}"/>`,
    `<rect x="${x}" y="${y + 8}" width="4" height="${(isFrame ? BOX.height : height) - 16}" rx="2" class="s${COLOUR[block.kind] ?? 0}"/>`,
    `<text x="${x + 16}" y="${y + 21}" class="n">${escaped(shortened(block.name, Math.floor((width - 90) / 7.4)))}</text>`,
    `<text x="${x + width - 12}" y="${y + 20}" text-anchor="end" class="k">${escaped(block.kind)}${ends.map(({ kind }) => ` → ${kind}`).join("")}</text>`,
    detail === "" ? "" : `<text x="${x + 16}" y="${y + 38}" class="d">${escaped(shortened(detail, room))}</text>`,
    "</g>",
  ];
  for (const lane of lanes) {
    if (lane.title !== "")
      parts.push(
        `<rect x="${x + lane.x - 6}" y="${y + lane.y - FRAME.laneTitle}" width="${Math.max(lane.list.width, 60) + 12}" height="${height - lane.y + FRAME.laneTitle - 8}" rx="7" class="l"/>`,
        `<text x="${x + lane.x + 2}" y="${y + lane.y - 7}" class="k">${escaped(lane.title)}</text>`,
      );
    parts.push(...drawList(lane.list, x + lane.x, y + lane.y, ways));
  }
  return parts.filter((part) => part !== "");
}

function arrow(x1: number, y1: number, x2: number, y2: number): string {
  return `<path class="e" marker-end="url(#a)" d="M${x1} ${y1}L${x2} ${y2 - 2}"/>`;
}

function words(x: number, y: number, text: string, width: number): string {
  return `<text x="${x}" y="${y}" class="w">${escaped(shortened(text, width))}</text>`;
}

function terminal(x: number, y: number, text: string): string {
  const width = Math.max(56, [...text].length * 7 + 28);
  return `<rect x="${x - width / 2}" y="${y - 15}" width="${width}" height="30" rx="15" class="t"/><text x="${x}" y="${y + 4}" text-anchor="middle" class="tt">${escaped(text)}</text>`;
}

function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (unit) => `&#${unit.charCodeAt(0)};`)
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, " ")
    .toWellFormed();
}
