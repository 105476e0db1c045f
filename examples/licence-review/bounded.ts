// Reading a file of strangers: never more than asked, never a pipe or a device that would not end, never an exception.

import { constants } from "node:fs";
import { open } from "node:fs/promises";

type BoundedRead =
  | { readonly kind: "read"; readonly bytes: Buffer; readonly truncated: boolean; readonly totalBytes: number }
  /** `code` as the system says it (ENOENT, EACCES, …), or NOT_A_FILE. */
  | { readonly kind: "failed"; readonly code: string };

export async function readBounded(file: string, bytesMax: number): Promise<BoundedRead> {
  try {
    // Without O_NONBLOCK, opening a pipe would wait for somebody to write to it.
    await using handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = await handle.stat();
    if (!status.isFile()) return { kind: "failed", code: "NOT_A_FILE" };
    const bytes = Buffer.alloc(Math.min(bytesMax, status.size));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return { kind: "read", bytes: bytes.subarray(0, bytesRead), truncated: status.size > bytesMax, totalBytes: status.size };
  } catch (error) {
    return { kind: "failed", code: codeOf(error) };
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "UNKNOWN";
}
