// The mind that the fakes of AI servers share: the same question always gets the same answer, from the words alone.
//
// Owns: answers in words, embeddings, pictures (real PNGs) and what can be told of one. Leaves to each fake how a request
// is read and an answer is written.
//
// M1  Nothing here depends on chance or time.
// M2  A question is answered from the text that came with it, by the sentences that share most words with it.
// M3  Texts that share words are near each other as embeddings.
// M4  A picture shows the colour its prompt names, and that colour can be told from the picture.

import { createHash } from "node:crypto";
import { crc32, deflateSync, inflateSync } from "node:zlib";
import type { Json } from "../base/json.ts";
import type { FakeHttpOptions } from "./fake-http.ts";

export interface ToolCall {
  /** Made up when it is not given. */
  readonly id?: string;
  readonly name: string;
  readonly arguments: Json;
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly text: string;
  readonly images?: readonly Uint8Array[];
  readonly toolCalls?: readonly ToolCall[];
  /** Which call a tool's message answers. */
  readonly toolCallId?: string;
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly { readonly name: string; readonly description: string; readonly parameters: Json }[];
  /** What the answer must be as JSON: a schema, or `true` for any; null when words will do. */
  readonly schema: Json;
  readonly maxTokens: number | null;
  /** As the vendor's protocol has it. */
  readonly body: Json;
}

export interface ChatReply {
  readonly text?: string;
  readonly toolCalls?: readonly ToolCall[];
}

export interface FakeAiOptions extends FakeHttpOptions {
  /** The models it has; each vendor's own handful when not given. */
  readonly models?: readonly string[];
  /** What it says; `replyTo` of the messages when not given. */
  readonly reply?: (request: ChatRequest) => string | ChatReply;
  /** Requests without it are refused, in the vendor's words. */
  readonly apiKey?: string;
}

/** A reply with what every protocol tells about it. */
export interface Thought {
  readonly text: string;
  readonly toolCalls: readonly Required<ToolCall>[];
  readonly finish: "stop" | "length" | "tools";
  readonly promptTokens: number;
  readonly replyTokens: number;
}

const TOKENS_OF_A_PICTURE = 85;

export function think(request: ChatRequest, reply: FakeAiOptions["reply"], idPrefix: string): Thought {
  const said = reply === undefined ? replyTo(request.messages) : reply(request);
  const { text: whole = "", toolCalls = [] } = typeof said === "string" ? { text: said } : said;
  const text = cut(whole, request.maxTokens);
  const seed = JSON.stringify(request.body);
  const calls = toolCalls.map((call, at) => ({ id: `${idPrefix}${hash(`${at} ${seed}`).slice(0, 24)}`, ...call }));
  const finish = calls.length > 0 ? "tools" : text.length < whole.length ? "length" : "stop";
  const replyTokens = tokens(text) + calls.reduce((sum, call) => sum + tokens(JSON.stringify(call.arguments)) + 1, 0);
  return { text, toolCalls: calls, finish, promptTokens: promptTokens(request.messages), replyTokens };
}

function promptTokens(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, { text, images = [] }) => sum + tokens(text) + images.length * TOKENS_OF_A_PICTURE, 0);
}

function cut(text: string, maxTokens: number | null): string {
  if (maxTokens === null || tokens(text) <= maxTokens) return text;
  return pieces(text)
    .slice(0, Math.floor((maxTokens * 3) / 4))
    .join("");
}

/** About four for three words. */
export function tokens(text: string): number {
  return Math.ceil(((text.match(/\S+/g) ?? []).length * 4) / 3);
}

/** The text as a stream has it, word by word; joined, they are the text. */
export function pieces(text: string): readonly string[] {
  return text.match(/\s*\S+(?:\s+$)?|\s+/g) ?? [];
}

export function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

const SENTENCES_MAX = 3;
const WORDS_ECHOED = 12;

export function replyTo(messages: readonly ChatMessage[]): string {
  const asked = messages.findLast(({ role }) => role === "user");
  const images = asked?.images ?? [];
  if (images.length > 0) return images.map(tellPicture).join(" ");
  const question = sentences(asked?.text ?? "").findLast(isQuestion);
  const found = question === undefined ? [] : nearest(question, passages(messages));
  if (found.length > 0) return found.join(" ");
  const last = messages.at(-1);
  return `${last?.role === "tool" ? "The tool says" : "You said"}: ${echo(last?.text ?? "")}`;
}

/** What was given to read: everything but questions and what the model said itself. */
function passages(messages: readonly ChatMessage[]): readonly string[] {
  return messages
    .filter(({ role }) => role !== "assistant")
    .flatMap(({ text }) => sentences(text))
    .filter((sentence) => !isQuestion(sentence))
    .map((sentence) => sentence.replace(/^(?:[-*•]\s+|(?:context|passage|document|source)\s*\d*\s*:\s*)+/i, ""));
}

function sentences(text: string): readonly string[] {
  return text
    .split(/(?<=[.!?])\s+|\s*\n\s*/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== "");
}

function isQuestion(sentence: string): boolean {
  return sentence.endsWith("?") || /^question\s*:/i.test(sentence);
}

function nearest(question: string, context: readonly string[]): readonly string[] {
  const asked = new Set(words(question.replace(/^question\s*:/i, "")));
  const scored = context.map((sentence) => ({ sentence, shared: asked.intersection(new Set(words(sentence))).size }));
  const most = Math.max(0, ...scored.map(({ shared }) => shared));
  if (most === 0) return [];
  const best = scored.filter(({ shared }) => shared === most).map(({ sentence }) => sentence);
  return [...new Set(best)].slice(0, SENTENCES_MAX);
}

function echo(text: string): string {
  const said = text.match(/\S+/g) ?? [];
  return said.length > WORDS_ECHOED ? `${said.slice(0, WORDS_ECHOED).join(" ")} …` : said.join(" ");
}

const COMMON_WORDS = new Set(
  `a an and are as at be by did do does for from had has have how i in is it its me my of on or our that the their they this
   to was we were what when where which who whom whose why will with you your`.split(/\s+/),
);

/** The words that say something, in lower case; all of them when none does. */
function words(text: string): readonly string[] {
  const all = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const telling = all.filter((one) => !COMMON_WORDS.has(one));
  return telling.length > 0 ? telling : all;
}

/** A hashed bag of words, of length 1; the numbers are exact as 32-bit floats. */
export function embed(text: string, dimensions = 64): readonly number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (const one of words(text)) {
    const code = crc32(one);
    const at = code % dimensions;
    vector[at] = (vector[at] ?? 0) + (code >= 2 ** 31 ? 1 : -1);
  }
  const length = Math.hypot(...vector);
  if (length === 0) vector[0] = 1;
  return vector.map((value) => Math.fround(length === 0 ? value : value / length));
}

const COLOURS = {
  red: [220, 40, 40],
  orange: [240, 140, 30],
  yellow: [235, 215, 50],
  green: [40, 160, 60],
  blue: [40, 80, 220],
  purple: [140, 60, 180],
  white: [240, 240, 240],
  grey: [128, 128, 128],
  black: [25, 25, 25],
} as const satisfies Record<string, readonly [number, number, number]>;

type Colour = keyof typeof COLOURS;
const COLOUR_NAMES = Object.keys(COLOURS) as Colour[];

const SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");

/** A PNG (8 bits, RGB) of slanting bands in one colour: the first that the prompt names, or one that follows from it. */
export function picture(prompt: string, width: number, height: number): Buffer {
  const code = crc32(prompt);
  const named = words(prompt).find((one): one is Colour => Object.hasOwn(COLOURS, one));
  const rgb = COLOURS[named ?? COLOUR_NAMES[code % COLOUR_NAMES.length] ?? "grey"];
  const [across, down, band] = [1 + (code % 3), 1 + ((code >>> 8) % 3), 16 + ((code >>> 16) % 48)];
  const rows = Buffer.alloc(height * (1 + width * 3));
  let at = 0;
  for (let y = 0; y < height; y++) {
    at++; // Filter 0: the row is as it is.
    for (let x = 0; x < width; x++) {
      const shade = 0.85 + (0.15 * ((x * across + y * down) % band)) / band;
      for (const part of rgb) rows[at++] = Math.round(part * shade);
    }
  }
  return Buffer.concat([SIGNATURE, chunk("IHDR", header(width, height)), chunk("IDAT", deflateSync(rows)), chunk("IEND")]);
}

function header(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(13);
  bytes.writeUInt32BE(width, 0);
  bytes.writeUInt32BE(height, 4);
  bytes.set([8, 2], 8);
  return bytes;
}

function chunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, "latin1");
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}

export interface PictureFacts {
  readonly width: number;
  readonly height: number;
  /** Null for a PNG that is written otherwise than `picture` writes. */
  readonly colour: string | null;
}

/** Null for what is not a PNG. */
export function describePicture(png: Uint8Array): PictureFacts | null {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  if (bytes.length < 33 || !bytes.subarray(0, 8).equals(SIGNATURE)) return null;
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const isOurs = bytes.subarray(24, 29).equals(Buffer.from([8, 2, 0, 0, 0]));
  return { width, height, colour: isOurs ? dominant(bytes, width, height) : null };
}

const PIXELS_LOOKED_AT = 4_096;

function dominant(png: Buffer, width: number, height: number): string | null {
  const rows = pixels(png, height * (1 + width * 3));
  if (rows === null) return null;
  const votes = new Map<Colour, number>();
  const step = Math.max(1, Math.floor((width * height) / PIXELS_LOOKED_AT));
  for (let pixel = 0; pixel < width * height; pixel += step) {
    const row = Math.floor(pixel / width) * (1 + width * 3);
    if (rows[row] !== 0) return null;
    const at = row + 1 + (pixel % width) * 3;
    const colour = nearestColour(rows[at] ?? 0, rows[at + 1] ?? 0, rows[at + 2] ?? 0);
    votes.set(colour, (votes.get(colour) ?? 0) + 1);
  }
  return [...votes].sort(([, one], [, other]) => other - one)[0]?.[0] ?? null;
}

/** The rows, each behind its filter; null when they are not there whole. */
function pixels(png: Buffer, bytes: number): Buffer | null {
  const parts: Buffer[] = [];
  for (let at = 8; at + 12 <= png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  try {
    const rows = inflateSync(Buffer.concat(parts), { maxOutputLength: Math.max(1, bytes) });
    return rows.length === bytes ? rows : null;
  } catch {
    return null;
  }
}

function nearestColour(red: number, green: number, blue: number): Colour {
  const distance = (name: Colour): number => {
    const [r, g, b] = COLOURS[name];
    return Math.hypot(r - red, g - green, b - blue);
  };
  return COLOUR_NAMES.reduce((best, name) => (distance(name) < distance(best) ? name : best));
}

function tellPicture(image: Uint8Array): string {
  const facts = describePicture(image);
  if (facts === null) return "A picture that is not a PNG.";
  const size = `A picture of ${facts.width}×${facts.height} pixels`;
  return facts.colour === null ? `${size}.` : `${size}, mostly ${facts.colour}.`;
}
