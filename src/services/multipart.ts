// Forms with files (RFC 7578). Names come from data: nothing in them ends a line or a quoted text.

import { createHash } from "node:crypto";
import { basename } from "node:path/posix";
import type { FormPart } from "./service.ts";

export function multipart(parts: readonly FormPart[]): { readonly contentType: string; readonly body: Buffer } {
  const contents = parts.map(({ value }) =>
    typeof value === "string" ? Buffer.from(value) : Buffer.from(value.data ?? "", "base64"),
  );
  const boundary = boundaryFor(contents);
  const pieces = parts.flatMap((part, at) => [
    Buffer.from(`--${boundary}\r\n${headersOf(part)}\r\n\r\n`),
    contents[at] ?? Buffer.alloc(0),
    Buffer.from("\r\n"),
  ]);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

/** One that stands in no part; the same for the same parts, so that an attempt made again sends the same. */
function boundaryFor(contents: readonly Buffer[]): string {
  const hash = createHash("sha256");
  for (const content of contents) hash.update(content);
  let boundary = `baton-${hash.digest("hex").slice(0, 32)}`;
  while (contents.some((content) => content.includes(boundary))) boundary += "x";
  return boundary;
}

function headersOf({ name, value, fileName }: FormPart): string {
  if (typeof value === "string") return `Content-Disposition: form-data; name="${safe(name)}"`;
  const type = /^[\w.+-]+\/[\w.+-]+$/.test(value.mediaType) ? value.mediaType : "application/octet-stream";
  const file = safeFileName(fileName ?? "file");
  return `Content-Disposition: form-data; name="${safe(name)}"; filename="${file}"\r\nContent-Type: ${type}`;
}

/** As the WHATWG's form encoding has it: quotes and line ends are written as percent escapes. */
function safe(text: string): string {
  return text.replaceAll("\n", "%0A").replaceAll("\r", "%0D").replaceAll('"', "%22").replaceAll("\0", "");
}

/** The name alone: no path leads anywhere. */
export function safeFileName(text: string): string {
  const name = basename(text.replaceAll("\\", "/").replaceAll("\0", ""));
  return safe(/^\.*$/.test(name) ? "file" : name.slice(0, 200));
}
