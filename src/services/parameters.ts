// How values are written in a request: in its path, query, headers, cookies and body. Owns the styles of OpenAPI 3, the
// collection formats of Swagger 2 and the media types of bodies; leaves to others which value belongs where.
//
// 1. A value never leaves its place: what separates (`/ ? & = ; , #`, line ends, quotes) is encoded or refused.
// 2. A path keeps its segments: a value that is empty, `.` or `..` there is refused.
// 3. Equal values give equal texts, multipart boundaries included.

import { createHash } from "node:crypto";
import type { Json } from "../base/json.ts";
import { servicesProblems, shown } from "./problems.ts";

export type JsonObject = { readonly [key: string]: Json };

/** Where a parameter stands in a request, its body apart. */
export type Place = "path" | "query" | "header" | "cookie";

/** How one value is written. */
export type Writing =
  | { readonly kind: "json" }
  | { readonly kind: "deep" }
  | {
      readonly kind: "plain";
      /** What stands before the whole, and between its parts when exploded. */
      readonly shape: Shape;
      readonly explode: boolean;
      /** Between the items of a list that is not exploded. */
      readonly delimiter: string;
      readonly allowReserved: boolean;
    };

interface Shape {
  readonly prefix: string;
  readonly between: string;
  readonly isNamed: boolean;
}

const SHAPES = {
  simple: { prefix: "", between: ",", isNamed: false },
  label: { prefix: ".", between: ".", isNamed: false },
  matrix: { prefix: ";", between: ";", isNamed: true },
  form: { prefix: "", between: "&", isNamed: true },
} satisfies Record<string, Shape>;

/** Where each style may stand, as OpenAPI 3 has it. */
const STYLES = new Map<string, { readonly shape: Shape; readonly delimiter: string; readonly places: readonly Place[] }>([
  ["simple", { shape: SHAPES.simple, delimiter: ",", places: ["path", "header"] }],
  ["label", { shape: SHAPES.label, delimiter: ",", places: ["path"] }],
  ["matrix", { shape: SHAPES.matrix, delimiter: ",", places: ["path"] }],
  ["form", { shape: SHAPES.form, delimiter: ",", places: ["query", "cookie"] }],
  ["spaceDelimited", { shape: SHAPES.form, delimiter: " ", places: ["query"] }],
  ["pipeDelimited", { shape: SHAPES.form, delimiter: "|", places: ["query"] }],
]);

const COLLECTION_DELIMITERS = new Map([
  ["csv", ","],
  ["ssv", " "],
  ["tsv", "\t"],
  ["pipes", "|"],
  ["multi", ","],
]);

/** Characters of a file name in a multipart body. */
const FILE_NAME_MAX = 200;

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// ── Which way ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** How OpenAPI 3 says that a parameter, or a field of a form (`query`), is written. Throws OPENAPI_INVALID. */
export function readStyle(said: JsonObject, place: Place, name: string): Writing {
  if (isObject(said.content) && bodyKindOf(Object.keys(said.content)[0] ?? "") === "json") return { kind: "json" };
  const isForm = place === "query" || place === "cookie";
  const style = typeof said.style === "string" ? said.style : isForm ? "form" : "simple";
  if (style === "deepObject" && place === "query") return { kind: "deep" };
  const known = STYLES.get(style);
  if (!known?.places.includes(place)) {
    throw servicesProblems.OPENAPI_INVALID(`The parameter ${shown(name)} has the style ${shown(style)}, which no ${place} has.`);
  }
  const explode = typeof said.explode === "boolean" ? said.explode : style === "form";
  const allowReserved = place === "query" && said.allowReserved === true;
  return { kind: "plain", shape: known.shape, delimiter: known.delimiter, explode, allowReserved };
}

/** How Swagger 2 says that a parameter, or a field of a form (`query`), is written. Throws OPENAPI_INVALID. */
export function readCollectionFormat(said: JsonObject, place: Place, name: string): Writing {
  const format = typeof said.collectionFormat === "string" ? said.collectionFormat : "csv";
  const delimiter = COLLECTION_DELIMITERS.get(format);
  if (delimiter === undefined) {
    throw servicesProblems.OPENAPI_INVALID(`The parameter ${shown(name)} has the unknown collectionFormat ${shown(format)}.`);
  }
  const shape = place === "query" ? SHAPES.form : SHAPES.simple;
  return { kind: "plain", shape, delimiter, explode: format === "multi", allowReserved: false };
}

// ── In their places ──────────────────────────────────────────────────────────────────────────────────────────────────

/** The text that stands for `{name}` in a path. */
export function writeInPath(name: string, value: Json, writing: Writing): string {
  const { prefix, between } = writing.kind === "plain" ? writing.shape : SHAPES.simple;
  const parts = partsOf(name, value, writing, encode);
  const text = prefix + parts.join(between);
  const isNothing = parts.length === 0 || (prefix === "" && text === "");
  if (isNothing) throw invalid(name, "is empty, and a path with a hole in it is another path");
  return text;
}

/** `name=value` pairs, encoded; none where the value holds nothing. */
export function writeInQuery(name: string, value: Json, writing: Writing): string[] {
  if (writing.kind === "deep") return deepPairs(name, encode(name, name), value);
  const encodeValue = writing.kind === "plain" && writing.allowReserved ? encodeButReserved : encode;
  return partsOf(name, value, writing, encodeValue, true);
}

/** Pairs for a `cookie` header, encoded. */
export function writeInCookie(name: string, value: Json, writing: Writing): string[] {
  return partsOf(name, value, writing, encode, true);
}

/** The value of a header as it travels; null where it holds nothing. Throws where it would end the line. */
export function writeInHeader(name: string, value: Json, writing: Writing): string | null {
  const parts = partsOf(name, value, writing, (text) => text);
  return parts.length === 0 ? null : checkHeaderValue(name, parts.join(","));
}

/** Line ends would begin another header; what is no byte cannot travel. */
function checkHeaderValue(name: string, value: string): string {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return value;
  throw invalid(name, "holds a line end, a control character or one that is not Latin-1; a header cannot carry that");
}

type Encode = (text: string, name: string) => string;

/** `isNamed` makes a JSON text a pair, as the shapes say of themselves for the rest. */
function partsOf(name: string, value: Json, writing: Writing, encodeValue: Encode, isNamed = false): string[] {
  if (writing.kind !== "plain") {
    const text = encodeValue(JSON.stringify(value), name);
    return [isNamed ? `${encode(name, name)}=${text}` : text];
  }
  const text = (item: Json) => encodeValue(scalarText(name, item), name);
  const named = (item: string) => (writing.shape.isNamed ? pair(name, item, writing.shape) : item);
  if (writing.explode && Array.isArray(value)) return (value as readonly Json[]).map((item) => named(text(item)));
  const members = membersOf(value);
  if (writing.explode && members !== null) return members.map(([key, item]) => `${encodeValue(key, name)}=${text(item)}`);
  const items = Array.isArray(value) ? (value as readonly Json[]) : members?.flat();
  if (items === undefined) return [named(text(value))];
  const delimiter = writing.delimiter === "," ? "," : encodeValue(writing.delimiter, name);
  return items.length === 0 ? [] : [named(items.map(text).join(delimiter))];
}

/** Members that are null are not there. */
function membersOf(value: Json): [string, Json][] | null {
  return isObject(value) ? Object.entries(value).filter(([, member]) => member !== null) : null;
}

function pair(name: string, text: string, shape: Shape): string {
  return shape === SHAPES.matrix && text === "" ? encode(name, name) : `${encode(name, name)}=${text}`;
}

/** `filter[author][0]=ada`: what OpenAPI leaves open (lists, deeper levels) is written the way most servers read it. */
function deepPairs(name: string, key: string, value: Json): string[] {
  const members = Array.isArray(value) ? Object.entries(value as readonly Json[]) : membersOf(value);
  if (members === null) return [`${key}=${encode(scalarText(name, value), name)}`];
  return members.flatMap(([member, inner]) => deepPairs(name, `${key}%5B${encode(member, name)}%5D`, inner));
}

function scalarText(name: string, value: Json): string {
  if (value === null) return "";
  if (typeof value !== "object") return String(value);
  throw invalid(name, "holds a list or an object inside another, and its style cannot carry that");
}

/** Percent-encoding of all but letters, digits and `- . _ ~`. */
function encode(text: string, name: string): string {
  if (!text.isWellFormed()) throw invalid(name, "holds half a character (a lone surrogate)");
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Reserved signs and what is encoded already stay, except those that would end the value: `& # + [ ]`. */
function encodeButReserved(text: string, name: string): string {
  return encode(text, name).replace(/%25[0-9A-F]{2}|%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B|3D)/gi, (code) =>
    code.startsWith("%25") ? `%${code.slice(3)}` : decodeURIComponent(code),
  );
}

function invalid(name: string, why: string): Error {
  return servicesProblems.OPENAPI_PARAMETER_INVALID(`The parameter ${shown(name)} ${why}.`, { at: name });
}

// ── Bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface WrittenBody {
  readonly contentType: string;
  readonly text: string;
}

/** What is known of a field of a form. */
export interface Field {
  /** Absent: the usual way, with objects as JSON. */
  readonly writing?: Writing;
  /** Of its part in a multipart body. */
  readonly contentType?: string;
  /** Sent with a file name. */
  readonly isFile?: boolean;
}

type BodyKind = "json" | "form" | "multipart" | "text";

/** How a media type is written, best liked first; those of no name here are texts that the caller writes. */
const BODY_KINDS: readonly (readonly [RegExp, BodyKind])[] = [
  [/^application\/json$/, "json"],
  [/^[^/]+\/[^/]+\+json$/, "json"],
  [/^(application\/\*|\*\/\*)$/, "json"],
  [/^application\/x-www-form-urlencoded$/, "form"],
  [/^multipart\/form-data$/, "multipart"],
  [/^text\/plain$/, "text"],
];

/** The media type that is liked best of those offered; null when none is. */
export function pickMediaType(offered: readonly string[]): string | null {
  const known = BODY_KINDS.map(([form]) => offered.find((mediaType) => form.test(essenceOf(mediaType))));
  return known.find((mediaType) => mediaType !== undefined) ?? offered[0] ?? null;
}

export function bodyKindOf(mediaType: string): BodyKind {
  return BODY_KINDS.find(([form]) => form.test(essenceOf(mediaType)))?.[1] ?? "text";
}

function essenceOf(mediaType: string): string {
  return (mediaType.split(";")[0] ?? "").trim().toLowerCase();
}

export function writeBody(value: Json, mediaType: string, fields: ReadonlyMap<string, Field>): WrittenBody {
  const body = bodyOf(value, mediaType, fields);
  if (!body.text.isWellFormed()) throw invalid("body", "holds half a character (a lone surrogate)");
  return body;
}

function bodyOf(value: Json, mediaType: string, fields: ReadonlyMap<string, Field>): WrittenBody {
  const kind = bodyKindOf(mediaType);
  const usual = kind === "json" ? "application/json" : "text/plain";
  const contentType = mediaType.includes("*") ? usual : checkHeaderValue("content-type", mediaType);
  if (kind === "json") return { contentType, text: JSON.stringify(value) };
  if (kind === "text") return { contentType, text: plainText(value) };
  const members = membersOf(value);
  if (members === null) throw invalid("body", "is a form, so it must be an object of fields");
  return kind === "form" ? { contentType, text: formText(members, fields) } : multipart(members, fields);
}

function plainText(value: Json): string {
  if (typeof value === "object") throw invalid("body", "must be a text");
  return String(value);
}

function formText(members: readonly [string, Json][], fields: ReadonlyMap<string, Field>): string {
  const usual = (value: Json): Writing => (isObject(value) ? { kind: "json" } : readStyle({}, "query", ""));
  return members.flatMap(([name, value]) => writeInQuery(name, value, fields.get(name)?.writing ?? usual(value))).join("&");
}

/** A boundary made from the content itself cannot stand in it, and is the same on every attempt (3). */
function multipart(members: readonly [string, Json][], fields: ReadonlyMap<string, Field>): WrittenBody {
  const parts = members.flatMap(([name, value]) => {
    const items = Array.isArray(value) ? (value as readonly Json[]) : [value];
    return items.map((item) => multipartPart(name, item, fields.get(name) ?? {}));
  });
  const boundary = `baton-${createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 40)}`;
  const text = `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join("")}--${boundary}--\r\n`;
  return { contentType: `multipart/form-data; boundary=${boundary}`, text };
}

/** A file is a text where one is declared, or `{ fileName, content, contentType? }` anywhere. */
function multipartPart(name: string, value: Json, field: Field): string {
  const file = isObject(value) && typeof value.fileName === "string" && typeof value.content === "string" ? value : null;
  const fileName = file === null ? (field.isFile ? name : null) : String(file.fileName);
  const said = typeof file?.contentType === "string" ? file.contentType : field.contentType;
  const usual = fileName !== null ? "application/octet-stream" : typeof value === "object" ? "application/json" : undefined;
  const contentType = said ?? usual;
  const content = file === null ? (typeof value === "object" ? JSON.stringify(value) : String(value)) : String(file.content);
  const lines = [
    `Content-Disposition: form-data; name="${quoted(name)}"${fileName === null ? "" : `; filename="${safeFileName(fileName)}"`}`,
    ...(contentType === undefined ? [] : [`Content-Type: ${checkHeaderValue(name, contentType)}`]),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${content}`;
}

function quoted(name: string): string {
  return name.replace(/[\x00-\x1f"\x7f]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** The last part of a path, without signs that end a line or a quotation, and without leading dots. */
function safeFileName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? "";
  const safe = last.replace(/[\x00-\x1f\x7f"<>|:*?]/g, "_").replace(/^\.+/, "");
  return safe.slice(0, FILE_NAME_MAX).toWellFormed() || "file";
}
