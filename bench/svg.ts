// The picture of the benchmarks: for each load, how many steps a second the engine makes of what durability alone allows.
// Colours follow the reader's theme; widths are shares, so that one sync and a thousand in flight fit one picture.

import type { Row } from "./row.ts";

const WIDTH = 760;
const ROW_HEIGHT = 52;
const TOP = 84;
const BAR_LEFT = 150;
const BAR_WIDTH = 430;

const STYLE = `
  text { font: 15px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 18px } .quiet { fill: #59636e; font-size: 13px }
  .floor { fill: #d1d9e0 } .engine { fill: #0a7d5a } .half { stroke: #59636e; stroke-dasharray: 3 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 } .floor { fill: #3d444d } .engine { fill: #3fb98f } .half { stroke: #9198a1 }
  }`;

/** An SVG of all rows that are a rate with a ratio to the floor. `foot`: the conditions. */
export function pictureOf(rows: readonly Row[], foot: string): string {
  const shown = rows.filter(
    ({ workload, metric, ratio }) => metric === "steps" && ratio !== undefined && workload !== "W0 plain",
  );
  const height = TOP + shown.length * ROW_HEIGHT + 40;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Steps a second beside the floor">
<style>${STYLE}</style>
<text class="title" x="20" y="32">Durable steps a second, beside what the disk allows</text>
<text class="quiet" x="20" y="56">green: Baton · grey: a bare group commit into SQLite, no engine · dotted: half of it</text>
${shown.map((row, index) => barOf(row, TOP + index * ROW_HEIGHT)).join("\n")}
<text class="quiet" x="20" y="${height - 14}">${escaped(foot)}</text>
</svg>
`;
}

function barOf({ case: one, value, ratio = 0 }: Row, y: number): string {
  const width = Math.round(Math.min(ratio, 1) * BAR_WIDTH);
  const half = BAR_LEFT + BAR_WIDTH / 2;
  return `<text x="20" y="${y + 22}">${escaped(shortOf(one))}</text>
<rect class="floor" x="${BAR_LEFT}" y="${y}" width="${BAR_WIDTH}" height="32" rx="4"/>
<rect class="engine" x="${BAR_LEFT}" y="${y}" width="${width}" height="32" rx="4"/>
<line class="half" x1="${half}" x2="${half}" y1="${y - 4}" y2="${y + 36}"/>
<text x="${BAR_LEFT + BAR_WIDTH + 12}" y="${y + 22}">${Math.round(value).toLocaleString("en")} · ${ratio.toFixed(2)} ×</text>`;
}

/** "1,000 parallel steps in one run" is too long for the margin. */
function shortOf(one: string): string {
  return one.replace(" steps in one run", "");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
