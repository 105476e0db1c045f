// Reading JSON text inside a program.

import { meter, VALUE_DEPTH_MAX } from "./meter.ts";
import { cutText, fail, isArray, isObject, type Value } from "./value.ts";

export function readText(text: string): Value {
  meter.spendText(text.length);
  const trimmed = text.trim();
  if (trimmed === "") return null;
  if (/^-?nan$/i.test(trimmed)) {
    meter.strayNumber = true;
    return Number.NaN;
  }
  if (nestingOf(trimmed) > VALUE_DEPTH_MAX) throw cannotParse(text, "Exceeds depth limit for parsing");
  try {
    const value = JSON.parse(trimmed) as Value;
    meter.spendItems(sizeOf(value));
    return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw cannotParse(text, reasonOf(trimmed, error));
  }
}

function cannotParse(text: string, reason: string): unknown {
  return fail(`${reason} (while parsing '${cutText(text)}')`);
}

/** As jq says it, where it says it simply; else as the platform does. */
function reasonOf(text: string, error: SyntaxError): string {
  const quote = /^[^"]*?'[^\][{}:,\s]*/.exec(text);
  if (quote !== null) return `Invalid string literal; expected ", but got ' at line 1, column ${quote[0].length + 1}`;
  if (/^[\w.+-]+$/.test(text)) return `Invalid numeric literal at EOF at line 1, column ${text.length}`;
  return error.message.replace(/ in JSON.*$/s, "").replace(/, (\.\.\.)?".*$/s, "");
}

/** Brackets within one another, outside texts. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (inText) {
      if (unit === 0x5c) at++;
      else if (unit === 0x22) inText = false;
    } else if (unit === 0x22) inText = true;
    else if (unit === 0x5b || unit === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (unit === 0x5d || unit === 0x7d) depth--;
  }
  return deepest;
}

function sizeOf(value: Value): number {
  let size = 0;
  const open: Value[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const members = isArray(next) ? next : isObject(next) ? Object.values(next) : [];
    size += members.length;
    for (const member of members) if (typeof member === "object" && member !== null) open.push(member);
  }
  return size;
}
