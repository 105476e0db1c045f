// What a service says of what went wrong, in a sentence: of JSON, of text, of a page.
//
//  1. Nothing is cut here: what is said is masked whole, and cut afterwards (`cut`).
//  2. What is cut has neither controls nor characters that turn the direction of writing.

import type { Json } from "../base/json.ts";

/** The sentence in a body, wherever this service puts it; empty where it says nothing. */
export function saidIn(body: Json): string {
  if (typeof body === "string") return body;
  if (typeof body !== "object" || body === null) return "";
  const { error, message, detail, title, status, errors, mediaType, data } = body as Record<string, Json>;
  if (typeof error === "string" && typeof message === "string") return `${error}: ${message}`;
  for (const one of [error, message, detail, title, status, errors])
    if (one !== undefined && one !== null && one !== "") return typeof one === "string" ? one : nested(one);
  if (typeof mediaType === "string" && typeof data === "string") return pageOf(mediaType, data);
  return JSON.stringify(body);
}

function nested(one: Json): string {
  if (Array.isArray(one)) return one.map((item: Json) => (typeof item === "string" ? item : saidIn(item))).join("; ");
  return typeof one === "object" && one !== null ? saidIn(one) : String(one);
}

/** Characters of a page that are looked at. */
const PAGE_LENGTH_MAX = 8_192;

/** A page's title, else its words; of other bytes what they are. */
function pageOf(mediaType: string, data: string): string {
  if (!/^text\/|[/+]xml$/.test(mediaType)) return `a file of ${mediaType === "" ? "no type" : mediaType}`;
  const page = Buffer.from(data, "base64").toString("utf8").slice(0, PAGE_LENGTH_MAX);
  const [, title = ""] = /<title[^>]*>([^<]*)/i.exec(page) ?? [];
  return plainText(title) || plainText(page);
}

function plainText(markup: string): string {
  const shown = markup.replace(/<(script|style)\b[\s\S]*?(<\/\1[^>]*>|$)|<!--[\s\S]*?(-->|$)|<[^>]*(>|$)/gi, " ");
  const text = shown.replace(/&(\w+|#39|#34);/g, (entity, name: string) => ENTITIES[name] ?? entity);
  return text.replace(/\s+/g, " ").trim();
}

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " ", "#39": "'", "#34": '"' },
};

const SAID_LENGTH_MAX = 500;

const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g;

export function cut(text: string, lengthMax = SAID_LENGTH_MAX): string {
  const plain = text.replace(UNPRINTABLE, " ").trim();
  return plain.length <= lengthMax ? plain : `${plain.slice(0, lengthMax).toWellFormed()}…`;
}
