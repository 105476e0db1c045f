// Secrets must not be seen in what is recorded: their texts are replaced, as they are and as they are usually written.

import type { Json } from "../base/json.ts";

const MASK = "«secret»";

/** A value in which none of the secrets is seen: plain, in base64 or hexadecimal, in URLs, in JSON text or in HTML. */
export function masked(value: Json, secrets: readonly string[]): Json {
  if (secrets.length === 0) return value;
  return maskedForms(value, secretForms(secrets));
}

/** Bytes in which none of the secrets is seen; as many as before, so that what they are a part of keeps its form. */
export function maskedBytes(bytes: Buffer, secrets: readonly string[]): Buffer {
  let made = bytes;
  for (const form of secrets.length === 0 ? [] : secretForms(secrets)) {
    const hidden = Buffer.from(form);
    for (let at = made.indexOf(hidden); at >= 0; at = made.indexOf(hidden, at + hidden.length)) {
      if (made === bytes) made = Buffer.from(bytes);
      made.fill("*", at, at + hidden.length);
    }
  }
  return made;
}

/** How secrets are usually written, the longest first. */
export function secretForms(secrets: readonly string[]): string[] {
  return [...new Set(secrets.flatMap(knownFormsOf))].toSorted((a, b) => b.length - a.length);
}

/** Forms of secrets that come again and again. */
const remembered = new Map<string, readonly string[]>();

const REMEMBERED_MAX = 64;

function knownFormsOf(secret: string): readonly string[] {
  const known = remembered.get(secret);
  if (known !== undefined) return known;
  const forms = secret === "" ? [] : [...new Set(formsOf(secret))];
  if (remembered.size >= REMEMBERED_MAX) remembered.clear();
  remembered.set(secret, forms);
  return forms;
}

/** UTF-8 that was read as Latin-1, as headers are, is a spelling of its own. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const spelled = [secret, bytes.toString("latin1")].flatMap((text) => [
    ...urlForms(text),
    ...jsonForms(text),
    ...htmlForms(text),
  ]);
  const hex = bytes.toString("hex");
  return [...spelled, ...base64Forms(bytes), hex, hex.toUpperCase()];
}

function urlForms(text: string): string[] {
  const forms = [encodeURIComponent(text.toWellFormed()), new URLSearchParams([["", text]]).toString().slice(1)];
  return [text, ...forms, ...forms.map((form) => form.replace(/%../g, (code) => code.toLowerCase()))];
}

/** As the writers of JSON escape: what must be, what HTML would read, all that is not ASCII, the slash. */
function jsonForms(text: string): string[] {
  const plain = JSON.stringify(text).slice(1, -1);
  const forms = [plain, escaped(plain, /[<>&'\u2028\u2029]/g), escaped(plain, /[^ -~]/g), escaped(plain, /[^ -~]|[<>&']/g)];
  const both = forms.flatMap((form) => [form, form.replace(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`)]);
  return both.flatMap((form) => [form, form.replaceAll("/", "\\/")]);
}

function escaped(text: string, which: RegExp): string {
  return text.replace(which, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** How writers of HTML spell the quotation mark and the apostrophe. */
const QUOTES = [
  ["&quot;", "'"],
  ["&quot;", "&#39;"],
  ["&quot;", "&#039;"],
  ["&quot;", "&#x27;"],
  ["&quot;", "&apos;"],
  ["&#34;", "&#39;"],
  ['"', "'"],
] as const;

function htmlForms(text: string): string[] {
  const safe = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return QUOTES.map(([quote, apostrophe]) => safe.replaceAll('"', quote).replaceAll("'", apostrophe));
}

/** Characters of base64 that tell a secret inside a longer text: fewer are found by chance. */
const BASE64_LENGTH_MIN = 8;

/** Alone, and inside a longer text: there it looks in three ways, without the characters it shares with its neighbours. */
function base64Forms(bytes: Buffer): string[] {
  const inside = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    return text.slice([0, 2, 3][before], Math.floor(((before + bytes.length) * 8) / 6));
  });
  const forms = [bytes.toString("base64"), ...inside.filter((form) => form.length >= BASE64_LENGTH_MIN)];
  return forms.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")]);
}

/** The same by forms that are known already. */
export function maskedForms(value: Json, forms: readonly string[]): Json {
  if (typeof value === "string")
    return forms.reduce((text, form) => (text.includes(form) ? text.replaceAll(form, MASK) : text), value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => maskedForms(item, forms));
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [maskedForms(key, forms) as string, maskedForms(member, forms)]),
  );
}
