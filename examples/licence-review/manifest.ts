// A package's manifest, read so that whatever is there becomes a value: package.json, or why there is none.

import path from "node:path";
import { readBounded } from "./bounded.ts";
import { MANIFEST_BYTES_MAX } from "./limits.ts";

export type ManifestRead =
  | { readonly kind: "read"; readonly fields: Readonly<Record<string, unknown>> }
  /** `why` is a sentence for the report. */
  | { readonly kind: "none"; readonly why: string };

export async function readManifest(directory: string): Promise<ManifestRead> {
  const read = await readBounded(path.join(directory, "package.json"), MANIFEST_BYTES_MAX);
  if (read.kind === "read") return parseManifest(read.bytes.toString("utf8"), read.truncated);
  if (read.code === "ENOENT") return { kind: "none", why: "it has no package.json" };
  return { kind: "none", why: `its package.json cannot be read (${read.code})` };
}

export function parseManifest(text: string, truncated = false): ManifestRead {
  if (truncated) return { kind: "none", why: `its package.json is larger than ${MANIFEST_BYTES_MAX} bytes` };
  try {
    const fields: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
    if (typeof fields === "object" && fields !== null && !Array.isArray(fields))
      return { kind: "read", fields: fields as Record<string, unknown> };
    return { kind: "none", why: "its package.json holds no object" };
  } catch {
    return { kind: "none", why: "its package.json is not JSON" };
  }
}
