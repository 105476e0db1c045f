// Regular expressions as texts: how large a program one becomes, and texts that may match it, read off its commonest signs. Of
// those nothing is certain; who asks checks.

/** Signs of a pattern that are looked at. Protects time. */
const SIGNS_MAX = 200;

/** Repeats of one sign. Protects memory. */
const REPEATS_MAX = 40;

const SIGN = /(\((?:\?:|\?<\w+>)?|\)|\||\^|\$|\[(?:\\.|[^\]\\])+\]|\\[dwsDWS.]|\\.|[^\\])(\*|\+|\?|\{(\d+)(,(\d*))?\})?/suy;

const CLASSES: Readonly<Record<string, string>> = {
  "\\d": "7",
  "\\w": "a",
  "\\s": " ",
  "\\D": "x",
  "\\W": "-",
  "\\S": "x",
  ".": "x",
};

/** Some texts, each of a length from `min` to `max` where padding gets it there. */
export function textsLike(pattern: string, lengths: readonly number[]): readonly string[] {
  const cores = [0, 1, 3].map((more) => firstWay(pattern, more));
  const repeats = lengths.map((length) => firstWay(pattern, length));
  return [...new Set([...cores.flatMap((core) => padded(core, pattern, lengths)), ...repeats])];
}

function padded(core: string, pattern: string, lengths: readonly number[]): readonly string[] {
  const missing = lengths.map((length) => length - core.length).filter((count) => count > 0 && count <= REPEATS_MAX);
  const before = pattern.startsWith("^") ? [] : missing.map((count) => "x".repeat(count) + core);
  const after = pattern.endsWith("$") ? [] : missing.map((count) => core + "x".repeat(count));
  return [core, ...before, ...after];
}

/** The text of the first alternatives, with so many repeats more than needed. */
function firstWay(pattern: string, more: number): string {
  const open: { text: string; isOver: boolean }[] = [{ text: "", isOver: false }];
  SIGN.lastIndex = 0;
  for (let signs = 0; signs < SIGNS_MAX && SIGN.lastIndex < pattern.length; signs++) {
    const found = SIGN.exec(pattern);
    if (found === null) break;
    const [, sign = "", quantifier, least] = found;
    const top = open.at(-1);
    if (top === undefined) break;
    if (sign.startsWith("(")) open.push({ text: "", isOver: false });
    else if (sign === "|") top.isOver = true;
    else if (sign === ")" && open.length > 1) {
      open.pop();
      append(open.at(-1), repeated(top.text, quantifier, least, more));
    } else if (sign !== "^" && sign !== "$") append(top, repeated(letterOf(sign), quantifier, least, more));
  }
  return open.map(({ text }) => text).join("");
}

function append(to: { text: string; isOver: boolean } | undefined, text: string): void {
  if (to !== undefined && !to.isOver) to.text = (to.text + text).slice(0, SIGNS_MAX);
}

function repeated(text: string, quantifier: string | undefined, least: string | undefined, more: number): string {
  const min = quantifier === undefined || quantifier === "+" ? 1 : Number(least ?? 0);
  const isOpen = quantifier === "*" || quantifier === "+" || quantifier?.endsWith(",}") === true;
  return text.repeat(Math.min(REPEATS_MAX, isOpen ? min + more : min + (quantifier === "?" && more > 0 ? 1 : 0)));
}

function letterOf(sign: string): string {
  if (sign.startsWith("[^")) return ["x", "7", "-", "~", " "].find((letter) => !sign.includes(letter)) ?? "~";
  if (sign.startsWith("[")) return CLASSES[sign.slice(1, 3)] ?? sign.slice(1, 2);
  return CLASSES[sign] ?? sign.replace("\\", "");
}

// ── Size ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

const PIECE = /\\[pPxu]\{[^}]*\}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|./suy;

/** About how many instructions it is compiled to: `a{1000}` is a thousand. Each letter of a text may meet all of them. */
export function patternSize(pattern: string): number {
  const open: { sum: number; last: number }[] = [{ sum: 0, last: 0 }];
  PIECE.lastIndex = 0;
  for (let found = PIECE.exec(pattern); found !== null; found = PIECE.exec(pattern)) {
    const [piece, least, most] = found;
    const top = open.at(-1) ?? { sum: 0, last: 0 };
    if (piece === "(") open.push({ sum: 0, last: 0 });
    else if (piece === ")" && open.length > 1) {
      open.pop();
      add(open.at(-1) ?? top, top.sum + top.last + 2);
    } else if (least !== undefined) top.last *= 1 + Math.max(Number(least), Number(most ?? 0));
    else if (!/^[*+?|^$]$/.test(piece)) add(top, 1);
  }
  return open.reduce((size, { sum, last }) => size + sum + last, 1);
}

function add(to: { sum: number; last: number }, size: number): void {
  to.sum += to.last;
  to.last = size;
}
