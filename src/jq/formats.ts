// The formats behind `@`: how a value is written into other languages' texts.

import { meter } from "./meter.ts";
import { fail, isArray, shown, toJson, type Value } from "./value.ts";

export function textOf(value: Value): string {
  return typeof value === "string" ? value : toJson(value);
}

export const formats: ReadonlyMap<string, (value: Value) => string> = new Map<string, (value: Value) => string>([
  ["text", textOf],
  ["json", toJson],
  ["csv", (value) => row(value, "csv", ",", csvCell)],
  ["tsv", (value) => row(value, "tsv", "\t", tsvCell)],
  ["html", (value) => textOf(value).replace(/[<>&'"]/g, (unit) => HTML[unit] ?? unit)],
  ["uri", (value) => percent(textOf(value))],
  ["urid", (value) => fromPercent(textOf(value))],
  ["sh", shell],
  ["base64", (value) => Buffer.from(textOf(value)).toString("base64")],
  ["base64d", (value) => fromBase64(textOf(value))],
  ["base32", (value) => toBase32(Buffer.from(textOf(value)))],
  ["base32d", (value) => fromBase32(textOf(value))],
]);

export function formatText(name: string, value: Value): string {
  const write = formats.get(name);
  if (write === undefined) throw fail(`${name} is not a valid format`);
  const text = write(value);
  meter.spendText(text.length);
  return text;
}

const HTML: Readonly<Record<string, string>> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", "'": "&apos;", '"': "&quot;" };

function row(value: Value, name: string, separator: string, cell: (text: string) => string): string {
  if (!isArray(value)) throw fail(`${shown(value)} cannot be ${name}-formatted, only array`);
  return value
    .map((item) => {
      meter.step();
      if (typeof item === "string") return cell(item);
      if (item === null) return "";
      if (typeof item === "object") throw fail(`${shown(item)} is not valid in a csv row`);
      return toJson(item);
    })
    .join(separator);
}

function csvCell(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

function tsvCell(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}

function percent(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function fromPercent(text: string): string {
  const bytes: number[] = [];
  const source = Buffer.from(text);
  for (let at = 0; at < source.length; at++) {
    const byte = source[at] ?? 0;
    if (byte !== 0x25) {
      bytes.push(byte);
      continue;
    }
    const code = source.subarray(at + 1, at + 3).toString("latin1");
    if (!/^[0-9a-fA-F]{2}$/.test(code)) throw fail(`${shown(text)} is not a valid uri encoding`);
    bytes.push(Number.parseInt(code, 16));
    at += 2;
  }
  return Buffer.from(bytes).toString();
}

function shell(value: Value): string {
  const items = isArray(value) ? value : [value];
  return items
    .map((item) => {
      meter.step();
      if (typeof item === "string") return `'${item.replaceAll("'", "'\\''")}'`;
      if (typeof item === "object" && item !== null) throw fail(`${shown(item)} can not be escaped for shell`);
      return toJson(item);
    })
    .join(" ");
}

function fromBase64(text: string): string {
  const plain = text.replace(/=+$/, "");
  if (/[^A-Za-z0-9+/]/.test(plain)) throw fail(`${shown(text)} is not valid base64 data`);
  if (plain.length % 4 === 1) throw fail(`${shown(text)} trailing base64 byte found`);
  return Buffer.from(plain, "base64").toString();
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function toBase32(bytes: Buffer): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  if (bits > 0) text += BASE32[(held << (5 - bits)) & 31];
  return text.padEnd(Math.ceil(text.length / 8) * 8, "=");
}

function fromBase32(text: string): string {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (const unit of text.replace(/=+$/, "")) {
    const digit = BASE32.indexOf(unit);
    if (digit < 0) throw fail(`${shown(text)} is not valid base32 data`);
    held = (held << 5) | digit;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 255);
    held &= (1 << bits) - 1;
  }
  return Buffer.from(bytes).toString();
}
