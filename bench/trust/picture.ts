// The picture of the trust benchmark: what the ledger regrets beside other rules, world by world, and how soon each finds out
// that an agent has fallen. Colours follow the reader's theme; each world has its own scale, for the worst shown of it.

import type { Row } from "../row.ts";

const WIDTH = 760;
const NAME_LEFT = 20;
const BAR_LEFT = 232;
const BAR_WIDTH = 420;
/** Words stand behind the lines. */
const DELAY_WIDTH = 330;
const BAR_HEIGHT = 12;
const BAR_STEP = 17;
const GROUP_GAP = 30;

const LEDGER = "ledger, closed";

/** The ledger, and the rules of the table that come nearest to it. */
const SHOWN = [LEDGER, "GLR + localise + Thompson", "GLR-klUCB local", "kl-UCB", "window Thompson 500", "Thompson"];

const TITLES: Readonly<Record<string, string>> = {
  S1: "Nobody changes",
  S2: "All drift",
  S3: "The best falls silently",
  S4: "On-off attack",
  S5: "Subtle on-off attack",
  S6: "Fifty newcomers",
  A: "SMPyBandits, problem 1",
};

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 18px } .group { font-weight: 600 } .quiet { fill: #59636e; font-size: 12px }
  .other { fill: #afb8c1 } .ledger { fill: #0a7d5a } .late { stroke: #afb8c1; stroke-width: 3 } .early { stroke: #0a7d5a; stroke-width: 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 } .other { fill: #545d68 } .ledger { fill: #3fb98f }
    .late { stroke: #545d68 } .early { stroke: #3fb98f }
  }`;

/** An SVG of the rows `regret` and `detection`. `foot`: how it was measured. */
export function trustPicture(rows: readonly Row[], foot: string): string {
  const groups = Object.keys(TITLES).map((world) => groupOf(rows, world));
  let y = 88;
  const parts: string[] = [];
  for (const { title, bars } of groups) {
    if (bars.length === 0) continue;
    parts.push(`<text class="group" x="${NAME_LEFT}" y="${y}">${escaped(title)}</text>`);
    for (const [i, bar] of bars.entries()) parts.push(barOf(bar, y + 8 + i * BAR_STEP));
    y += bars.length * BAR_STEP + GROUP_GAP;
  }
  const found = detection(rows, y + 14);
  const height = found.bottom + 34;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Regret and detection of the trust ledger beside other rules">
<style>${STYLE}</style>
<text class="title" x="${NAME_LEFT}" y="32">What is lost by choosing, beside what a clairvoyant would choose</text>
<text class="quiet" x="${NAME_LEFT}" y="54">right results missed in 5,000 tasks (1,000 with fifty newcomers), less is better · green: Baton's ledger</text>
${parts.join("\n")}
${found.text}
<text class="quiet" x="${NAME_LEFT}" y="${height - 12}">${escaped(foot)}</text>
</svg>
`;
}

interface Bar {
  readonly name: string;
  readonly value: number;
  readonly share: number;
}

function groupOf(rows: readonly Row[], world: string): { readonly title: string; readonly bars: readonly Bar[] } {
  const values = SHOWN.flatMap((name) => {
    const row = rows.find((one) => one.workload === `trust ${world}` && one.case === name && one.metric === "regret");
    return row === undefined ? [] : [{ name, value: row.value }];
  });
  const most = Math.max(...values.map(({ value }) => value));
  return { title: TITLES[world] ?? world, bars: values.map((one) => ({ ...one, share: one.value / most })) };
}

function barOf({ name, value, share }: Bar, y: number): string {
  const width = Math.max(2, Math.round(share * BAR_WIDTH));
  const kind = name === LEDGER ? "ledger" : "other";
  return `<text class="${name === LEDGER ? "" : "quiet"}" x="${NAME_LEFT}" y="${y + 10}">${escaped(name)}</text>
<rect class="${kind}" x="${BAR_LEFT}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>
<text x="${BAR_LEFT + width + 8}" y="${y + 10}">${Math.round(value)}</text>`;
}

/** From the median to the 95 % of the tasks the fallen agent still got. */
function detection(rows: readonly Row[], top: number): { readonly text: string; readonly bottom: number } {
  const found = SHOWN.map((name) => ({ name, median: delayOf(rows, name, "median"), late: delayOf(rows, name, "95 %") }));
  const most = Math.max(1, ...found.flatMap(({ median, late }) => [median ?? 0, late ?? 0]));
  const at = (value: number) => Math.round(BAR_LEFT + (value / most) * DELAY_WIDTH);
  const lines = found.map(({ name, median, late }, i) => {
    const y = top + 44 + i * BAR_STEP;
    const label = `<text class="${name === LEDGER ? "" : "quiet"}" x="${NAME_LEFT}" y="${y}">${escaped(name)}</text>`;
    if (median === null) return `${label}<text class="quiet" x="${BAR_LEFT}" y="${y}">not before it recovered</text>`;
    const far = late ?? most;
    const words = late === null ? `${median}, some never` : `${median}, 95 % within ${late}`;
    const [line, dot] = name === LEDGER ? ["early", "ledger"] : ["late", "other"];
    return `${label}<line class="${line}" x1="${at(median)}" x2="${at(far)}" y1="${y - 4}" y2="${y - 4}"/>
<circle class="${dot}" cx="${at(median)}" cy="${y - 4}" r="5"/><text class="quiet" x="${at(far) + 10}" y="${y}">${words}</text>`;
  });
  const heading = `<text class="title" x="${NAME_LEFT}" y="${top}">How many tasks the best agent still gets after its silent fall</text>
<text class="quiet" x="${NAME_LEFT}" y="${top + 20}">until the estimate of it has crossed the middle: the median as a dot, up to the 95 %</text>`;
  return { text: [heading, ...lines].join("\n"), bottom: top + 44 + found.length * BAR_STEP };
}

function delayOf(rows: readonly Row[], name: string, metric: string): number | null {
  const row = rows.find((one) => one.workload === "trust detection" && one.case === name && one.metric === metric);
  return row === undefined || row.value < 0 ? null : row.value;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
