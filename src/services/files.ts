// Files in values: large ones leave the journal and are kept beside it, and come back where a service needs them.
//
// A file in a value is `{ mediaType, data }` with base64, or `{ mediaType, blob, bytes }` once it is kept.

import type { Json } from "../base/json.ts";
import { servicesProblems, shown } from "./problems.ts";

export interface Files {
  /** Keeps bytes for a run, as long as the run is kept; gives the name they are found by. */
  put(bytes: Uint8Array, run: string | null): string;
  /** Keeps it for that run, too. */
  get(name: string, run: string | null): Buffer | null;
}

/** Characters of base64 that stay in the value. */
const INLINE_LENGTH_MAX = 4_096;

type Members = Readonly<Record<string, Json>>;

/** The same value with its large files kept beside. */
export function storedFiles(value: Json, files: Files, run: string | null): Json {
  return mapped(value, (members) => {
    if (typeof members.mediaType !== "string") return null;
    const { mediaType, data, ...rest } = members;
    if (typeof data !== "string" || data.length <= INLINE_LENGTH_MAX || !/^[A-Za-z0-9+/]+={0,2}$/.test(data)) return null;
    const bytes = Buffer.from(data, "base64");
    return { ...rest, mediaType, blob: files.put(bytes, run), bytes: bytes.length };
  });
}

/** The same value with its files spelled out. Throws SERVICE_INPUT_INVALID where one is not there. */
export function withFiles(value: Json, files: Files, run: string | null): Json {
  return mapped(value, (members) => {
    if (typeof members.mediaType !== "string" || typeof members.blob !== "string") return null;
    const { mediaType, blob, ...rest } = members;
    if (rest.data !== undefined) return null;
    const bytes = files.get(blob, run);
    if (bytes === null) throw servicesProblems.SERVICE_INPUT_INVALID(`The file ${shown(blob)} is not there.`);
    return { ...rest, mediaType, data: bytes.toString("base64") };
  });
}

/** Objects for which `change` gives another are replaced; what has none in it stays the very same. */
function mapped(value: Json, change: (members: Members) => Json | null): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return mappedItems(value, change);
  const changed = change(value as Members);
  if (changed !== null) return changed;
  let made: Record<string, Json> | null = null;
  for (const key of Object.keys(value)) {
    const member = (value as Members)[key] ?? null;
    const other = mapped(member, change);
    if (other === member) continue;
    made ??= { ...(value as Members) };
    made[key] = other;
  }
  return made ?? value;
}

function mappedItems(items: readonly Json[], change: (members: Members) => Json | null): Json {
  if (typeof items[0] === "number") return items; // a vector
  let made: Json[] | null = null;
  for (let at = 0; at < items.length; at++) {
    const other = mapped(items[at] ?? null, change);
    if (other === items[at]) continue;
    made ??= [...items];
    made[at] = other;
  }
  return made ?? items;
}
