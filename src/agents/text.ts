// Text of strangers, cleaned of what people cannot see: a model would read it, and nobody would know.
//
// Source: Unicode 16, tag characters (E0000–E007F), zero-width and bidirectional controls (UAX #9), variation selectors;
// ECMA-48 control sequences.

const HIDDEN =
  /[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u00ad\u061c\u180e]|[\u{e0000}-\u{e007f}]|[\u{e0100}-\u{e01ef}]/gu;

const SEQUENCES =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

export interface Cleaned {
  readonly text: string;
  /** Characters that were taken out. */
  readonly hidden: number;
}

export function cleanText(text: string): Cleaned {
  const clean = text.toWellFormed().replace(SEQUENCES, "").replace(HIDDEN, "");
  return { text: clean, hidden: text.length - clean.length };
}

/** The same with what people cannot see written out, so that what is looked at is what there is. */
export function visibleText(text: string): string {
  const written = (hidden: string): string => `\\u{${(hidden.codePointAt(0) ?? 0).toString(16)}}`;
  return text
    .toWellFormed()
    .replace(SEQUENCES, (found) => [...found].map(written).join(""))
    .replace(HIDDEN, written);
}

/** A key that stands twice in one object of well-formed JSON, where nobody can say which is meant; null where there is none. */
export function doubledKey(json: string): string | null {
  const open: Set<string>[] = [];
  for (const [token, key, colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (key !== undefined && colon !== undefined) {
      const name = JSON.parse(key) as string;
      if (open.at(-1)?.has(name) === true) return name;
      open.at(-1)?.add(name);
    }
  }
  return null;
}
