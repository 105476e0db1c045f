// Answers that come bit by bit: lines of JSON, and server-sent events.
//
// Source: WHATWG HTML, "Server-sent events", §9.2.6 (field parsing); ndjson.org. A line is bounded, as every piece is.

import type { Json } from "../base/json.ts";
import { servicesProblems } from "./problems.ts";
import { saidIn } from "./said.ts";

/** UTF-16 units of one line: protects memory from a line without end. */
const LINE_LENGTH_MAX = 4 << 20;

async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let held = "";
  for await (const part of body) {
    held += decoder.decode(part, { stream: true });
    let from = 0;
    for (let at = held.indexOf("\n"); at >= 0; at = held.indexOf("\n", from)) {
      yield held.slice(from, at).replace(/\r$/, "");
      from = at + 1;
    }
    held = held.slice(from);
    if (held.length > LINE_LENGTH_MAX)
      throw servicesProblems.SERVICE_ANSWER_INVALID(`A line of its answer is longer than ${LINE_LENGTH_MAX} (LINE_LENGTH_MAX).`);
  }
  held += decoder.decode();
  if (held !== "") yield held;
}

/** Gives false in the end: lines do not say which is the last. */
export async function* jsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<Json, boolean> {
  for await (const line of lines(body)) if (line.trim() !== "") yield requireWhole(parsed(line));
  return false;
}

/** The data of each event; gives in the end whether it was said that nothing follows, by `[DONE]`. */
export async function* eventData(body: AsyncIterable<Uint8Array>): AsyncGenerator<Json, boolean> {
  let data: string[] = [];
  for await (const line of lines(body)) {
    if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
    if (line !== "" || data.length === 0) continue;
    const text = data.join("\n");
    data = [];
    if (text === "[DONE]") return true;
    yield requireWhole(parsed(text));
  }
  if (data[0] === "[DONE]") return true;
  if (data.length > 0) yield requireWhole(parsed(data.join("\n")));
  return false;
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw servicesProblems.SERVICE_ANSWER_INVALID("A piece of its answer is no JSON.", { facts: { piece: text } });
  }
}

/** Services that fail after they said that all was well say so in their answer, or in a piece of it. */
export function requireWhole(piece: Json): Json {
  const { error, type } = (typeof piece === "object" && piece !== null ? piece : {}) as { error?: Json; type?: Json };
  if (error === undefined || error === null || (type !== undefined && type !== "error")) return piece;
  throw servicesProblems.SERVICE_UNAVAILABLE(`It gives up and says: ${saidIn(piece)}`);
}
