// Secrets must not be seen in what is recorded: their texts are replaced, as they are and as they are usually written.

import type { Json } from "../base/json.ts";

const MASK = "«secret»";

/** A value in which none of the secrets is seen: plain, in base64, as part of a URL, or inside JSON text. */
export function masked(value: Json, secrets: readonly string[]): Json {
  if (secrets.length === 0) return value;
  return maskedValue(value, secretForms(secrets));
}

/** How secrets are usually written, the longest first. */
export function secretForms(secrets: readonly string[]): string[] {
  return [...new Set(secrets.flatMap(formsOf))].toSorted((a, b) => b.length - a.length);
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString("base64"),
    bytes.toString("base64url"),
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
  ];
}

function maskedValue(value: Json, forms: readonly string[]): Json {
  if (typeof value === "string")
    return forms.reduce((text, form) => (text.includes(form) ? text.replaceAll(form, MASK) : text), value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => maskedValue(item, forms));
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [maskedValue(key, forms) as string, maskedValue(member, forms)]),
  );
}
